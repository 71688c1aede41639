//! What is written of one record in one shape: bytes that are known beforehand, and digits between them.
//!
//! All that a group, a draw, a record and a shape say is put together once, escaped as deep as it stands. What is left for
//! each record are digits, and those need no escape anywhere.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::simulate::chance::Chance;
use crate::simulate::fleet::{Emit, Fields, Fleet, Group};
use crate::simulate::shape::{Body, Json, Record, Shape};
use crate::simulate::template::{Digits, Letters, Piece, Stamp, Template};

/// A record that can be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    ops: Vec<Op>,
}

#[derive(Clone, Debug)]
enum Op {
    Bytes(Vec<u8>),
    /// Digits, and what tells a subject's own numbers apart.
    Digits(Digits, u64),
}

/// What is known only when a record is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    /// Nanoseconds since 1970.
    pub(super) time: i64,
    pub(super) number: u32,
    /// The number from which all that is a subject's own is drawn.
    pub(super) own: u64,
    pub(super) count: u64,
    pub(super) value: u64,
}

/// Where the fields of a record come from: the first that has one says what it is; empty text means that it has none.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    layers: Vec<&'a Fields>,
    part: Option<&'a Json>,
}

impl<'a> Scope<'a> {
    /// The fields of a subject: of its draws, its group and its fleet.
    pub(super) fn subject(fleet: &'a Fleet, group: Option<&'a Group>, drawn: &[usize]) -> Self {
        let mut layers = Vec::new();
        if let Some(group) = group {
            let drawn = group.draws.iter().zip(drawn).rev();
            layers.extend(drawn.filter_map(|(draw, &at)| draw.get(at).map(|one| &one.fields)));
            layers.push(&group.fields);
        }
        layers.push(&fleet.fields);
        Self { layers, part: None }
    }

    /// The same with what a record says.
    pub(super) fn record(mut self, emit: &'a Emit, records: &'a BTreeMap<String, Record>) -> Self {
        if let Some(record) = records.get(&emit.record) {
            self.layers.splice(0..0, [&emit.fields, &record.fields]);
            self.part = record.part.as_deref();
        }
        self
    }

    /// The pieces of a field, as far as they stay the same.
    pub(super) fn field(&self, name: &str) -> Option<Form> {
        let mut writer = Writer::default();
        let template = self.template(name)?;
        writer.template(self, template, Some(name), Letters::AsWritten, 0)?;
        Some(writer.form)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.template(name).is_some()
    }

    fn template(&self, name: &str) -> Option<&'a Template> {
        let found = self.layers.iter().find_map(|layer| layer.get(name))?;
        (found.plain() != Some("")).then_some(found)
    }
}

impl Form {
    /// A record of this scope in this shape; none when the shape does not write it.
    pub(super) fn of(scope: &Scope<'_>, shape: &Shape) -> Option<Self> {
        if !shape.with.iter().all(|field| scope.has(field)) {
            return None;
        }
        let mut writer = Writer::default();
        match &shape.body {
            Body::Object(object) => writer.json(scope, object),
            Body::Columns(cells) => {
                for (at, (_, cell)) in cells.iter().enumerate() {
                    if at > 0 {
                        writer.put(",");
                    }
                    writer.cell(scope, cell);
                }
            }
        }
        Some(writer.form)
    }

    /// Adds the record to some bytes.
    pub(super) fn write(&self, moment: Moment, clock: &mut Clock, into: &mut Vec<u8>) {
        for op in &self.ops {
            match op {
                Op::Bytes(bytes) => into.extend_from_slice(bytes),
                Op::Digits(digits, salt) => match *digits {
                    Digits::Number(width) => decimal(u64::from(moment.number), width, into),
                    Digits::Own { low, high } => {
                        let drawn = Chance::numbered(moment.own, *salt).below(high - low + 1);
                        decimal(low + drawn, 0, into);
                    }
                    Digits::Any { low, high } => {
                        let mut chance = Chance::numbered(moment.own ^ moment.count.rotate_left(32), *salt);
                        decimal(low + chance.below(high - low + 1), 0, into);
                    }
                    Digits::Count(width) => {
                        into.extend_from_slice(format!("{:0width$X}", moment.count).as_bytes());
                    }
                    Digits::Value => decimal(moment.value, 0, into),
                    Digits::Time(stamp) => clock.write(moment.time, stamp, into),
                },
            }
        }
    }

