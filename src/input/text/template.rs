//! A template of a line: literal text with captures between, `Client {client} [{address}] disconnected: {reason}.`
//!
//! One rule makes captures unambiguous: a capture ends at the first occurrence of the text behind it; the text at the end
//! of a template is looked for at the end of the line, and a capture there takes the rest. A kind (`{port:integer}`) says
//! what the captured text must be, and then nothing is tried again: no backtracking, so a line is gone through once for
//! each template, whatever it holds. The one exception is the stamp, which may hold the text that ends it
//! (`2026-03-04 08:22:05`): it ends at the first occurrence before which a stamp stands.

use std::fmt;

use memchr::memmem::Finder;
use nom::bytes::complete::{tag, take};
use nom::combinator::{eof, rest, verify};
use nom::error::{Error, ErrorKind};
use nom::sequence::terminated;
use nom::{IResult, Parser};
use smol_str::SmolStr;

use crate::input::{StampFormat, Zone};
use crate::model::Reject;

/// So many captures a template may have.
pub(super) const MAX_CAPTURES: usize = 16;

/// A stamp holds the text that ends it at most so often.
const STAMP_TRIES: usize = 8;

/// What may stand in a capture.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Any text, also none.
    Text,
    /// Text without blanks, at least one character.
    Word,
    /// Digits, perhaps behind a minus.
    Integer,
    /// The same, perhaps with a fraction.
    Number,
    /// A time stamp of the input, which may lack its zone when it is known to be UTC.
    Stamp(StampFormat, Option<Zone>),
}

/// One capture and the text behind it; the last one ends with the line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Capture {
    /// Nameless when the text does not matter.
    pub(super) name: Option<SmolStr>,
    pub(super) kind: Kind,
    pub(super) until: Option<Literal>,
}

/// Text that stands in every line of a template.
#[derive(Clone)]
pub(super) struct Literal(Box<Finder<'static>>);

impl Literal {
    pub(super) fn new(text: &str) -> Self {
        Self(Box::new(Finder::new(text).into_owned()))
    }

    fn bytes(&self) -> &[u8] {
        self.0.needle()
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
    }
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

/// A template, ready to be laid on lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Template {
    /// What a line begins with.
    pub(super) start: Box<[u8]>,
    pub(super) captures: Vec<Capture>,
    /// What a line ends with, behind the last capture.
    pub(super) end: Box<[u8]>,
}

/// The texts that the captures of a template took from a line, in order.
pub(super) type Captured<'l> = [&'l [u8]; MAX_CAPTURES];

type Parsed<'l, T> = IResult<&'l [u8], T, Error<&'l [u8]>>;

impl Template {
    /// Lays the template on a line without blanks at its end. With `any_stamp`, a stamp may be any text.
    pub(super) fn fit<'l>(&self, line: &'l [u8], any_stamp: bool) -> Option<Captured<'l>> {
        self.line(line, any_stamp).ok().map(|(_, captured)| captured)
    }

    /// The names of the captures, each with what it took.
    pub(super) fn named<'a, 'l>(
        &'a self,
        captured: &'a Captured<'l>,
    ) -> impl Iterator<Item = (&'a SmolStr, &'l [u8])> {
        self.captures.iter().zip(captured).filter_map(|(capture, &text)| Some((capture.name.as_ref()?, text)))
    }

    /// `line = start *( capture text ) end`
    fn line<'l>(&self, line: &'l [u8], any_stamp: bool) -> Parsed<'l, Captured<'l>> {
        let mut captured: Captured<'l> = [&[]; MAX_CAPTURES];
        let (inner, _) = tag(&*self.start).parse(line)?;
        if self.captures.is_empty() {
            return eof(inner).map(|(end, _)| (end, captured));
        }
        let inside = inner.len().checked_sub(self.end.len()).ok_or(unfit(inner))?;
        let (_, mut inner) = terminated(take(inside), tag(&*self.end)).parse(inner)?;
        for (capture, place) in self.captures.iter().zip(&mut captured) {
            (inner, *place) = capture.text(inner, any_stamp)?;
        }
        Ok((inner, captured))
    }

    /// Whether every line that fits `other` fits this one too, so that `other` behind it is never reached.
    ///
    /// Only said when it is certain: captures of any text are all that can be proved to take whatever stands there. Then
    /// a line of `other` fits whenever the text of `other` fits with something unheard-of in its captures.
    pub(super) fn hides(&self, other: &Self) -> bool {
        let mut line = other.start.to_vec();
        for capture in &other.captures {
            line.push(0);
            line.extend(capture.until.iter().flat_map(Literal::bytes));
        }
        line.extend(&*other.end);
        self.captures.iter().all(|capture| capture.kind == Kind::Text) && self.fit(&line, true).is_some()
            || self.start == other.start && self.captures_same(other) && self.end == other.end
    }

    fn captures_same(&self, other: &Self) -> bool {
        let same = |(a, b): (&Capture, &Capture)| a.kind == b.kind && a.until == b.until;
        self.captures.len() == other.captures.len() && self.captures.iter().zip(&other.captures).all(same)
    }
}

