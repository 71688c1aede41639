//! Alarms, which go off in order of time and then of key.
//!
//! An alarm that was set is not taken back: whoever it wakes looks whether there is anything to do, and sets the next. So
//! putting off what is awaited costs nothing, however often that is done, and setting an alarm is O(log n).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::Timestamp;

/// The alarms of all keys.
#[derive(Clone, Debug)]
pub struct Alarms<K> {
    heap: BinaryHeap<Reverse<(Timestamp, K)>>,
    /// How many there may be before those are to be thrown away that wake nobody.
    many: usize,
}

impl<K: Copy + Ord> Default for Alarms<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), many: Self::FEW }
    }
}

impl<K: Copy + Ord> Alarms<K> {
    /// So many are never too many.
    const FEW: usize = 64;

    /// No alarms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an alarm; others of the same key stay.
    pub fn set(&mut self, time: Timestamp, key: K) {
        self.heap.push(Reverse((time, key)));
    }

    /// Takes the first alarm that lies before `time`. What is due at `time` itself is due only after all events of that
    /// instant.
    pub fn next_before(&mut self, time: Timestamp) -> Option<(Timestamp, K)> {
        self.heap.peek().filter(|first| first.0.0 < time)?;
        self.heap.pop().map(|Reverse(first)| first)
    }

    /// Whether there are twice as many as were worth keeping the last time.
    pub fn is_crowded(&self) -> bool {
        self.heap.len() > self.many
    }

    /// Throws away those that wake nobody.
    pub fn retain(&mut self, mut wakes: impl FnMut(Timestamp, K) -> bool) {
        self.heap.retain(|&Reverse((time, key))| wakes(time, key));
        self.many = self.heap.len().saturating_mul(2).max(Self::FEW);
    }

    /// How many are set.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos).unwrap_or(Timestamp::MIN)
    }

    fn all_before(alarms: &mut Alarms<u32>, time: i64) -> Vec<(i64, u32)> {
        std::iter::from_fn(|| alarms.next_before(at(time))).map(|(time, key)| (time.nanos(), key)).collect()
    }

    #[test]
    fn alarms_go_off_by_time_and_then_by_key() {
        let mut alarms = Alarms::new();
        for (key, time) in [(3, 10), (1, 10), (2, 5)] {
            alarms.set(at(time), key);
        }
        assert_eq!(all_before(&mut alarms, 11), [(5, 2), (10, 1), (10, 3)]);
        assert!(alarms.is_empty());
    }

    #[test]
    fn an_alarm_at_the_asked_time_does_not_go_off_yet() {
        let mut alarms = Alarms::new();
        alarms.set(at(10), 1);
        assert_eq!(alarms.next_before(at(10)), None);
        assert_eq!(alarms.next_before(at(11)), Some((at(10), 1)));
    }

    #[test]
    fn those_that_wake_nobody_are_never_more_than_the_others_for_long() {
        let mut alarms = Alarms::new();
        for time in 0..10_000 {
            alarms.set(at(time), 1);
            if alarms.is_crowded() {
                alarms.retain(|set, _| set.nanos() + 100 > time);
            }
            assert!(alarms.len() <= 201);
        }
        assert_eq!(all_before(&mut alarms, 20_000).last(), Some(&(9_999, 1)));
    }
}
