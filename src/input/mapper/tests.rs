use proptest::prelude::*;

use super::*;
use crate::input::{Format, Json, TimeMapping};

fn from(paths: &[&str]) -> FieldMapping {
    let paths = paths.iter().map(SmolStr::new).collect();
    FieldMapping { from: ReadFrom::Paths(paths), ..FieldMapping::default() }
}

fn mapping(fields: Vec<(&str, FieldMapping)>) -> Mapping {
    Mapping {
        formats: vec!["json".into()],
        time: TimeMapping { from: vec!["at".into(), "t".into()], ..TimeMapping::default() },
        fields: fields.into_iter().map(|(name, field)| (name.into(), field)).collect(),
        ..Mapping::default()
    }
}

/// Maps records one after another into the same event; each as its fields, `~` in front when partial.
fn map(mapping: &Mapping, records: &[&str]) -> Vec<String> {
    let mut schema = Schema::default();
    mapping.field_names().filter(|name| *name != "unread").for_each(|name| {
        schema.intern(name);
    });
    let schema = Arc::new(schema);
    let mapper = Mapper::new(mapping, &schema);
    let (mut row, mut event) = (Row::default(), Event::new(&schema, Timestamp::MIN));
    let mut one = |record: &str| {
        Json.decode(record.as_bytes(), mapper.paths(), &mut row)?;
        Ok::<_, Reject>(match mapper.map(&row, &mut Interner::default(), &mut event)? {
            Mapped::Skipped => "skipped".to_owned(),
            Mapped::Event { partial } => {
                let shown = schema.names().map(|name| match event.get(name) {
                    None => "-".to_owned(),
                    Some(Value::Text(text)) => format!("{text:?}"),
                    Some(value) => value.to_string(),
                });
                format!("{}{}", if partial { "~" } else { "" }, shown.collect::<Vec<_>>().join(" "))
            }
        })
    };
    records.iter().map(|record| one(record).unwrap_or_else(|reason| format!("!{reason}"))).collect()
}

/// One field, given its value; the time is added.
fn check(field: &FieldMapping, value: &str, expect: &str) {
    let record = format!("{{\"at\":\"2026-03-04T08:22:05Z\",\"v\":{value},\"w\":\"more\"}}");
    assert_eq!(map(&mapping(vec![("v", field.clone())]), &[&record]), [expect], "of {value}");
}

#[test]
fn the_first_path_that_has_a_value_counts() {
    let field = from(&["v", "w"]);
    check(&field, "\"one\"", "\"one\"");
    check(&field, "\"\"", "\"more\"");
    check(&field, "null", "\"more\"");
    check(&FieldMapping { keep_empty: true, ..field }, "\"\"", "\"\"");
}

#[test]
fn text_is_taken_joined_and_its_letters_changed() {
    let last = FieldMapping { take: Take::LastSegment, case: Case::Lower, ..from(&["v"]) };
    check(&last, "\"/SITES/North/PUMP-1\"", "\"pump-1\"");
    check(&last, "\"ÄÖ\"", "\"äö\"");
    check(&last, "\"sites/\"", "-");
    check(&FieldMapping { case: Case::Upper, ..from(&["v"]) }, "\"a1\"", "\"A1\"");
    let join = |path: &str| Some(Join { with: "/".into(), from: vec![path.into()] });
    check(&FieldMapping { join: join("w"), ..from(&["v"]) }, "\"a\"", "\"a/more\"");
    check(&FieldMapping { join: join("x"), ..from(&["v"]) }, "\"a\"", "\"a\"");
    check(&FieldMapping { join: join("w"), ..from(&["v"]) }, "null", "-");
}

