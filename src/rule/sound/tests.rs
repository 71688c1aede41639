//! Each check with its near miss. The rules are small; only what is asked for is faulty.

use crate::plugin::Registry;
use crate::rule::{Texts, compile};

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: site, quiet: 1h}, {name: unit, in: site, quiet: 24h}, {name: door, in: site, quiet: 24h}]\n";
const INPUT: &str = "etiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {from: t}\nrequire: [site]\nfields:\n  site: {from: s}\n  unit: {from: u}\n  door: {from: d}\n  code: {from: c, as: code}\n  port: {from: p}\n  mode: {from: m, case: lower}\n  ok: {from: l, among: [fine]}\n  size: {from: z, as: integer}\n  kind: {constant: pump}\n";

/// An article of these classes, symptoms (each in one line) and causes.
struct Rules {
    events: String,
    symptoms: String,
    causes: String,
}

/// Two classes, each with a symptom and a cause of its own.
fn rules() -> Rules {
    Rules { events: String::new(), symptoms: String::new(), causes: String::new() }
}

impl Rules {
    fn event(mut self, name: &str, conditions: &str) -> Self {
        self.events += &format!("  {name}: {conditions}\n");
        self
    }

    /// A symptom that a cause explains, with more keys if there are any.
    fn symptom(self, id: &str, per: &str, detect: &str, more: &str) -> Self {
        let mut lone = self.lone(id, per, detect, more);
        lone.causes += &format!("  of-{id}: {{title: Of {id}, severity: info, explains: {{{id}: often}}}}\n");
        lone
    }

    /// A symptom alone.
    fn lone(mut self, id: &str, per: &str, detect: &str, more: &str) -> Self {
        self.symptoms += &format!("  {id}: {{title: T, per: {per}, detect: {detect}{more}}}\n");
        self
    }

    fn cause(mut self, id: &str, title: &str, explains: &str) -> Self {
        self.causes += &format!("  {id}: {{title: {title}, severity: info, explains: {explains}}}\n");
        self
    }

    fn text(&self, id: &str) -> String {
        let parts = [("events", &self.events), ("symptoms", &self.symptoms), ("causes", &self.causes)];
        let head = format!("etiolog: 1\narticle: {id}\ntitle: A\n");
        parts.iter().fold(head, |text, (name, part)| match part.as_str() {
            "" => text,
            part => format!("{text}{name}:\n{part}"),
        })
    }

    #[track_caller]
    fn expect(&self, expected: &[&str]) {
        check(&[("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", &self.text("a"))], expected);
    }

    /// What it is all about: the text that the first problem is placed at.
    #[track_caller]
    fn expect_at(&self, expected: &[&str], place: &str) {
        let text = self.text("a");
        let files = [("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", text.as_str())];
        check(&files, expected);
        let problems = problems(&files);
        assert_eq!(problems.first().and_then(|p| p.text.get(p.span.clone())), Some(place), "{problems:?}");
    }
}

fn problems(files: &[(&str, &str)]) -> Vec<crate::error::Problem> {
    let mut files: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    files.sort();
    let texts = Texts { files, ..Texts::default() };
    compile(&[texts], &Registry::builtin()).err().unwrap_or_default()
}

/// Codes in the order of their places.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let found = problems(files);
    let codes: Vec<&str> = found.iter().map(|problem| problem.code).collect();
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(codes, expected, "\n{}\n{}", lines.join("\n"), files.last().map_or("", |(_, text)| text));
}

const ONE: &str = "{occurrence: {event: e}}";

/// One class with a symptom and a cause: what is wrong can only be the class.
#[track_caller]
fn class(conditions: &str, expected: &[&str]) {
    rules().event("e", conditions).symptom("s", "unit", ONE, "").expect(expected);
}

#[test]
fn a_value_that_no_input_gives_is_refused() {
    for never in [
        "{code: '7'}",
        "{code: -7}",
        "{port: 80}",
        "{port: 80..90}",
        "{port: {at-least: 80}}",
        "{mode: AUTO}",
        "{mode: {like: 'Auto*'}}",
        "{mode: [auto, MANUAL]}",
        "{mode: {not: AUTO}}",
        "{ok: fine}",
        "{ok: 1}",
        "{size: '3'}",
        "{size: {like: '3*'}}",
        "{port: true}",
        "{kind: valve}",
        "{mode: ''}",
    ] {
        class(never, &["impossible-value"]);
    }
    for near in [
        "{code: 7}",
        "{code: '007'}",
        "{code: word}",
        "{code: 5xx}",
        "{code: {at-most: 5}}",
        "{port: '80'}",
        "{mode: auto}",
        "{mode: {like: 'auto*'}}",
        "{mode: [auto, manual]}",
        "{ok: false}",
        "{size: 3}",
        "{size: {not: 3}}",
        "{kind: pump}",
        "{port: {there: false}}",
    ] {
        class(near, &[]);
    }
}

