//! A mapping made ready for one engine: only the fields that its schema has are read.

use std::borrow::Cow;
use std::sync::Arc;

use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use crate::input::{
    As, Case, Cell, CellKind, FieldMapping, Join, Mapping, Paths, ReadFrom, Row, StampFormat, Take, Zone,
};
use crate::model::{Event, FieldId, Reject, Schema, Timestamp, Value};

/// Fills events from decoded records.
#[derive(Clone, Debug)]
pub struct Mapper {
    paths: Paths,
    time: Vec<usize>,
    format: StampFormat,
    zone: Option<Zone>,
    only: Vec<(usize, Vec<SmolStr>)>,
    identity: Vec<usize>,
    fields: Vec<Field>,
    /// Fields of the schema that this input does not have.
    absent: Vec<FieldId>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// The event is filled.
    Event {
        /// Whether a part of the record could not be read and was left out.
        partial: bool,
    },
    /// `only` passes this record over.
    Skipped,
}

#[derive(Clone, Debug)]
struct Field {
    /// Where it stands in events; nowhere when it is only required.
    id: Option<FieldId>,
    required: bool,
    supply: Supply,
    mapping: FieldMapping,
    join: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Supply {
    Places(Vec<usize>),
    Constant(Value),
}

impl Mapper {
    /// Makes the mapping ready for events of this schema.
    pub fn new(mapping: &Mapping, schema: &Arc<Schema>) -> Self {
        let mut paths = Paths::default();
        let only = mapping.only.iter().map(|(path, values)| (paths.intern(path), values.clone())).collect();
        let mut places = |from: &[SmolStr]| from.iter().map(|path| paths.intern(path)).collect::<Vec<_>>();
        let time = places(&mapping.time.from);
        let identity = places(&mapping.identity);
        let mut fields = Vec::new();
        for (name, field) in &mapping.fields {
            let id = schema.id(name);
            let required = mapping.require.contains(name);
            if id.is_none() && !required {
                continue;
            }
            let supply = match &field.from {
                ReadFrom::Paths(from) => Supply::Places(places(from)),
                ReadFrom::Constant(value) => Supply::Constant(value.clone()),
            };
            let join = field.join.as_ref().map(|join| places(&join.from)).unwrap_or_default();
            fields.push(Field { id, required, supply, mapping: field.clone(), join });
        }
        let absent = schema.names().filter(|&name| mapping.field(name).is_none());
        let absent = absent.filter_map(|name| schema.id(name)).collect();
        Self {
            paths,
            time,
            format: mapping.time.format.clone(),
            zone: mapping.time.zone,
            only,
            identity,
            fields,
            absent,
        }
    }

    /// The paths that a decoder must look for, in the order of a [`Row`].
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Sets the time and all fields of `event` from a decoded record; its origin and identity are the caller's.
    ///
    /// A value that cannot be what the mapping says it is becomes missing, and the record partial.
    ///
    /// # Errors
    ///
    /// `NoTime`, `BadTime`, `TimeRange`, or `NoSubject` when a required field is missing. The event is then unspecified.
    pub fn map(&self, row: &Row, event: &mut Event) -> Result<Mapped, Reject> {
        let among = |(place, values): &(usize, Vec<SmolStr>)| {
            row.get(*place).is_some_and(|cell| is_among(cell, values))
        };
        if !self.only.iter().all(among) {
            return Ok(Mapped::Skipped);
        }
        event.set_time(self.time(row)?);
        let mut partial = row.is_partial();
        for field in &self.fields {
            let found = field.read(row).unwrap_or_else(|Unreadable| {
                partial = true;
                None
            });
            if found.is_none() && field.required {
                return Err(Reject::NoSubject);
            }
            if let Some(id) = field.id {
                store(event, id, found, field.mapping.case);
            }
        }
        for &id in &self.absent {
            event.set(id, None);
        }
        Ok(Mapped::Event { partial })
    }

