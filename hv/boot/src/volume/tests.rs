use proptest::prelude::*;

use super::*;
use crate::testing::{changes, damaged};

const REGULAR: u32 = 0o100_644;

/// One entry, padded.
fn entry(name: &str, mode: u32, inode: u32, links: u32, data: &[u8]) -> Vec<u8> {
    let fields = [inode, mode, 0, 0, links, 0, data.len() as u32, 8, 1, 0, 0, name.len() as u32 + 1, 0];
    let mut bytes = b"070701".to_vec();
    bytes.extend(fields.iter().flat_map(|field| format!("{field:08X}").into_bytes()));
    bytes.extend(name.as_bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend(entry(TRAILER, 0, 0, 1, &[]));
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    entry(name, REGULAR, name.len() as u32, 1, data)
}

/// As `find . | cpio -o -H newc` makes it.
fn sample() -> Vec<u8> {
    archive(&[
        entry(".", 0o040_755, 1, 2, &[]),
        file("./nex.toml", b"on_idle = \"halt\"\n"),
        entry("./sub", 0o040_755, 2, 2, &[]),
        file("./sub/kernel", &[7; 1001]),
        file("empty", &[]),
    ])
}

#[test]
fn files_are_found_with_and_without_a_leading_dot() {
    let bytes = sample();
    let volume = BootVolume::parse(&bytes).unwrap();
    let names: Vec<&str> = volume.files().iter().map(|file| file.name).collect();
    assert_eq!(names, ["empty", "nex.toml", "sub/kernel"]);
    for name in ["nex.toml", "./nex.toml", "/nex.toml", "././nex.toml"] {
        assert_eq!(volume.file(name).unwrap().data, b"on_idle = \"halt\"\n");
    }
    assert_eq!(volume.file("sub/kernel").unwrap().data, [7; 1001]);
    assert_eq!(volume.file("empty").unwrap().data, []);
    assert!(volume.file("sub").is_none() && volume.file("").is_none() && volume.file(".").is_none());
}

#[test]
fn real_cpio_writes_what_is_read() {
    // Skipped where cpio is not installed; `sample` covers the format.
    let dir = std::env::temp_dir().join(format!("nex-boot-cpio-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("dom0"), [1; 5000]).unwrap();
    std::fs::hard_link(dir.join("dom0"), dir.join("dom1")).unwrap();
    std::fs::write(dir.join("cmdline0"), "console=ttyAMA0\n").unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", "command -v cpio >/dev/null || exit 0; find . | cpio -o -H newc 2>/dev/null"])
        .current_dir(&dir)
        .output();
    std::fs::remove_dir_all(&dir).unwrap();
    let bytes = output.unwrap().stdout;
    if bytes.is_empty() {
        return;
    }
    let volume = BootVolume::parse(&bytes).unwrap();
    assert_eq!(volume.files().len(), 3);
    assert_eq!(volume.file("cmdline0").unwrap().data, b"console=ttyAMA0\n");
    assert_eq!(volume.file("dom0").unwrap().data, [1; 5000]);
    assert_eq!(volume.file("dom1").unwrap().data, [1; 5000]);
}

#[test]
fn hard_links_share_their_data() {
    let linked = |name: &str, data: &[u8]| entry(name, REGULAR, 77, 2, data);
    let bytes = archive(&[linked("a", &[]), file("other", &[1]), linked("b", &[5, 6])]);
    let volume = BootVolume::parse(&bytes).unwrap();
    assert_eq!(volume.file("a").unwrap().data, [5, 6]);
    assert_eq!(volume.file("b").unwrap().data, [5, 6]);
}

#[test]
fn what_is_wrong_is_told() {
    let fails = |bytes: &[u8]| BootVolume::parse(bytes).map(|_| ()).unwrap_err().to_string();
    assert_eq!(BootVolume::parse(&[]).err(), Some(VolumeError::Empty));
    assert_eq!(BootVolume::parse(&[0x1f, 0x8b, 8, 0]).err(), Some(VolumeError::Compressed("gzip")));
    assert_eq!(BootVolume::parse(b"\xfd7zXZ\0abc").err(), Some(VolumeError::Compressed("xz")));
    assert_eq!(BootVolume::parse(&[0x28, 0xb5, 0x2f, 0xfd]).err(), Some(VolumeError::Compressed("zstd")));
    assert_eq!(BootVolume::parse(b"070707000000").err(), Some(VolumeError::OtherCpio("odc")));
    assert_eq!(BootVolume::parse(b"070702000000").err(), Some(VolumeError::OtherCpio("crc")));
    assert_eq!(BootVolume::parse(&[0xc7, 0x71, 0]).err(), Some(VolumeError::OtherCpio("old binary")));
    assert_eq!(BootVolume::parse(b"hello, world").err(), Some(VolumeError::NotCpio));
    assert_eq!(BootVolume::parse(&[0; 512]).err(), Some(VolumeError::NotCpio));
    assert_eq!(BootVolume::parse(b"0707").err(), Some(VolumeError::TruncatedHeader { offset: 0 }));
    assert!(fails(&[0x1f, 0x8b]).contains("unpack it first"));

    let first = file("dom0", &[1; 100]);
    let at = first.len();
    let cut = |len: usize| [first.clone(), file("dom1", &[2; 100])[..len].to_vec()].concat();
    let error = |bytes: &[u8]| format!("{:?}", BootVolume::parse(bytes).err().unwrap());
    assert_eq!(error(&first), "NoTrailer");
    assert_eq!(error(&cut(50)), format!("TruncatedHeader {{ offset: {at} }}"));
    assert_eq!(error(&cut(112)), format!("BadName {{ offset: {at} }}"));
    assert_eq!(error(&cut(156)), "TruncatedData { name: \"dom1\", missing_bytes: 60 }");
    assert_eq!(error(&cut(216)), "NoTrailer");
    assert_eq!(error(&[first.clone(), vec![0; 512]].concat()), format!("BadMagic {{ offset: {at} }}"));
    let mut bad_digit = sample();
    bad_digit[20] = b'g';
    assert_eq!(error(&bad_digit), "BadHeader { offset: 0 }");

    assert_eq!(
        error(&archive(&[file("a", &[1]), file("b", &[1]), file("./a", &[2])])),
        "Duplicate { name: \"a\" }"
    );
    assert_eq!(error(&archive(&[file("./", &[])])), "BadName { offset: 0 }");
    assert_eq!(error(&archive(&[file(&"x".repeat(256), &[])])), "BadName { offset: 0 }");
    assert!(BootVolume::parse(&archive(&[file(&"x".repeat(255), &[])])).is_ok());
    assert_eq!(
        error(&archive(&[entry("l", 0o120_777, 1, 1, b"dom0")])),
        "Special { name: \"l\", kind: Symlink }"
    );
    assert_eq!(
        error(&archive(&[entry("tty", 0o020_600, 1, 1, &[])])),
        "Special { name: \"tty\", kind: Other }"
    );
    let many: Vec<Vec<u8>> = (0..=MAX_FILES).map(|n| file(&format!("f{n}"), &[])).collect();
    assert_eq!(error(&archive(&many)), "TooManyFiles");
    assert!(BootVolume::parse(&archive(&many[1..])).is_ok());
    // A size that would wrap a 32-bit offset.
    let mut huge = sample();
    huge[54..62].copy_from_slice(b"FFFFFFFF");
    assert!(error(&huge).starts_with("TruncatedData"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn damaged_archives_do_no_harm(changes in changes()) {
        let bytes = damaged(&sample(), &changes);
        match BootVolume::parse(&bytes) {
            Ok(volume) => {
                for file in volume.files() {
                    prop_assert_eq!(volume.file(file.name), Some(*file));
                }
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), with_magic: bool) {
        let bytes = if with_magic { [b"070701".to_vec(), bytes].concat() } else { bytes };
        prop_assert!(BootVolume::parse(&bytes).is_err());
    }

    #[test]
    fn any_files_come_back(files in prop::collection::btree_map("[a-z]{1,12}(/[a-z]{1,12})?", prop::collection::vec(any::<u8>(), 0..50), 0..8)) {
        let bytes = archive(&files.iter().map(|(name, data)| file(name, data)).collect::<Vec<_>>());
        let volume = BootVolume::parse(&bytes).unwrap();
        prop_assert_eq!(volume.files().len(), files.len());
        for (name, data) in &files {
            prop_assert_eq!(volume.file(name).unwrap().data, &data[..]);
        }
    }
}
