//! All that is wrong with packs: what loading refuses, what articles lack, and where the two halves do not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Problem, did_you_mean};
use crate::knowledge::{Article, Library};
use crate::pack::Pack;
use crate::plugin::Registry;
use crate::rule;
use crate::simulate::Fleets;
use crate::yaml::{self, Document, Node};

/// Every problem of some packs that are used together, in the order of files and places.
///
/// These are the problems for which an engine refuses the packs; those of their fleets, causes that no rule has among
/// them; those of their articles, dead links among them; rule files without an article and articles without a rule file;
/// symptoms and causes without a section; causes that do not say what to do; solutions that no cause names or that stand
/// there twice.
pub fn lint(packs: &[Pack], registry: &Registry) -> Vec<Problem> {
    let texts: Vec<_> = packs.iter().map(|pack| pack.rules.clone()).collect();
    let mut problems = rule::compile(&texts, registry).err().unwrap_or_default();
    let ruled: Vec<Vec<Ruled>> = packs.iter().map(rule_files).collect();
    let causes: BTreeSet<String> = ruled.iter().flatten().flat_map(Ruled::causes).collect();
    for (pack, ruled) in packs.iter().zip(&ruled) {
        let (library, faults) = pack.shelf();
        problems.extend(faults);
        let fleets = Fleets::read(pack);
        problems.extend(fleets.problems);
        problems.extend(fleets.causes.iter().filter_map(|named| unknown_cause(named, &causes)));
        problems.extend(halves(pack, &library, ruled));
        problems.extend(same_solutions(ruled));
        if !pack.rules.files.iter().any(|(path, _)| is_article(path)) && pack.article_paths().next().is_none()
        {
            let message = "a pack without a rule file and without an article";
            problems.push(Problem::of_file("empty-pack", pack.rules.shown("pack.yaml"), message));
        }
    }
    problems.extend(advice(&ruled.iter().flatten().collect::<Vec<_>>()));
    problems.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
    problems
}

/// A rule file that is YAML and names its article.
struct Ruled {
    id: String,
    document: Document,
}

impl Ruled {
    fn root(&self) -> &Node {
        self.document.root()
    }

    /// Keys and values of a group, as far as it is one.
    fn group(&self, group: &str) -> impl Iterator<Item = (&str, &Node, &Node)> {
        let entries = self.root().get(group).map_or(&[][..], Node::entries);
        entries.iter().filter_map(|(key, value)| Some((key.scalar()?, key, value)))
    }

    /// The ids of its causes, `article#cause`.
    fn causes(&self) -> impl Iterator<Item = String> {
        self.group("causes").map(|(name, ..)| self.qualified(name))
    }

    fn qualified(&self, word: &str) -> String {
        if word.contains('#') { word.to_owned() } else { format!("{}#{word}", self.id) }
    }
}

fn rule_files(pack: &Pack) -> Vec<Ruled> {
    let read = |(path, text): &(String, String)| {
        let document = yaml::document(&pack.rules.shown(path), text).ok()?;
        let id = document.root().get("article")?.scalar()?.to_owned();
        Some(Ruled { id, document })
    };
    pack.rules.files.iter().filter(|(path, _)| is_article(path)).filter_map(read).collect()
}

/// Whether a path inside a pack is that of a rule file.
fn is_article(path: &str) -> bool {
    path != "pack.yaml" && !path.contains('/')
}

/// The problem of a fleet whose truth is a cause that no rule file has.
fn unknown_cause(named: &Node, causes: &BTreeSet<String>) -> Option<Problem> {
    let id = named.scalar().filter(|id| !causes.contains(*id))?;
    let problem = named.problem("unknown-cause", format!("no rule file has the cause `{id}`"));
    Some(match did_you_mean(id, causes.iter().map(String::as_str)) {
        Some(meant) => problem.with_help(format!("did you mean `{meant}`?")),
        None => problem,
    })
}

