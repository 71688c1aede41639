//! A count of records that stand for several events.
//!
//! Kept are the last records in the window that together stand for n events: at most n, because each stands for one at
//! least. Memory per subject: 64 bytes each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use minicbor::{Decode, Encode};
use smol_str::SmolStr;

use crate::codec::{Renumber, state};
use crate::detector::count::Threshold;
use crate::detector::weight::{Records, Weight};
use crate::detector::words::{length, many, stamp};
use crate::detector::{ClassId, Definition, Detector, Facts, Findings, Hit, Reading, Watch, remembered};
use crate::model::{Exhibit, FieldId, Measure, Probability, Status, Timestamp};
use crate::predicate::Domain;
use crate::timeline::{Recent, Spans};

/// So many events in a window, where a field says how many a record stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighted {
    pub(crate) plain: Threshold,
    pub(crate) weight: FieldId,
}

impl Detector for Weighted {
    fn classes(&self) -> Vec<ClassId> {
        self.plain.classes()
    }

    fn definition(&self) -> Option<Definition> {
        Some(self.plain.definition()?.weighted(Some(self.weight)))
    }

    fn horizon(&self) -> Duration {
        self.plain.horizon()
    }

    fn facts(&self) -> Facts {
        let facts = Facts::needing(self.plain.class).with_window(self.plain.within);
        let facts = facts.with_measure("events", Domain::at_least(self.plain.at_least as f64));
        facts.with_records(Some(self.weight))
    }

    fn memory(&self) -> usize {
        size_of::<Load>()
            + Recent::<Exhibit>::memory(self.plain.at_least) / size_of::<Exhibit>() * size_of::<Kept>()
            + Spans::MEMORY
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Load {
            of: *self,
            kept: VecDeque::new(),
            sum: 0,
            untaken: 0,
            best: 0,
            events: 0,
            records: Records::default(),
            ends: None,
            gaps: Spans::default(),
        })
    }
}

#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
struct Kept {
    #[n(0)]
    exhibit: Exhibit,
    #[n(1)]
    weight: Weight,
}

/// The memory about one subject.
#[derive(Debug)]
struct Load {
    of: Weighted,
    // Invariant: all lie in the window of the newest; without the oldest they stand for fewer than are needed.
    kept: VecDeque<Kept>,
    /// How many events they stand for together, each for no more than are needed.
    sum: u64,
    /// How many of them, the newest, were not claimed.
    untaken: usize,
    /// The most in one window, until there were enough.
    best: u64,
    events: u64,
    records: Records,
    /// The times of the first and the last claimed record.
    ends: Option<(Timestamp, Timestamp)>,
    gaps: Spans,
}

state!(Load {
    0 => kept, 1 => sum, 2 => untaken, 3 => best, 4 => events, 5 => records, 6 => ends, 7 => gaps
}, sound);

impl Load {
    /// Whether no more records are kept than stand for enough, and the sum is theirs.
    fn sound(&self) -> bool {
        let sum = self.kept.iter().map(|kept| self.share(kept)).fold(0, u64::saturating_add);
        self.kept.len() <= self.of.plain.at_least && self.untaken <= self.kept.len() && self.sum == sum
    }

    fn needed(&self) -> u64 {
        u64::try_from(self.of.plain.at_least).unwrap_or(u64::MAX)
    }

    /// What a record adds to the sum: one that is enough by itself is enough.
    fn share(&self, kept: &Kept) -> u64 {
        kept.weight.count().min(self.needed())
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.sum = self.sum.saturating_sub(self.share(&oldest));
            self.untaken = self.untaken.min(self.kept.len());
        }
    }

    fn keep(&mut self, kept: Kept) {
        let now = kept.exhibit.time;
        while self.kept.front().is_some_and(|old| now.since(old.exhibit.time) >= self.of.plain.within) {
            self.forget_oldest();
        }
        self.sum = self.sum.saturating_add(self.share(&kept));
        self.kept.push_back(kept);
        self.untaken += 1;
        while self
            .kept
            .front()
            .is_some_and(|oldest| self.sum - self.share(oldest).min(self.sum) >= self.needed())
        {
            self.forget_oldest();
        }
    }
}

