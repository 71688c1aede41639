//! JSON objects, one after another: a line each, spread over lines, in arrays, in envelopes, all mixed.
//!
//! Between records, blanks, commas and brackets are separators. A record is one object, found by following its brackets
//! and strings, with these rules for streams that are broken, so that a broken record takes no good one with it:
//!
//! 1. A line that begins with `{`, ends with `}` and is followed by a line that begins with `{` or by the end is one
//!    record, unless it plainly holds more than one; whether it is well formed is for the decoder to say. Most lines of
//!    most logs are cut this way, without following their brackets.
//! 2. JSON has no line ends inside strings, so a string that meets one breaks its object.
//! 3. A line inside an object that begins with `{` where no value can stand begins a new record and breaks the old one.
//!    Where a value can stand, it is a value; but if the object breaks later, the last such line that is not indented
//!    deeper than the object was a new record after all.
//! 4. What breaks on its first line is rejected up to the end of that line. What breaks later is rejected up to the next
//!    line that begins with a bracket and is not indented deeper.
//! 5. Anything else between records is rejected up to the end of its line.
//! 6. Objects over the limit, or nested too deep, are followed to their end without being kept; a line that begins with
//!    `{` and is not indented deeper ends them.

use smol_str::SmolStr;

use crate::input::framing::piece::Piece;
use crate::input::framing::scan::{Scan, Stop, Suspect};
use crate::input::framing::{Out, Place, Restart};
use crate::input::structural::{controls, is_binary, is_blank, too_many_controls};
use crate::model::Reject;

/// Arrays around records may be nested this deep.
const MAX_ARRAYS: u32 = 64;

/// An envelope says within so many bytes that it is one.
const ENVELOPE_HEAD: usize = 256;

/// Cuts a stream of JSON objects.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    limit: u64,
    envelope: Vec<SmolStr>,
    state: State,
    /// What earlier chunks held of the current line or object.
    held: Vec<u8>,
    /// Spare memory for `held` while its bytes are gone through again.
    spare: Vec<u8>,
    /// Offset of the first byte not pushed yet.
    end: u64,
    line: u64,
    /// Blanks at the beginning of the line, while nothing else has come.
    margin: Option<usize>,
    /// The width of the blanks before the first other byte of the line.
    indent: usize,
    /// Whether the next object's brackets are to be followed even if it begins a line.
    follow: bool,
    /// Arrays open around the next record.
    arrays: u32,
    arrays_at_line: u32,
    in_envelope: bool,
    /// Arrays open around the envelope.
    around: u32,
    /// Before this offset nothing is gone through a second time again.
    settled: u64,
}

#[derive(Clone, Debug)]
enum State {
    Between,
    /// `held` is the beginning of a line that begins with a brace.
    Line(Place),
    /// `held` is such a line with its end; the next byte decides.
    Await(Place),
    Object(Scan),
    /// After the array of an envelope; whether anything but blanks has come.
    Tail(Scan, bool),
    Garbage(Garbage),
    /// After an object that broke over several lines.
    Recover(usize),
}

/// Bytes between records that are no separators.
#[derive(Clone, Debug)]
struct Garbage {
    start: Place,
    too_deep: bool,
    len: u64,
    controls: u64,
    nul: bool,
}

impl Objects {
    pub(super) fn new(start: Place, limit: usize) -> Self {
        Self {
            limit: limit as u64,
            envelope: Vec::new(),
            state: State::Between,
            held: Vec::new(),
            spare: Vec::new(),
            end: start.offset,
            line: start.line,
            margin: Some(0),
            indent: 0,
            follow: false,
            arrays: 0,
            arrays_at_line: 0,
            in_envelope: false,
            around: 0,
            settled: 0,
        }
    }

    pub(super) fn set_envelope(&mut self, keys: Vec<SmolStr>) {
        self.envelope = keys;
        // Keys are compared as they stand, and none with a quote stands without an escape.
        self.envelope.retain(|key| !key.contains('"'));
    }

    pub(super) fn held(&self) -> usize {
        self.held.capacity() + self.spare.capacity()
    }

    pub(super) fn skip(&mut self, len: usize) {
        self.end += len as u64;
    }

