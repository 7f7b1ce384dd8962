//! The devices, register by register, without a CPU.

use nex_xoom_tests::Qtest;

const LIC: u32 = 0x6000_4000;
const ISR: u32 = 0x10;
const FIR_SET: u32 = 0x18;
const FIR_CLR: u32 = 0x1c;
const IER_SET: u32 = 0x24;
const IER_CLR: u32 = 0x28;
const CLASS: u32 = 0x2c;

const TMR1: u32 = 0x6000_5000;
const TMR3: u32 = 0x6000_5050;
const TIMERUS: u32 = 0x6000_5010;
const USEC_CFG: u32 = 0x6000_5014;
const PCR: u32 = 4;
const PTV_ENABLE: u32 = 1 << 31;
const PTV_PERIODIC: u32 = 1 << 30;
const PCR_CLEAR: u32 = 1 << 30;
/// TMR3 is SPI 41.
const TMR3_LIC: u32 = LIC + 0x100;
const TMR3_BIT: u32 = 1 << 9;

const CAR: u32 = 0x6000_6000;
const GICD: u32 = 0x5004_1000;
const PL310: u32 = 0x5004_3000;
const DC: u32 = 0x5420_0000;
const PMC: u32 = 0x7000_e400;
const GPIO: u32 = 0x6000_d000;
const UARTB: u32 = 0x7000_6040;

fn machine() -> Qtest {
    Qtest::start("")
}

fn lic_line_of_tmr3(machine: &mut Qtest) -> bool {
    machine.read(TMR3_LIC + ISR) & TMR3_BIT != 0
}

// ---- Identity and hand-over ----

#[test]
fn identity() {
    let mut machine = machine();
    assert_eq!(machine.read(0x7000_0804), 0x0004_2017, "chip 0x20");
    assert_eq!(machine.read(0x6000_0000), 0x5555_5555, "processor tag of the Cortex-A9s");
    assert_eq!(machine.read(GICD + 4), 0x0000_0424, "two cores, 160 interrupts, security extensions");
    assert_eq!(machine.read(PL310), 0x4100_00c4, "PL310 r2p0");
    assert_eq!(machine.read(CAR + 0x50) >> 28, 0xc, "26 MHz, reference divider 1");
    assert_eq!(machine.read(0x5004_0004), 0x31, "the SCU sees two cores");
    assert_eq!(machine.read(0x6000_f100), 0xfff0_0000, "reset vector");
    assert_eq!(machine.complaints(), "");
}

#[test]
fn hand_over() {
    let mut machine = machine();
    assert_eq!(machine.read(USEC_CFG), 0x19, "microseconds of 26 MHz");
    assert_eq!(machine.read(CAR + 0x340), 0x2222, "the second core in reset");
    assert_eq!(machine.read(CAR + 0xa0) >> 27 & 9, 9, "PLLP on and locked");
    assert_eq!(machine.read(PL310 + 0x100), 0, "L2 cache off");
    assert_eq!(machine.read8(UARTB + 0x0c), 3, "8n1");
    assert_eq!(machine.complaints(), "");
}

#[test]
fn what_a_hostile_boot_loader_leaves() {
    let mut machine = Qtest::start("hostile=on");
    assert_eq!(machine.read(PL310 + 0x100), 1, "L2 cache on");
    assert_eq!(machine.read8(UARTB + 4), 7, "the UART's interrupts on");
    assert!(!lic_line_of_tmr3(&mut machine));
    machine.pass(10_000);
    assert!(lic_line_of_tmr3(&mut machine), "a timer runs");
    let words: Vec<u32> = (0..8).map(|word| machine.read(0x0300_0000 + 4 * word)).collect();
    assert!(!words.contains(&0) && words.windows(2).all(|pair| pair[0] != pair[1]), "{words:x?}");
}

// ---- Accesses that are mistakes ----

#[test]
fn wild_accesses_are_told() {
    let mut machine = machine();
    for (address, what) in
        [(0x4004_0000, "beyond IRAM"), (0x6000_e000, "beyond GPIO"), (0xe000_0000, "nowhere")]
    {
        machine.read(address);
        assert!(machine.complaints().contains(&format!("wild read of 4 bytes at {address:#010x}")), "{what}");
    }
    machine.write(0x7100_0000, 0x55);
    assert!(machine.complaints().contains("wild write of 4 bytes, 0x55, at 0x71000000"));
}

