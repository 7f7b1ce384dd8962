//! Generic timer (ARM DDI 0406C B8), PSCI (ARM DEN 0022), the address map.
#![allow(missing_docs)]

use nex_abi::{CallError, psci as abi};
use nex_devices::platform::{self, Device, MAP};
use nex_devices::psci::{ON_PENDING, Outcome, Psci, SYSTEM_RESET2, Start};
use nex_devices::timer::{Register, Timer, Which};
use nex_devices::{Access, Refused, StateError, Width};
use proptest::prelude::*;

#[test]
fn timer_condition_and_line_b8_1() {
    let mut timer = Timer::new(62_500_000, 1000);
    assert!(timer.write(Register::CntvCval, 500, 1200));
    assert_eq!(timer.read(Register::CntvCtl, 2000), 0, "ISTATUS reads as zero while disabled");
    timer.write(Register::CntvCtl, 1, 1200);
    assert_eq!(timer.read(Register::Cntvct, 1200), 200);
    assert_eq!(timer.deadline(Which::Virtual, 1200), Some(1500));
    assert!(!timer.line(Which::Virtual, 1499) && timer.line(Which::Virtual, 1500));
    assert_eq!(timer.read(Register::CntvCtl, 1500), 5);
    assert_eq!(timer.deadline(Which::Virtual, 1500), None);
    timer.write(Register::CntvCtl, 0xffff_ffff, 1500);
    assert_eq!(timer.read(Register::CntvCtl, 1500), 7, "masked: the status shows, the line is low");
    assert!(!timer.line(Which::Virtual, 1500));
    assert_eq!(timer.deadline(Which::Virtual, 1200), None);
    assert!(!timer.line(Which::Physical, 1500), "the other timer is another");
}

#[test]
fn timer_tval_is_signed_b8_1() {
    let mut timer = Timer::new(1, 0);
    timer.write(Register::CntpTval, 100, 1000);
    assert_eq!(timer.read(Register::CntpCval, 1000), 1100);
    assert_eq!(timer.read(Register::CntpTval, 1150), 0xffff_ffce);
    timer.write(Register::CntpTval, 0xffff_ffff, 1000);
    assert_eq!(timer.read(Register::CntpCval, 1000), 999);
    timer.write(Register::CntpCtl, 1, 1000);
    assert!(timer.line(Which::Physical, 1000));
    timer.write(Register::CntpTval, 0x8000_0000, 5);
    assert_eq!(timer.read(Register::CntpCval, 5), 5u64.wrapping_sub(1 << 31));
}

#[test]
fn timer_deadline_beyond_the_end_of_time() {
    let mut timer = Timer::new(1, 100);
    timer.write(Register::CntvCval, u64::MAX, 50);
    timer.write(Register::CntvCtl, 1, 200);
    assert_eq!(timer.deadline(Which::Virtual, 200), None, "would be after the counter's end");
    timer.write(Register::CntvCval, u64::MAX - 100, 200);
    assert_eq!(timer.deadline(Which::Virtual, 200), Some(u64::MAX));
}

#[test]
fn timer_registers_and_pl0_b8_1() {
    assert_eq!(Register::from_mrc(0, 3, 1), Some(Register::CntvCtl));
    assert_eq!(Register::from_mrc(4, 1, 0), None, "CNTHCTL is not there");
    assert_eq!(Register::from_mrrc(1), Some(Register::Cntvct));
    assert_eq!(Register::from_mrrc(4), None, "CNTVOFF is not there");
    let mut timer = Timer::new(7, 0);
    assert_eq!(timer.read(Register::Cntfrq, 0), 7);
    assert!(!timer.write(Register::Cntvct, 1, 0) && !Register::Cntpct.is_writable());
    let all = [
        Register::Cntfrq,
        Register::Cntkctl,
        Register::Cntpct,
        Register::Cntvct,
        Register::CntpCtl,
        Register::CntvCval,
    ];
    for (kctl, may_read) in [
        (0, [false; 6]),
        (1 << 0, [true, false, true, false, false, false]),
        (1 << 1, [true, false, false, true, false, false]),
        (1 << 8, [false, false, false, false, false, true]),
        (1 << 9, [false, false, false, false, true, false]),
    ] {
        timer.write(Register::Cntkctl, kctl, 0);
        assert_eq!(timer.read(Register::Cntkctl, 0), kctl);
        for (register, may) in all.into_iter().zip(may_read) {
            assert_eq!(timer.pl0_may(register, false), may, "{register:?} with {kctl:#x}");
            let may_write = may && matches!(register, Register::CntpCtl | Register::CntvCval);
            assert_eq!(timer.pl0_may(register, true), may_write, "write of {register:?}");
        }
    }
    assert_eq!(Timer::from_state(*timer.state()), Ok(timer.clone()));
    let mut damaged = *timer.state();
    damaged.cntv_ctl = 4;
    assert_eq!(Timer::from_state(damaged), Err(StateError::Value));
}

