//! What a diagnosis says: how probable, why unknown, explained by what, told together with what, and what to do.

use std::sync::Arc;
use std::time::Duration;

use etiolog::model::{Points, SymptomReport};
use etiolog::output::Style;
use etiolog::{Diagnosis, Engine, Pack, Pipeline, Run, SourceId, State, Status, Summary, Timestamp, Value};

const PACK: &str = "etiolog: 1\npack: works\ntitle: Works\nversion: '1'\nidentity: record\nties: any\n\
                    subjects: [{name: line, quiet: 2h}, {name: pump, in: line, quiet: 2h}]\nproblem: {word: [stop, refusal]}\n";

const STOPS: &str = "etiolog: 1
article: stops
title: Pumps stop
events:
  stop: {word: stop}
  hum: {word: hum}
  hot: {heat: {at-least: 80}}
  calm: {word: calm}
symptoms:
  stops:
    title: Stops three times in an hour
    per: pump
    background: 0.02
    detect: {count: {event: stop, at-least: 3, within: 1h}}
  hot:
    title: The bearing is hot
    per: pump
    detect: {occurrence: {event: hot}}
  hum:
    title: Hums
    per: pump
    detect: {occurrence: {event: hum}}
  regular:
    title: Stops at regular intervals
    per: pump
    detect: {periodic: {event: stop, period: 10m..2h}}
  never-calm:
    title: Does not calm down after a stop
    per: pump
    detect: {absence: {event: calm, since: stop, for: 20m}}
  many:
    title: Many pumps stop at once
    per: line
    detect: {distinct: {event: stop, of: pump, at-least: 4, within: 5m}}
causes:
  worn:
    title: The bearing is worn
    prior: uncommon
    severity: warning
    explains: {stops: usually, hot: almost-always}
    solutions: [grease, replace, force]
  jam:
    title: Something is stuck in the inlet
    prior: uncommon
    severity: error
    explains: {stops: usually, regular: often, never-calm: sometimes}
    solutions: [clean]
  warm-up:
    title: The pump warms up
    prior: common
    severity: benign
    explains: {hum: almost-always}
    solutions: [wait]
  mains:
    title: The mains of the line failed
    prior: uncommon
    severity: critical
    explains: {many: almost-always, stops: always}
    solutions: [call]
solutions:
  grease: {do: Grease the bearing.}
  replace: {do: Replace the bearing.}
  force: {avoid: Raising the pressure; it breaks the seal.}
  clean: {do: Clean the inlet.}
  wait: {nothing: it hums for a minute after a cold night.}
  call: {do: Call the grid operator.}
";

/// Another article: what its symptom shows, a cause of the first one explains as well.
const REFUSALS: &str = "etiolog: 1
article: refusals
title: Orders are refused
events:
  refusal: {word: refusal}
symptoms:
  refused:
    title: Refuses orders
    per: pump
    detect: {occurrence: {event: refusal}}
