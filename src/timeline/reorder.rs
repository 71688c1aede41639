//! Events wait here until the watermark has passed them, and leave in canonical order.
//!
//! Logs are nearly in order, so events stand in one ascending run that new ones join at the end; one that comes late is
//! moved a few places at most, and a straggler that would have to be moved further waits in a tree beside the run.
//! In order: a comparison and a push. Straggler: O(log n). Leaving: O(1), or O(log n) for a straggler.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque, btree_map};

use crate::model::Timestamp;

/// How many places a new event may be moved within the run.
const NEAR: usize = 32;

/// The canonical place of an event: its time, then what makes the order of one instant the same in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    /// Event time.
    pub time: Timestamp,
    /// The rank of the source, or the identity of the record.
    pub a: u64,
    /// The position within the source, or nothing.
    pub b: u64,
}

impl Order {
    /// For inputs whose lines stand in the order in which things happened: an equal position is a repeat.
    pub fn by_position(time: Timestamp, source: u64, position: u64) -> Self {
        Self { time, a: source, b: position }
    }

    /// For inputs that deliver more than once and in any order: an equal time and identity is a repeat.
    pub fn by_record(time: Timestamp, identity: u64) -> Self {
        Self { time, a: identity, b: 0 }
    }
}

/// A buffer of events that puts them in canonical order and keeps one of equals.
#[derive(Debug)]
pub struct Reorder<T> {
    // Invariant: ascending, without equals, and no order stands both here and among the strays: a stray has at least
    // NEAR events of the run after it for as long as it waits, so a repeat of it becomes a stray again and is noticed.
    run: VecDeque<(Order, T)>,
    strays: BTreeMap<Order, T>,
}

impl<T> Default for Reorder<T> {
    fn default() -> Self {
        Self { run: VecDeque::new(), strays: BTreeMap::new() }
    }
}

impl<T> Reorder<T> {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event; `false` when one of the same order is waiting already, which then stays.
    pub fn insert(&mut self, order: Order, item: T) -> bool {
        if self.run.back().is_none_or(|(last, _)| *last < order) {
            self.run.push_back((order, item));
            return true;
        }
        match self.search(&order) {
            Ok(_) => false,
            Err(place) if self.run.len() - place < NEAR => {
                self.run.insert(place, (order, item));
                true
            }
            Err(_) => match self.strays.entry(order) {
                btree_map::Entry::Occupied(_) => false,
                btree_map::Entry::Vacant(vacant) => {
                    vacant.insert(item);
                    true
                }
            },
        }
    }

    /// The place of an order in the run, or where it would stand: nearly always among the last.
    fn search(&self, order: &Order) -> Result<usize, usize> {
        let near = self.run.len().saturating_sub(NEAR);
        if self.run.get(near).is_none_or(|(known, _)| order < known) {
            return self.run.binary_search_by_key(order, |(known, _)| *known);
        }
        let mut place = self.run.len();
        for (known, _) in self.run.range(near..).rev() {
            match known.cmp(order) {
                Ordering::Greater => place -= 1,
                Ordering::Equal => return Ok(place - 1),
                Ordering::Less => break,
            }
        }
        Err(place)
    }

    /// Takes the first event, when its time lies before `watermark`.
    pub fn pop_before(&mut self, watermark: Timestamp) -> Option<(Order, T)> {
        let run = self.run.front().map(|(order, _)| *order);
        let stray = self.strays.first_key_value().map(|(order, _)| *order);
        let first = match (run, stray) {
            (Some(run), Some(stray)) => run.min(stray),
            (run, stray) => run.or(stray)?,
        };
        if first.time >= watermark {
            return None;
        }
        if stray == Some(first) { self.strays.pop_first() } else { self.run.pop_front() }
    }

    /// The events that wait, in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = (&Order, &T)> {
        let mut run = self.run.iter().map(|(order, item)| (order, item)).peekable();
        let mut strays = self.strays.iter().peekable();
        std::iter::from_fn(move || match (run.peek(), strays.peek()) {
            (Some((a, _)), Some((b, _))) if b < a => strays.next(),
            (Some(_), _) => run.next(),
            (None, _) => strays.next(),
        })
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.run.len() + self.strays.len()
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.run.is_empty() && self.strays.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn order(time: i64, a: u64, b: u64) -> Order {
        Order { time: Timestamp::from_nanos(time).unwrap_or(Timestamp::MIN), a, b }
    }

    #[test]
    fn events_leave_by_time_then_source_then_position() {
        let mut reorder = Reorder::new();
        for (time, a, b) in [(2, 0, 9), (1, 1, 0), (1, 0, 7), (1, 0, 3)] {
            assert!(reorder.insert(order(time, a, b), ()));
        }
        let left: Vec<_> =
            std::iter::from_fn(|| reorder.pop_before(Timestamp::MAX)).map(|(order, ())| order).collect();
        assert_eq!(left, [order(1, 0, 3), order(1, 0, 7), order(1, 1, 0), order(2, 0, 9)]);
    }

    #[test]
    fn the_watermark_is_exclusive() {
        let mut reorder = Reorder::new();
        reorder.insert(order(5, 0, 0), ());
        assert!(reorder.pop_before(order(5, 0, 0).time).is_none());
        assert!(reorder.pop_before(order(6, 0, 0).time).is_some());
        assert!(reorder.is_empty());
    }

    proptest! {
        #[test]
        fn any_arrival_order_leaves_sorted_and_once(
            arrivals in proptest::collection::vec((0i64..90, 0u64..4), 0..600), pops in 0i64..90,
        ) {
            let mut reorder = Reorder::new();
            let mut sorted = BTreeSet::new();
            for &(time, a) in &arrivals {
                let order = order(time, a, 0);
                prop_assert_eq!(reorder.insert(order, order), sorted.insert(order));
                prop_assert_eq!(reorder.len(), sorted.len());
            }
            let mut left = Vec::new();
            for watermark in [pops, 90] {
                while let Some((order, item)) = reorder.pop_before(self::order(watermark, 0, 0).time) {
                    prop_assert_eq!(order, item);
                    prop_assert!(order.time.nanos() < watermark);
                    left.push(order);
                }
            }
            prop_assert_eq!(left, sorted.into_iter().collect::<Vec<_>>());
            prop_assert!(reorder.is_empty());
        }

        /// Pops between inserts, with the watermark behind the newest, as a run does it.
        #[test]
        fn repeats_are_noticed_while_events_leave(steps in proptest::collection::vec((0i64..70, 0u64..3), 0..600)) {
            let mut reorder = Reorder::new();
            let mut model: BTreeSet<Order> = BTreeSet::new();
            let mut watermark = 0;
            for (tick, &(back, a)) in steps.iter().enumerate() {
                let time = i64::try_from(tick).unwrap_or(0) + 70 - back;
                if time < watermark {
                    continue;
                }
                let order = order(time, a, 0);
                prop_assert_eq!(reorder.insert(order, ()), model.insert(order));
                watermark = watermark.max(time - 60);
                while let Some((popped, ())) = reorder.pop_before(self::order(watermark, 0, 0).time) {
                    prop_assert_eq!(Some(popped), model.pop_first());
                }
                prop_assert!(model.first().is_none_or(|first| first.time.nanos() >= watermark));
            }
        }
    }
}
