//! Makes the constants of the build configuration, and records what the boot log says of the build: git revision and
//! compiler. Both are "unknown" outside a git checkout or when the tool is missing; a build never fails for it.

use std::path::Path;
use std::process::Command;

fn output_of(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    (out.status.success() && !text.trim().is_empty()).then(|| text.trim().to_string())
}

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    nex_config::build_script::run(
        Path::new(&here).parent().expect("hv is in the tree"),
        nex_config::User::Core,
    );

    // Which records are wanted is decided when Nex runs; defmt itself, which reads this, is to leave none out.
    println!("cargo:rustc-env=DEFMT_LOG=trace");
    let revision = output_of("git", &["describe", "--always", "--dirty", "--abbrev=10"]);
    println!("cargo:rustc-env=NEX_GIT_REVISION={}", revision.as_deref().unwrap_or("unknown"));
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let compiler = output_of(&rustc, &["--version"]);
    println!("cargo:rustc-env=NEX_COMPILER={}", compiler.as_deref().unwrap_or("unknown"));
    // A commit moves HEAD's log; a change of a tracked file is seen through the index at the next `git add`.
    if let Some(dir) = output_of("git", &["rev-parse", "--absolute-git-dir"]) {
        println!("cargo:rerun-if-changed={dir}/logs/HEAD");
        println!("cargo:rerun-if-changed={dir}/index");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
