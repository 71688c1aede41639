//! The sample day: what the README shows, held against the truth that the generator wrote down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use etiolog::{Diagnosis, Engine, Pack, Pipeline, Severity, Summary};

fn sample(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

static DAY: LazyLock<(Vec<Diagnosis>, Summary)> = LazyLock::new(|| {
    let engine = Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap();
    let mut pipeline = Pipeline::new(&engine);
    pipeline.read("fleet-day.jsonl.gz", std::fs::File::open(sample("fleet-day.jsonl.gz")).unwrap());
    pipeline.finish()
});

/// Label → device names.
static TRUTH: LazyLock<BTreeMap<String, BTreeSet<String>>> = LazyLock::new(|| {
    let text = std::fs::read_to_string(sample("fleet-day.truth.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names = |value: &serde_json::Value| {
        value["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    truth["labels"].as_object().unwrap().iter().map(|(label, value)| (label.clone(), names(value))).collect()
});

/// Devices with this verdict.
fn devices(verdict: &str) -> BTreeSet<String> {
    let devices = DAY
        .0
        .iter()
        .filter(|diagnosis| diagnosis.subject.level() == "device" && &*diagnosis.verdict == verdict);
    devices.map(|diagnosis| diagnosis.subject.id().to_owned()).collect()
}

fn truth(label: &str) -> &BTreeSet<String> {
    TRUTH.get(label).unwrap()
}

/// Recall and precision of a set of devices.
fn score(found: &BTreeSet<String>, truth: &BTreeSet<String>) -> (f64, f64) {
    let both = found.intersection(truth).count() as f64;
    (both / truth.len() as f64, both / found.len().max(1) as f64)
}

#[test]
fn every_record_is_accounted_for() {
    let records = &DAY.1.records;
    assert!(records.balance());
    assert_eq!((records.rejected_total(), records.late, records.future), (0, 0, 0));
    assert_eq!(records.read, 151_721);
}

#[test]
fn token_renewals_are_benign_and_nothing_else_is() {
    let found = devices("401003#sas-token-expired");
    let (recall, precision) = score(&found, truth("token-expiry"));
    assert!(recall > 0.97 && precision > 0.99, "recall {recall}, precision {precision}");
    for diagnosis in DAY.0.iter().filter(|diagnosis| diagnosis.severity == Severity::Benign) {
        assert!(diagnosis.verdict.starts_with("401003#"), "{}", diagnosis.verdict);
    }
}

#[test]
fn random_droppers_are_network_or_crash() {
    let found = devices("404104#network-or-crash");
    let (recall, precision) = score(&found, truth("random-drops"));
    assert!(recall > 0.9 && precision > 0.8, "recall {recall}, precision {precision}: {found:?}");
}

#[test]
fn the_process_that_was_killed_is_no_bad_line() {
    assert_eq!(&devices("404104#process-killed"), truth("process-killed"));
}

#[test]
fn rejected_credentials_are_found() {
    let (recall, precision) = score(&devices("401003#credential-rejected"), truth("credential-rejected"));
    assert!(recall > 0.99, "recall {recall}, precision {precision}");
}

#[test]
fn the_hub_has_one_fault_and_one_cut_site_and_they_explain_their_devices() {
    let hubs: Vec<&Diagnosis> = DAY.0.iter().filter(|diagnosis| diagnosis.subject.level() == "hub").collect();
    let of =
        |verdict: &str| hubs.iter().filter(|diagnosis| &*diagnosis.verdict == verdict).collect::<Vec<_>>();
    let [fault] = of("500xxx#transient-hub-fault")[..] else {
        panic!("{:?}", hubs.iter().map(|d| (&*d.verdict, d.first_seen.to_string())).collect::<Vec<_>>())
    };
    assert!(fault.first_seen.to_string().starts_with("2025-03-04T13:20"), "{}", fault.first_seen);
    assert!(fault.causes[0].probability.get() > 0.9);
    let [cut] = of("404104#shared-network-outage")[..] else {
        panic!("{:?}", hubs.iter().map(|d| (&*d.verdict, d.first_seen.to_string())).collect::<Vec<_>>())
    };
    assert!(cut.first_seen.to_string().starts_with("2025-03-04T17:4"), "{}", cut.first_seen);
    for (hub, label, least) in [(fault, "hub-fault", 0.9), (cut, "site-cut", 0.9)] {
        let explained = DAY.0.iter().filter(|diagnosis| diagnosis.explained_by.as_ref() == Some(&hub.id));
        let explained: BTreeSet<String> =
            explained.map(|diagnosis| diagnosis.subject.id().to_owned()).collect();
        let (_, precision) = score(&explained, truth(label));
        assert!(precision >= least, "{label}: {} explained, precision {precision}", explained.len());
    }
}

#[test]
fn the_echo_of_the_fault_is_no_second_fault() {
    for diagnosis in DAY.0.iter().filter(|diagnosis| diagnosis.subject.level() == "hub") {
        let alarming = diagnosis.severity > Severity::Benign;
        let time = diagnosis.first_seen.to_string();
        let known = ["2025-03-04T13:2", "2025-03-04T17:4"].iter().any(|start| time.starts_with(start));
        assert!(!alarming || known, "{} at {time}", diagnosis.verdict);
    }
}

#[test]
fn steady_devices_are_no_news() {
    let steady = truth("steady");
    for diagnosis in DAY.0.iter().filter(|diagnosis| diagnosis.explained_by.is_none()) {
        assert!(!steady.contains(diagnosis.subject.id()), "{} {}", diagnosis.subject, diagnosis.verdict);
    }
}

#[test]
fn nearly_every_problem_event_is_explained_or_benign() {
    let summary = &DAY.1;
    let all = summary.explained + summary.benign + summary.unexplained;
    assert!(summary.unexplained * 50 < all, "{} of {all} unexplained", summary.unexplained);
}
