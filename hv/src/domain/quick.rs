//! What guests trap on most, answered without a look at anything else.
//!
//! [`vcpu`](super::vcpu) asks here first, with IRQs still masked, and enters the guest again at once if that was all. What is
//! not answered here is left as it was, and answered by [`traps`](super::traps).

use nex_devices::Width;
use nex_devices::platform::Device;
use nex_emulate::{Size, quick_a32, quick_t32};
use nex_mm::{Gva, Hpa};
use nex_rewrite::codes::{Cp15, code_a32};
use nex_vcpu::{Exception, Privilege, TimerReg, Vcpu};
use nex_vmmu::devices::dacr_of;
use nex_vmmu::fault::Cause;
use nex_vmmu::quick::Found;
use nex_vmmu::shadow::View;
use nex_vmmu::table::small_page;
use nex_vmmu::tlb::Flush;
use nex_vmmu::uses::Where;
use nex_vmmu::{Fault, Kind};

use super::access::DataAbort;
use super::machine::Parts;
use super::memory::Page;
use super::shadow::Shadow;
use crate::arch::{NEX_DOMAIN, cache, cp15, this_cpu};
use crate::memory;

/// Pages that are filled at once, around the one that the guest wants: those of a block of so many whose descriptors are
/// beside the one that was read. They are there if the guest's software filled them together, as operating systems do.
const AROUND: u32 = 8;

/// Status of a fault that a missing shadow entry can be the cause of (DFSR and IFSR, short format, B3.13.3).
const TRANSLATION: [u32; 2] = [0x5, 0x7];
const PERMISSION: [u32; 2] = [0xd, 0xf];
const STATUS: u32 = 0x40f;
const DFSR_WRITE: u32 = 1 << 11;
const DFSR_CM: u32 = 1 << 13;

/// MCR and MRC of CP15, always: the bits that say so.
const MCR_MASK: u32 = 0xff10_0f10;
const MCR: u32 = 0xee00_0f10;
const MRC: u32 = 0xee10_0f10;

/// The bits that say which register.
const REGISTER: u32 = 0x00ef_0fef;
const fn register(crn: u32, crm: u32, opc2: u32) -> u32 {
    0xf00 | crn << 16 | crm | opc2 << 5
}
const DFSR: u32 = register(5, 0, 0);
const IFSR: u32 = register(5, 0, 1);
const DFAR: u32 = register(6, 0, 0);
const IFAR: u32 = register(6, 0, 2);
const ICIALLU: u32 = register(7, 5, 0);
const ICIMVAU: u32 = register(7, 5, 1);
const DCISW: u32 = register(7, 6, 2);
const DCCSW: u32 = register(7, 10, 2);
const DCCMVAU: u32 = register(7, 11, 1);
const DCCISW: u32 = register(7, 14, 2);
const DCCMVAC: u32 = register(7, 10, 1);
const DCCIMVAC: u32 = register(7, 14, 1);
const TLBIMVAIS: u32 = register(8, 3, 1);
const ITLBIMVA: u32 = register(8, 5, 1);
const DTLBIMVA: u32 = register(8, 6, 1);
const TLBIMVA: u32 = register(8, 7, 1);
const CNTP_CTL: u32 = register(14, 2, 1);
const CNTV_CTL: u32 = register(14, 3, 1);

/// What stands for a write of these registers in rewritten code, but for Rt.
const CODE_CONTEXTIDR: u32 = code_a32(Cp15::Contextidr, false);
const CODE_TTBR0: u32 = code_a32(Cp15::Ttbr0, false);

/// Pages for which maintenance is carried out at once at most.
const LOOP: u32 = 256;

/// The register that ends a loop over pages, if these words behind an operation by the address in `rt` make it one:
/// `add rt, rt, #4096`, `cmp rt, limit`, and `blo` to the operation.
fn loop_limit(rt: u8, following: [u32; 3]) -> Option<u8> {
    let r = u32::from(rt);
    let limit = following[1] & 0xf;
    let found = following[0] == 0xe280_0a01 | r << 16 | r << 12
        && following[1] == 0xe150_0000 | r << 16 | limit
        && following[2] == 0x3aff_fffb
        && limit != 15
        && limit != r;
    found.then_some(limit as u8)
}

/// What became of a trap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quick {
    /// Nothing was done: it is for [`traps`](super::traps).
    Not,
    /// It was answered.
    Done,
    /// The same, and a device may want something.
    Look,
}

impl Quick {
    const fn done(done: bool) -> Self {
        if done { Quick::Done } else { Quick::Not }
    }
}

