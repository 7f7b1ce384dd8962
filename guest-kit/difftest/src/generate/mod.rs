//! Random code.
//!
//! Code is made of *items*: one instruction, or a few that belong together, such as those that put an address in a
//! register and the load that uses it. Items follow each other; branches go forward, to the beginning of an item. So every
//! piece of code ends, at its end mark, whatever its exceptions do, as long as the one who takes them goes on behind the
//! instruction.
//!
//! Much is UNPREDICTABLE in some modes (SRS in SYS mode, RFE in USR mode). So the generator knows for each item in which
//! modes it may run: those that may result from the item before it, and from branches to it. Addresses that code uses are
//! all put in a register just before, and point to where a case may load and store.

mod alu;
mod branch;
mod coproc;
mod float;
mod memory;
pub(crate) mod pattern;
mod returns;
mod system;

use crate::machine::layout::{CODE, CODE_BYTES};
use crate::machine::mmio;
use crate::machine::state::psr;
use crate::rng::Rng;

/// Which instruction set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    A32,
    T32,
}

/// UDF #0xffff, which ends A32 code.
pub(crate) const END_A32: u32 = 0xe7ff_ffff;
/// UDF #0xfe, which ends T32 code.
pub(crate) const END_T32: u32 = 0xdefe;
/// SVC #(this + mode): whoever takes it goes on in this mode.
pub(crate) const SVC_MODE: u32 = 0x80;

/// SVC #(this): whoever takes it looks at PAR.
pub(crate) const SVC_LOOK: u32 = 0x7f;

/// Sets of modes: bit n is mode 0x10 + n.
pub(crate) const USR: u32 = 1;
/// USR and SYS: they have no SPSR.
const NO_SPSR: u32 = USR | 1 << 15;
/// All modes.
const MODES: [u32; 7] = [0x10, 0x11, 0x12, 0x13, 0x17, 0x1b, 0x1f];

/// What a case lets its code do.
pub(crate) struct Permit<'a> {
    /// Where the code is fetched from; its physical address is [`CODE`].
    pub(crate) code_va: u32,
    /// Beginnings of pieces of [`DATA_PAGES`](crate::machine::layout::DATA_PAGES) pages to load from and store to.
    pub(crate) windows: &'a [u32],
    /// The MMU is on: unaligned accesses are defined, and what decides about translation must be handled with care.
    pub(crate) mmu: bool,
    /// SCTLR.AFE.
    pub(crate) access_flag: bool,
    /// Vector tables that VBAR may point to.
    pub(crate) vectors: &'a [u32],
    /// Long descriptors.
    pub(crate) long: bool,
    /// First-level tables that TTBR0 may point to (any word if the MMU is off).
    pub(crate) tables: [u32; 2],
    /// Descriptors that code may change, and what to.
    pub(crate) edits: &'a [(u32, u32)],
}

/// A branch whose target is not there yet.
#[derive(Clone, Copy)]
struct Join {
    at: u32,
    /// Items between here and the target.
    items: u32,
    modes: u32,
    kind: branch::Kind,
}

/// Makes code.
pub(crate) struct Generator<'a> {
    pub(crate) rng: &'a mut Rng,
    permit: &'a Permit<'a>,
    isa: Isa,
    /// Physical address of the next instruction.
    at: u32,
    /// Modes in which it may run.
    modes: u32,
    joins: [Option<Join>; 4],
    /// Control certainly comes here from the code's beginning: a scan of the page follows it.
    followed: bool,
    /// The next instructions must not be conditional, nor change ITSTATE: they are in an IT block.
    in_it: bool,
}

/// A piece of code.
pub(crate) struct Code {
    /// Physical address of its beginning.
    pub(crate) begin: u32,
    /// Of its end.
    pub(crate) end: u32,
    pub(crate) isa: Isa,
}

/// Makes `items` items that begin in `mode`.
pub(crate) fn code(rng: &mut Rng, permit: &Permit<'_>, mode: u32, items: u32) -> Code {
    let isa = if rng.percent(50) { Isa::A32 } else { Isa::T32 };
    // Often so that it goes on in the next page.
    let offset = if rng.percent(25) { 0xf00 + rng.below(0xfc) } else { rng.below(0xf00) };
    let begin = CODE + (offset & if isa == Isa::A32 { !3 } else { !1 });
    // What is left of other cases could be taken for loads that make data of this one's code.
    for at in (CODE..CODE + CODE_BYTES).step_by(4) {
        mmio::write32(at, 0);
    }
    let mut g = Generator {
        rng,
        permit,
        isa,
        at: begin,
        modes: 1 << (mode & 15),
        joins: [None; 4],
        followed: true,
        in_it: false,
    };
    for _ in 0..items {
        g.resolve(false);
        g.item();
    }
    g.resolve(true);
    if g.isa == Isa::A32 {
        g.a32(END_A32);
    } else {
        g.t16(END_T32);
    }
    assert!(g.at < CODE + CODE_BYTES, "code does not fit");
    Code { begin, end: g.at, isa }
}

