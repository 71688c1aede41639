//! The files of one source: which are new, which are known under another name, which are copies, which begin anew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use etiolog::{Expand, FileId, Pipeline, SourceId};

use crate::feed::{Feed, Ready};
use crate::follow::kept::{KeptFile, KeptSource};
use crate::follow::tail::{Found, Got, Tail};
use crate::follow::track::{Likeness, Place, Track, each_block};
use crate::inputs;

/// How long a file to which no name leads is still read: its writer may not have noticed.
const GRACE: Duration = Duration::from_secs(60);
/// How long a compressed file must stay as it is before it is read: its writer may be at work.
const SETTLED: Duration = Duration::from_secs(1);
/// How many files that are over are known by what they held.
const KNOWN: usize = 1024;

/// A source while it is followed.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) id: SourceId,
    pub(crate) open: bool,
    /// When it last brought something, or was told to be pausing.
    pub(crate) heard: Instant,
    pub(crate) paused: bool,
    pub(crate) tails: Vec<Tail>,
    feed: Option<(FileId, Feed)>,
    newcomers: Vec<Newcomer>,
    past: Vec<Past>,
}

/// A file that was not there before and about which nothing is decided.
struct Newcomer {
    path: PathBuf,
    place: Option<Place>,
    copy: Option<Copy>,
    /// When it was so long, all that it held had been read in another file.
    known: Option<u64>,
    /// Its length and time when last seen, and since when it is so.
    settled: (u64, Option<SystemTime>, Instant),
}

/// A file holds what was read of another that is still there.
struct Copy {
    of: FileId,
    /// How much of the other one was read then, and how long this one was.
    position: u64,
    len: u64,
}

/// What is known of a file that is over, or was cut off.
struct Past {
    track: Track,
    /// What the pipeline knows it as, while something may still be missing of it.
    id: Option<FileId>,
    since: Instant,
    /// Whether it is of an earlier run, so that the pipeline does not hold the record under way.
    earlier: bool,
}

/// What becomes of a newcomer.
enum Decision {
    /// It is read, from the start.
    New,
    /// It is a copy, or may still turn out to be one.
    Wait,
    /// It goes on where this file stood, which is gone.
    Instead(FileId),
    /// It goes on where the past file of this place stood.
    Rest(usize),
    /// All of it is known.
    Known,
}

impl Source {
    /// A source that has no file yet.
    pub(crate) fn new(name: String, id: SourceId, now: Instant) -> Self {
        Self {
            name,
            id,
            open: true,
            heard: now,
            paused: false,
            tails: Vec::new(),
            feed: None,
            newcomers: Vec::new(),
            past: Vec::new(),
        }
    }

    /// What has to be kept of its files; `beside` are those that the pipeline knows.
    pub(crate) fn keep(&self, beside: &[FileId]) -> KeptSource {
        let file = |tail: &Tail| KeptFile {
            path: tail.path.to_string_lossy().into_owned(),
            place: tail.place,
            packed: tail.is_packed(),
            done: tail.is_done(),
            beside: beside.iter().position(|id| *id == tail.id),
            track: tail.track.keep(),
        };
        let known = self.past.iter().map(|past| KeptFile {
            path: String::new(),
            place: None,
            packed: false,
            done: true,
            beside: past.id.and_then(|id| beside.iter().position(|other| *other == id)),
            track: past.track.keep(),
        });
        let files = self.tails.iter().map(file).chain(known).collect();
        KeptSource { name: self.name.clone(), files }
    }

    /// Goes on with a file of an earlier run, if it is still among these.
    pub(crate) fn resume(
        &mut self,
        kept: KeptFile,
        beside: &[FileId],
        paths: &[PathBuf],
        pipeline: &mut Pipeline,
        now: Instant,
    ) -> Option<String> {
        let id = kept.beside.and_then(|at| beside.get(at)).copied();
        let track = Track::kept(kept.track);
        let is_it = |path: &&PathBuf| {
            let place = fs::metadata(path).ok().and_then(|meta| Place::of(&meta));
            if place.is_some() { place == kept.place } else { path.to_string_lossy() == kept.path }
        };
        let found = paths.iter().find(is_it).and_then(|path| Some((path, File::open(path).ok()?)));
        let Some((path, file)) = found else {
            self.past.push(Past { track, id, since: now, earlier: true });
            return None;
        };
        let Some(id) = id else {
            // It had ended: it is known, and no more.
            let id = pipeline.begin_file(self.id, &kept.path);
            pipeline.end(id);
            self.tails.push(Tail::known(path, file, id, now));
            return None;
        };
        if kept.packed {
            pipeline.again_file(id);
            let stream = File::open(path).ok()?;
            self.tails.push(Tail::packed(path, file, id, Expand::new(stream), now));
            return None;
        }
        match gone_on(&track, &file, Some(id), pipeline) {
            Ok(Some(track)) => {
                self.tails.push(Tail::new(path, file, id, track, now));
                None
            }
            Ok(None) | Err(_) => {
                pipeline.broken_file(id);
                self.past.push(Past { track, id: Some(id), since: now, earlier: true });
                let path = path.display();
                Some(format!("truncated: {path}: it is not what was read before; read from its start"))
            }
        }
    }