    /// What tells a record from all that are not its repeats, if the input says what does and the record has it.
    pub fn identity(&self, row: &Row) -> Option<u64> {
        let mut whole = Vec::new();
        for &place in &self.identity {
            let text = row.get(place)?.text();
            whole.extend((text.len() as u64).to_le_bytes());
            whole.extend(text.as_bytes());
        }
        (!whole.is_empty()).then(|| xxh3_64(&whole))
    }

    fn time(&self, row: &Row) -> Result<Timestamp, Reject> {
        let cell = first(row, &self.time, false).ok_or(Reject::NoTime)?;
        match cell.kind() {
            CellKind::Text | CellKind::Number => self.format.parse(cell.text(), self.zone),
            CellKind::Missing | CellKind::Bool | CellKind::Nested => Err(Reject::BadTime),
        }
    }
}

/// A value on its way into an event.
enum Found<'r> {
    /// Text whose letters are still to be changed as the mapping says.
    Text(Cow<'r, str>),
    Value(Value),
}

/// A value that cannot be what the mapping says it is.
struct Unreadable;

impl Field {
    fn read<'r>(&'r self, row: &'r Row) -> Result<Option<Found<'r>>, Unreadable> {
        let mapping = &self.mapping;
        let cell = match &self.supply {
            Supply::Constant(value) => return Ok(Some(Found::Value(value.clone()))),
            Supply::Places(places) => first(row, places, mapping.keep_empty),
        };
        let Some(text) = cell.map(|cell| self.text(cell, row)) else { return Ok(None) };
        if text.is_empty()
            && !(mapping.keep_empty && matches!(mapping.kind, As::Text | As::Code | As::Among(_)))
        {
            return Ok(None);
        }
        let value = match &mapping.kind {
            As::Text => return Ok(Some(Found::Text(text))),
            As::Code => match code(&text) {
                Some(code) => Value::Int(code),
                None => return Ok(Some(Found::Text(text))),
            },
            As::Integer => Value::Int(integer(text.trim_ascii()).ok_or(Unreadable)?),
            As::Number => number(text.trim_ascii()).ok_or(Unreadable)?,
            As::Boolean => {
                let text = written(text, mapping.case);
                Value::Bool(boolean(text.trim_ascii()).ok_or(Unreadable)?)
            }
            As::Among(values) => {
                let text = written(text, mapping.case);
                Value::Bool(values.iter().any(|value| value.eq_ignore_ascii_case(&text)))
            }
        };
        Ok(Some(Found::Value(value)))
    }

    /// The text that counts: taken and joined.
    fn text<'r>(&self, cell: &'r Cell, row: &'r Row) -> Cow<'r, str> {
        let whole = cell.text();
        let mut text = Cow::Borrowed(match self.mapping.take {
            Take::Whole => whole,
            Take::LastSegment => whole.rsplit_once('/').map_or(whole, |(_, last)| last),
        });
        if let Some(Join { with, .. }) = &self.mapping.join
            && let Some(more) = first(row, &self.join, false)
        {
            text = Cow::Owned([&text, with.as_str(), more.text()].concat());
        }
        text
    }
}

/// Sets a field. Text that the event before had too is kept as it is, which saves its memory.
fn store(event: &mut Event, id: FieldId, found: Option<Found<'_>>, case: Case) {
    let value = match found {
        None => None,
        Some(Found::Value(value)) => Some(value),
        Some(Found::Text(text)) => {
            let before = event.field(id).and_then(Value::as_text);
            if before.is_some_and(|before| is_written(before, &text, case)) {
                return;
            }
            Some(Value::text(written(text, case)))
        }
    };
    event.set(id, value);
}

/// Text with its letters changed.
fn written(text: Cow<'_, str>, case: Case) -> Cow<'_, str> {
    match case {
        Case::Lower if text.chars().any(|c| !c.is_ascii() || c.is_ascii_uppercase()) => {
            text.to_lowercase().into()
        }
        Case::Upper if text.chars().any(|c| !c.is_ascii() || c.is_ascii_lowercase()) => {
            text.to_uppercase().into()
        }
        Case::Keep | Case::Lower | Case::Upper => text,
    }
}

/// Whether `known` is surely the text with its letters changed. Only plain letters are compared, in place.
fn is_written(known: &str, text: &str, case: Case) -> bool {
    let same = |change: fn(&u8) -> u8| {
        known.len() == text.len()
            && known.bytes().zip(text.bytes()).all(|(known, byte)| byte.is_ascii() && known == change(&byte))
    };
    match case {
        Case::Keep => known == text,
        Case::Lower => same(u8::to_ascii_lowercase),
        Case::Upper => same(u8::to_ascii_uppercase),
    }
}

/// A whole number, also when it is spelt with a fraction of zero or an exponent and is small enough to be exact.
fn integer(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let number = decimal(text).filter(|x| x.trunc() == *x && x.abs() <= EXACT)?;
        #[expect(clippy::cast_possible_truncation, reason = "whole and at most 2^53: checked above")]
        Some(number as i64)
    })
}

