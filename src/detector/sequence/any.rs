//! Steps in any order: the last few events of each kind, and the latest set of them that fills every step.
//!
//! Events that can play the same parts are interchangeable, so of each such kind only the newest are kept, as many as
//! there are parts for them. A set is found by matching events to steps, newest events first; of all sets that lie in
//! the window, that one is the latest. What is complete empties the pool: the next set consists of later events.

use std::cmp::Reverse;

use crate::codec::state;
use crate::detector::sequence::chain::{Chain, Item, set_aside};
use crate::detector::sequence::plan::{MOST, Plan, Skip, places};
use crate::model::Timestamp;

#[derive(Clone, Debug)]
pub(super) struct Pool {
    // Invariant: in the order of batches; all fit some required step.
    items: Vec<Item>,
    /// The parts that some of them can play.
    parts: u16,
    /// For each optional step, its latest event.
    maybes: Vec<Option<Item>>,
    /// The last event that is forbidden anywhere.
    forbidden: Option<Timestamp>,
}

state!(Pool { 0 => items, 1 => parts, 2 => maybes, 3 => forbidden });

impl Pool {
    /// Whether there are no more events than the steps can use, and a place for each optional step.
    pub(super) fn sound(&self, plan: &Plan) -> bool {
        self.items.len() <= MOST * MOST * MOST && self.maybes.len() == plan.maybes.len()
    }

    pub(super) fn new(plan: &Plan) -> Self {
        Self { items: Vec::new(), parts: 0, maybes: vec![None; plan.maybes.len()], forbidden: None }
    }

    /// The parts that the events kept here can play; some of them may have left the window since.
    pub(super) fn parts(&self) -> u16 {
        self.parts
    }

    /// The parts that those of them can play which are still in the window at this time.
    pub(super) fn parts_near(&self, plan: &Plan, time: Timestamp) -> u16 {
        let near = self.items.iter().filter(|item| time.since(item.time()) <= plan.within);
        near.fold(0, |parts, item| parts | item.roles.units)
    }

    /// The parts that the events kept here fill together, and when the first of them came.
    pub(super) fn filled(&self) -> (u16, Option<Timestamp>) {
        let mut matching = Matching { items: &self.items, owners: [None; MOST] };
        for item in (0..self.items.len()).rev() {
            matching.place(item, &mut 0);
        }
        let owned = || matching.owners.iter().enumerate().filter_map(|(part, owner)| Some((part, (*owner)?)));
        let first = owned().filter_map(|(_, item)| self.items.get(item)).map(Item::time).min();
        (owned().fold(0, |bits, (part, _)| bits | 1 << part), first)
    }

    /// Until when nothing can become complete, because something forbidden came.
    pub(super) fn forbidden_until(&self, plan: &Plan) -> Option<Timestamp> {
        self.forbidden.map(|time| time.plus(plan.within))
    }

    /// Forgets every event that could be part of a set.
    pub(super) fn end_all(&mut self) {
        self.items.clear();
        self.parts = 0;
        self.maybes.fill(None);
    }

    /// Takes in a batch; marks the events of the sets it completes as used.
    pub(super) fn settle(&mut self, plan: &Plan, batch: &mut [Item], complete: &mut Vec<Chain>) {
        self.take_in(plan, batch, complete);
        self.parts = self.items.iter().fold(0, |parts, item| parts | item.roles.units);
    }

    fn take_in(&mut self, plan: &Plan, batch: &mut [Item], complete: &mut Vec<Chain>) {
        let Some(now) = batch.first().map(Item::time) else { return };
        if batch.iter().any(|item| item.roles.nevers != 0) {
            self.forbidden = Some(now);
        }
        self.items.retain(|item| now.since(item.time()) <= plan.within);
        // The events that can play the fewest parts count as the latest of a batch, whatever their place in it.
        batch.sort_by_key(|item| (Reverse(item.roles.units.count_ones()), item.roles, item.serial));
        self.collect_maybes(batch);
        let before = self.items.len();
        self.items.extend(batch.iter().filter(|item| !item.used && item.roles.units != 0));
        if self.items.len() == before {
            return;
        }
        let blocked = self.forbidden.is_some_and(|time| now.since(time) <= plan.within);
        if !blocked {
            self.complete_all(plan, batch, complete);
        }
        self.forget_surplus();
    }

