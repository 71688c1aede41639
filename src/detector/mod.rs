//! Events in, symptoms out: recognisers ([`Detector`]) and their memory about one subject ([`Watch`]).
//!
//! | kind | finds |
//! |---|---|
//! | `occurrence` | one event is enough |
//! | `count` | so many events within a window |
//! | `distinct` | so many different children within a window |
//! | `sequence` | steps in order or in any order, some optional, some forbidden until a deadline |
//! | `absence` | what is expected and does not come |
//! | `change` | what was one way for long and is now another, or goes back and forth |
//! | `periodic` | a regular interval |
//! | `surge` | more children at once than usual |
//! | `dip` | a gauge that drops |
//! | `session` | how long a subject stays, and how long it is away |
//!
//! A detector is built from predicates (*whether* an event counts: its event classes) and timelines (*when*), and from
//! nothing else. It reads YAML while it is built and never afterwards; it never sees bytes, other subjects or a clock:
//! time reaches it through [`Watch::observe`] and [`Watch::advance`]. To add one, copy `occurrence.rs` and add a line
//! to `plugin.rs`.

mod absence;
#[cfg(test)]
mod bench;
mod change;
mod classes;
mod count;
mod definition;
mod dip;
mod distinct;
mod facts;
#[cfg(test)]
mod fixture;
mod occurrence;
pub mod parameters;
mod periodic;
mod sequence;
mod session;
mod surge;
#[cfg(test)]
mod tests;
mod weight;
mod words;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use crate::codec::State;
use crate::error::Problem;
use crate::model::{Event, Exhibit, FieldId, Measure, Status, Timestamp};
use crate::predicate::Kind;
use crate::yaml::Node;

pub use absence::Absence;
pub use change::Change;
pub use classes::{ClassId, Classes};
pub use count::Count;
pub use definition::Definition;
pub use dip::Dip;
pub use distinct::Distinct;
pub use facts::Facts;
pub use occurrence::Occurrence;
pub use periodic::Periodic;
pub use sequence::Sequence;
pub use session::Session;
pub use surge::Surge;

/// All that a watch holds is memory that can be saved.
macro_rules! remembered {
    () => {
        fn state(&self) -> Option<&dyn $crate::codec::State> {
            Some(self)
        }

        fn state_mut(&mut self) -> Option<&mut dyn $crate::codec::State> {
            Some(self)
        }
    };
}
use remembered;

/// A kind of detector: what a rule names under `detect:`, and how its parameters become a [`Detector`].
pub trait DetectorKind: Debug + Send + Sync {
    /// The word under `detect:`; also the name under which `when:` reads the measures.
    fn name(&self) -> &'static str;

    /// What `when:` may read: the names of the measures that [`Reading::measures`] will hold.
    fn measures(&self) -> &'static [&'static str];

    /// The JSON Schema of the parameters, best made by [`schema_of`](crate::yaml::schema_of); `true` allows anything.
    ///
    /// Parameters are held against it before [`build`](DetectorKind::build) sees them, editors complete by it, and it is
    /// what an author reads about the detector. A variant that has a property of the detector's own name describes a way of
    /// writing in which the parameters stand beside the detector's name and not below it.
    fn parameters(&self) -> serde_json::Value {
        serde_json::Value::Bool(true)
    }

    /// What is known about a measure before it is measured, so that `when:` can be checked while it is read.
    fn measure_kind(&self, _measure: &str) -> Kind {
        Kind::Any
    }

    /// Reads the parameters.
    ///
    /// # Errors
    ///
    /// The first fault, with its place in the file.
    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem>;
}

/// What a detector may ask while it is built: the names that its rule file gives.
pub trait Names {
    /// The event class that this node (a name) means; marks it as used.
    ///
    /// # Errors
    ///
    /// When there is no such class in the rule file.
    fn class(&mut self, node: &Node) -> Result<ClassId, Problem>;

    /// The level of subjects that this node (a name) means, one inside the rule's own.
    ///
    /// # Errors
    ///
    /// When there is no such level, or it does not lie inside the rule's own.
    fn level(&mut self, node: &Node) -> Result<usize, Problem>;

    /// The field that this node (a name) means; decoders will extract it.
    ///
    /// # Errors
    ///
    /// When no input of the pack has such a field.
    fn field(&mut self, node: &Node) -> Result<FieldId, Problem>;

    /// Whether equal times satisfy "before" both ways, because the input's stamps are coarser than its causality.
    fn ties_any(&self) -> bool;
}

/// An immutable recogniser, shared by all runs.
pub trait Detector: Debug + Send + Sync {
    /// The classes whose events its watches want to see.
    fn classes(&self) -> Vec<ClassId>;

    /// How far back a watch looks: after this long without events it is as good as new.
    fn horizon(&self) -> Duration;

    /// What is certain of it before it has seen anything, so that rules which cannot work are found while they load.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// How long after an event a watch may still say that the event's time was [covered](Findings::covers).
    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    /// The most bytes that a watch holds about one subject, itself included; what grows with the subjects inside is
    /// [`Detector::memory_per_child`], and what a burst needs while it lasts is not counted. Bounds are made of sizes of
    /// types and of how far their collections may grow; the allocator's own bookkeeping is not in them.
    fn memory(&self) -> usize {
        0
    }

