//! What rules ask of a run: fields to extract, time to remember, expressions to interpret.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::check::rank::{self, RuleCost};
use crate::model::FieldId;
use crate::predicate::Predicate;
use crate::rule::{Class, Plan};

/// What the rules of an engine ask of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Cost {
    /// The fields that decoders extract from every record; no other is looked at.
    pub fields: Vec<FieldCost>,
    /// The event classes; an event that is in none is forgotten at once.
    pub classes: Vec<ClassCost>,
    /// The symptoms, each with what it remembers of a subject.
    pub symptoms: Vec<SymptomCost>,
    /// The levels of subjects, each with what all its symptoms remember of one.
    pub levels: Vec<LevelCost>,
    /// The expressions.
    pub predicates: Vec<PredicateCost>,
    /// Classes and symptoms, the dearest first.
    pub rules: Vec<RuleCost>,
}

/// A field that decoders extract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldCost {
    /// Its name.
    pub field: String,
    /// Whether it names a level of subjects.
    pub level: bool,
    /// The classes with a condition on it.
    pub classes: Vec<Arc<str>>,
    /// The symptoms whose detectors read it.
    pub symptoms: Vec<Arc<str>>,
}

/// A class and what becomes of its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClassCost {
    /// Its name: `article#class`, or `problem` for that of a pack.
    pub class: Arc<str>,
    /// The fields on which it has a condition that needs no expression.
    pub native: Vec<String>,
    /// The symptoms that look at its events.
    pub symptoms: Vec<Arc<str>>,
    /// For how long one of them matters to a symptom at most, in seconds; zero when it is only counted.
    pub remembered: u64,
}

/// What a symptom remembers of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SymptomCost {
    /// Its id.
    pub symptom: Arc<str>,
    /// The level of its subjects.
    pub per: String,
    /// After so many seconds without events what it remembers of them is as good as nothing.
    pub remembered: u64,
    /// The most bytes that its watch holds about one subject; none when the detector does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// How many bytes come with each subject inside.
    pub bytes_per_child: usize,
}

/// What the symptoms of a level remember of one subject at most, when it shows the events of all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LevelCost {
    /// The level.
    pub level: String,
    /// How many symptoms it has.
    pub symptoms: usize,
    /// The most bytes of all their watches together.
    pub bytes: usize,
    /// How many bytes come with each subject inside.
    pub bytes_per_child: usize,
    /// Of how many symptoms the detector does not say.
    pub unsaid: usize,
}

/// An expression and when it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PredicateCost {
    /// The class or the symptom that it belongs to.
    pub of: Arc<str>,
    /// Its text.
    pub source: String,
    /// What it reads: `event.code`.
    pub reads: Vec<String>,
    /// When it is evaluated.
    pub runs: Runs,
    /// Why it needs the interpreter; none where it does not, but for what is exceptional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreted: Option<String>,
}

/// When an expression is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Runs {
    /// On every event of which the class's other conditions hold.
    OnEvents,
    /// On every event, because the class has no other condition.
    OnEveryEvent,
    /// On what a detector measured, when a subject is judged.
    OnMeasures,
}

impl Runs {
    /// When the `where` of a class is.
    pub(super) fn of(class: &Class) -> Self {
        if class.conditions.is_empty() { Self::OnEveryEvent } else { Self::OnEvents }
    }
}

/// What rules ask of a run.
pub fn cost(plan: &Plan) -> Cost {
    let symptoms = symptoms(plan);
    let levels = levels(plan, &symptoms);
    let (fields, classes, predicates) = (fields(plan), classes(plan), predicates(plan));
    Cost { fields, classes, symptoms, levels, predicates, rules: rank::rank(plan) }
}

fn fields(plan: &Plan) -> Vec<FieldCost> {
    /// Classes and symptoms.
    type Asking = (Vec<Arc<str>>, Vec<Arc<str>>);
    let mut asking: BTreeMap<FieldId, Asking> = BTreeMap::new();
    for (class, name) in plan.classes.iter().zip(&plan.class_names) {
        let reads = class.predicate.iter().flat_map(Predicate::reads);
        let read = reads.filter_map(|(_, field)| plan.schema.id(field));
        let mut fields: Vec<FieldId> = class.conditions.iter().map(|(field, _)| *field).chain(read).collect();
        fields.sort_unstable();
        fields.dedup();
        for field in fields {
            asking.entry(field).or_default().0.push(Arc::clone(name));
        }
    }
    for symptom in &plan.symptoms {
        let mut fields = symptom.reads.clone();
        fields.sort_unstable();
        fields.dedup();
        for field in fields {
            asking.entry(field).or_default().1.push(Arc::clone(&symptom.id));
        }
    }
    let field = |name: &str| {
        let (classes, symptoms) = plan.schema.id(name).and_then(|id| asking.remove(&id)).unwrap_or_default();
        FieldCost { field: name.to_owned(), level: plan.schema.level(name).is_some(), classes, symptoms }
    };
    plan.schema.names().map(field).collect()
}

fn classes(plan: &Plan) -> Vec<ClassCost> {
    let mut classes: Vec<ClassCost> = plan
        .classes
        .iter()
        .zip(&plan.class_names)
        .map(|(class, name)| ClassCost {
            class: Arc::clone(name),
            native: class.conditions.iter().map(|(field, _)| plan.schema.name(*field).to_owned()).collect(),
            symptoms: Vec::new(),
            remembered: 0,
        })
        .collect();
    for symptom in &plan.symptoms {
        for class in &symptom.classes {
            let at = usize::try_from(class.0).unwrap_or(usize::MAX);
            let Some(cost) = classes.get_mut(at) else { continue };
            cost.symptoms.push(Arc::clone(&symptom.id));
            cost.remembered = cost.remembered.max(seconds(symptom.detector.horizon()));
        }
    }
    classes
}

