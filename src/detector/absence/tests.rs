use proptest::prelude::*;

use super::*;
use crate::detector::fixture::{Player, build, span};

const BEAT: &[u32] = &[0];
const ASK: &[u32] = &[1];
const BYE: &[u32] = &[2];

fn heart(at_least: u64, within: u64) -> Expected {
    let (event, until) = (ClassId(0), Some(ClassId(2)));
    Expected { event, since: None, until, at_least, within: span(within), in_turn: false, ties_any: false }
}

fn answer(within: u64) -> Expected {
    Expected { since: Some(ClassId(1)), ..heart(1, within) }
}

fn beats(plan: Expected, times: &[i64], end: Option<i64>) -> Player {
    let events: Vec<(i64, &[u32])> = times.iter().map(|&time| (time, BEAT)).collect();
    Player::play(plan, &events, end)
}

#[test]
fn its_parameters_are_checked() {
    let refused = |text: &str| build(&Absence, text).map(|detector| detector.horizon()).err();
    assert_eq!(refused("{event: b, for: 15m}"), None);
    assert_eq!(refused("{event: b, for: 15m, at-least: 5, until: g}"), None);
    assert_eq!(refused("{event: a, since: q, for: 30s, until: g}"), None);
    assert_eq!(refused("{event: b}").as_deref(), Some("1:1 missing-key"));
    assert_eq!(refused("{event: b, for: 15m, at-least: 0}").as_deref(), Some("1:32 out-of-range"));
    assert_eq!(refused("{event: a, since: q, for: 30s, at-least: 2}").as_deref(), Some("1:42 conflict"));
    assert_eq!(refused("{event: b, within: 15m}").as_deref(), Some("1:12 unknown-key"));
    assert_eq!(refused("{event: a, since: q, for: 30s, in-turn: true}"), None);
    assert_eq!(refused("{event: b, for: 15m, in-turn: true}").as_deref(), Some("1:31 conflict"));
}

#[test]
fn a_heartbeat_that_has_come_falls_silent_when_the_deadline_has_passed() {
    assert_eq!(Player::new(heart(1, 10)).status(), "unknown: learning 0/1");
    let player = beats(heart(1, 10), &[0, 8], Some(17));
    assert_eq!(player.status(), "unknown: waiting until 1970-01-01T00:00:00.000000018Z");
    assert_eq!(player.deadline(), Some(18));
    let player = beats(heart(1, 10), &[0, 8], Some(18));
    assert_eq!((player.status().as_str(), player.deadline()), ("present", None));
    assert_eq!(player.claims(), [1]);
}

#[test]
fn an_event_exactly_at_the_deadline_is_in_time() {
    assert!(beats(heart(1, 10), &[0, 10], Some(10)).status().starts_with("unknown"));
    assert_eq!(beats(heart(1, 10), &[0, 11], Some(11)).status(), "present");
}

#[test]
fn a_silence_ends_with_the_next_event_and_was_there_all_the_same() {
    let player = beats(heart(1, 10), &[0, 5, 35, 40, 52], None);
    assert_eq!(player.status(), "present");
    assert_eq!((player.count("silences"), player.claims()), (2, vec![1, 3]));
    assert_eq!(player.measure("longest"), Some(Measure::Span(span(30))));
    assert_eq!(player.measure("silent"), Some(Measure::Flag(false)));
    let player = beats(heart(1, 10), &[0, 5], Some(99));
    assert_eq!(player.measure("longest"), Some(Measure::Span(span(10))), "so long at least");
    assert_eq!(player.measure("silent"), Some(Measure::Flag(true)));
}

