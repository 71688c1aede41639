//! How fast are records decoded, beside serde_json doing the same work on the same bytes?
#![allow(missing_docs, reason = "benches")]

#[path = "../tests/fleet/mod.rs"]
mod fleet;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::input::{Format, Json, Paths, Row};

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

criterion_group!(benches, decode);
criterion_main!(benches);
