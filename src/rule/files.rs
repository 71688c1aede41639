//! The texts of a pack, read one by one: shaped, and their names still without meaning.
//!
//! A faulty part is told and left out, and keeps its name: whoever refers to it is not blamed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::error::{Problem, did_you_mean};
use crate::input::Mapping;
use crate::plugin::Registry;
use crate::rule::schema::{ArticleFile, PackFile};
use crate::rule::table::Tables;
use crate::rule::{Texts, ids};
use crate::yaml::{self, Document, Node};

/// The JSON Schemas that files are held against, each made once.
pub(super) struct Forms {
    pack: &'static Value,
    article: &'static Value,
    /// The names of the formats.
    formats: Vec<&'static str>,
    /// The parameters of each detector.
    pub(super) detectors: BTreeMap<&'static str, Value>,
}

impl Forms {
    pub(super) fn new(registry: &Registry) -> Self {
        static FILES: LazyLock<[Value; 2]> =
            LazyLock::new(|| [yaml::schema_of::<PackFile>(), yaml::schema_of::<ArticleFile>()]);
        let [pack, article] = &*FILES;
        let parameters = |name| Some((name, registry.find_detector(name)?.parameters()));
        Self {
            pack,
            article,
            formats: registry.formats().collect(),
            detectors: registry.detectors().filter_map(parameters).collect(),
        }
    }
}

/// One pack, read and shaped, its names still without meaning.
#[derive(Default)]
pub(super) struct PackTexts {
    pub(super) file: PackFile,
    /// What is sound of `pack.yaml`; nothing when there is no such file or it is no YAML.
    pub(super) root: Option<Node>,
    /// Whether all levels of subjects have a name.
    pub(super) levels_known: bool,
    pub(super) mappings: Vec<Mapping>,
    /// What the inputs can give, when that is known.
    pub(super) known_fields: Option<Vec<String>>,
    pub(super) articles: Vec<Article>,
    /// Ids of articles whose content is not known.
    pub(super) unread: Vec<String>,
    /// The facts that its rules may name.
    pub(super) tables: Tables,
    /// Raw records for cases, by path.
    pub(super) cases: BTreeMap<String, Arc<str>>,
}

pub(super) struct Article {
    pub(super) id: Arc<str>,
    pub(super) file: ArticleFile,
    /// What is sound of the file.
    pub(super) root: Node,
    /// Classes that were left out.
    pub(super) faulty_classes: Vec<String>,
    /// Whether all classes have a name.
    pub(super) classes_known: bool,
}

impl PackTexts {
    pub(super) fn read(texts: &Texts, forms: &Forms, faults: &mut Vec<Problem>) -> Self {
        let name = |path: &str| texts.shown(path);
        let mut pack = Self { tables: Tables::read(texts, faults), ..Self::default() };
        let (mut fields, mut fields_known) = (BTreeSet::new(), true);
        for (path, text) in &texts.files {
            if path.starts_with("cases/") {
                pack.cases.insert(path.clone(), text.as_str().into());
                continue;
            }
            if !is_yaml(path) {
                continue;
            }
            // Fleets are read when they are simulated.
            if path.starts_with("tables/") || path.starts_with("fleets/") {
                continue;
            }
            let document = yaml::read(&name(path), text, faults);
            match (path.as_str(), path.split_once('/'), document) {
                ("pack.yaml", _, Some(document)) => pack.take_pack(document, forms, faults),
                ("pack.yaml", _, None) => {}
                (_, Some(("inputs", _)), Some(document)) => {
                    fields.extend(keys(document.root().get("fields")));
                    fields_known &= document.root().get("fields").is_some_and(Node::is_map);
                    pack.mappings.push(Mapping::read(document.into_root(), &forms.formats, faults));
                }
                (_, Some(("inputs", _)), None) => fields_known = false,
                (_, _, Some(document)) => {
                    let (article, other_name) =
                        Article::read(path, pack.tables.fill(document.into_root(), faults), forms, faults);
                    pack.articles.push(article);
                    pack.unread.extend(other_name);
                }
                (_, _, None) => pack.unread.push(stem(path).to_owned()),
            }
        }
        if !texts.files.iter().any(|(path, _)| path == "pack.yaml") {
            let message = "a pack needs this file, and it is missing";
            faults.push(Problem::of_file("missing-file", name("pack.yaml"), message));
        }
        let known = fields_known && !pack.mappings.is_empty();
        pack.known_fields = known.then(|| fields.into_iter().collect());
        pack
    }

