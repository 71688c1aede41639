//! YAML text in, nodes that remember where they stood out. The only room that names a YAML crate.
//!
//! Two parsers share the work. `saphyr-parser` walks the text first and builds a tree of [`Node`]s with byte spans; on
//! the way it refuses what a rule file never needs and an attacker likes: aliases, anchors, tags, merge keys, duplicate
//! keys, control characters, nesting over 64, more than 200,000 nodes, files over 1 MiB. Only then may `serde_yaml`
//! turn it into types. What leaves this room is a tree, a typed value, or located
//! [problems](crate::error::Problem); it knows nothing of rules.

mod builder;
mod duration;
mod heading;
pub mod kinds;
mod limits;
mod node;
mod parse;
mod scalar;
mod shape;
mod slips;
mod source;
mod syntax;
mod typed;
mod union;
mod words;

pub(crate) use duration::parse as parse_duration;
pub use duration::spell_duration;
pub use kinds::schema_of;
pub use node::{Fields, Node, Shape};
pub use parse::{Document, document, read};
pub use shape::{sound, sound_part};
pub use source::Place;
pub use typed::{read_into, typed};
