//! CP15: what `aarch32-cpu` has (identification registers, barriers) by that crate, and the registers and operations that
//! it lacks or declares in a way Nex must not rely on.
//!
//! That crate marks its register writes `nomem`; for the registers that decide what memory *is* (TTBR, DACR, TLB and
//! cache operations) the compiler has to keep memory accesses on their side, so these carry no such option.

use core::arch::asm;

pub use aarch32_cpu::asm::{dsb, isb};
use aarch32_cpu::register::{Ctr, IdMmfr3, IdPfr0, IdPfr1, Midr, Mpidr};

/// MIDR: main ID (B4.1.105).
pub fn midr() -> u32 {
    Midr::read().raw_value()
}

/// MPIDR: affinity of this CPU (B4.1.106).
pub fn mpidr() -> u32 {
    Mpidr::read().0
}

/// Whether this CPU has the generic timer: ID_PFR1 bits 19:16 (B4.1.94).
pub fn has_generic_timer() -> bool {
    IdPfr1::read().0 >> 16 & 0xf != 0
}

/// Whether this CPU has ThumbEE: ID_PFR0 bits 15:12 (B4.1.93).
pub fn has_thumb_ee() -> bool {
    IdPfr0::read().0 >> 12 & 0xf != 0
}

/// Writes TEECR, a register of CP14: whether User mode reaches TEEHBR. Only where the CPU has ThumbEE.
///
/// # Safety
/// As for the writes to CP15 below.
pub unsafe fn set_teecr(value: u32) {
    // SAFETY: no effect but on User mode's accesses to TEEHBR.
    unsafe { asm!("mcr p14, 6, {}, c0, c0, 0", in(reg) value, options(nostack, preserves_flags)) };
}

/// Whether table walks look into the data cache: ID_MMFR3 bits 23:20 (B4.1.92).
pub fn walks_are_coherent() -> bool {
    IdMmfr3::read().0 >> 20 & 0xf != 0
}

/// Bytes in the smallest data cache line: CTR bits 19:16 as log2 of words (B4.1.42).
pub fn data_line_bytes() -> u32 {
    4 << (Ctr::read().0 >> 16 & 0xf)
}

/// CLIDR, and CCSIDR of the caches that it names in CSSELR's order: level 1 data and instruction, level 2; 0 for what is not
/// there (B4.1.20, B4.1.19).
pub fn cache_geometry() -> (u32, [u32; 3]) {
    let clidr = clidr();
    let level = |n: u32| clidr >> (3 * n) & 7;
    // Level types: 1 instruction only, 2 data only, 3 both, 4 unified.
    let there = [matches!(level(0), 2..=4), matches!(level(0), 1 | 3), matches!(level(1), 2..=4)];
    let mut ccsidr = [0; 3];
    for (n, value) in ccsidr.iter_mut().enumerate().filter(|&(n, _)| there[n]) {
        // SAFETY: selects what CCSIDR shows, for nobody but the next line.
        unsafe { set_csselr(n as u32) };
        isb();
        *value = ccsidr_selected();
    }
    (clidr, ccsidr)
}

/// TTBR attributes: walks are shareable, inner and outer write-back write-allocate (DDI 0406C B4.1.154, format with
/// the multiprocessing extensions: IRGN = 0b01 in bits 0 and 6, RGN = 0b01 in 4:3, S = bit 1).
pub const TTBR_FLAGS: u32 = 1 << 6 | 1 << 3 | 1 << 1;

/// SCTLR bits that must be 0: A (strict alignment), HA, WXN, UWXN, EE, TRE, AFE, TE, V (B4.1.130).
pub const SCTLR_CLEAR: u32 =
    1 << 1 | 1 << 13 | 1 << 17 | 1 << 19 | 1 << 20 | 1 << 25 | 1 << 28 | 1 << 29 | 1 << 30;
/// SCTLR bits that must be 1: M, C, Z (branch prediction), I.
pub const SCTLR_SET: u32 = 1 << 0 | 1 << 2 | 1 << 11 | 1 << 12;

