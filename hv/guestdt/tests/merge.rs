//! Trees from a boot volume.

mod common;

use common::{GUEST, Node};
use dtoolkit::fdt::Fdt;
use nex_boot::dtb::{DtbError, Tree};
use nex_guestdt::{Error, Guest, MAX_BYTES, merge, platform};
use proptest::prelude::*;

const QEMU: &[u8] = include_bytes!("../../boot/fixtures/qemu-virt-a15.dtb");
const BOARD: &[u8] = include_bytes!("../../boot/fixtures/board.dtb");

const ASKED: Guest<'static> =
    Guest { cmdline: "console=ttyAMA0", initrd: Some((0x4800_0000, 0x4812_3456)), ..GUEST };

fn base(name: &str) -> &str {
    name.split('@').next().unwrap()
}

fn is_ours(name: &str) -> bool {
    ["memory", "psci", "hypervisor"].contains(&base(name))
}

/// What [`merge`] must make of `node`, said in another way: on the model, in whole nodes.
fn expected(volume: &Node, guest: &Guest<'_>) -> Node {
    let mut root = volume.clone();
    let ours = Node::of(&platform(guest).unwrap());
    let mut seen = false;
    root.children.retain(|child| {
        !is_ours(&child.name) && (base(&child.name) != "chosen" || !std::mem::replace(&mut seen, true))
    });
    if !seen {
        root.children.push(Node { name: "chosen".into(), ..Node::default() });
    }
    let chosen = root.children.iter_mut().find(|child| base(&child.name) == "chosen").unwrap();
    chosen.properties.retain(|(name, _)| {
        !name.starts_with("linux,initrd-") && (name != "bootargs" || guest.cmdline.is_empty())
    });
    for name in ["bootargs", "linux,initrd-start", "linux,initrd-end"] {
        if let Some(value) = ours.find("/chosen").unwrap().property(name) {
            chosen.properties.push((name.into(), value.into()));
        }
    }
    let cells = |name, default: usize| volume.property(name).map_or(default, |value| usize::from(value[3]));
    let number = |value: u32, cells: usize| u64::from(value).to_be_bytes()[8 - 4 * cells..].to_vec();
    let mut memory = ours.find("/memory@40000000").unwrap().clone();
    memory.properties.iter_mut().find(|(name, _)| name == "reg").unwrap().1 =
        [number(0x4000_0000, cells("#address-cells", 2)), number(guest.ram_bytes, cells("#size-cells", 1))]
            .concat();
    root.children.push(memory);
    root.children.push(ours.find("/psci").unwrap().clone());
    root.children.push(ours.find("/hypervisor").unwrap().clone());
    root
}

#[test]
fn qemus_tree_keeps_its_devices() {
    let merged = merge(QEMU, &ASKED).unwrap();
    let tree = Tree::new(&merged).unwrap();
    assert_eq!(tree.find_compatible(&["arm,pl061"]).unwrap().name(), "pl061@9030000");
    assert_eq!(tree.node("/memory").unwrap().reg(0).unwrap().bytes, 256 << 20);
    Fdt::new(&merged).unwrap();
    let chosen = tree.node("/chosen").unwrap();
    assert_eq!(chosen.property_str("stdout-path"), Some("/pl011@9000000"));
    assert_eq!(chosen.property_str("bootargs"), Some("console=ttyAMA0"));
    assert_eq!(chosen.property_u32("linux,initrd-end"), Some(0x4812_3456));
    assert_eq!(tree.node("/psci").unwrap().property_u32("cpu_on"), None);
    assert_eq!(Node::of(&merged), expected(&Node::of(QEMU), &ASKED));
}

#[test]
fn a_boards_tree_keeps_long_names_and_reservations() {
    let merged = merge(BOARD, &ASKED).unwrap();
    let (before, after) = (Tree::new(BOARD).unwrap(), Tree::new(&merged).unwrap());
    let reservations: Vec<_> = before.memory_reservations().collect();
    assert!(!reservations.is_empty());
    assert_eq!(after.memory_reservations().collect::<Vec<_>>(), reservations);
    assert_eq!(Node::of(&merged), expected(&Node::of(BOARD), &ASKED));
}

#[test]
fn the_volumes_command_line_stays_if_the_domain_has_none() {
    let bootargs = ("bootargs".into(), b"quiet\0".to_vec());
    let seed = ("rng-seed".into(), vec![1, 2, 3]);
    let below = Node { name: "framebuffer".into(), ..Node::default() };
    let chosen = Node {
        name: "chosen".into(),
        properties: vec![bootargs.clone(), seed.clone()],
        children: vec![below],
    };
    let root = Node { children: vec![chosen.clone()], ..Node::default() };
    let merged = Node::of(&merge(&root.blob(&[]), &GUEST).unwrap());
    assert_eq!(merged.find("/chosen"), Some(&chosen));

    let merged = Node::of(&merge(&root.blob(&[]), &Guest { cmdline: "loud", ..GUEST }).unwrap());
    let chosen = merged.find("/chosen").unwrap();
    assert_eq!(chosen.properties, [seed, ("bootargs".into(), b"loud\0".to_vec())]);
    assert_eq!(chosen.children[0].name, "framebuffer");
}

