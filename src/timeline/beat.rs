//! Beats: a period folded out of a few gaps, and what sets the timer behind it.

use std::f64::consts::SQRT_2;
use std::sync::LazyLock;
use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::model::Timestamp;
use crate::timeline::series::binomial_surprise;

/// How many gaps are remembered.
pub(crate) const GAPS: usize = 16;
/// With fewer gaps nothing is proved.
pub(crate) const FEWEST: usize = 5;
/// A gap may be this many periods long.
pub(crate) const MULTIPLES: u32 = 4;
const TOLERANCES: [f64; 3] = [0.04, 0.08, 0.15];
/// The chance that an exponential gap fits within each tolerance, at the rate that makes it largest.
const CHANCES: [f64; 3] = [0.0717, 0.1435, 0.2694];
/// The tolerance that decides which gaps make up the period: the last of them.
const WIDEST: f64 = TOLERANCES[TOLERANCES.len() - 1];

/// The square roots of the multiples.
const ROOTS: [f64; MULTIPLES as usize] = [1.0, SQRT_2, 1.732_050_807_568_877_2, 2.0];

/// How far a gap may lie from each multiple of a period, within the tolerance.
fn allowances(period: f64, tolerance: f64) -> [f64; MULTIPLES as usize] {
    let mut allowed = ROOTS;
    for root in &mut allowed {
        *root = (tolerance * *root).min(0.45) * period;
    }
    allowed
}

/// A gap, as the multiple of a period that it is nearest to.
#[derive(Clone, Copy, Debug)]
struct Folded {
    /// How many periods, at least one; more than the multiples that count stand for all of these.
    multiple: usize,
    /// How far the gap lies from so many.
    off: f64,
}

impl Folded {
    fn new(gap: f64, period: f64) -> Self {
        let periods = gap / period;
        // Rounded: halves away from zero.
        let multiple = match periods {
            ..1.5 => 1,
            1.5..2.5 => 2,
            2.5..3.5 => 3,
            3.5..4.5 => 4,
            _ => 5,
        };
        Self { multiple, off: (gap - multiple as f64 * period).abs() }
    }

    /// Whether it lies near enough.
    fn fits(self, allowances: &[f64; MULTIPLES as usize]) -> bool {
        allowances.get(self.multiple - 1).is_some_and(|&allowed| self.off <= allowed)
    }

    fn periods(self) -> f64 {
        self.multiple as f64
    }
}

/// Evidence by tolerance, number of gaps and number of hits.
static EVIDENCE: LazyLock<Vec<[[f64; GAPS + 1]; GAPS + 1]>> = LazyLock::new(|| {
    let one = |chance: f64| {
        let mut table = [[0.0; GAPS + 1]; GAPS + 1];
        for (gaps, row) in table.iter_mut().enumerate() {
            for (hits, evidence) in row.iter_mut().enumerate().take(gaps + 1) {
                let surprise = binomial_surprise(gaps.saturating_sub(1), hits.saturating_sub(1), chance);
                *evidence = (surprise - 3f64.log10()).max(0.0);
            }
        }
        table
    };
    CHANCES.into_iter().map(one).collect()
});

/// The period that fits a handful of gaps best.
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub(crate) struct Fit {
    /// Nanoseconds.
    #[n(0)]
    pub(crate) period: f64,
    /// Root mean square of the deviation of one beat, as a share of the period.
    #[n(1)]
    pub(crate) jitter: f64,
    /// How many gaps fit.
    #[n(2)]
    pub(crate) fitting: usize,
    /// How many gaps there are.
    #[n(3)]
    pub(crate) gaps: usize,
    /// How many of the beats that should have been seen were not, as a share.
    #[n(4)]
    pub(crate) missing: f64,
    /// −log10 of the chance that gaps of no period look like this, after all tries.
    #[n(5)]
    pub(crate) evidence: f64,
    /// Whether the last gap fits.
    #[n(6)]
    pub(crate) newest: bool,
}

