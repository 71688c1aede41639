//! The last values of a series, in the order of time and in the order of size.
//!
//! Median and spread are asked for after every value. To sort the values each time costs ten times as much as to keep
//! them in order: one goes, one comes, and all others stay as they stand.

use crate::codec::{Damaged, Reader, State, Writer};
use crate::timeline::series::{Ring, midway};

/// The last `N` values of a series, at most 255 of them, and their order.
#[derive(Clone, Debug)]
pub(crate) struct Ranked<const N: usize> {
    ring: Ring,
    /// The places of the values in the ring, smallest value first; of equal ones the oldest first.
    order: [u8; N],
}

impl<const N: usize> State for Ranked<N> {
    fn save(&self, out: &mut Writer) {
        self.ring.save(out);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        self.ring.restore(from)?;
        let values: Vec<f64> = self.ring.iter().collect();
        let mut places: Vec<(u8, f64)> = (0..).zip(values).collect();
        places.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        self.order.iter_mut().zip(places).for_each(|(slot, (place, _))| *slot = place);
        Ok(())
    }
}

impl<const N: usize> Ranked<N> {
    /// No values yet.
    pub(crate) fn new() -> Self {
        const { assert!(N > 0 && N <= 255, "a place in the ring is a byte") };
        Self { ring: Ring::new(N), order: [0; N] }
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether it is full, and all values are this one.
    pub(crate) fn is_all(&self, value: f64) -> bool {
        self.ring.is_full() && self.at(0) == value && self.at(N - 1) == value
    }

    /// Adds a value; the oldest gives way.
    pub(crate) fn push(&mut self, value: f64) {
        if self.ring.is_full() {
            let ranked = self.order.iter().position(|&place| place == 0).unwrap_or(0);
            self.order.copy_within(ranked + 1.., ranked);
            // The last one is written anew below.
            self.order.iter_mut().for_each(|place| *place = place.saturating_sub(1));
        }
        self.ring.push(value);
        let last = self.ring.len().saturating_sub(1);
        let (mut rank, mut above) = (0, last);
        while rank < above {
            let middle = usize::midpoint(rank, above);
            if self.at(middle).total_cmp(&value).is_gt() { above = middle } else { rank = middle + 1 }
        }
        self.order.copy_within(rank..last, rank + 1);
        if let (Some(slot), Ok(place)) = (self.order.get_mut(rank), u8::try_from(last)) {
            *slot = place;
        }
    }

    /// Median and median absolute deviation; `None` when empty.
    pub(crate) fn median_and_spread(&self) -> Option<(f64, f64)> {
        let median = midway(self.len(), |rank| self.at(rank))?;
        Some((median, midway(self.len(), |rank| self.distance(median, rank))?))
    }

    /// The value of a rank; the smallest has rank 0.
    fn at(&self, rank: usize) -> f64 {
        let place = self.order.get(rank).copied().map_or(0, usize::from);
        self.ring.get(place).unwrap_or(0.0)
    }

    /// Of the distances of all values from a centre the one of a rank. The nearest values stand side by side in the order
    /// of size. So of all rows of `rank + 1` values that one is sought whose farther end lies nearest: from row to row the
    /// first value comes nearer until it is past the centre, and the last goes away.
    fn distance(&self, centre: f64, rank: usize) -> f64 {
        let last = self.len().saturating_sub(rank + 1);
        let before = |first: usize| centre - self.at(first);
        let behind = |first: usize| self.at(first + rank) - centre;
        let (mut first, mut above) = (0, last);
        while first < above {
            let middle = usize::midpoint(first, above);
            if before(middle) <= behind(middle) { above = middle } else { first = middle + 1 }
        }
        let here = before(first).max(behind(first));
        // Nothing minus nothing may be written with a sign.
        first.checked_sub(1).map_or(here, |first| here.min(before(first))).abs()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::timeline::series::quantile;

    /// By definition: all values sorted, and all distances from their middle sorted.
    fn by_sorting(values: &[f64]) -> Option<(f64, f64)> {
        let sorted = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values
        };
        let median = quantile(&sorted(values.to_vec()), 0.5)?;
        let distances = values.iter().map(|value| (value - median).abs()).collect();
        Some((median, quantile(&sorted(distances), 0.5)?))
    }

    fn check<const N: usize>(values: &[f64], restart: usize) -> Result<(), TestCaseError> {
        let mut ranked = Ranked::<N>::new();
        for (at, &value) in values.iter().enumerate() {
            ranked.push(value);
            let last = &values[(at + 1).saturating_sub(N)..=at];
            let bits = |(median, spread): (f64, f64)| (median.to_bits(), spread.to_bits());
            prop_assert_eq!(ranked.median_and_spread().map(bits), by_sorting(last).map(bits), "{:?}", last);
            prop_assert_eq!(
                ranked.is_all(value),
                last.len() == N && last.iter().all(|known| *known == value)
            );
            if at == restart {
                let mut out = Writer::new();
                ranked.save(&mut out);
                ranked = Ranked::new();
                prop_assert_eq!(ranked.restore(&mut Reader::new(&out.finish())), Ok(()));
            }
        }
        Ok(())
    }

    fn some_value() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (0i32..6).prop_map(f64::from),
            2 => (-900i32..900).prop_map(|tenth| f64::from(tenth) / 10.0),
            1 => prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 0.1, 1e300]),
        ]
    }

    proptest! {
        #[test]
        fn median_and_spread_are_to_the_bit_those_of_the_sorted_values(
            values in prop::collection::vec(some_value(), 0..90), restart in 0usize..90,
        ) {
            check::<1>(&values, restart)?;
            check::<2>(&values, restart)?;
            check::<7>(&values, restart)?;
            check::<60>(&values, restart)?;
        }
    }

    #[test]
    fn values_at_the_ends_of_what_a_number_can_say_have_a_median_and_a_spread() {
        let mut ranked = Ranked::<3>::new();
        ranked.push(f64::MIN);
        ranked.push(f64::MAX);
        assert_eq!(ranked.median_and_spread(), Some((0.0, f64::MAX)));
        ranked.push(f64::MAX);
        assert_eq!(ranked.median_and_spread(), Some((f64::MAX, 0.0)));
    }

    #[test]
    fn of_no_values_there_is_no_median() {
        assert_eq!(Ranked::<3>::new().median_and_spread(), None);
    }
}
