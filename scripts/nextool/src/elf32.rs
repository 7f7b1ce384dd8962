//! Reading and shrinking 32-bit little-endian ARM ELF files.

use anyhow::{Context, Result, bail, ensure};
use elf::ElfBytes;
use elf::endian::LittleEndian;

/// `EM_ARM` of the ELF specification.
const EM_ARM: u16 = 40;

/// One loadable segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Virtual address of the first byte.
    pub vaddr: u32,
    /// Physical address of the first byte.
    pub paddr: u32,
    /// The bytes in the file.
    pub data: &'a [u8],
    /// Bytes in memory, at least those in the file; the rest is zero.
    pub memory_bytes: u32,
    /// `PF_*` bits.
    pub flags: u32,
}

/// A symbol, as far as Nex needs it.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Name as linked, that is mangled.
    pub name: String,
    /// Value, usually an address; for Thumb functions bit 0 is set.
    pub value: u32,
    /// Bytes, 0 if unknown.
    pub size: u32,
    /// It is a function, or a label in a section that is executable.
    pub is_code: bool,
}

/// A section's name and size, for the size report.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Bytes it takes in memory.
    pub bytes: u64,
}

/// A checked file.
pub struct Elf<'a> {
    elf: ElfBytes<'a, LittleEndian>,
    /// The loadable segments that take memory, by ascending physical address.
    pub segments: Vec<Segment<'a>>,
}

impl<'a> Elf<'a> {
    /// Reads `bytes`.
    ///
    /// # Errors
    /// A text that says why this is no 32-bit ARM executable.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let elf = ElfBytes::<LittleEndian>::minimal_parse(bytes).context("not a little-endian ELF file")?;
        ensure!(
            elf.ehdr.class == elf::file::Class::ELF32 && elf.ehdr.e_machine == EM_ARM,
            "not a 32-bit ARM file"
        );
        let mut segments = Vec::new();
        for header in elf.segments().context("no program headers: not linked?")? {
            if header.p_type != elf::abi::PT_LOAD || header.p_memsz == 0 {
                continue;
            }
            let data = elf.segment_data(&header).context("a segment lies outside the file")?;
            ensure!(header.p_memsz >= header.p_filesz, "a segment is larger in the file than in memory");
            let word = |value: u64| u32::try_from(value).context("a segment lies above 4 GiB");
            word(header.p_paddr + header.p_memsz)?;
            segments.push(Segment {
                vaddr: word(header.p_vaddr)?,
                paddr: word(header.p_paddr)?,
                data,
                memory_bytes: word(header.p_memsz)?,
                flags: header.p_flags,
            });
        }
        ensure!(!segments.is_empty(), "nothing to load: no PT_LOAD segment");
        segments.sort_by_key(|segment| segment.paddr);
        if segments.windows(2).any(|pair| pair[0].paddr + pair[0].memory_bytes > pair[1].paddr) {
            bail!("segments overlap");
        }
        Ok(Self { elf, segments })
    }

    /// The entry point.
    pub fn entry(&self) -> u32 {
        self.elf.ehdr.e_entry as u32
    }

    /// All sections that take memory.
    ///
    /// # Errors
    /// If the section headers are damaged.
    pub fn sections(&self) -> Result<Vec<Section>> {
        let (Some(headers), Some(names)) = self.elf.section_headers_with_strtab()? else {
            return Ok(Vec::new());
        };
        let allocated = |flags: u64| flags & u64::from(elf::abi::SHF_ALLOC) != 0;
        headers
            .iter()
            .filter(|header| allocated(header.sh_flags))
            .map(|header| {
                Ok(Section { name: names.get(header.sh_name as usize)?.to_owned(), bytes: header.sh_size })
            })
            .collect()
    }

    /// All named, defined symbols.
    ///
    /// # Errors
    /// If there is no symbol table, or it is damaged.
    pub fn symbols(&self) -> Result<Vec<Symbol>> {
        let Some((table, names)) = self.elf.symbol_table()? else {
            bail!("no symbol table: was the file stripped?")
        };
        let headers = self.elf.section_headers().context("no section headers")?;
        let executable = |section: u16| {
            headers
                .get(section.into())
                .is_ok_and(|header| header.sh_flags & u64::from(elf::abi::SHF_EXECINSTR) != 0)
        };
        let mut symbols = Vec::new();
        for symbol in table.iter().filter(|symbol| symbol.st_shndx != elf::abi::SHN_UNDEF) {
            let name = names.get(symbol.st_name as usize)?;
            if name.is_empty() {
                continue;
            }
            let kind = symbol.st_symtype();
            symbols.push(Symbol {
                name: name.to_owned(),
                value: symbol.st_value as u32,
                size: symbol.st_size as u32,
                is_code: kind == elf::abi::STT_FUNC
                    || kind == elf::abi::STT_NOTYPE && executable(symbol.st_shndx),
            });
        }
        Ok(symbols)
    }

    /// A file with the same segments and entry point and nothing else: no sections, symbols or debug information.
    pub fn stripped(&self) -> Vec<u8> {
        const EHDR_BYTES: usize = 52;
        const PHDR_BYTES: usize = 32;
        let mut headers = Vec::new();
        let mut data = Vec::new();
        let data_at = EHDR_BYTES + PHDR_BYTES * self.segments.len();
        for segment in &self.segments {
            // Offset and address agree modulo the alignment, as the specification wants it; 4 is enough here.
            while (data_at + data.len()) % 4 != segment.vaddr as usize % 4 {
                data.push(0);
            }
            let offset = (data_at + data.len()) as u32;
            let words = [
                elf::abi::PT_LOAD,
                offset,
                segment.vaddr,
                segment.paddr,
                segment.data.len() as u32,
                segment.memory_bytes,
                segment.flags,
                4,
            ];
            headers.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            data.extend_from_slice(segment.data);
        }
        let mut out = Vec::with_capacity(data_at + data.len());
        // e_ident: class 32, little-endian, version 1.
        out.extend(b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0");
        let half = |out: &mut Vec<u8>, value: u16| out.extend(value.to_le_bytes());
        let word = |out: &mut Vec<u8>, value: u32| out.extend(value.to_le_bytes());
        half(&mut out, elf::abi::ET_EXEC);
        half(&mut out, EM_ARM);
        word(&mut out, 1);
        word(&mut out, self.entry());
        word(&mut out, EHDR_BYTES as u32);
        word(&mut out, 0);
        word(&mut out, self.elf.ehdr.e_flags);
        for value in [EHDR_BYTES, PHDR_BYTES, self.segments.len(), 0, 0, 0] {
            half(&mut out, value as u16);
        }
        out.extend(headers);
        out.extend(data);
        out
    }
}
