//! What the fuzzers run. The bodies are plain functions of bytes, so that `tests/regressions.rs` of the library runs them
//! too, on stable Rust: over the corpora and over everything that was ever found.

#[allow(dead_code, reason = "the properties are not used here")]
mod reference;
pub mod targets;
