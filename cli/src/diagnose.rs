//! `etiolog diagnose`: reads all sources side by side, in the order of their times, and writes what the library says.

use std::fs::File;
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use etiolog::output::{Report, ReportKind, Style, terminal};
use etiolog::{Change, Diagnosis, Engine, Pipeline, Severity, Summary};

use crate::args::Diagnose;
use crate::exit::{Exit, Stop, say};
use crate::follow::{Follow, Step};
use crate::progress::Progress;
use crate::read::{self, Reading};
use crate::self_check::SelfCheck;
use crate::state::{Host, Store};
use crate::style;

/// Runs the verb.
pub(crate) fn run(asked: &Diagnose) -> Result<Exit, Stop> {
    let engine = read::engine(&asked.rules, &asked.facts, &asked.logs)?.live(asked.follow).build()?;
    let kind = &*report_kind(&engine, &asked.output)?;
    if asked.follow || asked.state.is_some() {
        return follow(asked, &engine, kind);
    }
    let inputs = read::gather(&asked.logs, &engine)?;
    // Diagnoses that are written while the bar is on the same terminal would tear it.
    let streams = kind.name() != "text" && io::stdout().is_terminal();
    let progress = Progress::new(inputs.size(), asked.quiet || streams);
    for note in inputs.notes.iter().filter(|_| !asked.quiet) {
        progress.note(&format!("note: {}", terminal(note)));
    }

    let sources = inputs.sources.len();
    let mut pipeline = Pipeline::new(&engine).with_threads(asked.logs.threads());
    let mut check = asked.self_check.map(|events| SelfCheck::new(events, &mut pipeline));
    // From here on an interrupt ends the reading: whoever has read the beginning can rely on an end.
    let mut reading = Reading::new(inputs, &asked.logs, &mut pipeline)?;
    let mut sink = Sink::new(kind, asked, None)?;
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

    let store = asked.state.as_deref().map(|folder| open_state(asked, folder)).transpose()?;
    let restored = store.as_ref().map(|store| store.load(engine)).transpose()?.flatten();
    let (mut pipeline, host) = match restored {
        Some((pipeline, host)) => (pipeline, Some(host)),
        None => (Pipeline::new(engine), None),
    };
    pipeline = pipeline.with_threads(asked.logs.threads());
    let begun_anew = pipeline.begun_anew().join(", ");
    if !begun_anew.is_empty() {
        say(&format!(
            "warning: rules have changed, and what they remember begins anew: {}",
            terminal(&begun_anew)
        ));
    }
    let mut sink = Sink::new(kind, asked, host.as_ref().map(|host| host.output))?;
    let mut follow = Follow::new(asked, engine, &mut pipeline, host.map(|host| host.files))?;
    sink.begin(&pipeline)?;
    let mut save = Save::default();
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
        if let Some(store) = &store {
            save.in_time(store, step == Step::Read, &mut pipeline, &follow, &mut sink)?;
        }
        match step {
            Step::Read => {}
            Step::Waiting => follow.wait(),
            Step::Ended => break,
        }
    }
    if let Some(store) = &store {
        save.now(store, &mut pipeline, &follow, &mut sink)?;
    }
    let summary = sink.finish(pipeline.finish())?;
    let unreadable = summary.records.rejected_total() > 0;
    Ok(follow.ended_by().unwrap_or_else(|| sink.exit(unreadable)))
}

/// When the state is kept.
#[derive(Default)]
struct Save {
    due: Option<Instant>,
    unsaved: bool,
}

impl Save {
    /// Keeps the state if something was read since, and not more often than is cheap.
    fn in_time(
        &mut self,
        store: &Store,
        read: bool,
        pipeline: &mut Pipeline,
        follow: &Follow,
        sink: &mut Sink,
    ) -> Result<(), Stop> {
        self.unsaved |= read;
        if !self.unsaved || self.due.is_some_and(|due| Instant::now() < due) {
            return Ok(());
        }
        self.now(store, pipeline, follow, sink)
    }

