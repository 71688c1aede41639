//! An embedder's first hour: only the public API, with a plugin of each kind, used from a rule file.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use etiolog::detector::{ClassId, Detector, DetectorKind, Findings, Hit, Names, Reading, Watch};
use etiolog::input::{CellKind, Format, Framing, Paths, Row};
use etiolog::model::{Begin, Measure, Probability, Reject};
use etiolog::output::{Report, ReportKind, Style};
use etiolog::predicate::Function;
use etiolog::yaml::Node;
use etiolog::{
    Diagnosis, Engine, Pack, Pipeline, Plugin, Problem, Registry, Run, Status, Summary, Timestamp, Value,
};

/// A pack of one's own: three texts.
fn pack() -> Pack {
    Pack::from_texts([
        (
            "pack.yaml",
            "etiolog: 1\npack: pumps\ntitle: Pumps\nversion: '1'\n\
             subjects: [{name: station, quiet: 1h}, {name: pump, in: station, quiet: 1h}]\n\
             problem: {word: trip}\n",
        ),
        (
            "inputs/pipes.yaml",
            "etiolog: 1\ninput: pipes\ntitle: Fields between bars\nformat: bars\n\
             time: {from: '0'}\n\
             fields: {station: {from: '1'}, pump: {from: '2'}, word: {from: '3'}, pressure: {from: '4', as: number}}\n",
        ),
        (
            "trips.yaml",
            "etiolog: 1\narticle: trips\ntitle: Pumps trip\n\
             events:\n  \
               trip: {word: trip, where: 'is_high(event.pressure)'}\n  \
               start: {word: start}\n\
             symptoms:\n  \
               streak:\n    title: Trips in a row\n    per: pump\n    detect: {streak: {event: trip, reset: start, at-least: 3}}\n    when: streak.length >= 3\n\
             causes:\n  \
               blocked:\n    title: The inlet is blocked\n    prior: common\n    severity: error\n    explains: {streak: always}\n    solutions: [clean]\n\
             solutions:\n  clean: {do: Clean the inlet.}\n",
        ),
    ])
}

/// `time|station|pump|word|pressure`, one record a line.
#[derive(Debug)]
struct Bars;

impl Format for Bars {
    fn name(&self) -> &'static str {
        "bars"
    }
    fn framing(&self) -> Framing {
        Framing::Lines
    }
    fn decode(&self, record: &[u8], wanted: &Paths, row: &mut Row) -> Result<(), Reject> {
        let text = std::str::from_utf8(record).map_err(|_| Reject::Malformed)?;
        assert!(!text.contains("bomb"), "a plugin may fail");
        let cells: Vec<&str> = text.split('|').collect();
        for (at, path) in wanted.iter().enumerate() {
            let column = path.first().and_then(|key| key.parse::<usize>().ok()).ok_or(Reject::Malformed)?;
            if let Some(cell) = cells.get(column) {
                row.set(at, CellKind::Text, cell);
            }
        }
        Ok(())
    }
}

/// So many events of a class with none of another between them.
#[derive(Debug)]
struct StreakKind;

#[derive(Debug)]
struct Streak {
    event: ClassId,
    reset: ClassId,
    at_least: u64,
}

#[derive(Debug)]
struct StreakWatch {
    streak: Arc<Streak>,
    length: u64,
    longest: u64,
}

impl DetectorKind for StreakKind {
    fn name(&self) -> &'static str {
        "streak"
    }
    fn measures(&self) -> &'static [&'static str] {
        &["length"]
    }
    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        let fields = params.fields(&["event", "reset", "at-least"])?;
        let at_least = fields.required("at-least")?.integer_within(1, 100)?;
        Ok(Arc::new(Streak {
            event: names.class(fields.required("event")?)?,
            reset: names.class(fields.required("reset")?)?,
            at_least: at_least.unsigned_abs(),
        }))
    }
}

impl Detector for Streak {
    fn classes(&self) -> Vec<ClassId> {
        vec![self.event, self.reset]
    }
    fn horizon(&self) -> Duration {
        Duration::from_secs(3600)
    }
    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(StreakWatch { streak: self, length: 0, longest: 0 })
    }
}

