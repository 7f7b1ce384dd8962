//! CP15 by register number, and the operations that cases and harness need.

/// `cp15_read!(op1, crn, crm, op2)`, as in `MRC p15, op1, value, crn, crm, op2`.
macro_rules! cp15_read {
    ($op1:literal, $crn:ident, $crm:ident, $op2:literal) => {{
        let value: u32;
        // SAFETY: reading a CP15 register changes neither memory nor control flow.
        unsafe {
            core::arch::asm!(
                concat!("mrc p15, ", $op1, ", {}, ", stringify!($crn), ", ", stringify!($crm), ", ", $op2),
                out(reg) value, options(nostack))
        };
        value
    }};
}

/// `cp15_write!(op1, crn, crm, op2, value)`, then ISB.
macro_rules! cp15_write {
    ($op1:literal, $crn:ident, $crm:ident, $op2:literal, $value:expr) => {{
        let value: u32 = $value;
        // SAFETY: the harness runs from memory that every page table of the cases maps one to one, and the cases put
        // back what they change, so the Rust code goes on unharmed. Not `nomem`: accesses stay on their side.
        unsafe {
            core::arch::asm!("dsb",
                concat!("mcr p15, ", $op1, ", {}, ", stringify!($crn), ", ", stringify!($crm), ", ", $op2),
                "isb", in(reg) value, options(nostack))
        };
    }};
}

pub(crate) use {cp15_read, cp15_write};

/// SCTLR bits.
pub(crate) mod sctlr {
    /// MMU.
    pub(crate) const M: u32 = 1;
    /// Alignment check.
    pub(crate) const A: u32 = 1 << 1;
    /// Data cache.
    pub(crate) const C: u32 = 1 << 2;
    /// SWP and SWPB.
    pub(crate) const SW: u32 = 1 << 10;
    /// Branch prediction.
    pub(crate) const Z: u32 = 1 << 11;
    /// Instruction cache.
    pub(crate) const I: u32 = 1 << 12;
    /// High vectors.
    pub(crate) const V: u32 = 1 << 13;
    /// Exceptions are big-endian.
    pub(crate) const EE: u32 = 1 << 25;
    /// TEX remap.
    pub(crate) const TRE: u32 = 1 << 28;
    /// Access flag.
    pub(crate) const AFE: u32 = 1 << 29;
    /// Exceptions are T32.
    pub(crate) const TE: u32 = 1 << 30;
}

/// By MIDR. Cortex-A7 and A15 have what the cases expect else.
pub(crate) fn is_cortex_a9() -> bool {
    cp15_read!(0, c0, c0, 0) >> 4 & 0xfff == 0xc09
}

/// SCTLR.
pub(crate) fn sctlr() -> u32 {
    cp15_read!(0, c1, c0, 0)
}

/// Writes SCTLR.
pub(crate) fn set_sctlr(value: u32) {
    cp15_write!(0, c1, c0, 0, value);
}

/// Runs `work` with these bits of SCTLR set and cleared; puts SCTLR back.
pub(crate) fn with_sctlr<T>(set: u32, clear: u32, work: impl FnOnce() -> T) -> T {
    let old = sctlr();
    set_sctlr(old & !clear | set);
    let result = work();
    set_sctlr(old);
    result
}

/// TLBIALL, and branch predictor.
pub(crate) fn flush_tlb() {
    cp15_write!(0, c8, c7, 0, 0);
    cp15_write!(0, c7, c5, 6, 0);
}

/// Makes `bytes` of new instructions at `address` visible to fetches (the manual, A3.5.4).
pub(crate) fn sync_code(address: u32, bytes: u32) {
    let mut at = address & !31;
    while at < address + bytes {
        cp15_write!(0, c7, c11, 1, at);
        at += 32;
    }
    let mut at = address & !31;
    while at < address + bytes {
        cp15_write!(0, c7, c5, 1, at);
        at += 32;
    }
    cp15_write!(0, c7, c5, 6, 0);
}
