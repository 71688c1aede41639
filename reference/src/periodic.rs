//! Regular intervals: the last seventeen events, the period that is fitted to their gaps, and the train of its beats.

use std::collections::VecDeque;
use std::time::Duration;

use etiolog::detector::Definition;
use etiolog::model::{Measure, Probability};
use etiolog::{Status, Timestamp};

use crate::{Found, Known, Measures};

/// What a handful of gaps makes of a period.
#[derive(Clone, Copy)]
struct Fit {
    period: f64,
    jitter: f64,
    /// How many gaps fit, and how many periods they are long in all.
    fitting: f64,
    beats: f64,
    evidence: f64,
    newest: bool,
}

/// How many periods a gap is long, if it fits.
fn fold(gap: f64, period: f64, tolerance: f64) -> Option<f64> {
    let m = (gap / period).round().max(1.0);
    let fits = m <= 4.0 && (gap - m * period).abs() <= (tolerance * m.sqrt()).min(0.45) * period;
    fits.then_some(m)
}

fn fit(gaps: &[f64]) -> Option<Fit> {
    let mut sorted = gaps.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut period =
        *sorted.get(gaps.len().checked_sub(1)? / 2).filter(|&&period| gaps.len() >= 5 && period > 0.0)?;
    let of = |period, tolerance| -> Vec<(f64, f64)> {
        gaps.iter().filter_map(|&gap| Some((gap, fold(gap, period, tolerance)?))).collect()
    };
    let (mut fitting, mut beats) = (0.0, 0.0);
    for _ in 0..2 {
        let fits = of(period, 0.15);
        (fitting, beats) = (fits.len() as f64, fits.iter().map(|(_, m)| m).sum());
        period = fits.iter().map(|(gap, _)| gap).sum::<f64>() / beats;
    }
    let fits = of(period, 0.15);
    let squares: f64 = fits.iter().map(|(gap, m)| (gap - m * period).powi(2) / m).sum();
    let evidence = [(0.04, 0.0717), (0.08, 0.1435), (0.15, 0.2694)].map(|(tolerance, chance)| {
        let hits = of(period, tolerance).len();
        surprise(gaps.len() - 1, hits.saturating_sub(1), chance) - 3f64.log10()
    });
    Some(Fit {
        period,
        jitter: (squares / fits.len().max(1) as f64).sqrt() / period,
        fitting,
        beats,
        evidence: evidence.into_iter().fold(0.0, f64::max),
        newest: gaps.last().is_some_and(|&gap| fold(gap, period, 0.15).is_some()),
    })
}

/// -log10 P(Bin(tries, chance) >= hits).
fn surprise(tries: usize, hits: usize, chance: f64) -> f64 {
    let ways = |n: usize| (0..n).fold(1.0, |ways, i| ways * (tries - i) as f64 / (i + 1) as f64);
    let law = |n: usize| ways(n) * chance.powf(n as f64) * (1.0 - chance).powf((tries - n) as f64);
    -(hits..=tries).map(law).sum::<f64>().log10()
}

/// What evidence is worth as a confidence.
pub(crate) fn confidence(evidence: f64) -> Status {
    let p = 10f64.powf(-evidence);
    let o = 0.05 / 0.95 / if p < (-1f64).exp() { -1f64.exp() * p * p.ln() } else { 1.0 };
    Status::Present(Probability::new(if p > f64::MIN_POSITIVE { (o / (1.0 + o)).min(0.999) } else { 0.999 }))
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Learning,
    Nothing,
    Suspected,
    Confirmed,
    Lost,
}
use State::{Confirmed, Learning, Lost, Nothing, Suspected};

#[derive(Default)]
struct Train {
    /// Place, time, and whether it is a beat.
    kept: VecDeque<(usize, Timestamp, bool)>,
    fit: Option<Fit>,
    state: State,
    strong: u32,
    /// Of the present train: the period at its begin, the last beat, and the single gaps between beats, each as a share of
    /// the period and whether it follows the one before.
    begun: f64,
    last: Option<Timestamp>,
    single: Vec<(f64, bool)>,
    follows: bool,
    beats: u64,
    missed: u64,
}

