//! Records that go on over lines: a line that does not look like the first line of a record belongs to the one before.

use std::sync::Arc;

use crate::input::Layout;
use crate::input::framing::lines::Lines;
use crate::input::framing::{Framed, Out, Place, Restart};
use crate::model::Reject;

/// Cuts at the lines that begin a record. Blank lines are left out.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    pub(super) lines: Lines,
    record: Record,
}

#[derive(Clone, Debug)]
struct Record {
    layout: Arc<Layout>,
    limit: usize,
    place: Place,
    /// The lines so far, each but the first behind a line end; empty when there is no record to go on with.
    held: Vec<u8>,
    /// Whether further lines belong to something that was rejected.
    rejected: bool,
}

impl Joined {
    pub(super) fn new(lines: Lines, layout: Arc<Layout>) -> Self {
        let (place, limit) = (lines.place, lines.limit);
        Self { lines, record: Record { layout, limit, place, held: Vec::new(), rejected: false } }
    }

    pub(super) fn held(&self) -> usize {
        self.lines.held() + self.record.held.capacity()
    }

    /// The record that is held begins anew; where none is, the line that is.
    pub(super) fn restart(&self) -> Restart {
        if self.record.held.is_empty() {
            Restart { rejected: self.record.rejected, ..Restart::at(self.lines.place) }
        } else {
            Restart::at(self.record.place)
        }
    }

    pub(super) fn begin_at(&mut self, place: Place, rejected: bool) {
        self.lines.place = place;
        self.record.rejected = rejected;
    }

    pub(super) fn push(&mut self, chunk: &[u8], out: Out<'_>) {
        let Self { lines, record } = self;
        lines.push(chunk, &mut |framed| record.take(framed, out));
    }

    pub(super) fn finish(&mut self, out: Out<'_>) {
        let Self { lines, record } = self;
        lines.finish(&mut |framed| record.take(framed, out));
        record.end(out);
    }
}

impl Record {
    fn take(&mut self, framed: Framed<'_>, out: Out<'_>) {
        match framed {
            Framed::Record { bytes, line, offset } if self.layout.begins(bytes) => {
                self.end(out);
                self.place = Place { line, offset };
                self.held.extend_from_slice(bytes);
                self.rejected = false;
            }
            Framed::Record { .. } if self.rejected => {}
            Framed::Record { line, offset, .. } if self.held.is_empty() => {
                self.rejected = true;
                Place { line, offset }.reject(Reject::Malformed, out);
            }
            Framed::Record { bytes, .. } if self.held.len() + 1 + bytes.len() > self.limit => {
                self.held.clear();
                self.rejected = true;
                self.place.reject(Reject::Oversize, out);
            }
            Framed::Record { bytes, .. } => {
                self.held.push(b'\n');
                self.held.extend_from_slice(bytes);
            }
            Framed::Reject { .. } => {
                self.end(out);
                self.rejected = true;
                out(framed);
            }
        }
    }

    fn end(&mut self, out: Out<'_>) {
        if !self.held.is_empty() {
            self.place.record(&self.held, out);
            self.held.clear();
        }
    }
}
