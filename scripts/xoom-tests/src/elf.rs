//! Flattens a linked program: what a boot loader would copy.

/// Program header type of what is loaded.
const PT_LOAD: u32 = 1;

/// The loaded bytes of a 32-bit little-endian ELF file, from its entry on, with gaps as zeros. What is loaded before the
/// entry, such as the file's own headers, is left out.
///
/// # Panics
/// If it is not such a file, as only files that the build has made are given.
pub fn flat(file: &[u8]) -> Vec<u8> {
    assert!(file.starts_with(b"\x7fELF\x01\x01"), "not a 32-bit little-endian ELF file");
    let headers = word(file, 28) as usize;
    let size = half(file, 42);
    let segments: Vec<(u32, &[u8])> = (0..half(file, 44))
        .map(|number| &file[headers + number * size..][..size])
        .filter(|header| word(header, 0) == PT_LOAD && word(header, 16) != 0)
        .map(|header| (word(header, 12), &file[word(header, 4) as usize..][..word(header, 16) as usize]))
        .collect();
    let entry = word(file, 24);
    let mut bytes = Vec::new();
    for (address, content) in segments.into_iter().filter(|segment| segment.0 >= entry) {
        let at = (address - entry) as usize;
        bytes.resize(bytes.len().max(at + content.len()), 0);
        bytes[at..at + content.len()].copy_from_slice(content);
    }
    bytes
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn half(bytes: &[u8], at: usize) -> usize {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes")).into()
}
