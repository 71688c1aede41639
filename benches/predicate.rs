//! What does one expression take, of the kinds that rules have, beside the same by hand?
#![allow(missing_docs, reason = "benches")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::Value;
use etiolog::predicate::{Compiler, Kind, Predicate, Root, Truth};

const ROOTS: [Root<'static>; 2] = [
    Root {
        name: "event",
        fields: Some(&[
            ("op", Kind::Text),
            ("code", Kind::Code),
            ("ok", Kind::Flag),
            ("size", Kind::Integer),
        ]),
    },
    Root { name: "periodic", fields: Some(&[("period", Kind::Span), ("alike", Kind::Share)]) },
];

const EXPRESSIONS: [(&str, &str); 6] = [
    ("one comparison", "event.op == \"deviceConnect\""),
    ("three alternatives", "event.op == \"deviceDisconnect\" || event.ok || event.code in [409002, 400027]"),
    ("a list of codes", "event.code in [401003, 404103, 404104, 409002, 500001, 500008]"),
    ("texts", "event.op.starts_with(\"device\") && event.op.to_lower() != \"devicedisconnect\""),
    ("arithmetic", "(event.size - 40) * 100 / event.size < 5"),
    ("measures", "periodic.period >= 40.min && periodic.period <= 80.min && periodic.alike > 0.75"),
];

/// So many values of each field, in turn.
const EVENTS: usize = 1_000;

struct Event {
    op: Value,
    code: Value,
    ok: Value,
    size: Value,
    period: Value,
    alike: Value,
}

fn events() -> Vec<Event> {
    let event = |at: usize| {
        let n = i64::try_from(at).unwrap_or_default();
        Event {
            op: Value::from(["deviceConnect", "deviceDisconnect"][at % 2]),
            code: Value::Int([404_104, 409_002, 500_001][at % 3]),
            ok: Value::Bool(at.is_multiple_of(5)),
            size: Value::Int(n % 50 + 1),
            period: Value::Int(n % 120 * 60_000_000_000),
            alike: Value::Float((at % 10) as f64 / 10.0),
        }
    };
    (0..EVENTS).map(event).collect()
}

fn compile(compiler: &Compiler, source: &str) -> Predicate {
    compiler.compile(source, &ROOTS).unwrap_or_else(|faults| panic!("{source}: {faults:?}"))
}

fn holds(predicate: &Predicate, event: &Event) -> bool {
    let value = |_: &str, field: &str| {
        Some(match field {
            "op" => event.op.clone(),
            "code" => event.code.clone(),
            "ok" => event.ok.clone(),
            "size" => event.size.clone(),
            "period" => event.period.clone(),
            _ => event.alike.clone(),
        })
    };
    predicate.test(&value) == Truth::True
}

fn test(c: &mut Criterion) {
    let compiler = Compiler::new(&[]);
    let events = events();
    let mut group = c.benchmark_group("ask an expression");
    group.sample_size(20).throughput(Throughput::Elements(EVENTS as u64));
    for (name, source) in EXPRESSIONS {
        let predicate = compile(&compiler, source);
        group.bench_function(name, |b| {
            b.iter(|| events.iter().filter(|event| holds(black_box(&predicate), event)).count());
        });
    }
    group.bench_function("three alternatives, by hand", |b| {
        let code = |event: &Event| matches!(event.code, Value::Int(409_002 | 400_027));
        let op = |event: &Event| event.op.as_text() == Some("deviceDisconnect");
        let by_hand = |event: &&Event| op(event) || event.ok == Value::Bool(true) || code(event);
        b.iter(|| black_box(&events).iter().filter(by_hand).count());
    });
    group.finish();
}

fn read(c: &mut Criterion) {
    let compiler = Compiler::new(&[]);
    let mut group = c.benchmark_group("compile an expression");
    let bytes = EXPRESSIONS.iter().map(|(_, source)| source.len() as u64).sum();
    group.throughput(Throughput::ElementsAndBytes { elements: EXPRESSIONS.len() as u64, bytes });
    group.bench_function("all of these", |b| {
        b.iter(|| EXPRESSIONS.map(|(_, source)| compile(black_box(&compiler), source)));
    });
    group.finish();
}

criterion_group!(benches, test, read);
criterion_main!(benches);
