//! One case through a pipeline of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::Failure;
use crate::check::coverage::Seen;
use crate::engine::{Engine, SymptomTrace};
use crate::model::{Accounts, Diagnosis, Subject, Timestamp};
use crate::pipeline::Pipeline;
use crate::rule::{Case, Records};
use crate::simulate::{self, Stretch};

/// What came of a case.
pub(super) struct Played {
    pub(super) diagnoses: Vec<Diagnosis>,
    /// Each subject that events were about, with its episodes, the last one as it stood in the end.
    pub(super) subjects: BTreeMap<Subject, Vec<Vec<SymptomTrace>>>,
    pub(super) events: u64,
    /// Records that made no event.
    pub(super) faults: Vec<Failure>,
}

impl Played {
    /// How a symptom stood on a subject in its episodes, the last one first.
    fn traces(&self, subject: &Subject, symptom: &str) -> impl Iterator<Item = &SymptomTrace> {
        let episodes = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
        episodes.iter().rev().flatten().filter(move |trace| &*trace.id == symptom)
    }

    /// How a symptom stood on a subject: where it was present, or else when it was last tempted.
    pub(super) fn trace(&self, subject: &Subject, symptom: &str) -> Option<&SymptomTrace> {
        let present = self.traces(subject, symptom).find(|trace| trace.status.is_present());
        let tempted = || self.traces(subject, symptom).find(|trace| trace.events > 0);
        present.or_else(tempted).or_else(|| self.traces(subject, symptom).next())
    }

    /// How many events the detector of a symptom saw of a subject.
    pub(super) fn events_of(&self, subject: &Subject, symptom: &str) -> u64 {
        self.traces(subject, symptom).map(|trace| trace.events).sum()
    }

    /// The subjects on which a symptom was present.
    pub(super) fn present(&self, symptom: &str) -> impl Iterator<Item = &Subject> {
        let shows = |subject: &&Subject| self.traces(subject, symptom).any(|trace| trace.status.is_present());
        self.subjects.keys().filter(shows)
    }
}

/// An event that comes later than this after the one before would wait for a witness: time is told beforehand.
const LEAP: Duration = Duration::from_secs(24 * 3600);
const NANOSECOND: Duration = Duration::from_nanos(1);
/// Bytes that are pushed at once.
const CHUNK: usize = 1 << 16;

/// Plays a case to its end, and shows all that happens to `seen`.
pub(super) fn play(engine: &Engine, case: &Case, seen: &mut Seen) -> Played {
    let engine = engine.for_case(case.complete);
    let mut pipeline = Pipeline::new(&engine);
    pipeline.follow(|_| true);
    pipeline.witnessed();
    let mut player = Player { pipeline, seen, events: 0, faults: Vec::new(), now: case.start };
    let stretches = simulate::expand(case);
    for (at, stretch) in stretches.iter().enumerate() {
        let followed = stretches.get(at + 1).is_some_and(|next| !next.is_empty());
        player.stretch(stretch, at > 0, followed);
    }
    if case.complete {
        player.advance(Timestamp::MAX);
    }
    player.finish()
}

struct Player<'a> {
    pipeline: Pipeline,
    seen: &'a mut Seen,
    events: u64,
    faults: Vec<Failure>,
    now: Timestamp,
}

impl Player<'_> {
    fn stretch(&mut self, stretch: &Stretch<'_>, after_a_wait: bool, followed: bool) {
        let mut end = self.now;
        if !stretch.is_empty() {
            // All sources of a stretch open before the first one closes: none can make another late.
            let given = self.pipeline.open("given");
            let names = stretch.records.iter().map(|records| records.file.as_deref().unwrap_or("records"));
            let sources: Vec<_> = names.map(|name| self.pipeline.open(name)).collect();
            for (source, records) in sources.into_iter().zip(&stretch.records) {
                let before = (self.events, self.pipeline.accounts().clone());
                for chunk in records.text.as_bytes().chunks(CHUNK) {
                    self.pipeline.push(source, chunk);
                    self.witness();
                }
                self.pipeline.close(source);
                self.witness();
                end = end.max(self.pipeline.frontier(source).unwrap_or(end));
                self.count(records, before.0, &before.1);
            }
            let mut last = after_a_wait.then_some(self.now);
            for event in stretch.events(self.now) {
                let time = event.time();
                if last.is_some_and(|last| time > last.plus(LEAP)) {
                    self.pipeline.advance(time.minus(NANOSECOND));
                }
                last = Some(time);
                end = end.max(time);
                self.pipeline.push_event(given, event);
                self.witness();
            }
            self.pipeline.close(given);
            self.look();
        }
        if let Some(wait) = stretch.wait {
            end = end.plus(wait);
            // What follows may come at that very instant.
            self.advance(if followed { end.minus(NANOSECOND) } else { end });
        }
        self.now = end;
    }

    fn advance(&mut self, time: Timestamp) {
        self.pipeline.advance(time);
        self.look();
    }

    fn witness(&mut self) {
        for (_, event) in self.pipeline.witnessed() {
            self.events += 1;
            self.seen.event(&event);
        }
    }

    /// States that pass count too: what is looked at here need not last until the end.
    fn look(&mut self) {
        for subject in self.pipeline.subjects() {
            self.pipeline.trace(&subject).iter().for_each(|trace| self.seen.trace(trace));
        }
    }

    /// Records that make no event at all prove nothing, and look as if they did.
    fn count(&mut self, records: &Records, events: u64, before: &Accounts) {
        if self.events > events {
            return;
        }
        let accounts = self.pipeline.accounts();
        let mut instead = vec![match accounts.read - before.read {
            0 => "no record was found in them".to_owned(),
            1 => "the one record made no event".to_owned(),
            n => format!("none of the {n} records made an event"),
        }];
        for (reason, count) in &accounts.rejected {
            let rejected = count - before.rejected.get(reason).copied().unwrap_or_default();
            if rejected > 0 {
                instead.push(format!("{rejected} rejected: {}", reason.sentence()));
            }
        }
        let skipped = accounts.skipped - before.skipped;
        if skipped > 0 {
            instead.push(format!("{skipped} skipped: `only` of the input leaves them out"));
        }
        let line = records.place.line();
        let expected = match &records.file {
            Some(file) => format!("events from `{file}` (line {line})"),
            None => format!("events from the records at line {line}"),
        };
        self.faults.push(Failure { subject: None, expected, instead });
    }

    fn finish(self) -> Played {
        let Self { mut pipeline, seen, events, faults, .. } = self;
        let mut subjects = BTreeMap::new();
        for subject in pipeline.subjects() {
            let endings = pipeline.endings(&subject).iter().map(|ending| ending.symptoms.clone());
            let mut episodes: Vec<Vec<SymptomTrace>> = endings.collect();
            episodes.iter().flatten().for_each(|trace| seen.trace(trace));
            episodes.push(pipeline.trace(&subject));
            subjects.insert(subject, episodes);
        }
        let mut diagnoses = pipeline.drain();
        diagnoses.extend(pipeline.finish().0);
        Played { diagnoses, subjects, events, faults }
    }
}
