//! Code at unusual virtual addresses: low, high, and beside where a hypervisor has put itself. The last of all cases, so that
//! a machine that cannot do this has said everything else.

use super::memory::small;
use crate::harness::code::{Code, Isa};
use crate::harness::layout::CODE;
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run};
use crate::harness::tables::{Long, Short, long};

/// Not those that Nex has for itself: docs/virtualization.md, section 4.
const PLACES: [u32; 11] = [
    0x0000_0000,
    0x0000_1000,
    0x3fff_f000,
    0x8000_0000,
    0xbfff_f000,
    0xc000_0000,
    0xd000_0000,
    0xf000_0000,
    0xffef_f000,
    0xffff_0000,
    0xffff_f000,
];

pub(crate) fn cases() {
    for va in PLACES {
        for isa in Isa::BOTH {
            case!("window.execute.{va:08x}.{}", isa.name(); |c| {
                // MOV r0, #42; MRS r1, CPSR, which is sensitive at PL1; MOV r2, #7
                match isa {
                    Isa::A32 => Code::write_a32(&[0xe3a0_002a, 0xe10f_1000, 0xe3a0_2007]),
                    Isa::T32 => Code::write_t32(&[0x202a, 0xf3ef, 0x8100, 0x2207]),
                };
                let tables = Short::new();
                tables.l2(va, 0, small(CODE, 3));
                let long_tables = || {
                    let tables = Long::new();
                    tables.set(va, 3, CODE | long::PAGE | long::AF | long::ap(1), 0, 0);
                    tables.setup()
                };
                let code = Code { address: va, isa };
                let mut check = || {
                    for mode in Mode::ALL {
                        let trap = Run::new(code).mode(mode).go();
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        c.eq("where", trap.offset(), if isa == Isa::A32 { 12 } else { 8 });
                        c.eq("r0", trap.r(0), 42);
                        c.eq("r2", trap.r(2), 7);
                        if mode != Mode::Usr {
                            c.eq("r1", trap.r(1) & 0x1f, mode.bits());
                        }
                    }
                };
                tables.setup().run(&mut check);
                long_tables().run(&mut check);
            });
        }
    }
}