/// Where rules and articles do not fit.
fn halves(pack: &Pack, library: &Library, ruled: &[Ruled]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let stems: BTreeSet<&str> =
        pack.article_paths().filter_map(|path| Path::new(path).file_stem()?.to_str()).collect();
    for rules in ruled {
        match library.get(&rules.id) {
            Some(article) => problems.extend(sections(rules, article)),
            // A faulty article has been told.
            None if stems.contains(rules.id.as_str()) => {}
            None => {
                let place = rules.root().get("article").unwrap_or(rules.root());
                let message = format!("there is no article `{}.md` for people", rules.id);
                let help =
                    "an article says what the rule file means; knowledge/README.md says how to write one";
                problems.push(place.problem("no-article", message).with_help(help));
            }
        }
    }
    for article in library.articles() {
        let rules = ruled.iter().find(|rules| rules.id == article.id());
        match (rules, article.is_explained_only()) {
            (None, false) => {
                let message = format!("there is no rule file `{}.yaml` for this article", article.id());
                let problem = article.problem("no-rules", message);
                problems.push(problem.with_help("say `rules: none` in its head if it is only to be read"));
            }
            (Some(_), true) => {
                let message = format!("the article says `rules: none`, and there is `{}.yaml`", article.id());
                problems.push(article.problem("unlike-article", message));
            }
            (None, true) | (Some(_), false) => {}
        }
    }
    problems
}

/// What a rule file has and its article has not, or has otherwise.
fn sections(rules: &Ruled, article: &Article) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(title) = rules.root().get("title")
        && title.scalar().is_some_and(|words| words != article.title())
    {
        let message = format!("the article has another title: `{}`", article.title());
        problems.push(title.problem("unlike-article", message));
    }
    let place = rules.root().get("aliases");
    let aliases: BTreeSet<&str> =
        place.map_or(&[][..], Node::one_or_more).iter().filter_map(Node::scalar).collect();
    let theirs: BTreeSet<&str> = article.aliases().collect();
    if aliases != theirs {
        let place = place.or_else(|| rules.root().get("article")).unwrap_or(rules.root());
        let listed = theirs.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!("the article has other aliases: `{listed}`");
        problems.push(place.problem("unlike-article", message));
    }
    let causes = rules.group("causes").filter(|(_, _, cause)| cause.get("same-as").is_none());
    let causes = causes.map(|(id, key, _)| ("cause", id, key));
    let symptoms = rules.group("symptoms").map(|(id, key, _)| ("symptom", id, key));
    for (kind, id, key) in symptoms.chain(causes) {
        if article.section(id).is_none() {
            let message = format!("the article has no section for the {kind} `{id}`");
            let anchors = article.sections().iter().map(|section| section.anchor.as_str());
            let help = match did_you_mean(id, anchors) {
                Some(anchor) => format!("is it the section `{anchor}`? an anchor is the id"),
                None => format!("write one under a heading `## … {{#{id}}}`"),
            };
            problems.push(key.problem("no-section", message).with_help(help));
        }
    }
    problems
}

/// Causes that do not say what to do, and solutions that no cause names.
fn advice(all: &[&Ruled]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut named: BTreeSet<String> = BTreeSet::new();
    for rules in all {
        for (id, key, cause) in rules.group("causes") {
            let solutions = cause.get("solutions").map_or(&[][..], Node::one_or_more);
            named.extend(solutions.iter().filter_map(Node::scalar).map(|word| rules.qualified(word)));
            if solutions.is_empty() && cause.get("same-as").is_none() {
                let message = format!("the cause `{id}` does not say what to do");
                let help = "name its `solutions`; one of them may be `nothing`, with the reason";
                problems.push(key.problem("no-solution", message).with_help(help));
            }
        }
        let same = rules.group("solutions").filter_map(|(_, _, solution)| solution.get("same-as")?.scalar());
        named.extend(same.map(|word| rules.qualified(word)));
    }
    for rules in all {
        for (id, key, _) in rules.group("solutions") {
            if !named.contains(&rules.qualified(id)) {
                let message = format!("no cause names the solution `{id}`");
                problems.push(key.problem("unused-solution", message).with_help("name it, or remove it"));
            }
        }
    }
    problems
}

