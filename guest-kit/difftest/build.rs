//! Links the guest with its own linker script: it is no guest of the guest kit, but a program for a bare machine.

fn main() {
    let dir = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    println!("cargo::rustc-link-arg-bins=-T{dir}/difftest.ld");
    // All of it is one segment anyway; without this the linker would pad it to 64 KiB.
    println!("cargo::rustc-link-arg-bins=-zmax-page-size=4096");
    println!("cargo::rerun-if-changed=difftest.ld");
}
