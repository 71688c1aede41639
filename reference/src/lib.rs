//! The answers of `docs/semantics.md` by brute force: all events are kept, every definition is looked up in all of them,
//! and nothing is remembered from one event to the next. It shares with the library only types, and the question
//! *whether* an event belongs to a class; *when* is its own.
//!
//! It judges ingress, canonical order, episodes, `when`, `unless` and the detectors `occurrence`, `count`, `distinct`,
//! `sequence` and `session`. It does not judge `periodic`, `surge`, `dip`, detectors of plugins, causes and the shares of
//! explained events; rules with such detectors are refused. Bounds that only keep memory small (256 events
//! of one instant, 64 waiting chains) do not exist here.

mod detect;
mod ingress;
mod sequence;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use etiolog::detector::{ClassId, Definition};
use etiolog::model::{Accounts, Measure, Origin};
use etiolog::predicate::Truth;
use etiolog::rule::{Plan, Symptom};
use etiolog::{Event, Status, Subject, Timestamp};

/// What is told of a stream besides its records: lateness, horizon, and whether nothing comes after the last.
pub type Settings = (Duration, Option<Timestamp>, bool);

/// All that is said of a stream.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What became of every record.
    pub accounts: Accounts,
    /// How many of the decoded events are problem events.
    pub problems: u64,
    /// What was seen of every subject, episode by episode; the last of each subject is the open one.
    pub episodes: Vec<Episode>,
}

/// One episode of one subject.
#[derive(Clone, Debug)]
pub struct Episode {
    /// Whom it is about.
    pub subject: Subject,
    /// When it ended; `None` when it did not, or has not begun.
    pub end: Option<Timestamp>,
    /// Every symptom of the subject's level, in the order of the rules.
    pub symptoms: Vec<Judged>,
    /// Problem events that belong to the subject itself.
    pub problems: u64,
}

/// One symptom in one episode.
#[derive(Clone, Debug)]
pub struct Judged {
    /// `article#symptom`.
    pub id: Arc<str>,
    /// With `when` and `unless`.
    pub status: Status,
    /// With `when` only.
    pub before_unless: Status,
    /// Whether it is no news.
    pub ordinary: bool,
    /// What was measured.
    pub measures: Vec<(&'static str, Measure)>,
    /// Time and place of the claimed events, in the order of claiming.
    pub claims: Vec<(Timestamp, Origin)>,
}

/// An event that counts.
struct Known {
    event: Event,
    classes: Vec<ClassId>,
    problem: bool,
    /// Its subject at each level.
    subjects: Vec<Option<Subject>>,
}

impl Known {
    fn is(&self, class: ClassId) -> bool {
        self.classes.contains(&class)
    }

