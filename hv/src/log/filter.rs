//! Which records are wanted: a level for everything, and other levels for some modules.
//!
//! The table is read at every log statement, also by an interrupt or the debugger in the middle of a change, so it is
//! made of atomics and needs no lock. A reader that meets half a change takes or leaves one record wrongly, no more.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use super::Level;
pub use crate::config::LogLevel as Limit;

/// Longest module name that can have a level of its own, in bytes.
pub const MODULE_BYTES: usize = 48;

/// Modules that can have a level of their own.
const ENTRIES: usize = 8;

/// Before every module path of this crate; a filter may leave it out.
const CRATE: &str = "nex_hv::";

/// How far records are wanted, with the names on the command line and in the debugger.
pub const LIMITS: [(Limit, &str); 6] = [
    (Limit::Off, "off"),
    (Limit::Error, "error"),
    (Limit::Warn, "warn"),
    (Limit::Info, "info"),
    (Limit::Debug, "debug"),
    (Limit::Trace, "trace"),
];

// Both enums count alike, so that a level can be compared with a limit.
const _: () = assert!(Limit::Off as u8 == 0 && Limit::Error as u8 == Level::Error as u8);
const _: () = assert!(Limit::Trace as u8 == Level::Trace as u8);

/// The limit with this name.
pub fn limit_from_name(name: &str) -> Option<Limit> {
    LIMITS.iter().find(|(_, n)| *n == name).map(|&(limit, _)| limit)
}

/// Why a filter cannot be set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FilterError {
    /// The name is longer than [`MODULE_BYTES`].
    TooLong,
    /// All places are taken: clear one.
    Full,
}

impl FilterError {
    /// What to tell the user, without a line end.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooLong => "a module name has at most 48 bytes",
            Self::Full => {
                "8 modules have a level of their own already: give one back with `log level default <module>`"
            }
        }
    }
}

impl core::fmt::Display for FilterError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

struct Entry {
    /// Bytes of the name, 0 if the entry is free.
    len: AtomicU8,
    level: AtomicU8,
    name: [AtomicU8; MODULE_BYTES],
}

/// For what no entry names.
static DEFAULT: AtomicU8 = AtomicU8::new(crate::config::LOG_LEVEL as u8);
/// Entries in use; 0 makes the look-up short.
static USED: AtomicU32 = AtomicU32::new(0);
static TABLE: [Entry; ENTRIES] = [const {
    Entry { len: AtomicU8::new(0), level: AtomicU8::new(0), name: [const { AtomicU8::new(0) }; MODULE_BYTES] }
}; ENTRIES];

impl Entry {
    fn name(&self) -> impl Iterator<Item = u8> {
        let len = usize::from(self.len.load(Ordering::Acquire));
        self.name.iter().take(len).map(|byte| byte.load(Ordering::Relaxed))
    }

    /// Whether the entry's name is `module` or one around it; then its length.
    fn covers(&self, module: &str) -> Option<u8> {
        let len = self.len.load(Ordering::Acquire);
        let head = module.as_bytes().get(..usize::from(len))?;
        let ends = matches!(module.as_bytes().get(usize::from(len)), None | Some(b':'));
        (len > 0 && ends && self.name().eq(head.iter().copied())).then_some(len)
    }

    fn is(&self, name: &str) -> bool {
        self.name().eq(name.bytes())
    }
}

/// Whether a record of this level from `module` (as `module_path!` gives it) is wanted.
pub fn enabled(level: Level, module: &str) -> bool {
    let mut limit = DEFAULT.load(Ordering::Relaxed);
    if USED.load(Ordering::Relaxed) != 0 {
        let mut best = 0;
        let short = module.strip_prefix(CRATE).unwrap_or(module);
        for entry in &TABLE {
            let full = entry.covers(module);
            let short = entry.covers(short).map(|len| len.saturating_add(CRATE.len() as u8));
            if let Some(len) = full.max(short).filter(|&len| len > best) {
                best = len;
                limit = entry.level.load(Ordering::Relaxed);
            }
        }
    }
    level as u8 <= limit
}

/// From now on takes records of `module` and the modules in it up to `limit`. The name may leave out `nex_hv::`. The empty
/// name sets what holds for all modules without a level of their own: the build configuration's level at first. Of two
/// names that cover a module the longer one counts.
///
/// # Errors
/// See [`FilterError`]; nothing is changed then.
pub fn set_filter(module: &str, limit: Limit) -> Result<(), FilterError> {
    if module.is_empty() {
        DEFAULT.store(limit as u8, Ordering::Relaxed);
        return Ok(());
    }
    let len = u8::try_from(module.len()).ok().filter(|&len| usize::from(len) <= MODULE_BYTES);
    let len = len.ok_or(FilterError::TooLong)?;
    if let Some(entry) = TABLE.iter().find(|entry| entry.is(module)) {
        entry.level.store(limit as u8, Ordering::Relaxed);
        return Ok(());
    }
    let entry = TABLE.iter().find(|entry| entry.len.load(Ordering::Relaxed) == 0).ok_or(FilterError::Full)?;
    for (slot, byte) in entry.name.iter().zip(module.bytes()) {
        slot.store(byte, Ordering::Relaxed);
    }
    entry.level.store(limit as u8, Ordering::Relaxed);
    entry.len.store(len, Ordering::Release);
    USED.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Forgets the level of `module`; `false` if it had none of its own.
pub fn clear_filter(module: &str) -> bool {
    let Some(entry) = TABLE.iter().find(|entry| !module.is_empty() && entry.is(module)) else { return false };
    entry.len.store(0, Ordering::Relaxed);
    USED.fetch_sub(1, Ordering::Relaxed);
    true
}

/// Calls `each` with the empty name and the limit for everything, and then with each module that has its own.
pub fn filters(each: &mut dyn FnMut(&str, &'static str)) {
    let level = |raw: &AtomicU8| LIMITS[usize::from(raw.load(Ordering::Relaxed)) % LIMITS.len()].1;
    each("", level(&DEFAULT));
    for entry in &TABLE {
        let mut name = [0; MODULE_BYTES];
        let mut len = 0;
        for (slot, byte) in name.iter_mut().zip(entry.name()) {
            *slot = byte;
            len += 1;
        }
        if len > 0 {
            each(core::str::from_utf8(&name[..len]).unwrap_or("?"), level(&entry.level));
        }
    }
}
