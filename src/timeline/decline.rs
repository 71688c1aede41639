//! Whether a level has fallen, decided sample by sample.
//!
//! A sample is compared with the median of the last 60: z = (x − median) / max(1.4826·MAD, 0.5 % of the median, 1), the
//! outlier rule of Hampel with a floor. A sample is *low* when it lies a given share below the median, *deep* when it is
//! low and z ≤ −4. Two deep samples among the last three make a decline. So does a slide: the sum S = max(0, S − z − ½) of
//! Page (CUSUM) at 5 or more, while the last five samples are all low. Deep samples are not learned, nor low ones in a
//! decline, for at most 120 in a row; then the low level is the normal one and all begins anew.
//!
//! False declines in 200,000 samples of noise around a level, simulated, for drops of 5 %: 0 at 1,000 with 1 % of noise, 1
//! at 200 with 2 %, 24 at 100 with 3 %: a drop that is not well above twice the noise is a rule's mistake.

use std::collections::VecDeque;

use minicbor::{Decode, Encode};

use crate::codec::state;
use crate::model::Timestamp;
use crate::timeline::ranked::Ranked;
use crate::timeline::series::normal_surprise;

/// How many samples make up what is normal.
const HISTORY: usize = 60;
/// With fewer there is no judgement.
pub(crate) const ENOUGH: usize = 12;
/// How many samples decide together at most: all of them must be low in a slide.
pub(crate) const RECENT: usize = 5;
/// Of so many, two must be deep.
const SUDDEN: usize = 3;
/// After so many low samples in a row the low level is the normal one.
pub(crate) const FROZEN: usize = 2 * HISTORY;
/// So many spreads below the median is deep.
pub(crate) const DEEP: f64 = -4.0;
/// Where the sum of a slide alarms, and where it stops growing.
const SLIDE: f64 = 5.0;
const SLIDE_MOST: f64 = 10.0;
/// −log10 of how often noise gives such an alarm: once in some 1,000 samples.
const SLIDE_SURPRISE: f64 = 3.0;
/// No tail is trusted further than this.
const MOST_SURPRISE: f64 = 6.0;

/// What a sample says.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Verdict {
    /// The normal level it was compared with.
    #[n(0)]
    pub(crate) median: f64,
    /// How many spreads above it.
    #[n(1)]
    pub(crate) z: f64,
    /// Whether it lies the given share below.
    #[n(2)]
    pub(crate) low: bool,
    /// Whether it makes the decline begin.
    #[n(3)]
    pub(crate) begins: bool,
    /// Whether the level is in decline with it.
    #[n(4)]
    pub(crate) on: bool,
    /// −log10 of the chance that noise looks like this; 0 when it does not look like a decline.
    #[n(5)]
    pub(crate) surprise: f64,
}

#[derive(Clone, Copy, Debug, Encode, Decode)]
struct Mark {
    #[n(0)]
    low: bool,
    #[n(1)]
    deep: bool,
    #[n(2)]
    z: f64,
}

/// The memory of one level.
#[derive(Clone, Debug)]
pub(crate) struct Decline {
    /// The least drop, as a share of the median.
    at_least: f64,
    /// Nothing is judged below this median.
    population: f64,
    normal: Ranked<HISTORY>,
    /// Median and median absolute deviation of what is normal.
    middle: Option<(f64, f64)>,
    marks: VecDeque<Mark>,
    slide: f64,
    frozen: usize,
    on: bool,
}

state!(Decline { 0 => normal, 1 => middle, 2 => marks, 3 => slide, 4 => frozen, 5 => on }, sound);

impl Decline {
    /// How many bytes it takes at most beside the struct itself.
    pub(crate) const MEMORY: usize =
        HISTORY.next_power_of_two() * size_of::<f64>() + RECENT.next_power_of_two() * size_of::<Mark>();

