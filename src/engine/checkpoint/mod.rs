//! The memory of a run as bytes, and back.
//!
//! A checkpoint is a file of sections, each with its number, its length and a hash of what is in it, and one at the end that
//! closes the file: nothing that is cut short or has one bit wrong is taken in. The head names the rules it was made by;
//! the stream section holds what belongs to no subject; and each of 128 key groups has a section with its subjects, so that
//! memory can be split and merged. The key group of a subject is that of the outermost subject which it lies in: what is
//! decided together stays together.
//!
//! Sections hold numbered fields and name rules by their ids, so bytes of older versions stay readable, and a rule that has
//! changed since begins anew while all others go on.

mod image;
mod restore;
mod save;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::codec::{Reader, Tables, Writer};
use crate::error::Error;

pub(super) use image::SaidImage;
pub(super) use restore::restore;

/// How many key groups there are, in every version.
pub(super) const GROUPS: u8 = 128;

const MAGIC: &[u8; 8] = b"etiolog\0";
/// Goes up when bytes of this version cannot be read by older ones.
const VERSION: u32 = 1;

const HEAD: u32 = 0;
const STREAM: u32 = 1;
/// How far files were read.
const READING: u32 = 2;
/// What a host keeps beside the run.
const HOST: u32 = 3;
/// The first key group.
const FIRST_GROUP: u32 = 16;
const END: u32 = u32::MAX;
/// Bytes of a section before what is in it: its number, its length and a hash.
const SECTION_HEAD: usize = 4 + 8 + 16;

/// The memory of a run at one moment: made by [`Run::checkpoint`](crate::Run::checkpoint), taken in by
/// [`Engine::restore`](crate::Engine::restore).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    head: Vec<u8>,
    stream: Vec<u8>,
    reading: Vec<u8>,
    host: Vec<u8>,
    /// Number and bytes of each key group that has subjects, ascending.
    groups: Vec<(u8, Vec<u8>)>,
}

impl Checkpoint {
    /// As bytes to be kept: the same memory gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        section(&mut bytes, HEAD, &self.head);
        section(&mut bytes, STREAM, &self.stream);
        section(&mut bytes, READING, &self.reading);
        section(&mut bytes, HOST, &self.host);
        for (group, state) in &self.groups {
            section(&mut bytes, FIRST_GROUP + u32::from(*group), state);
        }
        let all = xxh3_128(&bytes).to_le_bytes();
        section(&mut bytes, END, &all);
        bytes
    }

    /// Takes bytes for a checkpoint.
    ///
    /// # Errors
    ///
    /// When they are none, are damaged, or were made by a newer version that this one cannot read: see
    /// [`Error::is_newer_checkpoint`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return Err(Error::checkpoint("it does not begin like a checkpoint"));
        };
        let (version, mut rest) = rest.split_first_chunk().ok_or_else(cut_short)?;
        let version = u32::from_le_bytes(*version);
        if version > VERSION {
            if (0..=VERSION).any(|version| is_closed_as(bytes, version)) {
                return Err(Error::checkpoint("it is damaged: its version is not what was written"));
            }
            return Err(Error::newer_checkpoint(format!(
                "it is of version {version}, and this program reads checkpoints up to version {VERSION}"
            )));
        }
        let mut checkpoint = Self {
            head: Vec::new(),
            stream: Vec::new(),
            reading: Vec::new(),
            host: Vec::new(),
            groups: Vec::new(),
        };
        let mut before = None;
        loop {
            let end = bytes.len() - rest.len();
            let number = u32::from_le_bytes(*take(&mut rest)?);
            let length = u64::from_le_bytes(*take(&mut rest)?);
            let digest: &[u8; 16] = take(&mut rest)?;
            let length = usize::try_from(length).map_err(|_| cut_short())?;
            let (state, after) = rest.split_at_checked(length).ok_or_else(cut_short)?;
            rest = after;
            if digest_of(number, state) != *digest {
                return Err(Error::checkpoint(format!(
                    "it is damaged: section {number} is not what was written"
                )));
            }
            if before.is_some_and(|before| before >= number) {
                return Err(Error::checkpoint("it is damaged: its sections are out of order"));
            }
            before = Some(number);
            match number {
                HEAD => checkpoint.head = state.to_vec(),
                STREAM => checkpoint.stream = state.to_vec(),
                READING => checkpoint.reading = state.to_vec(),
                HOST => checkpoint.host = state.to_vec(),
                END => {
                    let whole = bytes.get(..end).is_some_and(|all| xxh3_128(all).to_le_bytes() == *state);
                    if !whole || !rest.is_empty() {
                        return Err(Error::checkpoint("it is damaged: something is missing or too much"));
                    }
                    return Ok(checkpoint);
                }
                number => {
                    let group = number.checked_sub(FIRST_GROUP).and_then(|group| u8::try_from(group).ok());
                    // Others are of a later version that this one can read all the same.
                    if let Some(group) = group.filter(|&group| group < GROUPS) {
                        checkpoint.groups.push((group, state.to_vec()));
                    }
                }
            }
        }
    }

    /// Splits the memory by the key groups of subjects: each goes to the part that `part` names for its group, all numbered
    /// from 0. What belongs to no subject stays with part 0; the others go on from the same time.
    ///
    /// # Errors
    ///
    /// When the checkpoint is damaged, or there is no part.
    pub fn split(&self, parts: usize, part: impl Fn(u8) -> usize) -> Result<Vec<Self>, Error> {
        if parts == 0 {
            return Err(Error::config("a checkpoint cannot be split into no parts"));
        }
        let mut stream: image::Stream = decode(&self.stream, Tables::default())?;
        let mut split = vec![Self { groups: Vec::new(), ..self.clone() }];
        stream.leave_time_only();
        let other = Self {
            stream: encode(&stream),
            reading: Vec::new(),
            host: Vec::new(),
            groups: Vec::new(),
            head: self.head.clone(),
        };
        split.resize(parts, other);
        for (group, state) in &self.groups {
            let Some(part) = split.get_mut(part(*group)) else {
                return Err(Error::config("a key group was given to a part that there is not"));
            };
            part.groups.push((*group, state.clone()));
        }
        Ok(split)
    }

    /// What a host keeps beside the run, such as how far it has read: bytes that only the host understands.
    pub fn host(&self) -> &[u8] {
        &self.host
    }

    /// How far files were read, when a pipeline has made the checkpoint.
    pub(crate) fn reading(&self) -> &[u8] {
        &self.reading
    }

    pub(crate) fn with_reading(mut self, bytes: Vec<u8>) -> Self {
        self.reading = bytes;
        self
    }

    /// The same with other bytes of the host.
    #[must_use]
    pub fn with_host(mut self, bytes: Vec<u8>) -> Self {
        self.host = bytes;
        self
    }
}

