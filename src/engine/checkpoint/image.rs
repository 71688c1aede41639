//! What is written: plain data with numbered fields. A number is never given to another field; new fields come at the end
//! and have a default, so that older bytes can be read.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use smol_str::SmolStr;

use crate::codec::Renumber;
use crate::engine::chart::Tally;
use crate::engine::ghosts::Ghosts;
use crate::engine::pulse::Pulse;
use crate::model::{Evidence, Exhibit, Measure, Reject, Status, Timestamp, Value};

/// The rules that the memory was made by, and what its numbers mean.
#[derive(Debug, Default, Encode, Decode)]
pub(super) struct Head {
    /// The version of the library, for people.
    #[n(0)]
    pub(super) engine: String,
    /// Levels of subjects by name.
    #[n(1)]
    pub(super) levels: Vec<String>,
    /// Id and meaning of each symptom.
    #[n(2)]
    pub(super) symptoms: Vec<(String, u64)>,
    /// Name and meaning of each event class.
    #[n(3)]
    pub(super) classes: Vec<(String, u64)>,
    #[n(4)]
    pub(super) causes: Vec<String>,
    #[n(5)]
    pub(super) files: Vec<String>,
    #[n(6)]
    pub(super) signatures: Vec<SignatureImage>,
}

/// A set of event classes, and the fields that are kept of events which belong to all of them.
#[derive(Debug, Encode, Decode)]
pub(super) struct SignatureImage {
    #[n(0)]
    pub(super) classes: Vec<u32>,
    #[n(1)]
    pub(super) reads: Vec<String>,
}

/// What belongs to no subject.
#[derive(Debug, Default, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct Stream {
    #[n(0)]
    pub(super) sources: Vec<SourceImage>,
    #[n(1)]
    pub(super) first: Option<Timestamp>,
    #[n(2)]
    pub(super) last: Option<Timestamp>,
    #[n(3)]
    pub(super) announced: Option<Timestamp>,
    #[n(4)]
    pub(super) reached: Option<Timestamp>,
    #[n(5)]
    pub(super) now: Option<Timestamp>,
    #[n(6)]
    pub(super) counters: Counters,
    /// Whom each key group has forgotten, where it is anybody.
    #[n(7)]
    #[cbor(default)]
    pub(super) evicted: Vec<(u8, Ghosts)>,
    /// When each input was first read, by name.
    #[n(8)]
    #[cbor(default)]
    pub(super) heard: Vec<(String, Timestamp)>,
}

impl Stream {
    /// Forgets all but how far time has come.
    pub(super) fn leave_time_only(&mut self) {
        self.counters = Counters::default();
        self.sources.iter_mut().for_each(|source| source.held = None);
    }
}

#[derive(Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct SourceImage {
    #[n(0)]
    pub(super) name: String,
    #[n(1)]
    pub(super) open: bool,
    #[n(2)]
    pub(super) newest: Option<Timestamp>,
    /// A record that waits for a witness.
    #[n(3)]
    pub(super) held: Option<HeldImage>,
    #[n(4)]
    pub(super) position: u64,
    /// Time and identity of the last record.
    #[n(5)]
    pub(super) previous: (Timestamp, u64),
    /// Whether it is left out of the least of all until it speaks again.
    #[n(6)]
    #[cbor(default)]
    pub(super) idle: bool,
}

#[derive(Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct HeldImage {
    #[n(0)]
    pub(super) time: Timestamp,
    /// None when no rule asks about it.
    #[n(1)]
    pub(super) event: Option<EventImage>,
}

/// An event that waits.
#[derive(Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct EventImage {
    #[n(0)]
    pub(super) exhibit: Exhibit,
    /// The source, as a number, where that makes its place.
    #[n(1)]
    pub(super) source: u32,
    /// Identifiers by level.
    #[n(2)]
    pub(super) ids: Vec<Option<String>>,
    /// In the order of the signature's fields.
    #[n(3)]
    pub(super) values: Vec<Option<Value>>,
}

/// What the summary will count.
#[derive(Debug, Default, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct Counters {
    #[n(0)]
    pub(super) read: u64,
    #[n(1)]
    pub(super) decoded: u64,
    #[n(2)]
    pub(super) skipped: u64,
    #[n(3)]
    pub(super) rejected: Vec<(Reject, u64)>,
    #[n(4)]
    pub(super) duplicate: u64,
    #[n(5)]
    pub(super) late: u64,
    #[n(6)]
    pub(super) future: u64,
    #[n(7)]
    pub(super) bytes: u64,
    #[n(8)]
    pub(super) partial: u64,
    #[n(9)]
    pub(super) diagnoses: u64,
    #[n(10)]
    pub(super) explained: u64,
    #[n(11)]
    pub(super) benign: u64,
    #[n(12)]
    pub(super) unexplained: u64,
    #[n(13)]
    pub(super) first: Option<Timestamp>,
    #[n(14)]
    pub(super) last: Option<Timestamp>,
    #[n(15)]
    pub(super) unknown_predicates: Vec<(String, u64)>,
    #[n(16)]
    pub(super) failed_detectors: Vec<(String, u64)>,
    /// Rejected records that are named: why, file, line, offset.
    #[n(17)]
    pub(super) samples: Vec<(Reject, String, u64, u64)>,
    #[n(18)]
    #[cbor(default)]
    pub(super) evicted: u64,
    #[n(19)]
    #[cbor(default)]
    pub(super) hurried: u64,
}

