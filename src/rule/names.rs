//! The names that one article gives, as detectors ask for them while they are built.

use std::collections::BTreeMap;

use crate::detector::{ClassId, Names};
use crate::error::{Problem, did_you_mean};
use crate::model::{FieldId, Schema};
use crate::yaml::Node;

/// The names in scope for one symptom.
pub(super) struct Scope<'a> {
    pub(super) classes: &'a BTreeMap<String, ClassId>,
    pub(super) schema: &'a mut Schema,
    pub(super) known_fields: Option<&'a [String]>,
    pub(super) level: usize,
    pub(super) ties_any: bool,
    /// The fields that were asked for.
    pub(super) reads: Vec<FieldId>,
}

impl Names for Scope<'_> {
    fn class(&mut self, node: &Node) -> Result<ClassId, Problem> {
        let name = node.text()?;
        self.classes.get(name).copied().ok_or_else(|| {
            let problem =
                node.problem("unknown-class", format!("no event class named `{name}` in this article"));
            advise(problem, name, self.classes.keys().map(String::as_str))
        })
    }

    fn level(&mut self, node: &Node) -> Result<usize, Problem> {
        let name = node.text()?;
        let level = self
            .schema
            .level(name)
            .ok_or_else(|| node.problem("unknown-subject", format!("no level of subjects named `{name}`")))?;
        if level == self.level || !self.schema.lineage(level).contains(&self.level) {
            return Err(node.problem(
                "unknown-subject",
                format!("`{name}` does not lie inside this symptom's own level"),
            ));
        }
        Ok(level)
    }

    fn field(&mut self, node: &Node) -> Result<FieldId, Problem> {
        let field = field(self.schema, self.known_fields, node)?;
        self.reads.push(field);
        Ok(field)
    }

    fn ties_any(&self) -> bool {
        self.ties_any
    }
}

/// The field that a node names, checked against what the inputs can give.
pub(super) fn field(schema: &mut Schema, known: Option<&[String]>, node: &Node) -> Result<FieldId, Problem> {
    let name = node.text()?;
    if schema.level(name).is_none()
        && let Some(known) = known
        && !known.iter().any(|field| field == name)
    {
        let problem = node.problem("unknown-field", format!("no input of this pack has a field `{name}`"));
        return Err(advise(problem, name, known.iter().map(String::as_str)));
    }
    schema.intern(name).ok_or_else(|| node.problem("too-many", "more than 65,534 fields"))
}

/// Adds "did you mean" when something like the word is known.
pub(super) fn advise<'a>(problem: Problem, word: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
    match did_you_mean(word, known) {
        Some(similar) => problem.with_help(format!("did you mean `{similar}`?")),
        None => problem,
    }
}
