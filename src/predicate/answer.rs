//! Compiled predicates and their answers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, EvalAltResult, Map, Position, Scope};
use smol_str::SmolStr;

use crate::model::Value;
use crate::predicate::native::{Answer, Native};
use crate::predicate::{Kind, Truth, Unknown, fence, lower_case};

/// A compiled expression; cheap to clone and to share.
#[derive(Clone)]
pub struct Predicate(pub(super) Arc<Compiled>);

pub(super) struct Compiled {
    pub(super) source: String,
    /// The same without the interpreter, or why that cannot be.
    pub(super) native: Result<Native, String>,
    pub(super) engine: Arc<Engine>,
    pub(super) ast: AST,
    /// The names that the expression was compiled with, in their order.
    pub(super) roots: Vec<SmolStr>,
    /// Which fields are read, by root.
    pub(super) distinct: BTreeMap<SmolStr, Vec<SmolStr>>,
    /// Each read, in the order of the source.
    pub(super) reads: Vec<Read>,
}

/// One `root.field` in a source.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) root: SmolStr,
    pub(super) field: SmolStr,
    pub(super) position: Position,
}

impl Predicate {
    /// What it may read: root and field, each pair once.
    pub fn reads(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.distinct.iter();
        pairs.flat_map(|(root, fields)| fields.iter().map(|field| (root.as_str(), field.as_str())))
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Its answer for the values that `values` gives for a root and a field; `None` is missing.
    ///
    /// All values that it may read are asked for, also those that turn out not to matter. A text of more than 16 KiB
    /// is too long to be read.
    pub fn test(&self, values: &dyn Fn(&str, &str) -> Option<Value>) -> Truth {
        if self.0.native.is_ok() {
            let known: Vec<Option<Value>> = self.reads().map(|(root, field)| values(root, field)).collect();
            match self.answer(&|number| known.get(number)?.as_ref()) {
                Answer::Known(true) => return Truth::True,
                Answer::Known(false) => return Truth::False,
                // Why it is unknown, the interpreter says.
                Answer::Missing | Answer::Ask => {}
            }
        }
        self.interpreted(values)
    }

    /// What can be said without the interpreter, for the values that are read, by their places in
    /// [`reads`](Predicate::reads).
    pub(crate) fn answer<'v>(&'v self, value: &dyn Fn(usize) -> Option<&'v Value>) -> Answer {
        self.0.native.as_ref().map_or(Answer::Ask, |native| native.answer(value))
    }

    /// Why the interpreter is needed for every answer; `None` where it is not.
    pub fn interpreted_because(&self) -> Option<&str> {
        self.0.native.as_ref().err().map(String::as_str)
    }

    /// The interpreter's answer.
    pub(crate) fn interpreted(&self, values: &dyn Fn(&str, &str) -> Option<Value>) -> Truth {
        let mut scope = Scope::new();
        for root in &self.0.roots {
            let fields = self.0.distinct.get(root).map(Vec::as_slice).unwrap_or_default();
            let known = fields.iter().filter_map(|field| {
                let value = values(root, field).filter(|value| !fence::is_too_long(value))?;
                Some((field.as_str().into(), fence::dynamic(&value)))
            });
            scope.push_constant_dynamic(root.as_str(), Dynamic::from_map(known.collect::<Map>()));
        }
        let answer =
            fence::with_budget(|| self.0.engine.eval_ast_with_scope::<Dynamic>(&mut scope, &self.0.ast));
        match answer {
            Ok(answer) => match answer.as_bool() {
                Ok(true) => Truth::True,
                Ok(false) => Truth::False,
                Err(kind) => {
                    let message = format!("a predicate needs true/false, found {}", Kind::of_rhai(kind));
                    Truth::Unknown(Unknown::Fault(message))
                }
            },
            Err(error) => Truth::Unknown(self.unknown(&error, values)),
        }
    }