causes:
  locked:
    title: Somebody has locked the pump
    prior: uncommon
    severity: warning
    explains: {refused: usually}
  blocked:
    title: A pump that stops also refuses orders
    prior: common
    severity: error
    explains: {refused: almost-always, stops#stops: almost-always}
";

fn engine(articles: &[(&str, &str)]) -> Engine {
    let texts = [("pack.yaml", PACK)].into_iter().chain(articles.iter().copied());
    Engine::builder().pack(Pack::from_texts(texts)).lateness(Duration::from_secs(600)).build().unwrap()
}

fn stops() -> Engine {
    engine(&[("stops.yaml", STOPS)])
}

/// A run that is fed by hand, in seconds from some day.
struct Works {
    engine: Engine,
    run: Run,
    source: SourceId,
}

impl Works {
    fn new(engine: Engine) -> Self {
        let mut run = engine.run();
        let source = run.open("works.log");
        Self { engine, run, source }
    }

    fn say(&mut self, second: i64, pump: &str, word: &str) {
        let time = Timestamp::from_seconds(1_767_600_000 + second).unwrap();
        let event = self.engine.event(time).field("line", "north").field("pump", pump).field("word", word);
        self.run.push(self.source, event.build());
    }

    fn heat(&mut self, second: i64, pump: &str, heat: i64) {
        let time = Timestamp::from_seconds(1_767_600_000 + second).unwrap();
        let event = self.engine.event(time).field("line", "north").field("pump", pump);
        self.run.push(self.source, event.field("heat", Value::Int(heat)).build());
    }

    fn stop_three_times(&mut self, second: i64, pump: &str) {
        (0..3).for_each(|n| self.say(second + n * 60, pump, "stop"));
        self.say(second + 150, pump, "calm");
    }

    fn finish(self) -> (Vec<Diagnosis>, Summary) {
        self.run.finish()
    }
}

fn text(engine: &Engine, diagnoses: &[Diagnosis], summary: &Summary) -> String {
    let mut out = Vec::new();
    let mut report = engine.registry().find_report("text").unwrap().open(Style { width: 90, color: false });
    diagnoses.iter().for_each(|diagnosis| report.diagnosis(diagnosis, &mut out).unwrap());
    report.summary(summary, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    // The entries; what is counted below them is not the matter here.
    text.split(" records ").next().unwrap().trim_end().to_owned()
}

fn json(engine: &Engine, diagnoses: &[Diagnosis], summary: &Summary) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    let mut report = engine.registry().find_report("json").unwrap().open(Style::default());
    diagnoses.iter().for_each(|diagnosis| report.diagnosis(diagnosis, &mut out).unwrap());
    report.summary(summary, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn symptom<'a>(diagnosis: &'a Diagnosis, id: &str) -> &'a SymptomReport {
    diagnosis.symptoms.iter().find(|symptom| &*symptom.id == id).unwrap()
}

fn why(diagnosis: &Diagnosis, id: &str) -> String {
    match &symptom(diagnosis, id).status {
        Status::Unknown(why) => why.to_string(),
        status => status.word().to_owned(),
    }
}

fn of<'a>(diagnoses: &'a [Diagnosis], pump: &str) -> &'a Diagnosis {
    diagnoses.iter().find(|diagnosis| diagnosis.subject.id() == pump).unwrap()
}

/// The probability of each cause and of none, by the rule of docs/differential.md, from what the JSON line says alone.
fn by_hand(line: &serde_json::Value) -> (Vec<f64>, f64) {
    let causes = line["causes"].as_array().unwrap();
    let priors: Vec<f64> = causes.iter().map(|cause| cause["prior"].as_f64().unwrap()).collect();
    let strength = |cause: &serde_json::Value, symptom: &serde_json::Value| {
        let points = cause["points"].as_array().unwrap();
        let points = points.iter().find(|points| points["symptom"] == symptom["id"]);
        points.and_then(|points| points["strength"].as_f64()).unwrap_or(0.0)
    };
    let mut weights = Vec::new();
    for set in 0..1_usize << causes.len() {
        let at_work = |cause: usize| set & (1 << cause) != 0;
        let prior = priors.iter().enumerate().map(|(at, p)| if at_work(at) { *p } else { 1.0 - p });
        let mut weight: f64 = prior.product();
        for symptom in line["symptoms"].as_array().unwrap() {
            let mut silent = 1.0 - symptom["background"].as_f64().unwrap();
            for (_, cause) in causes.iter().enumerate().filter(|(at, _)| at_work(*at)) {
                silent *= 1.0 - strength(cause, symptom);
            }
            weight *= match symptom["status"].as_str().unwrap() {
                "present" => {
                    // What is nearly certain is not written as certain.
                    let q = Some(symptom["confidence"].as_f64().unwrap())
                        .filter(|q| *q < 0.999_999)
                        .unwrap_or(1.0);
                    q * (1.0 - silent) + (1.0 - q) * silent
                }
                "absent" => silent,
                _ => 1.0,
            };
        }
        weights.push(weight);
    }
    let total: f64 = weights.iter().sum();
    let with = |cause: usize| {
        let sets = weights.iter().enumerate().filter(|(set, _)| set & (1 << cause) != 0);
        sets.map(|(_, weight)| weight).sum::<f64>() / total
    };
    ((0..causes.len()).map(with).collect(), weights[0] / total)
}