#[test]
fn what_is_certain_to_be_meant_comes_as_an_edit() {
    let edit = |conditions: &str| {
        let text = rules().event("e", conditions).symptom("s", "unit", ONE, "").text("a");
        let found = problems(&[("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", &text)]);
        found.first().and_then(|problem| problem.edit.clone()).map(|edit| edit.text)
    };
    assert_eq!(edit("{code: '7'}").as_deref(), Some("7"));
    assert_eq!(edit("{mode: AUTO}").as_deref(), Some("auto"));
    assert_eq!(edit("{mode: {like: 'Auto*'}}").as_deref(), Some("'auto*'"));
    assert_eq!(edit("{mode: \"A\\u0055TO\"}"), None, "escapes are left to the author");
    assert_eq!(edit("{port: 80}"), None);
}

#[test]
fn a_host_without_inputs_gives_what_it_likes() {
    let text = rules().event("e", "{code: '7'}").symptom("s", "unit", ONE, "").text("a");
    check(&[("pack.yaml", PACK), ("a.yaml", &text)], &[]);
}

#[test]
fn a_class_that_contradicts_itself_is_refused() {
    for never in [
        "{code: 5, where: 'event.code == 6'}",
        "{code: 500..599, where: 'event.code < 500'}",
        "{code: [5, 9], where: 'event.code in 6..9'}",
        "{code: {there: false}, where: 'event.code != 5'}",
        "{mode: auto, where: 'event.mode == \"manual\" || event.code == 5 && event.mode == \"x\"'}",
        "{ok: true, where: '!event.ok'}",
        "{code: {not: {there: true}}, where: 'event.code == 5'}",
        "{site: {there: false}}",
        "{code: {not: [{there: true}, {there: false}]}}",
    ] {
        class(never, &["empty-class"]);
    }
    for near in [
        "{code: 5, where: 'event.code == 5'}",
        "{code: 5, where: 'event.code == 6 || event.mode == \"auto\"'}",
        "{code: 500..599, where: 'event.code <= 500'}",
        "{code: [5, 9], where: 'event.code in 6..10'}",
        "{code: {not: 5}, where: 'event.code != 6'}",
        "{code: {there: false}, where: 'event.mode == \"x\"'}",
    ] {
        class(near, &[]);
    }
    rules()
        .event("e", "{code: 5, where: 'event.code == 6'}")
        .symptom("s", "unit", ONE, "")
        .expect_at(&["empty-class"], "'event.code == 6'");
}

#[test]
fn the_class_of_problem_events_is_looked_at_too() {
    let pack = PACK.to_owned() + "problem: {port: 80}\n";
    check(&[("pack.yaml", &pack), ("inputs/i.yaml", INPUT)], &["impossible-value"]);
    let pack = PACK.to_owned() + "problem: {port: '80'}\n";
    check(&[("pack.yaml", &pack), ("inputs/i.yaml", INPUT)], &[]);
}

#[test]
fn a_class_that_nothing_uses_or_that_another_is_already_is_refused() {
    let good = || rules().event("e", "{code: 7, ok: true}").symptom("s", "unit", ONE, "");
    good().event("f", "{code: 8}").expect_at(&["unused-class"], "f");
    good()
        .event("f", "{ok: true, code: 7}")
        .symptom("t", "unit", "{count: {event: f, at-least: 3, within: 1h}}", "")
        .expect_at(&["same-class"], "f");
    good()
        .event("f", "{ok: true, code: 8}")
        .symptom("t", "unit", "{count: {event: f, at-least: 3, within: 1h}}", "")
        .expect(&[]);
    good()
        .event("f", "{code: 7}")
        .symptom("t", "unit", "{occurrence: {event: e, among: f}}", ", when: occurrence.events > 2")
        .expect(&[]);
}

#[test]
fn a_class_that_only_an_example_uses_is_used() {
    let node = crate::yaml::document("a.yaml", "cases: [{given: [{every: 1m, then: {event: [x, noise]}}]}]");
    assert!(node.is_ok_and(|node| super::class::gives_rise(node.root(), "noise")));
}