impl Watch for StreakWatch {
    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        if hit.is(self.streak.reset) {
            self.length = 0;
        } else {
            self.length += 1;
            assert!(self.length < 50, "a plugin may fail");
            self.longest = self.longest.max(self.length);
            out.claim(hit.exhibit);
        }
    }
    fn reading(&self, _now: Timestamp) -> Reading {
        let present = self.longest >= self.streak.at_least;
        let status = if present { Status::Present(Probability::new(0.99)) } else { Status::Absent };
        Reading { status, measures: vec![("length".into(), Measure::Count(self.longest))] }
    }
}

/// `subject,verdict`, one diagnosis a line.
#[derive(Debug)]
struct Csv;

impl ReportKind for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }
    fn open(&self, _style: Style) -> Box<dyn Report> {
        Box::new(Csv)
    }
}

impl Report for Csv {
    fn begin(&mut self, _: &Begin, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "subject,verdict")
    }
    fn diagnosis(&mut self, diagnosis: &Diagnosis, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{},{}", diagnosis.subject.id(), diagnosis.verdict)
    }
    fn summary(&mut self, _: &Summary, _: &mut dyn Write) -> std::io::Result<()> {
        Ok(())
    }
}

/// All four kinds in one plugin.
struct Pumps;

impl Plugin for Pumps {
    fn name(&self) -> &'static str {
        "pumps"
    }
    fn register(&self, registry: &mut Registry) {
        let is_high = Function::new("is_high", 1, |args: &[Value]| {
            let pressure = args.first().and_then(Value::as_f64).ok_or("a pressure is a number")?;
            Ok(Value::Bool(pressure > 5.0))
        });
        let is_high = is_high.unwrap();
        registry.format(Bars).detector(StreakKind).function(is_high).report(Csv);
    }
}

fn engine() -> Engine {
    let mut registry = Registry::builtin();
    registry.plugin(&Pumps);
    Engine::builder().registry(registry).pack(pack()).build().unwrap()
}

const LOG: &str = "2026-03-04T08:00:00Z|north|p1|trip|9.5\n\
                   2026-03-04T08:01:00Z|north|p1|trip|8\n\
                   2026-03-04T08:02:00Z|north|p2|trip|8\n\
                   2026-03-04T08:02:30Z|north|p1|trip|2\n\
                   2026-03-04T08:03:00Z|north|p1|trip|7.25\n\
                   2026-03-04T08:04:00Z|north|p2|start|7\n";

#[test]
fn a_plugin_of_each_kind_works_from_a_rule_file() {
    let engine = engine();
    let mut pipeline = Pipeline::new(&engine);
    let mut report = engine.registry().find_report("csv").unwrap().open(Style::default());
    let mut out = Vec::new();
    report.begin(&pipeline.begin(), &mut out).unwrap();
    pipeline.read("pumps.log", LOG.as_bytes());
    let (diagnoses, summary) = pipeline.finish();
    for diagnosis in &diagnoses {
        report.diagnosis(diagnosis, &mut out).unwrap();
    }
    report.summary(&summary, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "subject,verdict\np1,trips#blocked\n");
    let evidence: Vec<(u64, u64)> =
        diagnoses[0].symptoms[0].evidence.iter().map(|exhibit| (exhibit.line, exhibit.offset)).collect();
    assert_eq!(
        evidence,
        [(1, 0), (2, 39), (5, 150)],
        "line and byte offset of each event that speaks for it"
    );
    assert_eq!((summary.records.read, summary.records.decoded), (6, 6));
    assert_eq!((summary.explained, summary.unexplained), (3, 2), "five trips, three of them in the streak");
}

#[test]
fn a_format_that_panics_spoils_one_record() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut pipeline = Pipeline::new(&engine());
    pipeline.read("pumps.log", format!("bomb\n{LOG}").as_bytes());
    let (diagnoses, summary) = pipeline.finish();
    std::panic::set_hook(hook);
    assert_eq!(diagnoses.len(), 1);
    assert_eq!(summary.records.rejected.get(&Reject::Plugin), Some(&1));
    assert!(summary.records.balance());
}

