//! What a symptom comes to: what its detector says, then the rule's `when`, then its `unless`.

use smol_str::{SmolStr, format_smolstr};

use crate::engine::chart::{Chart, Entry};
use crate::engine::ward::Ward;
use crate::model::{Measure, Status, Timestamp};
use crate::predicate::{Predicate, Truth};
use crate::rule::Symptom;

/// Why a symptom is unknown that is not seen on a subject which may have been forgotten.
const FORGOTTEN: &str =
    "what came before may have been forgotten: there are more subjects than memory for them";

/// What is known of a symptom on a subject, before `unless`.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) status: Status,
    /// Those of the pattern when it was last there; `None` when it never was.
    pub(super) measures: Option<Vec<(SmolStr, Measure)>>,
    /// What `when` answered; `None` when it was not asked, because there is none or the pattern is not there now.
    pub(super) answer: Option<Truth>,
}

impl Judgement {
    /// Whether `when` was asked and could not answer.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.answer, Some(Truth::Unknown(_)))
    }
}

/// What is known of a symptom at `now`, with the rule's `when` applied to what was measured.
///
/// A pattern that is over was there all the same: within an episode a watch that was present stays so, as it was then.
/// The measures are those of the pattern when it was last there.
pub(super) fn judge(symptom: &Symptom, entry: &Entry, now: Timestamp) -> Judgement {
    let status = entry.watch.status(now);
    if entry.watch.is_spoilt() {
        return Judgement { status, measures: None, answer: None };
    }
    if !status.is_present() {
        let (status, measures) = match &entry.shown().measures {
            // What is ordinary belongs to no episode.
            Some(measures) if !symptom.is_ordinary() => {
                (entry.shown().status.clone(), Some(measures.clone()))
            }
            _ => (status, None),
        };
        return Judgement { status, measures, answer: None };
    }
    let reading = entry.watch.reading(now);
    let answer = symptom.when.as_ref().map(|when| ask(when, &reading.measures));
    let status = match &answer {
        None | Some(Truth::True) => reading.status,
        Some(Truth::False) => Status::Absent,
        Some(Truth::Unknown(why)) => Status::Unknown(format_smolstr!("{why}")),
    };
    Judgement { status, measures: Some(reading.measures), answer }
}

/// What `when` says of these measures.
pub(super) fn ask(when: &Predicate, measures: &[(SmolStr, Measure)]) -> Truth {
    when.test(&|_, name| measures.iter().find(|(known, _)| known == name).map(|(_, m)| m.value()))
}

/// One symptom on one subject at the time of judgement.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) symptom: usize,
    pub(super) status: Status,
    pub(super) measures: Vec<(SmolStr, Measure)>,
    /// Whether the detector has found its pattern in this episode, whatever `when` and `unless` say.
    pub(super) was_there: bool,
    /// The symptoms that are present and block this one, which would be present without them.
    pub(super) blocked_by: Vec<usize>,
}

impl Ward {
    /// Every symptom of the subject's level, with `when` and `unless` applied; what its log could not have shown is unknown.
    pub(super) fn judge_all(&self, subject: u32, now: Timestamp) -> Vec<Judged> {
        let chart = usize::try_from(subject).ok().and_then(|at| self.charts.get(at));
        let mut judged = self.judge_level(self.subjects.level(subject), chart, now);
        self.doubt(subject, &mut judged, now);
        judged
    }

    /// The same for a subject of a level, with the chart that it has if anything is known of it.
    pub(super) fn judge_level(&self, level: usize, chart: Option<&Chart>, now: Timestamp) -> Vec<Judged> {
        let mut judged: Vec<Judged> = Vec::new();
        for (at, symptom) in
            self.plan.symptoms.iter().enumerate().filter(|(_, symptom)| symptom.level == level)
        {
            let (status, measures) = match chart.and_then(|chart| chart.entry(at)) {
                Some(entry) => {
                    let judgement = judge(symptom, entry, now);
                    (judgement.status, judgement.measures)
                }
                None => (symptom.unseen.clone(), None),
            };
            let doubtful = status == Status::Absent
                && chart.is_some_and(|chart| self.doubtful_before(chart, symptom, now));
            let status = if doubtful { Status::Unknown(FORGOTTEN.into()) } else { status };
            let was_there = measures.is_some();
            let measures = measures.unwrap_or_default();
            judged.push(Judged { symptom: at, status, measures, was_there, blocked_by: Vec::new() });
        }
        let present: Vec<usize> =
            judged.iter().filter(|j| j.status.is_present()).map(|j| j.symptom).collect();
        for judged in judged.iter_mut().filter(|judged| judged.status.is_present()) {
            let unless = self.plan.symptoms.get(judged.symptom).map_or(&[][..], |symptom| &symptom.unless);
            judged.blocked_by = unless.iter().copied().filter(|other| present.contains(other)).collect();
            if !judged.blocked_by.is_empty() {
                judged.status = Status::Absent;
            }
        }
        judged
    }
}
