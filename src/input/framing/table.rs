//! Tables as query services answer: `{"tables":[{"columns":[{"name":…}],"rows":[[…],…]}]}`, in however many pieces, with
//! whatever else around. Each row becomes the object that it stands for.
//!
//! The array under `columns` names the values, and every array in the one under `rows` is a row, whatever the case of
//! these two words and however deep they stand. A row that breaks is rejected up to where the next one plainly begins: at
//! a bracket that begins a line and is not indented deeper, or follows `],`. An object that ends before there were any
//! columns is rejected: this is no answer of that kind, and whoever looks for one need not wait for the end.

use serde_json::Value;

use crate::input::framing::columns::Columns;
use crate::input::framing::{Out, Place};
use crate::input::structural::{closing_quote, is_binary, is_blank};
use crate::model::Reject;

/// Brackets in a row may be nested this deep.
const MAX_DEPTH: u32 = 64;

/// Longer keys are none of the two.
const KEY: usize = 16;

/// Cuts rows.
#[derive(Clone, Debug)]
pub(super) struct Table {
    limit: usize,
    /// The next byte.
    here: Place,
    state: State,
    /// Brackets open around the next value, outside rows.
    depth: u64,
    /// Where the innermost object begins that was opened last.
    opened: Place,
    /// Whether something of the value at the top was rejected.
    told: bool,
    /// The string just read, and what came after it.
    key: Vec<u8>,
    last: u8,
    /// Blanks at the beginning of the line, while nothing else has come; then how many there were.
    margin: bool,
    indent: usize,
    columns: Option<Columns>,
    /// The row in progress, or the columns.
    held: Vec<u8>,
}

#[derive(Clone, Debug)]
enum State {
    /// Around the tables.
    Around,
    /// In a string there; whether the next byte is escaped.
    Text(Place, bool),
    /// What is no JSON, up to the end of the line.
    Garbage,
    Columns(Nest),
    /// Between rows.
    Rows,
    Row(Nest),
    /// In the array of rows, after something that is no row; the last three bytes that are not blank.
    Lost([u8; 3]),
}

/// How far the brackets of an array were followed.
#[derive(Clone, Debug)]
struct Nest {
    start: Place,
    indent: usize,
    depth: u32,
    /// One bit for each open bracket, the innermost lowest: set when it is a brace.
    braces: u64,
    text: bool,
    escape: bool,
    last: u8,
}

/// What a byte did to an array.
enum Step {
    More,
    Closed,
    /// It cannot be part of it.
    Broken(Reject),
    /// A new row begins with it.
    NewRow,
}

impl Nest {
    fn new(start: Place, indent: usize) -> Self {
        Self { start, indent, depth: 1, braces: 0, text: false, escape: false, last: b'[' }
    }

    /// The next byte; `indent` is that of its line when it is the first on it.
    fn step(&mut self, byte: u8, indent: Option<usize>) -> Step {
        if self.text {
            match byte {
                b'\n' => return Step::Broken(Reject::Malformed),
                _ if self.escape => self.escape = false,
                b'\\' => self.escape = true,
                b'"' => self.text = false,
                _ => {}
            }
            return Step::More;
        }
        if is_blank(byte) {
            return Step::More;
        }
        let before = std::mem::replace(&mut self.last, byte);
        match byte {
            b'"' => self.text = true,
            b'[' if indent.is_some_and(|indent| indent <= self.indent) => return Step::NewRow,
            b'[' if !matches!(before, b'[' | b',' | b':') => return Step::NewRow,
            b'[' | b'{' => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Step::Broken(Reject::TooDeep);
                }
                self.braces = self.braces << 1 | u64::from(byte == b'{');
            }
            b']' | b'}' => {
                if (self.braces & 1 == 1) != (byte == b'}') {
                    return Step::Broken(Reject::Malformed);
                }
                self.braces >>= 1;
                self.depth -= 1;
                if self.depth == 0 {
                    return Step::Closed;
                }
            }
            _ => {}
        }
        Step::More
    }
}

