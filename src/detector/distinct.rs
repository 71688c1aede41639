//! So many different children of the subject within a window.
//!
//! ```yaml
//! distinct: {event: refusal, of: device, at-least: 20, within: 5m}
//! ```
//!
//! Every child is counted in the bucket of its last event, so the sum over a ring of sixty buckets is the number of
//! different children; it reaches back by the window less at most one bucket. Present from the first time the sum
//! reaches the threshold. Claims the last four events before that and every event for which the sum is reached, and
//! covers the ring for everything inside the subject.
//!
//! Delay: none. Work: O(1) an event, and O(children) now and then to forget those that left the ring. Memory: 240 bytes
//! for the ring, 4 events and some 20 bytes a child seen within two windows. Two watches over different children add up.

use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use crate::codec::state;
use crate::detector::words::{length, stamp};
use crate::detector::{
    ClassId, Definition, Detector, DetectorKind, Facts, Findings, Hit, Names, Reading, Watch, parameters,
    remembered,
};
use crate::error::Problem;
use crate::model::{Exhibit, Measure, Probability, Status, Timestamp};
use crate::predicate::{Domain, Kind};
use crate::timeline::{Buckets, ByChild, Recent};
use crate::yaml::{Node, schema_of};

/// The kind of detector that counts different children.
#[derive(Clone, Copy, Debug, Default)]
pub struct Distinct;

const RING: usize = 60;
/// So many events from before the threshold are claimed when it is reached.
const BEFORE: usize = 4;
/// So many forgotten children may linger before the memory is swept.
const LINGERING: usize = 256;

impl DetectorKind for Distinct {
    fn name(&self) -> &'static str {
        "distinct"
    }

    fn measures(&self) -> &'static [&'static str] {
        &["children", "window"]
    }

    fn parameters(&self) -> serde_json::Value {
        schema_of::<parameters::DistinctParams>()
    }

    fn measure_kind(&self, measure: &str) -> Kind {
        match measure {
            "children" => Kind::Count,
            "window" => Kind::Span,
            _ => Kind::Any,
        }
    }

    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        let fields = params.fields(&["event", "of", "at-least", "within"])?;
        let class = names.class(fields.required("event")?)?;
        let level = names.level(fields.required("of")?)?;
        let at_least = fields.required("at-least")?.integer_within(1, i64::from(u32::MAX))?;
        let within = fields.required("within")?.duration()?;
        Ok(Arc::new(Children { class, level, at_least: u64::try_from(at_least).unwrap_or(1), within }))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Children {
    pub(crate) class: ClassId,
    pub(crate) level: usize,
    pub(crate) at_least: u64,
    pub(crate) within: Duration,
}

impl Detector for Children {
    fn classes(&self) -> Vec<ClassId> {
        vec![self.class]
    }

    fn definition(&self) -> Option<Definition> {
        let Self { class: event, level: of, at_least, within } = *self;
        Some(Definition::Distinct { event, of, at_least, within })
    }

    fn horizon(&self) -> Duration {
        self.within
    }

    fn facts(&self) -> Facts {
        let facts = Facts::needing(self.class).with_window(self.within).with_children(self.level);
        let facts = facts.with_measure("children", Domain::at_least(self.at_least as f64));
        facts.with_span("window", self.within, self.within)
    }

    fn delay(&self) -> Duration {
        self.within
    }

    fn memory(&self) -> usize {
        // Forgotten children linger up to a limit.
        size_of::<Crowd>()
            + Buckets::memory(RING)
            + Recent::<Exhibit>::memory(BEFORE)
            + LINGERING * self.memory_per_child()
    }

    fn memory_per_child(&self) -> usize {
        // A child, its bucket and one byte, in a table that is swept when more than half of it is old and that doubles
        // when seven eighths of it are full.
        2 * ByChild::<u64>::MEMORY_PER_CHILD
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Crowd {
            ring: Buckets::over(self.within, RING),
            last: ByChild::default(),
            recent: Recent::new(BEFORE, self.within),
            peak: 0,
            best: 0,
            covered: Timestamp::MIN,
            plan: *self,
        })
    }
}

#[derive(Debug)]
struct Crowd {
    plan: Children,
    ring: Buckets,
    // The bucket of each child's last event. Only looked up and swept, never listed.
    last: ByChild<u64>,
    recent: Recent<Exhibit>,
    // The most children at once since the threshold was reached; 0 before.
    peak: u64,
    // The most children at once, also when they were too few.
    best: u64,
    covered: Timestamp,
}

state!(Crowd { 0 => ring, 1 => last, 2 => recent, 3 => peak, 4 => best, 5 => covered });

