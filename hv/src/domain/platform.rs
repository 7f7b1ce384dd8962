//! The devices of a domain's virtual platform, put together: who answers an access, and which interrupt lines follow.

use alloc::boxed::Box;

use arrayvec::ArrayVec;
use nex_devices::gicv2::Gic;
use nex_devices::pl011::Pl011;
use nex_devices::pl031::Pl031;
use nex_devices::platform::{self, Device};
use nex_devices::timer::{Register, Timer, Which};
use nex_devices::{Refused, Width, cfi_flash::Flash};
use nex_mm::addr::{Hpa, PAGE_BYTES};
use nex_mm::frames::{DomainId, Owner};
use nex_vcpu::{Pending, TimerReg};

use crate::{console, memory, thread, time};

/// Bytes that a guest's UART gathers for the console at most.
const UNSENT_BYTES: usize = 64;
/// How long it keeps them at most.
const UNSENT_NS: u64 = 2_000_000;
/// So many reads of the UART without a byte sent in between, and what waits is sent: it is being polled for input.
const LOOKS: u8 = 4;

/// Interrupt lines of devices that the guest's interrupt controller has.
const SPIS: usize = 64;
/// Blocks of the variables' flash: 512 KiB. U-Boot drives one of the two chips of each block and stores 256 KiB there.
const FLASH_BLOCKS: u32 = 2;

/// The devices of one domain, for its one vCPU.
pub struct Platform {
    domain: u8,
    gic: Box<Gic>,
    uart: Box<Pl011>,
    /// What the guest has sent and the console has not got yet.
    unsent: ArrayVec<u8, UNSENT_BYTES>,
    /// Status reads of the UART since a byte was sent: a guest that only looks has nothing more to say.
    looks: u8,
    /// More was typed than the UART's receiver has room for.
    has_input: bool,
    /// When a device next does something by itself, as of the last [`lines`](Self::lines).
    deadline_ns: Option<u64>,
    /// When the next timer does, in counts; as of the last [`timers`](Self::timers).
    deadline_count: Option<u64>,
    /// The levels of the timers' lines: virtual, physical.
    timer_levels: [bool; 2],
    /// Deadlines have changed: [`lines`](Self::lines) is to be called.
    pub stale: bool,
    rtc: Pl031,
    timer: Timer,
    /// For domains with firmware.
    variables: Option<Variables>,
}

/// The firmware's flash for its variables.
pub(super) struct Variables {
    flash: Box<Flash>,
    contents: Contents,
}

/// Memory of a flash.
struct Contents {
    start: Hpa,
    owner: Owner,
}

impl Contents {
    const FRAMES: u32 = Platform::FLASH_BYTES / PAGE_BYTES;

    fn new(owner: Owner) -> Option<Self> {
        let start = memory::alloc_frames(Self::FRAMES, 1, owner)?;
        let mut contents = Contents { start, owner };
        contents.bytes().fill(0xff);
        Some(contents)
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: frames that belong to this value alone, mapped by the direct map.
        unsafe { memory::slice_mut(self.start, Platform::FLASH_BYTES) }
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        memory::free_frames(self.start, Self::FRAMES, self.owner);
    }
}

/// The timer model's name for a register.
const fn register(reg: TimerReg) -> Register {
    match reg {
        TimerReg::Frq => Register::Cntfrq,
        TimerReg::Pct => Register::Cntpct,
        TimerReg::Vct => Register::Cntvct,
        TimerReg::PTval => Register::CntpTval,
        TimerReg::PCtl => Register::CntpCtl,
        TimerReg::PCval => Register::CntpCval,
        TimerReg::VTval => Register::CntvTval,
        TimerReg::VCtl => Register::CntvCtl,
        TimerReg::VCval => Register::CntvCval,
    }
}

fn now_s() -> u64 {
    time::now_ns() / 1_000_000_000
}

impl Platform {
    /// Bytes of the variables' flash.
    pub const FLASH_BYTES: u32 = FLASH_BLOCKS * nex_devices::cfi_flash::BLOCK_BYTES;

