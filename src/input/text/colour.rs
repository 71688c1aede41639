//! Colours and other orders to a terminal, which tools write into logs and which say nothing of what happened.

use std::borrow::Cow;

const ESCAPE: u8 = 0x1b;

/// A line without control sequences (ECMA-48: `ESC [ parameters final`); a lone escape goes too.
pub(super) fn without(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(ESCAPE, line).is_none() {
        return Cow::Borrowed(line);
    }
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(ESCAPE, rest) {
        plain.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        if let [b'[', sequence @ ..] = rest {
            let parameters = sequence.iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
            rest = sequence.get(parameters + 1..).unwrap_or_default();
        }
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_go_and_text_stays() {
        for (line, expect) in [
            ("plain [31m", "plain [31m"),
            ("\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[m", "red and green"),
            ("\x1b[2Kx\x1b", "x"),
            ("x\x1b[", "x"),
            ("x\x1b[12", "x"),
            ("\x1bx", "x"),
        ] {
            assert_eq!(String::from_utf8_lossy(&without(line.as_bytes())), expect, "{line:?}");
        }
    }
}
