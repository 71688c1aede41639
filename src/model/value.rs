//! One field's value, and what it means for two values to be equal or ordered.

use std::cmp::Ordering;
use std::fmt;

use minicbor::{Decode, Encode};
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use crate::codec::text;

/// A field of an event, or a measure that a predicate reads. A missing field has no `Value` at all.
#[derive(Clone, Debug, Encode, Decode)]
pub enum Value {
    /// `true` or `false`.
    #[n(0)]
    Bool(#[n(0)] bool),
    /// A whole number.
    #[n(1)]
    Int(#[n(0)] i64),
    /// Any other number; never NaN or infinite when it came from a record.
    #[n(2)]
    Float(#[n(0)] f64),
    /// Text.
    #[n(3)]
    Text(
        #[n(0)]
        #[cbor(with = "text")]
        SmolStr,
    ),
}

impl Value {
    /// Text of any length.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(SmolStr::new(text.as_ref()))
    }

    /// The text, when this is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) => None,
        }
    }

    /// The number, when this is one; large whole numbers lose precision.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            #[expect(clippy::cast_precision_loss, reason = "documented")]
            Self::Int(n) => Some(n as f64),
            Self::Float(x) => Some(x),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    /// What kind of value this is, as authors call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true/false",
            Self::Int(_) | Self::Float(_) => "number",
            Self::Text(_) => "text",
        }
    }

    /// Order of two values of the same kind; `None` when they are of different kinds or one is NaN.
    ///
    /// Whole and fractional numbers compare exactly (no rounding, no tolerance).
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Int(a), Self::Float(b)) => compare_exactly(*a, *b),
            (Self::Float(a), Self::Int(b)) => compare_exactly(*b, *a).map(Ordering::reverse),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Bool(_), _) | (Self::Int(_) | Self::Float(_), _) | (Self::Text(_), _) => None,
        }
    }
}

/// Compares a whole number with a fractional one without rounding either.
fn compare_exactly(int: i64, float: f64) -> Option<Ordering> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= TWO_63 {
        return Some(Ordering::Less);
    }
    if float < -TWO_63 {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    #[expect(clippy::cast_possible_truncation, reason = "whole is in the range of i64: checked above")]
    let order = int.cmp(&(whole as i64));
    Some(order.then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal)))
}

/// A number never equals text, and `1` equals `1.0`.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Some(Ordering::Equal)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Float(x) => write!(f, "{x}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Int(n) => serializer.serialize_i64(*n),
            Self::Float(x) => serializer.serialize_f64(*x),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::text(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_exactly() {
        let big = Value::Int(9_007_199_254_740_993);
        assert_ne!(big, Value::Float(9_007_199_254_740_992.0));
        assert_eq!(Value::Int(3), Value::Float(3.0));
        assert_eq!(Value::Int(-3).compare(&Value::Float(-3.5)), Some(Ordering::Greater));
        assert_eq!(Value::Int(3).compare(&Value::Float(f64::INFINITY)), Some(Ordering::Less));
        assert_eq!(Value::Int(i64::MAX).compare(&Value::Float(9.3e18)), Some(Ordering::Less));
    }

    #[test]
    fn text_never_equals_a_number() {
        assert_ne!(Value::from("7"), Value::from(7));
        assert_eq!(Value::from("5").compare(&Value::from(5)), None);
    }
}
