//! Shadow entries, and the traps that an earlier hypervisor of this kind fell into. A small machine plays the
//! hardware: it looks only at shadow entries and at the real DACR, and faults into the crate as Nex would.

mod common;
use common::*;
use nex_mm::desc::{self, MemoryType};
use nex_mm::{Gpa, Gva};
use nex_vmmu::shadow::{
    Caching, Domains, Entry, Held, Outcome, Policy, View, host_dacr, resolve, shadow_view,
};
use nex_vmmu::spaces::SpaceId;
use nex_vmmu::walk::lookup;
use nex_vmmu::{Access, Fault, FaultKind, Kind, Registers, translate};
use proptest::prelude::*;
use std::collections::BTreeMap;

const BAKED: Policy = Policy { domains: Domains::Baked { host: 0 }, caching: Caching::Guest };
const HOST: Policy = Policy { domains: Domains::Host { reserved: 15 }, caching: Caching::Guest };
const FREE: Held = Held { write: false, execute: false };

/// What the real MMU makes of an entry for User mode, with its DACR.
fn hardware_permits(entry: Entry, dacr: u32, kind: Kind) -> bool {
    assert!(
        matches!(entry.attrs.access, desc::Access::UserRw | desc::Access::UserRo),
        "no entry is for PL1 only"
    );
    assert!(!entry.attrs.global, "another guest would hit it");
    match dacr >> (2 * u32::from(entry.domain)) & 3 {
        0b00 => return false,
        0b01 => {}
        field => panic!("the real DACR has {field:#b}"),
    }
    match kind {
        Kind::Read => entry.attrs.access.allows(true, false),
        Kind::Write => entry.attrs.access.allows(true, true),
        Kind::Execute => entry.attrs.exec,
    }
}

/// A guest with shadow tables by page, kept for every space it was in.
struct Machine {
    regs: Registers,
    ram: Ram,
    policy: Policy,
    held: BTreeMap<Gpa, Held>,
    tables: Vec<(SpaceId, BTreeMap<u32, Entry>)>,
    faults: u32,
}

impl Machine {
    fn new(regs: Registers, ram: Ram, policy: Policy) -> Self {
        Self { regs, ram, policy, held: BTreeMap::new(), tables: Vec::new(), faults: 0 }
    }

    fn real_dacr(&self) -> u32 {
        match self.policy.domains {
            Domains::Baked { host } => 1 << (2 * u32::from(host)),
            Domains::Host { reserved } => host_dacr(&self.regs, reserved),
        }
    }

    /// Runs an instruction until it succeeds, is held, or gives the guest a fault.
    fn access(&mut self, va: u32, access: Access) -> Result<Outcome, Fault> {
        let id = SpaceId::new(&self.regs, View::of(access.privileged), self.policy);
        let space = self.tables.iter().position(|(other, _)| *other == id).unwrap_or_else(|| {
            self.tables.push((id, BTreeMap::new()));
            self.tables.len() - 1
        });
        for _ in 0..2 {
            let entry = self.tables[space].1.get(&(va >> 12)).copied();
            if let Some(entry) = entry.filter(|entry| hardware_permits(*entry, self.real_dacr(), access.kind))
            {
                return Ok(Outcome::Map(entry));
            }
            self.faults += 1;
            let found = translate(&self.regs, &mut self.ram, Gva::new(va), access)?;
            let page = found.gpa().expect("RAM").align_down(4096);
            let held = self.held.get(&page).copied().unwrap_or(FREE);
            match resolve(&self.regs, &found, access, held, self.policy)? {
                Outcome::Map(entry) => self.tables[space].1.insert(va >> 12, entry),
                Outcome::Held => return Ok(Outcome::Held),
            };
        }
        panic!("{access:?} at {va:#x} faults again and again");
    }
}

fn accesses() -> impl Iterator<Item = Access> {
    [false, true].into_iter().flat_map(|privileged| Kind::ALL.map(|kind| Access::new(privileged, kind)))
}

/// One MiB in domain 1 with a page for PL1 only, one for both, one that PL0 may read, and one for nobody.
fn mixed_megabyte() -> Ram {
    Ram::new(&[
        (0x4000_4000, 0x4001_0021),
        (0x4001_0000, 0x4100_0012),
        (0x4001_0004, 0x4100_1032),
        (0x4001_0008, 0x4100_2022),
        (0x4001_000c, 0x4100_3002),
    ])
}