    /// The first byte of a line outside everything.
    pub(super) fn restart(&self) -> Option<Restart> {
        let place = match self.state {
            State::Line(start) | State::Await(start) => start,
            State::Between if self.margin == Some(0) && !self.follow => {
                Place { line: self.line, offset: self.end }
            }
            State::Between | State::Object(_) | State::Tail(..) | State::Garbage(_) | State::Recover(_) => {
                return None;
            }
        };
        let outside = self.arrays == 0 && self.arrays_at_line == 0 && !self.in_envelope;
        (outside && self.settled <= place.offset).then(|| Restart::at(place))
    }

    pub(super) fn begin_at(&mut self, place: Place) {
        (self.line, self.end) = (place.line, place.offset);
    }

    pub(super) fn push(&mut self, chunk: &[u8], out: Out<'_>) {
        let piece = Piece { bytes: chunk, base: self.end };
        self.end += chunk.len() as u64;
        self.run(piece, out);
    }

    pub(super) fn finish(&mut self, out: Out<'_>) {
        loop {
            match std::mem::replace(&mut self.state, State::Between) {
                State::Line(start) => {
                    if self.is_one_record(&self.held) {
                        return self.emit_held(start, out);
                    }
                    self.follow_held(start, out);
                }
                State::Await(start) => return self.emit_held(start, out),
                State::Object(scan) => {
                    let nothing = Piece { bytes: &[], base: self.end };
                    self.broken(scan, nothing, 0, Stop::NewRecord(0), out);
                }
                State::Tail(scan, true) => return scan.start.reject(Reject::Malformed, out),
                State::Garbage(garbage) => return self.end_garbage(&garbage, out),
                State::Between | State::Tail(_, false) | State::Recover(_) => return,
            }
        }
    }

    fn run(&mut self, piece: Piece<'_>, out: Out<'_>) {
        let mut at = 0;
        while at < piece.bytes.len() {
            at = match std::mem::replace(&mut self.state, State::Between) {
                State::Between => self.between(piece, at, out),
                State::Line(start) => self.line(start, piece, at, out),
                State::Await(start) => {
                    if piece.bytes.get(at) == Some(&b'{') {
                        self.emit_held(start, out);
                    } else {
                        self.follow_held(start, out);
                    }
                    at
                }
                State::Object(scan) => self.object(scan, piece, at, out),
                State::Tail(scan, dirty) => self.tail(scan, dirty, piece, at, out),
                State::Garbage(garbage) => self.garbage(garbage, piece, at, out),
                State::Recover(indent) => self.recover(indent, piece, at),
            };
        }
    }

    fn new_line(&mut self) {
        self.line += 1;
        self.margin = Some(0);
        self.arrays_at_line = self.arrays;
        self.follow = false;
    }

    fn between(&mut self, piece: Piece<'_>, from: usize, out: Out<'_>) -> usize {
        for (at, &byte) in piece.bytes.iter().enumerate().skip(from) {
            match (byte, &mut self.margin) {
                (b'\n', _) => {
                    self.new_line();
                    continue;
                }
                (b' ' | b'\t' | b'\r', Some(width)) => {
                    *width += 1;
                    continue;
                }
                (b' ' | b'\t' | b'\r', None) => continue,
                _ => {}
            }
            let margin = self.margin.take();
            self.indent = margin.unwrap_or(self.indent);
            let start = Place { line: self.line, offset: piece.offset(at) };
            match byte {
                b',' => {}
                b'{' if margin == Some(0) && !self.follow => return self.begin_line(start, piece, at, out),
                b'{' => {
                    self.follow = false;
                    self.state = State::Object(Scan::new(start, self.indent));
                    return at;
                }
                b'[' if self.arrays < MAX_ARRAYS => self.arrays += 1,
                b']' if self.arrays > 0 => {
                    self.arrays -= 1;
                    if self.in_envelope && self.arrays == 0 {
                        let start = Place { line: self.line, offset: piece.offset(at + 1) };
                        self.state = State::Tail(Scan::inside(start, self.indent), false);
                        return at + 1;
                    }
                }
                _ => {
                    let too_deep = byte == b'[';
                    self.arrays = self.arrays_at_line;
                    self.state = State::Garbage(Garbage { start, too_deep, len: 0, controls: 0, nul: false });
                    return at;
                }
            }
        }
        piece.bytes.len()
    }

