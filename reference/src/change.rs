//! What was one way for long and is now another, or goes back and forth. Neither forgets with an episode; `ended` says when
//! one ended in which it was found.

use std::time::Duration;

use etiolog::detector::Definition;
use etiolog::model::{Measure, Value};
use etiolog::{Status, Timestamp};

use crate::detect::{PRESENT, nothing, together};
use crate::surge::DAYS_31;
use crate::{Found, Known};

/// So many values of one time are the value then.
const VALUES: usize = 16;

type Claims = Vec<(Timestamp, usize)>;

/// Claims of `members` those that were not claimed before, and says how many.
fn claim(now: Timestamp, members: &[usize], claims: &mut Claims) -> u64 {
    let before = claims.len();
    for &at in members {
        if claims.iter().all(|(_, known)| *known != at) {
            claims.push((now, at));
        }
    }
    (claims.len() - before) as u64
}

pub(crate) fn turning(
    definition: &Definition,
    events: &[&Known],
    watermark: Timestamp,
    ended: &[Timestamp],
) -> Found {
    let Definition::Turning { from, to, after, at_least, confirm, ties_any } = definition else {
        return nothing(Status::Absent);
    };
    let mut all: Vec<usize> =
        (0..events.len()).filter(|&at| events[at].is(*from) || events[at].is(*to)).collect();
    if *ties_any {
        all.sort_by_key(|&at| (events[at].time(), events[at].is(*to), at));
    }
    // The rows O and R, whether a `to` came before O, and of the last R claimed: O, R and whether a `from` has come since.
    let (mut old, mut new, mut witnessed): (Vec<usize>, Vec<usize>, bool) = (Vec::new(), Vec::new(), false);
    let mut found: Option<(Vec<usize>, Vec<usize>, bool)> = None;
    let (mut claims, mut last): (Claims, Option<Timestamp>) = (Vec::new(), None);
    let mut ended = ended.iter().peekable();
    let span = |row: &[usize]| match (row.first(), row.last()) {
        (Some(&first), Some(&last)) => events[last].time().since(events[first].time()),
        _ => Duration::ZERO,
    };
    let is_long = |old: &[usize]| span(old) >= *after && old.len() as u64 >= *at_least && !old.is_empty();
    for at in all {
        let now = events[at].time();
        while ended.next_if(|end| **end < now).is_some() {
            found = None;
        }
        if found.is_none() && last.is_some_and(|last| now.since(last) >= DAYS_31) {
            (old, new, witnessed) = (Vec::new(), Vec::new(), false);
        }
        last = Some(now);
        if !events[at].is(*to) {
            if !new.is_empty() {
                (old, new, witnessed) = (Vec::new(), Vec::new(), true);
                found = found.map(|(old, new, _)| (old, new, true));
            }
            old.push(at);
            continue;
        }
        new.push(at);
        if new.len() >= *confirm && is_long(&old) {
            claim(now, &new, &mut claims);
            found = Some((old.clone(), new.clone(), false));
        }
    }
    let found = found.filter(|_| ended.next().is_none());
    let Some((old, new, back)) = found else {
        let now = watermark.minus(Duration::from_nanos(1));
        let recent = last.is_some_and(|last| now.since(last) < DAYS_31);
        let short = new.len() >= *confirm && !is_long(&old) && !witnessed && recent;
        let status = if short { Status::Unknown("learning …".into()) } else { Status::Absent };
        return Found { claims, ..nothing(status) };
    };
    let measures = vec![
        ("steady", Measure::Span(span(&old))),
        ("before", Measure::Count(old.len() as u64)),
        ("after", Measure::Count(new.len() as u64)),
        ("since", Measure::Span(span(&new))),
        ("back", Measure::Flag(back)),
    ];
    Found { status: PRESENT(), measures, claims, was: None }
}

/// An event with another value than the one before.
struct Switch<'a> {
    at: usize,
    left: &'a Value,
    value: &'a Value,
}

pub(crate) fn alternating(
    definition: &Definition,
    events: &[&Known],
    watermark: Timestamp,
    ended: &[Timestamp],
) -> Found {
    let Definition::Alternating { event, field, at_least, within, ties_any } = definition else {
        return nothing(Status::Absent);
    };
    let value = |at: usize| events[at].event.field(*field).filter(|_| events[at].is(*event));
    let all = (0..events.len()).filter(|&at| value(at).is_some());
    let (mut before, mut switches): (Vec<&Value>, Vec<Switch<'_>>) = (Vec::new(), Vec::new());
    let (mut found, mut different, mut claims) = (0, 0, Claims::new());
    let mut last: Option<Timestamp> = None;
    let mut ended = ended.iter().peekable();
    for group in together(events, all, *ties_any) {
        let now = events[group[0]].time();
        while ended.next_if(|end| **end < now).is_some() {
            (found, switches) = (0, Vec::new());
        }
        if found == 0 && last.is_some_and(|last| now.since(last) >= DAYS_31) {
            (before, switches) = (Vec::new(), Vec::new());
        }
        last = Some(now);
        let mut values: Vec<(&Value, usize)> = Vec::new();
        for at in group {
            let is_new =
                |value: &&Value| values.len() < VALUES && values.iter().all(|(known, _)| known != value);
            let new = value(at).filter(is_new);
            values.extend(new.map(|value| (value, at)));
        }
        let spared = values.iter().map(|(value, _)| *value).find(|value| before.contains(value));
        let spared = spared.or(values.first().map(|(value, _)| *value).filter(|_| before.is_empty()));
        let left = spared.or(before.first().copied());
        for &(value, at) in values.iter().filter(|(value, _)| Some(*value) != spared) {
            switches.extend(left.map(|left| Switch { at, left, value }));
            let near = switches.partition_point(|switch| now.since(events[switch.at].time()) >= *within);
            let window = &switches[near..];
            if window.len() < *at_least {
                continue;
            }
            let window = &window[window.len() - at_least..];
            let places: Vec<usize> = window.iter().map(|switch| switch.at).collect();
            found += claim(now, &places, &mut claims);
            let mut seen: Vec<&Value> = vec![window[0].left];
            for switch in window {
                seen.extend(Some(switch.value).filter(|value| !seen.contains(value)));
            }
            different = seen.len() as u64;
        }
        before = values.into_iter().map(|(value, _)| value).collect();
    }
    if ended.next().is_some() {
        found = 0;
    }
    let now = watermark.minus(Duration::from_nanos(1));
    let status = match last {
        _ if found > 0 => PRESENT(),
        Some(last) if now.since(last) < DAYS_31 => Status::Absent,
        _ => Status::Unknown("no value seen".into()),
    };
    let mut measures = vec![("switches", Measure::Count(found))];
    measures.extend((found > 0).then_some(("values", Measure::Count(different))));
    Found { status, measures, claims, was: None }
}
