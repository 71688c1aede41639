//! From the decoded text of a scalar back to its bytes in the file, and from new text to how it must be written there.
//!
//! Every character of the decoded text has its bytes: an escape has all of its own, a blank or a line end that was
//! kept has itself. Where lines were folded, the blank between them has the line end that it stands for (without the
//! blanks around it, which say nothing), and each line end that is left has that of the empty line it stands for.

use std::ops::Range;

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes.
    Plain,
    /// In `'…'`.
    Single,
    /// In `"…"`.
    Double,
    /// As a block after `|`, with so many columns of indentation.
    Literal(usize),
    /// As a block after `>`.
    Folded,
}

/// A scalar as it stands in a file.
#[derive(Clone, Debug)]
pub(super) struct Written<'a> {
    /// The whole file.
    pub(super) file: &'a str,
    /// The bytes of the scalar; of a block those of its lines, without the blanks before the first and the line ends behind
    /// the last.
    pub(super) span: Range<usize>,
    pub(super) style: Style,
    /// What it says.
    pub(super) decoded: &'a str,
}

impl Written<'_> {
    /// The bytes of the file behind some bytes of the decoded text. What is behind the last character has no width; behind
    /// a block it stands on the last line with text, not on the one that follows.
    pub(super) fn bytes(&self, inside: Range<usize>) -> Range<usize> {
        let places = self.places();
        let index = |at: usize| self.decoded.char_indices().take_while(|(byte, _)| *byte < at).count();
        // A byte in the midst of a character means the whole character.
        let first = match index(inside.start) {
            n if self.decoded.is_char_boundary(inside.start) => n,
            n => n.saturating_sub(1),
        };
        let behind = |at: usize| places.get(..at).and_then(<[_]>::last).map(|place| place.end);
        let start = places.get(first).map(|place| place.start);
        let last = || behind(places.len()).map(|end| end.min(self.span.end));
        let start = start.or_else(last).unwrap_or(self.span.start);
        let end = if inside.is_empty() { start } else { behind(index(inside.end)).unwrap_or(start) };
        start..end.max(start)
    }

    /// How `text` must be written to stand in the place of some bytes of the decoded text; `None` when it cannot.
    pub(super) fn written(&self, inside: &Range<usize>, text: &str) -> Option<String> {
        if text.chars().any(char::is_control) {
            return None;
        }
        match self.style {
            Style::Single => Some(text.replace('\'', "''")),
            Style::Double => Some(text.replace('\\', "\\\\").replace('"', "\\\"")),
            // A line of a block that is nothing but blanks, or begins with one, folds otherwise than before.
            Style::Literal(_) | Style::Folded => {
                let whole = inside.start == 0 && inside.end >= self.decoded.trim_end().len();
                let fits = if whole { !text.is_empty() } else { true };
                (fits && !text.starts_with([' ', '\t'])).then(|| text.to_owned())
            }
            Style::Plain => {
                let first = text.chars().next();
                // At the start many signs mean something to YAML, and an empty scalar is nothing at all.
                let starts = inside.start > 0 || first.is_some_and(|c| c.is_alphanumeric() || c == '(');
                let ends = inside.end < self.decoded.len() || !text.ends_with(' ');
                (starts && ends && !text.contains([':', '#', ',', '[', ']', '{', '}']))
                    .then(|| text.to_owned())
            }
        }
    }

    /// The bytes of each decoded character.
    pub(super) fn places(&self) -> Vec<Range<usize>> {
        let pieces = match self.style {
            Style::Plain | Style::Single | Style::Double => flow(self.file, self.span.clone(), self.style).0,
            Style::Literal(_) => literal(&lines(self.file, self.span.start)),
            Style::Folded => folded(&lines(self.file, self.span.start)),
        };
        let exact = self.decoded.chars().enumerate().all(|(at, c)| pieces.get(at).is_some_and(|p| p.c == c));
        if exact {
            return pieces.into_iter().take(self.decoded.chars().count()).map(|piece| piece.at).collect();
        }
        roughly(&pieces, self.decoded, self.span.start)
    }
}

/// The length of a quoted scalar, both quotes included; `raw` may go on behind it.
pub(super) fn quoted_len(raw: &str, style: Style) -> usize {
    (flow(raw, 0..raw.len(), style).1 + 1).min(raw.len())
}

