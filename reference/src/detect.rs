//! The detectors but for sequences, each in the words of the text.

use std::collections::BTreeSet;
use std::time::Duration;

use etiolog::detector::{ClassId, Definition};
use etiolog::model::{FieldId, Measure, Probability, Value};
use etiolog::rule::Symptom;
use etiolog::{Status, Subject, Timestamp};

use crate::surge::DAYS_31;
use crate::{Found, Known, Measures, absence, change, dip, periodic, sequence, surge};

pub(crate) const PRESENT: fn() -> Status = || Status::Present(Probability::new(1.0));

/// Whether it says what such a detector finds.
pub(crate) fn judges(symptom: &Symptom) -> bool {
    match symptom.detector().definition() {
        Some(Definition::Restricted { sequence, strict, overlaps, .. }) => {
            // What these make of events of one time is not written here.
            (!strict && !overlaps) || !matches!(*sequence, Definition::Sequence { ties_any: true, .. })
        }
        Some(Definition::Weighted { of, .. }) => {
            matches!(*of, Definition::Occurrence { .. } | Definition::Count { .. })
        }
        Some(Definition::Anchored { .. }) | None => false,
        Some(_) => true,
    }
}

/// Whether it keeps what is usual when an episode ends in which it found something.
pub(crate) fn keeps(symptom: &Symptom) -> bool {
    use Definition::{Alternating, Dip, Surge, Turning};
    let definition = symptom.detector().definition();
    matches!(definition, Some(Surge { .. } | Dip { .. } | Turning { .. } | Alternating { .. }))
}

/// Whether it forgets all at the end of an episode: it has no window, or has had no event for long.
pub(crate) fn forgets(symptom: &Symptom, events: &[&Known], end: Option<Timestamp>) -> bool {
    let long = match symptom.detector().definition() {
        Some(Definition::Occurrence { .. }) => return true,
        Some(Definition::Weighted { of, .. }) => return matches!(*of, Definition::Occurrence { .. }),
        Some(Definition::Surge { .. } | Definition::Dip { .. }) => DAYS_31,
        Some(Definition::Periodic { longest, .. }) => longest.saturating_mul(4),
        _ => return false,
    };
    let classes = symptom.detector().classes();
    let seen = |k: &&&Known| Some(k.time()) <= end && classes.iter().any(|&class| k.is(class));
    events.iter().rev().find(seen).is_some_and(|last| Some(last.time().plus(long)) <= end)
}

/// What a symptom's detector makes of events, all of which came before `watermark`.
pub(crate) fn detect(
    symptom: &Symptom,
    events: &[&Known],
    watermark: Timestamp,
    holds_others: bool,
    (begun, ended): (Option<Timestamp>, &[Timestamp]),
) -> Found {
    let (definition, weight) = match symptom.detector().definition() {
        Some(Definition::Weighted { of, weight }) => (Some(*of), Some(weight)),
        plain => (plain, None),
    };
    match definition {
        Some(Definition::Occurrence { event, among }) => occurrence(events, event, among, weight),
        Some(Definition::Count { event, at_least, within }) => {
            count(events, event, at_least as u64, within, weight)
        }
        Some(Definition::Distinct { event, of, at_least, within }) => {
            distinct(events, event, of, at_least, within)
        }
        Some(Definition::Session { opens, closes, at_least, ties_any }) => {
            session(events, &opens, &closes, at_least, ties_any)
        }
        Some(sequence @ (Definition::Sequence { .. } | Definition::Restricted { .. })) => {
            sequence::sequence(&sequence, events, watermark)
        }
        Some(it @ Definition::Periodic { .. }) => periodic::periodic(&it, events, watermark, holds_others),
        Some(surge @ Definition::Surge { .. }) => surge::surge(&surge, events, watermark, begun, ended),
        Some(dip @ Definition::Dip { .. }) => dip::dip(&dip, events, watermark, begun, ended),
        Some(it @ Definition::Absence { .. }) => absence::absence(&it, events, watermark),
        Some(it @ Definition::Turning { .. }) => change::turning(&it, events, watermark, ended),
        Some(it @ Definition::Alternating { .. }) => change::alternating(&it, events, watermark, ended),
        _ => nothing(Status::Unknown("not judged".into())),
    }
}

