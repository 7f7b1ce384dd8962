//! The Nex image for Tegra 2. The board is in the library; everything else is in `nex-hv`.
#![no_std]
#![no_main]

nex_hv::board_main!(nex_tegra2::BOARD, early = nex_tegra2::early::early);