    fn complete_all(&mut self, plan: &Plan, batch: &mut [Item], complete: &mut Vec<Chain>) {
        let begin = batch.iter().map(|item| item.serial).min().unwrap_or(0);
        while let Some(chain) = self.latest(plan) {
            let first = chain.members.first().filter(|_| plan.skip == Skip::ToNext);
            let later = |item: &Item| first.is_some_and(|first| plan.may_begin(item, first));
            match plan.skip {
                Skip::PastLast => {
                    for item in batch.iter_mut() {
                        item.used = item.used || chain.contains(item.serial);
                    }
                    self.items.retain(|item| item.serial >= begin && !chain.contains(item.serial));
                }
                Skip::ToNext => self.items.retain(later),
            }
            for maybe in &mut self.maybes {
                maybe.take_if(|item| !later(item));
            }
            self.collect_maybes(batch);
            complete.push(chain);
        }
    }

    fn collect_maybes(&mut self, batch: &[Item]) {
        for item in batch.iter().filter(|item| item.is_beside()) {
            for place in places(item.roles.maybes) {
                set_aside(&mut self.maybes, place, *item);
            }
        }
    }

    /// The latest events that fill every required step.
    fn latest(&self, plan: &Plan) -> Option<Chain> {
        let now = self.items.last()?.time();
        let needed = plan.units.len();
        let parts = self.items.iter().fold(0, |parts, item| parts | item.roles.units);
        if self.items.len() < needed || !plan.is_filled(parts) {
            return None;
        }
        let mut matching = Matching { items: &self.items, owners: [None; MOST] };
        // Newest first: what is matched once stays matched, so the result is the latest set.
        let found =
            (0..self.items.len()).rev().filter(|&item| matching.place(item, &mut 0)).take(needed).count();
        if found < needed {
            return None;
        }
        let owners = matching.owners.get(..needed).unwrap_or(&matching.owners);
        let taken = self.items.iter().enumerate().filter(|(at, _)| owners.contains(&Some(*at)));
        let mut members = Vec::with_capacity(needed);
        members.extend(taken.map(|(_, item)| *item));
        let near = |item: &Item| now.since(item.time()) <= plan.within;
        let asides = self.maybes.iter().map(|maybe| maybe.filter(near)).collect();
        Some(Chain { members, asides })
    }

    fn forget_surplus(&mut self) {
        let mut at = self.items.len();
        while let Some(before) = at.checked_sub(1) {
            at = before;
            let Some(parts) = self.items.get(at).map(|item| item.roles.units) else { break };
            let later = self.items.iter().skip(at + 1).filter(|item| item.roles.units == parts).count();
            if u32::try_from(later).is_ok_and(|later| later >= parts.count_ones()) {
                self.items.remove(at);
            }
        }
    }
}

/// Which event plays which required part.
struct Matching<'a> {
    items: &'a [Item],
    owners: [Option<usize>; MOST],
}

