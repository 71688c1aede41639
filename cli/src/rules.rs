//! `etiolog rules`: what the rules of each pack know, for people and for programs.

use etiolog::Severity;
use etiolog::model::{Probability, SolutionKind};
use etiolog::output::{Page, Paint, terminal, tied, write_line};
use etiolog::rule::{ArticlePlan, Fact, Plan, strength_word};
use serde::Serialize;

use crate::args::{Listing, Rules};
use crate::exit::{Exit, Stop};
use crate::explain::belongs;
use crate::lookup::Lookup;
use crate::style::prose;
use crate::{packs, style};

/// Runs the verb.
pub(crate) fn run(asked: &Rules) -> Result<Exit, Stop> {
    let lookup = Lookup::new(packs::load(&asked.rules, &asked.facts)?)?;
    let listed = match asked.output {
        Listing::Text => text(&lookup, style::page()).into_bytes(),
        Listing::Json => json(lookup.plan()).map_err(Stop::Output)?,
    };
    style::write(&listed)?;
    Ok(Exit::Done)
}

fn text(lookup: &Lookup, mut page: Page) -> String {
    let plan = lookup.plan();
    for (at, pack) in plan.packs().iter().enumerate() {
        page.gap();
        let name = format!("{} {}", prose(&pack.name), prose(&pack.version));
        page.line(&[(Paint::Bold, &name), (Paint::Plain, &prose(&pack.title))]);
        for rules in plan.articles().iter().filter(|rules| rules.pack == at) {
            page.gap();
            article(&mut page, plan, rules);
        }
        for unruled in lookup.unruled(at) {
            page.gap();
            head(&mut page, unruled.id(), unruled.title());
            page.hanging("    ", &[(Paint::Dim, "an article without rules")]);
        }
        facts(&mut page, &pack.facts);
    }
    page.into_text()
}

/// What the tables of a pack say.
fn facts(page: &mut Page, facts: &[Fact]) {
    if facts.is_empty() {
        return;
    }
    page.gap();
    page.hanging(
        "  ",
        &[(Paint::Bold, "facts"), (Paint::Plain, "which `--set TABLE.FACT=VALUE` sets for a site")],
    );
    for fact in facts {
        let value = match &fact.shipped {
            Some(shipped) => format!("{} (set; the table says {})", fact.value, shipped),
            None => fact.value.clone(),
        };
        let parts = [
            (Paint::Plain, fact.name.as_str()),
            (Paint::Bold, &terminal(&value)),
            (Paint::Dim, &prose(&fact.title)),
        ];
        page.hanging("    ", &parts);
    }
}

fn head(page: &mut Page, id: &str, title: &str) {
    page.hanging("  ", &[(Paint::Bold, &terminal(id)), (Paint::Plain, &prose(title))]);
}

fn article(page: &mut Page, plan: &Plan, rules: &ArticlePlan) {
    head(page, &rules.id, &rules.title);
    let symptoms = rules.symptoms.iter().filter_map(|&at| plan.symptoms().get(at));
    let symptoms = symptoms.map(|symptom| {
        format!(
            "{} (per {}, {})",
            terminal(tail(&symptom.id)),
            terminal(plan.level_of(symptom)),
            symptom.kind
        )
    });
    let causes = rules.causes.iter().filter_map(|&at| plan.causes().get(at));
    let own = causes.filter(|cause| belongs(&cause.id, &rules.id));
    let own = own.map(|cause| format!("{} ({})", terminal(tail(&cause.id)), cause.severity));
    let same = plan.same_as().filter(|(id, target)| {
        belongs(id, &rules.id) && plan.causes().iter().any(|cause| &*cause.id == *target)
    });
    let same = same.map(|(id, target)| format!("{} = {}", terminal(tail(id)), terminal(target)));
    list(page, "symptoms", symptoms.collect());
    list(page, "causes", own.chain(same).collect());
    list(page, "solutions", vec![rules.solutions.len().to_string()]);
}

fn list(page: &mut Page, label: &str, parts: Vec<String>) {
    if parts.is_empty() {
        return;
    }
    let parts: Vec<String> = parts.iter().map(|part| tied(part)).collect();
    page.hanging(&format!("    {label:<9}  "), &[(Paint::Plain, &parts.join(", "))]);
}

