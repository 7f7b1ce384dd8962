//! What the boot loader makes of an Android boot image: where it puts things, what its ATAGs say, what it refuses.

use std::process::Command;

use nex_xoom_tests::{Qtest, TemporaryFile, emulator, image};

const KERNEL: &[u8] = &[0x11; 5000];
const RAMDISK: &[u8] = &[0x22; 3000];
const CMDLINE: &str = "a=b quiet";

const ATAGS: u32 = 0x100;
const CORE: u32 = 0x5441_0001;
const MEM: u32 = 0x5441_0002;
const REVISION: u32 = 0x5441_0007;
const TEXT: u32 = 0x5441_0009;
const INITRD2: u32 = 0x5442_0005;
const NVIDIA: u32 = 0x4100_0801;

fn boot(options: &str, arguments: &[&str], image: &[u8]) -> Qtest {
    let file = TemporaryFile::new("img", image);
    let kernel = file.path().to_str().expect("a plain path").to_owned();
    let arguments = [&["-kernel", &kernel], arguments].concat();
    let mut machine = Qtest::start_with(options, &arguments);
    // It has read the file when it answers.
    machine.read(ATAGS);
    machine
}

fn image() -> Vec<u8> {
    image::boot_image(KERNEL, RAMDISK, CMDLINE)
}

/// The list: tag and data.
fn atags(machine: &mut Qtest) -> Vec<(u32, Vec<u32>)> {
    let mut at = ATAGS;
    let mut list = Vec::new();
    loop {
        let words = machine.read(at);
        if words == 0 {
            return list;
        }
        let data = (2..words).map(|word| machine.read(at + 4 * word)).collect();
        list.push((machine.read(at + 4), data));
        at += 4 * words;
        assert!(at < 0x1000, "{list:x?}");
    }
}

fn data(list: &[(u32, Vec<u32>)], tag: u32) -> Vec<&[u32]> {
    list.iter().filter(|entry| entry.0 == tag).map(|entry| entry.1.as_slice()).collect()
}

fn text(list: &[(u32, Vec<u32>)]) -> String {
    let words = data(list, TEXT);
    let bytes: Vec<u8> = words[0].iter().flat_map(|word| word.to_le_bytes()).collect();
    String::from_utf8(bytes).expect("text").trim_end_matches('\0').to_owned()
}

#[test]
fn kernel_and_ramdisk_are_in_place() {
    for entry in [0x00a0_0800, 0x0100_0000, 0x0010_8000] {
        let options = if entry == 0x00a0_0800 { String::new() } else { format!("entry={entry:#x}") };
        let mut machine = boot(&options, &[], &image());
        assert_eq!(machine.bytes(entry - 2048, 8), b"ANDROID!", "the whole image is in RAM");
        assert_eq!(machine.bytes(entry, 5001), [KERNEL, &[0]].concat());
        assert_eq!(machine.bytes(0x0500_0000, 3001), [RAMDISK, &[0]].concat());
    }
}

#[test]
fn atags_describe_it() {
    let mut machine = boot("", &[], &image());
    let list = atags(&mut machine);
    assert_eq!(list[0].0, CORE);
    assert_eq!(data(&list, MEM), [[1 << 30, 0]]);
    assert_eq!(data(&list, INITRD2), [[0x0500_0000, 3000]]);
    assert_eq!(text(&list), CMDLINE);
    assert_eq!(data(&list, REVISION), [[0x8300]]);
    assert_eq!(data(&list, NVIDIA).len(), 2, "tags that are not in Linux's list");
}

#[test]
fn atags_follow_the_options() {
    let mut machine = boot("atag-mem=split", &["-append", "more words"], &image());
    let list = atags(&mut machine);
    assert_eq!(data(&list, MEM), [[448 << 20, 0], [(512 << 20) - (256 << 10), 512 << 20]]);
    assert_eq!(text(&list), format!("{CMDLINE} more words"));

    let mut machine = boot("atag-mem=none", &["-m", "256M"], &image::boot_image(KERNEL, b"", ""));
    let list = atags(&mut machine);
    assert!(data(&list, MEM).is_empty() && data(&list, INITRD2).is_empty() && data(&list, TEXT).is_empty());

    let mut machine = boot("", &["-m", "256M"], &image());
    assert_eq!(data(&atags(&mut machine), MEM), [[256 << 20, 0]]);
}

#[test]
fn a_pattern_around_it() {
    let mut machine = boot("ram-pattern=0x12345678", &[], &image());
    assert_eq!(machine.bytes(0x00a0_0800, 5000), KERNEL);
    assert_ne!(machine.read(0x00a0_0800 - 2048 - 4), 0);
    assert_ne!(machine.read(0x0500_0000 + 4096), 0);
    assert_ne!(machine.read(0x3fff_fffc), 0);
}

// ---- Refusals ----

/// Starts QEMU, which should end at once with status 1, and returns its last words.
#[track_caller]
fn refusal(options: &str, arguments: &[&str], image: &[u8]) -> String {
    let file = TemporaryFile::new("img", image);
    let output = Command::new(emulator())
        .args(["-M", options, "-display", "none", "-accel", "qtest", "-kernel"])
        .arg(file.path())
        .args(arguments)
        .output()
        .expect("QEMU starts");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn broken_images_are_refused() {
    let good = image();
    let with_word = |offset: usize, value: u32| {
        let mut bad = good.clone();
        bad[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
        bad
    };
    let (kernel_size, ramdisk_size, page_size) = (0x08, 0x10, 0x24);
    for (image, reason) in [
        (good[..100].to_vec(), "shorter than its header"),
        (good[..6000].to_vec(), "shorter than what its header says"),
        (good[..9000].to_vec(), "shorter than what its header says"),
        (with_word(kernel_size, 0), "shorter than what its header says"),
        (with_word(kernel_size, u32::MAX), "shorter than what its header says"),
        (with_word(ramdisk_size, u32::MAX), "shorter than what its header says"),
        (with_word(page_size, 0), "page size"),
        (with_word(page_size, 3000), "page size"),
        (with_word(page_size, 1 << 31), "page size"),
    ] {
        let said = refusal("xoom", &[], &image);
        assert!(said.contains(reason), "{said:?}, not {reason:?}");
    }
}

#[test]
fn wrong_options_are_refused() {
    for (options, arguments, reason) in [
        ("xoom,entry=0x400", &[][..], "does not fit"),
        ("xoom,entry=0x3ffffff0", &[], "does not fit"),
        ("xoom,entry-mode=usr", &[], "sys or svc"),
        ("xoom,atag-mem=some", &[], "full, split or none"),
        ("xoom,lic-fiq-cpus=0", &[], "1, 2 or 3"),
        ("xoom", &["-m", "64M"], "128 MiB"),
        ("xoom", &["-m", "2G"], "1 GiB"),
        ("xoom", &["-smp", "1"], "CPU"),
        ("xoom", &["-initrd", "/dev/null"], "brings its ramdisk"),
        ("xoom", &["-append", &"x".repeat(5000)], "command line is too long"),
    ] {
        let said = refusal(options, arguments, &image());
        assert!(said.contains(reason), "{options} {arguments:?}: {said:?}, not {reason:?}");
    }
}
