//! What each rule costs by its structure, the dearest first.
//!
//! A rule costs what it does on events that are nobody's trouble: an expression that runs on every event costs more than a
//! detector that is told of some, and that more than one that sleeps. How often its events come, only a log can say.

use std::sync::Arc;

use serde::Serialize;

use crate::check::cost::Runs;
use crate::detector::ClassId;
use crate::model::FieldId;
use crate::predicate::Predicate;
use crate::rule::{Class, Condition, Plan, Symptom, Wakeful};

/// A class or a symptom, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleCost {
    /// `article#class` or `article#symptom`.
    pub rule: Arc<str>,
    /// A class or a symptom.
    pub kind: RuleKind,
    /// How dear it is; those of one band stand together.
    pub band: Band,
    /// Of a symptom the classes that it asks about; of a class the symptoms that ask about it.
    pub asks: Vec<Arc<str>>,
    /// When its expression is evaluated, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Runs>,
    /// Why its expression needs the interpreter, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreted: Option<String>,
    /// The conditions of a class that need no expression.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionCost>,
    /// For a symptom that may sleep on a subject: of each group one event must come to wake it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wakes: Option<Vec<Vec<Arc<str>>>>,
    /// The most bytes that a symptom holds about one subject, where its detector says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// How many bytes come with each subject inside.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes_per_child: usize,
    /// Why it stands in this band.
    pub reason: String,
    /// What makes it cheaper, where something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// An event class.
    Class,
    /// A symptom.
    Symptom,
}

/// How dear a rule is, the dearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Band {
    /// An expression is interpreted on every event.
    InterpretedOnEveryEvent,
    /// An expression is interpreted on the events that fulfil the class's other conditions.
    InterpretedOnSomeEvents,
    /// A detector is told of each event of its classes, on every subject.
    Awake,
    /// A detector is told of events only once what it waits for has come.
    Sleeps,
    /// An expression that needs no interpreter is asked of events.
    Expression,
    /// Conditions alone: answers are remembered by value, for all classes together.
    ByValue,
}

/// A condition on one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConditionCost {
    /// The field.
    pub field: String,
    /// Whether it names its values (`7`, `[7, 8]`, `7xx`), so that all others are left out.
    pub selects: bool,
}

/// All rules, the dearest first.
pub(super) fn rank(plan: &Plan) -> Vec<RuleCost> {
    let classes = plan.classes.iter().zip(&plan.class_names).zip((0..).map(ClassId));
    let classes = classes.map(|((class, name), id)| of_class(plan, class, name, id));
    let mut rules: Vec<RuleCost> =
        classes.chain(plan.symptoms.iter().map(|symptom| of_symptom(plan, symptom))).collect();
    let selecting = |rule: &RuleCost| rule.conditions.iter().filter(|condition| condition.selects).count();
    rules.sort_by(|a, b| {
        let by_memory = || b.bytes.cmp(&a.bytes).then_with(|| a.rule.cmp(&b.rule));
        a.band.cmp(&b.band).then_with(|| selecting(a).cmp(&selecting(b))).then_with(by_memory)
    });
    rules
}

