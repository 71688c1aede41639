//! Which classes an event belongs to, without asking every class.
//!
//! What all conditions on one field say is a function of the field's value alone, and logs repeat values: the answers are
//! remembered by value, and what they come to by answers. So an event costs one look-up for each field that some class
//! tests and one more, however many classes there are.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smol_str::SmolStr;

use crate::detector::ClassId;
use crate::model::{Event, FieldId, Value};
use crate::rule::{Class, Condition};

/// So many values of a field are remembered; a field that has more is asked again each time.
const VALUES: usize = 4_096;
/// So many combinations of answers are remembered.
const COMBINATIONS: usize = 65_536;

/// What is remembered of the questions that classes ask.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    questions: Vec<Questions>,
    // Only looked up, never iterated, as all maps here.
    verdicts: HashMap<Box<[u32]>, u32, RandomState>,
    known: Vec<Verdict>,
    answers: Vec<u32>,
}

/// All conditions on one field.
#[derive(Debug)]
struct Questions {
    field: FieldId,
    conditions: Vec<Condition>,
    texts: HashMap<SmolStr, u32, RandomState>,
    numbers: HashMap<i64, u32, RandomState>,
    flags: [Option<u32>; 2],
    missing: Option<u32>,
    /// For each different set of conditions that hold, which these are; a set's place is its number.
    sets: Vec<Box<[bool]>>,
}

/// What some answers come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// The classes that hold, ascending, and those that hold if their predicate does.
    pub(super) classes: Vec<ClassId>,
    pub(super) asking: Vec<ClassId>,
    /// The signature of these classes, once it is known.
    pub(super) signature: Option<u32>,
}

impl Sieve {
    pub(super) fn new(classes: &[Class]) -> Self {
        let mut sieve = Self::default();
        for (field, condition) in classes.iter().flat_map(|class| &class.conditions) {
            let place = sieve.questions.iter().position(|known| known.field == *field);
            let place = place.unwrap_or_else(|| {
                sieve.questions.push(Questions::new(*field));
                sieve.questions.len() - 1
            });
            if let Some(questions) = sieve.questions.get_mut(place)
                && !questions.conditions.contains(condition)
            {
                questions.conditions.push(condition.clone());
            }
        }
        sieve
    }

    /// What is known of an event by its conditions; a predicate is the caller's to ask.
    pub(super) fn ask(&mut self, classes: &[Class], event: &Event) -> Option<&mut Verdict> {
        self.answers.clear();
        self.answers.extend(self.questions.iter_mut().map(|questions| questions.answer(event)));
        let at = match self.verdicts.get(self.answers.as_slice()) {
            Some(&known) => usize::try_from(known).ok()?,
            None => self.learn(classes),
        };
        self.known.get_mut(at)
    }

    /// Works out what the answers at hand come to. When too much is remembered, the last place is used again.
    fn learn(&mut self, classes: &[Class]) -> usize {
        let mut verdict = Verdict::default();
        for (id, class) in (0..).map(ClassId).zip(classes) {
            if class.conditions.iter().all(|(field, condition)| self.holds(*field, condition)) {
                match class.predicate {
                    None => verdict.classes.push(id),
                    Some(_) => verdict.asking.push(id),
                }
            }
        }
        if self.known.len() > COMBINATIONS {
            self.known.pop();
        } else if let Ok(number) = u32::try_from(self.known.len())
            && self.known.len() < COMBINATIONS
        {
            self.verdicts.insert(self.answers.as_slice().into(), number);
        }
        self.known.push(verdict);
        self.known.len() - 1
    }

    fn holds(&self, field: FieldId, condition: &Condition) -> bool {
        let mut asked = self.questions.iter().zip(&self.answers);
        let asked = asked.find(|(questions, _)| questions.field == field);
        asked.is_some_and(|(questions, &answer)| {
            let place = questions.conditions.iter().position(|known| known == condition);
            let set = usize::try_from(answer).ok().and_then(|answer| questions.sets.get(answer));
            place.is_some_and(|place| set.is_some_and(|set| set.get(place) == Some(&true)))
        })
    }
}

impl Questions {
    fn new(field: FieldId) -> Self {
        Self {
            field,
            conditions: Vec::new(),
            texts: HashMap::default(),
            numbers: HashMap::default(),
            flags: [None; 2],
            missing: None,
            sets: Vec::new(),
        }
    }

