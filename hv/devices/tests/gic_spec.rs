//! The GIC, register by register. Section numbers are of ARM IHI 0048B.
#![allow(missing_docs)]

use nex_devices::gicv2::{CPU_BYTES, DIST_BYTES, Gic};
use nex_devices::{Refused, StateError, Width};

const W: Width = Width::Word;

struct Guest(Gic);

impl Guest {
    /// Distributor and CPU interfaces enabled for group 0, mask open.
    fn new(cpus: usize) -> Guest {
        let mut guest = Guest(Gic::new(cpus, 64));
        guest.dist(0, 0x000, 1);
        for cpu in 0..cpus {
            guest.cpu(cpu, 0x00, 1);
            guest.cpu(cpu, 0x04, 0xff);
        }
        guest
    }

    fn dist(&mut self, cpu: usize, offset: u32, value: u32) {
        self.0.dist_write(cpu, offset, W, value).unwrap();
    }

    fn dist_byte(&mut self, cpu: usize, offset: u32, value: u32) {
        self.0.dist_write(cpu, offset, Width::Byte, value).unwrap();
    }

    fn dist_read(&mut self, cpu: usize, offset: u32) -> u32 {
        self.0.dist_read(cpu, offset, W).unwrap()
    }

    fn cpu(&mut self, cpu: usize, offset: u32, value: u32) {
        self.0.cpu_write(cpu, offset, W, value).unwrap();
    }

    fn cpu_read(&mut self, cpu: usize, offset: u32) -> u32 {
        self.0.cpu_read(cpu, offset, W).unwrap()
    }

    fn acknowledge(&mut self, cpu: usize) -> u32 {
        self.cpu_read(cpu, 0x0c)
    }

    fn end(&mut self, cpu: usize, value: u32) {
        self.cpu(cpu, 0x10, value);
    }

    /// Enables SPI or PPI `intid` with `priority`, for CPU 0.
    fn enable(&mut self, intid: u32, priority: u32) {
        self.dist(0, 0x100 + intid / 32 * 4, 1 << (intid % 32));
        self.dist_byte(0, 0x400 + intid, priority);
        self.dist_byte(0, 0x800 + intid, 1);
    }

    fn pend(&mut self, intid: u32) {
        self.dist(0, 0x200 + intid / 32 * 4, 1 << (intid % 32));
    }
}

#[test]
fn typer_counts_lines_and_cpus_4_3_2() {
    for (cpus, spis, typer) in [(1, 256, 8), (1, 0, 0), (2, 64, 0x22), (8, 256, 0xe8), (8, 33, 0xe2)] {
        assert_eq!(Gic::new(cpus, spis).dist_read(0, 4, W), Ok(typer));
    }
    // What is beyond the model's room is taken as the most there can be.
    assert_eq!(Gic::new(0, 0).cpus(), 1);
    assert_eq!((Gic::new(99, 9999).cpus(), Gic::new(99, 9999).lines()), (8, 288));
}

#[test]
fn sgis_are_always_enabled_and_edge_4_3_5_4_3_13() {
    let mut guest = Guest::new(1);
    guest.dist(0, 0x180, u32::MAX);
    assert_eq!(guest.dist_read(0, 0x100), 0xffff);
    guest.dist(0, 0xc00, 0);
    assert_eq!(guest.dist_read(0, 0xc00), 0xaaaa_aaaa);
    guest.dist(0, 0xc04, u32::MAX);
    assert_eq!(guest.dist_read(0, 0xc04), 0xaaaa_aaaa, "the lower bit of each field reads as zero");
}

