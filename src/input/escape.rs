//! JSON's escapes, resolved and repaired.
//!
//! A surrogate without its partner and a sequence that is not UTF-8 become U+FFFD, so that nobody hides a record behind
//! one bad byte. A repaired text does not make its record partial: nothing was left out.

use crate::input::structural::backslash;

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Appends the text that `raw`, the inside of a JSON string, spells. The result may still hold bytes that are not UTF-8.
pub(super) fn unescape(raw: &[u8], text: &mut Vec<u8>) {
    let mut rest = raw;
    // Text inside text is short pieces such as `\"key\":\"value\"`: whole words are copied and written over from where
    // the piece ends, which beats copies of just the right length.
    let mut end = text.len();
    text.resize(end + raw.len(), 0);
    while let Some((word, tail)) = rest.split_first_chunk::<8>()
        && let Some(place) = text.get_mut(end..).and_then(|free| free.first_chunk_mut::<8>())
    {
        *place = *word;
        let Some(at) = backslash(*word) else {
            (end, rest) = (end + word.len(), tail);
            continue;
        };
        end += at;
        match rest.get(at + 1..) {
            // Nearly all there are.
            Some([mark @ (b'"' | b'\\' | b'/'), after @ ..]) => {
                text.get_mut(end).into_iter().for_each(|byte| *byte = *mark);
                (end, rest) = (end + 1, after);
            }
            after => {
                text.truncate(end);
                rest = escape(after.unwrap_or_default(), text);
                end = text.len();
                text.resize(end + rest.len(), 0);
            }
        }
    }
    text.truncate(end);
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'\\' {
            rest = escape(rest, text);
        } else {
            text.push(byte);
        }
    }
}

/// Resolves one escape, `rest` being what follows the backslash; returns what follows the escape.
#[inline]
fn escape<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let Some((&mark, tail)) = rest.split_first() else {
        text.extend_from_slice(REPLACEMENT);
        return rest;
    };
    match mark {
        b'b' => text.push(0x08),
        b'f' => text.push(0x0c),
        b'n' => text.push(b'\n'),
        b'r' => text.push(b'\r'),
        b't' => text.push(b'\t'),
        b'u' => return unicode(tail, text),
        // `"`, `\` and `/`; of an escape that JSON does not have, the character is kept.
        other => text.push(other),
    }
    tail
}

#[cold]
fn unicode<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let Some((high, tail)) = hex4(rest) else {
        text.extend_from_slice(REPLACEMENT);
        return rest;
    };
    let pair = match (high, tail) {
        (0xd800..0xdc00, [b'\\', b'u', low @ ..]) => {
            hex4(low).filter(|(low, _)| (0xdc00..0xe000).contains(low))
        }
        _ => None,
    };
    let (code, tail) = match pair {
        Some((low, after)) => (0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), after),
        None => (high, tail),
    };
    let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    tail
}

fn hex4(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = bytes.split_first_chunk::<4>()?;
    let code = digits.iter().try_fold(0, |code, &digit| Some(code << 4 | char::from(digit).to_digit(16)?))?;
    Some((code, rest))
}

/// Appends bytes as text; what is not UTF-8 becomes U+FFFD.
#[inline]
pub(super) fn push_text(bytes: &[u8], text: &mut String) {
    if let Ok(valid) = std::str::from_utf8(bytes) {
        text.push_str(valid);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Byte for byte, escape for escape.
    fn plain(raw: &[u8]) -> Vec<u8> {
        let (mut text, mut rest) = (Vec::new(), raw);
        while let Some((&byte, tail)) = rest.split_first() {
            rest = if byte == b'\\' { escape(tail, &mut text) } else { tail };
            text.extend((byte != b'\\').then_some(byte));
        }
        text
    }

    proptest! {
        #[test]
        fn words_are_resolved_as_single_bytes_are(
            raw in prop::collection::vec(prop::sample::select(b"\\\\\\\"/nu0dabcdefgh\xc3".to_vec()), 0..60), before in 0usize..9,
        ) {
            let mut text = vec![b'x'; before];
            unescape(&raw, &mut text);
            prop_assert_eq!(text.get(..before), Some(&vec![b'x'; before][..]));
            prop_assert_eq!(text.get(before..), Some(&plain(&raw)[..]));
        }
    }

    fn check(raw: &str, expect: &str) {
        let mut bytes = Vec::new();
        unescape(raw.as_bytes(), &mut bytes);
        let mut text = String::new();
        push_text(&bytes, &mut text);
        assert_eq!(text, expect, "of {raw}");
    }

    #[test]
    fn every_escape_of_the_grammar_is_resolved() {
        check(r#"a\"b\\c\/d\b\f\n\r\te"#, "a\"b\\c/d\u{8}\u{c}\n\r\te");
        check(r"\u0041\u00e9\u20AC\ud83d\ude00!", "Aé€😀!");
        check("no escape at all", "no escape at all");
    }

    #[test]
    fn a_lone_surrogate_becomes_a_replacement_and_what_follows_is_kept() {
        check(r"a\ud800b", "a\u{fffd}b");
        check(r"\udc00\ud800\u0041", "\u{fffd}\u{fffd}A");
        check(r"\ud800\ud83d\ude00", "\u{fffd}😀");
    }

    #[test]
    fn a_broken_escape_is_repaired() {
        check(r"\u12", "\u{fffd}12");
        check(r"\uzzzz", "\u{fffd}zzzz");
        check(r"x\", "x\u{fffd}");
        check(r"\q", "q");
    }
}
