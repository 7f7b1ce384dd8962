//! Short descriptors: sizes, permissions, domains, faults (B3.5, B3.7, B3.13).

use super::probe::{Access, Fault, expect};
use crate::harness::code::{END_A32, END_T32};
use crate::harness::cp15::{self, cp15_write, flush_tlb, is_cortex_a9};
use crate::harness::layout::TARGET;
use crate::harness::mmio::{read32, write16, write32};
use crate::harness::report::case;
use crate::harness::run::Mode;
use crate::harness::tables::{Short, short};

/// A place that only these cases map.
const VA: u32 = 0x9000_0000;

pub(crate) fn cases() {
    sizes();
    permissions();
    faults();
    domains();
    remap();
    tables_pxn();
    big_endian();
}

/// AP[2:0], XN and PXN.
#[derive(Clone, Copy)]
struct Rights {
    ap: u32,
    xn: bool,
    pxn: bool,
}

impl Rights {
    /// To be executed by all who may read.
    const fn ap(ap: u32) -> Self {
        Self { ap, xn: false, pxn: false }
    }
}

/// What maps a virtual address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Section,
    Supersection,
    Large,
    Small,
}

impl Unit {
    pub(super) const ALL: [Unit; 4] = [Unit::Section, Unit::Supersection, Unit::Large, Unit::Small];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Unit::Section => "section",
            Unit::Supersection => "supersection",
            Unit::Large => "large",
            Unit::Small => "small",
        }
    }

    /// 1 for sections, 2 for pages.
    pub(super) const fn level(self) -> u32 {
        match self {
            Unit::Section | Unit::Supersection => 1,
            Unit::Large | Unit::Small => 2,
        }
    }

    const fn bytes(self) -> u32 {
        match self {
            Unit::Section => 1 << 20,
            Unit::Supersection => 16 << 20,
            Unit::Large => 64 << 10,
            Unit::Small => 4 << 10,
        }
    }

    /// Maps `va` to `pa`.
    fn map(self, tables: &Short, va: u32, pa: u32, domain: u32, rights: Rights) {
        let Rights { ap, xn, pxn } = rights;
        let (pa, domain) = (pa & !(self.bytes() - 1), domain << 5);
        match self {
            Unit::Section | Unit::Supersection => {
                let mut flags = short::NORMAL | short::section_ap(ap);
                flags |= if xn { short::SECTION_XN } else { 0 };
                flags |= if pxn { short::SECTION_PXN } else { 0 };
                if self == Unit::Section {
                    tables.l1(va, pa | flags | domain | short::SECTION);
                } else {
                    tables.supersection(va, pa | flags | short::SUPERSECTION);
                }
            }
            Unit::Large | Unit::Small => {
                let table = domain | if pxn { short::TABLE_PXN } else { 0 };
                if self == Unit::Large {
                    let xn = if xn { short::LARGE_XN } else { 0 };
                    tables.large(
                        va,
                        table,
                        pa | short::NORMAL_LARGE | short::page_ap(ap) | xn | short::LARGE,
                    );
                } else {
                    let xn = if xn { short::SMALL_XN } else { 0 };
                    tables.l2(va, table, pa | short::NORMAL_SMALL | short::page_ap(ap) | xn | short::SMALL);
                }
            }
        }
    }
}

/// Every size maps what it should, at its beginning, its middle and its end.
fn sizes() {
    for unit in Unit::ALL {
        case!("short.size.{}", unit.name(); |c| {
            let tables = Short::new();
            unit.map(&tables, VA, TARGET, 0, Rights::ap(3));
            let bytes = unit.bytes();
            let offsets = [0, 0x40, bytes / 2 + 0x84, bytes - 4];
            tables.setup().run(|| {
                for (n, offset) in offsets.into_iter().enumerate() {
                    write32(TARGET + offset, 0x1000 + n as u32);
                    for mode in [Mode::Usr, Mode::Svc] {
                        let trap = expect(c, mode, Access::Read, VA + offset, None);
                        c.eq("read", trap.r(1), 0x1000 + n as u32);
                        expect(c, mode, Access::Write, VA + offset, None);
                        c.eq("written", read32(TARGET + offset), 0xc0de_0000 | (VA + offset) >> 20);
                        write32(TARGET + offset, 0x1000 + n as u32);
                    }
                }
                // Before and behind it is nothing.
                let level = if unit.level() == 2 && bytes < 1 << 20 { 2 } else { 1 };
                expect(c, Mode::Svc, Access::Read, VA + bytes, Some((Fault::Translation, level)));
                expect(c, Mode::Usr, Access::Write, VA - 4, Some((Fault::Translation, 1)));
            });
        });
    }
}

