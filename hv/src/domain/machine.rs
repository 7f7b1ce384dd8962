//! A domain's virtual machine: its vCPU, and everything that the vCPU's thread needs to carry out what the guest does.

use alloc::boxed::Box;

use arrayvec::{ArrayString, ArrayVec};
use nex_devices::psci::Psci;
use nex_mm::frames::DomainId;
use nex_vcpu::{Exception, Profile, Psr, Vcpu, vfp};

use super::code::Code;
use super::memory::GuestMemory;
use super::platform::Platform;
use super::shadow::Shadow;
use crate::arch::guest::{Fast, VcpuPlace};
use crate::arch::{self, cp15};

/// A vCPU and its machine. Belongs to the vCPU's thread.
pub struct Machine {
    /// The vCPU.
    pub vcpu: VcpuPlace,
    /// The rest.
    pub parts: Parts,
}

/// A machine without its vCPU.
pub struct Parts {
    number: u8,
    /// RAM and ROM.
    pub memory: GuestMemory,
    /// What the MMU uses.
    pub shadow: Shadow,
    /// Pages of rewritten code.
    pub code: Code,
    /// Devices.
    pub platform: Platform,
    /// Power state, as PSCI has it.
    pub psci: Psci,
    /// Time has passed, or something came from outside: interrupt lines are to be looked at.
    pub lines_stale: bool,
    /// A device was accessed: the interrupt controller may say something else.
    pub pending_stale: bool,
    /// The instruction that is carried out, as the guest wrote it: an A32 word, or T32 halfwords, the first one low.
    pub original: u32,
    /// Address of the last LDREX (or refused STREX) that Nex carried out; see [`super::access`].
    pub exclusive: Option<u32>,
    /// Unknown CP14 and CP15 registers that were reported.
    pub denied_seen: ArrayVec<u16, 16>,
    /// The exception that was injected last, in case its vector cannot be fetched.
    pub last: Option<Cause>,
}

/// What led to an exception of the guest: for the report if it has no vectors.
#[derive(Clone, Debug)]
pub struct Cause {
    /// The address of the vector.
    pub vector: u32,
    /// What happened and where.
    pub text: CauseText,
}

/// A report, made only when it is needed.
#[derive(Clone, Copy, Debug)]
pub struct CauseText {
    /// The exception.
    pub exception: Exception,
    /// The instruction (see [`Parts::original`]).
    pub instruction: u32,
    /// T32 state.
    pub thumb: bool,
    /// PC, LR and SP before.
    pub pc: u32,
    /// LR.
    pub lr: u32,
    /// SP.
    pub sp: u32,
    /// For an abort: address, a write.
    pub access: (u32, bool),
    /// For an abort: what was wrong.
    pub fault: Option<nex_vmmu::Fault>,
}

impl CauseText {
    /// One line that says what the guest did and where.
    pub fn report(&self) -> ArrayString<160> {
        use core::fmt::Write;
        let mut text = ArrayString::new();
        let (address, write) = self.access;
        // A text that does not fit is cut.
        let _ = match self.exception {
            Exception::Undefined if self.thumb && (self.instruction & 0xffff) >> 11 < 0b11101 => {
                write!(text, "undefined instruction {:04x}", self.instruction & 0xffff)
            }
            Exception::Undefined if self.thumb => {
                write!(
                    text,
                    "undefined instruction {:04x} {:04x}",
                    self.instruction & 0xffff,
                    self.instruction >> 16
                )
            }
            Exception::Undefined => write!(text, "undefined instruction {:08x}", self.instruction),
            Exception::Svc => text.write_str("SVC instruction"),
            Exception::PrefetchAbort => {
                write!(text, "prefetch abort, instruction fetch from {address:#010x}")
            }
            Exception::DataAbort if write => write!(text, "data abort, write to {address:#010x}"),
            Exception::DataAbort => write!(text, "data abort, read of {address:#010x}"),
            other => write!(text, "{other:?}"),
        };
        if let Some(fault) = self.fault {
            let _ = write!(text, ", {}", fault.without_address());
        }
        let state = if self.thumb { " (Thumb)" } else { "" };
        let _ = write!(text, "; pc {:#010x}{state} lr {:#010x} sp {:#010x}", self.pc, self.lr, self.sp);
        text
    }
}

