//! `etiolog bench` as a shell sees it. No time is asserted.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SAMPLE: &str = "samples/java-609.jsonl";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn etiolog(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    command.current_dir(root()).env("COLUMNS", "100").env("NO_COLOR", "1").stdin(Stdio::null());
    command.args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The figures of a log.
fn figures(arguments: &[&str]) -> Value {
    let output = etiolog(&[&["bench", "-o", "json"], arguments].concat());
    let text = stdout(&output);
    assert_eq!((output.status.code(), text.lines().count()), (Some(0), 1), "{text}{}", stderr(&output));
    serde_json::from_str(&text).unwrap()
}

fn sum(of: &Value, key: &str) -> f64 {
    of.as_array().unwrap().iter().map(|row| row[key].as_f64().unwrap()).sum()
}

/// A file for one test, removed with its folder at its end.
struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = std::env::temp_dir().join(format!("etiolog-bench-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
        Self(folder.join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(self.0.parent().unwrap()));
    }
}

#[test]
fn what_is_counted_is_what_diagnose_counts() {
    let told = etiolog(&["diagnose", "-q", "-o", "json", SAMPLE]);
    let lines: Vec<Value> = stdout(&told).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.iter().find(|line| line["type"] == "summary").unwrap();
    let diagnoses = lines.iter().filter(|line| line["type"] == "diagnosis").count();
    let figures = figures(&["--runs", "2", SAMPLE]);
    assert_eq!(figures["records"], summary["records"]["read"]);
    assert_eq!(figures["events"], summary["records"]["decoded"]);
    assert_eq!(figures["bytes"].as_u64(), Some(fs::metadata(root().join(SAMPLE)).unwrap().len()));
    assert_eq!(figures["diagnoses"], diagnoses);
    assert_eq!(figures["whole"]["runs"], 2);
    let lines = fs::read_to_string(root().join(SAMPLE)).unwrap().lines().count();
    let yardsticks = figures["yardsticks"].as_array().unwrap();
    let names: Vec<&str> = yardsticks.iter().filter_map(|yard| yard["yardstick"].as_str()).collect();
    assert_eq!(names, ["lines", "json"]);
    assert!(yardsticks.iter().all(|yard| yard["lines"] == lines), "{yardsticks:?}");
}

