//! Values separated by commas (RFC 4180), under a header that names them. Each row becomes the object that it stands for.
//!
//! The separator is the first comma, semicolon or tab of the header. A quote stands at the beginning of a field, at its
//! end, or doubled inside; a quote elsewhere breaks the row. Only the first line of a broken row is rejected: what it
//! seemed to hold of the lines behind it is read again, so that one quote too many takes no good row with it. (Every
//! byte is gone through at most a few times: where a row spreads over a line, the line has an even number of quotes, and
//! does not spread when it is read by itself.) A row equal to the header is a header again.

use std::borrow::Cow;

use crate::input::framing::columns::Columns;
use crate::input::framing::{Out, Place};
use crate::input::structural::is_binary;
use crate::model::Reject;

/// Cuts rows.
#[derive(Clone, Debug)]
pub(super) struct Csv {
    limit: usize,
    /// The row in progress, and what follows it while a chunk is gone through.
    held: Vec<u8>,
    /// Where the row in progress begins.
    start: Place,
    scan: Scan,
    /// The rest of the line is passed over: it was rejected.
    passing: bool,
    separator: Option<u8>,
    columns: Option<Columns>,
    header: Vec<u8>,
}

/// How far the row in progress has been gone through.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    /// Bytes of it.
    len: usize,
    field: Field,
    /// Line ends inside, and where the first stands.
    lines: u64,
    first_end: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Field {
    #[default]
    Begins,
    Plain,
    Quoted,
    /// After a quote inside quotes.
    Quote,
    /// After that and a carriage return.
    Return,
}

/// What a scan came to.
enum Stop {
    More,
    /// The row ends before this many bytes of it, its line end not counted.
    Row(usize),
    Broken(Reject),
}

