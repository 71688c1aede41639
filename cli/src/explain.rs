//! `etiolog explain`: an article with what the rules make of it, or one part of both.

use etiolog::knowledge::{Article, Section};
use etiolog::model::SolutionKind;
use etiolog::output::{Page, Paint, terminal, tied};
use etiolog::rule::{Cause, Plan, Solution, Symptom, prior_word, strength_word};

use crate::args::Explain;
use crate::exit::{Exit, Stop};
use crate::lookup::{Entry, Lookup, Part};
use crate::style::{percent, prose};
use crate::{inputs, markdown, packs, style, trace};

/// What stands left of an article's text.
const MARGIN: &str = "  ";

/// Runs the verb.
pub(crate) fn run(asked: &mut Explain) -> Result<Exit, Stop> {
    let lookup = Lookup::new(packs::load(&asked.rules, &asked.facts)?)?;
    if let Some(subject) = asked.trace.clone() {
        return trace(asked, &lookup, &subject);
    }
    if !asked.logs.is_default() {
        return Err(Stop::Usage("logs are read for a trace only; name its subject by `--trace`".to_owned()));
    }
    let mut page = style::page();
    let asked_id = asked.id.as_deref().unwrap_or_default();
    let (name, part) = match asked_id.split_once('#') {
        Some((name, part)) => (name, Some(part)),
        None => (asked_id, None),
    };
    let shown = match (lookup.entry(name), part) {
        (Some(entry), None) => {
            article(&mut page, &lookup, &entry);
            true
        }
        (Some(entry), Some(part)) => self::part(&mut page, &lookup, &entry, part),
        (None, _) => fact(&mut page, &lookup, asked_id),
    };
    if !shown {
        return Err(unknown(&lookup, asked_id));
    }
    style::write(page.into_text().as_bytes())?;
    Ok(Exit::Done)
}

/// The symptoms that an id means, on one subject of the logs. What is no id but a path is a path: the id may be left out.
fn trace(asked: &mut Explain, lookup: &Lookup, subject: &str) -> Result<Exit, Stop> {
    let Some(id) = asked.id.as_deref() else { return trace::run(asked, subject, &[]) };
    if lookup.entry(id.split_once('#').map_or(id, |(name, _)| name)).is_some() {
        return trace::run(asked, subject, &trace::symptoms_of(lookup, id)?);
    }
    if !inputs::may_be_read(id) {
        return Err(unknown(lookup, id));
    }
    asked.logs.paths.insert(0, id.into());
    trace::run(asked, subject, &[])
}

/// Why an id cannot be shown, with those that look like it.
pub(crate) fn unknown(lookup: &Lookup, id: &str) -> Stop {
    let near = lookup.near(id).into_iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let near = if near.is_empty() { String::new() } else { format!("did you mean {near}? ") };
    Stop::Usage(format!("nothing is known of `{id}`; {near}`etiolog rules` lists what is"))
}

/// A fact of a table; whether there is one of this name.
fn fact(page: &mut Page, lookup: &Lookup, name: &str) -> bool {
    let facts = lookup.plan().packs().iter().flat_map(|pack| &pack.facts);
    let Some(fact) = facts.into_iter().find(|fact| fact.name.eq_ignore_ascii_case(name)) else {
        return false;
    };
    page.line(&[(Paint::Bold, &terminal(&fact.name)), (Paint::Bold, &terminal(&fact.value))]);
    page.hanging(MARGIN, &[(Paint::Plain, &prose(&fact.title))]);
    if let Some(shipped) = &fact.shipped {
        page.hanging(MARGIN, &[(Paint::Plain, &format!("set; the table says {}", terminal(shipped)))]);
    }
    for source in &fact.sources {
        page.hanging(MARGIN, &[(Paint::Dim, &format!("source: {}", prose(source)))]);
    }
    true
}

/// Both halves of an article.
fn article(page: &mut Page, lookup: &Lookup, entry: &Entry<'_>) {
    let title = entry.page.map(Article::title).or_else(|| entry.rules.map(|rules| &*rules.title));
    page.line(&[(Paint::Bold, &terminal(&entry.id)), (Paint::Bold, &prose(title.unwrap_or_default()))]);
    let mut names: Vec<&str> = entry.page.into_iter().flat_map(Article::aliases).collect();
    names.extend(entry.rules.into_iter().flat_map(|rules| &rules.aliases).map(|alias| &**alias));
    let mut seen: Vec<&str> = Vec::new();
    names.retain(|name| {
        let first = !seen.contains(name);
        seen.push(name);
        first
    });
    if !names.is_empty() {
        page.line(&[(Paint::Dim, &format!("also {}", prose(&names.join(", "))))]);
    }
    if let Some(article) = entry.page {
        page.gap();
        markdown::show(page, &entry.id, article.lead(), MARGIN);
        for section in article.sections() {
            page.gap();
            self::section(page, &entry.id, section);
        }
        page.gap();
        page.line(&[(Paint::Bold, "Sources"), (Paint::Dim, &format!("({})", terminal(article.updated())))]);
        for source in article.sources() {
            page.hanging("  - ", &[(Paint::Plain, &prose(source))]);
        }
    }
    page.gap();
    machine_half(page, lookup, entry);
}

