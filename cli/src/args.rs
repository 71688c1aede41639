//! The words of the command line.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use etiolog::{Severity, Timestamp};

/// Feed it logs; it says what is wrong, why, how sure it is, what to do, and which lines say so.
#[derive(Debug, Parser)]
#[command(name = "etiolog", version, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Read logs and say what is wrong
    #[command(visible_alias = "d", after_help = EXIT_CODES)]
    Diagnose(Diagnose),
    /// Show an article, or one symptom, cause, solution or section of it; or trace why logs show a symptom or not
    #[command(after_help = EXAMPLES)]
    Explain(Explain),
    /// List what the rules know
    Rules(Rules),
    /// Play the cases of the rules: what must come, and what must not
    #[command(after_help = TEST_EXIT_CODES)]
    Test(Test),
    /// Write the scaffold of a pack, an article or a symptom, empty or from what a log holds
    #[command(after_help = NEW_EXAMPLES)]
    New(New),
    /// Print the JSON Schema of a file that is written, or of what `diagnose -o json` writes
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema(Schema),
    /// Look for what is wrong with packs: rules, articles and how they fit
    #[command(after_help = CHECK_CODES)]
    Check(Check),
    /// Write the logs of labelled fleets, and what is truly the matter in them
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(Simulate),
    /// Measure what your logs cost with your rules: speed, where the time goes, which rules take it, memory
    #[command(after_help = BENCH_MEANING)]
    Bench(Bench),
}

impl Verb {
    /// Whether stdout is read by programs: then they are told of faults in rules there.
    pub(crate) fn is_for_programs(&self) -> bool {
        match self {
            Self::Diagnose(asked) => asked.output == "json",
            Self::Explain(_) | Self::New(_) | Self::Schema(_) | Self::Simulate(_) => false,
            Self::Rules(asked) => asked.output == Listing::Json,
            Self::Test(asked) => asked.output == Listing::Json,
            Self::Check(asked) => asked.output == Listing::Json,
            Self::Bench(asked) => asked.output == Listing::Json,
        }
    }
}

const EXIT_CODES: &str = "Exit codes:
  0    done
  1    a diagnosis is at or over --fail-on, or --self-check found a difference
  2    wrong usage, settings or rules; output that cannot be written
  3    finished, but a part of the input could not be read
  130  interrupted (SIGINT), 143  asked to end (SIGTERM): what was known by then is written; a second signal ends at
       once";

const TEST_EXIT_CODES: &str = "Exit codes:
  0  all cases passed
  1  a case failed, no case was found, or the cases see too little of the rules
  2  wrong usage or rules; output that cannot be written";
const CHECK_CODES: &str = "Exit codes:
  0    no problem
  1    a problem was found
  2    wrong usage, or rules that cannot be read

rules/README.md lists every kind of problem.";

const EXAMPLES: &str = "Examples:
  etiolog explain 404104                      an article, by its id or another name
  etiolog explain 401003#sas-token-expired    a part of it, as diagnoses name it
  etiolog rules                               all ids
  etiolog explain 404104#irregular-drops --trace device=d1 logs/
                                              why the logs of one device show the symptom, or what is missing";

const NEW_EXAMPLES: &str = "Examples:
  etiolog new pack pumps                           an empty pack in the folder pumps
  etiolog new pack pumps --from controller.log     one that reads this log, with classes and a first symptom
  etiolog new article 700 --in pumps --from a.log  another rule file and its article
  etiolog new symptom 700#often-tripped            lines to paste into pumps/700.yaml";

const SCHEMA_EXAMPLES: &str = "Examples:
  etiolog schema diagnosis > diagnosis.v1.json    the lines of `diagnose -o json`";

const SIMULATE_EXAMPLES: &str = "Examples:
  etiolog simulate --list                              what there is
  etiolog simulate 500xxx-transient-hub-fault --seed 7 --truth truth.jsonl > hub.jsonl
  etiolog simulate mix --devices 10000 --loss 10% --disorder 5m --duplicates 5% -O degraded.jsonl
  etiolog simulate healthy-mixed --devices 100000 --size 10GiB -O corpus.jsonl

docs/simulate.md says how to write a fleet.";

const BENCH_MEANING: &str = "What the figures mean:

The logs are diagnosed once to see what that takes in memory, and then --runs times to be timed: from files, which are in \
the system's cache by then, to diagnoses, of which nothing is written. Each round also runs the yardsticks, which read the \
same files the same way, so that the ratios to them mean something on another machine. All is on one thread; with -j the \
whole diagnosis is on more, and nothing else is.

Rows and rules are timed in further runs, one in each round: the clock is read where one row gives way to the next, for \
some records, events and deadlines drawn by chance, and what is found is scaled up. What reading the clock takes is taken \
off; calls of less than about 10 ns are told too dear all the same. `together` says how all rows compare with the whole. \
The other runs do not look at the clock.

