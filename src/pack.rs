//! A folder of rules and articles, or the same as embedded texts. The only library file that touches the disk.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Problem, did_you_mean};
use crate::knowledge::{Article, Library};
use crate::rule::{self, Fact, Texts};

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Rules, inputs and articles of one domain.
///
/// A pack is only texts until an [`Engine`](crate::Engine) is built from it; then every fault is found.
#[derive(Clone, Debug, Default)]
pub struct Pack {
    pub(crate) rules: Texts,
    articles: Vec<(String, String)>,
    /// How problems name the folder of the articles; empty when the paths say it all.
    shelf: String,
}

impl Pack {
    /// A pack that comes with this library.
    ///
    /// # Errors
    ///
    /// When there is none of this name.
    pub fn shipped(name: &str) -> Result<Self, Error> {
        let files = SHIPPED.iter().find(|(known, ..)| *known == name);
        let (_, rules, articles) = files.ok_or_else(|| {
            let known: Vec<_> = Self::shipped_names().collect();
            Error::not_found(format!("no pack named `{name}` is shipped; there are: {}", known.join(", ")))
        })?;
        let owned = |files: &[(&str, &str)]| {
            files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
        };
        Ok(Self {
            rules: Texts { root: format!("rules/{name}"), files: owned(rules), ..Texts::default() },
            articles: owned(articles),
            shelf: format!("knowledge/{name}"),
        })
    }