/// Whether AP[2:0] lets this privilege read and write (B3.7.1).
fn allowed(ap: u32, afe: bool, user: bool) -> (bool, bool) {
    let ap = if afe { ap | 1 } else { ap };
    match (ap, user) {
        (0, _) => (false, false),
        (1, false) | (2, false) | (3, _) => (true, true),
        (1, true) | (5, true) => (false, false),
        (2, true) | (5, false) | (6, _) | (7, _) => (true, false),
        _ => (false, false),
    }
}

fn permissions() {
    for unit in Unit::ALL {
        for afe in [false, true] {
            // 0b100 is reserved.
            for ap in [0, 1, 2, 3, 5, 6, 7] {
                // With AFE, AP[0] is the access flag: both values of it.
                for (xn, pxn) in [(false, false), (true, false), (false, true), (true, true)] {
                    // Came after the Cortex-A9.
                    if pxn && is_cortex_a9() {
                        continue;
                    }
                    let mark = match (xn, pxn) {
                        (false, false) => "",
                        (true, false) => "-xn",
                        (false, true) => "-pxn",
                        (true, true) => "-xn-pxn",
                    };
                    let name = if afe { "afe" } else { "ap" };
                    case!("short.permission.{}.{name}{ap}{mark}", unit.name(); |c| {
                        let tables = Short::new();
                        unit.map(&tables, VA, TARGET, 0, Rights { ap, xn, pxn });
                        write32(TARGET, END_A32);
                        write16(TARGET + 8, END_T32);
                        let mut setup = tables.setup();
                        setup.sctlr = if afe { cp15::sctlr::AFE } else { 0 };
                        // The harness's own mappings have AP[0] set.
                        setup.run(|| {
                            for mode in [Mode::Svc, Mode::Usr, Mode::Sys, Mode::Abt] {
                                let user = mode == Mode::Usr;
                                let (read, write) = allowed(ap, afe, user);
                                for access in Access::ALL {
                                    let allowed = match access {
                                        Access::Read => read,
                                        Access::Write => write,
                                        Access::Execute => read && !xn && (user || !pxn),
                                    };
                                    let want = if afe && ap & 1 == 0 {
                                        Some((Fault::AccessFlag, unit.level()))
                                    } else if allowed {
                                        None
                                    } else {
                                        Some((Fault::Permission, unit.level()))
                                    };
                                    // Which of the two comes first QEMU 7.2 decides otherwise than the manual.
                                    if afe && ap & 1 == 0 && access == Access::Execute && (xn || pxn) {
                                        continue;
                                    }
                                    let offset = match access {
                                        Access::Execute => 0,
                                        _ => 0x20,
                                    };
                                    expect(c, mode, access, VA + offset, want);
                                    if access == Access::Execute {
                                        expect(c, mode, access, VA + 9, want);
                                    }
                                }
                            }
                        });
                    });
                }
            }
        }
    }
}

