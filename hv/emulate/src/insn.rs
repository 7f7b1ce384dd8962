//! Decoded instructions: what is accessed, from where, and what becomes of the base register.

use nex_decode::{Cond, Offset, ShiftedReg, Walk};
use nex_vcpu::{Regs, VfpUse};

use crate::bus::Size;

/// An instruction that accesses memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Insn {
    /// The condition: of the instruction itself, or of its IT block.
    pub cond: Cond,
    /// Its length: 2 or 4.
    pub len_bytes: u8,
    /// What it does.
    pub op: Op,
}

impl Insn {
    /// Whether the instruction runs with the flags in `regs`. Its abort says that it did; code that was replaced by a trap
    /// has to ask. If not, [`Regs::skip`] it.
    pub const fn holds(&self, regs: &Regs) -> bool {
        self.cond.holds(regs.cpsr().0)
    }

    /// What it needs of VFP and Advanced SIMD, for [`nex_vcpu::vfp::allowed`]; `None` if it only has core registers.
    /// `high_registers` also says that it is UNDEFINED on a CPU with sixteen doubleword registers.
    pub const fn vfp_use(&self) -> Option<VfpUse> {
        match self.op {
            Op::Vfp(v) => {
                Some(VfpUse::Vfp { high_registers: v.double && v.first as u32 + v.registers as u32 > 16 })
            }
            Op::Structures(s) => Some(VfpUse::Simd { high_registers: s.last_register() > 15 }),
            _ => None,
        }
    }
}

/// The kinds of loads and stores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// One core register: LDR, STR and their forms for bytes and halfwords, LDRT and its family.
    Single(Single),
    /// LDRD, STRD.
    Dual(Dual),
    /// LDM, STM, PUSH, POP.
    Multiple(Multiple),
    /// LDREX, STREX and their forms.
    Exclusive(Exclusive),
    /// SWP, SWPB.
    Swap(Swap),
    /// TBB, TBH.
    TableBranch {
        /// The table's address, 0..=15.
        rn: u8,
        /// The index, 0..=15.
        rm: u8,
        /// TBH, of halfwords; else TBB, of bytes.
        half: bool,
    },
    /// PLD, PLDW, PLI and hints that mean nothing: no access is made.
    Preload,
    /// VLDR, VSTR, VLDM, VSTM, VPUSH, VPOP.
    Vfp(Vfp),
    /// VLD1 to VLD4, VST1 to VST4.
    Structures(Structures),
}

/// Which address a single access is at, and whether the base register is written back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Index {
    /// At base with offset; the base stays.
    Offset,
    /// At base with offset, which is written back.
    Pre,
    /// At the base; base with offset is written back.
    Post,
}

/// A base register with an offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address {
    /// The base, 0..=15. R15 is read rounded down to a multiple of 4.
    pub rn: u8,
    /// The offset.
    pub offset: Offset,
    /// It is added; else subtracted.
    pub add: bool,
    /// How they go together.
    pub index: Index,
}

impl Address {
    /// Base register and positive constant.
    pub(crate) const fn plain(rn: u8, offset_bytes: u16) -> Address {
        Address { rn, offset: Offset::Imm(offset_bytes), add: true, index: Index::Offset }
    }

    /// Base register and positive register.
    pub(crate) const fn register(rn: u8, offset: ShiftedReg) -> Address {
        Address { rn, offset: Offset::Reg(offset), add: true, index: Index::Offset }
    }
}

/// One core register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Single {
    /// A load; else a store.
    pub load: bool,
    /// What is accessed: byte, halfword or word.
    pub size: Size,
    /// A load that extends the sign.
    pub signed: bool,
    /// With User mode's permissions: LDRT, STRT and their family.
    pub unprivileged: bool,
    /// The register, 0..=15. A word loaded to R15 is a branch; narrower loads never go there.
    pub rt: u8,
    /// Where.
    pub address: Address,
}

/// Two core registers, two words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dual {
    /// A load; else a store.
    pub load: bool,
    /// The register of the word at the lower address, 0..=15; loads: 0..=14.
    pub rt: u8,
    /// The other one, likewise.
    pub rt2: u8,
    /// Where.
    pub address: Address,
}

