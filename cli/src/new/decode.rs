//! A log as an input of the pack reads it: what a rule would see, and nothing that was only guessed.

use std::collections::BTreeMap;
use std::sync::Arc;

use etiolog::input::{As, Format, Framed, Framer, Interner, Mapped, Mapper, Mapping, Row};
use etiolog::model::{Reject, Schema};
use etiolog::{Event, Registry, Timestamp, Value};

use crate::new::log::{Cell, Record};

/// The records that became events, each with the text that it was.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) records: Vec<Record>,
    pub(super) raw: Vec<String>,
    /// How many records stand there.
    pub(super) read: usize,
    /// Why most of the others were not read.
    pub(super) rejected: Option<Reject>,
}

/// Reads a log through one input.
pub(super) fn decode(mapping: &Mapping, text: &str) -> Decoded {
    let Some(format) = formats(mapping).max_by_key(|format| recognises_as(mapping, &**format, text)) else {
        return Decoded::default();
    };
    let mut schema = Schema::default();
    for (name, _) in &mapping.fields {
        schema.intern(name);
    }
    let schema = Arc::new(schema);
    let mapper = Mapper::new(mapping, &schema);
    let (mut row, mut event) = (Row::default(), Event::new(&schema, Timestamp::MIN));
    let (mut texts, mut out) = (Interner::default(), Decoded::default());
    let mut reasons: BTreeMap<Reject, usize> = BTreeMap::new();
    each(mapping, &*format, text, &mut |framed| {
        out.read += 1;
        let bytes = match framed {
            Framed::Record { bytes, .. } => bytes,
            Framed::Reject { reason, .. } => return *reasons.entry(reason).or_default() += 1,
        };
        row.reset(mapper.paths().len());
        let mapped = format
            .decode(bytes, mapper.paths(), &mut row)
            .and_then(|()| mapper.map(&row, &mut texts, &mut event));
        match mapped {
            Err(reason) => *reasons.entry(reason).or_default() += 1,
            Ok(Mapped::Skipped) => {}
            Ok(Mapped::Event { .. }) => {
                out.records.push(record(mapping, &event));
                out.raw.push(String::from_utf8_lossy(bytes).into_owned());
            }
        }
    });
    out.rejected = reasons.into_iter().max_by_key(|&(_, count)| count).map(|(reason, _)| reason);
    out
}

/// Whether the first record of a log is one of this input.
pub(super) fn recognises(mapping: &Mapping, text: &str) -> bool {
    formats(mapping).any(|format| recognises_as(mapping, &*format, text))
}

fn recognises_as(mapping: &Mapping, format: &dyn Format, text: &str) -> bool {
    let mut verdict = None;
    each(mapping, format, text, &mut |framed| {
        if let (Framed::Record { bytes, .. }, None) = (framed, verdict) {
            verdict = Some(mapping.recognises(format, bytes));
        }
    });
    verdict.unwrap_or(false)
}

/// The formats of an input, ready for it; the last one first.
fn formats(mapping: &Mapping) -> impl Iterator<Item = Arc<dyn Format>> {
    let registry = Registry::builtin();
    mapping.formats.iter().rev().filter_map(move |name| {
        let format = registry.find_format(name)?;
        Some(format.ready(mapping).unwrap_or_else(|| Arc::clone(format)))
    })
}

fn each(mapping: &Mapping, format: &dyn Format, text: &str, take: &mut dyn FnMut(Framed<'_>)) {
    let mut framer = Framer::new(format.framing(), Framer::DEFAULT_LIMIT)
        .with_envelope(mapping.envelope.iter().cloned())
        .with_layout(mapping.layout.as_ref());
    framer.push(text.as_bytes(), take);
    framer.finish(take);
}

fn record(mapping: &Mapping, event: &Event) -> Record {
    let cell = |value: &Value| match value {
        Value::Bool(flag) => Cell::Flag(*flag),
        Value::Int(_) | Value::Float(_) => Cell::Number(value.to_string()),
        Value::Text(text) => Cell::Text(text.to_string()),
    };
    let values = mapping
        .fields
        .iter()
        .filter_map(|(name, _)| Some((name.to_string(), event.get(name).map(cell)?)))
        .collect();
    Record { values, time: Some(event.time()) }
}

/// How a field is written in a condition: the word after `as:`, when it is not text.
pub(super) fn kind(mapping: &Mapping, name: &str) -> Option<&'static str> {
    match mapping.field(name)?.kind {
        As::Text => None,
        As::Integer | As::Code => Some("code"),
        As::Number => Some("number"),
        As::Boolean | As::Among(_) => Some("boolean"),
    }
}
