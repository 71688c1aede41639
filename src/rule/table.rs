//! Tables: facts about the world with their sources, which rules name as `$table.fact` and a site may set otherwise.
//!
//! A fact stands in a rule for its value: as the value of a key (`within: $timing.gone`, `period: $timing.least..36h`) or
//! inside an expression (`periodic.period >= $timing.least`). So a number of the world stands in one place, and who knows
//! better about their own site does not change rules.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Problem, did_you_mean};
use crate::rule::Texts;
use crate::rule::schema::TableFile;
use crate::yaml::{self, Node, Shape};

/// A fact of a pack's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fact {
    /// Table and name: `timing.gone`.
    pub name: String,
    /// Its value as it is written: `15m`.
    pub value: String,
    /// What the table says, where somebody has set something else.
    pub shipped: Option<String>,
    /// What it is a fact about.
    pub title: String,
    /// Where it comes from.
    pub sources: Vec<String>,
    pub(crate) sort: Sort,
}

/// What a fact's value is: what it may be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Span,
    Number,
    Share,
    Flag,
    Text,
}

impl Sort {
    /// What a value is by its looks.
    fn of(text: &str) -> Self {
        let number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
        match text {
            "true" | "false" => Self::Flag,
            _ if number(text) => Self::Number,
            _ if text.strip_suffix('%').is_some_and(number) => Self::Share,
            _ if yaml::parse_duration(text).is_some() => Self::Span,
            _ => Self::Text,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Span => "a duration such as `15m`",
            Self::Number => "a number",
            Self::Share => "a share such as `5%`",
            Self::Flag => "`true` or `false`",
            Self::Text => "text",
        }
    }

    /// Whether a value of this sort may stand where one of another was.
    fn fits(self, text: &str) -> bool {
        let found = Self::of(text);
        match self {
            Self::Text => !text.trim().is_empty(),
            Self::Number => found == Self::Number && (text.contains('.') || text.parse::<i64>().is_ok()),
            Self::Span | Self::Share | Self::Flag => found == self,
        }
    }
}

impl Fact {
    /// The value as an expression writes it: `14.min`, `0.05`, `"Mqtt"`.
    fn literal(&self) -> String {
        match self.sort {
            Sort::Number | Sort::Flag => self.value.clone(),
            Sort::Share => {
                let percent = self.value.trim_end_matches('%').trim().parse::<f64>().unwrap_or_default();
                format!("{}", percent / 100.0)
            }
            Sort::Text => format!("\"{}\"", self.value.replace('\\', "\\\\").replace('"', "\\\"")),
            Sort::Span => {
                let millis = yaml::parse_duration(&self.value).as_ref().map_or(0, Duration::as_millis);
                let units = [("hours", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];
                let fits = units.into_iter().find(|(_, size)| millis.is_multiple_of(*size));
                fits.map_or_else(String::new, |(unit, size)| format!("{}.{unit}", millis / size))
            }
        }
    }
}

/// The facts of one pack, and which of them its rules use.
#[derive(Debug, Default)]
pub(super) struct Tables {
    facts: BTreeMap<String, (Fact, Node)>,
    /// Tables of which not every fact is known.
    unread: BTreeSet<String>,
    used: RefCell<BTreeSet<String>>,
}

impl Tables {
    /// Reads the tables of a pack; whatever is wrong with them is told.
    pub(super) fn read(texts: &Texts, faults: &mut Vec<Problem>) -> Self {
        static SCHEMA: LazyLock<Value> = LazyLock::new(yaml::schema_of::<TableFile>);
        let mut tables = Self::default();
        for (path, text) in &texts.files {
            let Some(stem) = path.strip_prefix("tables/").and_then(|name| name.rsplit_once('.')) else {
                continue;
            };
            if !matches!(stem.1, "yaml" | "yml") {
                continue;
            }
            let told = faults.len();
            let document = yaml::read(&texts.shown(path), text, faults);
            let root = document.and_then(|document| yaml::sound(document.into_root(), &SCHEMA, faults));
            if let Some(root) = &root {
                tables.take(stem.0, root, faults);
            }
            if faults.len() > told {
                tables.unread.insert(stem.0.to_owned());
            }
        }
        for (name, value) in &texts.settings {
            if let Some((fact, _)) = tables.facts.get_mut(name) {
                fact.shipped = Some(std::mem::replace(&mut fact.value, value.clone()));
            }
        }
        tables
    }

