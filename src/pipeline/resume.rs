//! How far each file was read, kept with a checkpoint.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use crate::codec::{Reader, Writer};
use crate::engine::{Checkpoint, Engine, SourceId};
use crate::error::Error;
use crate::input::Restart;
use crate::model::SourceSummary;
use crate::pipeline::{Pipeline, Reading, Source};

/// How far a source was read when a checkpoint was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The source.
    pub source: SourceId,
    /// Its name.
    pub name: Arc<str>,
    /// Whether it has not ended.
    pub open: bool,
    /// The file it was in, which has to be [gone on with](Pipeline::go_on), or [read again](Pipeline::again).
    pub file: Option<Arc<str>>,
}

/// No file is longer: more is made up, and could not be counted on from.
const MOST: u64 = 1 << 60;

/// All that is written.
#[derive(Debug, Encode, Decode)]
struct Image {
    #[n(0)]
    sources: Vec<SourceImage>,
    #[n(1)]
    files: Vec<FileImage>,
}

#[derive(Debug, Encode, Decode)]
struct SourceImage {
    #[n(0)]
    name: String,
    #[n(1)]
    open: bool,
    /// The input that the host has chosen.
    #[n(2)]
    forced: Option<String>,
    /// The file it is in: its number in the run, and its place among all files.
    #[n(3)]
    reading: Option<(u32, u32)>,
    /// The same of files that are read beside others.
    #[n(4)]
    #[cbor(default)]
    beside: Vec<(u32, u32)>,
}

#[derive(Debug, Encode, Decode)]
struct FileImage {
    #[n(0)]
    name: String,
    #[n(1)]
    input: Option<String>,
    #[n(2)]
    records: u64,
    #[n(3)]
    bytes: u64,
    /// From where it can be read again, and how many records come before.
    #[n(4)]
    #[cbor(default)]
    restart: Option<(Restart, u64)>,
}

impl FileImage {
    /// Whether the place to read again from can be.
    fn is_sound(&self) -> bool {
        let fits = |(restart, taken): (Restart, u64)| {
            restart.offset <= self.bytes && restart.line <= restart.offset + 1 && taken <= self.records
        };
        self.bytes <= MOST && self.restart.is_some_and(fits)
    }
}

