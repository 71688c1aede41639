//! What is certain of a detector before it has seen anything.

use std::time::Duration;

use crate::detector::ClassId;
use crate::detector::weight::Records;
use crate::model::FieldId;
use crate::predicate::Domain;

/// What is certain of a detector before it has seen anything: for checks that find rules which cannot work.
///
/// Whoever leaves something out says nothing about it; whoever says something must be sure.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Facts {
    /// The longest time between two events that it must still see together.
    pub window: Option<Duration>,
    /// Present only when the subject has shown, for each of these lists, an event of one of its classes.
    pub needs: Vec<Vec<ClassId>>,
    /// An event of the first class counts for nothing when it is of the second too.
    pub idle: Vec<(ClassId, ClassId)>,
    /// The level of subjects of which each of the needed events must name one.
    pub children: Option<usize>,
    /// While the symptom is present, each of these measures is one of these values.
    pub measures: Vec<(&'static str, Domain)>,
}

impl Facts {
    /// Facts of a detector that needs an event of this class.
    pub fn needing(class: ClassId) -> Self {
        Self { needs: vec![vec![class]], ..Self::default() }
    }

    /// The same, and the longest time between two events that it must still see together.
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// The same, and an event must name a subject of this level.
    #[must_use]
    pub fn with_children(mut self, level: usize) -> Self {
        self.children = Some(level);
        self
    }

    /// The same, and what a measure can be while the symptom is present.
    #[must_use]
    pub fn with_measure(mut self, name: &'static str, domain: Domain) -> Self {
        self.measures.push((name, domain));
        self
    }

    /// The same, and what is measured of records that stand for several events: nothing without a field that says so.
    #[must_use]
    pub(super) fn with_records(self, weight: Option<FieldId>) -> Self {
        let least = |least: f64| weight.map_or_else(Domain::nothing, |_| Domain::at_least(least));
        self.with_measure(Records::MEASURES[0], least(1.0)).with_measure(Records::MEASURES[1], least(0.0))
    }

    /// The same, and a measure that is a span of time no longer than this.
    #[must_use]
    pub fn with_span(self, name: &'static str, shortest: Duration, longest: Duration) -> Self {
        let domain = Domain::between(shortest.as_nanos() as f64, longest.as_nanos() as f64);
        self.with_measure(name, domain)
    }
}
