//! Cases as authors write them, and what is said of those that cannot be played.

use super::*;
use crate::error::Problem;
use crate::plugin::Registry;
use crate::rule::{Plan, Texts, compile};

const PACK: &str = "
etiolog: 1
pack: pumps
title: Pumps
version: 0.1.0
subjects: [{name: plant, quiet: 1h}, {name: pump, in: plant, quiet: 24h}, {name: line, in: plant, quiet: 24h}]
";

const INPUT: &str = "
etiolog: 1
input: controller
title: Controller
format: json
time: {from: at}
fields: {plant: {from: plant}, pump: {from: pump}, line: {from: line}, word: {from: word}, code: {from: code, as: code}, heat: {from: heat, as: number}, text: {from: text}, spare: {from: spare}}
";

const ARTICLE: &str = "
etiolog: 1
article: stops
title: Stops
events:
  stop: {word: stop, code: 7xx}
  start: {word: [start, restart], text: {there: false}}
  hot: {word: {not: stop}, heat: {at-least: 80}}
  named: {text: {like: 'valve * of *'}, heat: {at-most: 1.5}, spare: {there: true}}
  asked: {word: stop, where: 'event.text == \"why\"'}
symptoms:
  three-stops: {title: T, per: pump, detect: {count: {event: stop, at-least: 3, within: 1h}}}
  starts: {title: T, per: pump, detect: {count: {event: start, at-least: 3, within: 1h}}}
  others: {title: T, per: pump, detect: {sequence: [hot, named, asked], within: 1h}}
  all-stop: {title: T, per: plant, detect: {count: {event: stop, at-least: 9, within: 1m}}}
causes:
  worn: {title: W, explains: {three-stops: always, starts: often, others: seldom}, severity: error}
  cut: {title: C, explains: {all-stop: always}, severity: error}
  old: {same-as: worn}
cases:
";

/// The plan of a rule file with these cases, and its text.
fn compiled(cases: &str) -> (Result<Plan, Vec<Problem>>, String) {
    let text = format!("{ARTICLE}{cases}\n");
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = vec![
        file("cases/a.jsonl", "{}\n"),
        file("cases/empty.jsonl", " \n"),
        file("inputs/controller.yaml", INPUT),
        file("pack.yaml", PACK),
        file("stops.yaml", &text),
    ];
    (compile(&[Texts { files, ..Texts::default() }], &Registry::builtin()), text)
}

/// The only case among these.
fn case(cases: &str) -> Case {
    let plan = compiled(cases).0.unwrap_or_else(|problems| panic!("{problems:#?}"));
    plan.cases().first().cloned().unwrap_or_else(|| panic!("no case"))
}

/// What is said of a case with this `given` and this expectation, each as its code and the text that is meant.
fn said(cases: &str) -> Vec<String> {
    let (plan, text) = compiled(cases);
    let problems = plan.err().unwrap_or_default();
    let place = |problem: &Problem| text.get(problem.span.clone()).unwrap_or_default().to_owned();
    problems.iter().map(|problem| format!("{} at {}", problem.code, place(problem))).collect()
}

fn given(items: &str) -> Vec<String> {
    said(&format!("  - {{name: n, given: [{items}], expect-exactly: []}}"))
}

fn expects(rest: &str) -> Vec<String> {
    said(&format!("  - {{name: n, given: [{{event: stop}}], {rest}}}"))
}

