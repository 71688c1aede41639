//! What is expected and does not come: a heartbeat that falls silent, an answer that is missing.
//!
//! ```yaml
//! absence: {event: beat, for: 15m}
//! absence: {event: beat, for: 15m, at-least: 5, until: goodbye}
//! absence: {event: answer, since: question, for: 30s}
//! absence: {event: connect, since: drop, for: 15m, in-turn: true}
//! ```
//!
//! Without `since` an event is expected after every event of the class: up to and including last + `for`. With `since` it
//! is expected after an event of that class, unless one is expected already or missing. An event meets what is open, and
//! `until` calls it off. When nothing has met it and the deadline has passed, a *silence* has begun; it lasts until an
//! event comes, or `until`. The event after which nothing came is claimed.
//!
//! What comes in turn cannot come twice: with `in-turn` another event of `since` shows that the expected one came and was
//! not seen. What was expected, or missing, is forgotten, and one is expected after the new one.
//!
//! A heartbeat means something once `at-least` events (one when not given) have come in a row, none more than `for` after
//! the one before. Present from the first silence on; unknown while it learns and while something is expected; else
//! absent. Delay: the deadline. Memory per subject: one event, a few numbers, and sixteen gaps of a heartbeat (16 bytes
//! each).
//!
//! Where equal times satisfy "before" both ways, an event meets what another event of its time opens, and `until` calls
//! off what any event of its time opens.

use std::sync::Arc;
use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use crate::codec::state;
use crate::detector::words::{length, many, stamp};
use crate::detector::{
    ClassId, Definition, Detector, DetectorKind, Facts, Findings, Hit, Names, Reading, Watch, parameters,
    remembered,
};
use crate::error::Problem;
use crate::model::{Exhibit, Measure, Probability, Status, Timestamp};
use crate::predicate::{Domain, Kind};
use crate::timeline::Spans;
use crate::yaml::{Node, schema_of};

/// The kind of detector that notices what does not come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Absence;

/// So many events in a row may be asked for.
const MOST: i64 = 4096;

impl DetectorKind for Absence {
    fn name(&self) -> &'static str {
        "absence"
    }

    fn measures(&self) -> &'static [&'static str] {
        &["silences", "longest", "silent", "before", "usual"]
    }

    fn parameters(&self) -> serde_json::Value {
        schema_of::<parameters::AbsenceParams>()
    }

    fn measure_kind(&self, measure: &str) -> Kind {
        match measure {
            "silences" | "before" => Kind::Count,
            "longest" | "usual" => Kind::Span,
            "silent" => Kind::Flag,
            _ => Kind::Any,
        }
    }

    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        let fields = params.fields(&["event", "for", "since", "until", "at-least", "in-turn"])?;
        let event = names.class(fields.required("event")?)?;
        let within = fields.required("for")?.duration()?;
        let since = fields.optional("since").map(|node| names.class(node)).transpose()?;
        let until = fields.optional("until").map(|node| names.class(node)).transpose()?;
        let at_least = match fields.optional("at-least") {
            Some(node) if since.is_some() => {
                return Err(node
                    .problem("conflict", "`at-least` belongs to an absence without `since`")
                    .with_help("what `since` opens is expected from the first time on"));
            }
            Some(node) => u64::try_from(node.integer_within(1, MOST)?).unwrap_or(1),
            None => 1,
        };
        let in_turn = match fields.optional("in-turn") {
            Some(node) if since.is_none() => {
                return Err(node
                    .problem("conflict", "`in-turn` belongs to an absence with `since`")
                    .with_help("a heartbeat takes turns with nothing"));
            }
            Some(node) => node.boolean()?,
            None => false,
        };
        Ok(Arc::new(Expected { event, since, until, at_least, within, in_turn, ties_any: names.ties_any() }))
    }
}

/// What a rule says about what is expected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) event: ClassId,
    /// What opens an expectation; the event itself if not given.
    pub(crate) since: Option<ClassId>,
    /// What calls it off.
    pub(crate) until: Option<ClassId>,
    /// How many events in a row make a heartbeat.
    pub(crate) at_least: u64,
    pub(crate) within: Duration,
    /// Whether `since` cannot come twice without an event between.
    pub(crate) in_turn: bool,
    pub(crate) ties_any: bool,
}

