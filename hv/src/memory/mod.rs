//! Nex's own address space, its physical memory, and the frames it lends.
//!
//! | virtual | what | attributes |
//! | --- | --- | --- |
//! | 0x0000_0000 | nothing: a null pointer faults | |
//! | 0x4000_0000..0xc000_0000 | direct map: RAM from its lowest bank on, up to 2 GiB | read-write, no execute |
//! | 0xc000_0000.. | device registers, by the megabyte | Device, no execute |
//! | 0xc800_0000.. | a framebuffer that is not in RAM | Normal non-cacheable, no execute |
//! | 0xd000_0000.. | thread stacks, a guard page below each | read-write, no execute |
//! | 0xfff0_0000..0xffff_0000 | the window: Nex's image, in every address space | text r-x, constants r--, data rw- |
//!
//! Invariants:
//! - no page is writable and executable, in any mapping Nex has of it: the direct map's alias of text and constants
//!   is read-only;
//! - the direct map is never changed after [`init`], so a pointer into it stays good;
//! - a frame has one owner at a time ([`nex_mm::frames::FrameTable`]), and is touched through the direct map only by
//!   code that acts for that owner.

mod devices;
mod direct;
#[cfg(nex_framebuffer)]
mod framebuffer;
mod guest;
mod heap;
mod stacks;
mod window;

pub(crate) use devices::SectionMapper;
pub use direct::{copy_from, copy_to, hpa_to_va, read_word, va_to_hpa, write_word, zero};
pub(crate) use direct::{slice, slice_mut};
#[cfg(nex_framebuffer)]
pub(crate) use framebuffer::map_framebuffer;
pub(crate) use guest::{GuestTable, with_tables};
pub(crate) use heap::init_early as init_early_heap;
#[cfg(nex_debugger)]
pub(crate) use heap::peek as peek_heap;
pub use heap::{HeapUse, usage as heap_usage};
pub use stacks::Stack;
pub(crate) use stacks::is_guard as is_stack_guard;
pub(crate) use window::{map_early, symbol_table, unmap_early};

use arrayvec::ArrayVec;
use nex_boot::bootinfo::BootInfo;
use nex_mm::addr::{Hpa, SECTION_BYTES};
use nex_mm::desc::{Access, Attrs, MemoryType};
use nex_mm::frames::{FrameTable, Owner};
use nex_mm::place::find_space;
use nex_mm::pool::{BLOCK_BYTES, BlockSource, PooledTables};
use nex_mm::space::{AddressSpace, MapError, Run};

use crate::arch::{self, BootArgs, cache, this_cpu};
use crate::sync::{IrqGuard, IrqLock};

/// Start of the direct map.
pub const DIRECT_BASE: u32 = 0x4000_0000;
/// Length of the direct map at most: 2 GiB.
pub const DIRECT_MAX_BYTES: u32 = 0x8000_0000;
const DEVICE_BASE: u32 = 0xc000_0000;
const DEVICE_SECTIONS: usize = 64;
const STACKS_BASE: u32 = 0xd000_0000;

/// Attributes of RAM that Nex uses as data. Shareable, so that the cores of a cluster keep it coherent.
pub const RAM: Attrs = Attrs {
    access: Access::PrivRw,
    exec: false,
    memory: MemoryType::NormalWriteBack,
    shareable: true,
    global: false,
};
const RAM_READ_ONLY: Attrs = Attrs { access: Access::PrivRo, ..RAM };
const DEVICE: Attrs =
    Attrs { access: Access::PrivRw, exec: false, memory: MemoryType::Device, shareable: true, global: false };

/// All frames of RAM and their owners. `None` until [`init`].
static FRAMES: IrqLock<Option<FrameTable<'static>>> = IrqLock::new(None);

/// Second-level tables of all address spaces; held while any table is changed.
static TABLES: IrqLock<PooledTables<DirectFrames>> = IrqLock::new(PooledTables::new(DirectFrames(())));

/// Nex's own address space; its tables are changed under [`TABLES`] only.
static NEX_SPACE: spin::Once<AddressSpace> = spin::Once::new();

/// Page-table memory out of the frame table, reached through the direct map.
pub struct DirectFrames(());

impl BlockSource for DirectFrames {
    fn read(&self, at: Hpa) -> u32 {
        read_word(at)
    }
    fn write(&mut self, at: Hpa, value: u32) {
        write_word(at, value);
    }
    fn take_block(&mut self) -> Option<Hpa> {
        alloc_frames(BLOCK_BYTES / 4096, BLOCK_BYTES / 4096, Owner::Table)
    }
    fn give_block(&mut self, block: Hpa) {
        free_frames(block, BLOCK_BYTES / 4096, Owner::Table);
    }
    fn zero(&mut self, at: Hpa, bytes: u32) {
        zero(at, bytes);
    }
}

/// Why memory could not be set up: a loader's or a machine's fault, told before anything else can run.
#[derive(Debug)]
pub enum InitError {
    /// The boot information names no usable RAM.
    NoRam,
    /// The image runs outside the RAM that the boot information names.
    ImageOutsideRam(Hpa),
    /// The boot volume overlaps the image.
    VolumeOverlapsImage(u64, u64),
    /// There is no room for Nex's own tables.
    NoRoom,
    /// A mapping of Nex's own was refused.
    Map(MapError),
}

