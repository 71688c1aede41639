//! What a decoder found in one record.

use crate::input::escape::push_text;
use crate::input::json::Shapes;
use crate::model::Serial;

/// The values of one record at the wanted paths; reused from record to record.
#[derive(Debug, Default)]
pub struct Row {
    cells: Vec<Cell>,
    /// Which row this is, and the number of its record: cells of another number hold nothing of it.
    serial: Serial,
    record: u64,
    /// Whether something was set since the row was emptied.
    touched: bool,
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
    text: String,
    /// The number of the last record that had something here, and of the one before it that had.
    record: u64,
    earlier: u64,
    /// The number of the record that brought the text.
    since: u64,
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
        &self.text
    }

    #[inline]
    fn touch(&mut self, record: u64) {
        if self.record != record {
            self.earlier = std::mem::replace(&mut self.record, record);
        }
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text
    }
}

impl Clone for Row {
    fn clone(&self) -> Self {
        let Self { cells, record, touched, partial, scratch, shapes, .. } = self;
        let (cells, scratch, shapes) = (cells.clone(), scratch.clone(), shapes.clone());
        // From here on the two may hold different records of the same number.
        Self {
            cells,
            serial: Serial::default(),
            record: *record,
            touched: *touched,
            partial: *partial,
            scratch,
            shapes,
        }
    }
}

impl Row {
    /// Empties the row for a record with so many wanted paths, keeping the memory.
    pub fn reset(&mut self, len: usize) {
        self.partial = false;
        self.record += u64::from(std::mem::replace(&mut self.touched, false) || self.record == 0);
        if self.cells.len() != len {
            self.cells.resize_with(len, Cell::default);
        }
    }

    /// Sets one value; the last one wins. `Missing` says that the record has the key and no value: `null`.
    pub fn set(&mut self, at: usize, kind: CellKind, text: &str) {
        if let Some(buffer) = self.buffer(at, kind) {
            buffer.push_str(text);
        }
    }

    /// The text buffer of a cell, emptied and marked as `kind`, for decoders that build the text in place.
    pub fn buffer(&mut self, at: usize, kind: CellKind) -> Option<&mut String> {
        self.touched = true;
        let cell = self.cells.get_mut(at)?;
        cell.touch(self.record);
        (cell.kind, cell.since, cell.plain) = (kind, self.record, false);
        cell.text.clear();
        Some(&mut cell.text)
    }

    /// The value at one place.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&Cell> {
        self.cells.get(at).filter(|cell| cell.record == self.record && cell.kind != CellKind::Missing)
    }

    /// Whether the record has something at this place, be it `null`.
    pub fn has(&self, at: usize) -> bool {
        self.cells.get(at).is_some_and(|cell| cell.record == self.record)
    }

    /// Sets the text that some record before had at this place, if `rest` begins with it and this byte, a quote or a
    /// backslash, comes next; gives what follows the text.
    #[inline]
    pub(super) fn set_again<'r>(&mut self, at: usize, rest: &'r [u8], end: u8) -> Option<&'r [u8]> {
        let cell = self.cells.get_mut(at).filter(|cell| cell.plain)?;
        let tail = rest.strip_prefix(cell.text.as_bytes()).filter(|tail| tail.first() == Some(&end))?;
        cell.touch(self.record);
        self.touched = true;
        Some(tail)
    }

    /// Sets text that has neither quotes nor backslashes.
    #[inline]
    pub(super) fn set_plain(&mut self, at: usize, raw: &[u8]) {
        if let Some(text) = self.buffer(at, CellKind::Text) {
            push_text(raw, text);
        }
        self.cells.get_mut(at).into_iter().for_each(|cell| cell.plain = true);
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
            && cell.record == self.record
        {
            cell.record = cell.earlier;
        }
    }

    /// Which record of which row this is.
    pub(super) fn number(&self) -> (Serial, u64) {
        (self.serial, self.record)
    }

    /// Whether the record of the number before this one had the same at this place, or neither has anything.
    #[inline]
    pub(super) fn is_same(&self, at: usize) -> bool {
        self.cells.get(at).is_some_and(|cell| match cell.record {
            record if record == self.record => cell.since < record && cell.earlier + 1 == record,
            earlier => earlier + 1 < self.record,
        })
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
