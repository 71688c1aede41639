//! Symptoms: those that can never be present, those that are another symptom, windows that outlast an episode.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::detector::{ClassId, Definition, Facts};
use crate::error::Problem;
use crate::model::FieldId;
use crate::predicate::{Domain, Predicate};
use crate::rule::Symptom;
use crate::rule::sound::{View, class, deep, mention, with_also};
use crate::yaml::{Node, Shape, spell_duration};

/// A symptom with its nodes.
struct Seen<'v> {
    symptom: &'v Symptom,
    key: &'v Node,
    node: &'v Node,
    detect: &'v Node,
    /// What it looks for and on whom, in words that are the same for what is the same.
    looks: String,
}

pub(super) fn check(view: &View<'_>) -> Vec<Problem> {
    // What classes hold, by their numbers: two names may mean the same.
    let contents: Vec<Option<String>> = view.of.classes.iter().map(class::content).collect();
    let contents: Vec<&str> = contents.iter().map(|content| content.as_deref().unwrap_or("?")).collect();
    let seen: Vec<Option<Seen<'_>>> = view
        .of
        .symptoms
        .iter()
        .map(|symptom| {
            let symptom = symptom.as_ref()?;
            let (key, node) = view.entry("symptoms", &symptom.id)?;
            let detect = node.get("detect")?;
            let mut looks = format!("{} ", symptom.level);
            canonical(view, &contents, symptom, detect, &mut looks);
            Some(Seen { symptom, key, node, detect, looks })
        })
        .collect();
    let mut problems = Vec::new();
    for seen in seen.iter().flatten() {
        let facts = seen.symptom.detector.facts();
        problems.extend(unreachable(view, seen, &facts).or_else(|| apart(view, seen, &facts)));
        problems.extend(idle(view, seen, &facts));
        problems.extend(when(seen, &facts));
        problems.extend(window(view, seen, &facts));
    }
    problems.extend(unless(view, &seen));
    problems.extend(blocked(&seen));
    problems.extend(same(&seen));
    problems
}