/// The length of a block, whose `raw` text goes on to where the next value starts: up to the end of its last line with
/// text. Blanks at that end are a part of what the block says.
pub(super) fn block_len(raw: &str) -> usize {
    let text = raw.trim_end_matches([' ', '\t', '\r', '\n']).len();
    let behind = if text > 0 { raw.get(text..).unwrap_or_default() } else { "" };
    text + blanks(behind)
}

/// One decoded character and the bytes that it came from.
#[derive(Clone, Debug)]
struct Piece {
    c: char,
    at: Range<usize>,
}

/// For text that the parser folds otherwise than the standard says: folding only ever adds, drops or merges blanks, so
/// the n-th character that is not blank is the same one in the decoded text and in the file.
fn roughly(pieces: &[Piece], decoded: &str, start: usize) -> Vec<Range<usize>> {
    let mut solid = pieces.iter().filter(|piece| !is_blank(piece.c));
    let mut last = start..start;
    let mut places = Vec::new();
    for c in decoded.chars() {
        last = match if is_blank(c) { None } else { solid.next() } {
            Some(piece) => piece.at.clone(),
            None => last.end..last.end,
        };
        places.push(last.clone());
    }
    places
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// The length of the line end that `rest` begins with; 0 when it does not.
fn line_end(rest: &str) -> usize {
    match rest.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

fn blanks(rest: &str) -> usize {
    rest.len() - rest.trim_start_matches([' ', '\t']).len()
}

/// Reads a plain or quoted scalar and says where it ended: at its closing quote, or at the end of `span`.
fn flow(file: &str, span: Range<usize>, style: Style) -> (Vec<Piece>, usize) {
    let mut pieces = Vec::new();
    let mut at = span.start + usize::from(style != Style::Plain);
    loop {
        let rest = file.get(at..span.end).unwrap_or_default();
        let Some(c) = rest.chars().next() else { return (pieces, at) };
        // Blanks before a line end go with it.
        let blanks = blanks(rest);
        let end = line_end(rest.get(blanks..).unwrap_or_default());
        if end > 0 {
            let fold = at + blanks..at + blanks + end;
            let empty = empty_lines(file, fold.end..span.end, &mut at);
            if empty.is_empty() {
                pieces.push(Piece { c: ' ', at: fold });
            }
            pieces.extend(empty);
            continue;
        }
        let len = match (style, c) {
            (Style::Single, '\'') if !rest.starts_with("''") => return (pieces, at),
            (Style::Double, '"') => return (pieces, at),
            (Style::Single, '\'') => 2,
            (Style::Double, '\\') => {
                let end = line_end(rest.get(1..).unwrap_or_default());
                if end > 0 {
                    pieces.extend(empty_lines(file, at + 1 + end..span.end, &mut at));
                    continue;
                }
                let (c, len) = escape(rest);
                pieces.push(Piece { c, at: at..at + len });
                at += len;
                continue;
            }
            (_, c) => c.len_utf8(),
        };
        pieces.push(Piece { c, at: at..at + len });
        at += len;
    }
}

/// The empty lines at the start of `span`, each as a line end; `at` comes to stand on the text behind them.
fn empty_lines(file: &str, span: Range<usize>, at: &mut usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    *at = span.start;
    loop {
        let rest = file.get(*at..span.end).unwrap_or_default();
        let blanks = blanks(rest);
        *at += blanks;
        let end = line_end(rest.get(blanks..).unwrap_or_default());
        if end == 0 {
            return pieces;
        }
        pieces.push(Piece { c: '\n', at: *at..*at + end });
        *at += end;
    }
}

/// What an escape stands for, and its length.
fn escape(rest: &str) -> (char, usize) {
    let Some(sign) = rest.chars().nth(1) else { return ('\\', 1) };
    let hex = |digits: usize| {
        let code = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        (code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER), (2 + digits).min(rest.len()))
    };
    let c = match sign {
        'x' => return hex(2),
        'u' => return hex(4),
        'U' => return hex(8),
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        c => c,
    };
    (c, 1 + sign.len_utf8())
}

/// One line of a block: what stands behind its indentation, and its line end.
struct Line<'a> {
    text: &'a str,
    at: usize,
    end: Range<usize>,
}

