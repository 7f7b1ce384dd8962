//! The rules of a scan, one by one, on code as an assembler makes it.

use nex_rewrite::{
    Code, Entry, InstructionSet, NoMemory, Original, PAGE_WORDS, Page, Report, Scratch, T32, Tables,
    encode_a32, encode_t32,
};

const BASE: u32 = 0xc010_8000;

const MRS: u32 = 0xe10f_0000; // mrs r0, cpsr
const CPSID: u32 = 0xf10c_0080; // cpsid i
const MSRNE: u32 = 0x1121_f001; // msrne cpsr_c, r1
const MOVS: u32 = 0xe1b0_f00e; // movs pc, lr
const BX_LR: u32 = 0xe12f_ff1e; // bx lr
const NOP: u32 = 0xe1a0_4005; // mov r4, r5
const BL_SELF: u32 = 0xebff_fffe; // bl .
/// An address in the image that is ANDSGT PC, R0, R8, LSR #11.
const ADDRESS: u32 = 0xc010_f5a8;

struct Machine {
    words: Box<[u32; PAGE_WORDS]>,
    page: Page,
    tables: Tables,
    scratch: Box<Scratch>,
}

impl Machine {
    /// A page of zeros (ANDEQ R0, R0, R0), with `code` from `offset`.
    fn new(offset: usize, code: &[u32]) -> Machine {
        let mut words = Box::new([0; PAGE_WORDS]);
        words[offset / 4..offset / 4 + code.len()].copy_from_slice(code);
        Machine { words, page: Page::new(), tables: Tables::new(100), scratch: Box::default() }
    }

    fn t32(offset: usize, code: &[u16]) -> Machine {
        let mut machine = Machine::new(0, &[]);
        for (i, &half) in code.iter().enumerate() {
            let h = offset / 2 + i;
            machine.words[h / 2] |= u32::from(half) << (h % 2 * 16);
        }
        machine
    }

    fn scan(&mut self, offset: u32, set: InstructionSet) -> Report {
        self.scan_next(offset, set, None).unwrap()
    }

    fn scan_next(&mut self, offset: u32, set: InstructionSet, next: Option<u16>) -> Result<Report, NoMemory> {
        let entry =
            Entry { addr: BASE + offset, set, next, begins_with_tail: false, before: None, after: None };
        self.page.scan(&mut self.words, entry, &mut self.tables, &mut self.scratch)
    }

    fn store(&mut self, offset: u32, bytes: &[u8]) -> Report {
        self.page.store(&mut self.words, offset, bytes, &mut self.tables, &mut self.scratch).unwrap()
    }

    fn offsets(&self) -> Vec<u32> {
        self.page.sites().iter().map(|site| site.offset()).collect()
    }
}

fn a32(offset: usize, code: &[u32], entry: u32) -> Machine {
    let mut machine = Machine::new(offset, code);
    machine.scan(entry, InstructionSet::A32);
    machine
}

#[test]
fn both_ways_of_branches_and_the_targets_of_calls() {
    // beq 0x10; mrs; bx lr; (data); 0x10: bl 0x1c; movs pc, lr; (data); 0x1c: msrne.
    let code = [0x0a00_0002, MRS, BX_LR, 0, 0xeb00_0001, MOVS, 0, MSRNE, BX_LR];
    assert_eq!(a32(0, &code, 0).offsets(), [4, 0x14, 0x1c]);
}

#[test]
fn words_that_are_loaded_stay() {
    // ldr r0, [pc, #4]; mrs; bx lr; a literal that is CPSID; CPSID.
    let machine = a32(0, &[0xe59f_0004, MRS, BX_LR, CPSID, CPSID], 0);
    assert_eq!(machine.offsets(), [4, 0x10]);
    assert_eq!(machine.words[3], CPSID);
    // Two at once (ldrd, vldr).
    assert_eq!(a32(0, &[0xe1cf_00d0, BX_LR, CPSID, CPSID, CPSID], 0).offsets(), [0x10]);
    assert_eq!(a32(0, &[0xed9f_0b00, BX_LR, CPSID, CPSID, CPSID], 0).offsets(), [0x10]);
}

