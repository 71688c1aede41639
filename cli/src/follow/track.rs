//! What was read of a file: enough to know it again, whatever it is called by then.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

/// How much of the beginning, and of what was read last, is remembered word by word.
const KEPT: usize = 1024;
/// Bytes that are compared or hashed at once.
const BLOCK: usize = 64 * 1024;

/// Where a file lies on disk, however it is named.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    hash: Hash,
}

/// The hash of all bytes that were read.
#[derive(Clone)]
enum Hash {
    Growing(Chain),
    /// Of an earlier run, with that of its whole blocks: no more can be added to it.
    Settled {
        whole: u64,
        digest: u64,
    },
}

/// A hash of all bytes that were read: of one block after the other, so that it can be gone on with from the beginning of
/// the block under way.
#[derive(Clone)]
struct Chain {
    /// Of all whole blocks.
    whole: u64,
    /// Of the block under way, and how much there is of it.
    block: Box<Xxh3>,
    filled: usize,
}

impl Chain {
    fn new(whole: u64) -> Self {
        Self { whole, block: Box::new(Xxh3::new()), filled: 0 }
    }

    fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(rest.len().min(BLOCK - self.filled));
            self.block.update(part);
            self.filled += part.len();
            if self.filled == BLOCK {
                *self = Self::new(self.digest());
            }
            rest = behind;
        }
    }

    fn digest(&self) -> u64 {
        if self.filled == 0 {
            self.whole
        } else {
            xxh3_64_with_seed(&self.block.digest().to_le_bytes(), self.whole)
        }
    }
}

/// A track as it is kept from one run to the next.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct KeptTrack {
    position: u64,
    head: Vec<u8>,
    last: Vec<u8>,
    /// Of all whole blocks, and of all bytes.
    whole: u64,
    digest: u64,
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
        Self { position: 0, head: Vec::new(), last: Vec::new(), hash: Hash::Growing(Chain::new(0)) }
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
        if let Hash::Growing(hash) = &mut self.hash {
            hash.update(bytes);
        }
    }

    fn digest(&self) -> u64 {
        match &self.hash {
            Hash::Growing(hash) => hash.digest(),
            Hash::Settled { digest, .. } => *digest,
        }
    }

    fn whole(&self) -> u64 {
        match &self.hash {
            Hash::Growing(hash) => hash.whole,
            Hash::Settled { whole, .. } => *whole,
        }
    }

    pub(crate) fn keep(&self) -> KeptTrack {
        let Self { position, head, last, .. } = self;
        let (head, last) = (head.clone(), last.clone());
        KeptTrack { position: *position, head, last, whole: self.whole(), digest: self.digest() }
    }

    /// A track of an earlier run. It can be compared, and go on only where it is [gone on with](Track::go_on).
    pub(crate) fn kept(kept: KeptTrack) -> Self {
        let KeptTrack { position, head, last, whole, digest } = kept;
        Self { position, head, last, hash: Hash::Settled { whole, digest } }
    }

    /// The same to be added to, where a file still begins and goes on like what was read: by its first and last bytes,
    /// and by those of the block under way. The blocks before are not read again. `None` where it is another text.
    pub(crate) fn go_on(&self, file: &File) -> io::Result<Option<Self>> {
        if !self.fits(file)? {
            return Ok(None);
        }
        let begun = self.position - self.position % BLOCK as u64;
        let mut hash = Chain::new(self.whole());
        let whole = each_block(file, begun, self.position, |block| hash.update(block))?;
        let same = whole && hash.digest() == self.digest();
        Ok(same.then(|| Self { hash: Hash::Growing(hash), ..self.clone() }))
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
            let mut hash = Chain::new(0);
            let whole = each_block(other, 0, self.position, |block| hash.update(block))?;
            let same = whole && hash.digest() == self.digest();
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
    pub(crate) fn likeness_of_stream(
        &self,
        stream: &mut impl Read,
        own: Option<&File>,
    ) -> io::Result<Likeness> {
        let mut hash = Chain::new(0);
        let mut at = 0;
        let mut block = vec![0; BLOCK];
        while at < self.position {
            let most = usize::try_from(self.position - at).unwrap_or(BLOCK).min(BLOCK);
            let n = stream.read(block.get_mut(..most).unwrap_or_default())?;
            let read = block.get(..n).unwrap_or_default();
            match own {
                _ if at == 0 && !is_prefix(read, &self.head) => return Ok(Likeness::Other),
                Some(own) if !is_at(own, at, read)? => return Ok(Likeness::Other),
                // It is over, and so far it was the same.
                Some(_) if n == 0 && at > 0 => return Ok(Likeness::Begins),
                _ if n == 0 => return Ok(Likeness::Other),
                _ => {}
            }
            hash.update(read);
            at += n as u64;
        }
        Ok(if hash.digest() == self.digest() { Likeness::Holds } else { Likeness::Other })
    }
}

/// Whether two texts are the same as far as both go.
fn is_prefix(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(a, b)| a == b)
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

/// Goes through the bytes of a file between two places; `false` when it has not so many.
pub(crate) fn each_block(
    mut file: &File,
    from: u64,
    to: u64,
    mut act: impl FnMut(&[u8]),
) -> io::Result<bool> {
    file.seek(SeekFrom::Start(from))?;
    let mut left = to.saturating_sub(from);
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
