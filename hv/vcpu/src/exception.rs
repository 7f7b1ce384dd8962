//! Exceptions: where they go, what they save, which comes first (DDI 0406C B1.8, B1.9).

use crate::psr::{Mode, Psr};

/// An exception that can be taken (DDI 0406C B1.8.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Exception {
    /// Reset.
    Reset,
    /// Undefined instruction.
    Undefined,
    /// Supervisor call.
    Svc,
    /// Prefetch abort. IFSR and IFAR are written first.
    PrefetchAbort,
    /// Data abort, synchronous or not. DFSR and (if synchronous) DFAR are written first.
    DataAbort,
    /// Interrupt.
    Irq,
    /// Fast interrupt.
    Fiq,
}

impl Exception {
    /// The mode it is taken to.
    pub const fn mode(self) -> Mode {
        match self {
            Self::Reset | Self::Svc => Mode::Svc,
            Self::Undefined => Mode::Und,
            Self::PrefetchAbort | Self::DataAbort => Mode::Abt,
            Self::Irq => Mode::Irq,
            Self::Fiq => Mode::Fiq,
        }
    }

    /// Its vector's distance from the base, in bytes.
    pub const fn vector_offset_bytes(self) -> u32 {
        match self {
            Self::Reset => 0x00,
            Self::Undefined => 0x04,
            Self::Svc => 0x08,
            Self::PrefetchAbort => 0x0c,
            Self::DataAbort => 0x10,
            Self::Irq => 0x18,
            Self::Fiq => 0x1c,
        }
    }

    /// What is added to PC to give the LR of the new mode, in bytes.
    ///
    /// PC is the address of the instruction that the exception belongs to; for IRQ, FIQ and an asynchronous abort, of
    /// the next one to execute. With it, the usual returns (`movs pc, lr`, `subs pc, lr, #4`, `#8`) go where they should.
    pub const fn link_offset_bytes(self, thumb: bool) -> u32 {
        match self {
            Self::Undefined | Self::Svc => {
                if thumb {
                    2
                } else {
                    4
                }
            }
            Self::PrefetchAbort | Self::Irq | Self::Fiq => 4,
            Self::DataAbort => 8,
            Self::Reset => 0,
        }
    }

    /// The mask bits that entry sets; the others stay as they are.
    pub const fn masks(self) -> u32 {
        match self {
            Self::Undefined | Self::Svc => Psr::I,
            Self::PrefetchAbort | Self::DataAbort | Self::Irq => Psr::I | Psr::A,
            Self::Reset | Self::Fiq => Psr::I | Psr::A | Psr::F,
        }
    }
}

/// What of CP15 exception entry looks at: see [`crate::Cp15::vectors`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vectors {
    /// Address of the vector table, a multiple of 32 bytes.
    pub base: u32,
    /// SCTLR.TE: handlers are T32 code.
    pub thumb: bool,
    /// SCTLR.EE: handlers start with big-endian data.
    pub big_endian: bool,
}

impl Vectors {
    /// The CPSR that entry of `exception` leaves, from the one before it.
    pub const fn entry_cpsr(self, exception: Exception, before: Psr) -> Psr {
        let kept = before.0 & !(Psr::MODE | Psr::EXECUTION | Psr::E);
        let t = if self.thumb { Psr::T } else { 0 };
        let e = if self.big_endian { Psr::E } else { 0 };
        Psr(kept | exception.mode().bits() | exception.masks() | t | e)
    }
}

/// Asynchronous exceptions that wait: lines and events that the hypervisor keeps up to date.
///
/// Not zero as a word, if anything waits; for assembly.
#[repr(C, align(4))]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pending {
    /// The interrupt controller asserts IRQ. A level: stays until the guest has dealt with its cause.
    pub irq: bool,
    /// The interrupt controller asserts FIQ. A level as well.
    pub fiq: bool,
    /// An asynchronous external abort waits. An event: the hypervisor clears it when it delivers the abort.
    pub abort: bool,
    /// The fourth byte. It must not be padding, which may be anything: then every CPSIE would look like one with an interrupt
    /// waiting.
    rest: Zero,
}

/// A byte that is zero.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Zero {
    #[default]
    Zero = 0,
}

const _: () = assert!(size_of::<Pending>() == 4);

impl Pending {
    /// These wait.
    #[inline]
    pub const fn new(irq: bool, fiq: bool, abort: bool) -> Self {
        Self { irq, fiq, abort, rest: Zero::Zero }
    }

    /// True if anything waits, masked or not: what ends a WFI (DDI 0406C B1.8.14).
    pub const fn wakes(self) -> bool {
        self.irq || self.fiq || self.abort
    }

    /// ISR: A is bit 8, I bit 7, F bit 6 (DDI 0406C B4.1.98).
    pub const fn isr(self) -> u32 {
        (self.abort as u32) << 8 | (self.irq as u32) << 7 | (self.fiq as u32) << 6
    }

    /// The exception to take before the next instruction, if one waits that `cpsr` does not mask.
    ///
    /// The architecture leaves the order to the implementation (DDI 0406C B1.8.5); this is FIQ, IRQ, abort. For
    /// [`Exception::DataAbort`] the fault registers are still to be written.
    pub const fn next(self, cpsr: Psr) -> Option<Exception> {
        if self.fiq && !cpsr.has(Psr::F) {
            Some(Exception::Fiq)
        } else if self.irq && !cpsr.has(Psr::I) {
            Some(Exception::Irq)
        } else if self.abort && !cpsr.has(Psr::A) {
            Some(Exception::DataAbort)
        } else {
            None
        }
    }
}
