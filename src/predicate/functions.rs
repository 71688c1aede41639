//! What predicates may call: the operators, the functions of this room, and those of plugins.

use std::cmp::Ordering;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::Error;
use crate::model::Value;
use crate::predicate::Kind;

/// The most arguments a function may take.
pub(super) const MOST_ARGUMENTS: usize = 4;

type Body = dyn Fn(&[Value]) -> Result<Value, String> + Send + Sync;

/// A pure function that predicates may call: the same arguments always give the same answer.
///
/// ```
/// use etiolog::model::Value;
/// use etiolog::predicate::{Compiler, Function, Kind, Root, Truth};
///
/// let double = Function::new("double", 1, |args| match args {
///     [Value::Int(n)] => n.checked_mul(2).map(Value::Int).ok_or_else(|| "too large".to_owned()),
///     _ => Err("`double` needs a whole number".to_owned()),
/// })?;
/// let compiler = Compiler::new(&[double]);
/// let event = Root { name: "event", fields: Some(&[("code", Kind::Code)]) };
/// let predicate = compiler.compile("double(event.code) == 14", &[event]).map_err(|faults| format!("{faults:?}"))?;
/// assert_eq!(predicate.test(&|_, _| Some(Value::Int(7))), Truth::True);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Function {
    name: Arc<str>,
    arity: usize,
    /// What its arguments must be and what it gives, where that is known.
    takes: Kind,
    gives: Kind,
    doc: Option<FunctionDoc>,
    body: Arc<Body>,
}

/// A function that every predicate may call, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionDoc {
    /// Its name.
    pub name: &'static str,
    /// How it is called: `text.contains(part)`.
    pub signature: &'static str,
    /// What it answers, in one sentence.
    pub text: &'static str,
    /// An expression that calls it.
    pub example: &'static str,
    /// What the example gives.
    pub gives: &'static str,
}

/// The functions that every predicate may call, in the order in which they are best read.
pub fn builtin_functions() -> impl Iterator<Item = FunctionDoc> {
    builtin().into_iter().filter_map(|function| function.doc)
}

/// The units of time that may follow a whole number, each with its nanoseconds.
pub fn units() -> impl Iterator<Item = (&'static str, i64)> {
    UNITS.into_iter()
}

impl Function {
    /// A function of a plugin. A built-in function with the same name and number of arguments stays as it is.
    ///
    /// # Errors
    ///
    /// When the name is not made of lower-case letters, digits and `_`, or there are more than four arguments.
    pub fn new(
        name: &str,
        arity: usize,
        body: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !letters || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(Error::config(format!("`{name}` cannot be the name of a function")));
        }
        if arity > MOST_ARGUMENTS {
            return Err(Error::config(format!(
                "function `{name}` takes more than {MOST_ARGUMENTS} arguments"
            )));
        }
        let body = move |args: &[Value]| guarded(&body, args);
        Ok(Self {
            name: name.into(),
            arity,
            takes: Kind::Any,
            gives: Kind::Any,
            doc: None,
            body: Arc::new(body),
        })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many arguments it takes; the value before the dot is the first.
    pub fn arity(&self) -> usize {
        self.arity
    }

    /// What people should know of it; nothing for functions of plugins.
    pub fn doc(&self) -> Option<FunctionDoc> {
        self.doc
    }

    /// Whether a plugin has brought it: then nothing is known of it.
    pub(super) fn is_foreign(&self) -> bool {
        self.doc.is_none() && self.takes == Kind::Any && self.gives == Kind::Any
    }

    pub(super) fn takes(&self) -> Kind {
        self.takes
    }

    pub(super) fn gives(&self) -> Kind {
        self.gives
    }

    /// Its answer.
    ///
    /// # Errors
    ///
    /// What is wrong with the arguments.
    pub(super) fn call(&self, args: &[Value]) -> Result<Value, String> {
        (self.body)(args)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({}/{})", self.name, self.arity)
    }
}

/// A plugin that panics spoils this one answer.
fn guarded(body: &Body, args: &[Value]) -> Result<Value, String> {
    let answer = catch_unwind(AssertUnwindSafe(|| body(args)));
    let answer = answer.unwrap_or_else(|_| Err("panicked".to_owned()))?;
    match answer {
        Value::Float(x) if !x.is_finite() => Err("gave no finite number".to_owned()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => Ok(answer),
    }
}

/// The units of time that may follow a number, in nanoseconds.
pub(super) const UNITS: [(&str, i64); 7] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("min", 60_000_000_000),
    ("hour", 3_600_000_000_000),
    ("hours", 3_600_000_000_000),
    ("days", 86_400_000_000_000),
];

