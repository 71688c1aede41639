use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::detector::ClassId;
use crate::detector::bench::Bench;
use crate::detector::fixture::{Player, at, build, span};
use crate::model::{FieldId, Measure, Value};

const OLD: &[u32] = &[0];
const NEW: &[u32] = &[1];

fn plan(after: u64, at_least: u64, confirm: usize) -> Turning {
    Turning { from: ClassId(0), to: ClassId(1), after: span(after), at_least, confirm, ties_any: false }
}

fn tied(plan: Turning) -> Turning {
    Turning { ties_any: true, ..plan }
}

#[test]
fn its_parameters_are_checked() {
    let refused = |text: &str| build(&Change, text).map(|detector| detector.classes().len()).err();
    assert_eq!(refused("{from: c, to: r, after: 7d}"), None);
    assert_eq!(refused("{from: c, to: r, at-least: 50, confirm: 5}"), None);
    assert_eq!(refused("{from: c, to: r}").as_deref(), Some("1:1 missing-key"));
    assert_eq!(refused("{from: c, after: 7d}").as_deref(), Some("1:1 missing-key"));
    assert_eq!(refused("{from: c, to: c, after: 7d}").as_deref(), Some("1:15 contradiction"));
    assert_eq!(refused("{from: c, to: r, after: 7d, confirm: 65}").as_deref(), Some("1:38 out-of-range"));
    assert_eq!(refused("{from: c, to: r, after: 7d, within: 1h}").as_deref(), Some("1:29 unknown-key"));
    assert_eq!(refused("{event: c, at-least: 4, within: 1h}").as_deref(), Some("1:1 missing-key"));
    assert_eq!(
        refused("{event: c, field: x, at-least: 4, within: 1h}").as_deref(),
        Some("1:19 unknown-field")
    );
}

#[test]
fn it_worked_for_long_and_is_refused_now() {
    let worked: Vec<(i64, &[u32])> = (0..5).map(|n| (n * 10, OLD)).collect();
    let refused = |times: &[i64]| {
        let refused = times.iter().map(|&time| (time, NEW));
        let events: Vec<(i64, &[u32])> = worked.iter().copied().chain(refused).collect();
        Player::play(plan(40, 1, 3), &events, None)
    };
    assert_eq!(refused(&[50, 51]).status(), "absent");
    let player = refused(&[50, 51, 52, 60]);
    assert_eq!((player.status().as_str(), player.claims()), ("present", vec![5, 6, 7, 8]));
    assert_eq!(player.measure("steady"), Some(Measure::Span(span(40))));
    assert_eq!((player.count("before"), player.count("after")), (5, 4));
    assert_eq!(player.measure("since"), Some(Measure::Span(span(10))));
    assert_eq!(player.measure("back"), Some(Measure::Flag(false)));
}

#[test]
fn what_was_not_long_the_old_way_has_not_changed() {
    let events = [(0, NEW), (1, OLD), (20, OLD), (30, NEW), (31, NEW), (32, NEW)];
    assert_eq!(Player::play(plan(20, 1, 3), &events, None).status(), "absent");
    assert_eq!(Player::play(plan(19, 1, 3), &events, None).status(), "present");
    assert_eq!(Player::play(plan(0, 3, 3), &events, None).status(), "absent");
    assert_eq!(Player::play(plan(0, 2, 3), &events, None).status(), "present");
}

#[test]
fn what_began_with_the_log_may_have_been_so_for_long() {
    let events = [(1, OLD), (20, OLD), (30, NEW), (31, NEW), (32, NEW)];
    assert_eq!(Player::play(plan(20, 1, 3), &events, None).status(), "unknown: learning 19ns/20ns");
    assert_eq!(Player::play(plan(0, 3, 3), &events, None).status(), "unknown: learning 2/3");
    assert_eq!(Player::play(plan(0, 3, 3), &events[2..], None).status(), "unknown: learning 0/3");
    assert_eq!(Player::play(plan(0, 3, 3), &events[..4], None).status(), "absent");
    assert_eq!(Player::new(plan(0, 3, 3)).status(), "absent");
}

#[test]
fn one_event_of_the_old_way_between_begins_it_all_anew() {
    let events = [(0, OLD), (9, OLD), (10, NEW), (11, NEW), (12, OLD), (13, NEW), (14, NEW)];
    assert_eq!(Player::play(plan(9, 1, 3), &events, None).status(), "absent");
    assert_eq!(Player::play(plan(9, 1, 2), &events, None).claims(), [2, 3]);
    let player = Player::play(plan(9, 1, 2), &events, None);
    assert_eq!(player.measure("back"), Some(Measure::Flag(true)));
}

