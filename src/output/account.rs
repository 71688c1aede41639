//! The end of a report: where every record went, and what that suggests.

use std::time::Duration;

use crate::model::{Begin, Reject, RejectSample, Severity, Summary};
use crate::output::escape::terminal;
use crate::output::human::{self, count, counted};
use crate::output::layout::{Page, Paint, tied};

/// Places named for each reason of rejection.
const PLACES: usize = 3;
/// Sources and rules named one by one.
const NAMED: usize = 5;

/// Says plainly that there is no diagnosis, and whether that means anything.
pub(super) fn nothing_found(page: &mut Page, summary: &Summary) {
    let records = &summary.records;
    let text = if records.read == 0 {
        "Nothing was read: the input holds no records.".to_owned()
    } else if records.rejected_total() == records.read {
        match records.read {
            1 => "Nothing could be read: the only record was rejected.".to_owned(),
            n => format!("Nothing could be read: all {} were rejected.", counted(n, "record")),
        }
    } else if records.decoded == 0 && records.skipped == 0 {
        "No diagnosis: none of the records that were read could be used.".to_owned()
    } else if records.decoded == 0 {
        "No diagnosis: the rules ask about none of the records that were read.".to_owned()
    } else {
        let events = counted(records.decoded, "event");
        format!("No diagnosis: {events} looked at, and none of the symptoms that the rules know was there.")
    };
    page.line(&[(Paint::Bold, &text)]);
}

/// The counts, the span of time, the sources and the advice.
pub(super) fn sum(page: &mut Page, begin: Option<&Begin>, summary: &Summary) {
    if let Some(begin) = begin {
        let packs = begin.packs.iter().map(|pack| terminal(pack)).collect::<Vec<_>>().join(", ");
        let (symptoms, causes) =
            (counted(begin.symptoms as u64, "symptom"), counted(begin.causes as u64, "cause"));
        let articles = counted(begin.articles as u64, "article");
        let knows = format!("{packs}: {symptoms} and {causes} in {articles}");
        page.item((Paint::Bold, "rules"), &[(Paint::Plain, &knows), (Paint::Dim, &terminal(&begin.engine))]);
    }
    records(page, summary);
    rejected(page, summary);
    let problems = summary.explained + summary.benign + summary.unexplained;
    if problems > 0 {
        let text = format!(
            "{}: {} explained, {} benign, {} unexplained",
            counted(problems, "problem event"),
            count(summary.explained),
            count(summary.benign),
            count(summary.unexplained)
        );
        page.item((Paint::Bold, "events"), &[(Paint::Plain, &text)]);
    }
    if let (Some(first), Some(last)) = (summary.first, summary.last) {
        page.item((Paint::Bold, "time"), &[(Paint::Plain, &human::times(first, last))]);
    }
    sources(page, summary);
    for hint in hints(begin, summary) {
        page.item((Paint::Of(Severity::Warning), "hint"), &[(Paint::Plain, &hint)]);
    }
}

