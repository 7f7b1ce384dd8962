//! QEMU's firmware configuration device (QEMU documentation, docs/specs/fw_cfg): named files that the machine hands over or
//! takes, through its DMA interface. Binding `qemu,fw-cfg-mmio`.
//!
//! All numbers are big-endian. A command is a structure in RAM: control word (an item's number in the upper half, what to
//! do in the lower), length, address of the data; writing the structure's address to the DMA register carries it out. The
//! device is coherent with the CPU's cache (`dma-coherent` in its node), so there is no cache maintenance.

use nex_mm::addr::{Hpa, PAGE_BYTES};
use nex_mm::frames::Owner;

use super::Mmio;
use crate::arch::cp15;
use crate::memory;

/// DMA register: the upper half of the address, then the lower, which starts the command. Reads as `QEMU CFG`.
const DMA_HIGH: usize = 16;
const DMA_LOW: usize = 20;
const SIGNATURE: [u8; 8] = *b"QEMU CFG";

const CTL_ERROR: u32 = 1 << 0;
const CTL_READ: u32 = 1 << 1;
const CTL_SELECT: u32 = 1 << 3;
const CTL_WRITE: u32 = 1 << 4;

/// The item that lists the files.
const FILE_DIRECTORY: u32 = 0x19;
/// An entry of the directory: size, number, two reserved bytes, name ended by zero.
const ENTRY_BYTES: usize = 64;
const NAME_OFFSET: usize = 8;

/// Where the data of a command is in the buffer page, behind the structure.
const DATA_OFFSET: u32 = 64;
/// Data of a command at most.
const DATA_BYTES: usize = 256;
/// Looks at the control word before a command counts as lost. QEMU carries commands out at once.
const POLLS: u32 = 1_000_000;

/// Why the device did not do what it was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FwCfgError {
    /// There is no free page for the command.
    NoMemory,
    /// It said so itself, or did not answer.
    Failed,
    /// More than 256 bytes at once.
    TooLong,
}

/// A file that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct File {
    item: u32,
    /// Bytes in it.
    pub bytes: u32,
}

/// The device.
#[derive(Debug)]
pub struct FwCfg {
    registers: Mmio,
    /// One page for commands and data.
    page: Hpa,
}

impl FwCfg {
    /// Takes the device into use; `None` if it has no DMA interface.
    ///
    /// # Errors
    /// [`FwCfgError::NoMemory`].
    pub fn new(registers: Mmio) -> Result<Option<Self>, FwCfgError> {
        let word = |offset| registers.read(offset).to_le_bytes();
        if [word(DMA_HIGH), word(DMA_LOW)].as_flattened() != SIGNATURE {
            return Ok(None);
        }
        let page = memory::alloc_frame(Owner::Device).ok_or(FwCfgError::NoMemory)?;
        Ok(Some(Self { registers, page }))
    }

    /// Looks for a file.
    ///
    /// # Errors
    /// [`FwCfgError::Failed`].
    pub fn find(&self, name: &str) -> Result<Option<File>, FwCfgError> {
        let mut count = [0; 4];
        self.read(FILE_DIRECTORY << 16 | CTL_SELECT, &mut count)?;
        for _ in 0..u32::from_be_bytes(count) {
            let mut entry = [0; ENTRY_BYTES];
            self.read(0, &mut entry)?;
            let [s0, s1, s2, s3, i0, i1, ..] = entry;
            let stored = entry[NAME_OFFSET..].split(|&byte| byte == 0).next();
            if stored == Some(name.as_bytes()) {
                let item = u32::from(u16::from_be_bytes([i0, i1]));
                return Ok(Some(File { item, bytes: u32::from_be_bytes([s0, s1, s2, s3]) }));
            }
        }
        Ok(None)
    }

    /// Writes a file from its beginning.
    ///
    /// # Errors
    /// [`FwCfgError`].
    pub fn write(&self, file: File, bytes: &[u8]) -> Result<(), FwCfgError> {
        if bytes.len() > DATA_BYTES {
            return Err(FwCfgError::TooLong);
        }
        memory::copy_to(self.data(), bytes);
        self.command(file.item << 16 | CTL_SELECT | CTL_WRITE, bytes.len())
    }

    /// Reads what follows in the item, or from the beginning of the one that `control` selects.
    fn read(&self, control: u32, into: &mut [u8]) -> Result<(), FwCfgError> {
        if into.len() > DATA_BYTES {
            return Err(FwCfgError::TooLong);
        }
        self.command(control | CTL_READ, into.len())?;
        memory::copy_from(self.data(), into);
        Ok(())
    }

    fn data(&self) -> Hpa {
        Hpa::new(self.page.raw() + DATA_OFFSET)
    }

    fn command(&self, control: u32, bytes: usize) -> Result<(), FwCfgError> {
        let page = self.page.raw();
        let words = [control, bytes as u32, 0, self.data().raw()];
        for (at, word) in (page..).step_by(4).zip(words) {
            memory::write_word(Hpa::new(at), word.to_be());
        }
        // The structure before the register that starts the command; and its answer after.
        cp15::dsb();
        self.registers.write(DMA_HIGH, 0);
        self.registers.write(DMA_LOW, page.to_be());
        for _ in 0..POLLS {
            match u32::from_be(memory::read_word(self.page)) {
                0 => {
                    cp15::dsb();
                    return Ok(());
                }
                control if control & CTL_ERROR != 0 => break,
                _ => {}
            }
        }
        Err(FwCfgError::Failed)
    }
}

impl Drop for FwCfg {
    fn drop(&mut self) {
        memory::free_frames(self.page, 1, Owner::Device);
    }
}

const _: () = assert!(DATA_OFFSET as usize + DATA_BYTES <= PAGE_BYTES as usize);
