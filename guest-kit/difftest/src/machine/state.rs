//! All of the CPU that a case begins with and ends with.

use core::cell::UnsafeCell;

use super::layout::{STACK_BYTES, STACKS};
use super::vectors;

/// SP, LR, SPSR of one mode.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Bank {
    pub(crate) sp: u32,
    pub(crate) lr: u32,
    pub(crate) spsr: u32,
}

/// Before a case what it starts with, after it what the vector found. Offsets are known to vectors.rs by `offset_of!`;
/// `pc` and `cpsr` are neighbours, for RFE.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct State {
    /// r0 to r12; of every mode but FIQ where r8 to r12 are banked.
    pub(crate) r: [u32; 13],
    /// In: where to begin. Out: LR of the exception.
    pub(crate) pc: u32,
    /// In: CPSR. Out: SPSR of the exception.
    pub(crate) cpsr: u32,
    /// SP and LR of USR and SYS.
    pub(crate) usr: [u32; 2],
    /// SVC, ABT, UND, IRQ, FIQ.
    pub(crate) banks: [Bank; 5],
    /// r8 to r12 of FIQ.
    pub(crate) fiq_r: [u32; 5],
    /// In: nonzero to start by way of UND. Out: vector number, table number in 15:8, CPSR.E at the vector in 16.
    pub(crate) kind: u32,
    /// CPSR at the vector, but for E, T and flags.
    pub(crate) entry_cpsr: u32,
    /// DFSR, IFSR, DFAR, IFAR.
    pub(crate) fault: [u32; 4],
    /// SP of this program while a case runs, else 0.
    pub(crate) own_sp: u32,
}

const _: () = assert!(core::mem::offset_of!(State, cpsr) == core::mem::offset_of!(State, pc) + 4);

impl State {
    const ZERO: State = State {
        r: [0; 13],
        pc: 0,
        cpsr: 0,
        usr: [0; 2],
        banks: [Bank { sp: 0, lr: 0, spsr: 0 }; 5],
        fiq_r: [0; 5],
        kind: 0,
        entry_cpsr: 0,
        fault: [0; 4],
        own_sp: 0,
    };

    /// Everything zero but the stacks.
    pub(crate) fn new() -> Self {
        let mut state = Self::ZERO;
        state.usr[0] = stack(0x1f);
        for (bank, mode) in state.banks.iter_mut().zip(BANKED) {
            bank.sp = stack(mode);
        }
        state
    }

    /// Runs from here until an exception.
    pub(crate) fn run(&mut self) {
        // The jump is an RFE by SP of FIQ, or of UND if that is FIQ.
        self.kind = (self.cpsr & 0x1f == 0x11).into();
        // SAFETY: the vectors do not run now, and nobody else has a reference.
        unsafe { *SHARED.0.get() = *self };
        vectors::difftest_launch();
        // SAFETY: as above; the call is a barrier to the compiler.
        *self = unsafe { SHARED.0.get().read_volatile() };
    }
}

/// Modes in the order of [`State::banks`].
pub(crate) const BANKED: [u32; 5] = [0x13, 0x17, 0x1b, 0x12, 0x11];

/// What SP of a mode begins as: the middle of its stack.
pub(crate) fn stack(mode: u32) -> u32 {
    STACKS + (mode & 0xf) * STACK_BYTES + STACK_BYTES / 2
}

#[repr(transparent)]
struct Shared(UnsafeCell<State>);

// SAFETY: one CPU; the vectors touch it only while `run` waits for them.
unsafe impl Sync for Shared {}

#[unsafe(export_name = "difftest_state")]
static SHARED: Shared = Shared(UnsafeCell::new(State::ZERO));

/// Bits of CPSR.
pub(crate) mod psr {
    pub(crate) const T: u32 = 1 << 5;
    pub(crate) const F: u32 = 1 << 6;
    pub(crate) const I: u32 = 1 << 7;
    pub(crate) const A: u32 = 1 << 8;
    pub(crate) const E: u32 = 1 << 9;
    /// N, Z, C, V, Q, GE.
    pub(crate) const FLAGS: u32 = 0xf80f_0000;
    /// IT[7:2] and IT[1:0].
    pub(crate) const IT: u32 = 0x3f << 10 | 3 << 25;

    /// CPSR with this ITSTATE.
    pub(crate) const fn it(state: u32) -> u32 {
        state >> 2 << 10 | (state & 3) << 25
    }

    /// `psr` behind an instruction (DDI 0406C A2.5.2, ITAdvance).
    pub(crate) const fn advance_it(psr: u32) -> u32 {
        let state = psr >> 10 << 2 & 0xfc | psr >> 25 & 3;
        let next = if state & 7 == 0 { 0 } else { state & 0xe0 | state << 1 & 0x1f };
        psr & !IT | it(next)
    }
}
