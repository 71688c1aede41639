//! Which subjects a ward looks after, where a run has several.
//!
//! What lies in others is shared out by key groups, so that whatever bounds memory sees whole groups. The outer subjects
//! are followed by every ward: what an inner subject's diagnosis needs of them is at hand, and as old as itself. What
//! is counted of them is counted by the first ward.

use crate::engine::checkpoint::group_of;
use crate::engine::subjects::is_inner;
use crate::model::Schema;

/// A ward's share of the subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    number: u8,
    of: u8,
    /// Whether some subjects lie in others at all.
    nested: bool,
}

impl Share {
    /// All subjects.
    pub(super) fn whole(schema: &Schema) -> Self {
        Self { number: 0, of: 1, nested: (0..schema.levels()).any(|level| schema.parent(level).is_some()) }
    }

    /// So many shares; one, where subjects lie in others that lie in others.
    pub(super) fn split(schema: &Schema, of: usize) -> impl Iterator<Item = Self> {
        /// Outer subjects are followed by each.
        const MOST: usize = 16;
        let deep = (0..schema.levels()).any(|level| schema.lineage(level).len() > 2);
        let of = if deep { 1 } else { u8::try_from(of.clamp(1, MOST)).unwrap_or(1) };
        let whole = Self::whole(schema);
        (0..of).map(move |number| Self { number, of, ..whole })
    }

    /// Whether a subject with this key is followed here.
    pub(super) fn follows(self, key: u64) -> bool {
        self.of == 1 || self.is_outer(key) || group_of(key) % self.of == self.number
    }

    /// Whether what becomes of such a subject is counted here.
    pub(super) fn counts(self, key: u64) -> bool {
        self.is_first() || !self.is_outer(key)
    }

    /// Whether what becomes of symptoms on subjects of this level is counted here.
    pub(super) fn counts_level(self, schema: &Schema, level: usize) -> bool {
        self.is_first() || !self.nested || schema.parent(level).is_some()
    }

    /// Whether others may lie in such a subject.
    pub(super) fn is_outer(self, key: u64) -> bool {
        self.nested && !is_inner(key)
    }

    /// Whether this is the first of all shares.
    pub(super) fn is_first(self) -> bool {
        self.number == 0
    }
}
