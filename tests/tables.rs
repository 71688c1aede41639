//! Facts of tables: rules name them, a site sets them, and a wrong name is told where it stands.

use etiolog::{Engine, Pack, Pipeline};

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: pump, quiet: 12h}]\n";
const INPUT: &str = "etiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {from: t}\nfields: {pump: {from: p}, word: {from: w}}\n";
const TABLE: &str = "etiolog: 1
table: timing
title: How long pumps take
facts:
  gone: {is: 1h, title: The longest between two trips, sources: ours}
  often: {is: 3, title: So many trips are many, sources: [ours, a handbook]}
  least: {is: 10m, title: Trips nearer to each other are one, sources: ours}
  word: {is: trip, title: How the controller calls it, sources: ours}
";
const RULES: &str = "etiolog: 1
article: a
title: A
events:
  trip: {word: $timing.word}
  told: {where: 'event.word == $timing.word'}
symptoms:
  trips: {title: Trips, per: pump, detect: {count: {event: trip, at-least: $timing.often, within: $timing.gone}}}
  beat:
    title: Beat
    per: pump
    detect: {periodic: {event: told, period: 1m..$timing.gone}}
    when: periodic.period >= $timing.least
causes:
  worn: {title: Worn, severity: warning, explains: {trips: often, beat: seldom}, solutions: [mend]}
solutions:
  mend: {do: Mend it for $5.00.}
";

fn pack(rules: &str) -> Pack {
    let files =
        [("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("tables/timing.yaml", TABLE), ("a.yaml", rules)];
    Pack::from_texts(files)
}

fn engine(pack: Pack) -> Engine {
    Engine::builder().pack(pack).complete(true).build().unwrap_or_else(|why| panic!("{why}"))
}

fn problems(rules: &str) -> Vec<String> {
    let error = Engine::builder().pack(pack(rules)).build().err();
    let problems = error.as_ref().map_or(&[][..], |error| error.problems());
    problems
        .iter()
        .map(|problem| format!("{}:{} {} [{}]", problem.line, problem.column, problem.message, problem.code))
        .collect()
}

/// The symptoms that are present after trips of one pump, so many minutes apart.
fn present(pack: Pack, minutes: &[u32]) -> Vec<String> {
    let mut log = String::new();
    let mut at = 0;
    for gap in minutes {
        at += gap;
        log += &format!(
            "{{\"t\":\"2026-01-01T{:02}:{:02}:00Z\",\"p\":\"p1\",\"w\":\"trip\"}}\n",
            at / 60,
            at % 60
        );
    }
    let mut pipeline = Pipeline::new(&engine(pack));
    let source = pipeline.open("log");
    pipeline.push(source, log.as_bytes());
    let (diagnoses, _) = pipeline.finish();
    let symptoms = diagnoses.iter().flat_map(|diagnosis| &diagnosis.symptoms);
    symptoms.filter(|symptom| symptom.status.is_present()).map(|symptom| symptom.id.to_string()).collect()
}

#[test]
fn a_rule_reads_the_facts_that_it_names() {
    assert_eq!(present(pack(RULES), &[0, 20, 20]), ["a#trips"]);
    assert_eq!(present(pack(RULES), &[0, 20, 50]), Vec::<String>::new());
}

#[test]
fn a_site_that_sets_a_fact_gets_other_symptoms() {
    let set = |fact: &str, value: &str| {
        let mut pack = pack(RULES);
        pack.set(fact, value).unwrap_or_else(|why| panic!("{why}"));
        pack
    };
    assert_eq!(present(set("timing.gone", "2h"), &[0, 20, 50]), ["a#trips"]);
    assert_eq!(present(set("timing.often", "4"), &[0, 20, 20]), Vec::<String>::new());
    assert_eq!(present(set("timing.word", "stop"), &[0, 20, 20]), Vec::<String>::new());
    let plan =
        engine(set("timing.least", "90s")).plan().symptoms().iter().find_map(|s| s.when().map(str::to_owned));
    assert_eq!(plan.as_deref(), Some("periodic.period >= 90.s"), "expressions read it too");
}

#[test]
fn a_set_fact_is_told_with_what_the_table_says() {
    let mut pack = pack(RULES);
    pack.set("timing.gone", "2h").unwrap_or_else(|why| panic!("{why}"));
    let engine = engine(pack);
    let told: Vec<_> = engine.plan().packs()[0]
        .facts
        .iter()
        .map(|fact| (&*fact.name, &*fact.value, fact.shipped.as_deref()))
        .collect();
    let expected = [
        ("timing.gone", "2h", Some("1h")),
        ("timing.least", "10m", None),
        ("timing.often", "3", None),
        ("timing.word", "trip", None),
    ];
    assert_eq!(told, expected);
}

#[test]
fn an_unknown_fact_is_told_where_it_is_named() {
    let found = problems(
        &RULES.replace("$timing.gone}}}", "$timing.gon}}}").replace(">= $timing.least", ">= $timimg.least"),
    );
    assert_eq!(
        found,
        [
            "8:99 no table of this pack has a fact `timing.gon` [unknown-fact]",
            "13:30 no table of this pack has a fact `timimg.least` [unknown-fact]",
        ]
    );
}

#[test]
fn a_value_that_does_not_fit_is_told_where_it_is_named() {
    let found = problems(&RULES.replace("within: $timing.gone", "within: $timing.word"));
    assert_eq!(found, ["8:99 expected a duration such as `60s`, `5m` or `12h`, found `trip` [wrong-type]"]);
    let found = problems(&RULES.replace(">= $timing.least", ">= $timing.word"));
    assert!(found.iter().all(|problem| problem.starts_with("13:")) && !found.is_empty(), "{found:?}");
}

#[test]
fn a_fact_that_no_rule_names_is_told() {
    let found = problems(&RULES.replace("    when: periodic.period >= $timing.least\n", ""));
    assert_eq!(found, ["7:3 no rule uses the fact `timing.least` [unused-fact]"]);
}

#[test]
fn what_is_wrong_with_a_table_is_told_and_its_readers_are_not_blamed() {
    let table = TABLE
        .replace("title: The longest between two trips, ", "")
        .replace("table: timing", "table: timings");
    let files = [
        ("pack.yaml", PACK),
        ("inputs/i.yaml", INPUT),
        ("tables/timing.yaml", table.as_str()),
        ("a.yaml", RULES),
    ];
    let error = Engine::builder().pack(Pack::from_texts(files)).build().err();
    let found: Vec<_> =
        error.as_ref().map_or(&[][..], |error| error.problems()).iter().map(|p| (p.code, p.line)).collect();
    assert_eq!(found, [("wrong-name", 2), ("missing-key", 5)]);
}
