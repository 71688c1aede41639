//! Logs that grow, are rotated, cut off and removed while the program reads them, and signals at any time.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

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
struct Script {
    root: PathBuf,
    /// Records written so far; each is about a unit of its own.
    written: u64,
    /// Those that may be missing.
    lost: Vec<u64>,
    truncated: u64,
    /// The rest of a record that was written in part.
    part: String,
    program: Option<Program>,
}

struct Program {
    child: Child,
    lines: Receiver<Value>,
    said: Vec<Value>,
    stderr: thread::JoinHandle<String>,
}

impl Script {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("etiolog-follow-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&root));
        for (file, text) in PACK {
            let path = root.join("pack").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { root, written: 0, lost: Vec::new(), truncated: 0, part: String::new(), program: None }
    }

    fn at(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.root).args(["diagnose", "-r", "pack", "-o", "json"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts to follow, and waits until the program has begun.
    fn follow(&mut self, arguments: &[&str]) {
        let mut command = self.command(&["--follow", "--lateness", "0"]);
        let child = command.args(arguments).spawn().unwrap();
        self.program = Some(Program::of(child));
        self.program().wait_for(|said| !said.is_empty());
    }

    fn program(&mut self) -> &mut Program {
        self.program.as_mut().unwrap()
    }

    fn record(&mut self) -> String {
        self.written += 1;
        line(self.written, "drop")
    }

    /// What moves time past the last record: once this was read, everything before it was.
    fn tick(&self) -> String {
        format!("{{\"at\":\"{}\",\"unit\":\"t\",\"word\":\"tick\"}}\n", stamp(self.written, 5))
    }

    fn append(&self, file: &str, text: &str) {
        let path = self.at(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn write(&mut self, file: &str, records: usize) {
        let mut text: String = (0..records).map(|_| self.record()).collect();
        text += &self.tick();
        self.append(file, &text);
    }

    /// Writes through a handle that was opened before, wherever its file is by now.
    fn write_to(&mut self, mut file: &File, records: usize) {
        let mut text: String = (0..records).map(|_| self.record()).collect();
        text += &self.tick();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn handle(&self, file: &str) -> File {
        OpenOptions::new().append(true).create(true).open(self.at(file)).unwrap()
    }

    /// The first half of a record.
    fn write_part(&mut self, file: &str) {
        let text = self.record();
        let (first, rest) = text.split_at(text.len() / 2);
        self.append(file, first);
        self.part = rest.to_owned();
    }

    /// The other half.
    fn write_rest(&mut self, file: &str) {
        let text = std::mem::take(&mut self.part) + &self.tick();
        self.append(file, &text);
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.at(from), self.at(to)).unwrap();
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.at(from), self.at(to)).unwrap();
    }

    fn cut(&mut self, file: &str) {
        OpenOptions::new().write(true).open(self.at(file)).unwrap().set_len(0).unwrap();
        self.truncated += 1;
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.at(file)).unwrap();
    }

    fn gzip(&self, from: &str, to: &str) {
        let mut encoder = GzEncoder::new(File::create(self.at(to)).unwrap(), Compression::fast());
        encoder.write_all(&fs::read(self.at(from)).unwrap()).unwrap();
        encoder.finish().unwrap();
    }

    /// Waits until all that was written was read.
    fn sync(&mut self) {
        let wanted = self.written - self.lost.len() as u64;
        self.program().wait_for(|said| opened(said) >= wanted as usize);
    }

    /// Ends the program, and looks that nothing is lost and nothing doubled.
    fn end(mut self) {
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
    fn of(mut child: Child) -> Self {
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

    fn wait_for(&mut self, enough: impl Fn(&[Value]) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !enough(&self.said) {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.said.push(line),
                Err(why) => panic!("{why}: {} opened of {:?}", opened(&self.said), self.said.last()),
            }
        }
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Sends a signal, and gives what the program ended with and all that it said.
    fn end(mut self, signal: &str) -> (Option<i32>, Vec<Value>, String) {
        self.signal(signal);
        let since = Instant::now();
        let code = self.child.wait().unwrap().code();
        // It does not hang; how soon it ends depends on the machine and is not for a test to say.
        assert!(since.elapsed() < DEADLINE, "{:?}", since.elapsed());
        self.said.extend(self.lines.iter());
        (code, self.said, self.stderr.join().unwrap())
    }
}

fn opened(said: &[Value]) -> usize {
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

fn line(number: u64, word: &str) -> String {
    format!("{{\"at\":\"{}\",\"unit\":\"u{number}\",\"word\":\"{word}\"}}\n", stamp(number, 0))
}

/// What happens to the logs.
type Scenario = (&'static str, fn(&mut Script));

const SCENARIOS: [Scenario; 28] = [
    ("growth", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        for _ in 0..3 {
            s.write("app.log", 2);
            s.sync();
        }
    }),
    ("growth-unobserved", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        (0..40).for_each(|_| s.write("app.log", 5));
    }),
    ("rename", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.write("app.log", 2);
        s.sync();
        s.rename("app.log", "app.log.1");
        s.write("app.log", 2);
    }),
    ("rename-with-unread-records", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.sync();
        s.write("app.log", 20);
        s.rename("app.log", "app.log.1");
        s.write("app.log", 2);
    }),
    ("rename-twice-with-unread-records-of-the-last", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.sync();
        s.write("app.log", 20);
        s.rename("app.log", "app.log.1");
        s.write("app.log", 20);
        s.sync();
        s.rename("app.log.1", "app.log.2");
        s.rename("app.log", "app.log.1");
        s.write("app.log", 2);
    }),
    ("rename-and-the-writer-stays", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.sync();
        let writer = s.handle("app.log");
        s.rename("app.log", "app.log.1");
        s.write_to(&writer, 3);
        s.sync();
        s.write("app.log", 2);
        s.sync();
        s.write_to(&writer, 3);
        s.sync();
        s.write("app.log", 2);
    }),
    ("rename-in-a-pattern", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log*"]);
        s.sync();
        s.write("app.log", 3);
        s.rename("app.log", "app.log.1");
        s.write("app.log", 3);
        s.sync();
        s.rename("app.log.1", "app.log.2");
        s.rename("app.log", "app.log.1");
        s.write("app.log", 3);
    }),
    ("rename-in-a-folder", |s| {
        s.write("logs/app.log", 2);
        s.follow(&["logs"]);
        s.sync();
        s.rename("logs/app.log", "logs/app-0.log");
        s.write("logs/app.log", 3);
    }),
    ("rename-out-of-the-folder", |s| {
        s.write("logs/app.log", 2);
        s.follow(&["logs"]);
        s.sync();
        s.write("logs/app.log", 9);
        s.rename("logs/app.log", "old.log");
        s.write("logs/app.log", 3);
    }),
    ("copy-and-truncate", |s| {
        s.write("app.log", 3);
        s.follow(&["app.log"]);
        s.sync();
        s.copy("app.log", "app.log.1");
        s.cut("app.log");
        s.write("app.log", 1);
    }),
    ("copy-and-truncate-in-a-pattern", |s| {
        s.write("app.log", 3);
        s.follow(&["app.log*"]);
        s.sync();
        s.copy("app.log", "app.log.1");
        s.cut("app.log");
        s.write("app.log", 1);
    }),
    ("copy-and-truncate-with-unread-records-in-the-copy", |s| {
        s.write("app.log", 9);
        s.follow(&["app.log*"]);
        s.sync();
        s.write("app.log", 5);
        s.copy("app.log", "app.log.1");
        s.cut("app.log");
        s.write("app.log", 1);
    }),
    ("copy-and-later-truncate", |s| {
        s.write("logs/app.log", 9);
        s.follow(&["logs"]);
        s.sync();
        s.copy("logs/app.log", "logs/copy.log");
        s.write("logs/app.log", 5);
        s.sync();
        s.cut("logs/app.log");
        s.write("logs/app.log", 1);
    }),
    ("truncate", |s| {
        s.write("app.log", 5);
        s.follow(&["app.log"]);
        s.sync();
        s.cut("app.log");
        s.write("app.log", 1);
        s.sync();
        s.write("app.log", 5);
    }),
    ("truncate-and-rewrite-more", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.sync();
        s.cut("app.log");
        s.write("app.log", 9);
    }),
    ("truncate-and-rewrite-as-much", |s| {
        s.written = 10;
        s.lost = (1..=10).collect();
        s.write("app.log", 4);
        s.follow(&["app.log"]);
        s.sync();
        s.cut("app.log");
        s.write("app.log", 4);
    }),
    ("truncate-in-a-record", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.sync();
        s.write_part("app.log");
        s.part.clear();
        s.lost.push(s.written);
        // What follows a half record is not known to be read: give it the time of some looks.
        thread::sleep(Duration::from_millis(500));
        s.cut("app.log");
        s.write("app.log", 1);
    }),
    ("delete-and-recreate", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.write("app.log", 2);
        s.sync();
        s.remove("app.log");
        s.write("app.log", 2);
        s.sync();
        s.write("app.log", 2);
    }),
    ("delete-with-unread-records", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.sync();
        s.write("app.log", 7);
        s.remove("app.log");
        s.sync();
        s.write("app.log", 2);
    }),
    ("replaced-by-a-longer-copy", |s| {
        s.write("app.log", 5);
        s.follow(&["app.log"]);
        s.sync();
        s.copy("app.log", "next");
        s.write("next", 5);
        s.rename("next", "app.log");
        s.sync();
        s.write("app.log", 2);
    }),
    ("moved-away-and-back", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.sync();
        s.rename("app.log", "elsewhere");
        s.write("elsewhere", 2);
        s.sync();
        s.rename("elsewhere", "app.log");
        s.write("app.log", 2);
    }),
    ("a-file-that-comes-later", |s| {
        s.follow(&["app.log"]);
        s.write("app.log", 2);
    }),
    ("a-record-in-two-parts", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log"]);
        s.sync();
        s.write_part("app.log");
        thread::sleep(Duration::from_millis(300));
        s.write_rest("app.log");
    }),
    ("a-record-in-two-parts-over-a-rename", |s| {
        s.write("app.log", 2);
        s.follow(&["app.log*"]);
        s.sync();
        s.write_part("app.log");
        thread::sleep(Duration::from_millis(300));
        s.rename("app.log", "app.log.1");
        s.write_rest("app.log.1");
        s.sync();
        s.write("app.log", 2);
    }),
    ("new-files-of-a-pattern", |s| {
        s.write("2026-01.log", 2);
        s.follow(&["2026-*.log"]);
        s.sync();
        for month in 2..5 {
            s.write(&format!("2026-{month:02}.log"), 2);
            s.sync();
        }
    }),
    ("folders-of-hours", |s| {
        s.write("logs/h=00/log.json", 2);
        s.follow(&["logs"]);
        s.sync();
        for hour in 1..4 {
            s.write(&format!("logs/h={hour:02}/log.json"), 2);
            s.sync();
            // The last hour is not quite over.
            s.write(&format!("logs/h={:02}/log.json", hour - 1), 2);
            s.sync();
        }
    }),
    ("compressed-after-rotation", |s| {
        s.write("app.log", 5);
        s.follow(&["app.log*"]);
        s.sync();
        s.rename("app.log", "app.log.1");
        s.write("app.log", 2);
        s.sync();
        s.gzip("app.log.1", "app.log.1.gz");
        s.remove("app.log.1");
        s.write("app.log", 2);
        s.sync();
        // A compressed file is read when it has been still for a second.
        thread::sleep(Duration::from_millis(1_600));
        s.write("app.log", 2);
    }),
    ("a-new-compressed-file", |s| {
        s.write("a.log", 5);
        s.follow(&["*.log*"]);
        s.sync();
        s.write("next", 5);
        s.gzip("next", "b.log.gz");
        s.sync();
        s.write("a.log", 1);
    }),
];

