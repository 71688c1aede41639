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

/// The subjects of a run, and all that is known of them.
#[derive(Debug)]
pub(super) struct Ward {
    pub(super) plan: Arc<Plan>,
    pub(super) settings: Settings,
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
    pub(super) ready: Vec<Diagnosis>,
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
    pub(super) fn new(plan: &Arc<Plan>, settings: Settings) -> Self {
        let delay = plan.symptoms.iter().map(|symptom| symptom.detector.delay()).max().unwrap_or_default();
        let holds_others: Vec<bool> =
            (0..plan.schema.levels()).map(|level| plan.holds_others(level)).collect();
        Self {
            plan: Arc::clone(plan),
            settings,
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
            summary: Summary::default(),
            findings: Findings::default(),
            shown: Event::new(&plan.schema, Timestamp::MIN),
            places: Vec::new(),
            keys: Vec::new(),
            now: Timestamp::MIN,
            followed: Followed::default(),
            bounds: Bounds::new(settings.memory),
            live: Live::default(),
            heard: Heard::new(plan),
            memo: Memo::default(),
            moods: Moods::new(plan),
            metered: Metered::default(),
        }
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

    pub(super) fn file_name(&self, file: u32) -> Arc<str> {
        let name = usize::try_from(file).ok().and_then(|file| self.files.get(file));
        name.map_or_else(|| Arc::from(""), Arc::clone)
    }
}
