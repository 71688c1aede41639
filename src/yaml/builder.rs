//! Events of the parser in, a tree of nodes out. What is refused is remembered, and the rest is read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::error::{BYTE_ORDER_MARK, Problem};
use crate::yaml::limits;
use crate::yaml::node::{Node, Shape};
use crate::yaml::scalar::{self, Style};
use crate::yaml::source::Source;
use crate::yaml::syntax;

/// How often a file is read again behind an alias that names nothing, at which the parser gives up.
const RETRIES: usize = 16;

/// The tree of a text; nothing when it cannot be read to its end, which `problems` then says.
pub(super) fn tree(source: &Arc<Source>, problems: &mut Vec<Problem>) -> Option<Node> {
    if let Err(problem) = limits::check_size(source) {
        problems.push(problem);
        return None;
    }
    let mut found = limits::hidden_characters(source);
    let body = source.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&source.text);
    let mut body =
        if found.is_empty() { Cow::Borrowed(body) } else { Cow::Owned(body.replace('\0', "\u{7f}")) };
    let mut aliases = Vec::new();
    loop {
        let mut builder = Builder::new(source, &body, &aliases);
        let end = builder.read();
        if let Err(Stop::Alias(at)) = end
            && aliases.len() < RETRIES
            && let Some(patched) = without_star(&body, at)
        {
            aliases.push(at);
            body = Cow::Owned(patched);
            continue;
        }
        let end = end.map_err(|stop| match stop {
            Stop::Alias(at) => builder.alias(builder.byte(at)..builder.byte(at)),
            Stop::Problem(problem) => *problem,
        });
        let root = builder.root.take().filter(|root| root.is_broken() || !root.is_null());
        found.append(&mut builder.problems);
        let root = match (end, root) {
            (Err(problem), _) => {
                found.push(problem);
                None
            }
            (Ok(()), None) if found.is_empty() => {
                found.push(source.problem("empty", 0..0, "the file says nothing".to_owned()));
                None
            }
            (Ok(()), root) => root,
        };
        if found.len() > limits::PROBLEMS {
            found.truncate(limits::PROBLEMS);
        }
        problems.append(&mut found);
        return root;
    }
}

/// The text with the star at this character made a letter; nothing when there is none.
fn without_star(body: &str, character: usize) -> Option<String> {
    let (at, _) = body.char_indices().nth(character).filter(|&(_, c)| c == '*')?;
    let (before, after) = body.split_at(at);
    Some(format!("{before}_{}", after.get(1..)?))
}

/// Why reading ends before the text does.
enum Stop {
    /// Not YAML, or over a limit.
    Problem(Box<Problem>),
    /// An alias at this character names nothing.
    Alias(usize),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// What is open while events come in.
enum Open {
    List { start: usize, items: Vec<Node> },
    Map { start: usize, map: Map },
}

/// A mapping that is being read.
#[derive(Default)]
struct Map {
    entries: Vec<(Node, Node)>,
    key: Key,
    /// Where keys stand among many entries.
    places: HashMap<String, usize>,
    /// Whether an entry was refused.
    broken: bool,
}

/// What the next value of a mapping belongs to.
#[derive(Default)]
enum Key {
    /// It is a key itself.
    #[default]
    Awaited,
    /// This key.
    Named(Node),
    /// A key that was here before, at this place.
    Again(usize),
    /// A key that was refused: the value goes with it.
    Refused,
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    /// The text behind the byte order mark, and the length of that mark.
    body: &'a str,
    skipped: usize,
    /// The byte of each character, when there are characters of several bytes.
    bytes: Option<Vec<usize>>,
    /// Aliases that name nothing: their stars were made letters.
    aliases: &'a [usize],
    open: Vec<Open>,
    /// How many lists and mappings were open where a key began that is no text.
    in_key: Option<usize>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    problems: Vec<Problem>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>, body: &'a str, aliases: &'a [usize]) -> Self {
        let skipped = source.text.len() - body.len();
        let bytes = (!body.is_ascii()).then(|| body.char_indices().map(|(at, _)| at).collect());
        let (open, problems) = (Vec::new(), Vec::new());
        let (in_key, root, documents, nodes) = (None, None, 0, 0);
        Self { source, body, skipped, bytes, aliases, open, in_key, root, documents, nodes, problems }
    }

