//! How long a subject stays, and how long it is away.
//!
//! ```yaml
//! session: {opens: connect, closes: drop, at-least: 3}
//! ```
//!
//! An opening pairs with the next closing. Halves may be missing: a second opening replaces the first, and a closing
//! without an opening only begins a gap. A gap runs from a closing to the next opening. Lengths and gaps are medians of
//! the last sixteen; `alike` is the share of those lengths that lie within 15 % of their median, so that one session that
//! was cut short does not hide a constant length.
//!
//! Present once `at-least` (3 when not given) whole sessions were seen, unknown while it learns; the closings of whole
//! sessions are claimed. Where equal times satisfy "before" both ways, the events of one instant alternate: a closing
//! first, unless the subject is known to be away. Delay: none. Memory per subject: two times, sixteen lengths and gaps
//! (16 bytes each), and the closings while it learns.

use std::sync::Arc;
use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use crate::codec::state;
use crate::detector::words::{many, stamp};
use crate::detector::{
    ClassId, Definition, Detector, DetectorKind, Facts, Findings, Hit, Names, Reading, Watch, parameters,
    remembered,
};
use crate::error::Problem;
use crate::model::{Exhibit, Measure, Probability, Status, Timestamp};
use crate::predicate::{Domain, Kind};
use crate::timeline::Spans;
use crate::yaml::{Node, schema_of};

/// The kind of detector that pairs openings with closings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Session;

const AT_LEAST: usize = 3;
/// A subject that was silent for longer than any span a rule may name starts anew.
const HORIZON: Duration = Duration::from_secs(31 * 86_400);
/// Events of one instant beyond these are taken in canonical order.
const INSTANT: usize = 256;

impl DetectorKind for Session {
    fn name(&self) -> &'static str {
        "session"
    }

    fn measures(&self) -> &'static [&'static str] {
        &["sessions", "length", "alike", "gap", "longest_gap", "open"]
    }

    fn parameters(&self) -> serde_json::Value {
        schema_of::<parameters::SessionParams>()
    }

    fn measure_kind(&self, measure: &str) -> Kind {
        match measure {
            "sessions" => Kind::Count,
            "length" | "gap" | "longest_gap" => Kind::Span,
            "alike" => Kind::Share,
            "open" => Kind::Flag,
            _ => Kind::Any,
        }
    }

    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        let fields = params.fields(&["opens", "closes", "at-least"])?;
        let mut classes = |key: &str| -> Result<Vec<ClassId>, Problem> {
            let node = fields.required(key)?;
            let classes =
                node.one_or_more().iter().map(|class| names.class(class)).collect::<Result<Vec<_>, _>>()?;
            if classes.is_empty() {
                Err(node.expected("an event class or a list of them"))
            } else {
                Ok(classes)
            }
        };
        let (opens, closes) = (classes("opens")?, classes("closes")?);
        let at_least = match fields.optional("at-least") {
            Some(node) => usize::try_from(node.integer_within(1, 64)?).unwrap_or(AT_LEAST),
            None => AT_LEAST,
        };
        Ok(Arc::new(Pairs { opens, closes, at_least, ties_any: names.ties_any() }))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    pub(crate) opens: Vec<ClassId>,
    pub(crate) closes: Vec<ClassId>,
    pub(crate) at_least: usize,
    pub(crate) ties_any: bool,
}

