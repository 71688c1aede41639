//! What a stream says while it goes on: a diagnosis that is new, or that is another than it was, before its episode ends.
//!
//! To look changes nothing: symptoms are judged as if the episode ended now, and put back as they were; nothing is booked.
//! So what is resolved, and every sum, is the same however often somebody looks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::engine::checkpoint::SaidImage;
use crate::engine::judge::judge;
use crate::engine::ward::{Made, Ward};
use crate::model::{Change, Diagnosis, Measure, Probability, Severity, State, Status, Timestamp};
use crate::rule::Plan;

/// What a stream has said, and of whom it may have something to say.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Subjects of which a detector has found something since the last look.
    touched: BTreeSet<u32>,
    /// What was said of the episodes that are under way.
    said: BTreeMap<u32, Said>,
}

impl Live {
    /// What was said of a subject, to be kept.
    pub(super) fn said_image(&self, subject: u32) -> Option<SaidImage> {
        self.said.get(&subject).map(|said| SaidImage {
            id: said.id.to_string(),
            verdict: said.verdict.to_string(),
            severity: said.severity.word().to_owned(),
            no_action: said.no_action,
            explained_by: said.explained_by.as_ref().map(|id| id.to_string()),
            span: said.span,
        })
    }

    /// Goes on after a restart: the next look asks about the subject, whatever was looked at before.
    pub(super) fn resume(&mut self, subject: u32, said: Option<SaidImage>) {
        self.touched.insert(subject);
        if let Some(said) = said {
            let said = Said {
                id: said.id.into(),
                verdict: said.verdict.into(),
                severity: Severity::from_word(&said.severity).unwrap_or(Severity::Info),
                no_action: said.no_action,
                explained_by: said.explained_by.map(Into::into),
                span: said.span,
            };
            self.said.insert(subject, said);
        }
    }

    /// A detector has found something about a subject.
    pub(super) fn touch(&mut self, subject: u32) {
        self.touched.insert(subject);
    }
}

/// What was last said of an episode, as far as somebody should hear when it is no longer so.
#[derive(Clone, Debug)]
struct Said {
    id: Arc<str>,
    verdict: Arc<str>,
    severity: Severity,
    no_action: bool,
    explained_by: Option<Arc<str>>,
    span: (Timestamp, Timestamp),
}

impl Said {
    fn of(diagnosis: &Diagnosis) -> Self {
        Self {
            id: Arc::clone(&diagnosis.id),
            verdict: Arc::clone(&diagnosis.verdict),
            severity: diagnosis.severity,
            no_action: diagnosis.no_action,
            explained_by: diagnosis.explained_by.clone(),
            span: (diagnosis.first_seen, diagnosis.last_seen),
        }
    }

    /// Whether this says anything else. That an episode grows is no news.
    fn is_news_after(&self, before: &Self) -> bool {
        let told = |said: &Self| (Arc::clone(&said.id), Arc::clone(&said.verdict), said.severity);
        told(self) != told(before) || self.explained_by != before.explained_by
    }
}

/// An entry as it stood before a look: its place, and what it showed.
type Kept = (usize, Status, Option<Vec<(SmolStr, Measure)>>);

impl Ward {
    /// Says of the episodes under way what is news at this time.
    pub(super) fn look_as_of(&mut self, now: Timestamp) {
        let plan = Arc::clone(&self.plan);
        let touched = std::mem::take(&mut self.live.touched);
        // Outermost first: what is known of a subject decides what its own subjects are explained by.
        let mut next: BTreeSet<(u64, u32)> =
            touched.into_iter().map(|subject| (self.subjects.key(subject), subject)).collect();
        while let Some((_, subject)) = next.pop_first() {
            if self.say(&plan, subject, now) {
                let inside = self.live.said.keys().filter(|&&other| self.lies_in(other, subject));
                next.extend(inside.map(|&other| (self.subjects.key(other), other)));
            }
        }
    }

