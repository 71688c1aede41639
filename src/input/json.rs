//! JSON, decoded by projection: the record is walked once, wanted values are captured, everything else is delimited and
//! left unread.
//!
//! What is promised: keys compare after their escapes are resolved; the last of duplicate keys wins, with all that was
//! below the earlier ones forgotten; a path leads through objects and through JSON text inside strings, up to
//! [`TEXT_LEVELS`] levels; a number keeps its spelling. What is not: values that nobody wants are not validated beyond
//! their brackets and quotes. One function for each rule of RFC 8259, top rule first.
//!
//! A record that looks like one before it is not parsed: `shapes.rs` tells, and finds what parsing it would find.

mod outline;
mod shapes;

use nom::bytes::complete::take_while1;
use nom::character::complete::char;
use nom::combinator::eof;
use nom::error::{ErrorKind, ParseError};
use nom::multi::separated_list0;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use crate::input::escape::{push_text, unescape};
use crate::input::structural::{closing_quote, is_blank};
use crate::input::{CellKind, Format, Framing, Paths, Row};
use crate::model::Reject;

pub(super) use shapes::Shapes;

/// Brackets may be nested this deep.
pub(super) const MAX_DEPTH: u32 = 64;

/// JSON text may stand inside strings of JSON text this deep.
const TEXT_LEVELS: usize = 4;

/// Records that are JSON objects.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn framing(&self) -> Framing {
        Framing::JsonObjects
    }

    fn decode(&self, record: &[u8], wanted: &Paths, row: &mut Row) -> Result<(), Reject> {
        if shapes::recall(record, wanted, row) {
            return Ok(());
        }
        parse(record, wanted, row)?;
        if !row.is_partial() {
            row.shapes.learn(record, wanted);
        }
        Ok(())
    }
}

/// What [`Json`] does with a record that looks like none before it.
fn parse(record: &[u8], wanted: &Paths, row: &mut Row) -> Result<(), Reject> {
    row.reset(wanted.len());
    let mut projection = Projection { wanted, row, depth: 0, level: 0 };
    match json_text(record, &mut projection) {
        Ok(_) => Ok(()),
        Err(nom::Err::Failure(Fault::TooDeep) | nom::Err::Error(Fault::TooDeep)) => Err(Reject::TooDeep),
        Err(_) => Err(Reject::Malformed),
    }
}

/// Where captured values go.
struct Projection<'a> {
    wanted: &'a Paths,
    row: &'a mut Row,
    /// Brackets open around the current value.
    depth: u32,
    /// Strings whose text is being read as JSON.
    level: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Malformed,
    TooDeep,
}

impl<I> ParseError<I> for Fault {
    fn from_error_kind(_: I, _: ErrorKind) -> Self {
        Self::Malformed
    }

    fn append(_: I, _: ErrorKind, other: Self) -> Self {
        other
    }
}

type Parsed<'i, T> = IResult<&'i [u8], T, Fault>;

/// `JSON-text = ws value ws`, the value being an object: ` {"a":1} `, not `[1]` or `{} x`.
fn json_text<'i>(input: &'i [u8], projection: &mut Projection<'_>) -> Parsed<'i, ()> {
    let record = |input| object(input, Paths::ROOT, projection);
    terminated(delimited(ws, record, ws), eof).parse(input)
}

/// `object = begin-object [ member *( value-separator member ) ] end-object`: `{"a":1}`, not `{"a":1,}`.
fn object<'i>(input: &'i [u8], node: usize, projection: &mut Projection<'_>) -> Parsed<'i, ()> {
    if projection.depth >= MAX_DEPTH {
        return Err(nom::Err::Failure(Fault::TooDeep));
    }
    projection.depth += 1;
    // A list of `()` takes no memory.
    let members = separated_list0(value_separator, |input| member(input, node, projection));
    let (rest, _) = delimited(begin_object, members, end_object).parse(input)?;
    projection.depth -= 1;
    Ok((rest, ()))
}

/// `member = string name-separator value`: `"a":1`, not `a:1`.
#[inline]
fn member<'i>(input: &'i [u8], node: usize, projection: &mut Projection<'_>) -> Parsed<'i, ()> {
    let (rest, key) = terminated(string, name_separator).parse(input)?;
    match projection.child(node, key) {
        Some(child) => value(rest, child, projection),
        None => unread_value(rest, projection.depth).map(|(rest, _)| (rest, ())),
    }
}

