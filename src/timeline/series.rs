//! Short series of numbers over event time, and how surprising the next number is.
//!
//! [`Grid`] cuts time into buckets, [`Ring`] remembers the last closed ones, [`Expectation`] says what the next count
//! should be. The rest is arithmetic: medians, tails of three laws, and what a tail is
//! worth as a probability. All sums run in a fixed order. `ln` and `exp` are those of the platform, so the last bits of
//! a tail may differ between platforms; nothing compares tails for equality.

use std::collections::VecDeque;
use std::f64::consts::{E, LN_10, PI};
use std::time::Duration;

use crate::codec::state;
use crate::model::Timestamp;

/// Buckets of one width, aligned to 1970 and half open: bucket `k` is `[k·width, (k+1)·width)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    width: i64,
}

impl Grid {
    /// Buckets of this width; at least a nanosecond.
    pub(crate) fn new(width: Duration) -> Self {
        Self { width: i64::try_from(width.as_nanos()).unwrap_or(i64::MAX).max(1) }
    }

    /// The bucket that an instant lies in.
    pub(crate) fn index(self, time: Timestamp) -> i64 {
        time.nanos().div_euclid(self.width)
    }

    /// The bucket in progress once every event up to and including `time` is known.
    pub(crate) fn index_after(self, time: Timestamp) -> i64 {
        self.index(time.plus(Duration::from_nanos(1)))
    }

    /// The first instant of a bucket.
    pub(crate) fn start(self, index: i64) -> Timestamp {
        Timestamp::from_nanos(index.saturating_mul(self.width)).unwrap_or(Timestamp::MIN)
    }

    /// How many buckets, counted from 1970, begin before an instant.
    pub(crate) fn beginning_before(self, time: Timestamp) -> i64 {
        time.nanos().saturating_add(self.width - 1).div_euclid(self.width)
    }

    /// The first instant after a bucket.
    pub(crate) fn end(self, index: i64) -> Timestamp {
        self.start(index.saturating_add(1))
    }

    /// The last instant of a bucket: when it has passed, all of the bucket's events are known. The bucket in which time
    /// itself ends is never over.
    pub(crate) fn last_instant(self, index: i64) -> Option<Timestamp> {
        let end = self.end(index);
        let before = || Timestamp::from_nanos(end.nanos() - 1).unwrap_or(Timestamp::MIN);
        (end < Timestamp::MAX).then(before)
    }
}

/// The last values of a series, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    values: VecDeque<f64>,
    capacity: usize,
}

state!(Ring { 0 => values }, fits);

impl Ring {
    /// An empty ring that will hold so many values.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { values: VecDeque::new(), capacity }
    }

    /// Whether there is room for all its numbers, and all are some.
    fn fits(&self) -> bool {
        self.values.len() <= self.capacity.max(1) && self.values.iter().all(|value| value.is_finite())
    }

    /// Adds a value; the oldest gives way.
    pub(crate) fn push(&mut self, value: f64) {
        while self.values.len() >= self.capacity.max(1) {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it holds as many values as it can.
    pub(crate) fn is_full(&self) -> bool {
        self.values.len() >= self.capacity
    }

    /// The values, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().copied()
    }

    /// The value at a place; the oldest stands at 0.
    pub(crate) fn get(&self, place: usize) -> Option<f64> {
        self.values.get(place).copied()
    }
}

/// The median of so many values, of which `at` gives the one of a rank (the smallest has 0), as [`quantile`] interpolates
/// it; `None` when there are none.
pub(crate) fn midway(count: usize, at: impl Fn(usize) -> f64) -> Option<f64> {
    let last = count.checked_sub(1)?;
    let below = last / 2;
    let low = at(below);
    let high = if below < last { at(below + 1) } else { low };
    Some(if last.is_multiple_of(2) { low } else { between(low, high, 0.5) })
}

/// What lies at a share of the way from one value to a greater one. Numbers too far apart for a difference are weighed.
fn between(low: f64, high: f64, share: f64) -> f64 {
    let way = high - low;
    if share == 0.0 {
        low
    } else if way.is_finite() {
        low + way * share
    } else {
        low * (1.0 - share) + high * share
    }
}

/// The value below which a share of a sorted series lies, interpolated; `None` when empty.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share.clamp(0.0, 1.0) * last as f64;
    let below = at.floor();
    let low = *sorted.get(below as usize)?;
    let high = *sorted.get(below as usize + 1).unwrap_or(&low);
    Some(between(low, high, at - below))
}

