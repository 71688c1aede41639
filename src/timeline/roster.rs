//! Who is there: children counted from openings and closings of which some may be missing.

use minicbor::{Decode, Encode};

use crate::codec::state;
use crate::model::Timestamp;
use crate::timeline::ByChild;

/// Who is there, counted from openings and closings of which some may be missing.
///
/// The level runs from an unknown start. A child whose first sign is a closing was there before, so `unseen` is to be
/// added to every level of the past: then the closing is a fall of one, not a fall to minus one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    children: ByChild<Presence>,
    level: i64,
    unseen: i64,
    full: bool,
}

state!(Roster { 0 => children, 1 => level, 2 => unseen, 3 => full });

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
enum Presence {
    #[n(0)]
    Away,
    #[n(1)]
    Here,
    /// It opened at this instant although it was there.
    #[n(2)]
    Again(#[n(0)] Timestamp),
}

impl Roster {
    /// How many bytes come with each child: a place in a table that doubles when seven eighths of it are full, and a byte
    /// beside it.
    pub(crate) const MEMORY_PER_CHILD: usize = (size_of::<(u64, Presence)>() + 1) * 16 / 7;

    /// The child opened.
    pub(crate) fn open(&mut self, child: u64, at: Timestamp) {
        // Nearly always it is known.
        if let Some(presence) = self.children.get_mut(child) {
            let away = *presence == Presence::Away;
            *presence = if away { Presence::Here } else { Presence::Again(at) };
            self.level += i64::from(away);
        } else if self.takes(child) {
            self.level += 1;
            self.children.insert(child, Presence::Here);
        }
    }

    /// The child closed; says whether the level fell. With `ties`, a closing at the very instant of an opening that
    /// found the child present came before it.
    pub(crate) fn close(&mut self, child: u64, at: Timestamp, ties: bool) -> bool {
        if let Some(presence) = self.children.get_mut(child) {
            match presence {
                Presence::Away => return false,
                Presence::Again(opened) if ties && *opened == at => return false,
                Presence::Here | Presence::Again(_) => *presence = Presence::Away,
            }
        } else if self.takes(child) {
            self.unseen += 1;
            self.children.insert(child, Presence::Away);
        } else {
            return false;
        }
        self.level -= 1;
        true
    }

    /// Whether there is room for a child that is not known.
    fn takes(&mut self, child: u64) -> bool {
        let takes = self.children.takes(child);
        self.full |= !takes;
        takes
    }

    /// Whether there were more children than can be told apart: then the level is not the real one.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// The level, from an unknown start.
    pub(crate) fn level(&self) -> f64 {
        self.level as f64
    }

    /// What to add to every level, past and present, to count the children known by now.
    pub(crate) fn unseen(&self) -> f64 {
        self.unseen as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_first_seen_closing_was_there_before() {
        let now = Timestamp::MIN;
        let mut roster = Roster::default();
        roster.open(1, now);
        assert!(roster.close(2, now, false));
        assert_eq!((roster.level(), roster.unseen()), (0.0, 1.0));
        assert!(!roster.close(2, now, false), "it is away already");
    }

    #[test]
    fn a_reconnection_within_one_instant_leaves_the_child_present_when_ties_go_both_ways() {
        let at = |seconds| Timestamp::from_seconds(seconds).unwrap_or(Timestamp::MIN);
        for (ties, level) in [(true, 1.0), (false, 0.0)] {
            let mut roster = Roster::default();
            roster.open(1, at(5));
            roster.open(1, at(9));
            roster.close(1, at(9), ties);
            assert_eq!(roster.level(), level);
        }
    }
}
