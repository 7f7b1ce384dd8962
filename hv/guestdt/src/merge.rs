//! A tree from the boot volume with our nodes in place of its own.

use alloc::vec::Vec;

use nex_boot::dtb::{Event, Tree};

use crate::writer::Writer;
use crate::{Error, Guest, nodes};

/// Children of the root that Nex writes itself, whatever their unit address.
const OURS: [&str; 3] = ["memory", "psci", "hypervisor"];
/// Properties of /chosen about the initial RAM disk: those of the volume's tree mean another boot.
const INITRD: [&str; 2] = ["linux,initrd-start", "linux,initrd-end"];

/// The tree `volume` with what Nex knows better.
///
/// - `/memory`, `/psci` and `/hypervisor` are ours. Others of these names are left out, with all that is below them.
/// - `/chosen` gets our initial RAM disk, and our command line unless that is empty. Its other properties and its children
///   stay. A second `/chosen` is left out.
/// - All else stays as it is, memory reservations included: node names, properties, their order, phandles.
///
/// Merging again gives the same bytes.
///
/// # Errors
/// [`Error`], any.
pub fn merge(volume: &[u8], guest: &Guest<'_>) -> Result<Vec<u8>, Error> {
    guest.check()?;
    let tree = Tree::new(volume).map_err(Error::Damaged)?;
    // Defaults: Devicetree Specification 0.4, 2.3.5.
    let cells = |name, default| match root_property(&tree, name) {
        None => Ok(default),
        Some(&[0, 0, 0, cells @ (1 | 2)]) => Ok(u32::from(cells)),
        Some(value) => {
            Err(Error::Cells(value.first_chunk().map_or(u32::MAX, |cells| u32::from_be_bytes(*cells))))
        }
    };
    let (address_cells, size_cells) = (cells("#address-cells", 2)?, cells("#size-cells", 1)?);

    let mut merge = Merge { out: Writer::new(), guest, depth: 0, left_out: None, chosen: Chosen::Missing };
    for event in tree.events() {
        if merge.out.has_failed() {
            break;
        }
        merge.event(event, address_cells, size_cells);
    }
    let mut reservations = Vec::new();
    for reservation in tree.memory_reservations() {
        reservations.try_reserve(1).map_err(|_| Error::OutOfMemory)?;
        reservations.push(reservation);
    }
    merge.out.finish(&reservations)
}

/// The first property of that name in the root.
fn root_property<'a>(tree: &Tree<'a>, wanted: &str) -> Option<&'a [u8]> {
    // The root's properties come before the second node.
    let mut nodes = 0;
    tree.events()
        .take_while(|event| {
            nodes += u32::from(matches!(event, Event::Begin(_)));
            nodes < 2
        })
        .find_map(|event| match event {
            Event::Property { name, value } if name == wanted => Some(value),
            _ => None,
        })
}

/// How far /chosen is.
#[derive(PartialEq, Eq)]
enum Chosen {
    /// Not seen yet.
    Missing,
    /// Among its properties.
    Open,
    /// Ours are in it.
    Done,
}

struct Merge<'g> {
    out: Writer,
    guest: &'g Guest<'g>,
    /// Nodes that are open; 1 in the root.
    depth: usize,
    /// The depth of the node that is being left out.
    left_out: Option<usize>,
    chosen: Chosen,
}

impl Merge<'_> {
    fn event(&mut self, event: Event<'_>, address_cells: u32, size_cells: u32) {
        match event {
            Event::Begin(name) => {
                self.end_of_properties();
                self.depth += 1;
                if self.left_out.is_none() && self.depth == 2 {
                    self.child_of_root(name);
                }
                if self.left_out.is_none() {
                    self.out.begin(name);
                }
            }
            Event::End => {
                self.end_of_properties();
                if self.depth == 1 {
                    self.last_nodes(address_cells, size_cells);
                }
                if self.left_out.is_none() {
                    self.out.end();
                } else if self.left_out == Some(self.depth) {
                    self.left_out = None;
                }
                self.depth -= 1;
            }
            Event::Property { name, value } => {
                let ours = self.chosen == Chosen::Open
                    && (INITRD.contains(&name) || name == "bootargs" && !self.guest.cmdline.is_empty());
                if self.left_out.is_none() && !ours {
                    self.out.property(name, value);
                }
            }
        }
    }

    /// Decides about the node `name` below the root.
    fn child_of_root(&mut self, name: &str) {
        let base = name.split('@').next().unwrap_or(name);
        if base == "chosen" && self.chosen == Chosen::Missing {
            self.chosen = Chosen::Open;
        } else if OURS.contains(&base) || base == "chosen" {
            self.left_out = Some(self.depth);
        }
    }

    /// Properties come before children: here ours go into /chosen, if that is where we are.
    fn end_of_properties(&mut self) {
        if self.chosen == Chosen::Open {
            nodes::chosen(&mut self.out, self.guest);
            self.chosen = Chosen::Done;
        }
    }

    /// At the end of the root.
    fn last_nodes(&mut self, address_cells: u32, size_cells: u32) {
        if self.chosen == Chosen::Missing {
            self.out.begin("chosen");
            nodes::chosen(&mut self.out, self.guest);
            self.out.end();
            self.chosen = Chosen::Done;
        }
        nodes::memory(&mut self.out, self.guest, address_cells, size_cells);
        nodes::psci(&mut self.out);
        nodes::hypervisor(&mut self.out);
    }
}
