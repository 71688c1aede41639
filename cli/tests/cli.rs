//! The program as a shell sees it: arguments and bytes in, bytes and an exit code out.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

const AS_OF: &str = "2026-03-05T00:00:00Z";

/// A folder with logs, removed at the end of the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("etiolog-cli-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).expect("a temporary folder can be made");
        Self(path)
    }

    fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
        fs::write(path, bytes).expect("a file can be written");
        self
    }

    fn etiolog(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.0).stdin(Stdio::null());
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(variable);
        }
        command
    }

    fn diagnose(&self, args: &[&str]) -> Output {
        self.etiolog().args(["diagnose", "--as-of", AS_OF]).args(args).output().expect("the program starts")
    }

    fn piped(&self, args: &[&str], bytes: &[u8]) -> Output {
        let mut command = self.etiolog();
        command.args(["diagnose", "--as-of", AS_OF]).args(args);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A program that refuses its arguments does not read: that is not this side's failure.
        drop(child.stdin.take().expect("stdin is piped").write_all(bytes));
        child.wait_with_output().expect("the program ends")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A connection that ends every 65 minutes and is back a few seconds later, ten times.
fn drops() -> String {
    (0..10)
        .flat_map(|n| {
            let stamp = |second: i64| {
                let at = 1_772_582_400 + n * 65 * 60 + second;
                let (hour, minute) = (at / 3_600 % 24, at / 60 % 60);
                format!("2026-03-04T{hour:02}:{minute:02}:{:02}Z", at % 60)
            };
            [
                record(&stamp(0), "deviceDisconnect", "Error", r#""resultType":"404104","#, "404"),
                record(&stamp(8), "deviceConnect", "Information", "", "200"),
            ]
        })
        .collect()
}

fn connects() -> String {
    (0..5)
        .map(|n| record(&format!("2026-03-04T1{n}:00:00Z"), "deviceConnect", "Information", "", "200"))
        .collect()
}

fn record(time: &str, operation: &str, level: &str, result: &str, status: &str) -> String {
    format!(
        concat!(
            r#"{{"time":"{}","resourceId":"/SUBSCRIPTIONS/0/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB","#,
            r#""operationName":"{}","category":"Connections","level":"{}",{}"#,
            r#""properties":"{{\"deviceId\":\"d1\",\"protocol\":\"Mqtt\",\"statusCode\":\"{}\"}}","#,
            r#""location":"westeurope"}}"#,
            "\n"
        ),
        time, operation, level, result, status
    )
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is text")
}

fn objects(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn read_count(output: &Output) -> u64 {
    let last = objects(output).pop().expect("there is a summary");
    assert_eq!(last["type"], "summary");
    last["records"]["read"].as_u64().expect("a count")
}

#[track_caller]
fn refused(output: &Output, says: &str) {
    assert_eq!(code(output), 2, "{}", stderr(output));
    assert!(stderr(output).contains(says), "{}", stderr(output));
    assert_eq!(stdout(output), "", "nothing is written before the refusal");
}

/// A point of the number of connected devices.
fn level(hour: u32, devices: u32) -> String {
    format!(
        concat!(
            r#"{{"time":"2026-03-04T{:02}:00:00.0000000Z","resourceId":"/SUBSCRIPTIONS/0/IOTHUBS/hub","#,
            r#""metricName":"connectedDeviceCount","average":{}}}"#,
            "\n"
        ),
        hour, devices
    )
}

#[test]
fn files_of_different_inputs_in_one_folder_are_read_side_by_side() {
    let levels: String = (0..12).map(|hour| level(hour, 100)).collect();
    let grid = r#"[{"eventType":"Microsoft.Devices.DeviceConnected","eventTime":"2026-03-04T00:05:00Z","data":{"hubName":"hub","deviceId":"d1"}}]"#;
    let place = Place::new("kinds")
        .with("all/a-connects.json", drops())
        .with("all/b-levels.json.gz", gzip(&levels))
        .with("all/c-events.json", grid)
        .with("all/d-levels.json", level(12, 100));
    for args in [
        &["all"][..],
        &["all/a-connects.json", "all/b-levels.json.gz", "all/c-events.json", "all/d-levels.json"],
    ] {
        let output = place.diagnose(&[args, &["-o", "json"]].concat());
        let objects = objects(&output);
        let summary = objects.last().expect("there is a summary");
        assert_eq!(summary["records"]["late"], 0, "{summary}");
        let inputs: Vec<&str> = summary["sources"]
            .as_array()
            .expect("files")
            .iter()
            .filter_map(|file| file["input"].as_str())
            .collect();
        let mut sorted = inputs.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ["event-grid", "metrics", "metrics", "resource-log"]);
        let told = objects.iter().filter(|object| object["type"] == "diagnosis");
        assert_eq!(told.map(|told| told["subject"]["hub"].clone()).collect::<Vec<_>>(), ["hub"]);
    }
}

#[test]
fn a_healthy_log_ends_with_0() {
    let place = Place::new("healthy").with("a.json", connects());
    let output = place.diagnose(&["a.json", "-o", "json"]);
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
    let kinds: Vec<Value> = objects(&output).iter().map(|object| object["type"].clone()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"begin".into()), Some(&"summary".into())));
    assert_eq!(read_count(&output), 5);
}

