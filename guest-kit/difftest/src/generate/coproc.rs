//! CP15: registers and operations that have one defined result (DDI 0406C B3.17, B4.1, B4.2).

use super::{Generator, Isa};
use crate::machine::vectors;

/// `MCR p15, op1, r0, CRn, CRm, op2`; with bit 20, MRC.
const fn p15(op1: u32, crn: u32, crm: u32, op2: u32) -> u32 {
    0xee00_0f10 | op1 << 21 | crn << 16 | op2 << 5 | crm
}

const READ: u32 = 1 << 20;

/// What may be read at any time. DFSR and IFSR are looked at by whoever takes an exception.
static READABLE: &[u32] = &[
    p15(0, 0, 0, 0),  // MIDR
    p15(0, 0, 1, 0),  // ID_PFR0
    p15(0, 0, 1, 4),  // ID_MMFR0
    p15(0, 0, 2, 0),  // ID_ISAR0
    p15(1, 0, 0, 1),  // CLIDR
    p15(2, 0, 0, 0),  // CSSELR
    p15(0, 1, 0, 0),  // SCTLR
    p15(0, 1, 0, 2),  // CPACR
    p15(0, 2, 0, 0),  // TTBR0
    p15(0, 2, 0, 1),  // TTBR1
    p15(0, 2, 0, 2),  // TTBCR
    p15(0, 3, 0, 0),  // DACR
    p15(0, 6, 0, 0),  // DFAR
    p15(0, 6, 0, 2),  // IFAR
    p15(0, 12, 0, 0), // VBAR
    p15(0, 13, 0, 1), // CONTEXTIDR
    p15(0, 13, 0, 2), // TPIDRURW
    p15(0, 13, 0, 3), // TPIDRURO
    p15(0, 13, 0, 4), // TPIDRPRW
    p15(0, 9, 12, 1), // PMCNTENSET
    p15(0, 9, 12, 3), // PMOVSR
    p15(0, 9, 12, 5), // PMSELR
    p15(0, 9, 14, 0), // PMUSERENR
    p15(0, 9, 14, 1), // PMINTENSET
    p15(0, 14, 0, 0), // CNTFRQ
    p15(0, 14, 1, 0), // CNTKCTL
];

/// Takes any value.
static WRITABLE: &[u32] = &[
    p15(0, 5, 0, 0),  // DFSR
    p15(0, 5, 0, 1),  // IFSR
    p15(0, 6, 0, 0),  // DFAR
    p15(0, 6, 0, 2),  // IFAR
    p15(0, 13, 0, 2), // TPIDRURW
    p15(0, 13, 0, 3), // TPIDRURO
    p15(0, 13, 0, 4), // TPIDRPRW
];

/// Operations that need no operand, and any value does nothing else.
static OPERATIONS: &[u32] = &[
    p15(0, 7, 1, 0),  // ICIALLUIS
    p15(0, 7, 5, 0),  // ICIALLU
    p15(0, 7, 5, 4),  // CP15ISB
    p15(0, 7, 5, 6),  // BPIALL
    p15(0, 7, 10, 4), // CP15DSB
    p15(0, 7, 10, 5), // CP15DMB
    p15(0, 8, 3, 0),  // TLBIALLIS
    p15(0, 8, 5, 0),  // ITLBIALL
    p15(0, 8, 6, 0),  // DTLBIALL
    p15(0, 8, 7, 0),  // TLBIALL
    p15(0, 8, 7, 1),  // TLBIMVA
    p15(0, 8, 7, 2),  // TLBIASID
    p15(0, 8, 7, 3),  // TLBIMVAA
];

/// Operations by address.
static BY_ADDRESS: &[u32] = &[
    p15(0, 7, 5, 1),  // ICIMVAU
    p15(0, 7, 5, 7),  // BPIMVA
    p15(0, 7, 10, 1), // DCCMVAC
    p15(0, 7, 11, 1), // DCCMVAU
    p15(0, 7, 14, 1), // DCCIMVAC
];

