//! Whether a log could have shown what it did not: which inputs were read, and when a subject that others lie in was
//! silent for longer than is usual for it.
//!
//! A silence is what lies between two minutes in which there are events. It is a gap when it is longer than ten minutes,
//! than three times the third longest of the last seven days and than ten times the mean of all that were no gaps: one gap
//! does not hide the next, after three nights a night is usual, and a hub of which little is heard is no gap each time it
//! says nothing for a while. Before 64 minutes with events nothing is known of what is usual, and no silence is a gap.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use minicbor::{Decode, Encode};
use smol_str::format_smolstr;

use crate::engine::chart::Chart;
use crate::engine::judge::Judged;
use crate::engine::ward::Ward;
use crate::input::Mapping;
use crate::model::{Status, Timestamp};
use crate::rule::{Plan, Symptom};

const MINUTE: Duration = Duration::from_secs(60);
const MINUTE_NANOS: u64 = 60_000_000_000;
/// A silence that is no longer is never a gap.
const SHORTEST: Duration = Duration::from_secs(600);
/// How many times as long as what is usual.
const FACTOR: u32 = 3;
/// How many times as long as the mean. If events come at random, one silence in 22,000 is so long (e^-10).
const MEANS: u32 = 10;
/// How many of the longest silences are remembered; the last of them is what is usual.
const LONGEST: usize = 3;
/// For how long they are.
const MEMORY: Duration = Duration::from_secs(7 * 86_400);
/// Minutes with events before anything is usual.
const ENOUGH: u64 = 64;
/// How many gaps are remembered.
const GAPS: usize = 16;

/// What is known of the log of one subject that others lie in.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub(super) struct Pulse {
    /// The begin of the last minute with an event.
    #[n(0)]
    last: Option<Timestamp>,
    /// How many minutes had one.
    #[n(1)]
    minutes: u64,
    /// The longest silences and when each ended, in the order of their ends.
    #[n(2)]
    silences: Vec<(Timestamp, u64)>,
    #[n(3)]
    gaps: VecDeque<(Timestamp, Timestamp)>,
    /// Seconds of all silences that were no gaps.
    #[n(4)]
    silent: u64,
}

impl Pulse {
    /// Takes in an event, in the order of time.
    pub(super) fn beat(&mut self, time: Timestamp) {
        let minute = time.minus(Duration::from_nanos(time.nanos().unsigned_abs() % MINUTE_NANOS));
        let Some(last) = self.last.replace(minute) else {
            self.minutes = 1;
            return;
        };
        if minute <= last {
            self.last = Some(last);
            return;
        }
        let silence = minute.since(last);
        if self.is_gap(silence) {
            if self.gaps.len() >= GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back((last.plus(MINUTE), minute));
        } else {
            self.silent = self.silent.saturating_add(silence.as_secs());
        }
        self.minutes = self.minutes.saturating_add(1);
        self.remember(minute, silence);
    }

    fn remember(&mut self, end: Timestamp, silence: Duration) {
        let seconds = silence.as_secs();
        self.silences.retain(|&(ended, _)| ended.plus(MEMORY) > end);
        if self.silences.len() >= LONGEST {
            let least = self.silences.iter().enumerate().min_by_key(|(at, (_, length))| (*length, *at));
            match least {
                Some((at, &(_, length))) if length <= seconds => drop(self.silences.remove(at)),
                _ => return,
            }
        }
        self.silences.push((end, seconds));
    }

    fn is_gap(&self, silence: Duration) -> bool {
        let usual = self.silences.iter().map(|&(_, length)| length).min().unwrap_or(0);
        let usual = Duration::from_secs(usual).saturating_mul(FACTOR);
        let mean = Duration::from_secs(self.silent / self.minutes.max(1)).saturating_mul(MEANS);
        self.minutes >= ENOUGH && silence > usual.max(mean).max(SHORTEST)
    }

    /// The last gap that meets this span of time; one that goes on counts up to `now`.
    fn gap_in(&self, from: Timestamp, to: Timestamp, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let lasting =
            self.last.filter(|last| self.is_gap(now.since(*last))).map(|last| (last.plus(MINUTE), now));
        let meets = |&(begin, end): &(Timestamp, Timestamp)| begin < to && from < end;
        lasting.into_iter().chain(self.gaps.iter().rev().copied()).find(meets)
    }
}

/// When each input of the packs was first read, in event time.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Vec<Option<Timestamp>>);

impl Heard {
    pub(super) fn new(plan: &Plan) -> Self {
        Self(vec![None; plan.inputs().len()])
    }

    /// Takes in the time of a record of an input, in any order.
    pub(super) fn listen(&mut self, input: usize, time: Timestamp) {
        if let Some(first) = self.0.get_mut(input).filter(|first| first.is_none_or(|first| time < first)) {
            *first = Some(time);
        }
    }

    /// By their places among the inputs of the packs.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, Timestamp)> {
        self.0.iter().enumerate().filter_map(|(input, first)| Some((input, (*first)?)))
    }

    /// Whether a record of the input came at this time or before.
    fn knows(&self, input: usize, now: Timestamp) -> bool {
        self.0.get(input).copied().flatten().is_some_and(|first| first <= now)
    }
}

