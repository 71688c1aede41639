//! Records that stand for several events: a field says how many.

use minicbor::{Decode, Encode};
use smol_str::SmolStr;

use crate::detector::{Hit, Reading};
use crate::model::{FieldId, Measure, Value};

/// How many events a record stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) enum Weight {
    /// So many, which may be none.
    #[n(0)]
    Given(#[n(0)] u64),
    /// The field does not say; the record itself is one.
    #[n(1)]
    Missing,
}

impl Weight {
    /// What a field of the event says: a whole number that is not negative, or nothing.
    pub(super) fn of(hit: &Hit<'_>, field: FieldId) -> Self {
        let given = match hit.event.field(field) {
            Some(Value::Int(count)) => u64::try_from(*count).ok(),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
            Some(Value::Float(count)) if *count >= 0.0 && count.trunc() == *count => Some(*count as u64),
            Some(Value::Float(_) | Value::Bool(_) | Value::Text(_)) | None => None,
        };
        given.map_or(Self::Missing, Self::Given)
    }

    /// How many events the record counts for.
    pub(super) fn count(self) -> u64 {
        match self {
            Self::Given(count) => count,
            Self::Missing => 1,
        }
    }
}

/// How many records were counted, and how many of them did not say what they stand for.
#[derive(Clone, Copy, Debug, Default, Encode, Decode)]
pub(super) struct Records {
    #[n(0)]
    all: u64,
    #[n(1)]
    unweighted: u64,
}

impl Records {
    /// What `when` may read of them.
    pub(super) const MEASURES: [&str; 2] = ["records", "unweighted"];

    pub(super) fn add(&mut self, weight: Weight) {
        self.all = self.all.saturating_add(1);
        self.unweighted = self.unweighted.saturating_add(u64::from(weight == Weight::Missing));
    }

    /// Counts those of a part that ended.
    pub(super) fn join(&mut self, other: Self) {
        self.all = self.all.saturating_add(other.all);
        self.unweighted = self.unweighted.saturating_add(other.unweighted);
    }

    /// Adds both counts to what was measured.
    pub(super) fn tell(self, reading: &mut Reading) {
        let counts = [self.all, self.unweighted];
        let named = Self::MEASURES.into_iter().zip(counts);
        reading
            .measures
            .extend(named.map(|(name, count)| (SmolStr::new_static(name), Measure::Count(count))));
    }
}