/// The functions that every predicate may call. Few on purpose: inputs cut, trim and convert what they read, so a rule
/// only has to compare; and whoever looks for a pattern wants a class or a field of its own.
pub(super) fn builtin() -> Vec<Function> {
    use Kind::{Count, Flag, Number, Text};
    let doc = |name, signature, text, example, gives| FunctionDoc { name, signature, text, example, gives };
    vec![
        of(
            doc(
                "contains",
                "text.contains(part)",
                "Whether the part stands anywhere in the text; upper and lower case differ.",
                r#""timed out".contains("out")"#,
                "true",
            ),
            (2, Text, Flag),
            |args| two_texts(args).map(|(text, part)| Value::Bool(text.contains(part))),
        ),
        of(
            doc(
                "starts_with",
                "text.starts_with(part)",
                "Whether the text begins with the part.",
                r#""pump-1".starts_with("pump")"#,
                "true",
            ),
            (2, Text, Flag),
            |args| two_texts(args).map(|(text, part)| Value::Bool(text.starts_with(part))),
        ),
        of(
            doc(
                "ends_with",
                "text.ends_with(part)",
                "Whether the text ends with the part.",
                r#""pump-1".ends_with("-2")"#,
                "false",
            ),
            (2, Text, Flag),
            |args| two_texts(args).map(|(text, part)| Value::Bool(text.ends_with(part))),
        ),
        of(
            doc("len", "text.len()", "How many characters the text has.", r#""größe".len()"#, "5"),
            (1, Text, Count),
            |args| match args {
                [Value::Text(text)] => {
                    Ok(Value::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX)))
                }
                _ => Err(misfit(args, "text")),
            },
        ),
        of(
            doc(
                "to_lower",
                "text.to_lower()",
                "The text in lower case, to compare without regard to case.",
                r#""Timed OUT".to_lower()"#,
                r#""timed out""#,
            ),
            (1, Text, Text),
            |args| match args {
                [Value::Text(text)] => Ok(Value::text(text.to_lowercase())),
                _ => Err(misfit(args, "text")),
            },
        ),
        of(
            doc("abs", "abs(number)", "The number without its sign.", "abs(3 - 10)", "7"),
            (1, Number, Number),
            |args| match args {
                [Value::Int(n)] => n.checked_abs().map(Value::Int).ok_or_else(overflow),
                [Value::Float(x)] => Ok(Value::Float(x.abs())),
                _ => Err(misfit(args, "a number")),
            },
        ),
        of(
            doc("min", "min(a, b)", "The smaller of two numbers.", "min(7, 3)", "3"),
            (2, Number, Number),
            |args| pick(args, Ordering::Less),
        ),
        of(
            doc("max", "max(a, b)", "The larger of two numbers.", "max(7, 3.5)", "7"),
            (2, Number, Number),
            |args| pick(args, Ordering::Greater),
        ),
    ]
}

/// The operators, as functions. `&&` and `||` are not among them: they do not always look at both sides.
pub(super) fn operators() -> Vec<Function> {
    use Kind::{Any, Flag, Number, Span};
    let comparison = |name: &'static str, holds: fn(Ordering) -> bool| {
        operator(name, (2, Any, Flag), move |args| compare(args, name).map(|order| Value::Bool(holds(order))))
    };
    let mut all = vec![
        comparison("==", Ordering::is_eq),
        comparison("!=", Ordering::is_ne),
        comparison("<", Ordering::is_lt),
        comparison("<=", Ordering::is_le),
        comparison(">", Ordering::is_gt),
        comparison(">=", Ordering::is_ge),
        operator("+", (2, Number, Number), |args| calculate(args, "+", i64::checked_add, |a, b| a + b)),
        operator("-", (2, Number, Number), |args| calculate(args, "-", i64::checked_sub, |a, b| a - b)),
        operator("*", (2, Number, Number), |args| calculate(args, "*", i64::checked_mul, |a, b| a * b)),
        operator("/", (2, Number, Number), |args| calculate(args, "/", i64::checked_div, |a, b| a / b)),
        operator("%", (2, Number, Number), |args| calculate(args, "%", i64::checked_rem, |a, b| a % b)),
        operator("-", (1, Number, Number), |args| match args {
            [Value::Int(n)] => n.checked_neg().map(Value::Int).ok_or_else(overflow),
            [Value::Float(x)] => Ok(Value::Float(-x)),
            _ => Err(misfit(args, "a number")),
        }),
        operator("!", (1, Flag, Flag), |args| match args {
            [Value::Bool(b)] => Ok(Value::Bool(!b)),
            _ => Err(misfit(args, "true/false")),
        }),
    ];
    // A unit behind a number is what Rhai calls a getter.
    all.extend(UNITS.iter().map(|&(unit, nanos)| {
        operator(&format!("get${unit}"), (1, Number, Span), move |args| match args {
            [Value::Int(n)] => n.checked_mul(nanos).map(Value::Int).ok_or_else(overflow),
            _ => Err("needs a whole number before it".to_owned()),
        })
    }));
    all
}

