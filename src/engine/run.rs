//! All memory of one stream: events go in in any order within lateness, diagnoses come out in order of event time.

use std::sync::Arc;
use std::thread;

use crate::engine::Settings;
use crate::engine::door::Door;
use crate::engine::merge::merged;
use crate::engine::meter::{Meter, Stage};
use crate::engine::share::Share;
use crate::engine::sift::Sifted;
use crate::engine::ward::Ward;
use crate::model::{Diagnosis, Event, Origin, Reject, RejectSample, Summary, Timestamp};
use crate::rule::Plan;

/// So many turns are told at once; what sifted events come to is told no later.
const MANY: usize = 8_192;
/// Fewer turns are not worth threads.
const FEW: usize = 512;

/// A stream of records in (roughly) the order of time, from one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId(usize);

impl SourceId {
    pub(super) fn new(index: usize) -> Self {
        Self(index)
    }

    /// Sources are numbered from 0 in the order of opening.
    pub fn index(self) -> usize {
        self.0
    }

    /// The source with this number.
    pub(crate) fn at(number: u32) -> Self {
        Self(usize::try_from(number).unwrap_or(usize::MAX))
    }
}

/// The memory of one stream. Made by [`Engine::run`](crate::Engine::run).
#[derive(Debug)]
pub struct Run {
    pub(super) plan: Arc<Plan>,
    pub(super) settings: Settings,
    pub(super) door: Door,
    /// All subjects, or the first share of them.
    pub(super) ward: Ward,
    /// The other shares; all wards are told the same.
    pub(super) others: Vec<Ward>,
    /// Symptoms that begin anew after a restart, because their rules have changed.
    pub(super) begun_anew: Vec<Arc<str>>,
}

impl Run {
    pub(super) fn new(plan: Arc<Plan>, settings: Settings) -> Self {
        let door = Door::new(&plan, &settings);
        let ward = Ward::new(&plan, settings, Share::whole(&plan.schema));
        Self { plan, settings, door, ward, others: Vec::new(), begun_anew: Vec::new() }
    }

    /// Shares the subjects out among so many threads. A run that has begun, or is looked at while it goes on, stays whole,
    /// and so does one whose subjects lie in others that lie in others.
    pub(crate) fn share_out(&mut self, threads: usize) {
        if self.settings.live || !self.ward.is_new() || !self.others.is_empty() {
            return;
        }
        let mut shares = Share::split(&self.plan.schema, threads);
        self.ward.share(shares.next());
        for share in shares {
            let mut ward = Ward::new(&self.plan, self.settings, share);
            ward.files.clone_from(&self.ward.files);
            ward.followed.share(&self.ward.followed);
            self.others.push(ward);
        }
    }

    pub(super) fn wards(&self) -> impl Iterator<Item = &Ward> {
        std::iter::once(&self.ward).chain(&self.others)
    }

    pub(super) fn wards_mut(&mut self) -> impl Iterator<Item = &mut Ward> {
        std::iter::once(&mut self.ward).chain(&mut self.others)
    }

    /// Opens a source. While it is open and silent it holds back every judgement that time decides, so open the sources
    /// of one log together and close each when it ends.
    pub fn open(&mut self, name: &str) -> SourceId {
        let file = self.file(name);
        self.door.open(file)
    }

