//! A plain model of a tree, and a plain way to write it.
#![allow(dead_code, reason = "each test file uses a part")]

use nex_boot::dtb::{Event, Tree};
use nex_guestdt::Guest;

pub(crate) const GUEST: Guest<'static> = Guest {
    ram_bytes: 256 << 20,
    cmdline: "",
    initrd: None,
    cpu: "arm,cortex-a15",
    cpus: 1,
    flash_bytes: 0,
    pmu: None,
};

/// A node with all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) properties: Vec<(String, Vec<u8>)>,
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// The root of a blob.
    pub(crate) fn of(blob: &[u8]) -> Node {
        let tree = Tree::new(blob).unwrap();
        let mut open: Vec<Node> = Vec::new();
        for event in tree.events() {
            match event {
                Event::Begin(name) => open.push(Node { name: name.into(), ..Node::default() }),
                Event::Property { name, value } => {
                    open.last_mut().unwrap().properties.push((name.into(), value.into()));
                }
                Event::End => {
                    let node = open.pop().unwrap();
                    match open.last_mut() {
                        Some(parent) => parent.children.push(node),
                        None => return node,
                    }
                }
            }
        }
        panic!("the root has no end");
    }

    /// The first node at a path such as `/cpus/cpu@0`.
    pub(crate) fn find(&self, path: &str) -> Option<&Node> {
        path.split('/')
            .filter(|part| !part.is_empty())
            .try_fold(self, |node, part| node.children.iter().find(|child| child.name == part))
    }

    pub(crate) fn property(&self, name: &str) -> Option<&[u8]> {
        self.properties.iter().find(|(found, _)| found == name).map(|(_, value)| &value[..])
    }

    /// Calls `each` for this node, which is at `path`, and all below it. The root's path is `/`.
    pub(crate) fn visit(&self, path: &str, each: &mut dyn FnMut(&str, &Node)) {
        each(if path.is_empty() { "/" } else { path }, self);
        for child in &self.children {
            child.visit(&format!("{path}/{}", child.name), each);
        }
    }

    /// A blob with this root. Names are not shared, and the strings come first: legal, and unlike what we write.
    pub(crate) fn blob(&self, reservations: &[(u64, u64)]) -> Vec<u8> {
        let (mut structure, mut strings) = (Vec::new(), Vec::new());
        self.write(&mut structure, &mut strings);
        structure.extend(9u32.to_be_bytes());
        let reservations: Vec<u8> = reservations
            .iter()
            .chain(&[(0, 0)])
            .flat_map(|(address, bytes)| [address.to_be_bytes(), bytes.to_be_bytes()])
            .flatten()
            .collect();
        strings.resize(strings.len().next_multiple_of(8), 0);
        let strings_at = 40;
        let reservations_at = strings_at + strings.len();
        let structure_at = reservations_at + reservations.len();
        let total = structure_at + structure.len();
        let header = [
            0xd00d_feed,
            total,
            structure_at,
            strings_at,
            reservations_at,
            17,
            16,
            0,
            strings.len(),
            structure.len(),
        ];
        let mut blob: Vec<u8> = header.iter().flat_map(|word| (*word as u32).to_be_bytes()).collect();
        blob.extend(strings);
        blob.extend(reservations);
        blob.extend(structure);
        blob
    }

    fn write(&self, structure: &mut Vec<u8>, strings: &mut Vec<u8>) {
        let pad = |block: &mut Vec<u8>| block.resize(block.len().next_multiple_of(4), 0);
        structure.extend(1u32.to_be_bytes());
        structure.extend(self.name.as_bytes());
        structure.push(0);
        pad(structure);
        for (name, value) in &self.properties {
            for word in [3, value.len() as u32, strings.len() as u32] {
                structure.extend(word.to_be_bytes());
            }
            strings.extend(name.as_bytes());
            strings.push(0);
            structure.extend(value);
            pad(structure);
        }
        for child in &self.children {
            child.write(structure, strings);
        }
        structure.extend(2u32.to_be_bytes());
    }
}