    /// At a brace that begins a line: rule 1, when the line's end is here already.
    fn begin_line(&mut self, start: Place, piece: Piece<'_>, at: usize, out: Out<'_>) -> usize {
        let rest = piece.from(at);
        let end = memchr::memchr(b'\n', rest);
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if line.len() as u64 <= self.limit {
            let Some(end) = end else {
                self.held.extend_from_slice(rest);
                self.state = State::Line(start);
                return piece.bytes.len();
            };
            if self.is_one_record(line) {
                let line_end = at + end + 1;
                match piece.bytes.get(line_end) {
                    Some(b'{') => {}
                    None if is_one_object(line) => {}
                    Some(_) => {
                        self.state = State::Object(Scan::new(start, 0));
                        return at;
                    }
                    None => {
                        self.held.extend_from_slice(rest);
                        self.state = State::Await(start);
                        return line_end;
                    }
                }
                emit(trim_end(line), start, out);
                self.new_line();
                return line_end;
            }
        }
        self.state = State::Object(Scan::new(start, 0));
        at
    }

    /// The same for a line that began in an earlier chunk.
    fn line(&mut self, start: Place, piece: Piece<'_>, at: usize, out: Out<'_>) -> usize {
        let rest = piece.from(at);
        let end = memchr::memchr(b'\n', rest);
        let more = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if (self.held.len() + more.len()) as u64 > self.limit {
            self.follow_held(start, out);
            return at;
        }
        self.held.extend_from_slice(more);
        let Some(end) = end else {
            self.state = State::Line(start);
            return piece.bytes.len();
        };
        let line_end = at + end + 1;
        let next = piece.bytes.get(line_end);
        if self.is_one_record(&self.held) && matches!(next, None | Some(b'{')) {
            if next.is_some() || is_one_object(&self.held) {
                self.emit_held(start, out);
            } else {
                self.held.push(b'\n');
                self.state = State::Await(start);
            }
            return line_end;
        }
        self.follow_held(start, out);
        at + end
    }

    /// Whether a line that begins with a brace may be cut by rule 1.
    fn is_one_record(&self, line: &[u8]) -> bool {
        let line = trim_end(line);
        line.last() == Some(&b'}') && !is_crowded(line) && !self.is_envelope(line)
    }

    fn emit_held(&mut self, start: Place, out: Out<'_>) {
        let held = std::mem::take(&mut self.held);
        emit(trim_end(&held), start, out);
        self.held = held;
        self.held.clear();
        self.state = State::Between;
        self.line = start.line;
        self.new_line();
    }

    /// Goes through the held line again, following brackets.
    fn follow_held(&mut self, start: Place, out: Out<'_>) {
        let held = std::mem::replace(&mut self.held, std::mem::take(&mut self.spare));
        self.state = State::Between;
        self.line = start.line;
        self.margin = Some(0);
        self.follow = true;
        self.run(Piece { bytes: &held, base: start.offset }, out);
        self.spare = held;
        self.spare.clear();
    }

    fn object(&mut self, mut scan: Scan, piece: Piece<'_>, from: usize, out: Out<'_>) -> usize {
        let mut at = from;
        loop {
            match scan.advance(piece.bytes, at, piece.base, self.limit, self.settled) {
                Stop::Array(next) => {
                    at = next;
                    let so_far = piece.offset(at) - scan.start.offset;
                    if so_far <= ENVELOPE_HEAD as u64 && !self.envelope.is_empty() {
                        scan.envelope = self.is_envelope(&[&self.held, piece.between(from, at)].concat());
                    }
                }
                Stop::Enveloped(at) => {
                    self.held.clear();
                    self.line = scan.line;
                    self.margin = scan.margin;
                    self.indent = scan.indent;
                    if !std::mem::replace(&mut self.in_envelope, true) {
                        self.around = self.arrays;
                    }
                    self.arrays = 1;
                    self.arrays_at_line = 1;
                    return at;
                }
                Stop::Closed(end) => {
                    self.line = scan.line;
                    self.indent = scan.indent;
                    if scan.is_spread() {
                        self.arrays_at_line = self.arrays;
                    }
                    if piece.offset(end) - scan.start.offset > self.limit {
                        scan.start.reject(Reject::Oversize, out);
                    } else if scan.deep {
                        scan.start.reject(Reject::TooDeep, out);
                    } else if self.held.is_empty() {
                        emit(piece.between(from, end), scan.start, out);
                    } else {
                        self.held.extend_from_slice(piece.between(from, end));
                        emit(&self.held, scan.start, out);
                    }
                    self.held.clear();
                    return end;
                }
                stop @ (Stop::BrokenString(_) | Stop::NewRecord(_)) => {
                    return self.broken(scan, piece, from, stop, out);
                }
                Stop::More => {
                    self.hold(&scan, piece, from, piece.bytes.len());
                    self.state = State::Object(scan);
                    return piece.bytes.len();
                }
            }
        }
    }

