//! Boot volumes made in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::built;

/// The files of a boot volume.
#[derive(Clone, Debug, Default)]
pub struct Volume {
    files: BTreeMap<String, Vec<u8>>,
}

impl Volume {
    /// No file yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this `nex.toml`, and every sample guest that it names as a kernel.
    pub fn with_manifest(manifest: &str) -> Self {
        let mut volume = Self::new().file("nex.toml", manifest);
        let dir = built("NEX_GUESTS_DIR", "armv7a-none-eabi/release");
        nextool::volume::add_guests(&mut volume.files, &dir)
            .unwrap_or_else(|error| panic!("{error:#}; run `make build` first"));
        volume
    }

    /// Adds a file.
    pub fn file(mut self, name: &str, data: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.to_owned(), data.into());
        self
    }

    /// Adds the sample guest `guest`, stripped, as the file `name`.
    pub fn guest(self, name: &str, guest: &str) -> Self {
        let path = guest_elf(guest);
        let data = nextool::volume::read_guest(&path)
            .unwrap_or_else(|error| panic!("{error:#}; run `make build` first"));
        self.file(name, data)
    }

    /// The archive.
    ///
    /// # Panics
    /// If a file's name cannot be in one.
    pub fn pack(&self) -> Vec<u8> {
        nextool::cpio::pack(&self.files).expect("the tests choose their names well")
    }
}

/// Where the ELF file of a sample guest is.
pub fn guest_elf(guest: &str) -> PathBuf {
    built("NEX_GUESTS_DIR", "armv7a-none-eabi/release").join(guest)
}
