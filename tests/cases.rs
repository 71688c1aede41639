//! Cases prove rules: what passes, what fails and how that is told, what the cases have seen of the rules.

use etiolog::check::{self, CaseResult, Report};
use etiolog::{Engine, Pack};

const PACK: &str = "{etiolog: 1, pack: pumps, title: Pumps, version: '1', subjects: [{name: plant, quiet: 1h}, {name: pump, in: plant, quiet: 24h}]}";
const INPUT: &str = "{etiolog: 1, input: controller, title: Controller, format: json, time: {from: at}, only: {kind: [word]}, fields: {plant: {from: plant}, pump: {from: pump}, word: {from: word}, code: {from: code, as: code}, heat: {from: heat, as: number}}, require: [plant]}";
const RULES: &str = "etiolog: 1
article: stops
title: Stops
events:
  stop: {word: stop, code: 7}
  start: {word: start}
  warm: {word: state, where: event.heat > 80}
symptoms:
  four-stops:
    title: Four stops
    per: pump
    detect: {count: {event: stop, at-least: 4, within: 12h}}
  few-stops:
    title: Two stops, ten minutes apart or more
    per: pump
    detect: {count: {event: stop, at-least: 2, within: 12h}}
    when: count.span >= 10.min
    unless: [four-stops]
  not-back:
    title: Not started again
    per: pump
    detect: {sequence: [stop, {never: start}], within: 15m}
  warm-pump:
    title: Warm
    per: pump
    detect: {occurrence: {event: warm}}
  all-stop:
    title: All stop
    per: plant
    detect: {distinct: {event: stop, of: pump, at-least: 5, within: 1m}}
causes:
  worn:
    title: Worn
    explains: {four-stops: almost-always, few-stops: sometimes, warm-pump: often}
    severity: error
  tripped:
    title: Tripped
    explains: {few-stops: usually, not-back: usually}
    severity: warning
  power-cut:
    title: No power
    explains: {all-stop: almost-always, not-back: usually}
    severity: critical
cases:
";

fn engine(cases: &str) -> Engine {
    let rules = format!("{RULES}{cases}\n");
    let records = "{\"at\":\"2026-01-05T00:30:00Z\",\"kind\":\"word\",\"plant\":\"north\",\"pump\":\"p1\",\"word\":\"stop\",\"code\":7}\n";
    let pack = Pack::from_texts([
        ("pack.yaml", PACK),
        ("inputs/controller.yaml", INPUT),
        ("stops.yaml", &rules),
        ("cases/stop.jsonl", records),
        (
            "cases/broken.jsonl",
            "{\"at\":\n{\"at\":\"2026-01-05T00:30:00Z\",\"kind\":\"word\"}\n{\"kind\":\"other\"}\n",
        ),
    ]);
    Engine::builder().pack(pack).build().unwrap_or_else(|why| panic!("{why}"))
}

fn report(cases: &str) -> Report {
    check::cases(&engine(cases), |_| true)
}

fn told(case: &CaseResult) -> String {
    let mut text = String::new();
    for failure in &case.failures {
        let whom = failure.subject.as_ref().map_or_else(String::new, |subject| format!("{subject}: "));
        text += &format!("{whom}expected {}\n", failure.expected);
        failure.instead.iter().for_each(|line| text += &format!("  {line}\n"));
    }
    text
}

/// What is said of one case: nothing when it passes.
fn played(case: &str) -> String {
    let report = report(&format!("  - name: n\n    {}\n", case.replace('\n', "\n    ")));
    report.cases.iter().map(told).collect()
}

