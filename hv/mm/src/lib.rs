//! Memory logic: address types, short descriptors, frame ownership, address spaces.
#![cfg_attr(not(test), no_std)]
