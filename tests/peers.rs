//! What other engines get wrong, each by its name and issue: the same situation, and what is true.

use std::time::Duration;

use etiolog::{Diagnosis, Engine, Event, Pack, State, Status, Summary, Timestamp};

fn builder(ties: &str, detect: &str) -> etiolog::EngineBuilder {
    let used = ["a", "b", "c", "d"]
        .into_iter()
        .filter(|word| detect.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == *word));
    let classes: String = used.map(|word| format!("  {word}: {{word: {word}}}\n")).collect();
    let pack = format!(
        "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nties: {ties}\nsubjects: [{{name: unit, quiet: 2h}}]\n"
    );
    let article = format!(
        "etiolog: 1\narticle: x\ntitle: X\nevents:\n{classes}\
         symptoms:\n  s:\n    title: S\n    per: unit\n    detect: {detect}\n\
         causes:\n  c: {{title: C, severity: warning, prior: common, explains: {{s: always}}}}\n"
    );
    let pack = Pack::from_texts([("pack.yaml", pack), ("x.yaml", article)]);
    Engine::builder().pack(pack).lateness(Duration::from_secs(60))
}

/// An event of a unit: milliseconds, word, unit.
type Seen = (i64, &'static str, &'static str);

fn event(engine: &Engine, (millis, word, unit): Seen) -> Event {
    let time = Timestamp::from_nanos((1_000_000_000 + millis) * 1_000_000).unwrap();
    engine.event(time).field("unit", unit).field("word", word).build()
}

fn run(engine: &Engine, seen: impl IntoIterator<Item = Seen>) -> (Vec<Diagnosis>, Summary) {
    let mut run = engine.run();
    let source = run.open("s");
    for one in seen {
        run.push(source, event(engine, one));
    }
    let (diagnoses, summary) = run.finish();
    assert!(summary.records.balance(), "{:?}", summary.records);
    (diagnoses, summary)
}

/// The units with a diagnosis, in order of their names, and the number of events that speak for it.
fn found(detect: &str, seen: &[Seen]) -> Vec<(String, u64)> {
    let engine = builder("ordered", detect).build().unwrap();
    let (diagnoses, _) = run(&engine, seen.iter().copied());
    diagnoses.iter().map(|d| (d.subject.id().to_owned(), d.symptoms[0].events)).collect()
}

fn none() -> Vec<(String, u64)> {
    Vec::new()
}

fn on(unit: &str, events: u64) -> Vec<(String, u64)> {
    vec![(unit.to_owned(), events)]
}

const CHAIN: &str = "{sequence: [a, b], within: 60s}";
const COUNT: &str = "{count: {event: a, at-least: 3, within: 60s}}";
const ABSENCE: &str = "{sequence: [a, {never: b}], within: 60s}";

/// Karib0u/rustinel#535, rabbitstack/fibratus#248: windows in the order of arrival raise false alarms and miss true ones
/// as soon as events come late.
#[test]
fn late_events_neither_raise_an_alarm_nor_hide_one() {
    assert_eq!(found(CHAIN, &[(9_000, "b", "u"), (1_000, "a", "u")]), on("u", 2));
    assert_eq!(found(CHAIN, &[(9_000, "a", "u"), (1_000, "b", "u")]), none());
    assert_eq!(
        found(ABSENCE, &[(0, "a", "u"), (61_000, "c", "u"), (59_000, "b", "u"), (300_000, "c", "u")]),
        none()
    );
    let counted =
        [(70_000, "a", "u"), (1_000, "c", "u"), (20_000, "a", "u"), (75_000, "a", "u"), (70_500, "a", "u")];
    assert_eq!(found(COUNT, &counted), on("u", 4), "the one at 20 lies in the window of the one at 70");
}

