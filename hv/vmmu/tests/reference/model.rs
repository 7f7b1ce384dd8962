//! A naive second MMU, after the manual's pseudocode (DDI 0406C B3.19: TranslateAddressV, TranslationTableWalkSD and LD,
//! CheckDomain, CheckPermission, DataAbort): its functions, its names, its order, one step at a time. It shares no code
//! and no structure with the crate: results are register values and attribute bits. What the pseudocode leaves out, the
//! checks of instruction fetches, follows the text of B3.7.2.

/// Bits `high..=low` of `value`.
fn slice(value: u64, high: u32, low: u32) -> u64 {
    (value >> low) & ((1u64 << (high - low + 1)) - 1)
}

fn flag(value: u64, at: u32) -> bool {
    slice(value, at, at) == 1
}

/// The machine: registers, and memory as a function (`None`: decode error).
pub(crate) struct Machine<'a> {
    pub(crate) have_lpae: bool,
    pub(crate) have_pxn: bool,
    pub(crate) have_virt: bool,
    pub(crate) sctlr: u64,
    pub(crate) ttbr0: u64,
    pub(crate) ttbr1: u64,
    pub(crate) ttbcr: u64,
    pub(crate) dacr: u64,
    pub(crate) prrr: u64,
    pub(crate) nmrr: u64,
    pub(crate) mem: &'a dyn Fn(u64) -> Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DAbort {
    AccessFlag,
    Alignment,
    Domain,
    Permission,
    SyncExternalOnWalk,
    Translation,
}

