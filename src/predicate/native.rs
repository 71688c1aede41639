//! Predicates without the interpreter: the understood expression, walked directly.
//!
//! A native answer is the interpreter's, or there is none: on anything but the ordinary (unlike things compared, a result
//! that is too large, a text that is too long) the interpreter is asked, and says what it says. Functions are the same
//! code in both. The functions of plugins are left to the interpreter, which fences them in.

use std::borrow::Cow;
use std::cmp::Ordering;

use smol_str::SmolStr;

use crate::model::Value;
use crate::predicate::check::Callable;
use crate::predicate::fence;
use crate::predicate::functions::Function;
use crate::predicate::term::{Form, Term};

/// A predicate, or a part of one.
#[derive(Debug)]
enum Step {
    Constant(Value),
    /// A value that is read, by its number.
    Read(usize),
    And(Vec<Step>),
    Or(Vec<Step>),
    Not(Box<Step>),
    Compare(Box<[Step; 2]>, Relation),
    /// A question about two texts.
    Texts(Box<[Step; 2]>, fn(&str, &str) -> bool),
    Among(Box<Step>, Vec<Step>),
    Within {
        item: Box<Step>,
        low: Box<Step>,
        high: Box<Step>,
        last: bool,
    },
    Unary(Function, Box<Step>),
    Binary(Function, Box<[Step; 2]>),
}

type Relation = fn(Ordering) -> bool;

/// An expression that needs no interpreter, almost always.
#[derive(Debug)]
pub(super) struct Native {
    step: Step,
    /// A longer text is the interpreter's to look at, who counts how much it has looked at.
    longest: usize,
}

/// What is known without the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It holds, or it does not.
    Known(bool),
    /// It reaches a value that is missing: the interpreter would not know either, and say why.
    Missing,
    /// Only the interpreter can say.
    Ask,
}

/// Why a step has no value.
enum Stop {
    Missing,
    Ask,
}

type Found<'v> = Result<Cow<'v, Value>, Stop>;
/// The values that are read, by their numbers.
type Reads<'a, 'v> = &'a dyn Fn(usize) -> Option<&'v Value>;

impl Native {
    /// The same expression without the interpreter; `number` gives each value that is read its number.
    ///
    /// # Errors
    ///
    /// What keeps it with the interpreter.
    pub(super) fn lower(
        term: &Term,
        functions: &Callable,
        operators: &Callable,
        number: &dyn Fn(&SmolStr, &SmolStr) -> Option<usize>,
    ) -> Result<Self, String> {
        let mut lowering = Lowering { functions, operators, number, looks: 0 };
        let step = lowering.step(term)?;
        // No function gives a text more than twice as long as what it is given, and all literals together are shorter than
        // a source may be: so the interpreter would never find that it has looked at too much, or that a text is too long.
        let share = (fence::LOOKED_AT - fence::SOURCE) / 2 / lowering.looks.max(1);
        Ok(Self { step, longest: share.min(fence::TEXT / 2) })
    }

