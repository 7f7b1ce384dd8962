//! The disassembler.

use capstone::arch::arm::ArchMode;
use capstone::prelude::*;

/// An instruction set, and how a word of it lies in memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Isa {
    /// A32: the word as it is.
    A32,
    /// T32, one halfword in the low bits.
    T16,
    /// T32, two halfwords, the first in the high bits.
    T32,
}

/// What the disassembler says of one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text<'a> {
    /// The mnemonic, in lower case, without ".w".
    pub mnemonic: &'a str,
    /// The operands, as capstone writes them.
    pub operands: &'a str,
}

/// capstone for both instruction sets.
pub struct Oracle {
    a32: Capstone,
    t32: Capstone,
}

impl Oracle {
    /// # Panics
    /// If capstone was built without ARM, which is a fault of this crate's manifest.
    #[allow(clippy::new_without_default, reason = "it may panic, and there is only one user")]
    pub fn new() -> Oracle {
        let build = |mode| Capstone::new().arm().mode(mode).build().expect("capstone has ARM");
        Oracle { a32: build(ArchMode::Arm), t32: build(ArchMode::Thumb) }
    }

    /// Disassembles `word` at address `addr` and gives the text to `use_text`: `None` if capstone refuses the word.
    pub fn read<R>(&self, isa: Isa, word: u32, addr: u32, use_text: impl FnOnce(Option<Text<'_>>) -> R) -> R {
        let mut bytes = word.to_le_bytes();
        let (engine, length) = match isa {
            Isa::A32 => (&self.a32, 4),
            Isa::T16 => (&self.t32, 2),
            Isa::T32 => {
                bytes = word.rotate_left(16).to_le_bytes();
                (&self.t32, 4)
            }
        };
        let found = engine.disasm_count(&bytes[..length], u64::from(addr), 1).ok();
        let first =
            found.as_ref().and_then(|found| found.iter().next()).filter(|first| first.len() == length);
        use_text(first.and_then(|first| {
            let mnemonic = first.mnemonic()?;
            Some(Text {
                mnemonic: mnemonic.strip_suffix(".w").unwrap_or(mnemonic),
                operands: first.op_str().unwrap_or_default(),
            })
        }))
    }
}