/// The events of a class, by their places.
fn of_class<'a>(events: &'a [&Known], class: ClassId) -> impl Iterator<Item = usize> + 'a {
    (0..events.len()).filter(move |&at| events[at].is(class))
}

/// Nothing but a status.
pub(crate) fn nothing(status: Status) -> Found {
    Found { status, measures: Vec::new(), claims: Vec::new(), was: None }
}

/// What happens together: the events of one time, or each event by itself.
pub(crate) fn together(
    events: &[&Known],
    places: impl Iterator<Item = usize>,
    ties_any: bool,
) -> Vec<Vec<usize>> {
    let mut together: Vec<Vec<usize>> = Vec::new();
    for at in places {
        match together.last_mut() {
            Some(last) if ties_any && events[last[0]].time() == events[at].time() => last.push(at),
            _ => together.push(vec![at]),
        }
    }
    together
}

/// How many events a record stands for, if it says.
fn said(known: &Known, weight: Option<FieldId>) -> Option<u64> {
    match known.event.field(weight?)? {
        Value::Int(count) => u64::try_from(*count).ok(),
        Value::Float(count) => (*count >= 0.0 && count.trunc() == *count).then_some(*count as u64),
        _ => None,
    }
}

/// How many events some records stand for together.
fn sum(events: &[&Known], records: &[usize], weight: Option<FieldId>) -> u64 {
    let each = records.iter().map(|&at| said(events[at], weight).unwrap_or(1));
    each.fold(0, u64::saturating_add)
}

/// How many records were claimed, and how many of them did not say for how many events they stand.
fn records(events: &[&Known], claims: &[usize], weight: Option<FieldId>) -> Measures {
    let silent = claims.iter().filter(|&&at| said(events[at], weight).is_none()).count() as u64;
    let counts = [("records", claims.len() as u64), ("unweighted", silent)];
    counts.into_iter().filter(|_| weight.is_some()).map(|(name, n)| (name, Measure::Count(n))).collect()
}

fn occurrence(events: &[&Known], event: ClassId, among: Option<ClassId>, weight: Option<FieldId>) -> Found {
    let claimed: Vec<usize> = of_class(events, event).filter(|&at| sum(events, &[at], weight) > 0).collect();
    let could_tell = |among| of_class(events, among).chain(of_class(events, event)).next().is_some();
    let status = match (claimed.is_empty(), among.is_none_or(could_tell)) {
        (false, _) => PRESENT(),
        (true, true) => Status::Absent,
        (true, false) => Status::Unknown("nothing seen that could tell".into()),
    };
    let mut measures = vec![("events", Measure::Count(sum(events, &claimed, weight)))];
    measures.extend(records(events, &claimed, weight));
    let claims = claimed.into_iter().map(|at| (events[at].time(), at)).collect();
    Found { status, measures, claims, was: None }
}

/// Claims of `members` those that were not claimed before.
fn claim_once(moment: Timestamp, members: &[usize], claims: &mut Vec<(Timestamp, usize)>) {
    for &at in members {
        // Claims stand in the order of events here.
        if claims.binary_search_by_key(&at, |&(_, known)| known).is_err() {
            claims.push((moment, at));
        }
    }
}

fn count(
    events: &[&Known],
    event: ClassId,
    at_least: u64,
    within: Duration,
    weight: Option<FieldId>,
) -> Found {
    let mut claims = Vec::new();
    let all: Vec<usize> = of_class(events, event).filter(|&at| sum(events, &[at], weight) > 0).collect();
    for (number, &at) in all.iter().enumerate() {
        let now = events[at].time();
        let window = &all[..=number];
        let window = &window[window.partition_point(|&e| now.since(events[e].time()) >= within)..];
        let enough = |from: &usize| sum(events, &window[*from..], weight) >= at_least;
        if let Some(from) = (0..window.len()).rev().find(enough) {
            claim_once(now, &window[from..], &mut claims);
        }
    }
    let claimed: Vec<usize> = claims.iter().map(|&(_, at)| at).collect();
    let mut measures = vec![("events", Measure::Count(sum(events, &claimed, weight)))];
    let times: Vec<Timestamp> = claimed.iter().map(|&at| events[at].time()).collect();
    if let (Some(first), Some(last)) = (times.first(), times.last()) {
        measures.push(("span", Measure::Span(last.since(*first))));
        let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        measures.extend(median(&gaps).map(|gap| ("median_gap", Measure::Span(gap))));
        measures.extend(records(events, &claimed, weight));
    }
    Found { status: if claims.is_empty() { Status::Absent } else { PRESENT() }, measures, claims, was: None }
}