fn of_class(plan: &Plan, class: &Class, name: &Arc<str>, id: ClassId) -> RuleCost {
    let asking = plan.symptoms.iter().filter(|symptom| symptom.classes.contains(&id));
    let condition = |(field, condition): &(FieldId, Condition)| ConditionCost {
        field: plan.schema.name(*field).to_owned(),
        selects: selects(condition),
    };
    let conditions: Vec<ConditionCost> = class.conditions.iter().map(condition).collect();
    let runs = class.predicate.as_ref().map(|_| Runs::of(class));
    let selected = conditions.iter().any(|condition| condition.selects);
    let fields = || names(conditions.iter().map(|condition| condition.field.as_str()));
    let interpreted = class.predicate.as_ref().and_then(Predicate::interpreted_because);
    let (band, reason, hint) = match (runs, interpreted) {
        (Some(Runs::OnEveryEvent), None) => (
            Band::Expression,
            "its `where` is asked of every event, without the interpreter".to_owned(),
            None,
        ),
        (Some(_), None) => {
            let asked = format!("its `where` is asked of each event that fulfils {}", fields());
            (Band::Expression, format!("{asked}, without the interpreter"), None)
        }
        (Some(Runs::OnEveryEvent), Some(why)) => (
            Band::InterpretedOnEveryEvent,
            format!("its `where` is interpreted on every event, because {why}"),
            Some("give it a condition beside `where`, such as `code: [7, 8]`: that is asked first"),
        ),
        (Some(_), Some(why)) => (
            Band::InterpretedOnSomeEvents,
            format!("its `where` is interpreted on each event that fulfils {}, because {why}", fields()),
            Some(if selected {
                "what compares one field with values may be a condition of its own, without an expression"
            } else {
                "no condition names its values: one that does leaves the expression fewer events"
            }),
        ),
        (None, _) => (Band::ByValue, format!("found by the values of {}", fields()), None),
    };
    RuleCost {
        rule: Arc::clone(name),
        kind: RuleKind::Class,
        band,
        asks: asking.map(|symptom| Arc::clone(&symptom.id)).collect(),
        runs,
        interpreted: interpreted.map(str::to_owned),
        conditions,
        wakes: None,
        bytes: None,
        bytes_per_child: 0,
        reason,
        hint: hint.map(str::to_owned),
    }
}

fn of_symptom(plan: &Plan, symptom: &Symptom) -> RuleCost {
    let name = |id: &ClassId| plan.class_name(*id).map(Arc::clone);
    let (band, wakes, reason) = match plan.waking(symptom) {
        Ok(groups) => {
            let groups: Vec<Vec<Arc<str>>> =
                groups.iter().map(|group| group.iter().filter_map(name).collect()).collect();
            let each: Vec<String> =
                groups.iter().map(|group| names(group.iter().map(|name| &**name))).collect();
            let until = if each.is_empty() { "an event comes".to_owned() } else { each.join(" and ") };
            (Band::Sleeps, Some(groups), format!("sleeps on a subject until it has shown {until}"))
        }
        Err(why) => {
            let why = match why {
                Wakeful::HoldsOthers => "others lie in its subjects",
                Wakeful::ReadsFields => "its detector reads fields of its events",
                Wakeful::Detector => "its detector has to see them as they come",
            };
            (Band::Awake, None, format!("is told of each of its events, because {why}"))
        }
    };
    RuleCost {
        rule: Arc::clone(&symptom.id),
        kind: RuleKind::Symptom,
        band,
        asks: symptom.classes.iter().filter_map(name).collect(),
        runs: symptom.when.as_ref().map(|_| Runs::OnMeasures),
        interpreted: symptom.when.as_ref().and_then(Predicate::interpreted_because).map(str::to_owned),
        conditions: Vec::new(),
        wakes,
        bytes: Some(symptom.detector.memory()).filter(|&bytes| bytes > 0),
        bytes_per_child: symptom.detector.memory_per_child(),
        reason,
        hint: None,
    }
}

/// Whether a condition names what it wants.
fn selects(condition: &Condition) -> bool {
    match condition {
        Condition::Equal(_) | Condition::Range(..) => true,
        Condition::Any(options) => options.iter().all(selects),
        Condition::Like(_)
        | Condition::AtLeast(_)
        | Condition::AtMost(_)
        | Condition::There(_)
        | Condition::Not(_) => false,
    }
}

/// `` `a`, `b`, `c` ``, each once.
fn names<'a>(of: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = of.map(|name| format!("`{name}`")).collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::pack::Pack;

    use crate::model::Value;
    use crate::plugin::Registry;
    use crate::predicate::Function;

    const PACK: &str = "etiolog: 1
pack: p
title: P
version: '1'
subjects: [{name: site, quiet: 24h}, {name: unit, in: site, quiet: 24h}]
";
    const ARTICLE: &str = "etiolog: 1
article: a
title: A
events:
  all: {where: 'odd(event.size)'}
  odd: {code: {there: true}, where: 'odd(event.code)'}
  free: {code: {there: true}, where: 'event.code % 2 == 1'}
  even: {code: [8, 7xx], where: 'odd(event.size)'}
  plain: {code: 9}
  begin: {word: begin}
  end: {word: end}
