//! Event classes: which events a rule means by `drop` or `refusal`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use smol_str::SmolStr;

use crate::error::Problem;
use crate::model::{Event, FieldId, Value};
use crate::predicate::{Answer, Predicate, Truth};
use crate::yaml::{Node, Shape};

/// A named set of events: every condition holds, and so does the predicate.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) conditions: Vec<(FieldId, Condition)>,
    pub(crate) predicate: Option<Predicate>,
    /// The fields that the predicate reads, in its order.
    pub(crate) reads: Vec<FieldId>,
}

/// What one field must be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// Exactly this.
    Equal(Value),
    /// A whole number in this range, both ends included.
    Range(i64, i64),
    /// Text of this shape; `*` stands for any text.
    Like(Vec<SmolStr>),
    /// A number at least this.
    AtLeast(f64),
    /// A number at most this.
    AtMost(f64),
    /// There (`true`) or missing (`false`).
    There(bool),
    /// One of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
}

/// An event class in a file: fields with what they must be, and an expression.
pub(super) struct ClassFile;

impl JsonSchema for ClassFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventClass".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let condition = generator.subschema_for::<ConditionFile>();
        json_schema!({
            "description": "A class of events: fields of the pack's inputs with what they must be, all of which must hold. \
                            A missing field makes a condition neither true nor false, and then the event does not count. \
                            Example: `{op: stop, code: [7, 8]}`.",
            "type": "object",
            "properties": {"where": {
                "description": "An expression over the fields of one event, where words end: `event.size > 3 * event.limit`.",
                "type": "string"
            }},
            "additionalProperties": condition,
            "minProperties": 1
        })
    }
}

/// A condition in a file.
struct ConditionFile;

impl JsonSchema for ConditionFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let condition = generator.subschema_for::<Self>();
        let operator = |description: &str, of: Schema| {
            let mut schema = of;
            schema.insert("description".to_owned(), description.into());
            schema
        };
        let number = || json_schema!({"type": "number"});
        json_schema!({
            "description": "What a field must be: a value (`7`, `stop`, `true`), a family (`7xx`) or range (`700..719`) of whole \
                            numbers, a list of which one must hold, or a mapping with one of the keys below.",
            "anyOf": [
                {"type": ["string", "number", "boolean"]},
                {"type": "array", "items": condition, "minItems": 1},
                {
                    "type": "object",
                    "properties": {
                        "not": operator("Not this: `{not: 7}`.", condition),
                        "like": operator("Text of this shape; `*` is any text: `{like: '*expired*'}`.", json_schema!({"type": "string"})),
                        "at-least": operator("A number at least this: `{at-least: 5}`.", number()),
                        "at-most": operator("A number at most this: `{at-most: 5}`.", number()),
                        "there": operator("Whether the field is there at all: `{there: false}`.", json_schema!({"type": "boolean"}))
                    },
                    "additionalProperties": false,
                    "oneOf": OPERATORS.map(|key| serde_json::json!({"required": [key]}))
                }
            ]
        })
    }
}

const OPERATORS: [&str; 5] = ["not", "like", "at-least", "at-most", "there"];

