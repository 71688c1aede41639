//! A record that was parsed, taken apart into the bytes that its kind repeats and the values that vary.
//!
//! Every string and number is taken to vary, except those that a path leads through. Only what is written the usual way
//! is taken apart; of anything else nothing is learnt: keys with escapes, a path that is met twice or ends at an object,
//! text in text with other escapes than those of its quotes.

use std::ops::Range;

use crate::input::Paths;
use crate::input::json::{TEXT_LEVELS, is_word};
use crate::input::structural::{closing_quote, is_blank, text_stop};

/// Brackets open at once, in all texts together. Deeper records are parsed each time.
const MAX_DEPTH: u32 = 16;

/// What stands after some bytes that repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hole {
    /// The inside of a string of the record itself, up to its closing quote.
    Text(Option<usize>),
    /// The inside of a string of text within a string: what has neither quotes nor backslashes.
    Inner(Option<usize>),
    /// A number or a word.
    Scalar(Option<usize>),
    /// The end of the record.
    End,
}

/// The record as bytes and what stands after them, in order; the last hole is the end.
pub(super) fn outline(record: &[u8], wanted: &Paths) -> Option<Vec<(Range<usize>, Hole)>> {
    let mut walk =
        Walk { record, wanted, at: 0, from: 0, level: 0, depth: 0, met: Vec::new(), found: Vec::new() };
    walk.blanks();
    walk.object(Some(Paths::ROOT))?;
    walk.blanks();
    walk.hole(Hole::End);
    (walk.at == record.len()).then_some(walk.found)
}

struct Walk<'a> {
    record: &'a [u8],
    wanted: &'a Paths,
    at: usize,
    /// Where the bytes that repeat begin.
    from: usize,
    /// Strings whose text is being read as JSON: each of its quotes is written after 2^level - 1 backslashes.
    level: usize,
    depth: u32,
    /// Where paths led.
    met: Vec<usize>,
    found: Vec<(Range<usize>, Hole)>,
}

impl Walk<'_> {
    fn rest(&self) -> &[u8] {
        self.record.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        self.at += self.rest().iter().take_while(|&&byte| is_blank(byte)).count();
    }

    fn quote(&mut self) -> Option<()> {
        for _ in 1..1 << self.level {
            self.byte(b'\\')?;
        }
        self.byte(b'"')
    }

    /// The inside of a string without escapes.
    fn plain(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.at += text_stop(self.rest())?;
        Some(start..self.at)
    }

    fn hole(&mut self, hole: Hole) {
        self.found.push((self.from..self.at, hole));
    }

    fn object(&mut self, node: Option<usize>) -> Option<()> {
        self.listed(b'{', b'}', |walk| {
            walk.quote()?;
            let key = walk.plain()?;
            walk.quote()?;
            walk.blanks();
            walk.byte(b':')?;
            walk.blanks();
            let key = walk.record.get(key).unwrap_or_default();
            walk.value(node.and_then(|node| walk.wanted.child(node, key)))
        })
    }

    /// What stands in brackets, with commas between.
    fn listed(&mut self, open: u8, close: u8, item: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        self.byte(open)?;
        self.depth += 1;
        self.blanks();
        if self.depth > MAX_DEPTH {
            return None;
        }
        if self.peek() != Some(close) {
            loop {
                item(self)?;
                self.blanks();
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
                self.blanks();
            }
        }
        self.depth -= 1;
        self.byte(close)
    }

    fn value(&mut self, node: Option<usize>) -> Option<()> {
        let (mut place, mut leads_on) = (None, false);
        if let Some(node) = node {
            if self.met.contains(&node) {
                return None;
            }
            self.met.push(node);
            (place, leads_on) = (self.wanted.place(node), self.wanted.leads_on(node));
        }
        match self.peek()? {
            b'"' | b'\\' if leads_on => {
                if place.is_some() {
                    return None;
                }
                self.quote()?;
                self.text(node)?;
                self.quote()
            }
            b'"' | b'\\' => {
                self.quote()?;
                self.hole(if self.level == 0 { Hole::Text(place) } else { Hole::Inner(place) });
                if self.level == 0 {
                    self.at += closing_quote(self.rest())?.0;
                } else {
                    self.plain()?;
                }
                self.from = self.at;
                self.quote()
            }
            b'{' | b'[' if place.is_some() => None,
            b'{' => self.object(node.filter(|_| leads_on)),
            b'[' => self.listed(b'[', b']', |walk| walk.value(None)),
            _ => self.scalar(place),
        }
    }

    /// The text of a string that paths lead through: an object, or no members.
    fn text(&mut self, node: Option<usize>) -> Option<()> {
        let start = self.at;
        self.blanks();
        if self.peek() != Some(b'{') {
            self.at = start;
            return self.plain().map(|_| ());
        }
        if self.level >= TEXT_LEVELS {
            return None;
        }
        self.level += 1;
        self.object(node)?;
        self.blanks();
        self.level -= 1;
        Some(())
    }

    fn scalar(&mut self, place: Option<usize>) -> Option<()> {
        let len = self.rest().iter().take_while(|&&byte| is_word(byte)).count();
        let word = self.rest().get(..len).filter(|word| !word.is_empty())?;
        if place.is_some() || !matches!(word, b"null" | b"true" | b"false") {
            self.hole(Hole::Scalar(place));
            self.from = self.at + len;
        }
        self.at += len;
        Some(())
    }
}
