//! Which records matter: the problem events of a log, what tells them apart, and how often they come.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etiolog::Timestamp;
use etiolog::input::{As, Case, Mapping, ReadFrom};

use crate::new::decode::{Decoded, kind};
use crate::new::log::{Cell, Record};
use crate::new::roles::{
    CODES, Class, Field, Others, Roles, Stats, TIMES, WORDS, hint, is_level, measure, scalar, slug,
};
use crate::new::shapes::{LEVELS, unique};

/// So many classes are proposed.
const CLASSES: usize = 6;
/// A longer record does not go into a rule file.
const LONGEST: usize = 2_000;

const BAD: [&str; 25] = [
    "fail",
    "error",
    "drop",
    "refus",
    "denied",
    "timeout",
    "timed-out",
    "disconnect",
    "lost",
    "crash",
    "reject",
    "abort",
    "closed",
    "exceed",
    "alarm",
    "trip",
    "fault",
    "unreach",
    "unauthor",
    "invalid",
    "panic",
    "overload",
    "stall",
    "stuck",
    "broken",
];
const BAD_LEVELS: [&str; 10] =
    ["error", "err", "severe", "crit", "critical", "fatal", "alert", "emerg", "panic", "failure"];

/// A condition of a class: a field and the values that it may have.
#[derive(Clone)]
struct Term {
    field: Field,
    values: Vec<String>,
}

impl Term {
    fn holds(&self, record: &Record) -> Option<bool> {
        let cell = record.values.get(&self.field.path)?;
        Some(self.values.iter().any(|value| value == cell.text()))
    }

    fn written(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|value| scalar(value, self.field.kind)).collect();
        match &values[..] {
            [value] => format!("{}: {value}", self.field.name),
            many => format!("{}: [{}]", self.field.name, many.join(", ")),
        }
    }
}

fn braced(terms: &[&Term]) -> String {
    let terms: Vec<String> = terms.iter().map(|term| term.written()).collect();
    format!("{{{}}}", terms.join(", "))
}

/// The fields of an input that are about what happened, and not about whom.
fn fields(mapping: &Mapping, levels: &[&str]) -> Vec<Field> {
    let others = mapping.field_names().filter(|name| !levels.contains(name));
    let field =
        |name: &str| Field { name: name.to_owned(), path: name.to_owned(), kind: kind(mapping, name) };
    others.map(field).collect()
}

/// A field of an input that the author may fill in, and two values that it could have.
pub(super) fn blank(mapping: &Mapping, levels: &[&str], name: &str) -> Option<(String, [String; 2])> {
    let mut fields = fields(mapping, levels);
    fields.retain(|field| {
        let of = mapping.field(&field.name);
        of.is_some_and(|of| matches!(of.from, ReadFrom::Paths(_)))
    });
    fields.sort_by_key(|field| {
        let text = usize::from(field.kind.is_none()) * 100;
        std::cmp::Reverse(text + hint(&field.name, &WORDS) + hint(&field.name, &CODES))
    });
    let field = fields.into_iter().next()?;
    let of = mapping.field(&field.name)?;
    let values = match of.kind {
        As::Text | As::Code if of.case == Case::Upper => {
            [format!("FILL-IN-{name}"), format!("FILL-IN-{name}-OVER")]
        }
        As::Text | As::Code => [format!("fill-in-{name}"), format!("fill-in-{name}-over")],
        As::Integer | As::Number => ["900001".to_owned(), "900002".to_owned()],
        As::Boolean | As::Among(_) => ["true".to_owned(), "false".to_owned()],
    };
    let upper = of.case == Case::Upper;
    Some((field.name, values.map(|value| if upper { value.to_uppercase() } else { value.to_lowercase() })))
}

