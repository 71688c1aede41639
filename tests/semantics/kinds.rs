//! What expects, changes, overlaps and weighs, from records to diagnoses.

use etiolog::{Diagnosis, Engine, Pipeline};

use super::{builder, found, pack, run};

const HEART: &str = "{absence: {event: back, for: 15m}}";
const ANSWER: &str = "{absence: {event: back, since: drop, for: 15m}}";

#[test]
fn s09_an_expected_event_is_in_time_up_to_and_including_its_deadline() {
    assert!(!found(HEART, &[(0, "back"), (900, "back"), (901, "other")]));
    assert!(found(HEART, &[(0, "back"), (901, "back"), (902, "other")]));
    assert!(!found(ANSWER, &[(0, "drop"), (900, "back"), (9_000, "other")]));
    assert!(found(ANSWER, &[(0, "drop"), (901, "back"), (9_000, "other")]));
}

#[test]
fn s14_what_is_expected_after_the_end_of_the_input_is_unknown() {
    assert!(!found(HEART, &[(0, "back"), (899, "other")]));
    assert!(found(HEART, &[(0, "back"), (900, "other")]));
}

#[test]
fn s12_chains_overlap_where_the_rule_says_so() {
    let detect = |skip: &str| {
        format!(
            "{{sequence: [{{class: drop, times: 3}}], within: 10m{skip}}}\n    when: sequence.chains >= 3"
        )
    };
    let drops: Vec<(i64, &str)> = (0..5).map(|n| (n * 60, "drop")).collect();
    assert!(!found(&detect(""), &drops));
    assert!(found(&detect(", skip: to-next"), &drops));
}

#[test]
fn a_turn_is_found_again_in_a_later_episode_until_it_turns_back() {
    let detect = "{change: {from: back, to: drop, after: 1h}}";
    let refused = [(0, "back"), (3_600, "back"), (4_000, "drop"), (4_001, "drop"), (4_002, "drop")];
    let later = |word| -> Vec<Diagnosis> {
        let more = [(20_000, word), (40_000, "drop")];
        let events: Vec<(i64, &str)> = refused.iter().copied().chain(more).collect();
        run(builder(detect), &events).0
    };
    assert_eq!(later("drop").len(), 3);
    assert_eq!(later("back").len(), 1);
}

/// What becomes of records of one unit a second apart, each with more of its fields.
fn read(detect: &str, records: &[&str]) -> Vec<Diagnosis> {
    let mut pack = pack(detect);
    pack.add(
        "inputs/lines.yaml",
        "etiolog: 1\ninput: lines\ntitle: Lines\nformat: json\ntime: {from: at}\n\
         fields: {unit: {from: unit}, word: {from: word}, number: {from: number, as: number}, place: {from: place}}\n",
    );
    let engine = Engine::builder().pack(pack).build().unwrap();
    let line = |(second, more): (usize, &&str)| {
        format!("{{\"at\":\"2026-01-05T00:00:{second:02}Z\",\"unit\":\"u\",\"word\":\"drop\",{more}}}\n")
    };
    let text: String = records.iter().enumerate().map(line).collect();
    let mut pipeline = Pipeline::new(&engine);
    pipeline.read("lines", text.as_bytes());
    pipeline.finish().0
}

#[test]
fn a_record_counts_for_as_many_events_as_it_says() {
    let detect = "{count: {event: drop, at-least: 100, within: 1h, weight: number}}";
    assert_eq!(read(detect, &["\"number\":60", "\"number\":39"]).len(), 0);
    assert_eq!(read(detect, &["\"number\":60", "\"number\":40"]).len(), 1);
    assert_eq!(read(detect, &["\"number\":60", "\"number\":\"many\""]).len(), 0);
    let detect = "{occurrence: {event: drop, weight: number}}";
    assert_eq!(read(detect, &["\"number\":0"]).len(), 0);
    assert_eq!(read(detect, &["\"number\":-1"]).len(), 1);
}

#[test]
fn two_places_that_take_turns_are_told_from_one_that_moves() {
    let detect = |when: &str| {
        format!("{{change: {{event: drop, field: place, at-least: 3, within: 1h}}}}\n    when: {when}")
    };
    let two = ["\"place\":\"a\"", "\"place\":\"b\"", "\"place\":\"a\"", "\"place\":\"b\""];
    let four = ["\"place\":\"a\"", "\"place\":\"b\"", "\"place\":\"c\"", "\"place\":\"d\""];
    assert_eq!(read(&detect("change.values == 2"), &two).len(), 1);
    assert_eq!(read(&detect("change.values == 2"), &four).len(), 0);
    assert_eq!(read(&detect("change.switches >= 3"), &four).len(), 1);
}
