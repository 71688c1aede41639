//! What the paths of a log mean: the time, whom a record is about, how bad it is, what happened.
//!
//! Guesses, made the same way each time; the files that are written say where to look again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etiolog::Timestamp;
use etiolog::input::ReadFrom;
use etiolog::rule::Plan;

use crate::exit::Stop;
use crate::new::log::{Cell, Log, LogFormat, Record, time_at};
use crate::new::shapes::{LEVELS, unique};
use crate::new::stamp::{self, Form};

/// A path with more different texts does not name a kind.
const KINDS: usize = 24;
/// So many paths become fields.
const FIELDS: usize = 12;
/// So many classes are proposed.
const CLASSES: usize = 6;
/// So many events make the first symptom.
pub(super) const TIMES: usize = 3;

const SUBJECTS: [&str; 20] = [
    "device", "client", "machine", "host", "node", "sensor", "unit", "pump", "meter", "gateway", "vehicle",
    "station", "instance", "pod", "server", "user", "account", "source", "resource", "id",
];
const WORDS: [&str; 10] =
    ["word", "event", "op", "operation", "action", "type", "kind", "state", "status", "category"];
const CODES: [&str; 6] = ["code", "errno", "error", "result", "reason", "status"];
const BAD: [&str; 22] = [
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
];
const BAD_LEVELS: [&str; 10] =
    ["error", "err", "severe", "crit", "critical", "fatal", "alert", "emerg", "panic", "failure"];

/// A path that becomes a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) path: String,
    /// The word after `as:`, when it is not text.
    pub(super) kind: Option<&'static str>,
}

/// A class of events, by its conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) name: String,
    /// Fields and values as YAML writes them, in braces.
    pub(super) conditions: String,
    pub(super) count: usize,
}

/// Everything that was guessed.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    pub(super) time: (String, Form),
    /// The level of subjects, and the path that names one; none when the log names none.
    pub(super) level: String,
    pub(super) subject: Option<String>,
    pub(super) fields: Vec<Field>,
    /// Paths that every record has.
    pub(super) always: BTreeSet<String>,
    /// The conditions of a problem event.
    pub(super) problem: String,
    /// Most frequent first; never empty.
    pub(super) classes: Vec<Class>,
    pub(super) within: Duration,
    pub(super) records: usize,
    /// Whether the values are made up, because there was no log.
    pub(super) made_up: bool,
}

/// What is known of one path.
#[derive(Default)]
struct Stats {
    count: usize,
    values: BTreeMap<String, usize>,
    numbers: usize,
    flags: usize,
    times: BTreeMap<(&'static str, bool), usize>,
}

impl Stats {
    fn repeats(&self) -> bool {
        self.values.len() * 2 <= self.count
    }

    fn is_kind(&self) -> bool {
        self.values.len() <= KINDS && self.repeats() && self.values.keys().all(|value| value.len() <= 80)
    }

    fn is_integer(&self) -> bool {
        self.values.keys().all(|value| value.parse::<i64>().is_ok_and(|n| n.to_string() == *value))
    }
}

impl Roles {
    /// The roles of a log that nobody has shown.
    pub(super) fn of_nothing() -> Self {
        let field = |name: &str, path: &str, kind| Field { name: name.into(), path: path.into(), kind };
        Self {
            time: ("time".into(), Form { format: "rfc3339", utc: false }),
            level: "device".into(),
            subject: Some("device".into()),
            fields: vec![field("word", "event", None), field("code", "code", Some("code"))],
            always: BTreeSet::new(),
            problem: "{word: failure}".into(),
            classes: vec![Class { name: "failure".into(), conditions: "{word: failure}".into(), count: 0 }],
            within: Duration::from_secs(3_600),
            records: 0,
            made_up: true,
        }
    }

    /// What the first article is called.
    pub(super) fn article_id(&self) -> String {
        let name = self.classes.first().map_or("example", |class| &*class.name);
        if self.made_up {
            "example".to_owned()
        } else {
            name.strip_prefix("code-").unwrap_or(name).to_owned()
        }
    }