#[test]
fn what_is_loaded_behind_a_call_that_does_not_return() {
    // ldr r1, [pc, #8]; bl; then the literal, and one that nothing loads.
    let machine = a32(0, &[0xe59f_1000, BL_SELF, CPSID, ADDRESS, MRS], 0);
    assert_eq!(machine.offsets(), [0x10]);
    // The literal is loaded from behind the call that is in front of it.
    let machine = a32(0, &[BL_SELF, CPSID, NOP, 0xe51f_1010, MRS], 0);
    assert_eq!(machine.offsets(), [0x10]);
}

#[test]
fn a_word_that_is_loaded_and_certainly_runs_is_code() {
    // ldr r0, [pc, #-4]; the next one is what it loads.
    assert_eq!(a32(0, &[0xe51f_0004, CPSID, BX_LR], 0).offsets(), [4]);
}

#[test]
fn tables_of_addresses() {
    // cmp; ldrls pc, [pc, r0, lsl #2]; b; table of two; mrs; bx lr.
    let mut code = [0xe350_0001, 0x979f_f100, 0xea00_0001, BASE + 0x14, ADDRESS, MRS, BX_LR];
    assert_eq!(a32(0, &code, 0).offsets(), [0x14]);
    // An entry is a target, even with a condition that a sweep would not believe.
    let odd = 0xc018_f5a8;
    code[5] = odd;
    let machine = a32(0, &code, 0);
    assert_eq!((machine.offsets(), machine.page.site(0x14)), (vec![0x14], Some(Original::A32(odd))));
    assert_eq!(machine.words[4], ADDRESS);
}

#[test]
fn instructions_as_a_table() {
    // add pc, pc, r0, lsl #2; nop; b 0x14; b 0x1c; bx lr; 0x14: msrne; bx lr; 0x1c: an odd one.
    let code = [0xe08f_f100, NOP, 0xea00_0001, 0xea00_0002, BX_LR, MSRNE, BX_LR, 0xc018_f5a8, BX_LR];
    assert_eq!(a32(0, &code, 0).offsets(), [0x14, 0x1c]);
}

#[test]
fn branches_through_a_literal() {
    // ldr pc, [pc, #-4] with the address of an odd one.
    assert_eq!(a32(0, &[0xe51f_f004, BASE + 0xc, 0, 0xc018_f5a8], 0).offsets(), [0xc]);
    // And to T32: at 0xc, cpsid i; bx lr.
    let machine = a32(0, &[0xe51f_f004, BASE + 0xd, 0, 0x4770_b672], 0);
    assert_eq!(machine.page.site(0xc), Some(Original::Narrow(0xb672)));
}

#[test]
fn what_nothing_leads_to() {
    // Before and behind the code; addresses and small numbers stay.
    let code = [MRS, NOP, BX_LR, NOP, BX_LR, ADDRESS, 0x0010_f000, MSRNE, CPSID];
    assert_eq!(a32(0x100, &code, 0x10c).offsets(), [0x100, 0x11c, 0x120]);
    // With what would be an address of this page for its condition alone.
    assert_eq!(a32(0x100, &[NOP, BX_LR, 0xc10f_0000], 0x100).offsets(), [0_u32; 0]);
    // Tables of numbers: LDM ^ and LDRT among words that are no code; among code they are replaced.
    let (ldm, ldrt) = (0xe8dd_ffff, 0xe4b3_2123);
    assert_eq!(a32(0x100, &[BX_LR, ldm, ldrt, 0x1234_5678, ldm], 0x100).offsets(), [0_u32; 0]);
    let code = [BX_LR, NOP, NOP, NOP, NOP, ldm, NOP, NOP, NOP, NOP, NOP, ldrt, NOP, NOP, NOP, NOP, NOP, NOP];
    assert_eq!(a32(0x100, &code, 0x100).offsets(), [0x114, 0x12c]);
}

