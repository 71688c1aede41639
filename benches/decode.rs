//! How fast are records decoded, beside serde_json doing the same work on the same bytes?
#![allow(missing_docs, reason = "benches")]

#[path = "../tests/fleet/mod.rs"]
mod fleet;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::input::{Format, Framed, Framer, Json, Mapping, Paths, Row, Text};

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

fn decode(c: &mut Criterion) {
    let lines = fleet::dotnet_70_minutes().lines();
    let bytes: usize = lines.iter().map(String::len).sum();
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
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("etiolog", |b| {
        let mut row = Row::default();
        b.iter(|| {
            for line in &lines {
                row.reset(paths.len());
                black_box(Json.decode(line.as_bytes(), &paths, &mut row)).unwrap_or_default();
            }
        });
    });
    group.bench_function("serde_json, typed", |b| {
        b.iter(|| {
            for line in &lines {
                let Ok(record) = serde_json::from_str::<Record<'_>>(line) else { continue };
                black_box((record.time, record.resource_id, record.operation_name, record.result_type));
                let Ok(inner) = serde_json::from_str::<Properties>(&record.properties) else { continue };
                let auth = inner.auth_type.and_then(|text| serde_json::from_str::<Auth>(&text).ok());
                black_box((inner.device_id, auth.and_then(|auth| auth.r#type)));
            }
        });
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
    let document =
        etiolog::yaml::document("broker.yaml", INPUT).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut problems = Vec::new();
    let mapping = Mapping::read(document.root().clone(), &["json", "text"], &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
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
    group.throughput(Throughput::Bytes(log.len() as u64));
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

criterion_group!(benches, decode, text);
criterion_main!(benches);
