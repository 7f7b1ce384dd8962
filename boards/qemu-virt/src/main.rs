//! The Nex image for QEMU's `virt` machine. The board is in the library; everything else is in `nex-hv`.
#![no_std]
#![no_main]

nex_hv::board_main!(nex_qemu_virt::BOARD);
