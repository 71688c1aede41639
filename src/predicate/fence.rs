//! The fence: a Rhai engine that can compute nothing but one short, pure expression.
//!
//! Rhai's own packages stay outside, so there is no `eval`, `print`, `sleep` or clock; loops, functions, modules,
//! blocks and closures are off; operations, nesting, texts and lists are bounded. Rhai's operators compare numbers
//! with a tolerance and call unlike things unequal; ours are exact and refuse. Nothing is folded while compiling.

use std::any::TypeId;
use std::cell::Cell;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, OptimizationLevel, Position, Token};

use crate::model::Value;
use crate::predicate::functions::{self, Function};

/// The longest source, in bytes.
pub(super) const SOURCE: usize = 4 << 10;
/// The deepest nesting; each operator of a chain counts as one.
pub(super) const DEPTH: usize = 64;
const OPERATIONS: u64 = 10_000;
/// How many bytes of text one answer may look at. With the operations it bounds the time of an answer, and unlike a
/// clock it gives the same answer on every machine.
pub(super) const LOOKED_AT: usize = 1 << 20;
const CALLS: usize = 8;
pub(super) const TEXT: usize = 16 << 10;
const ITEMS: usize = 1_024;
const KEYS: usize = 256;
const VARIABLES: usize = 64;

pub(super) fn engine(callable: &[Function]) -> Engine {
    let mut engine = Engine::new_raw();
    engine
        .set_optimization_level(OptimizationLevel::None)
        .set_fast_operators(false)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        .set_allow_anonymous_fn(false)
        .set_allow_looping(false)
        .set_allow_loop_expressions(false)
        .set_allow_if_expression(false)
        .set_allow_switch_expression(false)
        .set_allow_statement_expression(false)
        .set_allow_shadowing(false)
        .set_max_operations(OPERATIONS)
        .set_max_call_levels(CALLS)
        .set_max_expr_depths(DEPTH, DEPTH)
        .set_max_functions(0)
        .set_max_variables(VARIABLES)
        .set_max_string_size(TEXT)
        .set_max_array_size(ITEMS)
        .set_max_map_size(KEYS);
    // Words that Rhai keeps for its future may be names of fields: `event.module`.
    #[expect(
        deprecated,
        reason = "not deprecated, Rhai marks what may change with its versions; ours is pinned"
    )]
    engine.on_parse_token(|token, _, _| match token {
        Token::Reserved(word) if word.chars().all(|c| c.is_ascii_lowercase()) => Token::Identifier(word),
        other => other,
    });
    for symbol in ["eval", "Fn", "call", "curry", "print", "debug", "import"] {
        engine.disable_symbol(symbol);
    }
    for function in callable.iter().cloned().chain(functions::operators()) {
        register(&mut engine, &Arc::new(function));
    }
    register_membership(&mut engine);
    engine
}

/// Registers a function for every mixture of kinds, so that Rhai's own operators are never reached.
fn register(engine: &mut Engine, function: &Arc<Function>) {
    for types in mixtures(function.arity()) {
        let function = Arc::clone(function);
        engine.register_raw_fn(function.name().to_owned(), types, move |_, args| -> Answer<Dynamic> {
            look_at(args.iter().map(|arg| &**arg))?;
            let values: Vec<Value> = args.iter().map(|arg| value(arg)).collect::<Answer<_>>()?;
            let answer =
                function.call(&values).map_err(|why| match function.name().strip_prefix("get$") {
                    _ if why.starts_with('`') => failure(why),
                    Some(unit) => failure(format!("`.{unit}` {why}")),
                    None => failure(format!("`{}` {why}", function.name())),
                })?;
            Ok(dynamic(&answer))
        });
    }
}

/// `x in [a, b]` and `x in 1..9`.
fn register_membership(engine: &mut Engine) {
    for kind in kinds() {
        engine.register_raw_fn("contains", [TypeId::of::<Array>(), kind], |_, args| -> Answer<bool> {
            let (items, x) = two(args)?;
            let items = items.as_array_ref().map_err(|kind| failure(format!("cannot look into {kind}")))?;
            look_at(items.iter().flat_map(|item| [item, x]))?;
            let items = items.iter().map(value).collect::<Answer<Vec<_>>>()?;
            functions::is_among(&value(x)?, &items).map_err(failure)
        });
        engine.register_raw_fn("contains", [TypeId::of::<Range<i64>>(), kind], |_, args| -> Answer<bool> {
            let (range, x) = two(args)?;
            let range = range.clone().try_cast::<Range<i64>>().ok_or_else(no_range)?;
            functions::is_within(&value(x)?, range.start, range.end, false).map_err(failure)
        });
        engine.register_raw_fn(
            "contains",
            [TypeId::of::<RangeInclusive<i64>>(), kind],
            |_, args| -> Answer<bool> {
                let (range, x) = two(args)?;
                let range = range.clone().try_cast::<RangeInclusive<i64>>().ok_or_else(no_range)?;
                functions::is_within(&value(x)?, *range.start(), *range.end(), true).map_err(failure)
            },
        );
    }
}