fn records(page: &mut Page, summary: &Summary) {
    let records = &summary.records;
    let parts = [
        (records.decoded, "decoded"),
        (records.skipped, "skipped"),
        (records.rejected_total(), "rejected"),
        (records.duplicate, "duplicate"),
        (records.late, "late"),
        (records.future, "future"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| tied(&format!("{} {what}", count(*n))))
        .collect();
    let total = tied(&format!("{} read", count(records.read)));
    let text = if parts.is_empty() { total } else { format!("{total} = {}", parts.join(" + ")) };
    page.item((Paint::Bold, "records"), &[(Paint::Plain, &text)]);
}

fn rejected(page: &mut Page, summary: &Summary) {
    for (i, (reason, n)) in summary.records.rejected.iter().filter(|(_, n)| **n > 0).enumerate() {
        let text = format!("{} {reason}: {}", count(*n), reason.sentence());
        page.item((Paint::Bold, if i == 0 { "rejected" } else { "" }), &[(Paint::Plain, &text)]);
        let of_reason = summary.samples.iter().filter(|sample| sample.reason == *reason).take(PLACES);
        for RejectSample { source, line, offset, .. } in of_reason {
            let place = format!("at {}:{line}", terminal(source));
            page.item(
                (Paint::Plain, ""),
                &[(Paint::Dim, &place), (Paint::Dim, &tied(&format!("(byte {offset})")))],
            );
        }
    }
}

fn sources(page: &mut Page, summary: &Summary) {
    for (i, source) in summary.sources.iter().take(NAMED).enumerate() {
        let input =
            source.input.as_deref().map_or_else(String::new, |input| format!(", {}", terminal(input)));
        let size = format!("{}, {}{input}", counted(source.records, "record"), human::bytes(source.bytes));
        page.item(
            (Paint::Bold, if i == 0 { "input" } else { "" }),
            &[(Paint::Plain, &format!("{}:", terminal(&source.name))), (Paint::Plain, &size)],
        );
    }
    let more = summary.sources.len().saturating_sub(NAMED) as u64;
    if more > 0 {
        let text = format!("and {} more, {} in all", count(more), human::bytes(summary.bytes));
        page.item((Paint::Plain, ""), &[(Paint::Plain, &text)]);
    }
}

/// What the counts suggest to do about the input or the settings.
fn hints(begin: Option<&Begin>, summary: &Summary) -> Vec<String> {
    let records = &summary.records;
    let mut hints = Vec::new();
    if records.late > 0 {
        let allowed = begin.map_or_else(String::new, |begin| {
            format!(" (more than {})", human::span(Duration::from_secs(begin.lateness)))
        });
        let late = counted(records.late, "record");
        hints.push(format!("{late} came too late to count{allowed}; raise --lateness to take them in"));
    }
    if records.future > 0 {
        let horizon = summary.horizon.map_or_else(String::new, |horizon| format!(" beyond {horizon}"));
        let future = counted(records.future, "record");
        hints.push(format!(
            "{future} claimed a time in the future{horizon}; if it is right, declare it with --as-of"
        ));
    }
    if summary.evicted > 0 {
        let evicted = counted(summary.evicted, "subject");
        hints.push(format!(
            "{evicted} had to be forgotten to make room: what they and new ones do not show is unknown, and their \
             diagnoses are marked as incomplete; raise --memory to keep them"
        ));
    }
    if summary.hurried > 0 {
        let hurried = counted(summary.hurried, "event");
        hints.push(format!(
            "{hurried} could not wait for late records; raise --memory to give them their time"
        ));
    }
    let oversize = records.rejected.get(&Reject::Oversize).copied().unwrap_or(0);
    if oversize > 0 {
        hints.push("records were longer than the limit; raise --record-limit to read them".to_owned());
    }
    // Another input may find a time and a subject where this one does not; it makes no bytes whole and no stamp right.
    let shapeless = [Reject::Malformed, Reject::NoTime, Reject::BadTime, Reject::NoSubject];
    let shapeless: u64 = shapeless.iter().filter_map(|reason| records.rejected.get(reason)).sum();
    if shapeless > 0 && shapeless == records.read {
        hints.push("nothing was recognised; name the input with --format".to_owned());
    }
    if summary.partial > 0 {
        let partial = counted(summary.partial, "record");
        hints.push(format!("{partial} held a part that could not be read; the rest of each was used"));
    }
    let met = summary.unknown_predicates.iter().filter(|(_, n)| **n > 0);
    for (rule, n) in met.clone().take(NAMED) {
        hints.push(format!("{} met a missing field or a wrong type {}", terminal(rule), counted(*n, "time")));
    }
    let more = met.count().saturating_sub(NAMED) as u64;
    if more > 0 {
        hints.push(format!("and so did {} more", counted(more, "rule")));
    }
    for (symptom, n) in summary.failed_detectors.iter().take(NAMED) {
        let on = counted(*n, "subject");
        hints.push(format!("the detector of {} failed on {on}, where it is unknown now", terminal(symptom)));
    }
    hints
}
