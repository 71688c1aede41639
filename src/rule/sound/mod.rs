//! Rules that are spelt right and cannot work: what no event can fulfil, what can never be seen together, what nothing
//! uses. Looked for when every name has its meaning, in compiled data; the nodes only say where.
//!
//! A false alarm is worse than silence, so each check claims only what is certain. Those that would blame one fault twice
//! leave out files that have another, and those that need all files wait until these are without fault.

mod cause;
mod class;
mod gives;
mod symptom;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Problem;
use crate::input::Mapping;
use crate::model::{FieldId, Schema};
use crate::predicate::Domain;
use crate::rule::class::Class;
use crate::rule::{Cause, Symptom};
use crate::yaml::{Node, Shape};

pub(super) use cause::circles;

/// All that was compiled, and where it stands.
pub(super) struct Material<'a> {
    pub(super) schema: &'a Schema,
    pub(super) quiet: &'a [Duration],
    pub(super) classes: &'a [Class],
    /// `article#class`, or `problem` for that of a pack.
    pub(super) class_names: &'a [Arc<str>],
    /// The inputs of all packs; none when a pack has no inputs, because then nobody knows what its fields can be.
    pub(super) inputs: Option<&'a [Arc<Mapping>]>,
    /// A faulty one is missing.
    pub(super) symptoms: &'a [Option<Symptom>],
    pub(super) causes: &'a [Cause],
    /// The `pack.yaml` of each pack.
    pub(super) packs: Vec<&'a Node>,
    pub(super) articles: Vec<Written<'a>>,
    /// What is wrong already.
    pub(super) faults: &'a [Problem],
}

/// A rule file.
pub(super) struct Written<'a> {
    pub(super) id: &'a str,
    /// The index of its pack.
    pub(super) pack: usize,
    pub(super) root: &'a Node,
}

/// What cannot work, in no particular order.
pub(super) fn check(material: &Material<'_>) -> Vec<Problem> {
    if material.faults.iter().any(|fault| fault.code == "duplicate-id") {
        return Vec::new(); // Ids do not say which of two is meant.
    }
    let view = View::new(material);
    let mut problems = class::check(&view);
    problems.extend(symptom::check(&view));
    problems.extend(cause::check(&view));
    problems
}

/// The material, with what all checks ask for.
struct View<'a> {
    of: &'a Material<'a>,
    articles: BTreeMap<&'a str, usize>,
    /// Keys and values of the parts of articles: by article, section and name.
    parts: BTreeMap<(&'a str, &'static str, &'a str), (&'a Node, &'a Node)>,
    /// The classes of each article.
    classes: BTreeMap<&'a str, Vec<usize>>,
    /// The first class of each name, by article.
    named: BTreeMap<(&'a str, &'a str), usize>,
    /// For each class, what its events can have in each field that it names.
    domains: Vec<BTreeMap<FieldId, Domain>>,
    faulty: BTreeSet<&'a str>,
}

impl<'a> View<'a> {
    fn new(of: &'a Material<'a>) -> Self {
        let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut named = BTreeMap::new();
        for (at, name) in of.class_names.iter().enumerate() {
            if let Some((article, part)) = name.split_once('#') {
                classes.entry(article).or_default().push(at);
                named.entry((article, part)).or_insert(at);
            }
        }
        let mut parts = BTreeMap::new();
        for article in &of.articles {
            for section in ["events", "symptoms", "causes"] {
                for (key, value) in article.root.get(section).map_or(&[][..], Node::entries) {
                    parts.insert((article.id, section, key.scalar().unwrap_or_default()), (key, value));
                }
            }
        }
        let domains = of.classes.iter().map(|class| class::domains(of, class)).collect();
        Self {
            of,
            articles: of.articles.iter().enumerate().map(|(at, article)| (article.id, at)).collect(),
            parts,
            classes,
            named,
            domains,
            faulty: of.faults.iter().map(|fault| fault.file.as_str()).collect(),
        }
    }

    /// Whether nothing is wrong anywhere so far.
    fn is_whole(&self) -> bool {
        self.of.faults.is_empty()
    }

    fn is_faulty(&self, article: &Written<'_>) -> bool {
        self.faulty.contains(article.root.file())
    }

    /// The article that an id (`article#part`) begins with.
    fn home(&self, id: &str) -> Option<&'a Written<'a>> {
        let (article, _) = id.split_once('#')?;
        self.of.articles.get(*self.articles.get(article)?)
    }

    /// Key and value of the part of this id in a section: events, symptoms, causes.
    fn entry(&self, section: &str, id: &str) -> Option<(&'a Node, &'a Node)> {
        let (article, part) = id.split_once('#')?;
        self.parts.get(&(article, section, part)).copied()
    }

    /// What an event of a class can have in a field.
    fn domain(&self, class: usize, field: FieldId) -> Domain {
        let known = self.domains.get(class).and_then(|domains| domains.get(&field));
        known.cloned().unwrap_or_else(|| gives::domain(self.of, field))
    }
}

/// A problem at `place`, with another place that is shown when it stands in the same file.
fn with_also(problem: Problem, other: &Node, label: &str) -> Problem {
    if problem.file == other.file() { problem.with_also(other.span(), label) } else { problem }
}

/// The value of the first of these keys, wherever it stands inside.
fn deep<'n>(node: &'n Node, keys: &[&str]) -> Option<&'n Node> {
    match node.shape() {
        Shape::Scalar { .. } => None,
        Shape::List(items) => items.iter().find_map(|item| deep(item, keys)),
        Shape::Map(entries) => entries
            .iter()
            .find(|(key, _)| key.scalar().is_some_and(|key| keys.contains(&key)))
            .map(|(_, value)| value)
            .or_else(|| entries.iter().find_map(|(_, value)| deep(value, keys))),
    }
}

/// The first scalar value that is this word.
fn mention<'n>(node: &'n Node, word: &str) -> Option<&'n Node> {
    match node.shape() {
        Shape::Scalar { text, .. } => (text == word).then_some(node),
        Shape::List(items) => items.iter().find_map(|item| mention(item, word)),
        Shape::Map(entries) => entries.iter().find_map(|(_, value)| mention(value, word)),
    }
}

#[cfg(test)]
mod tests;