#[test]
fn unpredictable_instructions_and_svcs_of_the_guest() {
    // SVC #0 stays, #0xffe0001 does not; MUL PC, R1, R0 is unpredictable. Neither counts where nothing leads to.
    let code = [0xef00_0000, 0xeffe_0001, 0xe00f_0091, BX_LR, 0xeffe_0001, 0xe00f_0091];
    let machine = a32(0, &code, 0);
    assert_eq!(machine.offsets(), [4, 8]);
    assert_eq!((machine.tables.a32.get(0), machine.tables.a32.get(1)), (Some(code[1]), Some(code[2])));
    assert_eq!((machine.words[1], machine.words[2]), (0xefff_0000, 0xefff_0001));
}

#[test]
fn a_full_table_leaves_it_to_the_record() {
    let odd = 0xc018_f5a8;
    let mut machine = Machine::new(0, &[odd, odd + 1, BX_LR]);
    machine.tables = Tables::new(1);
    machine.scan(0, InstructionSet::A32);
    assert_eq!(Code::of_a32(machine.words[0]), Code::Interned(0));
    assert_eq!(Code::of_a32(machine.words[1]), Code::Record);
    assert_eq!(machine.words[1] >> 28, 0xc);
    assert_eq!(machine.page.site(4), Some(Original::A32(odd + 1)));
}

#[test]
fn copied_codes_are_what_they_stand_for() {
    let nex_rewrite::Encoded::Code(code) = encode_a32(CPSID) else { panic!() };
    let mut machine = a32(0, &[code, 0x4fff_0000, BX_LR], 0);
    // The other one stands for nothing, so it is the guest's own.
    assert_eq!(machine.offsets(), [0, 4]);
    assert_eq!((machine.words[0], machine.words[1]), (code, 0x4fff_0000));
    assert_eq!(
        (machine.page.original(&machine.words, 0), machine.tables.a32.get(0)),
        (CPSID, Some(0x4fff_0000))
    );
    machine.page.restore(&mut machine.words);
    assert_eq!(machine.words[0], CPSID);
}

#[test]
fn what_is_left_to_the_host() {
    // mrc p15, 0, r0, c13, c0, 3; the same with 2; sev.
    let code = [0xee1d_0f70, 0xee1d_0f50, 0xe320_f004, BX_LR];
    assert_eq!(a32(0, &code, 0).offsets(), [0_u32; 0]);
    let mut machine = Machine::new(0, &code);
    (machine.tables.replace_tpidruro, machine.tables.replace_tpidrurw) = (true, true);
    machine.tables.replace_sev = true;
    machine.scan(0, InstructionSet::A32);
    assert_eq!(machine.offsets(), [0, 4, 8]);
}

#[test]
fn tpidrprw_is_read_from_tpidrurw() {
    // mrc p15, 0, r3, c13, c0, 4, and with NE; to SP, and to the flags; written; mrc p15, 0, r0, c13, c0, 2.
    let code = [0xee1d_3f90, 0x1e1d_3f90, 0xee1d_df90, 0xee1d_ff90, 0xee0d_3f90, 0xee1d_0f50, BX_LR];
    let mut machine = Machine::new(0, &code);
    (machine.tables.replace_tpidrurw, machine.tables.tpidrprw_in_tpidrurw) = (true, true);
    machine.scan(0, InstructionSet::A32);
    assert_eq!(machine.words[..2], [0xee1d_3f50, 0x1e1d_3f50]);
    for n in [2, 4, 5] {
        assert_eq!(machine.words[n] >> 24, 0xef, "{n}");
    }
    // Traps by itself.
    assert_eq!(machine.words[3], code[3]);
    assert_eq!(machine.page.original(&machine.words, 4), code[1]);
    // A store beside it leaves it as it is, and what is scanned again is what the guest wrote.
    machine.store(8, &NOP.to_le_bytes());
    machine.scan(0, InstructionSet::A32);
    assert_eq!(machine.words[..3], [0xee1d_3f50, 0x1e1d_3f50, NOP]);
    machine.page.restore(&mut machine.words);
    assert_eq!(machine.words[..2], code[..2]);
}

