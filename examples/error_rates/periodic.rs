//! `periodic`: false alarms on sources without a period, and how soon real ones are found.

use std::error::Error;
use std::sync::Arc;

use etiolog::detector::Detector;

use crate::draws::Draws;
use crate::stage::{Stage, detector, number, says};
use crate::table::{
    Published::{self, AtMost, Nothing, Share, Whole},
    Tables,
};

const MINUTE: f64 = 60.0;
const PERIOD: f64 = 65.0 * MINUTE;
const DAY: f64 = 86_400.0;
/// So many events of a mean gap of 65 minutes come in 30 days.
const MONTH: usize = 664;

/// After how many gaps something was so for the first time.
#[derive(Clone, Copy, Default)]
struct Seen {
    suspected: Option<u32>,
    /// Evidence of 5 or more.
    strong: Option<u32>,
    /// Evidence of 4 or more at three events in a row.
    held: Option<u32>,
    confirmed: Option<u32>,
    /// The period when it was first suspected.
    period: f64,
}

/// Plays the times of one source.
fn play(rule: &Arc<dyn Detector>, times: impl Iterator<Item = f64>) -> Seen {
    let mut stage = Stage::new(rule);
    let (mut seen, mut row) = (Seen::default(), 0);
    for (gaps, time) in (0..).zip(times) {
        stage.show(time);
        // Only while it is there does it wait for its end.
        if !stage.waits() {
            row = 0;
            continue;
        }
        let reading = stage.reading(time);
        let evidence = number(&reading, "evidence");
        let first = |slot: &mut Option<u32>, so: bool| *slot = slot.or(so.then_some(gaps));
        if seen.suspected.is_none() {
            seen.period = number(&reading, "period");
        }
        row = if evidence >= 4.0 { row + 1 } else { 0 };
        first(&mut seen.suspected, true);
        first(&mut seen.strong, evidence >= 5.0);
        first(&mut seen.held, row >= 3);
        first(&mut seen.confirmed, says(&reading, "state", "confirmed"));
    }
    seen
}

fn count(all: &[Seen], so: impl Fn(&Seen) -> bool) -> u64 {
    all.iter().filter(|seen| so(seen)).count() as u64
}

/// A third of the trains misses none, 10 % and 20 %.
const ANY: f64 = -1.0;

/// A train of beats: how it runs and what happens to it.
#[derive(Clone, Copy)]
struct Train {
    /// Each beat has its own time on a clock; else it sets the next one.
    clock: bool,
    jitter: f64,
    miss: f64,
    /// Unrelated events, by the number of beats.
    unrelated: f64,
    /// Each gap is this share shorter or not, by chance.
    second: f64,
}

impl Train {
    fn times(self, draws: &mut Draws, events: usize) -> Vec<f64> {
        let (mut times, mut now, mut beat) = (Vec::new(), 0.0, 0.0);
        let miss = if self.miss == ANY { 0.1 * (3.0 * draws.uniform()).floor() } else { self.miss };
        // A multiple of what is needed, because some are missed.
        while times.len() < events * 2 {
            let at = if self.clock { beat * PERIOD + self.jitter * PERIOD * draws.normal() } else { now };
            if !draws.happens(miss) {
                times.push(at + PERIOD);
            }
            let short = if draws.happens(0.5) { self.second } else { 0.0 };
            now += PERIOD * (1.0 - short + self.jitter * draws.normal());
            beat += 1.0;
        }
        let end = times.last().copied().unwrap_or(0.0);
        if self.unrelated > 0.0 {
            let mut stray = 0.0;
            while stray < end {
                stray += draws.exponential(PERIOD / self.unrelated);
                times.push(stray);
            }
        }
        times.sort_by(f64::total_cmp);
        times.truncate(events);
        times
    }
}

/// Prints the tables.
pub(crate) fn run(tables: &mut Tables, seed: u64, scale: u64) -> Result<(), Box<dyn Error>> {
    let usual = detector("periodic", "{event: beat, period: 5m..36h}")?;
    // The published sources were not debounced, which is as good as not at all at one second.
    let raw = detector("periodic", "{event: beat, period: 5m..36h, debounce: 1s}")?;
    found(tables, &usual, seed, 4_000 / scale);
    interrupted(tables, &raw, seed, 4_000 / scale);
    irregular(tables, &usual, &raw, seed, scale)
}

