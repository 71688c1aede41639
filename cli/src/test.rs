//! `etiolog test`: plays the cases of packs, says what did not come as expected and what the cases have not seen.

use std::fs;
use std::path::Path;

use etiolog::Engine;
use etiolog::check::{self, CaseResult, Condition, Part, Report};
use etiolog::output::{Page, Paint, terminal, write_line};
use serde::Serialize;

use crate::args::{Listing, Test};
use crate::exit::{Exit, Stop, say};
use crate::{junit, packs, style};

/// Runs the verb.
pub(crate) fn run(asked: &Test) -> Result<Exit, Stop> {
    let mut builder = Engine::builder();
    for pack in packs::load(&asked.rules, &asked.facts)? {
        builder = builder.pack(pack);
    }
    let engine = builder.build()?;
    let wanted = asked.run.as_deref().map(str::to_lowercase);
    let report = check::cases(&engine, |case| {
        let name = format!("{}: {}", case.article, case.name).to_lowercase();
        wanted.as_ref().is_none_or(|wanted| name.contains(wanted))
    });
    // A part of the cases cannot have seen everything: only all of them are judged by it, unless somebody asks.
    let threshold = asked.threshold.or((asked.run.is_none()).then_some(100));
    let outcome = Outcome { below: threshold.filter(|&least| report.coverage.percent() < least) };
    let written = match asked.output {
        Listing::Text => text(&report, outcome, style::page()).into_bytes(),
        Listing::Json => json(&report, outcome).map_err(Stop::Output)?,
    };
    style::write(&written)?;
    if let Some(file) = &asked.junit {
        write_junit(file, &junit::suites(&report, outcome.below))?;
    }
    let faults = empty(&engine, &report, asked);
    faults.iter().for_each(|fault| say(&format!("error: {}", terminal(fault))));
    let passed = report.failed().next().is_none() && outcome.below.is_none() && faults.is_empty();
    Ok(if passed { Exit::Done } else { Exit::Found })
}

/// How the cases together did.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    /// The threshold, when the coverage is below it.
    below: Option<u64>,
}

/// What was not tested at all, which must not look like success.
fn empty(engine: &Engine, report: &Report, asked: &Test) -> Vec<String> {
    if let Some(run) = asked.run.as_ref().filter(|_| report.cases.is_empty()) {
        return vec![format!("no case has `{run}` in its article or name")];
    }
    let plan = engine.plan();
    let tested = |pack: usize| {
        let articles = plan.articles().iter().filter(|article| article.pack == pack);
        articles.into_iter().any(|article| plan.cases().iter().any(|case| case.article == article.id))
    };
    let untested = plan.packs().iter().enumerate().filter(|(at, _)| !tested(*at));
    untested
        .map(|(_, pack)| format!("the pack `{}` has no cases: nothing of it was tested", pack.name))
        .collect()
}

fn write_junit(file: &Path, suites: &str) -> Result<(), Stop> {
    fs::write(file, suites).map_err(|why| Stop::Usage(format!("cannot write `{}`: {why}", file.display())))
}

fn text(report: &Report, outcome: Outcome, mut page: Page) -> String {
    for case in &report.cases {
        let end = if case.passed() { (Paint::Plain, "ok") } else { (Paint::Bold, "FAILED") };
        page.line(&[(Paint::Plain, &format!("test {} ...", title(case))), end]);
    }
    if report.failed().next().is_some() {
        page.gap();
        page.line(&[(Paint::Bold, "failures:")]);
        report.failed().for_each(|case| failures(&mut page, case));
    }
    let failed = report.failed().count();
    let events: u64 = report.cases.iter().map(|case| case.events).sum();
    page.gap();
    let counts = format!("{} passed, {failed} failed; {events} events", report.cases.len() - failed);
    page.line(&[(Paint::Bold, if failed == 0 { "ok:" } else { "FAILED:" }), (Paint::Plain, &counts)]);
    if !report.cases.is_empty() {
        coverage(&mut page, report, outcome);
    }
    page.into_text()
}

fn title(case: &CaseResult) -> String {
    format!("{}: {}", terminal(&case.article), terminal(&case.name))
}

