//! Symptoms that need not be watched yet: what a subject keeps in their place, and when they are woken.
//!
//! Most symptoms of a device begin with what hardly ever happens, and ask about what happens all the time as well: when was
//! it last connected? A watch for each of them would do the same for every event and remember the same. A detector that
//! [may sleep](crate::detector::Detector::sleeps) is watched only when what it waits for has come; until then the last
//! events of each signature are kept once for all of them, and a watch that is woken takes these in.
//!
//! Who is awake depends on the signatures that the subject has met, and on nothing else: such a set is its mood. A mood
//! never goes back, so an event costs one look-up, however many symptoms sleep.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::detector::{ClassId, Findings, Hit};
use crate::engine::chart::{Chart, Entry};
use crate::engine::signature::Signature;
use crate::engine::ward::Ward;
use crate::model::{Event, Exhibit, Timestamp};
use crate::rule::{Plan, Symptom};

/// So many moods are known of a level; a subject that would come into another one is awake from then on.
const MOODS: usize = 4_096;
/// So many events are kept for a subject; when there are more, all its symptoms are woken.
const KEPT: usize = 64;

/// What a subject keeps for the symptoms that sleep on it.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// The set of signatures that it has met, as a number; the first is that of none.
    pub(super) mood: u32,
    /// Of each signature the events of its latest time, and of the one before that while the latest is the present, in
    /// the order in which they came.
    kept: Vec<Kept>,
}

/// One event that is kept.
#[derive(Clone, Copy, Debug)]
struct Kept {
    exhibit: Exhibit,
    /// How many events of its signature came in this episode, up to and including this one.
    hits: u32,
}

impl Rest {
    /// Where everything is watched, and nothing kept.
    pub(super) fn awake() -> Self {
        Self { mood: Moods::AWAKE, kept: Vec::new() }
    }

    /// How many bytes are kept.
    pub(super) fn weight(&self) -> usize {
        self.kept.len() * size_of::<Kept>()
    }

    /// Takes in an event, in the order of application; `false` when there are more than may be kept.
    fn keep(&mut self, exhibit: Exhibit) -> bool {
        let is_same = |kept: &Kept| kept.exhibit.signature == exhibit.signature;
        let before = self.kept.iter().filter(|kept| is_same(kept)).map(|kept| kept.hits).max();
        self.forget_before(exhibit.time);
        self.kept.push(Kept { exhibit, hits: before.unwrap_or(0).saturating_add(1) });
        self.kept.len() <= KEPT
    }

    /// Forgets the events that were not the last of their signature before this time.
    fn forget_before(&mut self, now: Timestamp) {
        let mut at = 0;
        while let Some(Kept { exhibit, .. }) = self.kept.get(at).copied() {
            let is_later = |later: &Kept| {
                let later = &later.exhibit;
                later.signature == exhibit.signature && exhibit.time < later.time && later.time < now
            };
            if self.kept.iter().skip(at + 1).any(is_later) {
                self.kept.remove(at);
            } else {
                at += 1;
            }
        }
    }

    /// Ends the episode: forgets what is so old that no symptom that sleeps can still ask about it.
    pub(super) fn end_episode(&mut self, now: Timestamp, reach: Duration) {
        self.kept.retain(|kept| kept.exhibit.time.plus(reach) > now);
        self.kept.iter_mut().for_each(|kept| kept.hits = 0);
    }

    /// The events that are kept, in order.
    fn exhibits(&self) -> impl Iterator<Item = Exhibit> {
        self.kept.iter().map(|kept| kept.exhibit)
    }

    /// How many events of these signatures came in this episode.
    fn hits(&self, asks: impl Fn(u32) -> bool) -> u32 {
        let mut hits = 0u32;
        for (at, kept) in self.kept.iter().enumerate().filter(|(_, kept)| asks(kept.exhibit.signature)) {
            let later = self.kept.get(at + 1..).unwrap_or_default();
            if later.iter().all(|later| later.exhibit.signature != kept.exhibit.signature) {
                hits = hits.saturating_add(kept.hits);
            }
        }
        hits
    }
}

/// What an event of a signature means for a subject in a mood.
#[derive(Debug)]
pub(super) struct Route {
    /// The mood that it brings the subject into.
    pub(super) mood: u32,
    /// The symptoms that are told of it, ascending.
    pub(super) told: Box<[usize]>,
    /// Those of them that have slept so far, ascending.
    pub(super) wakes: Box<[usize]>,
    /// Whether symptoms sleep on that ask about such events.
    pub(super) keeps: bool,
}

/// All moods of all levels of subjects.
#[derive(Debug, Default)]
pub(super) struct Moods {
    levels: Vec<Level>,
    /// How far back any symptom that may sleep looks.
    pub(super) reach: Duration,
}

#[derive(Debug, Default)]
struct Level {
    /// What wakes each symptom of the plan, where it is of this level and may sleep.
    waking: Vec<Option<Vec<Vec<ClassId>>>>,
    moods: Vec<Mood>,
    // Only looked up, never iterated.
    numbers: HashMap<Box<[u32]>, u32, RandomState>,
}