    /// Whether there are at most as many marks as are kept.
    fn sound(&self) -> bool {
        self.marks.len() <= RECENT && self.slide.is_finite()
    }

    /// Looks for drops of at least a share, of levels of at least a population.
    pub(crate) fn new(at_least: f64, population: f64) -> Self {
        Self {
            at_least,
            population,
            normal: Ranked::new(),
            middle: None,
            marks: VecDeque::new(),
            slide: 0.0,
            frozen: 0,
            on: false,
        }
    }

    /// The normal level.
    pub(crate) fn median(&self) -> Option<f64> {
        self.middle.map(|(median, _)| median)
    }

    /// How many samples were learned.
    pub(crate) fn learned(&self) -> usize {
        self.normal.len()
    }

    /// Whether any number of samples of this level would change nothing.
    pub(crate) fn is_settled(&self, level: f64) -> bool {
        let quiet = !self.on && self.slide == 0.0 && self.marks.iter().all(|mark| !mark.low);
        quiet && self.normal.is_all(level)
    }

    /// Forgets the samples that decide together and keeps what is normal. A decline that is on is not told again, unless
    /// the level was back in between.
    pub(crate) fn renew(&mut self) {
        self.marks.clear();
        self.slide = 0.0;
    }

    /// Takes in a sample; `None` while too little is known. `unseen` is to be added to all levels when shares are taken.
    pub(crate) fn judge(&mut self, level: f64, unseen: f64) -> Option<Verdict> {
        let known = self.middle.filter(|(median, _)| {
            self.normal.len() >= ENOUGH && median + unseen >= self.population && median + unseen > 0.0
        });
        let Some((median, spread)) = known else {
            // What cannot be judged goes on nothing; otherwise an old low sample would never let the level settle.
            self.marks.clear();
            self.slide = 0.0;
            self.learn(level);
            return None;
        };
        let whole = median + unseen;
        let z = (level - median) / (1.4826 * spread).max(0.005 * whole).max(1.0);
        let low = median - level >= self.at_least * whole;
        let deep = low && z <= DEEP;
        if self.marks.len() == RECENT {
            self.marks.pop_front();
        }
        self.marks.push_back(Mark { low, deep, z });
        self.slide = (self.slide - z - 0.5).clamp(0.0, SLIDE_MOST);
        let surprise = self.surprise();
        let begins = !self.on && low && surprise > 0.0;
        self.on = begins || (self.on && low);
        if deep || self.on {
            self.frozen += 1;
            if self.frozen > FROZEN {
                *self = Self::new(self.at_least, self.population);
                self.learn(level);
            }
        } else {
            self.frozen = 0;
            self.learn(level);
        }
        Some(Verdict { median, z, low, begins, on: self.on, surprise })
    }

    fn surprise(&self) -> f64 {
        let all_low = self.marks.len() == RECENT && self.marks.iter().all(|mark| mark.low);
        let sudden = || self.marks.iter().rev().take(SUDDEN);
        if sudden().filter(|mark| mark.deep).count() >= 2 {
            let deepest = sudden().map(|mark| mark.z).fold(0.0, f64::min);
            normal_surprise(-deepest).min(MOST_SURPRISE)
        } else if self.slide >= SLIDE && all_low {
            SLIDE_SURPRISE
        } else {
            0.0
        }
    }

    fn learn(&mut self, level: f64) {
        self.normal.push(level);
        self.middle = self.normal.median_and_spread();
    }
}

/// The way down and back of a level.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Excursion {
    /// The lowest level.
    #[n(0)]
    pub(crate) low: f64,
    /// When it was reached first.
    #[n(1)]
    pub(crate) low_at: Timestamp,
    /// Since when the level is back up, when it is.
    #[n(2)]
    pub(crate) back_at: Option<Timestamp>,
}

impl Excursion {
    /// The level has gone down to here.
    pub(crate) fn new(low: f64, low_at: Timestamp) -> Self {
        Self { low, low_at, back_at: None }
    }

