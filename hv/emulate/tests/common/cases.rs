//! Random instructions, and the registers and memory that they meet. The same number always gives the same case, so that
//! a recording needs to hold results only.

use nex_decode::bits::{bit, field};
use nex_decode::{ItState, Offset};
use nex_emulate::{Exclusive, Index, Insn, Op, Size, decode_a32, decode_t32};

use super::{REGION, REGION_BYTES};

/// Where the code is; for T32 perhaps a halfword further.
const CODE: u32 = REGION + 0x1000;
/// Undefined instructions.
const UDF_A32: u32 = 0xe7f0_00f0;
const UDF_T32: u16 = 0xdeff;
const SETEND_BE_A32: u32 = 0xf101_0200;
const SETEND_BE_T32: u16 = 0xb658;
const PC: u8 = 15;

/// One instruction, where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) insn: Insn,
    /// The IT state in front of it.
    pub(crate) it: ItState,
}

/// A case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Where it starts. SETEND and IT come first if there are any, and then the steps.
    pub(crate) start: u32,
    /// The address of the first step.
    pub(crate) first: u32,
    pub(crate) thumb: bool,
    pub(crate) big_endian: bool,
    /// CPSR flags, bits 31..=27.
    pub(crate) flags: u32,
    pub(crate) r: [u32; 15],
    pub(crate) d: [u64; 32],
    pub(crate) region: Vec<u8>,
    /// One, or two: LDREX before STREX.
    pub(crate) steps: Vec<Step>,
    /// The instruction that it is about, T32 with the first halfword above.
    pub(crate) word: u32,
}

/// A sequence of numbers (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn word(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        ((u64::from(self.word()) * u64::from(limit)) >> 32) as u32
    }

    pub(crate) fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }
}

/// Encodings, most significant bit first: `.` is any bit, spaces mean nothing. How often each is used in a round.
const A32: &[(u32, &str)] = &[
    (6, ".... 010. .... .... .... .... .... ...."),
    (6, ".... 011. .... .... .... .... ...0 ...."),
    (5, ".... 000. .1.. .... .... .... 1011 ...."),
    (3, ".... 000. .1.. .... .... .... 11.1 ...."),
    (3, ".... 000. .0.. .... .... 0000 1011 ...."),
    (3, ".... 000. .0.. .... .... 0000 11.1 ...."),
    (4, ".... 0001 1..1 .... .... 1111 1001 1111"),
    (6, ".... 0001 1..0 .... .... 1111 1001 ...."),
    (2, ".... 0001 0.00 .... .... 0000 1001 ...."),
    (6, ".... 100. .0.. .... .... .... .... ...."),
    (1, "1111 0101 .101 .... 1111 .... .... ...."),
    (4, ".... 1101 ..0. .... .... 101. .... ...."),
    (4, ".... 1100 1... .... .... 101. .00. ...."),
    (3, ".... 1101 0.1. .... .... 101. .00. ...."),
    (8, "1111 0100 0..0 .... .... .... .... ...."),
    (8, "1111 0100 1..0 .... .... .... .... ...."),
    (4, "1111 0100 1.10 .... .... 11.. .... ...."),
];
const T32: &[(u32, &str)] = &[
    (3, "1110 100. .0.. .... .... .... .... ...."),
    (6, "1110 100. .1.. .... .... .... .... ...."),
    (2, "1110 1000 1101 .... 1111 0000 000. ...."),
    (2, "1110 1000 0100 .... .... .... .... ...."),
    (2, "1110 1000 0101 .... .... 1111 .... ...."),
    (3, "1110 1000 1100 .... .... 1111 010. ...."),
    (3, "1110 1000 1101 .... .... 1111 010. 1111"),
    (2, "1110 1000 1100 .... .... .... 0111 ...."),
    (2, "1110 1000 1101 .... .... .... 0111 1111"),
    (6, "1111 100. 1.0. .... .... .... .... ...."),
    (2, "1111 1000 110. .... .... .... .... ...."),
    (6, "1111 100. 0... .... .... 1... .... ...."),
    (4, "1111 100. 0... .... .... 0000 00.. ...."),
    (2, "1111 100. ...1 1111 .... .... .... ...."),
    (3, "1110 1101 ..0. .... .... 101. .... ...."),
    (2, "1110 1100 1... .... .... 101. .00. ...."),
    (2, "1110 1101 0.1. .... .... 101. .00. ...."),
    (3, "1111 1001 0..0 .... .... .... .... ...."),
    (3, "1111 1001 1..0 .... .... .... .... ...."),
];
const T16: &[(u32, &str)] = &[
    (1, "0100 1... .... ...."),
    (5, "0101 .... .... ...."),
    (3, "011. .... .... ...."),
    (2, "100. .... .... ...."),
    (2, "1011 .10. .... ...."),
    (2, "1100 .... .... ...."),
];

