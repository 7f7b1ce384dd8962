//! Boot volumes that are wrong: Nex says which file and why, starts what is right, and never panics.

use nex_qemu_tests::{Machine, Volume, default_volume, seconds, strings};

/// Boots a volume that leaves Nex without any domain.
fn refused(volume: Vec<u8>, expected: &[&str]) {
    let mut machine = Machine::builder().raw_volume(volume).boot();
    let console = machine.expect(strings::STAYS, seconds(30));
    for text in expected {
        assert!(console.contains(text), "not shown: {text:?}");
    }
    machine.assert_alive();
}

/// Boots a volume with this text as the second of three domains; the first and third must run.
fn one_refused(second: &str, expected: &[&str]) {
    let good = |name: &str| format!("[[domain]]\nname = \"{name}\"\nkernel = \"hello\"\nmemory = \"4M\"\n");
    let manifest = format!("on_idle = \"poweroff\"\n{}{second}{}", good("first"), good("third"));
    let mut machine = Machine::builder().volume(&Volume::with_manifest(&manifest)).boot();
    let console = machine.expect(strings::STAYS, seconds(30));
    let report = console.lines().find(|line| line.contains("error: ")).expect("an error");
    for text in expected {
        assert!(report.contains(text), "not in the report: {text:?}: {report}");
    }
    for domain in ["first", "third"] {
        assert!(console.contains(&strings::powered_off(domain)), "{domain} did not run");
    }
    machine.assert_alive();
}

#[test]
fn no_volume() {
    // QEMU passes a file without contents as if there were none.
    refused(Vec::new(), &["no boot volume"]);
}

#[test]
fn no_file_in_it() {
    refused(Volume::new().pack(), &["nex.toml", "dom0"]);
}

#[test]
fn zeros() {
    refused(vec![0; 4096], &["boot volume", "not a cpio archive"]);
}

#[test]
fn not_cpio() {
    refused(b"#!/bin/sh\necho hello\n".repeat(100), &["boot volume", "not a cpio archive"]);
}

#[test]
fn compressed() {
    refused(b"\x1f\x8b\x08\0".repeat(100), &["boot volume", "gzip"]);
}

#[test]
fn cut_off() {
    let whole = default_volume();
    refused(whole[..whole.len() / 2].to_vec(), &["boot volume", "cut short"]);
    refused(whole[..50].to_vec(), &["boot volume", "cut short"]);
}

#[test]
fn no_toml() {
    let volume = Volume::new().file("nex.toml", "on_idle = \"poweroff\"\n[[domain]\nname = 3\n");
    refused(volume.pack(), &["nex.toml:2"]);
}

#[test]
fn an_unknown_key() {
    one_refused(
        "[[domain]]\nname = \"bad\"\nkernal = \"hello\"\n",
        &["nex.toml:8", "bad", "kernal", "kernel"],
    );
}

#[test]
fn a_missing_kernel() {
    one_refused(
        "[[domain]]\nname = \"bad\"\nkernel = \"absent\"\nmemory = \"4M\"\n",
        &["nex.toml:8", "bad", "absent"],
    );
}

#[test]
fn a_kernel_that_is_none() {
    let manifest = "[[domain]]\nname = \"bad\"\nkernel = \"page.gz\"\nmemory = \"4M\"\n";
    let volume = Volume::new().file("nex.toml", manifest).file("page.gz", *b"\x1f\x8b\x08\0rest of it");
    refused(volume.pack(), &["bad", "gzip"]);
}

#[test]
fn too_much_memory() {
    one_refused(
        "[[domain]]\nname = \"bad\"\nkernel = \"hello\"\nmemory = \"2G\"\n",
        &["nex.toml:9", "bad", "2048 MiB"],
    );
}

#[test]
fn slices_above_one_cpu() {
    let sched = |name: &str, slice: u32| {
        format!(
            "[[domain]]\nname = \"{name}\"\nkernel = \"hello\"\nmemory = \"4M\"\n\
             sched = {{ period = \"10ms\", slice = \"{slice}ms\" }}\n"
        )
    };
    one_refused(&(sched("most", 8) + &sched("bad", 3)), &["nex.toml:15", "bad", "slices"]);
}

#[test]
fn strict_starts_none() {
    let manifest = "strict = true\n[[domain]]\nname = \"good\"\nkernel = \"hello\"\nmemory = \"4M\"\n\
                    [[domain]]\nname = \"bad\"\nkernel = \"absent\"\nmemory = \"4M\"\n";
    let mut machine = Machine::builder().volume(&Volume::with_manifest(manifest)).boot();
    let console = machine.expect(strings::STAYS, seconds(30));
    assert!(console.contains("absent") && console.contains("strict"));
    machine.assert_alive();
    assert!(!machine.transcript().contains(strings::HELLO));
}