proptest! {
    #[test]
    fn timer_line_rises_at_its_deadline(off: u64, cval: u64, count in 0..u64::MAX / 2) {
        let mut timer = Timer::new(1, off);
        timer.write(Register::CntvCval, cval, count);
        timer.write(Register::CntvCtl, 1, count);
        match timer.deadline(Which::Virtual, count) {
            Some(deadline) => {
                prop_assert!(deadline > count);
                prop_assert!(!timer.line(Which::Virtual, deadline - 1));
                prop_assert!(timer.line(Which::Virtual, deadline));
            }
            None if timer.line(Which::Virtual, count) => {}
            None => prop_assert!(u128::from(count) + u128::from(cval) >= 1 << 64 || cval > count.wrapping_sub(off)),
        }
    }
}

#[test]
fn lookup_is_what_the_map_says() {
    let pages = (0..1 << 20).map(|page| page << 12);
    for gpa in pages.flat_map(|page| [page, page + 0x1fc, page + 0x200, page + 0xfff]) {
        let owner = MAP.iter().find(|region| (region.base..region.base + region.bytes).contains(&gpa));
        let found = platform::lookup(gpa);
        match (owner, found) {
            (None, None) => {}
            (Some(region), Some((Device::Virtio(slot), offset))) => {
                assert_eq!(region.device, Device::Virtio(0));
                let slot_base = region.base + u32::from(slot) * platform::VIRTIO_SLOT_BYTES;
                assert_eq!((slot_base + offset, offset < platform::VIRTIO_SLOT_BYTES), (gpa, true));
            }
            (Some(region), Some((device, offset))) => {
                assert_eq!((region.device, region.base + offset), (device, gpa));
            }
            _ => panic!("{gpa:#x}: {owner:?} in the map, found {found:?}"),
        }
    }
}

#[test]
fn address_map() {
    for (gpa, expected) in [
        (0x0000_0000, Some((Device::FirmwareRom, 0))),
        (0x03ff_ffff, Some((Device::FirmwareRom, 0x03ff_ffff))),
        (0x0400_0154, Some((Device::Flash, 0x154))),
        (0x0800_0fff, Some((Device::GicDistributor, 0xfff))),
        (0x0800_1000, None),
        (0x0801_1000, Some((Device::GicCpuInterface, 0x1000))),
        (0x0801_2000, None),
        (0x0900_0018, Some((Device::Uart, 0x18))),
        (0x0901_0000, Some((Device::Rtc, 0))),
        (0x0a00_0000, Some((Device::Virtio(0), 0))),
        (0x0a00_3fff, Some((Device::Virtio(31), 0x1ff))),
        (0x0a00_4000, None),
        (nex_abi::platform::RAM_BASE, None),
        (u32::MAX, None),
    ] {
        assert_eq!(platform::lookup(gpa), expected, "{gpa:#x}");
    }
    assert!(MAP.windows(2).all(|pair| pair[0].base + pair[0].bytes <= pair[1].base), "ascending, apart");
}

#[test]
fn double_accesses_are_two_words() {
    let mut seen = Vec::new();
    let access = Access { offset: 8, width: Width::Double, write: Some(0x1122_3344_5566_7788) };
    let result = access.on_bus(|offset, width, write| {
        seen.push((offset, width, write));
        Ok(0)
    });
    assert_eq!(result, Ok(0));
    assert_eq!(seen, [(8, Width::Word, Some(0x5566_7788)), (12, Width::Word, Some(0x1122_3344))]);
    let load = Access { offset: 0, width: Width::Double, write: None };
    assert_eq!(load.on_bus(|offset, _, _| Ok(offset + 1)), Ok(0x0000_0005_0000_0001));
    let refused = load.on_bus(|offset, _, _| if offset == 4 { Err(Refused::OutOfRange) } else { Ok(0) });
    assert_eq!(refused, Err(Refused::OutOfRange));
}

