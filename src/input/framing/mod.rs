//! Cutting a stream into records, in whatever pieces it comes.
//!
//! A framer is pushed chunks and calls back with records and rejects, each with the line and byte offset of its first
//! byte in the decompressed text. What it finds never depends on where the chunks were cut, and it keeps at most one
//! record. Every byte is in one record, in one reject, or is a separator: blanks, and for JSON the commas and brackets
//! between records and the envelope around them; for tables the header too. `objects.rs` has the rules for JSON,
//! `csv.rs` and `table.rs` for rows under columns, `lines.rs` for everything else, and `joined.rs` for records of several
//! lines.

mod columns;
mod csv;
mod joined;
mod lines;
mod objects;
mod piece;
mod scan;
mod table;

use std::borrow::Cow;
use std::sync::Arc;

use minicbor::{Decode, Encode};
use smol_str::SmolStr;

use crate::input::{Framing, Layout};
use crate::model::Reject;

/// What a stream was cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framed<'a> {
    /// One record, without the blanks around it.
    Record {
        /// The record as it stands; of a row under columns, the object that it stands for.
        bytes: &'a [u8],
        /// Line of its first byte, from 1.
        line: u64,
        /// Offset of its first byte.
        offset: u64,
    },
    /// A part of the stream that is no record.
    Reject {
        /// Why.
        reason: Reject,
        /// Line of its first byte, from 1.
        line: u64,
        /// Offset of its first byte.
        offset: u64,
    },
}

/// Where records and rejects go.
pub(super) type Out<'o> = &'o mut dyn FnMut(Framed<'_>);

/// A place in the decompressed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: u64,
    offset: u64,
}

impl Place {
    fn record(self, bytes: &[u8], out: Out<'_>) {
        out(Framed::Record { bytes, line: self.line, offset: self.offset });
    }

    fn reject(self, reason: Reject, out: Out<'_>) {
        out(Framed::Reject { reason, line: self.line, offset: self.offset });
    }
}

/// A place from which a fresh framer finds all that this one has not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Restart {
    #[n(0)]
    pub(crate) line: u64,
    #[n(1)]
    pub(crate) offset: u64,
    /// Whether lines that begin no record belong to something that was rejected.
    #[n(2)]
    #[cbor(default)]
    rejected: bool,
}

impl Restart {
    fn at(place: Place) -> Self {
        Self { line: place.line, offset: place.offset, rejected: false }
    }
}

/// Cuts one stream into records.
#[derive(Clone, Debug)]
pub struct Framer {
    head: Head,
    cutter: Cutter,
}

#[derive(Clone, Debug)]
enum Head {
    /// The first bytes, while they may still become a byte order mark.
    Open(Vec<u8>),
    /// UTF-8, or nothing that says otherwise.
    Text,
    /// UTF-16 or UTF-32: reported, and the rest swallowed.
    Wide,
}

#[derive(Clone, Debug)]
enum Cutter {
    Lines(lines::Lines),
    Joined(Box<joined::Joined>),
    Objects(Box<objects::Objects>),
    Csv(Box<csv::Csv>),
    Table(Box<table::Table>),
}

const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
/// Little-endian UTF-32 begins like little-endian UTF-16.
const WIDE_MARKS: [&[u8]; 3] = [&[0xff, 0xfe], &[0xfe, 0xff], &[0, 0, 0xfe, 0xff]];

impl Framer {
    /// The record limit unless the host sets one: 1 MiB.
    pub const DEFAULT_LIMIT: usize = 1 << 20;

    /// A framer at the start of a stream. Records longer than `limit` bytes are reported as `Oversize` and never kept.
    pub fn new(framing: Framing, limit: usize) -> Self {
        let start = Place { line: 1, offset: 0 };
        let cutter = match framing {
            Framing::Lines => Cutter::Lines(lines::Lines::new(start, limit)),
            Framing::JsonObjects => Cutter::Objects(Box::new(objects::Objects::new(start, limit))),
            Framing::Csv => Cutter::Csv(Box::new(csv::Csv::new(start, limit))),
            Framing::Table => Cutter::Table(Box::new(table::Table::new(start, limit))),
        };
        Self { head: Head::Open(Vec::new()), cutter }
    }

    /// The keys that make an object an envelope: when the first key of a JSON object is one of these and its value is an
    /// array of objects, these are the records. Other framings have no envelopes.
    #[must_use]
    pub fn with_envelope(mut self, keys: impl IntoIterator<Item = impl Into<SmolStr>>) -> Self {
        if let Cutter::Objects(objects) = &mut self.cutter {
            objects.set_envelope(keys.into_iter().map(Into::into).collect());
        }
        self
    }

    /// How text is laid out, when records of lines may go on over several. Other framings have no lines.
    #[must_use]
    pub fn with_layout(mut self, layout: Option<&Arc<Layout>>) -> Self {
        if let (Cutter::Lines(lines), Some(layout)) =
            (&self.cutter, layout.filter(|layout| layout.is_continued()))
        {
            let joined = joined::Joined::new(lines.clone(), Arc::clone(layout));
            self.cutter = Cutter::Joined(Box::new(joined));
        }
        self
    }

