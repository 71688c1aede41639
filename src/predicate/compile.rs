//! Source to predicates.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rhai::{Dynamic, Engine, ParseError, ParseErrorType, Scope, Stmt};
use smol_str::SmolStr;

use crate::predicate::answer::Compiled;
use crate::predicate::check::{self, Callable, Checker};
use crate::predicate::{Fault, Function, Predicate, Root, fence, functions, lower_case, scan};

/// Turns source into predicates; built once and shared.
#[derive(Clone)]
pub struct Compiler {
    engine: Arc<Engine>,
    functions: Arc<Callable>,
    operators: Arc<Callable>,
}

impl Compiler {
    /// A compiler that knows the built-in functions and these.
    pub fn new(functions: &[Function]) -> Self {
        let mut callable = Callable::new();
        for function in functions::builtin().iter().chain(functions) {
            let overloads = callable.entry(function.name().to_owned()).or_default();
            if overloads.iter().all(|known| known.arity() != function.arity()) {
                overloads.push(function.clone());
            }
        }
        let mut operators = Callable::new();
        for operator in functions::operators() {
            operators.entry(operator.name().to_owned()).or_default().push(operator);
        }
        let all: Vec<Function> = callable.values().flatten().cloned().collect();
        Self {
            engine: Arc::new(fence::engine(&all)),
            functions: Arc::new(callable),
            operators: Arc::new(operators),
        }
    }