    /// All devices after reset; a flash for variables if the domain has `firmware`. `None`: no memory.
    pub fn new(id: DomainId, firmware: bool) -> Option<Self> {
        let variables = if firmware {
            let flash = Box::new(Flash::new(FLASH_BLOCKS)?);
            Some(Variables { flash, contents: Contents::new(Owner::Domain(id))? })
        } else {
            None
        };
        Some(Platform {
            domain: id.get(),
            gic: Box::new(Gic::new(1, SPIS)),
            uart: Box::new(Pl011::new()),
            unsent: ArrayVec::new(),
            looks: 0,
            has_input: false,
            deadline_ns: None,
            deadline_count: None,
            timer_levels: [false; 2],
            stale: false,
            rtc: Pl031::new(time::epoch_s(), now_s()),
            timer: Timer::new(time::frequency_hz(), 0),
            variables,
        })
    }

    /// Takes the flash out, for the machine that comes after this one.
    pub(super) fn take_variables(&mut self) -> Option<Variables> {
        self.variables.take()
    }

    /// Puts in the flash of the machine that was before this one, as after a reset of the flash, if there was one.
    pub(super) fn keep_variables(&mut self, variables: Option<Variables>) {
        if let (Some(mine), Some(kept)) = (&mut self.variables, variables) {
            mine.contents = kept.contents;
        }
    }

    /// An access to the device at `offset` from its start. `write` has the value of a store.
    ///
    /// # Errors
    /// [`Refused`]: the guest takes an external abort.
    pub fn access(
        &mut self,
        device: Device,
        offset: u32,
        width: Width,
        write: Option<u32>,
    ) -> Result<u32, Refused> {
        match device {
            Device::GicDistributor => match write {
                None => self.gic.dist_read(0, offset, width),
                Some(value) => self.gic.dist_write(0, offset, width, value).map(|()| 0),
            },
            Device::GicCpuInterface => match write {
                None => self.gic.cpu_read(0, offset, width),
                Some(value) => self.gic.cpu_write(0, offset, width, value).map(|()| 0),
            },
            Device::Uart => {
                let done = match write {
                    None => {
                        self.looks = self.looks.saturating_add(1);
                        if self.looks == LOOKS {
                            self.flush();
                        }
                        self.uart.read(offset, width)
                    }
                    Some(value) => {
                        let done = self.uart.write(offset, width, value);
                        self.send();
                        done.map(|()| 0)
                    }
                };
                if self.has_input {
                    self.receive();
                }
                self.gic.set_level(platform::INTID_UART, 0, self.uart.line());
                done
            }
            Device::Rtc => {
                let done = match write {
                    None => self.rtc.read(offset, width, now_s()),
                    Some(value) => {
                        self.stale = true;
                        self.rtc.write(offset, width, value, now_s()).map(|()| 0)
                    }
                };
                self.gic.set_level(platform::INTID_RTC, 0, self.rtc.line());
                done
            }
            Device::Flash => match (&mut self.variables, write) {
                (None, _) => Err(Refused::OutOfRange),
                (Some(v), None) => v.flash.read(v.contents.bytes(), offset, width),
                (Some(v), Some(value)) => v.flash.write(v.contents.bytes(), offset, width, value).map(|_| 0),
            },
            // Nothing there yet, and the device tree says so. The ROM is memory and does not come here.
            Device::Virtio(_) | Device::FirmwareRom => Ok(0),
        }
    }

    /// Takes what the guest has sent. A line at a time goes to the console, or as much as there is room for: each time costs
    /// more than many bytes.
    fn send(&mut self) {
        while let Some(byte) = self.uart.tx_pop() {
            self.looks = 0;
            if self.unsent.is_empty() {
                // The guest may go on without a trap from here.
                let soon_ns = time::now_ns() + UNSENT_NS;
                thread::set_alarm(Some(self.deadline_ns.map_or(soon_ns, |at| at.min(soon_ns))));
            }
            self.unsent.push(byte);
            if byte == b'\n' || self.unsent.is_full() {
                self.flush();
            }
        }
    }