#[test]
fn a_symptom_of_subjects_that_its_events_never_name_is_refused() {
    let one = |event: &str, per: &str, detect: &str| rules().event("e", event).symptom("s", per, detect, "");
    one("{unit: {there: false}}", "unit", ONE).expect_at(&["unreachable-symptom"], "e");
    one("{unit: {there: false}}", "site", ONE).expect(&[]);
    one("{unit: {there: true}}", "unit", ONE).expect(&[]);
    let distinct = "{distinct: {event: e, of: unit, at-least: 3, within: 5m}}";
    one("{unit: {there: false}}", "site", distinct).expect(&["unreachable-symptom"]);
    one("{code: 7}", "site", distinct).expect(&[]);
    let session = |conditions: &str| {
        rules().event("e", conditions).event("f", "{code: 8}").symptom(
            "s",
            "unit",
            "{session: {opens: [e, f], closes: f}}",
            "",
        )
    };
    session("{unit: {there: false}}").expect(&[]);
}

#[test]
fn steps_that_never_have_one_subject_are_refused() {
    let two = |a: &str, b: &str, per: &str| {
        let detect = "{sequence: [e, f], within: 1m}";
        rules().event("e", a).event("f", b).symptom("s", per, detect, "")
    };
    two("{unit: a}", "{unit: b}", "unit").expect_at(&["step-never-follows"], "f");
    two("{unit: a}", "{unit: b}", "site").expect(&[]);
    two("{unit: a}", "{unit: [b, a], code: 7}", "unit").expect(&[]);
    two("{unit: a}", "{code: 7}", "unit").expect(&[]);
}

#[test]
fn a_step_whose_events_play_another_part_is_refused() {
    let two = |detect: &str| {
        let rules = rules().event("e", "{code: 7, ok: true}").event("f", "{code: 7}");
        rules.symptom("s", "unit", detect, "")
    };
    two("{sequence: [{maybe: e}, f], within: 1m}").expect_at(&["idle-step"], "e");
    two("{sequence: [{maybe: f}, e], within: 1m}").expect(&[]);
    two("{sequence: [e, {never: f}], order: any, within: 1m}").expect_at(&["idle-step"], "e");
    two("{sequence: [f, {never: e}], order: any, within: 1m}").expect(&[]);
    // In order, the last step is not what must not follow it: a drop, and no other for a minute.
    two("{sequence: [e, {never: e}, f], within: 1m}").expect(&[]);
    rules()
        .event("e", "{code: 7}")
        .symptom("s", "unit", "{sequence: [e, {never: e}], within: 1m}", "")
        .expect(&[]);
    rules()
        .event("e", "{code: 7}")
        .symptom("s", "unit", "{sequence: [{maybe: e}, e], within: 1m}", "")
        .expect(&["idle-step"]);
}

#[test]
fn an_absence_without_a_deadline_is_refused() {
    let two = |detect: &str| {
        rules().event("e", "{code: 7}").event("f", "{code: 8}").symptom("s", "unit", detect, "")
    };
    two("{sequence: [e, {never: f}]}").expect(&["no-deadline"]);
    two("{sequence: [e, {never: f}], within: 1m}").expect(&[]);
    two("{sequence: [e, f]}").expect(&["missing-key"]);
}

#[test]
fn a_when_that_contradicts_the_detector_is_refused() {
    let with = |detect: &str, when: &str| {
        rules().event("e", "{code: 7}").symptom("s", "unit", detect, &format!(", when: '{when}'"))
    };
    let periodic = "{periodic: {event: e, period: 5m..6h}}";
    let count = "{count: {event: e, at-least: 3, within: 1h}}";
    let chain = "{sequence: [e, {never: e}], within: 1m}";
    let session = "{session: {opens: e, closes: e, at-least: 5}}";
    for (detect, never, near) in [
        (periodic, "periodic.period >= 40.hours", "periodic.period >= 6.hours"),
        (periodic, "periodic.period < 5.min", "periodic.period <= 5.min"),
        (periodic, "periodic.state == \"lost\"", "periodic.state == \"confirmed\""),
        (count, "count.events < 3", "count.events <= 3"),
        (chain, "sequence.chains < 1", "sequence.chains > 1"),
        (chain, "sequence.span > 1.min", "sequence.span >= 1.min"),
        (session, "session.sessions in [2, 3, 4]", "session.sessions in [2, 5]"),
        (ONE, "occurrence.events == 0", "occurrence.events == 1"),
    ] {
        with(detect, never).expect_at(&["impossible-when"], &format!("'{never}'"));
        with(detect, near).expect(&[]);
    }
    let surge = |more: &str, when: &str| {
        let detect = format!("{{surge: {{event: e, distinct: unit, bucket: 1m, at-least: 9{more}}}}}");
        rules().event("e", "{code: 7}").symptom("s", "site", &detect, &format!(", when: '{when}'"))
    };
    surge("", "surge.concentration >= 0.6").expect(&["impossible-when"]);
    surge(", by: mode", "surge.concentration >= 0.6").expect(&[]);
    surge("", "surge.children < 9").expect(&["impossible-when"]);
    let distinct = |when: &str| {
        let detect = "{distinct: {event: e, of: unit, at-least: 3, within: 5m}}";
        rules().event("e", "{code: 7}").symptom("s", "site", detect, &format!(", when: '{when}'"))
    };
    distinct("distinct.children == 2").expect(&["impossible-when"]);
    distinct("distinct.window == 5.min").expect(&[]);
}