/// A set of signatures.
#[derive(Debug, Default)]
struct Mood {
    /// Ascending.
    signatures: Box<[u32]>,
    /// By signature, as far as they were met.
    routes: Vec<Option<Arc<Route>>>,
}

impl Moods {
    /// The mood in which nothing sleeps.
    pub(super) const AWAKE: u32 = 1;

    pub(super) fn new(plan: &Plan) -> Self {
        let mut moods = Self::default();
        for level in 0..plan.schema.levels() {
            let waking = |symptom: &Symptom| plan.waking(symptom).ok().filter(|_| symptom.level == level);
            let waking: Vec<_> = plan.symptoms.iter().map(waking).collect();
            let asleep = plan.symptoms.iter().zip(&waking).filter(|(_, waking)| waking.is_some());
            let reach = asleep.map(|(symptom, _)| symptom.detector.horizon()).max();
            moods.reach = moods.reach.max(reach.unwrap_or_default());
            let known = vec![Mood::default(), Mood::default()];
            moods.levels.push(Level { waking, moods: known, numbers: HashMap::default() });
        }
        moods
    }

    /// What an event of a signature means for a subject of a level in a mood.
    pub(super) fn route(
        &mut self,
        plan: &Plan,
        signatures: &[Arc<Signature>],
        (level, mood, signature): (usize, u32, u32),
    ) -> Option<Arc<Route>> {
        let at = usize::try_from(signature).ok()?;
        let known = self.levels.get(level)?.moods.get(usize::try_from(mood).ok()?)?;
        if let Some(Some(route)) = known.routes.get(at) {
            return Some(Arc::clone(route));
        }
        let route =
            Arc::new(self.levels.get_mut(level)?.learn(plan, signatures, (level, mood, signature))?);
        let known = self.levels.get_mut(level)?.moods.get_mut(usize::try_from(mood).ok()?)?;
        if known.routes.len() <= at {
            known.routes.resize(at + 1, None);
        }
        if let Some(slot) = known.routes.get_mut(at) {
            *slot = Some(Arc::clone(&route));
        }
        Some(route)
    }

    /// Whether a symptom sleeps on the subjects of a level that are in a mood.
    pub(super) fn sleeps(
        &self,
        signatures: &[Arc<Signature>],
        (level, mood): (usize, u32),
        symptom: usize,
    ) -> bool {
        let Some(level) = self.levels.get(level) else { return false };
        let known = usize::try_from(mood).ok().and_then(|at| level.moods.get(at));
        mood != Self::AWAKE && known.is_some_and(|known| level.sleeps(signatures, &known.signatures, symptom))
    }
}

impl Level {
    /// Whether a symptom sleeps where these signatures were met.
    fn sleeps(&self, signatures: &[Arc<Signature>], met: &[u32], symptom: usize) -> bool {
        let Some(Some(groups)) = self.waking.get(symptom) else { return false };
        let has = |&class: &ClassId| {
            let mut met = met.iter().filter_map(|&number| Signature::of(signatures, number));
            met.any(|known| known.classes.contains(class))
        };
        !groups.iter().all(|group| group.iter().any(has))
    }

    fn learn(
        &mut self,
        plan: &Plan,
        signatures: &[Arc<Signature>],
        (level, mood, signature): (usize, u32, u32),
    ) -> Option<Route> {
        let asked = &Signature::of(signatures, signature)?.symptoms;
        let of_level = |at: &&usize| plan.symptoms.get(**at).is_some_and(|symptom| symptom.level == level);
        let asked: Vec<usize> = asked.iter().filter(of_level).copied().collect();
        let all = Box::from(asked.as_slice());
        let before = &self.moods.get(usize::try_from(mood).ok()?)?.signatures;
        let slept = |at: &usize| mood != Moods::AWAKE && self.sleeps(signatures, before, *at);
        let slept: Vec<usize> = asked.iter().copied().filter(slept).collect();
        if slept.is_empty() {
            return Some(Route { mood, told: all, wakes: Box::default(), keeps: false });
        }
        let mut after = before.to_vec();
        if let Err(place) = after.binary_search(&signature) {
            after.insert(place, signature);
        }
        let asleep: Vec<usize> =
            slept.iter().copied().filter(|&at| self.sleeps(signatures, &after, at)).collect();
        let next = match self.numbers.get(after.as_slice()) {
            Some(&known) => known,
            None if self.moods.len() >= MOODS => {
                return Some(Route { mood: Moods::AWAKE, told: all, wakes: Box::default(), keeps: false });
            }
            None => {
                let number = u32::try_from(self.moods.len()).ok()?;
                self.numbers.insert(after.as_slice().into(), number);
                self.moods.push(Mood { signatures: after.into(), routes: Vec::new() });
                number
            }
        };
        let is_awake = |at: &usize| asleep.binary_search(at).is_err();
        Some(Route {
            mood: next,
            told: asked.iter().copied().filter(is_awake).collect(),
            wakes: slept.into_iter().filter(is_awake).collect(),
            keeps: !asleep.is_empty(),
        })
    }
}

