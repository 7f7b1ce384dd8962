//! One device of a tree: its registers, interrupts and properties.

use super::{Path, Tree, has_string};
use crate::bootinfo::Bank;
use crate::bytes::{be_cells, be32, c_str};

/// Kind of a GIC interrupt, the first cell of its specifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterruptKind {
    /// Shared peripheral interrupt (cell value 0).
    Spi,
    /// Private peripheral interrupt (cell value 1).
    Ppi,
}

/// An interrupt in the three-cell format of the GIC binding (Linux `interrupt-controller/arm,gic.yaml`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GicInterrupt {
    /// Shared or private.
    pub kind: InterruptKind,
    /// The number as in the cell: SPI 0..=987, PPI 0..=15.
    pub number: u32,
    /// The third cell: bits 3..0 trigger (1 rising, 2 falling, 4 high, 8 low), bits 15..8 CPU mask of a PPI.
    pub flags: u32,
}

impl GicInterrupt {
    /// The interrupt ID the GIC uses: SPI + 32, PPI + 16 (ARM IHI 0048B 2.2.1).
    pub const fn intid(&self) -> u32 {
        match self.kind {
            InterruptKind::Spi => self.number + 32,
            InterruptKind::Ppi => self.number + 16,
        }
    }

    /// Whether the line is edge-triggered rather than level-sensitive.
    pub const fn is_edge(&self) -> bool {
        self.flags & 3 != 0
    }
}

/// A node of a device tree with its place in it.
#[derive(Clone)]
pub struct Device<'a> {
    tree: Tree<'a>,
    path: Path<'a>,
}

impl<'a> Device<'a> {
    pub(super) fn new(tree: Tree<'a>, path: Path<'a>) -> Self {
        Self { tree, path }
    }

    /// Name with unit address, such as "pl011@9000000"; empty for the root.
    pub fn name(&self) -> &'a str {
        self.path.last().map_or("", |node| node.name.text())
    }

    /// The bytes of a property.
    pub fn property(&self, name: &str) -> Option<&'a [u8]> {
        self.tree.property(self.path.last()?, name)
    }

    /// A string property, or the first string of a list. `None` if it is missing, without NUL, or not UTF-8.
    pub fn property_str(&self, name: &str) -> Option<&'a str> {
        c_str(self.property(name)?)
    }

    /// A property of exactly one cell.
    pub fn property_u32(&self, name: &str) -> Option<u32> {
        let value = self.property(name)?;
        if value.len() == 4 { be32(value, 0) } else { None }
    }

    /// Whether `compatible` has one of the strings.
    pub fn is_compatible(&self, wanted: &[&str]) -> bool {
        self.property("compatible").is_some_and(|list| has_string(list, wanted))
    }

    /// Whether the node itself is enabled: `status` missing, "okay", or the old "ok".
    pub(crate) fn is_enabled_itself(&self) -> bool {
        match self.property("status") {
            None => true,
            Some(value) => value.starts_with(b"okay\0") || value.starts_with(b"ok\0"),
        }
    }

    /// A `#...-cells` property of the ancestor at `index` of the path.
    fn cells(&self, index: usize, name: &str, default: u32) -> Option<usize> {
        let value = self.tree.property(self.path.get(index)?, name);
        Some(value.map_or(Some(default), |value| be32(value, 0))? as usize)
    }

    /// Entry `n` of `reg` as written, in the address space of the parent.
    pub(crate) fn reg_untranslated(&self, n: usize) -> Option<Bank> {
        let parent = self.path.len().checked_sub(2)?;
        let address_cells = self.cells(parent, "#address-cells", 2)?;
        let size_cells = self.cells(parent, "#size-cells", 1)?;
        if address_cells == 0 || address_cells > 2 || size_cells > 2 {
            return None;
        }
        let reg = self.property("reg")?;
        let at = n.checked_mul(4 * (address_cells + size_cells))?;
        Some(Bank {
            start: be_cells(reg, at, address_cells)?,
            bytes: be_cells(reg, at.checked_add(4 * address_cells)?, size_cells)?,
        })
    }

    /// Entry `n` of `reg` as a range of CPU addresses, translated by the `ranges` of every bus above the device.
    ///
    /// `None` if there is no such entry, if its addresses have more than 64 bits, or if a bus on the way up has no
    /// `ranges` that cover it: then the CPU cannot reach the device by loads and stores.
    pub fn reg(&self, n: usize) -> Option<Bank> {
        let mut bank = self.reg_untranslated(n)?;
        for bus in (1..self.path.len() - 1).rev() {
            bank.start = self.to_parent(bus, bank)?;
        }
        Some(bank)
    }

    /// Translates `bank` from the address space of the bus at `index` of the path to that of its parent.
    fn to_parent(&self, index: usize, bank: Bank) -> Option<u64> {
        let ranges = self.tree.property(self.path.get(index)?, "ranges")?;
        if ranges.is_empty() {
            return Some(bank.start);
        }
        let child_cells = self.cells(index, "#address-cells", 2)?;
        let parent_cells = self.cells(index - 1, "#address-cells", 2)?;
        let size_cells = self.cells(index, "#size-cells", 1)?;
        if child_cells > 2 || parent_cells > 2 || size_cells > 2 {
            return None;
        }
        let entry_bytes = 4 * (child_cells + parent_cells + size_cells);
        if entry_bytes == 0 {
            return None;
        }
        ranges.chunks_exact(entry_bytes).find_map(|entry| {
            let child = be_cells(entry, 0, child_cells)?;
            let parent = be_cells(entry, 4 * child_cells, parent_cells)?;
            let bytes = be_cells(entry, 4 * (child_cells + parent_cells), size_cells)?;
            let offset = bank.start.checked_sub(child)?;
            let fits = offset < bytes && bank.bytes <= bytes - offset;
            if fits { parent.checked_add(offset) } else { None }
        })
    }

    /// Entry `n` of `interrupts`.
    ///
    /// `None` if there is no such entry, if the interrupt parent does not use three cells as a GIC does, or if kind or
    /// number are outside what a GIC has.
    pub fn interrupt(&self, n: usize) -> Option<GicInterrupt> {
        let phandle = self.path.iter().rev().find_map(|node| self.tree.property(node, "interrupt-parent"))?;
        let parent = self.tree.by_phandle(be32(phandle, 0)?)?;
        if be32(self.tree.property(&parent, "#interrupt-cells")?, 0)? != 3 {
            return None;
        }
        let list = self.property("interrupts")?;
        let at = n.checked_mul(12)?;
        let number = be32(list, at.checked_add(4)?)?;
        let flags = be32(list, at.checked_add(8)?)?;
        let kind = match be32(list, at)? {
            0 if number < 988 => InterruptKind::Spi,
            1 if number < 16 => InterruptKind::Ppi,
            _ => return None,
        };
        Some(GicInterrupt { kind, number, flags })
    }
}
