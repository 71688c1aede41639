//! What must hold of every stream: the engine beside the reference evaluator and beside itself, over random scenarios.
//!
//! `ETIOLOG_SCENARIOS=200000 ETIOLOG_SEED=7 cargo test --release --test properties` tries so many of most properties, and
//! more or fewer of a few. A binary of its own, because that is worth building with all optimisations.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::explicit_write,
    reason = "so written, how many scenarios there were is shown without being asked for"
)]

mod live;
mod reference;