/// Nothing there, at both levels; every kind of access.
fn faults() {
    case!("short.fault.first-level"; |c| {
        let tables = Short::new();
        tables.setup().run(|| {
            for va in [0, 4, 0x0010_0000, 0x3fff_fffc, 0x8000_0000, VA + 0x1234, 0xc000_0000, 0xffef_fffc, 0xfff0_0000,
                0xffff_0000, 0xffff_fffc]
            {
                for mode in [Mode::Svc, Mode::Usr] {
                    for access in Access::ALL {
                        expect(c, mode, access, va, Some((Fault::Translation, 1)));
                    }
                }
            }
        });
    });
    case!("short.fault.second-level"; |c| {
        let tables = Short::new();
        tables.l2(VA, 5 << 5, 0);
        tables.setup().run(|| {
            for va in [VA, VA + 0x1000, VA + 0xf_fffc] {
                for mode in [Mode::Svc, Mode::Usr] {
                    for access in Access::ALL {
                        let trap = expect(c, mode, access, va, Some((Fault::Translation, 2)));
                        if access != Access::Execute {
                            c.eq("domain", trap.state.dfsr >> 4 & 0xf, 5);
                        }
                    }
                }
            }
        });
    });
    // A table that is not memory: an external abort on the walk, first level (B3.13.3).
    case!("short.fault.walk"; |c| {
        let tables = Short::new();
        tables.l1(VA, crate::harness::layout::HOLE | short::TABLE);
        tables.setup().run(|| {
            for mode in [Mode::Svc, Mode::Usr] {
                let trap = super::probe::access(mode, Access::Read, VA, false);
                c.eq("kind", trap.kind as u32, crate::harness::run::Kind::Dabt as u32);
                // 0b01110: on the walk's second level.
                c.eq("DFSR", trap.state.dfsr & 0x40f, 14);
                c.eq("DFAR", trap.state.dfar, VA);
            }
        });
    });
}

/// No access, client, manager, and the reserved value is left out; at both levels.
fn domains() {
    for unit in [Unit::Section, Unit::Small, Unit::Large] {
        for domain in 1..16 {
            case!("short.domain.{}.{domain}", unit.name(); |c| {
                let tables = Short::new();
                // Read-only for PL1, nothing for PL0, not to be executed.
                unit.map(&tables, VA, TARGET, domain, Rights { ap: 5, xn: true, pxn: false });
                write32(TARGET, END_A32);
                tables.setup().run(|| {
                    for kind in [0, 1, 3, 0, 3, 1] {
                        cp15_write!(0, c3, c0, 0, 0x5555_5555 & !(3 << (2 * domain)) | kind << (2 * domain));
                        for mode in [Mode::Svc, Mode::Usr] {
                            for access in Access::ALL {
                                let want = match kind {
                                    0 => Some((Fault::Domain, unit.level())),
                                    3 => None,
                                    _ if mode == Mode::Svc && access == Access::Read => None,
                                    _ => Some((Fault::Permission, unit.level())),
                                };
                                // XN has no effect in a manager's domain (B3.7.3).
                                let offset = if access == Access::Write { 0x20 } else { 0 };
                                let trap = expect(c, mode, access, VA + offset, want);
                                if kind == 0 && access != Access::Execute {
                                    c.eq("domain", trap.state.dfsr >> 4 & 0xf, domain);
                                }
                            }
                        }
                    }
                });
            });
        }
    }
    case!("short.domain.supersection-is-0"; |c| {
        let tables = Short::new();
        Unit::Supersection.map(&tables, VA, TARGET, 0, Rights::ap(1));
        tables.setup().run(|| {
            expect(c, Mode::Svc, Access::Read, VA, None);
            expect(c, Mode::Usr, Access::Read, VA, Some((Fault::Permission, 1)));
        });
    });
}

/// TEX remap: TEX[2:1] are the system's to use, so they change nothing (B3.8.3).
fn remap() {
    for afe in [false, true] {
        case!("short.remap.{}", if afe { "tre-afe" } else { "tre" }; |c| {
            let tables = Short::new();
            for n in 0..32 {
                // TEX[0], C, B of the harness's normal memory are 1, 0, 0: region 4, normal by PRRR below.
                tables.l1(VA + (n << 20), TARGET | short::SECTION | short::section_ap(3) | 1 << 12 | (n >> 3 & 3) << 13);
            }
            let mut setup = tables.setup();
            setup.sctlr = cp15::sctlr::TRE | if afe { cp15::sctlr::AFE } else { 0 };
            // TR4 normal, TR0 strongly-ordered, TR1 device; all not cacheable.
            setup.prrr = 2 << 8 | 1 << 2;
            setup.nmrr = 0;
            write32(TARGET + 0x20, 0x7777);
            setup.run(|| {
                for n in 0..32 {
                    for mode in [Mode::Svc, Mode::Usr] {
                        let trap = expect(c, mode, Access::Read, VA + (n << 20) + 0x20, None);
                        c.eq("read", trap.r(1), 0x7777);
                    }
                }
            });
        });
    }
}