impl Parts {
    /// Carries out a loop of TLB maintenance over pages at once, or a part of it: Linux has it for ranges, and each page would
    /// cost a trap.
    fn flush_loop(&mut self, vcpu: &mut Vcpu, rt: u8, limit: u8) {
        let (start, end) = (vcpu.regs.get(rt), vcpu.regs.get(limit));
        // The operation comes before the comparison. No further than to where the address wraps.
        let wanted = end.saturating_sub(start).div_ceil(0x1000).max(1);
        let count = wanted.min(LOOP).min(0x10_0000 - (start >> 12));
        self.shadow.flush_pages(Gva::new(start & !0xfff), count, start as u8);
        let next = start.wrapping_add(count * 0x1000);
        vcpu.regs.set(rt, next);
        // As the comparison sets them (A8.8.37): N, Z, C, V of next - end.
        let (result, borrow) = next.overflowing_sub(end);
        let overflow = (next ^ end) & (next ^ result);
        vcpu.regs.set_flags(
            result & 1 << 31 | u32::from(result == 0) << 30 | u32::from(!borrow) << 29 | overflow >> 31 << 28,
        );
        if !borrow {
            vcpu.regs.skip(16);
        }
    }

    /// An abort of the guest, whose status is still in the fault registers.
    #[inline]
    pub fn quick_abort(&mut self, vcpu: &mut Vcpu, fetch: bool, word: u32) -> Quick {
        let (status, va) = if fetch { (cp15::ifsr(), cp15::ifar()) } else { (cp15::dfsr(), cp15::dfar()) };
        let fault = status & STATUS;
        if !TRANSLATION.contains(&fault) && !PERMISSION.contains(&fault) || status & DFSR_CM != 0 {
            return Quick::Not;
        }
        let privileged = vcpu.privilege() == Privilege::Pl1;
        let kind = match (fetch, status & DFSR_WRITE != 0) {
            (true, _) => Kind::Execute,
            (false, true) => Kind::Write,
            (false, false) => Kind::Read,
        };
        if !fetch
            && let Some((device, base)) =
                self.shadow.devices.find(va, privileged, kind, dacr_of(self.shadow.regs(), vcpu.cp15.dacr))
        {
            return self.quick_device(vcpu, device, base + (va & 0xfff), word);
        }
        match self.quick_fill(vcpu, privileged, kind, va) {
            Ok(()) => Quick::Done,
            Err(None) => Quick::Not,
            // One at the vector of the last exception may be the end of the domain.
            Err(Some(_)) if fetch && self.last.as_ref().is_some_and(|last| last.vector == vcpu.regs.pc()) => {
                Quick::Not
            }
            Err(Some(fault)) => {
                self.original = word;
                let (exception, cause) = match (fetch, kind) {
                    (true, _) => (Exception::PrefetchAbort, Cause::Read),
                    (false, Kind::Write) => (Exception::DataAbort, Cause::Write),
                    (false, _) => (Exception::DataAbort, Cause::Read),
                };
                Quick::done(self.inject(vcpu, exception, Some(DataAbort { fault, cause })).is_none())
            }
        }
    }

    /// The registers of a load or store whose address needs no computing.
    #[inline]
    fn quick_access(vcpu: &Vcpu, word: u32) -> Option<nex_emulate::Quick> {
        if vcpu.regs.cpsr().is_thumb() {
            quick_t32(word as u16, (word >> 16) as u16)
        } else {
            quick_a32(word)
        }
    }

    pub(super) fn quick_device(&mut self, vcpu: &mut Vcpu, device: Device, offset: u32, word: u32) -> Quick {
        let Some(quick) = Self::quick_access(vcpu, word) else { return Quick::Not };
        let width = match quick.size {
            Size::Byte => Width::Byte,
            Size::Half => Width::Half,
            _ => Width::Word,
        };
        let write = if quick.load { None } else { Some(quick.value(&vcpu.regs)) };
        let Ok(value) = self.platform.access(device, offset, width, write) else { return Quick::Not };
        quick.finish(&mut vcpu.regs, value);
        vcpu.pending = self.platform.pending();
        Quick::Look
    }