    /// Where a framer may begin that is to find, from there on, what this one has not reported. `None` while only the
    /// first byte would do, or an earlier place that was given: inside arrays, envelopes and broken objects.
    pub(crate) fn restart(&self) -> Option<Restart> {
        match (&self.head, &self.cutter) {
            (Head::Open(_) | Head::Wide, _) => None,
            (Head::Text, Cutter::Lines(lines)) => Some(Restart::at(lines.place)),
            (Head::Text, Cutter::Joined(joined)) => Some(joined.restart()),
            (Head::Text, Cutter::Objects(objects)) => objects.restart(),
            // What a row means stands in the header.
            (Head::Text, Cutter::Csv(_) | Cutter::Table(_)) => None,
        }
    }

    /// The framer begins there, and what is pushed stands there. `None` for rows under columns, which cannot be read
    /// without their header.
    pub(crate) fn from(mut self, restart: Restart) -> Option<Self> {
        let place = Place { line: restart.line, offset: restart.offset };
        self.head = Head::Text;
        match &mut self.cutter {
            Cutter::Lines(lines) => lines.place = place,
            Cutter::Joined(joined) => joined.begin_at(place, restart.rejected),
            Cutter::Objects(objects) => objects.begin_at(place),
            Cutter::Csv(_) | Cutter::Table(_) => return None,
        }
        Some(self)
    }

    /// Takes the next bytes and reports what is complete.
    pub fn push(&mut self, chunk: &[u8], out: &mut dyn FnMut(Framed<'_>)) {
        match self.rest_after_head(chunk, out) {
            Cow::Borrowed(chunk) => self.cut(chunk, out),
            Cow::Owned(head) => self.cut(&head, out),
        }
    }

    /// Reports what is still held: the stream has ended. The framer is then spent.
    pub fn finish(&mut self, out: &mut dyn FnMut(Framed<'_>)) {
        if let Head::Open(head) = std::mem::replace(&mut self.head, Head::Wide) {
            self.cut(&head, out);
        }
        match &mut self.cutter {
            Cutter::Lines(lines) => lines.finish(out),
            Cutter::Joined(joined) => joined.finish(out),
            Cutter::Objects(objects) => objects.finish(out),
            Cutter::Csv(csv) => csv.finish(out),
            Cutter::Table(table) => table.finish(out),
        }
    }

    /// Bytes of memory that the framer holds for an unfinished record.
    pub fn held(&self) -> usize {
        match &self.cutter {
            Cutter::Lines(lines) => lines.held(),
            Cutter::Joined(joined) => joined.held(),
            Cutter::Objects(objects) => objects.held(),
            Cutter::Csv(csv) => csv.held(),
            Cutter::Table(table) => table.held(),
        }
    }

    fn cut(&mut self, bytes: &[u8], out: Out<'_>) {
        match &mut self.cutter {
            Cutter::Lines(lines) => lines.push(bytes, out),
            Cutter::Joined(joined) => joined.push(bytes, out),
            Cutter::Objects(objects) => objects.push(bytes, out),
            Cutter::Csv(csv) => csv.push(bytes, out),
            Cutter::Table(table) => table.push(bytes, out),
        }
    }

    fn skip(&mut self, len: usize) {
        match &mut self.cutter {
            Cutter::Lines(lines) => lines.place.offset += len as u64,
            Cutter::Joined(joined) => joined.lines.place.offset += len as u64,
            Cutter::Objects(objects) => objects.skip(len),
            Cutter::Csv(csv) => csv.skip(len),
            Cutter::Table(table) => table.skip(len),
        }
    }

    /// Looks for a byte order mark and gives what is to be cut.
    fn rest_after_head<'c>(&mut self, chunk: &'c [u8], out: Out<'_>) -> Cow<'c, [u8]> {
        let head = match &mut self.head {
            Head::Text => return Cow::Borrowed(chunk),
            Head::Wide => return Cow::Borrowed(&[]),
            Head::Open(head) => head,
        };
        let held = head.len();
        head.extend(chunk.iter().take(4_usize.saturating_sub(held)));
        if WIDE_MARKS.iter().any(|mark| head.starts_with(mark)) {
            self.head = Head::Wide;
            Place { line: 1, offset: 0 }.reject(Reject::Utf16, out);
            return Cow::Borrowed(&[]);
        }
        let may_grow = |mark: &[u8]| mark.len() > head.len() && mark.starts_with(head);
        if may_grow(UTF8_MARK) || WIDE_MARKS.iter().any(|mark| may_grow(mark)) {
            return Cow::Borrowed(&[]);
        }
        let marked = head.starts_with(UTF8_MARK);
        let head = std::mem::take(head);
        self.head = Head::Text;
        let mark = if marked { UTF8_MARK.len() } else { 0 };
        self.skip(mark);
        if held <= mark {
            return Cow::Borrowed(chunk.get(mark - held..).unwrap_or_default());
        }
        // Bytes that looked like the beginning of a mark came in an earlier chunk.
        Cow::Owned([head.get(mark..held).unwrap_or_default(), chunk].concat())
    }
}

#[cfg(test)]
mod tests;
