//! Flash: commands, locks, errors (JESD68, Intel command set).
#![allow(missing_docs)]

use nex_devices::cfi_flash::{BLOCK_BYTES, BUFFER_BYTES, Flash};
use nex_devices::{Refused, StateError, Width};

const W: Width = Width::Word;
const READY: u32 = 0x0080_0080;

struct Bank {
    flash: Flash,
    contents: Vec<u8>,
}

impl Bank {
    /// Two blocks, erased.
    fn new() -> Bank {
        Bank { flash: Flash::new(2).unwrap(), contents: vec![0xff; 2 * BLOCK_BYTES as usize] }
    }

    /// A command, to both chips.
    fn command(&mut self, offset: u32, command: u32) -> Option<core::ops::Range<u32>> {
        self.flash.write(&mut self.contents, offset, W, command * 0x1_0001).unwrap()
    }

    fn data(&mut self, offset: u32, value: u32) -> Option<core::ops::Range<u32>> {
        self.flash.write(&mut self.contents, offset, W, value).unwrap()
    }

    fn read(&mut self, offset: u32) -> u32 {
        self.flash.read(&self.contents, offset, W).unwrap()
    }

    fn program(&mut self, offset: u32, value: u32) -> u32 {
        self.command(offset, 0x40);
        self.data(offset, value);
        self.read(offset)
    }

    fn contents_at(&mut self, offset: u32) -> u32 {
        self.command(0, 0xff);
        self.read(offset)
    }
}

#[test]
fn programming_clears_bits_and_erasing_sets_them() {
    let mut bank = Bank::new();
    assert_eq!(bank.program(0x100, 0xff00_ff0f), READY);
    assert_eq!(bank.program(0x100, 0x0fff_ffff), READY);
    assert_eq!(bank.contents_at(0x100), 0x0f00_ff0f, "0 to 1 needs an erase");
    bank.program(BLOCK_BYTES, 0);
    assert_eq!(bank.command(0x100, 0x20), None);
    assert_eq!(bank.read(0), READY);
    assert_eq!(bank.contents[0x100], 0x0f, "not before the confirmation");
    assert_eq!(bank.command(0x100, 0xd0), Some(0..BLOCK_BYTES));
    assert_eq!(bank.contents_at(0x100), u32::MAX);
    assert_eq!(bank.contents_at(BLOCK_BYTES), 0, "the other block stays");
}

#[test]
fn narrow_programming() {
    let mut bank = Bank::new();
    bank.command(0, 0x10);
    let range = bank.flash.write(&mut bank.contents, 0x22, Width::Half, 0xdead_beef).unwrap();
    assert_eq!(range, Some(0x22..0x24));
    assert_eq!(bank.contents_at(0x20), 0xbeef_ffff);
    assert_eq!(bank.flash.read(&bank.contents, 0x23, Width::Byte), Ok(0xbe));
}

#[test]
fn buffered_programming() {
    let mut bank = Bank::new();
    bank.command(0x2000, 0xe8);
    assert_eq!(bank.read(0x2000), READY);
    bank.command(0x2000, 2);
    for word in 0..3 {
        assert_eq!(bank.data(0x2010 + 4 * word, word), Some(0x2010 + 4 * word..0x2014 + 4 * word));
    }
    assert_eq!(bank.command(0x2000, 0xd0), None);
    assert_eq!(bank.read(0), READY);
    assert_eq!(bank.contents_at(0x2018), 2);
    assert_eq!(bank.contents_at(0x201c), u32::MAX);
}

#[test]
fn wrong_sequences_are_errors_and_cleared_by_50() {
    let mut bank = Bank::new();
    let sequence_error = 0x00b0_00b0;
    bank.command(0, 0x20);
    bank.command(0, 0x33);
    assert_eq!(bank.read(0), sequence_error, "not confirmed");
    bank.command(0, 0x50);
    bank.command(0, 0x20);
    bank.command(BLOCK_BYTES, 0xd0);
    assert_eq!(bank.read(0), sequence_error, "confirmed for another block");
    bank.command(0, 0x50);
    bank.command(0, 0xe8);
    bank.command(0, 0x1000);
    assert_eq!(bank.read(0), sequence_error, "more than the buffer holds");
    bank.command(0, 0x50);
    bank.command(0, 0xe8);
    bank.command(0, 1);
    bank.data(0, 0);
    assert_eq!(bank.data(BUFFER_BYTES, 0), None);
    bank.command(0, 0xd0);
    assert_eq!(bank.read(0), sequence_error, "outside the buffer's range");
    assert_eq!((bank.contents_at(0), bank.contents_at(BUFFER_BYTES)), (0, u32::MAX));
    bank.command(0, 0x50);
    bank.command(0, 0xe8);
    bank.command(0, 0);
    bank.data(0, 0);
    bank.command(0, 0xff);
    assert_eq!(bank.read(0), sequence_error, "buffer not confirmed");
    bank.command(0, 0x60);
    bank.command(0, 0x77);
    bank.command(0, 0x50);
    assert!(bank.flash.in_array_mode());
    bank.command(0, 0x70);
    assert_eq!(bank.read(0), READY);
}

