//! What the names and texts of a rule file are made of.

use crate::error::Problem;
use crate::yaml::Node;

/// The names as they should be of parts that have other ones: who refers to these is not to be blamed.
#[derive(Default)]
pub(super) struct Mended {
    pub(super) classes: Vec<String>,
    pub(super) symptoms: Vec<String>,
    pub(super) causes: Vec<String>,
    pub(super) solutions: Vec<String>,
}

/// Tells the names in an article that nobody could refer to.
pub(super) fn check(root: &Node, faults: &mut Vec<Problem>) -> Mended {
    let mut mended = Mended::default();
    let sections = [
        ("events", &mut mended.classes),
        ("symptoms", &mut mended.symptoms),
        ("causes", &mut mended.causes),
        ("solutions", &mut mended.solutions),
    ];
    for (section, names) in sections {
        for (key, _) in entries(root.get(section)) {
            let Some(id) = key.scalar().filter(|id| !id.chars().all(is_of_ids)) else { continue };
            let message = format!("a name is made of letters, digits and dashes, not `{id}`");
            let instead: String = id.chars().map(|c| if is_of_ids(c) { c } else { '-' }).collect();
            faults.push(key.problem("bad-id", message).with_help(format!("call it `{instead}`")));
            names.push(instead);
        }
    }
    mended
}

fn is_of_ids(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Tells texts for people in which nothing stands, and links that lead nowhere.
pub(super) fn words(root: &Node, faults: &mut Vec<Problem>) {
    let parts =
        ["symptoms", "causes", "solutions"].into_iter().flat_map(|section| entries(root.get(section)));
    for node in std::iter::once(root).chain(parts.map(|(_, node)| node)) {
        for (key, text) in entries(Some(node)) {
            let (Some(key), Some(words)) = (key.scalar(), text.scalar()) else { continue };
            match key {
                "title" | "do" | "avoid" | "nothing" if !text.is_null() && words.trim().is_empty() => {
                    faults.push(text.problem("empty-text", format!("the `{key}` is empty")));
                }
                "link"
                    if !text.is_null() && (!words.contains("://") || words.contains(char::is_whitespace)) =>
                {
                    faults.push(text.expected("an address such as `https://…`"));
                }
                _ => {}
            }
        }
    }
}

fn entries(node: Option<&Node>) -> impl Iterator<Item = (&Node, &Node)> {
    let entries = node.map_or(&[][..], Node::entries);
    entries.iter().map(|(key, value)| (key, value))
}
