//! What becomes of problem events: each belongs to its subject, or to a containing one whose symptom covers it.

use std::sync::Arc;

use crate::engine::case::Case;
use crate::engine::chart::{Entry, Tally};
use crate::engine::signature::Signature;
use crate::engine::ward::{Pending, Ward};
use crate::model::{Severity, Timestamp};

impl Ward {
    /// Books problem events that no containing subject can cover any more; all of them when there is no `watermark`.
    pub(super) fn settle(&mut self, watermark: Option<Timestamp>) {
        let delay = self.delay;
        let is_over = |pending: &Pending| watermark.is_none_or(|at| pending.time.plus(delay) < at);
        while self.pending.front().is_some_and(is_over) {
            if let Some(pending) = self.pending.pop_front() {
                self.book_one(&pending);
            }
        }
    }

    /// Books the problem events of a key group, as things stand.
    pub(super) fn book_group(&mut self, key: u64) {
        for pending in std::mem::take(&mut self.pending) {
            if self.bounds.are_together(pending.key, key) {
                self.book_one(&pending);
            } else {
                self.pending.push_back(pending);
            }
        }
    }

    fn book_one(&mut self, pending: &Pending) {
        self.bounds.waits_no_longer(pending.key);
        if self.subjects.key(pending.subject) != pending.key {
            // Nothing is known of its subject any more.
            self.summary.unexplained += 1;
            return;
        }
        let mut above = self.subjects.parent(pending.subject);
        let mut covering = None;
        while let (Some(subject), None) = (above, covering) {
            covering = self.covering(subject, pending).map(|symptom| (subject, symptom));
            above = self.subjects.parent(subject);
        }
        match covering {
            None => self.chart_mut(pending.subject).problems.add(pending.signature, 1),
            Some((subject, symptom)) => {
                let chart = self.chart_mut(subject);
                match chart.covered.iter_mut().find(|(known, _)| *known == symptom) {
                    Some((_, tally)) => tally.add(pending.signature, 1),
                    None => {
                        let mut tally = Tally::default();
                        tally.add(pending.signature, 1);
                        chart.covered.push((symptom, tally));
                    }
                }
            }
        }
    }

    /// A symptom of `subject` that held at the time of a problem event and is about events of its kind.
    fn covering(&self, subject: u32, pending: &Pending) -> Option<usize> {
        let signature = Signature::of(&self.signatures, pending.signature)?;
        let chart = self.charts.get(usize::try_from(subject).ok()?)?;
        let covers = |entry: &&Entry| {
            !entry.ordinary
                && entry.shown().status.is_present()
                && entry.covers(pending.time)
                && signature.symptoms.binary_search(&entry.symptom).is_ok()
        };
        chart.entries.iter().find(covers).map(|entry| entry.symptom)
    }

    /// Which of the episode's problem events are explained, benign or neither.
    pub(super) fn book(&self, subject: u32, case: &Case, winner: Option<usize>) -> Booked {
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
                    tally.raise_to(&entry.shown().claims);
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
    pub(super) total: u64,
    /// Those that a cause which is not benign accounts for.
    pub(super) explained: u64,
    /// Those that a benign one accounts for.
    pub(super) benign: u64,
}

/// Whether events of this signature must end explained, benign or unexplained.
pub(super) fn is_problem(signatures: &[Arc<Signature>], signature: u32) -> bool {
    Signature::of(signatures, signature).is_some_and(|known| known.problem)
}
