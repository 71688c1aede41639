//! The cases of a file, key by key, as types whose JSON Schema the loader, editors and the reference share. What they say
//! is read from the tree of nodes.
//!
//! What stands under `allOf` and `dependencies` is for editors: the loader tells which keys go together in words of its own.

#![allow(dead_code, reason = "says what there may be; it is read from the tree")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, json_schema};

use crate::detector::parameters::Class;
use crate::yaml::kinds::{Name, OneOrMore, Share, Span, kind};

/// A case: what is given, and what must come of it.
#[derive(JsonSchema)]
#[schemars(
    rename_all = "kebab-case",
    deny_unknown_fields,
    extend("allOf" = [
        {"anyOf": [{"required": ["expect"]}, {"required": ["expect-exactly"]}, {"required": ["expect-none"]}]},
        {"not": {"required": ["expect", "expect-exactly"]}}
    ])
)]
pub(in crate::rule) struct CaseFile {
    /// What it shows, in a few words; no other case of the file has this name: `three trips within an hour`.
    name: Name,
    /// When it begins.
    start: Option<Stamp>,
    /// What happens: events, raw records, and time that passes.
    #[schemars(extend("allOf" = [{"minItems": 1}]))]
    given: Vec<GivenFile>,
    /// Whether nothing comes after what is given, as with `diagnose --complete`; `false` if not given.
    #[schemars(extend("default" = false))]
    complete: Option<bool>,
    /// What must be said of subjects: `[{pump: p1, top: worn-bearing, present: [regular-trips]}]`.
    #[schemars(extend("allOf" = [{"minItems": 1}]))]
    expect: Option<Vec<ExpectFile>>,
    /// As `expect`, and there is no other diagnosis; `[]`: there is none at all.
    expect_exactly: Option<Vec<ExpectFile>>,
    /// Causes that no diagnosis names, and symptoms that are present nowhere: `[worn-bearing, regular-trips]`.
    expect_none: Option<Names>,
}

/// One item of what is given: events of a class on some subjects (`event`), raw records (`records`, `file`), or time that
/// passes (`wait`).
#[derive(JsonSchema)]
#[schemars(
    rename_all = "kebab-case",
    deny_unknown_fields,
    extend("allOf" = [{"oneOf": [{"required": ["event"]}, {"required": ["records"]}, {"required": ["file"]}, {"required": ["wait"]}]}]),
    extend("dependencies" = {
        "at": ["event"], "jitter": ["event"], "loss": ["event"], "spread": ["event", "subject"], "subject": ["event"],
        "fields": ["event"], "then": ["event"], "times": ["event", "every"], "for": ["event", "every"],
        "every": {"required": ["event"], "oneOf": [{"required": ["times"]}, {"required": ["for"]}]}
    })
)]
struct GivenFile {
    /// The class or classes of events that come, several at one instant. Each is made from what its class says: `trip`.
    event: Option<OneOrMore<Class>>,
    /// Whom the events are about, by level; `p1..p40` and `[p1, p2]` are several, and `~` leaves a level out: `{pump: p1}`.
    subject: Option<SubjectFile>,
    /// Fields of the events beside what their class says, or instead; `~` for one that is missing: `{code: 7}`.
    fields: Option<FieldsFile>,
    /// When the first event comes, after the start or after the last `wait`; 0 if not given: `3h`.
    at: Option<SpanOrZero>,
    /// How long it is from one event to the next, with `times` or `for`: `65m`.
    every: Option<Span>,
    /// How many there are: `8`.
    #[schemars(range(min = 1, max = 1_000_000))]
    times: Option<u64>,
    /// For how long they come, instead of `times`: `10m`.
    #[serde(rename = "for")]
    length: Option<Span>,
    /// Each comes up to so much later than its turn: `20s`.
    jitter: Option<SpanOrZero>,
    /// How many of the events are missing from the log: `10%`.
    loss: Option<Share>,
    /// How long it takes from the first subject's turn to the last one's: `30s`.
    spread: Option<SpanOrZero>,
    /// What follows each of the events, one thing or several: `{after: 8s, event: start}`.
    then: Option<OneOrMore<ThenFile>>,
    /// Time goes on for so long after all that stands above, and nothing happens; what stands below starts behind it: `20m`.
    wait: Option<Span>,
    /// Raw records as text, read by the pack's inputs as `diagnose` would read them.
    records: Option<String>,
    /// The same from a file in the pack's folder `cases`: `cases/night.jsonl`.
    file: Option<String>,
}

