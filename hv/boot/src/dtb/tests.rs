use proptest::prelude::*;

use super::*;
use crate::bootinfo::Bank;
use crate::testing::{changes, damaged};

const QEMU: &[u8] = include_bytes!("../../fixtures/qemu-virt-a15.dtb");
const BOARD: &[u8] = include_bytes!("../../fixtures/board.dtb");

fn tree(blob: &[u8]) -> Tree<'_> {
    Tree::new(blob).unwrap()
}

#[test]
fn qemu_virt_has_its_devices_where_they_are() {
    let tree = tree(QEMU);
    let uart = tree.find_compatible(&["arm,pl011"]).unwrap();
    assert_eq!(uart.name(), "pl011@9000000");
    assert_eq!(uart.reg(0), Some(Bank { start: 0x0900_0000, bytes: 0x1000 }));
    assert_eq!(uart.reg(1), None);
    let interrupt = uart.interrupt(0).unwrap();
    assert_eq!(interrupt, GicInterrupt { kind: InterruptKind::Spi, number: 1, flags: 4 });
    assert_eq!((interrupt.intid(), interrupt.is_edge()), (33, false));
    assert_eq!(uart.interrupt(1), None);

    let gic = tree.find_compatible(&["arm,gic-400", "arm,cortex-a15-gic"]).unwrap();
    assert_eq!(gic.reg(0), Some(Bank { start: 0x0800_0000, bytes: 0x1_0000 }));
    assert_eq!(gic.reg(1), Some(Bank { start: 0x0801_0000, bytes: 0x1_0000 }));
    // Below the GIC, whose `ranges` is empty.
    let frame = tree.find_compatible(&["arm,gic-v2m-frame"]).unwrap();
    assert_eq!(frame.reg(0), Some(Bank { start: 0x0802_0000, bytes: 0x1000 }));

    let timer = tree.find_compatible(&["arm,armv7-timer"]).unwrap();
    let intids: Vec<u32> = (0..).map_while(|n| timer.interrupt(n)).map(|i| i.intid()).collect();
    assert_eq!(intids, [29, 30, 27, 26]);
    assert_eq!(timer.interrupt(0).unwrap().kind, InterruptKind::Ppi);
    assert_eq!(timer.interrupt(0).unwrap().flags, 0x104);
    assert!(timer.property("always-on").is_some());

    let psci = tree.find_compatible(&["arm,psci-0.2"]).unwrap();
    assert_eq!(psci.property_str("method"), Some("hvc"));
    assert_eq!(psci.property_u32("cpu_on"), Some(0x8400_0003));
    assert_eq!(tree.find_compatible(&["arm,pl050"]).map(|device| device.name()), None);
    assert_eq!(tree.stdout_path(), Some("/pl011@9000000"));
    assert_eq!(tree.stdout().unwrap().name(), "pl011@9000000");
    assert_eq!(tree.node("/cpus/cpu").unwrap().property_str("compatible"), Some("arm,cortex-a15"));
    assert_eq!(tree.node("/cpus/cpu@1").map(|device| device.name()), None);
}

#[test]
fn all_of_a_kind_are_found() {
    let tree = tree(QEMU);
    let mut starts = Vec::new();
    assert!(
        tree.find_all_compatible(&["virtio,mmio"], &mut |device| {
            starts.push(device.reg(0).unwrap().start);
            assert_eq!(device.interrupt(0).unwrap().number as usize, 15 + starts.len());
            assert!(device.interrupt(0).unwrap().is_edge());
            true
        })
        .is_none()
    );
    assert_eq!(starts, (0..32).map(|slot| 0x0a00_0000 + slot * 0x200).collect::<Vec<_>>());
}