    /// The names of the packs that come with this library.
    pub fn shipped_names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|&(name, ..)| name)
    }

    /// A pack from texts, each with its path inside the pack: `pack.yaml`, `inputs/….yaml`, `fleets/….yaml`, `….yaml`,
    /// `….md`, and raw records for cases as `cases/…`.
    pub fn from_texts(files: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        let mut pack = Self::default();
        for (path, text) in files {
            pack.add(path, text);
        }
        pack
    }

    /// Adds a rule file or an article, or replaces the one at the same path.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> &mut Self {
        let (path, text) = (path.into(), text.into());
        let is_article = !path.starts_with("cases/")
            && Path::new(&path).extension().is_some_and(|extension| extension == "md");
        let files = if is_article { &mut self.articles } else { &mut self.rules.files };
        match files.binary_search_by(|(known, _)| known.cmp(&path)) {
            Ok(at) => {
                if let Some(slot) = files.get_mut(at) {
                    slot.1 = text;
                }
            }
            Err(at) => files.insert(at, (path, text)),
        }
        self
    }

    /// A pack from a folder that holds `pack.yaml`: its YAML files, its `inputs/` and `fleets/`, the records in its `cases/`,
    /// and its Markdown articles, which stand beside the rules or, for a folder `rules/<pack>`, in `knowledge/<pack>`. Links
    /// are not followed out of these.
    ///
    /// # Errors
    ///
    /// When the folder or a file in it cannot be read, is larger than 1 MiB (16 MiB in `cases/`) or is not UTF-8; or when
    /// there are more than 10,000 files or 64 MiB.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let mut pack = Self::default();
        pack.rules.root = folder.display().to_string();
        if !folder.join("pack.yaml").is_file() {
            return Err(Error::not_found(format!(
                "`{}` is not a pack: there is no pack.yaml in it",
                folder.display()
            )));
        }
        pack.add_knowledge(folder)?;
        let mut faults = Vec::new();
        let (mut files, mut bytes) = (0, 0);
        for inside in ["", "inputs", "tables", "cases", "fleets"] {
            let here = folder.join(inside);
            if !here.is_dir() {
                continue;
            }
            let entries = fs::read_dir(&here).map_err(|why| Error::read(here.display().to_string(), why))?;
            for entry in entries {
                let path = entry.map_err(|why| Error::read(here.display().to_string(), why))?.path();
                let wanted = inside == "cases"
                    || path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "md");
                let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| wanted) else {
                    continue;
                };
                if name.starts_with('.') || !path.is_file() {
                    continue;
                }
                let inner = if inside.is_empty() { name.to_owned() } else { format!("{inside}/{name}") };
                let limit = if inside == "cases" { CASE_LIMIT } else { FILE_LIMIT };
                let text = match read_text(&path, limit) {
                    Ok(text) => text,
                    // All such files are told at once.
                    Err(error) if error.is_rules() => {
                        faults.extend_from_slice(error.problems());
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                (files, bytes) = (files + 1, bytes + text.len());
                if files > PACK_FILES || bytes > PACK_BYTES {
                    let why = format!("it has more than {PACK_FILES} files or {} MiB", PACK_BYTES >> 20);
                    return Err(Error::read(folder.display().to_string(), why));
                }
                pack.rules.elsewhere.remove(&inner);
                pack.add(inner, text);
            }
        }
        faults.sort_by(|a: &Problem, b| a.file.cmp(&b.file));
        if faults.is_empty() { Ok(pack) } else { Err(Error::rules(faults)) }
    }

    /// Adds the articles of a folder `rules/<pack>` that stand in `knowledge/<pack>`; one that stands beside the rules too
    /// replaces them later.
    fn add_knowledge(&mut self, folder: &Path) -> Result<(), Error> {
        let Ok(absolute) = std::path::absolute(folder) else { return Ok(()) };
        let (Some(name), Some(rules)) = (absolute.file_name(), absolute.parent()) else { return Ok(()) };
        let Some(root) = rules.parent().filter(|_| rules.file_name().is_some_and(|name| name == "rules"))
        else {
            return Ok(());
        };
        // Shown as the folder was named, where its name holds all that is needed.
        let shown = folder.parent().and_then(Path::parent).filter(|_| folder.components().count() > 1);
        let knowledge = shown.unwrap_or(root).join("knowledge").join(name);
        if !knowledge.is_dir() {
            return Ok(());
        }
        let unreadable = |why| Error::read(knowledge.display().to_string(), why);
        for entry in fs::read_dir(&knowledge).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let wanted = path.extension().is_some_and(|extension| extension == "md");
            if wanted && !name.starts_with('.') && path.is_file() && name != "README.md" {
                self.rules.elsewhere.insert(name.to_owned(), path.display().to_string());
                self.add(name, read_text(&path, FILE_LIMIT)?);
            }
        }
        Ok(())
    }

    /// Adds the file at `path` to this pack under its own name: a rule file (`….yaml`) or an article (`….md`) of one's own.
    ///
    /// # Errors
    ///
    /// As [`Pack::load`], and when the file is neither or is a pack's `pack.yaml`.
    pub fn add_file(&mut self, path: impl AsRef<Path>) -> Result<&mut Self, Error> {
        let path = path.as_ref();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let shown = path.display().to_string();
        if name == "pack.yaml" {
            return Err(Error::config(format!("`{shown}` stands for a whole pack; name its folder instead")));
        }
        if !path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "md") {
            return Err(Error::config(format!(
                "`{shown}` is neither a rule file, which ends in `.yaml`, nor an article, which ends in `.md`"
            )));
        }
        let text = read_text(path, FILE_LIMIT)?;
        self.add_cases_beside(path, &text)?;
        self.rules.elsewhere.insert(name.clone(), shown);
        Ok(self.add(name, text))
    }

    /// Adds the records that a rule file from elsewhere names and has beside it.
    fn add_cases_beside(&mut self, rule: &Path, text: &str) -> Result<(), Error> {
        let folder = rule.parent().unwrap_or(Path::new("")).join("cases");
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
        for entry in entries {
            let path = entry.map_err(|why| Error::read(folder.display().to_string(), why))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).map(|name| format!("cases/{name}"));
            if let Some(name) = name.filter(|name| path.is_file() && text.contains(name.as_str())) {
                self.add(name, read_text(&path, CASE_LIMIT)?);
            }
        }
        Ok(())
    }

    /// The facts of this pack's tables, with what was [set](Pack::set), in the order of their names.
    pub fn facts(&self) -> Vec<Fact> {
        rule::facts(&self.rules)
    }

    /// Sets a fact of this pack's tables: what is known better about one's own site.
    ///
    /// ```
    /// # use etiolog::Pack;
    /// let mut pack = Pack::from_texts([(
    ///     "tables/timing.yaml",
    ///     "{etiolog: 1, table: timing, title: T, facts: {gone: {is: 15m, title: G, sources: ours}}}",
    /// )]);
    /// pack.set("timing.gone", "30m")?;
    /// assert_eq!(pack.facts()[0].value, "30m");
    /// assert!(pack.set("timing.gone", "red").is_err() && pack.set("timing.lost", "1m").is_err());
    /// # Ok::<(), etiolog::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When no table has this fact, or the value is not of its sort: a duration for a duration.
    pub fn set(&mut self, fact: &str, value: &str) -> Result<&mut Self, Error> {
        let facts = self.facts();
        let Some(known) = facts.iter().find(|known| known.name == fact) else {
            let names = facts.iter().map(|fact| fact.name.as_str());
            let near = did_you_mean(fact, names.clone());
            let advice = match (near, facts.is_empty()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, true) => "it has no tables".to_owned(),
                (None, false) => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
            };
            return Err(Error::config(format!("no fact `{fact}` in the tables of the pack; {advice}")));
        };
        if let Some(why) = rule::misfit(known, value) {
            return Err(Error::config(why));
        }
        self.rules.settings.insert(fact.to_owned(), value.to_owned());
        Ok(self)
    }

    /// The articles of this pack.
    ///
    /// # Errors
    ///
    /// When an article is faulty or a link inside the pack leads nowhere.
    pub fn library(&self) -> Result<Library, Error> {
        let (library, faults) = self.shelf();
        if faults.is_empty() { Ok(library) } else { Err(Error::rules(faults)) }
    }

    /// The articles that are without fault, and what is wrong with the others and with the links of all.
    pub(crate) fn shelf(&self) -> (Library, Vec<Problem>) {
        let mut faults: Vec<Problem> = Vec::new();
        let mut articles = Vec::new();
        for (path, text) in &self.articles {
            let shown = match self.rules.elsewhere.get(path) {
                Some(elsewhere) => elsewhere.clone(),
                None if self.shelf.is_empty() => path.clone(),
                None => format!("{}/{path}", self.shelf),
            };
            match Article::parse(&shown, text) {
                Ok(article) => articles.push(article),
                Err(problem) => faults.push(problem),
            }
        }
        match Library::new(articles) {
            Ok(library) => {
                faults.extend(library.dead_links());
                (library, faults)
            }
            Err(more) => {
                faults.extend(more);
                (Library::default(), faults)
            }
        }
    }

    /// The paths of the articles inside the pack, the faulty ones too.
    pub(crate) fn article_paths(&self) -> impl Iterator<Item = &str> {
        self.articles.iter().map(|(path, _)| path.as_str())
    }
}

