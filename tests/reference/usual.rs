//! Rules that learn what is usual, and streams with something to learn: trains of beats, bursts over a baseline, gauges that
//! fall.

use proptest::prelude::*;

use crate::reference::scenario::{Record, Rules, Scenario, Symptom, calm_of, records, symptom};
use crate::reference::shared::shared;

/// What happens: seconds after the one before, word, device, size.
type Tick = (i64, &'static str, usize, Option<i64>);

fn one_of<T: Clone + std::fmt::Debug + 'static>(all: &[T]) -> prop::sample::Select<T> {
    prop::sample::select(all.to_vec())
}

/// Beats of one period: some missed, some late or early, some with another event close behind or in between.
fn train() -> impl Strategy<Value = Vec<Tick>> {
    let beat = (one_of(&[0, 0, 0, 1, 2, 3]), -8_i64..9, 0_u8..24);
    let period = one_of(&[8_i64, 10, 20, 40, 60, 90, 3_600]);
    let one = (period, one_of(&[0_i64, 0, 1, 4, 10]), prop::collection::vec(beat, 0..34));
    let trains = prop::collection::vec((one, one_of(&[0_i64, 3, 4, 5, 20])), 1..4);
    (trains, any::<bool>()).prop_map(|(trains, by_clock)| {
        let mut all: Vec<Tick> = Vec::new();
        let device = 1;
        for ((period, jitter, beats), pause) in trains {
            let mut late = 0;
            for (misses, early, fate) in beats {
                // A timer that runs by a clock makes up for a late beat with a short gap.
                let back = if by_clock { late } else { 0 };
                late = early * jitter * period / 400;
                let misses = if misses > 1 && fate % 4 != 0 { 0 } else { misses };
                let gap = period * (1 + misses) + late - back;
                match fate {
                    0 => all.extend([(gap / 2, "a", device, None), (gap - gap / 2, "a", device, None)]),
                    1 => all.extend([(gap, "a", device, None), (1, "a", device, None)]),
                    2 => all.extend([(gap - 1, "b", device, None), (1, "a", device, None)]),
                    _ => all.push((gap, "a", device, None)),
                }
            }
            all.push((pause * period, "c", device, None));
        }
        all
    })
}

/// A few devices in most buckets, and now and then many at once.
fn bursts() -> impl Strategy<Value = Vec<Tick>> {
    let calm = (one_of(&[0_usize, 0, 1, 1, 2, 3]), Just(0_usize));
    let burst = (6_usize..30, 0_usize..4);
    let bucket = prop_oneof![10 => calm, 1 => burst];
    let width = one_of(&[1_i64, 1, 10, 60, 3_600]);
    let long = one_of(&[0_usize, 0, 0, 125]);
    (width, prop::collection::vec((bucket, 0..9_i64), 10..110), long, any::<bool>()).prop_map(
        |(width, buckets, long, runs)| {
            let mut all: Vec<Tick> = Vec::new();
            let last = buckets.len() - 1;
            for (number, ((count, same), offset)) in buckets.into_iter().enumerate() {
                let times = if number == last && count > 3 { long } else { 0 };
                for _ in 0..=times {
                    let offset = offset % width;
                    all.push((offset, "c", 1, None));
                    for child in 0..count {
                        let device = if runs { child / 2 } else { child };
                        all.push((0, "a", device, (child % 5 > same).then_some((child % 3) as i64)));
                    }
                    all.push((width - offset, "unheard", 1, None));
                }
            }
            all
        },
    )
}

