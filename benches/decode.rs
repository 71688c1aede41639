//! How fast are records decoded, beside serde_json doing the same work on the same bytes?
#![allow(missing_docs, reason = "benches")]

#[path = "../tests/fleet/mod.rs"]
mod fleet;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::input::{Format, Framed, Framer, Interner, Json, Mapper, Mapping, Paths, Row, Text};
use etiolog::model::{Event, Schema, Timestamp};

/// The same fields through serde_json: the record, the text in `properties`, and the text in its `authType`.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    time: &'a str,
    resource_id: &'a str,
    operation_name: &'a str,
    result_type: Option<&'a str>,
    properties: std::borrow::Cow<'a, str>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    device_id: Option<String>,
    auth_type: Option<String>,
}

#[derive(serde::Deserialize)]
struct Auth {
    r#type: Option<String>,
}

/// The six fields of one record by way of serde_json.
fn typed(line: &str) {
    let Ok(record) = serde_json::from_str::<Record<'_>>(line) else { return };
    black_box((record.time, record.resource_id, record.operation_name, record.result_type));
    let Ok(inner) = serde_json::from_str::<Properties>(&record.properties) else { return };
    let auth = inner.auth_type.and_then(|text| serde_json::from_str::<Auth>(&text).ok());
    black_box((inner.device_id, auth.and_then(|auth| auth.r#type)));
}

fn work(lines: &[String]) -> Throughput {
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    Throughput::ElementsAndBytes { elements: lines.len() as u64, bytes: bytes as u64 }
}

/// Six fields of each line, two of them in text in text. The rows called `as the first` are what a record costs of whose
/// shape nothing is known, and what learning it costs.
fn decode(c: &mut Criterion) {
    let lines = fleet::dotnet_70_minutes().lines();
    let mut paths = Paths::default();
    for path in [
        "time",
        "resourceId",
        "operationName",
        "resultType",
        "properties.deviceId",
        "properties.authType.type",
    ] {
        paths.intern(path);
    }
    let mut group = c.benchmark_group("decode six fields");
    group.throughput(work(&lines));
    group.bench_function("etiolog", |b| {
        let mut row = Row::default();
        b.iter(|| {
            for line in &lines {
                black_box(Json.decode(line.as_bytes(), &paths, &mut row)).unwrap_or_default();
            }
        });
    });
    group.bench_function("etiolog, each record as the first", |b| {
        b.iter(|| {
            for line in &lines {
                black_box(Json.decode(line.as_bytes(), &paths, &mut Row::default())).unwrap_or_default();
            }
        });
    });
    group.bench_function("serde_json, typed", |b| {
        b.iter(|| lines.iter().for_each(|line| typed(line)));
    });
    group.bench_function("serde_json, value", |b| {
        b.iter(|| {
            for line in &lines {
                black_box(serde_json::from_str::<serde_json::Value>(line).ok());
            }
        });
    });
    group.finish();
}

/// All that comes before the engine: a stream is cut, its records are decoded and become events with the fourteen fields
/// of the shipped pack. The yardstick gets its lines for nothing, and reads six fields of them and no time.
fn events(c: &mut Criterion) {
    const INPUT: &str = include_str!("../rules/azure-iot-hub/inputs/resource-log.yaml");
    let mapping = mapping("resource-log.yaml", INPUT);
    let mut schema = Schema::default();
    for name in mapping.field_names() {
        schema.intern(name);
    }
    let schema = Arc::new(schema);
    let mapper = Mapper::new(&mapping, &schema);
    let lines = fleet::dotnet_70_minutes().lines();
    let stream = lines.join("\n") + "\n";
    let mut group = c.benchmark_group("from bytes to events");
    group.throughput(work(&lines));
    group.bench_function("etiolog", |b| {
        let (mut row, mut event) = (Row::default(), Event::new(&schema, Timestamp::MIN));
        let mut texts = Interner::default();
        b.iter(|| {
            let mut framer = Framer::new(Json.framing(), Framer::DEFAULT_LIMIT);
            let mut out = |framed: Framed<'_>| {
                if let Framed::Record { bytes, .. } = framed
                    && Json.decode(bytes, mapper.paths(), &mut row).is_ok()
                {
                    black_box((mapper.map(&row, &mut texts, &mut event), &event)).0.ok();
                }
            };
            stream.as_bytes().chunks(1 << 18).for_each(|chunk| framer.push(chunk, &mut out));
            framer.finish(&mut out);
        });
    });
    group.bench_function("serde_json, typed, lines given", |b| {
        b.iter(|| lines.iter().for_each(|line| typed(line)));
    });
    group.finish();
}

fn mapping(name: &str, text: &str) -> Mapping {
    let document = etiolog::yaml::document(name, text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut problems = Vec::new();
    let mapping = Mapping::read(document.root().clone(), &["json", "text"], &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    mapping
}

/// A text log with an input file of nine templates; of its lines one in four fits none.
fn text(c: &mut Criterion) {
    const INPUT: &str = "etiolog: 1
input: broker
title: Log of a broker
format: text
time: {from: time, format: epoch-seconds}
head: '{time}: {message}'
lines:
  - {op: connect, template: 'New client connected from {address:word} as {client} ({details}).'}
  - {op: open, template: 'New connection from {address:word} on port {port:integer}.'}
  - {op: end, why: taken, template: 'Client {client} already connected, closing old connection.'}
  - {op: end, why: closed, template: 'Client {client} closed its connection.'}
  - {op: end, why: timeout, template: 'Client {client} has exceeded timeout, disconnecting.'}
  - {op: end, why: asked, template: 'Client {client} disconnected.'}
  - {op: end, template: 'Client {client} [{address}] disconnected: {why}.'}
  - {op: start, template: 'mosquitto version {version:word} starting'}
  - {op: stop, template: 'mosquitto version {version:word} terminating'}
fields: {op: {from: op}, client: {from: client}, why: {from: why}}
";
    let mapping = mapping("broker.yaml", INPUT);
    let format = Text::default().ready(&mapping).unwrap_or_else(|| panic!("no templates"));
    let mut log = String::new();
    for second in 0..20_000_u32 {
        let (time, client) = (1_772_612_525 + second, second * 7 % 500);
        log.push_str(&match second % 4 {
            0 => format!("{time}: New connection from 198.51.100.7:{} on port 1883.\n", 40_000 + client),
            1 => format!(
                "{time}: New client connected from 198.51.100.7:{} as pump-{client} (p2, c1, k60).\n",
                40_000 + client
            ),
            2 => format!("{time}: Client pump-{client} closed its connection.\n"),
            _ => format!("{time}: No will message specified.\n"),
        });
    }
    let mut paths = Paths::default();
    for path in ["time", "op", "client", "why"] {
        paths.intern(path);
    }
    let mut group = c.benchmark_group("read lines of text");
    group.throughput(Throughput::ElementsAndBytes { elements: 20_000, bytes: log.len() as u64 });
    group.bench_function("etiolog, cut and four paths", |b| {
        let mut row = Row::default();
        b.iter(|| {
            let mut framer = Framer::new(format.framing(), Framer::DEFAULT_LIMIT);
            let mut out = |framed: Framed<'_>| {
                if let Framed::Record { bytes, .. } = framed {
                    black_box(format.decode(bytes, &paths, &mut row)).unwrap_or_default();
                }
            };
            framer.push(log.as_bytes(), &mut out);
            framer.finish(&mut out);
        });
    });
    group.bench_function("memchr, counting lines", |b| {
        b.iter(|| memchr::memchr_iter(b'\n', black_box(log.as_bytes())).count());
    });
    group.finish();
}

criterion_group!(benches, decode, events, text);
criterion_main!(benches);
