//! Cost against size: bytes, subjects, rules, windows.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::answer::Answer;
use crate::contender;
use crate::log::{Etiolog, Log};
use crate::measure::{self, Run};

/// Four tables.
///
/// # Errors
///
/// A log or rules cannot be written, or the program fails.
pub(crate) fn measure(etiolog: &Etiolog, folder: &Path, size: u64) -> Result<String, String> {
    let growth = Growth { etiolog, folder, log: folder.join("growth.jsonl") };
    Ok([growth.bytes(size)?, growth.subjects(size)?, growth.rules(size)?, growth.windows(size)?].join("\n"))
}

struct Growth<'a> {
    etiolog: &'a Etiolog,
    folder: &'a Path,
    log: PathBuf,
}

impl Growth<'_> {
    fn simulate(&self, devices: u64, size: u64) -> Result<Log, String> {
        self.etiolog.simulate(&["healthy-mixed", "404104-network-or-crash"], devices, size, &self.log)
    }

    fn diagnose(&self, what: &str, rules: Option<&Path>, log: &Path) -> Result<Run, String> {
        eprintln!("growth: {what}");
        let mut command = self.etiolog.diagnose(rules, log);
        measure::run(&mut command, &self.folder.join("out"), Answer::summed_up)
    }

    /// The same 4,096 devices for longer and longer.
    fn bytes(&self, size: u64) -> Result<String, String> {
        let mut text = head("bytes, of 4,096 devices", &["CPU s", "µs a record", "peak MiB"]);
        for part in [64, 16, 4, 1] {
            let log = self.simulate(4096, size / part)?;
            let run = self.diagnose(&amount(log.bytes), None, &log.path)?;
            row(&mut text, &amount(log.bytes), &[two(run.cpu), two(micros(&run)), mebibytes(run.peak)]);
        }
        Ok(text)
    }

    /// As many bytes, of more and more devices.
    fn subjects(&self, size: u64) -> Result<String, String> {
        let columns = ["records", "µs a record", "peak MiB", "bytes a subject", "forgotten"];
        let mut text = head(&format!("subjects, in {}", amount(size)), &columns);
        let mut first = None;
        for devices in [1000, 10_000, 100_000, 1_000_000] {
            let log = self.simulate(devices, size)?;
            let mut question = contender::within("question", &log);
            let truth = measure::run(&mut question, &self.folder.join("truth"), Answer::printed)?.answer;
            // In a small log most of a large number of devices have not been heard of by its end.
            let seen = truth.devices.unwrap_or_default();
            let run = self.diagnose(&format!("{devices} subjects"), None, &log.path)?;
            let &mut (few, least) = first.get_or_insert((seen, run.peak));
            let forgotten = run.answer.forgotten.unwrap_or_default();
            // What all the more subjects take, beside what is there without them; nothing is known of it when some had
            // to go.
            let more = (seen > few && forgotten == 0).then(|| run.peak.saturating_sub(least) / (seen - few));
            let more = more.map_or_else(|| "–".to_owned(), grouped);
            let records = grouped(run.answer.records.unwrap_or_default());
            let cells = [records, two(micros(&run)), mebibytes(run.peak), more, grouped(forgotten)];
            row(&mut text, &grouped(seen), &cells);
        }
        Ok(text)
    }

    /// More and more rules: for codes that the log does not have, and all for the same code that it has.
    fn rules(&self, size: u64) -> Result<String, String> {
        let log = self.simulate(4096, size / 16)?;
        let empty = self.folder.join("empty.jsonl");
        std::fs::write(&empty, "").map_err(|error| error.to_string())?;
        let columns = ["CPU s to load", "µs a record, for other codes", "µs a record, for the same code"];
        let mut text = head(&format!("rules, on {}", amount(log.bytes)), &columns);
        for rules in [1, 10, 100, 1000, 2000] {
            let mut cells = Vec::new();
            for other in [true, false] {
                let code = |rule| if other { 600_000 + rule } else { 404_104 };
                let rule = |rule| counting(&format!("code: {}", code(rule)), "device", 2 + rule, "1h");
                let pack = self.pack((0..rules).map(rule))?;
                let what =
                    format!("{rules} rules for {}", if other { "other codes" } else { "the same code" });
                let load = self.diagnose(&what, Some(&pack), &empty)?;
                let run = self.diagnose(&what, Some(&pack), &log.path)?;
                if other {
                    cells.push(format!("{:.3}", load.cpu));
                }
                cells.push(two(micros(&Run { cpu: (run.cpu - load.cpu).max(0.0), ..run })));
            }
            row(&mut text, &grouped(rules), &cells);
        }
        Ok(text)
    }

    /// Longer and longer windows over all that one hub has, of which more and more events are remembered.
    fn windows(&self, size: u64) -> Result<String, String> {
        let log = self.simulate(4096, size / 16)?;
        let least = [10, 100, 1000, 4096];
        let columns = least.map(|least| format!("µs a record, at least {}", grouped(least)));
        let columns = columns.each_ref().map(String::as_str);
        let mut text = head(&format!("a window over one hub, on {}", amount(log.bytes)), &columns);
        for within in ["1m", "10m", "1h", "6h", "24h"] {
            let mut cells = Vec::new();
            for least in least {
                let pack =
                    self.pack([counting("op: [deviceConnect, deviceDisconnect]", "hub", least, within)])?;
                let run = self.diagnose(&format!("{least} within {within}"), Some(&pack), &log.path)?;
                cells.push(two(micros(&run)));
            }
            row(&mut text, within, &cells);
        }
        Ok(text)
    }

    /// A pack with these rules.
    fn pack(&self, rules: impl IntoIterator<Item = String>) -> Result<PathBuf, String> {
        let write = || {
            let own = self.etiolog.root.join("benches/compare/pack");
            let pack = self.folder.join("rules");
            if pack.exists() {
                std::fs::remove_dir_all(&pack)?;
            }
            std::fs::create_dir_all(pack.join("inputs"))?;
            for file in ["pack.yaml", "inputs/resource-log.yaml"] {
                std::fs::copy(own.join(file), pack.join(file))?;
            }
            for (number, rule) in rules.into_iter().enumerate() {
                let text = format!("etiolog: 1\narticle: rule-{number}\ntitle: Rule {number}\n{rule}");
                std::fs::write(pack.join(format!("rule-{number}.yaml")), text)?;
            }
            Ok(pack)
        };
        write().map_err(|error: io::Error| format!("rules: {error}"))
    }
}

