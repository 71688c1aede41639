//! Logs that grow, are rotated, cut off and removed while the program reads them, and signals at any time.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod script;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use script::{Program, Script, line, opened};

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
