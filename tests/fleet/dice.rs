//! Repeatable chance: splitmix64 (Steele, Lea and Flood, 2014), so that no crate's next version changes a sample.

use std::ops::RangeInclusive;

/// A stream of numbers that depends on its seed alone.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that roll the same numbers for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice for one part of the story: what that part rolls does not shift the rest.
    pub(crate) fn child(&mut self) -> Self {
        Self(self.roll())
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range, both ends included.
    pub(crate) fn between(&mut self, range: RangeInclusive<i64>) -> i64 {
        let span = u64::try_from(range.end() - range.start()).unwrap_or(0) + 1;
        let offset = (u128::from(self.roll()) * u128::from(span)) >> 64;
        range.start() + i64::try_from(offset).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.between(0..=99) < percent
    }

    /// One of the items, which must not be none.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Puts the items in an order of chance (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.between(0..=count as i64 - 1)).unwrap_or(0)
    }
}