#[test]
fn the_report_holds_every_number_of_the_sum() {
    let mut works = Works::new(engine(&[("stops.yaml", STOPS), ("refusals.yaml", REFUSALS)]));
    works.stop_three_times(0, "a");
    works.heat(200, "a", 90);
    works.heat(201, "b", 20);
    works.stop_three_times(300, "c");
    works.say(500, "c", "refusal");
    // Regular stops, of which the detector is sure to some degree only.
    (0..7).for_each(|n| works.say(n * 900, "d", "stop"));
    (0..5).for_each(|n| works.stop_three_times(20_000 + n, &format!("e{n}")));
    works.say(40_000, "z", "calm");
    let engine = works.engine.clone();
    let (diagnoses, summary) = works.finish();
    assert!(diagnoses.len() >= 9, "{}", diagnoses.len());
    let mut soft = 0;
    for line in json(&engine, &diagnoses, &summary).iter().filter(|line| line["type"] == "diagnosis") {
        let (causes, none) = by_hand(line);
        for (cause, expected) in line["causes"].as_array().unwrap().iter().zip(causes) {
            assert!((cause["probability"].as_f64().unwrap() - expected).abs() < 1e-5, "{expected} {line}");
        }
        assert!((line["none_of_these"].as_f64().unwrap() - none).abs() < 1e-5, "{none} {line}");
        let confidences =
            line["symptoms"].as_array().unwrap().iter().filter_map(|s| s["confidence"].as_f64());
        soft += confidences.filter(|q| *q < 0.9999).count();
    }
    assert!(soft > 0, "a detector that is not sure is part of it");
}

#[test]
fn the_page_on_the_differential_says_what_is_so() {
    let page = include_str!("../docs/differential.md");
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let mut works = Works::new(engine(&[("wear.yaml", &block("yaml"))]));
    works.stop_three_times(0, "a");
    works.say(150, "a", "hot");
    let engine = works.engine.clone();
    let (diagnoses, summary) = works.finish();
    let shown = text(&engine, &diagnoses, &summary);
    assert!(shown.trim_start().starts_with(block("text").trim()), "{shown}");
    let diagnosis = &diagnoses[0];
    let p: Vec<f64> = diagnosis.causes.iter().map(|cause| cause.probability.get()).collect();
    let none = diagnosis.none_of_these.get();
    assert!(
        (p[0] - 0.992).abs() < 5e-4 && (p[1] - 0.011).abs() < 5e-4 && (none - 0.0056).abs() < 5e-5,
        "{p:?} {none}"
    );
    // The weights of the table make these, too.
    let weights = [0.000_705, 0.124_348, 0.000_265, 0.001_142];
    assert!(weights.iter().all(|w| page.contains(&format!("| .{} |", &format!("{w:.6}")[2..]))));
    let total: f64 = weights.iter().sum();
    assert!(((weights[1] + weights[3]) / total - p[0]).abs() < 1e-5 && (total - 0.126_461).abs() < 2e-6);
}

/// What becomes of lines of JSON: the log of words, and beside it readings of heat.
fn read(files: &[(&str, &str)]) -> Vec<Diagnosis> {
    let input = |name: &str, field: &str, kind: &str| {
        format!(
            "etiolog: 1\ninput: {name}\ntitle: {name}\nformat: json\nrecognise: [{field}]\ntime: {{from: at}}\n\
             fields: {{line: {{from: line}}, pump: {{from: pump}}, {field}: {{from: {field}{kind}}}}}\n"
        )
    };
    let (words, heats) = (input("words", "word", ""), input("readings", "heat", ", as: number"));
    let inputs = [("inputs/words.yaml", &*words), ("inputs/readings.yaml", &*heats), ("stops.yaml", STOPS)];
    let mut pipeline = Pipeline::new(&engine(&inputs));
    files.iter().for_each(|(name, lines)| pipeline.read(name, lines.as_bytes()));
    pipeline.finish().0
}

#[test]
fn a_symptom_that_no_record_could_show_is_unknown() {
    let stop = |minute: u8| {
        format!(
            "{{\"at\":\"2026-01-05T08:0{minute}:00Z\",\"line\":\"n\",\"pump\":\"a\",\"word\":\"stop\"}}\n"
        )
    };
    let end = "{\"at\":\"2026-01-05T20:00:00Z\",\"line\":\"n\",\"pump\":\"z\",\"word\":\"calm\"}\n";
    let log: String = (0..3).map(stop).chain([end.to_owned()]).collect();
    // Nothing says how hot the bearing is.
    let diagnoses = read(&[("words.log", &log)]);
    assert_eq!(why(of(&diagnoses, "a"), "stops#hot"), "no such input: nothing was read from `readings`");
    // Once something does, though of another pump, it is absent.
    let reading = "{\"at\":\"2026-01-05T07:00:00Z\",\"line\":\"n\",\"pump\":\"b\",\"heat\":20}\n";
    let diagnoses = read(&[("heat.log", reading), ("words.log", &log)]);
    assert_eq!(why(of(&diagnoses, "a"), "stops#hot"), "absent");
}