/// What DataAbort() is called with, as far as stage 1 goes. `domain` is `None` where the pseudocode says UNKNOWN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Aborted {
    pub(crate) kind: DAbort,
    pub(crate) level: u32,
    pub(crate) domain: Option<u64>,
    pub(crate) ld_format: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct MemAttrs {
    /// "so", "dev" or "norm".
    pub(crate) kind: &'static str,
    /// '00' Non-cacheable, '10' Write-Through, '11' Write-Back.
    pub(crate) innerattrs: u8,
    pub(crate) outerattrs: u8,
    /// Write-allocate, of write-back memory.
    pub(crate) inner_wa: bool,
    pub(crate) outer_wa: bool,
    pub(crate) shareable: bool,
    pub(crate) outershareable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TlbRecord {
    pub(crate) ap: u64,
    pub(crate) xn: bool,
    pub(crate) pxn: bool,
    pub(crate) ng: bool,
    pub(crate) domain: Option<u64>,
    pub(crate) level: u32,
    pub(crate) blocksize_kb: u64,
    pub(crate) pa: u64,
    pub(crate) memattrs: MemAttrs,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Load,
    Store,
    Fetch,
}

impl Machine<'_> {
    fn m(&self) -> bool {
        flag(self.sctlr, 0)
    }

    fn afe(&self) -> bool {
        flag(self.sctlr, 29)
    }

    fn ee(&self) -> bool {
        flag(self.sctlr, 25)
    }

    pub(crate) fn eae(&self) -> bool {
        self.have_lpae && flag(self.ttbcr, 31)
    }

    fn abort<T>(&self, kind: DAbort, level: u32, domain: Option<u64>) -> Result<T, Aborted> {
        Err(Aborted { kind, level, domain, ld_format: self.eae() })
    }

    fn byte(&self, at: u64) -> Option<u64> {
        Some(slice(u64::from((self.mem)(at & !3)?), 8 * (at as u32 & 3) + 7, 8 * (at as u32 & 3)))
    }

    /// `_Mem[]`, byte by byte, and BigEndianReverse().
    fn mem(&self, at: u64, size: u64) -> Option<u64> {
        let mut value = 0;
        for i in 0..size {
            let place = if self.ee() { size - 1 - i } else { i };
            value |= self.byte(at + i)? << (8 * place);
        }
        Some(value)
    }

    pub(crate) fn translate_address_v(
        &self,
        va: u64,
        ispriv: bool,
        op: Op,
        size: u64,
        strict: bool,
    ) -> Result<TlbRecord, Aborted> {
        // MemA, or MemU with SCTLR.A: before the translation.
        if op != Op::Fetch && (strict || flag(self.sctlr, 1)) && !va.is_multiple_of(size) {
            return self.abort(DAbort::Alignment, 1, None);
        }
        let record = if !self.m() {
            self.stage1_off(va, op)
        } else if self.eae() {
            self.walk_ld(va)?
        } else {
            self.walk_sd(va)?
        };
        let device = record.memattrs.kind != "norm";
        if op != Op::Fetch && self.have_virt && device && !va.is_multiple_of(size) {
            return self.abort(DAbort::Alignment, 1, None);
        }
        if self.m() && (self.eae() || self.check_domain(&record)?) {
            self.check_permission(&record, ispriv, op)?;
        }
        Ok(record)
    }

    fn stage1_off(&self, va: u64, op: Op) -> TlbRecord {
        let so = MemAttrs { kind: "so", shareable: true, outershareable: true, ..MemAttrs::default() };
        let memattrs = match (op, flag(self.sctlr, 12)) {
            (Op::Fetch, true) => {
                MemAttrs { kind: "norm", innerattrs: 2, outerattrs: 2, ..MemAttrs::default() }
            }
            (Op::Fetch, false) => MemAttrs { kind: "norm", ..so },
            _ => so,
        };
        TlbRecord {
            ap: 3,
            xn: false,
            pxn: false,
            ng: false,
            domain: None,
            level: 0,
            blocksize_kb: 4,
            pa: va,
            memattrs,
        }
    }

    fn check_domain(&self, record: &TlbRecord) -> Result<bool, Aborted> {
        let domain = record.domain.expect("short descriptors have domains");
        let bitpos = 2 * domain as u32;
        match slice(self.dacr, bitpos + 1, bitpos) {
            0b01 => Ok(true),
            0b11 => Ok(false),
            _ => self.abort(DAbort::Domain, record.level, Some(domain)),
        }
    }

    fn check_permission(&self, record: &TlbRecord, ispriv: bool, op: Op) -> Result<(), Aborted> {
        let ap = if self.eae() || self.afe() { record.ap | 1 } else { record.ap };
        // Whether (priv, write) aborts, as CheckPermission has it.
        let aborts = |ispriv: bool, iswrite: bool| match ap {
            0b000 | 0b100 => true,
            0b001 => !ispriv,
            0b010 => !ispriv && iswrite,
            0b011 => false,
            0b101 => !ispriv || iswrite,
            0b110 | 0b111 => iswrite,
            _ => unreachable!(),
        };
        let abort = match op {
            Op::Load => aborts(ispriv, false),
            Op::Store => aborts(ispriv, true),
            Op::Fetch => {
                // B3.7.2.
                let mut xn = record.xn || aborts(ispriv, false);
                if ispriv {
                    xn |= record.pxn;
                }
                if self.have_virt && flag(self.sctlr, 19) {
                    xn |= !aborts(ispriv, true);
                }
                if self.have_virt && flag(self.sctlr, 20) && ispriv {
                    xn |= !aborts(false, true);
                }
                xn
            }
        };
        if abort { self.abort(DAbort::Permission, record.level, record.domain) } else { Ok(()) }
    }

    fn walk_sd(&self, mva: u64) -> Result<TlbRecord, Aborted> {
        let mut n = slice(self.ttbcr, 2, 0) as u32;
        let (ttbr, disabled);
        if n == 0 || slice(mva, 31, 32 - n) == 0 {
            ttbr = self.ttbr0;
            disabled = flag(self.ttbcr, 4);
        } else {
            n = 0;
            ttbr = self.ttbr1;
            disabled = flag(self.ttbcr, 5);
        }
        if disabled {
            return self.abort(DAbort::Translation, 1, None);
        }
        let l1descaddr = slice(ttbr, 31, 14 - n) << (14 - n) | slice(mva, 31 - n, 20) << 2;
        let Some(l1desc) = self.mem(l1descaddr, 4) else {
            return self.abort(DAbort::SyncExternalOnWalk, 1, None);
        };
        let (texcb, s, ap, xn, pxn, ng, level, blocksize_kb, domain, pa);
        match slice(l1desc, 1, 0) {
            0b00 => return self.abort(DAbort::Translation, 1, None),
            0b11 if !self.have_pxn => return self.abort(DAbort::Translation, 1, None),
            0b01 => {
                domain = slice(l1desc, 8, 5);
                level = 2;
                pxn = self.have_pxn && flag(l1desc, 2);
                let l2descaddr = slice(l1desc, 31, 10) << 10 | slice(mva, 19, 12) << 2;
                let Some(l2desc) = self.mem(l2descaddr, 4) else {
                    return self.abort(DAbort::SyncExternalOnWalk, 2, Some(domain));
                };
                if slice(l2desc, 1, 0) == 0b00 {
                    return self.abort(DAbort::Translation, 2, Some(domain));
                }
                s = flag(l2desc, 10);
                ap = slice(l2desc, 9, 9) << 2 | slice(l2desc, 5, 4);
                ng = flag(l2desc, 11);
                if self.afe() && !flag(l2desc, 4) {
                    return self.abort(DAbort::AccessFlag, 2, Some(domain));
                }
                if !flag(l2desc, 1) {
                    texcb = slice(l2desc, 14, 12) << 2 | slice(l2desc, 3, 2);
                    xn = flag(l2desc, 15);
                    blocksize_kb = 64;
                    pa = slice(l2desc, 31, 16) << 16 | slice(mva, 15, 0);
                } else {
                    texcb = slice(l2desc, 8, 6) << 2 | slice(l2desc, 3, 2);
                    xn = flag(l2desc, 0);
                    blocksize_kb = 4;
                    pa = slice(l2desc, 31, 12) << 12 | slice(mva, 11, 0);
                }
            }
            _ => {
                texcb = slice(l1desc, 14, 12) << 2 | slice(l1desc, 3, 2);
                s = flag(l1desc, 16);
                ap = slice(l1desc, 15, 15) << 2 | slice(l1desc, 11, 10);
                xn = flag(l1desc, 4);
                pxn = flag(l1desc, 0);
                ng = flag(l1desc, 17);
                level = 1;
                if flag(l1desc, 18) {
                    domain = 0;
                    blocksize_kb = 16384;
                    pa = slice(l1desc, 8, 5) << 36
                        | slice(l1desc, 23, 20) << 32
                        | slice(l1desc, 31, 24) << 24
                        | slice(mva, 23, 0);
                } else {
                    domain = slice(l1desc, 8, 5);
                    blocksize_kb = 1024;
                    pa = slice(l1desc, 31, 20) << 20 | slice(mva, 19, 0);
                }
                if self.afe() && !flag(l1desc, 10) {
                    return self.abort(DAbort::AccessFlag, 1, Some(domain));
                }
            }
        }
        let memattrs =
            if flag(self.sctlr, 28) { self.remapped_tex(texcb, s) } else { self.default_tex(texcb, s) };
        Ok(TlbRecord { ap, xn, pxn, ng, domain: Some(domain), level, blocksize_kb, pa, memattrs })
    }

    /// ConvertAttrsHints(): attributes, write-allocate.
    fn convert_attrs_hints(rgn: u64) -> (u8, bool) {
        match rgn {
            0b00 => (0b00, false),
            0b01 => (0b11, true),
            0b11 => (0b11, false),
            _ => (0b10, false),
        }
    }

    fn default_tex(&self, texcb: u64, s: bool) -> MemAttrs {
        let normal = |inner: u64, outer: u64| {
            let ((innerattrs, inner_wa), (outerattrs, outer_wa)) =
                (Self::convert_attrs_hints(inner), Self::convert_attrs_hints(outer));
            let (shareable, outershareable) = (s, s);
            MemAttrs { kind: "norm", innerattrs, outerattrs, inner_wa, outer_wa, shareable, outershareable }
        };
        let ordered = |kind, shared| MemAttrs {
            kind,
            shareable: shared,
            outershareable: shared,
            ..MemAttrs::default()
        };
        match texcb {
            0b00000 => ordered("so", true),
            0b00001 => ordered("dev", true),
            0b00010 => normal(0b10, 0b10),
            0b00011 => normal(0b11, 0b11),
            0b00100 => normal(0b00, 0b00),
            0b00111 => normal(0b01, 0b01),
            0b01000 => ordered("dev", self.have_lpae),
            _ if flag(texcb, 4) => normal(slice(texcb, 1, 0), slice(texcb, 3, 2)),
            // UNPREDICTABLE or IMPLEMENTATION DEFINED: the crate's choice.
            _ => ordered("so", true),
        }
    }

    fn remapped_tex(&self, texcb: u64, s: bool) -> MemAttrs {
        let region = slice(texcb, 2, 0) as u32;
        let ordered = |kind| MemAttrs { kind, shareable: true, outershareable: true, ..MemAttrs::default() };
        match slice(self.prrr, 2 * region + 1, 2 * region) {
            0b01 => {
                let shareable = flag(self.prrr, if s { 17 } else { 16 }) || self.have_lpae;
                let outershareable = shareable && (self.have_lpae || !flag(self.prrr, region + 24));
                MemAttrs { shareable, outershareable, ..ordered("dev") }
            }
            0b10 => {
                let (innerattrs, inner_wa) =
                    Self::convert_attrs_hints(slice(self.nmrr, 2 * region + 1, 2 * region));
                let (outerattrs, outer_wa) =
                    Self::convert_attrs_hints(slice(self.nmrr, 2 * region + 17, 2 * region + 16));
                let shareable = flag(self.prrr, if s { 19 } else { 18 });
                let outershareable = shareable && !flag(self.prrr, region + 24);
                MemAttrs {
                    kind: "norm",
                    innerattrs,
                    outerattrs,
                    inner_wa,
                    outer_wa,
                    shareable,
                    outershareable,
                }
            }
            // 0b11 is reserved: the crate's choice.
            _ => ordered("so"),
        }
    }

    fn walk_ld(&self, ia: u64) -> Result<TlbRecord, Aborted> {
        let mut found = None;
        let t0size = slice(self.ttbcr, 2, 0) as u32;
        if t0size == 0 || slice(ia, 31, 32 - t0size) == 0 {
            found = Some((self.ttbr0, t0size, flag(self.ttbcr, 7)));
        }
        let t1size = slice(self.ttbcr, 18, 16) as u32;
        let all_ones = (1u64 << t1size) - 1;
        if (t1size == 0 && found.is_none()) || (t1size > 0 && slice(ia, 31, 32 - t1size) == all_ones) {
            found = Some((self.ttbr1, t1size, flag(self.ttbcr, 23)));
        }
        let Some((ttbr, tsize, false)) = found else {
            return self.abort(DAbort::Translation, 1, None);
        };
        let mut level = if tsize > 1 { 2 } else { 1 };
        let lower_bound = 9 * level - tsize - 4;
        let mut base = slice(ttbr, 39, lower_bound) << lower_bound;
        let mut start_bit = 31 - tsize;
        let (mut table_rw, mut table_user, mut table_xn, mut table_pxn) = (true, true, false, false);
        loop {
            let offset = slice(ia, start_bit, 39 - 9 * level) << 3;
            let Some(desc) = self.mem(base + offset, 8) else {
                return self.abort(DAbort::SyncExternalOnWalk, level, None);
            };
            if !flag(desc, 0) {
                return self.abort(DAbort::Translation, level, None);
            }
            if flag(desc, 1) && level < 3 {
                base = slice(desc, 39, 12) << 12;
                table_rw &= !flag(desc, 62);
                table_user &= !flag(desc, 61);
                table_xn |= flag(desc, 60);
                table_pxn |= flag(desc, 59);
                level += 1;
                start_bit = 47 - 9 * level;
                continue;
            }
            if !flag(desc, 1) && level == 3 {
                return self.abort(DAbort::Translation, level, None);
            }
            let (pa, blocksize_kb) = match level {
                1 => (slice(desc, 39, 30) << 30 | slice(ia, 29, 0), 1 << 20),
                2 => (slice(desc, 39, 21) << 21 | slice(ia, 20, 0), 2048),
                _ => (slice(desc, 39, 12) << 12 | slice(ia, 11, 0), 4),
            };
            if !flag(desc, 10) {
                return self.abort(DAbort::AccessFlag, level, None);
            }
            let mut ap = slice(desc, 7, 6) << 1 | 1;
            if !table_rw {
                ap |= 0b100;
            }
            if !table_user {
                ap &= 0b101;
            }
            return Ok(TlbRecord {
                ap,
                xn: flag(desc, 54) || table_xn,
                pxn: flag(desc, 53) || table_pxn,
                ng: flag(desc, 11),
                domain: None,
                level,
                blocksize_kb,
                pa,
                memattrs: self.mair_decode(slice(desc, 4, 2) as u32, slice(desc, 9, 8)),
            });
        }
    }

    fn mair_decode(&self, index: u32, sh: u64) -> MemAttrs {
        let mair = if index < 4 { self.prrr } else { self.nmrr };
        let attr = slice(mair, 8 * (index % 4) + 7, 8 * (index % 4));
        let (outer, inner) = (slice(attr, 7, 4), slice(attr, 3, 0));
        if outer == 0 {
            let kind = if inner == 0b0100 { "dev" } else { "so" };
            return MemAttrs { kind, shareable: true, outershareable: true, ..MemAttrs::default() };
        }
        let nibble = |n: u64| match n {
            0b0000 | 0b0100 => (0b00, false),
            0b0001..=0b0011 | 0b1000..=0b1011 => (0b10, false),
            _ => (0b11, flag(n, 0)),
        };
        let ((innerattrs, inner_wa), (outerattrs, outer_wa)) = (nibble(inner), nibble(outer));
        let uncached = innerattrs == 0 && outerattrs == 0;
        let shareable = uncached || flag(sh, 1);
        let outershareable = uncached || sh == 0b10;
        MemAttrs { kind: "norm", innerattrs, outerattrs, inner_wa, outer_wa, shareable, outershareable }
    }
}