#[test]
fn tpidrprw_is_read_from_tpidrurw_in_t32() {
    // mrc p15, 0, r3, c13, c0, 4; mrc p15, 0, r0, c13, c0, 2; bx lr.
    let mut machine = Machine::t32(0x200, &[0xee1d, 0x3f90, 0xee1d, 0x0f50, 0x4770]);
    (machine.tables.replace_tpidrurw, machine.tables.tpidrprw_in_tpidrurw) = (true, true);
    machine.scan(0x200, InstructionSet::T32);
    assert_eq!(machine.words[0x80], 0x3f50_ee1d);
    assert_eq!(machine.words[0x81] & 0xfff0, 0xf7f0, "a wide UDF");
    machine.page.restore(&mut machine.words);
    assert_eq!(machine.words[0x80], 0x3f90_ee1d);
}

#[test]
fn what_user_mode_sees_traps() {
    let mut machine = Machine::new(0, &[0x1e1d_3f90, NOP, NOP, 0xee1d_3f90, 0xee1d_0f50, BX_LR]);
    (machine.tables.replace_tpidrurw, machine.tables.tpidrprw_in_tpidrurw) = (true, true);
    machine.scan(0, InstructionSet::A32);
    let changed = machine.page.show_to_user(&mut machine.words, &mut machine.tables);
    assert_eq!(changed, (0, 0x10));
    let code = |word| encode_a32(word);
    assert_eq!(code(0x1e1d_3f90), nex_rewrite::Encoded::Code(machine.words[0]));
    assert_eq!(code(0xee1d_3f90), nex_rewrite::Encoded::Code(machine.words[3]));
    // It stays so, whatever is scanned or stored later, until the page is the guest's again.
    assert_eq!(machine.page.show_to_user(&mut machine.words, &mut machine.tables), (0, 0));
    let words = machine.words.clone();
    assert_eq!(machine.scan(0, InstructionSet::A32).changed, (0, 0));
    machine.store(4, &CPSID.to_le_bytes());
    assert_eq!((machine.words[0], machine.words[3]), (words[0], words[3]));
    machine.page.restore(&mut machine.words);
    machine.scan(0, InstructionSet::A32);
    assert_eq!(machine.words[0], 0x1e1d_3f50);
}

#[test]
fn what_user_mode_sees_traps_in_t32() {
    // nop; mrc p15, 0, r3, c13, c0, 4 (not aligned); bx lr.
    let mut machine = Machine::t32(0x200, &[0xbf00, 0xee1d, 0x3f90, 0x4770]);
    (machine.tables.replace_tpidrurw, machine.tables.tpidrprw_in_tpidrurw) = (true, true);
    machine.scan(0x200, InstructionSet::T32);
    let words = machine.words.clone();
    assert_eq!(machine.page.show_to_user(&mut machine.words, &mut machine.tables), (0x200, 0x208));
    let wide = (machine.words[0x80] & 0xffff_0000) | machine.words[0x81] & 0xffff;
    assert_eq!(
        encode_t32(0xee1d, 0x3f90, nex_decode::ItState::NONE),
        nex_rewrite::Encoded::Code(T32::Wide(wide))
    );
    assert_eq!((machine.words[0x80] & 0xffff, machine.words[0x81] >> 16), (0xbf00, 0x4770));
    assert_ne!(machine.words, words);
}

