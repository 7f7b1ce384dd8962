//! What the panel shows of what is in memory.

use nex_xoom_tests::Qtest;

const DC: u32 = 0x5420_0000;
const STATE_CONTROL: u32 = 0x041;
const WINDOW_HEADER: u32 = 0x042;
const BORDER_COLOR: u32 = 0x435;
const OPTIONS: u32 = 0x700;
const COLOR_DEPTH: u32 = 0x703;
const POSITION: u32 = 0x704;
const SIZE: u32 = 0x705;
const LINE_STRIDE: u32 = 0x70a;
const START_ADDR: u32 = 0x800;
const ADDR_H_OFFSET: u32 = 0x806;
const ADDR_V_OFFSET: u32 = 0x808;

const SPLASH: u32 = 0x2e80_0000;
const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];

fn set(machine: &mut Qtest, registers: &[(u32, u32)]) {
    machine.write(DC + 4 * WINDOW_HEADER, 1 << 4);
    for &(index, value) in registers {
        machine.write(DC + 4 * index, value);
    }
    machine.write(DC + 4 * STATE_CONTROL, 3 << 8);
    machine.write(DC + 4 * STATE_CONTROL, 3);
    machine.pass(17_000);
}

#[test]
fn the_boot_loaders_picture() {
    let machine = Qtest::start("");
    let picture = machine.screen().picture();
    assert_eq!((picture.width, picture.height), (1280, 800));
    for (x, y) in [(0, 0), (1279, 0), (0, 799), (1279, 799)] {
        assert_eq!(picture.at(x, y), WHITE, "the frame's corner");
    }
    assert_eq!(picture.at(640 - 150, 400), [255, 0, 0], "a red circle, red being the low byte of a pixel");
    let (left, right) = (picture.at(10, 400), picture.at(1270, 400));
    assert!(left[0] < right[0] && left[2] == right[2], "redder to the right: {left:?} {right:?}");
    let (top, bottom) = (picture.at(640, 10), picture.at(640, 790));
    assert!(top[2] < bottom[2] && top[0] == bottom[0], "bluer to the bottom: {top:?} {bottom:?}");
}

#[test]
fn what_is_written_is_shown() {
    let mut machine = Qtest::start("");
    assert_eq!(machine.screen().picture().at(100, 50)[1], 0);
    machine.write(SPLASH + 50 * 5120 + 100 * 4, 0xff00_ff00);
    let picture = machine.screen().picture();
    assert_eq!(picture.at(100, 50), [0, 255, 0]);
    assert_eq!(picture.at(101, 50)[1], 0);
}

/// As the first owner of this tablet's hypervisor did it: another address, nothing else.
#[test]
fn the_frame_buffer_can_be_moved() {
    let mut machine = Qtest::start("");
    machine.write(0x0100_0000, 0xff33_2211);
    set(&mut machine, &[(START_ADDR, 0x0100_0000)]);
    let picture = machine.screen().picture();
    assert_eq!((picture.at(0, 0), picture.at(1, 0)), ([0x11, 0x22, 0x33], BLACK));
    machine.write(0x0100_0004, 0xff66_5544);
    assert_eq!(machine.screen().picture().at(1, 0), [0x44, 0x55, 0x66], "and is looked at from then on");
}

#[test]
fn formats() {
    let mut machine = Qtest::start("");
    machine.write(0x0100_0000, 0xff33_2211);
    set(&mut machine, &[(START_ADDR, 0x0100_0000), (COLOR_DEPTH, 12)]);
    assert_eq!(machine.screen().picture().at(0, 0), [0x33, 0x22, 0x11], "blue in the low byte");
    machine.write(0x0100_0000, 0xf800_07e0);
    set(&mut machine, &[(COLOR_DEPTH, 6), (LINE_STRIDE, 2560)]);
    let picture = machine.screen().picture();
    assert_eq!((picture.at(0, 0), picture.at(1, 0)), ([0, 0xfc, 0], [0xf8, 0, 0]), "16 bits: green, red");
}

#[test]
fn a_window_in_a_border() {
    let mut machine = Qtest::start("");
    for pixel in 0..4 {
        machine.write(0x0100_0000 + 4 * pixel, 0xff00_0000 | (pixel + 1));
    }
    set(
        &mut machine,
        &[
            (START_ADDR, 0x0100_0000 - 64),
            (ADDR_H_OFFSET, 48),
            (ADDR_V_OFFSET, 2),
            (LINE_STRIDE, 8),
            (SIZE, 2 << 16 | 2),
            (POSITION, 20 << 16 | 10),
            (BORDER_COLOR, 0x00ff_0000),
        ],
    );
    let picture = machine.screen().picture();
    assert_eq!((picture.width, picture.height), (1280, 800));
    assert_eq!((picture.at(10, 20), picture.at(11, 20)), ([1, 0, 0], [2, 0, 0]));
    assert_eq!((picture.at(10, 21), picture.at(11, 21)), ([3, 0, 0], [4, 0, 0]));
    for (x, y) in [(9, 20), (12, 20), (10, 19), (10, 22)] {
        assert_eq!(picture.at(x, y), [0, 0, 255], "border at {x}, {y}");
    }
    set(&mut machine, &[(OPTIONS, 0)]);
    assert_eq!(machine.screen().picture().at(10, 20), [0, 0, 255], "the window is off");
}

#[test]
fn stopped_it_is_dark() {
    let mut machine = Qtest::start("");
    machine.write(DC + 4 * 0x032, 0);
    assert!(machine.screen().picture().pixels.iter().all(|&pixel| pixel == BLACK));
}

#[test]
fn a_frame_buffer_outside_of_memory_shows_nothing() {
    let mut machine = Qtest::start("");
    for address in [0x3fff_f000, 0x6000_0000, 0xffff_f000] {
        set(&mut machine, &[(START_ADDR, address)]);
        assert_eq!(machine.screen().picture().at(640, 400), BLACK, "at {address:#x}");
    }
}
