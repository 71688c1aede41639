//! From events in any order to turns in canonical order: what is said of an event before anybody it is about is asked.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Settings;
use crate::engine::addresses::{Addresses, Path};
use crate::engine::meter::Metered;
use crate::engine::run::SourceId;
use crate::engine::sift::{Ahead, Sifted, Sifter};
use crate::engine::signature::{Signature, Signatures};
use crate::model::{Event, Origin, Summary, Timestamp, Value};
use crate::rule::{Identity, Plan};
use crate::timeline::{Admitted, Ingress, Order, Reorder};

/// The memory of the values of so many events is used again.
const SPARE: usize = 1_024;
/// An event that waits: its address, and what the allocator adds.
const EVENT: usize = size_of::<(Order, Waiting)>() + 96;

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

impl Waiting {
    fn weight(&self) -> usize {
        EVENT + self.values.len() * size_of::<Option<Value>>()
    }
}

/// What a ward is told, in the order in which it happens.
#[derive(Debug)]
pub(super) enum Turn {
    /// The next signature, in the order of their numbers.
    Signature(Arc<Signature>),
    /// What an address says.
    Address(u32, Path),
    /// A record of an input has come that is older than those before it.
    Heard(usize, Timestamp),
    /// An event, in canonical order.
    Event(Waiting),
    /// Every event before this time has come.
    Reached(Timestamp),
    /// The host's time, which is never later than what was reached.
    Now(Timestamp),
}

/// The door of a run: sources, the order of time, and the numbers that signatures and addresses have.
#[derive(Debug)]
pub(super) struct Door {
    plan: Arc<Plan>,
    pub(super) ingress: Ingress<Option<Waiting>>,
    pub(super) waiting: Reorder<Waiting>,
    /// What waits, in bytes, and how much may.
    weight: usize,
    most: usize,
    pub(super) addresses: Addresses,
    pub(super) signatures: Signatures,
    /// So many of them were told.
    told: usize,
    /// The oldest record of each input.
    pub(super) heard: Vec<Option<Timestamp>>,
    pub(super) source_files: Vec<u32>,
    pub(super) positions: Vec<u64>,
    /// Time and identity of the last record of each source.
    pub(super) previous: Vec<(Timestamp, u64)>,
    /// What became of records.
    pub(super) summary: Summary,
    sifter: Sifter,
    admitted: Vec<Admitted<Option<Waiting>>>,
    /// Memory that events had that were applied.
    spare: Vec<Vec<Option<Value>>>,
    reached: Option<Timestamp>,
    /// What the ward has not been told yet.
    pub(super) turns: Vec<Turn>,
}

impl Door {
    pub(super) fn new(plan: &Arc<Plan>, settings: &Settings) -> Self {
        Self {
            plan: Arc::clone(plan),
            ingress: Ingress::new(settings.lateness, settings.horizon()),
            waiting: Reorder::default(),
            weight: 0,
            most: settings.memory / 4,
            addresses: Addresses::default(),
            signatures: Signatures::default(),
            told: 0,
            heard: vec![None; plan.inputs().len()],
            source_files: Vec::new(),
            positions: Vec::new(),
            previous: Vec::new(),
            summary: Summary::default(),
            sifter: Sifter::new(plan),
            admitted: Vec::new(),
            spare: Vec::new(),
            reached: None,
            turns: Vec::new(),
        }
    }

    /// Opens a source that is called like this file.
    pub(super) fn open(&mut self, file: u32) -> SourceId {
        self.source_files.push(file);
        self.positions.push(0);
        self.previous.push((Timestamp::MIN, 0));
        SourceId::new(self.ingress.open())
    }

    /// Whether the record stands right behind itself: a repeat is no second witness for a strange time.
    pub(super) fn is_repeat(&mut self, source: SourceId, this: (Timestamp, u64)) -> bool {
        self.summary.records.read += 1;
        let Some(previous) = self.previous.get_mut(source.index()) else { return false };
        let again = self.plan.identity == Identity::Record
            && this.1 != 0
            && std::mem::replace(previous, this) == this;
        self.summary.records.duplicate += u64::from(again);
        again
    }

    /// The signature of an event that some rule asks about.
    pub(super) fn classify(&mut self, event: &Event, metered: &mut Metered) -> Option<u32> {
        let Self { plan, sifter, signatures, summary, .. } = self;
        let unknown = |class: usize| doubt(summary, plan, class);
        sifter.sift(plan, event, metered, |classes| signatures.number(plan, classes), unknown)
    }

