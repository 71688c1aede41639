use super::*;
use crate::detector::bench::{Bench, unknown};
use crate::model::Value;
use crate::timeline::series::Draws;

const MINUTE: f64 = 60.0;

fn within(shortest: u64, longest: u64) -> Bench {
    let minutes = |n| Duration::from_secs(n * 60);
    Bench::new(Settings::new(ClassId(0), minutes(shortest), minutes(longest)))
}

fn usual() -> Bench {
    within(5, 36 * 60)
}

impl Bench {
    /// Events so many seconds after a day in 2026.
    fn all(&mut self, seconds: impl IntoIterator<Item = f64>) -> &mut Self {
        seconds.into_iter().for_each(|second| self.show(at(second), ClassId(0), 0));
        self
    }

    fn now(&self) -> Reading {
        self.watch.reading(Timestamp::MAX)
    }

    fn is(&self, state: &str) -> bool {
        self.now().value("state") == Some(state.into())
    }

    fn minutes(&self) -> f64 {
        self.now().seconds("period") / MINUTE
    }
}

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_nanos(1_772_582_400_000_000_000 + (seconds * 1e9) as i64).unwrap_or(Timestamp::MIN)
}

/// Times from gaps in minutes and seconds.
fn gaps(gaps: &[(i32, i32)]) -> Vec<f64> {
    let mut now = 0.0;
    let next = |&(minutes, seconds): &(i32, i32)| {
        now += f64::from(minutes) * MINUTE + f64::from(seconds);
        now
    };
    std::iter::once(0.0).chain(gaps.iter().map(next)).collect()
}

/// A timer that each beat sets anew, some of whose beats are not seen.
fn renewals(draws: &mut Draws, minutes: f64, jitter: f64, miss: f64, events: usize) -> Vec<f64> {
    let mut now = draws.uniform() * 1e5;
    let mut times = Vec::new();
    while times.len() < events {
        if draws.uniform() >= miss {
            times.push(now);
        }
        now += minutes * MINUTE * (1.0 + jitter * draws.normal());
    }
    times
}

#[test]
fn few_gaps_cannot_prove_a_period_so_it_is_learning() {
    for (train, why) in [
        (vec![], "learning 0/5"),
        (vec![(65, 2), (60, 1), (60, 0), (60, 0)], "learning 4/5"),
        (vec![(65, 2), (60, 1), (60, 0), (60, 0), (23, 0)], "learning 5/8"),
        (vec![(65, 2), (60, 1), (60, 0), (60, 0), (131, 0)], "learning 5/8"),
    ] {
        let mut bench = usual();
        bench.all(gaps(&train).into_iter().skip(usize::from(train.is_empty())));
        assert_eq!(bench.now().status, unknown(why), "{train:?}");
        assert!(bench.is("learning"));
    }
}

#[test]
fn gaps_that_clearly_disagree_are_absent_after_five() {
    let mut bench = usual();
    bench.all(gaps(&[(60, 0), (7, 0), (200, 0), (23, 0), (95, 0)]));
    assert!(bench.is("none") && bench.now().status == Status::Absent);
}

#[test]
fn five_near_perfect_gaps_are_suspected_and_eight_confirmed() {
    let mut bench = usual();
    bench.all((0..6).map(|n| f64::from(n) * 65.0 * MINUTE));
    assert!(bench.is("suspected"));
    assert_eq!(bench.claimed.len(), 6);
    assert!(matches!(bench.now().status, Status::Present(p) if p.get() > 0.95 && p.get() < 0.97));
    bench.all((6..9).map(|n| f64::from(n) * 65.0 * MINUTE));
    assert!(bench.is("confirmed"));
    assert_eq!(bench.claimed.len(), 9);
    assert!(matches!(bench.now().status, Status::Present(p) if p.get() > 0.99));
    assert_eq!(bench.now().value("beats"), Some(9.into()));
    assert!((bench.minutes() - 65.0).abs() < 1e-6);
}

#[test]
fn renewals_are_found_through_jitter_and_missed_beats() {
    let mut draws = Draws(1);
    for jitter in [0.01, 0.02, 0.05] {
        for miss in [0.0, 0.1, 0.2] {
            let (mut confirmed, mut close) = (0, 0);
            for _ in 0..200 {
                let mut bench = usual();
                let mut seen = false;
                for time in renewals(&mut draws, 65.0, jitter, miss, 17) {
                    seen |= bench.all([time]).is("confirmed");
                }
                confirmed += usize::from(seen);
                close += usize::from((bench.minutes() - 65.0).abs() < 65.0 * 0.05);
            }
            assert!(confirmed >= 190, "jitter {jitter}, miss {miss}: {confirmed} of 200 confirmed");
            assert!(close >= 190, "jitter {jitter}, miss {miss}: {close} of 200 periods within 5 %");
        }
    }
}

