//! From the decoded text of a scalar back to its bytes in the file.
//!
//! Folding only ever adds, drops or merges blanks, so the n-th character that is not blank is the same one in the
//! decoded text and in the file, in every style. Blanks are counted from there.

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

/// Where the byte `offset` of `decoded` stands in `raw`, the scalar as it was written.
pub(super) fn locate(raw: &str, style: Style, decoded: &str, offset: usize) -> usize {
    let offset = (0..=offset.min(decoded.len())).rev().find(|&at| decoded.is_char_boundary(at)).unwrap_or(0);
    let (before, after) = decoded.split_at(offset);
    let solid_before = before.chars().filter(|&c| !is_blank(c)).count();
    let mut items = Items::new(raw, style);
    let mut at = items.at;
    for _ in 0..solid_before {
        if items.find(|item| !item.blank).is_none() {
            return items.at;
        }
        at = items.at;
    }
    if after.chars().next().is_some_and(|c| !is_blank(c)) {
        return items.find(|item| !item.blank).map_or(at, |item| item.at);
    }
    for _ in before.chars().rev().take_while(|&c| is_blank(c)) {
        match items.next() {
            Some(item) if item.blank => at = items.at,
            _ => break,
        }
    }
    at
}

/// The length of a quoted scalar, both quotes included; `raw` may go on behind it.
pub(super) fn quoted_len(raw: &str, style: Style) -> usize {
    let mut items = Items::new(raw, style);
    while items.next().is_some() {}
    (items.at + 1).min(raw.len())
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// One decoded character as it was written.
#[derive(Clone, Copy, Debug)]
struct Item {
    at: usize,
    blank: bool,
}

struct Items<'a> {
    raw: &'a str,
    style: Style,
    /// Behind the item given last.
    at: usize,
}

impl<'a> Items<'a> {
    fn new(raw: &'a str, style: Style) -> Self {
        let at = match style {
            Style::Single | Style::Double => 1,
            Style::Plain | Style::Literal(_) | Style::Folded => 0,
        };
        Self { raw, style, at }
    }

    /// The length of a line end and of the indentation behind it.
    fn line_end(&self, rest: &str) -> usize {
        let end = if rest.starts_with("\r\n") { 2 } else { 1 };
        let spaces = rest.bytes().skip(end).take_while(|&b| b == b' ').count();
        match self.style {
            Style::Literal(indent) => end + spaces.min(indent),
            Style::Plain | Style::Single | Style::Double | Style::Folded => end,
        }
    }
}

impl Iterator for Items<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let rest = self.raw.get(self.at..)?;
        let first = rest.chars().next()?;
        let (len, blank) = match (self.style, first) {
            (_, '\n' | '\r') => (self.line_end(rest), true),
            (Style::Single, '\'') if rest.starts_with("''") => (2, false),
            (Style::Single, '\'') | (Style::Double, '"') => return None,
            (Style::Double, '\\') => escape(rest),
            (_, c) => (c.len_utf8(), is_blank(c)),
        };
        let item = Item { at: self.at, blank };
        self.at = (self.at + len).min(self.raw.len());
        Some(item)
    }
}

/// The length of an escape and whether it stands for a blank.
fn escape(rest: &str) -> (usize, bool) {
    let hex = |digits: usize| {
        let code = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        (2 + digits, code.and_then(char::from_u32).is_some_and(is_blank))
    };
    match rest.chars().nth(1) {
        Some('x') => hex(2),
        Some('u') => hex(4),
        Some('U') => hex(8),
        Some('\r') if rest.starts_with("\\\r\n") => (3, true),
        Some(c @ ('n' | 't' | 'r' | ' ' | '\t' | '\n' | '\r')) => (1 + c.len_utf8(), true),
        Some(c) => (1 + c.len_utf8(), false),
        None => (1, false),
    }
}