impl Condition {
    /// Whether a field fulfils the condition; `None` when that cannot be said because the field is missing or of
    /// another kind (three-valued: the negation of unknown is unknown).
    pub(crate) fn test(&self, value: Option<&Value>) -> Option<bool> {
        if let Self::There(there) = self {
            return Some(value.is_some() == *there);
        }
        if let Self::Not(inner) = self {
            return inner.test(value).map(|holds| !holds);
        }
        if let Self::Any(options) = self {
            let mut result = Some(false);
            for option in options {
                match option.test(value) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => result = None,
                }
            }
            return result;
        }
        let value = value?;
        match self {
            Self::Equal(wanted) => Some(value == wanted),
            Self::Range(low, high) => match value {
                Value::Int(n) => Some((low..=high).contains(&n)),
                Value::Bool(_) | Value::Float(_) | Value::Text(_) => Some(false),
            },
            Self::Like(parts) => value.as_text().map(|text| like(parts, text)),
            Self::AtLeast(bound) => value.as_f64().map(|x| x >= *bound),
            Self::AtMost(bound) => value.as_f64().map(|x| x <= *bound),
            Self::There(_) | Self::Any(_) | Self::Not(_) => None,
        }
    }

    /// Reads what one field must be.
    pub(super) fn read(node: &Node) -> Result<Self, Problem> {
        match node.shape() {
            Shape::Scalar { text, plain: false } => Ok(Self::Equal(Value::text(text))),
            Shape::Scalar { text, plain: true } => Self::plain(node, text),
            Shape::List(items) if items.is_empty() => Err(node.expected("at least one value")),
            Shape::List(items) => items.iter().map(Self::read).collect::<Result<_, _>>().map(Self::Any),
            Shape::Map(_) => Self::operator(node),
        }
    }

    fn plain(node: &Node, text: &str) -> Result<Self, Problem> {
        if node.is_null() {
            return Err(node
                .problem("wrong-type", "a condition needs a value")
                .with_help("write `{there: false}` for a field that must be missing"));
        }
        if let Some(flag) = node.as_boolean() {
            return Ok(Self::Equal(Value::Bool(flag)));
        }
        if let Ok(n) = text.parse::<i64>() {
            return Ok(Self::Equal(Value::Int(n)));
        }
        if let Some((low, high)) = family(text) {
            return Ok(Self::Range(low, high));
        }
        if let Some((low, high)) = text.split_once("..")
            && let (Ok(low), Ok(high)) = (low.trim().parse::<i64>(), high.trim().parse::<i64>())
        {
            if low > high {
                return Err(node.problem("out-of-range", format!("`{text}` does not run upwards")));
            }
            return Ok(Self::Range(low, high));
        }
        if let Ok(x) = text.parse::<f64>()
            && x.is_finite()
        {
            return Ok(Self::Equal(Value::Float(x)));
        }
        Ok(Self::Equal(Value::text(text)))
    }

    fn operator(node: &Node) -> Result<Self, Problem> {
        node.fields(&OPERATORS)?;
        let [(operator, value)] = node.map()? else {
            return Err(node.expected("exactly one of: not, like, at-least, at-most, there"));
        };
        match operator.scalar().unwrap_or_default() {
            "not" => Ok(Self::Not(Box::new(Self::read(value)?))),
            "like" => Ok(Self::Like(value.text()?.split('*').map(SmolStr::new).collect())),
            "at-least" => value.number().map(Self::AtLeast),
            "at-most" => value.number().map(Self::AtMost),
            _ => value.boolean().map(Self::There),
        }
    }
}

/// `7xx` is every whole number from 700 to 799.
pub(crate) fn family(text: &str) -> Option<(i64, i64)> {
    let digits = text.trim_end_matches('x');
    let wild = text.len() - digits.len();
    if wild == 0 || digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i64.checked_pow(u32::try_from(wild).ok()?)?;
    let low = digits.parse::<i64>().ok()?.checked_mul(scale)?;
    Some((low, low.checked_add(scale - 1)?))
}

/// Whether text has these parts in this order, the first at its start and the last at its end.
fn like(parts: &[SmolStr], text: &str) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.first().is_some_and(|only| only == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for part in middle {
        let Some(at) = rest.find(part.as_str()) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last.as_str())
}

impl Class {
    /// The fields without which an event is never of this class.
    pub(crate) fn needs(&self) -> impl Iterator<Item = FieldId> {
        let needed = |(_, condition): &&(FieldId, Condition)| condition.test(None) != Some(true);
        self.conditions.iter().filter(needed).map(|(field, _)| *field)
    }

    /// Whether an event that fulfils the conditions belongs to the class; `unknown` is called when its predicate could not
    /// say.
    pub(crate) fn agrees(&self, event: &Event, unknown: &mut dyn FnMut()) -> bool {
        let Some(predicate) = &self.predicate else { return true };
        match predicate.answer(&|number| event.field(*self.reads.get(number)?)) {
            Answer::Known(holds) => return holds,
            Answer::Missing => {
                unknown();
                return false;
            }
            Answer::Ask => {}
        }
        match predicate.interpreted(&|_, field| event.get(field).cloned()) {
            Truth::True => true,
            Truth::False => false,
            Truth::Unknown(_) => {
                unknown();
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_of_codes_is_a_range() {
        assert_eq!(family("7xx"), Some((700, 799)));
        assert_eq!(family("xxx"), None);
        assert_eq!(family("50x1"), None);
    }

    #[test]
    fn a_missing_field_is_neither_equal_nor_unequal() {
        let seven = Condition::Equal(Value::Int(7));
        assert_eq!(seven.test(None), None);
        assert_eq!(Condition::Not(Box::new(seven.clone())).test(None), None);
        assert_eq!(Condition::Any(vec![seven, Condition::There(false)]).test(None), Some(true));
    }

    #[test]
    fn a_template_matches_around_its_stars() {
        let parts = |s: &str| s.split('*').map(SmolStr::new).collect::<Vec<_>>();
        assert!(like(&parts("rule '*' denies '*'"), "rule 'a' denies 'b'"));
        assert!(!like(&parts("rule '*' denies"), "rule 'a' denies 'b'"));
        assert!(like(&parts("plain"), "plain"));
        assert!(!like(&parts("a*a"), "a"));
    }
}
