//! `etiolog diagnose --follow`: reads on as the logs grow, are rotated, cut off, and as new ones come.
//!
//! Files are asked by looking at them again and again. A file is known by where it lies on disk and by what was read of
//! it, not by its name: renamed, it is read to its end before the one that took its name; cut off, it is read from its
//! start, and what was missed is taken from the copy that was made before, when there is one among the files.

mod kept;
mod source;
mod tail;
mod track;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use etiolog::output::terminal;
use etiolog::{Engine, FileId, Pipeline};

use crate::args::Diagnose;
use crate::exit::{Exit, Stop, say};
use crate::feed::Feed;
pub(crate) use crate::follow::kept::Kept;
use crate::follow::source::Source;
use crate::inputs::{self, File, Inputs};
use crate::read;
use crate::signals::Signals;

/// How long to wait before the files are looked at again.
const POLL: Duration = Duration::from_millis(200);
/// How much longer than a look the wait is at least: many files are looked at less often.
const SHARE: u32 = 20;
/// How long a source may be silent before it is taken to pause, unless `--idle` says otherwise.
const IDLE: Duration = Duration::from_secs(60);
/// How many files are kept open.
const MOST_OPEN: usize = 256;
/// How long it may stay undecided what a new file is before a run that does not follow ends without it.
const UNDECIDED: Duration = Duration::from_secs(3);
/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something was read.
    Read,
    /// There is nothing to read for now.
    Waiting,
    /// Nothing can come any more.
    Ended,
}

/// All sources, followed side by side.
pub(crate) struct Follow {
    paths: Vec<PathBuf>,
    engine: Engine,
    format: Option<String>,
    idle: Duration,
    quiet: bool,
    sources: Vec<Source>,
    signals: Signals,
    buffer: Vec<u8>,
    /// When to look at the files again.
    due: Instant,
    /// Whether to end where nothing more is to be read.
    once: bool,
    /// Whether the files were looked at since something was read, and when that was.
    looked: bool,
    read: Instant,
}

impl Follow {
    /// Opens what there is; from here on the first signal ends the following and not the program.
    ///
    /// # Errors
    ///
    /// When nothing can ever come, or the named input does not exist.
    pub(crate) fn new(
        asked: &Diagnose,
        engine: &Engine,
        pipeline: &mut Pipeline,
        kept: Option<Kept>,
    ) -> Result<Self, Stop> {
        let mut follow = Self {
            paths: asked.logs.paths.clone(),
            engine: engine.clone(),
            format: asked.logs.format.clone(),
            idle: asked.idle.unwrap_or(IDLE),
            quiet: asked.quiet,
            sources: Vec::new(),
            signals: Signals::catch(),
            buffer: vec![0; CHUNK],
            due: Instant::now(),
            once: !asked.follow,
            looked: false,
            read: Instant::now(),
        };
        let inputs =
            if follow.paths.is_empty() { read::gather(&asked.logs, engine)? } else { follow.listed()? };
        for note in inputs.notes.iter().chain(&inputs.missing) {
            follow.note(&format!("note: {note}"));
        }
        let first = kept.is_none();
        let mut notes = Vec::new();
        if let Some(kept) = kept {
            notes.extend(follow.resume(kept, &inputs, pipeline));
        }
        notes.extend(follow.see(inputs, first, pipeline)?);
        for note in notes {
            follow.note(&format!("warning: {note}"));
        }
        Ok(follow)
    }

    /// What has to be kept for [`Follow::new`] to go on from here.
    pub(crate) fn keep(&self, pipeline: &Pipeline) -> Kept {
        let beside = beside(pipeline);
        Kept { sources: self.sources.iter().map(|source| source.keep(&beside)).collect() }
    }

    /// Goes on with what a pipeline that was restored was reading.
    fn resume(&mut self, kept: Kept, inputs: &Inputs, pipeline: &mut Pipeline) -> Vec<String> {
        let now = Instant::now();
        let beside = beside(pipeline);
        let files = inputs.sources.iter().flat_map(|source| &source.files);
        let paths: Vec<PathBuf> = files.filter_map(|file| Some(file.path()?.to_owned())).collect();
        for progress in pipeline.progress() {
            let mut source = Source::new(progress.name.to_string(), progress.source, now);
            source.open = progress.open;
            self.sources.push(source);
        }
        let mut notes = Vec::new();
        for kept in kept.sources {
            let Some(source) = self.sources.iter_mut().find(|source| source.name == kept.name) else {
                continue;
            };
            for file in kept.files {
                notes.extend(source.resume(file, &beside, &paths, pipeline, now));
            }
        }
        notes
    }

    /// How the program has to end, if a signal has ended the following.
    pub(crate) fn ended_by(&self) -> Option<Exit> {
        self.signals.exit()
    }