/// A watch that was woken: it has taken in what was kept for it, and stands as it did just before `now`.
pub(super) fn roused(
    plan: &Plan,
    signatures: &[Arc<Signature>],
    rest: &Rest,
    at: usize,
    (event, now): (&Event, Timestamp),
) -> Option<Entry> {
    let symptom = plan.symptoms.get(at)?;
    let mut entry = Entry::new(at, symptom, now);
    let mut findings = Findings::default();
    let mut deadline = None;
    for exhibit in rest.exhibits() {
        let Some(known) = asking(signatures, exhibit.signature, at) else { continue };
        let hit = Hit { event, classes: &known.classes, subjects: &[], exhibit };
        deadline = entry.watch.observe(&hit, &mut findings).ok().flatten();
        entry.last_hit = exhibit.time;
        entry.stale = true;
    }
    while let Some(reached) = deadline.filter(|&deadline| deadline < now) {
        deadline = entry.watch.advance(reached, &mut findings).ok().flatten();
        if deadline == Some(reached) {
            break;
        }
    }
    entry.hits = rest.hits(|signature| asking(signatures, signature, at).is_some());
    Some(entry)
}

/// A signature, if a symptom asks about its events.
fn asking(signatures: &[Arc<Signature>], signature: u32, symptom: usize) -> Option<&Signature> {
    let known = Signature::of(signatures, signature)?;
    known.symptoms.binary_search(&symptom).is_ok().then_some(known)
}

impl Ward {
    /// The symptoms that sleep on a subject of a level, and of which something was kept.
    pub(super) fn asleep(&self, level: usize, chart: &Chart) -> Vec<usize> {
        let mut asleep: Vec<usize> = Vec::new();
        for exhibit in chart.rest.exhibits() {
            let known = Signature::of(&self.signatures, exhibit.signature);
            asleep.extend(known.into_iter().flat_map(|known| &known.symptoms));
        }
        asleep.sort_unstable();
        asleep.dedup();
        let mood = (level, chart.rest.mood);
        asleep.retain(|&at| self.moods.sleeps(&self.signatures, mood, at));
        asleep
    }

    /// What a symptom that sleeps on a subject would be, were it watched.
    pub(super) fn dreamt(&self, chart: &Chart, symptom: usize, now: Timestamp) -> Option<Entry> {
        roused(&self.plan, &self.signatures, &chart.rest, symptom, (&self.shown, now))
    }

    /// Until when nothing that is kept for the symptoms that sleep on a subject is worthless to all of them.
    pub(super) fn rests_until(&self, plan: &Plan, level: usize, chart: &Chart) -> Option<Timestamp> {
        let horizon = |at: &usize| plan.symptoms.get(*at).map(|symptom| symptom.detector.horizon());
        let mut until = None;
        for at in self.asleep(level, chart) {
            let hits = chart.rest.exhibits().filter(|e| asking(&self.signatures, e.signature, at).is_some());
            let last = hits.map(|exhibit| exhibit.time).max();
            until = until.max(last.zip(horizon(&at)).map(|(last, horizon)| last.plus(horizon)));
        }
        until
    }

    /// Keeps an event for the symptoms that sleep on a subject; wakes them all when that is too much.
    pub(super) fn keep(&mut self, plan: &Plan, (level, subject): (usize, u32), exhibit: Exhibit) {
        let key = self.subjects.key(subject);
        let chart = self.chart_mut(subject);
        let before = chart.rest.weight();
        let fits = chart.rest.keep(exhibit);
        let after = chart.rest.weight();
        self.bounds.grow(key, after.saturating_sub(before));
        self.bounds.shrink(key, before.saturating_sub(after));
        if !fits {
            self.wake(plan, (level, subject), exhibit.time);
        }
    }

    /// Wakes every symptom that sleeps on a subject, for good.
    pub(super) fn wake(&mut self, plan: &Plan, (level, subject): (usize, u32), now: Timestamp) {
        let at = usize::try_from(subject).unwrap_or(usize::MAX);
        let Some(chart) = self.charts.get(at) else { return };
        let asleep = self.asleep(level, chart).into_iter();
        let woken: Vec<Entry> = asleep.filter_map(|symptom| self.dreamt(chart, symptom, now)).collect();
        let key = self.subjects.key(subject);
        self.bounds.shrink(key, chart.rest.weight());
        self.chart_mut(subject).rest = Rest::awake();
        for entry in woken {
            let Some(symptom) = plan.symptoms.get(entry.symptom) else { continue };
            let deadline = entry.watch.deadline();
            let place = self.chart_mut(subject).place_or(entry.symptom, || entry);
            self.bounds.watched(key, symptom);
            self.schedule(subject, place, deadline);
        }
    }
}

#[cfg(test)]
mod tests;
