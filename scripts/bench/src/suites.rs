//! What is run, natively and under Nex.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::console::{self, Measured};
use crate::machine::{Machine, Until, tail};
use crate::results::{Row, join};

/// One benchmark, on one kind of boot volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// The kernel of `guest-kit/bench`, as the only domain.
    Kernel,
    /// `lbench` in Debian's Linux, as the only domain.
    Linux,
    /// The same in a domU, while a dom0 with the same Linux is idle.
    Domu,
}

/// The files that are run.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// ELF file of the kernel of `guest-kit/bench`.
    pub guest: PathBuf,
    /// Linux, a zImage.
    pub kernel: PathBuf,
    /// Its initial RAM disk with `lbench`, which `nex.run=` on the command line starts.
    pub initrd: PathBuf,
}

/// MiB of the machine, and of each domain with Linux.
const MEMORY_MIB: u32 = 256;

/// MiB of the machine under Nex for two domains with Linux.
const MEMORY_FOR_TWO_MIB: u32 = 640;

/// Seconds until the domU measures. Both domains are idle by then.
const BOOTED_S: u32 = 30;

/// The last lines of a benchmark in Linux, or that it could not be run.
const END: &str = "bench: end ";
const LAST: [&str; 4] = [END, "bench: error: ", "nex: lbench", "Kernel panic"];

/// Nex's keyboard has a key that shows the use of memory; this begins the last line of that.
const MEMORY_KEY: &str = "m";
const MEMORY_LAST: &str = "heap: ";
const LAST_WITH_MEMORY: [&str; 4] = [MEMORY_LAST, LAST[1], LAST[2], LAST[3]];

/// What is in that list, but not Nex's own; reserved is what the boot loader keeps, such as the screen.
const NOT_OWN: [&str; 5] = ["free", "boot volume", "domain ", "Nex itself", "reserved"];

/// The boot volume's nex.toml for `Suite::Kernel`.
const KERNEL_MANIFEST: &str = "\
on_idle = \"poweroff\"
strict = true
[[domain]]
name = \"bench\"
kernel = \"bench\"
memory = \"128M\"
";

