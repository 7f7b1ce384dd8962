//! Memory as the guest sees it, for instructions that Nex carries out on its behalf.

use nex_devices::{Width, platform};
use nex_emulate::{Bus, How, Size};
use nex_mm::{Gva, Hpa};
use nex_vmmu::fault::Cause;
use nex_vmmu::{Abort, Access, Fault, Kind, translate};

use super::machine::Parts;
use super::memory::{Page, Want};
use crate::memory;

/// A data abort that the guest gets.
#[derive(Clone, Copy, Debug)]
pub struct DataAbort {
    /// What is wrong.
    pub fault: Fault,
    /// With what.
    pub cause: Cause,
}

/// What is at a guest physical address.
pub enum Target {
    /// RAM or ROM.
    Memory(Page),
    /// A device, and the offset from its start.
    Device(platform::Device, u32),
}

impl Parts {
    /// What is at `gpa`; `None`: nothing.
    pub fn target(&self, gpa: u32) -> Option<Target> {
        if let Some(page) = self.memory.page_at(gpa) {
            return Some(Target::Memory(page));
        }
        match platform::lookup(gpa)? {
            // Without firmware there is nothing; beyond its end neither.
            (platform::Device::FirmwareRom, _) => None,
            (device, offset) => Some(Target::Device(device, offset)),
        }
    }
}

/// The guest's memory at a privilege.
pub(super) struct GuestBus<'a> {
    parts: &'a mut Parts,
    privileged: bool,
    /// The page that was found last, its translation and whether it may be written: LDM and STM stay in one as a rule.
    last: Option<Found>,
}

#[derive(Clone, Copy)]
struct Found {
    va_page: u32,
    unprivileged: bool,
    write: bool,
    frame: Hpa,
}

/// What an address leads to.
enum Place {
    Frame(Hpa, Page),
    Device(platform::Device, u32),
}

impl<'a> GuestBus<'a> {
    /// For accesses at the guest's present privilege.
    pub(super) fn new(parts: &'a mut Parts, privileged: bool) -> Self {
        GuestBus { parts, privileged, last: None }
    }

    fn abort(fault: Fault, write: bool) -> DataAbort {
        DataAbort { fault, cause: if write { Cause::Write } else { Cause::Read } }
    }

    fn find(&mut self, va: u32, size: Size, how: How, write: bool) -> Result<Place, DataAbort> {
        let kind = if write { Kind::Write } else { Kind::Read };
        let mut access = Access::new(self.privileged && !how.unprivileged, kind).sized(size.bytes() as u8);
        if how.align_bytes > 1 {
            access = access.sized(how.align_bytes.min(8)).aligned_only();
        }
        let regs = *self.parts.shadow.regs();
        let found = translate(&regs, &mut self.parts.memory, Gva::new(va), access)
            .map_err(|fault| Self::abort(fault, write))?;
        let external = || Self::abort(Fault::external(&regs, Gva::new(va), Abort::Decode), write);
        let gpa = found.gpa().ok_or_else(external)?.raw();
        match self.parts.target(gpa).ok_or_else(external)? {
            Target::Memory(page) => {
                let want = if write { Want::Write } else { Want::Read };
                if self.parts.memory.is_protected() && !self.parts.memory.allows(gpa, want) {
                    return Err(external());
                }
                let frame = self.parts.memory.frame(page);
                let plain =
                    !write || !self.parts.memory.is_rom(page) && !self.parts.memory.uses(page).is_code();
                self.last = plain.then_some(Found {
                    va_page: va >> 12,
                    unprivileged: how.unprivileged,
                    write,
                    frame,
                });
                Ok(Place::Frame(frame, page))
            }
            Target::Device(device, offset) => Ok(Place::Device(device, offset)),
        }
    }

    fn crosses(va: u32, size: Size) -> bool {
        (va & 0xfff) + size.bytes() > 0x1000
    }

    /// The frame found last, if it serves again.
    fn known(&self, va: u32, size: Size, how: How, write: bool) -> Option<Hpa> {
        let last = self.last?;
        let serves = last.va_page == va >> 12
            && last.unprivileged == how.unprivileged
            && (last.write || !write)
            && va & (size.bytes() - 1) == 0;
        serves.then_some(last.frame)
    }

    fn device(
        &mut self,
        va: u32,
        device: platform::Device,
        offset: u32,
        size: Size,
        write: Option<u32>,
    ) -> Result<u32, DataAbort> {
        let width = Width::from_bytes(size.bytes()).unwrap_or(Width::Word);
        let regs = *self.parts.shadow.regs();
        self.parts.pending_stale = true;
        self.parts
            .platform
            .access(device, offset, width, write)
            .map_err(|_| Self::abort(Fault::external(&regs, Gva::new(va), Abort::Slave), write.is_some()))
    }
}

