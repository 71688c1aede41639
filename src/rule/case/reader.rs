//! From the nodes under `cases:` to cases, or to all that is wrong with them.
//!
//! Their shape has been held against [`CaseFile`](super::CaseFile); what was refused there is told and left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::detector::ClassId;
use crate::error::{Problem, did_you_mean};
use crate::model::{Schema, Timestamp};
use crate::rule::Case;
use crate::rule::class::Class;
use crate::rule::files::{Article, PackTexts};
use crate::rule::names::advise;
use crate::yaml::{Node, Place, Shape};

/// What the names in cases can mean.
pub(in crate::rule) struct Names<'a> {
    pub(in crate::rule) schema: &'a Arc<Schema>,
    pub(in crate::rule) classes: &'a [Class],
    /// The names of the classes as `article#class`, in the same order.
    pub(in crate::rule) class_names: &'a [Arc<str>],
    /// The symptoms by `article#symptom`: index and level, unless the symptom is faulty.
    pub(in crate::rule) symptoms: BTreeMap<&'a str, (usize, Option<usize>)>,
    /// The causes by `article#cause`, each with the id that is meant in the end.
    pub(in crate::rule) causes: BTreeMap<&'a str, &'a str>,
}

/// Reads the cases of all articles.
pub(in crate::rule) fn read(packs: &[PackTexts], names: &Names<'_>, faults: &mut Vec<Problem>) -> Vec<Case> {
    let mut cases = Vec::new();
    for pack in packs {
        for article in &pack.articles {
            let Some(list) = article.root.get("cases") else { continue };
            let mut reader = Reader { names, pack, article, faults };
            cases.extend(reader.cases(list.one_or_more()));
        }
    }
    cases
}

/// Reads the cases of one article; what is wrong is collected.
pub(super) struct Reader<'a> {
    pub(super) names: &'a Names<'a>,
    pub(super) pack: &'a PackTexts,
    pub(super) article: &'a Article,
    pub(super) faults: &'a mut Vec<Problem>,
}

/// When a case begins that does not say: a Monday.
const START: &str = "2026-01-05T00:00:00Z";

