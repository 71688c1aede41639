//! What happened to every record, and what a run began with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minicbor::{Decode, Encode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Timestamp;

/// Why a record could not be read. Each reason is counted and the first few are located.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Encode, Decode)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
#[non_exhaustive]
pub enum Reject {
    /// The bytes are not a record of the format.
    #[n(0)]
    Malformed,
    /// The bytes are not text: binary data, or a NUL byte.
    #[n(1)]
    Binary,
    /// The stream is UTF-16 or UTF-32; only UTF-8 is read.
    #[n(2)]
    Utf16,
    /// The record is longer than the limit; it was skipped without being kept.
    #[n(3)]
    Oversize,
    /// Brackets are nested deeper than the limit.
    #[n(4)]
    TooDeep,
    /// There is no time stamp.
    #[n(5)]
    NoTime,
    /// The time stamp cannot be read.
    #[n(6)]
    BadTime,
    /// The time lies outside 1970-2262.
    #[n(7)]
    TimeRange,
    /// A stream is damaged, ended too early or could not be read any further.
    #[n(8)]
    Truncated,
    /// The record does not say whom it is about.
    #[n(9)]
    NoSubject,
    /// The decoder of a plugin failed.
    #[n(10)]
    Plugin,
    /// A row has more or fewer values than there are columns.
    #[n(11)]
    Columns,
}

impl Reject {
    /// The reason as one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Binary => "binary",
            Self::Utf16 => "utf16",
            Self::Oversize => "oversize",
            Self::TooDeep => "too-deep",
            Self::NoTime => "no-time",
            Self::BadTime => "bad-time",
            Self::TimeRange => "time-range",
            Self::Truncated => "truncated",
            Self::NoSubject => "no-subject",
            Self::Plugin => "plugin",
            Self::Columns => "columns",
        }
    }

    /// The reason as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Malformed => "not a complete record of this format",
            Self::Binary => "not text",
            Self::Utf16 => "UTF-16 or UTF-32 text; convert it to UTF-8 first",
            Self::Oversize => "longer than the record limit",
            Self::TooDeep => "nested deeper than the limit",
            Self::NoTime => "no time stamp",
            Self::BadTime => "a time stamp that cannot be read",
            Self::TimeRange => "a time outside 1970-2262",
            Self::Truncated => "the stream is damaged or could not be read to its end",
            Self::NoSubject => "does not say whom it is about",
            Self::Plugin => "the plugin that decodes it failed",
            Self::Columns => "more or fewer values than there are columns",
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One rejected record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RejectSample {
    /// Why.
    pub reason: Reject,
    /// The file or stream.
    pub source: Arc<str>,
    /// Line, from 1.
    pub line: u64,
    /// Byte offset of its first byte.
    pub offset: u64,
}

/// Where every record went: `read = decoded + skipped + rejected + duplicate + late + future`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Accounts {
    /// Records that the input held.
    pub read: u64,
    /// Events that rules looked at.
    pub decoded: u64,
    /// Records that no rule asks about.
    pub skipped: u64,
    /// Records that could not be read, by reason.
    pub rejected: BTreeMap<Reject, u64>,
    /// Repeats of a record already counted.
    pub duplicate: u64,
    /// Records older than the watermark.
    pub late: u64,
    /// Records from beyond the horizon.
    pub future: u64,
}

impl Accounts {
    /// All rejected records.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Whether every record is accounted for.
    pub fn balance(&self) -> bool {
        self.read
            == self.decoded + self.skipped + self.rejected_total() + self.duplicate + self.late + self.future
    }
}

/// One file or stream, as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceSummary {
    /// The file or stream.
    pub name: Arc<str>,
    /// Which of the pack's inputs described it; none when it held nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Arc<str>>,
    /// Records in it.
    pub records: u64,
    /// Bytes in it, decompressed.
    pub bytes: u64,
}

/// What a run starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Begin {
    /// Name and version of this library.
    pub engine: Arc<str>,
    /// The packs, each with its version.
    pub packs: Vec<Arc<str>>,
    /// How many rules each kind contributes.
    pub articles: usize,
    /// Symptoms that detectors look for.
    pub symptoms: usize,
    /// Causes that compete.
    pub causes: usize,
    /// How far records may be out of order, in seconds.
    pub lateness: u64,
    /// The time the host declared, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Summary {
    /// Where every record went.
    pub records: Accounts,
    /// Decompressed bytes read.
    pub bytes: u64,
    /// Records with a part that could not be read and was left out.
    pub partial: u64,
    /// Diagnoses given.
    pub diagnoses: u64,
    /// Problem events that a diagnosis accounts for.
    pub explained: u64,
    /// Problem events that are expected behaviour.
    pub benign: u64,
    /// Problem events that nothing accounts for.
    pub unexplained: u64,
    /// Time of the first event that was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// Time of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// The horizon, when a record lay beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Timestamp>,
    /// Predicates that met a missing field or a wrong type, by rule.
    pub unknown_predicates: BTreeMap<Arc<str>, u64>,
    /// On how many subjects a detector failed, by symptom, which is unknown there until the episode is over.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failed_detectors: BTreeMap<Arc<str>, u64>,
    /// Subjects that were forgotten to make room, while their memory was worth something.
    #[serde(skip_serializing_if = "is_zero")]
    pub evicted: u64,
    /// Events that were applied before their lateness was over, to make room.
    #[serde(skip_serializing_if = "is_zero")]
    pub hurried: u64,
    /// Files and streams, in order.
    pub sources: Vec<SourceSummary>,
    /// The first rejected records of each reason.
    pub samples: Vec<RejectSample>,
}

impl Summary {
    /// Adds what became of other subjects' problem events and episodes.
    pub(crate) fn add(&mut self, other: &Self) {
        let counts = [
            (&mut self.diagnoses, other.diagnoses),
            (&mut self.explained, other.explained),
            (&mut self.benign, other.benign),
            (&mut self.unexplained, other.unexplained),
            (&mut self.evicted, other.evicted),
        ];
        counts.into_iter().for_each(|(known, more)| *known = known.saturating_add(more));
        let named = [
            (&mut self.unknown_predicates, &other.unknown_predicates),
            (&mut self.failed_detectors, &other.failed_detectors),
        ];
        for (known, more) in named {
            for (name, more) in more {
                let count = known.entry(Arc::clone(name)).or_default();
                *count = count.saturating_add(*more);
            }
        }
    }
}
