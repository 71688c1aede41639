//! Rules are loaded strictly: what is wrong is refused, with its place.

use etiolog::{Engine, Pack, Registry};

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: site, quiet: 1h}, {name: unit, in: site, quiet: 1h}]\n";
const INPUT: &str = "etiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {from: t}\nfields: {site: {from: s}, unit: {from: u}, code: {from: c, as: code}}\n";
const GOOD: &str = "etiolog: 1
article: a
title: A
events:
  drop: {code: 7}
symptoms:
  drops:
    title: Drops
    per: unit
    detect: {count: {event: drop, at-least: 3, within: 1h}}
causes:
  worn:
    title: Worn
    severity: warning
    explains: {drops: often}
    solutions: [mend]
solutions:
  mend: {do: Mend it.}
";

fn build(files: &[(&str, &str)]) -> Result<Engine, etiolog::Error> {
    let mut pack = Pack::from_texts([("pack.yaml", PACK), ("inputs/i.yaml", INPUT)]);
    for (path, text) in files {
        pack.add(*path, *text);
    }
    Engine::builder().registry(Registry::builtin()).pack(pack).build()
}

/// Every problem as `code line:column`.
fn problems(article: &str) -> Vec<String> {
    let error = build(&[("a.yaml", article)]).expect_err(article);
    assert!(error.is_rules());
    error
        .problems()
        .iter()
        .map(|problem| format!("{} {}:{}", problem.code, problem.line, problem.column))
        .collect()
}

#[track_caller]
fn refused(from: &str, to: &str, expected: &str) {
    assert!(GOOD.contains(from), "{from}");
    assert_eq!(problems(&GOOD.replace(from, to)), [expected], "{}", GOOD.replace(from, to));
}

#[test]
fn the_good_article_is_accepted() {
    build(&[("a.yaml", GOOD)]).unwrap();
}

#[test]
fn an_unknown_key_is_refused_where_it_stands() {
    refused("    per: unit", "    pre: unit", "unknown-key 9:5");
    refused("within: 1h", "wihtin: 1h", "unknown-key 10:48");
    refused("title: A\n", "title: A\nowner: me\n", "unknown-key 4:1");
}

#[test]
fn a_missing_key_is_refused_where_it_should_stand() {
    assert!(problems(&GOOD.replace("    per: unit\n", ""))[0].starts_with("missing-key"));
    assert!(problems(&GOOD.replace(", within: 1h", ""))[0].starts_with("missing-key 10:"));
    assert!(problems(&GOOD.replace("    severity: warning\n", ""))[0].starts_with("missing-key 1"));
}

#[test]
fn a_wrong_type_is_refused_where_it_stands() {
    refused("at-least: 3", "at-least: three", "wrong-type 10:45");
    refused("within: 1h", "within: soon", "wrong-type 10:56");
    assert!(problems(&GOOD.replace("solutions: [mend]", "solutions: mend"))[0].starts_with("wrong-type"));
    refused("drops: often", "drops: oftenly", "unknown-word 15:23");
    refused("drops: often", "drops: 1.5", "out-of-range 15:23");
}

#[test]
fn a_duplicate_key_is_refused() {
    assert!(
        problems(&GOOD.replace("title: A\n", "title: A\ntitle: B\n"))[0].starts_with("duplicate-key 4:1")
    );
}

#[test]
fn a_dangling_reference_is_refused_where_it_stands() {
    refused("event: drop", "event: dorp", "unknown-class 10:29");
    refused("explains: {drops: often}", "explains: {dropss: often}", "unknown-symptom 15:16");
    refused("solutions: [mend]", "solutions: [repair]", "unknown-solution 16:17");
    refused("per: unit", "per: machine", "unknown-subject 9:10");
    refused("{code: 7}", "{kode: 7}", "unknown-field 5:10");
    refused("{count:", "{counts:", "unknown-detector 10:14");
    refused("do: Mend it.", "same-as: b#mend", "unknown-solution 18:19");
}

