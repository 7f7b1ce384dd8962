//! Instructions that mean something else at PL1 than where the guest runs them, carried out by their decoded form.

use nex_decode::{Class, Coproc, Coproc64, Decoded, Hint, Imod, MsrSource, Operand2, Sensitive, Trapping};
use nex_emulate::{Done, execute};
use nex_mm::Gva;
use nex_vcpu::cp15::sctlr;
use nex_vcpu::{
    Access, CacheOp, Coord, Cps, Effect, Multiple, Outcome, Privilege, Regs, Rfe, Srs, TlbFlush, Vcpu,
    VfpReg, VfpUse,
};
use nex_vmmu::fault::Cause;
use nex_vmmu::par::Operation;
use nex_vmmu::tlb::Flush;

use super::access::{DataAbort, GuestBus};
use super::hypercall::{self, Answer};
use super::machine::Parts;
use super::vcpu::Stop;
use crate::time;

/// What becomes of the guest after an instruction was looked at.
pub enum Step {
    /// It was carried out; PC and IT state say where to go on.
    Done,
    /// It is undefined for the guest.
    Undefined,
    /// It was the guest's own SVC.
    Svc,
    /// It takes a data abort.
    Abort(DataAbort),
    /// It waits for an interrupt; PC is behind it.
    Wait,
    /// It lets others run; PC is behind it.
    Yield,
    /// The same instruction is to be executed again, now that something has been prepared.
    Again,
    /// Its domain stops.
    Stop(Stop),
}

impl From<Outcome<DataAbort>> for Step {
    fn from(outcome: Outcome<DataAbort>) -> Self {
        match outcome {
            // The caller skips.
            Outcome::Next | Outcome::Jumped => Step::Done,
            Outcome::Undefined => Step::Undefined,
            Outcome::Fault(abort) => Step::Abort(abort),
        }
    }
}

fn operand2(regs: &Regs, op2: Operand2) -> u32 {
    match op2 {
        Operand2::Imm(value) => value,
        Operand2::Reg(shifted) => shifted.apply(regs.operand(shifted.rm), regs.cpsr().has(nex_vcpu::Psr::C)),
    }
}

/// What the performance monitors count: a cycle is a nanosecond, as in QEMU.
fn cycles() -> u64 {
    time::now_ns()
}

impl Parts {
    /// Carries out the instruction at PC, `len_bytes` (2 or 4) long, which trapped or was replaced. `word` is the
    /// instruction itself, for what is not a matter of privilege.
    pub fn carry_out(&mut self, vcpu: &mut Vcpu, decoded: Decoded, len_bytes: u32) -> Step {
        if !decoded.cond.holds(vcpu.regs.cpsr().0) {
            vcpu.regs.skip(len_bytes);
            return Step::Done;
        }
        match decoded.class {
            Class::Sensitive(sensitive) => self.sensitive(vcpu, sensitive, len_bytes),
            Class::Trapping(trapping) => self.trapping(vcpu, trapping, len_bytes),
            Class::Hint(hint) => {
                vcpu.regs.skip(len_bytes);
                match hint {
                    Hint::Wfi => Step::Wait,
                    Hint::Wfe | Hint::Yield => Step::Yield,
                    Hint::Sev => Step::Done,
                }
            }
            Class::Svc { .. } => Step::Svc,
            Class::Fp => self.float(vcpu),
            Class::Innocuous | Class::Bkpt { .. } | Class::Undefined | Class::Unpredictable => {
                Step::Undefined
            }
        }
    }

    fn next(regs: &mut Regs, len_bytes: u32) -> Step {
        regs.skip(len_bytes);
        Step::Done
    }

    /// Skips if the outcome is to go on behind the instruction.
    fn after(regs: &mut Regs, len_bytes: u32, outcome: Outcome<DataAbort>) -> Step {
        if matches!(outcome, Outcome::Next) {
            regs.skip(len_bytes);
        }
        outcome.into()
    }