impl Detector for Pairs {
    fn classes(&self) -> Vec<ClassId> {
        let mut classes: Vec<ClassId> = self.opens.iter().chain(&self.closes).copied().collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    fn definition(&self) -> Option<Definition> {
        let Self { opens, closes, at_least, ties_any } = self.clone();
        Some(Definition::Session { opens, closes, at_least, ties_any })
    }

    fn horizon(&self) -> Duration {
        HORIZON
    }

    fn facts(&self) -> Facts {
        let facts = Facts { needs: vec![self.opens.clone(), self.closes.clone()], ..Facts::default() };
        let facts = facts.with_measure("sessions", Domain::at_least(self.at_least as f64));
        facts.with_measure("alike", Domain::between(0.0, 1.0))
    }

    /// A later opening replaces an earlier one, and so does a closing as long as nothing was open.
    fn sleeps(&self) -> Option<Vec<Vec<ClassId>>> {
        Some(vec![self.opens.clone(), self.closes.clone()])
    }

    fn memory(&self) -> usize {
        size_of::<Stays>()
            + 2 * Spans::MEMORY
            + self.at_least.max(4).next_power_of_two() * size_of::<Exhibit>()
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Stays {
            plan: self,
            instant: Instant::default(),
            open: None,
            closed: None,
            sessions: 0,
            learning: Vec::new(),
            lengths: Spans::default(),
            gaps: Spans::default(),
            longest_gap: None,
        })
    }
}

#[derive(Debug)]
struct Stays {
    plan: Arc<Pairs>,
    instant: Instant,
    // Invariant: at most one of these two is set.
    open: Option<Timestamp>,
    closed: Option<Timestamp>,
    sessions: usize,
    learning: Vec<Exhibit>,
    lengths: Spans,
    gaps: Spans,
    longest_gap: Option<Duration>,
}

/// The events of one instant of which it is not known yet what they make, because one more of that instant may come before
/// them in turn: openings of a subject that is not away, or closings of one that is. Nothing that they can make is claimed.
#[derive(Debug, Default)]
struct Instant {
    time: Option<Timestamp>,
    opens: usize,
    closes: Vec<Exhibit>,
    /// How many openings and closings have had their turn.
    taken: usize,
}

impl Instant {
    fn seen(&self) -> usize {
        self.taken + self.opens + self.closes.len()
    }
}

state!(Stays {
    0 => instant, 1 => open, 2 => closed, 3 => sessions, 4 => learning, 5 => lengths, 6 => gaps, 7 => longest_gap
});
// Nothing is saved while an instant lasts.
state!(Instant { 0 => time, 1 => opens, 2 => closes });

impl Watch for Stays {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        let time = hit.time();
        if self.instant.time.is_some_and(|instant| instant < time) {
            self.settle(out);
        }
        self.instant.time = Some(time);
        if self.plan.closes.iter().any(|&class| hit.is(class)) {
            if self.closed.is_none() && self.instant.closes.is_empty() {
                self.instant.taken += 1;
                self.end(hit.exhibit, out);
            } else {
                self.instant.closes.push(hit.exhibit);
            }
        }
        if self.plan.opens.iter().any(|&class| hit.is(class)) {
            self.instant.opens += 1;
        }
        self.take_turns(time, out);
        if !self.plan.ties_any || self.instant.seen() >= INSTANT {
            self.settle(out);
        }
        out.changed();
    }

    fn advance(&mut self, now: Timestamp, out: &mut Findings) {
        if self.instant.time.is_some_and(|instant| instant <= now) {
            self.settle(out);
        }
    }

    fn status(&self, _now: Timestamp) -> Status {
        let needed = self.plan.at_least;
        if self.sessions >= needed {
            Status::Present(Probability::new(1.0))
        } else {
            Status::Unknown(format_smolstr!("learning {}/{needed}", self.sessions))
        }
    }

    fn reading(&self, now: Timestamp) -> Reading {
        let status = self.status(now);
        let sessions = u64::try_from(self.sessions).unwrap_or(u64::MAX);
        let mut measures = vec![(SmolStr::new_static("sessions"), Measure::Count(sessions))];
        let mut add = |name: &'static str, measure: Option<Measure>| {
            measures.extend(measure.map(|measure| (SmolStr::new_static(name), measure)));
        };
        add("length", self.lengths.median().map(Measure::Span));
        add("alike", self.alike().map(Measure::Number));
        add("gap", self.gaps.median().map(Measure::Span));
        add("longest_gap", self.longest_gap.map(Measure::Span));
        add("open", Some(Measure::Flag(self.now_open().is_some())));
        Reading { status, measures }
    }

    fn shortfall(&self, _now: Timestamp) -> Option<String> {
        let needed = many(self.plan.at_least, "session");
        let text = match self.sessions {
            0 => format!("no session, from an opening to the next closing; {needed} are needed"),
            sessions => format!("{sessions} of {needed}"),
        };
        Some(match (self.now_open(), self.now_closed()) {
            (Some(opened), _) => format!("{text}; one is open since {}", stamp(opened)),
            (None, Some(closed)) => format!("{text}; away since {}", stamp(closed)),
            (None, None) => text,
        })
    }
}

