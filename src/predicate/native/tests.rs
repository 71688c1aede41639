//! The interpreter and what goes without it are one in all they say.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use proptest::prelude::*;

use super::*;
use crate::predicate::{Compiler, Kind, Predicate, Root, Truth, Unknown};

const FIELDS: [&str; 6] = ["code", "name", "other", "share", "ok", "lost"];

fn roots() -> [Root<'static>; 2] {
    const ANY: &[(&str, Kind)] = &[
        ("code", Kind::Any),
        ("name", Kind::Any),
        ("other", Kind::Any),
        ("share", Kind::Any),
        ("ok", Kind::Any),
        ("lost", Kind::Any),
    ];
    [Root { name: "event", fields: Some(ANY) }, Root { name: "count", fields: Some(ANY) }]
}

fn field() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!["event", "event", "count"]), prop::sample::select(FIELDS.to_vec()))
        .prop_map(|(root, field)| format!("{root}.{field}"))
}

fn literal() -> impl Strategy<Value = String> {
    let all = [
        "0",
        "1",
        "7",
        "-3",
        "2.5",
        "7.0",
        "1e18",
        "9223372036854775807",
        "true",
        "false",
        "\"\"",
        "\"a\"",
        "\"Pump-1\"",
        "\"pump\"",
        "\"7\"",
        "40.min",
    ];
    prop::sample::select(all.map(str::to_owned).to_vec())
}

/// Any expression of the language, also one that compares unlike things.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![3 => field(), 2 => literal()];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let two = (inner.clone(), inner.clone());
        let sign = prop::sample::select(vec![
            "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "&&", "||", "in", "!in", "&&", "||",
            "==",
        ]);
        let text = prop::sample::select(vec!["contains", "starts_with", "ends_with"]);
        let number = prop::sample::select(vec!["min", "max"]);
        let unary = prop::sample::select(vec!["to_lower()", "len()", "min", "sec"]);
        prop_oneof![
            4 => (two.clone(), sign).prop_map(|((a, b), sign)| format!("({a} {sign} {b})")),
            1 => (two.clone(), text).prop_map(|((a, b), name)| format!("({a}).{name}({b})")),
            1 => (two, number).prop_map(|((a, b), name)| format!("{name}({a}, {b})")),
            1 => (inner.clone(), unary).prop_map(|(a, name)| format!("({a}).{name}")),
            1 => inner.clone().prop_map(|a| format!("!({a})")),
            1 => inner.clone().prop_map(|a| format!("-({a})")),
            1 => (inner.clone(), prop::collection::vec(inner.clone(), 1..4), any::<bool>()).prop_map(
                |(a, items, not)| format!("({a} {} [{}])", if not { "!in" } else { "in" }, items.join(", "))
            ),
            1 => (inner.clone(), inner.clone(), inner, any::<bool>()).prop_map(
                |(a, low, high, last)| format!("({a} in ({low})..{}({high}))", if last { "=" } else { "" })
            ),
        ]
    })
}

fn value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        1 => Just(None),
        2 => any::<bool>().prop_map(|flag| Some(Value::Bool(flag))),
        3 => prop::sample::select(vec![0, 1, 7, -3, i64::MAX, i64::MIN]).prop_map(|n| Some(Value::Int(n))),
        2 => prop::sample::select(vec![0.0, 2.5, 7.0, -0.0, 1e300, f64::INFINITY, f64::NAN])
            .prop_map(|x| Some(Value::Float(x))),
        3 => prop::sample::select(vec!["", "a", "7", "Pump-1", "PUMP", "İstanbul"])
            .prop_map(|text| Some(Value::from(text))),
        1 => prop::sample::select(vec![1_000, 9_000, 17_000])
            .prop_map(|length| Some(Value::text("X".repeat(length)))),
    ]
}