    /// Whether it is not yet decided what some files are.
    pub(crate) fn is_undecided(&self) -> bool {
        self.newcomers.iter().any(|newcomer| newcomer.copy.is_none() && newcomer.settled.0 > 0)
    }

    /// Reads a pipe.
    pub(crate) fn listen(&mut self, name: &str, feed: Feed, pipeline: &mut Pipeline) {
        if self.feed.is_none() {
            self.feed = Some((pipeline.begin_file(self.id, name), feed));
        }
    }

    pub(crate) fn is_listening(&self) -> bool {
        self.feed.is_some()
    }

    /// Takes note of the files that there are, in their order.
    pub(crate) fn see(
        &mut self,
        paths: &[PathBuf],
        first: bool,
        pipeline: &mut Pipeline,
        now: Instant,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        let mut seen = vec![false; self.tails.len()];
        let mut still = vec![false; self.newcomers.len()];
        let mut fresh = Vec::new();
        let placed = self.tails.iter().enumerate().filter_map(|(at, tail)| Some((tail.place?, at)));
        let by_place: BTreeMap<Place, usize> = placed.collect();
        for path in paths {
            let Ok(meta) = fs::metadata(path) else { continue };
            let place = Place::of(&meta);
            let known = match place {
                Some(place) => by_place.get(&place).copied(),
                None => self.tails.iter().position(|tail| tail.is_at(path, place)),
            };
            let same =
                |newcomer: &Newcomer| newcomer.place == place && (place.is_some() || newcomer.path == *path);
            if let Some(at) = known {
                self.tails[at].path.clone_from(path);
                seen[at] = true;
            } else if let Some(at) = self.newcomers.iter().position(same) {
                self.newcomers[at].path.clone_from(path);
                still[at] = true;
            } else {
                let settled = (meta.len(), meta.modified().ok(), now);
                fresh.push(Newcomer { path: path.clone(), place, copy: None, known: None, settled });
            }
        }
        for (tail, seen) in self.tails.iter_mut().zip(seen) {
            tail.gone = if seen { None } else { tail.gone.or(Some(now)) };
        }
        let mut still = still.into_iter();
        self.newcomers.retain(|_| still.next() == Some(true));
        if first {
            for newcomer in fresh {
                if let Err(why) = self.begin(&newcomer.path, pipeline, now) {
                    notes.push(cannot_read(&newcomer.path, &why));
                }
            }
        } else {
            self.newcomers.extend(fresh);
        }
        notes
    }

    /// Looks at every file: which have grown, were cut off, are over; and what the new ones are.
    pub(crate) fn check(&mut self, pipeline: &mut Pipeline, now: Instant) -> Vec<String> {
        let mut notes = Vec::new();
        for at in 0..self.tails.len() {
            match self.tails[at].check() {
                Ok(Found::AsBefore) => {}
                Ok(Found::Truncated) => notes.push(self.truncated(at, pipeline, now)),
                Err(why) => notes.extend(self.unreadable(at, &why)),
            }
        }
        let over = |tail: &Tail| {
            tail.gone.is_some_and(|gone| now.duration_since(gone.max(tail.grown)) >= GRACE)
                && tail.is_drained()
        };
        for tail in self.tails.extract_if(.., |tail| over(tail)) {
            self.past.push(Past { track: tail.track, id: Some(tail.id), since: now, earlier: false });
        }
        for past in &mut self.past {
            if now.duration_since(past.since) >= GRACE
                && let Some(id) = past.id.take()
            {
                pipeline.end(id);
            }
        }
        self.past.drain(..self.past.len().saturating_sub(KNOWN));
        // First those that go on where another file stood: then the others can be held against them.
        for only_heirs in [true, false] {
            for mut newcomer in std::mem::take(&mut self.newcomers) {
                // One that has gone again, or cannot be read yet, is asked again at the next look.
                let decision = self.decide(&mut newcomer, now).unwrap_or(Decision::Wait);
                let is_heir = matches!(decision, Decision::Instead(_) | Decision::Rest(_));
                let decision = if only_heirs && !is_heir { Decision::Wait } else { decision };
                notes.extend(self.act(decision, newcomer, pipeline, now).err());
            }
        }
        notes
    }

