//! Domains: the table of them, and the thread that starts, restarts and buries them.
//!
//! A domain's vCPU is a hypervisor thread that owns the vCPU's registers and ends with the reason the domain stopped.
//! Only the manager thread makes and drops domains, so a domain's memory is never freed by the thread that runs on it.

mod access;
pub mod build;
pub mod code;
mod float;
mod globals;
pub mod hypercall;
pub mod machine;
pub mod memory;
mod platform;
mod quick;
pub mod shadow;
mod system;
mod traps;
pub mod vcpu;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use arrayvec::{ArrayString, ArrayVec};
use nex_boot::manifest::{self, DomainConfig, Limits, Manifest, OnIdle};
use nex_boot::volume::BootVolume;
use nex_mm::frames::DomainId;
use nex_sched::Params;

use crate::arch::Trap;
use crate::board::Exit;
use crate::log::Shown;
use crate::sync::{IrqLock, Stopped};
use crate::{console, thread};
use machine::Machine;
use platform::Variables;
use vcpu::Stop;

/// Domains at a time.
pub const MAX_DOMAINS: usize = crate::config::MAX_DOMAINS as usize;

// Each can be typed to, and is an owner of memory.
const _: () =
    assert!(MAX_DOMAINS <= nex_console::Input::DOMAINS as usize && MAX_DOMAINS <= DomainId::MAX as usize);

/// Longest name, in bytes.
pub const NAME_BYTES: usize = 16;

/// A running domain.
pub struct Domain {
    id: DomainId,
    name: ArrayString<NAME_BYTES>,
    privileged: bool,
    memory_bytes: u32,
    /// Traps, by vector number: low and high half. The vCPU's thread counts.
    traps: [[AtomicU32; 2]; 8],
    machine: MachineCell,
    /// Something has come from outside that its devices have to look at.
    event: AtomicBool,
    control: AtomicU32,
    /// Its vCPU's thread, once that exists.
    thread: spin::Once<thread::ThreadId>,
    resumed: thread::WaitQueue,
}

/// A machine: used by its vCPU's thread, and by the debugger while that does not run.
struct MachineCell(UnsafeCell<Box<Machine>>);
// SAFETY: `vcpu::run` has the one reference while the thread runs; `Domain::peek` asks for the proof that it does not.
unsafe impl Sync for MachineCell {}
// SAFETY: nothing in it depends on the thread it is used by.
unsafe impl Send for MachineCell {}

/// What a person wants of a domain; see [`Domain::set_control`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Control {
    /// Go on.
    Run = 0,
    /// Stay out of the guest.
    Pause = 1,
    /// Stop for good.
    Kill = 2,
}

impl Domain {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it may control others.
    pub fn is_privileged(&self) -> bool {
        self.privileged
    }

    /// Traps so far, by vector number.
    pub fn trap_counts(&self) -> [u64; 8] {
        core::array::from_fn(|n| {
            let [low, high] = self.traps[n].each_ref().map(|half| u64::from(half.load(Ordering::Relaxed)));
            high << 32 | low
        })
    }

    /// What is wanted of it.
    pub fn control(&self) -> Control {
        match self.control.load(Ordering::Relaxed) {
            0 => Control::Run,
            1 => Control::Pause,
            _ => Control::Kill,
        }
    }

    /// Says what is wanted of it. It is done when the guest traps next: see [`service_requests`].
    pub fn set_control(&self, control: Control) {
        self.control.store(control as u32, Ordering::Relaxed);
        REQUESTS.store(true, Ordering::Relaxed);
    }

    /// Its machine, as its last trap left it.
    pub fn peek<'a>(&'a self, _stopped: &'a Stopped) -> &'a Machine {
        // SAFETY: the proof says that its thread does not run, so nobody changes it.
        unsafe { &*self.machine.0.get() }
    }

    /// Its machine, to be changed by the debugger.
    pub fn poke<'a>(&'a self, _stopped: &'a mut Stopped) -> &'a mut Machine {
        // SAFETY: as above, and the exclusive borrow of the proof keeps other looks away.
        unsafe { &mut *self.machine.0.get() }
    }

    /// RAM in bytes.
    pub fn memory_bytes(&self) -> u32 {
        self.memory_bytes
    }

    /// Whether something has come from outside since this was last asked.
    fn take_event(&self) -> bool {
        self.event.load(Ordering::Relaxed) && self.event.swap(false, Ordering::Relaxed)
    }

    /// Its number: index in the table and on the console.
    pub fn number(&self) -> u8 {
        self.id.get()
    }

