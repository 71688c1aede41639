//! The same diagnoses whatever the order within lateness, the repeats, the cuts and the compression.

use std::io::Write;
use std::sync::LazyLock;

use etiolog::{Diagnosis, Engine, Pack, Pipeline, Summary};
use proptest::prelude::*;

use crate::fleet::{self, Dice};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap());

/// A hub fault in a fleet of 600, in order of time.
static LINES: LazyLock<Vec<String>> = LazyLock::new(|| fleet::hub_fault_at_noon().lines());
static PLAIN: LazyLock<Vec<Diagnosis>> = LazyLock::new(|| project(run(&[LINES.join("\n").as_bytes()]).0));

fn run(chunks: &[&[u8]]) -> (Vec<Diagnosis>, Summary) {
    let mut pipeline = Pipeline::new(&ENGINE);
    let source = pipeline.open("log");
    pipeline.file(source, "log");
    for chunk in chunks {
        pipeline.push(source, chunk);
    }
    let (diagnoses, summary) = pipeline.finish();
    assert!(summary.records.balance(), "{:?}", summary.records);
    (diagnoses, summary)
}

/// What must not depend on where the records stood: everything but line and offset.
fn project(mut diagnoses: Vec<Diagnosis>) -> Vec<Diagnosis> {
    for diagnosis in &mut diagnoses {
        for exhibit in diagnosis.symptoms.iter_mut().flat_map(|symptom| &mut symptom.evidence) {
            (exhibit.line, exhibit.offset) = (0, 0);
        }
    }
    diagnoses
}

fn assert_same(diagnoses: Vec<Diagnosis>) {
    let diagnoses = project(diagnoses);
    assert_eq!(diagnoses.len(), PLAIN.len());
    for (a, b) in diagnoses.iter().zip(PLAIN.iter()) {
        assert_eq!(a, b);
    }
}

/// Seconds of the day from the stamp of a line.
fn second(line: &str) -> i64 {
    let at = line.find("\"time\":\"").unwrap() + 8;
    let number = |from: usize| line[at + from..at + from + 2].parse::<i64>().unwrap();
    ((number(8) * 24 + number(11)) * 60 + number(14)) * 60 + number(17)
}

/// Every line is delivered up to `delay` seconds later than it happened.
fn shuffled(seed: u64, delay: i64) -> Vec<&'static str> {
    let mut dice = Dice::new(seed);
    let mut lines: Vec<(i64, &str)> =
        LINES.iter().map(|line| (second(line) + dice.between(0..=delay), line.as_str())).collect();
    lines.sort_by_key(|&(delivered, _)| delivered);
    lines.into_iter().map(|(_, line)| line).collect()
}

#[test]
fn there_is_something_to_compare() {
    assert!(PLAIN.len() > 100, "{}", PLAIN.len());
    assert!(PLAIN.iter().any(|diagnosis| diagnosis.subject.level() == "hub"));
}

#[test]
fn shuffled_within_lateness() {
    assert_same(run(&[shuffled(7, 890).join("\n").as_bytes()]).0);
}

#[test]
fn every_line_twice() {
    let twice: Vec<&str> = LINES.iter().flat_map(|line| [line.as_str(), line.as_str()]).collect();
    let (diagnoses, summary) = run(&[twice.join("\n").as_bytes()]);
    assert_same(diagnoses);
    assert!(summary.records.duplicate > 0);
}

#[test]
fn the_whole_file_twice() {
    let text = LINES.join("\n") + "\n";
    assert_same(run(&[text.as_bytes(), text.as_bytes()]).0);
}

#[test]
fn cut_into_seven_bytes() {
    let text = LINES.join("\n");
    let chunks: Vec<&[u8]> = text.as_bytes().chunks(7).collect();
    assert_same(run(&chunks).0);
}

#[test]
fn in_an_envelope() {
    let text = format!("{{\"records\":[{}]}}", LINES.join(","));
    assert_same(run(&[text.as_bytes()]).0);
}

#[test]
fn with_carriage_returns() {
    assert_same(run(&[LINES.join("\r\n").as_bytes()]).0);
}

#[test]
fn gzipped() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(LINES.join("\n").as_bytes()).unwrap();
    let mut pipeline = Pipeline::new(&ENGINE);
    pipeline.read("log", &encoder.finish().unwrap()[..]);
    assert_same(pipeline.finish().0);
}

#[test]
fn in_two_sources_read_side_by_side() {
    let (mut one, mut two) = (String::new(), String::new());
    for (at, line) in LINES.iter().enumerate() {
        let half = if at % 3 == 0 { &mut one } else { &mut two };
        half.push_str(line);
        half.push('\n');
    }
    let mut pipeline = Pipeline::new(&ENGINE);
    let sources = [pipeline.open("log"), pipeline.open("log")];
    for source in sources {
        pipeline.file(source, "log");
    }
    let (mut left, mut right) = (one.as_bytes().chunks(5_000), two.as_bytes().chunks(10_000));
    loop {
        let (a, b) = (left.next(), right.next());
        if a.is_none() && b.is_none() {
            break;
        }
        pipeline.push(sources[0], a.unwrap_or_default());
        pipeline.push(sources[1], b.unwrap_or_default());
    }
    assert_same(pipeline.finish().0);
}

#[test]
fn the_same_bytes_give_the_same_bytes() {
    let text = LINES.join("\n");
    let json = |diagnoses: &[Diagnosis]| serde_json::to_string(diagnoses).unwrap();
    assert_eq!(json(&run(&[text.as_bytes()]).0), json(&run(&[text.as_bytes()]).0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_order_within_lateness_and_any_cut(seed in any::<u64>(), delay in 1_i64..895, cut in 1_usize..100_000) {
        let text = shuffled(seed, delay).join("\n");
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
        assert_same(run(&chunks).0);
    }
}
