//! Scans every page of the code of a raw image, as a guest would run it, and says what was found.
//!
//! ```text
//! scan_image <file> a32|t32 <load address> <text begin> <text end>
//! ```
//!
//! Addresses are hexadecimal; text is given as addresses. Each page is scanned from one entry: the lowest target of a call
//! from anywhere in the text, or its beginning.
//!
//! Printed are the instructions replaced; how many halfwords are loaded from by their distance from the PC, by any code of
//! the image; which replaced ones are such (suspicious; a scan sees the neighbouring pages only);
//! and which instructions a sweep over the whole text would have replaced but the scans did not (left). The last two are
//! listed; with LIST set in the environment, so is all that was replaced.

use nex_decode::{
    Branch, Class, Gate, Hint, ItState, Sensitive, Trapping, flow_a32, flow_t32, t32, t32_is_wide,
};
use nex_rewrite::{
    Encoded, Entry, InstructionSet, Original, PAGE_BYTES, PAGE_WORDS, Page, Scratch, Tables, encode_a32,
    encode_t32,
};
use std::collections::{BTreeMap, BTreeSet};

struct Image {
    bytes: Vec<u8>,
    base: u32,
}

impl Image {
    fn half(&self, addr: u32) -> u16 {
        let at = addr.wrapping_sub(self.base) as usize;
        self.bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
    }

    fn word(&self, addr: u32) -> u32 {
        u32::from(self.half(addr)) | u32::from(self.half(addr.wrapping_add(2))) << 16
    }

    fn page(&self, addr: u32) -> [u32; PAGE_WORDS] {
        core::array::from_fn(|i| self.word(addr.wrapping_add(i as u32 * 4)))
    }
}

/// What a sweep over the whole text finds.
#[derive(Default)]
struct Sweep {
    /// Halfwords that some instruction loads from.
    literals: BTreeSet<u32>,
    calls: BTreeSet<u32>,
    /// Instructions that would have to be replaced, if they are not data.
    candidates: BTreeMap<u32, Original>,
}

fn sweep(image: &Image, set: InstructionSet, begin: u32, end: u32) -> Sweep {
    let mut found = Sweep::default();
    let mut addr = begin;
    let mut it = ItState::NONE;
    while addr < end {
        let (flow, original, length) = if set == InstructionSet::A32 {
            let word = image.word(addr);
            let wanted = encode_a32(word) != Encoded::Stays
                && !matches!(nex_decode::a32(word).class, Class::Unpredictable | Class::Svc { .. });
            (flow_a32(word, addr), wanted.then_some(Original::A32(word)), 4)
        } else {
            let (first, second) = (image.half(addr), image.half(addr + 2));
            let class = t32(first, second, it).class;
            let wanted = encode_t32(first, second, it) != Encoded::Stays && class != Class::Unpredictable;
            let flow = flow_t32(first, second, it, addr);
            it = it.after(first);
            if t32_is_wide(first) {
                let word = u32::from(first) << 16 | u32::from(second);
                (flow, wanted.then_some(Original::Wide(word)), 4)
            } else {
                (flow, wanted.then_some(Original::Narrow(first)), 2)
            }
        };
        if let Some(original) = original
            && !is_left_to_host(original)
        {
            found.candidates.insert(addr, original);
        }
        if let Some(data) = flow.data {
            found.literals.extend((0..u32::from(data.bytes).div_ceil(2)).map(|i| (data.addr & !1) + i * 2));
        }
        if let Branch::Direct(target) = flow.branch
            && flow.next == nex_decode::Next::AfterCall
            && target.set == set
        {
            found.calls.insert(target.addr);
        }
        addr += length;
    }
    found
}

/// What [`Tables::new`] leaves in place.
fn is_left_to_host(original: Original) -> bool {
    let class = match original {
        Original::A32(word) => nex_decode::a32(word).class,
        Original::Wide(word) => t32((word >> 16) as u16, word as u16, ItState::NONE).class,
        Original::Narrow(half) => t32(half, 0, ItState::NONE).class,
        Original::Straddle(_) => return false,
    };
    match class {
        Class::Hint(Hint::Sev) => true,
        Class::Sensitive(Sensitive::Gated(c, Gate::Open)) => c.crn == 13,
        _ => false,
    }
}

