//! What a recording of successful instructions does not show: demands, aborts, choices where the manual leaves one.

mod common;

use common::{Fault, Memory, REGION, REGION_BYTES, cases};
use nex_emulate::{Done, How, Op, Size, decode_a32, emulate_a32, emulate_t32, execute, quick_a32, quick_t32};
use nex_vcpu::{Psr, Regs};
use proptest::prelude::*;

const END: u32 = REGION + REGION_BYTES as u32;

fn memory() -> Memory {
    Memory::new((0..REGION_BYTES).map(|n| (n * 7 + n / 256) as u8).collect())
}

/// r0 to r14 are `value`, and PC is 0x8000.
fn regs(value: u32) -> Regs {
    let mut regs = Regs::new();
    *regs.flat_mut() = [value; 16];
    regs.branch(0x8000);
    regs
}

fn set_state(regs: &mut Regs, bits: u32) {
    regs.absorb_user_psr(Psr(bits));
}

/// Runs an A32 instruction with every register at `base`.
fn run(word: u32, base: u32) -> (Result<Option<Done>, Fault>, Regs, [u64; 32], Memory) {
    let (mut regs, mut d, mut memory) = (regs(base), [0x1111_2222_3333_4444; 32], memory());
    let result = emulate_a32(&mut regs, &mut d, word, &mut memory);
    (result, regs, d, memory)
}

/// Table A3-1: which alignment is demanded with SCTLR.A = 0.
#[test]
fn demands() {
    let demands = [
        // ldr, ldrh, strh, ldrsb, ldrt, str pre-indexed
        (0xe591_0000, 1),
        (0xe1d1_00b0, 1),
        (0xe1c1_00b0, 1),
        (0xe1d1_00d0, 1),
        (0xe4b1_0000, 1),
        (0xe5a1_0000, 1),
        // ldrd, strd, ldm, stm, push {r0}
        (0xe1c1_20d0, 4),
        (0xe1c1_20f0, 4),
        (0xe891_000c, 4),
        (0xe881_000c, 4),
        (0xe92d_0001, 4),
        // swp, swpb
        (0xe101_2093, 4),
        (0xe141_2093, 1),
        // vldr d0, vldr s0, vstr d0, vldm
        (0xed91_0b00, 4),
        (0xed91_0a00, 4),
        (0xed81_0b00, 4),
        (0xec91_0b04, 4),
        // vld1.8 {d0}; with :64; vld1.32 {d0-d3} :256; vst4.16 :128
        (0xf421_070f, 1),
        (0xf421_071f, 8),
        (0xf421_02bf, 32),
        (0xf401_006f, 16),
        // One lane, and all lanes.
        (0xf4a1_0c5f, 2),  // vld1.16 {d0[]}, [r1 :16]
        (0xf4a1_0c9f, 4),  // vld1.32 {d0[]}, [r1 :32]
        (0xf4a1_0d1f, 2),  // vld2.8 {d0[]-d1[]}, [r1 :16]
        (0xf4a1_0d5f, 4),  // vld2.16 {d0[]-d1[]}, [r1 :32]
        (0xf4a1_0d9f, 8),  // vld2.32 {d0[]-d1[]}, [r1 :64]
        (0xf4a1_0f1f, 4),  // vld4.8 {d0[]-d3[]}, [r1 :32]
        (0xf4a1_0f5f, 8),  // vld4.16 {d0[]-d3[]}, [r1 :64]
        (0xf4a1_0f9f, 8),  // vld4.32 {d0[]-d3[]}, [r1 :64]
        (0xf4a1_0fdf, 16), // vld4.32 {d0[]-d3[]}, [r1 :128]
        (0xf4a1_0e0f, 1),  // vld3.8 {d0[]-d2[]}, [r1]
        (0xf4a1_045f, 2),  // vld1.16 {d0[1]}, [r1 :16]
        (0xf481_08bf, 4),  // vst1.32 {d0[1]}, [r1 :32]
        (0xf4a1_013f, 2),  // vld2.8 {d0[1],d1[1]}, [r1 :16]
        (0xf481_057f, 4),  // vst2.16 {d0[1],d2[1]}, [r1 :32]
        (0xf4a1_09df, 8),  // vld2.32 {d0[1],d2[1]}, [r1 :64]
        (0xf481_033f, 4),  // vst4.8 {d0[1],d1[1],d2[1],d3[1]}, [r1 :32]
        (0xf4a1_075f, 8),  // vld4.16 {d0[1],d1[1],d2[1],d3[1]}, [r1 :64]
        (0xf481_0b9f, 8),  // vst4.32 {d0[1],d1[1],d2[1],d3[1]}, [r1 :64]
        (0xf4a1_0baf, 16), // vld4.32 {d0[1],d1[1],d2[1],d3[1]}, [r1 :128]
        (0xf4a1_064f, 1),  // vld3.16 {d0[1],d1[1],d2[1]}, [r1]
    ];
    for (word, align_bytes) in demands {
        let (result, _, _, log) = run(word, REGION + 0x100);
        assert_eq!(result, Ok(Some(Done::Next)), "{word:08x}");
        assert_eq!(log.log[0].3.align_bytes, align_bytes, "{word:08x}");
        assert_eq!(log.log[0].3.unprivileged, word == 0xe4b1_0000);
        assert_eq!(log.log[0].0, REGION + 0x100 - if word == 0xe92d_0001 { 4 } else { 0 });
        let (result, after, d, log) = run(word, REGION + 0x101);
        if align_bytes == 1 {
            assert!(result.is_ok(), "{word:08x}");
            continue;
        }
        let fault = Fault::Alignment(log.log[0].0);
        assert_eq!((result, after, d), (Err(fault), regs(REGION + 0x101), run(0xe591_0000, REGION).2));
        assert_eq!(log.bytes, memory().bytes);
    }
}