/// The same engines take a later one in as if it had come in time; here it is counted and touches nothing.
#[test]
fn an_event_that_is_too_late_is_told_and_changes_nothing() {
    let engine = builder("ordered", CHAIN).build().unwrap();
    let (diagnoses, summary) = run(&engine, [(100_000, "b", "u"), (39_999, "a", "u"), (200_000, "b", "u")]);
    assert_eq!((diagnoses.len(), summary.records.late), (0, 1));
}

/// laminardb/laminardb#388, turbolytics/sql-flow#358: one stamp of the far future makes everything behind it late.
#[test]
fn one_stamp_of_the_far_future_loses_nothing_else() {
    let engine = builder("ordered", COUNT).build().unwrap();
    let year_2286 = (8_000_000_000_000, "a", "u");
    let seen = [(0, "a", "u"), (1_000, "a", "u"), year_2286, (2_000, "a", "u")];
    let (diagnoses, summary) = run(&engine, seen);
    assert_eq!((diagnoses.len(), summary.records.future, summary.records.late), (1, 1, 0));
}

/// timescale/rsigma 0.23: whole seconds; 10,972 chains were found where 10,874 are.
#[test]
fn a_thousandth_of_a_second_too_late_is_too_late() {
    assert_eq!(found(CHAIN, &[(1, "a", "u"), (60_001, "b", "u")]), on("u", 2));
    assert_eq!(found(CHAIN, &[(1, "a", "u"), (60_002, "b", "u")]), none());
    assert_eq!(found(CHAIN, &[(999, "b", "u"), (1, "a", "u"), (998, "c", "u")]), on("u", 2));
}

/// Whole seconds and the order of arrival again: what is before what, where stamps are equal, is for the pack to say.
#[test]
fn equal_stamps_are_before_each_other_only_where_the_pack_says_so() {
    let both = [[(0, "a", "u"), (0, "b", "u")], [(0, "b", "u"), (0, "a", "u")]];
    let said = |ties: &str, seen: [Seen; 2]| {
        let engine = builder(ties, CHAIN).build().unwrap();
        let mut run = engine.run();
        let source = run.open("s");
        for (place, one) in (0..).zip(seen) {
            let mut event = event(&engine, one);
            event.set_origin(etiolog::model::Origin { file: 0, line: place + 1, offset: place });
            run.push(source, event);
        }
        run.finish().0.len()
    };
    assert_eq!(both.map(|seen| said("any", seen)), [1, 1]);
    assert_eq!(both.map(|seen| said("ordered", seen)), [1, 0], "places in the file decide");
}

/// elastic/elasticsearch#145323: what is missing is told before its time is over.
#[test]
fn absence_is_not_told_before_its_time_is_over() {
    assert_eq!(
        found(ABSENCE, &[(0, "a", "u"), (59_999, "c", "u")]),
        none(),
        "the input ends before the deadline"
    );
    assert_eq!(
        found(ABSENCE, &[(0, "a", "u"), (60_000, "c", "u")]),
        on("u", 1),
        "all of that instant is known"
    );
    assert_eq!(found(ABSENCE, &[(0, "a", "u"), (60_000, "b", "u"), (90_000, "c", "u")]), none());
    assert_eq!(found(ABSENCE, &[(0, "a", "u"), (60_001, "b", "u")]), on("u", 1));
    let engine = builder("ordered", ABSENCE).complete(true).build().unwrap();
    assert_eq!(run(&engine, [(0, "a", "u")]).0.len(), 1, "a host that says that nothing more comes");
}