/// How many rounds through the encodings make a recording.
const ROUNDS: u32 = 26;

/// Every case of the recording.
pub(crate) fn all() -> Vec<Case> {
    let mut random = Random(0x6e65_7865_6d75_6c61);
    let mut cases = Vec::new();
    for (set, thumb) in [(A32, false), (T32, true), (T16, true)] {
        for (weight, pattern) in set {
            let mut wanted = weight * ROUNDS;
            // Encodings of which most are UNPREDICTABLE get fewer.
            for _ in 0..wanted * 64 {
                if wanted == 0 {
                    break;
                }
                if let Some(case) = case(&mut random, thumb, pattern) {
                    cases.push(case);
                    wanted -= 1;
                }
            }
            assert!(wanted < weight * ROUNDS, "no case of {pattern}");
        }
    }
    cases
}

fn fill(random: &mut Random, pattern: &str) -> u32 {
    let mut word = 0;
    for c in pattern.chars().filter(|c| *c != ' ') {
        word = word << 1
            | match c {
                '0' => 0,
                '1' => 1,
                _ => random.word() & 1,
            };
    }
    word
}

fn case(random: &mut Random, thumb: bool, pattern: &str) -> Option<Case> {
    let narrow = pattern.len() < 20;
    let mut word = fill(random, pattern);
    // Most conditions hold.
    if !thumb && pattern.starts_with('.') && (word >> 28 == 15 || !random.one_in(8)) {
        word = word & 0x0fff_ffff | 0xe000_0000;
    }
    // Address without writeback: an encoding of its own that is too rare among random ones.
    let simd = if thumb { word >> 24 == 0xf9 && !bit(word, 20) } else { word >> 24 == 0xf4 };
    if simd && random.one_in(2) {
        word = word & !0xf | [0xd, 0xf][random.below(2) as usize];
    }
    // IT AL, one to four instructions long, of which the others are never reached.
    let mut it = ItState::NONE;
    if thumb && random.one_in(4) {
        it = it.after(0xbfe0 | 1 << random.below(4) as u16);
    }
    let insn = match (thumb, narrow) {
        (false, _) => decode_a32(word),
        (true, true) => decode_t32(word as u16, 0, it),
        (true, false) => decode_t32((word >> 16) as u16, word as u16, it),
    }?;
    if unpredictable(&insn, thumb) || (loads_pc(&insn.op) && it.in_block() && !it.is_last()) {
        return None;
    }
    let mut r: [u32; 15] = core::array::from_fn(|_| random.word());
    let flags = random.word() & 0xf800_0000;
    let big_endian = random.one_in(5);
    let mut region = memory(random, &insn.op);
    aim(random, &insn.op, flags, &mut r)?;
    let mut steps = vec![Step { insn, it }];
    let mut words = vec![word];
    if let Op::Exclusive(e) = insn.op
        && !e.load
        && !random.one_in(4)
        && !it.in_block()
    {
        let (before, mark) = load_before(random, &e, thumb, narrow)?;
        words.insert(0, mark);
        steps.insert(0, Step { insn: before, it });
    }
    let start = CODE + if thumb { 2 * random.below(2) } else { 0 };
    let (code, first) = code(start, thumb, narrow, big_endian, it, &words);
    let offset = (start - REGION) as usize;
    region[offset..offset + code.len()].copy_from_slice(&code);
    let d = core::array::from_fn(|_| random.next());
    Some(Case { start, first, thumb, big_endian, flags, r, d, region, steps, word })
}

