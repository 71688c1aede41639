//! Steps in the order given: one slot for each number of required events found so far.
//!
//! Slot i holds the chain of the first i required events that began latest. A later beginning can do everything that an
//! earlier one could, so one chain a slot is enough, and the chain that completes is the latest there is. What is
//! complete takes every slot with it: the next chain begins after it.
//!
//! A batch is what has no order in itself: one event, or all events of one instant where equal times satisfy "before"
//! both ways.

use crate::codec::state;
use crate::detector::sequence::chain::{Chain, Item, set_aside};
use crate::detector::sequence::plan::{Plan, Skip};
use crate::model::Timestamp;

#[derive(Clone, Debug)]
pub(super) struct Slots {
    /// The chain of i + 1 required events, at place i.
    pub(super) slots: Vec<Option<Chain>>,
    /// A bit for each slot that holds one.
    held: u16,
    /// What the batch at hand made of them, latest beginning first; empty between batches. Here an earlier beginning may
    /// do what a later one cannot: the later one may have taken the very event that is needed next.
    fresh: Vec<Vec<Chain>>,
    /// For each optional step, the latest event before any required one.
    pub(super) lead: Vec<Option<Item>>,
    /// The last event that is forbidden before the first required one.
    pub(super) forbidden: Option<Timestamp>,
}

state!(Slots { 0 => slots, 1 => held, 2 => lead, 3 => forbidden });

impl Slots {
    /// Whether there is a slot for each step, with a chain of its length or none.
    pub(super) fn sound(&self, plan: &Plan) -> bool {
        let (units, maybes) = (plan.units.len(), plan.maybes.len());
        let whole = |(at, slot): (usize, &Option<Chain>)| {
            let held = self.held >> at & 1 == 1;
            held == slot.is_some()
                && slot
                    .as_ref()
                    .is_none_or(|chain| chain.members.len() == at + 1 && chain.asides.len() == maybes)
        };
        self.slots.len() == units && self.lead.len() == maybes && self.slots.iter().enumerate().all(whole)
    }

    pub(super) fn new(plan: &Plan) -> Self {
        let units = plan.units.len();
        Self {
            slots: vec![None; units],
            held: 0,
            fresh: Vec::new(),
            lead: vec![None; plan.maybes.len()],
            forbidden: None,
        }
    }

    /// Whether one more event may complete a chain.
    pub(super) fn is_ready(&self, plan: &Plan) -> bool {
        plan.units.len().checked_sub(2).is_none_or(|before| self.held >> before & 1 == 1)
    }

    /// Whether the chain that one more event may complete began too long before this time.
    pub(super) fn is_too_late(&self, plan: &Plan, time: Timestamp) -> bool {
        let last = plan.units.len().checked_sub(2).and_then(|before| self.slots.get(before));
        last.and_then(Option::as_ref).is_some_and(|chain| time.since(chain.first()) > plan.within)
    }

    /// How many parts the longest chain has.
    pub(super) fn at_most(&self) -> u32 {
        u16::BITS - self.held.leading_zeros()
    }

    /// The parts of the longest chain so far.
    pub(super) fn filled(&self) -> u16 {
        u16::MAX.checked_shr(self.held.leading_zeros()).unwrap_or(0)
    }

