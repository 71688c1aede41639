//! What becomes of records on the way: lost, repeated, out of order, late, with stamps of a clock that is wrong.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::simulate::chance::Chance;
use crate::simulate::play::Made;
use crate::simulate::spread::nanos;

/// What becomes of records on the way; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Degradation {
    /// The share of records that never arrive.
    pub loss: f64,
    /// The share of records that arrive twice.
    pub duplicates: f64,
    /// Every record arrives up to so much later than it was made, so that records that lie closer change places.
    pub disorder: Duration,
    /// One record of a hundred arrives up to so much later.
    pub late: Duration,
    /// The stamps of each subject are wrong by up to so much, either way, and always by the same.
    pub skew: Duration,
}

/// The share of records that are late.
const LATE: f64 = 0.01;

/// More records than these are not held back: the first to arrive goes on before its time.
const MOST_HELD: usize = 1 << 20;

/// Records between their making and their arrival.
#[derive(Debug)]
pub(super) struct Road {
    degradation: Degradation,
    chance: Chance,
    /// By arrival, then by number, so that equal arrivals have an order.
    held: BinaryHeap<Reverse<(i64, u64, Made)>>,
    number: u64,
}

impl Road {
    pub(super) fn new(degradation: Degradation, seed: u64) -> Self {
        Self { degradation, chance: Chance::numbered(seed, ROAD), held: BinaryHeap::new(), number: 0 }
    }

    /// Sends a record on its way; all that have arrived by the time it was made come out.
    pub(super) fn send(&mut self, made: Made, arrived: &mut impl FnMut(Made)) {
        let Degradation { loss, duplicates, disorder, late, skew: _ } = self.degradation;
        if loss > 0.0 && self.chance.happens(loss) {
            return;
        }
        let copies = 1 + usize::from(duplicates > 0.0 && self.chance.happens(duplicates));
        if disorder.is_zero() && late.is_zero() {
            for _ in 0..copies {
                arrived(made);
            }
            return;
        }
        while let Some(Reverse((arrival, _, _))) = self.held.peek()
            && (*arrival <= made.time || self.held.len() >= MOST_HELD)
        {
            self.held.pop().into_iter().for_each(|Reverse((_, _, made))| arrived(made));
        }
        for _ in 0..copies {
            let mut arrival = made.time.saturating_add(nanos(self.chance.up_to(disorder)));
            if !late.is_zero() && self.chance.happens(LATE) {
                arrival = arrival.saturating_add(nanos(self.chance.up_to(late)));
            }
            self.number += 1;
            self.held.push(Reverse((arrival, self.number, made)));
        }
    }

    /// All that are still on their way arrive.
    pub(super) fn finish(&mut self, arrived: &mut impl FnMut(Made)) {
        while let Some(Reverse((_, _, made))) = self.held.pop() {
            arrived(made);
        }
    }
}

/// By how much the stamps of a subject are wrong, in nanoseconds.
pub(super) fn skew_of(own: u64, degradation: &Degradation) -> i64 {
    if degradation.skew.is_zero() {
        return 0;
    }
    let drawn = Chance::numbered(own, SKEW).up_to(degradation.skew.saturating_mul(2));
    nanos(drawn).saturating_sub(nanos(degradation.skew))
}

/// Streams of chance of their own.
const ROAD: u64 = 0x726f_6164;
const SKEW: u64 = 0x736b_6577;

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends 10,000 records, one a second, and tells which arrived, in order.
    fn sent(degradation: Degradation) -> Vec<u64> {
        let mut road = Road::new(degradation, 1);
        let mut all = Vec::new();
        for count in 0..10_000 {
            let time = i64::try_from(count).unwrap_or(0) * 1_000_000_000;
            let made = Made { time, count, ..Made::default() };
            road.send(made, &mut |made: Made| all.push(made.count));
        }
        road.finish(&mut |made: Made| all.push(made.count));
        all
    }

    #[test]
    fn without_degradation_everything_arrives_once_and_in_order() {
        assert_eq!(sent(Degradation::default()), (0..10_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_shares_are_those_that_are_said() {
        let lost = 10_000 - sent(Degradation { loss: 0.1, ..Degradation::default() }).len();
        assert!((850..1_150).contains(&lost), "{lost}");
        let repeated = sent(Degradation { duplicates: 0.05, ..Degradation::default() }).len() - 10_000;
        assert!((400..600).contains(&repeated), "{repeated}");
    }

    #[test]
    fn disorder_moves_a_record_no_further_than_it_says() {
        let disorder = Duration::from_secs(30);
        let all = sent(Degradation { disorder, ..Degradation::default() });
        assert_eq!(all.len(), 10_000);
        let mut highest = 0;
        for &count in &all {
            assert!(count + 31 >= highest, "{count} came after {highest}");
            highest = highest.max(count);
        }
        assert!(!all.is_sorted());
    }

    #[test]
    fn one_of_a_hundred_is_late() {
        let all = sent(Degradation { late: Duration::from_secs(1_000), ..Degradation::default() });
        let mut highest = 0;
        let mut behind = 0;
        for &count in &all {
            behind += usize::from(count < highest);
            highest = highest.max(count);
        }
        assert!((60..140).contains(&behind), "{behind}");
    }

    #[test]
    fn a_clock_is_wrong_by_the_same_each_time_and_within_the_bound() {
        let degradation = Degradation { skew: Duration::from_secs(5), ..Degradation::default() };
        let all: Vec<i64> = (0..1_000).map(|own| skew_of(own, &degradation)).collect();
        assert!(all.iter().all(|skew| skew.abs() <= 5_000_000_000));
        assert!(
            all.iter().any(|skew| *skew < -4_000_000_000) && all.iter().any(|skew| *skew > 4_000_000_000)
        );
        assert_eq!(skew_of(3, &degradation), skew_of(3, &degradation));
        assert_eq!(skew_of(3, &Degradation::default()), 0);
    }
}
