//! The parsed expression, looked at before it may run: only what is listed here passes.

use std::collections::BTreeMap;

use rhai::{Expr, FnCallExpr, Position};

use crate::error::did_you_mean;
use crate::predicate::answer::Read;
use crate::predicate::functions::{Function, UNITS};
use crate::predicate::{Fault, Kind, Root};

/// Which functions there are.
pub(super) type Callable = BTreeMap<String, Vec<Function>>;

pub(super) struct Checker<'a> {
    pub(super) source: &'a str,
    pub(super) roots: &'a [Root<'a>],
    pub(super) functions: &'a Callable,
    pub(super) operators: &'a Callable,
    pub(super) reads: Vec<Read>,
}

impl Checker<'_> {
    /// Checks a whole predicate.
    pub(super) fn predicate(&mut self, expr: &Expr) -> Result<(), Fault> {
        let kind = self.value(expr)?;
        self.need(Kind::Bool, kind, expr, "a predicate")
    }

    // Recursion is bounded: the parser refused what is nested too deep.
    fn value(&mut self, expr: &Expr) -> Result<Kind, Fault> {
        match expr {
            Expr::BoolConstant(..) => Ok(Kind::Bool),
            Expr::IntegerConstant(..) | Expr::FloatConstant(..) => Ok(Kind::Number),
            Expr::StringConstant(..) => Ok(Kind::Text),
            Expr::And(sides, _) | Expr::Or(sides, _) => {
                let operator = if matches!(expr, Expr::And(..)) { "`&&`" } else { "`||`" };
                for side in sides.iter() {
                    let kind = self.value(side)?;
                    self.need(Kind::Bool, kind, side, operator)?;
                }
                Ok(Kind::Bool)
            }
            Expr::FnCall(call, position) => self.call(call, *position),
            Expr::Dot(..) => self.chain(expr),
            Expr::Variable(variable, _, position) => {
                let root = variable.1.as_str();
                let fault = self.fault("unknown-field", *position, format!("`{root}` alone has no value"));
                Err(fault.with_help(format!("read a field of it: `{root}.…`")))
            }
            Expr::Array(_, position) => {
                let fault = self.fault("not-allowed", *position, "a list may only stand behind `in`");
                Err(fault.with_help("write `event.code in [1, 2]`"))
            }
            Expr::Index(_, _, position) => Err(self.indexed(*position)),
            other => {
                Err(self.fault("not-allowed", other.start_position(), "this is not allowed in a predicate"))
            }
        }
    }

    fn call(&mut self, call: &FnCallExpr, position: Position) -> Result<Kind, Fault> {
        match (call.name.as_str(), call.args.as_slice()) {
            ("contains", [container @ Expr::Array(items, _), item]) => {
                let kind = self.value(item)?;
                for other in items {
                    let found = self.value(other)?;
                    self.comparable(kind, found, other, "in")?;
                }
                if items.is_empty() {
                    let position = container.start_position();
                    return Err(self.fault("never-true", position, "nothing is in an empty list"));
                }
                Ok(Kind::Bool)
            }
            ("contains", [Expr::FnCall(range, _), item]) if range.name.starts_with("..") => {
                let kind = self.value(item)?;
                self.need(Kind::Number, kind, item, "`in` with a range")?;
                for end in &range.args {
                    if matches!(end, Expr::Unit(..)) {
                        return Err(self.fault(
                            "predicate-syntax",
                            end.start_position(),
                            "a range needs both ends",
                        ));
                    }
                    let kind = self.value(end)?;
                    self.need(Kind::Number, kind, end, "a range")?;
                    if matches!(end, Expr::FloatConstant(..)) {
                        let fault = self.fault(
                            "wrong-type",
                            end.start_position(),
                            "the ends of a range are whole numbers",
                        );
                        return Err(fault.with_help("write `x >= 0.5 && x < 1.5`"));
                    }
                }
                Ok(Kind::Bool)
            }
            // `x !in …` is an operator in Rhai's eyes, and `x in …` is not.
            (name, args) if name == "contains" || !call.is_operator_call() => {
                self.function(name, None, args, position)
            }
            _ => self.operator(call, position),
        }
    }

    fn operator(&mut self, call: &FnCallExpr, position: Position) -> Result<Kind, Fault> {
        let name = call.name.as_str();
        let operators = self.operators;
        let known =
            operators.get(name).and_then(|all| all.iter().find(|known| known.arity() == call.args.len()));
        let Some(operator) = known else {
            return Err(self.fault(
                "not-allowed",
                position,
                format!("the operator `{name}` is not allowed here"),
            ));
        };
        let mut kinds = Vec::new();
        for arg in &call.args {
            let kind = self.value(arg)?;
            self.need(operator.takes(), kind, arg, &format!("`{name}`"))?;
            kinds.push(kind);
        }
        if let ([left, right], Some(arg)) = (kinds.as_slice(), call.args.last()) {
            self.comparable(*left, *right, arg, name)?;
        }
        Ok(operator.gives())
    }

    /// A function, called with the value before the dot when there is one.
    fn function(
        &mut self,
        name: &str,
        before_dot: Option<Kind>,
        args: &[Expr],
        position: Position,
    ) -> Result<Kind, Fault> {
        let functions = self.functions;
        let Some(overloads) = functions.get(name) else {
            let fault = self.fault("unknown-function", position, format!("there is no function `{name}`"));
            let meant = did_you_mean(name, functions.keys().map(String::as_str));
            return Err(match meant {
                Some(meant) => fault.with_help(format!("did you mean `{meant}`?")),
                None => {
                    fault.with_help(format!("known are: {}", listed(functions.keys().map(String::as_str))))
                }
            });
        };
        let count = args.len() + usize::from(before_dot.is_some());
        let Some(function) = overloads.iter().find(|known| known.arity() == count) else {
            let wanted = overloads.first().map_or(0, Function::arity);
            let values = if wanted == 1 { "value" } else { "values" };
            let message = format!("`{name}` takes {wanted} {values}, found {count}");
            let fault = self.fault("unknown-function", position, message);
            return Err(fault.with_help("the value before the dot is the first"));
        };
        let needs = format!("`{name}`");
        if let Some(kind) = before_dot {
            self.need_at(function.takes(), kind, position, &needs)?;
        }
        for arg in args {
            let kind = self.value(arg)?;
            self.need(function.takes(), kind, arg, &needs)?;
        }
        Ok(function.gives())
    }

    /// `event.field`, `40.min`, `event.name.len()`: a head and what follows its dots.
    fn chain(&mut self, expr: &Expr) -> Result<Kind, Fault> {
        let Expr::Dot(dot, ..) = expr else { return self.value(expr) };
        let mut rest = Some(&dot.rhs);
        let mut kind = match &dot.lhs {
            Expr::Variable(variable, _, at) => {
                let (step, further) = split(&dot.rhs);
                rest = further;
                self.read(&variable.1, *at, step)?
            }
            Expr::FloatConstant(_, position) => {
                let fault = self.fault("wrong-type", *position, "a unit of time follows a whole number");
                return Err(fault.with_help("write `90.sec` for `1.5.min`"));
            }
            head => self.value(head)?,
        };
        while let Some(at) = rest {
            let (step, further) = split(at);
            kind = match step {
                Expr::Property(property, position) => self.unit(&property.2, kind, *position)?,
                Expr::MethodCall(call, position) => {
                    self.function(&call.name, Some(kind), &call.args, *position)?
                }
                other => {
                    return Err(self.fault(
                        "not-allowed",
                        other.start_position(),
                        "this cannot follow a dot",
                    ));
                }
            };
            rest = further;
        }
        Ok(kind)
    }

    fn read(&mut self, root: &str, at: Position, step: &Expr) -> Result<Kind, Fault> {
        let Expr::Property(property, position) = step else {
            if let Expr::Index(_, _, position) = step {
                return Err(self.indexed(*position));
            }
            let fault = self.fault("unknown-field", at, format!("`{root}` alone has no value"));
            return Err(fault.with_help(format!("read a field of it: `{root}.…`")));
        };
        let field = property.2.as_str();
        let Some(place) = self.roots.iter().position(|known| known.name == root) else {
            return Err(unknown_name(self.source, root, at, self.roots, self.functions));
        };
        let fields = self.roots.get(place).and_then(|known| known.fields);
        if let Some(fields) = fields.filter(|fields| !fields.contains(&field)) {
            let fault = self.fault("unknown-field", *position, format!("`{root}` has no field `{field}`"));
            return Err(match did_you_mean(field, fields.iter().copied()) {
                Some(meant) => fault.with_help(format!("did you mean `{root}.{meant}`?")),
                None => fault.with_help(format!("known are: {}", listed(fields.iter().copied()))),
            });
        }
        self.reads.push(Read { root: root.into(), field: field.into(), position: *position });
        Ok(Kind::Any)
    }

    fn indexed(&self, position: Position) -> Fault {
        let fault = self.fault("not-allowed", position, "nothing can be indexed here");
        fault.with_help("read a field with `.`, as in `event.code`")
    }

    fn unit(&self, name: &str, kind: Kind, position: Position) -> Result<Kind, Fault> {
        if !UNITS.iter().any(|(unit, _)| *unit == name) {
            let fault = self.fault("unknown-field", position, format!("there is no unit of time `{name}`"));
            let known = UNITS.iter().map(|(unit, _)| *unit);
            return Err(match did_you_mean(name, known.clone()) {
                Some(meant) => fault.with_help(format!("did you mean `.{meant}`?")),
                None => fault.with_help(format!("known are: {}", listed(known))),
            });
        }
        self.need_at(Kind::Number, kind, position, "a unit of time")?;
        Ok(Kind::Number)
    }

    fn comparable(&self, left: Kind, right: Kind, at: &Expr, operator: &str) -> Result<(), Fault> {
        if left.fits(right) {
            return Ok(());
        }
        let message = format!("`{operator}` cannot compare {left} with {right}");
        let fault = self.fault("wrong-type", start(at), message);
        Err(match (left, right) {
            (Kind::Number, Kind::Text) => fault.with_help("write numbers without quotes"),
            _ => fault,
        })
    }

    fn need(&self, needed: Kind, found: Kind, expr: &Expr, who: &str) -> Result<(), Fault> {
        self.need_at(needed, found, start(expr), who)
    }

    fn need_at(&self, needed: Kind, found: Kind, position: Position, who: &str) -> Result<(), Fault> {
        if needed.fits(found) {
            return Ok(());
        }
        Err(self.fault("wrong-type", position, format!("{who} needs {needed}, found {found}")))
    }

    fn fault(&self, code: &'static str, position: Position, message: impl Into<String>) -> Fault {
        Fault::new(code, offset(self.source, position), message)
    }
}

