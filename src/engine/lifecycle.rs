//! From a chart to a diagnosis: which causes compete, who wins, what it explains, what becomes of the problem events.

use std::sync::Arc;
use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};
use xxhash_rust::xxh3::Xxh3;

use crate::engine::chart::{Chart, Past, Tally};
use crate::engine::differential::{Differential, Finding, Posterior, Seen, SetAside, decibans};
use crate::engine::judge::Judged;
use crate::engine::run::Run;
use crate::model::{
    CauseReport, Diagnosis, Evidence, Exhibit, ExhibitReport, NextLook, Points, Probability, SetAsideReport,
    Severity, SolutionReport, State, Status, SymptomReport, Timestamp,
};

/// The least probability of a verdict.
const LEAST: f64 = 0.6;
/// The most that "none of these" may weigh beside a verdict.
const MOST_NONE: f64 = 0.15;
/// A rival that accounts for more than this share of what the first accounts for makes the verdict too close.
const RIVAL: f64 = 0.67;

/// From here on a cause is taken for a fact.
const CERTAIN: f64 = 0.9;
/// How long before and after an episode above its effects may show on what lies inside.
const REACTION: Duration = Duration::from_secs(300);
/// The share of a present symptom that a cause must account for to be at work for sure.
const AT_WORK: f64 = 0.5;

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

/// The causes that compete on one subject, and how they stand.
pub(super) struct Case {
    causes: Vec<usize>,
    /// The diagnosis of a containing subject in which the cause is decided, if it is under way there.
    inherited: Vec<Option<Arc<str>>>,
    /// Causes of this very subject that are so bad that nothing mild may hide them.
    grave: Vec<bool>,
    priors: Vec<f64>,
    findings: Vec<Finding>,
    judged: Vec<Judged>,
    posterior: Posterior,
    /// Those of the causes that could not be weighed.
    set_aside: Option<SetAside>,
    /// For each cause, how many of the present symptoms it accounts for, in expectation.
    share: Vec<f64>,
}

impl Run {
    /// Judges every subject that has shown something, outermost first, in the order of their names.
    pub(super) fn diagnose_open(&mut self) {
        let plan = Arc::clone(&self.plan);
        let mut subjects: Vec<u32> = self.subjects.all().collect();
        let depth = |subject: u32| plan.schema.lineage(self.subjects.level(subject)).len();
        subjects.sort_by_cached_key(|&subject| (depth(subject), self.subjects.name(&plan.schema, subject)));
        // The newest record of all, also one that no rule asks about: everything up to it is known.
        let now = self.ingress.last().unwrap_or(Timestamp::MIN).max(self.now());
        if self.settings.live {
            self.look_as_of(now);
        }
        for &subject in &subjects {
            if self.has_news(&plan, subject, now) {
                self.diagnose(subject, false, now);
            } else {
                let left = self.chart_mut(subject).unbooked();
                self.summary.unexplained += left;
            }
            if !self.subjects.holds_any(subject) {
                *self.chart_mut(subject) = Chart::default();
            }
        }
    }

    /// Gives the diagnosis of a subject's episode, if its symptoms are still present when all is weighed.
    pub(super) fn diagnose(&mut self, subject: u32, resolved: bool, now: Timestamp) {
        let Some(case) = self.case(subject, now) else {
            let left = self.chart_mut(subject).unbooked();
            self.summary.unexplained += left;
            return;
        };
        let (order, verdict) = case.verdict();
        let (mut diagnosis, booked) = self.report(subject, resolved, &case, &order, &verdict);
        self.summary.diagnoses += 1;
        self.summary.explained += booked.explained;
        self.summary.benign += booked.benign;
        self.summary.unexplained += booked.total - booked.explained - booked.benign;
        if self.settings.live {
            self.end_said(subject, &mut diagnosis);
        }
        if self.plan.schema.levels() > 1 {
            let causes = case.causes.iter().copied().zip(case.posterior.causes.iter().copied()).collect();
            let past = Past {
                id: Arc::clone(&diagnosis.id),
                first: diagnosis.first_seen,
                last: diagnosis.last_seen,
                causes,
            };
            self.chart_mut(subject).remember(past);
        }
        self.ready.push(diagnosis);
    }

