//! A site that knows its own numbers sets them, and is told something else where they matter.

use std::fmt::Write as _;

use etiolog::{Diagnosis, Engine, Pack, Pipeline};

/// A record of one device, so many seconds after the beginning.
struct Record {
    at: u32,
    device: String,
    drop: bool,
    sdk: &'static str,
}

fn connect(at: u32, device: &str) -> Record {
    Record { at, device: device.to_owned(), drop: false, sdk: "" }
}

fn drop(at: u32, device: &str) -> Record {
    Record { at, device: device.to_owned(), drop: true, sdk: "" }
}

fn log(mut records: Vec<Record>) -> String {
    records.sort_by_key(|record| record.at);
    let mut log = String::new();
    for Record { at, device, drop, sdk } in records {
        let stamp = format!(
            "2026-03-{:02}T{:02}:{:02}:{:02}Z",
            2 + at / 86_400,
            at / 3_600 % 24,
            at / 60 % 60,
            at % 60
        );
        let (op, rest) = if drop {
            ("deviceDisconnect", r#""level":"Error","resultType":"404104""#)
        } else {
            ("deviceConnect", r#""level":"Information""#)
        };
        writeln!(
            log,
            r#"{{"time":"{stamp}","resourceId":"/X/IOTHUBS/H","operationName":"{op}",{rest},"properties":{{"deviceId":"{device}","protocol":"Mqtt","sdkVersion":"{sdk}","authType":{{"type":"sas"}},"maskedIpAddress":"203.0.113.XXX"}}}}"#
        )
        .unwrap();
    }
    log
}

fn diagnoses(log: &str, site: &[(&str, &str)]) -> Vec<Diagnosis> {
    let mut pack = Pack::shipped("azure-iot-hub").unwrap();
    for (fact, value) in site {
        pack.set(fact, value).unwrap_or_else(|why| panic!("{why}"));
    }
    let engine = Engine::builder().pack(pack).build().unwrap_or_else(|why| panic!("{why}"));
    let mut pipeline = Pipeline::new(&engine);
    pipeline.read("site.jsonl", log.as_bytes());
    pipeline.finish().0
}

/// What is said of this subject.
fn verdict(log: &str, level: &str, site: &[(&str, &str)]) -> String {
    let said = diagnoses(log, site);
    let of_level = said.iter().find(|diagnosis| diagnosis.subject.level() == level);
    of_level.map_or_else(|| "nothing".to_owned(), |diagnosis| diagnosis.verdict.to_string())
}

/// Four lives of one length, and the pauses after them, in seconds.
fn lives(seconds: u32, sdk: &'static str, pauses: [u32; 4]) -> String {
    let (mut records, mut at) = (Vec::new(), 0);
    for pause in pauses {
        records.push(Record { sdk, ..connect(at, "d") });
        records.push(Record { sdk, ..drop(at + seconds, "d") });
        at += seconds + pause;
    }
    log(records)
}

#[test]
fn who_knows_the_life_of_its_tokens_is_told_that_they_are_renewed() {
    // A life of 20 minutes, and the hub's ten.
    let log = lives(30 * 60, ".NET/1.41.2", [3, 5_000, 9_000, 3_000]);
    assert_ne!(verdict(&log, "device", &[]), "401003#sas-token-expired");
    let site = [("timing.token-life", "20m")];
    assert_eq!(verdict(&log, "device", &site), "401003#sas-token-expired");
}

#[test]
fn a_few_lives_of_a_day_are_surely_tokens_only_where_tokens_live_a_day() {
    // Ten minutes more, and four fifths.
    for (minutes, sdk) in [(24 * 60 + 10, ".NET/1.41.2"), (24 * 48, "iothubclient/1.10.0")] {
        let log = lives(minutes * 60, sdk, [3, 40, 5, 20]);
        let probability = |site: &[(&str, &str)]| {
            let said = diagnoses(&log, site);
            let causes = said.iter().flat_map(|diagnosis| &diagnosis.causes);
            let token = causes.filter(|cause| &*cause.id == "401003#sas-token-expired");
            token.map(|cause| cause.probability.get()).fold(0.0, f64::max)
        };
        let (usual, known) = (probability(&[]), probability(&[("timing.token-life", "24h")]));
        assert!(usual < 0.9 && known > 0.98, "{sdk}: {usual} and {known}");
    }
}

#[test]
fn tokens_of_an_hour_are_no_tokens_where_they_are_known_to_live_a_day() {
    let log = lives(70 * 60, ".NET/1.41.2", [3, 5_000, 9_000, 3_000]);
    assert_eq!(verdict(&log, "device", &[]), "401003#sas-token-expired");
    assert_ne!(verdict(&log, "device", &[("timing.token-life", "24h")]), "401003#sas-token-expired");
}

#[test]
fn who_pings_seldom_is_told_of_a_dead_line_when_the_hub_waits_longer_than_for_any_sdk() {
    let mut records = vec![connect(0, "d")];
    for (hour, minutes) in [(3, 9), (9, 25), (14, 13), (22, 28), (27, 17), (35, 22), (39, 11)] {
        records.push(connect(hour * 3_600, "d"));
        records.push(drop(hour * 3_600 + minutes * 60, "d"));
    }
    let log = log(records);
    let seldom = [("timing.keep-alive-close", "1767s")];
    assert_ne!(verdict(&log, "device", &[]), "404104#keep-alive-timeout");
    assert_eq!(verdict(&log, "device", &seldom), "404104#keep-alive-timeout");
}

#[test]
fn a_dozen_devices_are_many_where_the_site_says_so() {
    let mut records: Vec<Record> =
        (0..60).map(|place| connect(place * 180, &format!("w{}", place % 30))).collect();
    for place in 0..12 {
        let device = format!("d{place}");
        records.push(connect(place * 20, &device));
        records.push(drop(7_200 + place * 3, &device));
        records.push(connect(8_700 + place * 3, &device));
    }
    let log = log(records);
    assert_eq!(verdict(&log, "hub", &[]), "cannot-tell");
    assert_eq!(verdict(&log, "hub", &[("fleet.many", "8")]), "404104#shared-network-outage");
}

#[test]
fn every_fact_of_the_pack_has_a_title_and_a_source() {
    for fact in Pack::shipped("azure-iot-hub").unwrap().facts() {
        assert!(!fact.title.is_empty() && !fact.sources.is_empty(), "{}", fact.name);
        assert!(fact.sources.iter().all(|source| !source.trim().is_empty()), "{}", fact.name);
    }
}
