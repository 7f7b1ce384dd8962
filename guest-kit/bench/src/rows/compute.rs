//! Work that needs nothing of a kernel.

use super::kernel_loop;
use crate::measure::{How, Row};
use crate::memory_map::FRAMES;

pub(super) const ROWS: &[Row] = &[Row::new("compute", "loop of 20 million", 1_000_000, How::Whole(compute))
    .operations(20)
    .arguments([FRAMES, 0, 0])];

kernel_loop! {
    /// Twenty instructions a pass: arithmetic, shifts, multiplication, loads and stores.
    compute: "mov r4, #1\nmov r5, #2\nmov r6, #3\nmov r7, #5",
    "add r4, r4, r5, ror #7
     eor r5, r5, r4, lsl #3
     mul r6, r4, r5
     str r6, [r1]
     sub r7, r7, r6
     ldr r8, [r1]
     adc r4, r4, r8
     orr r9, r4, #0x81
     umull r10, r11, r9, r7
     eor r5, r5, r11
     stm r1, {{r4-r7}}
     ldm r1, {{r8-r11}}
     clz r12, r8
     lsr r5, r9, r12
     cmp r5, r10
     movhi r5, r7
     uxtb r2, r5
     add r7, r7, r2"
}
