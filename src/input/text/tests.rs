use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::error::Problem;
use crate::input::{Framed, Framer, Json};
use crate::yaml::document;

const HEAD: &str = "etiolog: 1\ninput: i\ntitle: I\nformat: text\n";

fn read(rest: &str) -> Result<Mapping, Problem> {
    let document = document("i.yaml", &format!("{HEAD}{rest}")).map_err(first)?;
    let mut problems = Vec::new();
    let mapping = Mapping::read(document.root().clone(), &["json", "text"], &mut problems);
    if problems.is_empty() { Ok(mapping) } else { Err(first(problems)) }
}

fn first(problems: Vec<Problem>) -> Problem {
    problems.into_iter().next().expect("a refusal has a problem")
}

fn mapping(rest: &str) -> Mapping {
    read(rest).unwrap_or_else(|problem| panic!("{problem}"))
}

fn ready(mapping: &Mapping) -> Arc<dyn Format> {
    Text::default().ready(mapping).unwrap_or_else(|| panic!("no layout"))
}

/// What a record gives, as `name=value`, in the order in which the names are asked for.
fn found(mapping: &Mapping, names: &[&str], record: &[u8]) -> String {
    let mut wanted = Paths::default();
    for name in names {
        wanted.intern(name);
    }
    let mut row = Row::default();
    if let Err(reason) = ready(mapping).decode(record, &wanted, &mut row) {
        return format!("!{reason}");
    }
    let shown =
        names.iter().enumerate().filter_map(|(at, name)| Some(format!("{name}={}", row.get(at)?.text())));
    shown.collect::<Vec<_>>().join(" ")
}

const PUMPS: &str = "time: {from: time, format: epoch-seconds}
head: '{time}: {message}'
lines:
  - {op: start, template: 'Pump {pump} started at {place}:{port:integer} ({}).'}
  - {op: stop, why: asked, template: 'Pump {pump} stopped.'}
  - {op: stop, template: 'Pump {pump} stopped: {why}.'}
  - {op: load, template: 'load {share:number}%'}
  - {op: mode, template: 'mode {mode:word} of {{{pump}}}'}
fields: {pump: {from: pump}, op: {from: op}, why: {from: why}, message: {from: message}}
";

fn check(record: &str, expect: &str) {
    let names = ["time", "op", "pump", "place", "port", "why", "share", "mode"];
    assert_eq!(found(&mapping(PUMPS), &names, record.as_bytes()), expect, "of {record:?}");
}

#[test]
fn a_line_gives_what_the_first_template_that_fits_captures_and_says() {
    check("17: Pump p-1 started at north:80 (x, y).", "time=17 op=start pump=p-1 place=north port=80");
    check("17: Pump p-1 stopped.", "time=17 op=stop pump=p-1 why=asked");
    check("17: Pump p-1 stopped: no power.", "time=17 op=stop pump=p-1 why=no power");
    check("17: load  7.5%", "time=17 op=load share=7.5");
    check("17: mode  idle of {p-1}", "time=17 op=mode pump=p-1 mode=idle");
}

#[test]
fn a_line_that_fits_no_template_still_has_its_time_and_message() {
    let names = ["time", "op", "message"];
    for (record, expect) in [
        (
            "17: Pump p-1 started at north:80x (x, y).",
            "time=17 message=Pump p-1 started at north:80x (x, y).",
        ),
        ("17: Pump p-1 stopped", "time=17 message=Pump p-1 stopped"),
        ("17: load 7.%", "time=17 message=load 7.%"),
        ("17: mode of {p-1}", "time=17 message=mode of {p-1}"),
        ("17:  ", "!malformed"),
        ("17", "!malformed"),
        ("then: what", "time=then message=what"),
    ] {
        assert_eq!(found(&mapping(PUMPS), &names, record.as_bytes()), expect, "of {record:?}");
    }
}

#[test]
fn a_capture_ends_at_the_first_occurrence_of_what_stands_behind_it() {
    check("17: Pump a stopped: b stopped: c.", "time=17 op=stop pump=a why=b stopped: c");
    check("17: Pump a stopped. stopped: c..", "time=17 op=stop pump=a stopped. why=c.");
    check("17: Pump a:b started at ::1:80 (x).", "time=17");
}

