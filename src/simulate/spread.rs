//! How long something takes, by chance.
//!
//! Only sums, products and comparisons are made with fractions, and logarithm and exponential are written out here: the
//! mathematical functions of a platform may differ in the last bit, and the same seed must make the same bytes everywhere.

use std::f64::consts::LN_2;
use std::time::Duration;

use crate::error::Problem;
use crate::simulate::chance::Chance;
use crate::yaml::Node;

/// Nanoseconds of a second.
const SECOND: f64 = 1e9;

/// A span of time that chance decides.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spread {
    /// Anything between the two, both included: `70m`, `2s..9s`.
    Even(i64, i64),
    /// Memoryless waiting with this mean: `{mean: 6h}`.
    Mean(i64),
    /// Half are shorter than the median, and two of three lie within the factor of it: `{median: 10m, factor: 3}`.
    Median {
        /// The span that half of the draws are shorter than.
        median: i64,
        /// The natural logarithm of the factor.
        sigma: f64,
    },
    /// A span of the subject's own, drawn once, and something on top each time: `{own: 1h..4h, plus: 0s..20s}`.
    Own(Box<Spread>, Box<Spread>),
    /// Until the clock shows the next multiple, and something on top: `{until: 24h, at: 2h, plus: 0s..20s}`.
    Until {
        /// The distance of the multiples, counted from midnight UTC.
        every: i64,
        /// How long after each multiple.
        at: i64,
        /// What comes on top.
        plus: Box<Spread>,
    },
}

impl Spread {
    pub(super) const NONE: Self = Self::Even(0, 0);

    /// Nanoseconds from `now`, for the subject whose own number is `own`.
    pub(super) fn draw(&self, chance: &mut Chance, now: i64, own: u64) -> i64 {
        match self {
            Self::Even(low, high) if low == high => *low,
            Self::Even(low, high) => {
                let width = u64::try_from(high.saturating_sub(*low)).unwrap_or(0);
                low.saturating_add(i64::try_from(chance.below(width.saturating_add(1))).unwrap_or(i64::MAX))
            }
            Self::Mean(mean) => scaled(*mean, -ln(1.0 - chance.fraction())),
            Self::Median { median, sigma } => {
                // Irwin and Hall: twelve even draws are nearly normal, with variance 1 and no tail beyond 6.
                let normal = (0..12).map(|_| chance.fraction()).sum::<f64>() - 6.0;
                scaled(*median, exp(normal * sigma))
            }
            Self::Own(own_span, plus) => {
                let once = own_span.draw(&mut Chance::numbered(own, OWN), now, own);
                once.saturating_add(plus.draw(chance, now, own))
            }
            Self::Until { every, at, plus } => {
                let since = now.saturating_sub(*at).rem_euclid((*every).max(1));
                (every - since).saturating_add(plus.draw(chance, now, own))
            }
        }
    }

    /// Reads a span; problems are told, and then there is none.
    pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<Self> {
        if node.scalar().is_some() {
            return told(even(node), problems);
        }
        let part = |key: &str, problems: &mut Vec<Problem>| match node.get(key) {
            Some(inner) => Self::read(inner, problems),
            None => Some(Self::NONE),
        };
        let whole = |key: &str, problems: &mut Vec<Problem>| {
            let span = node.get(key).map(|inner| inner.span_of_time().map(nanos));
            span.and_then(|span| told(span, problems))
        };
        if node.get("mean").is_some() {
            return whole("mean", problems).map(Self::Mean);
        }
        if node.get("median").is_some() {
            let median = whole("median", problems)?;
            let factor = node.get("factor").map_or(Ok(2.0), Node::number);
            let factor = told(factor, problems).filter(|factor| *factor >= 1.0)?;
            return Some(Self::Median { median, sigma: ln(factor) });
        }
        if let Some(own) = node.get("own") {
            let own = Self::read(own, problems)?;
            return Some(Self::Own(Box::new(own), Box::new(part("plus", problems)?)));
        }
        let every = whole("until", problems)?;
        let at = node.get("at").map_or(Some(0), |_| whole("at", problems))?;
        Some(Self::Until { every, at, plus: Box::new(part("plus", problems)?) })
    }
}

/// The draw that is a subject's own.
const OWN: u64 = 0x006f_776e;

