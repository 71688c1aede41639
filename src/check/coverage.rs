//! What the cases have seen of the rules: each condition holding, and each not holding.
//!
//! Computed beside the engine, not in it: classes are asked again for every event of the cases, the rest is read from
//! traces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::engine::SymptomTrace;
use crate::model::{Diagnosis, Event};
use crate::predicate::Truth;
use crate::rule::{Class, Place, Plan};

/// What the cases have seen of the rules.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Coverage {
    /// Every condition, in the order of the rules: classes first, then symptoms.
    pub conditions: Vec<Condition>,
    /// Every cause, and whether it was ever on top. Not part of the share.
    pub causes: Vec<CauseCoverage>,
}

impl Coverage {
    /// How many of the answers (two of each condition: yes and no) were seen, and how many there are.
    pub fn answers(&self) -> (usize, usize) {
        let seen = self.conditions.iter().map(|c| usize::from(c.held) + usize::from(c.failed)).sum();
        (seen, self.conditions.len() * 2)
    }

    /// The share of the answers that were seen, in whole percent, rounded down: 100 is all of them.
    pub fn percent(&self) -> u64 {
        let (seen, all) = self.answers();
        (seen as u64 * 100).checked_div(all as u64).unwrap_or(100)
    }

    /// The conditions of which an answer was not seen.
    pub fn missing(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|condition| !(condition.held && condition.failed))
    }
}

/// One condition of a rule.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Condition {
    /// `article#class` or `article#symptom`.
    pub id: Arc<str>,
    /// What kind of condition it is.
    pub part: Part,
    /// The field, for a condition of an event class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Arc<str>>,
    /// Whether it was seen to hold.
    pub held: bool,
    /// Whether it was seen not to hold.
    pub failed: bool,
    /// The file in which it stands.
    pub file: String,
    /// The line at which it stands.
    pub line: usize,
}

/// A kind of condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Part {
    /// What a field must be, in an event class.
    Field,
    /// The expression of an event class.
    Where,
    /// What a symptom's detector looks for.
    Detect,
    /// The expression over what it measured.
    When,
    /// That none of the symptoms to which it gives way is present.
    Unless,
}

/// Whether a cause was ever on top.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CauseCoverage {
    /// `article#cause`.
    pub id: Arc<str>,
    /// Whether a diagnosis of some case names it.
    pub on_top: bool,
}

/// The answers seen so far.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    held: bool,
    failed: bool,
}

impl Answers {
    fn see(&mut self, answer: Option<bool>) {
        self.held |= answer == Some(true);
        self.failed |= answer == Some(false);
    }
}

/// What is collected while cases are played.
pub(super) struct Seen {
    classes: Vec<ClassSeen>,
    symptoms: BTreeMap<Arc<str>, SymptomSeen>,
    tops: BTreeSet<Arc<str>>,
}

struct ClassSeen {
    class: Class,
    conditions: Vec<Answers>,
    predicate: Answers,
}

#[derive(Default)]
struct SymptomSeen {
    occurrence: bool,
    detect: Answers,
    when: Answers,
    unless: Answers,
}

impl Seen {
    pub(super) fn new(plan: &Plan) -> Self {
        let class = |class: &Class| ClassSeen {
            class: class.clone(),
            conditions: vec![Answers::default(); class.conditions.len()],
            predicate: Answers::default(),
        };
        let symptoms = plan.symptoms().iter().map(|symptom| {
            let seen = SymptomSeen { occurrence: symptom.kind == "occurrence", ..SymptomSeen::default() };
            (Arc::clone(&symptom.id), seen)
        });
        Self {
            classes: plan.classes.iter().map(class).collect(),
            symptoms: symptoms.collect(),
            tops: BTreeSet::new(),
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        for seen in &mut self.classes {
            let mut all = true;
            for ((field, condition), answers) in seen.class.conditions.iter().zip(&mut seen.conditions) {
                let answer = condition.test(event.field(*field));
                answers.see(answer);
                all &= answer == Some(true);
            }
            // The expression is only asked of events that fulfil the rest.
            if all && seen.class.predicate.is_some() {
                let mut unknown = false;
                let answer = seen.class.agrees(event, &mut || unknown = true);
                seen.predicate.see((!unknown).then_some(answer));
            }
        }
    }

    pub(super) fn trace(&mut self, trace: &SymptomTrace) {
        let Some(seen) = self.symptoms.get_mut(&trace.id) else { return };
        // That a detector which saw nothing found nothing proves nothing; but one event is all that an occurrence asks
        // for, so others must do.
        if trace.events > 0 || seen.occurrence {
            seen.detect.see(Some(trace.found.is_present()));
        }
        // What was found and is over by now was found all the same.
        seen.detect.held |=
            trace.status.is_present() || trace.when.as_ref().is_some_and(|w| w.answer.is_some());
        if let Some(when) = &trace.when {
            seen.when.see(match when.answer {
                Some(Truth::True) => Some(true),
                Some(Truth::False) => Some(false),
                Some(Truth::Unknown(_)) | None => None,
            });
        }
        if trace.status.is_present() || !trace.blocked_by.is_empty() {
            seen.unless.see(Some(trace.blocked_by.is_empty()));
        }
    }

    pub(super) fn diagnoses(&mut self, diagnoses: &[Diagnosis]) {
        self.tops.extend(diagnoses.iter().map(|diagnosis| Arc::clone(&diagnosis.verdict)));
    }

    pub(super) fn into_coverage(self, plan: &Plan) -> Coverage {
        let mut coverage = Coverage::default();
        let mut add = |id: &Arc<str>, part, field: Option<&str>, answers: Answers, place: Option<&Place>| {
            coverage.conditions.push(Condition {
                id: Arc::clone(id),
                part,
                field: field.map(Arc::from),
                held: answers.held,
                failed: answers.failed,
                file: place.map_or("", Place::file).to_owned(),
                line: place.map_or(0, Place::line),
            });
        };
        for (seen, name) in self.classes.iter().zip(&plan.class_names) {
            // What a pack means by a problem belongs to no rule.
            let Some((article, class)) = name.split_once('#') else { continue };
            let place = |field: &str| plan.places.get(&format!("{article}#class#{class}#{field}"));
            for ((field, _), answers) in seen.class.conditions.iter().zip(&seen.conditions) {
                let field = plan.schema.name(*field);
                add(name, Part::Field, Some(field), *answers, place(field));
            }
            if seen.class.predicate.is_some() {
                add(name, Part::Where, None, seen.predicate, place("where"));
            }
        }
        for symptom in plan.symptoms() {
            let Some(seen) = self.symptoms.get(&symptom.id) else { continue };
            let place = |part: &str| plan.places.get(&format!("{}#{part}", symptom.id));
            add(&symptom.id, Part::Detect, None, seen.detect, place("detect"));
            if symptom.when().is_some() {
                add(&symptom.id, Part::When, None, seen.when, place("when"));
            }
            if !symptom.unless.is_empty() {
                add(&symptom.id, Part::Unless, None, seen.unless, place("unless"));
            }
        }
        let cause = |id: &Arc<str>| CauseCoverage { id: Arc::clone(id), on_top: self.tops.contains(id) };
        coverage.causes = plan.causes().iter().map(|plan| cause(&plan.id)).collect();
        coverage
    }
}
