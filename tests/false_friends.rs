//! What looks like one thing and is another: the token is never blamed for it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use etiolog::{Diagnosis, Engine, Pack, Pipeline, Summary};

use crate::fleet::{self, Scenario};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap());

fn diagnose(scenario: &Scenario) -> (Vec<Diagnosis>, Summary) {
    let mut pipeline = Pipeline::new(&ENGINE);
    pipeline.read(scenario.name, scenario.disordered_lines().join("\n").as_bytes());
    let (diagnoses, summary) = pipeline.finish();
    assert!(summary.records.balance(), "{:?}", summary.records);
    (diagnoses, summary)
}

/// How often each verdict stands, by level of the subject.
fn verdicts(diagnoses: &[Diagnosis]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for diagnosis in diagnoses {
        *counts.entry(format!("{} {}", diagnosis.subject.level(), diagnosis.verdict)).or_default() += 1;
    }
    counts
}

fn count(diagnoses: &[Diagnosis], verdict: &str) -> usize {
    verdicts(diagnoses).get(verdict).copied().unwrap_or(0)
}

#[track_caller]
fn never_the_token(diagnoses: &[Diagnosis]) {
    for diagnosis in diagnoses {
        assert_ne!(&*diagnosis.verdict, "401003#sas-token-expired", "{diagnosis:#?}");
    }
}

#[test]
fn renewals_every_seventy_minutes_are_benign_and_all_explained() {
    let (diagnoses, summary) = diagnose(&fleet::dotnet_70_minutes());
    assert_eq!(verdicts(&diagnoses), BTreeMap::from([("device 401003#sas-token-expired".to_owned(), 20)]));
    for diagnosis in &diagnoses {
        assert!(diagnosis.causes[0].probability.get() > 0.95, "{diagnosis:#?}");
        assert!(diagnosis.symptoms.iter().any(|s| &*s.id == "404104#regular-drops" && s.status.is_present()));
    }
    assert!(summary.benign > 0 && summary.explained == 0);
    assert!(summary.unexplained <= summary.benign / 50, "{summary:#?}");
}

#[test]
fn a_train_of_sixty_and_sixty_five_minutes_is_one_token() {
    let (diagnoses, _) = diagnose(&fleet::java_60_65());
    assert_eq!(count(&diagnoses, "device 401003#sas-token-expired"), 1, "{:?}", verdicts(&diagnoses));
}

#[test]
fn a_few_real_stamps_prove_no_period_and_lives_and_refusals_carry_the_verdict() {
    let (diagnoses, summary) = diagnose(&fleet::java_609());
    assert_eq!((summary.benign, summary.unexplained), (7, 1), "the loss in mid-session is no renewal");
    let [diagnosis] = &diagnoses[..] else { panic!("{:?}", verdicts(&diagnoses)) };
    assert_eq!(&*diagnosis.verdict, "401003#sas-token-expired", "{diagnosis:#?}");
    let symptom = |id: &str| diagnosis.symptoms.iter().find(|symptom| &*symptom.id == id).unwrap();
    let regular = symptom("404104#regular-drops");
    assert_eq!(regular.status.word(), "unknown");
    assert!(format!("{:?}", regular.status).contains("learning"), "{regular:?}");
    assert!(symptom("404104#renewal-chain").status.is_present());
    let strongest = &diagnosis.causes[0].points[0];
    assert!(
        ["404104#renewal-chain", "401003#refused-then-connected", "401003#lives-of-java"]
            .contains(&&*strongest.symptom),
        "{:?}",
        diagnosis.causes[0].points
    );
}

#[test]
fn clean_renewals_are_no_news() {
    let (diagnoses, summary) = diagnose(&fleet::clean_renewals());
    assert!(diagnoses.is_empty(), "{:?}", verdicts(&diagnoses));
    assert_eq!((summary.explained, summary.benign, summary.unexplained), (0, 0, 0));
}

#[test]
fn random_drops_are_the_network_or_a_crash() {
    let (diagnoses, _) = diagnose(&fleet::random_dropper());
    never_the_token(&diagnoses);
    assert_eq!(count(&diagnoses, "device 404104#network-or-crash"), 1, "{:#?}", diagnoses);
}

#[test]
fn nightly_reboots_with_a_certificate_are_a_schedule() {
    for scenario in [fleet::nightly_reboot_of_one(), fleet::nightly_reboot_of_a_site()] {
        let (diagnoses, _) = diagnose(&scenario);
        never_the_token(&diagnoses);
        let scheduled = count(&diagnoses, "device 404104#scheduled-restart");
        assert!(scheduled >= 1, "{}: {:#?}", scenario.name, diagnoses);
        assert_eq!(scheduled, verdicts(&diagnoses).values().sum::<usize>(), "{:?}", verdicts(&diagnoses));
    }
}

#[test]
fn an_idle_close_over_amqp_is_not_a_token() {
    let (diagnoses, _) = diagnose(&fleet::amqp_idle_close());
    never_the_token(&diagnoses);
    assert_eq!(verdicts(&diagnoses).get("device 404104#edge-idle-close"), Some(&1), "{diagnoses:#?}");
}

#[test]
fn a_cut_site_is_a_shared_network_and_not_the_hub() {
    let (diagnoses, _) = diagnose(&fleet::site_cut_at_noon());
    assert_eq!(count(&diagnoses, "hub 404104#shared-network-outage"), 1, "{:?}", verdicts(&diagnoses));
    assert_eq!(count(&diagnoses, "hub 500xxx#transient-hub-fault"), 0);
    let hub = diagnoses.iter().find(|diagnosis| diagnosis.subject.level() == "hub").unwrap();
    let caused =
        diagnoses.iter().filter(|diagnosis| diagnosis.explained_by.as_ref() == Some(&hub.id)).count();
    assert!(caused >= 80, "devices that did not come back in time belong to the cut: {caused}");
}

#[test]
fn a_hub_fault_is_one_diagnosis_that_explains_its_devices() {
    let (diagnoses, summary) = diagnose(&fleet::hub_fault_at_noon());
    assert_eq!(count(&diagnoses, "hub 500xxx#transient-hub-fault"), 1, "{:?}", verdicts(&diagnoses));
    let hub = diagnoses.iter().find(|diagnosis| &*diagnosis.verdict == "500xxx#transient-hub-fault").unwrap();
    assert!(hub.causes[0].probability.get() > 0.9);
    let caused =
        diagnoses.iter().filter(|diagnosis| diagnosis.explained_by.as_ref() == Some(&hub.id)).count();
    assert!(caused >= 50, "{caused}");
    assert!(summary.unexplained * 10 <= summary.explained + summary.benign, "{summary:#?}");
}

#[test]
fn a_process_killed_once_is_neither_a_token_nor_a_bad_line() {
    let (diagnoses, _) = diagnose(&fleet::process_killed_once());
    never_the_token(&diagnoses);
    assert_eq!(count(&diagnoses, "device 404104#process-killed"), 1, "{diagnoses:#?}");
}

#[test]
fn refusals_that_never_heal_are_the_credential_and_not_the_token() {
    let (diagnoses, _) = diagnose(&fleet::key_rotated());
    let last = diagnoses.last().unwrap();
    assert_eq!(&*last.verdict, "401003#credential-rejected", "{last:#?}");
    assert_eq!(last.severity, etiolog::Severity::Error);
    assert!(last.causes.iter().any(|cause| &*cause.id == "401003#clock-drift"), "the runner-up is named");
}