    /// The record as text.
    pub(super) fn text(&self, moment: Moment) -> String {
        let mut bytes = Vec::new();
        self.write(moment, &mut Clock::default(), &mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// How deep text is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    Json,
    Csv,
}

/// Fields inside fields are looked into no deeper than this.
const DEEPEST: usize = 4;

#[derive(Debug, Default)]
struct Writer {
    form: Form,
    /// The outermost first.
    escapes: Vec<Escape>,
}

impl Writer {
    fn put(&mut self, text: &str) {
        let mut text = text.to_owned();
        for escape in self.escapes.iter().rev() {
            text = match escape {
                Escape::Json => json_escaped(&text),
                Escape::Csv => text.replace('"', "\"\""),
            };
        }
        match self.form.ops.last_mut() {
            Some(Op::Bytes(bytes)) => bytes.extend_from_slice(text.as_bytes()),
            _ => self.form.ops.push(Op::Bytes(text.into_bytes())),
        }
    }

    /// Quotes with something between them that is escaped once more.
    fn quoted(&mut self, escape: Escape, inner: impl FnOnce(&mut Self)) {
        self.put("\"");
        self.escapes.push(escape);
        inner(self);
        self.escapes.pop();
        self.put("\"");
    }

    fn json(&mut self, scope: &Scope<'_>, json: &Json) {
        match json {
            Json::Null => self.put("null"),
            Json::Plain(word) => self.put(word),
            Json::Part => match scope.part {
                Some(part) => self.json(scope, part),
                None => self.put("null"),
            },
            Json::Text(template) if !is_whole(scope, template) => self.put("null"),
            Json::Text(template) => self.quoted(Escape::Json, |writer| {
                writer.template(scope, template, None, Letters::AsWritten, 0);
            }),
            Json::Number(template) if is_whole(scope, template) => {
                self.template(scope, template, None, Letters::AsWritten, 0);
            }
            Json::Number(_) => self.put("null"),
            Json::Object(members) => {
                self.put("{");
                let mut comma = false;
                for member in members {
                    if member.optional && is_missing(scope, &member.value) {
                        continue;
                    }
                    if comma {
                        self.put(",");
                    }
                    comma = true;
                    self.quoted(Escape::Json, |writer| writer.put(&member.key));
                    self.put(":");
                    self.json(scope, &member.value);
                }
                self.put("}");
            }
            Json::List(items) => {
                self.put("[");
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.put(",");
                    }
                    self.json(scope, item);
                }
                self.put("]");
            }
            Json::Inside(..) if is_missing(scope, json) => self.put("null"),
            Json::Inside(inner, _) => self.quoted(Escape::Json, |writer| writer.json(scope, inner)),
        }
    }

    /// A cell of a table; what is missing is empty.
    fn cell(&mut self, scope: &Scope<'_>, cell: &Json) {
        let mut trial = Self::default();
        trial.cell_inner(scope, cell);
        let needs_quotes = trial.form.ops.iter().any(|op| match op {
            Op::Bytes(bytes) => bytes.iter().any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r')),
            Op::Digits(..) => false,
        });
        if needs_quotes {
            self.quoted(Escape::Csv, |writer| writer.cell_inner(scope, cell));
        } else {
            self.cell_inner(scope, cell);
        }
    }

    fn cell_inner(&mut self, scope: &Scope<'_>, cell: &Json) {
        match cell {
            Json::Null => {}
            Json::Text(template) if !is_whole(scope, template) => {}
            Json::Text(template) => drop(self.template(scope, template, None, Letters::AsWritten, 0)),
            Json::Inside(..) if is_missing(scope, cell) => {}
            Json::Inside(inner, _) => self.json(scope, inner),
            other => self.json(scope, other),
        }
    }

    /// The pieces of a template; nothing when a field of it is missing.
    fn template(
        &mut self,
        scope: &Scope<'_>,
        template: &Template,
        of: Option<&str>,
        letters: Letters,
        depth: usize,
    ) -> Option<()> {
        for (at, piece) in (0_u64..).zip(&template.pieces) {
            match piece {
                Piece::Text(text) => match letters {
                    Letters::AsWritten => self.put(text),
                    Letters::Upper => self.put(&text.to_uppercase()),
                    Letters::Lower => self.put(&text.to_lowercase()),
                },
                Piece::Digits(digits) => {
                    let salt = xxh3_64(of.unwrap_or_default().as_bytes()).wrapping_add(at);
                    self.form.ops.push(Op::Digits(*digits, salt));
                }
                Piece::Field(name, inner) => {
                    let found = scope.template(name).filter(|_| depth < DEEPEST)?;
                    let letters = if *inner == Letters::AsWritten { letters } else { *inner };
                    self.template(scope, found, Some(name), letters, depth + 1)?;
                }
            }
        }
        Some(())
    }
}