    /// Maps a page of RAM that the guest maps in the common way, and its neighbours.
    ///
    /// # Errors
    /// The guest's own fault, or `None`: it is something else.
    fn quick_fill(
        &mut self,
        vcpu: &Vcpu,
        privileged: bool,
        kind: Kind,
        va: u32,
    ) -> Result<(), Option<Fault>> {
        let tables = self.shadow.quick().ok_or(None)?;
        if Shadow::is_pinned(va) || self.memory.is_protected() {
            return Err(None);
        }
        let found = tables.find(&mut self.memory, Gva::new(va))?;
        let client = vcpu.cp15.dacr >> (2 * u32::from(found.domain)) & 3 == 1;
        if !client || found.domain == NEX_DOMAIN {
            return Err(None);
        }
        if !found.allows(privileged, kind) {
            // On a device, alignment comes first.
            let memory = self.memory.page_at(found.page).is_some();
            return Err(memory.then(|| found.denied(Gva::new(va))));
        }
        self.quick_map(privileged, kind, va, &found).ok_or(None)
    }

    fn quick_map(&mut self, privileged: bool, kind: Kind, va: u32, found: &Found) -> Option<()> {
        let view = View::of(privileged);
        let page = Gva::new(va & !0xfff);
        let at = self.shadow.l2_for(view, page, found.domain, found.global)?;
        let raw = self.quick_entry(page, found, privileged, Some(kind))?;
        self.shadow.fill(at, page, raw, found.global);
        // What is beside it: by the descriptors in a row with that of the page, or in the same section.
        let block = !(AROUND * 0x1000 - 1);
        let row = if found.log2_bytes == 12 {
            let row = found.descriptor & !(AROUND * 4 - 1);
            Some(self.memory.frame(self.memory.page_at(row)?).wrapping_add(row & 0xfff))
        } else {
            None
        };
        for n in 0..AROUND {
            let page = Gva::new(va & block | (n * 0x1000));
            let beside = match row {
                Some(row) => found.neighbour(memory::read_word(row.wrapping_add(n * 4))),
                None => Some(Found { page: found.page & block | (n * 0x1000), ..*found }),
            };
            if let Some(beside) = beside
                && beside.global == found.global
                && !self.shadow.filled(at, page)
                && let Some(raw) = self.quick_entry(page, &beside, privileged, None)
            {
                self.shadow.fill(at, page, raw, beside.global);
            }
        }
        Some(())
    }

    /// The shadow entry for a page, in the view of a privilege. `None`: there is none, or something has to be done for the
    /// `wanted` access first.
    #[inline]
    fn quick_entry(&mut self, va: Gva, found: &Found, privileged: bool, wanted: Option<Kind>) -> Option<u32> {
        if !found.allows(privileged, Kind::Read) {
            return None;
        }
        let page = self.memory.page_at(found.page)?;
        if self.memory.is_rom(page) {
            return None;
        }
        let frame: Hpa = self.memory.frame(page);
        let uses = self.memory.uses_mut(page)?;
        let code = uses.is_code();
        if uses.is_hidden() && !privileged {
            return None;
        }
        let write = found.allows(privileged, Kind::Write) && !code;
        let exec = found.allows(privileged, Kind::Execute) && (code || !privileged);
        match wanted {
            Some(Kind::Write) if !write => return None,
            Some(Kind::Execute) if !exec => return None,
            _ => {}
        }
        if privileged && uses.is_full_for(va) {
            self.note_use(page, frame, va);
        } else {
            uses.note(va);
        }
        Some(small_page(frame, write, exec, found.global))
    }

    /// Notes that the page is mapped at `va` for the kernel, which may make code of it: then its entries are looked for, and
    /// searching all tables for them is dear. If no entry is left at the address noted before, that is forgotten.
    pub fn note_use(&mut self, page: Page, frame: Hpa, va: Gva) {
        let uses = self.memory.uses(page);
        let stays = match uses.find() {
            Where::At(addresses) if uses.is_full_for(va) => {
                Some(addresses.map(|va| va.filter(|&va| self.shadow.maps(va, frame))))
            }
            _ => None,
        };
        if let Some(uses) = self.memory.uses_mut(page) {
            if let Some(stays) = stays {
                uses.forget();
                stays.into_iter().flatten().for_each(|va| uses.note(va));
            }
            uses.note(va);
        }
    }

    /// An undefined instruction of the guest.
    #[inline]
    pub fn quick_undefined(&mut self, vcpu: &mut Vcpu, word: u32) -> Quick {
        let rt = (word >> 12 & 15) as u8;
        if vcpu.regs.cpsr().is_thumb() || vcpu.privilege() != Privilege::Pl1 || rt == 15 {
            return Quick::Not;
        }
        match word & MCR_MASK {
            MCR => self.quick_write(vcpu, rt, word),
            MRC => self.quick_read(vcpu, rt, word),
            _ => self.quick_pair(vcpu, rt, word),
        }
    }

