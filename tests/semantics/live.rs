//! Several sources, some of which pause, and what a stream says while it goes on.

use std::time::Duration;

use etiolog::{Diagnosis, Engine, Event, Run, SourceId, Summary, Timestamp};

use super::{COUNT, NEVER_BACK, builder, pack, run};

const HOUR: i64 = 3_600;

fn event(engine: &Engine, second: i64, word: &str) -> Event {
    let time = Timestamp::from_seconds(1_000_000 + second).unwrap();
    engine.event(time).field("unit", "u").field("word", word).build()
}

/// Twice: the first record of a source waits for a second one.
fn start(run: &mut Run, engine: &Engine, source: SourceId, second: i64) {
    run.push(source, event(engine, second, "other"));
    run.push(source, event(engine, second, "other"));
}

fn without_ids((diagnoses, summary): (Vec<Diagnosis>, Summary)) -> (Vec<(String, u64)>, u64) {
    let seen = diagnoses.iter().map(|d| (d.verdict.to_string(), d.problem_events)).collect();
    (seen, summary.records.late)
}

#[test]
fn s04_sources_of_different_pace_make_nobody_late_and_change_no_answer() {
    let engine = builder(COUNT).build().unwrap();
    // Three drops within a minute, one on each source; the third source brings ten records where the others bring one.
    let pace = |order: &[usize]| {
        let mut run = engine.run();
        let sources = ["a", "b", "c"].map(|name| run.open(name));
        let mut next = [0_i64; 3];
        for &which in order {
            let steps = if which == 2 { 10 } else { 1 };
            for _ in 0..steps {
                let second = next[which];
                let word = if (3_000..3_060).contains(&second) { "drop" } else { "other" };
                run.push(sources[which], event(&engine, second, word));
                next[which] += 30 * if which == 2 { 1 } else { 10 } + which as i64;
            }
        }
        without_ids(run.finish())
    };
    let even: Vec<usize> = (0..3 * 40).map(|n| n % 3).collect();
    let one_after_the_other: Vec<usize> = (0..3 * 40).map(|n| n / 40).collect();
    let (diagnoses, late) = pace(&even);
    assert_eq!((diagnoses.len(), late), (1, 0));
    assert_eq!(pace(&one_after_the_other), (diagnoses, 0));
}

#[test]
fn s04_a_source_hours_ahead_does_not_make_the_others_late() {
    let engine = builder(COUNT).build().unwrap();
    let mut run = engine.run();
    let (ahead, slow) = (run.open("ahead"), run.open("slow"));
    start(&mut run, &engine, ahead, 0);
    (1..=20).for_each(|hour| run.push(ahead, event(&engine, hour * HOUR, "other")));
    start(&mut run, &engine, slow, 0);
    (0..3).for_each(|second| run.push(slow, event(&engine, second, "drop")));
    let (diagnoses, summary) = run.finish();
    assert_eq!((diagnoses.len(), summary.records.late), (1, 0));
}

#[test]
fn s04_files_of_one_source_that_overlap_less_than_the_lateness_lose_nothing() {
    let late = |overlap: i64| {
        let hours = (0..4).flat_map(|hour| (hour * HOUR - overlap..(hour + 1) * HOUR).step_by(10));
        let events: Vec<(i64, &str)> = hours.map(|second| (second + HOUR, "drop")).collect();
        run(builder(COUNT), &events).1.records.late
    };
    assert_eq!((late(0), late(60)), (0, 0), "the lateness is a minute");
    assert!(late(120) > 0, "and this test can fail");
}

#[test]
fn s15_a_source_that_pauses_holds_nobody_back() {
    let engine = builder(NEVER_BACK).build().unwrap();
    let mut run = engine.run();
    let (busy, silent) = (run.open("busy"), run.open("silent"));
    start(&mut run, &engine, silent, 0);
    start(&mut run, &engine, busy, 0);
    run.push(busy, event(&engine, 1, "drop"));
    // The deadline is 901, the end of the episode 2 h after it, the lateness 60.
    run.push(busy, event(&engine, 901 + 2 * HOUR + 61, "other"));
    assert!(run.drain().is_empty());
    run.idle(silent);
    assert_eq!(run.drain().len(), 1);
}

