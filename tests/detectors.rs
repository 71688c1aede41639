//! The page of each detector, `docs/detectors/<kind>.md`: its example is a rule, and what it says of memory is so.

use std::path::{Path, PathBuf};

use etiolog::{Engine, Pack, Registry};

/// Set this to write the figures of memory instead of comparing them.
const REWRITE: &str = "REWRITE_DETECTORS";

fn path(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/detectors").join(kind).with_extension("md")
}

fn page(kind: &str) -> String {
    std::fs::read_to_string(path(kind)).unwrap_or_else(|why| panic!("docs/detectors/{kind}.md: {why}"))
}

/// The example of a page as a whole pack.
fn example(page: &str) -> Engine {
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let symptom = block.split("symptoms:\n  ").nth(1).and_then(|rest| rest.split(':').next()).unwrap();
    let head = "etiolog: 1\narticle: a\ntitle: A\n";
    let cause = format!("causes:\n  c: {{title: C, severity: warning, explains: {{{symptom}: always}}}}\n");
    let pack = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nproblem: {word: trip}\n\
                subjects: [{name: station, quiet: 1h}, {name: pump, in: station, quiet: 24h}]\n";
    let texts =
        [("pack.yaml".to_owned(), pack.to_owned()), ("a.yaml".to_owned(), format!("{head}{block}{cause}"))];
    let engine = Engine::builder().pack(Pack::from_texts(texts)).build();
    engine.unwrap_or_else(|problems| panic!("{problems}\n{block}"))
}

/// `12345` as people write it.
fn thousands(bytes: usize) -> String {
    let digits = bytes.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a page says of memory, in one sentence.
fn sentence(engine: &Engine) -> String {
    let detector = engine.plan().symptoms()[0].detector();
    let subject =
        format!("The example takes at most {} bytes for each subject", thousands(detector.memory()));
    match detector.memory_per_child() {
        0 => subject,
        child => format!("{subject}, and {} for each child", thousands(child)),
    }
}

#[test]
fn every_detector_has_a_page_whose_example_is_a_rule_of_its_kind() {
    for kind in Registry::builtin().detectors() {
        let page = page(kind);
        assert!(page.starts_with(&format!("# {kind}\n")), "{kind}");
        let engine = example(&page);
        assert!(page.contains(&format!("detect: {{{kind}: ")), "the example of {kind} is of another kind");
        assert_eq!(engine.plan().symptoms().len(), 1);
    }
}

#[test]
fn every_page_says_how_much_memory_its_example_takes() {
    for kind in Registry::builtin().detectors() {
        let page = page(kind);
        let sentence = sentence(&example(&page));
        let (before, rest) =
            page.split_once("The example takes at most ").unwrap_or_else(|| panic!("{kind}"));
        // The sentence may be broken across lines anywhere.
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = plain(&format!("The example takes at most {rest}"));
        let same = said.starts_with(&sentence)
            && (sentence.contains("child") || !said[sentence.len()..].starts_with(", and 0 for"));
        if !same && std::env::var_os(REWRITE).is_some() {
            let tail = rest.split_once("for each").unwrap().1.split_once("subject").unwrap().1;
            let tail = match (sentence.contains("each child"), tail.find("for each child")) {
                (true, Some(at)) => &tail[at + "for each child".len()..],
                _ => tail,
            };
            std::fs::write(path(kind), format!("{before}{sentence}{tail}")).unwrap();
        } else {
            assert!(same, "{kind}: {sentence}; write it with {REWRITE}=1 cargo test every_page_says");
        }
    }
}

#[test]
fn every_page_names_all_measures_and_is_linked() {
    let registry = Registry::builtin();
    for kind in registry.detectors() {
        let page = page(kind);
        for measure in registry.find_detector(kind).unwrap().measures() {
            assert!(page.contains(&format!("`{measure}`")), "`{measure}` is not on the page of {kind}");
        }
        let link = format!("detectors/{kind}.md)");
        for (name, text) in [
            ("README", include_str!("../rules/README.md")),
            ("semantics", include_str!("../docs/semantics.md")),
        ] {
            assert!(text.contains(&link), "{name} has no link to the page of {kind}");
        }
    }
}
