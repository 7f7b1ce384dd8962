//! Translating a guest virtual address.
//!
//! [`lookup`] walks: it finds what is mapped, with the rights of both privileges, and does not judge an access.
//! [`translate`] judges one as well. The order in which things are checked decides which fault the guest sees (B3.12,
//! TranslateAddressV in B3.19):
//!
//! 1. alignment, if the instruction or SCTLR.A demands it;
//! 2. at each level: the read of the descriptor (external abort on walk), then its validity (translation fault);
//! 3. the access flag;
//! 4. alignment, if the memory is Device or Strongly-ordered (CPUs with the Virtualization Extensions);
//! 5. the domain (short descriptors);
//! 6. the permissions.

use crate::access::{Access, Kind, Permissions, Rights};
use crate::fault::{Fault, FaultKind};
use crate::memory::Memory;
use crate::regs::{Base, DomainAccess, Registers};
use crate::{long, short};
use nex_mm::{Gpa, Gva};

/// Why the bus refused an access: what ExT in the fault registers says (B4.1.51; the Cortex-A9 and A15 manuals agree).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Abort {
    /// There is nothing at that address.
    Decode,
    /// Something is there and answered with an error.
    Slave,
}

/// The guest's physical memory, as a table walk reads it.
///
/// Addresses have up to 40 bits and are aligned to the size of the read. Answer [`Abort`] for everything that is not
/// RAM or ROM of the domain: above 4 GiB, holes, and devices, which a walk must not touch.
pub trait GuestMemory {
    /// Four bytes at `gpa`, little-endian.
    ///
    /// # Errors
    /// There is no memory.
    fn read32(&mut self, gpa: u64) -> Result<u32, Abort>;

    /// Eight bytes at `gpa`, little-endian, read at once (the architecture promises 64-bit atomic descriptors).
    ///
    /// # Errors
    /// There is no memory.
    fn read64(&mut self, gpa: u64) -> Result<u64, Abort>;
}

/// What the guest maps at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Translation {
    /// The address that was asked for.
    pub va: Gva,
    /// Where it leads: 40 bits. [`gpa`](Self::gpa) is the checked form.
    pub output: u64,
    /// log2 of the bytes that the guest's descriptor maps: 12, 16, 20 or 24 short; 12, 21 or 30 long; 12 with the MMU
    /// off.
    pub log2_bytes: u8,
    /// Level of the descriptor, 1..=3; 0 with the MMU off.
    pub level: u8,
    /// Rights as the permission bits give them, before the domain is considered.
    pub client: Rights,
    /// What DACR says of the domain; [`DomainAccess::Client`] where there are no domains.
    pub domain_access: DomainAccess,
    /// The domain, 0..=15; 0 where there are none.
    pub domain: u8,
    /// Memory type and shareability.
    pub memory: Memory,
    /// The attribute byte from MAIR, for PAR; 0 with short descriptors and with the MMU off.
    pub mair_attr: u8,
    /// The mapping is the same for all ASIDs (nG = 0).
    pub global: bool,
    /// Long descriptors: this is one of 16 equal neighbours (a hint that the guest may have got wrong).
    pub contiguous: bool,
    /// The base register used; `None` with the MMU off.
    pub base: Option<Base>,
}

impl Translation {
    /// The guest physical address, or `None` above 4 GiB, where no domain has memory: [`Fault::external`].
    pub const fn gpa(&self) -> Option<Gpa> {
        if self.output >> 32 == 0 { Some(Gpa::new(self.output as u32)) } else { None }
    }

    /// The first virtual address that the same descriptor maps. TLB maintenance for any address of the block concerns
    /// the whole block.
    pub const fn block(&self) -> Gva {
        Gva::new(self.va.raw() & !(((1u64 << self.log2_bytes) - 1) as u32))
    }

    /// What PL1 and PL0 may do now, the domain considered.
    pub const fn rights(&self) -> Rights {
        match self.domain_access {
            DomainAccess::None => Rights::NONE,
            DomainAccess::Client => self.client,
            DomainAccess::Manager => Rights::ALL,
        }
    }

