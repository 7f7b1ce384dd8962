//! What a domain finds when it starts: memory map, registers, device tree.
//!
//! Addresses are guest physical. The map has the shape of QEMU's `virt` machine; a guest should still ask the device
//! tree, which tells the truth about this domain.

/// First byte of RAM. Its size is the domain's `memory` and stands in the device tree.
pub const RAM_BASE: u32 = 0x4000_0000;

/// Where the device tree lies: at the start of RAM.
pub const DTB_BASE: u32 = RAM_BASE;
/// Room kept for the device tree, in bytes. No image may be loaded below `DTB_BASE + DTB_MAX_BYTES`.
pub const DTB_MAX_BYTES: u32 = 16 * 1024;

/// Where a flat image goes that names no load address, and where the guest kit links its programs.
pub const IMAGE_BASE: u32 = 0x4001_0000;

/// Page size by which permissions are kept, in bytes.
pub const PAGE_BYTES: u32 = 4096;

/// r0 on entry (ARM Linux boot protocol).
pub const ENTRY_R0: u32 = 0;
/// r1 on entry: no machine number, ask the device tree.
pub const ENTRY_R1: u32 = 0xffff_ffff;
/// r2 on entry: guest physical address of the device tree.
pub const ENTRY_R2: u32 = DTB_BASE;

/// `compatible` of the node `/hypervisor`.
pub const HYPERVISOR_COMPATIBLE: &str = "nex,hypervisor";
/// Property of `/hypervisor`: two cells, [`ABI_MAJOR`](crate::nex::ABI_MAJOR) and
/// [`ABI_MINOR`](crate::nex::ABI_MINOR).
pub const ABI_VERSION_PROPERTY: &str = "nex,abi-version";
/// `compatible` of the node `/psci`, most specific first.
pub const PSCI_COMPATIBLE: [&str; 2] = ["arm,psci-1.0", "arm,psci-0.2"];
/// `method` of the node `/psci`.
pub const PSCI_METHOD: &str = "hvc";

const _: () = assert!(IMAGE_BASE >= DTB_BASE + DTB_MAX_BYTES, "an image must not cover the device tree");
const _: () = assert!(IMAGE_BASE.is_multiple_of(PAGE_BYTES) && DTB_MAX_BYTES.is_multiple_of(PAGE_BYTES));