fn number(text: &str) -> Option<Value> {
    text.parse().map(Value::Int).ok().or_else(|| decimal(text).map(Value::Float))
}

/// A finite number; the words that Rust also reads, `inf` and `nan`, are none.
fn decimal(text: &str) -> Option<f64> {
    let spelt =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|x: &f64| spelt && x.is_finite())
}

fn boolean(text: &str) -> Option<bool> {
    [true, false].into_iter().find(|word| text.eq_ignore_ascii_case(if *word { "true" } else { "false" }))
}

/// A whole number in its only spelling.
fn code(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}

/// The first of these places that has a value.
fn first<'r>(row: &'r Row, places: &[usize], keep_empty: bool) -> Option<&'r Cell> {
    places.iter().find_map(|&place| row.get(place).filter(|cell| keep_empty || !cell.text().is_empty()))
}

fn is_among(cell: &Cell, values: &[SmolStr]) -> bool {
    values.iter().any(|value| value.eq_ignore_ascii_case(cell.text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Format, Json, TimeMapping};

    fn from(paths: &[&str]) -> FieldMapping {
        let paths = paths.iter().map(SmolStr::new).collect();
        FieldMapping { from: ReadFrom::Paths(paths), ..FieldMapping::default() }
    }

    fn mapping(fields: Vec<(&str, FieldMapping)>) -> Mapping {
        Mapping {
            formats: vec!["json".into()],
            time: TimeMapping { from: vec!["at".into(), "t".into()], ..TimeMapping::default() },
            fields: fields.into_iter().map(|(name, field)| (name.into(), field)).collect(),
            ..Mapping::default()
        }
    }

    /// Maps records one after another into the same event; each as its fields, `~` in front when partial.
    fn map(mapping: &Mapping, records: &[&str]) -> Vec<String> {
        let mut schema = Schema::default();
        mapping.field_names().filter(|name| *name != "unread").for_each(|name| {
            schema.intern(name);
        });
        let schema = Arc::new(schema);
        let mapper = Mapper::new(mapping, &schema);
        let (mut row, mut event) = (Row::default(), Event::new(&schema, Timestamp::MIN));
        let mut one = |record: &str| {
            Json.decode(record.as_bytes(), mapper.paths(), &mut row)?;
            Ok::<_, Reject>(match mapper.map(&row, &mut event)? {
                Mapped::Skipped => "skipped".to_owned(),
                Mapped::Event { partial } => {
                    let shown = schema.names().map(|name| match event.get(name) {
                        None => "-".to_owned(),
                        Some(Value::Text(text)) => format!("{text:?}"),
                        Some(value) => value.to_string(),
                    });
                    format!("{}{}", if partial { "~" } else { "" }, shown.collect::<Vec<_>>().join(" "))
                }
            })
        };
        records.iter().map(|record| one(record).unwrap_or_else(|reason| format!("!{reason}"))).collect()
    }

    /// One field, given its value; the time is added.
    fn check(field: &FieldMapping, value: &str, expect: &str) {
        let record = format!("{{\"at\":\"2026-03-04T08:22:05Z\",\"v\":{value},\"w\":\"more\"}}");
        assert_eq!(map(&mapping(vec![("v", field.clone())]), &[&record]), [expect], "of {value}");
    }

    #[test]
    fn the_first_path_that_has_a_value_counts() {
        let field = from(&["v", "w"]);
        check(&field, "\"one\"", "\"one\"");
        check(&field, "\"\"", "\"more\"");
        check(&field, "null", "\"more\"");
        check(&FieldMapping { keep_empty: true, ..field }, "\"\"", "\"\"");
    }

    #[test]
    fn text_is_taken_joined_and_its_letters_changed() {
        let last = FieldMapping { take: Take::LastSegment, case: Case::Lower, ..from(&["v"]) };
        check(&last, "\"/SITES/North/PUMP-1\"", "\"pump-1\"");
        check(&last, "\"ÄÖ\"", "\"äö\"");
        check(&last, "\"sites/\"", "-");
        check(&FieldMapping { case: Case::Upper, ..from(&["v"]) }, "\"a1\"", "\"A1\"");
        let join = |path: &str| Some(Join { with: "/".into(), from: vec![path.into()] });
        check(&FieldMapping { join: join("w"), ..from(&["v"]) }, "\"a\"", "\"a/more\"");
        check(&FieldMapping { join: join("x"), ..from(&["v"]) }, "\"a\"", "\"a\"");
        check(&FieldMapping { join: join("w"), ..from(&["v"]) }, "null", "-");
    }

    #[test]
    fn numbers_may_be_text_and_text_numbers() {
        let kind = |kind| FieldMapping { kind, ..from(&["v"]) };
        for (value, text, integer, number, code) in [
            ("\"404\"", "\"404\"", "404", "404", "404"),
            ("404", "\"404\"", "404", "404", "404"),
            ("\" -7 \"", "\" -7 \"", "-7", "-7", "\" -7 \""),
            ("4.0", "\"4.0\"", "4", "4", "\"4.0\""),
            ("2.5", "\"2.5\"", "~-", "2.5", "\"2.5\""),
            ("\"007\"", "\"007\"", "7", "7", "\"007\""),
            ("0", "\"0\"", "0", "0", "0"),
            ("1e3", "\"1e3\"", "1000", "1000", "\"1e3\""),
            ("1e999", "\"1e999\"", "~-", "~-", "\"1e999\""),
            ("\"inf\"", "\"inf\"", "~-", "~-", "\"inf\""),
            ("\"Ok\"", "\"Ok\"", "~-", "~-", "\"Ok\""),
            (
                "99999999999999999999",
                "\"99999999999999999999\"",
                "~-",
                "100000000000000000000",
                "\"99999999999999999999\"",
            ),
            ("\"\"", "-", "-", "-", "-"),
            ("null", "-", "-", "-", "-"),
            ("true", "\"true\"", "~-", "~-", "\"true\""),
        ] {
            check(&kind(As::Text), value, text);
            check(&kind(As::Integer), value, integer);
            check(&kind(As::Number), value, number);
            check(&kind(As::Code), value, code);
        }
    }

    #[test]
    fn letters_are_changed_whether_the_event_before_said_the_same_or_not() {
        let lower = FieldMapping { case: Case::Lower, ..from(&["v"]) };
        let records: Vec<String> = ["Ab", "aB", "ab", "ÄB", "äb", "Äb", "abc", "K", "k"]
            .iter()
            .map(|text| format!(r#"{{"at":"2026-03-04T08:22:05Z","v":"{text}"}}"#))
            .collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let expect = ["ab", "ab", "ab", "äb", "äb", "äb", "abc", "k", "k"].map(|text| format!("\"{text}\""));
        assert_eq!(map(&mapping(vec![("v", lower)]), &records), expect);
    }

    #[test]
    fn truth_is_read_or_asked_for() {
        let boolean = FieldMapping { kind: As::Boolean, ..from(&["v"]) };
        for (value, expect) in
            [("true", "true"), ("\"False\"", "false"), ("1", "~-"), ("\"\"", "-"), ("null", "-")]
        {
            check(&boolean, value, expect);
        }
        let among = FieldMapping { kind: As::Among(vec!["Good".into(), "Fine".into()]), ..from(&["v"]) };
        for (value, expect) in
            [("\"good\"", "true"), ("\"FINE\"", "true"), ("\"bad\"", "false"), ("null", "-")]
        {
            check(&among, value, expect);
        }
        let constant = FieldMapping { from: ReadFrom::Constant(Value::from("x")), ..FieldMapping::default() };
        check(&constant, "1", "\"x\"");
    }

    #[test]
    fn a_record_without_a_good_time_is_rejected() {
        let records = [
            r#"{"at":"2026-03-04T08:22:05Z"}"#,
            r#"{"t":"2026-03-04T08:22:05Z","at":null}"#,
            r#"{"v":1}"#,
            r#"{"at":""}"#,
            r#"{"at":"soon"}"#,
            r#"{"at":true}"#,
            r#"{"at":"9999-12-31T23:59:59Z"}"#,
        ];
        let found = map(&mapping(vec![]), &records);
        assert_eq!(found, ["", "", "!no-time", "!no-time", "!bad-time", "!bad-time", "!time-range"]);
    }

    #[test]
    fn a_record_without_a_required_field_has_no_subject() {
        for name in ["v", "unread"] {
            let mapping = Mapping { require: vec![name.into()], ..mapping(vec![(name, from(&["v"]))]) };
            let records = [r#"{"at":"2026-03-04T08:22:05Z"}"#, r#"{"at":"2026-03-04T08:22:05Z","v":"a"}"#];
            let found = map(&mapping, &records);
            assert_eq!(found.first().map(String::as_str), Some("!no-subject"));
            assert_ne!(found.get(1).map(String::as_str), Some("!no-subject"));
        }
    }

    #[test]
    fn records_that_only_passes_over_are_skipped_before_anything_else() {
        let only = vec![("kind".into(), vec!["Pump".into(), "3".into()])];
        let mapping = Mapping { only, ..mapping(vec![("v", from(&["v"]))]) };
        let at = r#""at":"2026-03-04T08:22:05Z""#;
        for (record, expect) in [
            (format!(r#"{{{at},"kind":"PUMP","v":"a"}}"#), "\"a\""),
            (format!(r#"{{{at},"kind":3,"v":"a"}}"#), "\"a\""),
            (r#"{"kind":"fan"}"#.to_owned(), "skipped"),
            (r"{}".to_owned(), "skipped"),
        ] {
            assert_eq!(map(&mapping, &[&record]), [expect], "of {record}");
        }
    }

    #[test]
    fn an_event_keeps_nothing_of_the_record_before() {
        let mapping =
            mapping(vec![("v", from(&["v"])), ("n", FieldMapping { kind: As::Code, ..from(&["n"]) })]);
        let at = r#""at":"2026-03-04T08:22:05Z""#;
        let records = [
            format!(r#"{{{at},"v":"a","n":"x"}}"#),
            format!(r#"{{{at},"v":"a","n":7}}"#),
            format!(r#"{{{at},"v":"b"}}"#),
            format!(r"{{{at}}}"),
        ];
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        assert_eq!(map(&mapping, &records), ["\"a\" \"x\"", "\"a\" 7", "\"b\" -", "- -"]);
    }

    #[test]
    fn only_what_the_schema_has_is_looked_for() {
        let mapping = mapping(vec![("v", from(&["v", "w"])), ("unread", from(&["u"]))]);
        let mut schema = Schema::default();
        schema.intern("v");
        schema.intern("elsewhere");
        let schema = Arc::new(schema);
        let mapper = Mapper::new(&mapping, &schema);
        let paths: Vec<String> = mapper.paths().iter().map(|path| path.join(".")).collect();
        assert_eq!(paths, ["at", "t", "v", "w"]);
        // A field that another input filled in the same event is emptied.
        let mut event = Event::builder(&schema, Timestamp::MIN).field("elsewhere", 1).build();
        let mut row = Row::default();
        assert_eq!(Json.decode(br#"{"at":"2026-03-04T08:22:05Z"}"#, mapper.paths(), &mut row), Ok(()));
        assert_eq!(mapper.map(&row, &mut event), Ok(Mapped::Event { partial: false }));
        assert_eq!(event.get("elsewhere"), None);
        assert_eq!(event.time().to_string(), "2026-03-04T08:22:05Z");
    }
}
