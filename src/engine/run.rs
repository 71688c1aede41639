//! All memory of one stream: events go in in any order within lateness, diagnoses come out in order of event time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::detector::Findings;
use crate::engine::Settings;
use crate::engine::addresses::Addresses;
use crate::engine::bounds::Bounds;
use crate::engine::chart::Chart;
use crate::engine::differential::Memo;
use crate::engine::live::Live;
use crate::engine::meter::{Meter, Metered, Stage};
use crate::engine::pulse::Heard;
use crate::engine::rest::Moods;
use crate::engine::sift::{Sifted, Sifter};
use crate::engine::signature::{Signature, Signatures};
use crate::engine::subjects::Subjects;
use crate::engine::trace::Followed;
use crate::model::{Diagnosis, Event, Origin, Reject, RejectSample, Summary, Timestamp, Value};
use crate::rule::{Identity, Plan};
use crate::timeline::{Admitted, Alarms, Ingress, Order, Reorder};

/// A stream of records in (roughly) the order of time, from one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId(usize);

impl SourceId {
    /// Sources are numbered from 0 in the order of opening.
    pub fn index(self) -> usize {
        self.0
    }

    /// The source with this number.
    pub(crate) fn at(number: u32) -> Self {
        Self(usize::try_from(number).unwrap_or(usize::MAX))
    }
}

/// An event that waits to be applied: of its fields only those that some detector will read, because a quarter of an hour
/// of whole events would push everything else out of the processor's caches.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) time: Timestamp,
    pub(super) identity: u64,
    pub(super) origin: Origin,
    pub(super) signature: u32,
    pub(super) address: u32,
    /// In the order of [`Signature::reads`].
    pub(super) values: Vec<Option<Value>>,
}

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

/// The memory of one stream. Made by [`Engine::run`](crate::Engine::run).
#[derive(Debug)]
pub struct Run {
    pub(super) plan: Arc<Plan>,
    pub(super) settings: Settings,
    pub(super) ingress: Ingress<Option<Waiting>>,
    pub(super) waiting: Reorder<Waiting>,
    /// By the keys of subjects, and their numbers.
    pub(super) alarms: Alarms<(u64, u32)>,
    /// Watches that want to settle the present instant once all its events are known.
    pub(super) instant: Vec<Due>,
    pub(super) addresses: Addresses,
    pub(super) subjects: Subjects,
    pub(super) charts: Vec<Chart>,
    pub(super) signatures: Signatures,
    pub(super) pending: VecDeque<Pending>,
    pub(super) delay: Duration,
    /// For each level of subjects, whether others lie in it.
    pub(super) holds_others: Vec<bool>,
    pub(super) files: Vec<Arc<str>>,
    pub(super) source_files: Vec<u32>,
    pub(super) positions: Vec<u64>,
    /// Time and identity of the last record of each source.
    pub(super) previous: Vec<(Timestamp, u64)>,
    pub(super) ready: Vec<Diagnosis>,
    pub(super) summary: Summary,
    pub(super) findings: Findings,
    admitted: Vec<Admitted<Option<Waiting>>>,
    /// Memory that events had that were applied.
    pub(super) spare: Vec<Vec<Option<Value>>>,
    /// The event as detectors see it.
    pub(super) shown: Event,
    pub(super) places: Vec<Option<u32>>,
    /// The keys of the same subjects.
    pub(super) keys: Vec<Option<u64>>,
    sifter: Sifter,
    pub(super) now: Timestamp,
    pub(super) followed: Followed,
    /// Symptoms that begin anew after a restart, because their rules have changed.
    pub(super) begun_anew: Vec<Arc<str>>,
    pub(super) bounds: Bounds,
    pub(super) live: Live,
    pub(super) heard: Heard,
    pub(super) memo: Memo,
    pub(super) moods: Moods,
    pub(super) metered: Metered,
}

