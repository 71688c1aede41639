//! A folder with logs to which things happen, and the program that follows them.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
/// Longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(15);

const PACK: [(&str, &str); 3] = [
    (
        "pack.yaml",
        "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nidentity: position\nties: ordered\n\
         subjects: [{name: unit, quiet: 20d}]\nproblem: {word: drop}\n",
    ),
    (
        "a.yaml",
        "etiolog: 1\narticle: a\ntitle: A\nevents:\n  drop: {word: drop}\nsymptoms:\n  \
         s: {title: S, per: unit, detect: {occurrence: {event: drop}}}\n\
         causes:\n  c: {title: C, severity: warning, explains: {s: always}}\n",
    ),
    (
        "inputs/lines.yaml",
        "etiolog: 1\ninput: lines\ntitle: Lines\nformat: json\ntime: {from: at}\n\
         fields: {unit: {from: unit}, word: {from: word}}\n",
    ),
];

/// A folder with a pack and logs, and the program that reads them.
pub(crate) struct Script {
    pub(crate) root: PathBuf,
    /// Records written so far; each is about a unit of its own.
    pub(crate) written: u64,
    /// Those that may be missing.
    pub(crate) lost: Vec<u64>,
    pub(crate) truncated: u64,
    /// The rest of a record that was written in part.
    pub(crate) part: String,
    pub(crate) program: Option<Program>,
}

pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) lines: Receiver<Value>,
    pub(crate) said: Vec<Value>,
    pub(crate) stderr: thread::JoinHandle<String>,
}

