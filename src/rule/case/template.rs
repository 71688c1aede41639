//! An event made from its class: each condition says what its field is.

use crate::model::{Event, FieldId, Timestamp, Value};
use crate::rule::case::reader::Reader;
use crate::rule::class::{Class, Condition};
use crate::rule::names::advise;
use crate::yaml::{Node, Shape};

impl Reader<'_> {
    /// An event of the class that a node names. What is written under `fields` adds to what the class says.
    pub(super) fn event(
        &mut self,
        class: &Node,
        fields: Option<&Node>,
        subject: &[(FieldId, Option<Value>)],
    ) -> Option<Event> {
        let names = self.names;
        let id = self.class(class)?;
        let of = names.classes.get(usize::try_from(id.0).ok()?)?;
        let mut event = Event::new(names.schema, Timestamp::MIN);
        self.place(&mut event, subject);
        for (field, condition) in &of.conditions {
            event.set(
                *field,
                possible(condition).into_iter().find(|v| condition.test(v.as_ref()) == Some(true))?,
            );
        }
        for (key, value) in fields.map_or(Some(&[][..]), |fields| self.fault(fields.map()))? {
            self.set(&mut event, key, value);
        }
        for (field, id) in subject {
            event.set(*field, id.clone());
        }
        match disagreement(of, &event) {
            None => Some(event),
            Some(why) => {
                let name = class.scalar().unwrap_or_default();
                let message =
                    format!("an event made from class `{name}` does not belong to it: {}", self.say(why));
                let help = "say in `fields` what its fields must be";
                self.faults.push(class.problem("unlike-class", message).with_help(help));
                None
            }
        }
    }

    /// Levels that nobody names have a subject all the same: `pump-1`. But not those beside what is named.
    fn place(&self, event: &mut Event, subject: &[(FieldId, Option<Value>)]) {
        let schema = self.names.schema;
        let named: Vec<usize> = (0..schema.levels())
            .filter(|&level| subject.iter().any(|(field, _)| schema.level_field(level) == Some(*field)))
            .collect();
        for level in 0..schema.levels() {
            let related = |&other: &usize| {
                schema.lineage(level).contains(&other) || schema.lineage(other).contains(&level)
            };
            if let Some(field) = schema.level_field(level).filter(|_| named.iter().all(related)) {
                event.set(field, Some(Value::text(format!("{}-1", schema.name(field)))));
            }
        }
    }

    /// Sets a field as `fields:` says; one that no rule reads is left out, as a decoder would leave it.
    fn set(&mut self, event: &mut Event, key: &Node, value: &Node) {
        let name = key.scalar().unwrap_or_default();
        let schema = self.names.schema;
        let field = schema.id(name);
        let from_inputs = self.pack.known_fields.as_deref();
        let known = match from_inputs {
            Some(known) => schema.level(name).is_some() || known.iter().any(|known| known == name),
            None => field.is_some(),
        };
        if !known {
            let problem = match from_inputs {
                Some(_) => {
                    key.problem("unknown-field", format!("no input of this pack has a field `{name}`"))
                }
                None => key.problem("unknown-field", format!("no rule reads a field `{name}`")),
            };
            let all: Vec<&str> = match from_inputs {
                Some(known) => known.iter().map(String::as_str).collect(),
                None => schema.names().collect(),
            };
            self.faults.push(advise(problem, name, all));
            return;
        }
        let read = if value.is_null() { Ok(Condition::There(false)) } else { Condition::read(value) };
        let Some(condition) = self.fault(read) else { return };
        let one = match (&condition, value.shape()) {
            (Condition::There(false), _) => None,
            (Condition::Equal(value), Shape::Scalar { .. }) => Some(value.clone()),
            _ => {
                self.faults.push(value.expected("one value, or `~` for a field that is missing"));
                return;
            }
        };
        if let Some(field) = field {
            event.set(field, one);
        }
    }

    fn say(&self, why: Disagreement) -> String {
        match why {
            Disagreement::Field(field) => {
                format!("its `{}` is not as the class says", self.names.schema.name(field))
            }
            Disagreement::Where(source) => format!("its `where` does not hold (`{source}`)"),
        }
    }
}

enum Disagreement {
    Field(FieldId),
    Where(String),
}

/// Why an event does not belong to a class.
fn disagreement(class: &Class, event: &Event) -> Option<Disagreement> {
    for (field, condition) in &class.conditions {
        if condition.test(event.field(*field)) != Some(true) {
            return Some(Disagreement::Field(*field));
        }
    }
    let source = || class.predicate.as_ref().map(|predicate| predicate.source().trim().to_owned());
    if class.agrees(event, &mut || {}) { None } else { source().map(Disagreement::Where) }
}

/// Values that may fulfil a condition; `None` is a missing field.
fn possible(condition: &Condition) -> Vec<Option<Value>> {
    match condition {
        Condition::Equal(value) => vec![Some(value.clone())],
        Condition::Range(low, _) => vec![Some(Value::Int(*low))],
        Condition::Like(parts) => vec![Some(Value::text(parts.join("x")))],
        Condition::AtLeast(bound) | Condition::AtMost(bound) => vec![Some(number(*bound))],
        Condition::There(true) => vec![Some(Value::text("x"))],
        Condition::There(false) => vec![None],
        Condition::Any(options) => options.iter().flat_map(possible).collect(),
        Condition::Not(inner) => others(inner),
    }
}

/// Values that may not fulfil a condition: one beside each that does, and some that nobody means.
fn others(condition: &Condition) -> Vec<Option<Value>> {
    let beside = |value: &Value| match value {
        Value::Bool(flag) => Value::Bool(!flag),
        Value::Int(n) => Value::Int(n.saturating_add(1)),
        Value::Float(x) => Value::Float(x + 1.0),
        Value::Text(text) => Value::text(format!("{text}x")),
    };
    let mut others: Vec<Option<Value>> = match condition {
        Condition::Range(_, high) => vec![Some(Value::Int(high.saturating_add(1)))],
        Condition::AtLeast(bound) => vec![Some(number(bound - 1.0))],
        Condition::AtMost(bound) => vec![Some(number(bound + 1.0))],
        Condition::There(there) => vec![there.then(|| Value::text("x")).xor(Some(Value::text("x")))],
        Condition::Not(inner) => possible(inner),
        Condition::Any(options) => options.iter().flat_map(others).collect(),
        Condition::Equal(_) | Condition::Like(_) => Vec::new(),
    };
    others.extend(possible(condition).iter().flatten().map(|value| Some(beside(value))));
    others.extend([Some(Value::text("-")), Some(Value::Int(-1)), None]);
    others
}

/// A whole number where there is one.
fn number(x: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked on the next line")]
    let whole = x as i64;
    if Value::Int(whole) == Value::Float(x) { Value::Int(whole) } else { Value::Float(x) }
}
