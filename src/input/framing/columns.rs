//! The columns of a table, and its rows as the objects that they stand for.

use crate::input::framing::{Out, Place};
use crate::model::Reject;

/// The columns of a table: what their values are called, each as the key of a JSON object.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    keys: Vec<Vec<u8>>,
    /// The row in progress as an object.
    object: Vec<u8>,
    /// Values written so far.
    filled: usize,
}

impl Columns {
    pub(super) fn new(names: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let key = |name: &[u8]| {
            let mut key = Vec::with_capacity(name.len() + 3);
            push_string(name, &mut key);
            key.push(b':');
            key
        };
        let keys = names.into_iter().map(|name| key(name.as_ref())).collect();
        Self { keys, object: Vec::new(), filled: 0 }
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        self.keys.iter().map(Vec::capacity).sum::<usize>() + self.object.capacity()
    }

    /// The next value of the row as JSON spells it.
    pub(super) fn raw(&mut self, value: &[u8]) {
        self.key();
        self.object.extend_from_slice(value);
    }

    /// The next value of the row, given as text.
    pub(super) fn text(&mut self, value: &[u8]) {
        self.key();
        push_string(value, &mut self.object);
    }

    fn key(&mut self) {
        self.object.push(if self.filled == 0 { b'{' } else { b',' });
        self.object.extend_from_slice(self.keys.get(self.filled).map_or(&b"\"\":"[..], Vec::as_slice));
        self.filled += 1;
    }

    /// Ends the row: a record, if it has a value for each column.
    ///
    /// # Errors
    ///
    /// `Columns`, when it has more or fewer.
    pub(super) fn end_row(&mut self, place: Place, out: Out<'_>) -> Result<(), Reject> {
        self.object.push(b'}');
        let fits = std::mem::take(&mut self.filled) == self.keys.len();
        if fits {
            place.record(&self.object, out);
        }
        self.object.clear();
        if fits { Ok(()) } else { Err(Reject::Columns) }
    }
}

/// Text as a JSON string. Bytes that are not UTF-8 stay as they are.
fn push_string(text: &[u8], into: &mut Vec<u8>) {
    into.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => into.extend([b'\\', byte]),
            b'\n' => into.extend(b"\\n"),
            b'\r' => into.extend(b"\\r"),
            b'\t' => into.extend(b"\\t"),
            0..0x20 => {
                let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
                into.extend([b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            }
            _ => into.push(byte),
        }
    }
    into.push(b'"');
}
