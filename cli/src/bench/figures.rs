//! What is told of a measurement, for programs as it stands here.

use std::time::Duration;

use etiolog::detector::ClassId;
use etiolog::rule::Plan;
use etiolog::{Engine, Summary};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Value, json};

use crate::bench::sampler::{Account, Sampling, Spent};

/// What a log costs with these rules on this machine. Times are of the wall; every ratio is of two times of one process.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Figures {
    /// The program and its version.
    pub(crate) engine: String,
    /// The packs and their versions.
    pub(crate) packs: Vec<String>,
    /// How many symptoms their rules look for.
    pub(crate) symptoms: usize,
    /// How many sources were read side by side.
    pub(crate) sources: usize,
    /// How many records were read.
    pub(crate) records: u64,
    /// How many of them are events that some rule asks about.
    pub(crate) events: u64,
    /// How many bytes that is, decompressed.
    pub(crate) bytes: u64,
    /// How many subjects were known at the end.
    pub(crate) subjects: usize,
    /// How many diagnoses were made.
    pub(crate) diagnoses: u64,
    /// The whole diagnosis, from files to diagnoses; nothing is written.
    pub(crate) whole: Whole,
    /// Where the time of a record goes, in the order of the flow. Measured in runs of their own, see `sampling`.
    pub(crate) rows: Vec<Row>,
    /// The rules, dearest first: symptoms with their detectors and `when`, and classes with a `where`.
    pub(crate) rules: Vec<Rule>,
    /// How `rows` and `rules` were measured.
    pub(crate) sampling: Sampled,
    /// What was held in memory; missing where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Memory>,
    /// The same bytes, read by something else in the same process.
    pub(crate) yardsticks: Vec<Yard>,
}

/// The whole diagnosis.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Whole {
    /// How often it was run and timed.
    pub(crate) runs: usize,
    /// The median of these runs, in seconds.
    pub(crate) seconds: f64,
    /// The fastest of them.
    pub(crate) fastest: f64,
    /// The slowest of them.
    pub(crate) slowest: f64,
    /// Records a second, by the median.
    pub(crate) records_per_second: f64,
    /// Decompressed bytes a second, by the median.
    pub(crate) bytes_per_second: f64,
    /// Nanoseconds a record, by the median.
    pub(crate) ns_per_record: f64,
}

/// A row of the flow.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Row {
    /// Its name: `read`, `frame`, `decode`, `classify`, `order`, `apply`, `detect`, `diagnose`.
    pub(crate) row: &'static str,
    /// Nanoseconds for each record of the log.
    pub(crate) ns_per_record: f64,
    /// Its share of all rows.
    pub(crate) share: f64,
}

/// What one rule costs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Rule {
    /// `article#symptom` or `article#class`.
    pub(crate) id: String,
    /// `symptom`: its detector and what follows from it; `class`: its `where`.
    pub(crate) kind: &'static str,
    /// How often it was asked: events and deadlines of all subjects, in one run.
    pub(crate) asked: u64,
    /// Nanoseconds each time.
    pub(crate) ns_each: f64,
    /// Nanoseconds for each record of the log.
    pub(crate) ns_per_record: f64,
    /// Its share of all rows.
    pub(crate) share: f64,
}

/// How rows and rules were measured: the clock is read at each change of row, for some records, events and deadlines that
/// are drawn by chance, and what is found is scaled up. Reading and diagnosing are always timed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Sampled {
    /// How many runs were measured so.
    pub(crate) runs: usize,
    /// One in so many, on average.
    pub(crate) one_in: u64,
    /// How many records, events and deadlines there were in all these runs.
    pub(crate) turns: u64,
    /// For how many of them the clock was read.
    pub(crate) sampled: u64,
    /// What noting one change of row takes, most of it reading the clock, in nanoseconds; it is taken off.
    pub(crate) clock_ns: f64,
    /// All rows together, as a multiple of the whole diagnosis: how far what is told of rows may be wrong.
    pub(crate) told: f64,
}

