//! A YAML value that remembers where it stood, and strict readers for it.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Problem, did_you_mean};
use crate::yaml::duration;
use crate::yaml::scalar::{Style, Written};
use crate::yaml::slips;
use crate::yaml::source::{Place, Source};

/// What a node is.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A scalar; `plain` when it was not quoted, so `7` may be a number and `~` nothing.
    Scalar {
        /// The decoded text.
        text: String,
        /// Whether it was written without quotes and not as a block.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file; keys are scalars and differ from each other.
    Map(Vec<(Node, Node)>),
}

/// A YAML value with the bytes it came from.
#[derive(Clone, Debug)]
pub struct Node {
    shape: Shape,
    style: Style,
    state: State,
    reads: Reads,
    span: Range<usize>,
    source: Arc<Source>,
}

/// How a scalar is to be read by the type that it goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// By its own looks.
    AsWritten,
    /// As the text that it is spelt with, of this format.
    Word(Option<&'static str>),
    /// As a number.
    Number,
    /// As `true` or `false`.
    Boolean,
}

/// How much of a node could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All of it.
    Whole,
    /// A mapping or a list without some of its entries.
    Gaps,
    /// Nothing.
    Broken,
}

impl Node {
    pub(super) fn new(shape: Shape, span: Range<usize>, source: &Arc<Source>) -> Self {
        let (style, state, reads) = (Style::Plain, State::Whole, Reads::AsWritten);
        Self { shape, style, state, reads, span, source: Arc::clone(source) }
    }

    pub(super) fn scalar_of(text: String, style: Style, span: Range<usize>, source: &Arc<Source>) -> Self {
        let plain = style == Style::Plain;
        Self { style, ..Self::new(Shape::Scalar { text, plain }, span, source) }
    }

    /// What stands for a value that was refused.
    pub(super) fn broken(span: Range<usize>, source: &Arc<Source>) -> Self {
        let node = Self::scalar_of(String::new(), Style::Plain, span, source);
        Self { state: State::Broken, ..node }
    }

    /// What stands for this node where it was refused.
    pub(crate) fn stand_in(&self) -> Self {
        Self::broken(self.span.clone(), &self.source)
    }

    /// The same mapping or list, known to lack entries that were refused.
    pub(super) fn with_gaps(self) -> Self {
        Self { state: State::Gaps, ..self }
    }

    /// Whether this value was refused and it is not known what it means. That has been told; nothing more needs to be said
    /// about it.
    pub fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Whether entries of this mapping or list were refused, so that what is not here may still have been written.
    pub fn has_gaps(&self) -> bool {
        self.state == State::Gaps
    }

    /// Whether nothing in this value was refused, however deep.
    pub(crate) fn is_whole(&self) -> bool {
        let inside = match &self.shape {
            Shape::Scalar { .. } => true,
            Shape::List(items) => items.iter().all(Self::is_whole),
            Shape::Map(entries) => entries.iter().all(|(_, value)| value.is_whole()),
        };
        inside && self.state == State::Whole
    }

    /// The same node, to be read in this way.
    pub(super) fn reading(self, reads: Reads) -> Self {
        Self { reads, ..self }
    }

