//! What a guest trapped on, and what is to be done about it.

use nex_decode::{ItState, t32_is_wide};
use nex_devices::platform;
use nex_mm::fault::FaultKind as RealKind;
use nex_mm::{Gva, SECTION_BYTES};
use nex_rewrite::Code as Replaced;
use nex_vcpu::{Exception, Privilege, Vcpu};
use nex_vmmu::shadow::{Held, Outcome, View, resolve, shadow_view};
use nex_vmmu::{Abort, Access, Fault, Kind, translate};

use super::access::{DataAbort, Target};
use super::machine::{Cause, CauseText, Parts};
use super::memory::{Page, Want};
use super::quick::Quick;
use super::shadow::{POLICY, POLICY_PINNED, Shadow};
use super::system::Step;
use super::vcpu::Stop;
use crate::trap;

/// What a fault on the shadow tables leaves to do.
enum Fixed {
    /// Nothing: the instruction is tried again.
    Again,
    /// The guest takes an abort.
    Guest(Fault),
    /// The instruction is carried out in software.
    Emulate,
    /// The same, on a device that was found.
    Device(platform::Device, u32),
    /// The domain stops.
    Stop(Stop),
}

pub(super) fn out_of_memory() -> Stop {
    Stop::Fault(arrayvec::ArrayString::from("Nex has no memory left for its page tables").unwrap_or_default())
}

fn view(vcpu: &Vcpu) -> View {
    View::of(vcpu.privilege() == Privilege::Pl1)
}

impl Parts {
    /// An undefined instruction: `word`, an A32 word or T32 halfwords, the first one low.
    pub fn undefined(&mut self, vcpu: &mut Vcpu, word: u32) -> Step {
        self.original = word;
        if !vcpu.regs.cpsr().is_thumb() {
            const HVC_0: u32 = 0xe140_0070;
            if word == HVC_0 && vcpu.privilege() == Privilege::Pl1 {
                return self.hypercall(vcpu, 4);
            }
            return self.carry_out(vcpu, nex_decode::a32(word), 4);
        }
        let (first, second) = (word as u16, (word >> 16) as u16);
        let it = ItState::from_psr(vcpu.regs.cpsr().0);
        if t32_is_wide(first) {
            let replaced = Replaced::of_t32_wide(word.rotate_left(16)) != Replaced::Guest;
            if replaced && let Some((first, second)) = self.original_t32(vcpu, first, second) {
                self.original = u32::from(second) << 16 | u32::from(first);
                return self.carry_out(
                    vcpu,
                    nex_decode::t32(first, second, it),
                    if t32_is_wide(first) { 4 } else { 2 },
                );
            }
            return self.carry_out(vcpu, nex_decode::t32(first, second, it), 4);
        }
        if Replaced::of_t32_narrow(first) != Replaced::Guest
            && let Some((first, second)) = self.original_t32(vcpu, first, 0)
        {
            self.original = u32::from(second) << 16 | u32::from(first);
            return self.carry_out(
                vcpu,
                nex_decode::t32(first, second, it),
                if t32_is_wide(first) { 4 } else { 2 },
            );
        }
        self.carry_out(vcpu, nex_decode::t32(first, second, it), 2)
    }

    /// An SVC.
    pub fn svc(&mut self, vcpu: &mut Vcpu, word: u32) -> Step {
        self.original = word;
        if vcpu.regs.cpsr().is_thumb() {
            return Step::Svc;
        }
        match self.original_a32(vcpu, word) {
            Some(original) => {
                self.original = original;
                self.carry_out(vcpu, nex_decode::a32(original), 4)
            }
            None => Step::Svc,
        }
    }