impl Run {
    pub(super) fn new(plan: Arc<Plan>, settings: Settings) -> Self {
        let delay = plan.symptoms.iter().map(|symptom| symptom.detector.delay()).max().unwrap_or_default();
        let holds_others: Vec<bool> =
            (0..plan.schema.levels()).map(|level| plan.holds_others(level)).collect();
        let moods = Moods::new(&plan);
        let shown = Event::new(&plan.schema, Timestamp::MIN);
        let sifter = Sifter::new(&plan);
        let heard = Heard::new(&plan);
        Self {
            plan,
            settings,
            ingress: Ingress::new(settings.lateness, settings.horizon()),
            waiting: Reorder::default(),
            alarms: Alarms::default(),
            instant: Vec::new(),
            addresses: Addresses::default(),
            subjects: Subjects::default(),
            charts: Vec::new(),
            signatures: Signatures::default(),
            pending: VecDeque::new(),
            delay,
            holds_others,
            files: Vec::new(),
            source_files: Vec::new(),
            positions: Vec::new(),
            previous: Vec::new(),
            ready: Vec::new(),
            summary: Summary::default(),
            findings: Findings::default(),
            admitted: Vec::new(),
            spare: Vec::new(),
            shown,
            places: Vec::new(),
            keys: Vec::new(),
            sifter,
            now: Timestamp::MIN,
            followed: Followed::default(),
            begun_anew: Vec::new(),
            bounds: Bounds::new(settings.memory),
            live: Live::default(),
            heard,
            memo: Memo::default(),
            moods,
            metered: Metered::default(),
        }
    }

    /// Opens a source. While it is open and silent it holds back every judgement that time decides, so open the sources
    /// of one log together and close each when it ends.
    pub fn open(&mut self, name: &str) -> SourceId {
        let source = SourceId(self.ingress.open());
        let file = self.file(name);
        self.source_files.push(file);
        self.positions.push(0);
        self.previous.push((Timestamp::MIN, 0));
        source
    }