#[test]
fn buses_translate_and_disabled_devices_stay_hidden() {
    let tree = tree(BOARD);
    let uart = tree.find_compatible(&["nex,uart"]).unwrap();
    assert_eq!(uart.name(), "serial@1,6000");
    // 0x1_00006000 -> 0x16000 in `outer` -> 0x70006000.
    assert_eq!(uart.reg(0), Some(Bank { start: 0x7000_6000, bytes: 0x40 }));
    assert_eq!(uart.reg(1), None, "runs past the end of the range");
    assert_eq!(uart.reg(2), None, "no range covers it");
    assert_eq!(uart.reg(3), None);
    assert_eq!(uart.interrupt(0).unwrap().intid(), 68);
    assert_eq!(uart.interrupt(1).unwrap().intid(), 29);
    assert_eq!(uart.interrupt(2), None, "no such SPI");
    assert_eq!(uart.interrupt(3), None, "no such kind");
    assert_eq!(uart.property_u32("clock-frequency"), Some(216_000_000));
    assert_eq!(uart.property_u32("reg"), None, "more than one cell");
    assert_eq!(tree.find_compatible(&["nex,eeprom"]).unwrap().reg(0), None, "no way up without ranges");
    assert!(tree.find_compatible(&["nex,hidden"]).is_none(), "its bus is disabled");
    assert_eq!(tree.stdout_path(), Some("serial0:115200n8"));
    assert_eq!(tree.stdout().unwrap().name(), "serial@1,6000");
    assert_eq!(tree.node("/").unwrap().name(), "");
    assert!(tree.node("").is_none() && tree.node("uart").is_none());
    assert_eq!(tree.node("//outer//inner@10000/serial").unwrap().name(), "serial@1,6000");
    assert!(tree.node("/outer/serial@1,6000").is_none());
    assert_eq!(tree.memory_reservations().collect::<Vec<_>>(), [(0x1000, 0x1000), (0x2000, 0x1000)]);
}

#[test]
fn names_longer_than_the_specification_allows_are_read() {
    let pmc = tree(BOARD).find_compatible(&["nvidia,tegra20-pmc"]).unwrap();
    assert_eq!(pmc.property("nvidia,core-power-req-active-high"), Some(&[][..]));
}

/// A blob around a structure block, with the string "a" at 0.
fn blob(structure: &[u32]) -> Vec<u8> {
    let words = |list: &[u32]| list.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let struct_bytes = 4 * structure.len() as u32;
    let total = 56 + struct_bytes + 4;
    let header = [MAGIC, total, 56, 56 + struct_bytes, 40, 17, 16, 0, 4, struct_bytes];
    [words(&header), vec![0; 16], words(structure), b"a\0\0\0".to_vec()].concat()
}

#[test]
fn structure_errors_are_told() {
    let check = |structure: &[u32]| Tree::new(&blob(structure)).err();
    let bad = |offset| Some(DtbError::Structure { offset });
    assert_eq!(check(&[4, 1, 0, 4, 3, 0, 0, 2, 4, 9]), None);
    assert_eq!(check(&[1, 0, 2]), bad(12), "no end");
    assert_eq!(check(&[1, 0, 9]), bad(8), "end within the root");
    assert_eq!(check(&[9]), bad(0), "no root");
    assert_eq!(check(&[]), bad(0));
    assert_eq!(check(&[1, 0, 2, 1, 0, 2, 9]), bad(12), "two roots");
    assert_eq!(check(&[1, 0, 1, 0x6100_0000, 2, 3, 0, 0, 2, 9]), bad(20), "property after a child");
    assert_eq!(check(&[1, 0, 3, 5, 0, 0, 7, 2, 9]), None, "a value of five bytes fills eight");
    assert_eq!(check(&[1, 0, 3, 5, 0, 0, 2, 9]), bad(28), "the value covers the end of the root");
    assert_eq!(check(&[1, 0, 3, 100, 0, 0, 2, 9]), bad(8), "value past the end");
    assert_eq!(check(&[1, 0, 3, u32::MAX, 0, 0, 2, 9]), bad(8));
    assert_eq!(check(&[1, 0, 3, 0, 4, 2, 9]), bad(8), "name past the end");
    assert_eq!(check(&[1, 0x6101_0000, 2, 9]), bad(0), "control character in a name");
    assert_eq!(check(&[1, 0, 7, 2, 9]), bad(8), "unknown token");

    let nested = |depth: usize| [[1, 0].repeat(depth), vec![2; depth], vec![9]].concat();
    assert_eq!(check(&nested(MAX_DEPTH)), None);
    assert_eq!(check(&nested(MAX_DEPTH + 1)), Some(DtbError::TooDeep { offset: 8 * MAX_DEPTH }));
}