    fn count(&self, trap: Trap) {
        let [low, high] = &self.traps[trap as usize];
        let count = low.load(Ordering::Relaxed).wrapping_add(1);
        low.store(count, Ordering::Relaxed);
        if count == 0 {
            high.store(high.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }
}

/// The domains that exist, by number.
static DOMAINS: IrqLock<[Option<Arc<Domain>>; MAX_DOMAINS]> = IrqLock::new([const { None }; MAX_DOMAINS]);

/// Somebody has called [`Domain::set_control`].
static REQUESTS: AtomicBool = AtomicBool::new(false);

/// Calls `f` with every domain.
pub(crate) fn peek_all(stopped: &Stopped, f: &mut dyn FnMut(&Domain)) {
    DOMAINS.peek(stopped).iter().flatten().for_each(|domain| f(domain));
}

/// Wakes the threads of domains that shall go on or stop. In an interrupt handler or a thread.
pub(crate) fn service_requests() {
    if !REQUESTS.swap(false, Ordering::Relaxed) {
        return;
    }
    for domain in DOMAINS.lock().iter().flatten() {
        match domain.control() {
            Control::Run => domain.resumed.wake_all(),
            Control::Pause => {}
            Control::Kill => {
                if let Some(&id) = domain.thread.get() {
                    thread::interrupt(id);
                }
            }
        }
    }
}

/// The domains whose bits are set were typed to. In an interrupt handler.
pub(crate) fn input_arrived(domains: u32) {
    for domain in DOMAINS.lock().iter().flatten().filter(|d| domains >> d.number() & 1 == 1) {
        domain.event.store(true, Ordering::Relaxed);
        domain.resumed.wake_all();
    }
}

/// Which domains have stopped, and why; posted by vCPU threads as they end.
static STOPPED: IrqLock<ArrayVec<(u8, Stop), MAX_DOMAINS>> = IrqLock::new(ArrayVec::new_const());
static STOPS: thread::Semaphore = thread::Semaphore::new(0);

/// The name of a domain.
pub fn name_of(number: u8) -> Option<ArrayString<NAME_BYTES>> {
    // The console asks while it is locked, from interrupt handlers too: never wait here.
    let domains = DOMAINS.try_lock()?;
    domains.get(usize::from(number))?.as_ref().map(|d| d.name)
}

/// What the domain list shows of one.
pub struct Info {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: ArrayString<NAME_BYTES>,
    /// Whether it may control others.
    pub privileged: bool,
    /// RAM in bytes.
    pub memory_bytes: u32,
    /// Traps by vector number.
    pub traps: [u64; 8],
}

/// All domains, by number.
pub fn list() -> Vec<Info> {
    let domains: Vec<Arc<Domain>> = DOMAINS.lock().iter().flatten().cloned().collect();
    domains
        .iter()
        .map(|d| Info {
            number: d.number(),
            name: d.name,
            privileged: d.privileged,
            memory_bytes: d.memory_bytes,
            traps: d.trap_counts(),
        })
        .collect()
}

/// The manager thread: starts what the boot volume says, then waits for domains to stop.
///
/// `archive` is the boot volume; `None` if the loader brought none.
pub(crate) fn manage(archive: Option<&'static [u8]>) {
    let Some(archive) = archive else {
        crate::error!("no boot volume: load a cpio archive as initrd (linux,initrd-start or ATAG_INITRD2)");
        return stay("there is nothing to run");
    };
    let volume = match BootVolume::parse(archive) {
        Ok(volume) => volume,
        Err(e) => {
            crate::error!("boot volume: {}", Shown(&e));
            return stay("there is nothing to run");
        }
    };
    let limits = Limits {
        ram_bytes: crate::memory::free_bytes().saturating_sub(RESERVE_BYTES),
        max_domains: MAX_DOMAINS,
    };
    let manifest = match manifest::read_manifest(&volume, &limits) {
        Ok(manifest) => manifest,
        Err(e) => {
            crate::error!("{}", Shown(&e));
            return stay("there is nothing to run");
        }
    };
    Manager { manifest, refused: 0, running: 0 }.run()
}

/// Memory kept for Nex when the volume's domains are added up: page tables and stacks for all of them.
const RESERVE_BYTES: u64 = 2 << 20;

fn stay(why: &str) {
    crate::info!("{}; Nex stays (h for help)", why);
}

struct Manager<'a> {
    manifest: Manifest<'a>,
    /// Configured domains that could not be started.
    refused: usize,
    running: usize,
}

impl Manager<'_> {
    fn run(&mut self) {
        for entry in &self.manifest.domains {
            if let Err(e) = entry {
                crate::error!("{}", Shown(&e));
                self.refused += 1;
            }
        }
        if self.refused > 0 && self.manifest.strict {
            crate::error!("strict = true and {} domain(s) refused: starting none", self.refused);
            return stay("there is nothing to run");
        }
        for index in 0..self.manifest.domains.len() {
            self.start(index, None);
        }
        while self.running > 0 {
            STOPS.wait();
            let Some((number, stop)) = STOPPED.lock().pop_at(0) else { continue };
            self.bury(number, stop);
        }
        self.idle();
    }

