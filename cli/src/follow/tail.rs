//! One file that grows: where it was read to, and whether it is still the one that was read.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use etiolog::{Expand, FileId};

use crate::follow::track::{Place, Track};

/// A file and how far it was read.
pub(crate) struct Tail {
    pub(crate) path: PathBuf,
    pub(crate) place: Option<Place>,
    /// What the pipeline knows it as.
    pub(crate) id: FileId,
    pub(crate) track: Track,
    /// Whether there may be more to read.
    pub(crate) ready: bool,
    /// Since when no name leads to it.
    pub(crate) gone: Option<Instant>,
    /// When it last brought something.
    pub(crate) grown: Instant,
    /// Whether it was said that it cannot be read.
    pub(crate) complained: bool,
    file: Option<File>,
    modified: Option<SystemTime>,
    packed: Packed,
}

/// Whether a file is compressed: then it is read once.
enum Packed {
    No,
    Yes(Box<Expand<File>>),
    Done,
}

/// What a look at a file has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing has changed, or there is more to read.
    AsBefore,
    /// What was read is there no more.
    Truncated,
}

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Bytes(usize),
    /// Nothing more for now.
    Nothing,
    /// A compressed file is over.
    End,
    /// What was read is there no more.
    Truncated,
}

impl Tail {
    /// A file that is read on from where `track` ends.
    pub(crate) fn new(path: &Path, file: File, id: FileId, track: Track, now: Instant) -> Self {
        Self {
            path: path.to_owned(),
            place: file.metadata().ok().and_then(|meta| Place::of(&meta)),
            id,
            track,
            ready: true,
            gone: None,
            grown: now,
            complained: false,
            file: Some(file),
            modified: None,
            packed: Packed::No,
        }
    }

    /// The same, of a compressed file.
    pub(crate) fn packed(path: &Path, file: File, id: FileId, stream: Expand<File>, now: Instant) -> Self {
        let mut tail = Self::new(path, file, id, Track::new(), now);
        tail.packed = Packed::Yes(Box::new(stream));
        tail.file = None;
        tail
    }

    /// A file of which all is known already.
    pub(crate) fn known(path: &Path, file: File, id: FileId, now: Instant) -> Self {
        let mut tail = Self::new(path, file, id, Track::new(), now);
        (tail.packed, tail.file, tail.ready) = (Packed::Done, None, false);
        tail
    }

    /// Whether a path leads to this file.
    pub(crate) fn is_at(&self, path: &Path, place: Option<Place>) -> bool {
        match (self.place, place) {
            (Some(own), Some(other)) => own == other,
            // Nothing else is known of it: then it is the same as long as it reads the same.
            _ => {
                let fits = || self.track.fits(&File::open(path)?);
                self.path == path && fits().unwrap_or(false)
            }
        }
    }

    pub(crate) fn is_packed(&self) -> bool {
        !matches!(self.packed, Packed::No)
    }

    /// Whether nothing more is wanted of a compressed file.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.packed, Packed::Done)
    }

    /// The file, if it is open.
    pub(crate) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Lets go of the file; it is opened again when it has grown.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    /// Looks whether there is more to read.
    pub(crate) fn check(&mut self) -> io::Result<Found> {
        if self.is_packed() {
            return Ok(Found::AsBefore);
        }
        let meta = match &self.file {
            Some(file) => file.metadata()?,
            None => match fs::metadata(&self.path) {
                Ok(meta) if Place::of(&meta) == self.place => meta,
                // It is gone, or another one has its name: the next listing tells.
                Ok(_) => return Ok(Found::AsBefore),
                Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Found::AsBefore),
                Err(why) => return Err(why),
            },
        };
        let (len, modified) = (meta.len(), meta.modified().ok());
        if len == self.track.position && modified == self.modified && self.file.is_some() {
            return Ok(Found::AsBefore);
        }
        let fits = len >= self.track.position && self.track.fits(opened(&mut self.file, &self.path)?)?;
        if !fits {
            return Ok(Found::Truncated);
        }
        self.modified = modified;
        self.ready = len > self.track.position;
        Ok(Found::AsBefore)
    }

    /// Whether nothing is left to read, as far as can be seen.
    pub(crate) fn is_drained(&self) -> bool {
        let len = self.file.as_ref().and_then(|file| file.metadata().ok()).map(|meta| meta.len());
        !self.ready && len.is_none_or(|len| len <= self.track.position)
    }

    /// Reads the next bytes.
    pub(crate) fn read(&mut self, buffer: &mut [u8], now: Instant) -> io::Result<Got> {
        let n = match &mut self.packed {
            Packed::Done => 0,
            Packed::Yes(stream) => {
                let read = stream.read(buffer);
                if !matches!(read, Ok(1..)) {
                    self.packed = Packed::Done;
                    self.ready = false;
                }
                match read? {
                    0 => return Ok(Got::End),
                    n => n,
                }
            }
            Packed::No => {
                let mut file = opened(&mut self.file, &self.path)?;
                file.seek(SeekFrom::Start(self.track.position))?;
                let n = match file.read(buffer) {
                    Err(why) if why.kind() == io::ErrorKind::Interrupted => return Ok(Got::Nothing),
                    read => read?,
                };
                // It may have been cut off and written anew between the look and the reading.
                if n > 0 && !self.track.fits(file)? {
                    return Ok(Got::Truncated);
                }
                n
            }
        };
        if n == 0 {
            self.ready = false;
            return Ok(Got::Nothing);
        }
        self.grown = now;
        self.track.add(buffer.get(..n).unwrap_or_default());
        Ok(Got::Bytes(n))
    }

    /// The file begins anew.
    pub(crate) fn restart(&mut self, id: FileId) -> Track {
        self.id = id;
        self.ready = true;
        self.modified = None;
        std::mem::replace(&mut self.track, Track::new())
    }

    /// Another file has all that was read of this one, which is gone: it goes on there.
    pub(crate) fn move_to(&mut self, path: &Path, file: File) {
        self.path = path.to_owned();
        self.place = file.metadata().ok().and_then(|meta| Place::of(&meta));
        self.file = Some(file);
        self.modified = None;
        self.gone = None;
        self.ready = true;
    }
}

fn opened<'f>(file: &'f mut Option<File>, path: &Path) -> io::Result<&'f File> {
    match file {
        Some(file) => Ok(file),
        None => Ok(file.insert(File::open(path)?)),
    }
}
