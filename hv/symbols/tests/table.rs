//! Round trips, and tables that were damaged.

use nex_symbols::{Input, NAME_MAX_BYTES, ParseError, SymbolTable, encode};
use proptest::prelude::*;

fn input(start: u32, size: u32, name: &str) -> Input {
    Input { start, size, name: name.into() }
}

#[test]
fn looks_up_by_address_and_by_name() {
    let table = encode(
        &[
            input(0x8010_0200, 0x40, "nex_hv::sched::Run::pick<nex_hv::Cpu>"),
            input(0x8010_0000, 0, "_start"),
            input(0x8010_0020, 0x100, "nex_hv::main"),
        ],
        0x8010_0300,
    )
    .unwrap();
    let table = SymbolTable::parse(&table).unwrap();
    assert_eq!(table.len(), 3);
    assert_eq!(table.lookup(0x8010_0004).unwrap().to_string(), "_start+0x4/0x20");
    assert_eq!(table.lookup(0x8010_0020).unwrap().to_string(), "nex_hv::main+0x0/0x100");
    assert_eq!(table.lookup(0x8010_011f).unwrap().to_string(), "nex_hv::main+0xff/0x100");
    assert!(table.lookup(0x8010_0120).is_none(), "between two symbols");
    assert_eq!(
        table.lookup(0x8010_0210).unwrap().to_string(),
        "nex_hv::sched::Run::pick<nex_hv::Cpu>+0x10/0x40"
    );
    assert!(table.lookup(0x8010_0240).is_none(), "after the last");
    assert!(table.lookup(0x800f_ffff).is_none(), "before the first");
    assert!(table.lookup(0).is_none() && table.lookup(u32::MAX).is_none());
    assert_eq!(table.find("nex_hv::main"), Some(0x8010_0020));
    assert_eq!(table.find("nex_hv::mai"), None);
    assert_eq!(table.find(""), None);
}

#[test]
fn keeps_one_symbol_an_address_and_bounds_labels() {
    let table = encode(
        &[
            input(0x100, 0, "label"),
            input(0x100, 0x80, "function"),
            input(0x120, 0, "inner"),
            input(0x200, 0, "last"),
        ],
        0x240,
    )
    .unwrap();
    let table = SymbolTable::parse(&table).unwrap();
    let all: Vec<String> = table.iter().map(|symbol| symbol.to_string()).collect();
    assert_eq!(all, ["function+0x0/0x80", "inner+0x0/0x60", "last+0x0/0x40"]);
}

#[test]
fn names_are_made_printable_and_clipped() {
    let long = "x".repeat(1000);
    let table = encode(&[input(0, 4, "a\u{1b}[2Jé"), input(4, 4, &long)], 8).unwrap();
    let table = SymbolTable::parse(&table).unwrap();
    assert_eq!(table.lookup(0).unwrap().name.to_string(), "a?[2J?");
    let name = table.lookup(4).unwrap().name.to_string();
    assert_eq!(name.len(), NAME_MAX_BYTES);
    assert!(name.ends_with("xxx..."));
}

#[test]
fn empty_table() {
    let table = encode(&[], 0).unwrap();
    let table = SymbolTable::parse(&table).unwrap();
    assert!(table.is_empty());
    assert!(table.lookup(0).is_none());
}

#[test]
fn refuses_what_is_no_table() {
    let good = encode(&[input(0x1000, 4, "f")], 0x1004).unwrap();
    assert_eq!(SymbolTable::parse(&[]).unwrap_err(), ParseError::TooShort);
    assert_eq!(SymbolTable::parse(&[0; 64]).unwrap_err(), ParseError::NoMagic);
    let cut = SymbolTable::parse(&good[..good.len() - 1]).unwrap_err();
    assert_eq!(cut, ParseError::Truncated { claimed_bytes: good.len() as u32 });
    let mut other = good.clone();
    other[4] = 9;
    assert_eq!(SymbolTable::parse(&other).unwrap_err(), ParseError::Version(9));
    let mut many = good.clone();
    many[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(SymbolTable::parse(&many).unwrap_err(), ParseError::BadOffsets);
}

#[test]
fn typical_names_shrink() {
    let parts =
        ["nex_hv", "sched", "console", "memory", "Space", "map", "unmap", "write", "core::fmt", "Guest"];
    let symbols: Vec<Input> = (0..1000u32)
        .map(|i| {
            let part = |n: u32| parts[(i / n % 10) as usize];
            input(
                i * 64,
                60,
                &format!("<{}::{}::{} as {}::Trait>::call_{i}", part(1), part(3), part(7), part(13)),
            )
        })
        .collect();
    let plain: usize = symbols.iter().map(|symbol| symbol.name.len() + 8).sum();
    let table = encode(&symbols, 64_000).unwrap();
    assert!(table.len() * 5 < plain * 2, "{} of {plain} bytes", table.len());
}

fn symbols() -> impl Strategy<Value = Vec<Input>> {
    let name = "[a-z_]{1,4}(::[a-zA-Z<>]{1,12}){0,3}";
    prop::collection::vec((0u32..100_000, 1u32..300, name), 0..80)
        .prop_map(|all| all.into_iter().map(|(start, size, name)| Input { start, size, name }).collect())
}

proptest! {
    #[test]
    fn every_symbol_comes_back(symbols in symbols()) {
        let bytes = encode(&symbols, 200_000).unwrap();
        let table = SymbolTable::parse(&bytes).unwrap();
        prop_assert_eq!(table.total_bytes(), bytes.len());
        for symbol in &symbols {
            let found = table.lookup(symbol.start).expect("its first byte");
            prop_assert_eq!(found.start, symbol.start);
            prop_assert_eq!(found.offset, 0);
            // Another symbol at the same address may have been kept, but then it is one of the input.
            let kept = |s: &Input| s.start == found.start && s.size == found.size && found.name == *s.name;
            prop_assert!(symbols.iter().any(kept));
        }
        prop_assert!(table.iter().map(|s| s.start).is_sorted());
    }

    #[test]
    fn lookup_agrees_with_a_plain_search(symbols in symbols(), addr in 0u32..120_000) {
        let bytes = encode(&symbols, 200_000).unwrap();
        let table = SymbolTable::parse(&bytes).unwrap();
        let expected = table.iter().filter(|s| s.start <= addr).last()
            .filter(|s| addr - s.start < s.size).map(|s| s.start);
        prop_assert_eq!(table.lookup(addr).map(|s| s.start), expected);
    }

    #[test]
    fn damaged_tables_never_panic(
        symbols in symbols(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        addr in any::<u32>(),
    ) {
        let mut bytes = encode(&symbols, 200_000).unwrap();
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for table in [&bytes[..], &bytes[..cut.index(bytes.len())]].into_iter().flat_map(SymbolTable::parse) {
            for addr in [addr, addr % 100_000] {
                if let Some(symbol) = table.lookup(addr) {
                    prop_assert!(symbol.offset < symbol.size);
                    prop_assert!(symbol.name.to_string().len() <= NAME_MAX_BYTES);
                }
            }
            prop_assert!(table.iter().count() <= table.len());
            table.find("nothing");
        }
    }

    #[test]
    fn noise_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 32..700)) {
        bytes[..8].copy_from_slice(b"NEXS\x01\x00\x10\x00");
        if let Ok(table) = SymbolTable::parse(&bytes) {
            prop_assert!(table.iter().count() <= table.len());
        }
    }
}
