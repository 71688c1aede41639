//! A meter that reads the clock for some records only, so that looking does not become the work.

use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use etiolog::{Meter, Stage};

/// Nanoseconds and calls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) ns: f64,
    pub(super) calls: u64,
}

impl Spent {
    fn add(&mut self, other: Self) {
        self.ns += other.ns;
        self.calls += other.calls;
    }
}

/// What a run was found to have spent, of all its records: what was sampled is scaled up.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) read: f64,
    pub(super) frame: f64,
    pub(super) decode: f64,
    /// Without expressions.
    pub(super) classify: f64,
    pub(super) order: f64,
    pub(super) apply: f64,
    pub(super) diagnose: f64,
    /// By class, by its number.
    pub(super) predicates: Vec<Spent>,
    /// By symptom, by its place.
    pub(super) symptoms: Vec<Spent>,
    /// Records, events and deadlines, and those of them for which the clock was read.
    pub(super) turns: u64,
    pub(super) sampled: u64,
}

impl Account {
    /// Adds another run.
    pub(super) fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.frame += other.frame;
        self.decode += other.decode;
        self.classify += other.classify;
        self.order += other.order;
        self.apply += other.apply;
        self.diagnose += other.diagnose;
        self.turns += other.turns;
        self.sampled += other.sampled;
        for (mine, others) in
            [(&mut self.predicates, &other.predicates), (&mut self.symptoms, &other.symptoms)]
        {
            mine.resize(mine.len().max(others.len()), Spent::default());
            mine.iter_mut().zip(others).for_each(|(mine, other)| mine.add(*other));
        }
    }

    fn spend(&mut self, stage: Stage, ns: f64) {
        let slot = match stage {
            Stage::Frame => &mut self.frame,
            Stage::Decode => &mut self.decode,
            Stage::Classify => &mut self.classify,
            Stage::Predicate(at) => &mut slot(&mut self.predicates, at).ns,
            Stage::Order => &mut self.order,
            Stage::Apply => &mut self.apply,
            Stage::Detect(at) => &mut slot(&mut self.symptoms, at).ns,
            Stage::Diagnose => &mut self.diagnose,
            _ => &mut self.read,
        };
        *slot += ns;
    }
}

fn slot(of: &mut Vec<Spent>, at: usize) -> &mut Spent {
    if at >= of.len() {
        of.resize(at.saturating_add(1), Spent::default());
    }
    // The line above made room.
    &mut of[at]
}

/// How the clock is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampling {
    /// On average the clock is read for one in so many turns.
    pub(super) one_in: u64,
    /// What noting a change of row takes itself, most of it reading the clock, in nanoseconds.
    pub(super) clock: f64,
}

impl Sampling {
    /// So that about `turns` of these many are sampled, or all.
    pub(super) fn of(records: u64) -> Self {
        /// So many are enough for a share of a hundredth.
        const ENOUGH: u64 = 20_000;
        const RAREST: u64 = 64;
        Self { one_in: (records / ENOUGH).clamp(1, RAREST), clock: clock() }
    }
}