/// What is true or false, of parts that fit together: so deep.
fn fitting(depth: u32) -> BoxedStrategy<String> {
    let comparing = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let flag = prop_oneof![
        prop::sample::select(vec!["event.ok", "count.ok"]).prop_map(str::to_owned),
        (number(depth), comparing(), number(depth)).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        (text(depth), comparing(), text(depth)).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        (text(depth), prop::sample::select(vec!["contains", "starts_with", "ends_with"]), text(depth))
            .prop_map(|(a, name, b)| format!("{a}.{name}({b})")),
        (number(depth), prop::collection::vec(number(0), 1..4))
            .prop_map(|(a, items)| format!("{a} in [{}]", items.join(", "))),
        (text(depth), prop::collection::vec(text(0), 1..4))
            .prop_map(|(a, items)| format!("{a} !in [{}]", items.join(", "))),
        (number(depth), -9..9_i64, 0..9_i64, any::<bool>()).prop_map(|(a, low, more, last)| {
            format!("{a} in {low}..{}{}", if last { "=" } else { "" }, low + more)
        }),
    ];
    if depth == 0 {
        return flag.boxed();
    }
    let inner = || fitting(depth - 1);
    let join = prop::sample::select(vec!["&&", "||"]);
    prop_oneof![
        2 => flag,
        3 => (inner(), join, inner()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
        1 => inner().prop_map(|a| format!("!({a})")),
    ]
    .boxed()
}

fn number(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        2 => prop::sample::select(vec!["event.code", "count.code", "event.share", "count.share"]).prop_map(str::to_owned),
        2 => (-9..9_i64).prop_map(|n| n.to_string()),
        1 => prop::sample::select(vec!["0.5", "2.5", "7.0", "1e3", "40.sec"]).prop_map(str::to_owned),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = || number(depth - 1);
    let sign = prop::sample::select(vec!["+", "-", "*", "/", "%"]);
    prop_oneof![
        3 => leaf,
        2 => (inner(), sign, inner()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
        1 => (inner(), inner(), any::<bool>())
            .prop_map(|(a, b, least)| format!("{}({a}, {b})", if least { "min" } else { "max" })),
        1 => inner().prop_map(|a| format!("abs({a})")),
        1 => inner().prop_map(|a| format!("-({a})")),
        1 => text(depth - 1).prop_map(|a| format!("{a}.len()")),
        1 => prop::sample::select(vec!["event.code.min", "count.code.ms"]).prop_map(str::to_owned),
    ]
    .boxed()
}

fn text(depth: u32) -> BoxedStrategy<String> {
    let names = vec!["event.name", "count.name", "event.other", "\"a\"", "\"Pump\"", "\"pump-1\"", "\"\""];
    let leaf = prop::sample::select(names).prop_map(str::to_owned);
    if depth == 0 {
        return leaf.boxed();
    }
    prop_oneof![3 => leaf, 1 => text(depth - 1).prop_map(|a| format!("{a}.to_lower()"))].boxed()
}

/// What a field is as a rule, and now and then anything.
fn usual(field: &str) -> BoxedStrategy<Option<Value>> {
    let usual = match field {
        "code" => (-9..9_i64).prop_map(Value::Int).boxed(),
        "share" => (-8..8_i32).prop_map(|n| Value::Float(f64::from(n) / 4.0)).boxed(),
        "ok" => any::<bool>().prop_map(Value::Bool).boxed(),
        _ => "(Pump|pump|a|İ|-1|7){0,3}".prop_map(Value::from).boxed(),
    };
    prop_oneof![30 => usual.prop_map(Some), 1 => value()].boxed()
}

/// Of how many answers on what fits together the native one was there, and of how many in all.
static KNOWN: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];

/// Both answers; they may only differ in that the native one is not there.
fn compare(predicate: &Predicate, values: &dyn Fn(&str, &str) -> Option<Value>) -> (Answer, Truth) {
    let known: Vec<Option<Value>> = predicate.reads().map(|(root, field)| values(root, field)).collect();
    (predicate.answer(&|number| known.get(number)?.as_ref()), predicate.interpreted(values))
}

fn agree(native: Answer, interpreted: &Truth) -> bool {
    match native {
        Answer::Known(holds) => *interpreted == if holds { Truth::True } else { Truth::False },
        Answer::Missing => matches!(interpreted, Truth::Unknown(_)),
        Answer::Ask => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn a_native_answer_is_the_interpreters(
        source in expression(),
        events in prop::collection::vec(prop::collection::vec(value(), 2 * FIELDS.len()), 1..8),
    ) {
        let Ok(predicate) = Compiler::new(&[]).compile_unchecked(&source, &roots()) else { return Ok(()) };
        for event in events {
            let values = |root: &str, field: &str| {
                let at = FIELDS.iter().position(|known| *known == field)?;
                event.get(at + if root == "event" { 0 } else { FIELDS.len() })?.clone()
            };
            let (native, interpreted) = compare(&predicate, &values);
            prop_assert!(agree(native, &interpreted), "{}: {:?} and {:?}", source, native, interpreted);
            prop_assert_eq!(predicate.test(&values), interpreted);
        }
    }

    /// The same of what fits together, on events that do: there most answers are native.
    #[test]
    fn a_native_answer_is_the_interpreters_where_all_fits(
        source in fitting(3),
        events in prop::collection::vec([FIELDS.map(usual), FIELDS.map(usual)], 1..12),
    ) {
        let Ok(predicate) = Compiler::new(&[]).compile_unchecked(&source, &roots()) else { return Ok(()) };
        for [event, count] in events {
            let values = |root: &str, field: &str| {
                let at = FIELDS.iter().position(|known| *known == field)?;
                (if root == "event" { &event } else { &count }).get(at)?.clone()
            };
            let (native, interpreted) = compare(&predicate, &values);
            prop_assert!(agree(native, &interpreted), "{}: {:?} and {:?}", source, native, interpreted);
            let is_known = u32::from(matches!(native, Answer::Known(_)));
            let known = KNOWN[0].fetch_add(is_known, Relaxed) + is_known;
            let all = KNOWN[1].fetch_add(1, Relaxed) + 1;
            prop_assert!(all < 1_000 || known > all / 2, "{} of {} answers were native", known, all);
        }
    }

    /// What is well typed is answered natively, so that the property above is not about nothing.
    #[test]
    fn the_ordinary_needs_no_interpreter(code in -9..9_i64, op in "[a-c]{1,2}", ok: bool) {
        let sources = [
            "event.name == \"a\" || event.ok || event.code in [3, 4]",
            "event.code in 1..=5 && !(event.name.starts_with(\"b\")) || event.code !in [7]",
            "(event.code + 3) * 2 % 5 >= min(event.code, 2) && -event.code < 7 && abs(event.code) < 8",
            "event.name.to_lower().len() == 1 && \"b\" in event.name && event.name.ends_with(\"b\")",
            "event.code.min > 3.min && event.code / 2 != 1.5",
        ];
        for source in sources {
            let predicate = Compiler::new(&[]).compile_unchecked(source, &roots());
            let predicate = predicate.unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
            prop_assert_eq!(predicate.interpreted_because(), None);
            let values = |_: &str, field: &str| match field {
                "code" => Some(Value::Int(code)),
                "name" => Some(Value::from(op.as_str())),
                "ok" => Some(Value::Bool(ok)),
                _ => None,
            };
            let (native, interpreted) = compare(&predicate, &values);
            prop_assert!(matches!(native, Answer::Known(_)), "{}: {:?}", source, native);
            prop_assert!(agree(native, &interpreted), "{}: {:?} and {:?}", source, native, interpreted);
        }
    }
}

#[test]
fn what_is_exceptional_is_the_interpreters() {
    let long = Value::text("x".repeat(9_000));
    let answer = |source: &str| {
        let predicate = Compiler::new(&[]).compile_unchecked(source, &roots());
        let predicate = predicate.unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
        let values = |_: &str, field: &str| match field {
            "code" => Some(Value::Int(7)),
            "name" => Some(Value::from("a")),
            "other" => Some(long.clone()),
            _ => None,
        };
        compare(&predicate, &values)
    };
    for source in [
        "event.code / 0 == 1",
        "event.code + 9223372036854775807 > 1",
        "event.code == event.name",
        "event.code && true",
        "event.code",
        "event.code in [event.name]",
    ] {
        let (native, interpreted) = answer(source);
        assert_eq!(native, Answer::Ask, "{source}");
        assert!(matches!(interpreted, Truth::Unknown(Unknown::Fault(_))), "{source}");
    }
    assert_eq!(answer("event.other.len() == 9000"), (Answer::Ask, Truth::True));
    assert_eq!(answer("event.lost == 1").0, Answer::Missing);
    assert_eq!(answer("event.code == 7 || event.lost == 1"), (Answer::Known(true), Truth::True));
}

#[test]
fn a_function_of_a_plugin_stays_with_the_interpreter() {
    let twice = Function::new("twice", 1, |args| match args {
        [Value::Int(n)] => Ok(Value::Int(n * 2)),
        _ => Err("needs a whole number".to_owned()),
    });
    let functions = [twice.unwrap_or_else(|error| panic!("{error}"))];
    let predicate = Compiler::new(&functions).compile("event.code.twice() == 14", &roots());
    let predicate = predicate.unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(predicate.interpreted_because(), Some("it calls `twice`, a function of a plugin"));
    let values = |_: &str, _: &str| Some(Value::Int(7));
    assert_eq!((compare(&predicate, &values).0, predicate.test(&values)), (Answer::Ask, Truth::True));
}
