//! Does an event cost more when one subject has repeated the first steps of a sequence very often before?
#![allow(missing_docs, reason = "benches")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::{Engine, Event, Pack, Timestamp};

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: unit, quiet: 2h}]\n";
const ARTICLE: &str = "etiolog: 1
article: x
title: X
events: {a: {word: a}, b: {word: b}, c: {word: c}, d: {word: d}}
symptoms:
  s: {title: S, per: unit, detect: {sequence: [a, b, c, d], within: 1h}}
causes:
  c: {title: C, severity: warning, explains: {s: always}}
";

/// The last step, and then the first three again and again, all within the window.
fn repeats(engine: &Engine, events: i64) -> Vec<Event> {
    let event = |at: i64| {
        let time =
            Timestamp::from_nanos(1_000_000_000_000_000_000 + at * 100_000_000).unwrap_or(Timestamp::MAX);
        let word = if at == 0 { "d" } else { ["c", "a", "b"][usize::try_from(at % 3).unwrap_or_default()] };
        engine.event(time).field("unit", "pump-1").field("word", word).build()
    };
    (0..events).map(event).collect()
}

fn bench(c: &mut Criterion) {
    let pack = Pack::from_texts([("pack.yaml", PACK), ("x.yaml", ARTICLE)]);
    let engine = match Engine::builder().pack(pack).lateness(Duration::ZERO).build() {
        Ok(engine) => engine,
        Err(error) => panic!("{error}"),
    };
    let mut group = c.benchmark_group("four steps on one subject");
    for events in [30, 480, 30_000] {
        let stream = repeats(&engine, events);
        group.throughput(Throughput::Elements(stream.len() as u64));
        group.bench_function(events.to_string(), |b| {
            b.iter(|| {
                let mut run = engine.run();
                let source = run.open("s");
                for event in &stream {
                    run.push(source, event.clone());
                }
                black_box(run.finish())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