/// The CPU that guests get: the host's core, with what Nex adds and takes. `lpae`: it says that it has long descriptors.
fn profile(lpae: bool) -> Profile {
    let mut profile =
        Profile::for_host(cp15::midr()).unwrap_or(Profile { midr: cp15::midr(), ..Profile::CORTEX_A9 });
    super::float::describe(&mut profile);
    (profile.clidr, profile.ccsidr) = cp15::cache_geometry();
    // Lines of 4 KiB: what the guest does for each line then costs one trap for each page. See `Parts::cache_operation`.
    const LINE_LOG2_WORDS: u32 = 10;
    let profile = profile.with_cache_lines(LINE_LOG2_WORDS).numbered(0, 1).offer_generic_timer();
    if lpae { profile.name_lpae() } else { profile.offer_lpae() }
}

impl Machine {
    /// A machine after reset. `lpae`: the CPU's identification says that it has long descriptors.
    ///
    /// # Safety
    /// No other machine for this domain exists.
    pub unsafe fn new(id: DomainId, memory: GuestMemory, lpae: bool) -> Option<Box<Self>> {
        let number = id.get();
        super::float::reset(number);
        // SAFETY: one machine, one place.
        let vcpu = unsafe { VcpuPlace::new(number, profile(lpae)) };
        let firmware = memory.has_rom();
        let shadow = Shadow::new(&vcpu.get().cp15, memory.bytes());
        let parts = Parts {
            number,
            memory,
            shadow,
            code: Code::default(),
            platform: Platform::new(id, firmware)?,
            psci: Psci::new(1),
            lines_stale: true,
            pending_stale: false,
            original: 0,
            exclusive: None,
            denied_seen: ArrayVec::new(),
            last: None,
        };
        Some(Box::new(Machine { vcpu, parts }))
    }
}

impl Parts {
    /// The domain's number.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Loads the thread ID register that User mode reads without Nex. The one that it may write as well is changed with its
    /// view: see [`VcpuPlace::run`](crate::arch::guest::VcpuPlace::run).
    pub fn load_thread_id(&self, vcpu: &Vcpu) {
        // SAFETY: a software thread ID that Nex does not use.
        unsafe { cp15::set_tpidruro(vcpu.cp15.tpidruro) };
    }

    /// Lets User mode read the virtual counter if the guest lets it: the guest's kernel then reads it without a trap too.
    pub fn counter_access_changed(&self, vcpu: &Vcpu) {
        if cp15::has_generic_timer() {
            const PL0VCTEN: u32 = 1 << 1;
            // SAFETY: Nex's own timers stay closed to User mode.
            unsafe { cp15::set_cntkctl(vcpu.cp15.cntkctl & PL0VCTEN) };
        }
    }

    /// Before this vCPU runs on a CPU where another one may have run: what the CPU has one of.
    pub fn load_cpu(&self, vcpu: &Vcpu) {
        self.load_thread_id(vcpu);
        self.counter_access_changed(vcpu);
        arch::set_strict_alignment(vcpu.cp15.sctlr & nex_vcpu::cp15::sctlr::A != 0);
    }

    /// What first-level handling needs to know. A change of privilege is not for it where VFP is open to PL1 alone: the unit
    /// has to be switched with it.
    pub fn fast(&self, vcpu: &Vcpu, [kernel, user]: [[u32; 2]; 2], dacr_fixed: u32) -> Fast {
        let vectors = vcpu.cp15.vectors();
        let entry_psr = if vectors.thumb { Psr::T } else { 0 } | if vectors.big_endian { Psr::E } else { 0 };
        let privileged_only = vcpu.cp15.cpacr & vfp::CPACR_VFP == 0x5 << 20;
        let [kernel, user] = if privileged_only { [[0; 2]; 2] } else { [kernel, user] };
        Fast { kernel, user, dacr_fixed, entry_psr, vectors: vectors.base }
    }
}