    fn take(&mut self, stem: &str, root: &Node, faults: &mut Vec<Problem>) {
        let text = |node: Option<&Node>| node.and_then(Node::scalar).unwrap_or_default().to_owned();
        faults.extend(root.unknown_version("table"));
        faults.extend(root.wrong_name("table", stem));
        let entries = root.get("facts").map_or(&[][..], Node::entries);
        for (key, node) in entries {
            let name = key.scalar().unwrap_or_default();
            if !is_name(name) {
                let message =
                    format!("a fact's name is made of lower-case letters, digits and dashes, not `{name}`");
                faults.push(key.problem("bad-id", message));
                continue;
            }
            let name = format!("{stem}.{name}");
            let value = text(node.get("is"));
            let sources = node.get("sources").map_or(&[][..], Node::one_or_more);
            let fact = Fact {
                sort: Sort::of(&value),
                name: name.clone(),
                value,
                shipped: None,
                title: text(node.get("title")),
                sources: sources.iter().map(|source| text(Some(source))).collect(),
            };
            self.facts.insert(name, (fact, key.clone()));
        }
    }

    /// The facts in the order of their names.
    pub(super) fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.facts.values().map(|(fact, _)| fact)
    }

    /// The same tree with the facts that it names in their places; expressions keep theirs.
    pub(super) fn fill(&self, node: Node, faults: &mut Vec<Problem>) -> Node {
        match node.shape() {
            Shape::Scalar { text, plain: true }
                if text.contains('$') && !text.contains(char::is_whitespace) =>
            {
                let unknown =
                    references(text).into_iter().find(|span| self.find(named(text, span)).is_none());
                match unknown {
                    Some(span) => {
                        faults.extend(self.unknown(&node, span));
                        node.refused()
                    }
                    None => {
                        let filled = self.spelt(text);
                        node.renamed(&filled)
                    }
                }
            }
            Shape::Scalar { .. } => node,
            Shape::List(_) => node.map_items(|item| Some(self.fill(item, faults))),
            Shape::Map(_) => node.map_entries(|key, value| {
                let is_expression = matches!(key.scalar(), Some("where" | "when"));
                let value = if is_expression { value } else { self.fill(value, faults) };
                Some((key, value))
            }),
        }
    }

    /// A text with the values of the facts that it names.
    pub(super) fn spelt(&self, text: &str) -> String {
        let mut spelt = String::new();
        let mut done = 0;
        for span in references(text) {
            let Some(fact) = self.find(named(text, &span)) else { continue };
            spelt += text.get(done..span.start).unwrap_or_default();
            spelt += &fact.value;
            done = span.end;
        }
        spelt + text.get(done..).unwrap_or_default()
    }

    /// What must change in an expression so that facts stand where it names them; nothing when it names unknown ones, which
    /// are told.
    pub(super) fn changes(
        &self,
        node: &Node,
        faults: &mut Vec<Problem>,
    ) -> Option<Vec<(Range<usize>, String)>> {
        let text = node.scalar().unwrap_or_default();
        let mut changes = Vec::new();
        let mut all_known = true;
        for span in references(text) {
            match self.find(named(text, &span)) {
                Some(fact) => changes.push((span, fact.literal())),
                None => {
                    faults.extend(self.unknown(node, span));
                    all_known = false;
                }
            }
        }
        all_known.then_some(changes)
    }

    fn find(&self, name: &str) -> Option<&Fact> {
        let (fact, _) = self.facts.get(name)?;
        self.used.borrow_mut().insert(name.to_owned());
        Some(fact)
    }

    /// The problem with a name that no table has; none where the table could not be read.
    fn unknown(&self, node: &Node, span: Range<usize>) -> Option<Problem> {
        let text = node.scalar().unwrap_or_default();
        let name = named(text, &span);
        if name.split_once('.').is_some_and(|(table, _)| self.unread.contains(table)) {
            return None;
        }
        let problem =
            node.problem_within(span, "unknown-fact", format!("no table of this pack has a fact `{name}`"));
        let near = did_you_mean(name, self.facts.keys().map(String::as_str));
        Some(match near {
            Some(near) => problem.with_help(format!("did you mean `${near}`?")),
            None => problem.with_help("facts stand in `tables/<table>.yaml` and are named `$<table>.<fact>`"),
        })
    }

