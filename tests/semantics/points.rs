//! One test for each point of `docs/semantics.md` that is built, named after it.

use std::time::Duration;

use etiolog::model::Origin;
use etiolog::{Diagnosis, Engine, Event, Pipeline, State, Status, Summary, Timestamp, Value};

use super::{CHAIN, COUNT, NEVER_BACK, builder, found, pack, run};

const DAY: i64 = 86_400;

/// A pack in which equal stamps are in order and a record is known by where it stands.
fn ordered(detect: &str) -> Engine {
    let mut pack = pack(detect);
    pack.add(
        "pack.yaml",
        "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nidentity: position\nties: ordered\n\
         subjects: [{name: unit, quiet: 2h}]\nproblem: {word: drop}\n",
    );
    Engine::builder().pack(pack).lateness(Duration::from_secs(60)).build().unwrap()
}

fn event(engine: &Engine, second: i64, unit: &str, word: &str) -> Event {
    let time = Timestamp::from_seconds(1_000_000 + second).unwrap();
    engine.event(time).field("unit", unit).field("word", word).build()
}

fn placed(mut event: Event, place: u64) -> Event {
    event.set_origin(Origin { file: 0, line: place, offset: place });
    event
}

fn push(engine: &Engine, events: impl IntoIterator<Item = Event>) -> (Vec<Diagnosis>, Summary) {
    let mut run = engine.run();
    let source = run.open("s");
    events.into_iter().for_each(|event| run.push(source, event));
    run.finish()
}

/// What becomes of lines of JSON, of which only `word: drop` is asked for.
fn read(lines: &[u8]) -> (Vec<Diagnosis>, Summary) {
    let mut pack = pack("{occurrence: {event: drop}}");
    pack.add(
        "inputs/lines.yaml",
        "etiolog: 1\ninput: lines\ntitle: Lines\nformat: json\ntime: {from: at}\n\
         fields: {unit: {from: unit}, word: {from: word}}\n",
    );
    let engine = Engine::builder().pack(pack).build().unwrap();
    let mut pipeline = Pipeline::new(&engine);
    pipeline.read("lines", lines);
    pipeline.finish()
}

fn records(times: &[i64]) -> (u64, u64, u64) {
    let events: Vec<(i64, &str)> = times.iter().map(|&second| (second, "drop")).collect();
    let records = run(builder(COUNT), &events).1.records;
    (records.decoded, records.late, records.future)
}

