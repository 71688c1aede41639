//! A live stream: what it says before an episode is over, and that to look changes nothing.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use etiolog::{Change, Diagnosis, Engine, Expand, Pack, Pipeline, Subject, Summary};
use proptest::prelude::*;

use crate::reference::compare::engine_says;
use crate::reference::properties::hold;
use crate::reference::scenario::{anything, calm};

/// The lines that a batch run gives too, as it gives them.
fn finals(lines: &[Diagnosis]) -> Vec<Diagnosis> {
    let last = lines.iter().filter(|line| matches!(line.change, None | Some(Change::Resolved)));
    last.map(|line| {
        let mut plain = line.clone();
        (plain.change, plain.replaces) = (None, None);
        plain
    })
    .collect()
}

/// Whether each line fits what was said before of its subject; what is wrong, if not.
fn fault(lines: &[Diagnosis]) -> Option<String> {
    let mut said: BTreeMap<&Subject, &Diagnosis> = BTreeMap::new();
    for line in lines {
        let before = said.remove(&line.subject);
        let expected = before.map(|before| Arc::clone(&before.id)).filter(|id| *id != line.id);
        let told = |line: &Diagnosis| (line.verdict.clone(), line.severity, line.explained_by.clone());
        let fits = match line.change {
            Some(Change::Opened) => before.is_none(),
            Some(Change::Updated) => {
                before.is_some_and(|before| told(before) != told(line) || before.id != line.id)
            }
            Some(Change::Withdrawn) => before.is_some_and(|before| {
                let alike = |line: &Diagnosis| (line.id.clone(), line.no_action, told(line));
                alike(before) == alike(line)
            }),
            Some(Change::Resolved) => true,
            None => before.is_some_and(|before| before.id == line.id && told(before) == told(line)),
            Some(_) => false,
        };
        let over = matches!(line.change, Some(Change::Resolved | Change::Withdrawn) | None);
        if !fits || (line.change != Some(Change::Withdrawn) && line.replaces != expected) {
            return Some(format!("{line:?}\nafter {before:?}"));
        }
        if !over {
            said.insert(&line.subject, line);
        }
    }
    (!said.is_empty()).then(|| format!("said and never ended: {said:?}"))
}

#[test]
fn to_look_changes_no_final_answer_and_no_sum() {
    let looks = prop::collection::vec(0_u8..4, 60);
    let mut seen = BTreeMap::new();
    let counts = std::cell::RefCell::new(&mut seen);
    hold("live", 500, (prop_oneof![anything(), calm()], looks), |(scenario, looks)| {
        let (plain, engine) = (scenario.engine(), scenario.live_engine());
        let events = scenario.events(&plain);
        let (batch, sums) = engine_says(&plain, scenario.sources, &events);
        let mut run = engine.run();
        let open: Vec<_> = (0..scenario.sources).map(|source| run.open(&source.to_string())).collect();
        let mut lines = Vec::new();
        for ((source, event), look) in events.iter().zip(looks.iter().cycle()) {
            run.push(open[*source], event.clone());
            if *look == 0 {
                run.look();
            }
            lines.extend(run.drain());
            // What was said outlives the run.
            if *look == 1 {
                run = engine.restore(&[run.checkpoint().unwrap()]).unwrap();
            }
        }
        let (rest, summary) = run.finish();
        lines.extend(rest);
        prop_assert_eq!(finals(&lines), batch);
        prop_assert_eq!(summary, sums);
        let fault = fault(&lines);
        prop_assert!(fault.is_none(), "{}\n{}", scenario.rules.article(), fault.unwrap_or_default());
        for line in &lines {
            *counts.borrow_mut().entry((line.change, line.replaces.is_some())).or_insert(0_u32) += 1;
        }
        Ok(())
    });
    // What was never met would be proved of nothing.
    for change in [Change::Opened, Change::Resolved] {
        assert!(seen.contains_key(&(Some(change), false)), "{change:?}: {seen:?}");
    }
}

/// Four hours of a fleet, looked at after every 128 KiB.
fn morning(live: bool) -> (Vec<Diagnosis>, Summary) {
    let mut text = Vec::new();
    Expand::new(std::fs::File::open("samples/fleet-day.jsonl.gz").unwrap())
        .take(1 << 24)
        .read_to_end(&mut text)
        .unwrap();
    let pack = Pack::shipped("azure-iot-hub").unwrap();
    let mut pipeline = Pipeline::new(&Engine::builder().pack(pack).live(live).build().unwrap());
    let source = pipeline.open("day");
    let mut lines = Vec::new();
    for chunk in text.chunks(1 << 17) {
        pipeline.push(source, chunk);
        if live {
            pipeline.look();
        }
        lines.extend(pipeline.drain());
    }
    let (rest, summary) = pipeline.finish();
    lines.extend(rest);
    (lines, summary)
}

