//! Deadlines, one for each key, met in order of time and then of key.
//!
//! Two ordered trees: setting, clearing and meeting a deadline are each O(log n), whatever the deadlines are.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Timestamp;

/// The live deadline of every key that has one.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    // Invariant: the same pairs, both ways round.
    by_time: BTreeSet<(Timestamp, K)>,
    by_key: BTreeMap<K, Timestamp>,
}

impl<K: Copy + Ord> Default for Timers<K> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Timers<K> {
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
        if before == deadline {
            return;
        }
        if let Some(time) = before {
            self.by_time.remove(&(time, key));
        }
        if let Some(time) = deadline {
            self.by_time.insert((time, key));
        }
    }

    /// The deadline of a key.
    pub fn get(&self, key: K) -> Option<Timestamp> {
        self.by_key.get(&key).copied()
    }

    /// Takes the first deadline that lies before `time`. What is due at `time` itself is due only after all events of
    /// that instant.
    pub fn due_before(&mut self, time: Timestamp) -> Option<(Timestamp, K)> {
        let &(deadline, key) = self.by_time.first()?;
        if deadline >= time {
            return None;
        }
        self.set(key, None);
        Some((deadline, key))
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
}