impl Ward {
    /// What is absent on a subject, and could not have been seen, is unknown.
    pub(super) fn doubt(&self, subject: u32, judged: &mut [Judged], now: Timestamp) {
        let chart = |subject: u32| self.charts.get(usize::try_from(subject).ok()?);
        let pulse = chart(self.subjects.outermost(subject)).and_then(|chart| chart.pulse.as_deref());
        let quiet = self.quiet_of(subject);
        let (first, last) = chart(subject).and_then(Chart::span).unwrap_or((now, now));
        // What comes much later belongs to no symptom of the episode, and neither does its silence.
        let (from, to) = (first.min(now).minus(quiet), last.plus(SHORTEST).min(now));
        let gap = pulse.and_then(|pulse| pulse.gap_in(from, to, now));
        for judged in judged.iter_mut().filter(|judged| judged.status == Status::Absent && !judged.was_there)
        {
            let Some(symptom) = self.plan.symptoms.get(judged.symptom) else { continue };
            if let Some(input) = self.never_read(symptom, now) {
                judged.status =
                    Status::Unknown(format_smolstr!("no such input: nothing was read from `{input}`"));
            } else if let Some((from, to)) = gap {
                judged.status = Status::Unknown(format_smolstr!("log gap from {from} to {to}"));
            }
        }
    }

    /// An input without which nothing that the symptom asks about can be recognised, and of which no record came.
    fn never_read(&self, symptom: &Symptom, now: Timestamp) -> Option<&str> {
        let inputs = self.plan.inputs();
        let heard = |input: usize| self.heard.knows(input, now);
        // A host that hands over events of its own knows what they hold.
        if !(0..inputs.len()).any(heard) {
            return None;
        }
        let mut missing = None;
        for class in &symptom.classes {
            let class = self.plan.classes.get(usize::try_from(class.0).ok()?)?;
            missing = Some(class.needs().find_map(|field| {
                let name = self.plan.schema.name(field);
                let gives = |(_, input): &(usize, &Arc<Mapping>)| input.field(name).is_some();
                let mut giving = inputs.iter().enumerate().filter(gives).peekable();
                let first = giving.peek().map(|(_, input)| input.name.as_str())?;
                giving.all(|(at, _)| !heard(at)).then_some(first)
            })?);
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u64) -> Timestamp {
        Timestamp::MIN.plus(MINUTE * u32::try_from(minute).unwrap())
    }

    fn beaten(minutes: impl IntoIterator<Item = u64>) -> Pulse {
        let mut pulse = Pulse::default();
        minutes.into_iter().for_each(|minute| pulse.beat(at(minute).plus(Duration::from_secs(7))));
        pulse
    }

    #[test]
    fn a_silence_three_times_as_long_as_the_third_longest_is_a_gap() {
        // Three silences of ten minutes are usual: thirty is the most that is no gap.
        let usual = (0..64).chain([73, 83, 93]);
        assert_eq!(beaten(usual.clone().chain([123])).gap_in(at(0), at(130), at(130)), None);
        assert_eq!(beaten(usual.chain([124])).gap_in(at(0), at(124), at(124)), Some((at(94), at(124))));
    }

    #[test]
    fn a_silence_ten_times_as_long_as_the_mean_is_a_gap() {
        let sparse = (0..70).map(|number| 3 * number);
        let last = 3 * 69;
        assert_eq!(beaten(sparse.clone()).gap_in(at(0), at(last + 29), at(last + 29)), None);
        let gap = Some((at(last + 1), at(last + 30)));
        assert_eq!(beaten(sparse).gap_in(at(0), at(last + 30), at(last + 30)), gap);
        // A gap does not make the mean longer.
        let twice = (0..70).map(|number| 3 * number).chain((0..70).map(|number| 1_000 + 3 * number));
        let pulse = beaten(twice);
        assert_eq!(pulse.gap_in(at(1_001), at(1_237), at(1_237)), Some((at(1_208), at(1_237))));
    }

    #[test]
    fn nothing_is_a_gap_before_it_is_known_what_is_usual() {
        assert_eq!(beaten((0..63).chain([500])).gap_in(at(0), at(500), at(500)), None);
        assert_eq!(beaten((0..64).chain([500])).gap_in(at(0), at(500), at(500)), Some((at(64), at(500))));
    }

    #[test]
    fn one_gap_does_not_hide_the_next() {
        let pulse = beaten((0..100).chain(200..300).chain(400..500));
        assert_eq!(pulse.gap_in(at(0), at(150), at(150)), Some((at(100), at(200))));
        assert_eq!(pulse.gap_in(at(310), at(500), at(500)), Some((at(300), at(400))));
        assert_eq!(pulse.gap_in(at(210), at(290), at(290)), None);
    }

    #[test]
    fn a_silence_that_goes_on_is_a_gap_up_to_now() {
        let pulse = beaten(0..100);
        assert_eq!(pulse.gap_in(at(90), at(105), at(105)), None);
        assert_eq!(pulse.gap_in(at(90), at(120), at(120)), Some((at(100), at(120))));
    }

    #[test]
    fn after_a_week_a_long_silence_is_forgotten() {
        let mut pulse = beaten((0..64).chain([164, 264, 364]));
        (365..365 + 8 * 1_440).for_each(|minute| pulse.beat(at(minute)));
        let end = 365 + 8 * 1_440 - 1;
        assert_eq!(pulse.gap_in(at(end), at(end + 12), at(end + 12)), Some((at(end + 1), at(end + 12))));
    }
}