/// The same of a series in any order, of which it sorts only as much as it takes.
fn quantile_of(mut values: Vec<f64>, share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let at = share.clamp(0.0, 1.0) * last as f64;
    let below = at.floor();
    let (_, low, above) = values.select_nth_unstable_by((below as usize).min(last), f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(between(low, high, at - below))
}

/// The lower median of a few numbers, which it sorts; `None` when there are none.
pub(crate) fn lower_median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

/// What the next bucket of a series of counts should hold.
///
/// The mean is winsorised at the 90th percentile, so that one old burst does not hide the next one. The law of the next
/// count is the gamma-Poisson predictive law (a negative binomial; Gelman et al., *Bayesian Data Analysis*, 2.6), scaled
/// by the index of dispersion: wide when little is known, narrower with every bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expectation {
    /// The usual count of a bucket.
    pub(crate) mean: f64,
    /// How many times wider than Poisson's the law is; at least 1.
    pub(crate) dispersion: f64,
    /// From how many buckets this was learned.
    pub(crate) buckets: f64,
}

impl Expectation {
    /// What a history of counts leads to expect; `None` when there is none.
    pub(crate) fn of(history: &Ring) -> Option<Self> {
        // Cutting the top tenth of a Poisson series lowers its variance to 1/1.6 of what it was.
        const VARIANCE_CUT: f64 = 1.6;
        let cut = quantile_of(history.iter().collect(), 0.9)?.max(1.0);
        let buckets = history.len() as f64;
        let mean = history.iter().map(|count| count.min(cut)).sum::<f64>() / buckets;
        let variance = history.iter().map(|count| (count.min(cut) - mean).powi(2)).sum::<f64>() / buckets;
        let dispersion = if mean > 0.0 { (VARIANCE_CUT * variance / mean).max(1.0) } else { 1.0 };
        Some(Self { mean, dispersion, buckets })
    }

    /// −log10 of the probability of a count at least this high; 0 when it is not above the mean.
    pub(crate) fn surprise(&self, count: f64) -> f64 {
        // A tail that has not converged after so many terms lies close to the mean: no surprise is lost.
        const TERMS: usize = 100_000;
        let least = (count / self.dispersion).ceil();
        let shape = (self.mean * self.buckets + 0.5) / self.dispersion;
        if least <= shape / self.buckets || least < 1.0 {
            return 0.0;
        }
        let ln_first = ln_gamma(least + shape) - ln_gamma(shape) - ln_gamma(least + 1.0)
            + shape * (self.buckets / (self.buckets + 1.0)).ln()
            - least * (self.buckets + 1.0).ln();
        let (mut term, mut sum, mut at) = (1.0, 1.0, least);
        for _ in 0..TERMS {
            term *= (at + shape) / ((at + 1.0) * (self.buckets + 1.0));
            sum += term;
            at += 1.0;
            if term < sum * 1e-12 {
                break;
            }
        }
        (-(ln_first + f64::ln(sum)) / LN_10).max(0.0)
    }
}

/// The logarithm of the gamma function for positive numbers: Stirling's series, moved up to where it is exact to 1e-11.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut below) = (x.max(f64::MIN_POSITIVE), 0.0);
    while x < 10.0 {
        below += x.ln();
        x += 1.0;
    }
    let square = x * x;
    let series =
        (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series - below
}

/// −log10 of the probability of at least `hits` hits in `tries` tries, each with probability `chance`.
pub(crate) fn binomial_surprise(tries: usize, hits: usize, chance: f64) -> f64 {
    let mut tail = 0.0;
    let mut ways = 1.0;
    for n in 0..=tries {
        if n >= hits {
            tail += ways * chance.powi(n as i32) * (1.0 - chance).powi((tries - n) as i32);
        }
        ways *= (tries - n) as f64 / (n + 1) as f64;
    }
    (-tail.log10()).max(0.0)
}

/// −log10 of the probability that a normal value lies more than `deviations` standard deviations below its mean; 0 for
/// less than one. Laplace's continued fraction for Mills' ratio, exact to three digits from two deviations on.
pub(crate) fn normal_surprise(deviations: f64) -> f64 {
    if deviations < 1.0 {
        return 0.0;
    }
    let mills = (1..=8).rev().fold(deviations, |rest, n| deviations + f64::from(n) / rest);
    (deviations * deviations / 2.0 + (2.0 * PI).sqrt().ln() + mills.ln()) / LN_10
}

