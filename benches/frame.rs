//! How fast are bytes cut into records, beside only counting the ends of lines?
#![allow(missing_docs, reason = "benches")]

mod simulated;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::input::{Framed, Framer, Framing};

const BYTES: u64 = 2 << 20;

/// How many records are cut from a log that comes in pieces as a program reads them.
fn cut(log: &[u8], framing: Framing) -> u64 {
    let mut framer = Framer::new(framing, Framer::DEFAULT_LIMIT).with_envelope(["records"]);
    let mut records = 0;
    let mut out = |framed: Framed<'_>| {
        if let Framed::Record { bytes, .. } = framed {
            black_box(bytes);
            records += 1;
        }
    };
    for piece in log.chunks(256 << 10) {
        framer.push(piece, &mut out);
    }
    framer.finish(&mut out);
    records
}

fn frame(c: &mut Criterion) {
    let mut group = c.benchmark_group("cut into records");
    group.sample_size(20);
    for (name, shape, framing) in [
        ("lines", "resource-log", Framing::Lines),
        ("JSON Lines", "resource-log", Framing::JsonObjects),
        ("envelopes of records", "envelope", Framing::JsonObjects),
        ("CSV", "log-analytics-csv", Framing::Csv),
    ] {
        let log = simulated::log(shape, BYTES);
        let elements = cut(&log, framing);
        assert!(elements > 100, "{name}: {elements}");
        group.throughput(Throughput::ElementsAndBytes { elements, bytes: log.len() as u64 });
        group.bench_function(name, |b| b.iter(|| cut(black_box(&log), framing)));
    }
    let log = simulated::log("resource-log", BYTES);
    let elements = cut(&log, Framing::Lines);
    group.throughput(Throughput::ElementsAndBytes { elements, bytes: log.len() as u64 });
    group.bench_function("memchr, counting lines", |b| {
        b.iter(|| memchr::memchr_iter(b'\n', black_box(&log)).count());
    });
    group.finish();
}

criterion_group!(benches, frame);
criterion_main!(benches);
