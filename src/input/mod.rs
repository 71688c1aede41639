//! Bytes in, events out. The only room that names nom.
//!
//! ```text
//! bytes ──expand──▶ bytes ──framing──▶ record ──Format──▶ Row ──Mapping──▶ Event
//!        gzip, zstd        any chunking       wanted paths      as the pack says
//! ```
//!
//! It refuses to know rules and subjects' memory; what a field means is the pack's business (`inputs/*.yaml`). To add a
//! format, copy `json.rs` and add a line to `plugin.rs`.

mod ahead;
mod escape;
mod expand;
mod file;
mod framing;
mod interner;
mod json;
mod mapper;
mod mapping;
mod paths;
mod row;
mod stamp;
mod structural;
mod tabular;
mod text;

use std::fmt::Debug;
use std::sync::Arc;

use crate::model::Reject;

pub use ahead::Ahead;
pub use expand::Expand;
pub(crate) use file::schema;
pub(crate) use framing::Restart;
pub use framing::{Framed, Framer};
pub use interner::Interner;
pub use json::Json;
pub use mapper::{Mapped, Mapper};
pub use mapping::{As, Case, FieldMapping, Join, Mapping, ReadFrom, Take, TimeMapping};
pub use paths::Paths;
pub use row::{Cell, CellKind, Row};
pub use stamp::{Pattern, StampFormat, Zone};
pub use tabular::{Csv, Table};
pub use text::{Layout, Text};

/// How records stand in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One JSON object after another: a line each, spread over lines, or as the elements of an array, at the top or
    /// under one key of an envelope.
    JsonObjects,
    /// One record a line; `\n` or `\r\n` ends it.
    Lines,
    /// Values separated by commas under a header; each row is handed on as a JSON object.
    Csv,
    /// JSON in which tables have `columns` and `rows`; each row is handed on as a JSON object.
    Table,
}

impl Framing {
    /// Whether a stream that begins with something rejected is none of this kind: there is a header on the first line,
    /// and no broken record is expected before the columns.
    pub(crate) fn is_over_by(self, reason: Reject, line: u64) -> bool {
        match self {
            Self::Csv => line == 1,
            Self::Table => reason != Reject::Columns,
            Self::JsonObjects | Self::Lines => false,
        }
    }
}

/// A way of writing records: how a stream is cut and how one record's wanted values are found.
pub trait Format: Debug + Send + Sync {
    /// The word after `format:` in an input file.
    fn name(&self) -> &'static str;

    /// How records stand in a stream.
    fn framing(&self) -> Framing;

    /// The format made ready for one input, when an input file says more of its records than their format.
    fn ready(&self, _mapping: &Mapping) -> Option<Arc<dyn Format>> {
        None
    }

    /// Finds the values at the wanted paths in one record and puts each in its place in `row`.
    ///
    /// # Errors
    ///
    /// The reason, when the record cannot be read at all. What can be read of a record with a broken part is kept, and
    /// [`Row::set_partial`] says so.
    fn decode(&self, record: &[u8], wanted: &Paths, row: &mut Row) -> Result<(), Reject>;
}
