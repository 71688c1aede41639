use proptest::prelude::*;

use super::*;

/// A problem at the first place where `at` stands in `text`.
fn at(text: &str, place: &str) -> Problem {
    let start = text.find(place).unwrap_or(text.len());
    Problem::new(
        "unknown-key",
        "pumps/trips.yaml",
        &Arc::from(text),
        start..start + place.len(),
        "unknown key `wihtin`",
    )
}

fn plain(problems: &[Problem]) -> String {
    text(problems, Style::default())
}

const RULES: &str =
    "etiolog: 1\narticle: trips\nsymptoms:\n  often:\n    detect: {count: {event: trip, wihtin: 1h}}\n";

#[test]
fn a_problem_stands_in_its_line_with_label_and_help() {
    let problem = at(RULES, "wihtin").with_label("no such parameter").with_help("did you mean `within`?");
    insta::assert_snapshot!(plain(&[problem]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:5:35
      |
    5 |     detect: {count: {event: trip, wihtin: 1h}}
      |                                   ^^^^^^ no such parameter
      |
      = help: did you mean `within`?

    error: 1 problem in 1 file
    ");
}

#[test]
fn an_edit_is_shown_as_a_change_of_lines() {
    let start = RULES.find("wihtin").unwrap_or_default();
    let problem =
        at(RULES, "wihtin").with_help("did you mean `within`?").with_edit(start..start + 6, "within");
    insta::assert_snapshot!(plain(&[problem]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:5:35
      |
    5 |     detect: {count: {event: trip, wihtin: 1h}}
      |                                   ^^^^^^
      |
    help: did you mean `within`?
      |
    5 -     detect: {count: {event: trip, wihtin: 1h}}
    5 +     detect: {count: {event: trip, within: 1h}}
      |

    error: 1 problem in 1 file
    ");
    let added = at(RULES, "often:").with_edit(start..start, "at-least: 3, ");
    insta::assert_snapshot!(plain(&[added]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:4:3
      |
    4 |   often:
      |   ^^^^^^
      |
    help: change it like this
      |
    5 |     detect: {count: {event: trip, at-least: 3, wihtin: 1h}}
      |                                   ++++++++++++

    error: 1 problem in 1 file
    ");
}

#[test]
fn an_edit_may_add_and_remove_lines() {
    let end = RULES.find("symptoms").unwrap_or_default();
    let added = at(RULES, "article").with_edit(end..end, "title: Trips\n");
    insta::assert_snapshot!(plain(&[added]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:2:1
      |
    2 | article: trips
      | ^^^^^^^
      |
    help: change it like this
      |
    3 + title: Trips
      |

    error: 1 problem in 1 file
    ");
    let start = RULES.find("article").unwrap_or_default();
    let removed = at(RULES, "article: trips").with_edit(start..end, "");
    insta::assert_snapshot!(plain(&[removed]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:2:1
      |
    2 | article: trips
      | ^^^^^^^^^^^^^^
      |
    help: change it like this
      |
    2 - article: trips
      |

    error: 1 problem in 1 file
    ");
}

#[test]
fn other_places_are_marked_nearby_or_by_themselves() {
    let near =
        at(RULES, "wihtin").with_also(RULES.find("trips").map_or(0..0, |at| at..at + 5), "of this article");
    insta::assert_snapshot!(plain(&[near]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:5:35
      |
    2 | article: trips
      |          ----- of this article
    ...
    5 |     detect: {count: {event: trip, wihtin: 1h}}
      |                                   ^^^^^^

    error: 1 problem in 1 file
    ");
    let text = format!("first: 1\n{}first: 2\n", "# a line\n".repeat(50));
    let second = text.rfind("first").unwrap_or_default();
    let far = Problem::new(
        "duplicate-key",
        "a.yaml",
        &text.as_str().into(),
        second..second + 5,
        "`first` stands twice",
    )
    .with_also(0..5, "first here");
    insta::assert_snapshot!(plain(&[far]), @"
    error[duplicate-key]: `first` stands twice
      --> a.yaml:52:1
       |
    52 | first: 2
       | ^^^^^
       |
      ::: a.yaml:1:1
       |
     1 | first: 1
       | ----- first here

    error: 1 problem in 1 file
    ");
}

#[test]
fn all_are_printed_by_file_in_order_and_counted() {
    let mut other = at("other: wihtin\n", "wihtin");
    other.file = "pumps/other.yaml".into();
    insta::assert_snapshot!(plain(&[at(RULES, "wihtin"), other, at(RULES, "article")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:2:1
      |
    2 | article: trips
      | ^^^^^^^

    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:5:35
      |
    5 |     detect: {count: {event: trip, wihtin: 1h}}
      |                                   ^^^^^^

    error[unknown-key]: unknown key `wihtin`
     --> pumps/other.yaml:1:8
      |
    1 | other: wihtin
      |        ^^^^^^

    error: 3 problems in 2 files
    ");
    assert_eq!(plain(&[]), "");
}

#[test]
fn a_byte_order_mark_and_carriage_returns_take_no_column() {
    insta::assert_snapshot!(plain(&[at("\u{feff}wihtin: 1\r\nb: 2\r\n", "wihtin")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:1:1
      |
    1 | wihtin: 1
      | ^^^^^^

    error: 1 problem in 1 file
    ");
    insta::assert_snapshot!(plain(&[at("a: 1\r\nb: 2\r\n", "\r\nb")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:1:5
      |
    1 | a: 1
      |     ^

    error: 1 problem in 1 file
    ");
}

#[test]
fn carets_stand_under_tabs_wide_and_combined_characters() {
    insta::assert_snapshot!(plain(&[at("\ta:\twihtin\n", "wihtin")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:1:5
      |
    1 |     a:    wihtin
      |           ^^^^^^

    error: 1 problem in 1 file
    ");
    insta::assert_snapshot!(plain(&[at("日本: 語x\n", "語")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:1:5
      |
    1 | 日本: 語x
      |       ^^

    error: 1 problem in 1 file
    ");
    insta::assert_snapshot!(plain(&[at("e\u{301}e\u{301}: wihtin\n", "wihtin")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:1:7
      |
    1 | éé: wihtin
      |     ^^^^^^

    error: 1 problem in 1 file
    ");
}

#[test]
fn a_line_of_a_mebibyte_is_shown_around_the_place() {
    let long = format!("{}wihtin: 1, {}", "a: 1, ".repeat(90_000), "b: 2, ".repeat(90_000));
    insta::assert_snapshot!(plain(&[at(&long, "wihtin").with_also(0..1, "the first key")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:1:540001
      |
    1 | ... 1, a: 1, a: 1, a: 1, a: 1, wihtin: 1, b: 2, b: 2, b: 2, b: 2, b: 2, b: 2, b: 2, b: 2,...
      |                                ^^^^^^
      |
     ::: pumps/trips.yaml:1:1
      |
    1 | a: 1, a: 1, a: 1, a: 1, a: 1, a: 1, a: 1, a: 1, a: 1, a: 1, a: 1, a: 1, a: 1, a: 1, a:...
      | - the first key

    error: 1 problem in 1 file
    ");
    let all = Problem::new("too-long", "a.yaml", &long.as_str().into(), 0..long.len(), long.clone());
    assert!(plain(&[all.clone().with_help(long.clone()).with_label(long.clone())]).len() < 6_000);
    assert!(plain(&[all.with_edit(0..long.len(), "")]).len() < 4_000);
}

#[test]
fn the_end_of_a_file_has_a_place() {
    insta::assert_snapshot!(plain(&[at("a: [1\n", "?")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:2:1
      |
    2 |
      | ^

    error: 1 problem in 1 file
    ");
    insta::assert_snapshot!(plain(&[at("a: [1", "?")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:1:6
      |
    1 | a: [1
      |      ^

    error: 1 problem in 1 file
    ");
    insta::assert_snapshot!(plain(&[at("\n", "?")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:2:1
      |
    2 |
      | ^

    error: 1 problem in 1 file
    ");
}

#[test]
fn a_file_without_text_is_only_named() {
    let problem = Problem::of_file("missing-file", "pumps/pack.yaml", "there is no `pack.yaml`");
    insta::assert_snapshot!(plain(&[problem.with_help("every pack has one")]), @"
    error[missing-file]: there is no `pack.yaml`
    --> pumps/pack.yaml
     = help: every pack has one

    error: 1 problem in 1 file
    ");
}

#[test]
fn a_place_over_several_lines_is_marked_in_its_first() {
    insta::assert_snapshot!(plain(&[at(RULES, "symptoms:\n  often:")]), @"
    error[unknown-key]: unknown key `wihtin`
     --> pumps/trips.yaml:3:1
      |
    3 | symptoms:
      | ^^^^^^^^^

    error: 1 problem in 1 file
    ");
}

#[test]
fn what_a_terminal_would_obey_is_spelled_out() {
    let mut problem = at("a: \u{1b}[31m\u{202e}wihtin\u{7}\n", "wihtin").with_label("\u{1b}]0;x\u{7}");
    problem.message = "unknown key `\u{1b}[2J\n`".into();
    problem.file = "no\u{1b}[31m.yaml".into();
    insta::assert_snapshot!(plain(&[problem]), @r"
    error[unknown-key]: unknown key `\x1b[2J\n`
     --> no\x1b[31m.yaml:1:10
      |
    1 | a: \x1b[31m\u{202e}wihtin\x07
      |                    ^^^^^^ \x1b]0;x\x07

    error: 1 problem in 1 file
    ");
}

#[test]
fn colour_is_only_colour() {
    let problem = at(RULES, "wihtin").with_label("here").with_help("did you mean `within`?");
    let colored = text(std::slice::from_ref(&problem), Style { color: true, ..Style::default() });
    assert!(colored.contains('\u{1b}'));
    let stripped: String = colored
        .split('\u{1b}')
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) })
        .collect();
    assert_eq!(stripped, plain(&[problem]));
}

#[test]
fn json_lines_say_everything_but_the_text() {
    let problem = at(RULES, "wihtin").with_label("here").with_also(0..7, "version").with_edit(0..1, "E");
    insta::assert_snapshot!(json(&[problem, at(RULES, "article")]), @r#"
    {"type":"problem","schema":"etiolog/1","code":"unknown-key","file":"pumps/trips.yaml","line":5,"column":35,"span":{"start":79,"end":85},"message":"unknown key `wihtin`","label":"here","also":[{"span":{"start":0,"end":7},"label":"version"}],"edit":{"span":{"start":0,"end":1},"text":"E"}}
    {"type":"problem","schema":"etiolog/1","code":"unknown-key","file":"pumps/trips.yaml","line":2,"column":1,"span":{"start":11,"end":18},"message":"unknown key `wihtin`"}
    "#);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_and_any_places_give_safe_lines(
        body in "[ab:\n\r\t 日\u{feff}\u{301}\u{1b}\u{1}🚒]{0,120}",
        spans in proptest::collection::vec((0_usize..140, 0_usize..140), 3),
        replacement in "[ab\n\r\t日\u{1}]{0,12}",
        width in 0_usize..120,
    ) {
        let [(a, b), (c, d), (e, f)] = spans[..] else { return Ok(()) };
        let problem = Problem::new("some-code", "f.yaml", &body.as_str().into(), a..b, "message")
            .with_label("label").with_also(c..d, "other").with_edit(e..f, replacement);
        let shown = text(&[problem], Style { width, color: false });
        prop_assert!(shown.ends_with("error: 1 problem in 1 file\n"), "{shown}");
        prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    }
}
