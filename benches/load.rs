//! How long do two thousand rules take to be read, checked and compiled, beside serde_yaml only parsing their texts?
#![allow(missing_docs, reason = "benches")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etiolog::{Engine, Pack, Registry};

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: 0.1.0\nsubjects: [{name: site, quiet: 24h}, {name: unit, in: site, quiet: 24h}]\n";
const INPUT: &str = "etiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {from: t}\nfields: {site: {from: s}, unit: {from: u}, code: {from: c, as: code}, word: {from: w}}\n";

/// A rule file with this many symptoms, each with a class and an expression of its own, which refer to the file before.
fn article(at: usize, symptoms: usize) -> String {
    let mut text = format!("etiolog: 1\narticle: a{at}\ntitle: Article {at}\nevents:\n");
    for i in 0..symptoms {
        text += &format!(
            "  c{i}: {{code: {}, where: 'event.word.starts_with(\"w{i}\") || event.code in [{i}, 7]'}}\n",
            at * 100 + i
        );
    }
    text += "symptoms:\n";
    for i in 0..symptoms {
        text += &format!(
            "  s{i}:\n    title: Symptom {i}\n    per: unit\n    detect: {{count: {{event: c{i}, at-least: 3, within: 12h}}}}\n    when: count.span >= {}.min && count.events > 3\n",
            i + 1
        );
    }
    text += "causes:\n";
    for i in 0..symptoms {
        let other = at.saturating_sub(1);
        text += &format!(
            "  k{i}:\n    title: Cause {at}.{i}\n    severity: warning\n    explains: {{s{i}: usually, a{other}#s{i}: seldom}}\n    solutions: [mend]\n"
        );
    }
    text + "solutions:\n  mend: {do: Mend it.}\n"
}

fn load(c: &mut Criterion) {
    let texts: Vec<(String, String)> = (0..100).map(|at| (format!("a{at}.yaml"), article(at, 20))).collect();
    let mut pack = Pack::from_texts([("pack.yaml", PACK), ("inputs/i.yaml", INPUT)]);
    for (path, text) in &texts {
        pack.add(path.as_str(), text.as_str());
    }
    let registry = Registry::builtin();
    let mut group = c.benchmark_group("load 2,000 rules");
    let bytes = texts.iter().map(|(_, text)| text.len() as u64).sum();
    group.sample_size(10).throughput(Throughput::ElementsAndBytes { elements: 2_000, bytes });
    group.bench_function("etiolog, read, checked and compiled", |b| {
        b.iter(|| {
            let engine = Engine::builder().registry(registry.clone()).pack(pack.clone()).build();
            match engine {
                Ok(engine) => assert_eq!(engine.plan().symptoms().len(), 2_000),
                Err(error) => panic!("{error}"),
            }
        });
    });
    group.bench_function("serde_yaml, parsed only", |b| {
        b.iter(|| {
            for (_, text) in &texts {
                black_box(serde_yaml::from_str::<serde_yaml::Value>(text).ok());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, load);
criterion_main!(benches);
