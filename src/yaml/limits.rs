//! What a rule file may not be, whatever it says.

use crate::error::{BYTE_ORDER_MARK, Problem};
use crate::yaml::source::Source;

/// The largest file, in bytes. Shipped articles have about 10 KiB.
pub(super) const FILE: usize = 1 << 20;
/// The deepest nesting of lists and mappings; bounds every recursion over nodes.
pub(super) const DEPTH: usize = 64;
/// The most nodes in one file.
pub(super) const NODES: usize = 200_000;

/// The most problems that one file is told before it is left alone.
pub(super) const PROBLEMS: usize = 100;

/// Checks what can be known before parsing: the size.
pub(super) fn check_size(source: &Source) -> Result<(), Problem> {
    let len = source.text.len();
    if len > FILE {
        let message = format!("the file has {len} bytes, and {FILE} is the limit");
        return Err(source.problem("too-large", 0..0, message).with_help("split it into several files"));
    }
    Ok(())
}

/// The characters that hide what a file says, as problems.
pub(super) fn hidden_characters(source: &Source) -> Vec<Problem> {
    if shows(&source.text) {
        return Vec::new();
    }
    let hidden =
        source.text.char_indices().filter(|&(at, c)| is_hidden(c) && !(at == 0 && c == BYTE_ORDER_MARK));
    hidden.take(PROBLEMS).map(|(at, c)| hidden_character(source, at..at + c.len_utf8(), c)).collect()
}

/// Whether a character makes text look different from what it says: controls other than tab and line ends, marks
/// that turn the direction of writing, and line ends that only some readers see.
pub(super) fn is_hidden(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{2028}' | '\u{2029}' | BYTE_ORDER_MARK => true,
        c => c.is_control(),
    }
}

/// Whether nothing in a text is hidden; said at once of plain letters.
pub(super) fn shows(text: &str) -> bool {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    text.as_bytes().iter().all(plain) || !text.contains(is_hidden)
}

/// The refusal of a hidden character.
pub(super) fn hidden_character(source: &Source, span: std::ops::Range<usize>, c: char) -> Problem {
    let message = format!("the character U+{:04X} does not show and is not allowed", u32::from(c));
    source.problem("control-character", span, message).with_help("delete it")
}