impl Capture {
    /// `capture text`: what was captured, without blanks around it.
    fn text<'l>(&self, input: &'l [u8], any_stamp: bool) -> Parsed<'l, &'l [u8]> {
        let (after, text) = match &self.kind {
            Kind::Text => upto(self.until.as_ref(), input),
            Kind::Word => verify(|input| self.upto_behind_blanks(input), is_word).parse(input),
            Kind::Integer => verify(|input| self.upto_behind_blanks(input), is_integer).parse(input),
            Kind::Number => verify(|input| self.upto_behind_blanks(input), is_number).parse(input),
            Kind::Stamp(..) if any_stamp => upto(self.until.as_ref(), input),
            Kind::Stamp(format, zone) => stamp(self.until.as_ref(), format, *zone, input),
        }?;
        Ok((after, text.trim_ascii()))
    }

    /// Columns are filled up with blanks, and a blank may be the very text that ends the capture.
    fn upto_behind_blanks<'l>(&self, input: &'l [u8]) -> Parsed<'l, &'l [u8]> {
        upto(self.until.as_ref(), input.trim_ascii_start())
    }
}

/// Everything before the first occurrence of a literal, which is passed over; the rest when there is none to look for.
fn upto<'l>(literal: Option<&Literal>, input: &'l [u8]) -> Parsed<'l, &'l [u8]> {
    let Some(Literal(finder)) = literal else { return rest(input) };
    let at = finder.find(input).ok_or(unfit(input))?;
    terminated(take(at), take(finder.needle().len())).parse(input)
}

/// The same for a stamp: the first occurrence before which one stands. A time that is out of range is one, too.
fn stamp<'l>(
    literal: Option<&Literal>,
    format: &StampFormat,
    zone: Option<Zone>,
    input: &'l [u8],
) -> Parsed<'l, &'l [u8]> {
    let is_stamp = |text: &[u8]| {
        std::str::from_utf8(text).is_ok_and(|text| format.parse(text, zone) != Err(Reject::BadTime))
    };
    let Some(Literal(finder)) = literal else { return verify(rest, is_stamp).parse(input) };
    for at in finder.find_iter(input).take(STAMP_TRIES) {
        let (after, text) = terminated(take(at), take(finder.needle().len())).parse(input)?;
        if is_stamp(text) {
            return Ok((after, text));
        }
    }
    Err(unfit(input))
}

fn is_word(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    !text.is_empty() && !text.iter().any(u8::is_ascii_whitespace)
}

fn is_integer(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn is_number(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let point = text.iter().position(|&byte| byte == b'.');
    match point.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))) {
        None => is_integer(text),
        Some((whole, fraction)) => {
            is_integer(whole) && !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit)
        }
    }
}

fn unfit(input: &[u8]) -> nom::Err<Error<&[u8]>> {
    nom::Err::Error(Error::new(input, ErrorKind::Verify))
}
