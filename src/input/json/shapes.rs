//! The shapes of the records so far, so that one more of the same shape is compared with it and not parsed.
//!
//! A log repeats itself but for some values: the shape of a record is the bytes that stand between these, and the
//! shapes of a log are a tree of such bytes, each with what stands after it. That a record fits a shape is exact: from
//! the same bytes on the same way the parser comes into the same state, inside a string or before a scalar, and what is
//! in the hole cannot get it out of there. So it would find what was found in the record that the shape was learnt
//! from, but for the contents of the holes. All bytes are compared, up to the end. A record that fits none is parsed.

use crate::input::json::outline::{Hole, outline};
use crate::input::json::{Quoted, capture_scalar, capture_text, is_word};
use crate::input::structural::{closing_quote, text_stop};
use crate::input::{Paths, Row};

/// Shapes are kept for so many sets of paths, the newest.
const MAX_TREES: usize = 8;
/// A tree grows until it has so many bytes, and has so many ways at most to go on from one place.
const MAX_BYTES: usize = 1 << 16;
const MAX_BRANCHES: usize = 24;
/// Longer records are not learnt, and longer stretches of what nobody wants not taken as one.
const MAX_RECORD: usize = 1 << 14;
const MAX_STRETCH: usize = 1 << 9;
/// Of so many records half must have been known, or all is forgotten and so many times more are just parsed.
const TRIAL: u32 = 1 << 10;
const REST: u32 = 8;

/// The shapes that were met, for each set of wanted paths.
#[derive(Clone, Debug, Default)]
pub(in crate::input) struct Shapes {
    trees: Vec<Tree>,
}

#[derive(Clone, Debug)]
struct Tree {
    wanted: Paths,
    /// The ways to go on from each place; the first place is the beginning of the record.
    places: Vec<Vec<Branch>>,
    bytes: usize,
    /// Records since the last judgement, and how many of them were known.
    seen: u32,
    known: u32,
    /// So many records are just parsed.
    resting: u32,
    /// Records in succession, as a power of two, of which nothing could be learnt; and how many to let pass now.
    barren: u32,
    passing: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Branch {
    bytes: Box<[u8]>,
    hole: Hole,
    /// The place after the hole.
    next: usize,
}

/// Finds in a record of a known shape all that parsing it would find. When it returns false, the row is unspecified.
#[inline]
pub(super) fn recall(record: &[u8], wanted: &Paths, row: &mut Row) -> bool {
    let mut shapes = std::mem::take(&mut row.shapes);
    let known = shapes.tree(wanted).is_some_and(|tree| tree.recall(record, row));
    row.shapes = shapes;
    known
}

impl Shapes {
    fn tree(&mut self, wanted: &Paths) -> Option<&mut Tree> {
        let at = self.trees.iter().position(|tree| tree.wanted.are(wanted))?;
        self.trees.get_mut(at)
    }

    /// Learns the shape of a record that was parsed and is whole.
    pub(super) fn learn(&mut self, record: &[u8], wanted: &Paths) {
        if let Some(tree) = self.tree(wanted) {
            return tree.learn(record);
        }
        if self.trees.len() >= MAX_TREES {
            self.trees.remove(0);
        }
        let mut tree = Tree::new(wanted);
        tree.learn(record);
        self.trees.push(tree);
    }
}

impl Tree {
    fn new(wanted: &Paths) -> Self {
        Self {
            wanted: wanted.clone(),
            places: vec![Vec::new()],
            bytes: 0,
            seen: 0,
            known: 0,
            resting: 0,
            barren: 0,
            passing: 0,
        }
    }

    fn recall(&mut self, record: &[u8], row: &mut Row) -> bool {
        if self.resting > 0 {
            self.resting -= 1;
            return false;
        }
        row.reset(self.wanted.len());
        let known = self.fits(record, row).is_some();
        self.seen += 1;
        self.known += u32::from(known);
        if self.seen == TRIAL {
            if self.known < TRIAL / 2 {
                *self = Self { resting: TRIAL * REST, ..Self::new(&self.wanted) };
            }
            (self.seen, self.known) = (0, 0);
        }
        known
    }

