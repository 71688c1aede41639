//! A run that stops anywhere goes on the next time: nothing is lost, and nothing is written twice.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PACK: [(&str, &str); 3] = [
    (
        "pack.yaml",
        "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nidentity: position\nties: ordered\n\
         subjects: [{name: unit, quiet: 10m}]\nproblem: {word: drop}\n",
    ),
    (
        "a.yaml",
        "etiolog: 1\narticle: a\ntitle: A\nevents:\n  drop: {word: drop}\nsymptoms:\n  \
         s: {title: S, per: unit, detect: {count: {event: drop, at-least: 2, within: 5m}}}\n\
         causes:\n  c: {title: C, severity: warning, explains: {s: always}}\n",
    ),
    (
        "inputs/lines.yaml",
        "etiolog: 1\ninput: lines\ntitle: Lines\nformat: json\ntime: {from: at}\n\
         fields: {unit: {from: unit}, word: {from: word}}\n",
    ),
];

/// A folder with a pack and logs.
struct Place {
    root: PathBuf,
    written: u64,
}

impl Place {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("etiolog-state-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&root));
        for (file, text) in PACK {
            let path = root.join("pack").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir_all(root.join("logs")).unwrap();
        Self { root, written: 0 }
    }

    /// Appends records; the last one may be cut, and its rest comes with the next ones.
    fn write(&mut self, file: &str, records: u64) {
        let mut text = String::new();
        for _ in 0..records {
            self.written += 1;
            let (n, second) = (self.written, self.written * 2);
            text += &format!(
                "{{\"at\":\"2026-03-{:02}T{:02}:{:02}:{:02}Z\",\"unit\":\"u{}\",\"word\":\"drop\",\"n\":{n}}}\n",
                1 + second / 86_400,
                second / 3_600 % 24,
                second / 60 % 60,
                second % 60,
                n / 3 % 50 + n / 900 * 50,
            );
        }
        let path = self.root.join("logs").join(file);
        OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn command(&self, state: &str, output: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        command.current_dir(&self.root);
        command.args(["diagnose", "-q", "-r", "pack", "-o", "json", "--state", state, "-O", output, "logs"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn run(&self, state: &str, output: &str) -> Output {
        self.command(state, output).output().unwrap()
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.root.join(file)).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.root));
    }
}

#[test]
fn a_run_goes_on_where_the_last_one_stopped() {
    let mut place = Place::new("on");
    for file in 0..4 {
        place.write(&format!("{file}.log"), 1_000);
        place.write(&format!("{file}.log"), 10);
        let ended = place.run("kept", "out.json");
        assert!(ended.status.success(), "{ended:?}");
    }
    assert!(place.run("kept", "out.json").status.success());
    assert!(place.run("other", "whole.json").status.success());
    let whole = place.text("whole.json");
    assert!(whole.lines().count() > 100);
    assert!(place.text("out.json") == whole);
}

#[test]
fn a_log_that_was_rotated_between_two_runs_is_read_on() {
    let mut place = Place::new("rotated");
    place.write("app.log", 500);
    assert!(place.run("kept", "out.json").status.success());
    place.write("app.log", 300);
    fs::rename(place.root.join("logs/app.log"), place.root.join("logs/app.log.1")).unwrap();
    place.write("app.log", 200);
    assert!(place.run("kept", "out.json").status.success());
    let summary = place.text("out.json").lines().last().unwrap().to_owned();
    assert!(summary.contains("\"read\":1000,\"decoded\":1000,"), "{summary}");
}

#[test]
fn what_was_read_is_not_read_again() {
    let mut place = Place::new("once");
    place.write("app.log", 4_000);
    assert!(place.run("kept", "out.json").status.success());
    let log = place.root.join("logs/app.log");
    // Nobody does this to a log; it shows what is read.
    let mut text = fs::read(&log).unwrap();
    let whole = text.clone();
    let middle = text.len() / 2;
    text[2_000..middle].fill(b'#');
    fs::write(&log, &text).unwrap();
    place.write("app.log", 1_000);
    assert!(place.run("kept", "out.json").status.success());
    let added = fs::read(&log).unwrap()[whole.len()..].to_vec();
    fs::write(&log, [whole, added].concat()).unwrap();
    assert!(place.run("other", "whole.json").status.success());
    assert!(place.text("out.json") == place.text("whole.json"));
}

#[test]
fn a_log_that_was_copied_and_cut_between_two_runs_is_read_on_in_its_copy() {
    let mut place = Place::new("copied");
    place.write("app.log", 500);
    let log = place.root.join("logs/app.log");
    let cut_line = |to: usize| {
        let text = fs::read(&log).unwrap();
        fs::write(&log, &text[..text.len() - to]).unwrap();
        text[text.len() - to..].to_vec()
    };
    // The last line is not whole yet: a part of the input that cannot be read.
    let rest = cut_line(30);
    assert_eq!(place.run("kept", "out.json").status.code(), Some(3));
    OpenOptions::new().append(true).open(&log).unwrap().write_all(&rest).unwrap();
    place.write("app.log", 300);
    fs::copy(&log, place.root.join("logs/app.log.1")).unwrap();
    fs::write(&log, "").unwrap();
    place.write("app.log", 200);
    assert_eq!(place.run("kept", "out.json").status.code(), Some(3));
    let summary: Value = serde_json::from_str(place.text("out.json").lines().last().unwrap()).unwrap();
    let records = &summary["records"];
    // The cut is counted as one that is rejected.
    assert_eq!((&records["decoded"], &records["read"]), (&1_000.into(), &1_001.into()), "{summary}");
}

/// What was said of one episode is said once, over several lives.
#[test]
fn a_stream_that_is_followed_again_goes_on_with_what_it_has_said() {
    let mut place = Place::new("live");
    for life in 0..4 {
        // Other units each time, after all others have become quiet.
        place.written = life * 900;
        place.write("app.log", 400);
        let mut child = place.command("kept", "out.json").args(["-f", "--lateness", "1m"]).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        let opened = || {
            let text = fs::read_to_string(place.root.join("out.json")).unwrap_or_default();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let opened = lines.filter(|line| line["change"] == "opened");
            let units =
                opened.filter_map(|line| line["subject"]["unit"].as_str()?.get(1..)?.parse::<u64>().ok());
            units.filter(|unit| *unit >= life * 50).count()
        };
        while opened() < 40 {
            assert!(Instant::now() < until, "{} opened in life {life}", opened());
            std::thread::sleep(Duration::from_millis(20));
        }
        if life == 3 {
            let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            assert!(sent.unwrap().success());
            assert_eq!(child.wait().unwrap().code(), Some(143));
        } else {
            // The state is kept soon after; killed before that, the lines are said anew.
            std::thread::sleep(Duration::from_millis(150 * life));
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    let mut open = BTreeSet::new();
    let mut summaries = 0;
    for line in place.text("out.json").lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        summaries += u32::from(line["type"] == "summary");
        let Some(unit) = line["subject"]["unit"].as_str().map(str::to_owned) else { continue };
        let fits = match line["change"].as_str() {
            Some("opened") => open.insert(unit),
            Some("updated") => open.contains(&unit),
            Some("resolved") => open.remove(&unit) || line["replaces"].is_null(),
            Some("withdrawn") | None => open.remove(&unit),
            Some(_) => false,
        };
        assert!(fits, "{line}");
    }
    assert!(open.is_empty() && summaries == 1, "{open:?}");
    let summary: Value = serde_json::from_str(place.text("out.json").lines().last().unwrap()).unwrap();
    assert_eq!((&summary["records"]["decoded"], &summary["records"]["read"]), (&1_600.into(), &1_600.into()));
}

#[test]
fn one_process_at_a_time_works_with_a_folder() {
    let mut place = Place::new("lock");
    place.write("a.log", 10);
    let mut first = place.command("kept", "one.json");
    let mut first = first.arg("-f").spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while !place.root.join("kept/state").exists() {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(10));
    }
    let second = place.run("kept", "two.json");
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another process works with `kept`"), "{said}");
    assert!(place.run("kept", "one.json").status.success(), "the lock ends with its process");
}

#[test]
fn a_damaged_generation_gives_way_to_the_one_before_and_says_so() {
    let mut place = Place::new("damaged");
    for file in ["a.log", "b.log"] {
        place.write(file, 1_000);
        assert!(place.run("kept", "out.json").status.success());
    }
    let (now, before) = (place.root.join("kept/state"), place.root.join("kept/state.before"));
    let mut bad = fs::read(&now).unwrap();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    fs::write(&now, &bad).unwrap();
    let ended = place.run("kept", "out.json");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success() && said.contains("going on from the generation before"), "{said}");
    assert!(place.run("other", "whole.json").status.success());
    assert!(place.text("out.json") == place.text("whole.json"));
    fs::write(&now, &bad[..middle]).unwrap();
    fs::write(&before, b"").unwrap();
    let ended = place.run("kept", "out.json");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.code() == Some(2) && said.contains("remove the folder to begin anew"), "{said}");
}

