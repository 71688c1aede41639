//! How far a sequence came, and what a watch of it may need.

use crate::detector::sequence::any::Pool;
use crate::detector::sequence::chain::{Chain, Item};
use crate::detector::sequence::given::Slots;
use crate::detector::sequence::plan::{Arrangement, Plan, Skip};
use crate::detector::sequence::{Foiled, Memory, Progress, WAITING, Waiting};
use crate::detector::words::{length, many, stamp};
use crate::model::Timestamp;
use crate::timeline::Spans;

/// The most bytes of one watch, apart from the events of an instant while it lasts.
pub(super) fn memory(plan: &Plan) -> usize {
    let (units, maybes) = (plan.units.len(), plan.maybes.len());
    let items = |count: usize| count.max(4).next_power_of_two() * size_of::<Item>();
    let chain = |members: usize| items(members) + maybes * size_of::<Option<Item>>();
    let kept = match plan.arrangement {
        Arrangement::Given => {
            // Slot i holds a chain of i + 1 events, and the batch at hand may make one more of each.
            let chains: usize = (1..=units).map(chain).sum();
            let slots = units * (size_of::<Option<Chain>>() + size_of::<Vec<Chain>>() + size_of::<Chain>());
            2 * chains + slots + maybes * size_of::<Option<Item>>()
        }
        // Of the events that can play the same parts as many as there are parts.
        Arrangement::Any => items(units * units.max(1)) + maybes * size_of::<Option<Item>>(),
    };
    let waiting = if plan.waits() { WAITING * (size_of::<Waiting>() + chain(units)) } else { 0 };
    // Of the claimed events only those that a chain may share: no more than stood beside each other in chains.
    let claimed = match plan.skip {
        Skip::PastLast => 0,
        Skip::ToNext => (units * (units + maybes)).next_power_of_two() * size_of::<(Timestamp, u64)>(),
    };
    size_of::<Progress>() + kept + waiting + claimed + Spans::MEMORY
}

impl Memory {
    /// The parts that stand together, a bit for each.
    pub(super) fn filled(&self, plan: &Plan) -> u16 {
        match self {
            Self::Given(slots) => slots.filled(),
            Self::Any(_) => self.filled_since(plan).0,
        }
    }

    /// The parts that stand together, a bit for each, and when the first of them came.
    fn filled_since(&self, plan: &Plan) -> (u16, Option<Timestamp>) {
        match self {
            Self::Given(slots) => (slots.filled(), slots.since()),
            Self::Any(pool) if pool.parts() == 0 || plan.units.is_empty() => (0, None),
            Self::Any(pool) => pool.filled(),
        }
    }

    /// No more parts than these stand together.
    fn at_most(&self) -> u32 {
        match self {
            Self::Given(slots) => slots.at_most(),
            Self::Any(pool) => pool.parts().count_ones(),
        }
    }

    fn forbidden_until(&self, plan: &Plan) -> Option<Timestamp> {
        match self {
            Self::Given(slots) => Slots::forbidden_until(slots, plan),
            Self::Any(pool) => Pool::forbidden_until(pool, plan),
        }
    }
}

impl Progress {
    /// Remembers how far the present attempt came.
    pub(super) fn remember(&mut self) {
        // Nearly always it came no further than an earlier one.
        if self.memory.at_most() > self.best.count_ones() {
            let filled = self.memory.filled(&self.plan);
            if filled.count_ones() > self.best.count_ones() {
                self.best = filled;
            }
        }
    }

    /// Remembers whether a forbidden event of the batch ended what had come as far as `before`.
    pub(super) fn look_for_foil(&mut self, before: u16, batch: &[Item]) {
        let gap = usize::try_from(before.count_ones()).unwrap_or(0);
        let forbidden = |item: &Item| match self.plan.arrangement {
            Arrangement::Given => self.plan.forbids(item.roles, gap),
            Arrangement::Any => item.roles.nevers != 0,
        };
        let after = self.memory.filled(&self.plan);
        if after.count_ones() <= before.count_ones() && batch.iter().any(forbidden) {
            self.foil(gap, batch.first().map(Item::time));
        }
    }

    /// A forbidden event came after so many parts.
    pub(super) fn foil(&mut self, parts: usize, at: Option<Timestamp>) {
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        if let Some(at) = at.filter(|_| self.foiled.is_none_or(|foiled| foiled.parts <= parts)) {
            self.foiled = Some(Foiled { parts, at });
        }
    }

    /// What is missing at `now`, in words.
    pub(super) fn missing(&self, now: Timestamp) -> Option<String> {
        if self.chains > 0 {
            return None;
        }
        let plan = &*self.plan;
        let whole = many(plan.units.len(), "step");
        if let Some(waiting) = self.waiting.front() {
            let absent = self.forbidden_last();
            let until = stamp(waiting.deadline);
            return Some(format!("all of {whole} seen; {absent} must not come up to and including {until}"));
        }
        let (filled, since) = self.now_filled();
        let best = if self.best.count_ones() > filled.count_ones() { self.best } else { filled };
        if let Some(foiled) = self.foiled.filter(|foiled| foiled.parts >= best.count_ones()) {
            let seen = foiled.parts;
            let what = self.forbidden_after(usize::try_from(seen).unwrap_or(usize::MAX));
            return Some(format!(
                "{seen} of {whole} seen, but then came {what}, which must not, at {}",
                stamp(foiled.at)
            ));
        }
        let blocked = self.memory.forbidden_until(plan).filter(|&until| until >= now);
        if best == 0 {
            let text = format!("none of {whole} seen: {}", self.wanted(0));
            return Some(match blocked {
                Some(until) => {
                    format!("{text}, and something forbidden stands against it until {}", stamp(until))
                }
                None => text,
            });
        }
        let by = since.map(|since| since.plus(plan.within)).filter(|&by| by >= now && best == filled);
        let text = format!("{} of {whole}: {}", best.count_ones(), self.wanted(best));
        Some(match by {
            Some(by) => format!("{text} would have to come by {}", stamp(by)),
            None => format!("at best {text} did not come within {}", length(plan.within)),
        })
    }

