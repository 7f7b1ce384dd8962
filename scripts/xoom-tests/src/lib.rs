//! Starts the emulated Xoom (`boards/tegra2/qemu`), for tests of the machine itself, which need no Nex, and
//! for those of Nex on it (`tests/nex.rs`, `tests/guests.rs`).
//!
//! `scripts/test-xoom.sh` builds and fetches what they need, and says where it is:
//!
//! | variable | what |
//! | --- | --- |
//! | `NEX_QEMU_XOOM` | the emulator |
//! | `NEX_XOOM_BARE` | the program `nex-xoom-bare`, ELF |
//! | `NEX_XOOM_IMAGE` | the Android boot image of Nex with the default boot volume |
//! | `NEX_XOOM_EVERYTHING` | the one of `make qemu BOARD=tegra2`: sample guests, U-Boot, Linux twice |
//! | `NEX_XOOM_FLAT`, `NEX_XOOM_VOLUME` | what that is made of: the flat image, and the boot volume |
//! | `NEX_XOOM_LINUX` | directory with kernels, device trees and initial RAM disk |
//! | `NEX_TEST_SLOWNESS` | factor on all deadlines |

pub mod elf;
pub mod image;
mod machine;
mod qtest;
mod screen;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use machine::{Machine, Output};
pub use qtest::Qtest;
pub use screen::{Picture, Screen};

/// The emulator.
///
/// # Panics
/// If the environment does not say.
pub fn emulator() -> PathBuf {
    from_environment("NEX_QEMU_XOOM").expect("NEX_QEMU_XOOM is not set: run scripts/test-xoom.sh")
}

/// A path that the environment gives.
pub fn from_environment(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A file that `scripts/xoom-linux.sh` has prepared.
///
/// # Panics
/// If it is not there.
pub fn prepared(name: &str) -> PathBuf {
    let directory =
        from_environment("NEX_XOOM_LINUX").expect("NEX_XOOM_LINUX is not set: run scripts/test-xoom.sh");
    let path = directory.join(name);
    assert!(path.is_file(), "{} is missing: scripts/xoom-linux.sh makes it", path.display());
    path
}

/// Nex's flat image, and the boot volume, for boot loaders other than the tablet's.
///
/// # Panics
/// If the environment does not say.
pub fn image_and_volume() -> (PathBuf, PathBuf) {
    let path = |variable| {
        from_environment(variable)
            .unwrap_or_else(|| panic!("{variable} is not set: run scripts/test-xoom.sh"))
    };
    (path("NEX_XOOM_FLAT"), path("NEX_XOOM_VOLUME"))
}

/// What QEMU complains about with `-d guest_errors`, a line each, but for one thing: its GIC does not know the registers that
/// clear active interrupts, which the first GICs have not got either. Software for later ones writes them all the same.
pub fn mistakes(complaints: &str) -> Vec<&str> {
    complaints.lines().filter(|line| !line.starts_with("gic_dist_writeb: Bad offset 3")).collect()
}

/// `seconds` of real time, longer on machines that say they are slow. Deadlines only end tests that hang.
pub fn seconds(seconds: u64) -> Duration {
    let factor = std::env::var("NEX_TEST_SLOWNESS").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds * factor)
}

/// A file that goes when it is dropped.
#[derive(Debug)]
pub struct TemporaryFile(PathBuf);

impl TemporaryFile {
    /// A path for a file of this name's ending; the file is there, with `bytes`.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn new(ending: &str, bytes: &[u8]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nex-xoom-{}-{number}.{ending}", std::process::id()));
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