#[test]
fn a_peripheral_needs_its_clock_and_no_reset() {
    let mut machine = machine();
    let (usb1, bit) = (0xc500_0000, 1 << 22);
    machine.read(usb1);
    assert_eq!(machine.complaints().matches("USB1 has no clock").count(), 1);
    machine.write(CAR + 0x320, bit);
    machine.read(usb1);
    assert_eq!(machine.complaints().matches("USB1 is in reset").count(), 1);
    machine.write(CAR + 0x304, bit);
    machine.read(usb1);
    assert_eq!(machine.complaints().matches("USB1").count(), 2, "no more complaints");
    machine.write(CAR + 0x324, bit);
    machine.write(usb1, 0);
    assert_eq!(machine.complaints().matches("USB1 has no clock").count(), 2);
}

// ---- Clock and reset ----

#[test]
fn a_peripherals_reset_resets_it() {
    let mut machine = machine();
    machine.write(TMR3, PTV_ENABLE | 999);
    machine.write(GPIO + 0x80, 0xff);
    machine.write(UARTB + 4, 0x12);
    // TMR is number 5, UARTB 7, GPIO 8, the display 27.
    for bit in [5, 7, 8, 27] {
        machine.write(CAR + 0x300, 1 << bit);
        machine.write(CAR + 0x304, 1 << bit);
    }
    assert_eq!((machine.read(TMR3), machine.read(GPIO + 0x80), machine.read(DISPLAY_COMMAND)), (0, 0, 0));
    assert_eq!((machine.read(UARTB + 4), machine.read(UARTB + 0xc)), (0, 0));
    machine.pass(2000);
    assert!(!lic_line_of_tmr3(&mut machine));
    assert!(!machine.spi(37), "the UART's");
}

#[test]
fn set_and_clear_registers() {
    let mut machine = machine();
    for (row, state) in [(0x320, 0x10), (0x328, 0x14), (0x330, 0x18)] {
        let others = machine.read(CAR + state) & !(1 << 13);
        machine.write(CAR + row, 1 << 13);
        assert_eq!(machine.read(CAR + state), others | 1 << 13);
        machine.write(CAR + row + 4, 1 << 13);
        assert_eq!(machine.read(CAR + state), others);
    }
    machine.write(CAR + 0x308, 1 << 3);
    assert_eq!(machine.read(CAR + 8) & 1 << 3, 1 << 3);
    machine.write(CAR + 0x30c, 1 << 3);
    assert_eq!(machine.read(CAR + 8) & 1 << 3, 0);
    machine.write(CAR + 0x344, 0x2222);
    assert_eq!(machine.read(CAR + 0x340), 0);
}

#[test]
fn plls_lock_while_enabled() {
    let mut machine = machine();
    let pllc = CAR + 0x80;
    machine.write(pllc, 1 << 27 | 0x10c);
    assert_eq!(machine.read(pllc), 0x10c);
    machine.write(pllc, 1 << 30 | 0x10c);
    assert_eq!(machine.read(pllc), 1 << 30 | 1 << 27 | 0x10c);
}

#[test]
fn the_oscillator_can_be_measured() {
    let mut machine = machine();
    machine.write(CAR + 0x58, 0x8000_0001);
    let status = machine.read(CAR + 0x5c);
    assert_eq!(status >> 31, 0, "not busy");
    assert!((1584..=1590).contains(&(status & 0xffff)), "26 MHz, not {status}");
}

// ---- Timers ----

#[test]
fn one_shot_timer() {
    let mut machine = machine();
    machine.write(TMR3, PTV_ENABLE | 999);
    machine.pass(400);
    assert_eq!(machine.read(TMR3 + PCR), 600);
    machine.pass(599);
    assert!(!lic_line_of_tmr3(&mut machine), "after 999 us");
    machine.pass(1);
    assert!(lic_line_of_tmr3(&mut machine), "after 1000 us");
    assert_eq!(machine.read(TMR3), 999, "it is off");
    machine.pass(5000);
    machine.write(TMR3, 0);
    assert!(lic_line_of_tmr3(&mut machine), "until it is cleared");
    machine.write(TMR3 + PCR, PCR_CLEAR);
    assert!(!lic_line_of_tmr3(&mut machine));
    machine.pass(5000);
    assert!(!lic_line_of_tmr3(&mut machine));
}

