//! Causes: those that can never be named, symptoms that none explains, circles.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Problem;
use crate::rule::Symptom;
use crate::rule::compile::Same;
use crate::rule::sound::{View, with_also};
use crate::yaml::Node;

pub(super) fn check(view: &View<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for cause in view.of.causes {
        let Some((key, node)) = view.entry("causes", &cause.id) else { continue };
        // What was left out of a faulty file may be what is missed here.
        if view.home(&cause.id).is_some_and(|article| view.is_faulty(article)) {
            continue;
        }
        let explained = || cause.explains.iter().filter_map(|&(at, _)| symptom(view, at));
        // A faulty symptom might be another kind of symptom than these.
        let known = explained().count() == cause.explains.len();
        // One that explains nothing has been told.
        if known && !cause.explains.is_empty() && explained().all(Symptom::is_ordinary) {
            let message = "this cause explains only what most healthy subjects show, so it is never named";
            let place = node.get("explains").unwrap_or(key);
            let problem = place.problem("ordinary-only", message);
            problems.push(problem.with_help("let it explain a symptom that is not ordinary: no `ordinary: true`, and a `background` below 0.5"));
        }
        if known {
            problems.extend(apart(view, cause.level, explained(), node));
        }
    }
    problems.extend(titles(view));
    if view.is_whole() {
        problems.extend(unexplained(view));
    }
    problems
}

fn symptom<'v>(view: &View<'v>, at: usize) -> Option<&'v Symptom> {
    view.of.symptoms.get(at)?.as_ref()
}

fn level<'v>(view: &View<'v>, level: usize) -> &'v str {
    view.of.schema.level_field(level).map_or("", |field| view.of.schema.name(field))
}

/// Symptoms of subjects that do not lie inside those on which the cause is decided.
fn apart<'v>(
    view: &View<'v>,
    decided: usize,
    explained: impl Iterator<Item = &'v Symptom>,
    node: &Node,
) -> Option<Problem> {
    let outside = |symptom: &&Symptom| !view.of.schema.lineage(symptom.level).contains(&decided);
    let outside = explained.into_iter().find(outside)?;
    let explains = node.get("explains")?;
    let (_, part) = outside.id.split_once('#')?;
    let key = explains.entry(&outside.id).or_else(|| explains.entry(part)).map_or(explains, |(key, _)| key);
    let message = format!(
        "the cause is decided on a `{}`, and a `{}` does not lie inside one",
        level(view, decided),
        level(view, outside.level)
    );
    Some(key.problem("apart-levels", message).with_help("write a cause for each of the two"))
}

/// Two causes of one pack that people cannot tell apart.
fn titles(view: &View<'_>) -> Vec<Problem> {
    let mut known: BTreeMap<(usize, String), (&str, &Node)> = BTreeMap::new();
    let mut problems = Vec::new();
    for cause in view.of.causes {
        let Some(article) = view.home(&cause.id) else { continue };
        let Some((key, node)) = view.entry("causes", &cause.id) else { continue };
        let place = node.get("title").unwrap_or(key);
        let words = cause.title.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
        match known.get(&(article.pack, words.clone())) {
            Some((first, there)) => {
                let message = format!("the cause `{first}` has the same title");
                let problem = place.problem("same-title", message);
                let help = format!("say `same-as: {first}` if it is the same, and how it differs if not");
                problems.push(with_also(problem.with_help(help), there, "the same"));
            }
            None => drop(known.insert((article.pack, words), (&cause.id, place))),
        }
    }
    problems
}

/// Symptoms that nothing makes use of.
fn unexplained(view: &View<'_>) -> Vec<Problem> {
    let explained = view.of.causes.iter().flat_map(|cause| cause.explains.iter().map(|&(at, _)| at));
    let blocking = view.of.symptoms.iter().flatten().flat_map(|symptom| symptom.unless.iter().copied());
    let used: BTreeSet<usize> = explained.chain(blocking).collect();
    let mut problems = Vec::new();
    for (at, symptom) in view.of.symptoms.iter().enumerate() {
        let Some(symptom) = symptom.as_ref().filter(|_| !used.contains(&at)) else { continue };
        let Some((key, _)) = view.entry("symptoms", &symptom.id) else { continue };
        let problem = key.problem("unexplained-symptom", "no cause explains this symptom");
        problems
            .push(problem.with_help("name it under a cause's `explains`, or in the `unless` of a symptom"));
    }
    problems
}

/// Chains of `same-as` that run in a circle, each once.
pub(in crate::rule) fn circles(same: &BTreeMap<String, Same>) -> Vec<Problem> {
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut problems = Vec::new();
    for start in same.keys() {
        let mut way: Vec<&str> = Vec::new();
        let mut at = Some(start.as_str());
        while let Some(id) = at.filter(|id| !told.contains(id)) {
            if let Some(begin) = way.iter().position(|known| *known == id) {
                problems.extend(circle(same, way.get(begin..).unwrap_or_default()));
                break;
            }
            way.push(id);
            at = same
                .get_key_value(id)
                .and_then(|(_, next)| same.get_key_value(&next.target))
                .map(|(id, _)| id.as_str());
        }
        told.extend(way);
    }
    problems
}

fn circle(same: &BTreeMap<String, Same>, ids: &[&str]) -> Option<Problem> {
    let (first, others) = ids.split_first()?;
    let place = &same.get(*first)?.place;
    let way: Vec<String> = ids.iter().chain([first]).map(|id| format!("`{id}`")).collect();
    let message = format!("`same-as` runs in a circle: {}", way.join(" → "));
    let problem = place.problem("same-as-circle", message).with_help("one of them must say what it is");
    let others = others.iter().filter_map(|id| same.get(*id));
    Some(others.fold(problem, |problem, same| with_also(problem, &same.place, "and this leads back")))
}