#[test]
fn it_must_have_come_so_often_in_a_row_before_its_silence_means_something() {
    assert_eq!(beats(heart(3, 10), &[0, 5], Some(9)).status(), "unknown: learning 2/3");
    assert_eq!(beats(heart(3, 10), &[0, 5], Some(15)).status(), "unknown: learning 2/3");
    assert_eq!(beats(heart(3, 10), &[0, 5], Some(16)).status(), "unknown: learning 0/3");
    assert_eq!(beats(heart(3, 10), &[0, 5, 16, 20], Some(30)).status(), "unknown: learning 2/3");
    let player = beats(heart(3, 10), &[0, 5, 16, 20, 26], Some(36));
    assert_eq!((player.status().as_str(), player.claims()), ("present", vec![4]));
    assert_eq!(player.count("before"), 3);
    assert_eq!(player.measure("usual"), Some(Measure::Span(span(5))));
}

#[test]
fn what_ends_a_heartbeat_in_an_orderly_way_is_no_silence() {
    let events = [(0, BEAT), (5, BEAT), (7, BYE)];
    assert_eq!(Player::play(heart(1, 10), &events, Some(99)).status(), "unknown: learning 0/1");
    assert_eq!(Player::play(heart(1, 10), &[(0, BEAT), (11, BYE)], Some(99)).count("silences"), 1);
}

#[test]
fn an_answer_is_expected_after_each_question() {
    let played = |events: &[(i64, &[u32])], end| Player::play(answer(10), events, Some(end));
    assert_eq!(Player::new(answer(10)).status(), "absent");
    assert!(played(&[(0, ASK)], 9).status().starts_with("unknown: waiting until"));
    assert_eq!(played(&[(0, ASK), (10, BEAT)], 99).status(), "absent");
    assert_eq!(played(&[(0, ASK), (11, BEAT)], 99).claims(), [0]);
    assert_eq!(played(&[(0, ASK), (5, ASK), (10, BEAT)], 99).status(), "absent", "one meets both");
    assert_eq!(played(&[(0, ASK), (5, ASK)], 99).claims(), [0], "one silence");
    assert_eq!(played(&[(0, ASK), (11, BEAT), (12, ASK)], 99).claims(), [0, 2]);
    assert_eq!(played(&[(0, ASK), (4, BYE)], 99).status(), "absent");
    assert_eq!(played(&[(0, BEAT), (0, ASK)], 99).claims(), [1]);
    assert_eq!(played(&[(0, &[0, 1])], 99).claims(), [0], "an event does not meet what it opens");
}

#[test]
fn what_comes_in_turn_and_comes_twice_shows_that_the_other_was_not_seen() {
    let plan = Expected { in_turn: true, ..answer(10) };
    let played = |events: &[(i64, &[u32])], end| Player::play(plan, events, Some(end));
    assert_eq!(played(&[(0, ASK)], 99).status(), "present");
    assert!(
        played(&[(0, ASK), (5, ASK)], 14).status().starts_with("unknown: waiting until"),
        "since the second"
    );
    assert_eq!(played(&[(0, ASK), (50, ASK), (55, BEAT)], 99).status(), "absent", "it was there before 50");
    let player = played(&[(0, ASK), (50, ASK), (80, BEAT), (81, ASK), (95, ASK)], 99);
    assert_eq!((player.count("silences"), player.measure("longest")), (1, Some(Measure::Span(span(30)))));
    assert_eq!(player.measure("silent"), Some(Measure::Flag(false)));
    assert_eq!(played(&[(0, ASK), (50, ASK)], 99).count("silences"), 1, "the second, for good");
}

#[test]
fn when_ties_are_any_what_comes_at_the_time_of_the_second_turn_came_before_it() {
    let plan = Expected { in_turn: true, ties_any: true, ..answer(10) };
    for events in [[(0, ASK), (50, ASK), (50, BEAT)], [(0, ASK), (50, BEAT), (50, ASK)]] {
        let player = Player::play(plan, &events, Some(99));
        assert_eq!((player.count("silences"), player.measure("longest")), (1, Some(Measure::Span(span(50)))));
    }
}

