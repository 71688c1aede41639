//! What competes on a subject, and how probable each cause is there.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::chart::Chart;
use crate::engine::differential::{Differential, Finding, Posterior, Seen, SetAside};
use crate::engine::judge::Judged;
use crate::engine::verdict::LEAST;
use crate::engine::ward::Ward;
use crate::model::{Evidence, Exhibit, Severity, Status, Timestamp};

/// How long before and after an episode above its effects may show on what lies inside.
const REACTION: Duration = Duration::from_secs(300);

/// A cause that competes on a subject.
struct Rival {
    cause: usize,
    /// How probable it is before the subject's own symptoms count.
    prior: f64,
    /// For a cause that is decided on a containing subject: what is known of it there.
    above: Option<Above>,
}

/// A cause as it was at work on a containing subject.
struct Above {
    /// The diagnosis there, the most probable one if there were several.
    id: Arc<str>,
    /// When it was at work.
    spans: Vec<(Timestamp, Timestamp)>,
}

impl Above {
    /// The share of a symptom's events, as far as they are kept, that fall into the time when the cause was at work.
    fn share(&self, evidence: &Evidence) -> f64 {
        let during = |exhibit: &&Exhibit| {
            self.spans.iter().any(|&(from, to)| from <= exhibit.time && exhibit.time <= to)
        };
        let kept = u32::try_from(evidence.kept().count()).unwrap_or(u32::MAX);
        let hit = u32::try_from(evidence.kept().filter(during).count()).unwrap_or(u32::MAX);
        if kept == 0 { 0.0 } else { f64::from(hit) / f64::from(kept) }
    }
}

/// A containing subject, looked at once for all the causes that are decided there.
struct Outside {
    subject: u32,
    /// Its symptoms as they would be if nothing were present.
    quiet: Vec<Judged>,
    /// The episode that is under way, with its diagnosis and its time.
    present: Option<(Case, Arc<str>, (Timestamp, Timestamp))>,
}

/// The causes that compete on one subject, and how they stand.
pub(super) struct Case {
    pub(super) causes: Vec<usize>,
    /// The diagnosis of a containing subject in which the cause is decided, if it is under way there.
    pub(super) inherited: Vec<Option<Arc<str>>>,
    /// Causes of this very subject that are so bad that nothing mild may hide them.
    pub(super) grave: Vec<bool>,
    pub(super) priors: Vec<f64>,
    pub(super) findings: Vec<Finding>,
    pub(super) judged: Vec<Judged>,
    pub(super) posterior: Posterior,
    /// Those of the causes that could not be weighed.
    pub(super) set_aside: Option<SetAside>,
    /// For each cause, how many of the present symptoms it accounts for, in expectation.
    pub(super) share: Vec<f64>,
}

impl Ward {
    /// What competes on a subject; `None` when nothing is present after all.
    pub(super) fn case(&self, subject: u32, now: Timestamp) -> Option<Case> {
        let plan = &self.plan;
        let chart = self.charts.get(usize::try_from(subject).ok()?)?;
        let level = self.subjects.level(subject);
        let (first, last) = chart.span()?;
        let judged = self.judge_all(subject, now);
        // Ascending, as the symptoms are judged.
        let news: Vec<usize> = judged.iter().filter(|j| self.is_news(j)).map(|j| j.symptom).collect();
        if news.is_empty() {
            return None;
        }
        let mut outside: Vec<Outside> = Vec::new();
        let lineage = plan.schema.lineage(level);
        let mut rivals: Vec<Rival> = Vec::new();
        for (at, cause) in plan.causes.iter().enumerate() {
            let here = cause.explains.iter().any(|(symptom, _)| news.binary_search(symptom).is_ok());
            if !here || !lineage.contains(&cause.level) {
                continue;
            }
            let rival = if cause.level == level {
                Rival { cause: at, prior: cause.prior, above: None }
            } else {
                self.rival_above(subject, cause.level, at, (first, last), now, &mut outside)
            };
            // A cause above that was at work at another time explains nothing here.
            if news.iter().any(|&symptom| self.strength(&rival, symptom, chart) > 0.0) {
                rivals.push(rival);
            }
        }
        Some(self.weigh(rivals, judged, chart, level))
    }

    /// Present, and not merely ordinary.
    pub(super) fn is_news(&self, judged: &Judged) -> bool {
        judged.status.is_present()
            && self.plan.symptoms.get(judged.symptom).is_some_and(|symptom| !symptom.is_ordinary())
    }

    /// The probability that a cause alone shows a symptom on a subject.
    ///
    /// A cause that is decided above explains only what happened while it was at work: its strength is that of the rule
    /// times the share of the symptom's events in that time.
    fn strength(&self, rival: &Rival, symptom: usize, chart: &Chart) -> f64 {
        let explains = self.plan.causes.get(rival.cause).map_or(&[][..], |cause| &cause.explains);
        let strength = explains.iter().find(|&&(known, _)| known == symptom).map_or(0.0, |&(_, s)| s);
        let Some(above) = rival.above.as_ref().filter(|_| strength > 0.0) else { return strength };
        match chart.entry(symptom) {
            Some(entry) if entry.shown().evidence.count() > 0 => {
                strength * above.share(&entry.shown().evidence)
            }
            _ => strength,
        }
    }

