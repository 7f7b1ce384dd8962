//! Backtraces along the frame pointers, with names from the image's symbol table.
//!
//! Code for this target keeps r11 as frame pointer: it points at the caller's r11, and the return address is the word
//! above it. A chain is followed only while it climbs within one readable stack.

use core::fmt;

use nex_symbols::SymbolTable;

use crate::memory;

static SYMBOLS: spin::Once<Option<SymbolTable<'static>>> = spin::Once::new();

/// Looks at the symbol table that nextool appended to the image; says what is wrong with it.
pub(crate) fn init() {
    let (at, bytes) = memory::symbol_table();
    // SAFETY: the tail of the image: RAM that belongs to the image for good, and nothing writes it.
    let blob = unsafe { memory::slice(at, bytes) };
    SYMBOLS.call_once(|| match SymbolTable::parse(blob) {
        Ok(table) => Some(table),
        Err(e) => {
            crate::warning!("no symbol names in backtraces: {}", crate::log::Shown(&e));
            None
        }
    });
}

/// Address of a symbol.
pub(crate) fn find(name: &str) -> Option<u32> {
    SYMBOLS.get()?.as_ref()?.find(name)
}

/// Shows an address as `(symbol+0xoff/0xsize)`.
pub(crate) struct Where(pub(crate) u32);

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SYMBOLS.get().and_then(|s| s.as_ref()).and_then(|s| s.lookup(self.0)) {
            Some(symbol) => write!(f, "({symbol})"),
            None => f.write_str("(?)"),
        }
    }
}

/// Frames shown at most: a broken chain that climbs slowly must end as well.
const MAX_FRAMES: usize = 40;

/// One line of a backtrace.
pub(crate) struct Line {
    sp: u32,
    fp: u32,
    pc: u32,
    /// The address whose symbol is shown: for a return address the call before it.
    call: u32,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sp {:08x} fp {:08x} pc {:08x} {}", self.sp, self.fp, self.pc, Where(self.call))
    }
}

/// Follows the chain from an exception's registers.
pub(crate) fn walk(pc: u32, sp: u32, fp: u32, show: &mut dyn FnMut(Line)) {
    show(Line { sp, fp, pc, call: pc });
    follow(sp, fp, show);
}

/// Follows the chain from the caller.
pub(crate) fn walk_here(show: &mut dyn FnMut(Line)) {
    let (fp, sp): (u32, u32);
    // SAFETY: reads two registers.
    unsafe {
        core::arch::asm!("mov {}, r11", "mov {}, sp", out(reg) fp, out(reg) sp, options(nomem, nostack, preserves_flags))
    };
    follow(sp, fp, show);
}

fn follow(mut sp: u32, mut fp: u32, show: &mut dyn FnMut(Line)) {
    for _ in 0..MAX_FRAMES {
        if !fp.is_multiple_of(4) || fp < sp || !memory::is_own_stack(fp) || !memory::is_own_stack(fp + 4) {
            return;
        }
        // SAFETY: an aligned word within a mapped stack of Nex.
        let (caller_fp, lr) =
            unsafe { ((fp as *const u32).read_volatile(), (fp as *const u32).add(1).read_volatile()) };
        sp = fp + 8;
        if lr == 0 {
            return;
        }
        show(Line { sp, fp: caller_fp, pc: lr, call: lr.wrapping_sub(4) });
        if caller_fp <= fp {
            return;
        }
        fp = caller_fp;
    }
}
