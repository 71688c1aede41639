//! What cases of one article may say of another, and what they have seen of symptoms that are over.

use etiolog::{Engine, Pack, check};

const PACK: &str = "{etiolog: 1, pack: pumps, title: Pumps, version: '1', subjects: [{name: plant, quiet: 1h}, {name: pump, in: plant, quiet: 24h}]}";
const STOPS: &str = "etiolog: 1
article: stops
title: Stops
events: {stop: {word: stop}}
symptoms:
  stop: {title: Stops, per: pump, detect: {count: {event: stop, at-least: 2, within: 1h}}}
causes:
  worn: {title: Worn, severity: error, explains: {stop: usually}}
";
const LEAKS: &str = "etiolog: 1
article: leaks
title: Leaks
events: {leak: {word: leak}}
symptoms:
  leaks:
    title: Many leak at once
    per: plant
    detect: {surge: {event: leak, distinct: pump, bucket: 1m, at-least: 5}}
causes:
  frost: {title: Frost, severity: error, explains: {leaks: usually}}
cases:
";

fn build(case: &str) -> Result<Engine, etiolog::Error> {
    let leaks = format!("{LEAKS}  - {case}\n");
    let pack = Pack::from_texts([("pack.yaml", PACK), ("stops.yaml", STOPS), ("leaks.yaml", &leaks)]);
    Engine::builder().pack(pack).build()
}

#[test]
fn a_case_may_use_a_class_of_another_article() {
    let engine = build(
        "{name: n, given: [{event: [leak, stops#stop]}, {at: 5m, event: stops#stop}], expect: [{pump: pump-1, present: [stops#stop]}]}",
    );
    let report = check::cases(&engine.unwrap(), |_| true);
    assert!(report.cases[0].passed(), "{:?}", report.cases);
}

#[test]
fn a_class_that_no_article_has_is_refused_with_advice() {
    for (event, advice) in [
        ("stop", None),
        ("leek", Some("did you mean `leak`?")),
        ("stops#stopp", Some("did you mean `stops#stop`?")),
        ("leaks#leek", Some("did you mean `leaks#leak`?")),
    ] {
        let error =
            build(&format!("{{name: n, given: [{{event: {event}}}], expect-exactly: []}}")).unwrap_err();
        let found: Vec<_> = error.problems().iter().map(|p| (p.code, p.help.as_deref())).collect();
        assert_eq!(found, [("unknown-class", advice)], "{event}");
    }
}

#[test]
fn a_surge_that_is_over_was_found_all_the_same() {
    let engine = build(
        "{name: n, given: [{subject: {pump: q1}, every: 4m, times: 20, event: leak}, {at: 40m, subject: {pump: p1..p9}, event: leak}], expect: [{plant: plant-1, present: [leaks]}]}",
    );
    let report = check::cases(&engine.unwrap(), |_| true);
    assert!(report.cases[0].passed(), "{:?}", report.cases);
    let detect = report.coverage.conditions.iter().find(|c| &*c.id == "leaks#leaks").unwrap();
    assert!(detect.held && detect.failed, "{detect:?}");
}
