//! Who was forgotten: a filter of bits that knows every subject it was told of lately, and rarely one that it was not.

use minicbor::{Decode, Encode};

use crate::model::Timestamp;

/// How many bits a key sets.
const MARKS: u32 = 2;

/// The keys of subjects that were forgotten, in two filters (Bloom, 1970): when the younger one has seen as many keys as it
/// can tell apart well, it takes the place of the older one, whose keys are forgotten for good.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub(super) struct Ghosts {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    young: Vec<u8>,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    old: Vec<u8>,
    /// How many keys the younger one has seen.
    #[n(2)]
    count: u64,
    /// When the last one was forgotten.
    #[n(3)]
    last: Option<Timestamp>,
}

impl Ghosts {
    /// Takes in a key, with so many bytes for either filter.
    pub(super) fn add(&mut self, key: u64, now: Timestamp, bytes: usize) {
        let bytes = bytes.max(64);
        if self.young.len() != bytes {
            (self.young, self.count) = (vec![0; bytes], 0);
        }
        // One bit in eight is set then: about one key in sixty is taken for another.
        if self.count >= bytes as u64 / u64::from(MARKS) {
            self.old = std::mem::replace(&mut self.young, vec![0; bytes]);
            self.count = 0;
        }
        for place in places(key, bytes) {
            if let Some(byte) = self.young.get_mut(place / 8) {
                *byte |= 1 << (place % 8);
            }
        }
        self.count += 1;
        self.last = self.last.max(Some(now));
    }

    /// When a subject was last forgotten, if this one may be among them.
    pub(super) fn seen(&self, key: u64) -> Option<Timestamp> {
        let is_in = |bits: &[u8]| {
            let is_set = |place: usize| bits.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1);
            !bits.is_empty() && places(key, bits.len()).all(is_set)
        };
        self.last.filter(|_| is_in(&self.young) || is_in(&self.old))
    }

    /// Whether none was ever forgotten.
    pub(super) fn is_empty(&self) -> bool {
        self.last.is_none()
    }
}

/// The bits of a key in a filter of so many bytes. Keys are hashes: each half of one is as good as another.
fn places(key: u64, bytes: usize) -> impl Iterator<Item = usize> {
    let bits = (bytes as u64).saturating_mul(8).max(1);
    (0..MARKS).map(move |mark| usize::try_from(key.rotate_left(mark * 29 + 17) % bits).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes())
    }

    #[test]
    fn whoever_was_forgotten_lately_is_known_and_hardly_anybody_else() {
        let mut ghosts = Ghosts::default();
        assert_eq!(ghosts.seen(key(1)), None);
        (0..1_000).for_each(|n| ghosts.add(key(n), Timestamp::MIN, 1_024));
        // The first filter took 512 keys, the second the rest.
        assert!((0..1_000).all(|n| ghosts.seen(key(n)) == Some(Timestamp::MIN)));
        let mistaken = (1_000..11_000).filter(|&n| ghosts.seen(key(n)).is_some()).count();
        assert!(mistaken < 500, "{mistaken} of 10,000");
    }
}