/// What follows an event.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields)]
struct ThenFile {
    /// How long after it: `8s`.
    after: SpanOrZero,
    /// The class or classes of events that come then: `start`.
    event: OneOrMore<Class>,
    /// Fields of the events beside what their class says, or instead; `~` for one that is missing: `{code: 7}`.
    fields: Option<FieldsFile>,
    /// What follows these in turn.
    then: Option<OneOrMore<ThenFile>>,
}

/// What is expected of one subject, or of each of several.
#[derive(JsonSchema)]
#[schemars(
    rename_all = "kebab-case",
    extend("allOf" = [{"anyOf": [
        {"required": ["top"]}, {"required": ["present"]}, {"required": ["absent"]}, {"required": ["near"]}, {"required": ["unknown"]}
    ]}]),
    extend("dependencies" = {"at-least": ["top"], "at-most": ["top"]})
)]
struct ExpectFile {
    /// The cause that a diagnosis names, or `cannot-tell`: `worn-bearing`.
    top: Option<Name>,
    /// The least probability that the cause under `top` may have: `0.9`.
    at_least: Option<Share>,
    /// The most probability that it may have: `0.95`.
    at_most: Option<Share>,
    /// Symptoms that are present, or were and are over: `[regular-trips]`.
    present: Option<OneOrMore<Name>>,
    /// Symptoms that were looked for and are not there: `[irregular-trips]`.
    absent: Option<OneOrMore<Name>>,
    /// Symptoms that are not present though their detectors saw at least one of their events: `[regular-trips]`.
    near: Option<OneOrMore<Name>>,
    /// Symptoms of which nothing can be said: `[never-back]`.
    unknown: Option<OneOrMore<Name>>,
    #[serde(flatten)]
    subject: BTreeMap<String, Whom>,
}

kind! {
    /// A span of time that may be nothing: `20s` or `0`.
    struct SpanOrZero: |_| json_schema!({
        "type": ["string", "integer"], "format": "duration-or-0",
        "pattern": r"^\s*(0|([0-9]+(ms|s|m|h|d))+)\s*$", "minimum": 0, "maximum": 0, "examples": ["20s"]
    });
    /// An instant: `2026-01-05T00:00:00Z`.
    struct Stamp: |_| json_schema!({"type": "string", "format": "date-time", "default": "2026-01-05T00:00:00Z"});
    /// One or more names; that there is one at least is told by the reader.
    struct Names: |generator| names(Name::json_schema(generator));
    /// Who is meant on one level.
    struct Whom: |generator| {
        let mut whom = OneOrMore::<Name>::json_schema(generator);
        let text = "The subject, by a level of the pack; `p1..p40` and `[p1, p2]` are several: `pump: p1`.";
        whom.insert("description".to_owned(), text.into());
        whom
    };
    /// Levels and who is meant.
    struct SubjectFile: |generator| or_missing(OneOrMore::<Name>::json_schema(generator));
    /// Fields and what they are.
    struct FieldsFile: |_| or_missing(json_schema!({"type": ["string", "number", "boolean"]}));
}

fn names(name: Schema) -> Schema {
    json_schema!({"anyOf": [name, {"type": "array", "items": name, "allOf": [{"minItems": 1}]}]})
}

/// A mapping of names that the pack gives; each is this or, with `~`, missing. The reader knows the names and looks at what
/// stands there itself.
fn or_missing(value: Schema) -> Schema {
    json_schema!({"type": "object", "patternProperties": {"": {"anyOf": [value, {"const": null}]}}})
}

#[cfg(test)]
mod tests {
    use crate::plugin::Registry;
    use crate::rule::{Texts, compile};

    const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: 0.1.0\nsubjects: [{name: site, quiet: 1h}, {name: unit, in: site, quiet: 1h}]\n";
    const INPUT: &str = "etiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {from: at}\nfields: {site: {from: site}, unit: {from: unit}, code: {from: code, as: code}, word: {from: word}}\n";
    const RULES: &str = "etiolog: 1\narticle: a\ntitle: A\nevents: {e: {code: 7}}\nsymptoms:\n  s: {title: S, per: unit, detect: {count: {event: e, at-least: 3, within: 1h}}}\ncauses:\n  c: {title: C, severity: error, explains: {s: often}}\ncases: ";

