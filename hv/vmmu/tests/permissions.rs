//! Every combination of permission bits, written out as the manual's tables have them (DDI 0406C B3.7.1, tables B3-8
//! and B3-9; B3.7.2; B3.6.3), for every domain setting, privilege and kind of access.

mod common;
use common::*;
use nex_mm::Gva;
use nex_vmmu::{Access, FaultKind, Kind, Registers, translate};

/// Table B3-8: AP\[2:0\], then what PL1 and what PL0 may do with data.
const AP: [(u32, &str, &str); 8] = [
    (0b000, "", ""),
    (0b001, "rw", ""),
    (0b010, "rw", "r"),
    (0b011, "rw", "rw"),
    // Reserved.
    (0b100, "", ""),
    (0b101, "r", ""),
    // Deprecated.
    (0b110, "r", "r"),
    (0b111, "r", "r"),
];

/// Table B3-9, the simplified model: AP\[2:1\].
const AP_SIMPLE: [(u32, &str, &str); 4] =
    [(0b00, "rw", ""), (0b01, "rw", "rw"), (0b10, "r", ""), (0b11, "r", "r")];

/// Whether an access is right by the text of B3.7.2.
fn permitted(who: &str, user: &str, access: Access, never: &Never) -> bool {
    match access.kind {
        Kind::Read => who.contains('r'),
        Kind::Write => who.contains('w'),
        Kind::Execute => {
            let unwritable = !(never.wxn && who.contains('w'));
            let not_from_user = !(never.uwxn && access.privileged && user.contains('w'));
            who.contains('r') && !never.xn && !(never.pxn && access.privileged) && unwritable && not_from_user
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Never {
    xn: bool,
    pxn: bool,
    wxn: bool,
    uwxn: bool,
}

fn all_never() -> impl Iterator<Item = Never> {
    (0..16).map(|n| Never { xn: n & 1 != 0, pxn: n & 2 != 0, wxn: n & 4 != 0, uwxn: n & 8 != 0 })
}

fn accesses() -> impl Iterator<Item = Access> {
    [false, true].into_iter().flat_map(|privileged| Kind::ALL.map(|kind| Access::new(privileged, kind)))
}

/// A page of each size with these bits, in `domain`: descriptors and the level that reports.
fn pages(ap: u32, never: Never, domain: u32) -> [(Ram, u8, u32); 4] {
    let (xn, pxn) = (u32::from(never.xn), u32::from(never.pxn));
    let table = 0x4001_0001 | domain << 5 | pxn << 2;
    let small = 0x4567_8002 | (ap & 3) << 4 | ap >> 2 << 9 | xn | 1 << 6;
    let large = 0x4567_0001 | (ap & 3) << 4 | ap >> 2 << 9 | xn << 15 | 1 << 12;
    let section = 0x4560_0002 | (ap & 3) << 10 | ap >> 2 << 15 | xn << 4 | pxn | 1 << 12;
    [
        (Ram::new(&[(0x4000_4000, table), (0x4001_0000, small)]), 2, domain),
        (Ram::new(&[(0x4000_4000, table), (0x4001_0000, large)]), 2, domain),
        (Ram::new(&[(0x4000_4000, section | domain << 5)]), 1, domain),
        // A supersection is in domain 0, whatever its bits 8..5.
        (Ram::new(&[(0x4000_4000, section & 0xff0f_ffff | 1 << 18)]), 1, 0),
    ]
}

#[test]
fn short_descriptors() {
    let mut compared = 0;
    for afe in [false, true] {
        for (ap, privileged, user) in AP {
            let (privileged, user) = if afe {
                let (_, privileged, user) = AP_SIMPLE[(ap >> 1) as usize];
                (privileged, user)
            } else {
                (privileged, user)
            };
            for never in all_never() {
                for domain in [0, 9, 15] {
                    for field in 0..4u32 {
                        for (mut ram, level, domain) in pages(ap, never, domain) {
                            let sctlr = M
                                | if afe { AFE } else { 0 }
                                | if never.wxn { WXN } else { 0 }
                                | if never.uwxn { UWXN } else { 0 };
                            // All others are the opposite: only this field may count.
                            let dacr = (if field == 0 { u32::MAX } else { 0 }) & !(3 << (2 * domain))
                                | field << (2 * domain);
                            let regs = Registers { sctlr, dacr, ..short(A15) };
                            for access in accesses() {
                                let who = if access.privileged { privileged } else { user };
                                let expected = if afe && ap & 1 == 0 {
                                    Err(FaultKind::AccessFlag)
                                } else if field == 0b00 || field == 0b10 {
                                    Err(FaultKind::Domain)
                                } else if field == 0b11 || permitted(who, user, access, &never) {
                                    Ok(())
                                } else {
                                    Err(FaultKind::Permission)
                                };
                                let found = translate(&regs, &mut ram, Gva::new(0x123), access);
                                let label =
                                    || format!("AP {ap:03b} AFE {afe} {never:?} field {field} {access:?}");
                                match found {
                                    Ok(found) => {
                                        assert_eq!((Ok(()), found.level), (expected, level), "{}", label())
                                    }
                                    Err(fault) => {
                                        assert_eq!(Err(fault.kind), expected, "{}", label());
                                        assert_eq!(
                                            (fault.level, u32::from(fault.domain)),
                                            (level, domain),
                                            "{}",
                                            label()
                                        );
                                    }
                                }
                                compared += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    assert_eq!(compared, 2 * 8 * 16 * 3 * 4 * 4 * 6);
}

/// An A9 has neither PXN nor WXN: the bits change nothing.
#[test]
fn short_descriptors_without_pxn() {
    for (ap, privileged, user) in AP {
        for never in all_never() {
            let sctlr = M | if never.wxn { WXN } else { 0 } | if never.uwxn { UWXN } else { 0 };
            let regs = Registers { sctlr, ..short(A9) };
            let xn_only = Never { pxn: false, wxn: false, uwxn: false, ..never };
            // Only the pages: a section with PXN is reserved there.
            for (mut ram, ..) in pages(ap, never, 3).into_iter().take(2) {
                for access in accesses() {
                    let who = if access.privileged { privileged } else { user };
                    let found = translate(&regs, &mut ram, Gva::new(0x123), access);
                    assert_eq!(
                        found.is_ok(),
                        permitted(who, user, access, &xn_only),
                        "{ap:03b} {never:?} {access:?}"
                    );
                }
            }
        }
    }
}

/// AP, XN and PXN of a page, and APTable, XNTable and PXNTable of each of the two tables above it.
#[test]
fn long_descriptors() {
    for (ap, privileged, user) in AP_SIMPLE {
        for never in all_never() {
            for tables in 0..256u64 {
                let (first, second) = (tables & 0xf, tables >> 4);
                let both = first | second;
                // APTable[0] takes PL0's access, APTable[1] takes writing.
                let (table_pxn, table_xn) = (both & 1 != 0, both & 2 != 0);
                let user = if both & 4 != 0 { "" } else { user };
                let limit =
                    |rights: &'static str| if both & 8 != 0 { rights.trim_end_matches('w') } else { rights };
                let (privileged, user) = (limit(privileged), limit(user));
                let all = Never { xn: never.xn || table_xn, pxn: never.pxn || table_pxn, ..never };
                let page = 0x4567_8403
                    | u64::from(ap) << 6
                    | u64::from(never.xn) << 54
                    | u64::from(never.pxn) << 53
                    | 3 << 2;
                let mut ram = Ram::long(&[
                    (0x4000_4000, 0x4001_0003 | first << 59),
                    (0x4001_0000, 0x4002_0003 | second << 59),
                    (0x4002_0000, page),
                ]);
                let sctlr = M | if never.wxn { WXN } else { 0 } | if never.uwxn { UWXN } else { 0 };
                // Neither DACR nor AFE counts.
                let regs = Registers { sctlr: sctlr | (AFE * (ap & 1)), dacr: 0, ..lpae() };
                for access in accesses() {
                    let who = if access.privileged { privileged } else { user };
                    let found = translate(&regs, &mut ram, Gva::new(0x123), access);
                    let expected = permitted(who, user, access, &all);
                    assert_eq!(
                        found.is_ok(),
                        expected,
                        "AP {ap:02b} {never:?} tables {tables:08b} {access:?}"
                    );
                    if let Err(fault) = found {
                        assert_eq!((fault.kind, fault.level), (FaultKind::Permission, 3));
                    }
                }
                ram.write64(0x4002_0000, page & !(1 << 10));
                let fault =
                    translate(&regs, &mut ram, Gva::new(0), Access::new(true, Kind::Read)).unwrap_err();
                assert_eq!((fault.kind, fault.level), (FaultKind::AccessFlag, 3));
            }
        }
    }
}