impl Detector for Expected {
    fn classes(&self) -> Vec<ClassId> {
        let mut classes: Vec<ClassId> =
            std::iter::once(self.event).chain(self.since).chain(self.until).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    fn definition(&self) -> Option<Definition> {
        let Self { event, since, until, at_least, within, in_turn, ties_any } = *self;
        Some(Definition::Absence { event, since, until, at_least, within, in_turn, ties_any })
    }

    fn horizon(&self) -> Duration {
        // What is open then has become a silence or is due in this very moment.
        self.within.saturating_add(Duration::from_nanos(1))
    }

    fn facts(&self) -> Facts {
        let facts = Facts::needing(self.since.unwrap_or(self.event)).with_window(self.within);
        let facts = facts.with_measure("silences", Domain::at_least(1.0));
        let facts = facts.with_span("longest", self.within, Duration::MAX);
        if self.since.is_some() {
            let nothing = Domain::nothing;
            return facts.with_measure("before", nothing()).with_measure("usual", nothing());
        }
        let facts = facts.with_measure("before", Domain::at_least(self.at_least as f64));
        facts.with_span("usual", Duration::ZERO, self.within)
    }

    fn memory(&self) -> usize {
        let forgotten = if self.in_turn { size_of::<Exhibit>() } else { 0 };
        size_of::<Vigil>() + forgotten + if self.since.is_none() { Spans::MEMORY } else { 0 }
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Vigil {
            plan: self,
            open: None,
            silent: false,
            run: 0,
            gaps: Spans::default(),
            met: None,
            called_off: None,
            silences: 0,
            longest: Duration::ZERO,
            before: 0,
            usual: None,
            best: Duration::ZERO,
            forgotten: None,
        })
    }
}

/// The memory about one subject.
#[derive(Debug)]
struct Vigil {
    plan: Arc<Expected>,
    /// The event after which one is expected, or was and is missing.
    open: Option<Exhibit>,
    /// Whether it is missing.
    silent: bool,
    /// How many beats have come in a row, and the last gaps between them.
    run: u64,
    gaps: Spans,
    /// The time of the last event, and of the last `until`.
    met: Option<Timestamp>,
    called_off: Option<Timestamp>,
    silences: u64,
    longest: Duration,
    /// How many beats came before the last silence, and how far apart.
    before: u64,
    usual: Option<Duration>,
    /// The longest that was waited in vain for a silence.
    best: Duration,
    /// The event whose silence the open one, in turn, has shown to be none.
    forgotten: Option<Box<Exhibit>>,
}

state!(Vigil {
    0 => open, 1 => silent, 2 => run, 3 => gaps, 4 => met, 5 => called_off, 6 => silences, 7 => longest, 8 => before,
    9 => usual, 10 => best, 11 => forgotten
});

