//! Masking of interrupts on the running CPU, and the instructions that wait for them.

use core::arch::asm;

const I_BIT: u32 = 1 << 7;

/// Whether IRQs are masked now.
#[inline(always)]
pub fn masked() -> bool {
    let cpsr: u32;
    // SAFETY: reads the CPSR.
    unsafe { asm!("mrs {}, cpsr", out(reg) cpsr, options(nomem, nostack, preserves_flags)) };
    cpsr & I_BIT != 0
}

/// Masks IRQs; returns whether they were masked before, for [`restore`].
#[inline(always)]
pub fn mask() -> bool {
    let was = masked();
    // SAFETY: masking interrupts cannot break memory safety; without `nomem` it is a compiler barrier as well.
    unsafe { asm!("cpsid i", options(nostack, preserves_flags)) };
    was
}

/// Undoes a [`mask`] that returned `was_masked`.
#[inline(always)]
pub fn restore(was_masked: bool) {
    if !was_masked {
        unmask();
    }
}

/// Opens IRQs. Callers hold no lock that masks them.
#[inline(always)]
pub fn unmask() {
    // SAFETY: interrupt handlers keep to data behind locks that mask interrupts, so they may come at any place.
    unsafe { asm!("cpsie i", options(nostack, preserves_flags)) };
}

/// The CPSR's F bit as it is now.
pub fn fiq_mask_bit() -> u32 {
    let cpsr: u32;
    // SAFETY: reads the CPSR.
    unsafe { asm!("mrs {}, cpsr", out(reg) cpsr, options(nomem, nostack, preserves_flags)) };
    cpsr & 1 << 6
}

/// Opens FIQ on this CPU for good: threads inherit it, exceptions other than FIQ leave it open.
pub fn unmask_fiq() {
    // SAFETY: the FIQ handler keeps to data that is made for being touched at any moment.
    unsafe { asm!("cpsie f", options(nostack, preserves_flags)) };
}

/// Masks IRQ and FIQ: for the debugger's own run.
pub fn mask_all() {
    // SAFETY: masking cannot break memory safety.
    unsafe { asm!("cpsid if", options(nostack, preserves_flags)) };
}

/// Runs `f` with IRQ and FIQ masked, and then sets both as they were. For a few instructions that not even the debugger
/// may interrupt.
pub fn with_all_masked<R>(f: impl FnOnce() -> R) -> R {
    let cpsr: u32;
    // SAFETY: masking cannot break memory safety; without `nomem` it is a compiler barrier as well.
    unsafe { asm!("mrs {}, cpsr", "cpsid if", out(reg) cpsr, options(nostack, preserves_flags)) };
    let result = f();
    // SAFETY: the mask bits as they were; MSR to the control field (DDI 0406C B9.3.12) in the same mode.
    unsafe { asm!("msr cpsr_c, {}", in(reg) cpsr, options(nostack, preserves_flags)) };
    result
}

/// Waits for an interrupt, masked or not. The barrier lets pending writes (an end of interrupt, a timer) land first.
#[inline(always)]
pub fn wait_for_interrupt() {
    // SAFETY: waits.
    unsafe { asm!("dsb", "wfi", options(nostack, preserves_flags)) };
}

/// Stops this CPU for good.
pub fn halt() -> ! {
    mask();
    loop {
        wait_for_interrupt();
    }
}
