//! Time goes on: subjects step from state to state, incidents befall them, records are made in the order of their times.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use crate::model::{Subject, Timestamp};
use crate::simulate::cast::{Cast, Member, NOTHING};
use crate::simulate::chance::Chance;
use crate::simulate::fleet::{Incident, Truth};
use crate::simulate::truth::Label;

/// A record that was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Made {
    /// When, in nanoseconds since 1970.
    pub(super) time: i64,
    /// How many were made before it.
    pub(super) count: u64,
    pub(super) form: u32,
    /// The subject; none for the gauge of a fleet.
    pub(super) member: Option<u32>,
    pub(super) value: u64,
}

/// What happens next, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// An incident comes: fleet and incident.
    Incident(u32, u32),
    /// A member is hit by an occurrence.
    Hit(u32, u32),
    /// A member's time in its state is over; void when it is of another version.
    Step(u32, u32),
    /// The gauge of a fleet is written.
    Gauge(u32),
}

/// One incident that came.
struct Occurrence<'a> {
    fleet: usize,
    incident: &'a Incident,
}

/// How long something was the matter with an outer subject.
struct Whole {
    from: i64,
    until: i64,
    records: u64,
    fleet: usize,
}

/// A step takes at least so long, so that every span has an end: a millisecond.
const SHORTEST: i64 = 1_000_000;

/// A simulation while time goes on.
pub(super) struct Play<'a> {
    pub(super) cast: Cast<'a>,
    enough: bool,
    turns: BinaryHeap<Reverse<(i64, Turn)>>,
    occurrences: Vec<Occurrence<'a>>,
    /// By the truth, the occurrence and the subject.
    wholes: BTreeMap<(Arc<str>, u32, Subject), (Whole, Truth)>,
    count: u64,
    /// What is known to be over.
    pub(super) labels: Vec<Label>,
}

impl<'a> Play<'a> {
    /// Begins at `start`, each fleet with its own states and incidents.
    pub(super) fn new(cast: Cast<'a>, start: i64, enough: bool) -> Self {
        let mut play = Self {
            cast,
            enough,
            turns: BinaryHeap::new(),
            occurrences: Vec::new(),
            wholes: BTreeMap::new(),
            count: 0,
            labels: Vec::new(),
        };
        for (at, fleet) in (0_u32..).zip(&play.cast.fleets) {
            for (number, incident) in (0_u32..).zip(&fleet.fleet.incidents) {
                let mut chance = Chance::numbered(fleet.seed, u64::from(number));
                let after = incident.at.draw(&mut chance, start, fleet.seed);
                play.turns.push(Reverse((start.saturating_add(after), Turn::Incident(at, number))));
            }
            if let Some(gauge) = fleet.fleet.gauge.as_ref().filter(|_| fleet.gauge.is_some()) {
                let first = start.saturating_add(gauge.every);
                play.turns.push(Reverse((first, Turn::Gauge(at))));
            }
        }
        // A version that no step has: the first state is entered by a turn as all others are.
        for member in 0..u32::try_from(play.cast.members.len()).unwrap_or(u32::MAX) {
            play.turns.push(Reverse((start, Turn::Step(member, 0))));
        }
        play
    }

    /// What happens next; `false` when nothing more does.
    pub(super) fn step(&mut self, made: &mut impl FnMut(Made)) -> bool {
        let Some(Reverse((time, turn))) = self.turns.pop() else { return false };
        if time >= self.end_of(turn) {
            return true;
        }
        match turn {
            Turn::Incident(fleet, incident) => self.come(fleet, incident, time),
            Turn::Hit(member, occurrence) => self.hit(member, occurrence, time, made),
            Turn::Step(member, version) => self.go_on(member, version, time, made),
            Turn::Gauge(fleet) => self.gauge(fleet, time, made),
        }
        true
    }

    /// When it is over for whom a turn is about.
    fn end_of(&self, turn: Turn) -> i64 {
        let fleet = match turn {
            Turn::Incident(fleet, _) | Turn::Gauge(fleet) => usize_of(fleet),
            Turn::Hit(member, _) | Turn::Step(member, _) => {
                let group = self.cast.members.get(usize_of(member)).map(|member| usize_of(member.group));
                group.and_then(|group| self.cast.groups.get(group)).map_or(usize::MAX, |group| group.fleet)
            }
        };
        self.cast.fleets.get(fleet).map_or(0, |fleet| fleet.end)
    }