#[test]
fn a_stamp_may_hold_the_text_that_ends_it() {
    for (format, head, line, expect) in [
        (
            "rfc3339, zone: utc",
            "{time} {level:word} {message}",
            "2026-03-04 08:22:05  INFO it runs",
            "2026-03-04 08:22:05|INFO|it runs",
        ),
        (
            "'%b %e %Y %T', zone: utc",
            "{time} {level} {message}",
            "Mar  4 2026 08:22:05 INFO it runs",
            "Mar  4 2026 08:22:05|INFO|it runs",
        ),
        (
            "rfc2822",
            "{time}: {level}: {message}",
            "Wed, 4 Mar 2026 08:22:05 +0100: I: x: y",
            "Wed, 4 Mar 2026 08:22:05 +0100|I|x: y",
        ),
        (
            "'%d/%b/%Y:%T %z'",
            "{level} [{time}] {message}",
            "I [04/Mar/2026:08:22:05 +0100] x",
            "04/Mar/2026:08:22:05 +0100|I|x",
        ),
        ("epoch-millis", "{level} {message} {time}", "I x 17", "17|I|x"),
    ] {
        let mapping = mapping(&format!(
            "time: {{from: time, format: {format}}}\nhead: '{head}'\nfields: {{m: {{from: message}}}}\n"
        ));
        let shown = found(&mapping, &["time", "level", "message"], line.as_bytes());
        let plain = shown.replacen("time=", "", 1).replacen(" level=", "|", 1).replacen(" message=", "|", 1);
        assert_eq!(plain, expect, "of {line}");
    }
}

#[test]
fn colours_go_and_bad_bytes_are_repaired() {
    check("\x1b[32m17\x1b[0m: Pump \x1b[1mp-1\x1b[m stopped.\x1b[0m", "time=17 op=stop pump=p-1 why=asked");
    let names = ["op", "pump"];
    assert_eq!(found(&mapping(PUMPS), &names, b"17: Pump p\xff1 stopped."), "op=stop pump=p\u{fffd}1");
}

#[test]
fn without_a_head_the_line_is_the_message() {
    let mapping = mapping(
        "time: {from: at, format: epoch-seconds}\nlines: [{op: up, template: '[{at}] {unit} up'}]\nfields: {m: {from: message}}\n",
    );
    let names = ["at", "op", "unit", "message"];
    assert_eq!(found(&mapping, &names, b"[17] a up"), "at=17 op=up unit=a message=[17] a up");
    assert_eq!(found(&mapping, &names, b"[x] a up"), "message=[x] a up");
}

const CONTINUED: &str = "time: {from: time, format: rfc3339}
head: '{time} {message}'
continued: true
fields: {m: {from: message}, more: {from: more}}
";

#[test]
fn what_follows_a_first_line_is_more_and_no_part_of_the_message() {
    let mapping = mapping(CONTINUED);
    let names = ["message", "more"];
    let record = b"2026-03-04T08:22:05Z boom\r\n  at a\n  at b";
    assert_eq!(found(&mapping, &names, record), "message=boom more=at a\n  at b");
    assert_eq!(found(&mapping, &names, b"2026-03-04T08:22:05Z boom"), "message=boom");
}

/// Each record as `line@offset text`, each reject as `line@offset !reason`.
fn cut(mapping: &Mapping, limit: usize, pieces: &[&[u8]]) -> Vec<String> {
    let mut framer = Framer::new(ready(mapping).framing(), limit).with_layout(mapping.layout.as_ref());
    let mut found = Vec::new();
    let mut out = |framed: Framed<'_>| {
        found.push(match framed {
            Framed::Record { bytes, line, offset } => {
                format!("{line}@{offset} {}", String::from_utf8_lossy(bytes))
            }
            Framed::Reject { reason, line, offset } => format!("{line}@{offset} !{reason}"),
        });
    };
    for piece in pieces {
        framer.push(piece, &mut out);
    }
    framer.finish(&mut out);
    found
}

