//! Late, future or accepted: decided once for every record, at the door, before anything is keyed or shared out.
//!
//! Per source the watermark is the newest accepted time minus the lateness; of a run it is the least of its open sources.
//! Both are exclusive and never go back. One record alone cannot drag time: what lies beyond the horizon is refused,
//! and what jumps more than a day ahead waits for the next record of its source to agree. So does the first record, as
//! nothing says yet where the source stands in time.

use std::time::Duration;

use crate::model::Timestamp;

/// A record this far ahead of its source's newest needs a witness.
const LEAP: Duration = Duration::from_secs(24 * 3600);
/// A witness may be this much older than the record it vouches for, exclusive.
const AGREEMENT: Duration = Duration::from_secs(3600);
const NANOSECOND: Duration = Duration::from_nanos(1);

/// What became of one offered record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted<T> {
    /// It counts.
    Accepted(T),
    /// It is older than the watermark.
    Late(T),
    /// It lies beyond the horizon, or leapt ahead and nobody agreed.
    Future(T),
}

/// The one place where records of all sources enter event time.
///
/// Open every source before the first one is closed: a source that is open and has not accepted anything holds the
/// watermark back, one that is not open yet cannot.
#[derive(Debug)]
pub struct Ingress<T> {
    lateness: Duration,
    horizon: Option<Timestamp>,
    sources: Vec<Source<T>>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    // Invariant: never goes back.
    announced: Option<Timestamp>,
    // What the host said, see `advance`.
    reached: Option<Timestamp>,
}

#[derive(Debug)]
struct Source<T> {
    newest: Option<Timestamp>,
    held: Option<(T, Timestamp)>,
    open: bool,
    // What the host said, see `idle`; until a record that is not refused.
    idle: bool,
}

/// How far time has come at the door: all that an [`Ingress`] remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<T> {
    /// Of each source its newest accepted time, what it holds until the next record agrees, and whether it is open.
    pub sources: Vec<SourceProgress<T>>,
    /// The earliest accepted time.
    pub first: Option<Timestamp>,
    /// The latest accepted time.
    pub last: Option<Timestamp>,
    /// The watermark.
    pub announced: Option<Timestamp>,
    /// Up to when the host said that everything has come.
    pub reached: Option<Timestamp>,
}

/// How far one source has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceProgress<T> {
    /// Its newest accepted time.
    pub newest: Option<Timestamp>,
    /// What waits for a witness, and its time.
    pub held: Option<(T, Timestamp)>,
    /// Whether it has not ended.
    pub open: bool,
    /// Whether it has paused.
    pub idle: bool,
}

impl<T> Ingress<T> {
    /// Nothing accepted yet. Records later than `horizon` are future; without one, only the leap rule protects.
    pub fn new(lateness: Duration, horizon: Option<Timestamp>) -> Self {
        Self {
            lateness,
            horizon,
            sources: Vec::new(),
            first: None,
            last: None,
            announced: None,
            reached: None,
        }
    }

    /// All that is remembered.
    pub fn progress(&self) -> Progress<&T> {
        let sources = self.sources.iter().map(|known| SourceProgress {
            newest: known.newest,
            held: known.held.as_ref().map(|(item, time)| (item, *time)),
            open: known.open,
            idle: known.idle,
        });
        Progress {
            sources: sources.collect(),
            first: self.first,
            last: self.last,
            announced: self.announced,
            reached: self.reached,
        }
    }

    /// Goes on from what another one remembered.
    pub fn resume(lateness: Duration, horizon: Option<Timestamp>, progress: Progress<T>) -> Self {
        let Progress { sources, first, last, announced, reached } = progress;
        let source = |SourceProgress { newest, held, open, idle }| Source { newest, held, open, idle };
        let sources = sources.into_iter().map(source).collect();
        Self { lateness, horizon, sources, first, last, announced, reached }
    }

    /// Opens a source and says its index.
    pub fn open(&mut self) -> usize {
        self.sources.push(Source { newest: None, held: None, open: true, idle: false });
        self.sources.len() - 1
    }

