//! Why a bucket was no surge, and what a watch may need.

use smol_str::SmolStr;

use crate::detector::surge::places::Places;
use crate::detector::surge::{Crowd, ENOUGH, HISTORY, IDLE, Near, Settings};
use crate::detector::words::{length, many, stamp};
use crate::model::{Exhibit, Timestamp};
use crate::timeline::ByChild;
use crate::timeline::daily::Daily;

/// The most bytes of one watch, apart from the bucket in progress as far as it holds more than stays.
pub(super) fn memory(settings: &Settings) -> usize {
    let history = HISTORY.next_power_of_two() * size_of::<f64>();
    // A table of so many children is twice as long and has one byte beside each place.
    let children = IDLE * ByChild::<()>::MEMORY_PER_CHILD + size_of::<ByChild<()>>();
    let places = if settings.by.is_some() { Places::MEMORY } else { 0 };
    size_of::<Crowd>()
        + history
        + Daily::MEMORY
        + children
        + places
        + IDLE * size_of::<Exhibit>()
        + size_of::<SmolStr>()
}

impl Crowd {
    /// Remembers a bucket that did not fire, if it was the fullest.
    pub(super) fn remember(&mut self, index: i64, count: f64) {
        if count <= self.near.map_or(0.0, |near| near.count) {
            return;
        }
        self.near = Some(Near { index, count, law: self.expect(index, count) });
    }

    /// What is missing for a surge, in words.
    pub(super) fn missing(&self, now: Timestamp) -> Option<String> {
        if self.firing > 0 {
            return None;
        }
        let things = if self.settings.distinct.is_some() { "children" } else { "events" };
        let width = length(self.settings.bucket);
        let learned = self.learned(now);
        let open = self.open.filter(|_| self.bucket.count as f64 > self.near.map_or(0.0, |near| near.count));
        let text = match (open, self.near) {
            (Some(index), _) => {
                let until = stamp(self.grid.end(index));
                format!("{} {things} in {width}, which is over only at {until}", self.bucket.count)
            }
            (None, Some(near)) => self.shortcoming(near, things),
            (None, None) => {
                format!("no {things} in any {width}; {} are needed in one", self.settings.at_least)
            }
        };
        if learned < ENOUGH {
            let more = many(ENOUGH - learned, "more bucket");
            return Some(format!("learns for {more} of {width} what is usual; so far {text}"));
        }
        Some(text)
    }

    fn shortcoming(&self, near: Near, things: &str) -> String {
        let (width, when) = (length(self.settings.bucket), stamp(self.grid.start(near.index)));
        let (count, at_least, ratio) = (near.count, self.settings.at_least, self.settings.ratio);
        if count < at_least {
            return format!("at most {count} of {at_least} {things} in {width}, from {when}");
        }
        let seen = format!("{count} {things} in {width} from {when}");
        match near.law {
            None => format!("{seen}, before it was known what is usual"),
            Some((usual, _)) if count < ratio * usual => {
                format!("{seen}, where {usual:.1} are usual; {ratio} times as many are needed")
            }
            Some((usual, surprise)) => format!(
                "{seen}, where {usual:.1} are usual: a surprise of {surprise:.1}, and {} is needed",
                self.settings.surprise
            ),
        }
    }
}
