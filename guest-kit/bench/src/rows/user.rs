//! What runs in User mode: loops in a page of their own, position-independent, each with r0 passes. They end by a jump to
//! 0, and have r2 and r3 as arguments.

use core::arch::naked_asm;

macro_rules! user_loop {
    ($(#[$doc:meta])* $name:ident: $body:literal) => {
        $(#[$doc])*
        #[unsafe(naked)]
        #[unsafe(link_section = ".user")]
        pub(crate) unsafe extern "C" fn $name() {
            naked_asm!("9:", $body, "subs r0, r0, #1", "bne 9b", "mov r12, #0", "bx r12")
        }
    };
}

user_loop! {
    /// Nothing in it.
    empty: ""
}
user_loop! { svc: "svc #0" }
user_loop! { undefined: "udf #0" }
user_loop! { load: "ldr r4, [r2]" }
user_loop! {
    /// A load from each of r0 pages.
    load_pages: "ldr r4, [r2]\nadd r2, r2, #4096"
}
