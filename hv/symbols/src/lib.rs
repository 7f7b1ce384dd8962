//! The compact symbol table inside a Nex image.
#![cfg_attr(not(test), no_std)]
