//! Text to nodes, text to types.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::error::Problem;
use crate::yaml::limits;
use crate::yaml::node::BYTE_ORDER_MARK;
use crate::yaml::node::{Node, Shape, Source};
use crate::yaml::scalar::{self, Style};

/// One YAML file that passed all limits.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) root: Node,
    pub(super) source: Arc<Source>,
}

impl Document {
    /// The outermost node; never nothing.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The file as the pack names it.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// The text, as it was given.
    pub fn text(&self) -> &str {
        &self.source.text
    }
}

/// Reads one YAML document.
///
/// # Errors
///
/// The first thing in the file that is not YAML, or that no rule file needs: see the list at the door of this room.
pub fn document(file: &str, text: &str) -> Result<Document, Problem> {
    let source = Arc::new(Source { file: file.to_owned(), text: text.into() });
    limits::check_text(&source)?;
    let mut builder = Builder::new(&source);
    let mut parser = Parser::new_from_str(builder.body);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| builder.refusal(&error))?;
        builder.take(event, span)?;
    }
    let root = builder.root.filter(|root| !root.is_null());
    let root = root.ok_or_else(|| source.problem("empty", 0..0, "the file says nothing".to_owned()))?;
    Ok(Document { root, source })
}

/// What is open while events come in.
enum Open {
    List { start: usize, items: Vec<Node> },
    Map { start: usize, entries: Vec<(Node, Node)>, key: Option<Node>, names: HashSet<String> },
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    /// The text behind the byte order mark, and the length of that mark.
    body: &'a str,
    skipped: usize,
    /// The byte of each character, when there are characters of several bytes.
    bytes: Option<Vec<usize>>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        let body = source.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&source.text);
        let skipped = source.text.len() - body.len();
        let bytes = (!body.is_ascii()).then(|| body.char_indices().map(|(at, _)| at).collect());
        Self { source, body, skipped, bytes, open: Vec::new(), root: None, documents: 0, nodes: 0 }
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

    fn refusal(&self, error: &saphyr_parser::ScanError) -> Problem {
        let at = self.byte(error.marker().index());
        if error.info() == "recursion limit exceeded" {
            return self.too_deep(at..at);
        }
        // An alias without its anchor is an alias all the same.
        if error.info().contains("unknown anchor") {
            return self.alias(at..at);
        }
        let problem = self.source.problem("yaml-syntax", at..at, error.info().replace('\'', "`"));
        match help_for(error.info()) {
            Some(help) => problem.with_help(help),
            None => problem,
        }
    }

    fn too_deep(&self, span: Range<usize>) -> Problem {
        let message = format!("lists and mappings are nested more than {} deep", limits::DEPTH);
        self.source.problem("too-deep", span, message)
    }

    fn alias(&self, span: Range<usize>) -> Problem {
        let problem = self.source.problem("alias", span, "aliases are not allowed".to_owned());
        problem.with_help("write the value out, or put text that starts with `*` in quotes")
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let problem = self.problem("many-documents", span, "a second document starts here");
                    return Err(problem.with_help("put it into a file of its own, or delete the `---`"));
                }
                Ok(())
            }
            Event::Alias(_) => Err(self.alias(self.span(span))),
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), span)?;
                self.count(span)?;
                self.scalar(&text, style, span)
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), span)?;
                let start = self.enter(span)?;
                self.open.push(Open::List { start, items: Vec::new() });
                Ok(())
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), span)?;
                let start = self.enter(span)?;
                self.open.push(Open::Map { start, entries: Vec::new(), key: None, names: HashSet::new() });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
        }
    }

    /// Refuses anchors and tags.
    fn plain_node(&self, anchor: usize, tagged: bool, span: Span) -> Result<(), Problem> {
        if anchor > 0 {
            let problem = self.problem("anchor", span, "anchors are not allowed");
            return Err(problem.with_help("write the value out, or put text that starts with `&` in quotes"));
        }
        if tagged {
            let problem = self.problem("tag", span, "tags are not allowed");
            return Err(problem.with_help("delete it, or put text that starts with `!` in quotes"));
        }
        Ok(())
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
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            let problem = self.problem("complex-key", span, "a key must be text, not a list or a mapping");
            return Err(problem.with_help("put text that starts with `{` or `[` in quotes"));
        }
        Ok(self.byte(span.start.index()))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Result<(), Problem> {
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
            // The parser ends a block where the next value starts.
            Style::Literal(_) | Style::Folded => written.trim_end_matches([' ', '\t', '\r', '\n']).len(),
        };
        bytes.end = bytes.start + len;
        if text.is_empty()
            && style == Style::Plain
            && let Some(Open::Map { key: Some(key), .. }) = self.open.last()
        {
            // The parser places a value that is not there at whatever comes next.
            bytes = key.span().end..key.span().end;
        }
        let node = Node::scalar_of(text.to_owned(), style, bytes, self.source);
        if let Some((at, c)) = text.char_indices().find(|&(_, c)| limits::is_hidden(c)) {
            let from = node.byte_in_file(at);
            let to = node.byte_in_file(at + c.len_utf8()).max(from);
            return Err(limits::hidden_character(self.source, from..to, c));
        }
        self.place(node)
    }

    fn close(&mut self, span: Span) -> Result<(), Problem> {
        let end = self.byte(span.start.index());
        let node = match self.open.pop() {
            Some(Open::List { start, items }) => {
                let last = items.last().map(|item| item.span().end);
                Node::new(Shape::List(items), self.extent(start, end, last), self.source)
            }
            Some(Open::Map { start, entries, .. }) => {
                let last = entries.last().map(|(_, value)| value.span().end);
                Node::new(Shape::Map(entries), self.extent(start, end, last), self.source)
            }
            None => return Ok(()),
        };
        self.place(node)
    }

    /// The bytes of a list or mapping: up to its bracket, or to the end of its last value when it has none.
    fn extent(&self, start: usize, end: usize, last: Option<usize>) -> Range<usize> {
        let byte = |at: usize| self.source.text.as_bytes().get(at).copied();
        let bracketed =
            matches!((byte(start), byte(end)), (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}')));
        start..if bracketed { end + 1 } else { last.unwrap_or(end) }.max(start)
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) -> Result<(), Problem> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, names, .. }) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => *key = Some(check_key(node, names)?),
            },
        }
        Ok(())
    }
}

