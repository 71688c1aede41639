//! Lines of text grouped by their shape, each shape a template for an input of `format: text`.

use std::collections::{BTreeMap, BTreeSet};

use crate::new::head;
use crate::new::log::{Cell, Record};
use crate::new::roles::slug;
use crate::new::stamp::Form;

/// So many shapes become templates; rarer ones are left out.
const SHAPES: usize = 12;
/// A template holds at most so many captures.
const CAPTURES: usize = 12;
/// From so many different words in one place on, the place varies.
const VARIES: usize = 3;
/// A message of more words and marks gets no template.
const LONGEST: usize = 80;

/// What the lines of a log have in common, and the shapes of the rest.
#[derive(Clone, Debug)]
pub(super) struct Shapes {
    pub(super) time: Form,
    /// The template of the head.
    pub(super) head: String,
    /// Whether lines without a head go on with the one before.
    pub(super) continued: bool,
    /// Narrowest first.
    pub(super) lines: Vec<Shape>,
    /// How many lines have none of these shapes.
    pub(super) others: usize,
}

/// One kind of message.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) template: String,
    pub(super) word: String,
    pub(super) count: usize,
    literal: usize,
}

/// A word of a message: what stands for sure, or the text of something that varies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Fixed(String),
    /// What stands before and behind it in the same word: `(code=`, `)`.
    Varies(String, String),
}

impl Part {
    fn varying(word: &str) -> Self {
        let (before, _, behind) = affixes(word);
        Self::Varies(before.to_owned(), behind.to_owned())
    }
}

/// The words that tell how bad a line is.
pub(super) const LEVELS: [&str; 18] = [
    "trace",
    "debug",
    "info",
    "information",
    "notice",
    "warn",
    "warning",
    "error",
    "err",
    "severe",
    "crit",
    "critical",
    "fatal",
    "alert",
    "emerg",
    "panic",
    "verbose",
    "failure",
];

/// The records of a text log: lines with a time, and what their shapes capture.
pub(super) fn read(text: &str, most: usize) -> Option<(Vec<Record>, Shapes)> {
    let lines: Vec<&str> =
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).take(most).collect();
    let head = head::read(&lines)?;
    let (mut records, mut messages) = (Vec::new(), Vec::new());
    for line in head.lines {
        records.push(line.record);
        messages.push(pieces(&line.message).into_iter().map(str::to_owned).collect::<Vec<_>>());
    }
    let shapes = group(&messages);
    let mut taken = BTreeSet::new();
    let mut kept: Vec<(Vec<Part>, Shape, Vec<Option<String>>)> = Vec::new();
    // A shape that says nothing for sure would take the lines of all others.
    for (parts, count) in
        shapes.iter().filter(|(parts, _)| parts.len() <= LONGEST && says(parts)).take(SHAPES)
    {
        let Some(sample) = messages.iter().find(|message| fits(parts, message)) else { continue };
        let (template, names, literal) = spell(parts, sample, &head.names);
        let word = unique(&word_of(parts), &mut taken).replace('_', "-");
        kept.push((parts.clone(), Shape { template, word, count: *count, literal }, names));
    }
    for (record, message) in records.iter_mut().zip(&messages) {
        let Some((_, shape, names)) = kept.iter().find(|(parts, ..)| fits(parts, message)) else { continue };
        record.values.insert("word".to_owned(), Cell::Text(shape.word.clone()));
        for (word, name) in message.iter().zip(names) {
            if let Some(name) = name {
                let (_, core, _) = affixes(word);
                record.values.insert(name.clone(), Cell::Text(core.to_owned()));
            }
        }
    }
    let mut lines: Vec<Shape> = kept.into_iter().map(|(_, shape, _)| shape).collect();
    let others = messages.len() - lines.iter().map(|shape| shape.count).sum::<usize>();
    lines.sort_by_key(|shape| std::cmp::Reverse(shape.literal));
    let shapes = Shapes { time: head.time, head: head.template, continued: head.continued, lines, others };
    Some((records, shapes))
}

