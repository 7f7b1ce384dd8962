//! Where control goes after an instruction, and what it refers to by the PC: for a scanner that follows the code.

mod a32;
mod t32;

pub use a32::flow_a32;
pub use t32::flow_t32;

use crate::class::{Class, Sensitive, Trapping};
use crate::cond::Cond;

/// The instruction set of a branch target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InstructionSet {
    /// Words, aligned to 4 bytes.
    A32,
    /// Halfwords, aligned to 2 bytes.
    T32,
}

/// Whether control may go on at the following instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It does, but for an exception (which a load or store may take, and a coprocessor access that is refused).
    Always,
    /// Only if the condition fails.
    IfNotTaken,
    /// When the callee returns, or the condition fails. The link register holds the address of the following instruction.
    AfterCall,
    /// Only if an exception handler of the guest returns there: SVC, UDF, BKPT, undefined and unpredictable encodings. It
    /// is the rule for SVC; what follows an UDF or BKPT may be data.
    AfterException,
    /// No.
    Never,
}

/// A branch target known from the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// Its address, without the bit that selects T32.
    pub addr: u32,
    /// The instruction set there.
    pub set: InstructionSet,
}

/// The entries of a branch table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableEntry {
    /// TBB: bytes, each half the distance from the table to the target.
    Bytes,
    /// TBH: halfwords, each half the distance from the table to the target.
    Halfwords,
    /// LDR PC, \[PC, Rm, LSL #2\]: words, each a target as for BX.
    Words,
    /// ADD PC, PC, Rm, LSL #n: not data but instructions, one for each 2^n bytes.
    Code {
        /// Distance from one entry to the next, in bytes.
        stride_bytes: u32,
    },
}

/// A branch whose target depends on a register or on memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Indirect {
    /// To what a register holds: BX, BLX, BXJ, MOV PC.
    Register(u8),
    /// To what memory holds: LDR, LDM, POP. If [`Flow::data`] is given as well, the target is the word there.
    Load,
    /// To what an operation gives.
    Computed,
    /// By a table behind the instruction. How many entries it has, only an earlier comparison tells.
    Table {
        /// Where it begins.
        base: u32,
        /// What it consists of.
        entry: TableEntry,
    },
    /// An exception return: to the address in LR or memory, in the mode and instruction set of a saved PSR.
    ExceptionReturn,
}

/// Whether and where an instruction branches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Branch {
    /// It does not.
    None,
    /// To a known address.
    Direct(Target),
    /// To an address known only when it runs.
    Indirect(Indirect),
}

/// A place in memory that an instruction names by its distance from the PC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataRef {
    /// The address.
    pub addr: u32,
    /// How many bytes are read or written there: they are data, not code. 0 if only the address is formed (ADR), of data
    /// or of code.
    pub bytes: u16,
}

/// Control flow of one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// What follows in memory.
    pub next: Next,
    /// Where it branches.
    pub branch: Branch,
    /// What it refers to.
    pub data: Option<DataRef>,
}

impl Flow {
    const PLAIN: Flow = Flow { next: Next::Always, branch: Branch::None, data: None };

    /// A branch that is no call.
    const fn jump(cond: Cond, branch: Branch) -> Flow {
        let next = if cond.is_always() { Next::Never } else { Next::IfNotTaken };
        Flow { next, branch, data: None }
    }

    const fn call(branch: Branch) -> Flow {
        Flow { next: Next::AfterCall, branch, data: None }
    }

    const fn reference(addr: u32, bytes: u16) -> Flow {
        Flow { next: Next::Always, branch: Branch::None, data: Some(DataRef { addr, bytes }) }
    }
}

/// The flow of all classes but those that run as they are, which the instruction sets answer themselves: `None`.
fn of_class(cond: Cond, class: Class) -> Option<Flow> {
    let after_exception = Flow { next: Next::AfterException, branch: Branch::None, data: None };
    Some(match class {
        Class::Innocuous | Class::Fp => return None,
        Class::Svc { .. } | Class::Bkpt { .. } | Class::Undefined | Class::Unpredictable => after_exception,
        Class::Trapping(Trapping::Udf { .. }) => after_exception,
        Class::Hint(_) | Class::Trapping(_) => Flow::PLAIN,
        Class::Sensitive(sensitive) => match sensitive {
            Sensitive::Rfe { .. }
            | Sensitive::LdmReturn { .. }
            | Sensitive::DpPcS { .. }
            | Sensitive::Eret => Flow::jump(cond, Branch::Indirect(Indirect::ExceptionReturn)),
            Sensitive::Bxj { rm } => Flow::jump(cond, Branch::Indirect(Indirect::Register(rm))),
            // What follows ENTERX is code of a third instruction set.
            Sensitive::ThumbEe { .. } => after_exception,
            _ => Flow::PLAIN,
        },
    })
}

/// A target as BX takes it: bit 0 selects T32. `None` if it is aligned for neither (UNPREDICTABLE).
const fn interworking(addr: u32) -> Option<Target> {
    match addr & 3 {
        0 => Some(Target { addr, set: InstructionSet::A32 }),
        2 => None,
        _ => Some(Target { addr: addr & !1, set: InstructionSet::T32 }),
    }
}

fn known_or(target: Option<Target>, otherwise: Indirect) -> Branch {
    target.map_or(Branch::Indirect(otherwise), Branch::Direct)
}

/// `base` with `offset` added, or subtracted.
const fn offset(base: u32, add: bool, offset: u32) -> u32 {
    if add { base.wrapping_add(offset) } else { base.wrapping_sub(offset) }
}

/// Bytes that VLDR, VSTR, VLDM or VSTM with base PC refer to, in the low 28 bits that both instruction sets share; `base`
/// is the aligned PC. `None` for another instruction or base.
fn vfp_literal(word: u32, base: u32) -> Option<Flow> {
    use crate::bits::{bit, field, reg};
    if field(word, 25, 3) != 0b110 || field(word, 21, 4) & 0b1101 == 0 || reg(word, 16) != 15 {
        return None;
    }
    let imm8 = word & 0xff;
    Some(if bit(word, 24) && !bit(word, 21) {
        let bytes = if bit(word, 8) { 8 } else { 4 };
        Flow::reference(offset(base, bit(word, 23), imm8 * 4), bytes)
    } else {
        // No writeback with this base, so it can only go upwards.
        Flow::reference(base, imm8 as u16 * 4)
    })
}