#[test]
fn a_level_is_pending_while_it_is_high_3_2_4() {
    let mut guest = Guest::new(1);
    guest.enable(40, 0x80);
    assert!(guest.0.set_level(40, 0, true));
    assert!(guest.0.irq_line(0));
    guest.dist(0, 0x284, 1 << 8);
    assert!(guest.0.irq_line(0), "ICPENDR does not clear what the line holds (4.3.8)");
    assert_eq!(guest.acknowledge(0), 40);
    assert_eq!(guest.dist_read(0, 0x204), 1 << 8, "active and pending");
    assert!(!guest.0.irq_line(0), "an active interrupt is not signalled");
    guest.end(0, 40);
    assert!(guest.0.irq_line(0), "the line is still high");
    guest.0.set_level(40, 0, false);
    assert!(!guest.0.irq_line(0));
    assert_eq!(guest.acknowledge(0), 1023);
}

#[test]
fn an_edge_is_pending_until_acknowledged_3_2_4() {
    let mut guest = Guest::new(1);
    guest.enable(40, 0x80);
    guest.dist(0, 0xc08, 2 << 16);
    guest.0.set_level(40, 0, true);
    guest.0.set_level(40, 0, false);
    assert_eq!(guest.acknowledge(0), 40);
    assert_eq!(guest.dist_read(0, 0x204), 0);
    guest.0.set_level(40, 0, true);
    guest.0.set_level(40, 0, true);
    assert_eq!(guest.dist_read(0, 0x204), 1 << 8, "another edge while active");
    guest.end(0, 40);
    assert_eq!(guest.acknowledge(0), 40);
    guest.end(0, 40);
    assert!(!guest.0.irq_line(0), "one edge, one interrupt");
}

#[test]
fn a_software_pended_level_interrupt_stays_until_acknowledged_4_3_7() {
    let mut guest = Guest::new(1);
    guest.enable(40, 0x80);
    guest.pend(40);
    guest.0.set_level(40, 0, true);
    guest.0.set_level(40, 0, false);
    assert!(guest.0.irq_line(0), "the latch outlives the line");
    assert_eq!(guest.acknowledge(0), 40);
    guest.end(0, 40);
    assert!(!guest.0.irq_line(0));
}

#[test]
fn lowest_priority_value_then_lowest_intid_wins_3_3() {
    let mut guest = Guest::new(1);
    for (intid, priority) in [(33, 0x60), (34, 0x40), (60, 0x40), (40, 0x50)] {
        guest.enable(intid, priority);
        guest.pend(intid);
    }
    let order: Vec<u32> = (0..4)
        .map(|_| {
            let intid = guest.acknowledge(0);
            guest.end(0, intid);
            intid
        })
        .collect();
    assert_eq!(order, [34, 60, 40, 33]);
}

#[test]
fn only_a_higher_group_priority_preempts_3_3_1() {
    let mut guest = Guest::new(1);
    for (intid, priority) in [(33, 0x80), (34, 0x84), (35, 0x70)] {
        guest.enable(intid, priority);
    }
    guest.cpu(0, 0x08, 3); // group priority is bits 7..4
    guest.pend(34);
    assert_eq!(guest.acknowledge(0), 34);
    assert_eq!(guest.cpu_read(0, 0x14), 0x80, "running priority is the group priority");
    guest.pend(33);
    assert!(!guest.0.irq_line(0), "0x80 and 0x84 are one group priority");
    assert_eq!(guest.acknowledge(0), 1023);
    assert_eq!(guest.cpu_read(0, 0x18), 33, "HPPIR tells nevertheless");
    guest.pend(35);
    assert!(guest.0.irq_line(0));
    assert_eq!(guest.acknowledge(0), 35);
    assert_eq!(guest.cpu_read(0, 0xd4), 1 << (0x70 / 2 - 32), "GICC_APR1");
    assert_eq!(guest.cpu_read(0, 0xd8), 1 << (0x80 / 2 - 64), "GICC_APR2");
    guest.end(0, 35);
    assert_eq!(guest.cpu_read(0, 0x14), 0x80);
    guest.end(0, 34);
    assert_eq!(guest.cpu_read(0, 0x14), 0xff, "idle");
    assert_eq!(guest.acknowledge(0), 33);
}

