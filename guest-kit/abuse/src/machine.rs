//! What every abuse needs: a try that comes back from any exception, page tables, CP15.
//!
//! The program runs in Supervisor mode with interrupts masked. [`attempt`] and [`attempt_as_user`] call a function; an
//! exception ends that call, whatever mode and state the CPU is in by then, and its vector is the answer.

use core::arch::{asm, global_asm};

/// Memory that the program has at least, from [`RAM`].
pub(crate) const RAM_BYTES: u32 = 8 << 20;
/// The start of memory. The first MiB has the program.
pub(crate) const RAM: u32 = 0x4000_0000;
/// First-level tables: 16 KiB for the tables in use, then one for others.
pub(crate) const L1: u32 = RAM + 0x20_0000;
/// For the lower 1 GiB, where addresses are split.
pub(crate) const L1_LOW: u32 = RAM + 0x20_4000;
/// Second-level tables, 1 KiB each, up to [`CODE`].
pub(crate) const L2: u32 = RAM + 0x21_0000;
/// Where code is made.
pub(crate) const CODE: u32 = RAM + 0x30_0000;
/// Plain memory up to the end.
pub(crate) const DATA: u32 = RAM + 0x40_0000;
/// Bytes of it.
pub(crate) const DATA_BYTES: u32 = RAM + RAM_BYTES - DATA;

/// Where Nex keeps itself in every address space, and where that ends.
pub(crate) const WINDOW: core::ops::Range<u32> = 0xfff0_0000..0xffff_0000;
/// Where the virtual platform has nothing.
pub(crate) const NOTHING: u32 = 0x1000_0000;

/// No exception: the function came back.
pub(crate) const NONE: u32 = 0;
pub(crate) const UNDEFINED: u32 = 1;
pub(crate) const SVC: u32 = 2;
pub(crate) const PREFETCH: u32 = 3;
pub(crate) const DATA_ABORT: u32 = 4;
pub(crate) const IRQ: u32 = 6;

/// Descriptors. First level: a section that all may use, the same for the kernel alone, its read-only form, a device.
pub(crate) const SECTION: u32 = 0xc0e;
pub(crate) const DEVICE: u32 = 0xc16;
/// Second level: small pages for all, for the kernel alone, read-only for the kernel alone.
pub(crate) const PAGE: u32 = 0x03e;
pub(crate) const PAGE_KERNEL: u32 = 0x01e;
pub(crate) const PAGE_KERNEL_READ: u32 = 0x21e;
/// First level: a second-level table, domain 0.
pub(crate) const TABLE: u32 = 0x001;