impl Watch for Load {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        let weight = Weight::of(hit, self.of.weight);
        if !hit.is(self.of.plain.class) || weight.count() == 0 {
            return;
        }
        self.keep(Kept { exhibit: hit.exhibit, weight });
        if self.sum < self.needed() {
            if self.ends.is_none() {
                self.best = self.best.max(self.sum);
            }
            return;
        }
        let taken = self.kept.len() - std::mem::take(&mut self.untaken).min(self.kept.len());
        for Kept { exhibit, weight } in self.kept.iter().skip(taken) {
            self.events = self.events.saturating_add(weight.count());
            self.records.add(*weight);
            if let Some((_, last)) = self.ends {
                self.gaps.push(exhibit.time.since(last));
            }
            self.ends = Some((self.ends.map_or(exhibit.time, |(first, _)| first), exhibit.time));
            out.claim(*exhibit);
        }
    }

    fn reading(&self, _now: Timestamp) -> Reading {
        let mut measures = vec![(SmolStr::new_static("events"), Measure::Count(self.events))];
        let Some((first, last)) = self.ends else {
            return Reading { status: Status::Absent, measures };
        };
        measures.push((SmolStr::new_static("span"), Measure::Span(last.since(first))));
        let gap = self.gaps.median().map(|gap| (SmolStr::new_static("median_gap"), Measure::Span(gap)));
        measures.extend(gap);
        let mut reading = Reading { status: Status::Present(Probability::new(1.0)), measures };
        self.records.tell(&mut reading);
        reading
    }

    fn shortfall(&self, now: Timestamp) -> Option<String> {
        let Threshold { at_least, within, .. } = self.of.plain;
        if self.ends.is_some() {
            return None;
        }
        let limit = length(within);
        if self.best == 0 {
            return Some(format!("no event; {at_least} are needed within {limit}"));
        }
        let text = format!("{} of {} within {limit}", self.best, many(at_least, "event"));
        let open = |kept: &&Kept| now.since(kept.exhibit.time) < within;
        let sum: u64 =
            self.kept.iter().filter(open).map(|kept| self.share(kept)).fold(0, u64::saturating_add);
        Some(match self.kept.iter().find(open) {
            None => format!("at best {text}"),
            Some(_) if sum < self.best => format!("at best {text}, now {sum}"),
            Some(oldest) => {
                let by = stamp(oldest.exhibit.time.plus(within));
                format!("{text}; {} more would have to come before {by}", self.needed().saturating_sub(sum))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detector::bench::Bench;
    use crate::detector::fixture::{at, span};
    use crate::model::Value;

    const FIELD: FieldId = FieldId(0);

    /// Shows records of (time, weight); their numbers are their children.
    fn show(at_least: usize, within: u64, records: &[(i64, i64)]) -> Bench {
        let plain = Threshold { class: ClassId(0), at_least, within: span(within) };
        let mut bench = Bench::new(Weighted { plain, weight: FIELD });
        for (number, &(time, weight)) in (0..).zip(records) {
            bench.event.set(FIELD, Some(Value::Int(weight)));
            bench.show(at(time), ClassId(0), number);
        }
        bench
    }

    fn claims(bench: &Bench) -> Vec<u64> {
        bench.claimed.iter().map(|exhibit| exhibit.identity).collect()
    }

    #[test]
    fn the_last_records_that_are_enough_together_are_claimed_each_once() {
        assert_eq!(claims(&show(10, 100, &[(0, 4), (1, 4), (2, 4)])), [0, 1, 2]);
        assert_eq!(claims(&show(10, 100, &[(0, 4), (1, 6), (2, 6)])), [0, 1, 2]);
        assert_eq!(claims(&show(10, 100, &[(0, 4), (1, 4), (2, 40), (3, 4)])), [2, 3]);
        assert!(claims(&show(10, 100, &[(0, 5), (100, 5)])).is_empty(), "one window apart");
        assert!(claims(&show(10, 100, &[(0, 0), (1, 9)])).is_empty());
    }

    #[test]
    fn events_and_records_are_counted_apart() {
        let mut bench = show(10, 100, &[(0, 40), (1, -1), (2, 2)]);
        let reading = bench.reading(at(9));
        let value = |name: &str| reading.value(name);
        assert_eq!(value("events"), Some(Value::Int(43)));
        assert_eq!((value("records"), value("unweighted")), (Some(Value::Int(3)), Some(Value::Int(1))));
        assert_eq!(value("span"), Some(Value::Int(2)));
    }

    #[test]
    fn weights_saturate() {
        let mut bench = show(10, 100, &[(0, i64::MAX), (1, i64::MAX), (2, i64::MAX)]);
        assert_eq!(bench.reading(at(9)).value("events"), Some(Value::Int(i64::MAX)));
        assert_eq!(claims(&bench), [0, 1, 2]);
    }

    #[test]
    fn what_is_missing_reads_as_a_sentence() {
        let missing = |records: &[(i64, i64)], end: i64| {
            let records: Vec<(i64, i64)> = records.iter().map(|&(t, w)| (t * 1_000_000_000, w)).collect();
            show(100, 60_000_000_000, &records).shortfall(at(end * 1_000_000_000))
        };
        assert_eq!(missing(&[], 9), "no event; 100 are needed within 1m");
        assert_eq!(
            missing(&[(0, 40), (10, 20)], 30),
            "60 of 100 events within 1m; 40 more would have to come before 1970-01-01 00:01:00"
        );
        assert_eq!(missing(&[(0, 40), (10, 20)], 62), "at best 60 of 100 events within 1m, now 20");
        assert_eq!(missing(&[(0, 40), (10, 20)], 99), "at best 60 of 100 events within 1m");
    }

    proptest! {
        #[test]
        fn it_claims_what_the_definition_claims(
            steps in proptest::collection::vec((0i64..6, 0i64..7), 0..24), at_least in 1usize..12, within in 1u64..12,
        ) {
            let mut now = 0;
            let records: Vec<(i64, i64)> = steps.into_iter().map(|(gap, weight)| { now += gap; (now, weight) }).collect();
            let length = i64::try_from(within).unwrap_or(0);
            let mut claimed = std::collections::BTreeSet::new();
            let mut events = 0;
            for end in (0..records.len()).filter(|&end| records[end].1 > 0) {
                let inside = (0..=end).rev().filter(|&at| records[at].1 > 0 && records[end].0 - records[at].0 < length);
                let (mut members, mut sum) = (Vec::new(), 0);
                for at in inside {
                    if sum >= at_least as i64 { break; }
                    sum += records[at].1;
                    members.push(at);
                }
                if sum >= at_least as i64 {
                    for at in members {
                        if claimed.insert(at as u64) { events += records[at].1; }
                    }
                }
            }
            let mut bench = show(at_least, within, &records);
            prop_assert_eq!(claims(&bench), claimed.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(bench.reading(at(999)).value("events"), Some(Value::Int(events)));
        }

        #[test]
        fn with_a_weight_of_one_it_counts_as_it_does_without(
            mut times in proptest::collection::vec(0i64..60, 0..24), at_least in 1usize..5, within in 1u64..12,
        ) {
            times.sort_unstable();
            let records: Vec<(i64, i64)> = times.iter().map(|&time| (time, 1)).collect();
            let mut plain = Bench::new(Threshold { class: ClassId(0), at_least, within: span(within) });
            (0..).zip(&times).for_each(|(number, &time)| plain.show(at(time), ClassId(0), number));
            prop_assert_eq!(claims(&show(at_least, within, &records)), claims(&plain));
        }
    }
}
