//! A meter is told where the work is, and changes nothing.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};

use etiolog::{Diagnosis, Engine, Meter, Pack, Pipeline, Stage, Summary};

/// Counts how often each stage was entered, and tells when it goes.
#[derive(Debug)]
struct Count {
    begun: u64,
    entered: BTreeMap<String, u64>,
    last: Stage,
    told: Sender<(u64, BTreeMap<String, u64>, Stage)>,
}

impl Meter for Count {
    fn begin(&mut self) {
        self.begun += 1;
    }

    fn enter(&mut self, stage: Stage) {
        *self.entered.entry(format!("{stage:?}")).or_default() += 1;
        self.last = stage;
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        drop(self.told.send((self.begun, std::mem::take(&mut self.entered), self.last)));
    }
}

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: unit, quiet: 1h}]\n";
const INPUT: &str = "etiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {from: t}\nfields: {unit: {from: u}, code: {from: c, as: code}, word: {from: w}}\n";
const ARTICLE: &str = "etiolog: 1
article: a
title: A
events:
  stop: {code: 7}
  odd: {code: 8, where: 'event.word != \"x\"'}
symptoms:
  often: {title: T, per: unit, detect: {count: {event: stop, at-least: 2, within: 1h}}}
  once: {title: T, per: unit, detect: {occurrence: {event: odd}}}
causes:
  c: {title: C, severity: warning, explains: {often: always, once: seldom}}
";

fn read(engine: &Engine, meter: Option<Count>) -> (Vec<Diagnosis>, Summary) {
    let mut pipeline = Pipeline::new(engine);
    if let Some(meter) = meter {
        pipeline.measure(Box::new(meter));
    }
    let record = |at: u32, code: u32| {
        format!("{{\"t\":\"2026-03-04T{:02}:00:00Z\",\"u\":\"p\",\"c\":{code},\"w\":\"w{at}\"}}\n", at / 10)
    };
    let log: String = (0..200).map(|at| record(at, [7, 8, 9, 7][at as usize % 4])).collect();
    pipeline.read("log", log.as_bytes());
    pipeline.finish()
}

fn engine() -> Engine {
    let pack = Pack::from_texts([("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", ARTICLE)]);
    Engine::builder().pack(pack).build().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_meter_is_told_of_every_record_event_and_detector() {
    let engine = engine();
    let (told, heard) = channel();
    let meter = Count { begun: 0, entered: BTreeMap::new(), last: Stage::Host, told };
    let measured = read(&engine, Some(meter));
    assert_eq!(measured, read(&engine, None), "and nothing is another");
    let (begun, entered, last) = heard.recv().unwrap();
    let times = |stage: Stage| entered.get(&format!("{stage:?}")).copied().unwrap_or_default();
    let symptom = |id: &str| engine.plan().symptoms().iter().position(|it| &*it.id == id).unwrap();
    let class = (0..).map(etiolog::detector::ClassId);
    let odd = class.take(9).find(|&id| engine.plan().class_name(id).is_some_and(|name| &**name == "a#odd"));
    let summary = measured.1;
    assert_eq!(summary.records.read, 200);
    assert_eq!(times(Stage::Decode), 2 * 200, "into it, and back to it when the event is taken in");
    assert_eq!(
        times(Stage::Predicate(odd.unwrap().0 as usize)),
        50,
        "where `code` holds, and nowhere else: each word is another"
    );
    assert!(times(Stage::Apply) >= 150);
    assert_eq!(times(Stage::Detect(symptom("a#once"))), 50);
    assert!(times(Stage::Detect(symptom("a#often"))) >= 100);
    assert!(times(Stage::Diagnose) > 0);
    assert!(begun >= 200 + 150, "{begun}");
    assert_eq!(last, Stage::Host);
}