    /// When the longest chain so far began.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.slots.iter().rev().flatten().next().map(Chain::first)
    }

    /// Until when nothing may begin, because something forbidden came before.
    pub(super) fn forbidden_until(&self, plan: &Plan) -> Option<Timestamp> {
        self.forbidden.map(|time| time.plus(plan.within))
    }

    /// Takes in a batch; marks the events of the chains it completes as used.
    pub(super) fn settle(&mut self, plan: &Plan, batch: &mut [Item], complete: &mut Vec<Chain>) {
        match batch {
            _ if plan.strict => self.settle_strictly(plan, batch, complete),
            [item] if self.is_idle(plan, item) => return,
            [item] => complete.extend(self.settle_one(plan, item)),
            _ => self.settle_many(plan, batch, complete),
        }
        let held = self.slots.iter().enumerate().filter(|(_, slot)| slot.is_some());
        self.held = held.fold(0, |bits, (place, _)| bits | 1 << place);
    }

    /// The same for a batch of one, which is nearly every batch: from the last slot down each grows out of the one before,
    /// so the event is in no chain twice and nothing is copied that stays where it is.
    fn settle_one(&mut self, plan: &Plan, item: &mut Item) -> Option<Chain> {
        let alone = std::slice::from_ref(item);
        self.collect_asides(plan, alone);
        let mut complete = None;
        for unit in (0..plan.units.len()).rev().filter(|&unit| item.fits(unit)) {
            let grown = match unit.checked_sub(1).map(|before| self.slots.get(before)) {
                None => self.begin(plan, alone, item),
                Some(before) => {
                    before.and_then(Option::as_ref).and_then(|chain| grow(plan, alone, chain, item))
                }
            };
            let Some(mut grown) = grown else { continue };
            if unit + 1 == plan.units.len() {
                drop_distant(plan, &mut grown);
                let chain = complete.insert(grown);
                self.leave(plan, chain);
                match plan.skip {
                    Skip::PastLast => break,
                    Skip::ToNext => continue,
                }
            }
            if let Some(slot) = self.slots.get_mut(unit) {
                *slot = Some(grown);
            }
        }
        self.forbid(plan, alone);
        item.used = item.used || complete.is_some();
        complete
    }

    /// Whether an event alone changes nothing here.
    fn is_idle(&self, plan: &Plan, item: &Item) -> bool {
        self.held == 0 && item.roles.units == 0 && item.roles.maybes == 0 && !plan.forbids(item.roles, 0)
    }

    fn settle_many(&mut self, plan: &Plan, batch: &mut [Item], complete: &mut Vec<Chain>) {
        // The events that can play the fewest parts choose first, whatever their place in the batch.
        batch.sort_by_key(|item| (item.roles.units.count_ones(), item.roles, item.serial));
        self.fresh.resize(plan.units.len(), Vec::new());
        loop {
            self.collect_asides(plan, batch);
            let Some(chain) = self.extend(plan, batch) else { break };
            self.fresh.iter_mut().for_each(Vec::clear);
            self.leave(plan, &chain);
            let first = chain.members.first().map(|first| first.serial);
            for item in batch.iter_mut() {
                match plan.skip {
                    Skip::PastLast => item.used = item.used || chain.contains(item.serial),
                    // It begins no second chain.
                    Skip::ToNext if Some(item.serial) == first => item.roles.units &= !1,
                    Skip::ToNext => {}
                }
            }
            complete.push(chain);
        }
        for (slot, fresh) in self.slots.iter_mut().zip(&mut self.fresh) {
            let latest = fresh.drain(..).next();
            if latest.is_some() {
                *slot = latest;
            }
        }
        self.fresh.clear();
        self.forbid(plan, batch);
    }

    /// Forgets what a complete chain leaves to no other.
    pub(super) fn leave(&mut self, plan: &Plan, chain: &Chain) {
        let first = chain.members.first().filter(|_| plan.skip == Skip::ToNext);
        let later = |item: &Item| first.is_some_and(|first| plan.may_begin(item, first));
        for slot in &mut self.slots {
            slot.take_if(|chain| !chain.members.first().is_some_and(later));
        }
        for lead in &mut self.lead {
            lead.take_if(|item| !later(item));
        }
    }

    /// Forgets every chain that has begun.
    pub(super) fn end_all(&mut self) {
        self.slots.fill(None);
        self.lead.fill(None);
        self.held = 0;
    }

    /// Optional events join the chains that wait where they belong.
    fn collect_asides(&mut self, plan: &Plan, batch: &[Item]) {
        for item in batch.iter().filter(|item| item.is_beside()) {
            for place in plan.maybes_at(item.roles, 0) {
                set_aside(&mut self.lead, place, *item);
            }
            for (gap, slot) in (1..).zip(&mut self.slots) {
                let Some(chain) = slot else { continue };
                plan.maybes_at(item.roles, gap).for_each(|place| set_aside(&mut chain.asides, place, *item));
            }
        }
    }

    /// Lets every slot grow by one event of the batch; the chain that becomes complete, if one does.
    fn extend(&mut self, plan: &Plan, batch: &[Item]) -> Option<Chain> {
        for unit in 0..plan.units.len() {
            let fitting = || batch.iter().filter(|item| item.fits(unit));
            let mut grown: Vec<Chain> = match unit.checked_sub(1) {
                None => fitting().find_map(|item| self.begin(plan, batch, item)).into_iter().collect(),
                Some(before) => {
                    let fresh = self.fresh.get(before).into_iter().flatten();
                    let chains = fresh.chain(self.slots.get(before).into_iter().flatten());
                    chains
                        .filter_map(|chain| fitting().find_map(|item| grow(plan, batch, chain, item)))
                        .collect()
                }
            };
            for item in batch.iter().filter(|item| item.is_beside()) {
                for place in plan.maybes_at(item.roles, unit + 1) {
                    grown.iter_mut().for_each(|chain| set_aside(&mut chain.asides, place, *item));
                }
            }
            if unit + 1 == plan.units.len() {
                let mut complete = grown.into_iter().next()?;
                drop_distant(plan, &mut complete);
                return Some(complete);
            }
            if let Some(fresh) = self.fresh.get_mut(unit) {
                *fresh = grown;
            }
        }
        None
    }

    pub(super) fn begin(&self, plan: &Plan, batch: &[Item], item: &Item) -> Option<Chain> {
        let near = |time: Timestamp| item.time().since(time) <= plan.within;
        if self.forbidden.is_some_and(near) || intruder(plan, batch, 0, &[item.serial]) {
            return None;
        }
        Some(Chain { members: vec![*item], asides: self.lead.clone() })
    }

    /// Ends the chains that a forbidden event has come after.
    fn forbid(&mut self, plan: &Plan, batch: &[Item]) {
        for item in batch.iter().filter(|item| item.roles.nevers != 0) {
            let gaps = plan.forbidden_gaps(item.roles);
            if gaps & 1 == 1 {
                self.forbidden = Some(item.time());
            }
            for (_, slot) in (1..).zip(&mut self.slots).filter(|(gap, _)| gaps >> gap & 1 == 1) {
                let own = slot.as_ref().and_then(|chain| chain.members.last()).map(|last| last.serial);
                if own != Some(item.serial) {
                    *slot = None;
                }
            }
        }
    }
}