A rule's figure is the time in its detector and what follows from it, or in the `where` of a class; what all rules share \
(reading, decoding, classes without expressions) is in the rows. docs/bench.md says more.

Exit codes:
  0    measured
  2    wrong usage, settings or rules; no record to measure; output that cannot be written
  3    measured, but a part of the input could not be read
  130  interrupted (SIGINT), 143  asked to end (SIGTERM): nothing is told";

/// What `etiolog schema` describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Described {
    /// A rule file
    Article,
    /// `pack.yaml`
    Pack,
    /// A file in `inputs/`
    Input,
    /// A file in `tables/`
    Table,
    /// The lines that `diagnose -o json` writes
    Diagnosis,
    /// The line that `bench -o json` writes
    Bench,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Schema {
    /// Which file
    #[arg(value_name = "KIND", value_enum)]
    pub(crate) kind: Described,
}

#[derive(Debug, clap::Args)]
pub(crate) struct New {
    #[command(subcommand)]
    pub(crate) what: Scaffold,
}

/// What `etiolog new` writes.
#[derive(Debug, Subcommand)]
pub(crate) enum Scaffold {
    /// A pack in a folder of its own: how to read a log, a first article and its rules
    Pack {
        /// The pack's name, and the folder that is made
        #[arg(value_name = "NAME")]
        name: PathBuf,
        /// A log to learn from: fields, events and a first symptom are proposed from what it holds
        #[arg(long, value_name = "LOG")]
        from: Option<PathBuf>,
    },
    /// A rule file and its article, in a pack
    Article {
        /// The article's id: what its rule file is called
        #[arg(value_name = "ID")]
        id: String,
        /// The pack's folder
        #[arg(long = "in", value_name = "FOLDER", default_value = ".")]
        folder: PathBuf,
        /// A log to learn from
        #[arg(long, value_name = "LOG")]
        from: Option<PathBuf>,
    },
    /// A symptom, its cause, solution and cases, to be pasted into an article's rule file
    Symptom {
        /// Which article, and what the symptom shall be called
        #[arg(value_name = "ARTICLE#SYMPTOM")]
        id: String,
        /// The pack's folder
        #[arg(long = "in", value_name = "FOLDER", default_value = ".")]
        folder: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// `article` or `article#part`; codes and other names of an article will do. May be left out with --trace
    #[arg(value_name = "ID", required_unless_present = "trace")]
    pub(crate) id: Option<String>,

    /// Read logs, and say of this subject of theirs why each symptom is there or not: `device=d1`, `hub=h1,device=d1`
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) trace: Option<String>,

    /// The trace as it stood at this time [default: at the end of the logs]
    #[arg(long, value_name = "STAMP", value_parser = parse_stamp, requires = "trace")]
    pub(crate) at: Option<Timestamp>,

    /// How to write the trace
    #[arg(short, long, value_name = "NAME", value_enum, default_value_t = Listing::Text, requires = "trace")]
    pub(crate) output: Listing,

    #[command(flatten)]
    pub(crate) logs: Logs,

    /// A shipped pack by name, a pack's folder, or a rule file or article to add to them [default: all shipped packs]
    #[arg(short, long, value_name = "PACK|PATH")]
    pub(crate) rules: Vec<String>,

    #[command(flatten)]
    pub(crate) facts: Facts,
}

/// What is known better about one's own site than the tables of a pack say.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Facts {
    /// Set a fact of a pack's tables for this site: --set timing.gone=30m; `etiolog rules` lists them
    #[arg(long, value_name = "TABLE.FACT=VALUE")]
    pub(crate) set: Vec<String>,

    /// A YAML file that sets facts: `timing: {gone: 30m}`; what --set says comes after it
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rules {
    /// A shipped pack by name, a pack's folder, or a rule file to add to them [default: all shipped packs]
    #[arg(short, long, value_name = "PACK|PATH")]
    pub(crate) rules: Vec<String>,

    #[command(flatten)]
    pub(crate) facts: Facts,

    /// How to write the list
    #[arg(short, long, value_name = "NAME", value_enum, default_value_t = Listing::Text)]
    pub(crate) output: Listing,
}

/// How rules and traces are written.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// A shipped pack by name, a pack's folder, or a rule file or article to add to them [default: all shipped packs]
    #[arg(value_name = "PACK|PATH")]
    pub(crate) rules: Vec<String>,

    #[command(flatten)]
    pub(crate) facts: Facts,

    /// Say what the rules cost: fields to extract, time and bytes to remember, expressions to interpret
    #[arg(long)]
    pub(crate) cost: bool,

    /// How to write what is found
    #[arg(short, long, value_name = "NAME", value_enum, default_value_t = Listing::Text)]
    pub(crate) output: Listing,
}

