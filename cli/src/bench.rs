//! `etiolog bench`: what a log costs with these rules, where the time goes, and which rules take it.
//!
//! A round is a whole diagnosis as it always is, one with a meter, and each yardstick; all that is compared is measured in
//! the same rounds. The clock is read here: the library only says where its work is.

pub(crate) mod figures;
mod memory;
mod sampler;
mod text;
mod yardstick;

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use etiolog::output::write_line;
use etiolog::{Engine, Meter, Pipeline, Summary};

use crate::args::{Bench, Listing, Logs};
use crate::bench::figures::{Figures, Measured};
use crate::bench::sampler::{Account, Sampler, Sampling};
use crate::bench::yardstick::{Json, Lines};
use crate::exit::{Exit, Stop};
use crate::progress::Progress;
use crate::read::{self, Reading};
use crate::signals::Signals;
use crate::style;

/// Runs the verb.
pub(crate) fn run(asked: &Bench) -> Result<Exit, Stop> {
    let bench = Measuring::new(asked)?;
    let (measured, unreadable) = match bench.measure(asked.runs)? {
        Measurement::Whole(measured, unreadable) => (measured, unreadable),
        Measurement::Ended(exit) => return Ok(exit),
    };
    let figures = Figures::of(&bench.engine, &measured);
    match asked.output {
        Listing::Text => {
            let mut page = style::page();
            text::show(&figures, &mut page);
            style::write(page.into_text().as_bytes())?;
        }
        Listing::Json => {
            let mut line = Vec::new();
            write_line("bench", &figures, &mut line).map_err(Stop::Output)?;
            style::write(&line)?;
        }
    }
    Ok(if unreadable { Exit::Partly } else { Exit::Done })
}

/// What is measured.
struct Measuring {
    engine: Engine,
    logs: Logs,
    signals: Signals,
}

enum Measurement {
    /// All of it, and whether a part could not be read.
    Whole(Box<Measured>, bool),
    /// A signal came first.
    Ended(Exit),
}

/// One diagnosis from files to its end.
struct Pass {
    seconds: Duration,
    summary: Summary,
    diagnoses: u64,
    subjects: usize,
    sources: usize,
    memory: Option<(u64, u64)>,
    unreadable: bool,
}

impl Measuring {
    fn new(asked: &Bench) -> Result<Self, Stop> {
        let mut logs = asked.logs.clone();
        logs.paths.extend(asked.input.iter().cloned());
        // What the rows and the yardsticks are measured with.
        logs.threads.get_or_insert(1);
        if logs.paths.is_empty() {
            return Err(Stop::Usage("nothing to measure; name files or directories".to_owned()));
        }
        let engine = read::engine(&asked.rules, &asked.facts, &logs)?.build()?;
        let bench = Self { engine, logs, signals: Signals::catch() };
        let is_pipe = |path: &PathBuf| path.as_os_str() == "-";
        // Whether it can be read again is asked before it is read at all.
        if bench.logs.paths.iter().any(is_pipe) || read::gather(&bench.logs, &bench.engine)?.size().is_none()
        {
            return Err(Stop::Usage("a pipe cannot be read again; bench needs files".to_owned()));
        }
        Ok(bench)
    }

    fn measure(&self, runs: usize) -> Result<Measurement, Stop> {
        // The first one shows what it takes in memory, brings the files into the system's cache, and is not timed.
        let first = self.pass(None, true)?;
        if let Some(exit) = self.signals.exit() {
            return Ok(Measurement::Ended(exit));
        }
        let records = first.summary.records.read;
        if records == 0 {
            return Err(Stop::Usage("there is no record in these files; nothing was measured".to_owned()));
        }
        let sampling = Sampling::of(records);
        let mut measured = Measured {
            sources: first.sources,
            subjects: first.subjects,
            diagnoses: first.diagnoses,
            memory: first.memory,
            summary: first.summary,
            whole: Vec::new(),
            lines: (0, Vec::new()),
            json: None,
            sampling,
            account: Account::default(),
        };
        let mut parsed = Vec::new();
        let (mut json_lines, mut other_lines) = (0, 0);
        for _ in 0..runs {
            measured.whole.push(self.pass(None, false)?.seconds);
            let (told, heard) = channel();
            self.pass(Some(Box::new(Sampler::new(sampling, told))), false)?;
            measured.account.add(&heard.recv().unwrap_or_default());
            let inputs = read::gather(&self.logs, &self.engine)?;
            let mut lines = Lines::default();
            let took = yardstick::run(&inputs, &self.signals, &mut lines);
            measured.lines.0 = lines.0;
            measured.lines.1.push(took);
            let mut json = Json::default();
            parsed.push(yardstick::run(&inputs, &self.signals, &mut json));
            (json_lines, other_lines) = (json.parsed, json.others);
            if let Some(exit) = self.signals.exit() {
                return Ok(Measurement::Ended(exit));
            }
        }
        measured.json = (json_lines > other_lines).then_some((json_lines, parsed));
        let unreadable = first.unreadable || measured.summary.records.rejected_total() > 0;
        Ok(Measurement::Whole(Box::new(measured), unreadable))
    }

    /// A whole diagnosis of which nothing is written. The first one says what cannot be read, and how far it is.
    fn pass(&self, meter: Option<Box<dyn Meter>>, first: bool) -> Result<Pass, Stop> {
        let inputs = read::gather(&self.logs, &self.engine)?;
        let sources = inputs.sources.len();
        let progress = Progress::new(inputs.size(), !first);
        if first {
            inputs
                .notes
                .iter()
                .for_each(|note| progress.note(&format!("note: {}", etiolog::output::terminal(note))));
        }
        let before = first.then(memory::resident).flatten();
        let began = Instant::now();
        let mut pipeline = Pipeline::new(&self.engine).with_threads(self.logs.threads());
        if let Some(meter) = meter {
            pipeline.measure(meter);
        }
        let mut reading = Reading::new(inputs, &self.logs, &mut pipeline)?;
        let mut diagnoses = 0;
        while reading.step(&mut pipeline, &progress, !first) {
            diagnoses += pipeline.drain().len() as u64;
            progress.show(diagnoses);
        }
        let grown = before.and_then(|before| Some(memory::resident()?.now.saturating_sub(before.now)));
        let subjects = if first { pipeline.subjects().len() } else { 0 };
        let (last, summary) = pipeline.finish();
        let seconds = began.elapsed();
        progress.clear();
        let memory = grown.and_then(|grown| Some((memory::resident()?.peak, grown)));
        diagnoses += last.len() as u64;
        Ok(Pass { seconds, summary, diagnoses, subjects, sources, memory, unreadable: reading.unreadable })
    }
}
