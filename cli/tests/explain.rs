//! What is known of an id, and what the rules know altogether.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a small pack of pumps, removed at the end of the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("etiolog-explain-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(path.join("pumps")).expect("a temporary folder can be made");
        let place = Self(path);
        for (name, text) in [
            ("pack.yaml", PACK),
            ("70xx.yaml", RULES),
            ("heat.yaml", HEAT),
            ("70xx.md", PAGE),
            ("belt.md", BELT),
        ] {
            place.put(name, text);
        }
        place
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.join("pumps").join(name), text).expect("a file can be written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.0).stdin(Stdio::null()).args(args);
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(variable);
        }
        command
    }

    /// Asks the pack of pumps.
    fn pumps(&self, args: &[&str]) -> Output {
        self.command(args).args(["-r", "pumps"]).output().expect("the program starts")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const PACK: &str =
    "etiolog: 1\npack: pumps\ntitle: Pumps\nversion: '3'\nsubjects: [{name: pump, quiet: 1d}]\n";

const RULES: &str = "etiolog: 1
article: 70xx
title: The pump stops
aliases: [Stopped]
events: {stop: {code: 70xx}}
symptoms:
  stops:
    title: Three stops within a day
    per: pump
    detect: {count: {event: stop, at-least: 3, within: 1d}}
    when: count.events >= 3
  one-stop:
    title: A single stop
    per: pump
    detect: {occurrence: {event: stop}}
    unless: [stops]
causes:
  worn-belt:
    title: The belt is worn
    prior: common
    severity: error
    explains: {stops: almost-always, one-stop: 0.005}
    solutions: [replace, no-grease, rest]
  hot: {same-as: heat#overheated}
solutions:
  replace: {do: Replace the belt, link: 'https://e.example/belt'}
  no-grease: {avoid: Greasing the belt.}
  rest: {nothing: Belts squeak when they are new.}
";

const HEAT: &str = "etiolog: 1
article: heat
title: Motors get hot
causes:
  overheated: {title: The motor is too hot, severity: warning, explains: {70xx#stops: sometimes}}
";

const PAGE: &str = "---
article: 70xx
title: A pump that stops
aliases: [PumpStopped]
sources: [The manual]
updated: 2026-01-06
---
It stops. Read [about belts](belt.md).

## The belt is worn {#worn-belt}

1. Look at *it*.
2. See [the noise](#noise).

## Noise

```
rattle   rattle
```
";

const BELT: &str =
    "---\narticle: belt\ntitle: Belts\nsources: [The manual]\nupdated: 2026-01-06\n---\nBelts wear.\n";

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is text")
}

#[track_caller]
fn shown(output: &Output) -> String {
    assert_eq!((code(output), stderr(output)), (0, String::new()));
    String::from_utf8(output.stdout.clone()).expect("stdout is text")
}

#[track_caller]
fn refused(output: &Output, says: &str) {
    assert_eq!(code(output), 2, "{}", stderr(output));
    assert!(stderr(output).contains(says), "{}", stderr(output));
    assert!(output.stdout.is_empty(), "nothing is written before the refusal");
}

#[test]
fn an_article_is_shown_with_what_the_rules_make_of_it() {
    let place = Place::new("article");
    insta::assert_snapshot!(shown(&place.pumps(&["explain", "70xx"])), @"
    70xx A pump that stops
    also PumpStopped, Stopped

      It stops. Read about belts <belt>.

    The belt is worn <70xx#worn-belt>
      1. Look at it.
      2. See the noise <70xx#noise>.

    Noise <70xx#noise>
        rattle   rattle

    Sources (2026-01-06)
      - The manual

    In the rules
     symptoms 70xx#one-stop A single stop
              70xx#stops Three stops within a day
       causes 70xx#worn-belt The belt is worn
              70xx#hot same as heat#overheated
    solutions 70xx#no-grease avoid: Greasing the belt.
              70xx#replace Replace the belt
              70xx#rest No action needed: Belts squeak when they are new.
    ");
}

#[test]
fn an_article_answers_to_all_its_names() {
    let place = Place::new("names");
    let whole = shown(&place.pumps(&["explain", "70xx"]));
    for name in ["70XX", "7012", "stopped", "PUMPSTOPPED"] {
        assert_eq!(shown(&place.pumps(&["explain", name])), whole, "{name}");
    }
}

#[test]
fn one_half_of_an_article_is_enough() {
    let place = Place::new("half");
    insta::assert_snapshot!(shown(&place.pumps(&["explain", "heat"])), @"
    heat Motors get hot

    In the rules
       causes heat#overheated The motor is too hot
    ");
    insta::assert_snapshot!(shown(&place.pumps(&["explain", "belt"])), @"
    belt Belts

      Belts wear.

    Sources (2026-01-06)
      - The manual

    No rule reads this article: it is here for people only.
    ");
}

#[test]
fn a_symptom_says_what_explains_it() {
    let place = Place::new("symptom");
    insta::assert_snapshot!(shown(&place.pumps(&["explain", "70xx#stops"])), @"
      symptom Three stops within a day 70xx#stops
          per pump, found by the detector `count`
         when count.events >= 3
    by chance 0.2 % without any of the causes
       causes almost always (95 %): The belt is worn 70xx#worn-belt
              sometimes (30 %): The motor is too hot heat#overheated
    ");
    insta::assert_snapshot!(shown(&place.pumps(&["explain", "7001#One-Stop"])), @"
      symptom A single stop 70xx#one-stop
          per pump, found by the detector `occurrence`
       unless Three stops within a day 70xx#stops
    by chance 0.2 % without any of the causes
       causes very rarely (0.5 %): The belt is worn 70xx#worn-belt
    ");
}

#[test]
fn a_cause_says_what_it_explains_and_what_to_do() {
    let place = Place::new("cause");
    insta::assert_snapshot!(shown(&place.pumps(&["explain", "70xx#worn-belt"])), @"
        error The belt is worn 70xx#worn-belt
        prior common, 25 % before anything is known
     explains almost always (95 %): Three stops within a day 70xx#stops
              very rarely (0.5 %): A single stop 70xx#one-stop
           do Replace the belt <https://e.example/belt> 70xx#replace
        avoid Greasing the belt. 70xx#no-grease
           do No action needed: Belts squeak when they are new. 70xx#rest

    The belt is worn <70xx#worn-belt>
      1. Look at it.
      2. See the noise <70xx#noise>.
    ");
}

#[test]
fn what_is_the_same_as_another_leads_there() {
    let place = Place::new("same");
    insta::assert_snapshot!(shown(&place.pumps(&["explain", "70xx#hot"])), @"
    70xx#hot is the same as heat#overheated

      warning The motor is too hot heat#overheated
        prior 10 % before anything is known
     explains sometimes (30 %): Three stops within a day 70xx#stops
    ");
}

#[test]
fn a_solution_says_which_causes_name_it() {
    let place = Place::new("solution");
    insta::assert_snapshot!(shown(&place.pumps(&["explain", "70xx#no-grease"])), @"
     avoid Greasing the belt. 70xx#no-grease
    causes The belt is worn 70xx#worn-belt
    ");
}

#[test]
fn a_section_can_be_read_alone() {
    let place = Place::new("section");
    insta::assert_snapshot!(shown(&place.pumps(&["explain", "70xx#noise"])), @"
    Noise <70xx#noise>
        rattle   rattle
    ");
}

#[test]
fn an_unknown_id_is_refused_with_the_nearest_ones() {
    let place = Place::new("unknown");
    for (id, says) in [
        ("70xx#stop", "did you mean `70xx#stops`, `70xx`? `etiolog rules`"),
        ("worn-belt", "did you mean `70xx#worn-belt`"),
        ("heat#worn-belt", "did you mean `70xx#worn-belt`, `heat`?"),
        ("haet", "did you mean `heat`?"),
        ("squeaking wear", "did you mean `belt`?"),
        ("nonsense", "nothing is known of `nonsense`; `etiolog rules`"),
        ("", "nothing is known of ``"),
        ("#", "nothing is known of `#`"),
        ("70xx#", "nothing is known of `70xx#`"),
        ("a\u{1b}[31m", "a\\x1b[31m"),
    ] {
        refused(&place.pumps(&["explain", id]), says);
    }
}

#[test]
fn faulty_articles_and_rules_are_refused_with_their_place() {
    let place = Place::new("faulty");
    place.put("bad.md", "no front matter");
    for args in [&["explain", "70xx"][..], &["rules"]] {
        refused(&place.pumps(args), "bad.md:1:1");
    }
    refused(
        &place.command(&["rules", "-r", "nowhere"]).output().expect("the program starts"),
        "no rules at `nowhere`",
    );
}

#[test]
fn the_rules_of_a_pack_are_listed() {
    let place = Place::new("rules");
    insta::assert_snapshot!(shown(&place.pumps(&["rules"])), @"
    pumps 3 Pumps

      70xx The pump stops
        symptoms   one-stop (per pump, occurrence), stops (per pump, count)
        causes     worn-belt (error), hot = heat#overheated
        solutions  3

      heat Motors get hot
        causes     overheated (warning)
        solutions  0

      belt Belts
        an article without rules
    ");
}

#[test]
fn programs_get_one_object_for_each_rule() {
    let place = Place::new("json");
    let lines = shown(&place.pumps(&["rules", "-o", "json"]));
    let objects: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let ids: Vec<String> = objects
        .iter()
        .map(|object| format!("{} {}", object["kind"], object["id"]).replace('"', ""))
        .collect();
    let expected = [
        "symptom 70xx#one-stop",
        "symptom 70xx#stops",
        "cause 70xx#worn-belt",
        "solution 70xx#no-grease",
        "solution 70xx#replace",
        "solution 70xx#rest",
        "cause 70xx#hot",
        "cause heat#overheated",
    ];
    assert_eq!(ids, expected);
    for object in &objects {
        assert_eq!((&object["type"], &object["schema"]), (&"rule".into(), &"etiolog/1".into()));
        assert!(object["title"].is_string() && object["article"].is_string() && object["pack"] == "pumps");
    }
    insta::assert_snapshot!(lines.lines().nth(2).unwrap_or_default(), @r#"{"type":"rule","schema":"etiolog/1","id":"70xx#worn-belt","kind":"cause","pack":"pumps","article":"70xx","title":"The belt is worn","severity":"error","prior":0.25,"explains":[{"symptom":"70xx#one-stop","strength":0.005,"word":"very-rarely"},{"symptom":"70xx#stops","strength":0.95,"word":"almost-always"}],"solutions":["70xx#replace","70xx#no-grease","70xx#rest"]}"#);
    assert_eq!(objects[6]["same_as"], "heat#overheated");
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let place = Place::new("pipe");
    for args in [&["explain", "70xx"][..], &["rules"], &["rules", "-o", "json"]] {
        let (reader, writer) = io::pipe().expect("a pipe can be made");
        drop(reader);
        let output = place
            .command(args)
            .args(["-r", "pumps"])
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .expect("the program starts");
        assert_eq!((code(&output), stderr(&output)), (0, String::new()), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_refused() {
    let place = Place::new("full");
    for args in [&["explain", "70xx"][..], &["rules"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("linux has it");
        let output = place
            .command(args)
            .args(["-r", "pumps"])
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .expect("the program starts");
        refused(&output, "cannot write the output");
    }
}

#[test]
fn text_keeps_to_the_declared_width_and_has_no_colour_in_a_file() {
    let place = Place::new("width");
    for args in [&["explain", "70xx"][..], &["explain", "70xx#worn-belt"], &["rules"]] {
        let output = place.command(args).args(["-r", "pumps"]).env("COLUMNS", "40").output();
        let text = shown(&output.expect("the program starts"));
        assert!(text.lines().all(|line| line.chars().count() <= 40 && !line.ends_with(' ')), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    let output = place.command(&["explain", "70xx", "-r", "pumps"]).env("CLICOLOR_FORCE", "1").output();
    assert!(shown(&output.expect("the program starts")).contains("\u{1b}[1m"));
}

/// Asks the shipped packs.
fn shipped(args: &[&str]) -> Output {
    Place::new(&args.join("-").replace('#', "-")).command(args).output().expect("the program starts")
}

#[test]
fn the_shipped_articles_explain_themselves() {
    for (name, title) in [
        ("404104", "404104 Device connection closed remotely"),
        ("DeviceConnectionClosedRemotely", "404104 Device connection closed remotely"),
        ("401003", "401003 IoT Hub refused the device's credentials"),
        ("500001", "500xxx Internal errors of the hub"),
        ("503003", "500xxx Internal errors of the hub"),
        ("403002", "403002 The daily quota of messages is used up"),
        ("IotHubQuotaExceeded", "403002 The daily quota of messages is used up"),
    ] {
        let text = shown(&shipped(&["explain", name]));
        assert_eq!(text.lines().next(), Some(title), "{name}");
        assert!(text.contains("In one minute") && text.contains("In the rules"), "{text}");
    }
}

#[test]
fn a_code_without_a_rule_is_explained_by_its_family() {
    for name in ["403010", "OperationNotAvailableInCurrentTier"] {
        let text = shown(&shipped(&["explain", name]));
        assert_eq!(text.lines().next(), Some("403xxx Forbidden by a limit, a tier or a switch"), "{name}");
        assert!(text.contains("No rule reads this article"), "{text}");
    }
}

#[test]
fn the_shipped_parts_explain_themselves() {
    let symptom = shown(&shipped(&["explain", "404104#regular-drops"]));
    assert!(symptom.contains("device, found by the detector `periodic`"), "{symptom}");
    let strongest = symptom.find("401003#sas-token-expired");
    assert!(strongest.is_some() && strongest < symptom.find("404104#network-or-crash"), "{symptom}");
    assert!(symptom.contains("Devices disconnect at a regular interval <404104#regular-drops>"), "{symptom}");

    let cause = shown(&shipped(&["explain", "401003#sas-token-expired"]));
    assert!(cause.starts_with("   benign The SAS token expired and was renewed"), "{cause}");
    assert!(cause.contains("do No action"), "{cause}");
    assert!(cause.contains("On MQTT a token cannot be exchanged"), "{cause}");

    let same = shown(&shipped(&["explain", "404104#sas-token-expired"]));
    assert!(same.starts_with("404104#sas-token-expired is the same as 401003#sas-token-expired\n"), "{same}");

    let solution = shown(&shipped(&["explain", "404104#keep-the-keep-alive"]));
    assert!(solution.starts_with("    avoid Raising the keep-alive"), "{solution}");
    assert!(solution.contains("404104#network-or-crash"), "{solution}");

    refused(&shipped(&["explain", "4041044"]), "did you mean `404104`?");
}

#[test]
fn every_rule_that_is_listed_explains_itself() {
    let lines = shown(&shipped(&["rules", "-o", "json"]));
    assert!(lines.lines().count() >= 20, "{lines}");
    for line in lines.lines() {
        let rule: Value = serde_json::from_str(line).expect("each line is JSON");
        let id = rule["id"].as_str().expect("an id");
        let text = shown(&shipped(&["explain", id]));
        assert!(text.lines().take(4).any(|line| line.contains(id)), "{id}: {text}");
    }
}
