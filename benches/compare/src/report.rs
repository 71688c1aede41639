//! The table, and what it says in words.

use std::path::Path;
use std::process::Command;

use crate::Measured;
use crate::answer::{Answer, Verdict};
use crate::contender::{Contender, Does};
use crate::growth::{amount, grouped, mebibytes};
use crate::log::{Etiolog, Logs};
use crate::measure::{Run, median};

/// Everything that the table is made of.
pub(crate) struct Peers<'a> {
    /// Who, and what came of measuring it.
    pub(crate) rows: &'a [Measured],
    /// What is true of the large log.
    pub(crate) large: &'a Answer,
    /// What is true of the small one.
    pub(crate) small: &'a Answer,
    /// The logs.
    pub(crate) logs: &'a Logs,
}

/// A row of the table, ready to be written.
struct Line<'a> {
    who: &'a Contender,
    cpu: f64,
    wall: f64,
    peak: u64,
    /// How much CPU it takes beside the whole diagnosis of the same log.
    ratio: f64,
    verdict: Verdict,
}

impl Peers<'_> {
    /// The table, in Markdown.
    ///
    /// # Errors
    ///
    /// Etiolog itself could not be measured.
    pub(crate) fn text(&self, machine: &Machine, runs: usize) -> Result<String, String> {
        let lines = self.lines()?;
        let (large, small) = (&self.logs.large, &self.logs.small);
        let records = |truth: &Answer| truth.records.unwrap_or_default();
        let mut text = vec![
            format!(
                "One log of {} with {} records; those marked ° read a small one of {} with {}. {} run{} of each, \
                 in rounds; the medians, and of memory the most.",
                amount(large.bytes),
                grouped(records(self.large)),
                amount(small.bytes),
                grouped(records(self.small)),
                runs,
                if runs == 1 { "" } else { "s" },
            ),
            String::new(),
            "| who | does | CPU s | wall s | µs a record | CPU beside the diagnosis | peak MiB | right |"
                .into(),
            "|---|---|--:|--:|--:|--:|--:|---|".into(),
        ];
        for line in &lines {
            let (who, truth) = (line.who, if line.who.small { self.small } else { self.large });
            text.push(format!(
                "| {}{} | {} | {:.2} | {:.2} | {:.2} | {} | {} | {} |",
                who.name,
                if who.small { "°" } else { "" },
                who.does.words(),
                line.cpu,
                line.wall,
                line.cpu * 1e6 / records(truth).max(1) as f64,
                times(line.ratio),
                mebibytes(line.peak),
                line.verdict.words,
            ));
        }
        for row in self.rows {
            if let Err(why) = &row.runs {
                let does = row.who.does.words();
                text.push(format!("| {} | {does} | not measured: {why} | | | | | |", row.who.name));
            }
        }
        text.push(String::new());
        text.extend(words(&lines));
        text.push(String::new());
        text.push(machine.text());
        Ok(text.join("\n") + "\n")
    }

    /// Whether all the answers are right that must be. One that lives by the clock of the machine cannot know of sixty
    /// seconds in a log that is read at once: what it says is in the table, and is no fault of the comparison.
    pub(crate) fn agreed(&self) -> bool {
        self.rows.iter().all(|row| {
            let right = |runs: &Vec<Run>| runs.iter().all(|run| run.answer.against(self.truth(row)).right);
            row.who.by_the_clock || row.runs.as_ref().is_ok_and(right) || row.who.how.is_err()
        })
    }

    fn truth(&self, row: &Measured) -> &Answer {
        if row.who.small { self.small } else { self.large }
    }

    fn lines(&self) -> Result<Vec<Line<'_>>, String> {
        let mut lines = Vec::new();
        for row in self.rows {
            let Ok(runs) = &row.runs else { continue };
            let own = self.rows.iter().find(|own| own.who.yardstick && own.who.small == row.who.small);
            let own = own.ok_or("etiolog was not measured")?.runs.as_ref().map_err(Clone::clone)?;
            let verdicts: Vec<Verdict> = runs.iter().map(|run| run.answer.against(self.truth(row))).collect();
            let verdict = verdicts.iter().find(|verdict| !verdict.right).or(verdicts.first());
            lines.push(Line {
                who: &row.who,
                cpu: median(runs.iter().map(|run| run.cpu)),
                wall: median(runs.iter().map(|run| run.wall)),
                peak: runs.iter().map(|run| run.peak).max().unwrap_or_default(),
                ratio: median(runs.iter().zip(own).map(|(run, own)| run.cpu / own.cpu)),
                verdict: verdict.cloned().ok_or("it was not measured")?,
            });
        }
        Ok(lines)
    }
}