    /// Reads the next bytes, of the source that is furthest behind.
    ///
    /// # Errors
    ///
    /// When the named input does not exist.
    pub(crate) fn step(&mut self, pipeline: &mut Pipeline) -> Result<Step, Stop> {
        let now = Instant::now();
        if now >= self.due {
            self.look(pipeline, now)?;
        }
        let mut notes = Vec::new();
        let mut ready: Vec<usize> =
            (0..self.sources.len()).filter(|&at| self.sources[at].is_ready()).collect();
        ready.sort_by_key(|&at| pipeline.frontier(self.sources[at].id));
        let read = ready.iter().any(|&at| self.sources[at].read(&mut self.buffer, pipeline, now, &mut notes));
        notes.iter().for_each(|note| self.note(&format!("warning: {note}")));
        let mut ended = !self.sources.is_empty() && self.sources.iter().all(|source| !source.open);
        if read {
            (self.looked, self.read) = (false, now);
        } else if self.once {
            let undecided = self.sources.iter().any(Source::is_undecided);
            ended |= self.looked && (!undecided || now.duration_since(self.read) > UNDECIDED);
            self.due = if self.looked { self.due } else { now };
        }
        Ok(match () {
            () if read => Step::Read,
            () if ended => Step::Ended,
            () => Step::Waiting,
        })
    }

    /// Waits until there may be something to read.
    pub(crate) fn wait(&self) {
        /// A pipe says nothing when it has something.
        const PIPE: Duration = Duration::from_millis(20);
        let wait = self.due.saturating_duration_since(Instant::now());
        let pipes = self.sources.iter().any(|source| source.open && source.is_listening());
        thread::sleep(wait.min(if pipes { PIPE } else { POLL }));
    }

    /// Tells the pipeline which sources pause; says whether any has begun to.
    pub(crate) fn rest(&mut self, pipeline: &mut Pipeline) -> bool {
        let (now, idle) = (Instant::now(), self.idle);
        let silent = |source: &&mut Source| {
            source.open && !source.paused && now.duration_since(source.heard) >= idle && !source.has_unread()
        };
        let mut any = false;
        for source in self.sources.iter_mut().filter(silent) {
            (source.paused, any) = (true, true);
            pipeline.idle(source.id);
        }
        any
    }

    /// Looks which files there are and which have grown.
    fn look(&mut self, pipeline: &mut Pipeline, now: Instant) -> Result<(), Stop> {
        let mut notes = Vec::new();
        if !self.paths.is_empty() {
            // A directory that is away for a moment holds nothing for a moment.
            let inputs = self.listed().unwrap_or_default();
            notes.extend(self.see(inputs, false, pipeline)?);
        }
        for source in self.sources.iter_mut().filter(|source| source.open) {
            notes.extend(source.check(pipeline, now));
        }
        notes.iter().for_each(|note| self.note(&format!("warning: {note}")));
        self.close_some();
        self.looked = true;
        let taken = now.elapsed();
        self.due = now + taken + POLL.max(taken * SHARE);
        Ok(())
    }

    fn listed(&self) -> Result<Inputs, Stop> {
        inputs::gather_so_far(&self.paths, |path| self.engine.source_of(path)).map_err(Stop::Usage)
    }

    /// Shares the files out to their sources.
    fn see(&mut self, inputs: Inputs, first: bool, pipeline: &mut Pipeline) -> Result<Vec<String>, Stop> {
        let now = Instant::now();
        let mut notes = Vec::new();
        let mut unseen: Vec<bool> = vec![true; self.sources.len()];
        for listed in inputs.sources {
            let at = match self.sources.iter().position(|source| source.name == listed.name) {
                Some(at) => at,
                None => {
                    let id = pipeline.open(&listed.name);
                    if let Some(format) = &self.format {
                        pipeline.use_input(id, format)?;
                    }
                    self.sources.push(Source::new(listed.name, id, now));
                    unseen.push(false);
                    self.sources.len() - 1
                }
            };
            unseen[at] = false;
            let source = &mut self.sources[at];
            let (pipes, files): (Vec<File>, Vec<File>) =
                listed.files.into_iter().partition(|file| file.size.is_none());
            let paths: Vec<PathBuf> = files.iter().filter_map(|file| Some(file.path()?.to_owned())).collect();
            notes.extend(source.see(&paths, first, pipeline, now));
            for pipe in pipes.into_iter().filter(|_| first) {
                let name = pipe.shown.clone();
                let feed = Feed::new(move || pipe.open(), self.signals.clone());
                source.listen(&name, feed, pipeline);
            }
        }
        for (source, unseen) in self.sources.iter_mut().zip(unseen) {
            if unseen {
                notes.extend(source.see(&[], first, pipeline, now));
            }
        }
        Ok(notes)
    }

    /// Closes files that have been silent the longest; they are opened again when they grow.
    fn close_some(&mut self) {
        let tails = self.sources.iter_mut().flat_map(|source| &mut source.tails);
        let mut open: Vec<_> = tails.filter(|tail| tail.file().is_some()).collect();
        let many = open.len().saturating_sub(MOST_OPEN);
        if many > 0 {
            open.retain(|tail| !tail.ready && tail.gone.is_none());
            open.sort_by_key(|tail| tail.grown);
            open.into_iter().take(many).for_each(|tail| tail.close());
        }
    }

    fn note(&self, line: &str) {
        if !self.quiet {
            say(&terminal(line));
        }
    }
}

/// The files that a pipeline is reading, in an order that outlives it.
fn beside(pipeline: &Pipeline) -> Vec<FileId> {
    pipeline.files_beside().into_iter().map(|(id, _)| id).collect()
}