impl Generator<'_> {
    /// Any item.
    fn item(&mut self) {
        match self.rng.below(100) {
            0..30 => self.alu(),
            30..44 => self.memory(),
            44..58 => self.status(),
            58..65 => self.exception_return(),
            65..69 => self.user_registers(),
            69..79 => self.coproc(),
            79..82 => self.call(),
            82..89 => self.float(),
            89..93 => self.branch(),
            93..95 => self.switch_isa(),
            95..97 => self.literal(),
            97 => self.exclusive(),
            98 => self.modify_code(),
            _ if self.isa == Isa::T32 => self.it_block(),
            _ => self.hint(),
        }
    }

    /// May USR mode be the current one?
    fn may_be_user(&self) -> bool {
        self.modes & USR != 0
    }

    /// May the current mode have no SPSR?
    fn may_lack_spsr(&self) -> bool {
        self.modes & NO_SPSR != 0
    }

    fn a32(&mut self, word: u32) {
        mmio::write32(self.at, word);
        self.at += 4;
    }

    fn t16(&mut self, half: u32) {
        mmio::write16(self.at, half as u16);
        self.at += 2;
    }

    fn t32(&mut self, word: u32) {
        self.t16(word >> 16);
        self.t16(word & 0xffff);
    }

    /// One instruction whose two encodings are the same but for the condition, AL here.
    fn both(&mut self, word: u32) {
        match self.isa {
            Isa::A32 => self.a32(word),
            Isa::T32 => self.t32(word),
        }
    }

    /// An A32 condition, or 0b1110 in T32.
    fn condition(&mut self) -> u32 {
        if self.isa == Isa::A32 && self.rng.percent(30) { self.rng.below(14) } else { 14 }
    }

    /// A register to write: not PC, and not SP, so that stacks stay where they are.
    fn target(&mut self) -> u32 {
        self.rng.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14])
    }

    /// A register to read: not PC; SP only where every A32 and T32 instruction may read it: nowhere in T32.
    fn source(&mut self) -> u32 {
        if self.isa == Isa::A32 && self.rng.percent(5) { 13 } else { self.target() }
    }

    /// A register for an address or a value of the item's own, other than `not`.
    fn scratch(&mut self, not: &[u32]) -> u32 {
        loop {
            let register = self.rng.below(13);
            if !not.contains(&register) {
                return register;
            }
        }
    }

    /// As [`scratch`](Self::scratch), for instructions with three bits.
    fn low(&mut self, not: &[u32]) -> u32 {
        loop {
            let register = self.rng.below(8);
            if !not.contains(&register) {
                return register;
            }
        }
    }

    /// MOVW and MOVT.
    fn load_word(&mut self, register: u32, value: u32) {
        for (half, a32, t32) in
            [(value & 0xffff, 0xe300_0000, 0xf240_0000), (value >> 16, 0xe340_0000, 0xf2c0_0000)]
        {
            match self.isa {
                Isa::A32 => self.a32(a32 | half >> 12 << 16 | register << 12 | half & 0xfff),
                Isa::T32 => self.t32(
                    t32 | half >> 12 << 16
                        | (half >> 11 & 1) << 26
                        | (half >> 8 & 7) << 12
                        | register << 8
                        | half & 0xff,
                ),
            }
        }
    }

    /// Bytes that [`load_word`](Self::load_word) makes.
    const LOAD_WORD_BYTES: u32 = 8;

    /// The virtual address of code at physical address `at`.
    fn va(&self, at: u32) -> u32 {
        at - CODE + self.permit.code_va
    }

    /// A mode that code may go to.
    fn new_mode(&mut self) -> u32 {
        self.rng.pick(&MODES)
    }

    /// A PSR to return to: any flags and masks, these modes and instruction set.
    fn new_psr(&mut self, mode: u32) -> u32 {
        let mut value = self.rng.next() & (psr::FLAGS | psr::A | psr::I | psr::F) | mode;
        if self.rng.percent(10) {
            value |= psr::E;
        }
        value | if self.isa == Isa::T32 { psr::T } else { 0 }
    }
}

/// Something random for every SPSR to begin with: what is reserved is zero (B1.3.3).
pub(crate) fn any_spsr(rng: &mut Rng) -> u32 {
    rng.next() & !(0xf << 20 | 1 << 24)
}