    /// What competes on a subject; `None` when nothing is present after all.
    pub(super) fn case(&self, subject: u32, now: Timestamp) -> Option<Case> {
        let plan = &self.plan;
        let chart = self.charts.get(usize::try_from(subject).ok()?)?;
        let level = self.subjects.level(subject);
        let (first, last) = chart.span()?;
        let judged = self.judge_all(subject, now);
        let news = |symptom: usize| judged.iter().any(|j| j.symptom == symptom && self.is_news(j));
        if !judged.iter().any(|judged| self.is_news(judged)) {
            return None;
        }
        let lineage = plan.schema.lineage(level);
        let mut rivals: Vec<Rival> = Vec::new();
        for (at, cause) in plan.causes.iter().enumerate() {
            let here = cause.explains.iter().any(|&(symptom, _)| news(symptom));
            if !here || !lineage.contains(&cause.level) {
                continue;
            }
            let rival = if cause.level == level {
                Rival { cause: at, prior: cause.prior, above: None }
            } else {
                self.rival_above(subject, cause.level, at, (first, last), now)
            };
            // A cause above that was at work at another time explains nothing here.
            if judged.iter().any(|j| self.is_news(j) && self.strength(&rival, j.symptom, chart) > 0.0) {
                rivals.push(rival);
            }
        }
        Some(self.weigh(rivals, judged, chart, level))
    }

