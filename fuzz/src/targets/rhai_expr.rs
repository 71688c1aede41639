//! An expression: refused with faults that lie inside it, or answered for any values, the same way each time.
//!
//! Two bytes choose the values, the rest is the source.

use std::sync::LazyLock;

use etiolog::Value;
use etiolog::predicate::{Compiler, Domain, Kind, Root, Truth};

static COMPILER: LazyLock<Compiler> = LazyLock::new(|| Compiler::new(&[]));

const ROOTS: [Root<'static>; 2] = [
    Root {
        name: "event",
        fields: Some(&[
            ("code", Kind::Code),
            ("name", Kind::Text),
            ("share", Kind::Number),
            ("size", Kind::Integer),
            ("ok", Kind::Flag),
            ("lost", Kind::Any),
        ]),
    },
    Root {
        name: "periodic",
        fields: Some(&[
            ("period", Kind::Span),
            ("count", Kind::Count),
            ("alike", Kind::Share),
            ("steady", Kind::Flag),
        ]),
    },
];

/// Panics when a fault points nowhere, when a mend is refused for the same reason, or when an answer changes.
pub fn run(data: &[u8]) {
    let [a, b, source @ ..] = data else { return };
    let Ok(source) = std::str::from_utf8(source) else { return };
    let predicate = match COMPILER.compile(source, &ROOTS) {
        Ok(predicate) => predicate,
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in &faults {
                let also = fault.also.iter().map(|(span, _)| span);
                for span in also.chain(fault.edit.iter().map(|(span, _)| span)).chain([&fault.span]) {
                    assert!(source.get(span.clone()).is_some(), "{span:?}: {fault:?}");
                }
                assert!(!fault.message.is_empty() && !fault.message.ends_with('.'), "{}", fault.message);
            }
            return;
        }
    };
    assert_eq!(predicate.source(), source);
    for shift in 0..4 {
        let values = |root: &str, field: &str| value(root, field, usize::from(*a) + shift, usize::from(*b));
        let answer = predicate.test(&values);
        assert_eq!(predicate.test(&values), answer, "asked again");
        if let Truth::True = answer {
            // What holds can hold: the loader must not call such a class empty.
            let domain = |root: &str, field: &str| match values(root, field) {
                Some(value) => Domain::equal(&value),
                None => Domain::missing(),
            };
            assert!(predicate.can_hold(&domain), "it holds");
        }
    }
    for (root, field) in predicate.reads() {
        let known = ROOTS.iter().find(|known| known.name == root).and_then(|known| known.fields);
        assert!(known.is_some_and(|fields| fields.iter().any(|(name, _)| *name == field)), "{root}.{field}");
    }
}

/// A value of the field's kind, an odd one, or none.
fn value(root: &str, field: &str, a: usize, b: usize) -> Option<Value> {
    let at = a.wrapping_mul(31).wrapping_add(b).wrapping_add(root.len() * 7 + field.len());
    let numbers = [0, 1, -1, 7, 60_000_000_000, i64::MAX, i64::MIN, 1 << 53, (1 << 53) + 1];
    let fractions = [0.0, 1.0, 0.1 + 0.2, 0.5, -0.0, 1e300, 9_007_199_254_740_992.0];
    let texts = ["", "a", "drop", "7", "é\u{300}", "a,b;c", "%_"];
    match field {
        _ if at % 5 == 4 => None,
        "code" | "size" | "period" | "count" => Some(Value::from(numbers[at % numbers.len()])),
        "share" | "alike" => Some(Value::from(fractions[at % fractions.len()])),
        "ok" | "steady" => Some(Value::from(at.is_multiple_of(2))),
        "name" => Some(Value::from(texts[at % texts.len()])),
        _ if at.is_multiple_of(3) => Some(Value::from(numbers[at % numbers.len()])),
        _ => Some(Value::from(texts[at % texts.len()])),
    }
}
