//! Events on their way to becoming a symptom.

use minicbor::{Decode, Encode};

use crate::codec::Renumber;
use crate::detector::sequence::plan::Roles;
use crate::model::{Exhibit, Timestamp};

/// One observed event and the parts it can play.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct Item {
    #[n(0)]
    pub(super) exhibit: Exhibit,
    #[n(1)]
    pub(super) roles: Roles,
    /// Its number in the order of arrival: what makes two events of one time different.
    #[n(2)]
    pub(super) serial: u64,
    /// Whether a chain has it already.
    #[n(3)]
    pub(super) used: bool,
    /// Whether it ends every chain that has begun.
    #[n(4)]
    pub(super) ends: bool,
}

impl Item {
    pub(super) fn time(&self) -> Timestamp {
        self.exhibit.time
    }

    /// Whether it can play the part of this required event.
    pub(super) fn fits(&self, unit: usize) -> bool {
        !self.used
            && u32::try_from(unit).is_ok_and(|unit| self.roles.units.checked_shr(unit).unwrap_or(0) & 1 == 1)
    }

    /// Whether it may only stand beside the required events.
    pub(super) fn is_beside(&self) -> bool {
        !self.used && self.roles.units == 0 && self.roles.maybes != 0
    }
}

/// Required events in their order, and the optional ones found beside them.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub(super) struct Chain {
    // Invariant: not empty.
    #[n(0)]
    pub(super) members: Vec<Item>,
    #[n(1)]
    pub(super) asides: Vec<Option<Item>>,
}

impl Chain {
    /// The time of the earliest required event.
    pub(super) fn first(&self) -> Timestamp {
        self.members.iter().map(Item::time).min().unwrap_or(Timestamp::MIN)
    }

    /// The time of the latest required event.
    pub(super) fn last(&self) -> Timestamp {
        self.members.iter().map(Item::time).max().unwrap_or(Timestamp::MIN)
    }

    pub(super) fn contains(&self, serial: u64) -> bool {
        self.items().any(|item| item.serial == serial)
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.members.iter().chain(self.asides.iter().flatten())
    }

    /// The optional steps that nothing was found for.
    pub(super) fn missing(&self) -> u16 {
        let missing = self.asides.iter().enumerate().filter(|(_, aside)| aside.is_none());
        missing.fold(0, |bits, (place, _)| bits | 1 << place)
    }

    /// All its events in the order of time.
    pub(super) fn in_order(&self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::with_capacity(self.members.len() + self.asides.len());
        items.extend(&self.members);
        items.extend(self.asides.iter().flatten());
        // Nearly always they are, and no two are alike.
        let order = |item: &Item| (item.time(), item.serial);
        if !items.is_sorted_by_key(order) {
            items.sort_unstable_by_key(order);
        }
        items
    }
}

/// Puts an event in an optional place, unless it stands in one already.
pub(super) fn set_aside(asides: &mut [Option<Item>], place: usize, item: Item) {
    if asides.iter().flatten().any(|aside| aside.serial == item.serial) {
        return;
    }
    if let Some(aside) = asides.get_mut(place) {
        *aside = Some(item);
    }
}
