use vm_fdt::FdtWriter;

use super::*;

/// A tree as Nex makes it, with `chosen` and the memory's `reg` filled in by the caller.
fn tree(cells: (u32, u32), reg: &[u32], chosen: impl FnOnce(&mut FdtWriter)) -> Vec<u8> {
    let mut fdt = FdtWriter::new().unwrap();
    let root = fdt.begin_node("").unwrap();
    fdt.property_u32("#address-cells", cells.0).unwrap();
    fdt.property_u32("#size-cells", cells.1).unwrap();
    let memory = fdt.begin_node("memory@40000000").unwrap();
    fdt.property_string("device_type", "memory").unwrap();
    fdt.property_array_u32("reg", reg).unwrap();
    fdt.end_node(memory).unwrap();
    let node = fdt.begin_node("chosen").unwrap();
    chosen(&mut fdt);
    fdt.end_node(node).unwrap();
    fdt.end_node(root).unwrap();
    fdt.finish().unwrap()
}

const FOUR_MIB: [u32; 4] = [0, 0x4000_0000, 0, 0x40_0000];

#[test]
fn reads_what_nex_writes() {
    let blob = tree((2, 2), &FOUR_MIB, |fdt| {
        fdt.property_string("bootargs", "mode=svc id=7").unwrap();
        fdt.property_u32("linux,initrd-start", 0x4010_0000).unwrap();
        fdt.property_u64("linux,initrd-end", 0x4010_0400).unwrap();
    });
    let tree = DeviceTree::new(&blob).unwrap();
    assert_eq!(tree.bootargs(), Ok(Some("mode=svc id=7")));
    assert_eq!(tree.memory(), Ok(Memory { base: 0x4000_0000, bytes: 0x40_0000 }));
    assert_eq!(tree.initrd(), Ok(Some(0x4010_0000..0x4010_0400)));
}

#[test]
fn the_blob_may_be_followed_by_anything() {
    let mut blob = tree((2, 2), &FOUR_MIB, |_| ());
    blob.resize(DTB_MAX_BYTES as usize, 0xa5);
    assert_eq!(DeviceTree::new(&blob).unwrap().memory().unwrap().bytes, 0x40_0000);
}

#[test]
fn absence_is_not_an_error() {
    let blob = tree((1, 1), &[0x4000_0000, 0x1000], |_| ());
    let tree = DeviceTree::new(&blob).unwrap();
    assert_eq!(tree.bootargs(), Ok(None));
    assert_eq!(tree.initrd(), Ok(None));
    assert_eq!(tree.memory(), Ok(Memory { base: 0x4000_0000, bytes: 0x1000 }));
}

#[test]
fn memory_that_makes_no_sense_is_refused() {
    let bad = Err(DeviceTreeError::Bad("/memory/reg"));
    for (cells, reg) in [
        ((2, 2), &[0, 0x4000_0000, 0, 0][..]), // empty
        ((2, 2), &[1, 0, 0, 0x1000]),          // base above 4 GiB
        ((1, 1), &[0xffff_f000, 0x2000]),      // end above 4 GiB
        ((2, 2), &[0, 0x4000_0000, 0]),        // cut short
        ((2, 2), &[]),                         // nothing
    ] {
        assert_eq!(DeviceTree::new(&tree(cells, reg, |_| ())).unwrap().memory(), bad, "{reg:x?}");
    }
    let blob = tree((3, 1), &FOUR_MIB, |_| ());
    assert_eq!(DeviceTree::new(&blob).unwrap().memory(), Err(DeviceTreeError::Bad("#address-cells")));
    // The end exactly at 4 GiB is a range like any other.
    let blob = tree((1, 1), &[0xffff_f000, 0x1000], |_| ());
    assert_eq!(DeviceTree::new(&blob).unwrap().memory(), Ok(Memory { base: 0xffff_f000, bytes: 0x1000 }));
}

#[test]
fn an_initrd_outside_ram_is_refused() {
    for (start, end) in [
        (0x3fff_f000u64, 0x4000_1000u64),
        (0x4000_0000, 0x4040_0001),
        (0x4000_2000, 0x4000_1000),
        (0x4000_2000, 0x3000_0000),
        (0x1_4000_0000, 0x1_4000_1000),
    ] {
        let blob = tree((2, 2), &FOUR_MIB, |fdt| {
            fdt.property_u64("linux,initrd-start", start).unwrap();
            fdt.property_u64("linux,initrd-end", end).unwrap();
        });
        assert!(DeviceTree::new(&blob).unwrap().initrd().is_err(), "{start:#x}..{end:#x}");
    }
    let half = tree((2, 2), &FOUR_MIB, |fdt| fdt.property_u32("linux,initrd-start", 0x4010_0000).unwrap());
    assert!(DeviceTree::new(&half).unwrap().initrd().is_err());
}

