//! Makes the constants of the build configuration, and links the binary with the hypervisor's layout and the log's format strings.

use std::path::Path;

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let root = Path::new(&here).join("../..");
    nex_config::build_script::run(&root, nex_config::User::Board("tegra2"));
    println!("cargo:rustc-link-arg-bins=-T{here}/../../hv/nex.ld");
    // Comes with the crate defmt, whose build script tells the linker where.
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    // As in hv/build.rs.
    println!("cargo:rustc-env=DEFMT_LOG=trace");
    println!("cargo:rerun-if-changed=../../hv/nex.ld");
}