/// `value`, where some path leads.
fn value<'i>(input: &'i [u8], node: usize, projection: &mut Projection<'_>) -> Parsed<'i, ()> {
    let Projection { wanted, row, .. } = projection;
    for &place in wanted.under(node) {
        row.forget(place);
    }
    let (place, leads_on) = (wanted.place(node), wanted.leads_on(node));
    match input.first() {
        Some(b'"') => {
            let (rest, text) = string(input)?;
            if let Some(place) = place {
                capture_text(projection.row, projection.level, place, text);
            }
            if leads_on {
                projection.text_as_json(node, text);
            }
            Ok((rest, ()))
        }
        Some(b'{' | b'[') => {
            let descend = leads_on && input.first() == Some(&b'{');
            if !descend || place.is_some() {
                let (rest, raw) = nested(input, projection.depth)?;
                if let Some(text) = place.and_then(|place| projection.row.buffer(place, CellKind::Nested)) {
                    push_text(raw, text);
                }
                if !descend {
                    return Ok((rest, ()));
                }
            }
            object(input, node, projection)
        }
        _ => {
            let (rest, word) = scalar(input)?;
            if let Some(place) = place {
                capture_scalar(projection.row, place, word);
            }
            Ok((rest, ()))
        }
    }
}

/// `value`, where no path leads: delimited, not read. `1`, `"a"`, `{"b":[]}`, not `,`.
#[inline]
fn unread_value(input: &[u8], depth: u32) -> Parsed<'_, &[u8]> {
    match input.first() {
        Some(b'"') => string(input).map(|(rest, text)| (rest, text.raw)),
        Some(b'{' | b'[') => nested(input, depth),
        _ => scalar(input),
    }
}

/// An object or array as it stands, without recursion: `{"a":[1]}`, not `{"a":[1}`.
fn nested(input: &[u8], depth: u32) -> Parsed<'_, &[u8]> {
    let mut open = 0;
    // One bit for each open bracket, the innermost lowest: set when it is a brace.
    let mut braces = 0_u64;
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        at += 1;
        match byte {
            b'"' => match closing_quote(input.get(at..).unwrap_or_default()) {
                Some((len, _)) => at += len + 1,
                None => break,
            },
            b'{' | b'[' => {
                open += 1;
                if depth + open > MAX_DEPTH {
                    return Err(nom::Err::Failure(Fault::TooDeep));
                }
                braces = braces << 1 | u64::from(byte == b'{');
            }
            b'}' | b']' => {
                if (braces & 1 == 1) != (byte == b'}') {
                    break;
                }
                braces >>= 1;
                open -= 1;
                if open == 0 {
                    return input.split_at_checked(at).map(|(raw, rest)| (rest, raw)).ok_or(malformed());
                }
            }
            _ => {}
        }
    }
    Err(malformed())
}

/// The inside of a string as it stands.
#[derive(Clone, Copy)]
struct Quoted<'i> {
    raw: &'i [u8],
    escaped: bool,
}

/// `string = quotation-mark *char quotation-mark`: `"a\"b"`, not `"a`.
#[inline]
fn string(input: &[u8]) -> Parsed<'_, Quoted<'_>> {
    let Some((b'"', inside)) = input.split_first() else { return Err(malformed()) };
    let (len, escaped) = closing_quote(inside).ok_or(malformed())?;
    match (inside.get(..len), inside.get(len + 1..)) {
        (Some(raw), Some(rest)) => Ok((rest, Quoted { raw, escaped })),
        _ => Err(malformed()),
    }
}

/// `false / null / true / number`, and whatever else is spelt like a word: writers leave `NaN` behind. `-1.5e3`, not `:`.
#[inline]
fn scalar(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(is_word).parse(input)
}

