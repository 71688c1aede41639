use std::collections::BTreeSet;

use super::{KEPT, MOODS};
use crate::engine::{Engine, Run, SourceId};
use crate::model::{Diagnosis, Timestamp};
use crate::pack::Pack;

/// So many flags tell signatures apart: more sets of them than moods.
const FLAGS: usize = 13;

/// A pump that fails after a start, and symptoms that begin with a flag and never go on.
fn engine() -> Engine {
    let flags = |line: &dyn Fn(usize) -> String| (0..FLAGS).map(line).collect::<String>();
    let pack = "etiolog: 1\npack: pumps\ntitle: Pumps\nversion: '1'\nties: any\nproblem: {word: fail}\n\
        subjects: [{name: plant, quiet: 1h}, {name: pump, in: plant, quiet: 3h}]\n";
    let rules = format!(
        "etiolog: 1\narticle: wear\ntitle: Wear\nevents:\n  start: {{word: start}}\n  fail: {{word: fail}}\n{}\
         symptoms:\n  after-start:\n    title: It fails after a start\n    per: pump\n    \
         detect: {{sequence: {{steps: [start, fail], within: 1m}}}}\n{}\
         causes:\n  bearing:\n    title: A bearing is worn\n    explains: {{after-start: always{}}}\n    \
         severity: error\n    solutions: [change]\nsolutions:\n  change: {{do: Change the bearing}}\n",
        flags(&|flag| format!("  f{flag}: {{flag{flag}: true}}\n")),
        flags(&|flag| format!(
            "  s{flag}:\n    title: A flag and a failure\n    per: pump\n    \
             detect: {{sequence: {{steps: [f{flag}, {{never: start}}, fail], within: 1ms}}}}\n"
        )),
        flags(&|flag| format!(", s{flag}: seldom")),
    );
    let pack = Pack::from_texts([("pack.yaml", pack.to_owned()), ("wear.yaml", rules)]);
    Engine::builder().pack(pack).build().unwrap_or_else(|error| panic!("{error}"))
}

fn say(
    run: &mut Run,
    engine: &Engine,
    source: SourceId,
    (second, pump): (i64, usize),
    word: &str,
    flags: usize,
) {
    let time = Timestamp::from_seconds(1_772_582_400 + second).unwrap_or(Timestamp::MIN);
    let event = engine.event(time).field("word", word).field("plant", "north");
    let event = event.field("pump", format!("{pump}"));
    let set = (0..FLAGS).filter(|flag| flags >> flag & 1 == 1);
    let event = set.fold(event, |event, flag| event.field(&format!("flag{flag}"), true));
    run.push(source, event.build());
}

/// The entries of all pumps, and how many events are kept for them.
fn watched(run: &Run) -> (usize, usize) {
    let pumps = run.ward.subjects.all().filter(|&subject| run.ward.subjects.level(subject) == 1);
    let charts: Vec<_> =
        pumps.filter_map(|subject| run.ward.charts.get(usize::try_from(subject).ok()?)).collect();
    (charts.iter().map(|c| c.entries.len()).sum(), charts.iter().map(|c| c.rest.kept.len()).sum())
}

fn pumps(diagnoses: &[Diagnosis]) -> usize {
    diagnoses.iter().map(|diagnosis| diagnosis.subject.to_string()).collect::<BTreeSet<_>>().len()
}

#[test]
fn what_has_not_begun_is_not_watched_and_remembers_the_last_event() {
    let engine = engine();
    let mut run = engine.run();
    let source = run.open("log");
    (0..500).for_each(|minute| say(&mut run, &engine, source, (60 * minute, 1), "start", 0));
    assert_eq!(watched(&run), (0, 2), "the present start and the one before");
    let kept = run.checkpoint().unwrap_or_else(|error| panic!("{error}"));
    let restored = engine.restore(&[kept]).unwrap_or_else(|error| panic!("{error}"));
    let end = |mut run: Run| {
        say(&mut run, &engine, source, (60 * 499 + 7, 1), "fail", 0);
        run.finish().0
    };
    let diagnoses = end(run);
    let lines: Vec<u64> = diagnoses[0].symptoms[0].evidence.iter().map(|exhibit| exhibit.line).collect();
    assert_eq!((diagnoses.len(), lines), (1, vec![500, 501]));
    assert_eq!(end(restored), diagnoses, "a checkpoint holds what sleeps");
}

#[test]
fn more_events_of_one_time_than_are_kept_wake_the_subject() {
    let engine = engine();
    let mut run = engine.run();
    let source = run.open("log");
    (0..KEPT + 9).for_each(|_| say(&mut run, &engine, source, (0, 1), "start", 0));
    say(&mut run, &engine, source, (5, 1), "fail", 0);
    say(&mut run, &engine, source, (3_600, 2), "start", 0);
    let (entries, kept) = watched(&run);
    assert_eq!((entries, kept), (1 + FLAGS, 0), "all that ask about a start");
    let (diagnoses, _) = run.finish();
    assert_eq!(diagnoses[0].symptoms[0].events, 2);
    assert_eq!(pumps(&diagnoses), 1);
}

#[test]
fn a_subject_that_would_need_one_mood_too_many_is_watched_from_then_on() {
    let engine = engine();
    let mut run = engine.run();
    let source = run.open("log");
    let many = MOODS + 50;
    (0..many).for_each(|pump| say(&mut run, &engine, source, (0, pump), "start", pump));
    (0..many).for_each(|pump| say(&mut run, &engine, source, (5, pump), "fail", 0));
    assert_eq!(pumps(&run.finish().0), many, "each has failed after its start");
}