    /// The facts that no rule uses.
    pub(super) fn unused(&self) -> Vec<Problem> {
        let used = self.used.borrow();
        let unused = self.facts.iter().filter(|(name, _)| !used.contains(*name));
        unused
            .map(|(name, (_, place))| {
                let message = format!("no rule uses the fact `{name}`");
                place
                    .problem("unused-fact", message)
                    .with_help(format!("name it as `${name}`, or take it out"))
            })
            .collect()
    }
}

/// The facts of a pack's tables, with what was set; those of faulty tables as far as they are known.
pub(crate) fn facts(texts: &Texts) -> Vec<Fact> {
    Tables::read(texts, &mut Vec::new()).facts().cloned().collect()
}

/// Why a fact cannot be set to a value; nothing when it can.
pub(crate) fn misfit(fact: &Fact, value: &str) -> Option<String> {
    (!fact.sort.fits(value)).then(|| {
        format!(
            "`{}` is `{}`: it can be set to {}, not to `{value}`",
            fact.name,
            fact.value,
            fact.sort.word()
        )
    })
}

/// A whole name of a fact or a table: words of lower-case letters and digits with dashes between.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && name_at(text) == text.len()
}

/// How many bytes at the start of a text are a name.
fn name_at(text: &str) -> usize {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | '0'..='9' => end = at + 1,
            '-' if end == at && at > 0 => {}
            _ => break,
        }
    }
    end
}

/// The fact that is named there.
fn named<'a>(text: &'a str, span: &Range<usize>) -> &'a str {
    text.get(span.start + 1..span.end).unwrap_or_default()
}

/// Where a text names facts: `$table.fact`, outside quotes.
fn references(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut quote = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some('"'), '\\') => drop(chars.next()),
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some(c),
            (None, '$') => {
                let rest = text.get(at + 1..).unwrap_or_default();
                let table = name_at(rest);
                let fact = rest.get(table..).and_then(|rest| rest.strip_prefix('.')).map_or(0, name_at);
                let letters = rest.starts_with(|c: char| c.is_ascii_lowercase());
                if letters && table > 0 && fact > 0 {
                    found.push(at..at + 1 + table + 1 + fact);
                }
            }
            (None, _) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_named_outside_quotes_and_nowhere_else() {
        let cases: [(&str, &[&str]); 8] = [
            ("$a.b", &["$a.b"]),
            ("$a.b..$a.c-d", &["$a.b", "$a.c-d"]),
            ("5m..$timing.longest", &["$timing.longest"]),
            ("periodic.period >= $a.b2 && x < $a.c - 5.min", &["$a.b2", "$a.c"]),
            ("event.word == \"$a.b\" || event.word == `$a.b`", &[]),
            ("event.word == \"\\\"$a.b\" && $a.c", &["$a.c"]),
            ("$5.00 or $a or $a. or $A.b or a.b", &[]),
            ("$a-.b $-a.b $a.b-", &["$a.b"]),
        ];
        for (text, expected) in cases {
            let found: Vec<&str> = references(text).into_iter().filter_map(|span| text.get(span)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_value_is_spelt_as_expressions_write_it() {
        let cases = [
            ("14m", "14.min"),
            ("1h30m", "90.min"),
            ("2h", "2.hours"),
            ("90s", "90.s"),
            ("250ms", "250.ms"),
            ("3", "3"),
            ("0.5", "0.5"),
            ("5%", "0.05"),
            ("true", "true"),
            ("a\"b", "\"a\\\"b\""),
        ];
        for (value, expected) in cases {
            let fact = Fact {
                name: String::new(),
                value: value.to_owned(),
                shipped: None,
                title: String::new(),
                sources: Vec::new(),
                sort: Sort::of(value),
            };
            assert_eq!(fact.literal(), expected, "{value}");
        }
    }

    #[test]
    fn a_fact_is_only_set_to_what_is_of_its_sort() {
        for (of, good, bad) in [
            ("14m", "1h30m", "14"),
            ("3", "0.5", "3m"),
            ("5%", "80%", "5"),
            ("true", "false", "yes"),
            ("mqtt", "7", " "),
        ] {
            assert!(Sort::of(of).fits(good), "{good}");
            assert!(!Sort::of(of).fits(bad), "{bad}");
        }
    }
}
