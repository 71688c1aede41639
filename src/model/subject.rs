//! What a diagnosis is about.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

/// What a diagnosis is about, from the outermost level inwards: a hub, or a device of a hub.
///
/// Two subjects are equal when every level and identifier is; they order by level and identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Vec<(SmolStr, SmolStr)>);

impl Subject {
    /// A subject from its levels, outermost first.
    pub fn new(levels: impl IntoIterator<Item = (impl Into<SmolStr>, impl Into<SmolStr>)>) -> Self {
        Self(levels.into_iter().map(|(level, id)| (level.into(), id.into())).collect())
    }

    /// Level and identifier, outermost first.
    pub fn levels(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(level, id)| (level.as_str(), id.as_str()))
    }

    /// The innermost level: what kind of thing this is.
    pub fn level(&self) -> &str {
        self.0.last().map_or("", |(level, _)| level)
    }

    /// The identifier at the innermost level.
    pub fn id(&self) -> &str {
        self.0.last().map_or("", |(_, id)| id)
    }

    /// The identifier at one level.
    pub fn get(&self, level: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == level).map(|(_, id)| id.as_str())
    }
}

/// `device d1 of hub h`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (level, id)) in self.0.iter().rev().enumerate() {
            if i > 0 {
                f.write_str(" of ")?;
            }
            write!(f, "{level} {id}")?;
        }
        Ok(())
    }
}

/// `{"hub":"h","device":"d1"}`.
impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (level, id) in &self.0 {
            map.serialize_entry(level, id)?;
        }
        map.end()
    }
}