    fn sensitive(&mut self, vcpu: &mut Vcpu, sensitive: Sensitive, len_bytes: u32) -> Step {
        let privileged = vcpu.privilege() == Privilege::Pl1;
        let regs = &mut vcpu.regs;
        let outcome = match sensitive {
            Sensitive::Cps { imod, a, i, f, mode } => {
                let enable = match imod {
                    Imod::Keep => None,
                    Imod::Enable => Some(true),
                    Imod::Disable => Some(false),
                };
                regs.cps(Cps { enable, a, i, f, mode });
                Outcome::Next
            }
            Sensitive::MrsCpsr { rd } => {
                regs.set(rd, regs.cpsr().visible());
                Outcome::Next
            }
            Sensitive::MrsSpsr { rd } => match regs.mrs_spsr() {
                Some(value) => {
                    regs.set(rd, value);
                    Outcome::Next
                }
                None => Outcome::Undefined,
            },
            Sensitive::Msr { spsr, mask, source } => {
                let value = match source {
                    MsrSource::Reg(n) => regs.get(n),
                    MsrSource::Imm(value) => value,
                };
                if spsr {
                    regs.msr_spsr(value, mask)
                } else {
                    regs.msr_cpsr(value, mask);
                    Outcome::Next
                }
            }
            Sensitive::Rfe { rn, walk, wback } => {
                let rfe = Rfe { base: rn, block: walk, writeback: wback };
                regs.rfe(rfe, &mut GuestBus::new(self, privileged))
            }
            Sensitive::Srs { mode, walk, wback } => {
                let srs = Srs { mode, block: walk, writeback: wback };
                regs.srs(srs, &mut GuestBus::new(self, privileged))
            }
            Sensitive::LdmUser { rn, list, walk } => {
                let ldm = Multiple { base: rn, registers: list, block: walk, writeback: false };
                regs.ldm_caret(ldm, &mut GuestBus::new(self, privileged))
            }
            Sensitive::LdmReturn { rn, list, walk, wback } => {
                let ldm = Multiple { base: rn, registers: list, block: walk, writeback: wback };
                regs.ldm_caret(ldm, &mut GuestBus::new(self, privileged))
            }
            Sensitive::StmUser { rn, list, walk } => {
                let stm = Multiple { base: rn, registers: list, block: walk, writeback: false };
                regs.stm_caret(stm, &mut GuestBus::new(self, privileged))
            }
            Sensitive::DpPcS { op, rn, op2 } => {
                let (first, second) = (regs.operand(rn), operand2(regs, op2));
                regs.alu_return(op, first, second)
            }
            Sensitive::Unprivileged(_) => return self.memory_access(vcpu),
            Sensitive::Bxj { rm } => {
                let target = regs.operand(rm);
                let mut psr = regs.cpsr();
                psr = nex_vcpu::advance_it(psr);
                psr.0 = psr.0 & !nex_vcpu::Psr::T | if target & 1 != 0 { nex_vcpu::Psr::T } else { 0 };
                regs.set_execution_state(psr);
                regs.branch(target);
                Outcome::Jumped
            }
            Sensitive::Gated(coproc, _) => return self.coproc(vcpu, coproc, len_bytes),
            Sensitive::Gated64(coproc, _) => return self.coproc64(vcpu, coproc, len_bytes),
            Sensitive::MrsBanked { .. }
            | Sensitive::MsrBanked { .. }
            | Sensitive::Eret
            | Sensitive::ThumbEe { .. }
            | Sensitive::DebugTransfer(_) => Outcome::Undefined,
        };
        Self::after(&mut vcpu.regs, len_bytes, outcome)
    }

    fn trapping(&mut self, vcpu: &mut Vcpu, trapping: Trapping, len_bytes: u32) -> Step {
        match trapping {
            Trapping::Coproc(coproc) => self.coproc(vcpu, coproc, len_bytes),
            Trapping::Coproc64(coproc) => self.coproc64(vcpu, coproc, len_bytes),
            Trapping::VfpSystem { reg, rt, read } => self.vfp_system(vcpu, reg, rt, read, len_bytes),
            Trapping::Hvc { imm: 0 } if vcpu.privilege() == Privilege::Pl1 => self.hypercall(vcpu, len_bytes),
            Trapping::Hvc { .. } | Trapping::Smc { .. } | Trapping::Udf { .. } => Step::Undefined,
        }
    }

    /// `hvc #0` of the guest's kernel.
    pub fn hypercall(&mut self, vcpu: &mut Vcpu, len_bytes: u32) -> Step {
        match hypercall::handle(self, vcpu) {
            Answer::Continue => Self::next(&mut vcpu.regs, len_bytes),
            Answer::Suspend => {
                vcpu.regs.skip(len_bytes);
                Step::Wait
            }
            Answer::Stop(stop) => Step::Stop(stop),
        }
    }

    fn vfp_system(&mut self, vcpu: &mut Vcpu, reg: u8, rt: u8, read: bool, len_bytes: u32) -> Step {
        let privilege = vcpu.privilege();
        let Some(reg) = VfpReg::from_number(reg) else { return Step::Undefined };
        if reg == VfpReg::Fpscr {
            return self.float(vcpu);
        }
        if read {
            match vcpu.cp15.vfp_read(reg, privilege) {
                Some(value) => vcpu.regs.set(rt, value),
                None => return Step::Undefined,
            }
        } else if let Effect::Denied(_) = {
            let value = vcpu.regs.get(rt);
            let effect = vcpu.cp15.vfp_write(reg, value, privilege);
            self.float_changed(vcpu);
            effect
        } {
            return Step::Undefined;
        }
        Self::next(&mut vcpu.regs, len_bytes)
    }