#[test]
fn when_ties_are_any_an_event_of_the_same_time_meets_what_another_opens() {
    let played = |events: &[(i64, &[u32])]| {
        Player::play(Expected { ties_any: true, ..answer(10) }, events, Some(99)).claims().len()
    };
    assert_eq!(played(&[(5, BEAT), (5, ASK)]), 0);
    assert_eq!(played(&[(5, ASK), (5, BEAT)]), 0);
    assert_eq!(played(&[(5, BYE), (5, ASK)]), 0);
    assert_eq!(played(&[(5, &[0, 1])]), 1);
    assert_eq!(played(&[(5, &[0, 1]), (5, &[0, 1])]), 0);
}

#[test]
fn what_is_missing_reads_as_a_sentence() {
    const SECOND: u64 = 1_000_000_000;
    let missing = |plan: Expected, events: &[(i64, &[u32])], end: i64| {
        let events: Vec<(i64, &[u32])> =
            events.iter().map(|&(time, classes)| (time * 1_000_000_000, classes)).collect();
        Player::play(plan, &events, Some(end * 1_000_000_000)).shortfall()
    };
    assert_eq!(
        missing(heart(3, 60 * SECOND), &[(0, BEAT), (40, BEAT)], 50),
        "2 of 3 events in a row, none more than 1m after the one before; the longest wait so far was 40s of 1m"
    );
    assert_eq!(
        missing(heart(1, 60 * SECOND), &[(0, BEAT)], 50),
        "expected since 1970-01-01 00:00:00; it must not come up to and including 1970-01-01 00:01:00"
    );
    assert_eq!(
        missing(answer(60 * SECOND), &[(0, ASK), (55, BEAT)], 99),
        "nothing is expected now; the longest wait so far was 55s of 1m"
    );
    assert_eq!(missing(heart(1, SECOND), &[(0, BEAT)], 9), "");
}

/// The events of one watch: times and classes, a bit each.
fn some_events() -> impl Strategy<Value = Vec<(i64, u32)>> {
    let class = proptest::sample::select(vec![1u32, 1, 1, 2, 2, 4, 3, 5, 6]);
    let gap = proptest::sample::select(vec![0i64, 0, 1, 2, 4, 5, 6, 9]);
    proptest::collection::vec((gap, class), 0..16).prop_map(|steps| {
        let mut now = 0;
        let walk = |(gap, class): (i64, u32)| {
            now += gap;
            (now, class)
        };
        steps.into_iter().map(walk).collect()
    })
}

fn play(plan: Expected, events: &[(i64, u32)], end: i64) -> Player {
    let mut player = Player::new(plan);
    for &(time, bits) in events {
        let classes: Vec<u32> = (0..3).filter(|class| bits & 1 << class != 0).collect();
        player.hit(time, &classes, None);
    }
    player.until(end);
    player
}

/// What the text says of events: for each silence, the event after which it began, and how long it was.
fn naive(plan: Expected, events: &[(i64, u32)], end: i64) -> Vec<(usize, i64)> {
    let within = i64::try_from(plan.within.as_nanos()).unwrap_or(i64::MAX);
    let has = |at: usize, class: u32| events[at].1 & 1 << class != 0;
    let time = |at: usize| events[at].0;
    // Whether `at` comes behind `before`; at one time both ways, where equal times have no order.
    let behind =
        |at: usize, before: usize| at != before && (at > before || plan.ties_any && time(at) == time(before));
    let called_off = |at: usize| {
        (0..events.len()).any(|bye| has(bye, 2) && (bye == at || behind(bye, at) && time(bye) == time(at)))
    };
    let opener = u32::from(plan.since.is_some());
    let mut silences = Vec::new();
    let mut row = 0;
    let mut over = None;
    for at in (0..events.len()).filter(|&at| has(at, opener)) {
        let beat = plan.since.is_none();
        if beat && plan.ties_any && called_off(at) {
            continue;
        }
        if beat {
            let before = (0..at).rev().find(|&b| has(b, 0) && !(plan.ties_any && called_off(b)));
            let follows = |&b: &usize| time(at) - time(b) <= within && !(b..at).any(|bye| has(bye, 2));
            row = if before.filter(follows).is_some() { row + 1 } else { 1 };
            if row < plan.at_least {
                continue;
            }
        }
        // What ends the wait: an event, or what calls it off.
        let ends = |other: &usize| {
            let meets = has(*other, 0) && if beat { *other > at } else { behind(*other, at) };
            let calls_off = has(*other, 2) && (*other == at || behind(*other, at));
            meets || calls_off
        };
        let first = (0..events.len()).filter(ends).min_by_key(|&other| time(other));
        let met = first.is_some_and(|other| time(other) <= time(at) + within);
        let open = over.is_some_and(|over: Option<usize>| over.is_none_or(|over| at < over));
        if met || time(at) + within > end || !beat && open {
            // One that is met stays open until then, but what it hides is met as well.
            continue;
        }
        silences.push((at, first.map_or(within, |other| time(other) - time(at))));
        over = Some(first);
    }
    silences
}

