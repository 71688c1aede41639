//! The program that is measured, and the logs that it makes for all of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Healthy devices and those with what most often is the matter, each fleet with its own hub.
const FLEETS: [&str; 8] = [
    "healthy-mixed",
    "healthy-renewals",
    "401003-sas-token-expired-dotnet",
    "404104-network-or-crash",
    "404104-shared-network-outage",
    "404104-rollout",
    "500xxx-transient-hub-fault",
    "500xxx-maintenance",
];

/// So many bytes of the log for each device: about a week.
const BYTES_A_DEVICE: u64 = 32 << 10;

/// The log of the slow ones is not larger than this.
const SMALL: u64 = 16 << 20;

/// The program that is measured.
pub(crate) struct Etiolog {
    /// The program.
    pub(crate) program: PathBuf,
    /// The checkout that it is of.
    pub(crate) root: PathBuf,
}

impl Etiolog {
    /// Builds it as `cargo install` does, unless there is one.
    pub(crate) fn of(root: &Path, given: Option<PathBuf>) -> Result<Etiolog, String> {
        let root = root.to_owned();
        if let Some(program) = given {
            let program =
                program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?;
            return Ok(Etiolog { program, root });
        }
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--locked", "--package", "etiolog-cli"]).current_dir(&root);
        done(&mut cargo)?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Etiolog { program: target.join("release/etiolog"), root })
    }

    /// Writes the log of these fleets.
    pub(crate) fn simulate(
        &self,
        fleets: &[&str],
        devices: u64,
        size: u64,
        path: &Path,
    ) -> Result<Log, String> {
        let mut command = Command::new(&self.program);
        command.arg("simulate").args(fleets).arg("--output-file").arg(path);
        command.args(["--devices", &devices.to_string(), "--size", &format!("{}KiB", size.div_ceil(1024))]);
        done(&mut command)?;
        let bytes = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.len();
        Ok(Log { path: path.to_owned(), bytes })
    }

    /// Diagnoses a log, as JSON, without what is for people, and on one core as the others.
    pub(crate) fn diagnose(&self, rules: Option<&Path>, log: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["diagnose", "--quiet", "--threads", "1", "--output", "json"]);
        if let Some(rules) = rules {
            command.arg("--rules").arg(rules);
        }
        command.arg(log);
        command
    }
}

/// A log in a file.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How large it is.
    pub(crate) bytes: u64,
}

/// The logs of one comparison.
pub(crate) struct Logs {
    /// What most of them read.
    pub(crate) large: Log,
    /// What the slow ones read.
    pub(crate) small: Log,
    /// The large one compressed, or why not.
    pub(crate) compressed: Result<Log, String>,
}

impl Logs {
    /// Makes them anew.
    pub(crate) fn make(etiolog: &Etiolog, folder: &Path, size: u64) -> Result<Logs, String> {
        let of = |name: &str, size: u64| {
            etiolog.simulate(&FLEETS, (size / BYTES_A_DEVICE).max(8), size, &folder.join(name))
        };
        let (large, small) = (of("log.jsonl", size)?, of("small.jsonl", size.min(SMALL))?);
        let path = folder.join("log.jsonl.gz");
        let mut gzip = Command::new("gzip");
        gzip.args(["--keep", "--force"]).arg(&large.path);
        let bytes = |()| std::fs::metadata(&path).map(|found| found.len()).map_err(|error| error.to_string());
        let compressed = done(&mut gzip).and_then(bytes).map(|bytes| Log { path: path.clone(), bytes });
        Ok(Logs { large, small, compressed })
    }

    /// Removes them.
    pub(crate) fn remove(&self) {
        for log in [Ok(&self.large), Ok(&self.small), self.compressed.as_ref()].into_iter().flatten() {
            // What cannot be removed is made anew the next time.
            let _ = std::fs::remove_file(&log.path);
        }
    }
}

/// Runs a command to its end, its output where ours goes.
pub(crate) fn done(command: &mut Command) -> Result<(), String> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

/// The bytes of `64MiB`, `1GiB` or `5000`.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        assert_eq!(bytes("64MiB"), Some(64 << 20));
        assert_eq!(bytes("5000"), Some(5000));
        assert_eq!(bytes("64MB"), None);
        assert_eq!(bytes("MiB"), None);
    }
}
