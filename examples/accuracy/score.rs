//! What was said, held against what is true.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use etiolog::simulate::Label;
use etiolog::{Diagnosis, Subject, Timestamp};

use crate::stage::{Played, Said};

/// The sums of one way, by cause.
#[derive(Default)]
pub(crate) struct Score {
    pub(crate) causes: BTreeMap<Arc<str>, Row>,
}

/// The sums of one cause.
#[derive(Default)]
pub(crate) struct Row {
    /// Truths for which there is enough evidence.
    pub(crate) truths: u64,
    /// Of those, the verdict was right.
    pub(crate) right: u64,
    /// The cause was named as likely, first or not.
    pub(crate) named: u64,
    /// There was a diagnosis without a verdict.
    pub(crate) cannot_tell: u64,
    /// Nothing was said.
    pub(crate) missed: u64,
    /// What else was said instead, and how often.
    pub(crate) wrong: BTreeMap<Arc<str>, u64>,
    /// Truths for which there is too little evidence.
    pub(crate) scant: u64,
    /// Of those, another cause was blamed.
    pub(crate) scant_wrong: u64,
    /// Verdicts with this cause, and those of them that are true.
    pub(crate) verdicts: u64,
    pub(crate) verdicts_true: u64,
    /// Seconds of log between the beginning and the first right verdict.
    pub(crate) delays: Vec<u64>,
}

impl Row {
    pub(crate) fn wrongs(&self) -> u64 {
        self.wrong.values().sum()
    }
}

/// What became of a truth.
enum Found {
    Right,
    Wrong(Arc<str>),
    CannotTell,
    Missed,
}

/// Everything that was said, by subject and by id.
pub(crate) struct Index<'a> {
    by_subject: HashMap<&'a Subject, Vec<&'a Said>>,
    by_id: HashMap<&'a str, &'a Said>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(said: &'a [Said]) -> Self {
        let (mut by_subject, mut by_id) = (HashMap::<_, Vec<_>>::new(), HashMap::new());
        for one in said {
            by_subject.entry(&one.subject).or_default().push(one);
            by_id.insert(&*one.id, one);
        }
        Self { by_subject, by_id }
    }

    fn about<'s>(&'s self, label: &'s Label) -> impl Iterator<Item = &'a Said> + 's {
        let all = self.by_subject.get(&label.subject).into_iter().flatten().copied();
        all.filter(|said| overlap(said, label))
    }

    /// The verdict; what explains it, if something does.
    fn verdict(&self, said: &'a Said) -> &'a Arc<str> {
        let outer = said.explained_by.as_deref().and_then(|id| self.by_id.get(id));
        outer.map_or(&said.verdict, |outer| &outer.verdict)
    }

    /// Whether a diagnosis of a subject that contains it has the cause: what one drop is worth is said of the hub alone.
    fn says_of_outer(&self, label: &Label, cause: &Arc<str>) -> bool {
        let levels: Vec<_> = label.subject.levels().collect();
        (1..levels.len()).any(|outer| {
            let outer = Subject::new(levels.iter().take(outer).copied());
            let said = self.by_subject.get(&outer).into_iter().flatten();
            said.into_iter().any(|said| said.verdict == *cause && overlap(said, label))
        })
    }

    fn says(&self, said: &'a Said, cause: &Arc<str>) -> bool {
        said.verdict == *cause || self.verdict(said) == cause
    }
}

/// A sign may be stamped a little before or after what it is a sign of.
const MARGIN: Duration = Duration::from_secs(15 * 60);

fn overlap(said: &Said, label: &Label) -> bool {
    said.first <= label.until.plus(MARGIN) && label.from <= said.last.plus(MARGIN)
}

