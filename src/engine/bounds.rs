//! How much a run may remember, and what goes when it is too much.
//!
//! Half of the memory is for subjects, shared out equally among 128 key groups of subjects by their own keys, so what
//! is forgotten depends on the subjects of one group alone. A group that is over its share forgets first what is as
//! good as new, then the subjects that have been silent longest, until an eighth is free; those that were forgotten
//! once and have come back go last. Subjects that others may lie in are a group of their own, with an eighth of the
//! memory, and with them goes all that lies in them. An episode that is under way is diagnosed as it stands and marked as incomplete. On
//! a subject that was forgotten and comes back nothing is certainly absent that reaches further back. Problem events of a
//! group that wait to be booked are booked at once when there are too many. What weighs how much is estimated from the
//! sizes of types.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::chart::{Chart, Entry, Shown};
use crate::engine::checkpoint::{GROUPS, group_of};
use crate::engine::ghosts::Ghosts;
use crate::engine::share::Share;
use crate::engine::ward::{Moment, Pending, Ward};
use crate::model::{Exhibit, Timestamp};
use crate::rule::{Plan, Symptom};

/// What the allocator and the tables of a small thing add to it, roughly.
const BESIDE: usize = 32;
/// A subject beside its symptoms: its name in two tables, its chart, its address and an alarm.
const SUBJECT: usize = size_of::<Chart>() + 4 * BESIDE + 256;
/// A symptom on a subject, beside what its watch holds: its place among others, in memory that doubles when it is full.
const SYMPTOM: usize = size_of::<Entry>() * 3 / 2 + BESIDE;
/// What a symptom has shown: evidence of a few events and a count of a signature among it.
const SHOWN: usize = size_of::<Shown>() + 2 * size_of::<Exhibit>() + 3 * BESIDE;
/// A watch that has seen little holds no more than this, whatever it may come to hold.
const FRESH: usize = 768;

/// What the subjects of one key group weigh.
#[derive(Clone, Debug, Default)]
struct Group {
    members: Vec<(u32, u64)>,
    bytes: usize,
    /// How many problem events wait to be booked.
    pending: usize,
    /// The subjects that were forgotten before their memory was worthless.
    evicted: Ghosts,
}

/// The group of the outer subjects stands behind the others.
const OUTER: u8 = GROUPS;

/// What a run remembers, in bytes, and how many it may.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    most: usize,
    share: Share,
    groups: Vec<Group>,
}

impl Bounds {
    pub(super) fn new(most: usize, share: Share) -> Self {
        Self { most, share, groups: vec![Group::default(); usize::from(GROUPS) + 1] }
    }

    /// How many bytes the subjects of the group of this one may take.
    fn room(&self, key: u64) -> usize {
        if self.share.is_outer(key) { self.most / 8 } else { self.most / 2 / usize::from(GROUPS) }
    }

    fn number(&self, key: u64) -> u8 {
        if self.share.is_outer(key) { OUTER } else { group_of(key) }
    }

    fn group(&mut self, key: u64) -> Option<&mut Group> {
        let number = self.number(key);
        self.groups.get_mut(usize::from(number))
    }

    /// Whether two subjects are of one group.
    pub(super) fn are_together(&self, key: u64, other: u64) -> bool {
        self.number(key) == self.number(other)
    }

    /// A problem event waits to be booked; whether there are too many in its group now.
    pub(super) fn waits(&mut self, key: u64) -> bool {
        let most = self.most / 1_024 / size_of::<Pending>();
        self.group(key).is_some_and(|group| {
            group.pending += 1;
            group.pending > most
        })
    }

    /// A problem event waits no longer.
    pub(super) fn waits_no_longer(&mut self, key: u64) {
        if let Some(group) = self.group(key) {
            group.pending = group.pending.saturating_sub(1);
        }
    }

    /// When a subject of its key group was last forgotten, if this one may be among those.
    pub(super) fn evicted(&self, key: u64) -> Option<Timestamp> {
        self.groups.get(usize::from(self.number(key)))?.evicted.seen(key)
    }

    /// Whom a group had forgotten in a run that this one goes on from.
    pub(super) fn set_evicted(&mut self, group: u8, evicted: Ghosts) {
        if let Some(group) = self.groups.get_mut(usize::from(group)) {
            group.evicted = evicted;
        }
    }