    /// What must be kept of an event until it is applied.
    pub(super) fn kept(&mut self, event: &Event, signature: u32) -> Waiting {
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

    /// The same for the next of some events that were sifted elsewhere.
    pub(super) fn sifted(&mut self, event: &Ahead, file: u32, sifted: &mut Sifted) -> Option<Waiting> {
        sifted.unknown(event).for_each(|class| doubt(&mut self.summary, &self.plan, class));
        let signature = sifted.signature(event, |signature| self.signatures.adopt(signature))?;
        let address = self.addresses.numbered(sifted.subjects(event));
        let known = sifted.values(event);
        let mut values = if known.len() == 0 { Vec::new() } else { self.spare.pop().unwrap_or_default() };
        values.extend(known);
        let origin = Origin { file, ..event.origin };
        Some(Waiting { time: event.time, identity: event.identity, origin, signature, address, values })
    }

    /// A record of one of the packs' inputs has come.
    pub(super) fn hear(&mut self, input: usize, time: Timestamp) {
        if let Some(first) = self.heard.get_mut(input).filter(|first| first.is_none_or(|first| time < first))
        {
            *first = Some(time);
            self.turns.push(Turn::Heard(input, time));
        }
    }

    /// A record, with what must be kept of it if some rule asks about it.
    pub(super) fn offer(&mut self, source: SourceId, wanted: Option<Waiting>, time: Timestamp) {
        self.admit(source, |ingress, admitted| ingress.offer(source.index(), wanted, time, admitted));
    }

    pub(super) fn close(&mut self, source: SourceId) {
        self.admit(source, |ingress, admitted| ingress.close(source.index(), admitted));
    }

    pub(super) fn idle(&mut self, source: SourceId) {
        self.admit(source, |ingress, admitted| ingress.idle(source.index(), admitted));
    }

    /// Every event up to and including this time has come.
    pub(super) fn advance(&mut self, time: Timestamp) {
        let mut released = Vec::new();
        self.ingress.advance(time, &mut released);
        for (source, admitted) in released {
            self.admit_one(SourceId::new(source), admitted);
        }
        self.release(time.plus(Duration::from_nanos(1)));
        self.turns.push(Turn::Now(time));
    }

    fn admit(
        &mut self,
        source: SourceId,
        act: impl FnOnce(&mut Ingress<Option<Waiting>>, &mut Vec<Admitted<Option<Waiting>>>),
    ) {
        let mut admitted = std::mem::take(&mut self.admitted);
        act(&mut self.ingress, &mut admitted);
        admitted.drain(..).for_each(|admitted| self.admit_one(source, admitted));
        self.admitted = admitted;
        if let Some(watermark) = self.ingress.watermark() {
            self.release(watermark);
        }
        if self.is_crowded() {
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
                if self.wait(source, event) {
                    self.summary.records.decoded += 1;
                } else {
                    self.summary.records.duplicate += 1;
                }
            }
        }
    }

    /// Has an event wait; `false` when it is waiting already.
    pub(super) fn wait(&mut self, source: SourceId, event: Waiting) -> bool {
        let weight = event.weight();
        let fresh = self.waiting.insert(order(self.plan.identity, source, &event), event);
        self.weight += if fresh { weight } else { 0 };
        fresh
    }

    /// Whether more events wait than may.
    fn is_crowded(&self) -> bool {
        self.weight > self.most
    }

    /// Has everything told that happened before `watermark`.
    pub(super) fn release(&mut self, watermark: Timestamp) {
        let mut moved = self.reached.is_none_or(|reached| reached < watermark);
        while let Some((_, event)) = self.waiting.pop_before(watermark) {
            moved = true;
            self.weight = self.weight.saturating_sub(event.weight());
            self.name(&event);
            self.turns.push(Turn::Event(event));
        }
        if moved {
            self.reached = Some(watermark);
            self.turns.push(Turn::Reached(watermark));
        }
    }

    /// Tells what the numbers of an event mean, where that was not told yet.
    fn name(&mut self, event: &Waiting) {
        self.name_signatures();
        if let Some(path) = self.addresses.announce(event.address) {
            self.turns.push(Turn::Address(event.address, path));
        }
    }

    /// Tells which signatures there are, as far as that was not told yet.
    pub(super) fn name_signatures(&mut self) {
        for signature in self.signatures.get(self.told..).unwrap_or_default() {
            self.turns.push(Turn::Signature(Arc::clone(signature)));
            self.told += 1;
        }
    }

    /// Has events told before their lateness is over while more of them wait than may.
    fn hurry(&mut self) {
        while self.is_crowded() {
            let Some(first) = self.waiting.iter().next().map(|(order, _)| order.time) else { break };
            let before = self.waiting.len();
            let watermark = first.plus(Duration::from_nanos(1));
            self.ingress.hurry(watermark);
            self.release(watermark);
            let applied = before.saturating_sub(self.waiting.len());
            self.summary.hurried += u64::try_from(applied).unwrap_or(u64::MAX);
            if applied == 0 {
                break;
            }
        }
    }

    /// Takes back the memory of turns that were told.
    pub(super) fn recycle(&mut self, turn: Turn) {
        if let Turn::Event(Waiting { mut values, .. }) = turn
            && values.capacity() > 0
            && self.spare.len() < SPARE
        {
            values.clear();
            self.spare.push(values);
        }
    }

    /// Forgets the addresses that nobody needs any more; `false` when that is not worth its time.
    pub(super) fn sweep(&mut self, forgotten: u64) -> bool {
        if !self.addresses.is_worth_sweeping(forgotten) {
            return false;
        }
        let held = self.ingress.held().filter_map(|event| Some(event.as_ref()?.address));
        let waiting = self.waiting.iter().map(|(_, event)| event.address);
        self.addresses.sweep(waiting.chain(held), forgotten);
        true
    }
}

/// The predicate of a class could not be answered for one more event.
fn doubt(summary: &mut Summary, plan: &Plan, class: usize) {
    if let Some(name) = plan.class_names.get(class) {
        *summary.unknown_predicates.entry(Arc::clone(name)).or_default() += 1;
    }
}

fn order(identity: Identity, source: SourceId, event: &Waiting) -> Order {
    match identity {
        Identity::Record if event.identity != 0 => Order::by_record(event.time, event.identity),
        Identity::Record | Identity::Position => {
            let source = (source.index() as u64) << 32 | u64::from(event.origin.file);
            Order::by_position(event.time, source, event.origin.offset)
        }
    }
}
