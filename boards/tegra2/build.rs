//! Makes the constants of the build configuration, and links the binary with the hypervisor's layout.

use std::path::Path;

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let root = Path::new(&here).join("../..");
    nex_config::build_script::run(&root, nex_config::User::Board("tegra2"));
    println!("cargo:rustc-link-arg-bins=-T{here}/../../hv/nex.ld");
    println!("cargo:rerun-if-changed=../../hv/nex.ld");
}
