//! Chance that is the same in every run: a small generator, seeded from a name.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// SplitMix64 (Steele, Lea and Flood 2014): good enough for jitter and loss, and the same on every machine.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// The generator of a name; `stream` makes several that have nothing to do with each other.
    pub(super) fn of(name: &str, stream: u64) -> Self {
        Self(xxh3_64_with_seed(name.as_bytes(), stream))
    }

    /// The generator of a number; generators of different numbers have nothing to do with each other.
    pub(super) fn numbered(seed: u64, number: u64) -> Self {
        Self(xxh3_64_with_seed(&number.to_le_bytes(), seed))
    }

    /// Any number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A fraction from nothing up to, but not including, one.
    pub(super) fn fraction(&mut self) -> f64 {
        // 53 bits are what a fraction holds.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let fraction = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        fraction
    }

    /// True with this probability.
    pub(super) fn happens(&mut self, p: f64) -> bool {
        self.fraction() < p
    }

    /// Any number below this one; nothing when it is zero.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(limit)) >> 64).unwrap_or(0)
    }

    /// The place of one of these weights, each as likely as it is heavy; the first when none weighs anything.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let total = weights.clone().map(u64::from).sum();
        let mut rest = self.below(total);
        for (at, weight) in weights.enumerate() {
            match rest.checked_sub(u64::from(weight)) {
                Some(less) => rest = less,
                None => return at,
            }
        }
        0
    }

    /// Any span from nothing up to and including `most`.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        let nanos = (u128::from(self.next()) * (most.as_nanos() + 1)) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_has_the_same_chances() {
        let draw = |name, stream| {
            let mut chance = Chance::of(name, stream);
            [chance.next(), chance.next(), chance.next()]
        };
        assert_eq!(draw("a", 0), draw("a", 0));
        assert_ne!(draw("a", 0), draw("a", 1));
        assert_ne!(draw("a", 0), draw("b", 0));
    }

    #[test]
    fn chances_are_fair_and_spans_stay_in_their_bounds() {
        let mut chance = Chance::of("fair", 0);
        let hits = (0..10_000).filter(|_| chance.happens(0.1)).count();
        assert!((900..1_100).contains(&hits), "{hits}");
        let most = Duration::from_secs(20);
        let spans: Vec<Duration> = (0..1_000).map(|_| chance.up_to(most)).collect();
        assert!(spans.iter().all(|&span| span <= most));
        assert!(spans.iter().any(|&span| span < most / 10) && spans.iter().any(|&span| span > most / 10 * 9));
        assert_eq!(chance.up_to(Duration::ZERO), Duration::ZERO);
    }
}
