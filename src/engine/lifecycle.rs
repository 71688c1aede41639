//! The life of a diagnosis: an episode ends, or the input does, and what was seen in it is told and booked.

use std::sync::Arc;

use crate::engine::chart::{Chart, Past};
use crate::engine::ward::{Made, Moment, Ward};
use crate::model::Timestamp;

impl Ward {
    /// Judges every subject that has shown something, outermost first, in the order of their names.
    pub(super) fn diagnose_open(&mut self, last: Timestamp) {
        let plan = Arc::clone(&self.plan);
        let mut subjects: Vec<u32> = self.subjects.all().collect();
        let depth = |subject: u32| plan.schema.lineage(self.subjects.level(subject)).len();
        subjects.sort_by_cached_key(|&subject| (depth(subject), self.subjects.name(&plan.schema, subject)));
        let now = last.max(self.now());
        if self.settings.live {
            self.look_as_of(now);
        }
        for &subject in &subjects {
            let depth = plan.schema.lineage(self.subjects.level(subject)).len();
            self.moment = Moment::end(u64::try_from(depth).unwrap_or(u64::MAX));
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
        let answers = self.memo.ask(&case.priors, &case.findings);
        let (mut diagnosis, booked) = self.report(subject, resolved, &case, &order, &verdict, &answers);
        self.summary.diagnoses += u64::from(self.share.counts(self.subjects.key(subject)));
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
        self.ready.push(Made { moment: self.moment, diagnosis });
    }
}
