//! The hypercall ABI of Nex: numbers, errors and layouts shared by hypervisor and guests.
#![cfg_attr(not(test), no_std)]
