//! Time: what is late, what is absent, what is only inconclusive. One test for one sentence of DESIGN 6.

mod kinds;
mod live;
mod points;
mod usual;

use std::time::Duration;

use etiolog::{Diagnosis, Engine, EngineBuilder, Pack, Summary, Timestamp};

fn pack(detect: &str) -> Pack {
    let used = ["drop", "back", "refusal"].into_iter().filter(|word| detect.contains(word));
    let classes: String = used.map(|word| format!("  {word}: {{word: {word}}}\n")).collect();
    Pack::from_texts([
        (
            "pack.yaml".to_owned(),
            "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nidentity: record\nties: any\n\
             subjects: [{name: unit, quiet: 2h}]\nproblem: {word: drop}\n"
                .to_owned(),
        ),
        (
            "a.yaml".to_owned(),
            format!(
                "etiolog: 1\narticle: a\ntitle: A\n\
                 events:\n{classes}\
                 symptoms:\n  s:\n    title: S\n    per: unit\n    detect: {detect}\n\
                 causes:\n  c: {{title: C, severity: warning, prior: common, explains: {{s: always}}}}\n"
            ),
        ),
    ])
}

fn builder(detect: &str) -> EngineBuilder {
    Engine::builder().pack(pack(detect)).lateness(Duration::from_secs(60))
}

/// Pushes `(second, word)` for one unit.
fn run(builder: EngineBuilder, events: &[(i64, &str)]) -> (Vec<Diagnosis>, Summary) {
    let engine = builder.build().unwrap();
    let mut run = engine.run();
    let source = run.open("s");
    for (second, word) in events {
        let time = Timestamp::from_seconds(1_000_000 + second).unwrap();
        run.push(source, engine.event(time).field("unit", "u1").field("word", *word).build());
    }
    run.finish()
}

fn found(detect: &str, events: &[(i64, &str)]) -> bool {
    !run(builder(detect), events).0.is_empty()
}

#[test]
fn a_problem_event_about_nobody_is_unexplained() {
    let engine = builder(COUNT).build().unwrap();
    let mut run = engine.run();
    let source = run.open("s");
    for second in 0..5 {
        let time = Timestamp::from_seconds(1_000_000 + second).unwrap();
        run.push(source, engine.event(time).field("word", "drop").build());
    }
    let (diagnoses, summary) = run.finish();
    assert!(diagnoses.is_empty() && summary.records.balance());
    assert_eq!((summary.records.decoded, summary.unexplained), (5, 5));
}

const NEVER_BACK: &str = "{sequence: [drop, {never: back}], within: 15m}";
const CHAIN: &str = "{sequence: [{maybe: refusal}, drop, back], order: any, within: 60s}";
const COUNT: &str = "{count: {event: drop, at-least: 3, within: 60s}}";

#[test]
fn absence_is_satisfied_up_to_and_including_the_deadline() {
    assert!(!found(NEVER_BACK, &[(0, "drop"), (900, "back"), (9_000, "refusal")]));
    assert!(found(NEVER_BACK, &[(0, "drop"), (901, "back"), (9_000, "refusal")]));
}

#[test]
fn absence_fires_only_when_the_watermark_has_passed() {
    // The input ends before the deadline: inconclusive, not absent.
    assert!(!found(NEVER_BACK, &[(0, "drop"), (800, "refusal")]));
    // The last event lies behind the deadline, and the input is over.
    assert!(found(NEVER_BACK, &[(0, "drop"), (901, "refusal")]));
    // A host that says that nothing more will come.
    assert_eq!(run(builder(NEVER_BACK).complete(true), &[(0, "drop")]).0.len(), 1);
}

#[test]
fn an_event_that_arrives_out_of_order_still_satisfies_absence() {
    let events = [(0, "drop"), (940, "refusal"), (890, "back"), (5_000, "refusal")];
    assert!(!found(NEVER_BACK, &events));
}

#[test]
fn late_is_older_than_the_watermark_and_never_touches_state() {
    let (diagnoses, summary) =
        run(builder(COUNT), &[(0, "drop"), (100, "drop"), (39, "drop"), (40, "drop"), (98, "drop")]);
    assert_eq!((summary.records.late, summary.records.decoded), (1, 4), "39 is late, 40 is on time");
    assert!(diagnoses.is_empty(), "with 39 it would be three within a minute");
}

