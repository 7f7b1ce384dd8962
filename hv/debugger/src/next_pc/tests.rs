use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Next, next};

/// Where the instruction under test lies.
const PC: u32 = 0x1000;
const N: u32 = 1 << 31;
const Z: u32 = 1 << 30;
const C: u32 = 1 << 29;
const V: u32 = 1 << 28;

struct Case {
    r: [u32; 16],
    cpsr: u32,
    memory: BTreeMap<u32, u8>,
}

impl Case {
    fn a32(word: u32) -> Self {
        Self::new(0x10, &word.to_le_bytes())
    }

    fn t32(halfwords: &[u16]) -> Self {
        let bytes: Vec<u8> = halfwords.iter().flat_map(|half| half.to_le_bytes()).collect();
        Self::new(0x30, &bytes)
    }

    fn new(cpsr: u32, code: &[u8]) -> Self {
        let mut case = Case { r: [0; 16], cpsr, memory: BTreeMap::new() };
        case.r[15] = PC;
        case.bytes(PC, code)
    }

    fn at(mut self, pc: u32) -> Self {
        let code: Vec<u8> = self.memory.values().copied().collect();
        self.memory.clear();
        self.r[15] = pc;
        self.bytes(pc, &code)
    }

    fn r(mut self, n: usize, value: u32) -> Self {
        self.r[n] = value;
        self
    }

    fn flags(mut self, bits: u32) -> Self {
        self.cpsr |= bits;
        self
    }

    /// ITSTATE, as A2.5.2 scatters it.
    fn it(self, state: u32) -> Self {
        self.flags((state & 0xfc) << 8 | (state & 3) << 25)
    }

    fn bytes(mut self, at: u32, bytes: &[u8]) -> Self {
        for (n, &byte) in bytes.iter().enumerate() {
            self.memory.insert(at + n as u32, byte);
        }
        self
    }

    fn word(self, at: u32, value: u32) -> Self {
        self.bytes(at, &value.to_le_bytes())
    }

    fn next(&self) -> Option<Next> {
        next(&self.r, self.cpsr, &mut |at, width| {
            (0..width).try_fold(0, |value, n| {
                Some(value | u32::from(*self.memory.get(&at.wrapping_add(n))?) << (8 * n))
            })
        })
    }

    #[track_caller]
    fn goes_to(self, address: u32, thumb: bool) {
        let next = self.next().map(|next| (next.address, next.thumb));
        assert_eq!(next, Some((address, thumb)), "{:x?}", self.r);
    }

    #[track_caller]
    fn has_no_answer(self) {
        assert_eq!(self.next(), None);
    }
}

#[test]
fn a32_goes_on_behind() {
    for word in [
        0xe1a0_0000, // mov r0, r0
        0xe590_1000, // ldr r1, [r0]
        0xe5cf_f000, // strb pc, [pc]
        0xe8bd_000f, // pop {r0-r3}
        0xe92d_8000, // push {pc}
        0xe15f_000f, // cmp pc, pc
        0xe140_0070, // hvc #0
        0xef00_0000, // svc #0
        0xee1d_0f90, // mrc p15, 0, r0, c13, c0, 4
        0xee17_ff1f, // mrc with r15: flags only
        0xe000_f091, // mul with 15 as destination, in the multiplies' place for it
        0xf57f_f05f, // dmb sy
        0xe30f_ffff, // movw pc: unpredictable, but no branch
        0xe7f0_00f0, // udf
    ] {
        Case::a32(word).goes_to(PC + 4, false);
    }
}