    /// Writes what is known, then the state, which knows how much was written.
    fn now(
        &mut self,
        store: &Store,
        pipeline: &mut Pipeline,
        follow: &Follow,
        sink: &mut Sink,
    ) -> Result<(), Stop> {
        /// How long something that was read may stay unsaved, and how much longer than saving takes that is at least.
        const OFTEN: Duration = Duration::from_millis(200);
        const SHARE: u32 = 20;

        let began = Instant::now();
        pipeline.look();
        sink.take(&pipeline.drain())?;
        let host = Host { output: sink.sync()?, files: follow.keep(pipeline) };
        let host = serde_json::to_vec(&host).map_err(|why| Stop::Output(why.into()))?;
        store.save(&pipeline.checkpoint()?.with_host(host))?;
        self.unsaved = false;
        self.due = Some(Instant::now() + OFTEN.max(began.elapsed() * SHARE));
        Ok(())
    }
}

/// The folder of `--state`, where it can be used.
fn open_state(asked: &Diagnose, folder: &Path) -> Result<Store, Stop> {
    if asked.logs.paths.is_empty() || asked.logs.paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Stop::Usage("a pipe cannot be read again; --state needs files".to_owned()));
    }
    if asked.output == "text" {
        return Err(Stop::Usage("text is grouped when all is known; --state needs `-o json`".to_owned()));
    }
    Store::open(folder)
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
    out: io::BufWriter<Box<dyn Write>>,
    /// The file, if they go to one.
    file: Option<File>,
    /// Whether a run goes on that has written its beginning.
    begun: bool,
    fail_on: Option<Severity>,
    found: bool,
    diagnoses: u64,
}

impl Sink {
    /// Opens the output; a file is cut to `kept` bytes, what an earlier run has written for good.
    fn new(kind: &dyn ReportKind, asked: &Diagnose, kept: Option<u64>) -> Result<Self, Stop> {
        let file = asked.output_file.as_deref().map(|path| output_file(path, kept)).transpose()?;
        let (out, style): (Box<dyn Write>, _) = match &file {
            Some(file) => (Box::new(file.try_clone().map_err(Stop::Output)?), Style::default()),
            None => (Box::new(io::stdout()), style::style()),
        };
        Ok(Self {
            report: kind.open(style),
            out: io::BufWriter::with_capacity(64 * 1024, out),
            begun: file.is_some() && kept.is_some_and(|kept| kept > 0),
            file,
            fail_on: asked.fail_on,
            found: false,
            diagnoses: 0,
        })
    }

    fn begin(&mut self, pipeline: &Pipeline) -> Result<(), Stop> {
        if self.begun {
            return Ok(());
        }
        let written = self.report.begin(&pipeline.begin(), &mut self.out);
        written.and_then(|()| self.out.flush()).map_err(Stop::Output)
    }

    /// Sees to it that what was written outlives a power cut, and says how much it is.
    fn sync(&mut self) -> Result<u64, Stop> {
        self.out.flush().map_err(Stop::Output)?;
        let Some(file) = &self.file else { return Ok(0) };
        let length = file.sync_data().and_then(|()| file.metadata());
        length.map(|meta| meta.len()).map_err(Stop::Output)
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

/// Opens a file for the output: a new one, or one that is gone on with.
fn output_file(path: &Path, kept: Option<u64>) -> Result<File, Stop> {
    let shown = path.display();
    let failed = |why: io::Error| Stop::Usage(format!("cannot write `{shown}`: {why}"));
    let Some(kept) = kept.filter(|kept| *kept > 0) else { return File::create(path).map_err(failed) };
    let mut file = File::options().read(true).write(true).open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length < kept {
        return Err(Stop::Usage(format!(
            "`{shown}` is shorter than it was when the state was kept ({length} bytes, {kept} then)"
        )));
    }
    file.set_len(kept).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
    Ok(file)
}