fn series(item: &str) -> Series {
    let case = case(&format!("  - {{name: n, given: [{item}], expect-exactly: []}}"));
    match case.given.into_iter().next() {
        Some(Given::Events(series)) => series,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_case_is_read() {
    let case = case(
        "  - name: worn
    start: 2026-03-01T00:00:00Z
    given:
      - {at: 1h, every: 5m, times: 4, jitter: 20s, loss: 10%, subject: {pump: p1..p3}, spread: 1m, event: stop, then: {after: 8s, event: start, then: {after: 1s, event: start}}}
      - {wait: 20m}
      - {file: cases/a.jsonl}
      - records: |
          {}
    complete: true
    expect: [{pump: p1, top: old, at-least: 90%, present: three-stops, near: [starts], absent: [starts]}, {plant: plant-1, unknown: [all-stop]}]
    expect-none: [starts]",
    );
    assert_eq!((&*case.article, &*case.name, case.complete), ("stops", "worn", true));
    assert_eq!(case.start.to_string(), "2026-03-01T00:00:00Z");
    assert_eq!(case.given.len(), 4);
    let [first, second] = &*case.expected else { panic!("{:?}", case.expected) };
    assert_eq!(first.top.as_deref(), Some("stops#worn"), "what is the same stands for what is meant");
    assert_eq!(first.at_least, Some(0.9));
    assert_eq!(first.symptoms, [(2, Wanted::Absent), (2, Wanted::Near), (3, Wanted::Present)]);
    assert_eq!(second.symptoms, [(0, Wanted::Unknown)]);
    assert!(case.shows(3) && case.silences(2) && !case.silences(3) && !case.shows(0));
    assert_eq!(case.place.file(), "stops.yaml");
}

#[test]
fn an_event_is_made_from_the_conditions_of_its_class() {
    let fields = |item: &str| {
        let series = series(item);
        let event = series.burst.events.into_iter().next().unwrap_or_else(|| panic!("no event"));
        let names: Vec<String> = event.schema().names().map(str::to_owned).collect();
        let shown = names.iter().filter_map(|name| Some(format!("{name}={}", event.get(name)?)));
        shown.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(fields("{event: stop}"), "plant=plant-1 pump=pump-1 line=line-1 word=stop code=700");
    assert_eq!(fields("{event: start}"), "plant=plant-1 pump=pump-1 line=line-1 word=start");
    assert_eq!(fields("{event: hot, subject: {pump: p}}"), "plant=plant-1 pump=p word=stopx heat=80");
    assert_eq!(
        fields("{event: named, subject: {plant: x, pump: ~}, fields: {code: 5}}"),
        "plant=x text=valve x of x heat=1.5 spare=x code=5"
    );
    assert_eq!(
        fields("{event: asked, subject: {plant: x, line: ~, pump: ~}, fields: {text: why}}"),
        "plant=x word=stop text=why"
    );
}

#[test]
fn subjects_are_ranges_lists_and_all_of_both() {
    let ids = |subject: &str| {
        let series = series(&format!("{{event: stop, subject: {subject}}}"));
        let id = |subject: &Whom| {
            let ids =
                subject.iter().map(|(_, id)| id.as_ref().map_or_else(|| "~".to_owned(), ToString::to_string));
            ids.collect::<Vec<_>>().join("/")
        };
        series.subjects.iter().map(id).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids("{pump: p1..p3}"), "p1 p2 p3");
    assert_eq!(ids("{pump: p08..p11}"), "p08 p09 p10 p11");
    assert_eq!(ids("{pump: [a, b1..b2], plant: x}"), "a/x b1/x b2/x");
    assert_eq!(ids("{plant: h1..h2, pump: p1..p2}"), "h1/p1 h1/p2 h2/p1 h2/p2");
    assert_eq!(ids("{pump: a..b}"), "a..b");
    assert_eq!(ids("{pump: 007}"), "007");
}

#[test]
fn how_often_is_times_or_for() {
    for (item, times) in [
        ("{event: stop}", 1),
        ("{event: stop, every: 1m, times: 7}", 7),
        ("{event: stop, every: 1s, for: 10m}", 600),
        ("{event: stop, every: 7m, for: 10m}", 2),
        ("{event: stop, every: 10m, for: 10m}", 1),
    ] {
        assert_eq!(series(item).times, times, "{item}");
    }
}

#[test]
fn an_item_that_cannot_be_played_is_refused_at_its_place() {
    for (item, expected) in [
        ("", "empty-case at []"),
        ("{wait: 5m}", "empty-case at [{wait: 5m}]"),
        ("{wait: 0s}, {event: stop}", "out-of-range at 0s"),
        ("{evnt: stop}", "unknown-key at evnt"),
        ("{at: 5m}", "missing-key at {at: 5m}"),
        ("{event: stop, wait: 5m}", "wrong-shape at wait"),
        ("{wait: 5m, at: 3m}, {event: stop}", "unknown-key at at"),
        ("{event: stopp}", "unknown-class at stopp"),
        ("{event: []}", "wrong-type at []"),
        ("{event: asked}", "unlike-class at asked"),
        ("{event: [stop, asked], fields: {word: start}}", "unlike-class at stop; unlike-class at asked"),
        ("{event: stop, fields: {colour: red}}", "unknown-field at colour"),
        ("{event: stop, fields: {text: [a, b]}}", "wrong-type at [a, b]"),
        ("{event: stop, fields: {code: 7xx}}", "wrong-type at 7xx"),
        ("{event: stop, subject: {pmup: p1}}", "unknown-subject at pmup"),
        ("{event: stop, subject: {pump: p9..p1}}", "out-of-range at p9..p1"),
        ("{event: stop, subject: {pump: p1..p999999999}}", "out-of-range at p1..p999999999"),
        ("{event: stop, every: 5m}", "missing-key at every"),
        ("{event: stop, times: 5}", "missing-key at times"),
        ("{event: stop, for: 5m}", "missing-key at for"),
        ("{event: stop, every: 1m, times: 5, for: 5m}", "wrong-shape at for"),
        ("{event: stop, every: 0s, times: 5}", "out-of-range at 0s"),
        ("{event: stop, every: 5min, times: 5}", "wrong-type at 5min"),
        ("{event: stop, every: 1m, times: 0}", "out-of-range at 0"),
        ("{event: stop, loss: 100%}", "out-of-range at 100%"),
        ("{event: stop, loss: 1.5}", "wrong-type at 1.5"),
        ("{event: stop, spread: 5m}", "wrong-shape at 5m"),
        ("{event: stop, then: {event: start}}", "missing-key at {event: start}"),
        ("{event: stop, then: {after: 5s}}", "missing-key at {after: 5s}"),
        ("{event: stop, then: [{after: 5s, event: strat}]}", "unknown-class at strat"),
        (
            "{event: stop, every: 31d, times: 100000}",
            "out-of-range at [{event: stop, every: 31d, times: 100000}]",
        ),
        ("{file: cases/b.jsonl}", "missing-file at cases/b.jsonl"),
        ("{file: cases/empty.jsonl}", "empty-case at cases/empty.jsonl"),
        ("{records: ''}", "empty-case at ''"),
        ("{records: x, at: 5m}", "unknown-key at at"),
    ] {
        assert_eq!(given(item).join("; "), expected, "{item}");
    }
    let many = "{event: [stop, start], every: 1s, times: 10000, subject: {pump: p1..p51}}";
    assert_eq!(given(many), [format!("too-many at [{many}]")]);
}

#[test]
fn an_expectation_that_means_nothing_is_refused_at_its_place() {
    for (rest, expected) in [
        ("complete: true", "empty-case at {name: n, given: [{event: stop}], complete: true}"),
        ("expect: []", "empty-case at expect"),
        ("expect-none: []", "empty-case at []"),
        ("expect: [{pump: pump-1}]", "empty-case at {pump: pump-1}"),
        ("expect: [{top: worn}]", "missing-key at {top: worn}"),
        ("expect: [{pump: p, line: l, top: worn}]", "unknown-subject at {pump: p, line: l, top: worn}"),
        ("expect: [{pmup: p1, top: worn}]", "missing-key at {pmup: p1, top: worn}; unknown-key at pmup"),
        ("expect: [{pump: p1, top: wron}]", "unknown-cause at wron"),
        ("expect: [{pump: p1, top: cannot-tell, at-least: 2}]", "wrong-type at 2"),
        ("expect: [{pump: p1, at-least: 0.5, present: [starts]}]", "missing-key at 0.5"),
        ("expect: [{pump: p1, present: [sarts]}]", "unknown-symptom at sarts"),
        ("expect: [{pump: p1, present: []}]", "wrong-type at []"),
        ("expect: [{pump: p1, present: [all-stop]}]", "wrong-level at all-stop"),
        ("expect: [{plant: x, absent: [stops#starts]}]", "wrong-level at stops#starts"),
        ("expect: [{pump: p1, present: [starts], absent: [starts]}]", "contradiction at starts"),
        ("expect: [{pump: p1, near: [starts], present: [starts]}]", "contradiction at starts"),
        ("expect: [{pump: p1, absent: [starts], unknown: [starts]}]", "contradiction at starts"),
        ("expect: [{pump: p1, absent: [starts, starts]}]", "duplicate-name at starts"),
        ("expect-none: [worm]", "unknown-name at worm"),
        ("expect: [{pump: p1, top: old}], expect-none: [worn]", "contradiction at [worn]"),
        ("expect: [{pump: p1, present: [starts]}], expect-none: [starts]", "contradiction at [starts]"),
        ("expect: [{pump: p1, top: worn}], expect-exactly: []", "wrong-shape at expect-exactly"),
        ("expect-exactly: [], start: yesterday", "wrong-type at yesterday"),
        ("expect-exactly: [], complete: yes", "wrong-type at yes"),
        ("expect-exactly: [], expects: []", "unknown-key at expects"),
    ] {
        assert_eq!(expects(rest).join("; "), expected, "{rest}");
    }
}

#[test]
fn names_of_cases_are_unique_and_all_problems_are_told_at_once() {
    let cases = "  - {name: a, given: [{event: stopp}], expect: [{pump: p, top: wrn}]}
  - {name: a, given: [{event: stop, jiter: 1s}], expect-exactly: []}
  - {given: 7, expect-exactly: []}";
    assert_eq!(
        said(cases),
        [
            "unknown-class at stopp",
            "unknown-cause at wrn",
            "duplicate-name at a",
            "unknown-key at jiter",
            "missing-key at {given: 7, expect-exactly: []}",
            "wrong-type at 7",
        ]
    );
    let problems = compiled(cases).0.err().unwrap_or_default();
    let helps: Vec<&str> = problems.iter().filter_map(|problem| problem.help.as_deref()).collect();
    assert_eq!(helps.first(), Some(&"did you mean `stop`?"));
    assert_eq!(helps.get(1), Some(&"did you mean `worn`?"));
    assert!(problems.iter().any(|problem| problem.edit.as_ref().is_some_and(|edit| edit.text == "jitter")));
}