#[test]
fn a32_branches() {
    Case::a32(0xeaff_fffe).goes_to(PC, false); // b .
    Case::a32(0xeb00_0010).goes_to(PC + 8 + 0x40, false); // bl
    Case::a32(0xfa00_0000).goes_to(PC + 8, true); // blx
    Case::a32(0xfbff_ffff).goes_to(PC + 6, true); // blx, halfword
    Case::a32(0xe12f_ff1e).r(14, 0x2000).goes_to(0x2000, false); // bx lr
    Case::a32(0xe12f_ff1e).r(14, 0x2003).goes_to(0x2002, true);
    Case::a32(0xe12f_ff1e).r(14, 0x2002).has_no_answer();
    Case::a32(0xe12f_ff33).r(3, 0x4001).goes_to(0x4000, true); // blx r3
    Case::a32(0xe12f_ff23).r(3, 0x4000).goes_to(0x4000, false); // bxj r3
}

#[test]
fn a32_conditions() {
    // One of each pair holds, whatever the flags: b<cond> to PC + 8.
    for bits in 0..16u32 {
        let (n, z, c, v) = (bits & 8 != 0, bits & 4 != 0, bits & 2 != 0, bits & 1 != 0);
        let holds = [z, c, n, v, c && !z, n == v, !z && n == v];
        for (pair, &first) in holds.iter().enumerate() {
            for (odd, taken) in [(0, first), (1, !first)] {
                let word = (2 * pair as u32 + odd) << 28 | 0x0a00_0000;
                let to = if taken { PC + 8 } else { PC + 4 };
                Case::a32(word).flags(bits << 28).goes_to(to, false);
            }
        }
    }
}

#[test]
fn a32_data_processing() {
    Case::a32(0xe1a0_f00e).r(14, 0x8001).goes_to(0x8000, true); // mov pc, lr
    Case::a32(0x11a0_f00e).r(14, 0x8000).flags(Z).goes_to(PC + 4, false); // movne pc, lr
    Case::a32(0xe08f_f100).r(0, 3).goes_to(PC + 8 + 12, false); // add pc, pc, r0, lsl #2
    Case::a32(0xe24f_f010).goes_to(PC + 8 - 0x10, false); // sub pc, pc, #16
    Case::a32(0xe28f_f101).goes_to((PC + 8).wrapping_add(0x4000_0000), false); // add pc, pc, #0x40000000
    Case::a32(0xe3a0_f602).goes_to(0x20_0000, false); // mov pc, #0x200000
    Case::a32(0xe3e0_f003).goes_to(0xffff_fffc, false); // mvn pc, #3
    Case::a32(0xe1a0_f220).r(0, 0x8_0000).goes_to(0x8000, false); // mov pc, r0, lsr #4
    Case::a32(0xe1a0_f020).r(0, 0x8_0000).goes_to(0, false); // lsr #32
    Case::a32(0xe1a0_f040).r(0, N).goes_to_unaligned(); // asr #32: all ones
    Case::a32(0xe1a0_f060).r(0, 8).flags(C).goes_to(0x8000_0004, false); // rrx
    Case::a32(0xe1a0_f260).r(0, 0x8_0001).goes_to(0x1000_8000, false); // ror #4
    Case::a32(0xe0a0_f001).r(0, 0x100).r(1, 3).flags(C).goes_to(0x104, false); // adc
    Case::a32(0xe0c0_f001).r(0, 0x105).r(1, 4).goes_to(0x100, false); // sbc, carry clear
    Case::a32(0xe0e0_f001).r(0, 4).r(1, 0x104).flags(C).goes_to(0x100, false); // rsc
    Case::a32(0xe060_f001).r(0, 4).r(1, 0x104).goes_to(0x100, false); // rsb
    Case::a32(0xe1c0_f001).r(0, 0x1ff).r(1, 0xff).goes_to(0x100, false); // bic
    Case::a32(0xe020_f001).r(0, 0x1ff).r(1, 0xff).goes_to(0x100, false); // eor
    Case::a32(0xe000_f001).r(0, 0x1ff).r(1, 0x100).goes_to(0x100, false); // and
    Case::a32(0xe180_f001).r(0, 0x100).r(1, 0x11).goes_to(0x110, true); // orr
    Case::a32(0xe1a0_f110).r(0, 0x40).r(1, 4).goes_to(0x400, false); // mov pc, r0, lsl r1
    Case::a32(0xe1a0_f110).r(0, 0x40).r(1, 0x120).goes_to(0, false); // by 32: nothing left
    Case::a32(0xe1a0_f150).r(0, N).r(1, 40).goes_to_unaligned(); // asr by 40: all ones
    Case::a32(0xe1b0_f00e).has_no_answer(); // movs pc, lr
    Case::a32(0xe25e_f004).has_no_answer(); // subs pc, lr, #4
}

