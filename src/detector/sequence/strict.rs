//! Steps with nothing else between them: a chain that the next events do not go on with is over.
//!
//! Of a batch of several events, which have no order, every one must find its place in the chain: the others could stand
//! between.

use crate::detector::sequence::chain::{Chain, Item};
use crate::detector::sequence::given::{Slots, drop_distant, grow};
use crate::detector::sequence::plan::Plan;

impl Slots {
    /// Takes in a batch, where nothing else may stand between the events of a chain.
    pub(super) fn settle_strictly(&mut self, plan: &Plan, batch: &mut [Item], complete: &mut Vec<Chain>) {
        batch.sort_by_key(|item| (item.roles.units.count_ones(), item.roles, item.serial));
        let before = std::mem::take(&mut self.slots);
        let mut after = vec![None; before.len()];
        let mut lead = vec![None; plan.maybes.len()];
        let mut whole = None;
        let begun = before.into_iter().flatten();
        for chain in std::iter::once(Chain { members: Vec::new(), asides: self.lead.clone() }).chain(begun) {
            let Some(grown) = self.go_on(plan, batch, chain) else { continue };
            match grown.members.len().checked_sub(1) {
                None => lead = grown.asides,
                Some(last) if last + 1 == plan.units.len() => whole = whole.or(Some(grown)),
                Some(last) => {
                    if let Some(slot) = after.get_mut(last) {
                        *slot = Some(grown);
                    }
                }
            }
        }
        (self.slots, self.lead) = (after, lead);
        match whole {
            Some(mut chain) => {
                drop_distant(plan, &mut chain);
                self.leave(plan, &chain);
                complete.push(chain);
            }
            // Between one event and nothing there is no room for another.
            None if plan.units.len() == 1 => {
                let nothing = Chain { members: Vec::new(), asides: vec![None; plan.maybes.len()] };
                let fitting = batch.iter().filter(|item| item.fits(0));
                complete.extend(fitting.filter_map(|item| self.longer(plan, batch, &nothing, item)));
            }
            None => {}
        }
        if batch.iter().any(|item| plan.forbids(item.roles, 0)) {
            self.forbidden = batch.first().map(Item::time);
        }
    }

    /// The chain with all events of the batch, when each has a place.
    fn go_on(&self, plan: &Plan, batch: &[Item], mut chain: Chain) -> Option<Chain> {
        let mut left: Vec<&Item> = batch.iter().collect();
        while !left.is_empty() {
            let many = left.len();
            left.retain(|item| !item.is_beside() || !stand_beside(plan, &mut chain, item));
            if chain.members.len() < plan.units.len() {
                let fits = |item: &&Item| item.fits(chain.members.len());
                if let Some(at) = left.iter().position(fits) {
                    chain = self.longer(plan, batch, &chain, left.remove(at))?;
                }
            }
            if left.len() == many {
                return None;
            }
        }
        Some(chain)
    }

    fn longer(&self, plan: &Plan, batch: &[Item], chain: &Chain, item: &Item) -> Option<Chain> {
        if chain.members.is_empty() {
            let begun = self.begin(plan, batch, item)?;
            return Some(Chain { asides: chain.asides.clone(), ..begun });
        }
        grow(plan, batch, chain, item)
    }
}

/// Puts an optional event where a chain has come to; before its first event, in place of an earlier one and all that came
/// before that.
fn stand_beside(plan: &Plan, chain: &mut Chain, item: &Item) -> bool {
    let gap = chain.members.len();
    let is_free = |place: &usize| chain.asides.get(*place).is_some_and(Option::is_none);
    let place = match plan.maybes_at(item.roles, gap).find(is_free) {
        None if gap == 0 => plan.maybes_at(item.roles, 0).next(),
        place => place,
    };
    let Some(place) = place else { return false };
    if let Some(earlier) = chain.asides.get(place).copied().flatten() {
        // Of one time neither came before the other.
        if earlier.time() == item.time() && plan.ties_any {
            return false;
        }
        for aside in &mut chain.asides {
            aside.take_if(|aside| aside.serial <= earlier.serial);
        }
    }
    if let Some(aside) = chain.asides.get_mut(place) {
        *aside = Some(*item);
    }
    true
}