#[test]
fn nodes_of_these_names_deeper_down_stay() {
    let node = |name: &str, children| Node { name: name.into(), children, ..Node::default() };
    let soc = node("soc", vec![node("memory@1", vec![]), node("chosen", vec![]), node("psci", vec![])]);
    let lost = node("memory@80000000", vec![node("deep", vec![node("deeper", vec![])])]);
    let root = node("", vec![lost, soc.clone(), node("memory-controller@0", vec![])]);
    let merged = Node::of(&merge(&root.blob(&[]), &GUEST).unwrap());
    let names: Vec<_> = merged.children.iter().map(|child| &child.name[..]).collect();
    assert_eq!(names, ["soc", "memory-controller@0", "chosen", "memory@40000000", "psci", "hypervisor"]);
    assert_eq!(merged.children[0], soc);
}

#[test]
fn what_cannot_be_merged_is_refused() {
    assert_eq!(merge(b"", &GUEST), Err(Error::Damaged(DtbError::Truncated)));
    assert_eq!(merge(&QEMU[..QEMU.len() / 2], &GUEST), Err(Error::Damaged(DtbError::Truncated)));
    assert_eq!(merge(QEMU, &Guest { cmdline: "\0", ..GUEST }), Err(Error::Nul));
    let cells = |value: &[u8]| {
        let properties = vec![("#size-cells".into(), value.to_vec())];
        merge(&Node { properties, ..Node::default() }.blob(&[]), &GUEST)
    };
    assert_eq!(cells(&[0, 0, 0, 3]), Err(Error::Cells(3)));
    assert_eq!(cells(&[0, 0, 0, 0]), Err(Error::Cells(0)));
    assert_eq!(cells(&[0, 0, 0]), Err(Error::Cells(u32::MAX)));
    assert!(cells(&[0, 0, 0, 2]).is_ok());
    let properties = vec![("large".into(), vec![0; MAX_BYTES])];
    assert_eq!(merge(&Node { properties, ..Node::default() }.blob(&[]), &GUEST), Err(Error::TooLarge));
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z][a-z0-9,._+-]{0,40}",
        2 => "(memory|chosen|psci|hypervisor|cpus|soc)(@[0-9a-f]{1,8})?",
    ]
}

fn property() -> impl Strategy<Value = (String, Vec<u8>)> {
    let name = prop_oneof![3 => "[a-z#,-]{1,40}", 1 => "bootargs|linux,initrd-(start|end)|stdout-path|reg"];
    (name, proptest::collection::vec(any::<u8>(), 0..40))
}

fn tree() -> impl Strategy<Value = Node> {
    let properties = || proptest::collection::vec(property(), 0..4);
    let leaf =
        (name(), properties()).prop_map(|(name, properties)| Node { name, properties, children: vec![] });
    let node = leaf.prop_recursive(4, 24, 5, move |inner| {
        (name(), properties(), proptest::collection::vec(inner, 0..5))
            .prop_map(|(name, properties, children)| Node { name, properties, children })
    });
    let cells = proptest::option::of(1..=2u8);
    (proptest::collection::vec(node, 0..6), properties(), cells.clone(), cells).prop_map(
        |(children, mut properties, address, size)| {
            for (name, cells) in [("#address-cells", address), ("#size-cells", size)] {
                properties.extend(cells.map(|cells| (name.into(), vec![0, 0, 0, cells])));
            }
            Node { name: String::new(), properties, children }
        },
    )
}

fn guest() -> impl Strategy<Value = (u32, String, Option<(u32, u32)>)> {
    (1..3072u32, prop_oneof![Just(String::new()), "[ -~]{0,80}"], any::<Option<(u32, u32)>>())
}

proptest! {
    #[test]
    fn only_what_is_ours_changes(
        volume in tree(),
        (mib, cmdline, initrd) in guest(),
        reservations in proptest::collection::vec((any::<u64>(), 1..u64::MAX), 0..4),
    ) {
        let guest = Guest { ram_bytes: mib << 20, cmdline: &cmdline, initrd, ..GUEST };
        let merged = merge(&volume.blob(&reservations), &guest).unwrap();
        prop_assert_eq!(Node::of(&merged), expected(&volume, &guest));
        let tree = Tree::new(&merged).unwrap();
        prop_assert_eq!(tree.memory_reservations().collect::<Vec<_>>(), reservations);
        prop_assert_eq!(merge(&merged, &guest).unwrap(), merged);
    }

    #[test]
    fn damage_is_refused_or_makes_another_tree(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let mut blob = BOARD.to_vec();
        for (at, byte) in changes {
            let at = at.index(blob.len());
            blob[at] = byte;
        }
        if let Some(cut) = cut {
            blob.truncate(cut.index(blob.len()));
        }
        if let Ok(merged) = merge(&blob, &ASKED) {
            let tree = Tree::new(&merged).unwrap();
            prop_assert_eq!(tree.node("/chosen").unwrap().property_str("bootargs"), Some("console=ttyAMA0"));
            prop_assert_eq!(merge(&merged, &ASKED).unwrap(), merged);
        }
    }
}