#[inline]
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// `number = [ minus ] int [ frac ] [ exp ]`: `-0.5e+1`, not `01`, `.5` or `1.`.
fn is_number(word: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = word.strip_prefix(b"-").unwrap_or(word);
    let int = digits(rest);
    if int == 0 || (int > 1 && rest.first() == Some(&b'0')) {
        return false;
    }
    rest = rest.get(int..).unwrap_or_default();
    if let Some(frac) = rest.strip_prefix(b".") {
        let n = digits(frac);
        if n == 0 {
            return false;
        }
        rest = frac.get(n..).unwrap_or_default();
    }
    if let [b'e' | b'E', exp @ ..] = rest {
        let exp = exp.strip_prefix(b"+").or_else(|| exp.strip_prefix(b"-")).unwrap_or(exp);
        return !exp.is_empty() && digits(exp) == exp.len();
    }
    rest.is_empty()
}

/// `begin-object = ws { ws`
fn begin_object(input: &[u8]) -> Parsed<'_, char> {
    terminated(char('{'), ws).parse(input)
}

/// `end-object = ws } ws`
fn end_object(input: &[u8]) -> Parsed<'_, char> {
    preceded(ws, char('}')).parse(input)
}

/// `name-separator = ws : ws`
#[inline]
fn name_separator(input: &[u8]) -> Parsed<'_, char> {
    delimited(ws, char(':'), ws).parse(input)
}

/// `value-separator = ws , ws`
#[inline]
fn value_separator(input: &[u8]) -> Parsed<'_, char> {
    delimited(ws, char(','), ws).parse(input)
}

/// `ws = *( space / tab / line feed / carriage return )`
#[inline]
fn ws(input: &[u8]) -> Parsed<'_, ()> {
    match input.first() {
        Some(&byte) if is_blank(byte) => {
            let end = input.iter().position(|&byte| !is_blank(byte)).unwrap_or(input.len());
            Ok((input.get(end..).unwrap_or_default(), ()))
        }
        _ => Ok((input, ())),
    }
}

const fn malformed() -> nom::Err<Fault> {
    nom::Err::Error(Fault::Malformed)
}

fn capture_text(row: &mut Row, level: usize, place: usize, quoted: Quoted<'_>) {
    if !quoted.escaped {
        if let Some(text) = row.buffer(place, CellKind::Text) {
            push_text(quoted.raw, text);
        }
        return;
    }
    let mut bytes = row.take_scratch(level);
    unescape(quoted.raw, &mut bytes);
    if let Some(text) = row.buffer(place, CellKind::Text) {
        push_text(&bytes, text);
    }
    row.put_scratch(level, bytes);
}

fn capture_scalar(row: &mut Row, place: usize, word: &[u8]) {
    let kind = match word {
        b"null" => CellKind::Missing,
        b"true" | b"false" => CellKind::Bool,
        _ if is_number(word) => CellKind::Number,
        _ => return row.set_partial(),
    };
    if let Some(text) = row.buffer(place, kind)
        && kind != CellKind::Missing
    {
        push_text(word, text);
    }
}

impl Projection<'_> {
    #[inline]
    fn child(&mut self, node: usize, key: Quoted<'_>) -> Option<usize> {
        if key.escaped {
            let mut name = self.row.take_scratch(self.level);
            unescape(key.raw, &mut name);
            let child = self.wanted.child(node, &name);
            self.row.put_scratch(self.level, name);
            return child;
        }
        self.wanted.child(node, key.raw)
    }

    /// Follows the paths below `node` into text that holds an object. Other text has no members, as a number has none;
    /// an object that is broken or too deep gives what stands before the fault.
    fn text_as_json(&mut self, node: usize, quoted: Quoted<'_>) {
        if !quoted.escaped {
            return self.read_text(node, quoted.raw);
        }
        let mut text = self.row.take_scratch(self.level);
        unescape(quoted.raw, &mut text);
        self.read_text(node, &text);
        self.row.put_scratch(self.level, text);
    }

    fn read_text(&mut self, node: usize, text: &[u8]) {
        if text.trim_ascii_start().first() != Some(&b'{') {
            return;
        }
        if self.level >= TEXT_LEVELS {
            return self.row.set_partial();
        }
        let mut inner = Projection { wanted: self.wanted, row: self.row, depth: 0, level: self.level + 1 };
        let record = |input| object(input, node, &mut inner);
        let read: Parsed<'_, ()> = terminated(delimited(ws, record, ws), eof).parse(text);
        if read.is_err() {
            self.row.set_partial();
        }
    }
}

#[cfg(test)]
mod tests;