    fn read(&mut self) -> Result<(), Stop> {
        let mut parser = Parser::new_from_str(self.body);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.refusal(&error))?;
            if matches!(event, Event::DocumentStart(_)) {
                self.documents += 1;
            }
            if self.documents > 1 {
                let problem = self.problem("many-documents", span, "a second document starts here");
                self.refuse(problem.with_help("put it into a file of its own, or delete the `---`"));
                return Ok(());
            }
            self.take(event, span)?;
            if self.problems.len() > limits::PROBLEMS {
                let message = format!("more than {} problems; the rest is not read", limits::PROBLEMS);
                return Err(self.problem("too-many-problems", span, &message).into());
            }
        }
        Ok(())
    }

    /// The byte in the file of a character of the body.
    fn byte(&self, character: usize) -> usize {
        let in_body = match &self.bytes {
            Some(bytes) => bytes.get(character).copied().unwrap_or(self.body.len()),
            None => character.min(self.body.len()),
        };
        in_body + self.skipped
    }

    fn span(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        start..self.byte(span.end.index()).max(start)
    }

    fn problem(&self, code: &'static str, span: Span, message: &str) -> Problem {
        self.source.problem(code, self.span(span), message.to_owned())
    }

    /// Remembers a problem, unless it stands inside a key that is refused as a whole.
    fn refuse(&mut self, problem: Problem) {
        if self.in_key.is_none() {
            self.problems.push(problem);
        }
    }

    fn refusal(&self, error: &saphyr_parser::ScanError) -> Stop {
        let at = self.byte(error.marker().index());
        if error.info() == "recursion limit exceeded" {
            return self.too_deep(at..at).into();
        }
        // An alias without its anchor is an alias all the same.
        if error.info().contains("unknown anchor") {
            return Stop::Alias(error.marker().index());
        }
        let open = self.open.last().map(|open| match open {
            Open::List { start, .. } | Open::Map { start, .. } => *start,
        });
        syntax::problem(self.source, error.info(), at, open).into()
    }

    fn too_deep(&self, span: Range<usize>) -> Problem {
        let message = format!("lists and mappings are nested more than {} deep", limits::DEPTH);
        self.source.problem("too-deep", span, message)
    }

    fn alias(&self, span: Range<usize>) -> Problem {
        let problem = self.source.problem("alias", span, "aliases are not allowed".to_owned());
        problem.with_help("write the value out, or put text that starts with `*` in quotes")
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Alias(_) => {
                self.count(span)?;
                self.take_alias(self.span(span));
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), span);
                self.count(span)?;
                if self.aliases.contains(&span.start.index()) {
                    self.take_alias(self.span(span));
                } else {
                    self.scalar(&text, style, span);
                }
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), span);
                let start = self.enter(span)?;
                self.open.push(Open::List { start, items: Vec::new() });
                Ok(())
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), span);
                let start = self.enter(span)?;
                self.open.push(Open::Map { start, map: Map::default() });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                Ok(())
            }
        }
    }

    /// Refuses an alias; what it stands for is not known. One behind a merge key was refused with it.
    fn take_alias(&mut self, span: Range<usize>) {
        let merged = matches!(self.open.last(), Some(Open::Map { map: Map { key: Key::Refused, .. }, .. }));
        if !merged {
            let problem = self.alias(span.clone());
            self.refuse(problem);
        }
        self.place(Node::broken(span, self.source));
    }

    /// Refuses anchors and tags.
    fn plain_node(&mut self, anchor: usize, tagged: bool, span: Span) {
        if anchor > 0 {
            let problem = self.problem("anchor", span, "anchors are not allowed");
            self.refuse(problem.with_help("write the value out, or put text that starts with `&` in quotes"));
        }
        if tagged {
            let problem = self.problem("tag", span, "tags are not allowed");
            self.refuse(problem.with_help("delete it, or put text that starts with `!` in quotes"));
        }
    }

    fn count(&mut self, span: Span) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes > limits::NODES {
            let message = format!("the file has more than {} values", limits::NODES);
            return Err(self.problem("too-many-nodes", span, &message));
        }
        Ok(())
    }

    /// Counts a list or mapping that begins, and gives its first byte.
    fn enter(&mut self, span: Span) -> Result<usize, Problem> {
        self.count(span)?;
        if self.open.len() >= limits::DEPTH {
            return Err(self.too_deep(self.span(span)));
        }
        if let Some(Open::Map { map: Map { key: Key::Awaited, .. }, .. }) = self.open.last() {
            let problem = self.problem("complex-key", span, "a key must be text, not a list or a mapping");
            self.refuse(problem.with_help("put text that starts with `{` or `[` in quotes"));
            self.in_key.get_or_insert(self.open.len());
        }
        Ok(self.byte(span.start.index()))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) {
        let mut bytes = self.span(span);
        let rest = self.source.text.get(bytes.start..).unwrap_or_default();
        let written = self.source.text.get(bytes.clone()).unwrap_or_default();
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal(span.start.col()),
            ScalarStyle::Folded => Style::Folded,
        };
        let len = match style {
            Style::Plain => written.len(),
            Style::Single | Style::Double => scalar::quoted_len(rest, style),
            Style::Literal(_) | Style::Folded => scalar::block_len(written),
        };
        bytes.end = bytes.start + len;
        if text.is_empty()
            && style == Style::Plain
            && let Some(Open::Map { map: Map { key: Key::Named(key), .. }, .. }) = self.open.last()
        {
            // The parser places a value that is not there at whatever comes next.
            bytes = key.span().end..key.span().end;
        }
        let node = Node::scalar_of(text.to_owned(), style, bytes, self.source);
        if limits::shows(text) {
            return self.place(node);
        }
        // Those that are not escaped were found in the whole text, and only these quotes know escapes.
        let places = if style == Style::Double { node.places() } else { Vec::new() };
        let hidden = text.chars().zip(places).filter(|&(c, _)| limits::is_hidden(c));
        for (c, there) in hidden.take(limits::PROBLEMS) {
            if self.source.text.get(there.start..).is_some_and(|there| there.starts_with('\\')) {
                self.refuse(limits::hidden_character(self.source, there, c));
            }
        }
        // What is seen is what is meant.
        let seen = text.chars().filter(|&c| !limits::is_hidden(c)).collect();
        self.place(Node::scalar_of(seen, style, node.span(), self.source));
    }

    fn close(&mut self, span: Span) {
        let end = self.byte(span.start.index());
        let node = match self.open.pop() {
            Some(Open::List { start, items }) => {
                let last = items.last().map(|item| item.span().end);
                Node::new(Shape::List(items), self.extent(start, end, last), self.source)
            }
            Some(Open::Map { start, map }) => {
                let last = map.entries.last().map(|(_, value)| value.span().end);
                let extent = self.extent(start, end, last);
                let node = Node::new(Shape::Map(map.entries), extent, self.source);
                if map.broken { node.with_gaps() } else { node }
            }
            None => return,
        };
        if self.in_key.is_some_and(|outside| outside >= self.open.len()) {
            self.in_key = None;
        }
        self.place(node);
    }

    /// The bytes of a list or mapping: up to its bracket, or to the end of its last value when it has none.
    fn extent(&self, start: usize, end: usize, last: Option<usize>) -> Range<usize> {
        let byte = |at: usize| self.source.text.as_bytes().get(at).copied();
        let bracketed =
            matches!((byte(start), byte(end)), (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}')));
        start..if bracketed { end + 1 } else { last.unwrap_or(end) }.max(start)
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) {
        let problem = match self.open.last_mut() {
            None => {
                self.root = Some(node);
                None
            }
            Some(Open::List { items, .. }) => {
                items.push(node);
                None
            }
            Some(Open::Map { map, .. }) => map.place(node),
        };
        if let Some(problem) = problem {
            self.refuse(problem);
        }
    }
}

