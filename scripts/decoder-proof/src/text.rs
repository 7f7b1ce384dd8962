//! Decoded instructions as assembly text, in capstone's spelling.

use nex_decode::{
    Class, Cond, Coproc, Coproc64, Decoded, DpOp, Hint, Imod, MsrSource, Offset, Operand2, Sensitive,
    ShiftKind, ShiftedReg, Trapping, Unprivileged, Walk,
};

use crate::oracle::Isa;

const COND: [&str; 15] =
    ["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", ""];

/// The suffix of a mnemonic for `cond`; empty for AL.
pub fn cond_suffix(cond: Cond) -> &'static str {
    COND[usize::from(cond.bits())]
}

/// Mnemonic and operands of a decoded instruction that does not simply run; `None` for those that do, and for undefined and
/// unpredictable ones.
pub fn text(isa: Isa, decoded: &Decoded) -> Option<(String, String)> {
    let (mnemonic, operands) = match decoded.class {
        Class::Innocuous | Class::Fp | Class::Undefined | Class::Unpredictable => return None,
        Class::Hint(hint) => (hint_name(hint).to_string(), String::new()),
        Class::Svc { imm } => ("svc".into(), number(imm)),
        Class::Bkpt { imm } => ("bkpt".into(), number(u32::from(imm))),
        Class::Trapping(trapping) => trapping_text(trapping),
        Class::Sensitive(sensitive) => sensitive_text(isa, sensitive),
    };
    // T32 instructions have the condition of their IT block, and capstone sees no block.
    let suffix = if isa == Isa::A32 { cond_suffix(decoded.cond) } else { "" };
    Some((mnemonic + suffix, operands))
}

fn hint_name(hint: Hint) -> &'static str {
    match hint {
        Hint::Yield => "yield",
        Hint::Wfe => "wfe",
        Hint::Wfi => "wfi",
        Hint::Sev => "sev",
    }
}

fn number(value: u32) -> String {
    if value < 10 { format!("#{value}") } else { format!("#{value:#x}") }
}

fn signed(value: u32, positive: bool) -> String {
    if positive { number(value) } else { number(value).replace('#', "#-") }
}

fn reg(n: u8) -> String {
    match n {
        9 => "sb".into(),
        10 => "sl".into(),
        11 => "fp".into(),
        12 => "ip".into(),
        13 => "sp".into(),
        14 => "lr".into(),
        15 => "pc".into(),
        n => format!("r{n}"),
    }
}

fn list(bits: u16) -> String {
    let names: Vec<String> = (0..16).filter(|n| bits >> n & 1 == 1).map(reg).collect();
    format!("{{{}}}", names.join(", "))
}

/// IA is not written for LDM and STM.
fn walk(walk: Walk) -> &'static str {
    match (walk.increment, walk.before) {
        (true, false) => "ia",
        (true, true) => "ib",
        (false, false) => "da",
        (false, true) => "db",
    }
}

fn mark(wback: bool) -> &'static str {
    if wback { "!" } else { "" }
}

fn shifted(operand: ShiftedReg) -> String {
    let name = match operand.kind {
        ShiftKind::Lsl => "lsl",
        ShiftKind::Lsr => "lsr",
        ShiftKind::Asr => "asr",
        ShiftKind::Ror => "ror",
        ShiftKind::Rrx => return format!("{}, rrx", reg(operand.rm)),
    };
    if operand.kind == ShiftKind::Lsl && operand.amount == 0 {
        return reg(operand.rm);
    }
    // Amounts of shifts are the only decimal numbers.
    format!("{}, {name} #{}", reg(operand.rm), operand.amount)
}

fn coproc(c: &Coproc) -> (String, String) {
    let rt = if c.rt == 15 && c.read { "apsr_nzcv".into() } else { reg(c.rt) };
    let name = if c.read { "mrc" } else { "mcr" };
    (
        name.into(),
        format!(
            "p{}, {}, {rt}, c{}, c{}, {}",
            c.cp,
            number(c.op1.into()),
            c.crn,
            c.crm,
            number(c.op2.into())
        ),
    )
}

fn coproc64(c: &Coproc64) -> (String, String) {
    let name = if c.read { "mrrc" } else { "mcrr" };
    (name.into(), format!("p{}, {}, {}, {}, c{}", c.cp, number(c.op1.into()), reg(c.rt), reg(c.rt2), c.crm))
}

