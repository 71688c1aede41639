//! Events of one class for long, then events of another.

use std::sync::Arc;
use std::time::Duration;

use minicbor::{Decode, Encode};
use smol_str::{SmolStr, format_smolstr};

use crate::codec::state;
use crate::detector::change::HORIZON;
use crate::detector::words::{length, many, stamp};
use crate::detector::{ClassId, Definition, Detector, Facts, Findings, Hit, Reading, Watch, remembered};
use crate::model::{Exhibit, Measure, Probability, Status, Timestamp};
use crate::predicate::Domain;

/// Events of one instant beyond these are taken in canonical order.
const INSTANT: usize = 256;

/// What a rule says about how it was and how it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turning {
    pub(crate) from: ClassId,
    pub(crate) to: ClassId,
    /// How long it was the old way, at least.
    pub(crate) after: Duration,
    /// And how many events that were.
    pub(crate) at_least: u64,
    /// How many events in a row make the new way.
    pub(crate) confirm: usize,
    pub(crate) ties_any: bool,
}

impl Detector for Turning {
    fn classes(&self) -> Vec<ClassId> {
        let mut classes = vec![self.from, self.to];
        classes.sort_unstable();
        classes
    }

    fn definition(&self) -> Option<Definition> {
        let Self { from, to, after, at_least, confirm, ties_any } = *self;
        Some(Definition::Turning { from, to, after, at_least, confirm, ties_any })
    }

    fn horizon(&self) -> Duration {
        HORIZON
    }

    fn facts(&self) -> Facts {
        let facts = Facts {
            needs: vec![vec![self.from], vec![self.to]],
            idle: vec![(self.from, self.to)],
            ..Facts::default()
        };
        let facts = facts.with_span("steady", self.after, Duration::MAX);
        let facts = facts.with_measure("before", Domain::at_least(self.at_least as f64));
        let facts = facts.with_measure("after", Domain::at_least(self.confirm as f64));
        facts.with_measure("switches", Domain::nothing()).with_measure("values", Domain::nothing())
    }

    fn memory(&self) -> usize {
        size_of::<Turn>() + self.confirm.max(4).next_power_of_two() * size_of::<Exhibit>()
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Turn::new(self))
    }
}

/// Events in a row.
#[derive(Clone, Copy, Debug, Encode, Decode)]
struct Row {
    #[n(0)]
    first: Timestamp,
    #[n(1)]
    last: Timestamp,
    #[n(2)]
    count: u64,
}

impl Row {
    fn grown(row: Option<Self>, time: Timestamp) -> Self {
        match row {
            None => Self { first: time, last: time, count: 1 },
            Some(row) => Self { last: time, count: row.count.saturating_add(1), ..row },
        }
    }

    fn span(&self) -> Duration {
        self.last.since(self.first)
    }
}

/// The memory about one subject.
#[derive(Debug)]
struct Turn {
    plan: Arc<Turning>,
    /// The last event of either class.
    last: Option<Timestamp>,
    /// The `from` events in a row, also while `to` events come after them.
    old: Option<Row>,
    /// Whether a `to` is known to have come before them.
    witnessed: bool,
    /// The `to` events in a row since.
    new: Option<Row>,
    /// Those of them that wait for more.
    waiting: Vec<Exhibit>,
    /// The `to` events of one time, while another event of that time may come before them.
    instant: Vec<Exhibit>,
    found: Option<Found>,
}

/// The last turn of the episode.
#[derive(Clone, Copy, Debug, Encode, Decode)]
struct Found {
    #[n(0)]
    old: Row,
    #[n(1)]
    new: Row,
    /// Whether a `from` has come since.
    #[n(2)]
    back: bool,
}

state!(Turn {
    0 => last, 1 => old, 2 => witnessed, 3 => new, 4 => waiting, 5 => instant, 6 => found
}, sound);

impl Turn {
    fn new(plan: Arc<Turning>) -> Self {
        Self {
            plan,
            last: None,
            old: None,
            witnessed: false,
            new: None,
            waiting: Vec::new(),
            instant: Vec::new(),
            found: None,
        }
    }

    /// Forgets everything when nothing came for so long; says whether it did.
    fn forget_before(&mut self, time: Timestamp) {
        if self.is_stale(time) {
            *self = Self::new(Arc::clone(&self.plan));
        }
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        self.found.is_none() && self.last.is_some_and(|last| now.since(last) >= HORIZON)
    }

    /// Whether no more events wait than ever do.
    fn sound(&self) -> bool {
        self.waiting.len() < self.plan.confirm && self.instant.len() <= INSTANT
    }