impl core::fmt::Display for InitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoRam => {
                f.write_str("the boot information names no RAM below 4 GiB: check /memory or ATAG_MEM")
            }
            Self::ImageOutsideRam(at) => {
                write!(
                    f,
                    "Nex runs at {at}, which is not RAM by the boot information: check /memory or ATAG_MEM"
                )
            }
            Self::VolumeOverlapsImage(start, end) => write!(
                f,
                "the boot volume at {start:#010x}..{end:#010x} overlaps Nex itself: have the loader put it elsewhere"
            ),
            Self::NoRoom => f.write_str("no free RAM for Nex's own tables"),
            Self::Map(e) => write!(f, "Nex's own address space: {e}"),
        }
    }
}

impl From<MapError> for InitError {
    fn from(e: MapError) -> Self {
        Self::Map(e)
    }
}

/// A range of physical memory, in bytes.
pub type PhysRange = (u64, u64);

/// What [`init`] found, for the boot log.
pub struct Layout {
    /// RAM that Nex manages.
    pub banks: ArrayVec<PhysRange, 8>,
    /// RAM beyond the reach of the direct map, in bytes.
    pub unreachable_bytes: u64,
}

/// Takes the memory over: direct map, W^X for the image, frame table, heap. `keep` are ranges with the owner that they
/// stay with: the boot volume, the DTB or ATAG list, the board's reservations.
///
/// # Errors
/// [`InitError`]; the machine is then as it was, only the early console works.
pub(crate) fn init(
    boot: &BootArgs,
    info: &BootInfo,
    keep: &[(PhysRange, Owner)],
) -> Result<Layout, InitError> {
    let (banks, unreachable_bytes) = usable_banks(info);
    let base = banks.iter().map(|b| b.0).min().ok_or(InitError::NoRam)?;
    let image = (u64::from(boot.desired), u64::from(boot.image_bytes));
    if !banks.iter().any(|b| b.0 <= image.0 && image.0 + image.1 <= b.0 + b.1) {
        return Err(InitError::ImageOutsideRam(Hpa::new(boot.desired)));
    }
    if let Some(volume) = info.initrd.filter(|v| overlaps((v.start, v.bytes), image)) {
        return Err(InitError::VolumeOverlapsImage(volume.start, volume.start + volume.bytes));
    }

    window::drop_identity(boot.desired);
    direct::init(Hpa::new(base as u32), &banks);
    window::protect();

    // The frame table goes where nobody is; the image may not be the only thing in its bank.
    let mut taken: ArrayVec<PhysRange, 64> = keep.iter().map(|k| k.0).chain([image]).collect();
    let span = banks.iter().map(|b| b.0 + b.1).max().unwrap_or(base) - base;
    let storage_bytes = FrameTable::storage_bytes(span) as u64;
    let at = find_space(&banks, &taken, storage_bytes, 4096, u64::MAX).ok_or(InitError::NoRoom)?;
    taken.push((at, storage_bytes));
    // SAFETY: free RAM by `find_space`, mapped by the direct map, and given to the frame table for good.
    let storage = unsafe { direct::slice_mut(Hpa::new(at as u32), storage_bytes as u32) };
    let mut frames = FrameTable::new(Hpa::new(base as u32), storage);
    for &(start, bytes) in &banks {
        frames.add_ram(Hpa::new(start as u32), bytes as u32);
    }
    for &((start, bytes), owner) in keep {
        reserve(&mut frames, &banks, (start, bytes), owner);
    }
    reserve(&mut frames, &banks, image, Owner::Image);
    reserve(&mut frames, &banks, (at, storage_bytes), Owner::FrameTable);
    *FRAMES.lock() = Some(frames);

    let space = NEX_SPACE.call_once(|| AddressSpace::new(window::l1_hpa(), arch::NEX_DOMAIN));
    let mut tables = TABLES.lock();
    direct::map_ragged_ends(space, &mut *tables, &banks)?;
    // The direct map's view of what may not be written. The identity mapping is gone, so this is the last alias.
    let read_only = window::read_only_bytes();
    space.protect(&mut *tables, hpa_to_va(Hpa::new(boot.desired)), read_only, RAM_READ_ONLY)?;
    drop(tables);
    cache::invalidate_all_tlb();

    this_cpu().set_tables(
        window::l1_hpa().raw() | arch::cp15::TTBR_FLAGS,
        window::limbo_hpa().raw() | arch::cp15::TTBR_FLAGS,
    );
    heap::init();
    Ok(Layout { banks, unreachable_bytes })
}

fn overlaps(a: PhysRange, b: PhysRange) -> bool {
    a.1 > 0 && b.1 > 0 && a.0 < b.0 + b.1 && b.0 < a.0 + a.1
}

/// Marks the part of `range` that is RAM.
fn reserve(frames: &mut FrameTable<'_>, banks: &[PhysRange], range: PhysRange, owner: Owner) {
    for bank in banks.iter().filter(|&&b| overlaps(b, range)) {
        let start = range.0.max(bank.0);
        let end = (range.0 + range.1).min(bank.0 + bank.1);
        frames.reserve(Hpa::new(start as u32), (end - start) as u32, owner);
    }
}