    /// How many bytes at most come with each subject inside that the watch has to remember.
    fn memory_per_child(&self) -> usize {
        0
    }

    /// Groups of classes: until of each group an event has come, a watch may sleep. `None`: it never may.
    ///
    /// While a watch could sleep it finds nothing, its reading has the status of a fresh one, and whenever it is woken it
    /// makes no difference to what it finds from then on if it has seen, of all events with the same set of classes, only
    /// those of the latest time, and of the latest time before the present. It reads nothing of an event but its classes
    /// and its exhibit. So what happens on most subjects all the time costs nothing for the symptoms that begin with what
    /// hardly ever happens.
    fn sleeps(&self) -> Option<Vec<Vec<ClassId>>> {
        None
    }

    /// What it looks for, as plain data; `None` where a plugin does not say.
    fn definition(&self) -> Option<Definition> {
        None
    }

    /// Fresh memory about one subject.
    fn watch(self: Arc<Self>) -> Box<dyn Watch>;
}

/// One event of a class that the detector asked for.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// The event, with the fields that its detectors [asked for](Names::field) while they were built and no others.
    pub event: &'a Event,
    /// All classes it belongs to.
    pub classes: &'a Classes,
    /// For each level of subjects, the key of the event's subject there: 64 bits that are the same in every run.
    pub subjects: &'a [Option<u64>],
    /// The event as evidence.
    pub exhibit: Exhibit,
}

impl Hit<'_> {
    /// Whether the event belongs to a class.
    pub fn is(&self, class: ClassId) -> bool {
        self.classes.contains(class)
    }

    /// The key of the event's subject at a level.
    pub fn subject(&self, level: usize) -> Option<u64> {
        self.subjects.get(level).copied().flatten()
    }

    /// Event time.
    pub fn time(&self) -> Timestamp {
        self.exhibit.time
    }
}

/// The memory of a detector about one subject.
///
/// Events arrive in canonical order. Between two events the engine calls [`Watch::advance`] whenever time has passed
/// [`Watch::deadline`], so a watch that waits for something must name a deadline.
pub trait Watch: Debug + Send {
    /// Takes in an event of one of the detector's classes.
    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings);

    /// Every event with a time up to and including `now` has been observed.
    fn advance(&mut self, _now: Timestamp, _out: &mut Findings) {}

    /// The time T for which the watch wants `advance(T)` once all events up to and including T were observed.
    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    /// Starts a new episode in place, keeping what was learned about the usual. `false` asks for a fresh watch instead.
    fn renew(&mut self) -> bool {
        false
    }

    /// What is known at `now`.
    fn reading(&self, now: Timestamp) -> Reading;

    /// The status of that reading alone, for those that ask again and again about what is not there.
    fn status(&self, now: Timestamp) -> Status {
        self.reading(now).status
    }

    /// What it remembers, to be saved with a checkpoint. `None`: it cannot be saved, and begins anew after a restart.
    fn state(&self) -> Option<&dyn State> {
        None
    }

    /// The same, to be taken in again by a fresh watch.
    fn state_mut(&mut self) -> Option<&mut dyn State> {
        None
    }

    /// While the pattern is not there: what is missing at `now`, in plain words with numbers and times, such as `3 of 4
    /// events within 12h`. Of all attempts in the episode the best, where that is cheap to remember.
    fn shortfall(&self, _now: Timestamp) -> Option<String> {
        None
    }
}

/// What a watch knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Present, absent or unknown.
    pub status: Status,
    /// What it measured; names as in [`DetectorKind::measures`].
    pub measures: Vec<(SmolStr, Measure)>,
}

impl Reading {
    /// A status without measures.
    pub fn bare(status: Status) -> Self {
        Self { status, measures: Vec::new() }
    }
}

/// What a watch tells the engine while it observes.
#[derive(Debug, Default)]
pub struct Findings {
    claimed: Vec<Exhibit>,
    spans: Vec<(Timestamp, Timestamp)>,
    changed: bool,
    taken_back: bool,
}

impl Findings {
    /// This event speaks for the symptom. Each event is claimed at most once by a watch.
    pub fn claim(&mut self, exhibit: Exhibit) {
        self.claimed.push(exhibit);
        self.changed = true;
    }

    /// The symptom held from `from` (inclusive) to `to` (exclusive), for everything inside the subject too.
    pub fn covers(&mut self, from: Timestamp, to: Timestamp) {
        self.spans.push((from, to));
        self.changed = true;
    }

    /// The reading is not what it was.
    pub fn changed(&mut self) {
        self.changed = true;
    }

    /// What was present has turned out never to have been. What is merely over was there all the same, and stays what it
    /// was until the episode ends; this does not. Its claims stand.
    pub fn take_back(&mut self) {
        self.taken_back = true;
        self.changed = true;
    }

    /// The events claimed since the last [`Findings::clear`].
    pub fn claims(&self) -> &[Exhibit] {
        &self.claimed
    }

    /// The spans covered since the last [`Findings::clear`].
    pub fn spans(&self) -> &[(Timestamp, Timestamp)] {
        &self.spans
    }

    /// Whether anything was found since the last [`Findings::clear`].
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Whether anything was taken back since the last [`Findings::clear`].
    pub fn is_taken_back(&self) -> bool {
        self.taken_back
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.claimed.clear();
        self.spans.clear();
        self.changed = false;
        self.taken_back = false;
    }
}
