//! Finds the instructions of a guest kernel that may not run in User mode, and replaces them by ones that trap.
//!
//! # The idea
//!
//! Guest code of a virtual privileged mode runs only from pages that were scanned. [`Page::scan`] is given such a page and
//! where control comes into it; it follows the code from there, replaces in place each instruction that `nex-decode` calls
//! sensitive by an SVC (A32) or UDF (T32), and keeps the originals as a sorted list. The code that is put there says by
//! itself what it stands for (see [`codes`]), so the handler of the trap needs no look-up:
//! [`Code::of_a32`], [`Code::of_t32_wide`], [`Code::of_t32_narrow`]. The crate knows instructions and one page at a time: no
//! mappings, no CPU, no policy of who may write what.
//!
//! # What is code, and how sure that is
//!
//! A page is executable as a whole once it was scanned, so all of it has to be judged, not only what the entry leads to: an
//! indirect branch within the page does not fault. On the other hand, data among the code must not change. There is no
//! exact answer; three steps give one that was right in all that was measured.
//!
//! 1. *Certain*: from the entries, both ways of branches, into calls within the page but not behind them, through BLX and
//!    other changes of the instruction set, branch tables, and literals that are jumped through. All that has to be replaced
//!    here is, whatever it looks like.
//! 2. *Behind calls*: from where calls return to. A call that does not return may be followed by data.
//! 3. *Swept*: what is left, from the beginning to the end, in the instruction set of the code before it (behind it at the
//!    beginning of the page), branches followed as they come.
//!
//! What an instruction loads by its distance from the PC is data, and so is a branch table, unless an earlier step reached
//! it as code; the neighbouring pages' loads from this one count as well ([`Entry::before`], [`Entry::after`]). Of what is
//! reached by step 2 and 3 only, these stay as they are:
//!
//! - UNPREDICTABLE instructions, and SVC of the guest's own with the constant of a code (but those with AL behind calls);
//! - conditional A32 instructions that may be an address within 32 MiB of the page. 0xc010f5a8 in a table is ANDSGT PC;
//! - instructions that have so few fixed bits that tables of numbers (CRC, SHA) contain them: LDM and STM with `^`, LDRT
//!   with an odd offset, data-processing with S and PC other than MOVS PC, Rm and SUBS PC, Rn, #imm: when conditional, and
//!   with AL unless most words around are instructions with AL.
//!
//! What may be left in place because the host's register or event serves as well is a choice in [`Tables`].
//!
//! # At a glance
//!
//! Where all code is A32, the result is known without following it for nearly all pages: one pass (`scan/glance.rs`) finds
//! what is suspicious, and what makes it depend on how control comes there. The rest, and T32, is followed.
//!
//! # Measured
//!
//! `cargo run --release -p nex-rewrite --example scan_image -- <file> a32 <load address> <text begin> <text end>` scans all
//! pages of a raw image (one entry for each page: the lowest target of a call) and compares with a sweep over the whole.
//! Debian 12's `linux-image-armmp` 6.1.176, unpacked, `c0208000 c0300000 c0d50000`: 2,640 pages, of which 3 had to be
//! followed; 13,833 instructions replaced, none of them a word that is loaded from anywhere in the image; 532 words that look
//! sensitive were left: 471 addresses and constants, and 61 accesses to the performance monitors, which trap. Records take 40
//! bytes for a page on average. Debian's `u-boot-qemu`, `qemu_arm/u-boot.bin`, `0 0 80000` (A32): 128 pages, 47 replaced, all
//! real; 26 left, all in its CRC and hash tables.
//!
//! Of the pages that this kernel executes while it boots, a scan takes 34 ARM instructions a word: 16 for the pass, 12 of
//! them for a word that is passed over, and the others for neighbours, where anything depends on them, and decoding. Following
//! takes 110.
//!
//! The kernel's text has besides 19,800 reads of TPIDRURO (`current`) and 3,400 SEV, which is why these stay by default.
//!
//! # Order of calls
//!
//! 1. [`Page::scan`] when the guest's kernel is about to execute the page for the first time, before it may. The caller then
//!    cleans and invalidates [`Report::changed`] in the caches, and write-protects the page for the guest.
//! 2. The handler of SVC and undefined instructions asks [`Code`]; for [`Code::Record`] and [`Code::Straddle`], whose
//!    originals only the record has, [`Page::site`].
//! 3. A write of the guest's to the page: [`Page::store`], which carries it out and scans again if need be, or
//!    [`Page::restore`] and then the write, after which the page may not be executed until it is scanned again. So it is
//!    after [`StoreError`] as well.
//! 4. [`Page::scan`] again for another entry, if control is seen to come where the scan did not expect it, such as in the
//!    other instruction set.
//! 5. A debugger reads with [`Page::original`].
//!
//! # A T32 instruction in two pages
//!
//! If the last halfword of the page begins a 32-bit instruction, whether it is sensitive depends on the next page. With
//! [`Entry::next`] that is known: if it is, the first half becomes [`Code::Straddle`], and the handler reads the second from
//! the next page as the guest maps it, emulates, and goes on four bytes further. Without, it becomes that if it may be
//! sensitive at all; the handler then scans again with `next`, and if the half is put back, goes on with the guest where it
//! was. The fetch of the second half faults with the address of the first: the next page is then scanned from offset 2 with
//! [`Entry::begins_with_tail`].
//!
//! # Limits
//!
//! - Bytes that are code in both instruction sets, and instructions within others, are replaced as the first of them only
//!   ([`Report::conflicts`]); a T32 instruction that is reached inside and outside an IT block is judged by the first way.
//! - In what is swept, T32 code may be taken out of step by data before it, for an instruction or two, and data with code's
//!   look changes: a computed read of such a word gives a code. The guest's own copy of it works (see [`codes`]).
//! - An instruction at the end of a page that stays because of the next page's first halfword is not looked at again when
//!   that changes.
//!
//! # Rejected
//!
//! - *Following the code only*: what an indirect branch reaches later would run unseen.
//! - *A linear sweep only*: it takes literals for code and, in T32, loses step in them.
//! - *Keeping what was reached* in the record, to look only at what a store changed: 1 KiB for each page instead of 40
//!   bytes. A store that cannot matter is recognised without.
//! - *A table of originals for each page as the only key*: see [`codes`].

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod codes;
mod interned;
mod page;
mod patch;
mod scan;
mod site;

pub use codes::{Code, Cp15, Encoded, T32, decode_a32, decode_t32, encode_a32, encode_t32};
pub use interned::Interned;
pub use nex_decode::InstructionSet;
pub use page::{Entry, NoMemory, Page, Report, StoreError, Tables};
pub use scan::Scratch;
pub use site::{Original, Site};

/// Words in a page of 4 KiB.
pub const PAGE_WORDS: usize = 1024;
/// Bytes in a page.
pub const PAGE_BYTES: u32 = 4096;
