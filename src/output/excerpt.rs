//! A few lines of a file, made safe and narrow, in which the places of the file can be found again.
//!
//! Positions come from outside and are believed in nothing: what lies beyond the text or inside a character is moved to
//! the nearest place that exists.

use std::ops::Range;

use crate::output::escape::{self, char_columns};

/// How many columns a tab takes.
const TAB: &str = "    ";

/// What stands where a line was cut.
const CUT: &str = "...";

/// U+FEFF, which editors on some systems put at the start of a file; it is no character of the first line.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A text and where its lines begin.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The text's bytes that `span` means: inside the text, on the borders of characters, not backwards.
    pub(super) fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = span.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }

    /// The line, from 0, in which a byte stands.
    pub(super) fn line_at(&self, byte: usize) -> usize {
        self.starts.partition_point(|&start| start <= byte).saturating_sub(1)
    }

    /// The bytes of a line without what ends it.
    pub(super) fn line(&self, line: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let body = self.text.get(start..end).unwrap_or_default();
        let body = body.strip_suffix('\r').filter(|_| end < self.text.len()).unwrap_or(body);
        start..start + body.len()
    }

    /// The column of a byte in its line, in characters from 1.
    pub(super) fn column(&self, byte: usize) -> usize {
        let start = self.starts.get(self.line_at(byte)).copied().unwrap_or(0);
        let before = self.text.get(start..byte).unwrap_or_default();
        before.strip_prefix(BYTE_ORDER_MARK).unwrap_or(before).chars().count() + 1
    }

    fn slice(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }
}

/// Consecutive lines of a text as they are shown.
#[derive(Debug)]
pub(super) struct Excerpt {
    /// The number of the first line, from 0.
    pub(super) first: usize,
    /// The lines as they are shown, each ended by a line feed.
    pub(super) shown: String,
    /// For each border between characters of the text: where it is in the text and where in `shown`.
    borders: Vec<(usize, usize)>,
}

impl Excerpt {
    /// The lines `first..=last`, each at most about `width` columns wide; of a wider line the part around the first of
    /// `places` that is in it is shown.
    pub(super) fn new(
        lines: &Lines<'_>,
        first: usize,
        last: usize,
        places: &[Range<usize>],
        width: usize,
    ) -> Self {
        let mut excerpt = Self { first, shown: String::new(), borders: Vec::new() };
        for line in first..=last {
            let bytes = lines.line(line);
            let within = |place: &&Range<usize>| bytes.start <= place.start && place.start <= bytes.end;
            let place = places.iter().find(within).cloned().unwrap_or(bytes.start..bytes.start);
            let place = place.start..place.end.min(bytes.end);
            let from = window_start(lines, &bytes, &place, width);
            excerpt.add(lines, &bytes, from, width);
        }
        excerpt
    }

    fn add(&mut self, lines: &Lines<'_>, bytes: &Range<usize>, from: usize, width: usize) {
        if from > bytes.start {
            self.shown.push_str(CUT);
        }
        let mut used = 0;
        let mut marks = escape::MARKS;
        let mut at = from;
        for c in lines.slice(from..bytes.end).chars() {
            let before = self.shown.len();
            let border = (at, before);
            match c {
                '\t' => self.shown.push_str(TAB),
                BYTE_ORDER_MARK if at == 0 => {}
                c => escape::push(c, &mut marks, &mut self.shown),
            }
            used += self.shown.get(before..).unwrap_or_default().chars().map(char_columns).sum::<usize>();
            if used > width {
                self.shown.truncate(before);
                break;
            }
            self.borders.push(border);
            at += c.len_utf8();
        }
        self.borders.push((at, self.shown.len()));
        if at < bytes.end {
            self.shown.push_str(CUT);
        } else if lines.slice(at..at + 1) == "\r" {
            self.borders.push((at + 1, self.shown.len()));
        }
        self.shown.push('\n');
    }