impl Case {
    /// All ones: T32 state, bit 0 cleared.
    #[track_caller]
    fn goes_to_unaligned(self) {
        self.goes_to(0xffff_fffe, true);
    }
}

#[test]
fn a32_loads() {
    Case::a32(0xe59f_f004).word(PC + 12, 0x5000).goes_to(0x5000, false); // ldr pc, [pc, #4]
    Case::a32(0xe51f_f004).word(PC + 4, 0x5001).goes_to(0x5000, true); // ldr pc, [pc, #-4]
    Case::a32(0xe49d_f004).r(13, 0x9000).word(0x9000, 0x5000).goes_to(0x5000, false); // pop {pc}
    Case::a32(0xe5bd_f004).r(13, 0x9000).word(0x9004, 0x5000).goes_to(0x5000, false); // ldr pc, [sp, #4]!
    Case::a32(0xe79f_f101).r(1, 2).word(PC + 16, 0x6000).goes_to(0x6000, false); // ldr pc, [pc, r1, lsl #2]
    Case::a32(0xe71f_f001).r(1, 4).word(PC + 4, 0x6000).goes_to(0x6000, false); // ldr pc, [pc, -r1]
    Case::a32(0xe59f_f004).has_no_answer(); // not readable
    Case::a32(0xe591_f000).r(1, 0x9002).word(0x9002, 0).has_no_answer(); // unaligned
    Case::a32(0xe8bd_8070).r(13, 0x9000).word(0x900c, 0x7000).goes_to(0x7000, false); // pop {r4-r6, pc}
    Case::a32(0xe990_8001).r(0, 0x9000).word(0x9008, 0x7001).goes_to(0x7000, true); // ldmib
    Case::a32(0xe810_8001).r(0, 0x9000).word(0x9000, 0x7000).goes_to(0x7000, false); // ldmda
    Case::a32(0xe910_8001).r(0, 0x9000).word(0x8ffc, 0x7000).goes_to(0x7000, false); // ldmdb
    Case::a32(0xe8fd_8070).r(13, 0x9000).word(0x900c, 0x7000).has_no_answer(); // ldm ^: exception return
    Case::a32(0xf8bd_0a00).r(13, 0x9000).has_no_answer(); // rfeia sp!
}

#[test]
fn a32_refuses_unaligned_and_unreadable() {
    Case::a32(0xe1a0_0000).at(PC + 2).has_no_answer();
    Case::a32(0xe1a0_0000).r(15, 0x8000).has_no_answer();
}

#[test]
fn t32_goes_on_behind() {
    for short in [0xbf00u16, 0x4671, 0xb500, 0xbc01, 0xdf00, 0xde00, 0x4587, 0xbf08] {
        Case::t32(&[short]).goes_to(PC + 2, true);
    }
    for long in [
        [0xf7e0u16, 0x8000], // hvc #0
        [0xf3bf, 0x8f5f],    // dmb
        [0xf3af, 0x8003],    // wfi.w
        [0xe8bd, 0x0010],    // pop.w {r4}
        [0xe92d, 0x4010],    // push.w
        [0xf8d0, 0x1000],    // ldr.w r1, [r0]
        [0xf890, 0xf000],    // pld
        [0xebb0, 0x0f01],    // cmp.w
        [0xee1d, 0x0f90],    // mrc
        [0xf1b0, 0x0f01],    // cmp.w #1
    ] {
        Case::t32(&long).goes_to(PC + 4, true);
    }
}