impl Train {
    fn is_present(&self) -> bool {
        matches!(self.state, Suspected | Confirmed)
    }

    /// Claims the kept event at a place, and perhaps the one before, if they are beats.
    fn beat(&mut self, at: usize, fit: &Fit, claims: &mut Vec<(Timestamp, usize)>) {
        let now = self.kept[self.kept.len() - 1].1;
        let time = self.kept[at].1;
        let tolerance = (4.0 * fit.jitter).clamp(0.04, 0.15);
        let m = |from: Timestamp| fold(time.since(from).as_nanos() as f64, fit.period, tolerance);
        let (new, m) = if let Some(m) = self.last.and_then(m) {
            if m > 1.0 {
                self.follows = false;
            } else {
                let gap = time.since(self.last.unwrap_or(time)).as_nanos() as f64;
                self.single.push((gap / self.begun - 1.0, self.follows));
                self.follows = true;
            }
            (1, m)
        } else if let Some(m) = at.checked_sub(1).and_then(|before| m(self.kept[before].1)) {
            self.follows = false;
            (2, m)
        } else {
            return;
        };
        self.last = Some(time);
        self.beats += new as u64;
        self.missed += m as u64 - 1;
        for kept in self.kept.range_mut(at + 1 - new..=at).filter(|kept| !kept.2) {
            kept.2 = true;
            claims.push((now, kept.0));
        }
    }

    fn anchor(&self) -> &'static str {
        let all: Vec<f64> = self.single.iter().map(|(gap, _)| *gap).collect();
        let pairs = self.single.windows(2).filter(|pair| pair[1].1);
        let products: Vec<f64> = pairs.map(|pair| pair[0].0 * pair[1].0).collect();
        if all.len() < 32 || products.len() < 16 {
            return "event";
        }
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|gap| gap * gap).sum::<f64>() / all.len() as f64 - mean * mean;
        let together = products.iter().sum::<f64>() / products.len() as f64 - mean * mean;
        if variance > 1e-12 && together / variance < -0.25 { "clock" } else { "event" }
    }

    fn reading(&self) -> (Status, Measures) {
        let gaps = self.kept.len().saturating_sub(1);
        let status = match (self.state, &self.fit) {
            (Suspected | Confirmed, Some(fit)) => confidence(fit.evidence),
            (Learning, fit) => {
                Status::Unknown(format!("learning {gaps}/{}", if fit.is_some() { 8 } else { 5 }).into())
            }
            _ => Status::Absent,
        };
        let Some(fit) = &self.fit else { return (status, vec![("gaps", Measure::Count(gaps as u64))]) };
        let word = if self.state == Confirmed { "confirmed" } else { "suspected" };
        let beats: Vec<i64> = self.kept.iter().filter(|kept| kept.2).map(|kept| kept.1.nanos()).collect();
        let measures = vec![
            ("period", Measure::Span(Duration::from_nanos(fit.period.round() as u64))),
            ("jitter", Measure::Number(fit.jitter)),
            ("beats", Measure::Count(self.beats)),
            ("missed", Measure::Count(self.missed)),
            ("gaps", Measure::Count(gaps as u64)),
            ("evidence", Measure::Number(fit.evidence)),
            ("anchor", Measure::Text(self.anchor().into())),
            ("wall_clock", Measure::Flag(wall_clock(&beats, fit.period))),
            ("state", Measure::Text(word.into())),
        ];
        (status, measures)
    }
}

