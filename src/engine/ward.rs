//! All that is remembered of subjects: turns go in in canonical order, diagnoses come out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::detector::Findings;
use crate::engine::Settings;
use crate::engine::addresses::Directory;
use crate::engine::bounds::Bounds;
use crate::engine::chart::Chart;
use crate::engine::differential::Memo;
use crate::engine::door::Turn;
use crate::engine::live::Live;
use crate::engine::meter::{Metered, Stage};
use crate::engine::pulse::Heard;
use crate::engine::rest::Moods;
use crate::engine::share::Share;
use crate::engine::signature::Signature;
use crate::engine::subjects::Subjects;
use crate::engine::trace::Followed;
use crate::model::{Diagnosis, Event, Summary, Timestamp};
use crate::rule::Plan;
use crate::timeline::Alarms;

/// A watch that wants to be told that the present instant is over. Subjects are told in the order of their keys, and each
/// in the order of its symptoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) key: u64,
    pub(super) subject: u32,
    pub(super) symptom: usize,
}

/// A problem event that a containing subject may still cover.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) time: Timestamp,
    pub(super) subject: u32,
    /// The subject's key: by now its number may be another's.
    pub(super) key: u64,
    pub(super) signature: u32,
}

/// When a diagnosis was made: those of several wards stand in the order of these, and then of their subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    time: Timestamp,
    /// Room is made while an event is taken in, and deadlines come after all events of an instant.
    is_due: bool,
    round: u64,
    place: u64,
}

impl Moment {
    /// Before anything has happened.
    const BEGIN: Self = Self { time: Timestamp::MIN, is_due: false, round: 0, place: 0 };

    /// Room is made.
    pub(super) fn room(time: Timestamp, round: u64, place: u64) -> Self {
        Self { time, is_due: false, round, place }
    }

    /// The subject with this key has been quiet.
    pub(super) fn due(time: Timestamp, key: u64) -> Self {
        Self { time, is_due: true, round: 0, place: key }
    }

    /// The stream has ended: subjects have their turn by how deep they lie.
    pub(super) fn end(depth: u64) -> Self {
        Self { time: Timestamp::MAX, is_due: true, round: depth, place: 0 }
    }
}

/// A diagnosis, and when it was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) moment: Moment,
    pub(super) diagnosis: Diagnosis,
}

impl Made {
    /// Whether two wards have made the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.moment, &self.diagnosis.subject) == (other.moment, &other.diagnosis.subject)
    }
}

/// The subjects of a run, or a share of them, and all that is known of them.
#[derive(Debug)]
pub(super) struct Ward {
    pub(super) plan: Arc<Plan>,
    pub(super) settings: Settings,
    pub(super) share: Share,
    /// By the keys of subjects, and their numbers.
    pub(super) alarms: Alarms<(u64, u32)>,
    /// Watches that want to settle the present instant once all its events are known.
    pub(super) instant: Vec<Due>,
    pub(super) directory: Directory,
    pub(super) subjects: Subjects,
    pub(super) charts: Vec<Chart>,
    /// By their numbers.
    pub(super) signatures: Vec<Arc<Signature>>,
    pub(super) pending: VecDeque<Pending>,
    pub(super) delay: Duration,
    /// For each level of subjects, whether others lie in it.
    pub(super) holds_others: Vec<bool>,
    pub(super) files: Vec<Arc<str>>,
    pub(super) ready: Vec<Made>,
    /// When what is made now is made.
    pub(super) moment: Moment,
    /// How many events there were.
    pub(super) events: u64,
    /// What became of problem events and episodes.
    pub(super) summary: Summary,
    pub(super) findings: Findings,
    /// The event as detectors see it.
    pub(super) shown: Event,
    pub(super) places: Vec<Option<u32>>,
    /// The keys of the same subjects.
    pub(super) keys: Vec<Option<u64>>,
    pub(super) now: Timestamp,
    pub(super) followed: Followed,
    pub(super) bounds: Bounds,
    pub(super) live: Live,
    pub(super) heard: Heard,
    pub(super) memo: Memo,
    pub(super) moods: Moods,
    pub(super) metered: Metered,
}

impl Ward {
    pub(super) fn new(plan: &Arc<Plan>, settings: Settings, share: Share) -> Self {
        let delay = plan.symptoms.iter().map(|symptom| symptom.detector.delay()).max().unwrap_or_default();
        let holds_others: Vec<bool> =
            (0..plan.schema.levels()).map(|level| plan.holds_others(level)).collect();
        Self {
            plan: Arc::clone(plan),
            settings,
            share,
            alarms: Alarms::default(),
            instant: Vec::new(),
            directory: Directory::default(),
            subjects: Subjects::default(),
            charts: Vec::new(),
            signatures: Vec::new(),
            pending: VecDeque::new(),
            delay,
            holds_others,
            files: Vec::new(),
            ready: Vec::new(),
            moment: Moment::BEGIN,
            events: 0,
            summary: Summary::default(),
            findings: Findings::default(),
            shown: Event::new(&plan.schema, Timestamp::MIN),
            places: Vec::new(),
            keys: Vec::new(),
            now: Timestamp::MIN,
            followed: Followed::default(),
            bounds: Bounds::new(settings.memory, share),
            live: Live::default(),
            heard: Heard::new(plan),
            memo: Memo::default(),
            moods: Moods::new(plan),
            metered: Metered::default(),
        }
    }

    /// Whether nothing was ever told.
    pub(super) fn is_new(&self) -> bool {
        self.events == 0 && self.signatures.is_empty() && self.subjects.all().next().is_none()
    }

    /// From here on this share of the subjects is all that is followed.
    pub(super) fn share(&mut self, share: Option<Share>) {
        self.share = share.unwrap_or(self.share);
    }

    /// Takes in what happened.
    pub(super) fn work(&mut self, turns: &[Turn]) {
        // Held once for all turns: every count of a shared pointer is a write that other cores may see.
        let plan = Arc::clone(&self.plan);
        for turn in turns {
            match turn {
                Turn::Signature(signature) => self.signatures.push(Arc::clone(signature)),
                Turn::Address(address, path) => self.directory.learn(*address, path.clone()),
                Turn::Heard(input, time) => self.heard.listen(*input, *time),
                Turn::Event(event) => {
                    self.metered.begin();
                    self.fire_before(&plan, event.time);
                    self.metered.enter(Stage::Apply);
                    self.apply(&plan, event);
                    self.metered.enter(Stage::Order);
                }
                Turn::Reached(time) => self.fire_before(&plan, *time),
                Turn::Now(time) => self.now = self.now.max(*time),
            }
        }
    }

    /// The stream has ended, with this as the newest record of all: what is open is judged as it stands.
    pub(super) fn end(&mut self, last: Timestamp) {
        self.settle(None);
        self.diagnose_open(last);
    }

    /// What became of that which is counted here.
    pub(super) fn counted(&self) -> Summary {
        let mut summary = self.summary.clone();
        if !self.share.is_first() {
            let is_counted = |id: &Arc<str>| {
                let symptom = self.plan.symptoms.iter().find(|symptom| symptom.id == *id);
                symptom.is_some_and(|symptom| self.share.counts_level(&self.plan.schema, symptom.level))
            };
            summary.unknown_predicates.retain(|id, _| is_counted(id));
            summary.failed_detectors.retain(|id, _| is_counted(id));
        }
        summary
    }

    pub(super) fn file_name(&self, file: u32) -> Arc<str> {
        let name = usize::try_from(file).ok().and_then(|file| self.files.get(file));
        name.map_or_else(|| Arc::from(""), Arc::clone)
    }
}