    /// The answer for the values that are read.
    pub(super) fn answer<'v>(&'v self, reads: Reads<'_, 'v>) -> Answer {
        match self.holds(&self.step, reads) {
            Ok(answer) => Answer::Known(answer),
            Err(Stop::Missing) => Answer::Missing,
            Err(Stop::Ask) => Answer::Ask,
        }
    }

    // Recursion is bounded: the parser refused what is nested too deep.
    fn holds<'v>(&'v self, step: &'v Step, reads: Reads<'_, 'v>) -> Result<bool, Stop> {
        match step {
            Step::And(parts) => {
                for part in parts {
                    if !self.holds(part, reads)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Step::Or(parts) => {
                for part in parts {
                    if self.holds(part, reads)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Step::Not(inner) => self.holds(inner, reads).map(|holds| !holds),
            Step::Compare(sides, holds) => {
                let [left, right] = self.two(sides, reads)?;
                left.compare(&right).map(holds).ok_or(Stop::Ask)
            }
            Step::Texts(sides, holds) => {
                let [text, part] = self.two(sides, reads)?;
                let texts = text.as_text().zip(part.as_text());
                texts.map(|(text, part)| holds(text, part)).ok_or(Stop::Ask)
            }
            Step::Among(item, items) => {
                let item = self.value(item, reads)?;
                // Every item is looked up, as by the interpreter, and none behind the first that is alike is compared.
                let mut found = false;
                for other in items {
                    let other = self.value(other, reads)?;
                    if !found {
                        found = item.compare(&other).ok_or(Stop::Ask)?.is_eq();
                    }
                }
                Ok(found)
            }
            Step::Within { item, low, high, last } => {
                let item = self.value(item, reads)?;
                let (low, high) = (self.value(low, reads)?, self.value(high, reads)?);
                let (Value::Int(_), Value::Int(_)) = (&*low, &*high) else { return Err(Stop::Ask) };
                let from_low = item.compare(&low).ok_or(Stop::Ask)?;
                let from_high = item.compare(&high).ok_or(Stop::Ask)?;
                Ok(from_low.is_ge() && (from_high.is_lt() || *last && from_high.is_eq()))
            }
            Step::Constant(_) | Step::Read(_) | Step::Unary(..) | Step::Binary(..) => {
                match &*self.value(step, reads)? {
                    Value::Bool(holds) => Ok(*holds),
                    Value::Int(_) | Value::Float(_) | Value::Text(_) => Err(Stop::Ask),
                }
            }
        }
    }

    fn value<'v>(&'v self, step: &'v Step, reads: Reads<'_, 'v>) -> Found<'v> {
        match step {
            Step::Constant(value) => Ok(Cow::Borrowed(value)),
            Step::Read(number) => match reads(*number) {
                None => Err(Stop::Missing),
                Some(value) if value.as_text().is_some_and(|text| text.len() > self.longest) => {
                    Err(Stop::Ask)
                }
                Some(value) => Ok(Cow::Borrowed(value)),
            },
            Step::Unary(function, arg) => {
                let arg = self.value(arg, reads)?.into_owned();
                function.call(&[arg]).map(Cow::Owned).map_err(|_| Stop::Ask)
            }
            Step::Binary(function, args) => {
                let args = self.two(args, reads)?.map(Cow::into_owned);
                function.call(&args).map(Cow::Owned).map_err(|_| Stop::Ask)
            }
            Step::And(_)
            | Step::Or(_)
            | Step::Not(_)
            | Step::Compare(..)
            | Step::Texts(..)
            | Step::Among(..)
            | Step::Within { .. } => self.holds(step, reads).map(|holds| Cow::Owned(Value::Bool(holds))),
        }
    }

    fn two<'v>(
        &'v self,
        [left, right]: &'v [Step; 2],
        reads: Reads<'_, 'v>,
    ) -> Result<[Cow<'v, Value>; 2], Stop> {
        Ok([self.value(left, reads)?, self.value(right, reads)?])
    }
}

struct Lowering<'a> {
    functions: &'a Callable,
    operators: &'a Callable,
    number: &'a dyn Fn(&SmolStr, &SmolStr) -> Option<usize>,
    /// How often a text may be looked at.
    looks: usize,
}

impl Lowering<'_> {
    fn step(&mut self, term: &Term) -> Result<Step, String> {
        match &term.form {
            Form::Constant(value) => Ok(Step::Constant(value.clone())),
            Form::Read { root, field } => (self.number)(root, field)
                .map(Step::Read)
                .ok_or_else(|| format!("`{root}.{field}` is not known here")),
            Form::And(parts) => self.steps(parts).map(Step::And),
            Form::Or(parts) => self.steps(parts).map(Step::Or),
            Form::Among { item, items } => {
                self.looks += 2 * items.len();
                Ok(Step::Among(Box::new(self.step(item)?), self.steps(items)?))
            }
            Form::Within { item, low, high, last } => Ok(Step::Within {
                item: Box::new(self.step(item)?),
                low: Box::new(self.step(low)?),
                high: Box::new(self.step(high)?),
                last: *last,
            }),
            Form::Call { name, args } => self.call(name, args),
            Form::Refused => Err("a part of it has no meaning".to_owned()),
        }
    }

    fn steps(&mut self, terms: &[Term]) -> Result<Vec<Step>, String> {
        terms.iter().map(|term| self.step(term)).collect()
    }

    fn call(&mut self, name: &str, args: &[Term]) -> Result<Step, String> {
        self.looks += args.len();
        let steps = self.steps(args)?;
        let known = |callable: &Callable| {
            callable.get(name)?.iter().find(|known| known.arity() == args.len()).cloned()
        };
        let function = known(self.operators).or_else(|| known(self.functions));
        let function = function.ok_or_else(|| format!("there is no function `{name}`"))?;
        if function.is_foreign() {
            return Err(format!("it calls `{name}`, a function of a plugin"));
        }
        let mut steps = steps.into_iter();
        match (steps.next(), steps.next(), steps.next()) {
            (Some(arg), None, None) if name == "!" => Ok(Step::Not(Box::new(arg))),
            (Some(arg), None, None) => Ok(Step::Unary(function, Box::new(arg))),
            (Some(left), Some(right), None) => {
                let both = Box::new([left, right]);
                Ok(match name {
                    "==" => Step::Compare(both, Ordering::is_eq),
                    "!=" => Step::Compare(both, Ordering::is_ne),
                    "<" => Step::Compare(both, Ordering::is_lt),
                    "<=" => Step::Compare(both, Ordering::is_le),
                    ">" => Step::Compare(both, Ordering::is_gt),
                    ">=" => Step::Compare(both, Ordering::is_ge),
                    "contains" => Step::Texts(both, |text, part| text.contains(part)),
                    "starts_with" => Step::Texts(both, |text, part| text.starts_with(part)),
                    "ends_with" => Step::Texts(both, |text, part| text.ends_with(part)),
                    _ => Step::Binary(function, both),
                })
            }
            _ => Err(format!("it calls `{name}` with {} values", args.len())),
        }
    }
}

#[cfg(test)]
mod tests;