#[test]
fn t32_branches() {
    Case::t32(&[0xe7fe]).goes_to(PC, true); // b .
    Case::t32(&[0xd001]).flags(Z).goes_to(PC + 6, true); // beq
    Case::t32(&[0xd001]).goes_to(PC + 2, true);
    Case::t32(&[0xdbfd]).flags(V).goes_to(PC - 2, true); // blt, back
    Case::t32(&[0x4770]).r(14, 0x2001).goes_to(0x2000, true); // bx lr
    Case::t32(&[0x4778]).goes_to(PC + 4, false); // bx pc
    Case::t32(&[0x4798]).r(3, 0x2000).goes_to(0x2000, false); // blx r3
    Case::t32(&[0x46f7]).r(14, 0x2000).goes_to(0x2000, true); // mov pc, lr: stays in T32
    Case::t32(&[0x4487]).r(0, 0x10).goes_to(PC + 4 + 0x10, true); // add pc, r0
    Case::t32(&[0xb110]).r(0, 0).goes_to(PC + 8, true); // cbz
    Case::t32(&[0xb110]).r(0, 1).goes_to(PC + 2, true);
    Case::t32(&[0xbb10]).r(0, 1).goes_to(PC + 4 + 0x44, true); // cbnz, with i
    Case::t32(&[0xf000, 0xf802]).goes_to(PC + 8, true); // bl
    Case::t32(&[0xf7ff, 0xfffe]).goes_to(PC, true); // bl .
    Case::t32(&[0xf000, 0xe802]).goes_to(PC + 8, false); // blx
    Case::t32(&[0xf000, 0xe802]).at(PC + 2).goes_to(PC + 8, false); // from an unaligned one
    Case::t32(&[0xf000, 0xb802]).goes_to(PC + 8, true); // b.w
    Case::t32(&[0xf000, 0x8002]).flags(Z).goes_to(PC + 8, true); // beq.w
    Case::t32(&[0xf43f, 0xaffe]).flags(Z).goes_to(PC, true); // beq.w .
    Case::t32(&[0xf43f, 0xaffe]).goes_to(PC + 4, true);
    Case::t32(&[0xf3c3, 0x8f00]).r(3, 0x2000).goes_to(0x2000, false); // bxj
    Case::t32(&[0xf3de, 0x8f04]).has_no_answer(); // subs pc, lr, #4
}

#[test]
fn t32_loads_and_tables() {
    Case::t32(&[0xbd10]).r(13, 0x9000).word(0x9004, 0x2001).goes_to(0x2000, true); // pop {r4, pc}
    Case::t32(&[0xe8bd, 0x8ff0]).r(13, 0x9000).word(0x9020, 0x2000).goes_to(0x2000, false); // pop.w
    Case::t32(&[0xe911, 0x8001]).r(1, 0x9000).word(0x8ffc, 0x2001).goes_to(0x2000, true); // ldmdb
    Case::t32(&[0xf8df, 0xf004]).at(PC + 2).word(PC + 8, 0x2001).goes_to(0x2000, true); // ldr.w pc, [pc, #4]
    // ldr.w pc, [pc, #-4]: the literal is the instruction itself.
    Case::t32(&[0xf85f, 0xf004]).goes_to(0xf004_f85e, true);
    Case::t32(&[0xf8d1, 0xf008]).r(1, 0x9000).word(0x9008, 0x2001).goes_to(0x2000, true); // ldr.w pc, [r1, #8]
    Case::t32(&[0xf85d, 0xfb04]).r(13, 0x9000).word(0x9000, 0x2001).goes_to(0x2000, true); // ldr.w pc, [sp], #4
    Case::t32(&[0xf851, 0xfc04]).r(1, 0x9000).word(0x8ffc, 0x2001).goes_to(0x2000, true); // ldr.w pc, [r1, #-4]
    Case::t32(&[0xf851, 0xf022]).r(1, 0x9000).r(2, 3).word(0x900c, 0x2001).goes_to(0x2000, true); // lsl #2
    Case::t32(&[0xe8df, 0xf001]).r(1, 2).bytes(PC + 6, &[5]).goes_to(PC + 14, true); // tbb [pc, r1]
    Case::t32(&[0xe8d0, 0xf011]).r(0, 0x9000).r(1, 1).bytes(0x9002, &[0, 1]).goes_to(PC + 4 + 512, true); // tbh
    Case::t32(&[0xe990, 0xc000]).has_no_answer(); // rfe
}