    /// The number of the set of conditions that an event's field fulfils.
    fn answer(&mut self, event: &Event) -> u32 {
        let value = event.field(self.field);
        let known = match value {
            None => self.missing,
            Some(Value::Bool(flag)) => self.flags.get(usize::from(*flag)).copied().flatten(),
            Some(Value::Int(number)) => self.numbers.get(number).copied(),
            Some(Value::Text(text)) => self.texts.get(text.as_str()).copied(),
            Some(Value::Float(_)) => None,
        };
        known.unwrap_or_else(|| self.test(value))
    }

    fn test(&mut self, value: Option<&Value>) -> u32 {
        let set = self.conditions.iter().map(|condition| condition.test(value) == Some(true)).collect();
        let known = self.sets.iter().position(|known| *known == set);
        let place = known.unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        let answer = u32::try_from(place).unwrap_or(u32::MAX);
        match value {
            None => self.missing = Some(answer),
            Some(Value::Bool(flag)) => {
                self.flags.get_mut(usize::from(*flag)).into_iter().for_each(|slot| *slot = Some(answer));
            }
            Some(Value::Int(number)) if self.numbers.len() < VALUES => {
                self.numbers.insert(*number, answer);
            }
            Some(Value::Text(text)) if self.texts.len() < VALUES => {
                self.texts.insert(text.clone(), answer);
            }
            Some(Value::Int(_) | Value::Text(_) | Value::Float(_)) => {}
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{Schema, Timestamp};

    fn condition() -> impl Strategy<Value = Condition> {
        let simple = prop_oneof![
            value().prop_map(Condition::Equal),
            (-2i64..3, 0i64..3).prop_map(|(low, more)| Condition::Range(low, low + more)),
            prop::sample::select(vec!["a*", "*b", "*"])
                .prop_map(|text| Condition::Like(text.split('*').map(SmolStr::new).collect())),
            (-2i64..3).prop_map(|n| Condition::AtLeast(n as f64)),
            (-2i64..3).prop_map(|n| Condition::AtMost(n as f64)),
            any::<bool>().prop_map(Condition::There),
        ];
        simple.prop_recursive(2, 6, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::Any),
                inner.prop_map(|inner| Condition::Not(Box::new(inner))),
            ]
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            (-3i64..4).prop_map(Value::Int),
            prop::sample::select(vec![-1.0, 0.5, 2.0]).prop_map(Value::Float),
            prop::sample::select(vec!["a", "ab", "b", "1"]).prop_map(Value::from),
        ]
    }

    proptest! {
        #[test]
        fn it_says_what_every_class_says_for_itself(
            classes in prop::collection::vec(prop::collection::vec((0usize..3, condition()), 1..4), 1..6),
            events in prop::collection::vec(prop::collection::vec(prop::option::of(value()), 3), 1..30),
        ) {
            let mut schema = Schema::default();
            let fields: Vec<FieldId> = ["x", "y", "z"].into_iter().filter_map(|name| schema.intern(name)).collect();
            let schema = Arc::new(schema);
            let class = |conditions: Vec<(usize, Condition)>| Class {
                conditions: conditions.into_iter().map(|(field, condition)| (fields[field], condition)).collect(),
                predicate: None,
                reads: Vec::new(),
            };
            let classes: Vec<Class> = classes.into_iter().map(class).collect();
            let mut sieve = Sieve::new(&classes);
            for values in events {
                let mut event = Event::new(&schema, Timestamp::MIN);
                fields.iter().zip(values).for_each(|(&field, value)| event.set(field, value));
                let expected: Vec<ClassId> = (0..)
                    .map(ClassId)
                    .zip(&classes)
                    .filter(|(_, class)| {
                        let mut conditions = class.conditions.iter();
                        conditions.all(|(field, condition)| condition.test(event.field(*field)) == Some(true))
                    })
                    .map(|(id, _)| id)
                    .collect();
                let verdict = sieve.ask(&classes, &event).cloned().unwrap_or_default();
                prop_assert_eq!(verdict.classes, expected);
                prop_assert!(verdict.asking.is_empty());
            }
        }
    }
}