#[test]
fn when_ties_are_any_the_old_way_comes_first_in_an_instant() {
    let events = [(0, OLD), (9, NEW), (9, OLD), (10, NEW)];
    assert_eq!(Player::play(plan(9, 1, 2), &events, Some(10)).status(), "absent");
    assert_eq!(Player::play(tied(plan(9, 1, 2)), &events, Some(10)).claims(), [1, 3]);
}

#[test]
fn what_has_turned_stays_so_beyond_the_episode_until_it_turns_back() {
    let mut bench = Bench::new(plan(5, 1, 2));
    let mut show = |second: i64, class: u32| bench.show(at(second), ClassId(class), 0);
    [(0, 0), (5, 0), (6, 1), (7, 1)].into_iter().for_each(|(time, class)| show(time, class));
    assert!(bench.watch.renew());
    assert!(!bench.reading(at(20)).status.is_present(), "nothing has shown it in this episode yet");
    bench.show(at(30), ClassId(1), 0);
    assert!(bench.reading(at(31)).status.is_present());
    assert_eq!(bench.claimed.len(), 3);
    bench.watch.renew();
    [(40, 0), (41, 1), (42, 1)].into_iter().for_each(|(time, class)| bench.show(at(time), ClassId(class), 0));
    assert!(!bench.reading(at(50)).status.is_present());
}

#[test]
fn after_a_month_of_silence_it_begins_anew() {
    let month = i64::try_from(HORIZON.as_nanos()).unwrap_or(0);
    let events = |gap: i64| [(0, OLD), (9, OLD), (9 + gap, NEW), (10 + gap, NEW)];
    assert_eq!(Player::play(plan(9, 1, 2), &events(month - 1), None).status(), "present");
    assert_eq!(Player::play(plan(9, 1, 2), &events(month), None).status(), "unknown: learning 0s/9ns");
}

#[test]
fn what_is_missing_for_a_turn_reads_as_a_sentence() {
    const SECOND: i64 = 1_000_000_000;
    let missing = |events: &[(i64, &[u32])]| {
        let events: Vec<(i64, &[u32])> = events.iter().map(|&(time, class)| (time * SECOND, class)).collect();
        Player::play(plan(60_000_000_000, 1, 3), &events, None).shortfall()
    };
    assert_eq!(
        missing(&[(0, OLD), (30, OLD)]),
        "the old way for 30s, 2 events; it takes 1m, and nothing else since"
    );
    assert_eq!(
        missing(&[(0, OLD), (60, OLD), (70, NEW)]),
        "the old way for 1m, 2 events; then 1 of 3 of the new way, since 1970-01-01 00:01:10"
    );
}

fn walk(steps: Vec<(i64, u32)>) -> Vec<(i64, u32)> {
    let mut now = 0;
    let walk = |(gap, what): (i64, u32)| {
        now += gap;
        (now, what)
    };
    steps.into_iter().map(walk).collect()
}

fn turn(plan: Turning, events: &[(i64, u32)]) -> Player {
    let mut player = Player::new(plan);
    for &(time, bits) in events {
        let classes: Vec<u32> = (0..2).filter(|class| bits & 1 << class != 0).collect();
        player.hit(time, &classes, None);
    }
    player.until(events.last().map_or(0, |event| event.0));
    player
}