/// What a meter takes to note one change of row: the median of some hundred times.
fn clock() -> f64 {
    const CHANGES: usize = 1_000;
    let (told, _) = channel();
    let mut meter: Box<dyn Meter> = Box::new(Sampler::new(Sampling { one_in: 1, clock: 0.0 }, told));
    let mut times: Vec<u128> = (0..301)
        .map(|_| {
            let began = Instant::now();
            meter.begin();
            (0..CHANGES).for_each(|at| std::hint::black_box(&mut meter).enter(Stage::Detect(at % 50)));
            began.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    times.get(150).map_or(0.0, |&ns| ns as f64 / CHANGES as f64)
}

/// The meter. What is rare and long, reading and diagnosing, is timed always; all else for some records, events and
/// deadlines, drawn by chance and not by their cost.
#[derive(Debug)]
pub(super) struct Sampler {
    sampling: Sampling,
    account: Account,
    stage: Stage,
    /// Whether the clock is read on the turn at hand.
    on: bool,
    since: Instant,
    /// So many turns go by before the next is sampled.
    skip: u64,
    chance: u64,
    told: Sender<Account>,
}

impl Sampler {
    /// The account comes when the meter goes, with the run that it belongs to.
    pub(super) fn new(sampling: Sampling, told: Sender<Account>) -> Self {
        Self {
            sampling,
            account: Account::default(),
            stage: Stage::Host,
            on: false,
            since: Instant::now(),
            skip: 0,
            chance: 0x9e37_79b9_7f4a_7c15,
            told,
        }
    }

    /// Reads the clock, and books the time since the last reading.
    fn book(&mut self, scale: f64) {
        let now = Instant::now();
        let ns = (now - self.since).as_nanos() as f64 - self.sampling.clock;
        self.account.spend(self.stage, ns.max(0.0) * scale);
        self.since = now;
    }

    /// Every gap from none to twice the mean is as likely: the records sampled keep no time with the log.
    fn draw(&mut self) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % (2 * self.sampling.one_in - 1)
    }

    fn is_always_timed(stage: Stage) -> bool {
        matches!(stage, Stage::Host | Stage::Diagnose)
    }
}

impl Meter for Sampler {
    fn begin(&mut self) {
        self.account.turns += 1;
        if self.on && !Self::is_always_timed(self.stage) {
            self.book(self.sampling.one_in as f64);
        }
        let was_on = self.on;
        self.on = self.skip == 0;
        if self.on {
            self.account.sampled += 1;
            self.skip = self.draw();
            if !was_on && !Self::is_always_timed(self.stage) {
                self.since = Instant::now();
            }
        } else {
            self.skip -= 1;
        }
    }

    fn enter(&mut self, stage: Stage) {
        let counted = self.stage != Stage::Diagnose;
        match stage {
            Stage::Detect(at) if counted => slot(&mut self.account.symptoms, at).calls += 1,
            Stage::Predicate(at) => slot(&mut self.account.predicates, at).calls += 1,
            _ => {}
        }
        if Self::is_always_timed(self.stage) {
            self.book(1.0);
        } else if self.on {
            self.book(self.sampling.one_in as f64);
        } else if Self::is_always_timed(stage) {
            self.since = Instant::now();
        }
        self.stage = stage;
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        drop(self.told.send(std::mem::take(&mut self.account)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(one_in: u64, turns: u64) -> Account {
        let (told, heard) = channel();
        let mut sampler = Sampler::new(Sampling { one_in, clock: 0.0 }, told);
        for turn in 0..turns {
            sampler.enter(Stage::Frame);
            sampler.begin();
            sampler.enter(Stage::Decode);
            sampler.enter(Stage::Predicate(2));
            sampler.enter(Stage::Detect(1));
            if turn.is_multiple_of(10) {
                sampler.enter(Stage::Diagnose);
                sampler.enter(Stage::Detect(1));
            }
            sampler.enter(Stage::Frame);
        }
        sampler.enter(Stage::Host);
        drop(sampler);
        heard.recv().expect("an account")
    }

    #[test]
    fn calls_are_counted_whether_they_are_timed_or_not() {
        for one_in in [1, 2, 16] {
            let account = account(one_in, 1_000);
            assert_eq!(account.symptoms.get(1).map(|spent| spent.calls), Some(1_000), "{one_in}");
            assert_eq!(account.predicates.get(2).map(|spent| spent.calls), Some(1_000), "{one_in}");
            assert_eq!(account.turns, 1_000);
        }
    }

    #[test]
    fn about_one_in_so_many_turns_is_sampled() {
        assert_eq!(account(1, 1_000).sampled, 1_000);
        for one_in in [2, 16, 64] {
            let sampled = account(one_in, 64_000).sampled;
            let expected = 64_000 / one_in;
            assert!(sampled.abs_diff(expected) < expected / 8, "one in {one_in}: {sampled}");
        }
    }

    #[test]
    fn accounts_add_up() {
        let mut sum = account(1, 10);
        sum.add(&account(1, 20));
        assert_eq!((sum.turns, sum.symptoms.get(1).map(|spent| spent.calls)), (30, Some(30)));
    }
}