#[test]
fn constants_of_the_neighbours() {
    let code = [BX_LR, CPSID, CPSID, CPSID];
    let mut before = [NOP; PAGE_WORDS];
    // At 0xffc: ldr r0, [pc], which is at 4.
    before[1023] = 0xe59f_0000;
    let mut after = [NOP; PAGE_WORDS];
    // At 0: ldr r0, [pc, #-0xffc], which is at 0xc.
    after[0] = 0xe51f_0ffc;
    let mut machine = Machine::new(0, &code);
    let entry = Entry {
        addr: BASE,
        set: InstructionSet::A32,
        next: None,
        begins_with_tail: false,
        before: Some(&before),
        after: Some(&after),
    };
    machine.page.scan(&mut machine.words, entry, &mut machine.tables, &mut machine.scratch).unwrap();
    assert_eq!(machine.offsets(), [8]);
    // They are remembered.
    machine.store(0x40, &MRS.to_le_bytes());
    assert_eq!(machine.offsets(), [8, 0x40]);
}

#[test]
fn t32_code() {
    // cpsid i; mrs r0, cpsr; it ne; msrne cpsr_c, r0; svc #1; it eq; bxeq lr; ldr r0, [pc, #4]; bx lr; two literals.
    let code = [
        0xb672, 0xf3ef, 0x8000, 0xbf18, 0xf380, 0x8100, 0xdf01, 0xbf08, 0x4770, 0x4801, 0x4770, 0xbf00,
        0xb672, 0xb672, 0xb672,
    ];
    let mut machine = Machine::t32(0x200, &code);
    machine.scan(0x200, InstructionSet::T32);
    // The literal is at 0x218, four bytes.
    assert_eq!(machine.offsets(), [0x200, 0x202, 0x208, 0x21c]);
    assert_eq!(machine.words[0x80], 0xf7f1_deca);
    assert_eq!(machine.page.original(&machine.words, 0x200), 0xf3ef_b672);
    assert_eq!(machine.page.original(&machine.words, 0x204), 0xbf18_8000);
}

#[test]
fn t32_tables() {
    // tbb [pc, r0] with two bytes, which look like cpsid i; targets at 4 + 2 * 0x72 and 4 + 2 * 0xb6.
    let mut code = vec![0xe8df, 0xf000, 0xb672];
    code.resize(0x100, 0xb672);
    let mut machine = Machine::t32(0, &code);
    machine.scan(0, InstructionSet::T32);
    // Everything up to the lower target is the table, then comes code.
    assert_eq!(machine.offsets().first(), Some(&(4 + 2 * 0x72)));
    // tbh with two entries of 2 and 3 halfwords.
    let mut machine = Machine::t32(0, &[0xe8df, 0xf010, 2, 3, 0xb672, 0x4770]);
    machine.scan(0, InstructionSet::T32);
    assert_eq!(machine.offsets(), [8]);
    assert_eq!(machine.words[1], 0x0003_0002);
}

#[test]
fn both_instruction_sets_in_a_page() {
    // mrs; blx 0x10; bx lr; 0; T32: cpsid i, bx lr.
    let mut machine = Machine::new(0, &[MRS, 0xfa00_0001, BX_LR, 0, 0x4770_b672, 0xb672_b672]);
    machine.scan(0, InstructionSet::A32);
    // What follows T32 code is T32 code.
    assert_eq!(machine.offsets(), [0, 0x10, 0x14, 0x16]);
    // bx pc; nop; then A32.
    let mut machine = Machine::new(0, &[0x46c0_4778, MRS]);
    machine.scan(0, InstructionSet::T32);
    assert_eq!(machine.page.site(4), Some(Original::A32(MRS)));
    // Another entry, in the other set.
    let mut machine = Machine::new(0, &[MRS, BX_LR, 0x4770_b672]);
    machine.scan(0, InstructionSet::A32);
    assert_eq!(machine.offsets(), [0]);
    machine.scan(8, InstructionSet::T32);
    assert_eq!(machine.offsets(), [0, 8]);
}