impl Csv {
    pub(super) fn new(start: Place, limit: usize) -> Self {
        Self {
            limit,
            held: Vec::new(),
            start,
            scan: Scan::default(),
            passing: false,
            separator: None,
            columns: None,
            header: Vec::new(),
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held.capacity() + self.header.capacity() + self.columns.as_ref().map_or(0, Columns::held)
    }

    pub(super) fn skip(&mut self, len: usize) {
        self.start.offset += len as u64;
    }

    pub(super) fn push(&mut self, chunk: &[u8], out: Out<'_>) {
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(chunk);
        let done = self.rows(&held, false, out);
        held.drain(..done);
        // One long row does not keep its memory for ever.
        if held.capacity() > 4 * (self.limit.saturating_add(chunk.len())) {
            held.shrink_to_fit();
        }
        self.held = held;
    }

    pub(super) fn finish(&mut self, out: Out<'_>) {
        let held = std::mem::take(&mut self.held);
        self.rows(&held, true, out);
    }

    /// Goes through the rows that these bytes hold; how many bytes are done with.
    fn rows(&mut self, bytes: &[u8], ended: bool, out: Out<'_>) -> usize {
        let mut from = 0;
        loop {
            let rest = bytes.get(from..).unwrap_or_default();
            if self.passing {
                let Some(end) = memchr::memchr(b'\n', rest) else {
                    self.start.offset += rest.len() as u64;
                    return bytes.len();
                };
                self.passing = false;
                from += self.step(end + 1, 1);
                continue;
            }
            match self.advance(rest) {
                Stop::More if ended && !rest.is_empty() => {
                    if self.scan.field == Field::Quoted {
                        from += self.broken(Reject::Malformed, out);
                    } else {
                        from += self.row(rest, rest.len(), out);
                    }
                }
                Stop::More => return from,
                Stop::Row(len) => from += self.row(rest, len, out),
                Stop::Broken(reason) => from += self.broken(reason, out),
            }
        }
    }

    /// Goes on until the row in progress ends. No more than the limit and one byte is looked at, however much is there.
    fn advance(&mut self, row: &[u8]) -> Stop {
        let seen = row.get(..self.limit.saturating_add(1)).unwrap_or(row);
        while let Some(&byte) = seen.get(self.scan.len) {
            let is_separator = match self.separator {
                Some(separator) => byte == separator,
                None => matches!(byte, b',' | b';' | b'\t'),
            };
            let next = match (self.scan.field, byte) {
                (Field::Quoted, b'"') => Field::Quote,
                (Field::Quoted, b'\n') => {
                    self.scan.lines += 1;
                    self.scan.first_end.get_or_insert(self.scan.len);
                    Field::Quoted
                }
                (Field::Quoted, _) => {
                    let rest = seen.get(self.scan.len..).unwrap_or_default();
                    self.scan.len += memchr::memchr2(b'"', b'\n', rest).unwrap_or(rest.len());
                    continue;
                }
                (Field::Begins | Field::Plain | Field::Quote | Field::Return, b'\n') => {
                    return Stop::Row(self.scan.len);
                }
                (Field::Begins | Field::Quote, b'"') => Field::Quoted,
                (Field::Begins | Field::Plain | Field::Quote, _) if is_separator => {
                    self.separator = Some(byte);
                    Field::Begins
                }
                (Field::Begins | Field::Plain, byte) if byte != b'"' => Field::Plain,
                (Field::Quote, b'\r') => Field::Return,
                _ => return Stop::Broken(Reject::Malformed),
            };
            self.scan.field = next;
            self.scan.len += 1;
        }
        if self.scan.len > self.limit { Stop::Broken(Reject::Oversize) } else { Stop::More }
    }

    /// A whole row; how many bytes are done with.
    fn row(&mut self, bytes: &[u8], len: usize, out: Out<'_>) -> usize {
        let row = bytes.get(..len).unwrap_or_default();
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        let done = (len + 1).min(bytes.len());
        let lines = self.scan.lines + 1;
        if row.trim_ascii().is_empty() {
            return self.step(done, lines);
        }
        if is_binary(row) {
            return self.broken(Reject::Binary, out);
        }
        let separator = *self.separator.get_or_insert(b',');
        let Some(columns) = &mut self.columns else {
            self.columns = Some(Columns::new(Fields::of(row, separator)));
            self.header = row.to_vec();
            return self.step(done, lines);
        };
        if row == self.header {
            return self.step(done, lines);
        }
        Fields::of(row, separator).for_each(|field| columns.text(&field));
        match columns.end_row(self.start, out) {
            Ok(()) => self.step(done, lines),
            Err(reason) => self.broken(reason, out),
        }
    }

    /// The first line of the row is no row; how many bytes are done with. What follows it is gone through again.
    fn broken(&mut self, reason: Reject, out: Out<'_>) -> usize {
        self.start.reject(reason, out);
        if self.columns.is_none() {
            self.separator = None;
        }
        match self.scan.first_end {
            Some(end) => self.step(end + 1, 1),
            None => {
                self.passing = true;
                self.scan = Scan::default();
                0
            }
        }
    }

    fn step(&mut self, bytes: usize, lines: u64) -> usize {
        self.start.offset += bytes as u64;
        self.start.line += lines;
        self.scan = Scan::default();
        bytes
    }
}

/// The fields of a row that is sound, without their quotes.
struct Fields<'r> {
    rest: Option<&'r [u8]>,
    separator: u8,
}

impl<'r> Fields<'r> {
    fn of(row: &'r [u8], separator: u8) -> Self {
        Self { rest: Some(row), separator }
    }
}

impl<'r> Iterator for Fields<'r> {
    type Item = Cow<'r, [u8]>;

    fn next(&mut self) -> Option<Cow<'r, [u8]>> {
        let rest = self.rest.take()?;
        let (text, behind) = match rest.strip_prefix(b"\"") {
            Some(inside) => unquoted(inside),
            None => {
                let end = memchr::memchr(self.separator, rest).unwrap_or(rest.len());
                let (field, behind) = rest.split_at_checked(end)?;
                (Cow::Borrowed(field), behind)
            }
        };
        self.rest = behind.split_first().map(|(_, more)| more);
        Some(text)
    }
}

/// What stands inside quotes, its doubled quotes made single, and what comes after the last one.
fn unquoted(inside: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let mut text = Cow::Borrowed(&[][..]);
    let mut rest = inside;
    loop {
        let end = memchr::memchr(b'"', rest).unwrap_or(rest.len());
        let (part, behind) = (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default());
        let doubled = behind.first() == Some(&b'"');
        if text.is_empty() && !doubled {
            text = Cow::Borrowed(part);
        } else {
            text.to_mut().extend_from_slice(part);
        }
        if !doubled {
            return (text, behind);
        }
        text.to_mut().push(b'"');
        rest = behind.get(1..).unwrap_or_default();
    }
}
