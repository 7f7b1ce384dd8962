//! Cases of the CPU: random code from a random state, with the MMU off or on.

use crate::generate::{self, Code, END_A32, END_T32, Isa, Permit, SVC_LOOK, SVC_MODE};
use crate::log::Log;
use crate::machine::cp15::{cp15_read, cp15_write, flush_tlb, sctlr, sync_code};
use crate::machine::float::{self, Float};
use crate::machine::layout::{
    CODE, CODE_BYTES, CODE_COPY, DATA, DATA_EDGE, DATA_PAGES, FRAMES, GICC, GICD, STACK_BYTES, STACKS,
};
use crate::machine::mmio::{read16, read32, write32};
use crate::machine::state::{BANKED, State, psr};
use crate::machine::vectors;
use crate::rng::Rng;
use crate::tables::Tables;

/// Exceptions after which a case ends.
const EXCEPTIONS: u32 = 24;
/// Vector numbers.
const UND: u32 = 1;
const SVC: u32 = 2;
const PABT: u32 = 3;
const DABT: u32 = 4;
const IRQ: u32 = 6;
const FIQ: u32 = 7;

/// Runs one.
pub(crate) fn run(rng: &mut Rng, log: &mut Log, mmu: bool) {
    let memory = Memory { salt: rng.next() };
    memory.fill();
    let interrupt = if rng.percent(15) { 1 + u32::from(rng.percent(30)) } else { 0 };
    let mut bits = 0;
    for (bit, percent) in [(sctlr::A, 15), (sctlr::SW, 50), (sctlr::TE, 10)] {
        bits |= if rng.percent(percent) { bit } else { 0 };
    }
    // EE is for table walks too, and the tables are little-endian.
    bits |= if rng.percent(10) { if mmu { sctlr::AFE } else { sctlr::EE } } else { 0 };
    bits |= if mmu && rng.percent(20) { sctlr::AFE } else { 0 };
    let tables = mmu.then(|| Tables::new(rng, bits));
    let vectors: &[u32] = if bits & sctlr::TE != 0 { &[2] } else { &[0, 1] };

    let mut state = any_state(rng);
    let permit = match &tables {
        Some(tables) => Permit {
            code_va: tables.code_va,
            windows: &tables.windows,
            mmu,
            access_flag: bits & sctlr::AFE != 0,
            vectors,
            long: tables.long,
            tables: tables.roots,
            edits: &tables.edits,
        },
        None => Permit {
            code_va: CODE,
            windows: &[DATA, DATA + (1 << 20)],
            mmu,
            access_flag: bits & sctlr::AFE != 0,
            vectors,
            long: false,
            tables: [0; 2],
            edits: &[],
        },
    };
    let items = 6 + rng.below(20);
    let code = generate::code(rng, &permit, state.cpsr & 0x1f, items);
    for at in (code.begin & !3..code.end).step_by(4) {
        write32(at - CODE + CODE_COPY, read32(at));
    }
    sync_code(code.begin, code.end - code.begin);
    state.pc = code.begin - CODE + permit.code_va;
    state.cpsr |= if code.isa == Isa::T32 { psr::T } else { 0 };
    show(log, &code, &permit, &state, bits);

    let unit = any_float(rng);
    unit.write();
    float::set_control(0x00f0_0000, rng.percent(70));
    set_registers(rng, vectors[0]);
    if interrupt != 0 {
        set_pending(interrupt == 2);
    }
    cp15_write!(0, c1, c0, 0, cp15_read!(0, c1, c0, 0) | bits);
    if let Some(tables) = &tables {
        tables.enable();
    }
    let closed = go(log, &mut state, permit.code_va);
    let control = float::control();
    for (what, value) in registers(closed) {
        log.note(what, value);
    }
    // MMU, alignment and the others off; what is mapped now is mapped one to one without.
    cp15_write!(0, c1, c0, 0, cp15_read!(0, c1, c0, 0) & !(bits | sctlr::M));
    cp15_write!(0, c2, c0, 2, 0);
    cp15_write!(0, c12, c0, 0, vectors::table(0));
    flush_tlb();
    if interrupt != 0 {
        clear_pending();
    }
    log.note("CPACR", control.0);
    log.note("FPEXC", control.1);
    let unit = Float::read();
    log.note("FPSCR", unit.fpscr);
    log.notes("D", &unit.d);
    memory.look(log);
}

