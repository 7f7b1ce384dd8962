//! Runs a piece of code in any mode, with any registers, until an exception.

use core::cell::UnsafeCell;

use super::code::{Code, END_A32, END_T32};
use super::layout::{STACK_BYTES, STACKS};
use super::report::Case;
use super::{cp15, mmio, vectors};

/// SP, LR, SPSR of one mode.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bank {
    pub(crate) sp: u32,
    pub(crate) lr: u32,
    pub(crate) spsr: u32,
}

/// All of the CPU: before a case what it starts with, after it what the vector found. Offsets are known to vectors.rs
/// by `offset_of!`; `pc` and `cpsr` are neighbours, for RFE.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    /// r0 to r12; of every mode but FIQ where r8 to r12 are banked.
    pub(crate) r: [u32; 13],
    /// In: where to begin. Out: LR of the exception.
    pub(crate) pc: u32,
    /// In: CPSR. Out: SPSR of the exception.
    pub(crate) cpsr: u32,
    /// SP and LR of USR and SYS.
    pub(crate) usr: [u32; 2],
    pub(crate) svc: Bank,
    pub(crate) abt: Bank,
    pub(crate) und: Bank,
    pub(crate) irq: Bank,
    /// r8 to r12 of FIQ.
    pub(crate) fiq_r: [u32; 5],
    pub(crate) fiq: Bank,
    /// In: nonzero to start by way of UND. Out: vector number, table number in 15:8, CPSR.E at the vector in 16.
    pub(crate) kind: u32,
    /// CPSR at the vector, but for E.
    pub(crate) entry_cpsr: u32,
    pub(crate) dfsr: u32,
    pub(crate) ifsr: u32,
    pub(crate) dfar: u32,
    pub(crate) ifar: u32,
    /// SP of the harness while a case runs, else 0.
    pub(crate) harness_sp: u32,
}

const _: () = assert!(core::mem::offset_of!(State, cpsr) == core::mem::offset_of!(State, pc) + 4);

const NO_BANK: Bank = Bank { sp: 0, lr: 0, spsr: 0 };

#[repr(transparent)]
struct Shared(UnsafeCell<State>);

// SAFETY: one CPU; the vectors touch it only while `go` waits for them.
unsafe impl Sync for Shared {}

#[unsafe(export_name = "conformance_state")]
static SHARED: Shared = Shared(UnsafeCell::new(State {
    r: [0; 13],
    pc: 0,
    cpsr: 0,
    usr: [0; 2],
    svc: NO_BANK,
    abt: NO_BANK,
    und: NO_BANK,
    irq: NO_BANK,
    fiq_r: [0; 5],
    fiq: NO_BANK,
    kind: 0,
    entry_cpsr: 0,
    dfsr: 0,
    ifsr: 0,
    dfar: 0,
    ifar: 0,
    harness_sp: 0,
}));

/// A mode of the CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Usr = 0x10,
    Fiq = 0x11,
    Irq = 0x12,
    Svc = 0x13,
    Abt = 0x17,
    Und = 0x1b,
    Sys = 0x1f,
}

impl Mode {
    /// All.
    pub(crate) const ALL: [Mode; 7] =
        [Mode::Usr, Mode::Fiq, Mode::Irq, Mode::Svc, Mode::Abt, Mode::Und, Mode::Sys];
    /// Those of PL1.
    pub(crate) const PRIVILEGED: [Mode; 6] =
        [Mode::Fiq, Mode::Irq, Mode::Svc, Mode::Abt, Mode::Und, Mode::Sys];
    /// Those with an SPSR.
    pub(crate) const EXCEPTION: [Mode; 5] = [Mode::Fiq, Mode::Irq, Mode::Svc, Mode::Abt, Mode::Und];

    /// As in a case's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Mode::Usr => "usr",
            Mode::Fiq => "fiq",
            Mode::Irq => "irq",
            Mode::Svc => "svc",
            Mode::Abt => "abt",
            Mode::Und => "und",
            Mode::Sys => "sys",
        }
    }

    /// CPSR.M.
    pub(crate) const fn bits(self) -> u32 {
        self as u32
    }

    /// What SP begins as: the top of a stack for each mode.
    pub(crate) const fn stack(self) -> u32 {
        STACKS + (self as u32 & 0xf) * STACK_BYTES + STACK_BYTES - 64
    }
}

/// Bits of CPSR.
pub(crate) mod psr {
    pub(crate) const T: u32 = 1 << 5;
    pub(crate) const F: u32 = 1 << 6;
    pub(crate) const I: u32 = 1 << 7;
    pub(crate) const A: u32 = 1 << 8;
    pub(crate) const E: u32 = 1 << 9;
    pub(crate) const GE: u32 = 0xf << 16;
    pub(crate) const Q: u32 = 1 << 27;
    pub(crate) const V: u32 = 1 << 28;
    pub(crate) const C: u32 = 1 << 29;
    pub(crate) const Z: u32 = 1 << 30;
    pub(crate) const N: u32 = 1 << 31;
    /// IT[7:2] and IT[1:0].
    pub(crate) const IT: u32 = 0x3f << 10 | 3 << 25;
    /// A, I and F.
    pub(crate) const AIF: u32 = A | I | F;

