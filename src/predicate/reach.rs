//! Whether a predicate can hold at all, when something is known of the values that it reads.

use std::collections::BTreeMap;

use rhai::{Expr, FnCallExpr, Stmt};
use smol_str::SmolStr;

use crate::model::Value;
use crate::predicate::Predicate;
use crate::predicate::domain::{Domain, Relation};
use crate::predicate::functions::UNITS;

impl Predicate {
    /// Whether it can hold when each value (by root and field) is one of these; `false` is certain, `true` is not.
    ///
    /// It follows `&&`, `||`, `!`, comparisons with constants and `in`; of all else it only knows that what is read must
    /// be there.
    pub fn can_hold(&self, given: &dyn Fn(&str, &str) -> Domain) -> bool {
        match self.0.ast.statements() {
            [Stmt::Expr(expr)] => Known { given, narrowed: BTreeMap::new() }.assume(expr, true).is_some(),
            _ => true,
        }
    }
}

/// What is known of the values under the assumptions made so far.
#[derive(Clone)]
struct Known<'a> {
    given: &'a dyn Fn(&str, &str) -> Domain,
    narrowed: BTreeMap<(SmolStr, SmolStr), Domain>,
}

impl Known<'_> {
    /// What is known when an expression is moreover true (or false); `None` when it cannot be.
    // Recursion is bounded: the parser refused what is nested too deep.
    fn assume(mut self, expr: &Expr, truth: bool) -> Option<Self> {
        match expr {
            Expr::BoolConstant(constant, _) => (*constant == truth).then_some(self),
            Expr::And(sides, _) => self.all(sides, truth, true),
            // `a || b` is false when both are, as `a && b` is true when both are.
            Expr::Or(sides, _) => self.all(sides, truth, false),
            Expr::FnCall(call, _) => self.call(call, truth),
            _ => match read(expr) {
                Some((root, field)) => {
                    self.narrow(root, field, |known| known.related(Relation::Equal, &Value::Bool(truth)))
                }
                None => self.evaluated(expr),
            },
        }
    }

    /// Sides of which all are `of` when the whole is `of`, and else one is not; evaluation stops at that one.
    fn all(self, sides: &[Expr], truth: bool, of: bool) -> Option<Self> {
        if truth == of {
            return sides.iter().try_fold(self, |known, side| known.assume(side, of));
        }
        let mut possible = Vec::new();
        let mut before = Some(self.clone());
        for side in sides {
            let Some(known) = before else { break };
            possible.extend(known.clone().assume(side, !of));
            before = known.assume(side, of);
        }
        match possible.len() {
            0 | 1 => possible.pop(),
            // More than one way: nothing beyond what was known before.
            _ => Some(self),
        }
    }

    fn call(mut self, call: &FnCallExpr, truth: bool) -> Option<Self> {
        match (call.name.as_str(), call.args.as_slice()) {
            ("!", [inner]) => self.assume(inner, !truth),
            ("contains", [Expr::Array(items, _), item]) => match (read(item), constants(items)) {
                (Some((root, field)), Some(items)) => self.narrow(root, field, |known| {
                    if truth {
                        let each = items.iter().map(|item| known.related(Relation::Equal, item));
                        each.fold(Domain::nothing(), |all, one| all.or(&one))
                    } else {
                        items.iter().fold(known, |left, item| left.related(Relation::Unequal, item))
                    }
                }),
                _ => self.evaluated(item),
            },
            ("contains", [Expr::FnCall(range, _), item]) if range.name.starts_with("..") => {
                let ends = constants(&range.args);
                match (read(item), ends.as_deref()) {
                    (Some((root, field)), Some([low, high])) => {
                        let within = if range.name == ".." { Relation::Below } else { Relation::UpTo };
                        self.narrow(root, field, |known| {
                            if truth {
                                known.related(Relation::From, low).related(within, high)
                            } else {
                                known.related(Relation::Below, low).or(&known.related(within.negated(), high))
                            }
                        })
                    }
                    _ => self.evaluated(item),
                }
            }
            (operator, [left, right]) => {
                let relation = Relation::of(operator);
                let relation = relation.map(|relation| if truth { relation } else { relation.negated() });
                match (relation, read(left), constant(right), constant(left), read(right)) {
                    (Some(relation), Some((root, field)), Some(to), ..) => {
                        self.narrow(root, field, |known| known.related(relation, &to))
                    }
                    (Some(relation), _, _, Some(to), Some((root, field))) => {
                        self.narrow(root, field, |known| known.related(relation.turned(), &to))
                    }
                    _ => self.evaluated(left)?.evaluated(right),
                }
            }
            (_, args) => args.iter().try_fold(self, Self::evaluated),
        }
    }

    /// What is known once an expression has a value, whichever: what it reads on every way is there.
    fn evaluated(mut self, expr: &Expr) -> Option<Self> {
        match expr {
            Expr::And(sides, _) | Expr::Or(sides, _) => match sides.first() {
                Some(first) => self.evaluated(first),
                None => Some(self),
            },
            Expr::FnCall(call, _) | Expr::MethodCall(call, _) => {
                call.args.iter().try_fold(self, Self::evaluated)
            }
            Expr::Array(items, _) => items.iter().try_fold(self, Self::evaluated),
            Expr::Dot(dot, ..) => match (read(expr), head(expr)) {
                (Some((root, field)), _) | (None, Some((root, field))) => {
                    self.narrow(root, field, |known| known.there())
                }
                (None, None) => self.evaluated(&dot.lhs)?.evaluated(&dot.rhs),
            },
            _ => Some(self),
        }
    }

    fn narrow(&mut self, root: &str, field: &str, by: impl FnOnce(Domain) -> Domain) -> Option<Self> {
        let key = (SmolStr::new(root), SmolStr::new(field));
        let known = self.narrowed.remove(&key).unwrap_or_else(|| (self.given)(root, field));
        let narrowed = by(known);
        let possible = !narrowed.is_empty();
        self.narrowed.insert(key, narrowed);
        possible.then(|| self.clone())
    }
}

