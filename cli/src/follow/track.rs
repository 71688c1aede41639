//! What was read of a file: enough to know it again, whatever it is called by then.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};

use xxhash_rust::xxh3::Xxh3;

/// How much of the beginning, and of what was read last, is remembered word by word.
const KEPT: usize = 1024;
/// Bytes that are compared or hashed at once.
const BLOCK: usize = 64 * 1024;

/// Where a file lies on disk, however it is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    device: u64,
    inode: u64,
}

impl Place {
    /// `None` where the system has no such thing.
    #[cfg(unix)]
    pub(crate) fn of(meta: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self { device: meta.dev(), inode: meta.ino() })
    }

    /// `None` where the system has no such thing.
    #[cfg(not(unix))]
    pub(crate) fn of(_meta: &Metadata) -> Option<Self> {
        None
    }
}

/// The bytes of a file that were read, from its first one on.
#[derive(Clone)]
pub(crate) struct Track {
    /// How many.
    pub(crate) position: u64,
    head: Vec<u8>,
    last: Vec<u8>,
    hash: Xxh3,
}

/// How a file compares to what was read of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// It is another text.
    Other,
    /// It is shorter, and as far as it goes the same.
    Begins,
    /// It begins with all that was read.
    Holds,
}

impl Track {
    /// Nothing was read yet.
    pub(crate) fn new() -> Self {
        Self { position: 0, head: Vec::new(), last: Vec::new(), hash: Xxh3::new() }
    }

    /// These bytes were read too.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.position += bytes.len() as u64;
        let missing = KEPT.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(missing));
        let fresh = bytes.get(bytes.len().saturating_sub(KEPT)..).unwrap_or_default();
        let stale = (self.last.len() + fresh.len()).saturating_sub(KEPT);
        self.last.drain(..stale.min(self.last.len()));
        self.last.extend_from_slice(fresh);
        self.hash.update(bytes);
    }

    /// Whether a file still begins and goes on as it did when it was read.
    pub(crate) fn fits(&self, file: &File) -> io::Result<bool> {
        let last = self.position - self.last.len() as u64;
        Ok(is_at(file, 0, &self.head)? && is_at(file, last, &self.last)?)
    }

    /// How a file of this length compares to what was read; `own` is the file that was read, if it is still there.
    pub(crate) fn likeness(&self, other: &File, len: u64, own: Option<&File>) -> io::Result<Likeness> {
        let common = usize::try_from(len).unwrap_or(usize::MAX).min(self.head.len());
        if self.position == 0 || !is_at(other, 0, self.head.get(..common).unwrap_or_default())? {
            return Ok(Likeness::Other);
        }
        if len >= self.position {
            let mut hash = Xxh3::new();
            let whole = each_block(other, self.position, |block| hash.update(block))?;
            let same = whole && hash.digest() == self.hash.digest();
            return Ok(if same { Likeness::Holds } else { Likeness::Other });
        }
        // Texts that begin alike, as tables do, differ at the latest where one of them ends.
        let size = usize::try_from(len).unwrap_or(KEPT).min(KEPT);
        let from = len - size as u64;
        let same = match own {
            Some(own) => bytes_at(other, from, size)? == bytes_at(own, from, size)?,
            None => common < KEPT,
        };
        Ok(if same { Likeness::Begins } else { Likeness::Other })
    }

    /// The same of a stream that can be read once; what comes behind is left in it.
    pub(crate) fn likeness_of_stream(&self, stream: &mut impl Read) -> io::Result<Likeness> {
        let mut hash = Xxh3::new();
        let mut left = self.position;
        let mut block = vec![0; BLOCK];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            let n = stream.read(block.get_mut(..most).unwrap_or_default())?;
            if n == 0 {
                return Ok(Likeness::Other);
            }
            hash.update(block.get(..n).unwrap_or_default());
            left -= n as u64;
        }
        Ok(if hash.digest() == self.hash.digest() { Likeness::Holds } else { Likeness::Other })
    }
}

/// Whether these bytes stand there.
fn is_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<bool> {
    Ok(bytes.is_empty() || bytes_at(file, offset, bytes.len())? == bytes)
}

/// So many bytes from there on, or as many as there are.
fn bytes_at(mut file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::with_capacity(len);
    file.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Goes through the first bytes of a file; `false` when it has not so many.
fn each_block(mut file: &File, len: u64, mut act: impl FnMut(&[u8])) -> io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let mut left = len;
    let mut block = vec![0; BLOCK];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        let n = file.read(block.get_mut(..most).unwrap_or_default())?;
        if n == 0 {
            return Ok(false);
        }
        act(block.get(..n).unwrap_or_default());
        left -= n as u64;
    }
    Ok(true)
}
