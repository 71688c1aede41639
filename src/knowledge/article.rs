//! One article: front matter, sections with anchors, links.
//!
//! ```text
//! ---
//! article: pump-7                           the file is `pump-7.md`
//! title: The pump stops
//! sources: ["pump manual, chapter 3"]
//! updated: 2026-01-06
//! ---
//! What it means, in a few lines.
//!
//! ## The belt is worn {#worn-belt}          an anchor that a rule's cause has too
//!
//! Replace it, then read [why belts wear](belt.md#wear).
//! ```

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::body::{Body, Link, Section};
use super::page::Page;
use crate::error::Problem;
use crate::yaml;

/// The largest front matter that is read.
const MAX_FRONT_MATTER_BYTES: usize = 16 << 10;

/// One page of knowledge about one kind of trouble.
///
/// Invariant: the id is the file's name, there is at least one source, and no two sections share an anchor.
#[derive(Clone, Debug)]
pub struct Article {
    file: String,
    front: FrontMatter,
    front_span: Range<usize>,
    text: Arc<str>,
    lead: String,
    sections: Vec<Section>,
    links: Vec<Link>,
}

impl Article {
    /// Reads an article; `file` is its path as the pack names it.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: front matter that is missing, has another key or lacks one; an id that is not the
    /// file's name; no source; two sections with one anchor; control characters; more than 1 MiB.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let text: Arc<str> = text.into();
        let page = Page { file, text: &text };
        page.readable()?;
        let fences = page.fences()?;
        let front = front_matter(file, text.get(..fences.closing).unwrap_or_default())?;
        front.check(&page)?;
        let Body { lead, sections, links } = Body::read(&page, &front.article.0, fences.body)?;
        Ok(Self {
            file: file.to_owned(),
            front,
            front_span: 0..fences.closing,
            text: Arc::clone(&text),
            lead,
            sections,
            links,
        })
    }

    /// The id, which is also the name of the file.
    pub fn id(&self) -> &str {
        &self.front.article.0
    }

    /// What the article is about, in a few words.
    pub fn title(&self) -> &str {
        &self.front.title.0
    }

    /// Other names for the same trouble.
    pub fn aliases(&self) -> impl ExactSizeIterator<Item = &str> {
        self.front.aliases.iter().map(|alias| alias.0.as_str())
    }

    /// Where the facts come from; never empty.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = &str> {
        self.front.sources.iter().map(|source| source.0.as_str())
    }

    /// The day of the last change, as `2026-01-06`.
    pub fn updated(&self) -> &str {
        &self.front.updated.0
    }

    /// Whether the head says that there is no rule file: the article is only to be read.
    pub fn is_explained_only(&self) -> bool {
        matches!(self.front.rules, Some(RulesWord::None))
    }

    /// The file as the pack names it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The Markdown before the first section.
    pub fn lead(&self) -> &str {
        &self.lead
    }

    /// The sections in the order of the page.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section with this anchor.
    pub fn section(&self, anchor: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.anchor == anchor)
    }

    /// The links in the order of the page.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The whole text of the file.
    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// A problem with the article's names, placed at its front matter.
    pub(crate) fn problem(&self, code: &'static str, message: String) -> Problem {
        let span = self.front_span.clone();
        Problem::new(code, self.file.clone(), &self.text, span, message)
    }
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    article: Text,
    title: Text,
    #[serde(default)]
    aliases: Vec<Text>,
    sources: Vec<Text>,
    updated: Text,
    rules: Option<RulesWord>,
}

/// What the head may say of the article's rules.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RulesWord {
    /// There are none.
    None,
}

/// Text that may be spelt like a whole number, because codes are written without quotes.
#[derive(Clone, Debug)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;

        impl Visitor<'_> for Spelling {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }

        deserializer.deserialize_any(Spelling)
    }
}

/// The front matter as a type. `text` begins with the opening `---`, which YAML reads as the start of a document, so that
/// places in it are places in the file.
fn front_matter(file: &str, text: &str) -> Result<FrontMatter, Problem> {
    if text.len() > MAX_FRONT_MATTER_BYTES {
        let message = "the front matter is larger than 16 KiB";
        return Err(Problem::new("too-large", file, &text.into(), 0..3, message));
    }
    let mut problems = Vec::new();
    match (yaml::read(file, text, &mut problems), problems.into_iter().next()) {
        (_, Some(problem)) => Err(problem),
        (Some(document), None) => yaml::typed(&document),
        (None, None) => Err(Problem::of_file("empty", file, "there is no front matter")),
    }
}

