//! An engine that says something wrong is found out.

use etiolog::{Engine, Status};
use etiolog_reference::{Said, differences, say};

use crate::reference::compare::reference_says;
use crate::reference::scenario::{Record, Rules, Scenario, Symptom, calm_of};

/// Two of `a` within ten seconds on one device, and what the device's hub makes of them.
fn scenario() -> Scenario {
    let symptom = |per, detect: &str| Symptom {
        per,
        detect: detect.to_owned(),
        when: None,
        unless: false,
        ordinary: false,
    };
    let symptoms = vec![
        symptom("device", "{count: {event: a, at-least: 2, within: 10s}}"),
        symptom("hub", "{count: {event: a, at-least: 3, within: 10s}}"),
    ];
    let rules = Rules { by_record: false, ties_any: false, quiet: [60, 60], symptoms };
    let record = |(number, second)| {
        let (hub, device) = (Some("h1".to_owned()), Some("d1".to_owned()));
        Record { number, source: 0, second, hub, device, word: "a", size: None }
    };
    calm_of(rules, [(0, 0), (1, 5)].map(record).to_vec())
}

/// What is found when the engine's words are changed in this way.
fn found(lie: impl FnOnce(&mut Said)) -> String {
    let scenario = scenario();
    let engine: Engine = scenario.engine();
    let arrivals = scenario.events(&engine);
    let answer = reference_says(&scenario, &engine, &arrivals);
    let mut said = say(&engine, 1, &arrivals);
    assert_eq!(differences(engine.plan(), &answer, &said), [], "the engine is right before it lies");
    lie(&mut said);
    let all = differences(engine.plan(), &answer, &said);
    all.iter().map(|difference| difference.to_string() + "\n").collect()
}

#[test]
fn a_diagnosis_that_should_not_be_is_found() {
    let text = found(|said| said.diagnoses.clear());
    assert!(text.contains("device d1 of hub h1, resolved, first and last of its diagnoses"), "{text}");
}

#[test]
fn a_wrong_status_is_found_in_an_episode_that_is_over_and_at_the_end() {
    let text = found(|said| {
        for (endings, trace) in said.subjects.values_mut() {
            endings.iter_mut().for_each(|ending| ending.symptoms[0].status = Status::Absent);
            trace.iter_mut().for_each(|trace| trace.status = Status::Unknown("why not".into()));
        }
    });
    assert!(text.contains("x#s0 in the episode until"), "{text}");
    assert!(
        text.contains("x#s1 at the end: the engine says Unknown(\"why not\"), the reference Absent"),
        "{text}"
    );
}

#[test]
fn wrong_measures_evidence_and_counts_are_found() {
    let text = found(|said| said.diagnoses[0].symptoms[0].measures.clear());
    assert!(text.contains("x#s0 in the diagnosis from") && text.contains("measures"), "{text}");
    let text = found(|said| said.diagnoses[0].symptoms[0].evidence[1].offset += 1);
    assert!(text.contains("evidence"), "{text}");
    let text = found(|said| said.diagnoses[0].symptoms[0].events += 1);
    assert!(text.contains("events: the engine says 3, the reference 2"), "{text}");
    let text = found(|said| said.diagnoses[0].problem_events += 1);
    assert!(text.contains("problem events of the diagnosis"), "{text}");
}

#[test]
fn wrong_accounts_ends_and_subjects_are_found() {
    let text = found(|said| said.summary.records.late += 1);
    assert!(text.starts_with("read, decoded, skipped, duplicate, late, future, problem events"), "{text}");
    let text = found(|said| said.subjects.values_mut().for_each(|(endings, _)| endings.clear()));
    assert!(text.contains("ends of episodes"), "{text}");
    let text = found(|said| said.subjects.clear());
    assert!(text.contains("the subjects"), "{text}");
}
