//! The Nex image for QEMU's `vexpress-a9`. The board is in the library; everything else is in `nex-hv`.
#![no_std]
#![no_main]

nex_hv::board_main!(nex_vexpress_a9::BOARD);
