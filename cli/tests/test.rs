//! `etiolog test` as a shell sees it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const PACK: &str =
    "{etiolog: 1, pack: pumps, title: Pumps, version: '1', subjects: [{name: pump, quiet: 24h}]}";
const RULES: &str = "etiolog: 1
article: stops
title: Stops
events:
  stop: {word: stop}
  start: {word: start}
symptoms:
  three-stops:
    title: Three stops
    per: pump
    detect: {count: {event: stop, at-least: 3, within: 12h}}
  back:
    title: Started again
    per: pump
    detect: {sequence: [stop, start], within: 1m}
causes:
  worn:
    title: Worn
    explains: {three-stops: almost-always, back: often}
    severity: error
";
const GOOD: &str = "cases:
  - name: three stops
    given: [{every: 1h, times: 3, event: stop, then: {after: 5s, event: start}}]
    expect: [{pump: pump-1, top: worn, present: [three-stops, back]}]
  - name: two stops & <one> \"start\"
    given: [{every: 1h, times: 2, event: stop}, {at: 30m, event: start}]
    expect: [{pump: pump-1, near: [three-stops, back]}]
";
const BAD: &str = "cases:
  - name: three stops
    given: [{every: 1h, times: 2, event: stop}]
    expect: [{pump: pump-1, top: worn, at-least: 90%, present: [three-stops]}]
  - name: two stops & <one> \"start\"
    given: [{event: start}]
    expect-exactly: []
";

/// A folder with a pack, removed at the end of the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, cases: &str) -> Self {
        let path = std::env::temp_dir().join(format!("etiolog-test-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(path.join("pumps")).expect("a temporary folder can be made");
        fs::write(path.join("pumps/pack.yaml"), PACK).expect("a file can be written");
        fs::write(path.join("pumps/stops.yaml"), format!("{RULES}{cases}")).expect("a file can be written");
        Self(path)
    }

    /// What is written to stdout and stderr, and the exit code.
    fn test(&self, args: &[&str]) -> (String, String, Option<i32>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.0).stdin(Stdio::null());
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(variable);
        }
        let output = command.arg("test").args(args).output().expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (text(output.stdout), text(output.stderr), output.status.code())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Whether each tag is closed in its turn and nothing else is a tag.
fn is_well_formed(xml: &str) -> bool {
    let mut open = Vec::new();
    let Some(mut rest) = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") else {
        return false;
    };
    while let Some((text, tag)) = rest.split_once('<') {
        let Some((tag, tail)) = tag.split_once('>') else { return false };
        rest = tail;
        let plain = |text: &str| {
            text.split('&')
                .skip(1)
                .all(|part| ["amp;", "lt;", "gt;", "quot;", "apos;"].iter().any(|e| part.starts_with(e)))
        };
        if !plain(text) || !plain(tag) || text.contains('>') || tag.matches('"').count() % 2 == 1 {
            return false;
        }
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap_or_default();
        match tag {
            _ if tag.starts_with('/') => {
                if open.pop() != Some(name) {
                    return false;
                }
            }
            _ if tag.ends_with('/') => {}
            _ => open.push(name),
        }
    }
    open.is_empty() && rest.trim().is_empty()
}

#[test]
fn cases_that_pass_are_listed_and_the_coverage_is_told() {
    let place = Place::new("good", GOOD);
    let (out, err, code) = place.test(&["pumps"]);
    insta::assert_snapshot!("passing", out);
    assert_eq!((err.as_str(), code), ("", Some(0)));
}

#[test]
fn a_case_that_fails_is_explained() {
    let place = Place::new("bad", BAD);
    let (out, err, code) = place.test(&["pumps"]);
    insta::assert_snapshot!("failing", out);
    assert_eq!((err.as_str(), code), ("", Some(1)));
}

#[test]
fn results_are_lines_of_json_for_programs() {
    let place = Place::new("json", BAD);
    let (out, err, code) = place.test(&["pumps", "-o", "json"]);
    let lines: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
    assert_eq!(kinds[..2], ["case", "case"]);
    assert_eq!(kinds.last(), Some(&"summary"));
    assert_eq!(lines[0]["failures"][0]["subject"]["pump"], "pump-1");
    let summary = lines.last().expect("there is a summary");
    assert_eq!((&summary["passed"], &summary["failed"]), (&1.into(), &1.into()));
    assert_eq!((err.as_str(), code), ("", Some(1)));
}

#[test]
fn junit_is_well_formed_and_the_same_each_time() {
    let place = Place::new("junit", BAD);
    let xml = || {
        let (_, err, code) = place.test(&["pumps", "--junit", "out.xml"]);
        assert_eq!((err.as_str(), code), ("", Some(1)));
        fs::read_to_string(place.0.join("out.xml")).expect("it was written")
    };
    let first = xml();
    assert!(is_well_formed(&first), "{first}");
    assert!(!is_well_formed(&first.replace("</testsuite>", "")));
    assert_eq!(first, xml());
    insta::assert_snapshot!("junit", first);
}

#[test]
fn too_little_coverage_is_a_failure_unless_less_is_asked_for() {
    let place = Place::new("threshold", "cases: [{name: a, given: [{event: start}], expect-exactly: []}]\n");
    assert_eq!(place.test(&["pumps"]).2, Some(1));
    assert_eq!(place.test(&["pumps", "--threshold", "20"]).2, Some(0));
    assert_eq!(
        place.test(&["pumps", "--run", "stops: A"]).2,
        Some(0),
        "a part of the cases is not judged by it"
    );
    assert_eq!(place.test(&["pumps", "--run", "a", "--threshold", "90"]).2, Some(1));
    assert_eq!(place.test(&["pumps", "--threshold", "101"]).2, Some(2));
}

#[test]
fn nothing_tested_is_a_failure() {
    let place = Place::new("nothing", GOOD);
    let (_, err, code) = place.test(&["pumps", "--run", "four"]);
    assert_eq!((err.as_str(), code), ("error: no case has `four` in its article or name\n", Some(1)));
    let place = Place::new("none", "");
    let (_, err, code) = place.test(&["pumps"]);
    assert_eq!(
        (err.as_str(), code),
        ("error: the pack `pumps` has no cases: nothing of it was tested\n", Some(1))
    );
    assert_eq!(place.test(&["no-such-pack"]).2, Some(2));
    let place = Place::new("faulty", "cases: [{name: a, given: [{event: stpo}], expect-exactly: []}]\n");
    let (out, err, code) = place.test(&["pumps"]);
    assert!(err.contains("did you mean `stop`?") && out.is_empty(), "{err}");
    assert_eq!(code, Some(2));
}
