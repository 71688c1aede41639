//! What a period is counted from: the beat before, or an event of another class, or a clock.
//!
//! A timer that is set by an event goes off the same time after it, whatever else lies between. So of all events that may
//! set it, the one is named whose distances to the beats differ the least, if it is clearly the least.

use crate::detector::periodic::{Settings, Train};
use crate::detector::{ClassId, Hit, Names};
use crate::error::Problem;
use crate::model::Timestamp;
use crate::timeline::beat::Fit;
use crate::timeline::series::lower_median;
use crate::yaml::Node;

/// The classes of events that may set a timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Anchors {
    /// Something begins.
    pub(crate) connect: Option<ClassId>,
    /// Something is done; the last one counts.
    pub(crate) traffic: Option<ClassId>,
}

/// With fewer distances their spread is a guess.
const ENOUGH: usize = 8;
/// The distances from the anchor differ at most a third as much as any others.
const CLEARLY: f64 = 3.0;
/// Below this share of the period, differences are rounding, and all the same.
const EXACT: f64 = 1e-3;
/// A timer that takes less than this share of the period does not make it.
const LEAST: f64 = 0.25;

impl Anchors {
    pub(super) fn read(node: &Node, names: &mut dyn Names) -> Result<Self, Problem> {
        let fields = node.fields(&["connect", "traffic"])?;
        let mut class = |key| fields.optional(key).map(|node| names.class(node)).transpose();
        let anchors = Self { connect: class("connect")?, traffic: class("traffic")? };
        if anchors == Self::default() {
            return Err(node.problem("missing-key", "`anchors` needs `connect`, `traffic` or both"));
        }
        Ok(anchors)
    }

    /// In the order of their names.
    pub(super) fn classes(self) -> [Option<ClassId>; 2] {
        [self.connect, self.traffic]
    }
}

const NAMES: [&str; 2] = ["connect", "traffic"];

impl Settings {
    /// Bytes that are kept for each event beside it.
    pub(super) fn bytes_of_distances(&self) -> usize {
        if self.anchors.is_some() { size_of::<[Option<u64>; 2]>() } else { 0 }
    }
}

/// What came before the events that are remembered.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// The last event of each class.
    last: [Option<Timestamp>; 2],
    /// For each event that is remembered, how many nanoseconds after the last event of each class it came, if there was one
    /// since the event before it.
    distances: Vec<[Option<u64>; 2]>,
}

crate::codec::state!(Timers { 0 => last, 1 => distances });

impl Timers {
    /// Whether there are distances for so many events.
    pub(super) fn fit(&self, settings: &Settings, events: usize) -> bool {
        self.distances.len() == if settings.anchors.is_some() { events } else { 0 }
    }

    /// No event is remembered any more.
    pub(super) fn begun_anew(mut self) -> Self {
        self.distances.clear();
        self
    }

    /// An event of any class was seen, after what it is for the train.
    pub(super) fn see(&mut self, anchors: Anchors, hit: &Hit<'_>) {
        for (last, class) in self.last.iter_mut().zip(anchors.classes()) {
            if class.is_some_and(|class| hit.is(class)) {
                *last = Some(hit.time());
            }
        }
    }

    /// An event is remembered that came after this one, and the oldest is not if there are too many.
    pub(super) fn keep(&mut self, time: Timestamp, before: Option<Timestamp>, most: usize) {
        if self.distances.len() >= most {
            self.distances.remove(0);
        }
        let since = |last: Option<Timestamp>| {
            let last = last.filter(|last| before.is_none_or(|before| *last >= before))?;
            u64::try_from(time.since(last).as_nanos()).ok()
        };
        self.distances.push(self.last.map(since));
    }

    /// What the remembered beats were counted from.
    pub(super) fn anchor(&self, train: &Train, fit: &Fit) -> &'static str {
        let of_beats = |at: usize| {
            let beats = train.kept.iter().zip(&self.distances).filter(|(kept, _)| kept.beat);
            beats.filter_map(|(_, distances)| distances.get(at).copied().flatten()).collect()
        };
        let gaps = train.kept.iter().zip(train.kept.iter().skip(1)).filter(|(a, b)| a.beat && b.beat);
        let gaps = gaps.map(|(a, b)| b.exhibit.time.since(a.exhibit.time).as_nanos() as f64);
        let gaps = spread(gaps.filter(|gap| (0.5..1.5).contains(&(gap / fit.period))).collect(), fit);
        let anchors = NAMES.iter().enumerate().map(|(at, name)| {
            let distances: Vec<u64> = of_beats(at);
            (*name, spread(distances.into_iter().map(|nanos| nanos as f64).collect(), fit))
        });
        let known: Vec<(&str, f64)> = std::iter::once(("event", gaps))
            .chain(anchors)
            .filter_map(|(name, spread)| Some((name, spread?)))
            .collect();
        let Some(best) = known.iter().min_by(|a, b| a.1.total_cmp(&b.1)) else { return "none" };
        let clear = known.iter().all(|other| other.0 == best.0 || other.1 >= CLEARLY * best.1);
        let clock = train.chain.anchor() == "clock" || train.wall_clock(fit);
        match best.0 {
            name if clear && name != "event" => name,
            _ if clock => "clock",
            _ if clear => "event",
            _ => "none",
        }
    }
}

/// How far distances lie from their median, in the mean; none of few, or of such as are no part of the period to speak of.
fn spread(mut distances: Vec<f64>, fit: &Fit) -> Option<f64> {
    if distances.len() < ENOUGH {
        return None;
    }
    let median = lower_median(&mut distances)?;
    let sum: f64 = distances.iter().map(|distance| (distance - median).abs()).sum();
    let spread = (sum / distances.len() as f64).max(EXACT * fit.period);
    (median >= LEAST * fit.period).then_some(spread)
}
