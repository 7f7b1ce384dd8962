//! What Nex is booted with: device tree or ATAGs, boot volume, nex.toml, kernel images.
#![cfg_attr(not(test), no_std)]