#[test]
fn periodic_timer() {
    let mut machine = machine();
    machine.write(TMR3, PTV_ENABLE | PTV_PERIODIC | 99);
    for _ in 0..3 {
        machine.pass(99);
        assert!(!lic_line_of_tmr3(&mut machine));
        machine.pass(1);
        assert!(lic_line_of_tmr3(&mut machine));
        machine.write(TMR3 + PCR, PCR_CLEAR);
    }
    machine.pass(50);
    machine.write(TMR3, 0);
    machine.pass(1000);
    assert!(!lic_line_of_tmr3(&mut machine), "stopped");
}

#[test]
fn each_timer_has_its_interrupt() {
    for (timer, spi) in [(0x00, 0), (0x08, 1), (0x50, 41), (0x58, 42)] {
        let mut machine = machine();
        machine.write(TMR1 + timer, PTV_ENABLE | 9);
        machine.pass(10);
        for bank in 0..4 {
            let expected = if bank == spi / 32 { 1 << (spi % 32) } else { 0 };
            assert_eq!(machine.read(LIC + 0x100 * bank + ISR), expected, "timer at {timer:#x}, bank {bank}");
        }
        let spis: Vec<usize> = (0..128).filter(|&number| machine.spi(number)).collect();
        assert_eq!(spis, [spi as usize], "what the GIC sees");
    }
}

#[test]
fn the_microsecond_counter() {
    let mut machine = machine();
    let start = machine.read(TIMERUS);
    machine.pass(12_345);
    assert_eq!(machine.read(TIMERUS) - start, 12_345);
    // For 13 MHz with an oscillator of 26 MHz: twice as fast.
    machine.write(USEC_CFG, 0x0c);
    let start = machine.read(TIMERUS);
    machine.pass(1000);
    assert_eq!(machine.read(TIMERUS) - start, 2000);
    // It wraps after 71 minutes.
    machine.write(USEC_CFG, 0x19);
    let start = machine.read(TIMERUS);
    machine.pass(1 << 32);
    assert_eq!(machine.read(TIMERUS), start);
}

// ---- Legacy interrupt controller ----

#[test]
fn legacy_controller_routes_by_enable_and_class() {
    let mut machine = machine();
    let (virq, vfiq) = (TMR3_LIC, TMR3_LIC + 8);
    machine.write(TMR3, PTV_ENABLE);
    machine.pass(1);
    assert_eq!((machine.read(virq), machine.read(vfiq)), (0, 0), "not enabled");
    machine.write(TMR3_LIC + IER_SET, TMR3_BIT);
    assert_eq!((machine.read(virq), machine.read(vfiq)), (TMR3_BIT, 0));
    machine.write(TMR3_LIC + CLASS, TMR3_BIT);
    assert_eq!((machine.read(virq), machine.read(vfiq)), (0, TMR3_BIT));
    machine.write(TMR3_LIC + IER_CLR, TMR3_BIT);
    assert_eq!((machine.read(virq), machine.read(vfiq)), (0, 0));
    assert_eq!(machine.read(TMR3_LIC + 0x20), 0);
    // The same for the other processor, which has its own enables.
    machine.write(TMR3_LIC + 0x34, TMR3_BIT);
    assert_eq!((machine.read(TMR3_LIC + 4), machine.read(TMR3_LIC + 12)), (TMR3_BIT, 0));
}

#[test]
fn interrupts_can_be_forced() {
    let mut machine = machine();
    let bank = LIC + 0x300;
    machine.write(bank + FIR_SET, 1 << 31);
    assert_eq!(machine.read(bank + 0x14), 1 << 31);
    assert_eq!(machine.read(bank + ISR), 0, "no line");
    assert!(machine.spi(127), "the GIC sees it");
    machine.write(bank + FIR_CLR, 1 << 31);
    assert!(!machine.spi(127));
}

