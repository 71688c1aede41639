//! Why a level did not dip, and what a watch may need.

use crate::detector::dip::{Level, Near, RECENT, Sample};
use crate::detector::words::{length, many, percent, stamp};
use crate::model::Timestamp;
use crate::timeline::decline::{DEEP, Decline, ENOUGH, Verdict};

/// The most bytes of one watch, apart from its children and the closings of the last buckets.
pub(super) fn memory() -> usize {
    size_of::<Level>() + Decline::MEMORY + RECENT.next_power_of_two() * size_of::<Sample>()
}

impl Level {
    /// Remembers a sample that was no dip, if none lay lower.
    pub(super) fn remember(&mut self, verdict: Verdict) {
        let drop = self.drop(verdict.median, self.lowest);
        if drop > self.near.map_or(0.0, |near| self.drop(near.before, near.low)) {
            self.near =
                Some(Near { before: verdict.median, low: self.lowest, at: self.lowest_at, z: verdict.z });
        }
    }

    /// What is missing for a dip, in words.
    pub(super) fn missing(&self, now: Timestamp) -> Option<String> {
        if self.fall.is_some_and(|fall| fall.on) {
            return None;
        }
        let learned = self.decline.learned();
        let unseen = self.roster.unseen();
        let (whole, least) = (self.decline.median().unwrap_or(0.0) + unseen, self.settings.population);
        if self.is_stale(now) {
            return Some(match self.sampled {
                Some(sampled) => format!("no sample since {}", stamp(self.grid.end(sampled))),
                None => "no sample".to_owned(),
            });
        }
        if learned < ENOUGH {
            let more = many(ENOUGH - learned, "more sample");
            return Some(format!(
                "learns the usual level for {more}, one each {}",
                length(self.settings.bucket)
            ));
        }
        if whole < least {
            return Some(format!("the usual level is {whole}; nothing is judged below {least}"));
        }
        let needed = percent(self.settings.at_least);
        let Some(near) = self.near else {
            return Some(format!(
                "the level did not fall below the usual {whole}; a drop of {needed} is needed"
            ));
        };
        let drop = self.drop(near.before, near.low);
        let (before, low, at) = (near.before + unseen, near.low + unseen, stamp(near.at));
        let text = format!("fell by {} at most, from {before} to {low} at {at}", percent(drop));
        Some(if drop < self.settings.at_least {
            format!("{text}; {needed} is needed")
        } else if near.z > DEEP {
            format!("{text}, which is {:.1} times its usual scatter; {} times is needed", -near.z, -DEEP)
        } else {
            format!("{text}, for one sample only; two of three are needed")
        })
    }
}