impl Generator<'_> {
    /// One instruction that needs nothing before it.
    pub(super) fn coproc_one(&mut self) {
        let t = self.target();
        let word = match self.rng.below(4) {
            0..3 => READ | self.rng.pick(READABLE),
            _ => self.rng.pick(OPERATIONS),
        };
        self.transfer(word, t);
    }

    fn transfer(&mut self, word: u32, t: u32) {
        let condition = self.condition();
        match self.isa {
            Isa::A32 => self.a32(word & 0x0fff_ffff | condition << 28 | t << 12),
            Isa::T32 => self.t32(word | t << 12),
        }
    }

    /// A value in a register, and MCR.
    fn write(&mut self, word: u32, value: u32) {
        let t = self.scratch(&[]);
        self.load_word(t, value);
        self.transfer(word, t);
    }

    /// Something with CP15.
    pub(super) fn coproc(&mut self) {
        match self.rng.below(16) {
            0..4 => self.coproc_one(),
            4 | 5 => {
                let (word, value) = (self.rng.pick(WRITABLE), self.rng.word());
                self.write(word, value);
            }
            6 => self.dacr(),
            7 => {
                // To what is mapped: QEMU never faults on these (B3.13.2 says that they may).
                let word = self.rng.pick(BY_ADDRESS);
                let address = if self.permit.mmu { self.va(self.at) } else { self.known_address() };
                self.write(word, address);
            }
            8 | 9 => self.translate(),
            10 => {
                let number = self.rng.pick(self.permit.vectors);
                self.write(p15(0, 12, 0, 0), vectors::table(number));
            }
            11 => {
                // CONTEXTIDR, with few ASIDs; what is global or not does not change with it. Long descriptors have the
                // ASID in TTBR0.
                let value = self.rng.next() << 8 | self.rng.below(3);
                self.write(p15(0, 13, 0, 1), value);
                self.barrier(6);
            }
            12 => {
                let level = self.rng.below(3);
                self.write(p15(2, 0, 0, 0), level);
                let t = self.target();
                // CCSIDR, after an ISB.
                self.barrier(6);
                self.both(READ | p15(1, 0, 0, 0) | t << 12);
            }
            13 => self.monitors(),
            14 => self.timer(),
            _ => self.tables(),
        }
    }

    /// A word that is an address of data, of code, or of something else of the case's.
    fn known_address(&mut self) -> u32 {
        match self.rng.below(4) {
            0 => self.va(self.at),
            _ => self.data_address(),
        }
    }

    /// DACR: any value without the reserved 2; with the MMU on, domain 0, which maps this program, stays usable.
    fn dacr(&mut self) {
        // With access flags no managers: QEMU does not look at the flag then, though it is no permission (B3.7.4).
        let of: &[u32] = if self.permit.access_flag { &[0, 1, 1] } else { &[0, 1, 3] };
        let mut value = (0..16).fold(0, |value, _| value << 2 | self.rng.pick(of));
        if self.permit.mmu {
            value = value & !3 | 1;
        }
        self.write(p15(0, 3, 0, 0), value);
        self.barrier(6);
    }

    /// ATS1C*, and an SVC for the one who takes it to look at PAR: which attributes it says is left open.
    fn translate(&mut self) {
        let address = self.known_address();
        let operation = self.rng.below(4);
        self.write(p15(0, 7, 8, operation), address);
        self.barrier(6);
        self.call_look();
    }

    /// Performance monitors without counting (PMCR.E is zero).
    fn monitors(&mut self) {
        let t = self.scratch(&[]);
        match self.rng.below(8) {
            0 => self.write(p15(0, 9, 12, 1), 1 << 31),
            1 => self.write(p15(0, 9, 12, 2), 1 << 31),
            2 => self.write(p15(0, 9, 14, 1), 1 << 31),
            3 => self.write(p15(0, 9, 14, 2), 1 << 31),
            4 => {
                let value = self.rng.next();
                self.write(p15(0, 9, 13, 0), value);
            }
            5 => self.transfer(READ | p15(0, 9, 13, 0), t),
            6 => {
                let value = self.rng.below(2);
                self.write(p15(0, 9, 14, 0), value);
            }
            _ => self.write(p15(0, 9, 12, 5), 31),
        }
    }

    /// The generic timer, with compare values so far away that nothing happens.
    fn timer(&mut self) {
        let (low, high) = (self.scratch(&[]), 14);
        match self.rng.below(5) {
            0 => {
                let value = self.rng.next() & 0x3ff;
                self.write(p15(0, 14, 1, 0), value);
            }
            kind @ (1 | 2) => {
                // CNTP_CVAL, CNTV_CVAL.
                let (value, far) = (self.rng.next(), 0x7f00_0000 | self.rng.below(0x1000));
                self.load_word(low, value);
                self.load_word(high, far);
                self.both(0xec40_0f0e | (1 + kind) << 4 | high << 16 | low << 12);
                self.both(0xec50_0f0e | (1 + kind) << 4 | low << 16 | high << 12);
            }
            kind => {
                // CNTP_CTL, CNTV_CTL: enabled only with the interrupt masked.
                let crm = kind - 1;
                let value = self.rng.pick(&[0, 2, 3]);
                self.write(p15(0, 14, crm, 1), value);
            }
        }
    }

    /// What decides about translation: with the MMU off anything, else a change of table or of a descriptor, and the
    /// TLB maintenance for it.
    fn tables(&mut self) {
        if self.may_be_user() {
            return self.coproc_one();
        }
        let (a, b) = (self.scratch(&[]), 14);
        if !self.permit.mmu {
            let (which, value) = (self.rng.below(3), self.rng.word());
            let value = if which == 2 { value & 7 } else { value };
            return self.write(p15(0, 2, 0, which), value);
        }
        if !self.permit.long && self.rng.percent(50) {
            let table = self.rng.pick(&self.permit.tables);
            let which = self.rng.below(2);
            self.write(p15(0, 2, 0, which), table);
            self.barrier(6);
            // TLBIALL: the tables share ASIDs.
            self.both(p15(0, 8, 7, 0) | a << 12);
        } else if !self.permit.edits.is_empty() {
            let (address, value) = self.rng.pick(self.permit.edits);
            // Little-endian, as table walks are (SCTLR.EE is zero in such a case).
            match self.isa {
                Isa::A32 => self.a32(0xf101_0000),
                Isa::T32 => self.t16(0xb650),
            }
            self.load_word(a, address);
            self.load_word(b, value);
            match self.isa {
                Isa::A32 => self.a32(0xe580_0000 | a << 16 | b << 12),
                Isa::T32 => self.t32(0xf8c0_0000 | a << 16 | b << 12),
            }
            self.barrier(4);
            self.both(p15(0, 8, 7, 0) | a << 12);
        }
        self.barrier(4);
        self.barrier(6);
    }
}
