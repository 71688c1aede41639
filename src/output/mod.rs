//! Diagnoses in, bytes out. It never sees rules, engines or inputs: only the model.
//!
//! A [`ReportKind`] opens a [`Report`]; the report is told the beginning, each diagnosis and the summary, and writes
//! when it likes: JSON Lines at once, text at the end because it groups. To add one, copy `json.rs` and add a line to
//! `plugin.rs`. [`problems`] shows faults in rules in the same two ways.

mod account;
mod escape;
mod excerpt;
mod folded;
mod group;
mod human;
mod json;
mod layout;
mod live;
pub mod problems;
#[cfg(test)]
mod sample;
pub mod schema;
mod text;

use std::fmt::Debug;
use std::io;

use crate::model::{Begin, Diagnosis, Summary};

pub use escape::{terminal, terminal_truncated};
pub use human::{bytes, count, number, span};
pub use json::{JsonLines, write_line};
pub use layout::{Page, Paint, tied};
pub use text::Text;

/// How a report may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal or file.
    pub width: usize,
    /// Whether ANSI colours may be used.
    pub color: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, color: false }
    }
}

/// A way of writing diagnoses, named in `-o`.
pub trait ReportKind: Debug + Send + Sync {
    /// The word after `-o`.
    fn name(&self) -> &'static str;

    /// Starts a report.
    fn open(&self, style: Style) -> Box<dyn Report>;
}

/// One report being written.
pub trait Report: Send {
    /// The run begins.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    fn begin(&mut self, begin: &Begin, out: &mut dyn io::Write) -> io::Result<()>;

    /// A diagnosis was made.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    fn diagnosis(&mut self, diagnosis: &Diagnosis, out: &mut dyn io::Write) -> io::Result<()>;

    /// The run is over.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    fn summary(&mut self, summary: &Summary, out: &mut dyn io::Write) -> io::Result<()>;
}
