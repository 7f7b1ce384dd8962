@ Runs instructions for `record` in golden.rs, under qemu-arm (Linux user mode).
@
@ Reads cases from standard input: r0 to r14, the address to start at (bit 0 for T32), CPSR flags, d0 to d31, and what
@ memory at `region` is to be. Starts each with these registers. It ends with a signal, because an undefined instruction
@ follows or because PC goes elsewhere. Writes, for each: the signal's number, r0 to r15 and CPSR from the signal's frame,
@ d0 to d31, and the region.

        .syntax unified
        .arch   armv7-a
        .fpu    neon-vfpv4
        .arm

        .equ    REGION_BYTES, 0x2000
        .equ    CASE_BYTES, 17 * 4 + 32 * 8
        .equ    RESULT_BYTES, 18 * 4 + 32 * 8
        .equ    SYS_EXIT, 1
        .equ    SYS_READ, 3
        .equ    SYS_WRITE, 4
        .equ    SYS_RT_SIGACTION, 174
        .equ    SYS_SIGALTSTACK, 186
        .equ    UCONTEXT_R0, 32

        .text
        .globl  _start
_start:
        ldr     r0, =altstack
        mov     r1, #0
        mov     r7, #SYS_SIGALTSTACK
        svc     #0
        @ SIGILL, SIGTRAP, SIGBUS, SIGSEGV.
        ldr     r4, =(1 << 4 | 1 << 5 | 1 << 7 | 1 << 11)
        mov     r5, #0
1:      lsrs    r4, r4, #1
        add     r5, r5, #1
        beq     next
        tst     r4, #1
        beq     1b
        mov     r0, r5
        ldr     r1, =action
        mov     r2, #0
        mov     r3, #8
        mov     r7, #SYS_RT_SIGACTION
        svc     #0
        b       1b

next:
        ldr     r1, =case
        ldr     r2, =CASE_BYTES
        bl      read
        ldr     r1, =region
        ldr     r2, =REGION_BYTES
        bl      read
        ldr     r0, =case_d
        vldmia  r0!, {d0-d15}
        vldmia  r0, {d16-d31}
        ldr     r0, =case
        ldr     r1, [r0, #64]
        msr     CPSR_f, r1
        ldm     r0, {r0-r15}

@ Reads r2 bytes to r1, and ends the program if there are none.
read:
        mov     r0, #0
        mov     r7, #SYS_READ
        svc     #0
        cmp     r0, r2
        bxeq    lr
        mov     r0, #0
        mov     r7, #SYS_EXIT
        svc     #0

@ Signal number, -, context. Never returns from the signal.
handler:
        setend  le
        ldr     r3, =result
        str     r0, [r3], #4
        add     r2, r2, #UCONTEXT_R0
        mov     r4, #17
1:      ldr     r5, [r2], #4
        str     r5, [r3], #4
        subs    r4, r4, #1
        bne     1b
        vstmia  r3!, {d0-d15}
        vstmia  r3, {d16-d31}
        ldr     r1, =result
        ldr     r2, =RESULT_BYTES
        bl      write
        ldr     r1, =region
        ldr     r2, =REGION_BYTES
        bl      write
        b       next

@ Writes r2 bytes from r1.
write:
        mov     r0, #1
        mov     r7, #SYS_WRITE
        svc     #0
        bx      lr

        .ltorg
        .balign 4
action: @ SA_SIGINFO, SA_ONSTACK, SA_NODEFER.
        .word   handler, 0x4 | 0x08000000 | 0x40000000, 0, 0, 0
altstack:
        .word   stack, 0, 0x4000

        .bss
        .balign 8
stack:  .space  0x4000
case:   .space  17 * 4
        .balign 4
case_d: .space  32 * 8
        .balign 8
result: .space  18 * 4 + 32 * 8

        .section .region, "awx", %nobits
region: .space  REGION_BYTES