/// `root.field` and nothing behind it.
fn read(expr: &Expr) -> Option<(&str, &str)> {
    let Expr::Dot(dot, ..) = expr else { return None };
    match (&dot.lhs, &dot.rhs) {
        (Expr::Variable(variable, ..), Expr::Property(property, _)) => {
            Some((variable.1.as_str(), property.2.as_str()))
        }
        _ => None,
    }
}

/// `root.field` with more behind it.
fn head(expr: &Expr) -> Option<(&str, &str)> {
    let Expr::Dot(dot, ..) = expr else { return None };
    match (&dot.lhs, &dot.rhs) {
        (Expr::Variable(variable, ..), Expr::Dot(rest, ..)) => match &rest.lhs {
            Expr::Property(property, _) => Some((variable.1.as_str(), property.2.as_str())),
            _ => None,
        },
        _ => None,
    }
}

fn constants(items: &[Expr]) -> Option<Vec<Value>> {
    items.iter().map(constant).collect()
}

/// A literal, a span of time, or the negative of one.
fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::BoolConstant(truth, _) => Some(Value::Bool(*truth)),
        Expr::IntegerConstant(n, _) => Some(Value::Int(*n)),
        Expr::FloatConstant(x, _) => Some(Value::Float(**x)),
        Expr::StringConstant(text, _) => Some(Value::text(text.as_str())),
        Expr::FnCall(call, _) if call.name == "-" => match call.args.as_slice() {
            [inner] => match constant(inner)? {
                Value::Int(n) => n.checked_neg().map(Value::Int),
                Value::Float(x) => Some(Value::Float(-x)),
                Value::Bool(_) | Value::Text(_) => None,
            },
            _ => None,
        },
        Expr::Dot(dot, ..) => match (&dot.lhs, &dot.rhs) {
            (Expr::IntegerConstant(n, _), Expr::Property(unit, _)) => {
                let (_, nanos) = UNITS.iter().find(|(word, _)| *word == unit.2.as_str())?;
                n.checked_mul(*nanos).map(Value::Int)
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predicate::{Compiler, Root};

    /// With `event.code` between 5 and 9, `event.name` missing, `event.ok` true, `event.word` one of two.
    fn can_hold(source: &str) -> bool {
        let roots = [Root { name: "event", fields: None }];
        let predicate = match Compiler::new(&[]).compile(source, &roots) {
            Ok(predicate) => predicate,
            // By its own form alone.
            Err(faults) if faults.iter().all(|fault| fault.code == "never-true") => return false,
            Err(faults) => panic!("{source}: {faults:?}"),
        };
        predicate.can_hold(&|_, field| match field {
            "code" => Domain::between(5.0, 9.0),
            "name" => Domain::missing(),
            "ok" => Domain::equal(&Value::Bool(true)),
            "word" => ["drop", "back"]
                .iter()
                .fold(Domain::nothing(), |all, word| all.or(&Domain::equal(&Value::text(word)))),
            _ => Domain::anything(),
        })
    }

    #[test]
    fn what_can_never_hold_is_found() {
        for source in [
            "event.code == 4",
            "4 >= event.code",
            "event.code in [1, 2, 10]",
            "event.code in 1..5",
            "event.code > 7 && event.code < 6",
            "event.code == 6 && event.word == \"stop\"",
            "event.code < 5 || event.code > 9",
            "!(event.code >= 5)",
            "!event.ok",
            "event.ok == false",
            "event.name == \"x\"",
            "event.name.len() > 3",
            "event.name == \"x\" || event.code == 6",
            "event.code == \"6\"",
            "event.word != \"drop\" && event.word != \"back\"",
            "event.code > 1.hours",
            "event.code == -6",
            "!(event.code in [1, 2] || event.code <= 9)",
            "abs(event.name) == 3",
        ] {
            assert!(!can_hold(source), "{source}");
        }
    }

    #[test]
    fn what_may_hold_is_left_alone() {
        for source in [
            "event.code == 5",
            "event.code in [1, 9]",
            "event.code in 1..=5",
            "event.code >= 9 && event.code <= 9",
            "event.code == 6 || event.name == \"x\"",
            "!(event.code == 4)",
            "event.ok",
            "event.word == \"drop\" || event.word == \"back\"",
            "event.code * 2 > 100",
            "event.other == 1 && event.word.starts_with(\"x\")",
            "event.code > 7 || event.code < 6",
            "!(event.code > 7 && event.ok)",
        ] {
            assert!(can_hold(source), "{source}");
        }
    }

    proptest::proptest! {
        /// Whenever a predicate is true for some value, it can hold for a set with that value in it.
        #[test]
        fn what_holds_can_hold(
            code in 0i64..6, missing in proptest::bool::ANY,
            source in r"((!\(event\.code (==|<) [0-5]\)|event\.code (==|!=|<|<=|>|>=) [0-5]|event\.code in \[[0-5], [0-5]\]|event\.code in [0-2]\.\.=?[3-5])( && | \|\| )){0,3}event\.code (==|!=|<|>) [0-5]",
        ) {
            use crate::predicate::Truth;
            let roots = [Root { name: "event", fields: None }];
            if let Ok(predicate) = Compiler::new(&[]).compile(&source, &roots) {
                let value = (!missing).then_some(Value::Int(code));
                let given = value.as_ref().map_or_else(Domain::missing, Domain::equal);
                if predicate.test(&|_, _| value.clone()) == Truth::True {
                    proptest::prop_assert!(predicate.can_hold(&|_, _| given.clone()), "{}", source);
                } else {
                    // Of one variable with one value everything is known.
                    proptest::prop_assert!(!predicate.can_hold(&|_, _| given.clone()), "{}", source);
                }
            }
        }
    }
}
