//! How often the shipped knowledge is right, held against fleets in which it is known what is the matter.
//!
//! ```text
//! cargo run --release --example accuracy -- [--quick] [--seeds N] [--only FLEET] [--rules DIR] [--wrong] [--write]
//! ```
//!
//! Every fleet of `rules/azure-iot-hub/fleets/` is simulated with several seeds, spoiled in several ways, and diagnosed
//! through the public API. `--rules` takes knowledge and fleets from a folder, so that a changed rule is measured without
//! a build. `--only mix` measures the calibration alone. `--write` puts the tables into `docs/accuracy.md`; `--wrong`
//! lists what was missed and what fills the bins of the calibration, to learn from it. The exit code is 1 when a floor is
//! broken. `--quick` takes one seed and smaller healthy fleets and measures no delays, for every change.

#![allow(clippy::print_stdout, reason = "its tables are what it is for")]

mod arrived;
mod calibration;
mod healthy;
mod report;
mod score;
mod stage;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use etiolog::Pack;
use etiolog::simulate::Fleets;

use calibration::Calibration;
use score::Score;
use stage::{PlayError, Stage, WAYS, Way};

/// The mix of causes whose frequencies are their priors.
const MIX: &str = "mix";

/// What is asked for.
struct Asked {
    quick: bool,
    seeds: u64,
    only: Option<String>,
    rules: Option<String>,
    wrong: bool,
    write: bool,
}

fn main() -> Result<ExitCode, PlayError> {
    let asked = asked()?;
    let pack = match &asked.rules {
        Some(folder) => Pack::load(folder)?,
        None => Pack::shipped("azure-iot-hub")?,
    };
    let fleets = Fleets::of(&pack)?;
    let stage = Stage::new(&pack, &fleets, !asked.quick)?;

    let names: Vec<&str> = fleets
        .list()
        .filter(|fleet| !fleet.causes.is_empty())
        .map(|fleet| fleet.name)
        .filter(|name| asked.only.as_deref().is_none_or(|only| *name == only))
        .collect();
    let only_mix = asked.only.as_deref() == Some(MIX);
    if let (Some(only), true, false) = (&asked.only, names.is_empty(), only_mix) {
        return Err(format!("no fleet `{only}` in which something is the matter").into());
    }
    let jobs: Vec<(Way, &str, u64)> = WAYS
        .iter()
        .flat_map(|&way| {
            names.iter().flat_map(move |&name| (1..=asked.seeds).map(move |seed| (way, name, seed)))
        })
        .collect();
    let mut scores: Vec<Score> = WAYS.iter().map(|_| Score::default()).collect();
    let played = side_by_side(&jobs, |(way, name, seed)| stage.play(name, *seed, *way, None));
    for ((way, name, seed), played) in jobs.iter().zip(played) {
        let Some(score) = scores.get_mut(*way as usize) else { continue };
        let misses = score.add(&played?);
        if asked.wrong {
            for (what, (count, first)) in misses {
                println!("{} · {name} · {what} · {count} times, first {first} (seed {seed})", way.name());
            }
        }
    }

    let (mut calibrations, mut healthy) = (Vec::new(), Vec::new());
    if asked.only.is_none() || only_mix {
        for way in if asked.quick { vec![Way::Plain] } else { vec![Way::Plain, Way::All] } {
            let seeds: Vec<u64> = (1..=if asked.quick { 1 } else { asked.seeds * 3 }).collect();
            let mut calibration = Calibration::default();
            for played in side_by_side(&seeds, |seed| stage.play_apart(MIX, *seed, way)) {
                played?.iter().for_each(|hub| calibration.add(hub));
            }
            if asked.wrong {
                calibration.lines().for_each(|line| println!("{} · {line}", way.name()));
            }
            calibrations.push((way, calibration));
        }
    }
    if asked.only.is_none() {
        healthy = healthy::rows(&stage, asked.quick)?;
    }

    let report = report::Report {
        seeds: asked.seeds,
        scores: &scores,
        calibrations: &calibrations,
        healthy: &healthy,
    };
    let text = report.text();
    println!("{text}");
    if asked.write {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/accuracy.md");
        fs::write(path, &text)?;
    }
    let broken = report.broken();
    broken.iter().for_each(|floor| println!("broken: {floor}"));
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn asked() -> Result<Asked, PlayError> {
    let mut asked = Asked { quick: false, seeds: 3, only: None, rules: None, wrong: false, write: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => (asked.quick, asked.seeds) = (true, 1),
            "--seeds" => asked.seeds = words.next().ok_or("`--seeds` needs a number")?.parse()?,
            "--only" => asked.only = Some(words.next().ok_or("`--only` needs a fleet")?),
            "--rules" => asked.rules = Some(words.next().ok_or("`--rules` needs a folder")?),
            "--wrong" => asked.wrong = true,
            "--write" => asked.write = true,
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    Ok(asked)
}

/// Does all jobs on all processors; the results come in the order of the jobs.
pub(crate) fn side_by_side<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { break };
                    let result = work(job);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