impl Fit {
    /// Fits a period to gaps, none of them negative, oldest first; `None` when there are too few.
    pub(crate) fn of(gaps: &[f64]) -> Option<Self> {
        if gaps.len() < FEWEST {
            return None;
        }
        let mut sorted = [0.0; GAPS];
        let gaps = gaps.get(gaps.len().saturating_sub(GAPS)..)?;
        let sorted = sorted.get_mut(..gaps.len())?;
        sorted.copy_from_slice(gaps);
        // What is not negative is in the order of its bits.
        sorted.sort_unstable_by_key(|gap| gap.to_bits());
        let mut period = sorted.get((gaps.len() - 1) / 2).copied().filter(|&median| median > 0.0)?;
        let (mut fitting, mut beats) = (0, 0.0);
        for _ in 0..2 {
            let allowed = allowances(period, WIDEST);
            let folded = gaps.iter().map(|&gap| (gap, Folded::new(gap, period)));
            let (count, total, multiples) = folded
                .filter(|(_, folded)| folded.fits(&allowed))
                .fold((0, 0.0, 0.0), |(n, sum, all), (gap, folded)| {
                    (n + 1, sum + gap, all + folded.periods())
                });
            if multiples < 1.0 {
                return None;
            }
            (period, fitting, beats) = (total / multiples, count, multiples);
        }
        let [narrow, middle, wide] = TOLERANCES;
        let (narrow, middle, wide) =
            (allowances(period, narrow), allowances(period, middle), allowances(period, wide));
        let (mut hits, mut count, mut sum, mut newest) = ([0; TOLERANCES.len()], 0.0f64, 0.0, false);
        for &gap in gaps {
            let folded = Folded::new(gap, period);
            newest = folded.fits(&wide);
            if newest {
                // What lies outside a wide tolerance lies outside a narrower one.
                let [narrowly, fairly, widely] = &mut hits;
                *narrowly += usize::from(folded.fits(&narrow));
                *fairly += usize::from(folded.fits(&middle));
                *widely += 1;
                (count, sum) = (count + 1.0, sum + folded.off.powi(2) / folded.periods());
            }
        }
        let evidence = hits.iter().zip(EVIDENCE.iter()).map(|(&hits, table)| {
            table.get(gaps.len()).and_then(|row| row.get(hits)).copied().unwrap_or(0.0)
        });
        Some(Self {
            period,
            jitter: (sum / count.max(1.0)).sqrt() / period,
            fitting,
            gaps: gaps.len(),
            missing: 1.0 - fitting as f64 / beats,
            evidence: evidence.fold(0.0, f64::max),
            newest,
        })
    }

    /// Whether at least half of the gaps fit.
    pub(crate) fn mostly_fits(&self) -> bool {
        2 * self.fitting >= self.gaps
    }

    /// How far from its time a beat of this train may lie, as a share of the period.
    pub(crate) fn tolerance(&self) -> f64 {
        (4.0 * self.jitter).clamp(0.04, WIDEST)
    }

    /// So many periods.
    pub(crate) fn times(&self, n: u32) -> Duration {
        Duration::from_nanos((self.period * f64::from(n)).round() as u64)
    }
}

/// A train of beats, event by event.
#[derive(Clone, Copy, Debug, Default, Encode, Decode)]
pub(crate) struct Chain {
    #[n(0)]
    last: Option<Timestamp>,
    /// How many events were beats.
    #[n(1)]
    pub(crate) beats: u64,
    /// How many beats between the first and the last were not seen.
    #[n(2)]
    pub(crate) missed: u64,
    #[n(3)]
    rhythm: Rhythm,
}

impl Chain {
    /// No beats yet, of about this period in nanoseconds.
    pub(crate) fn new(period: f64) -> Self {
        Self { rhythm: Rhythm { period, ..Rhythm::default() }, ..Self::default() }
    }

