//! What is known about values before they are there.

use std::fmt;

/// What is known about a value before it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    #[default]
    Any,
    /// True or false.
    Flag,
    /// Text.
    Text,
    /// A whole number when it is spelt like one, text otherwise.
    Code,
    /// A number, whole or not.
    Number,
    /// A whole number.
    Integer,
    /// How many: a whole number that is not negative.
    Count,
    /// How long: whole nanoseconds, not negative.
    Span,
    /// A number from 0 to 1.
    Share,
}

impl Kind {
    /// The kind of what is one of two kinds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (a, b) if a.is_whole() && b.is_whole() => Self::Integer,
            (a, b) if a.is_number() && b.is_number() => Self::Number,
            _ => Self::Any,
        }
    }

    /// Whether it can be nothing but a number.
    pub(super) fn is_number(self) -> bool {
        match self {
            Self::Number | Self::Integer | Self::Count | Self::Span | Self::Share => true,
            Self::Any | Self::Flag | Self::Text | Self::Code => false,
        }
    }

    /// Whether it can be nothing but a whole number.
    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Integer | Self::Count | Self::Span)
    }

    /// Whether something may be of both kinds.
    pub(super) fn meets(self, other: Self) -> bool {
        let is = |kind: Self, flag: bool, number: bool, text: bool| match kind {
            Self::Any => true,
            Self::Flag => flag,
            Self::Text => text,
            Self::Code => number || text,
            Self::Number | Self::Integer | Self::Count | Self::Span | Self::Share => number,
        };
        [(true, false, false), (false, true, false), (false, false, true)]
            .into_iter()
            .any(|(flag, number, text)| is(self, flag, number, text) && is(other, flag, number, text))
    }

    /// The kind behind Rhai's name of a type.
    pub(super) fn of_rhai(name: &str) -> Self {
        match name {
            "i64" | "f64" => Self::Number,
            "bool" => Self::Flag,
            "string" => Self::Text,
            _ => Self::Any,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "something else",
            Self::Flag => "true/false",
            Self::Text => "text",
            Self::Code => "a code",
            Self::Number | Self::Integer => "a number",
            Self::Count => "a count",
            Self::Span => "a span of time",
            Self::Share => "a share",
        })
    }
}