#[test]
fn whatever_happens_to_the_logs_nothing_is_lost_and_nothing_is_read_twice() {
    let failed: Vec<&str> = thread::scope(|scope| {
        let play = |&(name, act): &Scenario| {
            let play = move || {
                let mut script = Script::new(name);
                act(&mut script);
                script.end();
            };
            (name, thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, play).unwrap())
        };
        let running: Vec<_> = SCENARIOS.iter().map(play).collect();
        running.into_iter().filter_map(|(name, thread)| thread.join().is_err().then_some(name)).collect()
    });
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_pipe_is_followed_until_it_ends() {
    let mut script = Script::new("pipe");
    let mut child = script.command(&["-f", "--lateness", "0"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    script.program = Some(Program::of(child));
    for _ in 0..3 {
        let text = script.record() + &script.tick();
        pipe.write_all(text.as_bytes()).unwrap();
        script.sync();
    }
    drop(pipe);
    let mut program = script.program.take().unwrap();
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
    assert_eq!(program.lines.iter().last().unwrap()["records"]["decoded"], 3);
}

#[test]
fn a_silent_source_does_not_hold_back_what_another_says() {
    let mut script = Script::new("idle");
    script.append("silent.log", &(line(1, "tick") + &line(1, "tick")));
    script.written = 100;
    script.write("busy.log", 2);
    script.follow(&["--idle", "300ms", "silent.log", "busy.log"]);
    script.program().wait_for(|said| opened(said) == 2);
}

#[test]
fn text_is_told_as_it_happens() {
    let mut script = Script::new("text");
    script.write("app.log", 1);
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    command.current_dir(&script.root).args(["diagnose", "-r", "pack", "-f", "--lateness", "0", "app.log"]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert!(first.starts_with("opened "), "{first}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(rest.contains("Not over when the stream ended:") && rest.contains(" records 2 read"), "{rest}");
}

#[test]
fn a_signal_is_heard_while_a_pipe_is_silent() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let script = Script::new(&format!("silent-{signal}"));
        let mut child = script.command(&[]).stdin(Stdio::piped()).spawn().unwrap();
        let pipe = child.stdin.take();
        let mut program = Program::of(child);
        program.wait_for(|said| !said.is_empty());
        let (ended, said, stderr) = program.end(signal);
        assert_eq!(ended, Some(code), "{stderr}");
        assert_eq!(said.last().unwrap()["type"], "summary");
        drop(pipe);
    }
}

#[test]
fn a_signal_at_any_time_ends_the_program_soon_and_with_a_summary() {
    let mut script = Script::new("any-time");
    let text: String = (0..4_000).map(|_| script.record()).collect();
    script.append("app.log", &text);
    for round in 0..24_u64 {
        let signal = if round % 2 == 0 { "INT" } else { "TERM" };
        let mode: &[&str] = if round % 3 == 0 { &["app.log"] } else { &["-f", "app.log"] };
        let mut program = Program::of(script.command(mode).spawn().unwrap());
        program.wait_for(|said| !said.is_empty());
        thread::sleep(Duration::from_micros(round * round * 977 % 60_000));
        if program.child.try_wait().unwrap().is_some() {
            continue;
        }
        let (code, said, stderr) = program.end(signal);
        // A program that was not asked to follow may have come to its end by itself.
        let ended =
            [Some(if signal == "INT" { 130 } else { 143 }), if round % 3 == 0 { Some(0) } else { None }];
        assert!(ended.contains(&code), "{code:?} {stderr}");
        let summary = said.last().unwrap();
        assert_eq!(summary["type"], "summary");
        let finals = said.iter().filter(|line| line["type"] == "diagnosis" && line.get("change").is_none());
        assert_eq!(finals.count() as u64, summary["records"]["decoded"].as_u64().unwrap());
    }
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let mut script = Script::new("second");
    let text: String = (0..5_000).map(|_| script.record()).collect();
    script.append("app.log", &text);
    // Nobody reads what it writes, so it cannot come to an end by itself.
    let mut child = script.command(&["-f", "app.log"]).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    let signal =
        || assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    signal();
    thread::sleep(Duration::from_millis(300));
    signal();
    let until = Instant::now() + Duration::from_secs(2);
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        assert!(Instant::now() < until, "it goes on");
        thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(code, Some(130));
}

#[test]
fn what_can_never_come_is_an_error() {
    let script = Script::new("never");
    let output = script.command(&["-f", "no/such/folder/app.log"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = script.command(&["--idle", "1m", "pack"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