/// Memory of the process, as the system counts it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Memory {
    /// The most that the process held in a whole diagnosis, with the rules and the program.
    pub(crate) peak_bytes: u64,
    /// How much it grew while reading.
    pub(crate) grown_bytes: u64,
    /// That, for each subject: also what waits to be told and what is known of levels above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_per_subject: Option<u64>,
}

/// A yardstick.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Yard {
    /// `lines`: their ends are counted by memchr; `json`: each line is parsed by serde_json into a value.
    pub(crate) yardstick: &'static str,
    /// The median, in seconds.
    pub(crate) seconds: f64,
    /// Decompressed bytes a second.
    pub(crate) bytes_per_second: f64,
    /// How many lines it has found.
    pub(crate) lines: u64,
    /// How many times as long the whole diagnosis takes: the median of the ratios of each round.
    pub(crate) ratio: f64,
}

/// What was measured, before it is put into figures.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) sources: usize,
    pub(super) subjects: usize,
    pub(super) diagnoses: u64,
    pub(super) summary: Summary,
    pub(super) memory: Option<(u64, u64)>,
    /// Of each round.
    pub(super) whole: Vec<Duration>,
    pub(super) lines: (u64, Vec<Duration>),
    /// Lines that are JSON; none when too few are.
    pub(super) json: Option<(u64, Vec<Duration>)>,
    pub(super) sampling: Sampling,
    pub(super) account: Account,
}

impl Figures {
    pub(super) fn of(engine: &Engine, measured: &Measured) -> Self {
        let Measured { summary, account, sampling, .. } = measured;
        let (begin, plan) = (engine.begin(), engine.plan());
        let records = summary.records.read;
        let runs = measured.whole.len();
        let seconds = ascending(measured.whole.iter().map(Duration::as_secs_f64));
        let whole = Whole {
            runs,
            seconds: digits(median(&seconds)),
            fastest: digits(seconds.first().copied().unwrap_or_default()),
            slowest: digits(seconds.last().copied().unwrap_or_default()),
            records_per_second: digits(records as f64 / median(&seconds)),
            bytes_per_second: digits(summary.bytes as f64 / median(&seconds)),
            ns_per_record: digits(median(&seconds) * 1e9 / records as f64),
        };
        let each = |ns: f64| ns / runs as f64 / records as f64;
        let rows = rows(account);
        let all: f64 = rows.iter().map(|(_, ns)| ns).sum();
        let row = |(row, ns): (&'static str, f64)| Row {
            row,
            ns_per_record: digits(each(ns)),
            share: digits(ns / all),
        };
        let sampled = Sampled {
            runs,
            one_in: sampling.one_in,
            turns: account.turns,
            sampled: account.sampled,
            clock_ns: digits(sampling.clock),
            told: digits(each(all) / (median(&seconds) * 1e9 / records as f64)),
        };
        let memory = measured.memory.map(|(peak, grown)| Memory {
            peak_bytes: peak,
            grown_bytes: grown,
            bytes_per_subject: grown.checked_div(measured.subjects as u64),
        });
        let yard = |(yardstick, lines, times): (&'static str, u64, &[Duration])| {
            let seconds = ascending(times.iter().map(Duration::as_secs_f64));
            let pairs = measured.whole.iter().zip(times);
            let ratios = ascending(pairs.map(|(whole, yard)| whole.as_secs_f64() / yard.as_secs_f64()));
            Yard {
                yardstick,
                seconds: digits(median(&seconds)),
                bytes_per_second: digits(summary.bytes as f64 / median(&seconds)),
                lines,
                ratio: digits(median(&ratios)),
            }
        };
        let lines = std::iter::once(("lines", measured.lines.0, &*measured.lines.1));
        let json = measured.json.iter().map(|(lines, times)| ("json", *lines, &**times));
        Self {
            engine: begin.engine.to_string(),
            packs: begin.packs.iter().map(ToString::to_string).collect(),
            symptoms: plan.symptoms().len(),
            sources: measured.sources,
            records,
            events: summary.records.decoded,
            bytes: summary.bytes,
            subjects: measured.subjects,
            diagnoses: measured.diagnoses,
            whole,
            rows: rows.into_iter().map(row).collect(),
            rules: rules(plan, account, runs, records, all),
            sampling: sampled,
            memory,
            yardsticks: lines.chain(json).map(yard).collect(),
        }
    }
}