proptest! {
    #[test]
    fn it_claims_the_events_that_the_text_says(
        steps in proptest::collection::vec((0i64..4, 1u32..4), 0..24), after in 0u64..8, at_least in 1u64..4,
        confirm in 1usize..4, ties_any in any::<bool>(),
    ) {
        let events = walk(steps);
        let is_new = |event: &(i64, u32)| event.1 & 2 != 0;
        let mut order: Vec<usize> = (0..events.len()).collect();
        if ties_any {
            order.sort_by_key(|&at| (events[at].0, is_new(&events[at]), at));
        }
        let mut expected = BTreeSet::new();
        let mut witnessed = false;
        let mut unknown = false;
        for (place, &last) in order.iter().enumerate().filter(|(_, at)| is_new(&events[**at])) {
            let new: Vec<usize> = order[..=place].iter().rev().copied().take_while(|&at| is_new(&events[at])).collect();
            let rest = &order[..=place - (new.len() - 1)];
            let old: Vec<i64> = rest[..rest.len() - 1].iter().rev().take_while(|&&at| !is_new(&events[at])).map(|&at| events[at].0).collect();
            let steady = old.first().zip(old.last()).map(|(last, first)| last - first);
            let long = steady.is_some_and(|steady| steady >= after as i64) && old.len() as u64 >= at_least;
            witnessed = rest.len() - 1 > old.len();
            if new.len() >= confirm && long {
                expected.extend(new.iter().map(|&at| at as u64));
            }
            unknown = new.len() >= confirm && !long && !witnessed && last == order[order.len() - 1];
        }
        let plan = Turning { ties_any, ..plan(after, at_least, confirm) };
        let player = turn(plan, &events);
        let claims = player.claims();
        prop_assert_eq!(claims.iter().copied().collect::<BTreeSet<_>>(), expected.clone());
        prop_assert_eq!(claims.len(), expected.len());
        let status = if !expected.is_empty() { "present" } else if unknown { "unknown" } else { "absent" };
        prop_assert!(player.status().starts_with(status), "{} {} {}", player.status(), status, witnessed);
    }

    #[test]
    fn the_order_within_an_instant_does_not_matter_to_a_turn_when_ties_are_any(
        steps in proptest::collection::vec((0i64..3, 1u32..4), 0..24), seed in proptest::collection::vec(0u32..100, 24),
        after in 0u64..8, confirm in 1usize..4,
    ) {
        let events = walk(steps);
        let plan = tied(plan(after, 1, confirm));
        prop_assert_eq!(turn(plan, &events).reading(), turn(plan, &shuffled(&events, seed)).reading());
    }
}

fn shuffled(events: &[(i64, u32)], seed: Vec<u32>) -> Vec<(i64, u32)> {
    let mut shuffled: Vec<((i64, u32), u32)> = events.iter().copied().zip(seed).collect();
    shuffled.sort_by_key(|(event, seed)| (event.0, *seed));
    shuffled.into_iter().map(|(event, _)| event).collect()
}

const FIELD: FieldId = FieldId(0);

fn field(at_least: usize, within: u64, ties_any: bool) -> Alternating {
    Alternating { event: ClassId(0), field: FIELD, at_least, within: span(within), ties_any }
}

/// Shows events of (time, value), where 0 is no value; their numbers are their children.
fn values(plan: Alternating, events: &[(i64, u32)], end: i64) -> Bench {
    let mut bench = Bench::new(plan);
    for (number, &(time, value)) in (0..).zip(events) {
        bench.event.set(FIELD, (value > 0).then(|| Value::Int(i64::from(value))));
        bench.show(at(time), ClassId(0), number);
    }
    bench.wait(at(end));
    bench
}

fn claims(bench: &Bench) -> Vec<u64> {
    bench.claimed.iter().map(|exhibit| exhibit.identity).collect()
}

#[test]
fn a_value_that_goes_back_and_forth_within_the_window_is_found() {
    let events = [(0, 1), (1, 2), (2, 1), (3, 2), (4, 2)];
    let mut bench = values(field(3, 3, false), &events, 9);
    assert_eq!(claims(&bench), [1, 2, 3]);
    assert_eq!(bench.reading(at(9)).value("switches"), Some(Value::Int(3)));
    assert_eq!(bench.reading(at(9)).value("values"), Some(Value::Int(2)));
    assert!(values(field(3, 2, false), &events, 9).claimed.is_empty(), "two window ends apart");
    let mut other = values(field(3, 3, false), &[(0, 1), (1, 2), (2, 3), (3, 4)], 9);
    assert_eq!(other.reading(at(9)).value("values"), Some(Value::Int(4)));
}

#[test]
fn an_event_without_the_field_is_left_out() {
    assert_eq!(claims(&values(field(1, 5, false), &[(0, 1), (1, 0), (2, 1), (3, 2)], 9)), [3]);
    let mut none = values(field(1, 5, false), &[(0, 0)], 9);
    assert_eq!(none.reading(at(9)).status, crate::detector::bench::unknown("no value seen"));
    let mut one = values(field(1, 5, false), &[(0, 7)], 9);
    assert_eq!(one.reading(at(9)).status, crate::model::Status::Absent);
}

