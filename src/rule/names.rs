//! The names that one article gives, as detectors ask for them while they are built.

use std::collections::BTreeMap;

use crate::detector::{ClassId, Names};
use crate::error::{Problem, did_you_mean};
use crate::model::{FieldId, Schema};
use crate::yaml::{Node, Shape};

/// The names in scope for one symptom.
///
/// A name that means nothing is told, and something else is given instead: so all of a detector's names are looked up.
/// The symptom must be refused when there are faults.
pub(super) struct Scope<'a> {
    pub(super) classes: &'a BTreeMap<String, ClassId>,
    pub(super) schema: &'a mut Schema,
    pub(super) known_fields: Option<&'a [String]>,
    /// The level of the symptom, if that is known.
    pub(super) level: Option<usize>,
    /// Whether all levels of subjects are known.
    pub(super) levels_known: bool,
    pub(super) ties_any: bool,
    /// The fields that were asked for.
    pub(super) reads: Vec<FieldId>,
    pub(super) faults: Vec<Problem>,
}

impl Scope<'_> {
    /// Looks up every name in parameters that are not sound enough to build a detector from.
    pub(super) fn look_up(&mut self, node: &Node) {
        let outcome = match (node.shape(), node.format()) {
            (Shape::Scalar { .. }, Some("class")) => self.class(node).map(drop),
            (Shape::Scalar { .. }, Some("level")) => self.level(node).map(drop),
            (Shape::Scalar { .. }, Some("field")) => self.field(node).map(drop),
            (Shape::Scalar { .. }, _) => Ok(()),
            (Shape::List(items), _) => {
                items.iter().for_each(|item| self.look_up(item));
                Ok(())
            }
            (Shape::Map(entries), _) => {
                entries.iter().for_each(|(_, value)| self.look_up(value));
                Ok(())
            }
        };
        self.faults.extend(outcome.err());
    }

    /// Something unlike anything else.
    fn dummy(&self) -> ClassId {
        ClassId(u32::MAX - u32::try_from(self.faults.len()).unwrap_or(0))
    }
}

impl Names for Scope<'_> {
    fn class(&mut self, node: &Node) -> Result<ClassId, Problem> {
        let name = node.text()?;
        if let Some(class) = self.classes.get(name) {
            return Ok(*class);
        }
        let problem = node.problem("unknown-class", format!("no event class named `{name}` in this article"));
        self.faults.push(advise(problem, name, self.classes.keys().map(String::as_str)));
        Ok(self.dummy())
    }

    fn level(&mut self, node: &Node) -> Result<usize, Problem> {
        let name = node.text()?;
        let Some(level) = self.schema.level(name) else {
            if self.levels_known {
                let problem = node.problem("unknown-subject", format!("no level of subjects named `{name}`"));
                let known: Vec<&str> = self.schema.level_names().collect();
                self.faults.push(advise(problem, name, known));
            }
            return Ok(usize::MAX);
        };
        if let Some(own) = self.level
            && (level == own || !self.schema.lineage(level).contains(&own))
        {
            let message = format!("`{name}` does not lie inside this symptom's own level");
            self.faults.push(node.problem("unknown-subject", message));
        }
        Ok(level)
    }

    fn field(&mut self, node: &Node) -> Result<FieldId, Problem> {
        match field(self.schema, self.known_fields, node) {
            Ok(field) => {
                self.reads.push(field);
                Ok(field)
            }
            Err(problem) => {
                self.faults.push(problem);
                Ok(FieldId(u16::MAX))
            }
        }
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

/// Adds "did you mean" when something like the word is known, and the change when nothing else is like it.
pub(super) fn advise<'a>(problem: Problem, word: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
    let known: Vec<&str> = known.into_iter().collect();
    let Some(similar) = did_you_mean(word, known.iter().copied()) else { return problem };
    let others = known.into_iter().filter(|other| *other != similar);
    let span = problem.span.clone();
    let problem = problem.with_help(format!("did you mean `{similar}`?"));
    if did_you_mean(word, others).is_some() { problem } else { problem.with_edit(span, similar) }
}
