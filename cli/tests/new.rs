//! What `etiolog new` writes can be loaded as it is, and never takes the place of anything.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder removed at the end of the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("etiolog-new-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn with(self, name: &str, text: &str) -> Self {
        fs::write(self.0.join(name), text).unwrap();
        self
    }

    fn etiolog(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.0).env("NO_COLOR", "1").args(args).output().unwrap()
    }

    fn run(&self, args: &[&str]) -> String {
        let output = self.etiolog(args);
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{args:?}\n{out}{err}");
        out
    }

    fn refused(&self, args: &[&str], says: &str) {
        let output = self.etiolog(args);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(err.contains(says), "{err}");
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    /// All files of a folder but the date, with their texts.
    fn all(&self, folder: &str) -> Vec<(String, String)> {
        let mut files = Vec::new();
        let mut folders = vec![self.0.join(folder)];
        while let Some(here) = folders.pop() {
            for entry in fs::read_dir(here).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&self.0).unwrap().display().to_string();
                    files.push((name, fs::read_to_string(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Presses that jam, as a factory logs them: nothing of it is in the shipped packs.
fn presses() -> String {
    let mut log = String::new();
    for n in 0..240_u64 {
        let at = 1_772_582_400_000 + n * 20_000;
        let press = n % 7;
        let (severity, what, fault) = match n % 12 {
            0 => ("ERROR", "stroke-failed", r#","fault":{"nr":17}"#),
            5 => ("ERROR", "stroke-failed", r#","fault":{"nr":23}"#),
            _ => ("INFO", "stroke", ""),
        };
        writeln!(
            log,
            r#"{{"ts":{at},"severity":"{severity}","event":"{what}","pressId":"press-{press}","bar":{}.5,"trace":"t{n}"{fault}}}"#,
            n % 90
        )
        .unwrap();
    }
    log
}

fn broker() -> String {
    let mut log = String::new();
    for n in 0..60_u64 {
        let (at, client) =
            (1_772_582_400 + n * 30, ["alpha", "beta", "gamma", "delta"][usize::try_from(n % 4).unwrap()]);
        writeln!(log, "{at}: New connection from 10.0.0.{n}:50{n:02} on port 1883.").unwrap();
        writeln!(log, "{}: New client connected from 10.0.0.{n}:50{n:02} as {client} (p2, c1, k60).", at + 1)
            .unwrap();
        if n % 3 == 0 {
            writeln!(log, "{}: Client {client} has exceeded timeout, disconnecting.", at + 9).unwrap();
        }
    }
    log
}

#[test]
fn an_empty_pack_loads_and_says_what_is_next() {
    let place = Place::new("empty");
    let said = place.run(&["new", "pack", "pumps"]);
    for file in ["pumps/pack.yaml", "pumps/inputs/log.yaml", "pumps/example.yaml", "pumps/example.md"] {
        assert!(said.contains(&format!("wrote {file}\n")), "{said}");
    }
    assert!(said.contains("\nnext: "), "{said}");
    let listed = place.run(&["rules", "-r", "pumps"]);
    assert!(listed.contains("often-failure"), "{listed}");
    assert!(place.run(&["explain", "example#often-failure", "-r", "pumps"]).contains("FILL IN"));
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::new("there");
    place.run(&["new", "pack", "pumps"]);
    let before = place.all("pumps");
    place.refused(&["new", "pack", "pumps"], "exists already; nothing was written");
    place.refused(&["new", "article", "example", "--in", "pumps"], "exists already; nothing was written");
    place.refused(
        &["new", "symptom", "example#often-failure", "--in", "pumps"],
        "exists already; nothing was written",
    );
    fs::remove_file(place.0.join("pumps/pack.yaml")).unwrap();
    place.refused(&["new", "pack", "pumps"], "exists already; nothing was written");
    assert!(!place.0.join("pumps/pack.yaml").exists(), "all files or none");
    let rest = before.into_iter().filter(|(name, _)| name != "pumps/pack.yaml");
    assert_eq!(place.all("pumps"), rest.collect::<Vec<_>>());
}

#[test]
fn what_is_no_name_is_refused() {
    let place = Place::new("names");
    for (args, says) in [
        (&["new", "pack", "a b"][..], "cannot name a pack"),
        (&["new", "pack", ".."], "cannot name a pack"),
        (&["new", "article", "../x"], "cannot name an article"),
        (&["new", "article", "x"], "pack.yaml"),
        (&["new", "symptom", "x"], "ARTICLE#SYMPTOM"),
        (&["new", "pack", "p", "--from", "nowhere.log"], "nowhere.log"),
    ] {
        place.refused(args, says);
    }
    assert!(place.all("").is_empty());
    let place = place.with("prose.txt", "Not a log.\nOnly words.\n");
    place.refused(&["new", "pack", "p", "--from", "prose.txt"], "neither JSON nor lines");
}

#[test]
fn a_pack_is_proposed_from_a_log_of_json_lines() {
    let place = Place::new("json").with("presses.jsonl", &presses());
    let said = place.run(&["new", "pack", "presses", "--from", "presses.jsonl"]);
    insta::assert_snapshot!(said, @"
    wrote presses/pack.yaml
    wrote presses/inputs/log.yaml
    wrote presses/17.yaml
    wrote presses/17.md
    looked at 240 records: time in `ts` (epoch-millis), press in `pressId`, problems are {severity: ERROR}
    events: code-17 (20), code-23 (20)
    next: etiolog check presses
    next: etiolog test presses
    next: etiolog diagnose -r presses presses.jsonl
    ");
    insta::assert_snapshot!(place.text("presses/inputs/log.yaml"), @"
    # What a record of the log means. `from` is a path; the first part of it stands outermost.
    etiolog: 1
    input: log
    title: 'Log such as presses.jsonl'
    format: json
    recognise: ['ts', 'pressId']

    time: {from: 'ts', format: 'epoch-millis'}

    fields:
      press: {from: 'pressId'}
      event: {from: 'event'}
      nr: {from: 'fault.nr', as: code}
      severity: {from: 'severity'}

    require: [press]
    ");
    insta::assert_snapshot!(place.text("presses/17.yaml"), @"
    etiolog: 1
    article: 17
    title: 'FILL IN: what 17 is about'

    events:
      code-17: {severity: ERROR, nr: 17}
      # Seen too; a class that no symptom uses is a problem, so these wait for one:
      # code-23: {severity: ERROR, nr: 23}   # 20 times

    symptoms:
      often-code-17:
        title: 3 times or more within 1h
        per: press
        detect: {count: {event: code-17, at-least: 3, within: 1h}}

    causes:
      why-often-code-17:
        title: 'FILL IN: what makes often-code-17 happen'
        explains: {often-code-17: usually}
        severity: warning
        solutions: [after-often-code-17]

    solutions:
      after-often-code-17: {do: 'FILL IN: what helps against often-code-17, the cheapest step first'}

    cases:
      - name: often-code-17 is shown
        given: [{every: 12m, times: 3, subject: {press: press-1}, event: code-17}]
        expect: [{press: press-1, top: why-often-code-17, present: [often-code-17]}]
      - name: often-code-17 is not shown when they are far apart
        start: 2026-03-04T00:00:20Z
        given:
          - {every: 2h, times: 3, subject: {press: press-1}, event: code-17}
          # Raw records, as the log has them: what does not count.
          - records: |2
              {\"ts\":1772582420000,\"severity\":\"INFO\",\"event\":\"stroke\",\"pressId\":\"press-1\",\"bar\":1.5,\"trace\":\"t1\"}
              {\"ts\":1772582500000,\"severity\":\"ERROR\",\"event\":\"stroke-failed\",\"pressId\":\"press-5\",\"bar\":5.5,\"trace\":\"t5\",\"fault\":{\"nr\":23}}
        expect-none: [often-code-17]
    ");
    assert!(place.text("presses/pack.yaml").contains("problem: {severity: ERROR}\n"));
    let found = place.run(&["diagnose", "-r", "presses", "presses.jsonl", "--as-of", "2026-03-05T00:00:00Z"]);
    assert!(found.contains("press"), "{found}");
    assert!(!found.contains("No diagnosis"), "{found}");
}

#[test]
fn envelopes_and_arrays_are_looked_into() {
    let records: Vec<String> = presses().lines().map(str::to_owned).collect();
    let place = Place::new("envelope")
        .with("envelope.json", &format!("{{\"entries\": [\n{}\n]}}", records.join(",\n")))
        .with("array.json", &format!("[\n{}\n]", records.join(",\n")));
    for log in ["envelope", "array"] {
        let file = format!("{log}.json");
        place.run(&["new", "pack", log, "--from", &file]);
        let listed =
            place.run(&["diagnose", "-r", log, &file, "-o", "json", "--as-of", "2026-03-05T00:00:00Z"]);
        assert!(listed.contains(r#""decoded":"#) && listed.contains(r#""type":"diagnosis""#), "{listed}");
    }
    assert!(place.text("envelope/inputs/log.yaml").contains("\nenvelope: ['entries']\n"));
}

#[test]
fn a_pack_is_proposed_from_a_sample() {
    let place = Place::new("sample");
    let sample = root().join("samples/java-609.jsonl");
    let sample = sample.to_str().unwrap();
    place.run(&["new", "pack", "mine", "--from", sample]);
    let input = place.text("mine/inputs/log.yaml");
    assert!(input.contains("\n  device: {from: 'properties.deviceId'}\n"), "{input}");
    assert!(input.contains("\n  result_type: {from: 'resultType', as: code}\n"), "{input}");
    assert!(place.text("mine/404104.yaml").contains("  code-404104: {level: Error, result_type: 404104}\n"));
    let found = place.run(&["diagnose", "-r", "mine", sample, "--as-of", "2019-12-01T00:00:00Z"]);
    assert!(found.contains("meter-0609"), "{found}");
}

#[test]
fn templates_are_proposed_from_a_log_of_text() {
    let place = Place::new("text").with("broker.log", &broker());
    let said = place.run(&["new", "pack", "broker", "--from", "broker.log"]);
    insta::assert_snapshot!(said, @"
    wrote broker/pack.yaml
    wrote broker/inputs/log.yaml
    wrote broker/client-has-exceeded-timeout.yaml
    wrote broker/client-has-exceeded-timeout.md
    looked at 140 records: time in `time` (epoch-seconds), client in `client`, problems are {word: client-has-exceeded-timeout}
    events: client-has-exceeded-timeout (20)
    next: etiolog check broker
    next: etiolog test broker
    next: etiolog diagnose -r broker broker.log
    ");
    insta::assert_snapshot!(place.text("broker/inputs/log.yaml"), @"
    # What a record of the log means. `from` is a path; the first part of it stands outermost.
    etiolog: 1
    input: log
    title: 'Log such as broker.log'
    format: text
    head: '{time}: {message}'
    # The first template that fits counts; {} takes what does not matter. Give the captures better names.
    lines:
      # 20 times
      - {template: 'Client {client} has exceeded timeout, disconnecting.', word: client-has-exceeded-timeout}
      # 60 times
      - {template: 'New client connected from {from_what} as {as_what} ({value}, {value_2}, {value_3}).', word: new-client-connected-from}
      # 60 times
      - {template: 'New connection from {from_what} on port {port}.', word: new-connection-from-on}

    time: {from: 'time', format: 'epoch-seconds'}

    fields:
      client: {from: 'client'}
      as_what: {from: 'as_what'}
      port: {from: 'port', as: code}
      value: {from: 'value'}
      value_2: {from: 'value_2'}
      value_3: {from: 'value_3'}
      word: {from: 'word'}
      message: {from: 'message'}
    ");
    let found = place.run(&["diagnose", "-r", "broker", "broker.log", "--as-of", "2026-03-05T00:00:00Z"]);
    assert!(found.contains("client"), "{found}");
}

#[test]
fn the_same_log_gives_the_same_files() {
    let place = Place::new("same").with("presses.jsonl", &presses()).with("broker.log", &broker());
    for log in ["presses.jsonl", "broker.log"] {
        let made = |name: &str| {
            place.run(&["new", "pack", name, "--from", log]);
            place.all(name).into_iter().map(|(_, text)| text.replace(name, "")).collect::<Vec<_>>()
        };
        assert_eq!(made("pack-one"), made("pack-two"));
        fs::remove_dir_all(place.0.join("pack-one")).unwrap();
        fs::remove_dir_all(place.0.join("pack-two")).unwrap();
    }
}

#[test]
fn an_article_and_a_symptom_join_a_pack() {
    let place = Place::new("join").with("presses.jsonl", &presses());
    place.run(&["new", "pack", "presses", "--from", "presses.jsonl"]);
    place.run(&["new", "article", "jams", "--in", "presses", "--from", "presses.jsonl"]);
    let before = place.text("presses/jams.yaml");
    assert!(before.contains("nr: 17"), "{before}");
    let said = place.run(&["new", "symptom", "jams#slow-strokes", "--in", "presses"]);
    assert!(said.contains("added jams#slow-strokes to presses/jams.yaml"), "{said}");
    let after = place.text("presses/jams.yaml");
    let mut lines = after.lines();
    assert!(before.lines().all(|line| lines.any(|known| known == line)), "every line stays: {after}");
    let listed = place.run(&["rules", "-r", "presses"]);
    assert!(listed.contains("slow-strokes"), "{listed}");
    assert!(place.run(&["explain", "jams#slow-strokes", "-r", "presses"]).contains("FILL IN"));
}

#[test]
fn articles_stand_where_the_pack_keeps_them() {
    let place = Place::new("layout");
    fs::create_dir_all(place.0.join("knowledge")).unwrap();
    fs::create_dir_all(place.0.join("rules")).unwrap();
    place.run(&["new", "pack", "rules/pumps"]);
    assert!(place.0.join("knowledge/pumps/example.md").is_file());
    assert!(!place.0.join("rules/pumps/example.md").exists());
}

/// Robots in halls, with objects inside objects and a level inside another.
fn robots() -> String {
    let mut log = String::new();
    for n in 0..240_u64 {
        let (hall, robot, second) = (n % 3, n % 4, n % 60);
        let what = if n % 8 == 1 {
            format!(r#"{{"kind":"stall","fault":{{"code":"E-{}"}}}}"#, 17 + n % 2)
        } else {
            r#"{"kind":"move"}"#.to_owned()
        };
        writeln!(
            log,
            r#"{{"meta":{{"when":"2026-03-04T08:{:02}:{second:02}Z"}},"site":{{"name":"hall-{hall}"}},"robot":{{"id":"agv-{hall}{robot}"}},"event":{what}}}"#,
            n / 60
        )
        .unwrap();
    }
    log
}

/// An application log with levels, threads and a trace behind some lines.
fn application() -> String {
    let mut log = String::new();
    for n in 0..240_u64 {
        let (minute, second, worker) = (n / 60, n % 60, n % 4);
        let head = format!("2026-03-04 08:{minute:02}:{second:02},250");
        if n % 10 == 3 {
            writeln!(log, "{head} ERROR [worker-{worker}] c.a.Gateway - Payment of order {n} timed out")
                .unwrap();
            writeln!(log, "java.net.SocketTimeoutException: read\n\tat c.a.Gateway.pay(Gateway.java:88)")
                .unwrap();
        } else {
            writeln!(log, "{head} INFO  [worker-{worker}] c.a.Orders - Order {n} accepted").unwrap();
        }
    }
    log
}

fn access() -> String {
    let mut log = String::new();
    for n in 0..240_u64 {
        let status = if n % 9 == 4 { 503 } else { 200 };
        writeln!(
            log,
            "10.0.0.{} - - [04/Mar/2026:08:{:02}:{:02} +0000] \"GET /orders/{n} HTTP/1.1\" {status} {}",
            n % 5,
            n / 60,
            n % 60,
            200 + n
        )
        .unwrap();
    }
    log
}

/// A controller that speaks German, with columns between semicolons and decimal commas.
fn ventilation() -> String {
    let mut log = String::new();
    for n in 0..240_u64 {
        let stamp = format!("04.03.2026 08:{:02}:{:02} +0100", n / 60, n % 60);
        let unit = n % 5;
        if n % 15 == 3 {
            writeln!(log, "{stamp};LG-0{unit};STÖRUNG;Frostschutz ausgelöst;Zuluft 4,{} °C", n % 10).unwrap();
        } else {
            writeln!(log, "{stamp};LG-0{unit};INFO;Messwert;Zuluft 18,{} °C", n % 10).unwrap();
        }
    }
    log
}

#[test]
fn what_is_written_passes_check_and_test_as_it_is() {
    let sample = root().join("samples/java-609.jsonl");
    let place = Place::new("sound")
        .with("robots.jsonl", &robots())
        .with("application.log", &application())
        .with("access.log", &access())
        .with("ventilation.log", &ventilation());
    let logs = [
        None,
        sample.to_str(),
        Some("robots.jsonl"),
        Some("application.log"),
        Some("access.log"),
        Some("ventilation.log"),
    ];
    for (n, log) in logs.into_iter().enumerate() {
        let name = format!("pack-{n}");
        let from: Vec<&str> = log.iter().flat_map(|log| ["--from", log]).collect();
        let passes = || {
            let checked = place.run(&["check", &name]);
            assert!(checked.starts_with("ok: "), "{log:?} {checked}");
            assert!(place.run(&["test", &name]).contains("(100 %)"), "{log:?}");
        };
        let said = place.run(&[&["new", "pack", &name][..], &from].concat());
        let next = format!(
            "next: etiolog check {name}\nnext: etiolog test {name}\nnext: etiolog diagnose -r {name} "
        );
        assert!(said.contains(&next), "{said}");
        passes();
        place.run(&[&["new", "article", "second", "--in", &name][..], &from].concat());
        passes();
        place.run(&["new", "symptom", "second#slow", "--in", &name]);
        passes();
    }
    let pack = place.text("pack-2/pack.yaml");
    assert!(
        pack.contains("{name: site, quiet: 24h}") && pack.contains("{name: robot, in: site, quiet: 24h}"),
        "{pack}"
    );
}

#[test]
fn hostile_logs_and_values_are_refused_or_quoted() {
    let mut odd = String::new();
    for n in 0..40_u64 {
        let state = ["null", "yes", "[x", "a: b", "it's \\\"so\\\"", "#7"][usize::try_from(n % 6).unwrap()];
        writeln!(
            odd,
            r#"{{"time":"2026-03-04T08:00:{n:02}Z","no":"d{}","a'b":"{state}","x.y":1,"{{z}}":"~"}}"#,
            n % 3
        )
        .unwrap();
    }
    let place = Place::new("hostile")
        .with("odd.jsonl", &odd)
        .with("empty.log", "")
        .with("long.log", &"x".repeat(1 << 20))
        .with("once.log", "2026-03-04T08:00:00Z only\n");
    place.run(&["new", "pack", "odd", "--from", "odd.jsonl"]);
    place.run(&["check", "odd"]);
    place.refused(&["new", "pack", "p", "--from", "empty.log"], "is empty");
    place.refused(&["new", "pack", "p", "--from", "long.log"], "neither JSON nor lines");
    place.refused(&["new", "pack", "p", "--from", "."], "cannot read");
    place.run(&["new", "pack", "once", "--from", "once.log"]);
    place.run(&["check", "once"]);
    for name in ["ü", "a/../b c", "x;y"] {
        place.refused(&["new", "pack", name], "cannot name a pack");
    }
}
