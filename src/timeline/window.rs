//! Sliding windows: the last few items themselves ([`Recent`]), or only how many there were ([`Buckets`]).

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::{Damaged, Reader, State, Writer};
use crate::model::{Exhibit, Timestamp};

/// Something that happened at a time.
pub trait Stamped {
    /// When.
    fn time(&self) -> Timestamp;
}

impl Stamped for Exhibit {
    fn time(&self) -> Timestamp {
        self.time
    }
}

impl Stamped for Timestamp {
    fn time(&self) -> Timestamp {
        *self
    }
}

/// The last so many items that lie within `(t - window, t]`, where t is the time of the newest.
///
/// Items come in order of time. It also remembers which of them were taken, so that each is taken once.
#[derive(Clone, Debug)]
pub struct Recent<T> {
    items: VecDeque<T>,
    most: usize,
    window: Duration,
    // Invariant: at most as many as there are items; the newest ones were not taken.
    untaken: usize,
}

impl<T> State for Recent<T>
where
    VecDeque<T>: State,
{
    fn save(&self, out: &mut Writer) {
        out.fields(2);
        out.number(0);
        self.items.save(out);
        out.number(1);
        out.value(&self.untaken);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        from.fields(|number, from| match number {
            0 => self.items.restore(from),
            1 => self.untaken.restore(from),
            _ => from.skip(),
        })?;
        if self.items.len() > self.most || self.untaken > self.items.len() {
            return Err(Damaged::new("a window that holds more than there is room for"));
        }
        Ok(())
    }
}

impl<T: Stamped + Copy> Recent<T> {
    /// Room for the last `most` items, at least one.
    pub fn new(most: usize, window: Duration) -> Self {
        Self { items: VecDeque::new(), most: most.max(1), window, untaken: 0 }
    }

    /// Adds an item and drops what it pushes out of the window or out of room.
    pub fn push(&mut self, item: T) {
        let now = item.time();
        while self.items.front().is_some_and(|oldest| now.since(oldest.time()) >= self.window) {
            self.items.pop_front();
        }
        if self.items.len() == self.most {
            self.items.pop_front();
        }
        self.items.push_back(item);
        self.untaken = (self.untaken + 1).min(self.items.len());
    }