#[test]
fn a_window_is_open_at_its_far_end() {
    assert!(found(COUNT, &[(1, "drop"), (30, "drop"), (60, "drop")]));
    assert!(!found(COUNT, &[(0, "drop"), (30, "drop"), (60, "drop")]), "60 s later the first has left");
}

#[test]
fn a_chain_may_come_in_any_order_and_span_its_window_exactly() {
    assert!(found(CHAIN, &[(0, "back"), (60, "drop")]));
    assert!(!found(CHAIN, &[(0, "back"), (61, "drop")]));
    assert!(found(CHAIN, &[(0, "drop"), (0, "refusal"), (0, "back")]));
}

#[test]
fn equal_times_satisfy_before_both_ways_where_the_pack_says_so() {
    let ordered = "{sequence: [drop, refusal, back], within: 60s}";
    for events in [["drop", "refusal", "back"], ["back", "refusal", "drop"], ["refusal", "back", "drop"]] {
        assert!(found(ordered, &events.map(|word| (5, word))), "{events:?}");
    }
    assert!(!found(ordered, &[(5, "back"), (6, "refusal"), (7, "drop")]));
}

#[test]
fn an_episode_ends_when_the_subject_has_been_quiet() {
    let day = 86_400;
    let events: Vec<(i64, &str)> =
        [0, 10, 20, day, day + 10, day + 20].map(|second| (second, "drop")).to_vec();
    let (diagnoses, summary) = run(builder(COUNT), &events);
    assert_eq!(
        diagnoses.iter().map(|d| d.state).collect::<Vec<_>>(),
        [etiolog::State::Resolved, etiolog::State::Open]
    );
    assert_ne!(diagnoses[0].id, diagnoses[1].id);
    assert_eq!((summary.explained, summary.unexplained), (6, 0));
}

#[test]
fn what_nothing_accounts_for_is_unexplained() {
    let (diagnoses, summary) = run(builder(COUNT), &[(0, "drop"), (4_000, "drop")]);
    assert!(diagnoses.is_empty());
    assert_eq!((summary.explained, summary.benign, summary.unexplained), (0, 0, 2));
}

#[test]
fn a_source_that_is_open_and_silent_holds_judgement_back() {
    let engine = builder(NEVER_BACK).build().unwrap();
    let mut run = engine.run();
    let (one, two) = (run.open("one"), run.open("two"));
    let event = |second: i64, word: &str| {
        let time = Timestamp::from_seconds(1_000_000 + second).unwrap();
        engine.event(time).field("unit", "u1").field("word", word).build()
    };
    run.push(one, event(0, "drop"));
    run.push(one, event(50_000, "refusal"));
    run.push(two, event(10, "back"));
    assert!(run.finish().0.is_empty(), "the second source knew of the return");
}

#[test]
fn a_missing_field_is_not_false() {
    let engine = Engine::builder()
        .pack({
            let mut pack = pack("{occurrence: {event: odd}}");
            pack.add(
                "a.yaml",
                "etiolog: 1\narticle: a\ntitle: A\n\
                events:\n  odd: {word: drop, where: 'event.size != 3'}\n\
                symptoms:\n  s: {title: S, per: unit, detect: {occurrence: {event: odd}}}\n\
                causes:\n  c: {title: C, severity: warning, explains: {s: always}}\n",
            );
            pack
        })
        .build()
        .unwrap();
    let mut run = engine.run();
    let source = run.open("s");
    let event = engine.event(Timestamp::from_seconds(5).unwrap()).field("unit", "u1").field("word", "drop");
    run.push(source, event.clone().build());
    let (diagnoses, summary) = run.finish();
    assert!(diagnoses.is_empty(), "`missing != 3` is unknown, and unknown never counts");
    assert_eq!(summary.unknown_predicates.get("a#odd"), Some(&1));
    let mut run = engine.run();
    let source = run.open("s");
    run.push(source, event.field("size", 4).build());
    assert_eq!(run.finish().0.len(), 1);
}
