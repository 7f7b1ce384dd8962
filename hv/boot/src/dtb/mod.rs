//! Device trees: where devices are and which interrupts they have.
//!
//! A [`Tree`] is checked as a whole when it is made; the questions a board asks afterwards cannot fail in other ways
//! than "not there". Sources: Devicetree Specification 0.4; Linux binding `interrupt-controller/arm,gic.yaml`.

mod blob;
mod device;

use core::fmt;

use arrayvec::ArrayVec;

use self::blob::{Blob, MAX_DEPTH, Node, Token};
pub(crate) use self::blob::{HEADER_BYTES, MAGIC};
pub use self::device::{Device, GicInterrupt, InterruptKind};
use crate::bytes::be32;

/// Why a device tree blob was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtbError {
    /// The blob is shorter than its header or than the `totalsize` in it.
    Truncated,
    /// The first word is not 0xd00dfeed.
    Magic,
    /// The format version is not compatible with 17; the version found is given.
    Version(u32),
    /// The named header field points outside the blob.
    Header(&'static str),
    /// The memory reservation block has no end, or more than 64 entries.
    Reservations,
    /// The token at this offset of the structure block is unknown, misplaced, or runs past the end.
    Structure {
        /// Bytes from the start of the structure block.
        offset: usize,
    },
    /// The node at this offset is nested more than 16 deep.
    TooDeep {
        /// Bytes from the start of the structure block.
        offset: usize,
    },
}

impl fmt::Display for DtbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("device tree is cut short"),
            Self::Magic => f.write_str("no device tree: first word is not d00dfeed"),
            Self::Version(version) => {
                write!(f, "device tree version {version} is not 17; rebuild it with a current dtc")
            }
            Self::Header(field) => write!(f, "device tree header: {field} points outside the blob"),
            Self::Reservations => f.write_str("device tree memory reservation block has no end"),
            Self::Structure { offset } => write!(f, "device tree structure is damaged at offset {offset:#x}"),
            Self::TooDeep { offset } => {
                write!(f, "device tree node at offset {offset:#x} is nested more than {MAX_DEPTH} deep")
            }
        }
    }
}

/// A node with all its ancestors, root first: never empty.
pub(crate) type Path<'a> = ArrayVec<Node<'a>, MAX_DEPTH>;

/// A part of a tree, in the order of the blob. A node is what is between its `Begin` and its `End`: first its properties,
/// then its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A node begins; its name with unit address, empty for the root. Printable ASCII of at most 255 bytes.
    Begin(&'a str),
    /// The innermost open node ends.
    End,
    /// A property of the innermost open node.
    Property {
        /// Its name: printable ASCII of at most 255 bytes.
        name: &'a str,
        /// Its value as written.
        value: &'a [u8],
    },
}

/// What to do after a node was visited.
pub(crate) enum Visit {
    /// Go on with its children.
    Enter,
    /// Leave out its children.
    Skip,
    /// Stop here.
    Stop,
}

/// A checked device tree.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    blob: Blob<'a>,
}

impl<'a> Tree<'a> {
    /// Checks a blob, from its header to its last token. Bytes after the header's `totalsize` are ignored.
    ///
    /// # Errors
    /// Every [`DtbError`].
    pub fn new(blob: &'a [u8]) -> Result<Self, DtbError> {
        Ok(Self { blob: Blob::new(blob)? })
    }

    /// The memory reservation block: (start address, bytes), as written.
    pub fn memory_reservations(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        self.blob.reservations()
    }

    /// The whole tree, from the root's [`Event::Begin`] to its [`Event::End`], at most 16 nodes deep.
    pub fn events(&self) -> impl Iterator<Item = Event<'a>> + use<'a> {
        let (blob, mut at) = (self.blob, 0);
        core::iter::from_fn(move || match blob.token(&mut at) {
            Ok(Token::Begin(node)) => Some(Event::Begin(node.name.text())),
            Ok(Token::End) => Some(Event::End),
            Ok(Token::Property { name, value }) => Some(Event::Property { name: name.text(), value }),
            // The tree was checked: it ends with `Finish`.
            Ok(Token::Finish) | Err(_) => None,
        })
    }

