//! Tests of what bounds chains beside time: `until`, strict gaps, and where the next chain may begin.

use proptest::prelude::*;

use super::naive::{Occurred, claims, events, naive, plan, play, tied};
use super::plan::Arrangement::{self, Any, Given};
use super::plan::{Plan, Skip};
use crate::detector::ClassId;

/// The class that ends every chain.
const END: char = 'u';

fn until(plan: Plan) -> Plan {
    Plan { until: Some(ClassId(u32::from(END) - u32::from('a'))), ..plan }
}

fn strict(plan: Plan) -> Plan {
    Plan { strict: true, ..plan }
}

fn to_next(plan: Plan) -> Plan {
    Plan { skip: Skip::ToNext, ..plan }
}

fn check(plan: Plan, events: &str, expect: &str) {
    let steps = format!("{plan:?}");
    assert_eq!(claims(plan, events), expect, "{events}: {steps}");
}

#[test]
fn until_ends_what_has_begun_and_what_comes_after_it_begins_anew() {
    check(until(plan("a b", Given, 10)), "0a 1u 2b", "");
    check(until(plan("a b", Given, 10)), "0a 1u 2a 3b", "2 3");
    check(until(plan("a b", Given, 10)), "0a 1b 2u", "0 1");
    check(until(plan("a b", Any, 10)), "0b 1u 2a 3b", "2 3");
    check(until(plan("?r a b", Given, 10)), "0r 1u 2a 3b", "2 3");
    check(until(plan("a b ?r", Given, 10)), "0a 1b 2u 3r", "0 1");
}

#[test]
fn an_event_that_ends_all_chains_may_begin_one() {
    check(until(plan("u b", Given, 10)), "0u 1b", "0 1");
    check(until(plan("a u", Given, 10)), "0a 1u", "");
    check(until(plan("u u", Given, 10)), "0u 1u", "");
}

#[test]
fn until_ends_what_waits_for_an_absence() {
    check(until(plan("a !n", Given, 10)), "0a 5u", "");
    check(until(plan("a !n", Given, 10)), "0a 10u", "");
    check(until(plan("a !n", Given, 10)), "0a 11u", "0");
    check(until(plan("a b !n", Any, 10)), "0a 1b 5u", "");
    let player = play(until(plan("a !n", Given, 10)), &events("0a 5u"), None);
    assert_eq!((player.status().as_str(), player.deadline()), ("absent", None));
}

#[test]
fn a_forbidden_event_before_an_until_still_forbids() {
    check(until(plan("!n a", Given, 10)), "0n 1u 5a", "");
}

#[test]
fn when_ties_are_any_an_until_keeps_the_events_of_its_time_apart() {
    check(until(plan("a b", Given, 10)), "5a 5u 6b", "");
    check(until(tied("a b", Given, 10)), "5u 5a 6b", "");
    check(until(tied("a b", Given, 10)), "4a 5b 5u", "");
    check(until(tied("u b", Given, 10)), "5u 6b", "0 1");
    check(until(tied("u b", Given, 10)), "5u 5a 6b", "0 2");
    check(until(tied("u b", Given, 10)), "5u 5u 6b", "");
    check(until(tied("a !n", Given, 10)), "5a 5u", "");
}

#[test]
fn strict_gaps_hold_nothing_else() {
    check(strict(plan("a b", Given, 10)), "0a 1a 2b", "1 2");
    check(strict(plan("a b c", Given, 10)), "0a 1b 2b 3c", "");
    check(strict(plan("a b c", Given, 10)), "0a 1b 2a 3b 4c", "2 3 4");
    check(strict(plan("a ?r b", Given, 10)), "0a 1r 2b", "0 1 2");
    check(strict(plan("a ?r b", Given, 10)), "0a 1r 2r 3b", "");
    check(strict(plan("?r a b", Given, 10)), "0r 1b 2a 3b", "2 3");
    check(strict(plan("?r a b", Given, 10)), "0r 1r 2a 3b", "1 2 3");
    check(strict(plan("a b ?r", Given, 10)), "0a 1b 2r 3r", "0 1 2");
    check(strict(plan("a b ?r", Given, 10)), "0a 1b 2a 3r", "0 1");
    check(strict(plan("a*3", Given, 10)), "0a 1a 2a 3a", "0 1 2");
}

#[test]
fn strict_gaps_do_not_touch_an_absence() {
    check(strict(plan("a !n", Given, 10)), "0a 5a 6n", "");
    check(strict(plan("a b !n", Given, 10)), "0a 1b 2a 30a", "0 1");
}

#[test]
fn when_ties_are_any_strict_gaps_want_all_events_of_one_time_or_none() {
    check(strict(tied("a b", Given, 10)), "5b 5a", "0 1");
    check(strict(tied("a b", Given, 10)), "5b 5a 5a", "");
    check(strict(tied("a b c", Given, 10)), "4a 5c 5b", "0 1 2");
    check(strict(tied("a b c", Given, 10)), "4a 5b 5b 6c", "");
    check(strict(tied("a", Given, 10)), "5a 5a", "0 1");
    check(strict(tied("?r a", Given, 10)), "5a 5r", "0 1");
}