thread_local! {
    /// What the answer that this thread computes has looked at.
    static LOOKED: Cell<usize> = const { Cell::new(0) };
}

/// Computes one answer with a budget of its own; an answer inside an answer has one too.
pub(super) fn with_budget<T>(answer: impl FnOnce() -> T) -> T {
    let outer = LOOKED.replace(0);
    let answer = answer();
    LOOKED.set(outer);
    answer
}

/// Counts the texts among some values; an error when it is enough.
fn look_at<'a>(values: impl Iterator<Item = &'a Dynamic>) -> Answer<()> {
    let len = |value: &Dynamic| value.read_lock::<ImmutableString>().map_or(0, |text| text.len());
    let looked = values.map(len).fold(LOOKED.get(), usize::saturating_add);
    LOOKED.set(looked);
    if looked <= LOOKED_AT { Ok(()) } else { Err(failure("the predicate looks at too much text".to_owned())) }
}

fn no_range() -> Box<EvalAltResult> {
    failure("`in` needs a range".to_owned())
}

type Answer<T> = Result<T, Box<EvalAltResult>>;

fn two<'a>(args: &'a [&mut Dynamic]) -> Answer<(&'a Dynamic, &'a Dynamic)> {
    match args {
        [a, b] => Ok((a, b)),
        _ => Err(failure("needs two values".to_owned())),
    }
}

fn kinds() -> [TypeId; 4] {
    [TypeId::of::<bool>(), TypeId::of::<i64>(), TypeId::of::<f64>(), TypeId::of::<ImmutableString>()]
}

fn mixtures(arity: usize) -> Vec<Vec<TypeId>> {
    (0..arity).fold(vec![Vec::new()], |shorter, _| {
        let longer = shorter.iter().flat_map(|types| {
            kinds().into_iter().map(move |kind| types.iter().copied().chain([kind]).collect())
        });
        longer.collect()
    })
}

/// An error that says why in its text.
pub(super) fn failure(why: String) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorRuntime(why.into(), Position::NONE))
}

/// Whether a text is longer than predicates may read.
pub(super) fn is_too_long(value: &Value) -> bool {
    value.as_text().is_some_and(|text| text.len() > TEXT)
}

/// Rhai's form of a value.
pub(super) fn dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Bool(b) => Dynamic::from_bool(*b),
        Value::Int(n) => Dynamic::from_int(*n),
        Value::Float(x) => Dynamic::from_float(*x),
        Value::Text(text) => Dynamic::from(ImmutableString::from(text.as_str())),
    }
}