    /// Whom each group has forgotten, where it is anybody.
    pub(super) fn all_evicted(&self) -> impl Iterator<Item = (u8, Ghosts)> {
        let groups = (0..).zip(&self.groups).filter(|(_, group)| !group.evicted.is_empty());
        groups.map(|(number, group)| (number, group.evicted.clone()))
    }

    /// How many bytes a group may take to know whom it has forgotten, twice.
    fn ghosts(&self) -> usize {
        self.most / 64 / usize::from(GROUPS)
    }

    /// A new subject.
    pub(super) fn welcome(&mut self, subject: u32, key: u64) {
        if let Some(group) = self.group(key) {
            group.members.push((subject, key));
            group.bytes += SUBJECT;
        }
    }

    /// A symptom is watched on one more subject.
    pub(super) fn watched(&mut self, key: u64, symptom: &Symptom) {
        let bytes = weight(symptom);
        if let Some(group) = self.group(key) {
            group.bytes += bytes;
        }
    }

    /// A symptom has shown something, or no longer has.
    pub(super) fn shown(&mut self, key: u64, (before, after): (bool, bool)) {
        match (before, after) {
            (false, true) => self.grow(key, SHOWN),
            (true, false) => self.shrink(key, SHOWN),
            (false, false) | (true, true) => {}
        }
    }

    /// A subject has more to remember.
    pub(super) fn grow(&mut self, key: u64, bytes: usize) {
        if let Some(group) = self.group(key) {
            group.bytes += bytes;
        }
    }

    /// A subject has less to remember.
    pub(super) fn shrink(&mut self, key: u64, bytes: usize) {
        if let Some(group) = self.group(key) {
            group.bytes = group.bytes.saturating_sub(bytes);
        }
    }
}

fn weight(symptom: &Symptom) -> usize {
    SYMPTOM + symptom.detector.memory().min(FRESH)
}

pub(super) fn weight_of(plan: &Plan, chart: &Chart) -> usize {
    let symptoms = chart.entries.iter().filter_map(|entry| plan.symptoms.get(entry.symptom));
    let shown = chart.entries.iter().filter(|entry| entry.shown.is_some()).count() * SHOWN;
    SUBJECT + chart.rest.weight() + symptoms.map(weight).sum::<usize>() + shown
}

impl Ward {
    /// Forgets subjects of the key group of `key` until it has room, but none that the event at hand is about.
    pub(super) fn make_room(&mut self, plan: &Plan, key: u64) {
        let room = self.bounds.room(key);
        let Some(group) = self.bounds.group(key).filter(|group| group.bytes > room) else { return };
        let mut members = std::mem::take(&mut group.members);
        members.retain(|&(subject, key)| self.subjects.key(subject) == key);
        // What went with an outer subject and has come back is a member twice.
        members.sort_unstable();
        members.dedup();
        let now = self.now;
        let is_here = |ward: &Self, subject: u32| ward.places.contains(&Some(subject));
        // What is as good as new goes first, and costs nothing.
        members.retain(|&(subject, key)| {
            let idle = !is_here(self, subject) && self.is_as_good_as_new(plan, subject, now);
            !(idle && self.forget(plan, subject, key))
        });
        let enough = room / 8 * 7;
        let mut surplus = self.bounds.group(key).map_or(0, |group| group.bytes).saturating_sub(enough);
        let mut going: Vec<(u32, u64)> = Vec::new();
        if surplus > 0 {
            members.sort_by_cached_key(|&(subject, key)| {
                (self.has_returned(subject), self.touched(subject), key)
            });
            members.retain(|&(subject, key)| {
                let goes = surplus > 0 && !is_here(self, subject) && !self.is_held(subject, key);
                if goes {
                    surplus = surplus.saturating_sub(self.weight_of(plan, subject));
                    going.push((subject, key));
                }
                !goes
            });
        }
        if let Some(group) = self.bounds.group(key) {
            group.members = members;
        }
        self.evict_all(plan, &going);
    }

    /// Whether a subject may only go when what lies in it has gone.
    fn is_held(&self, subject: u32, key: u64) -> bool {
        !self.share.is_outer(key) && self.subjects.holds_any(subject)
    }