    /// What was guessed, a line each.
    pub(super) fn account(&self) -> String {
        if self.made_up {
            return String::new();
        }
        let subject = self
            .subject
            .as_deref()
            .map_or("nothing: the log names none".to_owned(), |path| format!("`{path}`"));
        let classes: Vec<String> =
            self.classes.iter().map(|class| format!("{} ({})", class.name, class.count)).collect();
        format!(
            "looked at {} records: time in `{}` ({}), {} in {subject}, problems are {}\nevents: {}\n",
            self.records,
            self.time.0,
            self.time.1.format,
            self.level,
            self.problem,
            classes.join(", ")
        )
    }
}

/// Guesses what the paths of a log mean.
pub(super) fn find(log: &Log) -> Roles {
    let stats = measure(&log.records);
    let time = match &log.format {
        LogFormat::Text(shapes) => ("time".to_owned(), shapes.time.clone()),
        LogFormat::Json(_) => time_path(&stats, log.records.len()),
    };
    let subject = best(&stats, |path, stats| subject_score(path, stats, &time.0));
    let level = subject.as_deref().map_or_else(|| "system".to_owned(), level_of);
    let mut taken: BTreeSet<String> = [level.clone()].into();
    let mut wanted: Vec<(&String, &Stats)> = stats
        .iter()
        .filter(|(path, stats)| **path != time.0 && Some(*path) != subject.as_ref() && stats.is_kind())
        .collect();
    // Those that say more come first when there are too many, and the order of paths decides the rest.
    wanted.sort_by_key(|(path, stats)| {
        std::cmp::Reverse(
            hint(path, &WORDS).max(hint(path, &CODES)).max(usize::from(is_level(path, stats)) * 20),
        )
    });
    wanted.truncate(FIELDS);
    wanted.sort_by_key(|(path, _)| path.as_str());
    let fields: Vec<Field> = wanted
        .into_iter()
        .map(|(path, stats)| Field {
            name: unique(&field_name(path), &mut taken),
            path: path.clone(),
            kind: match () {
                () if stats.flags == stats.count => Some("boolean"),
                () if stats.is_integer() => Some("code"),
                () if stats.numbers == stats.count => Some("number"),
                () => None,
            },
        })
        .collect();
    let always =
        stats.iter().filter(|(_, stats)| stats.count == log.records.len()).map(|(path, _)| path.clone());
    let mut roles = Roles {
        time,
        level,
        subject,
        fields,
        always: always.collect(),
        made_up: false,
        records: log.records.len(),
        ..Roles::of_nothing()
    };
    classify(&mut roles, &log.records, &stats);
    roles
}

/// The same with the fields that a pack has already.
pub(super) fn in_pack(plan: &Plan, log: Option<&Log>) -> Result<Roles, Stop> {
    let schema = plan.schema();
    let innermost = schema.levels().checked_sub(1).and_then(|at| schema.level_field(at));
    let level = innermost.map_or("device", |id| schema.name(id)).to_owned();
    let mut roles = Roles { level, ..Roles::of_nothing() };
    let mapping = plan.inputs().first();
    let paths = mapping.into_iter().flat_map(|mapping| &mapping.fields).filter_map(|(name, field)| {
        let ReadFrom::Paths(paths) = &field.from else { return None };
        Some((name.to_string(), paths.first()?.to_string()))
    });
    let paths: Vec<(String, String)> = paths.collect();
    roles.subject = paths.iter().find(|(name, _)| *name == roles.level).map(|(_, path)| path.clone());
    let others: Vec<&(String, String)> =
        paths.iter().filter(|(name, _)| schema.level(name).is_none()).collect();
    let Some(log) = log else {
        // A field that the pack knows, with a value to be filled in.
        if let Some((name, _)) =
            others.iter().find(|(name, _)| hint(name, &WORDS) + hint(name, &CODES) > 0).or(others.first())
        {
            roles.classes =
                vec![Class { name: "failure".into(), conditions: format!("{{{name}: fill-in}}"), count: 0 }];
        }
        return Ok(roles);
    };
    if matches!(log.format, LogFormat::Text(_)) {
        return Err(Stop::Usage(format!(
            "`{}` is a text log, which the pack's own templates take apart; leave out --from",
            log.name
        )));
    }
    let stats = measure(&log.records);
    roles.time = time_path(&stats, log.records.len());
    roles.fields = others
        .into_iter()
        .filter(|(_, path)| stats.contains_key(path))
        .map(|(name, path)| {
            let of = mapping.and_then(|mapping| mapping.field(name));
            let code = of.is_some_and(|field| field.kind == etiolog::input::As::Code);
            Field { name: name.clone(), path: path.clone(), kind: code.then_some("code") }
        })
        .collect();
    roles.made_up = false;
    roles.records = log.records.len();
    classify(&mut roles, &log.records, &stats);
    Ok(roles)
}

fn measure(records: &[Record]) -> BTreeMap<String, Stats> {
    let mut stats: BTreeMap<String, Stats> = BTreeMap::new();
    for (path, cell) in records.iter().flat_map(|record| &record.values) {
        let stats = stats.entry(path.clone()).or_default();
        stats.count += 1;
        stats.numbers += usize::from(matches!(cell, Cell::Number(_)));
        stats.flags += usize::from(matches!(cell, Cell::Flag(_)));
        *stats.values.entry(cell.text().to_owned()).or_default() += 1;
        if let Some((form, _)) = stamp::of(cell.text()) {
            *stats.times.entry((form.format, form.utc)).or_default() += 1;
        }
    }
    stats
}

/// The path of the time: the one whose values are times in nearly all records, by its name if there are more.
fn time_path(stats: &BTreeMap<String, Stats>, records: usize) -> (String, Form) {
    const NAMES: [&str; 6] = ["time", "timestamp", "ts", "at", "date", "stamp"];
    let form = |stats: &Stats| {
        stats
            .times
            .iter()
            .max_by_key(|(_, count)| **count)
            .map(|(&(format, utc), &n)| (Form { format, utc }, n))
    };
    let path = best(stats, |path, stats| {
        let (_, times) = form(stats)?;
        (times * 10 >= records * 9).then(|| 10 + hint(path, &NAMES) * 10 - path.matches('.').count().min(5))
    });
    let found = path.and_then(|path| {
        let (form, _) = form(stats.get(&path)?)?;
        Some((path, form))
    });
    found.unwrap_or(Roles::of_nothing().time)
}

/// The path with the highest score; of equal ones the first.
fn best(stats: &BTreeMap<String, Stats>, score: impl Fn(&str, &Stats) -> Option<usize>) -> Option<String> {
    let mut best: Option<(usize, &String)> = None;
    for (path, stats) in stats {
        if let Some(score) = score(path, stats)
            && best.is_none_or(|(known, _)| score > known)
        {
            best = Some((score, path));
        }
    }
    best.map(|(_, path)| path.clone())
}

/// Names that recur: the more different ones the better, and a telling name counts most.
fn subject_score(path: &str, stats: &Stats, time: &str) -> Option<usize> {
    let spread = usize::try_from(stats.values.len().ilog2()).unwrap_or(0);
    let hinted = hint(path, &SUBJECTS);
    let fraction = stats.values.keys().any(|value| value.contains('.') && value.parse::<f64>().is_ok());
    let likely = path != time
        && stats.repeats()
        && stats.times.is_empty()
        && stats.flags == 0
        && !fraction
        && !is_level(path, stats)
        && hint(path, &WORDS) == 0
        && (hinted > 0 || stats.values.len() > KINDS.min(3) && stats.numbers == 0);
    likely.then(|| hinted * 10 + spread)
}

/// How telling the last part of a path is: the earlier in the list the better, 0 if it is not in it.
fn hint(path: &str, names: &[&str]) -> usize {
    let last = field_name(path);
    let parts: Vec<&str> = last.split('_').collect();
    let at = names.iter().position(|name| {
        parts.contains(name) || last.len() > name.len() && name.len() > 3 && last.starts_with(name)
    });
    at.map_or(0, |at| names.len() - at)
}

fn is_level(path: &str, stats: &Stats) -> bool {
    const NAMES: [&str; 4] = ["level", "severity", "lvl", "priority"];
    let known = stats.values.keys().filter(|value| LEVELS.contains(&&*value.to_ascii_lowercase())).count();
    stats.values.len() <= 12 && (known * 2 > stats.values.len() || known > 0 && hint(path, &NAMES) > 0)
}

/// Finds the problem events, their classes, and a window in which some subject shows the first class.
fn classify(roles: &mut Roles, records: &[Record], stats: &BTreeMap<String, Stats>) {
    let of = |field: &Field| stats.get(&field.path);
    let values = |field: &Field, wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        of(field)
            .into_iter()
            .flat_map(|stats| stats.values.keys())
            .filter(|value| wanted(value))
            .cloned()
            .collect()
    };
    let bad_level = |value: &str| BAD_LEVELS.contains(&&*value.to_ascii_lowercase());
    let bad_word = |value: &str| BAD.iter().any(|bad| slug(value).contains(bad));
    let rarest = |field: &Field| -> Vec<String> {
        let least = of(field).and_then(|stats| stats.values.iter().min_by_key(|(_, count)| **count));
        least.map(|(value, _)| vec![value.clone()]).unwrap_or_default()
    };
    let leveled = |field: &&Field| of(field).is_some_and(|stats| is_level(&field.path, stats));
    let by = |names: &'static [&'static str]| {
        let mut fields: Vec<&Field> =
            roles.fields.iter().filter(|field| hint(&field.path, names) > 0).collect();
        fields.sort_by_key(|field| std::cmp::Reverse(hint(&field.path, names)));
        fields
    };
    let level = roles.fields.iter().find(leveled).map(|field| (field, values(field, &bad_level)));
    let words = by(&WORDS);
    let word = words.iter().map(|field| (*field, values(field, &bad_word)));
    let any = roles.fields.iter().map(|field| (field, values(field, &bad_word)));
    let least = words.first().copied().or(roles.fields.first()).map(|field| (field, rarest(field)));
    let chosen = level.into_iter().chain(word).chain(any).chain(least).find(|(_, values)| !values.is_empty());
    let Some((chosen, bad)) = chosen.map(|(field, bad)| (field.clone(), bad)) else {
        let name = &roles.level;
        roles.problem = format!("{{{name}: {{there: true}}}}");
        roles.classes =
            vec![Class { name: "record".into(), conditions: roles.problem.clone(), count: records.len() }];
        return;
    };
    let is_bad = |record: &Record| {
        record.values.get(&chosen.path).is_some_and(|cell| bad.iter().any(|bad| bad == cell.text()))
    };
    let listed: Vec<String> = bad.iter().map(|value| scalar(value, chosen.kind)).collect();
    let one = |value: &str| format!("{}: {}", chosen.name, value);
    let condition = match &listed[..] {
        [value] => one(value),
        many => one(&format!("[{}]", many.join(", "))),
    };
    // What tells the problem events apart: a field that they have and others have not, or one that names kinds.
    let (ill, well): (Vec<&Record>, Vec<&Record>) = records.iter().partition(|record| is_bad(record));
    let has = |records: &[&Record], path: &str| {
        records.iter().filter(|record| record.values.contains_key(path)).count()
    };
    let telling = |field: &Field| {
        let (with, without) = (has(&ill, &field.path), has(&well, &field.path));
        if with * 10 < ill.len() * 9 || leveled(&field) {
            return 0;
        }
        let only = if without * 10 <= well.len() { 100 } else { 0 };
        let integer = usize::from(field.kind == Some("code")) * 3;
        // Answers of HTTP are coarse: a code of the log's own says more.
        let is_http = |value: &String| value.parse().is_ok_and(|n: u16| (100..600).contains(&n));
        let coarse = of(field).is_some_and(|stats| stats.values.keys().all(is_http));
        let hints = hint(&field.path, &CODES) * 2 + hint(&field.path, &WORDS);
        only + integer + if coarse { 1 } else { hints }
    };
    let kind = roles
        .fields
        .iter()
        .rev()
        .max_by_key(|field| telling(field))
        .filter(|field| telling(field) > 0)
        .cloned();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &ill {
        let value = kind.as_ref().and_then(|field| record.values.get(&field.path));
        *counts.entry(value.map_or("", Cell::text)).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    let mut taken = BTreeSet::new();
    let classes = counts.iter().take(CLASSES).map(|&(value, count)| {
        let (name, conditions) = match &kind {
            Some(field) if !value.is_empty() && field.name != chosen.name => {
                (class_name(value), format!("{{{condition}, {}: {}}}", field.name, scalar(value, field.kind)))
            }
            Some(field) if !value.is_empty() => {
                (class_name(value), format!("{{{}: {}}}", field.name, scalar(value, field.kind)))
            }
            _ => ("problem".to_owned(), format!("{{{condition}}}")),
        };
        Class { name: unique(&name, &mut taken).replace('_', "-"), conditions, count }
    });
    let classes = classes.collect();
    let first = counts.first().map(|(value, _)| (*value).to_owned());
    let of_first: Vec<&Record> = ill
        .into_iter()
        .filter(|record| {
            let value = kind.as_ref().and_then(|field| record.values.get(&field.path));
            Some(value.map_or("", Cell::text)) == first.as_deref()
        })
        .collect();
    roles.within = window(&of_first, roles);
    roles.problem = format!("{{{condition}}}");
    roles.classes = classes;
}