    /// Ends a source: what it still holds back is future, unless it is all there was, and the watermark no longer waits
    /// for it.
    pub fn close(&mut self, source: usize, out: &mut Vec<Admitted<T>>) {
        if let Some(known) = self.sources.get_mut(source) {
            known.open = false;
            match known.held.take() {
                Some((item, time)) if known.newest.is_none() => self.let_in(source, item, time, out),
                held => out.extend(held.map(|(item, _)| Admitted::Future(item))),
            }
            self.announce();
        }
    }

    /// The host says that a source has paused: the watermark no longer waits for it, until its next record that is
    /// neither late nor future. A first record that waits for a second one is accepted, as when the source ends; a
    /// leap goes on waiting. While all open sources pause, the watermark is that of the newest record of all.
    pub fn idle(&mut self, source: usize, out: &mut Vec<Admitted<T>>) {
        let Some(known) = self.sources.get_mut(source).filter(|known| known.open) else { return };
        let first = if known.newest.is_none() { known.held.take() } else { None };
        if let Some((item, time)) = first {
            self.let_in(source, item, time, out);
        }
        if let Some(known) = self.sources.get_mut(source) {
            known.idle = true;
        }
        self.announce();
    }

    /// Moves the horizon: what is offered from here on is held against this one.
    pub fn set_horizon(&mut self, horizon: Option<Timestamp>) {
        self.horizon = horizon;
    }

    /// The host says that everything up to and including `time` has come from every source: the watermark lies just
    /// after it, and it is a witness for records that are at most a day later. Each record that waited for one stands
    /// beside its source.
    pub fn advance(&mut self, time: Timestamp, out: &mut Vec<(usize, Admitted<T>)>) {
        self.reached = self.reached.max(Some(time));
        for source in 0..self.sources.len() {
            let Some(known) = self.sources.get_mut(source) else { continue };
            if let Some((item, held)) = known.held.take_if(|(_, held)| *held <= time.plus(LEAP)) {
                out.push((source, Admitted::Accepted(item)));
                self.accept(source, held, held);
            }
        }
        self.announced = self.announced.max(Some(time.plus(NANOSECOND)));
    }

    /// Everything before `watermark` is taken for known, also what has not come: it will be late.
    pub fn hurry(&mut self, watermark: Timestamp) {
        self.announced = self.announced.max(Some(watermark));
    }

    /// What waits for a witness.
    pub fn held(&self) -> impl Iterator<Item = &T> {
        self.sources.iter().filter_map(|source| source.held.as_ref()).map(|(item, _)| item)
    }

    /// Decides about a record, and about the one that waited for it.
    ///
    /// Whatever is accepted here must be inserted before [`Ingress::watermark`] is asked again. A record of a source
    /// that is closed or was never opened is late.
    pub fn offer(&mut self, source: usize, item: T, time: Timestamp, out: &mut Vec<Admitted<T>>) {
        // The last nanosecond is nobody's time: no exclusive watermark could ever pass it.
        let future = time == Timestamp::MAX || self.horizon.is_some_and(|horizon| time > horizon);
        let Some(known) = self.sources.get_mut(source).filter(|known| known.open) else {
            return out.push(Admitted::Late(item));
        };
        if future {
            return out.push(Admitted::Future(item));
        }
        let first = known.newest.is_none();
        if let Some((held, held_time)) = known.held.take() {
            if first && time >= held_time.minus(LEAP) {
                self.let_in(source, held, held_time, out);
                return self.offer(source, item, time, out);
            }
            if !first && time > held_time.minus(AGREEMENT) {
                let announced = self.announced;
                for (item, time) in [(held, held_time), (item, time)] {
                    // Both are judged by the watermark that they met: the first must not make the second late.
                    if announced.is_some_and(|watermark| time < watermark) {
                        out.push(Admitted::Late(item));
                    } else {
                        out.push(Admitted::Accepted(item));
                        self.accept(source, time, time);
                    }
                }
                return;
            }
            out.push(Admitted::Future(held));
        }
        let own = known.newest.map(|newest| newest.minus(self.lateness));
        if own.max(self.announced).is_some_and(|watermark| time < watermark) {
            out.push(Admitted::Late(item));
        } else if known.newest.max(self.reached).is_none_or(|newest| time > newest.plus(LEAP)) {
            known.held = Some((item, time));
            known.idle = false;
        } else {
            out.push(Admitted::Accepted(item));
            self.accept(source, time, time);
        }
    }