fn value(dynamic: &Dynamic) -> Answer<Value> {
    if let Ok(n) = dynamic.as_int() {
        return Ok(Value::Int(n));
    }
    if let Ok(x) = dynamic.as_float() {
        return Ok(Value::Float(x));
    }
    if let Ok(b) = dynamic.as_bool() {
        return Ok(Value::Bool(b));
    }
    match dynamic.read_lock::<ImmutableString>() {
        Some(text) => Ok(Value::text(text.as_str())),
        None => Err(failure(format!("cannot use a value of kind {}", dynamic.type_name()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predicate::{Compiler, Predicate, Root};

    fn compile(source: &str) -> Result<Predicate, &'static str> {
        let roots = [Root { name: "event", fields: None }];
        let compiler = Compiler::new(&[]);
        compiler.compile(source, &roots).or_else(|faults| {
            // What is always the same may run all the same here.
            let soft = ["always-true", "never-true", "no-result"];
            if faults.iter().all(|fault| soft.contains(&fault.code))
                && let Ok(predicate) = compiler.compile_unchecked(source, &roots)
            {
                return Ok(predicate);
            }
            for fault in &faults {
                assert!(source.get(fault.span.clone()).is_some(), "{source:?}: {fault:?}");
            }
            Err(faults.first().map_or("none", |fault| fault.code))
        })
    }

    #[test]
    fn what_could_run_on_is_refused() {
        let sources = [
            "loop {}",
            "while true {}",
            "do {} while true",
            "do { } until false",
            "for i in 0..9 {}",
            "{ true }",
            "let x = 1; x == 1",
            "const x = 1",
            "event.code = 1",
            "event.code += 1",
            "if event.ok { true } else { false }",
            "switch event.code { 1 => true, _ => false }",
            "fn f() { f() } f()",
            "|x| x == 1",
            "[1, 2].some(|x| x == 1)",
            "(|x| x == 1).call(1)",
            "Fn(\"f\").call()",
            "event.call(1)",
            "eval(\"loop {}\")",
            "print(\"x\")",
            "debug(\"x\")",
            "sleep(5) == 1",
            "timestamp() == 1",
            "event.code.sleep()",
            "import \"x\" as y",
            "import \"/etc/hosts\"",
            "throw 1",
            "return true",
            "try { true } catch { false }",
            "exit()",
            "this == 1",
            "type_of(event.code) == \"i64\"",
            "is_def_var(\"event\")",
            "`${loop {}}` == \"x\"",
            "\"a\".pad(500000000, \"b\")",
            "#{a: 1}.a == 1",
            "event[\"code\"] == 1",
            "event?.code == 1",
            "(event.code ?? 1) == 1",
            "event.code in (0..9).step(2)",
            "range(0, 1000000000) == 1",
            "[[1, 2], [3, 4]] == [[1, 2], [3, 4]]",
            "event.code in [[1]]",
            "1 << 1000000 == 0",
            "2 ** 62 == 0",
            "6 & 3 == 2",
            "6 | 1 == 7",
            "6 ^ 1 == 7",
            "99999999999999999999999999 > 1",
            "0xffffffffffffffff == -1",
            "1e999 > 1",
            "() == ()",
            "'a' == \"a\"",
            "true; true",
            "true;",
            "#!/bin/x\ntrue",
            "\u{0}true",
            "/// documented\ntrue == 1",
        ];
        for source in sources {
            assert!(compile(source).is_err(), "accepted {source}");
        }
        for source in ["", " \n\t", "// nothing", "/* nothing */"] {
            assert_eq!(compile(source).map(|_| ()), Err("empty"), "{source:?}");
        }
        assert!(compile(&"/*".repeat(2_000)).is_err());
    }

    #[test]
    fn the_longest_source_is_4_kib() {
        let padded = |len: usize| format!("true{}", " ".repeat(len - 4));
        assert!(compile(&padded(SOURCE)).is_ok());
        assert_eq!(compile(&padded(SOURCE + 1)).map(|_| ()), Err("too-large"));
        assert_eq!(compile(&"x".repeat(10_000_000)).map(|_| ()), Err("too-large"));
    }

    #[test]
    fn deep_nesting_is_refused_on_a_small_stack() {
        let nested = |open: &str, close: &str, depth: usize| {
            format!("{}true{}", open.repeat(depth), close.repeat(depth))
        };
        let small = std::thread::Builder::new().stack_size(512 << 10);
        let run = small.spawn(move || {
            for (open, close) in
                [("(", ")"), ("[", "]"), ("!", ""), ("-", ""), ("abs(", ")"), ("event.x.max(", ")")]
            {
                let most = 4_000 / (open.len() + close.len());
                for depth in [100, most] {
                    assert!(compile(&nested(open, close, depth)).is_err(), "{open} x {depth}");
                }
            }
            for chain in [
                "1 + ",
                "true && ",
                "1 == 1 == ",
                "event.x in ",
                "event.x.min.",
                "event.x.max(1).",
                "1 || 1 && ",
            ] {
                assert!(compile(&(chain.repeat(4_000 / chain.len()) + "true")).is_err(), "{chain}");
            }
            for source in [
                nested("(", ")", 12),
                nested("!", "", 30),
                "true && ".repeat(50) + "true",
                format!("{}1 > 1", "1 + ".repeat(50)),
                format!("{}-1{} == 1", "abs(".repeat(10), ")".repeat(10)),
            ] {
                let predicate = compile(&source).unwrap_or_else(|code| panic!("{source}: {code}"));
                predicate.test(&|_, _| None);
            }
        });
        assert!(run.is_ok_and(|thread| thread.join().is_ok()));
    }

    #[test]
    fn a_long_list_may_be_looked_into() {
        let codes: Vec<String> = (1_000..1_700).map(|code| code.to_string()).collect();
        let predicate = compile(&format!("event.code in [{}]", codes.join(",")));
        let answer = predicate.map(|predicate| predicate.test(&|_, _| Some(Value::Int(1_699))));
        assert_eq!(answer, Ok(crate::predicate::Truth::True));
    }
}
