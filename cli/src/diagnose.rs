//! `etiolog diagnose`: reads all sources side by side, in the order of their times, and writes what the library says.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Read, Write};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use etiolog::output::{Report, ReportKind, terminal};
use etiolog::{Diagnosis, Engine, Expand, Pipeline, Severity, SourceId, Timestamp};

use crate::args::Diagnose;
use crate::exit::{Exit, Stop};
use crate::inputs::{self, File, Inputs, Source};
use crate::progress::Progress;
use crate::{packs, style};

/// Bytes that are pushed at once.
const CHUNK: usize = 256 * 1024;

/// Runs the verb.
pub(crate) fn run(asked: &Diagnose) -> Result<Exit, Stop> {
    let engine = engine(asked)?;
    let kind = report_kind(&engine, &asked.output)?;
    let inputs = gather(asked, &engine)?;
    let interrupted = on_interrupt();

    let total = inputs.sources.iter().flat_map(|source| &source.files).map(|file| file.size).sum();
    // Diagnoses that are written while the bar is on the same terminal would tear it.
    let streams = kind.name() != "text" && io::stdout().is_terminal();
    let progress = Progress::new(total, asked.quiet || streams);
    let mut unreadable = inputs.unreadable;
    for note in inputs.notes.iter().filter(|_| !asked.quiet) {
        progress.note(&format!("note: {}", terminal(note)));
    }

    let mut pipeline = Pipeline::new(&engine);
    let mut sink = Sink::new(kind.open(style::style()), asked.fail_on);
    sink.report
        .begin(&pipeline.begin(), &mut sink.out)
        .and_then(|()| sink.out.flush())
        .map_err(Stop::Output)?;
    let mut readers = Vec::new();
    for source in inputs.sources {
        let id = pipeline.open(&source.name);
        if let Some(format) = &asked.format {
            pipeline.use_input(id, format)?;
        }
        readers.push(Reader { id, files: source.files.into(), open: None });
    }

    let mut buffer = vec![0; CHUNK];
    while let Some(at) = next_reader(&readers, &pipeline)
        && !interrupted.load(Ordering::Relaxed)
    {
        let Some(reader) = readers.get_mut(at) else { break };
        match reader.step(&mut pipeline, &progress, &mut buffer) {
            Step::More => {}
            Step::Done => {
                pipeline.close(reader.id);
                readers.remove(at);
            }
            Step::Unreadable(why) => {
                unreadable = true;
                if !asked.quiet {
                    progress.note(&format!("warning: {}", terminal(&why)));
                }
            }
        }
        sink.take(&pipeline.drain())?;
        progress.show(sink.diagnoses);
    }

    let (last, summary) = pipeline.finish();
    progress.clear();
    sink.take(&last)?;
    sink.report.summary(&summary, &mut sink.out).and_then(|()| sink.out.flush()).map_err(Stop::Output)?;
    Ok(match () {
        () if interrupted.load(Ordering::Relaxed) => Exit::Interrupted,
        () if sink.found => Exit::Found,
        () if unreadable || summary.records.rejected_total() > 0 => Exit::Partly,
        () => Exit::Done,
    })
}

/// The engine that the flags ask for. The clock is read once, here.
fn engine(asked: &Diagnose) -> Result<Engine, Stop> {
    let mut builder = Engine::builder().clock(now()).complete(asked.complete);
    for pack in packs::load(&asked.rules)? {
        builder = builder.pack(pack);
    }
    if let Some(lateness) = asked.lateness {
        builder = builder.lateness(lateness);
    }
    if let Some(as_of) = asked.as_of {
        builder = builder.as_of(as_of);
    }
    if let Some(limit) = asked.record_limit {
        builder = builder.record_limit(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(builder.build()?)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::MIN.plus(since)
}

fn report_kind(engine: &Engine, name: &str) -> Result<Arc<dyn ReportKind>, Stop> {
    engine.registry().find_report(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = engine.registry().reports().collect();
        Stop::Usage(format!("no output is called `{name}`; there are: {}", known.join(", ")))
    })
}

fn gather(asked: &Diagnose, engine: &Engine) -> Result<Inputs, Stop> {
    if !asked.paths.is_empty() {
        return inputs::gather(&asked.paths, |path| engine.source_of(path)).map_err(Stop::Usage);
    }
    if io::stdin().is_terminal() {
        return Err(Stop::Usage("nothing to read; name files or directories, or pipe logs in".to_owned()));
    }
    let stdin = Source { name: "stdin".to_owned(), files: vec![File::stdin()] };
    Ok(Inputs { sources: vec![stdin], ..Inputs::default() })
}

/// Set by the first Ctrl-C, so that what is known can still be written; the second one ends the program.
fn on_interrupt() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    // Without a handler Ctrl-C ends the program at once, which is no worse than not starting it.
    drop(ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            process::exit(Exit::Interrupted as i32);
        }
    }));
    flag
}

/// The source that is furthest behind; one without a time yet comes first.
fn next_reader(readers: &[Reader], pipeline: &Pipeline) -> Option<usize> {
    (0..readers.len()).min_by_key(|&at| readers.get(at).and_then(|reader| pipeline.frontier(reader.id)))
}

/// A source while it is read; at most one of its files is open.
struct Reader {
    id: SourceId,
    files: VecDeque<File>,
    open: Option<(String, Expand<Box<dyn Read>>)>,
}

enum Step {
    More,
    Done,
    Unreadable(String),
}

impl Reader {
    /// Reads and pushes the next bytes, of the next file if need be.
    fn step(&mut self, pipeline: &mut Pipeline, progress: &Progress, buffer: &mut [u8]) -> Step {
        let Some((shown, stream)) = &mut self.open else {
            let Some(file) = self.files.pop_front() else { return Step::Done };
            pipeline.file(self.id, &file.shown);
            return match file.open() {
                Ok(bytes) => {
                    self.open = Some((file.shown, Expand::new(progress.count(bytes))));
                    Step::More
                }
                Err(why) => {
                    pipeline.broken(self.id);
                    Step::Unreadable(format!("cannot read `{}`: {}", file.shown, inputs::reason(&why)))
                }
            };
        };
        match stream.read(buffer) {
            Ok(0) => self.open = None,
            Ok(n) => pipeline.push(self.id, buffer.get(..n).unwrap_or_default()),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => {
                pipeline.broken(self.id);
                let message = format!("`{shown}` could not be read to its end: {}", inputs::reason(&why));
                self.open = None;
                return Step::Unreadable(message);
            }
        }
        Step::More
    }
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
