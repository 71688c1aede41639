//! Where the work is, for a host that measures it: the library itself reads no clock.

use std::fmt::Debug;

/// A part of the way from bytes to diagnoses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Outside of the library: the host reads, or does something else.
    #[default]
    Host,
    /// Cutting bytes into records.
    Frame,
    /// From a record to an event: finding the values, and what they mean.
    Decode,
    /// Whether an event is a repeat, and which classes it belongs to, as far as that needs no expression.
    Classify,
    /// The expression (`where`) of a class, by its number; see [`Plan::class_name`](crate::rule::Plan::class_name).
    Predicate(usize),
    /// Putting events into the order of their times, and finding out how far time has come.
    Order,
    /// Whom an event is about, and which symptoms of theirs ask about it.
    Apply,
    /// The detector of a symptom and what follows from it, by its place in
    /// [`Plan::symptoms`](crate::rule::Plan::symptoms).
    Detect(usize),
    /// Episodes that end: judging their symptoms, weighing causes, making diagnoses.
    Diagnose,
}

/// Is told where the work of a run is; see [`Pipeline::measure`](crate::Pipeline::measure).
///
/// All work between two calls belongs to the stage of the first. A meter that reads a clock at each call costs more than
/// many a stage does, so that it had better look at some records only.
pub trait Meter: Debug + Send {
    /// A record, an event or a deadline has its turn: what comes until the next such call is the work on it.
    fn begin(&mut self);

    /// The work goes on in this stage.
    fn enter(&mut self, stage: Stage);
}

/// The meter of a run, if it has one.
#[derive(Debug, Default)]
pub(crate) struct Metered {
    meter: Option<Box<dyn Meter>>,
    stage: Stage,
}

impl Metered {
    pub(crate) fn set(&mut self, meter: Box<dyn Meter>) {
        self.meter = Some(meter);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.meter.is_some()
    }

    pub(crate) fn begin(&mut self) {
        if let Some(meter) = &mut self.meter {
            meter.begin();
        }
    }

    /// Enters a stage and gives the one that it was in.
    pub(crate) fn enter(&mut self, stage: Stage) -> Stage {
        match &mut self.meter {
            Some(meter) => {
                meter.enter(stage);
                std::mem::replace(&mut self.stage, stage)
            }
            None => Stage::Host,
        }
    }
}