#[test]
fn random_arrivals_are_never_confirmed() {
    let mut draws = Draws(2);
    let (mut suspected, mut confirmed) = (0, 0);
    for _ in 0..2_000 {
        let mut bench = usual();
        let (mut now, mut suspect, mut confirm) = (0.0, false, false);
        for _ in 0..300 {
            now += draws.exponential(65.0 * MINUTE);
            bench.all([now]);
            suspect |= !bench.claimed.is_empty();
            confirm |= bench.is("confirmed");
        }
        suspected += usize::from(suspect);
        confirmed += usize::from(confirm);
    }
    assert_eq!(confirmed, 0);
    assert!(suspected <= 10, "{suspected} of 2,000 were suspected");
}

#[test]
fn an_interloper_is_not_claimed_and_every_beat_is_claimed_once() {
    let mut bench = usual();
    let beats: Vec<f64> = (0..24).map(|n| f64::from(n) * 65.0 * MINUTE + f64::from(n % 3) * 20.0).collect();
    let mut times = beats.clone();
    times.extend([4.0, 13.0].map(|n| (n + 0.4) * 65.0 * MINUTE));
    times.sort_by(f64::total_cmp);
    bench.all(times);
    let claimed: Vec<Timestamp> = bench.claimed.iter().map(|claim| claim.time).collect();
    assert_eq!(claimed, beats.into_iter().map(at).collect::<Vec<_>>());
    assert!(bench.is("confirmed"));
}

#[test]
fn a_missed_beat_does_not_end_the_period() {
    let mut bench = usual();
    bench.all((0..20).filter(|n| ![9, 12, 13].contains(n)).map(|n| f64::from(n) * 60.0 * MINUTE));
    assert!(bench.is("confirmed"));
    assert_eq!(bench.claimed.len(), 17);
    assert_eq!(bench.now().value("missed"), Some(3.into()));
}

#[test]
fn two_periods_of_nearly_the_same_length_are_one_with_jitter() {
    let mut bench = usual();
    bench.all(gaps(&[
        (65, 2),
        (60, 1),
        (65, 0),
        (60, 0),
        (60, 2),
        (65, 1),
        (60, 0),
        (65, 0),
        (65, 1),
        (60, 0),
    ]));
    assert!(bench.is("confirmed"));
    assert!((60.0..66.0).contains(&bench.minutes()));
    assert_eq!(bench.claimed.len(), 11);
}

#[test]
fn four_periods_of_silence_end_it_and_not_a_moment_less() {
    let mut bench = usual();
    bench.all((0..9).map(|n| f64::from(n) * 65.0 * MINUTE));
    let deadline = at(12.0 * 65.0 * MINUTE);
    assert_eq!(bench.watch.deadline(), Some(deadline));
    bench.advance(deadline.minus(Duration::from_nanos(1)));
    assert!(bench.is("confirmed"));
    bench.advance(deadline);
    assert!(bench.is("lost") && bench.now().status == Status::Absent);
    assert_eq!(bench.watch.deadline(), None);
}

#[test]
fn one_stray_event_does_not_revive_a_lost_period_but_its_next_beats_do() {
    let mut bench = usual();
    bench.all((0..9).map(|n| f64::from(n) * 65.0 * MINUTE));
    bench.all([20.4 * 65.0 * MINUTE]);
    assert!(bench.is("lost"));
    bench.all((21..24).map(|n| f64::from(n) * 65.0 * MINUTE));
    assert!(bench.is("confirmed"));
    assert_eq!(bench.claimed.len(), 12, "the stray is not claimed and nothing is claimed twice");
}

#[test]
fn after_its_horizon_of_silence_it_is_as_good_as_new() {
    let mut bench = within(5, 120);
    bench.all((0..9).map(|n| f64::from(n) * 65.0 * MINUTE));
    bench.all([9.0 * 65.0 * MINUTE + 8.1 * 3600.0]);
    assert_eq!(bench.watch.reading(Timestamp::MAX), within(5, 120).all([0.0]).now());
}

