//! Files of one source that are read by turns: where several grow, each keeps the record that is not whole yet.

use std::sync::Arc;

use crate::engine::SourceId;
use crate::pipeline::{Pipeline, Reading};

/// A file of a source that is read beside others; see [`Pipeline::begin_file`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    source: SourceId,
    file: u32,
}

impl FileId {
    /// The source that it is a file of.
    pub fn source(self) -> SourceId {
        self.source
    }
}

impl Pipeline {
    /// Begins a file of a source beside those that are being read already. Evidence will point to it by this name.
    pub fn begin_file(&mut self, source: SourceId, name: &str) -> FileId {
        let reading = self.reading_of(name);
        let file = reading.file;
        if let Some(known) = self.sources.get_mut(source.index()).filter(|known| known.open) {
            known.beside.insert(file, reading);
        }
        FileId { source, file }
    }

    /// Takes in bytes of a file that was begun beside others, like [`Pipeline::push`].
    pub fn push_to(&mut self, file: FileId, bytes: &[u8]) {
        self.turn_to(file, |pipeline| pipeline.push(file.source, bytes));
    }

    /// Counts that such a file is damaged or was cut off, like [`Pipeline::broken`].
    pub fn broken_file(&mut self, file: FileId) {
        self.turn_to(file, |pipeline| pipeline.broken(file.source));
    }

    /// Nothing more will come of such a file: what is left of it is its last record.
    pub fn end(&mut self, file: FileId) {
        self.turn_to(file, |pipeline| pipeline.end_file(file.source));
    }

    /// The files that are being read beside others, by source and in the order in which they were begun.
    pub fn files_beside(&self) -> Vec<(FileId, Arc<str>)> {
        let file = |source: SourceId, (&file, reading): (&u32, &Reading)| {
            let name = self.files.get(reading.summary).map(|file| Arc::clone(&file.name));
            (FileId { source, file }, name.unwrap_or_default())
        };
        let of = |source: &'_ super::Source| source.beside.iter().map(|pair| file(source.id, pair)).collect();
        self.sources.iter().flat_map(|source| -> Vec<_> { of(source) }).collect()
    }

    /// Such a file will be pushed again from its first byte, like [`Pipeline::again`].
    pub fn again_file(&mut self, file: FileId) {
        self.turn_to(file, |pipeline| pipeline.again(file.source));
    }

    /// How many bytes of such a file have to be pushed once more, like [`Pipeline::go_on`].
    pub fn go_on_file(&mut self, file: FileId) -> u64 {
        let mut back = 0;
        self.turn_to(file, |pipeline| back = pipeline.go_on(file.source));
        back
    }

    /// Ends all such files of a source.
    pub(super) fn end_beside(&mut self, source: SourceId) {
        let known = self.sources.get(source.index());
        let beside: Vec<u32> = known.map(|known| known.beside.keys().copied().collect()).unwrap_or_default();
        beside.into_iter().for_each(|file| self.end(FileId { source, file }));
    }

    /// Does something as if the source were at this file.
    fn turn_to(&mut self, file: FileId, act: impl FnOnce(&mut Self)) {
        let at = file.source.index();
        let Some(known) = self.sources.get_mut(at) else { return };
        let Some(reading) = known.beside.remove(&file.file) else { return };
        let aside = known.reading.replace(reading);
        act(self);
        let Some(known) = self.sources.get_mut(at) else { return };
        if let Some(reading) = std::mem::replace(&mut known.reading, aside) {
            known.beside.insert(file.file, reading);
        }
    }
}