#[test]
fn bootargs_that_are_no_string_are_refused() {
    for value in [&b""[..], b"no nul", b"two\0nuls\0", b"\xff\0"] {
        let blob = tree((2, 2), &FOUR_MIB, |fdt| fdt.property("bootargs", value).unwrap());
        assert!(DeviceTree::new(&blob).unwrap().bootargs().is_err(), "{value:?}");
    }
}

#[test]
fn a_damaged_or_missing_tree_is_refused() {
    let good = tree((2, 2), &FOUR_MIB, |_| ());
    assert_eq!(DeviceTree::new(&[]).err(), Some(DeviceTreeError::NoMagic));
    assert_eq!(DeviceTree::new(&[0; 64]).err(), Some(DeviceTreeError::NoMagic));
    assert_eq!(DeviceTree::new(&good[..good.len() - 1]).err(), Some(DeviceTreeError::Malformed));
    let mut large = good.clone();
    large[4..8].copy_from_slice(&(DTB_MAX_BYTES + 1).to_be_bytes());
    assert_eq!(DeviceTree::new(&large).err(), Some(DeviceTreeError::TooLarge { bytes: DTB_MAX_BYTES + 1 }));
    let mut version = good;
    version[20..24].copy_from_slice(&16u32.to_be_bytes());
    assert_eq!(DeviceTree::new(&version).err(), Some(DeviceTreeError::Malformed));
    // SAFETY: neither address is a multiple of 4 and not 0, so neither is read.
    let refused = unsafe { [DeviceTree::at(0).err(), DeviceTree::at(0x4000_0002).err()] };
    assert_eq!(refused, [Some(DeviceTreeError::NoAddress(0)), Some(DeviceTreeError::NoAddress(0x4000_0002))]);
}

/// Every single-byte change is either refused or still answers all questions without a panic.
#[test]
fn no_changed_byte_panics() {
    let good = tree((2, 2), &FOUR_MIB, |fdt| {
        fdt.property_string("bootargs", "a=b").unwrap();
        fdt.property_u32("linux,initrd-start", 0x4010_0000).unwrap();
        fdt.property_u32("linux,initrd-end", 0x4010_0400).unwrap();
    });
    let mut refused = 0;
    for at in 0..good.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut blob = good.clone();
            blob[at] ^= change;
            match DeviceTree::new(&blob) {
                Err(_) => refused += 1,
                Ok(tree) => {
                    let _ = (tree.bootargs(), tree.memory(), tree.initrd());
                }
            }
        }
    }
    assert!(refused > 0);
}

/// A property whose length leads back to its own start when positions have 32 bits, as they have on the target.
#[test]
fn a_length_that_wraps_round_is_refused() {
    let good = tree((2, 2), &FOUR_MIB, |fdt| fdt.property_string("bootargs", "greeting").unwrap());
    let value = good.windows(8).position(|window| window == b"greeting").unwrap();
    for back in [4u32, 8, 12, 16] {
        let mut blob = good.clone();
        blob[value - 8..value - 4].copy_from_slice(&back.wrapping_neg().to_be_bytes());
        assert_eq!(DeviceTree::new(&blob).err(), Some(DeviceTreeError::Malformed));
    }
}

#[test]
fn paths_name_nodes() {
    let mut fdt = FdtWriter::new().unwrap();
    let root = fdt.begin_node("").unwrap();
    fdt.property_u32("x", 0).unwrap();
    for (name, inner, values) in [("a@1", "b", [1, 2]), ("a@2", "b", [3, 4]), ("ab", "b@7", [5, 6])] {
        let outer = fdt.begin_node(name).unwrap();
        fdt.property_u32("x", values[0]).unwrap();
        let inner = fdt.begin_node(inner).unwrap();
        fdt.property_u32("x", values[1]).unwrap();
        fdt.property_u32("only-inside", values[1]).unwrap();
        fdt.end_node(inner).unwrap();
        fdt.end_node(outer).unwrap();
    }
    fdt.end_node(root).unwrap();
    let blob = fdt.finish().unwrap();
    let tree = DeviceTree::new(&blob).unwrap();
    let x = |path| tree.property(path, "x").map(|value| value[3]);
    for (path, expected) in [
        ("/", Some(0)),
        ("/a", Some(1)),
        ("/a@1/b", Some(2)),
        ("/a@2", Some(3)),
        ("/a@2/b", Some(4)),
        ("/ab", Some(5)),
        ("/ab/b", Some(6)),
        ("/b", None),
        ("/a/b/c", None),
        ("/a@3", None),
    ] {
        assert_eq!(x(path), expected, "{path}");
    }
    assert_eq!(tree.property("/a", "only-inside"), None);
    assert_eq!(tree.property("/", "y"), None);
}
