//! Whether an event counts: one short Rhai expression in, true, false or unknown out. The only room that names rhai.
//!
//! A [`Compiler`] turns source into a [`Predicate`] once; the predicate then answers for values that its host looks
//! up. It refuses to know events, rules and clocks. The language is a fenced part of Rhai: comparisons, arithmetic,
//! `&&`, `||`, `!`, `in`, a few functions of text and numbers, and units of time (`40.min` is 40 minutes in
//! nanoseconds). An expression runs from left to right and stops as soon as it is decided; reaching a value that is
//! missing, or unlike things that cannot be compared, makes the whole unknown, never silently false. To add a
//! function, add it to `builtin()` in `functions.rs` with an example.

mod answer;
mod check;
mod compare;
mod compile;
mod constant;
mod domain;
mod fault;
mod fence;
mod functions;
mod kind;
mod native;
mod reach;
mod scan;
mod slips;
mod term;
mod values;

use std::fmt;

use smol_str::SmolStr;

pub use answer::Predicate;
pub use compile::Compiler;
pub use domain::Domain;
pub use fault::Fault;
pub use functions::{Function, FunctionDoc, builtin_functions, units};
pub use kind::Kind;
pub(crate) use native::Answer;

/// A name that predicates read from: `event` with its fields, or `periodic` with its measures.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    /// The word before the dot.
    pub name: &'a str,
    /// The words that may follow the dot, each with its kind; any word when it is not known which.
    pub fields: Option<&'a [(&'a str, Kind)]>,
}

impl<'a> Root<'a> {
    /// The words that are known to follow the dot.
    fn words(&self) -> impl Iterator<Item = &'a str> + Clone {
        self.fields.unwrap_or_default().iter().map(|(word, _)| *word)
    }
}

/// What a predicate answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be said.
    Unknown(Unknown),
}

/// Why a predicate cannot answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// A value that it reached is missing.
    Missing {
        /// The word before the dot.
        root: SmolStr,
        /// The word behind it.
        field: SmolStr,
    },
    /// It cannot be computed: unlike things compared, a number too large, a function that failed.
    Fault(String),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { root, field } => write!(f, "`{root}.{field}` is missing"),
            Self::Fault(why) => f.write_str(why),
        }
    }
}

/// A message of the parser: lower case, backticks.
fn lower_case(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|c| c.to_lowercase().collect::<String>()).unwrap_or_default();
    (first + letters.as_str()).replace('\'', "`")
}