    /// How many items lie in the window, at most as many as there is room for.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// For how many there is room.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How long the window is.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// How many bytes so many items may take beside the struct itself: room grows by doubling.
    pub fn memory(most: usize) -> usize {
        most.max(4).next_power_of_two().saturating_mul(size_of::<T>())
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether there are as many as there is room for.
    pub fn is_full(&self) -> bool {
        self.items.len() == self.most
    }

    /// The items, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// The items that were not taken before, oldest first; now they are.
    pub fn take(&mut self) -> impl Iterator<Item = T> {
        let taken = self.items.len().saturating_sub(std::mem::take(&mut self.untaken));
        self.items.iter().skip(taken).copied()
    }
}

/// How many there were in each of the last so many stretches of time of equal length, aligned at 1970.
///
/// With n buckets of length w the ring reaches back from the end of the newest bucket by exactly n·w, so at any moment it
/// holds between n - 1 and n of them: exact to one bucket, and never longer than asked. Two rings of the same shape add up.
#[derive(Clone, Debug)]
pub struct Buckets {
    counts: VecDeque<u32>,
    width: u64,
    newest: u64,
    total: u64,
}

impl State for Buckets {
    fn save(&self, out: &mut Writer) {
        out.fields(2);
        out.number(0);
        out.value(&self.newest);
        out.number(1);
        out.value(&self.counts);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        let ring = self.counts.len();
        from.fields(|number, from| match number {
            0 => self.newest.restore(from),
            1 => self.counts.restore(from),
            _ => from.skip(),
        })?;
        if self.counts.len() != ring {
            return Err(Damaged::new("a ring of another size"));
        }
        self.total = self.counts.iter().map(|&count| u64::from(count)).sum();
        Ok(())
    }
}

impl Buckets {
    /// A ring of `count` buckets, each `width` long; at least one bucket of one nanosecond.
    pub fn new(width: Duration, count: usize) -> Self {
        let width = u64::try_from(width.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self { counts: std::iter::repeat_n(0, count.max(1)).collect(), width, newest: 0, total: 0 }
    }

    /// A ring whose buckets together are as long as `window`, rounded up to whole nanoseconds a bucket.
    pub fn over(window: Duration, count: usize) -> Self {
        let count = count.max(1);
        let parts = u128::try_from(count).unwrap_or(u128::MAX);
        let width = u64::try_from(window.as_nanos().div_ceil(parts)).unwrap_or(u64::MAX);
        Self::new(Duration::from_nanos(width), count)
    }

    /// How many bytes so many buckets take beside the struct itself.
    pub fn memory(count: usize) -> usize {
        count.max(4).next_power_of_two().saturating_mul(size_of::<u32>())
    }

    /// The number of the bucket that a time falls into.
    pub fn bucket(&self, time: Timestamp) -> u64 {
        u64::try_from(time.nanos()).unwrap_or(0) / self.width
    }

    /// When a bucket begins, inclusive.
    pub fn start(&self, bucket: u64) -> Timestamp {
        let nanos = i64::try_from(bucket.saturating_mul(self.width)).unwrap_or(i64::MAX);
        Timestamp::from_nanos(nanos).unwrap_or(Timestamp::MAX)
    }

    /// When a bucket ends, exclusive.
    pub fn end(&self, bucket: u64) -> Timestamp {
        self.start(bucket.saturating_add(1))
    }

    /// The newest bucket.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Moves on, so that `bucket` is the newest; what falls out of the ring is forgotten. Never moves back.
    pub fn roll(&mut self, bucket: u64) {
        let steps = bucket.saturating_sub(self.newest);
        if steps == 0 {
            return;
        }
        self.newest = bucket;
        let len = self.counts.len();
        let steps = usize::try_from(steps).unwrap_or(len).min(len);
        for _ in 0..steps {
            let gone = self.counts.pop_front().unwrap_or(0);
            self.total = self.total.saturating_sub(u64::from(gone));
            self.counts.push_back(0);
        }
    }

    /// Whether a bucket is in the ring.
    pub fn holds(&self, bucket: u64) -> bool {
        self.place(bucket).is_some()
    }

    /// Counts one more in a bucket of the ring; elsewhere it does nothing.
    pub fn add(&mut self, bucket: u64) {
        let count = self.place(bucket).and_then(|place| self.counts.get_mut(place));
        if let Some(count) = count.filter(|count| **count < u32::MAX) {
            *count += 1;
            self.total = self.total.saturating_add(1);
        }
    }

    /// Counts one less in a bucket of the ring; elsewhere it does nothing.
    pub fn remove(&mut self, bucket: u64) {
        let count = self.place(bucket).and_then(|place| self.counts.get_mut(place));
        if let Some(count) = count.filter(|count| **count > 0) {
            *count -= 1;
            self.total = self.total.saturating_sub(1);
        }
    }

    /// The count of a bucket; zero outside the ring.
    pub fn get(&self, bucket: u64) -> u32 {
        self.place(bucket).and_then(|place| self.counts.get(place)).copied().unwrap_or(0)
    }

    /// The sum over the ring.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The oldest bucket of the ring that is not empty.
    pub fn oldest(&self) -> Option<u64> {
        let place = self.counts.iter().position(|&count| count > 0)?;
        let back = self.counts.len().checked_sub(place + 1)?;
        self.newest.checked_sub(u64::try_from(back).ok()?)
    }

    fn place(&self, bucket: u64) -> Option<usize> {
        let back = usize::try_from(self.newest.checked_sub(bucket)?).ok()?;
        self.counts.len().checked_sub(1)?.checked_sub(back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos).unwrap_or(Timestamp::MIN)
    }

    #[test]
    fn an_item_leaves_the_window_exactly_one_window_later() {
        for (gap, kept) in [(9, 2), (10, 1), (11, 1)] {
            let mut recent = Recent::new(5, Duration::from_nanos(10));
            recent.push(at(0));
            recent.push(at(gap));
            assert_eq!(recent.len(), kept, "gap {gap}");
        }
    }

    #[test]
    fn each_item_is_taken_once() {
        let mut recent = Recent::new(3, Duration::from_nanos(100));
        (1..=5).for_each(|n| recent.push(at(n)));
        assert_eq!(recent.take().collect::<Vec<_>>(), [at(3), at(4), at(5)]);
        recent.push(at(6));
        assert_eq!(recent.take().collect::<Vec<_>>(), [at(6)]);
        assert_eq!(recent.take().count(), 0);
    }

    #[test]
    fn rolling_on_forgets_what_falls_out() {
        let mut buckets = Buckets::new(Duration::from_nanos(10), 3);
        for bucket in [4, 5, 5, 6] {
            buckets.roll(bucket);
            buckets.add(bucket);
        }
        assert_eq!((buckets.total(), buckets.oldest()), (4, Some(4)));
        buckets.roll(7);
        assert_eq!((buckets.total(), buckets.oldest(), buckets.get(5)), (3, Some(5), 2));
        buckets.remove(5);
        buckets.remove(4);
        assert_eq!(buckets.total(), 2);
        buckets.roll(u64::MAX);
        assert_eq!((buckets.total(), buckets.oldest()), (0, None));
    }

    #[test]
    fn buckets_begin_at_multiples_of_their_width() {
        let buckets = Buckets::over(Duration::from_nanos(100), 3);
        assert_eq!(buckets.bucket(at(33)), 0);
        assert_eq!(buckets.bucket(at(34)), 1);
        assert_eq!((buckets.start(1), buckets.end(1)), (at(34), at(68)));
        assert_eq!(buckets.end(u64::MAX), Timestamp::MAX);
    }
}