/// Solutions of one pack that say the same.
fn same_solutions(ruled: &[Ruled]) -> Vec<Problem> {
    let mut known: BTreeMap<(&str, String), (String, &Node)> = BTreeMap::new();
    let mut problems = Vec::new();
    for rules in ruled {
        for (id, key, solution) in rules.group("solutions") {
            let said =
                ["do", "avoid", "nothing"].into_iter().find_map(|kind| Some((kind, solution.get(kind)?)));
            let Some((kind, text)) = said.and_then(|(kind, node)| Some((kind, node.scalar()?))) else {
                continue;
            };
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            match known.get(&(kind, words.clone())) {
                Some((first, there)) => {
                    let message = format!("the solution `{first}` says the same");
                    let problem = key.problem("same-solution", message);
                    let problem = problem.with_help(format!("write `{{same-as: {first}}}`"));
                    let here = problem.file == there.file();
                    problems.push(if here { problem.with_also(there.span(), "the same") } else { problem });
                }
                None => drop(known.insert((kind, words), (rules.qualified(id), key))),
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: unit, quiet: 24h}]\n";
    const RULES: &str = "etiolog: 1
article: a
title: Drops
aliases: [Seven]
events: {drop: {code: 7}}
symptoms:
  drops: {title: Drops, per: unit, detect: {occurrence: {event: drop}}}
causes:
  worn: {title: Worn, severity: info, explains: {drops: often}, solutions: [mend]}
solutions:
  mend: {do: Mend it.}
";
    const ARTICLE: &str = "---
article: a
title: Drops
aliases: [Seven]
sources: [manual]
updated: 2026-01-06
---
What it means. See [worn](#worn).

## Drops {#drops}

One sees drops.

## Cause: worn {#worn}

Mend it.
";

    fn check(files: &[(&str, String)]) -> Vec<String> {
        let mut pack = Pack::from_texts([("pack.yaml", PACK)]);
        for (path, text) in files {
            pack.add(*path, text.as_str());
        }
        let problems = lint(&[pack], &Registry::builtin());
        problems.iter().map(|p| format!("{}:{}:{} {}", p.file, p.line, p.column, p.code)).collect()
    }

    #[track_caller]
    fn both(rules: (&str, &str), article: (&str, &str), expected: &[&str]) {
        assert!(RULES.contains(rules.0) && ARTICLE.contains(article.0));
        let files =
            [("a.yaml", RULES.replace(rules.0, rules.1)), ("a.md", ARTICLE.replace(article.0, article.1))];
        assert_eq!(check(&files), expected);
    }

    #[test]
    fn two_halves_that_fit_have_no_problem() {
        both(("", ""), ("", ""), &[]);
        // More sections than ids are welcome.
        both(("", ""), ("## Drops", "## Look-alikes\n\nNone.\n\n## Drops"), &[]);
    }

    #[test]
    fn a_half_without_the_other_is_told() {
        assert_eq!(check(&[("a.yaml", RULES.to_owned())]), ["a.yaml:2:10 no-article"]);
        let alone = check(&[("a.md", ARTICLE.to_owned())]);
        assert_eq!(alone, ["a.md:1:1 no-rules"]);
        let only = ARTICLE.replace("sources:", "rules: none\nsources:");
        assert_eq!(check(&[("a.md", only.clone())]), [""; 0]);
        let both = check(&[("a.yaml", RULES.to_owned()), ("a.md", only)]);
        assert_eq!(both, ["a.md:1:1 unlike-article"]);
        let other = ARTICLE.replace("sources:", "rules: some\nsources:");
        assert_eq!(check(&[("a.md", other)]).len(), 1, "`none` is the only word");
    }

    #[test]
    fn a_fleet_of_which_a_cause_is_true_that_no_rule_has_is_told() {
        let shapes = "etiolog: 1\nrecords: {drop: {fields: {code: 7}}}\nshapes: {plain: {title: P, object: {at: '{time}', unit: '{unit}', code: '{code}'}}}\n";
        let fleet = "etiolog: 1\nfleet: f\ntitle: F\nfor: 1h\ngroups:\n  a:\n    count: 1\n    fields: {unit: u1}\n    \
                     states: {on: {emit: drop}}\n    truth: {cause: a#worm}\n";
        let told = |fleet: String| {
            check(&[
                ("a.yaml", RULES.to_owned()),
                ("a.md", ARTICLE.to_owned()),
                ("fleets/shapes.yaml", shapes.to_owned()),
                ("fleets/f.yaml", fleet),
            ])
        };
        assert_eq!(told(fleet.to_owned()), ["fleets/f.yaml:10:20 unknown-cause"]);
        assert_eq!(told(fleet.replace("worm", "worn")), [""; 0]);
    }

    #[test]
    fn a_pack_without_anything_is_told() {
        assert_eq!(check(&[]), ["pack.yaml:1:1 empty-pack"]);
    }

    #[test]
    fn a_faulty_article_is_told_once() {
        both(("", ""), ("sources: [manual]", "sources: []"), &["a.md:5:1 no-source"]);
    }

    #[test]
    fn what_has_no_section_is_told_at_its_id() {
        both(("", ""), ("{#drops}", "{#drop}"), &["a.yaml:7:3 no-section"]);
        both(("", ""), ("{#worn}", "{#belt}"), &["a.md:8:20 dead-link", "a.yaml:9:3 no-section"]);
        // The section of a cause that stands for another stands there.
        both(("solutions:\n", "  here: {same-as: worn}\nsolutions:\n"), ("", ""), &[]);
    }

    #[test]
    fn titles_and_names_are_those_of_the_rule_file() {
        both(("", ""), ("title: Drops", "title: It drops"), &["a.yaml:3:8 unlike-article"]);
        both(("", ""), ("[Seven]", "[Eight]"), &["a.yaml:4:10 unlike-article"]);
        both(("aliases: [Seven]\n", ""), ("", ""), &["a.yaml:2:10 unlike-article"]);
    }

    #[test]
    fn a_cause_says_what_to_do_and_a_solution_is_named() {
        let none = [(", solutions: [mend]", ""), ("", "")];
        both(none[0], none[1], &["a.yaml:9:3 no-solution", "a.yaml:11:3 unused-solution"]);
        both(
            ("mend: {do", "wait: {nothing: It heals.}\n  mend: {do"),
            ("", ""),
            &["a.yaml:11:3 unused-solution"],
        );
        let link = "  mend: {same-as: other}\n  other: {do: Mend it.}\n";
        both(("  mend: {do: Mend it.}\n", link), ("", ""), &[]);
    }

    #[test]
    fn a_solution_stands_there_once() {
        let twice = "  mend: {do: Mend it.}\n  again: {do: 'Mend  it.'}\n";
        let rules = RULES.replace("  mend: {do: Mend it.}\n", twice).replace("[mend]", "[mend, again]");
        let found = check(&[("a.yaml", rules.clone()), ("a.md", ARTICLE.to_owned())]);
        assert_eq!(found, ["a.yaml:12:3 same-solution"]);
        let near = rules.replace("do: 'Mend  it.'", "avoid: Mend it.");
        assert_eq!(check(&[("a.yaml", near), ("a.md", ARTICLE.to_owned())]), [""; 0]);
    }

    #[test]
    fn what_loading_refuses_is_among_it() {
        both(
            ("{code: 7}", "{}"),
            ("[worn](#worn)", "[worn](#torn)"),
            &["a.md:8:20 dead-link", "a.yaml:5:16 wrong-type"],
        );
    }

    #[test]
    fn the_shipped_packs_are_without_a_problem() {
        let packs: Vec<Pack> = Pack::shipped_names().filter_map(|name| Pack::shipped(name).ok()).collect();
        let problems: Vec<String> =
            lint(&packs, &Registry::builtin()).iter().map(ToString::to_string).collect();
        assert_eq!(problems, [""; 0]);
    }
}
