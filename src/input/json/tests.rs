use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The values at the paths, one for each: `-` for a missing one; `~` in front when the record is partial.
fn read(record: impl AsRef<[u8]>, paths: &[&str]) -> Result<String, Reject> {
    let mut wanted = Paths::default();
    for path in paths {
        wanted.intern(path);
    }
    let mut row = Row::default();
    Json.decode(record.as_ref(), &wanted, &mut row)?;
    let shown = (0..wanted.len()).map(|at| match row.get(at) {
        None => "-".to_owned(),
        Some(cell) => match cell.kind() {
            CellKind::Text => format!("{:?}", cell.text()),
            _ => cell.text().to_owned(),
        },
    });
    let mark = if row.is_partial() { "~" } else { "" };
    Ok(format!("{mark}{}", shown.collect::<Vec<_>>().join(" ")))
}

fn check(record: impl AsRef<[u8]>, paths: &[&str], expect: &str) {
    let shown = String::from_utf8_lossy(record.as_ref()).into_owned();
    assert_eq!(read(record, paths).as_deref(), Ok(expect), "of {shown}");
}

fn refused(record: impl AsRef<[u8]>, expect: Reject) {
    assert_eq!(
        read(record.as_ref(), &["a"]),
        Err(expect),
        "of {:?}",
        String::from_utf8_lossy(record.as_ref())
    );
}

#[test]
fn wanted_values_are_captured_and_the_rest_is_skipped() {
    check(
        r#" { "x":[1,{"a":"}"}], "a" : "one", "b":-1.5e3 , "c":true,"d":null,"e":{"a":[ 1 ]},"y":"\"" } "#,
        &["a", "b", "c", "d", "e", "f"],
        r#""one" -1.5e3 true - {"a":[ 1 ]} -"#,
    );
    check("{}", &["a"], "-");
    check("{\"a\":1}", &[], "");
}