    /// A VFP or Advanced SIMD instruction found the unit off.
    fn float(&mut self, vcpu: &mut Vcpu) -> Step {
        if !vcpu.cp15.vfp_allowed(VfpUse::System(VfpReg::Fpscr), vcpu.privilege()) || self.float_on() {
            // It may not use it, or it may and this instruction is undefined all the same.
            return Step::Undefined;
        }
        self.give_float(vcpu);
        Step::Again
    }

    fn coproc(&mut self, vcpu: &mut Vcpu, c: Coproc, len_bytes: u32) -> Step {
        let coord = Coord::word(c.cp, c.crn, c.op1, c.crm, c.op2);
        if c.read {
            let value = match vcpu.read_register(coord, &cycles) {
                Access::Value(value) => value as u32,
                Access::Timer(reg) => self.platform.timer_read(reg) as u32,
                Access::Denied(denied) => return self.denied(coord, denied, vcpu),
            };
            if c.rt == 15 {
                // The flags N, Z, C, V.
                vcpu.regs.set_flags(value);
            } else {
                vcpu.regs.set(c.rt, value);
            }
            return Self::next(&mut vcpu.regs, len_bytes);
        }
        let value = vcpu.regs.operand(c.rt);
        let effect = vcpu.write_register(coord, value.into(), &cycles);
        self.written(vcpu, coord, effect, len_bytes)
    }

    fn coproc64(&mut self, vcpu: &mut Vcpu, c: Coproc64, len_bytes: u32) -> Step {
        let coord = Coord::pair(c.cp, c.op1, c.crm);
        if c.read {
            let value = match vcpu.read_register(coord, &cycles) {
                Access::Value(value) => value,
                Access::Timer(reg) => self.platform.timer_read(reg),
                Access::Denied(denied) => return self.denied(coord, denied, vcpu),
            };
            vcpu.regs.set(c.rt, value as u32);
            vcpu.regs.set(c.rt2, (value >> 32) as u32);
            return Self::next(&mut vcpu.regs, len_bytes);
        }
        let value = u64::from(vcpu.regs.get(c.rt2)) << 32 | u64::from(vcpu.regs.get(c.rt));
        let effect = vcpu.write_register(coord, value, &cycles);
        self.written(vcpu, coord, effect, len_bytes)
    }

    /// An access that is undefined for the guest. One to a register that there is not is worth knowing of, once.
    fn denied(&mut self, coord: Coord, denied: nex_vcpu::Denied, vcpu: &Vcpu) -> Step {
        let seen = &mut self.denied_seen;
        if denied == nex_vcpu::Denied::Unknown
            && !seen.contains(&coord.index())
            && seen.try_push(coord.index()).is_ok()
        {
            crate::info!(
                "domain {}: undefined register {} at {:#010x}",
                self.number(),
                crate::log::Shown(&coord),
                vcpu.regs.pc()
            );
        }
        Step::Undefined
    }

    /// What a register write leaves to do.
    fn written(&mut self, vcpu: &mut Vcpu, coord: Coord, effect: Effect, len_bytes: u32) -> Step {
        match effect {
            Effect::None | Effect::ThumbEeChanged | Effect::PmuChanged => {}
            Effect::VectorsChanged => self.shadow.set_changed(),
            Effect::Denied(denied) => return self.denied(coord, denied, vcpu),
            Effect::Sctlr { changed } => {
                self.shadow.set_changed();
                if changed & sctlr::A != 0 {
                    crate::arch::set_strict_alignment(vcpu.cp15.sctlr & sctlr::A != 0);
                }
                if changed & (sctlr::TRANSLATION | sctlr::A | sctlr::I) != 0 {
                    self.shadow.registers_changed(&vcpu.cp15);
                }
            }
            Effect::MmuChanged(change) => {
                self.shadow.registers_changed(&vcpu.cp15);
                if change == nex_vcpu::MmuChange::Remap {
                    // Entries depend on it, and it is no part of what tells address spaces apart.
                    self.shadow.flush(Flush::All);
                }
            }
            Effect::AsidChanged => self.shadow.registers_changed(&vcpu.cp15),
            Effect::DacrChanged => self.shadow.dacr_changed(&vcpu.cp15),
            Effect::TlbFlush { flush, .. } => self.shadow.flush(match flush {
                TlbFlush::All => Flush::All,
                TlbFlush::Page { va, asid } => Flush::Page { va: Gva::new(va), asid },
                TlbFlush::Asid(asid) => Flush::Asid(asid),
                TlbFlush::PageAllAsids { va } => Flush::PageAllAsids { va: Gva::new(va) },
            }),
            Effect::CacheOp { op, operand } => {
                if let Err(abort) = self.cache_operation(op, operand) {
                    return Step::Abort(abort);
                }
            }
            Effect::AddressTranslate { va, user, write } => {
                let operation = Operation { privileged: !user, write, non_secure_other: false };
                let regs = *self.shadow.regs();
                match operation.run(&regs, &mut self.memory, Gva::new(va)) {
                    Ok(par) if regs.long() => vcpu.cp15.par = par,
                    Ok(par) => vcpu.cp15.par = vcpu.cp15.par & !0xffff_ffff | par,
                    Err(fault) => return Step::Abort(DataAbort { fault, cause: Cause::Maintenance }),
                }
            }
            Effect::Barrier(_) => crate::arch::cp15::dsb(),
            Effect::TimerWrite { reg, value } => {
                self.platform.timer_write(reg, value);
                self.pending_stale = true;
            }
            Effect::CounterAccessChanged => self.counter_access_changed(vcpu),
            Effect::VfpChanged => {
                self.float_changed(vcpu);
                self.shadow.set_changed();
            }
            Effect::ThreadIdChanged => self.load_thread_id(vcpu),
        }
        Self::next(&mut vcpu.regs, len_bytes)
    }

