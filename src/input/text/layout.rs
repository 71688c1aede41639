//! The `head`, `lines` and `continued` of an input file: how the lines of a text log are taken apart.

use std::borrow::Cow;
use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::error::{Problem, did_you_mean};
use crate::input::text::template::Template;
use crate::input::text::{colour, spell};
use crate::input::{Mapping, TimeMapping};
use crate::yaml::Node;

/// The capture of the head that the templates of `lines` are laid on, and the path to it.
pub(super) const MESSAGE: &str = "message";
/// The path to the lines that a record goes on over.
pub(super) const MORE: &str = "more";

/// How the lines of a text log look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// What all lines have in common; the whole line is the message when there is none.
    pub(super) head: Option<Template>,
    /// What messages look like; the first that fits counts.
    pub(super) lines: Vec<LineTemplate>,
    /// Whether a line that does not fit the head goes on with the record before it.
    pub(super) continued: bool,
}

/// What one kind of message looks like, and what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LineTemplate {
    pub(super) template: Template,
    /// Names with values that every such line has.
    pub(super) says: Vec<(SmolStr, SmolStr)>,
}

impl Layout {
    /// Whether a record begins with this line; if not, it goes on with the record before it.
    pub(in crate::input) fn begins(&self, line: &[u8]) -> bool {
        self.head.as_ref().is_none_or(|head| head.fit(&plain(line), false).is_some())
    }

    /// Whether records may go on over several lines.
    pub(in crate::input) fn is_continued(&self) -> bool {
        self.continued
    }