#[test]
fn header_errors_are_told() {
    let with = |index: usize, value: u32| {
        let mut bytes = QEMU.to_vec();
        bytes[4 * index..4 * index + 4].copy_from_slice(&value.to_be_bytes());
        Tree::new(&bytes).err()
    };
    assert_eq!(with(0, 1), Some(DtbError::Magic));
    assert_eq!(with(1, 39), Some(DtbError::Header("totalsize")));
    assert_eq!(with(1, QEMU.len() as u32 + 1), Some(DtbError::Truncated));
    assert_eq!(with(2, u32::MAX), Some(DtbError::Header("off_dt_struct")));
    assert_eq!(with(8, u32::MAX), Some(DtbError::Header("off_dt_strings")));
    assert_eq!(with(4, 0x10_0000), Some(DtbError::Header("off_mem_rsvmap")));
    assert_eq!(with(5, 16), Some(DtbError::Version(16)));
    assert_eq!(with(6, 18), Some(DtbError::Version(17)));
    assert_eq!(Tree::new(&QEMU[..39]).err(), Some(DtbError::Truncated));
    assert_eq!(Tree::new(&[]).err(), Some(DtbError::Truncated));
    // A reservation block that never says 0, 0.
    let mut endless = QEMU.to_vec();
    let at = endless.len();
    endless[16..20].copy_from_slice(&(at as u32).to_be_bytes());
    endless.extend([0xff; 16 * 100]);
    let total = endless.len() as u32;
    endless[4..8].copy_from_slice(&total.to_be_bytes());
    assert_eq!(Tree::new(&endless).err(), Some(DtbError::Reservations));
}

/// Asks a tree everything, and gives the nodes and properties seen.
fn ask_everything(tree: &Tree<'_>) -> Vec<String> {
    let mut seen = Vec::new();
    tree.walk(&mut |path| {
        let device = tree.device(path.clone());
        let banks = (0..4).map(|n| device.reg(n)).collect::<Vec<_>>();
        let interrupts = (0..4).map(|n| device.interrupt(n)).collect::<Vec<_>>();
        let reg = device.property("reg").map(<[u8]>::to_vec);
        seen.push(format!("{} {} {reg:?}", path.len(), device.name()));
        let _ = (banks, interrupts, device.property_u32("phandle"), device.is_compatible(&["x"]));
        Visit::Enter
    });
    let _ =
        (tree.stdout(), tree.find_compatible(&["arm,pl011", "nex,uart"]), tree.node("/outer/inner/serial"));
    seen
}

/// The same list from dtoolkit, an independent reader. `None` if it refuses the blob.
fn by_dtoolkit(blob: &[u8]) -> Option<Vec<String>> {
    use dtoolkit::{Node as _, Property as _};
    fn visit(node: dtoolkit::fdt::FdtNode<'_>, depth: usize, seen: &mut Vec<String>) {
        let reg = node.property("reg").map(|property| property.value().to_vec());
        seen.push(format!("{depth} {} {reg:?}", node.name()));
        for child in node.children() {
            visit(child, depth + 1, seen);
        }
    }
    let mut seen = Vec::new();
    visit(dtoolkit::fdt::Fdt::new(blob).ok()?.root(), 1, &mut seen);
    Some(seen)
}

#[test]
fn an_independent_reader_sees_the_same_tree() {
    assert_eq!(Some(ask_everything(&tree(QEMU))), by_dtoolkit(QEMU));
    assert_eq!(by_dtoolkit(BOARD), None, "it refuses the long name; if this fails, it has learned it");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn damaged_trees_do_no_harm(changes in changes(), board: bool) {
        let bytes = damaged(if board { BOARD } else { QEMU }, &changes);
        if let Ok(tree) = Tree::new(&bytes) {
            let seen = ask_everything(&tree);
            let total = u32::from_be_bytes(bytes[4..8].try_into().unwrap()) as usize;
            if let Some(others) = by_dtoolkit(&bytes[..total]) {
                prop_assert_eq!(seen, others);
            }
        }
    }

    #[test]
    fn noise_is_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..400), with_magic: bool) {
        if with_magic && bytes.len() >= 4 {
            bytes[..4].copy_from_slice(&MAGIC.to_be_bytes());
        }
        prop_assert!(Tree::new(&bytes).is_err());
    }
}
