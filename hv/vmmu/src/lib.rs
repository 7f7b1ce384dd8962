//! The guest's MMU: what it would do, decided without hardware.
//!
//! A guest of Nex runs in User mode on shadow tables, so the real MMU never sees the guest's tables, registers or
//! privilege. This crate is the MMU that the guest believes in. It walks the guest's tables, says which access is
//! allowed or which fault the guest gets, and what a shadow entry for it must look like.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`regs`] | the guest's translation registers and what they select |
//! | [`access`] | kinds of access, and sets of permitted ones |
//! | [`memory`] | memory types: TEX/C/B, PRRR and NMRR, MAIR |
//! | [`quick`] | the common walk, in few steps |
//! | [`devices`] | where the guest maps its devices: a small TLB |
//! | [`walk`] | walks: MMU off, short descriptors, long descriptors (LPAE) |
//! | [`fault`] | faults, and DFSR/IFSR in both formats |
//! | [`par`] | address translation operations and PAR |
//! | [`tlb`] | TLB maintenance operations |
//! | [`shadow`] | what to put into a shadow table, and what to do about a fault on one |
//! | [`spaces`] | which guest address spaces have shadow tables: a bounded cache |
//! | [`blocks`] | how much of a table one TLB maintenance operation concerns |
//! | [`mibs`] | a set of megabytes |
//! | [`table`] | one shadow table: entries in, entries out |
//! | [`uses`] | where a page of guest RAM is mapped |
//!
//! # Order of calls
//!
//! The guest faults on its shadow table at `va`:
//!
//! 1. [`walk::translate`] with the **real** kind of access and the guest's real privilege. `Err` is the guest's own
//!    fault: write DFSR and DFAR (or IFSR and IFAR) from it and enter the guest's abort vector.
//! 2. [`walk::Translation::gpa`]: `None` (above 4 GiB), or an address where the domain has nothing, is
//!    [`fault::Fault::external`]. A device: emulate, with the address found.
//! 3. RAM: [`shadow::resolve`]. It answers `Map` with attributes that are sure to permit the access that faulted, or
//!    `Held` when Nex itself keeps the right back (a page with rewritten code): handle that first, then ask again.
//! 4. [`table::ShadowTable::map_page`] or [`map_section`](table::ShadowTable::map_section), and note the address in the
//!    page's [`uses::Uses`]. When a right is to be held back that was given: look there which entries to drop.
//!
//! The guest changes its address space (TTBR, ASID, SCTLR, mode): [`spaces::Spaces::acquire`] with
//! [`spaces::SpaceId::new`]; clear the table if the slot is fresh. Nothing is dropped on a switch. The guest executes
//! TLB maintenance: [`tlb::decode`], then the slots that [`spaces::Spaces::concerned`] names, and in each
//! [`table::ShadowTable::flush_page`] or [`flush_non_global`](table::ShadowTable::flush_non_global). The guest writes DACR: [`shadow::host_dacr`] to the real one if it
//! differs, and `acquire` again, which is the same slot except in the rare cases that [`shadow`] names (with
//! [`shadow::Domains::Baked`], always another). The guest writes PRRR, NMRR or MAIR: treat it as a TLB flush of
//! everything.
//!
//! ```
//! use nex_mm::Gva;
//! use nex_vmmu::fault::Cause;
//! use nex_vmmu::shadow::{Caching, Domains, Held, Outcome, Policy, resolve};
//! use nex_vmmu::{Abort, Access, Features, GuestMemory, Kind, Registers, translate};
//!
//! /// One section: 0 to 1 MiB at 0x4000_0000, writable by PL1, readable by PL0.
//! struct Table;
//! impl GuestMemory for Table {
//!     fn read32(&mut self, gpa: u64) -> Result<u32, Abort> {
//!         if gpa == 0x4000_4000 { Ok(0x4000_0802) } else { Err(Abort::Decode) }
//!     }
//!     fn read64(&mut self, _: u64) -> Result<u64, Abort> {
//!         Err(Abort::Decode)
//!     }
//! }
//!
//! let features = Features::CORTEX_A9;
//! let regs = Registers { sctlr: 1, ttbr0: 0x4000_4000, dacr: 1, ..Registers::reset(features) };
//! let policy = Policy { domains: Domains::Host { reserved: 15 }, caching: Caching::WriteBack };
//!
//! let write = Access::new(true, Kind::Write).sized(4);
//! let found = translate(&regs, &mut Table, Gva::new(0x1234), write).unwrap();
//! assert_eq!(found.gpa().unwrap().raw(), 0x4000_1234);
//! let outcome = resolve(&regs, &found, write, Held::default(), policy).unwrap();
//! assert!(matches!(outcome, Outcome::Map(entry) if entry.attrs.access.allows(true, true)));
//!
//! // The same by the guest's user mode is its own fault: DFSR is "permission fault, section, write".
//! let write = Access::new(false, Kind::Write).sized(4);
//! let fault = translate(&regs, &mut Table, Gva::new(0x1234), write).unwrap_err();
//! assert_eq!((fault.dfsr(Cause::Write, features), fault.va.raw()), (0x80d, 0x1234));
//! ```
//!
//! # Invariants
//!
//! - A walk reads at most 2 words (short) or 3 double words (long), whatever the tables hold: self-pointing tables and
//!   tables outside RAM end in a translation or in a defined fault. Nothing here panics, loops or allocates.
//! - *Progress*: an entry that [`shadow::resolve`] returns permits the access it was asked for. The retried instruction
//!   cannot fault again for the same reason.
//! - *No leak*: [`shadow::View::User`] never gives a right that PL0 has not, [`shadow::View::Kernel`] none that PL1 has
//!   not; a held-back right is in no view.
//! - Shadow entries are never global in the host's TLB: a guest's global page is still only that guest's.
//!
//! # Where the manual leaves a choice
//!
//! UNPREDICTABLE and UNKNOWN are resolved to the strictest reading: AP 0b100 permits nothing, reserved memory types are
//! Strongly-ordered, DACR 0b10 is "no access", bits of a table base below its alignment are ignored. DFSR.Domain holds
//! the domain whenever the walk has read it, else 0 ([`fault::Fault::domain_is_valid`] says when software may rely on
//! it). PAR.NS is 1. The access flag is never set by hardware (SCTLR.HA is RAZ on Cortex-A7, A9 and A15). FCSE does not
//! exist on these cores either.
//!
//! Where QEMU 7.2 does otherwise (a native run there shows it): it checks the domain before it reads the second level
//! and ignores the access flag in Manager domains; it gives no alignment faults for Device memory; it writes no
//! memory attributes into a short PAR, and the domain into IFSR.
//!
//! # Decided against
//!
//! - *Separating guest kernel and guest user by domains in one table.* The domain belongs to the first-level entry,
//!   so a kernel-only page that shares a MiB with a user page would be open to one or closed to both. Two tables, one
//!   for each [`shadow::View`], are exact for every page.
//! - *A software TLB of translations.* It has a cliff at its size. Shadow tables hold a whole address space.
//! - *Keying shadow tables by the guest's second-level tables.* It would share kernel mappings among processes, but
//!   maintenance by (address, ASID) of a space without a slot could then not find the stale entry.
//! - *A list of all mappings for each page.* Nearly every page that holds kernel code is mapped at one address, the same
//!   in all address spaces. So a page keeps that address ([`uses`]); one with several is searched for.
//!
//! Manual references are to ARM DDI 0406C (ARMv7-A/R Architecture Reference Manual).

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod access;
pub mod blocks;
pub mod devices;
pub mod fault;
mod long;
pub mod memory;
pub mod mibs;
pub mod par;
pub mod quick;
pub mod regs;

pub mod shadow;
mod short;
pub mod spaces;
pub mod table;
pub mod tlb;
pub mod uses;
pub mod walk;

pub use access::{Access, Kind, Rights};
pub use fault::{Fault, FaultKind};
pub use regs::{Features, Registers};
pub use walk::{Abort, GuestMemory, Translation, translate};
