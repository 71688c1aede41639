//! A case in words: what was seen, what explains it, what to do, what to look at next.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::engine::case::Case;
use crate::engine::chart::Chart;
use crate::engine::differential::{Answers, decibans};
use crate::engine::judge::Judged;
use crate::engine::ledger::Booked;
use crate::engine::verdict::Verdict;
use crate::engine::ward::Ward;
use crate::model::{
    CauseReport, Diagnosis, Evidence, Exhibit, ExhibitReport, NextLook, Points, Probability, SetAsideReport,
    Severity, SolutionKind, SolutionReport, State, Status, SymptomReport, Timestamp,
};
use crate::rule::{Cause, Plan};

impl Ward {
    /// A case in words, and what it books.
    pub(super) fn report(
        &self,
        subject: u32,
        resolved: bool,
        case: &Case,
        order: &[usize],
        verdict: &Verdict,
        answers: &Answers,
    ) -> (Diagnosis, Booked) {
        let plan = Arc::clone(&self.plan);
        let mut causes = Vec::new();
        for &at in order {
            let Some(cause) = case.causes.get(at).and_then(|&cause| plan.causes.get(cause)) else { continue };
            causes.push(CauseReport {
                id: Arc::clone(&cause.id),
                title: Arc::clone(&cause.title),
                probability: Probability::new(case.posterior.causes.get(at).copied().unwrap_or(0.0)),
                prior: Probability::new(case.priors.get(at).copied().unwrap_or(0.0)),
                severity: cause.severity,
                points: self.points(case, &answers.points, at),
                solutions: plan
                    .solutions_of(cause)
                    .map(|solution| SolutionReport {
                        id: Arc::clone(&solution.id),
                        kind: solution.kind,
                        text: Arc::clone(&solution.text),
                        link: solution.link.clone(),
                    })
                    .collect(),
            });
        }
        let winner = match verdict {
            Verdict::Cause(at) => Some(*at),
            Verdict::CannotTell(_) => None,
        };
        let top = winner.and_then(|at| plan.causes.get(*case.causes.get(at)?));
        let plausible =
            causes.iter().filter(|cause| cause.probability.get() >= 0.2).map(|cause| cause.severity);
        let severity = top.map_or_else(|| plausible.max().unwrap_or(Severity::Info), |cause| cause.severity);
        let booked = self.book(subject, case, winner);
        let quiet = self.quiet_of(subject);
        let chart = usize::try_from(subject).ok().and_then(|at| self.charts.get(at));
        let span = chart.and_then(Chart::span);
        let (first_seen, last_seen) = span.unwrap_or((Timestamp::MIN, Timestamp::MIN));
        let incomplete = chart.is_some_and(|chart| {
            chart.incomplete || chart.doubtful.is_some_and(|evicted| evicted.plus(quiet) > first_seen)
        });
        let diagnosis = Diagnosis {
            id: self.id_of(subject, &case.judged),
            change: None,
            replaces: None,
            state: if resolved { State::Resolved } else { State::Open },
            severity,
            no_action: top.is_some_and(|cause| needs_no_action(&plan, cause)),
            subject: self.subjects.name(&plan.schema, subject),
            first_seen,
            last_seen,
            verdict: top.map_or_else(|| Diagnosis::CANNOT_TELL.into(), |cause| Arc::clone(&cause.id)),
            why: match verdict {
                Verdict::Cause(_) => None,
                Verdict::CannotTell(why) => Some(why.clone()),
            },
            explained_by: winner.and_then(|at| case.inherited.get(at).cloned().flatten()),
            causes,
            none_of_these: Probability::new(case.posterior.none),
            set_aside: case.set_aside.as_ref().map(|aside| {
                let causes = aside.causes.iter().filter_map(|&at| plan.causes.get(*case.causes.get(at)?));
                SetAsideReport {
                    causes: causes.map(|cause| Arc::clone(&cause.id)).collect(),
                    at_most: Probability::new(aside.at_most),
                }
            }),
            symptoms: self.symptoms(subject, &case.judged),
            next: self.next_look(case, order, &answers.worth),
            problem_events: booked.total,
            explained_events: booked.explained + booked.benign,
            incomplete,
        };
        (diagnosis, booked)
    }