impl FrontMatter {
    fn check(&self, page: &Page<'_>) -> Result<(), Problem> {
        let id = &self.article.0;
        let name = page.file.rsplit(['/', '\\']).next().unwrap_or_default();
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            let message = format!("an id is made of letters, digits and dashes, not `{id}`");
            return Err(page.problem("bad-id", page.key("article"), message));
        }
        if name.strip_suffix(".md") != Some(id) {
            let message = format!("the article calls itself `{id}` and its file `{name}`");
            return Err(page
                .problem("id-is-not-file", page.key("article"), message)
                .with_help(format!("name the file `{id}.md`")));
        }
        if self.sources.is_empty() {
            return Err(page
                .problem("no-source", page.key("sources"), "an article without a source".to_owned())
                .with_help("name at least one document, thread or measurement that the facts come from"));
        }
        let lists = [("aliases", &self.aliases), ("sources", &self.sources)];
        let texts = lists.iter().flat_map(|(key, list)| list.iter().map(move |text| (*key, text)));
        for (key, text) in texts.chain([("title", &self.title)]) {
            if text.0.trim().is_empty() {
                return Err(page.problem("empty-text", page.key(key), format!("empty text in `{key}`")));
            }
        }
        let updated = &self.updated.0;
        if updated.len() != 10 || chrono::NaiveDate::parse_from_str(updated, "%Y-%m-%d").is_err() {
            let message = format!("expected a date such as `2026-01-06`, found `{updated}`");
            return Err(page.problem("bad-date", page.key("updated"), message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::page::MAX_BYTES;

    const FRONT: &str =
        "---\narticle: pump-7\ntitle: The pump stops\nsources: [manual]\nupdated: 2026-01-06\n---\n";

    fn refused(file: &str, text: &str) -> String {
        Article::parse(file, text).unwrap_err().to_string()
    }

    fn refused_front(front: &str) -> String {
        refused("know/7.md", &format!("---\n{front}---\nbody\n"))
    }

    #[test]
    fn windows_line_ends_change_nothing() {
        let text = format!("{FRONT}one\n\n## Two {{#two}}\n\nthree\n").replace('\n', "\r\n");
        let article = Article::parse("pump-7.md", &text).unwrap();
        assert_eq!(article.lead(), "one");
        assert_eq!(article.section("two").unwrap().text, "three");
        assert_eq!(article.section("two").unwrap().line, 9);
    }

    #[test]
    fn a_code_may_be_written_as_a_number() {
        let text =
            "---\narticle: 7\ntitle: t\naliases: [8, '9', Seven]\nsources: [s]\nupdated: 2026-01-06\n---\n";
        let article = Article::parse("7.md", text).unwrap();
        assert_eq!(article.id(), "7");
        assert_eq!(article.aliases().collect::<Vec<_>>(), ["8", "9", "Seven"]);
    }

    #[test]
    fn front_matter_is_strict() {
        let rest = "title: t\nsources: [s]\nupdated: 2026-01-06\n";
        let unknown = refused_front(&format!("article: 7\n{rest}author: me\n"));
        assert!(
            unknown.starts_with("know/7.md:6:1: ") && unknown.contains("unknown key `author`"),
            "{unknown}"
        );
        let missing = refused_front("article: 7\ntitle: t\nupdated: 2026-01-06\n");
        assert!(missing.starts_with("know/7.md:2:1: missing key `sources` [missing-key]"), "{missing}");
        let twice = refused_front(&format!("article: 7\n{rest}title: u\n"));
        assert!(twice.starts_with("know/7.md:6:1: ") && twice.contains("[duplicate-key]"), "{twice}");
        let accents = refused_front("article: 7\ntitle: {é: é, ü: x}\nsources: [s]\n");
        assert!(accents.starts_with("know/7.md:3:8: "), "{accents}");
        let late = refused_front("article: 7\ntitle: ééééééé\nsources: [é, {a: b}]\n");
        assert!(late.starts_with("know/7.md:4:14: "), "{late}");
        let mapping = refused_front("article: 7\ntitle: {a: b}\nsources: [s]\nupdated: 2026-01-06\n");
        assert!(mapping.starts_with("know/7.md:3:8: ") && mapping.contains("expected text"), "{mapping}");
        let other = refused_front(&format!("article: 8\n{rest}"));
        assert!(
            other.starts_with("know/7.md:2:1: the article calls itself `8` and its file `7.md`"),
            "{other}"
        );
        let none = refused_front("article: 7\ntitle: t\nsources: []\nupdated: 2026-01-06\n");
        assert!(none.starts_with("know/7.md:4:1: an article without a source"), "{none}");
        let date = refused_front("article: 7\ntitle: t\nsources: [s]\nupdated: 2026-13-06\n");
        assert!(date.starts_with("know/7.md:5:1: expected a date"), "{date}");
        let blank = refused_front("article: 7\ntitle: ' '\nsources: [s]\nupdated: 2026-01-06\n");
        assert!(blank.starts_with("know/7.md:3:1: empty text in `title`"), "{blank}");
        let path = refused_front(&format!("article: ../7\n{rest}"));
        assert!(path.contains("[bad-id]"), "{path}");
    }

    #[test]
    fn front_matter_must_be_there_end_and_be_small() {
        assert!(refused("7.md", "").contains("7.md:1:1: no front matter"));
        assert!(refused("7.md", "# Seven\n---\n").contains("no front matter"));
        assert!(refused("7.md", "---\narticle: 7\n").contains("front matter without an end"));
        let large = format!("---\narticle: 7\n{}---\n", "# filler\n".repeat(2_000));
        assert!(refused("7.md", &large).contains("larger than 16 KiB"));
        assert!(refused("7.md", &" ".repeat(MAX_BYTES + 1)).contains("larger than 1 MiB"));
    }

    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert_eq!(
            refused("know/pump-7.md", &format!("{FRONT}a\n\u{1b}[31mred")),
            "know/pump-7.md:8:1: control character U+001B [control-character]"
        );
    }
}