/// The shortest of a few windows in which some subject has enough of these events.
fn window(records: &[&Record], roles: &Roles) -> Duration {
    let mut times: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
    for record in records {
        let whom = roles.subject.as_ref().and_then(|path| record.values.get(path)).map_or("", Cell::text);
        times.entry(whom).or_default().extend(time_at(record, &roles.time.0));
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
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("code-{name}") }
}

/// Lower-case words joined by `-`, at most 40 characters.
pub(super) fn slug(text: &str) -> String {
    let mut out = String::new();
    let mut lower_before = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && lower_before {
                out.push('-');
            }
            lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
            lower_before = false;
        }
    }
    out.truncate(40);
    out.trim_end_matches('-').to_owned()
}

/// The name of the field for a path: its last part, in small letters.
fn field_name(path: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    let name = slug(last).replace('-', "_");
    match &*name {
        "" => "field".to_owned(),
        // A key of classes of events.
        "where" => "where_".to_owned(),
        name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("n{name}"),
        _ => name,
    }
}

/// What kind of thing a path names: `device` of `deviceId`.
fn level_of(path: &str) -> String {
    let name = field_name(path);
    let bare = name.strip_suffix("_id").or(name.strip_suffix("_name")).unwrap_or(&name);
    let bare = bare.strip_suffix("id").filter(|bare| bare.len() >= 4).unwrap_or(bare);
    if bare == "id" { "thing".to_owned() } else { bare.to_owned() }
}