impl Line<'_> {
    fn pieces(&self) -> impl Iterator<Item = Piece> {
        self.text.char_indices().map(|(at, c)| Piece { c, at: self.at + at..self.at + at + c.len_utf8() })
    }

    fn line_end(&self) -> Piece {
        Piece { c: '\n', at: self.end.clone() }
    }

    /// Whether it is neither empty nor begins with a blank, so that folding joins it with its like.
    fn joins(&self) -> bool {
        !self.text.is_empty() && !self.text.starts_with([' ', '\t'])
    }
}

/// The lines of the block whose first letter stands at `start`, from the first empty one to the last.
fn lines(file: &str, start: usize) -> Vec<Line<'_>> {
    let before = file.get(..start).unwrap_or_default();
    let mut first = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let indent = start - first;
    while let Some(above) = file.get(..first) {
        let above = above.strip_suffix('\n').unwrap_or(above);
        let above = above.strip_suffix('\r').unwrap_or(above);
        let from = above.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        if from == first || above.get(from..).is_some_and(|line| blanks(line) < line.len()) {
            break;
        }
        first = from;
    }
    let mut lines = Vec::new();
    let mut at = first;
    while let Some(rest) = file.get(at..).filter(|rest| !rest.is_empty()) {
        let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = rest.get(..len).unwrap_or_default();
        let spaces = line.bytes().take_while(|&b| b == b' ').count();
        if spaces < indent && spaces < len {
            break;
        }
        let skip = spaces.min(indent);
        let end = at + len..at + len + line_end(rest.get(len..).unwrap_or_default());
        lines.push(Line { text: line.get(skip..).unwrap_or_default(), at: at + skip, end: end.clone() });
        at = end.end;
    }
    lines
}

