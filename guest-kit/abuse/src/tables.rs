//! Page tables that point anywhere.
//!
//! Addresses are split at 1 GiB, so that the program goes on by tables of its own (TTBR1) whatever those for the lower part
//! (TTBR0) are.

use crate::Run;
use crate::machine::*;

/// TTBCR.N = 2: TTBR0 is for the first GiB.
const SPLIT: u32 = 2;

/// Where entries point: memory, devices, Nex, nothing. Memory of the program's code and data is not among them, or it would
/// end soon.
const PLACES: &[u32] = &[
    DATA,
    DATA + 0x10_0000,
    DATA + 0x20_0000,
    DATA + 0x30_0000,
    0x0800_0000,
    0x0900_0000,
    0x0a00_0000,
    WINDOW.start,
    0xfff8_0000,
    0xffff_0000,
    0,
    NOTHING,
    RAM + RAM_BYTES,
    0x4800_0000,
    0x8000_0000,
    0xc000_0000,
    0xd000_0000,
];
/// Where tables are said to be: in tables, and in the same places.
const TABLES: &[u32] = &[
    L1,
    L1_LOW,
    L2,
    L2 + 0x400,
    L2 + 0x800,
    L2 + 0x1000,
    DATA,
    0x0801_0000,
    0x0900_0000,
    WINDOW.start,
    WINDOW.end,
    0,
    NOTHING,
    RAM + RAM_BYTES - 0x400,
    RAM + RAM_BYTES,
    0xffff_fc00,
];

/// A first-level descriptor of any kind.
fn first_level(random: &mut Random) -> u32 {
    let attributes = random.next();
    match random.below(10) {
        0 => 0,
        1 | 2 => random.of(PLACES) & 0xfff0_0000 | attributes & 0x2_ffec | 2,
        3 => random.of(PLACES) & 0xff00_0000 | attributes & 0xf5_ffec | 1 << 18 | 2,
        4 => random.of(PLACES) & 0xfff0_0000 | SECTION,
        5 => random.of(TABLES) & !0x3ff | attributes & 0x3fc | 3,
        _ => random.of(TABLES) & !0x3ff | attributes & 0x1e0 | 1,
    }
}

/// A second-level descriptor of any kind.
fn second_level(random: &mut Random) -> u32 {
    let page = random.of(PLACES) | random.next() & 0xf_f000;
    match random.below(8) {
        0 => 0,
        1 => page & 0xffff_0000 | random.next() & 0xfffc | 1,
        2 | 3 => page & !0xfff | random.next() & 0xffc | 2,
        _ => page & !0xfff | PAGE,
    }
}

/// Reads, writes and executes at addresses below 1 GiB, and looks where that led.
fn touch(run: &Run, random: &mut Random, writes: bool, count: u32) {
    for _ in 0..count {
        let va = random.next() & 0x3fff_fffc;
        let (vector, _) = attempt(load, va);
        let (_, _) = attempt(translate_read, va);
        let found = par();
        let pa = found & 0xffff_f000;
        let mapped = found & 1 == 0;
        // A supersection's PAR has bits 39:32 of its address in bits 23:16 (B4.1.112): those are nowhere.
        let large = found & 2 != 0;
        if vector == NONE && !large && (!mapped || !is_mine(pa)) {
            run.survived([va, found, vector, 0]);
        }
        if !matches!(vector, NONE | DATA_ABORT) {
            run.wrong([va, found, vector, 1]);
        }
        attempt_as_user(load, va);
        if writes {
            let value = if random.below(2) == 0 { first_level(random) } else { second_level(random) };
            // Into the tables as often as not, or by them.
            if random.below(4) == 0 {
                write(L1_LOW + 4 * random.below(1024), value);
            } else {
                attempt(store_there, va & !3 | random.below(2));
            }
            if random.below(8) == 0 {
                flush_all(0);
            }
        }
        // Not in memory, where it would be more than a fetch.
        if !mapped || large || !(RAM..RAM + RAM_BYTES).contains(&pa) {
            let (vector, _) = call(va, 0);
            if vector != PREFETCH {
                run.survived([va, found, vector, 2]);
            }
        }
    }
}