/// Devices that open and stay, and then some of them close, and perhaps come back.
fn gauge() -> impl Strategy<Value = Vec<Tick>> {
    let step = (0_i64..12, -12_i64..8, 0_i64..3);
    let length = one_of(&[10_usize, 20, 70, 140]);
    let steps = prop::collection::vec((step, length), 1..6);
    (0_usize..30, steps, one_of(&[1_i64, 1, 10, 60])).prop_map(|(first, steps, width)| {
        let mut all: Vec<Tick> = (0..first).map(|device| (0, "a", device, None)).collect();
        let mut here = first as i64;
        for ((noise, step, offset), length) in steps {
            let target = (here + step).max(0);
            for (n, device) in (target.min(here)..target.max(here)).enumerate() {
                let word = if target < here { "b" } else { "a" };
                let device = usize::try_from(device).unwrap() + if noise == 11 { 40 } else { 0 };
                all.push((if n % 4 == 3 { offset * width / 2 } else { 0 }, word, device, None));
            }
            here = target;
            for n in 0..length {
                if noise > 8 && n % 3 == 0 {
                    let (word, back) = if here > 0 { ("b", "a") } else { ("a", "b") };
                    let device = usize::try_from(here.max(1) - 1).unwrap();
                    all.extend([(width, word, device, None), (width * (noise - 9), back, device, None)]);
                } else {
                    all.push((width, "unheard", 1, None));
                }
            }
        }
        all
    })
}

/// A level that is told, with noise, falls, slides and gaps.
fn told() -> impl Strategy<Value = Vec<Tick>> {
    let part = (
        one_of(&[100_i64, 100, 97, 94, 80, 60, 0]),
        one_of(&[0_i64, -1, 1]),
        one_of(&[1_usize, 2, 3, 6, 15, 70, 130]),
    );
    let width = one_of(&[1_i64, 10]);
    let parts = prop::collection::vec((part, prop::bool::weighted(0.2)), 1..8);
    (width, parts, prop::collection::vec(-2_i64..3, 64)).prop_map(|(width, parts, noise)| {
        let mut all: Vec<Tick> = Vec::new();
        let settled = (0..14).map(|_| 100);
        let mut levels: Vec<(i64, bool)> = settled.map(|level| (level, false)).collect();
        for ((level, slope, length), silent) in parts {
            levels.extend((0..length as i64).map(|n| (level + n.min(30) * slope, silent)));
        }
        for (n, (level, silent)) in levels.into_iter().enumerate() {
            let size = (!silent || n % 7 == 0).then_some(level + noise[n % 64]);
            all.push((if n % 5 == 0 { width - width / 2 } else { width }, "a", 1, size));
            if n % 5 == 0 {
                all.push((width / 2, "c", 1, None));
            }
        }
        all
    })
}

fn learning(kind: &'static str) -> impl Strategy<Value = Symptom> {
    let (texts, whens): (&[(&'static str, &str)], &[&'static str]) = match kind {
        "periodic" => (
            &[
                ("device", "{periodic: {event: a, period: 5s..20s}}"),
                ("device", "{periodic: {event: a, period: 10s..90s}}"),
                ("device", "{periodic: {event: a, period: 5s..2h, debounce: 1s}}"),
                ("device", "{periodic: {event: a, period: 5s..2h, debounce: 1s}}"),
                ("hub", "{periodic: {event: a, period: 5s..2h, debounce: 1s}}"),
            ],
            &[
                "periodic.jitter <= 0.03",
                "periodic.state == \"confirmed\"",
                "periodic.missed >= 1",
                "periodic.wall_clock",
                "periodic.anchor == \"clock\"",
                "periodic.period >= 10.s",
            ],
        ),
        "surge" => (
            &[
                ("hub", "{surge: {event: a, distinct: device, bucket: 1s, at-least: 1}}"),
                ("hub", "{surge: {event: a, distinct: device, bucket: 10s, at-least: 5, by: size}}"),
                ("hub", "{surge: {event: a, bucket: 1s, at-least: 5, ratio: 3, by: size}}"),
                ("hub", "{surge: {event: a, bucket: 60s, at-least: 2, surprise: 4}}"),
                ("hub", "{surge: {event: a, distinct: device, bucket: 1h, at-least: 5, surprise: 4}}"),
                ("hub", "{surge: {event: a, bucket: 30m, at-least: 5}}"),
                ("device", "{surge: {event: a, bucket: 10s, at-least: 2}}"),
            ],
            &[
                "surge.children >= 12",
                "surge.concentration >= 0.5",
                "surge.buckets >= 2",
                "surge.usual >= 1.0",
            ],
        ),
        "dip" => (
            &[
                (
                    "hub",
                    "{dip: {gauge: {opens: a, closes: b, of: device}, at-least: 40%, bucket: 1s, population: 1}}",
                ),
                (
                    "hub",
                    "{dip: {gauge: {opens: a, closes: b, of: device}, at-least: 5%, bucket: 10s, population: 5}}",
                ),
                (
                    "hub",
                    "{dip: {gauge: {opens: a, closes: [b, c], of: device}, bucket: 60s, population: 10}}",
                ),
            ],
            &["dip.recovered", "dip.drop >= 0.3", "dip.low <= 5.0", "dip.z <= -5.0"],
        ),
        _ => (
            &[
                ("hub", "{dip: {gauge: {event: a, field: size}, at-least: 5%, bucket: 1s}}"),
                ("device", "{dip: {gauge: {event: a, field: size}, at-least: 20%, bucket: 10s}}"),
                ("device", "{dip: {gauge: {event: a, field: size}, bucket: 1s, population: 90}}"),
            ],
            &["dip.recovered", "dip.drop >= 0.3", "dip.before >= 99.0", "dip.z <= -5.0"],
        ),
    };
    (
        one_of(texts),
        prop::option::weighted(0.3, one_of(whens)),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.1),
    )
        .prop_map(|((per, detect), when, unless, ordinary)| Symptom {
            per,
            detect: detect.to_owned(),
            when,
            unless,
            ordinary,
        })
}

