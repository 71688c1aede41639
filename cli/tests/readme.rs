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
    let [excerpt, ..] = &blocks("text")[..] else { panic!("an excerpt") };
    for line in excerpt.lines().filter(|line| line.trim() != "…" && !line.is_empty()) {
        assert!(lines.any(|said| said == line), "not said, or not in this order: {line}\n{output}");
    }
}

/// A folder for one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("etiolog-readme-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.0).env("COLUMNS", "100").env("NO_COLOR", "1");
        command.args(arguments).output().unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Each stretch between two `…` stands in the text, and in this order.
#[track_caller]
fn says(text: &str, excerpt: &str) {
    let mut rest = text;
    for stretch in excerpt.split(" …\n").filter(|stretch| !stretch.is_empty()) {
        let at = rest.find(stretch);
        let Some(at) = at else { panic!("not said, or not in this order:\n{stretch}\nin\n{text}") };
        rest = &rest[at + stretch.len()..];
    }
}

#[test]
fn the_rule_proves_itself_and_what_is_said_of_its_faults_is_true() {
    let ([rule], [_, problem, failure]) = (&blocks("yaml")[..], &blocks("text")[..]) else {
        panic!("one rule, one problem, one failure")
    };
    let folder = Folder::new("faults");
    let said = |text: String, arguments: &[&str]| {
        folder.write("403010.yaml", &text);
        let output = folder.run(arguments);
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    };
    let (passed, _) = said(rule.clone(), &["test", "--run", "403010", "403010.yaml"]);
    assert!(passed.contains("2 passed, 0 failed"), "{passed}");
    let wrong = rule.replace("event: not-in-tier, of", "event: not-in-teir, of");
    let (told, code) = said(wrong, &["check", "403010.yaml"]);
    assert_eq!(code, Some(1));
    says(&told, problem);
    let strict = rule.replace("at-least: 3", "at-least: 4");
    let (told, code) = said(strict, &["test", "--run", "403010", "403010.yaml"]);
    assert_eq!(code, Some(1));
    says(&told, failure);
}

#[test]
fn every_step_from_a_log_to_a_diagnosis_works() {
    let folder = Folder::new("steps");
    std::fs::copy(root().join("samples/mosquitto.log"), folder.0.join("broker.log")).unwrap();
    let [steps] = &blocks("console")[..] else { panic!("one list of steps") };
    assert_eq!(steps.lines().count(), 5);
    for line in steps.lines() {
        let command = line.split(" # ").next().unwrap_or_default();
        let arguments: Vec<&str> = command.strip_prefix("$ etiolog ").unwrap().split_whitespace().collect();
        let output = folder.run(&arguments);
        // What was made from the log has a case for each side of its symptom, not for each of its conditions.
        let fine = if arguments[0] == "test" { [0, 1] } else { [0, 0] };
        assert!(
            output.status.code().is_some_and(|code| fine.contains(&code)) && !output.stdout.is_empty(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn the_rule_is_accepted_and_works() {
    let [rule] = &blocks("yaml")[..] else { panic!("one rule") };
    let folder = std::env::temp_dir().join(format!("etiolog-readme-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (rules, log) = (folder.join("403010.yaml"), folder.join("log.jsonl"));
    std::fs::write(&rules, rule).unwrap();
    let record = |device: u32| {
        format!(
            r#"{{"time":"2026-03-04T08:22:0{device}Z","resourceId":"/X/IOTHUBS/H","operationName":"ingress","level":"Error","resultType":"403010","properties":"{{\"deviceId\":\"d{device}\"}}"}}"#
        )
    };
    std::fs::write(&log, (0..4).map(|device| record(device) + "\n").collect::<String>()).unwrap();
    let output = etiolog(&["diagnose", "-r", rules.to_str().unwrap(), "-o", "json", log.to_str().unwrap()]);
    std::fs::remove_dir_all(&folder).unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.contains(r#""verdict":"403010#tier-too-small""#), "{output}");
}