fn check_key(key: Node, names: &mut HashSet<String>) -> Result<Node, Problem> {
    let name = key.scalar().unwrap_or_default();
    if key.is_null() {
        return Err(key.problem("complex-key", "a key must be text, found nothing"));
    }
    if name == "<<" && key.is_plain() {
        return Err(key.problem("merge-key", "merge keys are not allowed").with_help("write the keys out"));
    }
    if !names.insert(name.to_owned()) {
        return Err(key.problem("duplicate-key", format!("the key `{name}` is here twice")));
    }
    Ok(key)
}

/// What to do about the commonest slips.
fn help_for(info: &str) -> Option<&'static str> {
    let helps = [
        ("mapping values are not allowed", "put text that contains `: ` in quotes"),
        ("tab", "indent with spaces"),
        ("unexpected character", "put text that starts with this character in quotes"),
        ("unexpected end of stream", "close the quotes"),
        ("unknown escape", "write `\\\\` for a backslash, or use single quotes"),
        ("trailing content after double-quoted", "put the whole text in quotes"),
    ];
    helps.iter().find(|(part, _)| info.contains(part)).map(|(_, help)| *help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::limits::{DEPTH, FILE, NODES};

    fn read(text: &str) -> Document {
        document("f.yaml", text).unwrap_or_else(|problem| panic!("{text:?}: {problem}"))
    }

    fn refused(text: &str) -> Problem {
        match document("f.yaml", text) {
            Ok(_) => panic!("accepted {:?}", text.get(..80).unwrap_or(text)),
            Err(problem) => problem,
        }
    }

    /// The bytes of the node at a path.
    fn written<'a>(document: &'a Document, path: &[&str]) -> &'a str {
        let node = document.root().at(path).unwrap_or_else(|| panic!("no {path:?}"));
        document.text().get(node.span()).unwrap_or("(outside)")
    }

    #[test]
    fn every_refusal_has_its_code_and_its_place() {
        let cases = [
            ("a: [1\nb: 2", "yaml-syntax", 2, 2),
            ("a: 1\n b: 2", "yaml-syntax", 2, 3),
            ("a: {b: 1, c: 2, b: 3}", "duplicate-key", 1, 17),
            ("a: 1\n\"a\": 2", "duplicate-key", 2, 1),
            ("a: *b", "alias", 1, 4),
            ("a: &b 1\nc: *b", "anchor", 1, 4),
            ("a: &b [1]", "anchor", 1, 4),
            ("a: &b {c: 1}", "anchor", 1, 4),
            ("a: !!str 1", "tag", 1, 4),
            ("a: !x [1]", "tag", 1, 4),
            ("a: !x {b: 1}", "tag", 1, 4),
            ("a:\n  <<: {b: 1}", "merge-key", 2, 3),
            ("[a, b]: 1", "complex-key", 1, 1),
            ("? {a: b}\n: 1", "complex-key", 1, 3),
            ("~: 1", "complex-key", 1, 1),
            ("a: 1\n---\nb: 2", "many-documents", 2, 1),
            ("", "empty", 1, 1),
            ("# nothing\n", "empty", 1, 1),
            ("---\n...\n", "empty", 1, 1),
            ("~", "empty", 1, 1),
            ("a: b\u{0}c", "control-character", 1, 5),
            ("é: b\u{1b}[31m", "control-character", 1, 5),
            ("a: \u{202e}b", "control-character", 1, 4),
            ("a: b\u{85}", "control-character", 1, 5),
            ("a: b\u{2028}", "control-character", 1, 5),
            ("a: \u{feff}b", "control-character", 1, 4),
            (r#"a: "é b\e[31m""#, "control-character", 1, 8),
            (r#"a: "b\u202ec""#, "control-character", 1, 6),
            (r#"a: "\0""#, "control-character", 1, 5),
            (r#""\x07": 1"#, "control-character", 1, 2),
        ];
        for (text, code, line, column) in cases {
            let problem = refused(text);
            assert_eq!(
                (problem.code, problem.line, problem.column),
                (code, line, column),
                "{text:?}: {problem}"
            );
            assert!(text.get(problem.span.clone()).is_some(), "{text:?}: {:?}", problem.span);
        }
    }

    #[test]
    fn tab_and_line_ends_may_be_escaped() {
        assert_eq!(read(r#"a: "x\ty\r\nz""#).root().at(&["a"]).and_then(Node::scalar), Some("x\ty\r\nz"));
    }

    #[test]
    fn the_limits_are_exact() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        read(&nested(DEPTH));
        assert_eq!(refused(&nested(DEPTH + 1)).code, "too-deep");

        let items = |count: usize| format!("[{}1]", "1,".repeat(count - 2));
        read(&items(NODES));
        assert_eq!(refused(&items(NODES + 1)).code, "too-many-nodes");

        let comment = |bytes: usize| format!("a: 1\n#{}", "x".repeat(bytes - 6));
        read(&comment(FILE));
        assert_eq!(refused(&comment(FILE + 1)).code, "too-large");
    }

    #[test]
    fn hostile_nesting_is_refused_on_a_small_stack() {
        let attacks = [
            "[".repeat(FILE),
            "{".repeat(FILE),
            "[{".repeat(FILE / 2),
            format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
            "- ".repeat(FILE / 2),
            "{a: ".repeat(FILE / 4),
            "? ".repeat(FILE / 2),
            (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        ];
        let small = std::thread::Builder::new().stack_size(256 << 10);
        let refusals = small.spawn(move || attacks.map(|text| refused(&text).code));
        let codes = refusals.ok().and_then(|thread| thread.join().ok());
        let (deep, key) = ("too-deep", "complex-key");
        assert_eq!(codes, Some([deep, deep, deep, deep, deep, deep, key, deep]));
    }

    #[test]
    fn a_million_laughs_are_not_heard() {
        let mut text = "a0: &a0 [lol, lol]\n".to_owned();
        for level in 1..30 {
            text += &format!("a{level}: &a{level} [*a{}, *a{}]\n", level - 1, level - 1);
        }
        assert_eq!(refused(&text).code, "anchor");
        assert_eq!(refused("a: [*a, *a]").code, "alias");
    }

    #[test]
    fn other_hostile_files_end() {
        let attacks = [
            "'".repeat(FILE - 1),
            format!("\"{}", "\\n".repeat(FILE / 4)),
            "a: ".repeat(FILE / 3),
            "*a ".repeat(FILE / 3),
            "&a ".repeat(FILE / 3),
            "!".repeat(FILE),
            "---\n".repeat(FILE / 4),
            "%".repeat(FILE),
            "?\n".repeat(FILE / 2),
            "\n".repeat(FILE),
            "]".repeat(FILE),
            "a: |\n".repeat(FILE / 5),
        ];
        for text in attacks {
            refused(&text);
        }
    }

    #[test]
    fn spans_are_bytes_with_crlf_and_letters_of_several_bytes() {
        let text = "título: 'é''é' # ü\r\nlist: [ä, {b: \"ö\\n\"} ] # x\r\nblock:\r\n  - ß: x y \r\n  - z\r\ntext: |\r\n  größe == 1\r\n  && b\r\nend: é\r\n";
        for text in [text.to_owned(), text.replace("\r\n", "\n"), format!("\u{feff}{text}")] {
            let document = read(&text);
            let line_end = if text.contains('\r') { "\r\n" } else { "\n" };
            assert_eq!(written(&document, &["título"]), "'é''é'");
            assert_eq!(written(&document, &["list"]), "[ä, {b: \"ö\\n\"} ]");
            assert_eq!(written(&document, &["block"]), format!("- ß: x y {line_end}  - z"));
            assert_eq!(written(&document, &["text"]), format!("größe == 1{line_end}  && b"));
            assert_eq!(written(&document, &["end"]), "é");
            assert_eq!(document.root().at(&["text"]).and_then(Node::scalar), Some("größe == 1\n&& b\n"));
            let items = document.root().at(&["list"]).and_then(|list| list.list().ok()).unwrap_or_default();
            let spelt: Vec<_> = items.iter().map(|item| text.get(item.span()).unwrap_or("?")).collect();
            assert_eq!(spelt, ["ä", "{b: \"ö\\n\"}"]);
            let quoted = items.last().and_then(|item| item.get("b")).map(|node| node.problem("x", "y"));
            assert_eq!(quoted.map(|problem| (problem.line, problem.column)), Some((2, 15)));
        }
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let problem = read("\u{feff}a: x").root().at(&["a"]).map(|node| node.problem("x", "y"));
        assert_eq!(problem.map(|p| (p.line, p.column, p.span)), Some((1, 4, 6..7)));
    }

    #[test]
    fn a_value_that_is_not_there_stands_behind_its_key() {
        let document = read("a:\n  b:\n\n\nc: 1");
        let nothing = document.root().at(&["a", "b"]).map(|node| (node.is_null(), node.span()));
        assert_eq!(nothing, Some((true, 6..6)));
    }

    #[test]
    fn the_text_of_a_scalar_finds_its_bytes() {
        let cases = [
            ("a: x == 1", "x == 1"),
            ("é: ä\na: x == 1 # no", "x == 1"),
            ("a: 'x == ''é'' b'", "x == 'é' b"),
            (r#"a: "x\t== \"é\"\n \u00e9 \x41b""#, "x\t== \"é\"\n é Ab"),
            ("a: |\n  x == 1\n    && é\n\n  || z\n", "x == 1\n  && é\n\n|| z\n"),
            ("a: |\r\n  x == 1\r\n    && é\r\n", "x == 1\n  && é\n"),
            ("a:\n  b: |2-\n      x\n     y", "  x\n y"),
            ("a: |\n\n  x", "\nx\n"),
            ("a: >-\n  x\n  && y\n\n  z", "x && y\nz"),
            ("a: x\n   y\n\n   z", "x y\nz"),
            ("a: \"x\n  y \\\n   z\"", "x y z"),
        ];
        for (text, decoded) in cases {
            let document = read(text);
            let node = document.root().at(&["a", "b"]).or_else(|| document.root().at(&["a"]));
            let node = node.unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!(node.scalar(), Some(decoded), "{text:?}");
            let mut last = 0;
            for (at, c) in decoded.char_indices() {
                let byte = node.byte_in_file(at);
                assert!(byte >= last && text.is_char_boundary(byte), "{text:?} at {at}: {byte} after {last}");
                last = byte;
                let there = text.get(byte..).unwrap_or_default();
                let escaped = there.starts_with('\\') || there.starts_with("''");
                let folded =
                    c == ' ' && there.trim_start_matches(['\r', '\n', '\\', ' ']).len() < there.len();
                let line_end = c == '\n' && (there.is_empty() || there.starts_with(['\r', '\n']));
                assert!(
                    there.starts_with(c) || escaped || folded || line_end || at == 0,
                    "{text:?} at {at}: {there:?}"
                );
            }
            assert!(node.byte_in_file(usize::MAX) <= text.len());
        }
    }

    #[test]
    fn a_problem_in_embedded_text_points_at_its_character() {
        let document = read("rule:\n  where: |\n    größe == 1\n      && x ? 2\n");
        let node = document.root().at(&["rule", "where"]);
        let at = node.and_then(Node::scalar).and_then(|text| text.find('?')).unwrap_or(0);
        let problem = node.map(|node| node.problem_at(at, "predicate", "no"));
        assert_eq!(problem.as_ref().map(|p| (p.line, p.column)), Some((4, 12)));
        assert_eq!(problem.and_then(|p| document.text().get(p.span)), Some("?"));
    }

    #[test]
    fn both_parsers_read_the_same_text() {
        let text =
            "a: [1, 'x''y', \"z\\n\"]\nb: |\n  one\n\n   two\nc: >\n  one\n  two\nd: {e: plain text, f: }\n";
        let value: serde_yaml::Value = crate::yaml::typed(&read(text)).unwrap_or_default();
        let theirs = |path: &[&str]| path.iter().try_fold(&value, |value, key| value.get(*key)).cloned();
        for path in [&["b"][..], &["c"], &["d", "e"]] {
            let ours = read(text).root().at(path).and_then(Node::scalar).map(str::to_owned);
            assert_eq!(ours, theirs(path).and_then(|value| value.as_str().map(str::to_owned)), "{path:?}");
        }
    }

    /// Every span lies in the text, holds its children, and every character of a scalar has its byte inside.
    fn sound(node: &Node, text: &str) {
        let span = node.span();
        assert!(text.get(span.clone()).is_some(), "{span:?} of {text:?}");
        if let Some(scalar) = node.scalar() {
            for at in 0..=scalar.len() {
                let byte = node.byte_in_file(at);
                assert!(
                    text.is_char_boundary(byte) && (span.start..=span.end).contains(&byte),
                    "{at} in {text:?}"
                );
            }
        }
        let entries = node.map().unwrap_or_default().iter().flat_map(|(key, value)| [key, value]);
        for child in entries.chain(node.list().unwrap_or_default()) {
            assert!(span.start <= child.span().start, "{:?} in {span:?} of {text:?}", child.span());
            sound(child, text);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r#"([ab:\[\]{},'"|>\\\-?#é&*!~%]| |: |- |\n|\r\n|\n  |\n    |\t|<<|\\n){0,60}"#) {
            match document("f.yaml", &text) {
                Ok(document) => sound(document.root(), &text),
                Err(problem) => assert!(text.get(problem.span.clone()).is_some(), "{problem} in {text:?}"),
            }
        }

        #[test]
        fn both_parsers_agree_on_any_scalar(text in r#"a: ['"|>]?[-+]?(\n  )?([xyé:#'\\"]| |\n  |\n\n  |\n   ){0,20}['"]?\n"#) {
            let Ok(ours) = document("f.yaml", &text) else { return Ok(()) };
            let node = ours.root().get("a").filter(|node| !node.is_null());
            let Some(decoded) = node.and_then(Node::scalar) else { return Ok(()) };
            if let Ok(serde_yaml::Value::Mapping(theirs)) = crate::yaml::typed::<serde_yaml::Value>(&ours) {
                let theirs = theirs.get("a").and_then(|value| value.as_str().map(str::to_owned));
                proptest::prop_assert_eq!(Some(decoded.to_owned()), theirs, "{:?}", text);
            }
        }
    }
}
