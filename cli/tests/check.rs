//! `etiolog check` as a shell sees it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

const PACK: &str =
    "etiolog: 1\npack: pumps\ntitle: Pumps\nversion: '1'\nsubjects: [{name: pump, quiet: 24h}]\n";
const RULES: &str = "etiolog: 1
article: trips
title: Pumps trip
events:
  trip: {word: trip}
symptoms:
  streak:
    title: Trips in a row
    per: pump
    detect: {count: {event: trip, at-least: 3, within: 1h}}
    when: count.events >= 4
causes:
  blocked: {title: The inlet is blocked, severity: error, explains: {streak: often}, solutions: [clean]}
solutions:
  clean: {do: Clean the inlet.}
cases:
  - name: four in a row
    given: [{every: 10m, times: 4, subject: {pump: p1}, event: trip}]
    expect: [{pump: p1, top: blocked, present: [streak]}]
  - name: three in a row
    given: [{every: 10m, times: 3, subject: {pump: p1}, event: trip}]
    expect: [{pump: p1, near: [streak]}]
";
const ARTICLE: &str = "---
article: trips
title: Pumps trip
sources: [manual]
updated: 2026-01-06
---
What it means.

## Streak {#streak}

Three trips.

## Cause: blocked {#blocked}

Clean it.
";