    /// CPSR with this ITSTATE.
    pub(crate) const fn it(state: u32) -> u32 {
        state >> 2 << 10 | (state & 3) << 25
    }
}

/// What ended a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Reset = 0,
    Und = 1,
    Svc = 2,
    Pabt = 3,
    Dabt = 4,
    Hyp = 5,
    Irq = 6,
    Fiq = 7,
    /// The end mark.
    Done = 8,
}

impl Kind {
    /// The mode the exception is taken to.
    pub(crate) const fn mode(self) -> Mode {
        match self {
            Kind::Und | Kind::Done => Mode::Und,
            Kind::Pabt | Kind::Dabt => Mode::Abt,
            Kind::Irq => Mode::Irq,
            Kind::Fiq => Mode::Fiq,
            _ => Mode::Svc,
        }
    }
}

/// What a register begins as, unless the case says otherwise.
pub(crate) const fn pattern(n: usize) -> u32 {
    0x0101_0101 * (n as u32 + 0x30)
}

/// What LR and SPSR of a mode begin as.
const fn bank(mode: Mode) -> Bank {
    // SPSR: a valid one with the mode's own number.
    Bank { sp: mode.stack(), lr: 0xa000_0000 | mode.bits() << 8, spsr: psr::AIF | mode.bits() }
}

/// A case about to run.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    code: Code,
    state: State,
}

/// What came of it.
#[derive(Clone, Copy)]
pub(crate) struct Trap {
    /// Why it ended.
    pub(crate) kind: Kind,
    /// Everything at the vector.
    pub(crate) state: State,
    /// The instruction that did it, or, for an interrupt, the next.
    pub(crate) at: u32,
    before: State,
    code: Code,
}

impl Run {
    /// In SVC mode, all masked, flags clear.
    pub(crate) fn new(code: Code) -> Self {
        let mut r = [0; 13];
        let mut n = 0;
        while n < 13 {
            r[n] = pattern(n);
            n += 1;
        }
        let usr = bank(Mode::Usr);
        let state = State {
            r,
            pc: code.address,
            cpsr: psr::AIF | Mode::Svc.bits() | code.isa.t(),
            usr: [usr.sp, usr.lr],
            svc: bank(Mode::Svc),
            abt: bank(Mode::Abt),
            und: bank(Mode::Und),
            irq: bank(Mode::Irq),
            fiq_r: [r[8], r[9], r[10], r[11], r[12]],
            fiq: bank(Mode::Fiq),
            kind: 0,
            entry_cpsr: 0,
            dfsr: 0,
            ifsr: 0,
            dfar: 0,
            ifar: 0,
            harness_sp: 0,
        };
        Self { code, state }
    }

    /// In this mode. SP of FIQ is the harness's, unless the mode is FIQ: then that of UND is.
    pub(crate) fn mode(mut self, mode: Mode) -> Self {
        self.state.cpsr = self.state.cpsr & !0x1f | mode.bits();
        self.state.kind = (mode == Mode::Fiq).into();
        self
    }

    /// With this in r0 to r12, in FIQ mode as well.
    pub(crate) fn r(mut self, n: usize, value: u32) -> Self {
        self.state.r[n] = value;
        if n >= 8 {
            self.state.fiq_r[n - 8] = value;
        }
        self
    }

    /// With these CPSR bits set and cleared.
    pub(crate) fn psr(mut self, set: u32, clear: u32) -> Self {
        self.state.cpsr = self.state.cpsr & !clear | set;
        self
    }

