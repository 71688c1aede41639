//! What becomes of problem events: each belongs to its subject, or to a containing one whose symptom covers it.

use std::sync::Arc;

use crate::engine::chart::{Entry, Tally};
use crate::engine::run::{Pending, Run, Signature};
use crate::model::Timestamp;

impl Run {
    /// Books problem events that no containing subject can cover any more; all of them when there is no `watermark`.
    pub(super) fn settle(&mut self, watermark: Option<Timestamp>) {
        while let Some(front) = self.pending.front() {
            if watermark.is_some_and(|watermark| front.time.plus(self.delay) >= watermark) {
                break;
            }
            self.book_first();
        }
    }

    /// Books the problem event that has waited longest, as things stand.
    pub(super) fn book_first(&mut self) {
        if let Some(pending) = self.pending.pop_front() {
            if self.subjects.key(pending.subject) != pending.key {
                // Nothing is known of its subject any more.
                self.summary.unexplained += 1;
                return;
            }
            let mut above = self.subjects.parent(pending.subject);
            let mut covering = None;
            while let (Some(subject), None) = (above, covering) {
                covering = self.covering(subject, &pending).map(|symptom| (subject, symptom));
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
    }

    /// A symptom of `subject` that held at the time of a problem event and is about events of its kind.
    fn covering(&self, subject: u32, pending: &Pending) -> Option<usize> {
        let signature = self.signatures.get(usize::try_from(pending.signature).ok()?)?;
        let chart = self.charts.get(usize::try_from(subject).ok()?)?;
        let covers = |entry: &&Entry| {
            signature.symptoms.contains(&entry.symptom)
                && !entry.ordinary
                && entry.shown.status.is_present()
                && entry.covers(pending.time)
        };
        chart.entries.iter().find(covers).map(|entry| entry.symptom)
    }
}

/// Whether events of this signature must end explained, benign or unexplained.
pub(super) fn is_problem(signatures: &[Arc<Signature>], signature: u32) -> bool {
    usize::try_from(signature).ok().and_then(|at| signatures.get(at)).is_some_and(|known| known.problem)
}
