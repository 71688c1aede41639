//! Source to predicates.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, LexError, ParseError, ParseErrorType, Scope, Stmt};
use smol_str::SmolStr;

use crate::predicate::answer::Compiled;
use crate::predicate::check::{self, Callable, Checker};
use crate::predicate::fault::Mended;
use crate::predicate::native::Native;
use crate::predicate::scan::{self, Token, What};
use crate::predicate::term::Term;
use crate::predicate::{Fault, Function, Predicate, Root, constant, fence, functions, lower_case, slips};

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
    /// Everything in the source that is not part of the language, not known, of the wrong kind, or always the same.
    pub fn compile(&self, source: &str, roots: &[Root<'_>]) -> Result<Predicate, Vec<Fault>> {
        if source.len() > fence::SOURCE {
            let message =
                format!("the predicate has {} bytes, and {} is the limit", source.len(), fence::SOURCE);
            return Err(vec![Fault::new("too-large", 0..0, message)]);
        }
        let tokens = scan::tokens(source);
        let slips = slips::slips(source, &tokens);
        if slips.is_empty() {
            return self.expression(source, &tokens.all, roots, true);
        }
        // Behind what can be mended the rest is looked at too.
        let mends: Option<Vec<_>> = slips.iter().map(|slip| slip.mend.clone()).collect();
        let mended = mends.map(|mends| Mended::new(source, &mends));
        let rest = mended.map(|mended| {
            let tokens = scan::tokens(&mended.text);
            let faults = self.expression(&mended.text, &tokens.all, roots, true).err().unwrap_or_default();
            faults.into_iter().map(|fault| mended.back(fault)).collect::<Vec<_>>()
        });
        let right = rest.as_ref().is_some_and(Vec::is_empty);
        let slips = slips.into_iter().map(|slip| {
            let edit = slip.mend.filter(|_| slip.sure || right);
            Fault { edit, ..slip.fault }
        });
        let mut faults: Vec<Fault> = slips.chain(rest.into_iter().flatten()).collect();
        faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
        Err(faults)
    }

    /// The same with these changes to the source, in their order: what stands for something else. Faults are those of the
    /// source as it was.
    ///
    /// # Errors
    ///
    /// As [`Compiler::compile`].
    pub fn compile_with(
        &self,
        source: &str,
        changes: &[(Range<usize>, String)],
        roots: &[Root<'_>],
    ) -> Result<Predicate, Vec<Fault>> {
        let changed = Mended::new(source, changes);
        let compiled = self.compile(&changed.text, roots);
        compiled.map_err(|faults| faults.into_iter().map(|fault| changed.back(fault)).collect())
    }

    /// The same for what would be refused as always the same: for examples.
    #[cfg(test)]
    pub(super) fn compile_unchecked(
        &self,
        source: &str,
        roots: &[Root<'_>],
    ) -> Result<Predicate, Vec<Fault>> {
        self.expression(source, &scan::tokens(source).all, roots, false)
    }

    /// An expression without slips. `strict` refuses what can be computed and means nothing.
    fn expression(
        &self,
        source: &str,
        tokens: &[Token],
        roots: &[Root<'_>],
        strict: bool,
    ) -> Result<Predicate, Vec<Fault>> {
        if tokens.is_empty() {
            let message = match source.trim() {
                "" => "the predicate says nothing",
                _ => "the predicate is nothing but a comment",
            };
            let fault = Fault::new("empty", 0..source.trim_end().len(), message);
            return Err(vec![fault.with_help("write what must hold: `event.code == 7`")]);
        }
        let ast = self.parse(source, tokens, roots)?;
        let mut checker = Checker {
            source,
            tokens,
            roots,
            functions: &self.functions,
            operators: &self.operators,
            reads: Vec::new(),
            faults: Vec::new(),
        };
        let term = match ast.statements() {
            [Stmt::Expr(expr)] => {
                let term = checker.predicate(expr);
                if strict && checker.faults.is_empty() {
                    checker.faults = constant::faults(source, &term);
                }
                term
            }
            _ => {
                let whole = 0..source.len();
                let fault = Fault::new("not-allowed", whole.clone(), "a predicate is one expression");
                checker.faults.push(fault);
                Term::refused(whole)
            }
        };
        if !strict {
            let soft = ["no-result", "float-equality", "wrong-type"];
            checker.faults.retain(|fault| !soft.contains(&fault.code));
        }
        if !checker.faults.is_empty() {
            checker.faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
            checker.faults.dedup();
            return Err(checker.faults);
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
        let number = |root: &SmolStr, field: &SmolStr| {
            let before = distinct.range::<SmolStr, _>(..root).map(|(_, fields)| fields.len()).sum::<usize>();
            Some(before + distinct.get(root)?.iter().position(|known| known == field)?)
        };
        let native = Native::lower(&term, &self.functions, &self.operators, &number);
        let engine = Arc::clone(&self.engine);
        let roots = roots.iter().map(|root| SmolStr::new(root.name)).collect();
        Ok(Predicate(Arc::new(Compiled {
            source: source.to_owned(),
            native,
            engine,
            ast,
            roots,
            distinct,
            reads,
        })))
    }

    /// Parses; names that are not known are left to the checker, which finds all of them.
    fn parse(&self, source: &str, tokens: &[Token], roots: &[Root<'_>]) -> Result<AST, Vec<Fault>> {
        // Not constants: Rhai would fold those into the expression.
        let mut names = Scope::new();
        for root in roots {
            names.push_dynamic(root.name, Dynamic::UNIT);
        }
        let mut faults = Vec::new();
        loop {
            let error = match self.engine.compile_expression_with_scope(&names, source) {
                Ok(ast) => return Ok(ast),
                Err(error) => error,
            };
            let place = check::token_at(source, tokens, error.position());
            if let ParseErrorType::VariableUndefined(name) = error.err_type()
                && faults.len() < MOST_UNKNOWN
                && !names.contains(name)
            {
                names.push_dynamic(name.clone(), Dynamic::UNIT);
                faults.push(check::unknown_name(name, place, roots, &self.functions));
                continue;
            }
            faults.push(refusal(source, tokens, place, &error));
            faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
            return Err(faults);
        }
    }
}

/// The most unknown names that are looked behind.
const MOST_UNKNOWN: usize = 16;

/// A parser's error in the words of the house.
fn refusal(source: &str, tokens: &[Token], place: Range<usize>, error: &ParseError) -> Fault {
    let syntax = |message: String| Fault::new("predicate-syntax", place.clone(), message);
    match error.err_type() {
        ParseErrorType::VariableUndefined(name) => {
            Fault::new("unknown-name", place, format!("there is nothing called `{name}`"))
        }
        ParseErrorType::ExprTooDeep => {
            let message = format!("the expression has more than {} levels", fence::DEPTH);
            Fault::new("too-deep", place, message)
                .with_help("write `x in [1, 2, 3]` for a long chain of `||`")
        }
        ParseErrorType::UnexpectedEOF => {
            let end = source.trim_end().len();
            Fault::new("predicate-syntax", end..end, "the expression is not finished")
        }
        ParseErrorType::PropertyExpected => syntax("the name of a field must follow the dot".to_owned()),
        ParseErrorType::LiteralTooLarge(..) => Fault::new("too-large", place, "the list is too long"),
        ParseErrorType::MissingToken(sign, _) => {
            let open = match sign.as_str() {
                ")" => last_open(source, tokens, "(", ")"),
                "]" => last_open(source, tokens, "[", "]"),
                _ => None,
            };
            let fault = syntax(format!("`{sign}` is missing"));
            match open {
                Some(open) => fault.with_also(open, "opened here"),
                None => fault,
            }
        }
        ParseErrorType::BadInput(LexError::MalformedEscapeSequence(escape)) => {
            syntax(format!("`{escape}` is no character")).with_help("write `\\\\` for a backslash")
        }
        ParseErrorType::BadInput(LexError::UnexpectedInput(text)) => {
            let fault = syntax(format!("`{text}` cannot stand here"));
            let starts = tokens.iter().any(|token| token.span == place && token.what != What::Sign);
            if starts && place.start > 0 {
                fault.with_help("join two conditions with `&&` or `||`")
            } else {
                fault
            }
        }
        other => syntax(lower_case(&other.to_string())),
    }
}

/// The last bracket that is not closed.
fn last_open(source: &str, tokens: &[Token], open: &str, close: &str) -> Option<Range<usize>> {
    let mut still_open = Vec::new();
    for token in tokens {
        match source.get(token.span.clone()) {
            Some(sign) if sign == open => still_open.push(token.span.clone()),
            Some(sign) if sign == close => drop(still_open.pop()),
            _ => {}
        }
    }
    still_open.pop()
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Compiler").field(&self.functions.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::predicate::{Kind, Truth, Unknown};

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
                ("evidence", Kind::Number),
                ("alike", Kind::Share),
                ("steady", Kind::Flag),
            ]),
        },
    ];

    fn faults(source: &str) -> Vec<Fault> {
        Compiler::new(&[]).compile(source, &ROOTS).err().unwrap_or_default()
    }

    /// The faults as places, codes, messages, help and edits.
    fn told(source: &str) -> String {
        let part = |span: &Range<usize>| source.get(span.clone()).unwrap_or("(outside)").to_owned();
        let lines = faults(source).into_iter().map(|fault| {
            let also = fault.also.map(|(span, label)| format!(" | {} {label}", part(&span)));
            let help = fault.help.map(|help| format!(" | {help}"));
            let edit = fault.edit.map(|(span, text)| format!(" | {} -> {text}", part(&span)));
            [
                format!("{} `{}`: {}", fault.code, part(&fault.span), fault.message),
                also.unwrap_or_default(),
                help.unwrap_or_default(),
                edit.unwrap_or_default(),
            ]
            .concat()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_fault_stands_at_its_words_and_says_what_to_do() {
        let cases = [
            (
                "event.cod == 7",
                "unknown-field `cod`: `event` has no field `cod` | did you mean `event.code`? | cod -> code",
            ),
            (
                "event.ok &&\r\n  evnt.code == 7",
                "unknown-name `evnt`: there is nothing called `evnt` | did you mean `event`? | evnt -> event",
            ),
            (
                "event.name == \"größe\" && code == 7",
                "unknown-name `code`: there is nothing called `code` | did you mean `event.code`? | code -> event.code",
            ),
            (
                "event.name.lenn() == 1",
                "unknown-function `lenn`: there is no function `lenn` | did you mean `len`? | lenn -> len",
            ),
            (
                "abs(event.size, 2) == 1",
                "unknown-function `abs`: `abs` takes 1 value, found 2 | write `abs(number)`",
            ),
            (
                "periodic.period > 40.mins",
                "unknown-field `mins`: there is no unit of time `mins` | write `40.min` | 40.mins -> 40.min",
            ),
            (
                "periodic.period > 1.5.hours",
                "wrong-type `1.5`: a unit of time follows a whole number | write `90.min` | 1.5.hours -> 90.min",
            ),
            ("event", "unknown-field `event`: `event` alone has no value | read a field of it: `event.…`"),
            (
                "event.name[0] == \"p\"",
                "not-allowed `[0]`: nothing can be indexed here | read a field with `.`, as in `event.code`",
            ),
            ("event.code == ", "predicate-syntax ``: the expression is not finished"),
            (
                "event.size in 0.5..2",
                "wrong-type `0.5`: the ends of a range are whole numbers | write `x >= 0.5 && x < 1.5`",
            ),
            ("event.size + 1", "wrong-type `event.size + 1`: a predicate needs true/false, found a number"),
            ("", "empty ``: the predicate says nothing | write what must hold: `event.code == 7`"),
            (
                " // event.ok",
                "empty ` // event.ok`: the predicate is nothing but a comment | write what must hold: `event.code == 7`",
            ),
            (
                "event.size > 1 && event.größe > 1",
                "unknown-name `größe`: there is nothing called `größe` | names are made of the letters a-z, digits and `_`",
            ),
            (
                "event.name == \"a\\d\"",
                "predicate-syntax `\"a\\d\"`: `\\d` is no character | write `\\\\` for a backslash",
            ),
            ("abs((event.size) > 1", "predicate-syntax ``: `)` is missing | ( opened here"),
            ("event.size in [1 2]", "predicate-syntax `2`: `,` is missing"),
            (
                "event.ok event.ok",
                "predicate-syntax `event`: `event` cannot stand here | join two conditions with `&&` or `||`",
            ),
            ("event.size == == 1", "predicate-syntax `==`: `==` cannot stand here"),
            (
                "event.name.len > 3",
                "unknown-field `len`: `len` is a function | write `.len()` | len -> len()",
            ),
            (
                "event.code.x > 1",
                "unknown-field `x`: `event.code` has no field `x` | behind a field stand functions and units of time",
            ),
            ("event.size > 1 / 0", "no-result `1 / 0`: `1 / 0` has no result"),
        ];
        for (source, expected) in cases {
            assert_eq!(told(source), expected, "{source}");
        }
    }

    #[test]
    fn unlike_kinds_are_refused() {
        let cases = [
            (
                "event.code == \"7\"",
                "wrong-type `\"7\"`: `==` cannot compare a code with the text `7`: it is a number \
                 | == in this comparison | write the code as a number: `7` | \"7\" -> 7",
            ),
            (
                "event.size in [1, \"2\"]",
                "wrong-type `\"2\"`: `in` cannot compare a number with text | in in this comparison \
                 | write it as a number: `2` | \"2\" -> 2",
            ),
            (
                "event.name != 7",
                "wrong-type `7`: `!=` cannot compare text with a number | != in this comparison \
                 | write it as text: `\"7\"` | 7 -> \"7\"",
            ),
            (
                "event.ok == \"true\"",
                "wrong-type `\"true\"`: `==` cannot compare true/false with text | == in this comparison \
                 | write it without quotes: `true` | \"true\" -> true",
            ),
            (
                "event.ok == 1",
                "wrong-type `1`: `==` cannot compare true/false with a number | == in this comparison \
                 | write `event.ok` when it is true, `!event.ok` when it is false",
            ),
            (
                "event.name < event.size",
                "wrong-type `event.size`: `<` cannot compare text with a number | < in this comparison",
            ),
            ("abs(event.name) == 1", "wrong-type `event.name`: `abs` needs a number, found text"),
            ("event.size.contains(\"x\")", "wrong-type `event.size`: `contains` needs text, found a number"),
            ("event.name in 1..7", "wrong-type `event.name`: `in` with a range needs a number, found text"),
            ("event.ok && event.name", "wrong-type `event.name`: `&&` needs true/false, found text"),
            (
                "event.share == 0.3",
                "float-equality `==`: `==` asks whether two fractions are alike to the last digit | use `<=` and `>=`",
            ),
            (
                "periodic.evidence != periodic.alike",
                "float-equality `!=`: `!=` asks whether two fractions are alike to the last digit | use `<=` and `>=`",
            ),
            (
                "periodic.period > 40",
                "wrong-type `40`: `40` is compared with a span of time and has no unit \
                 | say which: `40.sec`, `40.min`, `40.hours`",
            ),
            (
                "periodic.count > 40.min",
                "wrong-type `40.min`: `>` cannot compare a count with a span of time | > in this comparison",
            ),
            (
                "event.lost == ()",
                "missing-value `()`: nothing can be compared with `()` | what is missing makes a predicate unknown; \
                 ask with the condition `{there: false}` of a class",
            ),
        ];
        for (source, expected) in cases {
            assert_eq!(told(source), expected, "{source}");
        }
    }

    #[test]
    fn what_compares_like_with_like_is_accepted() {
        let sources = [
            "event.code == 7 || event.code == \"E7\" || event.code == \"07\"",
            "event.share == 1 || event.share != 0.0 && event.share > 0.25",
            "periodic.alike == 1 && periodic.period >= 15.min && periodic.period % 1.hour < 5.min",
            "periodic.period > 0 && periodic.count * 2 > 5 && -event.size < 7",
            "event.ok == true && !periodic.steady && event.lost == \"7\"",
            "event.size in [1, 2] && event.name in [\"a\", \"b\"] && \"x\" in event.name && event.size !in 5..=9",
            "(periodic.period + 5.min) / 2 > 3.min && periodic.period / 1.min > 40",
        ];
        for source in sources {
            assert_eq!(told(source), "", "{source}");
        }
    }

    #[test]
    fn all_faults_of_an_expression_come_at_once() {
        let source = "evnt.code == 1 and event.cod > 5m || event.name.lenn() == 'x' && \"ö\" in grosse && event.code = \"7\"";
        let places: Vec<_> = faults(source)
            .iter()
            .map(|fault| (fault.code, source.get(fault.span.clone()).unwrap_or("(outside)").to_owned()))
            .collect();
        let expected = [
            ("unknown-name", "evnt"),
            ("predicate-syntax", "and"),
            ("unknown-field", "cod"),
            ("predicate-syntax", "5m"),
            ("unknown-function", "lenn"),
            ("predicate-syntax", "'x'"),
            ("unknown-name", "grosse"),
            ("predicate-syntax", "="),
            ("wrong-type", "\"7\""),
        ];
        assert_eq!(places, expected.map(|(code, place)| (code, place.to_owned())));
    }

    #[test]
    fn a_doubtful_mend_is_offered_only_when_the_rest_is_right() {
        let edit = |source: &str| faults(source).into_iter().find_map(|fault| fault.edit);
        assert_eq!(edit("event.ok & event.size == 4"), Some((9..10, "&&".to_owned())));
        assert_eq!(edit("event.size & 4 == 4"), None);
        assert_eq!(edit("event.ok and event.sizes == 4"), Some((9..12, "&&".to_owned())));
    }

    #[test]
    fn a_root_without_known_fields_has_any() {
        let root = [Root { name: "event", fields: None }];
        let predicate = Compiler::new(&[]).compile("event.anything == 1 && event.other < 2", &root);
        let reads =
            predicate.map(|p| p.reads().map(|(root, field)| format!("{root}.{field}")).collect::<Vec<_>>());
        assert_eq!(reads, Ok(vec!["event.anything".to_owned(), "event.other".to_owned()]));
    }

    const SOUP: &str = r#"(event\.(code|name|lost|x)|periodic\.(period|alike)|[a-z]{1,3}|[0-9]{1,3}|[0-9]\.(min|[a-z]{1,3})|[0-9](m|h| sec)|"[aé\\"]{0,3}"|'[aé\\"]{0,3}'|==|!=|<=|>|=|&|&&|\|\||!|\+|-|\*|/|%|\(|\)|\[|\]|,|\.|\.\.| in | and | or | not | is | contains |null| |\n|\r\n|true|//|/\*|\*/|[\{};'`#|?é≥“”]){0,16}"#;

    proptest::proptest! {
        #[test]
        fn any_source_is_compiled_or_refused_at_a_place_inside(source in SOUP) {
            match Compiler::new(&[]).compile(&source, &ROOTS) {
                Ok(predicate) => {
                    predicate.test(&|_, field| (field != "lost").then_some(crate::model::Value::Int(7)));
                }
                Err(faults) => {
                    proptest::prop_assert!(!faults.is_empty());
                    for fault in faults {
                        let spans = [Some(&fault.span), fault.also.as_ref().map(|a| &a.0), fault.edit.as_ref().map(|e| &e.0)];
                        for span in spans.into_iter().flatten() {
                            proptest::prop_assert!(source.get(span.clone()).is_some(), "{:?} in {:?}", fault, source);
                        }
                    }
                }
            }
        }

        /// What the checker lets through fails at run time only for want of a value or for a result that is too large.
        #[test]
        fn what_is_compiled_never_compares_unlike_things(source in SOUP, code in -5..5_i64) {
            use crate::model::Value;
            let Ok(predicate) = Compiler::new(&[]).compile(&source, &ROOTS) else { return Ok(()) };
            let answer = predicate.test(&|_, field| Some(match field {
                "code" | "size" | "period" | "count" => Value::Int(code.abs()),
                "name" => Value::text("a"),
                "share" | "evidence" | "alike" => Value::Float(0.5),
                "ok" | "steady" => Value::Bool(true),
                _ => return None,
            }));
            if let Truth::Unknown(Unknown::Fault(why)) = answer {
                let known_code = source.contains("code") && why.contains("cannot compare");
                proptest::prop_assert!(why.contains("no result") || why.contains("too large") || known_code, "{}: {}", source, why);
            }
        }
    }
}
