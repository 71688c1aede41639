//! The parsed expression, looked at before it may run: only what is listed here passes, and all that does not is told.

use std::collections::BTreeMap;
use std::ops::Range;

use rhai::{ASTFlags, Expr, FnCallExpr, Position};

use crate::error::did_you_mean;
use crate::model::Value;
use crate::predicate::answer::Read;
use crate::predicate::functions::{Function, UNITS};
use crate::predicate::scan::{Token, What};
use crate::predicate::slips;
use crate::predicate::term::{Form, Term};
use crate::predicate::{Fault, Kind, Root, compare};

/// Which functions there are.
pub(super) type Callable = BTreeMap<String, Vec<Function>>;

pub(super) struct Checker<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) roots: &'a [Root<'a>],
    pub(super) functions: &'a Callable,
    pub(super) operators: &'a Callable,
    pub(super) reads: Vec<Read>,
    pub(super) faults: Vec<Fault>,
}

impl Checker<'_> {
    /// Checks a whole predicate.
    pub(super) fn predicate(&mut self, expr: &Expr) -> Term {
        let term = self.value(expr);
        self.need(Kind::Flag, &term, "a predicate");
        term
    }

    // Recursion is bounded: the parser refused what is nested too deep.
    fn value(&mut self, expr: &Expr) -> Term {
        let token = |position: &Position| self.token_at(*position);
        match expr {
            Expr::BoolConstant(b, at) => Term::new(Form::Constant(Value::Bool(*b)), Kind::Flag, token(at)),
            Expr::IntegerConstant(n, at) => {
                Term::new(Form::Constant(Value::Int(*n)), Kind::Integer, self.number_at(*at))
            }
            Expr::FloatConstant(x, at) => {
                Term::new(Form::Constant(Value::Float(**x)), Kind::Number, self.number_at(*at))
            }
            Expr::StringConstant(text, at) => {
                Term::new(Form::Constant(Value::text(text.as_str())), Kind::Text, token(at))
            }
            Expr::And(sides, at) | Expr::Or(sides, at) => {
                let and = matches!(expr, Expr::And(..));
                let mut parts = Vec::new();
                for side in sides.iter() {
                    let term = self.value(side);
                    self.need(Kind::Flag, &term, if and { "`&&`" } else { "`||`" });
                    match (and, term) {
                        (true, Term { form: Form::And(inner), .. })
                        | (false, Term { form: Form::Or(inner), .. }) => parts.extend(inner),
                        (_, term) => parts.push(term),
                    }
                }
                let span = around(&parts).unwrap_or_else(|| self.token_at(*at));
                Term::new(if and { Form::And(parts) } else { Form::Or(parts) }, Kind::Flag, span)
            }
            Expr::FnCall(call, at) => self.call(call, *at),
            Expr::Dot(..) => self.chain(expr),
            Expr::Variable(variable, _, at) => self.alone(&variable.1, *at),
            Expr::Array(items, at) => {
                let span = self.bracket(*at);
                for item in items {
                    self.value(item);
                }
                let fault = Fault::new("not-allowed", span, "a list may only stand behind `in`");
                self.refuse(fault.with_help("write `event.code in [1, 2]`"))
            }
            Expr::Index(dot, _, at) => {
                self.value(&dot.lhs);
                self.indexed(*at)
            }
            Expr::Unit(at) => {
                let fault = slips::missing(self.bracket(*at), "()");
                self.refuse(fault)
            }
            other => {
                let span = self.token_at(other.start_position());
                self.refuse(Fault::new("not-allowed", span, "this is not allowed in a predicate"))
            }
        }
    }

    fn call(&mut self, call: &FnCallExpr, at: Position) -> Term {
        let sign = self.token_at(at);
        match (call.name.as_str(), call.args.as_slice()) {
            ("contains", [Expr::Array(items, bracket), item]) => {
                let item = self.value(item);
                let items: Vec<Term> = items.iter().map(|other| self.value(other)).collect();
                for other in &items {
                    self.comparable(&item, other, "in", &sign);
                }
                let list = self.bracket(*bracket);
                if items.is_empty() {
                    return self.refuse(Fault::new("never-true", list, "nothing is in an empty list"));
                }
                let span = item.span.start..list.end.max(item.span.end);
                Term::new(Form::Among { item: Box::new(item), items }, Kind::Flag, span)
            }
            ("contains", [Expr::FnCall(range, dots), item]) if range.name.starts_with("..") => {
                let item = self.value(item);
                self.need(Kind::Number, &item, "`in` with a range");
                let mut ends = Vec::new();
                for end in &range.args {
                    if matches!(end, Expr::Unit(..)) {
                        let place = self.token_at(*dots);
                        return self.refuse(Fault::new("predicate-syntax", place, "a range needs both ends"));
                    }
                    let term = self.value(end);
                    self.need(Kind::Number, &term, "a range");
                    if matches!(term.form, Form::Constant(Value::Float(_))) {
                        let place = term.span.clone();
                        let fault = Fault::new("wrong-type", place, "the ends of a range are whole numbers");
                        self.faults.push(fault.with_help("write `x >= 0.5 && x < 1.5`"));
                    }
                    self.bare(&item, &term);
                    ends.push(Box::new(term));
                }
                let Ok([low, high]) = <[Box<Term>; 2]>::try_from(ends) else { return Term::refused(sign) };
                let span = item.span.start..high.span.end.max(item.span.end);
                let last = range.name.as_str() == "..=";
                Term::new(Form::Within { item: Box::new(item), low, high, last }, Kind::Flag, span)
            }
            // `x !in …` is an operator in Rhai's eyes, and `x in …` is not.
            ("contains", [text, part]) if self.source.get(sign.clone()) == Some("in") => {
                let args = vec![self.value(text), self.value(part)];
                self.apply("contains", args, sign)
            }
            (name, args) if name == "contains" || !call.is_operator_call() => {
                let terms = args.iter().map(|arg| self.value(arg)).collect();
                self.apply(name, terms, sign)
            }
            _ => self.operator(call, sign),
        }
    }

    fn operator(&mut self, call: &FnCallExpr, sign: Range<usize>) -> Term {
        let name = call.name.as_str();
        let operators = self.operators;
        let args: Vec<Term> = call.args.iter().map(|arg| self.value(arg)).collect();
        let known = operators.get(name).and_then(|all| all.iter().find(|known| known.arity() == args.len()));
        let Some(operator) = known else {
            let message = format!("the operator `{name}` is not allowed here");
            return self.refuse(Fault::new("not-allowed", sign, message));
        };
        for arg in &args {
            self.need(operator.takes(), arg, &format!("`{name}`"));
        }
        if operator.takes() == Kind::Any
            && let [left, right] = args.as_slice()
        {
            self.comparable(left, right, name, &sign);
        }
        let behind = if args.len() == 1 { self.called(&sign).end } else { sign.end };
        let span =
            around(&args).map_or(sign.clone(), |span| span.start.min(sign.start)..span.end.max(behind));
        self.computed(operator, args, span)
    }

    /// A function, called with all its values; the one before the dot is the first.
    fn apply(&mut self, name: &str, args: Vec<Term>, at: Range<usize>) -> Term {
        let functions = self.functions;
        let Some(overloads) = functions.get(name) else {
            let fault = Fault::new("unknown-function", at, format!("there is no function `{name}`"));
            let fault = suggested(fault, name, functions.keys().map(String::as_str), "", "");
            return self.refuse(fault);
        };
        let Some(function) = overloads.iter().find(|known| known.arity() == args.len()) else {
            let wanted = overloads.first().map_or(0, Function::arity);
            let values = if wanted == 1 { "value" } else { "values" };
            let message = format!("`{name}` takes {wanted} {values}, found {}", args.len());
            let fault = Fault::new("unknown-function", at, message);
            let signature = overloads.first().and_then(Function::doc).map(|doc| doc.signature);
            return self.refuse(match signature {
                Some(signature) => fault.with_help(format!("write `{signature}`")),
                None => fault.with_help("the value before the dot is the first"),
            });
        };
        for arg in &args {
            self.need(function.takes(), arg, &format!("`{name}`"));
        }
        let span = self.called(&at);
        let start = args.first().map_or(span.start, |arg| arg.span.start.min(span.start));
        let end = args.iter().map(|arg| arg.span.end).fold(span.end, usize::max);
        self.computed(function, args, start..end)
    }

    /// The answer of a function; what depends on nothing is computed at once.
    fn computed(&mut self, function: &Function, args: Vec<Term>, span: Range<usize>) -> Term {
        let kind = compare::result(function, &args);
        let values: Option<Vec<Value>> = args.iter().map(|arg| arg.constant().cloned()).collect();
        let refused = args.iter().any(|arg| !function.takes().meets(arg.kind));
        if let Some(values) = values.filter(|_| !function.is_foreign() && !refused) {
            match function.call(&values) {
                Ok(value) => return Term::new(Form::Constant(value), kind, span),
                Err(why) if why.starts_with("`") && function.takes() == Kind::Any => {}
                Err(why) => {
                    let text = self.source.get(span.clone()).unwrap_or_default();
                    let why = if why.starts_with('`') { why } else { format!("`{text}` {why}") };
                    return self.refuse(Fault::new("no-result", span, why));
                }
            }
        }
        Term::new(Form::Call { name: function.name().to_owned(), args }, kind, span)
    }

    /// `event.field`, `40.min`, `event.name.len()`: a head and what follows its dots.
    fn chain(&mut self, expr: &Expr) -> Term {
        let Expr::Dot(dot, flags, at) = expr else { return self.value(expr) };
        if flags.intersects(ASTFlags::NEGATED) {
            let place = self.token_at(*at);
            return self.refuse(Fault::new("not-allowed", place, "`?.` is not allowed here"));
        }
        let mut rest = Some(&dot.rhs);
        let mut term = match &dot.lhs {
            Expr::Variable(variable, _, at) => {
                let (step, further) = split(&dot.rhs);
                rest = further;
                self.read(&variable.1, *at, step)
            }
            head => self.value(head),
        };
        while let Some(at) = rest {
            let (step, further) = split(at);
            term = match step {
                Expr::Property(property, at) => self.unit(&property.2, term, *at),
                Expr::MethodCall(call, at) => {
                    let name = self.token_at(*at);
                    let args = call.args.iter().map(|arg| self.value(arg));
                    let args = std::iter::once(term).chain(args).collect();
                    self.apply(&call.name, args, name)
                }
                Expr::Index(_, _, at) => self.indexed(*at),
                other => {
                    let place = self.token_at(other.start_position());
                    self.refuse(Fault::new("not-allowed", place, "this cannot follow a dot"))
                }
            };
            rest = further;
        }
        term
    }

    fn read(&mut self, root: &str, at: Position, step: &Expr) -> Term {
        let head = self.token_at(at);
        let Expr::Property(property, position) = step else {
            return match step {
                Expr::Index(_, _, position) => self.indexed(*position),
                _ => self.alone(root, at),
            };
        };
        let field = property.2.as_str();
        let place = self.token_at(*position);
        let span = head.start..place.end;
        let Some(known) = self.roots.iter().find(|known| known.name == root) else {
            let fault = unknown_name(root, head, self.roots, self.functions);
            return self.refuse_at(fault, span);
        };
        let kind = match known.fields {
            None => Kind::Any,
            Some(fields) => match fields.iter().find(|(word, _)| *word == field) {
                Some((_, kind)) => *kind,
                None => {
                    let message = format!("`{root}` has no field `{field}`");
                    let fault = Fault::new("unknown-field", place, message);
                    let fault = suggested(fault, field, known.words(), &format!("{root}."), "");
                    return self.refuse_at(fault, span);
                }
            },
        };
        self.reads.push(Read { root: root.into(), field: field.into(), position: *position });
        Term::new(Form::Read { root: root.into(), field: field.into() }, kind, span)
    }

    /// A name without a field.
    fn alone(&mut self, name: &str, at: Position) -> Term {
        let place = self.token_at(at);
        if !self.roots.iter().any(|root| root.name == name) {
            let fault = unknown_name(name, place, self.roots, self.functions);
            return self.refuse(fault);
        }
        let fault = Fault::new("unknown-field", place, format!("`{name}` alone has no value"));
        self.refuse(fault.with_help(format!("read a field of it: `{name}.…`")))
    }

    fn indexed(&mut self, at: Position) -> Term {
        let fault = Fault::new("not-allowed", self.bracket(at), "nothing can be indexed here");
        self.refuse(fault.with_help("read a field with `.`, as in `event.code`"))
    }

    fn unit(&mut self, name: &str, term: Term, at: Position) -> Term {
        let place = self.token_at(at);
        let span = term.span.start..place.end;
        let number = self.source.get(term.span.clone()).unwrap_or_default();
        let meant = slips::span_of_time(number, name);
        if self.functions.contains_key(name) && !UNITS.iter().any(|(unit, _)| *unit == name) {
            let fault = Fault::new("unknown-field", place.clone(), format!("`{name}` is a function"));
            let fault = fault.with_help(format!("write `.{name}()`")).with_edit(place, format!("{name}()"));
            return self.refuse_at(fault, span);
        }
        if !UNITS.iter().any(|(unit, _)| *unit == name) {
            let fault = Fault::new("unknown-field", place, format!("there is no unit of time `{name}`"));
            let fault = match (meant, slips::unit_meant(name), &term.form) {
                (Some(meant), ..) => {
                    fault.with_help(format!("write `{meant}`")).with_edit(span.clone(), meant)
                }
                (None, Some(unit), _) => fault.with_help(format!("did you mean `.{unit}`?")),
                (None, None, Form::Read { .. }) => Fault {
                    message: format!("`{number}` has no field `{name}`"),
                    ..fault.with_help("behind a field stand functions and units of time")
                },
                (None, None, _) => suggested(fault, name, UNITS.iter().map(|(unit, _)| *unit), ".", ""),
            };
            return self.refuse_at(fault, span);
        }
        if matches!(term.form, Form::Constant(Value::Float(_))) {
            let fault = Fault::new("wrong-type", term.span.clone(), "a unit of time follows a whole number");
            let fault = match meant {
                Some(meant) => fault.with_help(format!("write `{meant}`")).with_edit(span.clone(), meant),
                None => fault.with_help("write `90.sec` for `1.5.min`"),
            };
            return self.refuse_at(fault, span);
        }
        self.need(Kind::Number, &term, "a unit of time");
        let getter = format!("get${name}");
        match self.operators.get(&getter).and_then(|all| all.first()) {
            Some(function) => self.computed(function, vec![term], span),
            None => Term::refused(span),
        }
    }

    fn comparable(&mut self, left: &Term, right: &Term, operator: &str, sign: &Range<usize>) {
        self.faults.extend(compare::fault(self.source, left, right, operator, sign));
    }

    fn bare(&mut self, left: &Term, right: &Term) {
        self.faults.extend(compare::without_unit(self.source, left, right));
    }

    fn need(&mut self, needed: Kind, term: &Term, who: &str) {
        if !needed.meets(term.kind) {
            let message = format!("{who} needs {needed}, found {}", term.kind);
            self.faults.push(Fault::new("wrong-type", term.span.clone(), message));
        }
    }

    fn refuse(&mut self, fault: Fault) -> Term {
        let span = fault.span.clone();
        self.refuse_at(fault, span)
    }

    /// Refuses a term that is larger than the place of its fault.
    fn refuse_at(&mut self, fault: Fault, span: Range<usize>) -> Term {
        self.faults.push(fault);
        Term::refused(span)
    }

    /// The bytes of the token at a position; no bytes at all when there is none.
    fn token_at(&self, at: Position) -> Range<usize> {
        token_at(self.source, self.tokens, at)
    }

    /// The bytes of a number, with the sign that stands before it.
    fn number_at(&self, at: Position) -> Range<usize> {
        let span = self.token_at(at);
        let next = self.tokens.iter().find(|token| token.span.start >= span.end);
        match next.filter(|next| self.source.get(span.clone()) == Some("-") && next.what == What::Number) {
            Some(number) => span.start..number.span.end,
            None => span,
        }
    }

    /// From the bracket at a position to the one that closes it.
    fn bracket(&self, at: Position) -> Range<usize> {
        let open = self.token_at(at);
        self.closed(open.start).map_or(open.clone(), |end| open.start..end)
    }

    /// The name of a function with the brackets behind it.
    fn called(&self, name: &Range<usize>) -> Range<usize> {
        let next = self.tokens.iter().find(|token| token.span.start >= name.end);
        let open = next.filter(|next| self.source.get(next.span.clone()) == Some("("));
        let end = open.and_then(|open| self.closed(open.span.start));
        name.start..end.unwrap_or(name.end)
    }

    /// Behind the bracket that closes the one at a byte.
    fn closed(&self, from: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for token in self.tokens.iter().filter(|token| token.span.start >= from) {
            match self.source.get(token.span.clone()) {
                Some("(" | "[") => depth += 1,
                Some(")" | "]") => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return Some(token.span.end);
            }
        }
        None
    }
}

