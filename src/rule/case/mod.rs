//! Cases: example streams that prove a rule. Every name in them has its meaning; nothing is expanded yet.
//!
//! A case says what is *given* (events, raw records, time that passes) and what is *expected* of it (a diagnosis,
//! symptoms that are there and that are not). `simulate` turns the first into a stream, `check` compares the second.

mod expect;
mod file;
mod given;
mod reader;
mod template;

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Event, FieldId, Timestamp, Value};
use crate::yaml::Place;

pub(super) use file::CaseFile;
pub(super) use reader::{Names, causes, places, read};

/// An example stream with what is expected of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The id of the article in whose file it stands.
    pub article: Arc<str>,
    /// Its name, unique in the article.
    pub name: Arc<str>,
    /// Where it stands.
    pub place: Place,
    pub(crate) start: Timestamp,
    /// Whether nothing comes after what is given.
    pub(crate) complete: bool,
    pub(crate) given: Vec<Given>,
    pub(crate) expected: Vec<Expectation>,
    /// Whether there are no other diagnoses than the expected ones.
    pub(crate) exactly: bool,
    pub(crate) unwanted: Vec<Unwanted>,
}

impl Case {
    /// Whether a symptom is expected to be present somewhere.
    pub(crate) fn shows(&self, symptom: usize) -> bool {
        self.expected.iter().any(|expected| expected.symptoms.contains(&(symptom, Wanted::Present)))
    }

    /// Whether a symptom is expected not to be present, on one subject or on any.
    pub(crate) fn silences(&self, symptom: usize) -> bool {
        let not_there = |&(at, wanted): &(usize, Wanted)| at == symptom && wanted != Wanted::Present;
        self.expected.iter().any(|expected| expected.symptoms.iter().any(not_there))
            || self
                .unwanted
                .iter()
                .any(|unwanted| matches!(unwanted, Unwanted::Symptom(at) if *at == symptom))
    }
}

/// One item of what is given.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// Events, made from their classes.
    Events(Series),
    /// Raw text, for the pack's inputs.
    Records(Records),
    /// Time goes on for so long after all that came before.
    Wait(Duration),
}

/// Raw text, in the file itself or beside it.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    /// The file beside the rules; `None` for text in the rule file.
    pub(crate) file: Option<Arc<str>>,
    pub(crate) text: Arc<str>,
    pub(crate) place: Place,
}

/// Whom events are about: the fields of levels and what they are, or that they are missing.
pub(crate) type Whom = Vec<(FieldId, Option<Value>)>;

/// Level and identifier of each level that is named.
pub(crate) type Named = Vec<(Arc<str>, Arc<str>)>;

/// Events at regular times on some subjects.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// When the first one comes.
    pub(crate) at: Duration,
    pub(crate) every: Duration,
    pub(crate) times: u64,
    /// Each comes up to so much later than its turn.
    pub(crate) jitter: Duration,
    /// The share of events that are lost.
    pub(crate) loss: f64,
    /// The subjects' turns are shifted evenly over this.
    pub(crate) spread: Duration,
    /// What the fields of each subject's levels are.
    pub(crate) subjects: Vec<Whom>,
    pub(crate) burst: Burst,
}

/// Events at one instant, and what follows them.
#[derive(Clone, Debug)]
pub(crate) struct Burst {
    /// The events without time and subject.
    pub(crate) events: Vec<Event>,
    pub(crate) then: Vec<(Duration, Burst)>,
}

impl Burst {
    /// How many events it makes.
    pub(crate) fn len(&self) -> usize {
        self.events.len() + self.then.iter().map(|(_, then)| then.len()).sum::<usize>()
    }

    /// How long after its beginning the last one comes.
    pub(crate) fn span(&self) -> Duration {
        self.then.iter().map(|(after, then)| after.saturating_add(then.span())).max().unwrap_or_default()
    }
}

/// What is expected of one subject.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    pub(crate) place: Place,
    /// Level and identifier of the levels that are named, outermost first.
    pub(crate) subject: Named,
    /// The level (as an index) of the subject.
    pub(crate) level: usize,
    /// The cause that a diagnosis names, or that it cannot tell.
    pub(crate) top: Option<Arc<str>>,
    /// The least and the most that its probability may be.
    pub(crate) at_least: Option<f64>,
    pub(crate) at_most: Option<f64>,
    pub(crate) symptoms: Vec<(usize, Wanted)>,
}

/// What is expected of a symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    /// Seen.
    Present,
    /// Looked for and not there.
    Absent,
    /// Not present, although its detector saw at least one of its events.
    Near,
    /// Cannot be said.
    Unknown,
}

impl Wanted {
    pub(crate) const ALL: [Self; 4] = [Self::Present, Self::Absent, Self::Near, Self::Unknown];

    /// The key under which it stands.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Near => "near",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a symptom can be both.
    fn agrees(self, other: Self) -> bool {
        self == other
            || (self == Self::Near && other != Self::Present)
            || (other == Self::Near && self != Self::Present)
    }
}

/// What must not come of a case.
#[derive(Clone, Debug)]
pub(crate) enum Unwanted {
    /// No diagnosis names this cause.
    Cause(Arc<str>),
    /// It is present on no subject.
    Symptom(usize),
}

#[cfg(test)]
mod tests;
