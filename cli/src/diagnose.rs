//! `etiolog diagnose`: reads all sources side by side, in the order of their times, and writes what the library says.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use etiolog::output::{Report, ReportKind, terminal};
use etiolog::{Change, Diagnosis, Engine, Pipeline, Severity, Summary};

use crate::args::Diagnose;
use crate::exit::{Exit, Stop};
use crate::follow::{Follow, Step};
use crate::progress::Progress;
use crate::read::{self, Reading};
use crate::self_check::SelfCheck;
use crate::style;

/// Runs the verb.
pub(crate) fn run(asked: &Diagnose) -> Result<Exit, Stop> {
    let engine = read::engine(&asked.rules, &asked.logs)?.live(asked.follow).build()?;
    let kind = report_kind(&engine, &asked.output)?;
    if asked.follow {
        return follow(asked, &engine, &*kind);
    }
    let inputs = read::gather(&asked.logs, &engine)?;
    // Diagnoses that are written while the bar is on the same terminal would tear it.
    let streams = kind.name() != "text" && io::stdout().is_terminal();
    let progress = Progress::new(inputs.size(), asked.quiet || streams);
    for note in inputs.notes.iter().filter(|_| !asked.quiet) {
        progress.note(&format!("note: {}", terminal(note)));
    }

    let sources = inputs.sources.len();
    let mut pipeline = Pipeline::new(&engine);
    let mut check = asked.self_check.map(|events| SelfCheck::new(events, &mut pipeline));
    // From here on an interrupt ends the reading: whoever has read the beginning can rely on an end.
    let mut reading = Reading::new(inputs, &asked.logs, &mut pipeline)?;
    let mut sink = Sink::new(kind.open(style::style()), asked.fail_on);
    sink.begin(&pipeline)?;
    while reading.step(&mut pipeline, &progress, asked.quiet) {
        check.iter_mut().for_each(|check| check.witness(&mut pipeline));
        sink.take(&pipeline.drain())?;
        progress.show(sink.diagnoses);
    }

    let end = pipeline.finish();
    progress.clear();
    let summary = sink.finish(end)?;
    sink.found |= !check.is_none_or(|check| check.agrees(&engine, sources, &progress));
    let unreadable = reading.unreadable || summary.records.rejected_total() > 0;
    Ok(reading.ended_by().unwrap_or_else(|| sink.exit(unreadable)))
}

/// The same on logs that grow: says what opens and changes as well, until a signal comes or nothing can come any more.
fn follow(asked: &Diagnose, engine: &Engine, kind: &dyn ReportKind) -> Result<Exit, Stop> {
    /// How long changes may stay untold while there is much to catch up with.
    const LOOK: Duration = Duration::from_secs(1);
    /// How much longer than a look the time between two of them is at least.
    const SHARE: u32 = 20;

    let mut pipeline = Pipeline::new(engine);
    let mut follow = Follow::new(asked, engine, &mut pipeline)?;
    let mut sink = Sink::new(kind.open(style::style()), asked.fail_on);
    sink.begin(&pipeline)?;
    let (mut due, mut untold) = (Instant::now(), true);
    while follow.ended_by().is_none() {
        pipeline.clock(read::now());
        let step = follow.step(&mut pipeline)?;
        untold |= step == Step::Read || follow.rest(&mut pipeline);
        let now = Instant::now();
        if untold && (step != Step::Read || now >= due) {
            pipeline.look();
            (due, untold) = (now + LOOK.max(now.elapsed() * SHARE), false);
        }
        sink.take(&pipeline.drain())?;
        match step {
            Step::Read => {}
            Step::Waiting => follow.wait(),
            Step::Ended => break,
        }
    }
    let summary = sink.finish(pipeline.finish())?;
    let unreadable = summary.records.rejected_total() > 0;
    Ok(follow.ended_by().unwrap_or_else(|| sink.exit(unreadable)))
}

fn report_kind(engine: &Engine, name: &str) -> Result<Arc<dyn ReportKind>, Stop> {
    engine.registry().find_report(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = engine.registry().reports().collect();
        Stop::Usage(format!("no output is called `{name}`; there are: {}", known.join(", ")))
    })
}

/// Where diagnoses go.
struct Sink {
    report: Box<dyn Report>,
    out: io::BufWriter<io::Stdout>,
    fail_on: Option<Severity>,
    found: bool,
    diagnoses: u64,
}

impl Sink {
    fn new(report: Box<dyn Report>, fail_on: Option<Severity>) -> Self {
        let out = io::BufWriter::with_capacity(64 * 1024, io::stdout());
        Self { report, out, fail_on, found: false, diagnoses: 0 }
    }

    fn begin(&mut self, pipeline: &Pipeline) -> Result<(), Stop> {
        let written = self.report.begin(&pipeline.begin(), &mut self.out);
        written.and_then(|()| self.out.flush()).map_err(Stop::Output)
    }

    /// Writes what is still to be said, and what became of every record.
    fn finish(&mut self, (last, summary): (Vec<Diagnosis>, Summary)) -> Result<Summary, Stop> {
        self.take(&last)?;
        let written = self.report.summary(&summary, &mut self.out);
        written.and_then(|()| self.out.flush()).map_err(Stop::Output)?;
        Ok(summary)
    }

    /// How the program ends when nothing has interrupted it.
    fn exit(&self, unreadable: bool) -> Exit {
        match () {
            () if self.found => Exit::Found,
            () if unreadable => Exit::Partly,
            () => Exit::Done,
        }
    }

    /// Writes diagnoses and lets a reader downstream see them at once.
    fn take(&mut self, diagnoses: &[Diagnosis]) -> Result<(), Stop> {
        for diagnosis in diagnoses {
            self.diagnoses += 1;
            // What a containing subject explains is not news: that diagnosis decides.
            let is_final = matches!(diagnosis.change, None | Some(Change::Resolved));
            let news = is_final && diagnosis.explained_by.is_none();
            self.found |= news && self.fail_on.is_some_and(|least| diagnosis.severity >= least);
            self.report.diagnosis(diagnosis, &mut self.out).map_err(Stop::Output)?;
        }
        if diagnoses.is_empty() { Ok(()) } else { self.out.flush().map_err(Stop::Output) }
    }
}