#[test]
fn a_record_goes_on_until_a_line_begins_the_next() {
    let text = b"lost: x\nlost\n2026-03-04T08:22:05Z a\r\n  at x: y\n\n\tat z\n2026-03-04T08:22:06Z b\nwords\0\nwords\n2026-03-04T08:22:07Z c";
    let expect = [
        "1@0 !malformed",
        "3@13 2026-03-04T08:22:05Z a\n  at x: y\n\tat z",
        "7@54 2026-03-04T08:22:06Z b",
        "8@77 !binary",
        "10@90 2026-03-04T08:22:07Z c",
    ];
    assert_eq!(cut(&mapping(CONTINUED), 1 << 20, &[text]), expect);
}

#[test]
fn a_record_that_grows_over_the_limit_is_reported_once() {
    let text = b"2026-03-04T08:22:05Z a\nmore and more\nmore\n2026-03-04T08:22:06Z b\n";
    assert_eq!(cut(&mapping(CONTINUED), 30, &[text]), ["1@0 !oversize", "4@42 2026-03-04T08:22:06Z b"]);
}

#[test]
fn a_stream_is_recognised_when_its_first_record_fits() {
    let pumps = mapping(PUMPS);
    let starts = mapping(&format!("{PUMPS}recognise: [op]\n"));
    for (line, plainly, with_word) in [
        ("17: Pump p-1 stopped.", true, true),
        ("17: something", true, false),
        ("soon: something", false, false),
        ("{\"time\": 17}", false, false),
        ("17", false, false),
    ] {
        assert_eq!(pumps.recognises(&*ready(&pumps), line.as_bytes()), plainly, "{line}");
        assert_eq!(starts.recognises(&*ready(&starts), line.as_bytes()), with_word, "{line}");
        assert!(!pumps.recognises(&Json, line.as_bytes()), "{line} by another format");
    }
}

/// Where the one fault of an input lies: its code and the text from there on.
#[track_caller]
fn refused(rest: &str, code: &str, at: &str) -> Problem {
    let problem = read(rest).expect_err(rest);
    let there = problem.text.get(problem.span.start..).unwrap_or_default();
    assert_eq!((problem.code, there.starts_with(at)), (code, true), "{problem} at {there}");
    problem
}

#[test]
fn a_faulty_template_is_refused_at_its_place() {
    let line = |template: &str| {
        format!(
            "time: {{from: time}}\nhead: '{{time}} {{message}}'\nlines: [{{op: x, template: '{template}'}}]\nfields: {{a: {{from: time}}}}\n"
        )
    };
    refused(&line("a {b"), "bad-template", "{b");
    refused(&line("a b} c"), "bad-template", "} c");
    refused(&line("a {b.c}"), "bad-template", "b.c}");
    refused(&line("a {1}"), "bad-template", "1}");
    refused(&line("a {{b}"), "bad-template", "}'");
    refused(&line("{a}{b}"), "bad-template", "{b}");
    refused(&line("a {b} "), "bad-template", " '");
    refused(&line("{a} {a}"), "duplicate-name", "{a}'");
    refused(&line("{a:int} x"), "unknown-word", "int}");
    refused(&line(""), "bad-template", "'");
    refused(&line(&"{x} ".repeat(20).replace("{x}", "{}")), "bad-template", " '");
    refused(&line(&format!("{}{{}}", "{} ".repeat(16))), "too-many", "{}'");
}

#[test]
fn names_that_clash_are_refused() {
    let line = |entry: &str| {
        format!(
            "time: {{from: time}}\nhead: '{{time}} {{level}} {{message}}'\nlines: [{{{entry}}}]\nfields: {{a: {{from: time}}}}\n"
        )
    };
    for entry in [
        "template: 'a {level}'",
        "template: 'a {message}'",
        "template: 'a {op}', op: x",
        "template: a, more: x",
        "template: a, time: x",
    ] {
        refused(&line(entry), "duplicate-name", "{");
    }
    refused(&line("op: x"), "missing-key", "{op");
    refused(&line("template: a, a.b: x"), "wrong-type", "a.b");
}

