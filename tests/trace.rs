//! Why a symptom is there or not, for one subject: the trace, its episodes, and time that passes without events.

use std::time::Duration;

use etiolog::model::Measure;
use etiolog::predicate::Truth;
use etiolog::{Engine, Pack, Run, SourceId, Status, Subject, SymptomTrace, Timestamp};

const RULES: &str = "etiolog: 1\narticle: a\ntitle: A
events: {drop: {word: drop}, back: {word: back}, trip: {word: trip}}
symptoms:
  thrice:
    title: Three drops within an hour
    per: unit
    detect: {count: {event: drop, at-least: 3, within: 1h}}
    when: count.span <= 10.min
  once: {title: A drop, per: unit, detect: {occurrence: {event: drop}}, unless: [thrice]}
  never-back: {title: Never back, per: unit, detect: {sequence: [drop, {never: back}], within: 15m}}
  trips:
    title: Several trip
    per: site
    detect:
      distinct: {event: trip, of: unit,
                 at-least: 2, within: 5m}
causes:
  c: {title: C, severity: warning, explains: {thrice: often, once: often, never-back: often, trips: often}}
";

struct Stage {
    engine: Engine,
    run: Run,
    source: SourceId,
}

impl Stage {
    fn new() -> Self {
        let pack = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\n\
                    subjects: [{name: site, quiet: 2h}, {name: unit, in: site, quiet: 2h}]\nproblem: {word: drop}\n";
        let texts = [("pack.yaml".to_owned(), pack.to_owned()), ("a.yaml".to_owned(), RULES.to_owned())];
        let engine = Engine::builder().pack(Pack::from_texts(texts)).build().unwrap();
        let mut run = engine.run();
        let source = run.open("s");
        Self { engine, run, source }
    }

    fn show(&mut self, minute: i64, unit: &str, word: &str) {
        let event = self.engine.event(at(minute)).field("site", "s1").field("unit", unit).field("word", word);
        self.run.push(self.source, event.build());
    }

    fn trace(&self, symptom: &str) -> SymptomTrace {
        one(self.run.trace(&unit("u1")), symptom)
    }
}

fn one(traces: Vec<SymptomTrace>, symptom: &str) -> SymptomTrace {
    traces.into_iter().find(|trace| &*trace.id == symptom).unwrap()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000_020 + minute * 60).unwrap()
}

fn unit(id: &str) -> Subject {
    Subject::new([("site", "s1"), ("unit", id)])
}

#[test]
fn every_symptom_of_the_level_is_there_in_the_order_of_the_rules() {
    let mut stage = Stage::new();
    stage.show(0, "u1", "drop");
    stage.run.close(stage.source);
    let ids = |subject: &Subject| -> Vec<String> {
        stage.run.trace(subject).iter().map(|trace| trace.id.to_string()).collect()
    };
    assert_eq!(stage.run.subjects(), [Subject::new([("site", "s1")]), unit("u1")]);
    assert_eq!(ids(&unit("u1")), ["a#never-back", "a#once", "a#thrice"]);
    assert_eq!(ids(&Subject::new([("site", "s1")])), ["a#trips"]);
    assert_eq!(ids(&unit("nobody")), ids(&unit("u1")));
    assert_eq!(ids(&Subject::new([("planet", "p")])), Vec::<String>::new());
    let nobody = one(stage.run.trace(&unit("nobody")), "a#once");
    assert!(nobody.unseen && nobody.events == 0 && nobody.status == Status::Absent);
}

#[test]
fn what_the_detector_finds_the_condition_may_refuse() {
    let mut stage = Stage::new();
    [0, 6, 12].iter().for_each(|&minute| stage.show(minute, "u1", "drop"));
    stage.run.close(stage.source);
    let thrice = stage.trace("a#thrice");
    assert_eq!((thrice.events, thrice.status, thrice.found.is_present()), (3, Status::Absent, true));
    assert_eq!(&*thrice.wanted, "{count: {event: drop, at-least: 3, within: 1h}}");
    let when = thrice.when.unwrap();
    assert_eq!((&*when.source, when.answer), ("count.span <= 10.min", Some(Truth::False)));
    assert_eq!(when.reads, [("span".into(), Some(Measure::Span(Duration::from_secs(720))))]);
    assert!(stage.trace("a#once").status.is_present(), "what is not present blocks nothing");
}

