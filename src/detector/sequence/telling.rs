//! Complete chains: what may still join them, when they are told, and what they claim.

use crate::detector::Findings;
use crate::detector::sequence::chain::{Chain, Item};
use crate::detector::sequence::plan::{Skip, places};
use crate::detector::sequence::{Progress, Told};
use crate::model::Timestamp;

impl Progress {
    /// Lets optional events join the last complete chain.
    pub(super) fn join(&mut self, batch: &mut [Item], out: &mut Findings) {
        if self.plan.strict {
            self.broken = self.broken || !self.goes_on(batch);
            if self.broken {
                return;
            }
        }
        for item in batch.iter_mut().filter(|item| item.is_beside()) {
            let parts = self.plan.maybes_after(item.roles);
            if let Some(waiting) = self.waiting.back_mut() {
                let near = item.time() <= waiting.chain.first().plus(self.plan.within);
                let place = places(parts & waiting.chain.missing()).next().filter(|_| near);
                if let Some(aside) = place.and_then(|place| waiting.chain.asides.get_mut(place)) {
                    item.used = true;
                    *aside = Some(*item);
                }
            } else if let Some(told) = self.told.as_mut().filter(|told| item.time() <= told.until) {
                let Some(place) = places(parts & told.missing).next() else { continue };
                told.missing &= !(1 << place);
                self.whole += u64::from(told.missing == 0);
                item.used = true;
                out.claim(item.exhibit);
            }
        }
    }

    pub(super) fn tell_due(&mut self, due: impl Fn(Timestamp) -> bool, out: &mut Findings) {
        while self.waiting.front().is_some_and(|waiting| due(waiting.deadline)) {
            if let Some(waiting) = self.waiting.pop_front() {
                self.tell(&waiting.chain, out);
            }
        }
    }

    pub(super) fn tell(&mut self, chain: &Chain, out: &mut Findings) {
        let missing = chain.missing();
        self.chains = self.chains.saturating_add(1);
        self.whole += u64::from(missing == 0);
        self.spans.push(chain.last().since(chain.first()));
        self.told = Some(Told { until: chain.first().plus(self.plan.within), missing });
        self.claim(chain, out);
    }

    /// Whether every event of the batch joins the last complete chain: then nothing else stands behind it.
    fn goes_on(&self, batch: &[Item]) -> bool {
        let Some(mut missing) = self.missing_places() else { return false };
        batch.iter().all(|item| {
            let place = places(self.plan.maybes_after(item.roles) & missing).next();
            missing &= !place.map_or(0, |place| 1 << place);
            item.is_beside() && place.is_some()
        })
    }

    fn missing_places(&self) -> Option<u16> {
        match self.waiting.back() {
            Some(waiting) => Some(waiting.chain.missing()),
            None => self.told.as_ref().map(|told| told.missing),
        }
    }

    /// Claims the events of a chain, each once in all.
    fn claim(&mut self, chain: &Chain, out: &mut Findings) {
        let items = chain.in_order();
        for item in &items {
            let known = (item.time(), item.serial);
            if self.plan.skip == Skip::PastLast {
                out.claim(item.exhibit);
            } else if !self.shared.contains(&known) {
                self.shared.push(known);
                out.claim(item.exhibit);
            }
        }
        // No later chain begins before this one.
        let first = chain.first();
        self.shared.retain(|(time, _)| *time >= first);
    }
}
