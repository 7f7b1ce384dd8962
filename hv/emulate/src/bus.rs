//! What the executor needs from outside: memory, and the extension registers.

/// How much an access covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Size {
    /// 1 byte.
    Byte = 1,
    /// 2 bytes.
    Half = 2,
    /// 4 bytes.
    Word = 4,
    /// 8 bytes: LDREXD and STREXD only.
    Double = 8,
}

impl Size {
    /// In bytes.
    pub const fn bytes(self) -> u32 {
        self as u32
    }
}

/// What an instruction says about an access beyond address and size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct How {
    /// With User mode's permissions, whatever the mode is: LDRT, STRT and their family.
    pub unprivileged: bool,
    /// The address has to be a multiple of this, whatever SCTLR.A says, or the access takes an alignment fault: 1 (no demand),
    /// 2, 4, 8, 16 or 32 (DDI 0406C A3.2.1, table A3-1). If SCTLR.A is 1, it has to be a multiple of the size as well.
    pub align_bytes: u8,
}

impl How {
    /// No demands.
    pub const PLAIN: How = How { unprivileged: false, align_bytes: 1 };
    /// Word-aligned.
    pub const WORD: How = How { unprivileged: false, align_bytes: 4 };
}

/// Memory and devices, as the guest sees them at its current privilege.
///
/// Values are little-endian numbers: an access of a halfword gives the byte at `va` in bits 7..=0. CPSR.E is seen to by the
/// executor. An instruction makes its accesses one after another, in ascending order, and stops at the first that fails.
pub trait Bus {
    /// What the caller needs to give the guest a data abort.
    type Error;

    /// Loads from `va`, which may be any address; the access may cross a page if it is unaligned. The bits above the size
    /// are zero.
    ///
    /// # Errors
    /// The guest is to take a data abort. This includes an alignment fault, see [`How::align_bytes`].
    fn load(&mut self, va: u32, size: Size, how: How) -> Result<u32, Self::Error>;

    /// Stores the low `size` of `value` to `va`; the bits above are to be ignored.
    ///
    /// # Errors
    /// As for [`load`](Bus::load); nothing was stored.
    fn store(&mut self, va: u32, size: Size, value: u32, how: How) -> Result<(), Self::Error>;

    /// Loads, and marks the address in the exclusive monitor (A3.4). `va` has to be a multiple of the size.
    ///
    /// # Errors
    /// As for [`load`](Bus::load); an alignment fault if `va` is not a multiple of the size.
    fn load_exclusive(&mut self, va: u32, size: Size) -> Result<u64, Self::Error>;

    /// Stores if the monitor still has the mark, which is gone afterwards; says whether it stored. An access that is not
    /// allowed may fault even where it would not store (A3.4.5).
    ///
    /// # Errors
    /// As for [`load_exclusive`](Bus::load_exclusive).
    fn store_exclusive(&mut self, va: u32, size: Size, value: u64) -> Result<bool, Self::Error>;

    /// SWP and SWPB: loads and stores. `va` has to be a multiple of the size.
    ///
    /// As provided it is two accesses, which is enough where no other CPU runs meanwhile.
    ///
    /// # Errors
    /// As for [`store`](Bus::store).
    fn swap(&mut self, va: u32, size: Size, value: u32) -> Result<u32, Self::Error> {
        let how = How { unprivileged: false, align_bytes: size as u8 };
        let old = self.load(va, size, how)?;
        self.store(va, size, value, how)?;
        Ok(old)
    }
}

/// The registers of VFP and Advanced SIMD, as doublewords. S registers are their halves (A2.6.1).
pub trait FpRegs {
    /// D register `n`, 0..=31. On a CPU with sixteen, 16 and up are never asked for if the caller heeds
    /// [`Insn::vfp_use`](crate::Insn::vfp_use).
    fn d(&self, n: u8) -> u64;

    /// Sets D register `n`, 0..=31.
    fn set_d(&mut self, n: u8, value: u64);
}

impl FpRegs for [u64; 32] {
    fn d(&self, n: u8) -> u64 {
        self[usize::from(n & 31)]
    }

    fn set_d(&mut self, n: u8, value: u64) {
        self[usize::from(n & 31)] = value;
    }
}