    /// Present, and not merely ordinary.
    fn is_news(&self, judged: &Judged) -> bool {
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
        match (&rival.above, chart.entry(symptom)) {
            (Some(above), Some(entry)) if entry.shown.evidence.count() > 0 => {
                strength * above.share(&entry.shown.evidence)
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
        rival.prior = self.quiet_posterior(parent, level, cause, now);
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
        if let (Some(span), Some(case)) = (chart.span(), self.case(parent, now))
            && let Some(at) = case.causes.iter().position(|&known| known == cause)
        {
            let p = case.posterior.causes.get(at).copied().unwrap_or(0.0);
            consider(p, &self.id_of(parent, &case.judged), span);
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

    /// How probable a cause is on a subject that shows nothing of it at the time.
    fn quiet_posterior(&self, subject: u32, level: usize, cause: usize, now: Timestamp) -> f64 {
        let mut judged = self.judge_all(subject, now);
        for judged in judged.iter_mut().filter(|judged| judged.status.is_present()) {
            judged.status = Status::Absent;
        }
        let prior = self.plan.causes.get(cause).map_or(0.0, |cause| cause.prior);
        let Some(chart) = usize::try_from(subject).ok().and_then(|at| self.charts.get(at)) else {
            return prior;
        };
        let case = self.weigh(vec![Rival { cause, prior, above: None }], judged, chart, level);
        case.posterior.causes.first().copied().unwrap_or(prior)
    }

    fn weigh(&self, rivals: Vec<Rival>, judged: Vec<Judged>, chart: &Chart, level: usize) -> Case {
        let plan = &self.plan;
        let strengths = |judged: &Judged| -> Vec<f64> {
            rivals.iter().map(|rival| self.strength(rival, judged.symptom, chart)).collect()
        };
        let judged: Vec<Judged> = judged
            .into_iter()
            .filter(|j| j.status.is_present() || strengths(j).iter().any(|&s| s > 0.0))
            .collect();
        let findings: Vec<Finding> = judged
            .iter()
            .map(|judged| Finding {
                seen: match &judged.status {
                    Status::Present(confidence) => Seen::Present(confidence.get()),
                    Status::Absent => Seen::Absent,
                    Status::Unknown(_) => Seen::Unknown,
                },
                leak: plan.symptoms.get(judged.symptom).map_or(0.0, |symptom| symptom.background),
                strengths: strengths(judged),
            })
            .collect();
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

    /// A case in words, and what it books.
    pub(super) fn report(
        &self,
        subject: u32,
        resolved: bool,
        case: &Case,
        order: &[usize],
        verdict: &Verdict,
    ) -> (Diagnosis, Booked) {
        let plan = Arc::clone(&self.plan);
        let differential = Differential::new(&case.priors, &case.findings);
        let points = differential.points();
        let mut causes = Vec::new();
        for &at in order {
            let Some(cause) = case.causes.get(at).and_then(|&cause| plan.causes.get(cause)) else { continue };
            causes.push(CauseReport {
                id: Arc::clone(&cause.id),
                title: Arc::clone(&cause.title),
                probability: Probability::new(case.posterior.causes.get(at).copied().unwrap_or(0.0)),
                severity: cause.severity,
                points: self.points(case, &points, at),
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
            next: self.next_look(case, order, &differential),
            problem_events: booked.total,
            explained_events: booked.explained + booked.benign,
            incomplete,
        };
        (diagnosis, booked)
    }

    fn points(&self, case: &Case, points: &[Vec<f64>], cause: usize) -> Vec<Points> {
        let mut rows: Vec<Points> = Vec::new();
        for (judged, row) in case.judged.iter().zip(points) {
            let points = row.get(cause).copied().unwrap_or(0.0);
            let Some(symptom) = self.plan.symptoms.get(judged.symptom) else { continue };
            if points.abs() >= 0.05 {
                rows.push(Points { symptom: Arc::clone(&symptom.id), decibans: points });
            }
        }
        rows.sort_by(|a, b| {
            b.decibans.abs().total_cmp(&a.decibans.abs()).then_with(|| a.symptom.cmp(&b.symptom))
        });
        let prior = case.priors.get(cause).copied().unwrap_or(0.0);
        rows.push(Points { symptom: "prior".into(), decibans: decibans(prior) });
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
            report.measures.clone_from(&judged.measures);
            if let Some(entry) = chart.and_then(|chart| chart.entry(judged.symptom)) {
                report.events = entry.shown.evidence.count();
                report.evidence = self.exhibits(&entry.shown.evidence);
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
    fn id_of(&self, subject: u32, judged: &[Judged]) -> Arc<str> {
        let chart = usize::try_from(subject).ok().and_then(|at| self.charts.get(at));
        let present = judged.iter().filter(|judged| self.is_news(judged));
        let entries = present.filter_map(|judged| chart?.entry(judged.symptom));
        let first = entries
            .flat_map(|entry| entry.shown.evidence.kept())
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

    fn next_look(&self, case: &Case, order: &[usize], differential: &Differential<'_>) -> Option<NextLook> {
        /// A look that is expected to move the leading cause by less is not worth the walk.
        const WORTH: f64 = 0.02;
        order.first()?;
        let worth = differential.worth_knowing();
        let (at, _) = worth
            .into_iter()
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

    /// Which of the episode's problem events are explained, benign or neither.
    fn book(&self, subject: u32, case: &Case, winner: Option<usize>) -> Booked {
        let plan = &self.plan;
        let Some(chart) = usize::try_from(subject).ok().and_then(|at| self.charts.get(at)) else {
            return Booked::default();
        };
        let mut left = chart.problems.clone();
        let mut total = left.total();
        let (mut explained, mut benign) = (0, 0);
        let mut covered: Vec<(usize, u64)> =
            chart.covered.iter().map(|(symptom, tally)| (*symptom, tally.total())).collect();
        total += covered.iter().map(|(_, count)| count).sum::<u64>();
        // The verdict first, then whatever else is probable here.
        let mut causes: Vec<usize> = winner.into_iter().collect();
        if winner.is_some() {
            let probable = |&at: &usize| case.posterior.causes.get(at).is_some_and(|&p| p >= 0.5);
            causes.extend((0..case.causes.len()).filter(|at| Some(*at) != winner).filter(probable));
        }
        for at in causes {
            let Some(cause) = case.causes.get(at).and_then(|&cause| plan.causes.get(cause)) else { continue };
            let explains = |symptom: usize| cause.explains.iter().any(|&(known, _)| known == symptom);
            // A symptom that gives way to others speaks for the cause only where no other does.
            let mut claims = [Tally::default(), Tally::default()];
            for judged in case.judged.iter().filter(|j| j.status.is_present() && explains(j.symptom)) {
                let Some(symptom) = plan.symptoms.get(judged.symptom).filter(|symptom| symptom.accounts)
                else {
                    continue;
                };
                let [own, fallback] = &mut claims;
                let tally = if symptom.unless.is_empty() { own } else { fallback };
                if let Some(entry) = chart.entry(judged.symptom) {
                    tally.raise_to(&entry.shown.claims);
                }
            }
            let [own, fallback] = claims;
            let claims = if own.total() > 0 { own } else { fallback };
            let mut accounted = 0;
            let mut rest = Tally::default();
            for (signature, count) in left.iter() {
                let taken = count.min(claims.get(signature));
                accounted += taken;
                rest.add(signature, count - taken);
            }
            left = rest;
            for (_, count) in covered.iter_mut().filter(|(symptom, _)| explains(*symptom)) {
                accounted += std::mem::take(count);
            }
            if cause.severity == Severity::Benign { benign += accounted } else { explained += accounted }
        }
        Booked { total, explained, benign }
    }
}

/// The problem events of an episode.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Booked {
    /// All.
    total: u64,
    /// Those that a cause which is not benign accounts for.
    explained: u64,
    /// Those that a benign one accounts for.
    benign: u64,
}

/// Who wins, or why nobody does.
pub(super) enum Verdict {
    Cause(usize),
    CannotTell(SmolStr),
}

impl Case {
    /// The causes in order of how much they account for, and whether the first may be named.
    pub(super) fn verdict(&self) -> (Vec<usize>, Verdict) {
        let share = |at: usize| self.share.get(at).copied().unwrap_or(0.0);
        let probability = |at: usize| self.posterior.causes.get(at).copied().unwrap_or(0.0);
        // What is grave and surely at work comes first, however much else something mild accounts for.
        let grave =
            |at: usize| self.grave.get(at) == Some(&true) && probability(at) >= LEAST && share(at) >= AT_WORK;
        let weighed = |at: &usize| !self.set_aside.as_ref().is_some_and(|aside| aside.causes.contains(at));
        let mut order: Vec<usize> = (0..self.causes.len()).filter(weighed).collect();
        order.sort_by(|&a, &b| {
            let by_share = || share(b).total_cmp(&share(a)).then(probability(b).total_cmp(&probability(a)));
            grave(b).cmp(&grave(a)).then_with(by_share).then(a.cmp(&b))
        });
        let Some(&first) = order.first() else {
            return (order, Verdict::CannotTell("no known cause explains what was seen".into()));
        };
        let percent = |p: f64| Probability::new(p);
        if self.posterior.none > MOST_NONE {
            let why = format_smolstr!("perhaps none of the known causes ({})", percent(self.posterior.none));
            return (order, Verdict::CannotTell(why));
        }
        if probability(first) < LEAST {
            let why = format_smolstr!("the most probable cause reaches only {}", percent(probability(first)));
            return (order, Verdict::CannotTell(why));
        }
        if let Some(&second) = order.get(1) {
            // Two that are both certain do not compete: each accounts for something of its own.
            let certain = probability(first).min(probability(second)) >= CERTAIN;
            let close =
                share(second) > RIVAL * share(first) && probability(second) > 0.5 * probability(first);
            if close && !certain && !grave(first) {
                let why = format_smolstr!(
                    "two causes are too close: {} and {}",
                    percent(probability(first)),
                    percent(probability(second))
                );
                return (order, Verdict::CannotTell(why));
            }
        }
        (order, Verdict::Cause(first))
    }
}
