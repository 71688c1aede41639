//! P20: whatever goes wrong with what is read and written, the bytes are the same or the exit code says that they are not.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("etiolog-faults-{}-{name}", std::process::id()));
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).expect("a temporary folder can be made");
    path
}

fn etiolog() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).stdin(Stdio::null());
    command
}

fn diagnose(path: &str) -> Output {
    let as_of = ["diagnose", "--as-of", "2020-01-01T00:00:00Z", "-o", "json", path];
    etiolog().args(as_of).output().expect("the program starts")
}

const SAMPLE: &str = "samples/java-609.jsonl";

/// Verbs that write, one of each kind.
const VERBS: [&[&str]; 9] = [
    &["diagnose", SAMPLE],
    &["diagnose", SAMPLE, "-o", "json"],
    &["rules"],
    &["rules", "-o", "json"],
    &["explain", "404104"],
    &["check", "--cost"],
    &["schema", "article"],
    &["--help"],
    &["--version"],
];

#[test]
fn a_compressed_log_cut_anywhere_says_so() {
    let folder = folder("cut");
    let text =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/java-609.jsonl")).expect("the sample");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&text[..2_000]).expect("memory can be written");
    let whole = encoder.finish().expect("memory can be written");
    let path = folder.join("log.gz");
    let shown = path.to_str().expect("a plain path");
    // The library's own test goes through every byte; here are both ends and some between.
    let cuts = (1..12).chain((12..whole.len()).step_by(61)).chain(whole.len() - 9..whole.len());
    for cut in cuts {
        fs::write(&path, &whole[..cut]).expect("a file can be written");
        assert_eq!(diagnose(shown).status.code(), Some(3), "cut at {cut} of {}", whole.len());
    }
    drop(fs::remove_dir_all(&folder));
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_read_to_its_end_ends_with_3() {
    // Reading it fails with an error of the device.
    let output = diagnose("/proc/self/mem");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let as_stdin = fs::File::open("/").expect("there is a root");
    let output = etiolog().args(["diagnose", "-"]).stdin(as_stdin).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn every_verb_that_cannot_write_ends_with_2() {
    for verb in VERBS {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("linux has it");
        let output =
            etiolog().args(verb).stdout(full).stderr(Stdio::piped()).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{verb:?}");
        assert!(!output.stderr.is_empty(), "{verb:?}");
    }
}

/// Nobody reads what it says: that is the reader's decision, and no reason to panic.
#[cfg(unix)]
#[test]
fn a_closed_output_is_no_crash() {
    for verb in VERBS {
        let script = r#"exec "$0" "$@" >&-"#;
        let mut command = Command::new("sh");
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        command.args(["-c", script, env!("CARGO_BIN_EXE_etiolog")]).args(verb).stdin(Stdio::null());
        let output = command.output().expect("there is a shell");
        assert!(matches!(output.status.code(), Some(0 | 2)), "{verb:?}: {:?}", output.status);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{verb:?}: {said}");
    }
}