#[test]
fn a_symptom_that_gives_way_to_what_is_always_there_is_refused() {
    let two = |other: &str, own: &str| {
        rules()
            .event("e", "{code: 7}")
            .symptom("s", "unit", "{count: {event: e, at-least: 3, within: 1h}}", other)
            .symptom(
                "t",
                "unit",
                "{count: {within: 1h, event: e, at-least: 3}}",
                &format!(", unless: [s]{own}"),
            )
    };
    two("", ", when: count.events > 5").expect_at(&["always-blocked"], "s");
    two(", when: count.events > 5", ", when: 'count.events  >  5'").expect(&["always-blocked"]);
    two(", when: count.events > 5", "").expect(&[]);
}

#[test]
fn a_symptom_that_stands_twice_is_refused() {
    let second = |per: &str, detect: &str, more: &str| {
        rules()
            .event("e", "{code: 7}")
            .symptom("s", "unit", "{count: {event: e, at-least: 3, within: 1h}}", "")
            .symptom("t", per, detect, more)
    };
    second("unit", "{count: {event: e, within: 1h, at-least: 3}}", "").expect_at(&["same-symptom"], "t");
    second("site", "{count: {event: e, within: 1h, at-least: 3}}", "").expect(&[]);
    second("unit", "{count: {event: e, within: 1h, at-least: 4}}", "").expect(&[]);
    second("unit", "{count: {event: e, within: 1h, at-least: 3}}", ", when: count.events > 5").expect(&[]);
}

#[test]
fn a_symptom_is_the_same_in_another_article_when_its_classes_hold_the_same() {
    let article = |class: &str, conditions: &str, id: &str| {
        let detect = format!("{{count: {{event: {class}, at-least: 3, within: 1h}}}}");
        let one = rules().event(class, conditions).lone("s", "unit", &detect, "");
        one.cause("c", &format!("Of {id}"), "{s: often}").text(id)
    };
    let both = |b: &str| {
        let a = article("e", "{code: 7}", "a");
        problems(&[("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", &a), ("b.yaml", b)])
    };
    let codes = |b: &str| both(b).iter().map(|problem| problem.code).collect::<Vec<_>>();
    assert_eq!(codes(&article("drop", "{code: 7}", "b")), ["same-symptom"]);
    assert_eq!(codes(&article("e", "{code: 8}", "b")), [""; 0]);
}

#[test]
fn a_window_that_outlasts_an_episode_is_refused() {
    let one = |per: &str, detect: &str| rules().event("e", "{code: 7}").symptom("s", per, detect, "");
    let count = |within: &str| format!("{{count: {{event: e, at-least: 3, within: {within}}}}}");
    one("unit", &count("25h")).expect_at(&["window-over-quiet"], "25h");
    one("unit", &count("24h")).expect(&[]);
    one("site", &count("2h")).expect(&["window-over-quiet"]);
    one("unit", "{periodic: {event: e, period: 5m..36h}}").expect_at(&["window-over-quiet"], "5m..36h");
    one("unit", "{periodic: {event: e, period: 5m..24h}}").expect(&[]);
    one("unit", "{sequence: [e, {never: e}], within: 36h}").expect(&["window-over-quiet"]);
    one("site", "{surge: {event: e, bucket: 2h, at-least: 9}}").expect(&["window-over-quiet"]);
    one("site", "{surge: {event: e, bucket: 1h, at-least: 9}}").expect(&[]);
}

