//! The sEDF scheduler of Nex, without hardware.
#![cfg_attr(not(test), no_std)]
