//! What has to be done before Nex may use memory: the outer cache off, if the boot loader left it on.
//!
//! With the MMU off, loads and stores are Strongly-ordered (DDI 0406C B3.2.1), and the PL310 passes them on to memory
//! without a look at what it holds (DDI 0246, "Cacheable attributes"). So with dirty lines in it Nex would read, and move to where it runs, an
//! image that is not the one the loader has written; and later write-backs would go over what it has stored.
//!
//! The order: the core's own data cache was cleaned by set and way just before, so that all it held is in the outer cache or
//! in memory (DDI 0406C B2.2.7). Then the PL310 is cleaned and invalidated by way, which works in the background: a way's
//! bit reads 0 when it is done, and until then a write to any of its registers is an error (DDI 0246, "Cache maintenance
//! operations" and 3.1); synchronized; and switched off. In between this core makes no cacheable access but instruction fetches,
//! which bring no dirty lines; the other core is in reset. While it is off nothing gets into it, and the board's
//! probe empties it once more before it switches it on.
//!
//! Erratum 727915 (r2p0 to r3p0): a background clean and invalidate by way may lose a line that is written at the same
//! time, unless line fills and write-back are disabled (DEBUG_CTRL = 3) for its duration.
//!
//! All this is for Secure state; in Non-secure state a write to the control register is an error, and the cache stays
//! as it is. Whether this is Secure state the GIC tells, as in [`nex_tegra2_logic::scu::is_secure`].

/// Called among Nex's first instructions ([`nex_hv::board_main`]). In r0, for [`nex_hv::arch::BootArgs::early`]: the PL310's
/// control register as found, bit 0 is "on"; bit 31 set if it was switched off here.
#[unsafe(naked)]
pub extern "C" fn early() {
    core::arch::naked_asm!(
        "movw r5, #0x3000", // PL310
        "movt r5, #0x5004",
        "ldr r0, [r5, #0x100]", // CTRL
        "tst r0, #1",
        "bxeq lr",
        "movw r1, #0x1084", // GICD_IGROUPR1
        "movt r1, #0x5004",
        "ldr r2, [r1]",
        "mvn r3, r2",
        "str r3, [r1]",
        "ldr r4, [r1]",
        "str r2, [r1]",
        "cmp r3, r4",
        "bxne lr",              // Non-secure
        "ldr r1, [r5, #0x104]", // AUX_CTRL: bit 16, 16 ways
        "tst r1, #1 << 16",
        "movweq r1, #0xff",
        "movwne r1, #0xffff",
        "mov r2, #3",
        "str r2, [r5, #0xf40]", // DEBUG_CTRL
        "str r1, [r5, #0x7fc]", // CLEAN_INV_WAY
        "2: ldr r2, [r5, #0x7fc]",
        "tst r2, r1",
        "bne 2b",
        "mov r1, #0",
        "str r1, [r5, #0x730]", // CACHE_SYNC
        "3: ldr r2, [r5, #0x730]",
        "tst r2, #1",
        "bne 3b",
        "str r1, [r5, #0xf40]",
        "str r1, [r5, #0x100]",
        "dsb",
        "orr r0, r0, #1 << 31",
        "bx lr",
    )
}

/// [`nex_hv::arch::BootArgs::early`]: the outer cache was on.
pub const L2_WAS_ON: u32 = 1 << 0;
