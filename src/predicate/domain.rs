//! What a value may be before it is there, so that what can never hold is found while rules load.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::model::Value;

/// A set of values that is never too small: a value outside it is certainly impossible.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    missing: bool,
    /// Whether `false` and `true` are in it.
    truths: [bool; 2],
    /// Stretches that may overlap.
    numbers: Vec<Stretch>,
    texts: Texts,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    low: f64,
    high: f64,
    /// Whether the ends themselves are left out.
    open: [bool; 2],
}

#[derive(Clone, Debug, PartialEq)]
enum Texts {
    Any,
    These(BTreeSet<SmolStr>),
}

/// How a value stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Unequal,
    Below,
    UpTo,
    Above,
    From,
}

impl Stretch {
    const ALL: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY, open: [false; 2] };

    fn and(self, other: Self) -> Option<Self> {
        let low = match self.low.total_cmp(&other.low) {
            std::cmp::Ordering::Less => (other.low, other.open[0]),
            std::cmp::Ordering::Greater => (self.low, self.open[0]),
            std::cmp::Ordering::Equal => (self.low, self.open[0] || other.open[0]),
        };
        let high = match self.high.total_cmp(&other.high) {
            std::cmp::Ordering::Less => (self.high, self.open[1]),
            std::cmp::Ordering::Greater => (other.high, other.open[1]),
            std::cmp::Ordering::Equal => (self.high, self.open[1] || other.open[1]),
        };
        let stretch = Self { low: low.0, high: high.0, open: [low.1, high.1] };
        let empty = stretch.low > stretch.high || stretch.low == stretch.high && (low.1 || high.1);
        (!empty).then_some(stretch)
    }
}

impl Domain {
    /// No value at all, not even a missing one.
    pub fn nothing() -> Self {
        Self { missing: false, truths: [false; 2], numbers: Vec::new(), texts: Texts::These(BTreeSet::new()) }
    }

    /// Anything, or missing.
    pub fn anything() -> Self {
        Self { missing: true, ..Self::present() }
    }

    /// Anything that is there.
    pub fn present() -> Self {
        Self { missing: false, truths: [true; 2], numbers: vec![Stretch::ALL], texts: Texts::Any }
    }

    /// Missing.
    pub fn missing() -> Self {
        Self { missing: true, ..Self::nothing() }
    }

    /// `true` or `false`.
    pub fn truth() -> Self {
        Self { truths: [true; 2], ..Self::nothing() }
    }

    /// Any number.
    pub fn number() -> Self {
        Self { numbers: vec![Stretch::ALL], ..Self::nothing() }
    }

    /// A number between these, both included.
    pub fn between(low: f64, high: f64) -> Self {
        Self { numbers: vec![Stretch { low, high, open: [false; 2] }], ..Self::nothing() }
    }

    /// A number that is at least this.
    pub fn at_least(low: f64) -> Self {
        Self::between(low, f64::INFINITY)
    }

    /// Any text.
    pub fn text() -> Self {
        Self { texts: Texts::Any, ..Self::nothing() }
    }

    /// Exactly this value.
    pub fn equal(value: &Value) -> Self {
        match value {
            Value::Bool(truth) => Self { truths: [!truth, *truth], ..Self::nothing() },
            Value::Text(text) => Self { texts: Texts::These([text.clone()].into()), ..Self::nothing() },
            Value::Int(_) | Value::Float(_) => {
                // A whole number that no `f64` is stands for its neighbours too.
                let x = value.as_f64().unwrap_or_default();
                let exact = x.abs() < 9_007_199_254_740_992.0;
                let (low, high) = if exact { (x, x) } else { (x.next_down(), x.next_up()) };
                Self::between(low, high)
            }
        }
    }

    /// Whether nothing is possible.
    pub fn is_empty(&self) -> bool {
        let no_text = matches!(&self.texts, Texts::These(texts) if texts.is_empty());
        !self.missing && self.truths == [false; 2] && self.numbers.is_empty() && no_text
    }

