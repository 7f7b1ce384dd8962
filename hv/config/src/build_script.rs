//! What a build script does with the configuration.
//!
//! The environment variable `NEX_CONFIG` names the file, from the root of the tree on if it is relative; the Makefile sets it
//! to `.config` if that is there. Unset or empty means the defaults. Cargo runs the script again when the variable or the
//! file changes. The script does not look for `.config` itself: cargo would then have to be told to watch a file that may not
//! exist, and would build everything anew each time.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use crate::{Config, User};

/// The environment variable that names the file.
const VARIABLE: &str = "NEX_CONFIG";

/// Reads the configuration, writes the constants for `user` to `config.rs` in cargo's `OUT_DIR`, and sets the `cfg`s.
/// `root` is the root of the tree.
///
/// If the configuration cannot be used this says so the way cargo shows it, and ends the process.
pub fn run(root: &Path, user: User) {
    let config = load(root).unwrap_or_else(|complaints| fail(&complaints));
    for (name, set) in config.cfgs(user) {
        println!("cargo::rustc-check-cfg=cfg({name})");
        if set {
            println!("cargo::rustc-cfg={name}");
        }
    }
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default().join("config.rs");
    if let Err(e) = fs::write(&out, config.constants(user)) {
        fail(&[format!("{}: {e}", out.display())]);
    }
}

fn load(root: &Path) -> Result<Config, Vec<String>> {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let Some(file) = env::var_os(VARIABLE).filter(|file| !file.is_empty()) else {
        return Ok(Config::default());
    };
    let path = root.join(file);
    println!("cargo::rerun-if-changed={}", path.display());
    let shown = path.strip_prefix(root).unwrap_or(&path).display();
    let bytes = fs::read(&path).map_err(|e| vec![format!("{shown}: {e} ({VARIABLE} names this file)")])?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let line = 1 + e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        vec![format!("{shown}:{line}: not UTF-8")]
    })?;
    Config::parse(&text)
        .map_err(|errors| errors.iter().map(|e| format!("{shown}:{}: {}", e.line, e.problem)).collect())
}

fn fail(complaints: &[String]) -> ! {
    for complaint in complaints {
        println!("cargo::error={complaint}");
    }
    process::exit(1)
}
