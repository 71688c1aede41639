//! Where tests try a detector: the engine's part towards one watch, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use crate::detector::fixture::restarted;
use crate::detector::{ClassId, Detector, Findings, Hit, Reading, Watch};
use crate::model::{Event, Exhibit, Measure, Origin, Schema, Status, Timestamp, Value};

/// One watch, what it is shown, and all that it has claimed and covered.
pub(super) struct Bench {
    detector: Arc<dyn Detector>,
    shown: u64,
    pub(super) watch: Box<dyn Watch>,
    pub(super) event: Event,
    pub(super) claimed: Vec<Exhibit>,
    pub(super) spans: Vec<(Timestamp, Timestamp)>,
}

impl Bench {
    /// A fresh watch; its events have one field, number 0.
    pub(super) fn new(detector: impl Detector + 'static) -> Self {
        let mut schema = Schema::default();
        schema.intern("field");
        let detector: Arc<dyn Detector> = Arc::new(detector);
        Self {
            watch: Arc::clone(&detector).watch(),
            detector,
            shown: 0,
            event: Event::new(&Arc::new(schema), Timestamp::MIN),
            claimed: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// Shows an event of a class and of a child at level 0, after the deadlines before it.
    pub(super) fn show(&mut self, time: Timestamp, class: ClassId, child: u32) {
        self.wait(time);
        self.shown += 1;
        if self.shown.is_multiple_of(17) {
            let before = time.minus(Duration::from_nanos(1));
            self.watch = restarted(&self.detector, &*self.watch, before);
        }
        let exhibit = Exhibit { time, identity: u64::from(child), origin: Origin::default(), signature: 0 };
        let hit = Hit {
            event: &self.event,
            classes: &[class].into(),
            subjects: &[Some(u64::from(child))],
            exhibit,
        };
        let mut out = Findings::default();
        self.watch.observe(&hit, &mut out);
        self.take(&out);
    }

    /// Keeps every deadline before an instant.
    pub(super) fn wait(&mut self, until: Timestamp) {
        while let Some(deadline) = self.watch.deadline().filter(|&deadline| deadline < until) {
            self.advance(deadline);
            assert_ne!(self.watch.deadline(), Some(deadline), "a deadline that does not move");
        }
    }

    /// Says that everything up to an instant is known.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let mut out = Findings::default();
        self.watch.advance(now, &mut out);
        self.take(&out);
    }

    fn take(&mut self, out: &Findings) {
        assert!(out.is_changed() || (out.claims().is_empty() && out.spans().is_empty()));
        self.claimed.extend(out.claims());
        self.spans.extend(out.spans());
    }

    /// What is missing just before an instant.
    pub(super) fn shortfall(&mut self, before: Timestamp) -> String {
        self.wait(before);
        self.watch.shortfall(before.minus(Duration::from_nanos(1))).unwrap_or_default()
    }

    /// What is known just before an instant.
    pub(super) fn reading(&mut self, before: Timestamp) -> Reading {
        self.wait(before);
        self.watch.reading(before.minus(Duration::from_nanos(1)))
    }
}

/// `Unknown`, and why.
pub(super) fn unknown(why: &str) -> Status {
    Status::Unknown(why.into())
}

impl Reading {
    /// A measure as a predicate sees it; spans in nanoseconds.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.measures.iter().find(|(known, _)| known == name).map(|(_, measure)| measure.value())
    }

    /// A span in seconds.
    pub(super) fn seconds(&self, name: &str) -> f64 {
        match self.measures.iter().find(|(known, _)| known == name) {
            Some((_, Measure::Span(span))) => span.as_secs_f64(),
            _ => f64::NAN,
        }
    }
}