    /// Follows the record through the tree to its end, and fills the row.
    fn fits(&self, record: &[u8], row: &mut Row) -> Option<()> {
        let mut rest = record;
        let mut place = 0;
        loop {
            let ways = self.places.get(place)?;
            let (branch, tail) = ways.iter().find_map(|way| Some((way, rest.strip_prefix(&*way.bytes)?)))?;
            place = branch.next;
            rest = match branch.hole {
                Hole::Text(to) => text(tail, to, row)?,
                Hole::Inner(to) => inner(tail, to, row)?,
                Hole::Scalar(to) => scalar(tail, to, row)?,
                Hole::End => return tail.is_empty().then_some(()),
            };
        }
    }

    fn learn(&mut self, record: &[u8]) {
        if self.resting > 0 || self.bytes >= MAX_BYTES || record.len() > MAX_RECORD {
            return;
        }
        if self.passing > 0 {
            self.passing -= 1;
            return;
        }
        let Some(parts) = outline(record, &self.wanted) else {
            self.passing = 1 << self.barren;
            self.barren = (self.barren + 1).min(8);
            return;
        };
        self.barren = 0;
        let mut place = 0;
        // From the end of a wanted value to the next: the place, the index, and what is not wanted between.
        let mut stretch: Option<(usize, usize)> = None;
        let mut skipped = Vec::new();
        for (range, hole) in parts {
            let (from, begin) = *stretch.get_or_insert((place, range.start));
            let Some(next) = self.way(place, record.get(range.clone()).unwrap_or_default(), hole, None)
            else {
                return;
            };
            place = next;
            if matches!(hole, Hole::Text(None) | Hole::Inner(None) | Hole::Scalar(None)) {
                skipped.push(hole);
                continue;
            }
            // Text that nobody wants is often the same, and then one comparison does for all of the stretch.
            let whole = record.get(begin..range.end).unwrap_or_default();
            if !skipped.is_empty() && !skipped.contains(&Hole::Scalar(None)) && whole.len() <= MAX_STRETCH {
                self.way(from, whole, hole, Some(place));
            }
            stretch = None;
            skipped.clear();
        }
    }

    /// The place to which these bytes and what comes after them lead; by a new way, to a new place unless there is one.
    fn way(&mut self, from: usize, bytes: &[u8], hole: Hole, to: Option<usize>) -> Option<usize> {
        let new = self.places.len();
        let ways = self.places.get_mut(from)?;
        if let Some(known) = ways.iter().find(|way| *way.bytes == *bytes && way.hole == hole) {
            return Some(known.next);
        }
        if ways.len() >= MAX_BRANCHES {
            return None;
        }
        let next = to.unwrap_or(new);
        let at = if to.is_some() { 0 } else { ways.len() };
        ways.insert(at, Branch { bytes: bytes.into(), hole, next });
        self.bytes += bytes.len();
        if to.is_none() {
            self.places.push(Vec::new());
        }
        Some(next)
    }
}

/// A string of the record itself; what follows its inside.
#[inline]
fn text<'r>(rest: &'r [u8], to: Option<usize>, row: &mut Row) -> Option<&'r [u8]> {
    if let Some(tail) = to.and_then(|to| row.set_again(to, rest, b'"')) {
        return Some(tail);
    }
    let (raw, tail) = rest.split_at_checked(text_stop(rest)?)?;
    if tail.first() == Some(&b'"') {
        to.into_iter().for_each(|to| row.set_plain(to, raw));
        return Some(tail);
    }
    let (len, escaped) = closing_quote(rest)?;
    let (raw, tail) = rest.split_at_checked(len)?;
    to.into_iter().for_each(|to| capture_text(row, 0, to, Quoted { raw, escaped }));
    Some(tail)
}

/// A string of text within a string, up to the first quote or backslash. If its end is not there, the bytes of the shape
/// do not follow.
#[inline]
fn inner<'r>(rest: &'r [u8], to: Option<usize>, row: &mut Row) -> Option<&'r [u8]> {
    if let Some(tail) = to.and_then(|to| row.set_again(to, rest, b'\\')) {
        return Some(tail);
    }
    let (raw, tail) = rest.split_at_checked(text_stop(rest)?)?;
    to.into_iter().for_each(|to| row.set_plain(to, raw));
    Some(tail)
}

/// A number or a word.
#[inline]
fn scalar<'r>(rest: &'r [u8], to: Option<usize>, row: &mut Row) -> Option<&'r [u8]> {
    let len = rest.iter().take_while(|&&byte| is_word(byte)).count();
    let (word, tail) = rest.split_at_checked(len).filter(|_| len > 0)?;
    if let Some(to) = to {
        capture_scalar(row, to, word);
    }
    Some(tail)
}

#[cfg(test)]
mod tests;