    /// What is said of these cases, each as its code and the text that is meant.
    fn said(cases: &str) -> Vec<String> {
        let text = format!("{RULES}{cases}\n");
        let files = [("a.yaml", text.as_str()), ("inputs/i.yaml", INPUT), ("pack.yaml", PACK)];
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).to_vec();
        let problems = compile(&[Texts { files, ..Texts::default() }], &Registry::builtin()).err();
        let place = |span: std::ops::Range<usize>| text.get(span).unwrap_or_default().to_owned();
        let problems = problems.unwrap_or_default().into_iter();
        problems.map(|problem| format!("{} at {}", problem.code, place(problem.span.clone()))).collect()
    }

    #[test]
    fn what_has_the_wrong_shape_is_told_once() {
        for (cases, expected) in [
            ("7", "wrong-type at 7"),
            ("[7]", "wrong-type at 7"),
            ("[{name: [n], given: [{event: e}], expect-exactly: []}]", "wrong-type at [n]"),
            ("[{name: n, given: {event: e}, expect-exactly: []}]", "wrong-type at {event: e}"),
            ("[{name: n, given: [e], expect-exactly: []}]", "wrong-type at e"),
            (
                "[{name: n, given: [{event: e, every: 5min, times: 3}], expect-exactly: []}]",
                "wrong-type at 5min",
            ),
            ("[{name: n, given: [{event: e, every: 5m, times: x}], expect-exactly: []}]", "wrong-type at x"),
            (
                "[{name: n, given: [{event: e, every: 5m, tmies: 3}], expect-exactly: []}]",
                "unknown-key at tmies",
            ),
            ("[{name: n, given: [{event: e, at: [5m]}], expect-exactly: []}]", "wrong-type at [5m]"),
            ("[{name: n, given: [{event: {a: b}}], expect-exactly: []}]", "wrong-type at {a: b}"),
            ("[{name: n, given: [{event: e, subject: [u]}], expect-exactly: []}]", "wrong-type at [u]"),
            (
                "[{name: n, given: [{event: e, subject: {unit: {u: v}}}], expect-exactly: []}]",
                "wrong-type at {u: v}",
            ),
            (
                "[{name: n, given: [{event: e, subject: {unit: [u, v], spread: 5m}}], expect-exactly: []}]",
                "unknown-subject at spread",
            ),
            (
                "[{name: n, given: [{event: e, then: {after: [8s], event: e}}], expect-exactly: []}]",
                "wrong-type at [8s]",
            ),
            (
                "[{name: n, given: [{event: e, then: {after: 8s, event: ~}}], expect-exactly: []}]",
                "wrong-type at ~",
            ),
            ("[{name: n, given: [{wait: soon}], expect-exactly: []}]", "wrong-type at soon"),
            (
                "[{name: n, given: [{event: e}], expect: {unit: u, top: c}}]",
                "wrong-type at {unit: u, top: c}",
            ),
            ("[{name: n, given: [{event: e}], expect: [{unit: u, top: [c]}]}]", "wrong-type at [c]"),
            (
                "[{name: n, given: [{event: e}], expect: [{unit: u, top: {c: d}, at-least: 0.5}]}]",
                "wrong-type at {c: d}",
            ),
            (
                "[{name: n, given: [{event: e}], expect: [{unit: {u: v}, top: c, present: [s]}]}]",
                "wrong-type at {u: v}",
            ),
            (
                "[{name: n, given: [{event: e}], expect: [{unit: u, present: {s: t}}]}]",
                "wrong-type at {s: t}",
            ),
            ("[{name: n, given: [{event: e}], expect-none: {s: t}}]", "wrong-type at {s: t}"),
            ("[{name: n, given: [{event: e}], expect-exactly: c}]", "wrong-type at c"),
        ] {
            assert_eq!(said(cases).join("; "), expected, "{cases}");
        }
    }

    #[test]
    fn what_may_be_left_out_or_be_nothing_is_accepted() {
        let case = "[{name: 7, start: '2026-01-05T00:00:00+01:00', given: [{event: [e], at: 0, jitter: 0s, every: 1h30m, \
                    for: 5h, loss: 0.1, subject: {unit: [u1..u3, 7], site: ~}, spread: 0, fields: {word: ~}, \
                    then: [{after: 0, event: e, then: {after: 5s, event: [e, e]}}]}, {records: '{}'}], \
                    complete: false, expect: [{unit: u1..u3, absent: s, near: [s]}], expect-none: [c]}]";
        assert_eq!(said(case), [""; 0]);
    }
}