global_asm!(
    r#"
    .arch_extension virt
    .section .vectors, "ax"
    .arm
    .balign 4096
    .global nex_abuse_vectors
nex_abuse_vectors:
    b .
    b 1f
    b 2f
    b 3f
    b 4f
    b .
    b 6f
    b 7f
1:  mov r0, #1
    b 8f
2:  ldr r1, =nex_abuse_saved
    str r0, [r1, #4]
    mov r0, #2
    b 8f
3:  mov r0, #3
    b 8f
4:  mov r0, #4
    b 8f
6:  mov r0, #6
    b 8f
7:  mov r0, #7
    // Back to the last attempt, from any mode.
    .global nex_abuse_back
nex_abuse_back:
8:  mov r1, lr
    cpsid aif, #0x13
    ldr r2, =nex_abuse_saved
    ldr sp, [r2]
    pop {{r3-r11, pc}}
    .ltorg

    // r0 = function, r1 = its argument; gives r0 = vector, r1 = its result.
    .global nex_abuse_attempt
nex_abuse_attempt:
    push {{r3-r11, lr}}
    ldr r2, =nex_abuse_saved
    str sp, [r2]
    mov r2, r0
    mov r0, r1
    blx r2
    mov r1, r0
    mov r0, #0
    pop {{r3-r11, pc}}

    // The same in User mode. What comes back by SVC has left its result.
    .global nex_abuse_attempt_as_user
nex_abuse_attempt_as_user:
    push {{r3-r11, lr}}
    ldr r2, =nex_abuse_saved
    str sp, [r2]
    mov r2, r0
    mov r0, r1
    ldr r3, =__user_stack_top
    cps #0x1f
    mov sp, r3
    cps #0x10
    blx r2
    svc #0

    // r0 = where to go (bit 0: T32), r1 = r0 to r12 and sp, r2 = mode. Interrupts are let in. Comes back by an exception
    // only.
    .global nex_abuse_enter
nex_abuse_enter:
    push {{r3-r11, lr}}
    ldr r3, =nex_abuse_saved
    str sp, [r3]
    mrs r3, cpsr
    bic r3, r3, #0xdf
    orr r3, r3, r2
    msr cpsr_c, r3
    mov lr, r0
    ldr sp, [r1, #52]
    ldm r1, {{r0-r12}}
    bx lr
    .ltorg

    .section .data.nex_abuse_saved, "aw"
    .balign 4
    .global nex_abuse_saved
nex_abuse_saved:
    .word 0, 0
    .text
    "#
);

unsafe extern "C" {
    fn nex_abuse_attempt(function: extern "C" fn(u32) -> u32, argument: u32) -> u64;
    fn nex_abuse_attempt_as_user(function: extern "C" fn(u32) -> u32, argument: u32) -> u64;
    fn nex_abuse_enter(address: u32, registers: *const [u32; 14], mode: u32) -> u64;
    static nex_abuse_vectors: u8;
    static nex_abuse_saved: [u32; 2];
    static __data_start: u8;
}

/// Calls `function`. The exception that ended it, or [`NONE`] and its result.
pub(crate) fn attempt(function: extern "C" fn(u32) -> u32, argument: u32) -> (u32, u32) {
    // SAFETY: comes back with the stack and the callee-saved registers as they were; what `function` does to memory is
    // the affair of this program, all of whose memory is at stake anyway.
    let both = unsafe { nex_abuse_attempt(function, argument) };
    (both as u32, (both >> 32) as u32)
}

/// Calls `function` in User mode. The exception that ended it, or [`NONE`] and its result.
pub(crate) fn attempt_as_user(function: extern "C" fn(u32) -> u32, argument: u32) -> (u32, u32) {
    // SAFETY: as above.
    let both = unsafe { nex_abuse_attempt_as_user(function, argument) };
    match both as u32 {
        // SAFETY: written by the vector before.
        SVC => (NONE, unsafe { (&raw const nex_abuse_saved[1]).read_volatile() }),
        vector => (vector, 0),
    }
}

/// Runs what is at `address` (bit 0: T32) with these r0 to r13, in `mode`, until an exception, and says which.
pub(crate) fn enter(address: u32, registers: &[u32; 14], mode: u32) -> u32 {
    // SAFETY: as above.
    unsafe { nex_abuse_enter(address, registers, mode) as u32 }
}

/// Calls code that was made at `address` (bit 0: T32) with `argument`.
pub(crate) fn call(address: u32, argument: u32) -> (u32, u32) {
    // SAFETY: as above; a function pointer is an address with the instruction set in bit 0.
    let function = unsafe { core::mem::transmute::<u32, extern "C" fn(u32) -> u32>(address) };
    attempt(function, argument)
}

/// As [`call`], in User mode.
pub(crate) fn call_as_user(address: u32, argument: u32) -> (u32, u32) {
    // SAFETY: as above.
    let function = unsafe { core::mem::transmute::<u32, extern "C" fn(u32) -> u32>(address) };
    attempt_as_user(function, argument)
}

/// First byte of what the program writes to.
pub(crate) fn data_start() -> u32 {
    (&raw const __data_start).addr() as u32
}

/// Writes a word.
pub(crate) fn write(at: u32, value: u32) {
    // SAFETY: none; what may go wrong is the program's purpose, and an exception ends the attempt.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(at as usize).write_volatile(value) }
}

/// Reads a word.
pub(crate) fn read(at: u32) -> u32 {
    // SAFETY: as above.
    unsafe { core::ptr::with_exposed_provenance::<u32>(at as usize).read_volatile() }
}

/// [`read`] to attempt.
pub(crate) extern "C" fn load(at: u32) -> u32 {
    read(at)
}

/// [`write`] to attempt, of the address itself.
pub(crate) extern "C" fn store(at: u32) -> u32 {
    write(at, at);
    at
}

/// Makes writable functions for CP15 registers, and readable ones.
macro_rules! cp15 {
    ($(write $name:ident $where:literal)*) => {
        $(pub(crate) extern "C" fn $name(value: u32) -> u32 {
            // SAFETY: as `write` above.
            unsafe { core::arch::asm!(concat!("mcr p15, 0, {0}, ", $where), "isb", in(reg) value) };
            0
        })*
    };
    ($(read $name:ident $where:literal)*) => {
        $(pub(crate) fn $name() -> u32 {
            let value;
            // SAFETY: reads a register.
            unsafe { core::arch::asm!(concat!("mrc p15, 0, {0}, ", $where), out(reg) value) };
            value
        })*
    };
}
pub(crate) use cp15;

cp15! {
    write set_sctlr "c1, c0, 0"
    write set_cpacr "c1, c0, 2"
    write set_ttbr0 "c2, c0, 0"
    write set_ttbr1 "c2, c0, 1"
    write set_ttbcr "c2, c0, 2"
    write set_dacr "c3, c0, 0"
    write set_mair0 "c10, c2, 0"
    write set_vbar "c12, c0, 0"
    write set_contextidr "c13, c0, 1"
    write flush_all "c8, c7, 0"
    write flush_page "c8, c7, 1"
    write flush_asid "c8, c7, 2"
    write clean_line "c7, c11, 1"
    write drop_fetched "c7, c5, 0"
    write translate_read "c7, c8, 0"
    write set_timer "c14, c3, 0"
    write set_timer_control "c14, c3, 1"
}
cp15! {
    read par "c7, c4, 0"
}

/// SCTLR.M.
const MMU: u32 = 1;

/// SCTLR as Nex's domains start with it: caches off, MMU off.
pub(crate) const SCTLR_START: u32 = 0x00c5_0078;

/// Everything that an abuse may have changed back to what [`attempt`] needs: MMU and domains, vectors, timer.
pub(crate) fn reset_cpu() {
    set_sctlr(SCTLR_START);
    set_ttbcr(0);
    set_ttbr0(0);
    set_ttbr1(0);
    set_dacr(0x5555_5555);
    set_contextidr(0);
    set_cpacr(0);
    set_timer_control(0);
    flush_all(0);
    use_vectors();
}

/// The vectors of [`attempt`].
pub(crate) fn use_vectors() {
    set_vbar((&raw const nex_abuse_vectors).addr() as u32);
}

/// What was written to `at` is to be executed.
pub(crate) fn publish(at: u32) {
    clean_line(at);
    // SAFETY: barriers.
    unsafe { asm!("dsb") };
    drop_fetched(0);
    // SAFETY: barriers.
    unsafe { asm!("dsb", "isb") };
}

/// Switches the MMU on with `ttbr0`, `ttbr1` and `ttbcr`; all domains are clients.
pub(crate) fn mmu_on(ttbr0: u32, ttbr1: u32, ttbcr: u32) {
    set_ttbcr(ttbcr);
    set_ttbr0(ttbr0);
    set_ttbr1(ttbr1);
    set_dacr(0x5555_5555);
    flush_all(0);
    // SAFETY: the tables have been written.
    unsafe { asm!("dsb") };
    set_sctlr(SCTLR_START | MMU);
}

/// Switches it off.
pub(crate) fn mmu_off() {
    set_sctlr(SCTLR_START);
    set_ttbcr(0);
    flush_all(0);
}

/// Fills [`L1`]: memory and devices one to one, nothing else.
pub(crate) fn one_to_one() {
    for n in 0..4096 {
        write(L1 + 4 * n, 0);
    }
    for address in (RAM..RAM + RAM_BYTES).step_by(1 << 20) {
        write(L1 + (address >> 20) * 4, address | SECTION);
    }
    for address in [0x0800_0000u32, 0x0900_0000, 0x0a00_0000] {
        write(L1 + (address >> 20) * 4, address | DEVICE);
    }
}

/// Whether a guest with this platform has anything at a physical address.
pub(crate) fn is_mine(pa: u32) -> bool {
    let devices = [(0x0800_0000, 0x2_0000), (0x0900_0000, 0x2_0000), (0x0a00_0000, 0x4000)];
    pa.wrapping_sub(RAM) < RAM_BYTES || devices.iter().any(|&(base, bytes)| pa.wrapping_sub(base) < bytes)
}

/// Numbers without a pattern (Marsaglia's xorshift).
pub(crate) struct Random(u32);

impl Random {
    pub(crate) fn new(seed: u32) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9) | 1)
    }

    pub(crate) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// 0 to `bound` - 1.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.next() % bound
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u32) as usize]
    }
}