/// The banks below 4 GiB and within 2 GiB of the lowest, cut to whole pages; and how much is left out.
fn usable_banks(info: &BootInfo) -> (ArrayVec<PhysRange, 8>, u64) {
    let base = info.banks.iter().map(|b| b.start).min().unwrap_or(0) & !u64::from(SECTION_BYTES - 1);
    let limit = (base + u64::from(DIRECT_MAX_BYTES)).min(1 << 32);
    let mut lost = 0;
    let mut banks = ArrayVec::new();
    for bank in &info.banks {
        let start = bank.start.next_multiple_of(4096);
        let bank_end = bank.start.saturating_add(bank.bytes);
        let end = bank_end.min(limit) & !4095;
        lost += bank_end.saturating_sub(limit.max(bank.start));
        if start < end && banks.try_push((start, end - start)).is_err() {
            lost += end - start;
        }
    }
    (banks, lost)
}

fn frames() -> IrqGuard<'static, Option<FrameTable<'static>>> {
    FRAMES.lock()
}

/// Takes `count` neighbouring frames, aligned to `align` frames (a power of two), for `owner`. Contents arbitrary.
pub fn alloc_frames(count: u32, align: u32, owner: Owner) -> Option<Hpa> {
    frames().as_mut()?.alloc(count, align, owner)
}

/// Takes any one frame for `owner`, from megabytes that are broken already where there are some.
pub fn alloc_frame(owner: Owner) -> Option<Hpa> {
    frames().as_mut()?.alloc_one(owner)
}

/// Gives frames back.
///
/// # Panics
/// When they are not `owner`'s: a bug in Nex that would let two owners share memory.
pub fn free_frames(start: Hpa, count: u32, owner: Owner) {
    if let Some(table) = frames().as_mut()
        && let Err(e) = table.free(start, count, owner)
    {
        panic!("{owner} gives back {count} frames at {start}: {e:?}");
    }
}

/// Frees everything that `owner` has; returns the number of frames.
pub fn free_all_frames(owner: Owner) -> u32 {
    frames().as_mut().map_or(0, |table| table.free_all(owner))
}

/// Bytes that nobody owns.
pub fn free_bytes() -> u64 {
    frames().as_ref().map_or(0, |table| table.free_bytes())
}

/// Calls `f` with each owner and the frames it has.
pub fn for_each_owner(mut f: impl FnMut(Owner, u32)) {
    // Copied out first: `f` may print, and the console's lock comes after this one.
    let usage: ArrayVec<(Owner, u32), 256> =
        frames().as_ref().map(|table| table.usage().take(256).collect()).unwrap_or_default();
    usage.into_iter().for_each(|(owner, count)| f(owner, count));
}

/// Sums up what Nex itself has, while owners are shown one by one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overhead {
    frames: u32,
}

impl Overhead {
    /// One more owner and its frames.
    pub fn add(&mut self, owner: Owner, frames: u32) {
        if owner.is_overhead() {
            self.frames += frames;
        }
    }
}

impl core::fmt::Display for Overhead {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:8} KiB  Nex itself: image, heap, stacks, tables, frame table", self.frames * 4)
    }
}

/// As [`for_each_owner`], for the debugger.
pub(crate) fn peek_owners(stopped: &crate::sync::Stopped, f: &mut dyn FnMut(Owner, u32)) {
    if let Some(table) = FRAMES.peek(stopped) {
        table.usage().for_each(|(owner, count)| f(owner, count));
    }
}

/// Calls `f` with the runs of Nex's own mappings, ascending, at most 64: what the boot log shows.
pub fn for_each_mapping(f: &mut dyn FnMut(Run)) {
    if let Some(space) = NEX_SPACE.get() {
        // Collected under the lock, shown without it.
        let mut runs: ArrayVec<Run, 64> = ArrayVec::new();
        space.for_each_mapping(&*TABLES.lock(), &mut |run| {
            let _ = runs.try_push(run);
        });
        runs.into_iter().for_each(f);
    }
}

/// Maps memory for a thread stack. See [`stacks`].
fn map_own(va: u32, hpa: Hpa, bytes: u32, attrs: Attrs) -> Result<(), MapError> {
    let space = NEX_SPACE.get().ok_or(MapError::NoTable(va))?;
    let result = space.map(&mut *TABLES.lock(), va, hpa, bytes, attrs);
    cache::publish_tables(va..va);
    result
}

/// Unmaps memory of Nex's own space.
fn unmap_own(va: u32, bytes: u32) {
    if let Some(space) = NEX_SPACE.get() {
        let _ = space.unmap(&mut *TABLES.lock(), va, bytes);
        cache::invalidate_tlb(va, bytes / 4096);
    }
}

/// Whether the word at `va` is in a stack of Nex that can be read: a thread's, the boot stack, an exception stack.
pub(crate) fn is_own_stack(va: u32) -> bool {
    stacks::is_mapped(va) || window::is_data(va)
}
