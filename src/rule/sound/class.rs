//! Event classes: those that no event can be in, those that hold the same events, those that nothing uses.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Problem;
use crate::model::FieldId;
use crate::predicate::Domain;
use crate::rule::Symptom;
use crate::rule::class::{Class, Condition};
use crate::rule::sound::gives::{self, Never};
use crate::rule::sound::{Material, View, Written, with_also};
use crate::yaml::{Node, Shape};

pub(super) fn check(view: &View<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut packs = view.of.packs.iter().filter_map(|root| root.get("problem"));
    for (at, (class, name)) in view.of.classes.iter().zip(view.of.class_names).enumerate() {
        let node = match view.home(name) {
            Some(_) => view.entry("events", name).map(|(_, node)| node),
            None => packs.next(),
        };
        if let Some(node) = node {
            let before = problems.len();
            for (field, condition) in &class.conditions {
                let name = view.of.schema.name(*field);
                if let Some(value) = node.get(name) {
                    values(view.of, *field, condition, value, &mut problems);
                }
            }
            // What is impossible by itself has been said.
            if problems.len() == before {
                problems.extend(empty(view, at, class, name, node));
            }
        }
    }
    let used = used(view);
    for article in &view.of.articles {
        problems.extend(same(view, article));
        if !view.is_faulty(article) {
            problems.extend(unused(view, &used, article));
        }
    }
    problems
}

/// What an event of a class can have in each field that the class names.
pub(super) fn domains(of: &Material<'_>, class: &Class) -> BTreeMap<FieldId, Domain> {
    let mut domains = BTreeMap::new();
    for (field, condition) in &class.conditions {
        let known = domains.remove(field).unwrap_or_else(|| gives::domain(of, *field));
        domains.insert(*field, known.and(&holds(condition)));
    }
    domains
}

/// The values of which a condition is true; never too few.
fn holds(condition: &Condition) -> Domain {
    match condition {
        Condition::Equal(value) => Domain::equal(value),
        Condition::Range(low, high) => Domain::between(*low as f64, *high as f64),
        Condition::Like(parts) => match parts.as_slice() {
            [whole] => Domain::equal(&whole.as_str().into()),
            _ => Domain::text(),
        },
        Condition::AtLeast(bound) => Domain::at_least(*bound),
        Condition::AtMost(bound) => Domain::between(f64::NEG_INFINITY, *bound),
        Condition::There(true) => Domain::present(),
        Condition::There(false) => Domain::missing(),
        Condition::Any(options) => options.iter().fold(Domain::nothing(), |all, one| all.or(&holds(one))),
        Condition::Not(inner) => fails(inner),
    }
}

/// The values of which a condition is false; never too few.
fn fails(condition: &Condition) -> Domain {
    match condition {
        Condition::There(there) => holds(&Condition::There(!there)),
        Condition::Any(options) => options.iter().fold(Domain::anything(), |all, one| all.and(&fails(one))),
        Condition::Not(inner) => holds(inner),
        Condition::Like(_) => Domain::text(),
        Condition::AtLeast(_) | Condition::AtMost(_) => Domain::number(),
        Condition::Equal(_) | Condition::Range(..) => Domain::present(),
    }
}

/// Values that no input ever gives.
fn values(of: &Material<'_>, field: FieldId, condition: &Condition, node: &Node, out: &mut Vec<Problem>) {
    match (condition, node.shape()) {
        (Condition::Any(options), Shape::List(items)) => {
            for (option, item) in options.iter().zip(items) {
                values(of, field, option, item, out);
            }
        }
        (Condition::Not(inner), Shape::Map(entries)) => {
            for (_, value) in entries {
                values(of, field, inner, value, out);
            }
        }
        (_, Shape::Map(entries)) => {
            if let [(_, value)] = entries.as_slice() {
                out.extend(gives::never(of, field, condition).map(|why| impossible(of, field, &why, value)));
            }
        }
        _ => out.extend(gives::never(of, field, condition).map(|why| impossible(of, field, &why, node))),
    }
}

fn impossible(of: &Material<'_>, field: FieldId, never: &Never, node: &Node) -> Problem {
    let value = node.scalar().unwrap_or_default();
    let name = of.schema.name(field);
    let message = format!("`{name}` is never `{value}`: {}", never.why);
    let mut problem = node.problem("impossible-value", message);
    if !never.help.is_empty() {
        problem = problem.with_help(never.help);
    }
    let written = problem.text.get(node.span()).map(str::to_owned);
    match (never.instead, written) {
        // Escapes and folded lines are left to the author.
        (Some(instead), Some(written)) if !written.contains(['\\', '\n']) => {
            problem.with_edit(node.span(), instead(&written))
        }
        _ => problem,
    }
}

