//! Reads all sources side by side, in the order of their times.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Read};
use std::time::SystemTime;

use etiolog::output::terminal;
use etiolog::{Engine, EngineBuilder, Expand, Pipeline, SourceId, Timestamp};

use crate::args::{Facts, Logs};
use crate::exit::{Exit, Stop};
use crate::feed::Feed;
use crate::inputs::{self, File, Inputs, Source};
use crate::kinds;
use crate::packs;
use crate::progress::Progress;
use crate::signals::Signals;

/// Bytes that are pushed at once.
const CHUNK: usize = 256 * 1024;

/// The engine that the flags ask for. The clock is read once, here.
pub(crate) fn engine(rules: &[String], facts: &Facts, asked: &Logs) -> Result<EngineBuilder, Stop> {
    let mut builder = Engine::builder().clock(now()).complete(asked.complete);
    for pack in packs::load(rules, facts)? {
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
    if let Some(memory) = asked.memory {
        builder = builder.memory(memory);
    }
    Ok(builder)
}

/// The host's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::MIN.plus(since)
}

/// The logs that are asked for; stdin in a pipe when none is named.
pub(crate) fn gather(asked: &Logs, engine: &Engine) -> Result<Inputs, Stop> {
    if !asked.paths.is_empty() {
        let split = |path: &str| engine.source_of(path);
        let mut inputs = inputs::gather(&asked.paths, split).map_err(Stop::Usage)?;
        if asked.format.is_none() {
            kinds::split(&mut inputs, engine);
        }
        return Ok(inputs);
    }
    if io::stdin().is_terminal() {
        return Err(Stop::Usage("nothing to read; name files or directories, or pipe logs in".to_owned()));
    }
    let stdin = Source { name: "stdin".to_owned(), files: vec![File::stdin()] };
    Ok(Inputs { sources: vec![stdin], ..Inputs::default() })
}

/// The source that is furthest behind; one without a time yet comes first.
fn next_reader(readers: &[Reader], pipeline: &Pipeline) -> Option<usize> {
    (0..readers.len()).min_by_key(|&at| readers.get(at).and_then(|reader| pipeline.frontier(reader.id)))
}

/// All sources, read side by side.
pub(crate) struct Reading {
    readers: Vec<Reader>,
    signals: Signals,
    buffer: Vec<u8>,
    /// Whether something that was asked for could not be read.
    pub(crate) unreadable: bool,
}

impl Reading {
    /// Opens every source; from here on the first signal ends the reading and not the program.
    ///
    /// # Errors
    ///
    /// When the named input does not exist.
    pub(crate) fn new(inputs: Inputs, asked: &Logs, pipeline: &mut Pipeline) -> Result<Self, Stop> {
        let mut readers = Vec::new();
        for source in inputs.sources {
            let id = pipeline.open(&source.name);
            if let Some(format) = &asked.format {
                pipeline.use_input(id, format)?;
            }
            readers.push(Reader { id, files: source.files.into(), open: None });
        }
        let (signals, unreadable) = (Signals::catch(), inputs.unreadable);
        Ok(Self { readers, signals, buffer: vec![0; CHUNK], unreadable })
    }

    /// Reads the next bytes, of the source that is furthest behind; `false` when there is nothing left to do.
    pub(crate) fn step(&mut self, pipeline: &mut Pipeline, progress: &Progress, quiet: bool) -> bool {
        let Some(at) = next_reader(&self.readers, pipeline).filter(|_| self.ended_by().is_none()) else {
            return false;
        };
        let Some(reader) = self.readers.get_mut(at) else { return false };
        match reader.step(pipeline, progress, &mut self.buffer, &self.signals) {
            Step::More => {}
            Step::Done => {
                pipeline.close(reader.id);
                self.readers.remove(at);
            }
            Step::Unreadable(why) => {
                self.unreadable = true;
                if !quiet {
                    progress.note(&format!("warning: {}", terminal(&why)));
                }
            }
        }
        true
    }

    /// How the program has to end, if a signal has ended the reading.
    pub(crate) fn ended_by(&self) -> Option<Exit> {
        self.signals.exit()
    }
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
    fn step(
        &mut self,
        pipeline: &mut Pipeline,
        progress: &Progress,
        buffer: &mut [u8],
        signals: &Signals,
    ) -> Step {
        let Some((shown, stream)) = &mut self.open else {
            let Some(file) = self.files.pop_front() else { return Step::Done };
            pipeline.file(self.id, &file.shown);
            return match open(&file, signals) {
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
            Err(why) if matches!(why.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
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

/// A pipe is read by a thread, so that a signal is heard while it is silent.
fn open(file: &File, signals: &Signals) -> io::Result<Box<dyn Read>> {
    if file.size.is_some() {
        return file.open();
    }
    let file = file.clone();
    Ok(Box::new(Feed::new(move || file.open(), signals.clone())))
}
