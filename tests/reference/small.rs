//! The reference stays small enough to be read in one sitting.

use std::fs;
use std::path::Path;

#[test]
fn it_has_at_most_six_hundred_lines_of_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/src");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let lines: usize = files.map(|text| text.lines().filter(code).count()).sum();
    assert!(lines <= 600, "{lines} lines");
}