impl Suite {
    /// All, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Kernel, Self::Linux, Self::Domu];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Linux => "linux",
            Self::Domu => "domu",
        }
    }

    /// The suite whose rows are in `group`.
    pub fn of_group(group: &str) -> Self {
        [Self::Linux, Self::Domu].into_iter().find(|suite| suite.name() == group).unwrap_or(Self::Kernel)
    }

    /// The suites that `words` names; all, if there are no words.
    ///
    /// # Errors
    /// If a word is none.
    pub fn parse(words: &str) -> Result<Vec<Self>> {
        let find = |word: &str| {
            Self::ALL.into_iter().find(|suite| suite.name() == word).with_context(|| {
                format!("{word}: there are the groups {}", Self::ALL.map(Self::name).join(", "))
            })
        };
        let suites = words.split_whitespace().map(find).collect::<Result<Vec<_>>>()?;
        Ok(if suites.is_empty() { Self::ALL.to_vec() } else { suites })
    }

    /// Runs it natively.
    ///
    /// # Errors
    /// If a file is missing, or the benchmark fails.
    pub fn native(self, machine: &Machine, files: &Files) -> Result<Vec<Measured>> {
        if self == Self::Kernel {
            return measure(machine, &native_arguments(machine, &files.guest)?, &Until::default())
                .map(|(rows, _)| rows)
                .context("natively");
        }
        exists(&files.initrd)?;
        let mut arguments = native_arguments(machine, &files.kernel)?;
        arguments.extend(["-initrd".into(), files.initrd.clone().into()]);
        arguments.extend(["-append".into(), self.command_line().into()]);
        let until = Until { last: &LAST, type_after: None };
        measure(machine, &arguments, &until).map(|(rows, _)| rows).context("Linux natively")
    }

    /// Runs it natively and under the Nex in `image`. `volume` is the file to write the boot volume to. Says which Linux ran, too.
    ///
    /// # Errors
    /// If a file is missing or cannot be written, the benchmark fails, or the two have not measured the same.
    pub fn compare(
        self,
        machine: &Machine,
        files: &Files,
        image: &Path,
        volume: &Path,
    ) -> Result<(Vec<Row>, Option<String>)> {
        let native = self.native(machine, files)?;
        fs::write(volume, nextool::cpio::pack(&self.volume(files)?)?)
            .with_context(|| format!("writing {}", volume.display()))?;
        exists(image)?;
        let arguments = machine.board.nex(&machine.cpu, image, volume, "log=text exit=semihosting fb=off")?;
        let (memory_mib, until) = match self {
            Self::Kernel => (MEMORY_MIB, Until::default()),
            Self::Linux => (MEMORY_FOR_TWO_MIB, Until { last: &LAST, type_after: None }),
            // Nex has the keyboard at first.
            Self::Domu => {
                (MEMORY_FOR_TWO_MIB, Until { last: &LAST_WITH_MEMORY, type_after: Some((END, MEMORY_KEY)) })
            }
        };
        let machine = Machine { memory_mib, ..machine.clone() };
        let (nex, console) = measure(&machine, &arguments, &until)
            .with_context(|| format!("\"{}\" under Nex", self.name()))?;
        let mut rows = join(native, nex)?;
        match self {
            Self::Kernel => {}
            Self::Linux => rows.insert(0, first_instruction(&console)?),
            Self::Domu => rows.push(own_memory(&console)?),
        }
        Ok((rows, linux_version(&console)))
    }

    /// The boot volume.
    fn volume(self, files: &Files) -> Result<BTreeMap<String, Vec<u8>>> {
        let read = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
        Ok(if self == Self::Kernel {
            BTreeMap::from([
                ("nex.toml".to_owned(), KERNEL_MANIFEST.into()),
                ("bench".to_owned(), nextool::volume::read_guest(&files.guest)?),
            ])
        } else {
            BTreeMap::from([
                ("nex.toml".to_owned(), self.linux_manifest().into()),
                ("vmlinuz".to_owned(), read(&files.kernel)?),
                ("initrd.gz".to_owned(), read(&files.initrd)?),
            ])
        })
    }

    fn linux_manifest(self) -> String {
        let domain = |name: &str, cmdline: &str| {
            format!(
                "[[domain]]\nname = \"{name}\"\nkernel = \"vmlinuz\"\ninitrd = \"initrd.gz\"\n\
                 memory = \"{MEMORY_MIB}M\"\ncmdline = \"{cmdline}\"\n"
            )
        };
        let domains = match self {
            Self::Domu => {
                [domain("dom0", "console=ttyAMA0 hostname=dom0"), domain("domu", &self.command_line())]
                    .concat()
            }
            _ => domain("dom0", &self.command_line()),
        };
        format!("strict = true\n{domains}")
    }

    /// Of the Linux that measures, natively as under Nex.
    fn command_line(self) -> String {
        match self {
            Self::Domu => {
                format!("console=ttyAMA0 hostname=domu nex.run=sleep,{BOOTED_S} nex.run=lbench,domu")
            }
            _ => "console=ttyAMA0 hostname=dom0 nex.run=lbench,linux,boot".to_owned(),
        }
    }
}

/// Nex's own time until it enters a guest, which has no native counterpart.
fn first_instruction(console: &str) -> Result<Row> {
    let nanoseconds = console
        .split_once("first guest instruction ")
        .and_then(|(_, rest)| rest.split_once(" ns"))
        .and_then(|(number, _)| number.parse::<u32>().ok())
        .context("Nex did not say when it entered the first guest")?;
    Ok(Row {
        group: Suite::Linux.name().into(),
        name: "reset to first guest instruction".into(),
        native: 0.0,
        nex: nanoseconds.into(),
    })
}

/// What Linux says about itself first: its release, and the version of Debian's package.
fn linux_version(console: &str) -> Option<String> {
    let line = console.lines().find_map(|line| Some(line.split_once("Linux version ")?.1))?;
    let release = line.split(' ').next()?;
    let package = line.split_once(" Debian ").and_then(|(_, rest)| rest.split(' ').next());
    Some(package.map_or_else(|| release.to_owned(), |package| format!("{release} ({package})")))
}

