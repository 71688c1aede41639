//! `surge`: false alarms on counts that only fluctuate, and how often a real surge is seen.

use std::error::Error;
use std::sync::Arc;

use etiolog::detector::Detector;

use crate::draws::Draws;
use crate::stage::{Stage, detector};
use crate::table::{
    Published::{self, AtLeast, AtMost, Nothing, Share},
    Tables,
};

/// A bucket is five minutes.
const BUCKET: f64 = 300.0;
const DAY: f64 = 86_400.0;

/// What a bucket holds: the mean there, by its number and the number of buckets so far.
type Source = fn(&mut Draws, f64, u64) -> u64;

/// Fills buckets one after another.
struct Series {
    stage: Stage,
    bucket: u64,
}

impl Series {
    fn new(rule: &Arc<dyn Detector>) -> Self {
        let mut stage = Stage::new(rule);
        // The host says since when it has been looking.
        stage.pass(0.0);
        Self { stage, bucket: 0 }
    }

    /// Whether a bucket of so many events fires.
    fn fill(&mut self, events: u64) -> bool {
        let start = self.bucket as f64 * BUCKET;
        for n in 0..events {
            self.stage.show(start + BUCKET * n as f64 / events as f64);
        }
        self.bucket += 1;
        self.stage.wait(self.bucket as f64 * BUCKET);
        self.stage.covered() > 0
    }
}

/// Prints the tables.
pub(crate) fn run(tables: &mut Tables, seed: u64, scale: u64) -> Result<(), Box<dyn Error>> {
    let shipped = detector("surge", "{event: drop, bucket: 5m, at-least: 3}")?;
    let eager = detector("surge", "{event: drop, bucket: 5m, at-least: 1, ratio: 1, surprise: 4}")?;
    quiet(tables, &eager, &shipped, seed, scale);
    cycles(tables, &eager, &shipped, seed, scale);
    found(tables, &shipped, seed, 4_000 / scale);
    Ok(())
}

/// A day of buckets.
const DAILY: u64 = 288;

/// How many of so many buckets fire on the second days of as many series as it takes: other days are not known yet.
fn on_second_days(
    rule: &Arc<dyn Detector>,
    draws: &mut Draws,
    buckets: u64,
    mean: f64,
    source: Source,
) -> u64 {
    let day = |_| {
        let mut series = Series::new(rule);
        let fired: Vec<bool> =
            (0..2 * DAILY).map(|bucket| series.fill(source(draws, mean, bucket))).collect();
        fired.into_iter().skip(DAILY as usize).filter(|&fired| fired).count() as u64
    };
    (0..buckets / DAILY).map(day).sum()
}

/// How many of so many buckets of one series fire after its first week.
fn after_a_week(rule: &Arc<dyn Detector>, draws: &mut Draws, buckets: u64, mean: f64, source: Source) -> u64 {
    let mut series = Series::new(rule);
    for bucket in 0..7 * DAILY {
        series.fill(source(draws, mean, bucket));
    }
    let week = 7 * DAILY..7 * DAILY + buckets;
    week.filter(|&bucket| series.fill(source(draws, mean, bucket))).count() as u64
}

fn quiet(tables: &mut Tables, eager: &Arc<dyn Detector>, shipped: &Arc<dyn Detector>, seed: u64, scale: u64) {
    let steady: Source = |draws, mean, _| draws.poisson(mean);
    tables.title("surge: false alarms by bucket, steady random counts (surprise 4: nominally 1.0e-4)");
    let means = [(0.05, 3.5e-5), (0.2, 2e-5), (1.0, 8e-5), (5.0, 2.5e-5), (20.0, 4e-5), (100.0, 3.5e-5)];
    for (stream, (mean, published)) in (100..).zip(means) {
        let days = if mean > 50.0 { 1_400 } else { 3_500 } / scale;
        let buckets = days * DAILY;
        let hits = on_second_days(eager, &mut Draws::new(seed, stream), buckets, mean, steady);
        tables.share(&format!("mean {mean}: surprise 4"), hits, buckets, Share(published, 200_000));
        let hits = after_a_week(shipped, &mut Draws::new(seed, stream + 20), buckets, mean, steady);
        tables.share("  as shipped: surprise 6, twice the usual, 3", hits, buckets, AtMost(1e-6));
    }
    tables.title("surge: false alarms by bucket, while it has learned little (surprise 4)");
    for (stream, history) in (140..).zip([12u64, 15, 30]) {
        let (mut draws, mut hits) = (Draws::new(seed, stream), 0);
        let trials = 200_000 / scale;
        for _ in 0..trials {
            let mut series = Series::new(eager);
            for _ in 0..history {
                series.fill(draws.poisson(5.0));
            }
            hits += u64::from(series.fill(draws.poisson(5.0)));
        }
        tables.share(&format!("mean 5, {history} buckets of history"), hits, trials, AtMost(1.4e-4));
    }
}

