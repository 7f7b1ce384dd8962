//! Boots the real image in QEMU and reads its console.
//!
//! The library starts machines and waits for what they print; `tests/` says what they should print. Where the image,
//! the sample guests and the default volume are comes from the environment, which `make test` sets:
//!
//! | variable | what | default |
//! | --- | --- | --- |
//! | `NEX_IMAGE` | flat image for QEMU's `virt` | `target/nex-qemu-virt.bin` |
//! | `NEX_ELF` | what the image was made of, for its log records | `nex-qemu-virt` in the guests' directory |
//! | `NEX_GUESTS_DIR` | directory of the guests' ELF files | `target/armv7a-none-eabi/release` |
//! | `NEX_DEFAULT_VOLUME` | the default boot volume | `target/default.cpio` |
//! | `NEX_UBOOT` | Debian's U-Boot for QEMU's `virt` | `target/debian/u-boot.bin` |
//! | `NEX_LINUX_KERNEL`, `NEX_LINUX_INITRD` | Debian's kernel, the initial RAM disk for tests | `target/debian/vmlinuz`, `target/linux-tests.gz` |
//! | `NEX_LINUX_STRESS` | the initial RAM disk with stress-ng | `target/linux-stress.gz` |
//! | `NEX_LINUX_LPAE_KERNEL` | Debian's kernel for long descriptors | `target/debian/vmlinuz-lpae` |
//! | `NEX_CPU` | for the long tests | `cortex-a15` |
//! | `NEX_LINUX` | `skip`: without the tests that need those two | |
//! | `NEX_QEMU` | the program | `qemu-system-arm` |
//! | `NEX_TEST_BOARD` | `tegra2`: the emulated Xoom, whose image, ELF file and QEMU are the above then (`scripts/test-xoom.sh`) | `qemu-virt` |
//! | `NEX_TEST_SLOWNESS` | factor on all deadlines | 1 |

pub mod linux;
mod machine;
mod qmp;
pub mod strings;
mod volume;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use machine::{Builder, Machine, Output};
use nextool::board::Board;
use nextool::log::records::Decoder;
pub use qmp::{Picture, Qmp};
pub use volume::{Volume, guest_elf};

/// A file of the build: from the environment, or where the Makefile puts it.
pub(crate) fn built(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target").join(default),
        Into::into,
    )
}

/// The default boot volume.
///
/// # Panics
/// If it was not built.
pub fn default_volume() -> Vec<u8> {
    let path = built("NEX_DEFAULT_VOLUME", "default.cpio");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make build` first", path.display()))
}

/// Debian's U-Boot for QEMU's `virt` machine.
///
/// # Panics
/// If it was not fetched.
pub fn u_boot() -> Vec<u8> {
    let path = built("NEX_UBOOT", "debian/u-boot.bin");
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run `make debian` first", path.display()))
}

/// What the tests run on.
///
/// # Panics
/// If the environment names no such board.
pub fn board() -> Board {
    match std::env::var("NEX_TEST_BOARD") {
        Ok(name) => Board::parse(&name).unwrap_or_else(|error| panic!("NEX_TEST_BOARD: {error}")),
        Err(_) => Board::QemuVirt,
    }
}

/// The linked Nex that the image was made of.
pub fn nex_elf() -> PathBuf {
    std::env::var_os("NEX_ELF")
        .map_or_else(|| built("NEX_GUESTS_DIR", "armv7a-none-eabi/release").join("nex-qemu-virt"), Into::into)
}

/// The host tool, beside the image.
pub fn nextool() -> PathBuf {
    built("NEX_IMAGE", "nex-qemu-virt.bin").with_file_name("debug/nextool")
}

/// What decodes the image's log records.
///
/// # Panics
/// If the image was not built.
pub fn decoder() -> Arc<Decoder> {
    static DECODER: OnceLock<Arc<Decoder>> = OnceLock::new();
    let open =
        || Decoder::open(&nex_elf()).unwrap_or_else(|error| panic!("{error:#}; run `make build` first"));
    DECODER.get_or_init(|| Arc::new(open())).clone()
}

/// The CPU for tests that can be run on any.
pub fn cpu() -> String {
    std::env::var("NEX_CPU").unwrap_or_else(|_| "cortex-a15".to_owned())
}

/// `seconds` of real time, longer on machines that say they are slow.
///
/// Deadlines only end tests that hang, so they are generous: a machine shared with other work may be ten times slower.
pub fn seconds(seconds: u64) -> Duration {
    let factor = std::env::var("NEX_TEST_SLOWNESS").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds * factor)
}
