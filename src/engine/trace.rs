//! Why a symptom is there or not: for one subject, each condition, what was wanted, what was measured, and what is missing.
//!
//! A trace shows the present *episode*: from the first event after the subject was last quiet for its period until now.
//! When an episode ends its watches are made anew, and the trace begins again; how it stood then is kept for the subjects
//! that are [followed](Run::follow). A watch goes on remembering across episodes when its symptom was not present and its
//! window is longer than the quiet: then `events` counts anew, and what is missing counts what it still remembers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use crate::engine::chart::Entry;
use crate::engine::judge::{Judged, ask};
use crate::engine::run::Run;
use crate::engine::ward::Ward;
use crate::model::{Measure, Status, Subject, Timestamp};
use crate::predicate::{Predicate, Truth};
use crate::rule::{Plan, Symptom};

/// One symptom on one subject: what was wanted, what was seen, and why it is there or not.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SymptomTrace {
    /// `article#symptom`.
    pub id: Arc<str>,
    /// What it means, for a person.
    pub title: Arc<str>,
    /// Whom it is about.
    pub subject: Subject,
    /// What it comes to in the end, with `when` and `unless`.
    pub status: Status,
    /// Nothing that its detector asks for was ever seen of the subject, so it has no memory of it.
    pub unseen: bool,
    /// How many events its detector saw of the subject in this episode.
    pub events: u64,
    /// The detector and its parameters, as written in the rule.
    pub wanted: Arc<str>,
    /// What the detector says by itself, now.
    pub found: Status,
    /// What the detector measured: of the pattern when it was last there, or so far.
    pub measures: Vec<(SmolStr, Measure)>,
    /// The rule's condition over the measures, if it has one.
    pub when: Option<WhenTrace>,
    /// The symptoms that are present and block this one, which would be present without them.
    pub blocked_by: Vec<Arc<str>>,
    /// What is missing for the detector to find its pattern, and by when it would have to come.
    pub shortfall: Option<String>,
}

/// A rule's condition over what its detector measured.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WhenTrace {
    /// As its author wrote it.
    pub source: Arc<str>,
    /// What it says; `None` when it was not asked, because the detector has not found its pattern in this episode.
    pub answer: Option<Truth>,
    /// The measures that it reads and what they are; `None` is missing.
    pub reads: Vec<(SmolStr, Option<Measure>)>,
}

/// How an episode of a subject ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ending {
    /// When: the subject had been quiet for its period.
    pub time: Timestamp,
    /// Every symptom of the subject's level as it stood then, in the order of the rules.
    pub symptoms: Vec<SymptomTrace>,
}

impl Run {
    /// All subjects that events were about so far and that are not forgotten, in their order.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut names: Vec<Subject> = self.wards().flat_map(Ward::names).collect();
        names.sort_unstable();
        // Outer subjects are followed by every ward.
        names.dedup();
        names
    }

    /// Every symptom of a subject's level as it stands now, in the order of the rules: for a subject that no event was
    /// about, what is known of one that shows nothing; nothing when no level of subjects is called so.
    ///
    /// Now is the time up to which everything is known: what still waits for late records does not count yet. After every
    /// source was [closed](Run::close) it is what [`Run::finish`] would judge.
    pub fn trace(&self, subject: &Subject) -> Vec<SymptomTrace> {
        let known = self.door.ingress.watermark().map(|watermark| watermark.minus(Duration::from_nanos(1)));
        let knows = |ward: &&Ward| ward.subjects.find(&self.plan.schema, subject).is_some();
        let ward = self.wards().find(knows).unwrap_or(&self.ward);
        ward.trace(subject, known.unwrap_or(Timestamp::MIN))
    }

    /// Keeps from here on how the episodes of these subjects end: of each the last sixty-four.
    pub fn follow(&mut self, whom: impl Fn(&Subject) -> bool + Send + Sync + 'static) {
        let whom: Whom = Arc::new(whom);
        self.wards_mut().for_each(|ward| ward.followed.whom = Some(Arc::clone(&whom)));
    }

    /// How the episodes of a [followed](Run::follow) subject ended, oldest first. The one that is under way, or was when
    /// the stream ended, is not among them: see [`Run::trace`].
    pub fn endings(&self, subject: &Subject) -> &[Ending] {
        self.wards().find_map(|ward| ward.followed.endings.get(subject)).map_or(&[], Vec::as_slice)
    }
}

impl Ward {
    /// All subjects that are not forgotten.
    fn names(&self) -> Vec<Subject> {
        self.subjects.all().map(|number| self.subjects.name(&self.plan.schema, number)).collect()
    }

    /// Every symptom of a subject's level, where everything before this time is known.
    pub(super) fn trace(&self, subject: &Subject, known: Timestamp) -> Vec<SymptomTrace> {
        match self.plan.schema.level(subject.level()) {
            Some(level) => {
                let number = self.subjects.find(&self.plan.schema, subject);
                self.trace_of(subject, level, number, known.max(self.now()))
            }
            None => Vec::new(),
        }
    }

    /// The episode of a subject is over: keeps how it stands, if somebody asked for that.
    pub(super) fn keep_ending(&mut self, subject: u32, now: Timestamp) {
        let Some(whom) = &self.followed.whom else { return };
        let name = self.subjects.name(&self.plan.schema, subject);
        if !whom(&name) {
            return;
        }
        let symptoms = self.trace_of(&name, self.subjects.level(subject), Some(subject), now);
        let endings = self.followed.endings.entry(name).or_default();
        if endings.len() == Followed::KEPT {
            endings.remove(0);
        }
        endings.push(Ending { time: now, symptoms });
    }