/// A class whose conditions contradict each other, or its `where`.
fn empty(view: &View<'_>, at: usize, class: &Class, name: &str, node: &Node) -> Option<Problem> {
    let shown = name.split_once('#').map_or(name, |(_, part)| part);
    let message = format!("no event can be a `{shown}`");
    for (field, _) in &class.conditions {
        if view.domain(at, *field).is_empty() {
            let field = view.of.schema.name(*field);
            let place = node.get(field).unwrap_or(node);
            return Some(
                place.problem("empty-class", message).with_label(format!("`{field}` is never like this")),
            );
        }
    }
    let predicate = class.predicate.as_ref()?;
    let place = node.get("where")?;
    let domain = |field: &str| match view.of.schema.id(field) {
        Some(id) => view.domain(at, id),
        None => Domain::anything(),
    };
    // One that can never hold by itself is another's business.
    if predicate.can_hold(&|_, field| domain(field)) || !predicate.can_hold(&|_, _| Domain::anything()) {
        return None;
    }
    let problem = place.problem("empty-class", message).with_label("this never holds for such an event");
    let reads: BTreeSet<&str> = predicate.reads().map(|(_, field)| field).collect();
    let others = node.entries().iter();
    let others = others.filter(|(key, _)| key.scalar().is_some_and(|key| reads.contains(key)));
    let problem = others.fold(problem, |problem, (_, value)| with_also(problem, value, "which says this"));
    Some(problem.with_help("change one of the two, or remove what contradicts"))
}

/// A name for the events of a class: equal names, equal events.
pub(super) fn content(class: &Class) -> Option<String> {
    if class.conditions.is_empty() && class.predicate.is_none() {
        return None; // A faulty one.
    }
    let mut conditions: Vec<String> = class
        .conditions
        .iter()
        .map(|(field, condition)| format!("{}={condition:?}", field.index()))
        .collect();
    conditions.sort();
    let predicate = class.predicate.as_ref().map(|predicate| predicate.source().trim());
    Some(format!("{conditions:?} {predicate:?}"))
}

/// Whether every event of a class is one of another too; `false` when that is not certain.
pub(super) fn is_part(class: &Class, of: &Class) -> bool {
    let source =
        |class: &Class| class.predicate.as_ref().map(|predicate| predicate.source().trim().to_owned());
    let faulty = of.conditions.is_empty() && of.predicate.is_none();
    !faulty
        && of.conditions.iter().all(|condition| class.conditions.contains(condition))
        && (of.predicate.is_none() || source(class) == source(of))
}

/// The classes of an article: their numbers and where they stand.
fn own<'v>(view: &'v View<'_>, article: &Written<'_>) -> Vec<(usize, &'v Node)> {
    let key = |&at: &usize| {
        let (key, _) = view.entry("events", view.of.class_names.get(at)?)?;
        Some((at, key))
    };
    view.classes.get(article.id).map_or(&[][..], Vec::as_slice).iter().filter_map(key).collect()
}

fn same(view: &View<'_>, article: &Written<'_>) -> Vec<Problem> {
    let mut seen: BTreeMap<String, &Node> = BTreeMap::new();
    let mut problems = Vec::new();
    for (at, key) in own(view, article) {
        let Some(content) = view.of.classes.get(at).and_then(content) else { continue };
        match seen.get(&content) {
            Some(first) => {
                let name = |node: &Node| node.scalar().unwrap_or_default().to_owned();
                let message = format!("`{}` holds the same events as `{}`", name(key), name(first));
                let problem = key.problem("same-class", message);
                let problem = problem.with_help("keep one of them and use it for both");
                problems.push(with_also(problem, first, "the same"));
            }
            None => drop(seen.insert(content, key)),
        }
    }
    problems
}

/// The classes that some symptom uses.
fn used(view: &View<'_>) -> BTreeSet<usize> {
    let symptoms = view.of.symptoms.iter().flatten();
    let classes = symptoms.flat_map(|symptom| symptom.detector.classes());
    classes.filter_map(|class| usize::try_from(class.0).ok()).collect()
}

fn unused(view: &View<'_>, used: &BTreeSet<usize>, article: &Written<'_>) -> Vec<Problem> {
    let cases = article.root.get("cases");
    let mut problems = Vec::new();
    // Who knows what a symptom that was left out uses.
    let written = article.root.get("symptoms").map_or(0, |all| all.entries().len());
    let is_own = |symptom: &&Symptom| symptom.id.split_once('#').is_some_and(|(home, _)| home == article.id);
    if view.of.symptoms.iter().flatten().filter(is_own).count() < written {
        return problems;
    }
    for (at, key) in own(view, article) {
        let name = key.scalar().unwrap_or_default();
        if !used.contains(&at) && !cases.is_some_and(|cases| gives_rise(cases, name)) {
            let message = format!("no symptom uses the event class `{name}`");
            problems
                .push(key.problem("unused-class", message).with_help("use it in a `detect`, or remove it"));
        }
    }
    problems
}

/// Whether an example makes an event of this class.
pub(super) fn gives_rise(node: &Node, class: &str) -> bool {
    match node.shape() {
        Shape::Scalar { .. } => false,
        Shape::List(items) => items.iter().any(|item| gives_rise(item, class)),
        Shape::Map(entries) => entries.iter().any(|(key, value)| {
            let here = key.scalar() == Some("event")
                && value.one_or_more().iter().any(|name| name.scalar() == Some(class));
            here || gives_rise(value, class)
        }),
    }
}
