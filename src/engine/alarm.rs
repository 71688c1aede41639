//! When a subject is woken: one alarm each, for the first of all that its symptoms wait for.
//!
//! What is awaited is mostly put off before it comes, and an alarm that was set for an earlier time does no harm: when it
//! goes off and nothing is due, it is set again. So an event that puts off ten deadlines touches no alarm at all.

use crate::engine::ward::{Moment, Ward};
use crate::model::Timestamp;
use crate::rule::Plan;

impl Ward {
    /// Makes sure that a subject is woken at this time, or earlier and then again.
    pub(super) fn arm(&mut self, subject: u32, at: Timestamp) {
        let chart = self.chart_mut(subject);
        if chart.alarm.is_some_and(|set| set <= at) {
            return;
        }
        chart.alarm = Some(at);
        self.alarms.set(at, (self.subjects.key(subject), subject));
        if self.alarms.is_crowded() {
            let Self { alarms, subjects, charts, .. } = self;
            alarms.retain(|time, (key, subject)| {
                let chart = usize::try_from(subject).ok().and_then(|at| charts.get(at));
                subjects.key(subject) == key && chart.is_some_and(|chart| chart.alarm == Some(time))
            });
        }
    }

    /// An alarm has gone off: does what is due now and comes first, and sets the next.
    pub(super) fn ring(&mut self, plan: &Plan, at: Timestamp, (key, subject): (u64, u32)) {
        // By now its number may be another's, or another alarm may have been set.
        if self.subjects.key(subject) != key || self.chart_mut(subject).alarm != Some(at) {
            return;
        }
        if let Some((time, symptom)) = self.chart_mut(subject).first_due().filter(|&(time, _)| time == at) {
            self.settle(Some(time));
            self.now = time;
            match symptom {
                Some(symptom) => self.fire(plan, subject, symptom),
                None => {
                    self.moment = Moment::due(time, key);
                    self.quiet(plan, subject, time);
                }
            }
        }
        let chart = self.chart_mut(subject);
        chart.alarm = None;
        if let Some((next, _)) = chart.first_due() {
            self.arm(subject, next);
        }
    }
}
