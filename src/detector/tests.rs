//! What a detector that may sleep promises, held against a watch that never slept.

use std::sync::Arc;

use proptest::prelude::*;

use crate::detector::fixture::at;
use crate::detector::{ClassId, Detector, DetectorKind, Findings, Hit, Names, Sequence, Session, Watch};
use crate::error::Problem;
use crate::model::{Event, Exhibit, FieldId, Origin, Schema, Timestamp};
use crate::yaml::Node;

/// Names for rules in which equal times satisfy "before" both ways, or do not.
struct Tied(bool);

impl Names for Tied {
    fn class(&mut self, node: &Node) -> Result<ClassId, Problem> {
        Ok(ClassId(node.text()?.bytes().next().map_or(0, |letter| u32::from(letter) - 97)))
    }

    fn level(&mut self, node: &Node) -> Result<usize, Problem> {
        Err(node.problem("unknown-level", "no such level"))
    }

    fn field(&mut self, node: &Node) -> Result<FieldId, Problem> {
        Err(node.problem("unknown-field", "no such field"))
    }

    fn ties_any(&self) -> bool {
        self.0
    }
}

fn built(kind: &dyn DetectorKind, text: &str, ties_any: bool) -> Arc<dyn Detector> {
    let document = crate::yaml::document("r.yaml", text).unwrap_or_else(|problems| panic!("{problems:?}"));
    kind.build(document.root(), &mut Tied(ties_any)).unwrap_or_else(|problem| panic!("{text}: {problem:?}"))
}

/// An event: when, of which classes, and its number.
type Occurred = (i64, Vec<ClassId>, u64);

/// A watch, and what it has found.
struct Told {
    watch: Box<dyn Watch>,
    findings: Findings,
    event: Event,
}

impl Told {
    fn new(detector: &Arc<dyn Detector>) -> Self {
        let event = Event::new(&Arc::new(Schema::default()), Timestamp::MIN);
        Self { watch: Arc::clone(detector).watch(), findings: Findings::default(), event }
    }

    fn pass(&mut self, time: i64) {
        while let Some(deadline) = self.watch.deadline().filter(|&deadline| deadline < at(time)) {
            self.watch.advance(deadline, &mut self.findings);
        }
    }

    fn hit(&mut self, (time, classes, number): &Occurred) {
        self.pass(*time);
        let exhibit = Exhibit { time: at(*time), identity: *number, origin: Origin::default(), signature: 0 };
        let hit =
            Hit { event: &self.event, classes: &classes.iter().copied().collect(), subjects: &[], exhibit };
        self.watch.observe(&hit, &mut self.findings);
    }

    fn claims(&self) -> Vec<u64> {
        self.findings.claims().iter().map(|exhibit| exhibit.identity).collect()
    }
}

/// Tells one watch everything, and another one only what was kept, from when it has to be woken.
fn check(detector: &Arc<dyn Detector>, events: &[Occurred]) -> Result<(), TestCaseError> {
    let Some(groups) = detector.sleeps() else { return Ok(()) };
    let fresh = Arc::clone(detector).watch();
    let mut told = Told::new(detector);
    let mut woken: Option<Told> = None;
    for (number, event) in events.iter().enumerate() {
        told.hit(event);
        let met = events.get(..=number).unwrap_or_default();
        let has = |class: &ClassId| met.iter().any(|(_, classes, _)| classes.contains(class));
        let awake = groups.iter().all(|group| group.iter().any(has));
        match &mut woken {
            Some(woken) => woken.hit(event),
            None if awake => {
                let mut late = Told::new(detector);
                // Those that have a later one of their kind before the present are forgotten.
                let kept = |(place, one): &(usize, &Occurred)| {
                    let later = met.get(place + 1..).unwrap_or_default();
                    !later.iter().any(|other| other.1 == one.1 && one.0 < other.0 && other.0 < event.0)
                };
                met.iter().enumerate().filter(kept).for_each(|(_, one)| late.hit(one));
                woken = Some(late);
            }
            None => {
                let now = at(event.0);
                prop_assert_eq!(told.watch.reading(now).status, fresh.reading(now).status);
                prop_assert!(told.findings.claims().is_empty() && told.findings.spans().is_empty());
            }
        }
        if let Some(woken) = &woken {
            let now = at(event.0);
            prop_assert_eq!(told.watch.reading(now), woken.watch.reading(now));
            prop_assert_eq!(told.claims(), woken.claims());
        }
    }
    if let Some(woken) = &mut woken {
        told.pass(i64::MAX);
        woken.pass(i64::MAX);
        prop_assert_eq!(told.watch.reading(Timestamp::MAX), woken.watch.reading(Timestamp::MAX));
        prop_assert_eq!(told.claims(), woken.claims());
    }
    Ok(())
}

const SEQUENCES: [&str; 16] = [
    "{steps: [a], within: 6s}",
    "{steps: [{maybe: m}, a, {never: n}], within: 6s}",
    "{steps: [a, b], within: 6s}",
    "{steps: [a, {never: n}, b], within: 6s}",
    "{steps: [{never: n}, a, b, {never: a}], within: 6s}",
    "{steps: [a, b, {never: a}], within: 6s}",
    "{steps: [a, b, c], within: 6s}",
    "{steps: [a, b, c], within: 6s, until: n}",
    "{steps: [{maybe: m}, a, {maybe: n}, b, c], within: 6s, skip: to-next}",
    "{steps: [{class: a, times: 2}, b], within: 6s}",
    "{steps: [a, b], within: 6s, gaps: strict}",
    "{steps: [{maybe: m}, a, b], within: 6s, order: any}",
    "{steps: [a, b, {never: n}], within: 6s, order: any}",
    "{steps: [a, b, c], within: 6s, order: any}",
    "{steps: [{class: a, times: 2}, b], within: 6s, order: any}",
    "{steps: [a, b], within: 6s, order: any, until: n}",
];

const SESSIONS: [&str; 3] = [
    "{opens: a, closes: b, at-least: 1}",
    "{opens: [a, m], closes: [b, n], at-least: 2}",
    "{opens: a, closes: [a, b], at-least: 1}",
];

/// Mostly a, m and n: what a sleeping watch hears before it has to wake.
fn some_events() -> impl Strategy<Value = Vec<Occurred>> {
    let kinds = ["a", "a", "a", "m", "n", "am", "an", "b", "b", "c", "ab", "bn"];
    let walk = prop::collection::vec((0i64..4, prop::sample::select(kinds.to_vec())), 0..16);
    walk.prop_map(|walk| {
        let mut now = 0;
        let occur = |(number, (gap, kind)): (u64, (i64, &str))| {
            now += gap * 1_000_000_000;
            let mut classes: Vec<ClassId> =
                kind.bytes().map(|letter| ClassId(u32::from(letter) - 97)).collect();
            classes.sort_unstable();
            (now, classes, number)
        };
        (0..).zip(walk).map(occur).collect()
    })
}

proptest! {
    #[test]
    fn a_sequence_that_has_slept_finds_what_one_finds_that_has_not(
        text in prop::sample::select(SEQUENCES.to_vec()), ties_any in any::<bool>(), events in some_events(),
    ) {
        check(&built(&Sequence, text, ties_any), &events)?;
    }

    #[test]
    fn a_session_that_has_slept_finds_what_one_finds_that_has_not(
        text in prop::sample::select(SESSIONS.to_vec()), ties_any in any::<bool>(), events in some_events(),
    ) {
        check(&built(&Session, text, ties_any), &events)?;
    }
}
