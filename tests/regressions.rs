//! What the fuzzers found, and what they went through to find it, once more and on stable Rust.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

#[allow(dead_code, reason = "the properties are not tried here")]
#[path = "../fuzz/src/reference.rs"]
mod reference;
#[allow(unreachable_pub, reason = "the crate of the fuzzers exports them")]
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// Each file in `fuzz/regressions/<target>/` was found by a fuzzer and is named after what it was.
#[test]
fn what_was_found_once_is_found_no_more() {
    for (target, run) in targets::ALL {
        let Ok(files) = fs::read_dir(folder("regressions").join(target)) else { continue };
        for file in files {
            let path = file.unwrap().path();
            eprintln!("{}", path.display());
            run(&fs::read(path).unwrap());
        }
    }
}

#[test]
fn every_target_holds_over_its_corpus() {
    for (target, run) in targets::ALL {
        let file = fs::File::open(folder("corpus").join(format!("{target}.tar.gz"))).unwrap();
        let mut archive = Vec::new();
        GzDecoder::new(file).read_to_end(&mut archive).unwrap();
        let inputs = members(&archive);
        assert!(inputs.len() > 20, "{target} has {}", inputs.len());
        for (name, bytes) in inputs {
            eprintln!("{target}: {name}");
            run(bytes);
        }
    }
}

/// Else the fuzzer would only see how bytes are refused.
#[test]
fn what_checkpoints_are_fuzzed_from_is_taken_in() {
    for events in [0, 1, 5, 20, 100, 300] {
        let sample = targets::checkpoint_load::sample(events);
        if let Ok(folder) = std::env::var("ETIOLOG_SEEDS") {
            fs::write(Path::new(&folder).join(events.to_string()), &sample).unwrap();
        }
        assert!(targets::checkpoint_load::is_taken_in(&sample), "of {events} events");
        targets::checkpoint_load::run(&sample);
    }
}

#[test]
fn every_target_has_its_fuzzer() {
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for (target, _) in targets::ALL {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
        let main = fs::read_to_string(folder("fuzz_targets").join(format!("{target}.rs"))).unwrap();
        assert!(main.contains(&format!("targets::{target}::run")), "{target}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), targets::ALL.len());
}

/// The files of a tar archive, each with its name: blocks of 512 bytes, a header before each file.
fn members(archive: &[u8]) -> Vec<(String, &[u8])> {
    const BLOCK: usize = 512;
    let text = |field: &[u8]| {
        let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        String::from_utf8(field[..end].to_vec()).unwrap()
    };
    let mut members = Vec::new();
    let mut rest = archive;
    while let Some((header, after)) = rest.split_at_checked(BLOCK).filter(|(header, _)| header[0] != 0) {
        let len = usize::from_str_radix(text(&header[124..136]).trim(), 8).unwrap();
        if header[156] == b'0' {
            members.push((text(&header[..100]), &after[..len]));
        }
        rest = after.get(len.div_ceil(BLOCK) * BLOCK..).unwrap_or_default();
    }
    members
}