impl Map {
    fn place(&mut self, node: Node) -> Option<Problem> {
        match std::mem::take(&mut self.key) {
            Key::Awaited => return self.name(node),
            Key::Named(name) => self.entries.push((name, node)),
            Key::Again(at) => {
                if let Some((_, first)) = self.entries.get_mut(at) {
                    first.join(node);
                }
            }
            Key::Refused => self.broken = true,
        }
        None
    }

    /// Takes a node as the next key.
    fn name(&mut self, key: Node) -> Option<Problem> {
        self.key = Key::Refused;
        let name = key.scalar().filter(|_| !key.is_broken())?;
        if key.is_null() {
            return Some(key.problem("complex-key", "a key must be text, found nothing"));
        }
        if name == "<<" && key.is_plain() {
            let problem = key.problem("merge-key", "merge keys are not allowed");
            return Some(problem.with_help("write the keys out"));
        }
        if let Some(at) = self.find(name) {
            let problem = key.problem("duplicate-key", format!("the key `{name}` is here twice"));
            self.key = Key::Again(at);
            return Some(match self.entries.get(at) {
                Some((first, _)) => problem.with_also(first.span(), "first here"),
                None => problem,
            });
        }
        self.key = Key::Named(key);
        None
    }

    /// Where a key stands among the entries. Few are looked through, many are looked up.
    fn find(&mut self, name: &str) -> Option<usize> {
        if self.entries.len() < 16 {
            return self.entries.iter().position(|(key, _)| key.scalar() == Some(name));
        }
        let new = self.entries.iter().enumerate().skip(self.places.len());
        self.places.extend(new.map(|(at, (key, _))| (key.scalar().unwrap_or_default().to_owned(), at)));
        self.places.get(name).copied()
    }
}
