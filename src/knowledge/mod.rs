//! Articles for people: Markdown in, a [`Library`] out that finds, links and searches them.
//!
//! An article is the human half of a rule file of the same name; the path is the link, and a section's anchor is the id
//! of the symptom or cause it explains. Articles may refer to each other in circles. This room knows no rules, no
//! diagnoses and no files: texts come in by name, and a fault leaves as a located [`Problem`].

mod article;
mod body;
mod page;

use std::collections::BTreeMap;

pub use article::Article;
pub use body::{Link, Section, Target};

use crate::error::Problem;

/// The articles of a pack, by id.
///
/// Invariant: no two articles answer to one id or alias.
#[derive(Clone, Debug, Default)]
pub struct Library {
    articles: BTreeMap<String, Article>,
    /// Ids and aliases in lower case, each with the id it stands for.
    names: BTreeMap<String, String>,
    /// Ids with wildcards, those with the fewest first.
    patterns: Vec<String>,
}

impl Library {
    /// A library of these articles.
    ///
    /// # Errors
    ///
    /// Every id or alias that two articles claim. Upper and lower case are one.
    pub fn new(articles: impl IntoIterator<Item = Article>) -> Result<Self, Vec<Problem>> {
        let mut library = Self::default();
        let mut problems = Vec::new();
        for article in articles {
            let id = article.id().to_owned();
            let mut free = true;
            for name in std::iter::once(article.id()).chain(article.aliases()) {
                match library.names.get(&name.to_lowercase()) {
                    Some(owner) => {
                        free = false;
                        let message = format!("`{name}` already names the article `{owner}`");
                        problems.push(article.problem("duplicate-name", message));
                    }
                    None => drop(library.names.insert(name.to_lowercase(), id.clone())),
                }
            }
            if free {
                library.articles.insert(id, article);
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        library.patterns = library.articles.keys().filter(|id| is_pattern(id)).cloned().collect();
        library.patterns.sort_by_key(|id| (id.bytes().filter(|byte| *byte == b'x').count(), id.clone()));
        Ok(library)
    }

    /// The articles in the order of their ids.
    pub fn articles(&self) -> impl ExactSizeIterator<Item = &Article> {
        self.articles.values()
    }

    /// The article with exactly this id.
    pub fn get(&self, id: &str) -> Option<&Article> {
        self.articles.get(id)
    }

    /// The article that a name stands for: an id, else an alias, else an id whose every `x` stands for one digit
    /// (`70xx` for `7012`); of several such ids the one with the fewest `x`. Upper and lower case are one.
    pub fn resolve(&self, name: &str) -> Option<&Article> {
        let id = self
            .names
            .get(&name.to_lowercase())
            .or_else(|| self.patterns.iter().find(|pattern| stands_for(pattern, name)))?;
        self.get(id)
    }

    /// The section that `article#anchor` names; the article as in [`resolve`](Self::resolve).
    pub fn section(&self, reference: &str) -> Option<(&Article, &Section)> {
        let (name, anchor) = reference.split_once('#')?;
        let article = self.resolve(name)?;
        Some((article, article.section(anchor)?))
    }

    /// Every link with the article it stands in.
    pub fn links(&self) -> impl Iterator<Item = (&Article, &Link)> {
        self.articles.values().flat_map(|article| article.links().iter().map(move |link| (article, link)))
    }

    /// Every link that leads to no article, to no section, or to something that is neither an article nor on the web.
    /// Circles are fine; pages on the web are not looked at.
    pub fn dead_links(&self) -> Vec<Problem> {
        self.links().filter_map(|(article, link)| self.dead(article, link)).collect()
    }

    fn dead(&self, from: &Article, link: &Link) -> Option<Problem> {
        let problem = |message: String, help: String| {
            Problem::new("dead-link", from.file(), from.text(), link.span.clone(), message).with_help(help)
        };
        match &link.target {
            Target::Web(_) => None,
            Target::Elsewhere(path) => Some(problem(
                format!("`{path}` is neither an article nor on the web"),
                "link to `article.md`, `article.md#section` or `https://…`".to_owned(),
            )),
            Target::Article { id, anchor } => match (self.get(id), anchor) {
                (None, _) => Some(problem(
                    format!("no article `{id}`"),
                    format!("there are: {}", list(self.articles.keys().map(String::as_str))),
                )),
                (Some(article), Some(anchor)) if article.section(anchor).is_none() => Some(problem(
                    format!("the article `{id}` has no section `{anchor}`"),
                    format!(
                        "it has: {}",
                        list(article.sections().iter().map(|section| section.anchor.as_str()))
                    ),
                )),
                (Some(_), _) => None,
            },
        }
    }

    /// The articles that have any of these words, best first, each with its score. A word also finds longer words that
    /// begin with it. Names weigh most, then titles, then headings, then the text.
    pub fn search(&self, words: &str) -> Vec<(&Article, u32)> {
        let mut wanted: Vec<String> = words_of(words).collect();
        wanted.sort();
        wanted.dedup();
        let mut found: Vec<(&Article, u32)> = self
            .articles
            .values()
            .map(|article| (article, wanted.iter().map(|word| self.score(article, word)).sum()))
            .filter(|(_, score)| *score > 0)
            .collect();
        // The articles came in the order of their ids, and a stable sort keeps it among equals.
        found.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
        found
    }

    fn score(&self, article: &Article, word: &str) -> u32 {
        let named = self.resolve(word).is_some_and(|named| named.id() == article.id());
        let headings: u32 = article.sections().iter().map(|section| hits(&section.title, word)).sum();
        let texts = article.sections().iter().map(|section| section.text.as_str());
        let text: u32 = texts.chain([article.lead()]).map(|text| hits(text, word)).sum();
        // A long article must not win by repeating a word, so headings and text are capped.
        u32::from(named) * 100 + hits(article.title(), word).min(1) * 20 + headings.min(3) * 5 + text.min(5)
    }
}

/// Whether an id has wildcards: digits and `x` only, with some of both.
fn is_pattern(id: &str) -> bool {
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && digits < id.len() && id.bytes().all(|byte| byte == b'x' || byte.is_ascii_digit())
}

fn stands_for(pattern: &str, name: &str) -> bool {
    let fits = |(p, n): (u8, u8)| if p == b'x' { n.is_ascii_digit() } else { p == n };
    pattern.len() == name.len() && pattern.bytes().zip(name.bytes()).all(fits)
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn hits(text: &str, word: &str) -> u32 {
    let count = words_of(text).filter(|candidate| candidate.starts_with(word)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Some names for a line of help; a page can have thousands.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names = names.map(|name| format!("`{name}`"));
    let shown = names.by_ref().take(12).collect::<Vec<_>>().join(", ");
    match names.count() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(id: &str, title: &str, aliases: &str, body: &str) -> Article {
        let text = format!(
            "---\narticle: {id}\ntitle: {title}\naliases: [{aliases}]\nsources: [manual]\nupdated: 2026-01-06\n---\n{body}"
        );
        Article::parse(&format!("{id}.md"), &text).unwrap()
    }

    fn pumps() -> Library {
        Library::new([
            page("70xx", "Any pump fault", "Fault, 9000", "See [one](7001.md#belt).\n\n## Noise\n\nrattling"),
            page(
                "7001",
                "The pump stops",
                "Stopped",
                "## Worn belt {#belt}\n\nThe [rest](70xx.md), noise again",
            ),
            page("700x", "Motor faults", "", "Hot motors."),
        ])
        .unwrap()
    }

    fn resolved(library: &Library, name: &str) -> Option<String> {
        library.resolve(name).map(|article| article.id().to_owned())
    }

    #[test]
    fn a_name_is_an_id_then_an_alias_then_a_pattern() {
        let library = pumps();
        let check =
            |name: &str, id: Option<&str>| assert_eq!(resolved(&library, name).as_deref(), id, "{name}");
        check("7001", Some("7001"));
        check("stopped", Some("7001"));
        check("9000", Some("70xx"));
        check("7002", Some("700x"));
        check("7012", Some("70xx"));
        check("70xx", Some("70xx"));
        check("7112", None);
        check("701", None);
        check("70é", None);
        check("701a", None);
        check("", None);
    }

    #[test]
    fn a_word_with_an_x_is_no_pattern() {
        let library = Library::new([page("x", "x", "", ""), page("box7", "Box", "", "")]).unwrap();
        assert_eq!(resolved(&library, "5"), None);
        assert_eq!(resolved(&library, "bo57"), None);
    }

    #[test]
    fn a_reference_finds_its_section() {
        let library = pumps();
        assert_eq!(library.section("stopped#belt").unwrap().1.title, "Worn belt");
        assert!(library.section("7001#noise").is_none());
        assert!(library.section("7001").is_none());
    }

    #[test]
    fn circles_are_fine_and_dead_links_are_located() {
        assert_eq!(pumps().dead_links(), []);
        assert_eq!(pumps().links().count(), 2);
        let library = Library::new([page(
            "a",
            "A",
            "",
            "[x](b.md) [y](#no) [z](w.txt) [w](http://e.example)\n\n## Yes\n",
        )])
        .unwrap();
        let dead: Vec<_> = library.dead_links().iter().map(ToString::to_string).collect();
        assert_eq!(
            dead,
            [
                "a.md:8:1: no article `b` [dead-link]\n  help: there are: `a`",
                "a.md:8:11: the article `a` has no section `no` [dead-link]\n  help: it has: `yes`",
                "a.md:8:20: `w.txt` is neither an article nor on the web [dead-link]\n  help: link to `article.md`, \
                 `article.md#section` or `https://…`",
            ]
        );
    }

    #[test]
    fn a_name_belongs_to_one_article() {
        let twice = Library::new([page("a", "A", "Same", ""), page("b", "B", "same, A", "")]).unwrap_err();
        let messages: Vec<_> = twice.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(messages, ["`same` already names the article `a`", "`A` already names the article `a`"]);
    }

    #[test]
    fn search_ranks_names_over_titles_over_text() {
        let library = pumps();
        let found = |words: &str| -> Vec<_> {
            library
                .search(words)
                .into_iter()
                .map(|(article, score)| (article.id().to_owned(), score))
                .collect()
        };
        let expect =
            |pairs: &[(&str, u32)]| pairs.iter().map(|(id, n)| ((*id).to_owned(), *n)).collect::<Vec<_>>();
        assert_eq!(found("noise"), expect(&[("70xx", 5), ("7001", 1)]));
        assert_eq!(found("PUMP fault"), expect(&[("70xx", 140), ("7001", 20), ("700x", 20)]));
        assert_eq!(found("7003"), expect(&[("700x", 100)]));
        assert_eq!(found("rattl"), expect(&[("70xx", 1)]));
        assert_eq!(found("motor motor"), found("motor"));
        assert_eq!(found(" ?! "), []);
    }
}