#[test]
fn events_close_together_are_one_beat() {
    let mut bench = usual();
    bench.all((0..9).flat_map(|n| [0.0, 20.0, 70.0].map(|after| f64::from(n) * 65.0 * MINUTE + after)));
    assert!(bench.is("confirmed"));
    assert_eq!(bench.claimed.len(), 9);
}

#[test]
fn a_period_outside_the_range_is_absent() {
    let mut bench = within(10, 50);
    bench.all((0..12).map(|n| f64::from(n) * 65.0 * MINUTE));
    assert_eq!((bench.now().status, bench.claimed.len()), (Status::Absent, 0));
}

#[test]
fn a_nightly_event_keeps_the_time_of_day_and_a_timer_does_not() {
    let mut draws = Draws(3);
    let nightly = (0..12).map(|n| 7200.0 + f64::from(n) * 86_400.0 + draws.uniform() * 60.0);
    let mut bench = usual();
    bench.all(nightly.collect::<Vec<_>>());
    assert_eq!(bench.now().value("wall_clock"), Some(true.into()));
    for (minutes, lateness) in [(65.0, 0.0), (60.0, 2.0)] {
        let mut bench = usual();
        bench.all((0..12).map(|n| f64::from(n) * (minutes * MINUTE + lateness)));
        assert_eq!(bench.now().value("wall_clock"), Some(false.into()), "{minutes} min, {lateness} s late");
    }
    let mut wrong = 0;
    for _ in 0..200 {
        let mut bench = usual();
        bench.all(renewals(&mut draws, 60.0, 0.02, 0.0, 12));
        wrong += usize::from(bench.now().value("wall_clock") == Some(true.into()));
    }
    assert!(wrong <= 2, "{wrong} of 200 timers look like clocks");
}

#[test]
fn a_clock_makes_up_for_a_late_beat_and_a_timer_does_not() {
    let mut draws = Draws(4);
    let clock = Some(Value::text("clock"));
    let (mut clocks, mut timers) = (0, 0);
    for _ in 0..200 {
        let mut bench = usual();
        bench
            .all((0..50).map(|n| (f64::from(n) + 0.02 * draws.normal()) * 65.0 * MINUTE).collect::<Vec<_>>());
        clocks += usize::from(bench.now().value("anchor") == clock);
        let mut bench = usual();
        bench.all(renewals(&mut draws, 65.0, 0.02, 0.0, 50));
        timers += usize::from(bench.now().value("anchor") == clock);
    }
    assert!(clocks >= 160, "{clocks} of 200 clocks");
    assert!(timers <= 30, "{timers} of 200 timers taken for clocks");
}

#[test]
fn what_is_missing_reads_as_a_sentence() {
    let missing = |bench: &mut Bench, train: &[(i32, i32)]| {
        bench.all(gaps(train));
        bench.watch.shortfall(Timestamp::MAX).unwrap_or_default()
    };
    let none = usual().watch.shortfall(Timestamp::MAX);
    assert_eq!(none.as_deref(), Some("no event; a period shows after 6 at the earliest"));
    assert_eq!(missing(&mut usual(), &[(60, 0), (60, 0)]), "3 of 6 events that a period needs at least");
    assert_eq!(
        missing(&mut usual(), &[(60, 0), (1, 0), (60, 0)]),
        "3 of 6 events that a period needs at least; 1 event came less than 1m15s after another, as a part of it"
    );
    assert_eq!(
        missing(&mut within(40, 80), &[(30, 0); 9]),
        "9 of 9 gaps fit a period of 30m, which is not within 40m..1h20m"
    );
    let irregular = [(65, 0), (60, 0), (23, 0), (61, 0), (140, 0), (13, 0), (77, 0), (31, 0), (60, 0)];
    assert_eq!(
        missing(&mut usual(), &irregular),
        "4 of 9 gaps fit a period of 1h1m30s with a scatter of 3.4 %: evidence 0.5, and 4 is needed"
    );
    assert_eq!(
        missing(&mut usual(), &[(65, 2), (60, 1), (60, 0), (60, 0), (23, 0)]),
        "4 of 5 gaps fit a period of 1h1m15s with a scatter of 3.6 %: evidence 1.5, and 4 is needed; with 8 gaps it can tell"
    );
    let train = [(60, 0); 9];
    let mut bench = usual();
    assert_eq!(missing(&mut bench, &train), "", "it is there");
    bench.wait(Timestamp::MAX);
    assert_eq!(
        bench.watch.shortfall(Timestamp::MAX).as_deref(),
        Some("9 of 9 gaps fit a period of 1h, but then no event came for 4h")
    );
}