    /// Reads the layout of an input of this format. The fields and other paths of a `text` input are then checked
    /// against what it captures.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub(in crate::input) fn read(
        root: &Node,
        mapping: &Mapping,
        format: &str,
    ) -> Result<Option<Self>, Vec<Problem>> {
        let keys = [root.entry("head"), root.entry("lines"), root.entry("continued")];
        // Of a format that is not known nothing is known.
        if format.is_empty() {
            return Ok(None);
        }
        if format != super::NAME {
            let stray = keys.into_iter().flatten().map(|(key, _)| {
                let word = key.scalar().unwrap_or_default();
                key.problem("contradiction", format!("`{word}` is for `format: {}` only", super::NAME))
            });
            let stray: Vec<Problem> = stray.collect();
            return if stray.is_empty() { Ok(None) } else { Err(stray) };
        }
        let mut faults = Vec::new();
        if let Some((key, _)) = root.entry("envelope") {
            faults.push(key.problem("contradiction", "text has no envelopes"));
        }
        let [head, lines, continued] = keys.map(|entry| entry.map(|(_, value)| value));
        if head.is_none() && lines.is_none() {
            let problem = root.problem("missing-key", "`format: text` needs `head`, `lines` or both");
            faults.push(problem.with_help("such as `head: '{time}: {message}'`"));
        }
        let mut layout = Self::default();
        if let Some(node) = continued {
            match node.boolean() {
                Ok(continued) => layout.continued = continued,
                Err(problem) => faults.push(problem),
            }
            if head.is_none() {
                faults.push(node.problem("contradiction", "without `head` every line is a record"));
            }
        }
        if let Some(node) = head {
            match spell::read(node, &mapping.time) {
                Ok(template) => layout.head = Some(template),
                Err(problem) => faults.push(problem),
            }
        }
        if let Some(node) = lines {
            layout.read_lines(node, &mapping.time, &mut faults);
        }
        if let (Some(template), Some(node), Some(_)) = (&layout.head, head, lines)
            && !names(template).any(|name| name == MESSAGE)
        {
            let message =
                format!("the head captures no `{{{MESSAGE}}}`, so there is nothing that `lines` could fit");
            faults.push(node.problem("missing-capture", message));
        }
        if faults.is_empty() {
            layout.check_paths(root, &mut faults);
        }
        if faults.is_empty() { Ok(Some(layout)) } else { Err(faults) }
    }

    fn read_lines(&mut self, node: &Node, time: &TimeMapping, faults: &mut Vec<Problem>) {
        let items = match node.list() {
            Ok(items) => items,
            Err(problem) => return faults.push(problem),
        };
        let mut nodes: Vec<&Node> = Vec::new();
        for item in items {
            let Some(line) = self.read_line(item, time, faults) else { continue };
            let place = item.get("template").unwrap_or(item);
            let hiding =
                self.lines.iter().zip(&nodes).find(|(known, _)| known.template.hides(&line.template));
            if let Some((_, first)) = hiding {
                let message = "no line comes to this template: an earlier one fits all that would fit it";
                let problem = place.problem("hidden-template", message);
                faults.push(
                    problem
                        .with_also(first.span(), "this one")
                        .with_help("the first that fits counts: put the narrower one first"),
                );
            }
            nodes.push(place);
            self.lines.push(line);
        }
    }

    fn read_line(&self, item: &Node, time: &TimeMapping, faults: &mut Vec<Problem>) -> Option<LineTemplate> {
        let entries = match item.map() {
            Ok(entries) => entries,
            Err(problem) => {
                faults.push(problem);
                return None;
            }
        };
        let Some(node) = item.get("template") else {
            faults.push(item.problem("missing-key", "missing key `template`"));
            return None;
        };
        let mut says = Vec::new();
        let before = faults.len();
        for (key, value) in entries {
            let name = key.scalar().unwrap_or_default();
            if name == "template" {
                continue;
            }
            if !spell::is_name(name) {
                faults.push(key.expected("a name of letters, digits, `-` and `_`"));
            }
            match value.text() {
                Ok(text) => says.push((name.into(), text.into())),
                Err(problem) => faults.push(problem),
            }
        }
        let template = match spell::read(node, time) {
            Ok(template) => template,
            Err(problem) => {
                faults.push(problem);
                return None;
            }
        };
        let of_head =
            |name: &str| self.head.as_ref().is_some_and(|head| names(head).any(|known| known == name));
        let said = |name: &str| says.iter().any(|(known, _): &(SmolStr, SmolStr)| known == name);
        let own: Vec<&str> = names(&template).collect();
        for &name in own.iter().chain(says.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().iter()) {
            let elsewhere = match name {
                MESSAGE => Some("is the message itself"),
                MORE => Some("is what follows the first line of a record"),
                _ if of_head(name) => Some("is captured by the head"),
                _ if said(name) && own.contains(&name) => Some("is captured and given a value"),
                _ => None,
            };
            if let Some(why) = elsewhere {
                faults.push(item.problem("duplicate-name", format!("`{name}` {why}: take another name")));
                break;
            }
        }
        (faults.len() == before).then_some(LineTemplate { template, says })
    }

    /// Every path of the input must lead to something that some line can have.
    fn check_paths(&self, root: &Node, faults: &mut Vec<Problem>) {
        let mut known: BTreeSet<&str> = self.head.iter().flat_map(names).collect();
        for line in &self.lines {
            known.extend(names(&line.template));
            known.extend(line.says.iter().map(|(name, _)| name.as_str()));
        }
        if self.head.is_none() {
            known.insert(MESSAGE);
        }
        if self.continued {
            known.insert(MORE);
        }
        let mut nodes: Vec<&Node> = [&["time", "from"][..], &["recognise"], &["identity"]]
            .iter()
            .filter_map(|path| root.at(path))
            .collect();
        let fields = root.get("fields").map_or(&[][..], Node::entries);
        for (_, field) in fields {
            nodes.extend([&["from"][..], &["join", "from"]].iter().filter_map(|path| field.at(path)));
        }
        let only = root.get("only").map_or(&[][..], Node::entries);
        nodes.extend(only.iter().map(|(key, _)| key));
        for node in nodes.into_iter().flat_map(Node::one_or_more) {
            let Some(path) = node.scalar().filter(|path| !known.contains(path)) else { continue };
            let problem =
                node.problem("unknown-capture", format!("no template of this input captures `{path}`"));
            let meant = did_you_mean(path, known.iter().copied());
            let list = known.iter().copied().collect::<Vec<_>>().join(", ");
            let advice = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
            faults.push(problem.with_help(format!("{advice}captured are: {list}")));
        }
    }
}

fn names(template: &Template) -> impl Iterator<Item = &str> {
    template.captures.iter().filter_map(|capture| capture.name.as_deref())
}

/// A line without colours and without blanks at its end.
pub(super) fn plain(line: &[u8]) -> Cow<'_, [u8]> {
    match colour::without(line) {
        Cow::Borrowed(line) => Cow::Borrowed(line.trim_ascii_end()),
        Cow::Owned(mut line) => {
            line.truncate(line.trim_ascii_end().len());
            Cow::Owned(line)
        }
    }
}