#[test]
fn what_comes_as_expected_passes() {
    for case in [
        // A count, its near miss, and both kinds of nothing.
        "given: [{every: 1h, times: 4, event: stop, then: {after: 1m, event: start}}]\nexpect: [{pump: pump-1, top: worn, at-least: 60%, present: [four-stops], absent: [not-back, warm-pump], near: [few-stops]}]\nexpect-none: [all-stop, power-cut]",
        "given: [{every: 5m, times: 3, event: stop}]\nexpect: [{pump: pump-1, present: [few-stops], near: [four-stops], unknown: [not-back]}]",
        // Time must go on before something can be missing.
        "given: [{event: stop}, {wait: 15m}]\nexpect: [{pump: pump-1, present: [not-back]}]",
        "given: [{event: stop}]\ncomplete: true\nexpect: [{pump: pump-1, present: [not-back]}]",
        "given: [{event: stop}, {wait: 15m}, {event: start}]\nexpect: [{pump: pump-1, near: [not-back]}]",
        "given: [{event: stop}, {wait: 15m}, {at: 1s, event: start}]\nexpect: [{pump: pump-1, present: [not-back]}]",
        // Many subjects: what explains them all is told once, at the plant.
        "given: [{subject: {pump: p1..p9}, spread: 30s, event: stop}, {wait: 20m}]\nexpect-exactly: [{plant: plant-1, top: power-cut, present: [all-stop]}]",
        "given: [{subject: {plant: [a, b], pump: p1}, event: stop}]\nexpect: [{plant: a, pump: p1, near: [four-stops]}, {plant: b, pump: p1, near: [four-stops]}]",
        "given: [{subject: {pump: p1..p4}, event: stop}]\nexpect: [{pump: p1..p4, near: [four-stops]}]",
        // Nothing at all.
        "given: [{event: start}]\nexpect-exactly: []",
        // Days lie between: no event needs a witness, and episodes that are over still count.
        "given: [{every: 3d, times: 3, event: [stop, stop, stop, stop]}]\nexpect: [{pump: pump-1, top: worn, present: [four-stops]}]",
        "given: [{every: 1m, times: 4, event: stop}, {at: 9d, event: start}]\nexpect: [{pump: pump-1, present: [four-stops]}]",
        // Records as text and from a file, beside made events.
        "given: [{file: cases/stop.jsonl}, {wait: 20m}]\nexpect: [{pump: p1, present: [not-back]}]",
        "given: [{file: cases/stop.jsonl}, {at: 35m, subject: {plant: north, pump: p1}, event: start}, {wait: 20m}]\nexpect: [{plant: north, pump: p1, near: [not-back]}]",
        "given:\n  - records: |\n      {\"at\":\"2026-01-05T00:00:00Z\",\"kind\":\"word\",\"plant\":\"north\",\"pump\":\"p1\",\"word\":\"state\",\"heat\":81}\n      {\"at\":\"2026-01-05T00:01:00Z\",\"kind\":\"other\"}\nexpect: [{pump: p1, present: [warm-pump]}]",
        "given: [{event: warm, fields: {heat: 81}}]\nexpect: [{pump: pump-1, top: cannot-tell, present: [warm-pump]}]",
    ] {
        assert_eq!(played(case), "", "{case}");
    }
}

#[test]
fn a_failure_says_what_came_instead_and_why() {
    insta::assert_snapshot!(
        "three_stops_of_four",
        played(
            "given: [{every: 1h, times: 3, event: stop}]\nexpect: [{pump: pump-1, top: worn, at-least: 90%, present: [four-stops], absent: [few-stops]}]"
        )
    );
    insta::assert_snapshot!(
        "a_condition_and_a_block",
        played(
            "given: [{every: 1m, times: 2, subject: {pump: p1}, event: stop}, {every: 1h, times: 5, subject: {pump: p2}, event: stop}]\nexpect: [{pump: p1..p2, present: [few-stops, warm-pump]}]"
        )
    );
    insta::assert_snapshot!(
        "too_early_to_tell",
        played(
            "given: [{event: stop}, {wait: 10m}]\nexpect: [{pump: pump-1, top: tripped, present: [not-back]}]"
        )
    );
    insta::assert_snapshot!(
        "what_should_not_be",
        played(
            "given: [{every: 1h, times: 4, event: stop}]\nexpect-exactly: [{pump: pump-1, top: tripped}]\nexpect-none: [worn, four-stops]"
        )
    );
    insta::assert_snapshot!(
        "nobody_is_called_so",
        played(
            "given: [{subject: {pump: p1..p9}, event: stop}]\nexpect: [{pump: p10, near: [four-stops]}, {plant: north, near: [all-stop]}]"
        )
    );
    insta::assert_snapshot!(
        "several_are_called_so",
        played(
            "given: [{subject: {plant: [a, b], pump: p1}, event: stop}]\nexpect: [{pump: p1, near: [four-stops]}]"
        )
    );
}

#[test]
fn records_that_make_no_event_fail_the_case() {
    insta::assert_snapshot!(
        "no_event",
        played("given: [{event: start}, {file: cases/broken.jsonl}]\nexpect-exactly: []")
    );
}

