//! The text that nodes point into, and where a part of it stands.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::error::{BYTE_ORDER_MARK, Problem};

/// A text with the name of its file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: Arc<str>,
    /// The first byte of each line, found when somebody asks for a line.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), text: text.into(), lines: OnceLock::new() }
    }

    /// The byte offset of a line and a column (in characters), both from 1.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let body = self.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.text);
        let line_start: usize = body.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = body.get(line_start..).unwrap_or_default();
        let in_line = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
        self.text.len() - body.len() + line_start + in_line
    }

    pub(super) fn problem(&self, code: &'static str, span: Range<usize>, message: String) -> Problem {
        let (line, line_start) = self.line(span.start);
        Problem::on_line((line, line_start), code, self.file.clone(), &self.text, span, message)
    }

    /// The line of a byte, from 1, and the byte where it begins.
    fn line(&self, byte: usize) -> (usize, usize) {
        let lines = self.lines.get_or_init(|| {
            let ends = memchr::memchr_iter(b'\n', self.text.as_bytes());
            std::iter::once(0).chain(ends.map(|end| end + 1)).collect()
        });
        // What is no place in the text stands behind it.
        let byte = if self.text.is_char_boundary(byte) { byte } else { self.text.len() };
        let line = lines.partition_point(|&start| start <= byte);
        (line, line.checked_sub(1).and_then(|at| lines.get(at)).copied().unwrap_or(0))
    }
}

/// A place in a rule file, for messages after the file has been forgotten.
#[derive(Clone, Debug)]
pub struct Place {
    source: Arc<Source>,
    span: Range<usize>,
}

impl Place {
    pub(super) fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// The file as the pack names it.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// Line, from 1.
    pub fn line(&self) -> usize {
        self.source.line(self.span.start).0
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// A problem at this place.
    pub fn problem(&self, code: &'static str, message: impl Into<String>) -> Problem {
        self.source.problem(code, self.span.clone(), message.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_stands_where_it_stands_in_the_text_alone() {
        for text in ["", "a", "\n", "é: ü\r\n\u{feff}b\n\nc", "\u{feff}a: 1\nb"] {
            let source = Source::new("f.yaml", text);
            for at in 0..text.len() + 2 {
                let alone = Problem::new("x", "f.yaml", &source.text, at..at, "y");
                assert_eq!(source.problem("x", at..at, "y".to_owned()), alone, "{text:?} at {at}");
            }
        }
    }
}
