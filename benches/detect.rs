//! What does an event take from its arrival to its symptoms: with no symptom that asks about it, with one of each kind of
//! detector, and with all shipped rules?
#![allow(missing_docs, reason = "benches")]

mod simulated;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::{Engine, Event, Pack, Pipeline, Timestamp};

const PACK: &str = "etiolog: 1
pack: p
title: P
version: '1'
subjects: [{name: site, quiet: 24h}, {name: unit, in: site, quiet: 24h}]
";
const KINDS: [(&str, &str); 9] = [
    ("no detector that asks", "per: unit, detect: {occurrence: {event: never}}"),
    ("occurrence", "per: unit, detect: {occurrence: {event: end}}"),
    ("count", "per: unit, detect: {count: {event: end, at-least: 5, within: 1h}}"),
    ("distinct", "per: site, detect: {distinct: {event: end, of: unit, at-least: 5, within: 1m}}"),
    ("sequence", "per: unit, detect: {sequence: [end, begin, end], within: 1h}"),
    ("absence", "per: unit, detect: {absence: {event: begin, since: end, for: 10m}}"),
    ("periodic", "per: unit, detect: {periodic: {event: end, period: 5m..12h}}"),
    ("session", "per: unit, detect: {session: {opens: begin, closes: end, at-least: 3}}"),
    ("surge", "per: site, detect: {surge: {event: end, distinct: unit, bucket: 1m, at-least: 10}}"),
];
const UNITS: i64 = 500;
const EVENTS: i64 = 20_000;

/// One symptom that is never news, so that what is measured ends at the detector.
fn engine(symptom: &str) -> Engine {
    let article = format!(
        "etiolog: 1
article: a
title: A
events: {{begin: {{word: begin}}, end: {{word: end}}, never: {{word: never}}}}
symptoms:
  s: {{title: S, background: 0.6, {symptom}}}
  t: {{title: T, per: unit, detect: {{sequence: [never, begin, end], within: 1h}}}}
causes:
  c: {{title: C, severity: info, explains: {{s: often, t: often}}}}
"
    );
    let pack = Pack::from_texts([("pack.yaml", PACK.to_owned()), ("a.yaml", article)]);
    let engine = Engine::builder().pack(pack).lateness(Duration::from_secs(60)).build();
    engine.unwrap_or_else(|error| panic!("{symptom}: {error}"))
}

/// Units that begin and end by turns, an event each tenth of a second.
fn events(engine: &Engine) -> Vec<Event> {
    let event = |at: i64| {
        let time = Timestamp::from_nanos(1_750_000_000_000_000_000 + at * 100_000_000);
        let word = if at / UNITS % 2 == 0 { "begin" } else { "end" };
        let unit = format!("u{}", at % UNITS);
        let event = engine.event(time.unwrap_or(Timestamp::MAX)).field("site", "s");
        event.field("unit", unit.as_str()).field("word", word).build()
    };
    (0..EVENTS).map(event).collect()
}

fn run(engine: &Engine, events: &[Event]) -> usize {
    let mut run = engine.run();
    let source = run.open("s");
    for event in events {
        run.push(source, event.clone());
    }
    run.finish().0.len()
}

fn kinds(c: &mut Criterion) {
    let mut group = c.benchmark_group("events to symptoms");
    group.sample_size(10).throughput(Throughput::Elements(EVENTS.unsigned_abs()));
    for (name, symptom) in KINDS {
        let engine = engine(symptom);
        let events = events(&engine);
        group.bench_function(name, |b| b.iter(|| run(black_box(&engine), &events)));
    }
    group.finish();
}

fn pack(name: &str) -> Pack {
    Pack::shipped(name).unwrap_or_else(|error| panic!("{error}"))
}

fn shipped(c: &mut Criterion) {
    let engine =
        Engine::builder().pack(pack("azure-iot-hub")).build().unwrap_or_else(|error| panic!("{error}"));
    let log = simulated::log("resource-log", 4 << 20);
    let mut pipeline = Pipeline::new(&engine);
    pipeline.witnessed();
    pipeline.read("log", &*log);
    let events: Vec<Event> = pipeline.witnessed().into_iter().map(|(_, event)| event).collect();
    let mut group = c.benchmark_group("events to diagnoses");
    let (elements, bytes) = (events.len() as u64, log.len() as u64);
    group.sample_size(10).throughput(Throughput::ElementsAndBytes { elements, bytes });
    group.bench_function("all shipped rules, of every trouble some", |b| {
        b.iter(|| run(black_box(&engine), &events));
    });
    group.finish();
}

criterion_group!(benches, kinds, shipped);
criterion_main!(benches);