#[test]
fn when_ties_are_any_one_time_has_all_its_values_and_the_fewest_switches() {
    let tied = |events: &[(i64, u32)]| values(field(1, 50, true), events, 99).claimed.len();
    assert_eq!(tied(&[(5, 1), (5, 2), (5, 1), (5, 2)]), 1);
    assert_eq!(values(field(1, 50, false), &[(5, 1), (5, 2), (5, 1), (5, 2)], 99).claimed.len(), 3);
    assert_eq!(tied(&[(4, 1), (5, 2), (5, 1)]), 1);
    assert_eq!(tied(&[(4, 3), (5, 2), (5, 1)]), 2);
    assert_eq!(tied(&[(4, 3), (5, 2), (5, 1), (6, 1)]), 2);
    assert_eq!(tied(&[(4, 3), (5, 2), (5, 1), (6, 2)]), 2);
}

#[test]
fn the_last_value_stays_beyond_the_episode_and_switches_do_not() {
    let mut bench = values(field(2, 50, false), &[(0, 1), (1, 2), (2, 1)], 3);
    assert!(bench.watch.renew());
    for (time, value) in [(10, 2), (11, 2), (12, 1)] {
        bench.event.set(FIELD, Some(Value::Int(value)));
        bench.show(at(time), ClassId(0), u32::try_from(time).unwrap_or(0));
    }
    assert_eq!(claims(&bench), [1, 2, 10, 12]);
    assert!(!Bench::new(field(2, 50, false)).watch.renew());
}

#[test]
fn what_is_missing_of_a_value_reads_as_a_sentence() {
    let missing =
        |events: &[(i64, u32)]| values(field(4, 3_600_000_000_000, false), events, 9).shortfall(at(9));
    assert_eq!(missing(&[]), "no event with a value");
    assert_eq!(missing(&[(0, 1)]), "the value has not changed; it takes 4 within 1h");
    assert_eq!(missing(&[(0, 1), (1, 2), (2, 1)]), "at best 2 changes of 4 within 1h");
}

proptest! {
    #[test]
    fn it_claims_the_switches_that_the_text_says(
        steps in proptest::collection::vec((0i64..4, 0u32..4), 0..24), at_least in 1usize..4, within in 1u64..8,
        ties_any in any::<bool>(),
    ) {
        let events = walk(steps);
        // The values of each time in turn; of each event, where equal times have an order.
        let mut times: Vec<(i64, Vec<(u32, usize)>)> = Vec::new();
        for (place, &(time, value)) in events.iter().enumerate().filter(|(_, event)| event.1 > 0) {
            match times.last_mut().filter(|last| ties_any && last.0 == time) {
                Some((_, values)) if values.iter().any(|(known, _)| *known == value) => {}
                Some((_, values)) => values.push((value, place)),
                None => times.push((time, vec![(value, place)])),
            }
        }
        let mut switches: Vec<(i64, usize)> = Vec::new();
        for (place, (time, values)) in times.iter().enumerate() {
            let known = |value: u32| place > 0 && times[place - 1].1.iter().any(|(before, _)| *before == value);
            let spared = values.iter().position(|(value, _)| place == 0 || known(*value));
            let new = values.iter().enumerate().filter(|(at, _)| Some(*at) != spared);
            switches.extend(new.map(|(_, (_, event))| (*time, *event)));
        }
        let mut expected = BTreeSet::new();
        for end in 0..switches.len() {
            let inside: Vec<u64> = switches[..=end].iter().rev()
                .filter(|switch| switches[end].0 - switch.0 < within as i64).take(at_least).map(|switch| switch.1 as u64).collect();
            if inside.len() == at_least {
                expected.extend(inside);
            }
        }
        let end = events.last().map_or(0, |event| event.0) + 1;
        let bench = values(field(at_least, within, ties_any), &events, end);
        let claimed = claims(&bench);
        prop_assert_eq!(claimed.iter().copied().collect::<BTreeSet<_>>(), expected.clone());
        prop_assert_eq!(claimed.len(), expected.len());
    }

    #[test]
    fn the_order_within_an_instant_does_not_matter_to_values_when_ties_are_any(
        steps in proptest::collection::vec((0i64..3, 0u32..4), 0..24), seed in proptest::collection::vec(0u32..100, 24),
        at_least in 1usize..4, within in 1u64..8,
    ) {
        let events = walk(steps);
        let end = events.last().map_or(0, |event| event.0) + 1;
        let mut one = values(field(at_least, within, true), &events, end);
        let mut other = values(field(at_least, within, true), &shuffled(&events, seed), end);
        let (one, other) = (one.reading(at(end)), other.reading(at(end)));
        prop_assert_eq!(one.status, other.status);
        prop_assert_eq!(one.measures.first(), other.measures.first());
    }
}