#[test]
fn fail_on_decides_between_0_and_1() {
    let place = Place::new("fail-on").with("a.json", drops());
    assert_eq!(code(&place.diagnose(&["a.json"])), 0);
    assert_eq!(code(&place.diagnose(&["a.json", "--fail-on", "benign"])), 1);
    assert_eq!(code(&place.diagnose(&["a.json", "--fail-on", "critical"])), 0);
}

#[test]
fn wrong_usage_ends_with_2() {
    let place = Place::new("usage").with("a.json", connects());
    for (args, says) in [
        (vec!["a.json", "--lateness", "soon"], "not a span"),
        (vec!["a.json", "--fail-on", "awful"], "critical"),
        (vec!["a.json", "-o", "poem"], "json"),
        (vec!["a.json", "-r", "no-such-pack"], "no-such-pack"),
        (vec!["a.json", "--format", "no-such-input"], "no-such-input"),
        (vec!["a.json", "--what"], "--what"),
    ] {
        refused(&place.diagnose(&args), says);
    }
    let output = place.etiolog().arg("prognose").output().expect("the program starts");
    refused(&output, "prognose");
}

#[test]
fn a_missing_file_is_refused_before_anything_is_read() {
    let place = Place::new("missing").with("a.json", connects());
    refused(&place.diagnose(&["a.json", "b.json", "-o", "json"]), "b.json");
    refused(&place.diagnose(&["*.log"]), "matches no files");
    fs::create_dir(place.0.join("empty")).expect("a folder can be made");
    refused(&place.diagnose(&["empty"]), "holds no files");
}

#[test]
fn a_rule_file_that_would_change_nothing_is_refused() {
    let place = Place::new("rule-files").with("a.json", connects()).with("mine.txt", "hi\n");
    refused(&place.diagnose(&["a.json", "-r", "mine.txt"]), "ends in `.yaml`");
    let place = place.with("mine/pack.yaml", "etiolog: 1\n").with("bad.yaml", "etiolog: [\n");
    refused(&place.diagnose(&["a.json", "-r", "mine/pack.yaml"]), "name its folder");
    refused(&place.diagnose(&["a.json", "-r", "azure-iot-hub", "-r", "azure-iot-hub"]), "duplicate");
    let output = place.diagnose(&["a.json", "-r", "./bad.yaml"]);
    refused(&output, "problem");
    assert!(stderr(&output).contains("\n --> ./bad.yaml:"), "{}", stderr(&output));
}