#[test]
fn s15_what_a_source_brings_after_a_pause_is_late_only_by_the_watermark() {
    let engine = builder(COUNT).build().unwrap();
    let mut run = engine.run();
    let (busy, pausing) = (run.open("busy"), run.open("pausing"));
    start(&mut run, &engine, pausing, 0);
    start(&mut run, &engine, busy, 0);
    run.idle(pausing);
    run.push(busy, event(&engine, 1_000, "other"));
    // The watermark is 940.
    run.push(pausing, event(&engine, 939, "drop"));
    run.push(pausing, event(&engine, 940, "drop"));
    // It is back: the watermark waits for it again.
    run.push(busy, event(&engine, 9_000, "other"));
    run.push(pausing, event(&engine, 941, "drop"));
    run.push(pausing, event(&engine, 942, "drop"));
    let (diagnoses, summary) = run.finish();
    assert_eq!((summary.records.late, diagnoses.len()), (1, 1));
}

#[test]
fn s15_a_late_record_is_no_end_of_a_pause() {
    let engine = builder(COUNT).build().unwrap();
    let mut run = engine.run();
    let (busy, behind) = (run.open("busy"), run.open("behind"));
    start(&mut run, &engine, behind, 0);
    start(&mut run, &engine, busy, 0);
    run.idle(behind);
    for n in 1..=9 {
        run.push(busy, event(&engine, n * 1_000, "other"));
        run.push(behind, event(&engine, n, "drop"));
    }
    run.push(busy, event(&engine, 9_001, "drop"));
    let summary = run.finish().1;
    assert_eq!(summary.records.late, 9, "a clock that is slow for good does not stop all others");
}

#[test]
fn s15_without_a_pause_nothing_changes() {
    let engine = builder(COUNT).build().unwrap();
    let play = |pauses: bool| {
        let mut run = engine.run();
        let (one, two) = (run.open("one"), run.open("two"));
        for second in 0..200 {
            let source = if second % 2 == 0 { one } else { two };
            run.push(source, event(&engine, second, "drop"));
            // Every source has shown its newest: what comes next is newer than anything.
            if pauses && second % 2 == 1 {
                run.idle(one);
                run.idle(two);
            }
        }
        serde_json::to_string(&run.finish()).unwrap()
    };
    assert_eq!(play(true), play(false));
}

#[test]
fn s03_the_horizon_moves_with_the_clock_unless_it_was_declared() {
    let at = |second: i64| Timestamp::from_seconds(1_000_000 + second).unwrap();
    let future = |builder: etiolog::EngineBuilder| {
        let engine = builder.build().unwrap();
        let mut run = engine.run();
        let source = run.open("s");
        start(&mut run, &engine, source, 0);
        run.push(source, event(&engine, 301, "drop"));
        run.clock(at(0).plus(Duration::from_secs(1)));
        run.push(source, event(&engine, 301, "drop"));
        run.push(source, event(&engine, 302, "drop"));
        run.finish().1.records.future
    };
    assert_eq!(future(builder(COUNT).clock(at(0))), 2);
    assert_eq!(future(builder(COUNT).as_of(at(0))), 3);
}

/// What a live stream says of one unit: each change with its verdict.
fn said(detect: &str, events: &[(i64, &str)]) -> Vec<String> {
    let engine = builder(detect).live(true).build().unwrap();
    let mut run = engine.run();
    let source = run.open("s");
    let mut lines = Vec::new();
    for &(second, word) in events {
        run.push(source, event(&engine, second, word));
        run.look();
        lines.extend(run.drain());
    }
    lines.extend(run.finish().0);
    lines.iter().map(|line| line.change.map_or("at the end", etiolog::Change::word).to_owned()).collect()
}

