//! `etiolog check`: what is wrong with packs, and what they cost.

use std::time::Duration;

use etiolog::check::{Cost, RuleCost, RuleKind, Runs, cost, lint, proofs};
use etiolog::output::{Page, Paint, problems, terminal, tied, write_line};
use etiolog::yaml::spell_duration;
use etiolog::{Engine, Registry};
use serde::Serialize;

use crate::args::{Check, Listing};
use crate::exit::{Exit, Stop};
use crate::style::prose;
use crate::{packs, style};

/// Runs the verb.
pub(crate) fn run(asked: &Check) -> Result<Exit, Stop> {
    let packs = packs::load(&asked.rules, &asked.facts)?;
    let mut found = lint(&packs, &Registry::builtin());
    let builder = packs.into_iter().fold(Engine::builder(), |builder, pack| builder.pack(pack));
    // Rules that are refused have been told.
    let engine = builder.build().ok();
    found.extend(engine.iter().flat_map(proofs));
    let cost = engine.as_ref().filter(|_| asked.cost).map(|engine| cost(engine.plan()));
    let checked = Checked::of(engine.as_ref(), found.len());
    let mut out = Vec::new();
    match asked.output {
        Listing::Json => {
            out.extend(problems::json(&found).into_bytes());
            write_line("checked", &checked, &mut out).map_err(Stop::Output)?;
            if let Some(cost) = &cost {
                write_line("cost", cost, &mut out).map_err(Stop::Output)?;
            }
        }
        Listing::Text => {
            if found.is_empty() {
                out.extend(format!("ok: {}\n", checked.words()).into_bytes());
            }
            out.extend(problems::text(&found, style::style()).into_bytes());
            if let Some(cost) = &cost {
                let mut page = style::page();
                show(cost, &mut page);
                out.push(b'\n');
                out.extend(page.into_text().into_bytes());
            }
        }
    }
    style::write(&out)?;
    Ok(if found.is_empty() { Exit::Done } else { Exit::Found })
}

/// What was looked at.
#[derive(Debug, Serialize)]
struct Checked {
    problems: usize,
    articles: usize,
    symptoms: usize,
    causes: usize,
    solutions: usize,
}

impl Checked {
    fn of(engine: Option<&Engine>, problems: usize) -> Self {
        let plan = engine.map(Engine::plan);
        Self {
            problems,
            articles: plan.map_or(0, |plan| plan.articles().len()),
            symptoms: plan.map_or(0, |plan| plan.symptoms().len()),
            causes: plan.map_or(0, |plan| plan.causes().len()),
            solutions: plan.map_or(0, |plan| plan.solutions().len()),
        }
    }

    fn words(&self) -> String {
        let counts = [
            many(self.articles, "article"),
            many(self.symptoms, "symptom"),
            many(self.causes, "cause"),
            many(self.solutions, "solution"),
        ];
        counts.join(", ")
    }
}