#[test]
fn a_state_of_a_newer_version_is_refused_and_stays_as_it_is() {
    let mut place = Place::new("newer");
    for file in ["a.log", "b.log"] {
        place.write(file, 100);
        assert!(place.run("kept", "out.json").status.success());
    }
    let now = place.root.join("kept/state");
    let whole = fs::read(&now).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&now, bytes).unwrap();
        let ended = place.run("kept", "out.json");
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    // Eight bytes say what it is, four of which version; a newer one has another digest at its end.
    let mut newer = whole.clone();
    newer[8] += 1;
    *newer.last_mut().unwrap() ^= 1;
    let (code, said) = refused(&newer);
    assert!(code == Some(2) && said.contains("was kept by a newer version"), "{code:?} {said}");
    assert!(!said.contains("generation before") && fs::read(&now).unwrap() == newer);
    // With the digest of this version it is this version, damaged.
    let mut damaged = whole;
    damaged[8] += 1;
    let (code, said) = refused(&damaged);
    assert!(code == Some(0) && said.contains("going on from the generation before"), "{code:?} {said}");
}

#[test]
fn what_cannot_be_gone_on_with_is_refused() {
    let mut place = Place::new("refused");
    place.write("a.log", 10);
    let refused = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
        let ended = command.current_dir(&place.root).args(["diagnose", "--state", "kept"]).args(arguments);
        ended.stdin(Stdio::null()).output().unwrap().status.code() == Some(2)
    };
    assert!(refused(&["-o", "json", "-"]) && refused(&["-o", "text", "logs"]));
    assert!(place.run("kept", "out.json").status.success());
    fs::write(place.root.join("out.json"), "").unwrap();
    assert_eq!(place.run("kept", "out.json").status.code(), Some(2), "the output is not what it was");
}

