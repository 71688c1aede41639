//! Many diagnoses with one story become one group: 118 pumps with one cause are one entry.
//!
//! Memory is bounded whatever arrives: a group keeps its most probable diagnosis, ranges and a few names; what is counted by
//! identity stops at a limit and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use smol_str::SmolStr;
use xxhash_rust::xxh3::Xxh3;

use crate::model::{Diagnosis, Probability, Severity, State, Subject, Timestamp};
use crate::output::escape::terminal;
use crate::output::human;

/// Subjects named in an entry.
const NAMES: usize = 5;

/// Subjects of one report that are told apart; beyond it groups count episodes only.
const SUBJECTS: usize = 1 << 20;

/// Diagnoses, for each depth of subjects, whose ids are kept to find what they explain.
const PARENTS: usize = 4_096;

/// All diagnoses of one report.
#[derive(Debug)]
pub(super) struct Groups {
    groups: BTreeMap<Key, Group>,
    explained: BTreeMap<Arc<str>, Explained>,
    overflow: Explained,
    kept_ids: BTreeMap<usize, usize>,
    budget: usize,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    verdict: Arc<str>,
    level: SmolStr,
    /// What was seen, when it cannot be told what it means.
    symptoms: BTreeSet<Arc<str>>,
    /// The diagnosis itself, when it is news about an outermost subject: each such episode stands alone.
    own: Option<Arc<str>>,
}

impl Key {
    fn of(diagnosis: &Diagnosis, level: SmolStr) -> Self {
        let told = diagnosis.cause().is_some();
        let outermost = diagnosis.subject.levels().len() == 1 && diagnosis.severity > Severity::Benign;
        let symptoms = diagnosis.present().filter(|_| !told).map(|symptom| Arc::clone(&symptom.id));
        Self {
            verdict: Arc::clone(&diagnosis.verdict),
            level,
            symptoms: symptoms.collect(),
            own: outermost.then(|| Arc::clone(&diagnosis.id)),
        }
    }
}

/// Which diagnoses are told together: the same sixteen digits for all of them, in every run.
pub(super) fn name_of(diagnosis: &Diagnosis) -> String {
    let key = Key::of(diagnosis, SmolStr::new(diagnosis.subject.level()));
    let mut hash = Xxh3::new();
    let words = [&*key.verdict, key.level.as_str()].into_iter().chain(key.symptoms.iter().map(|id| &**id));
    for word in words.chain(key.own.as_deref()) {
        hash.update(word.as_bytes());
        hash.update(&[0]);
    }
    format!("{:016x}", hash.digest())
}

/// Diagnoses that differ in subject, time and probability only.
#[derive(Debug)]
pub(super) struct Group {
    /// The most probable one, and of these the first that arrived.
    pub(super) first: Diagnosis,
    pub(super) severity: Severity,
    pub(super) subjects: Crowd,
    pub(super) open: u64,
    pub(super) lowest: Probability,
    pub(super) highest: Probability,
    pub(super) first_seen: Timestamp,
    pub(super) last_seen: Timestamp,
    ids: BTreeSet<Arc<str>>,
}

/// What one diagnosis explains, by level of subjects.
pub(super) type Explained = BTreeMap<SmolStr, Crowd>;

/// Some subjects of one level.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    episodes: u64,
    /// Hashes; none is added once the report's budget is spent.
    distinct: BTreeSet<u64>,
    uncounted: bool,
    names: Vec<SmolStr>,
    outside: Option<Subject>,
    mixed: bool,
}

impl Groups {
    pub(super) fn new() -> Self {
        Self {
            groups: BTreeMap::new(),
            explained: BTreeMap::new(),
            overflow: Explained::new(),
            kept_ids: BTreeMap::new(),
            budget: SUBJECTS,
        }
    }