    fn take_pack(&mut self, document: Document, forms: &Forms, faults: &mut Vec<Problem>) {
        let levels = |root: &Node| {
            let levels = root.get("subjects").map_or(&[][..], Node::one_or_more);
            levels.iter().filter(|level| level.get("name").is_some_and(|name| name.text().is_ok())).count()
        };
        let all = document.root().get("subjects").map_or(&[][..], Node::one_or_more).len();
        ids::words(document.root(), faults);
        let Some(root) = yaml::sound(document.into_root(), forms.pack, faults) else { return };
        self.file = read(&root, faults);
        faults.extend(root.unknown_version("pack"));
        self.levels_known = all > 0 && levels(&root) == all;
        self.root = Some(root);
    }
}

impl Article {
    /// Reads an article, and gives the other name under which it may be known when it has two.
    fn read(path: &str, root: Node, forms: &Forms, faults: &mut Vec<Problem>) -> (Self, Option<String>) {
        let [classes, symptoms, causes, solutions] = SECTIONS.map(|section| names(&root, section));
        let stem = stem(path);
        let events = root.get("events");
        let classes_known = events.is_none_or(|events| events.is_map() && !events.has_gaps());
        let mended = ids::check(&root, faults);
        ids::words(&root, faults);
        let stand_in = root.stand_in();
        let Some(root) = yaml::sound(root, forms.article, faults) else {
            let file = ArticleFile::default();
            let article =
                Self { id: stem.into(), file, root: stand_in, faulty_classes: classes, classes_known: false };
            return (article, Some(stem.to_owned()));
        };
        let mut file: ArticleFile = read(&root, faults);
        for id in symptoms.into_iter().chain(mended.symptoms) {
            file.symptoms.entry(id).or_default();
        }
        for id in causes.into_iter().chain(mended.causes) {
            file.causes.entry(id).or_default();
        }
        for id in solutions.into_iter().chain(mended.solutions) {
            file.solutions.entry(id).or_default();
        }
        let sound = root.get("events");
        let faulty_classes = classes
            .into_iter()
            .chain(mended.classes)
            .filter(|name| sound.is_none_or(|sound| sound.get(name).is_none()))
            .collect();
        let wrong_name = root.wrong_name("article", stem);
        let other_name = wrong_name.is_some().then(|| stem.to_owned());
        faults.extend(wrong_name.into_iter().chain(root.unknown_version("article")));
        let id = file.article.as_ref().map_or(stem, |word| word.0.as_str()).into();
        (Self { id, file, root, faulty_classes, classes_known }, other_name)
    }

    /// The sound entries of a section, by name.
    pub(super) fn section(&self, name: &str) -> Vec<(&str, &Node)> {
        let entries = self.root.get(name).map_or(&[][..], Node::entries);
        let mut entries: Vec<_> =
            entries.iter().filter_map(|(key, node)| Some((key.scalar()?, node))).collect();
        entries.sort_by_key(|(name, _)| *name);
        entries
    }

    /// The node of a key at the top; the whole file when it is not there.
    pub(super) fn node(&self, key: &str) -> &Node {
        self.root.get(key).unwrap_or(&self.root)
    }
}

/// Reads what is sound into its type.
fn read<T: serde::de::DeserializeOwned + Default>(root: &Node, faults: &mut Vec<Problem>) -> T {
    yaml::read_into(root).unwrap_or_else(|problem| {
        faults.push(problem);
        T::default()
    })
}

/// The sections of an article that give names.
const SECTIONS: [&str; 4] = ["events", "symptoms", "causes", "solutions"];

/// The names that a section gives, sound or not, also when it is misspelt itself.
fn names(root: &Node, section: &str) -> Vec<String> {
    let is_meant = |key: &str| {
        key == section || !SECTIONS.contains(&key) && did_you_mean(key, SECTIONS).as_deref() == Some(section)
    };
    let entries = root.entries().iter();
    entries
        .filter(|(key, node)| node.is_map() && key.scalar().is_some_and(is_meant))
        .flat_map(|(_, node)| keys(Some(node)))
        .collect()
}

fn keys(node: Option<&Node>) -> Vec<String> {
    let entries = node.map_or(&[][..], Node::entries);
    entries.iter().filter_map(|(key, _)| key.scalar().map(str::to_owned)).collect()
}

fn is_yaml(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn stem(path: &str) -> &str {
    Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}
