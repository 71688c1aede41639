//! `docs/five-logs.md` shows what the program says of the five logs, and the logs are what the simulator writes.
//!
//! `REWRITE_FIVE_LOGS=1 cargo test -p etiolog-cli --test five_logs` writes what it says now; read it before you commit it.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each log is, and what must be said of it.
const LOGS: [(&str, &str); 5] = [
    ("404104-token", "401003#sas-token-expired"),
    ("404104-hub", "500xxx#transient-hub-fault"),
    ("404104-line", "404104#network-or-crash"),
    ("404104-restart", "404104#scheduled-restart"),
    ("404104-crash-loop", "404104#crash-loop"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn etiolog(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    command.current_dir(root()).env("COLUMNS", "100").env("NO_COLOR", "1").args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn diagnose(log: &str, more: &[&str]) -> String {
    let path = format!("samples/{log}.jsonl");
    etiolog(&[&["diagnose", "-r", "azure-iot-hub"], more, &[&path]].concat())
}

/// The diagnoses of a log, and each with the device or hub that it is about.
fn diagnoses(log: &str) -> Vec<Value> {
    let said = diagnose(log, &["-o", "json"]);
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == "diagnosis").collect()
}

/// What is shown of a report: of its first diagnosis the head, what is seen, what speaks for it, what to do, the lines.
fn excerpt(report: &str) -> String {
    let mut shown = String::from("```text\n");
    let (mut label, mut left, mut cut) = ("", 0, false);
    for line in report.lines().take_while(|line| !line.is_empty()) {
        let head = line.get(..9).unwrap_or_default().trim();
        if !head.is_empty() {
            label = if shown.len() < 9 { "head" } else { head };
            left = match label {
                "head" | "seen" | "for" => usize::MAX,
                "do" => 2,
                "lines" => 3,
                _ => 0,
            };
        }
        if left > 0 {
            left -= 1;
            shown += line;
            shown.push('\n');
            cut = false;
        } else if !cut {
            shown += " …\n";
            cut = true;
        }
        if label == "lines" && left == 0 {
            break;
        }
    }
    shown + "```\n"
}

/// One row: the log, what is the matter, and the lines that speak loudest for it.
fn row(log: &str, number: usize) -> String {
    let said = diagnoses(log);
    let first = &said[0];
    let cause = &first["causes"][0];
    let symptoms = first["symptoms"].as_array().unwrap();
    let present =
        |id: &Value| symptoms.iter().find(|symptom| symptom["id"] == *id && symptom["status"] == "present");
    let points = cause["points"].as_array().unwrap();
    let symptom = points.iter().find_map(|points| present(&points["symptom"])).unwrap();
    let lines: Vec<String> =
        symptom["evidence"].as_array().unwrap().iter().take(4).map(|line| line["line"].to_string()).collect();
    let drops = std::fs::read_to_string(root().join(format!("samples/{log}.jsonl"))).unwrap();
    format!(
        "| {number} | `{log}` | {} | {} | {}: {} |\n",
        drops.lines().filter(|line| line.contains("\"resultType\":\"404104\"")).count(),
        cause["title"].as_str().unwrap(),
        symptom["title"].as_str().unwrap(),
        lines.join(", "),
    )
}

/// The page with what the program says now between its marks.
fn page(old: &str) -> String {
    let mut page = String::new();
    let mut rest = old;
    while let Some(at) = rest.find("<!-- said") {
        let (before, from) = rest.split_at(at);
        let (mark, body) = from.split_once("-->\n").unwrap();
        let log = mark.trim_start_matches("<!-- said").trim();
        writeln!(page, "{before}{mark}-->").unwrap();
        if log.is_empty() {
            page += "| | log | drops | what is the matter | lines that say so |\n|---|---|---|---|---|\n";
            for (place, (log, _)) in LOGS.iter().enumerate() {
                page += &row(log, place + 1);
            }
        } else {
            page += &excerpt(&diagnose(log, &[]));
        }
        rest = &body[body.find("<!-- end -->").unwrap()..];
    }
    page + rest
}

#[test]
fn the_same_code_has_five_right_answers() {
    for (log, cause) in LOGS {
        let said = diagnoses(log);
        assert!(!said.is_empty(), "{log}");
        for diagnosis in said {
            assert_eq!(diagnosis["verdict"], cause, "{log}: {}", diagnosis["subject"]);
        }
        let text = std::fs::read_to_string(root().join(format!("samples/{log}.jsonl"))).unwrap();
        assert!(text.contains("\"404104\"") && text.len() < 60 * 1024, "{log}");
    }
}

#[test]
fn the_page_is_what_the_program_says() {
    let path = root().join("docs/five-logs.md");
    let old = std::fs::read_to_string(&path).unwrap();
    let new = page(&old);
    if std::env::var_os("REWRITE_FIVE_LOGS").is_some() {
        std::fs::write(&path, &new).unwrap();
    }
    assert_eq!(old, new, "REWRITE_FIVE_LOGS=1 writes what is said now");
    assert_eq!(old.matches("```text").count(), LOGS.len());
}

#[test]
fn the_logs_are_what_the_simulator_writes() {
    let page = std::fs::read_to_string(root().join("docs/five-logs.md")).unwrap();
    let mut made = 0;
    for line in page.lines().filter_map(|line| line.strip_prefix("    etiolog simulate ")) {
        let (arguments, path) = line.split_once(" -O ").unwrap();
        let arguments: Vec<&str> = ["simulate"].into_iter().chain(arguments.split_whitespace()).collect();
        assert!(etiolog(&arguments) == std::fs::read_to_string(root().join(path)).unwrap(), "{path}");
        made += 1;
    }
    assert_eq!(made, LOGS.len());
}