/// What the rules make of an article, id by id.
fn machine_half(page: &mut Page, lookup: &Lookup, entry: &Entry<'_>) {
    let plan = lookup.plan();
    let Some(rules) = entry.rules else {
        page.line(&[(Paint::Plain, "No rule reads this article: it is here for people only.")]);
        return;
    };
    page.line(&[(Paint::Bold, "In the rules")]);
    let symptoms = rules.symptoms.iter().filter_map(|&at| plan.symptoms().get(at));
    let symptoms = symptoms.map(|symptom| (&*symptom.id, prose(&symptom.title))).collect();
    let own = rules.causes.iter().filter_map(|&at| plan.causes().get(at));
    let own =
        own.filter(|cause| belongs(&cause.id, &entry.id)).map(|cause| (&*cause.id, prose(&cause.title)));
    let same = |is_one: fn(&Part<'_>) -> bool| {
        let same = plan.same_as().filter(move |(id, _)| belongs(id, &entry.id));
        let same = same.filter(move |(_, target)| lookup.parts(target).iter().any(is_one));
        same.map(|(id, target)| (id, format!("same as {}", terminal(target))))
    };
    let causes = own.chain(same(|part| matches!(part, Part::Cause(_)))).collect();
    let solutions = rules.solutions.iter().filter_map(|&at| plan.solutions().get(at));
    let solutions = solutions.map(|solution| match solution.kind {
        SolutionKind::Do | SolutionKind::Nothing => (&*solution.id, advice(solution)),
        SolutionKind::Avoid => (&*solution.id, format!("avoid: {}", advice(solution))),
    });
    let solutions = solutions.chain(same(|part| matches!(part, Part::Solution(_)))).collect();
    let kinds: [(&str, Vec<(&str, String)>); 3] =
        [("symptoms", symptoms), ("causes", causes), ("solutions", solutions)];
    for (kind, parts) in kinds {
        for (i, (id, text)) in parts.iter().enumerate() {
            let label = if i == 0 { kind } else { "" };
            page.item((Paint::Bold, label), &[(Paint::Dim, &terminal(id)), (Paint::Plain, text)]);
        }
    }
}

/// Whether an id names a part of this article.
pub(crate) fn belongs(id: &str, article: &str) -> bool {
    id.split_once('#').is_some_and(|(home, _)| home == article)
}

/// What is known of one part of an article; `false` when nothing is.
fn part(page: &mut Page, lookup: &Lookup, entry: &Entry<'_>, name: &str) -> bool {
    let id = format!("{}#{name}", entry.id);
    let mut home = entry.id.clone();
    let mut section = section_of(entry.page, name);
    let mut parts = lookup.parts(&id);
    if let Some((id, target)) = lookup.same_as(&id).filter(|_| parts.is_empty()) {
        page.line(&[
            (Paint::Dim, &terminal(id)),
            (Paint::Plain, "is the same as"),
            (Paint::Dim, &terminal(target)),
        ]);
        parts = lookup.parts(target);
        if let (None, Some((other, anchor))) = (section, target.split_once('#')) {
            home = other.to_owned();
            section = section_of(lookup.entry(other).and_then(|entry| entry.page), anchor);
        }
    }
    for part in &parts {
        page.gap();
        match part {
            Part::Symptom(it) => symptom(page, lookup.plan(), it),
            Part::Cause(it) => cause(page, lookup.plan(), it),
            Part::Solution(it) => solution(page, lookup.plan(), it),
        }
    }
    if let Some(section) = section {
        page.gap();
        self::section(page, &home, section);
    }
    section.is_some() || !parts.is_empty()
}

fn section_of<'a>(article: Option<&'a Article>, anchor: &str) -> Option<&'a Section> {
    article?.sections().iter().find(|section| section.anchor.eq_ignore_ascii_case(anchor))
}

fn section(page: &mut Page, article: &str, section: &Section) {
    let id = format!("{article}#{}", section.anchor);
    page.line(&[(Paint::Bold, &prose(&section.title)), (Paint::Dim, &format!("<{}>", terminal(&id)))]);
    markdown::show(page, article, &section.text, MARGIN);
}