#[test]
fn a_symptom_that_nothing_makes_use_of_is_refused() {
    let one = || rules().event("e", "{code: 7}").symptom("s", "unit", ONE, "");
    let count = "{count: {event: e, at-least: 3, within: 1h}}";
    one().lone("t", "unit", count, "").expect_at(&["unexplained-symptom"], "t");
    one().lone("t", "unit", count, "").cause("c", "C", "{t: seldom}").expect(&[]);
    let blocks = rules().event("e", "{code: 7}").lone("t", "unit", count, "");
    blocks.symptom("s", "unit", ONE, ", unless: [t]").expect(&[]);
    // With another fault somewhere the cause that explains it may be the faulty one.
    one().lone("t", "unit", count, "").cause("c", "C", "{x: seldom}").expect(&["unknown-symptom"]);
}

#[test]
fn a_cause_of_ordinary_symptoms_alone_is_refused() {
    let two = |explains: &str| {
        rules()
            .event("e", "{code: 7}")
            .symptom("s", "unit", ONE, "")
            .lone("t", "unit", "{count: {event: e, at-least: 3, within: 1h}}", ", background: 0.7")
            .cause("c", "C", explains)
    };
    two("{t: often}").expect_at(&["ordinary-only"], "{t: often}");
    two("{t: often, s: seldom}").expect(&[]);
    // Rare, and no trouble all the same.
    rules()
        .event("e", "{code: 7}")
        .lone("s", "unit", ONE, ", ordinary: true")
        .cause("c", "C", "{s: often}")
        .expect_at(&["ordinary-only"], "{s: often}");
}

#[test]
fn a_cause_of_subjects_beside_each_other_is_refused() {
    let two = |other: &str| {
        rules()
            .event("e", "{code: 7}")
            .lone("s", "unit", ONE, "")
            .lone("t", other, "{count: {event: e, at-least: 3, within: 1h}}", "")
            .cause("c", "C", "{s: often, t: often}")
    };
    two("door").expect(&["apart-levels"]);
    two("site").expect(&[]);
}

#[test]
fn any_number_of_causes_may_compete() {
    let one = rules().event("e", "{code: 7}").lone("s", "unit", ONE, "");
    let many = (0..40).fold(one, |rules, n| rules.cause(&format!("c{n}"), &format!("C{n}"), "{s: often}"));
    many.expect(&[]);
}

#[test]
fn two_causes_with_one_title_are_refused() {
    let two = |title: &str| {
        let one =
            rules().event("e", "{code: 7}").lone("s", "unit", ONE, "").cause("b", "Worn belt", "{s: often}");
        one.cause("c", title, "{s: seldom}")
    };
    two("worn  Belt").expect_at(&["same-title"], "worn  Belt");
    two("Worn belts").expect(&[]);
}

#[test]
fn a_circle_of_same_as_is_named_once() {
    let base = rules().event("e", "{code: 7}").symptom("s", "unit", ONE, "").text("a");
    let a = base
        + "  x: {same-as: b#x}\n  into: {same-as: x}\nsolutions:\n  one: {same-as: two}\n  two: {same-as: one}\n";
    let b = "etiolog: 1\narticle: b\ntitle: B\ncauses:\n  x: {same-as: a#x}\n";
    let files = [("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", a.as_str()), ("b.yaml", b)];
    let found: Vec<String> = problems(&files).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    a.yaml:10:16: `same-as` runs in a circle: `a#x` → `b#x` → `a#x` [same-as-circle]
      help: one of them must say what it is
    a.yaml:13:18: `same-as` runs in a circle: `a#one` → `a#two` → `a#one` [same-as-circle]
      help: one of them must say what it is
    ");
    let b = b.replace("{same-as: a#x}", "{same-as: a#of-s}");
    let a = a.replace("{same-as: one}", "{do: Mend it.}");
    check(&[("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", &a), ("b.yaml", &b)], &[]);
}

#[test]
fn a_problem_says_where_the_other_half_stands() {
    let text = rules()
        .event("e", "{code: 7}")
        .symptom("s", "unit", "{count: {event: e, at-least: 3, within: 1h}}", ", when: count.events < 3")
        .text("a");
    let found = problems(&[("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("a.yaml", &text)]);
    let also = found.first().and_then(|problem| problem.also.first());
    let place = also.and_then(|also| text.get(also.span.clone()));
    assert_eq!(place, Some("{count: {event: e, at-least: 3, within: 1h}}"));
}
