//! The diagnoses of all wards in one order: that in which one ward alone would have made them.

use crate::engine::ward::Made;
use crate::model::Diagnosis;

/// Puts the diagnoses of several wards in order, each of an outer subject once, with what all have counted.
pub(super) fn merged(mut wards: Vec<Vec<Made>>) -> Vec<Diagnosis> {
    if let [only] = wards.as_mut_slice() {
        return std::mem::take(only).into_iter().map(|made| made.diagnosis).collect();
    }
    let mut all: Vec<Made> = wards.into_iter().flatten().collect();
    // Stable: that of the first ward comes first.
    all.sort_by(|a, b| a.moment.cmp(&b.moment).then_with(|| a.diagnosis.subject.cmp(&b.diagnosis.subject)));
    let mut merged: Vec<Made> = Vec::with_capacity(all.len());
    for made in all {
        match merged.last_mut().filter(|last| last.is_same(&made)) {
            Some(last) => {
                last.diagnosis.problem_events += made.diagnosis.problem_events;
                last.diagnosis.explained_events += made.diagnosis.explained_events;
            }
            None => merged.push(made),
        }
    }
    merged.into_iter().map(|made| made.diagnosis).collect()
}