/// The chain with one more event, when the event may follow.
pub(super) fn grow(plan: &Plan, batch: &[Item], chain: &Chain, item: &Item) -> Option<Chain> {
    let last = chain.members.last()?;
    let fits = !chain.contains(item.serial)
        && item.time().since(chain.first()) <= plan.within
        && !intruder(plan, batch, chain.members.len(), &[item.serial, last.serial]);
    fits.then(|| {
        let mut grown = chain.clone();
        grown.members.push(*item);
        grown
    })
}

/// Whether the batch holds an event, other than these, that is forbidden after so many required ones.
pub(super) fn intruder(plan: &Plan, batch: &[Item], gap: usize, except: &[u64]) -> bool {
    batch.iter().any(|item| !except.contains(&item.serial) && plan.forbids(item.roles, gap))
}

/// An optional event belongs to a chain only when it lies within the window of all its required events.
pub(super) fn drop_distant(plan: &Plan, chain: &mut Chain) {
    let last = chain.last();
    for aside in &mut chain.asides {
        if aside.is_some_and(|item| last.since(item.time()) > plan.within) {
            *aside = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::detector::fixture::at;
    use crate::detector::sequence::naive::{Occurred, claims, events, naive, plan, play, tied};
    use crate::detector::sequence::plan::Arrangement::Given;
    use crate::model::{Exhibit, Origin};

    fn check(steps: &str, within: u64, events: &str, expect: &str) {
        assert_eq!(claims(plan(steps, Given, within), events), expect, "{steps} within {within} of {events}");
    }

    fn check_tied(steps: &str, within: u64, events: &str, expect: &str) {
        assert_eq!(claims(tied(steps, Given, within), events), expect, "{steps} within {within} of {events}");
    }

    #[test]
    fn the_window_includes_its_end() {
        check("a b", 10, "5a 14b", "0 1");
        check("a b", 10, "5a 15b", "0 1");
        check("a b", 10, "5a 16b", "");
    }

    #[test]
    fn a_completing_event_takes_the_latest_chain_and_the_next_begins_after_it() {
        check("a b", 10, "0a 1a 2b 3b 4a 5b", "1 2 4 5");
        check("a b c", 10, "0a 1b 2a 3c", "0 1 3");
        check("a b c", 10, "0a 1b 2a 3b 4c", "2 3 4");
    }

    #[test]
    fn an_event_that_fits_two_steps_plays_one_of_them() {
        check("a b", 10, "0ab", "");
        check("a b", 10, "0ab 1ab", "0 1");
        check("a b", 10, "0ab 1ab 2ab", "0 1");
    }

    #[test]
    fn repeated_steps_need_as_many_events() {
        check("a*3 b", 10, "0a 1a 2b", "");
        check("a*3 b", 10, "0a 1a 2a 3a 4b", "1 2 3 4");
    }

    #[test]
    fn a_forbidden_event_between_two_steps_breaks_the_chain() {
        check("a !n b", 10, "0a 1n 2b", "");
        check("a !n b", 10, "0a 1n 2a 3b", "2 3");
        check("a b !n c", 10, "0a 1b 2n 3b 4c", "0 3 4");
        check("a !n b", 10, "0an 1b", "0 1");
        check("a !n b", 10, "0a 1bn", "0 1");
    }

    #[test]
    fn a_forbidden_event_before_the_first_step_counts_within_the_window() {
        check("!n a", 10, "0n 9a", "");
        check("!n a", 10, "0n 10a", "");
        check("!n a", 10, "0n 11a", "1");
        check("!n a b", 10, "0a 1n 2a 3b", "0 3");
    }

    #[test]
    fn an_optional_event_joins_where_it_stands_within_the_window() {
        check("?r a b", 10, "0r 1a 2b", "0 1 2");
        check("?r a b", 10, "1a 2b", "0 1");
        check("?r a b", 10, "0r 5a 10b", "0 1 2");
        check("?r a b", 10, "0r 5a 11b", "1 2");
        check("a ?r b", 10, "0r 1a 2r 3r 4b", "1 3 4");
        check("a b ?r", 10, "0a 1b 10r 10r", "0 1 2");
        check("a b ?r", 10, "0a 1b 11r", "0 1");
        check("?r a ?r", 10, "0a 1r 2a", "0 1 2");
    }

    #[test]
    fn how_many_chains_had_every_optional_step_is_counted() {
        let player = play(plan("?r a ?s", Given, 10), &events("0r 1a 2s 50a 60s 100r 101a"), None);
        assert_eq!((player.count("chains"), player.count("optional")), (3, 1));
    }

    #[test]
    fn equal_times_come_before_each_other_when_ties_are_any() {
        check("a b", 10, "5b 5a", "");
        check_tied("a b", 10, "5b 5a", "0 1");
        check_tied("a b c", 10, "5c 5a 5b", "0 1 2");
        check_tied("a b a c", 10, "5c 5a 5b 5a", "0 1 2 3");
        check_tied("a b", 10, "5a 5a 5b 5b", "0 2 1 3");
        check_tied("a b", 10, "5ab 5a", "0 1");
        check_tied("a b", 10, "0a 5ab", "0 1");
        check_tied("a b", 10, "5ab", "");
    }

    #[test]
    fn a_forbidden_event_of_the_same_instant_breaks_the_chain_when_ties_are_any() {
        check("a !n b", 10, "0n 0a 1b", "1 2");
        check_tied("a !n b", 10, "0n 0a 1b", "");
        check_tied("a !n b", 10, "0a 1b 1n", "");
        check_tied("a !n b", 10, "0an 1b", "0 1");
        check_tied("a !n b", 10, "0an 0an 1b", "");
        check_tied("!n a", 10, "5a 5n", "");
        check_tied("!n a", 10, "5an", "0");
    }

    #[test]
    fn the_watch_waits_for_an_instant_to_pass() {
        let player = play(tied("a b", Given, 10), &events("0a 5b"), None);
        assert_eq!((player.status().as_str(), player.deadline()), ("absent", Some(5)));
    }

    const PLANS: [&str; 12] = [
        "a",
        "a b",
        "a b c",
        "a a b",
        "a*3",
        "a !n b",
        "!n a b",
        "a b !n c",
        "?m a b",
        "a ?m b c",
        "a b ?m",
        "!n a ?m b !n c",
    ];

    fn some_events() -> impl Strategy<Value = Vec<Occurred>> {
        // a, b, c, m, n, and some that are two of them.
        let class =
            proptest::sample::select(vec![1u32, 1, 2, 2, 4, 1 << 12, 1 << 13, 3, 1 | 1 << 13, 2 | 1 << 12]);
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
            let plan = plan(steps, Given, within);
            let expected = naive(&plan, &events, 1_000);
            prop_assert_eq!(play(plan, &events, Some(1_000)).claims(), expected, "{} {}", steps, within);
        }

        /// The short way for one event is the long way.
        #[test]
        fn a_batch_of_one_is_settled_as_any_batch_is(
            steps in proptest::sample::select(PLANS.to_vec()),
            within in proptest::sample::select(vec![1u64, 5, 6, 7, 12]), events in some_events(),
        ) {
            let plan = plan(steps, Given, within);
            let (mut short, mut long) = (Slots::new(&plan), Slots::new(&plan));
            for (serial, &(time, bits)) in (0..).zip(&events) {
                let exhibit = Exhibit { time: at(time), identity: serial, origin: Origin::default(), signature: 0 };
                let roles = plan.roles(|class| bits & 1 << class.0 != 0);
                let item = Item { exhibit, roles, serial, used: serial % 7 == 6, ends: false };
                let (mut one, mut other) = ([item], [item]);
                let (mut chains, mut expected) = (Vec::new(), Vec::new());
                short.settle(&plan, &mut one, &mut chains);
                long.settle_many(&plan, &mut other, &mut expected);
                long.held = short.held;
                prop_assert_eq!(format!("{one:?} {chains:?} {short:?}"), format!("{other:?} {expected:?} {long:?}"));
                prop_assert_eq!(short.held.count_ones() as usize, short.slots.iter().flatten().count());
            }
        }

        #[test]
        fn the_order_within_an_instant_does_not_matter_when_ties_are_any(
            steps in proptest::sample::select(PLANS.to_vec()), within in 1u64..9,
            events in some_events(), seed in proptest::collection::vec(0u32..100, 11),
        ) {
            let mut shuffled: Vec<(Occurred, u32)> = events.iter().copied().zip(seed).collect();
            shuffled.sort_by_key(|(event, seed)| (event.0, *seed));
            let shuffled: Vec<Occurred> = shuffled.into_iter().map(|(event, _)| event).collect();
            let asked = tied(steps, Given, within).all_classes().iter().fold(0, |bits, class| bits | 1 << class.0);
            let one = play(tied(steps, Given, within), &events, Some(1_000));
            let other = play(tied(steps, Given, within), &shuffled, Some(1_000));
            prop_assert_eq!(one.reading(), other.reading());
            let claimed = |player: &crate::detector::fixture::Player, events: &[Occurred]| {
                let claims = player.claims();
                let event = |&at: &u64| events[usize::try_from(at).unwrap_or(0)];
                // Events that mean the same to the plan stand for each other.
                claims.iter().map(event).map(|(time, bits)| (time, bits & asked)).collect::<BTreeSet<_>>()
            };
            prop_assert_eq!(claimed(&one, &events), claimed(&other, &shuffled));
        }

        /// With events of one class each, a tied plan finds a chain exactly when there is one.
        #[test]
        fn when_ties_are_any_a_chain_is_found_exactly_when_there_is_one(
            steps in proptest::sample::select(vec!["a b", "a b c", "a b a", "a a b", "c a b a"]), within in 1u64..9,
            mut events in some_events(),
        ) {
            events.retain(|event| event.1.is_power_of_two());
            // Any order within an instant in which the definition finds a chain.
            let exists = |events: &[Occurred]| !naive(&plan(steps, Given, within), events, 1_000).is_empty();
            let mut found = false;
            permute(&events, &mut |order| found = found || exists(order));
            let player = play(tied(steps, Given, within), &events, Some(1_000));
            prop_assert_eq!(player.reading().status.is_present(), found, "{} {}", steps, within);
        }
    }

    /// All orders of different classes within each instant, as far as eleven events repeat each class in turn.
    fn permute(events: &[Occurred], visit: &mut impl FnMut(&[Occurred])) {
        let orders = [[1u32, 2, 4], [1, 4, 2], [2, 1, 4], [2, 4, 1], [4, 1, 2], [4, 2, 1]];
        for order in orders {
            let mut sorted: Vec<(i64, usize, usize, u32)> = Vec::new();
            for (index, &(time, class)) in events.iter().enumerate() {
                let earlier = events.iter().take(index).filter(|e| **e == (time, class)).count();
                let rank = order.iter().position(|&known| known == class).unwrap_or(3);
                sorted.push((time, earlier, rank, class));
            }
            sorted.sort_unstable();
            visit(&sorted.iter().map(|&(time, _, _, class)| (time, class)).collect::<Vec<_>>());
            sorted.sort_by_key(|&(time, earlier, rank, _)| (time, rank, earlier));
            visit(&sorted.iter().map(|&(time, _, _, class)| (time, class)).collect::<Vec<_>>());
        }
    }
}
