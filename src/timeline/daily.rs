//! What a time of day usually holds: the mean of each hour of the day, over the last seven days.
//!
//! A series that jumps every morning surprises whoever knows only the last few hours. The hour's means of other days say
//! that it does so every day. They are learned whatever happens, also in a burst: their median does not mind one day.

use std::time::Duration;

use crate::codec::state;
use crate::timeline::series::{Expectation, Grid, quantile};

/// How many days are remembered.
const DAYS: usize = 7;
/// With fewer of them an hour of the day says nothing.
const ENOUGH: usize = 3;
const HOURS: usize = 24;
const HOUR: Duration = Duration::from_secs(3_600);
/// In place of a mean.
const UNKNOWN: f32 = -1.0;

/// The hours of the last days of one series of counts. Takes memory when the first whole hour is over.
#[derive(Clone, Debug)]
pub(crate) struct Daily {
    /// For each hour of the day its means, oldest first.
    means: Vec<[f32; DAYS]>,
    /// The hour in progress, counted from 1970, and whether all of it was seen.
    hour: Option<i64>,
    whole: bool,
    sum: f64,
}

state!(Daily { 0 => means, 1 => hour, 2 => whole, 3 => sum }, sound);

impl Daily {
    /// How many bytes it takes at most beside the struct itself.
    pub(crate) const MEMORY: usize = HOURS * size_of::<[f32; DAYS]>();

    /// Whether all hours are there or none, and all of them numbers.
    fn sound(&self) -> bool {
        let hours = self.means.is_empty() || self.means.len() == HOURS;
        hours && self.sum.is_finite() && self.means.iter().flatten().all(|mean| mean.is_finite())
    }

    /// Nothing is known.
    pub(crate) fn new() -> Self {
        Self { means: Vec::new(), hour: None, whole: false, sum: 0.0 }
    }

    /// Every bucket before this one is over; those that nobody counted were empty.
    pub(crate) fn reach(&mut self, grid: Grid, bucket: i64) {
        let hour = hour_of(grid, bucket);
        let Some(open) = self.hour.replace(hour).filter(|&open| open <= hour) else {
            // The hour in which all begins is whole only when it is seen from its first bucket on.
            self.whole = hour_of(grid, bucket.saturating_sub(1)) < hour;
            return;
        };
        if open == hour {
            return;
        }
        if self.whole {
            self.keep(open, self.sum / buckets_in(grid, open).max(1) as f64);
        }
        (self.sum, self.whole) = (0.0, true);
        // More empty hours than are remembered say nothing new.
        let remembered = (HOURS * DAYS) as i64;
        let first = open.saturating_add(1).max(hour.saturating_sub(remembered));
        (first..hour).filter(|&empty| buckets_in(grid, empty) > 0).for_each(|empty| self.keep(empty, 0.0));
    }

    /// Adds a bucket of the hour in progress.
    pub(crate) fn add(&mut self, count: f64) {
        self.sum += count;
    }

    /// What other days lead to expect of a bucket; `None` when too few are known.
    pub(crate) fn expected(&self, grid: Grid, bucket: i64) -> Option<Expectation> {
        let hour = hour_of(grid, bucket);
        let known = self.means.get(hour_of_day(hour))?.iter().map(|&mean| f64::from(mean));
        let mut means: Vec<f64> = known.filter(|&mean| mean >= 0.0).collect();
        if means.len() < ENOUGH {
            return None;
        }
        means.sort_by(f64::total_cmp);
        let mean = quantile(&means, 0.5)?;
        let mut distances: Vec<f64> = means.iter().map(|day| (day - mean).abs()).collect();
        distances.sort_by(f64::total_cmp);
        let spread = 1.4826 * quantile(&distances, 0.5)?;
        let buckets = buckets_in(grid, hour).max(1) as f64;
        // The mean of so many buckets varies less than one of them, by their number.
        let dispersion = if mean > 0.0 { (spread * spread * buckets / mean).max(1.0) } else { 1.0 };
        Some(Expectation { mean, dispersion, buckets: buckets * means.len() as f64 })
    }