/// Runs the code from one exception to the next. Whether a domain was closed at one of them.
fn go(log: &mut Log, state: &mut State, code_va: u32) -> bool {
    let mut closed = false;
    for _ in 0..EXCEPTIONS {
        state.run();
        // An earlier fault is in the registers still when DACR has changed.
        closed |= has_closed_domain();
        note(log, state, closed);
        let thumb = state.cpsr & psr::T != 0;
        let kind = state.kind & 0xff;
        let back = match kind {
            UND | SVC if thumb => 2,
            DABT => 8,
            _ => 4,
        };
        let at = state.pc.wrapping_sub(back);
        // The instruction.
        let place = at.wrapping_sub(code_va);
        if place >= CODE_BYTES {
            return closed;
        }
        let (word, bytes) = instruction(CODE_COPY + place, thumb);
        match kind {
            UND if word == if thumb { END_T32 } else { END_A32 } => return closed,
            SVC => {
                state.pc = at + bytes;
                if word & 0xff == SVC_LOOK {
                    log.note("PAR", par(closed));
                }
                if word & 0xff >= SVC_MODE {
                    state.cpsr = state.cpsr & !0x1f | word & 0x1f;
                }
            }
            // With a debug event's status it is BKPT, else there is nothing to go on with.
            PABT if !is_breakpoint(state) => return closed,
            PABT => {
                // IFAR is UNKNOWN now.
                cp15_write!(0, c6, c0, 2, 0);
                state.pc = at + bytes;
                state.cpsr = psr::advance_it(state.cpsr);
            }
            UND | DABT => {
                state.pc = at + bytes;
                state.cpsr = psr::advance_it(state.cpsr);
            }
            IRQ => {
                state.pc = at;
                state.cpsr |= psr::I;
            }
            FIQ => {
                state.pc = at;
                state.cpsr |= psr::F;
            }
            _ => return closed,
        }
    }
    closed
}

/// The instruction at a physical address, and its bytes.
fn instruction(at: u32, thumb: bool) -> (u32, u32) {
    if !thumb {
        return (read32(at & !3), 4);
    }
    let first = u32::from(read16(at));
    if first >> 11 >= 0b11101 { (first << 16 | u32::from(read16(at + 2)), 4) } else { (first, 2) }
}

/// Is it a prefetch abort because of BKPT? Its status is that of a debug event (B3.13).
fn is_breakpoint(state: &State) -> bool {
    let ifsr = state.fault[1];
    state.kind & 0xff == PABT && (ifsr & 0x60f == 2 || ifsr & 0x23f == 0x222)
}

/// A fault status register. QEMU checks the domain before the second-level descriptor and the access flag, and so reports
/// a domain fault where the manual's walk (B3.19.6) ends in another one: where a domain allows nothing (`closed`), all these are one.
fn status(fsr: u32, closed: bool) -> u32 {
    match fsr & 0x60f {
        3 | 9 if closed => fsr & !0x60f | 9,
        6 | 7 | 0xb if closed => fsr & !0x60f | 0xb,
        _ => fsr,
    }
}

/// Does a domain allow nothing?
fn has_closed_domain() -> bool {
    let dacr = cp15_read!(0, c3, c0, 0);
    (0..16).any(|domain| (dacr >> (2 * domain)) & 3 == 0)
}