#[test]
fn an_instruction_that_ends_in_the_next_page() {
    // b.n . at 0xffc, mrs r0, cpsr at 0xffe.
    let mut machine = Machine::t32(0xffc, &[0xbf00, 0xf3ef]);
    machine.scan_next(0xffc, InstructionSet::T32, Some(0x8000)).unwrap();
    assert_eq!(machine.page.site(0xffe), Some(Original::Straddle(0xf3ef)));
    assert_eq!(Code::of_t32_narrow((machine.words[1023] >> 16) as u16), Code::Straddle);
    // A BL begins the same way: it stays.
    machine.scan_next(0xffc, InstructionSet::T32, Some(0xf800)).unwrap();
    assert_eq!((machine.page.sites().len(), machine.words[1023] >> 16), (0, 0xf3ef));
    // Not known: replaced, until it is.
    machine.scan_next(0xffc, InstructionSet::T32, None).unwrap();
    assert_eq!(machine.page.site(0xffe), Some(Original::Straddle(0xf3ef)));
    // What can be nothing sensitive stays: movw.
    let mut machine = Machine::t32(0xffe, &[0xf240]);
    machine.scan(0xffe, InstructionSet::T32);
    assert_eq!(machine.offsets(), [0_u32; 0]);
}

#[test]
fn stores_into_the_page() {
    let mut machine = a32(0, &[MRS, CPSID, BX_LR], 0);
    // One byte of a replaced instruction: mrs r1, cpsr.
    machine.store(1, &[0x10]);
    assert_eq!(machine.page.site(0), Some(Original::A32(0xe10f_1000)));
    // A replaced instruction becomes harmless, a harmless one sensitive.
    machine.store(4, &NOP.to_le_bytes());
    assert_eq!((machine.offsets(), machine.words[1]), (vec![0], NOP));
    machine.store(4, &MSRNE.to_le_bytes());
    assert_eq!(machine.offsets(), [0, 4]);
    // A branch opens what nothing led to, and that is code then.
    machine.store(0x40, &0xc018_f5a8_u32.to_le_bytes());
    assert_eq!(machine.offsets(), [0, 4]);
    machine.store(8, &0xea00_000c_u32.to_le_bytes());
    assert_eq!(machine.offsets(), [0, 4, 0x40]);
    // Data that means nothing is stored and nothing else.
    let report = machine.store(0x80, &[1, 2, 3, 4, 5]);
    assert_eq!((report.changed, machine.words[0x20]), ((0x80, 0x88), 0x0403_0201));
    // Beyond the end of the page.
    machine.store(0xffe, &[0xaa, 0xbb, 0xcc]);
    machine.store(0x2000, &[1]);
    assert_eq!(machine.words[1023], 0xbbaa_0000);
}

/// A store that changed neither code nor data, but the look of what is around an LDM with `^`, was once not looked at.
#[test]
fn a_store_next_to_what_looks_like_a_table() {
    let ldm = 0xe8dd_ffff;
    // Of the 17 words around it, nine have AL.
    let mut code = [0; 18];
    code[0] = BX_LR;
    code[6..14].fill(NOP);
    code[9] = ldm;
    code[15] = NOP;
    let mut machine = a32(0, &code, 0);
    assert_eq!(machine.offsets(), [0x24]);
    // mov r4, r5 becomes moveq r4, r5.
    machine.store(0x3c, &0x01a0_4005_u32.to_le_bytes());
    assert_eq!(machine.offsets(), [0_u32; 0]);
}

#[test]
fn the_changed_range() {
    let mut machine = Machine::new(0x100, &[MRS, NOP, CPSID, BX_LR]);
    assert_eq!(machine.scan(0x100, InstructionSet::A32).changed, (0x100, 0x10c));
    assert_eq!(machine.scan(0x100, InstructionSet::A32).changed, (0, 0));
}