#[test]
fn each_reason_for_not_knowing_is_told() {
    let mut works = Works::new(stops());
    (0..3).for_each(|n| works.say(n * 60, "a", "stop"));
    let (diagnoses, _) = works.finish();
    // A detector that warms up, and one that waits.
    assert!(why(&diagnoses[0], "stops#regular").starts_with("learning "), "{:?}", diagnoses[0].symptoms);
    assert!(
        why(&diagnoses[0], "stops#never-calm").starts_with("waiting until "),
        "{:?}",
        diagnoses[0].symptoms
    );
    assert_eq!(diagnoses[0].state, State::Open);
}

/// A line whose pumps hum all the time, but for one stretch of minutes.
fn humming(works: &mut Works, minutes: std::ops::Range<i64>, silent: std::ops::Range<i64>) {
    let pumps = ["h1", "h2", "h3"];
    for minute in minutes.filter(|minute| !silent.contains(minute)) {
        works.say(minute * 60, pumps[usize::try_from(minute).unwrap() % 3], "calm");
    }
}

#[test]
fn what_is_absent_while_the_log_was_silent_is_unknown() {
    for (gap, expected) in
        [(130..150, "log gap from 2026-01-05T10:10:00Z to 2026-01-05T10:30:00Z"), (130..133, "absent")]
    {
        let mut works = Works::new(stops());
        works.heat(0, "b", 20);
        works.heat(1, "b", 85);
        humming(&mut works, 0..125, 0..0);
        works.stop_three_times(125 * 60, "a");
        humming(&mut works, 128..400, gap.clone());
        let (diagnoses, _) = works.finish();
        assert_eq!(why(of(&diagnoses, "a"), "stops#hot"), expected, "{gap:?}");
    }
}

#[test]
fn a_silence_that_comes_every_night_is_no_gap() {
    // Six minutes of every ten hours are busy: what is usual is long.
    let mut works = Works::new(stops());
    works.heat(1, "b", 85);
    for shift in 0..12 {
        humming(&mut works, shift * 600..shift * 600 + 7, 0..0);
    }
    works.stop_three_times(12 * 36_000, "a");
    works.say(13 * 36_000, "z", "calm");
    let (diagnoses, _) = works.finish();
    assert_eq!(why(of(&diagnoses, "a"), "stops#hot"), "absent");
}

