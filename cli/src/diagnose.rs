//! `etiolog diagnose`: reads all sources side by side, in the order of their times, and writes what the library says.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use etiolog::output::{Report, ReportKind, terminal};
use etiolog::{Diagnosis, Engine, Pipeline, Severity};

use crate::args::Diagnose;
use crate::exit::{Exit, Stop};
use crate::progress::Progress;
use crate::read::{self, Reading};
use crate::style;

/// Runs the verb.
pub(crate) fn run(asked: &Diagnose) -> Result<Exit, Stop> {
    let engine = read::engine(&asked.rules, &asked.logs)?.build()?;
    let kind = report_kind(&engine, &asked.output)?;
    let inputs = read::gather(&asked.logs, &engine)?;
    // Diagnoses that are written while the bar is on the same terminal would tear it.
    let streams = kind.name() != "text" && io::stdout().is_terminal();
    let progress = Progress::new(inputs.size(), asked.quiet || streams);
    for note in inputs.notes.iter().filter(|_| !asked.quiet) {
        progress.note(&format!("note: {}", terminal(note)));
    }

    let mut pipeline = Pipeline::new(&engine);
    // From here on an interrupt ends the reading: whoever has read the beginning can rely on an end.
    let mut reading = Reading::new(inputs, &asked.logs, &mut pipeline)?;
    let mut sink = Sink::new(kind.open(style::style()), asked.fail_on);
    sink.report
        .begin(&pipeline.begin(), &mut sink.out)
        .and_then(|()| sink.out.flush())
        .map_err(Stop::Output)?;
    while reading.step(&mut pipeline, &progress, asked.quiet) {
        sink.take(&pipeline.drain())?;
        progress.show(sink.diagnoses);
    }

    let (last, summary) = pipeline.finish();
    progress.clear();
    sink.take(&last)?;
    sink.report.summary(&summary, &mut sink.out).and_then(|()| sink.out.flush()).map_err(Stop::Output)?;
    Ok(match () {
        () if reading.is_interrupted() => Exit::Interrupted,
        () if sink.found => Exit::Found,
        () if reading.unreadable || summary.records.rejected_total() > 0 => Exit::Partly,
        () => Exit::Done,
    })
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

    /// Writes diagnoses and lets a reader downstream see them at once.
    fn take(&mut self, diagnoses: &[Diagnosis]) -> Result<(), Stop> {
        for diagnosis in diagnoses {
            self.diagnoses += 1;
            // What a containing subject explains is not news: that diagnosis decides.
            let news = diagnosis.explained_by.is_none();
            self.found |= news && self.fail_on.is_some_and(|least| diagnosis.severity >= least);
            self.report.diagnosis(diagnosis, &mut self.out).map_err(Stop::Output)?;
        }
        if diagnoses.is_empty() { Ok(()) } else { self.out.flush().map_err(Stop::Output) }
    }
}
