//! What can be said of an event without knowing any other: which classes it belongs to, and what must be kept of it.
//!
//! So it may be said on any thread, before the run takes the event in. Nothing that a run numbers is numbered there:
//! signatures and addresses get their numbers when the event's turn has come, so that they are the same however many
//! threads there are.

use std::collections::VecDeque;
use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr};

use crate::detector::ClassId;
use crate::engine::Engine;
use crate::engine::meter::{Metered, Stage};
use crate::engine::sieve::Sieve;
use crate::engine::signature::{Signature, Signatures};
use crate::model::{Event, Origin, Timestamp, Value};
use crate::rule::Plan;

/// Asks which classes an event belongs to.
#[derive(Debug, Default)]
pub(super) struct Sifter {
    sieve: Sieve,
    classes: Vec<ClassId>,
}

impl Sifter {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { sieve: Sieve::new(&plan.classes), classes: Vec::new() }
    }

    /// The signature of an event that some rule asks about. `number` gives the number of a signature by its classes, and
    /// `unknown` is told which classes have a predicate that cannot be answered.
    pub(super) fn sift(
        &mut self,
        plan: &Plan,
        event: &Event,
        metered: &mut Metered,
        number: impl FnOnce(&[ClassId]) -> u32,
        mut unknown: impl FnMut(usize),
    ) -> Option<u32> {
        let Self { sieve, classes } = self;
        let verdict = sieve.ask(&plan.classes, event, metered)?;
        if verdict.signature.is_some() || (verdict.classes.is_empty() && verdict.asking.is_empty()) {
            return verdict.signature;
        }
        classes.clone_from(&verdict.classes);
        for &id in &verdict.asking {
            let at = usize::try_from(id.0).unwrap_or(usize::MAX);
            let mut doubtful = false;
            metered.enter(Stage::Predicate(at));
            if plan.classes.get(at).is_some_and(|class| class.agrees(event, &mut || doubtful = true)) {
                classes.push(id);
            }
            if doubtful {
                unknown(at);
            }
        }
        metered.enter(Stage::Classify);
        classes.sort_unstable();
        let signature = (!classes.is_empty()).then(|| number(classes));
        // Without predicates, the same answers always come to the same.
        if verdict.asking.is_empty() {
            verdict.signature = signature;
        }
        signature
    }
}

/// Sifts events beside a run of the same engine.
#[derive(Debug)]
pub(crate) struct Forerunner {
    plan: Arc<Plan>,
    sifter: Sifter,
    signatures: Signatures,
    /// For each signature met, its place in what is being filled.
    places: Vec<Option<u32>>,
}

/// What was said of some events, in their order; see [`Run::take`](crate::Run::take).
#[derive(Debug, Default)]
pub(crate) struct Sifted {
    events: VecDeque<Ahead>,
    /// Each once; and its number in the run, once that has taken in an event that has it.
    signatures: Vec<(Arc<Signature>, Option<u32>)>,
    /// Of each event with a signature whom it is about, by level.
    subjects: VecDeque<Option<SmolStr>>,
    /// Of each event with a signature the fields that are read.
    values: VecDeque<Option<Value>>,
    /// Of each event the classes whose predicate could not be answered.
    unknown: VecDeque<usize>,
}

/// An event that was sifted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    pub(super) time: Timestamp,
    pub(super) identity: u64,
    /// The file is the run's to know.
    pub(super) origin: Origin,
    /// Its place among the signatures that come with it.
    signature: Option<u32>,
    subjects: usize,
    values: usize,
    unknown: usize,
}

impl Forerunner {
    pub(crate) fn new(engine: &Engine) -> Self {
        let plan = Arc::clone(&engine.plan);
        let sifter = Sifter::new(&plan);
        Self { plan, sifter, signatures: Signatures::default(), places: Vec::new() }
    }

    /// Sifts an event. What is filled must be begun with [`begin`](Forerunner::begin).
    pub(crate) fn sift(&mut self, event: &Event, into: &mut Sifted) {
        let Self { plan, sifter, signatures, places } = self;
        let mut unknown = 0;
        let doubt = |class| {
            unknown += 1;
            into.unknown.push_back(class);
        };
        // Beside the run nothing is metered.
        let mut metered = Metered::default();
        let number =
            sifter.sift(plan, event, &mut metered, |classes| signatures.number(plan, classes), doubt);
        let signature = number.and_then(|number| Some((number, Signature::of(signatures, number)?)));
        let (mut subjects, mut values, mut place) = (0, 0, None);
        if let Some((number, signature)) = signature {
            let schema = event.schema();
            (subjects, values) = (schema.levels(), signature.reads.len());
            into.subjects.extend((0..subjects).map(|level| match event.subject_id(level)? {
                Value::Text(text) => Some(text.clone()),
                number => Some(number.to_smolstr()),
            }));
            into.values.extend(signature.reads.iter().map(|&field| event.field(field).cloned()));
            let at = usize::try_from(number).unwrap_or(usize::MAX);
            if places.len() <= at {
                places.resize(signatures.len(), None);
            }
            if let Some(known) = places.get_mut(at) {
                place = Some(*known.get_or_insert_with(|| {
                    into.signatures.push((Arc::clone(signature), None));
                    u32::try_from(into.signatures.len() - 1).unwrap_or(u32::MAX)
                }));
            }
        }
        let (time, identity, origin) = (event.time(), event.identity(), event.origin());
        into.events.push_back(Ahead { time, identity, origin, signature: place, subjects, values, unknown });
    }

    /// Empties what is to be filled next, keeping its memory.
    pub(crate) fn begin(&mut self, into: &mut Sifted) {
        self.places.fill(None);
        into.events.clear();
        into.signatures.clear();
        into.subjects.clear();
        into.values.clear();
        into.unknown.clear();
    }
}

impl Sifted {
    /// The next event. All that is said of it must be taken, or [passed over](Sifted::pass_over).
    pub(super) fn next(&mut self) -> Option<Ahead> {
        self.events.pop_front()
    }

    pub(super) fn pass_over(&mut self, event: &Ahead) {
        drop(self.unknown(event));
        drop(self.subjects(event));
        drop(self.values(event));
    }

    /// Its number, which `adopt` gives to a signature the first time.
    pub(super) fn signature(
        &mut self,
        event: &Ahead,
        adopt: impl FnOnce(&Arc<Signature>) -> u32,
    ) -> Option<u32> {
        let (signature, number) = self.signatures.get_mut(usize::try_from(event.signature?).ok()?)?;
        Some(*number.get_or_insert_with(|| adopt(signature)))
    }

    pub(super) fn subjects(&mut self, event: &Ahead) -> impl ExactSizeIterator<Item = Option<SmolStr>> {
        front(&mut self.subjects, event.subjects)
    }

    pub(super) fn values(&mut self, event: &Ahead) -> impl ExactSizeIterator<Item = Option<Value>> {
        front(&mut self.values, event.values)
    }

    pub(super) fn unknown(&mut self, event: &Ahead) -> impl ExactSizeIterator<Item = usize> {
        front(&mut self.unknown, event.unknown)
    }
}

fn front<T>(queue: &mut VecDeque<T>, count: usize) -> impl ExactSizeIterator<Item = T> {
    queue.drain(..count.min(queue.len()))
}