fn failures(page: &mut Page, case: &CaseResult) {
    page.gap();
    let place = format!("({}:{})", terminal(&case.file), case.line);
    page.hanging("  ", &[(Paint::Bold, &title(case)), (Paint::Dim, &place)]);
    for failure in &case.failures {
        let whom = failure.subject.as_ref().map_or_else(String::new, |subject| format!("{subject}:"));
        page.hanging(
            "    ",
            &[
                (Paint::Plain, &terminal(&whom)),
                (Paint::Plain, "expected"),
                (Paint::Bold, &terminal(&failure.expected)),
            ],
        );
        for line in &failure.instead {
            page.hanging("      ", &[(Paint::Plain, &terminal(line))]);
        }
    }
}

fn coverage(page: &mut Page, report: &Report, outcome: Outcome) {
    let (seen, all) = report.coverage.answers();
    page.gap();
    let share = format!("{seen} of {all} ({} %)", report.coverage.percent());
    let below = outcome.below.map_or_else(String::new, |least| format!(", and {least} % are asked for"));
    page.line(&[
        (Paint::Bold, "coverage:"),
        (Paint::Plain, "each condition holding, and not holding:"),
        (Paint::Plain, &format!("{share}{below}")),
    ]);
    for condition in report.coverage.missing() {
        let place = format!("({}:{})", terminal(&condition.file), condition.line);
        let what = format!("{}: {}", terminal(&condition.id), unseen(condition));
        page.hanging("  ", &[(Paint::Plain, &what), (Paint::Dim, &place)]);
    }
    let never: Vec<String> = report
        .coverage
        .causes
        .iter()
        .filter(|cause| !cause.on_top)
        .map(|c| terminal(&c.id).into_owned())
        .collect();
    list(page, "causes never on top:", &never);
    let unproven = |code: &str| {
        let problems = report.unproven.iter().filter(|problem| problem.code == code);
        let name = |message: &str| message.split('`').nth(1).map(|name| terminal(name).into_owned());
        problems.filter_map(|problem| name(&problem.message)).collect::<Vec<_>>()
    };
    list(page, "symptoms without a showing case:", &unproven("no-showing-case"));
    list(page, "symptoms without a quiet case:", &unproven("no-quiet-case"));
}

fn list(page: &mut Page, label: &str, names: &[String]) {
    if !names.is_empty() {
        page.hanging("  ", &[(Paint::Plain, label), (Paint::Plain, &names.join(", "))]);
    }
}

/// Which answer of a condition no case has seen.
pub(crate) fn unseen(condition: &Condition) -> String {
    let what = match (condition.part, &condition.field) {
        (Part::Field, Some(field)) => format!("`{field}`"),
        (part, _) => format!("`{}`", format!("{part:?}").to_lowercase()),
    };
    match (condition.held, condition.failed) {
        (true, _) if condition.part == Part::Unless => format!("{what} never blocked it"),
        (_, true) if condition.part == Part::Unless => format!("{what} always blocked it"),
        (false, false) => format!("{what} was never asked"),
        (true, _) => format!("{what} always held"),
        (_, true) => format!("{what} never held"),
    }
}

#[derive(Serialize)]
struct Summary {
    passed: usize,
    failed: usize,
    events: u64,
    answers_seen: usize,
    answers: usize,
    percent: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    below_threshold: Option<u64>,
}

/// A line for each case, each condition, each cause and each unproven symptom, then the sum.
fn json(report: &Report, outcome: Outcome) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    report.cases.iter().try_for_each(|case| write_line("case", case, &mut out))?;
    report.coverage.conditions.iter().try_for_each(|seen| write_line("condition", seen, &mut out))?;
    report.coverage.causes.iter().try_for_each(|cause| write_line("cause", cause, &mut out))?;
    report.unproven.iter().try_for_each(|problem| write_line("problem", problem, &mut out))?;
    let (answers_seen, answers) = report.coverage.answers();
    let failed = report.failed().count();
    let summary = Summary {
        passed: report.cases.len() - failed,
        failed,
        events: report.cases.iter().map(|case| case.events).sum(),
        answers_seen,
        answers,
        percent: report.coverage.percent(),
        below_threshold: outcome.below,
    };
    write_line("summary", &summary, &mut out)?;
    Ok(out)
}
