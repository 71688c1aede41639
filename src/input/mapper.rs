//! A mapping made ready for one engine: only the fields that its schema has are read.

use std::borrow::Cow;
use std::sync::Arc;

use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use crate::input::{
    As, Case, Cell, CellKind, FieldMapping, Interner, Join, Mapping, Paths, ReadFrom, Row, StampFormat, Take,
    Zone,
};
use crate::model::{Event, FieldId, Filling, Reject, Schema, Serial, Timestamp, Value};

/// Fills events from decoded records.
#[derive(Clone, Debug)]
pub struct Mapper {
    serial: Serial,
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
    mapping: FieldMapping,
    /// Where its text stands; nowhere when it is the same for every record.
    from: Vec<usize>,
    join: Vec<usize>,
    /// All that it is made from.
    places: Vec<usize>,
    /// Whether empty text is a value of its kind.
    keep_empty: bool,
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
            let from = match &field.from {
                ReadFrom::Paths(from) => places(from),
                ReadFrom::Constant(_) => Vec::new(),
            };
            let join = field.join.as_ref().map(|join| places(&join.from)).unwrap_or_default();
            let all = [&*from, &join].concat();
            let keep_empty = field.keep_empty && matches!(field.kind, As::Text | As::Code | As::Among(_));
            fields.push(Field { id, required, mapping: field.clone(), from, join, places: all, keep_empty });
        }
        let absent = schema.names().filter(|&name| mapping.field(name).is_none());
        let absent = absent.filter_map(|name| schema.id(name)).collect();
        Self {
            serial: Serial::default(),
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

    /// Sets the time and all fields of `event` from a decoded record; its origin and identity are the caller's. Of `texts`,
    /// which may have seen other records, come those that are long.
    ///
    /// A value that cannot be what the mapping says it is becomes missing, and the record partial.
    ///
    /// # Errors
    ///
    /// `NoTime`, `BadTime`, `TimeRange`, or `NoSubject` when a required field is missing. The event is then unspecified.
    pub fn map(&self, row: &Row, texts: &mut Interner, event: &mut Event) -> Result<Mapped, Reject> {
        let among = |(place, values): &(usize, Vec<SmolStr>)| {
            row.get(*place).is_some_and(|cell| is_among(cell, values))
        };
        if !self.only.iter().all(among) {
            return Ok(Mapped::Skipped);
        }
        // Where a record has what the one before it had, the event has it already.
        let (of, record) = row.number();
        let filling = Filling { mapper: self.serial, row: of, record };
        let next =
            event.filling().is_some_and(|before| filling == Filling { record: before.record + 1, ..before });
        let is_same = |places: &[usize]| next && places.iter().all(|&place| row.is_same(place));
        event.set_filling(None);
        if !is_same(&self.time) {
            event.set_time(self.time(row)?);
        }
        let mut readable = true;
        for field in &self.fields {
            if is_same(&field.places) {
                continue;
            }
            let filled = field.fill(row, texts, event);
            if filled.is_ok_and(|has_value| has_value) {
                continue;
            }
            if field.required {
                return Err(Reject::NoSubject);
            }
            readable &= filled.is_ok();
            if let Some(id) = field.id {
                event.set(id, None);
            }
        }
        if !next {
            self.absent.iter().for_each(|&id| event.set(id, None));
        }
        event.set_filling(readable.then_some(filling));
        Ok(Mapped::Event { partial: row.is_partial() || !readable })
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

/// A value that cannot be what the mapping says it is.
#[derive(Clone, Copy)]
struct Unreadable;

impl Field {
    /// Sets the field and says whether it has a value. Of a field without one nothing is changed.
    fn fill(&self, row: &Row, texts: &mut Interner, event: &mut Event) -> Result<bool, Unreadable> {
        let mapping = &self.mapping;
        if let ReadFrom::Constant(value) = &mapping.from {
            self.set(event, value.clone());
            return Ok(true);
        }
        let Some(cell) = first(row, &self.from, mapping.keep_empty) else { return Ok(false) };
        let whole = cell.text();
        let part = match mapping.take {
            Take::Whole => whole,
            Take::LastSegment => match memchr::memrchr(b'/', whole.as_bytes()) {
                Some(slash) => whole.get(slash + 1..).unwrap_or_default(),
                None => whole,
            },
        };
        let joined = self.joined(part, row);
        let text = joined.as_deref().unwrap_or(part);
        if text.is_empty() && !self.keep_empty {
            return Ok(false);
        }
        match &mapping.kind {
            As::Text => self.set_text(event, texts, text),
            As::Code => match code(text) {
                Some(code) => self.set(event, Value::Int(code)),
                None => self.set_text(event, texts, text),
            },
            As::Integer => self.set(event, Value::Int(integer(text.trim_ascii()).ok_or(Unreadable)?)),
            As::Number => self.set(event, number(text.trim_ascii()).ok_or(Unreadable)?),
            As::Boolean => {
                let text = written(text, mapping.case);
                self.set(event, Value::Bool(boolean(text.trim_ascii()).ok_or(Unreadable)?));
            }
            As::Among(values) => {
                let text = written(text, mapping.case);
                let among = values.iter().any(|value| value.eq_ignore_ascii_case(&text));
                self.set(event, Value::Bool(among));
            }
        }
        Ok(true)
    }

    /// The text and more, when more is to be joined and the record has it.
    #[inline]
    fn joined(&self, part: &str, row: &Row) -> Option<String> {
        let Join { with, .. } = self.mapping.join.as_ref()?;
        let more = first(row, &self.join, false)?;
        Some([part, with.as_str(), more.text()].concat())
    }

    #[inline]
    fn set(&self, event: &mut Event, value: Value) {
        if let Some(id) = self.id {
            event.set(id, Some(value));
        }
    }

    /// Sets text, its letters changed. What the event before had too is kept as it is, which saves its memory.
    #[inline]
    fn set_text(&self, event: &mut Event, texts: &mut Interner, text: &str) {
        let Some(id) = self.id else { return };
        let case = self.mapping.case;
        let before = event.field(id).and_then(Value::as_text);
        if !before.is_some_and(|before| is_written(before, text, case)) {
            event.set(id, Some(Value::Text(texts.text(&written(text, case)))));
        }
    }
}

/// Text with its letters changed.
fn written(text: &str, case: Case) -> Cow<'_, str> {
    match case {
        Case::Lower if text.chars().any(|c| !c.is_ascii() || c.is_ascii_uppercase()) => {
            text.to_lowercase().into()
        }
        Case::Upper if text.chars().any(|c| !c.is_ascii() || c.is_ascii_lowercase()) => {
            text.to_uppercase().into()
        }
        Case::Keep | Case::Lower | Case::Upper => text.into(),
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
mod tests;