    fn start(&mut self, index: usize, variables: Option<Variables>) {
        let Ok(config) = &self.manifest.domains[index] else { return };
        match start(index as u8, config, variables) {
            Ok(()) => self.running += 1,
            Err(e) => {
                crate::error!("domain \"{}\": {}", config.name.as_str(), Shown(&e));
                self.refused += 1;
            }
        }
    }

    /// Cleans up behind a domain, and starts it again if that is what it asked for.
    fn bury(&mut self, number: u8, stop: Stop) {
        let Some(domain) = DOMAINS.lock()[usize::from(number)].take() else { return };
        console::close(number);
        let name = domain.name;
        // Its thread posted this as its last act; it lets go of the domain right after.
        let (mut domain, mut variables) = (Some(domain), None);
        while let Some(mine) = domain.take() {
            match Arc::try_unwrap(mine) {
                Ok(last) => variables = last.machine.0.into_inner().parts.platform.take_variables(),
                Err(shared) => {
                    domain = Some(shared);
                    thread::sleep_ns(100_000);
                }
            }
        }
        self.running -= 1;
        match stop {
            Stop::PowerOff => crate::info!("domain {} has powered off", name.as_str()),
            Stop::Killed => crate::info!("domain {} was killed", name.as_str()),
            Stop::Fault(report) => crate::error!("domain {} stopped: {}", name.as_str(), report.as_str()),
            Stop::Reset => {
                crate::info!("domain {} restarts", name.as_str());
                // A flash keeps what is in it.
                self.start(usize::from(number), variables);
            }
        }
    }

    fn idle(&self) {
        let after = match self.refused {
            0 => "all domains have ended",
            _ => "the domains that could be started have ended",
        };
        match self.manifest.on_idle {
            // With something refused a person should look.
            OnIdle::Poweroff if self.refused == 0 => {
                crate::info!("{}; powering off", after);
                crate::exit(Exit::PowerOff)
            }
            OnIdle::Halt => {
                crate::info!("{}; halted", after);
                console::flush();
                crate::arch::irq::halt()
            }
            OnIdle::Poweroff | OnIdle::Debugger => stay(after),
        }
    }
}

/// Why a domain did not start.
enum StartError {
    Build(build::BuildError),
    Thread(thread::SpawnError),
    TooMany,
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Build(e) => e.fmt(f),
            Self::Thread(e) => e.fmt(f),
            Self::TooMany => write!(f, "{MAX_DOMAINS} domains are the most"),
        }
    }
}

fn start(number: u8, config: &DomainConfig<'_>, variables: Option<Variables>) -> Result<(), StartError> {
    let id =
        DomainId::new(number).filter(|_| usize::from(number) < MAX_DOMAINS).ok_or(StartError::TooMany)?;
    let mut machine = build::build(id, config).map_err(StartError::Build)?;
    machine.parts.platform.keep_variables(variables);
    let name = ArrayString::from(&config.name).unwrap_or_default();
    let sched = &config.sched;
    let params = Params {
        period_ns: sched.period_ns,
        slice_ns: sched.slice_ns,
        extratime: sched.extratime,
        weight: sched.weight,
    };
    let memory_bytes = machine.parts.memory.bytes();
    let domain = Arc::new(Domain {
        id,
        name,
        privileged: config.privileged,
        memory_bytes,
        traps: [const { [const { AtomicU32::new(0) }; 2] }; 8],
        machine: MachineCell(UnsafeCell::new(machine)),
        event: AtomicBool::new(false),
        control: AtomicU32::new(Control::Run as u32),
        thread: spin::Once::new(),
        resumed: thread::WaitQueue::new(),
    });
    let mine = domain.clone();
    console::open(number, &name);
    DOMAINS.lock()[usize::from(number)] = Some(domain.clone());
    crate::info!("domain {} \"{}\": {} MiB", number, name.as_str(), memory_bytes >> 20);
    let spawned = thread::spawn(&name, params, move || {
        // SAFETY: the one thread of this vCPU; the debugger looks only while it does not run.
        let stop = vcpu::run(&mine, unsafe { &mut *mine.machine.0.get() });
        vcpu::forget(number);
        drop(mine);
        let _ = STOPPED.lock().try_push((number, stop));
        STOPS.post();
    });
    match spawned {
        Ok(id) => {
            domain.thread.call_once(|| id);
            if config.input {
                console::offer_input(number);
            }
            Ok(())
        }
        Err(e) => {
            DOMAINS.lock()[usize::from(number)] = None;
            console::close(number);
            Err(StartError::Thread(e))
        }
    }
}
