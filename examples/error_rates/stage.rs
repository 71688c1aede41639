//! Where a shipped detector is tried: the engine's part towards one watch, through the public API and nothing else.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use etiolog::detector::{ClassId, Detector, Findings, Hit, Names, Reading, Watch};
use etiolog::model::{Exhibit, FieldId, Measure, Origin, Schema, Value};
use etiolog::yaml::{Node, document};
use etiolog::{Event, Problem, Registry, Timestamp};

/// The detector of a rule, such as `periodic` with `{event: beat, period: 5m..36h}`.
pub(crate) fn detector(kind: &str, params: &str) -> Result<Arc<dyn Detector>, Box<dyn Error>> {
    let registry = Registry::builtin();
    let kind = registry.find_detector(kind).ok_or("no such detector")?;
    let document = document("rule.yaml", params).map_err(|problems| format!("{problems:?}"))?;
    Ok(kind.build(document.root(), &mut Known).map_err(|problem| problem.to_string())?)
}

/// What the rules of this program may name: one class, one level inside, one field.
struct Known;

impl Names for Known {
    fn class(&mut self, _: &Node) -> Result<ClassId, Problem> {
        Ok(ClassId(0))
    }

    fn level(&mut self, _: &Node) -> Result<usize, Problem> {
        Ok(0)
    }

    fn field(&mut self, node: &Node) -> Result<FieldId, Problem> {
        schema().id("level").ok_or_else(|| node.problem("unknown-field", "no such field"))
    }

    fn ties_any(&self) -> bool {
        false
    }
}

fn schema() -> Schema {
    let mut schema = Schema::default();
    schema.intern("level");
    schema
}

/// One watch and what it has found since it was last asked.
pub(crate) struct Stage {
    watch: Box<dyn Watch>,
    event: Event,
    findings: Findings,
}

impl Stage {
    /// Fresh memory about one subject.
    pub(crate) fn new(detector: &Arc<dyn Detector>) -> Self {
        Self {
            watch: Arc::clone(detector).watch(),
            event: Event::new(&Arc::new(schema()), Timestamp::MIN),
            findings: Findings::default(),
        }
    }

    /// Shows an event, after the deadlines before it. Each event is a child of its own.
    pub(crate) fn show(&mut self, seconds: f64) {
        self.show_value(seconds, None);
    }

    /// Shows an event that holds a level.
    pub(crate) fn show_value(&mut self, seconds: f64, level: Option<f64>) {
        let time = at(seconds);
        self.wait_until(time);
        let field = self.event.schema().id("level");
        field.into_iter().for_each(|field| self.event.set(field, level.map(Value::from)));
        let exhibit = Exhibit { time, identity: 0, origin: Origin::default(), signature: 0 };
        let hit = Hit { event: &self.event, classes: &[ClassId(0)].into(), subjects: &[None], exhibit };
        self.watch.observe(&hit, &mut self.findings);
    }

    /// Every event before this time has been shown.
    pub(crate) fn wait(&mut self, seconds: f64) {
        self.wait_until(at(seconds));
    }

    fn wait_until(&mut self, time: Timestamp) {
        while let Some(deadline) = self.watch.deadline().filter(|&deadline| deadline < time) {
            self.watch.advance(deadline, &mut self.findings);
        }
    }

    /// Lets time pass up to a moment, whether or not the watch waits for it.
    pub(crate) fn pass(&mut self, seconds: f64) {
        self.wait(seconds);
        let last = at(seconds).minus(Duration::from_nanos(1));
        self.watch.advance(last, &mut self.findings);
    }

    /// What is known.
    pub(crate) fn reading(&self, seconds: f64) -> Reading {
        self.watch.reading(at(seconds))
    }

    /// Whether the watch waits for anything: a cheap hint that saves a reading.
    pub(crate) fn waits(&self) -> bool {
        self.watch.deadline().is_some()
    }

    /// How many spans were covered since the last call.
    pub(crate) fn covered(&mut self) -> usize {
        let spans = self.findings.spans().len();
        self.findings.clear();
        spans
    }
}

/// So many seconds after a day in 2026.
fn at(seconds: f64) -> Timestamp {
    const DAY: i64 = 1_772_582_400_000_000_000;
    Timestamp::from_nanos(DAY + (seconds * 1e9) as i64).unwrap_or(Timestamp::MAX)
}

/// A measure as a number; spans in seconds.
pub(crate) fn number(reading: &Reading, name: &str) -> f64 {
    match reading.measures.iter().find(|(known, _)| known == name) {
        Some((_, Measure::Number(number))) => *number,
        Some((_, Measure::Count(count))) => *count as f64,
        Some((_, Measure::Span(span))) => span.as_secs_f64(),
        _ => f64::NAN,
    }
}

/// Whether a measure is this word.
pub(crate) fn says(reading: &Reading, name: &str, word: &str) -> bool {
    let mut measures = reading.measures.iter();
    measures.any(|(known, measure)| known == name && matches!(measure, Measure::Text(text) if text == word))
}