/// The code, and where its first step is.
fn code(
    start: u32,
    thumb: bool,
    narrow: bool,
    big_endian: bool,
    it: ItState,
    words: &[u32],
) -> (Vec<u8>, u32) {
    let mut code = Vec::new();
    if !thumb {
        let setend = if big_endian { &[SETEND_BE_A32][..] } else { &[] };
        for word in setend.iter().chain(words).chain(&[UDF_A32]) {
            code.extend(word.to_le_bytes());
        }
        return (code, start + 4 * u32::from(big_endian));
    }
    let mut halves = Vec::new();
    if big_endian {
        halves.push(SETEND_BE_T32);
    }
    if it.in_block() {
        halves.push(0xbf00 | u16::from(it.bits()));
    }
    let first = start + 2 * halves.len() as u32;
    for word in words {
        if !narrow {
            halves.push((word >> 16) as u16);
        }
        halves.push(*word as u16);
    }
    halves.push(UDF_T32);
    code.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
    (code, first)
}

/// The load that marks what `e` stores to, in a register that does not matter.
fn load_before(random: &mut Random, e: &Exclusive, thumb: bool, narrow: bool) -> Option<(Insn, u32)> {
    assert!(!narrow);
    let rt = 2 * random.below(6);
    let rn = u32::from(e.rn);
    if rt == rn || rt + 1 == rn {
        return None;
    }
    let word = if thumb {
        let low = match e.size {
            Size::Word => 0x0050_0f00 | u32::from(e.offset_bytes / 4),
            Size::Byte => 0x00d0_0f4f,
            Size::Half => 0x00d0_0f5f,
            Size::Double => 0x00d0_007f | (rt + 1) << 8,
        };
        0xe800_0000 | low | rn << 16 | rt << 12
    } else {
        let op = match e.size {
            Size::Word => 0x19,
            Size::Double => 0x1b,
            Size::Byte => 0x1d,
            Size::Half => 0x1f,
        };
        0xe000_0f9f | op << 20 | rn << 16 | rt << 12
    };
    let insn =
        if thumb { decode_t32((word >> 16) as u16, word as u16, ItState::NONE) } else { decode_a32(word) };
    Some((insn?, word))
}

fn loads_pc(op: &Op) -> bool {
    match op {
        Op::Single(s) => s.load && s.rt == PC,
        Op::Multiple(m) => m.load && m.list >> 15 == 1,
        Op::TableBranch { .. } => true,
        _ => false,
    }
}

/// Random memory. Where it is loaded to the PC, only addresses that are not mapped, in either byte order. Behind a table
/// branch, undefined instructions.
fn memory(random: &mut Random, op: &Op) -> Vec<u8> {
    let mut region: Vec<u8> = (0..REGION_BYTES / 4).flat_map(|_| random.word().to_le_bytes()).collect();
    if let Op::TableBranch { .. } = op {
        for half in region[(CODE - REGION) as usize..].chunks_exact_mut(2) {
            half.copy_from_slice(&UDF_T32.to_le_bytes());
        }
    } else if loads_pc(op) {
        for word in region.chunks_exact_mut(4) {
            for n in [0, 3] {
                let low = [0, 1, 3, 4, 5, 7, 8, 9][usize::from(word[n] & 7)];
                word[n] = 0xa0 | low;
            }
        }
    }
    region
}

/// Sets registers such that the accesses are in memory and not in the code; `None` if that cannot be.
fn aim(random: &mut Random, op: &Op, flags: u32, r: &mut [u32; 15]) -> Option<()> {
    let half = [0x200, 0x1200][random.below(2) as usize];
    // Of those that demand alignment some get none. QEMU does not look at that of a STREX that does not store.
    let aligned = loads_pc(op) || matches!(op, Op::Exclusive(e) if !e.load) || !random.one_in(8);
    let target = (REGION + half + random.below(0xc00)) & if aligned { !0x3f } else { !0 };
    let (rn, offset) = match op {
        Op::Single(s) => offset(&s.address, flags, r)?,
        Op::Dual(d) => offset(&d.address, flags, r)?,
        Op::Multiple(m) => (m.rn, 0),
        Op::Exclusive(e) => (e.rn, u32::from(e.offset_bytes)),
        Op::Swap(s) => (s.rn, 0),
        &Op::TableBranch { rn, rm, half } => {
            if rn == PC {
                r[usize::from(rm)] = random.below(0x200);
                return Some(());
            }
            (rn, r[usize::from(rm)] << u32::from(half))
        }
        Op::Preload => return Some(()),
        Op::Vfp(v) => {
            let offset = u32::from(v.offset_bytes);
            (
                v.rn,
                if !v.before {
                    0
                } else if v.add {
                    offset
                } else {
                    offset.wrapping_neg()
                },
            )
        }
        Op::Structures(s) => (s.rn, 0),
    };
    if rn == PC {
        // Only literals, which are near; stores stay off the code.
        let store = matches!(op, Op::Single(s) if !s.load)
            || matches!(op, Op::Dual(d) if !d.load)
            || matches!(op, Op::Vfp(v) if !v.load);
        let near = offset.wrapping_add(0x80) < 0x100;
        let far = offset.wrapping_add(0xf00) >= 0x1e00;
        let odd = loads_pc(op) && offset & 3 != 0;
        return if far || odd || (store && near) { None } else { Some(()) };
    }
    r[usize::from(rn)] = target.wrapping_sub(offset);
    Some(())
}

