//! Random words as code.

use nex_guest::println;

use crate::Run;
use crate::machine::*;

/// The distributor and the CPU interface of the interrupt controller, and the interrupt of the virtual timer.
const DISTRIBUTOR: u32 = 0x0800_0000;
const INTERFACE: u32 = 0x0801_0000;
const TIMER: u32 = 27;

/// Words of code made at a time.
const WORDS: u32 = 1024;

/// Instructions that are not what they are in User mode, with the bits that may be anything.
const SENSITIVE: &[(u32, u32)] = &[
    (0xe100_0000, 0x004f_f000), // MRS
    (0xe129_f000, 0x0046_000f), // MSR
    (0xe320_f000, 0x004f_00ff), // MSR (immediate), hints
    (0xf100_0000, 0x000f_03df), // CPS
    (0xf84d_0500, 0x01a0_001f), // SRS
    (0xf810_0a00, 0x01af_0000), // RFE
    (0xe850_0000, 0x018f_7fff), // LDM ^
    (0xe840_0000, 0x018f_ffff), // STM ^
    (0xe850_8000, 0x01af_7fff), // LDM ^ with PC
    (0xe1b0_f000, 0x0e4f_0fff), // MOVS PC and the like
    (0xe250_f000, 0x0def_0fff), // SUBS PC
    (0xe430_0000, 0x02cf_ffff), // LDRT
    (0xe420_0000, 0x02cf_ffff), // STRT
    (0xee00_0f10, 0x00ff_f0ef), // MCR p15, c0 to c7
    (0xee10_0f10, 0x00ff_f0ef), // MRC p15
    (0xee00_0e10, 0x00ff_f0ef), // MCR p14
    (0xec40_0f00, 0x00ff_ffff), // MCRR p15
    (0xef40_0000, 0x00bf_ffff), // SVC, as rewritten instructions are
    (0xef80_0000, 0x007f_ffff),
    (0xf57f_f000, 0x0000_007f), // barriers
    (0xe190_0f9f, 0x006f_f000), // LDREX
    (0xe180_0f90, 0x006f_f00f), // STREX
    (0xec00_0a00, 0x03ff_f1ff), // VFP loads and stores
    (0xee00_0a10, 0x00ff_f1ef), // VFP moves
    (0xf420_0000, 0x00df_ffff), // Advanced SIMD structures
    (0xe7f0_00f0, 0x000f_ff0f), // UDF
    (0xf101_0000, 0x0000_0200), // SETEND
];

fn a32(random: &mut Random) -> u32 {
    let word = random.next();
    match random.below(4) {
        0 => word,
        1 => word & 0x0fff_ffff | 0xe000_0000,
        _ => {
            let (fixed, free) = random.of(SENSITIVE);
            let conditional = if fixed >> 28 == 0xe && random.below(4) == 0 {
                random.below(15) << 28
            } else {
                fixed & 0xf000_0000
            };
            fixed & 0x0fff_ffff | word & free | conditional
        }
    }
}

/// Two halfwords.
fn t32(random: &mut Random) -> u32 {
    let word = random.next();
    match random.below(8) {
        0 | 1 => word,
        2 => word & 0xffff_07ff | random.of(&[0xe800, 0xf000, 0xf800]),
        3 => word & 0xffff_00ff | 0xb600, // CPS and SETEND
        4 => {
            word & 0x0fff_00ff | random.of(&[0x8000_f300, 0x8000_f3e0, 0x8000_f390, 0x8000_f3a0, 0x8f00_f3d0])
        }
        5 => word & 0xffff_03ff | 0xe800,      // LDM, STM, RFE, SRS
        6 => word & 0x00ff_ffff | 0xbf00_0000, // IT and hints
        // An A32 word of a coprocessor is a T32 one.
        _ => {
            let (fixed, free) = random.of(SENSITIVE);
            if fixed >> 24 & 0xf >= 0xc { (fixed | random.next() & free).rotate_left(16) } else { word }
        }
    }
}

/// The program's code is not to be written by what runs; what it writes to itself is the risk.
fn own_tables() {
    one_to_one();
    write(L1 + (RAM >> 20) * 4, L2 | TABLE);
    for n in 0..256 {
        let at = RAM + (n << 12);
        let kind = if at < data_start() { PAGE_KERNEL_READ } else { PAGE_KERNEL };
        write(L2 + 4 * n, at | kind & !1);
    }
    // The tables themselves are read-only to all, by their section.
    write(L1 + (L1 >> 20) * 4, L1 & 0xfff0_0000 | 0x8c0e);
}

fn start_timer() {
    write(DISTRIBUTOR, 1);
    write(DISTRIBUTOR + 0x100, 1 << TIMER);
    write(INTERFACE + 4, 0xff);
    write(INTERFACE, 1);
    // 200 us at 62.5 MHz: nothing runs for longer.
    set_timer(12_500);
    set_timer_control(1);
}

fn stop_timer() {
    set_timer_control(0);
    let acknowledged = read(INTERFACE + 0xc);
    if acknowledged & 0x3ff != 0x3ff {
        write(INTERFACE + 0x10, acknowledged);
    }
}

/// What registers hold: memory, Nex, devices, anything.
fn register(random: &mut Random) -> u32 {
    match random.below(8) {
        0 => WINDOW.start + random.below(0xf_0000),
        1 => random.of(&[
            0x0800_0000,
            0x0801_0000,
            0x0901_0000,
            0xfffe_fffc,
            0xffff_0000,
            0xffff_fffc,
            0,
            NOTHING,
        ]),
        2 => random.next(),
        _ => (DATA + random.below(DATA_BYTES)) & !3,
    }
}

/// Random words, more of those that Nex has to carry out, in A32 and T32, in all modes, until a timer ends each run.
pub(crate) fn garbage(run: &Run) {
    let mut random = Random::new(run.seed);
    let mut ended = [0u32; 8];
    for round in 0..run.rounds(400) {
        let thumb = random.below(2) == 1;
        own_tables();
        for n in 0..WORDS {
            let word = if thumb { t32(&mut random) } else { a32(&mut random) };
            write(CODE + 4 * n, word);
        }
        publish(CODE);
        for _ in 0..8 {
            if random.below(4) != 0 {
                own_tables();
                mmu_on(L1, 0, 0);
            }
            let registers = core::array::from_fn(|_| register(&mut random));
            let mode = random.of(&[0x13, 0x13, 0x10, 0x1f, 0x17, 0x1b, 0x12, 0x11]);
            let at = (CODE + random.below(4 * WORDS)) & !3 | u32::from(thumb);
            start_timer();
            let vector = enter(at, &registers, mode);
            reset_cpu();
            stop_timer();
            ended[vector as usize % 8] += 1;
        }
        if round % 100 == 99 {
            let [_, undefined, svc, prefetch, data, _, irq, fiq] = ended;
            println!("abuse: garbage: {round}: {undefined} {svc} {prefetch} {data} {irq} {fiq}");
        }
    }
    let _ = IRQ;
}
