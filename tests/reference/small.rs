//! The reference stays small enough to be read in one sitting, and what learns in a second one.

use std::fs;
use std::path::Path;

/// Lines of code, without blank ones and comments.
fn lines(files: &[&str]) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/src");
    let code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let text = |name: &&str| fs::read_to_string(folder.join(name)).unwrap();
    files.iter().map(text).map(|text| text.lines().filter(code).count()).sum()
}

#[test]
fn it_is_small() {
    let all = ["lib.rs", "ingress.rs", "detect.rs"];
    assert!(lines(&all) <= 570, "{} lines", lines(&all));
    let chains = ["sequence.rs", "restricted.rs"];
    assert!(lines(&chains) <= 280, "{} lines", lines(&chains));
    let looking_back = ["absence.rs", "change.rs"];
    assert!(lines(&looking_back) <= 270, "{} lines", lines(&looking_back));
    let learning = ["periodic.rs", "surge.rs", "dip.rs"];
    assert!(lines(&learning) <= 730, "{} lines", lines(&learning));
}

#[test]
fn no_file_is_left_out_of_the_count() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/src");
    // `compare.rs` holds an engine against it and evaluates nothing.
    assert_eq!(fs::read_dir(folder).unwrap().count(), 11);
}