/// Which fleets are simulated, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Simulate {
    /// Fleets and mixes by name
    #[arg(value_name = "FLEET", required_unless_present = "list")]
    pub(crate) fleets: Vec<String>,

    /// List fleets with their causes, and the shapes in which they can be written
    #[arg(long, conflicts_with = "fleets")]
    pub(crate) list: bool,

    /// A shipped pack by name, or a pack's folder [default: all shipped packs]
    #[arg(short, long, value_name = "PACK|PATH")]
    pub(crate) rules: Vec<String>,

    /// The same seed makes the same bytes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// About so many subjects in all [default: as the fleets say]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) devices: Option<u64>,

    /// How long it runs [default: as the fleets say]
    #[arg(long = "for", value_name = "SPAN", value_parser = parse_span)]
    pub(crate) span: Option<Duration>,

    /// When it begins [default: as the fleets say]
    #[arg(long, value_name = "STAMP", value_parser = parse_stamp)]
    pub(crate) from: Option<Timestamp>,

    /// The shape of the records [default: resource-log]
    #[arg(long, value_name = "NAME")]
    pub(crate) shape: Option<String>,

    /// The share of records that never arrive: 10%
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "0%")]
    pub(crate) loss: f64,

    /// The share of records that arrive twice
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "0%")]
    pub(crate) duplicates: f64,

    /// Records arrive up to so much late, and so out of order
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) disorder: Option<Duration>,

    /// One record of a hundred arrives up to so much late
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) late: Option<Duration>,

    /// The stamps of each subject are wrong by up to so much, either way
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) skew: Option<Duration>,

    /// End when about so much is written: 64MiB, 10GiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) size: Option<usize>,

    /// Write to this file what is truly the matter, as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,

    /// Write the records to this file instead of stdout
    #[arg(short = 'O', long = "output-file", visible_alias = "output", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How rules are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Listing {
    /// For people
    Text,
    /// JSON Lines
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// A shipped pack by name, a pack's folder, or a rule file to add to them [default: all shipped packs]
    #[arg(value_name = "PACK|PATH")]
    pub(crate) rules: Vec<String>,

    #[command(flatten)]
    pub(crate) facts: Facts,

    /// Only the cases that have this in `article: name`
    #[arg(long, value_name = "TEXT")]
    pub(crate) run: Option<String>,

    /// The least share of conditions to be seen holding and not holding [default: 100, or none with --run]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100))]
    pub(crate) threshold: Option<u64>,

    /// Write the results as JUnit XML too
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,

    /// How to write the results
    #[arg(short, long, value_name = "NAME", value_enum, default_value_t = Listing::Text)]
    pub(crate) output: Listing,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Diagnose {
    #[command(flatten)]
    pub(crate) logs: Logs,

    /// A shipped pack by name, a pack's folder, or a rule file to add to them [default: all shipped packs]
    #[arg(short, long, value_name = "PACK|PATH")]
    pub(crate) rules: Vec<String>,

    #[command(flatten)]
    pub(crate) facts: Facts,

    /// How to write the diagnoses: text or json
    #[arg(short, long, value_name = "NAME", default_value = "text")]
    pub(crate) output: String,

    /// Exit with 1 when a diagnosis is this severe or worse
    #[arg(long, value_name = "SEVERITY", value_parser = severities())]
    pub(crate) fail_on: Option<Severity>,

    /// Hold the engine against its slow reference evaluator on the first events, and say on stderr where they differ
    #[arg(long, value_name = "EVENTS", num_args = 0..=1, require_equals = true, default_missing_value = "100000", conflicts_with = "follow")]
    pub(crate) self_check: Option<u64>,

    /// No progress and no notes on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Read to the end and go on as the logs grow, are rotated or new ones come; says what opens, changes and is over
    ///
    /// Files are looked at every 200 ms, less often where that takes long. docs/follow.md says what becomes of files that
    /// are renamed, cut off, copied, removed or compressed.
    #[arg(short, long, conflicts_with_all = ["complete", "self_check"])]
    pub(crate) follow: bool,

    /// A source that brings nothing for so long no longer holds the others back: 30s, 5m [default: 1m]
    #[arg(long, value_name = "SPAN", value_parser = parse_span, requires = "follow")]
    pub(crate) idle: Option<Duration>,

    /// Keep in this folder where the reading stops, and go on from there the next time
    #[arg(long, value_name = "DIR", conflicts_with_all = ["complete", "self_check"])]
    pub(crate) state: Option<PathBuf>,

    /// Write the diagnoses to this file; with --state nothing is written twice, however a run was ended
    #[arg(short = 'O', long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(crate) logs: Logs,

    /// The same as naming PATH: files or directories to be measured
    #[arg(short, long, value_name = "PATH")]
    pub(crate) input: Vec<PathBuf>,

    /// A shipped pack by name, a pack's folder, or a rule file or article to add to them [default: all shipped packs]
    #[arg(short, long, value_name = "PACK|PATH")]
    pub(crate) rules: Vec<String>,

    #[command(flatten)]
    pub(crate) facts: Facts,

    /// How many rounds are measured; the figures are medians, of rows and rules the mean
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = parse_runs)]
    pub(crate) runs: usize,

    /// How to write the figures
    #[arg(short, long, value_name = "NAME", value_enum, default_value_t = Listing::Text)]
    pub(crate) output: Listing,
}