/// Exclusive accesses have methods of their own, which have to be called with every size.
#[test]
fn exclusive_sizes() {
    for (word, size) in [(0xe191_2f9f, 4), (0xe1b1_2f9f, 8), (0xe1d1_2f9f, 1), (0xe1f1_2f9f, 2_u32)] {
        let (result, _, _, log) = run(word, REGION + 0x100);
        assert_eq!((result, log.log[0].1.bytes()), (Ok(Some(Done::Next)), size));
        assert_eq!(log.marked.unwrap().0, REGION + 0x100);
        let store = word & !(1 << 20 | 0xf000 | 0xf) | 3 << 12 | 4;
        let (result, after, _, log) = run(store, REGION + 0x100);
        assert_eq!((result, after.get(3)), (Ok(Some(Done::Next)), 1), "nothing was marked");
        assert_eq!(log.bytes, memory().bytes);
    }
}

/// An abort in the middle: no register has changed, and stores up to there are made.
#[test]
fn aborts() {
    // The first word is in memory, all others are not.
    let base = END - 4;
    for word in [
        0xe8b1_000c,
        0xe8b1_800c,
        0xe1c1_20d0,
        0xe0c1_20d4,
        0xecb1_0b04,
        0xecb1_0a02,
        0xed91_0b00,
        0xf421_078d,
        0xf421_07cd,
        0xf421_028d,
        0xf421_088d,
        0xf4a1_0b0d,
        0xf4a1_0f8d_u32,
    ] {
        let (result, after, d, _) = run(word, base);
        assert_eq!(result, Err(Fault::Missing(END)), "{word:08x}");
        assert_eq!((after, d), (regs(base), [0x1111_2222_3333_4444; 32]), "{word:08x}");
    }
    let mut expected = memory().bytes;
    expected[REGION_BYTES - 4..].copy_from_slice(&base.to_le_bytes());
    for word in [0xe8a1_000c, 0xe1c1_20f0, 0xe9a1_8004_u32] {
        // stmib begins a word further up.
        let lower = if word == 0xe9a1_8004 { 4 } else { 0 };
        let (result, after, _, memory) = run(word, base - lower);
        assert_eq!((result, after), (Err(Fault::Missing(END)), regs(base - lower)), "{word:08x}");
        expected[REGION_BYTES - 4..].copy_from_slice(&(base - lower).to_le_bytes());
        assert_eq!(memory.bytes, expected);
    }
    // Single accesses with writeback; swp stores nothing if it cannot load.
    for word in [0xe4b1_0004, 0xe5b1_0004, 0xe4a1_0004, 0xe0d1_00b4, 0xe101_2093_u32] {
        let (result, after, _, memory_after) = run(word, END);
        assert!(matches!(result, Err(Fault::Missing(_))));
        assert_eq!((after, memory_after.bytes), (regs(END), memory().bytes));
    }
}