#[test]
fn a_detector_that_panics_spoils_its_symptom_on_one_subject() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let engine = engine();
    let mut run = engine.run();
    let source = run.open("s");
    for second in 0..60 {
        let time = Timestamp::from_seconds(1_772_000_000 + second).unwrap();
        for pump in ["p1", "p2"].into_iter().take(if second < 5 { 2 } else { 1 }) {
            let event = engine.event(time).field("station", "north").field("pump", pump);
            run.push(source, event.field("word", "trip").field("pressure", 9.0).build());
        }
    }
    run.close(source);
    let traces = |pump| run.trace(&etiolog::Subject::new([("station", "north"), ("pump", pump)]));
    let failed = traces("p1").into_iter().find(|trace| trace.events == 60).unwrap();
    assert_eq!(failed.status, etiolog::Status::Unknown("its detector has failed".into()));
    let (diagnoses, summary) = run.finish();
    std::panic::set_hook(hook);
    let about: Vec<&str> = diagnoses.iter().map(|diagnosis| diagnosis.subject.id()).collect();
    assert_eq!(about, ["p2"], "the other subject is judged as ever");
    assert_eq!(summary.failed_detectors.values().collect::<Vec<_>>(), [&1]);
    assert!(summary.records.balance());
}

#[test]
fn a_host_may_push_its_own_events_instead_of_bytes() {
    let engine = engine();
    let mut run: Run = engine.run();
    let source = run.open("my queue");
    for minute in 0..4 {
        let time = Timestamp::from_seconds(1_772_000_000 + minute * 60).unwrap();
        let event = engine.event(time).field("station", "north").field("pump", "p9").field("word", "trip");
        run.push(source, event.field("pressure", 9.0).build());
    }
    let (diagnoses, summary) = run.finish();
    assert_eq!(diagnoses.len(), 1);
    assert_eq!(diagnoses[0].subject.to_string(), "pump p9 of station north");
    assert_eq!(&*diagnoses[0].verdict, "trips#blocked");
    assert_eq!(&*diagnoses[0].symptoms[0].evidence[0].source, "my queue");
    assert!(summary.records.balance());
}

#[test]
fn two_runs_of_one_engine_do_not_see_each_other_and_may_live_on_two_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    fn sent<T: Send>(_: &T) {}
    let engine = engine();
    shared(&engine);
    sent(&engine.run());
    let other = engine.clone();
    let thread = std::thread::spawn(move || {
        let mut pipeline = Pipeline::new(&other);
        pipeline.read("a.log", LOG.as_bytes());
        pipeline.finish().0.len()
    });
    let mut pipeline = Pipeline::new(&engine);
    pipeline.read("b.log", &b"2026-03-04T08:00:00Z|north|p1|trip|9.5\n"[..]);
    assert_eq!(pipeline.finish().0.len(), 0);
    assert_eq!(thread.join().unwrap(), 1);
}

#[test]
fn a_run_that_goes_on_gives_what_is_resolved_and_keeps_the_rest() {
    let engine = engine();
    let mut pipeline = Pipeline::new(&engine);
    let source = pipeline.open("pumps");
    pipeline.file(source, "pumps.log");
    pipeline.push(source, LOG.as_bytes());
    assert!(pipeline.drain().is_empty(), "nothing is resolved yet");
    pipeline.push(source, b"2026-03-04T12:00:00Z|north|p2|start|9.5\n");
    let resolved = pipeline.drain();
    assert_eq!(resolved.len(), 1);
    assert_eq!(resolved[0].state, etiolog::State::Resolved);
    assert!(pipeline.finish().0.is_empty());
}

#[test]
fn bytes_of_a_source_without_a_file_are_read_under_its_own_name() {
    let engine = Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap();
    let log = std::fs::read("samples/java-609.jsonl").unwrap();
    let mut pipeline = Pipeline::new(&engine);
    let source = pipeline.open("socket");
    log.chunks(1_000).for_each(|bytes| pipeline.push(source, bytes));
    pipeline.close(source);
    pipeline.push(source, &log);
    let (diagnoses, summary) = pipeline.finish();
    assert_eq!((summary.records.read, summary.records.decoded), (16, 16));
    assert_eq!(summary.sources.iter().map(|source| &*source.name).collect::<Vec<_>>(), ["socket"]);
    let evidence = diagnoses.first().and_then(|d| d.present().next()?.evidence.first().cloned()).unwrap();
    assert_eq!(&*evidence.source, "socket");
}