    /// A cause as it stands on the containing subject where it is decided, in the episode that meets this one's time.
    fn rival_above(
        &self,
        subject: u32,
        level: usize,
        cause: usize,
        (first, last): (Timestamp, Timestamp),
        now: Timestamp,
        outside: &mut Vec<Outside>,
    ) -> Rival {
        let mut rival =
            Rival { cause, prior: self.plan.causes.get(cause).map_or(0.0, |cause| cause.prior), above: None };
        let mut above = self.subjects.parent(subject);
        while let Some(parent) = above.filter(|&parent| self.subjects.level(parent) != level) {
            above = self.subjects.parent(parent);
        }
        let Some(parent) = above else { return rival };
        let Some(chart) = usize::try_from(parent).ok().and_then(|at| self.charts.get(at)) else {
            return rival;
        };
        let place = outside.iter().position(|known| known.subject == parent).unwrap_or_else(|| {
            outside.push(self.outside(parent, now));
            outside.len() - 1
        });
        let Some(outside) = outside.get(place) else { return rival };
        rival.prior = self.quiet_posterior(&outside.quiet, cause);
        let mut episodes: Vec<(f64, Arc<str>, (Timestamp, Timestamp))> = Vec::new();
        let mut consider = |p: f64, id: &Arc<str>, (from, to): (Timestamp, Timestamp)| {
            let span = (from.minus(REACTION), to.plus(REACTION));
            if span.0 <= last && first <= span.1 {
                episodes.push((p, Arc::clone(id), span));
            }
        };
        for past in &chart.past {
            if let Some(&(_, p)) = past.causes.iter().find(|(known, _)| *known == cause) {
                consider(p, &past.id, (past.first, past.last));
            }
        }
        if let Some((case, id, span)) = &outside.present
            && let Some(at) = case.causes.iter().position(|&known| known == cause)
        {
            consider(case.posterior.causes.get(at).copied().unwrap_or(0.0), id, *span);
        }
        if let Some((p, id, span)) = episodes.iter().max_by(|a, b| a.0.total_cmp(&b.0)) {
            let mut spans: Vec<_> =
                episodes.iter().filter(|(p, ..)| *p >= LEAST).map(|&(.., span)| span).collect();
            if spans.is_empty() {
                spans.push(*span);
            }
            rival.prior = *p;
            rival.above = Some(Above { id: Arc::clone(id), spans });
        }
        rival
    }

    fn outside(&self, subject: u32, now: Timestamp) -> Outside {
        let mut quiet = self.judge_all(subject, now);
        for judged in quiet.iter_mut().filter(|judged| judged.status.is_present()) {
            judged.status = Status::Absent;
        }
        let span = usize::try_from(subject).ok().and_then(|at| self.charts.get(at)?.span());
        let present = span.and_then(|span| {
            let case = self.case(subject, now)?;
            let id = self.id_of(subject, &case.judged);
            Some((case, id, span))
        });
        Outside { subject, quiet, present }
    }

    /// How probable a cause is on a subject that shows nothing of it at the time.
    fn quiet_posterior(&self, quiet: &[Judged], cause: usize) -> f64 {
        let Some(cause) = self.plan.causes.get(cause) else { return 0.0 };
        let finding = |judged: &Judged| {
            let &(_, strength) = cause.explains.iter().find(|&&(known, _)| known == judged.symptom)?;
            (strength > 0.0).then(|| self.finding(judged, vec![strength]))
        };
        let findings: Vec<Finding> = quiet.iter().filter_map(finding).collect();
        let posterior = Differential::new(&[cause.prior], &findings).posterior();
        posterior.causes.first().copied().unwrap_or(cause.prior)
    }

    /// A symptom, with how strongly each cause explains it.
    fn finding(&self, judged: &Judged, strengths: Vec<f64>) -> Finding {
        let seen = match &judged.status {
            Status::Present(confidence) => Seen::Present(confidence.get()),
            Status::Absent => Seen::Absent,
            Status::Unknown(_) => Seen::Unknown,
        };
        let leak = self.plan.symptoms.get(judged.symptom).map_or(0.0, |symptom| symptom.background);
        Finding { seen, leak, strengths }
    }

    fn weigh(&self, rivals: Vec<Rival>, judged: Vec<Judged>, chart: &Chart, level: usize) -> Case {
        let plan = &self.plan;
        let matters = |judged: Judged| -> Option<(Finding, Judged)> {
            let strengths = rivals.iter().map(|rival| self.strength(rival, judged.symptom, chart));
            let strengths: Vec<f64> = strengths.collect();
            let matters = judged.status.is_present() || strengths.iter().any(|&s| s > 0.0);
            matters.then(|| (self.finding(&judged, strengths), judged))
        };
        let (findings, judged): (Vec<Finding>, Vec<Judged>) = judged.into_iter().filter_map(matters).unzip();
        let priors: Vec<f64> = rivals.iter().map(|rival| rival.prior).collect();
        let differential = Differential::new(&priors, &findings);
        let (posterior, set_aside) = (differential.posterior(), differential.set_aside().cloned());
        let mut share = vec![0.0; priors.len()];
        for (finding, judged) in findings.iter().zip(&judged) {
            if !self.is_news(judged) {
                continue;
            }
            let weights: Vec<f64> =
                finding.strengths.iter().zip(&posterior.causes).map(|(s, p)| s * p).collect();
            let total = weights.iter().sum::<f64>() + finding.leak * posterior.none;
            if total > 0.0 {
                share.iter_mut().zip(&weights).for_each(|(share, weight)| *share += weight / total);
            }
        }
        let grave = |rival: &Rival| {
            plan.causes.get(rival.cause).is_some_and(|c| c.level == level && c.severity >= Severity::Error)
        };
        let grave = rivals.iter().map(grave).collect();
        let (causes, inherited) =
            rivals.into_iter().map(|rival| (rival.cause, rival.above.map(|above| above.id))).unzip();
        Case { causes, inherited, grave, priors, findings, judged, posterior, set_aside, share }
    }
}
