//! The flat format of a device tree (Devicetree Specification 0.4, chapter 5).
//!
//! [`Blob::new`] walks the whole structure block once, so that everything after it can assume a well-formed tree. Even
//! so no later read is unchecked: an iterator over a tree that is wrong after all ends early. Names are read only then, and
//! later only where somebody asks for them: a board asks a dozen questions, each of which passes over most of the tree.
//!
//! This is our own reader, for two measured reasons. Of 20,000 damaged copies of QEMU's tree `fdt` 0.2.0-alpha3 panics
//! on 12,163, and in its fallible mode on 58. `dtoolkit` 0.4 panics on none, but refuses property names above 31
//! characters; the bindings of our own target have some (`nvidia,core-power-req-active-high`), and neither dtc nor Linux
//! minds.

use super::DtbError;
use crate::bytes::{be_cells, be32, c_str};

/// Deepest nesting accepted, the root included. The deepest tree in Linux's ARM sources has about ten levels.
pub(crate) const MAX_DEPTH: usize = 16;
/// Longest node or property name accepted, in bytes, without its NUL.
const MAX_NAME_BYTES: usize = 255;
/// Most entries accepted in the memory reservation block.
const MAX_RESERVATIONS: usize = 64;

pub(crate) const HEADER_BYTES: usize = 40;
pub(crate) const MAGIC: u32 = 0xd00d_feed;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// The blocks of a checked device tree.
#[derive(Clone, Copy)]
pub(crate) struct Blob<'a> {
    structure: &'a [u8],
    strings: &'a [u8],
    reservations: &'a [u8],
}

/// A name: the bytes from its beginning, with its NUL somewhere among them.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The name. Of a tree that was checked it is printable ASCII.
    pub(crate) fn text(self) -> &'a str {
        c_str(self.0).unwrap_or_default()
    }

    /// Whether it is `text`.
    pub(crate) fn is(self, text: &str) -> bool {
        self.0.strip_prefix(text.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
    }

    /// How many bytes are before the NUL, if it is printable ASCII of a bounded length.
    fn checked_bytes(self) -> Option<usize> {
        let len = self.bytes()?;
        self.0[..len].iter().all(u8::is_ascii_graphic).then_some(len)
    }

    /// How many bytes are before the NUL, if they are not too many.
    fn bytes(self) -> Option<usize> {
        self.0.iter().take(MAX_NAME_BYTES + 1).position(|&byte| byte == 0)
    }
}

/// A node: its name with unit address, and where in the structure block its contents start.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) name: Name<'a>,
    body: usize,
}

/// One token of the structure block.
pub(crate) enum Token<'a> {
    Begin(Node<'a>),
    End,
    Property { name: Name<'a>, value: &'a [u8] },
    Finish,
}

impl<'a> Blob<'a> {
    /// Checks header, reservation block and every token. `blob` may be longer than the header's `totalsize`.
    pub(crate) fn new(blob: &'a [u8]) -> Result<Self, DtbError> {
        let word = |index: usize| be32(blob, 4 * index).ok_or(DtbError::Truncated);
        if word(0)? != MAGIC {
            return Err(DtbError::Magic);
        }
        let total = word(1)? as usize;
        if total < HEADER_BYTES {
            return Err(DtbError::Header("totalsize"));
        }
        let blob = blob.get(..total).ok_or(DtbError::Truncated)?;
        // Version 17 added size_dt_struct; anything that says it is compatible with 17 has the same layout.
        if word(5)? < 17 || word(6)? > 17 {
            return Err(DtbError::Version(word(5)?));
        }
        let block = |offset: u32, bytes: u32, name| {
            let (offset, bytes) = (offset as usize, bytes as usize);
            let end = offset.checked_add(bytes).ok_or(DtbError::Header(name))?;
            blob.get(offset..end).ok_or(DtbError::Header(name))
        };
        let tree = Self {
            structure: block(word(2)?, word(9)?, "off_dt_struct")?,
            strings: block(word(3)?, word(8)?, "off_dt_strings")?,
            reservations: blob.get(word(4)? as usize..).ok_or(DtbError::Header("off_mem_rsvmap"))?,
        };
        tree.check_reservations()?;
        tree.check_structure()?;
        Ok(tree)
    }

