//! YAML that is made to hurt: refused by a limit or by name, never expanded, never silently read as something else.
//!
//! Measured on the whole program, in release (`etiolog rules -r PACK`, best of three by the clock, peak memory; 3 ms and
//! 14 MiB are its own): laughs, aliases, brackets, nesting, tags, merge keys, characters and keys twice 3 to 20 ms and
//! 14 MiB; 400,000 escapes 28 ms and 19 MiB; 80,000 keys within the size 0.22 s and 57 MiB; 300,000 values in brackets
//! within the size 0.24 s and 129 MiB, because the parser looks to the end of a list that could be a key (250,000 below
//! each other: 35 MiB). The tests hold the limits that make it so, not the times.

use etiolog::{Engine, Pack};

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: unit, quiet: 1h}]\n";
const HEAD: &str = "etiolog: 1\narticle: a\ntitle: A\n";

/// The codes of all problems of an article.
fn codes(article: &str) -> Vec<&'static str> {
    let pack = Pack::from_texts([("pack.yaml", PACK), ("a.yaml", article)]);
    let error = Engine::builder().pack(pack).build().expect_err("a refusal");
    error.problems().iter().map(|problem| problem.code).collect()
}

/// Lists that hold the list before so many times.
fn laughs(levels: usize, times: usize) -> String {
    let mut text = "a0: &a0 [lol]\n".to_owned();
    for level in 1..=levels {
        let below = vec![format!("*a{}", level - 1); times].join(", ");
        text += &format!("a{level}: &a{level} [{below}]\n");
    }
    text
}

#[test]
fn every_attack_is_refused_for_what_it_is() {
    let aliases = |count: usize| "  - *x\n".repeat(count);
    let attacks: Vec<(&str, String, &str)> = vec![
        ("laughs of 6 levels", laughs(6, 9), "anchor"),
        ("laughs of 7 levels", laughs(7, 9), "anchor"),
        ("laughs of 9 levels", laughs(9, 9), "anchor"),
        ("laughs of 30 levels", laughs(30, 2), "anchor"),
        (
            "a list a thousand times",
            format!("x: &x [{}1]\ny:\n{}", "1, ".repeat(1_000), aliases(1_000)),
            "alias",
        ),
        (
            "a text ten thousand times",
            format!("x: &x {}\ny:\n{}", "t".repeat(100_000), aliases(10_000)),
            "alias",
        ),
        ("a million brackets", "[".repeat(1_000_000), "too-deep"),
        ("nested and closed", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "too-deep"),
        ("nested mappings", "{a: ".repeat(100_000), "too-deep"),
        ("nested keys", "? ".repeat(100_000), "too-deep"),
        ("an alias of itself", "x: &x [*x]".to_owned(), "anchor"),
        ("an alias of nothing", "x: *y".to_owned(), "alias"),
        ("honest aliases", format!("x: &x 1\ny:\n{}", aliases(400)), "alias"),
        ("a merge key", "x: {<<: {b: 1}}".to_owned(), "merge-key"),
        ("a tag that makes objects", "x: !!python/object:os.system {}".to_owned(), "tag"),
        ("any tag", "x: !foo 1".to_owned(), "tag"),
        ("escapes of a terminal", format!("{HEAD}aliases: [\"\\e[31m\\u202e\"]"), "control-character"),
        (
            "escapes of a terminal by the hundred thousand",
            format!("x: \"{}\"", "\\e".repeat(400_000)),
            "control-character",
        ),
        ("a million keys", (0..1_000_000).map(|i| format!("k{i}: 1\n")).collect(), "too-large"),
        ("keys within the size", (0..80_000).map(|i| format!("k{i}: 1\n")).collect(), "unknown-key"),
        ("values within the size", format!("[{}1]", "1,".repeat(300_000)), "too-many-nodes"),
        ("a text of 50 MB", format!("x: {}", "t".repeat(50_000_000)), "too-large"),
        ("keys twice", "k: 1\n".repeat(100_000), "duplicate-key"),
        ("nothing at all", "\0".repeat(1_000_000), "control-character"),
    ];
    for (name, text, code) in attacks {
        let codes = codes(&text);
        assert!(codes.contains(&code), "{name}: {codes:?}");
        assert!(codes.len() <= 201, "{name}: {} problems", codes.len());
    }
}

#[test]
fn nothing_is_silently_read_as_something_else() {
    let symptom = |key: &str| {
        format!(
            "{HEAD}events: {{e: {{code: 7}}}}\nsymptoms: {{s: {{title: S, per: unit, detect: {{count: {{event: e, at-least: 3, within: 1h}}}}, {key}}}}}\n"
        )
    };
    assert_eq!(codes(&symptom("accounts: yes")), ["wrong-type"]);
    assert_eq!(codes(&symptom("accounts: ~")), ["wrong-type"]);
    assert_eq!(codes(&symptom("background: 1_0")), ["unknown-word"]);
    assert_eq!(codes(&symptom("accounts: true").replace("at-least: 3", "at-least: 1_000")), ["wrong-type"]);
    assert_eq!(codes(&HEAD.replace("article: a", "article: ~")), ["wrong-type"]);
    assert_eq!(codes(&HEAD.replace("article: a", "article: 0a")), ["wrong-name"]);
    let pack = |id: &str| {
        Pack::from_texts([
            ("pack.yaml".to_owned(), PACK.to_owned()),
            (format!("{id}.yaml"), HEAD.replace("article: a", &format!("article: {id}"))),
        ])
    };
    for id in ["007", "1_000", "yes", "0x1F", "1e3", "7.10"] {
        let engine = Engine::builder().pack(pack(id)).build().unwrap();
        assert_eq!(&*engine.plan().articles()[0].id, id, "is kept as it is spelt");
    }
}