#[test]
fn priority_mask_hides_equal_and_lower_4_4_2() {
    let mut guest = Guest::new(1);
    guest.enable(33, 0x80);
    guest.pend(33);
    guest.cpu(0, 0x04, 0x80);
    assert!(!guest.0.irq_line(0));
    assert_eq!(guest.acknowledge(0), 1023);
    guest.cpu(0, 0x04, 0x81);
    assert!(guest.0.irq_line(0), "all eight bits are implemented");
}

#[test]
fn groups_choose_the_line_and_the_view_3_4_4_4_4() {
    let mut guest = Guest::new(1);
    guest.enable(33, 0x80);
    guest.enable(34, 0x90);
    guest.dist(0, 0x84, 1 << 2); // 34 is in group 1
    guest.dist(0, 0x000, 3);
    guest.cpu(0, 0x00, 0b1011); // both groups, FIQEn
    guest.pend(34);
    assert!(guest.0.irq_line(0) && !guest.0.fiq_line(0));
    assert_eq!(guest.acknowledge(0), 1022, "AckCtl is clear");
    assert_eq!(guest.cpu_read(0, 0x28), 34, "AHPPIR");
    guest.pend(33);
    assert!(guest.0.fiq_line(0) && !guest.0.irq_line(0), "group 0 by FIQ");
    assert_eq!(guest.cpu_read(0, 0x20), 1023, "AIAR sees that the best one is in group 0");
    assert_eq!(guest.acknowledge(0), 33);
    guest.end(0, 33);
    assert_eq!(guest.cpu_read(0, 0x20), 34, "AIAR acknowledges group 1");
    assert_eq!(guest.cpu_read(0, 0xe0 + 8), 1 << (0x90 / 2 % 32));
    guest.cpu(0, 0x24, 34);
    assert_eq!(guest.cpu_read(0, 0x14), 0xff);
    guest.pend(34);
    guest.cpu(0, 0x00, 0b1111);
    assert_eq!(guest.acknowledge(0), 34, "AckCtl is set");
}

#[test]
fn a_disabled_group_does_not_block_the_other_4_3_1() {
    let mut guest = Guest::new(1);
    guest.enable(33, 0x10);
    guest.enable(34, 0x90);
    guest.dist(0, 0x84, 1 << 2);
    guest.cpu(0, 0x00, 0b111);
    guest.pend(33);
    guest.pend(34);
    guest.dist(0, 0x000, 2);
    assert_eq!(guest.acknowledge(0), 34, "the distributor forwards group 1 only");
}

#[test]
fn binary_points_of_the_groups_3_3_3() {
    let mut guest = Guest::new(1);
    guest.cpu(0, 0x1c, 0);
    assert_eq!(guest.cpu_read(0, 0x1c), 1, "smallest value of ABPR");
    guest.enable(33, 0xa7);
    guest.dist(0, 0x84, 1 << 1);
    guest.dist(0, 0x000, 3);
    for (ctlr, bpr, abpr, running) in [(7, 0, 5, 0xa0), (0x17, 0, 5, 0xa6), (7, 7, 1, 0xa6), (0x17, 7, 1, 0)]
    {
        guest.cpu(0, 0x00, ctlr);
        guest.cpu(0, 0x08, bpr);
        guest.cpu(0, 0x1c, abpr);
        guest.pend(33);
        assert_eq!(guest.acknowledge(0), 33);
        assert_eq!(guest.cpu_read(0, 0x14), running, "CTLR {ctlr:#x} BPR {bpr} ABPR {abpr}");
        guest.end(0, 33);
    }
}

#[test]
fn split_end_of_interrupt_3_2_1_4_4_15() {
    let mut guest = Guest::new(1);
    guest.enable(33, 0x80);
    guest.cpu(0, 0x00, 1 | 1 << 9);
    guest.pend(33);
    assert_eq!(guest.acknowledge(0), 33);
    guest.pend(33);
    guest.end(0, 33);
    assert_eq!(guest.cpu_read(0, 0x14), 0xff, "priority drop");
    assert_eq!(guest.dist_read(0, 0x304), 2, "still active");
    assert!(!guest.0.irq_line(0));
    guest.cpu(0, 0x1000, 33);
    assert_eq!(guest.dist_read(0, 0x304), 0);
    assert!(guest.0.irq_line(0));
    // Without EOImode GICC_DIR does nothing.
    guest.cpu(0, 0x00, 1);
    assert_eq!(guest.acknowledge(0), 33);
    guest.cpu(0, 0x1000, 33);
    assert_eq!(guest.dist_read(0, 0x304), 2);
}

