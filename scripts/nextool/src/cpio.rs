//! Writing newc archives (cpio(5), "New ASCII Format") that are the same bytes whenever the files are the same.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

/// Archive size is a multiple of this, as that of cpio(1).
const BLOCK_BYTES: usize = 512;

/// Packs `files`, given by path, in the order of their paths.
///
/// Owner, times and device numbers are 0 and the mode is 0644, so the result depends on nothing but names and contents.
///
/// # Errors
/// If a path is empty, absolute or the end mark of archives, or a file is 4 GiB or more.
pub fn pack(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for (inode, (path, data)) in (1u32..).zip(files) {
        let plain = !path.is_empty() && !path.starts_with('/') && !path.contains('\0') && path != TRAILER;
        ensure!(plain, "{path:?}: not a name for a file in an archive");
        ensure!(u32::try_from(data.len()).is_ok(), "{path}: 4 GiB or more");
        entry(&mut out, inode, 0o100_644, path, data);
    }
    entry(&mut out, 0, 0, TRAILER, &[]);
    out.resize(out.len().next_multiple_of(BLOCK_BYTES), 0);
    Ok(out)
}

const TRAILER: &str = "TRAILER!!!";

fn entry(out: &mut Vec<u8>, inode: u32, mode: u32, path: &str, data: &[u8]) {
    let fields = [
        inode,
        mode,
        0, // uid
        0, // gid
        1, // links
        0, // mtime
        data.len() as u32,
        0, // device, major and minor
        0,
        0, // device of a device file, major and minor
        0,
        path.len() as u32 + 1,
        0, // checksum, unused in this format
    ];
    out.extend(b"070701");
    for field in fields {
        out.extend(format!("{field:08x}").bytes());
    }
    out.extend(path.bytes());
    out.push(0);
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(data);
    out.resize(out.len().next_multiple_of(4), 0);
}
