//! Debian's Linux in two domains.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::{Machine, Volume, built, seconds, strings};

/// Three of it move the focus: from Nex to dom0, to domu, and to Nex again.
pub const SWITCH: &str = "\x01\x01\x01";

/// Generous: two kernels boot in some 10 thousand million instructions.
pub const BOOT_S: u64 = 600;

/// Busybox's shell says so when it begins.
pub const SHELL: &str = "Enter 'help' for a list of built-in commands";

/// A file of the tests with Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// Debian's kernel.
    Kernel,
    /// The one for long descriptors.
    LpaeKernel,
    /// The initial RAM disk with the tests' programs.
    Initrd,
    /// The initial RAM disk with stress-ng.
    Stress,
}

impl File {
    /// Where it is.
    pub fn path(self) -> PathBuf {
        match self {
            Self::Kernel => built("NEX_LINUX_KERNEL", "debian/vmlinuz"),
            Self::LpaeKernel => built("NEX_LINUX_LPAE_KERNEL", "debian/vmlinuz-lpae"),
            Self::Initrd => built("NEX_LINUX_INITRD", "linux-tests.gz"),
            Self::Stress => built("NEX_LINUX_STRESS", "linux-stress.gz"),
        }
    }

    /// What is in it.
    ///
    /// # Panics
    /// If it is missing.
    pub fn read(self) -> Vec<u8> {
        let path = self.path();
        std::fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; run `make linux-tests` first", path.display()))
    }
}

/// Whether tests with Linux are to be left out, as Debian's files cannot be had; says so.
pub fn is_skipped() -> bool {
    let skipped = std::env::var_os("NEX_LINUX").is_some_and(|value| value == "skip");
    if skipped {
        eprintln!("skipped: NEX_LINUX=skip, as the files of Debian cannot be had");
    }
    skipped
}

/// Busybox's shell asks for the cursor's position behind each prompt.
pub const PROMPT: &str = "# ^[[6n";

/// The manifest's part for a domain with `vmlinuz` and `initrd.gz`.
pub fn domain(name: &str, memory_mib: u32) -> String {
    format!(
        "[[domain]]\nname = \"{name}\"\nkernel = \"vmlinuz\"\ninitrd = \"initrd.gz\"\nmemory = \"{memory_mib}M\"\n\
         cmdline = \"console=ttyAMA0 hostname={name}\"\n"
    )
}

/// A volume with these domains, which [`domain`] and others make, and the two files.
pub fn volume(domains: &str, kernel: File, initrd: File) -> Volume {
    let manifest = format!("strict = true\non_idle = \"poweroff\"\n{domains}");
    Volume::new().file("nex.toml", manifest).file("vmlinuz", kernel.read()).file("initrd.gz", initrd.read())
}

/// dom0 and domu with the same Linux, at their shells. Nothing, and a word about it, if they are to be left out.
///
/// # Panics
/// If they do not get there.
pub fn two_shells(cpu: &str) -> Option<Machine> {
    if is_skipped() {
        return None;
    }
    let volume = volume(&(domain("dom0", 128) + &domain("domu", 128)), File::Kernel, File::Initrd);
    // Instructions are time, so that a busy host makes no difference to Linux's watchdogs.
    let mut machine = Machine::builder().cpu(cpu).mem_mib(384).icount(true).volume(&volume).boot();
    for _ in 0..2 {
        machine.expect(SHELL, seconds(BOOT_S));
    }
    Some(machine)
}

/// Types a command to the shell that has the focus, and waits for what it prints: `host` is the domain's name.
///
/// # Panics
/// If it does not.
#[track_caller]
pub fn answers(machine: &mut Machine, host: &str) {
    machine.send("echo at $(hostname) $((6 * 7))\r");
    machine.expect(&format!("at {host} 42"), seconds(120));
}

/// What Nex, which has the focus, says about its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// KiB by owner.
    pub kib: BTreeMap<String, u32>,
    /// KiB that Nex has for itself.
    pub own_kib: u32,
    /// Bytes of the heap that are in use.
    pub heap_bytes: u32,
}

impl MemoryUse {
    /// Asks Nex.
    ///
    /// # Panics
    /// If the answer is not what it should be.
    pub fn ask(machine: &mut Machine) -> Self {
        machine.send("m");
        let text = machine.expect_match(r"^heap: \d+ of \d+ bytes used", seconds(120));
        let number = |words: &str| words.trim().parse::<u32>().ok();
        let rows = text.lines().filter_map(|line| {
            let (kib, owner) = line.split_once(" KiB  ")?;
            Some((owner.to_owned(), number(kib)?))
        });
        let mut kib: BTreeMap<_, _> = rows.collect();
        let own = kib.keys().find(|owner| owner.starts_with(strings::OWN_MEMORY)).cloned();
        let own_kib = own.and_then(|own| kib.remove(&own));
        let heap = text.rsplit_once("heap: ").and_then(|(_, rest)| number(rest.split(' ').next()?));
        match (own_kib, heap) {
            (Some(own_kib), Some(heap_bytes)) => Self { kib, own_kib, heap_bytes },
            _ => panic!("no memory of Nex in {text}"),
        }
    }
}