/// What the table says of etiolog, in words that are made from it.
fn words(lines: &[Line<'_>]) -> Vec<String> {
    let mut text = Vec::new();
    for own in lines.iter().filter(|line| line.who.own) {
        let name = match (own.who.yardstick, own.who.does) {
            (true, _) => "The whole diagnosis",
            (false, Does::Question) => "The question, asked of etiolog,",
            (false, _) => continue,
        };
        let of = if own.who.small { " of the small log" } else { "" };
        let mut others: Vec<&Line<'_>> = lines
            .iter()
            .filter(|line| line.who.small == own.who.small && !line.who.own && line.who.does != Does::Lines)
            .collect();
        others.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
        let list = |all: &[&Line<'_>]| {
            let one = |line: &&Line<'_>| {
                let only = if line.who.does == Does::Fields { " for the fields only" } else { "" };
                format!("{} that of {}{only}", times(own.cpu / line.cpu), line.who.name)
            };
            all.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let (cheaper, dearer) = others.split_at(others.partition_point(|line| line.cpu < own.cpu));
        if !cheaper.is_empty() {
            text.push(format!("- {name}{of} takes more CPU than others: {}.", list(cheaper)));
        }
        if !dearer.is_empty() {
            text.push(format!("- {name}{of} takes less CPU than others: {}.", list(dearer)));
        }
    }
    text
}

/// `0.08 ×`, `12 ×`.
fn times(ratio: f64) -> String {
    match ratio {
        _ if ratio >= 10.0 => format!("{ratio:.0} ×"),
        _ if ratio >= 1.0 => format!("{ratio:.1} ×"),
        _ if ratio >= 0.1 => format!("{ratio:.2} ×"),
        _ => format!("{ratio:.3} ×"),
    }
}

/// What it was measured on.
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    versions: Vec<String>,
}

impl Machine {
    /// This one.
    pub(crate) fn this(etiolog: &Etiolog) -> Machine {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo").lines().find_map(|line| {
            line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned())
        });
        let said = |command: &mut Command| {
            let text = command.output().ok().filter(|done| done.status.success()).map(|done| done.stdout)?;
            Some(String::from_utf8_lossy(&text).lines().next()?.trim().to_owned())
        };
        let locked = include_str!("../Cargo.lock");
        let library = |name: &str| {
            let at = locked.split_once(&format!("name = \"{name}\"\nversion = \""))?.1;
            Some(format!("{name} {}", at.split('"').next()?))
        };
        // The newest one that has changed what is measured.
        let mut commit = Command::new("git");
        commit.args([
            "log",
            "-1",
            "--format=%h",
            "--abbrev=9",
            "--",
            "src",
            "cli",
            "rules",
            "knowledge",
            "Cargo.lock",
        ]);
        commit.current_dir(&etiolog.root);
        let commit = said(&mut commit).map(|commit| format!("commit {commit}"));
        let own = [said(Command::new(&etiolog.program).arg("--version")), commit];
        let versions = own.into_iter().chain([said(Command::new("rustc").arg("--version"))]);
        let crates = ["memchr", "rsigma-eval", "serde_json", "simd-json", "sonic-rs"].map(library);
        Machine {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: processor.unwrap_or_else(|| std::env::consts::ARCH.into()),
            kernel: read("/proc/sys/kernel/osrelease")
                .split('-')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            versions: versions.chain(crates).flatten().collect(),
        }
    }

    fn text(&self) -> String {
        let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--write").collect();
        let words = if words.is_empty() { String::new() } else { format!(" -- {}", words.join(" ")) };
        format!(
            "Measured by `cargo run --release --manifest-path benches/compare/Cargo.toml{words}` on {} cores of {}, \
             Linux {}; {}.",
            self.cores,
            self.processor,
            self.kernel,
            self.versions.join(", "),
        )
    }
}

/// Puts the text between the two marks of that name in a file.
///
/// # Errors
///
/// The file cannot be read or written, or the marks are not there.
pub(crate) fn write(path: &Path, name: &str, text: &str) -> Result<(), String> {
    let fail = |error: String| format!("{}: {error}", path.display());
    let whole = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    let new = between(&whole, name, text).ok_or_else(|| fail(format!("no marks of `{name}`")))?;
    std::fs::write(path, new).map_err(|error| fail(error.to_string()))
}

fn between(whole: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- measured: {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = whole.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{text}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let whole = "above\n<!-- measured: a -->\nold\n<!-- end of a -->\nbelow\n";
        let new = between(whole, "a", "new\n").expect("the marks are there");
        assert_eq!(new, "above\n<!-- measured: a -->\n\nnew\n\n<!-- end of a -->\nbelow\n");
        assert_eq!(between(whole, "b", "new"), None);
    }

    #[test]
    fn a_ratio_has_two_or_three_digits_that_say_something() {
        assert_eq!([12.34, 1.26, 0.257, 0.0123].map(times), ["12 ×", "1.3 ×", "0.26 ×", "0.012 ×"]);
    }
}
