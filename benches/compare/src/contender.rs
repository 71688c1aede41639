//! Who is measured, at what, and how it is called.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::answer::Answer;
use crate::log::{Etiolog, Log, Logs};
use crate::python::Python;

/// One of those that are measured.
pub(crate) struct Contender {
    /// The name, with the version where it is not in a lock file.
    pub(crate) name: String,
    /// What it does, which is not the same for all.
    pub(crate) does: Does,
    /// Whether it reads the small log.
    pub(crate) small: bool,
    /// Whether it is etiolog.
    pub(crate) own: bool,
    /// Whether it is what the others of its log are held against.
    pub(crate) yardstick: bool,
    /// Whether it lives by the clock of the machine, so that its sixty seconds are not those of the log.
    pub(crate) by_the_clock: bool,
    /// How it is called, or why it cannot be.
    pub(crate) how: Result<How, String>,
}

/// What is done, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Counts lines.
    Lines,
    /// Extracts six fields of each record; the reading of the file does not count.
    Fields,
    /// Answers the question.
    Question,
    /// Diagnoses, with all rules that etiolog comes with.
    Diagnosis,
}

impl Does {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Does::Lines => "counts the lines",
            Does::Fields => "six fields of each record, in memory",
            Does::Question => "the question",
            Does::Diagnosis => "whole diagnosis, all shipped rules",
        }
    }
}

/// How to call it, and how to read what it says.
pub(crate) struct How {
    program: PathBuf,
    arguments: Vec<std::ffi::OsString>,
    /// Reads its output.
    pub(crate) read: fn(&Path) -> io::Result<Answer>,
}

impl How {
    fn of(command: &Command, read: fn(&Path) -> io::Result<Answer>) -> How {
        let arguments = command.get_args().map(Into::into).collect();
        How { program: command.get_program().into(), arguments, read }
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }
}

impl Contender {
    fn new(name: impl Into<String>, does: Does, how: Result<How, String>) -> Contender {
        Contender {
            name: name.into(),
            does,
            small: false,
            own: false,
            yardstick: false,
            by_the_clock: false,
            how,
        }
    }

    fn small(self) -> Contender {
        Contender { small: true, ..self }
    }

    fn own(self) -> Contender {
        Contender { own: true, ..self }
    }

    fn by_the_clock(self) -> Contender {
        Contender { by_the_clock: true, ..self }
    }

    fn yardstick(self) -> Contender {
        Contender { yardstick: true, ..self.own() }
    }

    /// Whether its name has one of the words, or none are given.
    pub(crate) fn is_one_of(&self, words: &[String]) -> bool {
        let name = self.name.to_lowercase();
        words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
    }
}

/// Everyone, those that cannot be had too.
pub(crate) fn all(etiolog: &Etiolog, logs: &Logs) -> Vec<Contender> {
    let library = |name: &str, label: &str, does| {
        let how = How::of(&within(name, &logs.large), Answer::printed);
        Contender::new(label, does, Ok(how))
    };
    let python = Python::ready(&etiolog.root);
    let wheel = |name: &str| {
        let script = format!("ask_{name}.py");
        let how = python.as_ref().map_err(Clone::clone);
        let how = how.map(|python| How::of(&python.ask(&script, &logs.large.path), Answer::printed));
        let version = python.as_ref().ok().and_then(|python| python.version(name)).unwrap_or_default();
        Contender::new(format!("{name} {version}").trim().to_owned(), Does::Question, how)
    };
    let tool = |name: &str, version: &str, does, log: &Log, arguments: &[&str], read| {
        let how = version_of(name, version).map(|version| {
            let mut command = Command::new(name);
            command.args(arguments).arg(&log.path);
            (version, How::of(&command, read))
        });
        match how {
            Ok((version, how)) => Contender::new(version, does, Ok(how)),
            Err(why) => Contender::new(name, does, Err(why)),
        }
    };
    let peers = etiolog.root.join("benches/compare/peers");
    let (jq, sec) = (peers.join("question.jq"), peers.join("sec.conf"));
    let (jq, sec) = (jq.to_string_lossy(), format!("--conf={}", sec.display()));
    let input = format!("--input={}", logs.small.path.display());
    let pack = etiolog.root.join("benches/compare/pack");
    let own = |name: &str, rules: Option<&Path>, log: &Log, does, read| {
        Contender::new(name, does, Ok(How::of(&etiolog.diagnose(rules, &log.path), read))).own()
    };
    let compressed = logs.compressed.as_ref().map_err(Clone::clone);
    let compressed = compressed.map(|log| How::of(&etiolog.diagnose(None, &log.path), Answer::summed_up));

    vec![
        tool("wc", "--version", Does::Lines, &logs.large, &["-l"], Answer::counted),
        library("memchr", "memchr", Does::Lines),
        library("serde_json", "serde_json (borrowed struct)", Does::Fields),
        library("simd-json", "simd-json (borrowed struct)", Does::Fields),
        library("sonic-rs", "sonic-rs (`get_many`)", Does::Fields),
        library("question", "Rust by hand (serde_json)", Does::Question),
        wheel("duckdb"),
        wheel("chdb"),
        wheel("polars"),
        library("rsigma", "rsigma-eval", Does::Question),
        own("etiolog (the question)", Some(&pack), &logs.large, Does::Question, Answer::diagnosed),
        own("etiolog", None, &logs.large, Does::Diagnosis, Answer::summed_up).yardstick(),
        Contender::new("etiolog (from gzip)", Does::Diagnosis, compressed).own(),
        tool("jq", "--version", Does::Question, &logs.small, &["-nc", "-f", &jq], Answer::printed).small(),
        sec_of(tool("sec", "--version", Does::Question, &logs.small, &[&sec, &input], Answer::printed))
            .small()
            .by_the_clock(),
        own("etiolog (the question)", Some(&pack), &logs.small, Does::Question, Answer::diagnosed).small(),
        own("etiolog", None, &logs.small, Does::Diagnosis, Answer::summed_up).small().yardstick(),
    ]
}

/// SEC takes no log behind its options, and has more of them.
fn sec_of(mut sec: Contender) -> Contender {
    if let Ok(how) = &mut sec.how {
        how.arguments.pop();
        how.arguments.extend(["--notail", "--intevents"].map(Into::into));
    }
    sec
}

/// This program with a library to measure.
pub(crate) fn within(work: &str, log: &Log) -> Command {
    // On Linux it is always known where the program is.
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into()));
    command.args(["within", work]).arg(&log.path);
    command
}

/// The first line of what a program says about its version.
fn version_of(name: &str, option: &str) -> Result<String, String> {
    let said = Command::new(name).arg(option).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "not installed".to_owned(),
        _ => error.to_string(),
    })?;
    let text = String::from_utf8_lossy(&said.stdout);
    // `SEC (Simple Event Correlator) 2.9.1`, `jq-1.6`: the name is known, and the version has digits.
    let mut words = text.lines().next().unwrap_or_default().split([' ', '-']);
    let version = words.rfind(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    Ok(format!("{name} {}", version.unwrap_or_default()).trim().to_owned())
}
