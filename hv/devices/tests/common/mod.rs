//! A small machine out of the models, and what drives it and QEMU alike.
#![allow(dead_code, missing_docs, unreachable_pub)]

pub mod bridge;
pub mod drive;

use nex_devices::platform::{self, Device};
use nex_devices::{Access, Width, cfi_flash::Flash, gicv2::Gic, pl011::Pl011, pl031::Pl031};

/// Not an address: a "read" of it gives the interrupt lines to the CPU, IRQ in bit 0, FIQ in bit 1.
pub const LINES: u32 = 0xffff_fffc;

/// An access that is made on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    pub gpa: u32,
    pub bytes: u32,
    pub write: Option<u32>,
}

impl Op {
    pub fn read(gpa: u32) -> Op {
        Op { gpa, bytes: 4, write: None }
    }

    pub fn write(gpa: u32, value: u32) -> Op {
        Op { gpa, bytes: 4, write: Some(value) }
    }

    pub fn write_byte(gpa: u32, value: u32) -> Op {
        Op { gpa, bytes: 1, write: Some(value & 0xff) }
    }

    /// `r4 08000000 00000003`: kind and width, address, value.
    pub fn to_line(self, value: u32) -> String {
        let kind = if self.write.is_some() { 'w' } else { 'r' };
        format!("{kind}{} {:08x} {value:08x}", self.bytes, self.gpa)
    }

    pub fn from_line(line: &str) -> Option<(Op, u32)> {
        let mut words = line.split_whitespace();
        let kind = words.next()?;
        let gpa = u32::from_str_radix(words.next()?, 16).ok()?;
        let value = u32::from_str_radix(words.next()?, 16).ok()?;
        let bytes = kind[1..].parse().ok()?;
        Some((Op { gpa, bytes, write: kind.starts_with('w').then_some(value) }, value))
    }
}

/// The platform with one vCPU, wired as the hypervisor does it.
pub struct Machine {
    pub gic: Gic,
    pub uart: Pl011,
    pub rtc: Pl031,
    pub flash: Flash,
    pub contents: Vec<u8>,
    pub sent: Vec<u8>,
}

impl Machine {
    pub fn new() -> Machine {
        let flash = Flash::new(256).unwrap();
        let contents = vec![0; flash.bytes() as usize];
        Machine {
            gic: Gic::new(1, 256),
            uart: Pl011::new(),
            rtc: Pl031::new(1_700_000_000, 0),
            flash,
            contents,
            sent: Vec::new(),
        }
    }

    pub fn run(&mut self, op: Op) -> u32 {
        if op.gpa == LINES {
            return u32::from(self.gic.irq_line(0)) | u32::from(self.gic.fiq_line(0)) << 1;
        }
        let (device, offset) = platform::lookup(op.gpa).expect("an address of a device");
        let access =
            Access { offset, width: Width::from_bytes(op.bytes).unwrap(), write: op.write.map(u64::from) };
        let value = access
            .on_bus(|offset, width, write| match (device, write) {
                (Device::GicDistributor, None) => self.gic.dist_read(0, offset, width),
                (Device::GicDistributor, Some(v)) => self.gic.dist_write(0, offset, width, v).map(|()| 0),
                (Device::GicCpuInterface, None) => self.gic.cpu_read(0, offset, width),
                (Device::GicCpuInterface, Some(v)) => self.gic.cpu_write(0, offset, width, v).map(|()| 0),
                (Device::Uart, None) => self.uart.read(offset, width),
                (Device::Uart, Some(v)) => self.uart.write(offset, width, v).map(|()| 0),
                (Device::Rtc, None) => self.rtc.read(offset, width, 0),
                (Device::Rtc, Some(v)) => self.rtc.write(offset, width, v, 0).map(|()| 0),
                (Device::Flash, None) => self.flash.read(&self.contents, offset, width),
                (Device::Flash, Some(v)) => self.flash.write(&mut self.contents, offset, width, v).map(|_| 0),
                _ => panic!("no model for {device:?}"),
            })
            .expect("an access that the device takes");
        while let Some(byte) = self.uart.tx_pop() {
            self.sent.push(byte);
        }
        self.gic.set_level(platform::INTID_UART, 0, self.uart.line());
        self.gic.set_level(platform::INTID_RTC, 0, self.rtc.line());
        value as u32
    }
}

/// A small generator of numbers that are the same everywhere: xorshift64*.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    pub fn below(&mut self, limit: u32) -> u32 {
        self.next() % limit
    }

    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }
}