/// Any of the core registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Multiple {
    /// A load; else a store.
    pub load: bool,
    /// The base, 0..=14.
    pub rn: u8,
    /// The registers, bit 0 for R0; not 0. Loaded R15 is a branch.
    pub list: u16,
    /// How it walks.
    pub walk: Walk,
    /// The base is written back.
    pub wback: bool,
}

/// An exclusive access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exclusive {
    /// A load; else a store.
    pub load: bool,
    /// How much: all sizes.
    pub size: Size,
    /// Stores: the register for the status, 0..=14.
    pub rd: u8,
    /// The register, 0..=15; loads: 0..=14.
    pub rt: u8,
    /// Doublewords: the register of the word at the higher address, likewise. Else the same as `rt`.
    pub rt2: u8,
    /// The base, 0..=15.
    pub rn: u8,
    /// Added to the base.
    pub offset_bytes: u16,
}

/// SWP, SWPB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Swap {
    /// Byte or word.
    pub size: Size,
    /// The register loaded, 0..=14.
    pub rt: u8,
    /// The register stored, 0..=15.
    pub rt2: u8,
    /// The address, 0..=15.
    pub rn: u8,
}

/// VFP registers, one after another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vfp {
    /// A load; else a store.
    pub load: bool,
    /// D registers; else S registers.
    pub double: bool,
    /// The first register, 0..=31.
    pub first: u8,
    /// How many: 1..=16 D registers or 1..=32 S registers, of which the last exists in a full register file.
    pub registers: u8,
    /// The base, 0..=15. R15 is read rounded down to a multiple of 4.
    pub rn: u8,
    /// How far the base moves, or the address is from it, in bytes: 0..=1020.
    pub offset_bytes: u16,
    /// Upwards; else downwards.
    pub add: bool,
    /// The access is at the base moved; else at the base (VLDM and VSTM that increment after).
    pub before: bool,
    /// The base is written back.
    pub wback: bool,
}

/// Advanced SIMD elements or structures of elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Structures {
    /// A load; else a store.
    pub load: bool,
    /// Elements of a structure, 1..=4: the digit of VLD1 to VLD4.
    pub elements: u8,
    /// Bytes of an element: 1, 2, 4 or 8.
    pub element_bytes: u8,
    /// The D register of the first element, 0..=31.
    pub first: u8,
    /// From the register of one element to that of the next: 1 or 2.
    pub spacing: u8,
    /// Which of them.
    pub lanes: Lanes,
    /// The address has to be a multiple of this, in bytes: 1 (no demand), 2, 4, 8, 16 or 32.
    pub align_bytes: u8,
    /// The base, 0..=14.
    pub rn: u8,
    /// What is added to the base afterwards, if anything.
    pub wback: Option<Step>,
}

impl Structures {
    /// The highest D register that takes part, 0..=31.
    pub const fn last_register(&self) -> u8 {
        let more = match self.lanes {
            Lanes::Registers { count } => count - 1,
            Lanes::One { .. } => 0,
            Lanes::All { count } => count - 1,
        };
        self.first + (self.elements - 1) * self.spacing + more
    }

    /// How many bytes are accessed: 1..=32.
    pub const fn len_bytes(&self) -> u8 {
        match self.lanes {
            Lanes::Registers { count } => self.elements * count * 8,
            Lanes::One { .. } | Lanes::All { .. } => self.elements * self.element_bytes,
        }
    }
}

/// Which lanes of its registers an instruction accesses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lanes {
    /// Every lane, of so many registers for each element: 1..=4.
    Registers {
        /// Registers for each element.
        count: u8,
    },
    /// One.
    One {
        /// Its number, 0..=7.
        lane: u8,
    },
    /// One structure is loaded to all lanes of so many registers for each element: 1 or 2.
    All {
        /// Registers for each element.
        count: u8,
    },
}

/// What is added to the base register of [`Structures`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// As many bytes as were accessed.
    Len,
    /// A register, 0..=14 but not 13.
    Reg(u8),
}
