//! A symptom: its detector, its expression, and what it gives way to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::detector::{ClassId, Detector, DetectorKind};
use crate::error::did_you_mean;
use crate::model::{FieldId, Timestamp};
use crate::rule::Symptom;
use crate::rule::compile::{Build, qualify};
use crate::rule::expression;
use crate::rule::files::PackTexts;
use crate::rule::names::{Scope, advise};
use crate::rule::published::{is_beside, variants};
use crate::rule::schema::{SymptomFile, Ties};
use crate::rule::table::Tables;
use crate::yaml::{self, Node};

/// A symptom's leak when it does not say: seen by chance on two in a thousand subjects.
const BACKGROUND: f64 = 0.002;

/// The detector and its parameters, as written, on one line, with the values of facts.
fn detect_text(node: &Node, tables: &Tables) -> Arc<str> {
    let written = tables.spelt(node.get("detect").map_or("", Node::written));
    written.split_whitespace().collect::<Vec<_>>().join(" ").into()
}

impl Build<'_> {
    /// Checks all of a symptom, and gives it when nothing in it is faulty.
    pub(super) fn symptom(
        &mut self,
        pack: &PackTexts,
        article: &str,
        classes: &BTreeMap<String, ClassId>,
        (id, node, file): (&str, &Node, &SymptomFile),
    ) -> Option<Symptom> {
        let before = self.faults.len();
        let level = self.level_of(node);
        let found = node.get("detect").and_then(|detect| self.kind(detect));
        let mut built = None;
        let mut when = None;
        if let Some((kind, params)) = found {
            built = params.and_then(|params| self.detector(pack, classes, level, (&*kind, params)));
            if let Some(node) = node.get("when") {
                when = self.predicate(node, &pack.tables, kind.name(), Some(&expression::measures(&*kind)));
            }
        }
        let mut unless = Vec::new();
        for place in node.get("unless").map_or(&[][..], Node::one_or_more) {
            unless.extend(self.find_symptom(article, place));
        }
        let (kind, detector, reads) = built.filter(|_| self.faults.len() == before)?;
        let mut wanted = detector.classes();
        wanted.sort_unstable();
        wanted.dedup();
        let unseen = Arc::clone(&detector).watch().reading(Timestamp::MIN).status;
        Some(Symptom {
            id: format!("{article}#{id}").into(),
            title: file.title.as_deref().unwrap_or_default().into(),
            kind,
            level: level?,
            detector,
            classes: wanted,
            reads,
            detect: detect_text(node, &pack.tables),
            ties_any: pack.file.ties == Ties::Any,
            when,
            unless,
            background: file.background.map_or(BACKGROUND, |strength| strength.0),
            accounts: file.accounts.unwrap_or(true),
            ordinary: file.ordinary.unwrap_or(false),
            unseen,
        })
    }

    fn level_of(&mut self, node: &Node) -> Option<usize> {
        let place = node.get("per")?;
        let word = place.scalar()?;
        let level = self.schema.level(word);
        if level.is_none() && self.levels_known {
            let problem = place.problem("unknown-subject", format!("no level of subjects named `{word}`"));
            self.faults.push(advise(problem, word, self.schema.level_names()));
        }
        level
    }

    /// The kind of detector that a symptom names, and its parameters as far as they are sound.
    fn kind(&mut self, detect: &Node) -> Option<(Arc<dyn DetectorKind>, Option<Parameters>)> {
        let entries = detect.entries();
        let is_known =
            |key: &Node| key.scalar().is_some_and(|word| self.registry.find_detector(word).is_some());
        let mut named = entries.iter().map(|(key, _)| key).filter(|key| is_known(key));
        let (key, word) = match named.next() {
            Some(key) => (key.clone(), key.scalar().unwrap_or_default().to_owned()),
            None => {
                let (key, _) = entries.first()?;
                (key.clone(), self.unknown_detector(key)?)
            }
        };
        let more: Vec<Node> = named.cloned().collect();
        let parameters = self.forms.detectors.get(word.as_str())?;
        let kind = Arc::clone(self.registry.find_detector(&word)?);
        for other in &more {
            let problem =
                other.problem("wrong-shape", "a symptom has one detector, and this is a second one");
            self.faults.push(problem.with_help("make it a symptom of its own"));
        }
        // The detector by its right name, and alone.
        let detect = detect.clone().map_entries(|name, value| {
            let is_more = more.iter().any(|other| other.span() == name.span());
            let name = if name.span() == key.span() { name.renamed(&word) } else { name };
            (!is_more).then_some((name, value))
        });
        let before = self.faults.len();
        let node = self.parameters(&word, &detect, parameters)?;
        let sound = self.faults.len() == before;
        let parameters = node.map(|node| Parameters { sound: sound && node.is_whole(), node });
        Some((kind, parameters))
    }

    /// Tells that there is no such detector, and gives the one that must be meant.
    fn unknown_detector(&mut self, key: &Node) -> Option<String> {
        let word = key.scalar().unwrap_or_default();
        let known: Vec<_> = self.registry.detectors().collect();
        let list = format!("registered: {}", known.join(", "));
        let problem = key.problem("unknown-detector", format!("no detector named `{word}`"));
        let problem = advise(problem, word, known.iter().copied());
        let help = problem.help.as_ref().map_or(list.clone(), |help| format!("{help} {list}"));
        self.faults.push(problem.with_help(help));
        did_you_mean(word, known)
    }

    /// The parameters of a detector, held against their schema: below its name, or beside it.
    fn parameters(&mut self, name: &str, detect: &Node, schema: &Value) -> Option<Option<Node>> {
        let value = detect.get(name)?;
        let (beside, below): (Vec<&Value>, Vec<&Value>) =
            variants(schema).into_iter().partition(|variant| is_beside(name, variant));
        let alone = detect.entries().len() == 1;
        let (node, way) = match (alone && value.is_map(), beside.first(), below.first()) {
            (false, Some(beside), _) => (detect.clone(), *beside),
            // All ways of writing are below.
            (_, None, _) => (self.below(name, detect, schema)?, schema),
            (true, _, Some(below)) => (value.clone(), *below),
            (true, Some(beside), None) => (detect.clone(), *beside),
        };
        Some(yaml::sound_part(node, way, schema, &mut self.faults))
    }

    /// Parameters that stand below the detector's name; those beside it are told and taken for such.
    fn below(&mut self, name: &str, detect: &Node, schema: &Value) -> Option<Node> {
        let value = detect.get(name)?.clone();
        let others = detect.entries().iter().filter(|(key, _)| key.scalar() != Some(name));
        let mut strays = Vec::new();
        for (key, stray) in others {
            let word = key.scalar().unwrap_or_default();
            let problem = key.problem("unknown-key", format!("unknown key `{word}` beside `{name}`"));
            let is_its = schema.get("properties").is_some_and(|known| known.get(word).is_some());
            self.faults.push(match is_its {
                true => problem
                    .with_help(format!("it is a parameter of `{name}`: write it below, in the same mapping")),
                false => problem.with_help("a symptom has one detector, with its parameters below its name"),
            });
            if is_its {
                strays.push((key.clone(), stray.clone()));
            }
        }
        Some(value.with_entries(strays))
    }

    fn detector(
        &mut self,
        pack: &PackTexts,
        classes: &BTreeMap<String, ClassId>,
        level: Option<usize>,
        (kind, params): (&dyn DetectorKind, Parameters),
    ) -> Option<(&'static str, Arc<dyn Detector>, Vec<FieldId>)> {
        let mut scope = Scope {
            classes,
            schema: &mut self.schema,
            known_fields: pack.known_fields.as_deref(),
            level,
            levels_known: self.levels_known,
            ties_any: pack.file.ties == Ties::Any,
            reads: Vec::new(),
            faults: Vec::new(),
        };
        let detector = if params.sound {
            let outcome = kind.build(&params.node, &mut scope);
            outcome.map_err(|problem| scope.faults.push(problem)).ok()
        } else {
            scope.look_up(&params.node);
            None
        };
        let (reads, mut faults) = (scope.reads, scope.faults);
        let told = faults.len();
        if !self.classes_known {
            faults.retain(|fault| fault.code != "unknown-class");
        }
        let detector = detector.filter(|_| faults.len() == told);
        self.faults.append(&mut faults);
        Some((kind.name(), detector?, reads))
    }

    /// The symptom that a word means.
    pub(super) fn find_symptom(&mut self, article: &str, place: &Node) -> Option<usize> {
        let id = qualify(article, place.scalar()?);
        let found = self.symptom_ids.get(&id).copied();
        if found.is_none() {
            self.unknown(place, "unknown-symptom", &id, |build| build.symptom_ids.keys().cloned().collect());
        }
        found
    }
}

/// What a rule says about its detector.
struct Parameters {
    node: Node,
    /// Whether nothing was left out.
    sound: bool,
}
