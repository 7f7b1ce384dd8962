//! The virtual ARMv7-A CPU that Nex offers its guests: its state, and what sensitive instructions do to it.
//!
//! Guests run in real User mode. Their real mode, banked registers, PSRs, CP14 and CP15 are a [`Vcpu`] here: plain data
//! and plain functions, no hardware, no allocation. The hypervisor decodes what trapped ([`nex_decode`], whose operand types
//! are used here), calls one function, and does what the answer says.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`regs`] | core registers: a flat array for the current mode, banks for the others; CPSR rules; exception entry, return |
//! | [`psr`] | PSR fields, modes, conditions, IT state |
//! | [`exception`] | targets, link values, masks, vectors, what waits and which comes first |
//! | [`insn`] | CPS, MRS, MSR, RFE, SRS, LDM and STM `^`, `SUBS PC, LR` |
//! | [`cp15`] | registers of CP14 and CP15, and the effects of writing them |
//! | [`profile`] | identification: which CPU is offered, and with what |
//! | [`pmu`] | performance monitors |
//! | [`vfp`] | who may use VFP and Advanced SIMD |
//!
//! # Order of calls
//!
//! 1. Make a [`Profile`], edit it, [`Vcpu::new`]; set r0 to r2 and PC ([`Regs::set`], [`Regs::branch`]) for a kernel.
//! 2. Before running the guest: [`Vcpu::deliver_interrupt`]. Load the sixteen words of
//!    [`Regs::flat`] and run with [`Regs::user_psr`] as the SPSR of the return to User mode.
//! 3. After a trap: store the registers back, PC as the address of the trapping instruction (the real LR less its
//!    offset), and [`Regs::absorb_user_psr`] with the real SPSR.
//! 4. For an instruction to emulate: if its condition fails ([`condition_passed`] with its field in A32, with
//!    [`Psr::it_condition`] in T32), [`Regs::skip`]. Otherwise call its function, and by [`Outcome`] skip it, go on, or
//!    [`Vcpu::take`] an exception. Coprocessor accesses: [`Vcpu::read_register`], [`Vcpu::write_register`], then skip.
//! 5. Compare [`Regs::cpsr`] before and after: a change of privilege means another view of memory (and
//!    [`Pmu::privilege_changed`], while it filters); a mask that went may let an interrupt in, back at step 2.
//!
//! An SVC of the guest's own is [`Vcpu::take`] with PC at the SVC; a fault first gets its registers
//! ([`Cp15::set_data_fault`], [`Cp15::set_prefetch_fault`]).
//!
//! # Invariants
//!
//! - PC in [`Regs`] is the address of the current instruction; [`Regs::operand`] adds what instructions see.
//! - The CPSR always names a mode that exists. Bits 23..20 of every PSR are zero. J is never set without T.
//! - A function that answers "undefined" or "fault" has changed no register.
//! - What a guest reads back is what hardware would read: masks are applied when a register is written.
//!
//! # What the CPU is
//!
//! ARMv7-A with multiprocessing extensions, as the host's core, without Security and Virtualization Extensions: no
//! Monitor or Hyp mode, no SCR, no banked MRS, HVC and SMC undefined by the architecture (the hypervisor takes HVC as its
//! call). VBAR and ISR are there all the same, as in QEMU. Jazelle is trivial. Long descriptors and the generic timer can be
//! offered where the host has none. The debug registers are the least that the version claimed can have. Reset is like
//! QEMU's `virt` machine: Supervisor mode in A32, everything masked, SCTLR 0x00c5_0078.
//!
//! `tests/native.rs` compares every coordinate with what QEMU answered natively (`tests/qemu-7.2.txt`) and lists the
//! differences with their reasons. The list of registers is printed by `cargo test -p nex-vcpu --test registers -- --nocapture`.
//!
//! # Rejected
//!
//! - *All 37 registers in one array, found by a table.* Every access to a register would go through the table, and entry to
//!   the guest would gather sixteen words; with the flat view the common case is a plain array.
//! - *A trait that the register file calls for each effect* (flush the TLB, clean a line). The answer as a value keeps the
//!   order of things in one place, the hypervisor, and lets a test compare it.
//! - *Undefined encodings of c3 to c10 as no-ops*, as QEMU has them: real cores make them undefined.
//! - *Breakpoint registers that hold what is written*: a debugger would set breakpoints that never hit. DBGDSCR says that
//!   debug cannot be switched on, which Linux reports and goes on.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod coord;
pub mod cp15;
pub mod exception;
pub mod insn;
pub mod pmu;
pub mod profile;
pub mod psr;
pub mod regs;
pub mod vfp;