/// Which logs are read, and how.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Logs {
    /// Files, directories, quoted patterns, or `-` for stdin (the default in a pipe); gzip and zstd are read as they are
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Which of the pack's inputs describes the logs [default: found out by looking]
    #[arg(long, value_name = "NAME")]
    pub(crate) format: Option<String>,

    /// How far records may be out of order: 90s, 15m, 1h30m [default: 15m]
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) lateness: Option<Duration>,

    /// The time at which the logs were taken; records beyond it count as future [default: now]
    #[arg(long, value_name = "STAMP", value_parser = parse_stamp)]
    pub(crate) as_of: Option<Timestamp>,

    /// The logs are complete: what had not happened by their end did not happen
    #[arg(long)]
    pub(crate) complete: bool,

    /// The longest record that is read, in bytes
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(64..=1 << 30))]
    pub(crate) record_limit: Option<u64>,

    /// How much may be remembered: 256MiB, 4GiB; what is forgotten is said [default: 2GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory: Option<usize>,

    /// Threads that read: the answer is the same for any number [default: as many as there are cores]
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
}

impl Logs {
    /// Whether nothing was said.
    pub(crate) fn is_default(&self) -> bool {
        let Self { paths, format, lateness, as_of, complete, record_limit, memory, threads } = self;
        let limits = lateness.is_none() && as_of.is_none() && record_limit.is_none() && memory.is_none();
        paths.is_empty() && format.is_none() && limits && !complete && threads.is_none()
    }

    /// How many threads read, the program's own among them.
    pub(crate) fn threads(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, NonZero::get);
        self.threads.map_or_else(cores, usize::from)
    }
}

fn severities() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(Severity::ALL.map(Severity::word))
        .try_map(|word| Severity::from_word(&word).ok_or("no such severity"))
}

fn parse_stamp(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("not a time between 1970 and 2262 such as 2026-03-04T08:22:05Z")
}

/// `64MiB`, `2GiB`, or bytes.
fn parse_size(text: &str) -> Result<usize, &'static str> {
    const FORM: &str = "not a size such as 256MiB or 2GiB";
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("", 0)];
    let found = units.iter().find_map(|&(unit, bits)| Some((text.strip_suffix(unit)?, bits)));
    let (number, bits) = found.ok_or(FORM)?;
    let number: usize = number.parse().map_err(|_| FORM)?;
    number
        .checked_mul(1 << bits)
        .filter(|&bytes| bytes >= 1 << 20)
        .ok_or("at least 1MiB, and no more than there is")
}

/// A handful of runs.
fn parse_runs(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|runs| (1..=1_000).contains(runs)).ok_or("not a number from 1 to 1000")
}

/// `10%` or `0.1`.
fn parse_share(text: &str) -> Result<f64, &'static str> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    share.ok().filter(|share| (0.0..=1.0).contains(share)).ok_or("not a share such as 10% or 0.1")
}

/// `90s`, `15m`, `1h30m`, `2d`, `0`.
fn parse_span(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "not a span such as 90s, 15m, 1h30m or 2d";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| FORM)?;
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let unit = match unit {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3_600),
            "d" => Duration::from_secs(86_400),
            _ => return Err(FORM),
        };
        let part = u32::try_from(number).ok().and_then(|n| unit.checked_mul(n)).ok_or("too long a span")?;
        total = total.checked_add(part).ok_or("too long a span")?;
        rest = tail;
    }
    if text.is_empty() { Err(FORM) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn spans_are_numbers_with_units() {
        let table = [("0", 0), ("90s", 90), ("15m", 900), ("1h30m", 5_400), ("2d", 172_800)];
        for (text, seconds) in table {
            assert_eq!(parse_span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "15", "m", "15 m", "1.5h", "-1h", "1w", "99999999999d", "18446744073709551616s"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_stamp_without_a_zone_is_refused() {
        assert!(parse_stamp("2026-03-04T08:22:05Z").is_ok());
        assert!(parse_stamp("2026-03-04T08:22:05").is_err());
    }
}
