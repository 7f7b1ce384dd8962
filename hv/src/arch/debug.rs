//! What the debugger needs of the CPU: banked registers, address translation, a way back from a fault of its own.

use core::arch::asm;
use core::mem::offset_of;

use super::cp15;
use super::frame::Frame;
use super::percpu::{PerCpu, this_cpu};

core::arch::global_asm!(
    r#"
    .text
    .arm
    // extern "C" fn nex_guarded(body: extern "C" fn(usize), argument: usize) -> u32
    // Calls body(argument); returns 0, or 1 if nex_recover ended it.
    .type nex_guarded, %function
nex_guarded:
    push {{r4-r11, lr}}
    mrc p15, 0, r4, c13, c0, 4
    ldr r5, [r4, #{recover}]        @ the guard around this one
    push {{r4, r5, r6}}             @ r6: the stack stays 8-byte aligned
    str sp, [r4, #{recover}]
    mov r3, r0
    mov r0, r1
    blx r3
    mov r0, #0
nex_unguard:
    pop {{r4, r5, r6}}
    str r5, [r4, #{recover}]
    pop {{r4-r11, pc}}
    .size nex_guarded, . - nex_guarded

    // extern "C" fn nex_recover() -> !
    .type nex_recover, %function
nex_recover:
    mrc p15, 0, r4, c13, c0, 4
    ldr sp, [r4, #{recover}]
    mov r0, #1
    b nex_unguard
    .size nex_recover, . - nex_recover

    // extern "C" fn nex_with_frame(body: extern "C" fn(&mut Frame, usize), argument: usize)
    // Calls body with the caller's registers in a frame (those a call may change are what they happen to be).
    .type nex_with_frame, %function
nex_with_frame:
    mrs r3, cpsr
    push {{r3}}
    push {{lr}}                     @ pc: where the caller goes on
    add r3, sp, #8
    push {{lr}}
    push {{r3}}                     @ sp
    push {{r0-r12}}
    mov r4, sp
    mov r2, r0
    mov r0, sp
    bic sp, sp, #7
    blx r2                          @ body(frame, argument)
    mov sp, r4
    ldr lr, [sp, #{lr}]
    pop {{r0-r12}}
    add sp, sp, #16
    bx lr
    .size nex_with_frame, . - nex_with_frame
    "#,
    recover = const offset_of!(PerCpu, recover_sp),
    lr = const super::frame::LR,
);

unsafe extern "C" {
    fn nex_guarded(body: extern "C" fn(usize), argument: usize) -> u32;
    fn nex_recover() -> !;
    fn nex_with_frame(body: extern "C" fn(&mut Frame, usize), argument: usize);
}

/// Runs `body`; `false` if a fault or panic in it ended it half-way, by [`recover`].
///
/// Nothing that `body` had on its stack is dropped then, so it must own nothing that matters.
pub fn guarded(mut body: &mut dyn FnMut()) -> bool {
    extern "C" fn call(argument: usize) {
        // SAFETY: `argument` is the pointer passed below, which outlives the call.
        let body = unsafe { &mut *core::ptr::with_exposed_provenance_mut::<&mut dyn FnMut()>(argument) };
        body();
    }
    let argument = (&raw mut body).expose_provenance();
    // SAFETY: `call` takes the pointer as what it is; the assembly keeps the callee-saved registers either way.
    unsafe { nex_guarded(call, argument) == 0 }
}

/// Whether a [`guarded`] call is under way on this CPU.
pub fn can_recover() -> bool {
    this_cpu().recover_sp.get() != 0
}

/// Ends the innermost [`guarded`] call.
///
/// # Safety
/// [`can_recover`], in SVC mode, and the code that is given up holds nothing that anybody needs.
pub unsafe fn recover() -> ! {
    // SAFETY: the guard's frame is below on the stack that was in use when it was set up; by the caller's promise what
    // lies between may be forgotten.
    unsafe { nex_recover() }
}

/// Calls `body` with the registers at this point.
pub fn with_frame(mut body: &mut dyn FnMut(&mut Frame)) {
    extern "C" fn call(frame: &mut Frame, argument: usize) {
        // SAFETY: as in `guarded`.
        let body =
            unsafe { &mut *core::ptr::with_exposed_provenance_mut::<&mut dyn FnMut(&mut Frame)>(argument) };
        body(frame);
    }
    let argument = (&raw mut body).expose_provenance();
    // SAFETY: `call` takes the pointer as what it is.
    unsafe { nex_with_frame(call, argument) }
}

/// sp, lr and SPSR of a mode.
pub type Bank = [u32; 3];

macro_rules! read_bank {
    ($mode:literal) => {{
        let (sp, lr, spsr): (u32, u32, u32);
        // SAFETY: leaves SVC mode for three reads and comes back; IRQ and FIQ are masked by the caller.
        unsafe {
            asm!(
                concat!("cps #", $mode), "mov {sp}, sp", "mov {lr}, lr", "mrs {spsr}, spsr", "cps #0x13",
                // Into registers that no mode has of its own: not r8 to r12, not lr.
                sp = out(reg) sp, lr = out(reg) lr, spsr = out(reg) spsr,
                out("r8") _, out("r9") _, out("r10") _, out("r12") _, out("lr") _,
                options(nostack, nomem),
            );
        }
        [sp, lr, spsr]
    }};
}

/// Registers that other modes have of their own, read in SVC mode with IRQ and FIQ masked.
pub struct Banks {
    /// Supervisor mode, as it was when the debugger took over.
    pub svc: Bank,
    /// Abort mode.
    pub abt: Bank,
    /// Undefined mode.
    pub und: Bank,
    /// IRQ mode.
    pub irq: Bank,
    /// FIQ mode.
    pub fiq: Bank,
    /// FIQ mode's r8 to r12.
    pub fiq_r8: [u32; 5],
    /// User mode's sp and lr.
    pub usr: [u32; 2],
}

impl Banks {
    /// Reads them all.
    pub fn read() -> Banks {
        let mut fiq_r8 = [0u32; 5];
        let mut usr = [0u32; 2];
        // SAFETY: stores FIQ mode's r8 to r12 by way of that mode, and User mode's sp and lr; both into arrays of ours.
        unsafe {
            asm!(
                "cps #0x11", "stm {at}, {{r8-r12}}", "cps #0x13",
                "stm {usr}, {{sp, lr}}^",
                at = in(reg) fiq_r8.as_mut_ptr(), usr = in(reg) usr.as_mut_ptr(),
                out("r8") _, out("r9") _, out("r10") _, out("r12") _, out("lr") _,
                options(nostack),
            );
        }
        Banks {
            svc: this_cpu().svc_bank.get(),
            abt: read_bank!("0x17"),
            und: read_bank!("0x1b"),
            irq: read_bank!("0x12"),
            fiq: read_bank!("0x11"),
            fiq_r8,
            usr,
        }
    }
}

/// Nex's registers while a guest that it has entered runs and an FIQ has interrupted it: as they will be when the guest
/// traps. r0 to r3 and r12 are nobody's then.
pub fn beside_guest() -> Frame {
    let at = this_cpu().host_sp.get();
    let mut frame = Frame { sp: at + 36, cpsr: 0xd3, ..Frame::ZERO };
    // SAFETY: `nex_enter_guest` has pushed r4 to r11 and lr there and waits for the guest.
    let saved =
        unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance::<u32>(at as usize), 9) };
    frame.r[4..12].copy_from_slice(&saved[..8]);
    frame.lr = saved[8];
    frame.pc = saved[8];
    frame
}

/// SPSR of SVC mode, now.
pub fn spsr() -> u32 {
    let value: u32;
    // SAFETY: reads the SPSR; Nex's code always runs in a mode that has one.
    unsafe { asm!("mrs {}, spsr", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Translates `va` by the current tables, as an access of that kind would; returns PAR (DDI 0406C B3.14, B4.2.4).
pub fn translate(va: u32, privileged: bool, write: bool) -> u32 {
    match (privileged, write) {
        (true, false) => cp15::ats1cpr(va),
        (true, true) => cp15::ats1cpw(va),
        (false, false) => cp15::ats1cur(va),
        (false, true) => cp15::ats1cuw(va),
    }
    cp15::isb();
    cp15::par()
}

/// Debug events by the CPU's own breakpoint and watchpoint registers (DDI 0406C C3, C11).
pub mod events {
    use core::arch::asm;

    macro_rules! cp14 {
        ($read:ident, $write:ident, $crm:literal, $op2:literal) => {
            #[allow(dead_code)]
            fn $read() -> u32 {
                let value: u32;
                // SAFETY: reads a debug register.
                unsafe { asm!(concat!("mrc p14, 0, {}, c0, ", $crm, ", ", $op2), out(reg) value, options(nostack)) };
                value
            }
            #[allow(dead_code)]
            fn $write(value: u32) {
                // SAFETY: debug registers change no memory; events they cause are caught as aborts.
                unsafe { asm!(concat!("mcr p14, 0, {}, c0, ", $crm, ", ", $op2), in(reg) value, options(nostack)) };
            }
        };
    }

    cp14!(didr, _write_didr, "c0", "0");
    cp14!(dscr, set_dscr, "c2", "2");

    /// DBGDSCRext.MDBGen: monitor debug-mode.
    const MDBGEN: u32 = 1 << 15;
    /// Slots of either kind that are used at most.
    pub const MAX: usize = 6;

    /// Whose accesses count: DBGBCR.PMC and DBGWCR.PAC.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    #[repr(u32)]
    pub enum Who {
        /// Nex's, in privileged modes.
        Nex = 0b01,
        /// Guests', in User mode.
        Guests = 0b10,
        /// Everybody's.
        Any = 0b11,
    }

    /// What a breakpoint matches.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Code {
        /// Address of the instruction.
        pub address: u32,
        /// It is T32; `None` if that is not known.
        pub thumb: Option<bool>,
        /// Who executes it.
        pub who: Who,
    }

    /// What a watchpoint matches.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Data {
        /// First byte.
        pub address: u32,
        /// 1 to 4, all in one word.
        pub bytes: u32,
        /// Reads count.
        pub loads: bool,
        /// Writes count.
        pub stores: bool,
        /// Who accesses it.
        pub who: Who,
    }

    macro_rules! by_slot {
        ($name:ident, $op2:literal) => {
            fn $name(slot: usize, value: u32) {
                // SAFETY: as in `cp14!`.
                unsafe {
                    match slot {
                        0 => asm!(concat!("mcr p14, 0, {}, c0, c0, ", $op2), in(reg) value, options(nostack)),
                        1 => asm!(concat!("mcr p14, 0, {}, c0, c1, ", $op2), in(reg) value, options(nostack)),
                        2 => asm!(concat!("mcr p14, 0, {}, c0, c2, ", $op2), in(reg) value, options(nostack)),
                        3 => asm!(concat!("mcr p14, 0, {}, c0, c3, ", $op2), in(reg) value, options(nostack)),
                        4 => asm!(concat!("mcr p14, 0, {}, c0, c4, ", $op2), in(reg) value, options(nostack)),
                        _ => asm!(concat!("mcr p14, 0, {}, c0, c5, ", $op2), in(reg) value, options(nostack)),
                    }
                }
            }
        };
    }

    by_slot!(set_bvr, "4");
    by_slot!(set_bcr, "5");
    by_slot!(set_wvr, "6");
    by_slot!(set_wcr, "7");

    /// Breakpoints and watchpoints this CPU has, up to [`MAX`] each: DBGDIDR.BRPs and WRPs are one less than the numbers.
    pub fn count() -> (usize, usize) {
        let didr = didr();
        (((didr >> 24 & 0xf) as usize + 1).min(MAX), ((didr >> 28) as usize + 1).min(MAX))
    }

    /// Switches debug events on or off for this CPU. `false` if the CPU does not let us: then none will come.
    pub fn enable(on: bool) -> bool {
        // The OS lock of v7.1 debug holds events back until it is cleared: DBGOSLAR, any value but the key. On v7 debug
        // (Cortex-A9) the register is write-only and may be absent, where the write is ignored (C11.11.30).
        // SAFETY: as in `cp14!`.
        unsafe { asm!("mcr p14, 0, {}, c1, c0, 4", in(reg) 0, options(nostack)) };
        let value = if on { dscr() | MDBGEN } else { dscr() & !MDBGEN };
        set_dscr(value);
        crate::arch::cp15::isb();
        dscr() & MDBGEN == value & MDBGEN
    }

    /// Sets breakpoint `slot`, or clears it.
    pub fn set_breakpoint(slot: usize, code: Option<Code>) {
        set_bcr(slot, 0);
        if let Some(Code { address, thumb, who }) = code {
            set_bvr(slot, address & !3);
            // Byte address select: one halfword of T32, both of A32. For an instruction at a word boundary of unknown state
            // both: T32 code then may also stop at the second halfword, which whoever handles the event can tell.
            let select = match (address & 2 != 0, thumb) {
                (true, _) => 0b1100,
                (false, Some(true)) => 0b0011,
                (false, _) => 0b1111,
            };
            set_bcr(slot, 1 | (who as u32) << 1 | select << 5);
        }
        crate::arch::cp15::isb();
    }

    /// Sets watchpoint `slot`, or clears it.
    pub fn set_watchpoint(slot: usize, data: Option<Data>) {
        set_wcr(slot, 0);
        if let Some(Data { address, bytes, loads, stores, who }) = data {
            set_wvr(slot, address & !3);
            let select = (0xf >> (4 - bytes.clamp(1, 4)) << (address & 3)) & 0xf;
            let kind = u32::from(loads) | u32::from(stores) << 1;
            set_wcr(slot, 1 | (who as u32) << 1 | kind << 3 | select << 5);
        }
        crate::arch::cp15::isb();
    }
}
