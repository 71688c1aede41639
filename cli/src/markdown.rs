//! The Markdown of an article on a terminal: paragraphs and lists wrapped, code and tables as they stand, links followed
//! by where they lead.

use etiolog::output::{Page, Paint, terminal};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// How many lists and quotations inside each other are shown as such.
const DEEPEST: usize = 8;

/// Lays out Markdown below a margin; `article` is what links within the page lead to.
pub(crate) fn show(page: &mut Page, article: &str, markdown: &str, margin: &str) {
    let mut writer = Writer {
        page,
        article,
        margin,
        inside: Vec::new(),
        prose: String::new(),
        code: None,
        table: false,
        heading: false,
        links: Vec::new(),
        gap: false,
    };
    for (event, span) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Table(_)) => writer.table(markdown.get(span).unwrap_or_default()),
            event => writer.event(event),
        }
    }
    writer.block();
}

struct Writer<'a> {
    page: &'a mut Page,
    article: &'a str,
    margin: &'a str,
    /// The lists and quotations around, outermost first.
    inside: Vec<Inside>,
    /// The words since the last block, not laid out yet.
    prose: String,
    /// The code since its block began.
    code: Option<String>,
    /// Whether a table is passed over: it was written when it began.
    table: bool,
    heading: bool,
    /// Where the links that are open lead, and where in the prose their text begins.
    links: Vec<(String, usize)>,
    /// Whether an empty line separates what comes next.
    gap: bool,
}

enum Inside {
    Quotation,
    /// The number of the next item, if its items have numbers.
    List(Option<u64>),
    /// The mark of an item, until it is written.
    Item {
        mark: String,
        written: bool,
    },
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::End(TagEnd::Table) => self.table = false,
            _ if self.table => {}
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.prose.push_str(&text),
            },
            Event::Code(text) => {
                self.prose.push('`');
                self.prose.push_str(&text);
                self.prose.push('`');
            }
            Event::InlineHtml(text) => self.prose.push_str(&text),
            Event::Html(text) => {
                let line = text.trim_end();
                self.prose.push_str(line);
                self.block();
            }
            Event::SoftBreak => self.prose.push(' '),
            Event::HardBreak => self.block(),
            Event::Rule => self.verbatim(["---"]),
            // Parts of Markdown that articles do not have switched on.
            Event::FootnoteReference(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.prose.push_str(&text)
            }
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push((target(self.article, &dest_url), self.prose.len()));
            }
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough => {}
            tag => {
                // What stood in a tight item before a block inside it.
                self.block();
                match tag {
                    Tag::BlockQuote(_) => self.inside.push(Inside::Quotation),
                    Tag::List(first) => self.inside.push(Inside::List(first)),
                    Tag::Item => self.item(),
                    Tag::CodeBlock(_) => self.code = Some(String::new()),
                    Tag::Heading { .. } => self.heading = true,
                    _ => {}
                }
            }
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Link | TagEnd::Image => {
                if let Some((target, from)) = self.links.pop() {
                    let text = self.prose.get(from..).unwrap_or_default();
                    if text != target {
                        self.prose.push_str(if text.is_empty() { "<" } else { " <" });
                        self.prose.push_str(&target);
                        self.prose.push('>');
                    }
                }
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {}
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                let lines = code.trim_end().lines().map(|line| format!("  {}", line.replace('\t', "    ")));
                self.verbatim(lines);
            }
            TagEnd::Item => {
                self.block();
                if let Some(Inside::Item { written: false, .. }) = self.inside.last() {
                    let mark = self.mark();
                    self.page.hanging(&mark, &[]);
                }
                self.inside.pop();
            }
            TagEnd::List(_) | TagEnd::BlockQuote(_) => {
                self.block();
                self.inside.pop();
                self.gap |= self.inside.is_empty();
            }
            TagEnd::Paragraph | TagEnd::Heading(_) => {
                self.block();
                self.heading = false;
                self.gap = true;
            }
            _ => self.block(),
        }
    }

    fn item(&mut self) {
        let mark = match self.inside.last_mut() {
            Some(Inside::List(Some(number))) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => "- ".to_owned(),
        };
        self.inside.push(Inside::Item { mark, written: false });
    }

    /// Lays out the words since the last block.
    fn block(&mut self) {
        let prose = std::mem::take(&mut self.prose);
        if prose.trim().is_empty() {
            return;
        }
        self.separate();
        let mark = self.mark();
        let paint = if self.heading { Paint::Bold } else { Paint::Plain };
        self.page.hanging(&mark, &[(paint, &terminal(&prose))]);
    }

    /// Writes a table as its author did, and passes over what is in it.
    fn table(&mut self, source: &str) {
        self.verbatim(source.trim_end().lines().map(str::trim_start));
        self.table = true;
    }

    /// Writes lines as they stand.
    fn verbatim(&mut self, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        self.block();
        self.separate();
        for line in lines {
            let mark = self.mark();
            self.page.verbatim(&format!("{mark}{}", terminal(line.as_ref())));
        }
        self.gap = true;
    }

    fn separate(&mut self) {
        if std::mem::take(&mut self.gap) {
            self.page.gap();
        }
    }

    /// What stands before the next line: the margin, and of each item its mark once.
    fn mark(&mut self) -> String {
        let mut mark = self.margin.to_owned();
        let around = self.inside.iter_mut().filter(|inside| !matches!(inside, Inside::List(_)));
        for (depth, inside) in around.enumerate() {
            let shown = match inside {
                Inside::Quotation => "> ".to_owned(),
                Inside::Item { mark, written } if *written => " ".repeat(mark.len()),
                Inside::Item { mark, written } => {
                    *written = true;
                    mark.clone()
                }
                Inside::List(_) => String::new(),
            };
            if depth < DEEPEST {
                mark.push_str(&shown);
            }
        }
        mark
    }
}