fn distinct(events: &[&Known], event: ClassId, of: usize, at_least: u64, within: Duration) -> Found {
    let width = within.as_nanos().div_ceil(60).max(1);
    let bucket = |at: usize| u128::from(events[at].time().nanos().unsigned_abs()) / width;
    let child = |at: usize| events[at].subjects.get(of).and_then(Option::as_ref);
    let all: Vec<usize> = of_class(events, event).filter(|&at| child(at).is_some()).collect();
    let (mut claims, mut most) = (Vec::new(), 0);
    for (number, &at) in all.iter().enumerate() {
        let so_far = &all[..=number];
        let recent = &so_far[so_far.partition_point(|&e| bucket(e) + 60 <= bucket(at))..];
        let here = recent.iter().map(|&e| child(e)).collect::<BTreeSet<Option<&Subject>>>().len() as u64;
        if here >= at_least {
            most = most.max(here);
            let now = events[at].time();
            let window = &so_far[so_far.partition_point(|&e| now.since(events[e].time()) >= within)..];
            claim_once(now, &window[window.len().saturating_sub(4)..], &mut claims);
        }
    }
    let measures = vec![("children", Measure::Count(most)), ("window", Measure::Span(within))];
    Found { status: if claims.is_empty() { Status::Absent } else { PRESENT() }, measures, claims, was: None }
}

fn session(
    events: &[&Known],
    opens: &[ClassId],
    closes: &[ClassId],
    at_least: usize,
    ties_any: bool,
) -> Found {
    let any = |at: usize, classes: &[ClassId]| classes.iter().any(|&class| events[at].is(class));
    let named = (0..events.len()).filter(|&at| any(at, opens) || any(at, closes));
    let (mut here, mut away): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    let (mut whole, mut gaps): (Vec<(usize, Duration)>, Vec<Duration>) = (Vec::new(), Vec::new());
    for group in together(events, named, ties_any) {
        let now = events[group[0]].time();
        let mut openings = group.iter().filter(|&&at| any(at, opens)).count();
        let mut closings: Vec<usize> = group.iter().copied().filter(|&at| any(at, closes)).collect();
        while openings > 0 || !closings.is_empty() {
            if openings > 0 && (away.is_some() || closings.is_empty()) {
                openings -= 1;
                gaps.extend(away.take().map(|since| now.since(since)));
                here = Some(now);
            } else {
                let closing = closings.remove(0);
                whole.extend(here.take().map(|since| (closing, now.since(since))));
                away = Some(now);
            }
        }
    }
    let lengths: Vec<Duration> = whole.iter().map(|&(_, length)| length).collect();
    let mut measures = vec![("sessions", Measure::Count(whole.len() as u64))];
    if let Some(length) = median(&lengths) {
        let last = &lengths[lengths.len().saturating_sub(16)..];
        let alike = last.iter().filter(|l| l.abs_diff(length) <= length * 15 / 100).count();
        measures.push(("length", Measure::Span(length)));
        measures.push(("alike", Measure::Number(alike as f64 / last.len() as f64)));
    }
    measures.extend(median(&gaps).map(|gap| ("gap", Measure::Span(gap))));
    measures.extend(gaps.iter().max().map(|gap| ("longest_gap", Measure::Span(*gap))));
    measures.push(("open", Measure::Flag(here.is_some())));
    if whole.len() < at_least {
        let status = Status::Unknown(format!("learning {}/{at_least}", whole.len()).into());
        return Found { status, measures, claims: Vec::new(), was: None };
    }
    let told = events[whole[at_least - 1].0].time();
    let claims = whole.iter().map(|&(at, _)| (told.max(events[at].time()), at)).collect();
    Found { status: PRESENT(), measures, claims, was: None }
}

/// The median of the last sixteen, halfway between the middle two of an even number.
pub(crate) fn median(all: &[Duration]) -> Option<Duration> {
    let mut last: Vec<Duration> = all[all.len().saturating_sub(16)..].to_vec();
    last.sort_unstable();
    let (low, high) = (last[last.len().checked_sub(1)? / 2], last[last.len() / 2]);
    Some(low + (high - low) / 2)
}