/// Whole seconds, rounded up.
fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_millis() > 0)
}

fn symptoms(plan: &Plan) -> Vec<SymptomCost> {
    let symptom = |symptom: &crate::rule::Symptom| SymptomCost {
        symptom: Arc::clone(&symptom.id),
        per: plan.level_of(symptom).to_owned(),
        remembered: seconds(symptom.detector.horizon()),
        bytes: Some(symptom.detector.memory()).filter(|&bytes| bytes > 0),
        bytes_per_child: symptom.detector.memory_per_child(),
    };
    plan.symptoms.iter().map(symptom).collect()
}

fn levels(plan: &Plan, symptoms: &[SymptomCost]) -> Vec<LevelCost> {
    let fields = (0..plan.schema.levels()).filter_map(|level| plan.schema.level_field(level));
    let level = |name: &str| {
        let of = || symptoms.iter().filter(|symptom| symptom.per == name);
        LevelCost {
            level: name.to_owned(),
            symptoms: of().count(),
            bytes: of().filter_map(|symptom| symptom.bytes).sum(),
            bytes_per_child: of().map(|symptom| symptom.bytes_per_child).sum(),
            unsaid: of().filter(|symptom| symptom.bytes.is_none()).count(),
        }
    };
    fields.map(|field| level(plan.schema.name(field))).collect()
}

fn predicates(plan: &Plan) -> Vec<PredicateCost> {
    let of = |of: &Arc<str>, predicate: &Predicate, runs| PredicateCost {
        of: Arc::clone(of),
        source: predicate.source().trim().to_owned(),
        reads: predicate.reads().map(|(root, field)| format!("{root}.{field}")).collect(),
        runs,
        interpreted: predicate.interpreted_because().map(str::to_owned),
    };
    let classes = plan
        .classes
        .iter()
        .zip(&plan.class_names)
        .filter_map(|(class, name)| Some(of(name, class.predicate.as_ref()?, Runs::of(class))));
    let symptoms = plan
        .symptoms
        .iter()
        .filter_map(|symptom| Some(of(&symptom.id, symptom.when.as_ref()?, Runs::OnMeasures)));
    classes.chain(symptoms).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::pack::Pack;

    fn of(article: &str) -> Cost {
        let pack = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: unit, quiet: 24h}]\nproblem: {code: {there: true}}\n";
        let pack = Pack::from_texts([("pack.yaml", pack), ("a.yaml", article)]);
        let engine = Engine::builder().pack(pack).build().unwrap_or_else(|error| panic!("{error}"));
        cost(engine.plan())
    }

    const ARTICLE: &str = "etiolog: 1
article: a
title: A
events:
  drop: {code: 7, where: 'event.mode == \"x\" && event.code > 1'}
  any: {where: 'event.ok'}
symptoms:
  few: {title: T, per: unit, detect: {count: {event: drop, at-least: 3, within: 90m}}, when: count.events > 4}
  many: {title: T, per: unit, detect: {count: {event: drop, at-least: 9, within: 12h}}}
  one: {title: T, per: unit, detect: {occurrence: {event: any}}}
causes:
  c: {title: C, severity: info, explains: {few: often, many: often, one: seldom}}
";

    #[test]
    fn every_field_says_who_asks_for_it() {
        let cost = of(ARTICLE);
        let rows: Vec<String> =
            cost.fields.iter().map(|f| format!("{} {} {:?}", f.field, f.level, f.classes)).collect();
        assert_eq!(
            rows,
            [
                "unit true []",
                "code false [\"problem\", \"a#drop\"]",
                "ok false [\"a#any\"]",
                "mode false [\"a#drop\"]"
            ]
        );
    }

    #[test]
    fn a_class_is_remembered_as_long_as_the_symptom_that_looks_back_furthest() {
        let cost = of(ARTICLE);
        let rows: Vec<(&str, u64, usize)> =
            cost.classes.iter().map(|c| (&*c.class, c.remembered, c.symptoms.len())).collect();
        assert_eq!(rows, [("problem", 0, 0), ("a#any", 0, 1), ("a#drop", 43_200, 2)]);
    }

    #[test]
    fn a_level_is_what_its_symptoms_are_together() {
        let cost = of(ARTICLE);
        let bytes: Vec<usize> = cost.symptoms.iter().filter_map(|symptom| symptom.bytes).collect();
        assert!(bytes.len() == 3 && bytes.iter().all(|&bytes| bytes > 0), "{bytes:?}");
        assert!(bytes[1] > bytes[0], "nine events take more than three");
        let levels: Vec<_> = cost.levels.iter().map(|l| (l.level.as_str(), l.bytes, l.unsaid)).collect();
        assert_eq!(levels, [("unit", bytes.iter().sum(), 0)]);
    }

    #[test]
    fn every_expression_says_what_it_reads_and_when_it_runs() {
        let cost = of(ARTICLE);
        let rows: Vec<(&str, String, Runs)> =
            cost.predicates.iter().map(|p| (&*p.of, p.reads.join(" "), p.runs)).collect();
        assert_eq!(
            rows,
            [
                ("a#any", "event.ok".to_owned(), Runs::OnEveryEvent),
                ("a#drop", "event.mode event.code".to_owned(), Runs::OnEvents),
                ("a#few", "count.events".to_owned(), Runs::OnMeasures),
            ]
        );
    }
}
