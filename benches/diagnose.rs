//! How fast is the whole way from bytes to diagnoses, with every shipped rule on, and how fast are rules loaded?
#![allow(missing_docs, reason = "benches")]

#[path = "../tests/fleet/mod.rs"]
mod fleet;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::{Engine, Pack, Pipeline};

fn engine() -> Engine {
    let build = || Engine::builder().pack(Pack::shipped("azure-iot-hub")?).build();
    build().unwrap_or_else(|error| panic!("{error}"))
}

fn diagnose(c: &mut Criterion) {
    let engine = engine();
    let text = fleet::hub_fault_at_noon().lines().join("\n");
    let mut group = c.benchmark_group("bytes to diagnoses");
    group.sample_size(20).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("a hub fault in a fleet of 600", |b| {
        b.iter(|| {
            let mut pipeline = Pipeline::new(&engine);
            pipeline.read("log", text.as_bytes());
            black_box(pipeline.finish())
        });
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
    group.finish();
}

fn load(c: &mut Criterion) {
    c.bench_function("load the shipped rules", |b| b.iter(|| black_box(engine())));
}

criterion_group!(benches, diagnose, load);
criterion_main!(benches);