#[test]
fn a_path_leads_through_objects() {
    check(r#"{"p":{"q":{"a":1},"b":"x"},"b":2}"#, &["p.q.a", "p.b", "p.c", "b"], "1 \"x\" - 2");
    check(r#"{"p":[{"a":1}]}"#, &["p.a", "p"], "- [{\"a\":1}]");
    check(r#"{"p":7}"#, &["p.a", "p"], "- 7");
    check(r#"{"p":{"a":1}}"#, &["p.a", "p"], "1 {\"a\":1}");
}

#[test]
fn a_path_leads_through_json_text_in_strings() {
    check(r#"{"p":"{\"a\":1,\"b\":\"x\"}"}"#, &["p.a", "p.b"], "1 \"x\"");
    check(r#"{"p":"{\"a\":\"{\\\"b\\\":\\\"x\\\"}\"}"}"#, &["p.a.b"], "\"x\"");
    let three = r#"{"p":"{\"a\":\"{\\\"b\\\":\\\"{\\\\\\\"c\\\\\\\":7}\\\"}\"}"}"#;
    check(three, &["p.a.b.c", "p.a.b"], r#"7 "{\"c\":7}""#);
    check(r#"{"p":" {} "}"#, &["p.a"], "-");
    check(r#"{"p":"\u007b\"a\":1}"}"#, &["p.a"], "1");
    check(r#"{"p":"{\"a\":\"\\ud83d\\ude00\\u0041\"}"}"#, &["p.a"], "\"😀A\"");
}

#[test]
fn text_that_is_no_object_has_no_members() {
    for value in [r#""""#, r#""null""#, "null", r#""word""#, "1", "[]", "true", r#"" ""#] {
        check(format!("{{\"p\":{value},\"a\":1}}"), &["p.a", "a"], "- 1");
    }
}

#[test]
fn of_a_broken_text_the_members_before_the_fault_are_kept() {
    for tail in ["", ",", ",\\\"c", ",\\\"c\\\":", ",\\\"c\\\":\\\"x", ",,", "]", "} x"] {
        check(format!(r#"{{"p":"{{\"a\":1,\"b\":2{tail}","z":3}}"#), &["p.a", "p.b", "z"], "~1 2 3");
    }
    check(r#"{"p":"{a:1}","z":3}"#, &["p.a", "z"], "~- 3");
    check(format!(r#"{{"p":"{{\"a\":1,\"b\":{}1","z":3}}"#, "[".repeat(99)), &["p.a", "z"], "~1 3");
}

#[test]
fn json_text_is_followed_four_levels_deep() {
    let mut record = "{\"k\":1}".to_owned();
    let mut path = "k".to_owned();
    for level in 1..=5 {
        record = format!("{{\"k\":{}}}", Value::from(record));
        path.push_str(".k");
        check(&record, &[&path], if level <= 4 { "1" } else { "~-" });
    }
}

#[test]
fn keys_compare_after_their_escapes() {
    check(r#"{"\u0074ime":1,"t\u0069me2":2}"#, &["time", "time2"], "1 2");
    check(r#"{"p":"{\"\\u0061\":1}"}"#, &["p.a"], "1");
    check(r#"{"Time":1,"tim":2,"timee":3}"#, &["time"], "-");
}

#[test]
fn the_last_of_duplicate_keys_wins() {
    check(r#"{"a":1,"a":"x"}"#, &["a"], "\"x\"");
    check(r#"{"a":1,"a":null}"#, &["a"], "-");
    check(r#"{"p":{"a":1,"b":2},"p":{"b":3}}"#, &["p.a", "p.b"], "- 3");
    check(r#"{"p":{"a":1},"p":"{\"b\":3}"}"#, &["p.a", "p.b"], "- 3");
    check(r#"{"p":{"a":1},"p":5}"#, &["p.a"], "-");
}

#[test]
fn bad_text_is_repaired_and_the_record_is_whole() {
    check(r#"{"a":"x\ud800y"}"#, &["a"], "\"x\u{fffd}y\"");
    check(b"{\"a\":\"x\xffy\",\"\xff\":1}", &["a"], "\"x\u{fffd}y\"");
    check(b"{\"a\":\"\\t\xe2\x82\"}", &["a"], "\"\\t\u{fffd}\"");
    check("{\"a\":\"tab\there\"}", &["a"], "\"tab\\there\"");
}

#[test]
fn a_word_that_is_no_json_makes_a_captured_value_missing() {
    check(r#"{"a":NaN,"b":1}"#, &["b"], "1");
    check(r#"{"a":NaN,"b":1}"#, &["a", "b"], "~- 1");
    for number in ["01", "1.", "-", "1e", "+1", ".5", "1.e3", "0x1", "Infinity"] {
        check(format!("{{\"a\":{number}}}"), &["a"], "~-");
    }
    for number in ["0", "-0", "10", "0.5", "1e9", "1E+9", "-1.25e-3", "123456789012345678901234567890"] {
        check(format!("{{\"a\":{number}}}"), &["a"], number);
    }
}

#[test]
fn what_is_no_object_is_malformed() {
    for record in [
        "",
        " ",
        "null",
        "[1]",
        "\"x\"",
        "1",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":1}}",
        "{\"a\":1} x",
        "{\"a\":1}{}",
        "{\"a\":\"x}",
        "{\"a\":\"x\\\"}",
        "{\"a\":[1}",
        "{\"b\":[1}",
        "{\"b\":{]}}",
        "{\"a\":}",
        "{\"a\":1 2}",
        "{\"a\":,\"b\":1}",
    ] {
        refused(record, Reject::Malformed);
    }
}

#[test]
fn brackets_deeper_than_64_are_too_deep() {
    let nest =
        |n: usize, open: &str, close: &str| format!("{{\"a\":{}1{}}}", open.repeat(n), close.repeat(n));
    for key in ["a", "b"] {
        let path = [key; 70].join(".");
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for (n, expect) in [(10, true), (63, true), (64, false), (65, false), (100_000, false)] {
                let found = read(nest(n, open, close), &[&path]);
                assert_eq!(found.err(), (!expect).then_some(Reject::TooDeep), "{n} of {open}");
            }
        }
    }
}

#[test]
fn a_row_keeps_nothing_of_the_record_before() {
    let mut wanted = Paths::default();
    wanted.intern("a");
    let mut row = Row::default();
    assert_eq!(Json.decode(b"{\"a\":NaN}", &wanted, &mut row), Ok(()));
    assert_eq!(Json.decode(b"{\"a\":1}", &wanted, &mut row), Ok(()));
    assert!(!row.is_partial() && row.has(0));
    assert_eq!(Json.decode(b"{\"b\":1}", &wanted, &mut row), Ok(()));
    assert!(row.get(0).is_none() && !row.has(0));
    assert_eq!(Json.decode(b"{\"a\":null}", &wanted, &mut row), Ok(()));
    assert!(row.get(0).is_none() && row.has(0));
}

/// The definition: parse everything, then follow the path.
fn plain(value: &Value, path: &[&str]) -> Option<Value> {
    let Some((key, rest)) = path.split_first() else { return (!value.is_null()).then(|| value.clone()) };
    match value {
        Value::Object(members) => plain(members.get(*key)?, rest),
        Value::String(text) if text.trim_start().starts_with('{') => {
            let inner: Value = serde_json::from_str(text).ok()?;
            plain(&inner, path)
        }
        _ => None,
    }
}

fn documents() -> impl Strategy<Value = Value> {
    let text = "[ab\"\\\\\n\u{e9}\u{1f600}{}\\[:,/]{0,12}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(5, 40, 4, |inner| {
        let members = prop::collection::vec(("[abc]{1}|[\"\\\\\n]", inner.clone()), 0..4);
        let object = members.prop_map(|members| Value::Object(members.into_iter().collect()));
        prop_oneof![
            3 => object.clone(),
            2 => object.prop_map(|value| Value::from(value.to_string())),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    });
    prop::collection::vec(("[abc]{1}", value), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// The same document with every character of its strings escaped, as some writers do.
fn escaped(text: &str) -> String {
    let mut inside = false;
    let mut result = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => inside = !inside,
            '\\' => {
                result.push(c);
                result.extend(chars.next());
                continue;
            }
            c if inside && c.is_alphabetic() => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    result.push_str(&format!("\\u{unit:04x}"));
                }
                continue;
            }
            _ => {}
        }
        result.push(c);
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn captured_values_equal_those_of_a_whole_parse(document in documents(), pretty: bool, escape: bool) {
        let mut text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) }
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        if escape {
            text = escaped(&text);
        }
        // Numbers as the whole parse reads them back.
        let document: Value = serde_json::from_str(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let paths = ["a", "b", "a.a", "a.b", "b.a", "a.a.a", "a.b.c", "c.b.a", "a.a.a.a"];
        let mut wanted = Paths::default();
        for path in paths {
            wanted.intern(path);
        }
        let mut row = Row::default();
        prop_assert_eq!(Json.decode(text.as_bytes(), &wanted, &mut row), Ok(()));
        for (at, path) in paths.iter().enumerate() {
            let keys: Vec<&str> = path.split('.').collect();
            let found = row.get(at).map(|cell| match cell.kind() {
                CellKind::Text => Value::from(cell.text()),
                _ => serde_json::from_str(cell.text()).unwrap_or(Value::Null),
            });
            // A broken text gives the members before its fault, which a whole parse does not.
            if !row.is_partial() {
                prop_assert_eq!(found, plain(&document, &keys), "at {} in {}", path, text);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\ua01 \n\xff\0".to_vec()), 0..60)) {
        let _ = read([&b"{\"a\":"[..], &bytes].concat(), &["a.a", "a", "a.u"]);
        let _ = read(&bytes, &["a"]);
    }
}
