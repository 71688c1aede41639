//! More subjects than memory: two million pumps that each fail once, and a few among them that really have something.
//!
//! ```text
//! cargo run --release --example flood -- [pumps] [memory in MiB]
//! ```
//!
//! It prints how many were forgotten, what became of the few, and the most memory the process has ever had, and fails when
//! one of the few was neither found nor marked.

#![allow(clippy::print_stdout, reason = "an example")]

use std::error::Error;
use std::time::Duration;

use etiolog::{Diagnosis, Engine, Event, Pack, Timestamp};

const PACK: &str = "etiolog: 1
pack: pumps
title: Pumps
version: '1'
subjects: [{name: plant, quiet: 1h}, {name: pump, in: plant, quiet: 3h}]
problem: {word: fail}
";

const RULES: &str = "etiolog: 1
article: wear
title: Wear
events:
  fail: {word: fail}
  start: {word: start}
symptoms:
  worn:
    title: It fails at a regular interval
    per: pump
    detect: {periodic: {event: fail, period: 10m..1h}}
  failed-often:
    title: It fails often
    per: pump
    detect: {count: {event: fail, at-least: 5, within: 3h}}
  down:
    title: It failed and did not start again
    per: pump
    detect: {sequence: [fail, {never: start}], within: 30m}
  many:
    title: Many fail at once
    per: plant
    detect: {surge: {event: fail, distinct: pump, bucket: 1m, at-least: 10}}
causes:
  bearing:
    title: A bearing is worn
    explains: {worn: almost-always, failed-often: usually, down: seldom}
    severity: error
    solutions: [change]
  power:
    title: The power was cut
    explains: {many: almost-always, down: usually}
    severity: warning
    solutions: [wait]
solutions:
  change: {do: Change the bearing}
  wait: {do: Wait for the power}
";

/// How many pumps have a worn bearing: these fail every twenty minutes.
const WORN: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let pumps: u64 = arguments.next().map_or(Ok(2_000_000), |n| n.parse())?;
    let memory: usize = arguments.next().map_or(Ok(192), |n| n.parse())?;
    let pack = Pack::from_texts([("pack.yaml", PACK), ("wear.yaml", RULES)]);
    let engine = Engine::builder().pack(pack).memory(memory << 20).build()?;
    let mut run = engine.run();
    let source = run.open("flood");
    // Six hours, whatever the number of pumps.
    let hours = Duration::from_secs(6 * 3600);
    let begin = Timestamp::from_seconds(1_772_582_400).ok_or("no such time")?;
    let event = |at: Timestamp, pump: &str| -> Event {
        engine.event(at).field("word", "fail").field("plant", "north").field("pump", pump).build()
    };
    let mut found: Vec<Diagnosis> = Vec::new();
    let mut diagnoses = 0_u64;
    let mut keep = |diagnosis: Diagnosis| {
        diagnoses += 1;
        if diagnosis.subject.id().starts_with("worn") {
            found.push(diagnosis);
        }
    };
    let mut beats = 0;
    for number in 0..pumps {
        let at = begin.plus(hours.mul_f64(number as f64 / pumps as f64));
        run.push(source, event(at, &format!("pump-{number:07}")));
        let due = at.since(begin).as_secs() / 1200;
        if due >= beats {
            (0..WORN).for_each(|worn| run.push(source, event(at, &format!("worn-{worn:02}"))));
            beats += 1;
        }
        if number % 1024 == 0 {
            run.drain().into_iter().for_each(&mut keep);
        }
    }
    let (rest, summary) = run.finish();
    rest.into_iter().for_each(&mut keep);
    let is_right = |diagnosis: &&Diagnosis| &*diagnosis.verdict == "wear#bearing";
    let named = |wanted: &dyn Fn(&Diagnosis) -> bool| {
        let mut names: Vec<&str> = found.iter().filter(|d| wanted(d)).map(|d| d.subject.id()).collect();
        names.sort_unstable();
        names.dedup();
        names.len() as u64
    };
    let right = named(&|diagnosis| is_right(&diagnosis));
    let told = named(&|diagnosis| is_right(&diagnosis) || diagnosis.incomplete);
    println!("{pumps} pumps, {memory} MiB");
    println!(
        "{} forgotten, {} events could not wait, {diagnoses} diagnoses",
        summary.evicted, summary.hurried
    );
    println!("of {WORN} worn pumps {right} found, {} marked as incomplete", told - right);
    if let Some(peak) = peak_memory() {
        println!("at most {peak} MiB");
    }
    if told == WORN && summary.records.balance() { Ok(()) } else { Err("a worn pump was lost".into()) }
}

/// The most memory that this process has ever had, in MiB, where the system says so.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? / 1024)
}