    /// The level is another one from this moment on, still down or not.
    pub(crate) fn moved(&mut self, level: f64, at: Timestamp, down: bool) {
        if !down {
            self.back_at = self.back_at.or(Some(at));
            return;
        }
        self.back_at = None;
        if level < self.low {
            (self.low, self.low_at) = (level, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::series::Draws;

    #[test]
    fn a_level_that_fell_below_the_population_settles() {
        let mut decline = Decline::new(0.4, 1.0);
        for level in std::iter::repeat_n(1.0, 61).chain(std::iter::repeat_n(0.0, 200)) {
            decline.judge(level, 0.0);
        }
        assert!(decline.is_settled(0.0), "nothing can change any more, and no deadline is needed");
    }

    /// How many declines begin in a series.
    fn declines(at_least: f64, levels: impl IntoIterator<Item = f64>) -> usize {
        let mut decline = Decline::new(at_least, 20.0);
        levels
            .into_iter()
            .filter_map(|level| decline.judge(level, 0.0))
            .filter(|verdict| verdict.begins)
            .count()
    }

    #[test]
    fn noise_around_a_level_is_no_decline() {
        let mut draws = Draws(11);
        for (level, noise, most) in [(1_000.0, 0.01, 0), (200.0, 0.02, 0), (100.0, 0.03, 5)] {
            let series = (0..20_000).map(|_| (level * (1.0 + noise * draws.normal())).round());
            let begun = declines(0.05, series);
            assert!(begun <= most, "{begun} at {level} with a noise of {noise}");
        }
    }

    #[test]
    fn growth_and_slow_slides_are_new_levels() {
        assert_eq!(declines(0.05, (0..2_000).map(|n| 100.0 + f64::from(n))), 0);
        let mut draws = Draws(12);
        let slow = (0..2_000).map(|n| (1_000.0 - 0.2 * f64::from(n) + 5.0 * draws.normal()).round());
        assert_eq!(declines(0.05, slow), 0);
    }

    #[test]
    fn two_deep_samples_of_three_are_a_decline_and_one_is_not() {
        let mut draws = Draws(13);
        let mut series: Vec<f64> = (0..200).map(|_| (200.0 + 2.0 * draws.normal()).round()).collect();
        series[100] = 150.0;
        assert_eq!(declines(0.05, series.clone()), 0);
        series[102] = 150.0;
        assert_eq!(declines(0.05, series), 1);
    }

    #[test]
    fn a_slide_over_twenty_samples_is_a_decline() {
        let mut draws = Draws(14);
        let mut found = 0;
        for _ in 0..100 {
            let level = |n: i32| 1_000.0 - f64::from((n - 100).clamp(0, 20)) * 6.0;
            let series = (0..140).map(|n| (level(n) + 15.0 * draws.normal()).round()).collect::<Vec<_>>();
            found += usize::from(declines(0.05, series) > 0);
        }
        assert!(found >= 90, "{found} of 100");
    }

    #[test]
    fn a_level_that_stays_low_becomes_normal() {
        let mut decline = Decline::new(0.05, 20.0);
        let on = (0..400).map(|n| if n < 80 { 200.0 } else { 150.0 });
        let on = on.filter_map(|level| decline.judge(level, 0.0)).filter(|verdict| verdict.on).count();
        assert_eq!(on, FROZEN - 1, "the first low sample waits for the second");
        assert_eq!(decline.median(), Some(150.0));
        assert!(decline.is_settled(150.0) && !decline.is_settled(151.0));
    }

    #[test]
    fn too_small_a_population_is_not_judged() {
        let mut decline = Decline::new(0.05, 20.0);
        assert!((0..100).all(|n| decline.judge(if n < 90 { 19.0 } else { 0.0 }, 0.0).is_none()));
        assert_eq!(Decline::new(0.05, 20.0).median(), None);
    }
}