/// From the first byte of some terms to their last.
fn around(terms: &[Term]) -> Option<Range<usize>> {
    let start = terms.iter().map(|term| term.span.start).min()?;
    Some(start..terms.iter().map(|term| term.span.end).max()?)
}

/// A link of a chain and what follows it.
fn split(link: &Expr) -> (&Expr, Option<&Expr>) {
    match link {
        Expr::Dot(dot, ..) => (&dot.lhs, Some(&dot.rhs)),
        other => (other, None),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.take(12).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Adds what was meant, and the change when only one name can be; else what is known.
fn suggested<'a>(
    fault: Fault,
    word: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    before: &str,
    after: &str,
) -> Fault {
    let Some(meant) = did_you_mean(word, known.clone()) else {
        return match listed(known) {
            none if none.is_empty() => fault,
            all => fault.with_help(format!("known are: {all}")),
        };
    };
    let span = fault.span.clone();
    let fault = fault.with_help(format!("did you mean `{before}{meant}{after}`?"));
    match did_you_mean(word, known.filter(|name| **name != *meant)) {
        None => fault.with_edit(span, meant),
        Some(_) => fault,
    }
}

/// The fault of a name that is no root.
pub(super) fn unknown_name(
    name: &str,
    place: Range<usize>,
    roots: &[Root<'_>],
    functions: &Callable,
) -> Fault {
    let fault = Fault::new("unknown-name", place.clone(), format!("there is nothing called `{name}`"));
    if let Some(root) = roots.iter().find(|root| root.words().any(|word| word == name)) {
        let meant = format!("{}.{name}", root.name);
        return fault.with_help(format!("did you mean `{meant}`?")).with_edit(place, meant);
    }
    if functions.contains_key(name) {
        return fault.with_help(format!("call the function with its values: `{name}(…)`"));
    }
    let known = roots.iter().map(|root| root.name);
    match did_you_mean(name, known.clone().chain(["true", "false"])) {
        Some(_) => suggested(fault, name, known.chain(["true", "false"]), "", ""),
        None => fault.with_help(format!("put text in double quotes; known are: {}", listed(known))),
    }
}

/// The bytes of the token at a position.
pub(super) fn token_at(source: &str, tokens: &[Token], at: Position) -> Range<usize> {
    let offset = offset(source, at);
    match tokens.iter().find(|token| token.span.contains(&offset)) {
        Some(token) => token.span.clone(),
        None => {
            // What is not there stands behind the last thing that is.
            let last = tokens.iter().rfind(|token| token.span.end <= offset);
            let end = last.map_or(0, |token| token.span.end);
            end..end
        }
    }
}

/// The byte of a position, which counts lines and characters from 1.
fn offset(source: &str, position: Position) -> usize {
    let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else {
        return source.len();
    };
    let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}
