//! A gauge that drops: one sample a bucket, each held against the usual level and its spread.

use std::collections::BTreeMap;

use etiolog::detector::Definition;
use etiolog::model::Measure;
use etiolog::{Status, Subject, Timestamp, Value};

use crate::periodic::confidence;
use crate::surge::{last_instant, parts, quantile};
use crate::{Found, Known, Measures};

/// What samples have said so far.
#[derive(Default)]
struct Usual {
    learned: Vec<f64>,
    /// Of each judged sample: low, deep, z.
    marks: Vec<(bool, bool, f64)>,
    slide: f64,
    frozen: usize,
    on: bool,
}

/// Of a sample: the median before it, z, whether it is low, whether a dip begins, and while one is on the surprise.
struct Says {
    median: f64,
    z: f64,
    low: bool,
    begins: bool,
    on: Option<f64>,
}

impl Usual {
    fn last(&self) -> &[f64] {
        &self.learned[self.learned.len().saturating_sub(60)..]
    }

    fn median(&self) -> Option<f64> {
        (!self.learned.is_empty()).then(|| quantile(self.last(), 0.5))
    }

    /// What a sample says.
    fn judge(&mut self, x: f64, unseen: f64, share: f64, least: f64) -> Option<Says> {
        let median = self.median().unwrap_or(0.0);
        let whole = median + unseen;
        if self.learned.len() < 12 || whole < least || whole <= 0.0 {
            (self.marks, self.slide) = (Vec::new(), 0.0);
            self.learned.push(x);
            return None;
        }
        let distances: Vec<f64> = self.last().iter().map(|y| (y - median).abs()).collect();
        let z = (x - median) / (1.4826 * quantile(&distances, 0.5)).max(0.005 * whole).max(1.0);
        let low = median - x >= share * whole;
        self.marks.push((low, low && z <= -4.0, z));
        self.slide = (self.slide - z - 0.5).clamp(0.0, 10.0);
        let last = |n: usize| &self.marks[self.marks.len().saturating_sub(n)..];
        let surprise = if last(3).iter().filter(|mark| mark.1).count() >= 2 {
            let deepest = last(3).iter().map(|mark| -mark.2).fold(0.0, f64::max);
            let mills = (1..=8).rev().fold(deepest, |rest, n| deepest + f64::from(n) / rest);
            let ln = deepest * deepest / 2.0 + std::f64::consts::TAU.sqrt().ln() + mills.ln();
            (ln / std::f64::consts::LN_10).min(6.0)
        } else if self.slide >= 5.0 && last(5).len() == 5 && last(5).iter().all(|mark| mark.0) {
            3.0
        } else {
            0.0
        };
        let begins = !self.on && low && surprise > 0.0;
        self.on = begins || (self.on && low);
        if !(self.on || low && z <= -4.0) {
            self.frozen = 0;
            self.learned.push(x);
        } else if self.frozen == 120 {
            *self = Self { learned: vec![x], ..Self::default() };
        } else {
            self.frozen += 1;
        }
        Some(Says { median, z, low, begins, on: self.on.then_some(surprise) })
    }
}

/// A way down: its lowest level, when that was, and since when the level is back.
#[derive(Clone, Copy)]
struct Way {
    low: f64,
    low_at: Timestamp,
    back: Option<Timestamp>,
}

/// A bucket that was judged: how low by z, its lowest moment, and its closings up to then.
struct Sample {
    z: f64,
    low: bool,
    lowest: f64,
    falls: Vec<usize>,
}

/// The last dip.
struct Fall {
    on: bool,
    before: f64,
    way: Way,
    z: f64,
    surprise: f64,
    claimed: f64,
}

