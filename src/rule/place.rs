//! Where a part of a rule file stands, for messages after the file has been forgotten.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Problem;
use crate::yaml::Node;

/// A place in a rule file.
#[derive(Clone, Debug)]
pub struct Place {
    file: Arc<str>,
    text: Arc<str>,
    span: Range<usize>,
    line: usize,
}

impl Place {
    pub(super) fn of(node: &Node) -> Self {
        let Problem { file, text, span, line, .. } = node.problem("", "");
        Self { file: file.into(), text, span, line }
    }

    /// The file as the pack names it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// A problem at this place.
    pub fn problem(&self, code: &'static str, message: impl Into<String>) -> Problem {
        Problem::new(code, &*self.file, &self.text, self.span.clone(), message)
    }
}