#[test]
fn sgis_by_filter_and_source_4_3_15_to_4_3_17() {
    let mut guest = Guest::new(4);
    for cpu in 0..4 {
        assert_eq!(guest.dist_read(cpu, 0x800), 0x0101_0101 << cpu, "ITARGETSR0 is the CPU's own bit");
    }
    guest.dist(2, 0xf00, 0b1011 << 16 | 5);
    guest.dist(1, 0xf00, 1 << 24 | 5);
    assert_eq!(guest.0.take_changed(), 0b1111);
    let lines: Vec<bool> = (0..4).map(|cpu| guest.0.irq_line(cpu)).collect();
    assert_eq!(lines, [true, true, true, true]);
    assert_eq!(guest.dist_read(0, 0xf24), 0b0110 << 8, "sources of SGI 5 at CPU 0");
    assert_eq!(guest.acknowledge(0), 1 << 10 | 5, "the lower CPU first");
    guest.end(0, 1 << 10 | 5);
    assert_eq!(guest.cpu_read(0, 0x18), 2 << 10 | 5, "HPPIR has the source too");
    assert_eq!(guest.acknowledge(0), 2 << 10 | 5);
    guest.end(0, 2 << 10 | 5);
    assert_eq!(guest.acknowledge(0), 1023);
    guest.dist(1, 0xf14, 0b0100 << 8);
    assert_eq!(guest.acknowledge(1), 1023, "CPENDSGIR took CPU 2's SGI back; CPU 1 did not send to itself");
    guest.dist(3, 0xf00, 2 << 24 | 15);
    assert_eq!(guest.acknowledge(3), 1 << 10 | 5);
    guest.end(3, 1 << 10 | 5);
    guest.dist_byte(2, 0xf20 + 9, 0xff);
    assert_eq!(guest.dist_read(2, 0xf28), 0x0f00, "sources that do not exist read as zero");
    let before = guest.0.state().clone();
    guest.dist(0, 0xf00, 3 << 24 | 0xff << 16 | 1);
    assert_eq!(*guest.0.state(), before, "reserved filter");
}

#[test]
fn an_spi_goes_to_its_targets_and_once_1_4_3() {
    let mut guest = Guest::new(4);
    guest.dist(0, 0x104, 2);
    guest.dist_byte(0, 0x800 + 33, 0xf6);
    assert_eq!(guest.dist_read(0, 0x820), 0x0600, "bits of CPUs that do not exist read as zero");
    guest.0.set_level(33, 0, true);
    let lines: Vec<bool> = (0..4).map(|cpu| guest.0.irq_line(cpu)).collect();
    assert_eq!(lines, [false, true, true, false]);
    guest.0.take_changed();
    assert_eq!(guest.acknowledge(2), 33);
    assert_eq!(guest.0.take_changed(), 0b0110);
    assert_eq!(guest.acknowledge(1), 1023);
    guest.end(2, 33);
    assert!(guest.0.irq_line(1));
}

#[test]
fn ppis_are_private_and_banked_4_3() {
    let mut guest = Guest::new(2);
    guest.dist(1, 0x100, 1 << 27);
    assert_eq!(guest.dist_read(0, 0x100), 0xffff);
    guest.dist_byte(1, 0x400 + 27, 0x33);
    assert_eq!(guest.dist_read(0, 0x418), 0);
    guest.0.set_level(27, 0, true);
    guest.0.set_level(27, 1, true);
    assert!(!guest.0.irq_line(0) && guest.0.irq_line(1));
    assert_eq!(guest.acknowledge(1), 27);
}

