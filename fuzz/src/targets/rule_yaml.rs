//! A whole file of a pack: accepted, or refused with problems whose places lie inside it.
//!
//! `a`, `p`, `i` or `m` (article, pack, input, Markdown) and the text.

use etiolog::output::{Style, problems};
use etiolog::{Engine, Pack, Pipeline, Problem, Registry, check};

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\n\
    subjects: [{name: site, quiet: 1h}, {name: unit, in: site, quiet: 1h}]\n";
const INPUT: &str = "etiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {from: t}\nfields: {site: {from: s}, \
    unit: {from: u}, code: {from: c, as: code}, word: {from: w}, size: {from: n, as: number}, ok: {from: l, among: [I]}}\n";
const ARTICLE: &str = "etiolog: 1\narticle: a\ntitle: A\nevents: {drop: {code: 7}}\nsymptoms:\n  drops:\n    title: D\n    \
    per: unit\n    detect: {count: {event: drop, at-least: 3, within: 1h}}\ncauses:\n  worn: {title: W, severity: warning, \
    explains: {drops: often}}\n";
const LOG: &str = r#"{"t":"2026-03-04T08:00:00Z","s":"n","u":"p","c":7,"w":"drop","n":1.5,"l":"I"}
{"t":"2026-03-04T08:10:00Z","s":"n","u":"p","c":"7","w":"open","n":2,"l":"E"}
{"t":"2026-03-04T08:10:00Z","s":"n","u":"q","c":404,"w":"drop","n":-1}
{"t":"2026-03-04T09:20:00Z","s":"n","u":"p","c":7}
1772616005: drop of p
"#;

/// Panics when a problem points nowhere, when a mend breaks the file, or when accepted rules cannot be run.
pub fn run(data: &[u8]) {
    let [kind, text @ ..] = data else { return };
    let text = String::from_utf8_lossy(text);
    // A byte order mark, and blanks behind it, do not change what a file is.
    let path = match kind {
        b'p' => "pack.yaml",
        b'i' => "inputs/i.yaml",
        b'm' => "a.md",
        _ => "a.yaml",
    };
    let mut pack = Pack::from_texts([("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", ARTICLE)]);
    pack.add(path, &*text);
    if path == "a.md" {
        if let Err(error) = pack.library() {
            check_problems(error.problems(), &text);
        }
        return;
    }
    let built = Engine::builder().pack(pack.clone()).build();
    match built {
        Ok(engine) => {
            let mut pipeline = Pipeline::new(&engine);
            pipeline.read("log", LOG.as_bytes());
            let (_, summary) = pipeline.finish();
            assert!(summary.records.balance(), "{:?}", summary.records);
            let lints = check::lint(&[pack], &Registry::builtin());
            check_places(lints.iter().filter(|problem| problem.file == path), &text);
            check::cost(engine.plan());
        }
        Err(error) => {
            assert!(error.is_rules(), "{error}");
            check_problems(error.problems(), &text);
        }
    }
}

/// Problems of one file, or of files that this one makes faulty: there are some, and each can be shown.
pub(super) fn check_problems(found: &[Problem], text: &str) {
    assert!(!found.is_empty());
    check_places(found.iter().filter(|problem| *problem.text == *text), text);
    check_places(found.iter().filter(|problem| *problem.text != *text), "");
    for color in [false, true] {
        assert!(!problems::text(found, Style { width: 60, color }).is_empty());
    }
    assert_eq!(problems::json(found).lines().count(), found.len());
}

/// Every place lies in its file, between characters, and line and column are those of the place.
fn check_places<'p>(found: impl Iterator<Item = &'p Problem>, text: &str) {
    for problem in found {
        let whole = if text.is_empty() { &*problem.text } else { text };
        let spans =
            problem.also.iter().map(|also| &also.span).chain(problem.edit.iter().map(|edit| &edit.span));
        for span in spans.chain([&problem.span]) {
            assert!(whole.get(span.clone()).is_some(), "{span:?} of {} bytes: {problem:?}", whole.len());
        }
        let before = &whole[..problem.span.start];
        assert_eq!(problem.line, before.matches('\n').count() + 1, "{problem:?}");
        assert!(!problem.message.is_empty() && !problem.code.is_empty());
        assert!(!problem.message.ends_with('.'), "{}", problem.message);
    }
}