/// KiB that Nex has for itself beside two domains.
fn own_memory(console: &str) -> Result<Row> {
    // Rows of the list: a number, the unit, the owner. What a domain prints has the domain's name in front.
    let uses = console.lines().filter_map(|line| {
        let (number, owner) = line.trim().split_once(" KiB  ")?;
        Some((number.parse::<u32>().ok()?, owner))
    });
    let uses: BTreeMap<_, _> = uses.map(|(number, owner)| (owner, number)).collect();
    if !uses.contains_key("free") || !uses.contains_key("domain 1") {
        bail!("Nex did not show its memory with two domains");
    }
    let own = uses.iter().filter(|(owner, _)| !NOT_OWN.iter().any(|other| owner.starts_with(other)));
    Ok(Row {
        group: Suite::Domu.name().into(),
        name: "memory of Nex, KiB".into(),
        native: 0.0,
        nex: own.map(|(_, &number)| f64::from(number)).sum(),
    })
}

/// QEMU's own message about a missing file does not say what it looked for.
fn exists(path: &Path) -> Result<()> {
    fs::metadata(path).map(drop).with_context(|| path.display().to_string())
}

/// Arguments of QEMU that boot `kernel` natively.
fn native_arguments(machine: &Machine, kernel: &Path) -> Result<Vec<OsString>> {
    exists(kernel)?;
    let mut arguments = machine.board.native(&machine.cpu);
    arguments.extend(["-kernel".into(), kernel.into()]);
    Ok(arguments)
}

/// Runs a benchmark once: its rows, and the console.
fn measure(machine: &Machine, arguments: &[OsString], until: &Until<'_>) -> Result<(Vec<Measured>, String)> {
    let console = machine.run(arguments, until)?;
    match console::read(&console) {
        Ok(rows) => Ok((rows, console)),
        Err(error) => bail!("{error:#}\n--- the end of the console:\n{}", tail(&console)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_names() {
        assert_eq!(Suite::parse("").unwrap(), Suite::ALL);
        assert_eq!(Suite::parse(" domu kernel").unwrap(), [Suite::Domu, Suite::Kernel]);
        assert!(Suite::parse("kernel all").unwrap_err().to_string().contains("linux"));
        assert_eq!(Suite::of_group("domu"), Suite::Domu);
        assert_eq!(Suite::of_group("cp15"), Suite::Kernel);
    }

    #[test]
    fn the_first_instruction_is_found() {
        let row = first_instruction("[ 0.0] first guest instruction 4731616 ns after reset\r\n").unwrap();
        assert_eq!((row.nex, row.ratio()), (4_731_616.0, None));
        assert!(first_instruction("first guest instruction soon").is_err());
    }

    #[test]
    fn linux_names_itself() {
        let console = "\r\n[dom0] [    0.000000] Linux version 6.1.0-50-armmp (a@b) (gcc-12 (Debian 12.2.0-14) 12.2.0, \
            GNU ld) #1 SMP Debian 6.1.176-1 (2026-07-02)\r\n";
        assert_eq!(linux_version(console).unwrap(), "6.1.0-50-armmp (6.1.176-1)");
        assert_eq!(linux_version("Linux version 6.12.1 (a@b) #1\r\n").unwrap(), "6.12.1");
        assert_eq!(linux_version("Linux\r\n"), None);
    }

    #[test]
    fn memory_is_added_up() {
        let list = "  122136 KiB  free\r\n     812 KiB  image\r\n[domu] 9 KiB  stack\r\n      80 KiB  stack\r\n\
            4000 KiB  reserved\r\n    6296 KiB  boot volume\r\n  131072 KiB  domain 0\r\n  131072 KiB  domain 1\r\n     892 KiB  Nex itself: image\r\nheap: 1 of 2 bytes used\r\n";
        assert_eq!(own_memory(list).unwrap().nex, 892.0);
        assert!(own_memory("  122136 KiB  free\r\n").is_err());
    }
}
