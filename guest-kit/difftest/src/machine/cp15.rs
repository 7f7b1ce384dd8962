//! CP15 operations that the guest itself needs.

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
        // SAFETY: this program runs from memory that every page table of the cases maps one to one, so the Rust code
        // goes on unharmed. Not `nomem`: accesses stay on their side.
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
    /// SWP and SWPB.
    pub(crate) const SW: u32 = 1 << 10;
    /// Exceptions are big-endian.
    pub(crate) const EE: u32 = 1 << 25;
    /// Access flag.
    pub(crate) const AFE: u32 = 1 << 29;
    /// Exceptions are T32.
    pub(crate) const TE: u32 = 1 << 30;
}

/// TLBIALL, and branch predictor.
pub(crate) fn flush_tlb() {
    cp15_write!(0, c8, c7, 0, 0);
    cp15_write!(0, c7, c5, 6, 0);
}

/// Makes `bytes` of new instructions at `address` visible to fetches (DDI 0406C A3.5.4).
pub(crate) fn sync_code(address: u32, bytes: u32) {
    let mut at = address & !31;
    while at < address + bytes {
        cp15_write!(0, c7, c11, 1, at);
        at += 32;
    }
    // ICIALLU, and branch predictor.
    cp15_write!(0, c7, c5, 0, 0);
    cp15_write!(0, c7, c5, 6, 0);
}

/// `MCRR p15, op1, low, high, c2`: a 64-bit TTBR.
pub(crate) fn set_long_ttbr(which: u32, low: u32) {
    // SAFETY: as cp15_write!: the new tables map this program one to one.
    unsafe {
        if which == 0 {
            core::arch::asm!("dsb", "mcrr p15, 0, {}, {}, c2", "isb", in(reg) low, in(reg) 0, options(nostack));
        } else {
            core::arch::asm!("dsb", "mcrr p15, 1, {}, {}, c2", "isb", in(reg) low, in(reg) 0, options(nostack));
        }
    }
}
