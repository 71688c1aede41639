//! Why predicates are refused.

use std::ops::Range;

/// Why a predicate was refused: one thing in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Stable name of the kind of fault, for example `unknown-field`.
    pub code: &'static str,
    /// What is wrong: lower case, no full stop, user text in backticks.
    pub message: String,
    /// The bytes of the source that are meant.
    pub span: Range<usize>,
    /// A second place that matters, and what is there in a few words.
    pub also: Option<(Range<usize>, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// The change to the source that mends it, where only one can be meant: what goes, and what comes.
    pub edit: Option<(Range<usize>, String)>,
}

impl Fault {
    pub(super) fn new(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span, also: None, help: None, edit: None }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn with_also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.also = Some((span, label.into()));
        self
    }

    pub(super) fn with_edit(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.edit = Some((span, text.into()));
        self
    }
}

/// A source in which slips are mended, so that what lies behind them can be looked at too.
#[derive(Clone, Debug, Default)]
pub(super) struct Mended {
    pub(super) text: String,
    /// What was put in, and what it stands for in the source; in order.
    pieces: Vec<(Range<usize>, Range<usize>)>,
}

impl Mended {
    /// Makes changes that are in order and do not overlap; one that overlaps the one before is left out.
    pub(super) fn new(source: &str, changes: &[(Range<usize>, String)]) -> Self {
        let mut mended = Self::default();
        let mut done = 0;
        for (span, text) in changes {
            let Some(kept) = source.get(done..span.start) else { continue };
            mended.text += kept;
            let start = mended.text.len();
            mended.text += text;
            mended.pieces.push((start..mended.text.len(), span.clone()));
            done = span.end;
        }
        mended.text += source.get(done..).unwrap_or_default();
        mended
    }

    /// The same fault in the words of the source.
    pub(super) fn back(&self, mut fault: Fault) -> Fault {
        fault.edit = fault
            .edit
            .filter(|(span, _)| {
                !self.pieces.iter().any(|(new, _)| new.start < span.end && span.start < new.end)
            })
            .map(|(span, text)| (self.span(&span), text));
        fault.also = fault.also.map(|(span, label)| (self.span(&span), label));
        fault.span = self.span(&fault.span);
        fault
    }

    fn span(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.place(span.start, |old| old.start);
        let end = self.place(span.end, |old| old.end);
        start..end.max(start)
    }

    fn place(&self, at: usize, side: fn(&Range<usize>) -> usize) -> usize {
        let mut shift = (0, 0);
        for (new, old) in &self.pieces {
            if at <= new.start {
                break;
            }
            if at < new.end {
                return side(old);
            }
            shift = (new.end, old.end);
        }
        shift.1 + at.saturating_sub(shift.0)
    }
}
