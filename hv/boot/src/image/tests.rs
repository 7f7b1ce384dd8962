use proptest::prelude::*;

use super::*;
use crate::testing::{changes, damaged};

const RAM: RamWindow = RamWindow { base: 0x4000_0000, bytes: 64 << 20 };
const NONE: LoadOptions = LoadOptions { load: None, entry: None };

fn words(list: &[u32]) -> Vec<u8> {
    list.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A zImage header with `start` and `end`, and zeros up to `bytes`.
fn zimage(start: u32, end: u32, bytes: usize) -> Vec<u8> {
    let mut file = vec![0; 0x24];
    file.extend(words(&[zimage::MAGIC, start, end]));
    file.resize(bytes, 0);
    file
}

/// A zImage of `bytes` that says how much it needs: size unpacked, of .bss, TEXT_OFFSET and heap; or only the first two.
fn zimage_with_sizes(bytes: usize, sizes: &[u32]) -> Vec<u8> {
    let mut file = zimage(0, bytes as u32, 0x30);
    let (table, unpacked_at) = (0x80, bytes - 4);
    file.extend(words(&[0x0403_0201, 0x4545_4545, table]));
    file.resize(table as usize, 0);
    file.extend(words(&[sizes.len() as u32 + 2, 0x5a53_4c4b, unpacked_at as u32]));
    file.extend(words(&sizes[1..]));
    file.resize(unpacked_at, 0);
    file.extend(words(&sizes[..1]));
    file
}

/// A program header: type, offset, virtual and physical address, size in file and memory, flags.
type Program = [u32; 7];

/// An ELF executable of these segments; the file is 0x400 bytes of 0xaa behind the headers.
fn elf_file(entry: u32, programs: &[Program]) -> Vec<u8> {
    let mut file = b"\x7fELF\x01\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend(words(&[0x0028_0002, 1, entry, 52, 0, 0x0500_0000]));
    file.extend([52, 0, 32, 0, programs.len() as u8, 0, 40, 0, 0, 0, 0, 0]);
    for [kind, offset, vaddr, paddr, file_bytes, mem_bytes, flags] in programs {
        file.extend(words(&[*kind, *offset, *vaddr, *paddr, *file_bytes, *mem_bytes, *flags, 4]));
    }
    file.resize(file.len() + 0x400, 0xaa);
    file
}

const TEXT: Program = [1, 0x100, 0x4020_0000, 0x4020_0000, 0x80, 0x80, 5 | elf::PF_NEX_PROTECT];
const DATA: Program = [1, 0x180, 0x4021_0004, 0x4021_0004, 0x20, 0x1000, 6 | elf::PF_NEX_PROTECT];
const NOTE: Program = [4, 0, 0, 0, 4, 4, 4];

#[test]
fn a_zimage_goes_where_qemu_puts_it() {
    let file = zimage(0, 5000, 6000);
    let plan = plan(&file, &NONE, &RAM).unwrap();
    assert_eq!((plan.kind, plan.entry, plan.end), (ImageKind::ZImage, 0x4001_0000, 0x4001_0000 + 6000));
    let expected = Segment { gpa: 0x4001_0000, data: &file[..], mem_bytes: 6000, perms: ALL };
    assert_eq!(plan.segments[..], [expected]);
}

#[test]
fn a_zimage_may_be_moved_or_bound_to_a_place() {
    let moved = LoadOptions { load: Some(0x4100_0000), entry: None };
    assert_eq!(plan(&zimage(0, 0x100, 0x100), &moved, &RAM).unwrap().entry, 0x4100_0000);
    assert_eq!(plan(&zimage(0x4020_0000, 0x4020_0100, 0x100), &NONE, &RAM).unwrap().entry, 0x4020_0000);
    let with_entry = LoadOptions { load: None, entry: Some(0x4001_0000) };
    assert_eq!(plan(&zimage(0, 0x100, 0x100), &with_entry, &RAM), Err(ImageError::OptionNotAllowed("entry")));
}

#[test]
fn a_short_zimage_is_refused() {
    let error = |expected_bytes, bytes| Err(ImageError::ZImageTruncated { expected_bytes, bytes });
    assert_eq!(plan(&zimage(0, 5001, 5000), &NONE, &RAM), error(5001, 5000));
    assert_eq!(plan(&zimage(1, 0, 5000), &NONE, &RAM), error(u32::MAX, 5000));
    assert_eq!(plan(&zimage(0, 0, 0x2f), &NONE, &RAM), error(0x30, 0x2f));
}

#[test]
fn a_flat_binary_takes_both_options() {
    let plan_of = |load, entry| plan(&[1; 100], &LoadOptions { load, entry }, &RAM);
    assert_eq!(plan_of(None, None).unwrap().entry, 0x4001_0000);
    assert_eq!(plan_of(None, None).unwrap().kind, ImageKind::Flat);
    assert_eq!(plan_of(Some(0x4000_4000), None).unwrap().entry, 0x4000_4000);
    assert_eq!(plan_of(Some(0x4000_8000), Some(0x4000_8011)).unwrap().entry, 0x4000_8011);
    let bad_entry = |entry| Err(ImageError::BadEntry { entry });
    assert_eq!(plan_of(None, Some(0x4001_0002)), bad_entry(0x4001_0002));
    assert_eq!(plan_of(None, Some(0x4000_fffc)), bad_entry(0x4000_fffc));
    assert_eq!(plan_of(None, Some(0x4001_0064)), bad_entry(0x4001_0064));
    assert_eq!(plan_of(Some(0x4000_3fff), None), Err(ImageError::OnDeviceTree { gpa: 0x4000_3fff }));
    assert_eq!(plan_of(Some(0x4000_0000), None), Err(ImageError::OnDeviceTree { gpa: 0x4000_0000 }));
    let outside = |gpa| Err(ImageError::OutsideRam { gpa, bytes: 100 });
    assert_eq!(plan_of(Some(0x3fff_fff0), None), outside(0x3fff_fff0));
    assert_eq!(plan_of(Some(0x43ff_ffa0), None), outside(0x43ff_ffa0));
    assert!(plan_of(Some(0x43ff_ff9c), None).is_ok());
    assert_eq!(plan_of(Some(u32::MAX), None), outside(u32::MAX));
    assert_eq!(plan(&[], &NONE, &RAM), Err(ImageError::Empty));
    // RAM up to the very end of the address space.
    let top = RamWindow { base: 0x4000_0000, bytes: 3 << 30 };
    let last = LoadOptions { load: Some(0xffff_ff9c), entry: None };
    assert_eq!(plan(&[1; 100], &last, &top).unwrap().end, 1 << 32);
}

#[test]
fn elf_segments_keep_place_size_and_permissions() {
    let file = elf_file(0x4020_0041, &[NOTE, DATA, TEXT]);
    let plan = plan(&file, &NONE, &RAM).unwrap();
    assert_eq!((plan.kind, plan.entry, plan.end), (ImageKind::Elf, 0x4020_0041, 0x4021_1004));
    let text = Perms { r: true, w: false, x: true };
    let data = Perms { r: true, w: true, x: false };
    let expected = [
        Segment { gpa: 0x4020_0000, data: &file[0x100..0x180], mem_bytes: 0x80, perms: text },
        Segment { gpa: 0x4021_0004, data: &file[0x180..0x1a0], mem_bytes: 0x1000, perms: data },
    ];
    assert_eq!(plan.segments[..], expected);
}

#[test]
fn elf_permissions_hold_only_where_they_are_to() {
    let [text, data] = [TEXT, DATA].map(|[kind, offset, vaddr, paddr, file, mem, flags]| {
        [kind, offset, vaddr, paddr, file, mem, flags & !elf::PF_NEX_PROTECT]
    });
    let file = elf_file(0x4020_0040, &[text, data]);
    let plan = plan(&file, &NONE, &RAM).unwrap();
    assert!(plan.segments.len() == 2 && plan.segments.iter().all(|segment| segment.perms == ALL));
}

#[test]
fn a_virtual_entry_point_becomes_physical() {
    let kernel: Program = [1, 0x100, 0xc000_8000, 0x4000_8000, 0x80, 0x80, 7];
    assert_eq!(plan(&elf_file(0xc000_8010, &[kernel]), &NONE, &RAM).unwrap().entry, 0x4000_8010);
    assert_eq!(plan(&elf_file(0x4000_8010, &[kernel]), &NONE, &RAM).unwrap().entry, 0x4000_8010);
}

#[test]
fn wrong_elf_files_say_why() {
    let error = |entry: u32, programs: &[Program]| plan(&elf_file(entry, programs), &NONE, &RAM).unwrap_err();
    let change = |index: usize, value: u32| {
        let mut program = TEXT;
        program[index] = value;
        error(0x4020_0000, &[program])
    };
    assert_eq!(error(0x4020_0000, &[]), ImageError::ElfEmpty);
    assert_eq!(error(0x4020_0000, &[NOTE]), ImageError::ElfEmpty);
    assert_eq!(error(0x4020_0080, &[TEXT]), ImageError::BadEntry { entry: 0x4020_0080 });
    assert_eq!(error(0x4020_0002, &[TEXT]), ImageError::BadEntry { entry: 0x4020_0002 });
    assert_eq!(error(0x4021_0004, &[TEXT, DATA]), ImageError::BadEntry { entry: 0x4021_0004 });
    assert_eq!(change(1, u32::MAX), ImageError::ElfDamaged);
    assert_eq!(change(4, 0x10000), ImageError::ElfDamaged);
    assert_eq!(change(5, 0x7f), ImageError::ElfDamaged);
    assert_eq!(change(5, u32::MAX), ImageError::OutsideRam { gpa: 0x4020_0000, bytes: u64::from(u32::MAX) });
    assert_eq!(change(3, 0xc000_8000), ImageError::OutsideRam { gpa: 0xc000_8000, bytes: 0x80 });
    assert_eq!(change(3, 0x4000_0000), ImageError::OnDeviceTree { gpa: 0x4000_0000 });
    let mut overlapping = DATA;
    overlapping[3] = 0x4020_007f;
    assert_eq!(error(0x4020_0000, &[overlapping, TEXT]), ImageError::Overlap { gpa: 0x4020_007f });
    let many: Vec<Program> = (0..17).map(|n| [1, 0x300, 0, 0x4020_0000 + n * 16, 16, 16, 7]).collect();
    assert_eq!(error(0x4020_0000, &many), ImageError::TooManySegments);
    assert!(plan(&elf_file(0x4020_0000, &many[1..]), &NONE, &RAM).is_err());
    assert!(plan(&elf_file(0x4020_0000, &many[..16]), &NONE, &RAM).is_ok());

    let good = elf_file(0x4020_0000, &[TEXT]);
    let with = |at: usize, byte: u8| {
        let mut file = good.clone();
        file[at] = byte;
        plan(&file, &NONE, &RAM).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(4, 2), ImageError::ElfKind, "64 bits");
    assert_eq!(with(5, 2), ImageError::ElfKind, "big-endian");
    assert_eq!(with(16, 3), ImageError::ElfKind, "shared object");
    assert_eq!(with(18, 62), ImageError::ElfKind, "x86-64");
    assert_eq!(plan(&good[..40], &NONE, &RAM), Err(ImageError::ElfDamaged));
    let with_load = LoadOptions { load: Some(0x4001_0000), entry: None };
    assert_eq!(plan(&good, &with_load, &RAM), Err(ImageError::OptionNotAllowed("load")));
}

#[test]
fn what_is_no_kernel_is_refused() {
    let said = |file: &[u8]| plan(file, &NONE, &RAM).unwrap_err().to_string();
    assert_eq!(said(&[0x1f, 0x8b, 8, 0]), "kernel is compressed with gzip; unpack it first");
    assert_eq!(
        said(&[0x27, 0x05, 0x19, 0x56, 0]),
        "kernel is a U-Boot uImage; use the zImage within (dd bs=64 skip=1)"
    );
    assert_eq!(said(b"ANDROID!x"), "kernel is an Android boot image; use the zImage within");
    assert_eq!(said(b"070701"), "kernel is a cpio archive; it belongs in \"initrd\"");
    let mut arm64 = vec![0; 64];
    arm64[0x38..0x3c].copy_from_slice(b"ARM\x64");
    assert_eq!(said(&arm64), "kernel is a 64-bit kernel; use a 32-bit ARMv7 one");
    let mut swapped = zimage(0, 0x100, 0x100);
    swapped[0x24..0x28].reverse();
    assert_eq!(said(&swapped), "kernel is a big-endian zImage; use a little-endian one");
}

#[test]
fn the_initrd_goes_half_way_up() {
    let place = |kernel_bytes: usize, initrd_bytes: u64, ram_mib: u64| {
        let ram = RamWindow { base: 0x4000_0000, bytes: ram_mib << 20 };
        let file = zimage(0, 0x100, kernel_bytes);
        place_initrd(&plan(&file, &NONE, &ram).unwrap(), initrd_bytes, &ram)
    };
    const MIB: u64 = 1 << 20;
    assert_eq!(place(5 << 20, 10 * MIB, 96), Ok(0x4300_0000));
    assert_eq!(place(5 << 20, 10 * MIB, 256), Ok(0x4800_0000));
    assert_eq!(place(5 << 20, 10 * MIB, 1024), Ok(0x4800_0000));
    // Too large for the upper half: as high as it fits.
    assert_eq!(place(5 << 20, 56 * MIB, 96), Ok(0x4000_0000 + (40 << 20)));
    assert_eq!(place(5 << 20, 56 * MIB + 1, 96), Ok(0x4000_0000 + (40 << 20) - 4096));
    // A zImage that does not say what it needs is thought to need five times its size, and 3 MiB and 112 KiB.
    let lowest = 0x4000_0000 + (28 << 20) + 0x1_c000;
    let room_bytes = 0x4600_0000 - u64::from(lowest);
    assert_eq!(place(5 << 20, room_bytes, 96), Ok(lowest));
    let error = |bytes| Err(ImageError::InitrdTooLarge { bytes, room_bytes });
    assert_eq!(place(5 << 20, room_bytes + 1, 96), error(room_bytes + 1));
    assert_eq!(place(5 << 20, u64::MAX, 96), error(u64::MAX));

    // A flat binary needs no room to unpack, but pushes the initrd up if it is large itself.
    let plan_flat = plan(&[1; 3 << 20], &NONE, &RamWindow { bytes: 4 << 20, ..RAM }).unwrap();
    let small = RamWindow { bytes: 4 << 20, ..RAM };
    assert_eq!(place_initrd(&plan_flat, 4096, &small), Ok(0x4031_0000));
    // RAM up to the end of the address space.
    let top = RamWindow { base: 0xfff0_0000, bytes: 1 << 20 };
    let plan_top = plan(&[1; 0xe_0000], &NONE, &top).unwrap();
    assert_eq!(place_initrd(&plan_top, 0x1_0000, &top), Ok(0xffff_0000));
    assert!(place_initrd(&plan_top, 0x1_0001, &top).is_err());
}

#[test]
fn a_zimage_unpacks_below_its_initrd() {
    // Debian's 6.1.0-50-armmp: /proc/iomem has its data end at 0x41607587. It moves itself to 0x415a9100 at first.
    let debian = zimage_with_sizes(0x53_2200, &[0x13a_10b4, 0x5_e4d4, 0x20_8000, 0x1_0000]);
    let plan_of = |file, load| plan(file, &LoadOptions { load, entry: None }, &RAM).unwrap();
    assert_eq!(plan_of(&debian, None).free_from, 0x415a_90b4 + 0x53_2200 + 0x1_0000 + 0x4000);
    let ram = RamWindow { bytes: 48 << 20, ..RAM };
    assert_eq!(place_initrd(&plan(&debian, &NONE, &ram).unwrap(), 0xd_a56b, &ram), Ok(0x41af_0000));
    // Where it does not have to move, and where its .bss is what comes last.
    assert_eq!(plan_of(&debian, Some(0x4300_0000)).free_from, 0x4300_0000 + 0x53_2200 + 0x1_0000 + 0x4000);
    let zeros = zimage_with_sizes(0x1000, &[0x10_0000, 0x100_0000, 0x8000, 0x1_0000]);
    assert_eq!(plan_of(&zeros, None).free_from, 0x4000_8000 + 0x110_0000);
    // Without TEXT_OFFSET, the largest there is.
    let old = zimage_with_sizes(0x1000, &[0x10_0000, 0x100_0000]);
    assert_eq!(plan_of(&old, None).free_from, 0x4030_8000 + 0x110_0000);
    // Loaded high, it takes the 128 MiB that it lies in for the memory's first.
    let ram = RamWindow { bytes: 512 << 20, ..RAM };
    let high = LoadOptions { load: Some(0x5001_0000), entry: None };
    assert_eq!(plan(&zeros, &high, &ram).unwrap().free_from, 0x5000_8000 + 0x110_0000);
}

#[test]
fn the_device_tree_goes_where_linux_does_not_write() {
    let file = zimage_with_sizes(0x1000, &[0x10_0000, 0, 0x8000, 0x1_0000]);
    let plan = plan(&file, &NONE, &RAM).unwrap();
    assert_eq!(plan.free_from, 0x4010_8000 + 0x1000 + 0x1_0000 + 0x4000);
    let place = |initrd, bytes| place_dtb(&plan, initrd, bytes, &RAM);
    assert_eq!(place(None, 0x3000), Ok(0x4000_0000));
    assert_eq!(place(None, 0x3001), Ok(0x4011_d000));
    let disk = Some((0x4200_0000, 0x4212_3456));
    assert_eq!(place(disk, 0x3000), Ok(0x4000_0000));
    assert_eq!(place(disk, 0x3001), Ok(0x4212_4000));
    // A disk up to the end of RAM.
    let full = Some((0x4200_0000, 0x4400_0000));
    assert_eq!(place(full, 0x4000), Ok(0x4011_d000));
    let room = 0x4200_0000 - 0x4011_d000;
    assert_eq!(place(full, room), Ok(0x4011_d000));
    let error = ImageError::DeviceTreeTooLarge { bytes: room as u64 + 1, room_bytes: room as u64 };
    assert_eq!(place(full, room + 1), Err(error));
}

#[test]
fn firmware_is_flat_and_fits_its_rom() {
    assert_eq!(check_firmware(&[0xea; 100]), Ok(()));
    assert_eq!(check_firmware(&[]), Err(ImageError::Empty));
    assert_eq!(check_firmware(&vec![0; MAX_FIRMWARE_BYTES]), Ok(()));
    let bytes = MAX_FIRMWARE_BYTES + 1;
    assert_eq!(check_firmware(&vec![0; bytes]), Err(ImageError::FirmwareTooLarge { bytes }));
    let text = |file: &[u8]| check_firmware(file).unwrap_err().to_string();
    assert!(text(&elf_file(0, &[])).starts_with("firmware is an ELF file; "));
    assert!(text(&zimage(0, 0x100, 0x100)).starts_with("firmware is a Linux zImage; "));
    assert_eq!(text(&[0x1f, 0x8b, 8]), "firmware is compressed with gzip; unpack it first");
}

/// What must hold for any plan.
fn check(plan: &LoadPlan<'_>, ram: &RamWindow) {
    let mut end = u64::from(ram.base + DTB_BYTES);
    for segment in &plan.segments {
        assert!(segment.mem_bytes as usize >= segment.data.len() && segment.mem_bytes > 0);
        assert!(u64::from(segment.gpa) >= end);
        end = segment.end();
    }
    assert!(end == plan.end && end <= ram.end());
    let entry = plan.entry & !1;
    assert!(plan.segments.iter().any(|s| s.perms.x && s.gpa <= entry && u64::from(entry) < s.end()));
    assert!(plan.free_from >= plan.end);
    for bytes in [1, 4096, 1 << 20, 40 << 20] {
        let Ok(gpa) = place_initrd(plan, bytes, ram) else { continue };
        let disk_end = u64::from(gpa) + bytes;
        assert!(gpa.is_multiple_of(4096) && u64::from(gpa) >= plan.free_from && disk_end <= ram.end());
        let Ok(disk_end) = u32::try_from(disk_end) else { continue };
        for dtb_bytes in [0x1000, 0x3001, 0x4_0000] {
            let Ok(dtb) = place_dtb(plan, Some((gpa, disk_end)), dtb_bytes, ram) else { continue };
            let dtb_end = u64::from(dtb) + dtb_bytes as u64;
            let low = dtb == ram.base && dtb_bytes <= 0x3000;
            assert!(dtb.is_multiple_of(4096) && (low || u64::from(dtb) >= plan.free_from));
            assert!(dtb_end <= u64::from(gpa) || dtb >= disk_end && dtb_end <= ram.end());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damaged_images_do_no_harm(changes in changes(), is_elf: bool, load: Option<u32>, mib in 1u64..3072) {
        let original = if is_elf {
            elf_file(0x4020_0000, &[TEXT, DATA, NOTE])
        } else {
            zimage_with_sizes(0x400, &[0x1000, 0x200, 0x8000, 0x1_0000])
        };
        let file = damaged(&original, &changes);
        let ram = RamWindow { base: 0x4000_0000, bytes: mib << 20 };
        let options = LoadOptions { load: load.filter(|_| !is_elf), entry: None };
        match plan(&file, &options, &ram) {
            Ok(plan) => check(&plan, &ram),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), as_elf: bool, load: Option<u32>, entry: Option<u32>) {
        let file = if as_elf { [b"\x7fELF\x01\x01\x01".to_vec(), bytes].concat() } else { bytes };
        if let Ok(plan) = plan(&file, &LoadOptions { load, entry }, &RAM) {
            check(&plan, &RAM);
        }
    }
}
