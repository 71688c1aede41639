//! Feed it logs; it says what is wrong, why, how sure it is, what to do, and which lines say so.
//!
//! ```
//! use etiolog::{Engine, Pack, Pipeline};
//!
//! # fn main() -> Result<(), etiolog::Error> {
//! let engine = Engine::builder().pack(Pack::shipped("azure-iot-hub")?).build()?;
//! let mut pipeline = Pipeline::new(&engine);
//! let log = br#"{"time":"2026-03-04T08:22:05Z","resourceId":"/X/HUB-1","operationName":"deviceConnect"}"#;
//! pipeline.read("hub.jsonl", &log[..]);
//! let (diagnoses, summary) = pipeline.finish();
//! assert!(diagnoses.is_empty());
//! assert_eq!(summary.records.read, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # One arrow
//!
//! ```text
//! bytes ──input──▶ Event ──detector──▶ Symptom ──differential──▶ Diagnosis ──output──▶ bytes
//!                            ▲                        ▲
//!                  rules/ ──rule──▶ Plan     knowledge/ ──knowledge──▶ Article
//! ```
//!
//! # The five nouns
//!
//! - [`Pack`]: rules and articles of one domain, shipped with the crate or your own.
//! - [`Engine`]: packs, compiled; immutable, shared between threads.
//! - [`Pipeline`]: bytes in, diagnoses out, on [one thread or more](Pipeline::with_threads). [`Run`] is the same for hosts
//!   that build their own [`Event`]s.
//! - [`Diagnosis`]: one subject, its causes ranked with probability, evidence and solutions.
//! - [`Summary`]: what became of every record.
//!
//! A pack proves itself by the cases in its rule files: [`check`] plays them, on streams that `simulate` makes.
//!
//! Four kinds of plugins extend it ([`Registry`]): formats, detectors, functions for predicates, reports.
//!
//! # The rows
//!
//! A room imports only from rows above its own, never sideways; `tests/layering.rs` keeps it so.
//!
//! ```text
//! error ‹ codec ‹ model ‹ yaml · predicate · timeline ‹ input · detector · knowledge · output
//!       ‹ plugin ‹ rule ‹ pack ‹ engine ‹ pipeline · simulate ‹ check
//! ```

mod engine;
mod error;
mod pack;
mod pipeline;
mod plugin;

pub mod check;
pub mod codec;
pub mod detector;
pub mod input;
pub mod knowledge;
pub mod model;
pub mod output;
pub mod predicate;
pub mod rule;
pub mod simulate;
pub mod timeline;
pub mod yaml;

pub use engine::{
    Checkpoint, Ending, Engine, EngineBuilder, Meter, Run, SourceId, Stage, SymptomTrace, WhenTrace,
};
pub use error::{Also, Edit, Error, Problem, did_you_mean};
pub use input::{Ahead, Expand};
pub use model::{
    Change, Diagnosis, Event, EventBuilder, Severity, State, Status, Subject, Summary, Timestamp, Value,
};
pub use pack::Pack;
pub use pipeline::{FileId, Pipeline, Progress};
pub use plugin::{Plugin, Registry};

/// The README's code is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