/// A stream with something to learn for this kind of detector.
fn stream(kind: &str) -> BoxedStrategy<Vec<Tick>> {
    match kind {
        "periodic" => train().boxed(),
        "surge" => bursts().boxed(),
        "dip" => gauge().boxed(),
        _ => told().boxed(),
    }
}

/// One symptom that learns, others that do not, and a stream with something to learn beside one with nothing.
pub(crate) fn usual() -> impl Strategy<Value = Scenario> {
    let kind = one_of(&[
        "periodic", "periodic", "periodic", "surge", "surge", "surge", "dip", "dip", "given", "given",
    ]);
    let kind = kind.prop_flat_map(|kind| (Just(kind), learning(kind)));
    // Of sequences the engine remembers only so many that wait, and there are too many events here.
    let other = symptom().prop_filter("too many chains", |other| !other.detect.starts_with("{sequence"));
    let others = prop::collection::vec(other, 0..3);
    let quiet = || one_of(&[10_i64, 61, 600, 7_200]);
    let rules = (any::<bool>(), any::<bool>(), [quiet(), quiet()], others);
    let rules = (rules, kind, (any::<bool>(), one_of(&[0_i64, 10, 900])))
        .prop_map(|((by_record, ties_any, quiet, others), (kind, learning), settings)| {
            let symptoms = std::iter::once(learning).chain(others).collect();
            (Rules { by_record, ties_any, quiet, symptoms }, kind, settings)
        })
        .prop_filter("refused rules answer nothing", |(rules, ..)| rules.load());
    (shared(rules), prop::option::weighted(0.3, 0_i64..4_000))
        .prop_flat_map(|((rules, kind, settings), shift)| {
            let noise = prop_oneof![2 => Just(Vec::new()), 1 => records(rules.ties_any, 1)];
            (Just(rules), stream(kind), noise, Just((settings, shift)))
        })
        .prop_map(|(rules, ticks, noise, ((complete, lateness), shift))| {
            let (mut second, mut all) = (shift.unwrap_or(0), noise);
            for (number, (gap, word, device, size)) in (100..).zip(ticks) {
                second += gap.max(0);
                let (hub, device) = (Some("h1".to_owned()), Some(format!("d{device}")));
                all.push(Record { number, source: 0, second, hub, device, word, size });
            }
            all.sort_by_key(|record| record.second);
            Scenario { complete, lateness, ..calm_of(rules, all) }
        })
}