/// Blocks at the end of the address space go on at its beginning; nothing overflows.
#[test]
fn the_address_space_wraps() {
    for word in [0xe8b1_ffff & !0x2, 0xe1c1_20d0, 0xecb1_0b20, 0xf421_028d, 0xe591_0fff, 0xe511_0fff_u32] {
        for base in [0, 3, 4, 0xffff_fffc, 0xffff_ffff] {
            let (result, after, _, _) = run(word, base);
            assert!(result.is_err());
            assert_eq!(after, regs(base));
        }
    }
    let (_, _, _, memory) = run(0xe511_0fff, 0x7ff);
    assert_eq!(memory.log[0].0, 0x7ff_u32.wrapping_sub(0xfff));
}

/// A loaded PC chooses the instruction set; the last of an IT block ends it.
#[test]
fn loaded_pc() {
    let mut memory = memory();
    memory.bytes[..8].copy_from_slice(&[0x01, 0x40, 0, 0xa0, 0x08, 0x40, 0, 0xa0]);
    let mut a32 = regs(REGION);
    // ldr pc, [r1], #4
    assert_eq!(emulate_a32(&mut a32, &mut [0; 32], 0xe491_f004, &mut memory), Ok(Some(Done::Branch)));
    assert_eq!((a32.pc(), a32.cpsr().is_thumb(), a32.get(1)), (0xa000_4000, true, REGION + 4));
    // it al; pop {r0, pc}, with SP at the second word less one.
    set_state(&mut a32, Psr(Psr::T).with_it(0xe8).0);
    assert_eq!(emulate_t32(&mut a32, &mut [0; 32], (0xbd01, 0), &mut memory), Ok(Some(Done::Branch)));
    assert_eq!((a32.pc(), a32.cpsr().is_thumb(), a32.cpsr().it()), (0xa000_4008, false, 0));
    assert_eq!((a32.get(0), a32.get(13)), (0xa000_4001, REGION + 8));
}

/// UNPREDICTABLE, and as QEMU does it: what is loaded wins over writeback, what is stored is the base as it was.
#[test]
fn base_among_the_registers() {
    let at = |n: usize| u32::from_le_bytes(memory().bytes[n..n + 4].try_into().unwrap());
    // ldr r1, [r1], #4; ldm r1!, {r0, r1}; stm r1!, {r0, r1}
    assert_eq!(run(0xe491_1004, REGION).1.get(1), at(0));
    assert_eq!(run(0xe8b1_0003, REGION).1.get(1), at(4));
    let (_, after, _, memory) = run(0xe8a1_0003, REGION);
    assert_eq!((after.get(1), &memory.bytes[4..8]), (REGION + 8, &REGION.to_le_bytes()[..]));
}

/// R15 as stored and as a base.
#[test]
fn pc_as_operand() {
    // str pc, [r1]; stm r1, {r0, pc}
    assert_eq!(run(0xe581_f000, REGION).3.bytes[..4], 0x8008_u32.to_le_bytes());
    assert_eq!(run(0xe881_8001, REGION).3.bytes[4..8], 0x8008_u32.to_le_bytes());
    // ldr r0, [pc, #-4] in T32 at an address that is not a multiple of 4.
    let mut regs = regs(0);
    set_state(&mut regs, Psr::T);
    regs.branch(REGION + 0x102);
    let mut memory = memory();
    emulate_t32(&mut regs, &mut [0; 32], (0xf85f, 0x0004), &mut memory).unwrap();
    assert_eq!(memory.log[0], (REGION + 0x100, Size::Word, false, How::PLAIN));
}

#[test]
fn conditions_are_the_callers() {
    // ldreq
    let insn = decode_a32(0x0591_0000).unwrap();
    let mut regs = regs(REGION);
    set_state(&mut regs, Psr::Z);
    assert!(insn.holds(&regs));
    set_state(&mut regs, 0);
    assert!(!insn.holds(&regs));
    assert_eq!(execute(&mut regs, &mut [0; 32], &insn, &mut memory()), Ok(Done::Next));
}

