//! The engine beside the reference evaluator, over random rules and random streams that collide on borders.

mod checkpoint;
pub(crate) mod compare;
mod hosts;
pub(crate) mod properties;
mod regressions;
mod rules;
pub(crate) mod scenario;
mod shared;
mod small;
mod usual;
mod wrong;