    /// Names a file that events come from; evidence points to it by this name.
    pub fn file(&mut self, name: &str) -> u32 {
        self.files.push(name.into());
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// Takes in an event. One without an [origin](crate::model::Origin) gets its number in its source as line and offset.
    pub fn push(&mut self, source: SourceId, mut event: Event) {
        if event.origin() == Origin::default() {
            let position = self.positions.get_mut(source.0).map_or(0, |position| {
                *position += 1;
                *position
            });
            let file = self.source_files.get(source.0).copied().unwrap_or_default();
            event.set_origin(Origin { file, line: position, offset: position });
        }
        self.observe(source, &event);
    }

    /// Takes in an event that the caller goes on using.
    pub(crate) fn observe(&mut self, source: SourceId, event: &Event) {
        let before = self.metered.enter(Stage::Classify);
        self.summary.records.read += 1;
        if self.is_repeat(source, (event.time(), event.identity())) {
            self.summary.records.duplicate += 1;
        } else {
            let signature = self.classify(event);
            self.metered.enter(Stage::Order);
            let wanted = signature.map(|signature| self.kept(event, signature));
            self.offer(source, wanted, event.time());
        }
        self.metered.enter(before);
    }

    /// Takes in the next of some events, of an input and a file, that were sifted beside the run.
    pub(crate) fn take(&mut self, source: SourceId, (input, file): (usize, u32), sifted: &mut Sifted) {
        let Some(event) = sifted.next() else { return };
        self.hear(input, event.time);
        self.summary.records.read += 1;
        if self.is_repeat(source, (event.time, event.identity)) {
            self.summary.records.duplicate += 1;
            sifted.pass_over(&event);
            return;
        }
        sifted.unknown(&event).for_each(|class| doubt(&mut self.summary, &self.plan, class));
        let signature = sifted.signature(&event, |signature| self.signatures.adopt(signature));
        let wanted = signature.map(|signature| {
            let address = self.addresses.numbered(sifted.subjects(&event));
            let known = sifted.values(&event);
            let mut values = if known.len() == 0 { Vec::new() } else { self.spare.pop().unwrap_or_default() };
            values.extend(known);
            let origin = Origin { file, ..event.origin };
            Waiting { time: event.time, identity: event.identity, origin, signature, address, values }
        });
        self.offer(source, wanted, event.time);
    }

    fn offer(&mut self, source: SourceId, wanted: Option<Waiting>, time: Timestamp) {
        let mut admitted = std::mem::take(&mut self.admitted);
        self.ingress.offer(source.0, wanted, time, &mut admitted);
        self.admit(source, &mut admitted);
        self.admitted = admitted;
    }

    /// Counts a record that no rule asks about and that says nothing of time.
    pub(crate) fn skip(&mut self) {
        self.summary.records.read += 1;
        self.summary.records.skipped += 1;
    }

    /// Counts a record that could not be read.
    pub(crate) fn reject(&mut self, reason: Reject, origin: Origin) {
        /// How many rejected records of each reason are named.
        const SAMPLES: u64 = 3;
        self.summary.records.read += 1;
        let count = self.summary.records.rejected.entry(reason).or_default();
        *count += 1;
        if *count <= SAMPLES {
            let source = self.file_name(origin.file);
            self.summary.samples.push(RejectSample {
                reason,
                source,
                line: origin.line,
                offset: origin.offset,
            });
        }
    }

    /// The source has ended: it no longer holds the others back.
    pub fn close(&mut self, source: SourceId) {
        let before = self.metered.enter(Stage::Order);
        let mut admitted = std::mem::take(&mut self.admitted);
        self.ingress.close(source.0, &mut admitted);
        self.admit(source, &mut admitted);
        self.admitted = admitted;
        self.metered.enter(before);
    }

    /// The source has paused: it no longer holds the others back, until its next record that is neither late nor future.
    /// What it brings then is late only by the rules. How long a silence is a pause is the host's to say.
    pub fn idle(&mut self, source: SourceId) {
        let mut admitted = std::mem::take(&mut self.admitted);
        self.ingress.idle(source.0, &mut admitted);
        self.admit(source, &mut admitted);
        self.admitted = admitted;
    }

    /// The host's clock has moved, and the horizon with it: a stream that goes on for hours would else run into what was
    /// the future when it began. Where [`as_of`](crate::EngineBuilder::as_of) was declared, that stays.
    pub fn clock(&mut self, time: Timestamp) {
        self.settings.clock = Some(time);
        self.ingress.set_horizon(self.settings.horizon());
    }

    /// Every event up to and including this time has come, on every source: what waits for an absence, for the end of a
    /// window or for quiet is decided. Later events are still taken in, earlier ones are late. A host whose events have
    /// paused says so by this; it never goes back.
    pub fn advance(&mut self, time: Timestamp) {
        let mut released = Vec::new();
        self.ingress.advance(time, &mut released);
        released.into_iter().for_each(|(source, admitted)| self.admit_one(SourceId(source), admitted));
        self.reach(time.plus(Duration::from_nanos(1)));
        self.now = self.now.max(time);
    }

    /// Symptoms that have begun anew since the run was [restored](crate::Engine::restore), because their rules have changed.
    pub fn begun_anew(&self) -> &[Arc<str>] {
        &self.begun_anew
    }

    /// The newest event time that a source has shown.
    pub fn frontier(&self, source: SourceId) -> Option<Timestamp> {
        self.ingress.newest(source.0)
    }

    /// The diagnoses that were resolved since the last call, in order of event time; and what a [look](Run::look) found.
    pub fn drain(&mut self) -> Vec<Diagnosis> {
        std::mem::take(&mut self.ready)
    }

    /// Ends the stream: closes every source, judges what is still open, and accounts for every record.
    ///
    /// What still waits for an event then is unknown, not missing, unless the engine was told that the stream is
    /// [complete](crate::EngineBuilder::complete).
    pub fn finish(mut self) -> (Vec<Diagnosis>, Summary) {
        self.metered.enter(Stage::Order);
        for source in 0..self.positions.len() {
            self.close(SourceId(source));
        }
        if self.settings.complete {
            self.reach(Timestamp::MAX);
        }
        self.metered.enter(Stage::Diagnose);
        self.settle(None);
        self.diagnose_open();
        self.metered.enter(Stage::Host);
        let ready = self.drain();
        if self.summary.records.future > 0 {
            self.summary.horizon = self.settings.horizon();
        }
        (ready, self.summary)
    }

    /// Tells a meter where the work is from here on.
    pub(crate) fn measure(&mut self, meter: Box<dyn Meter>) {
        self.metered.set(meter);
    }

    /// A record has its turn.
    pub(crate) fn begin_record(&mut self) {
        self.metered.begin();
    }

    /// Whether somebody wants to know where the work is.
    pub(crate) fn is_metered(&self) -> bool {
        self.metered.is_set()
    }

    /// The work goes on in another stage; gives the one that it was in.
    pub(crate) fn enter(&mut self, stage: Stage) -> Stage {
        self.metered.enter(stage)
    }

    pub(crate) fn summary_mut(&mut self) -> &mut Summary {
        &mut self.summary
    }

    pub(super) fn file_name(&self, file: u32) -> Arc<str> {
        let name = usize::try_from(file).ok().and_then(|file| self.files.get(file));
        name.map_or_else(|| Arc::from(""), Arc::clone)
    }

    /// Whether the record stands right behind itself: a repeat is no second witness for a strange time.
    fn is_repeat(&mut self, source: SourceId, this: (Timestamp, u64)) -> bool {
        let Some(previous) = self.previous.get_mut(source.0) else { return false };
        self.plan.identity == Identity::Record && this.1 != 0 && std::mem::replace(previous, this) == this
    }

    /// The signature of an event that some rule asks about.
    fn classify(&mut self, event: &Event) -> Option<u32> {
        let Self { plan, sifter, signatures, summary, metered, .. } = self;
        let unknown = |class: usize| doubt(summary, plan, class);
        sifter.sift(plan, event, metered, |classes| signatures.number(plan, classes), unknown)
    }

    /// What must be kept of an event until it is applied.
    fn kept(&mut self, event: &Event, signature: u32) -> Waiting {
        let known = Signature::of(&self.signatures, signature);
        let reads = known.map_or(&[][..], |known| &known.reads);
        let mut values = if reads.is_empty() { Vec::new() } else { self.spare.pop().unwrap_or_default() };
        values.extend(reads.iter().map(|&field| event.field(field).cloned()));
        Waiting {
            time: event.time(),
            identity: event.identity(),
            origin: event.origin(),
            signature,
            address: self.addresses.of(event),
            values,
        }
    }

    fn admit(&mut self, source: SourceId, admitted: &mut Vec<Admitted<Option<Waiting>>>) {
        admitted.drain(..).for_each(|admitted| self.admit_one(source, admitted));
        if let Some(watermark) = self.ingress.watermark() {
            self.reach(watermark);
        }
        if self.bounds.is_crowded() {
            self.hurry();
        }
    }

    fn admit_one(&mut self, source: SourceId, admitted: Admitted<Option<Waiting>>) {
        match admitted {
            Admitted::Late(_) => self.summary.records.late += 1,
            Admitted::Future(_) => self.summary.records.future += 1,
            Admitted::Accepted(None) => self.summary.records.skipped += 1,
            Admitted::Accepted(Some(event)) => {
                let Summary { first, last, .. } = &mut self.summary;
                *first = Some(first.map_or(event.time, |first| first.min(event.time)));
                *last = (*last).max(Some(event.time));
                let values = event.values.len();
                if self.waiting.insert(order(self.plan.identity, source, &event), event) {
                    self.summary.records.decoded += 1;
                    self.bounds.wait(values);
                } else {
                    self.summary.records.duplicate += 1;
                }
            }
        }
    }
}

/// The predicate of a class could not be answered for one more event.
fn doubt(summary: &mut Summary, plan: &Plan, class: usize) {
    if let Some(name) = plan.class_names.get(class) {
        *summary.unknown_predicates.entry(Arc::clone(name)).or_default() += 1;
    }
}

pub(super) fn order(identity: Identity, source: SourceId, event: &Waiting) -> Order {
    match identity {
        Identity::Record if event.identity != 0 => Order::by_record(event.time, event.identity),
        Identity::Record | Identity::Position => {
            let source = (source.0 as u64) << 32 | u64::from(event.origin.file);
            Order::by_position(event.time, source, event.origin.offset)
        }
    }
}
