//! Sensitive instructions with every condition and all flags: what fails its condition does nothing (A8.3).

use crate::harness::code::{Code, a32};
use crate::harness::layout::DATA;
use crate::harness::mmio::{read32, write32};
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run, Trap};

/// An instruction: its A32 word without condition, its T32 halfwords, and whether a run shows that it was executed.
type Form = (&'static str, u32, &'static [u16], fn(&Trap) -> bool);

const FORMS: [Form; 12] = [
    ("mrs", 0x010f_0000, &[0xf3ef, 0x8000], |trap| trap.r(0) & 0x1f == Mode::Svc as u32),
    ("msr", 0x0128_f001, &[0xf381, 0x8800], |trap| trap.psr() >> 27 & 1 != 0),
    ("msr-c", 0x0121_f002, &[0xf382, 0x8100], |trap| trap.psr() & 0x1f == Mode::Sys as u32),
    ("mrs-spsr", 0x014f_0000, &[0xf3ff, 0x8000], |trap| trap.r(0) & 0x1f == Mode::Irq as u32),
    ("return", 0x01b0_f00e, &[0xf3de, 0x8f00], |trap| trap.r(12) == 0x5a),
    ("svc", 0x0f00_0007, &[0xdf07], |trap| trap.kind == Kind::Svc),
    ("mrc-midr", 0x0e10_0f10, &[0xee10, 0x0f10], |trap| trap.r(0) >> 24 == 0x41),
    ("mcr-tpidruro", 0x0e0d_3f70, &[0xee0d, 0x3f70], |_| {
        crate::harness::cp15::cp15_read!(0, c13, c0, 3) == 0x3333_3333
    }),
    ("ldrt", 0x04b4_0000, &[0xf854, 0x0e00], |trap| trap.r(0) == 0x1234_5678),
    ("strt", 0x04a4_1000, &[0xf844, 0x1e00], |_| read32(DATA) == 0x8800_0000),
    ("ldm-user", 0x08d4_6000, &[], |trap| trap.state.usr[0] == 0x1234_5678),
    ("stm-user", 0x08c4_6000, &[], |_| read32(DATA) == Mode::Usr.stack()),
];

/// Whether `condition` holds with these flags, NZCV.
pub(super) fn passes(condition: u32, flags: u32) -> bool {
    let (n, z, carry, v) = (flags >> 3 & 1, flags >> 2 & 1, flags >> 1 & 1, flags & 1);
    let base = match condition >> 1 {
        0 => z == 1,
        1 => carry == 1,
        2 => n == 1,
        3 => v == 1,
        4 => carry == 1 && z == 0,
        5 => n == v,
        6 => n == v && z == 0,
        _ => return true,
    };
    base == (condition & 1 == 0)
}

pub(crate) fn cases() {
    let landing = a32!("mov r12, #0x5a");
    for (name, word, halves, executed) in FORMS {
        let run_all = |isa: &str, make: &dyn Fn(u32) -> Code, conditions: u32| {
            for condition in 0..conditions {
                case!("conditional.{name}.{condition:x}.{isa}"; |c| {
                    let code = make(condition);
                    for flags in 0..16 {
                        write32(DATA, 0x1234_5678);
                        crate::harness::cp15::cp15_write!(0, c13, c0, 3, 0);
                        let trap = Run::new(code).psr(flags << 28, 0).r(1, 0x8800_0000).r(2, 0xdf).r(3, 0x3333_3333)
                            .r(4, DATA).lr(Mode::Svc, landing.address).spsr(Mode::Svc, 0xd2).go();
                        let want = passes(condition, flags);
                        c.eq("executed", executed(&trap).into(), want.into());
                        c.note(trap.psr());
                        if !want {
                            trap.check(c, Kind::Done, &[]);
                            c.eq("memory", read32(DATA), 0x1234_5678);
                        }
                    }
                });
            }
        };
        run_all("a32", &|condition| Code::write_a32(&[condition << 28 | word]), 15);
        if !halves.is_empty() {
            let make = |condition: u32| match halves {
                // IT with this condition for one instruction.
                [one] => Code::write_t32(&[0xbf08 | (condition << 4) as u16, *one]),
                [one, two] => Code::write_t32(&[0xbf08 | (condition << 4) as u16, *one, *two]),
                _ => unreachable!(),
            };
            run_all("t32", &make, 14);
        }
    }
}