impl Stays {
    /// Takes in those events of the instant whose turn it is, whatever else of it may come: openings where the subject is
    /// away, closings where it is not.
    fn take_turns(&mut self, time: Timestamp, out: &mut Findings) {
        loop {
            if self.closed.is_some() && self.instant.opens > 0 {
                self.instant.opens -= 1;
                self.instant.taken += 1;
                self.begin(time);
            } else if self.closed.is_none() && !self.instant.closes.is_empty() {
                let next = self.instant.closes.remove(0);
                self.instant.taken += 1;
                self.end(next, out);
            } else {
                return;
            }
        }
    }

    /// The instant is over: what has found no turn replaces what was.
    fn settle(&mut self, out: &mut Findings) {
        let Some(time) = self.instant.time else { return };
        // Nearly always everything has.
        if self.instant.opens > 0 || !self.instant.closes.is_empty() {
            self.take_turns(time, out);
            (self.open, self.closed) = (self.now_open(), self.now_closed());
            self.instant.closes.clear();
            self.instant.opens = 0;
        }
        (self.instant.time, self.instant.taken) = (None, 0);
    }

    /// Since when the subject is there, if the instant is over.
    fn now_open(&self) -> Option<Timestamp> {
        if self.instant.opens > 0 { self.instant.time } else { self.open }
    }

    /// Since when it is away, if the instant is over.
    fn now_closed(&self) -> Option<Timestamp> {
        if self.instant.closes.is_empty() { self.closed } else { self.instant.time }
    }

    fn begin(&mut self, time: Timestamp) {
        if let Some(closed) = self.closed.take() {
            let gap = time.since(closed);
            self.gaps.push(gap);
            self.longest_gap = self.longest_gap.max(Some(gap));
        }
        self.open = Some(time);
    }

    fn end(&mut self, exhibit: Exhibit, out: &mut Findings) {
        self.closed = Some(exhibit.time);
        let Some(opened) = self.open.take() else { return };
        self.lengths.push(exhibit.time.since(opened));
        self.sessions = self.sessions.saturating_add(1);
        if self.sessions < self.plan.at_least {
            self.learning.push(exhibit);
            return;
        }
        if !self.learning.is_empty() {
            std::mem::take(&mut self.learning).into_iter().for_each(|earlier| out.claim(earlier));
        }
        out.claim(exhibit);
    }

