//! Plays events to a watch the way the engine does, for the tests of this room.

use std::sync::Arc;
use std::time::Duration;

use crate::codec::{Reader, Writer};
use crate::detector::{ClassId, Detector, DetectorKind, Findings, Hit, Names, Reading, Watch};
use crate::error::Problem;
use crate::model::{Event, Exhibit, FieldId, Measure, Origin, Schema, Timestamp};
use crate::yaml::Node;

pub(super) fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos).unwrap_or(Timestamp::MIN)
}

pub(super) fn span(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

/// One watch and everything it found. The identity of an event is its number, from 0.
///
/// Before every event its memory is saved and taken in again by a fresh watch, so each test of a detector also says that
/// nothing is lost by that.
pub(super) struct Player {
    detector: Arc<dyn Detector>,
    watch: Box<dyn Watch>,
    event: Event,
    played: u64,
    now: Timestamp,
    pub(super) findings: Findings,
}

impl Player {
    pub(super) fn new(detector: impl Detector + 'static) -> Self {
        let event = Event::new(&Arc::new(Schema::default()), Timestamp::MIN);
        let detector: Arc<dyn Detector> = Arc::new(detector);
        let watch = Arc::clone(&detector).watch();
        Self { detector, watch, event, played: 0, now: Timestamp::MIN, findings: Findings::default() }
    }

    /// Plays events of (time, classes) and then lets time pass to the end, if one is given.
    pub(super) fn play(
        detector: impl Detector + 'static,
        events: &[(i64, &[u32])],
        end: Option<i64>,
    ) -> Self {
        let mut player = Self::new(detector);
        for &(time, classes) in events {
            player.hit(time, classes, None);
        }
        if let Some(end) = end {
            player.until(end);
        }
        player
    }

    pub(super) fn hit(&mut self, time: i64, classes: &[u32], child: Option<u32>) {
        self.watch = restarted(&self.detector, &*self.watch, self.now);
        self.meet_deadlines(at(time), false);
        let classes = classes.iter().map(|&class| ClassId(class)).collect();
        let exhibit =
            Exhibit { time: at(time), identity: self.played, origin: Origin::default(), signature: 0 };
        self.played += 1;
        self.now = at(time);
        let hit =
            Hit { event: &self.event, classes: &classes, subjects: &[None, child.map(u64::from)], exhibit };
        self.watch.observe(&hit, &mut self.findings);
    }

    /// Every event up to and including this time was played.
    pub(super) fn until(&mut self, time: i64) {
        self.meet_deadlines(at(time), true);
        self.now = at(time);
    }

    /// The same, told to the watch whether it asked or not.
    pub(super) fn pass(&mut self, time: i64) {
        self.until(time);
        self.watch.advance(at(time), &mut self.findings);
    }

    fn meet_deadlines(&mut self, time: Timestamp, inclusive: bool) {
        while let Some(deadline) = self.watch.deadline().filter(|&d| d < time || inclusive && d == time) {
            self.watch.advance(deadline, &mut self.findings);
            assert!(
                self.watch.deadline().is_none_or(|next| next > deadline),
                "the deadline {deadline} was not met"
            );
        }
    }

    pub(super) fn reading(&self) -> Reading {
        self.watch.reading(self.now)
    }

    pub(super) fn status(&self) -> String {
        match self.reading().status {
            crate::model::Status::Unknown(why) => format!("unknown: {why}"),
            known => known.word().to_owned(),
        }
    }

    /// What is missing.
    pub(super) fn shortfall(&self) -> String {
        self.watch.shortfall(self.now).unwrap_or_default()
    }

    pub(super) fn measure(&self, name: &str) -> Option<Measure> {
        self.reading().measures.into_iter().find(|(known, _)| known == name).map(|(_, measure)| measure)
    }

    pub(super) fn count(&self, name: &str) -> u64 {
        match self.measure(name) {
            Some(Measure::Count(n)) => n,
            other => panic!("`{name}` is {other:?}"),
        }
    }

    /// The numbers of the claimed events, in the order of claiming.
    pub(super) fn claims(&self) -> Vec<u64> {
        self.findings.claims().iter().map(|exhibit| exhibit.identity).collect()
    }

    pub(super) fn deadline(&self) -> Option<i64> {
        self.watch.deadline().map(Timestamp::nanos)
    }
}

/// A fresh watch that has taken in what this one remembers, and knows the same.
pub(super) fn restarted(detector: &Arc<dyn Detector>, watch: &dyn Watch, now: Timestamp) -> Box<dyn Watch> {
    let bytes = |watch: &dyn Watch| {
        let mut out = Writer::new();
        watch.state().expect("a detector of this crate can be saved").save(&mut out);
        out.finish()
    };
    let saved = bytes(watch);
    let mut fresh = Arc::clone(detector).watch();
    let mut from = Reader::new(&saved);
    let taken = fresh.state_mut().expect("what is saved is taken in").restore(&mut from);
    assert_eq!(taken, Ok(()));
    assert!(from.is_at_end());
    assert_eq!(bytes(&*fresh), saved);
    assert_eq!(fresh.deadline(), watch.deadline());
    assert_eq!(fresh.reading(now), watch.reading(now));
    assert_eq!(watch.status(now), watch.reading(now).status);
    assert_eq!(fresh.shortfall(now), watch.shortfall(now));
    fresh
}

/// Names for the tests of `build`: classes are single letters, and the one level inside is `part`, the one field `number`.
#[derive(Default)]
pub(super) struct Letters;

impl Names for Letters {
    fn class(&mut self, node: &Node) -> Result<ClassId, Problem> {
        match node.text()?.as_bytes() {
            [letter @ b'a'..=b'z'] => Ok(ClassId(u32::from(letter - b'a'))),
            _ => Err(node.problem("unknown-class", "no such class")),
        }
    }

    fn level(&mut self, node: &Node) -> Result<usize, Problem> {
        if node.text()? == "part" { Ok(1) } else { Err(node.problem("unknown-level", "no such level")) }
    }

    fn field(&mut self, node: &Node) -> Result<FieldId, Problem> {
        if node.text()? == "number" {
            return Ok(FieldId(0));
        }
        Err(node.problem("unknown-field", "no such field"))
    }

    fn ties_any(&self) -> bool {
        false
    }
}

/// The detector of these parameters, or where and why they are refused.
pub(super) fn build(kind: &dyn DetectorKind, params: &str) -> Result<Arc<dyn Detector>, String> {
    let spell = |problem: Problem| format!("{}:{} {}", problem.line, problem.column, problem.code);
    let document = crate::yaml::document("r.yaml", params).map_err(|problems| format!("{problems:?}"))?;
    kind.build(document.root(), &mut Letters).map_err(spell)
}
