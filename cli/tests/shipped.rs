//! The shipped packs prove themselves: nothing is wrong with them, and their cases have seen all of their rules.

use std::process::{Command, Stdio};

/// What is written to stdout and stderr together, and whether the exit code is 0.
fn etiolog(arguments: &[&str]) -> (String, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etiolog"));
    command.args(arguments).env("NO_COLOR", "1").env_remove("COLUMNS").stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.code() == Some(0))
}

const PACKS: [&str; 2] = ["azure-iot-hub", "mosquitto"];

#[test]
fn nothing_is_wrong_with_a_shipped_pack() {
    for pack in PACKS {
        let (text, good) = etiolog(&["check", pack]);
        assert!(good, "{pack}: {text}");
    }
}

#[test]
fn the_cases_of_a_shipped_pack_pass_and_see_every_condition_both_ways() {
    for pack in PACKS {
        let (text, good) = etiolog(&["test", pack, "--threshold", "100"]);
        assert!(good, "{pack}: {text}");
        assert!(!text.contains("never on top"), "a cause is in no case: {text}");
        assert!(!text.contains("symptoms without"), "{text}");
    }
}