#[test]
fn the_legacy_controller_may_gate() {
    let mut machine = Qtest::start("lic-gates-gic=on");
    machine.write(TMR3, PTV_ENABLE);
    machine.pass(1);
    assert!(!machine.spi(41));
    machine.write(TMR3_LIC + IER_SET, TMR3_BIT);
    assert!(machine.spi(41));
    machine.write(TMR3_LIC + CLASS, TMR3_BIT);
    assert!(!machine.spi(41), "class FIQ goes to the pin");
}

// ---- Resets ----

#[test]
fn pmc_resets_and_keeps_its_scratch_registers() {
    let mut machine = machine();
    machine.write(PMC + 0x50, 0x1234_5678);
    machine.write(PMC + 0x140, 0x9abc_def0);
    machine.write(USEC_CFG, 0x1234);
    machine.write(PL310 + 0x100, 1);
    machine.write(PMC, 1 << 4);
    machine.wait_until(|machine| machine.read(PL310 + 0x100) == 0);
    assert_eq!(machine.read(PMC + 0x50), 0x1234_5678);
    assert_eq!(machine.read(PMC + 0x140), 0x9abc_def0);
    assert_eq!(machine.read(USEC_CFG), 0x19, "the boot loader has run again");
    assert_eq!(machine.read(CAR) & 0x3f00, 0, "not the watchdog");
}

#[test]
fn the_clock_controller_resets() {
    for register in [0x004, 0x300] {
        let mut machine = machine();
        machine.write(PL310 + 0x100, 1);
        let value = machine.read(CAR + 4) | 1 << 2;
        machine.write(CAR + register, value);
        machine.wait_until(|machine| machine.read(PL310 + 0x100) == 0);
        assert_eq!(machine.read(CAR) & 0x3f00, 1 << 13, "by software");
    }
}

#[test]
fn the_watchdog_resets_at_the_second_expiry_that_nobody_clears() {
    let mut machine = machine();
    machine.write(PL310 + 0x100, 1);
    machine.write(CAR, 1 << 5 | 1 << 2);
    machine.write(TMR1, PTV_ENABLE | PTV_PERIODIC | 999);
    machine.pass(1000);
    machine.write(TMR1 + PCR, PCR_CLEAR);
    machine.pass(1000);
    assert!(!machine.complaints().contains("watchdog"), "cleared in time");
    machine.pass(1000);
    machine.wait_until(|machine| machine.read(PL310 + 0x100) == 0);
    assert!(machine.complaints().contains("the watchdog resets the machine"));
    assert_eq!(machine.read(CAR) & 0x3f00, 1 << 12, "and the reason is kept");
}

// ---- Display ----

const STATE_ACCESS: u32 = DC + 4 * 0x040;
const STATE_CONTROL: u32 = DC + 4 * 0x041;
const WINDOW_HEADER: u32 = DC + 4 * 0x042;
const DISPLAY_COMMAND: u32 = DC + 4 * 0x032;
const INT_STATUS: u32 = DC + 4 * 0x037;
const START_ADDR: u32 = DC + 4 * 0x800;
const SPLASH: u32 = 0x2e80_0000;

#[test]
fn the_display_is_left_on() {
    let mut machine = machine();
    assert_eq!(machine.read(DISPLAY_COMMAND) >> 5 & 3, 1, "continuous");
    machine.write(STATE_ACCESS, 1);
    machine.write(WINDOW_HEADER, 1 << 4);
    for (index, value) in [
        (0x409, 800 << 16 | 1280),
        (0x700, 1 << 30),
        (0x703, 13),
        (0x705, 800 << 16 | 1280),
        (0x70a, 5120),
        (0x800, SPLASH),
    ] {
        assert_eq!(machine.read(DC + 4 * index), value, "register {index:#x}");
    }
    assert_ne!(machine.read(SPLASH), machine.read(SPLASH + 5120 * 400 + 5120 / 2), "something is drawn");
    assert_eq!(machine.complaints(), "");
}