#[test]
fn s01_times_are_whole_nanoseconds_from_1970_to_2262_and_saturate() {
    let day = Duration::from_secs(86_400);
    assert_eq!(Timestamp::MAX.plus(day), Timestamp::MAX);
    assert_eq!(Timestamp::MIN.minus(day), Timestamp::MIN);
    assert_eq!(Timestamp::MIN.since(Timestamp::MAX), Duration::ZERO);
    assert_eq!(Timestamp::from_nanos(-1), None);
    let summary = read(br#"{"at":"1969-12-31T23:59:59Z","unit":"u","word":"drop"}"#).1;
    assert_eq!(summary.records.rejected.keys().map(|why| why.word()).collect::<Vec<_>>(), ["time-range"]);
}

#[test]
fn s02_a_record_without_a_time_takes_none_from_its_neighbours_or_the_host() {
    let (diagnoses, summary) = read(
        b"{\"at\":\"2026-01-05T00:00:00Z\",\"unit\":\"u\",\"word\":\"drop\"}\n{\"unit\":\"v\",\"word\":\"drop\"}\n\
          {\"at\":\"2026-01-05T00:00:00\",\"unit\":\"w\",\"word\":\"drop\"}\n",
    );
    assert_eq!(diagnoses.len(), 1);
    let rejected: Vec<_> = summary.records.rejected.iter().map(|(why, n)| (why.word(), *n)).collect();
    assert_eq!(rejected, [("no-time", 1), ("bad-time", 1)]);
}

#[test]
fn s03_beyond_the_horizon_and_far_ahead_without_a_witness_is_future() {
    let as_of = builder(COUNT).as_of(Timestamp::from_seconds(1_000_000).unwrap());
    let summary = run(as_of, &[(0, "drop"), (300, "drop"), (301, "drop")]).1;
    assert_eq!((summary.records.decoded, summary.records.future), (2, 1));
    assert_eq!(records(&[0, DAY, DAY]), (3, 0, 0), "a day ahead needs no witness");
    assert_eq!(records(&[0, DAY + 1]), (1, 0, 1));
    assert_eq!(records(&[0, 2 * DAY, 2 * DAY - 3_599, 2 * DAY]), (4, 0, 0));
    assert_eq!(records(&[0, 2 * DAY, 2 * DAY - 3_600]).2, 2, "an hour before it is no agreement");
    assert_eq!(records(&[9 * DAY, 0, 1]), (2, 0, 1), "the first record waits too");
}

#[test]
fn s04_the_watermark_is_exclusive_and_the_least_of_the_open_sources() {
    let engine = builder(COUNT).build().unwrap();
    let mut run = engine.run();
    let (one, two) = (run.open("one"), run.open("two"));
    (0..3).for_each(|second| run.push(one, event(&engine, second, "u", "drop")));
    // The episode ends at 2 + 7200; the lateness is 60.
    run.push(one, event(&engine, 90_000, "u", "other"));
    run.push(one, event(&engine, 90_000, "u", "other"));
    run.push(two, event(&engine, 7_262, "u", "other"));
    run.push(two, event(&engine, 7_262, "u", "other"));
    assert!(run.drain().is_empty(), "the watermark stands at the very end of the episode");
    run.push(two, event(&engine, 7_263, "u", "other"));
    assert_eq!(run.drain().len(), 1);
}

#[test]
fn s05_at_the_watermark_is_on_time_and_before_it_is_late() {
    assert_eq!(records(&[0, 100, 40, 39]), (3, 1, 0));
}

#[test]
fn s06_each_record_has_one_fate_and_those_of_no_class_move_time_too() {
    let engine = builder(COUNT).build().unwrap();
    let twice = |second: i64| std::iter::repeat_n(placed(event(&engine, second, "u", "drop"), 1), 1);
    let mut old = event(&engine, 0, "u", "drop");
    old.set_identity(7);
    let events = twice(0).chain([event(&engine, 100, "u", "nothing"), old.clone(), old]);
    let records = push(&engine, events).1.records;
    assert_eq!((records.decoded, records.skipped, records.late, records.duplicate), (1, 1, 1, 1));
    assert!(records.balance());
}

#[test]
fn s07_events_of_one_time_are_applied_by_place_whatever_arrived_first() {
    let engine = ordered("{sequence: [drop, back], within: 60s}");
    let pair = |first: u64, second: u64| {
        [placed(event(&engine, 5, "u", "drop"), first), placed(event(&engine, 5, "u", "back"), second)]
    };
    let reversed = |[a, b]: [Event; 2]| [b, a];
    assert_eq!(push(&engine, pair(1, 2)).0.len(), 1);
    assert_eq!(push(&engine, reversed(pair(1, 2))).0.len(), 1);
    assert_eq!(push(&engine, pair(2, 1)).0.len(), 0);
}

#[test]
fn s08_a_repeat_that_waits_is_a_duplicate_and_one_that_comes_too_late_is_late() {
    let engine = ordered(COUNT);
    let at = |second, place| placed(event(&engine, second, "u", "drop"), place);
    let (diagnoses, summary) = push(&engine, [at(0, 1), at(10, 2), at(0, 1), at(10, 2), at(90, 3), at(0, 1)]);
    assert!(diagnoses.is_empty(), "two events are not three");
    assert_eq!((summary.records.decoded, summary.records.duplicate, summary.records.late), (3, 2, 1));
}

#[test]
fn s09_windows_exclude_their_far_end_and_sequences_and_episodes_include_theirs() {
    assert!(found(COUNT, &[(1, "drop"), (30, "drop"), (60, "drop")]));
    assert!(!found(COUNT, &[(0, "drop"), (30, "drop"), (60, "drop")]));
    assert!(found(CHAIN, &[(0, "drop"), (60, "back")]) && !found(CHAIN, &[(0, "drop"), (61, "back")]));
    let episodes = |gap: i64| {
        let events: Vec<(i64, &str)> = [0, 1, 2, gap + 2].map(|second| (second, "drop")).to_vec();
        run(builder("{occurrence: {event: drop}}"), &events).0.len()
    };
    assert_eq!((episodes(7_200), episodes(7_201)), (1, 2));
}

#[test]
fn s10_all_events_of_an_instant_come_before_its_deadlines() {
    assert!(!found(NEVER_BACK, &[(0, "drop"), (900, "refusal"), (900, "back"), (9_000, "refusal")]));
    let once = |end: i64| found(NEVER_BACK, &[(0, "drop"), (end, "refusal")]);
    assert!(once(901), "then the watermark stands just after 901");
    assert!(once(900), "and here just after 900, the deadline");
    assert!(!once(899));
}

#[test]
fn s11_diagnoses_leave_as_their_episodes_end_and_open_ones_by_name() {
    let engine = builder("{occurrence: {event: drop}}").build().unwrap();
    let units = |events: &[(i64, &str)]| {
        let all = push(&engine, events.iter().map(|(second, unit)| event(&engine, *second, unit, "drop"))).0;
        all.iter().map(|diagnosis| diagnosis.subject.id().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(units(&[(0, "z"), (1, "y"), (50_000, "x"), (50_001, "w")]), ["z", "y", "w", "x"]);
}

#[test]
fn s12_the_latest_chain_is_taken_and_an_event_is_in_one_chain_only() {
    let engine = ordered("{sequence: [drop, back], within: 60s}");
    let words = ["drop", "drop", "back", "back", "drop"];
    let events = (0..).zip(words).map(|(second, word)| event(&engine, second, "u", word));
    let diagnoses = push(&engine, events).0;
    let lines: Vec<u64> = diagnoses[0].symptoms[0].evidence.iter().map(|exhibit| exhibit.line).collect();
    assert_eq!(lines, [2, 3]);
}

#[test]
fn s13_an_episode_gives_one_diagnosis_however_often_its_pattern_comes() {
    let events: Vec<(i64, &str)> = (0..40).map(|n| (n / 4 * 3_000 + n % 4, "drop")).collect();
    let diagnoses = run(builder(COUNT), &events).0;
    assert_eq!(diagnoses.len(), 1);
    assert_eq!(diagnoses[0].symptoms[0].events, 40);
}

#[test]
fn s14_what_the_end_cuts_off_is_unknown_and_stays_open() {
    let mut pack = pack(NEVER_BACK);
    pack.add(
        "a.yaml",
        "etiolog: 1\narticle: a\ntitle: A\nevents:\n  drop: {word: drop}\n  back: {word: back}\nsymptoms:\n  \
         s: {title: S, per: unit, detect: {sequence: [drop, {never: back}], within: 15m}}\n  \
         t: {title: T, per: unit, detect: {occurrence: {event: drop}}}\n\
         causes:\n  c: {title: C, severity: warning, explains: {s: always, t: always}}\n",
    );
    let outcome = |events: &[(i64, &str)], complete: bool| {
        let diagnoses = run(Engine::builder().pack(pack.clone()).complete(complete), events).0;
        let symptom = diagnoses[0].symptoms.iter().find(|symptom| &*symptom.id == "a#s").unwrap();
        (diagnoses[0].state, symptom.status.clone())
    };
    let (state, status) = outcome(&[(0, "drop"), (900 - 1, "drop")], false);
    assert_eq!(state, State::Open);
    assert!(matches!(status, Status::Unknown(why) if why.starts_with("waiting until 1970-01-12T14:01:40")));
    assert!(outcome(&[(0, "drop"), (900, "other")], false).1.is_present(), "any later record moves the end");
    let (state, status) = outcome(&[(0, "drop")], true);
    assert!(state == State::Resolved && status.is_present());
}

#[test]
fn s16_a_diagnosis_is_known_by_its_subject_and_first_event_and_not_by_its_verdict() {
    let id = |detect: &str, unit: &str, seconds: &[i64]| {
        let engine = ordered(detect);
        push(&engine, seconds.iter().map(|&second| event(&engine, second, unit, "drop"))).0[0].id.to_string()
    };
    let known = id(COUNT, "u", &[0, 1, 2]);
    assert_eq!(known, id(COUNT, "u", &[0, 1, 2, 3]));
    assert_eq!(known, id("{occurrence: {event: drop}}", "u", &[0]));
    assert_ne!(known, id(COUNT, "v", &[0, 1, 2]));
    assert_ne!(known, id(COUNT, "u", &[1, 2, 3]));
}

#[test]
fn s17_the_same_input_gives_the_same_bytes() {
    let engine = builder("{occurrence: {event: drop}}").build().unwrap();
    let say = || {
        let units = (0..200_i64).map(|n| event(&engine, n * 37 % 50, &format!("u{}", n * 7 % 90), "drop"));
        serde_json::to_string(&push(&engine, units).0).unwrap()
    };
    let other = std::thread::scope(|scope| scope.spawn(say).join().unwrap());
    assert_eq!(say(), other);
}

/// How many of these values of the field `size` belong to a class.
fn members(condition: &str, values: &[Option<Value>]) -> Vec<bool> {
    let mut pack = pack("{occurrence: {event: odd}}");
    pack.add(
        "a.yaml",
        format!(
            "etiolog: 1\narticle: a\ntitle: A\nevents:\n  odd: {{word: drop, {condition}}}\nsymptoms:\n  \
             s: {{title: S, per: unit, detect: {{occurrence: {{event: odd}}}}}}\n\
             causes:\n  c: {{title: C, severity: warning, explains: {{s: always}}}}\n"
        ),
    );
    let engine = Engine::builder().pack(pack).build().unwrap();
    let one = |value: &Option<Value>| {
        let event = engine.event(Timestamp::MIN).field("unit", "u").field("word", "drop");
        let event = value.iter().fold(event, |event, value| event.field("size", value.clone())).build();
        // Asked by itself and through the sieve.
        let member =
            engine.plan().classes_of(&event).iter().any(|id| !engine.plan().problem_classes().contains(id));
        assert_eq!(push(&engine, [event]).0.len(), usize::from(member));
        member
    };
    values.iter().map(one).collect()
}

#[test]
fn s19_what_is_missing_is_neither_true_nor_false() {
    let values = [None, Some(3.into()), Some(4.into())];
    assert_eq!(members("size: {not: 3}", &values), [false, false, true]);
    assert_eq!(members("size: {not: {not: 3}}", &values), [false, true, false]);
    assert_eq!(members("size: [4, {there: false}]", &values), [true, false, true]);
    assert_eq!(members("where: 'event.size != 3'", &values), [false, false, true]);
    assert_eq!(members("where: 'event.word == \"drop\" || event.size == 3'", &values), [true; 3]);
    assert_eq!(members("where: 'event.size == 3 || event.word == \"drop\"'", &values), [false, true, true]);
}

#[test]
fn s20_numbers_compare_exactly_and_text_is_no_number() {
    let values = [3.into(), 3.0.into(), "3".into(), true.into()].map(Some);
    assert_eq!(members("size: 3", &values), [true, true, false, false]);
    assert_eq!(members("size: '3'", &values), [false, false, true, false]);
    assert_eq!(members("size: 1..5", &values), [true, false, false, false]);
    let big = [Value::Int(9_007_199_254_740_993), Value::Float(9_007_199_254_740_992.0)].map(Some);
    assert_eq!(members("size: 9007199254740993", &big), [true, false]);
}

#[test]
fn s21_text_is_repaired_and_a_number_names_the_subject_of_its_spelling() {
    let (diagnoses, summary) = read(
        b"{\"at\":\"2026-01-05T00:00:00Z\",\"unit\":7,\"word\":\"drop\"}\n\
          {\"at\":\"2026-01-05T00:00:01Z\",\"unit\":\"7\",\"word\":\"drop\"}\n\
          {\"at\":\"2026-01-05T00:00:02Z\",\"unit\":\"\xff\",\"word\":\"drop\"}\n",
    );
    assert_eq!(summary.records.decoded, 3);
    assert_eq!(diagnoses.iter().map(|d| d.subject.id()).collect::<Vec<_>>(), ["7", "\u{fffd}"]);
}

#[test]
fn s22_of_duplicate_keys_the_last_wins() {
    let (diagnoses, _) =
        read(br#"{"unit":"a","at":"2026-01-05T00:00:00Z","word":"x","word":"drop","unit":"b"}"#);
    assert_eq!(diagnoses.iter().map(|d| d.subject.id()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn s23_the_sieve_says_what_every_class_says_for_itself() {
    let values: Vec<Option<Value>> =
        (-3..4).map(|n| Some(n.into())).chain([None, Some("0".into()), Some(0.5.into())]).collect();
    for condition in
        ["size: [1, 2]", "size: {at-least: 0}", "size: {not: {at-most: 1}}", "size: {there: true}"]
    {
        assert!(members(condition, &values).contains(&true), "{condition}");
    }
}

#[test]
fn every_point_has_its_sentence() {
    let text = include_str!("../../docs/semantics.md");
    for point in 1..=26 {
        assert!(text.contains(&format!("**S{point},")), "S{point}");
    }
}