#[test]
fn numbers_may_be_text_and_text_numbers() {
    let kind = |kind| FieldMapping { kind, ..from(&["v"]) };
    for (value, text, integer, number, code) in [
        ("\"404\"", "\"404\"", "404", "404", "404"),
        ("404", "\"404\"", "404", "404", "404"),
        ("\" -7 \"", "\" -7 \"", "-7", "-7", "\" -7 \""),
        ("4.0", "\"4.0\"", "4", "4", "\"4.0\""),
        ("2.5", "\"2.5\"", "~-", "2.5", "\"2.5\""),
        ("\"007\"", "\"007\"", "7", "7", "\"007\""),
        ("0", "\"0\"", "0", "0", "0"),
        ("1e3", "\"1e3\"", "1000", "1000", "\"1e3\""),
        ("1e999", "\"1e999\"", "~-", "~-", "\"1e999\""),
        ("\"inf\"", "\"inf\"", "~-", "~-", "\"inf\""),
        ("\"Ok\"", "\"Ok\"", "~-", "~-", "\"Ok\""),
        (
            "99999999999999999999",
            "\"99999999999999999999\"",
            "~-",
            "100000000000000000000",
            "\"99999999999999999999\"",
        ),
        ("\"\"", "-", "-", "-", "-"),
        ("null", "-", "-", "-", "-"),
        ("true", "\"true\"", "~-", "~-", "\"true\""),
    ] {
        check(&kind(As::Text), value, text);
        check(&kind(As::Integer), value, integer);
        check(&kind(As::Number), value, number);
        check(&kind(As::Code), value, code);
    }
}