pub use coord::Coord;
pub use cp15::{Access, CacheOp, Cp15, Denied, Effect, Env, MmuChange, TimerReg, TlbFlush};
pub use exception::{Exception, Pending, Vectors};
pub use insn::{Cps, GuestMemory, Multiple, Outcome, Rfe, Srs};
pub use pmu::Pmu;
pub use profile::{Core, Profile};
pub use psr::{Mode, Privilege, Psr, advance_it, condition_passed};
pub use regs::{CpsrWrite, Regs};
pub use vfp::{VfpReg, VfpUse};

/// One virtual CPU. The core registers come first, for assembly.
#[repr(C)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vcpu {
    /// Core registers.
    pub regs: Regs,
    /// CP14, CP15, and the VFP's system registers.
    pub cp15: Cp15,
    /// What waits to interrupt it; kept up to date by the hypervisor.
    pub pending: Pending,
}

const _: () = assert!(core::mem::offset_of!(Vcpu, regs) == 0);

impl Vcpu {
    /// A CPU that has just been reset, about to execute at address 0.
    pub fn new(profile: Profile) -> Self {
        Self { regs: Regs::new(), cp15: Cp15::new(profile), pending: Pending::default() }
    }

    /// Resets it: all state as [`new`](Self::new) makes it, with the same profile.
    pub fn reset(&mut self) {
        *self = Self::new(self.cp15.profile.clone());
    }

    /// The guest's privilege.
    pub const fn privilege(&self) -> Privilege {
        self.regs.privilege()
    }

    /// Takes `exception` as CP15 says. See [`Regs::take`] for what PC has to be.
    pub fn take(&mut self, exception: Exception) {
        self.regs.take(exception, self.cp15.vectors());
    }

    /// Takes the first waiting interrupt that is not masked, and says which; PC is to be the next instruction's address.
    ///
    /// For an asynchronous abort, which is no longer waiting then, DFSR becomes `abort_dfsr`: the status that fits the
    /// descriptor format in use (0b10110 short, 0b010001 long, DDI 0406C B3.13).
    pub fn deliver_interrupt(&mut self, abort_dfsr: u32) -> Option<Exception> {
        let exception = self.pending.next(self.regs.cpsr())?;
        if exception == Exception::DataAbort {
            self.pending.abort = false;
            self.cp15.set_data_fault(abort_dfsr, None);
        }
        self.take(exception);
        Some(exception)
    }

    /// MRC or MRRC of CP14 or CP15 by the guest. `cycles` gives the time in CPU cycles, for the performance monitors.
    pub fn read_register(&mut self, coord: Coord, cycles: &dyn Fn() -> u64) -> Access {
        let env = Env { privilege: self.privilege(), pending: self.pending, cycles };
        self.cp15.read(coord, env)
    }

    /// MCR or MCRR of CP14 or CP15 by the guest; `value` is Rt, with Rt2 above it for a doubleword.
    pub fn write_register(&mut self, coord: Coord, value: u64, cycles: &dyn Fn() -> u64) -> Effect {
        let env = Env { privilege: self.privilege(), pending: self.pending, cycles };
        self.cp15.write(coord, value, env)
    }
}