#[test]
fn chains_may_overlap_where_the_next_begins_after_the_first_event_of_the_last() {
    check(to_next(plan("a*3", Given, 10)), "0a 1a 2a 3a 4a", "0 1 2 3 4");
    let overlapping = play(to_next(plan("a*3", Given, 10)), &events("0a 1a 2a 3a 4a"), None);
    assert_eq!(overlapping.count("chains"), 3);
    assert_eq!(play(plan("a*3", Given, 10), &events("0a 1a 2a 3a 4a"), None).count("chains"), 1);
    check(to_next(plan("a b a", Given, 10)), "0a 1b 2a 3b 4a", "0 1 2 3 4");
    check(to_next(plan("a b", Given, 10)), "0a 1a 2b 3b", "1 2");
    check(to_next(plan("a b", Any, 10)), "0a 1b 2a 3b", "0 1 2 3");
    assert_eq!(play(to_next(plan("a b", Any, 10)), &events("0a 1b 2a 3b"), None).count("chains"), 3);
    check(to_next(plan("a !n", Given, 10)), "0a 1a", "0 1");
}

const STEPS: [&str; 12] = [
    "a", "a b", "a b c", "a a b", "a*3", "a b a", "a !n b", "!n a b", "a b !n c", "?m a b", "a ?m b c",
    "a b ?m",
];
const WAITING: [&str; 4] = ["a !n", "a b !n", "!n a !n", "a !b"];

fn some_events() -> impl Strategy<Value = Vec<Occurred>> {
    // a, b, c, m, n, u, and some that are two of them.
    let end = 1 << 20;
    let class =
        vec![1u32, 1, 1, 2, 2, 4, 1 << 12, 1 << 13, end, 3, 1 | 1 << 13, 2 | 1 << 12, 1 | end, 2 | end];
    let gap = proptest::sample::select(vec![0i64, 0, 1, 1, 2, 5, 6, 7]);
    proptest::collection::vec((gap, proptest::sample::select(class)), 0..12).prop_map(|steps| {
        let mut now = 0;
        let walk = |(gap, class): (i64, u32)| {
            now += gap;
            (now, class)
        };
        steps.into_iter().map(walk).collect()
    })
}

/// A plan bounded in some of the three ways; strict gaps only where steps have an order.
fn bounded(plan: Plan, bounds: (bool, bool, bool)) -> Plan {
    let plan = if bounds.0 { until(plan) } else { plan };
    let plan = if bounds.1 && plan.arrangement == Given { strict(plan) } else { plan };
    if bounds.2 { to_next(plan) } else { plan }
}

/// The events that the engine would show to a watch.
fn named(plan: &Plan, events: &[Occurred]) -> Vec<Occurred> {
    let asked = plan.all_classes().iter().fold(0, |bits, class| bits | 1 << class.0);
    events.iter().copied().filter(|event| event.1 & asked != 0).collect()
}

fn some_bounds() -> impl Strategy<Value = (bool, bool, bool)> {
    (any::<bool>(), any::<bool>(), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn it_claims_what_the_definition_claims(
        steps in proptest::sample::select(STEPS.to_vec()), arrangement in proptest::sample::select(vec![Given, Given, Any]),
        within in proptest::sample::select(vec![1u64, 5, 6, 7, 12]), bounds in some_bounds(), events in some_events(),
    ) {
        let steps = if arrangement == Arrangement::Any && steps == "a !n b" { "a b !n" } else { steps };
        let plan = bounded(plan(steps, arrangement, within), bounds);
        prop_assume!(!plan.waits() || plan.maybes.is_empty());
        let events = named(&plan, &events);
        let expected = naive(&plan, &events, 1_000);
        prop_assert_eq!(play(plan, &events, Some(1_000)).claims(), expected, "{} {} {:?}", steps, within, bounds);
    }

    #[test]
    fn an_absence_claims_what_the_definition_claims(
        steps in proptest::sample::select(WAITING.to_vec()), within in 1u64..8, bounds in some_bounds(),
        events in some_events(), more in 0i64..9,
    ) {
        let plan = bounded(plan(steps, Given, within), bounds);
        let events = named(&plan, &events);
        let end = events.last().map_or(0, |event| event.0) + more;
        prop_assert_eq!(play(plan.clone(), &events, Some(end)).claims(), naive(&plan, &events, end), "{} {:?}", steps, bounds);
    }

    #[test]
    fn the_order_within_an_instant_does_not_matter_when_ties_are_any(
        steps in proptest::sample::select(STEPS.to_vec()), within in 1u64..9, bounds in some_bounds(),
        events in some_events(), seed in proptest::collection::vec(0u32..100, 12),
    ) {
        let plan = bounded(tied(steps, Given, within), bounds);
        let events = named(&plan, &events);
        let mut shuffled: Vec<(Occurred, u32)> = events.iter().copied().zip(seed).collect();
        shuffled.sort_by_key(|(event, seed)| (event.0, *seed));
        let shuffled: Vec<Occurred> = shuffled.into_iter().map(|(event, _)| event).collect();
        let one = play(plan.clone(), &events, Some(1_000)).reading();
        prop_assert_eq!(one, play(plan, &shuffled, Some(1_000)).reading(), "{} {:?}", steps, bounds);
    }

    /// Time that is told without being asked for changes nothing.
    #[test]
    fn a_watch_that_does_not_ask_for_time_finds_what_one_finds_that_is_always_told(
        steps in proptest::sample::select(STEPS.to_vec()), within in 1u64..9, bounds in some_bounds(), events in some_events(),
    ) {
        let plan = bounded(tied(steps, Given, within), bounds);
        let events = named(&plan, &events);
        let mut told = crate::detector::fixture::Player::new(plan.clone());
        let mut now = 0;
        for &(time, bits) in &events {
            (now..time).for_each(|time| told.pass(time));
            now = time;
            let classes: Vec<u32> = (0..32).filter(|class| bits & 1 << class != 0).collect();
            told.hit(time, &classes, None);
        }
        (now..=now + 20).for_each(|time| told.pass(time));
        let asking = play(plan, &events, Some(now + 20));
        prop_assert_eq!(asking.reading(), told.reading());
        prop_assert_eq!(asking.claims(), told.claims());
    }
}