#[test]
fn rows_and_rules_add_up() {
    let figures = figures(&["--runs", "1", SAMPLE]);
    let rows = figures["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().filter_map(|row| row["row"].as_str()).collect();
    assert_eq!(names, ["read", "frame", "decode", "classify", "order", "apply", "detect", "diagnose"]);
    assert!((sum(&figures["rows"], "share") - 1.0).abs() < 0.01, "{rows:?}");
    let of =
        |name: &str| rows.iter().find(|row| row["row"] == name).unwrap()["ns_per_record"].as_f64().unwrap();
    let rules = figures["rules"].as_array().unwrap();
    let kind = |kind: &str| {
        let rules: Vec<Value> = rules.iter().filter(|rule| rule["kind"] == kind).cloned().collect();
        sum(&Value::from(rules), "ns_per_record")
    };
    assert!((kind("symptom") / of("detect") - 1.0).abs() < 0.01, "{figures}");
    assert!(kind("class") <= of("classify") * 1.01, "{figures}");
    let costs: Vec<f64> = rules.iter().filter_map(|rule| rule["ns_per_record"].as_f64()).collect();
    assert!(costs.is_sorted_by(|a, b| a >= b), "{costs:?}");
    let sampling = &figures["sampling"];
    assert_eq!(
        (&sampling["one_in"], &sampling["turns"]),
        (&1.into(), &sampling["sampled"]),
        "a small log whole"
    );
}

/// The rules of one article on three devices, of which two drop.
#[test]
fn a_rule_is_asked_as_often_as_its_events_come() {
    let rules = File::new(
        "700.yaml",
        b"etiolog: 1\narticle: '700'\ntitle: T\nevents:\n  a: {code: 403010}\n  b: {code: 403010, where: 'event.device != \"d1\"'}\n\
          symptoms:\n  x: {title: X, per: device, detect: {count: {event: a, at-least: 2, within: 1h}}}\n  \
          y: {title: Y, per: device, detect: {count: {event: b, at-least: 2, within: 1h}}}\n\
          causes:\n  c: {title: C, severity: warning, explains: {x: usually, y: usually}}\n",
    );
    let record = |at: usize| {
        format!(
            "{{\"time\":\"2026-03-04T08:00:{at:02}Z\",\"resourceId\":\"/X/IOTHUBS/H\",\"operationName\":\"ingress\",\"level\":\"Error\",\
             \"resultType\":\"403010\",\"properties\":\"{{\\\"deviceId\\\":\\\"d{}\\\"}}\"}}\n",
            at % 3
        )
    };
    let log = File::new("log.jsonl", (0..30).map(record).collect::<String>().as_bytes());
    let figures = figures(&["--runs", "2", "-r", rules.path(), "--input", log.path()]);
    let asked = |id: &str| {
        let rules = figures["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["id"] == id).unwrap_or_else(|| panic!("{id}"))["asked"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(figures["records"], 30);
    // What is said of a device by an expression over its name alone is remembered.
    assert_eq!((asked("700#b"), asked("700#x"), asked("700#y")), (3, 30, 20));
}

#[test]
fn people_read_what_it_means() {
    let output = etiolog(&["bench", "--runs", "1", SAMPLE]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for part in [
        " records/s, ",
        "beside it, on the same bytes in the same process",
        "memchr counts the lines",
        "serde_json parses each line",
        "where it goes, in nanoseconds a record",
        "\n  detect ",
        "together ",
        "rules",
        "memory: ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn faults_in_rules_are_told_as_diagnose_tells_them() {
    let rules = File::new("faulty.yaml", b"etiolog: 1\narticle: faulty\ntitel: x\n");
    for output in ["text", "json"] {
        let run = |verb: &str| etiolog(&[verb, "-o", output, "-r", rules.path(), SAMPLE]);
        let (bench, diagnose) = (run("bench"), run("diagnose"));
        assert_eq!(bench.status.code(), Some(2));
        assert_eq!((stdout(&bench), stderr(&bench)), (stdout(&diagnose), stderr(&diagnose)));
        assert!(!stderr(&bench).is_empty());
    }
}

#[test]
fn logs_that_cannot_be_measured_are_refused() {
    let empty = File::new("empty.jsonl", b"");
    for (arguments, why) in [
        (&["bench"][..], "nothing to measure; name files or directories"),
        (&["bench", "-"], "a pipe cannot be read again; bench needs files"),
        (&["bench", empty.path()], "there is no record in these files"),
        (&["bench", "--set", "no.fact=1", SAMPLE], "no.fact"),
        (&["bench", "--runs", "0", SAMPLE], "not a number from 1 to 1000"),
    ] {
        let output = etiolog(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stdout(&output).is_empty() && stderr(&output).contains(why), "{}", stderr(&output));
    }
    let missing = |verb: &str| stderr(&etiolog(&[verb, "samples/none.jsonl"]));
    assert_eq!(missing("bench"), missing("diagnose"));
}

#[test]
fn what_cannot_be_read_is_said_once_and_ends_with_3() {
    let mut bytes = fs::read(root().join("samples/fleet-day.jsonl.gz")).unwrap();
    bytes.truncate(20_000);
    let broken = File::new("broken.jsonl.gz", &bytes);
    let output = etiolog(&["bench", "--runs", "2", "-o", "json", broken.path()]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stderr(&output).matches("could not be read to its end").count(), 1, "{}", stderr(&output));
    let figures: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(figures["records"].as_u64().unwrap() > 100, "what came before is measured");
}

#[test]
fn a_log_that_is_no_json_has_no_yardstick_of_json() {
    let figures = figures(&["--runs", "1", "samples/mosquitto.log"]);
    let yardsticks = figures["yardsticks"].as_array().unwrap();
    assert!(yardsticks.len() == 1 && yardsticks[0]["yardstick"] == "lines", "{yardsticks:?}");
}
