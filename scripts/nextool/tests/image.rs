//! Flat images and stripped files, made from small ELF files that the tests put together.

use nex_symbols::SymbolTable;
use nextool::elf32::Elf;
use nextool::image::{flat_image, sizes};

const BASE: u32 = 0xfff0_0000;
const TEXT_BYTES: usize = 0x1000;
const DATA_AT: u32 = BASE + 0x1000;
const BSS_END: u32 = BASE + 0x3000;

/// An ELF file with .text, .data and .bss, and what tests like to get wrong.
struct Maker {
    magic: u32,
    paddr_offset: u32,
    symbols: Vec<(&'static str, u32, u32, u8, u16)>,
    machine: u16,
}

const FUNC: u8 = 0x12;
const OBJECT: u8 = 0x11;
const NOTYPE: u8 = 0x10;
const ABSOLUTE: u16 = 0xfff1;

impl Maker {
    fn new() -> Self {
        Self {
            magic: 0x016f_2818,
            paddr_offset: 0,
            symbols: vec![
                ("_start", BASE, 0, NOTYPE, 1),
                ("$a", BASE, 0, NOTYPE, 1),
                ("_ZN6nex_hv4main17h0123456789abcdefE", BASE + 0x100, 0x40, FUNC, 1),
                // Thumb: bit 0 is set.
                ("thumb", BASE + 0x201, 0x10, FUNC, 1),
                ("A_TABLE", DATA_AT, 0x10, OBJECT, 2),
                ("__symtab_start", BSS_END, 0, NOTYPE, ABSOLUTE),
            ],
            machine: 40,
        }
    }

    fn make(&self) -> Vec<u8> {
        let mut text = vec![0x55; TEXT_BYTES];
        text[0x24..0x28].copy_from_slice(&self.magic.to_le_bytes());
        let data = [7u8; 0x20];

        let (mut strtab, mut symtab) = (vec![0u8], vec![0u8; 16]);
        for &(name, value, size, info, section) in &self.symbols {
            symtab.extend((strtab.len() as u32).to_le_bytes());
            symtab.extend(value.to_le_bytes());
            symtab.extend(size.to_le_bytes());
            symtab.extend([info, 0]);
            symtab.extend(section.to_le_bytes());
            strtab.extend(name.bytes());
            strtab.push(0);
        }
        let shstrtab = b"\0.text\0.data\0.bss\0.symtab\0.strtab\0".to_vec();

        let data_offset = 0x1000 + TEXT_BYTES;
        let mut file = vec![0u8; 0x1000];
        file.extend(&text);
        file.extend(data);
        let mut place = |bytes: &[u8]| {
            let at = file.len() as u32;
            file.extend(bytes);
            at
        };
        let (symtab_at, strtab_at, shstrtab_at) = (place(&symtab), place(&strtab), place(&shstrtab));
        let bss = BSS_END - DATA_AT - 0x20;
        // Name, type, flags, address, offset, size, link, entry size.
        let sections: [[u32; 8]; 7] = [
            [0; 8],
            [1, 1, 6, BASE, 0x1000, TEXT_BYTES as u32, 0, 0],
            [7, 1, 3, DATA_AT, data_offset as u32, 0x20, 0, 0],
            [13, 8, 3, DATA_AT + 0x20, data_offset as u32, bss, 0, 0],
            [18, 2, 0, 0, symtab_at, symtab.len() as u32, 5, 16],
            [26, 3, 0, 0, strtab_at, strtab.len() as u32, 0, 0],
            [18, 3, 0, 0, shstrtab_at, shstrtab.len() as u32, 0, 0],
        ];
        let sections_at = file.len() as u32;
        for [name, kind, flags, address, offset, size, link, entry] in sections {
            let words = [name, kind, flags, address, offset, size, link, 0, 4, entry];
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        }

        let mut head = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let halves =
            |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let words = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        head.extend(halves(&[2, self.machine]));
        head.extend(words(&[1, BASE, 52, sections_at, 0x0500_0200]));
        head.extend(halves(&[52, 32, 2, 40, sections.len() as u16, 6]));
        let paddr = self.paddr_offset;
        head.extend(words(&[1, 0x1000, BASE, BASE - paddr, TEXT_BYTES as u32, TEXT_BYTES as u32, 5, 0x1000]));
        head.extend(words(&[1, data_offset as u32, DATA_AT, DATA_AT - paddr, 0x20, 0x20 + bss, 6, 0x1000]));
        file[..head.len()].copy_from_slice(&head);
        file
    }

