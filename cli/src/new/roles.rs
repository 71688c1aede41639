//! What the paths of a log mean: the time, whom a record is about, how bad it is, what happened.
//!
//! Guesses, made the same way each time; the files that are written say where to look again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etiolog::Timestamp;

use crate::new::log::{Cell, Log, LogFormat, Record};
use crate::new::shapes::{LEVELS, unique};
use crate::new::stamp::{self, Form};

/// A path with more different texts does not name a kind.
const KINDS: usize = 24;
/// So many paths become fields.
const FIELDS: usize = 12;
/// So many events make the first symptom.
pub(super) const TIMES: usize = 3;

const SUBJECTS: [&str; 20] = [
    "device", "client", "machine", "host", "node", "sensor", "unit", "pump", "meter", "gateway", "vehicle",
    "station", "instance", "pod", "server", "user", "account", "source", "resource", "id",
];
pub(super) const WORDS: [&str; 10] =
    ["word", "event", "op", "operation", "action", "type", "kind", "state", "status", "category"];
pub(super) const CODES: [&str; 6] = ["code", "errno", "error", "result", "reason", "status"];
/// What holds others: the outer level of two.
const OUTER: [&str; 20] = [
    "site",
    "plant",
    "hall",
    "station",
    "hub",
    "cluster",
    "zone",
    "region",
    "building",
    "floor",
    "namespace",
    "tenant",
    "customer",
    "factory",
    "line",
    "network",
    "location",
    "area",
    "group",
    "rack",
];

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
    /// A window in which some subject has enough of them.
    pub(super) within: Duration,
    /// What the class leaves out; none when the log shows nothing else.
    pub(super) others: Option<Others>,
}

/// Records of the log that are not of a class, by which a case shows what the class leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Others {
    pub(super) start: Timestamp,
    pub(super) records: Vec<String>,
}

/// Everything that was guessed.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    pub(super) time: (String, Form),
    /// The level of subjects, and the path that names one; none when the log names none.
    pub(super) level: String,
    pub(super) subject: Option<String>,
    /// The level around it, and its path.
    pub(super) outer: Option<(String, String)>,
    pub(super) fields: Vec<Field>,
    /// Paths that every record has.
    pub(super) always: BTreeSet<String>,
    /// The conditions of a problem event.
    pub(super) problem: String,
    /// Most frequent first; none when nothing tells one record from another.
    pub(super) classes: Vec<Class>,
    /// Whether most problem events name no subject.
    pub(super) nameless: bool,
    /// A field to be filled in, with two values that it could have.
    pub(super) blank: Option<(String, [String; 2])>,
    /// How many records stand there, and how many of them are read.
    pub(super) records: (usize, usize),
    /// Whether the values are made up, because there was no log.
    pub(super) made_up: bool,
}

/// What is known of one path.
#[derive(Default)]
pub(super) struct Stats {
    pub(super) count: usize,
    pub(super) values: BTreeMap<String, usize>,
    numbers: usize,
    flags: usize,
    times: BTreeMap<(&'static str, bool), usize>,
}

impl Stats {
    fn repeats(&self) -> bool {
        self.values.len() * 2 <= self.count
    }

    pub(super) fn is_kind(&self) -> bool {
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
        let start = Timestamp::parse("2026-01-05T00:00:00Z").unwrap_or(Timestamp::MIN);
        let record = r#"{"time": "2026-01-05T00:00:00Z", "device": "device-1", "event": "success"}"#;
        Self {
            time: ("time".into(), Form { format: "rfc3339", utc: false }),
            level: "device".into(),
            subject: Some("device".into()),
            outer: None,
            fields: vec![field("word", "event", None), field("code", "code", Some("code"))],
            always: BTreeSet::new(),
            problem: "{word: failure}".into(),
            classes: vec![Class {
                name: "failure".into(),
                conditions: "{word: failure}".into(),
                count: 0,
                within: Duration::from_secs(3_600),
                others: Some(Others { start, records: vec![record.to_owned()] }),
            }],
            nameless: false,
            blank: None,
            records: (0, 0),
            made_up: true,
        }
    }

    /// The same when subjects are not named where it matters: all is about one system.
    pub(super) fn without_subject(mut self) -> Self {
        self.level = "system".to_owned();
        (self.subject, self.outer) = (None, None);
        self
    }

    /// What the first article is called.
    pub(super) fn article_id(&self) -> String {
        match self.classes.first() {
            Some(class) if !self.made_up && class.others.is_some() => {
                class.name.strip_prefix("code-").unwrap_or(&class.name).to_owned()
            }
            _ => "example".to_owned(),
        }
    }

