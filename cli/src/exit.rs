//! How the program ends.

use std::io::{self, Write};
use std::process::ExitCode;

use etiolog::Error;
use etiolog::output::terminal;

/// An end that is not a failure of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Done = 0,
    /// A diagnosis was at or over `--fail-on`.
    Found = 1,
    /// Finished, but a part of the input could not be read.
    Partly = 3,
    /// The user pressed Ctrl-C; what was known by then was written.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Wrong usage, settings or rules, and output that cannot be written.
pub(crate) const REFUSED: u8 = 2;

/// Why the program cannot go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The arguments make no sense; the text says why and what to do.
    Usage(String),
    /// The library refused the rules or the settings.
    Refused(Error),
    /// The output cannot be written.
    Output(io::Error),
}

impl Stop {
    /// Says why on stderr. A reader that went away on purpose (`| head`) is no failure.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Output(why) if why.kind() == io::ErrorKind::BrokenPipe => return Exit::Done.into(),
            Self::Output(why) => say(&format!("error: cannot write the output: {why}")),
            Self::Usage(message) => say(&format!("error: {}", terminal(message))),
            Self::Refused(error) => {
                let problems = error.problems().len();
                let text = error.to_string();
                let text = if problems == 0 { format!("error: {text}") } else { text };
                text.lines().for_each(|line| say(&terminal(line)));
                if problems > 0 {
                    say(&format!(
                        "error: {problems} {} in the rules",
                        if problems == 1 { "problem" } else { "problems" }
                    ));
                }
            }
        }
        REFUSED.into()
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// A line on stderr. Nobody can be told when that fails.
pub(crate) fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}
