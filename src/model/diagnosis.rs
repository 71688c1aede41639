//! What the engine says about one subject: symptoms with evidence, causes ranked, what to do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use minicbor::{Decode, Encode};
use schemars::JsonSchema;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use crate::codec::{Renumber, text};
use crate::model::{Origin, Probability, Subject, Timestamp, Value};

/// How much a cause matters to the people on call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Expected behaviour: nothing to do.
    Benign,
    /// Worth knowing.
    Info,
    /// Worth a look in working hours.
    Warning,
    /// Something is broken.
    Error,
    /// Many are affected now.
    Critical,
}

impl Severity {
    /// All severities, mildest first.
    pub const ALL: [Self; 5] = [Self::Benign, Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The word that rule files and outputs use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Benign => "benign",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.word() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Whether an episode is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The subject has not been quiet for the pack's period.
    Open,
    /// The subject has been quiet for the pack's period.
    Resolved,
}

/// What a diagnosis of a live stream changes about what the stream has said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Change {
    /// The first of its episode, which is not over.
    Opened,
    /// Another verdict, severity, id or explanation than was last said; the episode is not over.
    Updated,
    /// The episode is over; this is final.
    Resolved,
    /// What was opened has turned out not to be there: nothing is left of it but its id and what it said last.
    Withdrawn,
}

impl Change {
    /// `opened`, `updated`, `resolved` or `withdrawn`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Resolved => "resolved",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What a detector knows about its symptom on one subject.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Status {
    /// Seen, with the detector's own confidence.
    #[n(0)]
    Present(#[n(0)] Probability),
    /// Looked for and not there.
    #[n(1)]
    Absent,
    /// Cannot be said, and why: `learning 3/5`, `no such input`, `inconclusive at the end of the input`.
    #[n(2)]
    Unknown(
        #[n(0)]
        #[cbor(with = "text")]
        SmolStr,
    ),
}

impl Status {
    /// `present`, `absent` or `unknown`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Present(_) => "present",
            Self::Absent => "absent",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether the symptom was seen.
    pub fn is_present(&self) -> bool {
        matches!(self, Self::Present(_))
    }
}

/// What a detector measured.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[non_exhaustive]
pub enum Measure {
    /// How many.
    #[n(0)]
    Count(#[n(0)] u64),
    /// A plain number: a ratio, a share, a score.
    #[n(1)]
    Number(#[n(0)] f64),
    /// How long.
    #[n(2)]
    Span(#[n(0)] Duration),
    /// A word.
    #[n(3)]
    Text(
        #[n(0)]
        #[cbor(with = "text")]
        SmolStr,
    ),
    /// Yes or no.
    #[n(4)]
    Flag(#[n(0)] bool),
}

impl Measure {
    /// As a predicate sees it: spans are whole nanoseconds, so `periodic.period >= 40.min` compares them.
    pub fn value(&self) -> Value {
        match self {
            Self::Count(n) => Value::Int(i64::try_from(*n).unwrap_or(i64::MAX)),
            Self::Number(x) => Value::Float(*x),
            Self::Span(span) => Value::Int(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)),
            Self::Text(text) => Value::Text(text.clone()),
            Self::Flag(flag) => Value::Bool(*flag),
        }
    }
}

/// Spans are seconds; numbers keep six digits after the point.
impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(n) => serializer.serialize_u64(*n),
            Self::Number(x) => serializer.serialize_f64((x * 1e6).round() / 1e6),
            Self::Span(span) => serializer.serialize_f64((span.as_secs_f64() * 1e3).round() / 1e3),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
        }
    }
}

/// One event that speaks for a symptom, small enough to keep by the million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub struct Exhibit {
    /// Event time.
    #[n(0)]
    pub time: Timestamp,
    /// See [`Event::identity`](crate::Event::identity).
    #[n(1)]
    pub identity: u64,
    /// Where the record stands.
    #[n(2)]
    pub origin: Origin,
    /// Which set of event classes the event belongs to; dense, given out by the run.
    #[n(3)]
    #[cbor(decode_with = "signature_here")]
    pub signature: u32,
}

fn signature_here<C: Renumber>(
    from: &mut minicbor::Decoder<'_>,
    context: &mut C,
) -> Result<u32, minicbor::decode::Error> {
    from.u32().map(|number| context.signature(number))
}

/// The events that speak for a symptom: the first four, the last four, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub struct Evidence {
    #[n(0)]
    first: Vec<Exhibit>,
    #[n(1)]
    last: std::collections::VecDeque<Exhibit>,
    #[n(2)]
    count: u64,
}

impl Evidence {
    /// No event.
    pub const fn new() -> Self {
        Self { first: Vec::new(), last: std::collections::VecDeque::new(), count: 0 }
    }

    /// How many events are kept from each end.
    pub const KEPT: usize = 4;

