//! Links every guest with the guest kit's linker script.

fn main() {
    let script = std::env::var("DEP_NEX_GUEST_LINKER_SCRIPT").expect("nex-guest's build script sets this");
    println!("cargo::rustc-link-arg-bins=-T{script}");
    // Segments are aligned to 4 KiB, the unit in which Nex keeps permissions; the linker's default is 64 KiB.
    println!("cargo::rustc-link-arg-bins=-zmax-page-size=4096");
    println!("cargo::rerun-if-changed={script}");
}
