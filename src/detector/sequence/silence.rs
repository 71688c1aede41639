//! Events that need no timer: settling their instant tells nothing, so it may wait for the next event.

use crate::detector::sequence::plan::Roles;
use crate::detector::sequence::{Memory, Progress};
use crate::model::Timestamp;

impl Progress {
    /// Whether an instant that was silent so far stays so with an event of these roles: no chain waits, none can be
    /// joined, and none can become complete.
    pub(super) fn stays_silent(&self, roles: Roles, time: Timestamp) -> bool {
        let mut others = self.instant.first.iter().chain(&self.instant.more);
        let alone = self.instant.first.is_none();
        // What is forbidden may tell why a chain was not completed, and that is to be known in time.
        let harmless = alone && roles.nevers == 0;
        (alone || self.instant.silent)
            && self.waiting.is_empty()
            && (roles.maybes == 0 || self.told.as_ref().is_none_or(|told| told.until < time))
            && match &self.memory {
                // Only an event for the last step completes a chain.
                Memory::Given(slots) => {
                    let ends = self.plan.is_last(roles) || others.any(|item| self.plan.is_last(item.roles));
                    let ready =
                        || slots.is_ready(&self.plan) && !(harmless && slots.is_too_late(&self.plan, time));
                    !ends || (alone && !ready())
                }
                Memory::Any(pool) => {
                    let parts =
                        others.fold(roles.units | pool.parts(), |parts, item| parts | item.roles.units);
                    let near = || roles.units | pool.parts_near(&self.plan, time);
                    !self.plan.is_filled(parts) || (harmless && !self.plan.is_filled(near()))
                }
            }
    }
}
