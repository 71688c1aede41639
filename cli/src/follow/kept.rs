//! What is kept of the files from one run to the next.

use serde::{Deserialize, Serialize};

use crate::follow::track::{KeptTrack, Place};

/// All sources.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Kept {
    pub(crate) sources: Vec<KeptSource>,
}

/// One source and its files, in their order.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct KeptSource {
    pub(crate) name: String,
    pub(crate) files: Vec<KeptFile>,
}

/// One file.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct KeptFile {
    /// Where it was.
    pub(crate) path: String,
    pub(crate) place: Option<Place>,
    pub(crate) packed: bool,
    /// Nothing more was wanted of it.
    pub(crate) done: bool,
    /// Its place among the files that the pipeline was reading.
    pub(crate) beside: Option<usize>,
    pub(crate) track: KeptTrack,
}