    /// Cache maintenance. All of a guest's memory is mapped write-back and its devices are models in software, so data is
    /// coherent without any, and operations to the point of coherency have nothing to do but find their address. What remains
    /// is that instructions just written have to be fetched: data is cleaned to the point of unification where the guest
    /// asks, and the instruction cache goes as a whole, since on Cortex-A9 it is virtually indexed, and the guest's address is
    /// not Nex's (DDI 0388 7.2; B2.2.6). The guest was told lines of 4 KiB, so a page is what an address stands for.
    ///
    /// By set and way, all of it would have to be cleaned: to what the guest can tell that is nothing, for the same reason.
    fn cache_operation(&mut self, op: CacheOp, operand: u32) -> Result<(), DataAbort> {
        use crate::arch::cache;
        match op {
            CacheOp::IciAllU | CacheOp::IciAllUis => cache::drop_fetched(),
            CacheOp::IciMvaU => {
                self.translated(operand)?;
                cache::drop_fetched();
            }
            CacheOp::DccMvaU => {
                if let Some(va) = self.translated(operand & !0xfff)? {
                    cache::clean_for_fetch(va..va + 0x1000);
                }
            }
            CacheOp::DccMvaC | CacheOp::DcciMvaC | CacheOp::DciMvaC => {
                self.translated(operand)?;
            }
            CacheOp::BpiAll | CacheOp::BpiAllIs | CacheOp::BpiMva => {}
            CacheOp::DciSw | CacheOp::DccSw | CacheOp::DcciSw => {}
        }
        Ok(())
    }

    /// Nex's address of the memory at a guest virtual address, for maintenance by address.
    ///
    /// # Errors
    /// The guest does not map it (B3.13.2): a data abort with CM.
    fn translated(&mut self, va: u32) -> Result<Option<u32>, DataAbort> {
        let regs = *self.shadow.regs();
        let found = nex_vmmu::walk::lookup(&regs, &mut self.memory, Gva::new(va), false)
            .map_err(|fault| DataAbort { fault, cause: Cause::Maintenance })?;
        let page = found.gpa().and_then(|gpa| self.memory.page_at(gpa.raw()));
        Ok(page.map(|page| crate::memory::hpa_to_va(self.memory.frame(page)) + (va & 0xfff)))
    }

    /// Carries out the load or store at PC, whose word is [`Parts::original`].
    pub fn memory_access(&mut self, vcpu: &mut Vcpu) -> Step {
        let thumb = vcpu.regs.cpsr().is_thumb();
        let word = self.original;
        let insn = if thumb {
            nex_emulate::decode_t32(
                word as u16,
                (word >> 16) as u16,
                nex_decode::ItState::from_psr(vcpu.regs.cpsr().0),
            )
        } else {
            nex_emulate::decode_a32(word)
        };
        let Some(insn) = insn else { return Step::Undefined };
        if !insn.holds(&vcpu.regs) {
            vcpu.regs.skip(insn.len_bytes.into());
            return Step::Done;
        }
        let privileged = vcpu.privilege() == Privilege::Pl1;
        let (number, cpacr) = (self.number(), vcpu.cp15.cpacr);
        let mut float = super::float::Registers::new(insn.vfp_use().is_some(), number, cpacr);
        let result = execute(&mut vcpu.regs, &mut float, &insn, &mut GuestBus::new(self, privileged));
        match result {
            Ok(Done::Next | Done::Branch) => {
                float.store();
                Step::Done
            }
            Err(abort) => Step::Abort(abort),
        }
    }
}