    /// How many of this event and the one before it turn out to be beats: 0, 1 (this one) or 2.
    ///
    /// An event is a beat when it lies a fitting distance after the last one. Failing that, it and the event before it
    /// are both beats when the gap between them fits: so a train starts, and starts again after a pause or after an
    /// event that was wrongly taken for a beat.
    pub(crate) fn follow(&mut self, time: Timestamp, before: Option<Timestamp>, fit: &Fit) -> usize {
        let multiple = |since: Timestamp| {
            let gap = time.since(since).as_nanos() as f64;
            let folded = Folded::new(gap, fit.period);
            folded.fits(&allowances(fit.period, fit.tolerance())).then_some((gap, folded.periods()))
        };
        let (new, multiple) = if let Some((gap, multiple)) = self.last.and_then(multiple) {
            self.rhythm.add(gap, multiple);
            (1, multiple)
        } else if let Some((_, multiple)) = before.and_then(multiple) {
            self.rhythm.interrupt();
            (2, multiple)
        } else {
            return 0;
        };
        self.last = Some(time);
        self.beats += new as u64;
        self.missed += multiple as u64 - 1;
        new
    }

    /// `clock` or `event`: what sets the timer.
    pub(crate) fn anchor(&self) -> &'static str {
        self.rhythm.anchor()
    }
}

/// Sums over the gaps between neighbouring beats, from which the correlation of one gap with the next follows.
///
/// A timer that is started anew by each event makes gaps that know nothing of each other (correlation 0). A timer that
/// runs by a clock makes up for a late beat with a short gap (correlation −1/2).
#[derive(Clone, Copy, Debug, Default, Encode, Decode)]
struct Rhythm {
    /// The period when the train began; deviations are counted from it, which keeps the sums small.
    #[n(0)]
    period: f64,
    #[n(1)]
    last: Option<f64>,
    #[n(2)]
    gaps: f64,
    #[n(3)]
    sum: f64,
    #[n(4)]
    squares: f64,
    #[n(5)]
    pairs: f64,
    #[n(6)]
    products: f64,
}

impl Rhythm {
    /// With fewer gaps the sign of the correlation is a guess.
    const ENOUGH: f64 = 32.0;

    /// Takes in the gap between a beat and the last one, so many periods long.
    fn add(&mut self, gap: f64, multiple: f64) {
        if multiple > 1.0 || self.period <= 0.0 {
            return self.interrupt();
        }
        let deviation = gap / self.period - 1.0;
        if let Some(last) = self.last {
            self.pairs += 1.0;
            self.products += last * deviation;
        }
        self.gaps += 1.0;
        self.sum += deviation;
        self.squares += deviation * deviation;
        self.last = Some(deviation);
    }

    /// The next gap does not follow the last one.
    fn interrupt(&mut self) {
        self.last = None;
    }

    fn anchor(&self) -> &'static str {
        if self.gaps < Self::ENOUGH || self.pairs < Self::ENOUGH / 2.0 {
            return "event";
        }
        let mean = self.sum / self.gaps;
        let variance = self.squares / self.gaps - mean * mean;
        let covariance = self.products / self.pairs - mean * mean;
        // Anything below this is rounding, not jitter.
        if variance > 1e-12 && covariance / variance < -0.25 { "clock" } else { "event" }
    }
}

/// The whole parts of a day, in minutes.
const DIVISORS: [i64; 36] = [
    1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 30, 32, 36, 40, 45, 48, 60, 72, 80, 90, 96, 120, 144,
    160, 180, 240, 288, 360, 480, 720, 1440,
];

