//! How the program ends.

use std::io::{self, Write};
use std::process::ExitCode;

use etiolog::Error;
use etiolog::output::{problems, terminal};

use crate::style;

/// An end that is not a failure of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Done = 0,
    /// A diagnosis was at or over `--fail-on`, a case failed, a problem was found, or a self-check found a difference.
    Found = 1,
    /// Finished, but a part of the input could not be read.
    Partly = 3,
    /// The user pressed Ctrl-C; what was known by then was written.
    Interrupted = 130,
    /// The program was asked to end; what was known by then was written.
    Terminated = 143,
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
    /// Says why: on stderr, and faults in rules on stdout as JSON Lines when programs read that. A reader that went away
    /// on purpose (`| head`) is no failure.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        match self {
            Self::Output(why) if why.kind() == io::ErrorKind::BrokenPipe => return Exit::Done.into(),
            Self::Output(why) => say(&format!("error: cannot write the output: {why}")),
            Self::Usage(message) => say(&format!("error: {}", terminal(message))),
            Self::Refused(error) if error.problems().is_empty() => {
                say(&format!("error: {}", terminal(&error.to_string())));
            }
            Self::Refused(error) if json => {
                let problems = error.problems();
                // Nobody downstream can be told when that fails; the exit code says enough.
                drop(style::write(problems::json(problems).as_bytes()));
                say(&format!("error: {}", problems::count(problems)));
            }
            Self::Refused(error) => {
                let shown = problems::text(error.problems(), style::stderr());
                drop(io::stderr().lock().write_all(shown.as_bytes()));
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

/// Help, the version, or what is wrong with the arguments.
pub(crate) fn answer(answer: &clap::Error) -> ExitCode {
    match answer.print() {
        Ok(()) => u8::try_from(answer.exit_code()).unwrap_or(REFUSED).into(),
        Err(why) => Stop::Output(why).report(false),
    }
}

/// A line on stderr. Nobody can be told when that fails.
pub(crate) fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}