    /// Names a file that events come from; evidence points to it by this name.
    pub fn file(&mut self, name: &str) -> u32 {
        let name: Arc<str> = name.into();
        self.wards_mut().for_each(|ward| ward.files.push(Arc::clone(&name)));
        u32::try_from(self.ward.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// Takes in an event. One without an [origin](crate::model::Origin) gets its number in its source as line and offset.
    pub fn push(&mut self, source: SourceId, mut event: Event) {
        if event.origin() == Origin::default() {
            let position = self.door.positions.get_mut(source.0).map_or(0, |position| {
                *position += 1;
                *position
            });
            let file = self.door.source_files.get(source.0).copied().unwrap_or_default();
            event.set_origin(Origin { file, line: position, offset: position });
        }
        self.observe(source, &event);
    }

    /// Takes in an event that the caller goes on using.
    pub(crate) fn observe(&mut self, source: SourceId, event: &Event) {
        let Self { door, ward, .. } = self;
        let before = ward.metered.enter(Stage::Classify);
        if !door.is_repeat(source, (event.time(), event.identity())) {
            let signature = door.classify(event, &mut ward.metered);
            ward.metered.enter(Stage::Order);
            let wanted = signature.map(|signature| door.kept(event, signature));
            door.offer(source, wanted, event.time());
        }
        self.work();
        self.ward.metered.enter(before);
    }

    /// Takes in the next of some events, of an input and a file, that were sifted beside the run. What follows from it
    /// is [done](Run::work) later.
    pub(crate) fn take(&mut self, source: SourceId, (input, file): (usize, u32), sifted: &mut Sifted) {
        let Some(event) = sifted.next() else { return };
        self.hear(input, event.time);
        if self.door.is_repeat(source, (event.time, event.identity)) {
            sifted.pass_over(&event);
        } else {
            let wanted = self.door.sifted(&event, file, sifted);
            self.door.offer(source, wanted, event.time);
        }
        if self.door.turns.len() >= MANY {
            self.work();
        }
    }

    /// A record of one of the packs' inputs has come.
    pub(crate) fn hear(&mut self, input: usize, time: Timestamp) {
        self.door.hear(input, time);
    }

    /// Tells the wards what has happened since they were told the last time.
    pub(crate) fn work(&mut self) {
        if self.door.turns.is_empty() {
            return;
        }
        let mut turns = std::mem::take(&mut self.door.turns);
        self.all(turns.len() >= FEW, |ward| ward.work(&turns));
        turns.drain(..).for_each(|turn| self.door.recycle(turn));
        self.door.turns = turns;
        if self.door.sweep(self.wards().map(|ward| ward.subjects.forgotten()).sum()) {
            self.wards_mut().for_each(|ward| ward.directory.clear());
        }
    }

    /// Has every ward do the same, on a thread each if that is worth it.
    fn all(&mut self, is_much: bool, act: impl Fn(&mut Ward) + Sync) {
        let Self { ward, others, .. } = self;
        if is_much && !others.is_empty() {
            thread::scope(|scope| {
                for other in &mut *others {
                    scope.spawn(|| act(other));
                }
                act(ward);
            });
        } else {
            act(ward);
            others.iter_mut().for_each(&act);
        }
        // What is awaited on the subjects of one lets time go on for all.
        let now = others.iter().map(|other| other.now).fold(ward.now, Timestamp::max);
        self.wards_mut().for_each(|ward| ward.now = now);
    }

    /// Counts a record that no rule asks about and that says nothing of time.
    pub(crate) fn skip(&mut self) {
        let records = &mut self.door.summary.records;
        records.read += 1;
        records.skipped += 1;
    }

    /// Counts a record that could not be read.
    pub(crate) fn reject(&mut self, reason: Reject, origin: Origin) {
        /// How many rejected records of each reason are named.
        const SAMPLES: u64 = 3;
        let summary = &mut self.door.summary;
        summary.records.read += 1;
        let count = summary.records.rejected.entry(reason).or_default();
        *count += 1;
        if *count <= SAMPLES {
            let source = self.ward.file_name(origin.file);
            summary.samples.push(RejectSample { reason, source, line: origin.line, offset: origin.offset });
        }
    }

    /// The source has ended: it no longer holds the others back.
    pub fn close(&mut self, source: SourceId) {
        let before = self.ward.metered.enter(Stage::Order);
        self.door.close(source);
        self.work();
        self.ward.metered.enter(before);
    }

    /// The source has paused: it no longer holds the others back, until its next record that is neither late nor future.
    /// What it brings then is late only by the rules. How long a silence is a pause is the host's to say.
    pub fn idle(&mut self, source: SourceId) {
        self.door.idle(source);
        self.work();
    }

    /// The host's clock has moved, and the horizon with it: a stream that goes on for hours would else run into what was
    /// the future when it began. Where [`as_of`](crate::EngineBuilder::as_of) was declared, that stays.
    pub fn clock(&mut self, time: Timestamp) {
        self.settings.clock = Some(time);
        self.door.ingress.set_horizon(self.settings.horizon());
    }

    /// Every event up to and including this time has come, on every source: what waits for an absence, for the end of a
    /// window or for quiet is decided. Later events are still taken in, earlier ones are late. A host whose events have
    /// paused says so by this; it never goes back.
    pub fn advance(&mut self, time: Timestamp) {
        self.door.advance(time);
        self.work();
    }

    /// Symptoms that have begun anew since the run was [restored](crate::Engine::restore), because their rules have changed.
    pub fn begun_anew(&self) -> &[Arc<str>] {
        &self.begun_anew
    }

    /// The newest event time that a source has shown.
    pub fn frontier(&self, source: SourceId) -> Option<Timestamp> {
        self.door.ingress.newest(source.0)
    }

    /// Looks at the episodes under way: the next [`drain`](Run::drain) gives a diagnosis of each that is [opened], [updated]
    /// or [withdrawn] since the last look.
    ///
    /// It costs one judgement for each subject of which a detector has found something since then, so a host that has much
    /// to catch up with looks when it has caught up. Only runs of an engine that is [live](crate::EngineBuilder::live) have
    /// anything to say.
    ///
    /// [opened]: crate::model::Change::Opened
    /// [updated]: crate::model::Change::Updated
    /// [withdrawn]: crate::model::Change::Withdrawn
    pub fn look(&mut self) {
        let now = self.ward.now();
        self.ward.look_as_of(now);
    }

    /// The diagnoses that were resolved since the last call, in order of event time; and what a [look](Run::look) found.
    pub fn drain(&mut self) -> Vec<Diagnosis> {
        merged(self.wards_mut().map(|ward| std::mem::take(&mut ward.ready)).collect())
    }

    /// Ends the stream: closes every source, judges what is still open, and accounts for every record.
    ///
    /// What still waits for an event then is unknown, not missing, unless the engine was told that the stream is
    /// [complete](crate::EngineBuilder::complete).
    pub fn finish(mut self) -> (Vec<Diagnosis>, Summary) {
        self.ward.metered.enter(Stage::Order);
        for source in 0..self.door.positions.len() {
            self.close(SourceId(source));
        }
        if self.settings.complete {
            self.door.release(Timestamp::MAX);
            self.work();
        }
        self.ward.metered.enter(Stage::Diagnose);
        // The newest record of all, also one that no rule asks about: everything up to it is known.
        let last = self.door.ingress.last().unwrap_or(Timestamp::MIN);
        self.all(true, |ward| ward.end(last));
        self.ward.metered.enter(Stage::Host);
        let ready = self.drain();
        let mut summary = self.summary();
        if summary.records.future > 0 {
            summary.horizon = self.settings.horizon();
        }
        (ready, summary)
    }

    /// What became of everything so far.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = self.door.summary.clone();
        self.wards().for_each(|ward| summary.add(&ward.counted()));
        summary
    }

    /// Tells a meter where the work is from here on.
    pub(crate) fn measure(&mut self, meter: Box<dyn Meter>) {
        self.ward.metered.set(meter);
    }

    /// A record has its turn.
    pub(crate) fn begin_record(&mut self) {
        self.ward.metered.begin();
    }

    /// Whether somebody wants to know where the work is.
    pub(crate) fn is_metered(&self) -> bool {
        self.ward.metered.is_set()
    }

    /// The work goes on in another stage; gives the one that it was in.
    pub(crate) fn enter(&mut self, stage: Stage) -> Stage {
        self.ward.metered.enter(stage)
    }

    /// What became of records; the rest is added when somebody asks.
    pub(crate) fn summary_mut(&mut self) -> &mut Summary {
        &mut self.door.summary
    }
}