    /// What lies in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let texts = match (&self.texts, &other.texts) {
            (Texts::Any, texts) | (texts, Texts::Any) => texts.clone(),
            (Texts::These(a), Texts::These(b)) => Texts::These(a.intersection(b).cloned().collect()),
        };
        let pairs = self.numbers.iter().flat_map(|a| other.numbers.iter().map(|b| (*a, *b)));
        Self {
            missing: self.missing && other.missing,
            truths: [self.truths[0] && other.truths[0], self.truths[1] && other.truths[1]],
            numbers: pairs.filter_map(|(a, b)| a.and(b)).collect(),
            texts,
        }
    }

    /// What lies in one of the two.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let texts = match (&self.texts, &other.texts) {
            (Texts::These(a), Texts::These(b)) => Texts::These(a.union(b).cloned().collect()),
            (Texts::Any, _) | (_, Texts::Any) => Texts::Any,
        };
        Self {
            missing: self.missing || other.missing,
            truths: [self.truths[0] || other.truths[0], self.truths[1] || other.truths[1]],
            numbers: self.numbers.iter().chain(&other.numbers).copied().collect(),
            texts,
        }
    }

    /// The same, and there.
    #[must_use]
    pub fn there(&self) -> Self {
        Self { missing: false, ..self.clone() }
    }

    /// The same with only those of its texts that pass, where it is known which they are.
    #[must_use]
    pub fn with_texts(&self, passes: impl Fn(&str) -> bool) -> Self {
        let mut kept = self.clone();
        if let Texts::These(texts) = &mut kept.texts {
            texts.retain(|text| passes(text));
        }
        kept
    }

    /// The values for which it is true that they stand so to another: there, and of its kind.
    pub(super) fn related(&self, relation: Relation, to: &Value) -> Self {
        let stretch = |low: f64, high: f64, open: [bool; 2]| Self {
            numbers: vec![Stretch { low, high, open }],
            ..Self::nothing()
        };
        let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
        let allowed = match (to, to.as_f64()) {
            (Value::Int(_) | Value::Float(_), Some(x)) if x.abs() < 9_007_199_254_740_992.0 => match relation
            {
                Relation::Equal => Self::equal(to),
                Relation::Unequal => stretch(least, x, [false, true]).or(&stretch(x, most, [true, false])),
                Relation::Below => stretch(least, x, [false, true]),
                Relation::UpTo => stretch(least, x, [false; 2]),
                Relation::Above => stretch(x, most, [true, false]),
                Relation::From => stretch(x, most, [false; 2]),
            },
            (Value::Int(_) | Value::Float(_), _) => Self::number(),
            (Value::Text(_), _) if relation == Relation::Equal => Self::equal(to),
            (Value::Text(to), _) => {
                return self.and(&Self::text()).with_texts(|text| relation.holds(text.cmp(to.as_str())));
            }
            (Value::Bool(to), _) => {
                let truths = [false, true].map(|truth| relation.holds(truth.cmp(to)));
                Self { truths, ..Self::nothing() }
            }
        };
        self.and(&allowed)
    }
}

impl Relation {
    pub(super) fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            "==" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Below,
            "<=" => Self::UpTo,
            ">" => Self::Above,
            ">=" => Self::From,
            _ => return None,
        })
    }

    /// The relation that holds when this one does not.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Equal => Self::Unequal,
            Self::Unequal => Self::Equal,
            Self::Below => Self::From,
            Self::UpTo => Self::Above,
            Self::Above => Self::UpTo,
            Self::From => Self::Below,
        }
    }

    /// The same relation, seen from the other side.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Equal | Self::Unequal => self,
            Self::Below => Self::Above,
            Self::UpTo => Self::From,
            Self::Above => Self::Below,
            Self::From => Self::UpTo,
        }
    }

    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Below => order.is_lt(),
            Self::UpTo => order.is_le(),
            Self::Above => order.is_gt(),
            Self::From => order.is_ge(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_meet_at_their_closed_ends_only() {
        let five = Value::Int(5);
        assert!(!Domain::between(1.0, 5.0).related(Relation::From, &five).is_empty());
        assert!(Domain::between(1.0, 5.0).related(Relation::Above, &five).is_empty());
        assert!(Domain::equal(&five).related(Relation::Unequal, &five).is_empty());
        assert!(!Domain::between(5.0, 6.0).related(Relation::Unequal, &five).is_empty());
    }

    #[test]
    fn unlike_kinds_have_nothing_in_common() {
        assert!(Domain::equal(&Value::Int(7)).and(&Domain::equal(&Value::text("7"))).is_empty());
        assert!(!Domain::equal(&Value::Int(7)).and(&Domain::equal(&Value::Float(7.0))).is_empty());
        assert!(Domain::missing().and(&Domain::present()).is_empty());
        assert!(!Domain::text().and(&Domain::equal(&Value::text("x"))).is_empty());
    }

    #[test]
    fn a_number_too_large_to_be_exact_is_never_ruled_out() {
        let (a, b) = (Value::Int(9_007_199_254_740_993), Value::Int(9_007_199_254_740_992));
        assert!(!Domain::equal(&a).and(&Domain::equal(&b)).is_empty());
        assert!(!Domain::equal(&a).related(Relation::Below, &b).is_empty());
    }
}