/// Whether a shape holds something for sure, and no more captures than a template may have.
fn says(parts: &[Part]) -> bool {
    if parts.iter().filter(|part| matches!(part, Part::Varies(..))).count() > CAPTURES {
        return false;
    }
    parts.iter().any(|part| match part {
        Part::Fixed(word) => word.contains(char::is_alphanumeric),
        Part::Varies(before, behind) => !before.is_empty() && !behind.is_empty(),
    })
}

/// The words of a text, and the marks between them; what stands in double quotes is one word.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_mark = |c: char| " ;|\t".contains(c);
        let end = if is_mark(c) {
            c.len_utf8()
        } else {
            let mut quoted = false;
            let closed = |at: usize| rest.get(at + 1..).is_some_and(|rest| rest.contains('"'));
            let end = rest.char_indices().find(|&(at, c)| {
                if c == '"' && (quoted || closed(at)) {
                    quoted = !quoted;
                }
                is_mark(c) && !quoted
            });
            end.map_or(rest.len(), |(at, _)| at)
        };
        let (word, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        out.push(word);
        rest = tail;
    }
    out
}

/// Messages by shape, the most frequent first.
fn group(messages: &[Vec<String>]) -> Vec<(Vec<Part>, usize)> {
    let mut shapes: BTreeMap<Vec<Part>, usize> = BTreeMap::new();
    for message in messages {
        let parts = message
            .iter()
            .map(|word| if varies(word) { Part::varying(word) } else { Part::Fixed(word.clone()) });
        *shapes.entry(parts.collect()).or_default() += 1;
    }
    // Shapes that differ in one place only, in many ways, are one shape. The first word tells them apart.
    let longest = shapes.keys().map(Vec::len).max().unwrap_or(0).min(LONGEST);
    for place in 1..longest {
        let mut families: BTreeMap<Vec<Part>, Vec<Vec<Part>>> = BTreeMap::new();
        for parts in shapes.keys().filter(|parts| place < parts.len()) {
            let mut family = parts.clone();
            if let Some(part) = family.get_mut(place)
                && let Part::Fixed(word) = part
                && !is_mark(word)
            {
                *part = Part::varying(word);
            }
            families.entry(family).or_default().push(parts.clone());
        }
        for (family, members) in families.into_iter().filter(|(_, members)| members.len() >= VARIES) {
            let count: usize = members.iter().filter_map(|member| shapes.remove(member)).sum();
            *shapes.entry(family).or_default() += count;
        }
    }
    let mut shapes: Vec<_> = shapes.into_iter().collect();
    shapes.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    shapes
}

fn is_mark(word: &str) -> bool {
    matches!(word, " " | ";" | "|" | "\t")
}

/// Whether a word is of the event and not of its kind: it has a digit, or stands in quotes.
fn varies(word: &str) -> bool {
    let (_, core, _) = affixes(word);
    core.chars().any(|c| c.is_ascii_digit()) || word.starts_with(['"', '\'']) && word.len() > 2
}

fn fits(parts: &[Part], message: &[String]) -> bool {
    parts.len() == message.len()
        && parts.iter().zip(message).all(|(part, word)| match part {
            Part::Fixed(fixed) => fixed == word,
            Part::Varies(..) => *part == Part::varying(word),
        })
}

/// What stands before and behind the varying part of a word: `(code=17),` is `(code=`, `17`, `),`.
pub(super) fn affixes(word: &str) -> (&str, &str, &str) {
    let start = word.find('=').filter(|_| !word.starts_with('"')).map_or(0, |at| at + 1);
    let (key, value) = word.split_at_checked(start).unwrap_or(("", word));
    let core = value.trim_start_matches(|c: char| "([{<\"'#".contains(c));
    let before = key.len() + value.len() - core.len();
    let inner = core.trim_end_matches(|c: char| ")]}>\"',.;:!?".contains(c));
    (word.get(..before).unwrap_or_default(), inner, word.get(before + inner.len()..).unwrap_or_default())
}