/// What was published of a train: median and 95th percentile of the gaps until suspected, strong and confirmed.
type Delays = [Option<(f64, f64)>; 3];

fn found(tables: &mut Tables, rule: &Arc<dyn Detector>, seed: u64, trials: u64) {
    let plain = Train { clock: false, jitter: 0.01, miss: ANY, unrelated: 0.0, second: 0.0 };
    let trains: [(&str, Train, Delays); 6] = [
        ("timer, jitter 1 %, miss 0 to 20 %", plain, [Some((5.0, 6.0)), Some((6.0, 6.0)), None]),
        (
            "timer, jitter 2 %, miss 10 %",
            Train { jitter: 0.02, miss: 0.1, ..plain },
            [Some((5.0, 7.0)), Some((6.0, 8.0)), Some((8.0, 10.0))],
        ),
        (
            "timer, jitter 5 %, miss 20 %",
            Train { jitter: 0.05, miss: 0.2, ..plain },
            [Some((7.0, 9.0)), Some((8.0, 11.0)), Some((12.0, 14.0))],
        ),
        (
            "clock, jitter 2 %, miss 10 %",
            Train { clock: true, jitter: 0.02, miss: 0.1, ..plain },
            [Some((5.0, 7.0)), Some((8.0, 8.0)), Some((10.0, 10.0))],
        ),
        (
            "clock, jitter 5 %, miss 20 %",
            Train { clock: true, jitter: 0.05, miss: 0.2, ..plain },
            [Some((9.0, 13.0)), Some((11.0, 16.0)), Some((13.0, 18.0))],
        ),
        (
            "two periods, 65 and 60 min, jitter .5 %",
            Train { jitter: 0.005, miss: 0.0, second: 5.0 / 65.0, ..plain },
            [None, None, None],
        ),
    ];
    tables.title("periodic: trains of 65 minutes; gaps until they are found");
    for (stream, (name, train, published)) in (0..).zip(trains) {
        let mut draws = Draws::new(seed, stream);
        let all: Vec<Seen> =
            (0..trials).map(|_| play(rule, train.times(&mut draws, 60).into_iter())).collect();
        let whole = if published.iter().any(Option::is_some) { Share(1.0, 1_000) } else { Nothing };
        tables.share(
            &format!("{name}: suspected"),
            count(&all, |seen| seen.suspected.is_some()),
            trials,
            whole,
        );
        tables.share("  confirmed", count(&all, |seen| seen.confirmed.is_some()), trials, Nothing);
        delays(tables, &all, published);
    }
}

/// When something was so for the first time.
type Slot = fn(&Seen) -> Option<u32>;

fn delays(tables: &mut Tables, all: &[Seen], published: Delays) {
    let slots: [(&str, Slot); 3] = [
        ("suspected", |seen| seen.suspected),
        ("evidence 5", |seen| seen.strong),
        ("confirmed", |seen| seen.confirmed),
    ];
    for ((word, slot), published) in slots.into_iter().zip(published) {
        let mut values: Vec<u32> = all.iter().filter_map(slot).collect();
        let expected = |value: Option<f64>| value.map_or(Nothing, Whole);
        tables.quantile(
            &format!("  gaps until {word}, median"),
            &mut values,
            0.5,
            expected(published.map(|p| p.0)),
        );
        tables.quantile(
            &format!("  gaps until {word}, 95 %"),
            &mut values,
            0.95,
            expected(published.map(|p| p.1)),
        );
    }
}

fn interrupted(tables: &mut Tables, rule: &Arc<dyn Detector>, seed: u64, trials: u64) {
    tables.title("periodic: trains with unrelated events in between");
    let plain = Train { clock: false, jitter: 0.02, miss: 0.0, unrelated: 0.0, second: 0.0 };
    for (stream, (percent, found, wrong, published)) in (20..).zip([
        (10.0, 1.0, 0.0, [Some((5.0, 14.0)), Some((8.0, 16.0)), None]),
        (20.0, 0.999, 0.0035, [Some((10.0, 25.0)), Some((12.0, 27.0)), None]),
        (30.0, 0.988, 0.009, [Some((13.0, 41.0)), Some((15.0, 43.0)), None]),
    ]) {
        let mut draws = Draws::new(seed, stream);
        let train = Train { unrelated: percent / 100.0, ..plain };
        let all: Vec<Seen> =
            (0..trials).map(|_| play(rule, train.times(&mut draws, 60).into_iter())).collect();
        let suspected = count(&all, |seen| seen.suspected.is_some());
        tables.share(&format!("{percent} % unrelated: suspected"), suspected, trials, Share(found, 2_000));
        tables.share(
            "  with a wrong period",
            count(&all, |seen| seen.suspected.is_some() && (seen.period / PERIOD - 1.0).abs() > 0.05),
            suspected,
            Share(wrong, 2_000),
        );
        delays(tables, &all, published);
    }
}