    /// Keeps bytes of an object as long as it may still be a record or an envelope.
    fn hold(&mut self, scan: &Scan, piece: Piece<'_>, from: usize, to: usize) {
        if piece.offset(to) - scan.start.offset > self.limit.max(ENVELOPE_HEAD as u64) {
            self.held.clear();
        } else {
            self.held.extend_from_slice(piece.between(from, to));
        }
    }

    /// An object turned out to be none: rules 2 to 4.
    fn broken(&mut self, scan: Scan, piece: Piece<'_>, from: usize, stop: Stop, out: Out<'_>) -> usize {
        let (Stop::BrokenString(at) | Stop::NewRecord(at)) = stop else { return from };
        self.hold(&scan, piece, from, at);
        if piece.offset(at) - scan.start.offset > self.limit {
            scan.start.reject(Reject::Oversize, out);
        } else if let Some(suspect) = scan.suspect {
            self.settled = piece.offset(at);
            self.reject_before(suspect, scan.start, out);
            return at;
        } else {
            scan.start.reject(if scan.deep { Reject::TooDeep } else { reason(&self.held) }, out);
        }
        self.held.clear();
        self.line = scan.line;
        self.margin = None;
        self.indent = scan.indent;
        if matches!(stop, Stop::NewRecord(_)) {
            self.margin = scan.margin;
            self.arrays_at_line = self.arrays;
        } else if scan.is_spread() {
            self.state = State::Recover(scan.indent);
        }
        at
    }

    /// Rejects what stands before the suspect and goes through the rest again. There, nothing is suspected, so no byte
    /// is gone through a third time.
    fn reject_before(&mut self, suspect: Suspect, start: Place, out: Out<'_>) {
        let held = std::mem::replace(&mut self.held, std::mem::take(&mut self.spare));
        // The difference of two offsets within one object, so at most the limit.
        let cut = (suspect.place.offset - start.offset) as usize;
        let (before, rest) = held.split_at_checked(cut).unwrap_or((&held, &[]));
        start.reject(reason(before), out);
        self.state = State::Between;
        self.line = suspect.place.line;
        self.margin = Some(suspect.indent);
        self.arrays_at_line = self.arrays;
        self.run(Piece { bytes: rest, base: suspect.place.offset }, out);
        self.spare = held;
        self.spare.clear();
    }

    fn tail(&mut self, mut scan: Scan, dirty: bool, piece: Piece<'_>, from: usize, out: Out<'_>) -> usize {
        let mut at = from;
        let (stop, end) = loop {
            match scan.advance(piece.bytes, at, piece.base, u64::MAX, u64::MAX) {
                Stop::Array(next) => at = next,
                stop @ (Stop::Closed(end)
                | Stop::Enveloped(end)
                | Stop::BrokenString(end)
                | Stop::NewRecord(end)) => {
                    break (stop, end);
                }
                Stop::More => break (Stop::More, piece.bytes.len()),
            }
        };
        let dirty = dirty || !piece.between(from, end).iter().all(|&byte| is_blank(byte));
        if stop == Stop::More {
            self.state = State::Tail(scan, dirty);
            return end;
        }
        self.line = scan.line;
        self.in_envelope = false;
        self.arrays = self.around;
        self.arrays_at_line = self.around;
        self.margin = None;
        match stop {
            Stop::BrokenString(_) | Stop::NewRecord(_) => {
                if dirty {
                    scan.start.reject(Reject::Malformed, out);
                }
                if matches!(stop, Stop::NewRecord(_)) {
                    self.margin = scan.margin;
                }
            }
            Stop::More | Stop::Closed(_) | Stop::Array(_) | Stop::Enveloped(_) => {}
        }
        end
    }