/// A descriptor to where the argument says.
extern "C" fn store_there(at: u32) -> u32 {
    write(at & !3, if at & 1 == 0 { DATA | SECTION } else { L2 | TABLE });
    0
}

/// Random tables, which point to each other, themselves, Nex, devices and nothing.
pub(crate) fn short(run: &Run) {
    let mut random = Random::new(run.seed);
    for _ in 0..run.rounds(20) {
        one_to_one();
        for n in 0..1024 {
            let value = first_level(&mut random);
            write(L1_LOW + 4 * n, value);
        }
        for n in 0..0x1000 {
            let value = second_level(&mut random);
            write(L2 + 4 * n, value);
            write(DATA + 4 * n, value);
        }
        mmu_on(L1_LOW | random.next() & 0x7f, L1, SPLIT);
        touch(run, &mut random, true, 600);
        mmu_off();
    }
}

/// Tables where there is no memory, or what is in no way a table.
pub(crate) fn bases(run: &Run) {
    let mut random = Random::new(run.seed);
    one_to_one();
    for &base in TABLES.iter().chain(&[RAM, RAM + 0x1_0000, 0x9000_0000, 0xffff_f000]) {
        for _ in 0..run.rounds(3) {
            mmu_on(base & !0xfff | random.next() & 0x7f, L1, SPLIT);
            touch(run, &mut random, false, 200);
            mmu_off();
        }
    }
    long_registers(1 << 31 | 2);
    for &base in TABLES.iter().chain(&[RAM, RAM + 0x1_0000, 0x9000_0000, 0xffff_f000]) {
        long_tables_of_its_own();
        mmu_on(base & !0xfff, L1, 1 << 31 | 2);
        touch(run, &mut random, false, 200);
        mmu_off();
    }
}

/// A long descriptor of any kind, for a level.
fn long_descriptor(random: &mut Random, last: bool) -> (u32, u32) {
    let high = match random.below(8) {
        0 => random.next() & 0xff,
        1 => random.next() & 0xf8f0_0000,
        _ => 0,
    };
    let low = random.next() & 0xffc;
    match random.below(8) {
        0 => (0, high),
        1 | 2 if !last => (random.of(TABLES) & !0xfff | 3, high & 0xf800_0000),
        3 | 4 if !last => (random.of(TABLES) & !0xfff | 3, 0),
        5 => (random.of(PLACES) & 0xfff0_0000 | 0x741 | (2 * u32::from(last)), 0),
        _ => {
            ((random.of(PLACES) | random.next() & 0xf_f000) & !0xfff | low | 1 | (2 * u32::from(last)), high)
        }
    }
}

fn long_registers(ttbcr: u32) {
    set_mair0(0x00ff_44ff);
    set_ttbcr(ttbcr);
}

/// The program and its devices for TTBR1: its first level in [`L1`], blocks of 1 GiB.
fn long_tables_of_its_own() {
    for (n, low) in [0, RAM | 0x741, 0, 0].into_iter().enumerate() {
        write(L1 + 8 * n as u32, low);
        write(L1 + 8 * n as u32 + 4, 0);
    }
}

/// The same with long descriptors: the first GiB begins at the second level.
pub(crate) fn long(run: &Run) {
    let mut random = Random::new(run.seed);
    long_registers(0);
    for _ in 0..run.rounds(20) {
        long_tables_of_its_own();
        for n in 0..512 {
            let (low, high) = long_descriptor(&mut random, false);
            write(L1_LOW + 8 * n, low);
            write(L1_LOW + 8 * n + 4, high);
        }
        for n in 0..0x800 {
            let (low, high) = long_descriptor(&mut random, true);
            for table in [L2, DATA] {
                write(table + 8 * n, low);
                write(table + 8 * n + 4, high);
            }
        }
        mmu_on(L1_LOW, L1, 1 << 31 | 2);
        touch_long(run, &mut random, 600);
        mmu_off();
    }
}