/// The rows, with the nanoseconds of all runs.
fn rows(account: &Account) -> Vec<(&'static str, f64)> {
    let sum = |spent: &[Spent]| spent.iter().map(|spent| spent.ns).sum::<f64>();
    vec![
        ("read", account.read),
        ("frame", account.frame),
        ("decode", account.decode),
        ("classify", account.classify + sum(&account.predicates)),
        ("order", account.order),
        ("apply", account.apply),
        ("detect", sum(&account.symptoms)),
        ("diagnose", account.diagnose),
    ]
}

/// Every rule that was asked, dearest first.
fn rules(plan: &Plan, account: &Account, runs: usize, records: u64, all: f64) -> Vec<Rule> {
    let symptoms = account
        .symptoms
        .iter()
        .enumerate()
        .filter_map(|(at, spent)| Some((plan.symptoms().get(at)?.id.to_string(), "symptom", spent)));
    let classes = account.predicates.iter().enumerate().filter_map(|(at, spent)| {
        Some((plan.class_name(ClassId(u32::try_from(at).ok()?))?.to_string(), "class", spent))
    });
    let mut rules: Vec<_> = symptoms.chain(classes).filter(|(_, _, spent)| spent.calls > 0).collect();
    rules.sort_by(|(a, _, x), (b, _, y)| y.ns.total_cmp(&x.ns).then_with(|| a.cmp(b)));
    let rule = |(id, kind, spent): (String, &'static str, &Spent)| Rule {
        id,
        kind,
        asked: spent.calls / runs as u64,
        ns_each: digits(spent.ns / spent.calls as f64),
        ns_per_record: digits(spent.ns / runs as f64 / records as f64),
        share: digits(spent.ns / all),
    };
    rules.into_iter().map(rule).collect()
}

fn ascending(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// The one in the middle of sorted numbers, or between the two.
fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    let at = |at: usize| sorted.get(at).copied().unwrap_or_default();
    if sorted.len().is_multiple_of(2) { (at(half.saturating_sub(1)) + at(half)) / 2.0 } else { at(half) }
}

/// Four digits: the rest is noise.
fn digits(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return 0.0;
    }
    format!("{x:.3e}").parse().unwrap_or(x)
}

/// The schema (draft 2020-12) of the one line of `bench -o json`.
pub(crate) fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut line = generator.subschema_for::<Figures>().to_value();
    if let Some(map) = line.as_object_mut() {
        map.insert("type".to_owned(), json!("object"));
        map.insert(
            "properties".to_owned(),
            json!({"type": {"const": "bench"}, "schema": {"const": "etiolog/1"}}),
        );
        map.insert("required".to_owned(), json!(["type", "schema"]));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What a log costs",
        "description": "The output of `etiolog bench --output json`: one object on one line. Keys may be added under the same \
                        version; readers pass over those that they do not know.",
        "oneOf": [line],
        "$defs": generator.take_definitions(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(median(&[1.0, 2.0, 9.0]), 2.0);
        assert_eq!(median(&[1.0, 2.0]), 1.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn four_digits_are_kept() {
        assert_eq!(digits(123_456.0), 123_500.0);
        assert_eq!(digits(0.012_345_6), 0.01235);
        assert_eq!(digits(f64::NAN), 0.0);
    }
}