    /// MCR to CP15.
    #[inline]
    fn quick_write(&mut self, vcpu: &mut Vcpu, rt: u8, word: u32) -> Quick {
        let value = vcpu.regs.get(rt);
        match word & REGISTER {
            TLBIMVA | DTLBIMVA | ITLBIMVA | TLBIMVAIS => {
                if let Some(limit) = loop_limit(rt, this_cpu().following()) {
                    self.flush_loop(vcpu, rt, limit);
                    return Quick::Done;
                }
                self.shadow.flush(Flush::Page { va: Gva::new(value & !0xfff), asid: value as u8 });
            }
            // Nothing, if there is something at that address.
            DCCMVAC | DCCIMVAC => {
                let Some(tables) = self.shadow.quick() else { return Quick::Not };
                if tables.find(&mut self.memory, Gva::new(value)).is_err() {
                    return Quick::Not;
                }
            }
            ICIALLU => cache::drop_fetched(),
            // As `Parts::cache_operation`.
            ICIMVAU | DCCMVAU => {
                let Some(tables) = self.shadow.quick() else { return Quick::Not };
                let Ok(found) = tables.find(&mut self.memory, Gva::new(value)) else {
                    return Quick::Not;
                };
                if word & REGISTER == ICIMVAU {
                    cache::drop_fetched();
                } else if let Some(page) = self.memory.page_at(found.page) {
                    let at = memory::hpa_to_va(self.memory.frame(page));
                    cache::clean_for_fetch(at..at + 0x1000);
                }
            }
            // By set and way.
            DCISW | DCCSW | DCCISW => {}
            CNTP_CTL => return self.quick_timer_write(vcpu, TimerReg::PCtl, value.into()),
            CNTV_CTL => return self.quick_timer_write(vcpu, TimerReg::VCtl, value.into()),
            _ => return Quick::Not,
        }
        vcpu.regs.skip(4);
        Quick::Done
    }

    #[inline]
    fn quick_timer_write(&mut self, vcpu: &mut Vcpu, reg: TimerReg, value: u64) -> Quick {
        self.platform.timer_write(reg, value);
        vcpu.pending = self.platform.pending();
        vcpu.regs.skip(4);
        Quick::Look
    }

    /// MRC from CP15.
    #[inline]
    fn quick_read(&mut self, vcpu: &mut Vcpu, rt: u8, word: u32) -> Quick {
        let value = match word & REGISTER {
            DFSR => vcpu.cp15.dfsr,
            DFAR => vcpu.cp15.dfar,
            IFSR => vcpu.cp15.ifsr,
            IFAR => vcpu.cp15.ifar,
            CNTP_CTL => self.platform.timer_read(TimerReg::PCtl) as u32,
            CNTV_CTL => self.platform.timer_read(TimerReg::VCtl) as u32,
            _ => return Quick::Not,
        };
        vcpu.regs.set(rt, value);
        vcpu.regs.skip(4);
        Quick::Done
    }

    /// MCRR to a compare value of the timer.
    #[inline]
    fn quick_pair(&mut self, vcpu: &mut Vcpu, rt: u8, word: u32) -> Quick {
        let rt2 = (word >> 16 & 15) as u8;
        let reg = match word & 0xfff0_0fff {
            0xec40_0f2e => TimerReg::PCval,
            0xec40_0f3e => TimerReg::VCval,
            _ => return Quick::Not,
        };
        if rt2 == 15 {
            return Quick::Not;
        }
        let value = u64::from(vcpu.regs.get(rt2)) << 32 | u64::from(vcpu.regs.get(rt));
        self.quick_timer_write(vcpu, reg, value)
    }

    /// An SVC of the guest that first-level handling did not answer.
    #[inline]
    pub fn quick_svc(&mut self, vcpu: &mut Vcpu, word: u32) -> Quick {
        if vcpu.regs.cpsr().is_thumb() || vcpu.privilege() != Privilege::Pl1 {
            return Quick::Not;
        }
        let rt = (word & 15) as u8;
        let value = vcpu.regs.get(rt);
        let changed = match word & !0xf {
            CODE_CONTEXTIDR => vcpu.cp15.write_contextidr(value),
            CODE_TTBR0 => vcpu.cp15.write_ttbr0(value),
            _ => return Quick::Not,
        };
        if changed {
            self.shadow.registers_changed(&vcpu.cp15);
        }
        vcpu.regs.skip(4);
        Quick::Done
    }
}