/// Beats are of class 0, and may be counted from events of class 1 or of this one.
fn anchored(traffic: Option<ClassId>) -> Bench {
    let anchors = Some(Anchors { connect: Some(ClassId(1)), traffic });
    let minutes = |n: u64| Duration::from_secs(n * 60);
    Bench::new(Settings { anchors, ..Settings::new(ClassId(0), minutes(5), minutes(36 * 60)) })
}

/// What beats of about an hour are counted from. Each turn gives, in seconds: how long until something begins again,
/// how long it is busy from then on, and how long from that until the next beat; each varied by its jitter.
fn counted_from(turn: [(f64, f64); 3], turns: usize) -> Option<Value> {
    let mut bench = anchored(Some(ClassId(2)));
    let mut draws = Draws(11);
    let mut now = 0.0;
    for _ in 0..turns {
        for ((mean, jitter), class) in turn.into_iter().zip([1, 2, 0]) {
            now += (mean + jitter * (2.0 * draws.uniform() - 1.0)).max(0.01);
            bench.show(at(now), ClassId(class), 0);
        }
    }
    assert!(bench.now().status.is_present());
    bench.now().value("anchor")
}

#[test]
fn a_timer_is_counted_from_the_class_whose_events_lie_the_most_evenly_before_its_beats() {
    // A token: an hour after the start, whatever was done in between.
    let token = |turns| {
        let mut bench = anchored(Some(ClassId(2)));
        let (mut draws, mut now) = (Draws(3), 0.0);
        for _ in 0..turns {
            now += 300.0 * draws.uniform();
            bench.show(at(now), ClassId(1), 0);
            bench.show(at(now + 1_000.0 + 1_000.0 * draws.uniform()), ClassId(2), 0);
            now += 3_600.0 + draws.uniform();
            bench.show(at(now), ClassId(0), 0);
        }
        bench.now().value("anchor")
    };
    assert_eq!(token(20), Some("connect".into()));
    assert_eq!(token(7), Some("none".into()), "too few to say");
    // Idle for twenty minutes after forty busy ones.
    assert_eq!(counted_from([(60.0, 60.0), (2_400.0, 200.0), (1_200.0, 0.5)], 20), Some("traffic".into()));
}

#[test]
fn a_clock_is_counted_from_nothing_else() {
    let mut bench = anchored(None);
    let mut draws = Draws(5);
    for hour in 0..20 {
        let beat = f64::from(hour) * 3_600.0 + 20.0 * draws.uniform();
        bench.show(at(beat), ClassId(0), 0);
        bench.show(at(beat + 30.0 + 300.0 * draws.uniform()), ClassId(1), 0);
    }
    assert_eq!(bench.now().value("anchor"), Some("clock".into()));
}

#[test]
fn what_lies_equally_well_is_not_named() {
    // Back at once, and done at once: each of the three could be the one. 65 minutes are no part of a day.
    let same = [(2.0, 0.5), (2.0, 0.5), (3_896.0, 0.5)];
    assert_eq!(counted_from(same, 20), Some("none".into()));
    // A beat that sets the next, with the others anywhere in between.
    let mut bench = anchored(Some(ClassId(2)));
    let (mut draws, mut now) = (Draws(9), 0.0);
    for _ in 0..20 {
        bench.show(at(now + 600.0 * draws.uniform()), ClassId(1), 0);
        bench.show(at(now + 1_000.0 + 600.0 * draws.uniform()), ClassId(2), 0);
        now += 3_900.0 + 10.0 * draws.uniform();
        bench.show(at(now), ClassId(0), 0);
    }
    assert_eq!(bench.now().value("anchor"), Some("event".into()));
}

#[test]
fn anchors_are_classes_and_there_is_one_at_least() {
    use crate::detector::fixture::build;
    let rule = |anchors: &str| build(&Periodic, &format!("{{event: a, period: 5m..2h, anchors: {anchors}}}"));
    let anchored = rule("{connect: b, traffic: c}").map(|rule| (rule.classes(), rule.definition()));
    let Ok((classes, Some(Definition::Anchored { connect, traffic, .. }))) = anchored else {
        panic!("{anchored:?}")
    };
    assert_eq!((connect, traffic), (Some(ClassId(1)), Some(ClassId(2))));
    assert_eq!(classes, [ClassId(0), ClassId(1), ClassId(2)]);
    assert_eq!(rule("{}").err().as_deref(), Some("1:37 missing-key"));
    assert_eq!(rule("{clock: b}").err().as_deref(), Some("1:38 unknown-key"));
}
