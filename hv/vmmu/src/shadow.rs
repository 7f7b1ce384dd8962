//! What to put into a shadow table, and what to do about a fault on one.
//!
//! Guest kernel and guest user both run in User mode, so one table cannot tell them apart. Each guest address space has
//! two shadow tables, one for each [`View`], and every entry in them is open to User mode: the kernel's view gives what
//! PL1 may do, the user's view what PL0 may do. What a view may not do is simply absent from its table.
//!
//! ```text
//! guest page        kernel view     user view
//! PL1 rw, PL0 --    UserRw          (absent)
//! PL1 rw, PL0 r-    UserRw          UserRo
//! PL1 rw, PL0 rw    UserRw          UserRw
//! PL1 r-, PL0 --    UserRo          (absent)
//! ```
//!
//! A table walk yields the rights of both privileges, so one walk can fill both views.
//!
//! # Domains
//!
//! A guest's DACR can be baked into the entries ([`Domains::Baked`]): then a change of DACR changes the [`SpaceId`],
//! and the shadow tables with it. Linux writes DACR at every kernel entry, exit and user access, so the better way is
//! [`Domains::Host`]: entries keep the guest's domain number, and the guest's DACR write becomes a write of the real
//! one ([`host_dacr`]). This is exact, since the guest's own format has the domain in the first-level entry as well:
//! one domain for each MiB. Only two cases do not fit and are baked: Manager, which must not switch off the checks of
//! the real MMU (an entry may hold rights back), and the one domain that Nex's own window is in.
//!
//! When a new entry's domain differs from that of the first-level entry above it, drop that MiB of the shadow table
//! first: the guest has changed its first-level entry, and the rest there is stale.
//!
//! # Unprivileged loads and stores
//!
//! LDRT and STRT of the guest kernel would run with the kernel's view, that is, with too many rights. They must be
//! emulated, or run on the user's view, with `privileged: false`.
//!
//! [`SpaceId`]: crate::spaces::SpaceId

use crate::access::{Access, Kind, Rights};
use crate::fault::Fault;
use crate::regs::{DomainAccess, Registers};
use crate::walk::Translation;
use nex_mm::desc::{self, Attrs, MemoryType};

/// For whom a shadow table is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// The guest at PL1.
    Kernel,
    /// The guest at PL0.
    User,
}

impl View {
    /// The view in which a guest of this privilege runs.
    pub const fn of(privileged: bool) -> Self {
        if privileged { Self::Kernel } else { Self::User }
    }
}

/// How the guest's DACR takes effect; see the [module](self).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Domains {
    /// In the entries, which all go into one domain of the host.
    Baked {
        /// That domain, 0..=15, a client in the real DACR.
        host: u8,
    },
    /// In the real DACR.
    Host {
        /// The domain of Nex's own mappings, 0..=15, always a client in the real DACR. The guest may use it too.
        reserved: u8,
    },
}

/// Memory type of shadow entries for RAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caching {
    /// As the guest says: needed where a device that is not coherent with the caches uses the guest's RAM. Nex's own
    /// alias of the same RAM is cached, so its accesses need maintenance (mismatched attributes, A3.5.7). With the
    /// guest's MMU off, data and fetches have different types; the entry has that of the access that came first.
    Guest,
    /// Always like Nex's own alias: Normal, write-back, shareable. Coherent without any maintenance, quick while the
    /// guest runs with its MMU off, and not visible to it but for missing alignment faults.
    WriteBack,
}

/// Decisions that hold for a whole guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// How DACR takes effect.
    pub domains: Domains,
    /// Memory type of RAM.
    pub caching: Caching,
}

/// Rights that Nex keeps back on a page, in all views, whatever the guest says.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Held {
    /// Writes must reach Nex: the page has rewritten code, or is ROM or shared.
    pub write: bool,
    /// Fetches must reach Nex: the page has not been scanned for sensitive instructions.
    pub execute: bool,
}