/// What waits at the end of the input is neither present nor absent, and says until when it waits.
#[test]
fn what_waits_at_the_end_is_unknown_and_not_absent() {
    let explained = Pack::from_texts([
        ("pack.yaml", "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: unit, quiet: 2h}]\n"),
        (
            "x.yaml",
            "etiolog: 1\narticle: x\ntitle: X\nevents: {a: {word: a}, b: {word: b}}\nsymptoms:\n  \
             s: {title: S, per: unit, detect: {sequence: [a, {never: b}], within: 60s}}\n  \
             t: {title: T, per: unit, detect: {occurrence: {event: a}}}\n\
             causes:\n  c: {title: C, severity: warning, explains: {s: always, t: always}}\n",
        ),
    ]);
    let engine = Engine::builder().pack(explained).build().unwrap();
    let (diagnoses, _) = run(&engine, [(0, "a", "u")]);
    let waiting = diagnoses[0].symptoms.iter().find(|symptom| &*symptom.id == "x#s").unwrap();
    assert!(matches!(&waiting.status, Status::Unknown(why) if why.contains("waiting until")), "{waiting:?}");
}

/// elastic/elasticsearch#101025: two missing events in one sequence.
#[test]
fn two_missing_events_in_one_sequence() {
    let detect = "{sequence: [{never: c}, a, {never: d}, b], within: 60s}";
    assert_eq!(found(detect, &[(100_000, "a", "u"), (110_000, "b", "u")]), on("u", 2));
    assert_eq!(found(detect, &[(90_000, "c", "u"), (100_000, "a", "u"), (110_000, "b", "u")]), none());
    assert_eq!(found(detect, &[(100_000, "a", "u"), (105_000, "d", "u"), (110_000, "b", "u")]), none());
    assert_eq!(
        found(detect, &[(39_999, "c", "u"), (100_000, "a", "u"), (110_000, "b", "u"), (111_000, "d", "u")]),
        on("u", 2)
    );
}

/// elastic/kibana#168708: an alarm of absence carries nothing of what it is about.
#[test]
fn a_missing_event_is_told_with_the_event_that_it_should_have_followed() {
    let engine = builder("ordered", ABSENCE).build().unwrap();
    let (diagnoses, _) = run(&engine, [(5_000, "a", "pump-1"), (90_000, "c", "pump-2")]);
    let [diagnosis] = &diagnoses[..] else { panic!("{diagnoses:?}") };
    assert_eq!(diagnosis.subject.to_string(), "unit pump-1");
    assert_eq!(diagnosis.symptoms[0].evidence[0].time, event(&engine, (5_000, "a", "")).time());
}

/// The man page of SEC 2.9: event time is the clock on the wall, so a log that is replayed has no absences. And rsigma
/// 0.23: nothing is told because time passed.
#[test]
fn an_old_log_is_judged_by_its_own_time() {
    let engine = builder("ordered", ABSENCE).build().unwrap();
    let mut run = engine.run();
    let source = run.open("s");
    run.push(source, event(&engine, (0, "a", "u")));
    run.advance(event(&engine, (60_000, "", "")).time());
    assert_eq!(run.subjects().len(), 1);
    run.push(source, event(&engine, (59_000, "b", "v")));
    run.advance(event(&engine, (60_001, "", "")).time());
    run.push(source, event(&engine, (60_002, "b", "u")));
    assert_eq!(run.finish().0.len(), 1, "one that comes behind its deadline does not undo it");
}

/// Old versions of Wazuh: `frequency: n` fires after n + 2.
#[test]
fn three_are_three() {
    assert_eq!(found(COUNT, &[(0, "a", "u"), (1, "a", "u")]), none());
    assert_eq!(found(COUNT, &[(0, "a", "u"), (1, "a", "u"), (2, "a", "u")]), on("u", 3));
}

/// WithSecureLabs/chainsaw 2.16 reads `timeframe` and counts over the whole file; others count one that has just left.
#[test]
fn one_that_has_just_left_the_window_does_not_count() {
    assert_eq!(found(COUNT, &[(0, "a", "u"), (30_000, "a", "u"), (60_000, "a", "u")]), none());
    assert_eq!(found(COUNT, &[(1, "a", "u"), (30_000, "a", "u"), (60_000, "a", "u")]), on("u", 3));
    assert_eq!(
        found(COUNT, &[(0, "a", "u"), (30_000, "a", "u"), (60_000, "a", "u"), (60_001, "a", "u")]),
        on("u", 3)
    );
}

