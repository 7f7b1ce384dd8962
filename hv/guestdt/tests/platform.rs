//! The tree of the virtual platform, against QEMU's own and another parser.

mod common;

use common::{GUEST, Node};
use dtoolkit::fdt::Fdt;
use nex_boot::dtb::{InterruptKind, Tree};
use nex_guestdt::{Error, Guest, cpu_compatible, platform, pmu_compatible};
use proptest::prelude::*;

/// `qemu-system-arm -M virt -cpu cortex-a15`, QEMU 7.2.
const QEMU: &[u8] = include_bytes!("../../boot/fixtures/qemu-virt-a15.dtb");

/// Where ours differs from QEMU's on purpose: node, property, why.
const DIFFERENT: [(&str, &str, &str); 14] = [
    ("/", "model", "says who makes the machine"),
    ("/", "compatible", "likewise"),
    ("/", "interrupt-parent", "other number of the same node"),
    ("/intc@8000000", "phandle", "likewise"),
    ("/apb-pclk", "phandle", "likewise"),
    ("/pl011@9000000", "clocks", "likewise"),
    ("/pl031@9010000", "clocks", "likewise"),
    ("/intc@8000000", "#address-cells", "no message frame below it"),
    ("/intc@8000000", "reg", "the size of what is there"),
    ("/timer", "interrupts", "no timer of a hypervisor"),
    ("/psci", "compatible", "no PSCI 0.1"),
    ("/chosen", "bootargs", "the domain's"),
    ("/cpus/cpu@0", "enable-method", "QEMU has it only for several CPUs"),
    ("/flash@4000000", "reg", "the first bank is a ROM"),
];

#[test]
fn what_qemu_has_too_is_the_same() {
    let ours = Node::of(
        &platform(&Guest { cmdline: "console=ttyAMA0", flash_bytes: 0x0400_0000, ..GUEST }).unwrap(),
    );
    let qemu = Node::of(QEMU);
    let mut compared = 0;
    let mut unused: Vec<_> = DIFFERENT.iter().collect();
    ours.visit("", &mut |path, node| {
        let theirs = qemu.find(&path.replace("flash@4000000", "flash@0"));
        assert!(theirs.is_some() || path == "/hypervisor", "{path} is not in QEMU's tree");
        for (name, value) in &node.properties {
            unused.retain(|(at, what, _)| (*at, *what) != (path, name));
            if DIFFERENT.iter().any(|(at, what, _)| (*at, *what) == (path, name)) {
                continue;
            }
            if let Some(theirs) = theirs {
                assert_eq!(theirs.property(name), Some(&value[..]), "{path}:{name}");
                compared += 1;
            }
        }
    });
    assert!(compared >= 30, "{compared}");
    assert!(unused.is_empty(), "{unused:?} are not there");
}

#[test]
fn drivers_find_their_devices() {
    let blob = platform(&Guest { flash_bytes: 0x8_0000, ..GUEST }).unwrap();
    let tree = Tree::new(&blob).unwrap();
    let place = |compatible: &str, index| {
        tree.find_compatible(&[compatible]).unwrap().reg(index).map(|bank| (bank.start, bank.bytes))
    };
    assert_eq!(place("arm,cortex-a15-gic", 0), Some((0x0800_0000, 0x1000)));
    assert_eq!(place("arm,cortex-a15-gic", 1), Some((0x0801_0000, 0x2000)));
    assert_eq!(place("arm,pl011", 0), Some((0x0900_0000, 0x1000)));
    assert_eq!(place("arm,pl031", 0), Some((0x0901_0000, 0x1000)));
    assert_eq!(place("cfi-flash", 0), Some((0x0400_0000, 0x8_0000)));

    let interrupts = |compatible: &str| {
        let device = tree.find_compatible(&[compatible]).unwrap();
        (0..)
            .map_while(|index| device.interrupt(index))
            .map(|i| (i.kind, i.intid(), i.flags))
            .collect::<Vec<_>>()
    };
    assert_eq!(interrupts("arm,pl011"), [(InterruptKind::Spi, 33, 4)]);
    assert_eq!(interrupts("arm,pl031"), [(InterruptKind::Spi, 34, 4)]);
    // Secure, physical, virtual: the order is the binding's.
    let ppi = |intid| (InterruptKind::Ppi, intid, 0x104);
    assert_eq!(interrupts("arm,armv7-timer"), [ppi(29), ppi(30), ppi(27)]);
    assert_eq!(tree.stdout().unwrap().name(), "pl011@9000000");
    assert_eq!(tree.node("/psci").unwrap().property_str("method"), Some("hvc"));
}

