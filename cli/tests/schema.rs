//! The published schemas are what the types give, and what is written keeps to them.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Value, json};

const KINDS: [&str; 4] = ["article", "pack", "input", "diagnosis"];

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

/// The published schema, made strict: nothing may be written that it does not describe.
fn strict() -> Validator {
    let mut schema: Value =
        serde_json::from_str(&fs::read_to_string(published("diagnosis")).unwrap()).unwrap();
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
    let validator = strict();
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
    let validator = strict();
    for line in written.lines() {
        valid(&validator, &serde_json::from_str(line).unwrap());
    }
}

#[test]
fn the_schema_can_refuse() {
    let validator = strict();
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
