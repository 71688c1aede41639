//! The vocabulary: plain data that every other room speaks.
//!
//! Nothing here reads a file, a clock or a format. A [`record`](Origin) is the bytes of one entry; an
//! [`Event`] is that record decoded and mapped; a [`Subject`] is what a diagnosis is about; a
//! [`SymptomReport`] says what a detector saw; a [`Diagnosis`] ranks the causes.

mod described;
mod diagnosis;
mod event;
mod probability;
mod schema;
mod serial;
mod subject;
mod summary;
mod time;
mod value;

pub use diagnosis::{
    CauseReport, Change, Diagnosis, Evidence, Exhibit, ExhibitReport, Measure, NextLook, Points,
    SetAsideReport, Severity, SolutionKind, SolutionReport, State, Status, SymptomReport,
};
pub(crate) use event::Filling;
pub use event::{Event, EventBuilder, Origin};
pub use probability::Probability;
pub use schema::{FieldId, Schema};
pub(crate) use serial::Serial;
pub use subject::Subject;
pub use summary::{Accounts, Begin, Reject, RejectSample, SourceSummary, Summary};
pub use time::Timestamp;
pub use value::Value;
