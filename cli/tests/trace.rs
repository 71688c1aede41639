//! `etiolog explain --trace`: why the logs of one subject show a symptom, or what is missing.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A folder with a small pack of pumps and a log, removed at the end of the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("etiolog-trace-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(path.join("pumps/inputs")).expect("a temporary folder can be made");
        for (name, text) in [
            ("pumps/pack.yaml", PACK),
            ("pumps/trips.yaml", RULES),
            ("pumps/inputs/log.yaml", INPUT),
            ("log.jsonl", &log()),
        ] {
            fs::write(path.join(name), text).expect("a file can be written");
        }
        Self(path)
    }

    fn explain(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.0).stdin(Stdio::null()).arg("explain").args(args).args(["-r", "pumps"]);
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(variable);
        }
        command.output().expect("the program starts")
    }

    fn text(&self, args: &[&str]) -> String {
        let output = self.explain(args);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), complaint.as_str()), (Some(0), ""));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn refusal(&self, args: &[&str]) -> String {
        let output = self.explain(args);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const PACK: &str = "etiolog: 1\npack: pumps\ntitle: Pumps\nversion: '3'\n\
    subjects: [{name: plant, quiet: 2h}, {name: pump, in: plant, quiet: 12h}]\nproblem: {word: trip}\n";

const INPUT: &str = "etiolog: 1\ninput: log\ntitle: Log\nformat: json\ntime: {from: at, format: rfc3339}\n\
    fields: {plant: {from: plant}, pump: {from: pump}, word: {from: word}}\n";

const RULES: &str = "etiolog: 1
article: trips
title: Pumps that trip
events: {trip: {word: trip}, start: {word: start}}
symptoms:
  often:
    title: Trips four times within 12 hours
    per: pump
    detect: {count: {event: trip, at-least: 4, within: 12h}}
  back:
    title: Starts again within a minute
    per: pump
    detect: {sequence: [trip, start], within: 60s}
    when: sequence.chains >= 2
    unless: [twice]
  twice: {title: Trips twice, per: pump, detect: {count: {event: trip, at-least: 2, within: 2h}}}
causes:
  worn: {title: Worn, severity: warning, explains: {often: often, back: often, twice: often}}
";

fn log() -> String {
    let line = |minute: u32, second: u32, pump: &str, word: &str| {
        format!(
            "{{\"at\":\"2026-01-05T{:02}:{:02}:{second:02}Z\",\"plant\":\"north\",\"pump\":\"{pump}\",\"word\":\"{word}\"}}\n",
            minute / 60,
            minute % 60
        )
    };
    [(5, 0, "trip"), (5, 8, "start"), (65, 0, "trip"), (65, 9, "start"), (125, 0, "trip")]
        .map(|(minute, second, word)| line(minute, second, "pump-1", word))
        .concat()
        + &line(126, 0, "pump-2", "start")
}

#[test]
fn every_symptom_says_what_it_wanted_what_it_got_and_what_is_missing() {
    let place = Place::new("all");
    insta::assert_snapshot!(place.text(&["--trace", "pump=pump-1", "log.jsonl"]), @r"
    pump pump-1 of plant north

      present Trips twice trips#twice
       wanted {count: {event: trip, at-least: 2, within: 2h}}
          got 3 events seen, found; events 3, span 2h, median_gap 1h

       absent Starts again within a minute trips#back
       wanted {sequence: [trip, start], within: 60s}
          got 5 events seen, found; chains 2, span 9s, optional 2, median_span 8.5s
         when sequence.chains >= 2
          got it holds; chains 2
       unless blocked by trips#twice, which is present

       absent Trips four times within 12 hours trips#often
       wanted {count: {event: trip, at-least: 4, within: 12h}}
          got 3 events seen, not found; events 0
      missing 3 of 4 events within 12h; the next would have to come before 2026-01-05 12:05:00
    ");
}

#[test]
fn one_symptom_as_json() {
    let place = Place::new("json");
    insta::assert_snapshot!(place.text(&["trips#often", "--trace", "plant=north,pump=pump-1", "log.jsonl", "-o", "json"]), @r#"{"type":"trace","schema":"etiolog/1","id":"trips#often","title":"Trips four times within 12 hours","subject":{"plant":"north","pump":"pump-1"},"status":"absent","unseen":false,"events":3,"wanted":"{count: {event: trip, at-least: 4, within: 12h}}","found":{"status":"absent"},"measures":{"events":0},"shortfall":"3 of 4 events within 12h; the next would have to come before 2026-01-05 12:05:00"}"#);
}

#[test]
fn a_trace_at_a_time_knows_nothing_of_later_records() {
    let place = Place::new("at");
    let at = place.text(&["trips#often", "--trace", "pump-1", "--at", "2026-01-05T01:30:00Z", "log.jsonl"]);
    assert!(
        at.contains("2 of 4 events within 12h; 2 more would have to come before 2026-01-05 12:05:00"),
        "{at}"
    );
}

#[test]
fn when_the_subject_has_been_quiet_its_last_episode_is_shown() {
    let place = Place::new("ended");
    let text = place.text(&["trips#often", "--trace", "pump-1", "--complete", "log.jsonl"]);
    assert!(text.contains("As its last episode stood, which ended at 2026-01-05T14:05:00Z."), "{text}");
    assert!(text.contains("at best 3 of 4 events within 12h"), "{text}");
}

#[test]
fn a_subject_that_is_not_in_the_logs_is_an_error_that_names_those_like_it() {
    let place = Place::new("missing");
    let refusal = |args: &[&str]| place.refusal(args);
    insta::assert_snapshot!(
        [
            refusal(&["--trace", "pump=pump-l", "log.jsonl"]),
            refusal(&["--trace", "pump=valve", "log.jsonl"]),
            refusal(&["--trace", "plant=south,pump=pump-1", "log.jsonl"]),
            refusal(&["--trace", "pum=pump-1", "log.jsonl"]),
            refusal(&["--trace", "pump=", "log.jsonl"]),
            refusal(&["trips#oftn", "--trace", "pump-1", "log.jsonl"]),
            refusal(&["trips", "log.jsonl"]),
            refusal(&["nowhere.jsonl", "--trace", "pump-1"]),
        ]
        .concat(),
        @r"
    error: no event is about `pump=pump-l`; did you mean `plant=north,pump=pump-1`?
    error: no event is about `pump=valve`; there are `plant=north,pump=pump-1`, `plant=north,pump=pump-2`
    error: no event is about `plant=south,pump=pump-1`; did you mean `plant=north,pump=pump-1`?
    error: no level of subjects is called `pum`; there are: plant, pump
    error: `pump=` names no subject; write for example `plant=…,pump=…`
    error: nothing is known of `trips#oftn`; did you mean `trips#often`, `trips`? `etiolog rules` lists what is
    error: logs are read for a trace only; name its subject by `--trace`
    error: nothing is known of `nowhere.jsonl`; `etiolog rules` lists what is
    "
    );
}