    /// The parts that stand together now, with the events of the instant that is not settled yet.
    fn now_filled(&self) -> (u16, Option<Timestamp>) {
        let mut batch: Vec<Item> = self.instant.first.iter().chain(&self.instant.more).copied().collect();
        if batch.is_empty() {
            return self.memory.filled_since(&self.plan);
        }
        let (mut memory, mut complete) = (self.memory.clone(), Vec::new());
        memory.settle(&self.plan, &mut batch, &mut complete);
        memory.filled_since(&self.plan)
    }

    /// What has to come when these parts are there: `` after `drop` `connect` ``.
    fn wanted(&self, filled: u16) -> String {
        let plan = &*self.plan;
        let name = |part: usize| {
            let class = plan.units.get(part);
            let word = plan.words.iter().find(|(known, _)| Some(known) == class).map(|(_, word)| word);
            match word {
                Some(word) => format!("`{word}`"),
                None => format!("step {}", part + 1),
            }
        };
        let missing: Vec<usize> = (0..plan.units.len()).filter(|part| filled >> part & 1 == 0).collect();
        match (plan.arrangement, missing.first()) {
            (_, None) => String::new(),
            (Arrangement::Given, Some(&0)) => format!("it begins with {}", name(0)),
            (Arrangement::Given, Some(&next)) => {
                format!("after {} comes {}, which", name(next - 1), name(next))
            }
            (Arrangement::Any, Some(_)) => {
                let mut names: Vec<String> = missing.into_iter().map(name).collect();
                names.dedup();
                names.join(" and ")
            }
        }
    }

    /// What must not come after the last step.
    fn forbidden_last(&self) -> String {
        self.forbidden_after(self.plan.units.len())
    }

    /// What must not come after so many parts; anywhere, in any order.
    fn forbidden_after(&self, gap: usize) -> String {
        let plan = &*self.plan;
        let any = plan.arrangement == Arrangement::Any;
        let never = plan.nevers.iter().filter(|never| any || never.gap == gap);
        let word =
            |class| plan.words.iter().find(|(known, _)| *known == class).map(|(_, word)| format!("`{word}`"));
        let mut names: Vec<String> = never.filter_map(|never| word(never.class)).collect();
        names.dedup();
        if names.is_empty() { "a forbidden step".to_owned() } else { names.join(" or ") }
    }
}

#[cfg(test)]
mod tests {
    use crate::detector::fixture::{Letters, Player};
    use crate::detector::sequence::read;
    use crate::yaml::document;

    /// What is missing after events of (second, class) at a second.
    fn missing(rule: &str, events: &[(i64, char)], end: i64) -> String {
        const SECOND: i64 = 1_000_000_000;
        let document = document("r.yaml", rule).unwrap_or_else(|problem| panic!("{problem:?}"));
        let plan = read::plan(document.root(), &mut Letters).unwrap_or_else(|problem| panic!("{problem:?}"));
        let mut player = Player::new(plan);
        events.iter().for_each(|&(at, class)| player.hit(at * SECOND, &[class as u32 - 97], None));
        player.until(end * SECOND);
        player.shortfall()
    }

    #[test]
    fn steps_in_order_say_which_comes_next_and_by_when() {
        let rule = "{steps: [d, e, c], within: 60s}";
        assert_eq!(missing(rule, &[], 5), "none of 3 steps seen: it begins with `d`");
        assert_eq!(
            missing(rule, &[(0, 'd')], 5),
            "1 of 3 steps: after `d` comes `e`, which would have to come by 1970-01-01 00:01:00"
        );
        assert_eq!(
            missing(rule, &[(0, 'd'), (5, 'e'), (70, 'd')], 200),
            "at best 2 of 3 steps: after `e` comes `c`, which did not come within 1m"
        );
    }

    #[test]
    fn steps_in_any_order_say_which_are_missing() {
        let rule = "{steps: [d, e, c], order: any, within: 60s}";
        assert_eq!(
            missing(rule, &[(0, 'c'), (9, 'd')], 10),
            "2 of 3 steps: `e` would have to come by 1970-01-01 00:01:00"
        );
        assert_eq!(
            missing(rule, &[(0, 'c')], 61),
            "at best 1 of 3 steps: `d` and `e` did not come within 1m"
        );
    }

    #[test]
    fn a_forbidden_step_is_named_with_its_time() {
        let rule = "{steps: [d, {never: c}], within: 60s}";
        assert_eq!(
            missing(rule, &[(0, 'd')], 10),
            "all of 1 step seen; `c` must not come up to and including 1970-01-01 00:01:00"
        );
        assert_eq!(
            missing(rule, &[(0, 'd'), (8, 'c')], 99),
            "1 of 1 step seen, but then came `c`, which must not, at 1970-01-01 00:00:08"
        );
        assert_eq!(
            missing("{steps: [d, {never: c}, e], within: 60s}", &[(0, 'd'), (8, 'c'), (9, 'e')], 99),
            "1 of 2 steps seen, but then came `c`, which must not, at 1970-01-01 00:00:08"
        );
    }
}