fn symptom(page: &mut Page, plan: &Plan, symptom: &Symptom) {
    headline(page, (Paint::Bold, "symptom"), &symptom.title, &symptom.id);
    let how = format!("{}, found by the detector `{}`", terminal(plan.level_of(symptom)), symptom.kind);
    page.item((Paint::Bold, "per"), &[(Paint::Plain, &how)]);
    if let Some(when) = symptom.when() {
        page.item((Paint::Bold, "when"), &[(Paint::Plain, &prose(when))]);
    }
    for (i, blocking) in plan.blocking(symptom).enumerate() {
        let label = if i == 0 { "unless" } else { "" };
        page.item(
            (Paint::Bold, label),
            &[(Paint::Plain, &prose(&blocking.title)), (Paint::Dim, &terminal(&blocking.id))],
        );
    }
    let chance = format!("{} without any of the causes", percent(symptom.background()));
    page.item((Paint::Bold, "by chance"), &[(Paint::Plain, &chance)]);
    let causes = plan.causes_of(symptom);
    for (i, (cause, strength)) in causes.iter().enumerate() {
        let label = if i == 0 { "causes" } else { "" };
        explanation(page, label, *strength, &cause.title, &cause.id);
    }
    if causes.is_empty() {
        page.item((Paint::Bold, "causes"), &[(Paint::Plain, "none: no cause explains it")]);
    }
}

fn cause(page: &mut Page, plan: &Plan, cause: &Cause) {
    headline(page, (Paint::Of(cause.severity), cause.severity.word()), &cause.title, &cause.id);
    let word = prior_word(cause.prior).map_or_else(String::new, |word| format!("{word}, "));
    let prior = format!("{word}{} before anything is known", percent(cause.prior));
    page.item((Paint::Bold, "prior"), &[(Paint::Plain, &prior)]);
    let mut symptoms: Vec<_> = plan.explained_by(cause).collect();
    symptoms.sort_by(|(_, p), (_, q)| q.total_cmp(p));
    for (i, (symptom, strength)) in symptoms.into_iter().enumerate() {
        let label = if i == 0 { "explains" } else { "" };
        explanation(page, label, strength, &symptom.title, &symptom.id);
    }
    let mut above = "";
    for solution in plan.solutions_of(cause) {
        let label = word_of(solution);
        let shown = if label == above { "" } else { label };
        page.item(
            (Paint::Bold, shown),
            &[
                (Paint::Plain, &advice(solution)),
                (Paint::Plain, &link(solution)),
                (Paint::Dim, &terminal(&solution.id)),
            ],
        );
        above = label;
    }
}

fn solution(page: &mut Page, plan: &Plan, solution: &Solution) {
    headline(page, (Paint::Bold, word_of(solution)), &advice(solution), &solution.id);
    if solution.link.is_some() {
        page.item((Paint::Bold, "link"), &[(Paint::Plain, &link(solution))]);
    }
    let names_it = |cause: &&Cause| plan.solutions_of(cause).any(|known| known.id == solution.id);
    let causes: Vec<&Cause> = plan.causes().iter().filter(names_it).collect();
    for (i, cause) in causes.iter().enumerate() {
        let label = if i == 0 { "causes" } else { "" };
        page.item(
            (Paint::Bold, label),
            &[(Paint::Plain, &prose(&cause.title)), (Paint::Dim, &terminal(&cause.id))],
        );
    }
    if causes.is_empty() {
        page.item((Paint::Bold, "causes"), &[(Paint::Plain, "none: no cause names it")]);
    }
}

fn headline(page: &mut Page, label: (Paint, &str), title: &str, id: &str) {
    page.item(label, &[(Paint::Bold, &prose(title)), (Paint::Dim, &terminal(id))]);
}

/// `almost always (95 %): The mains of a line failed power#mains-cut`.
fn explanation(page: &mut Page, label: &str, strength: f64, title: &str, id: &str) {
    let how_often = format!("{} ({}):", strength_word(strength).replace('-', " "), percent(strength));
    page.item(
        (Paint::Bold, label),
        &[(Paint::Plain, &tied(&how_often)), (Paint::Plain, &prose(title)), (Paint::Dim, &terminal(id))],
    );
}

/// The label of a solution.
fn word_of(solution: &Solution) -> &'static str {
    match solution.kind {
        SolutionKind::Do | SolutionKind::Nothing => "do",
        SolutionKind::Avoid => "avoid",
    }
}

/// What a solution says, recognisable when it says that there is nothing to do.
fn advice(solution: &Solution) -> String {
    let text = prose(&solution.text);
    let says_so = text.to_lowercase().starts_with("no action");
    if solution.kind == SolutionKind::Nothing && !says_so {
        format!("No action needed: {text}")
    } else {
        text
    }
}

fn link(solution: &Solution) -> String {
    solution.link.as_deref().map_or_else(String::new, |link| format!("<{}>", terminal(link)))
}
