//! Kinds of access, and sets of permitted ones.

/// What an access does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Data read.
    Read,
    /// Data write; an access that reads and writes (SWP) counts as a write.
    Write,
    /// Instruction fetch.
    Execute,
}

impl Kind {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Execute];
}

/// An access by the guest.
///
/// One that crosses a page border is two: ask for the first part with its real address and size, and for the second
/// with the address of the border and `size_bytes` 1, since the border is aligned and the whole was checked already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Whether the *guest* is at PL1; `false` for LDRT and STRT at PL1.
    pub privileged: bool,
    /// Read, write or fetch.
    pub kind: Kind,
    /// Size of the element that alignment is checked against, in bytes: 1, 2, 4 or 8. 1 is always aligned.
    pub size_bytes: u8,
    /// The instruction must be aligned whatever SCTLR.A says: LDREX, LDM, LDRD, VLDR and their kin (A3.2.1).
    pub must_align: bool,
}

impl Access {
    /// An access without alignment check, as for a byte.
    pub const fn new(privileged: bool, kind: Kind) -> Self {
        Self { privileged, kind, size_bytes: 1, must_align: false }
    }

    /// The same for elements of `size_bytes` (1, 2, 4 or 8).
    pub const fn sized(self, size_bytes: u8) -> Self {
        Self { size_bytes, ..self }
    }

    /// The same by an instruction that must be aligned.
    pub const fn aligned_only(self) -> Self {
        Self { must_align: true, ..self }
    }

    pub(crate) const fn is_aligned(self, va: u32) -> bool {
        va & (self.size_bytes as u32).wrapping_sub(1) == 0 || self.size_bytes == 0
    }
}

/// What PL1 and PL0 may do with a page: a set over both privileges and the three kinds.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights(u8);

impl Rights {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything, for both.
    pub const ALL: Self = Self(0x3f);

    const fn bit(privileged: bool, kind: Kind) -> u8 {
        let kind = match kind {
            Kind::Read => 1,
            Kind::Write => 2,
            Kind::Execute => 4,
        };
        if privileged { kind << 3 } else { kind }
    }

    /// Whether the set has this kind of access at this privilege.
    pub const fn allows(self, privileged: bool, kind: Kind) -> bool {
        self.0 & Self::bit(privileged, kind) != 0
    }

    /// The set with one more.
    #[must_use]
    pub const fn with(self, privileged: bool, kind: Kind, allowed: bool) -> Self {
        if allowed { Self(self.0 | Self::bit(privileged, kind)) } else { self }
    }
}

/// `p:rwx u:r-x`
impl core::fmt::Debug for Rights {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (name, privileged) in [("p:", true), (" u:", false)] {
            f.write_str(name)?;
            for (letter, kind) in ["r", "w", "x"].into_iter().zip(Kind::ALL) {
                f.write_str(if self.allows(privileged, kind) { letter } else { "-" })?;
            }
        }
        Ok(())
    }
}

/// What the permission fields of a descriptor say, whatever its format.
#[derive(Clone, Copy)]
pub(crate) struct Permissions {
    /// AP\[2:0\], 3 bits, in the encoding without access flag (table B3-8). Long descriptors and AFE = 1 have
    /// AP\[2:1\] and put 1 for AP\[0\].
    pub ap: u8,
    pub xn: bool,
    pub pxn: bool,
}

impl Permissions {
    /// The rights in a Client domain (B3.7.1, B3.7.2): executing needs reading; PXN concerns PL1; WXN takes execution
    /// from what the same privilege may write, UWXN from PL1 what PL0 may write.
    pub(crate) const fn rights(self, wxn: bool, uwxn: bool) -> Rights {
        // Read and write for PL1, read and write for PL0; 0b100 is reserved.
        let (priv_read, priv_write, user_read, user_write) = match self.ap & 7 {
            0b001 => (true, true, false, false),
            0b010 => (true, true, true, false),
            0b011 => (true, true, true, true),
            0b101 => (true, false, false, false),
            0b110 | 0b111 => (true, false, true, false),
            _ => (false, false, false, false),
        };
        let user_never = self.xn || wxn && user_write;
        let priv_never = self.xn || self.pxn || wxn && priv_write || uwxn && user_write;
        Rights::NONE
            .with(true, Kind::Read, priv_read)
            .with(true, Kind::Write, priv_write)
            .with(true, Kind::Execute, priv_read && !priv_never)
            .with(false, Kind::Read, user_read)
            .with(false, Kind::Write, user_write)
            .with(false, Kind::Execute, user_read && !user_never)
    }
}
