//! Text to nodes.

use std::sync::Arc;

use crate::error::Problem;
use crate::yaml::builder;
use crate::yaml::node::Node;
use crate::yaml::source::Source;

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

    /// The outermost node, to be changed.
    pub fn into_root(self) -> Node {
        self.root
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
/// Everything in the file that is not YAML, or that no rule file needs: see the list at the door of this room.
pub fn document(file: &str, text: &str) -> Result<Document, Vec<Problem>> {
    let mut problems = Vec::new();
    match read(file, text, &mut problems) {
        Some(document) if problems.is_empty() => Ok(document),
        _ => Err(problems),
    }
}

/// Reads one YAML document as far as it can be read, and adds what is wrong with it to `problems`.
///
/// Only text that is not YAML at all, or over a limit, gives nothing; then there is a problem that says so. Otherwise what
/// was refused stands in the tree as a [broken](Node::is_broken) node, or is left out.
pub fn read(file: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Document> {
    let source = Arc::new(Source::new(file, text));
    let root = builder::tree(&source, problems)?;
    Some(Document { root, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::limits::{DEPTH, FILE, NODES};

    fn read(text: &str) -> Document {
        document("f.yaml", text).unwrap_or_else(|problems| panic!("{text:?}: {problems:?}"))
    }

    /// The first thing that is refused.
    fn refused(text: &str) -> Problem {
        match document("f.yaml", text).map_err(|problems| problems.into_iter().next()) {
            Err(Some(problem)) => problem,
            _ => panic!("accepted {:?}", text.get(..80).unwrap_or(text)),
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
            ("a: [1\nb: 2", "yaml-syntax", 1, 4),
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
    fn everything_that_is_refused_is_told_at_once_and_the_rest_is_read() {
        let text = "a: &x {c: 1, c: 2}\nb: *x\n<<: *x\nd: *expired*\ne: !t [é\u{200e}, \"\\e\"]\n? [f, g: {h: 1, h: 2}]\n: 1\n\
                    a: {i: 3}\n---\nz: 1\n---\ny: 1\n";
        let mut problems = Vec::new();
        let document = super::read("f.yaml", text, &mut problems).expect("a tree");
        problems.sort_by_key(|problem| problem.span.start);
        let told: Vec<_> = problems.iter().map(|p| (p.code, p.line, p.column)).collect();
        let expected = [
            ("anchor", 1, 4),
            ("duplicate-key", 1, 14),
            ("alias", 2, 4),
            ("merge-key", 3, 1),
            ("alias", 4, 4),
            ("tag", 5, 4),
            ("control-character", 5, 9),
            ("control-character", 5, 13),
            ("complex-key", 6, 3),
            ("duplicate-key", 8, 1),
            ("many-documents", 9, 1),
        ];
        assert_eq!(told, expected);
        let first = problems.get(1).and_then(|problem| problem.also.first().cloned());
        assert_eq!(
            first.map(|also| (text.get(also.span), also.label)),
            Some((Some("c"), "first here".to_owned()))
        );
        let root = document.root();
        let scalar = |path: &[&str]| root.at(path).and_then(Node::scalar);
        assert_eq!((scalar(&["a", "c"]), scalar(&["a", "i"])), (Some("1"), Some("3")));
        let seen =
            root.get("e").map(|list| list.one_or_more().iter().filter_map(Node::scalar).collect::<Vec<_>>());
        assert_eq!(seen, Some(vec!["é", ""]));
        assert!(root.has_gaps() && root.get("b").is_some_and(Node::is_broken) && root.get("z").is_none());
    }

    #[test]
    fn a_file_is_told_no_more_than_it_can_use() {
        let twice = |count: usize| "a: 1\n".repeat(count + 1);
        assert_eq!(document("f.yaml", &twice(50)).map_err(|problems| problems.len()).err(), Some(50));
        assert_eq!(document("f.yaml", &twice(5_000)).map_err(|problems| problems.len()).err(), Some(100));
        assert_eq!(
            document("f.yaml", &"\0".repeat(5_000)).map_err(|problems| problems.len()).err(),
            Some(100)
        );
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
            let items = document.root().at(&["list"]).map_or(&[][..], Node::items);
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

    /// Every span lies in the text, holds its children, and every character of a scalar has its byte inside; only the blank
    /// lines at both ends of a block stand around it.
    fn sound(node: &Node, text: &str) {
        let span = node.span();
        assert!(text.get(span.clone()).is_some(), "{span:?} of {text:?}");
        if let Some(scalar) = node.scalar() {
            for at in 0..=scalar.len() {
                let byte = node.byte_in_file(at);
                let is_blank = |text: Option<&str>| text.is_some_and(|text| text.trim().is_empty());
                let (said_before, said_behind) = (scalar.get(..at), scalar.get(at..));
                let before = is_blank(said_before) && is_blank(text.get(byte..span.start));
                let behind = is_blank(said_behind) && is_blank(text.get(span.end..byte));
                assert!(
                    text.is_char_boundary(byte)
                        && ((span.start..=span.end).contains(&byte) || before || behind),
                    "{at} in {text:?}"
                );
            }
        }
        let entries = node.entries().iter().flat_map(|(key, value)| [key, value]);
        for child in entries.chain(node.items()) {
            assert!(span.start <= child.span().start, "{:?} in {span:?} of {text:?}", child.span());
            sound(child, text);
        }
    }

    /// Nothing panics, and every span lies in the text.
    fn read_or_refused(text: &str) {
        match document("f.yaml", text) {
            Ok(document) => sound(document.root(), text),
            Err(problems) => {
                assert!(!problems.is_empty(), "{text:?}");
                for problem in problems {
                    assert!(text.get(problem.span.clone()).is_some(), "{problem} in {text:?}");
                }
                if let Some(rest) = super::read("f.yaml", text, &mut Vec::new()) {
                    sound(rest.root(), text);
                }
            }
        }
    }

    #[test]
    fn a_block_at_the_margin_keeps_its_place() {
        for text in [
            ">\n<< ",
            ">\r\n: \n",
            "|\n<< ",
            "|\r\n: \n",
            ">\n: ",
            ">\r\n<< \r\n",
            ">-\na \t\n\n",
            "|+\na \n\n",
        ] {
            read_or_refused(text);
            // Blanks at its end are content, so it ends behind them.
            let block = read(text);
            let (node, said) = (block.root(), block.root().scalar().unwrap_or_default());
            for behind in [said.trim_end_matches('\n').len(), said.len()] {
                assert_eq!(node.byte_in_file(behind), node.span().end, "behind the last blank of {text:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r#"([ab:\[\]{},'"|>\\\-?#é&*!~%]| |: |- |\n|\r\n|\n  |\n    |\t|<<|\\n){0,60}"#) {
            read_or_refused(&text);
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