fn read_frame(frame: Hpa, offset: u32, size: Size) -> u32 {
    let word = |at: u32| memory::read_word(Hpa::new(frame.raw() + at));
    if size == Size::Word && offset & 3 == 0 {
        return word(offset);
    }
    let mut bytes = [0; 4];
    memory::copy_from(Hpa::new(frame.raw() + offset), &mut bytes[..size.bytes().min(4) as usize]);
    u32::from_le_bytes(bytes)
}

impl Bus for GuestBus<'_> {
    type Error = DataAbort;

    fn load(&mut self, va: u32, size: Size, how: How) -> Result<u32, DataAbort> {
        if let Some(frame) = self.known(va, size, how, false) {
            return Ok(read_frame(frame, va & 0xfff, size));
        }
        if Self::crosses(va, size) {
            if how.align_bytes > 1 {
                // Says the alignment fault.
                self.find(va, size, how, false)?;
            }
            let mut value = 0;
            for n in 0..size.bytes() {
                value |= self.load(va.wrapping_add(n), Size::Byte, How { align_bytes: 1, ..how })? << (8 * n);
            }
            return Ok(value);
        }
        match self.find(va, size, how, false)? {
            Place::Frame(frame, _) => Ok(read_frame(frame, va & 0xfff, size)),
            Place::Device(device, offset) => self.device(va, device, offset, size, None),
        }
    }

    fn store(&mut self, va: u32, size: Size, value: u32, how: How) -> Result<(), DataAbort> {
        let bytes = value.to_le_bytes();
        let bytes = &bytes[..size.bytes().min(4) as usize];
        if let Some(frame) = self.known(va, size, how, true) {
            memory::copy_to(Hpa::new(frame.raw() + (va & 0xfff)), bytes);
            return Ok(());
        }
        if Self::crosses(va, size) {
            // The whole has to be allowed before any of it is done.
            self.find(va, size, how, true)?;
            self.find((va | 0xfff).wrapping_add(1), Size::Byte, How { align_bytes: 1, ..how }, true)?;
            for (n, &byte) in bytes.iter().enumerate() {
                self.store(
                    va.wrapping_add(n as u32),
                    Size::Byte,
                    byte.into(),
                    How { align_bytes: 1, ..how },
                )?;
            }
            return Ok(());
        }
        match self.find(va, size, how, true)? {
            Place::Frame(frame, page) => {
                if self.parts.memory.is_rom(page) {
                    // Ignored, as a flash does that was not asked to be programmed.
                } else if self.parts.memory.uses(page).is_code() {
                    self.parts.store_to_code(page, va & 0xfff, bytes);
                } else {
                    memory::copy_to(Hpa::new(frame.raw() + (va & 0xfff)), bytes);
                }
                Ok(())
            }
            Place::Device(device, offset) => self.device(va, device, offset, size, Some(value)).map(|_| ()),
        }
    }

    fn load_exclusive(&mut self, va: u32, size: Size) -> Result<u64, DataAbort> {
        let how = How { unprivileged: false, align_bytes: size.bytes() as u8 };
        self.parts.exclusive = Some(va);
        if size == Size::Double {
            let low = self.load(va, Size::Word, how)?;
            let high = self.load(va.wrapping_add(4), Size::Word, How::PLAIN)?;
            return Ok(u64::from(high) << 32 | u64::from(low));
        }
        Ok(self.load(va, size, how)?.into())
    }

    fn store_exclusive(&mut self, va: u32, size: Size, value: u64) -> Result<bool, DataAbort> {
        let how = How { unprivileged: false, align_bytes: size.bytes() as u8 };
        // Faults come before the monitor is asked.
        self.find(va, size, how, true)?;
        if self.parts.exclusive.take() != Some(va) {
            // The LDREX ran on the CPU, and its mark went with the trap. A guest that tries again comes by here twice without
            // an exception in between, so nothing can have come between its LDREX and this: the mark holds.
            self.parts.exclusive = Some(va);
            return Ok(false);
        }
        self.store(va, if size == Size::Double { Size::Word } else { size }, value as u32, how)?;
        if size == Size::Double {
            self.store(va.wrapping_add(4), Size::Word, (value >> 32) as u32, How::PLAIN)?;
        }
        Ok(true)
    }
}

impl nex_vcpu::GuestMemory for GuestBus<'_> {
    type Fault = DataAbort;

    fn load(&mut self, address: u32) -> Result<u32, DataAbort> {
        Bus::load(self, address, Size::Word, How::WORD)
    }

    fn store(&mut self, address: u32, value: u32) -> Result<(), DataAbort> {
        Bus::store(self, address, Size::Word, value, How::WORD)
    }

    fn unaligned(&mut self, address: u32, write: bool) -> DataAbort {
        match self.find(address, Size::Word, How::WORD, write) {
            Err(abort) => abort,
            // Alignment is checked first, so this does not come about.
            Ok(_) => Self::abort(
                Fault::external(self.parts.shadow.regs(), Gva::new(address), Abort::Decode),
                write,
            ),
        }
    }
}
