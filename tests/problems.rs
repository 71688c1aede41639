//! Broken rule files, each named after its fault, and what is said of them.
//!
//! `tests/corpus/problems/NAME.yaml` stands in the place of one file of the sound pack `tests/corpus/base`: of the pack
//! file, of the input or of the article. `NAME.txt` beside it is what its author reads. Run the tests with
//! `REWRITE_PROBLEMS=1` to write what is read now, and review the difference.

use std::fs;
use std::path::{Path, PathBuf};

use etiolog::output::{self, Style};
use etiolog::{Edit, Engine, Pack, Problem, Registry, check};

const PACK: &str = "pack.yaml";
const INPUT: &str = "inputs/controller.yaml";
const ARTICLE: &str = "trips.yaml";

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// A broken file: its name without an ending, its place in the pack, and its bytes.
struct Broken {
    name: String,
    place: &'static str,
    bytes: Vec<u8>,
}

fn broken() -> Vec<Broken> {
    let entries = fs::read_dir(corpus().join("problems")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let says = |key: &str| text.lines().any(|line| line.starts_with(key));
        let place = match () {
            () if says("pack:") => PACK,
            () if says("input:") => INPUT,
            () => ARTICLE,
        };
        Broken { name: path.file_stem().unwrap().to_str().unwrap().to_owned(), place, bytes }
    };
    paths.into_iter().map(read).collect()
}

fn base() -> Vec<(&'static str, String)> {
    let read = |path| (path, fs::read_to_string(corpus().join("base").join(path)).unwrap());
    [PACK, INPUT, ARTICLE].map(read).into()
}

/// What is wrong with the sound pack when one of its files has other bytes: what loading refuses; of what it accepts,
/// what only `check` says, or what comes of its cases.
fn problems(place: &str, bytes: &[u8]) -> Vec<Problem> {
    let mut pack = match std::str::from_utf8(bytes) {
        Ok(_) => Pack::default(),
        Err(_) => match from_disk(place, bytes) {
            Ok(pack) => pack,
            Err(error) => return error.problems().to_vec(),
        },
    };
    for (path, text) in base() {
        pack.add(path, text);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        pack.add(place, text);
    }
    match Engine::builder().pack(pack.clone()).build() {
        Err(error) => error.problems().to_vec(),
        Ok(_) => {
            let mut told = check::lint(&[pack], &Registry::builtin());
            // The corpus is about rule files: none has an article beside it.
            told.retain(|problem| problem.code != "no-article");
            told
        }
    }
}

/// Text in memory is always Unicode; only a file on disk may be anything else.
fn from_disk(place: &str, bytes: &[u8]) -> Result<Pack, etiolog::Error> {
    let folder = std::env::temp_dir().join(format!("etiolog-problems-{}", std::process::id()));
    fs::create_dir_all(folder.join("inputs")).unwrap();
    for (path, text) in base() {
        fs::write(folder.join(path), text).unwrap();
    }
    fs::write(folder.join(place), bytes).unwrap();
    let pack = Pack::load(&folder);
    fs::remove_dir_all(&folder).unwrap();
    pack
}

fn shown(problems: &[Problem]) -> String {
    let mut problems = problems.to_vec();
    for problem in &mut problems {
        // A temporary folder has another name each time.
        for place in [PACK, INPUT, ARTICLE] {
            if problem.file.ends_with(place) {
                place.clone_into(&mut problem.file);
            }
        }
    }
    output::problems::text(&problems, Style { width: 100, color: false })
}

#[test]
fn the_sound_pack_is_accepted() {
    assert_eq!(shown(&problems(ARTICLE, base()[2].1.as_bytes())), "");
}

#[test]
fn every_broken_file_is_refused_in_the_reviewed_words() {
    let rewrite = std::env::var_os("REWRITE_PROBLEMS").is_some();
    let (mut silent, mut changed) = (Vec::new(), Vec::new());
    let all = broken();
    assert!(all.len() >= 200, "{} files", all.len());
    for file in &all {
        let path = corpus().join("problems").join(format!("{}.txt", file.name));
        let text = shown(&problems(file.place, &file.bytes));
        if text.is_empty() {
            silent.push(file.name.clone());
        } else if rewrite {
            fs::write(&path, text).unwrap();
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            changed.push(format!("{}:\n{text}", file.name));
        }
    }
    assert!(silent.is_empty(), "accepted without a word: {silent:#?}");
    assert!(changed.is_empty(), "not as reviewed (REWRITE_PROBLEMS=1):\n{}", changed.join("\n"));
}

#[test]
fn every_reviewed_text_belongs_to_a_broken_file() {
    for entry in fs::read_dir(corpus().join("problems")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            assert!(path.with_extension("yaml").is_file(), "{}", path.display());
        }
    }
}

fn applied(text: &str, edit: &Edit) -> String {
    format!("{}{}{}", &text[..edit.span.start], edit.text, &text[edit.span.end..])
}

#[test]
fn an_edit_mends_its_problem() {
    let mut tried = 0;
    for file in broken() {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        let before = problems(file.place, &file.bytes);
        for problem in before.iter().filter(|problem| problem.file == file.place) {
            let Some(edit) = &problem.edit else { continue };
            tried += 1;
            let mended = applied(text, edit);
            let after = problems(file.place, mended.as_bytes());
            // The same words may be said of several places: an edit has to make them fewer.
            let count = |problems: &[Problem]| {
                let same = |p: &&Problem| (p.code, &p.message) == (problem.code, &problem.message);
                problems.iter().filter(same).count()
            };
            assert!(count(&after) < count(&before), "{}: not mended:\n{}", file.name, shown(&after));
        }
    }
    assert!(tried >= 50, "{tried} edits");
}
