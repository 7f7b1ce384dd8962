//! Packing directories.

use std::fs;
use std::path::PathBuf;

use nextool::{cpio, volume};

/// A directory that goes when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nextool-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("boot")).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, data: &str) {
        fs::write(self.0.join(name), data).unwrap();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_at_any_depth_are_packed_the_same_each_time() {
    let directory = Directory::new("depth");
    directory.write("zz", "last");
    directory.write("boot/kernel", "code");
    std::os::unix::fs::symlink("boot/kernel", directory.0.join("link")).unwrap();
    let files = volume::read_dir(&directory.0).unwrap();
    let list: Vec<(&str, &[u8])> =
        files.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    assert_eq!(list, [("boot/kernel", &b"code"[..]), ("link", b"code"), ("zz", b"last")]);
    let first = cpio::pack(&files).unwrap();
    // Another time and another order of creation.
    fs::remove_file(directory.0.join("zz")).unwrap();
    directory.write("zz", "last");
    assert_eq!(cpio::pack(&volume::read_dir(&directory.0).unwrap()).unwrap(), first);
}

#[test]
fn errors_name_the_file() {
    let directory = Directory::new("errors");
    assert!(volume::read_dir(&directory.0).unwrap_err().to_string().contains("no file"));
    std::os::unix::fs::symlink("nowhere", directory.0.join("dangling")).unwrap();
    assert!(format!("{:#}", volume::read_dir(&directory.0).unwrap_err()).contains("dangling"));
    assert!(volume::read_dir(&directory.0.join("absent")).is_err());
    directory.write("text", "no ELF");
    assert!(format!("{:#}", volume::read_guest(&directory.0.join("text")).unwrap_err()).contains("text"));
}

#[test]
fn complaints_are_those_of_nex() {
    let complaints = |manifest: &str| {
        let directory = Directory::new("complaints");
        directory.write("nex.toml", manifest);
        directory.write("text", "any text is a flat binary");
        fs::write(directory.0.join("packed"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).unwrap();
        volume::complaints(&cpio::pack(&volume::read_dir(&directory.0).unwrap()).unwrap()).join("\n")
    };
    assert!(complaints("[[domain]]\nname = \"a\"\nkernal = \"b\"\n").contains("nex.toml:3"));
    assert!(
        complaints("[[domain]]\nname = \"a\"\nkernel = \"absent\"\nmemory = \"4M\"\n").contains("absent")
    );
    assert!(complaints("on_idle = 3\n").contains("on_idle"));
    assert_eq!(complaints("[[domain]]\nname = \"a\"\nkernel = \"text\"\nmemory = \"4M\"\n"), "");
    assert!(complaints("[[domain]]\nname = \"a\"\nkernel = \"packed\"\nmemory = \"4M\"\n").contains("gzip"));
    assert!(volume::complaints(b"").join("").contains("empty"));
}
