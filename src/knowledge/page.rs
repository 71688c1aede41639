//! The text of an article before it is Markdown: size, fences, and where a byte stands.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Problem;

/// The largest article that is read.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// The text of a file and its name: what a problem needs to say where it is.
pub(super) struct Page<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a Arc<str>,
}

/// Where the front matter ends and the body begins.
pub(super) struct Fences {
    pub(super) closing: usize,
    pub(super) body: usize,
}

impl Page<'_> {
    pub(super) fn readable(&self) -> Result<(), Problem> {
        if self.text.len() > MAX_BYTES {
            return Err(self.problem("too-large", 0..0, "the article is larger than 1 MiB".to_owned()));
        }
        let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        match self.text.char_indices().find(|(_, c)| forbidden(*c)) {
            Some((at, c)) => {
                let message = format!("control character U+{:04X}", u32::from(c));
                Err(self.problem("control-character", at..at + c.len_utf8(), message))
            }
            None => Ok(()),
        }
    }

    pub(super) fn fences(&self) -> Result<Fences, Problem> {
        let mut offset = 0;
        for (number, line) in self.text.split_inclusive('\n').enumerate() {
            let fence = line.trim_end() == "---";
            if number == 0 && !fence {
                break;
            }
            if number > 0 && fence {
                return Ok(Fences { closing: offset, body: offset + line.len() });
            }
            offset += line.len();
        }
        let message = if offset == 0 { "no front matter" } else { "front matter without an end" };
        Err(self
            .problem("front-matter", 0..0, message.to_owned())
            .with_help("an article begins with a line `---`, its keys, and another line `---`"))
    }

    /// The span of a key of the front matter.
    pub(super) fn key(&self, key: &str) -> Range<usize> {
        let mut offset = 0;
        for line in self.text.split_inclusive('\n') {
            if line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')) {
                return offset..offset + key.len();
            }
            offset += line.len();
        }
        0..0
    }

    pub(super) fn problem(&self, code: &'static str, span: Range<usize>, message: String) -> Problem {
        Problem::new(code, self.file, self.text, span, message)
    }
}