/// Finds the problem events, their classes, and a window in which some subject shows the first class.
pub(super) fn classify(roles: &mut Roles, mapping: &Mapping, levels: &[&str], decoded: &Decoded) {
    let records = &decoded.records;
    let stats = measure(records);
    roles.records = (decoded.read, records.len());
    roles.classes = Vec::new();
    let candidates = fields(mapping, levels);
    let mut known = candidates;
    known.retain(|field| {
        stats.get(&field.path).is_some_and(|stats| stats.is_kind() && stats.values.len() > 1)
    });
    let Some(chosen) = problem(&known, &stats) else {
        roles.problem = String::new();
        return;
    };
    roles.problem = braced(&[&chosen]);
    // Nobody can be told of what names no subject.
    let innermost = levels.last().copied().unwrap_or_default();
    let nameless = |record: &&Record| !record.values.contains_key(innermost);
    let (ill, well): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| chosen.holds(record) == Some(true));
    roles.nameless = ill.iter().filter(|record| nameless(record)).count() * 2 > ill.len();
    let apart = apart(&known, &stats, &ill, &well);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &ill {
        let value = apart.as_ref().and_then(|field| record.values.get(&field.path));
        *counts.entry(value.map_or("", Cell::text)).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    let mut taken = BTreeSet::new();
    for (value, count) in counts.into_iter().take(CLASSES) {
        let kind = apart.clone().filter(|_| !value.is_empty());
        let kind = kind.map(|field| Term { field, values: vec![value.to_owned()] });
        let all: Vec<&Term> = match &kind {
            Some(kind) if kind.field == chosen.field => vec![kind],
            Some(kind) => vec![&chosen, kind],
            None => vec![&chosen],
        };
        let (terms, others) = tell_apart(&all, decoded);
        let name = if kind.is_some() { class_name(value) } else { class_name(&chosen.values.join("-")) };
        let name = unique(&name, &mut taken).replace('_', "-");
        let terms = if terms.is_empty() { all } else { terms };
        let of_class = |record: &&Record| terms.iter().all(|term| term.holds(record) == Some(true));
        let within = window(&records.iter().filter(of_class).collect::<Vec<_>>(), levels);
        roles.classes.push(Class { name, conditions: braced(&terms), count, within, others });
    }
}

/// By which field and values problem events are known.
fn problem(known: &[Field], stats: &BTreeMap<String, Stats>) -> Option<Term> {
    let of = |field: &Field| stats.get(&field.path);
    let with = |field: &Field, wanted: &dyn Fn(&str) -> bool| {
        let all = of(field).into_iter().flat_map(|stats| stats.values.keys());
        let values: Vec<String> = all.filter(|value| wanted(value)).cloned().collect();
        // What all records are is no problem.
        let some = !values.is_empty() && of(field).is_some_and(|stats| values.len() < stats.values.len());
        some.then(|| Term { field: field.clone(), values })
    };
    let level = known.iter().find(|field| of(field).is_some_and(|stats| is_level(&field.path, stats)));
    let level = level.or(known.iter().find(|field| field.name == "level"));
    let bad_level = |value: &str| BAD_LEVELS.contains(&&*value.to_lowercase());
    // In another language: what is none of the known words.
    let foreign = |value: &str| !LEVELS.contains(&&*value.to_lowercase());
    let bad_word = |value: &str| BAD.iter().any(|bad| slug(value).contains(bad));
    let by = |names: &'static [&'static str]| {
        let mut fields: Vec<&Field> = known.iter().filter(|field| hint(&field.name, names) > 0).collect();
        fields.sort_by_key(|field| std::cmp::Reverse(hint(&field.name, names)));
        fields
    };
    let is_http = |value: &str, from: u16| value.parse().is_ok_and(|n: u16| (from..600).contains(&n));
    let answers = known.iter().filter(|field| {
        hint(&field.name, &CODES) > 0
            && of(field).is_some_and(|stats| stats.values.keys().all(|value| is_http(value, 100)))
    });
    let answers = || answers.clone();
    let rarest = |field: &&Field| {
        let least = of(field)?.values.iter().min_by_key(|(_, count)| **count)?.0.clone();
        Some(Term { field: (*field).clone(), values: vec![least] })
    };
    level
        .and_then(|field| with(field, &bad_level).or_else(|| with(field, &foreign)))
        .or_else(|| by(&WORDS).into_iter().find_map(|field| with(field, &bad_word)))
        .or_else(|| answers().find_map(|field| with(field, &|value| is_http(value, 500))))
        .or_else(|| answers().find_map(|field| with(field, &|value| is_http(value, 400))))
        .or_else(|| known.iter().find_map(|field| with(field, &bad_word)))
        .or_else(|| by(&WORDS).iter().find_map(&rarest))
        .or_else(|| known.iter().find_map(|field| rarest(&field)))
}

