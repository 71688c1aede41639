//! Reads all sources side by side, in the order of their times.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Read};
use std::time::SystemTime;

use etiolog::output::terminal;
use etiolog::{Ahead, Engine, EngineBuilder, Expand, Pipeline, SourceId, Timestamp};

use crate::args::{Facts, Logs};
use crate::exit::{Exit, Stop};
use crate::feed::Feed;
use crate::inputs::{self, File, Inputs, Source};
use crate::kinds;
use crate::packs;
use crate::progress::Progress;
use crate::signals::Signals;

/// Bytes that are pushed at once, if a file has so many.
pub(crate) const CHUNK: usize = 1024 * 1024;
/// A smaller file is read before a thread could begin.
const WORTH: u64 = 128 * 1024;

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
    /// Whether files are read by a thread of their own.
    ahead: bool,
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
        // Each of them takes a thread and a megabyte: where many logs are read side by side, none is read ahead.
        let ahead = asked.threads() > 1 && readers.len() <= asked.threads();
        Ok(Self { readers, signals, buffer: vec![0; CHUNK], ahead, unreadable })
    }

    /// Reads the next bytes, of the source that is furthest behind; `false` when there is nothing left to do.
    pub(crate) fn step(&mut self, pipeline: &mut Pipeline, progress: &Progress, quiet: bool) -> bool {
        let Some(at) = next_reader(&self.readers, pipeline).filter(|_| self.ended_by().is_none()) else {
            return false;
        };
        let Some(reader) = self.readers.get_mut(at) else { return false };
        let step = match &mut reader.open {
            Some(_) => reader.step(pipeline, &mut self.buffer),
            None => reader.next(pipeline, progress, self.ahead, &self.signals),
        };
        match step {
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
    open: Option<Open>,
}

/// A file while it is read.
struct Open {
    shown: String,
    bytes: Box<dyn Read>,
    /// Whether it is a pipe, of which nobody knows when more comes.
    pipe: bool,
}

enum Step {
    More,
    Done,
    Unreadable(String),
}

impl Reader {
    /// Opens the next file.
    fn next(&mut self, pipeline: &mut Pipeline, progress: &Progress, ahead: bool, signals: &Signals) -> Step {
        let Some(file) = self.files.pop_front() else { return Step::Done };
        pipeline.file(self.id, &file.shown);
        let bytes: io::Result<Box<dyn Read>> = match file.size {
            Some(size) => file.open().map(|bytes| -> Box<dyn Read> {
                let bytes = Expand::new(progress.count(bytes));
                if ahead && size >= WORTH { Box::new(Ahead::new(bytes)) } else { Box::new(bytes) }
            }),
            // A pipe is read by a thread, so that a signal is heard while it is silent.
            None => {
                let (file, signals) = (file.clone(), signals.clone());
                Ok(Box::new(Expand::new(progress.count(Feed::new(move || file.open(), signals)))))
            }
        };
        match bytes {
            Ok(bytes) => {
                self.open = Some(Open { shown: file.shown, bytes, pipe: file.size.is_none() });
                Step::More
            }
            Err(why) => {
                pipeline.broken(self.id);
                Step::Unreadable(format!("cannot read `{}`: {}", file.shown, inputs::reason(&why)))
            }
        }
    }

    /// Reads and pushes the next bytes of the file that is open: of a pipe what there is, otherwise as much as fits, so
    /// that what is read by turns does not depend on how the bytes come.
    fn step(&mut self, pipeline: &mut Pipeline, buffer: &mut [u8]) -> Step {
        let Some(Open { shown, bytes, pipe }) = &mut self.open else { return Step::More };
        let mut len = 0;
        let end = loop {
            match bytes.read(buffer.get_mut(len..).unwrap_or_default()) {
                Ok(0) => break (len < buffer.len()).then_some(Ok(())),
                Ok(read) => len += read,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => break None,
                Err(why) => break Some(Err(why)),
            }
            if *pipe {
                break None;
            }
        };
        pipeline.push(self.id, buffer.get(..len).unwrap_or_default());
        let Some(end) = end else { return Step::More };
        let message = |why| format!("`{shown}` could not be read to its end: {}", inputs::reason(&why));
        let unreadable = end.err().map(message);
        self.open = None;
        match unreadable {
            None => Step::More,
            Some(message) => {
                pipeline.broken(self.id);
                Step::Unreadable(message)
            }
        }
    }
}