    /// What was guessed, a line each.
    pub(super) fn account(&self) -> String {
        if self.made_up {
            return String::new();
        }
        let named = |level: &str, path: &str| format!("{level} in `{path}`");
        let subject = match (&self.subject, &self.outer) {
            (None, _) => format!("one {} for all, because the log names none", self.level),
            (Some(path), None) => named(&self.level, path),
            (Some(path), Some((outer, outside))) => {
                format!("{}, {}", named(outer, outside), named(&self.level, path))
            }
        };
        let classes: Vec<String> =
            self.classes.iter().map(|class| format!("{} ({})", class.name, class.count)).collect();
        let (all, read) = self.records;
        let read = if read == all { String::new() } else { format!(", of which {read} are read") };
        let zone = if self.time.1.utc { ", taken for UTC" } else { "" };
        let events = if classes.is_empty() {
            "events: nothing tells one kind from another; fill in which records matter\n".to_owned()
        } else {
            format!("events: {}\n", classes.join(", "))
        };
        format!(
            "looked at {all} records{read}: time in `{}` ({}{zone}), {subject}, problems are {}\n{events}",
            self.time.0, self.time.1.format, self.problem
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
    let subject = best(&stats, |path, stats| subject_score(path, stats, &time.0, log.records.len()));
    let level = subject.as_deref().map_or_else(|| "system".to_owned(), level_of);
    let outer = subject.as_deref().and_then(|path| outer(&log.records, &stats, path, &time.0));
    let outer = outer.map(|path| (level_of(&path), path)).filter(|(name, _)| *name != level);
    let mut taken: BTreeSet<String> = [level.clone()].into();
    taken.extend(outer.iter().map(|(name, _)| name.clone()));
    let is_level_path = |path: &String| {
        subject.as_ref() == Some(path) || outer.as_ref().is_some_and(|(_, known)| known == path)
    };
    let mut wanted: Vec<(&String, &Stats)> = stats
        .iter()
        .filter(|(path, stats)| **path != time.0 && !is_level_path(path) && stats.is_kind())
        .collect();
    // Those that say more come first when there are too many, and the order of paths decides the rest.
    wanted.sort_by_key(|(path, stats)| {
        std::cmp::Reverse(
            hint(path, &WORDS).max(hint(path, &CODES)).max(usize::from(is_level(path, stats)) * 20),
        )
    });
    wanted.truncate(FIELDS);
    wanted.sort_by_key(|(path, _)| path.as_str());
    let mut fields: Vec<Field> = wanted
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
    if matches!(log.format, LogFormat::Text(_)) {
        let name = unique("message", &mut taken);
        fields.push(Field { name, path: "message".to_owned(), kind: None });
    } else if fields.is_empty() {
        // Something has to be there for the author to fill in.
        let name = unique("word", &mut taken);
        fields.push(Field { name, path: "word".to_owned(), kind: None });
    }
    let always =
        stats.iter().filter(|(_, stats)| stats.count == log.records.len()).map(|(path, _)| path.clone());
    Roles {
        time,
        level,
        subject: subject.clone(),
        outer: outer.clone(),
        fields,
        always: always.collect(),
        made_up: false,
        ..Roles::of_nothing()
    }
}

/// The path of what holds the subjects: each of them has one value there, and several share it.
fn outer(records: &[Record], stats: &BTreeMap<String, Stats>, subject: &str, time: &str) -> Option<String> {
    let subjects = stats.get(subject)?.values.len();
    let holds = |path: &str| {
        let mut holders: BTreeMap<&str, &str> = BTreeMap::new();
        records.iter().all(|record| {
            let pair = record.values.get(subject).zip(record.values.get(path));
            pair.is_none_or(|(inner, outer)| {
                *holders.entry(inner.text()).or_insert(outer.text()) == outer.text()
            })
        })
    };
    best(stats, |path, of| {
        let hinted = hint_of_any(path, &OUTER);
        let likely = hinted > 0 && path != time && path != subject && of.numbers + of.flags == 0;
        let wide = of.count == records.len() && of.values.len() >= 2 && of.values.len() * 2 <= subjects;
        (likely && wide && holds(path)).then_some(hinted)
    })
}

/// The same for a path one of whose last two parts tells: `site` of `site.name`.
fn hint_of_any(path: &str, names: &[&str]) -> usize {
    let parent = path.rsplit_once('.').map_or(0, |(parent, _)| hint(parent, names));
    hint(path, names).max(parent)
}

pub(super) fn measure(records: &[Record]) -> BTreeMap<String, Stats> {
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
fn subject_score(path: &str, stats: &Stats, time: &str, records: usize) -> Option<usize> {
    let spread = usize::try_from(stats.values.len().ilog2()).unwrap_or(0);
    let hinted = hint(path, &SUBJECTS);
    let fraction = stats
        .values
        .keys()
        .all(|value| value.contains(['.', ',']) && value.replace(',', ".").parse::<f64>().is_ok());
    let always = if stats.count * 10 >= records * 9 { 8 } else { 0 };
    let likely = path != time
        && path != "logger"
        && stats.repeats()
        && stats.times.is_empty()
        && stats.flags == 0
        && !fraction
        && !is_level(path, stats)
        && hint(path, &WORDS) == 0
        && (hinted > 0 || stats.values.len() > KINDS.min(3) && stats.numbers == 0);
    likely.then(|| hinted * 10 + spread + always)
}

/// How telling the last part of a path is: the earlier in the list the better, 0 if it is not in it.
pub(super) fn hint(path: &str, names: &[&str]) -> usize {
    let last = field_name(path);
    let parts: Vec<&str> = last.split('_').collect();
    let at = names.iter().position(|name| {
        parts.contains(name) || last.len() > name.len() && name.len() > 3 && last.starts_with(name)
    });
    at.map_or(0, |at| names.len() - at)
}

pub(super) fn is_level(path: &str, stats: &Stats) -> bool {
    const NAMES: [&str; 4] = ["level", "severity", "lvl", "priority"];
    let known = stats.values.keys().filter(|value| LEVELS.contains(&&*value.to_ascii_lowercase())).count();
    stats.values.len() <= 12 && (known * 2 > stats.values.len() || known > 0 && hint(path, &NAMES) > 0)
}

/// Lower-case words joined by `-`, at most 40 characters.
pub(super) fn slug(text: &str) -> String {
    let mut out = String::new();
    let mut lower_before = false;
    for c in text.chars().flat_map(plain) {
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

/// Letters of Europe without their marks, so that names stay readable.
fn plain(c: char) -> impl Iterator<Item = char> {
    const MARKED: [(&str, &str); 14] = [
        ("ä", "ae"),
        ("ö", "oe"),
        ("ü", "ue"),
        ("Ä", "AE"),
        ("Ö", "OE"),
        ("Ü", "UE"),
        ("ß", "ss"),
        ("áàâãå", "a"),
        ("éèêë", "e"),
        ("íìîï", "i"),
        ("óòôõø", "o"),
        ("úùû", "u"),
        ("ç", "c"),
        ("ñ", "n"),
    ];
    let known = MARKED.iter().find(|(marked, _)| marked.contains(c));
    let one = known.is_none().then_some(c);
    known.map_or("", |(_, plain)| plain).chars().chain(one)
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

/// What kind of thing a path names: `device` of `deviceId`, `robot` of `robot.id`.
fn level_of(path: &str) -> String {
    // Keys of what cases expect of a subject.
    const TAKEN: [&str; 8] = ["top", "near", "present", "absent", "unknown", "time", "where", "event"];
    let name = field_name(path);
    let bare = name.strip_suffix("_id").or(name.strip_suffix("_name")).unwrap_or(&name);
    let bare = bare.strip_suffix("id").filter(|bare| bare.len() >= 4).unwrap_or(bare);
    match path.rsplit_once('.') {
        Some((parent, _)) if bare == "id" || bare == "name" => level_of(parent),
        _ if bare == "id" || bare == "name" || TAKEN.contains(&bare) => "thing".to_owned(),
        _ => bare.to_owned(),
    }
}

/// A value as YAML writes it in a condition.
pub(super) fn scalar(value: &str, kind: Option<&str>) -> String {
    let number = kind == Some("code") && value.parse::<i64>().is_ok_and(|n| n.to_string() == value);
    let number = number || kind == Some("number") && value.parse::<f64>().is_ok_and(f64::is_finite);
    // A name of digits and x, such as 5xx, would be a family of numbers.
    if number || kind == Some("boolean") { value.to_owned() } else { yaml_name(value) }
}

/// A name as it stands, or in quotes when YAML would take it for something else.
pub(super) fn yaml_name(name: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && !WORDS.contains(&&*name.to_ascii_lowercase());
    if plain { name.to_owned() } else { quoted(name) }
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
        for (path, level) in [
            ("deviceId", "device"),
            ("host", "host"),
            ("id", "thing"),
            ("robot.id", "robot"),
            ("x.clientid", "client"),
        ] {
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
