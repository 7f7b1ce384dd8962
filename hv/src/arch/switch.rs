//! Switching between hypervisor threads.

core::arch::global_asm!(
    r#"
    .text
    .arm
    // extern "C" fn nex_switch(save_sp: *mut u32, load_sp: u32)
    // Saves what AAPCS lets a callee keep, and continues the other thread where it called nex_switch (or at
    // nex_thread_start for a new one).
    .type nex_switch, %function
nex_switch:
    push {{r4-r11, lr}}
    sub sp, sp, #4
    str sp, [r0]
    mov sp, r1
    add sp, sp, #4
    pop {{r4-r11, pc}}
    .size nex_switch, . - nex_switch

    // First instructions of a thread: r4 = its argument. IRQs are masked, as always after a switch.
    .type nex_thread_start, %function
nex_thread_start:
    mov r11, #0
    mov r0, r4
    bl {thread_main}
    udf #0
    .size nex_thread_start, . - nex_thread_start
    "#,
    thread_main = sym crate::thread::thread_main,
);

unsafe extern "C" {
    fn nex_switch(save_sp: *mut u32, load_sp: u32);
    fn nex_thread_start();
}

/// Saved registers of a thread that does not run: padding, r4-r11, lr.
const SAVED_WORDS: usize = 10;

/// Continues the thread whose stack pointer is `load_sp`; the caller's goes to `save_sp`.
///
/// # Safety
/// IRQs are masked. `load_sp` was stored by this function or made by [`prepare_stack`], its stack is mapped and no
/// other CPU runs on it. `save_sp` stays valid until the caller is continued.
pub unsafe fn switch(save_sp: *mut u32, load_sp: u32) {
    // SAFETY: the caller's promises are what the assembly relies on.
    unsafe { nex_switch(save_sp, load_sp) }
}

/// Lays out the stack of a new thread so that [`switch`] starts it with `argument`; returns its stack pointer.
///
/// # Safety
/// `top` is the 8-byte aligned end of a mapped, unused stack.
pub unsafe fn prepare_stack(top: u32, argument: u32) -> u32 {
    let sp = top - 4 * SAVED_WORDS as u32;
    let words = sp as *mut u32;
    // SAFETY: the ten words below `top` belong to the new stack.
    unsafe {
        for n in 0..SAVED_WORDS {
            words.add(n).write(0);
        }
        words.add(1).write(argument); // r4
        words.add(SAVED_WORDS - 1).write(nex_thread_start as *const () as u32); // lr -> pc
    }
    sp
}