impl Pipeline {
    /// All that is remembered, and how far each source was read: to be kept and taken in again by [`Pipeline::restore`].
    ///
    /// A record whose end has not been pushed is no part of it.
    ///
    /// # Errors
    ///
    /// When diagnoses are ready: they have to be [taken](Pipeline::drain) first, or they would be lost.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        let place = |reading: &Reading| (reading.file, u32::try_from(reading.summary).unwrap_or(u32::MAX));
        let source = |source: &Source| SourceImage {
            name: source.name.to_string(),
            open: source.open,
            forced: source.forced.first().map(|input| input.name.to_string()),
            reading: source.reading.as_ref().map(place),
            beside: source.beside.values().map(place).collect(),
        };
        let file = |file: &SourceSummary| FileImage {
            name: file.name.to_string(),
            input: file.input.as_ref().map(|input| input.to_string()),
            records: file.records,
            bytes: file.bytes,
            restart: None,
        };
        let mut files: Vec<FileImage> = self.files.iter().map(file).collect();
        for reading in
            self.sources.iter().flat_map(|source| source.reading.iter().chain(source.beside.values()))
        {
            if let Some(file) = files.get_mut(reading.summary) {
                file.restart = reading.restart;
            }
        }
        let image = Image { sources: self.sources.iter().map(source).collect(), files };
        let mut out = Writer::new();
        out.value(&image);
        Ok(self.run.checkpoint()?.with_reading(out.finish()))
    }

    /// A pipeline that goes on from a checkpoint; see [`Engine::restore`]. What it was reading has to be read again, see
    /// [`Pipeline::progress`].
    ///
    /// # Errors
    ///
    /// When the checkpoint is damaged, or is none of a pipeline.
    pub fn restore(engine: &Engine, checkpoint: &Checkpoint) -> Result<Self, Error> {
        let damaged = |why| Error::checkpoint(format!("it is damaged: how far files were read: {why}"));
        if checkpoint.reading().is_empty() {
            return Err(Error::checkpoint("it does not say how far files were read"));
        }
        let image: Image = Reader::new(checkpoint.reading()).value().map_err(damaged)?;
        let mut pipeline = Self::new(engine);
        pipeline.run = engine.restore(std::slice::from_ref(checkpoint))?;
        let restarts: Vec<_> =
            image.files.iter().map(|file| file.restart.filter(|_| file.is_sound())).collect();
        for (at, source) in (0..).zip(image.sources) {
            let id = SourceId::at(at);
            let place = |(file, summary)| Reading {
                file,
                input: None,
                head: Vec::new(),
                summary: usize::try_from(summary).unwrap_or(usize::MAX),
                again: 0,
                restart: restarts.get(usize::try_from(summary).unwrap_or(usize::MAX)).copied().flatten(),
            };
            let reading = source.reading.map(place);
            let beside = source.beside.into_iter().map(|pair| (pair.0, place(pair))).collect();
            let name = source.name.as_str().into();
            pipeline.sources.push(Source {
                id,
                name,
                forced: Vec::new(),
                reading,
                beside,
                open: source.open,
            });
            if let Some(input) = source.forced {
                pipeline.use_input(id, &input)?;
            }
        }
        let file = |file: FileImage| SourceSummary {
            name: file.name.into(),
            input: file.input.map(Into::into),
            records: file.records,
            bytes: file.bytes,
        };
        pipeline.files = image.files.into_iter().map(file).collect();
        Ok(pipeline)
    }

    /// Rules that began anew because they have changed; see [`Run::begun_anew`](crate::Run::begun_anew).
    pub fn begun_anew(&self) -> &[Arc<str>] {
        self.run.begun_anew()
    }

    /// How far each source has been read.
    pub fn progress(&self) -> Vec<Progress> {
        let progress = |source: &Source| {
            let reading = source.reading.as_ref();
            Progress {
                source: source.id,
                name: Arc::clone(&source.name),
                open: source.open,
                file: reading.and_then(|r| self.files.get(r.summary)).map(|file| Arc::clone(&file.name)),
            }
        };
        self.sources.iter().map(progress).collect()
    }

    /// Says how many of the bytes that were pushed last, of the file that a source is in, have to be pushed once more: the
    /// record under way, and those that were taken before and cannot be told from it alone, which are passed over. Then
    /// come the bytes that are new. To be called once after [`Pipeline::restore`], for each source that is in a file of
    /// which a part can be read; otherwise see [`Pipeline::again`].
    pub fn go_on(&mut self, source: SourceId) -> u64 {
        let known = self.sources.get_mut(source.index()).and_then(|known| known.reading.as_mut());
        let Some(reading) = known else { return 0 };
        let Some(file) = self.files.get_mut(reading.summary) else { return 0 };
        let pushed = file.bytes;
        let Some((restart, taken)) = reading.restart else {
            self.again(source);
            return pushed;
        };
        let named = self.inputs.iter().filter(|input| file.input.as_ref() == Some(&input.name));
        // Rows under columns give no restart, so an input of several formats was read in another.
        let mut framers = named.filter_map(|input| Some((Arc::clone(input), input.framer().from(restart)?)));
        let (Some(framed), None) = (framers.next(), framers.next()) else {
            self.again(source);
            return pushed;
        };
        let back = pushed.saturating_sub(restart.offset);
        reading.again = file.records.saturating_sub(taken);
        reading.input = Some(framed);
        reading.head = Vec::new();
        let summary = self.run.summary_mut();
        summary.bytes = summary.bytes.saturating_sub(back);
        file.bytes = restart.offset;
        back
    }

    /// The file that a source is in will be pushed again from its first byte: what was taken from it before is passed over.
    /// To be called once after [`Pipeline::restore`], for each source that is in a file.
    pub fn again(&mut self, source: SourceId) {
        let known = self.sources.get_mut(source.index());
        let Some(reading) = known.and_then(|known| known.reading.as_mut()) else { return };
        let Some(file) = self.files.get_mut(reading.summary) else { return };
        reading.again = file.records;
        reading.restart = None;
        (reading.input, reading.head) = (None, Vec::new());
        let summary = self.run.summary_mut();
        summary.bytes = summary.bytes.saturating_sub(file.bytes);
        file.bytes = 0;
    }
}