/// Where an expression starts; an operator's own position is its sign.
fn start(expr: &Expr) -> Position {
    match expr {
        Expr::FnCall(call, position) => call.args.iter().map(start).fold(*position, Position::min),
        Expr::And(sides, position) | Expr::Or(sides, position) => sides.first().map_or(*position, start),
        Expr::Dot(dot, ..) => start(&dot.lhs),
        other => other.start_position(),
    }
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

/// The fault of a name that is no root.
pub(super) fn unknown_name(
    source: &str,
    name: &str,
    position: Position,
    roots: &[Root<'_>],
    functions: &Callable,
) -> Fault {
    let fault =
        Fault::new("unknown-name", offset(source, position), format!("there is nothing called `{name}`"));
    let owner = roots.iter().find(|root| root.fields.is_some_and(|fields| fields.contains(&name)));
    if let Some(root) = owner {
        return fault.with_help(format!("did you mean `{}.{name}`?", root.name));
    }
    if functions.contains_key(name) {
        return fault.with_help(format!("call the function with its values: `{name}(…)`"));
    }
    let known = roots.iter().map(|root| root.name);
    match did_you_mean(name, known.clone().chain(["true", "false"])) {
        Some(meant) => fault.with_help(format!("did you mean `{meant}`?")),
        None => fault.with_help(format!("put text in double quotes; known are: {}", listed(known))),
    }
}

/// The byte of a position, which counts lines and characters from 1.
pub(super) fn offset(source: &str, position: Position) -> usize {
    let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else {
        return source.len();
    };
    let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}