proptest! {
    #[test]
    fn it_finds_what_the_text_says(
        events in some_events(), within in 1u64..8, at_least in 1u64..4, since in any::<bool>(), ties_any in any::<bool>(),
        more in 0i64..12,
    ) {
        let end = events.last().map_or(0, |event| event.0) + more;
        let plan = if since { answer(within) } else { heart(at_least, within) };
        let plan = Expected { ties_any, ..plan };
        let expected = naive(plan, &events, end);
        let player = play(plan, &events, end);
        prop_assert_eq!(player.count("silences"), expected.len() as u64);
        let times = |places: Vec<usize>| places.into_iter().map(|at| events[at].0).collect::<Vec<_>>();
        let claims = player.claims().into_iter().map(|at| usize::try_from(at).unwrap_or(0)).collect();
        prop_assert_eq!(times(claims), times(expected.iter().map(|silence| silence.0).collect()));
        let longest = expected.iter().map(|silence| silence.1).max();
        let measured = longest.map(|longest| Measure::Span(span(u64::try_from(longest).unwrap_or(0))));
        prop_assert_eq!(player.measure("longest"), measured);
    }

    #[test]
    fn the_order_within_an_instant_does_not_matter_when_ties_are_any(
        events in some_events(), seed in proptest::collection::vec(0u32..100, 16), within in 1u64..8, since in any::<bool>(),
    ) {
        let mut shuffled: Vec<((i64, u32), u32)> = events.iter().copied().zip(seed).collect();
        shuffled.sort_by_key(|(event, seed)| (event.0, *seed));
        let shuffled: Vec<(i64, u32)> = shuffled.into_iter().map(|(event, _)| event).collect();
        let plan = if since { answer(within) } else { heart(2, within) };
        let plan = Expected { ties_any: true, ..plan };
        let end = events.last().map_or(0, |event| event.0) + 5;
        let (one, other) = (play(plan, &events, end), play(plan, &shuffled, end));
        prop_assert_eq!(one.reading(), other.reading());
        prop_assert_eq!(one.shortfall(), other.shortfall());
    }

    #[test]
    fn a_gap_longer_than_the_horizon_makes_a_watch_as_good_as_new(
        events in some_events(), later in some_events(), within in 1u64..8, since in any::<bool>(),
    ) {
        let plan = if since { answer(within) } else { heart(2, within) };
        let last = events.last().map_or(0, |event| event.0);
        let before = play(plan, &events, last + 8);
        prop_assume!(before.count("silences") == 0);
        let later: Vec<(i64, u32)> = later.into_iter().map(|(time, bits)| (last + 9 + time, bits)).collect();
        let end = later.last().map_or(last + 9, |event| event.0) + 3;
        let both: Vec<(i64, u32)> = events.iter().chain(&later).copied().collect();
        prop_assert_eq!(play(plan, &both, end).reading(), play(plan, &later, end).reading());
    }
}
