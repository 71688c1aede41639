//! The Markdown of an article: its lead, its sections under `##` headings, its links.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::page::Page;
use crate::error::Problem;

/// A part of an article under a `##` heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading as plain text.
    pub title: String,
    /// The name that links and rules use: the heading's `{#anchor}`, or else its words in lower case with dashes.
    pub anchor: String,
    /// The Markdown below the heading.
    pub text: String,
    /// The line of the heading, from 1.
    pub line: usize,
}

/// A link in an article and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What the reader sees.
    pub text: String,
    /// Where it leads.
    pub target: Target,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The bytes of the file.
    pub span: Range<usize>,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To an article beside this one, or to a section of it: `belt.md#wear`, `#worn-belt`.
    Article {
        /// The article's id.
        id: String,
        /// The section's anchor.
        anchor: Option<String>,
    },
    /// To a page on the web.
    Web(String),
    /// To anything else, which no reader of the library could follow.
    Elsewhere(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Article { id, anchor: Some(anchor) } => write!(f, "{id}#{anchor}"),
            Self::Article { id, anchor: None } => f.write_str(id),
            Self::Web(url) => f.write_str(url),
            Self::Elsewhere(path) => f.write_str(path),
        }
    }
}

/// What the Markdown of an article holds.
pub(super) struct Body {
    pub(super) lead: String,
    pub(super) sections: Vec<Section>,
    pub(super) links: Vec<Link>,
}

impl Body {
    /// Reads the Markdown of a page from `start` on; `id` is what links to this same page lead to.
    pub(super) fn read(page: &Page<'_>, id: &str, start: usize) -> Result<Self, Problem> {
        let mut reader = Reader::new(page, id, start);
        let markdown = page.text.get(start..).unwrap_or_default();
        let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
        for (event, span) in Parser::new_ext(markdown, options).into_offset_iter() {
            reader.event(event, start + span.start..start + span.end)?;
        }
        reader.close_text(page.text.len());
        Ok(reader.body)
    }
}

/// Takes a page in event by event, in time linear in its length.
struct Reader<'a> {
    page: &'a Page<'a>,
    id: &'a str,
    body: Body,
    cursor: Cursor,
    /// How many blocks and spans are open.
    depth: usize,
    heading: Option<Heading>,
    /// Where the text of the last section, or the lead, begins.
    text_start: usize,
    /// The line of the section with this anchor.
    anchors: BTreeMap<String, usize>,
    /// Links whose text is being read, by their place among the links.
    open_links: Vec<usize>,
}

struct Heading {
    level: HeadingLevel,
    anchor: Option<String>,
    title: String,
    line: usize,
    /// Whether it stands in no list or quotation.
    at_top: bool,
}

impl<'a> Reader<'a> {
    fn new(page: &'a Page<'a>, id: &'a str, start: usize) -> Self {
        Self {
            page,
            id,
            body: Body { lead: String::new(), sections: Vec::new(), links: Vec::new() },
            cursor: Cursor::default(),
            depth: 0,
            heading: None,
            text_start: start,
            anchors: BTreeMap::new(),
            open_links: Vec::new(),
        }
    }