#[test]
fn an_article_that_stands_twice_is_refused_within_a_pack_and_across_packs() {
    let twice = build(&[("a.yaml", GOOD), ("a.yml", GOOD)]).unwrap_err();
    assert_eq!(twice.problems().iter().map(|problem| problem.code).collect::<Vec<_>>(), ["duplicate-id"]);
    let pack = || Pack::from_texts([("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", GOOD)]);
    let twice = Engine::builder().pack(pack()).pack(pack()).build().unwrap_err();
    assert_eq!(twice.problems().iter().map(|problem| problem.code).collect::<Vec<_>>(), ["duplicate-id"]);
}

#[test]
fn a_symptom_gives_way_to_its_own_level_and_never_to_itself() {
    let symptom = |id: &str, per: &str, unless: &str| {
        format!(
            "  {id}:\n    title: T\n    per: {per}\n    detect: {{count: {{event: drop, at-least: 9, within: 1h}}}}\n    when: count.span > {}.min\n    unless: [{unless}]\n",
            id.as_bytes()[0]
        )
    };
    let explained = GOOD.replace("drops: often", "drops: often, x: seldom");
    let with = |symptoms: &str| problems(&explained.replace("causes:\n", &format!("{symptoms}causes:\n")));
    let one = with(&symptom("x", "unit", "x"));
    assert_eq!(one, ["unless-circle 16:14"]);
    let three = with(
        &[symptom("x", "unit", "y"), symptom("y", "unit", "z"), symptom("z", "unit", "drops, x")].concat(),
    );
    assert_eq!(three, ["unless-circle 16:14", "unless-circle 22:14", "unless-circle 28:21"]);
    assert_eq!(with(&symptom("x", "site", "drops")), ["wrong-level 16:14"]);
    build(&[("a.yaml", &explained.replace("causes:\n", &(symptom("x", "unit", "drops") + "causes:\n")))])
        .unwrap();
}

#[test]
fn a_faulty_expression_is_refused_at_its_place_in_the_file() {
    refused("{code: 7}", "{code: 7, where: 'event.kode == 7'}", "unknown-field 5:33");
    let problem = problems(&GOOD.replace("within: 1h}}", "within: 1h}}\n    when: count.evnts > 3"));
    assert_eq!(problem, ["unknown-field 11:17"]);
    for endless in [
        "loop {}",
        "while true {}",
        "let x = 1; x == 1",
        "eval(\"1\")",
        "fn f() { f() } f()",
        "import \"x\" as y",
    ] {
        let article = GOOD.replace("{code: 7}", &format!("{{code: 7, where: '{endless}'}}"));
        assert_eq!(problems(&article).len(), 1, "{endless}");
    }
}

#[test]
fn an_alias_bomb_is_refused_at_once() {
    let mut bomb = String::from("etiolog: 1\na: &a [x,x,x,x,x,x,x,x,x]\n");
    for (level, below) in ('b'..='i').zip('a'..='h') {
        bomb.push_str(&format!("{level}: &{level} [{}]\n", vec![format!("*{below}"); 9].join(",")));
    }
    let error = build(&[("a.yaml", &bomb)]).unwrap_err();
    assert!(error.problems().len() <= 100 && error.problems().iter().any(|problem| problem.code == "anchor"));
    let nested = "[".repeat(100_000);
    assert_eq!(build(&[("a.yaml", &nested)]).unwrap_err().problems()[0].code, "too-deep");
}

#[test]
fn the_faults_of_all_files_come_in_one_run() {
    let error = build(&[
        ("a.yaml", &GOOD.replace("event: drop", "event: dorp")),
        ("b.yaml", &GOOD.replace("article: a", "article: b").replace("per: unit", "per: machine")),
    ])
    .unwrap_err();
    let files: Vec<&str> = error.problems().iter().map(|problem| problem.file.as_str()).collect();
    assert!(files.contains(&"a.yaml") && files.contains(&"b.yaml"), "{error}");
}

#[test]
fn an_article_under_another_name_is_refused() {
    let error = build(&[("b.yaml", GOOD)]).unwrap_err();
    assert_eq!(error.problems()[0].code, "wrong-name");
}