    /// Where in `shown` a byte of the text stands, unless it is not shown.
    pub(super) fn find(&self, byte: usize) -> Option<usize> {
        // The end of one line and the start of the next may be the same byte only in an empty text.
        let at = self.borders.binary_search_by_key(&byte, |&(text, _)| text).ok()?;
        self.borders.get(at).map(|&(_, shown)| shown)
    }

    /// The part of a place in its first line that is shown, if its start is.
    pub(super) fn show(&self, lines: &Lines<'_>, place: &Range<usize>) -> Option<Range<usize>> {
        let start = self.find(place.start)?;
        let end = place.end.min(lines.line(lines.line_at(place.start)).end).max(place.start);
        let end = self.find(end).unwrap_or_else(|| {
            let rest = self.shown.get(start..).unwrap_or_default();
            start + rest.find('\n').unwrap_or(rest.len())
        });
        Some(start..end)
    }
}

/// The byte from which a line is shown, so that `place` is in what is shown.
fn window_start(lines: &Lines<'_>, bytes: &Range<usize>, place: &Range<usize>, width: usize) -> usize {
    let columns = |c: char| match c {
        '\t' => TAB.len(),
        c => {
            let mut safe = String::new();
            escape::push(c, &mut 0, &mut safe);
            safe.chars().map(char_columns).sum()
        }
    };
    // Everything up to the end of the place fits: begin at the beginning.
    let mut used = 0;
    let fits = lines.slice(bytes.start..place.end).chars().all(|c| {
        used += columns(c);
        used <= width
    });
    if fits {
        return bytes.start;
    }
    let mut used = 0;
    let mut from = place.start;
    for (at, c) in lines.slice(bytes.start..place.start).char_indices().rev() {
        used += columns(c);
        if used > width / 3 {
            break;
        }
        from = bytes.start + at;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_span_becomes_one_that_exists() {
        let lines = Lines::new("a日\nb");
        let backwards = Range { start: 5, end: 1 };
        for (span, expect) in [(2..3, 1..4), (9..12, 6..6), (backwards, 5..5), (0..99, 0..6), (1..1, 1..1)] {
            assert_eq!(lines.clamp(&span), expect, "{span:?}");
        }
    }

    #[test]
    fn a_line_ends_before_what_ends_it() {
        let lines = Lines::new("a\r\nb\rc\n\nd\r");
        let shown: Vec<&str> = (0..4).map(|at| lines.slice(lines.line(at))).collect();
        assert_eq!(shown, ["a", "b\rc", "", "d\r"]);
        assert_eq!([0, 2, 3, 7, 8].map(|at| lines.line_at(at)), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn every_shown_border_is_found_again() {
        let text = "\u{feff}a\tb\u{1b}c日e\u{301}\nnext\n";
        let lines = Lines::new(text);
        let excerpt = Excerpt::new(&lines, 0, 2, &[], 80);
        assert_eq!(excerpt.shown, "a    b\\x1bc日e\u{301}\nnext\n\n");
        for (at, c) in text.char_indices().filter(|&(_, c)| c.is_ascii_alphabetic()) {
            let found = excerpt.find(at).and_then(|at| excerpt.shown.get(at..));
            assert!(found.is_some_and(|rest| rest.starts_with(c)), "{c} at {at}");
        }
        assert_eq!(excerpt.find(text.len()), Some(excerpt.shown.len() - 1));
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("{}HERE{}", "x".repeat(1 << 20), "y".repeat(1 << 20));
        let lines = Lines::new(&text);
        let place = (1 << 20)..(1 << 20) + 4;
        let excerpt = Excerpt::new(&lines, 0, 0, std::slice::from_ref(&place), 60);
        assert!(excerpt.shown.len() < 80, "{}", excerpt.shown);
        let shown = excerpt.show(&lines, &place).and_then(|span| excerpt.shown.get(span));
        assert_eq!(shown, Some("HERE"));
        assert_eq!(excerpt.find(0), None);
    }
}