    /// Changes anything else.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.state);
        self
    }

    /// With this SPSR in a mode.
    pub(crate) fn spsr(self, mode: Mode, value: u32) -> Self {
        self.with(|state| state.bank_mut(mode).spsr = value)
    }

    /// With this LR in a mode.
    pub(crate) fn lr(self, mode: Mode, value: u32) -> Self {
        self.with(|state| match mode {
            Mode::Usr | Mode::Sys => state.usr[1] = value,
            _ => state.bank_mut(mode).lr = value,
        })
    }

    /// With this SP in a mode.
    pub(crate) fn sp(self, mode: Mode, value: u32) -> Self {
        self.with(|state| match mode {
            Mode::Usr | Mode::Sys => state.usr[0] = value,
            _ => state.bank_mut(mode).sp = value,
        })
    }

    /// CPSR it begins with.
    pub(crate) fn cpsr(&self) -> u32 {
        self.state.cpsr
    }

    /// Runs it.
    pub(crate) fn go(self) -> Trap {
        // SAFETY: the vectors do not run now, and nobody else has a reference.
        unsafe { *SHARED.0.get() = self.state };
        vectors::conformance_launch();
        // SAFETY: as above; the call is a barrier to the compiler.
        let state = unsafe { SHARED.0.get().read_volatile() };
        let thumb = state.cpsr & psr::T != 0;
        let (mut kind, back) = match state.kind & 0xff {
            0 => (Kind::Reset, 0),
            1 => (Kind::Und, if thumb { 2 } else { 4 }),
            2 => (Kind::Svc, if thumb { 2 } else { 4 }),
            3 => (Kind::Pabt, 4),
            4 => (Kind::Dabt, 8),
            5 => (Kind::Hyp, 0),
            6 => (Kind::Irq, 4),
            _ => (Kind::Fiq, 4),
        };
        let at = state.pc.wrapping_sub(back);
        if kind == Kind::Und
            && (thumb && mmio::read16(at) == END_T32 || !thumb && mmio::read32(at & !3) == END_A32)
        {
            kind = Kind::Done;
        }
        Trap { kind, state, at, before: self.state, code: self.code }
    }
}

impl State {
    /// The bank of a mode that has an SPSR.
    pub(crate) fn bank_mut(&mut self, mode: Mode) -> &mut Bank {
        match mode {
            Mode::Fiq => &mut self.fiq,
            Mode::Irq => &mut self.irq,
            Mode::Abt => &mut self.abt,
            Mode::Und => &mut self.und,
            _ => &mut self.svc,
        }
    }

    /// The bank of a mode that has an SPSR.
    pub(crate) fn bank(&self, mode: Mode) -> Bank {
        *Self::bank_mut(&mut self.clone(), mode)
    }
}

impl Trap {
    /// A register as the case left it, in the mode it was in.
    pub(crate) fn r(&self, n: usize) -> u32 {
        if n >= 8 && self.psr() & 0x1f == Mode::Fiq.bits() {
            self.state.fiq_r[n - 8]
        } else {
            self.state.r[n]
        }
    }

    /// SPSR of the exception: CPSR of the case at its end.
    pub(crate) fn psr(&self) -> u32 {
        self.state.cpsr
    }

    /// Bytes from the code's beginning to the instruction that did it.
    pub(crate) fn offset(&self) -> u32 {
        self.at.wrapping_sub(self.code.address)
    }

    /// Goes on from `at` plus `skip` bytes, with everything as it was at the exception.
    pub(crate) fn resume(&self, skip: u32) -> Run {
        let mut state = self.state;
        state.pc = self.at.wrapping_add(skip);
        state.kind = (state.cpsr & 0x1f == Mode::Fiq.bits()).into();
        Run { code: self.code, state }
    }

    /// The case ended like this, with these values in registers and all others of r0 to r12 untouched; the flags and
    /// the exception's entry are checked too.
    pub(crate) fn check(&self, c: &mut Case, kind: Kind, changed: &[(usize, u32)]) {
        c.eq("kind", self.kind as u32, kind as u32);
        c.note(self.offset());
        c.note(self.psr());
        for n in 0..13 {
            let untouched = if n >= 8 && self.before.cpsr & 0x1f == Mode::Fiq.bits() {
                self.before.fiq_r[n - 8]
            } else {
                self.before.r[n]
            };
            let want = changed.iter().find(|(m, _)| *m == n).map_or(untouched, |(_, value)| *value);
            c.eq("register", self.r(n), want);
        }
        self.check_entry(c);
    }

    /// CPSR at the vector is what B1.8.3 to B1.8.10 of the manual say.
    pub(crate) fn check_entry(&self, c: &mut Case) {
        let (spsr, sctlr) = (self.psr(), cp15::sctlr());
        // N, Z, C, V, Q, GE, F and (for UND and SVC) A stay; IT and J become 0; I is set; T and E are SCTLR's.
        let mut want = spsr & (0xf80f_0000 | psr::F | psr::A) | psr::I | self.kind.mode().bits();
        if !matches!(self.kind, Kind::Und | Kind::Svc | Kind::Done) {
            want |= psr::A;
        }
        if self.kind == Kind::Fiq {
            want |= psr::F;
        }
        if sctlr & cp15::sctlr::TE != 0 {
            want |= psr::T;
        }
        // The vectors leave T32 and E, and change the flags, before CPSR is read.
        let seen = self.state.entry_cpsr;
        let keep = !(psr::T | psr::E | 0xf000_0000);
        c.eq("CPSR at the vector", seen & keep, want & keep);
        c.eq("E at the vector", self.state.kind >> 16 & 1, (sctlr & cp15::sctlr::EE != 0).into());
        c.eq("bank's SPSR", self.state.bank(self.kind.mode()).spsr, spsr);
        c.eq("bank's LR", self.state.bank(self.kind.mode()).lr, self.state.pc);
    }
}