    fn event(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Problem> {
        match event {
            Event::Start(tag) => {
                match tag {
                    Tag::Heading { level, id, .. } => self.open_heading(level, id, &span),
                    Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                        self.open_link(&dest_url, span)
                    }
                    _ => {}
                }
                self.depth += 1;
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                match tag {
                    TagEnd::Heading(_) => return self.close_heading(span),
                    TagEnd::Link | TagEnd::Image => drop(self.open_links.pop()),
                    _ => {}
                }
            }
            Event::Text(text) | Event::Code(text) => self.text(&text),
            Event::SoftBreak | Event::HardBreak => self.text(" "),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(heading) = &mut self.heading {
            heading.title.push_str(text);
        }
        // Only the innermost: a thousand nested pictures must not hold a text a thousand times.
        if let Some(link) = self.open_links.last().and_then(|at| self.body.links.get_mut(*at)) {
            link.text.push_str(text);
        }
    }

    fn open_heading(&mut self, level: HeadingLevel, anchor: Option<CowStr<'_>>, span: &Range<usize>) {
        let anchor = anchor.map(|anchor| anchor.to_string());
        let (line, _) = self.cursor.advance(self.page.text, span.start);
        self.heading = Some(Heading { level, anchor, title: String::new(), line, at_top: self.depth == 0 });
    }

    fn close_heading(&mut self, span: Range<usize>) -> Result<(), Problem> {
        let Some(heading) = self.heading.take() else { return Ok(()) };
        if heading.level != HeadingLevel::H2 || !heading.at_top {
            return match heading.anchor {
                Some(anchor) => {
                    let message = format!("the anchor `{anchor}` is not at a section");
                    let problem = self.page.problem("misplaced-anchor", span, message);
                    Err(problem.with_help("only `## ` headings outside lists and quotations carry one"))
                }
                None => Ok(()),
            };
        }
        let title = heading.title.trim().to_owned();
        let anchor = heading.anchor.unwrap_or_else(|| slug(&title));
        if anchor.is_empty() || slug(&anchor) != anchor {
            let message = format!("`{anchor}` cannot be an anchor");
            let problem = self.page.problem("bad-anchor", span, message);
            return Err(
                problem.with_help("an anchor is made of lower-case letters and digits with single dashes")
            );
        }
        if let Some(first) = self.anchors.insert(anchor.clone(), heading.line) {
            let message = format!("a second section with the anchor `{anchor}`");
            let problem = self.page.problem("duplicate-anchor", span, message);
            return Err(problem.with_help(format!("the first one is at line {first}")));
        }
        self.close_text(span.start);
        self.text_start = span.end;
        self.body.sections.push(Section { title, anchor, text: String::new(), line: heading.line });
        Ok(())
    }

    fn close_text(&mut self, end: usize) {
        let text = self.page.text.get(self.text_start..end).unwrap_or_default().trim().to_owned();
        match self.body.sections.last_mut() {
            Some(section) => section.text = text,
            None => self.body.lead = text,
        }
    }

    fn open_link(&mut self, url: &str, span: Range<usize>) {
        let (line, column) = self.cursor.advance(self.page.text, span.start);
        self.open_links.push(self.body.links.len());
        self.body.links.push(Link { text: String::new(), target: target(self.id, url), line, column, span });
    }
}

/// A place that only moves forward, so that placing every link of a page costs one pass.
struct Cursor {
    offset: usize,
    line: usize,
    column: usize,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { offset: 0, line: 1, column: 1 }
    }
}

impl Cursor {
    /// Line and column (in characters), from 1, of a byte offset not before the last one asked for.
    fn advance(&mut self, text: &str, offset: usize) -> (usize, usize) {
        for c in text.get(self.offset..offset).unwrap_or_default().chars() {
            (self.line, self.column) =
                if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.offset = self.offset.max(offset);
        (self.line, self.column)
    }
}

fn target(own: &str, url: &str) -> Target {
    if url.starts_with("https://") || url.starts_with("http://") {
        return Target::Web(url.to_owned());
    }
    let (path, anchor) = match url.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor.to_owned())),
        None => (url, None),
    };
    let name = path.strip_prefix("./").unwrap_or(path).strip_suffix(".md");
    match name {
        Some(name) if !name.is_empty() && !name.contains(['/', '\\', ':']) => {
            Target::Article { id: name.to_owned(), anchor }
        }
        None if path.is_empty() && anchor.is_some() => Target::Article { id: own.to_owned(), anchor },
        Some(_) | None => Target::Elsewhere(url.to_owned()),
    }
}

