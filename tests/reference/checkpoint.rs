//! A run that is saved and restored goes on as if nothing had happened.

use std::collections::BTreeSet;

use etiolog::{Checkpoint, Diagnosis, Engine, Event, Pack, Summary};
use proptest::prelude::*;

use crate::reference::compare::engine_says;
use crate::reference::properties::hold;
use crate::reference::scenario::{Scenario, anything, calm};
use crate::reference::usual::usual;

const SCENARIOS: u32 = 300;

/// What is said when the run is saved and restored before the events of these places.
fn restarted(
    engine: &Engine,
    sources: usize,
    events: &[(usize, Event)],
    places: &BTreeSet<usize>,
) -> (Vec<Diagnosis>, Summary) {
    let mut run = engine.run();
    let ids: Vec<_> = (0..sources).map(|source| run.open(&source.to_string())).collect();
    let mut diagnoses = Vec::new();
    for (place, (source, event)) in events.iter().enumerate() {
        if places.contains(&place) {
            diagnoses.extend(run.drain());
            let saved = run.checkpoint().unwrap().to_bytes();
            run = engine.restore(&[Checkpoint::from_bytes(&saved).unwrap()]).unwrap();
            assert!(run.begun_anew().is_empty());
            assert!(run.checkpoint().unwrap().to_bytes() == saved, "the bytes are canonical");
        }
        run.push(ids[*source], event.clone());
    }
    let (rest, summary) = run.finish();
    diagnoses.extend(rest);
    (diagnoses, summary)
}

#[test]
fn p06_a_restart_before_any_event_changes_nothing() {
    let scenario = prop_oneof![anything(), calm(), usual()];
    let places = prop_oneof![
        2 => Just((0..60).collect::<BTreeSet<usize>>()),
        3 => prop::collection::btree_set(0..30_usize, 1..6),
    ];
    hold("P6", SCENARIOS, (scenario, places), |(scenario, places): (Scenario, _)| {
        let engine = scenario.engine();
        let events = scenario.events(&engine);
        let plain = engine_says(&engine, scenario.sources, &events);
        let other = restarted(&engine, scenario.sources, &events, &places);
        prop_assert_eq!(plain, other, "{}\n{:?}", scenario.rules.article(), scenario.records);
        Ok(())
    });
}

/// Memory that is split by key groups goes on in parts, each with the events of its own subjects.
#[test]
fn memory_can_be_split_and_merged() {
    hold("split", SCENARIOS, (calm(), 0.0..1.0_f64, 1..4_usize), |(scenario, share, parts)| {
        let engine = scenario.engine();
        let events = scenario.events(&engine);
        let at = (share * events.len() as f64) as usize;
        let mut run = engine.run();
        let source = run.open("0");
        for (_, event) in &events[..at] {
            run.push(source, event.clone());
        }
        drop(run.drain());
        let whole = run.checkpoint().unwrap();
        let split = whole.split(parts, |group| usize::from(group) % parts).unwrap();
        // Put together again it is what it was, whatever the order of the parts.
        let merged = engine.restore(&split).unwrap().checkpoint().unwrap();
        prop_assert!(merged.to_bytes() == whole.to_bytes());
        // And the parts say together what the whole says.
        let mut said = Vec::new();
        for part in &split {
            let mut run = engine.restore(std::slice::from_ref(part)).unwrap();
            run.advance(etiolog::Timestamp::MAX.minus(std::time::Duration::from_secs(1)));
            said.extend(run.drain().into_iter().map(|diagnosis| diagnosis.id));
        }
        let mut run = engine.restore(&[whole]).unwrap();
        run.advance(etiolog::Timestamp::MAX.minus(std::time::Duration::from_secs(1)));
        let mut all: Vec<_> = run.drain().into_iter().map(|diagnosis| diagnosis.id).collect();
        said.sort();
        all.sort();
        prop_assert_eq!(said, all);
        Ok(())
    });
}

