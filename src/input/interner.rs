//! Long texts that come again.

use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

/// Remembers the long texts that came last, so that one that comes again takes no memory of its own.
///
/// Of four thousand texts, which are enough for the versions, the messages and the addresses that most logs repeat; a text
/// that is new takes the place of one that has not come for a while. Texts that lie within a [`SmolStr`] are not
/// remembered, nor are those above 256 bytes.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    /// Sets of four, the one that came last first; a text is in the set that its hash gives. None before the first text.
    sets: Vec<[SmolStr; WAYS]>,
}

const SETS: usize = 1024;
const WAYS: usize = 4;

/// Up to this many bytes lie within a [`SmolStr`].
const INLINE: usize = 23;
const LONGEST: usize = 256;

impl Interner {
    /// The text, which shares its memory with the last equal one if that is remembered.
    pub fn text(&mut self, text: &str) -> SmolStr {
        if !(INLINE + 1..=LONGEST).contains(&text.len()) {
            return SmolStr::new(text);
        }
        if self.sets.is_empty() {
            self.sets.resize_with(SETS, Default::default);
        }
        let hash = usize::try_from(xxh3_64(text.as_bytes()) % SETS as u64).unwrap_or_default();
        let Some(set) = self.sets.get_mut(hash) else { return SmolStr::new(text) };
        let known = set.iter().position(|known| known == text);
        let (at, text) = match known.and_then(|at| Some((at, set.get(at)?.clone()))) {
            Some(known) => known,
            None => (WAYS - 1, SmolStr::new(text)),
        };
        if let Some(newer) = set.get_mut(..=at) {
            newer.rotate_right(1);
        }
        if let Some(first) = set.first_mut() {
            first.clone_from(&text);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether both are the same bytes in memory.
    fn shared(one: &SmolStr, other: &SmolStr) -> bool {
        one == other && std::ptr::eq(one.as_ptr(), other.as_ptr())
    }

    #[test]
    fn a_long_text_that_comes_again_shares_the_memory_of_the_first() {
        let mut interner = Interner::default();
        let first = interner.text("client/1.10.0 (native; Linux; armv7l)");
        interner.text("another that is too long to be kept within");
        assert!(shared(&first, &interner.text("client/1.10.0 (native; Linux; armv7l)")));
    }

    #[test]
    fn texts_that_are_short_or_huge_are_not_remembered() {
        let mut interner = Interner::default();
        let (short, huge) = ("x".repeat(INLINE), "x".repeat(LONGEST + 1));
        assert_eq!(interner.text(&short), short);
        assert!(interner.sets.is_empty(), "and nothing is taken for them");
        assert!(!shared(&interner.text(&huge), &interner.text(&huge)));
    }

    #[test]
    fn more_texts_than_are_remembered_are_themselves_all_the_same() {
        let mut interner = Interner::default();
        let texts = || (0..10_000).map(|at| format!("a text that is too long to be kept within {at}"));
        for _ in 0..3 {
            assert!(texts().all(|text| interner.text(&text) == text));
        }
        assert_eq!(interner.sets.len(), SETS);
    }

    #[test]
    fn a_text_that_came_lately_outlives_those_that_did_not() {
        let mut interner = Interner::default();
        let often = interner.text("the text that comes again and again and again");
        for at in 0..20_000 {
            interner.text(&format!("a text that is too long to be kept within {at}"));
            assert!(shared(&often, &interner.text("the text that comes again and again and again")));
        }
    }
}
