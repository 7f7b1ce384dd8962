//! Links the binary with the hypervisor's layout, and the format strings of the log into a section of their own.

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    println!("cargo:rustc-link-arg-bins=-T{here}/../../hv/nex.ld");
    // Comes with the crate defmt, whose build script tells the linker where.
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    // As in hv/build.rs.
    println!("cargo:rustc-env=DEFMT_LOG=trace");
    println!("cargo:rerun-if-changed=../../hv/nex.ld");
}