/// A pack with two symptoms, of which the second wants so many events.
fn pack(title: &str, at_least: u32) -> Pack {
    let rules = format!(
        "etiolog: 1
article: x
title: {title}
events:
  a: {{word: a}}
symptoms:
  pair:
    title: Two
    per: device
    detect: {{count: {{event: a, at-least: 2, within: 1h}}}}
  few:
    title: A few
    per: device
    detect: {{count: {{event: a, at-least: {at_least}, within: 1h}}}}
causes:
  why:
    title: Why
    explains: {{pair: usually, few: usually}}
    severity: warning
    solutions: [look]
solutions:
  look: {{do: Look}}
"
    );
    let pack = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: device, quiet: 1h}]\nproblem: {word: a}\n";
    Pack::from_texts([("pack.yaml", pack), ("x.yaml", &rules)])
}

fn engine(title: &str, at_least: u32) -> Engine {
    Engine::builder().pack(pack(title, at_least)).build().unwrap()
}

/// Two events before the restart, one after it.
fn saved(engine: &Engine) -> (Checkpoint, Event) {
    let event = |second: i64| {
        let time = etiolog::Timestamp::from_seconds(1_000_000_000 + second).unwrap();
        engine.event(time).field("word", "a").field("device", "d").build()
    };
    let mut run = engine.run();
    let source = run.open("s");
    (0..2).for_each(|second| run.push(source, event(second)));
    run.advance(event(2).time());
    (run.checkpoint().unwrap(), event(3))
}

/// How many events speak for each symptom that is present in the end.
fn present(engine: &Engine, checkpoint: &Checkpoint, event: Event) -> (Vec<(String, u64)>, Vec<String>) {
    let mut run = engine.restore(std::slice::from_ref(checkpoint)).unwrap();
    let anew = run.begun_anew().iter().map(|id| id.to_string()).collect();
    let source = run.open("more");
    run.push(source, event);
    let (diagnoses, summary) = run.finish();
    assert_eq!(summary.records.read, 3);
    let symptoms = diagnoses.iter().flat_map(|diagnosis| &diagnosis.symptoms);
    let present = symptoms.filter(|symptom| symptom.status.is_present());
    (present.map(|symptom| (symptom.id.to_string(), symptom.events)).collect(), anew)
}

#[test]
fn s24_a_rule_that_has_changed_begins_anew_and_the_others_go_on() {
    let (checkpoint, event) = saved(&engine("X", 3));
    let pair = ("x#pair".to_owned(), 3);
    // A title, an article's text or the order of files change nothing.
    let same = present(&engine("Another title", 3), &checkpoint, event.clone());
    assert_eq!(same, (vec![("x#few".to_owned(), 3), pair.clone()], vec![]));
    let changed = present(&engine("X", 4), &checkpoint, event);
    assert_eq!(changed, (vec![pair], vec!["x#few".to_owned()]));
}

#[test]
fn s25_a_checkpoint_that_is_cut_or_has_one_bit_wrong_is_refused() {
    let (checkpoint, _) = saved(&engine("X", 3));
    let bytes = checkpoint.to_bytes();
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
    for end in 0..bytes.len() {
        assert!(Checkpoint::from_bytes(&bytes[..end]).unwrap_err().is_checkpoint(), "cut at {end}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut wrong = bytes.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(Checkpoint::from_bytes(&wrong).is_err(), "bit {bit}");
    }
    // With the digest of this version it is this version, damaged; a newer one has another digest at its end.
    let mut newer = bytes;
    newer[8] = 9;
    let why = Checkpoint::from_bytes(&newer).unwrap_err().to_string();
    assert_eq!(why, "cannot go on from this checkpoint: it is damaged: its version is not what was written");
    *newer.last_mut().unwrap() ^= 1;
    let why = Checkpoint::from_bytes(&newer).unwrap_err().to_string();
    assert_eq!(
        why,
        "cannot go on from this checkpoint: it is of version 9, and this program reads checkpoints up to version 1"
    );
}

#[test]
fn a_checkpoint_loses_no_diagnosis() {
    let engine = engine("X", 3);
    let (checkpoint, event) = saved(&engine);
    let mut run = engine.restore(&[checkpoint]).unwrap();
    run.advance(event.time().plus(std::time::Duration::from_secs(7200)));
    assert!(run.checkpoint().is_err(), "a diagnosis is ready");
    assert_eq!(run.drain().len(), 1);
    assert!(run.checkpoint().is_ok());
}