    /// An abort of the guest on the real MMU.
    pub fn abort(&mut self, vcpu: &mut Vcpu, fetch: bool, real: &trap::Fault, word: u32) -> Step {
        let privileged = vcpu.privilege() == Privilege::Pl1;
        let kind = match (fetch, real.write) {
            (true, _) => Kind::Execute,
            (false, true) => Kind::Write,
            (false, false) => Kind::Read,
        };
        let mut access = Access::new(privileged, kind);
        if real.status.kind == RealKind::Alignment {
            // The CPU checks alignment before anything else (B3.12), and so does the walk below; the size that was checked
            // is not known, but it was not met.
            access = access
                .sized(if real.address & 1 != 0 {
                    2
                } else if real.address & 2 != 0 {
                    4
                } else {
                    8
                })
                .aligned_only();
        } else if !real.status.kind.is_mmu_fault() {
            return Step::Stop(self.report(vcpu, kind, real.address, None));
        }
        match self.fix(vcpu, real.address, access) {
            Fixed::Again => Step::Again,
            Fixed::Stop(stop) => Step::Stop(stop),
            Fixed::Emulate => {
                self.original = word;
                self.memory_access(vcpu)
            }
            Fixed::Device(device, offset) => {
                self.original = word;
                self.device_access(vcpu, device, offset, word)
            }
            Fixed::Guest(fault) if fetch => {
                Step::Abort(DataAbort { fault, cause: nex_vmmu::fault::Cause::Read })
            }
            Fixed::Guest(fault) => {
                let cause =
                    if real.write { nex_vmmu::fault::Cause::Write } else { nex_vmmu::fault::Cause::Read };
                Step::Abort(DataAbort { fault, cause })
            }
        }
    }

    /// A load or store to a device, which is at the address that faulted: the frequent forms access nothing else.
    fn device_access(&mut self, vcpu: &mut Vcpu, device: platform::Device, offset: u32, word: u32) -> Step {
        match self.quick_device(vcpu, device, offset, word) {
            // What it is not for, and with the address that the guest is to be told if the device refuses.
            Quick::Not => self.memory_access(vcpu),
            Quick::Done | Quick::Look => Step::Done,
        }
    }

    /// Finds out about a fault at `va`, and maps what the guest may have there.
    fn fix(&mut self, vcpu: &mut Vcpu, va: u32, access: Access) -> Fixed {
        let regs = *self.shadow.regs();
        let found = match translate(&regs, &mut self.memory, Gva::new(va), access) {
            Ok(found) => found,
            Err(fault) => return Fixed::Guest(fault),
        };
        let external = || Fixed::Guest(Fault::external(&regs, Gva::new(va), Abort::Decode));
        let Some(gpa) = found.gpa() else { return external() };
        let page = match self.target(gpa.raw()) {
            None => return external(),
            Some(Target::Device(..)) if access.kind == Kind::Execute => return external(),
            Some(Target::Device(device, offset)) => {
                // A page of virtio has several devices.
                if !matches!(device, platform::Device::Virtio(_)) {
                    self.shadow.devices.insert(&found, (device, offset & !0xfff));
                }
                return Fixed::Device(device, offset);
            }
            Some(Target::Memory(page)) => page,
        };
        if Shadow::is_reserved(va) {
            if access.kind == Kind::Execute {
                return Fixed::Stop(self.report(vcpu, access.kind, va, None));
            }
            return Fixed::Emulate;
        }
        if self.memory.is_protected() {
            let want = match access.kind {
                Kind::Read => Want::Read,
                Kind::Write => Want::Write,
                Kind::Execute => Want::Execute,
            };
            if !self.memory.allows(gpa.raw(), want) {
                return Fixed::Stop(self.report(vcpu, access.kind, va, None));
            }
        }
        loop {
            let held = self.held(page, access.privileged, gpa.raw());
            match resolve(&regs, &found, access, held, POLICY) {
                Err(fault) => return Fixed::Guest(fault),
                Ok(Outcome::Map(_)) => break,
                Ok(Outcome::Held) if access.kind == Kind::Execute => {
                    if !self.scan(page, va, vcpu) {
                        return Fixed::Stop(out_of_memory());
                    }
                }
                Ok(Outcome::Held) if self.memory.is_rom(page) => return Fixed::Emulate,
                Ok(Outcome::Held) => {
                    // A write to rewritten code. By code in the same page: in software, or it would go on for ever.
                    if self.runs_in(vcpu, page) {
                        return Fixed::Emulate;
                    }
                    self.drop_code(page);
                }
            }
        }
        let view = view(vcpu);
        match self.map(view, &found, page, access, gpa.raw()) {
            Ok(()) => Fixed::Again,
            Err(_) => Fixed::Stop(out_of_memory()),
        }
    }

    /// What is kept back on a page.
    fn held(&self, page: Page, privileged: bool, gpa: u32) -> Held {
        let code = self.memory.uses(page).is_code();
        let protected = self.memory.is_protected() && !self.memory.allows(gpa, Want::Write);
        Held { write: code || self.memory.is_rom(page) || protected, execute: privileged && !code }
    }

