//! What a detector looks for, as plain data: for whoever lists rules, checks them or evaluates them in another way.

use std::time::Duration;

use crate::detector::dip::{Gauge, Settings};
use crate::detector::{ClassId, Detector};
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
        /// The field whose most common value is measured.
        by: Option<FieldId>,
    },
    /// A gauge that drops.
    Dip {
        /// The events that tell the level: samples, or openings and closings.
        events: Vec<ClassId>,
        /// The field that holds a given level.
        field: Option<FieldId>,
        /// The level of the children that a rebuilt gauge counts.
        of: Option<usize>,
        /// The least drop, as a share.
        at_least: f64,
        /// How wide a bucket is.
        bucket: Duration,
        /// Below this level nothing is judged.
        population: f64,
    },
}

impl From<&Settings> for Definition {
    fn from(dip: &Settings) -> Self {
        let (field, of) = match &dip.gauge {
            Gauge::Given { field, .. } => (Some(*field), None),
            Gauge::Rebuilt { of, .. } => (None, Some(*of)),
        };
        let Settings { at_least, bucket, population, .. } = *dip;
        Self::Dip { events: dip.classes(), field, of, at_least, bucket, population }
    }
}
