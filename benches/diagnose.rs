//! How fast is the whole way from bytes to diagnoses, with every shipped rule on, and how fast are rules loaded?
#![allow(missing_docs, reason = "benches")]

#[path = "../tests/fleet/mod.rs"]
mod fleet;
mod simulated;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::{Engine, Pack, Pipeline};

fn engine() -> Engine {
    let build = || Engine::builder().pack(Pack::shipped("azure-iot-hub")?).build();
    build().unwrap_or_else(|error| panic!("{error}"))
}

fn whole(engine: &Engine, log: &[u8]) -> usize {
    let mut pipeline = Pipeline::new(engine);
    pipeline.read("log", log);
    pipeline.finish().0.len()
}

/// Records and bytes of a log, one record a line.
fn throughput(log: &[u8]) -> Throughput {
    let elements = memchr::memchr_iter(b'\n', log).count() as u64;
    Throughput::ElementsAndBytes { elements, bytes: log.len() as u64 }
}

fn diagnose(c: &mut Criterion) {
    let engine = engine();
    let text = fleet::hub_fault_at_noon().lines().join("\n");
    let mut group = c.benchmark_group("bytes to diagnoses");
    group.sample_size(20).throughput(throughput(text.as_bytes()));
    group.bench_function("a hub fault in a fleet of 600", |b| {
        b.iter(|| whole(black_box(&engine), text.as_bytes()));
    });
    // What the same bytes cost when they are only parsed as JSON.
    group.bench_function("serde_json parses each line and its properties", |b| {
        b.iter(|| {
            for line in text.lines() {
                let Ok(record) = serde_json::from_str::<serde_json::Value>(line) else { continue };
                let inner = record["properties"].as_str().map(serde_json::from_str::<serde_json::Value>);
                black_box((record["time"].as_str(), inner));
            }
        });
    });
    let mix = simulated::log("resource-log", 4 << 20);
    group.throughput(throughput(&mix));
    group.bench_function("of every trouble some", |b| b.iter(|| whole(black_box(&engine), &mix)));
    group.finish();
}

fn load(c: &mut Criterion) {
    c.bench_function("load the shipped rules", |b| b.iter(|| black_box(engine())));
}

criterion_group!(benches, diagnose, load);
criterion_main!(benches);
