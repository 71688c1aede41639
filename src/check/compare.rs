//! What came, beside what was expected.

use crate::check::Failure;
use crate::check::explain;
use crate::check::play::Played;
use crate::engine::SymptomTrace;
use crate::model::{Diagnosis, Probability, Status, Subject};
use crate::rule::{Case, Expectation, Plan, Unwanted, Wanted};

/// All that did not come as expected.
pub(super) fn compare(plan: &Plan, case: &Case, played: &Played) -> Vec<Failure> {
    let mut failures = played.faults.clone();
    let mut meant: Vec<(&Expectation, Subject)> = Vec::new();
    for expected in &case.expected {
        match find(plan, expected, played) {
            Err(failure) => failures.push(failure),
            Ok(subject) => {
                failures.extend(top(expected, &subject, played));
                let symptoms = expected.symptoms.iter();
                failures
                    .extend(symptoms.filter_map(|&(at, wanted)| status(plan, at, wanted, &subject, played)));
                meant.push((expected, subject));
            }
        }
    }
    if case.exactly {
        failures.extend(others(&meant, played));
    }
    failures.extend(case.unwanted.iter().flat_map(|unwanted| none(plan, unwanted, played)));
    failures
}

/// The one subject that an expectation names.
fn find(plan: &Plan, expected: &Expectation, played: &Played) -> Result<Subject, Failure> {
    let named = Subject::new(expected.subject.iter().map(|(level, id)| (&**level, &**id)));
    let level = plan.schema.level_field(expected.level).map_or("", |field| plan.schema.name(field));
    let of_level: Vec<&Subject> = played.subjects.keys().filter(|known| known.level() == level).collect();
    let is_meant =
        |subject: &&&Subject| expected.subject.iter().all(|(name, id)| subject.get(name) == Some(&**id));
    let found: Vec<&Subject> = of_level.iter().filter(is_meant).copied().collect();
    let instead = match &*found {
        [only] => return Ok((*only).clone()),
        [] if of_level.is_empty() => vec![format!("no event that a rule asks for is about any {level}")],
        [] => vec![format!("there are: {}", explain::some(&of_level))],
        several => {
            let called = format!("several are called so: {}", explain::some(several));
            vec![called, "say in which they lie".to_owned()]
        }
    };
    Err(Failure { subject: None, expected: format!("events about {named}"), instead })
}

fn diagnoses<'a>(subject: &Subject, played: &'a Played) -> Vec<&'a Diagnosis> {
    played.diagnoses.iter().filter(|diagnosis| diagnosis.subject == *subject).collect()
}

/// Whether a diagnosis names the expected cause, with the probability that is expected.
fn names(expected: &Expectation, diagnosis: &Diagnosis) -> bool {
    let Some(top) = &expected.top else { return true };
    let probability = diagnosis.top().map_or(0.0, |cause| cause.probability.get());
    diagnosis.verdict == *top
        && expected.at_least.is_none_or(|least| probability >= least)
        && expected.at_most.is_none_or(|most| probability <= most)
}

fn top(expected: &Expectation, subject: &Subject, played: &Played) -> Option<Failure> {
    let top = expected.top.as_ref()?;
    let found = diagnoses(subject, played);
    if found.iter().any(|diagnosis| names(expected, diagnosis)) {
        return None;
    }
    let mut text = match &**top {
        Diagnosis::CANNOT_TELL => "a diagnosis that cannot tell".to_owned(),
        cause => format!("`{cause}` on top"),
    };
    if let Some(least) = expected.at_least {
        text += &format!(", at least {}", Probability::new(least));
    }
    if let Some(most) = expected.at_most {
        text += &format!(", at most {}", Probability::new(most));
    }
    Some(Failure { subject: Some(subject.clone()), expected: text, instead: explain::diagnoses(&found) })
}

fn status(
    plan: &Plan,
    symptom: usize,
    wanted: Wanted,
    subject: &Subject,
    played: &Played,
) -> Option<Failure> {
    let id = plan.symptoms.get(symptom).map_or("", |symptom| &*symptom.id);
    let trace = played.trace(subject, id);
    let holds = |trace: &SymptomTrace| match wanted {
        Wanted::Present => trace.status.is_present(),
        Wanted::Absent => trace.status == Status::Absent,
        Wanted::Unknown => matches!(trace.status, Status::Unknown(_)),
        Wanted::Near => !trace.status.is_present() && played.events_of(subject, id) > 0,
    };
    if trace.is_some_and(holds) {
        return None;
    }
    let expected = match wanted {
        Wanted::Present | Wanted::Absent | Wanted::Unknown => format!("`{id}` {}", wanted.word()),
        Wanted::Near => format!("`{id}` near: not present, though some of its events were seen"),
    };
    let instead = trace.map(explain::symptom).unwrap_or_default();
    Some(Failure { subject: Some(subject.clone()), expected, instead })
}

/// Diagnoses that nothing expects. What a containing subject explains needs no mention: that diagnosis decides.
fn others(meant: &[(&Expectation, Subject)], played: &Played) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (expected, subject) in meant {
        if expected.top.is_none() && diagnoses(subject, played).is_empty() {
            let expected = "a diagnosis".to_owned();
            failures.push(Failure {
                subject: Some(subject.clone()),
                expected,
                instead: explain::diagnoses(&[]),
            });
        }
    }
    for diagnosis in played.diagnoses.iter().filter(|diagnosis| diagnosis.explained_by.is_none()) {
        // Where the expected cause is on top of no diagnosis, that has been told already.
        let is_meant = meant.iter().any(|(expected, subject)| {
            let on_top = |found: &Diagnosis| expected.top.as_ref().is_none_or(|top| *top == found.verdict);
            *subject == diagnosis.subject
                && (on_top(diagnosis) || !diagnoses(subject, played).into_iter().any(on_top))
        });
        if !is_meant {
            failures.push(Failure {
                subject: Some(diagnosis.subject.clone()),
                expected: "no other diagnosis".to_owned(),
                instead: explain::diagnoses(&[diagnosis]),
            });
        }
    }
    failures
}

/// Where something is that should be nowhere.
fn none(plan: &Plan, unwanted: &Unwanted, played: &Played) -> Vec<Failure> {
    match unwanted {
        Unwanted::Cause(cause) => {
            let found = played.diagnoses.iter().filter(|diagnosis| diagnosis.verdict == *cause);
            let failure = |diagnosis: &Diagnosis| Failure {
                subject: Some(diagnosis.subject.clone()),
                expected: format!("`{cause}` on top of no diagnosis"),
                instead: explain::diagnoses(&[diagnosis]),
            };
            found.map(failure).collect()
        }
        Unwanted::Symptom(at) => {
            let id = plan.symptoms.get(*at).map_or("", |symptom| &*symptom.id);
            let failure = |subject: &Subject| Failure {
                subject: Some(subject.clone()),
                expected: format!("`{id}` present nowhere"),
                instead: played.trace(subject, id).map(explain::symptom).unwrap_or_default(),
            };
            played.present(id).map(failure).collect()
        }
    }
}
