//! Links the programs with their linker script.

fn main() {
    let script = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("linux.ld");
    println!("cargo::rustc-link-arg-bins=-T{}", script.display());
    println!("cargo::rustc-link-arg-bins=-zmax-page-size=4096");
    // They go into an initial RAM disk, which need not carry what only a debugger reads.
    println!("cargo::rustc-link-arg-bins=--strip-debug");
    println!("cargo::rerun-if-changed=linux.ld");
}