    /// Everything that is still the matter is told, up to the last record.
    pub(super) fn finish(&mut self) {
        for at in 0..self.cast.members.len() {
            let Some(member) = self.cast.members.get(at).cloned() else { continue };
            if member.occurrence != NOTHING {
                self.tell_befallen(&member, member.last);
            }
            let Some(group) = self.cast.groups.get(usize_of(member.group)) else { continue };
            if member.first > member.last {
                continue;
            }
            let span = (member.first, member.last);
            match &group.group.truth {
                Some(truth) => {
                    let truth = truth.clone();
                    self.tell(&member, &truth, NOTHING, span, u64::from(member.records));
                }
                None if member.was_hit => {}
                None => {
                    let label = Label {
                        subject: self.cast.subject(&member, self.cast.levels.len()),
                        from: stamp(span.0),
                        until: stamp(span.1),
                        cause: None,
                        enough: true,
                        records: u64::from(member.records),
                        group: self.group_name(&member),
                    };
                    self.labels.push(label);
                }
            }
        }
        for ((cause, _, subject), (whole, truth)) in std::mem::take(&mut self.wholes) {
            let fleet = self.cast.fleets.get(whole.fleet);
            self.labels.push(Label {
                subject,
                from: stamp(whole.from),
                until: stamp(whole.until),
                cause: Some(cause),
                enough: self.suffices(&truth, (whole.from, whole.until), whole.records),
                records: whole.records,
                group: fleet.map_or_else(|| "".into(), |fleet| Arc::clone(&fleet.fleet.name)),
            });
        }
    }

    fn come(&mut self, at: u32, number: u32, time: i64) {
        let Some(fleet) = self.cast.fleets.get(usize_of(at)) else { return };
        let Some(incident) = fleet.fleet.incidents.get(usize_of(number)) else { return };
        if let Some(every) = incident.every {
            self.turns.push(Reverse((time.saturating_add(every), Turn::Incident(at, number))));
        }
        let occurrence = u32::try_from(self.occurrences.len()).unwrap_or(NOTHING);
        self.occurrences.push(Occurrence { fleet: usize_of(at), incident });
        let salt = (u64::from(number) << 32) ^ u64::from(occurrence) ^ INCIDENT;
        for place in fleet.members.clone() {
            let Some(member) = self.cast.members.get(place) else { continue };
            if !incident.groups.iter().any(|(group, _)| fleet.groups.start + group == usize_of(member.group))
            {
                continue;
            }
            let mut chance = Chance::numbered(member.own, salt);
            let matches = |(field, value): &(String, String)| {
                self.cast.field(member, field).as_deref() == Some(value.as_str())
            };
            if chance.happens(incident.share) && incident.matching.iter().all(matches) {
                let over = u64::try_from(incident.over).unwrap_or(0).saturating_add(1);
                let later = i64::try_from(chance.below(over)).unwrap_or(0);
                let member = u32::try_from(place).unwrap_or(u32::MAX);
                self.turns.push(Reverse((time.saturating_add(later), Turn::Hit(member, occurrence))));
            }
        }
    }

    fn hit(&mut self, at: u32, number: u32, time: i64, made: &mut impl FnMut(Made)) {
        let Some(occurrence) = self.occurrences.get(usize_of(number)) else { return };
        let incident = occurrence.incident;
        let first = self.cast.fleets.get(occurrence.fleet).map_or(0, |fleet| fleet.groups.start);
        let Some(member) = self.cast.members.get(usize_of(at)) else { return };
        let Some(group) = self.cast.groups.get(usize_of(member.group)) else { return };
        let state = group.group.states.get(usize_of(member.state));
        let is_inside = state.is_some_and(|state| incident.inside.contains(&state.name));
        let target = incident.groups.iter().find(|(group, _)| first + group == usize_of(member.group));
        let Some((_, target)) = target else { return };
        if !is_inside && !incident.inside.is_empty() {
            if let Some(member) = self.cast.members.get_mut(usize_of(at)).filter(|_| incident.waits) {
                member.awaited = number;
            }
            return;
        }
        if incident.truth.is_some() {
            if member.occurrence != NOTHING {
                let before = member.clone();
                self.tell_befallen(&before, time);
            }
            if let Some(member) = self.cast.members.get_mut(usize_of(at)) {
                (member.occurrence, member.befallen, member.since) = (number, time, member.records);
                member.was_hit = true;
            }
        }
        self.enter(at, *target, None, time, made);
    }

    fn go_on(&mut self, at: u32, version: u32, time: i64, made: &mut impl FnMut(Made)) {
        let Some(member) = self.cast.members.get_mut(usize_of(at)) else { return };
        if member.version != version {
            return;
        }
        let state = usize_of(member.state);
        if version == 0 {
            return self.enter(at, state, None, time, made);
        }
        if let Some(left) = member.repeats.checked_sub(1) {
            return self.enter(at, state, Some(left), time, made);
        }
        let group = self.cast.groups.get(usize_of(member.group));
        let next = group.and_then(|group| group.group.states.get(state)).map(|state| &state.next);
        if let Some(next) = next.filter(|next| !next.is_empty()) {
            let one = member.chance.weighted(next.iter().map(|(_, weight)| *weight));
            let next = next.get(one).map_or(0, |(state, _)| *state);
            self.enter(at, next, None, time, made);
        }
    }

