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