    fn time(&self) -> Timestamp {
        self.event.time()
    }
}

/// What a detector makes of some events.
struct Found {
    status: Status,
    measures: Vec<(&'static str, Measure)>,
    /// When each event was claimed, and its place among the events.
    claims: Vec<(Timestamp, usize)>,
}

/// Judges a stream: records as they arrive, each with its source; sources are open from the start to the end.
///
/// # Errors
///
/// With the symptoms that it cannot judge.
pub fn evaluate(
    plan: &Plan,
    settings: Settings,
    sources: usize,
    arrivals: &[(usize, Event)],
) -> Result<Answer, Vec<Arc<str>>> {
    let judges = |symptom: &&Symptom| {
        use Definition::{Dip, Periodic, Surge};
        !matches!(symptom.detector().definition(), None | Some(Periodic { .. } | Surge { .. } | Dip { .. }))
    };
    let others: Vec<Arc<str>> =
        plan.symptoms().iter().filter(|s| !judges(s)).map(|symptom| Arc::clone(&symptom.id)).collect();
    if !others.is_empty() {
        return Err(others);
    }
    let (known, accounts, end) = ingress::admit(plan, settings, sources, arrivals);
    let mut episodes = Vec::new();
    for level in 0..plan.schema().levels() {
        let all: BTreeSet<&Subject> = known.iter().filter_map(|k| k.subjects.get(level)?.as_ref()).collect();
        for subject in all {
            episodes_of(plan, level, subject, &known, end, &mut episodes);
        }
    }
    let problems = known.iter().filter(|known| known.problem).count() as u64;
    Ok(Answer { accounts, problems, episodes })
}

/// One episode after another, until one does not end before the watermark `end`.
fn episodes_of(
    plan: &Plan,
    level: usize,
    subject: &Subject,
    known: &[Known],
    end: Timestamp,
    out: &mut Vec<Episode>,
) {
    let symptoms: Vec<&Symptom> = plan.symptoms().iter().filter(|symptom| symptom.level() == level).collect();
    let of = |k: &Known| k.subjects.get(level).cloned().flatten();
    let own: Vec<&Known> = known.iter().filter(|k| of(k).as_ref() == Some(subject)).collect();
    // A problem event belongs to the last of its levels.
    let last = |k: &&&Known| k.problem && k.subjects.iter().rev().flatten().next() == Some(subject);
    let problems: Vec<Timestamp> = own.iter().filter(last).map(|k| k.time()).collect();
    // For each symptom, the time after which events count.
    let mut anew: Vec<Option<Timestamp>> = vec![None; symptoms.len()];
    let mut after: Option<Timestamp> = None;
    loop {
        let at = |watermark: Timestamp| -> Vec<Found> {
            let counts = |k: &&&Known, anew| Some(k.time()) > anew && k.time() < watermark;
            let all = |anew| own.iter().filter(|k| counts(k, anew)).copied().collect::<Vec<&Known>>();
            let each = symptoms.iter().zip(&anew);
            each.map(|(symptom, &anew)| detect::detect(symptom, &all(anew), watermark)).collect()
        };
        let found = at(end);
        let news = symptoms.iter().zip(&found).filter(|(symptom, _)| !symptom.is_ordinary());
        let claimed = news.flat_map(|(_, found)| found.claims.iter().map(|(moment, _)| *moment));
        let mut activity: Vec<Timestamp> =
            claimed.chain(problems.iter().copied()).filter(|time| Some(*time) > after).collect();
        activity.sort_unstable();
        let mut last = activity.first().copied();
        for &time in &activity {
            if last.is_some_and(|last| time <= last.plus(plan.quiet(level))) {
                last = Some(time);
            }
        }
        let over = last.map(|last| last.plus(plan.quiet(level))).filter(|over| *over < end);
        let watermark = over.map_or(end, |over| over.plus(Duration::from_nanos(1)));
        let found = at(watermark);
        let in_it = |time: &&Timestamp| Some(**time) > after && **time < watermark;
        let problems = problems.iter().filter(in_it).count() as u64;
        let was: Vec<bool> = found.iter().map(|found| found.status.is_present()).collect();
        let counts =
            |anew| own.iter().filter(move |k| Some(k.time()) > anew).copied().collect::<Vec<&Known>>();
        let each = symptoms.iter().zip(found).zip(&anew);
        let mut judged: Vec<Judged> =
            each.map(|((s, found), &anew)| judge(s, found, &counts(anew))).collect();
        give_way(plan, &symptoms, &mut judged);
        out.push(Episode { subject: subject.clone(), end: over, symptoms: judged, problems });
        if over.is_none() {
            return;
        }
        for ((anew, symptom), was) in anew.iter_mut().zip(&symptoms).zip(was) {
            let occurrence = matches!(symptom.detector().definition(), Some(Definition::Occurrence { .. }));
            if (was || occurrence) && !symptom.is_ordinary() {
                *anew = over;
            }
        }
        after = over;
    }
}

/// Applies `when`.
fn judge(symptom: &Symptom, found: Found, events: &[&Known]) -> Judged {
    let measure = |_: &str, name: &str| {
        found.measures.iter().find(|(known, _)| *known == name).map(|(_, measure)| measure.value())
    };
    let when = symptom.condition().filter(|_| found.status.is_present());
    let status = match when.map(|when| when.test(&measure)) {
        None | Some(Truth::True) => found.status,
        Some(Truth::False) => Status::Absent,
        Some(Truth::Unknown(why)) => Status::Unknown(format!("{why}").into()),
    };
    let place = |&(_, at): &(Timestamp, usize)| events.get(at).map(|k| (k.time(), k.event.origin()));
    Judged {
        id: Arc::clone(&symptom.id),
        before_unless: status.clone(),
        status,
        ordinary: symptom.is_ordinary(),
        claims: found.claims.iter().filter_map(place).collect(),
        measures: found.measures,
    }
}

/// Applies `unless`.
fn give_way(plan: &Plan, symptoms: &[&Symptom], judged: &mut [Judged]) {
    let present: BTreeSet<Arc<str>> =
        judged.iter().filter(|j| j.before_unless.is_present()).map(|j| Arc::clone(&j.id)).collect();
    for (symptom, judged) in symptoms.iter().zip(judged) {
        if judged.status.is_present() && plan.blocking(symptom).any(|other| present.contains(&other.id)) {
            judged.status = Status::Absent;
        }
    }
}