#[test]
fn s13_a_live_stream_says_what_opens_and_what_is_resolved_and_not_every_event() {
    let drops = [(0, "drop"), (1, "drop"), (2, "drop"), (3, "drop"), (100, "drop"), (200, "drop")];
    assert_eq!(said(COUNT, &drops), ["opened", "at the end"]);
    let and_quiet = [&drops[..], &[(9_000, "other")]].concat();
    assert_eq!(said(COUNT, &and_quiet), ["opened", "resolved"]);
    assert_eq!(said(COUNT, &drops[..2]), [""; 0]);
}

#[test]
fn s13_a_batch_run_says_no_change() {
    let text =
        serde_json::to_string(&run(builder(COUNT), &[(0, "drop"), (1, "drop"), (2, "drop")]).0).unwrap();
    assert!(
        text.contains("\"state\":\"open\"") && !text.contains("change") && !text.contains("replaces"),
        "{text}"
    );
}

#[test]
fn s13_an_earlier_event_that_comes_to_speak_changes_the_id_and_the_line_names_the_last_one() {
    let mut pack = pack(COUNT);
    pack.add(
        "a.yaml",
        "etiolog: 1\narticle: a\ntitle: A\nevents:\n  drop: {word: drop}\n  back: {word: back}\nsymptoms:\n  \
         s: {title: S, per: unit, detect: {count: {event: drop, at-least: 3, within: 60s}}}\n  \
         t: {title: T, per: unit, detect: {occurrence: {event: back}}}\n\
         causes:\n  c: {title: C, severity: warning, explains: {s: always, t: always}}\n",
    );
    let engine = Engine::builder().pack(pack).lateness(Duration::ZERO).live(true).build().unwrap();
    let mut run = engine.run();
    let source = run.open("s");
    let mut lines = Vec::new();
    for (second, word) in [(0, "drop"), (1, "drop"), (2, "back"), (3, "drop"), (4, "other"), (9_000, "other")]
    {
        run.push(source, event(&engine, second, word));
        run.look();
        lines.extend(run.drain());
    }
    lines.extend(run.finish().0);
    let said: Vec<_> =
        lines.iter().map(|line| (line.change.unwrap().word(), line.replaces.clone())).collect();
    let first = lines[0].id.clone();
    assert_eq!(said, [("opened", None), ("updated", Some(first)), ("resolved", None)]);
    assert!(lines[0].id != lines[1].id && lines[1].id == lines[2].id);
}

#[test]
fn s13_what_gives_way_to_a_symptom_that_asks_for_nothing_is_withdrawn() {
    let mut pack = pack(COUNT);
    pack.add(
        "a.yaml",
        "etiolog: 1\narticle: a\ntitle: A\nevents:\n  drop: {word: drop}\n  back: {word: back}\nsymptoms:\n  \
         s: {title: S, per: unit, detect: {occurrence: {event: drop}}, unless: [t]}\n  \
         t: {title: T, per: unit, background: 0.6, detect: {occurrence: {event: back}}}\n\
         causes:\n  c: {title: C, severity: warning, explains: {s: always}}\n",
    );
    let engine = Engine::builder().pack(pack).lateness(Duration::ZERO).live(true).build().unwrap();
    let mut run = engine.run();
    let source = run.open("s");
    let mut lines = Vec::new();
    for (second, word) in [(0, "drop"), (1, "back"), (2, "other"), (9_000, "other")] {
        run.push(source, event(&engine, second, word));
        run.look();
        lines.extend(run.drain());
    }
    let (rest, summary) = run.finish();
    lines.extend(rest);
    let said: Vec<_> = lines.iter().map(|line| line.change.unwrap().word()).collect();
    assert_eq!((said, summary.diagnoses, summary.unexplained), (vec!["opened", "withdrawn"], 0, 1));
    assert_eq!(lines[0].id, lines[1].id);
}
