//! Problems of rules and articles, shown in their files for people or as JSON Lines for programs.
//!
//! ```text
//! error[unknown-key]: unknown key `wihtin`
//!   --> rules/pumps/trips.yaml:9:33
//!    |
//!  9 |     detect: {count: {event: trip, wihtin: 1h}}
//!    |                                   ^^^^^^ no such parameter
//!    |
//! help: did you mean `within`?
//!    |
//!  9 -     detect: {count: {event: trip, wihtin: 1h}}
//!  9 +     detect: {count: {event: trip, within: 1h}}
//!    |
//!
//! error: 1 problem in 1 file
//! ```
//!
//! Whatever stands in a file or in a message, a terminal shows it and never obeys it, and no line is shown further than
//! about the width asked for.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Patch, Renderer, Snippet};

use crate::error::{Edit, Problem};
use crate::output::excerpt::{Excerpt, Lines};
use crate::output::{Style, terminal, terminal_truncated, write_line};

/// The longest message, label or help that is shown, in columns.
const LONGEST: usize = 1_000;

/// Other places that are so many lines away are shown by themselves.
const NEARBY: usize = 6;

/// An edit over more lines than this is told and not shown.
const EDIT_LINES: usize = 12;

/// Columns that the line's number and the marks of a cut take.
const GUTTER: usize = 14;

/// The narrowest part of a line that is shown.
const NARROWEST: usize = 40;

/// Stands after a path that already ends in line and column: what is written behind it is taken out again. The position
/// in what is shown is not the position in the file.
const PLACED: char = '\u{1}';

/// All problems, each in its file, and how many there are.
///
/// Problems of one file stand together, in the order of their places; files stand in the order of their first problem.
/// Without problems the text is empty.
///
/// ```
/// use etiolog::{Problem, output};
///
/// let problem = Problem::of_file("missing-file", "pumps/pack.yaml", "there is no `pack.yaml`");
/// let text = output::problems::text(&[problem], output::Style::default());
/// assert!(text.starts_with("error[missing-file]: there is no `pack.yaml`\n--> pumps/pack.yaml\n"));
/// assert!(text.ends_with("error: 1 problem in 1 file\n"));
/// ```
pub fn text(problems: &[Problem], style: Style) -> String {
    let mut files: Vec<(&str, Vec<&Problem>)> = Vec::new();
    for problem in problems {
        match files.iter_mut().find(|(file, _)| *file == problem.file) {
            Some((_, known)) => known.push(problem),
            None => files.push((&problem.file, vec![problem])),
        }
    }
    let mut out = String::new();
    for (_, problems) in &mut files {
        problems.sort_by_key(|problem| problem.span.start);
        let mut read: Option<(&Arc<str>, Lines<'_>)> = None;
        for problem in problems.iter() {
            let lines = match read.take() {
                Some((text, lines)) if Arc::ptr_eq(text, &problem.text) => lines,
                _ => Lines::new(&problem.text),
            };
            show(problem, &lines, style, &mut out);
            out.push('\n');
            read = Some((&problem.text, lines));
        }
    }
    if !problems.is_empty() {
        let paint = if style.color { ("\x1b[1;91m", "\x1b[0m") } else { ("", "") };
        out.push_str(&format!("{}error{}: {}\n", paint.0, paint.1, count(problems)));
    }
    out
}

/// How many problems there are, in words: `3 problems in 2 files`.
pub fn count(problems: &[Problem]) -> String {
    let files: std::collections::BTreeSet<&str> = problems.iter().map(|problem| &*problem.file).collect();
    let many = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    format!("{} in {}", many(problems.len(), "problem"), many(files.len(), "file"))
}

/// All problems as JSON Lines, in the order given: `type` is `problem`, then `schema`, then the problem.
pub fn json(problems: &[Problem]) -> String {
    let mut out = Vec::new();
    for problem in problems {
        let written = write_line("problem", problem, &mut out);
        debug_assert!(written.is_ok(), "memory can be written, and a problem is a map");
    }
    String::from_utf8(out).unwrap_or_default()
}

/// One problem as a report of its own.
fn show(problem: &Problem, lines: &Lines<'_>, style: Style, out: &mut String) {
    let head = Level::ERROR.primary_title(safe(&problem.message)).id(problem.code);
    let width = style.width.saturating_sub(GUTTER).max(NARROWEST);
    let patch = problem.edit.as_ref().and_then(|edit| patch(edit, lines, width));
    let mut group = Group::with_title(head);
    if problem.text.is_empty() {
        group = group.element(Origin::path(safe(&problem.file)));
    } else {
        group = group.elements(places(problem, lines, width));
    }
    let mut report = Vec::new();
    match (&problem.help, patch) {
        (help, Some(patch)) => {
            let help = help.as_deref().map_or_else(|| "change it like this".to_owned(), safe);
            report.extend([group, Level::HELP.secondary_title(help).element(patch)]);
        }
        (Some(help), None) => report.push(group.element(Level::HELP.message(safe(help)))),
        (None, None) => report.push(group),
    }
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    // Excerpts are narrow already.
    let shown = renderer.term_width(usize::MAX / 4).render(&report);
    for line in shown.lines() {
        let mut parts = line.split(PLACED);
        out.push_str(parts.next().unwrap_or_default());
        parts
            .for_each(|part| out.push_str(part.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit())));
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
}

fn safe(text: &str) -> String {
    terminal_truncated(text, LONGEST).into_owned()
}

/// One place to be marked.
struct Mark<'a> {
    place: Range<usize>,
    kind: AnnotationKind,
    label: Option<&'a str>,
}

