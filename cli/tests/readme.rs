//! What README shows is what happens.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// The fenced blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let text = readme();
    let mut blocks = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(&format!("```{language}\n")) {
        let body = &rest[at + language.len() + 4..];
        let end = body.find("\n```").unwrap();
        blocks.push(body[..=end].to_owned());
        rest = &body[end..];
    }
    blocks
}

fn etiolog(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    command.current_dir(root()).env("COLUMNS", "100").env("NO_COLOR", "1").args(arguments).output().unwrap()
}

#[test]
fn every_command_that_runs_the_program_succeeds() {
    let mut ran = 0;
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        if let Some(arguments) = line.strip_prefix("cargo run --release -- ") {
            let output = etiolog(&arguments.split_whitespace().collect::<Vec<_>>());
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            assert!(!output.stdout.is_empty(), "{line}");
            ran += 1;
        } else {
            assert!(line == "cargo test" || line.starts_with("cargo bench --bench "), "{line} is not tested");
        }
    }
    assert!(ran >= 4);
}

#[test]
fn the_excerpt_is_what_the_program_says() {
    let output = etiolog(&["diagnose", "samples/fleet-day.jsonl.gz"]);
    let output = String::from_utf8(output.stdout).unwrap();
    let mut lines = output.lines();
    let [excerpt] = &blocks("text")[..] else { panic!("one excerpt") };
    for line in excerpt.lines().filter(|line| line.trim() != "…" && !line.is_empty()) {
        assert!(lines.any(|said| said == line), "not said, or not in this order: {line}\n{output}");
    }
}

#[test]
fn the_rule_is_accepted_and_works() {
    let [rule] = &blocks("yaml")[..] else { panic!("one rule") };
    let folder = std::env::temp_dir().join(format!("etiolog-readme-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (rules, log) = (folder.join("403002.yaml"), folder.join("log.jsonl"));
    std::fs::write(&rules, rule).unwrap();
    let record = |device: u32| {
        format!(
            r#"{{"time":"2026-03-04T08:22:0{device}Z","resourceId":"/X/IOTHUBS/H","operationName":"ingress","level":"Error","resultType":"403002","properties":"{{\"deviceId\":\"d{device}\"}}"}}"#
        )
    };
    std::fs::write(&log, (0..4).map(|device| record(device) + "\n").collect::<String>()).unwrap();
    let output = etiolog(&["diagnose", "-r", rules.to_str().unwrap(), "-o", "json", log.to_str().unwrap()]);
    std::fs::remove_dir_all(&folder).unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.contains(r#""verdict":"403002#quota-exhausted""#), "{output}");
}
