//! Tells the build scripts of guests where the linker script is: `DEP_NEX_GUEST_LINKER_SCRIPT`.

fn main() {
    let script = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("guest.ld");
    println!("cargo::metadata=linker-script={}", script.display());
    println!("cargo::rerun-if-changed=guest.ld");
}