    fn is_long(&self) -> bool {
        self.old.is_some_and(|old| old.span() >= self.plan.after && old.count >= self.plan.at_least)
    }

    fn is_confirmed(&self) -> bool {
        self.new.is_some_and(|new| usize::try_from(new.count).is_ok_and(|count| count >= self.plan.confirm))
    }

    fn came_from(&mut self, time: Timestamp, out: &mut Findings) {
        if self.new.take().is_some() {
            self.old = None;
            self.witnessed = true;
            self.waiting.clear();
            if let Some(found) = &mut self.found {
                found.back = true;
            }
            out.changed();
        }
        self.old = Some(Row::grown(self.old, time));
    }

    fn went_to(&mut self, exhibit: Exhibit, out: &mut Findings) {
        let new = Row::grown(self.new, exhibit.time);
        self.new = Some(new);
        let old = self.old.filter(|_| self.is_long());
        match old {
            Some(old) if self.is_confirmed() => {
                self.found = Some(Found { old, new, back: false });
                std::mem::take(&mut self.waiting).into_iter().for_each(|earlier| out.claim(earlier));
                out.claim(exhibit);
            }
            Some(_) => self.waiting.push(exhibit),
            None => {}
        }
        out.changed();
    }

    /// Nothing of that time can come before the events that waited for it.
    fn settle(&mut self, out: &mut Findings) {
        let mut instant = std::mem::take(&mut self.instant);
        instant.drain(..).for_each(|exhibit| self.went_to(exhibit, out));
        self.instant = instant;
    }
}

impl Watch for Turn {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        let time = hit.time();
        if self.instant.first().is_some_and(|first| first.time < time) {
            self.settle(out);
        }
        self.forget_before(time);
        self.last = Some(time);
        if !hit.is(self.plan.to) {
            return self.came_from(time, out);
        }
        self.instant.push(hit.exhibit);
        if !self.plan.ties_any || self.instant.len() >= INSTANT {
            self.settle(out);
        }
    }

    fn advance(&mut self, now: Timestamp, out: &mut Findings) {
        if self.instant.first().is_some_and(|first| first.time <= now) {
            self.settle(out);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.instant.first().map(|first| first.time)
    }

    fn renew(&mut self) -> bool {
        // That it has turned is worth knowing for as long as it does not turn back.
        self.found.take().is_some()
    }

    fn reading(&self, now: Timestamp) -> Reading {
        let Some(Found { old, new, back }) = self.found else {
            let short = !self.witnessed && !self.is_long() && self.is_confirmed() && !self.is_stale(now);
            let status = if short { Status::Unknown(self.learning()) } else { Status::Absent };
            return Reading::bare(status);
        };
        let name = SmolStr::new_static;
        let measures = vec![
            (name("steady"), Measure::Span(old.span())),
            (name("before"), Measure::Count(old.count)),
            (name("after"), Measure::Count(new.count)),
            (name("since"), Measure::Span(new.span())),
            (name("back"), Measure::Flag(back)),
        ];
        Reading { status: Status::Present(Probability::new(1.0)), measures }
    }

    fn shortfall(&self, _now: Timestamp) -> Option<String> {
        if self.found.is_some() {
            return None;
        }
        let Turning { after, at_least, confirm, .. } = *self.plan;
        let count = |row: Option<Row>| row.map_or(0, |row| usize::try_from(row.count).unwrap_or(usize::MAX));
        let steady = self.old.map_or(Duration::ZERO, |old| old.span());
        let mut old = format!("the old way for {}, {}", length(steady), many(count(self.old), "event"));
        if !self.is_long() {
            let needed = match (after.is_zero(), at_least) {
                (false, 1) => length(after),
                (false, least) => format!("{} and {least}", length(after)),
                (true, least) => least.to_string(),
            };
            old = format!("{old}; it takes {needed}");
        }
        Some(match self.new {
            None => format!("{old}, and nothing else since"),
            Some(new) => {
                let since = stamp(new.first);
                format!("{old}; then {} of {confirm} of the new way, since {since}", count(self.new))
            }
        })
    }
}

impl Turn {
    /// How long it was the old way, of as long as it takes.
    fn learning(&self) -> SmolStr {
        let Turning { after, at_least, .. } = *self.plan;
        let (span, count) = self.old.map_or((Duration::ZERO, 0), |old| (old.span(), old.count));
        if span < after {
            format_smolstr!("learning {}/{}", length(span), length(after))
        } else {
            format_smolstr!("learning {count}/{at_least}")
        }
    }
}