    fn error(&self) -> String {
        let file = self.make();
        let result = Elf::parse(&file).and_then(|elf| flat_image(&elf));
        format!("{:#}", result.expect_err("must be refused"))
    }
}

#[test]
fn an_image_is_segments_then_symbols() {
    let file = Maker::new().make();
    let image = flat_image(&Elf::parse(&file).unwrap()).unwrap();
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    assert_eq!(word(0x24), 0x016f_2818);
    assert_eq!(word(0x28), 0, "start");
    assert_eq!(word(0x2c) as usize, image.len(), "end");
    assert_eq!(image[0x30], 0x55);
    assert_eq!(image[0x1000..0x1020], [7; 0x20]);
    assert_eq!(image[0x1020..0x3000], [0; 0x3000 - 0x1020], ".bss");

    let table = SymbolTable::parse(&image[0x3000..]).unwrap();
    assert_eq!(table.total_bytes(), image.len() - 0x3000);
    let all: Vec<String> = table.iter().map(|symbol| format!("{:x} {symbol}", symbol.start)).collect();
    assert_eq!(
        all,
        ["fff00000 _start+0x0/0x100", "fff00100 nex_hv::main+0x0/0x40", "fff00200 thumb+0x0/0x10"],
        "functions and labels, without hashes, marks, data and absolute symbols"
    );
}

#[test]
fn sizes_add_up() {
    let file = Maker::new().make();
    let sizes = sizes(&Elf::parse(&file).unwrap()).unwrap();
    assert_eq!((sizes.text, sizes.rodata, sizes.data, sizes.bss, sizes.other), (0x1000, 0, 0x20, 0x1fe0, 0));
    assert_eq!(sizes.image, 0x3000 + sizes.symbols);
    assert!(sizes.within_limit());
}

#[test]
fn what_breaks_the_contract_is_named() {
    let without = |name: &str| {
        let mut maker = Maker::new();
        maker.symbols.retain(|symbol| symbol.0 != name);
        maker
    };
    assert!(without("__symtab_start").error().contains("__symtab_start"));
    let with_symtab_at = |address| {
        let mut maker = without("__symtab_start");
        maker.symbols.push(("__symtab_start", address, 0, NOTYPE, ABSOLUTE));
        maker.error()
    };
    assert!(with_symtab_at(BSS_END - 0x1000).contains("behind the last segment"));
    assert!(with_symtab_at(BSS_END + 4).contains("multiple of 4096"));
    assert!(with_symtab_at(BSS_END - 0x1000).contains("0xfff03000"));
    assert!(Maker { magic: 0, ..Maker::new() }.error().contains("0x016f2818"));
    assert!(Maker { paddr_offset: 0x1000, ..Maker::new() }.error().contains("differ"));
    assert!(Maker { machine: 62, ..Maker::new() }.error().contains("ARM"));
    let only_data = Maker { symbols: vec![("__symtab_start", BSS_END, 0, NOTYPE, ABSOLUTE)], ..Maker::new() };
    assert!(only_data.error().contains("no function"));
    assert!(format!("{:#}", Elf::parse(b"text").err().unwrap()).contains("ELF"));
}

#[test]
fn a_stripped_file_loads_the_same() {
    let file = Maker::new().make();
    let elf = Elf::parse(&file).unwrap();
    let small = elf.stripped();
    assert!(small.len() < TEXT_BYTES + 0x20 + 200);
    let again = Elf::parse(&small).unwrap();
    assert_eq!(again.entry(), elf.entry());
    assert!(again.symbols().is_err() && again.sections().unwrap().is_empty());
    assert_eq!(again.segments.len(), 2);
    for (a, b) in again.segments.iter().zip(&elf.segments) {
        assert_eq!(
            (a.vaddr, a.paddr, a.data, a.memory_bytes, a.flags),
            (b.vaddr, b.paddr, b.data, b.memory_bytes, b.flags)
        );
    }
    assert_eq!(again.stripped(), small);
}

#[test]
fn damaged_files_are_refused_or_read_but_never_panic() {
    let file = Maker::new().make();
    // Every byte of the headers, and every cut.
    let headers = (0..52 + 64).chain(file.len() - 280..file.len());
    for at in headers {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bad = file.clone();
            bad[at] = value;
            let _ = Elf::parse(&bad).and_then(|elf| sizes(&elf));
            let _ = Elf::parse(&bad).map(|elf| elf.stripped());
        }
    }
    for length in (0..file.len()).step_by(37) {
        let _ = Elf::parse(&file[..length]).and_then(|elf| flat_image(&elf));
    }
}
