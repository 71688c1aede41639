//! Following the brackets of one JSON object, byte by byte and across chunks.

use crate::input::framing::Place;
use crate::input::structural::string_stop;

/// Brackets deeper than this are counted, not remembered.
const REMEMBERED: u32 = 64;

/// How far the scan of an object has come.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    /// Where the object begins.
    pub(super) start: Place,
    /// The width of the blanks before the line on which it begins.
    pub(super) indent: usize,
    /// Whether it was ever nested too deep.
    pub(super) deep: bool,
    /// The last place at which a whole new record may have begun instead.
    pub(super) suspect: Option<Suspect>,
    /// The last byte outside strings that is not blank.
    pub(super) last: u8,
    /// Whether the object has turned out to be an envelope if a record follows.
    pub(super) envelope: bool,
    /// The line that the scan is on.
    pub(super) line: u64,
    /// Blanks at the beginning of the current line, while nothing else has come.
    pub(super) margin: Option<usize>,
    depth: u32,
    /// One bit for each open bracket, the innermost lowest: set when it is a brace.
    braces: u64,
    in_string: bool,
    escape: bool,
}

/// A line inside an object that begins with a brace where a record could begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    pub(super) place: Place,
    pub(super) indent: usize,
}

/// Why a scan stopped. Every index is one into the bytes given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes ended first.
    More,
    /// The object ends before this index.
    Closed(usize),
    /// A bracket was opened in the first member: the object may be an envelope. The scan stands after the bracket.
    Array(usize),
    /// The object was an envelope: at this index stands its first record or the end of its array.
    Enveloped(usize),
    /// At this index a line ends inside a string, which no JSON writer does.
    BrokenString(usize),
    /// At this index a line begins with a brace that cannot belong to the object.
    NewRecord(usize),
}

impl Scan {
    /// A scan that stands before the opening brace.
    pub(super) fn new(start: Place, indent: usize) -> Self {
        Self {
            start,
            indent,
            deep: false,
            suspect: None,
            last: 0,
            envelope: false,
            line: start.line,
            margin: None,
            depth: 0,
            braces: 0,
            in_string: false,
            escape: false,
        }
    }

    /// A scan that stands inside an object, after the array that made it an envelope.
    pub(super) fn inside(start: Place, indent: usize) -> Self {
        Self { depth: 1, braces: 1, last: b']', ..Self::new(start, indent) }
    }

    /// Whether the object has gone over a line end.
    pub(super) fn is_spread(&self) -> bool {
        self.line > self.start.line
    }

    /// Goes on from index `from` of `bytes`, whose first byte stands at `offset`. `limit` is the record limit; before
    /// `settled` no suspects are noted.
    pub(super) fn advance(
        &mut self,
        bytes: &[u8],
        from: usize,
        offset: u64,
        limit: u64,
        settled: u64,
    ) -> Stop {
        let mut at = from;
        while let Some(&byte) = bytes.get(at) {
            if self.escape {
                if byte == b'\n' {
                    return Stop::BrokenString(at);
                }
                self.escape = false;
                at += 1;
                continue;
            }
            if self.in_string {
                let Some(stop) = bytes.get(at..).and_then(string_stop) else { return Stop::More };
                at += stop;
                match bytes.get(at) {
                    Some(b'"') => self.in_string = false,
                    Some(b'\\') => self.escape = true,
                    _ => return Stop::BrokenString(at),
                }
                at += 1;
                continue;
            }
            if matches!(byte, b'\n' | b' ' | b'\t' | b'\r') {
                match (byte, &mut self.margin) {
                    (b'\n', margin) => {
                        self.line += 1;
                        *margin = Some(0);
                    }
                    (_, Some(width)) => *width += 1,
                    (_, None) => {}
                }
                at += 1;
                continue;
            }
            if self.envelope {
                if matches!(byte, b'{' | b']') {
                    return Stop::Enveloped(at);
                }
                self.envelope = false;
            }
            let margin = self.margin.take();
            if byte == b'{'
                && let Some(indent) = margin
            {
                let here = Place { line: self.line, offset: offset + at as u64 };
                let outside = indent <= self.indent;
                let over = here.offset - self.start.offset > limit;
                if !self.may_open() || (outside && (self.deep || over)) {
                    self.margin = margin;
                    return Stop::NewRecord(at);
                }
                if outside && here.offset >= settled {
                    self.suspect = Some(Suspect { place: here, indent });
                }
            }
            at += 1;
            let before = std::mem::replace(&mut self.last, byte);
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.depth = self.depth.saturating_add(1);
                    self.braces = self.braces << 1 | u64::from(byte == b'{');
                    self.deep |= self.depth > REMEMBERED;
                    if self.depth == 2 && byte == b'[' && before == b':' {
                        return Stop::Array(at);
                    }
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.braces >>= 1;
                    if self.depth == 0 {
                        return Stop::Closed(at);
                    }
                }
                _ => {}
            }
        }
        Stop::More
    }

    /// Whether an object may open here: as a member's value or as an element of an array.
    fn may_open(&self) -> bool {
        match self.last {
            b':' | b'[' => true,
            b',' => self.deep || self.braces & 1 == 0,
            _ => false,
        }
    }
}