/// As [`touch`]: PAR has the long format.
fn touch_long(run: &Run, random: &mut Random, count: u32) {
    for _ in 0..count {
        let va = random.next() & 0x3fff_fffc;
        let (vector, _) = attempt(load, va);
        if !matches!(vector, NONE | DATA_ABORT) {
            run.wrong([va, 0, vector, 0x10]);
        }
        attempt_as_user(load, va);
        attempt(translate_read, va);
        let found = par();
        if vector == NONE && (found & 1 == 1 || !is_mine(found & !0xfff)) && found & 0x800 == 0 {
            run.survived([va, found, vector, 0x11]);
        }
        let n = random.below(512);
        let (low, high) = long_descriptor(random, false);
        write(L1_LOW + 8 * n, low);
        write(L1_LOW + 8 * n + 4, high);
        if random.below(8) == 0 {
            flush_all(0);
        }
    }
}

/// All memory behind the program is second-level tables, which map each other.
pub(crate) fn all_memory(run: &Run) {
    let mut random = Random::new(run.seed);
    one_to_one();
    let tables = CODE..RAM + RAM_BYTES;
    for at in tables.clone().step_by(4) {
        write(at, (CODE + random.below(RAM_BYTES - (CODE - RAM))) & !0xfff | PAGE);
    }
    for mib in 0..4096 {
        if read(L1 + 4 * mib) == 0 {
            write(L1 + 4 * mib, (CODE + random.below((tables.end - CODE) >> 10) * 0x400) | TABLE);
        }
    }
    mmu_on(L1, 0, 0);
    for n in 0..run.rounds(100_000) {
        let va = random.next() & !3;
        if read(L1 + (va >> 20) * 4) & 3 != TABLE {
            continue;
        }
        let (vector, value) = attempt(load, va);
        if vector != NONE || value & 0xfff != PAGE {
            run.wrong([va, vector, value, n]);
        }
        if n % 4 == 0 {
            // Another table entry, by way of whatever tables map it.
            attempt(store_page, va);
        }
    }
    mmu_off();
}

extern "C" fn store_page(at: u32) -> u32 {
    write(at, DATA.wrapping_add(at) & 0x003f_f000 | DATA | PAGE);
    0
}

/// 4 GiB of mappings, one page in each 16 KiB touched; all are of the same 256 pages.
pub(crate) fn distinct(run: &Run) {
    one_to_one();
    for n in 0..256 {
        write(L2 + 4 * n, (DATA + (n << 12)) | PAGE);
        write(DATA + (n << 12), n);
    }
    for mib in 0..4096 {
        if read(L1 + 4 * mib) == 0 {
            write(L1 + 4 * mib, L2 | TABLE);
        }
    }
    mmu_on(L1, 0, 0);
    for round in 0..run.rounds(1) {
        for page in (run.seed.wrapping_add(round) & 3..1 << 20).step_by(4) {
            if read(L1 + (page >> 8) * 4) & 3 == TABLE {
                let (vector, value) = attempt(load, page << 12);
                if vector != NONE || value != page & 0xff {
                    run.wrong([page << 12, vector, value, 0]);
                }
            }
        }
    }
    mmu_off();
}

/// As many address spaces as Nex keeps tables for, each with all that it can have in both views, for ever after: what Nex needs
/// for itself and for others must not run out.
pub(crate) fn hoard(run: &Run) {
    const SPACES: u32 = 12;
    /// So few that no single address space has more than it may.
    const MIBS: core::ops::Range<u32> = 0x500..0x500 + 280;
    let table = |space: u32| DATA + space * 0x4000;
    one_to_one();
    for n in 0..256 {
        write(L2 + 4 * n, (DATA + DATA_BYTES / 2 + (n << 12)) | PAGE | 1 << 11); // not global
    }
    for space in 0..SPACES {
        for mib in 0..4096 {
            let own = read(L1 + 4 * mib);
            write(table(space) + 4 * mib, if own == 0 { L2 | TABLE } else { own });
        }
    }
    mmu_on(table(0), 0, 0);
    for round in 0..run.rounds(3) {
        for space in 0..SPACES {
            set_contextidr(0);
            set_ttbr0(table(space));
            set_contextidr(space + 1);
            for mib in MIBS {
                if read(L1 + 4 * mib) == 0 {
                    let va = mib << 20 | ((mib + round) & 0xff) << 12;
                    let (kernel, _) = attempt(load, va);
                    let (user, _) = attempt_as_user(load, va);
                    if (kernel, user) != (NONE, NONE) {
                        run.wrong([space, va, kernel, user]);
                    }
                }
            }
        }
    }
    mmu_off();
}