    /// Whether `access` is permitted: steps 4 to 6 of the [module's](self) order.
    ///
    /// # Errors
    /// The fault that the guest gets.
    pub fn check(&self, regs: &Registers, access: Access) -> Result<(), Fault> {
        let fault = |kind| {
            let level = if matches!(kind, FaultKind::Alignment) { 1 } else { self.level };
            let domain = if matches!(kind, FaultKind::Alignment) { 0 } else { self.domain };
            Err(Fault { level, domain, ..Fault::new(regs, kind, self.va) })
        };
        let data = access.kind != Kind::Execute;
        if data && regs.features.wxn && !self.memory.is_normal() && !access.is_aligned(self.va.raw()) {
            return fault(FaultKind::Alignment);
        }
        if self.domain_access == DomainAccess::None {
            return fault(FaultKind::Domain);
        }
        if !self.rights().allows(access.privileged, access.kind) {
            return fault(FaultKind::Permission);
        }
        Ok(())
    }
}

/// What a valid last descriptor says; made into a [`Translation`] here, whatever its format.
pub(crate) struct Leaf {
    /// Address bits from the descriptor; those below `log2_bytes` are ignored.
    pub address: u64,
    pub log2_bytes: u8,
    pub level: u8,
    pub permissions: Permissions,
    pub memory: Memory,
    pub mair_attr: u8,
    pub global: bool,
    pub contiguous: bool,
    /// `None` where there are no domains.
    pub domain: Option<u8>,
    pub base: Base,
}

/// Walks for `va` without judging an access. `fetch` matters with the MMU off only, where data and instructions have
/// different memory types.
///
/// # Errors
/// Translation and access flag faults, and external aborts on the walk.
pub fn lookup<M: GuestMemory + ?Sized>(
    regs: &Registers,
    memory: &mut M,
    va: Gva,
    fetch: bool,
) -> Result<Translation, Fault> {
    if !regs.mmu_on() {
        return Ok(Translation {
            va,
            output: va.raw() as u64,
            log2_bytes: 12,
            level: 0,
            client: Rights::ALL,
            domain_access: DomainAccess::Client,
            domain: 0,
            memory: Memory::mmu_off(regs, fetch),
            mair_attr: 0,
            global: true,
            contiguous: false,
            base: None,
        });
    }
    let leaf = if regs.long() { long::walk(regs, memory, va)? } else { short::walk(regs, memory, va)? };
    let offset = (1u64 << leaf.log2_bytes) - 1;
    Ok(Translation {
        va,
        output: leaf.address & !offset | va.raw() as u64 & offset,
        log2_bytes: leaf.log2_bytes,
        level: leaf.level,
        client: leaf.permissions.rights(regs.wxn(), regs.uwxn()),
        domain_access: match leaf.domain {
            Some(domain) => regs.domain_access(domain),
            None => DomainAccess::Client,
        },
        domain: leaf.domain.unwrap_or(0),
        memory: leaf.memory,
        mair_attr: leaf.mair_attr,
        global: leaf.global,
        contiguous: leaf.contiguous,
        base: Some(leaf.base),
    })
}

/// Translates `va` for `access`. Use the real kind of access, never a read in place of a write: what is found becomes
/// the shadow entry that must let the guest go on.
///
/// # Errors
/// The fault that the guest gets.
pub fn translate<M: GuestMemory + ?Sized>(
    regs: &Registers,
    memory: &mut M,
    va: Gva,
    access: Access,
) -> Result<Translation, Fault> {
    let fetch = access.kind == Kind::Execute;
    if !fetch && (access.must_align || regs.strict_alignment()) && !access.is_aligned(va.raw()) {
        return Err(Fault::new(regs, FaultKind::Alignment, va));
    }
    let translation = lookup(regs, memory, va, fetch)?;
    translation.check(regs, access)?;
    Ok(translation)
}