#[test]
fn faults_in_rules_are_named_with_their_place() {
    let place = Place::new("rules").with("a.json", connects()).with("pack/pack.yaml", "nonsense: 1\n");
    let output = place.diagnose(&["a.json", "-r", "pack"]);
    refused(&output, "problem");
    let placed = |line: &str| {
        line.split_once(".yaml:").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    assert!(stderr(&output).lines().any(placed), "{}", stderr(&output));
}

#[test]
fn a_fault_is_shown_in_its_line() {
    let bad = "etiolog: 1\narticle: bad\ntitle: Bad\nsymptoms: {}\nevent: {}\n";
    let place = Place::new("shown").with("a.json", connects()).with("bad.yaml", bad);
    let output = place.diagnose(&["a.json", "-r", "bad.yaml"]);
    refused(&output, "error: 1 problem in 1 file");
    let shown = stderr(&output);
    for part in [" --> bad.yaml:5:1\n", "5 | event: {}\n", "  | ^^^^^"] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
    let mut colored = place.etiolog();
    colored.args(["diagnose", "a.json", "-r", "bad.yaml"]).env("CLICOLOR_FORCE", "1");
    assert!(stderr(&colored.output().expect("the program starts")).contains('\u{1b}'));
    let mut plain = place.etiolog();
    plain.args(["diagnose", "a.json", "-r", "bad.yaml"]).envs([("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]);
    assert!(!stderr(&plain.output().expect("the program starts")).contains('\u{1b}'));
}

#[test]
fn programs_are_told_of_faults_in_json_lines() {
    let place = Place::new("json-faults")
        .with("a.json", connects())
        .with("pack/pack.yaml", "nonsense: 1\n")
        .with("pack/other.yaml", "etiolog: [\n");
    for args in
        [vec!["diagnose", "a.json", "-r", "pack", "-o", "json"], vec!["rules", "-r", "pack", "-o", "json"]]
    {
        let output = place.etiolog().args(&args).output().expect("the program starts");
        assert_eq!(code(&output), 2, "{args:?}");
        let lines = objects(&output);
        assert!(lines.len() > 1, "{args:?}");
        for line in &lines {
            assert_eq!((&line["type"], &line["schema"]), (&"problem".into(), &"etiolog/1".into()));
            assert!(
                line["line"].is_u64() && line["span"]["start"].is_u64() && line["code"].is_string(),
                "{line}"
            );
        }
        assert!(stderr(&output).starts_with(&format!("error: {} problems in ", lines.len())));
    }
}

#[test]
fn records_that_cannot_be_read_end_with_3() {
    let place = Place::new("partly").with("a.json", connects() + "this is not a record\n");
    let output = place.diagnose(&["a.json"]);
    assert_eq!(code(&output), 3);
    assert!(stdout(&output).contains("a.json:6"), "{}", stdout(&output));
}

#[test]
fn stdin_is_read_when_named_and_when_nothing_is() {
    let place = Place::new("stdin");
    for args in [&["-o", "json"][..], &["-o", "json", "-"]] {
        let output = place.piped(args, drops().as_bytes());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert_eq!(read_count(&output), 20);
    }
    refused(&place.piped(&["-", "-"], b""), "stdin");
}

#[test]
fn compressed_logs_are_read_as_they_are() {
    let place = Place::new("gzip").with("a.json.gz", gzip(&drops())).with("b", gzip(&connects()));
    let output = place.diagnose(&["a.json.gz", "b", "-o", "json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(read_count(&output), 25);
}

#[test]
fn a_compressed_log_that_ends_too_early_ends_with_3_and_is_named() {
    let whole = gzip(&drops());
    let cut = whole.len() - 12;
    let place = Place::new("cut").with("a.json.gz", &whole[..cut]).with("b.json", connects());
    let output = place.diagnose(&["a.json.gz", "b.json", "-o", "json"]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("a.json.gz"), "{}", stderr(&output));
    assert!(read_count(&output) >= 6, "the rest is still read");
    let quiet = place.diagnose(&["a.json.gz", "-q"]);
    assert_eq!((code(&quiet), stderr(&quiet)), (3, String::new()));
}

#[test]
fn a_directory_is_read_without_hidden_files() {
    let place = Place::new("folder")
        .with("logs/1.json", connects())
        .with("logs/deep/2.json", connects())
        .with("logs/.hidden", "not a record\n");
    for path in ["logs", "logs/**/*.json", "./logs/", "log?"] {
        let output = place.diagnose(&[path, "-o", "json"]);
        assert_eq!(code(&output), 0, "{path}: {}", stderr(&output));
        assert_eq!(read_count(&output), 10, "{path}");
    }
}

#[test]
fn the_logs_of_two_hubs_are_two_sources_wherever_the_user_stands() {
    let hubs = "PROVIDERS/MICROSOFT.DEVICES/IOTHUBS";
    let place = Place::new("hubs");
    let late = record("2026-03-04T23:00:00Z", "deviceConnect", "Information", "", "200");
    let file = |hub: &str, hour: u8| format!("{hubs}/{hub}/y=2026/m=03/d=04/h={hour:02}/m=00/PT1H.json");
    let of_b = |text: &str| text.replace("IOTHUBS/HUB", "IOTHUBS/B");
    let place = place.with(&file("HUB", 8), drops()).with(&file("HUB", 23), &late);
    let place = place.with(&file("B", 8), of_b(&drops())).with(&file("B", 23), of_b(&late));
    let above = place.diagnose(&[".", "-o", "json"]);
    let mut inside = place.etiolog();
    inside.current_dir(place.0.join(hubs)).args(["diagnose", "--as-of", AS_OF, ".", "-o", "json"]);
    for output in [above, inside.output().expect("the program starts")] {
        let summary = objects(&output).pop().expect("there is a summary");
        assert_eq!(summary["records"]["late"], 0, "{summary}");
        assert_eq!(summary["records"]["decoded"], 42, "{summary}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new("pipe").with("a.json", drops());
    let mut child = place
        .etiolog()
        .args(["diagnose", "--as-of", AS_OF, "a.json", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // It waits for stdin until the reader of its output is gone.
    drop(child.stdout.take());
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_with_2() {
    let place = Place::new("full").with("a.json", drops());
    for kind in ["text", "json"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("linux has it");
        let output = place
            .etiolog()
            .args(["diagnose", "a.json", "-o", kind])
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .expect("the program starts");
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains("cannot write the output"), "{}", stderr(&output));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_writes_what_is_known_and_ends_with_130() {
    let place = Place::new("interrupt");
    let mut child = place
        .etiolog()
        .args(["diagnose", "--as-of", AS_OF, "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut begin = String::new();
    out.read_line(&mut begin).expect("the beginning is written at once");
    assert!(begin.contains(r#""type":"begin""#), "{begin}");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()));
    // The handler runs in a thread of its own; the read that waits ends with stdin.
    std::thread::sleep(std::time::Duration::from_millis(200));
    drop(child.stdin.take());
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("stdout is text");
    assert_eq!(child.wait().expect("the program ends").code(), Some(130));
    assert!(rest.ends_with("}\n") && rest.contains(r#""type":"summary""#), "{rest}");
}

#[test]
fn colour_is_for_terminals_and_obeys_the_environment() {
    let place = Place::new("color").with("a.json", drops());
    let colored = |variables: &[(&str, &str)]| {
        let mut command = place.etiolog();
        command.args(["diagnose", "--as-of", AS_OF, "a.json"]).envs(variables.iter().copied());
        stdout(&command.output().expect("the program starts")).contains('\u{1b}')
    };
    assert!(!colored(&[]), "stdout is not a terminal here");
    assert!(colored(&[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[("NO_COLOR", "1")]));
    assert!(!colored(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
}

#[test]
fn text_keeps_to_the_declared_width() {
    let place = Place::new("width").with("a.json", drops());
    let output = place.etiolog().args(["diagnose", "a.json"]).env("COLUMNS", "50").output();
    let output = output.expect("the program starts");
    assert!(stdout(&output).lines().all(|line| line.chars().count() <= 50), "{}", stdout(&output));
}

#[test]
fn a_hostile_name_reaches_the_terminal_spelled_out() {
    let place = Place::new("hostile");
    let output = place.diagnose(&["no\u{1b}[31msuch\nfile"]);
    refused(&output, "no\\x1b[31msuch\\nfile");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let place = Place::new("same").with("a.json", drops()).with("b.json", connects());
    for kind in ["text", "json"] {
        let args = ["a.json", "b.json", "-o", kind];
        assert_eq!(stdout(&place.diagnose(&args)), stdout(&place.diagnose(&args)));
    }
}

#[test]
fn help_names_the_exit_codes() {
    let place = Place::new("help");
    let output = place.etiolog().args(["diagnose", "--help"]).output().expect("the program starts");
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).contains("130"), "{}", stdout(&output));
}
