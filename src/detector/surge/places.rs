//! How many children have each value of a field.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use foldhash::HashMap;
use smol_str::SmolStr;

use crate::codec::{Damaged, Reader, State, Writer};

/// A count for each value. Only looked up, and swept for the greatest; saved in the order of values.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<SmolStr, u64>);

/// Room for so many values stays when a bucket is over.
const IDLE: usize = 32;

impl Places {
    /// How many bytes stay: a table doubles when seven eighths of it are full, and has one byte beside each place.
    pub(super) const MEMORY: usize = IDLE * (size_of::<(SmolStr, u64)>() + 1) * 16 / 7;

    /// So many more children have this value, up to a limit.
    pub(super) fn add(&mut self, value: &SmolStr, children: u64, most: u64) {
        match self.0.get_mut(value) {
            Some(count) => *count = count.saturating_add(children).min(most),
            None => drop(self.0.insert(value.clone(), children.min(most))),
        }
    }

    /// The most common value and how many children have it; the first in order when several are.
    pub(super) fn most(&self) -> Option<(&str, u64)> {
        let most = self.0.iter().max_by_key(|&(value, &count)| (count, Reverse(value)));
        most.map(|(value, &count)| (value.as_str(), count))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
        self.0.shrink_to(IDLE);
    }
}

impl State for Places {
    fn save(&self, out: &mut Writer) {
        let sorted: BTreeMap<&str, u64> =
            self.0.iter().map(|(value, &count)| (value.as_str(), count)).collect();
        out.value(&sorted);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        let saved: BTreeMap<&str, u64> = from.value()?;
        self.0 = saved.into_iter().map(|(value, count)| (SmolStr::new(value), count)).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_values_that_are_as_common_the_first_in_order_is_named() {
        let mut places = Places::default();
        assert_eq!(places.most(), None);
        for value in ["c", "b", "a", "b", "c", "d"] {
            places.add(&value.into(), 1, 9);
        }
        assert_eq!(places.most(), Some(("b", 2)));
        places.add(&"d".into(), 20, 9);
        places.add(&"d".into(), 20, 9);
        assert_eq!(places.most(), Some(("d", 9)), "none counts for more than the limit");
    }

    #[test]
    fn they_are_saved_as_a_sorted_map_is() {
        let (mut places, mut sorted) = (Places::default(), BTreeMap::new());
        for number in 0..100u64 {
            places.add(&format!("value {number}").into(), number, 50);
            sorted.insert(format!("value {number}"), number.min(50));
        }
        let (mut ours, mut theirs) = (Writer::new(), Writer::new());
        places.save(&mut ours);
        State::save(&sorted, &mut theirs);
        let ours = ours.finish();
        assert_eq!(ours, theirs.finish());
        let mut back = Places::default();
        assert_eq!(back.restore(&mut Reader::new(&ours)), Ok(()));
        assert_eq!((back.0.len(), back.most()), (100, places.most()));
    }
}