#[test]
fn what_is_not_there_is_not_in_the_tree() {
    let blob = platform(&GUEST).unwrap();
    let tree = Tree::new(&blob).unwrap();
    for compatible in
        ["cfi-flash", "virtio,mmio", "arm,gic-v2m-frame", "pci-host-ecam-generic", "arm,cortex-a15-pmu"]
    {
        assert!(tree.find_compatible(&[compatible]).is_none(), "{compatible}");
    }
    let chosen = tree.node("/chosen").unwrap();
    assert_eq!(chosen.property("bootargs"), None);
    assert_eq!(chosen.property("linux,initrd-start"), None);
}

#[test]
fn every_cpu_has_its_node_and_its_timer_interrupts() {
    let blob =
        platform(&Guest { cpus: 4, cpu: "arm,cortex-a7", pmu: Some("arm,cortex-a7-pmu"), ..GUEST }).unwrap();
    let tree = Tree::new(&blob).unwrap();
    for mpidr in 0..4 {
        let cpu = tree.node(&format!("/cpus/cpu@{mpidr}")).unwrap();
        assert_eq!(cpu.property_u32("reg"), Some(mpidr));
        assert_eq!(cpu.property_str("compatible"), Some("arm,cortex-a7"));
        assert_eq!(cpu.property_str("enable-method"), Some("psci"));
    }
    assert!(tree.node("/cpus/cpu@4").is_none());
    assert_eq!(tree.find_compatible(&["arm,armv7-timer"]).unwrap().interrupt(1).unwrap().flags, 0xf04);
    assert_eq!(tree.find_compatible(&["arm,cortex-a7-pmu"]).unwrap().name(), "pmu");
    // No CPU at all, and more than there can be: the nearest that makes sense.
    let count = |cpus| {
        let node = Node::of(&platform(&Guest { cpus, ..GUEST }).unwrap());
        node.find("/cpus").unwrap().children.len()
    };
    assert_eq!((count(0), count(8), count(u32::MAX)), (1, 8, 8));
}

#[test]
fn cores_have_names() {
    assert_eq!(cpu_compatible(0x412f_c0f1), "arm,cortex-a15");
    assert_eq!(cpu_compatible(0x411f_c090), "arm,cortex-a9");
    assert_eq!(cpu_compatible(0x410f_c075), "arm,cortex-a7");
    assert_eq!(cpu_compatible(0x410f_d034), "arm,armv7");
    assert_eq!(pmu_compatible(0x411f_c090), Some("arm,cortex-a9-pmu"));
    assert_eq!(pmu_compatible(0x410f_d034), None);
}

#[test]
fn texts_with_nul_are_refused() {
    assert_eq!(platform(&Guest { cmdline: "a\0b", ..GUEST }), Err(Error::Nul));
    assert_eq!(platform(&Guest { cpu: "\0", ..GUEST }), Err(Error::Nul));
    let long = "x".repeat(nex_guestdt::MAX_BYTES);
    assert_eq!(platform(&Guest { cmdline: &long, ..GUEST }), Err(Error::TooLarge));
}

proptest! {
    #[test]
    fn other_parsers_read_what_was_asked_for(
        ram_mib in 1..3072u32,
        cmdline in "[ -~]{0,1023}",
        initrd in proptest::option::of((any::<u32>(), any::<u32>())),
        cpus in 1..=8u32,
        flash_bytes in prop_oneof![Just(0), 1..0x0400_0000u32],
    ) {
        let guest = Guest { ram_bytes: ram_mib << 20, cmdline: &cmdline, initrd, cpus, flash_bytes, ..GUEST };
        let blob = platform(&guest).unwrap();
        // Room for 16 KiB is kept for it, of which Linux with LPAE uses the last quarter.
        prop_assert!(blob.len() <= 0x3000);
        Fdt::new(&blob).unwrap();
        let tree = Tree::new(&blob).unwrap();
        let memory = tree.node("/memory").unwrap().reg(0).unwrap();
        prop_assert_eq!((memory.start, memory.bytes), (0x4000_0000, u64::from(ram_mib) << 20));
        let chosen = tree.node("/chosen").unwrap();
        prop_assert_eq!(chosen.property_str("bootargs").unwrap_or_default(), &cmdline);
        let start = chosen.property_u32("linux,initrd-start").zip(chosen.property_u32("linux,initrd-end"));
        prop_assert_eq!(start, initrd);
    }
}