impl Watch for Vigil {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        let (time, plan) = (hit.time(), *self.plan);
        if self.deadline().is_some_and(|deadline| deadline < time) {
            self.fall_silent(out);
        }
        let tied = |other: Option<Timestamp>| plan.ties_any && other == Some(time);
        if !tied(self.open.map(|open| open.time)) {
            self.forgotten = None;
        }
        let called_off = tied(self.called_off);
        let met = tied(self.met);
        if hit.is(plan.event) {
            self.met = Some(time);
            match plan.since {
                None if called_off => {}
                None => self.beat(hit.exhibit, out),
                Some(_) => {
                    self.end(time, out);
                    self.open = None;
                }
            }
        }
        let opens = plan.since.is_some_and(|since| hit.is(since)) && !met && !called_off;
        let again = |open: Exhibit| plan.in_turn && open.time < time;
        if opens && self.open.is_none_or(again) {
            let missed = self.open.replace(hit.exhibit);
            if std::mem::take(&mut self.silent) {
                self.silences = self.silences.saturating_sub(1);
                self.forgotten = missed.map(Box::new);
                out.take_back();
            }
            out.changed();
        }
        if plan.until.is_some_and(|until| hit.is(until)) {
            self.called_off = Some(time);
            self.end(time, out);
            self.open = None;
            self.begin_anew();
            out.changed();
        }
    }

    fn advance(&mut self, now: Timestamp, out: &mut Findings) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.fall_silent(out);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let expected = !self.silent && (self.plan.since.is_some() || self.run >= self.plan.at_least);
        self.open.filter(|_| expected).map(|open| open.time.plus(self.plan.within))
    }

    fn reading(&self, now: Timestamp) -> Reading {
        let status = match self.deadline() {
            _ if self.silences > 0 => Status::Present(Probability::new(1.0)),
            Some(deadline) => Status::Unknown(format_smolstr!("waiting until {deadline}")),
            None if self.plan.since.is_some() => Status::Absent,
            None => Status::Unknown(format_smolstr!("learning {}/{}", self.row(now), self.plan.at_least)),
        };
        let mut measures = vec![(SmolStr::new_static("silences"), Measure::Count(self.silences))];
        if self.silences > 0 {
            measures.push((SmolStr::new_static("longest"), Measure::Span(self.longest)));
            measures.push((SmolStr::new_static("silent"), Measure::Flag(self.silent)));
            if self.plan.since.is_none() {
                measures.push((SmolStr::new_static("before"), Measure::Count(self.before)));
            }
            measures.extend(self.usual.map(|gap| (SmolStr::new_static("usual"), Measure::Span(gap))));
        }
        Reading { status, measures }
    }

    fn shortfall(&self, now: Timestamp) -> Option<String> {
        if self.silences > 0 {
            return None;
        }
        let (within, needed) = (length(self.plan.within), self.plan.at_least);
        let text = match (self.deadline(), self.open, self.plan.since) {
            (Some(deadline), Some(open), _) => {
                let (last, by) = (stamp(open.time), stamp(deadline));
                format!("expected since {last}; it must not come up to and including {by}")
            }
            (_, _, Some(_)) => "nothing is expected now".to_owned(),
            (_, _, None) => {
                let (seen, needed) = (self.row(now), many(usize::try_from(needed).unwrap_or(0), "event"));
                format!("{seen} of {needed} in a row, none more than {within} after the one before")
            }
        };
        Some(match self.best {
            Duration::ZERO => text,
            best => format!("{text}; the longest wait so far was {} of {within}", length(best)),
        })
    }
}

impl Vigil {
    /// The deadline has passed and nothing came.
    fn fall_silent(&mut self, out: &mut Findings) {
        let Some(open) = self.open else { return };
        self.silent = true;
        self.silences = self.silences.saturating_add(1);
        self.longest = self.longest.max(self.plan.within);
        (self.before, self.usual) = (self.run, self.gaps.median());
        out.claim(open);
    }

    /// What was open is over at this time.
    fn end(&mut self, time: Timestamp, out: &mut Findings) {
        // What comes at the time of both is in turn with the earlier one.
        if let Some(missing) = self.forgotten.take() {
            self.silences = self.silences.saturating_add(1);
            self.longest = self.longest.max(time.since(missing.time));
            out.changed();
        }
        let Some(open) = self.open else { return };
        let waited = time.since(open.time);
        if std::mem::take(&mut self.silent) {
            self.longest = self.longest.max(waited);
        } else if waited <= self.plan.within {
            self.best = self.best.max(waited);
        }
        out.changed();
    }

    /// An event of a heartbeat.
    fn beat(&mut self, exhibit: Exhibit, out: &mut Findings) {
        self.end(exhibit.time, out);
        let gap = self.open.map(|last| exhibit.time.since(last.time));
        match gap.filter(|gap| *gap <= self.plan.within) {
            Some(gap) => self.gaps.push(gap),
            None => self.begin_anew(),
        }
        self.run = self.run.saturating_add(1);
        self.open = Some(exhibit);
        out.changed();
    }

    /// Nothing that came before counts for what is to come.
    fn begin_anew(&mut self) {
        self.run = 0;
        self.gaps = Spans::default();
    }

    /// How many beats have come in a row, as far as the last is not too long ago.
    fn row(&self, now: Timestamp) -> u64 {
        let recent = |last: Exhibit| now.since(last.time) <= self.plan.within;
        if self.open.is_some_and(recent) { self.run } else { 0 }
    }
}

#[cfg(test)]
mod tests;
