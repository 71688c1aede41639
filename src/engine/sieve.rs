//! Which classes an event belongs to, without asking every class.
//!
//! What all conditions on one field say is a function of the field's value alone, and logs repeat values: the answers are
//! remembered by value, and what they come to by answers. So an event costs one look-up for each field that some class
//! tests and one more, however many classes there are.
//!
//! A predicate is a pure function of the fields that it reads. Of such a field the first few values have answers of their
//! own, and where all fields of a predicate have one, it is asked once for all events with these answers.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smol_str::SmolStr;

use crate::detector::ClassId;
use crate::engine::meter::{Metered, Stage};
use crate::model::{Event, FieldId, Value};
use crate::rule::{Class, Condition};

/// So many values of a field are remembered; a field that has more is asked again each time.
const VALUES: usize = 4_096;
/// So many values of a field that a predicate reads have answers of their own.
const ALONE: usize = 32;
/// So many combinations of answers are remembered.
const COMBINATIONS: usize = 65_536;

/// What is remembered of the questions that classes ask.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    questions: Vec<Questions>,
    /// What each class asks.
    asks: Vec<Asked>,
    // Only looked up, never iterated, as all maps here.
    verdicts: HashMap<Box<[u32]>, u32, RandomState>,
    known: Vec<Verdict>,
    answers: Vec<u32>,
}

/// Where to find what a class asks.
#[derive(Debug, Default)]
struct Asked {
    /// For each of its conditions the questions on the field, and the place among them.
    conditions: Vec<(usize, usize)>,
    /// The questions on each field that its predicate reads.
    reads: Vec<usize>,
}

/// All conditions on one field, and whether a predicate reads it.
#[derive(Debug)]
struct Questions {
    field: FieldId,
    conditions: Vec<Condition>,
    read: bool,
    texts: HashMap<SmolStr, u32, RandomState>,
    numbers: HashMap<i64, u32, RandomState>,
    flags: [Option<u32>; 2],
    missing: Option<u32>,
    /// By number.
    answers: Vec<Answer>,
    alone: usize,
}

/// Which conditions on a field hold.
#[derive(Debug)]
struct Answer {
    holds: Box<[bool]>,
    /// Whether no other value of the field is answered so.
    alone: bool,
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
        let mut places = HashMap::new();
        for class in classes {
            let mut asked = Asked::default();
            for (field, condition) in &class.conditions {
                let at = sieve.place(&mut places, *field);
                let Some(questions) = sieve.questions.get_mut(at) else { continue };
                asked.conditions.push((at, questions.conditions.len()));
                questions.conditions.push(condition.clone());
            }
            for field in &class.reads {
                let at = sieve.place(&mut places, *field);
                sieve.questions.get_mut(at).into_iter().for_each(|questions| questions.read = true);
                asked.reads.push(at);
            }
            sieve.asks.push(asked);
        }
        sieve
    }

    /// The place of the questions on a field, which are none yet where it is new.
    fn place(&mut self, places: &mut HashMap<FieldId, usize>, field: FieldId) -> usize {
        *places.entry(field).or_insert_with(|| {
            self.questions.push(Questions::new(field));
            self.questions.len() - 1
        })
    }

    /// What is known of an event by its conditions; a predicate is the caller's to ask.
    pub(super) fn ask(
        &mut self,
        classes: &[Class],
        event: &Event,
        metered: &mut Metered,
    ) -> Option<&mut Verdict> {
        self.answers.clear();
        self.answers.extend(self.questions.iter_mut().map(|questions| questions.answer(event)));
        let at = match self.verdicts.get(self.answers.as_slice()) {
            Some(&known) => usize::try_from(known).ok()?,
            None => self.learn(classes, event, metered),
        };
        self.known.get_mut(at)
    }

    /// Works out what the answers at hand come to. When too much is remembered, the last place is used again.
    fn learn(&mut self, classes: &[Class], event: &Event, metered: &mut Metered) -> usize {
        let mut verdict = Verdict::default();
        for ((id, class), asked) in (0..).map(ClassId).zip(classes).zip(&self.asks) {
            let holds = |&(at, place): &(usize, usize)| {
                self.answer(at).is_some_and(|a| a.holds.get(place) == Some(&true))
            };
            if asked.conditions.iter().all(holds) {
                let alone = |&at: &usize| self.answer(at).is_some_and(|answer| answer.alone);
                let (mut doubtful, settled) = (false, asked.reads.iter().all(alone));
                if settled && class.predicate.is_some() {
                    metered.enter(Stage::Predicate(usize::try_from(id.0).unwrap_or(usize::MAX)));
                }
                let agrees = settled && class.agrees(event, &mut || doubtful = true);
                // Each event of which it cannot be said is counted.
                if !settled || doubtful {
                    verdict.asking.push(id);
                } else if agrees {
                    verdict.classes.push(id);
                }
            }
        }
        metered.enter(Stage::Classify);
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

    /// The answer at hand to some questions.
    fn answer(&self, at: usize) -> Option<&Answer> {
        let answer = usize::try_from(*self.answers.get(at)?).ok()?;
        self.questions.get(at)?.answers.get(answer)
    }
}

impl Questions {
    fn new(field: FieldId) -> Self {
        Self {
            field,
            conditions: Vec::new(),
            read: false,
            texts: HashMap::default(),
            numbers: HashMap::default(),
            flags: [None; 2],
            missing: None,
            answers: Vec::new(),
            alone: 0,
        }
    }

