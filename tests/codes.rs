//! Every kind of problem has a row in `rules/README.md`, and every row is a kind of problem.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const README: &str = include_str!("../rules/README.md");

/// Functions that take a code among their arguments.
const MAKERS: &[&str] = &["problem", "problem_at", "problem_within", "of_file", "fault", "new", "unknown"];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            sources(&path, into);
        } else if !["tests", "naive", "fixture", "bench", "sample"].contains(&stem.as_str()) {
            into.push(path);
        }
    }
}

/// The arguments of a call that are nothing but a word in quotes: `"unknown-key"`. `rest` begins behind its parenthesis.
fn words(rest: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start, mut words) = (0_usize, false, 0, Vec::new());
    for (at, c) in rest.char_indices() {
        let end = match c {
            '"' if !rest[..at].ends_with('\\') => {
                quoted = !quoted;
                false
            }
            _ if quoted => false,
            '(' | '[' | '{' => {
                depth += 1;
                false
            }
            ')' | ']' | '}' if depth > 0 => {
                depth -= 1;
                false
            }
            ',' => depth == 0,
            ')' => true,
            _ => false,
        };
        if end {
            let word = rest[start..at].trim().strip_prefix('"').and_then(|word| word.strip_suffix('"'));
            words.extend(
                word.filter(|word| {
                    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
                }),
            );
            start = at + 1;
            if c == ')' {
                break;
            }
        }
    }
    words
}

/// Each code with a file that makes problems of it.
fn codes() -> BTreeMap<String, PathBuf> {
    let mut paths = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
    let mut codes = BTreeMap::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for maker in MAKERS {
            let called = format!("{maker}(");
            for (at, _) in text.match_indices(&called) {
                let before = text[..at].chars().next_back().unwrap_or(' ');
                let is_new =
                    *maker != "new" || text[..at].ends_with("Problem::") || text[..at].ends_with("Fault::");
                let defined = text[..at].ends_with("fn ");
                if before.is_alphanumeric() || before == '_' || !is_new || defined {
                    continue;
                }
                // The code is the first word of them all; a word of the file may follow.
                if let Some(code) = words(&text[at + called.len()..]).first() {
                    codes.insert((*code).to_owned(), path.clone());
                }
            }
        }
    }
    codes
}

/// The codes of the table: rows that begin with a code and say what is refused.
fn rows() -> BTreeSet<&'static str> {
    let chapter = README.split("## What is refused").nth(1).expect("the chapter is there");
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    chapter.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

#[test]
fn every_kind_of_problem_has_a_row() {
    let rows = rows();
    let codes = codes();
    let missing: Vec<_> = codes.iter().filter(|(code, _)| !rows.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(codes.len() > 60, "{codes:#?}");
}

#[test]
fn every_row_is_a_kind_of_problem() {
    let mut paths = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
    let source: String = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let gone: Vec<_> = rows().into_iter().filter(|code| !source.contains(&format!("\"{code}\""))).collect();
    assert!(gone.is_empty(), "{gone:?}");
}