/// A `detect` as text: keys in order, classes by what they hold.
fn canonical(view: &View<'_>, contents: &[&str], symptom: &Symptom, node: &Node, out: &mut String) {
    match node.shape() {
        Shape::Scalar { text, .. } => {
            let article = symptom.id.split_once('#').map_or("", |(article, _)| article);
            let class = view.named.get(&(article, text.as_str()));
            match class.and_then(|&at| Some((at, contents.get(at)?))) {
                // A faulty class is like no other.
                Some((at, &"?")) => out.push_str(&format!("class {at}")),
                Some((_, content)) => out.push_str(&format!("class {content:?}")),
                None => out.push_str(&format!("{text:?}")),
            }
        }
        Shape::List(items) => {
            out.push('[');
            for item in items {
                canonical(view, contents, symptom, item, out);
                out.push(',');
            }
            out.push(']');
        }
        Shape::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|(key, value)| (key.scalar(), value)).collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in entries {
                out.push_str(&format!("{}:", key.unwrap_or_default()));
                canonical(view, contents, symptom, value, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

fn name_of<'v>(view: &View<'v>, class: ClassId) -> &'v str {
    let name = usize::try_from(class.0).ok().and_then(|at| view.of.class_names.get(at));
    name.map_or("", |name| name.split_once('#').map_or(&**name, |(_, part)| part))
}

/// What the events of some classes can have in a field.
fn domain_of(view: &View<'_>, classes: &[ClassId], field: FieldId) -> Domain {
    classes.iter().fold(Domain::nothing(), |all, class| {
        let at = usize::try_from(class.0).unwrap_or(usize::MAX);
        all.or(&view.domain(at, field))
    })
}

/// Events that name no subject of the symptom's level, or none of the level inside it that is counted.
fn unreachable(view: &View<'_>, seen: &Seen<'_>, facts: &Facts) -> Option<Problem> {
    let schema = view.of.schema;
    let lineage = schema.lineage(facts.children.unwrap_or(seen.symptom.level));
    for group in &facts.needs {
        for field in lineage.iter().filter_map(|&level| schema.level_field(level)) {
            let classes = group.iter().copied().filter(|class| {
                let at = usize::try_from(class.0).unwrap_or(usize::MAX);
                view.domains.get(at).is_some_and(|domains| domains.contains_key(&field))
            });
            // Only what the class itself says: a host may know subjects that inputs do not.
            let silent = classes.filter(|&class| {
                let domain = domain_of(view, &[class], field);
                !domain.is_empty() && domain.there().is_empty()
            });
            let silent = silent.count();
            if silent < group.len() || group.is_empty() {
                continue;
            }
            let class = group.first().map_or("", |&class| name_of(view, class));
            let level = schema.name(field);
            let place = mention(seen.detect, class).unwrap_or(seen.detect);
            let message = format!("no event of `{class}` is about a `{level}`, so this can never be present");
            let problem = place.problem("unreachable-symptom", message);
            return Some(problem.with_help(format!("the class must not exclude events with a `{level}`")));
        }
    }
    None
}

/// Events of which all are needed and that never have one subject.
fn apart(view: &View<'_>, seen: &Seen<'_>, facts: &Facts) -> Option<Problem> {
    let schema = view.of.schema;
    for field in schema.lineage(seen.symptom.level).into_iter().filter_map(|level| schema.level_field(level))
    {
        let mut common = Domain::text();
        for group in facts.needs.iter().filter(|group| !group.is_empty()) {
            let domain = domain_of(view, group, field);
            // The number 7 and the text "7" name one subject.
            if domain.is_empty() || !domain.and(&Domain::number()).is_empty() {
                continue;
            }
            common = common.and(&domain);
            if common.is_empty() {
                let class = group.first().map_or("", |&class| name_of(view, class));
                let place = mention(seen.detect, class).unwrap_or(seen.detect);
                let level = schema.name(field);
                let message = format!("`{class}` and what stands before it are never about one `{level}`");
                let problem = place.problem("step-never-follows", message);
                return Some(problem.with_help(format!("their conditions on `{level}` exclude each other")));
            }
        }
    }
    None
}

/// Steps that play no part, because their events play another.
fn idle(view: &View<'_>, seen: &Seen<'_>, facts: &Facts) -> Option<Problem> {
    let class = |id: ClassId| view.of.classes.get(usize::try_from(id.0).ok()?);
    let found = facts.idle.iter().find(|(one, other)| match (class(*one), class(*other)) {
        (Some(one), Some(other)) => class::is_part(one, other),
        _ => false,
    });
    let &(one, other) = found?;
    let place = mention(seen.detect, name_of(view, one)).unwrap_or(seen.detect);
    let (one, other) = (name_of(view, one), name_of(view, other));
    let message = if one == other {
        format!("an event of `{one}` plays its other part here, so this step never has one")
    } else {
        format!("every `{one}` is a `{other}` too, so this step never has an event of its own")
    };
    let problem = place.problem("idle-step", message);
    Some(match mention(seen.detect, other).filter(|there| there.span() != place.span()) {
        Some(there) => with_also(problem, there, "this one takes it, or forbids it"),
        None => problem,
    })
}

/// A `when` that contradicts what the detector finds.
fn when(seen: &Seen<'_>, facts: &Facts) -> Option<Problem> {
    let when = seen.symptom.when.as_ref()?;
    let measured = |_: &str, name: &str| {
        let known = facts.measures.iter().find(|(known, _)| *known == name);
        known.map_or_else(Domain::anything, |(_, domain)| domain.clone())
    };
    // One that can never hold by itself is another's business.
    if when.can_hold(&measured) || !when.can_hold(&|_, _| Domain::anything()) {
        return None;
    }
    let message = "this never holds for what `detect` finds".to_owned();
    let problem = seen.node.get("when")?.problem("impossible-when", message);
    let problem = problem.with_help("the symptom could never be present: change one of the two");
    Some(with_also(problem, seen.detect, "which is never like that"))
}

/// What must be remembered for longer than an episode lasts.
fn window(view: &View<'_>, seen: &Seen<'_>, facts: &Facts) -> Option<Problem> {
    let (window, quiet) = (facts.window?, *view.of.quiet.get(seen.symptom.level)?);
    if window <= quiet {
        return None;
    }
    let place = deep(seen.detect, &["within", "for", "period", "bucket"]).unwrap_or(seen.detect);
    let [window, quiet] = [window, quiet].map(|span| spell_duration(span, Duration::MAX));
    let field = view.of.schema.level_field(seen.symptom.level);
    let level = field.map_or("", |field| view.of.schema.name(field));
    let message = format!(
        "this looks back over {window}, and the episode of a `{level}` is over after {quiet} without events"
    );
    let help = format!("shorten it, or let `{level}` be `quiet` for at least {window} in pack.yaml");
    Some(place.problem("window-over-quiet", message).with_help(help))
}

fn source(predicate: Option<&Predicate>) -> Option<String> {
    predicate.map(|predicate| predicate.source().split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A symptom gives way to symptoms of its own level only, and never, by whatever detour, to itself: all of a circle that
/// is there at once would be gone at once.
fn unless(view: &View<'_>, all: &[Option<Seen<'_>>]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, seen) in all.iter().enumerate().filter_map(|(at, seen)| Some((at, seen.as_ref()?))) {
        let places = seen.node.get("unless").map_or(&[][..], Node::one_or_more);
        for (&other, place) in seen.symptom.unless.iter().zip(places) {
            let Some(target) = view.of.symptoms.get(other).and_then(Option::as_ref) else { continue };
            if target.level != seen.symptom.level {
                let message = format!("`{}` is not a symptom of the same level of subjects", target.id);
                problems.push(place.problem("wrong-level", message));
            } else if gives_way(view, other, at) {
                let message = match other == at {
                    true => format!("`{}` gives way to itself", target.id),
                    false => format!("`{}` gives way to `{}` in turn", target.id, seen.symptom.id),
                };
                problems.push(place.problem("unless-circle", message));
            }
        }
    }
    problems
}

fn gives_way(view: &View<'_>, from: usize, to: usize) -> bool {
    let (mut seen, mut ahead) = (BTreeSet::new(), vec![from]);
    while let Some(at) = ahead.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            let symptom = view.of.symptoms.get(at).and_then(Option::as_ref);
            ahead.extend(symptom.map_or(&[][..], |symptom| &symptom.unless));
        }
    }
    false
}