/// Kills the program at so many random moments: `ETIOLOG_KILLS`, 60 if it does not say.
#[test]
fn a_killed_run_loses_nothing_and_writes_nothing_twice() {
    killed("1", 1);
}

/// Files that are long enough to be shared out.
#[test]
fn a_killed_run_of_several_threads_loses_nothing_and_writes_nothing_twice() {
    killed("3", 4);
}

/// Kills a program of so many threads, which reads logs that are so many times as long, and so many times less often.
fn killed(threads: &str, length: u64) {
    let kills: u64 = std::env::var("ETIOLOG_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let kills = u32::try_from(kills.div_ceil(length)).unwrap();
    let (mut killed, mut lives, mut rounds) = (0, 0, 0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |n: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % n
    };
    while killed < kills {
        rounds += 1;
        let mut place = Place::new(&format!("kill-{threads}-{rounds}"));
        place.write("0.log", 800 * length);
        let began = Instant::now();
        assert!(place.run("timed", "timed.json").status.success());
        let life = u64::try_from(began.elapsed().as_micros()).unwrap();
        for step in 0..20.min(kills - killed) {
            if step % 3 == 0 {
                place.write(&format!("{}.log", step / 6), 1 + below(900 * length));
            }
            let mut child = place.command("kept", "out.json");
            let mut child = child.args(["-j", threads]).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(below(life * 5 / 4)));
            // Already over is no kill.
            killed += u32::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
            lives += 1;
        }
        assert!(place.command("kept", "out.json").args(["-j", threads]).output().unwrap().status.success());
        assert!(place.command("other", "whole.json").args(["-j", "1"]).output().unwrap().status.success());
        assert!(place.text("out.json") == place.text("whole.json"), "round {rounds}");
    }
    eprintln!("{killed} kills in {lives} lives and {rounds} rounds: nothing lost, nothing twice");
}