impl Fall {
    fn reading(&self, unseen: f64) -> (Status, Measures) {
        let whole = self.before + unseen;
        let drop = if whole > 0.0 { (self.before - self.way.low) / whole } else { 0.0 };
        let mut measures = vec![
            ("before", Measure::Number(whole)),
            ("low", Measure::Number(self.way.low + unseen)),
            ("drop", Measure::Number(drop)),
            ("recovered", Measure::Flag(self.way.back.is_some())),
        ];
        measures.extend(self.way.back.map(|back| ("recovery", Measure::Span(back.since(self.way.low_at)))));
        measures.push(("z", Measure::Number(self.z)));
        (confidence(self.surprise), measures)
    }
}

/// Where a child is: away, here, or here and opened again at this time.
type Places<'a> = BTreeMap<&'a Subject, Option<Option<Timestamp>>>;

/// `begun`: when history began, if it did not with the first event; `ended`: ends of episodes in which it was found.
pub(crate) fn dip(
    definition: &Definition,
    events: &[&Known],
    watermark: Timestamp,
    begun: Option<Timestamp>,
    ended: &[Timestamp],
) -> Found {
    let mut found = Found { status: Status::Absent, measures: Vec::new(), claims: Vec::new(), was: None };
    let Definition::Dip { sample, opens, closes, .. } = definition else { return found };
    let wanted = |at: &usize| {
        let mut classes = sample.iter().map(|(class, _)| class).chain(opens).chain(closes);
        classes.any(|&class| events[*at].is(class))
    };
    let own: Vec<usize> = (0..events.len()).filter(wanted).collect();
    for (number, (part, until)) in parts(&own, events, watermark).enumerate() {
        let begun = begun.filter(|_| number == 0).or(part.first().map(|&at| events[at].time()));
        watch(definition, events, part, (begun, until, ended), &mut found);
    }
    found
}

