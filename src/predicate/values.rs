//! Sets of values, for reasoning about what a comparison with a literal lets through.

use std::cmp::Ordering;

use crate::model::Value;
use crate::predicate::Kind;

/// A boundary on the line of all numbers, all texts, or false and true: just before a value, or just behind it.
#[derive(Clone, Debug)]
struct Cut {
    at: Value,
    behind: bool,
}

impl Cut {
    fn order(&self, other: &Self) -> Ordering {
        let by_value = self.at.compare(&other.at).unwrap_or(Ordering::Equal);
        by_value.then(self.behind.cmp(&other.behind))
    }
}

/// A set of values of one sort: whether it begins inside, and where it changes sides.
#[derive(Clone, Debug)]
struct Line {
    from_start: bool,
    cuts: Vec<Cut>,
}

impl Line {
    fn empty() -> Self {
        Self { from_start: false, cuts: Vec::new() }
    }

    fn full() -> Self {
        Self { from_start: true, cuts: Vec::new() }
    }

    fn one(value: &Value, whole: bool) -> Self {
        Self { from_start: false, cuts: vec![cut(value, false, whole), cut(value, true, whole)] }.tidy()
    }

    /// A boundary that is crossed twice is none.
    fn tidy(mut self) -> Self {
        let mut kept: Vec<Cut> = Vec::new();
        for cut in self.cuts {
            match kept.last() {
                Some(last) if last.order(&cut).is_eq() => drop(kept.pop()),
                _ => kept.push(cut),
            }
        }
        self.cuts = kept;
        self
    }

    fn is_empty(&self) -> bool {
        !self.from_start && self.cuts.is_empty()
    }

    fn with(&self, other: &Self, both: fn(bool, bool) -> bool) -> Self {
        let (mut a, mut b) = (self.cuts.iter().peekable(), other.cuts.iter().peekable());
        let (mut in_a, mut in_b) = (self.from_start, other.from_start);
        let mut now = both(in_a, in_b);
        let mut result = Self { from_start: now, cuts: Vec::new() };
        loop {
            let order = match (a.peek(), b.peek()) {
                (Some(x), Some(y)) => x.order(y),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return result,
            };
            let next = if order.is_le() { a.next() } else { None };
            let other = if order.is_ge() { b.next() } else { None };
            in_a ^= next.is_some();
            in_b ^= other.is_some();
            if both(in_a, in_b) != now {
                now = !now;
                result.cuts.extend(next.or(other).cloned());
            }
        }
    }
}

/// The boundary at a value; among whole numbers `> 5` and `>= 6` are one.
fn cut(value: &Value, behind: bool, whole: bool) -> Cut {
    let plain = Cut { at: value.clone(), behind };
    match value {
        Value::Int(n) if whole && behind => match n.checked_add(1) {
            Some(next) => Cut { at: Value::Int(next), behind: false },
            None => plain,
        },
        Value::Float(x) if whole => {
            let next = if behind { x.floor() + 1.0 } else { x.ceil() };
            Cut { at: Value::Float(next), behind: false }
        }
        _ => plain,
    }
}

/// A set of values of any sort.
#[derive(Clone, Debug)]
pub(super) struct Values {
    numbers: Line,
    texts: Line,
    flags: Line,
}

impl Values {
    pub(super) fn none() -> Self {
        Self { numbers: Line::empty(), texts: Line::empty(), flags: Line::empty() }
    }

    pub(super) fn all() -> Self {
        Self { numbers: Line::full(), texts: Line::full(), flags: Line::full() }
    }