/// Children that each send several events: three times as many events as children, in runs.
fn bunched(draws: &mut Draws, mean: f64, _: u64) -> u64 {
    (0..draws.poisson(mean / 2.0)).map(|_| 1 + draws.poisson(1.0)).sum()
}

fn cycles(
    tables: &mut Tables,
    eager: &Arc<dyn Detector>,
    shipped: &Arc<dyn Detector>,
    seed: u64,
    scale: u64,
) {
    fn swing(draws: &mut Draws, mean: f64, bucket: u64, share: f64) -> u64 {
        let angle = bucket as f64 * BUCKET / DAY * std::f64::consts::TAU;
        draws.poisson(mean * (1.0 + share * angle.sin()))
    }
    let night = |share: &str, mean: f64| format!("day and night +-{share} %, mean {mean}");
    let (early, never) = (Share(2.7e-4, 100_000), Share(0.0, 100_000));
    let sources: [(String, f64, Source, Published, Published, Published); 7] = [
        (night("60", 5.0), 5.0, |d, m, b| swing(d, m, b, 0.6), early, never, AtMost(9e-6)),
        (night("60", 20.0), 20.0, |d, m, b| swing(d, m, b, 0.6), early, never, AtMost(9e-6)),
        (night("90", 5.0), 5.0, |d, m, b| swing(d, m, b, 0.9), Nothing, Nothing, Nothing),
        (night("90", 20.0), 20.0, |d, m, b| swing(d, m, b, 0.9), Nothing, Nothing, Nothing),
        (night("90", 100.0), 100.0, |d, m, b| swing(d, m, b, 0.9), Nothing, Nothing, Nothing),
        ("50 from 8 to 18 o'clock, else 2".to_owned(), 0.0, office, Nothing, Nothing, Nothing),
        ("events in runs, mean .2".to_owned(), 0.2, bunched, Nothing, Nothing, Nothing),
    ];
    tables.title("surge: false alarms by bucket, counts that swing");
    for (stream, (name, mean, source, at_four, at_six, week)) in (150..).zip(sources) {
        let buckets = 700 / scale * DAILY;
        let draws = |more: u64| Draws::new(seed, stream + more);
        let hits = on_second_days(eager, &mut draws(0), buckets, mean, source);
        tables.share(&format!("{name}: surprise 4"), hits, buckets, at_four);
        let hits = on_second_days(shipped, &mut draws(20), buckets, mean, source);
        tables.share("  as shipped", hits, buckets, at_six);
        let hits = after_a_week(eager, &mut draws(40), buckets, mean, source);
        tables.share("  after a week: surprise 4", hits, buckets, week);
        let hits = after_a_week(shipped, &mut draws(60), buckets, mean, source);
        tables.share("  after a week, as shipped", hits, buckets, at_six);
    }
}

fn office(draws: &mut Draws, _: f64, bucket: u64) -> u64 {
    draws.poisson(if (96..216).contains(&(bucket % DAILY)) { 50.0 } else { 2.0 })
}

fn found(tables: &mut Tables, shipped: &Arc<dyn Detector>, seed: u64, trials: u64) {
    tables.title("surge: share of surges that fire in their first bucket, after 60 buckets (as shipped)");
    let of = 1_000;
    let surges = [
        (1.0, 10.0, false, Share(0.52, of)),
        (5.0, 2.0, false, Nothing),
        (5.0, 3.0, false, Share(0.08, of)),
        (5.0, 5.0, false, Share(0.77, of)),
        (5.0, 10.0, false, Share(1.0, of)),
        (20.0, 2.0, false, Nothing),
        (20.0, 3.0, false, Share(0.92, of)),
        (20.0, 5.0, false, Share(1.0, of)),
        (100.0, 2.0, false, Nothing),
        (100.0, 3.0, false, Nothing),
        (20.0, 5.0, true, AtLeast(0.97)),
    ];
    for (stream, (mean, times, polluted, published)) in (200..).zip(surges) {
        let (mut draws, mut hits, mut delays) = (Draws::new(seed, stream), 0, Vec::new());
        for _ in 0..trials {
            let mut series = Series::new(shipped);
            for _ in 0..60 {
                // One bucket in twenty holds an old burst. How great the published ones were is not said: no fewer are found.
                let old = if polluted && draws.happens(0.05) { 10.0 } else { 1.0 };
                series.fill(draws.poisson(mean * old));
            }
            let delay = (1..=12).find(|_| series.fill(draws.poisson(mean * times)));
            hits += u64::from(delay == Some(1));
            delays.extend(delay);
        }
        let old = if polluted { ", old bursts in 5 %" } else { "" };
        tables.share(&format!("mean {mean}, {times} times as many{old}"), hits, trials, published);
        tables.share("  within an hour", delays.len() as u64, trials, Nothing);
    }
}