    /// Gives up the memory of subjects, and first that of all which lie in them.
    fn evict_all(&mut self, plan: &Plan, going: &[(u32, u64)]) {
        let mut inside: Vec<(u64, u32)> = Vec::new();
        if going.iter().any(|&(subject, _)| self.subjects.holds_any(subject)) {
            let outer: BTreeSet<u32> = going.iter().map(|&(subject, _)| subject).collect();
            let lies_in = |subject: &u32| {
                let above = |&at: &u32| self.subjects.parent(at);
                let mut above = std::iter::successors(self.subjects.parent(*subject), above);
                above.any(|above| outer.contains(&above))
            };
            let found = self.subjects.all().filter(lies_in);
            inside = found.map(|subject| (self.subjects.key(subject), subject)).collect();
            // What lies deepest goes first, and has the greatest key.
            inside.sort_unstable_by(|a, b| b.cmp(a));
        }
        for (key, subject) in inside {
            self.moment = Moment::room(self.now, 3 * self.events, u64::MAX - key);
            self.evict(plan, subject, key);
        }
        for (place, &(subject, key)) in (0..).zip(going) {
            let round = 3 * self.events + if self.share.is_outer(key) { 1 } else { 2 };
            self.moment = Moment::room(self.now, round, place);
            self.evict(plan, subject, key);
        }
    }

    /// Whether forgetting a subject loses nothing.
    fn is_as_good_as_new(&self, plan: &Plan, subject: u32, now: Timestamp) -> bool {
        let Some(chart) = usize::try_from(subject).ok().and_then(|at| self.charts.get(at)) else {
            return true;
        };
        let level = self.subjects.level(subject);
        let silent = |entry: &Entry| {
            let horizon = plan.symptoms.get(entry.symptom).map_or(Duration::MAX, |s| s.detector.horizon());
            entry.shown().measures.is_none() && entry.last_hit.plus(horizon) < now
        };
        self.holds_others.get(level) != Some(&true)
            && chart.active.is_none()
            && chart.unbooked() == 0
            && chart.entries.iter().all(silent)
            && self.rests_until(plan, level, chart).is_none_or(|until| until < now)
    }

    /// Whether it was forgotten once before: a flood of subjects that come once must not wash away those that come again.
    fn has_returned(&self, subject: u32) -> bool {
        let chart = usize::try_from(subject).ok().and_then(|at| self.charts.get(at));
        chart.is_some_and(|chart| chart.doubtful.is_some())
    }

    fn touched(&self, subject: u32) -> Timestamp {
        let chart = usize::try_from(subject).ok().and_then(|at| self.charts.get(at));
        chart.map_or(Timestamp::MIN, |chart| chart.touched)
    }

    /// Gives up a subject's memory while it is worth something.
    fn evict(&mut self, plan: &Plan, subject: u32, key: u64) {
        let now = self.now;
        self.chart_mut(subject).incomplete = true;
        if self.has_news(plan, subject, now) {
            self.diagnose(subject, false, now);
        } else {
            let left = self.chart_mut(subject).unbooked();
            self.summary.unexplained += left;
        }
        if self.forget(plan, subject, key) {
            self.summary.evicted += u64::from(self.share.counts(key));
            let bytes = self.bounds.ghosts();
            if let Some(group) = self.bounds.group(key) {
                group.evicted.add(key, now, bytes);
            }
        }
    }

    fn forget(&mut self, plan: &Plan, subject: u32, key: u64) -> bool {
        if self.subjects.holds_any(subject) {
            return false;
        }
        let weight = self.weight_of(plan, subject);
        self.withdraw(subject);
        self.subjects.forget(subject);
        drop(std::mem::take(self.chart_mut(subject)));
        self.instant.retain(|due| due.key != key || due.subject != subject);
        self.bounds.shrink(key, weight);
        true
    }

    fn weight_of(&self, plan: &Plan, subject: u32) -> usize {
        let chart = usize::try_from(subject).ok().and_then(|at| self.charts.get(at));
        chart.map_or(0, |chart| weight_of(plan, chart))
    }

    /// Since when a subject's memory may lack what came before: it may have been forgotten then.
    pub(super) fn doubtful_before(&self, chart: &Chart, symptom: &Symptom, now: Timestamp) -> bool {
        let quiet = self.plan.quiet.get(symptom.level).copied().unwrap_or_default();
        let reach = symptom.detector.horizon().max(quiet);
        chart.doubtful.is_some_and(|evicted| evicted.plus(reach) > now)
    }
}