/// *Hole*: after user and kernel have both touched everything in a MiB, in any order, user code still gets a permission
/// fault for the kernel's page.
#[test]
fn no_hole_in_a_shared_megabyte() {
    for policy in [BAKED, HOST] {
        for order in 0..24u32 {
            let mut machine = Machine::new(short(A15), mixed_megabyte(), policy);
            let mut pages = vec![0u32, 1, 2, 3];
            let mut order = order;
            while !pages.is_empty() {
                let page = pages.remove(order as usize % pages.len());
                order /= 4 - pages.len() as u32;
                for access in accesses().chain(accesses()) {
                    let expected = match (page, access.privileged, access.kind) {
                        (3, ..) | (0, false, _) | (2, false, Kind::Write) => Err(FaultKind::Permission),
                        _ => Ok(()),
                    };
                    let result = machine.access(page << 12, access);
                    assert_eq!(result.map(|_| ()).map_err(|fault| fault.kind), expected, "{page} {access:?}");
                }
            }
        }
    }
}

/// *Livelock*: LDREX faults in a page read-only, STREX must then get the guest's fault, and after the guest has made
/// the page writable, succeed; whatever was mapped before.
#[test]
fn no_livelock_on_copy_on_write() {
    let mut ram = mixed_megabyte();
    ram.write(0x4001_0000, 0x4100_0232);
    let mut machine = Machine::new(short(A15), ram, BAKED);
    let (read, write) = (Access::new(false, Kind::Read), Access::new(false, Kind::Write));
    assert!(matches!(machine.access(0, read), Ok(Outcome::Map(_))));
    let fault = machine.access(0, write).unwrap_err();
    assert_eq!((fault.kind, fault.level), (FaultKind::Permission, 2));
    // The guest copies the page, writes its table, and drops the TLB entry; even if Nex kept the old shadow entry, the
    // store goes through with one more fault.
    machine.ram.write(0x4001_0000, 0x4100_8032);
    machine.faults = 0;
    let Ok(Outcome::Map(entry)) = machine.access(0, write) else { panic!("the store did not get through") };
    assert_eq!((machine.faults, entry.attrs.access), (1, desc::Access::UserRw));
}

/// A page that Nex write-protects gives neither a fault to the guest nor a loop; reads and fetches go on.
#[test]
fn held_rights() {
    let code = Gpa::new(0x4100_1000);
    let mut machine = Machine::new(short(A15), mixed_megabyte(), HOST);
    machine.held.insert(code, Held { write: true, execute: true });
    let access = |kind| Access::new(true, kind);
    assert!(matches!(machine.access(0x1000, access(Kind::Read)), Ok(Outcome::Map(_))));
    assert_eq!(machine.access(0x1000, access(Kind::Execute)), Ok(Outcome::Held));
    assert_eq!(machine.access(0x1000, access(Kind::Write)), Ok(Outcome::Held));
    // Scanned: it may run, and is still read-only, for user mode too.
    machine.held.insert(code, Held { write: true, execute: false });
    let Ok(Outcome::Map(entry)) = machine.access(0x1000, access(Kind::Execute)) else { panic!("not mapped") };
    assert_eq!((entry.attrs.access, entry.attrs.exec), (desc::Access::UserRo, true));
    assert_eq!(machine.access(0x1000, Access::new(false, Kind::Write)), Ok(Outcome::Held));
    // What the guest may not do is its own fault, held or not.
    machine.held.insert(Gpa::new(0x4100_2000), Held { write: true, execute: true });
    let fault = machine.access(0x2000, Access::new(false, Kind::Write)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Permission);
}

/// *Flush storms*: Linux's software PAN takes domain 1 away and gives it back at every kernel entry. With the real DACR
/// that costs no table, no entry and no fault.
#[test]
fn dacr_toggles_are_free() {
    let mut machine = Machine::new(short(A15), mixed_megabyte(), HOST);
    let kernel_read = Access::new(true, Kind::Read);
    let open = machine.regs;
    let closed = Registers { dacr: open.dacr & !(3 << 2), ..open };
    machine.access(0x1000, kernel_read).unwrap();
    machine.faults = 0;
    for _ in 0..100 {
        machine.regs = closed;
        assert_eq!(host_dacr(&closed, 15) >> 2 & 3, 0);
        machine.regs = open;
        machine.access(0x1000, kernel_read).unwrap();
    }
    assert_eq!((machine.faults, machine.tables.len()), (0, 1));
    // While it is away, the access is a domain fault of the guest's.
    machine.regs = closed;
    assert_eq!(machine.access(0x1000, kernel_read).unwrap_err().kind, FaultKind::Domain);
}

