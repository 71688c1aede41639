//! What the inputs can give: the kinds and spellings of a field's values.

use crate::input::{As, Case, FieldMapping, ReadFrom};
use crate::model::{FieldId, Value};
use crate::predicate::Domain;
use crate::rule::class::Condition;
use crate::rule::sound::Material;

/// All that a field can be, in events that come from inputs.
pub(super) fn domain(of: &Material<'_>, field: FieldId) -> Domain {
    let Some(inputs) = of.inputs else { return Domain::anything() };
    let name = of.schema.name(field);
    let mut domain: Option<Domain> = None;
    for input in inputs {
        let gives = match input.field(name) {
            Some(mapping) => {
                let required = input.require.iter().any(|required| required == name);
                let constant = matches!(mapping.from, ReadFrom::Constant(_));
                let missing = if required || constant { Domain::nothing() } else { Domain::missing() };
                of_mapping(mapping).or(&missing)
            }
            None => Domain::missing(),
        };
        domain = Some(domain.map_or_else(|| gives.clone(), |known| known.or(&gives)));
    }
    // A level of subjects may be known to the host alone.
    match domain {
        Some(domain) if mappings(of, field).next().is_some() => domain,
        _ => Domain::anything(),
    }
}

/// How each input that has a field reads it.
fn mappings<'a>(of: &'a Material<'_>, field: FieldId) -> impl Iterator<Item = &'a FieldMapping> {
    let name = of.schema.name(field);
    of.inputs.unwrap_or_default().iter().filter_map(move |input| input.field(name))
}

fn of_mapping(mapping: &FieldMapping) -> Domain {
    match (&mapping.from, &mapping.kind) {
        (ReadFrom::Constant(value), _) => Domain::equal(value),
        (_, As::Text) => Domain::text(),
        (_, As::Integer | As::Number) => Domain::number(),
        (_, As::Boolean | As::Among(_)) => Domain::truth(),
        (_, As::Code) => Domain::at_least(0.0).or(&Domain::text()),
    }
}

/// Why no input can ever give a value that makes this condition (a single one: no list, no `not`) true.
pub(super) struct Never {
    pub(super) why: &'static str,
    /// What to write instead, when only one thing can be meant: made of what is written.
    pub(super) instead: Option<fn(&str) -> String>,
    pub(super) help: &'static str,
}

/// Why a single condition can never be true of a field; none when it can, or when that is not known.
pub(super) fn never(of: &Material<'_>, field: FieldId, condition: &Condition) -> Option<Never> {
    let mut reason = None;
    for mapping in mappings(of, field) {
        reason = Some(refuses(mapping, condition)?);
    }
    reason
}

fn refuses(mapping: &FieldMapping, condition: &Condition) -> Option<Never> {
    let never = |why, help| Some(Never { why, instead: None, help });
    if let ReadFrom::Constant(value) = &mapping.from {
        return match condition.test(Some(value)) {
            Some(true) => None,
            Some(false) | None => never("the input gives it one constant value, which is another", ""),
        };
    }
    match (condition, &mapping.kind) {
        (Condition::There(_) | Condition::Any(_) | Condition::Not(_), _) => None,
        (Condition::Equal(Value::Text(text)), As::Code) if is_code(text) => Some(Never {
            why: "the input makes a number of what is spelt like one, and text never equals a number",
            instead: Some(|written| written.trim_matches(['"', '\'']).to_owned()),
            help: "write it without quotes",
        }),
        (Condition::Equal(Value::Text(text)), As::Text | As::Code) => spelling(mapping, text),
        (Condition::Like(parts), As::Text | As::Code) => {
            parts.iter().filter(|part| !part.is_empty()).find_map(|part| spelling(mapping, part))
        }
        (Condition::Equal(Value::Int(_) | Value::Float(_)), As::Text) => never(
            "the input gives it as text, and text never equals a number",
            "write it in quotes, or say `as: integer` in the input",
        ),
        (Condition::Range(..) | Condition::AtLeast(_) | Condition::AtMost(_), As::Text) => {
            never("the input gives it as text", "say `as: integer`, `as: number` or `as: code` in the input")
        }
        (Condition::Equal(Value::Int(n)), As::Code) if *n < 0 => {
            never("the input makes numbers of digits only", "")
        }
        (Condition::Equal(Value::Bool(_)), As::Boolean | As::Among(_)) => None,
        (Condition::Equal(Value::Text(text)), As::Boolean | As::Among(_))
            if text == "true" || text == "false" =>
        {
            Some(Never { why: "the input gives it as true or false, and not as text", ..unquoted() })
        }
        (_, As::Boolean | As::Among(_)) => never("the input gives it as true or false", ""),
        (Condition::Equal(Value::Bool(_)), _) => never(
            "the input never gives it as true or false",
            "say `as: boolean` or `among: […]` in the input",
        ),
        (Condition::Equal(Value::Text(text)), As::Integer | As::Number) if text.parse::<f64>().is_ok() => {
            Some(Never {
                why: "the input gives it as a number, and a number never equals text",
                ..unquoted()
            })
        }
        (Condition::Equal(Value::Text(_)) | Condition::Like(_), As::Integer | As::Number) => never(
            "the input gives it as a number, and a number never equals text",
            "compare it with a number, or say `as: text` in the input",
        ),
        (Condition::Equal(_), _)
        | (Condition::Range(..) | Condition::AtLeast(_) | Condition::AtMost(_), _) => None,
    }
}

/// What helps against a value that is in quotes and should not be.
fn unquoted() -> Never {
    Never {
        why: "",
        instead: Some(|written| written.trim_matches(['"', '\'']).to_owned()),
        help: "write it without quotes",
    }
}

/// Letters of the wrong case, and empty text that the input takes for nothing.
fn spelling(mapping: &FieldMapping, text: &str) -> Option<Never> {
    let wrong = |c: char| match mapping.case {
        Case::Keep => false,
        Case::Lower => c.is_ascii_uppercase(),
        Case::Upper => c.is_ascii_lowercase(),
    };
    if text.chars().any(wrong) {
        return Some(if mapping.case == Case::Lower {
            Never {
                why: "the input gives it in lower case",
                instead: Some(|w| w.to_ascii_lowercase()),
                help: "write it in lower case",
            }
        } else {
            Never {
                why: "the input gives it in upper case",
                instead: Some(|w| w.to_ascii_uppercase()),
                help: "write it in upper case",
            }
        });
    }
    (text.is_empty() && !mapping.keep_empty && mapping.join.is_none()).then_some(Never {
        why: "the input takes empty text for a missing field",
        instead: None,
        help: "write `{there: false}`, or `empty: keep` in the input",
    })
}

/// Whether an input that reads codes makes a number of it.
fn is_code(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0')) && text.parse::<i64>().is_ok()
}