/// PXN of a table and XN of its pages, and a page changed from one size to another.
fn tables_pxn() {
    case!("short.pxn-by-table"; |c| {
        let tables = Short::new();
        write32(TARGET, END_A32);
        for (n, table) in [0, short::TABLE_PXN].into_iter().enumerate() {
            tables.l2(VA + ((n as u32) << 20), table, TARGET | short::NORMAL_SMALL | short::page_ap(3) | short::SMALL);
        }
        tables.setup().run(|| {
            expect(c, Mode::Svc, Access::Execute, VA, None);
            expect(c, Mode::Usr, Access::Execute, VA, None);
            // Not there on a Cortex-A9, where the bit means nothing.
            let never = (!is_cortex_a9()).then_some((Fault::Permission, 2));
            expect(c, Mode::Svc, Access::Execute, VA + (1 << 20), never);
            expect(c, Mode::Usr, Access::Execute, VA + (1 << 20), None);
        });
    });
    for from in Unit::ALL {
        for to in Unit::ALL {
            case!("short.change.{}.{}", from.name(), to.name(); |c| {
                let tables = Short::new();
                from.map(&tables, VA, TARGET, 0, Rights::ap(3));
                write32(TARGET + 0x100, 0xaaaa);
                let moved = TARGET + (16 << 20);
                write32(moved + 0x100, 0xbbbb);
                tables.setup().run(|| {
                    let trap = expect(c, Mode::Usr, Access::Read, VA + 0x100, None);
                    c.eq("before", trap.r(1), 0xaaaa);
                    // Break before make (B3.10.1).
                    tables.supersection(VA, 0);
                    flush_tlb();
                    expect(c, Mode::Usr, Access::Read, VA + 0x100, Some((Fault::Translation, 1)));
                    to.map(&tables, VA, moved, 0, Rights::ap(3));
                    flush_tlb();
                    let trap = expect(c, Mode::Usr, Access::Read, VA + 0x100, None);
                    c.eq("after", trap.r(1), 0xbbbb);
                });
            });
        }
    }
}

/// SCTLR.EE: the tables are big-endian.
fn big_endian() {
    case!("short.big-endian-tables"; |c| {
        let tables = Short::new();
        tables.l1(VA, TARGET | short::NORMAL | short::section_ap(2) | short::SECTION);
        tables.l2(VA + (1 << 20), 0, TARGET | short::NORMAL_SMALL | short::page_ap(3) | short::SMALL);
        let second = read32(tables.l1 + ((VA + (1 << 20)) >> 20) * 4) & 0xffff_fc00;
        for at in (tables.l1..tables.l1 + 0x4000).step_by(4).chain([second]) {
            write32(at, read32(at).swap_bytes());
        }
        write32(TARGET + 0x20, 0x1234_5678);
        let mut setup = tables.setup();
        setup.sctlr = cp15::sctlr::EE;
        setup.run(|| {
            for mode in [Mode::Svc, Mode::Usr] {
                for va in [VA, VA + (1 << 20)] {
                    let trap = expect(c, mode, Access::Read, va + 0x20, None);
                    c.eq("read", trap.r(1), 0x1234_5678);
                }
                expect(c, mode, Access::Read, VA - 4, Some((Fault::Translation, 1)));
                expect(c, mode, Access::Read, VA + (1 << 20) + 0x1000, Some((Fault::Translation, 2)));
            }
            expect(c, Mode::Usr, Access::Write, VA, Some((Fault::Permission, 1)));
        });
    });
}