    fn trace_of(
        &self,
        subject: &Subject,
        level: usize,
        number: Option<u32>,
        now: Timestamp,
    ) -> Vec<SymptomTrace> {
        let chart = number.and_then(|number| self.charts.get(usize::try_from(number).ok()?));
        let judged = self.judge_level(level, chart, now);
        let asleep = chart.map(|chart| self.asleep(level, chart)).unwrap_or_default();
        let trace = |judged: Judged| {
            let watched = chart.and_then(|chart| chart.entry(judged.symptom));
            let sleeps = asleep.binary_search(&judged.symptom).is_ok() && watched.is_none();
            let dreamt = chart.filter(|_| sleeps).and_then(|chart| self.dreamt(chart, judged.symptom, now));
            trace_symptom(&self.plan, subject, watched.or(dreamt.as_ref()), judged, now)
        };
        judged.into_iter().filter_map(trace).collect()
    }
}

fn trace_symptom(
    plan: &Plan,
    subject: &Subject,
    entry: Option<&Entry>,
    judged: Judged,
    now: Timestamp,
) -> Option<SymptomTrace> {
    let symptom = plan.symptoms.get(judged.symptom)?;
    let reading = entry.map(|entry| entry.watch.reading(now));
    let asked = judged.was_there;
    let (found, so_far) = match reading {
        Some(reading) => (reading.status, reading.measures),
        None => (symptom.unseen.clone(), Vec::new()),
    };
    let measures = if asked { judged.measures } else { so_far };
    let name = |at: usize| plan.symptoms.get(at).map(|symptom| Arc::clone(&symptom.id));
    Some(SymptomTrace {
        id: Arc::clone(&symptom.id),
        title: Arc::clone(&symptom.title),
        subject: subject.clone(),
        status: judged.status,
        unseen: entry.is_none(),
        events: entry.map_or(0, |entry| u64::from(entry.hits)),
        wanted: Arc::clone(&symptom.detect),
        when: symptom.when.as_ref().map(|when| trace_when(symptom, when, asked, &measures)),
        measures,
        blocked_by: judged.blocked_by.into_iter().filter_map(name).collect(),
        shortfall: entry.filter(|_| !found.is_present()).and_then(|entry| entry.watch.shortfall(now)),
        found,
    })
}

fn trace_when(
    symptom: &Symptom,
    when: &Predicate,
    asked: bool,
    measures: &[(SmolStr, Measure)],
) -> WhenTrace {
    let value = |name: &str| measures.iter().find(|(known, _)| known == name).map(|(_, m)| m.clone());
    WhenTrace {
        source: when.source().into(),
        answer: asked.then(|| ask(when, measures)),
        reads: when
            .reads()
            .filter(|(root, _)| *root == symptom.kind)
            .map(|(_, name)| (name.into(), value(name)))
            .collect(),
    }
}

/// Whether a subject is meant.
type Whom = Arc<dyn Fn(&Subject) -> bool + Send + Sync>;

/// Whose endings are kept, and those that are.
#[derive(Default)]
pub(super) struct Followed {
    whom: Option<Whom>,
    endings: BTreeMap<Subject, Vec<Ending>>,
}

impl Followed {
    /// So many endings of a subject are kept.
    const KEPT: usize = 64;

    /// Keeps the endings of the same subjects as another.
    pub(super) fn share(&mut self, other: &Self) {
        self.whom.clone_from(&other.whom);
    }
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("endings", &self.endings).finish_non_exhaustive()
    }
}

/// A status as an object: `{"status":"unknown","why":"learning 3/5"}`.
struct Said<'a>(&'a Status);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", self.0.word())?;
        match self.0 {
            Status::Present(confidence) => map.serialize_entry("confidence", confidence)?,
            Status::Absent => {}
            Status::Unknown(why) => map.serialize_entry("why", why)?,
        }
        map.end()
    }
}

/// Values by name.
struct Named<'a, T>(&'a [(SmolStr, T)]);

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The status stands flat, as in a diagnosis; what is not there is left out.
impl Serialize for SymptomTrace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &*self.id)?;
        map.serialize_entry("title", &*self.title)?;
        map.serialize_entry("subject", &self.subject)?;
        map.serialize_entry("status", self.status.word())?;
        match &self.status {
            Status::Present(confidence) => map.serialize_entry("confidence", confidence)?,
            Status::Absent => {}
            Status::Unknown(why) => map.serialize_entry("why", why)?,
        }
        map.serialize_entry("unseen", &self.unseen)?;
        map.serialize_entry("events", &self.events)?;
        map.serialize_entry("wanted", &*self.wanted)?;
        map.serialize_entry("found", &Said(&self.found))?;
        map.serialize_entry("measures", &Named(&self.measures))?;
        if let Some(when) = &self.when {
            map.serialize_entry("when", when)?;
        }
        if !self.blocked_by.is_empty() {
            map.serialize_entry("blocked_by", &self.blocked_by)?;
        }
        if let Some(shortfall) = &self.shortfall {
            map.serialize_entry("shortfall", shortfall)?;
        }
        map.end()
    }
}

/// `answer` is `true`, `false`, `unknown` (with `why`) or `not asked`.
impl Serialize for WhenTrace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("source", &*self.source)?;
        let word = match &self.answer {
            Some(Truth::True) => "true",
            Some(Truth::False) => "false",
            Some(Truth::Unknown(_)) => "unknown",
            None => "not asked",
        };
        map.serialize_entry("answer", word)?;
        if let Some(Truth::Unknown(why)) = &self.answer {
            map.serialize_entry("why", &why.to_string())?;
        }
        map.serialize_entry("reads", &Named(&self.reads))?;
        map.end()
    }
}
