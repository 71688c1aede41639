//! Finding the bytes that give JSON its shape, eight at a time in a plain register: strings are most of a log, and
//! delimiting them is most of the work.

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte of `word` that equals `byte`; exact in every byte.
#[inline]
const fn equal(word: u64, byte: u8) -> u64 {
    let x = word ^ (LOW_BITS * byte as u64);
    !(((x & !HIGH_BITS) + !HIGH_BITS) | x) & HIGH_BITS
}

/// The same, exact only up to the first byte that equals: a shorter way for those who look no further.
#[inline]
const fn equal_first(word: u64, byte: u8) -> u64 {
    let x = word ^ (LOW_BITS * byte as u64);
    x.wrapping_sub(LOW_BITS) & !x & HIGH_BITS
}

/// The index of the byte that the lowest set bit of a mask stands for.
#[inline]
const fn first(mask: u64) -> usize {
    (mask.trailing_zeros() / 8) as usize
}

/// Where the quote stands that ends a string, counted from the byte after its opening quote, and whether a backslash
/// comes before it.
#[inline]
pub(super) fn closing_quote(bytes: &[u8]) -> Option<(usize, bool)> {
    let mut rest = bytes;
    let mut at = 0;
    let mut escaped = false;
    // Whether the first byte of the next word follows a backslash that escapes it.
    let mut carry = false;
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let quotes = equal(word, b'"');
        let backslashes = equal(word, b'\\');
        if backslashes == 0 && !carry {
            if quotes != 0 {
                return Some((at + first(quotes), escaped));
            }
        } else {
            let mut marks = quotes | backslashes;
            if carry {
                marks &= !0xff;
                carry = false;
            }
            while marks != 0 {
                let mark = marks & marks.wrapping_neg();
                if quotes & mark != 0 {
                    return Some((at + first(mark), escaped));
                }
                escaped = true;
                let next = mark << 8;
                carry = next == 0;
                marks &= !(mark | next);
            }
        }
        at += 8;
        rest = tail;
    }
    for (i, &byte) in rest.iter().enumerate() {
        match byte {
            _ if carry => carry = false,
            b'"' => return Some((at + i, escaped)),
            b'\\' => (carry, escaped) = (true, true),
            _ => {}
        }
    }
    None
}

/// The first quote, backslash or line end.
#[inline]
pub(super) fn string_stop(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let mut at = 0;
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let stops = equal(word, b'"') | equal(word, b'\\') | equal(word, b'\n');
        if stops != 0 {
            return Some(at + first(stops));
        }
        at += 8;
        rest = tail;
    }
    rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n')).map(|i| at + i)
}

/// The first quote or backslash.
#[inline]
pub(super) fn text_stop(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let mut at = 0;
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let stops = equal_first(word, b'"') | equal_first(word, b'\\');
        if stops != 0 {
            return Some(at + first(stops));
        }
        at += 8;
        rest = tail;
    }
    rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).map(|i| at + i)
}

/// Where the first backslash of a word stands.
#[inline]
pub(super) fn backslash(word: [u8; 8]) -> Option<usize> {
    let found = equal(u64::from_le_bytes(word), b'\\');
    (found != 0).then(|| first(found))
}

/// Whether a byte is one of JSON's four blanks.
#[inline]
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether these bytes are not text: a NUL among them, or more than three in ten control bytes.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, bytes).is_some() || too_many_controls(controls(bytes), bytes.len() as u64)
}

/// How many bytes are controls that text does not have; colours (ESC) and form feeds are text.
pub(super) fn controls(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .filter(|&&b| (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)) || b == 0x7f)
        .count() as u64
}

/// Whether so many controls among so many bytes mean that this is not text.
pub(super) const fn too_many_controls(controls: u64, of: u64) -> bool {
    controls.saturating_mul(10) > of.saturating_mul(3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain_closing_quote(bytes: &[u8]) -> Option<(usize, bool)> {
        let (mut i, mut escaped) = (0, false);
        loop {
            match bytes.get(i)? {
                b'"' => return Some((i, escaped)),
                b'\\' => (i, escaped) = (i + 2, true),
                _ => i += 1,
            }
        }
    }

    proptest! {
        #[test]
        fn words_find_the_same_quote_as_single_bytes(
            bytes in prop::collection::vec(prop::sample::select(b"\"\\\\\\ab\n#]!\x22\xdc\xa2".to_vec()), 0..40)
        ) {
            prop_assert_eq!(closing_quote(&bytes), plain_closing_quote(&bytes));
            prop_assert_eq!(text_stop(&bytes), bytes.iter().position(|b| b"\"\\".contains(b)));
            prop_assert_eq!(string_stop(&bytes), bytes.iter().position(|b| b"\"\\\n".contains(b)));
        }
    }

    #[test]
    fn text_with_colours_is_text_and_a_nul_is_not() {
        assert!(!is_binary(b"\x1b[31mred\x1b[0m"));
        assert!(is_binary(b"abcdefghijkl\0"));
        assert!(is_binary(b"\x01\x02\x03abc"));
        assert!(!is_binary(b""));
    }
}
