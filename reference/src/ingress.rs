//! S2 to S8: what becomes of each record, and the canonical order of those that count.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use etiolog::model::Accounts;
use etiolog::rule::{Identity, Plan};
use etiolog::{Event, Subject, Timestamp};

use crate::{Known, Settings};

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

/// What has been seen of one source so far.
#[derive(Clone, Debug, Default)]
struct Source {
    newest: Option<Timestamp>,
    held: Option<usize>,
    previous: Option<(Timestamp, u64)>,
}

/// Gives each record its fate; the events that count in canonical order, and the watermark at the end.
pub(crate) fn admit(
    plan: &Plan,
    (lateness, horizon, complete): Settings,
    sources: usize,
    arrivals: &[(usize, Event)],
) -> (Vec<Known>, Accounts, Timestamp) {
    let mut accounts = Accounts { read: arrivals.len() as u64, ..Accounts::default() };
    let mut known: Vec<Source> = vec![Source::default(); sources];
    let mut accepted: Vec<usize> = Vec::new();
    let time = |at: usize| arrivals[at].1.time();
    for (at, (source, event)) in arrivals.iter().enumerate() {
        let this = (event.time(), event.identity());
        if plan.identity() == Identity::Record && this.1 != 0 {
            if known[*source].previous == Some(this) {
                accounts.duplicate += 1;
                continue;
            }
            known[*source].previous = Some(this);
        }
        if event.time() == Timestamp::MAX || horizon.is_some_and(|horizon| event.time() > horizon) {
            accounts.future += 1;
            continue;
        }
        let newest = known[*source].newest;
        let held = known[*source].held.take();
        match (held, newest) {
            (Some(held), None) if event.time() >= time(held).minus(DAY) => {
                accepted.push(held);
                known[*source].newest = Some(time(held));
            }
            (Some(held), Some(_)) if event.time() > time(held).minus(HOUR) => {
                accepted.extend([held, at]);
                known[*source].newest = Some(time(held).max(event.time()));
                continue;
            }
            (Some(_), _) => accounts.future += 1,
            (None, _) => {}
        }
        let newest = known[*source].newest;
        let own = newest.map(|newest| newest.minus(lateness));
        let all: Option<Vec<Timestamp>> = known.iter().map(|source| source.newest).collect();
        let run = all.and_then(|all| all.into_iter().min()).map(|least| least.minus(lateness));
        if own.max(run).is_some_and(|watermark| event.time() < watermark) {
            accounts.late += 1;
        } else if newest.is_none_or(|newest| event.time() > newest.plus(DAY)) {
            known[*source].held = Some(at);
        } else {
            accepted.push(at);
            known[*source].newest = newest.max(Some(event.time()));
        }
    }
    for source in &known {
        match (source.held, source.newest) {
            (Some(held), None) => accepted.push(held),
            (Some(_), Some(_)) => accounts.future += 1,
            (None, _) => {}
        }
    }
    let newest = accepted.iter().map(|&at| time(at)).max();
    let end = newest.map_or(Timestamp::MIN, |newest| newest.plus(Duration::from_nanos(1)));
    let end = if complete { Timestamp::MAX } else { end };
    let mut counted: BTreeMap<(Timestamp, u64, u64, u64), Known> = BTreeMap::new();
    for at in accepted {
        let (source, event) = &arrivals[at];
        let classes = plan.classes_of(event);
        let order = order(plan, *source, event);
        if classes.is_empty() {
            accounts.skipped += 1;
            continue;
        }
        let problem = plan.problem_classes().iter().any(|class| classes.contains(class));
        let subjects = subjects(plan, event);
        match counted.entry(order) {
            Entry::Occupied(_) => accounts.duplicate += 1,
            Entry::Vacant(new) => {
                accounts.decoded += 1;
                new.insert(Known { event: event.clone(), classes, problem, subjects });
            }
        }
    }
    (counted.into_values().collect(), accounts, end)
}

/// S7.
fn order(plan: &Plan, source: usize, event: &Event) -> (Timestamp, u64, u64, u64) {
    let origin = event.origin();
    match plan.identity() {
        Identity::Record if event.identity() != 0 => (event.time(), event.identity(), 0, 0),
        Identity::Record | Identity::Position => {
            (event.time(), source as u64, u64::from(origin.file), origin.offset)
        }
    }
}

/// Whom an event is about at each level: it must name that level and all around it.
fn subjects(plan: &Plan, event: &Event) -> Vec<Option<Subject>> {
    let schema = plan.schema();
    let name = |level| {
        Some((schema.name(schema.level_field(level)?).to_owned(), event.subject_id(level)?.to_string()))
    };
    let around =
        |level| schema.lineage(level).into_iter().map(name).collect::<Option<Vec<(String, String)>>>();
    (0..schema.levels()).map(|level| around(level).map(Subject::new)).collect()
}
