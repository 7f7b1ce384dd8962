//! Archives, checked against cpio(1) where it is installed and against the format's own words.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use nextool::cpio::pack;
use proptest::prelude::*;

fn files(list: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    list.iter().map(|&(name, data)| (name.to_owned(), data.to_vec())).collect()
}

#[test]
fn the_first_header_is_as_the_format_says() {
    let archive = pack(&files(&[("nex.toml", b"hello")])).unwrap();
    let expected = [
        "070701", "00000001", "000081a4", "00000000", "00000000", "00000001", "00000000", "00000005",
        "00000000", "00000000", "00000000", "00000000", "00000009", "00000000",
    ];
    assert_eq!(&archive[..110], expected.concat().as_bytes());
    // 110 header bytes and 9 of the name: data begins at the next multiple of 4.
    assert_eq!(&archive[110..128], b"nex.toml\0\0hello\0\0\0");
    assert_eq!(archive.len() % 512, 0);
}

#[test]
fn refuses_names_that_an_archive_cannot_hold() {
    for name in ["", "/abs", "TRAILER!!!", "nul\0"] {
        assert!(pack(&files(&[(name, b"")])).is_err(), "{name:?}");
    }
}

#[test]
fn cpio_lists_and_extracts_it() {
    let archive = pack(&files(&[("b", b"2222"), ("a/deep/file", b""), ("a.bin", &[7; 1000])])).unwrap();
    let run = |arguments: &[&str]| {
        let mut child = Command::new("cpio")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("cpio is one of the packages that scripts/setup.sh installs");
        child.stdin.take().unwrap().write_all(&archive).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    assert_eq!(String::from_utf8(run(&["-t"])).unwrap(), "a.bin\na/deep/file\nb\n");
    assert_eq!(run(&["-i", "--to-stdout", "a.bin"]), [7; 1000]);
}

proptest! {
    #[test]
    fn the_reader_in_nex_gives_back_the_files(
        files in prop::collection::btree_map("[a-z]{1,8}(/[a-z]{1,8}){0,2}", prop::collection::vec(any::<u8>(), 0..300), 1..10),
    ) {
        let archive = pack(&files).unwrap();
        let volume = nex_boot::volume::BootVolume::parse(&archive).unwrap();
        for (name, data) in &files {
            prop_assert_eq!(volume.file(name).map(|file| file.data.to_vec()), Some(data.clone()));
        }
    }
}