impl Script {
    pub(crate) fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("etiolog-follow-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&root));
        for (file, text) in PACK {
            let path = root.join("pack").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { root, written: 0, lost: Vec::new(), truncated: 0, part: String::new(), program: None }
    }

    pub(crate) fn at(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.root).args(["diagnose", "-r", "pack", "-o", "json"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts to follow, and waits until the program has begun.
    pub(crate) fn follow(&mut self, arguments: &[&str]) {
        let mut command = self.command(&["--follow", "--lateness", "0"]);
        let child = command.args(arguments).spawn().unwrap();
        self.program = Some(Program::of(child));
        self.program().wait_for(|said| !said.is_empty());
    }

    pub(crate) fn program(&mut self) -> &mut Program {
        self.program.as_mut().unwrap()
    }

    pub(crate) fn record(&mut self) -> String {
        self.written += 1;
        line(self.written, "drop")
    }

    /// What moves time past the last record: once this was read, everything before it was.
    pub(crate) fn tick(&self) -> String {
        format!("{{\"at\":\"{}\",\"unit\":\"t\",\"word\":\"tick\"}}\n", stamp(self.written, 5))
    }

    pub(crate) fn append(&self, file: &str, text: &str) {
        let path = self.at(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn write(&mut self, file: &str, records: usize) {
        let mut text: String = (0..records).map(|_| self.record()).collect();
        text += &self.tick();
        self.append(file, &text);
    }

    /// Writes through a handle that was opened before, wherever its file is by now.
    pub(crate) fn write_to(&mut self, mut file: &File, records: usize) {
        let mut text: String = (0..records).map(|_| self.record()).collect();
        text += &self.tick();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn handle(&self, file: &str) -> File {
        OpenOptions::new().append(true).create(true).open(self.at(file)).unwrap()
    }

    /// The first half of a record.
    pub(crate) fn write_part(&mut self, file: &str) {
        let text = self.record();
        let (first, rest) = text.split_at(text.len() / 2);
        self.append(file, first);
        self.part = rest.to_owned();
    }

    /// The other half.
    pub(crate) fn write_rest(&mut self, file: &str) {
        let text = std::mem::take(&mut self.part) + &self.tick();
        self.append(file, &text);
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.at(from), self.at(to)).unwrap();
    }

    pub(crate) fn copy(&self, from: &str, to: &str) {
        fs::copy(self.at(from), self.at(to)).unwrap();
    }

    pub(crate) fn cut(&mut self, file: &str) {
        OpenOptions::new().write(true).open(self.at(file)).unwrap().set_len(0).unwrap();
        self.truncated += 1;
    }

    pub(crate) fn remove(&self, file: &str) {
        fs::remove_file(self.at(file)).unwrap();
    }

    pub(crate) fn gzip(&self, from: &str, to: &str) {
        let mut encoder = GzEncoder::new(File::create(self.at(to)).unwrap(), Compression::fast());
        encoder.write_all(&fs::read(self.at(from)).unwrap()).unwrap();
        encoder.finish().unwrap();
    }

    /// Waits until all that was written was read.
    pub(crate) fn sync(&mut self) {
        let wanted = self.written - self.lost.len() as u64;
        self.program().wait_for(|said| opened(said) >= wanted as usize);
    }

    /// Ends the program, and looks that nothing is lost and nothing doubled.
    pub(crate) fn end(mut self) {
        self.sync();
        let program = self.program.take().unwrap();
        let (code, said, stderr) = program.end("TERM");
        assert_eq!(code, Some(143), "{stderr}");
        let mut events: BTreeMap<&str, u64> = BTreeMap::new();
        let finals = said.iter().filter(|line| line["type"] == "diagnosis" && line.get("change").is_none());
        for line in finals {
            let unit = line["subject"]["unit"].as_str().unwrap();
            *events.entry(unit).or_default() += line["problem_events"].as_u64().unwrap();
        }
        let all = (1..=self.written)
            .filter(|number| !self.lost.contains(number))
            .map(|number| format!("u{number}"));
        let expected: Vec<(String, u64)> = all.map(|unit| (unit, 1)).collect();
        let mut expected: Vec<(&str, u64)> = expected.iter().map(|(unit, n)| (unit.as_str(), *n)).collect();
        expected.sort_unstable();
        assert_eq!(events.into_iter().collect::<Vec<_>>(), expected, "{stderr}");
        let summary = said.last().unwrap();
        let records = &summary["records"];
        let rejected = records["rejected"].as_object().unwrap();
        assert_eq!(
            rejected.get("truncated").and_then(Value::as_u64).unwrap_or(0),
            self.truncated,
            "{summary}"
        );
        assert_eq!(stderr.matches("truncated: ").count() as u64, self.truncated, "{stderr}");
        let other = rejected.keys().filter(|reason| *reason != "truncated").count();
        assert!(other == 0 || self.truncated > 0, "{summary}");
        assert_eq!((&records["late"], &records["future"]), (&Value::from(0), &Value::from(0)), "{summary}");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if let Some(program) = &mut self.program {
            drop(program.child.kill());
            drop(program.child.wait());
        }
        drop(fs::remove_dir_all(&self.root));
    }
}

impl Program {
    pub(crate) fn of(mut child: Child) -> Self {
        let (stdout, mut errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let line = line.unwrap();
                let value = serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line}"));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).map(|_| text).unwrap_or_default()
        });
        Self { child, lines, said: Vec::new(), stderr }
    }

    pub(crate) fn wait_for(&mut self, enough: impl Fn(&[Value]) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !enough(&self.said) {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.said.push(line),
                Err(why) => panic!("{why}: {} opened of {:?}", opened(&self.said), self.said.last()),
            }
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Sends a signal, and gives what the program ended with and all that it said.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, Vec<Value>, String) {
        self.signal(signal);
        let since = Instant::now();
        let code = self.child.wait().unwrap().code();
        // It does not hang; how soon it ends depends on the machine and is not for a test to say.
        assert!(since.elapsed() < DEADLINE, "{:?}", since.elapsed());
        self.said.extend(self.lines.iter());
        (code, self.said, self.stderr.join().unwrap())
    }
}

pub(crate) fn opened(said: &[Value]) -> usize {
    said.iter().filter(|line| line["change"] == "opened").count()
}

/// A time of its own for each record, in 2026.
fn stamp(number: u64, tenths: u64) -> String {
    let (minute, second) = (number / 60, number % 60);
    format!(
        "2026-03-{:02}T{:02}:{:02}:{second:02}.{tenths}Z",
        1 + minute / 1440,
        minute / 60 % 24,
        minute % 60
    )
}

pub(crate) fn line(number: u64, word: &str) -> String {
    format!("{{\"at\":\"{}\",\"unit\":\"u{number}\",\"word\":\"{word}\"}}\n", stamp(number, 0))
}