/// Whether all fields of a template are there.
fn is_whole(scope: &Scope<'_>, template: &Template) -> bool {
    template.fields().all(|field| scope.has(field))
}

fn is_missing(scope: &Scope<'_>, json: &Json) -> bool {
    match json {
        Json::Text(template) | Json::Number(template) => !is_whole(scope, template),
        Json::Inside(inner, with) => {
            with.as_ref().is_some_and(|field| !scope.has(field)) || is_missing(scope, inner)
        }
        Json::Part => scope.part.is_none(),
        Json::Null | Json::Plain(_) | Json::Object(_) | Json::List(_) => false,
    }
}

fn json_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            c if c < ' ' => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A number with at least so many digits.
fn decimal(mut number: u64, width: usize, into: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        if number == 0 && used > 0 {
            break;
        }
        *slot = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        used += 1;
    }
    let wanted = used.max(width).min(digits.len());
    into.extend_from_slice(digits.get(digits.len() - wanted..).unwrap_or_default());
}

/// Writes times; consecutive ones mostly fall into one second.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    second: i64,
    /// `2026-03-04T08:22:05`.
    text: Vec<u8>,
}

impl Clock {
    fn write(&mut self, time: i64, stamp: Stamp, into: &mut Vec<u8>) {
        let (second, nanos) = (time.div_euclid(1_000_000_000), time.rem_euclid(1_000_000_000));
        if self.text.is_empty() || second != self.second {
            self.second = second;
            self.text.clear();
            let (year, month, day) = civil(second.div_euclid(86_400));
            let of_day = second.rem_euclid(86_400);
            for (number, width, before) in [
                (year, 4, ""),
                (month, 2, "-"),
                (day, 2, "-"),
                (of_day / 3_600, 2, "T"),
                (of_day / 60 % 60, 2, ":"),
                (of_day % 60, 2, ":"),
            ] {
                self.text.extend_from_slice(before.as_bytes());
                decimal(u64::try_from(number).unwrap_or(0), width, &mut self.text);
            }
        }
        into.extend_from_slice(&self.text);
        let fraction = |unit: i64, width: usize, into: &mut Vec<u8>| {
            into.push(b'.');
            decimal(u64::try_from(nanos / unit).unwrap_or(0), width, into);
        };
        match stamp {
            Stamp::Seconds => {}
            Stamp::Millis => fraction(1_000_000, 3, into),
            Stamp::Ticks | Stamp::Offset => fraction(100, 7, into),
        }
        let zone: &[u8] = if stamp == Stamp::Offset { b"+00:00" } else { b"Z" };
        into.extend_from_slice(zone);
    }
}

/// Year, month and day of a day since 1970 (Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn stamps_are_those_of_the_calendar() {
        let mut clock = Clock::default();
        for text in
            ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-03-02T08:22:05Z", "2100-03-01T00:00:00Z"]
        {
            let time = Timestamp::parse(text).map_or(0, Timestamp::nanos);
            let mut written = Vec::new();
            clock.write(time, Stamp::Seconds, &mut written);
            assert_eq!(String::from_utf8(written).as_deref(), Ok(text));
        }
        let mut written = Vec::new();
        clock.write(1_234_567_899, Stamp::Offset, &mut written);
        assert_eq!(String::from_utf8(written).as_deref(), Ok("1970-01-01T00:00:01.2345678+00:00"));
    }

    #[test]
    fn numbers_have_at_least_the_digits_that_are_asked_for() {
        for (number, width, text) in
            [(0, 0, "0"), (7, 4, "0007"), (12_345, 4, "12345"), (u64::MAX, 0, "18446744073709551615")]
        {
            let mut written = Vec::new();
            decimal(number, width, &mut written);
            assert_eq!(String::from_utf8(written).as_deref(), Ok(text));
        }
    }
}
