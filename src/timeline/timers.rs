//! Deadlines, one for each key, met in order of time and then of key.
//!
//! A deadline that is set or cleared only changes what its key is known by; the heap forgets the old one when its time
//! comes, or when more than half of it is old. Setting and meeting a deadline are O(log n), clearing one is O(1).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

use foldhash::fast::RandomState;

use crate::model::Timestamp;

/// The live deadline of every key that has one.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    // Invariant: holds every live deadline with its key, and perhaps some that are no more.
    by_time: BinaryHeap<Reverse<(Timestamp, K)>>,
    // Only looked up, never iterated in a way that shows.
    by_key: HashMap<K, Timestamp, RandomState>,
}

impl<K: Copy + Ord + Hash> Default for Timers<K> {
    fn default() -> Self {
        Self { by_time: BinaryHeap::new(), by_key: HashMap::default() }
    }
}

impl<K: Copy + Ord + Hash> Timers<K> {
    /// So many old deadlines may always stay.
    const OLD: usize = 64;

    /// No deadlines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the deadline of a key in place of the one it had; `None` clears it.
    pub fn set(&mut self, key: K, deadline: Option<Timestamp>) {
        let before = match deadline {
            Some(time) => self.by_key.insert(key, time),
            None => self.by_key.remove(&key),
        };
        if let Some(time) = deadline.filter(|_| before != deadline) {
            self.by_time.push(Reverse((time, key)));
        }
        if self.by_time.len() > Self::OLD + 2 * self.by_key.len() {
            let by_key = &self.by_key;
            self.by_time.retain(|Reverse((time, key))| by_key.get(key) == Some(time));
        }
    }

    /// The deadline of a key.
    pub fn get(&self, key: K) -> Option<Timestamp> {
        self.by_key.get(&key).copied()
    }

    /// Takes the first deadline that lies before `time`. What is due at `time` itself is due only after all events of
    /// that instant.
    pub fn due_before(&mut self, time: Timestamp) -> Option<(Timestamp, K)> {
        while let Some(&Reverse((deadline, key))) = self.by_time.peek().filter(|first| first.0.0 < time) {
            self.by_time.pop();
            // Twice in the heap is met once: by then the key has no deadline, or a later one.
            if self.by_key.get(&key) == Some(&deadline) {
                self.by_key.remove(&key);
                return Some((deadline, key));
            }
        }
        None
    }

    /// How many keys have a deadline.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether no key has a deadline.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos).unwrap_or(Timestamp::MIN)
    }

    fn all_before(timers: &mut Timers<u32>, time: i64) -> Vec<(i64, u32)> {
        std::iter::from_fn(|| timers.due_before(at(time))).map(|(time, key)| (time.nanos(), key)).collect()
    }

    #[test]
    fn deadlines_are_met_by_time_and_then_by_key() {
        let mut timers = Timers::new();
        for (key, time) in [(3, 10), (1, 10), (2, 5)] {
            timers.set(key, Some(at(time)));
        }
        assert_eq!(all_before(&mut timers, 11), [(5, 2), (10, 1), (10, 3)]);
        assert!(timers.is_empty());
    }

    #[test]
    fn a_deadline_at_the_asked_time_is_not_due_yet() {
        let mut timers = Timers::new();
        timers.set(1, Some(at(10)));
        assert_eq!(timers.due_before(at(10)), None);
        assert_eq!(timers.due_before(at(11)), Some((at(10), 1)));
    }

    #[test]
    fn a_key_has_one_deadline_the_last_one_set() {
        let mut timers = Timers::new();
        timers.set(1, Some(at(10)));
        timers.set(1, Some(at(20)));
        timers.set(2, Some(at(15)));
        timers.set(2, None);
        assert_eq!(timers.len(), 1);
        assert_eq!(timers.get(1), Some(at(20)));
        assert_eq!(all_before(&mut timers, 99), [(20, 1)]);
    }

    proptest::proptest! {
        #[test]
        fn any_setting_and_clearing_gives_what_a_sorted_list_gives(
            steps in proptest::collection::vec((0u32..6, proptest::option::of(0i64..40), 0i64..60), 0..400),
        ) {
            let mut timers = Timers::new();
            let mut plain = std::collections::BTreeMap::new();
            for (key, deadline, reached) in steps {
                timers.set(key, deadline.map(at));
                proptest::prop_assert!(timers.by_time.len() <= Timers::<u32>::OLD + 2 * timers.len() + 1);
                match deadline {
                    Some(time) => plain.insert(key, time),
                    None => plain.remove(&key),
                };
                if reached < 10 {
                    let mut due: Vec<(i64, u32)> = plain.iter().map(|(&key, &time)| (time, key)).collect();
                    due.retain(|&(time, _)| time < reached);
                    due.sort_unstable();
                    plain.retain(|_, time| *time >= reached);
                    proptest::prop_assert_eq!(all_before(&mut timers, reached), due);
                }
                proptest::prop_assert_eq!((timers.len(), timers.get(key)), (plain.len(), plain.get(&key).map(|&time| at(time))));
            }
        }
    }
}
