//! Which variant of a schema a node was meant to be.

use serde_json::Value;

use crate::error::{Problem, did_you_mean};
use crate::yaml::node::{Node, Reads, Shape};
use crate::yaml::shape::{Walk, allows, required, variants};
use crate::yaml::words;

/// Takes a node for the variant that fits best by its kind and its keys, and tells what is wrong with it as such.
pub(super) fn choose<'a>(walk: &mut Walk<'a>, node: Node, schema: &'a Value) -> Option<Node> {
    let all = flat(walk, schema);
    let kind = match node.shape() {
        Shape::Scalar { .. } => return scalar(walk, node, schema, &all),
        Shape::List(_) => "array",
        Shape::Map(_) => "object",
    };
    let fitting = all.iter().filter(|variant| words::known(variant).is_none() && allows(variant, kind));
    if let Some(problem) = unlike_all(&node, &fitting.clone().copied().collect::<Vec<_>>()) {
        return walk.refuse(problem);
    }
    // Of equally good ones the first.
    match fitting.rev().max_by_key(|variant| likeness(&node, variant)) {
        Some(variant) => walk.node(node, variant),
        None => {
            let expected = words::describe(walk, schema);
            walk.refuse(node.expected(&expected))
        }
    }
}

/// All variants, also those of variants.
pub(super) fn flat<'a>(walk: &Walk<'a>, schema: &'a Value) -> Vec<&'a Value> {
    let mut all = Vec::new();
    flatten(walk, schema, 0, &mut all);
    all
}

fn flatten<'a>(walk: &Walk<'a>, schema: &'a Value, depth: usize, all: &mut Vec<&'a Value>) {
    let schema = walk.resolve(schema);
    if variants(schema).next().is_none() || schema.get("properties").is_some() || depth > 8 {
        return all.push(schema);
    }
    for variant in variants(schema) {
        flatten(walk, variant, depth + 1, all);
    }
}

/// A mapping whose keys are unlike those of every variant.
fn unlike_all<'a>(node: &Node, variants: &[&'a Value]) -> Option<Problem> {
    let properties = |variant: &'a Value| variant.get("properties").and_then(Value::as_object);
    let is_closed =
        |variant: &&Value| variant.get("additionalProperties").and_then(Value::as_bool) == Some(false);
    let is_known = |word: &str| {
        variants.iter().filter_map(|variant| properties(variant)).any(|known| known.contains_key(word))
    };
    let mut keys = node.entries().iter().filter_map(|(key, _)| Some((key, key.scalar()?)));
    if variants.len() < 2 || keys.clone().any(|(_, word)| is_known(word)) || !variants.iter().all(is_closed) {
        return None;
    }
    let mut known: Vec<&str> = Vec::new();
    for (name, _) in variants.iter().filter_map(|variant| properties(variant)).flatten() {
        if !known.contains(&name.as_str()) {
            known.push(name);
        }
    }
    if keys.clone().any(|(_, word)| did_you_mean(word, known.iter().copied()).is_some()) {
        return None;
    }
    let (key, word) = keys.next()?;
    let problem = key.problem("unknown-key", format!("unknown key `{word}`"));
    Some(problem.with_help(format!("expected one of: {}", known.join(", "))))
}

/// How much a mapping looks like a variant.
fn likeness(node: &Node, variant: &Value) -> i64 {
    let properties = variant.get("properties").and_then(Value::as_object);
    let has = |name: &str| properties.is_some_and(|known| known.contains_key(name));
    let near =
        |name: &str| did_you_mean(name, properties.into_iter().flatten().map(|(name, _)| name.as_str()));
    let closed = variant.get("additionalProperties").and_then(Value::as_bool) == Some(false);
    let keys = node.entries().iter().filter_map(|(key, _)| key.scalar());
    let of_keys: i64 = keys
        .map(|name| match has(name) {
            true => 4,
            false if near(name).is_some() => 2,
            false if closed => -4,
            false => 0,
        })
        .sum();
    let missing = required(variant).filter(|key| node.get(key).is_none()).count();
    of_keys - i64::try_from(missing).unwrap_or(i64::MAX)
}

fn scalar<'a>(walk: &mut Walk<'a>, node: Node, schema: &'a Value, all: &[&'a Value]) -> Option<Node> {
    let known: Vec<&str> = all.iter().filter_map(|variant| words::known(variant)).flatten().collect();
    if !node.is_null() && node.scalar().is_some_and(|word| known.contains(&word)) {
        return Some(node.reading(Reads::Word(None)));
    }
    let others = all.iter().filter(|variant| {
        words::known(variant).is_none()
            && ["string", "integer", "number", "boolean"].iter().any(|kind| allows(variant, kind))
    });
    let mut nearest = None;
    for variant in others.clone() {
        match words::scalar(&node, variant) {
            Ok(reads) => return Some(node.reading(reads)),
            Err(problem) => nearest = nearest.or(problem),
        }
    }
    let problem = match nearest {
        Some(problem) => problem,
        None if known.is_empty() || node.is_null() => node.expected(&words::describe(walk, schema)),
        None => {
            let or = others.map(|variant| words::describe(walk, variant)).collect::<Vec<_>>().join(" or ");
            words::unknown(&node, &known, Some(or).filter(|or| !or.is_empty()))
        }
    };
    walk.refuse(problem)
}
