//! What all lines of a text log begin with: the time, and the columns before and behind it.

use std::collections::{BTreeMap, BTreeSet};

use etiolog::Timestamp;

use crate::new::log::{Cell, Record};
use crate::new::roles::slug;
use crate::new::shapes::{LEVELS, affixes, braces, pieces, unique};
use crate::new::stamp::{self, Form};

/// So many columns before the message are told apart.
const COLUMNS: usize = 6;
/// A prefix of more words is no row of columns.
const PREFIX: usize = 24;

/// The template of the head, and what it leaves of each line.
pub(super) struct Head {
    pub(super) time: Form,
    pub(super) template: String,
    /// The names of the columns.
    pub(super) names: BTreeSet<String>,
    pub(super) lines: Vec<Line>,
    /// Whether some lines have no head: they go on with the line before.
    pub(super) continued: bool,
}

/// A line with a head: what stands in its columns, and its message.
pub(super) struct Line {
    pub(super) record: Record,
    pub(super) message: String,
}

/// A line on the way: what is not yet taken apart.
struct Rest<'t> {
    record: Record,
    text: &'t str,
}

/// Finds the head that nearly all lines have.
pub(super) fn read(lines: &[&str]) -> Option<Head> {
    let found: Vec<_> = lines.iter().filter_map(|line| Some((*line, stamp::in_line(line)?))).collect();
    let mut forms: Vec<(&Form, usize)> = Vec::new();
    for (_, (form, ..)) in &found {
        match forms.iter_mut().find(|(known, _)| *known == form) {
            Some((_, count)) => *count += 1,
            None => forms.push((form, 1)),
        }
    }
    let (form, count) = forms.into_iter().max_by_key(|&(_, count)| count)?;
    // Traces of programs are longer than their lines; prose has a time now and then.
    if count * 10 < lines.len() {
        return None;
    }
    let form = form.clone();
    let timed = found.into_iter().filter(|(_, (known, ..))| *known == form);
    let timed: Vec<(Timestamp, &str, &str)> = timed
        .filter_map(|(line, (_, time, start, end))| Some((time, line.get(..start)?, line.get(end..)?)))
        .collect();
    let mut names: BTreeSet<String> = ["message", "more", "time", "word"].map(str::to_owned).into();
    let (mut template, timed) = prefix(timed, &mut names)?;
    let gap = |text: &str| run(text, |c| !c.is_alphanumeric() && !"[\"{".contains(c)).0;
    let usual = most(timed.iter().map(|(_, _, after)| gap(after)))?;
    template.push_str(&format!("{{time}}{}", braces(&usual)));
    let begun = timed.into_iter().filter(|(_, _, after)| gap(after) == usual);
    let mut rests: Vec<Rest<'_>> = begun
        .filter_map(|(time, values, after)| {
            let (_, taken) = run(after, |c| !c.is_alphanumeric() && !"[\"{".contains(c));
            let record = Record { values, time: Some(time) };
            Some(Rest { record, text: after.get(taken..)? })
        })
        .collect();
    if usual.is_empty() && rests.iter().any(|rest| !rest.text.starts_with('[')) {
        return None;
    }
    for _ in 0..COLUMNS {
        let Some(column) = Column::next(&rests, true) else { break };
        let name = unique(&column.name, &mut names);
        let kind = if name == "level" { ":word" } else { "" };
        template.push_str(&format!("{}{{{name}{kind}}}{}", braces(&column.open), braces(&column.close)));
        rests.retain_mut(|rest| {
            let Some((value, text)) = column.take(rest.text) else { return false };
            rest.record.values.insert(name.clone(), Cell::Text(value.to_owned()));
            rest.text = text;
            true
        });
    }
    template.push_str("{message}");
    let lines_of = |rest: Rest<'_>| Line { record: rest.record, message: rest.text.trim().to_owned() };
    let heads: Vec<Line> = rests.into_iter().map(lines_of).collect();
    let continued = heads.len() < lines.len();
    Some(Head { time: form, template, names, lines: heads, continued })
}

type Timed<'t> = (Timestamp, BTreeMap<String, Cell>, &'t str);

/// The columns before the time.
fn prefix<'t>(
    timed: Vec<(Timestamp, &str, &'t str)>,
    names: &mut BTreeSet<String>,
) -> Option<(String, Vec<Timed<'t>>)> {
    let usual = most(timed.iter().map(|(_, before, _)| pieces(before).len()))?;
    let rows: Vec<_> = timed.into_iter().map(|(time, before, after)| (time, pieces(before), after)).collect();
    let rows: Vec<_> = rows.into_iter().filter(|(_, words, _)| words.len() == usual).collect();
    let mut out: Vec<Timed<'t>> =
        rows.iter().map(|(time, _, after)| (*time, BTreeMap::new(), *after)).collect();
    let mut template = String::new();
    if usual > PREFIX {
        return None;
    }
    for place in 0..usual {
        let words: Vec<&str> = rows.iter().filter_map(|(_, words, _)| words.get(place).copied()).collect();
        let first = *words.first()?;
        if words.iter().all(|word| *word == first) {
            template.push_str(&braces(first));
            continue;
        }
        let (before, _, behind) = affixes(first);
        let alike = words.iter().all(|word| affixes(word).0 == before && affixes(word).2 == behind);
        let (before, behind) = if alike { (before, behind) } else { ("", "") };
        let cut = |word: &str| if alike { affixes(word).1.to_owned() } else { word.to_owned() };
        let values: Vec<String> = words.iter().map(|word| cut(word)).collect();
        let name = unique(&column_name(&values), names);
        template.push_str(&format!("{}{{{name}}}{}", braces(before), braces(behind)));
        for ((_, found, _), value) in out.iter_mut().zip(values) {
            found.insert(name.clone(), Cell::Text(value));
        }
    }
    Some((template, out))
}