/// The words of a heading in lower case, joined by single dashes.
fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Article;

    const FRONT: &str =
        "---\narticle: pump-7\ntitle: The pump stops\nsources: [manual]\nupdated: 2026-01-06\n---\n";

    fn article(body: &str) -> Article {
        Article::parse("know/pump-7.md", &format!("{FRONT}{body}")).unwrap()
    }

    fn refused(body: &str) -> String {
        Article::parse("know/pump-7.md", &format!("{FRONT}{body}")).unwrap_err().to_string()
    }

    #[test]
    fn an_article_has_a_lead_and_sections() {
        let article = article(
            "It *stops*.\n\n## Worn belt {#belt}\n\nReplace it.\n\n### Which\n\nAny.\n\n## `Cold` start!\nWait.\n",
        );
        assert_eq!(article.id(), "pump-7");
        assert_eq!(article.title(), "The pump stops");
        assert_eq!(article.updated(), "2026-01-06");
        assert_eq!(article.sources().collect::<Vec<_>>(), ["manual"]);
        assert_eq!(article.lead(), "It *stops*.");
        let anchors: Vec<_> = article.sections().iter().map(|s| (s.anchor.as_str(), s.line)).collect();
        assert_eq!(anchors, [("belt", 9), ("cold-start", 17)]);
        assert_eq!(article.section("belt").unwrap().text, "Replace it.\n\n### Which\n\nAny.");
        assert_eq!(article.section("cold-start").unwrap().title, "Cold start!");
        assert_eq!(article.section("cold-start").unwrap().text, "Wait.");
        assert!(article.section("which").is_none());
    }

    #[test]
    fn a_page_without_sections_is_all_lead() {
        assert_eq!(article("# Big\n\ntext").lead(), "# Big\n\ntext");
        assert!(article("").sections().is_empty());
    }

    #[test]
    fn a_heading_inside_code_or_a_quotation_is_no_section() {
        let article = article("```\n## code\n```\n\n> ## quoted\n\n- ## listed\n");
        assert!(article.sections().is_empty());
    }

    #[test]
    fn links_say_where_they_lead_and_stand() {
        let article = article(
            "é [other `x`](belt.md#wear), [a](./belt.md), [b](#end),\n[c](https://e.example/a#b), ![d](../d.png)\n\n## End\n",
        );
        let seen: Vec<_> = article
            .links()
            .iter()
            .map(|l| (l.text.as_str(), l.target.to_string(), l.line, l.column))
            .collect();
        let expected = [
            ("other x", "belt#wear", 7, 3),
            ("a", "belt", 7, 30),
            ("b", "pump-7#end", 7, 46),
            ("c", "https://e.example/a#b", 8, 1),
            ("d", "../d.png", 8, 29),
        ];
        assert_eq!(seen, expected.map(|(text, to, line, column)| (text, to.to_owned(), line, column)));
        assert!(matches!(article.links()[4].target, Target::Elsewhere(_)));
        assert_eq!(target("x", "javascript:a.md"), Target::Elsewhere("javascript:a.md".to_owned()));
    }

    #[test]
    fn a_hostile_page_is_read_in_linear_time() {
        let many = [
            "[a](b)".repeat(40_000),
            "![a".repeat(40_000) + "](b)".repeat(40_000).as_str(),
            (0..20_000).map(|n| format!("## {n}\n")).collect(),
            "[".repeat(100_000),
            "> ".repeat(50_000),
        ];
        assert_eq!(many.map(|body| article(&body).links().len().min(40_000)), [40_000, 40_000, 0, 0, 0]);
    }

    #[test]
    fn anchors_are_plain_unique_and_at_sections() {
        assert!(refused("## A\n\n## B {#a}\n").starts_with("know/pump-7.md:9:1: a second section"));
        assert!(refused("## A {#Big_One}\n").contains("[bad-anchor]"));
        assert!(refused("## ?!\n").contains("[bad-anchor]"));
        assert!(refused("x\n\n### A {#a}\n").starts_with("know/pump-7.md:9:1: the anchor `a`"));
    }
}
