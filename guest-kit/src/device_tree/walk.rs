//! The flat format of a device tree (Devicetree Specification 0.4, chapter 5), read token by token.
//!
//! Own code, for a measured reason: `fdt` panics or loops on damaged blobs, and so does `dtoolkit` 0.4.1 where `usize` has
//! 32 bits, since the length of a property can wrap its offset round. Here every position is checked, so the worst that
//! a damaged blob does is to end the walk. It also keeps the guest kit free of other crates.

/// Versions this reads: everything that says it is compatible with 17.
const VERSION: u32 = 17;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// One step through the structure block.
enum Token<'a> {
    /// A node starts; its name with unit address.
    BeginNode(&'a [u8]),
    /// The innermost node ends.
    EndNode,
    /// A property of the innermost node.
    Property { name: &'a [u8], value: &'a [u8] },
    /// The tree ends.
    End,
}

/// The two blocks that matter of a device tree which has been walked through once without a fault.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks<'a> {
    structure: &'a [u8],
    strings: &'a [u8],
}

/// A position in the structure block.
struct Walk<'a> {
    blocks: Blocks<'a>,
    at: usize,
}

impl<'a> Blocks<'a> {
    /// Checks a blob of exactly the size its header says. `None` if anything in it is wrong.
    pub(super) fn new(blob: &'a [u8]) -> Option<Blocks<'a>> {
        let field = |index: usize| be32(blob, index * 4);
        let (version, last_compatible) = (field(5)?, field(6)?);
        let structure_at = field(2)? as usize;
        if version < VERSION || last_compatible > VERSION || !structure_at.is_multiple_of(4) {
            return None;
        }
        let structure = range(blob, structure_at, field(9)? as usize)?;
        let strings = range(blob, field(3)? as usize, field(8)? as usize)?;
        let blocks = Blocks { structure, strings };
        blocks.is_one_tree().then_some(blocks)
    }

    /// The value of property `name` of the node at `path`, `/` or `/a/b`. A component without unit address fits any. Where
    /// several nodes fit, the first one that has the property counts.
    pub(super) fn property(&self, path: &str, name: &str) -> Option<&'a [u8]> {
        let component = |level: usize| path.split('/').filter(|part| !part.is_empty()).nth(level);
        // The walk is in a node at `level`, the root being 0, of whose ancestors (and itself) `fitting` levels below the
        // root are on the path.
        let (mut level, mut fitting) = (0usize, 0usize);
        let mut in_root = false;
        let mut walk = self.walk();
        loop {
            match walk.next()? {
                Token::BeginNode(_) if !in_root => in_root = true,
                Token::BeginNode(found) => {
                    let fits =
                        fitting == level && component(level).is_some_and(|wanted| is_named(found, wanted));
                    level += 1;
                    fitting += usize::from(fits);
                }
                Token::EndNode => {
                    level = level.checked_sub(1)?;
                    fitting = fitting.min(level);
                }
                Token::Property { name: found, value } => {
                    if fitting == level && component(level).is_none() && found == name.as_bytes() {
                        return Some(value);
                    }
                }
                Token::End => return None,
            }
        }
    }

    /// Whether the structure block is one node with everything else inside it, followed by the end mark.
    fn is_one_tree(&self) -> bool {
        let mut walk = self.walk();
        let Some(Token::BeginNode(_)) = walk.next() else { return false };
        let mut depth = 1usize;
        while depth > 0 {
            match walk.next() {
                Some(Token::BeginNode(_)) => depth += 1,
                Some(Token::EndNode) => depth -= 1,
                Some(Token::Property { .. }) => (),
                Some(Token::End) | None => return false,
            }
        }
        matches!(walk.next(), Some(Token::End))
    }

    fn walk(self) -> Walk<'a> {
        Walk { blocks: self, at: 0 }
    }
}

impl<'a> Walk<'a> {
    /// The next token, or `None` where the block ends early or makes no sense. Always moves forward.
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            match self.word()? {
                BEGIN_NODE => {
                    let name = until_nul(self.blocks.structure.get(self.at..)?)?;
                    self.skip(name.len() + 1);
                    return Some(Token::BeginNode(name));
                }
                END_NODE => return Some(Token::EndNode),
                PROP => {
                    let len = self.word()? as usize;
                    let name = until_nul(self.blocks.strings.get(self.word()? as usize..)?)?;
                    let value = range(self.blocks.structure, self.at, len)?;
                    self.skip(len);
                    return Some(Token::Property { name, value });
                }
                NOP => (),
                END => return Some(Token::End),
                _ => return None,
            }
        }
    }

    fn word(&mut self) -> Option<u32> {
        let word = be32(self.blocks.structure, self.at)?;
        self.at += 4;
        Some(word)
    }

    /// Moves on by `bytes`, which have been found to be within the block, and on to the next multiple of 4.
    fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).next_multiple_of(4);
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk))
}

/// `len` bytes from `at` on.
fn range(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(len)?)
}

fn until_nul(bytes: &[u8]) -> Option<&[u8]> {
    bytes.iter().position(|&byte| byte == 0).map(|end| &bytes[..end])
}

/// Whether a node's name is `wanted`, or `wanted` with a unit address behind it.
fn is_named(found: &[u8], wanted: &str) -> bool {
    found.strip_prefix(wanted.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'@')
}