    /// The format that the schema gives this scalar, if it was [held against one](crate::yaml::sound) that does: `class`.
    pub fn format(&self) -> Option<&'static str> {
        match self.reads {
            Reads::Word(format) => format,
            Reads::AsWritten | Reads::Number | Reads::Boolean => None,
        }
    }

    pub(super) fn reads(&self) -> Reads {
        self.reads
    }

    /// The same node, refused: that has been told, and nothing more needs to be said about it.
    pub(crate) fn refused(self) -> Self {
        Self { state: State::Broken, ..self }
    }

    /// The same node in its place, with other text.
    pub(crate) fn renamed(self, text: &str) -> Self {
        let Shape::Scalar { plain, .. } = self.shape else { return self };
        Self { shape: Shape::Scalar { text: text.to_owned(), plain }, ..self }
    }

    /// The list of what becomes of its items.
    pub(crate) fn map_items(self, change: impl FnMut(Node) -> Option<Node>) -> Self {
        let Shape::List(items) = self.shape else { return self };
        Self { shape: Shape::List(items.into_iter().filter_map(change).collect()), ..self }
    }

    /// The mapping of what becomes of its entries.
    pub(crate) fn map_entries(self, mut change: impl FnMut(Node, Node) -> Option<(Node, Node)>) -> Self {
        let Shape::Map(entries) = self.shape else { return self };
        let entries: Vec<_> = entries.into_iter().filter_map(|(key, value)| change(key, value)).collect();
        Self { shape: Shape::Map(entries), ..self }
    }

    /// The mapping with these entries too.
    pub(crate) fn with_entries(mut self, more: Vec<(Node, Node)>) -> Self {
        if let Shape::Map(entries) = &mut self.shape {
            entries.extend(more);
        }
        self
    }

    /// What is pointed at when something is missing in this node: all of it, or its first key when it has several lines.
    pub(super) fn head(&self) -> &Node {
        let written = self.source.text.get(self.span.clone()).unwrap_or_default();
        match &self.shape {
            Shape::Map(entries) if written.contains('\n') => entries.first().map_or(self, |(key, _)| key),
            Shape::Map(_) | Shape::List(_) | Shape::Scalar { .. } => self,
        }
    }

    /// Takes over what a second value of the same key says and this one does not.
    pub(super) fn join(&mut self, other: Self) {
        let Shape::Map(more) = other.shape else { return };
        let Shape::Map(entries) = &mut self.shape else { return };
        let known: HashSet<String> =
            entries.iter().filter_map(|(key, _)| key.scalar().map(str::to_owned)).collect();
        entries.extend(more.into_iter().filter(|(key, _)| !known.contains(key.scalar().unwrap_or_default())));
    }

    /// What this node is.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The bytes of the file that this node came from.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The node as it stands in the file.
    pub fn written(&self) -> &str {
        self.source.text.get(self.span.clone()).unwrap_or_default()
    }

    /// The file this node came from.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// Where this node stands, to be remembered without it.
    pub(crate) fn place(&self) -> Place {
        Place::new(&self.source, self.span.clone())
    }

    /// A problem at this node.
    pub fn problem(&self, code: &'static str, message: impl Into<String>) -> Problem {
        self.source.problem(code, self.span.clone(), message.into())
    }

    /// Where a byte of the scalar's text stands in the file, for text that is a language of its own.
    pub fn byte_in_file(&self, offset_in_scalar: usize) -> usize {
        self.span_in_file(offset_in_scalar..offset_in_scalar).start
    }

    /// The bytes of the file behind some bytes of the scalar's text.
    ///
    /// Exact for every character: an escape has all its bytes, and a blank that stands for a folded line end has that.
    pub fn span_in_file(&self, inside: Range<usize>) -> Range<usize> {
        self.placed().bytes(inside)
    }

    /// The change to the file that puts `text` in the place of some bytes of the scalar's text; `None` when it cannot
    /// be written there, for example because it would need quotes and the scalar has none.
    pub fn edit_in_file(&self, inside: Range<usize>, text: &str) -> Option<(Range<usize>, String)> {
        let text = self.placed().written(&inside, text)?;
        Some((self.span_in_file(inside), text))
    }

    /// A problem at some bytes of the scalar's text.
    pub fn problem_within(
        &self,
        inside: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        self.source.problem(code, self.span_in_file(inside), message.into())
    }

    /// A problem at one character of the scalar's text.
    pub fn problem_at(
        &self,
        offset_in_scalar: usize,
        code: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        let rest = self.scalar().and_then(|text| text.get(offset_in_scalar..)).unwrap_or_default();
        let len = rest.chars().next().map_or(0, char::len_utf8);
        self.problem_within(offset_in_scalar..offset_in_scalar.saturating_add(len), code, message)
    }

    /// The bytes of the file behind each character of the scalar's text.
    pub(super) fn places(&self) -> Vec<Range<usize>> {
        self.placed().places()
    }

    fn placed(&self) -> Written<'_> {
        Written {
            file: &self.source.text,
            span: self.span.clone(),
            style: self.style,
            decoded: self.scalar().unwrap_or_default(),
        }
    }

    /// The value of a key, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value of a key, when this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        match &self.shape {
            Shape::Map(entries) => entries.iter().find(|(k, _)| k.scalar() == Some(key)).map(|(k, v)| (k, v)),
            Shape::Scalar { .. } | Shape::List(_) => None,
        }
    }

    /// The node at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The scalar's text, whatever it means.
    pub fn scalar(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { text, .. } => Some(text),
            Shape::List(_) | Shape::Map(_) => None,
        }
    }

    /// Whether this is nothing: `~`, `null` or an empty plain scalar.
    pub fn is_null(&self) -> bool {
        matches!(self.plain(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// Whether this is a mapping.
    pub fn is_map(&self) -> bool {
        matches!(self.shape, Shape::Map(_))
    }

    /// The entries of a mapping; anything else has none.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.shape {
            Shape::Map(entries) => entries,
            Shape::Scalar { .. } | Shape::List(_) => &[],
        }
    }

    /// The items of a list; anything else has none.
    pub fn items(&self) -> &[Node] {
        match &self.shape {
            Shape::List(items) => items,
            Shape::Scalar { .. } | Shape::Map(_) => &[],
        }
    }

    /// The entries of a mapping.
    ///
    /// # Errors
    ///
    /// When this is not a mapping.
    pub fn map(&self) -> Result<&[(Node, Node)], Problem> {
        match &self.shape {
            Shape::Map(entries) => Ok(entries),
            Shape::Scalar { .. } | Shape::List(_) => Err(self.expected("a mapping")),
        }
    }

    /// The items of a list.
    ///
    /// # Errors
    ///
    /// When this is not a list.
    pub fn list(&self) -> Result<&[Node], Problem> {
        match &self.shape {
            Shape::List(items) => Ok(items),
            Shape::Scalar { .. } | Shape::Map(_) => Err(self.expected("a list")),
        }
    }

    /// A list's items, or this node alone: where one or several may stand.
    pub fn one_or_more(&self) -> &[Node] {
        match &self.shape {
            Shape::List(items) => items,
            Shape::Scalar { .. } | Shape::Map(_) => std::slice::from_ref(self),
        }
    }

    /// A scalar that is text; numbers and `true` written without quotes count as their spelling.
    ///
    /// # Errors
    ///
    /// When this is not a scalar, or nothing.
    pub fn text(&self) -> Result<&str, Problem> {
        match self.scalar() {
            Some(text) if !self.is_null() => Ok(text),
            _ => Err(self.expected("text")),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    ///
    /// When this is not one.
    pub fn integer(&self) -> Result<i64, Problem> {
        self.as_integer().ok_or_else(|| self.expected("a whole number"))
    }

    /// A whole number from `low` to `high`.
    ///
    /// # Errors
    ///
    /// When this is not one.
    pub fn integer_within(&self, low: i64, high: i64) -> Result<i64, Problem> {
        let n = self.integer()?;
        if (low..=high).contains(&n) {
            Ok(n)
        } else {
            Err(self.problem("out-of-range", format!("`{n}` is outside {low} to {high}")))
        }
    }

    /// A number.
    ///
    /// # Errors
    ///
    /// When this is not a finite one.
    pub fn number(&self) -> Result<f64, Problem> {
        self.as_number().ok_or_else(|| self.expected("a number"))
    }

    /// A share: `0.05` or `5%`.
    ///
    /// # Errors
    ///
    /// When this is not one between 0 and 1.
    pub fn share(&self) -> Result<f64, Problem> {
        let text = self.scalar().ok_or_else(|| self.expected("a share such as `5%`"))?;
        let share = match text.strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().ok().map(|x| x / 100.0),
            None => text.parse::<f64>().ok(),
        };
        share.filter(|x| (0.0..=1.0).contains(x)).ok_or_else(|| self.expected("a share between 0% and 100%"))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    ///
    /// When this is neither.
    pub fn boolean(&self) -> Result<bool, Problem> {
        self.as_boolean().ok_or_else(|| self.expected("`true` or `false`"))
    }

    /// A span of time with its unit: `250ms`, `60s`, `15m`, `12h`, `7d`, or several together: `1h30m`.
    ///
    /// # Errors
    ///
    /// When this is not one, is zero, or is longer than 31 days.
    pub fn duration(&self) -> Result<Duration, Problem> {
        let text = self.scalar().ok_or_else(|| self.expected("a duration such as `5m`"))?;
        let span =
            duration::parse(text).ok_or_else(|| self.expected("a duration such as `60s`, `5m` or `12h`"))?;
        if span.is_zero() || span > MAX_DURATION {
            return Err(self.problem("out-of-range", format!("`{text}` is not between 1ms and 31d")));
        }
        Ok(span)
    }

    /// A range of time: `5m..36h`.
    ///
    /// # Errors
    ///
    /// When this is not one or its ends are the wrong way round.
    pub fn duration_range(&self) -> Result<(Duration, Duration), Problem> {
        let text = self.scalar().ok_or_else(|| self.expected("a range such as `5m..36h`"))?;
        let ends = text.split_once("..").and_then(|(a, b)| Some((duration::parse(a)?, duration::parse(b)?)));
        let (low, high) = ends.ok_or_else(|| self.expected("a range such as `5m..36h`"))?;
        if low.is_zero() || low > high || high > MAX_DURATION {
            return Err(
                self.problem("out-of-range", format!("`{text}` does not run upwards between 1ms and 31d"))
            );
        }
        Ok((low, high))
    }

    /// A span of time that may be nothing: `0s`, `70m`, up to ten years.
    ///
    /// # Errors
    ///
    /// When this is not one, or is longer.
    pub(crate) fn span_of_time(&self) -> Result<Duration, Problem> {
        let span = self.scalar().and_then(duration::parse).filter(|span| *span <= LONGEST);
        span.ok_or_else(|| self.expected("a duration such as `0s`, `70m` or `30d`"))
    }

    /// A range of such spans: `0s..70m`.
    ///
    /// # Errors
    ///
    /// When this is not one or its ends are the wrong way round.
    pub(crate) fn span_of_time_range(&self) -> Result<(Duration, Duration), Problem> {
        let ends = self.scalar().and_then(|text| text.split_once(".."));
        let ends = ends.and_then(|(a, b)| Some((duration::parse(a)?, duration::parse(b)?)));
        let ends = ends.filter(|(low, high)| low <= high && *high <= LONGEST);
        ends.ok_or_else(|| self.expected("a range such as `0s..70m`"))
    }

    /// The entries of a mapping whose keys are all among `allowed`.
    ///
    /// # Errors
    ///
    /// When this is not a mapping or has another key.
    pub fn fields<'a>(&'a self, allowed: &[&str]) -> Result<Fields<'a>, Problem> {
        for (key, _) in self.map()? {
            let name = key.scalar().unwrap_or_default();
            if !allowed.contains(&name) {
                return Err(key.unknown_key(None, allowed));
            }
        }
        Ok(Fields { node: self })
    }

    /// The problem with this key where only `known` ones may stand; `meant` is the one that it must be, if that is sure.
    pub(crate) fn unknown_key(&self, meant: Option<&str>, known: &[&str]) -> Problem {
        let name = self.scalar().unwrap_or_default();
        let list = match known {
            [] => "no key may stand here".to_owned(),
            known => format!("expected one of: {}", known.join(", ")),
        };
        let near = meant.map(str::to_owned).or_else(|| did_you_mean(name, known.iter().copied()));
        let help = match near {
            Some(meant) => format!("did you mean `{meant}`? {list}"),
            None => list,
        };
        self.problem("unknown-key", format!("unknown key `{name}`")).with_help(help)
    }

    /// A problem that says what was expected here.
    pub fn expected(&self, what: &str) -> Problem {
        let found = match &self.shape {
            Shape::Scalar { .. } if self.is_null() => "nothing".to_owned(),
            Shape::Scalar { .. } if matches!(self.style, Style::Single | Style::Double) => {
                format!("`{}`", self.written().chars().take(40).collect::<String>())
            }
            Shape::Scalar { text, .. } => format!("`{}`", text.chars().take(40).collect::<String>()),
            Shape::List(_) => "a list".to_owned(),
            Shape::Map(_) => "a mapping".to_owned(),
        };
        let problem = self.problem("wrong-type", format!("expected {what}, found {found}"));
        match self.scalar() {
            Some(text) if !text.contains('\n') => slips::mend(problem, what, text, self.is_plain()),
            _ => problem,
        }
    }

    /// The whole number that this is, for who has nothing to tell when it is none.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        self.plain()?.parse().ok()
    }

    /// The finite number that this is, if it is one.
    pub(crate) fn as_number(&self) -> Option<f64> {
        self.plain()?.parse().ok().filter(|x: &f64| x.is_finite())
    }

    /// `true` or `false`, if it is one of them.
    pub(crate) fn as_boolean(&self) -> Option<bool> {
        self.plain()?.parse().ok()
    }

    pub(super) fn is_plain(&self) -> bool {
        self.plain().is_some()
    }

    fn plain(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { text, plain: true } => Some(text),
            Shape::Scalar { .. } | Shape::List(_) | Shape::Map(_) => None,
        }
    }
}

/// The longest span a rule may name: 31 days.
const MAX_DURATION: Duration = Duration::from_secs(31 * 86_400);

/// The longest span that may be nothing: ten years.
const LONGEST: Duration = Duration::from_secs(3_652 * 86_400);

/// A mapping with known keys, read one by one.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    node: &'a Node,
}

impl<'a> Fields<'a> {
    /// The value of a key that must be there.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn required(&self, key: &str) -> Result<&'a Node, Problem> {
        self.node.get(key).ok_or_else(|| self.node.problem("missing-key", format!("missing key `{key}`")))
    }

    /// The value of a key that may be there.
    pub fn optional(&self, key: &str) -> Option<&'a Node> {
        self.node.get(key)
    }
}

#[cfg(test)]
mod tests;
