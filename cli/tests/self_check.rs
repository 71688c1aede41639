//! `diagnose --self-check`: the reference evaluator beside the engine.

use std::process::{Command, Output, Stdio};

fn diagnose(args: &[&str]) -> Output {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/java-609.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    command.args(["diagnose", sample, "-o", "json"]).args(args).stdin(Stdio::null());
    command.output().expect("the program starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn engine_and_reference_agree_on_a_sample_and_the_diagnoses_are_the_same() {
    let (plain, checked) = (diagnose(&[]), diagnose(&["--self-check"]));
    let said = stderr(&checked);
    assert!(said.starts_with("self-check: engine and reference agree on "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!((plain.status.code(), &plain.stdout), (checked.status.code(), &checked.stdout));
}

#[test]
fn a_part_of_the_events_is_said_to_be_a_part() {
    let output = diagnose(&["--self-check=5"]);
    let said = stderr(&output);
    assert!(said.contains("self-check: only the first 5 events were looked at"), "{said}");
    assert!(said.contains("agree on 5 events"), "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
}