#[test]
fn psci_life_of_a_vcpu() {
    let mut psci = Psci::new(2);
    let error = |error: CallError| Outcome::Return(error.to_r0());
    let affinity = |psci: &mut Psci, cpu| psci.call(0, abi::AFFINITY_INFO, [cpu, 0, 0]);
    assert_eq!(affinity(&mut psci, 1), Outcome::Return(abi::AFFINITY_OFF));
    assert_eq!(psci.call(0, abi::CPU_ON, [0, 0x4000_0000, 0]), error(CallError::AlreadyOn));
    assert_eq!(psci.call(0, abi::CPU_ON, [2, 0x4000_0000, 0]), error(CallError::InvalidParameters));
    assert_eq!(psci.call(0, abi::CPU_ON, [0x101, 0x4000_0000, 0]), error(CallError::InvalidParameters));
    assert_eq!(psci.call(0, abi::CPU_ON, [1, 0x4000_0002, 0]), error(CallError::InvalidAddress));
    let start = Start { cpu: 1, entry: 0x4000_1000, thumb: true, context: 77 };
    assert_eq!(psci.call(0, abi::CPU_ON, [1, 0x4000_1001, 77]), Outcome::Start(start));
    assert_eq!(affinity(&mut psci, 1), Outcome::Return(abi::AFFINITY_ON_PENDING));
    assert_eq!(psci.call(0, abi::CPU_ON, [1, 0, 0]), Outcome::Return(ON_PENDING as u32));
    psci.started(1);
    assert_eq!(affinity(&mut psci, 1), Outcome::Return(abi::AFFINITY_ON));
    assert_eq!(psci.call(1, abi::CPU_OFF, [0; 3]), Outcome::Off);
    assert_eq!(affinity(&mut psci, 1), Outcome::Return(abi::AFFINITY_OFF));
    assert!(!psci.all_off() && psci.is_on(0) && !psci.is_on(1));
    assert_eq!(psci.call(0, abi::CPU_OFF, [0; 3]), Outcome::Off);
    assert!(psci.all_off());
}

#[test]
fn psci_other_calls() {
    let mut psci = Psci::new(1);
    let mut call = |function, a1| psci.call(0, function, [a1, 0, 0]);
    assert_eq!(call(abi::PSCI_VERSION, 0), Outcome::Return(0x0001_0001));
    assert_eq!(call(abi::MIGRATE_INFO_TYPE, 0), Outcome::Return(2));
    assert_eq!(call(abi::CPU_SUSPEND, 0x0001_0000), Outcome::Suspend);
    assert_eq!(call(abi::CPU_SUSPEND, 0x8000_0000), Outcome::Return(-2i32 as u32));
    assert_eq!(call(abi::SYSTEM_OFF, 0), Outcome::SystemOff);
    assert_eq!(call(abi::SYSTEM_RESET, 0), Outcome::SystemReset);
    assert_eq!(call(SYSTEM_RESET2, 0), Outcome::SystemReset);
    assert_eq!(call(SYSTEM_RESET2, 0x8000_0000), Outcome::Return(-2i32 as u32));
    assert_eq!(call(abi::PSCI_FEATURES, abi::CPU_ON), Outcome::Return(0));
    assert_eq!(call(abi::PSCI_FEATURES, 0x8400_0005), Outcome::Return(u32::MAX), "MIGRATE is not there");
    for unknown in [0x8400_0005, 0x8400_00ff, 0xc400_0003, 0x8600_0000] {
        assert_eq!(call(unknown, 0), Outcome::Return(u32::MAX));
    }
    assert_eq!(psci.call(0, abi::AFFINITY_INFO, [0, 1, 0]), Outcome::Return(-2i32 as u32));
}

#[test]
fn psci_state() {
    let psci = Psci::new(8);
    assert_eq!(Psci::from_state(*psci.state()), Ok(psci.clone()));
    let state = *psci.state();
    assert_eq!(Psci::from_state(nex_devices::psci::PsciState { cpus: 0, ..state }), Err(StateError::Count));
    assert_eq!(
        Psci::from_state(nex_devices::psci::PsciState { pending: 2, ..state }),
        Err(StateError::Value)
    );
}