    fn garbage(&mut self, mut garbage: Garbage, piece: Piece<'_>, at: usize, out: Out<'_>) -> usize {
        let rest = piece.from(at);
        let end = memchr::memchr(b'\n', rest);
        let bytes = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        garbage.len += bytes.len() as u64;
        garbage.controls += controls(bytes);
        garbage.nul |= memchr::memchr(0, bytes).is_some();
        match end {
            Some(_) => self.end_garbage(&garbage, out),
            None => self.state = State::Garbage(garbage),
        }
        at + bytes.len()
    }

    fn end_garbage(&self, garbage: &Garbage, out: Out<'_>) {
        let reason = if garbage.too_deep {
            Reject::TooDeep
        } else if garbage.len > self.limit {
            Reject::Oversize
        } else if garbage.nul || too_many_controls(garbage.controls, garbage.len) {
            Reject::Binary
        } else {
            Reject::Malformed
        };
        garbage.start.reject(reason, out);
    }

    /// Steps over what is left of an object that broke: rule 4.
    fn recover(&mut self, indent: usize, piece: Piece<'_>, at: usize) -> usize {
        let (Some(&byte), Some(width)) = (piece.bytes.get(at), self.margin) else {
            self.state = State::Recover(indent);
            let Some(end) = memchr::memchr(b'\n', piece.from(at)) else { return piece.bytes.len() };
            self.new_line();
            return at + end + 1;
        };
        let outside = width <= indent;
        match byte {
            b'{' | b'[' if outside => return at,
            b']' if outside && self.arrays > 0 => return at,
            b'}' | b']' if outside => {
                self.margin = None;
                return at + 1;
            }
            b'\n' => self.new_line(),
            b' ' | b'\t' | b'\r' => self.margin = Some(width + 1),
            _ => self.margin = None,
        }
        self.state = State::Recover(indent);
        at + 1
    }

    /// Whether an object's first bytes say that it is an envelope: `{"records":[`, with blanks anywhere.
    fn is_envelope(&self, object: &[u8]) -> bool {
        if self.envelope.is_empty() {
            return false;
        }
        let head = object.get(..ENVELOPE_HEAD).unwrap_or(object);
        let quoted =
            head.strip_prefix(b"{").map(<[u8]>::trim_ascii_start).and_then(|head| head.strip_prefix(b"\""));
        let Some(quoted) = quoted else { return false };
        self.envelope.iter().any(|key| {
            let rest = quoted.strip_prefix(key.as_bytes()).and_then(|rest| rest.strip_prefix(b"\""));
            let value = rest.and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"));
            value.is_some_and(|value| value.trim_ascii_start().starts_with(b"["))
        })
    }
}

/// Whether a line seems to hold more than one object: a closing brace, then at most blanks and commas, then an opening
/// bracket. It may be inside a string or an array; then following the brackets will tell.
fn is_crowded(line: &[u8]) -> bool {
    memchr::memchr_iter(b'}', line).any(|at| {
        let mut after = line.get(at + 1..).unwrap_or_default().iter();
        matches!(after.find(|&&byte| byte != b',' && !is_blank(byte)), Some(b'{' | b'['))
    })
}

/// Whether a line is one object by its brackets.
fn is_one_object(line: &[u8]) -> bool {
    let line = trim_end(line);
    let mut scan = Scan::new(Place { line: 1, offset: 0 }, 0);
    let mut at = 0;
    loop {
        match scan.advance(line, at, 0, u64::MAX, u64::MAX) {
            Stop::Array(next) => at = next,
            Stop::Closed(end) => return end == line.len() && !scan.deep,
            Stop::More | Stop::Enveloped(_) | Stop::BrokenString(_) | Stop::NewRecord(_) => return false,
        }
    }
}

/// A line without the blanks at its end.
fn trim_end(line: &[u8]) -> &[u8] {
    let len = line.iter().rposition(|&byte| !is_blank(byte)).map_or(0, |last| last + 1);
    line.get(..len).unwrap_or_default()
}

fn emit(record: &[u8], start: Place, out: Out<'_>) {
    if memchr::memchr(0, record).is_some() {
        start.reject(Reject::Binary, out);
    } else {
        start.record(record, out);
    }
}

fn reason(broken: &[u8]) -> Reject {
    if is_binary(broken) { Reject::Binary } else { Reject::Malformed }
}