impl Aborted {
    /// DataAbort(): DFSR, and the mask of the bits that the pseudocode defines.
    pub(crate) fn dfsr(&self, iswrite: bool, have_lpae: bool) -> (u32, u32) {
        let l = self.level;
        let write = u32::from(iswrite) << 11;
        if self.ld_format {
            let status = match self.kind {
                DAbort::AccessFlag => 0b001000 + l,
                DAbort::Alignment => 0b100001,
                DAbort::Permission => 0b001100 + l,
                DAbort::Translation => 0b000100 + l,
                DAbort::SyncExternalOnWalk => 0b010100 + l,
                DAbort::Domain => unreachable!("no domains in this format"),
            };
            return (write | 1 << 9 | status, 0b11_1010_0011_1111);
        }
        let first = l == 1;
        let fs = match self.kind {
            DAbort::AccessFlag => [0b00110, 0b00011][usize::from(first)],
            DAbort::Alignment => 0b00001,
            DAbort::Permission => [0b01111, 0b01101][usize::from(first)],
            DAbort::Domain => [0b01011, 0b01001][usize::from(first)],
            DAbort::Translation => [0b00111, 0b00101][usize::from(first)],
            DAbort::SyncExternalOnWalk => [0b01110, 0b01100][usize::from(first)],
        };
        let domain_valid = self.kind == DAbort::Domain
            || l == 2
                && matches!(self.kind, DAbort::Translation | DAbort::AccessFlag | DAbort::SyncExternalOnWalk)
            || !have_lpae && self.kind == DAbort::Permission;
        let domain = if domain_valid { self.domain.expect("a domain") as u32 } else { 0 };
        let mask = if domain_valid { 0b11_1110_1111_1111 } else { 0b11_1110_0000_1111 };
        (write | (fs & 0x10) << 6 | domain << 4 | fs & 0xf, mask)
    }
}
