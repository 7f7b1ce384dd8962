//! A serial port, played by a pseudo-terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nextool::log::port;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The side of the machine, and the path of ours.
fn pty() -> (File, PathBuf) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    (File::from(master), PathBuf::from(std::ffi::OsStr::from_bytes(name.as_bytes())))
}

#[test]
fn every_byte_passes_both_ways() {
    let (mut machine, path) = pty();
    let mut port = port::open(&path).unwrap();
    let all: Vec<u8> = (0..=255).collect();
    let mut got = [0; 256];
    machine.write_all(&all).unwrap();
    port.read_exact(&mut got).unwrap();
    assert_eq!(got[..], all);
    port.write_all(&all).unwrap();
    machine.read_exact(&mut got).unwrap();
    assert_eq!(got[..], all);
}

#[test]
fn a_file_is_no_port() {
    let error = port::open("/dev/null".as_ref()).unwrap_err();
    assert!(format!("{error:#}").contains("/dev/null: not a serial port"), "{error:#}");
}

#[test]
fn typing_goes_to_the_port_until_the_escape() {
    let typed = |keys: &[u8]| {
        let mut sent = Vec::new();
        let left = port::forward(keys, &mut sent);
        (left, sent)
    };
    assert_eq!(typed(b"ls\r\x03\x1c\x1c\x1c\x01"), (false, b"ls\r\x03\x1c\x1c\x1c\x01".to_vec()));
    assert_eq!(typed(b"ab\x1dxcd"), (true, b"ab".to_vec()));
    assert_eq!(typed(b"\x1d\x1d\x1da"), (false, b"\x1d\x1da".to_vec()));
}
