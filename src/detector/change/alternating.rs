//! A field that has now one value and now another.

use std::sync::Arc;
use std::time::Duration;

use minicbor::{Decode, Encode};
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::codec::{Renumber, state};
use crate::detector::change::HORIZON;
use crate::detector::words::{length, many};
use crate::detector::{ClassId, Definition, Detector, Facts, Findings, Hit, Reading, Watch, remembered};
use crate::model::{Exhibit, FieldId, Measure, Probability, Status, Timestamp, Value};
use crate::predicate::Domain;
use crate::timeline::{Recent, Stamped};

/// So many different values of one time are told apart; more of them count for nothing.
const VALUES: usize = 16;

/// What a rule says about a value that changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alternating {
    pub(crate) event: ClassId,
    pub(crate) field: FieldId,
    /// How many switches it takes.
    pub(crate) at_least: usize,
    pub(crate) within: Duration,
    pub(crate) ties_any: bool,
}

impl Detector for Alternating {
    fn classes(&self) -> Vec<ClassId> {
        vec![self.event]
    }

    fn definition(&self) -> Option<Definition> {
        let Self { event, field, at_least, within, ties_any } = *self;
        Some(Definition::Alternating { event, field, at_least, within, ties_any })
    }

    fn horizon(&self) -> Duration {
        HORIZON
    }

    fn facts(&self) -> Facts {
        let facts = Facts::needing(self.event).with_window(self.within);
        let facts = facts.with_measure("switches", Domain::at_least(self.at_least as f64));
        let facts = facts.with_measure("values", Domain::between(2.0, self.at_least as f64 + 1.0));
        ["steady", "before", "after", "since", "back"]
            .into_iter()
            .fold(facts, |facts, measure| facts.with_measure(measure, Domain::nothing()))
    }

    fn memory(&self) -> usize {
        let values = VALUES * (size_of::<u64>() + size_of::<(u64, Exhibit)>());
        size_of::<Values>() + Recent::<Switch>::memory(self.at_least) + values
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Values::new(self))
    }
}

/// An event with another value than the one before.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
struct Switch {
    #[n(0)]
    exhibit: Exhibit,
    #[n(1)]
    left: u64,
    #[n(2)]
    value: u64,
}

impl Stamped for Switch {
    fn time(&self) -> Timestamp {
        self.exhibit.time
    }
}

/// The memory about one subject. Values are hashes of what they are.
#[derive(Debug)]
struct Values {
    plan: Arc<Alternating>,
    /// The values of the last time that is settled, in the order in which they came.
    before: Vec<u64>,
    /// The values of the last time, each with its first event; emptied when they are settled.
    instant: Vec<(u64, Exhibit)>,
    last: Option<Timestamp>,
    recent: Recent<Switch>,
    switches: u64,
    /// How many different values the last switches had that were enough.
    different: u64,
    /// The most switches in one window, until there were enough.
    best: usize,
}

state!(Values {
    0 => before, 1 => instant, 2 => last, 3 => recent, 4 => switches, 5 => different, 6 => best
}, sound);

impl Values {
    /// Whether the values are no more than are told apart.
    fn sound(&self) -> bool {
        self.before.len() <= VALUES && self.instant.len() <= VALUES
    }

    fn new(plan: Arc<Alternating>) -> Self {
        let recent = Recent::new(plan.at_least, plan.within);
        Self {
            plan,
            before: Vec::new(),
            instant: Vec::new(),
            last: None,
            recent,
            switches: 0,
            different: 0,
            best: 0,
        }
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        self.switches == 0 && self.last.is_some_and(|last| now.since(last) >= HORIZON)
    }

    /// Takes in the values of one time.
    fn settle(&mut self, out: &mut Findings) {
        match (self.instant.as_slice(), self.before.as_slice()) {
            ([], _) => return,
            // Nearly always it is what it was.
            ([(value, _)], [before]) if value == before => return self.instant.clear(),
            _ => {}
        }
        let mut instant = std::mem::take(&mut self.instant);
        // One of them may be what was there before, or is the first there ever was.
        let kept = instant.iter().find(|(value, _)| self.before.contains(value));
        let kept = kept.or(instant.first().filter(|_| self.before.is_empty())).map(|(value, _)| *value);
        let left = kept.or(self.before.first().copied()).unwrap_or_default();
        for &(value, exhibit) in instant.iter().filter(|(value, _)| Some(*value) != kept) {
            self.switch(Switch { exhibit, left, value }, out);
        }
        self.before.clear();
        self.before.extend(instant.iter().map(|(value, _)| *value));
        instant.clear();
        self.instant = instant;
    }