fn watch(
    definition: &Definition,
    events: &[&Known],
    own: &[usize],
    (begun, until, ended): (Option<Timestamp>, Timestamp, &[Timestamp]),
    found: &mut Found,
) {
    let Definition::Dip { sample, opens, closes, of, ties_any, at_least, bucket, population } = definition
    else {
        return;
    };
    let width = bucket.as_nanos() as i64;
    let index = |time: Timestamp| time.nanos() / width;
    let mut buckets: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    own.iter().for_each(|&at| buckets.entry(index(events[at].time())).or_default().push(at));
    let (mut places, mut value, mut unseen) = (Places::new(), 0.0, 0.0);
    let (mut usual, mut recent): (Usual, Vec<Sample>) = (Usual::default(), Vec::new());
    let (mut way, mut fall): (Option<Way>, Option<Fall>) = (None, None);
    let (mut sampled, mut idle) = (None, 0);
    let mut ended = ended.iter().copied().filter(|end| *end < until).peekable();
    let mut open = begun.map_or(i64::MAX, index);
    loop {
        let (mut lowest, mut falls) = (value, Vec::new());
        let mut lowest_at = Timestamp::from_nanos(open.saturating_mul(width)).unwrap_or(Timestamp::MIN);
        let inside = buckets.remove(&open).unwrap_or_default();
        idle = if inside.is_empty() { idle + 1 } else { 0 };
        let over = last_instant(open, width).filter(|last| *last < until);
        for at in inside.into_iter().map(Some).chain([None]) {
            let now = at.map_or(over.unwrap_or(until), |at| events[at].time());
            // What was found is over; what is usual stays.
            while ended.next_if(|end| *end < now).is_some() {
                (usual.marks, usual.slide) = (Vec::new(), 0.0);
                (recent, way, fall, found.was) = (Vec::new(), None, None, None);
                (lowest, falls) = (value, Vec::new());
            }
            let Some(at) = at else { break };
            if let Some((_, field)) = sample {
                let given = events[at].event.field(*field).and_then(Value::as_f64).filter(|x| x.is_finite());
                let Some(given) = given else { continue };
                (value, lowest, lowest_at, sampled, falls) = (given, given, now, Some(open), vec![at]);
            } else {
                let Some(child) = of.and_then(|of| events[at].subjects[of].as_ref()) else { continue };
                let any = |classes: &[_]| classes.iter().any(|&class| events[at].is(class));
                let place = places.get(child).copied();
                let away = place == Some(None);
                let tied = *ties_any && place == Some(Some(Some(now)));
                if any(closes) && !away && !tied {
                    unseen += if place.is_none() { 1.0 } else { 0.0 };
                    value -= 1.0;
                    places.insert(child, None);
                    falls.push(at);
                }
                if any(opens) {
                    let here = places.get(child).is_some_and(Option::is_some);
                    value += if here { 0.0 } else { 1.0 };
                    places.insert(child, Some(here.then_some(now)));
                }
                if value < lowest {
                    (lowest, lowest_at) = (value, now);
                }
            }
            let on = fall.as_mut().filter(|fall: &&mut Fall| fall.on);
            let Some(before) = on.as_ref().map(|fall| fall.before).or(usual.median()) else { continue };
            let whole = before + unseen;
            let down = whole > 0.0 && (before - value) / whole >= at_least.min(0.05);
            let new = Way { low: value, low_at: now, back: None };
            let way = match on {
                Some(fall) => Some(&mut fall.way),
                None if down => Some(way.get_or_insert(new)),
                None => way.as_mut(),
            };
            match way {
                Some(way) if !down => way.back = way.back.or(Some(now)),
                Some(way) => *way = if value < way.low { new } else { Way { back: None, ..*way } },
                None => {}
            }
        }
        let Some(over) = over else { break };
        if sample.is_none() || sampled == Some(open) {
            let was = fall.as_ref().filter(|fall| fall.on).map(|fall| fall.reading(unseen));
            let says = usual.judge(lowest, unseen, *at_least, *population);
            if let Some(Says { median, z, low, begins, on }) = says {
                falls.retain(|&at| events[at].time() <= lowest_at);
                recent.push(Sample { z, low, lowest, falls });
                if begins {
                    let way = way.take().unwrap_or(Way { low: lowest, low_at: lowest_at, back: None });
                    recent.drain(..recent.len().saturating_sub(5));
                    let (before, claimed) = (median, f64::INFINITY);
                    fall = Some(Fall { on: true, before, way, z: 0.0, surprise: 0.0, claimed });
                }
                match (&mut fall, on) {
                    (Some(fall), Some(surprise)) => {
                        fall.surprise = fall.surprise.max(surprise);
                        for sample in recent.drain(..).filter(|sample| sample.low) {
                            fall.z = fall.z.min(sample.z);
                            if sample.lowest < fall.claimed {
                                fall.claimed = sample.lowest;
                                found.claims.extend(sample.falls.iter().map(|&at| (over, at)));
                            }
                        }
                    }
                    (Some(fall), None) if fall.on => {
                        (fall.on, found.was) = (false, was);
                        recent.clear();
                    }
                    _ if recent.iter().rev().take(5).all(|sample| !sample.low) => way = None,
                    _ => {}
                }
            }
        }
        open += 1;
        // A level that stays for so long is learned, whatever was before.
        let next = buckets.keys().next().copied().unwrap_or(i64::MAX).min(index(until));
        if next > open && (sample.is_some() || idle > 1_000) {
            open = next;
        }
    }
    let (learned, least) = (usual.last().len(), population);
    let whole = usual.median().unwrap_or(0.0) + unseen;
    let stale = sample.is_some() && sampled.is_none_or(|sampled| index(until) > sampled + 3);
    let on = fall.filter(|fall| fall.on).map(|fall| fall.reading(unseen));
    (found.status, found.measures) = match on {
        Some(reading) if !stale => reading,
        on => {
            found.was = on.or(found.was.take());
            let why = match () {
                () if stale => Some("no sample".to_owned()),
                () if learned < 12 => Some(format!("learning {learned}/12")),
                () if whole < *least => Some(format!("too few {whole}/{least}")),
                () => None,
            };
            (why.map_or(Status::Absent, |why| Status::Unknown(why.into())), Vec::new())
        }
    };
}
