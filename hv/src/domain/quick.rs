//! What guests trap on most, answered without a look at anything else.
//!
//! [`vcpu`](super::vcpu) asks here first, with IRQs still masked, and enters the guest again at once if that was all. What is
//! not answered here is left as it was, and answered by [`traps`](super::traps).

use nex_devices::Width;
use nex_devices::platform::Device;
use nex_emulate::{Quick, Size, quick_a32, quick_t32};
use nex_mm::{Gva, Hpa};
use nex_vcpu::{Privilege, Vcpu};
use nex_vmmu::Kind;
use nex_vmmu::devices::dacr_of;
use nex_vmmu::quick::Found;
use nex_vmmu::shadow::View;
use nex_vmmu::table::small_page;
use nex_vmmu::tlb::Flush;

use super::machine::Parts;
use super::shadow::Shadow;
use crate::arch::{NEX_DOMAIN, cp15};
use crate::memory;

/// Pages that are filled at once, around the one that the guest wants: those of a block of so many whose descriptors are
/// beside the one that was read. They are there if the guest's software filled them together, as operating systems do.
const AROUND: u32 = 16;

/// Status of a fault that a missing shadow entry can be the cause of (DFSR and IFSR, short format, B3.13.3).
const TRANSLATION: [u32; 2] = [0x5, 0x7];
const PERMISSION: [u32; 2] = [0xd, 0xf];
const STATUS: u32 = 0x40f;
const DFSR_WRITE: u32 = 1 << 11;
const DFSR_CM: u32 = 1 << 13;

/// MCR to CP15, always: the bits that say so, and Rt.
const MCR_MASK: u32 = 0xff10_0f10;
const MCR: u32 = 0xee00_0f10;

impl Parts {
    /// An abort of the guest, whose status is still in the fault registers. False: nothing was done.
    #[inline]
    pub fn quick_abort(&mut self, vcpu: &mut Vcpu, fetch: bool, word: u32) -> bool {
        let (status, va) = if fetch { (cp15::ifsr(), cp15::ifar()) } else { (cp15::dfsr(), cp15::dfar()) };
        let fault = status & STATUS;
        if !TRANSLATION.contains(&fault) && !PERMISSION.contains(&fault) || status & DFSR_CM != 0 {
            return false;
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
        self.quick_fill(vcpu, privileged, kind, va).is_some()
    }

    /// The registers of a load or store whose address needs no computing.
    #[inline]
    fn quick_access(vcpu: &Vcpu, word: u32) -> Option<Quick> {
        if vcpu.regs.cpsr().is_thumb() {
            quick_t32(word as u16, (word >> 16) as u16)
        } else {
            quick_a32(word)
        }
    }

    fn quick_device(&mut self, vcpu: &mut Vcpu, device: Device, offset: u32, word: u32) -> bool {
        let Some(quick) = Self::quick_access(vcpu, word) else { return false };
        let width = match quick.size {
            Size::Byte => Width::Byte,
            Size::Half => Width::Half,
            _ => Width::Word,
        };
        let write = if quick.load { None } else { Some(quick.value(&vcpu.regs)) };
        let Ok(value) = self.platform.access(device, offset, width, write) else { return false };
        quick.finish(&mut vcpu.regs, value);
        vcpu.pending = self.platform.pending();
        true
    }

    /// Maps a page of RAM that the guest maps in the common way, and its neighbours.
    fn quick_fill(&mut self, vcpu: &Vcpu, privileged: bool, kind: Kind, va: u32) -> Option<()> {
        let tables = self.shadow.quick()?;
        if Shadow::is_pinned(va) || self.memory.is_protected() {
            return None;
        }
        let (found, pxn) = tables.find(&mut self.memory, Gva::new(va))?;
        let client = vcpu.cp15.dacr >> (2 * u32::from(found.domain)) & 3 == 1;
        if !client || found.domain == NEX_DOMAIN || !found.allows(privileged, kind) {
            return None;
        }
        let view = View::of(privileged);
        let page = Gva::new(va & !0xfff);
        let at = self.shadow.l2_for(view, page, found.domain, found.global)?;
        let raw = self.quick_entry(page, &found, privileged, Some(kind))?;
        self.shadow.fill(at, page, raw, found.global);
        // What is beside it.
        let first = va & !(AROUND * 0x1000 - 1);
        if found.descriptor != 0 {
            let row = found.descriptor & !(AROUND * 4 - 1);
            let row = self.memory.frame(self.memory.page_at(row)?).wrapping_add(row & 0xfff);
            for n in 0..AROUND {
                let page = Gva::new(first + n * 0x1000);
                if let Some(beside) = found.neighbour(memory::read_word(row.wrapping_add(n * 4)), pxn)
                    && beside.global == found.global
                    && !self.shadow.filled(at, page)
                    && let Some(raw) = self.quick_entry(page, &beside, privileged, None)
                {
                    self.shadow.fill(at, page, raw, beside.global);
                }
            }
        } else {
            for n in 0..AROUND {
                let page = Gva::new(first + n * 0x1000);
                let beside = Found { page: found.page & !(AROUND * 0x1000 - 1) | n * 0x1000, ..found };
                if !self.shadow.filled(at, page)
                    && let Some(raw) = self.quick_entry(page, &beside, privileged, None)
                {
                    self.shadow.fill(at, page, raw, beside.global);
                }
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
        let write = found.allows(privileged, Kind::Write) && !code;
        let exec = found.allows(privileged, Kind::Execute) && (code || !privileged);
        match wanted {
            Some(Kind::Write) if !write => return None,
            Some(Kind::Execute) if !exec => return None,
            _ => {}
        }
        uses.note(va);
        Some(small_page(frame, write, exec, found.global))
    }

    /// An undefined instruction of the guest. False: nothing was done.
    #[inline]
    pub fn quick_undefined(&mut self, vcpu: &mut Vcpu, word: u32) -> bool {
        if word & MCR_MASK != MCR || vcpu.regs.cpsr().is_thumb() || vcpu.privilege() != Privilege::Pl1 {
            return false;
        }
        let rt = (word >> 12 & 15) as u8;
        if rt == 15 {
            return false;
        }
        let value = vcpu.regs.get(rt);
        match word & 0x00ef_0fef {
            // TLBIMVA: unified, data, instruction, Inner Shareable.
            0x0008_0f27 | 0x0008_0f26 | 0x0008_0f25 | 0x0008_0f23 => {
                self.shadow.flush(Flush::Page { va: Gva::new(value & !0xfff), asid: value as u8 });
            }
            // DCCMVAC, DCCIMVAC: nothing, if there is something at that address.
            0x0007_0f2a | 0x0007_0f2e => {
                let Some(tables) = self.shadow.quick() else { return false };
                if tables.find(&mut self.memory, Gva::new(value)).is_none() {
                    return false;
                }
            }
            _ => return false,
        }
        vcpu.regs.skip(4);
        true
    }
}
