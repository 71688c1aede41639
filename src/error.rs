//! What can go wrong, for programs ([`Error`]) and for authors of rules ([`Problem`]).
//!
//! Bad *input* is neither: records that cannot be read are counted and located in the
//! [`Summary`](crate::Summary) and never stop a run.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

/// Why an operation of this library failed.
///
/// Opaque on purpose: ask it with the `is_…` methods, show it with `Display`.
#[derive(Clone, Debug)]
pub struct Error(Box<Kind>);

#[derive(Clone, Debug)]
enum Kind {
    Rules(Vec<Problem>),
    NotFound(String),
    Read { what: String, why: String },
    Config(String),
    Checkpoint { why: String, newer: bool },
}

impl Error {
    /// An error made of faults in rule files; `problems` is never empty.
    pub fn rules(problems: Vec<Problem>) -> Self {
        Self(Box::new(Kind::Rules(problems)))
    }

    /// Something was named that does not exist: a pack, a file, an article.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self(Box::new(Kind::NotFound(message.into())))
    }

    /// Something exists and could not be read.
    pub fn read(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self(Box::new(Kind::Read { what: what.into(), why: why.to_string() }))
    }

    /// Settings that contradict each other or that no part of the engine understands.
    pub fn config(message: impl Into<String>) -> Self {
        Self(Box::new(Kind::Config(message.into())))
    }

    /// A checkpoint that cannot be taken in; the reason is told of it as `it …`.
    pub fn checkpoint(message: impl Into<String>) -> Self {
        Self(Box::new(Kind::Checkpoint { why: message.into(), newer: false }))
    }

    /// A checkpoint that is whole and of a later version than this program can read.
    pub(crate) fn newer_checkpoint(message: impl Into<String>) -> Self {
        Self(Box::new(Kind::Checkpoint { why: message.into(), newer: true }))
    }

    /// Whether a checkpoint could not be taken in.
    pub fn is_checkpoint(&self) -> bool {
        matches!(&*self.0, Kind::Checkpoint { .. })
    }

    /// Whether a checkpoint was made by a later version than this program can read. Going on from an older one would
    /// undo what that version has done since.
    pub fn is_newer_checkpoint(&self) -> bool {
        matches!(&*self.0, Kind::Checkpoint { newer: true, .. })
    }

    /// The faults in rule files, when that is what went wrong; empty otherwise.
    pub fn problems(&self) -> &[Problem] {
        match &*self.0 {
            Kind::Rules(problems) => problems,
            Kind::NotFound(_) | Kind::Read { .. } | Kind::Config(_) | Kind::Checkpoint { .. } => &[],
        }
    }

    /// Whether rule files were refused.
    pub fn is_rules(&self) -> bool {
        matches!(&*self.0, Kind::Rules(_))
    }

    /// Whether something was named that does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(&*self.0, Kind::NotFound(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Rules(problems) => {
                for (i, problem) in problems.iter().enumerate() {
                    if i > 0 {
                        writeln!(f)?;
                    }
                    write!(f, "{problem}")?;
                }
                Ok(())
            }
            Kind::NotFound(message) | Kind::Config(message) => f.write_str(message),
            Kind::Checkpoint { why, .. } => write!(f, "cannot go on from this checkpoint: {why}"),
            Kind::Read { what, why } => write!(f, "cannot read `{what}`: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// A fault in a rule file, a mapping or an article: what is wrong, exactly where, and what to do.
///
/// `Display` gives it on one line or two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Problem {
    /// Stable name of the kind of fault, for example `unknown-key`.
    pub code: &'static str,
    /// The file as the pack names it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The bytes of the file that are meant.
    pub span: Range<usize>,
    /// What is wrong: lower case, no full stop, user text in backticks.
    pub message: String,
    /// A few words that stand at the place itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Other places that matter: where a thing stood first, what it contradicts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Also>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The change that mends it, where only one can be meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
    /// The whole text of the file, for showing the place; empty when there is none.
    #[serde(skip)]
    pub text: Arc<str>,
}

/// Another place in the same file that matters to a [`Problem`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Also {
    /// The bytes of the file that are meant.
    pub span: Range<usize>,
    /// What is there, in a few words.
    pub label: String,
}

