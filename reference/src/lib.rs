//! The answers of `docs/semantics.md` by brute force: all events are kept, every definition is looked up in all of them,
//! and nothing is remembered from one event to the next. It shares with the library only types, and the question
//! *whether* an event belongs to a class; *when* is its own.
//!
//! It judges ingress, canonical order, episodes, `when`, `unless` and the detectors of the library. It does not judge
//! detectors of plugins, causes and the shares of explained events, nor what `gaps: strict` and `skip: to-next` make of
//! events of one time without an order; what it does not judge it [names](Answer::unjudged). Bounds that only keep memory
//! small (256 events of one instant, 64 waiting chains) do not exist here.
//!
//! Ingress, episodes and the kinds that only count are some 550 lines of code, sequences 270, and the kinds that look back
//! (`absence`, `change`) 260. The kinds that learn what is usual (`periodic`, `surge`, `dip`) remember from bucket to
//! bucket by their definition; they are in files of their own, another 700. [`differences`] holds an engine against it,
//! and is no part of the evaluator.

mod absence;
mod change;
mod compare;
mod detect;
mod dip;
mod ingress;
mod periodic;
mod restricted;
mod sequence;
mod surge;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use etiolog::detector::ClassId;
use etiolog::model::{Accounts, Measure, Origin};
use etiolog::predicate::Truth;
use etiolog::rule::{Plan, Symptom};
use etiolog::{Event, Status, Subject, Timestamp};

pub use compare::{Difference, Said, differences, say};

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
    /// The symptoms that it cannot judge.
    pub unjudged: Vec<Arc<str>>,
    /// The subjects that it cannot judge, because an event for such a symptom may begin an episode there.
    pub left_out: Vec<Subject>,
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

type Measures = Vec<(&'static str, Measure)>;

/// What a detector makes of some events.
struct Found {
    status: Status,
    measures: Measures,
    /// Of what is there no more: how it stood when it was there last, if that counts.
    was: Option<(Status, Measures)>,
    /// When each event was claimed, and its place among the events.
    claims: Vec<(Timestamp, usize)>,
}

/// Judges a stream: records as they arrive, each with its source; sources are open from the start until they end.
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
    let answer = evaluate_what_can_be(plan, settings, sources, arrivals);
    if answer.unjudged.is_empty() { Ok(answer) } else { Err(answer.unjudged) }
}

/// The same of everything that does not depend on a symptom that it cannot judge.
pub fn evaluate_what_can_be(
    plan: &Plan,
    settings: Settings,
    sources: usize,
    arrivals: &[(usize, Event)],
) -> Answer {
    let (known, accounts, end) = ingress::admit(plan, settings, sources, arrivals);
    let problems = known.iter().filter(|known| known.problem).count() as u64;
    let unjudged: Vec<&Symptom> = plan.symptoms().iter().filter(|symptom| !detect::judges(symptom)).collect();
    let (mut episodes, mut left_out) = (Vec::new(), Vec::new());
    for level in 0..plan.schema().levels() {
        let mut all: BTreeMap<&Subject, Vec<&Known>> = BTreeMap::new();
        for known in &known {
            if let Some(Some(subject)) = known.subjects.get(level) {
                all.entry(subject).or_default().push(known);
            }
        }
        let others: Vec<ClassId> =
            unjudged.iter().filter(|s| s.level() == level).flat_map(|s| s.detector().classes()).collect();
        for (subject, own) in all {
            if own.iter().any(|known| others.iter().any(|&class| known.is(class))) {
                left_out.push(subject.clone());
            } else {
                episodes_of(plan, level, subject, &own, end, &mut episodes);
            }
        }
    }
    let unjudged = unjudged.into_iter().map(|symptom| Arc::clone(&symptom.id)).collect();
    Answer { accounts, problems, episodes, unjudged, left_out }
}

/// One episode after another, until one does not end before the watermark `end`.
fn episodes_of(
    plan: &Plan,
    level: usize,
    subject: &Subject,
    own: &[&Known],
    end: Timestamp,
    out: &mut Vec<Episode>,
) {
    let schema = plan.schema();
    let holds_others = (0..schema.levels()).any(|inner| schema.parent(inner) == Some(level));
    let first = own.first().filter(|_| holds_others).map(|k| k.time());
    let symptoms: Vec<&Symptom> = plan.symptoms().iter().filter(|symptom| symptom.level() == level).collect();
    // A problem event belongs to the last of its levels.
    let last = |k: &&&Known| k.problem && k.subjects.iter().rev().flatten().next() == Some(subject);
    let problems: Vec<Timestamp> = own.iter().filter(last).map(|k| k.time()).collect();
    // For each symptom, the time after which events count, and when what it had found ceased to count.
    let mut anew: Vec<Option<Timestamp>> = vec![None; symptoms.len()];
    let mut ended: Vec<Vec<Timestamp>> = vec![Vec::new(); symptoms.len()];
    let mut after: Option<Timestamp> = None;
    let from = |anew| &own[own.partition_point(|k| Some(k.time()) <= anew)..];
    loop {
        let at = |watermark: Timestamp| -> Vec<Found> {
            let before = |anew| {
                let all = from(anew);
                &all[..all.partition_point(|k| k.time() < watermark)]
            };
            let each = symptoms.iter().zip(&anew).zip(&ended);
            let all = each.map(|((symptom, &anew), ended)| {
                let begun = first.filter(|_| anew.is_none());
                let found = detect::detect(symptom, before(anew), watermark, holds_others, (begun, ended));
                // What is there no more was there all the same.
                let stays = !found.status.is_present() && !symptom.is_ordinary();
                let was = found.was.clone().filter(|_| stays);
                let Some((status, measures)) = was else { return found };
                Found { status, measures, ..found }
            });
            all.collect()
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
        let each = symptoms.iter().zip(found).zip(&anew);
        let mut judged: Vec<Judged> =
            each.map(|((symptom, found), &anew)| judge(symptom, found, from(anew), after)).collect();
        give_way(plan, &symptoms, &mut judged);
        out.push(Episode { subject: subject.clone(), end: over, symptoms: judged, problems });
        if over.is_none() {
            return;
        }
        let each = anew.iter_mut().zip(&mut ended).zip(&symptoms).zip(was);
        for (((anew, ended), symptom), was) in each.filter(|((_, symptom), _)| !symptom.is_ordinary()) {
            let forgets = detect::forgets(symptom, from(*anew), over);
            if was && detect::keeps(symptom) && !forgets {
                ended.extend(over);
            } else if was || forgets {
                (*anew, *ended) = (over, Vec::new());
            }
        }
        after = over;
    }
}

/// Applies `when`.
fn judge(symptom: &Symptom, found: Found, events: &[&Known], after: Option<Timestamp>) -> Judged {
    let measure = |_: &str, name: &str| {
        found.measures.iter().find(|(known, _)| *known == name).map(|(_, measure)| measure.value())
    };
    let when = symptom.condition().filter(|_| found.status.is_present());
    let status = match when.map(|when| when.test(&measure)) {
        None | Some(Truth::True) => found.status,
        Some(Truth::False) => Status::Absent,
        Some(Truth::Unknown(why)) => Status::Unknown(format!("{why}").into()),
    };
    let in_it = |moment: Timestamp| symptom.is_ordinary() || Some(moment) > after;
    let place = |&(moment, at): &(Timestamp, usize)| {
        events.get(at).filter(|_| in_it(moment)).map(|k| (k.time(), k.event.origin()))
    };
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
