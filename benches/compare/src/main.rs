//! Etiolog beside other programs: the same log, the same question, and what each of them takes.
//!
//! Every measured thing is a process of its own; libraries are measured as this program called with `within`.

mod answer;
mod contender;
mod growth;
mod log;
mod measure;
mod python;
mod report;
mod within;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use answer::Answer;
use contender::Contender;
use log::{Etiolog, Log, Logs};
use measure::Run;

const USAGE: &str = "usage: etiolog-compare [OPTIONS]

  --size SIZE      how large the log is: 64MiB, 1GiB [default: 1GiB]
  --runs N         how often each is measured; the median counts [default: 3]
  --only WORD      only those whose name has this word, beside the whole diagnosis; may be said again
  --growth         also cost against bytes, subjects, rules and windows
  --etiolog FILE   measure this program instead of building that of the checkout
  --write          write the figures into docs/performance.md
  --keep           leave the logs in target/compare/logs";

struct Options {
    size: u64,
    runs: usize,
    only: Vec<String>,
    growth: bool,
    etiolog: Option<PathBuf>,
    write: bool,
    keep: bool,
}

fn options(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        size: 1 << 30,
        runs: 3,
        only: Vec::new(),
        growth: false,
        etiolog: None,
        write: false,
        keep: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n\n{USAGE}"));
        match word.as_str() {
            "--size" => {
                let text = value()?;
                options.size = log::bytes(&text).ok_or_else(|| format!("`{text}` is no size\n\n{USAGE}"))?;
            }
            "--runs" => {
                let text = value()?;
                let runs = text.parse().ok().filter(|runs| *runs > 0);
                options.runs = runs.ok_or_else(|| format!("`{text}` is no number of runs\n\n{USAGE}"))?;
            }
            "--only" => options.only.push(value()?.to_lowercase()),
            "--etiolog" => options.etiolog = Some(value()?.into()),
            "--growth" => options.growth = true,
            "--write" => options.write = true,
            "--keep" => options.keep = true,
            _ => return Err(format!("unknown option `{word}`\n\n{USAGE}")),
        }
    }
    Ok(options)
}

/// One row of the table: who, and what came of measuring it.
struct Measured {
    who: Contender,
    runs: Result<Vec<Run>, String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        [within, work, log] if within == "within" => {
            within::work(work, Path::new(log)).map_err(|error| error.to_string()).and_then(|answer| {
                let text = serde_json::to_string(&answer).map_err(|error| error.to_string())?;
                println!("{text}");
                Ok(true)
            })
        }
        _ => options(words.into_iter()).and_then(compare),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all that should agree do.
fn compare(options: Options) -> Result<bool, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().map_err(|error| format!("the checkout: {error}"))?;
    let folder = root.join("target/compare/logs");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let etiolog = Etiolog::of(&root, options.etiolog.clone())?;
    let publish = |name: &str, text: String| {
        println!("{text}");
        if options.write { report::write(&root.join("docs/performance.md"), name, &text) } else { Ok(()) }
    };
    let (table, agreed) = peers(&options, &etiolog, &folder)?;
    publish("peers", table)?;
    if options.growth {
        publish("growth", growth::measure(&etiolog, &folder, options.size)?)?;
    }
    if !options.keep {
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(agreed)
}

/// Measures everyone on the same logs. The table, and whether all agree.
fn peers(options: &Options, etiolog: &Etiolog, folder: &Path) -> Result<(String, bool), String> {
    let logs = Logs::make(etiolog, folder, options.size)?;
    let truth = |log: &Log| {
        let run =
            measure::run(&mut contender::within("question", log), &folder.join("truth"), Answer::printed);
        run.map(|run| run.answer)
    };
    let (large, small) = (truth(&logs.large)?, truth(&logs.small)?);
    let mut rows: Vec<Measured> = contender::all(etiolog, &logs)
        .into_iter()
        .filter(|who| who.yardstick || who.is_one_of(&options.only))
        .map(|who| Measured { runs: who.how.as_ref().map(|_| Vec::new()).map_err(Clone::clone), who })
        .collect();
    // In rounds, so that what slows the machine for a while slows all of them.
    for round in 1..=options.runs {
        for row in &mut rows {
            let (Ok(how), Ok(runs)) = (&row.who.how, &mut row.runs) else { continue };
            eprintln!("round {round} of {}: {}", options.runs, row.who.name);
            match measure::run(&mut how.command(), &folder.join("out"), how.read) {
                Ok(run) => runs.push(run),
                Err(error) => row.runs = Err(error),
            }
        }
    }
    let peers = report::Peers { rows: &rows, large: &large, small: &small, logs: &logs };
    let text = peers.text(&report::Machine::this(etiolog), options.runs)?;
    let agreed = peers.agreed();
    if !options.keep {
        logs.remove();
    }
    Ok((text, agreed))
}