    pub(super) fn add(&mut self, diagnosis: &Diagnosis) {
        let level = SmolStr::new(diagnosis.subject.level());
        if let Some(parent) = &diagnosis.explained_by {
            let room = self.explained.len() < PARENTS || self.explained.contains_key(parent);
            let levels =
                if room { self.explained.entry(Arc::clone(parent)).or_default() } else { &mut self.overflow };
            levels.entry(level).or_default().add(&diagnosis.subject, &mut self.budget);
            return;
        }
        let key = Key::of(diagnosis, level);
        let group = self.groups.entry(key).or_insert_with(|| Group::new(diagnosis));
        group.add(diagnosis, &mut self.budget);
        let kept = self.kept_ids.entry(diagnosis.subject.levels().len()).or_default();
        if *kept < PARENTS {
            *kept += 1;
            group.ids.insert(Arc::clone(&diagnosis.id));
        }
    }

    /// Worst first, then the most frequent; each with what it explains. What is explained by a diagnosis that is not
    /// here comes last, on its own.
    pub(super) fn finish(self) -> (Vec<(Group, Explained)>, Explained) {
        let mut explained = self.explained;
        let mut entries: Vec<(Group, Explained)> = self
            .groups
            .into_values()
            .map(|group| {
                let mut levels = Explained::new();
                for found in group.ids.iter().filter_map(|id| explained.remove(id)) {
                    merge(&mut levels, found);
                }
                (group, levels)
            })
            .collect();
        entries.sort_by(|(a, _), (b, _)| {
            let by_id = || (&a.first.verdict, &a.first.id).cmp(&(&b.first.verdict, &b.first.id));
            b.severity.cmp(&a.severity).then(b.subjects.episodes.cmp(&a.subjects.episodes)).then_with(by_id)
        });
        let mut orphans = self.overflow;
        for levels in explained.into_values() {
            merge(&mut orphans, levels);
        }
        (entries, orphans)
    }
}

fn merge(into: &mut Explained, from: Explained) {
    for (level, crowd) in from {
        into.entry(level).or_default().merge(crowd);
    }
}

impl Group {
    fn new(first: &Diagnosis) -> Self {
        let probability =
            first.cause().or(first.top()).map_or(first.none_of_these, |cause| cause.probability);
        Self {
            severity: first.severity,
            subjects: Crowd::default(),
            open: 0,
            lowest: probability,
            highest: probability,
            first_seen: first.first_seen,
            last_seen: first.last_seen,
            ids: BTreeSet::new(),
            first: first.clone(),
        }
    }

    /// A diagnosis that is told by itself.
    pub(super) fn alone(diagnosis: &Diagnosis) -> Self {
        let mut group = Self::new(diagnosis);
        group.add(diagnosis, &mut 1);
        group
    }

    fn add(&mut self, diagnosis: &Diagnosis, budget: &mut usize) {
        self.subjects.add(&diagnosis.subject, budget);
        self.severity = self.severity.max(diagnosis.severity);
        self.open += u64::from(diagnosis.state == State::Open);
        self.first_seen = self.first_seen.min(diagnosis.first_seen);
        self.last_seen = self.last_seen.max(diagnosis.last_seen);
        if let Some(cause) = diagnosis.cause().or(diagnosis.top()) {
            let p = cause.probability;
            self.lowest = if p < self.lowest { p } else { self.lowest };
            if p > self.highest {
                self.highest = p;
                self.first = diagnosis.clone();
            }
        }
    }
}

impl Crowd {
    fn add(&mut self, subject: &Subject, budget: &mut usize) {
        self.episodes += 1;
        let mut hasher = DefaultHasher::new();
        subject.hash(&mut hasher);
        let hash = hasher.finish();
        if self.distinct.contains(&hash) {
            return;
        }
        match budget.checked_sub(1) {
            Some(left) => {
                *budget = left;
                self.distinct.insert(hash);
            }
            None => self.uncounted = true,
        }
        self.name(subject.id());
        let depth = subject.levels().len().saturating_sub(1);
        let outside = Subject::new(subject.levels().take(depth));
        if self.outside.get_or_insert_with(|| outside.clone()) != &outside {
            self.mixed = true;
        }
    }

    fn name(&mut self, name: &str) {
        if self.names.len() < NAMES && !self.names.iter().any(|known| known == name) {
            self.names.push(SmolStr::new(name));
        }
    }

    fn merge(&mut self, other: Self) {
        self.episodes += other.episodes;
        self.distinct.extend(other.distinct);
        self.uncounted |= other.uncounted;
        for name in &other.names {
            self.name(name);
        }
        let outside = self.outside.take().or_else(|| other.outside.clone());
        self.mixed |= other.mixed || other.outside != outside;
        self.outside = outside;
    }