    /// Accepts what waited, unless the watermark has passed it meanwhile: that happens while a source pauses.
    fn let_in(&mut self, source: usize, item: T, time: Timestamp, out: &mut Vec<Admitted<T>>) {
        if self.announced.is_some_and(|watermark| time < watermark) {
            out.push(Admitted::Late(item));
        } else {
            out.push(Admitted::Accepted(item));
            self.accept(source, time, time);
        }
    }

    /// No accepted event with an earlier time will come. `None` until every open source has accepted one; when all
    /// are closed, just after the newest, so that everything accepted lies before it.
    pub fn watermark(&self) -> Option<Timestamp> {
        self.announced
    }

    /// How far behind its source's newest record a record may be.
    pub fn lateness(&self) -> Duration {
        self.lateness
    }

    /// The newest accepted time of a source.
    pub fn newest(&self, source: usize) -> Option<Timestamp> {
        self.sources.get(source)?.newest
    }

    /// The earliest accepted time of all sources.
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }

    /// The latest accepted time of all sources.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    fn accept(&mut self, source: usize, earliest: Timestamp, latest: Timestamp) {
        self.first = Some(self.first.map_or(earliest, |first| first.min(earliest)));
        self.last = self.last.max(Some(latest));
        let Some(known) = self.sources.get_mut(source) else { return };
        known.idle = false;
        let before = known.newest;
        if before >= Some(latest) {
            return;
        }
        known.newest = Some(latest);
        // Only the source that holds everybody back can move the least of all.
        if before.map(|newest| newest.minus(self.lateness)) <= self.announced {
            self.announce();
        }
    }

    fn announce(&mut self) {
        let mut open = self.sources.iter().filter(|source| source.open).peekable();
        let least = if open.peek().is_none() {
            self.last.map(|last| last.plus(NANOSECOND))
        } else {
            // `None`, nothing accepted yet, is less than any time.
            let behind = open.filter(|source| !source.idle).map(|source| source.newest).min();
            behind.unwrap_or(self.last).map(|newest| newest.minus(self.lateness))
        };
        self.announced = self.announced.max(least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;
    const MINUTE: i64 = 60_000_000_000;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos).unwrap_or(Timestamp::MIN)
    }

    /// Offers times to one source and spells the verdicts: `a`ccepted, `l`ate, `f`uture, each with its index.
    fn verdicts(horizon: Option<i64>, times: &[i64]) -> String {
        let mut ingress = Ingress::new(Duration::from_secs(900), horizon.map(at));
        let source = ingress.open();
        let mut out = Vec::new();
        for (index, &time) in times.iter().enumerate() {
            ingress.offer(source, index, at(time), &mut out);
        }
        ingress.close(source, &mut out);
        let spell = |admitted: &Admitted<usize>| match admitted {
            Admitted::Accepted(index) => format!("a{index}"),
            Admitted::Late(index) => format!("l{index}"),
            Admitted::Future(index) => format!("f{index}"),
        };
        out.iter().map(spell).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_record_at_the_watermark_is_on_time_and_one_before_it_is_late() {
        let newest = HOUR;
        let watermark = newest - 15 * MINUTE;
        assert_eq!(verdicts(None, &[newest, watermark + 1, watermark, watermark - 1]), "a0 a1 a2 l3");
    }

    #[test]
    fn a_record_at_the_horizon_is_accepted_and_one_after_it_is_future() {
        assert_eq!(verdicts(Some(HOUR), &[0, HOUR, HOUR + 1]), "a0 a1 f2");
    }

    #[test]
    fn the_last_nanosecond_is_future() {
        assert_eq!(verdicts(None, &[i64::MAX]), "f0");
        assert_eq!(verdicts(None, &[i64::MAX - 1]), "a0");
    }

    #[test]
    fn a_first_record_more_than_a_day_ahead_of_the_next_cannot_drag_time() {
        let day = 24 * HOUR;
        assert_eq!(verdicts(None, &[9 * day, 0, 1, 2]), "f0 a1 a2 a3");
        assert_eq!(verdicts(None, &[9 * day, 8 * day, 1]), "a0 l1 l2", "exactly a day is agreement");
        assert_eq!(verdicts(None, &[9 * day, 8 * day - 1, 8 * day]), "f0 a1 a2");
        assert_eq!(verdicts(None, &[0, 9 * day, 9 * day]), "a0 a1 a2", "it may lie before all others");
        assert_eq!(verdicts(None, &[9 * day, 0]), "f0 a1");
        assert_eq!(verdicts(None, &[9 * day]), "a0", "a lone record is what it is");
    }

    #[test]
    fn a_leap_of_a_day_needs_no_witness_and_a_longer_one_does() {
        assert_eq!(verdicts(None, &[0, 24 * HOUR, 24 * HOUR]), "a0 a1 a2");
        assert_eq!(verdicts(None, &[0, 24 * HOUR + 1]), "a0 f1");
    }

    #[test]
    fn a_leap_is_accepted_when_the_next_record_is_later_than_an_hour_before_it() {
        let leap = 30 * HOUR;
        assert_eq!(verdicts(None, &[0, leap, leap - HOUR + 1, leap]), "a0 a1 a2 a3");
        assert_eq!(verdicts(None, &[0, leap, leap - HOUR, leap]), "a0 f1 a2 a3");
        assert_eq!(verdicts(None, &[0, leap, 1]), "a0 f1 a2");
    }

    #[test]
    fn a_refused_leap_may_be_followed_by_another_that_is_held_in_turn() {
        assert_eq!(verdicts(None, &[0, 99 * HOUR, 30 * HOUR, 30 * HOUR]), "a0 f1 a2 a3");
        assert_eq!(verdicts(None, &[0, 99 * HOUR, 30 * HOUR, 1]), "a0 f1 f2 a3");
    }

    #[test]
    fn a_record_beyond_the_horizon_is_no_witness() {
        assert_eq!(verdicts(Some(40 * HOUR), &[0, 30 * HOUR, 99 * HOUR, 1]), "a0 f2 f1 a3");
    }

    #[test]
    fn a_late_record_is_no_witness() {
        assert_eq!(verdicts(None, &[HOUR, 30 * HOUR, 1, HOUR]), "a0 f1 l2 a3");
    }

    #[test]
    fn a_poisoned_record_anywhere_does_not_change_the_rest() {
        let calm: Vec<i64> = (0..20).map(|i| i * 5 * MINUTE).collect();
        for place in 0..=calm.len() {
            let mut times = calm.clone();
            times.insert(place, 500 * HOUR);
            let verdicts = verdicts(None, &times);
            assert_eq!(verdicts.matches('a').count(), calm.len(), "{verdicts}");
            assert!(verdicts.contains(&format!("f{place}")), "{verdicts}");
        }
    }

    #[test]
    fn the_watermark_is_the_least_of_the_open_sources() {
        let mut ingress = Ingress::new(Duration::from_nanos(10), None);
        let mut out = Vec::new();
        let (a, b) = (ingress.open(), ingress.open());
        ingress.offer(a, (), at(100), &mut out);
        ingress.offer(a, (), at(100), &mut out);
        assert_eq!(ingress.watermark(), None, "the other source holds it");
        ingress.offer(b, (), at(50), &mut out);
        assert_eq!(ingress.watermark(), None, "nobody has seen the like of its first record");
        ingress.offer(b, (), at(50), &mut out);
        assert_eq!(ingress.watermark(), Some(at(40)));
        ingress.offer(a, (), at(200), &mut out);
        assert_eq!(ingress.watermark(), Some(at(40)));
        ingress.offer(b, (), at(120), &mut out);
        assert_eq!(ingress.watermark(), Some(at(110)));
        ingress.close(b, &mut out);
        assert_eq!(ingress.watermark(), Some(at(190)));
        ingress.close(a, &mut out);
        assert_eq!(ingress.watermark(), Some(at(201)));
        assert_eq!((ingress.first(), ingress.last()), (Some(at(50)), Some(at(200))));
    }

    #[test]
    fn a_source_opened_later_does_not_turn_the_watermark_back() {
        let mut ingress = Ingress::new(Duration::ZERO, None);
        let mut out = Vec::new();
        let a = ingress.open();
        ingress.offer(a, 0, at(100), &mut out);
        ingress.offer(a, 4, at(100), &mut out);
        let b = ingress.open();
        ingress.offer(a, 3, at(150), &mut out);
        assert_eq!(ingress.watermark(), Some(at(100)));
        ingress.offer(b, 1, at(99), &mut out);
        ingress.offer(b, 2, at(100), &mut out);
        ingress.close(b, &mut out);
        assert_eq!(ingress.watermark(), Some(at(150)));
        assert_eq!(
            out,
            [0, 4, 3]
                .map(Admitted::Accepted)
                .into_iter()
                .chain([Admitted::Late(1), Admitted::Accepted(2)])
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn when_the_host_says_the_time_earlier_records_are_late_and_the_next_day_needs_no_witness() {
        let mut ingress = Ingress::new(Duration::from_secs(900), None);
        let (mut out, mut released) = (Vec::new(), Vec::new());
        let (a, b) = (ingress.open(), ingress.open());
        ingress.offer(a, 0, at(HOUR), &mut out);
        ingress.offer(b, 1, at(90 * HOUR), &mut out);
        assert_eq!(out, [], "both are the first of their sources");
        ingress.advance(at(60 * HOUR), &mut released);
        assert_eq!(released, [(a, Admitted::Accepted(0))]);
        assert_eq!(ingress.watermark(), Some(at(60 * HOUR + 1)));
        for (index, time) in [(2, 60 * HOUR), (3, 60 * HOUR + 1), (4, 84 * HOUR), (5, 109 * HOUR)] {
            ingress.offer(a, index, at(time), &mut out);
        }
        ingress.advance(at(HOUR), &mut released);
        assert_eq!(ingress.watermark(), Some(at(60 * HOUR + 1)), "it does not go back");
        ingress.close(a, &mut out);
        assert_eq!(
            out,
            [Admitted::Late(2), Admitted::Accepted(3), Admitted::Accepted(4), Admitted::Future(5)]
        );
    }

    #[test]
    fn an_empty_source_stops_holding_when_it_closes() {
        let mut ingress: Ingress<()> = Ingress::new(Duration::ZERO, None);
        let mut out = Vec::new();
        let (a, b) = (ingress.open(), ingress.open());
        ingress.offer(a, (), at(7), &mut out);
        ingress.offer(a, (), at(7), &mut out);
        assert_eq!(ingress.watermark(), None);
        ingress.close(b, &mut out);
        assert_eq!(ingress.watermark(), Some(at(7)));
    }

    #[test]
    fn a_source_that_pauses_holds_nobody_back_until_its_next_record() {
        let mut ingress = Ingress::new(Duration::from_nanos(10), None);
        let mut out = Vec::new();
        let (a, b) = (ingress.open(), ingress.open());
        for (source, time) in [(a, 100), (a, 100), (b, 50), (b, 50)] {
            ingress.offer(source, time, at(time), &mut out);
        }
        assert_eq!(ingress.watermark(), Some(at(40)));
        ingress.idle(b, &mut out);
        assert_eq!(ingress.watermark(), Some(at(90)));
        ingress.offer(b, 89, at(89), &mut out);
        assert_eq!(out.last(), Some(&Admitted::Late(89)));
        ingress.offer(a, 200, at(200), &mut out);
        assert_eq!(ingress.watermark(), Some(at(190)), "a late record does not bring the source back");
        ingress.offer(b, 195, at(195), &mut out);
        ingress.offer(a, 300, at(300), &mut out);
        assert_eq!(ingress.watermark(), Some(at(190)), "one that is on time does");
        ingress.idle(a, &mut out);
        ingress.idle(b, &mut out);
        assert_eq!(ingress.watermark(), Some(at(290)), "nobody is left to wait for");
        ingress.offer(b, 290, at(290), &mut out);
        ingress.close(a, &mut out);
        assert_eq!(ingress.watermark(), Some(at(290)));
    }

    #[test]
    fn a_pause_lets_a_first_record_in_and_leaves_a_leap_waiting() {
        let mut ingress = Ingress::new(Duration::from_nanos(10), None);
        let mut out = Vec::new();
        let (a, b, c) = (ingress.open(), ingress.open(), ingress.open());
        ingress.offer(a, 'a', at(100), &mut out);
        ingress.idle(a, &mut out);
        assert_eq!(out, [Admitted::Accepted('a')]);
        ingress.offer(a, 'b', at(100 * HOUR), &mut out);
        ingress.idle(a, &mut out);
        ingress.close(c, &mut out);
        assert_eq!((out.len(), ingress.watermark()), (1, None), "the other one may still be anywhere");
        for letter in ['c', 'd'] {
            ingress.offer(b, letter, at(120 * HOUR), &mut out);
        }
        ingress.offer(a, 'e', at(100 * HOUR + 1), &mut out);
        let late = [Admitted::Late('b'), Admitted::Late('e')];
        assert_eq!(out.iter().skip(3).collect::<Vec<_>>(), late.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_record_of_a_closed_or_unknown_source_is_late() {
        let mut ingress = Ingress::new(Duration::ZERO, None);
        let mut out = Vec::new();
        let a = ingress.open();
        ingress.close(a, &mut out);
        ingress.offer(a, 0, at(1), &mut out);
        ingress.offer(9, 1, at(1), &mut out);
        assert_eq!(out, [Admitted::Late(0), Admitted::Late(1)]);
    }

    proptest::proptest! {
        /// What the watermark promises: once announced, nothing older is accepted.
        #[test]
        fn nothing_is_accepted_from_before_an_announced_watermark(
            records in proptest::collection::vec((0usize..3, 0i64..40, 0usize..8), 0..60), closed in 0usize..3,
        ) {
            let mut ingress = Ingress::new(Duration::from_nanos(3 * u64::try_from(HOUR).unwrap_or(0)), None);
            for _ in 0..3 {
                ingress.open();
            }
            let mut given = 0;
            let mut out = Vec::new();
            for (index, &(source, hours, paused)) in records.iter().enumerate() {
                let announced = ingress.watermark();
                let before = out.len();
                if index == 30 {
                    ingress.close(closed, &mut out);
                }
                // Most of the time nobody pauses: there are three sources.
                ingress.idle(paused, &mut out);
                let paused = out.len();
                proptest::prop_assert!(out.iter().skip(before).all(|a| matches!(a,
                    Admitted::Accepted(time) if announced.is_none_or(|watermark| *time >= watermark))
                    || !matches!(a, Admitted::Accepted(_))));
                let (before, announced) = (paused, ingress.watermark());
                ingress.offer(source, at(hours * HOUR), at(hours * HOUR), &mut out);
                given += 1;
                proptest::prop_assert!(ingress.watermark() >= announced);
                for admitted in out.iter().skip(before) {
                    if let Admitted::Accepted(time) = admitted {
                        proptest::prop_assert!(announced.is_none_or(|watermark| *time >= watermark));
                    }
                }
            }
            for source in 0..3 {
                ingress.close(source, &mut out);
            }
            proptest::prop_assert_eq!(out.len(), given);
            let newest = out.iter().filter_map(|a| match a { Admitted::Accepted(t) => Some(*t), _ => None }).max();
            proptest::prop_assert!(ingress.watermark() >= newest);
        }
    }
}
