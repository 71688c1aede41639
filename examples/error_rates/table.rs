//! Figures with their intervals, beside what was published.

use std::fmt::Write as _;

/// 99 % of a normal law lie within so many deviations: for the ranks of quantiles.
const DEVIATIONS: f64 = 2.576;

/// Published quantiles do not say of how many sources they are: 1,000, as their last digits allow.
const PUBLISHED: f64 = 1_000.0;

/// What was published about a figure.
#[derive(Clone, Copy)]
pub(crate) enum Published {
    /// Nothing: the figure stands for itself.
    Nothing,
    /// A share, of so many trials.
    Share(f64, u64),
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// A whole number.
    Whole(f64),
}

use Published::{AtLeast, AtMost, Nothing, Share, Whole};

/// The tables of a run.
#[derive(Default)]
pub(crate) struct Tables {
    text: String,
    judged: usize,
    outside: usize,
}

impl Tables {
    /// Begins a table.
    pub(crate) fn title(&mut self, title: &str) {
        println!("{}", std::mem::take(&mut self.text));
        let _ = writeln!(self.text, "## {title}\n");
        let _ = writeln!(
            self.text,
            "{:<46} {:>10}  {:<23} {:>9}  {:>9}",
            "", "measured", "99 % interval", "trials", "published"
        );
    }

    /// A share of trials.
    pub(crate) fn share(&mut self, name: &str, hits: u64, trials: u64, published: Published) {
        let (low, high) = interval(hits, trials);
        let within = match published {
            Nothing => None,
            // Both come from simulations: they agree when their intervals meet.
            Share(share, of) => {
                let (least, most) = interval((share * of as f64).round() as u64, of);
                Some(least <= high && low <= most)
            }
            AtMost(most) | Whole(most) => Some(low <= most),
            AtLeast(least) => Some(least <= high),
        };
        let measured = rate(hits as f64 / trials as f64);
        self.row(name, &measured, &format!("{} .. {}", rate(low), rate(high)), trials, published, within);
    }

    /// A quantile of whole numbers; what was never reached is not among them.
    pub(crate) fn quantile(&mut self, name: &str, values: &mut [u32], share: f64, published: Published) {
        values.sort_unstable();
        let count = values.len() as f64;
        let others = if matches!(published, Nothing) { 0.0 } else { 1.0 / PUBLISHED };
        let spread = DEVIATIONS * count * (share * (1.0 - share) * (1.0 / count + others)).sqrt();
        let at = |rank: f64| {
            values
                .get((rank.max(0.0) as usize).min(values.len().saturating_sub(1)))
                .copied()
                .map_or(f64::NAN, f64::from)
        };
        let (low, high) = (at(count * share - spread), at(count * share + spread));
        let within = match published {
            Nothing => None,
            Share(value, _) | Whole(value) => Some(low <= value && value <= high),
            AtMost(most) => Some(low <= most),
            AtLeast(least) => Some(least <= high),
        };
        let interval = format!("{low} .. {high}");
        self.row(name, &at(count * share).to_string(), &interval, values.len() as u64, published, within);
    }

    fn row(
        &mut self,
        name: &str,
        measured: &str,
        interval: &str,
        trials: u64,
        published: Published,
        within: Option<bool>,
    ) {
        let expected = match published {
            Nothing => String::new(),
            Share(share, _) => rate(share),
            AtMost(most) => format!("<= {}", rate(most)),
            AtLeast(least) => format!(">= {}", rate(least)),
            Whole(whole) => whole.to_string(),
        };
        let verdict = match within {
            None => "",
            Some(true) => "within",
            Some(false) => "outside",
        };
        self.judged += usize::from(within.is_some());
        self.outside += usize::from(within == Some(false));
        let row = format!("{name:<46} {measured:>10}  {interval:<23} {trials:>9}  {expected:>9}  {verdict}");
        let _ = writeln!(self.text, "{}", row.trim_end());
    }

    /// How many figures had something to be compared with, and how many of them disagree.
    pub(crate) fn finish(self) -> (usize, usize) {
        println!("{}", self.text);
        (self.judged, self.outside)
    }
}

/// The exact interval of a share (Clopper and Pearson 1934): beyond either end so few or so many hits have a chance of
/// less than half a percent.
fn interval(hits: u64, trials: u64) -> (f64, f64) {
    const TAIL: f64 = 0.005;
    let share = hits as f64 / trials as f64;
    let search = |mut inner: f64, mut outer: f64, tail: &dyn Fn(f64) -> f64| {
        for _ in 0..50 {
            let middle = (inner + outer) / 2.0;
            *(if tail(middle) > TAIL { &mut inner } else { &mut outer }) = middle;
        }
        (inner + outer) / 2.0
    };
    let low = if hits == 0 { 0.0 } else { search(share, 0.0, &|p| at_least(hits, trials, p)) };
    let high =
        if hits == trials { 1.0 } else { search(share, 1.0, &|p| at_least(trials - hits, trials, 1.0 - p)) };
    (low, high)
}

/// The chance of at least so many hits, for chances below their share.
fn at_least(hits: u64, trials: u64, p: f64) -> f64 {
    let (n, k) = (trials as f64, hits as f64);
    let ln_first =
        ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k) + k * p.ln() + (n - k) * (1.0 - p).ln();
    let (mut term, mut sum, mut at) = (1.0, 1.0, k);
    while at < n && term > sum * 1e-9 {
        term *= (n - at) / (at + 1.0) * p / (1.0 - p);
        sum += term;
        at += 1.0;
    }
    ln_first.exp() * sum
}

/// Stirling's series, moved up to where it is exact.
fn ln_factorial(n: f64) -> f64 {
    let (mut x, mut below) = (n + 1.0, 0.0);
    while x < 10.0 {
        below += x.ln();
        x += 1.0;
    }
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + (1.0 / 12.0 - 1.0 / (360.0 * x * x)) / x
        - below
}

fn rate(share: f64) -> String {
    if share < 1e-12 {
        "0".to_owned()
    } else if share < 0.01 {
        format!("{share:.1e}")
    } else {
        format!("{share:.3}")
    }
}
