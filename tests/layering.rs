//! The house keeps its rows: a room imports only from rows above its own, never sideways, and each outside crate has its
//! one room. Changing a table here is how one proposes a new arrow.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by row, top first.
const ROWS: &[&[&str]] = &[
    &["error"],
    &["codec"],
    &["model"],
    &["yaml", "predicate", "timeline"],
    &["input", "detector", "knowledge", "output"],
    &["plugin"],
    &["rule"],
    &["pack"],
    &["engine"],
    &["pipeline", "simulate"],
    &["check"],
];

/// Crates that only one room may name.
const OWNERS: &[(&str, &str)] = &[
    ("rhai", "predicate"),
    ("nom", "input"),
    ("saphyr_parser", "yaml"),
    ("serde_yaml", "yaml"),
    ("flate2", "input"),
    ("ruzstd", "input"),
    ("pulldown_cmark", "knowledge"),
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Every library file with its room and its text without comments.
fn files() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let code = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    };
    paths
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let room = inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
            let text = code(&path);
            (path, room, text)
        })
        .collect()
}

/// The names that follow `crate::`, also inside braces.
fn imports(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        for name in list {
            names.push(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    names
}

#[test]
fn a_room_imports_only_from_rows_above_its_own() {
    let row: BTreeMap<&str, usize> =
        ROWS.iter().enumerate().flat_map(|(row, rooms)| rooms.iter().map(move |room| (*room, row))).collect();
    let mut faults = Vec::new();
    for (path, room, code) in files() {
        if room == "lib" {
            continue;
        }
        let Some(own) = row.get(room.as_str()) else {
            faults.push(format!("{}: room `{room}` has no row", path.display()));
            continue;
        };
        for name in imports(&code) {
            match row.get(name.as_str()) {
                Some(other) if *other < *own || name == room => {}
                Some(_) => faults.push(format!("{}: `{room}` may not import `{name}`", path.display())),
                None => faults.push(format!("{}: `crate::{name}` is not a room", path.display())),
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn an_outside_crate_is_named_in_one_room_only() {
    let mut faults = Vec::new();
    for (path, room, code) in files() {
        for (name, owner) in OWNERS {
            let names = [format!("use {name}::"), format!("{name}::"), format!("extern crate {name}")];
            let named = names.iter().any(|word| {
                code.match_indices(word.as_str()).any(|(at, _)| {
                    let before = code[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                })
            });
            if named && room != *owner {
                faults.push(format!("{}: only `{owner}` may name {name}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_engine_holds_no_word_of_a_domain() {
    let words = ["iothub", "iot hub", "iot-hub", "azure", "404104", "401003", "500xxx", "deviceconnect"];
    let mut faults = Vec::new();
    for (path, _, _) in files() {
        // Comments count too; the names of shipped packs in examples of the documentation do not.
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        for (number, line) in text.lines().enumerate() {
            let line = line.replace("azure-iot-hub", "").replace("azurediagnostics", "");
            let example = line.trim_start().starts_with("//") && path.ends_with("lib.rs");
            if !example && words.iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn files_stay_small_and_no_room_is_without_an_idea() {
    let mut faults = Vec::new();
    for (path, _, _) in files() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        if lines > 600 {
            faults.push(format!("{}: {lines} lines", path.display()));
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ["util", "utils", "helper", "helpers", "common", "misc"].contains(&name.as_str()) {
            faults.push(format!("{}: a name without an idea", path.display()));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