    /// Adds an event. Events may come in any order of time; what is kept depends on the order of adding.
    pub fn add(&mut self, exhibit: Exhibit) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < Self::KEPT {
            self.first.push(exhibit);
            return;
        }
        if self.last.len() == Self::KEPT {
            self.last.pop_front();
        }
        self.last.push_back(exhibit);
    }

    /// How many events there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The kept events, in the order of adding.
    pub fn kept(&self) -> impl Iterator<Item = &Exhibit> {
        self.first.iter().chain(&self.last)
    }

    /// The first event added.
    pub fn first(&self) -> Option<&Exhibit> {
        self.first.first()
    }

    /// The last event added.
    pub fn last(&self) -> Option<&Exhibit> {
        self.last.back().or(self.first.last())
    }
}

/// One kept event, ready to be found again in the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExhibitReport {
    /// The file or stream.
    pub source: Arc<str>,
    /// Line, from 1, in the decompressed text.
    pub line: u64,
    /// Byte offset in the decompressed text.
    pub offset: u64,
    /// Event time.
    pub time: Timestamp,
}

/// One symptom on one subject, as it stood in the episode.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SymptomReport {
    /// `article#symptom`.
    pub id: Arc<str>,
    /// What it means, for a person.
    pub title: Arc<str>,
    /// Present, absent or unknown.
    pub status: Status,
    /// The probability that it shows without any known cause.
    pub background: f64,
    /// What the detector measured, in its own order.
    pub measures: Vec<(SmolStr, Measure)>,
    /// How many events speak for it.
    pub events: u64,
    /// The first and the last of them.
    pub evidence: Vec<ExhibitReport>,
}

impl SymptomReport {
    /// A symptom about which nothing but its status is known.
    pub fn new(id: Arc<str>, title: Arc<str>, status: Status) -> Self {
        Self { id, title, status, background: 0.0, measures: Vec::new(), events: 0, evidence: Vec::new() }
    }

    /// A measure by name.
    pub fn measure(&self, name: &str) -> Option<&Measure> {
        self.measures.iter().find(|(known, _)| known == name).map(|(_, measure)| measure)
    }
}

struct Measures<'a>(&'a [(SmolStr, Measure)]);

impl Serialize for Measures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, measure) in self.0 {
            map.serialize_entry(name, measure)?;
        }
        map.end()
    }
}

/// One symptom on one subject, as it stood in the episode.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SymptomReport")]
pub(super) struct WrittenSymptom<'a> {
    /// `article#symptom`.
    id: &'a str,
    /// What it means, for a person.
    title: &'a str,
    /// Whether it was seen, looked for and not there, or cannot be told.
    #[schemars(extend("enum" = ["present", "absent", "unknown"]))]
    status: &'static str,
    /// The detector's own confidence, when present.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<Probability>,
    /// Why it is unknown, when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    /// The probability that it shows without any known cause.
    #[serde(serialize_with = "millionths")]
    #[schemars(with = "f64")]
    background: f64,
    /// What the detector measured: spans are seconds.
    #[schemars(with = "std::collections::BTreeMap<String, Measure>")]
    measures: Measures<'a>,
    /// How many events speak for it.
    events: u64,
    /// The first and the last of them.
    evidence: &'a [ExhibitReport],
}

impl Serialize for SymptomReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (confidence, why) = match &self.status {
            Status::Present(confidence) => (Some(*confidence), None),
            Status::Absent => (None, None),
            Status::Unknown(why) => (None, Some(why.as_str())),
        };
        let written = WrittenSymptom {
            id: &self.id,
            title: &self.title,
            status: self.status.word(),
            confidence,
            why,
            background: self.background,
            measures: Measures(&self.measures),
            events: self.events,
            evidence: &self.evidence,
        };
        written.serialize(serializer)
    }
}

/// How much one symptom says for (or against) a cause.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Points {
    /// `article#symptom`, or `prior`.
    pub symptom: Arc<str>,
    /// Decibans: 10·log10 of the odds with it over the odds without it.
    #[serde(serialize_with = "tenths")]
    #[schemars(with = "f64")]
    pub decibans: f64,
    /// The probability that this cause alone shows the symptom; 0 (left out) when the cause does not explain it, and for
    /// the prior.
    #[serde(serialize_with = "millionths", skip_serializing_if = "is_nothing")]
    #[schemars(with = "f64", default)]
    pub strength: f64,
}

/// Six digits after the point.
fn millionths<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((x * 1e6).round() / 1e6)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_nothing(x: &f64) -> bool {
    *x <= 0.0
}

fn tenths<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((x * 10.0).round() / 10.0)
}

/// Whether a solution is something to do, something to avoid, or a reason to do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SolutionKind {
    /// Do this.
    Do,
    /// Do not do this, though it looks right.
    Avoid,
    /// No action is needed.
    Nothing,
}