#[test]
fn a_new_frame_buffer_is_shown_at_the_next_vertical_blank() {
    let mut machine = machine();
    machine.write(WINDOW_HEADER, 1 << 4);
    machine.write(START_ADDR, 0x0100_0000);
    let active = |machine: &mut Qtest| {
        machine.write(STATE_ACCESS, 1);
        let address = machine.read(START_ADDR);
        machine.write(STATE_ACCESS, 0);
        address
    };
    assert_eq!(active(&mut machine), SPLASH);
    // Without an update, the activation has nothing to activate.
    machine.write(STATE_CONTROL, 1 << 1);
    machine.pass(17_000);
    assert_eq!(active(&mut machine), SPLASH);
    machine.write(STATE_CONTROL, 1 << 8 | 1 << 9);
    machine.write(STATE_CONTROL, 1 << 0 | 1 << 1);
    assert_eq!(machine.read(STATE_CONTROL) & 3, 3, "pending");
    assert_eq!(active(&mut machine), SPLASH);
    machine.pass(17_000);
    assert_eq!(machine.read(STATE_CONTROL) & 3, 0);
    assert_eq!(active(&mut machine), 0x0100_0000);
    // The window's own aperture is the same register.
    assert_eq!(machine.read(DC + 4 * (0xa00 + 0x1c0)), 0x0100_0000);
}

#[test]
fn a_stopped_display_activates_nothing() {
    let mut machine = machine();
    machine.write(DISPLAY_COMMAND, 0);
    machine.write(STATE_CONTROL, 0xf << 8);
    machine.write(STATE_CONTROL, 0xf);
    machine.pass(100_000);
    assert_eq!(machine.read(STATE_CONTROL) & 0xf, 0xf);
    assert!(machine.complaints().contains("the display is stopped"));
}

#[test]
fn vertical_blanks_interrupt() {
    let mut machine = machine();
    let dc1 = 1 << (73 - 64);
    machine.pass(17_000);
    assert_eq!(machine.read(LIC + 0x200 + ISR), 0, "not enabled");
    machine.write(INT_STATUS, u32::MAX);
    machine.write(DC + 4 * 0x039, 1 << 2);
    machine.write(DC + 4 * 0x038, 1 << 2);
    assert_eq!(machine.read(LIC + 0x200 + ISR), 0);
    machine.pass(17_000);
    assert_eq!(machine.read(INT_STATUS) & 1 << 2, 1 << 2);
    assert_eq!(machine.read(LIC + 0x200 + ISR), dc1);
    machine.write(INT_STATUS, 1 << 2);
    assert_eq!(machine.read(LIC + 0x200 + ISR), 0);
}

#[test]
fn the_display_may_be_left_off() {
    let mut machine = Qtest::start("display=off");
    machine.read(DISPLAY_COMMAND);
    assert!(machine.complaints().contains("DC1 has no clock"));
}

// ---- host1x ----

const HOST1X_SYNC: u32 = 0x5000_3000;

#[test]
fn synchronization_points_count_and_interrupt() {
    let mut machine = machine();
    let (counter, threshold) = (HOST1X_SYNC + 0x400 + 4 * 5, HOST1X_SYNC + 0x500 + 4 * 5);
    let (status, disable, enable) = (HOST1X_SYNC + 0x40, HOST1X_SYNC + 0x60, HOST1X_SYNC + 0x68);
    machine.write(counter, 0xfffe);
    machine.write(threshold, 0x1_0000);
    machine.write(enable, 1 << 5);
    machine.write(HOST1X_SYNC + 0x700, 1 << 5 | 1 << 6);
    assert_eq!((machine.read(counter), machine.read(counter + 4)), (0xffff, 1));
    assert!(!machine.spi(65), "one below the threshold");
    machine.write(HOST1X_SYNC + 0x700, 1 << 5);
    assert!(machine.spi(65));
    assert_eq!(machine.read(status), 1 << 5);
    machine.write(disable, 1 << 5);
    machine.write(status, 1 << 5);
    assert!(!machine.spi(65));
}

#[test]
fn vertical_blanks_count_in_host1x() {
    let mut machine = machine();
    machine.write(DC + 4 * 0x028, 1 << 8 | 26);
    let counter = HOST1X_SYNC + 0x400 + 4 * 26;
    assert_eq!(machine.read(counter), 0);
    machine.pass(1_000_000);
    let counted = machine.read(counter);
    assert!((59..=61).contains(&counted), "{counted} in a second");
}

// ---- The rest ----