fn vfp_register(number: u8) -> String {
    match number {
        0 => "fpsid".into(),
        // ARMv8's name; reserved in ARMv7-A.
        5 => "mvfr2".into(),
        6 => "mvfr1".into(),
        7 => "mvfr0".into(),
        8 => "fpexc".into(),
        9 => "fpinst".into(),
        10 => "fpinst2".into(),
        n => format!("?{n}"),
    }
}

fn trapping_text(trapping: Trapping) -> (String, String) {
    match trapping {
        Trapping::Coproc(c) => coproc(&c),
        Trapping::Coproc64(c) => coproc64(&c),
        Trapping::VfpSystem { reg: n, rt, read: true } => {
            ("vmrs".into(), format!("{}, {}", reg(rt), vfp_register(n)))
        }
        Trapping::VfpSystem { reg: n, rt, read: false } => {
            ("vmsr".into(), format!("{}, {}", vfp_register(n), reg(rt)))
        }
        Trapping::Hvc { imm } => ("hvc".into(), number(imm.into())),
        Trapping::Smc { imm } => ("smc".into(), number(imm.into())),
        Trapping::Udf { imm } => ("udf".into(), number(imm.into())),
    }
}

fn psr_fields(spsr: bool, mask: u8) -> String {
    let mut name = String::from(if spsr { "spsr_" } else { "cpsr_" });
    for (bit, letter) in [(8, 'f'), (4, 's'), (2, 'x'), (1, 'c')] {
        if mask & bit != 0 {
            name.push(letter);
        }
    }
    name
}

/// Banked registers that the manual names; `None` for the rest, which capstone refuses (B9.2.3).
fn banked(spsr: bool, sysm: u8) -> Option<String> {
    const OTHERS: [&str; 8] = ["irq", "svc", "abt", "und", "", "", "mon", "hyp"];
    const LOW: [&str; 7] = ["r8", "r9", "r10", "r11", "r12", "sp", "lr"];
    if spsr {
        return match sysm {
            14 => Some("spsr_fiq".into()),
            16 | 18 | 20 | 22 | 28 | 30 => Some(format!("spsr_{}", OTHERS[usize::from(sysm - 16) / 2])),
            _ => None,
        };
    }
    match sysm {
        0..=6 => Some(format!("{}_usr", LOW[usize::from(sysm)])),
        8..=14 => Some(format!("{}_fiq", LOW[usize::from(sysm - 8)])),
        30 => Some("elr_hyp".into()),
        31 => Some("sp_hyp".into()),
        16..=23 | 28 | 29 => {
            let name = if sysm & 1 == 0 { "lr" } else { "sp" };
            Some(format!("{name}_{}", OTHERS[usize::from(sysm - 16) / 2]))
        }
        _ => None,
    }
}

fn dp_text(op: DpOp, rn: u8, op2: Operand2) -> (String, String) {
    let name = format!("{op:?}s").to_lowercase();
    if op == DpOp::Mov {
        // Shifts are written as instructions of their own.
        if let Operand2::Reg(r) = op2 {
            let amount = number(r.amount.into());
            return match r.kind {
                ShiftKind::Rrx => ("rrxs".into(), format!("pc, {}", reg(r.rm))),
                ShiftKind::Lsl if r.amount == 0 => (name, format!("pc, {}", reg(r.rm))),
                kind => (format!("{kind:?}s").to_lowercase(), format!("pc, {}, {amount}", reg(r.rm))),
            };
        }
    }
    let second = match op2 {
        Operand2::Imm(value) => number(value),
        Operand2::Reg(r) => shifted(r),
    };
    match op {
        DpOp::Mov | DpOp::Mvn => (name, format!("pc, {second}")),
        _ => (name, format!("pc, {}, {second}", reg(rn))),
    }
}

fn unprivileged(isa: Isa, u: &Unprivileged) -> (String, String) {
    let name = match (u.load, u.signed, u.size_bytes) {
        (true, false, 1) => "ldrbt",
        (true, false, 2) => "ldrht",
        (true, false, _) => "ldrt",
        (true, true, 1) => "ldrsbt",
        (true, true, _) => "ldrsht",
        (false, _, 1) => "strbt",
        (false, _, 2) => "strht",
        (false, _, _) => "strt",
    };
    let offset = match u.offset {
        Offset::Imm(n) => signed(n.into(), u.add),
        Offset::Reg(r) => format!("{}{}", if u.add { "" } else { "-" }, shifted(r)),
    };
    let (rt, rn) = (reg(u.rt), reg(u.rn));
    let place = match (isa, offset.as_str()) {
        (Isa::A32, _) => format!("[{rn}], {offset}"),
        (_, "#0") => format!("[{rn}]"),
        (_, _) => format!("[{rn}, {offset}]"),
    };
    (name.into(), format!("{rt}, {place}"))
}