/// One step that helps against a cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SolutionReport {
    /// `article#solution`.
    pub id: Arc<str>,
    /// Do, avoid or nothing.
    pub kind: SolutionKind,
    /// The advice.
    pub text: Arc<str>,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Arc<str>>,
}

/// One competing cause.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CauseReport {
    /// `article#cause`.
    pub id: Arc<str>,
    /// What it means, for a person.
    pub title: Arc<str>,
    /// How probable it is, given all symptoms and all other causes.
    pub probability: Probability,
    /// How probable it was before any symptom of this subject counted.
    pub prior: Probability,
    /// How much it matters.
    pub severity: Severity,
    /// What each symptom contributed, strongest first; all that the cause explains, also those that said nothing.
    pub points: Vec<Points>,
    /// What to do, in order.
    pub solutions: Vec<SolutionReport>,
}

/// Causes that explain what was seen, and were not weighed: more compete over more symptoms than can be summed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SetAsideReport {
    /// `article#cause` of each.
    pub causes: Vec<Arc<str>>,
    /// No one of them can be more probable than this.
    pub at_most: Probability,
}

/// The observation that would change the ranking most.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NextLook {
    /// `article#symptom`, one that is unknown.
    pub symptom: Arc<str>,
    /// What it means, for a person.
    pub title: Arc<str>,
    /// Why it is unknown.
    #[schemars(with = "String")]
    pub why: SmolStr,
}

/// One subject, one episode: what was seen, what explains it, what to do.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Stable across reruns: a hash of pack, subject and the first event's identity.
    pub id: Arc<str>,
    /// In a live stream, what it changes about what was said before; none when it only says how things stand at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// In a live stream, the id that this episode went by until now: an earlier event has come to speak for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Arc<str>>,
    /// Open or resolved.
    pub state: State,
    /// The severity of the verdict.
    pub severity: Severity,
    /// Whether nothing need be done: the verdict is benign, or its advice is to do nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub no_action: bool,
    /// What this is about.
    pub subject: Subject,
    /// Time of the first event that speaks for a symptom.
    pub first_seen: Timestamp,
    /// Time of the last one.
    pub last_seen: Timestamp,
    /// The id of the most probable cause, or `cannot-tell`.
    pub verdict: Arc<str>,
    /// Why it cannot be told, when it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub why: Option<SmolStr>,
    /// The id of the diagnosis of a containing subject that explains this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained_by: Option<Arc<str>>,
    /// Most probable first.
    pub causes: Vec<CauseReport>,
    /// The probability that no known cause is at work.
    pub none_of_these: Probability,
    /// The causes that could not be weighed, when there were too many for too many symptoms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<SetAsideReport>,
    /// Every symptom that competes here: present first, then unknown, then absent.
    pub symptoms: Vec<SymptomReport>,
    /// What to look at next, when something unknown could change the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextLook>,
    /// Problem events of this subject in this episode, and how many of them the verdict accounts for.
    pub problem_events: u64,
    /// See `problem_events`.
    pub explained_events: u64,
    /// Whether something that belongs to it may have been forgotten, because there were more subjects than memory for them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub incomplete: bool,
}

impl Diagnosis {
    /// The verdict of an engine that cannot tell.
    pub const CANNOT_TELL: &'static str = "cannot-tell";

    /// The most probable cause.
    pub fn top(&self) -> Option<&CauseReport> {
        self.causes.first()
    }

    /// The most probable cause, unless the verdict is that it cannot be told.
    pub fn cause(&self) -> Option<&CauseReport> {
        self.causes.first().filter(|cause| cause.id == self.verdict)
    }

    /// The symptoms that were seen.
    pub fn present(&self) -> impl Iterator<Item = &SymptomReport> {
        self.symptoms.iter().filter(|symptom| symptom.status.is_present())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_is_never_rounded_to_certainty() {
        let json = |p: f64| serde_json::to_string(&Probability::new(p)).unwrap();
        assert_eq!([json(1.0 - 1e-12), json(1e-12), json(0.25)], ["0.999999", "1e-6", "0.25"]);
        let text = |p: f64| Probability::new(p).to_string();
        assert_eq!(
            [text(0.9999), text(0.0001), text(0.83), text(0.021)],
            ["> 99.9 %", "< 0.1 %", "83 %", "2.1 %"]
        );
    }

    #[test]
    fn evidence_keeps_both_ends_and_counts_the_rest() {
        let mut evidence = Evidence::default();
        for second in 0..20 {
            let time = Timestamp::from_seconds(second).unwrap();
            evidence.add(Exhibit { time, identity: 0, origin: Origin::default(), signature: 0 });
        }
        let kept: Vec<i64> = evidence.kept().map(|exhibit| exhibit.time.nanos() / 1_000_000_000).collect();
        assert_eq!(kept, [0, 1, 2, 3, 16, 17, 18, 19]);
        assert_eq!(evidence.count(), 20);
    }
}
