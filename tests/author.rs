//! What `rules/README.md` tells an author is so.

use etiolog::input::{Format, Mapping, Paths, Row, Text};
use etiolog::{Engine, Error, Pack, Registry};

const README: &str = include_str!("../rules/README.md");

/// The YAML blocks: whole files, and excerpts.
fn blocks() -> (Vec<&'static str>, Vec<&'static str>) {
    let blocks = README.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.partition(|block| block.starts_with("etiolog: 1"))
}

/// The name that a file gives itself under one of its keys.
fn named(file: &str, key: &str) -> Option<String> {
    let line = file.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))?;
    line.split_whitespace().next().map(str::to_owned)
}

fn build(pack: Pack) -> Result<Engine, Error> {
    Engine::builder().pack(pack).build()
}

#[test]
fn every_whole_file_is_accepted() {
    let (files, _) = blocks();
    let mut own = Pack::default();
    let mut kinds = [0; 4];
    for file in files {
        if let Some(id) = named(file, "article") {
            kinds[0] += 1;
            let mut pack = Pack::shipped("azure-iot-hub").unwrap();
            let before = build(pack.clone()).unwrap().plan().symptoms().len();
            pack.add(format!("{id}.yaml"), file);
            let engine = build(pack).unwrap_or_else(|problems| panic!("{problems}"));
            assert!(engine.plan().symptoms().len() > before, "{id} is new");
            let report = etiolog::check::cases(&engine, |case| *case.article == id);
            assert!(report.cases.len() == 2 && report.failed().next().is_none(), "{:#?}", report.cases);
        } else if let Some(input) = named(file, "input") {
            kinds[1] += 1;
            own.add(format!("inputs/{input}.yaml"), file);
        } else if let Some(table) = named(file, "table") {
            kinds[3] += 1;
            let pack = Pack::from_texts([(format!("tables/{table}.yaml"), file)]);
            let facts = pack.facts();
            assert!(facts.iter().any(|fact| fact.name == "timing.gone" && fact.value == "15m"), "{facts:?}");
        } else {
            assert!(
                named(file, "pack").is_some(),
                "neither an article nor an input, a table nor a pack:\n{file}"
            );
            kinds[2] += 1;
            own.add("pack.yaml", file);
        }
    }
    assert_eq!(kinds, [1, 2, 1, 1]);
    let engine = build(own).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((engine.plan().packs().len(), engine.plan().inputs().len()), (1, 2));
}

#[test]
fn every_excerpt_stands_in_a_shipped_file() {
    let (_, excerpts) = blocks();
    assert!(excerpts.len() >= 5);
    for excerpt in excerpts {
        assert!(include_str!("../rules/azure-iot-hub/404104.yaml").contains(excerpt), "{excerpt}");
    }
}

#[test]
fn every_detector_stands_in_the_table_with_all_its_measures() {
    let registry = Registry::builtin();
    for name in registry.detectors() {
        let row = README.lines().find(|line| line.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        let measures = row.rsplit('|').nth(1).unwrap_or_default().trim().trim_matches('`');
        let known = registry.find_detector(name).unwrap().measures();
        assert_eq!(measures.split(' ').collect::<Vec<_>>(), known, "{name}");
    }
}

#[test]
fn every_word_has_its_number() {
    let rows =
        README.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    let words: Vec<(&str, f64)> = rows.filter_map(|(word, p)| Some((word, p.parse().ok()?))).collect();
    assert_eq!(words.len(), 11, "{words:?}");
    for (word, p) in words {
        let found = [etiolog::rule::prior_word(p).unwrap_or_default(), etiolog::rule::strength_word(p)];
        assert!(found.contains(&word), "{word} is not {p}");
    }
}

#[test]
fn its_expression_is_accepted() {
    let class = README.split('`').find(|code| code.starts_with("{code: 404104, where: ")).unwrap();
    let mut pack = Pack::shipped("azure-iot-hub").unwrap();
    let article = format!(
        "etiolog: 1\narticle: a\ntitle: A\nevents: {{e: {class}}}\nsymptoms:\n  s: {{title: S, per: device, detect: {{occurrence: {{event: e}}}}}}\ncauses:\n  c: {{title: C, severity: info, explains: {{s: often}}}}\n"
    );
    pack.add("a.yaml", article);
    build(pack).unwrap_or_else(|problems| panic!("{problems}"));
}

/// The line that the chapter on text takes apart, and what it says that comes out.
#[test]
fn its_line_of_text_gives_what_it_says() {
    let (files, _) = blocks();
    let input = files.iter().find(|file| file.contains("format: text")).unwrap();
    let line = README.split('`').find(|code| code.starts_with("2026-03-04 08:22:05,250  WARN")).unwrap();
    let document = etiolog::yaml::document("i.yaml", input).unwrap();
    let mut problems = Vec::new();
    let mapping = Mapping::read(document.root().clone(), &["json", "text"], &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let mut wanted = Paths::default();
    let names = ["time", "level", "station", "message", "pump", "why", "word"];
    let places = names.map(|name| wanted.intern(name));
    let mut row = Row::default();
    Text::default().ready(&mapping).unwrap().decode(line.as_bytes(), &wanted, &mut row).unwrap();
    let values = places.map(|at| row.get(at).unwrap().text());
    let message = "Pump p-7 tripped: no flow";
    assert_eq!(values, ["2026-03-04 08:22:05,250", "WARN", "NORTH", message, "p-7", "no flow", "trip"]);
}