#[test]
fn a_pack_without_its_file_is_refused() {
    let error = Engine::builder().pack(Pack::from_texts([("a.yaml", GOOD)])).build().unwrap_err();
    assert_eq!(error.problems()[0].code, "missing-file");
}

#[test]
fn same_as_in_a_circle_leads_nowhere() {
    let a = "etiolog: 1\narticle: a\ntitle: A\ncauses:\n  x: {same-as: b#x}\n";
    let b = a.replace("article: a", "article: b").replace("b#x", "a#x");
    let error = build(&[("a.yaml", a), ("b.yaml", &b)]).unwrap_err();
    let codes: Vec<&str> = error.problems().iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["same-as-circle"], "{error}");
}

#[test]
fn a_problem_reads_as_file_line_column_and_reason() {
    let error = build(&[("a.yaml", &GOOD.replace("event: drop", "event: dorp"))]).unwrap_err();
    insta::assert_snapshot!(error, @r"
    a.yaml:10:29: no event class named `dorp` in this article [unknown-class]
      help: did you mean `drop`?
    ");
}

#[test]
fn every_fault_of_a_file_is_told_once_and_blames_nobody_else() {
    let article = "etiolog: 1
article: a
titel: A
aliases: [~, x]
events:
  drop: {code: 7, kode: 8}
  late: {code: 9..8, where: 'event.code =='}
  odd: 5
symptom:
  drops:
    title: Drops
    per: unti
    detect: {count: {evnt: drop, at-least: 0, within: 1 hour}}
    when: count.evnts > 3
    unless: [more, none]
  more:
    title: [x]
    per: unit
    detect: {sequnce: [drp, {mabye: late}, {class: odd, times: 99}], order: random, within: 60s}
  broken: *nothing
  flat:
    title: Flat
    per: unit
    detect: {count: {event: lat, at-least: 3}, within: 1h}
causes:
  worn:
    title: Worn
    explains: {drops: often, more: sometimes, broken: seldom, flat: 2, lost: often}
    severity: waring
    solutions: [mend, mnd, both]
  same: {same-as: a#faulty}
  faulty: {title: F, severity: info, explains: {more: 0.5}, owner: me}
solutions:
  mend: {do: Mend it., do: Leave it.}
  both: {do: x, avoid: y}
";
    let expected = [
        "unknown-key 3:1",    // titel
        "wrong-type 4:11",    // ~
        "unknown-field 6:19", // kode
        "out-of-range 7:16",  // 9..8
        "predicate-syntax 7:43",
        "wrong-type 8:8",  // odd
        "unknown-key 9:1", // symptom
        "unknown-subject 12:10",
        "unknown-key 13:22",  // evnt
        "out-of-range 13:44", // at-least
        "wrong-type 13:55",   // within
        "unknown-field 14:17",
        "unknown-symptom 15:20",
        "wrong-type 17:12",
        "unknown-detector 19:14",
        "unknown-class 19:24",
        "unknown-key 19:30",  // mabye
        "out-of-range 19:64", // times
        "unknown-word 19:77", // order
        "alias 20:11",
        "unknown-class 24:29", // lat
        "unknown-key 24:48",   // within beside count
        "out-of-range 28:69",
        "unknown-symptom 28:72",
        "unknown-word 29:15",
        "unknown-solution 30:23",
        "unknown-key 32:61", // owner
        "duplicate-key 34:24",
        "wrong-shape 35:9", // do and avoid
    ];
    assert_eq!(problems(article), expected, "\n{}", build(&[("a.yaml", article)]).unwrap_err());
}

#[test]
fn an_article_needs_no_section() {
    build(&[("a.yaml", "etiolog: 1\narticle: a\ntitle: A\n")]).unwrap();
    let causes = "etiolog: 1\narticle: b\ntitle: B\ncauses:\n  c: {title: C, severity: info, explains: {a#drops: often}}\n";
    build(&[("a.yaml", GOOD), ("b.yaml", causes)]).unwrap();
}