#[test]
fn too_little_is_no_verdict_and_says_what_to_look_at() {
    let mut works = Works::new(stops());
    works.stop_three_times(0, "a");
    works.say(80_000, "z", "calm");
    let engine = works.engine.clone();
    let (diagnoses, summary) = works.finish();
    let diagnosis = of(&diagnoses, "a");
    assert_eq!(&*diagnosis.verdict, Diagnosis::CANNOT_TELL);
    // Whether it goes on at regular intervals would tell the two causes apart.
    assert_eq!(diagnosis.next.as_ref().map(|next| &*next.symptom), Some("stops#regular"));
    insta::assert_snapshot!(text(&engine, &diagnoses[..1], &summary), @"
      error Cannot tell: perhaps none of the known causes (35 %)
            pump a of line north
            2026-01-05 08:00:00 to 08:02:00 UTC (2m)
       seen Stops three times in an hour: span 2m, median gap 1m (3 events)
      maybe 56 % Something is stuck in the inlet (stops#jam)
            4.8 % The mains of the line failed (stops#mains)
            4.2 % The bearing is worn (stops#worn)
            35 % none of these
    look at Stops at regular intervals (stops#regular) which is unknown: learning 1/5
      lines works.log:1 (byte 1) 2026-01-05T08:00:00Z
            works.log:2 (byte 2) 2026-01-05T08:01:00Z
            works.log:3 (byte 3) 2026-01-05T08:02:00Z
    ");
}

#[test]
fn advice_against_is_shown_as_such() {
    let mut works = Works::new(stops());
    works.stop_three_times(0, "a");
    works.heat(200, "a", 90);
    works.say(80_000, "z", "calm");
    let engine = works.engine.clone();
    let (diagnoses, summary) = works.finish();
    insta::assert_snapshot!(text(&engine, &diagnoses[..1], &summary), @"
    warning The bearing is worn (99.8 %) stops#worn
            pump a of line north
            2026-01-05 08:00:00 to 08:03:20 UTC (3m 20s)
       seen The bearing is hot (1 event)
            Stops three times in an hour: span 2m, median gap 1m (3 events)
        for stops#hot +26.8 dB, stops#stops +12.2 dB, stops#never-calm +0.9 dB
    against prior -12.8 dB
         or 4.2 % Something is stuck in the inlet (stops#jam)
            < 0.1 % none of these
         do Grease the bearing.
            Replace the bearing.
      avoid Raising the pressure; it breaks the seal.
    look at Stops at regular intervals (stops#regular) which is unknown: learning 1/5
      lines works.log:1 (byte 1) 2026-01-05T08:00:00Z
            works.log:2 (byte 2) 2026-01-05T08:01:00Z
            works.log:3 (byte 3) 2026-01-05T08:02:00Z
            works.log:5 (byte 5) 2026-01-05T08:03:20Z
    ");
}

#[test]
fn what_is_expected_says_first_that_there_is_nothing_to_do() {
    let mut works = Works::new(stops());
    (0..4).for_each(|n| works.say(n * 60, &format!("p{n}"), "hum"));
    works.say(80_000, "z", "calm");
    let engine = works.engine.clone();
    let (diagnoses, summary) = works.finish();
    assert!(diagnoses.iter().all(|diagnosis| diagnosis.no_action));
    insta::assert_snapshot!(text(&engine, &diagnoses, &summary), @"
    benign The pump warms up (99.4 %): nothing to do stops#warm-up
           4 pumps: p0, p1, p2, p3 of line north
           2026-01-05 08:00:00 to 08:03:00 UTC (3m)
        do No action needed: it hums for a minute after a cold night.
    ");
    let lines = json(&engine, &diagnoses, &summary);
    assert!(lines.iter().filter(|line| line["type"] == "diagnosis").all(|line| line["no_action"] == true));
}

#[test]
fn a_fault_of_the_line_explains_its_pumps_and_takes_them_in() {
    let mut works = Works::new(stops());
    works.heat(0, "x", 85);
    (0..6).for_each(|n| works.stop_three_times(3_600 + n, &format!("p{n}")));
    works.say(80_000, "z", "calm");
    let engine = works.engine.clone();
    let (diagnoses, summary) = works.finish();
    let line = of(&diagnoses, "north");
    assert_eq!(&*line.verdict, "stops#mains");
    for n in 0..6 {
        let pump = of(&diagnoses, &format!("p{n}"));
        assert_eq!(pump.explained_by.as_ref(), Some(&line.id), "{pump:?}");
        // What the mains explain no longer speaks for a jam.
        let jam = pump.causes.iter().find(|cause| &*cause.id == "stops#jam").unwrap();
        assert!(jam.probability.get() < 0.1, "{jam:?}");
    }
    assert_eq!(summary.unexplained, 0);
    let told: Vec<Diagnosis> =
        diagnoses.into_iter().filter(|diagnosis| diagnosis.subject.id() != "x").collect();
    let shown = text(&engine, &told, &summary);
    assert!(shown.contains("explains 6 pumps: p0, p1, p2, p3, p4 and 1 more of line north"), "{shown}");
    assert!(shown.trim_start().starts_with("critical ") && !shown.contains("warning"), "{shown}");
    let lines = json(&engine, &told, &summary);
    let group = lines.iter().find(|line| line["type"] == "group").unwrap();
    assert_eq!(group["explains"][0]["subjects"], 6, "{group}");
    let in_group = |line: &&serde_json::Value| line["type"] == "diagnosis" && line["group"] == group["group"];
    assert_eq!(lines.iter().filter(in_group).count(), 1);
}

#[test]
fn one_cause_on_many_pumps_is_one_entry_that_can_be_opened() {
    let mut works = Works::new(stops());
    works.heat(0, "p0", 90);
    // Hours apart, so that the line has no part in it.
    for n in 0..5 {
        works.stop_three_times(n * 7_200, &format!("p{n}"));
        works.heat(n * 7_200 + 200, &format!("p{n}"), 90);
    }
    works.say(80_000, "z", "calm");
    let engine = works.engine.clone();
    let (diagnoses, summary) = works.finish();
    assert!(diagnoses.iter().all(|diagnosis| &*diagnosis.verdict == "stops#worn"));
    let shown = text(&engine, &diagnoses, &summary);
    assert_eq!(shown.matches("The bearing is worn").count(), 1, "{shown}");
    assert!(shown.contains("5 pumps: p0, p1, p2, p3, p4 of line north"), "{shown}");
    let lines = json(&engine, &diagnoses, &summary);
    let group = lines.iter().find(|line| line["type"] == "group").unwrap();
    assert_eq!(group["on"]["subjects"], 5, "{group}");
    assert_eq!(group["verdict"], "stops#worn");
    let opened = lines.iter().filter(|line| line["type"] == "diagnosis" && line["group"] == group["group"]);
    assert_eq!(opened.count(), 5);
}

#[test]
fn a_cause_of_one_article_explains_the_events_of_another() {
    let mut works = Works::new(engine(&[("stops.yaml", STOPS), ("refusals.yaml", REFUSALS)]));
    works.heat(0, "x", 20);
    works.stop_three_times(100, "a");
    works.say(300, "a", "refusal");
    works.say(80_000, "z", "calm");
    let (diagnoses, summary) = works.finish();
    let diagnosis = of(&diagnoses, "a");
    assert_eq!(&*diagnosis.verdict, "refusals#blocked");
    assert_eq!((diagnosis.problem_events, diagnosis.explained_events), (4, 4));
    assert_eq!(summary.unexplained, 0);
    // The cause that the refusal alone would speak for is as good as explained away.
    let locked = diagnosis.causes.iter().find(|cause| &*cause.id == "refusals#locked").unwrap();
    assert!(locked.probability.get() < 0.1, "{locked:?}");
    let points: Option<&Points> = locked.points.iter().find(|points| &*points.symptom == "refusals#refused");
    assert!(points.is_some_and(|points| points.strength > 0.8 && points.decibans < 3.0), "{points:?}");
}

#[test]
fn causes_beyond_what_can_be_weighed_are_named_as_such() {
    let symptoms: Vec<String> = (0..14).map(|n| format!("s{n}")).collect();
    let mut article = "etiolog: 1\narticle: crowd\ntitle: Crowd\nevents:\n".to_owned();
    symptoms.iter().for_each(|name| article += &format!("  {name}: {{word: {name}}}\n"));
    article += "symptoms:\n";
    for name in &symptoms {
        article += &format!(
            "  {name}: {{title: Shows {name}, per: pump, detect: {{occurrence: {{event: {name}}}}}}}\n"
        );
    }
    article += "causes:\n";
    let explains: Vec<String> = symptoms.iter().map(|name| format!("{name}: often")).collect();
    for n in 0..20 {
        let prior = if n == 7 { "common" } else { "0.001" };
        article += &format!(
            "  c{n}: {{title: Cause {n}, prior: {prior}, severity: warning, explains: {{{}}}}}\n",
            explains.join(", ")
        );
    }
    let mut works = Works::new(engine(&[("crowd.yaml", &article)]));
    symptoms.iter().zip(0..).for_each(|(name, n)| works.say(n, "a", name));
    works.say(80_000, "z", "s0");
    let engine = works.engine.clone();
    let (diagnoses, summary) = works.finish();
    let diagnosis = of(&diagnoses, "a");
    assert_eq!(&*diagnosis.verdict, "crowd#c7");
    let aside = diagnosis.set_aside.as_ref().unwrap();
    let left_out: Vec<Arc<str>> = aside.causes.clone();
    assert_eq!(left_out.len(), 4);
    assert!(left_out.iter().all(|id| diagnosis.causes.iter().all(|cause| cause.id != *id)), "{left_out:?}");
    let shown = text(&engine, std::slice::from_ref(diagnosis), &summary);
    assert!(shown.contains("each of 4 more causes that could not be weighed"), "{shown}");
    // Two or three present ones are no such crowd: all twenty are weighed.
    let z = of(&diagnoses, "z");
    assert_eq!((z.causes.len(), &z.set_aside), (20, &None));
}
