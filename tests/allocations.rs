//! What the steady state allocates, with all shipped rules on: nothing for an event that is like those before it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write;

use allocation_counter::measure;
use etiolog::simulate::{Fleets, Simulation};
use etiolog::{Engine, Pack, Pipeline};

/// How often each of so many parts of a log made the pipeline ask for memory, and how many records there were.
fn allocations(log: &[u8], parts: usize) -> (Vec<u64>, u64) {
    let engine = Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap();
    let mut pipeline = Pipeline::new(&engine);
    let source = pipeline.open("log");
    let chunks = log.chunks(log.len().div_ceil(parts));
    let counts = chunks.map(|chunk| measure(|| pipeline.push(source, chunk)).count_total).collect();
    let (_, summary) = pipeline.finish();
    let records = summary.records;
    assert_eq!(records.decoded, records.read, "{records:?}");
    (counts, records.read)
}

/// Fifty devices that connect anew every hour, each at its own minute, for so many days. Their names and their versions are
/// longer than what lies within a value.
fn renewals(days: u32) -> String {
    let mut log = String::new();
    for at in 0..days * 24 * 50 {
        let (day, hour, minute) = (1 + at / 50 / 24, at / 50 % 24, at % 50);
        for (operation, second) in [("deviceDisconnect", 0), ("deviceConnect", 3)] {
            let properties = format!(
                r#"{{\"deviceId\":\"pump-in-the-basement-of-house-{minute}\",\"sdkVersion\":\"iothubclient/1.10.0 (native; Linux; armv7l)\",\"protocol\":\"Mqtt\",\"maskedIpAddress\":\"198.51.100.XXX\",\"statusCode\":null}}"#,
            );
            writeln!(
                log,
                r#"{{"time":"2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}Z","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB","operationName":"{operation}","category":"Connections","level":"Information","properties":"{properties}","location":"westeurope"}}"#,
            )
            .unwrap();
        }
    }
    log
}

#[test]
fn devices_that_do_as_they_always_did_allocate_nothing() {
    let (counts, records) = allocations(renewals(10).as_bytes(), 10);
    assert_eq!(records, 10 * 24 * 50 * 2);
    assert!(counts[0] > 1000, "the first day is learned: {counts:?}");
    assert_eq!(counts[1..], [0; 9]);
}

#[test]
fn a_healthy_fleet_allocates_for_fewer_than_one_record_in_ten_once_it_is_known() {
    // What is left is new: a device that does something for the first time, many at one instant, a diagnosis.
    let fleets = Fleets::of(&Pack::shipped("azure-iot-hub").unwrap()).unwrap();
    let mut log = Vec::new();
    let simulation = Simulation::new(&fleets, ["healthy-mixed"]).unwrap().devices(200).size(20 << 20);
    simulation.write(&mut log, |_| Ok(())).unwrap();
    let (counts, records) = allocations(&log, 4);
    let known: u64 = counts[1..].iter().sum();
    assert!(known * 10 < records * 3 / 4, "{counts:?} of {records}");
}
