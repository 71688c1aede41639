mod tables;

use proptest::prelude::*;

use super::*;
use crate::input::Mapping;
use crate::yaml::document;

/// Each record as `line@offset text`, each reject as `line@offset !reason`.
fn cut(framer: &Framer, pieces: &[&[u8]]) -> Vec<String> {
    let mut framer = framer.clone();
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

/// Cuts the text whole, byte by byte, by sevens and at every single place; all must agree with `expect`.
fn check_with(framer: &Framer, text: &[u8], expect: &[&str]) {
    assert_eq!(cut(framer, &[text]), expect, "whole: {:?}", String::from_utf8_lossy(text));
    for size in [1, 2, 3, 7] {
        let pieces: Vec<&[u8]> = text.chunks(size).collect();
        assert_eq!(cut(framer, &pieces), expect, "by {size}: {:?}", String::from_utf8_lossy(text));
    }
    for at in 0..text.len() {
        let (a, b) = text.split_at(at);
        assert_eq!(cut(framer, &[a, b]), expect, "cut at {at}: {:?}", String::from_utf8_lossy(text));
    }
}

fn objects() -> Framer {
    Framer::new(Framing::JsonObjects, Framer::DEFAULT_LIMIT).with_envelope(["records"])
}

fn check(text: &str, expect: &[&str]) {
    check_with(&objects(), text.as_bytes(), expect);
}

fn check_lines(text: &[u8], expect: &[&str]) {
    check_with(&Framer::new(Framing::Lines, 20), text, expect);
}

#[test]
fn nothing_holds_nothing() {
    check("", &[]);
    check("\n \r\n\t\n", &[]);
    check_lines(b"", &[]);
    check_lines(b"\n \r\n\t\n", &[]);
}

#[test]
fn lines_are_records_without_their_ends() {
    check_lines(b"one\r\ntwo\n\n  three\nfour", &["1@0 one", "2@5 two", "4@10   three", "5@18 four"]);
}

#[test]
fn a_line_over_the_limit_is_reported_once() {
    check_lines(
        b"12345678901234567890\n123456789012345678901\nok",
        &["1@0 12345678901234567890", "2@21 !oversize", "3@43 ok"],
    );
    check_lines(b"ok\n123456789012345678901", &["1@0 ok", "2@3 !oversize"]);
}

#[test]
fn binary_lines_are_not_records() {
    check_lines(b"a\0b\nok\n\x01\x02\x03abc\n", &["1@0 !binary", "2@4 ok", "3@7 !binary"]);
    check(
        "{\"a\":1}\nx\0y\n{\"a\":\"\0\"}\n{\"a\":2}",
        &["1@0 {\"a\":1}", "2@8 !binary", "3@12 !binary", "4@22 {\"a\":2}"],
    );
}

#[test]
fn json_lines_are_records() {
    check(
        "{\"a\":1}\n{\"a\":2}\r\n\n {\"a\":3} \n{\"a\":4}",
        &["1@0 {\"a\":1}", "2@8 {\"a\":2}", "4@19 {\"a\":3}", "5@28 {\"a\":4}"],
    );
}

#[test]
fn objects_may_follow_each_other_on_a_line() {
    check(
        "{\"a\":1}{\"a\":2} {\"a\":3},{\"a\":4}\n{\"a\":5}\n",
        &["1@0 {\"a\":1}", "1@7 {\"a\":2}", "1@15 {\"a\":3}", "1@23 {\"a\":4}", "2@31 {\"a\":5}"],
    );
}

#[test]
fn an_object_may_be_spread_over_lines() {
    check(
        "{\n  \"a\": {\n    \"b\": [\n      {\"c\": \"}\"},\n      {}\n    ]\n  }\n}\n{\"a\":2}",
        &[
            "1@0 {\n  \"a\": {\n    \"b\": [\n      {\"c\": \"}\"},\n      {}\n    ]\n  }\n}",
            "9@61 {\"a\":2}",
        ],
    );
    check(
        "{ \"a\": {\"b\":1}\n, \"c\": 2 }\n{\"d\":3}\n",
        &["1@0 { \"a\": {\"b\":1}\n, \"c\": 2 }", "3@26 {\"d\":3}"],
    );
    check("{\n\"a\":\n{\n\"b\":1\n}\n}\n{\"a\":2}", &["1@0 {\n\"a\":\n{\n\"b\":1\n}\n}", "7@19 {\"a\":2}"]);
}

#[test]
fn an_array_is_no_record_and_its_objects_are() {
    check("[{\"a\":1},{\"a\":2}]", &["1@1 {\"a\":1}", "1@9 {\"a\":2}"]);
    check("[\n  {\n    \"a\": 1\n  },\n  {\"a\": 2}\n]\n", &["2@4 {\n    \"a\": 1\n  }", "5@24 {\"a\": 2}"]);
    check("[\n{\"a\":1},\n{\"a\":2}\n]\n{\"a\":3}", &["2@2 {\"a\":1}", "3@11 {\"a\":2}", "5@21 {\"a\":3}"]);
    check("[[{\"a\":1}],[]]", &["1@2 {\"a\":1}"]);
}

#[test]
fn an_envelope_is_no_record_and_its_objects_are() {
    check(
        "{\"records\":[{\"a\":1},{\"a\":[{}]}]}\n{\"a\":3}",
        &["1@12 {\"a\":1}", "1@20 {\"a\":[{}]}", "2@33 {\"a\":3}"],
    );
    check(
        "{ \"records\" : [\n  {\"a\":1},\n  {\"a\":2}\n ], \"n\": [{\"x\":1}] }{\"a\":3}",
        &["2@18 {\"a\":1}", "3@29 {\"a\":2}", "4@57 {\"a\":3}"],
    );
    check(
        "{\"records\":[{\"a\":1}]}\n{\"records\":[]}\n{\"records\":[{\"a\":2}]}\n",
        &["1@12 {\"a\":1}", "3@49 {\"a\":2}"],
    );
}

#[test]
fn envelopes_may_stand_in_arrays() {
    check(
        "[{\"records\":[{\"a\":1}]},{\"records\":[{\"a\":2}]}]\n{\"a\":3}",
        &["1@13 {\"a\":1}", "1@35 {\"a\":2}", "2@46 {\"a\":3}"],
    );
    check(
        "[[\n{\"records\":[{\"a\":1}]},\n{\"records\":[]}\n]]\n] x",
        &["2@15 {\"a\":1}", "5@44 !malformed"],
    );
}

#[test]
fn only_the_first_key_with_an_array_of_objects_makes_an_envelope() {
    for text in [
        "{\"records\":[1,{\"a\":1}]}",
        "{\"n\":1,\"records\":[{\"a\":1}]}",
        "{\"records\":{\"a\":1}}",
        "{\"other\":[{\"a\":1}]}",
        "{\"x\":{\"records\":[{\"a\":1}]}}",
    ] {
        check(text, &[&format!("1@0 {text}")]);
    }
    check_with(
        &Framer::new(Framing::JsonObjects, 99),
        b"{\"records\":[{\"a\":1}]}",
        &["1@0 {\"records\":[{\"a\":1}]}"],
    );
}

#[test]
fn text_between_records_is_rejected_line_by_line() {
    check(
        "hello {\"x\":1}\n{\"a\":1}\n[2026-01-01] x\n{\"a\":2}\n12\n",
        &["1@0 !malformed", "2@14 {\"a\":1}", "3@23 !malformed", "4@37 {\"a\":2}", "5@45 !malformed"],
    );
}

#[test]
fn a_truncated_line_does_not_take_the_next_one_with_it() {
    for broken in [
        "{\"a\":1,",
        "{\"a\":1",
        "{\"a\":\"x",
        "{\"a\":\"x\\",
        "{\"a\":",
        "{",
        "{\"a\":[",
        "{\"a\":[{},",
        "{\"a\":{\"b\":1}",
        "{\"a\":{\"b\":1},",
        "{\"a\"",
        "{\"a\":\"{\\\"b\\\":1",
    ] {
        for end in ["\n", "\r\n"] {
            let next = broken.len() + end.len();
            let text = format!("{broken}{end}{{\"a\":2}}\n{{\"a\":3}}\n");
            let first =
                if broken.ends_with('}') { format!("1@0 {broken}") } else { "1@0 !malformed".to_owned() };
            check(&text, &[&first, &format!("2@{next} {{\"a\":2}}"), &format!("3@{} {{\"a\":3}}", next + 8)]);
        }
    }
}

#[test]
fn a_truncated_line_at_the_end_is_rejected() {
    check("{\"a\":1}\n{\"a\":2,", &["1@0 {\"a\":1}", "2@8 !malformed"]);
    check("{\"a\":1}\n{\"a\":\n{\"a\":3}", &["1@0 {\"a\":1}", "2@8 !malformed", "3@14 {\"a\":3}"]);
    check("{\"records\":[{\"a\":1},{\"a\"", &["1@12 {\"a\":1}", "1@20 !malformed"]);
    check("{\"records\":[{\"a\":1}]", &["1@12 {\"a\":1}"]);
    check("{\"records\":[{\"a\":1}],\"b\"", &["1@12 {\"a\":1}", "1@20 !malformed"]);
}

#[test]
fn several_truncated_lines_are_rejected_together() {
    check("{\"p\":\n{\"p\":\n{\"a\":1}\n{\"a\":2}", &["1@0 !malformed", "3@12 {\"a\":1}", "4@20 {\"a\":2}"]);
}

#[test]
fn a_truncated_envelope_does_not_take_the_next_one_with_it() {
    check(
        "{\"records\":[{\"a\":1},{\"a\":\n{\"records\":[{\"a\":2}]}\n",
        &["1@12 {\"a\":1}", "1@20 !malformed", "2@38 {\"a\":2}"],
    );
    check(
        "{\"records\":[{\"a\":1}],\"n\n{\"a\":2}",
        &["1@12 {\"a\":1}", "1@20 !malformed", "2@24 {\"a\":2}"],
    );
    check("{\"records\":[{\"a\":1}]\n{\"a\":2}", &["1@12 {\"a\":1}", "2@21 {\"a\":2}"]);
}

#[test]
fn a_broken_object_over_several_lines_is_rejected_once() {
    check(
        "[\n  {\n    \"a\": \"x\ny\",\n    \"b\": 1\n  },\n  {\n    \"a\": 2\n  }\n]",
        &["2@4 !malformed", "7@40 {\n    \"a\": 2\n  }"],
    );
}

#[test]
fn a_record_over_the_limit_is_skipped() {
    let framer = Framer::new(Framing::JsonObjects, 12).with_envelope(["records"]);
    let long = "{\"a\":\"aaaaaaaaaaaaaaaa\"}";
    check_with(
        &framer,
        format!("{{\"a\":12345}}\n{long}\n{{\"a\":2}}").as_bytes(),
        &["1@0 {\"a\":12345}", "2@12 !oversize", "3@37 {\"a\":2}"],
    );
    check_with(&framer, format!("[{long},{{\"a\":2}}]").as_bytes(), &["1@1 !oversize", "1@26 {\"a\":2}"]);
    check_with(
        &framer,
        b"{\"a\":1,\n\"bbbbbbbbb\":[\n{\"a\":2}\n{\"a\":3}",
        &["1@0 !oversize", "3@22 {\"a\":2}", "4@30 {\"a\":3}"],
    );
    check_with(&framer, b"{\"a\":\"aaaaaaaaaaaaa\n{\"a\":2}", &["1@0 !oversize", "2@20 {\"a\":2}"]);
    check_with(&framer, b"text that goes on\n{\"a\":2}", &["1@0 !oversize", "2@18 {\"a\":2}"]);
}

#[test]
fn too_many_brackets_are_one_reject() {
    let deep = "[".repeat(100_000);
    let found = cut(&objects(), &[format!("{{\"a\":{deep}\n{{\"a\":2}}\n{deep}\n{{\"a\":3}}").as_bytes()]);
    assert_eq!(found, ["1@0 !too-deep", "2@100006 {\"a\":2}", "3@100078 !too-deep", "4@200015 {\"a\":3}"]);
    let balanced = format!("{{\"a\":{deep}{}\n}}", "]".repeat(100_000));
    assert_eq!(cut(&objects(), &[balanced.as_bytes()]), ["1@0 !too-deep"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_record() {
    check("\u{feff}{\"a\":1}\n\u{feff}{\"a\":2}", &["1@3 {\"a\":1}", "2@11 !malformed"]);
    check_lines(b"\xef\xbb\xbfone\n\xef\xbb\xbftwo", &["1@3 one", "2@7 \u{feff}two"]);
    check_lines(b"\xef\xbbone", &["1@0 \u{fffd}one"]);
    check_lines(b"\xef\xbb", &["1@0 \u{fffd}"]);
    check_lines(b"\xef\xbb\xbf", &[]);
}

#[test]
fn wide_text_is_rejected_once() {
    for text in [
        &b"\xff\xfe{\0}\0\n\0{\0}\0"[..],
        b"\xfe\xff\0{\0}",
        b"\xff\xfe\0\0{\0\0\0",
        b"\0\0\xfe\xff\0\0\0{\n\0",
    ] {
        check_with(&objects(), text, &["1@0 !utf16"]);
        check_with(&Framer::new(Framing::Lines, 20), text, &["1@0 !utf16"]);
    }
    check_lines(b"\xff\nok", &["1@0 \u{fffd}", "2@2 ok"]);
}

#[test]
fn invalid_utf8_stays_in_its_record() {
    check_with(
        &objects(),
        b"{\"a\":\"\xff\xc3\"}\n{\"\xe9\":1}",
        &["1@0 {\"a\":\"\u{fffd}\u{fffd}\"}", "2@11 {\"\u{fffd}\":1}"],
    );
}

#[test]
fn a_line_of_100_mb_costs_no_memory() {
    for framing in [Framing::JsonObjects, Framing::Lines] {
        let mut framer = Framer::new(framing, Framer::DEFAULT_LIMIT);
        let mut found = Vec::new();
        let mut out = |framed: Framed<'_>| {
            found.push(match framed {
                Framed::Record { line, offset, .. } => (None, line, offset),
                Framed::Reject { reason, line, offset } => (Some(reason), line, offset),
            });
        };
        let chunk = vec![b'x'; 1 << 16];
        framer.push(b"{\"a\":\"", &mut out);
        for _ in 0..1_600 {
            framer.push(&chunk, &mut out);
            assert!(framer.held() <= 4 * Framer::DEFAULT_LIMIT, "{} bytes held", framer.held());
        }
        framer.push(b"\"}\n{\"a\":1}\n", &mut out);
        framer.finish(&mut out);
        assert_eq!(found, [(Some(Reject::Oversize), 1, 0), (None, 2, 104_857_609)]);
    }
}

#[test]
fn many_truncated_lines_take_linear_time() {
    let text = "{\"p\":\n".repeat(150_000);
    let found = cut(&objects(), &[text.as_bytes()]);
    assert!(found.iter().all(|framed| framed.contains('!')), "{found:?}");
    let text = "{\"p\":[\n{\"a\":\"\n".repeat(60_000);
    assert!(cut(&objects(), &[text.as_bytes()]).iter().all(|framed| framed.contains('!')));
}

/// Text of which the lines that are indented, and some others, go on with the record before them.
fn continued() -> Arc<Layout> {
    let text = "etiolog: 1\ninput: i\ntitle: I\nformat: text\ntime: {from: word, format: epoch-seconds}\n\
                head: '{word:word} {message}'\ncontinued: true\nfields: {word: {from: word}}\n";
    let document = document("i.yaml", text).unwrap_or_else(|_| panic!("no YAML"));
    let mut problems = Vec::new();
    let mapping = Mapping::read(document.root().clone(), &["text"], &mut problems);
    mapping.layout.unwrap_or_else(|| panic!("{problems:?}"))
}

#[test]
fn a_framer_can_be_begun_anew_at_the_record_under_way() {
    let at = |framer: &Framer, text: &str| {
        let mut framer = framer.clone();
        framer.push(text.as_bytes(), &mut |_| {});
        framer.restart().map(|restart| (restart.line, restart.offset))
    };
    let objects = objects();
    assert_eq!(at(&objects, "{\"a\":1}\n{\"a\":2}\n{\"a\""), Some((3, 16)));
    assert_eq!(at(&objects, "{\"a\":1}\n{\"a\":2}\n"), Some((3, 16)));
    assert_eq!(
        at(&objects, "{\"a\":1}\n{\"a\":}}\n"),
        Some((2, 8)),
        "what the next line decides is under way"
    );
    assert_eq!(at(&objects, "[{\"a\":1}]\n"), Some((2, 10)));
    assert_eq!(at(&objects, "{\"records\":[{\"a\":1}]}\n"), Some((2, 22)));
    for within in ["", "{", "\u{feff}"] {
        assert!(at(&objects, within).is_none_or(|(_, offset)| offset <= 3), "{within}");
    }
    for within in ["[\n{\"a\":1},\n", "{\"records\":[{\"a\":1},\n", "{\n\"a\":1", "words"] {
        assert_eq!(at(&objects, within), None, "{within}");
    }
    let lines = Framer::new(Framing::Lines, 20);
    assert_eq!(at(&lines, "one\ntwo\nthr"), Some((3, 8)));
    let joined = lines.with_layout(Some(&continued()));
    assert_eq!(at(&joined, "one a\n  more\ntwo b\n  more\n  st"), Some((3, 13)));
}

/// Fragments that meet at every corner of the rules.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop::sample::select(vec![
        &b"{\"a\":1}"[..],
        b"{\"a\":1}\n",
        b"{\"a\":1}\r\n",
        b"{\"a\":{\"b\":2}}\n",
        b"{\"a\":\"x\\\"}\"}\n",
        b"{\"a\":1,",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\\",
        b"\n",
        b"\r\n",
        b" ",
        b"  ",
        b"\t",
        b"{\"records\":[",
        b"{ \"records\" : [ ",
        b"]}\n",
        b"{\"a\":\n",
        b"\"b\":",
        b"text\n",
        b"\0",
        b"\x01\x02",
        b"\x0c",
        b"\xff",
        b"\xe2\x82",
        b"\xef\xbb\xbf",
        b"{\n  \"a\": 1\n}\n",
        b"  {\n",
        b"  }\n",
        b"1",
        b"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        b"{\"long\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}\n",
    ]);
    prop::collection::vec(fragment, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_found_does_not_depend_on_the_chunks(
        text in fragments(), size in 1..9_usize, at in 0..200_usize, limit in prop::sample::select(vec![1, 8, 40, 1 << 20])
    ) {
        for framing in [Framing::JsonObjects, Framing::Lines] {
            let framer = Framer::new(framing, limit).with_envelope(["records"]);
            let whole = cut(&framer, &[&text]);
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            prop_assert_eq!(&cut(&framer, &pieces), &whole);
            let (a, b) = text.split_at(at.min(text.len()));
            prop_assert_eq!(&cut(&framer, &[a, b]), &whole);
        }
    }

    #[test]
    fn a_fresh_framer_goes_on_where_another_says(
        text in fragments(), at in 0..200_usize, limit in prop::sample::select(vec![8, 40, 1 << 20])
    ) {
        let joined = Framer::new(Framing::Lines, limit).with_layout(Some(&continued()));
        let objects = Framer::new(Framing::JsonObjects, limit).with_envelope(["records"]);
        for framer in [objects, Framer::new(Framing::Lines, limit), joined] {
            let whole = cut(&framer, &[&text]);
            let mut first = framer.clone();
            let mut found = 0;
            first.push(text.get(..at).unwrap_or(&text), &mut |_| found += 1);
            if let Some(restart) = first.restart() {
                let rest = text.get(usize::try_from(restart.offset).unwrap()..).unwrap();
                let rest = cut(&framer.from(restart).unwrap(), &[rest]);
                prop_assert_eq!(Some(rest.as_slice()), whole.get(found..), "from {:?}", restart);
            }
        }
    }

    #[test]
    fn what_is_found_stands_in_order_where_it_says(text in fragments()) {
        let mut framer = objects();
        let mut last = 0;
        let mut out = |framed: Framed<'_>| {
            let (bytes, line, offset) = match framed {
                Framed::Record { bytes, line, offset } => (bytes, line, offset),
                Framed::Reject { line, offset, .. } => (&b""[..], line, offset),
            };
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            assert!(offset >= last, "{offset} after {last}");
            assert!(text.get(offset..).is_some_and(|rest| rest.starts_with(bytes)), "not at {offset}");
            let newlines = text.iter().take(offset).filter(|&&byte| byte == b'\n').count();
            assert_eq!(usize::try_from(line), Ok(newlines + 1));
            last = offset + bytes.len();
        };
        framer.push(&text, &mut out);
        framer.finish(&mut out);
    }

    #[test]
    fn a_good_line_after_anything_is_found(text in fragments()) {
        // A line end and a text line settle whatever was open, unless an envelope or array is what is open.
        let text = [&text, &b"\n{\"z\":1}\n{\"good\":1}\n{\"good\":2}\n"[..]].concat();
        let found = cut(&objects(), &[&text]);
        prop_assert!(found.iter().any(|framed| framed.ends_with(" {\"good\":2}")), "{found:?}");
    }
}