impl Watch for Crowd {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        let Some(child) = hit.subject(self.plan.level).filter(|_| hit.is(self.plan.class)) else { return };
        self.ring.roll(self.ring.bucket(hit.time()));
        let bucket = self.ring.newest();
        // With so many children at once, one more or less makes no difference.
        let before = if self.last.takes(child) { self.last.insert(child, bucket) } else { Some(bucket) };
        if before != Some(bucket) {
            before.into_iter().for_each(|before| self.ring.remove(before));
            self.ring.add(bucket);
        }
        self.sweep();
        self.recent.push(hit.exhibit);
        self.best = self.best.max(self.ring.total());
        if self.ring.total() < self.plan.at_least {
            return;
        }
        self.peak = self.peak.max(self.ring.total());
        self.recent.take().for_each(|exhibit| out.claim(exhibit));
        let from =
            self.ring.oldest().map_or(Timestamp::MAX, |oldest| self.ring.start(oldest)).max(self.covered);
        let to = self.ring.end(bucket);
        if from < to {
            out.covers(from, to);
            self.covered = to;
        }
    }

    fn reading(&self, _now: Timestamp) -> Reading {
        if self.peak == 0 {
            return Reading::bare(Status::Absent);
        }
        let measures = vec![
            (SmolStr::new_static("children"), Measure::Count(self.peak)),
            (SmolStr::new_static("window"), Measure::Span(self.plan.within)),
        ];
        Reading { status: Status::Present(Probability::new(1.0)), measures }
    }

    fn shortfall(&self, now: Timestamp) -> Option<String> {
        let (needed, limit) = (self.plan.at_least, length(self.plan.within));
        if self.best == 0 {
            return Some(format!("no event that names a child; {needed} children are needed within {limit}"));
        }
        let text = format!("{} of {needed} different children within {limit}", self.best);
        let count = self.ring.total();
        // The oldest bucket leaves the ring when a new one needs its place.
        let oldest = self.ring.oldest().map(|oldest| self.ring.end(oldest.saturating_add(RING as u64 - 1)));
        match oldest.filter(|&leaves| now < leaves && count == self.best) {
            Some(leaves) => {
                let more = needed.saturating_sub(count);
                Some(format!("{text}; {more} more would have to show it before {}", stamp(leaves)))
            }
            None => Some(format!("at best {text}")),
        }
    }
}

impl Crowd {
    fn sweep(&mut self) {
        let live = usize::try_from(self.ring.total()).unwrap_or(usize::MAX);
        if self.last.len() > live.saturating_mul(2).saturating_add(LINGERING) {
            let ring = &self.ring;
            self.last.retain(|&bucket| ring.holds(bucket));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::detector::fixture::{Player, at, build, span};

    /// Buckets of 10 ns.
    fn children(at_least: u64) -> Children {
        Children { class: ClassId(0), level: 1, at_least, within: span(600) }
    }

    fn play(at_least: u64, events: &[(i64, u32)]) -> Player {
        let mut player = Player::new(children(at_least));
        events.iter().for_each(|&(time, child)| player.hit(time, &[0], Some(child)));
        player
    }

    #[test]
    fn its_parameters_are_checked() {
        let refused = |text: &str| build(&Distinct, text).map(|detector| detector.horizon()).err();
        assert_eq!(refused("{event: d, of: part, at-least: 20, within: 5m}"), None);
        assert_eq!(
            refused("{event: d, of: whole, at-least: 20, within: 5m}").as_deref(),
            Some("1:16 unknown-level")
        );
        assert_eq!(
            refused("{event: d, of: part, at-least: many, within: 5m}").as_deref(),
            Some("1:32 wrong-type")
        );
    }

    #[test]
    fn one_child_many_times_is_one() {
        assert_eq!(play(2, &[(0, 7), (1, 7), (300, 7)]).status(), "absent");
        assert_eq!(play(2, &[(0, 7), (1, 8)]).status(), "present");
    }

    #[test]
    fn a_child_leaves_with_its_bucket() {
        assert_eq!(play(2, &[(0, 1), (599, 2)]).status(), "present");
        assert_eq!(play(2, &[(9, 1), (600, 2)]).status(), "absent");
        assert_eq!(play(2, &[(9, 1), (400, 1), (600, 2)]).status(), "present", "its last event counts");
    }

    #[test]
    fn what_is_missing_reads_as_a_sentence() {
        const SECOND: i64 = 1_000_000_000;
        let plan = Children { class: ClassId(0), level: 1, at_least: 4, within: Duration::from_secs(60) };
        let mut player = Player::new(plan);
        assert_eq!(player.shortfall(), "no event that names a child; 4 children are needed within 1m");
        (0..3).for_each(|child| player.hit(i64::from(child) * SECOND, &[0], Some(child)));
        assert_eq!(
            player.shortfall(),
            "3 of 4 different children within 1m; 1 more would have to show it before 1970-01-01 00:01:00"
        );
        player.until(60 * SECOND);
        assert_eq!(player.shortfall(), "at best 3 of 4 different children within 1m");
    }

    #[test]
    fn events_without_a_child_do_not_count() {
        let mut player = Player::new(children(1));
        player.hit(0, &[0], None);
        assert_eq!(player.status(), "absent");
    }

    #[test]
    fn it_claims_the_last_four_before_and_everything_while_it_holds() {
        let player = play(6, &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 6), (5_000, 1)]);
        assert_eq!(player.claims(), [2, 3, 4, 5, 6]);
        assert_eq!(player.count("children"), 6);
    }

    #[test]
    fn it_covers_the_buckets_that_were_counted_without_overlap() {
        let player = play(2, &[(25, 1), (37, 2), (38, 3), (51, 1)]);
        assert_eq!(player.findings.spans(), [(at(20), at(40)), (at(40), at(60))]);
    }

    proptest! {
        #[test]
        fn it_is_the_number_of_children_whose_last_event_lies_in_the_ring(
            mut events in proptest::collection::vec((0i64..3_000, 0u32..400), 0..700), at_least in 1u64..40,
        ) {
            events.sort_by_key(|event| event.0);
            let mut last = BTreeMap::new();
            let mut peak = 0;
            for &(time, child) in &events {
                last.insert(child, time / 10);
                let counted = last.values().filter(|&&bucket| time / 10 - bucket < 60).count() as u64;
                peak = if counted >= at_least { counted.max(peak) } else { peak };
            }
            let player = play(at_least, &events);
            prop_assert_eq!(player.reading().status.is_present(), peak > 0);
            if peak > 0 {
                prop_assert_eq!(player.count("children"), peak);
            }
        }
    }
}