/// timescale/rsigma 0.23 searches all that it has stored: with four steps on one key and the last one seen first, 481
/// events took 8.6 ms each, growing with the third power. So many would take it years.
#[test]
fn four_steps_with_thousands_of_repeats_on_one_subject_come_to_an_end() {
    let engine = builder("ordered", FOUR_STEPS).build().unwrap();
    let (diagnoses, summary) = run(&engine, repeats(30_000));
    assert_eq!((diagnoses.len(), summary.records.decoded), (0, 30_000));
    let closed = repeats(30_000).chain([(30_000, "d", "u")]);
    let (diagnoses, _) = run(&engine, closed);
    assert_eq!(diagnoses[0].symptoms[0].events, 4);
    let last: Vec<i64> =
        diagnoses[0].symptoms[0].evidence.iter().map(|e| e.time.nanos() / 1_000_000 % 1_000_000).collect();
    assert_eq!(last, [29_995, 29_996, 29_997, 30_000], "the latest chain");
}

/// What is remembered of such a subject is what the chain may still need: it does not grow with the repeats, and so neither
/// does what has to be gone through at each of them.
#[test]
fn repeats_leave_no_more_behind_the_more_of_them_there_are() {
    let engine = builder("ordered", FOUR_STEPS).build().unwrap();
    let remembered = |events: i64| {
        let mut run = engine.run();
        let source = run.open("s");
        repeats(events).for_each(|seen| run.push(source, event(&engine, seen)));
        let last = event(&engine, (events, "d", "u")).time();
        run.advance(last);
        run.checkpoint().unwrap().to_bytes().len()
    };
    assert_eq!([1_500, 3_000, 30_000].map(remembered), [remembered(600); 3]);
}

const FOUR_STEPS: &str = "{sequence: [a, b, c, d], within: 1h}";

/// The last step, and then the first three again and again, a thousandth of a second apart.
fn repeats(events: i64) -> impl Iterator<Item = Seen> {
    (0..events).map(|at| {
        let word = if at == 0 { "d" } else { ["c", "a", "b"][(at % 3) as usize] };
        (at, word, "u")
    })
}

/// Azure's `scan` follows one sequence at a time unless it is partitioned by hand; elsewhere the events of others break a
/// chain or complete it.
#[test]
fn two_devices_interleaved_are_two_stories() {
    let mixed = [(0, "a", "u"), (1, "a", "v"), (2, "b", "u"), (3, "b", "v")];
    assert_eq!(found(CHAIN, &mixed), [("u".to_owned(), 2), ("v".to_owned(), 2)]);
    assert_eq!(found(CHAIN, &[(0, "a", "u"), (1, "b", "v")]), none());
    assert_eq!(found(COUNT, &[(0, "a", "u"), (1, "a", "v"), (2, "a", "u"), (3, "a", "v")]), none());
    let absent = [(0, "a", "u"), (1_000, "a", "v"), (2_000, "b", "v"), (90_000, "c", "v")];
    assert_eq!(found(ABSENCE, &absent), on("u", 1));
}

/// prometheus/prometheus#17482: a series that goes missing resolves its alert.
#[test]
fn silence_resolves_nothing() {
    let engine = builder("ordered", COUNT).build().unwrap();
    let seen = [(0, "a", "u"), (1_000, "a", "u"), (2_000, "a", "u")];
    assert_eq!(run(&engine, seen).0[0].state, State::Open);
    let mut run = engine.run();
    let (one, silent) = (run.open("one"), run.open("silent"));
    run.push(silent, event(&engine, (0, "c", "w")));
    for one_seen in seen {
        run.push(one, event(&engine, one_seen));
    }
    run.push(one, event(&engine, (80_000_000, "c", "u")));
    assert!(run.drain().is_empty(), "the other source may yet tell of this time");
}