/// Nex's own domain is a client whatever the guest writes, and a guest that uses it gets its own rules all the same.
#[test]
fn the_reserved_domain() {
    let mut ram = mixed_megabyte();
    ram.write(0x4000_4000, 0x4001_0001 | 15 << 5);
    let mut machine = Machine::new(short(A15), ram, HOST);
    let write = Access::new(false, Kind::Write);
    for (field, result) in [
        (1, Ok(())),
        (0, Err(FaultKind::Domain)),
        (2, Err(FaultKind::Domain)),
        (3, Ok(())),
        (0, Err(FaultKind::Domain)),
    ] {
        machine.regs.dacr = field << 30;
        assert_eq!(machine.real_dacr() >> 30, 1);
        // The real DACR does not close it, so the entry must be absent, whichever access the walk was made for.
        let found = lookup(&machine.regs, &mut machine.ram, Gva::new(0x1000), false).unwrap();
        assert_eq!(shadow_view(View::User, &found, FREE, HOST).is_some(), result.is_ok());
        assert_eq!(machine.access(0x1000, write).map(|_| ()).map_err(|fault| fault.kind), result, "{field}");
    }
}

/// An address space is found again after a switch, and changes where the contents would.
#[test]
fn what_makes_another_space() {
    let regs = linux(A15);
    let id = |regs: &Registers| SpaceId::new(regs, View::Kernel, HOST);
    let same = |other: Registers| assert_eq!(id(&other), id(&regs));
    let differs = |other: Registers| assert_ne!(id(&other), id(&regs));
    // Cacheability of walks, PROCID, the unused TTBR1, a domain taken away, caches, alignment, vectors.
    same(Registers { ttbr0: regs.ttbr0 ^ 0x6a, ..regs });
    same(Registers { contextidr: regs.contextidr ^ 0xffff_ff00, ..regs });
    same(Registers { ttbr1: 0, ttbcr: 1 << 5, ..regs });
    same(Registers { dacr: 0x1555_5551, ..regs }.with_reserved_kept(&regs));
    same(Registers { sctlr: regs.sctlr ^ (1 << 1 | 1 << 2 | 1 << 12 | 1 << 13), ..regs });
    differs(Registers { ttbr0: regs.ttbr0 + 0x4000, ..regs });
    differs(Registers { contextidr: regs.contextidr ^ 1, ..regs });
    differs(Registers { ttbcr: 2, ..regs });
    differs(Registers { ttbcr: 1 << 4, ..regs });
    differs(Registers { sctlr: regs.sctlr ^ M, ..regs });
    differs(Registers { sctlr: regs.sctlr ^ TRE, ..regs });
    differs(Registers { sctlr: regs.sctlr ^ AFE, ..regs });
    differs(Registers { sctlr: regs.sctlr ^ EE, ..regs });
    differs(Registers { sctlr: regs.sctlr ^ WXN, ..regs });
    differs(Registers { dacr: regs.dacr | 0xc, ..regs });
    differs(Registers { ttbcr: EAE, ..regs });
    assert_ne!(SpaceId::new(&regs, View::User, HOST), id(&regs));
    // Baked, every change of a domain's meaning counts; the two ways to say "no access" are the same.
    let baked = |dacr| SpaceId::new(&Registers { dacr, ..regs }, View::Kernel, BAKED);
    assert_ne!(baked(0x5555_5555), baked(0x5555_5551));
    assert_eq!(baked(0x5555_5555 & !0xc), baked(0x5555_5555 & !0xc | 8));
    // Off is off.
    let off = Registers { sctlr: 0, ..regs };
    assert_eq!(id(&off), id(&Registers { ttbr0: 0, contextidr: 0, dacr: 0, sctlr: TRE, ..off }));
    // Long: the ASID counts once, wherever it is.
    let long = lpae();
    let other = Registers { ttbr1: long.ttbr1 ^ 0xff << 48, dacr: 0, contextidr: 1, ..long };
    assert_eq!(id(&long), id(&other));
    assert_ne!(id(&long), id(&Registers { ttbr0: long.ttbr0 ^ 1 << 48, ..long }));
    assert_ne!(id(&long), id(&Registers { ttbr1: long.ttbr1 + 0x1000, ..long }));
    let a1 = Registers { ttbcr: EAE | 1 << 22, ..long };
    assert_eq!(id(&a1), id(&Registers { ttbr0: long.ttbr0 ^ 1 << 48, ..a1 }));
    assert_ne!(id(&a1), id(&Registers { ttbr1: long.ttbr1 ^ 1 << 48, ..a1 }));
}