/// Whether beats fall at the same time of day.
fn wall_clock(beats: &[i64], period: f64) -> bool {
    const MINUTE: i64 = 60_000_000_000;
    let days = (period / (1440 * MINUTE) as f64).round().max(1.0) as i64;
    let parts = (1..=1440).filter(|minutes| 1440 % minutes == 0).chain([days * 1440]).map(|m| m * MINUTE);
    let Some(nominal) = parts.into_iter().find(|&n| (period - n as f64).abs() <= n as f64 * 0.01) else {
        return false;
    };
    let phase = |beat: &i64| {
        let phase = (beat - beats[0]).rem_euclid(nominal);
        if phase > nominal / 2 { phase - nominal } else { phase }
    };
    let phases: Vec<i64> = beats.iter().map(phase).collect();
    let (Some(low), Some(high)) = (phases.iter().min(), phases.iter().max()) else { return false };
    let forth = phases.windows(2).filter(|pair| pair[0] < pair[1]).count();
    let back = phases.windows(2).filter(|pair| pair[0] > pair[1]).count();
    let creeps = forth.min(back) == 0 && forth.max(back) >= 3;
    beats.len() >= 5 && high - low <= (nominal / 100).min(5 * MINUTE) && !creeps
}

/// Lost by silence, when a deadline before `time` says so: how it stood then.
fn fall_silent(train: &mut Train, time: Timestamp) -> Option<(Status, Measures)> {
    let (fit, last) = (train.fit.filter(|_| train.is_present())?, train.kept.back()?.1);
    let deadline = last.plus(Duration::from_nanos((fit.period * 4.0).round() as u64));
    let was = (deadline < time).then(|| train.reading())?;
    (train.state, train.strong) = (Lost, 0);
    Some(was)
}

/// `every_change`: what is there no more was there all the same, also if events disproved it.
pub(crate) fn periodic(
    definition: &Definition,
    events: &[&Known],
    watermark: Timestamp,
    every_change: bool,
) -> Found {
    let (mut train, mut claims, mut was) = (Train::default(), Vec::new(), None);
    let Definition::Periodic { event, shortest, longest, debounce } = definition else {
        return Found { status: Status::Absent, measures: Vec::new(), claims, was };
    };
    for (at, known) in events.iter().enumerate().filter(|(_, known)| known.is(*event)) {
        let now = known.time();
        was = fall_silent(&mut train, now).or(was);
        if let Some(&(_, last, _)) = train.kept.back() {
            if now.since(last) < *debounce {
                continue;
            }
            if now.since(last) > longest.saturating_mul(4) {
                train = Train::default();
            }
        }
        let before = train.is_present().then(|| train.reading());
        train.kept.push_back((at, now, false));
        if train.kept.len() > 17 {
            train.kept.pop_front();
        }
        let times = train.kept.iter().map(|kept| kept.1);
        let gaps: Vec<f64> =
            times.clone().zip(times.skip(1)).map(|(a, b)| b.since(a).as_nanos() as f64).collect();
        train.fit = fit(&gaps);
        let Some(fit) = train.fit else { continue };
        let allowed = fit.period >= shortest.as_nanos() as f64 && fit.period <= longest.as_nanos() as f64;
        let sound = allowed && 1.0 - fit.fitting / fit.beats <= 0.40;
        train.strong = if sound && fit.evidence >= 5.0 { train.strong + 1 } else { 0 };
        let present = if train.strong >= 3 { Confirmed } else { Suspected };
        train.state = match train.state {
            Suspected | Confirmed if fit.evidence < 2.0 || !allowed => Lost,
            Confirmed => Confirmed,
            Suspected => present,
            _ if sound && fit.evidence >= 4.0 && fit.newest => present,
            Lost => Lost,
            _ if gaps.len() < 8 && allowed && 2.0 * fit.fitting >= gaps.len() as f64 => Learning,
            _ => Nothing,
        };
        match (before, train.is_present()) {
            (None, true) => {
                (train.begun, train.last, train.follows) = (fit.period, None, false);
                (train.beats, train.missed) = (0, 0);
                train.single.clear();
                (0..train.kept.len()).for_each(|at| train.beat(at, &fit, &mut claims));
            }
            (Some(_), true) => train.beat(train.kept.len() - 1, &fit, &mut claims),
            (Some(reading), false) if every_change => was = Some(reading),
            _ => {}
        }
    }
    was = fall_silent(&mut train, watermark).or(was);
    let (status, measures) = train.reading();
    Found { status, measures, claims, was }
}