    /// The functions that predicates may call, by name.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values().flatten()
    }

    /// Checks and compiles one expression that reads from these roots.
    ///
    /// # Errors
    ///
    /// The first thing in the source that is not part of the language or not known.
    pub fn compile(&self, source: &str, roots: &[Root<'_>]) -> Result<Predicate, Fault> {
        if source.len() > fence::SOURCE {
            let message =
                format!("the predicate has {} bytes, and {} is the limit", source.len(), fence::SOURCE);
            return Err(Fault::new("too-large", 0, message));
        }
        scan::scan(source)?;
        // Not constants: Rhai would fold those into the expression.
        let mut names = Scope::new();
        for root in roots {
            names.push_dynamic(root.name, Dynamic::UNIT);
        }
        let ast = self.engine.compile_expression_with_scope(&names, source);
        let ast = ast.map_err(|error| self.refusal(source, &error, roots))?;
        let mut checker = Checker {
            source,
            roots,
            functions: &self.functions,
            operators: &self.operators,
            reads: Vec::new(),
        };
        match ast.statements() {
            [Stmt::Expr(expr)] => checker.predicate(expr)?,
            [] => return Err(Fault::new("empty", 0, "the predicate says nothing")),
            _ => return Err(Fault::new("not-allowed", 0, "a predicate is one expression")),
        }
        let reads = checker.reads;
        let mut distinct: BTreeMap<SmolStr, Vec<SmolStr>> = BTreeMap::new();
        for root in roots {
            distinct.entry(root.name.into()).or_default();
        }
        for read in &reads {
            let fields = distinct.entry(read.root.clone()).or_default();
            if !fields.contains(&read.field) {
                fields.push(read.field.clone());
            }
        }
        let engine = Arc::clone(&self.engine);
        let roots = roots.iter().map(|root| SmolStr::new(root.name)).collect();
        Ok(Predicate(Arc::new(Compiled { source: source.to_owned(), engine, ast, roots, distinct, reads })))
    }

    /// A parser's error in the words of the house.
    fn refusal(&self, source: &str, error: &ParseError, roots: &[Root<'_>]) -> Fault {
        let position = error.position();
        let offset = check::offset(source, position);
        match error.err_type() {
            ParseErrorType::VariableUndefined(name) => {
                check::unknown_name(source, name, position, roots, &self.functions)
            }
            ParseErrorType::ExprTooDeep => {
                let message = format!("the expression has more than {} levels", fence::DEPTH);
                Fault::new("too-deep", offset, message)
                    .with_help("write `x in [1, 2, 3]` for a long chain of `||`")
            }
            ParseErrorType::UnexpectedEOF => {
                Fault::new("predicate-syntax", offset, "the expression is not finished")
            }
            ParseErrorType::PropertyExpected => {
                Fault::new("predicate-syntax", offset, "the name of a field must follow the dot")
            }
            ParseErrorType::LiteralTooLarge(..) => Fault::new("too-large", offset, "the list is too long"),
            other => Fault::new("predicate-syntax", offset, lower_case(&other.to_string())),
        }
    }
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Compiler").field(&self.functions.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOTS: [Root<'static>; 2] = [
        Root {
            name: "event",
            fields: Some(&["code", "name", "share", "ok", "huge", "module", "lost", "longest"]),
        },
        Root { name: "periodic", fields: Some(&["period", "count"]) },
    ];

    fn compile(source: &str) -> Result<Predicate, Fault> {
        Compiler::new(&[]).compile(source, &ROOTS)
    }

    fn fault(source: &str) -> (String, usize, String) {
        match compile(source) {
            Ok(_) => panic!("accepted {source}"),
            Err(fault) => {
                (format!("{}: {}", fault.code, fault.message), fault.offset, fault.help.unwrap_or_default())
            }
        }
    }

    #[test]
    fn obvious_mismatches_are_refused() {
        assert_eq!(fault(r#"1 == "1""#).0, "wrong-type: `==` cannot compare a number with text");
        assert_eq!(fault(r#"event.name.len() == "6""#).2, "write numbers without quotes");
        assert_eq!(
            fault(r#"event.code in [1, 2] == 1"#).0,
            "wrong-type: `==` cannot compare true/false with a number"
        );
        assert_eq!(fault(r#"5 in [1, "2"]"#).0, "wrong-type: `in` cannot compare a number with text");
        assert_eq!(fault(r#""x" in 1..7"#).0, "wrong-type: `in` with a range needs a number, found text");
        assert_eq!(
            fault("event.ok && 1 + event.code").0,
            "wrong-type: `&&` needs true/false, found a number"
        );
    }

    #[test]
    fn a_fault_stands_at_its_byte_and_says_what_to_do() {
        let cases = [
            ("event.cod == 7", "unknown-field: `event` has no field `cod`", 6, "did you mean `event.code`?"),
            (
                "true &&\r\n  evnt.code == 7",
                "unknown-name: there is nothing called `evnt`",
                11,
                "did you mean `event`?",
            ),
            (
                "\"größe\" == \"x\" && code == 7",
                "unknown-name: there is nothing called `code`",
                20,
                "did you mean `event.code`?",
            ),
            (
                "event.name.lenn() == 1",
                "unknown-function: there is no function `lenn`",
                11,
                "did you mean `len`?",
            ),
            (
                "abs(1, 2) == 1",
                "unknown-function: `abs` takes 1 value, found 2",
                0,
                "the value before the dot is the first",
            ),
            (
                "periodic.period > 40.mins",
                "unknown-field: there is no unit of time `mins`",
                21,
                "did you mean `.min`?",
            ),
            (
                "1.5.hours > 1",
                "wrong-type: a unit of time follows a whole number",
                0,
                "write `90.sec` for `1.5.min`",
            ),
            ("event", "unknown-field: `event` alone has no value", 0, "read a field of it: `event.…`"),
            (
                "event.name[0] == \"p\"",
                "not-allowed: nothing can be indexed here",
                10,
                "read a field with `.`, as in `event.code`",
            ),
            ("event.code ==", "predicate-syntax: the expression is not finished", 13, ""),
            (
                "event.code in 0.5..2",
                "wrong-type: the ends of a range are whole numbers",
                14,
                "write `x >= 0.5 && x < 1.5`",
            ),
            ("event.code in []", "never-true: nothing is in an empty list", 14, ""),
            ("event.code + 1", "wrong-type: a predicate needs true/false, found a number", 0, ""),
        ];
        for (source, message, offset, help) in cases {
            assert_eq!(fault(source), (message.to_owned(), offset, help.to_owned()), "{source}");
        }
    }

    #[test]
    fn a_root_without_known_fields_has_any() {
        let root = [Root { name: "event", fields: None }];
        let predicate = Compiler::new(&[]).compile("event.anything == 1 && event.anything < 2", &root);
        let reads =
            predicate.map(|p| p.reads().map(|(root, field)| format!("{root}.{field}")).collect::<Vec<_>>());
        assert_eq!(reads, Ok(vec!["event.anything".to_owned()]));
    }

    proptest::proptest! {
        #[test]
        fn any_source_is_compiled_or_refused(source in r#"(event\.(code|name|lost)|[a-z]{1,3}|[0-9]{1,3}|[0-9]\.[a-z]{1,3}|"[aé\\"]{0,3}"|==|!=|<=|>|&&|\|\||!|\+|-|\*|/|%|\(|\)|\[|\]|,|\.|\.\.| in | |\n|true|//|/\*|\*/|[\{};'`#|é]){0,16}"#) {
            match compile(&source) {
                Ok(predicate) => {
                    predicate.test(&|_, field| (field != "lost").then_some(crate::model::Value::Int(7)));
                }
                Err(fault) => assert!(source.get(fault.offset..).is_some(), "{fault:?} in {source:?}"),
            }
        }
    }
}