    /// Sends what waits: before the vCPU does nothing for a while.
    pub fn flush(&mut self) {
        if !self.unsent.is_empty() {
            console::write(self.domain, &self.unsent);
            self.unsent.clear();
        }
    }

    /// What was typed, to the guest, as far as its receiver has room.
    fn receive(&mut self) {
        while self.uart.can_push() {
            let mut byte = [0];
            if console::read(self.domain, &mut byte) == 0 {
                self.has_input = false;
                return;
            }
            self.uart.push(byte[0]);
        }
        self.has_input = true;
    }

    /// What was typed, for a guest that asks by hypercall; how many bytes. The UART's receiver may have taken some already.
    pub fn read_typed(&mut self, into: &mut [u8]) -> usize {
        const DR: u32 = 0x00;
        const FR: u32 = 0x18;
        const FR_RXFE: u32 = 1 << 4;
        let mut count = 0;
        while count < into.len() && self.uart.read(FR, Width::Word).is_ok_and(|flags| flags & FR_RXFE == 0) {
            into[count] = self.uart.read(DR, Width::Word).unwrap_or(0) as u8;
            count += 1;
        }
        count + console::read(self.domain, &mut into[count..])
    }

    /// A timer register as the guest reads it.
    pub fn timer_read(&self, reg: TimerReg) -> u64 {
        self.timer.read(register(reg), time::counter())
    }

    /// The guest writes a timer register.
    pub fn timer_write(&mut self, reg: TimerReg, value: u64) {
        self.timer.write(register(reg), value, time::counter());
        self.stale |= self.timers();
    }

    /// Brings the timers' lines up to date. True if that is not all: there is another deadline, and it is for
    /// [`lines`](Self::lines) to find the earliest.
    fn timers(&mut self) -> bool {
        let count = time::counter();
        let both = [Which::Virtual, Which::Physical];
        for (n, intid) in
            [platform::INTID_TIMER_VIRTUAL, platform::INTID_TIMER_PHYSICAL].into_iter().enumerate()
        {
            let level = self.timer.line(both[n], count);
            if level != self.timer_levels[n] {
                self.timer_levels[n] = level;
                self.gic.set_level(intid, 0, level);
            }
        }
        // The same count for lines and deadline: a timer that is not due by the one is not past by the other.
        let deadline = both.into_iter().filter_map(|which| self.timer.deadline(which, count)).min();
        core::mem::replace(&mut self.deadline_count, deadline) != deadline
    }

    /// Brings all interrupt lines up to date, and has the vCPU's thread interrupted when they next change by themselves.
    /// `event`: something may have come from outside.
    pub fn lines(&mut self, event: bool) -> Lines {
        self.flush();
        if event || self.has_input {
            self.receive();
            self.gic.set_level(platform::INTID_UART, 0, self.uart.line());
        }
        let changed = self.timers() | core::mem::take(&mut self.stale);
        if changed || self.rtc.is_armed() {
            self.deadline_ns = self.deadline_count.map(time::counter_to_ns);
            if self.rtc.is_armed() {
                self.rtc.advance(now_s());
                let rtc_ns = self.rtc.deadline_s().map(|s| s.saturating_mul(1_000_000_000));
                self.deadline_ns = [self.deadline_ns, rtc_ns].into_iter().flatten().min();
            }
            self.gic.set_level(platform::INTID_RTC, 0, self.rtc.line());
        }
        thread::set_alarm(self.deadline_ns);
        Lines { pending: self.pending(), deadline_ns: self.deadline_ns }
    }
}

impl Platform {
    /// What waits for the vCPU by the interrupt controller alone, after an access to a device.
    #[inline]
    pub fn pending(&self) -> Pending {
        Pending::new(self.gic.irq_line(0), self.gic.fiq_line(0), false)
    }
}

/// What [`Platform::lines`] found.
pub struct Lines {
    /// What waits for the vCPU.
    pub pending: Pending,
    /// When that changes by itself.
    pub deadline_ns: Option<u64>,
}
