//! What the tests share: guest memory in a map, and registers as real systems set them.
#![allow(dead_code, reason = "each test crate uses a part")]

use nex_vmmu::{Abort, Features, GuestMemory, Registers};
use std::collections::BTreeMap;

pub(crate) const A9: Features = Features::CORTEX_A9;
pub(crate) const A15: Features = Features::CORTEX_A15;

/// SCTLR bits.
pub(crate) const M: u32 = 1;
pub(crate) const A: u32 = 1 << 1;
pub(crate) const WXN: u32 = 1 << 19;
pub(crate) const UWXN: u32 = 1 << 20;
pub(crate) const EE: u32 = 1 << 25;
pub(crate) const TRE: u32 = 1 << 28;
pub(crate) const AFE: u32 = 1 << 29;
/// TTBCR.EAE.
pub(crate) const EAE: u32 = 1 << 31;

/// RAM from 0x4000_0000 to 0x5000_0000, all zero but for what was written; a device at 0x0900_0000.
#[derive(Default)]
pub(crate) struct Ram {
    words: BTreeMap<u64, u32>,
    /// Words and double words read.
    pub(crate) reads: u32,
}

impl Ram {
    pub(crate) fn new(words: &[(u64, u32)]) -> Self {
        Self { words: words.iter().copied().collect(), reads: 0 }
    }

    pub(crate) fn long(entries: &[(u64, u64)]) -> Self {
        let mut ram = Self::default();
        for &(at, entry) in entries {
            ram.write64(at, entry);
        }
        ram
    }

    pub(crate) fn write(&mut self, at: u64, word: u32) {
        self.words.insert(at, word);
    }

    pub(crate) fn write64(&mut self, at: u64, entry: u64) {
        self.write(at, entry as u32);
        self.write(at + 4, (entry >> 32) as u32);
    }

    fn word(&self, at: u64) -> Result<u32, Abort> {
        match at {
            0x4000_0000..0x5000_0000 => Ok(self.words.get(&at).copied().unwrap_or(0)),
            0x0900_0000..0x0900_1000 => Err(Abort::Slave),
            _ => Err(Abort::Decode),
        }
    }
}

impl GuestMemory for Ram {
    fn read32(&mut self, gpa: u64) -> Result<u32, Abort> {
        assert_eq!(gpa % 4, 0);
        self.reads += 1;
        self.word(gpa)
    }

    fn read64(&mut self, gpa: u64) -> Result<u64, Abort> {
        assert_eq!(gpa % 8, 0);
        self.reads += 1;
        Ok(u64::from(self.word(gpa)?) | u64::from(self.word(gpa + 4)?) << 32)
    }
}

/// Short descriptors at 0x4000_4000, all domains clients, TRE and AFE off.
pub(crate) fn short(features: Features) -> Registers {
    Registers { sctlr: M, ttbr0: 0x4000_4000, dacr: 0x5555_5555, ..Registers::reset(features) }
}

/// As 32-bit Linux without LPAE sets up: TRE on, PRRR and NMRR of its `proc-v7`.
pub(crate) fn linux(features: Features) -> Registers {
    Registers {
        sctlr: M | TRE,
        ttbr0: 0x4000_406a,
        ttbr1: 0x4000_406a,
        prrr_mair0: 0xff0a_81a8,
        nmrr_mair1: 0x40e0_40e0,
        contextidr: 0x1234_5607,
        ..short(features)
    }
}

/// Long descriptors with the root at 0x4000_4000; MAIR: 0 Strongly-ordered, 1 Device, 2 write-through, 3 write-back,
/// 4 not cacheable, 5 inner write-back and outer not cacheable.
pub(crate) fn lpae() -> Registers {
    Registers {
        sctlr: M,
        ttbr0: 0x0005_0000_4000_4000,
        ttbr1: 0x0009_0000_4000_5000,
        ttbcr: EAE,
        prrr_mair0: 0xffaa_0400,
        nmrr_mair1: 0x0000_4f44,
        ..Registers::reset(A15)
    }
}
