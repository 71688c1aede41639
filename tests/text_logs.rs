//! A text log needs an input file and no Rust.

use etiolog::{Diagnosis, Engine, Pack, Pipeline, Summary};
use proptest::prelude::*;

const PACK: &str = "etiolog: 1
pack: pumps
title: Pumps
version: '1'
subjects: [{name: site, quiet: 1h}, {name: pump, in: site, quiet: 1h}]
problem: {word: trip}
";
const TEXT: &str = "etiolog: 1
input: controller
title: Log of a controller, as text
format: text
time: {from: time, format: '%Y-%m-%d %H:%M:%S,%f', zone: utc}
head: '{time} {level:word} [{site}] {message}'
continued: true
lines:
  - {word: trip, template: 'Pump {pump} tripped: {reason}'}
  - {word: start, template: 'Pump {pump} started.'}
fields: {site: {from: site}, pump: {from: pump}, word: {from: word}, message: {from: message}}
require: [site]
";
const JSON: &str = "etiolog: 1
input: gateway
title: Log of a gateway, as JSON
format: json
recognise: [at, site]
time: {from: at}
fields: {site: {from: site}, pump: {from: unit}, word: {from: kind}}
require: [site]
";
const ARTICLE: &str = "etiolog: 1
article: trips
title: Pumps trip
events:
  trip: {word: trip}
  hot: {message: {like: '*overheated*'}}
symptoms:
  many: {title: Trips, per: pump, detect: {count: {event: trip, at-least: 3, within: 1h}}}
  heat: {title: Heat, per: site, detect: {occurrence: {event: hot}}}
causes:
  worn: {title: Worn, severity: warning, explains: {many: usually}}
  summer: {title: Summer, severity: info, explains: {heat: usually}}
";
const LOG: &str = "2026-03-04 08:00:00,000  INFO [north] Pump p-1 started.\r
2026-03-04 08:10:00,500  WARN [north] Pump p-1 tripped: no flow\r
  at valve 7\r
  at valve 8\r
2026-03-04 08:20:00,250 \u{1b}[31mERROR\u{1b}[0m [north] Pump p-1 tripped: no flow\r
2026-03-04 08:21:00,000  INFO [north] hall 3 is overheated\r
2026-03-04 08:22:00,000  INFO [north] nothing of note\r
2026-03-04 08:30:00,750  WARN [north] Pump p-1 tripped: stuck";

fn engine() -> Engine {
    let pack = Pack::from_texts([
        ("pack.yaml", PACK),
        ("inputs/gateway.yaml", JSON),
        ("inputs/controller.yaml", TEXT),
        ("trips.yaml", ARTICLE),
    ]);
    Engine::builder().pack(pack).build().unwrap_or_else(|problems| panic!("{problems}"))
}

fn run(engine: &Engine, chunks: &[&[u8]]) -> (Vec<Diagnosis>, Summary) {
    let mut pipeline = Pipeline::new(engine);
    let source = pipeline.open("log");
    chunks.iter().for_each(|chunk| pipeline.push(source, chunk));
    let (diagnoses, summary) = pipeline.finish();
    assert!(summary.records.balance(), "{:?}", summary.records);
    (diagnoses, summary)
}

#[test]
fn a_text_log_is_diagnosed_and_evidence_names_its_lines() {
    let (diagnoses, summary) = run(&engine(), &[LOG.as_bytes()]);
    assert_eq!(summary.sources[0].input.as_deref(), Some("controller"));
    assert_eq!((summary.records.read, summary.records.decoded, summary.records.rejected_total()), (6, 4, 0));
    let shown: Vec<(String, String, Vec<u64>)> = diagnoses
        .iter()
        .map(|diagnosis| {
            let symptoms = diagnosis.symptoms.iter().filter(|symptom| symptom.status.is_present());
            let lines = symptoms.flat_map(|symptom| &symptom.evidence).map(|exhibit| exhibit.line).collect();
            (diagnosis.subject.to_string(), diagnosis.verdict.to_string(), lines)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("site north".to_owned(), "trips#summer".to_owned(), vec![6]),
            ("pump p-1 of site north".to_owned(), "trips#worn".to_owned(), vec![2, 5, 8]),
        ]
    );
}

#[test]
fn inputs_of_one_pack_may_be_of_different_formats() {
    let trips = (1..4).map(|hour| {
        format!(
            "{{\"at\":\"2026-03-04T08:{hour}0:00Z\",\"site\":\"north\",\"unit\":\"p-1\",\"kind\":\"trip\"}}\n"
        )
    });
    let (diagnoses, summary) = run(&engine(), &[trips.collect::<String>().as_bytes()]);
    assert_eq!(summary.sources[0].input.as_deref(), Some("gateway"));
    assert_eq!(diagnoses.len(), 1);
}

#[test]
fn lines_that_do_not_fit_are_counted_and_located() {
    let text = TEXT.replace("continued: true\n", "");
    let pack =
        Pack::from_texts([("pack.yaml", PACK), ("inputs/controller.yaml", &text), ("trips.yaml", ARTICLE)]);
    let (_, summary) = run(&Engine::builder().pack(pack).build().unwrap(), &[LOG.as_bytes()]);
    let samples: Vec<_> = summary.samples.iter().map(|sample| (sample.reason.word(), sample.line)).collect();
    assert_eq!(samples, [("malformed", 3), ("malformed", 4)]);
    let (_, summary) = run(&engine(), &[LOG.replace("08:20:00,250", "08:60:00,250").as_bytes()]);
    assert_eq!(summary.records.rejected_total(), 0, "such a line begins no record");
    assert_eq!(summary.records.read, 5);
}

proptest! {
    #[test]
    fn the_diagnoses_do_not_depend_on_where_the_log_is_cut(cuts in prop::collection::vec(0..LOG.len(), 0..8)) {
        let mut cuts = cuts;
        cuts.extend([0, LOG.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|ends| &LOG.as_bytes()[ends[0]..ends[1]]).collect();
        let engine = engine();
        let (whole, cut) = (run(&engine, &[LOG.as_bytes()]), run(&engine, &chunks));
        prop_assert_eq!(whole.0, cut.0);
        prop_assert_eq!(format!("{:?}", whole.1), format!("{:?}", cut.1));
    }
}
