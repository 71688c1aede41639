//! One record as JSON: wherever `serde_json` reads an object, the same values are found at the same paths, and no record
//! is read another way for those that were read before it.

use std::sync::LazyLock;

use etiolog::input::{Cell, CellKind, Format, Framer, Framing, Json, Paths, Row};
use etiolog::model::Reject;
use serde_json::Value;

use super::framing::{cut, is_binary};

const WANTED: [&str; 11] = [
    "a",
    "a.b",
    "a.b.c",
    "b",
    "b.a",
    "t",
    "t.a",
    "t.a.b",
    "t.t.t.t.t.t",
    "é",
    "a key that has sixty-three bytes or more, so it is the longest.",
];

static PATHS: LazyLock<Paths> = LazyLock::new(|| {
    let mut paths = Paths::default();
    for path in WANTED {
        paths.intern(path);
    }
    paths
});

/// Brackets and JSON in strings of JSON may be nested this deep.
const MAX_DEPTH: u32 = 64;
const TEXT_LEVELS: u32 = 4;

/// Panics when a value is another than `serde_json` reads, a whole object is lost, or a row remembers too much.
pub fn run(data: &[u8]) {
    in_one_row(data);
    let mut row = Row::default();
    let decoded = Json.decode(data, &PATHS, &mut row);
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    if !value.is_object() {
        assert_eq!(decoded, Err(Reject::Malformed));
        return;
    }
    if depth(&value) > MAX_DEPTH {
        assert_eq!(decoded, Err(Reject::TooDeep));
        return;
    }
    assert_eq!(decoded, Ok(()));
    let mut sound = true;
    for (place, path) in WANTED.iter().enumerate() {
        let path: Vec<&str> = path.split('.').collect();
        match look(&value, &path, 0) {
            Look::Unsure => sound = false,
            Look::Missing => assert_eq!(row.get(place), None, "{path:?}"),
            Look::Found(value) => check(row.get(place), &value, &path),
        }
    }
    // A broken part makes a record partial, also when a later key of the same name replaces it.
    let quotes = |text: &[u8]| text.iter().filter(|&&byte| byte == b'"').count();
    sound &= quotes(value.to_string().as_bytes()) == quotes(data);
    assert!(!sound || !row.is_partial());
    if !is_binary(data) {
        let framer = Framer::new(Framing::JsonObjects, Framer::DEFAULT_LIMIT);
        let found = cut(&framer, Framer::DEFAULT_LIMIT, [data]);
        let records: Vec<&[u8]> = found.iter().filter_map(|found| found.what.as_deref().ok()).collect();
        assert_eq!(records, [data.trim_ascii()], "{found:?}");
    }
}

/// Reads each line, and again with another text in its strings, in the row of the lines before and in a new one.
fn in_one_row(data: &[u8]) {
    let mut warm = Row::default();
    for line in data.split(|&byte| byte == b'\n') {
        let other: Vec<u8> = line.iter().map(|&byte| if byte == b'b' { b'z' } else { byte }).collect();
        for record in [line, line, &other, line] {
            let mut cold = Row::default();
            let expect = Json.decode(record, &PATHS, &mut cold);
            assert_eq!(Json.decode(record, &PATHS, &mut warm), expect);
            if expect.is_ok() {
                assert_eq!(warm.is_partial(), cold.is_partial());
                for place in 0..WANTED.len() {
                    assert_eq!((warm.get(place), warm.has(place)), (cold.get(place), cold.has(place)));
                }
            }
        }
    }
}

fn check(cell: Option<&Cell>, value: &Value, path: &[&str]) {
    let Some(cell) = cell else { panic!("{path:?} is missing") };
    let (kind, text) = (cell.kind(), cell.text());
    let same = match value {
        Value::Null => false,
        Value::Bool(flag) => kind == CellKind::Bool && text == flag.to_string(),
        Value::Number(_) => {
            kind == CellKind::Number && serde_json::from_str::<Value>(text).is_ok_and(|t| t == *value)
        }
        Value::String(known) => kind == CellKind::Text && text == known,
        Value::Array(_) | Value::Object(_) => {
            kind == CellKind::Nested && serde_json::from_str::<Value>(text).is_ok_and(|t| t == *value)
        }
    };
    assert!(same, "{path:?}: {kind:?} {text:?} for {value}");
}

enum Look {
    Missing,
    Found(Value),
    /// A text that holds something like an object, but none that can be read: what is found in it is not promised.
    Unsure,
}

/// What stands at a path, through objects and through objects in text.
fn look(value: &Value, path: &[&str], level: u32) -> Look {
    match (value, path) {
        (Value::Null, []) => Look::Missing,
        (_, []) => Look::Found(value.clone()),
        (Value::Object(members), [key, rest @ ..]) => {
            members.get(*key).map_or(Look::Missing, |member| look(member, rest, level))
        }
        (Value::String(text), _) if text.trim_ascii_start().starts_with('{') => {
            match serde_json::from_str::<Value>(text) {
                Ok(inner) if level < TEXT_LEVELS && depth(&inner) <= MAX_DEPTH => {
                    look(&inner, path, level + 1)
                }
                _ => Look::Unsure,
            }
        }
        _ => Look::Missing,
    }
}

/// How deep the brackets of a value are nested.
pub(super) fn depth(value: &Value) -> u32 {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