    /// A member enters a state: records are made, truths end, and its time there is drawn.
    fn enter(&mut self, at: u32, to: usize, left: Option<u32>, time: i64, made: &mut impl FnMut(Made)) {
        let Some(member) = self.cast.members.get_mut(usize_of(at)) else { return };
        let Some(group) = self.cast.groups.get(usize_of(member.group)) else { return };
        let Some(state) = group.group.states.get(to) else { return };
        if let Some(fleet) = self.cast.fleets.get_mut(group.fleet) {
            let counted = |state: usize| u64::from(group.counted.get(state) == Some(&true));
            if member.version > 0 {
                fleet.counted -= counted(usize_of(member.state)).min(fleet.counted);
            }
            fleet.counted += counted(to);
        }
        member.version = member.version.wrapping_add(1).max(1);
        member.state = u32::try_from(to).unwrap_or(0);
        let (low, high) = state.repeat;
        let again =
            |chance: &mut Chance| low + u32::try_from(chance.below(u64::from(high - low) + 1)).unwrap_or(0);
        member.repeats = left.unwrap_or_else(|| again(&mut member.chance));
        for emit in 0..state.emit.len() {
            (member.first, member.last) = (member.first.min(time), time);
            if let Some(form) = group.form(usize_of(member.combination), to, emit) {
                member.records = member.records.saturating_add(1);
                made(Made { time, count: self.count, form, member: Some(at), value: 0 });
                self.count += 1;
            }
        }
        if let Some(after) = &state.after {
            let later = after.draw(&mut member.chance, time, member.own).max(SHORTEST);
            let step = Turn::Step(at, member.version);
            self.turns.push(Reverse((time.saturating_add(later), step)));
        }
        let awaited = self.occurrences.get(usize_of(member.awaited));
        if awaited.is_some_and(|occurrence| occurrence.incident.inside.contains(&state.name)) {
            self.turns.push(Reverse((time, Turn::Hit(at, member.awaited))));
            member.awaited = NOTHING;
        }
        if member.occurrence != NOTHING {
            let truth = self.occurrences.get(usize_of(member.occurrence));
            let ends = truth.and_then(|occurrence| occurrence.incident.truth.as_ref());
            if ends.is_some_and(|truth| truth.ends.contains(&state.name)) {
                let before = member.clone();
                member.occurrence = NOTHING;
                self.tell_befallen(&before, time);
            }
        }
    }

    fn gauge(&mut self, at: u32, time: i64, made: &mut impl FnMut(Made)) {
        let Some(fleet) = self.cast.fleets.get(usize_of(at)) else { return };
        let (Some(gauge), Some(form)) = (&fleet.fleet.gauge, fleet.gauge) else { return };
        self.turns.push(Reverse((time.saturating_add(gauge.every), Turn::Gauge(at))));
        made(Made { time, count: self.count, form, member: None, value: fleet.counted });
        self.count += 1;
    }

    /// What befell a member is over.
    fn tell_befallen(&mut self, member: &Member, until: i64) {
        let Some(occurrence) = self.occurrences.get(usize_of(member.occurrence)) else { return };
        let Some(truth) = occurrence.incident.truth.clone() else { return };
        let records = u64::from(member.records - member.since);
        let span = (member.befallen, until.max(member.befallen));
        self.tell(member, &truth, member.occurrence, span, records);
    }

    fn tell(&mut self, member: &Member, truth: &Truth, occurrence: u32, span: (i64, i64), records: u64) {
        for &levels in &truth.levels {
            let subject = self.cast.subject(member, levels);
            if subject.levels().len() == self.cast.levels.len() {
                self.labels.push(Label {
                    subject,
                    from: stamp(span.0),
                    until: stamp(span.1),
                    cause: Some(Arc::clone(&truth.cause)),
                    enough: self.suffices(truth, span, records),
                    records,
                    group: self.group_name(member),
                });
                continue;
            }
            // Of outer subjects many members tell; their spans together are one.
            let fleet = self.cast.groups.get(usize_of(member.group)).map_or(0, |group| group.fleet);
            let key = (Arc::clone(&truth.cause), occurrence, subject);
            let whole = Whole { from: span.0, until: span.1, records: 0, fleet };
            let (whole, _) = self.wholes.entry(key).or_insert_with(|| (whole, truth.clone()));
            (whole.from, whole.until) = (whole.from.min(span.0), whole.until.max(span.1));
            whole.records += records;
        }
    }

    fn suffices(&self, truth: &Truth, span: (i64, i64), records: u64) -> bool {
        self.enough && truth.enough && records > 0 && span.1 - span.0 >= truth.needs
    }

    fn group_name(&self, member: &Member) -> Arc<str> {
        let group = self.cast.groups.get(usize_of(member.group));
        let fleet = group.and_then(|group| self.cast.fleets.get(group.fleet));
        let names =
            group.zip(fleet).map(|(group, fleet)| format!("{}/{}", fleet.fleet.name, group.group.name));
        names.unwrap_or_default().into()
    }
}

/// A stream of chance of its own.
const INCIDENT: u64 = 0x696e_6369_6465_6e74;

pub(super) fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn stamp(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos).unwrap_or(Timestamp::MIN)
}
