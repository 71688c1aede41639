//! The texts of a pack, read one by one: shaped, and their names still without meaning.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::error::Problem;
use crate::input::Mapping;
use crate::rule::Texts;
use crate::rule::schema::{ArticleFile, PackFile};
use crate::yaml::{self, Document, Node};

/// One pack, read and shaped, its names still without meaning.
pub(super) struct PackTexts {
    pub(super) file: PackFile,
    pub(super) document: Document,
    pub(super) mappings: Vec<Mapping>,
    pub(super) known_fields: Option<Vec<String>>,
    pub(super) articles: Vec<Article>,
}

pub(super) struct Article {
    pub(super) id: Arc<str>,
    pub(super) file: ArticleFile,
    pub(super) document: Document,
}

impl PackTexts {
    pub(super) fn read(texts: &Texts, faults: &mut Vec<Problem>) -> Option<Self> {
        let name = |path: &str| {
            if let Some(elsewhere) = texts.elsewhere.get(path) {
                return elsewhere.clone();
            }
            if texts.root.is_empty() { path.to_owned() } else { format!("{}/{path}", texts.root) }
        };
        let mut pack = None;
        let mut mappings = Vec::new();
        let mut articles = Vec::new();
        for (path, text) in &texts.files {
            if !is_yaml(path) {
                continue;
            }
            let Some(document) = yaml::read(&name(path), text, faults) else { continue };
            let outcome = match (path.as_str(), path.split_once('/')) {
                ("pack.yaml", _) => yaml::typed(&document).map(|file| pack = Some((file, document))),
                (_, Some(("inputs", _))) => {
                    Mapping::read(document.root()).map(|mapping| mappings.push(mapping))
                }
                (_, Some(("tables" | "fleets", _))) => Ok(()),
                _ => Article::read(path, document).map(|article| articles.push(article)),
            };
            faults.extend(outcome.err());
        }
        let Some((file, document)) = pack else {
            let root = name("pack.yaml");
            let message = "a pack needs this file, and it is missing or faulty".to_owned();
            if !faults.iter().any(|fault| fault.file == root) {
                faults.push(Problem::of_file("missing-file", root, message));
            }
            return None;
        };
        let known_fields = (!mappings.is_empty()).then(|| {
            let names: BTreeSet<String> = mappings
                .iter()
                .flat_map(|mapping| mapping.field_names().map(str::to_owned).collect::<Vec<_>>())
                .collect();
            names.into_iter().collect()
        });
        Some(Self { file, document, mappings, known_fields, articles })
    }
}

impl Article {
    fn read(path: &str, document: Document) -> Result<Self, Problem> {
        let file: ArticleFile = yaml::typed(&document)?;
        let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if file.article.0 != stem {
            let node = document.root().get("article").unwrap_or(document.root());
            let message = format!("article `{}` stands in a file named `{stem}`", file.article.0);
            return Err(node
                .problem("wrong-name", message)
                .with_help("the path is the link: give both one name"));
        }
        version(file.etiolog, &document)?;
        Ok(Self { id: file.article.0.as_str().into(), file, document })
    }

    pub(super) fn node(&self, path: &[&str]) -> &Node {
        self.document.root().at(path).unwrap_or(self.document.root())
    }
}

fn is_yaml(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

pub(super) fn version(found: u32, document: &Document) -> Result<(), Problem> {
    if found == 1 {
        return Ok(());
    }
    let node = document.root().get("etiolog").unwrap_or(document.root());
    Err(node
        .problem("unknown-version", format!("rule format `{found}` is not known; this library reads `1`")))
}