#[test]
fn t32_it_blocks() {
    // ITSTATE 0x08: EQ, the last of the block; 0x18: NE.
    Case::t32(&[0x4770]).r(14, 0x2001).it(0x08).flags(Z).goes_to(0x2000, true); // bxeq lr
    Case::t32(&[0x4770]).r(14, 0x2001).it(0x08).goes_to(PC + 2, true);
    Case::t32(&[0x4770]).r(14, 0x2001).it(0x18).goes_to(0x2000, true); // bxne lr
    Case::t32(&[0xf8d1, 0xf008]).r(1, 0x9000).it(0x18).flags(Z).goes_to(PC + 4, true);
    Case::t32(&[0xbd00]).r(13, 0x9000).word(0x9000, 0x2001).it(0xcf).goes_to(0x2000, true); // gt, first of four
    Case::t32(&[0xbd00]).r(13, 0x9000).word(0x9000, 0x2001).it(0xcf).flags(N).goes_to(PC + 2, true);
}

#[test]
fn t32_at_the_end_of_memory() {
    Case::t32(&[0xbf00]).goes_to(PC + 2, true); // a short one needs nothing behind it
    Case::t32(&[0xf000]).has_no_answer();
}

#[test]
fn knows_what_looks_at_the_status() {
    let uses = |case: Case| case.next().is_some_and(|next| next.uses_status);
    for word in [0xe10f_0000, 0xe121_f000, 0xe321_f0d3, 0xf10c_0080, 0xf108_0040, 0xe320_f003] {
        assert!(uses(Case::a32(word)), "{word:08x}"); // mrs, msr, msr #, cpsid i, cpsie f, wfi
    }
    for word in [0xe1a0_0000, 0xe12f_ff1e, 0xe59f_0000, 0xe160_0070, 0xf101_0200, 0xe16f_0f10] {
        assert!(!uses(Case::a32(word)), "{word:08x}"); // mov, bx, ldr, smc, setend, clz
    }
    for code in [[0xf3ef, 0x8000], [0xf381, 0x8100], [0xf3af, 0x8040], [0xb672, 0], [0xbf30, 0]] {
        assert!(uses(Case::t32(&code)), "{code:04x?}"); // mrs, msr, cps.w, cpsid i, wfi
    }
    for code in [[0xf3bf, 0x8f4f], [0xf000, 0xf800], [0xbf08, 0], [0xb500, 0]] {
        assert!(!uses(Case::t32(&code)), "{code:04x?}"); // dsb, bl, it eq, push
    }
}

proptest! {
    /// Whatever the bits, there is an answer, aligned for its state.
    #[test]
    fn any_instruction_has_an_answer(word: u32, r: [u32; 15], cpsr: u32, value: u32) {
        let mut all = [PC; 16];
        all[..15].copy_from_slice(&r);
        let answer = next(&all, cpsr, &mut |at, width| match at {
            PC => Some(if width == 2 { word & 0xffff } else { word }),
            at if at == PC + 2 => Some(word >> 16),
            _ => Some(value & (u32::MAX >> (32 - 8 * width))),
        });
        if let Some(next) = answer {
            prop_assert_eq!(next.address & if next.thumb { 1 } else { 3 }, 0);
        }
    }
}