/// What a surprise of −log10 p is worth as a probability that something is there, starting from 5 %.
///
/// The Bayes factor is the upper bound −1/(e·p·ln p) of Sellke, Bayarri and Berger, *The American Statistician* 55 (2001):
/// a surprise of 4 gives .955, of 5 gives .994. Never above .999: no law holds that far out.
pub(crate) fn confidence(surprise: f64) -> f64 {
    const PRIOR_ODDS: f64 = 0.05 / 0.95;
    const MOST: f64 = 0.999;
    let p = 10f64.powf(-surprise);
    if p <= f64::MIN_POSITIVE {
        return MOST;
    }
    let factor = if p < 1.0 / E { 1.0 / (-E * p * p.ln()) } else { 1.0 };
    let odds = factor * PRIOR_ODDS;
    (odds / (1.0 + odds)).min(MOST)
}

/// Random numbers for simulations in tests: the same on every machine (splitmix64, Steele et al. 2014).
#[cfg(test)]
pub(crate) struct Draws(pub(crate) u64);

#[cfg(test)]
impl Draws {
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
    }

    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let (floor, mut product, mut count) = ((-mean).exp(), self.uniform(), 0);
        while product > floor {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} is not {b}");
    }

    #[test]
    fn buckets_are_half_open_and_aligned_to_1970() {
        let grid = Grid::new(Duration::from_secs(60));
        let at = |seconds| Timestamp::from_seconds(seconds).unwrap_or(Timestamp::MIN);
        assert_eq!((grid.index(at(59)), grid.index(at(60))), (0, 1));
        assert_eq!((grid.start(1), grid.end(1)), (at(60), at(120)));
        assert_eq!(grid.last_instant(0).map(|last| last.plus(Duration::from_nanos(1))), Some(at(60)));
        assert_eq!(grid.last_instant(4).map(|last| grid.index_after(last)), Some(5));
        assert_eq!(grid.last_instant(grid.index(Timestamp::MAX)), None);
        assert_eq!(grid.end(i64::MAX), Timestamp::MAX);
    }

    #[test]
    fn the_gamma_function_agrees_with_factorials_and_with_a_half() {
        near(ln_gamma(0.5), PI.sqrt().ln(), 1e-11);
        near(ln_gamma(1.0), 0.0, 1e-11);
        near(ln_gamma(11.0), 3_628_800f64.ln(), 1e-11);
        near(ln_gamma(171.0), 706.573_062_245_787_4, 1e-9);
    }

    #[test]
    fn binomial_tails_agree_with_hand_sums() {
        near(binomial_surprise(4, 4, 0.1), 4.0, 1e-9);
        near(binomial_surprise(3, 2, 0.5), -(0.5f64.log10()), 1e-9);
        near(binomial_surprise(7, 0, 0.3), 0.0, 1e-9);
    }

    #[test]
    fn normal_tails_agree_with_the_tables() {
        near(normal_surprise(4.0), -(3.167e-5f64.log10()), 1e-3);
        near(normal_surprise(2.0), -(2.275e-2f64.log10()), 1e-3);
    }

    #[test]
    fn confidence_is_the_bound_with_a_prior_of_five_percent() {
        near(confidence(4.0), 0.955, 5e-4);
        near(confidence(5.0), 0.994, 5e-4);
        near(confidence(0.0), 0.05, 1e-9);
        near(confidence(1e9), 0.999, 0.0);
    }

    #[test]
    fn the_predictive_tail_sums_to_what_its_terms_say() {
        // With 60 buckets of mean 5: P(X >= 12) by adding up the law from 0 to 11.
        let law = Expectation { mean: 5.0, dispersion: 1.0, buckets: 60.0 };
        let (shape, p) = (300.5, 60.0 / 61.0);
        let mut term = f64::powf(p, shape);
        let mut below = 0.0;
        for k in 0..12 {
            below += term;
            term *= (f64::from(k) + shape) / f64::from(k + 1) * (1.0 - p);
        }
        near(law.surprise(12.0), -(1.0 - below).log10(), 1e-6);
        near(law.surprise(5.0), 0.0, 0.0);
        assert!(law.surprise(4e9).is_finite());
    }

    proptest::proptest! {
        #[test]
        fn a_quantile_is_the_same_whether_all_is_sorted_or_only_what_it_takes(
            values in proptest::collection::vec(-3i32..40, 0..70), share in -0.1f64..1.1,
        ) {
            let values: Vec<f64> = values.into_iter().map(|tenth| f64::from(tenth) / 10.0).collect();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            proptest::prop_assert_eq!(quantile_of(values, share), quantile(&sorted, share));
        }
    }

    #[test]
    fn one_old_burst_hardly_moves_what_is_expected() {
        let mut history = Ring::new(60);
        for n in 0..60 {
            history.push(if n == 30 { 400.0 } else { f64::from(18 + n % 5) });
        }
        let law = Expectation::of(&history).map_or(0.0, |law| law.mean);
        near(law, 20.0, 0.5);
    }
}