#[test]
fn a_morning_of_a_fleet_says_the_same_in_the_end_whether_it_is_watched_or_not() {
    let ((batch, sums), (lines, summary)) = (morning(false), morning(true));
    assert!(batch.iter().all(|one| one.change.is_none()));
    assert_eq!(finals(&lines), batch);
    assert_eq!(summary, sums);
    assert_eq!(fault(&lines), None);
    let opened = lines.iter().filter(|line| line.change == Some(Change::Opened)).count();
    assert!(opened > 10 && lines.len() < 8 * batch.len(), "{opened} opened, {} lines", lines.len());
}

/// Two halves of a log, each a file.
fn halves() -> (String, String) {
    let line =
        |n: u64| format!("{{\"at\":\"2026-01-05T00:{n:02}:00Z\",\"unit\":\"u{n:02}\",\"word\":\"drop\"}}\n");
    ((0..20).map(line).collect(), (20..40).map(line).collect())
}

fn lines_engine() -> Engine {
    let pack = Pack::from_texts(
        [
            ("pack.yaml", "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: unit, quiet: 2h}]\nproblem: {word: drop}\n"),
            (
                "a.yaml",
                "etiolog: 1\narticle: a\ntitle: A\nevents:\n  drop: {word: drop}\n\
                 symptoms:\n  s: {title: S, per: unit, detect: {occurrence: {event: drop}}}\n\
                 causes:\n  c: {title: C, severity: warning, explains: {s: always}}\n",
            ),
            (
                "inputs/lines.yaml",
                "etiolog: 1\ninput: lines\ntitle: Lines\nformat: json\ntime: {from: at}\n\
                 fields: {unit: {from: unit}, word: {from: word}}\n",
            ),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned())),
    );
    Engine::builder().pack(pack).lateness(Duration::from_secs(3_600)).build().unwrap()
}

#[test]
fn files_that_are_read_by_turns_say_what_they_say_one_after_the_other() {
    let (one, two) = halves();
    let engine = lines_engine();
    let said = |turns: &[usize]| {
        let mut pipeline = Pipeline::new(&engine);
        let source = pipeline.open("logs");
        let files = ["one", "two"].map(|name| pipeline.begin_file(source, name));
        let mut rest = [one.as_bytes(), two.as_bytes()];
        for &which in turns {
            let (now, later) = rest[which].split_at(rest[which].len().min(37));
            pipeline.push_to(files[which], now);
            rest[which] = later;
        }
        assert!(rest.iter().all(|rest| rest.is_empty()));
        serde_json::to_string(&pipeline.finish()).unwrap()
    };
    let pieces = one.len().max(two.len()) / 37 + 1;
    let in_turn: Vec<usize> = (0..2 * pieces).map(|n| n / pieces).collect();
    let by_turns: Vec<usize> = (0..2 * pieces).map(|n| n % 2).collect();
    assert_eq!(said(&in_turn), said(&by_turns));
    assert!(said(&in_turn).contains("\"decoded\":40"));
}

#[test]
fn files_that_are_read_by_turns_go_on_after_a_restart() {
    let (one, two) = halves();
    let engine = lines_engine();
    let said = |restart: bool| {
        let mut pipeline = Pipeline::new(&engine);
        let source = pipeline.open("logs");
        let files = ["one", "two"].map(|name| pipeline.begin_file(source, name));
        let cut = |text: &str| text.len() * 5 / 8;
        pipeline.push_to(files[0], &one.as_bytes()[..cut(&one)]);
        pipeline.push_to(files[1], &two.as_bytes()[..cut(&two)]);
        if restart {
            pipeline = Pipeline::restore(&engine, &pipeline.checkpoint().unwrap()).unwrap();
            let beside = pipeline.files_beside();
            assert_eq!(
                beside.iter().map(|(id, name)| (*id, &**name)).collect::<Vec<_>>(),
                [(files[0], "one"), (files[1], "two")]
            );
            for (id, name) in beside {
                pipeline.again_file(id);
                let text = if &*name == "one" { &one } else { &two };
                pipeline.push_to(id, &text.as_bytes()[..cut(text)]);
            }
        }
        pipeline.push_to(files[1], &two.as_bytes()[cut(&two)..]);
        pipeline.push_to(files[0], &one.as_bytes()[cut(&one)..]);
        serde_json::to_string(&pipeline.finish()).unwrap()
    };
    assert_eq!(said(true), said(false));
}
