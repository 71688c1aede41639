//! What is not YAML, in the words and at the place of the slip behind it: scanners notice late, and in their own terms.

use std::ops::Range;

use crate::error::Problem;
use crate::yaml::source::Source;

/// The problem behind a scanner's complaint at a byte; `open` is where the innermost unfinished list or mapping begins.
pub(super) fn problem(source: &Source, info: &str, at: usize, open: Option<usize>) -> Problem {
    let slip = tab(source, info, at)
        .or_else(|| not_closed(source, info, at, open))
        .or_else(|| no_colon(source, info, at))
        .or_else(|| uneven(source, info, at));
    slip.unwrap_or_else(|| {
        let problem = syntax(source, at..at, info.replace('\'', "`"));
        match help_for(info) {
            Some(help) => problem.with_help(help),
            None => problem,
        }
    })
}

fn syntax(source: &Source, span: Range<usize>, message: impl Into<String>) -> Problem {
    source.problem("yaml-syntax", span, message.into())
}

/// The line that holds a byte, without its end.
fn line_of(text: &str, at: usize) -> Range<usize> {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |len| start + len);
    start..end
}

fn tab(source: &Source, info: &str, at: usize) -> Option<Problem> {
    let text = &*source.text;
    let before = text.get(..at)?;
    if info.contains("must be followed by a valid YAML whitespace") {
        let blanks = before.len() - before.trim_end_matches([' ', '\t']).len();
        let span = at - blanks..at;
        let problem = syntax(source, span.clone(), "a tab stands behind the `:`");
        let has_tab = text.get(span.clone())?.contains('\t');
        return has_tab.then(|| problem.with_help("write a space").with_edit(span, " "));
    }
    if !info.contains("tab") {
        return None;
    }
    let mut start = line_of(text, at).start;
    for line in text.get(start..)?.split_inclusive('\n').take(50) {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indent)?.find('\t') {
            let problem = syntax(source, start + tab..start + indent, "a tab indents this line");
            return Some(problem.with_help("indent with spaces"));
        }
        start += line.len();
    }
    None
}

/// A bracket, a brace or a quote that is still open where the scanner stumbles.
fn not_closed(source: &Source, info: &str, at: usize, open: Option<usize>) -> Option<Problem> {
    let text = &*source.text;
    if info.contains("quoted scalar") || info.contains("unexpected end of stream") {
        let quote = text.get(at..)?.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let problem = syntax(source, at..at + 1, format!("the quote {quote} is not closed"));
        return Some(problem.with_help("close it at the end of the text"));
    }
    let open = open?;
    let first = text.get(open..)?.chars().next()?;
    let last = match first {
        '[' => ']',
        '{' => '}',
        _ => return None,
    };
    // What is closed on its own line has another fault.
    let line = text.get(open..line_of(text, open).end)?;
    let count = |wanted: char| line.chars().filter(|c| *c == wanted).count();
    if at <= open + line.len() && at < text.len() || count(first) <= count(last) {
        return None;
    }
    let problem = syntax(source, open..open + 1, format!("`{first}` is not closed"));
    let problem = problem.with_help(format!("write `{last}` where it ends"));
    Some(if at < text.len() { problem.with_also(at..at, "this cannot stand in it") } else { problem })
}

/// A line of which nobody knows whether it is a key.
fn no_colon(source: &Source, info: &str, at: usize) -> Option<Problem> {
    if !info.contains("simple key expect") {
        return None;
    }
    let text = &*source.text;
    let before = text.get(..line_of(text, at).start)?;
    let end = before.trim_end().len();
    let line = line_of(text, end);
    let words = text.get(line.start..end)?;
    let start = line.start + words.len() - words.trim_start().len();
    let words = words.trim();
    let problem = syntax(source, start..end, format!("`{words}` is no key with a value"));
    let key = words.split(|c: char| !(c.is_alphanumeric() || c == '-')).next().unwrap_or_default();
    let rest = words.get(key.len()..)?;
    match rest.strip_prefix(':') {
        Some(value) if !key.is_empty() && !value.is_empty() => {
            let behind = start + key.len() + 1;
            Some(problem.with_help("write a space behind the `:`").with_edit(behind..behind, " "))
        }
        _ if !key.is_empty() && !rest.trim().is_empty() => {
            Some(problem.with_help(format!("write `{key}: {}`", rest.trim())))
        }
        _ => Some(problem.with_help("write `key: value`")),
    }
}

/// A line that begins in a column in which no line of its mapping begins.
fn uneven(source: &Source, info: &str, at: usize) -> Option<Problem> {
    if !info.contains("did not find expected key") {
        return None;
    }
    let line = line_of(&source.text, at);
    let text = source.text.get(line.clone())?;
    let start = line.start + text.len() - text.trim_start().len();
    let message = "this line begins in another column than the others of its mapping";
    let problem = syntax(source, start..line.start + text.trim_end().len(), message);
    (start == at).then(|| problem.with_help("indent the lines of one mapping alike"))
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