#[test]
fn letters_are_changed_whether_the_event_before_said_the_same_or_not() {
    let lower = FieldMapping { case: Case::Lower, ..from(&["v"]) };
    let records: Vec<String> = ["Ab", "aB", "ab", "ÄB", "äb", "Äb", "abc", "K", "k"]
        .iter()
        .map(|text| format!(r#"{{"at":"2026-03-04T08:22:05Z","v":"{text}"}}"#))
        .collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let expect = ["ab", "ab", "ab", "äb", "äb", "äb", "abc", "k", "k"].map(|text| format!("\"{text}\""));
    assert_eq!(map(&mapping(vec![("v", lower)]), &records), expect);
}

#[test]
fn truth_is_read_or_asked_for() {
    let boolean = FieldMapping { kind: As::Boolean, ..from(&["v"]) };
    for (value, expect) in
        [("true", "true"), ("\"False\"", "false"), ("1", "~-"), ("\"\"", "-"), ("null", "-")]
    {
        check(&boolean, value, expect);
    }
    let among = FieldMapping { kind: As::Among(vec!["Good".into(), "Fine".into()]), ..from(&["v"]) };
    for (value, expect) in [("\"good\"", "true"), ("\"FINE\"", "true"), ("\"bad\"", "false"), ("null", "-")] {
        check(&among, value, expect);
    }
    let constant = FieldMapping { from: ReadFrom::Constant(Value::from("x")), ..FieldMapping::default() };
    check(&constant, "1", "\"x\"");
}

#[test]
fn a_record_without_a_good_time_is_rejected() {
    let records = [
        r#"{"at":"2026-03-04T08:22:05Z"}"#,
        r#"{"t":"2026-03-04T08:22:05Z","at":null}"#,
        r#"{"v":1}"#,
        r#"{"at":""}"#,
        r#"{"at":"soon"}"#,
        r#"{"at":true}"#,
        r#"{"at":"9999-12-31T23:59:59Z"}"#,
    ];
    let found = map(&mapping(vec![]), &records);
    assert_eq!(found, ["", "", "!no-time", "!no-time", "!bad-time", "!bad-time", "!time-range"]);
}

#[test]
fn a_record_without_a_required_field_has_no_subject() {
    for name in ["v", "unread"] {
        let mapping = Mapping { require: vec![name.into()], ..mapping(vec![(name, from(&["v"]))]) };
        let records = [r#"{"at":"2026-03-04T08:22:05Z"}"#, r#"{"at":"2026-03-04T08:22:05Z","v":"a"}"#];
        let found = map(&mapping, &records);
        assert_eq!(found.first().map(String::as_str), Some("!no-subject"));
        assert_ne!(found.get(1).map(String::as_str), Some("!no-subject"));
    }
}

#[test]
fn records_that_only_passes_over_are_skipped_before_anything_else() {
    let only = vec![("kind".into(), vec!["Pump".into(), "3".into()])];
    let mapping = Mapping { only, ..mapping(vec![("v", from(&["v"]))]) };
    let at = r#""at":"2026-03-04T08:22:05Z""#;
    for (record, expect) in [
        (format!(r#"{{{at},"kind":"PUMP","v":"a"}}"#), "\"a\""),
        (format!(r#"{{{at},"kind":3,"v":"a"}}"#), "\"a\""),
        (r#"{"kind":"fan"}"#.to_owned(), "skipped"),
        (r"{}".to_owned(), "skipped"),
    ] {
        assert_eq!(map(&mapping, &[&record]), [expect], "of {record}");
    }
}

#[test]
fn an_event_keeps_nothing_of_the_record_before() {
    let mapping = mapping(vec![("v", from(&["v"])), ("n", FieldMapping { kind: As::Code, ..from(&["n"]) })]);
    let at = r#""at":"2026-03-04T08:22:05Z""#;
    let records = [
        format!(r#"{{{at},"v":"a","n":"x"}}"#),
        format!(r#"{{{at},"v":"a","n":7}}"#),
        format!(r#"{{{at},"v":"b"}}"#),
        format!(r"{{{at}}}"),
    ];
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    assert_eq!(map(&mapping, &records), ["\"a\" \"x\"", "\"a\" 7", "\"b\" -", "- -"]);
}

#[test]
fn only_what_the_schema_has_is_looked_for() {
    let mapping = mapping(vec![("v", from(&["v", "w"])), ("unread", from(&["u"]))]);
    let mut schema = Schema::default();
    schema.intern("v");
    schema.intern("elsewhere");
    let schema = Arc::new(schema);
    let mapper = Mapper::new(&mapping, &schema);
    let paths: Vec<String> = mapper.paths().iter().map(|path| path.join(".")).collect();
    assert_eq!(paths, ["at", "t", "v", "w"]);
    // A field that another input filled in the same event is emptied.
    let mut event = Event::builder(&schema, Timestamp::MIN).field("elsewhere", 1).build();
    let mut row = Row::default();
    assert_eq!(Json.decode(br#"{"at":"2026-03-04T08:22:05Z"}"#, mapper.paths(), &mut row), Ok(()));
    assert_eq!(mapper.map(&row, &mut Interner::default(), &mut event), Ok(Mapped::Event { partial: false }));
    assert_eq!(event.get("elsewhere"), None);
    assert_eq!(event.time().to_string(), "2026-03-04T08:22:05Z");
}

#[test]
fn a_copy_of_a_row_goes_its_own_way() {
    let mapping = mapping(vec![("v", from(&["v"]))]);
    let mut schema = Schema::default();
    schema.intern("v");
    let schema = Arc::new(schema);
    let (mapper, mut event) = (Mapper::new(&mapping, &schema), Event::new(&schema, Timestamp::MIN));
    let record = |v: &str| format!(r#"{{"at":"2026-03-04T08:22:05Z","v":"{v}"}}"#);
    let mut row = Row::default();
    for v in ["a", "a", "a"] {
        mapped(&mapper, &record(v), &mut row, &mut event);
    }
    let mut copy = row.clone();
    mapped(&mapper, &record("b"), &mut row, &mut event);
    assert_eq!(Json.decode(record("a").as_bytes(), mapper.paths(), &mut copy), Ok(()));
    mapped(&mapper, &record("a"), &mut copy, &mut event);
    assert_eq!(event.get("v"), Some(&Value::from("a")));
}

/// Everything there is about mapping a record: what became of it, its time and its fields.
fn mapped(mapper: &Mapper, record: &str, row: &mut Row, event: &mut Event) -> String {
    let read = Json
        .decode(record.as_bytes(), mapper.paths(), row)
        .and_then(|()| mapper.map(row, &mut Interner::default(), event));
    match read {
        Ok(Mapped::Event { .. }) => {
            let fields = event.schema().names().map(|name| event.get(name));
            format!("{read:?} {} {:?}", event.time(), fields.collect::<Vec<_>>())
        }
        _ => format!("{read:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Three records that come again and again with small changes; two mappers that take turns in one row and one event,
    /// and somebody who sets fields of it in between.
    #[test]
    fn what_a_record_is_mapped_to_does_not_depend_on_those_before(
        mut kinds in prop::array::uniform3(prop::array::uniform6(0_usize..12)),
        steps in prop::collection::vec((0_usize..3, 0_usize..24, 0_usize..12, 0_usize..16), 1..60),
    ) {
        const TIMES: [&str; 3] = [r#""at":"2026-03-04T08:22:05Z","#, r#""at":"2026-03-04T08:22:06Z","#, r#""at":"soon","#];
        const VALUES: [&str; 8] = [r#""A/b""#, r#""""#, "null", "7", r#""7""#, r#""\u0041""#, "true", "NaN"];
        let kind = |kind, path| FieldMapping { kind, case: Case::Lower, ..from(&[path, "w"]) };
        let joined = Some(Join { with: "+".into(), from: vec!["w".into(), "p.x".into()] });
        let whole = vec![
            ("v", FieldMapping { take: Take::LastSegment, join: joined, ..from(&["v"]) }),
            ("n", kind(As::Number, "n")),
            ("c", kind(As::Code, "c")),
            ("b", kind(As::Boolean, "p.x")),
            ("k", FieldMapping { from: ReadFrom::Constant(Value::from("always")), ..FieldMapping::default() }),
            ("e", FieldMapping { keep_empty: true, ..from(&["v"]) }),
        ];
        let whole = Mapping { require: vec!["e".into()], ..mapping(whole) };
        let part = mapping(vec![("v", from(&["w"])), ("n", from(&["p.x"]))]);
        let mut schema = Schema::default();
        whole.field_names().for_each(|name| {
            schema.intern(name);
        });
        let schema = Arc::new(schema);
        let mappers = [Mapper::new(&whole, &schema), Mapper::new(&part, &schema)];
        let (mut row, mut event) = (Row::default(), Event::new(&schema, Timestamp::MIN));
        for (kind, change, new, turn) in &steps {
            let values = &mut kinds[*kind];
            values.get_mut(*change).into_iter().for_each(|value| *value = *new);
            let [time, v, n, c, w, x] = *values;
            let value = |at: usize| VALUES.get(at).copied();
            let member = |key: &str, at| value(at).map(|value| format!("\"{key}\":{value},")).unwrap_or_default();
            let record = format!(
                r#"{{{}{}{}{}{}"p":"{{\"y\":\"\",\"x\":{}}}"}}"#,
                TIMES.get(time).unwrap_or(&TIMES[0]), member("v", v), member("n", n), member("c", c), member("w", w),
                value(x).unwrap_or("\"\"").replace('\\', "\\\\").replace('"', "\\\""),
            );
            let mapper = &mappers[usize::from(*turn == 0)];
            if *turn == 1 {
                event.set(FieldId(2), None);
            }
            if *turn == 2 {
                row = row.clone();
            }
            if *turn == 3 {
                prop_assert_eq!(Json.decode(b"{\"v\":1}", mapper.paths(), &mut row), Ok(()));
            }
            let fresh = mapped(mapper, &record, &mut Row::default(), &mut Event::new(&schema, Timestamp::MIN));
            prop_assert_eq!(mapped(mapper, &record, &mut row, &mut event), fresh, "of {}", record);
        }
    }
}