    fn switch(&mut self, switch: Switch, out: &mut Findings) {
        self.recent.push(switch);
        if self.switches == 0 {
            self.best = self.best.max(self.recent.len());
        }
        if !self.recent.is_full() {
            return;
        }
        let mut values: Vec<u64> = self.recent.iter().map(|switch| switch.value).collect();
        values.extend(self.recent.iter().next().map(|first| first.left));
        values.sort_unstable();
        values.dedup();
        self.different = u64::try_from(values.len()).unwrap_or(u64::MAX);
        for switch in self.recent.take() {
            self.switches = self.switches.saturating_add(1);
            out.claim(switch.exhibit);
        }
    }

    /// Whether settling what came last makes a switch.
    fn is_eventful(&self) -> bool {
        let known = |(value, _): &(u64, Exhibit)| self.before.contains(value);
        match self.instant.as_slice() {
            [] => false,
            [only] => !self.before.is_empty() && !known(only),
            _ => true,
        }
    }
}

impl Watch for Values {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        let Some(value) = hit.event.field(self.plan.field) else { return };
        let (time, value) = (hit.time(), fingerprint(value));
        if self.instant.first().is_some_and(|(_, first)| first.time < time) {
            self.settle(out);
        }
        if self.is_stale(time) {
            *self = Self::new(Arc::clone(&self.plan));
        }
        if self.last.replace(time).is_none() {
            out.changed();
        }
        let known = self.instant.iter().any(|(known, _)| *known == value);
        if !known && self.instant.len() < VALUES {
            // There is nearly always one.
            self.instant.reserve_exact(usize::from(self.instant.is_empty()));
            self.instant.push((value, hit.exhibit));
        }
        if !self.plan.ties_any {
            self.settle(out);
        }
    }

    fn advance(&mut self, now: Timestamp, out: &mut Findings) {
        if self.instant.first().is_some_and(|(_, first)| first.time <= now) {
            self.settle(out);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.instant.first().filter(|_| self.is_eventful()).map(|(_, first)| first.time)
    }

    fn renew(&mut self) -> bool {
        let found = self.switches > 0;
        if found {
            self.recent = Recent::new(self.plan.at_least, self.plan.within);
            (self.switches, self.different, self.best) = (0, 0, 0);
        }
        found
    }

    fn status(&self, now: Timestamp) -> Status {
        match self.last {
            _ if self.switches > 0 => Status::Present(Probability::new(1.0)),
            Some(_) if !self.is_stale(now) => Status::Absent,
            _ => Status::Unknown(SmolStr::new_static("no value seen")),
        }
    }

    fn reading(&self, now: Timestamp) -> Reading {
        let status = self.status(now);
        let mut measures = vec![(SmolStr::new_static("switches"), Measure::Count(self.switches))];
        if self.switches > 0 {
            measures.push((SmolStr::new_static("values"), Measure::Count(self.different)));
        }
        Reading { status, measures }
    }

    fn shortfall(&self, _now: Timestamp) -> Option<String> {
        let needed = format!("{} within {}", self.plan.at_least, length(self.plan.within));
        match (self.switches, self.last, self.best) {
            (1.., _, _) => None,
            (0, None, _) => Some("no event with a value".to_owned()),
            (0, Some(_), 0) => Some(format!("the value has not changed; it takes {needed}")),
            (0, Some(_), best) => Some(format!("at best {} of {needed}", many(best, "change"))),
        }
    }
}

/// What makes a value this value: equal numbers are one, text is never a number.
fn fingerprint(value: &Value) -> u64 {
    match value {
        Value::Bool(flag) => xxh3_64_with_seed(&[u8::from(*flag)], 1),
        Value::Int(number) => xxh3_64_with_seed(&number.to_le_bytes(), 2),
        Value::Float(number) => match whole(*number) {
            Some(number) => xxh3_64_with_seed(&number.to_le_bytes(), 2),
            None => xxh3_64_with_seed(&number.to_bits().to_le_bytes(), 3),
        },
        Value::Text(text) => xxh3_64_with_seed(text.as_bytes(), 4),
    }
}

/// The whole number that a fraction is equal to.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked by comparing")]
    let whole = number as i64;
    (Value::Int(whole) == Value::Float(number)).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_fingerprint_and_others_have_not() {
        let of = |value: &Value| fingerprint(value);
        assert_eq!(of(&Value::Int(7)), of(&Value::Float(7.0)));
        assert_eq!(of(&Value::Int(0)), of(&Value::Float(-0.0)));
        assert_ne!(of(&Value::Int(7)), of(&Value::from("7")));
        assert_ne!(of(&Value::Float(7.5)), of(&Value::Int(7)));
        assert_ne!(of(&Value::Bool(true)), of(&Value::Int(1)));
        assert_ne!(of(&Value::Int(i64::MAX)), of(&Value::Float(9.3e18)));
    }
}