/// A rule that counts events on each subject of a level.
fn counting(events: &str, level: &str, least: u64, within: &str) -> String {
    format!(
        "events: {{of: {{{events}}}}}\n\
         symptoms:\n  many: {{title: Many of them, per: {level}, detect: \
         {{count: {{event: of, at-least: {least}, within: {within}}}}}}}\n\
         causes:\n  it: {{title: Cause {least}, severity: info, prior: 0.1, explains: {{many: 0.9}}}}\n"
    )
}

fn head(first: &str, columns: &[&str]) -> String {
    format!("| {first} | {} |\n|--:|{}\n", columns.join(" | "), "--:|".repeat(columns.len()))
}

fn row(text: &mut String, first: &str, cells: &[String]) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| {first} | {} |", cells.join(" | "));
}

fn micros(run: &Run) -> f64 {
    run.cpu * 1e6 / run.answer.records.unwrap_or_default().max(1) as f64
}

fn two(number: f64) -> String {
    format!("{number:.2}")
}

/// Bytes as mebibytes.
pub(crate) fn mebibytes(bytes: u64) -> String {
    grouped(bytes.div_ceil(1 << 20))
}

/// Bytes as people say them.
pub(crate) fn amount(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 30 => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)),
        _ if bytes >= 10 << 20 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}

/// A number with a comma before each three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let comma = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    digits
        .char_indices()
        .flat_map(|(at, digit)| comma(at).then_some(',').into_iter().chain([digit]))
        .collect()
}
