//! One module for each target. `run` takes any bytes and panics when something that is promised does not hold.
//!
//! The first bytes are settings, the rest is text as it stands, so that what is found can be read.

pub mod checkpoint_load;
pub mod engine_vs_reference;
pub mod framing;
pub mod json_record;
pub mod rhai_expr;
pub mod rule_yaml;
pub mod stamp;
pub mod text_record;

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: [Target; 8] = [
    ("checkpoint_load", checkpoint_load::run),
    ("engine_vs_reference", engine_vs_reference::run),
    ("framing", framing::run),
    ("json_record", json_record::run),
    ("rhai_expr", rhai_expr::run),
    ("rule_yaml", rule_yaml::run),
    ("stamp", stamp::run),
    ("text_record", text_record::run),
];
