//! One record a line.

use crate::input::framing::{Out, Place};
use crate::input::structural::is_binary;
use crate::model::Reject;

/// Cuts at line ends. A blank line is no record.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    /// Where the current line begins.
    pub(super) place: Place,
    pub(super) limit: usize,
    /// What earlier chunks held of the current line.
    held: Vec<u8>,
    /// Bytes of the current line in earlier chunks, kept or not.
    len: u64,
}

impl Lines {
    pub(super) fn new(place: Place, limit: usize) -> Self {
        Self { place, limit, held: Vec::new(), len: 0 }
    }

    pub(super) fn held(&self) -> usize {
        self.held.capacity()
    }

    pub(super) fn push(&mut self, chunk: &[u8], out: Out<'_>) {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let line = rest.get(..end).unwrap_or_default();
            if self.len == 0 {
                self.line(line, line.len() as u64, out);
            } else {
                self.hold(line);
                self.held_line(out);
            }
            self.place.line += 1;
            self.place.offset += self.len + end as u64 + 1;
            self.len = 0;
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        if !rest.is_empty() {
            self.hold(rest);
            self.len += rest.len() as u64;
        }
    }

    pub(super) fn finish(&mut self, out: Out<'_>) {
        if self.len > 0 {
            self.held_line(out);
        }
        self.len = 0;
    }

    /// Keeps a part of the line as long as the whole may still be a record.
    fn hold(&mut self, part: &[u8]) {
        if self.held.len() + part.len() <= self.limit && self.held.len() as u64 == self.len {
            self.held.extend_from_slice(part);
        } else {
            self.held.clear();
        }
    }

    fn held_line(&mut self, out: Out<'_>) {
        let line = std::mem::take(&mut self.held);
        // Nothing held of a line that has bytes: it was too long.
        let len = if line.is_empty() { u64::MAX } else { line.len() as u64 };
        self.line(&line, len, out);
        self.held = line;
        self.held.clear();
    }

    fn line(&self, line: &[u8], len: u64, out: Out<'_>) {
        if len > self.limit as u64 {
            return self.place.reject(Reject::Oversize, out);
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        if is_binary(line) {
            return self.place.reject(Reject::Binary, out);
        }
        self.place.record(line, out);
    }
}
