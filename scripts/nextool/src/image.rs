//! The flat image that a boot loader starts: segments, zeroed .bss, symbol table.
//!
//! The contract with the linker script (`hv/nex.ld`):
//! - all PT_LOAD segments lie between the lowest physical address and the symbol `__symtab_start`, which is a multiple
//!   of 4096 and the end of everything linked; .bss lies before it and is in the file, as zeros;
//! - the first bytes are the ARM Linux boot header, with the magic 0x016f2818 at offset 0x24. The words at 0x28 (start)
//!   and 0x2c (end) are filled in here: 0 and the bytes of the whole image, symbol table included;
//! - at the symbol `NEX_LOG_ID`, if there is one, the id of the build is filled in ([`id`]).

use std::fmt;

use anyhow::{Context, Result, ensure};

use crate::elf32::Elf;
use crate::log::id;

/// Where the magic of an ARM zImage is ("Booting ARM Linux", Linux Documentation/arch/arm/booting.rst).
const MAGIC_AT: usize = 0x24;
const MAGIC: u32 = 0x016f_2818;
const START_AT: usize = 0x28;
const END_AT: usize = 0x2c;

const PAGE_BYTES: u32 = 4096;

/// The symbol at which the table goes.
const SYMTAB_SYMBOL: &str = "__symtab_start";

/// The largest image: a boot loader may put it anywhere below the boot volume, and QEMU puts the volume as low as
/// 128 MiB into RAM. Far beyond anything sensible; the linker script has the strict limit.
pub const MAX_IMAGE_BYTES: usize = 16 << 20;

/// Makes the flat image of an ELF file.
///
/// # Errors
/// A text that says what in the file breaks the contract above.
pub fn flat_image(elf: &Elf<'_>) -> Result<Vec<u8>> {
    let base = elf.segments[0].paddr;
    let symtab = symtab_address(elf)?;
    let linear = elf.segments.iter().all(|segment| segment.paddr == segment.vaddr);
    ensure!(linear, "a segment's physical and virtual addresses differ; the linker script must not use AT()");
    let end = elf.segments.iter().map(|segment| segment.paddr + segment.memory_bytes).max().unwrap_or(base);
    ensure!(
        end <= symtab && symtab.is_multiple_of(PAGE_BYTES),
        "{SYMTAB_SYMBOL} (0x{symtab:x}) must be a multiple of 4096 and lie behind the last segment (0x{end:x})"
    );
    let linked_bytes = (symtab - base) as usize;
    ensure!(linked_bytes <= MAX_IMAGE_BYTES, "segments are scattered over {linked_bytes} bytes");

    let mut image = vec![0; linked_bytes];
    for segment in &elf.segments {
        let at = (segment.paddr - base) as usize;
        image[at..at + segment.data.len()].copy_from_slice(segment.data);
    }
    ensure!(
        word(&image, MAGIC_AT) == Some(MAGIC),
        "no ARM Linux boot header: 0x016f2818 is not at offset 0x24"
    );
    if let Some(at) = address_of(elf, id::ID_SYMBOL)? {
        // So that a decoder knows whether it has the right ELF file.
        let at = at.wrapping_sub(base) as usize;
        let room = image.get_mut(at..at + 3).context("NEX_LOG_ID lies outside the image")?;
        room.copy_from_slice(&id::encode(id::build_id(elf)?));
    }
    image.extend(symbol_table(elf)?);
    let total = image.len() as u32;
    image[START_AT..START_AT + 4].fill(0);
    image[END_AT..END_AT + 4].copy_from_slice(&total.to_le_bytes());
    Ok(image)
}

fn symtab_address(elf: &Elf<'_>) -> Result<u32> {
    address_of(elf, SYMTAB_SYMBOL)?
        .with_context(|| format!("no symbol {SYMTAB_SYMBOL}: linked without hv/nex.ld?"))
}

/// The value of the symbol, if there is one of this name.
pub(crate) fn address_of(elf: &Elf<'_>, name: &str) -> Result<Option<u32>> {
    Ok(elf.symbols()?.iter().find(|symbol| symbol.name == name).map(|symbol| symbol.value))
}

/// The compact table of the file's functions and code labels.
fn symbol_table(elf: &Elf<'_>) -> Result<Vec<u8>> {
    let inputs: Vec<nex_symbols::Input> = elf
        .symbols()?
        .into_iter()
        // $a, $t and $d mark code and data for disassemblers (ELF for the Arm Architecture, 5.5.5).
        .filter(|symbol| symbol.is_code && !symbol.name.starts_with(['$', '.']))
        .map(|symbol| nex_symbols::Input {
            start: symbol.value & !1,
            size: symbol.size,
            name: format!("{:#}", rustc_demangle::demangle(&symbol.name)),
        })
        .collect();
    ensure!(!inputs.is_empty(), "the symbol table names no function");
    let code_end = elf
        .segments
        .iter()
        .filter(|segment| segment.flags & elf::abi::PF_X != 0)
        .map(|segment| segment.vaddr + segment.memory_bytes)
        .max()
        .unwrap_or(0);
    let table = nex_symbols::encode(&inputs, code_end)?;
    // The reader must accept what goes into the image.
    nex_symbols::SymbolTable::parse(&table)?;
    Ok(table)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// What an image consists of, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Code.
    pub text: u64,
    /// Constants.
    pub rodata: u64,
    /// Initialized variables.
    pub data: u64,
    /// Zeroed variables and stacks.
    pub bss: u64,
    /// Everything else that is loaded; should be 0.
    pub other: u64,
    /// The symbol table.
    pub symbols: u64,
    /// The flat image with all of it and the padding.
    pub image: u64,
}

/// Text and rodata of Nex are to stay below this: the hypervisor itself was to fit into 256 KiB, and does without the
/// debugger (`make configs` shows it); debugger, gdb stub, log and framebuffer console may take half as much again.
pub const CODE_LIMIT_BYTES: u64 = 640 << 10;

/// Measures a file.
///
/// # Errors
/// As [`flat_image`].
pub fn sizes(elf: &Elf<'_>) -> Result<Sizes> {
    let mut sizes = Sizes::default();
    for section in elf.sections()? {
        let kind = match section.name.split('.').nth(1) {
            Some("text") => &mut sizes.text,
            Some("rodata") => &mut sizes.rodata,
            Some("data") => &mut sizes.data,
            Some("bss") => &mut sizes.bss,
            _ => &mut sizes.other,
        };
        *kind += section.bytes;
    }
    sizes.symbols = symbol_table(elf)?.len() as u64;
    sizes.image = flat_image(elf)?.len() as u64;
    Ok(sizes)
}

impl Sizes {
    /// Whether code and constants are within [`CODE_LIMIT_BYTES`].
    pub fn within_limit(&self) -> bool {
        self.text + self.rodata <= CODE_LIMIT_BYTES
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("text", self.text),
            ("rodata", self.rodata),
            ("data", self.data),
            ("bss", self.bss),
            ("other", self.other),
            ("symbols", self.symbols),
            ("image", self.image),
        ];
        for (name, bytes) in rows {
            writeln!(f, "{name:<12} {bytes:>8} bytes")?;
        }
        let code = self.text + self.rodata;
        let verdict = if self.within_limit() { "within" } else { "OVER" };
        write!(f, "{:<12} {code:>8} bytes, {verdict} the limit of {CODE_LIMIT_BYTES}", "text+rodata")
    }
}