/// The most files in a pack's folder, and the most bytes in all of them.
const PACK_FILES: usize = 10_000;
const PACK_BYTES: usize = 64 << 20;

/// The largest rule file or article.
const FILE_LIMIT: u64 = 1 << 20;
/// The largest file of records for a case.
const CASE_LIMIT: u64 = 16 << 20;

fn read_text(path: &Path, limit: u64) -> Result<String, Error> {
    let shown = || path.display().to_string();
    let meta = fs::metadata(path).map_err(|why| Error::read(shown(), why))?;
    if !meta.is_file() {
        return Err(Error::read(shown(), "it is not a regular file"));
    }
    if meta.len() > limit {
        return Err(Error::read(shown(), format_args!("it is larger than {} MiB", limit >> 20)));
    }
    let bytes = fs::read(path).map_err(|why| Error::read(shown(), why))?;
    String::from_utf8(bytes).map_err(|why| Error::rules(vec![not_unicode(shown(), why.as_bytes())]))
}

/// The first byte of a file that is no text, shown in what can be read of the rest.
fn not_unicode(file: String, bytes: &[u8]) -> Problem {
    let sound = std::str::from_utf8(bytes).map_or_else(|why| why.valid_up_to(), str::len);
    let text: Arc<str> = String::from_utf8_lossy(bytes).into();
    let byte = bytes.get(sound).copied().unwrap_or_default();
    let message = format!("the byte 0x{byte:02X} is not UTF-8");
    let problem = Problem::new(
        "not-unicode",
        file,
        &text,
        sound..sound + char::REPLACEMENT_CHARACTER.len_utf8(),
        message,
    );
    problem.with_help("save the file as UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_what_stands_in_this_very_checkout() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, rules, articles) in SHIPPED {
            assert!(!rules.is_empty() && !articles.is_empty(), "{name}");
            for (folder, files) in [("rules", rules), ("knowledge", articles)] {
                for (path, text) in *files {
                    let there = fs::read_to_string(root.join(folder).join(name).join(path));
                    assert!(there.is_ok_and(|there| there == *text), "{folder}/{name}/{path}");
                }
            }
        }
    }
}