/// The part of an id after its article.
fn tail(id: &str) -> &str {
    id.split_once('#').map_or(id, |(_, part)| part)
}

/// A symptom, cause or solution for programs.
#[derive(Serialize)]
struct Rule<'a> {
    id: &'a str,
    kind: &'static str,
    pack: &'a str,
    article: &'a str,
    title: &'a str,
    #[serde(flatten)]
    body: Body<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Symptom {
        per: &'a str,
        detect: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        when: Option<&'a str>,
        unless: Vec<&'a str>,
        background: Probability,
    },
    Cause {
        severity: Severity,
        prior: Probability,
        explains: Vec<Explains<'a>>,
        solutions: Vec<&'a str>,
    },
    Solution {
        advice: SolutionKind,
        #[serde(skip_serializing_if = "Option::is_none")]
        link: Option<&'a str>,
    },
    Same {
        same_as: &'a str,
    },
    Fact {
        value: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        shipped: Option<&'a str>,
        sources: &'a [String],
    },
}

#[derive(Serialize)]
struct Explains<'a> {
    symptom: &'a str,
    strength: Probability,
    word: &'static str,
}

fn json(plan: &Plan) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    for rules in plan.articles() {
        for rule in parts(plan, rules) {
            write_line("rule", &rule, &mut out)?;
        }
    }
    for pack in plan.packs() {
        for fact in &pack.facts {
            let body =
                Body::Fact { value: &fact.value, shipped: fact.shipped.as_deref(), sources: &fact.sources };
            let table = fact.name.split('.').next().unwrap_or_default();
            let rule = Rule {
                id: &fact.name,
                kind: "fact",
                pack: &pack.name,
                article: table,
                title: &fact.title,
                body,
            };
            write_line("rule", &rule, &mut out)?;
        }
    }
    Ok(out)
}

/// The parts of an article: its symptoms, causes and solutions, then what is the same as elsewhere.
fn parts<'a>(plan: &'a Plan, rules: &'a ArticlePlan) -> Vec<Rule<'a>> {
    let pack = plan.packs().get(rules.pack).map_or("", |pack| &*pack.name);
    let rule = |id, kind, title, body| Rule { id, kind, pack, article: &rules.id, title, body };
    let symptoms = rules.symptoms.iter().filter_map(|&at| plan.symptoms().get(at)).map(|symptom| {
        let unless = plan.blocking(symptom).map(|blocking| &*blocking.id).collect();
        let background = Probability::new(symptom.background());
        let per = plan.level_of(symptom);
        let body = Body::Symptom { per, detect: symptom.kind, when: symptom.when(), unless, background };
        rule(&*symptom.id, "symptom", &*symptom.title, body)
    });
    let causes = rules.causes.iter().filter_map(|&at| plan.causes().get(at));
    let causes = causes.filter(|cause| belongs(&cause.id, &rules.id)).map(|cause| {
        let explains = plan.explained_by(cause).map(|(symptom, p)| Explains {
            symptom: &symptom.id,
            strength: Probability::new(p),
            word: strength_word(p),
        });
        let body = Body::Cause {
            severity: cause.severity,
            prior: Probability::new(cause.prior),
            explains: explains.collect(),
            solutions: plan.solutions_of(cause).map(|solution| &*solution.id).collect(),
        };
        rule(&*cause.id, "cause", &*cause.title, body)
    });
    let solutions = rules.solutions.iter().filter_map(|&at| plan.solutions().get(at)).map(|solution| {
        let body = Body::Solution { advice: solution.kind, link: solution.link.as_deref() };
        rule(&*solution.id, "solution", &*solution.text, body)
    });
    let same = plan.same_as().filter(|(id, _)| belongs(id, &rules.id)).filter_map(|(id, target)| {
        let cause =
            plan.causes().iter().find(|cause| &*cause.id == target).map(|cause| ("cause", &*cause.title));
        let solution = || plan.solutions().iter().find(|solution| &*solution.id == target);
        let (kind, title) = cause.or_else(|| solution().map(|solution| ("solution", &*solution.text)))?;
        Some(rule(id, kind, title, Body::Same { same_as: target }))
    });
    symptoms.chain(causes).chain(solutions).chain(same).collect()
}
