//! A predicate as it was understood: what is read, computed and compared, and where it stands in the source.

use std::ops::Range;

use smol_str::SmolStr;

use crate::model::Value;
use crate::predicate::Kind;

/// A part of a predicate.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) form: Form,
    pub(super) kind: Kind,
    /// The bytes of the source.
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Form {
    /// A value that is written out, or computed from such.
    Constant(Value),
    Read {
        root: SmolStr,
        field: SmolStr,
    },
    /// A function or an operator.
    Call {
        name: String,
        args: Vec<Term>,
    },
    And(Vec<Term>),
    Or(Vec<Term>),
    /// `item in [items]`.
    Among {
        item: Box<Term>,
        items: Vec<Term>,
    },
    /// `item in low..high`, or `..=`.
    Within {
        item: Box<Term>,
        low: Box<Term>,
        high: Box<Term>,
        last: bool,
    },
    /// What was refused.
    Refused,
}

impl Term {
    pub(super) fn new(form: Form, kind: Kind, span: Range<usize>) -> Self {
        Self { form, kind, span }
    }

    pub(super) fn refused(span: Range<usize>) -> Self {
        Self::new(Form::Refused, Kind::Any, span)
    }

    pub(super) fn constant(&self) -> Option<&Value> {
        match &self.form {
            Form::Constant(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn parts(&self) -> Vec<&Self> {
        match &self.form {
            Form::Constant(_) | Form::Read { .. } | Form::Refused => Vec::new(),
            Form::Call { args, .. } | Form::And(args) | Form::Or(args) => args.iter().collect(),
            Form::Among { item, items } => std::iter::once(&**item).chain(items).collect(),
            Form::Within { item, low, high, .. } => vec![item, low, high],
        }
    }

    /// Whether its answer depends on any value.
    pub(super) fn reads(&self) -> bool {
        matches!(self.form, Form::Read { .. }) || self.parts().into_iter().any(Self::reads)
    }

    /// Whether it may be a number with a fraction.
    pub(super) fn is_fraction(&self) -> bool {
        match &self.form {
            Form::Constant(Value::Float(x)) => x.fract() != 0.0,
            Form::Read { .. } => matches!(self.kind, Kind::Number | Kind::Share),
            Form::Call { args, .. } if self.kind.is_number() => args.iter().any(Self::is_fraction),
            _ => false,
        }
    }

    /// Whether two terms say the same, wherever they stand.
    pub(super) fn same(&self, other: &Self) -> bool {
        let alike = match (&self.form, &other.form) {
            (Form::Constant(a), Form::Constant(b)) => a == b,
            (Form::Read { root: a, field: x }, Form::Read { root: b, field: y }) => a == b && x == y,
            (Form::Call { name: a, .. }, Form::Call { name: b, .. }) => a == b,
            (Form::And(_), Form::And(_)) | (Form::Or(_), Form::Or(_)) => true,
            (Form::Among { .. }, Form::Among { .. }) => true,
            (Form::Within { last: a, .. }, Form::Within { last: b, .. }) => a == b,
            _ => false,
        };
        let (mine, theirs) = (self.parts(), other.parts());
        alike && mine.len() == theirs.len() && mine.into_iter().zip(theirs).all(|(a, b)| a.same(b))
    }
}
