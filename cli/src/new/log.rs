//! The beginning of a log, taken apart: records of paths and texts, whatever its format.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use etiolog::{Expand, Timestamp};
use serde_json::Value;

use crate::exit::Stop;
use crate::inputs::reason;
use crate::new::shapes::{self, Shapes};

/// How much of a log is looked at.
const BYTES: u64 = 8 << 20;
const RECORDS: usize = 50_000;

/// Objects inside objects are followed so deep.
const DEPTH: usize = 6;

/// One record: what stands at each path.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) values: BTreeMap<String, Cell>,
    /// Not known yet of JSON, where any path may hold it.
    pub(super) time: Option<Timestamp>,
}

/// A value and what kind it was in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(String),
    Number(String),
    Flag(bool),
}

impl Cell {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Flag(true) => "true",
            Self::Flag(false) => "false",
        }
    }
}

/// What a log looks like.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) name: String,
    pub(super) records: Vec<Record>,
    pub(super) format: LogFormat,
    /// The text that was looked at.
    pub(super) text: String,
}

#[derive(Clone, Debug)]
pub(super) enum LogFormat {
    /// JSON Lines, or the key of the envelopes that hold the records.
    Json(Option<String>),
    Text(Shapes),
}

/// Looks at the beginning of a log; gzip and zstd are read as they are.
pub(super) fn read(path: &Path) -> Result<Log, Stop> {
    let shown = path.display();
    let unreadable = |why: std::io::Error| Stop::Usage(format!("cannot read `{shown}`: {}", reason(&why)));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    Expand::new(file).take(BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.is_empty() {
        return Err(Stop::Usage(format!("`{shown}` is empty; leave out --from, or name a log with records")));
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    // The last line may be cut.
    if bytes.len() as u64 == BYTES
        && let Some(end) = text.rfind('\n')
    {
        text.truncate(end);
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("log").to_owned();
    let found = json(&text).or_else(|| {
        let (records, shapes) = shapes::read(&text, RECORDS)?;
        Some((records, LogFormat::Text(shapes)))
    });
    let (records, format) = found.ok_or_else(|| {
        Stop::Usage(format!(
            "`{shown}` is neither JSON nor lines with a time and year that can be read; leave out --from and \
             describe it in inputs/log.yaml"
        ))
    })?;
    Ok(Log { name, records, format, text })
}

/// The records, when at least half of what stands there is JSON objects.
fn json(text: &str) -> Option<(Vec<Record>, LogFormat)> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(RECORDS).collect();
    let parsed: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let objects = parsed.iter().filter(|value| value.is_object() || value.is_array()).count();
    let whole = if objects * 2 > lines.len() {
        parsed
    } else {
        serde_json::Deserializer::from_str(text).into_iter().map_while(Result::ok).collect()
    };
    let mut envelope = None;
    let mut records = Vec::new();
    for value in &whole {
        let items: Vec<&Value> = match value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(map) => match map.iter().find(|(_, inside)| is_list_of_objects(inside)) {
                Some((key, Value::Array(items))) if map.len() <= 3 => {
                    envelope = envelope.or_else(|| Some(key.clone()));
                    items.iter().collect()
                }
                _ => vec![value],
            },
            _ => continue,
        };
        for item in items.into_iter().filter(|item| item.is_object()) {
            let mut record = Record::default();
            flatten("", item, DEPTH, &mut record.values);
            records.push(record);
        }
    }
    records.truncate(RECORDS);
    (!records.is_empty()).then_some((records, LogFormat::Json(envelope)))
}

fn is_list_of_objects(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
}

/// Puts every value under its path; JSON inside text is looked into as inputs do.
fn flatten(path: &str, value: &Value, depth: usize, into: &mut BTreeMap<String, Cell>) {
    match value {
        Value::Object(map) if depth > 0 => {
            for (key, inside) in map.iter().filter(|(key, _)| !key.is_empty() && !key.contains('.')) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, inside, depth - 1, into);
            }
        }
        Value::String(text) => {
            let inside = text.trim_start().starts_with('{').then(|| serde_json::from_str::<Value>(text).ok());
            match inside.flatten() {
                Some(inside) if inside.is_object() => flatten(path, &inside, depth.saturating_sub(1), into),
                _ if text.is_empty() => {}
                _ => drop(into.insert(path.to_owned(), Cell::Text(text.clone()))),
            }
        }
        Value::Number(number) => drop(into.insert(path.to_owned(), Cell::Number(number.to_string()))),
        Value::Bool(flag) => drop(into.insert(path.to_owned(), Cell::Flag(*flag))),
        Value::Object(_) | Value::Array(_) | Value::Null => {}
    }
}