impl Reader<'_> {
    fn cases(&mut self, items: &[Node]) -> Vec<Case> {
        let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
        let mut cases = Vec::new();
        for node in items {
            let name = node.get("name");
            if let Some(place) = name
                && let Ok(text) = place.text()
                && let Some(first) = seen.insert(text, place)
            {
                let problem = place.problem("duplicate-name", format!("two cases are named `{text}`"));
                self.faults.push(problem.with_also(first.span(), "the first one"));
            }
            cases.extend(self.case(node));
        }
        cases
    }

    fn case(&mut self, node: &Node) -> Option<Case> {
        let before = self.faults.len();
        let name = node.get("name").and_then(|name| self.fault(name.text()));
        let start = self.start(node.get("start"));
        let complete = node.get("complete").and_then(|complete| self.fault(complete.boolean()));
        // Seeds what chance decides: the same in every run, and in every order of the cases.
        let given = node.get("given").map(|given| self.given(given, start));
        let (expected, exactly) = self.expected(node);
        let unwanted = node.get("expect-none").map(|none| self.unwanted(none)).unwrap_or_default();
        if !exactly
            && expected.is_empty()
            && unwanted.is_empty()
            && self.faults.len() == before
            && !lacks(node)
        {
            let problem =
                node.problem("empty-case", "the case expects nothing, so nothing could make it fail");
            self.faults
                .push(problem.with_help("say what it expects: `expect`, `expect-none` or `expect-exactly`"));
        }
        self.contradictions(node, &expected, &unwanted);
        if self.faults.len() > before {
            return None;
        }
        Some(Case {
            article: Arc::clone(&self.article.id),
            name: name?.into(),
            place: node.get("name").unwrap_or(node).place(),
            start,
            complete: complete.unwrap_or(false),
            given: given?,
            expected,
            exactly,
            unwanted,
        })
    }

    fn start(&mut self, node: Option<&Node>) -> Timestamp {
        let default = Timestamp::parse(START).unwrap_or(Timestamp::MIN);
        let Some(node) = node else { return default };
        let stamp = node.scalar().and_then(Timestamp::parse);
        if stamp.is_none() {
            self.faults.push(node.expected("a time between 1970 and 2262 such as `2026-01-05T00:00:00Z`"));
        }
        stamp.unwrap_or(default)
    }

    pub(super) fn fault<T>(&mut self, outcome: Result<T, Problem>) -> Option<T> {
        outcome.map_err(|problem| self.faults.push(problem)).ok()
    }

    /// Complains about every key that is not among these; `None` when this is no mapping.
    pub(super) fn keys(&mut self, node: &Node, allowed: &[&str]) -> Option<()> {
        for (key, _) in self.fault(node.map())? {
            let name = key.scalar().unwrap_or_default();
            if allowed.contains(&name) {
                continue;
            }
            let problem = key.unknown_key(None, allowed);
            self.faults.push(match did_you_mean(name, allowed.iter().copied()) {
                Some(meant) => problem.with_edit(key.span(), meant),
                None => problem,
            });
        }
        Some(())
    }

    /// A span of time that may be nothing.
    pub(super) fn span(&mut self, node: Option<&Node>) -> Duration {
        let Some(node) = node else { return Duration::ZERO };
        let digits: BTreeSet<char> =
            node.scalar().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
        let outcome = node.duration();
        let nothing = digits.into_iter().eq(['0'])
            && (node.scalar() == Some("0") || outcome.as_ref().is_err_and(|why| why.code == "out-of-range"));
        if nothing { Duration::ZERO } else { self.fault(outcome).unwrap_or_default() }
    }

    /// The id that a word means: a bare one is of this article.
    pub(super) fn qualify(&self, word: &str) -> String {
        if word.contains('#') { word.to_owned() } else { format!("{}#{word}", self.article.id) }
    }

    /// The class that a node names: one of this article, or `article#class`.
    pub(super) fn class(&mut self, node: &Node) -> Option<ClassId> {
        let word = self.fault(node.text())?;
        let id = self.qualify(word);
        let names = self.names;
        if let Some(at) = names.class_names.iter().position(|name| **name == *id) {
            return u32::try_from(at).ok().map(ClassId);
        }
        let own = format!("{}#", self.article.id);
        let (prefix, within) = if id == word { ("", "") } else { (own.as_str(), " in this article") };
        let problem = node.problem("unknown-class", format!("no event class named `{word}`{within}"));
        // What a pack means by a problem is a class too, and of no article.
        let known = names.class_names.iter().filter(|name| name.contains('#'));
        self.faults.push(advise(problem, word, known.filter_map(|name| name.strip_prefix(prefix))));
        None
    }

    /// The symptom that a node names, as index and level.
    pub(super) fn symptom(&mut self, node: &Node) -> Option<(usize, Option<usize>)> {
        let word = self.fault(node.text())?;
        let id = self.qualify(word);
        let found = self.names.symptoms.get(id.as_str()).copied();
        if found.is_none() {
            let problem = node.problem("unknown-symptom", format!("no symptom named `{word}`"));
            let problem = self.suggest(problem, &id, self.names.symptoms.keys().copied());
            let is_cause = self.names.causes.contains_key(id.as_str());
            self.faults.push(if is_cause {
                problem.with_help(format!("`{word}` is a cause; name it under `top`"))
            } else {
                problem
            });
        }
        found
    }

    /// "Did you mean", in the form in which the article would write it.
    pub(super) fn suggest<'k>(
        &self,
        problem: Problem,
        id: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Problem {
        // Bare names are compared with those of this article, so that its own name does not count as likeness.
        let own = |id: &'k str| id.strip_prefix(&*self.article.id).and_then(|rest| rest.strip_prefix('#'));
        let known: Vec<&str> = known.into_iter().map(|id| own(id).unwrap_or(id)).collect();
        let word = id.strip_prefix(&*self.article.id).and_then(|rest| rest.strip_prefix('#')).unwrap_or(id);
        advise(problem, word, known)
    }
}

/// Whether something in this node was refused: told already, and then missing.
pub(super) fn lacks(node: &Node) -> bool {
    let inner = match node.shape() {
        Shape::Scalar { .. } => false,
        Shape::List(items) => items.iter().any(lacks),
        Shape::Map(entries) => entries.iter().any(|(_, value)| lacks(value)),
    };
    inner || node.has_gaps()
}

/// The ids of all causes, with those that only stand for others.
pub(in crate::rule) fn causes(packs: &[PackTexts]) -> Vec<String> {
    let articles = packs.iter().flat_map(|pack| &pack.articles);
    articles.flat_map(|of| of.file.causes.keys().map(|id| format!("{}#{id}", of.id))).collect()
}

/// Where the parts of articles stand: `article#symptom` and in it `article#symptom#when`, `article#class#drop` and in it
/// `article#class#drop#code`.
pub(in crate::rule) fn places(packs: &[PackTexts]) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    for article in packs.iter().flat_map(|pack| &pack.articles) {
        let root = &article.root;
        let part = |name: &str| root.get(name).map_or(&[][..], Node::entries);
        for (key, symptom) in part("symptoms") {
            let id = format!("{}#{}", article.id, key.scalar().unwrap_or_default());
            for part in ["detect", "when", "unless"] {
                places.extend(symptom.entry(part).map(|(key, _)| (format!("{id}#{part}"), key.place())));
            }
            places.insert(id, key.place());
        }
        for (key, conditions) in part("events") {
            let class = format!("{}#class#{}", article.id, key.scalar().unwrap_or_default());
            for (field, _) in conditions.entries() {
                places.insert(format!("{class}#{}", field.scalar().unwrap_or_default()), field.place());
            }
            places.insert(class, key.place());
        }
    }
    places
}