/// The place of the problem and the other places: those nearby in one excerpt, the others by themselves.
fn places<'a>(problem: &Problem, lines: &Lines<'_>, width: usize) -> Vec<Element<'a>> {
    let mark = |span, kind, label| Mark { place: lines.clamp(span), kind, label };
    let mut near = vec![mark(&problem.span, AnnotationKind::Primary, problem.label.as_deref())];
    let mut far = Vec::new();
    for also in &problem.also {
        let also = mark(&also.span, AnnotationKind::Context, Some(also.label.as_str()));
        let line = |mark: &Mark<'_>| lines.line_at(mark.place.start);
        let beside = near.iter().any(|known| line(known).abs_diff(line(&also)) <= NEARBY);
        if beside && excerpt(&near, Some(&also), lines, width).find(also.place.start).is_some() {
            near.push(also);
        } else {
            far.push(also);
        }
    }
    let place = format!("{}:{}:{}", safe(&problem.file), problem.line, problem.column);
    let mut elements = vec![snippet(&near, place, lines, width)];
    for also in far {
        let start = also.place.start;
        let place = format!("{}:{}:{}", safe(&problem.file), lines.line_at(start) + 1, lines.column(start));
        elements.push(snippet(&[also], place, lines, width));
    }
    elements
}

fn excerpt(marks: &[Mark<'_>], more: Option<&Mark<'_>>, lines: &Lines<'_>, width: usize) -> Excerpt {
    let places: Vec<Range<usize>> = marks.iter().chain(more).map(|mark| mark.place.clone()).collect();
    let rows = || places.iter().map(|place| lines.line_at(place.start));
    Excerpt::new(lines, rows().min().unwrap_or(0), rows().max().unwrap_or(0), &places, width)
}

fn snippet<'a>(marks: &[Mark<'_>], place: String, lines: &Lines<'_>, width: usize) -> Element<'a> {
    let excerpt = excerpt(marks, None, lines, width);
    let annotations: Vec<_> = marks
        .iter()
        .filter_map(|mark| {
            let span = excerpt.show(lines, &mark.place)?;
            Some(mark.kind.span(span).label(mark.label.map(safe)))
        })
        .collect();
    let source = Snippet::source(excerpt.shown).line_start(excerpt.first + 1);
    source.path(format!("{place}{PLACED}")).annotations(annotations).into()
}

/// The change that mends a problem, unless it is too large to be shown.
fn patch<'a>(edit: &Edit, lines: &Lines<'_>, width: usize) -> Option<Element<'a>> {
    let span = lines.clamp(&edit.span);
    let (first, last) = (lines.line_at(span.start), lines.line_at(span.end));
    if last - first >= EDIT_LINES || edit.text.len() > LONGEST || edit.text.lines().count() > EDIT_LINES {
        return None;
    }
    let excerpt = Excerpt::new(lines, first, last, std::slice::from_ref(&span), width);
    let place = excerpt.find(span.start)?..excerpt.find(span.end)?;
    let text: Vec<String> = edit.text.split('\n').map(as_shown).collect();
    Some(
        Snippet::source(excerpt.shown)
            .line_start(excerpt.first + 1)
            .patch(Patch::new(place, text.join("\n")))
            .into(),
    )
}

/// A line of new text in the form in which excerpts show lines.
fn as_shown(line: &str) -> String {
    let line = line.strip_suffix('\r').unwrap_or(line);
    line.split('\t').map(terminal).collect::<Vec<_>>().join("    ")
}

#[cfg(test)]
mod tests;
