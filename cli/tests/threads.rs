//! `-j`: however many threads read, the bytes that are written are the same.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("etiolog-threads-{}-{name}", std::process::id()));
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).expect("a temporary folder can be made");
    path
}

fn diagnose(threads: u32, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    command.current_dir(root()).stdin(Stdio::null()).env("NO_COLOR", "1").env_remove("COLUMNS");
    command.args(["diagnose", "--as-of", "2027-01-01T00:00:00Z", "-j", &threads.to_string()]);
    command.args(arguments).output().expect("the program starts")
}

/// What two and five threads write, held against one.
fn same(arguments: &[&str]) -> Output {
    let one = diagnose(1, arguments);
    assert!(one.stdout.len() > 100, "{arguments:?}: {}", String::from_utf8_lossy(&one.stderr));
    for threads in [2, 5] {
        let many = diagnose(threads, arguments);
        assert!(many.stdout == one.stdout, "{arguments:?}: {threads} threads write something else");
        assert!(many.stderr == one.stderr, "{}", String::from_utf8_lossy(&many.stderr));
        assert_eq!(many.status.code(), one.status.code(), "{arguments:?}: {threads} threads");
    }
    one
}

/// The samples at the top of their folder, but for the day of a fleet, which is long.
fn samples() -> Vec<String> {
    let logs = |path: &PathBuf| {
        let name = path.to_string_lossy().into_owned();
        [".jsonl", ".log"].iter().any(|end| name.ends_with(end))
    };
    let entries = fs::read_dir(root().join("samples")).expect("there are samples");
    let paths = entries.map(|entry| entry.expect("an entry").path()).filter(logs);
    let mut names: Vec<String> = paths.map(|path| path.to_string_lossy().into_owned()).collect();
    names.sort();
    assert!(names.len() > 6);
    names
}

#[test]
fn the_samples_say_the_same_for_any_number_of_threads() {
    for sample in samples() {
        for output in ["text", "json"] {
            same(&["-o", output, &sample]);
        }
    }
}

#[test]
fn all_samples_together_say_the_same_for_any_number_of_threads() {
    for output in ["text", "json"] {
        let mut arguments = vec!["-o", output, "samples/shapes"];
        let samples = samples();
        arguments.extend(samples.iter().map(String::as_str));
        same(&arguments);
    }
}

/// The beginning of the day of a fleet.
fn fleet() -> Vec<u8> {
    let packed = fs::File::open(root().join("samples/fleet-day.jsonl.gz")).expect("the sample");
    let mut text = Vec::new();
    GzDecoder::new(packed).take(1_500_000).read_to_end(&mut text).expect("the sample is whole");
    text
}

#[test]
fn a_long_log_says_the_same_compressed_or_not_and_cut_off() {
    let folder = folder("long");
    let text = fleet();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&text).expect("memory can be written");
    let packed = encoder.finish().expect("memory can be written");
    let cut = packed.len() - 1_000;
    for (name, bytes) in [("a.jsonl", &text[..]), ("b.jsonl.gz", &packed), ("c.jsonl.gz", &packed[..cut])] {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("a file can be written");
        same(&["-o", "json", path.to_str().expect("a plain path")]);
    }
    let paths = folder.join("*");
    let ended = same(&["-o", "json", paths.to_str().expect("a plain path")]);
    assert_eq!(ended.status.code(), Some(3), "one was cut off");
    drop(fs::remove_dir_all(folder));
}

#[test]
fn a_reader_that_goes_away_ends_the_program() {
    let folder = folder("pipe");
    let path = folder.join("a.jsonl");
    fs::write(&path, fleet()).expect("a file can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    command.current_dir(root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let path = path.to_str().expect("a plain path");
    let mut child =
        command.args(["diagnose", "-j", "3", "-o", "json", path]).spawn().expect("the program starts");
    drop(child.stdout.take());
    // Whatever it says of that, it ends.
    assert!(child.wait().is_ok());
    drop(fs::remove_dir_all(folder));
}

#[test]
fn no_threads_and_too_many_are_refused() {
    for threads in [0, 257] {
        assert_eq!(diagnose(threads, &["samples/java-609.jsonl"]).status.code(), Some(2));
    }
}