#[test]
fn uart_registers_take_bytes_and_words() {
    let mut machine = machine();
    machine.write8(UARTB + 0x1c, 0xa5);
    assert_eq!(machine.read(UARTB + 0x1c), 0xa5);
    machine.write(UARTB + 0x1c, 0x5a);
    assert_eq!(machine.read8(UARTB + 0x1c), 0x5a);
    machine.write(UARTB + 4, 0x3f);
    assert_eq!(machine.read(UARTB + 4), 0x3f, "with the interrupt enables that a 16550 does not have");
    machine.write(UARTB + 0x20, 0x10);
    assert_eq!(machine.read(UARTB + 0x20), 0x10, "IRDA_CSR");
    assert_eq!(machine.read(UARTB + 0x14) & 0x60, 0x60, "ready to send");
}

#[test]
fn uart_interrupt() {
    let mut machine = machine();
    assert_eq!(machine.read(LIC + 0x100 + ISR), 0);
    machine.write(UARTB + 4, 1 << 1);
    assert_eq!(machine.read(LIC + 0x100 + ISR), 1 << 5, "transmitter empty");
    machine.write(UARTB + 4, 0);
    assert_eq!(machine.read(LIC + 0x100 + ISR), 0);
}

#[test]
fn l2_cache_is_configured_before_it_is_on() {
    let mut machine = machine();
    machine.write(PL310 + 0x104, 0x3e48_0000);
    machine.write(PL310 + 0x108, 0x331);
    machine.write(PL310 + 0x77c, 0xff);
    assert_eq!(machine.read(PL310 + 0x77c), 0, "done");
    machine.write(PL310 + 0x100, 1);
    assert_eq!(machine.complaints(), "");
    assert_eq!((machine.read(PL310 + 0x104), machine.read(PL310 + 0x108)), (0x3e48_0000, 0x331));
    machine.write(PL310 + 0x104, 0);
    assert!(machine.complaints().contains("is written while the cache is on"));
    machine.write(PL310 + 0x77c, 0xff);
    assert!(machine.complaints().contains("all is invalidated while the cache is on"));
    // Erratum 727915.
    machine.write(PL310 + 0xf40, 3);
    machine.write(PL310 + 0x7fc, 0xff);
    assert!(!machine.complaints().contains("DEBUG_CTRL"));
    machine.write(PL310 + 0xf40, 0);
    machine.write(PL310 + 0x7fc, 0xff);
    assert!(machine.complaints().contains("cleaned and invalidated with DEBUG_CTRL not 3"));
}

#[test]
fn gpio_pins_drive_themselves() {
    let mut machine = machine();
    // Port G (bank 1, port 2), pin 3, as the tablet's reset uses it.
    let port = GPIO + 0x80 + 2 * 4;
    machine.write(port + 0x800, 1 << 11 | 1 << 3);
    machine.write(port + 0x810, 1 << 11 | 1 << 3);
    machine.write(port + 0x820, 1 << 11 | 1 << 3);
    assert_eq!((machine.read(port), machine.read(port + 0x10)), (8, 8));
    assert_eq!(machine.read(port + 0x30), 8);
    machine.write(port + 0x820, 1 << 10 | 0xff);
    assert_eq!(machine.read(port + 0x20), 8 | 4, "the mask keeps other pins");
    machine.write(port + 0x820, 1 << 11);
    assert_eq!(machine.read(port + 0x30), 0);
}

#[test]
fn rtc_counts_and_alarms() {
    let mut machine = machine();
    let rtc = 0x7000_e000;
    machine.write(rtc + 8, 1000);
    let seconds = machine.read(rtc + 8);
    assert!((1000..1010).contains(&seconds));
    machine.read(rtc + 0x10);
    assert!((1000..1010).contains(&machine.read(rtc + 0xc)));
    machine.write(rtc + 0x28, 1);
    let alarm = machine.read(rtc + 8) + 2;
    machine.write(rtc + 0x14, alarm);
    assert_eq!(machine.read(LIC + ISR) & 1 << 2, 0);
    machine.wait_until(|machine| machine.read(LIC + ISR) & 1 << 2 != 0);
    machine.write(rtc + 0x2c, 1);
    assert_eq!(machine.read(LIC + ISR) & 1 << 2, 0);
}