#[test]
fn a_template_that_no_line_comes_to_is_refused() {
    let lines = |lines: &[&str]| {
        let lines: String = lines.iter().map(|line| format!("  - {{template: '{line}'}}\n")).collect();
        format!(
            "time: {{from: time}}\nhead: '{{time}} {{message}}'\nlines:\n{lines}fields: {{a: {{from: time}}}}\n"
        )
    };
    for [first, second] in [
        ["{all}", "x {y}"],
        ["x {y}", "x {y} z"],
        ["x {y} z", "x {a} b {c} z"],
        ["x {y:integer} z", "x {a:integer} z"],
        ["x", "x"],
        ["{a} b {c}", "d {e:word} b {f:integer} g"],
    ] {
        let problem = refused(&lines(&[first, second]), "hidden-template", &format!("'{second}"));
        assert_eq!(problem.also.len(), 1);
    }
    for [first, second] in [
        ["x {y} z", "x {y}"],
        ["x {y:integer} z", "x {a} z"],
        ["x {y}: z", "x {y} z"],
        ["x", "x {y}"],
        ["x {y}y", "x {y}"],
    ] {
        assert!(read(&lines(&[first, second])).is_ok(), "{first}, {second}");
    }
}

#[test]
fn paths_lead_to_what_some_line_captures() {
    let with = |what: &str| format!("{PUMPS}{what}\n");
    refused(&with("recognise: [tiem]"), "unknown-capture", "tiem");
    refused(&with("only: {opp: [x]}"), "unknown-capture", "opp");
    refused(&PUMPS.replace("{from: pump}", "{from: [pump, pomp]}"), "unknown-capture", "pomp");
    refused(
        &PUMPS.replace("{from: pump}", "{from: pump, join: {from: unit, with: /}}"),
        "unknown-capture",
        "unit",
    );
    refused(&PUMPS.replace("{from: time,", "{from: at,"), "unknown-capture", "at,");
    refused(&PUMPS.replace("from: why", "from: more"), "unknown-capture", "more");
    let problem = refused(&PUMPS.replace("from: pump}", "from: pmup}"), "unknown-capture", "pmup");
    assert!(problem.help.is_some_and(|help| help.starts_with("did you mean `pump`?")));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let plain = "time: {from: time}\nfields: {a: {from: time}}\n";
    refused(plain, "missing-key", "etiolog");
    refused(&format!("{plain}lines: []\ncontinued: true\n"), "contradiction", "true");
    refused(
        &format!("{plain}head: '{{time}} {{text}}'\nlines: [{{template: x}}]\n"),
        "missing-capture",
        "'{time}",
    );
    refused(&format!("{plain}head: '{{time}} {{text}}'\nenvelope: [a]\n"), "contradiction", "envelope");
    let json = format!("{HEAD}{plain}head: '{{time}}'\n").replace("format: text", "format: json");
    let mut problems = Vec::new();
    let document = document("i.yaml", &json).expect("sound YAML");
    Mapping::read(document.root().clone(), &["json", "text"], &mut problems);
    assert_eq!(problems.first().map(|problem| problem.code), Some("contradiction"));
    let stamps = |format: &str| {
        format!(
            "time: {{from: time, format: {format}}}\nhead: '{{time}} {{message}}'\nfields: {{a: {{from: time}}}}\n"
        )
    };
    refused(&stamps("'%F %T'"), "missing-key", "'%F");
    refused(&stamps("'%F %Q'"), "unknown-word", "%Q");
    assert!(read(&stamps("'%F %T', zone: utc")).is_ok() && read(&stamps("'%F %T%z'")).is_ok());
}

#[test]
fn a_format_that_is_not_known_is_told_with_those_that_are() {
    let read = |format: &str| {
        let text = format!(
            "etiolog: 1\ninput: i\ntitle: I\nformat: {format}\ntime: {{from: time}}\nhead: '{{time}} {{message}}'\nfields: {{a: {{from: message}}}}\n"
        );
        let mut problems = Vec::new();
        let document = document("i.yaml", &text).expect("sound YAML");
        Mapping::read(document.into_root(), &["json", "text"], &mut problems);
        problems
    };
    assert_eq!(read("text"), []);
    let [typo] = &read("txet")[..] else { panic!("one problem: {:?}", read("txet")) };
    assert_eq!((typo.code, typo.line, typo.column), ("unknown-format", 4, 9));
    assert_eq!(typo.help.as_deref(), Some("did you mean `text`? known are: json, text"));
    assert_eq!(typo.edit.as_ref().map(|edit| &*edit.text), Some("text"));
    let [other] = &read("parquet")[..] else { panic!("one problem: {:?}", read("parquet")) };
    assert_eq!((other.code, other.help.as_deref()), ("unknown-format", Some("known are: json, text")));
    assert!(other.edit.is_none());
}