/// Whether a value is among others, as if compared with `==` from the first to the last.
pub(super) fn is_among<'a>(
    value: &Value,
    others: impl IntoIterator<Item = &'a Value>,
) -> Result<bool, String> {
    for other in others {
        if compare(&[value.clone(), other.clone()], "in")?.is_eq() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a value lies in a range.
pub(super) fn is_within(value: &Value, low: i64, high: i64, with_high: bool) -> Result<bool, String> {
    let from_low = compare(&[value.clone(), Value::Int(low)], "in")?;
    let from_high = compare(&[value.clone(), Value::Int(high)], "in")?;
    Ok(from_low.is_ge() && (from_high.is_lt() || with_high && from_high.is_eq()))
}

fn of(
    doc: FunctionDoc,
    kinds: (usize, Kind, Kind),
    body: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static,
) -> Function {
    Function { doc: Some(doc), ..operator(doc.name, kinds, body) }
}

/// A function without a doc: how many arguments, of what kind, and the kind of its answer.
fn operator(
    name: &str,
    (arity, takes, gives): (usize, Kind, Kind),
    body: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static,
) -> Function {
    Function { name: name.into(), arity, takes, gives, doc: None, body: Arc::new(body) }
}

fn overflow() -> String {
    "has a result that is too large".to_owned()
}

fn misfit(args: &[Value], needed: &str) -> String {
    let found: Vec<&str> = args.iter().map(Value::kind).collect();
    format!("needs {needed}, found {}", found.join(" and "))
}

fn compare(args: &[Value], operator: &str) -> Result<Ordering, String> {
    let [a, b] = args else { return Err(misfit(args, "two values")) };
    a.compare(b).ok_or_else(|| format!("`{operator}` cannot compare {} with {}", a.kind(), b.kind()))
}

fn two_texts(args: &[Value]) -> Result<(&str, &str), String> {
    match args {
        [Value::Text(a), Value::Text(b)] => Ok((a, b)),
        _ => Err(misfit(args, "text")),
    }
}

fn pick(args: &[Value], wanted: Ordering) -> Result<Value, String> {
    match args {
        [a @ (Value::Int(_) | Value::Float(_)), b @ (Value::Int(_) | Value::Float(_))] => {
            Ok(if compare(args, "min")? == wanted { a.clone() } else { b.clone() })
        }
        _ => Err(misfit(args, "numbers")),
    }
}

fn calculate(
    args: &[Value],
    operator: &str,
    whole: fn(i64, i64) -> Option<i64>,
    any: fn(f64, f64) -> f64,
) -> Result<Value, String> {
    let [a, b] = args else { return Err(misfit(args, "two numbers")) };
    if let (Value::Int(a), Value::Int(b)) = (a, b) {
        return whole(*a, *b).map(Value::Int).ok_or_else(|| format!("`{a} {operator} {b}` has no result"));
    }
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => match any(a, b) {
            x if x.is_finite() => Ok(Value::Float(x)),
            _ => Err(format!("`{a} {operator} {b}` has no result")),
        },
        _ => Err(misfit(args, "numbers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predicate::{Compiler, Truth};

    fn answer(source: &str) -> Truth {
        let compiled = Compiler::new(&[]).compile_unchecked(source, &[]);
        compiled.unwrap_or_else(|faults| panic!("{source}: {faults:?}")).test(&|_, _| None)
    }

    #[test]
    fn every_example_gives_what_its_doc_says() {
        assert_eq!(builtin_functions().count(), builtin().len());
        for doc in builtin_functions() {
            assert!(doc.example.contains(doc.name) && doc.signature.contains(doc.name), "{doc:?}");
            assert!(doc.text.ends_with('.'), "{doc:?}");
            assert_eq!(answer(&format!("({}) == {}", doc.example, doc.gives)), Truth::True, "{doc:?}");
        }
    }

    #[test]
    fn operators_compute_as_people_expect() {
        let sources = [
            "7 == 7.0",
            "0.1 + 0.2 != 0.3",
            "7 < 7.5",
            "7 <= 7",
            r#""b" > "a""#,
            "7 >= 7",
            "1 + 2 == 3",
            "1 - 2 == -1",
            "2 * 1.5 == 3",
            "7 / 2 == 3",
            "7 % 4 == 3",
            "-(1 + 2) == -3",
            "!(1 == 2)",
        ];
        for source in sources {
            assert_eq!(answer(source), Truth::True, "{source}");
        }
    }

    #[test]
    fn units_are_nanoseconds() {
        for (unit, nanos) in units() {
            assert_eq!(answer(&format!("3.{unit} == {}", 3 * nanos)), Truth::True, "{unit}");
        }
    }

    #[test]
    fn a_function_has_a_plain_name_and_few_arguments() {
        let named = |name: &str, arity: usize| Function::new(name, arity, |_| Ok(Value::Bool(true))).is_ok();
        assert!(named("is_odd2", 0) && named("x", 4));
        for name in ["", "==", "get$code", "Max", "_x", "a b", "größe", "9x"] {
            assert!(!named(name, 1), "{name}");
        }
        assert!(!named("x", 5));
    }
}