fn even(node: &Node) -> Result<Spread, Problem> {
    let text = node.scalar().unwrap_or_default();
    if text.contains("..") {
        let (low, high) = node.span_of_time_range()?;
        return Ok(Spread::Even(nanos(low), nanos(high)));
    }
    let span = nanos(node.span_of_time()?);
    Ok(Spread::Even(span, span))
}

fn told<T>(read: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    read.map_err(|problem| problems.push(problem)).ok()
}

/// A span in nanoseconds.
pub(super) fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// `span` times `factor`; in seconds, which a fraction holds to the nanosecond for months.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "saturates")]
fn scaled(span: i64, factor: f64) -> i64 {
    (span as f64 / SECOND * factor * SECOND).max(0.0) as i64
}

/// The natural logarithm of a positive number: halved until near one, then the series of the inverse hyperbolic tangent.
fn ln(x: f64) -> f64 {
    let (mut x, mut halvings) = (x.max(1e-300), 0.0);
    while x > 1.5 {
        x /= 2.0;
        halvings += 1.0;
    }
    while x < 0.75 {
        x *= 2.0;
        halvings -= 1.0;
    }
    let z = (x - 1.0) / (x + 1.0);
    let (square, mut power, mut sum, mut odd) = (z * z, z, 0.0, 1.0);
    while odd < 30.0 {
        sum += power / odd;
        power *= square;
        odd += 2.0;
    }
    2.0 * sum + halvings * LN_2
}

/// The exponential of a number between -50 and 50: halved until small, then its series, then squared back.
fn exp(x: f64) -> f64 {
    let small = x.clamp(-50.0, 50.0) / 256.0;
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while n < 14.0 {
        term *= small / n;
        sum += term;
        n += 1.0;
    }
    (0..8).fold(sum, |value, _| value * value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::document;

    fn spread(text: &str) -> Spread {
        let document = document("f.yaml", text).unwrap_or_else(|problems| panic!("{problems:?}"));
        let mut problems = Vec::new();
        let read = Spread::read(document.root(), &mut problems);
        read.filter(|_| problems.is_empty()).unwrap_or_else(|| panic!("{text}: {problems:?}"))
    }

    /// 20,000 draws in seconds, in order.
    fn draws(text: &str) -> Vec<f64> {
        let (spread, mut chance) = (spread(text), Chance::of("draws", 0));
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        let mut all: Vec<f64> = (0..20_000).map(|_| spread.draw(&mut chance, 0, 0) as f64 / SECOND).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    #[test]
    fn logarithm_and_exponential_agree_with_those_of_the_platform() {
        for x in [1e-12, 0.001, 0.5, 0.74, 1.0, 1.49, 2.0, 10.0, 12_345.678] {
            assert!((ln(x) - x.ln()).abs() < 1e-12 * (1.0 + x.ln().abs()), "{x}");
        }
        for x in [-20.0, -1.0, 0.0, 0.3, 5.0, 20.0_f64] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-11, "{x}");
        }
    }

    #[test]
    fn draws_have_the_mean_and_the_median_that_are_said() {
        let even = draws("10s..20s");
        assert!(even.first() >= Some(&10.0) && even.last() <= Some(&20.0));
        let mean = draws("{mean: 100s}").iter().sum::<f64>() / 20_000.0;
        assert!((95.0..105.0).contains(&mean), "{mean}");
        let lognormal = draws("{median: 100s, factor: 3}");
        let at = |share: usize| lognormal.get(20_000 * share / 100).copied().unwrap_or_default();
        assert!((95.0..105.0).contains(&at(50)), "{}", at(50));
        assert!((30.0..37.0).contains(&at(16)) && (270.0..330.0).contains(&at(84)), "{} {}", at(16), at(84));
    }

    #[test]
    fn a_span_of_ones_own_is_the_same_each_time_and_another_for_others() {
        let spread = spread("{own: 1h..9h}");
        let mut chance = Chance::of("x", 0);
        let mut draw = |own| spread.draw(&mut chance, 0, own);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn until_waits_for_the_clock() {
        let hours = |hours: i64| hours * 3_600_000_000_000;
        let spread = spread("{until: 24h, at: 2h}");
        for (now, wait) in [(0, 2), (1, 1), (2, 24), (3, 23), (25, 1)] {
            assert_eq!(spread.draw(&mut Chance::of("x", 0), hours(now), 0), hours(wait), "{now}");
        }
    }
}