/// A source without a period: the gap after a moment.
type Gap = fn(&mut Draws, f64) -> f64;
/// Its name, the rule, its gaps, how many there are, and what was published of the four shares.
type Source<'a> = (&'a str, &'a Arc<dyn Detector>, Gap, u64, [Published; 4]);

fn irregular(
    tables: &mut Tables,
    usual: &Arc<dyn Detector>,
    raw: &Arc<dyn Detector>,
    seed: u64,
    scale: u64,
) -> Result<(), Box<dyn Error>> {
    let narrow = detector("periodic", "{event: beat, period: 50m..75m, debounce: 1s}")?;
    let poisson: Gap = |draws, _| draws.exponential(PERIOD);
    let night: Gap = |draws, now| {
        // Thinned to a rate that swings by 90 % in a day.
        let mut next = now;
        loop {
            next += draws.exponential(PERIOD / 1.9);
            let rate = 1.0 + 0.9 * (next / DAY * std::f64::consts::TAU).sin();
            if draws.happens(rate / 1.9) {
                return next - now;
            }
        }
    };
    let bursts: Gap = |draws, _| {
        if draws.happens(0.7) { draws.between(2.0, 30.0) } else { draws.exponential(PERIOD / 0.3) }
    };
    let none = Nothing;
    let many = 40_000;
    let sources: [Source<'_>; 9] = [
        (
            "random (exponential gaps)",
            raw,
            poisson,
            many,
            [Share(1.9e-3, many), Share(4e-4, many), Share(2e-4, many), AtMost(7.5e-5)],
        ),
        ("the same, with the usual debounce", usual, poisson, many, [none; 4]),
        ("the same, period 50m..75m", &narrow, poisson, many, [none, none, Share(5e-5, many), none]),
        ("random, day and night +-90 %", raw, night, 4_000, [none, none, none, Share(0.0, 4_000)]),
        ("bursts (70 % of gaps 2-30 s)", raw, bursts, 4_000, [none, none, none, Share(0.0, 4_000)]),
        ("the same, with the usual debounce", usual, bursts, 4_000, [none, none, none, Share(2.5e-4, 4_000)]),
        (
            "lognormal gaps, sigma .5",
            raw,
            |d, _| d.lognormal(0.5, PERIOD),
            4_000,
            [none, none, none, Share(6e-3, 4_000)],
        ),
        (
            "gamma gaps, variation .5",
            raw,
            |d, _| d.gamma(4, PERIOD),
            4_000,
            [none, none, none, Share(2e-3, 4_000)],
        ),
        (
            "gamma gaps, variation .25",
            raw,
            |d, _| d.gamma(16, PERIOD),
            4_000,
            [none, none, none, Share(9.6e-2, 4_000)],
        ),
    ];
    tables.title("periodic: false alarms; share of sources that show one within 30 days");
    for (stream, (name, rule, gap, trials, published)) in (40..).zip(sources) {
        let mut draws = Draws::new(seed, stream);
        let trials = trials / scale;
        let all: Vec<Seen> = (0..trials)
            .map(|_| {
                let mut now = 0.0;
                let times = (0..MONTH).map(|_| {
                    now += gap(&mut draws, now);
                    now
                });
                play(rule, times)
            })
            .collect();
        let [suspected, strong, held, confirmed] = published;
        tables.share(
            &format!("{name}: suspected"),
            count(&all, |seen| seen.suspected.is_some()),
            trials,
            suspected,
        );
        tables.share("  evidence 5", count(&all, |seen| seen.strong.is_some()), trials, strong);
        tables.share(
            "  evidence 4 at three events in a row",
            count(&all, |seen| seen.held.is_some()),
            trials,
            held,
        );
        tables.share("  confirmed", count(&all, |seen| seen.confirmed.is_some()), trials, confirmed);
    }
    Ok(())
}