#[test]
fn narrow_accesses_4_1_2() {
    let mut guest = Guest::new(1);
    guest.dist(0, 0x420, 0x1122_3344);
    guest.0.dist_write(0, 0x422, Width::Half, 0xaabb).unwrap();
    assert_eq!(guest.dist_read(0, 0x420), 0xaabb_3344);
    assert_eq!(guest.0.dist_read(0, 0x421, Width::Byte), Ok(0x33));
    guest.dist_byte(0, 0x105, 0x80);
    assert_eq!(guest.dist_read(0, 0x104), 0x8000, "set-enable by bytes");
    guest.dist_byte(0, 0x185, 0x80);
    assert_eq!(guest.dist_read(0, 0x104), 0);
    guest.dist_byte(0, 0xf00, 1);
    assert_eq!(guest.dist_read(0, 0x200), 0, "GICD_SGIR takes words only");
    assert_eq!(guest.0.stats().unknown, 1);
}

#[test]
fn what_is_not_there() {
    let mut gic = Gic::new(2, 32);
    for (offset, width, refused) in [
        (0, Width::Double, Refused::Width),
        (2, Width::Word, Refused::Unaligned),
        (DIST_BYTES, Width::Byte, Refused::OutOfRange),
        (u32::MAX, Width::Byte, Refused::OutOfRange),
    ] {
        assert_eq!(gic.dist_read(0, offset, width), Err(refused));
        assert_eq!(gic.dist_write(0, offset, width, 0), Err(refused));
    }
    assert_eq!(gic.cpu_read(0, CPU_BYTES, W), Err(Refused::OutOfRange));
    assert_eq!(gic.cpu_read(2, 0, W), Err(Refused::OutOfRange), "no such CPU");
    assert_eq!(gic.stats().refused, 10);
    // Banks and priorities of SPIs that are not there: zero, and counted.
    for offset in [0x108, 0x208, 0x308, 0x440, 0x840, 0xc10, 0x010, 0xfcc] {
        gic.dist_write(0, offset, W, u32::MAX).unwrap();
        assert_eq!(gic.dist_read(0, offset, W), Ok(0), "{offset:#x}");
    }
    assert_eq!(gic.stats().unknown, 16);
    assert_eq!(gic.state(), Gic::new(2, 32).state());
    for (intid, cpu) in [(15, 0), (64, 0), (u32::MAX, 0), (27, 2)] {
        assert!(!gic.set_level(intid, cpu, true));
    }
    assert!(!gic.irq_line(64) && !gic.fiq_line(usize::MAX));
}

#[test]
fn damaged_states_are_refused() {
    let good = Gic::new(2, 64).state().clone();
    assert!(Gic::from_state(good.clone()).is_ok());
    let damaged = |change: fn(&mut nex_devices::gicv2::GicState)| {
        let mut state = good.clone();
        change(&mut state);
        Gic::from_state(state).err()
    };
    assert_eq!(damaged(|s| s.cpus = 0), Some(StateError::Count));
    assert_eq!(damaged(|s| s.cpus = 9), Some(StateError::Count));
    assert_eq!(damaged(|s| s.spis = 288), Some(StateError::Count));
    assert_eq!(damaged(|s| s.spis = 33), Some(StateError::Count));
    assert_eq!(damaged(|s| s.dist_ctlr = 4), Some(StateError::Value));
    assert_eq!(damaged(|s| s.spi_targets[0] = 4), Some(StateError::Value));
    assert_eq!(damaged(|s| s.spi[2].latch = 1), Some(StateError::Value));
    assert_eq!(damaged(|s| s.cpu[0].abpr = 0), Some(StateError::Value));
    assert_eq!(damaged(|s| s.cpu[0].bank.latch = 1), Some(StateError::Value), "an SGI from nobody");
    assert_eq!(damaged(|s| s.cpu[1].bank.enabled = 0), Some(StateError::Value));
}
