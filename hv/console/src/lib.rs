//! Console logic: whole lines from many sources, input focus and escape sequence.
#![cfg_attr(not(test), no_std)]