/// The key group of a subject with this key, when no other lies around it.
pub(super) fn group_of(key: u64) -> u8 {
    // Always less than 128, so nothing is lost.
    u8::try_from(key % u64::from(GROUPS)).unwrap_or(0)
}

/// Whether the section at the end closes a checkpoint of this version, whatever version the bytes name.
fn is_closed_as(bytes: &[u8], version: u32) -> bool {
    let Some((rest, digest)) = bytes.split_last_chunk::<16>() else { return false };
    let Some(all) = rest.get(..rest.len().saturating_sub(SECTION_HEAD)) else { return false };
    let Some(behind) = all.get(MAGIC.len() + size_of_val(&version)..) else { return false };
    let mut hash = Xxh3::new();
    hash.update(MAGIC);
    hash.update(&version.to_le_bytes());
    hash.update(behind);
    hash.digest128().to_le_bytes() == *digest
}

fn section(bytes: &mut Vec<u8>, number: u32, state: &[u8]) {
    bytes.extend(number.to_le_bytes());
    bytes.extend((state.len() as u64).to_le_bytes());
    bytes.extend(digest_of(number, state));
    bytes.extend(state);
}

fn digest_of(number: u32, state: &[u8]) -> [u8; 16] {
    let mut hash = Xxh3::new();
    hash.update(&number.to_le_bytes());
    hash.update(state);
    hash.digest128().to_le_bytes()
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Error> {
    let (chunk, after) = rest.split_first_chunk().ok_or_else(cut_short)?;
    *rest = after;
    Ok(chunk)
}

fn cut_short() -> Error {
    Error::checkpoint("it is damaged: it ends too early")
}

fn encode<T: minicbor::Encode<Tables>>(value: &T) -> Vec<u8> {
    let mut out = Writer::new();
    out.value(value);
    out.finish()
}

fn decode<'a, T: minicbor::Decode<'a, Tables>>(bytes: &'a [u8], tables: Tables) -> Result<T, Error> {
    let mut from = Reader::with_tables(bytes, tables);
    let value = from.value().map_err(|why| Error::checkpoint(format!("it is damaged: {why}")))?;
    if from.is_at_end() { Ok(value) } else { Err(Error::checkpoint("it is damaged: a section is too long")) }
}
