//! How QEMU is told to run a guest natively, and Nex with a boot volume, for those tools that compare the two.
//!
//! Natively a guest runs on QEMU's machine `virt`, whose memory map, devices and interrupts are those that guests of Nex
//! find. Nex runs on the same machine, or on the emulated Xoom. Then the native side still is `virt`, with the CPU of the
//! Xoom, which only the QEMU with the Xoom has (`boards/tegra2/qemu`): with what Nex adds to it for guests, a generic
//! timer and long descriptors. So the same files run on both sides, and a difference is one that Nex makes.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::bootimg::{self, BootImage};

/// A machine for Nex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// QEMU's `virt`.
    QemuVirt,
    /// The emulated Xoom.
    Tegra2,
}

impl Board {
    /// The board of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "qemu-virt" => Self::QemuVirt,
            "tegra2" => Self::Tegra2,
            _ => bail!("{name}: must be qemu-virt or tegra2"),
        })
    }

    /// Machine and CPU of the native side, where `cpu` is the name of the CPU as `make` has it.
    pub fn native(self, cpu: &str) -> Vec<OsString> {
        let cpu = match self {
            Self::QemuVirt => cpu,
            Self::Tegra2 => "tegra2-virt",
        };
        ["-M", "virt", "-cpu", cpu].map(OsString::from).into()
    }

    /// As [`native`](Self::native), for comparisons to the last bit where time does not matter. The generic timer has the
    /// frequency of that which Nex makes of the board's; and there are as many CPUs as on the board, as QEMU carries out SWP
    /// as one access where there are several, and as a load and a store where there is one, so that a fault is one of a
    /// write or of a read.
    pub fn native_exact(self, cpu: &str) -> Vec<OsString> {
        match self {
            Self::QemuVirt => self.native(cpu),
            Self::Tegra2 => {
                ["-M", "virt", "-cpu", "tegra2-virt,cntfrq=1000000", "-smp", "2"].map(OsString::from).into()
            }
        }
    }

    /// Machine, CPU, and what boots the Nex in the flat file `image` with the boot volume in the file `volume` and a command
    /// line. An Android boot image is written beside `volume`.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn nex(self, cpu: &str, image: &Path, volume: &Path, cmdline: &str) -> Result<Vec<OsString>> {
        match self {
            Self::QemuVirt => {
                let mut arguments = self.native(cpu);
                arguments.extend(["-kernel".into(), image.into(), "-initrd".into(), volume.into()]);
                arguments.extend(["-append".into(), cmdline.into()]);
                Ok(arguments)
            }
            Self::Tegra2 => {
                let read = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
                let (kernel, ramdisk) = (read(image)?, read(volume)?);
                let packed = bootimg::pack(&BootImage { kernel: &kernel, ramdisk: &ramdisk, cmdline })?;
                let path = volume.with_extension("img");
                fs::write(&path, packed).with_context(|| path.display().to_string())?;
                Ok(["-M".into(), "xoom".into(), "-kernel".into(), path.into()].into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(arguments: &[OsString]) -> Vec<&str> {
        arguments.iter().map(|argument| argument.to_str().expect("plain text")).collect()
    }

    #[test]
    fn names() {
        assert_eq!(Board::parse("tegra2").unwrap(), Board::Tegra2);
        assert!(Board::parse("vexpress-a9").unwrap_err().to_string().contains("must be"));
    }

    #[test]
    fn on_virt_both_sides_are_the_same_machine() {
        let board = Board::QemuVirt;
        let native = board.native("cortex-a7");
        assert_eq!(words(&native), ["-M", "virt", "-cpu", "cortex-a7"]);
        let nex = board.nex("cortex-a7", Path::new("nex"), Path::new("volume"), "a b").unwrap();
        assert_eq!(nex[..4], native);
        assert_eq!(words(&nex[4..]), ["-kernel", "nex", "-initrd", "volume", "-append", "a b"]);
    }

    #[test]
    fn on_the_tablet_nex_is_in_a_boot_image() {
        let directory = std::env::temp_dir().join(format!("nextool-board-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (image, volume) = (directory.join("nex.bin"), directory.join("volume.cpio"));
        fs::write(&image, "kernel").unwrap();
        fs::write(&volume, "volume").unwrap();
        let arguments = Board::Tegra2.nex("cortex-a9", &image, &volume, "a b").unwrap();
        let packed = fs::read(directory.join("volume.img")).unwrap();
        let expected = BootImage { kernel: b"kernel", ramdisk: b"volume", cmdline: "a b" };
        assert_eq!(bootimg::parse(&packed).unwrap(), expected);
        let last = directory.join("volume.img");
        assert_eq!(words(&arguments), ["-M", "xoom", "-kernel", last.to_str().unwrap()]);
        fs::remove_dir_all(&directory).unwrap();
        assert!(Board::Tegra2.nex("cortex-a9", &image, &volume, "").is_err());
    }
}
