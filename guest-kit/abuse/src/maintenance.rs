//! Cache and TLB operations at any address, and every register there may be.

use crate::Run;
use crate::code::{A32_RETURN, place_a32, place_t32};
use crate::machine::*;

macro_rules! operations {
    ($($name:ident $where:literal)*) => {
        cp15! { $(write $name $where)* }
        /// Operations that take an address, or set and way, or an ASID.
        const OPERATIONS: &[extern "C" fn(u32) -> u32] = &[$($name),*];
    };
}

operations! {
    ic_ivau "c7, c5, 1"
    bp_imva "c7, c5, 7"
    dc_imvac "c7, c6, 1"
    dc_isw "c7, c6, 2"
    dc_cmvac "c7, c10, 1"
    dc_csw "c7, c10, 2"
    dc_cmvau "c7, c11, 1"
    dc_cimvac "c7, c14, 1"
    dc_cisw "c7, c14, 2"
    ats_kernel_read "c7, c8, 0"
    ats_kernel_write "c7, c8, 1"
    ats_user_read "c7, c8, 2"
    ats_user_write "c7, c8, 3"
    tlb_page_shared "c8, c3, 1"
    tlb_asid_shared "c8, c3, 2"
    tlb_page_all_shared "c8, c3, 3"
    itlb_page "c8, c5, 1"
    itlb_asid "c8, c5, 2"
    dtlb_page "c8, c6, 1"
    dtlb_asid "c8, c6, 2"
    tlb_page "c8, c7, 1"
    tlb_asid "c8, c7, 2"
    tlb_page_all "c8, c7, 3"
    ic_all "c7, c5, 0"
    bp_all "c7, c5, 6"
    dtlb_all "c8, c6, 0"
    itlb_all "c8, c5, 0"
}

/// The whole address space in steps, Nex's window page by page, and places where something ends.
fn addresses(random: &mut Random) -> impl Iterator<Item = u32> + '_ {
    let all = (0..512).map(|n| n << 23);
    let window = (0..256).map(|n| WINDOW.start + (n << 12));
    let ends = [
        0u32,
        0x0400_0000,
        0x0800_0000,
        0x0900_0000,
        0x0a00_4000,
        RAM,
        RAM + RAM_BYTES,
        WINDOW.start,
        WINDOW.end,
    ];
    let ends = ends.into_iter().flat_map(|end| [end.wrapping_sub(1), end, end.wrapping_add(4)]);
    all.map(|address| address | random.next() & 0x7f_ffff).chain(window).chain(ends)
}

fn run_all(run: &Run, random: &mut Random, mmu: bool) {
    for &operation in OPERATIONS {
        let mut aborts = 0;
        for address in addresses(random) {
            let (vector, _) = attempt(operation, address);
            aborts += u32::from(vector == DATA_ABORT);
            if vector != NONE && !(vector == DATA_ABORT && mmu) {
                run.wrong([vector, address, operation as usize as u32, 0]);
            }
        }
        // None of User mode.
        let (vector, _) = attempt_as_user(operation, aborts);
        if vector != UNDEFINED {
            run.wrong([vector, 1, operation as usize as u32, 1]);
        }
    }
}

/// All operations at all kinds of addresses, without and with the MMU.
pub(crate) fn operations(run: &Run) {
    let mut random = Random::new(run.seed);
    for _ in 0..run.rounds(1) {
        run_all(run, &mut random, false);
        one_to_one();
        // Some that point out of memory.
        for (n, pa) in [WINDOW.start, 0x8000_0000, 0, NOTHING].into_iter().enumerate() {
            write(L1 + 4 * (0x700 + n as u32), pa | SECTION);
        }
        write(L1 + 4 * 0xfff, DATA | SECTION);
        mmu_on(L1, 0, 0);
        run_all(run, &mut random, true);
        mmu_off();
    }
}

/// MRC or MCR of the register, with Rt.
const fn word(read: bool, cp: u32, [op1, crn, crm, op2]: [u32; 4], rt: u32) -> u32 {
    0xee00_0010 | (read as u32) << 20 | op1 << 21 | crn << 16 | rt << 12 | cp << 8 | op2 << 5 | crm
}

/// Whether a write would end the program rather than Nex: it moves the vectors, or is the MMU's switch.
fn is_kept([op1, crn, crm, op2]: [u32; 4]) -> bool {
    op1 == 0 && crm == 0 && (crn == 12 || crn == 1 && op2 == 0)
}

/// Every register of CP14 and CP15, one page of code at a time.
pub(crate) fn registers(run: &Run) {
    let mut random = Random::new(run.seed);
    // Each with a return behind it: eight bytes in both instruction sets.
    const SLOTS: u32 = 512;
    for pass in 0..run.rounds(1) * 8 {
        let (cp, read, thumb) = (14 + (pass & 1), pass & 2 == 0, pass & 4 != 0);
        for first in (0..0x4000).step_by(SLOTS as usize) {
            let register = |n: u32| [n >> 11, n >> 7 & 15, n >> 3 & 15, n & 7];
            let rt = if read && first & 0x200 != 0 { 15 } else { 0 };
            for slot in 0..SLOTS {
                let word = word(read, cp, register(first + slot), rt);
                if thumb {
                    place_t32(CODE + 8 * slot, word);
                } else {
                    place_a32(CODE + 8 * slot, &[word, A32_RETURN]);
                }
            }
            publish(CODE);
            for slot in 0..SLOTS {
                let register = register(first + slot);
                if !read && (cp == 15 && is_kept(register)) {
                    continue;
                }
                let value = if first & 0x400 != 0 { random.next() } else { 0 };
                let address = CODE + 8 * slot + u32::from(thumb);
                let (vector, _) = call(address, value);
                if !matches!(vector, NONE | UNDEFINED | DATA_ABORT) {
                    run.wrong([vector, cp, first + slot, value]);
                }
                // Most of them are not for User mode either; what is, is its own.
                call_as_user(address, value);
            }
            reset_cpu();
        }
    }
    pairs(&mut random);
}

/// Every register of 64 bits.
fn pairs(random: &mut Random) {
    for n in 0..0x400u32 {
        let (cp, read, op1, crm) = (14 + (n & 1), n >> 1 & 1, n >> 2 & 15, n >> 6 & 15);
        // Rt r0, Rt2 r1.
        place_a32(CODE, &[0xec41_0000 | read << 20 | cp << 8 | op1 << 4 | crm, A32_RETURN]);
        publish(CODE);
        call(CODE, random.next());
        call_as_user(CODE, random.next());
        reset_cpu();
    }
}