impl Score {
    /// Adds a fleet; gives what was not right, in words, how often, and the first of them.
    pub(crate) fn add(&mut self, played: &Played) -> BTreeMap<String, (u64, String)> {
        let mut misses = BTreeMap::new();
        let mut miss = |what: String, subject: &Subject, at: Timestamp| {
            let (count, _) = misses.entry(what).or_insert_with(|| (0, format!("{subject} at {at}")));
            *count += 1;
        };
        let (index, news) = (Index::new(&played.said), Index::new(&played.news));
        let truths = truths(&played.labels);
        for label in &played.labels {
            let Some(cause) = &label.cause else { continue };
            let others = truths.get(&label.subject).map_or(&[][..], Vec::as_slice);
            let found = found(&index, label, cause, others);
            let row = self.causes.entry(Arc::clone(cause)).or_default();
            if !label.enough {
                row.scant += 1;
                row.scant_wrong += u64::from(matches!(found, Found::Wrong(_)));
                continue;
            }
            row.truths += 1;
            let likely = |said: &Said| said.causes.iter().any(|(known, p)| known == cause && *p >= 0.5);
            let is_named = index.about(label).any(|said| index.says(said, cause) || likely(said));
            row.named += u64::from(is_named || matches!(found, Found::Right));
            row.delays.extend(delay(&news, label, cause));
            let what = match found {
                Found::Right => {
                    row.right += 1;
                    continue;
                }
                Found::CannotTell => {
                    row.cannot_tell += 1;
                    "cannot tell"
                }
                Found::Missed => {
                    row.missed += 1;
                    "nothing said"
                }
                Found::Wrong(other) => {
                    *row.wrong.entry(Arc::clone(&other)).or_default() += 1;
                    &other.to_string()
                }
            };
            miss(format!("{} of {cause}: {what}", label.subject.level()), &label.subject, label.from);
        }
        for said in &played.said {
            if said.explained_by.is_some() || &*said.verdict == Diagnosis::CANNOT_TELL {
                continue;
            }
            let row = self.causes.entry(Arc::clone(&said.verdict)).or_default();
            row.verdicts += 1;
            if is_true(&truths, said, &said.verdict) {
                row.verdicts_true += 1;
            } else {
                miss(
                    format!("{} said {}, not so", said.subject.level(), said.verdict),
                    &said.subject,
                    said.first,
                );
            }
        }
        misses
    }
}

/// All truths of each subject.
pub(crate) fn truths(labels: &[Label]) -> HashMap<&Subject, Vec<&Label>> {
    let mut truths = HashMap::<_, Vec<_>>::new();
    for label in labels {
        truths.entry(&label.subject).or_default().push(label);
    }
    truths
}

/// Whether a cause is at work in a subject while something is said of it.
pub(crate) fn is_true(truths: &HashMap<&Subject, Vec<&Label>>, said: &Said, cause: &Arc<str>) -> bool {
    let own = truths.get(&said.subject).into_iter().flatten();
    own.into_iter().any(|label| label.cause.as_ref() == Some(cause) && overlap(said, label))
}

fn found(index: &Index<'_>, label: &Label, cause: &Arc<str>, others: &[&Label]) -> Found {
    let about: Vec<&Said> = index.about(label).collect();
    if about.iter().any(|said| index.says(said, cause)) {
        return Found::Right;
    }
    // Where two things are true at once, one of them is the verdict, and the other must at least be named.
    let beside = |said: &&&Said| {
        let named = said.causes.iter().any(|(known, p)| known == cause && *p >= 0.5);
        named && others.iter().any(|other| other.cause.as_ref().is_some_and(|other| index.says(said, other)))
    };
    if about.iter().any(|said| beside(&said)) {
        return Found::Right;
    }
    let verdicts = about.iter().map(|said| index.verdict(said));
    match verdicts.filter(|verdict| ***verdict != *Diagnosis::CANNOT_TELL).max() {
        Some(other) => Found::Wrong(Arc::clone(other)),
        None if about.is_empty() && index.says_of_outer(label, cause) => Found::Right,
        None if about.is_empty() => Found::Missed,
        None => Found::CannotTell,
    }
}

fn delay(news: &Index<'_>, label: &Label, cause: &Arc<str>) -> Option<u64> {
    let right = news.about(label).filter(|said| news.says(said, cause));
    let first: Timestamp = right.map(|said| said.at).min()?;
    Some(if first > label.from { first.since(label.from).as_secs() } else { 0 })
}
