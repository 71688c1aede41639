//! What a decoder found in one record.

use crate::input::escape::push_text;
use crate::input::json::Shapes;

/// The values of one record at the wanted paths; reused from record to record.
#[derive(Clone, Debug, Default)]
pub struct Row {
    cells: Vec<Cell>,
    partial: bool,
    /// Memory for text on its way into a cell, one for each level of text inside text.
    scratch: Vec<Vec<u8>>,
    /// How the records before looked.
    pub(super) shapes: Shapes,
}

/// One value as the record spells it.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    kind: CellKind,
    /// The spelling; while nothing is here, that of an earlier record, which may come again.
    text: String,
    seen: bool,
    /// Whether the text is known to have neither quotes nor backslashes.
    plain: bool,
}

/// What a record holds at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellKind {
    /// Nothing, or `null`.
    #[default]
    Missing,
    /// Text; escapes are resolved.
    Text,
    /// A number in the record's own spelling.
    Number,
    /// `true` or `false`.
    Bool,
    /// An object or an array, as it stands.
    Nested,
}

impl Cell {
    /// What is here.
    pub fn kind(&self) -> CellKind {
        self.kind
    }

    /// The spelling; empty when missing.
    pub fn text(&self) -> &str {
        if self.kind == CellKind::Missing { "" } else { &self.text }
    }

    fn clear(&mut self) {
        self.kind = CellKind::Missing;
        self.seen = false;
    }

    /// The text buffer, emptied.
    fn open(&mut self, kind: CellKind) -> &mut String {
        self.kind = kind;
        self.seen = true;
        self.plain = false;
        self.text.clear();
        &mut self.text
    }

    /// What follows the text that was here last, when it stands at the beginning of `rest` and ends with this byte.
    #[inline]
    pub(super) fn again<'r>(&self, rest: &'r [u8], end: u8) -> Option<&'r [u8]> {
        rest.strip_prefix(self.text.as_bytes()).filter(|tail| self.plain && tail.first() == Some(&end))
    }

    /// The text that was here last has come again.
    #[inline]
    pub(super) fn keep(&mut self) {
        self.kind = CellKind::Text;
        self.seen = true;
    }

    /// Sets text that has neither quotes nor backslashes.
    #[inline]
    pub(super) fn set_plain(&mut self, raw: &[u8]) {
        push_text(raw, self.open(CellKind::Text));
        self.plain = true;
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.text(), self.seen) == (other.kind, other.text(), other.seen)
    }
}

impl Row {
    /// Empties the row for a record with so many wanted paths, keeping the memory.
    pub fn reset(&mut self, len: usize) {
        self.partial = false;
        self.cells.truncate(len);
        self.cells.iter_mut().for_each(Cell::clear);
        self.cells.resize_with(len, Cell::default);
    }

    /// Sets one value; the last one wins. `Missing` says that the record has the key and no value: `null`.
    pub fn set(&mut self, at: usize, kind: CellKind, text: &str) {
        if let Some(buffer) = self.buffer(at, kind) {
            buffer.push_str(text);
        }
    }

    /// The text buffer of a cell, emptied and marked as `kind`, for decoders that build the text in place.
    pub fn buffer(&mut self, at: usize, kind: CellKind) -> Option<&mut String> {
        self.cells.get_mut(at).map(|cell| cell.open(kind))
    }

    /// The cell itself, for a decoder that knows what was in it before.
    #[inline]
    pub(super) fn cell(&mut self, at: usize) -> Option<&mut Cell> {
        self.cells.get_mut(at)
    }

    /// The value at one place.
    pub fn get(&self, at: usize) -> Option<&Cell> {
        self.cells.get(at).filter(|cell| cell.kind != CellKind::Missing)
    }

    /// Whether the record has something at this place, be it `null`.
    pub fn has(&self, at: usize) -> bool {
        self.cells.get(at).is_some_and(|cell| cell.seen)
    }

    /// Says that a part of the record could not be read.
    pub fn set_partial(&mut self) {
        self.partial = true;
    }

    /// Whether a part of the record could not be read.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// Forgets one value: the record repeats a key on the way to it.
    pub(super) fn forget(&mut self, at: usize) {
        if let Some(cell) = self.cells.get_mut(at)
            && cell.seen
        {
            cell.clear();
        }
    }

    /// Takes the scratch memory of a level; give it back with [`Row::put_scratch`].
    pub(super) fn take_scratch(&mut self, level: usize) -> Vec<u8> {
        self.scratch.get_mut(level).map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn put_scratch(&mut self, level: usize, mut memory: Vec<u8>) {
        if self.scratch.len() <= level {
            self.scratch.resize_with(level + 1, Vec::new);
        }
        if let Some(slot) = self.scratch.get_mut(level) {
            memory.clear();
            *slot = memory;
        }
    }
}