/// Symptoms that give way to what is there whenever they are.
fn blocked(all: &[Option<Seen<'_>>]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for seen in all.iter().flatten() {
        let places = seen.node.get("unless").map_or(&[][..], Node::one_or_more);
        for (&other, place) in seen.symptom.unless.iter().zip(places) {
            let Some(blocking) = all.get(other).and_then(Option::as_ref) else { continue };
            let (own, theirs) = (seen.symptom.when.as_ref(), blocking.symptom.when.as_ref());
            let always = theirs.is_none() || source(own) == source(theirs);
            if blocking.symptom.id != seen.symptom.id
                && always
                && (blocking.looks == seen.looks || sees_all(blocking, seen))
            {
                let message = format!(
                    "`{}` is present whenever this one is, so this one never is",
                    blocking.symptom.id
                );
                let problem = place.problem("always-blocked", message);
                let label = if blocking.looks == seen.looks {
                    "it looks for the same"
                } else {
                    "one event is enough for it"
                };
                problems.push(with_also(problem, blocking.detect, label));
            }
        }
    }
    problems
}

/// Whether one event is enough for a symptom, and another of the same subjects cannot do without such an event.
fn sees_all(one: &Seen<'_>, other: &Seen<'_>) -> bool {
    let occurrence = matches!(one.symptom.detector.definition(), Some(Definition::Occurrence { .. }));
    let enough = occurrence && one.symptom.when.is_none();
    let needs = other.symptom.detector.facts().needs;
    let is_enough =
        |group: &Vec<ClassId>| !group.is_empty() && group.iter().all(|c| one.symptom.classes.contains(c));
    enough && one.symptom.level == other.symptom.level && needs.iter().any(is_enough)
}

/// Symptoms that are present at the same times.
fn same(all: &[Option<Seen<'_>>]) -> Vec<Problem> {
    let mut known: BTreeMap<(&str, Option<String>, Vec<usize>), &Seen<'_>> = BTreeMap::new();
    let mut problems = Vec::new();
    for seen in all.iter().flatten() {
        let mut unless = seen.symptom.unless.clone();
        unless.sort_unstable();
        unless.dedup();
        let what = (seen.looks.as_str(), source(seen.symptom.when.as_ref()), unless);
        match known.get(&what) {
            Some(first) => {
                let message = format!("this is the symptom `{}` again", first.symptom.id);
                let problem = seen.key.problem("same-symptom", message);
                let problem = problem.with_help("what is seen once must not count twice: keep one of them");
                problems.push(with_also(problem, first.key, "the same"));
            }
            None => drop(known.insert(what, seen)),
        }
    }
    problems
}
