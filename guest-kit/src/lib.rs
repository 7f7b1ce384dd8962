//! Write guests for Nex in Rust.
#![cfg_attr(not(test), no_std)]