    fn points(&self, case: &Case, points: &[Vec<f64>], cause: usize) -> Vec<Points> {
        let mut rows: Vec<Points> = Vec::new();
        for ((judged, finding), row) in case.judged.iter().zip(&case.findings).zip(points) {
            let points = row.get(cause).copied().unwrap_or(0.0);
            let strength = finding.strengths.get(cause).copied().unwrap_or(0.0);
            let Some(symptom) = self.plan.symptoms.get(judged.symptom) else { continue };
            if points.abs() >= 0.05 || strength > 0.0 {
                rows.push(Points { symptom: Arc::clone(&symptom.id), decibans: points, strength });
            }
        }
        rows.sort_by(|a, b| {
            b.decibans.abs().total_cmp(&a.decibans.abs()).then_with(|| a.symptom.cmp(&b.symptom))
        });
        let prior = case.priors.get(cause).copied().unwrap_or(0.0);
        rows.push(Points { symptom: "prior".into(), decibans: decibans(prior), strength: 0.0 });
        rows
    }

    fn symptoms(&self, subject: u32, judged: &[Judged]) -> Vec<SymptomReport> {
        let chart = usize::try_from(subject).ok().and_then(|at| self.charts.get(at));
        let mut reports: Vec<SymptomReport> = Vec::new();
        for judged in judged {
            let Some(symptom) = self.plan.symptoms.get(judged.symptom) else { continue };
            let mut report = SymptomReport::new(
                Arc::clone(&symptom.id),
                Arc::clone(&symptom.title),
                judged.status.clone(),
            );
            report.background = symptom.background;
            report.measures.clone_from(&judged.measures);
            if let Some(entry) = chart.and_then(|chart| chart.entry(judged.symptom)) {
                report.events = entry.shown().evidence.count();
                report.evidence = self.exhibits(&entry.shown().evidence);
            }
            reports.push(report);
        }
        let rank = |status: &Status| match status {
            Status::Present(_) => 0,
            Status::Unknown(_) => 1,
            Status::Absent => 2,
        };
        reports.sort_by(|a, b| rank(&a.status).cmp(&rank(&b.status)).then_with(|| a.id.cmp(&b.id)));
        reports
    }

    fn exhibits(&self, evidence: &Evidence) -> Vec<ExhibitReport> {
        let report = |exhibit: &Exhibit| ExhibitReport {
            source: self.file_name(exhibit.origin.file),
            line: exhibit.origin.line,
            offset: exhibit.origin.offset,
            time: exhibit.time,
        };
        evidence.kept().map(report).collect()
    }

    /// The same in every rerun: pack, subject, and the first event that speaks for a present symptom.
    pub(super) fn id_of(&self, subject: u32, judged: &[Judged]) -> Arc<str> {
        let chart = usize::try_from(subject).ok().and_then(|at| self.charts.get(at));
        let present = judged.iter().filter(|judged| self.is_news(judged));
        let entries = present.filter_map(|judged| chart?.entry(judged.symptom));
        let first = entries
            .flat_map(|entry| entry.shown().evidence.kept())
            .min_by_key(|e| (e.time, e.identity, e.origin));
        let mut hash = Xxh3::new();
        for pack in &self.plan.packs {
            hash.update(pack.name.as_bytes());
            hash.update(&[0]);
        }
        for (level, id) in self.subjects.name(&self.plan.schema, subject).levels() {
            for part in [level, id] {
                hash.update(part.as_bytes());
                hash.update(&[0]);
            }
        }
        if let Some(first) = first {
            hash.update(&first.time.nanos().to_le_bytes());
            hash.update(&first.identity.to_le_bytes());
            if first.identity == 0 {
                hash.update(self.file_name(first.origin.file).as_bytes());
                hash.update(&first.origin.offset.to_le_bytes());
            }
        }
        format!("{:016x}", hash.digest()).into()
    }

    fn next_look(&self, case: &Case, order: &[usize], worth: &[(usize, f64)]) -> Option<NextLook> {
        /// A look that is expected to move the leading cause by less is not worth the walk.
        const WORTH: f64 = 0.02;
        order.first()?;
        let &(at, _) = worth
            .iter()
            .filter(|(_, w)| *w >= WORTH)
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
        let judged = case.judged.get(at)?;
        let symptom = self.plan.symptoms.get(judged.symptom)?;
        let why = match &judged.status {
            Status::Unknown(why) => why.clone(),
            Status::Present(_) | Status::Absent => return None,
        };
        Some(NextLook { symptom: Arc::clone(&symptom.id), title: Arc::clone(&symptom.title), why })
    }
}

/// Whether the advice against a cause is to do nothing.
fn needs_no_action(plan: &Plan, cause: &Cause) -> bool {
    let advises = |kind: SolutionKind| plan.solutions_of(cause).any(|solution| solution.kind == kind);
    cause.severity == Severity::Benign || (advises(SolutionKind::Nothing) && !advises(SolutionKind::Do))
}
