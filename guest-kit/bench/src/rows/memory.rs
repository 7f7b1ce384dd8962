//! Memory: pages that were never touched, and pages that were; address spaces.

use super::{empty, kernel_loop};
use crate::measure::{How, Row};
use crate::memory_map::{
    FRAMES, LATE_PAGES, LATE_VA, PAGES, PAGES_VA, SECTIONS, SECTIONS_VA, SWITCHED_VA, USER_DATA_VA,
};
use crate::mmu::{KERNEL_PAGE, LATE_ENTRIES, Space};

const fn sweep(name: &'static str, pages: u32, sweeps: u32) -> Row {
    Row::new("memory", name, sweeps, How::Warm(sweep_pages)).arguments([PAGES_VA, pages, 0]).operations(pages)
}

/// The misses come first: the sweeps touch the same pages.
pub(super) const ROWS: &[Row] = &[
    Row::new("memory", "first touch, page", PAGES, How::Net(touch, skip)).arguments([PAGES_VA, 4096, 0]),
    Row::new("memory", "first touch, section", SECTIONS, How::Net(touch, skip)).arguments([
        SECTIONS_VA,
        1 << 20,
        0,
    ]),
    Row::new("memory", "page mapped and touched", LATE_PAGES, How::Net(map_and_touch, skip)).arguments([
        LATE_VA,
        LATE_ENTRIES,
        FRAMES | KERNEL_PAGE,
    ]),
    sweep("128 pages again and again", 128, 800),
    sweep("256 pages again and again", 256, 400),
    sweep("1024 pages again and again", 1024, 100),
    sweep("16384 pages again and again", 16384, 10),
    switches("address space switch", switch),
    switches("address space switch, 16 pages", switch_touch),
    Row::new("memory", "LDRT of user memory", 20_000, How::Net(ldrt, empty)).arguments([USER_DATA_VA, 0, 0]),
    Row::new("memory", "STRT to user memory", 20_000, How::Net(strt, empty)).arguments([USER_DATA_VA, 0, 0]),
];

const fn switches(name: &'static str, run: crate::measure::Loop) -> Row {
    Row::new("memory", name, 1000, How::Warm(run)).operations(2).arguments([
        Space::First.ttbr(),
        Space::Second.ttbr(),
        SWITCHED_VA,
    ])
}

kernel_loop! {
    /// A load every r2 bytes from r1 on.
    touch: "ldr r4, [r1]\nadd r1, r1, r2"
}
kernel_loop! {
    /// The same without the load.
    skip: "add r1, r1, r2"
}
kernel_loop! {
    /// Writes a descriptor, from r3 on, into the table at r2, and loads from its page, from r1 on. Linux does it so: as
    /// nothing was mapped there, the TLB need not be told.
    map_and_touch: "str r3, [r2], #4\ndsb\nisb\nldr r4, [r1]\nadd r3, r3, #4096\nadd r1, r1, #4096"
}
kernel_loop! {
    /// Sweeps over r2 pages from r1 on.
    sweep_pages: "mov r4, r1\nmov r5, r2\n8: ldr r6, [r4]\nadd r4, r4, #4096\nsubs r5, r5, #1\nbne 8b"
}

/// Changes the address space as Linux does with short descriptors: by way of the kernel's own table, so that no walk
/// meets a new ASID with an old table (DDI 0406C B3.10.4).
macro_rules! switch_to {
    ($ttbr:literal, $asid:literal) => {
        concat!(
            "mrc p15, 0, r4, c2, c0, 1\n",
            "mcr p15, 0, r4, c2, c0, 0\n",
            "isb\n",
            "mov r5, #",
            $asid,
            "\n",
            "mcr p15, 0, r5, c13, c0, 1\n",
            "isb\n",
            "mcr p15, 0, ",
            $ttbr,
            ", c2, c0, 0\n",
            "isb\n"
        )
    };
}

/// Loads from 16 pages from r3 on.
macro_rules! touch_16 {
    () => {
        "mov r6, r3\nmov r7, #16\n8: ldr r4, [r6]\nadd r6, r6, #4096\nsubs r7, r7, #1\nbne 8b\n"
    };
}

/// A loop whose body is two switches, each with what follows it.
macro_rules! switch_loop {
    ($name:ident, $then:expr) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: u32, _: u32, _: u32, _: u32) -> u32 {
            core::arch::naked_asm!(
                "push {{r4-r11, lr}}",
                "9:",
                switch_to!("r2", "2"),
                $then,
                switch_to!("r1", "1"),
                $then,
                "subs r0, r0, #1",
                "bne 9b",
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

switch_loop!(switch, "");
switch_loop!(switch_touch, touch_16!());

kernel_loop! { ldrt: "ldrt r4, [r1]" }
kernel_loop! { strt: "strt r4, [r1]" }
