//! Links the binary with the hypervisor's layout.

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    println!("cargo:rustc-link-arg-bins=-T{here}/../../hv/nex.ld");
    println!("cargo:rerun-if-changed=../../hv/nex.ld");
}
