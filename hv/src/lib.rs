//! The Nex hypervisor core; knows no board.
#![cfg_attr(not(test), no_std)]
