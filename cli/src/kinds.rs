//! Files of different inputs that were named together, as one folder, are sources of their own: each kind comes in its own
//! order of times, and what is read second would come too late behind what is read first.

use std::io::{self, Read};

use etiolog::{Engine, Expand, Pipeline};

use crate::inputs::{File, Inputs, Source};

/// Bytes that are looked at at a time.
const CHUNK: usize = 8 * 1024;

/// Gives the files of each input a source of their own, in the order in which they come; a source of one kind stays as it
/// is. The name of the first kind is the source's, and others say what they are.
pub(crate) fn split(inputs: &mut Inputs, engine: &Engine) {
    let pipeline = Pipeline::new(engine);
    let sources = std::mem::take(&mut inputs.sources);
    inputs.sources = sources.into_iter().flat_map(|source| split_one(source, &pipeline)).collect();
}

fn split_one(source: Source, pipeline: &Pipeline) -> Vec<Source> {
    if source.files.len() < 2 {
        return vec![source];
    }
    let mut kinds: Vec<(String, Source)> = Vec::new();
    for file in source.files {
        let kind = kind_of(&file, pipeline).unwrap_or_default();
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, source)) => source.files.push(file),
            None => {
                let first = kinds.is_empty();
                let name = if first { source.name.clone() } else { format!("{} ({kind})", source.name) };
                kinds.push((kind, Source { name, files: vec![file] }));
            }
        }
    }
    kinds.into_iter().map(|(_, source)| source).collect()
}

/// The input that a file is of, if it can be looked at without being used up.
fn kind_of(file: &File, pipeline: &Pipeline) -> Option<String> {
    file.size?;
    let mut stream = Expand::new(file.open().ok()?);
    let (mut head, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    loop {
        let read = match stream.read(&mut chunk) {
            Ok(read) => read,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            // What it is will be told when it is read.
            Err(_) => 0,
        };
        head.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if let Some(input) = pipeline.recognise(&head, read == 0) {
            return Some(input.to_owned());
        }
        if read == 0 {
            return None;
        }
    }
}