    fn map(
        &mut self,
        view: View,
        found: &nex_vmmu::Translation,
        page: Page,
        access: Access,
        gpa: u32,
    ) -> Result<(), super::memory::OutOfMemory> {
        let pinned = Shadow::is_pinned(found.va.raw());
        let policy = if pinned { POLICY_PINNED } else { POLICY };
        let privileged = access.privileged;
        // A section if the guest's block covers the megabyte, it is one in the host, and nothing in it is held back but what
        // the access does not want.
        let whole = found.log2_bytes >= 20 || found.base.is_none();
        let code_wanted = privileged && access.kind == Kind::Execute;
        if whole
            && !pinned
            && !code_wanted
            && gpa % SECTION_BYTES == found.va.raw() % SECTION_BYTES
            && let Some(section) = self.memory.section(page)
        {
            let held = Held { write: self.memory.is_rom(page), execute: privileged };
            if let Some(entry) = shadow_view(view, found, held, policy) {
                self.memory.section_uses(page).note(found.va.align_down(SECTION_BYTES));
                return self.shadow.map_section(view, found, section, entry);
            }
        }
        if !privileged && self.memory.uses(page).is_hidden() {
            self.show_code(page);
        }
        let held = self.held(page, privileged, gpa);
        let frame = self.memory.frame(page);
        let Some(entry) = shadow_view(view, found, held, policy) else { return Ok(()) };
        self.memory.uses_mut(page).ok_or(super::memory::OutOfMemory)?;
        self.note_use(page, frame, found.va.align_down(0x1000));
        self.shadow.map_page(view, found, frame, entry)
    }

    /// Whether the instruction at PC is in this page, wholly or, in T32, with its second half.
    fn runs_in(&mut self, vcpu: &Vcpu, page: Page) -> bool {
        if self.page_of_pc(vcpu) == Some(page) {
            return true;
        }
        let behind = vcpu.regs.pc().wrapping_add(2);
        if !vcpu.regs.cpsr().is_thumb() || !behind.is_multiple_of(0x1000) {
            return false;
        }
        let access = Access::new(vcpu.privilege() == Privilege::Pl1, Kind::Execute);
        let regs = *self.shadow.regs();
        let Ok(found) = translate(&regs, &mut self.memory, Gva::new(behind), access) else { return false };
        found.gpa().and_then(|gpa| self.memory.page_at(gpa.raw())) == Some(page)
    }

    /// The page of memory that PC is in.
    pub fn page_of_pc(&mut self, vcpu: &Vcpu) -> Option<Page> {
        let access = Access::new(vcpu.privilege() == Privilege::Pl1, Kind::Execute);
        let regs = *self.shadow.regs();
        let found = translate(&regs, &mut self.memory, Gva::new(vcpu.regs.pc()), access).ok()?;
        self.memory.page_at(found.gpa()?.raw())
    }

    /// The report of something that stops the domain.
    fn report(&self, vcpu: &Vcpu, kind: Kind, va: u32, fault: Option<Fault>) -> Stop {
        let exception = if kind == Kind::Execute { Exception::PrefetchAbort } else { Exception::DataAbort };
        Stop::Fault(self.cause(vcpu, exception, (va, kind == Kind::Write), fault).report())
    }

    fn cause(
        &self,
        vcpu: &Vcpu,
        exception: Exception,
        access: (u32, bool),
        fault: Option<Fault>,
    ) -> CauseText {
        let regs = &vcpu.regs;
        CauseText {
            exception,
            instruction: self.original,
            thumb: regs.cpsr().is_thumb(),
            pc: regs.pc(),
            lr: regs.get(14),
            sp: regs.get(13),
            access,
            fault,
        }
    }

