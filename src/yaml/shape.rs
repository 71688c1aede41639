//! Whether a tree has the shape that a JSON Schema asks for: every fault is told, and what is sound is kept.
//!
//! The schemas are generated from the types that the tree is read into, so they use few of the words that JSON Schema
//! has: `$ref`, `type`, `properties`, `required`, `additionalProperties`, `items`, `enum`, `const`, `anyOf`, `oneOf`,
//! bounds of numbers, and formats of our own (`duration`, `duration-range`, `share`, `path`).

use serde_json::Value;

use crate::error::{Problem, did_you_mean};
use crate::yaml::node::{Node, Reads, Shape};
use crate::yaml::{limits, union, words};

/// Keeps what fits the schema, under the keys that were meant, and adds everything that does not fit to `problems`.
///
/// A misspelt key that can mean only one thing is told and then taken for what it means, so that nothing else is blamed
/// for it. Nothing comes back when the node as a whole does not fit.
///
/// ```
/// let schema = serde_json::json!({"type": "object", "properties": {"code": {"type": "integer"}, "at": {"type": "string"}},
///                                 "required": ["code"], "additionalProperties": false});
/// let document = etiolog::yaml::document("f.yaml", "{kode: 7, at: [1]}").map_err(|mut problems| problems.remove(0))?;
/// let mut problems = Vec::new();
/// let sound = etiolog::yaml::sound(document.root().clone(), &schema, &mut problems);
/// assert_eq!(problems[0].message, "unknown key `kode`");
/// assert_eq!(problems[1].message, "expected text, found a list");
/// assert_eq!(sound.and_then(|node| node.get("code")?.integer().ok()), Some(7));
/// # Ok::<(), etiolog::Problem>(())
/// ```
pub fn sound(node: Node, schema: &Value, problems: &mut Vec<Problem>) -> Option<Node> {
    sound_part(node, schema, schema, problems)
}

/// The same for a part of a schema: one that stands inside `root`, where references lead.
pub fn sound_part(node: Node, schema: &Value, root: &Value, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut walk = Walk { root, problems, told: 0 };
    walk.node(node, schema)
}