/// A shadow entry, apart from the host address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Access, execution, memory type. Never global.
    pub attrs: Attrs,
    /// Domain for the first-level entry.
    pub domain: u8,
}

/// What to do about a fault that the guest has on its shadow table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Write this entry and let the guest repeat the instruction. It permits the access asked about.
    Map(Entry),
    /// The guest may do it, and Nex holds the right back: emulate, or do what the hold is for, clear it, and ask again.
    Held,
}

/// The shadow entry of one view, or `None` if the view may do nothing there.
pub const fn shadow_view(view: View, found: &Translation, held: Held, policy: Policy) -> Option<Entry> {
    let (rights, domain) = match policy.domains {
        Domains::Baked { host } => (found.rights(), host),
        Domains::Host { reserved } if reserved == found.domain => (found.rights(), reserved),
        // No access is left to the real DACR, so that giving access needs no new entries.
        Domains::Host { .. } => match found.domain_access {
            DomainAccess::Manager => (Rights::ALL, found.domain),
            DomainAccess::Client | DomainAccess::None => (found.client, found.domain),
        },
    };
    let privileged = matches!(view, View::Kernel);
    if !rights.allows(privileged, Kind::Read) {
        return None;
    }
    let write = rights.allows(privileged, Kind::Write) && !held.write;
    let (memory, shareable) = match policy.caching {
        Caching::Guest => found.memory.to_short(),
        Caching::WriteBack => (MemoryType::NormalWriteBack, true),
    };
    let attrs = Attrs {
        access: if write { desc::Access::UserRw } else { desc::Access::UserRo },
        exec: rights.allows(privileged, Kind::Execute) && !held.execute,
        memory,
        shareable,
        global: false,
    };
    Some(Entry { attrs, domain })
}

/// Decides about an access that faulted on the shadow table of `access.privileged`'s view, after
/// [`translate`](crate::translate) found `found` and the p2m found RAM.
///
/// `access` must be the real one. An entry made for a read does not help a write that faulted, and the guest would
/// fault for ever (LDREX, STREX on a copy-on-write page did so in another hypervisor): here, whatever is mapped
/// permits `access`, or it is not mapped.
///
/// # Errors
/// The guest's own fault, if it may not do this.
pub fn resolve(
    regs: &Registers,
    found: &Translation,
    access: Access,
    held: Held,
    policy: Policy,
) -> Result<Outcome, Fault> {
    found.check(regs, access)?;
    if held.write && access.kind == Kind::Write || held.execute && access.kind == Kind::Execute {
        return Ok(Outcome::Held);
    }
    // Every right includes reading, so an access that passed the check has an entry.
    Ok(shadow_view(View::of(access.privileged), found, held, policy).map_or(Outcome::Held, Outcome::Map))
}

const LOW_BITS: u32 = 0x5555_5555;

/// The real DACR for a guest with these registers, under [`Domains::Host`]: client where the guest has client or
/// manager, no access elsewhere, and client for Nex's own domain. Everything is a client while the guest has no
/// domains (MMU off, long descriptors). Write it only when it changes.
pub const fn host_dacr(regs: &Registers, reserved: u8) -> u32 {
    if !regs.mmu_on() || regs.long() {
        LOW_BITS
    } else {
        regs.dacr & LOW_BITS | 1 << (2 * (reserved as u32 & 0xf))
    }
}

/// The part of DACR that entries depend on. Two states of the guest that differ here need different tables.
pub(crate) const fn baked_domains(regs: &Registers, domains: Domains) -> u32 {
    if !regs.mmu_on() || regs.long() {
        return 0;
    }
    // 0b10 is no access as 0b00 is.
    let client = regs.dacr & LOW_BITS;
    let manager = client & regs.dacr >> 1;
    match domains {
        Domains::Baked { .. } => client | manager << 1,
        Domains::Host { reserved } => manager << 1 | client & 1 << (2 * (reserved as u32 & 0xf)),
    }
}
