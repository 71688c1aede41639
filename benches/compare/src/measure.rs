//! One process and what it took.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

use crate::answer::Answer;

/// What a process took, and what it said.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// CPU seconds, of the user and of the system.
    pub(crate) cpu: f64,
    /// Seconds by the clock.
    pub(crate) wall: f64,
    /// The most memory that it had, in bytes. Not below what this process has when it starts it.
    pub(crate) peak: u64,
    /// What it said.
    pub(crate) answer: Answer,
}

/// Runs the command to its end, its output in `out`.
///
/// # Errors
///
/// The command cannot be started or fails, or its output is no answer.
pub(crate) fn run(
    command: &mut Command,
    out: &Path,
    read: impl Fn(&Path) -> io::Result<Answer>,
) -> Result<Run, String> {
    let words = format!("{command:?}");
    let fail = |error: String| format!("{words}: {error}");
    let output = || File::create(out).map_err(|error| fail(error.to_string()));
    let errors = out.with_extension("err");
    let stderr = File::create(&errors).map_err(|error| fail(error.to_string()))?;
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(output()?).stderr(stderr).spawn();
    let used = child.and_then(Wait4::wait4).map_err(|error| fail(error.to_string()))?;
    let wall = start.elapsed().as_secs_f64();
    if !used.status.success() {
        let said = std::fs::read_to_string(&errors).unwrap_or_default();
        return Err(fail(said.trim().lines().last().unwrap_or("it says nothing").to_owned()));
    }
    let answer = read(out).map_err(|error| fail(format!("its output: {error}")))?;
    let spent = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    Ok(Run { cpu: answer.cpu.unwrap_or(spent), wall, peak: used.rusage.maxrss, answer })
}

/// The middle one; of two the mean; 0 of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}
