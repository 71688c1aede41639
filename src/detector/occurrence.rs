//! One event is enough.
//!
//! ```yaml
//! occurrence: {event: drop}
//! occurrence: {event: signed-in-by-token, among: signed-in}
//! occurrence: {event: drop, weight: count}
//! ```
//!
//! Present from the first event on; every event is claimed. With `among`, a subject that has shown none of those events
//! is unknown instead of absent: nothing has been seen that could have told. With `weight`, a record stands for as many
//! events as the field says, and one that stands for none could have told. Delay: none. Memory: four counters.

use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use crate::codec::state;
use crate::detector::weight::{Records, Weight};
use crate::detector::words::many;
use crate::detector::{
    ClassId, Definition, Detector, DetectorKind, Facts, Findings, Hit, Names, Reading, Watch, parameters,
    remembered,
};
use crate::error::Problem;
use crate::model::{FieldId, Measure, Probability, Status, Timestamp};
use crate::predicate::{Domain, Kind};
use crate::yaml::{Node, schema_of};

/// The kind of detector for which one event is enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct Occurrence;

impl DetectorKind for Occurrence {
    fn name(&self) -> &'static str {
        "occurrence"
    }

    fn measures(&self) -> &'static [&'static str] {
        &["events", "records", "unweighted"]
    }

    fn parameters(&self) -> serde_json::Value {
        schema_of::<parameters::OccurrenceParams>()
    }

    fn measure_kind(&self, measure: &str) -> Kind {
        match measure {
            "events" | "records" | "unweighted" => Kind::Count,
            _ => Kind::Any,
        }
    }

    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        let fields = params.fields(&["event", "among", "weight"])?;
        let class = names.class(fields.required("event")?)?;
        let among = fields.optional("among").map(|node| names.class(node)).transpose()?;
        let weight = fields.optional("weight").map(|node| names.field(node)).transpose()?;
        Ok(Arc::new(OfClass { class, among, weight }))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct OfClass {
    pub(crate) class: ClassId,
    /// The class whose events could have told.
    pub(crate) among: Option<ClassId>,
    /// The field that says how many events a record stands for.
    pub(crate) weight: Option<FieldId>,
}

impl Detector for OfClass {
    fn classes(&self) -> Vec<ClassId> {
        std::iter::once(self.class).chain(self.among).collect()
    }

    fn definition(&self) -> Option<Definition> {
        let plain = Definition::Occurrence { event: self.class, among: self.among };
        Some(plain.weighted(self.weight))
    }

    fn horizon(&self) -> Duration {
        Duration::ZERO
    }

    fn facts(&self) -> Facts {
        let facts = Facts::needing(self.class).with_measure("events", Domain::at_least(1.0));
        facts.with_records(self.weight)
    }

    fn memory(&self) -> usize {
        size_of::<Seen>()
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Seen { of: *self, events: 0, others: 0, records: Records::default() })
    }
}

#[derive(Debug)]
struct Seen {
    of: OfClass,
    events: u64,
    /// Events that could have told and did not.
    others: u64,
    records: Records,
}

state!(Seen { 0 => events, 1 => others, 2 => records });