impl Table {
    pub(super) fn new(start: Place, limit: usize) -> Self {
        Self {
            limit,
            here: start,
            state: State::Around,
            depth: 0,
            opened: start,
            told: false,
            key: Vec::new(),
            last: 0,
            margin: true,
            indent: 0,
            columns: None,
            held: Vec::new(),
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held.capacity() + self.columns.as_ref().map_or(0, Columns::held)
    }

    pub(super) fn skip(&mut self, len: usize) {
        self.here.offset += len as u64;
    }

    pub(super) fn push(&mut self, chunk: &[u8], out: Out<'_>) {
        for &byte in chunk {
            let first = self.margin && !is_blank(byte);
            self.margin &= !first;
            self.byte(byte, first, out);
            self.here.offset += 1;
            if byte == b'\n' {
                self.here.line += 1;
                (self.margin, self.indent) = (true, 0);
            } else if self.margin {
                self.indent += 1;
            }
        }
    }

    pub(super) fn finish(&mut self, out: Out<'_>) {
        match &self.state {
            State::Text(start, _) => start.reject(Reject::Malformed, out),
            State::Columns(nest) | State::Row(nest) => nest.start.reject(Reject::Malformed, out),
            State::Around if self.depth > 0 && self.columns.is_none() && !self.told => {
                self.opened.reject(Reject::Malformed, out);
            }
            State::Around | State::Garbage | State::Rows | State::Lost(_) => {}
        }
        (self.state, self.depth) = (State::Around, 0);
    }

    fn byte(&mut self, byte: u8, first: bool, out: Out<'_>) {
        match &mut self.state {
            State::Around => self.around(byte, out),
            State::Text(start, escape) => match byte {
                b'\n' => {
                    let start = *start;
                    self.state = State::Around;
                    self.reject(start, Reject::Malformed, out);
                }
                _ if *escape => *escape = false,
                b'\\' => *escape = true,
                b'"' => self.state = State::Around,
                _ if self.key.len() < KEY => self.key.push(byte),
                _ => {}
            },
            State::Garbage if byte == b'\n' => self.state = State::Around,
            State::Garbage => {}
            State::Rows => self.between_rows(byte, out),
            State::Lost(_) => self.lost(byte, first, out),
            State::Columns(_) | State::Row(_) => self.inside(byte, first, out),
        }
    }

    fn around(&mut self, byte: u8, out: Out<'_>) {
        if is_blank(byte) {
            return;
        }
        let before = std::mem::replace(&mut self.last, byte);
        let named = |name: &[u8]| before == b':' && self.key.eq_ignore_ascii_case(name);
        match byte {
            b'"' if self.depth > 0 => {
                self.key.clear();
                self.state = State::Text(self.here, false);
            }
            b'[' if named(b"columns") => self.begin(State::Columns),
            b'[' if named(b"rows") => self.state = State::Rows,
            b'[' | b'{' => {
                self.depth = self.depth.saturating_add(1);
                if byte == b'{' {
                    self.opened = self.here;
                }
            }
            b']' | b'}' if self.depth > 0 => {
                if byte == b'}' && self.columns.is_none() && !self.told {
                    self.reject(self.opened, Reject::Malformed, out);
                }
                self.depth -= 1;
                if self.depth == 0 {
                    (self.columns, self.told) = (None, false);
                }
            }
            b',' => {}
            b':' | b'-' | b'+' | b'.' if self.depth > 0 => {}
            _ if byte.is_ascii_alphanumeric() && self.depth > 0 => {}
            _ => {
                self.reject(self.here, Reject::Malformed, out);
                self.state = State::Garbage;
            }
        }
    }

    fn begin(&mut self, state: fn(Nest) -> State) {
        self.held.clear();
        self.held.push(b'[');
        self.state = state(Nest::new(self.here, self.indent));
    }

    fn between_rows(&mut self, byte: u8, out: Out<'_>) {
        match byte {
            _ if is_blank(byte) || byte == b',' => {}
            b'[' => self.begin(State::Row),
            b']' => self.state = State::Around,
            _ => {
                self.reject(self.here, Reject::Malformed, out);
                self.state = State::Lost([0, 0, byte]);
            }
        }
    }

    /// A byte after a row that broke. Rows go on behind `],`, and have ended with `]]}` or with another key.
    fn lost(&mut self, byte: u8, first: bool, out: Out<'_>) {
        let State::Lost(tail) = self.state else { return };
        match (tail, byte) {
            _ if is_blank(byte) => {}
            (_, b'[') if first => self.begin(State::Row),
            ([_, b']', b','], b'[') => self.begin(State::Row),
            ([_, b']', b']'], b'}') | ([b']', b']', b','], b'"') => {
                self.state = State::Around;
                self.around(byte, out);
            }
            ([_, before, last], _) => self.state = State::Lost([before, last, byte]),
        }
    }

    fn reject(&mut self, place: Place, reason: Reject, out: Out<'_>) {
        self.told = true;
        place.reject(reason, out);
    }

    /// A byte of a row or of the columns.
    fn inside(&mut self, byte: u8, first: bool, out: Out<'_>) {
        let (State::Row(nest) | State::Columns(nest)) = &mut self.state else { return };
        let mut step = nest.step(byte, first.then_some(self.indent));
        let start = nest.start;
        let is_row = matches!(self.state, State::Row(_));
        if matches!(step, Step::More | Step::Closed) {
            if self.held.len() < self.limit {
                self.held.push(byte);
            } else {
                step = Step::Broken(Reject::Oversize);
            }
        }
        match step {
            Step::More => {}
            Step::Closed if is_row => {
                self.end_row(start, out);
                self.state = State::Rows;
            }
            Step::Closed => {
                self.columns = names(&self.held).map(Columns::new);
                if self.columns.is_none() {
                    self.reject(start, Reject::Malformed, out);
                }
                self.state = State::Around;
                self.last = byte;
            }
            Step::NewRow if is_row => {
                self.reject(start, Reject::Malformed, out);
                self.begin(State::Row);
            }
            Step::NewRow | Step::Broken(_) => {
                let reason = if let Step::Broken(reason) = step { reason } else { Reject::Malformed };
                self.reject(start, reason, out);
                self.state = match (is_row, byte) {
                    (false, _) => State::Garbage,
                    (true, b'\n') => State::Lost([0; 3]),
                    (true, _) => State::Lost([0, 0, byte]),
                };
            }
        }
    }

    /// A whole row is held.
    fn end_row(&mut self, start: Place, out: Out<'_>) {
        if is_binary(&self.held) {
            return self.reject(start, Reject::Binary, out);
        }
        let Some(columns) = &mut self.columns else { return self.reject(start, Reject::Columns, out) };
        let inside = self.held.get(1..self.held.len() - 1).unwrap_or_default();
        if !inside.trim_ascii().is_empty() {
            values(inside, |value| columns.raw(value));
        }
        if let Err(reason) = columns.end_row(start, out) {
            self.reject(start, reason, out);
        }
    }
}

/// The names of columns, each given as text or as an object with a name.
fn names(columns: &[u8]) -> Option<Vec<String>> {
    let columns: Vec<Value> = serde_json::from_slice(columns).ok()?;
    let name = |column: Value| match column {
        Value::String(name) => Some(name),
        Value::Object(column) => {
            let is_name =
                |key: &str| key.eq_ignore_ascii_case("name") || key.eq_ignore_ascii_case("columnname");
            let (_, name) = column.into_iter().find(|(key, _)| is_name(key))?;
            name.as_str().map(str::to_owned)
        }
        _ => None,
    };
    columns.into_iter().map(name).collect()
}

/// The elements of an array whose brackets are sound, each as it stands.
fn values(inside: &[u8], mut each: impl FnMut(&[u8])) {
    let (mut start, mut at, mut depth) = (0, 0, 0_u32);
    while let Some(&byte) = inside.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let rest = inside.get(at..).unwrap_or_default();
                at += closing_quote(rest).map_or(rest.len(), |(len, _)| len + 1);
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                each(inside.get(start..at - 1).unwrap_or_default().trim_ascii());
                start = at;
            }
            _ => {}
        }
    }
    each(inside.get(start..).unwrap_or_default().trim_ascii());
}