/// A folder `rules/pumps` with its articles in `knowledge/pumps`, removed at the end of the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("etiolog-check-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).expect("a temporary folder can be made");
        let place = Self(path);
        place.with("rules/pumps/pack.yaml", PACK);
        place.with("rules/pumps/trips.yaml", RULES);
        place.with("knowledge/pumps/trips.md", ARTICLE);
        place
    }

    fn with(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    fn check(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.0).env_remove("COLUMNS").env("NO_COLOR", "1").arg("check").args(args);
        command.output().expect("the program starts")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn said(output: &Output) -> (i32, String) {
    let text = String::from_utf8(output.stdout.clone()).expect("stdout is text");
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn a_sound_pack_is_ok() {
    let place = Place::new("sound");
    let ok = "ok: 1 article, 1 symptom, 1 cause, 1 solution\n".to_owned();
    assert_eq!(said(&place.check(&["rules/pumps"])), (0, ok));
    let (code, shipped) = said(&place.check(&[]));
    assert!(code == 0 && shipped.starts_with("ok: "), "{shipped}");
}

#[test]
fn problems_of_both_halves_end_with_1() {
    let place = Place::new("problems");
    place.with("rules/pumps/trips.yaml", &RULES.replace("events >= 4", "events < 2"));
    place.with("knowledge/pumps/trips.md", &ARTICLE.replace("{#blocked}", "{#block}"));
    let (code, text) = said(&place.check(&["rules/pumps"]));
    assert_eq!(code, 1, "{text}");
    for part in ["impossible-when", "rules/pumps/trips.yaml:11:11", "no-section", "2 problems in 1 file"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    place.with("knowledge/pumps/trips.md", &ARTICLE.replace("Clean it.", "See [there](gone.md)."));
    let (_, text) = said(&place.check(&["rules/pumps"]));
    assert!(text.contains("knowledge/pumps/trips.md:15:5"), "{text}");
}

#[test]
fn programs_read_lines() {
    let place = Place::new("lines");
    let lines = |output: &Output| -> Vec<Value> {
        let (_, text) = said(output);
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    };
    let types = |lines: &[Value]| -> Vec<String> {
        lines.iter().map(|line| line["type"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let good = lines(&place.check(&["rules/pumps", "-o", "json", "--cost"]));
    assert_eq!(types(&good), ["checked", "cost"]);
    assert_eq!((&good[0]["problems"], &good[0]["articles"]), (&0.into(), &1.into()));
    assert_eq!(good[1]["fields"][1]["classes"][0], "trips#trip");
    assert_eq!(good[1]["classes"][0]["remembered"], 3_600);
    let rules = good[1]["rules"].as_array().expect("a list");
    let bands: Vec<_> = rules.iter().map(|rule| (&rule["rule"], &rule["kind"], &rule["band"])).collect();
    let expected = [["trips#streak", "symptom", "awake"], ["trips#trip", "class", "by-value"]];
    let expected = expected.map(|row| row.map(Value::from));
    assert!(bands.iter().zip(&expected).all(|(row, [a, b, c])| *row == (a, b, c)), "{rules:?}");
    assert!(rules[0]["bytes"].as_u64().is_some_and(|bytes| bytes > 0) && rules.len() == 2);
    place.with("rules/pumps/trips.yaml", &RULES.replace("trip, at", "tripp, at"));
    let output = place.check(&["rules/pumps", "-o", "json", "--cost"]);
    assert_eq!(output.status.code(), Some(1));
    let bad = lines(&output);
    assert_eq!(types(&bad), ["problem", "checked"], "what cannot be loaded has no cost");
    assert_eq!(bad[0]["code"], "unknown-class");
}

#[test]
fn what_is_not_there_is_an_error_and_never_silence() {
    let place = Place::new("missing");
    for arg in ["rules/valves", "rules"] {
        let output = place.check(&[arg]);
        assert_eq!(said(&output), (2, String::new()), "{arg}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn the_cost_says_what_is_extracted_remembered_and_interpreted() {
    let place = Place::new("cost");
    let (code, text) = said(&place.check(&["rules/pumps", "--cost"]));
    assert_eq!(code, 0);
    for part in [
        "ok: 1 article, 1 symptom, 1 cause, 1 solution\n\nfields: ",
        "\n  pump  a level of subjects\n  word  for trips#trip\n",
        "\n  trips#trip  seen by 1 symptom, remembered for 1h at most\n",
        "\n  trips#streak  is told of each of its events, because its detector has to see them as they come;",
        " bytes per pump; its `when` is asked when a subject is judged; asks about",
        "\n  trips#trip    found by the values of `word`; asked for by trips#streak\n",
        "\n  trips#streak  on what was measured, when a subject is judged: count.events >= 4 (reads",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
}

#[test]
fn a_site_sets_facts_of_the_tables_and_is_told_what_it_cannot_set() {
    let place = Place::new("facts");
    place.with(
        "rules/pumps/tables/usual.yaml",
        "etiolog: 1\ntable: usual\ntitle: What is usual\nfacts:\n  trips: {is: 4, title: So many trips are a streak, sources: ours}\n",
    );
    place.with("rules/pumps/trips.yaml", &RULES.replace("count.events >= 4", "count.events >= $usual.trips"));
    place.with("site.yaml", "usual: {trips: 5}\n");
    place.with("wrong.yaml", "usual:\n  trips: {five: 5}\n");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        let output = command.current_dir(&place.0).args(arguments).output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let shipped = run(&["test", "rules/pumps"]);
    assert!(shipped.1.contains("2 passed, 0 failed"), "{shipped:?}");
    let set = run(&["test", "rules/pumps", "--settings", "site.yaml"]);
    assert!(set.1.contains("1 passed, 1 failed"), "four in a row are no streak there: {set:?}");
    let set = run(&["rules", "-r", "rules/pumps", "--settings", "site.yaml", "--set", "usual.trips=6"]);
    assert!(set.1.contains("usual.trips 6 (set; the table says 4)"), "{set:?}");
    let told = run(&["explain", "-r", "rules/pumps", "usual.trips"]);
    assert!(told.0 == Some(0) && told.1.contains("So many trips are a streak"), "{told:?}");
    for (arguments, why) in [
        (["--set", "usual.trip=5"], "did you mean `usual.trips`?"),
        (["--set", "usual.trips=5m"], "it can be set to a number, not to `5m`"),
        (["--set", "usual.trips"], "--set needs TABLE.FACT=VALUE"),
        (["--settings", "wrong.yaml"], "wrong.yaml:2:"),
        (["--settings", "none.yaml"], "cannot be read"),
    ] {
        let refused = run(&[&["rules", "-r", "rules/pumps"][..], &arguments[..]].concat());
        assert_eq!(refused.0, Some(2), "{arguments:?}");
        assert!(refused.2.contains(why), "{arguments:?}: {}", refused.2);
    }
}
