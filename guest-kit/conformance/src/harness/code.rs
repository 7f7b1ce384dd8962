//! The instructions of a case.
//!
//! Every piece of code ends with a permanently undefined instruction, the *end mark*, which [`run`](super::run) tells
//! from others. A case that is meant to leave in another way simply never reaches it.

use super::{cp15, layout, mmio};

/// Which instruction set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    A32,
    T32,
}

impl Isa {
    /// Both.
    pub(crate) const BOTH: [Isa; 2] = [Isa::A32, Isa::T32];

    /// As in a case's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Isa::A32 => "a32",
            Isa::T32 => "t32",
        }
    }

    /// CPSR.T.
    pub(crate) const fn t(self) -> u32 {
        match self {
            Isa::A32 => 0,
            Isa::T32 => 1 << 5,
        }
    }
}

/// UDF #0xffff, which ends a piece of A32 code.
pub(crate) const END_A32: u32 = 0xe7ff_ffff;
/// UDF #0xfe, which ends a piece of T32 code.
pub(crate) const END_T32: u16 = 0xdefe;

/// A piece of code.
#[derive(Clone, Copy)]
pub(crate) struct Code {
    /// Its first instruction.
    pub(crate) address: u32,
    /// Its instruction set.
    pub(crate) isa: Isa,
}

impl Code {
    /// From a naked function; bit 0 of its address says which instruction set.
    pub(crate) fn new(function: unsafe extern "C" fn()) -> Self {
        let address = function as usize as u32;
        Self { address: address & !1, isa: if address & 1 != 0 { Isa::T32 } else { Isa::A32 } }
    }

    /// Writes A32 instructions and the end mark to the scratch page.
    pub(crate) fn write_a32(words: &[u32]) -> Self {
        Self::write_a32_at(layout::CODE, words)
    }

    /// Writes A32 instructions and the end mark to `address`.
    pub(crate) fn write_a32_at(address: u32, words: &[u32]) -> Self {
        let mut at = address;
        for &word in words.iter().chain(&[END_A32]) {
            mmio::write32(at, word);
            at += 4;
        }
        cp15::sync_code(address, at - address);
        Self { address, isa: Isa::A32 }
    }

    /// Writes T32 halfwords and the end mark to the scratch page.
    pub(crate) fn write_t32(halves: &[u16]) -> Self {
        Self::write_t32_at(layout::CODE, halves)
    }

    /// Writes T32 halfwords and the end mark to `address`.
    pub(crate) fn write_t32_at(address: u32, halves: &[u16]) -> Self {
        let mut at = address;
        for &half in halves.iter().chain(&[END_T32]) {
            mmio::write16(at, half);
            at += 2;
        }
        cp15::sync_code(address, at - address);
        Self { address, isa: Isa::T32 }
    }

    /// One instruction whose A32 and 32-bit T32 encodings are the same but for the condition, as those of coprocessors.
    pub(crate) fn write_coprocessor(isa: Isa, word: u32) -> Self {
        match isa {
            Isa::A32 => Self::write_a32(&[word]),
            Isa::T32 => Self::write_t32(&[(word >> 16) as u16, word as u16]),
        }
    }
}

/// A piece of A32 code: lines of assembly.
macro_rules! a32 {
    ($($line:literal),+ $(; $($name:ident = const $value:expr),+)? $(,)?) => {{
        // A function of its own for each piece, in the page of A32 code.
        #[unsafe(naked)]
        #[unsafe(link_section = ".cases.a32")]
        #[instruction_set(arm::a32)]
        unsafe extern "C" fn code() {
            core::arch::naked_asm!($($line,)+ ".inst 0xe7ffffff", ".ltorg" $(, $($name = const $value),+)?)
        }
        $crate::harness::code::Code::new(code)
    }};
}

/// A piece of T32 code: lines of assembly.
macro_rules! t32 {
    ($($line:literal),+ $(; $($name:ident = const $value:expr),+)? $(,)?) => {{
        // As for A32.
        #[unsafe(naked)]
        #[unsafe(link_section = ".cases.t32")]
        #[instruction_set(arm::t32)]
        unsafe extern "C" fn code() {
            core::arch::naked_asm!($($line,)+ ".inst.n 0xdefe", ".balign 4", ".ltorg" $(, $($name = const $value),+)?)
        }
        $crate::harness::code::Code::new(code)
    }};
}

/// The same assembly in both instruction sets.
macro_rules! both {
    ($($text:tt)+) => {
        [$crate::harness::code::a32!($($text)+), $crate::harness::code::t32!($($text)+)]
    };
}

pub(crate) use {a32, both, t32};