/// Where a link leads, as `etiolog explain` takes it.
fn target(article: &str, url: &str) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    let (path, anchor) = url.split_once('#').map_or((url, None), |(path, anchor)| (path, Some(anchor)));
    let path = path.strip_prefix("./").unwrap_or(path);
    let id = if path.is_empty() { article } else { path.strip_suffix(".md").unwrap_or(path) };
    anchor.map_or_else(|| id.to_owned(), |anchor| format!("{id}#{anchor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markdown: &str) -> String {
        let mut page = Page::new(40, false);
        show(&mut page, "belt", markdown, "  ");
        page.into_text()
    }

    #[test]
    fn paragraphs_and_lists_are_wrapped_below_themselves() {
        let markdown = "It *stops*, **says** `the manual`,\nand nobody knows why.\n\n1. Look at it:\n   - the belt is the first thing to look at\n   - the motor\n2. Replace it.\n\nDone.\n";
        insta::assert_snapshot!(shown(markdown), @"
        It stops, says `the manual`, and
        nobody knows why.

        1. Look at it:
           - the belt is the first thing to
             look at
           - the motor
        2. Replace it.

        Done.
        ");
    }

    #[test]
    fn items_with_several_paragraphs_and_quotations_stay_together() {
        insta::assert_snapshot!(shown("- one\n\n  and more\n\n- two\n-\n\n> quoted words that need more than one line\n"), @"
        - one

          and more

        - two
        -

        > quoted words that need more than one
          line
        ");
    }

    #[test]
    fn links_say_where_they_lead() {
        let markdown =
            "[The belt](#wear), [motors](motor.md), [heat](./motor.md#heat), <https://e.example/a>";
        insta::assert_snapshot!(shown(markdown), @"
        The belt <belt#wear>, motors <motor>,
        heat <motor#heat>, https://e.example/a
        ");
    }

    #[test]
    fn code_and_tables_stay_as_they_stand() {
        let markdown = "See:\n\n```\na  <b>\n\tc\n```\n\n| Which | How long, in hours and minutes and seconds |\n|---|---|\n| *a* | [b](#c) |\n\n### Why\n\nSo.\n";
        insta::assert_snapshot!(shown(markdown), @"
        See:

          a  <b>
              c

        | Which | How long, in hours and minutes and seconds |
        |---|---|
        | *a* | [b](#c) |

        Why

        So.
        ");
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        assert_eq!(shown("a\u{202e}b\n\n    c\u{200b}d\n"), "  a\\u{202e}b\n\n    c\\u{200b}d\n");
    }

    #[test]
    fn a_page_without_a_bottom_is_shown_in_a_moment() {
        for deep in ["> ".repeat(20_000), "- ".repeat(20_000), "[a](b)".repeat(20_000), "*a ".repeat(20_000)]
        {
            assert!(shown(&deep).len() < 400_000);
        }
    }
}