/// The base register, and how far from it the access is.
fn offset(address: &nex_emulate::Address, flags: u32, r: &[u32; 15]) -> Option<(u8, u32)> {
    let offset = match address.offset {
        Offset::Imm(bytes) => u32::from(bytes),
        Offset::Reg(s) if s.rm == address.rn => return None,
        Offset::Reg(s) => s.apply(r[usize::from(s.rm)], flags >> 29 & 1 == 1),
    };
    let offset = match (address.index, address.add) {
        (Index::Post, _) => 0,
        (_, true) => offset,
        (_, false) => offset.wrapping_neg(),
    };
    Some((address.rn, offset))
}

/// What the manual calls UNPREDICTABLE, where QEMU may do something else than others.
fn unpredictable(insn: &Insn, thumb: bool) -> bool {
    let address = |a: &nex_emulate::Address, rt: u8, rt2: u8| {
        let wback = a.index != Index::Offset;
        let rm = if let Offset::Reg(s) = a.offset { s.rm } else { 0 };
        rm == PC
            || (thumb && rm == 13 && matches!(a.offset, Offset::Reg(_)))
            || (wback && (a.rn == PC || a.rn == rt || a.rn == rt2))
    };
    match &insn.op {
        Op::Single(s) => {
            address(&s.address, s.rt, s.rt)
                || (thumb && !s.load && (s.rt == PC || s.address.rn == PC))
                || (thumb && s.size != Size::Word && s.rt == 13)
        }
        Op::Dual(d) => {
            address(&d.address, d.rt, d.rt2)
                || (!thumb && field(d.rt.into(), 0, 1) == 1)
                || d.rt2 == PC
                || d.rt == PC
                || (thumb && (d.rt == 13 || d.rt2 == 13 || (!d.load && d.address.rn == PC)))
                || (d.load && d.rt == d.rt2)
                || matches!(d.address.offset, Offset::Reg(s) if d.load && (s.rm == d.rt || s.rm == d.rt2))
        }
        Op::Multiple(m) => {
            let (base, wide) = (m.list >> m.rn & 1 == 1, thumb && insn.len_bytes == 4);
            let lowest = m.list.trailing_zeros() == u32::from(m.rn);
            (m.wback && base && (m.load || !lowest || wide))
                || (wide && (m.list.count_ones() < 2 || m.list >> 13 & 1 == 1))
                || (wide && m.list >> 15 == 1 && (!m.load || m.list >> 14 & 1 == 1))
        }
        Op::Exclusive(e) => {
            let bad = |n: u8| n == PC || (thumb && n == 13);
            let status = !e.load && [e.rn, e.rt, e.rt2].contains(&e.rd);
            let pair = e.size == Size::Double && (e.rt == e.rt2 || (!thumb && e.rt & 1 == 1));
            e.rn == PC || bad(e.rt) || bad(e.rt2) || (!e.load && bad(e.rd)) || status || pair
        }
        Op::Swap(s) => [s.rn, s.rt, s.rt2].contains(&PC) || s.rn == s.rt || s.rn == s.rt2,
        &Op::TableBranch { rn, rm, .. } => rn == 13 || rm == 13 || rm == PC || rn == rm,
        Op::Preload => false,
        Op::Vfp(v) => v.rn == PC && (v.wback || thumb && (!v.load || !v.before)),
        Op::Structures(_) => false,
    }
}