    /// Whether something can be read at once.
    pub(crate) fn is_ready(&self) -> bool {
        self.open && (self.tails.iter().any(|tail| tail.ready) || self.feed.is_some())
    }

    /// Whether a file is known to have more than was read.
    pub(crate) fn has_unread(&self) -> bool {
        self.tails.iter().any(|tail| tail.ready)
    }

    /// Reads the next bytes, of the first file that has any; `false` when none has.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        pipeline: &mut Pipeline,
        now: Instant,
        notes: &mut Vec<String>,
    ) -> bool {
        if let Some((id, feed)) = &self.feed {
            match feed.ready() {
                Ready::NotYet => return false,
                Ready::Bytes(bytes) => pipeline.push_to(*id, &bytes),
                end => {
                    if let Ready::Broken(why) = end {
                        pipeline.broken_file(*id);
                        notes.push(cannot_read(Path::new(&self.name), &why));
                    }
                    self.feed = None;
                    self.open = false;
                    pipeline.close(self.id);
                }
            }
            self.hear(now);
            return true;
        }
        let Some(at) = self.tails.iter().position(|tail| tail.ready) else { return false };
        let tail = &mut self.tails[at];
        match tail.read(buffer, now) {
            Ok(Got::Bytes(n)) => {
                pipeline.push_to(tail.id, buffer.get(..n).unwrap_or_default());
                self.hear(now);
            }
            Ok(Got::Nothing) => {}
            Ok(Got::End) => pipeline.end(tail.id),
            Ok(Got::Truncated) => notes.push(self.truncated(at, pipeline, now)),
            Err(why) => {
                if tail.is_packed() {
                    pipeline.broken_file(tail.id);
                    pipeline.end(tail.id);
                }
                notes.extend(self.unreadable(at, &why));
            }
        }
        true
    }

    fn hear(&mut self, now: Instant) {
        self.heard = now;
        self.paused = false;
    }

    /// Begins to read a file from its first byte.
    fn begin(&mut self, path: &Path, pipeline: &mut Pipeline, now: Instant) -> io::Result<()> {
        let mut file = File::open(path)?;
        let packed = is_packed(&mut file)?;
        let id = pipeline.begin_file(self.id, &path.to_string_lossy());
        self.tails.push(if packed {
            let stream = Expand::new(File::open(path)?);
            Tail::packed(path, file, id, stream, now)
        } else {
            Tail::new(path, file, id, Track::new(), now)
        });
        Ok(())
    }

    /// A file is not what it was: it is read from its first byte, and what it was may go on in a copy.
    fn truncated(&mut self, at: usize, pipeline: &mut Pipeline, now: Instant) -> String {
        let tail = &mut self.tails[at];
        let shown = tail.path.display().to_string();
        pipeline.broken_file(tail.id);
        let before = tail.id;
        let track = tail.restart(pipeline.begin_file(self.id, &shown));
        self.past.push(Past { track, id: Some(before), since: now, earlier: false });
        format!("truncated: {shown}: shorter than before, or written anew; read from its start")
    }

    fn unreadable(&mut self, at: usize, why: &io::Error) -> Option<String> {
        let tail = &mut self.tails[at];
        tail.ready = false;
        tail.close();
        // Said once: the file is asked again at every look.
        let said = tail.gone.is_some() || tail.complained;
        tail.complained = true;
        (!said).then(|| cannot_read(&tail.path, why))
    }

    fn decide(&self, newcomer: &mut Newcomer, now: Instant) -> io::Result<Decision> {
        let mut file = File::open(&newcomer.path)?;
        let meta = file.metadata()?;
        let (len, modified) = (meta.len(), meta.modified().ok());
        if (newcomer.settled.0, newcomer.settled.1) != (len, modified) {
            newcomer.settled = (len, modified, now);
        }
        if len == 0 {
            return Ok(Decision::Wait);
        }
        if is_packed(&mut file)? {
            let settled = now.duration_since(newcomer.settled.2) >= SETTLED;
            return if settled { self.decide_packed(&newcomer.path) } else { Ok(Decision::Wait) };
        }
        if let Some(copy) = &newcomer.copy
            && let Some(tail) = self.tails.iter().find(|tail| tail.id == copy.of)
            && tail.gone.is_none()
            && (copy.position, copy.len) == (tail.track.position, len)
        {
            return Ok(Decision::Wait);
        }
        // The longest text that it holds decides: short ones may be the beginning of many.
        let mut holds: Option<(u64, Decision)> = None;
        let mut begins = false;
        for (place, past) in self.past.iter().enumerate() {
            let position = past.track.position;
            match past.track.likeness(&file, len, None)? {
                Likeness::Other => {}
                // What is over does not grow: a copy of it is soon complete.
                Likeness::Begins => begins |= now.duration_since(newcomer.settled.2) < SETTLED,
                Likeness::Holds if holds.as_ref().is_some_and(|(longest, _)| *longest >= position) => {}
                Likeness::Holds => holds = Some((position, Decision::Rest(place))),
            }
        }
        newcomer.copy = None;
        for tail in self.tails.iter().filter(|tail| !tail.is_packed()) {
            let position = tail.track.position;
            let likeness = tail.track.likeness(&file, len, tail.file())?;
            if likeness != Likeness::Other && len <= position {
                newcomer.known = Some(len);
            }
            match likeness {
                Likeness::Other => {}
                Likeness::Begins => begins = true,
                Likeness::Holds if holds.as_ref().is_some_and(|(longest, _)| *longest >= position) => {}
                Likeness::Holds if tail.gone.is_some() && tail.is_drained() => {
                    holds = Some((position, Decision::Instead(tail.id)));
                }
                Likeness::Holds => {
                    newcomer.copy = Some(Copy { of: tail.id, position, len });
                    holds = Some((position, Decision::Wait));
                }
            }
        }
        Ok(match holds {
            Some((_, decision)) => decision,
            None if begins => Decision::Wait,
            None if newcomer.known == Some(len) => Decision::Known,
            None => Decision::New,
        })
    }

    /// A compressed file that holds what was read already is not read again.
    fn decide_packed(&self, path: &Path) -> io::Result<Decision> {
        let tails = self.tails.iter().map(|tail| (&tail.track, tail.file()));
        let tracks = tails.chain(self.past.iter().map(|past| (&past.track, None)));
        for (track, own) in tracks.filter(|(track, _)| track.position > 0) {
            let stream = &mut Expand::new(File::open(path)?);
            if track.likeness_of_stream(stream, own).is_ok_and(|likeness| likeness != Likeness::Other) {
                return Ok(Decision::Known);
            }
        }
        Ok(Decision::New)
    }

    fn act(
        &mut self,
        decision: Decision,
        newcomer: Newcomer,
        pipeline: &mut Pipeline,
        now: Instant,
    ) -> Result<(), String> {
        let path = newcomer.path.clone();
        let acted = match decision {
            Decision::New => self.begin(&path, pipeline, now),
            Decision::Wait => {
                self.newcomers.push(newcomer);
                Ok(())
            }
            Decision::Instead(original) => File::open(&path).map(|file| {
                if let Some(tail) = self.tails.iter_mut().find(|tail| tail.id == original) {
                    tail.move_to(&path, file);
                }
            }),
            Decision::Rest(place) => File::open(&path).and_then(|file| {
                let past = self.past.remove(place);
                let under_way = past.id.filter(|_| past.earlier);
                let Some(track) = gone_on(&past.track, &file, under_way, pipeline)? else {
                    return Err(io::ErrorKind::InvalidData.into());
                };
                let shown = path.to_string_lossy();
                let id = past.id.unwrap_or_else(|| pipeline.begin_file(self.id, &shown));
                // Before what was written since: it is older.
                self.tails.insert(0, Tail::new(&path, file, id, track, now));
                Ok(())
            }),
            Decision::Known => File::open(&path).map(|file| {
                let id = pipeline.begin_file(self.id, &path.to_string_lossy());
                pipeline.end(id);
                self.tails.push(Tail::known(&path, file, id, now));
            }),
        };
        acted.map_err(|why| cannot_read(&path, &why))
    }
}

/// A track to be added to, if the file is what was read; where it is one that the pipeline was reading in an earlier run,
/// the pipeline is given what it has to see again.
fn gone_on(
    track: &Track,
    file: &File,
    under_way: Option<FileId>,
    pipeline: &mut Pipeline,
) -> io::Result<Option<Track>> {
    let Some(track) = track.go_on(file)? else { return Ok(None) };
    let Some(id) = under_way else { return Ok(Some(track)) };
    let from = track.position.saturating_sub(pipeline.go_on_file(id));
    let whole = each_block(file, from, track.position, |block| pipeline.push_to(id, block))?;
    Ok(whole.then_some(track))
}

fn is_packed(file: &mut File) -> io::Result<bool> {
    let mut magic = Vec::with_capacity(4);
    file.take(4).read_to_end(&mut magic)?;
    Ok(Expand::<File>::is_compressed(&magic))
}

fn cannot_read(path: &Path, why: &io::Error) -> String {
    format!("cannot read `{}`: {}", path.display(), inputs::reason(why))
}
