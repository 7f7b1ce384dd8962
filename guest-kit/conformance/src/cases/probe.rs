//! One access at one privilege, and what it must come to.

use crate::harness::code::{Code, a32, t32};
use crate::harness::cp15::cp15_read;
use crate::harness::report::Case;
use crate::harness::run::{Kind, Mode, Run, Trap};

/// What is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    Execute,
}

impl Access {
    pub(crate) const ALL: [Access; 3] = [Access::Read, Access::Write, Access::Execute];
}

/// A fault, without its level.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Translation,
    AccessFlag,
    Domain,
    Permission,
    Alignment,
    External,
}

impl Fault {
    /// Fault status as DFSR and IFSR have it, at `level`: 1 is sections, 2 pages; in the long format 1 to 3
    /// (B3.13.3, B3.13.4).
    pub(crate) const fn status(self, level: u32, is_long: bool) -> u32 {
        if is_long {
            1 << 9
                | match self {
                    Fault::Translation => 4 + level,
                    Fault::AccessFlag => 8 + level,
                    Fault::Permission | Fault::Domain => 12 + level,
                    Fault::Alignment => 0x21,
                    Fault::External => 0x10,
                }
        } else {
            let second = level == 2;
            match self {
                Fault::Translation => 5 + 2 * second as u32,
                Fault::AccessFlag => 3 + 3 * second as u32,
                Fault::Domain => 9 + 2 * second as u32,
                Fault::Permission => 13 + 2 * second as u32,
                Fault::Alignment => 1,
                Fault::External => 8,
            }
        }
    }
}

/// TTBCR.EAE: long descriptors.
pub(crate) fn is_long() -> bool {
    cp15_read!(0, c2, c0, 2) >> 31 != 0
}

/// The bits of DFSR and IFSR that hold the status and the format.
pub(crate) fn status_mask() -> u32 {
    if is_long() { 0x23f } else { 0x60f }
}

fn code(access: Access, thumb: bool) -> Code {
    match (access, thumb) {
        (Access::Read, false) => a32!("ldr r1, [r0]"),
        (Access::Write, false) => a32!("str r2, [r0]"),
        (Access::Execute, false) => a32!("bx r0"),
        (Access::Read, true) => t32!("ldr r1, [r0]"),
        (Access::Write, true) => t32!("str r2, [r0]"),
        (Access::Execute, true) => t32!("bx r0"),
    }
}

/// Tries an access. What is executed must be the end mark of the instruction set that bit 0 of `address` says.
pub(crate) fn access(mode: Mode, access: Access, address: u32, thumb: bool) -> Trap {
    Run::new(code(access, thumb)).mode(mode).r(0, address).r(2, 0xc0de_0000 | address >> 20).go()
}

/// Tries an access; `want` is the fault with its level, and for a domain fault the domain.
pub(crate) fn expect(
    c: &mut Case,
    mode: Mode,
    what: Access,
    address: u32,
    want: Option<(Fault, u32)>,
) -> Trap {
    let trap = access(mode, what, address, false);
    judge(c, &trap, what, address, want);
    trap
}

/// What [`expect`] checks.
pub(crate) fn judge(c: &mut Case, trap: &Trap, what: Access, address: u32, want: Option<(Fault, u32)>) {
    let Some((fault, level)) = want else {
        c.eq("kind", trap.kind as u32, Kind::Done as u32);
        return;
    };
    let status = fault.status(level, is_long());
    trap.check(c, if what == Access::Execute { Kind::Pabt } else { Kind::Dabt }, &[]);
    if what == Access::Execute {
        c.eq("IFSR", trap.state.ifsr & status_mask(), status);
        c.eq("IFAR", trap.state.ifar, address & !1);
        c.eq("where", trap.at, address & !1);
    } else {
        let write = u32::from(what == Access::Write) << 11;
        c.eq("DFSR", trap.state.dfsr & (status_mask() | 1 << 11), status | write);
        c.eq("DFAR", trap.state.dfar, address);
    }
}
