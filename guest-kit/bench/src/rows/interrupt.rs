//! Interrupts: taken, acknowledged and ended by `vectors::irq`, which counts them in r8.

use super::{empty, kernel_loop};
use crate::measure::{How, Row};
use crate::memory_map::GICD;

pub(super) const ROWS: &[Row] = &[
    Row::new("interrupt", "SGI to self, handled", 5000, How::Net(sgi, empty)).arguments([
        GICD + 0xf00,
        2 << 24,
        0,
    ]),
    Row::new("interrupt", "timer programmed, handled", 2000, How::Net(timer, timer_spin)),
    Row::new("interrupt", "WFI wake by timer", 2000, How::Own(wfi)),
];

kernel_loop! {
    /// SGI 0, to this CPU alone (target list filter 2); waits until it was handled. One pass of the waiting is needed.
    sgi: "mov r8, #0\nmov r9, #0\ncpsie i",
    "add r9, r9, #1
     str r2, [r1]
     8: cmp r8, r9
     bne 8b",
    "cpsid i"
}

kernel_loop! {
    /// Programs the timer to a microsecond from now, or the next tick where ticks are longer than half of that, and works on
    /// for 3072 instructions, within which the interrupt comes.
    timer: "mov r8, #0
     mov r9, #0
     mrc p15, 0, r1, c14, c0, 0
     lsrs r1, r1, #20
     moveq r1, #1
     cpsie i",
    "mrrc p15, 1, r4, r5, c14
     adds r4, r4, r1
     adc r5, r5, #0
     mcrr p15, 3, r4, r5, c14
     mov r6, #1
     mcr p15, 0, r6, c14, c3, 1
     add r9, r9, #1
     mov r7, #1536
     7: subs r7, r7, #1
     bne 7b
     8: cmp r8, r9
     bne 8b",
    "cpsid i"
}

kernel_loop! {
    /// The same work without the interrupt.
    timer_spin: "", "mov r7, #1536\n7: subs r7, r7, #1\nbne 7b"
}

kernel_loop! {
    /// Sleeps with interrupts masked, as Linux does, until the timer's 256 ticks are over, and adds up how much later than
    /// that the counter is read.
    ///
    /// A tick is 16 instructions, or as many as CNTFRQ says. To see less than that, an even number of more instructions goes
    /// before the reading, from 0 to what is left in a tick: over as many passes, what rounding down loses and what these
    /// add is the same (the sum of floor((L + k) / 16) over k is L).
    wfi: "mov r9, #0
     mov r8, #0
     mov r11, #0
     movw r3, #0x6500 @ 500 million: instructions in a second by two
     movt r3, #0x1dcd
     mrc p15, 0, r4, c14, c0, 0
     7: subs r3, r3, r4
     addhs r8, r8, #1
     bhs 7b",
    "mrrc p15, 1, r4, r5, c14
     adds r4, r4, #256
     adc r5, r5, #0
     mcrr p15, 3, r4, r5, c14
     mov r6, #1
     mcr p15, 0, r6, c14, c3, 1
     isb
     subs r11, r11, #1
     submi r11, r8, #1
     mov r7, r11
     dsb
     8: wfi
     7: subs r7, r7, #1
     bge 7b
     mrrc p15, 1, r2, r3, c14
     subs r2, r2, r4
     sbcs r3, r3, r5
     blo 8b
     add r9, r9, r2
     mov r6, #0
     mcr p15, 0, r6, c14, c3, 1",
    "mov r0, r9"
}
