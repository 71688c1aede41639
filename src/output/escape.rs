//! Text from logs, made safe for a terminal.
//!
//! Whatever a device, a file name or a rule puts into a text, a terminal shows it and never obeys it: control bytes,
//! changes of writing direction and invisible characters are spelled out.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// How many combining marks may follow one character; more is not writing, it is an attack on the lines around it.
pub(super) const MARKS: usize = 3;

/// What stands for the rest of a text that was cut.
const CUT: &str = "..";

/// The text with everything that a terminal could obey spelled out: `\n`, `\x1b`, `\u{202e}`.
///
/// Controls, DEL, changes of direction, invisible and unassigned-for-text characters, and combining marks without
/// something to combine with are spelled out; all other text stays as it is.
pub fn terminal(text: &str) -> Cow<'_, str> {
    let mut marks = MARKS;
    let Some(first) = text.char_indices().find(|&(_, c)| !is_plain(c, &mut marks)).map(|(at, _)| at) else {
        return Cow::Borrowed(text);
    };
    let (head, tail) = text.split_at(first);
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(head);
    for c in tail.chars() {
        push(c, &mut marks, &mut safe);
    }
    Cow::Owned(safe)
}

/// Adds a character to a safe text, spelled out if need be; `marks` starts as [`MARKS`] and counts as for [`is_plain`].
pub(super) fn push(c: char, marks: &mut usize, safe: &mut String) {
    if is_plain(c, marks) {
        safe.push(c);
    } else {
        spell(c, safe);
        *marks = MARKS;
    }
}

/// The text made safe as by [`terminal`] and cut to `width` columns; `..` at the end says that something is missing.
pub fn terminal_truncated(text: &str, width: usize) -> Cow<'_, str> {
    let safe = terminal(text);
    let mut used = 0;
    // Where the text can be cut so that the mark still fits.
    let mut cut = 0;
    for (at, c) in safe.char_indices() {
        if used + CUT.len() <= width {
            cut = at;
        }
        used += char_columns(c);
        if used > width {
            let mark = if width < CUT.len() { "" } else { CUT };
            return Cow::Owned(safe.get(..cut).unwrap_or_default().to_owned() + mark);
        }
    }
    safe
}

/// The columns that a safe text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

/// The columns that a safe character takes.
pub(super) fn char_columns(c: char) -> usize {
    c.width().unwrap_or(1)
}

/// Whether a terminal shows `c` and does nothing else; `marks` counts the combining marks since the last character
/// that stands for itself.
fn is_plain(c: char, marks: &mut usize) -> bool {
    if is_hidden(c) {
        return false;
    }
    if c.width() == Some(0) {
        *marks += 1;
        return *marks <= MARKS;
    }
    *marks = 0;
    true
}

/// Controls, and characters that show nothing yet change how others are shown.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
        || matches!(c,
            // Soft hyphen, grapheme joiner, letter mark, fillers, inherent vowels, Mongolian selectors.
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}'
            // Zero width, line and paragraph separators, direction.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            // Selectors, annotations, musical format, tags, private use.
            | '\u{fe00}'..='\u{fe0f}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

fn spell(c: char, out: &mut String) {
    let written = match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        c if c.is_ascii() => write!(out, "\\x{:02x}", u32::from(c)),
        c => write!(out, "\\u{{{:x}}}", u32::from(c)),
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_text_is_not_copied() {
        for text in ["", "pump-1", "Müller 日本 🚒", "e\u{301}"] {
            assert!(matches!(terminal(text), Cow::Borrowed(t) if t == text), "{text}");
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        let table = [
            ("\u{1b}[31mred", "\\x1b[31mred"),
            ("a\nb\r\t\0", "a\\nb\\r\\t\\x00"),
            ("\u{7f}\u{9b}2J", "\\x7f\\u{9b}2J"),
            ("abc\u{202e}cba\u{2066}", "abc\\u{202e}cba\\u{2066}"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
            ("x\u{2028}y\u{2029}z", "x\\u{2028}y\\u{2029}z"),
            ("\u{e0041}\u{fffe}", "\\u{e0041}\\u{fffe}"),
        ];
        for (hostile, safe) in table {
            assert_eq!(terminal(hostile), safe);
            assert_eq!(terminal(safe), safe, "safe text stays as it is");
        }
    }

    #[test]
    fn combining_marks_need_something_to_combine_with() {
        assert_eq!(terminal("\u{301}a"), "\\u{301}a");
        assert_eq!(terminal("a\u{301}\u{301}\u{301}\u{301}b"), "a\u{301}\u{301}\u{301}\\u{301}b");
    }

    #[test]
    fn a_cut_text_fits_and_says_so() {
        assert_eq!(terminal_truncated("pump-1", 6), "pump-1");
        assert_eq!(terminal_truncated("pump-12", 6), "pump..");
        assert_eq!(terminal_truncated("日本語日本", 6), "日本..");
        assert_eq!(terminal_truncated("日本語日本", 7), "日本..");
        assert_eq!(terminal_truncated("pump", 1), "");
        assert_eq!(terminal_truncated("\u{1b}\u{1b}\u{1b}", 7), "\\x1b\\..");
        for width in 0..12 {
            assert!(columns(&terminal_truncated("日a\u{1b}本b語c", width)) <= width);
        }
    }
}
