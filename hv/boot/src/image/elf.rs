//! ELF executables (System V ABI, and ELF for the Arm Architecture, Arm IHI 0044).

use arrayvec::ArrayVec;
use elf::ElfBytes;
use elf::abi::{EM_ARM, ET_EXEC, PF_R, PF_W, PF_X, PT_LOAD};
use elf::endian::LittleEndian;
use elf::file::Class;
use elf::segment::ProgramHeader;

use super::{ImageError, ImageKind, LoadOptions, LoadPlan, Perms, RamWindow, Segment, finish};

/// In p_flags, a bit for operating systems to use (PF_MASKOS): the segment's permissions are to hold while it is guest
/// memory. A machine does not look at them, and kernels rely on that: they write to their text, and run what they have written.
pub const PF_NEX_PROTECT: u32 = 1 << 20;

/// Plans the PT_LOAD segments of `file` by their physical addresses.
pub(super) fn plan<'a>(
    file: &'a [u8],
    options: &LoadOptions,
    ram: &RamWindow,
) -> Result<LoadPlan<'a>, ImageError> {
    if options.load.is_some() || options.entry.is_some() {
        return Err(ImageError::OptionNotAllowed(if options.load.is_some() { "load" } else { "entry" }));
    }
    // The identification comes first, so that a 64-bit file is called that and not damaged.
    if file.get(4) != Some(&1) || file.get(5) != Some(&1) {
        return Err(ImageError::ElfKind);
    }
    let elf = ElfBytes::<LittleEndian>::minimal_parse(file).map_err(|_| ImageError::ElfDamaged)?;
    let header = elf.ehdr;
    if header.class != Class::ELF32 || header.e_machine != EM_ARM || header.e_type != ET_EXEC {
        return Err(ImageError::ElfKind);
    }
    let mut segments = ArrayVec::new();
    let mut entry = header.e_entry as u32;
    let mut moved = None;
    for program in elf.segments().into_iter().flat_map(|table| table.iter()) {
        if program.p_type != PT_LOAD || program.p_memsz == 0 {
            continue;
        }
        let data = elf.segment_data(&program).map_err(|_| ImageError::ElfDamaged)?;
        if program.p_filesz > program.p_memsz {
            return Err(ImageError::ElfDamaged);
        }
        moved = moved.or_else(|| physical_entry(&program, entry));
        let perms = if program.p_flags & PF_NEX_PROTECT == 0 {
            super::ALL
        } else {
            Perms {
                r: program.p_flags & PF_R != 0,
                w: program.p_flags & PF_W != 0,
                x: program.p_flags & PF_X != 0,
            }
        };
        // ELF32 fields: the values came from 32-bit words.
        let segment = Segment { gpa: program.p_paddr as u32, data, mem_bytes: program.p_memsz as u32, perms };
        let place = segments.partition_point(|other: &Segment<'_>| other.gpa <= segment.gpa);
        segments.try_insert(place, segment).map_err(|_| ImageError::TooManySegments)?;
    }
    if segments.is_empty() {
        return Err(ImageError::ElfEmpty);
    }
    let inside = |segment: &Segment<'_>| segment.gpa <= entry && u64::from(entry) < segment.end();
    if !segments.iter().any(inside) {
        // The MMU is off at entry. A virtual entry point means its physical place.
        entry = moved.unwrap_or(entry);
    }
    finish(ImageKind::Elf, segments, entry, ram)
}

/// `entry` as a physical address, if it is a virtual one in this segment.
fn physical_entry(program: &ProgramHeader, entry: u32) -> Option<u32> {
    let offset = u64::from(entry).checked_sub(program.p_vaddr).filter(|offset| *offset < program.p_memsz)?;
    u32::try_from(program.p_paddr + offset).ok()
}