    fn check_reservations(&self) -> Result<(), DtbError> {
        let listed = self.reservations().count();
        let end =
            be_cells(self.reservations, 16 * listed, 2).zip(be_cells(self.reservations, 16 * listed + 8, 2));
        if end == Some((0, 0)) { Ok(()) } else { Err(DtbError::Reservations) }
    }

    fn check_structure(&self) -> Result<(), DtbError> {
        let (mut at, mut depth, mut may_have_property, mut has_root) = (0, 0, false, false);
        loop {
            let offset = at;
            let misplaced = Err(DtbError::Structure { offset });
            match self.read::<true>(&mut at)? {
                Token::Begin(_) if depth == MAX_DEPTH => return Err(DtbError::TooDeep { offset }),
                Token::Begin(_) if depth == 0 && has_root => return misplaced,
                Token::Begin(_) => (depth, may_have_property, has_root) = (depth + 1, true, true),
                Token::End if depth == 0 => return misplaced,
                Token::End => (depth, may_have_property) = (depth - 1, false),
                Token::Property { .. } if !may_have_property => return misplaced,
                Token::Property { .. } => {}
                Token::Finish if depth == 0 && has_root => return Ok(()),
                Token::Finish => return misplaced,
            }
        }
    }

    /// Reads the token at `*at`, steps over it, and passes over NOPs.
    pub(crate) fn token(&self, at: &mut usize) -> Result<Token<'a>, DtbError> {
        self.read::<false>(at)
    }

    /// The same, and checks the names if `CHECK`.
    #[inline]
    fn read<const CHECK: bool>(&self, at: &mut usize) -> Result<Token<'a>, DtbError> {
        while be32(self.structure, *at) == Some(NOP) {
            *at += 4;
        }
        let offset = *at;
        let bad = DtbError::Structure { offset };
        let word = |index: usize| be32(self.structure, offset + 4 * index);
        match word(0) {
            Some(BEGIN_NODE) => {
                let name = self.structure.get(offset + 4..).map(Name).ok_or(bad)?;
                let bytes = if CHECK { name.checked_bytes() } else { name.bytes() };
                *at = (offset + 4 + bytes.ok_or(bad)? + 1).next_multiple_of(4);
                Ok(Token::Begin(Node { name, body: *at }))
            }
            Some(END_NODE) => {
                *at = offset + 4;
                Ok(Token::End)
            }
            Some(PROP) => {
                let (len, name) = word(1).zip(word(2)).ok_or(bad)?;
                let name = self.strings.get(name as usize..).map(Name).ok_or(bad)?;
                if CHECK {
                    name.checked_bytes().ok_or(bad)?;
                }
                let start = offset + 12;
                let end = start.checked_add(len as usize).ok_or(bad)?;
                let value = self.structure.get(start..end).ok_or(bad)?;
                *at = end.next_multiple_of(4);
                Ok(Token::Property { name, value })
            }
            Some(END) => {
                *at = offset + 4;
                Ok(Token::Finish)
            }
            _ => Err(bad),
        }
    }

    /// Value of the property `name` of `node`.
    pub(crate) fn property(&self, node: &Node<'a>, name: &str) -> Option<&'a [u8]> {
        let mut at = node.body;
        while let Ok(Token::Property { name: found, value }) = self.token(&mut at) {
            if found.is(name) {
                return Some(value);
            }
        }
        None
    }

    /// The memory reservation block as (address, bytes), without its terminator; at most 64.
    pub(crate) fn reservations(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let block = self.reservations;
        (0..MAX_RESERVATIONS)
            .map_while(move |index| be_cells(block, 16 * index, 2).zip(be_cells(block, 16 * index + 8, 2)))
            .take_while(|entry| *entry != (0, 0))
    }
}