trait Reserved {
    fn with_reserved_kept(self, from: &Registers) -> Registers;
}

impl Reserved for Registers {
    fn with_reserved_kept(self, from: &Registers) -> Registers {
        Registers { dacr: self.dacr & !(3 << 30) | from.dacr & 3 << 30, ..self }
    }
}

#[test]
fn memory_types() {
    let caching = Policy { caching: Caching::WriteBack, ..BAKED };
    for (tex_cb, s, expected) in [
        (0b00000u32, 0, (MemoryType::StronglyOrdered, true)),
        (0b00001, 0, (MemoryType::Device, true)),
        (0b01000, 1, (MemoryType::DeviceNonShareable, false)),
        (0b00100, 0, (MemoryType::NormalNonCacheable, false)),
        (0b00010, 1, (MemoryType::NormalWriteThrough, true)),
        (0b00011, 0, (MemoryType::NormalWriteBackNoAllocate, false)),
        (0b00111, 1, (MemoryType::NormalWriteBack, true)),
        (0b10110, 0, (MemoryType::Other(0b10110), false)),
        (0b11111, 0, (MemoryType::NormalWriteBackNoAllocate, false)),
    ] {
        let section = 0x4440_0402 | (tex_cb >> 2) << 12 | (tex_cb & 3) << 2 | s << 16;
        let mut ram = Ram::new(&[(0x4000_4000, section)]);
        let found = lookup(&short(A9), &mut ram, Gva::new(0), false).unwrap();
        let entry = shadow_view(View::Kernel, &found, FREE, BAKED).unwrap();
        assert_eq!((entry.attrs.memory, entry.attrs.shareable), expected, "{tex_cb:05b}");
        let entry = shadow_view(View::Kernel, &found, FREE, caching).unwrap();
        assert_eq!((entry.attrs.memory, entry.attrs.shareable), (MemoryType::NormalWriteBack, true));
        assert_eq!(shadow_view(View::User, &found, FREE, caching), None, "PL0 may do nothing");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the page, DACR and holds are, and however they change: the machine permits exactly what the guest may
    /// and Nex does not hold back, and settles after at most one fault for an access that is permitted.
    #[test]
    fn shadow_is_the_guests_rights(
        features in prop_oneof![Just(A9), Just(A15)],
        sctlr in any::<u32>(),
        page in any::<u32>(),
        domain in 0u32..16,
        long in any::<Option<u64>>(),
        steps in proptest::collection::vec((any::<u32>(), any::<[bool; 2]>()), 1..4),
        policy in prop_oneof![Just(BAKED), Just(HOST), Just(Policy { domains: Domains::Host { reserved: 1 }, ..HOST })],
    ) {
        let sctlr = (sctlr & (AFE | TRE | WXN | UWXN)) | M;
        let (regs, ram) = if let Some(entry) = long.filter(|_| features.lpae) {
            let block = entry & 0x0070_0000_0000_0ffc | 0x4440_0401;
            (Registers { sctlr, ..lpae() }, Ram::long(&[(0x4000_4000, 0x4001_0003), (0x4001_0000, block)]))
        } else {
            let page = page & 0xfff | 0x4444_4002;
            let table = 0x4001_0001 | domain << 5 | page >> 9 & 4;
            (Registers { sctlr, ..short(features) }, Ram::new(&[(0x4000_4000, table), (0x4001_0000, page)]))
        };
        let mut machine = Machine::new(regs, ram, policy);
        for (dacr, [write, execute]) in steps {
            machine.regs.dacr = dacr;
            let held = Held { write, execute };
            // A new hold drops the entries of the page, as the reverse map lets Nex do.
            machine.tables.clear();
            let page = lookup(&machine.regs, &mut machine.ram, Gva::new(0), false).map(|found| found.output);
            machine.held = page.map(|gpa| (Gpa::new(gpa as u32), held)).into_iter().collect();
            for access in accesses().chain(accesses()) {
                // Without the policy and the tables: the guest's rights.
                let expected = translate(&machine.regs, &mut machine.ram, Gva::new(0), access);
                let is_held = write && access.kind == Kind::Write || execute && access.kind == Kind::Execute;
                match (machine.access(0, access), expected) {
                    (Ok(Outcome::Map(_)), Ok(_)) => prop_assert!(!is_held),
                    (Ok(Outcome::Held), Ok(_)) => prop_assert!(is_held),
                    (Err(fault), Err(expected)) => prop_assert_eq!(fault, expected),
                    (result, expected) => prop_assert!(false, "{:?} {:?} {:?}", access, result, expected),
                }
            }
        }
    }
}
