//! How a template is spelt: `{name}`, `{name:kind}`, `{}` for text that does not matter, `{{` and `}}` for braces.

use smol_str::SmolStr;

use crate::error::Problem;
use crate::input::TimeMapping;
use crate::input::text::template::{Capture, Kind, Literal, MAX_CAPTURES, Template};
use crate::yaml::Node;

/// The kinds by their words.
const KINDS: [(&str, Kind); 3] = [("integer", Kind::Integer), ("number", Kind::Number), ("word", Kind::Word)];

const CODE: &str = "bad-template";

/// A piece of a template, and where it stands.
enum Piece {
    Text(String),
    Capture { name: Option<SmolStr>, kind: Kind, at: usize },
}

/// Reads the template that a node spells. What is captured as the time is a stamp, unless it is given a kind.
pub(super) fn read(node: &Node, time: &TimeMapping) -> Result<Template, Problem> {
    let text = node.text()?;
    if text.is_empty() {
        return Err(node.problem(CODE, "an empty template fits nothing"));
    }
    if text.ends_with(|c: char| c.is_ascii_whitespace()) {
        let at = text.trim_ascii_end().len();
        let message = "blanks at the end of a line are cut off: a template that ends with one never fits";
        return Err(node.problem_at(at, CODE, message));
    }
    let mut template = Template::default();
    let mut text_before = String::new();
    for piece in pieces(node, text, time)? {
        match piece {
            Piece::Text(text) => text_before = text,
            Piece::Capture { name, kind, at } => {
                let behind = std::mem::take(&mut text_before);
                if template.captures.len() == MAX_CAPTURES {
                    let message = format!("a template captures at most {MAX_CAPTURES} texts");
                    return Err(node.problem_at(at, "too-many", message));
                }
                match template.captures.last_mut() {
                    None => template.start = behind.into_bytes().into(),
                    Some(_) if behind.is_empty() => {
                        let message = "nothing stands between this capture and the one before it";
                        let help = "without text between them nobody can tell where the first one ends";
                        return Err(node.problem_at(at, CODE, message).with_help(help));
                    }
                    Some(last) => last.until = Some(Literal::new(&behind)),
                }
                if let Some(name) = &name
                    && template.captures.iter().any(|capture| capture.name.as_ref() == Some(name))
                {
                    let message = format!("`{name}` is captured twice");
                    return Err(node.problem_at(at, "duplicate-name", message));
                }
                template.captures.push(Capture { name, kind, until: None });
            }
        }
    }
    let last = text_before.into_bytes().into();
    if template.captures.is_empty() {
        template.start = last;
    } else {
        template.end = last;
    }
    Ok(template)
}

/// `template = *( text / capture )`
fn pieces(node: &Node, whole: &str, time: &TimeMapping) -> Result<Vec<Piece>, Problem> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut at = 0;
    while let Some(rest) = whole.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find(['{', '}']).unwrap_or(rest.len());
        text.push_str(rest.get(..plain).unwrap_or_default());
        at += plain;
        let rest = rest.get(plain..).unwrap_or_default();
        if let Some(brace) = ["{{", "}}"].into_iter().find(|brace| rest.starts_with(brace)) {
            text.push_str(brace.get(..1).unwrap_or_default());
            at += 2;
        } else if rest.starts_with('{') {
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            let Some(len) = rest.find('}') else {
                let problem = node.problem_at(at, CODE, "this `{` is not closed");
                return Err(problem.with_help("a brace of the log itself is written twice: `{{`"));
            };
            let (name, kind) = capture(node, at + 1, rest.get(1..len).unwrap_or_default(), time)?;
            pieces.push(Piece::Capture { name, kind, at });
            at += len + 1;
        } else if !rest.is_empty() {
            let problem = node.problem_at(at, CODE, "this `}` closes nothing");
            return Err(problem.with_help("a brace of the log itself is written twice: `}}`"));
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// `capture = "{" [ name [ ":" kind ] ] "}"`, without its braces.
fn capture(
    node: &Node,
    at: usize,
    inside: &str,
    time: &TimeMapping,
) -> Result<(Option<SmolStr>, Kind), Problem> {
    let (name, word) = match inside.split_once(':') {
        Some((name, word)) => (name, Some(word)),
        None => (inside, None),
    };
    if !name.is_empty() && !is_name(name) {
        let message = format!("`{name}` cannot name a capture");
        let help = "a name is made of letters, digits, `-` and `_` and begins with a letter; a brace of the log itself \
                    is written twice: `{{`";
        return Err(node.problem_at(at, CODE, message).with_help(help));
    }
    let name = (!name.is_empty()).then(|| SmolStr::new(name));
    let kind = match word {
        Some(word) => {
            let found = KINDS.iter().find(|(known, _)| *known == word);
            found.map(|(_, kind)| kind.clone()).ok_or_else(|| {
                let at = at + inside.len() - word.len();
                let problem = node.problem_at(at, "unknown-word", format!("`{word}` is no kind of capture"));
                problem.with_help(format!(
                    "expected one of: {}; without a kind it is any text",
                    KINDS.map(|(word, _)| word).join(", ")
                ))
            })?
        }
        None if name.as_ref().is_some_and(|name| time.from.contains(name)) => {
            Kind::Stamp(time.format.clone(), time.zone)
        }
        None => Kind::Text,
    };
    Ok((name, kind))
}

/// Whether this can name a capture.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