    /// How many subjects, unless there were too many to be told apart.
    pub(super) fn subjects(&self) -> Option<u64> {
        (!self.uncounted).then_some(self.distinct.len() as u64)
    }

    /// A few of them, the first that came.
    pub(super) fn examples(&self) -> &[SmolStr] {
        &self.names
    }

    /// Diagnoses in it.
    pub(super) fn episodes(&self) -> u64 {
        self.episodes
    }

    /// `118 pumps`, or `118 episodes of 40 pumps`.
    pub(super) fn size(&self, level: &str) -> String {
        let level = terminal(level);
        let distinct = self.distinct.len() as u64;
        match (self.uncounted, distinct == self.episodes) {
            (false, true) => human::counted(distinct, &level),
            (false, false) => {
                format!(
                    "{} of {}",
                    human::counted(self.episodes, "episode"),
                    human::counted(distinct, &level)
                )
            }
            (true, _) => {
                let at_least = human::counted(distinct, &level);
                format!("{} of at least {at_least}", human::counted(self.episodes, "episode"))
            }
        }
    }

    /// `pump-1, pump-2, pump-3, pump-4, pump-5 and 113 more of line north`.
    pub(super) fn names(&self) -> String {
        let mut text = self.names.iter().map(|name| terminal(name)).collect::<Vec<_>>().join(", ");
        let more = (self.distinct.len() as u64).saturating_sub(self.names.len() as u64);
        if more > 0 || self.uncounted {
            let more = if self.uncounted { "more".to_owned() } else { human::count(more) + " more" };
            text = format!("{text} and {more}");
        }
        if let Some(outside) = self.outside.as_ref().filter(|o| !self.mixed && o.levels().len() > 0) {
            text = format!("{text} of {}", terminal(&outside.to_string()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    #[test]
    fn one_cause_on_many_subjects_is_one_group() {
        let mut groups = Groups::new();
        for n in 0..118 {
            groups.add(&sample::renewal(n));
        }
        let (entries, orphans) = groups.finish();
        assert_eq!((entries.len(), orphans.len()), (1, 0));
        let crowd = entries.first().map(|(group, _)| (group.subjects.size("pump"), group.subjects.names()));
        assert_eq!(
            crowd,
            Some((
                "118 pumps".to_owned(),
                "pump-0, pump-1, pump-2, pump-3, pump-4 and 113 more of line north".to_owned()
            ))
        );
    }

    #[test]
    fn the_same_subject_twice_is_two_episodes_of_one() {
        let mut groups = Groups::new();
        groups.add(&sample::renewal(1));
        groups.add(&sample::renewal(1));
        let (entries, _) = groups.finish();
        let size = entries.first().map(|(group, _)| group.subjects.size("pump"));
        assert_eq!(size.as_deref(), Some("2 episodes of 1 pump"));
    }

    #[test]
    fn what_is_explained_belongs_to_its_parent_whichever_comes_first() {
        let parent = sample::mains();
        for parent_first in [true, false] {
            let mut groups = Groups::new();
            if parent_first {
                groups.add(&parent);
            }
            groups.add(&sample::explained(1, "mains-1"));
            groups.add(&sample::explained(2, "mains-1"));
            groups.add(&sample::explained(3, "elsewhere"));
            if !parent_first {
                groups.add(&parent);
            }
            let (entries, orphans) = groups.finish();
            let counts: Vec<u64> =
                entries.iter().flat_map(|(_, levels)| levels.values()).map(Crowd::episodes).collect();
            assert_eq!(counts, [2]);
            assert_eq!(orphans.values().map(Crowd::episodes).collect::<Vec<_>>(), [1]);
        }
    }

    #[test]
    fn the_worst_comes_first_and_the_benign_last() {
        let mut groups = Groups::new();
        groups.add(&sample::renewal(0));
        groups.add(&sample::crash(1));
        groups.add(&sample::mains());
        let severities: Vec<Severity> = groups.finish().0.iter().map(|(group, _)| group.severity).collect();
        assert_eq!(severities, [Severity::Critical, Severity::Warning, Severity::Benign]);
    }
}
