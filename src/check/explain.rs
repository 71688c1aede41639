//! Why it did not come as expected, in words.

use crate::engine::SymptomTrace;
use crate::model::{Diagnosis, Measure, Status, Subject};
use crate::output;
use crate::predicate::Truth;

/// What a subject's diagnoses say instead.
pub(super) fn diagnoses(found: &[&Diagnosis]) -> Vec<String> {
    if found.is_empty() {
        return vec!["there is no diagnosis of it".to_owned()];
    }
    let mut lines = Vec::new();
    for (at, diagnosis) in found.iter().enumerate() {
        let which = if found.len() > 1 { format!("diagnosis {}: ", at + 1) } else { String::new() };
        lines.push(format!("{which}{}", verdict(diagnosis)));
        let named = diagnosis.cause().is_some();
        let others = diagnosis.causes.iter().skip(usize::from(named)).take(4);
        let mut others: Vec<String> =
            others.map(|cause| format!("`{}` {}", cause.id, cause.probability)).collect();
        others.push(format!("none of these {}", diagnosis.none_of_these));
        lines.push(format!("{}: {}", if named { "beside it" } else { "in question" }, others.join(", ")));
        let present: Vec<String> = diagnosis.present().map(|symptom| format!("`{}`", symptom.id)).collect();
        lines.push(format!("seen: {}", present.join(", ")));
    }
    lines
}

/// What one diagnosis says.
fn verdict(diagnosis: &Diagnosis) -> String {
    match (diagnosis.cause(), &diagnosis.why) {
        (Some(cause), _) => {
            let above = if diagnosis.explained_by.is_some() { ", decided on what it lies in" } else { "" };
            format!("it is `{}` ({}{above})", cause.id, cause.probability)
        }
        (None, Some(why)) => format!("it cannot be told: {why}"),
        (None, None) => "it cannot be told".to_owned(),
    }
}

/// How a symptom stands, what was measured, and what is missing.
pub(super) fn symptom(trace: &SymptomTrace) -> Vec<String> {
    let mut lines = vec![format!("it is {}", status(&trace.status))];
    lines.push(format!("it looks for {}", trace.wanted));
    if trace.unseen || trace.events == 0 {
        lines.push("its detector saw none of its events on this subject".to_owned());
        return lines;
    }
    let events = if trace.events == 1 { "1 event".to_owned() } else { format!("{} events", trace.events) };
    let saw = format!("its detector saw {events} and says {}", status(&trace.found));
    if trace.measures.is_empty() {
        lines.push(saw);
    } else {
        let measured = trace.measures.iter().map(|(name, measure)| format!("{name} = {}", show(measure)));
        lines.push(format!("{saw}; measured: {}", measured.collect::<Vec<_>>().join(", ")));
    }
    if let Some(shortfall) = &trace.shortfall {
        lines.push(format!("missing: {shortfall}"));
    }
    if let Some(when) = &trace.when {
        let reads = when.reads.iter().map(|(name, measure)| {
            format!("{name} = {}", measure.as_ref().map_or_else(|| "missing".to_owned(), show))
        });
        let reads = reads.collect::<Vec<_>>().join(", ");
        let source = when.source.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.push(match &when.answer {
            Some(Truth::True) => format!("when: `{source}` holds ({reads})"),
            Some(Truth::False) => format!("when: `{source}` does not hold ({reads})"),
            Some(Truth::Unknown(why)) => format!("when: `{source}` cannot be said: {why}"),
            None => format!("when: `{source}` was not asked"),
        });
    }
    if !trace.blocked_by.is_empty() {
        let blocking: Vec<String> = trace.blocked_by.iter().map(|id| format!("`{id}`")).collect();
        lines.push(format!("unless: it gives way to {}", blocking.join(", ")));
    }
    lines
}

/// `present`, `absent`, `unknown: learning 3/5`.
fn status(status: &Status) -> String {
    match status {
        Status::Unknown(why) => format!("unknown: {why}"),
        Status::Present(confidence) if confidence.get() < 0.995 => format!("present ({confidence} sure)"),
        Status::Present(_) | Status::Absent => status.word().to_owned(),
    }
}

/// Subjects by name, some of them when there are too many.
pub(super) fn some(subjects: &[&Subject]) -> String {
    const MOST: usize = 5;
    let first: Vec<String> = subjects.iter().take(MOST).map(ToString::to_string).collect();
    match subjects.len().saturating_sub(MOST) {
        0 => first.join(", "),
        rest => format!("{} and {rest} more", first.join(", ")),
    }
}

fn show(measure: &Measure) -> String {
    match measure {
        Measure::Count(n) => n.to_string(),
        Measure::Number(x) => output::number(*x),
        Measure::Span(span) => output::span(*span),
        Measure::Text(text) => format!("`{text}`"),
        Measure::Flag(flag) => flag.to_string(),
    }
}