/// A value as YAML writes it in a condition.
fn scalar(value: &str, kind: Option<&str>) -> String {
    let plain = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&&*value.to_ascii_lowercase());
    let number = kind == Some("code") && value.parse::<i64>().is_ok_and(|n| n.to_string() == value);
    if plain || number || kind == Some("boolean") { value.to_owned() } else { quoted(value) }
}

/// Text between quotes, as YAML writes it.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().any(char::is_control) {
        return serde_json::to_string(text).unwrap_or_default();
    }
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_what_stands_there() {
        let table = [
            ("deviceId", "device_id"),
            ("a.b.resultType", "result_type"),
            ("HTTPCode", "httpcode"),
            ("9", "n9"),
        ];
        for (path, name) in table {
            assert_eq!(field_name(path), name);
        }
        for (path, level) in
            [("deviceId", "device"), ("host", "host"), ("id", "thing"), ("x.clientid", "client")]
        {
            assert_eq!(level_of(path), level);
        }
        assert_eq!(slug("Device Connection-closed!"), "device-connection-closed");
    }

    #[test]
    fn values_are_quoted_where_yaml_would_read_something_else() {
        for (value, kind, yaml) in [
            ("Error", None, "Error"),
            ("no", None, "'no'"),
            ("404", None, "'404'"),
            ("404", Some("code"), "404"),
            ("it's", None, "'it''s'"),
            ("a\nb", None, "\"a\\nb\""),
        ] {
            assert_eq!(scalar(value, kind), yaml);
        }
    }
}