macro_rules! cp15 {
    ($(#[$doc:meta])* read $name:ident, $op1:literal, $crn:literal, $crm:literal, $op2:literal) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name() -> u32 {
            let value: u32;
            // SAFETY: reading this register has no effect on memory or control flow.
            unsafe {
                asm!(concat!("mrc p15, ", $op1, ", {}, ", $crn, ", ", $crm, ", ", $op2), out(reg) value,
                     options(nostack, preserves_flags))
            };
            value
        }
    };
    ($(#[$doc:meta])* write $name:ident, $op1:literal, $crn:literal, $crm:literal, $op2:literal) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// The write takes effect for the running CPU at the next context synchronisation. The caller guarantees that
        /// Nex's text, data and current stack stay mapped as they are, whatever the new value changes.
        #[inline(always)]
        pub unsafe fn $name(value: u32) {
            // SAFETY: the caller's promise; no `nomem`, so memory accesses are not moved across it.
            unsafe {
                asm!(concat!("mcr p15, ", $op1, ", {}, ", $crn, ", ", $crm, ", ", $op2), in(reg) value,
                     options(nostack, preserves_flags))
            };
        }
    };
    ($(#[$doc:meta])* op $name:ident, $op1:literal, $crn:literal, $crm:literal, $op2:literal) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(value: u32) {
            // SAFETY: a maintenance operation that only discards copies of what memory or tables hold (TLB, branch
            // predictor, instruction cache) or writes them back; it cannot change the value of any location.
            unsafe {
                asm!(concat!("mcr p15, ", $op1, ", {}, ", $crn, ", ", $crm, ", ", $op2), in(reg) value,
                     options(nostack, preserves_flags))
            };
        }
    };
}

cp15!(/// DFSR: data fault status (B4.1.52).
    read dfsr, "0", "c5", "c0", "0");
cp15!(/// IFSR: instruction fault status (B4.1.96).
    read ifsr, "0", "c5", "c0", "1");
cp15!(/// DFAR: address of the last synchronous data abort (B4.1.51).
    read dfar, "0", "c6", "c0", "0");
cp15!(/// IFAR: address of the last prefetch abort (B4.1.95).
    read ifar, "0", "c6", "c0", "2");
cp15!(/// CTR: cache type (B4.1.42); DminLine in bits 19:16 as log2 of words.
    read ctr, "0", "c0", "c0", "1");
cp15!(/// CLIDR: cache levels (B4.1.20).
    read clidr, "1", "c0", "c0", "1");
cp15!(/// CCSIDR: the cache that CSSELR selects (B4.1.19).
    read ccsidr_selected, "1", "c0", "c0", "0");
cp15!(/// Writes CSSELR (B4.1.41).
    write set_csselr, "2", "c0", "c0", "0");
cp15!(/// TPIDRPRW: PL1-only software thread ID; Nex keeps its per-CPU pointer there (B4.1.150).
    read tpidrprw, "0", "c13", "c0", "4");
cp15!(/// Writes TPIDRPRW.
    write set_tpidrprw, "0", "c13", "c0", "4");
cp15!(/// TPIDRURW: thread ID that User mode may write (B4.1.152).
    read tpidrurw, "0", "c13", "c0", "2");
cp15!(/// Writes TPIDRURW.
    write set_tpidrurw, "0", "c13", "c0", "2");
cp15!(/// Writes TPIDRURO: thread ID that User mode may read (B4.1.151).
    write set_tpidruro, "0", "c13", "c0", "3");
cp15!(/// TPIDRURO: thread ID that User mode may read (B4.1.151).
    read tpidruro, "0", "c13", "c0", "3");
cp15!(/// DACR: domain access (B4.1.43).
    read dacr, "0", "c3", "c0", "0");
cp15!(/// Writes DACR.
    write set_dacr, "0", "c3", "c0", "0");
cp15!(/// SCTLR (B4.1.130).
    read sctlr, "0", "c1", "c0", "0");
cp15!(/// Writes SCTLR.
    write set_sctlr, "0", "c1", "c0", "0");
cp15!(/// Writes CPACR: coprocessor access (B4.1.40).
    write set_cpacr, "0", "c1", "c0", "2");

cp15!(/// Writes PMUSERENR: User mode access to the performance monitors (B4.1.127).
    write set_pmuserenr, "0", "c9", "c14", "0");
cp15!(/// Writes CNTKCTL: User mode access to the generic timer (B4.1.27). Only where the CPU has one.
    write set_cntkctl, "0", "c14", "c1", "0");

cp15!(/// ATS1CPR: translates for a privileged read (B4.2.4); the result is in PAR after an ISB.
    op ats1cpr, "0", "c7", "c8", "0");
cp15!(/// ATS1CPW: for a privileged write.
    op ats1cpw, "0", "c7", "c8", "1");
cp15!(/// ATS1CUR: for a User mode read.
    op ats1cur, "0", "c7", "c8", "2");
cp15!(/// ATS1CUW: for a User mode write.
    op ats1cuw, "0", "c7", "c8", "3");
cp15!(/// PAR: result of a translation (B4.1.112).
    read par, "0", "c7", "c4", "0");

cp15!(/// TLBIALL: this CPU's whole unified TLB (B4.2.2).
    op tlbiall, "0", "c8", "c7", "0");
cp15!(/// TLBIMVAA: one page, all ASIDs, global entries too; value = address.
    op tlbimvaa, "0", "c8", "c7", "3");
cp15!(/// TLBIASID: all non-global entries of an ASID.
    op tlbiasid, "0", "c8", "c7", "2");
cp15!(/// BPIALL: branch predictor.
    op bpiall, "0", "c7", "c5", "6");
cp15!(/// ICIALLU: all instruction caches to the point of unification.
    op iciallu, "0", "c7", "c5", "0");
cp15!(/// DCCMVAU: clean a data cache line to the point of unification. The address must be mapped: it can fault.
    op dccmvau, "0", "c7", "c11", "1");
cp15!(/// DCCMVAC: clean a data cache line to the point of coherency. The address must be mapped.
    op dccmvac, "0", "c7", "c10", "1");