/// The template of a shape, the name of the capture of each part, and how much of it is literal.
fn spell(
    parts: &[Part],
    sample: &[String],
    columns: &BTreeSet<String>,
) -> (String, Vec<Option<String>>, usize) {
    let mut taken = columns.clone();
    taken.extend(["level", "word"].map(str::to_owned));
    let (mut template, mut names, mut captures, mut literal) = (String::new(), Vec::new(), 0, 0);
    let mut before: Option<&str> = None;
    for (part, word) in parts.iter().zip(sample) {
        match part {
            Part::Fixed(word) => {
                literal += word.len();
                template.push_str(&braces(word));
                names.push(None);
                before = if is_mark(word) { before } else { Some(word) };
            }
            Part::Varies(start, end) => {
                literal += start.len() + end.len();
                let (_, core, _) = affixes(word);
                let is_request = core.rsplit_once(' ').is_some_and(|(_, last)| last.starts_with("HTTP/"));
                let key = start.split_once('=').map(|(key, _)| key);
                let name = if is_request { "request".to_owned() } else { name_after(key.or(before)) };
                let name = (captures < CAPTURES).then(|| unique(&name, &mut taken));
                template.push_str(&braces(start));
                template.push_str(&format!("{{{}}}", name.as_deref().unwrap_or_default()));
                template.push_str(&braces(end));
                names.push(name);
                captures += 1;
                before = is_request.then_some("status");
            }
        }
    }
    (template, names, literal)
}

/// What the word before a varying text calls it; small words call it nothing.
fn name_after(before: Option<&str>) -> String {
    const SMALL: [&str; 17] = [
        "a", "an", "as", "at", "by", "for", "from", "in", "is", "of", "on", "the", "to", "with", "was",
        "and", "after",
    ];
    let word = before.map(slug).unwrap_or_default().replace('-', "_");
    if word.is_empty() || word.len() > 20 || !word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return "value".to_owned();
    }
    if SMALL.contains(&&*word) { format!("{word}_what") } else { word }
}

/// A name for the kind of message, of its first fixed words.
fn word_of(parts: &[Part]) -> String {
    let fixed = parts.iter().filter_map(|part| match part {
        Part::Fixed(word) => Some(slug(word)),
        Part::Varies(..) => None,
    });
    let words: Vec<String> = fixed.filter(|word| !word.is_empty()).take(4).collect();
    if words.is_empty() { "line".to_owned() } else { words.join("-") }
}

pub(super) fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

/// Braces of the log itself are written twice in a template.
pub(super) fn braces(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_grouped_by_shape_and_captures_named_after_the_word_before() {
        let log = "1772612525: New client connected from 10.0.0.1:5000 as pump-1 (p2, c1).\n\
                   1772612526: New client connected from 10.0.0.2:5001 as pump-2 (p2, c1).\n\
                   1772612527: Client alpha disconnected.\n\
                   1772612528: Client beta disconnected.\n\
                   1772612529: Client gamma disconnected.\n";
        let (records, shapes) = read(log, 100).unwrap_or_else(|| unreachable!());
        assert_eq!(shapes.head, "{time}: {message}");
        let templates: Vec<_> =
            shapes.lines.iter().map(|shape| (shape.count, &*shape.template, &*shape.word)).collect();
        assert_eq!(
            templates,
            [
                (
                    2,
                    "New client connected from {from_what} as {as_what} ({value}, {value_2}).",
                    "new-client-connected-from"
                ),
                (3, "Client {client} disconnected.", "client-disconnected"),
            ]
        );
        let client = records.get(2).and_then(|record| record.values.get("client"));
        assert_eq!(client, Some(&Cell::Text("alpha".into())));
    }

    #[test]
    fn a_level_that_all_lines_have_is_in_the_head() {
        let log =
            "[2026-03-04 08:22:05] [INFO] pump 7 started\n[2026-03-04 08:22:06] [ERROR] pump 7 tripped\n";
        let (records, shapes) = read(log, 100).unwrap_or_else(|| unreachable!());
        assert_eq!(shapes.head, "[{time}] [{level:word}] {message}");
        assert_eq!(shapes.time, Form { format: "rfc3339", utc: true });
        assert!(records.iter().all(|record| record.values.contains_key("level")));
    }
}