impl Watch for Seen {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        let weight = self.of.weight.map_or(Weight::Given(1), |field| Weight::of(hit, field));
        if hit.is(self.of.class) && weight.count() > 0 {
            self.events = self.events.saturating_add(weight.count());
            self.records.add(weight);
            out.claim(hit.exhibit);
        } else {
            self.others = self.others.saturating_add(1);
            // More of them say nothing that one has not said.
            if (self.events, self.others) == (0, 1) {
                out.changed();
            }
        }
    }

    fn reading(&self, _now: Timestamp) -> Reading {
        let status = match (self.events, self.others, self.of.among) {
            (1.., _, _) => Status::Present(Probability::new(1.0)),
            (0, 0, Some(_)) => Status::Unknown(SmolStr::new_static("nothing seen that could tell")),
            (0, _, _) => Status::Absent,
        };
        let measures = vec![(SmolStr::new_static("events"), Measure::Count(self.events))];
        let mut reading = Reading { status, measures };
        if self.of.weight.is_some() {
            self.records.tell(&mut reading);
        }
        reading
    }

    fn shortfall(&self, _now: Timestamp) -> Option<String> {
        let others = usize::try_from(self.others).unwrap_or(usize::MAX);
        match (self.events, others, self.of.among) {
            (1.., _, _) => None,
            (0, 0, Some(_)) => Some("no event, nor any of those among which it would be seen".to_owned()),
            (0, _, None) => Some("no event; one is enough".to_owned()),
            (0, _, Some(_)) => Some(format!("not among {} that could have shown it", many(others, "event"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::bench::Bench;
    use crate::detector::fixture::{Player, at, build};
    use crate::model::Value;

    #[test]
    fn its_parameters_are_checked() {
        assert!(build(&Occurrence, "{event: d}").is_ok());
        assert!(build(&Occurrence, "{event: d, among: e}").is_ok());
        assert_eq!(build(&Occurrence, "{}").err().as_deref(), Some("1:1 missing-key"));
        assert_eq!(build(&Occurrence, "{event: d, within: 1m}").err().as_deref(), Some("1:12 unknown-key"));
    }

    #[test]
    fn the_first_event_is_enough_and_every_event_is_claimed() {
        let detector = OfClass { class: ClassId(1), among: None, weight: None };
        assert_eq!(Player::new(detector).status(), "absent");
        let player = Player::play(detector, &[(5, &[1]), (5, &[2]), (9, &[1, 2])], None);
        assert_eq!(player.status(), "present");
        assert_eq!(player.claims(), [0, 2]);
        assert_eq!(player.count("events"), 2);
    }

    #[test]
    fn where_nothing_could_have_told_it_is_unknown() {
        let detector = OfClass { class: ClassId(1), among: Some(ClassId(2)), weight: None };
        assert_eq!(Player::new(detector).status(), "unknown: nothing seen that could tell");
        assert_eq!(Player::play(detector, &[(5, &[2])], None).status(), "absent");
        assert_eq!(Player::play(detector, &[(5, &[2]), (6, &[1, 2])], None).status(), "present");
    }

    #[test]
    fn a_record_stands_for_as_many_events_as_its_weight_says() {
        const FIELD: FieldId = FieldId(0);
        let mut bench = Bench::new(OfClass { class: ClassId(1), among: None, weight: Some(FIELD) });
        let weights =
            [Some(Value::Int(40)), Some(Value::Int(0)), None, Some(Value::Int(-3)), Some(Value::Float(2.0))];
        let others = [Value::Float(2.5), Value::from("7"), Value::Bool(true)].map(Some);
        for (time, weight) in (0..).zip(weights.into_iter().chain(others)) {
            bench.event.set(FIELD, weight);
            bench.show(at(i64::from(time)), ClassId(1), time);
        }
        let reading = bench.reading(at(99));
        let count = |name: &str| reading.value(name);
        assert_eq!(count("events"), Some(Value::Int(40 + 1 + 1 + 2 + 1 + 1 + 1)));
        assert_eq!((count("records"), count("unweighted")), (Some(Value::Int(7)), Some(Value::Int(5))));
        assert_eq!(bench.claimed.len(), 7, "what stands for none speaks for nothing");
        bench.event.set(FIELD, Some(Value::Int(i64::MAX)));
        (100..103).for_each(|time| bench.show(at(time), ClassId(1), 0));
        assert_eq!(bench.reading(at(200)).value("events"), Some(Value::Int(i64::MAX)), "it saturates");
    }

    #[test]
    fn what_is_missing_reads_as_a_sentence() {
        let plain = OfClass { class: ClassId(1), among: None, weight: None };
        assert_eq!(Player::new(plain).shortfall(), "no event; one is enough");
        let among = OfClass { class: ClassId(1), among: Some(ClassId(2)), weight: None };
        assert_eq!(Player::new(among).shortfall(), "no event, nor any of those among which it would be seen");
        let player = Player::play(among, &[(5, &[2]), (6, &[2])], None);
        assert_eq!(player.shortfall(), "not among 2 events that could have shown it");
    }
}