fn many(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// The cost, for people.
fn show(cost: &Cost, page: &mut Page) {
    let fields = cost.fields.iter().map(|field| {
        let level = field.level.then(|| "a level of subjects".to_owned());
        let asking: Vec<String> =
            field.classes.iter().chain(&field.symptoms).map(|name| tied(&terminal(name))).collect();
        let asking = (!asking.is_empty()).then(|| format!("for {}", asking.join(", ")));
        (&*field.field, level.into_iter().chain(asking).collect::<Vec<_>>().join("; "))
    });
    table(page, "fields: decoders extract these from every record, and no others", fields);
    let classes = cost.classes.iter().map(|class| {
        let kept = match (class.symptoms.len(), class.remembered) {
            (0, _) => "only counted".to_owned(),
            (symptoms, 0) => format!("counted by {}", many(symptoms, "symptom")),
            (symptoms, seconds) => {
                format!("seen by {}, remembered for {} at most", many(symptoms, "symptom"), span(seconds))
            }
        };
        (&*class.class, kept)
    });
    table(page, "event classes: an event that is in none of them is forgotten at once", classes);
    let rules = cost.rules.iter().map(|rule| (&*rule.rule, of_rule(cost, rule)));
    table(page, "rules by what they cost, the dearest first; bytes are for one subject, at most", rules);
    let levels = cost.levels.iter().filter(|level| level.symptoms > 0).map(|level| {
        let unsaid = match level.unsaid {
            0 => String::new(),
            unsaid => format!(", and what {} do not say", many(unsaid, "detector")),
        };
        let size = bytes(level.bytes, level.bytes_per_child);
        (&*level.level, format!("{size} in {}{unsaid}", many(level.symptoms, "symptom")))
    });
    table(page, "levels: the same for a subject that shows the events of all symptoms", levels);
    let predicates = cost.predicates.iter().map(|predicate| {
        let runs = match predicate.runs {
            Runs::OnEvents => "on each event of which the class's other conditions hold",
            Runs::OnEveryEvent => "on every event, because the class has no other condition",
            Runs::OnMeasures => "on what was measured, when a subject is judged",
            _ => "at some time",
        };
        let reads: Vec<String> = predicate.reads.iter().map(|read| terminal(read).into_owned()).collect();
        let source = prose(&predicate.source);
        let says = format!("{runs}: {source} (reads {})", reads.join(", "));
        let why =
            predicate.interpreted.as_ref().map(|why| format!("; interpreted, because {}", terminal(why)));
        (&*predicate.of, format!("{says}{}", why.unwrap_or_default()))
    });
    table(page, "expressions: they need no interpreter, unless it is said why", predicates);
}

/// What a rule costs, why, and what helps.
fn of_rule(cost: &Cost, rule: &RuleCost) -> String {
    let mut says = vec![terminal(&rule.reason).into_owned()];
    if rule.kind == RuleKind::Symptom {
        let per = cost.symptoms.iter().find(|symptom| symptom.symptom == rule.rule);
        let per = per.map_or_else(String::new, |symptom| format!(" per {}", terminal(&symptom.per)));
        says.push(match rule.bytes {
            Some(size) => format!("{}{per}", bytes(size, rule.bytes_per_child)),
            None => format!("the detector does not say how many bytes{per}"),
        });
    }
    if rule.runs == Some(Runs::OnMeasures) {
        let why =
            rule.interpreted.as_ref().map(|why| format!(", by the interpreter, because {}", terminal(why)));
        says.push(format!("its `when` is asked when a subject is judged{}", why.unwrap_or_default()));
    }
    if !rule.asks.is_empty() {
        let asks: Vec<String> = rule.asks.iter().map(|name| tied(&terminal(name))).collect();
        let word = if rule.kind == RuleKind::Symptom { "asks about" } else { "asked for by" };
        says.push(format!("{word} {}", asks.join(", ")));
    }
    says.extend(rule.hint.as_ref().map(|hint| format!("cheaper: {}", terminal(hint))));
    says.join("; ")
}

/// Names, and beside them what is said of each.
fn table<'n>(page: &mut Page, title: &str, rows: impl Iterator<Item = (&'n str, String)>) {
    /// A longer name pushes only its own row.
    const WIDEST: usize = 30;
    let rows: Vec<(String, String)> = rows.map(|(name, says)| (terminal(name).into_owned(), says)).collect();
    let widest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(WIDEST);
    if !rows.is_empty() {
        page.gap();
        page.line(&[(Paint::Bold, title)]);
    }
    for (name, says) in rows {
        page.hanging(&format!("  {name:<widest$}  "), &[(Paint::Plain, &says)]);
    }
}

/// `1240 bytes and 20 for each subject inside`.
fn bytes(whole: usize, each: usize) -> String {
    let inside = if each > 0 { format!(" and {each} for each subject inside") } else { String::new() };
    format!("{whole} bytes{inside}")
}

/// `6d`, `1h30m`, `45s`.
fn span(seconds: u64) -> String {
    spell_duration(Duration::from_secs(seconds), Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_units_of_rules() {
        let table = [(518_400, "6d"), (5_400, "1h30m"), (61, "1m1s"), (90_001, "1d1h1s")];
        for (seconds, text) in table {
            assert_eq!(span(seconds), text);
        }
    }
}