#[test]
fn locked_blocks() {
    let mut bank = Bank::new();
    bank.command(BLOCK_BYTES, 0x60);
    bank.command(BLOCK_BYTES, 0x01);
    bank.command(0, 0x90);
    assert_eq!(bank.read(8), 0);
    assert_eq!(bank.read(BLOCK_BYTES + 8), 0x1_0001, "block lock status");
    assert_eq!(bank.program(BLOCK_BYTES, 0), 0x0092_0092);
    bank.command(0, 0x50);
    bank.command(BLOCK_BYTES, 0x20);
    assert_eq!(bank.command(BLOCK_BYTES, 0xd0), None);
    assert_eq!(bank.read(0), 0x00a2_00a2);
    bank.command(0, 0x50);
    bank.command(BLOCK_BYTES, 0x60);
    bank.command(BLOCK_BYTES, 0xd0);
    assert_eq!(bank.program(BLOCK_BYTES, 0), READY);
    assert_eq!(bank.contents_at(BLOCK_BYTES), 0);
}

#[test]
fn query_data_tells_the_size() {
    for (blocks, size, count) in [(1, 17, 0), (2, 18, 1), (256, 25, 255)] {
        let mut flash = Flash::new(blocks).unwrap();
        flash.write(&mut [], 0x55 * 4, W, 0x98).unwrap();
        let mut query = |index: u32| flash.read(&[], index * 4, W).unwrap() & 0xffff;
        assert_eq!([0x10, 0x11, 0x12].map(&mut query), [0x51, 0x52, 0x59]);
        assert_eq!((query(0x27), query(0x2d)), (size, count));
        assert_eq!(query(0x30) << 16, BLOCK_BYTES / 2, "bytes of a block of one chip");
        assert_eq!(1 << query(0x2a), BUFFER_BYTES / 2);
    }
    for impossible in [0, 3, 512, u32::MAX] {
        assert!(Flash::new(impossible).is_none());
    }
}

#[test]
fn flash_width_and_range() {
    let mut bank = Bank::new();
    let end = bank.flash.bytes();
    assert_eq!(bank.flash.read(&bank.contents, end, W), Err(Refused::OutOfRange));
    assert_eq!(bank.flash.write(&mut bank.contents, 2, W, 0), Err(Refused::Unaligned));
    assert_eq!(bank.flash.read(&bank.contents, 0, Width::Double), Err(Refused::Width));
    // Contents that are too short: erased, and not to be programmed.
    assert_eq!(bank.flash.read(&[0x12], 0, W), Ok(0xffff_ff12));
    bank.flash.write(&mut [], 0, W, 0x40).unwrap();
    assert_eq!(bank.flash.write(&mut [], 0, W, 0), Ok(None));
    assert_eq!(bank.read(0), 0x0090_0090);
}

#[test]
fn flash_state_goes_on_where_it_was() {
    let mut bank = Bank::new();
    bank.command(0, 0xe8);
    bank.command(0, 1);
    bank.data(0x40, 1);
    bank.flash = Flash::from_state(bank.flash.state().clone()).unwrap();
    bank.data(0x44, 2);
    bank.command(0, 0xd0);
    assert_eq!(bank.read(0), READY);
    assert_eq!(bank.contents_at(0x44), 2);
    let mut damaged = bank.flash.state().clone();
    damaged.pending = 0x41;
    assert_eq!(Flash::from_state(damaged.clone()).err(), Some(StateError::Value));
    (damaged.pending, damaged.locked[0]) = (0, 4);
    assert_eq!(
        Flash::from_state(damaged.clone()).err(),
        Some(StateError::Value),
        "a lock of a block that is not there"
    );
    (damaged.blocks, damaged.locked[0]) = (5, 0);
    assert_eq!(Flash::from_state(damaged).err(), Some(StateError::Count));
}
