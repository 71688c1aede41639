//! The figures, for people.

use etiolog::output::{Page, Paint, bytes, count, number, terminal};

use crate::bench::figures::{Figures, Yard};
use crate::style::percent;

/// So many of the dearest rules are shown.
const HOTTEST: usize = 10;

/// All of it.
pub(super) fn show(figures: &Figures, page: &mut Page) {
    head(figures, page);
    yardsticks(figures, page);
    rows(figures, page);
    rules(figures, page);
    memory(figures, page);
}

fn head(figures: &Figures, page: &mut Page) {
    let whole = &figures.whole;
    let speed = format!(
        "{} records/s, {}/s, {} ns a record",
        count(whole.records_per_second as u64),
        bytes(whole.bytes_per_second as u64),
        number(whole.ns_per_record),
    );
    page.line(&[(Paint::Bold, &speed)]);
    let runs = match whole.runs {
        1 => "one run".to_owned(),
        runs => {
            format!("the median of {runs} runs ({} s to {} s)", number(whole.fastest), number(whole.slowest))
        }
    };
    let what = format!(
        "{} records ({} events that rules ask about), {}, {} subjects, {} diagnoses: {} s, {runs}.",
        count(figures.records),
        count(figures.events),
        bytes(figures.bytes),
        count(figures.subjects as u64),
        count(figures.diagnoses),
        number(whole.seconds),
    );
    page.line(&[(Paint::Plain, &what)]);
    let packs: Vec<String> = figures.packs.iter().map(|pack| terminal(pack).into_owned()).collect();
    let with = format!("{} with {}: {} symptoms.", figures.engine, packs.join(", "), figures.symptoms);
    page.line(&[(Paint::Dim, &with)]);
}

fn yardsticks(figures: &Figures, page: &mut Page) {
    page.gap();
    page.line(&[(Paint::Bold, "beside it, on the same bytes in the same process")]);
    for yard in &figures.yardsticks {
        let Yard { seconds, bytes_per_second, lines, ratio, .. } = yard;
        let what = match yard.yardstick {
            "lines" => "memchr counts the lines",
            _ => "serde_json parses each line",
        };
        page.verbatim(&format!(
            "  {what:<28} {:>9} s  {:>10}/s   the diagnosis takes {} × that ({} lines)",
            number(*seconds),
            bytes(*bytes_per_second as u64),
            number(*ratio),
            count(*lines),
        ));
    }
    if figures.yardsticks.len() < 2 {
        page.hanging("  ", &[(Paint::Dim, "serde_json has nothing to parse: most lines are not JSON")]);
    }
}

fn rows(figures: &Figures, page: &mut Page) {
    page.gap();
    page.line(&[(Paint::Bold, "where it goes, in nanoseconds a record")]);
    for row in &figures.rows {
        let about = match row.row {
            "read" => "files, decompressed",
            "frame" => "bytes cut into records",
            "decode" => "values found, and what they mean",
            "classify" => "event classes, with their expressions",
            "order" => "events put into the order of their times",
            "apply" => "whom an event is about, and who asks",
            "detect" => "what the symptoms' detectors do",
            _ => "episodes that end: causes weighed",
        };
        page.verbatim(&format!(
            "  {:<9} {:>9} {:>8}  {about}",
            row.row,
            number(row.ns_per_record),
            percent(hundredths(row.share)),
        ));
    }
    let sampling = &figures.sampling;
    let told = format!(
        "Timed for one in {} records, events and deadlines ({} in all) and scaled up; together {} of the whole.",
        sampling.one_in,
        count(sampling.sampled),
        percent(hundredths(sampling.told)),
    );
    page.hanging("  ", &[(Paint::Dim, &told)]);
}

fn rules(figures: &Figures, page: &mut Page) {
    page.gap();
    let title = match figures.rules.len() {
        0 => "no rule was asked about any record".to_owned(),
        1..=HOTTEST => "the rules, dearest first".to_owned(),
        all => format!("the dearest {HOTTEST} of {all} rules that were asked"),
    };
    page.line(&[(Paint::Bold, &title)]);
    if !figures.rules.is_empty() {
        let heads = ["ns/record", "share", "asked", "ns each"];
        page.verbatim(&format!("  {:>9} {:>8} {:>12} {:>8}", heads[0], heads[1], heads[2], heads[3]));
    }
    for rule in figures.rules.iter().take(HOTTEST) {
        let kind = if rule.kind == "class" { " (its `where`)" } else { "" };
        page.verbatim(&format!(
            "  {:>9} {:>8} {:>12} {:>8}  {}{kind}",
            number(rule.ns_per_record),
            percent(hundredths(rule.share)),
            count(rule.asked),
            number(rule.ns_each),
            terminal(&rule.id),
        ));
    }
}

fn memory(figures: &Figures, page: &mut Page) {
    page.gap();
    let Some(memory) = &figures.memory else {
        page.line(&[(Paint::Bold, "memory:"), (Paint::Plain, "this system does not say")]);
        return;
    };
    let each = memory.bytes_per_subject.map_or_else(String::new, |each| {
        format!("; grown by {} while reading, {} a subject", bytes(memory.grown_bytes), bytes(each))
    });
    let peak = format!("{} at most{each}", bytes(memory.peak_bytes));
    page.line(&[(Paint::Bold, "memory:"), (Paint::Plain, &peak)]);
}

/// No more than is known.
fn hundredths(share: f64) -> f64 {
    (share * 1_000.0).round() / 1_000.0
}