/// A column behind the time, and the text around it.
struct Column {
    name: String,
    open: String,
    close: String,
}

impl Column {
    /// The next column that nine of ten lines have: a level, or something that recurs between marks. Between blanks it is
    /// one only when a level follows.
    fn next(rests: &[Rest<'_>], look_ahead: bool) -> Option<Self> {
        let open = if rests.iter().all(|rest| rest.text.starts_with('[')) { "[" } else { "" };
        let mut column = Self { name: String::new(), open: open.to_owned(), close: String::new() };
        let closes = rests.iter().filter_map(|rest| Some(cut(rest.text.strip_prefix(open)?)?.1));
        column.close = most(closes)?;
        let taken: Vec<(&str, &str)> = rests.iter().filter_map(|rest| column.take(rest.text)).collect();
        if taken.len() * 10 < rests.len() * 9 {
            return None;
        }
        let values: Vec<String> = taken.iter().map(|(value, _)| (*value).to_owned()).collect();
        let different: BTreeSet<&String> = values.iter().collect();
        let is_level = levels(&different);
        let hard = column.close.contains(['|', ';', '\t', ']'])
            || column.close.ends_with("- ")
            || column.close.ends_with(": ");
        let recurs = different.len() * 2 <= values.len() && different.iter().all(|value| value.len() <= 60);
        let followed = || {
            let rests: Vec<Rest<'_>> =
                taken.iter().map(|(_, text)| Rest { record: Record::default(), text }).collect();
            Self::next(&rests, false).is_some_and(|next| next.name == "level")
        };
        // The lines that have it not are likely those that matter.
        if !is_level && !(taken.len() == rests.len() && recurs && (hard || look_ahead && followed())) {
            return None;
        }
        column.name = if is_level { "level".to_owned() } else { column_name(&values) };
        Some(column)
    }

    /// The value in a line and what follows, when the line has the column.
    fn take<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let (value, close, rest) = cut(text.strip_prefix(&*self.open)?)?;
        (close == self.close && !rest.trim().is_empty()).then_some((value, rest))
    }
}

/// A word, the marks behind it with one blank for several, and what follows.
fn cut(text: &str) -> Option<(&str, String, &str)> {
    let ends = |&(at, c): &(usize, char)| {
        " ]|;\t".contains(c) || c == ':' && text.get(at + 1..).is_some_and(|rest| rest.starts_with(' '))
    };
    let (end, _) = text.char_indices().take(100).find(ends)?;
    let (value, tail) = text.split_at_checked(end)?;
    let (close, taken) = run(tail, |c| " ]|;\t[-:".contains(c));
    (!value.is_empty() && !value.contains('"')).then_some((value, close, tail.get(taken..)?))
}

/// The characters at the start that are of a kind, one blank for several, and how many bytes they are.
fn run(text: &str, kind: impl Fn(char) -> bool) -> (String, usize) {
    let mut out = String::new();
    let mut taken = 0;
    for c in text.chars().take_while(|&c| kind(c)) {
        taken += c.len_utf8();
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    (out, taken)
}

/// What comes most often, of equal ones the first in order.
fn most<T: Ord>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map(|(item, _)| item)
}

/// Whether these are the words by which a log says how bad a line is, be they only partly known.
fn levels(values: &BTreeSet<&String>) -> bool {
    let known = |value: &&&String| LEVELS.contains(&&*value.to_lowercase());
    values.len() <= 8
        && values.iter().any(|value| known(&value))
        && values.iter().all(|value| value.chars().all(char::is_alphabetic))
}

/// What a column holds, as far as its values tell.
fn column_name(values: &[String]) -> String {
    let all = |is: &dyn Fn(&str) -> bool| values.iter().all(|value| is(value));
    if all(&|value| value.split('.').count() == 4 && value.split('.').all(|part| part.parse::<u8>().is_ok()))
    {
        return "address".to_owned();
    }
    if all(&|value| value.contains('.') && !value.contains(|c: char| c.is_ascii_digit() || c == ' ')) {
        return "logger".to_owned();
    }
    // `worker` of `worker-1`, `worker-2`.
    let first = values.first().map_or("", String::as_str);
    let alike = values.iter().fold(first.len(), |n, value| {
        n.min(first.bytes().zip(value.bytes()).take_while(|(a, b)| a == b).count())
    });
    let stem = slug(first.get(..alike).unwrap_or_default().trim_end_matches(|c: char| !c.is_alphabetic()));
    let stem = stem.replace('-', "_");
    let numbered = all(&|value| value.contains(|c: char| c.is_ascii_digit()));
    if numbered && stem.len() >= 2 && stem.len() <= 20 { stem } else { "column".to_owned() }
}
