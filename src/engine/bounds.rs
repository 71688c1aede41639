//! How much a run may remember, and what goes when it is too much.
//!
//! Half of the memory is for subjects, shared out equally among 128 key groups of subjects by their own keys, so what
//! is forgotten depends on the subjects of one group alone. A group that is over its share forgets first what is as
//! good as new, then the subjects that have been silent longest, until an eighth is free; those that were forgotten
//! once and have come back go last. An episode that is under way is diagnosed as it stands and marked as incomplete. On
//! a subject that was forgotten and comes back nothing is certainly absent that reaches further back. A quarter of the
//! memory is for events that wait to be applied; when there are more, the earliest are applied before their lateness is
//! over. What weighs how much is estimated from the sizes of types.

use std::time::Duration;

use crate::engine::chart::{Chart, Entry, Shown};
use crate::engine::checkpoint::{GROUPS, group_of};
use crate::engine::ghosts::Ghosts;
use crate::engine::ward::{Pending, Ward};
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
    /// The subjects that were forgotten before their memory was worthless.
    evicted: Ghosts,
}

/// What a run remembers, in bytes, and how many it may.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    most: usize,
    groups: Vec<Group>,
}

impl Bounds {
    pub(super) fn new(most: usize) -> Self {
        Self { most, groups: vec![Group::default(); usize::from(GROUPS)] }
    }

    /// How many bytes the subjects of one group may take.
    fn share(&self) -> usize {
        self.most / 2 / usize::from(GROUPS)
    }

    /// How many problem events may wait to be booked.
    pub(super) fn most_pending(&self) -> usize {
        self.most / 16 / size_of::<Pending>()
    }

    fn group(&mut self, key: u64) -> Option<&mut Group> {
        self.groups.get_mut(usize::from(group_of(key)))
    }

    /// When a subject of its key group was last forgotten, if this one may be among those.
    pub(super) fn evicted(&self, key: u64) -> Option<Timestamp> {
        self.groups.get(usize::from(group_of(key)))?.evicted.seen(key)
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
        let share = self.bounds.share();
        let Some(group) = self.bounds.group(key).filter(|group| group.bytes > share) else { return };
        let mut members = std::mem::take(&mut group.members);
        members.retain(|&(subject, key)| self.subjects.key(subject) == key);
        let now = self.now;
        let is_here = |ward: &Self, subject: u32| ward.places.contains(&Some(subject));
        // What is as good as new goes first, and costs nothing.
        members.retain(|&(subject, key)| {
            let idle = !is_here(self, subject) && self.is_as_good_as_new(plan, subject, now);
            !(idle && self.forget(plan, subject, key))
        });
        let enough = share / 8 * 7;
        if self.bounds.group(key).is_some_and(|group| group.bytes > enough) {
            members.sort_by_cached_key(|&(subject, key)| {
                (self.has_returned(subject), self.touched(subject), key)
            });
            members.retain(|&(subject, key)| {
                let full = self.bounds.group(key).is_some_and(|group| group.bytes > enough);
                let goes = full && !is_here(self, subject) && !self.subjects.holds_any(subject);
                !(goes && self.evict(plan, subject, key, now))
            });
        }
        if let Some(group) = self.bounds.group(key) {
            group.members = members;
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
    fn evict(&mut self, plan: &Plan, subject: u32, key: u64, now: Timestamp) -> bool {
        self.chart_mut(subject).incomplete = true;
        if self.has_news(plan, subject, now) {
            self.diagnose(subject, false, now);
        } else {
            let left = self.chart_mut(subject).unbooked();
            self.summary.unexplained += left;
        }
        let gone = self.forget(plan, subject, key);
        if gone {
            self.summary.evicted += 1;
            let bytes = self.bounds.ghosts();
            if let Some(group) = self.bounds.group(key) {
                group.evicted.add(key, now, bytes);
            }
        }
        gone
    }

    fn forget(&mut self, plan: &Plan, subject: u32, key: u64) -> bool {
        if self.subjects.holds_any(subject) {
            return false;
        }
        self.withdraw(subject);
        self.subjects.forget(subject);
        let chart = std::mem::take(self.chart_mut(subject));
        self.instant.retain(|due| due.key != key || due.subject != subject);
        self.bounds.shrink(key, weight_of(plan, &chart));
        true
    }

    /// Since when a subject's memory may lack what came before: it may have been forgotten then.
    pub(super) fn doubtful_before(&self, chart: &Chart, symptom: &Symptom, now: Timestamp) -> bool {
        let quiet = self.plan.quiet.get(symptom.level).copied().unwrap_or_default();
        let reach = symptom.detector.horizon().max(quiet);
        chart.doubtful.is_some_and(|evicted| evicted.plus(reach) > now)
    }
}
