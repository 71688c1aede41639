//! What a detector looks for, as plain data: for whoever lists rules, checks them or evaluates them in another way.

use std::time::Duration;

use crate::detector::ClassId;
use crate::detector::dip::{Gauge, Settings};
use crate::model::FieldId;

/// A detector's parameters after all names were given their meaning and all defaults their values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Definition {
    /// One event is enough.
    Occurrence {
        /// The events.
        event: ClassId,
        /// Without any of these it is unknown.
        among: Option<ClassId>,
    },
    /// So many events within a window.
    Count {
        /// The events.
        event: ClassId,
        /// How many.
        at_least: usize,
        /// The window.
        within: Duration,
    },
    /// So many different children within a window.
    Distinct {
        /// The events.
        event: ClassId,
        /// The level of the children.
        of: usize,
        /// How many.
        at_least: u64,
        /// The window.
        within: Duration,
    },
    /// Records that stand for several events.
    Weighted {
        /// What is looked for: a [`Definition::Occurrence`], a [`Definition::Count`] or a [`Definition::Surge`].
        of: Box<Definition>,
        /// The field that says for how many.
        weight: FieldId,
    },
    /// What is expected and does not come.
    Absence {
        /// The events that are expected.
        event: ClassId,
        /// The events after which one is; the expected ones themselves if not given.
        since: Option<ClassId>,
        /// The events that call it off.
        until: Option<ClassId>,
        /// How many expected ones in a row it takes until another is.
        at_least: u64,
        /// For how long it is waited for.
        within: Duration,
        /// Whether an event of `since` shows that what was expected after another one came unseen.
        in_turn: bool,
        /// Whether equal times satisfy "before" both ways.
        ties_any: bool,
    },
    /// What was one way for long and is now another.
    Turning {
        /// The events of the old way; one that is of the new way too is only that.
        from: ClassId,
        /// The events of the new way.
        to: ClassId,
        /// From the first to the last event of the old way, at least.
        after: Duration,
        /// How many events of the old way.
        at_least: u64,
        /// How many of the new way in a row.
        confirm: usize,
        /// Whether equal times have no order.
        ties_any: bool,
    },
    /// A value that goes back and forth.
    Alternating {
        /// The events.
        event: ClassId,
        /// The field that holds the value.
        field: FieldId,
        /// How many switches.
        at_least: usize,
        /// The window.
        within: Duration,
        /// Whether equal times have no order.
        ties_any: bool,
    },
    /// Steps one after another.
    Sequence {
        /// The required events, repeated ones as often as they are repeated.
        required: Vec<ClassId>,
        /// Optional events, each with how many required ones come before it.
        maybe: Vec<(ClassId, usize)>,
        /// Forbidden events, each with how many required ones come before it.
        never: Vec<(ClassId, usize)>,
        /// Whether they may come in any order.
        any_order: bool,
        /// From the first to the last required event.
        within: Duration,
        /// Whether equal times satisfy "before" both ways.
        ties_any: bool,
    },
    /// Steps one after another whose chains are bounded in other ways than by time, or may overlap.
    Restricted {
        /// The steps: a [`Definition::Sequence`].
        sequence: Box<Definition>,
        /// An event that ends every chain that has begun.
        until: Option<ClassId>,
        /// Whether nothing else may stand between the events of a chain.
        strict: bool,
        /// Whether a chain need only begin after the first event of the one before.
        overlaps: bool,
    },
    /// How long a subject stays and how long it is away.
    Session {
        /// Events after which it is here.
        opens: Vec<ClassId>,
        /// Events after which it is away.
        closes: Vec<ClassId>,
        /// How many whole sessions must be seen.
        at_least: usize,
        /// Whether equal times satisfy "before" both ways.
        ties_any: bool,
    },
    /// A regular interval.
    Periodic {
        /// The events.
        event: ClassId,
        /// The shortest period.
        shortest: Duration,
        /// The longest period.
        longest: Duration,
        /// Events closer to the one before than this are part of it.
        debounce: Duration,
    },
    /// A regular interval, and what it is counted from.
    Anchored {
        /// The interval: a [`Definition::Periodic`].
        of: Box<Definition>,
        /// Events that may set its timer when something begins.
        connect: Option<ClassId>,
        /// Events of which the last one may.
        traffic: Option<ClassId>,
    },
    /// More children at once than usual.
    Surge {
        /// The events.
        event: ClassId,
        /// The level of the children; without it every event counts.
        distinct: Option<usize>,
        /// How wide a bucket is.
        bucket: Duration,
        /// The least number of children.
        at_least: f64,
        /// The least multiple of the usual.
        ratio: f64,
        /// The least −log10 of the probability of so many.
        surprise: f64,
        /// The field whose most common value is measured.
        by: Option<FieldId>,
    },
    /// A gauge that drops.
    Dip {
        /// A given gauge: the events that hold a sample, and in which field.
        sample: Option<(ClassId, FieldId)>,
        /// A rebuilt one: the events after which a child is here.
        opens: Vec<ClassId>,
        /// And those after which it is not.
        closes: Vec<ClassId>,
        /// The level of the children that it counts.
        of: Option<usize>,
        /// Whether equal times satisfy "before" both ways.
        ties_any: bool,
        /// The least drop, as a share.
        at_least: f64,
        /// How wide a bucket is.
        bucket: Duration,
        /// Below this level nothing is judged.
        population: f64,
    },
}

impl Definition {
    /// The same, where a field may say how many events a record stands for.
    pub(super) fn weighted(self, weight: Option<FieldId>) -> Self {
        match weight {
            Some(weight) => Self::Weighted { of: Box::new(self), weight },
            None => self,
        }
    }
}

impl From<&Settings> for Definition {
    fn from(dip: &Settings) -> Self {
        let Settings { at_least, bucket, population, .. } = *dip;
        match &dip.gauge {
            Gauge::Given { event, field } => Self::Dip {
                sample: Some((*event, *field)),
                opens: Vec::new(),
                closes: Vec::new(),
                of: None,
                ties_any: false,
                at_least,
                bucket,
                population,
            },
            Gauge::Rebuilt { opens, closes, of, ties } => Self::Dip {
                sample: None,
                opens: opens.clone(),
                closes: closes.clone(),
                of: Some(*of),
                ties_any: *ties,
                at_least,
                bucket,
                population,
            },
        }
    }
}