/// What tells problem events apart: a field that they have and others have not, or one that names kinds.
fn apart(
    known: &[Field],
    stats: &BTreeMap<String, Stats>,
    ill: &[&Record],
    well: &[&Record],
) -> Option<Field> {
    let has = |records: &[&Record], path: &str| {
        records.iter().filter(|record| record.values.contains_key(path)).count()
    };
    let telling = |field: &&Field| {
        let (with, without) = (has(ill, &field.path), has(well, &field.path));
        let of = stats.get(&field.path);
        if with * 10 < ill.len() * 9 || of.is_some_and(|stats| is_level(&field.path, stats)) {
            return 0;
        }
        let only = if without * 10 <= well.len() { 100 } else { 0 };
        let integer = usize::from(field.kind == Some("code")) * 3;
        // Answers of HTTP are coarse: a code of the log's own says more.
        let is_http = |value: &String| value.parse().is_ok_and(|n: u16| (100..600).contains(&n));
        let coarse = of.is_some_and(|stats| stats.values.keys().all(is_http));
        let hints = hint(&field.name, &CODES) * 2 + hint(&field.name, &WORDS);
        only + integer + if coarse { 1 } else { hints }
    };
    known.iter().rev().max_by_key(telling).filter(|field| telling(field) > 0).cloned()
}

/// The terms that do not hold of all records, and records of which they do not.
fn tell_apart<'t>(terms: &[&'t Term], decoded: &Decoded) -> (Vec<&'t Term>, Option<Others>) {
    let pairs = || decoded.records.iter().zip(&decoded.raw);
    let misses = |term: &Term, record: &Record| term.holds(record) == Some(false);
    let all = pairs()
        .find(|(record, raw)| terms.iter().all(|term| misses(term, record)) && one_line(raw).is_some());
    let mut kept = Vec::new();
    let mut found: Vec<(Timestamp, String)> = Vec::new();
    for term in terms {
        let one = || pairs().find(|(record, raw)| misses(term, record) && one_line(raw).is_some());
        let Some((record, raw)) = all.or_else(one) else { continue };
        kept.push(*term);
        let Some((time, line)) = record.time.zip(one_line(raw)) else { continue };
        if !found.iter().any(|(_, known)| *known == line) {
            found.push((time, line));
        }
    }
    let start = found.iter().map(|(time, _)| *time).min();
    let records = found.into_iter().map(|(_, line)| line).collect();
    (kept, start.map(|start| Others { start, records }))
}

/// A record as a line that fits into a rule file.
fn one_line(raw: &str) -> Option<String> {
    let line = if raw.contains('\n') {
        serde_json::from_str::<serde_json::Value>(raw).ok()?.to_string()
    } else {
        raw.to_owned()
    };
    let fits = line.len() <= LONGEST
        && !line.trim().is_empty()
        && !line.chars().any(|c| c.is_control() && c != '\t');
    fits.then_some(line)
}

/// The shortest of a few windows in which some subject has enough of these events.
fn window(records: &[&Record], levels: &[&str]) -> Duration {
    let mut times: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
    for record in records {
        let whom = levels.last().and_then(|level| record.values.get(*level)).map_or("", Cell::text);
        times.entry(whom).or_default().extend(record.time);
    }
    for times in times.values_mut() {
        times.sort();
    }
    let shows = |span: Duration| {
        times.values().any(|times| {
            let ends = times.iter().skip(TIMES - 1);
            times.iter().zip(ends).any(|(first, last)| last.since(*first) <= span)
        })
    };
    let windows = [5, 60, 12 * 60, 24 * 60].map(|minutes| Duration::from_secs(minutes * 60));
    windows.into_iter().find(|&span| shows(span)).unwrap_or(Duration::from_secs(3_600))
}

fn class_name(value: &str) -> String {
    let name = slug(value);
    match name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => name,
        false if name.is_empty() => "problem".to_owned(),
        false => format!("code-{name}"),
    }
}