impl Matching<'_> {
    /// Finds a part for an event, moving others to other parts where that helps. At most as deep as there are parts.
    fn place(&mut self, item: usize, visited: &mut u16) -> bool {
        let parts = self.items.get(item).map_or(0, |item| item.roles.units);
        for part in places(parts) {
            if *visited & (1 << part) != 0 {
                continue;
            }
            *visited |= 1 << part;
            let owner = self.owners.get(part).copied().flatten();
            if owner.is_none_or(|owner| self.place(owner, visited)) {
                if let Some(slot) = self.owners.get_mut(part) {
                    *slot = Some(item);
                }
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::detector::sequence::naive::{Occurred, claims, events, naive, plan, play, tied};
    use crate::detector::sequence::plan::Arrangement::Any;

    fn check(steps: &str, within: u64, events: &str, expect: &str) {
        assert_eq!(claims(plan(steps, Any, within), events), expect, "{steps} within {within} of {events}");
    }

    #[test]
    fn the_order_of_steps_does_not_matter_and_the_window_includes_its_end() {
        check("a b c", 10, "0c 5a 9b", "0 1 2");
        check("a b c", 10, "0c 5a 10b", "0 1 2");
        check("a b c", 10, "0c 5a 11b", "");
    }

    #[test]
    fn the_latest_events_are_taken_and_the_next_set_begins_after_them() {
        check("a b", 10, "0a 1a 2b 3b 4a", "1 2 3 4");
        check("a*2 b", 10, "0a 1b 2a 3a 4b 5a", "0 1 2 3 4 5");
        check("a b c", 10, "0ab 1a 2b 3c 4a 5c", "1 2 3");
    }

    #[test]
    fn an_event_that_fits_two_steps_fills_the_one_that_others_leave() {
        check("a b", 10, "0ab 1a", "0 1");
        check("a b", 10, "0ab", "");
        check("a b c", 10, "0ab 1ab 2a", "");
        check("a b c", 10, "0ab 1ac 2a", "0 1 2");
        check("a b c", 10, "0ab 1ab 2a 3c", "1 2 3");
    }

    #[test]
    fn an_optional_event_joins_from_either_side() {
        check("?r d c", 60, "0r 20d 60c", "0 1 2");
        check("?r d c", 60, "0r 20d 61c", "1 2");
        check("?r d c", 60, "0d 20c 60r 60r", "0 1 2");
        check("?r d c", 60, "0d 20c 61r", "0 1");
        check("?r d c", 60, "0r 1d 2c 3r 4c 5d", "0 1 2 3 4 5");
    }

    #[test]
    fn a_forbidden_event_on_either_side_prevents_it() {
        check("a b !n", 10, "0a 5b", "0 1");
        check("a b !n", 10, "0a 5b 10n", "");
        check("a b !n", 10, "0a 5b 11n", "0 1");
        check("a b !n", 10, "0n 5a 10b", "");
        check("a b !n", 10, "0n 5a 11b", "1 2");
    }

    #[test]
    fn it_waits_until_nothing_forbidden_can_come_any_more() {
        let player = play(plan("a b !n", Any, 10), &events("0a 5b"), None);
        assert_eq!(player.deadline(), Some(10));
        assert_eq!(player.status(), "unknown: waiting until 1970-01-01T00:00:00.000000010Z");
    }

    #[test]
    fn sets_of_one_instant_do_not_take_events_from_each_other_when_ties_are_any() {
        check("d c", 10, "5d 5d 5c 5c", "1 2");
        assert_eq!(claims(tied("d c", Any, 10), "5d 5d 5c 5c"), "1 3 0 2");
        assert_eq!(claims(tied("?r d c", Any, 10), "5d 5d 5c 5c 5r 5r"), "1 3 5 0 2 4");
    }

    const PLANS: [&str; 9] =
        ["a", "a b", "a b c", "a*2 b", "a*3", "a b !n", "?m a b", "a ?m b c", "b a !n c"];

    fn some_events() -> impl Strategy<Value = Vec<Occurred>> {
        let class = proptest::sample::select(vec![1u32, 1, 2, 2, 4, 1 << 12, 1 << 13, 3, 6, 5]);
        let gap = proptest::sample::select(vec![0i64, 0, 0, 1, 2, 5, 6, 7]);
        proptest::collection::vec((gap, class), 0..11).prop_map(|steps| {
            let mut now = 0;
            let walk = |(gap, class): (i64, u32)| {
                now += gap;
                (now, class)
            };
            steps.into_iter().map(walk).collect()
        })
    }

    proptest! {
        #[test]
        fn it_claims_what_the_definition_claims(
            steps in proptest::sample::select(PLANS.to_vec()),
            within in proptest::sample::select(vec![1u64, 5, 6, 7, 12]), events in some_events(),
        ) {
            let plan = plan(steps, Any, within);
            let expected = naive(&plan, &events, 1_000);
            prop_assert_eq!(play(plan, &events, Some(1_000)).claims(), expected, "{} {}", steps, within);
        }

        #[test]
        fn the_order_within_an_instant_does_not_matter_when_ties_are_any(
            steps in proptest::sample::select(PLANS.to_vec()), within in 1u64..9,
            events in some_events(), seed in proptest::collection::vec(0u32..100, 11),
        ) {
            let mut shuffled: Vec<(Occurred, u32)> = events.iter().copied().zip(seed).collect();
            shuffled.sort_by_key(|(event, seed)| (event.0, *seed));
            let shuffled: Vec<Occurred> = shuffled.into_iter().map(|(event, _)| event).collect();
            let one = play(tied(steps, Any, within), &events, Some(1_000)).reading();
            prop_assert_eq!(one, play(tied(steps, Any, within), &shuffled, Some(1_000)).reading());
        }
    }
}