    fn unknown(&self, error: &EvalAltResult, values: &dyn Fn(&str, &str) -> Option<Value>) -> Unknown {
        let message = match error {
            EvalAltResult::ErrorPropertyNotFound(_, position) => {
                let read = self.0.reads.iter().find(|read| read.position == *position);
                match read {
                    Some(Read { root, field, .. }) if values(root, field).is_some() => {
                        format!("the text of `{root}.{field}` is too long")
                    }
                    Some(Read { root, field, .. }) => {
                        return Unknown::Missing { root: root.clone(), field: field.clone() };
                    }
                    None => "a value is missing".to_owned(),
                }
            }
            EvalAltResult::ErrorRuntime(why, _) => why.to_string(),
            EvalAltResult::ErrorMismatchDataType(_, found, _) => {
                format!("needs true/false, found {}", Kind::of_rhai(found))
            }
            EvalAltResult::ErrorFunctionNotFound(call, _) if call.starts_with("..") => {
                "the ends of a range are whole numbers".to_owned()
            }
            EvalAltResult::ErrorTooManyOperations(_) => "the predicate takes too many steps".to_owned(),
            EvalAltResult::ErrorDataTooLarge(..) => "a text is too long".to_owned(),
            other => lower_case(&other.to_string()),
        };
        Unknown::Fault(message)
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Predicate").field(&self.0.source).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predicate::{Compiler, Fault, Function, Root};

    const ANY: Kind = Kind::Any;
    const ROOTS: [Root<'static>; 2] = [
        Root {
            name: "event",
            fields: Some(&[
                ("code", ANY),
                ("name", ANY),
                ("share", ANY),
                ("ok", ANY),
                ("huge", ANY),
                ("module", ANY),
                ("lost", ANY),
                ("longest", ANY),
            ]),
        },
        Root { name: "periodic", fields: Some(&[("period", ANY), ("count", ANY)]) },
    ];

    fn known(root: &str, field: &str) -> Option<Value> {
        match (root, field) {
            ("event", "code" | "module") => Some(Value::Int(7)),
            ("event", "name") => Some(Value::text("pump-1")),
            ("event", "share") => Some(Value::Float(0.3)),
            ("event", "ok") => Some(Value::Bool(true)),
            ("event", "huge") => Some(Value::Float(f64::INFINITY)),
            ("event", "longest") => Some(Value::text("x".repeat(20_000))),
            ("periodic", "period") => Some(Value::Int(3_600_000_000_000)),
            _ => None,
        }
    }

    fn compile(source: &str) -> Result<Predicate, Vec<Fault>> {
        Compiler::new(&[]).compile_unchecked(source, &ROOTS)
    }

    fn test(source: &str) -> Truth {
        compile(source).unwrap_or_else(|fault| panic!("{source}: {fault:?}")).test(&known)
    }

    fn missing(root: &str, field: &str) -> Truth {
        Truth::Unknown(Unknown::Missing { root: root.into(), field: field.into() })
    }

    #[test]
    fn what_holds_is_true() {
        let sources = [
            "event.code == 7",
            "event.code != 8 && event.ok",
            "!(event.code == 8)",
            "event.code in [1, 7]",
            "event.code in 1..=7 && event.code !in 1..7 && event.code !in [1, 2]",
            "event.share in 0..1",
            r#"event.name in ["pump-1", "pump-2"]"#,
            r#""pump" in event.name"#,
            r#"event.name == "pump-1" && event.name.starts_with("pump") && contains(event.name, "-")"#,
            "periodic.period >= 40.min && periodic.period <= 80.min",
            "event.code.days == 7 * 24.hours",
            "(event.code + 3) % 4 == 2",
            "event . code // the code\n == /* a /* nested */ comment */ 7",
            "event.module == 7",
            "event.name.to_lower().len() == 6",
            r#"event.name != "größe""#,
            "-event.code < 0 && 0x07 == event.code && 1_000 == 1e3",
        ];
        for source in sources {
            assert_eq!(test(source), Truth::True, "{source}");
        }
    }

    #[test]
    fn what_does_not_hold_is_false() {
        for source in ["event.code == 8", "event.code in 1..7", "!event.ok", r#"event.name == "pump""#] {
            assert_eq!(test(source), Truth::False, "{source}");
        }
    }

    #[test]
    fn numbers_compare_exactly() {
        let int = |n: i64| move |_: &str, field: &str| (field == "code").then_some(Value::Int(n));
        let holds = |source: &str, n: i64| compile(source).map(|predicate| predicate.test(&int(n)));
        assert_eq!(test("0.1 + 0.2 == 0.3"), Truth::False);
        assert_eq!(test("event.share == 0.3"), Truth::True);
        assert_eq!(holds("event.code == 9007199254740992.0", 9_007_199_254_740_993), Ok(Truth::False));
        assert_eq!(holds("event.code > 9007199254740992.0", 9_007_199_254_740_993), Ok(Truth::True));
        assert_eq!(holds("event.code == 7.0", 7), Ok(Truth::True));
        assert_eq!(test("0.00000000000000001 == 0.0"), Truth::False);
        assert_eq!(test("0.00000000000000001 > 0.0"), Truth::True);
    }

    #[test]
    fn infinity_is_larger_than_every_number() {
        for source in ["event.huge > 1.0", "event.huge >= 1", "event.huge == event.huge", "event.huge != 1.0"]
        {
            assert_eq!(test(source), Truth::True, "{source}");
        }
    }

    #[test]
    fn unlike_things_never_compare() {
        for operator in ["==", "!=", "<", "<=", ">", ">="] {
            for (left, right) in
                [("event.code", "\"7\""), ("event.name", "7"), ("event.ok", "1"), ("event.name", "true")]
            {
                let source = format!("{left} {operator} {right}");
                assert!(matches!(test(&source), Truth::Unknown(Unknown::Fault(_))), "{source}");
            }
        }
        let because = |why: &str| Truth::Unknown(Unknown::Fault(why.to_owned()));
        assert_eq!(test("event.share.min > 1"), because("`.min` needs a whole number before it"));
        assert_eq!(test(r#"event.code == "7""#), because("`==` cannot compare number with text"));
        assert_eq!(test(r#"event.code in ["7"]"#), because("`in` cannot compare number with text"));
        assert_eq!(test(r#"event.name in 1..7"#), because("`in` cannot compare text with number"));
    }

    #[test]
    fn what_cannot_be_computed_is_unknown() {
        let sources = [
            "event.code / 0 == 1",
            "event.code % 0 == 1",
            "event.share / 0 == 1",
            "event.code + 9223372036854775807 > 1",
            "event.code * 9223372036854775807 > 1",
            "9223372036854775807.ms > 1",
            "event.huge - event.huge == 0",
            "event.name + 1 == 2",
            "event.code && true",
            "event.ok && event.code",
            "!event.code",
            "event.code",
            "event.name",
            "event.code.len() == 1",
            "event.share.min > 1",
            "event.code in event.share..3",
            "event.longest.len() > 1",
            "event.longest == event.longest",
        ];
        for source in sources {
            assert!(
                matches!(test(source), Truth::Unknown(Unknown::Fault(_))),
                "{source}: {:?}",
                test(source)
            );
        }
    }

    #[test]
    fn reaching_a_missing_value_makes_the_whole_unknown() {
        assert_eq!(test("event.lost == 1"), missing("event", "lost"));
        assert_eq!(test("event.lost != 1"), missing("event", "lost"));
        assert_eq!(test("!(event.lost == 1)"), missing("event", "lost"));
        assert_eq!(test("event.lost || true"), missing("event", "lost"));
        assert_eq!(test("event.lost && false"), missing("event", "lost"));
        assert_eq!(test("event.code == 7 && periodic.count > 1"), missing("periodic", "count"));
        assert_eq!(test("event.code in [1, event.lost]"), missing("event", "lost"));
        assert_eq!(test(r#"event.lost.contains("x")"#), missing("event", "lost"));
        assert_eq!(test("event.lost.min > 1"), missing("event", "lost"));
    }

    #[test]
    fn what_is_decided_is_not_looked_at_further() {
        assert_eq!(test("true || event.lost"), Truth::True);
        assert_eq!(test("false && event.lost"), Truth::False);
        assert_eq!(test("event.code == 7 || event.code / 0 == 1"), Truth::True);
        assert_eq!(test("event.code == 8 && event.longest.len() > 1"), Truth::False);
        assert_eq!(test("event.ok || event.code == \"7\""), Truth::True);
    }

    #[test]
    fn nothing_is_folded_while_compiling() {
        let predicate = compile("event.code > 1").unwrap_or_else(|fault| panic!("{fault:?}"));
        let with = |n: i64| predicate.test(&|_: &str, _: &str| Some(Value::Int(n)));
        assert_eq!((with(5), with(0), with(5)), (Truth::True, Truth::False, Truth::True));
    }

    #[test]
    fn a_function_that_fails_or_panics_spoils_one_answer() {
        let plugin = |name: &str, body: fn(&[Value]) -> Result<Value, String>| {
            Function::new(name, 1, body).unwrap_or_else(|error| panic!("{error}"))
        };
        let functions = [
            plugin("fail", |_| Err("has no answer".to_owned())),
            plugin("burst", |_| std::panic::resume_unwind(Box::new(()))),
            plugin("endless", |_| Ok(Value::Float(f64::NAN))),
            plugin("wide", |_| Ok(Value::text("x".repeat(20_000)))),
            plugin("next", |args| match args {
                [Value::Int(n)] => Ok(Value::Int(n + 1)),
                _ => Err("needs a whole number".to_owned()),
            }),
            plugin("len", |_| Ok(Value::Int(-1))),
        ];
        let compiler = Compiler::new(&functions);
        let test =
            |source: &str| compiler.compile_unchecked(source, &ROOTS).map(|predicate| predicate.test(&known));
        let because = |why: &str| Ok(Truth::Unknown(Unknown::Fault(why.to_owned())));
        assert_eq!(test("fail(event.code) == 1"), because("`fail` has no answer"));
        assert_eq!(test("burst(event.code) == 1"), because("`burst` panicked"));
        assert_eq!(test("endless(1) == 1"), because("`endless` gave no finite number"));
        assert_eq!(test("wide(1).len() == 1"), because("a text is too long"));
        assert_eq!(test("next(event.code) == 8 && event.code.next() == 8"), Ok(Truth::True));
        assert_eq!(test("event.name.len() == 6"), Ok(Truth::True));
    }

    #[test]
    fn an_answer_looks_at_so_much_text_and_no_more() {
        let text = Value::text("x".repeat(16_000));
        let look = "event.name.contains(event.name)";
        let test = |times: usize| {
            let source = vec![look; times].join(" && ");
            let compiled = compile(&source).unwrap_or_else(|fault| panic!("{fault:?}"));
            compiled.test(&|_, _| Some(text.clone()))
        };
        let too_much = Truth::Unknown(Unknown::Fault("the predicate looks at too much text".to_owned()));
        assert_eq!((test(30), test(40)), (Truth::True, too_much));
        // The next answer has a budget of its own.
        assert_eq!(test(1), Truth::True);
    }

    #[test]
    fn a_predicate_is_shared_between_threads() {
        fn shared<T: Send + Sync + Clone + fmt::Debug>() {}
        shared::<Predicate>();
        shared::<Compiler>();
    }
}
