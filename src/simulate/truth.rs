//! What is truly the matter, told beside the records.

use std::sync::Arc;

use serde::Serialize;

use crate::model::{Subject, Timestamp};

/// What is the matter with a subject over some time: one line of a truth file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Label {
    /// The subject as a diagnosis names it.
    pub subject: Subject,
    /// When it began: the first record that shows it.
    pub from: Timestamp,
    /// When it was over: the last record that shows it, or the record that shows it healed.
    pub until: Timestamp,
    /// The cause as rules name it; nothing for a subject that is healthy all the time.
    pub cause: Option<Arc<str>>,
    /// Whether what was written suffices to tell the cause.
    pub enough: bool,
    /// How many records of the subject were made in that time, before any were lost.
    pub records: u64,
    /// The fleet and the group that it belongs to: `nightly/presses`.
    pub group: Arc<str>,
}