fn note(log: &mut Log, state: &State, closed: bool) {
    log.note("exception", state.kind);
    log.note("lr", state.pc);
    log.note("spsr", state.cpsr);
    // E, T and flags are changed before it is read.
    log.note("cpsr", state.entry_cpsr & !(psr::FLAGS | psr::E | psr::T));
    log.notes("r", &state.r);
    log.notes("usr", &state.usr);
    for (bank, name) in state.banks.iter().zip(["svc", "abt", "und", "irq", "fiq"]) {
        log.notes(name, &[bank.sp, bank.lr, bank.spsr]);
    }
    log.notes("r_fiq", &state.fiq_r);
    let [dfsr, ifsr, dfar, ifar] = state.fault;
    let ifar = if is_breakpoint(state) { 0 } else { ifar };
    log.notes("fault", &[status(dfsr, closed), status(ifsr, closed), dfar, ifar]);
}

/// Everything random but the stacks.
fn any_state(rng: &mut Rng) -> State {
    let mut state = State::new();
    for r in state.r.iter_mut().chain(&mut state.fiq_r) {
        *r = rng.word();
    }
    state.usr[1] = rng.next();
    for bank in &mut state.banks {
        bank.lr = rng.next();
        bank.spsr = generate::any_spsr(rng);
    }
    let mode = if rng.percent(30) { rng.pick(&[0x10, 0x1f]) } else { rng.pick(&BANKED) };
    state.cpsr = rng.next() & (psr::FLAGS | psr::A | psr::I | psr::F) | mode;
    state.cpsr |= if rng.percent(10) { psr::E } else { 0 };
    state
}

fn any_float(rng: &mut Rng) -> Float {
    let mut unit = Float { d: [0; 64], fpscr: rng.next() & 0xf7c0_0000 };
    for d in &mut unit.d {
        // Often numbers whose exponents are near each other's.
        *d = if rng.percent(50) { rng.next() } else { rng.next() & 0x81ff_ffff | 0x3e00_0000 };
    }
    unit
}

/// What code may change is the same at each case's beginning.
fn set_registers(rng: &mut Rng, vectors_table: u32) {
    cp15_write!(2, c0, c0, 0, 0);
    cp15_write!(0, c2, c0, 0, 0);
    cp15_write!(0, c2, c0, 1, 0);
    cp15_write!(0, c2, c0, 2, 0);
    cp15_write!(0, c3, c0, 0, 0x5555_5555);
    cp15_write!(0, c5, c0, 0, 0);
    cp15_write!(0, c5, c0, 1, 0);
    cp15_write!(0, c6, c0, 0, 0);
    cp15_write!(0, c6, c0, 2, 0);
    cp15_write!(0, c7, c4, 0, 0);
    cp15_write!(0, c9, c12, 0, 0);
    cp15_write!(0, c9, c12, 2, !0);
    cp15_write!(0, c9, c12, 3, !0);
    cp15_write!(0, c9, c12, 5, 31);
    cp15_write!(0, c9, c13, 0, 0);
    cp15_write!(0, c9, c14, 0, 0);
    cp15_write!(0, c9, c14, 2, !0);
    cp15_write!(0, c12, c0, 0, vectors::table(vectors_table));
    cp15_write!(0, c13, c0, 1, 0);
    cp15_write!(0, c13, c0, 2, rng.next());
    cp15_write!(0, c13, c0, 3, rng.next());
    cp15_write!(0, c14, c1, 0, 0);
    cp15_write!(0, c14, c2, 1, 0);
    cp15_write!(0, c14, c3, 1, 0);
    flush_tlb();
}

