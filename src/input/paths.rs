//! Which values are wanted, as a tree of keys that a decoder walks beside a record.

use smol_str::SmolStr;

use crate::model::Serial;

/// The paths that some rule needs, in a fixed order: `time`, `properties.deviceId`.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    paths: Vec<Vec<SmolStr>>,
    nodes: Vec<Node>,
    /// Tells these paths from all others: copies share it, and whoever adds a path gets another.
    serial: Serial,
}

/// One key of the tree. The root stands for the record itself and has index [`Paths::ROOT`].
#[derive(Clone, Debug, Default)]
struct Node {
    /// Bit n is set when some child's key has n bytes (the last bit: 63 or more). Most keys of a record are refused here.
    lengths: u64,
    children: Vec<(Box<[u8]>, usize)>,
    /// The place of the path that ends here.
    place: Option<usize>,
    /// The places of all paths that end here or below.
    under: Vec<usize>,
}

impl Paths {
    pub(super) const ROOT: usize = 0;

    /// The place of this dotted path, added when new. Keys are compared as they stand, case and all.
    pub fn intern(&mut self, path: &str) -> usize {
        let path: Vec<SmolStr> = path.split('.').map(SmolStr::new).collect();
        self.paths.iter().position(|known| *known == path).unwrap_or_else(|| {
            let place = self.paths.len();
            self.plant(&path, place);
            self.paths.push(path);
            self.serial = Serial::default();
            place
        })
    }

    /// The paths, each as its keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[SmolStr]> {
        self.paths.iter().map(Vec::as_slice)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether these are the same paths in the same order, for one is a copy of the other.
    pub(super) fn are(&self, others: &Self) -> bool {
        self.serial == others.serial
    }

    /// The node of a key below a node, when a path leads there.
    #[inline]
    pub(super) fn child(&self, node: usize, key: &[u8]) -> Option<usize> {
        let node = self.nodes.get(node)?;
        if node.lengths & length_bit(key) == 0 {
            return None;
        }
        node.children.iter().find(|(name, _)| **name == *key).map(|&(_, child)| child)
    }

    /// The place of the path that ends at a node.
    pub(super) fn place(&self, node: usize) -> Option<usize> {
        self.nodes.get(node).and_then(|node| node.place)
    }

    /// Whether some path leads on from a node.
    pub(super) fn leads_on(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| !node.children.is_empty())
    }

    /// The places of all paths that end at a node or below it.
    pub(super) fn under(&self, node: usize) -> &[usize] {
        self.nodes.get(node).map_or(&[], |node| &node.under)
    }

    fn plant(&mut self, path: &[SmolStr], place: usize) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = Self::ROOT;
        for key in path {
            let key = key.as_bytes();
            let next = self.child(at, key).unwrap_or(self.nodes.len());
            if next == self.nodes.len() {
                self.nodes.push(Node::default());
                if let Some(node) = self.nodes.get_mut(at) {
                    node.lengths |= length_bit(key);
                    node.children.push((key.into(), next));
                }
            }
            if let Some(node) = self.nodes.get_mut(next) {
                node.under.push(place);
            }
            at = next;
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.place = Some(place);
        }
    }
}

fn length_bit(key: &[u8]) -> u64 {
    1 << key.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_its_place_when_it_is_asked_for_again() {
        let mut paths = Paths::default();
        assert_eq!([paths.intern("a.b"), paths.intern("a"), paths.intern("a.b")], [0, 1, 0]);
        assert_eq!(paths.len(), 2);
    }

    #[test]
    fn paths_are_known_as_a_copy_until_one_is_added() {
        let mut paths = Paths::default();
        paths.intern("a");
        let mut copy = paths.clone();
        copy.intern("a");
        assert!(paths.are(&copy));
        copy.intern("b");
        assert!(!paths.are(&copy));
        paths.intern("b");
        assert!(!paths.are(&copy), "the same by chance");
    }

    #[test]
    fn the_tree_knows_what_ends_at_a_key_and_what_lies_below() {
        let mut paths = Paths::default();
        for path in ["a.b", "a", "a.c.d", "e"] {
            paths.intern(path);
        }
        let a = paths.child(Paths::ROOT, b"a").unwrap_or_default();
        assert_eq!((paths.place(a), paths.leads_on(a), paths.under(a)), (Some(1), true, &[0, 1, 2][..]));
        assert_eq!(paths.child(a, b"e"), None);
        let e = paths.child(Paths::ROOT, b"e").unwrap_or_default();
        assert_eq!((paths.place(e), paths.leads_on(e)), (Some(3), false));
    }
}