    fn alike(&self) -> Option<f64> {
        /// How far from the median a length may lie to be like it: 15 %.
        const PERCENT: u32 = 15;
        let median = self.lengths.median()?;
        let alike = self.lengths.near(median, median.saturating_mul(PERCENT) / 100);
        #[expect(clippy::cast_precision_loss, reason = "at most sixteen lengths")]
        Some(alike as f64 / self.lengths.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detector::fixture::{Player, build, span};

    const OPEN: &[u32] = &[0];
    const CLOSE: &[u32] = &[1];

    fn pairs(at_least: usize, ties_any: bool) -> Pairs {
        Pairs { opens: vec![ClassId(0)], closes: vec![ClassId(1)], at_least, ties_any }
    }

    #[test]
    fn its_parameters_are_checked() {
        let detector = build(&Session, "{opens: c, closes: [d, x]}").expect("sound");
        assert_eq!(detector.classes(), [ClassId(2), ClassId(3), ClassId(23)]);
        let refused = |text: &str| build(&Session, text).map(|detector| detector.horizon()).err();
        assert_eq!(refused("{opens: c, closes: []}").as_deref(), Some("1:20 wrong-type"));
        assert_eq!(refused("{opens: c, closes: d, at-least: 65}").as_deref(), Some("1:33 out-of-range"));
    }

    #[test]
    fn lengths_and_gaps_are_medians_of_whole_sessions() {
        let events =
            [(0, OPEN), (100, CLOSE), (110, OPEN), (230, CLOSE), (235, OPEN), (345, CLOSE), (375, OPEN)];
        let player = Player::play(pairs(3, false), &events, None);
        assert_eq!(player.status(), "present");
        assert_eq!(player.count("sessions"), 3);
        assert_eq!(player.measure("length"), Some(Measure::Span(span(110))));
        assert_eq!(player.measure("gap"), Some(Measure::Span(span(10))));
        assert_eq!(player.measure("longest_gap"), Some(Measure::Span(span(30))));
        assert_eq!(player.measure("open"), Some(Measure::Flag(true)));
        assert_eq!(player.claims(), [1, 3, 5]);
        assert_eq!(player.measure("alike"), Some(Measure::Number(1.0)));
    }

    #[test]
    fn one_session_cut_short_does_not_hide_a_constant_length() {
        let events = [
            (0, OPEN),
            (100, CLOSE),
            (110, OPEN),
            (210, CLOSE),
            (220, OPEN),
            (260, CLOSE),
            (270, OPEN),
            (371, CLOSE),
        ];
        let player = Player::play(pairs(3, false), &events, None);
        assert_eq!(player.measure("alike"), Some(Measure::Number(0.75)));
    }

    #[test]
    fn it_is_unknown_while_it_learns() {
        let player = Player::play(pairs(3, false), &[(0, OPEN), (9, CLOSE)], None);
        assert_eq!(player.status(), "unknown: learning 1/3");
        assert!(player.claims().is_empty());
    }

    #[test]
    fn what_is_missing_reads_as_a_sentence() {
        let missing = |events: &[(i64, &[u32])]| {
            let seconds: Vec<(i64, &[u32])> = events.iter().map(|&(t, c)| (t * 1_000_000_000, c)).collect();
            Player::play(pairs(3, false), &seconds, None).shortfall()
        };
        assert_eq!(missing(&[]), "no session, from an opening to the next closing; 3 sessions are needed");
        let two = [(0, OPEN), (9, CLOSE), (10, OPEN), (20, CLOSE)];
        assert_eq!(missing(&two), "2 of 3 sessions; away since 1970-01-01 00:00:20");
        assert_eq!(missing(&two[..3]), "1 of 3 sessions; one is open since 1970-01-01 00:00:10");
    }

    #[test]
    fn a_second_opening_replaces_the_first() {
        let player = Player::play(pairs(1, false), &[(0, OPEN), (50, OPEN), (60, CLOSE)], None);
        assert_eq!(player.measure("length"), Some(Measure::Span(span(10))));
        assert_eq!(player.measure("gap"), None);
    }

    #[test]
    fn a_closing_without_an_opening_only_begins_a_gap() {
        let player = Player::play(pairs(1, false), &[(5, CLOSE), (7, CLOSE), (10, OPEN)], None);
        assert_eq!(player.status(), "unknown: learning 0/1");
        assert_eq!(player.measure("gap"), Some(Measure::Span(span(3))));
    }

    #[test]
    fn at_one_instant_an_open_subject_closes_first() {
        for instant in [[OPEN, CLOSE], [CLOSE, OPEN]] {
            let events = [(0, OPEN), (10, instant[0]), (10, instant[1]), (30, CLOSE)];
            let player = Player::play(pairs(1, true), &events, Some(30));
            assert_eq!(player.count("sessions"), 2);
            assert_eq!(player.measure("length"), Some(Measure::Span(span(15))));
            assert_eq!(player.measure("gap"), Some(Measure::Span(span(0))));
        }
    }

    #[test]
    fn at_one_instant_a_subject_that_is_away_opens_first() {
        for instant in [[OPEN, CLOSE], [CLOSE, OPEN]] {
            let events = [(0, CLOSE), (10, instant[0]), (10, instant[1])];
            let player = Player::play(pairs(1, true), &events, Some(10));
            assert_eq!(player.measure("length"), Some(Measure::Span(span(0))));
            assert_eq!(player.measure("open"), Some(Measure::Flag(false)));
        }
    }

    #[test]
    fn events_of_one_instant_beyond_the_limit_are_taken_in_the_order_in_which_they_come() {
        for (openings, sessions) in [(INSTANT - 1, 0), (INSTANT, 1)] {
            let mut events = vec![(7, OPEN); openings];
            events.push((7, CLOSE));
            assert_eq!(Player::play(pairs(1, true), &events, Some(7)).count("sessions"), sessions);
        }
    }

    /// By definition: the events of one instant together, once it has passed.
    #[derive(Default)]
    struct Whole {
        open: Option<i64>,
        closed: Option<i64>,
        lengths: Vec<i64>,
        gaps: Vec<i64>,
        ends: Vec<u64>,
    }

    impl Whole {
        fn settle(&mut self, time: i64, mut opens: usize, closes: &[u64]) {
            let mut closes = closes.iter().peekable();
            while opens > 0 || closes.peek().is_some() {
                if opens > 0 && (self.closed.is_some() || closes.peek().is_none()) {
                    opens -= 1;
                    self.gaps.extend(self.closed.take().map(|closed| time - closed));
                    self.open = Some(time);
                } else if let Some(number) = closes.next() {
                    self.closed = Some(time);
                    if let Some(opened) = self.open.take() {
                        self.lengths.push(time - opened);
                        self.ends.push(*number);
                    }
                }
            }
        }
    }

    proptest! {
        /// An event counts as soon as its turn is certain, and none counts that would not have counted in the end.
        #[test]
        fn what_it_knows_when_an_instant_is_over_is_what_all_events_of_it_say(
            events in proptest::collection::vec((0i64..3, 0usize..3), 0..24), ties_any in any::<bool>(),
        ) {
            let (mut player, mut whole, mut now) = (Player::new(pairs(1, ties_any)), Whole::default(), 0);
            let (mut opens, mut closes) = (0, Vec::new());
            let check = |player: &Player, whole: &Whole| {
                prop_assert_eq!(player.claims(), whole.ends.clone());
                prop_assert_eq!(player.deadline(), None, "an instant that is over says nothing new");
                prop_assert_eq!(player.measure("open"), Some(Measure::Flag(whole.open.is_some())));
                let longest = whole.gaps.iter().max().and_then(|gap| u64::try_from(*gap).ok());
                prop_assert_eq!(player.measure("longest_gap"), longest.map(|gap| Measure::Span(span(gap))));
                let mut spans = Spans::default();
                whole.lengths.iter().for_each(|&length| spans.push(span(u64::try_from(length).unwrap_or(0))));
                prop_assert_eq!(player.measure("length"), spans.median().map(Measure::Span));
                Ok(())
            };
            for (number, (gap, kind)) in (0..).zip(events) {
                if gap > 0 || !ties_any {
                    whole.settle(now, std::mem::take(&mut opens), &std::mem::take(&mut closes));
                    check(&player, &whole)?;
                }
                now += gap;
                player.hit(now, [OPEN, CLOSE, &[0, 1]][kind], None);
                opens += usize::from(kind != 1);
                closes.extend((kind != 0).then_some(number));
            }
            whole.settle(now, opens, &closes);
            check(&player, &whole)?;
        }

        #[test]
        fn the_order_within_an_instant_does_not_matter(events in proptest::collection::vec((0i64..6, 0usize..2), 0..14)) {
            let play = |mut events: Vec<(i64, usize)>, reversed: bool| {
                events.sort_by_key(|&(time, class)| (time, if reversed { 1 - class } else { class }));
                let events: Vec<(i64, &[u32])> = events.iter().map(|&(t, c)| (t, [OPEN, CLOSE][c])).collect();
                Player::play(pairs(1, true), &events, Some(9)).reading()
            };
            prop_assert_eq!(play(events.clone(), false), play(events, true));
        }
    }
}