    /// Visits nodes in the order of the blob, each with its ancestors, in one pass and without recursion. Gives the
    /// path at which `visit` stopped.
    pub(crate) fn walk(&self, visit: &mut dyn FnMut(&Path<'a>) -> Visit) -> Option<Path<'a>> {
        let mut path = Path::new();
        let (mut at, mut skipping) = (0, false);
        let mut skip_depth = 0;
        while let Ok(token) = self.blob.token(&mut at) {
            match token {
                Token::Begin(node) => {
                    path.try_push(node).ok()?;
                    if !skipping {
                        match visit(&path) {
                            Visit::Enter => {}
                            Visit::Skip => (skipping, skip_depth) = (true, path.len()),
                            Visit::Stop => return Some(path),
                        }
                    }
                }
                Token::End => {
                    skipping &= path.len() != skip_depth;
                    path.pop();
                }
                Token::Property { .. } => {}
                Token::Finish => break,
            }
        }
        None
    }

    pub(crate) fn device(&self, path: Path<'a>) -> Device<'a> {
        Device::new(*self, path)
    }

    /// The first enabled device, in the order of the tree, whose `compatible` has one of the strings.
    ///
    /// A device is enabled if neither it nor an ancestor has a `status` other than "okay" (or the old "ok").
    pub fn find_compatible(&self, wanted: &[&str]) -> Option<Device<'a>> {
        self.find_all_compatible(wanted, &mut |_| false)
    }

    /// Calls `each` for every enabled device whose `compatible` has one of the strings, until it returns false; then
    /// gives that last device.
    pub fn find_all_compatible(
        &self,
        wanted: &[&str],
        each: &mut dyn FnMut(&Device<'a>) -> bool,
    ) -> Option<Device<'a>> {
        let path = self.walk(&mut |path| {
            let device = self.device(path.clone());
            if !device.is_enabled_itself() {
                Visit::Skip
            } else if device.is_compatible(wanted) && !each(&device) {
                Visit::Stop
            } else {
                Visit::Enter
            }
        });
        path.map(|path| self.device(path))
    }

    /// The node at an absolute path, such as "/pl011@9000000". A part without unit address matches the first node of
    /// that name with any.
    pub fn node(&self, path: &str) -> Option<Device<'a>> {
        let mut parts = path.strip_prefix('/')?.split('/').filter(|part| !part.is_empty()).peekable();
        let mut matched = 1; // the root
        let found = self.walk(&mut |here| {
            if here.len() > 1 {
                let (Some(part), Some(node)) = (parts.peek(), here.last()) else { return Visit::Stop };
                let name = node.name.text();
                let same = name == *part || name.split('@').next() == Some(*part);
                if here.len() != matched + 1 || !same {
                    return Visit::Skip;
                }
                matched += 1;
                parts.next();
            }
            if parts.peek().is_none() { Visit::Stop } else { Visit::Enter }
        })?;
        Some(self.device(found))
    }

    /// The node with this phandle.
    pub(crate) fn by_phandle(&self, phandle: u32) -> Option<Node<'a>> {
        let path = self.walk(&mut |path| {
            let has =
                |name| path.last().and_then(|node| self.blob.property(node, name)).and_then(|v| be32(v, 0));
            if has("phandle") == Some(phandle) || has("linux,phandle") == Some(phandle) {
                Visit::Stop
            } else {
                Visit::Enter
            }
        })?;
        path.last().copied()
    }

    /// `stdout-path` of /chosen as written: a path or an alias, with options after a colon.
    pub fn stdout_path(&self) -> Option<&'a str> {
        let chosen = self.node("/chosen")?;
        chosen.property_str("stdout-path").or_else(|| chosen.property_str("linux,stdout-path"))
    }

    /// The device that `stdout-path` names, through /aliases if need be.
    pub fn stdout(&self) -> Option<Device<'a>> {
        let name = self.stdout_path()?.split(':').next()?;
        if name.starts_with('/') {
            return self.node(name);
        }
        self.node(self.node("/aliases")?.property_str(name)?)
    }

    pub(crate) fn property(&self, node: &Node<'a>, name: &str) -> Option<&'a [u8]> {
        self.blob.property(node, name)
    }
}

/// Whether a string list property has one of `wanted` in it. What follows the last NUL does not count.
pub(crate) fn has_string(value: &[u8], wanted: &[&str]) -> bool {
    let mut rest = value;
    while let Some(end) = rest.iter().position(|&byte| byte == 0) {
        let (text, behind) = rest.split_at(end);
        if wanted.iter().any(|wanted| wanted.as_bytes() == text) {
            return true;
        }
        rest = &behind[1..];
    }
    false
}

#[cfg(test)]
mod tests;
