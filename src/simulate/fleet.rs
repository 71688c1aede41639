//! A fleet as it was read: groups, states, incidents. Names of states are places by now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Timestamp;
use crate::simulate::spread::Spread;
use crate::simulate::template::Template;

/// Fields by name.
pub(super) type Fields = BTreeMap<String, Template>;

/// A fleet.
#[derive(Clone, Debug)]
pub(super) struct Fleet {
    pub(super) name: Arc<str>,
    pub(super) title: Arc<str>,
    pub(super) from: Timestamp,
    /// How long it runs, in nanoseconds, as all spans here.
    pub(super) span: i64,
    pub(super) fields: Fields,
    pub(super) groups: Vec<Group>,
    pub(super) incidents: Vec<Incident>,
    pub(super) gauge: Option<Gauge>,
}

/// Subjects that behave alike.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) count: u32,
    /// Whether there are as many however large the fleet is made.
    pub(super) fixed: bool,
    pub(super) fields: Fields,
    pub(super) draws: Vec<Vec<Alternative>>,
    pub(super) states: Vec<State>,
    pub(super) start: Vec<(usize, u32)>,
    pub(super) truth: Option<Truth>,
}

impl Group {
    /// The place of a state.
    pub(super) fn state(&self, name: &str) -> Option<usize> {
        self.states.iter().position(|state| state.name == name)
    }
}

/// One alternative of a draw.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) weight: u32,
    pub(super) fields: Fields,
}

/// A state.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) name: String,
    pub(super) emit: Vec<Emit>,
    /// How long it lasts; for good when there is none.
    pub(super) after: Option<Spread>,
    /// The least and the most times that it is entered again.
    pub(super) repeat: (u32, u32),
    /// What follows, with weights.
    pub(super) next: Vec<(usize, u32)>,
}

/// A record that is written on entering a state.
#[derive(Clone, Debug)]
pub(super) struct Emit {
    pub(super) record: String,
    pub(super) fields: Fields,
}

/// How many combinations there are of one alternative of each draw.
pub(super) fn combinations(draws: &[Vec<Alternative>]) -> usize {
    draws.iter().fold(1, |all, draw| all.saturating_mul(draw.len().max(1)))
}

/// What befalls many at once.
#[derive(Clone, Debug)]
pub(super) struct Incident {
    pub(super) at: Spread,
    pub(super) every: Option<i64>,
    /// The groups that it may hit, and the state into which each is pushed.
    pub(super) groups: Vec<(usize, usize)>,
    pub(super) share: f64,
    pub(super) matching: Vec<(String, String)>,
    /// The names of the states in which it hits; in all when there are none.
    pub(super) inside: Vec<String>,
    /// Whether it waits until a subject is in one of these.
    pub(super) waits: bool,
    pub(super) over: i64,
    pub(super) truth: Option<Truth>,
}

/// What is the matter.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) cause: Arc<str>,
    /// How many levels of subjects it names, for each level of which it is true.
    pub(super) levels: Vec<usize>,
    pub(super) enough: bool,
    pub(super) needs: i64,
    /// The names of the states on entering which it is over.
    pub(super) ends: Vec<String>,
}

/// A measure of the whole.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    pub(super) emit: Emit,
    pub(super) every: i64,
    pub(super) counts: Vec<String>,
}

/// Fleets together, each with how many of the subjects are in it.
#[derive(Clone, Debug)]
pub(super) struct Mix {
    pub(super) title: Arc<str>,
    pub(super) fleets: Vec<(String, u32)>,
}