    /// The number of the answer that the field of an event gives.
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
        let holds = self.conditions.iter().map(|condition| condition.test(value) == Some(true)).collect();
        let remembered = match value {
            None | Some(Value::Bool(_)) => true,
            Some(Value::Int(_)) => self.numbers.len() < VALUES,
            Some(Value::Text(_)) => self.texts.len() < VALUES,
            Some(Value::Float(_)) => false,
        };
        let alone = self.read && remembered && self.alone < ALONE;
        self.alone += usize::from(alone);
        let same = |known: &Answer| !alone && !known.alone && known.holds == holds;
        let place = self.answers.iter().position(same).unwrap_or_else(|| {
            self.answers.push(Answer { holds, alone });
            self.answers.len() - 1
        });
        let answer = u32::try_from(place).unwrap_or(u32::MAX);
        match value {
            None => self.missing = Some(answer),
            Some(Value::Bool(flag)) => {
                self.flags.get_mut(usize::from(*flag)).into_iter().for_each(|slot| *slot = Some(answer));
            }
            Some(Value::Int(number)) if remembered => {
                self.numbers.insert(*number, answer);
            }
            Some(Value::Text(text)) if remembered => {
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
    use crate::predicate::{Compiler, Predicate, Root};

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

    /// Some that say of every event whether they hold, and some that cannot always say.
    fn predicate() -> impl Strategy<Value = Option<&'static str>> {
        prop::option::of(prop::sample::select(vec![
            "event.x == 1 || event.y == \"a\"",
            "event.x > event.y",
            "event.z in [1, 2]",
            "event.y == \"ab\"",
            "event.x is missing && event.z",
        ]))
    }

    proptest! {
        #[test]
        fn it_says_what_every_class_says_for_itself(
            classes in prop::collection::vec(
                (prop::collection::vec((0usize..3, condition()), 0..4), predicate()), 1..6),
            events in prop::collection::vec(prop::collection::vec(prop::option::of(value()), 3), 1..60),
            many in any::<bool>(),
        ) {
            let mut schema = Schema::default();
            let names = ["x", "y", "z"];
            let fields: Vec<FieldId> = names.into_iter().filter_map(|name| schema.intern(name)).collect();
            let schema = Arc::new(schema);
            let compiled = |text: &str| -> Option<Predicate> {
                Compiler::new(&[]).compile(text, &[Root { name: "event", fields: None }]).ok()
            };
            let class = |(conditions, text): (Vec<(usize, Condition)>, Option<&str>)| {
                let predicate = text.and_then(compiled);
                let reads = predicate.iter().flat_map(Predicate::reads);
                let place = |name: &str| names.iter().position(|known| *known == name);
                let reads = reads.filter_map(|(_, name)| Some(fields[place(name)?])).collect();
                let conditions = conditions.into_iter().map(|(at, condition)| (fields[at], condition)).collect();
                Class { conditions, predicate, reads }
            };
            let classes: Vec<Class> = classes.into_iter().map(class).collect();
            let mut sieve = Sieve::new(&classes);
            // More values than can have answers of their own.
            let crowd = (0..80i64).filter(|_| many).map(|n| vec![Some(Value::Int(1_000 + n)); 3]);
            for values in crowd.chain(events) {
                let mut event = Event::new(&schema, Timestamp::MIN);
                fields.iter().zip(values).for_each(|(&field, value)| event.set(field, value));
                let mut doubts = Vec::new();
                let fulfils = |class: &Class| {
                    class.conditions.iter().all(|(field, c)| c.test(event.field(*field)) == Some(true))
                };
                let mut agree = |id: ClassId, class: &Class| class.agrees(&event, &mut || doubts.push(id));
                let mut expected: Vec<ClassId> = Vec::new();
                for (id, class) in (0..).map(ClassId).zip(&classes) {
                    if fulfils(class) && agree(id, class) {
                        expected.push(id);
                    }
                }
                let doubted = std::mem::take(&mut doubts);
                let verdict = sieve.ask(&classes, &event, &mut Metered::default()).cloned().unwrap_or_default();
                let mut said = verdict.classes.clone();
                for id in verdict.asking {
                    let class = &classes[usize::try_from(id.0).unwrap_or(usize::MAX)];
                    if class.agrees(&event, &mut || doubts.push(id)) {
                        said.push(id);
                    }
                }
                said.sort_unstable();
                prop_assert_eq!(said, expected);
                prop_assert_eq!(doubts, doubted);
            }
        }

        #[test]
        fn a_predicate_is_asked_once_for_all_events_with_the_same_few_values(
            values in prop::collection::vec((0i64..4, any::<bool>()), 1..40),
        ) {
            let mut schema = Schema::default();
            let fields: Vec<FieldId> = ["x", "y"].into_iter().filter_map(|name| schema.intern(name)).collect();
            let schema = Arc::new(schema);
            let root = Root { name: "event", fields: None };
            let predicate = Compiler::new(&[]).compile("event.x == 1 || event.y", &[root]).ok();
            let classes = [Class { conditions: Vec::new(), predicate, reads: fields.clone() }];
            let mut sieve = Sieve::new(&classes);
            for (x, y) in values {
                let mut event = Event::new(&schema, Timestamp::MIN);
                event.set(fields[0], Some(Value::Int(x)));
                event.set(fields[1], Some(Value::Bool(y)));
                let verdict = sieve.ask(&classes, &event, &mut Metered::default()).cloned().unwrap_or_default();
                prop_assert!(verdict.asking.is_empty());
                prop_assert_eq!(verdict.classes.len(), usize::from(x == 1 || y));
            }
        }
    }
}