    /// The guest takes an exception because of what it did itself. A guest whose vectors cannot be fetched would take
    /// prefetch aborts for ever: its domain stops, with a report of what came first.
    pub fn inject(
        &mut self,
        vcpu: &mut Vcpu,
        exception: Exception,
        abort: Option<DataAbort>,
    ) -> Option<Stop> {
        self.exclusive = None;
        let features = self.shadow.regs().features;
        let mut access = (0, false);
        match (exception, abort) {
            (Exception::PrefetchAbort, Some(DataAbort { fault, .. })) => {
                vcpu.cp15.set_prefetch_fault(fault.ifsr(), fault.va.raw());
                access = (fault.va.raw(), false);
            }
            (Exception::DataAbort, Some(DataAbort { fault, cause })) => {
                vcpu.cp15.set_data_fault(fault.dfsr(cause, features), Some(fault.va.raw()));
                access = (fault.va.raw(), cause != nex_vmmu::fault::Cause::Read);
            }
            _ => {}
        }
        let pc = vcpu.regs.pc();
        let again =
            exception == Exception::PrefetchAbort && self.last.as_ref().is_some_and(|last| last.vector == pc);
        let vectors = vcpu.cp15.vectors();
        if again
            && pc == vectors.base.wrapping_add(Exception::PrefetchAbort.vector_offset_bytes())
            && let Some(last) = &self.last
        {
            return Some(Stop::Fault(last.text.report()));
        }
        let text = match self.last.take() {
            // The vector of the last one was not there: that one is what counts.
            Some(last) if again => last.text,
            _ => self.cause(vcpu, exception, access, abort.map(|abort| abort.fault)),
        };
        vcpu.take(exception);
        self.last = Some(Cause { vector: vcpu.regs.pc(), text });
        None
    }

    /// Whether the instruction at PC is BKPT.
    pub fn is_bkpt(&self, vcpu: &Vcpu) -> bool {
        let pc = vcpu.regs.pc();
        let word = self.peek_virtual(pc & !3, 4).unwrap_or(0) as u32;
        if vcpu.regs.cpsr().is_thumb() {
            word >> (8 * (pc & 2)) >> 8 & 0xff == 0xbe
        } else {
            matches!(nex_decode::a32(word).class, nex_decode::Class::Bkpt { .. })
        }
    }

    /// The guest takes the prefetch abort of its BKPT (DDI 0406C C3.2, B3.13.5): IFSR "debug event", and IFAR UNKNOWN, which is PC in QEMU.
    pub fn inject_debug_event(&mut self, vcpu: &mut Vcpu) -> Option<Stop> {
        let status = if self.shadow.regs().long() { 1 << 9 | 0b10_0010 } else { 0b0_0010 };
        let stop = self.inject(vcpu, Exception::PrefetchAbort, None);
        if stop.is_none() {
            let ifar = vcpu.cp15.ifar;
            vcpu.cp15.set_prefetch_fault(status, ifar);
        }
        stop
    }

    /// DFSR of an asynchronous external abort.
    pub fn async_abort_status(&self) -> u32 {
        if self.shadow.regs().long() { 1 << 9 | 0b01_0001 } else { 1 << 10 | 0b0110 }
    }

    /// Reads `width` bytes (1, 2, 4 or 8, aligned) at a guest virtual address, as the vCPU stands, without changing anything;
    /// `None` if that is not memory.
    pub fn peek_virtual(&self, va: u32, width: u32) -> Option<u64> {
        self.memory.peek(self.physical(va)?, width)
    }

    /// Writes `bytes`, all in one page, at a guest virtual address, whatever its permissions; for the debugger. `false` if
    /// that is not RAM that somebody has touched, or holds rewritten code.
    pub fn poke_virtual(&self, va: u32, bytes: &[u8]) -> bool {
        let Some(gpa) = self.physical(va) else { return false };
        let code = self.memory.page_at(gpa).is_some_and(|page| self.memory.uses(page).is_code());
        !code && self.memory.poke(gpa, bytes)
    }

    fn physical(&self, va: u32) -> Option<u32> {
        let regs = self.shadow.regs();
        let found = nex_vmmu::walk::lookup(regs, &mut Peek(&self.memory), Gva::new(va), false).ok()?;
        Some(found.gpa()?.raw())
    }
}

/// Memory for a walk that must change nothing.
struct Peek<'a>(&'a super::memory::GuestMemory);

impl nex_vmmu::GuestMemory for Peek<'_> {
    fn read32(&mut self, gpa: u64) -> Result<u32, Abort> {
        let gpa = u32::try_from(gpa).map_err(|_| Abort::Decode)?;
        self.0.peek(gpa, 4).map(|value| value as u32).ok_or(Abort::Decode)
    }

    fn read64(&mut self, gpa: u64) -> Result<u64, Abort> {
        let gpa = u32::try_from(gpa).map_err(|_| Abort::Decode)?;
        self.0.peek(gpa, 8).ok_or(Abort::Decode)
    }
}
