//! Nex for NVIDIA Tegra 2 (Motorola Xoom).
#![cfg_attr(not(test), no_std)]
