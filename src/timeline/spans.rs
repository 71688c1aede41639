//! The last few lengths of time of some kind: gaps, lives, chains.

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::{Damaged, Reader, State, Writer};

/// A ring of the last sixteen lengths, for their median and their ends. Takes memory when the first one is added.
#[derive(Clone, Debug, Default)]
pub struct Spans(VecDeque<Duration>);

impl State for Spans {
    fn save(&self, out: &mut Writer) {
        out.value(&self.0);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        self.0 = from.value()?;
        if self.0.len() > Self::KEPT { Err(Damaged::new("more lengths than are kept")) } else { Ok(()) }
    }
}

impl Spans {
    /// How many are kept.
    pub const KEPT: usize = 16;

    /// How many bytes they take at most beside the struct itself.
    pub const MEMORY: usize = Self::KEPT * size_of::<Duration>();

    /// Adds a length in place of the oldest of sixteen.
    pub fn push(&mut self, span: Duration) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(span);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The newest one.
    pub fn last(&self) -> Option<Duration> {
        self.0.back().copied()
    }

    /// The shortest one.
    pub fn min(&self) -> Option<Duration> {
        self.0.iter().min().copied()
    }

    /// The longest one.
    pub fn max(&self) -> Option<Duration> {
        self.0.iter().max().copied()
    }

    /// How many lie within `tolerance` of `center`.
    pub fn near(&self, center: Duration, tolerance: Duration) -> usize {
        self.0.iter().filter(|span| span.abs_diff(center) <= tolerance).count()
    }

    /// The middle one, or halfway between the two in the middle, in whole nanoseconds.
    pub fn median(&self) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let high = *sorted.get(sorted.len() / 2)?;
        if sorted.len() % 2 == 1 {
            return Some(high);
        }
        let low = *sorted.get((sorted.len() / 2).checked_sub(1)?)?;
        Some(low + high.saturating_sub(low) / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(nanos: impl IntoIterator<Item = u64>) -> Spans {
        let mut spans = Spans::default();
        nanos.into_iter().for_each(|n| spans.push(Duration::from_nanos(n)));
        spans
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(spans([]).median(), None);
        assert_eq!(spans([9, 1, 5]).median(), Some(Duration::from_nanos(5)));
        assert_eq!(spans([9, 1, 5, 8]).median(), Some(Duration::from_nanos(6)));
    }

    #[test]
    fn the_seventeenth_length_replaces_the_first() {
        let spans = spans(1..=17);
        assert_eq!(spans.len(), Spans::KEPT);
        assert_eq!(
            (spans.min(), spans.max()),
            (Some(Duration::from_nanos(2)), Some(Duration::from_nanos(17)))
        );
    }
}
