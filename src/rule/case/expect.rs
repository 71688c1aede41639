//! What is expected: `expect`, `expect-exactly` and `expect-none`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Diagnosis;
use crate::rule::case::reader::{Reader, lacks};
use crate::rule::case::{Expectation, Named, Unwanted, Wanted};
use crate::yaml::Node;

/// What may be said of a subject, beside its levels.
const WORDS: [&str; 7] = ["top", "at-least", "at-most", "present", "absent", "near", "unknown"];

impl Reader<'_> {
    /// What is expected, and whether nothing else may come.
    pub(super) fn expected(&mut self, node: &Node) -> (Vec<Expectation>, bool) {
        let (some, all) = (node.entry("expect"), node.entry("expect-exactly"));
        // A key that was only taken for one of them is told already.
        let as_written = |key: &Node| Some(key.written().trim_matches(['"', '\''])) == key.scalar();
        if let (Some((first, _)), Some((second, _))) = (some, all)
            && as_written(first)
            && as_written(second)
        {
            let message = "`expect` and `expect-exactly` cannot stand together";
            let problem = second.problem("wrong-shape", message).with_also(first.span(), "here too");
            self.faults.push(problem.with_help("keep one; `expect-exactly` allows no other diagnosis"));
        }
        let Some((key, list)) = all.or(some) else { return (Vec::new(), false) };
        let items = list.one_or_more();
        if items.is_empty() && all.is_none() && !list.has_gaps() {
            let problem = key.problem("empty-case", "`expect` expects nothing");
            self.faults.push(problem.with_help("`expect-exactly: []` expects that there is no diagnosis"));
        }
        (items.iter().flat_map(|item| self.expectation(item)).collect(), all.is_some())
    }

    fn expectation(&mut self, node: &Node) -> Vec<Expectation> {
        let schema = self.names.schema;
        let levels = (0..schema.levels()).filter_map(|level| schema.level_field(level));
        let allowed: Vec<&str> = levels.map(|field| schema.name(field)).chain(WORDS).collect();
        let before = self.faults.len();
        if self.keys(node, &allowed).is_none() {
            return Vec::new();
        }
        let meant = self.meant(node);
        let top = node.get("top").and_then(|top| self.top(top));
        let mut share = |key: &str| {
            let place = node.get(key)?;
            if node.get("top").is_none() && !node.has_gaps() {
                let message =
                    format!("`{key}` says how probable the cause under `top` is, and there is none");
                self.faults.push(place.problem("missing-key", message));
            }
            self.fault(place.share())
        };
        let (at_least, at_most) = (share("at-least"), share("at-most"));
        let symptoms = self.wanted(node, meant.as_ref().map(|(_, level)| *level));
        let Some((subjects, level)) = meant.filter(|_| self.faults.len() == before && !lacks(node)) else {
            return Vec::new();
        };
        if top.is_none() && symptoms.is_empty() {
            let problem = node.problem("empty-case", "this names a subject and expects nothing of it");
            self.faults.push(problem.with_help(format!("say one of: {}", WORDS.join(", "))));
            return Vec::new();
        }
        let expectation = |subject| Expectation {
            place: node.place(),
            subject,
            level,
            top: top.clone(),
            at_least,
            at_most,
            symptoms: symptoms.clone(),
        };
        subjects.into_iter().map(expectation).collect()
    }

    /// The subjects that an expectation is about, and their level: the innermost one that is named.
    fn meant(&mut self, node: &Node) -> Option<(Vec<Named>, usize)> {
        let schema = self.names.schema;
        let mut subjects: Vec<Named> = vec![Vec::new()];
        let mut named = Vec::new();
        for level in 0..schema.levels() {
            let Some(name) = schema.level_field(level).map(|field| schema.name(field)) else { continue };
            let Some(value) = node.get(name) else { continue };
            named.push(level);
            let name: Arc<str> = name.into();
            let ids = self.ids(value);
            let with = |subject: &Named, id: &Arc<str>| {
                subject.iter().cloned().chain([(Arc::clone(&name), Arc::clone(id))]).collect()
            };
            subjects =
                subjects.iter().flat_map(|subject| ids.iter().map(move |id| with(subject, id))).collect();
        }
        let innermost = named.iter().copied().max_by_key(|&level| schema.lineage(level).len());
        let Some(level) = innermost else {
            if node.has_gaps() {
                return None;
            }
            let known: Vec<&str> =
                (0..schema.levels()).filter_map(|l| schema.level_field(l)).map(|f| schema.name(f)).collect();
            let problem = node.problem("missing-key", "this does not say of which subject it is expected");
            self.faults.push(problem.with_help(format!("name it by its level: {}", known.join(", "))));
            return None;
        };
        let lineage = schema.lineage(level);
        if let Some(other) = named.iter().find(|other| !lineage.contains(other)) {
            let name = |level| schema.level_field(level).map_or("", |field| schema.name(field));
            let message = format!("a `{}` does not lie in a `{}`", name(level), name(*other));
            self.faults.push(node.problem("unknown-subject", message));
        }
        Some((subjects, level))
    }

    fn top(&mut self, node: &Node) -> Option<Arc<str>> {
        let word = self.fault(node.text())?;
        if word == Diagnosis::CANNOT_TELL {
            return Some(word.into());
        }
        let id = self.qualify(word);
        let names = self.names;
        if let Some(meant) = names.causes.get(id.as_str()) {
            return Some((*meant).into());
        }
        let problem = node.problem("unknown-cause", format!("no cause named `{word}`"));
        let problem = self.suggest(problem, &id, names.causes.keys().copied());
        let is_symptom = names.symptoms.contains_key(id.as_str());
        self.faults.push(if is_symptom {
            problem.with_help(format!("`{word}` is a symptom; name it under `present`"))
        } else {
            problem
        });
        None
    }

    fn wanted(&mut self, node: &Node, level: Option<usize>) -> Vec<(usize, Wanted)> {
        let schema = self.names.schema;
        let name = |level: usize| schema.level_field(level).map_or("", |field| schema.name(field)).to_owned();
        let mut seen: BTreeMap<usize, Vec<(Wanted, &Node)>> = BTreeMap::new();
        for wanted in Wanted::ALL {
            let Some(list) = node.get(wanted.word()) else { continue };
            for place in list.one_or_more() {
                let Some((symptom, of)) = self.symptom(place) else { continue };
                let word = place.scalar().unwrap_or_default();
                if let (Some(of), Some(level)) = (of, level)
                    && of != level
                {
                    let message = format!(
                        "`{word}` is a symptom per {}, and this expects it of a {}",
                        name(of),
                        name(level)
                    );
                    self.faults.push(place.problem("wrong-level", message));
                }
                let known = seen.entry(symptom).or_default();
                if let Some((other, first)) = known.iter().find(|(other, _)| !wanted.agrees(*other)) {
                    let message = format!("`{word}` cannot be {} and {}", other.word(), wanted.word());
                    let problem = place.problem("contradiction", message);
                    self.faults.push(problem.with_also(first.span(), other.word()));
                } else if let Some((_, first)) = known.iter().find(|(other, _)| *other == wanted) {
                    let problem = place.problem("duplicate-name", format!("`{word}` stands here twice"));
                    self.faults.push(problem.with_also(first.span(), "the first one"));
                }
                known.push((wanted, place));
            }
        }
        let wanted =
            seen.into_iter().flat_map(|(symptom, all)| all.into_iter().map(move |(w, _)| (symptom, w)));
        wanted.collect()
    }

    /// Causes and symptoms share one namespace.
    pub(super) fn unwanted(&mut self, node: &Node) -> Vec<Unwanted> {
        let names = self.names;
        if node.one_or_more().is_empty() && !node.has_gaps() {
            self.faults.push(node.problem("empty-case", "`expect-none` names nothing"));
        }
        let mut unwanted = Vec::new();
        for place in node.one_or_more() {
            let Some(word) = self.fault(place.text()) else { continue };
            let id = self.qualify(word);
            if let Some(cause) = names.causes.get(id.as_str()) {
                unwanted.push(Unwanted::Cause((*cause).into()));
            } else if let Some(&(symptom, _)) = names.symptoms.get(id.as_str()) {
                unwanted.push(Unwanted::Symptom(symptom));
            } else {
                let problem =
                    place.problem("unknown-name", format!("no cause and no symptom named `{word}`"));
                let known = names.causes.keys().chain(names.symptoms.keys()).copied();
                self.faults.push(self.suggest(problem, &id, known));
            }
        }
        unwanted
    }

    /// What is expected on a subject must not be unwanted on all.
    pub(super) fn contradictions(&mut self, node: &Node, expected: &[Expectation], unwanted: &[Unwanted]) {
        let place = node.get("expect-none").unwrap_or(node);
        for unwanted in unwanted {
            let clash = expected.iter().find(|expected| match unwanted {
                Unwanted::Cause(cause) => expected.top.as_ref() == Some(cause),
                Unwanted::Symptom(symptom) => expected.symptoms.contains(&(*symptom, Wanted::Present)),
            });
            if let Some(clash) = clash {
                let what = match unwanted {
                    Unwanted::Cause(cause) => cause.to_string(),
                    Unwanted::Symptom(symptom) => {
                        let known = self.names.symptoms.iter().find(|(_, (at, _))| at == symptom);
                        known.map_or_else(String::new, |(id, _)| (*id).to_owned())
                    }
                };
                let message = format!("`{what}` is expected of one subject and of none");
                let problem = place.problem("contradiction", message);
                self.faults.push(problem.with_also(clash.place.span(), "expected here"));
            }
        }
    }
}