#[test]
fn stamps_without_a_zone_are_in_the_zone_of_the_input() {
    let zoned = |zone: &str| {
        read(&format!(
            "time: {{from: time, format: '%F %T', zone: {zone}}}\nhead: '{{time}} {{message}}'\nfields: {{a: {{from: message}}}}\n"
        ))
    };
    for (zone, expect) in [
        ("utc", "2026-03-04T08:22:05Z"),
        ("'+01:00'", "2026-03-04T07:22:05Z"),
        ("-03:30", "2026-03-04T11:52:05Z"),
    ] {
        let mapping = zoned(zone).unwrap_or_else(|problem| panic!("{problem}"));
        let read = mapping.time.format.parse("2026-03-04 08:22:05", mapping.time.zone);
        assert_eq!(read.map(|time| time.to_string()).as_deref(), Ok(expect), "{zone}");
        let found = found(&mapping, &["time", "message"], b"2026-03-04 08:22:05 pump stops");
        assert_eq!(found, "time=2026-03-04 08:22:05 message=pump stops", "{zone}");
    }
    for zone in ["cet", "'+1'", "'+18:30'", "'+01:60'", "Europe/Berlin", "[utc]"] {
        let problem = zoned(zone).expect_err(zone);
        assert!(problem.help.iter().chain([&problem.message]).any(|text| text.contains("utc")), "{problem}");
    }
}

const TANGLE: &str = "[-0-9TZ:.{}\\[\\] aoptPu\\r\\n\u{1b}é]{0,80}";

proptest! {
    #[test]
    fn records_of_several_lines_do_not_depend_on_where_chunks_are_cut(
        lines in prop::collection::vec(prop_oneof!["2026-03-04T08:22:0[0-9]Z [a-c: ]{0,9}", "[ a-c:]{0,12}\r?", "\u{1b}\\[1m2026-03-04T08:22:00Z x", "\0"], 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6), limit in 20_usize..90,
    ) {
        let text = lines.join("\n").into_bytes();
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        places.extend([0, text.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).filter_map(|ends| text.get(*ends.first()?..*ends.last()?)).collect();
        let mapping = mapping(CONTINUED);
        prop_assert_eq!(cut(&mapping, limit, &pieces), cut(&mapping, limit, &[&text]));
    }

    #[test]
    fn no_line_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..60), text in TANGLE) {
        for mapping in [mapping(PUMPS), mapping(CONTINUED)] {
            for line in [&line[..], text.as_bytes(), format!("17: {text}").as_bytes()] {
                found(&mapping, &["time", "op", "pump", "message"], line);
            }
        }
    }

    #[test]
    fn no_template_makes_it_panic(template in TANGLE, line in TANGLE) {
        let quoted = template.replace(['\n', '\r', '\u{1b}'], " ");
        let text = format!("time: {{from: time, format: epoch-seconds}}\nhead: '{{time}}: {{message}}'\nlines: [{{template: '{quoted}'}}]\nfields: {{a: {{from: time}}}}\n");
        if let Ok(mapping) = read(&text) {
            found(&mapping, &["time", "message"], format!("17: {line}").as_bytes());
        }
    }

    #[test]
    fn a_line_made_from_a_template_fits_it(
        parts in prop::collection::vec(("[a-c.:]{1,4}", "[x-z0-9]{1,5}"), 1..6), start in "[a-c ]{0,4}",
    ) {
        let spelt: String = parts.iter().enumerate().map(|(at, (text, _))| format!("{{n{at}}}{text}")).collect();
        let line: String = parts.iter().map(|(text, value)| format!("{value}{text}")).collect();
        let text = format!("time: {{from: time, format: epoch-seconds}}\nhead: '{{time}}: {{message}}'\nlines: [{{template: '!{start}{spelt}'}}]\nfields: {{a: {{from: time}}}}\n");
        let names: Vec<String> = (0..parts.len()).map(|at| format!("n{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let expect: Vec<String> = parts.iter().zip(&names).map(|((_, value), name)| format!("{name}={value}")).collect();
        prop_assert_eq!(found(&mapping(&text), &names, format!("17: !{start}{line}").as_bytes()), expect.join(" "));
    }
}
