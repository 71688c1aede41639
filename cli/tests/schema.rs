//! The published schemas are what the types give, and what is written keeps to them.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Value, json};

const KINDS: [&str; 6] = ["article", "pack", "input", "table", "diagnosis", "bench"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn etiolog(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    let output = command.current_dir(root()).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn published(kind: &str) -> PathBuf {
    root().join("schema").join(format!("{kind}.v1.json"))
}

/// The published schema of what is written, made strict: nothing may be written that it does not describe.
fn strict(kind: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(&fs::read_to_string(published(kind)).unwrap()).unwrap();
    let lines = schema["oneOf"].as_array_mut().unwrap();
    let heads: Vec<String> = lines
        .iter()
        .map(|line| line["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    for line in lines {
        line["unevaluatedProperties"] = json!(false);
    }
    for (name, body) in schema["$defs"].as_object_mut().unwrap() {
        if !heads.contains(name) && body.get("properties").is_some() {
            body["additionalProperties"] = json!(false);
        }
    }
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
fn valid(validator: &Validator, value: &Value) {
    let faults: Vec<String> =
        validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{value}\n{}", faults.join("\n"));
}

/// With `ETIOLOG_WRITE_SCHEMA` set, the files are written instead.
#[test]
fn what_is_published_is_what_the_types_give() {
    for kind in KINDS {
        let given = etiolog(&["schema", kind]);
        if std::env::var_os("ETIOLOG_WRITE_SCHEMA").is_some() {
            fs::create_dir_all(root().join("schema")).unwrap();
            fs::write(published(kind), &given).unwrap();
        }
        let there = fs::read_to_string(published(kind)).unwrap_or_default();
        assert!(
            there == given,
            "schema/{kind}.v1.json: run the test with ETIOLOG_WRITE_SCHEMA=1 and look at the change"
        );
    }
}

#[test]
fn every_line_about_the_samples_keeps_to_the_schema() {
    let validator = strict("diagnosis");
    for sample in ["samples/java-609.jsonl", "samples/fleet-day.jsonl.gz"] {
        let written = etiolog(&["diagnose", "-q", "-o", "json", "--as-of", "2026-12-31T00:00:00Z", sample]);
        assert!(written.lines().count() > 2, "{sample}");
        for line in written.lines() {
            valid(&validator, &serde_json::from_str(line).unwrap());
        }
    }
}

#[test]
fn every_problem_keeps_to_the_schema() {
    let file = std::env::temp_dir().join(format!("etiolog-schema-{}.yaml", std::process::id()));
    fs::write(&file, "etiolog: 1\narticle: 3\ntitel: x\nsymptoms: [\n").unwrap();
    let written = etiolog(&["rules", "-o", "json", "-r", file.to_str().unwrap()]);
    fs::remove_file(&file).unwrap();
    assert!(!written.is_empty());
    let validator = strict("diagnosis");
    for line in written.lines() {
        valid(&validator, &serde_json::from_str(line).unwrap());
    }
}

#[test]
fn the_line_of_a_measurement_keeps_to_its_schema() {
    let written = etiolog(&["bench", "--runs", "1", "-o", "json", "samples/java-609.jsonl"]);
    let line: Value = serde_json::from_str(&written).unwrap();
    valid(&strict("bench"), &line);
    let mut more = line;
    more["rows"][0]["more"] = json!(1);
    assert!(!strict("bench").is_valid(&more));
}

#[test]
fn the_schema_can_refuse() {
    let validator = strict("diagnosis");
    for wrong in [
        json!({"type": "begin", "schema": "etiolog/1"}),
        json!({"type": "problem", "schema": "etiolog/2", "code": "c", "file": "f", "line": 1, "column": 1, "span": {"start": 0, "end": 1}, "message": "m"}),
        json!({"type": "problem", "schema": "etiolog/1", "code": 7, "file": "f", "line": 1, "column": 1, "span": {"start": 0, "end": 1}, "message": "m"}),
        json!({"type": "problem", "schema": "etiolog/1", "code": "c", "file": "f", "line": 1, "column": 1, "span": {"start": 0, "end": 1}, "message": "m", "more": 1}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
    valid(
        &validator,
        &json!({"type": "problem", "schema": "etiolog/1", "code": "c", "file": "f", "line": 1, "column": 1, "span": {"start": 0, "end": 1}, "message": "m"}),
    );
}

/// The published schema of a kind of file.
fn validator(kind: &str) -> Validator {
    let schema: Value = serde_json::from_str(&fs::read_to_string(published(kind)).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// All rule files of a folder, each with its kind.
fn rule_files(folder: &Path, files: &mut Vec<(&'static str, PathBuf)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if !["cases", "tables", "fleets"].contains(&name.as_str()) {
                rule_files(&path, files);
            }
        } else if name.ends_with(".yaml") {
            let kind = match name.as_str() {
                "pack.yaml" => "pack",
                _ if folder.ends_with("inputs") => "input",
                _ => "article",
            };
            files.push((kind, path));
        }
    }
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn every_shipped_rule_file_keeps_to_its_schema() {
    let mut files = Vec::new();
    rule_files(&root().join("rules"), &mut files);
    for kind in ["article", "pack", "input"] {
        let validator = validator(kind);
        let mut seen = 0;
        for (_, path) in files.iter().filter(|(of, _)| *of == kind) {
            valid(&validator, &yaml(&fs::read_to_string(path).unwrap()));
            seen += 1;
        }
        assert!(seen >= 2, "{kind}: {seen} files");
    }
}

const ARTICLE: &str = "
$schema: ../../schema/article.v1.json
etiolog: 1
article: 404
title: T
events:
  e: {code: 7}
symptoms:
  s: {title: S, per: unit, detect: {count: {event: e, at-least: 3, within: 1h}}}
causes:
  c: {title: C, prior: common, severity: error, explains: {s: usually}}
cases:
  - name: n
    start: 2026-01-05T00:00:00Z
    given:
      - {at: 0, every: 5m, times: 3, jitter: 20s, loss: 10%, subject: {unit: [u1, u2..u9], site: ~}, spread: 1m, event: e, fields: {word: ~, code: 7}, then: {after: 0s, event: [e], then: [{after: 8s, event: e}]}}
      - {wait: 20m}
      - {file: cases/a.jsonl}
      - records: '{}'
    complete: true
    expect: [{unit: u1, top: c, at-least: 90%, at-most: 0.99, present: s, near: [s]}]
    expect-none: c
";

#[test]
fn what_is_wrong_with_a_rule_file_is_seen_by_editors() {
    let validator = validator("article");
    valid(&validator, &yaml(ARTICLE));
    for (from, to) in [
        ("title: T", "titel: T"),
        ("etiolog: 1", "etiolog: 2"),
        ("title: S, ", ""),
        ("detect: {count", "detect: {cuont"),
        ("at-least: 3,", "at-least: 0,"),
        ("within: 1h}", "within: 1 hour}"),
        ("prior: common", "prior: often"),
        ("severity: error", "severity: bad"),
        ("{s: usually}", "{s: mostly}"),
        ("{s: usually}", "{}"),
        ("{code: 7}", "{code: {least: 7}}"),
        ("name: n", "nmae: n"),
        ("every: 5m, ", ""),
        ("times: 3, ", ""),
        ("times: 3", "times: 0"),
        ("times: 3", "times: 3, for: 5m"),
        ("at: 0,", "at: 5,"),
        ("loss: 10%", "loss: [10]"),
        ("event: e, fields", "fields"),
        ("word: ~", "word: [a, b]"),
        ("after: 8s, ", ""),
        ("{wait: 20m}", "{wait: 20m, at: 1m}"),
        ("{wait: 20m}", "{wait: 20m, event: e}"),
        ("{wait: 20m}", "{}"),
        ("complete: true", "complete: yes"),
        ("top: c, ", ""),
        ("near: [s]", "near: []"),
        ("top: c, at-least: 90%, at-most: 0.99, present: s, near: [s]", ""),
        ("expect-none: c", "expect-none: []"),
        ("expect-none: c", "expect-exactly: []"),
    ] {
        let text = ARTICLE.replace(from, to);
        assert!(text != ARTICLE, "{from} is not there");
        assert!(!validator.is_valid(&yaml(&text)), "{from} -> {to}");
    }
}

#[test]
fn the_loader_takes_the_same_file_and_does_not_mind_where_its_schema_lies() {
    let folder = std::env::temp_dir().join(format!("etiolog-schema-key-{}", std::process::id()));
    fs::create_dir_all(folder.join("cases")).unwrap();
    fs::create_dir_all(folder.join("inputs")).unwrap();
    for (path, text) in [
        (
            "pack.yaml",
            "$schema: pack.v1.json\netiolog: 1\npack: p\ntitle: P\nversion: 0.1.0\nsubjects: [{name: site, quiet: 1h}, {name: unit, in: site, quiet: 1h}]\n",
        ),
        (
            "inputs/i.yaml",
            "$schema: input.v1.json\netiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {from: at}\nfields: {site: {from: site}, unit: {from: unit}, code: {from: code, as: code}, word: {from: word}}\n",
        ),
        ("cases/a.jsonl", "{}\n"),
        ("404.yaml", &ARTICLE.replace(", near: [s]", "").replace("    expect-none: c\n", "")),
    ] {
        if let Some(kind) = text.strip_prefix("$schema: ").and_then(|rest| rest.split('.').next()) {
            valid(&validator(kind), &yaml(text));
        }
        fs::write(folder.join(path), text).unwrap();
    }
    let said = etiolog(&["rules", "-r", folder.to_str().unwrap()]);
    fs::remove_dir_all(&folder).unwrap();
    assert!(said.contains("symptoms   s (per unit, count)"), "{said}");
}