symptoms:
  few: {title: T, per: unit, detect: {count: {event: odd, at-least: 3, within: 90m}}, when: count.events > 4}
  many: {title: T, per: unit, detect: {count: {event: all, at-least: 9, within: 12h}}}
  life: {title: T, per: unit, detect: {session: {opens: begin, closes: end, at-least: 2}}}
  wide: {title: T, per: site, detect: {distinct: {event: plain, of: unit, at-least: 3, within: 5m}}}
  once: {title: T, per: unit, detect: {occurrence: {event: even}}}
  other: {title: T, per: unit, detect: {occurrence: {event: free}}}
causes:
  c: {title: C, severity: info, explains: {few: often, many: often, life: seldom, wide: seldom, once: seldom, other: seldom}}
";

    fn ranked() -> Vec<RuleCost> {
        let pack = Pack::from_texts([("pack.yaml", PACK), ("a.yaml", ARTICLE)]);
        let odd =
            Function::new("odd", 1, |args| Ok(Value::Bool(matches!(args, [Value::Int(n)] if n % 2 == 1))));
        let mut registry = Registry::builtin();
        registry.function(odd.unwrap_or_else(|error| panic!("{error}")));
        let engine =
            Engine::builder().registry(registry).pack(pack).build().unwrap_or_else(|error| panic!("{error}"));
        rank(engine.plan())
    }

    #[test]
    fn what_runs_on_every_event_comes_first_and_what_is_looked_up_last() {
        let ranked = ranked();
        assert!(ranked.is_sorted_by_key(|rule| rule.band));
        let of = |band: Band| {
            let rules = ranked.iter().filter(|rule| rule.band == band);
            let mut names: Vec<&str> = rules.map(|rule| &*rule.rule).collect();
            names.sort_unstable();
            names.join(" ")
        };
        assert_eq!(of(Band::InterpretedOnEveryEvent), "a#all");
        assert_eq!(of(Band::InterpretedOnSomeEvents), "a#even a#odd");
        assert_eq!(of(Band::Awake), "a#few a#many a#once a#other a#wide");
        assert_eq!(of(Band::Sleeps), "a#life");
        assert_eq!(of(Band::Expression), "a#free");
        assert_eq!(of(Band::ByValue), "a#begin a#end a#plain");
        let place = |name: &str| ranked.iter().position(|rule| &*rule.rule == name);
        assert!(place("a#odd") < place("a#even"), "what names no values comes first");
        assert!(place("a#many") < place("a#few"), "nine events take more than three");
    }

    #[test]
    fn every_rule_says_who_asks_and_why_it_stands_there() {
        let ranked = ranked();
        let of =
            |name: &str| ranked.iter().find(|rule| &*rule.rule == name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(of("a#odd").asks, ["a#few".into()]);
        assert_eq!(of("a#wide").asks, ["a#plain".into()]);
        assert_eq!(
            of("a#odd").reason,
            "its `where` is interpreted on each event that fulfils `code`, because it calls `odd`, a function of a plugin"
        );
        assert_eq!(of("a#free").interpreted, None);
        assert!(
            of("a#free").reason.ends_with("fulfils `code`, without the interpreter"),
            "{}",
            of("a#free").reason
        );
        assert!(of("a#odd").hint.as_ref().is_some_and(|hint| hint.contains("names its values")));
        assert!(of("a#even").hint.as_ref().is_some_and(|hint| hint.contains("condition of its own")));
        assert!(of("a#wide").reason.ends_with("others lie in its subjects"), "{}", of("a#wide").reason);
        assert!(of("a#wide").bytes_per_child > 0);
        let life = of("a#life");
        assert_eq!(life.wakes, Some(vec![vec!["a#begin".into()], vec!["a#end".into()]]));
        assert_eq!(life.reason, "sleeps on a subject until it has shown `a#begin` and `a#end`");
        assert_eq!(of("a#few").runs, Some(Runs::OnMeasures));
    }
}