fn block(name: &str, rn: u8, bits: u16, w: Walk, wback: bool) -> (String, String) {
    let suffix = if walk(w) == "ia" { "" } else { walk(w) };
    (format!("{name}{suffix}"), format!("{}{}, {} ^", reg(rn), mark(wback), list(bits)))
}

fn sensitive_text(isa: Isa, sensitive: Sensitive) -> (String, String) {
    match sensitive {
        Sensitive::Cps { imod, a, i, f, mode } => {
            let name = match imod {
                Imod::Keep => "cps",
                Imod::Enable => "cpsie",
                Imod::Disable => "cpsid",
            };
            let masks: String =
                [(a, 'a'), (i, 'i'), (f, 'f')].iter().filter(|(on, _)| *on).map(|(_, c)| *c).collect();
            let parts = [(!masks.is_empty()).then_some(masks), mode.map(|m| number(m.into()))];
            (name.into(), parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
        }
        Sensitive::MrsCpsr { rd } => ("mrs".into(), format!("{}, apsr", reg(rd))),
        Sensitive::MrsSpsr { rd } => ("mrs".into(), format!("{}, spsr", reg(rd))),
        Sensitive::Msr { spsr, mask, source } => {
            let value = match source {
                MsrSource::Reg(rn) => reg(rn),
                MsrSource::Imm(imm) => number(imm),
            };
            ("msr".into(), format!("{}, {value}", psr_fields(spsr, mask)))
        }
        Sensitive::MrsBanked { rd, spsr, sysm } => {
            ("mrs".into(), format!("{}, {}", reg(rd), banked(spsr, sysm).unwrap_or("?".into())))
        }
        Sensitive::MsrBanked { rn, spsr, sysm } => {
            ("msr".into(), format!("{}, {}", banked(spsr, sysm).unwrap_or("?".into()), reg(rn)))
        }
        Sensitive::Rfe { rn, walk: w, wback } => {
            (format!("rfe{}", walk(w)), format!("{}{}", reg(rn), mark(wback)))
        }
        Sensitive::Srs { mode, walk: w, wback } => {
            (format!("srs{}", walk(w)), format!("sp{}, {}", mark(wback), number(mode.into())))
        }
        Sensitive::LdmUser { rn, list, walk } => block("ldm", rn, list, walk, false),
        Sensitive::StmUser { rn, list, walk } => block("stm", rn, list, walk, false),
        Sensitive::LdmReturn { rn, list, walk, wback } => block("ldm", rn, list, walk, wback),
        // SUBS PC, LR, #0 of T32 is called ERET.
        Sensitive::DpPcS { op: DpOp::Sub, rn: 14, op2: Operand2::Imm(0) } if isa == Isa::T32 => {
            ("eret".into(), String::new())
        }
        Sensitive::DpPcS { op, rn, op2 } => dp_text(op, rn, op2),
        Sensitive::Eret => ("eret".into(), String::new()),
        Sensitive::Unprivileged(u) => unprivileged(isa, &u),
        Sensitive::Bxj { rm } => ("bxj".into(), reg(rm)),
        Sensitive::ThumbEe { enter } => (if enter { "enterx" } else { "leavex" }.into(), String::new()),
        Sensitive::Gated(c, _) => coproc(&c),
        Sensitive::Gated64(c, _) => coproc64(&c),
        Sensitive::DebugTransfer(t) => {
            let offset = signed(t.offset_bytes.into(), t.add);
            let (rn, w) = (reg(t.rn), mark(t.wback));
            let place = match (t.preindex, t.wback) {
                (true, _) if offset == "#0" && !t.wback => format!("[{rn}]"),
                (true, _) => format!("[{rn}, {offset}]{w}"),
                (false, true) => format!("[{rn}], {offset}"),
                (false, false) => format!("[{rn}], {{{}}}", &number(u32::from(t.offset_bytes / 4))[1..]),
            };
            (if t.load { "ldc" } else { "stc" }.into(), format!("p14, c5, {place}"))
        }
    }
}