/// The subjects of one key group, outermost first, in the order of their keys.
#[derive(Debug, Default, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct Group {
    #[n(0)]
    pub(super) subjects: Vec<SubjectImage>,
    /// Problem events that a containing subject may still cover: when, whose (its place in `subjects`), of which signature.
    #[n(1)]
    pub(super) pending: Vec<PendingImage>,
    /// Events that wait to be applied, in their order.
    #[n(2)]
    pub(super) waiting: Vec<EventImage>,
}

#[derive(Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct PendingImage {
    #[n(0)]
    pub(super) time: Timestamp,
    #[n(1)]
    pub(super) subject: u32,
    #[n(2)]
    #[cbor(decode_with = "signature_here")]
    pub(super) signature: u32,
}

fn signature_here<C: Renumber>(
    from: &mut minicbor::Decoder<'_>,
    context: &mut C,
) -> Result<u32, minicbor::decode::Error> {
    from.u32().map(|number| context.signature(number))
}

#[derive(Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct SubjectImage {
    #[n(0)]
    pub(super) level: u32,
    /// The place of the subject it lies in.
    #[n(1)]
    pub(super) parent: Option<u32>,
    #[n(2)]
    pub(super) id: String,
    #[n(3)]
    pub(super) entries: Vec<EntryImage>,
    #[n(4)]
    pub(super) problems: Tally,
    /// Symptom, and the problem events inside that it covers.
    #[n(5)]
    pub(super) covered: Vec<(u32, Tally)>,
    #[n(6)]
    pub(super) active: Option<Timestamp>,
    #[n(7)]
    pub(super) look: Option<Timestamp>,
    #[n(8)]
    pub(super) past: Vec<PastImage>,
    #[n(9)]
    pub(super) touched: Option<Timestamp>,
    #[n(10)]
    pub(super) doubtful: Option<Timestamp>,
    /// What a live stream has said of the episode.
    #[n(11)]
    pub(super) said: Option<SaidImage>,
    /// When its log was silent.
    #[n(12)]
    pub(super) pulse: Option<Pulse>,
}

#[derive(Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(in crate::engine) struct SaidImage {
    #[n(0)]
    pub(in crate::engine) id: String,
    #[n(1)]
    pub(in crate::engine) verdict: String,
    /// As a word.
    #[n(2)]
    pub(in crate::engine) severity: String,
    #[n(3)]
    pub(in crate::engine) explained_by: Option<String>,
    #[n(4)]
    pub(in crate::engine) span: (Timestamp, Timestamp),
    #[n(5)]
    #[cbor(default)]
    pub(in crate::engine) no_action: bool,
}

#[derive(Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct EntryImage {
    #[n(0)]
    pub(super) symptom: u32,
    #[n(1)]
    pub(super) stale: bool,
    #[n(2)]
    pub(super) hits: u32,
    #[n(3)]
    pub(super) last_hit: Timestamp,
    /// What the watch remembers; none when it has failed.
    #[n(4)]
    pub(super) watch: Option<ByteVec>,
    #[n(5)]
    pub(super) evidence: Evidence,
    #[n(6)]
    pub(super) claims: Tally,
    #[n(7)]
    pub(super) span: Option<(Timestamp, Timestamp)>,
    #[n(8)]
    pub(super) covered: Vec<(Timestamp, Timestamp)>,
    #[n(9)]
    pub(super) status: Status,
    #[n(10)]
    pub(super) measures: Option<Vec<MeasureImage>>,
}

#[derive(Clone, Debug, Encode, Decode)]
pub(super) struct MeasureImage {
    #[n(0)]
    #[cbor(with = "crate::codec::text")]
    pub(super) name: SmolStr,
    #[n(1)]
    pub(super) measure: Measure,
}

#[derive(Debug, Encode, Decode)]
pub(super) struct PastImage {
    #[n(0)]
    pub(super) id: String,
    #[n(1)]
    pub(super) first: Timestamp,
    #[n(2)]
    pub(super) last: Timestamp,
    /// Cause, and its probability then.
    #[n(3)]
    pub(super) causes: Vec<(u32, f64)>,
}