fn literal(lines: &[Line<'_>]) -> Vec<Piece> {
    lines.iter().flat_map(|line| line.pieces().chain([line.line_end()])).collect()
}

fn folded(lines: &[Line<'_>]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // The line with text before this one, and how many empty ones stand between.
    let mut above: Option<&Line<'_>> = None;
    let mut empty: Vec<&Line<'_>> = Vec::new();
    for line in lines {
        if line.text.is_empty() {
            empty.push(line);
            continue;
        }
        if let Some(above) = above {
            match (above.joins() && line.joins(), empty.is_empty()) {
                (true, true) => pieces.push(Piece { c: ' ', ..above.line_end() }),
                (true, false) => {}
                (false, _) => pieces.push(above.line_end()),
            }
        }
        pieces.extend(empty.drain(..).map(Line::line_end));
        pieces.extend(line.pieces());
        above = Some(line);
    }
    pieces.extend(above.into_iter().chain(empty).map(Line::line_end));
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::yaml::{Node, document};

    /// A file with one scalar under `a.b`, and what its emitter says: each character and the byte it came from.
    #[derive(Debug, Default)]
    struct Emitted {
        file: String,
        chars: Vec<(char, usize)>,
    }

    impl Emitted {
        fn push(&mut self, c: char, written: &str) {
            self.chars.push((c, self.file.len()));
            self.file.push_str(written);
        }

        /// Ends a line; the blanks around the line end stand for nothing, and the line end itself for `c`.
        fn end(&mut self, c: Option<char>, before: &str, line_end: &str) {
            self.file.push_str(before);
            self.chars.extend(c.map(|c| (c, self.file.len())));
            self.file.push_str(line_end);
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum How {
        Literal { hint: bool, chomp: &'static str },
        Folded { chomp: &'static str },
        Plain,
        Single,
        Double,
    }

    /// How a file may be laid out around a scalar.
    #[derive(Clone, Debug)]
    struct Layout {
        mark: bool,
        line_end: &'static str,
        indent: usize,
        /// Blanks before a fold, for the styles that drop them.
        trailing: &'static str,
        /// Which breaks in a double-quoted text are escaped.
        escaped: bool,
    }

    /// Writes lines of words, each word with the blanks before it, in a style that says so.
    ///
    /// `lines[i]` is a line of the *decoded* text for literal blocks; for all others a line of the file, joined with
    /// the next by `gaps[i]` empty lines.
    fn emit(how: How, layout: &Layout, lines: &[(String, usize)]) -> Emitted {
        let mut out = Emitted::default();
        if layout.mark {
            out.file.push('\u{feff}');
        }
        let (end, pad) = (layout.line_end, " ".repeat(layout.indent));
        out.file += &format!("é: ü{end}a:{end}  b: ");
        let last = lines.len().saturating_sub(1);
        match how {
            How::Literal { hint, chomp } => {
                let hint = if hint { (layout.indent - 2).to_string() } else { String::new() };
                out.file += &format!("|{hint}{chomp} # why{end}");
                for (at, (line, gap)) in lines.iter().enumerate() {
                    out.file += &pad;
                    line.chars().for_each(|c| out.push(c, &c.to_string()));
                    out.end((at < last || chomp != "-").then_some('\n'), "", end);
                    for _ in 0..if at < last || chomp == "+" { *gap } else { 0 } {
                        out.end(Some('\n'), "", end);
                    }
                }
            }
            How::Folded { chomp } => {
                out.file += &format!(">{chomp}{end}");
                for (at, (line, gap)) in lines.iter().enumerate() {
                    out.file += &pad;
                    line.chars().for_each(|c| out.push(c, &c.to_string()));
                    if at == last {
                        out.end((chomp != "-").then_some('\n'), "", end);
                        continue;
                    }
                    let spaced =
                        |at: usize| lines.get(at).is_some_and(|(line, _)| line.starts_with([' ', '\t']));
                    match (spaced(at) || spaced(at + 1), *gap) {
                        (true, _) => out.end(Some('\n'), "", end),
                        (false, 0) => out.end(Some(' '), "", end),
                        (false, _) => out.end(None, "", end),
                    }
                    for _ in 0..*gap {
                        out.end(Some('\n'), "", end);
                    }
                }
            }
            How::Plain | How::Single | How::Double => {
                let quote = match how {
                    How::Single => "'",
                    How::Double => "\"",
                    _ => "",
                };
                out.file += quote;
                for (at, (line, gap)) in lines.iter().enumerate() {
                    for c in line.trim_matches([' ', '\t']).chars() {
                        match (how, c) {
                            (How::Single, '\'') => out.push(c, "''"),
                            (How::Double, '"') => out.push(c, "\\\""),
                            (How::Double, '\\') => out.push(c, "\\\\"),
                            (How::Double, '\t') => out.push(c, "\\t"),
                            (How::Double, 'é') => out.push(c, "\\xe9"),
                            (How::Double, '→') => out.push(c, "\\u2192"),
                            (How::Double, '𝄞') => out.push(c, "\\U0001d11e"),
                            (How::Plain, ':' | '#' | '\'' | '"' | '\\') => out.push('x', "x"),
                            (_, c) => out.push(c, &c.to_string()),
                        }
                    }
                    if at == last {
                        break;
                    }
                    match (how, *gap) {
                        (How::Double, _) if layout.escaped => out.end(None, "\\", end),
                        (_, 0) => out.end(Some(' '), layout.trailing, end),
                        _ => out.end(None, layout.trailing, end),
                    }
                    for _ in 0..*gap {
                        // A tab at the start of an empty line counts as indentation.
                        out.end(Some('\n'), layout.trailing.trim_end_matches('\t'), end);
                    }
                    out.file += &pad;
                }
                out.file += &format!("{quote}{end}");
            }
        }
        out.file += &format!("c: 1{end}");
        out
    }

    fn styles() -> impl Strategy<Value = How> {
        let chomp = || prop::sample::select(vec!["", "-", "+"]);
        prop_oneof![
            (any::<bool>(), chomp()).prop_map(|(hint, chomp)| How::Literal { hint, chomp }),
            prop::sample::select(vec!["", "-"]).prop_map(|chomp| How::Folded { chomp }),
            Just(How::Plain),
            Just(How::Single),
            Just(How::Double),
        ]
    }

    fn layouts() -> impl Strategy<Value = Layout> {
        let end = prop::sample::select(vec!["\n", "\r\n"]);
        let trailing = prop::sample::select(vec!["", " ", "  ", " \t"]);
        (any::<bool>(), end, 3..8_usize, trailing, any::<bool>()).prop_map(
            |(mark, line_end, indent, trailing, escaped)| Layout {
                mark,
                line_end,
                indent,
                trailing,
                escaped,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn every_decoded_character_has_its_byte(
            how in styles(),
            layout in layouts(),
            lines in prop::collection::vec(("[a-zé→𝄞][a-zé→𝄞'\"\\\\:# \t=&]{0,8}[a-zé→𝄞]", 0..3_usize), 1..6),
            spaced in prop::collection::vec(prop::sample::select(vec!["", "", "  ", "\t"]), 6),
        ) {
            let lines: Vec<(String, usize)> = lines
                .into_iter()
                .zip(spaced)
                .enumerate()
                // The first line settles the indentation.
                .map(|(at, ((line, gap), blanks))| (if at == 0 { line } else { format!("{blanks}{line}") }, gap))
                .collect();
            let emitted = emit(how, &layout, &lines);
            let read = document("f.yaml", &emitted.file);
            let read = read.map_err(|problems| TestCaseError::fail(format!("{problems:?}: {:?}", emitted.file)))?;
            let node = read.root().at(&["a", "b"]).cloned();
            let node = node.ok_or_else(|| TestCaseError::fail("no scalar"))?;
            let decoded = node.scalar().unwrap_or_default();
            let said: String = emitted.chars.iter().map(|(c, _)| *c).collect();
            prop_assert_eq!(decoded, said, "{:?}", emitted.file);
            for ((at, _), (c, byte)) in decoded.char_indices().zip(&emitted.chars) {
                prop_assert_eq!(node.byte_in_file(at), *byte, "{:?} at {} in {:?}", c, at, emitted.file);
            }
        }
    }

    fn scalar(file: &str) -> Node {
        let read = document("f.yaml", file).unwrap_or_else(|problems| panic!("{file:?}: {problems:?}"));
        read.root().at(&["a"]).cloned().unwrap_or_else(|| panic!("{file:?}"))
    }

    #[test]
    fn a_word_has_all_its_bytes() {
        let cases = [
            ("a: 'x ''y'' z'", "'y'", "''y''"),
            ("a: \"x \\\"y\\\" z\"", "\"y\"", "\\\"y\\\""),
            ("a: \"x\\u00e9 z\"", "é", "\\u00e9"),
            ("a: x\n  y", "x y", "x\n  y"),
            ("a: |2\n    x\n  y\n", "  x", "  x"),
            ("a: >-\r\n  x\r\n  y\r\n", "y", "y"),
            ("a: |\n\n\n  x", "x", "x"),
        ];
        for (file, inside, written) in cases {
            let node = scalar(file);
            let at = node.scalar().and_then(|text| text.find(inside)).unwrap_or_else(|| panic!("{file:?}"));
            let span = node.span_in_file(at..at + inside.len());
            assert_eq!(file.get(span), Some(written), "{file:?}");
        }
    }

    #[test]
    fn an_edit_is_written_as_the_scalar_is() {
        let cases = [
            ("a: x ? y", "?", "&&", Some("a: x && y")),
            ("a: x ? y", "?", "{", None),
            ("a: x ? y", "x", "!", None),
            ("a: x ? y", "x", "\"x\"", None),
            ("a: x ? y", "y", "\"y\"", Some("a: x ? \"y\"")),
            ("a: 'x ? y'", "?", "'", Some("a: 'x '' y'")),
            ("a: 'x ''y'''", "'y'", "\"y\"", Some("a: 'x \"y\"'")),
            ("a: \"x 'y'\"", "'y'", "\"y\\\"", Some("a: \"x \\\"y\\\\\\\"\"")),
            ("a: |\n  x\n  ? y\n", "?", ":#", Some("a: |\n  x\n  :# y\n")),
            ("a: |\n  x\n", "x", "y\nz", None),
            ("a: x;", ";", "", Some("a: x")),
            ("a: >\n  x\n", "x", "", None),
        ];
        for (file, inside, text, edited) in cases {
            let node = scalar(file);
            let at = node.scalar().and_then(|text| text.find(inside)).unwrap_or_else(|| panic!("{file:?}"));
            let done = node.edit_in_file(at..at + inside.len(), text).map(|(span, text)| {
                let mut file = file.to_owned();
                file.replace_range(span, &text);
                file
            });
            assert_eq!(done.as_deref(), edited, "{file:?}: {inside} to {text}");
        }
    }
}