/// What code may have changed and the vectors do not save.
fn registers(closed: bool) -> [(&'static str, u32); 16] {
    [
        ("SCTLR", cp15_read!(0, c1, c0, 0)),
        ("CSSELR", cp15_read!(2, c0, c0, 0)),
        ("TTBR0", cp15_read!(0, c2, c0, 0)),
        ("TTBR1", cp15_read!(0, c2, c0, 1)),
        ("TTBCR", cp15_read!(0, c2, c0, 2)),
        ("DACR", cp15_read!(0, c3, c0, 0)),
        ("PAR", par(closed)),
        ("PMCNTENSET", cp15_read!(0, c9, c12, 1)),
        ("PMUSERENR", cp15_read!(0, c9, c14, 0)),
        ("VBAR", cp15_read!(0, c12, c0, 0)),
        ("CONTEXTIDR", cp15_read!(0, c13, c0, 1)),
        ("TPIDRURW", cp15_read!(0, c13, c0, 2)),
        ("TPIDRURO", cp15_read!(0, c13, c0, 3)),
        ("CNTKCTL", cp15_read!(0, c14, c1, 0)),
        ("CNTP_CTL", cp15_read!(0, c14, c2, 1)),
        ("CNTV_CTL", cp15_read!(0, c14, c3, 1)),
    ]
}

/// PAR: the fault, or the address without the attributes, which QEMU does not tell (B4.1.112).
fn par(closed: bool) -> u32 {
    let par = cp15_read!(0, c7, c4, 0);
    if par & 1 != 0 { status(par >> 1, closed) } else { par & !0xfff }
}

/// SGI 3 is pending, as IRQ or, in group 0 with FIQEn, as FIQ.
fn set_pending(fiq: bool) {
    write32(GICD, 1);
    write32(GICC + 4, 0xf0);
    write32(GICC, if fiq { 9 } else { 1 });
    write32(GICD + 0xf00, 2 << 24 | 3);
}

fn clear_pending() {
    // GICD_CPENDSGIR.
    write32(GICD + 0xf10, 0xff00_0000);
    write32(GICC, 0);
    write32(GICD, 0);
}

/// The memory that a case may change.
struct Memory {
    salt: u32,
}

impl Memory {
    /// Calls `work` with each word's address and what it begins as.
    fn each(&self, mut work: impl FnMut(u32, u32)) {
        let mut run = |begin: u32, bytes: u32| {
            for at in (begin..begin + bytes).step_by(4) {
                work(at, (at ^ self.salt).wrapping_mul(0x9e37_79b1));
            }
        };
        for page in 0..2 * DATA_PAGES {
            let page = DATA + ((page / DATA_PAGES) << 20) + ((page % DATA_PAGES) << 12);
            run(page, DATA_EDGE);
            run(page + 0x1000 - DATA_EDGE, DATA_EDGE);
        }
        run(FRAMES, 0x1c0);
        for mode in [0x11, 0x12, 0x13, 0x17, 0x1b, 0x1f] {
            run(STACKS + (mode & 15) * STACK_BYTES, STACK_BYTES);
        }
    }

    fn fill(&self) {
        self.each(write32);
    }

    /// Adds all of it to the hash; what has changed is worth reading.
    fn look(&self, log: &mut Log) {
        self.each(|at, value| {
            let now = read32(at);
            log.silent(now);
            if now != value {
                log.say(format_args!("  [{at:08x}] {now:08x}\n"));
            }
        });
    }
}

/// Prints what the case is.
fn show(log: &Log, code: &Code, permit: &Permit<'_>, state: &State, bits: u32) {
    if !log.verbose {
        return;
    }
    let isa = if code.isa == Isa::A32 { "a32" } else { "t32" };
    log.say(format_args!(
        "  mmu {} long {} sctlr {bits:08x} cpsr {:08x} pc {:08x} {isa}\n",
        permit.mmu, permit.long, state.cpsr, state.pc
    ));
    log.notes_of("initial r", &state.r);
    for window in permit.windows {
        log.say(format_args!("  window {window:08x}\n"));
    }
    for at in (code.begin & !3..code.end).step_by(4) {
        log.say(format_args!("  code {:08x} {:08x}\n", at - CODE + permit.code_va, read32(at)));
    }
}
