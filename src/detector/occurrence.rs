//! One event is enough.
//!
//! ```yaml
//! occurrence: {event: drop}
//! occurrence: {event: signed-in-by-token, among: signed-in}
//! ```
//!
//! Present from the first event on; every event is claimed. With `among`, a subject that has shown none of those events
//! is unknown instead of absent: nothing has been seen that could have told. Delay: none. Memory: two counters.

use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use crate::codec::state;
use crate::detector::words::many;
use crate::detector::{
    ClassId, Definition, Detector, DetectorKind, Facts, Findings, Hit, Names, Reading, Watch, parameters,
    remembered,
};
use crate::error::Problem;
use crate::model::{Measure, Probability, Status, Timestamp};
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
        &["events"]
    }

    fn parameters(&self) -> serde_json::Value {
        schema_of::<parameters::OccurrenceParams>()
    }

    fn measure_kind(&self, measure: &str) -> Kind {
        match measure {
            "events" => Kind::Count,
            _ => Kind::Any,
        }
    }

    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        let fields = params.fields(&["event", "among"])?;
        let class = names.class(fields.required("event")?)?;
        let among = fields.optional("among").map(|node| names.class(node)).transpose()?;
        Ok(Arc::new(OfClass { class, among }))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct OfClass {
    pub(crate) class: ClassId,
    /// The class whose events could have told.
    pub(crate) among: Option<ClassId>,
}

impl Detector for OfClass {
    fn classes(&self) -> Vec<ClassId> {
        std::iter::once(self.class).chain(self.among).collect()
    }

    fn definition(&self) -> Option<Definition> {
        Some(Definition::Occurrence { event: self.class, among: self.among })
    }

    fn horizon(&self) -> Duration {
        Duration::ZERO
    }

    fn facts(&self) -> Facts {
        Facts::needing(self.class).with_measure("events", Domain::at_least(1.0))
    }

    fn memory(&self) -> usize {
        size_of::<Seen>()
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Seen { of: *self, events: 0, others: 0 })
    }
}

#[derive(Debug)]
struct Seen {
    of: OfClass,
    events: u64,
    /// Events that could have told and did not.
    others: u64,
}

state!(Seen { 0 => events, 1 => others });

impl Watch for Seen {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        if hit.is(self.of.class) {
            self.events = self.events.saturating_add(1);
            out.claim(hit.exhibit);
        } else {
            self.others = self.others.saturating_add(1);
            out.changed();
        }
    }

    fn reading(&self, _now: Timestamp) -> Reading {
        let status = match (self.events, self.others, self.of.among) {
            (1.., _, _) => Status::Present(Probability::new(1.0)),
            (0, 0, Some(_)) => Status::Unknown(SmolStr::new_static("nothing seen that could tell")),
            (0, _, _) => Status::Absent,
        };
        Reading { status, measures: vec![(SmolStr::new_static("events"), Measure::Count(self.events))] }
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
    use crate::detector::fixture::{Player, build};

    #[test]
    fn its_parameters_are_checked() {
        assert!(build(&Occurrence, "{event: d}").is_ok());
        assert!(build(&Occurrence, "{event: d, among: e}").is_ok());
        assert_eq!(build(&Occurrence, "{}").err().as_deref(), Some("1:1 missing-key"));
        assert_eq!(build(&Occurrence, "{event: d, within: 1m}").err().as_deref(), Some("1:12 unknown-key"));
    }

    #[test]
    fn the_first_event_is_enough_and_every_event_is_claimed() {
        let detector = OfClass { class: ClassId(1), among: None };
        assert_eq!(Player::new(detector).status(), "absent");
        let player = Player::play(detector, &[(5, &[1]), (5, &[2]), (9, &[1, 2])], None);
        assert_eq!(player.status(), "present");
        assert_eq!(player.claims(), [0, 2]);
        assert_eq!(player.count("events"), 2);
    }

    #[test]
    fn where_nothing_could_have_told_it_is_unknown() {
        let detector = OfClass { class: ClassId(1), among: Some(ClassId(2)) };
        assert_eq!(Player::new(detector).status(), "unknown: nothing seen that could tell");
        assert_eq!(Player::play(detector, &[(5, &[2])], None).status(), "absent");
        assert_eq!(Player::play(detector, &[(5, &[2]), (6, &[1, 2])], None).status(), "present");
    }
    #[test]
    fn what_is_missing_reads_as_a_sentence() {
        let plain = OfClass { class: ClassId(1), among: None };
        assert_eq!(Player::new(plain).shortfall(), "no event; one is enough");
        let among = OfClass { class: ClassId(1), among: Some(ClassId(2)) };
        assert_eq!(Player::new(among).shortfall(), "no event, nor any of those among which it would be seen");
        let player = Player::play(among, &[(5, &[2]), (6, &[2])], None);
        assert_eq!(player.shortfall(), "not among 2 events that could have shown it");
    }
}
