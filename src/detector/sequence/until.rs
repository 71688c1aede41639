//! What ends every chain that has begun.

use crate::detector::Findings;
use crate::detector::sequence::chain::{Chain, Item};
use crate::detector::sequence::plan::Plan;
use crate::detector::sequence::{Memory, Progress};

impl Memory {
    /// Takes in the events of a batch; marks those of the chains it completes as used.
    pub(super) fn settle(&mut self, plan: &Plan, batch: &mut [Item], complete: &mut Vec<Chain>) {
        if batch.iter().any(|item| item.ends) {
            set_apart(batch);
            match self {
                Self::Given(slots) => slots.end_all(),
                Self::Any(pool) => pool.end_all(),
            }
        }
        match self {
            Self::Given(slots) => slots.settle(plan, batch, complete),
            Self::Any(pool) => pool.settle(plan, batch, complete),
        }
    }
}

/// Of events without an order one that ends all chains may stand between any two: it alone can be in a chain.
fn set_apart(batch: &mut [Item]) {
    let mut ends = batch.iter().filter(|item| item.ends).map(|item| item.serial);
    let only = match (ends.next(), ends.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    };
    for item in batch.iter_mut().filter(|item| Some(item.serial) != only) {
        item.used = true;
    }
}

impl Progress {
    /// Ends the chains that wait, and what could join the last one.
    pub(super) fn end_waiting(&mut self, batch: &[Item], out: &mut Findings) {
        if batch.iter().any(|item| item.ends) {
            self.told = None;
            if !self.waiting.is_empty() {
                self.waiting.clear();
                out.changed();
            }
        }
    }
}