    fn keep(&mut self, hour: i64, mean: f64) {
        if self.means.is_empty() {
            self.means = vec![[UNKNOWN; DAYS]; HOURS];
        }
        let Some(days) = self.means.get_mut(hour_of_day(hour)) else { return };
        days.rotate_left(1);
        if let Some(newest) = days.last_mut() {
            *newest = mean as f32;
        }
    }
}

/// The hour in which a bucket begins, counted from 1970.
fn hour_of(grid: Grid, bucket: i64) -> i64 {
    Grid::new(HOUR).index(grid.start(bucket))
}

fn hour_of_day(hour: i64) -> usize {
    usize::try_from(hour.rem_euclid(HOURS as i64)).unwrap_or(0)
}

/// How many buckets begin in an hour.
fn buckets_in(grid: Grid, hour: i64) -> i64 {
    let hours = Grid::new(HOUR);
    grid.beginning_before(hours.end(hour)).saturating_sub(grid.beginning_before(hours.start(hour)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills whole days of five-minute buckets; says what is expected at nine and at three in the morning.
    fn learn(days: i64, count: impl Fn(i64, i64) -> f64) -> [Option<f64>; 2] {
        let grid = Grid::new(Duration::from_secs(300));
        let mut daily = Daily::new();
        for bucket in 0..days * 288 {
            daily.reach(grid, bucket);
            daily.add(count(bucket / 288, bucket % 288 / 12));
        }
        let now = days * 288;
        daily.reach(grid, now);
        [9, 3].map(|hour| daily.expected(grid, now + hour * 12).map(|law| law.mean))
    }

    fn office(_: i64, hour: i64) -> f64 {
        if (8..18).contains(&hour) { 50.0 } else { 2.0 }
    }

    #[test]
    fn each_hour_has_its_own_mean_from_the_third_day_on() {
        assert_eq!(learn(2, office), [None, None]);
        assert_eq!(learn(3, office), [Some(50.0), Some(2.0)]);
        assert_eq!(learn(20, office), [Some(50.0), Some(2.0)]);
    }

    #[test]
    fn one_bad_day_changes_nothing_and_a_new_habit_is_learned_within_the_week() {
        let burst = |day: i64, hour: i64| if day == 4 { 900.0 } else { office(day, hour) };
        assert_eq!(learn(7, burst), [Some(50.0), Some(2.0)]);
        let quiet = |day: i64, hour: i64| if day < 7 { office(day, hour) } else { 5.0 };
        assert_eq!(learn(11, quiet), [Some(5.0), Some(5.0)]);
    }

    #[test]
    fn hours_without_a_bucket_are_not_empty_hours() {
        let grid = Grid::new(Duration::from_secs(7_200));
        let mut daily = Daily::new();
        for bucket in 0..48 {
            daily.reach(grid, bucket);
            daily.add(6.0);
        }
        daily.reach(grid, 48);
        assert_eq!(daily.expected(grid, 48).map(|law| law.mean), Some(6.0));
    }

    #[test]
    fn silence_is_learned_at_once_however_long() {
        let grid = Grid::new(Duration::from_secs(1));
        let mut daily = Daily::new();
        daily.reach(grid, 0);
        daily.add(100.0);
        daily.reach(grid, 400 * 86_400);
        assert_eq!(daily.expected(grid, 400 * 86_400).map(|law| law.mean), Some(0.0));
    }

    #[test]
    fn days_that_differ_make_the_law_wide() {
        let grid = Grid::new(Duration::from_secs(300));
        let wide = |swing: f64| {
            let mut daily = Daily::new();
            for bucket in 0..7 * 288 {
                daily.reach(grid, bucket);
                daily.add(50.0 + swing * (bucket / 288 - 3) as f64);
            }
            daily.expected(grid, 7 * 288 - 1).map_or(0.0, |law| law.dispersion)
        };
        assert!(wide(0.0) == 1.0 && wide(10.0) > 10.0);
    }
}
