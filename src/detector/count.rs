//! So many events within a window.
//!
//! ```yaml
//! count: {event: drop, at-least: 3, within: 12h}
//! count: {event: drop, at-least: 100, within: 12h, weight: count}
//! ```
//!
//! Present from the first event t for which at least n events lie in `(t - within, t]`; two events exactly one window
//! apart do not lie in one. All members of the window are claimed then, and every later event for which it holds again,
//! each event once. Delay: none. Memory per subject: the last n events in the window (48 bytes each, n at most 4096)
//! and sixteen gaps once it fired.
//!
//! With `weight`, a record stands for as many events as that field says, and the last records that together stand for n
//! are claimed; see `count/weighted.rs`.

mod weighted;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use crate::codec::state;
use crate::detector::words::{length, many, stamp};
use crate::detector::{
    ClassId, Definition, Detector, DetectorKind, Facts, Findings, Hit, Names, Reading, Watch, parameters,
    remembered,
};
use crate::error::Problem;
use crate::model::{Exhibit, Measure, Probability, Status, Timestamp};
use crate::predicate::{Domain, Kind};
use crate::timeline::{Recent, Spans};
use crate::yaml::{Node, schema_of};

use weighted::Weighted;

/// The kind of detector that counts events in a sliding window.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count;

/// So many events are kept for a subject at most.
const MOST: i64 = 4096;

impl DetectorKind for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn measures(&self) -> &'static [&'static str] {
        &["events", "span", "median_gap", "records", "unweighted"]
    }

    fn parameters(&self) -> serde_json::Value {
        schema_of::<parameters::CountParams>()
    }

    fn measure_kind(&self, measure: &str) -> Kind {
        match measure {
            "events" | "records" | "unweighted" => Kind::Count,
            "span" | "median_gap" => Kind::Span,
            _ => Kind::Any,
        }
    }

    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        let fields = params.fields(&["event", "at-least", "within", "weight"])?;
        let class = names.class(fields.required("event")?)?;
        let at_least = fields.required("at-least")?.integer_within(1, MOST)?;
        let within = fields.required("within")?.duration()?;
        let plain = Threshold { class, at_least: usize::try_from(at_least).unwrap_or(1), within };
        match fields.optional("weight") {
            Some(node) => Ok(Arc::new(Weighted { plain, weight: names.field(node)? })),
            None => Ok(Arc::new(plain)),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Threshold {
    pub(crate) class: ClassId,
    pub(crate) at_least: usize,
    pub(crate) within: Duration,
}

impl Detector for Threshold {
    fn classes(&self) -> Vec<ClassId> {
        vec![self.class]
    }

    fn definition(&self) -> Option<Definition> {
        let Self { class: event, at_least, within } = *self;
        Some(Definition::Count { event, at_least, within })
    }

    fn horizon(&self) -> Duration {
        self.within
    }

    fn facts(&self) -> Facts {
        let facts = Facts::needing(self.class).with_window(self.within);
        facts.with_measure("events", Domain::at_least(self.at_least as f64)).with_records(None)
    }

    fn memory(&self) -> usize {
        size_of::<Window>() + Recent::<Exhibit>::memory(self.at_least) + Spans::MEMORY
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        let recent = Recent::new(self.at_least, self.within);
        let (class, gaps) = (self.class, Spans::default());
        Box::new(Window { class, best: 0, late: None, recent, claimed: 0, ends: None, gaps })
    }
}

#[derive(Debug)]
struct Window {
    class: ClassId,
    // The most events in one window, until there were enough.
    best: u32,
    // By how little the event that would have been enough came too late.
    late: Option<NonZeroU64>,
    recent: Recent<Exhibit>,
    claimed: u64,
    // The times of the first and the last claimed event.
    ends: Option<(Timestamp, Timestamp)>,
    gaps: Spans,
}

state!(Window { 0 => recent, 1 => claimed, 2 => ends, 3 => gaps, 4 => best, 5 => late });

impl Watch for Window {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        if !hit.is(self.class) {
            return;
        }
        if self.ends.is_none() {
            self.attempt(hit.time());
        }
        self.recent.push(hit.exhibit);
        if !self.recent.is_full() {
            return;
        }
        for exhibit in self.recent.take() {
            self.claimed = self.claimed.saturating_add(1);
            if let Some((_, last)) = self.ends {
                self.gaps.push(exhibit.time.since(last));
            }
            self.ends = Some((self.ends.map_or(exhibit.time, |(first, _)| first), exhibit.time));
            out.claim(exhibit);
        }
    }

    fn reading(&self, _now: Timestamp) -> Reading {
        let mut measures = vec![(SmolStr::new_static("events"), Measure::Count(self.claimed))];
        let Some((first, last)) = self.ends else {
            return Reading { status: Status::Absent, measures };
        };
        measures.push((SmolStr::new_static("span"), Measure::Span(last.since(first))));
        let gap = self.gaps.median().map(|gap| (SmolStr::new_static("median_gap"), Measure::Span(gap)));
        measures.extend(gap);
        Reading { status: Status::Present(Probability::new(1.0)), measures }
    }

    fn shortfall(&self, now: Timestamp) -> Option<String> {
        let (needed, within) = (self.recent.most(), self.recent.window());
        let limit = length(within);
        let open = || self.recent.iter().filter(|event| now.since(event.time) < within);
        let best = self.recent.len().max(usize::try_from(self.best).unwrap_or(usize::MAX));
        let mut text = match best {
            0 => return Some(format!("no event; {needed} are needed within {limit}")),
            best => format!("{best} of {} within {limit}", many(needed, "event")),
        };
        let count = open().count();
        if let Some(oldest) = open().next() {
            let by = stamp(oldest.time.plus(within));
            text = match needed.saturating_sub(count) {
                _ if count < best => format!("at best {text}, now {count}"),
                1 => format!("{text}; the next would have to come before {by}"),
                more => format!("{text}; {more} more would have to come before {by}"),
            };
        } else if best < needed {
            text = format!("at best {text}");
        }
        if let Some(late) = self.late {
            let by = length(Duration::from_nanos(late.get() - 1));
            text = format!("{text}; the one that would have been enough came {by} too late");
        }
        Some(text)
    }
}