/// A walk over a tree and its schema.
pub(super) struct Walk<'a> {
    root: &'a Value,
    problems: &'a mut Vec<Problem>,
    told: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn node(&mut self, node: Node, schema: &'a Value) -> Option<Node> {
        if node.is_broken() || self.told > limits::PROBLEMS {
            return None;
        }
        let schema = self.resolve(schema);
        if is_union(schema) {
            return union::choose(self, node, schema);
        }
        if let Some(known) = words::known(schema) {
            return match node.scalar().filter(|_| !node.is_null()) {
                Some(word) if known.contains(&word) => Some(node.reading(Reads::Word(None))),
                Some(_) => self.refuse(words::unknown(&node, &known, None)),
                None => self.refuse(node.expected(&words::describe(self, schema))),
            };
        }
        match node.shape() {
            Shape::Scalar { .. } => match words::scalar(&node, schema) {
                Ok(reads) => Some(node.reading(reads)),
                Err(Some(problem)) => self.refuse(problem),
                Err(None) => {
                    let problem = node.expected(&words::describe(self, schema));
                    self.refuse(as_list(problem, &node, self.resolve(schema)))
                }
            },
            Shape::List(_) if allows(schema, "array") => self.list(node, schema),
            Shape::Map(_) if allows(schema, "object") => self.map(node, schema),
            Shape::List(_) | Shape::Map(_) => self.refuse(node.expected(&words::describe(self, schema))),
        }
    }

    /// Tells a problem; what it is about is not kept.
    pub(super) fn refuse(&mut self, problem: Problem) -> Option<Node> {
        self.told += 1;
        if self.told <= limits::PROBLEMS {
            self.problems.push(problem);
        }
        None
    }

    /// Whether a node fits, without telling anybody.
    pub(super) fn fits(&self, node: &Node, schema: &'a Value) -> bool {
        let mut problems = Vec::new();
        let mut trial = Walk { root: self.root, problems: &mut problems, told: 0 };
        let kept = trial.node(node.clone(), schema);
        kept.is_some() && problems.is_empty()
    }

    /// What a reference leads to.
    pub(super) fn resolve(&self, mut schema: &'a Value) -> &'a Value {
        // A reference that leads to itself ends somewhere, too.
        for _ in 0..8 {
            let target = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
            match target.and_then(|path| self.root.pointer(path)) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    fn list(&mut self, node: Node, schema: &'a Value) -> Option<Node> {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        if least > 0 && node.items().is_empty() {
            let problem = node.problem("wrong-type", "the list is empty; at least one value is needed");
            return self.refuse(problem);
        }
        let Some(each) = schema.get("items") else { return Some(node) };
        let all = node.items().len();
        let node = node.map_items(|item| self.node(item, each));
        Some(if node.items().len() < all { node.with_gaps() } else { node })
    }

    fn map(&mut self, node: Node, schema: &'a Value) -> Option<Node> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        let closed = others.and_then(Value::as_bool) == Some(false);
        if node.entries().is_empty() && schema.get("minProperties").and_then(Value::as_u64).unwrap_or(0) > 0 {
            return self
                .refuse(node.problem("wrong-type", "the mapping is empty; at least one key is needed"));
        }
        let property = |name: &str| properties.and_then(|known| known.get(name));
        let mut given = Given { node: &node, renamed: Vec::new() };
        if closed {
            self.unknown_keys(&mut given, schema);
        }
        if !node.has_gaps() {
            self.missing_keys(&given, schema);
        }
        let renamed = given.renamed;
        let mut position = 0;
        let node = node.map_entries(|key, value| {
            let meant = renamed.iter().find(|(at, _)| *at == position).map(|(_, meant)| meant.as_str());
            position += 1;
            let name = meant.or(key.scalar()).unwrap_or_default();
            let value = match (property(name), others) {
                (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => self.node(value, schema),
                (None, Some(Value::Bool(false))) => None,
                (None, _) => Some(value),
            };
            let key = match meant {
                Some(meant) => key.renamed(meant),
                None => key,
            };
            Some((key, value?))
        });
        // What was refused has been told; that it is not there need not be told again.
        Some(if node.entries().len() < position { node.with_gaps() } else { node })
    }

    /// Tells the keys that the schema does not know, and takes those that can mean only one thing for what they mean.
    fn unknown_keys(&mut self, given: &mut Given<'_>, schema: &'a Value) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let is_known = |name: &str| properties.is_some_and(|known| known.contains_key(name));
        let entries = given.node.entries().iter().enumerate();
        let unknown: Vec<_> = entries.filter(|(_, (key, _))| !key.scalar().is_some_and(is_known)).collect();
        if unknown.is_empty() {
            return;
        }
        let known: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let mut free: Vec<&str> = known.iter().copied().filter(|known| !given.has(known)).collect();
        let alone = unknown.len() == 1;
        for (at, (key, value)) in unknown {
            if self.told > limits::PROBLEMS {
                break;
            }
            let name = key.scalar().unwrap_or_default();
            let mut meant = did_you_mean(name, free.iter().copied());
            let certain = meant.is_some();
            if meant.is_none() && alone {
                // The one key that is missing, under another name?
                meant = self.only_missing(schema, given).filter(|missing| {
                    let schema = properties.and_then(|known| known.get(missing));
                    schema.is_some_and(|schema| self.fits(value, schema))
                });
            }
            let mut problem = key.unknown_key(meant.as_deref(), &known);
            if let Some(meant) = meant {
                if certain {
                    problem = problem.with_edit(key.span(), meant.clone());
                }
                free.retain(|known| *known != meant);
                given.renamed.push((at, meant));
            }
            self.refuse(problem);
        }
    }

    fn only_missing(&self, schema: &'a Value, given: &Given<'_>) -> Option<String> {
        let mut missing = required(schema).filter(|key| !given.has(key));
        let one = missing.next()?;
        missing.next().is_none().then(|| one.to_owned())
    }

    /// Tells the keys that must be there and are not: all of `required`, and all of the alternative that is meant.
    fn missing_keys(&mut self, given: &Given<'_>, schema: &'a Value) {
        let node = given.node;
        let mut missing: Vec<&str> = required(schema).filter(|key| !given.has(key)).collect();
        let alternatives: Vec<Vec<&str>> =
            alternatives(schema).map(|schema| required(schema).collect()).collect();
        let present = |keys: &[&str]| keys.iter().filter(|key| given.has(key)).count();
        let whole = alternatives.iter().filter(|keys| present(keys) == keys.len()).count();
        if alternatives.iter().all(|keys| keys.len() == 1) && whole != 1 && !alternatives.is_empty() {
            let names = alternatives.concat().join(", ");
            let problem = match whole {
                0 => node.head().problem("missing-key", format!("one of these keys is missing: {names}")),
                _ => node
                    .head()
                    .problem("wrong-shape", format!("only one of these keys may stand here: {names}")),
            };
            self.refuse(problem);
        } else if whole == 0
            && let Some(meant) = alternatives.iter().max_by_key(|keys| present(keys))
        {
            missing.extend(meant.iter().filter(|key| !given.has(key)));
        }
        for key in missing {
            self.refuse(node.head().problem("missing-key", format!("missing key `{key}`")));
        }
    }
}

/// The keys of a mapping: as they are written, and as they were meant.
struct Given<'n> {
    node: &'n Node,
    /// Keys that were taken for others, by their places.
    renamed: Vec<(usize, String)>,
}

impl Given<'_> {
    fn has(&self, key: &str) -> bool {
        self.node.get(key).is_some() || self.renamed.iter().any(|(_, meant)| meant == key)
    }
}

/// One word where a list of words is expected: a list of it is meant.
fn as_list(problem: Problem, node: &Node, schema: &Value) -> Problem {
    let words =
        schema.get("items").is_some_and(|items| items.get("type").is_some() && allows(items, "string"));
    let written = node.written();
    if words && !node.is_null() && !written.contains([',', '[', ']', '{', '}', '\n', '#']) {
        let list = format!("[{written}]");
        return problem.with_help(format!("write `{list}`")).with_edit(node.span(), list);
    }
    problem
}

/// Whether a schema names variants; the alternatives of a mapping's required keys are none.
fn is_union(schema: &Value) -> bool {
    schema.get("properties").is_none() && variants(schema).next().is_some()
}

/// What stands under `anyOf` or `oneOf`.
pub(super) fn variants(schema: &Value) -> impl Iterator<Item = &Value> {
    let lists = [schema.get("anyOf"), schema.get("oneOf")];
    lists.into_iter().flatten().filter_map(Value::as_array).flatten()
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    let is_map = schema.get("properties").is_some();
    variants(schema).filter(move |variant| is_map && variant.get("required").is_some())
}

pub(super) fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a schema has this type among its types; one without types has all of them.
pub(super) fn allows(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        None => true,
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|known| known == kind),
        Some(_) => false,
    }
}
