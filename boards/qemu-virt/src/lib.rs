//! Nex for QEMU's virt machine.
#![cfg_attr(not(test), no_std)]