/// A change to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Edit {
    /// The bytes of the file that go.
    pub span: Range<usize>,
    /// What comes in their place.
    pub text: String,
}

impl Problem {
    /// A problem at some bytes of a file. Line and column follow from the text; a byte order mark takes no column.
    pub fn new(
        code: &'static str,
        file: impl Into<String>,
        text: &Arc<str>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let upto = text.get(..span.start).unwrap_or(text);
        let line = (upto.matches('\n').count() + 1, upto.rfind('\n').map_or(0, |at| at + 1));
        Self::on_line(line, code, file.into(), text, span, message.into())
    }

    /// The same where the line is known: its number, from 1, and the byte where it begins.
    pub(crate) fn on_line(
        (line, start): (usize, usize),
        code: &'static str,
        file: String,
        text: &Arc<str>,
        span: Range<usize>,
        message: String,
    ) -> Self {
        let upto = text.get(..span.start).unwrap_or(text);
        let before = upto.get(start..).unwrap_or_default();
        Self {
            code,
            file,
            line,
            column: before.strip_prefix(BYTE_ORDER_MARK).unwrap_or(before).chars().count() + 1,
            span,
            message,
            label: None,
            also: Vec::new(),
            help: None,
            edit: None,
            text: Arc::clone(text),
        }
    }

    /// A problem of a file as a whole, or of a file that is not there.
    pub fn of_file(code: &'static str, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, file, &Arc::from(""), 0..0, message)
    }

    /// The same problem with a line of advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem with a few words at its place.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same problem with another place of the same file that matters.
    #[must_use]
    pub fn with_also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.also.push(Also { span, label: label.into() });
        self
    }

    /// The same problem with the change that mends it.
    #[must_use]
    pub fn with_edit(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.edit = Some(Edit { span, text: text.into() });
        self
    }
}

/// U+FEFF, which editors on some systems put at the start of a file.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {} [{}]", self.file, self.line, self.column, self.message, self.code)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// The known word that looks most like `word`, when one looks like it at all: for the help of a [`Problem`].
///
/// ```
/// let known = ["within", "at-least", "event"];
/// assert_eq!(etiolog::did_you_mean("wihtin", known).as_deref(), Some("within"));
/// assert_eq!(etiolog::did_you_mean("colour", known), None);
/// ```
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
        let longest = word.len().max(letters.len());
        if longest > LONGEST_WORD {
            continue;
        }
        let distance = edits(&word, &letters);
        // A third of the letters may differ; of two equally near words the first named wins.
        if distance <= (longest / 3).max(1)
            && distance < longest
            && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate.to_owned())
}

/// Longer words are not compared: the effort grows with the square of the length.
const LONGEST_WORD: usize = 64;

/// How many letters must be added, dropped, replaced or swapped with their neighbour.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let at = |cells: &[usize], k: usize| cells.get(k).copied().unwrap_or(usize::MAX - 1);
            let mut least =
                (at(&above, j) + usize::from(x != y)).min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(&y) && b.get(j - 1) == Some(&x);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_neighbour() {
        let known = ["periodic", "sequence", "count", "code"];
        for (word, meant) in
            [("periodc", "periodic"), ("seqeunce", "sequence"), ("Count", "count"), ("cod", "code")]
        {
            assert_eq!(did_you_mean(word, known).as_deref(), Some(meant), "{word}");
        }
    }

    #[test]
    fn an_unlike_word_finds_nothing() {
        assert_eq!(did_you_mean("colour", ["periodic", "count"]), None);
        assert_eq!(did_you_mean("x", ["y"]), None);
        assert_eq!(did_you_mean("", ["y"]), None);
        assert_eq!(did_you_mean(&"a".repeat(100_000), ["a"]), None);
    }

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        let letters = |word: &str| word.chars().collect::<Vec<_>>();
        assert_eq!(edits(&letters("ab"), &letters("ba")), 1);
        assert_eq!(edits(&letters(""), &letters("abc")), 3);
        assert_eq!(edits(&letters("kitten"), &letters("sitting")), 3);
    }
}