/// The name of the class of an instruction, and whether it is conditional.
fn kind(original: Original) -> String {
    let (cond, class) = match original {
        Original::A32(word) => (word >> 28 < 0xe, nex_decode::a32(word).class),
        Original::Narrow(half) => (false, t32(half, 0, ItState::NONE).class),
        Original::Wide(word) => (false, t32((word >> 16) as u16, word as u16, ItState::NONE).class),
        Original::Straddle(_) => return "first half at the end of a page".into(),
    };
    let text = match class {
        Class::Sensitive(Sensitive::Gated(c, _)) | Class::Trapping(Trapping::Coproc(c)) => {
            let direction = if c.read { "read" } else { "write" };
            format!("{direction} p{} {} c{} c{} {}", c.cp, c.op1, c.crn, c.crm, c.op2)
        }
        class => format!("{class:?}"),
    };
    let name = text.strip_prefix("Sensitive(").unwrap_or(&text);
    let name = name.split([' ', '{']).next().filter(|_| name.contains('{')).unwrap_or(name);
    format!("{name}{}", if cond { ", conditional" } else { "" })
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, file, set, base, begin, end] = &args[..] else {
        eprintln!("usage: scan_image <file> a32|t32 <load address> <text begin> <text end>");
        std::process::exit(2);
    };
    let number = |text: &str| {
        u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or_else(|error| {
            eprintln!("{text}: {error}");
            std::process::exit(2);
        })
    };
    let set = if set == "t32" { InstructionSet::T32 } else { InstructionSet::A32 };
    let (base, begin, end) = (number(base), number(begin), number(end));
    let bytes = std::fs::read(file).unwrap_or_else(|error| {
        eprintln!("{file}: {error}");
        std::process::exit(2);
    });
    let image = Image { bytes, base };
    let truth = sweep(&image, set, begin, end);

    let (mut tables, mut scratch) = (Tables::new(1024), Scratch::new());
    let (mut pages, mut sites, mut conflicts, mut heap) = (0, 0, 0, 0);
    let (mut suspicious, mut left) = (Vec::new(), Vec::new());
    let mut kinds = BTreeMap::new();
    let time = std::time::Instant::now();
    let mut addr = begin & !(PAGE_BYTES - 1);
    while addr < end {
        let mut words = image.page(addr);
        let first = truth.calls.range(addr..addr + PAGE_BYTES).next().copied().unwrap_or(addr.max(begin));
        let next = Some(image.half(addr + PAGE_BYTES));
        let (before, after) =
            (image.page(addr.wrapping_sub(PAGE_BYTES)), image.page(addr.wrapping_add(PAGE_BYTES)));
        let (before, after) = (Some(&before), Some(&after));
        let entry = Entry { addr: first, set, next, begins_with_tail: false, before, after };
        let mut page = Page::new();
        let report = match page.scan(&mut words, entry, &mut tables, &mut scratch) {
            Ok(report) => report,
            Err(error) => panic!("{error:?}"),
        };
        pages += 1;
        sites += page.sites().len();
        conflicts += usize::from(report.conflicts);
        heap += page.heap_bytes();
        for site in page.sites() {
            *kinds.entry(kind(site.original())).or_insert(0) += 1;
            let at = addr + site.offset();
            if std::env::var_os("LIST").is_some() {
                println!("site {at:#010x} {:x?}", site.original());
            }
            if truth.literals.contains(&at) {
                suspicious.push((at, site.original()));
            }
        }
        for (&at, &original) in truth.candidates.range(addr..addr + PAGE_BYTES) {
            if page.site(at - addr).is_none() && !truth.literals.contains(&at) {
                left.push((at, original));
            }
        }
        addr += PAGE_BYTES;
    }
    let elapsed = time.elapsed();
    let literals = truth.literals.range(begin..end).count();
    println!("{pages} pages, {sites} instructions replaced, {conflicts} conflicts, {heap} bytes for records");
    println!("{} + {} originals without a code of their own", tables.a32.len(), tables.t32.len());
    println!("{literals} halfwords are literals");
    println!("{} suspicious, {} left; {elapsed:?}", suspicious.len(), left.len());
    for (kind, count) in kinds {
        println!("{count:6} {kind}");
    }
    for (at, original) in suspicious {
        println!("suspicious {at:#010x} {original:x?}");
    }
    for (at, original) in left {
        println!("left {at:#010x} {original:x?}");
    }
}