#[test]
fn coverage_wants_each_condition_to_hold_and_not_to_hold() {
    let few = report(
        "  - {name: n, given: [{every: 1h, times: 4, event: stop}], expect: [{pump: pump-1, present: [four-stops]}]}",
    );
    let missing: Vec<String> = few
        .coverage
        .missing()
        .map(|c| {
            format!("{} {:?} {} {}:{}", c.id, c.part, c.field.as_deref().unwrap_or("-"), c.held, c.failed)
        })
        .collect();
    insta::assert_snapshot!("missing_answers", missing.join("\n"));
    assert!(few.coverage.conditions.iter().all(|c| c.file == "stops.yaml" && c.line > 4));
    let whole = "
  - name: worn
    given: [{every: 1h, times: 4, event: stop}, {event: warm, fields: {heat: 81}}]
    expect: [{pump: pump-1, top: worn, present: [four-stops, warm-pump], absent: [few-stops]}]
  - name: quiet
    given: [{every: 1m, times: 2, event: stop, fields: {code: 7}}, {at: 2m, event: start}, {event: warm, subject: {pump: ~}, fields: {heat: 81}}]
    expect: [{pump: pump-1, near: [four-stops, few-stops, not-back], absent: [warm-pump]}, {plant: plant-1, near: [all-stop]}]
  - name: tripped
    given: [{every: 1h, times: 2, event: stop}, {wait: 20m}]
    expect: [{pump: pump-1, top: tripped, present: [few-stops, not-back]}]
  - name: power
    given: [{subject: {pump: p1..p9}, event: stop}, {wait: 20m}]
    expect: [{plant: plant-1, top: power-cut, present: [all-stop]}]
  - name: others
    given:
      - records: |
          {\"at\":\"2026-01-05T00:00:00Z\",\"kind\":\"word\",\"plant\":\"a\",\"pump\":\"b\",\"word\":\"state\",\"heat\":79,\"code\":8}
    expect-none: [warm-pump]
";
    let report = report(whole);
    assert!(report.failed().next().is_none(), "{}", report.failed().map(told).collect::<String>());
    let missing: Vec<String> = report.coverage.missing().map(|c| format!("{c:?}")).collect();
    assert_eq!((missing, report.coverage.percent()), (vec![], 100));
    assert!(report.coverage.causes.iter().all(|cause| cause.on_top));
    let unproven: Vec<String> = report.unproven.iter().map(ToString::to_string).collect();
    assert_eq!(unproven, Vec::<String>::new());
}

#[test]
fn a_symptom_needs_a_case_that_shows_it_and_a_quiet_one() {
    let engine = engine(
        "  - {name: a, given: [{every: 1h, times: 4, event: stop}], expect: [{pump: pump-1, present: [four-stops], near: [not-back]}]}
  - {name: b, given: [{event: start}], expect-none: [four-stops, few-stops, all-stop, warm-pump]}",
    );
    let said: Vec<String> = check::proofs(&engine)
        .iter()
        .map(|p| format!("{} {} at line {}", p.code, p.message, p.line))
        .collect();
    insta::assert_snapshot!("unproven", said.join("\n"));
}

#[test]
fn the_same_cases_give_the_same_report() {
    let cases = "  - {name: n, given: [{every: 1m, for: 3h, jitter: 5m, loss: 30%, subject: {pump: p1..p20}, event: stop}], expect-exactly: []}";
    let report = || serde_json::to_string(&report(cases)).unwrap();
    assert_eq!(report(), report());
    assert!(report().contains("\"failures\":[{"));
}

#[test]
fn only_the_wanted_cases_are_played() {
    let cases = "  - {name: a, given: [{event: start}], expect-exactly: []}\n  - {name: b, given: [{event: stop}], expect-exactly: []}";
    let report = check::cases(&engine(cases), |case| &*case.name == "b");
    assert_eq!(report.cases.iter().map(|case| &*case.name).collect::<Vec<_>>(), ["b"]);
    assert_eq!(report.cases[0].events, 1);
}

#[test]
fn a_million_events_are_played_and_one_more_is_refused() {
    let cases = "  - {name: n, given: [{every: 1s, times: 1000001, event: stop}], expect-exactly: []}";
    let pack =
        Pack::from_texts([("pack.yaml", PACK.to_owned()), ("stops.yaml", format!("{RULES}{cases}\n"))]);
    let error = Engine::builder().pack(pack).build().unwrap_err();
    assert_eq!(error.problems().iter().map(|problem| problem.code).collect::<Vec<_>>(), ["out-of-range"]);
}

#[test]
fn files_of_records_are_found_beside_the_rules() {
    let folder = std::env::temp_dir().join(format!("etiolog-cases-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    for (path, text) in [
        ("pack/pack.yaml", PACK),
        ("pack/inputs/controller.yaml", INPUT),
        (
            "own/stops.yaml",
            &format!(
                "{RULES}  - {{name: n, given: [{{file: cases/a.log}}, {{wait: 20m}}], expect: [{{pump: p1, present: [not-back]}}]}}\n"
            ),
        ),
        (
            "own/cases/a.log",
            "{\"at\":\"2026-01-05T00:30:00Z\",\"kind\":\"word\",\"plant\":\"n\",\"pump\":\"p1\",\"word\":\"stop\",\"code\":7}\n",
        ),
        ("own/cases/unrelated.bin", "\u{1}"),
    ] {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut beside = Pack::load(folder.join("pack")).unwrap();
    beside.add_file(folder.join("own/stops.yaml")).unwrap();
    for (from, to) in [("own/stops.yaml", "pack/stops.yaml"), ("own/cases", "pack/cases")] {
        std::fs::rename(folder.join(from), folder.join(to)).unwrap();
    }
    for pack in [beside, Pack::load(folder.join("pack")).unwrap()] {
        let engine = Engine::builder().pack(pack).build().unwrap();
        let report = check::cases(&engine, |_| true);
        assert_eq!(report.cases.iter().map(told).collect::<String>(), "");
        assert_eq!(report.cases.len(), 1);
    }
    drop(std::fs::remove_dir_all(&folder));
}