/// Whether all of at least five beats fall at the same time of day, for periods that divide a day into whole minutes or
/// are whole days (within 1 %): all within 1 % of the period and 5 minutes, and not creeping one way as a timer does that
/// is set anew by each beat and always a little late. A set-anew timer without lateness or jitter looks the same.
pub(crate) fn same_time_of_day(beats: &[Timestamp], period: f64) -> bool {
    const MINUTE: i64 = 60_000_000_000;
    const DAY: i64 = 1440 * MINUTE;
    let days = (period / DAY as f64).round().max(1.0) as i64;
    let divisors = DIVISORS.iter().map(|minutes| minutes * MINUTE);
    let near = |nominal: &i64| (period - *nominal as f64).abs() <= *nominal as f64 * 0.01;
    let Some(nominal) = divisors.chain([days.saturating_mul(DAY)]).find(near) else { return false };
    let (Some(first), true) = (beats.first(), beats.len() >= FEWEST) else { return false };
    let phases = beats.iter().map(|beat| {
        let phase = beat.nanos().saturating_sub(first.nanos()).rem_euclid(nominal);
        if phase > nominal / 2 { phase - nominal } else { phase }
    });
    let (low, high) = phases.clone().fold((0, 0), |(low, high), phase| (phase.min(low), phase.max(high)));
    let steps = phases.clone().zip(phases.skip(1)).map(|(a, b)| (b - a).signum());
    let (forth, back) = steps.fold((0, 0), |(forth, back), step| match step {
        1 => (forth + 1, back),
        -1 => (forth, back + 1),
        _ => (forth, back),
    });
    let creeps = (forth >= 3 && back == 0) || (back >= 3 && forth == 0);
    high - low <= (nominal / 100).min(5 * MINUTE) && !creeps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fewest hits that give the evidence, by tolerance; 0 when even all gaps do not.
    fn hits_needed(gaps: usize, evidence: f64) -> Vec<usize> {
        let row = |table: &[[f64; GAPS + 1]; GAPS + 1]| {
            let row = table.get(gaps).copied().unwrap_or([0.0; GAPS + 1]);
            row.iter().take(gaps + 1).position(|&e| e >= evidence).unwrap_or(0)
        };
        EVIDENCE.iter().map(row).collect()
    }

    #[test]
    fn the_evidence_table_asks_for_as_many_hits_as_the_law_does() {
        for (gaps, hits) in [
            (4, [0, 0, 0]),
            (5, [5, 0, 0]),
            (6, [6, 0, 0]),
            (7, [6, 7, 0]),
            (8, [7, 8, 0]),
            (10, [7, 9, 10]),
            (12, [8, 9, 11]),
            (16, [9, 11, 13]),
        ] {
            assert_eq!(hits_needed(gaps, 4.0), hits, "suspected with {gaps} gaps");
        }
        for (gaps, hits) in
            [(6, [6, 0, 0]), (8, [7, 8, 0]), (10, [8, 9, 0]), (12, [8, 10, 12]), (16, [9, 12, 14])]
        {
            assert_eq!(hits_needed(gaps, 5.0), hits, "confirmed with {gaps} gaps");
        }
    }

    #[test]
    fn the_chance_of_an_exponential_gap_to_fit_is_the_one_in_the_table() {
        // P(some |x − m| ≤ min(tol·√m, .45)) for x exponential with mean 1/rate, at the best rate.
        for (tolerance, chance) in TOLERANCES.into_iter().zip(CHANCES) {
            let at_rate = |rate: f64| -> f64 {
                (1..=4)
                    .map(|m| {
                        let m = f64::from(m);
                        let half = (tolerance * m.sqrt()).min(0.45);
                        (-rate * (m - half)).exp() - (-rate * (m + half)).exp()
                    })
                    .sum()
            };
            let best = (1..400).map(|n| at_rate(f64::from(n) * 0.005)).fold(0.0, f64::max);
            assert!((best - chance).abs() < 2e-4, "{best} is not {chance}");
        }
    }

    #[test]
    fn missed_beats_fold_onto_the_period() {
        let gaps = [65.0, 130.2, 64.9, 65.1, 195.0, 65.0, 64.8, 65.0];
        let fit = Fit::of(&gaps);
        assert!(fit.is_some_and(|fit| (fit.period - 65.0).abs() < 0.1 && fit.fitting == 8));
        assert!(fit.is_some_and(|fit| (fit.missing - 3.0 / 11.0).abs() < 1e-9 && fit.evidence > 5.0));
    }

    #[test]
    fn the_roots_are_those_of_the_multiples_and_the_divisors_those_of_a_day() {
        assert_eq!([1.0, 2.0, 3.0, 4.0].map(f64::sqrt), ROOTS);
        assert!((1..=1440).filter(|minutes| 1440 % minutes == 0).eq(DIVISORS));
    }

    /// By definition: each gap rounded to a whole number of periods, and asked about anew for all that is told of it.
    fn by_rounding(gaps: &[f64]) -> Option<[f64; 7]> {
        let agrees = |gap: f64, period: f64, tolerance: f64| {
            let multiple = (gap / period).round().max(1.0);
            let allowed = (tolerance * multiple.sqrt()).min(0.45) * period;
            let agrees = multiple <= f64::from(MULTIPLES) && (gap - multiple * period).abs() <= allowed;
            agrees.then_some(multiple)
        };
        let gaps = &gaps[gaps.len().saturating_sub(GAPS)..];
        let mut sorted = gaps.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut period = sorted[(sorted.len() - 1) / 2];
        let mut found = (0.0, 0.0);
        if gaps.len() < FEWEST || period <= 0.0 {
            return None;
        }
        for _ in 0..2 {
            let (mut count, mut total, mut multiples) = (0.0, 0.0, 0.0);
            for &gap in gaps {
                if let Some(multiple) = agrees(gap, period, 0.15) {
                    (count, total, multiples) = (count + 1.0, total + gap, multiples + multiple);
                }
            }
            if multiples < 1.0 {
                return None;
            }
            (period, found) = (total / multiples, (count, multiples));
        }
        let (mut count, mut squares, mut evidence) = (0.0f64, 0.0, 0.0f64);
        for &gap in gaps {
            if let Some(multiple) = agrees(gap, period, 0.15) {
                (count, squares) = (count + 1.0, squares + (gap - multiple * period).powi(2) / multiple);
            }
        }
        for (tolerance, chance) in TOLERANCES.into_iter().zip(CHANCES) {
            let hits = gaps.iter().filter(|gap| agrees(**gap, period, tolerance).is_some()).count();
            let surprise = binomial_surprise(gaps.len() - 1, hits.saturating_sub(1), chance);
            evidence = evidence.max((surprise - 3f64.log10()).max(0.0));
        }
        let newest = gaps.last().is_some_and(|gap| agrees(*gap, period, 0.15).is_some());
        let jitter = (squares / count.max(1.0)).sqrt() / period;
        let missing = 1.0 - found.0 / found.1;
        Some([period, jitter, found.0, gaps.len() as f64, missing, evidence, f64::from(u8::from(newest))])
    }

    proptest::proptest! {
        #[test]
        fn a_fit_is_to_the_bit_what_it_is_by_definition(
            period in 1u32..50, scale in proptest::sample::select(vec![1.0, 0.1, 6e10]),
            gaps in proptest::collection::vec((0u32..11, -8i32..9, 0u32..90), 1..20),
        ) {
            let gap = |(halves, off, other): (u32, i32, u32)| {
                let near = f64::from(halves) / 2.0 * f64::from(period) + f64::from(off) / 8.0;
                if other < 15 { f64::from(other) } else { near.max(0.0) * scale }
            };
            let gaps: Vec<f64> = gaps.into_iter().map(gap).collect();
            let fit = Fit::of(&gaps).map(|fit| {
                let Fit { period, jitter, fitting, gaps, missing, evidence, newest } = fit;
                [period, jitter, fitting as f64, gaps as f64, missing, evidence, f64::from(u8::from(newest))]
            });
            proptest::prop_assert_eq!(fit.map(|fit| fit.map(f64::to_bits)), by_rounding(&gaps).map(|fit| fit.map(f64::to_bits)));
        }
    }

    #[test]
    fn four_gaps_make_no_fit() {
        assert!(Fit::of(&[60.0; 4]).is_none());
        assert!(Fit::of(&[0.0; 5]).is_none());
    }

    #[test]
    fn only_whole_parts_of_a_day_can_be_a_time_of_day() {
        let beats = |minutes: i64| -> Vec<Timestamp> {
            (1..8).filter_map(|n| Timestamp::from_seconds(n * minutes * 60 + 7200)).collect()
        };
        for (minutes, expected) in
            [(1440, true), (2880, true), (60, true), (90, true), (65, false), (100, false)]
        {
            assert_eq!(same_time_of_day(&beats(minutes), minutes as f64 * 6e10), expected, "{minutes} min");
        }
        assert!(!same_time_of_day(&beats(1440).split_off(3), 1440.0 * 6e10), "four beats are too few");
    }
}