#[test]
fn extension_use() {
    use nex_vcpu::VfpUse::{Simd, Vfp};
    let used = |word| decode_a32(word).unwrap().vfp_use();
    for (word, high_registers) in [
        (0xed91_0b00, false), // vldr d0
        (0xedd1_0b00, true),  // vldr d16
        (0xedd1_fa00, false), // vldr s31
        (0xec91_fb02, false), // vldm {d15}
        (0xec91_fb04, true),  // vldm {d15, d16}
        (0xec91_0a20, false), // vldm {s0-s31}
    ] {
        assert_eq!(used(word), Some(Vfp { high_registers }), "{word:08x}");
    }
    // vld1 {d15}, vld1 {d15, d16}, vld4 {d9, d11, d13, d15}, vld4 {d10 to d16}, vld1 {d15[], d16[]}
    for (word, high_registers) in [
        (0xf421_f70f, false),
        (0xf421_fa0f, true),
        (0xf421_910f, false),
        (0xf421_a10f, true),
        (0xf4a1_fc2f, true),
    ] {
        assert_eq!(used(word), Some(Simd { high_registers }), "{word:08x}");
    }
    assert_eq!(used(0xe591_0000), None);
}

/// All ways to carry out an instruction lead to the same.
#[test]
fn ways() {
    let mut quick_ones = 0;
    for case in cases::all() {
        let step = case.steps.last().unwrap();
        let mut before = Regs::new();
        let bits =
            case.flags | if case.thumb { Psr::T } else { 0 } | if case.big_endian { Psr::E } else { 0 };
        set_state(&mut before, Psr(bits).with_it(step.it.bits()).0);
        before.flat_mut()[..15].copy_from_slice(&case.r);
        before.branch(case.first);
        let mut all = Vec::new();

        let (mut regs, mut d, mut memory) = (before.clone(), case.d, Memory::new(case.region.clone()));
        let result = execute(&mut regs, &mut d, &step.insn, &mut memory);
        all.push((result.map(Some), regs, d, memory));

        let (mut regs, mut d, mut memory) = (before.clone(), case.d, Memory::new(case.region.clone()));
        let halves = if step.insn.len_bytes == 2 {
            (case.word as u16, 0xffff)
        } else {
            ((case.word >> 16) as u16, case.word as u16)
        };
        let result = if case.thumb {
            emulate_t32(&mut regs, &mut d, halves, &mut memory)
        } else {
            emulate_a32(&mut regs, &mut d, case.word, &mut memory)
        };
        all.push((result, regs, d, memory));

        let quick = if case.thumb { quick_t32(halves.0, halves.1) } else { quick_a32(case.word) };
        if let (Some(quick), Ok(_)) = (quick, &all[0].0) {
            let (mut regs, mut memory) = (before, Memory::new(case.region.clone()));
            // The CPU says the address.
            let va = all[0].3.log[0].0;
            use nex_emulate::Bus;
            let mut loaded = 0;
            if quick.load {
                loaded = memory.load(va, quick.size, How::PLAIN).unwrap();
            } else {
                memory.store(va, quick.size, quick.value(&regs), How::PLAIN).unwrap();
            }
            quick.finish(&mut regs, loaded);
            all.push((Ok(Some(Done::Next)), regs, case.d, memory));
            quick_ones += 1;
        }
        assert!(all.iter().all(|one| *one == all[0]), "{:08x}: {all:x?}", case.word);
    }
    assert!(quick_ones > 500, "{quick_ones}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Whatever it is and wherever it points: no panic; an error leaves the registers alone; a success moves PC.
    #[test]
    fn anything(word: u32, seeds in proptest::array::uniform15(0..0x3000_u32), state: u32, thumb: bool) {
        let mut regs = Regs::new();
        // No ThumbEE.
        set_state(&mut regs, state & !(Psr::T | Psr::J | Psr::IT) | if thumb { Psr::T } else { 0 });
        for (r, seed) in regs.flat_mut().iter_mut().zip(seeds) {
            *r = REGION - 0x800 + seed;
        }
        regs.branch(REGION + 0x100);
        let (before, mut d, mut memory) = (regs.clone(), [7; 32], memory());
        let result = if thumb {
            emulate_t32(&mut regs, &mut d, ((word >> 16) as u16, word as u16), &mut memory)
        } else {
            emulate_a32(&mut regs, &mut d, word, &mut memory)
        };
        match result {
            Ok(Some(Done::Next)) => {
                let len = regs.pc() - before.pc();
                prop_assert!(len == 4 || (thumb && len == 2));
                prop_assert_eq!(regs.cpsr(), before.cpsr());
            }
            Ok(Some(Done::Branch)) => {}
            Ok(None) | Err(_) => prop_assert_eq!((regs, d), (before, [7; 32])),
        }
        let preload = matches!(decode_a32(word), Some(insn) if insn.op == Op::Preload);
        prop_assert!(thumb || !preload || memory.log.is_empty());
    }
}
