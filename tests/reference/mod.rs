//! The engine beside the reference evaluator, over random rules and random streams that collide on borders.
#![allow(clippy::print_stderr, reason = "how many scenarios there were is part of the proof")]

mod checkpoint;
pub(crate) mod compare;
pub(crate) mod properties;
mod regressions;
pub(crate) mod scenario;
mod small;