impl Window {
    /// An event comes before there were enough: how close is that?
    fn attempt(&mut self, time: Timestamp) {
        let (needed, within) = (self.recent.most(), self.recent.window());
        self.best = self.best.max(u32::try_from(self.recent.len()).unwrap_or(u32::MAX));
        if let Some(oldest) = self.recent.iter().next().filter(|_| self.recent.len() + 1 == needed)
            && let Some(over) = time.since(oldest.time).checked_sub(within)
        {
            // One more, so that not late at all, which is too late here, is a number as well.
            let late = NonZeroU64::MIN.saturating_add(u64::try_from(over.as_nanos()).unwrap_or(u64::MAX));
            self.late = Some(self.late.map_or(late, |least| least.min(late)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detector::fixture::{Player, build, span};

    fn threshold(at_least: usize, within: u64) -> Threshold {
        Threshold { class: ClassId(0), at_least, within: span(within) }
    }

    fn play(detector: Threshold, times: &[i64]) -> Player {
        let events: Vec<(i64, &[u32])> = times.iter().map(|&time| (time, &[0][..])).collect();
        Player::play(detector, &events, None)
    }

    #[test]
    fn its_parameters_are_checked() {
        let refused = |text: &str| build(&Count, text).map(|detector| detector.horizon()).err();
        assert_eq!(refused("{event: d, at-least: 3, within: 12h}"), None);
        assert_eq!(refused("{event: d, at-least: 0, within: 12h}").as_deref(), Some("1:22 out-of-range"));
        assert_eq!(refused("{event: d, at-least: 4097, within: 12h}").as_deref(), Some("1:22 out-of-range"));
        assert_eq!(refused("{event: d, at-least: 3}").as_deref(), Some("1:1 missing-key"));
    }

    #[test]
    fn events_exactly_one_window_apart_do_not_lie_in_one() {
        assert_eq!(play(threshold(2, 100), &[0, 99]).status(), "present");
        assert_eq!(play(threshold(2, 100), &[0, 100]).status(), "absent");
        assert_eq!(play(threshold(2, 100), &[0, 101]).status(), "absent");
    }

    #[test]
    fn all_members_are_claimed_and_each_once() {
        let player = play(threshold(3, 100), &[0, 10, 20, 90, 501, 590, 600, 610]);
        // 501 joins only when 600 completes the next three.
        assert_eq!(player.claims(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(player.measure("span"), Some(Measure::Span(span(610))));
        let player = play(threshold(3, 100), &[0, 10, 20, 400, 500, 900]);
        assert_eq!(player.claims(), [0, 1, 2], "lone events afterwards do not speak for it");
        assert_eq!(player.status(), "present");
    }

    #[test]
    fn the_median_gap_is_that_of_the_claimed_events() {
        let player = play(threshold(3, 100), &[0, 10, 40, 45]);
        assert_eq!(player.measure("median_gap"), Some(Measure::Span(span(10))));
        assert_eq!(play(threshold(1, 100), &[0]).measure("median_gap"), None);
    }

    #[test]
    fn what_is_missing_reads_as_a_sentence() {
        const SECOND: i64 = 1_000_000_000;
        let detector = || Threshold { class: ClassId(0), at_least: 4, within: Duration::from_secs(60) };
        let missing = |seconds: &[i64], end: i64| {
            let events: Vec<(i64, &[u32])> = seconds.iter().map(|&at| (at * SECOND, &[0][..])).collect();
            Player::play(detector(), &events, Some(end * SECOND)).shortfall()
        };
        assert_eq!(missing(&[], 9), "no event; 4 are needed within 1m");
        assert_eq!(
            missing(&[0, 10, 20], 30),
            "3 of 4 events within 1m; the next would have to come before 1970-01-01 00:01:00"
        );
        assert_eq!(
            missing(&[10], 30),
            "1 of 4 events within 1m; 3 more would have to come before 1970-01-01 00:01:10"
        );
        assert_eq!(missing(&[0, 10, 20], 90), "at best 3 of 4 events within 1m");
        assert_eq!(
            missing(&[0, 10, 20, 100], 101),
            "at best 3 of 4 events within 1m, now 1; the one that would have been enough came 40s too late"
        );
        assert_eq!(
            missing(&[0, 10, 20, 60], 500),
            "at best 3 of 4 events within 1m; the one that would have been enough came 0s too late"
        );
    }

    #[test]
    fn events_of_one_instant_count_severally() {
        assert_eq!(play(threshold(3, 1), &[7, 7, 7]).claims(), [0, 1, 2]);
    }

    proptest! {
        /// An event is claimed when it lies in a window `(t - w, t]` that ends at an event and holds n of them.
        #[test]
        fn it_claims_what_the_definition_claims(
            mut times in proptest::collection::vec(
                prop_oneof![0i64..60, proptest::sample::select(vec![0i64, 9, 10, 11, 20])], 0..24),
            at_least in 1usize..5, within in 1u64..12,
        ) {
            times.sort_unstable();
            let length = i64::try_from(within).unwrap_or(0);
            let mut claimed = std::collections::BTreeSet::new();
            for end in 0..times.len() {
                let members: Vec<usize> = (0..=end).rev().filter(|&i| times[end] - times[i] < length).take(at_least).collect();
                if members.len() == at_least {
                    claimed.extend(members.into_iter().map(|i| i as u64));
                }
            }
            let player = play(threshold(at_least, within), &times);
            prop_assert_eq!(player.claims(), claimed.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(player.reading().status.is_present(), !claimed.is_empty());
            prop_assert_eq!(player.count("events"), claimed.len() as u64);
        }
    }
}