    /// What something of a kind may be.
    pub(super) fn of(kind: Kind) -> Self {
        let both = |a: bool, b: bool| a || b;
        let flags = Line::one(&Value::Bool(false), false).with(&Line::one(&Value::Bool(true), false), both);
        let none = Self::none();
        match kind {
            Kind::Any => Self { flags, ..Self::all() },
            Kind::Flag => Self { flags, ..none },
            Kind::Text => Self { texts: Line::full(), ..none },
            Kind::Code => Self { flags: Line::empty(), ..Self::all() },
            Kind::Number | Kind::Integer => Self { numbers: Line::full(), ..none },
            Kind::Count | Kind::Span => Self::comparing(">=", &Value::Int(0), kind),
            Kind::Share => {
                let from = Self::comparing(">=", &Value::Int(0), kind);
                from.and(&Self::comparing("<=", &Value::Int(1), kind))
            }
        }
    }

    /// What fulfils a comparison with a literal, for something of a kind.
    pub(super) fn comparing(operator: &str, literal: &Value, kind: Kind) -> Self {
        let whole = kind.is_whole();
        let at = |behind: bool| vec![cut(literal, behind, whole)];
        let line = match operator {
            "<" => Line { from_start: true, cuts: at(false) },
            "<=" => Line { from_start: true, cuts: at(true) },
            ">" => Line { from_start: false, cuts: at(true) },
            ">=" => Line { from_start: false, cuts: at(false) },
            "!=" => Line::full().with(&Line::one(literal, whole), |_, b| !b),
            _ => Line::one(literal, whole),
        };
        let none = Self::none();
        match literal {
            Value::Int(_) | Value::Float(_) => Self { numbers: line, ..none },
            Value::Text(_) => Self { texts: line, ..none },
            Value::Bool(_) => Self { flags: line, ..none },
        }
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        self.with(other, |a, b| a && b)
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        self.with(other, |a, b| a || b)
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        self.with(other, |a, b| a && !b)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.texts.is_empty() && self.flags.is_empty()
    }

    fn with(&self, other: &Self, both: fn(bool, bool) -> bool) -> Self {
        Self {
            numbers: self.numbers.with(&other.numbers, both),
            texts: self.texts.with(&other.texts, both),
            flags: self.flags.with(&other.flags, both),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATORS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

    fn holds(operator: &str, order: Ordering) -> bool {
        match operator {
            "==" => order.is_eq(),
            "!=" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        }
    }

    proptest::proptest! {
        /// Two comparisons of one number are said to exclude each other, or to leave nothing out, exactly when they do.
        #[test]
        fn sets_agree_with_trying_all(
            a in 0..6_usize, x in -6..6_i64, b in 0..6_usize, y in -6..6_i64, whole: bool, halves: bool,
        ) {
            let literal = |n: i64| if halves { Value::Float(n as f64 / 2.0) } else { Value::Int(n) };
            let kind = if whole { Kind::Integer } else { Kind::Number };
            let set = |at: usize, n: i64| Values::comparing(OPERATORS[at], &literal(n), kind);
            let tried = (-40..40_i64).map(|n| Value::Float(n as f64 / 4.0)).filter(|value| {
                !whole || value.as_f64().is_some_and(|x| x.fract() == 0.0)
            });
            let (mut both, mut neither) = (false, false);
            for value in tried {
                let in_a = value.compare(&literal(x)).is_some_and(|order| holds(OPERATORS[a], order));
                let in_b = value.compare(&literal(y)).is_some_and(|order| holds(OPERATORS[b], order));
                both |= in_a && in_b;
                neither |= !in_a && !in_b;
            }
            proptest::prop_assert_eq!(set(a, x).and(&set(b, y)).is_empty(), !both);
            let outside = Values::of(kind).without(&set(a, x).or(&set(b, y)));
            proptest::prop_assert_eq!(outside.is_empty(), !neither);
        }
    }

    #[test]
    fn false_and_true_are_all_there_is() {
        let is = |flag: bool| Values::comparing("==", &Value::Bool(flag), Kind::Flag);
        assert!(Values::of(Kind::Flag).without(&is(true).or(&is(false))).is_empty());
        assert!(!Values::of(Kind::Any).without(&is(true).or(&is(false))).is_empty());
    }
}