    /// Adds to the diagnosis that ends an episode what has become of what was said before.
    pub(super) fn end_said(&mut self, subject: u32, diagnosis: &mut Diagnosis) {
        let said = self.live.said.remove(&subject);
        if diagnosis.state == State::Resolved {
            diagnosis.change = Some(Change::Resolved);
        }
        diagnosis.replaces = said.map(|said| said.id).filter(|id| *id != diagnosis.id);
    }

    /// The episode is over: what was said of it and not resolved was said too early.
    pub(super) fn withdraw(&mut self, subject: u32) {
        self.live.touched.remove(&subject);
        let Some(said) = self.live.said.remove(&subject) else { return };
        let diagnosis = Diagnosis {
            id: said.id,
            change: Some(Change::Withdrawn),
            replaces: None,
            state: State::Resolved,
            severity: said.severity,
            no_action: said.no_action,
            subject: self.subjects.name(&self.plan.schema, subject),
            first_seen: said.span.0,
            last_seen: said.span.1,
            verdict: said.verdict,
            why: Some("what spoke for it has turned out not to be there".into()),
            explained_by: said.explained_by,
            causes: Vec::new(),
            none_of_these: Probability::new(1.0),
            set_aside: None,
            symptoms: Vec::new(),
            next: None,
            problem_events: 0,
            explained_events: 0,
            incomplete: false,
        };
        self.ready.push(Made { moment: self.moment, diagnosis });
    }

    /// Says how a subject stands now, if that is news.
    fn say(&mut self, plan: &Plan, subject: u32, now: Timestamp) -> bool {
        let Some(mut diagnosis) = self.glimpse(plan, subject, now) else {
            let known = self.live.said.contains_key(&subject);
            self.withdraw(subject);
            return known;
        };
        let saying = Said::of(&diagnosis);
        let before = self.live.said.get(&subject);
        if before.is_some_and(|before| !saying.is_news_after(before)) {
            return false;
        }
        diagnosis.change = Some(if before.is_some() { Change::Updated } else { Change::Opened });
        diagnosis.replaces = before.map(|said| Arc::clone(&said.id)).filter(|id| *id != diagnosis.id);
        self.live.said.insert(subject, saying);
        self.ready.push(Made { moment: self.moment, diagnosis });
        true
    }

    /// The diagnosis that a subject would have if its episode ended now.
    fn glimpse(&mut self, plan: &Plan, subject: u32, now: Timestamp) -> Option<Diagnosis> {
        let kept = self.presume(plan, subject, now);
        let diagnosis = self.case(subject, now).map(|case| {
            let (order, verdict) = case.verdict();
            let answers = self.memo.ask(&case.priors, &case.findings);
            self.report(subject, false, &case, &order, &verdict, &answers).0
        });
        let chart = self.chart_mut(subject);
        for (place, status, measures) in kept {
            if let Some(entry) = chart.entries.get_mut(place) {
                entry.show(status, measures);
            }
        }
        diagnosis
    }

    /// Lets the symptoms of a subject show what they would be judged to be; gives what they showed.
    fn presume(&mut self, plan: &Plan, subject: u32, now: Timestamp) -> Vec<Kept> {
        let mut kept = Vec::new();
        for (place, entry) in self.chart_mut(subject).entries.iter_mut().enumerate() {
            let Some(symptom) = plan.symptoms.get(entry.symptom).filter(|_| entry.stale) else { continue };
            let judgement = judge(symptom, entry, now);
            let (status, measures) = entry.show(judgement.status, judgement.measures);
            kept.push((place, status, measures));
        }
        kept
    }

    fn lies_in(&self, subject: u32, outer: u32) -> bool {
        let mut above = self.subjects.parent(subject);
        while let Some(parent) = above {
            if parent == outer {
                return true;
            }
            above = self.subjects.parent(parent);
        }
        false
    }
}