#[test]
fn a_symptom_that_gives_way_names_what_it_gives_way_to() {
    let mut stage = Stage::new();
    [0, 3, 6].iter().for_each(|&minute| stage.show(minute, "u1", "drop"));
    stage.run.close(stage.source);
    let once = stage.trace("a#once");
    assert_eq!((once.status, once.found.is_present()), (Status::Absent, true));
    assert_eq!(once.blocked_by, ["a#thrice".into()]);
}

#[test]
fn a_condition_over_a_pattern_that_is_not_there_is_not_asked() {
    let mut stage = Stage::new();
    stage.show(0, "u1", "drop");
    stage.run.close(stage.source);
    let thrice = stage.trace("a#thrice");
    assert_eq!(thrice.when.unwrap().answer, None);
    assert_eq!(thrice.measures.first().unwrap().1, Measure::Count(0));
}

#[test]
fn a_condition_over_several_lines_is_shown_on_one() {
    let mut stage = Stage::new();
    stage.show(0, "u1", "trip");
    stage.run.close(stage.source);
    let trips = one(stage.run.trace(&Subject::new([("site", "s1")])), "a#trips");
    assert_eq!(&*trips.wanted, "distinct: {event: trip, of: unit, at-least: 2, within: 5m}");
    assert!(!trips.unseen && trips.events == 1);
}

#[test]
fn an_absence_is_decided_when_the_host_says_that_time_has_passed() {
    let mut stage = Stage::new();
    stage.show(0, "u1", "drop");
    stage.run.advance(at(14));
    assert!(matches!(stage.trace("a#never-back").status, Status::Unknown(_)));
    stage.run.advance(at(15));
    assert!(stage.trace("a#never-back").status.is_present());
    stage.show(15, "u1", "back");
    stage.show(16, "u1", "back");
    stage.run.close(stage.source);
    let (diagnoses, summary) = stage.run.finish();
    assert_eq!((diagnoses.len(), summary.records.late, summary.records.decoded), (1, 1, 2));
}

#[test]
fn days_may_pass_between_events_when_the_host_says_so() {
    let mut stage = Stage::new();
    stage.show(0, "u1", "drop");
    stage.run.advance(at(5 * 1440));
    stage.show(5 * 1440 + 1, "u1", "drop");
    stage.run.close(stage.source);
    assert_eq!(stage.run.finish().1.records.decoded, 2);
}

#[test]
fn when_the_subject_is_quiet_the_trace_begins_again_and_the_ending_is_kept() {
    let mut stage = Stage::new();
    stage.run.follow(|subject| subject.id() == "u1");
    stage.show(0, "u1", "drop");
    stage.show(0, "u2", "drop");
    stage.run.advance(at(300));
    let once = stage.trace("a#once");
    assert!(once.unseen && once.status == Status::Absent);
    let endings = stage.run.endings(&unit("u1"));
    let times: Vec<Timestamp> = endings.iter().map(|ending| ending.time).collect();
    assert_eq!(times, [at(135)], "two hours after the absence spoke");
    assert!(one(endings[0].symptoms.clone(), "a#once").status.is_present());
    assert!(stage.run.endings(&unit("u2")).is_empty(), "nobody asked for it");
}

#[test]
fn a_trace_as_json_leaves_out_what_is_not_there() {
    let mut stage = Stage::new();
    stage.show(0, "u1", "drop");
    stage.run.close(stage.source);
    let json = serde_json::to_string(&stage.trace("a#once")).unwrap();
    assert_eq!(
        json,
        r#"{"id":"a#once","title":"A drop","subject":{"site":"s1","unit":"u1"},"status":"present","confidence":1.0,"unseen":false,"events":1,"wanted":"{occurrence: {event: drop}}","found":{"status":"present","confidence":1.0},"measures":{"events":1}}"#
    );
}
