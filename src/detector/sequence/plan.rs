//! The steps of a sequence, compiled: which part an event can play.

use std::time::Duration;

use minicbor::{Decode, Encode};
use smol_str::SmolStr;

use crate::detector::ClassId;
use crate::detector::sequence::chain::Item;

/// At most so many steps of each need; repeated ones count as often as they are repeated.
pub(super) const MOST: usize = 16;

/// One step as a rule names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) class: ClassId,
    pub(crate) need: Need,
}

/// What a step asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// So many events of the class.
    Times(usize),
    /// One event of the class belongs to the chain when there is one.
    Maybe,
    /// No event of the class may come here.
    Never,
}

/// Whether steps come in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrangement {
    /// One after another.
    Given,
    /// In any order.
    Any,
}

/// What a complete chain leaves for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skip {
    /// The next chain begins after its last event.
    PastLast,
    /// The next chain begins after its first event.
    ToNext,
}

/// Why steps make no sequence, and at which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is required.
    NothingRequired,
    /// There are too many.
    TooMany,
    /// Two forbidden steps without a required one between them.
    AdjacentNevers(usize),
    /// Two optional steps in one place that ask for the same.
    RepeatedMaybe(usize),
    /// In any order, a class cannot be both required and forbidden.
    Contradiction(usize),
}

/// A compiled sequence.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The required events, repeated ones as often as they are repeated.
    pub(super) units: Vec<ClassId>,
    pub(super) maybes: Vec<Aside>,
    pub(super) nevers: Vec<Aside>,
    pub(super) arrangement: Arrangement,
    pub(super) within: Duration,
    pub(super) ties_any: bool,
    /// What ends every chain that has begun.
    pub(super) until: Option<ClassId>,
    /// Whether nothing else may stand between the events of a chain.
    pub(super) strict: bool,
    pub(super) skip: Skip,
    /// What the rule calls the classes, where it is known.
    pub(super) words: Vec<(ClassId, SmolStr)>,
    /// The parts that an event of each class of the steps can play.
    pub(super) parts: Vec<(ClassId, Roles)>,
}

/// A step beside the required ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aside {
    pub(super) class: ClassId,
    /// How many required events come before it.
    pub(super) gap: usize,
}

/// The parts that one event can play, a bit for each place in the plan's lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(super) struct Roles {
    #[n(0)]
    pub(super) units: u16,
    #[n(1)]
    pub(super) maybes: u16,
    #[n(2)]
    pub(super) nevers: u16,
}

/// The places of the set bits.
pub(super) fn places(bits: u16) -> impl Iterator<Item = usize> {
    let mut left = bits;
    std::iter::from_fn(move || {
        let place = (left != 0).then(|| left.trailing_zeros() as usize);
        left &= left.saturating_sub(1);
        place
    })
}

impl Plan {
    /// Compiles steps; `within` bounds last - first of the required events, inclusive.
    pub(crate) fn new(
        steps: &[Step],
        arrangement: Arrangement,
        within: Duration,
        ties_any: bool,
    ) -> Result<Self, Fault> {
        let (units, maybes, nevers, words) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (until, strict, skip, parts) = (None, false, Skip::PastLast, Vec::new());
        let mut plan =
            Self { units, maybes, nevers, arrangement, within, ties_any, until, strict, skip, words, parts };
        for (index, step) in steps.iter().enumerate() {
            let aside = Aside { class: step.class, gap: plan.units.len() };
            match step.need {
                Need::Times(times) => plan.units.extend(std::iter::repeat_n(step.class, times.min(MOST + 1))),
                Need::Maybe => {
                    let twin =
                        |known: &Aside| known.class == aside.class && plan.shares_place(known.gap, aside.gap);
                    if plan.maybes.iter().any(twin) {
                        return Err(Fault::RepeatedMaybe(index));
                    }
                    plan.maybes.push(aside);
                }
                Need::Never => {
                    let adjacent = plan.nevers.last().is_some_and(|last| last.gap == aside.gap);
                    if adjacent && arrangement == Arrangement::Given {
                        return Err(Fault::AdjacentNevers(index));
                    }
                    plan.nevers.push(aside);
                }
            }
            if plan.units.len().max(plan.maybes.len()).max(plan.nevers.len()) > MOST {
                return Err(Fault::TooMany);
            }
        }
        if plan.units.is_empty() {
            return Err(Fault::NothingRequired);
        }
        if arrangement == Arrangement::Any {
            let both = |step: &Step| step.need == Need::Never && plan.units.contains(&step.class);
            if let Some(index) = steps.iter().position(both) {
                return Err(Fault::Contradiction(index));
            }
        }
        plan.parts = plan.all_classes().into_iter().map(|class| (class, plan.roles_of(class))).collect();
        Ok(plan)
    }

    fn shares_place(&self, gap: usize, other: usize) -> bool {
        gap == other || self.arrangement == Arrangement::Any
    }

    /// All classes, ascending.
    pub(super) fn all_classes(&self) -> Vec<ClassId> {
        let asides = self.maybes.iter().chain(&self.nevers).map(|aside| aside.class);
        let mut classes: Vec<ClassId> = self.units.iter().copied().chain(asides).chain(self.until).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// The classes of which an event must come.
    pub(super) fn needs(&self) -> Vec<Vec<ClassId>> {
        let mut classes = self.units.clone();
        classes.sort_unstable();
        classes.dedup();
        classes.into_iter().map(|class| vec![class]).collect()
    }

    /// Groups of classes: until of each an event has come, the last events of each kind are all that matters.
    ///
    /// A chain of one event is replaced by every later one, unless something forbidden stands before the first step; where
    /// something optional does, the chain remembers it. Where gaps are strict, nothing between the steps is forgotten.
    pub(super) fn waking(&self) -> Option<Vec<Vec<ClassId>>> {
        let one = |class: &ClassId| vec![*class];
        let leads = || self.maybes.iter().chain(&self.nevers).any(|aside| aside.gap == 0);
        match (self.arrangement, self.units.as_slice()) {
            _ if self.strict => None,
            (Arrangement::Given, [first, ..]) if leads() => Some(vec![one(first)]),
            (Arrangement::Given, [first, second, ..]) | (Arrangement::Any, [first, second]) => {
                Some(vec![one(first), one(second)])
            }
            (_, units) => Some(vec![units.to_vec()]),
        }
    }

    /// What plays no part when it could play another: an optional event that is a required one too; in any order, a
    /// required event that is a forbidden one too.
    pub(super) fn idle(&self) -> Vec<(ClassId, ClassId)> {
        let maybes = self.maybes.iter().flat_map(|maybe| self.units.iter().map(|&unit| (maybe.class, unit)));
        let nevers = self.nevers.iter().filter(|_| self.arrangement == Arrangement::Any);
        let nevers = nevers.flat_map(|never| self.units.iter().map(|&unit| (unit, never.class)));
        let mut idle: Vec<(ClassId, ClassId)> = maybes.chain(nevers).collect();
        idle.sort_unstable();
        idle.dedup();
        idle
    }

    /// The parts that an event can play because it is of this class.
    fn roles_of(&self, class: ClassId) -> Roles {
        let bits = |classes: &mut dyn Iterator<Item = ClassId>| {
            classes
                .enumerate()
                .filter(|(_, known)| *known == class)
                .fold(0u16, |bits, (place, _)| bits | 1 << place)
        };
        Roles {
            units: bits(&mut self.units.iter().copied()),
            maybes: bits(&mut self.maybes.iter().map(|aside| aside.class)),
            nevers: bits(&mut self.nevers.iter().map(|aside| aside.class)),
        }
    }

    /// The parts that an event of these classes can play.
    pub(super) fn roles(&self, is: impl Fn(ClassId) -> bool) -> Roles {
        let mut all = Roles::default();
        for (_, roles) in self.parts.iter().filter(|(class, _)| is(*class)) {
            all.units |= roles.units;
            all.maybes |= roles.maybes;
            all.nevers |= roles.nevers;
        }
        all
    }

    /// Whether an event of these roles can be the last one required, in the order given.
    pub(super) fn is_last(&self, roles: Roles) -> bool {
        roles.units >> self.units.len().saturating_sub(1) & 1 == 1
    }

    /// Whether these parts are all that are required.
    pub(super) fn is_filled(&self, parts: u16) -> bool {
        parts.count_ones() as usize >= self.units.len()
    }

    /// Whether a chain that begins with one event may come after one that began with another.
    pub(super) fn may_begin(&self, with: &Item, after: &Item) -> bool {
        let tied = self.ties_any && with.time() == after.time();
        if tied { with.serial != after.serial } else { with.serial > after.serial }
    }

    /// Whether the sequence waits for something not to come.
    pub(super) fn waits(&self) -> bool {
        match self.arrangement {
            Arrangement::Given => self.nevers.iter().any(|never| never.gap == self.units.len()),
            Arrangement::Any => !self.nevers.is_empty(),
        }
    }

    /// Whether an event of these roles is what a complete chain waits not to see.
    pub(super) fn ends_waiting(&self, roles: Roles) -> bool {
        match self.arrangement {
            Arrangement::Given => self.forbids(roles, self.units.len()),
            Arrangement::Any => roles.nevers != 0,
        }
    }

    /// Whether an event of these roles is forbidden after so many required events.
    pub(super) fn forbids(&self, roles: Roles, gap: usize) -> bool {
        self.forbidden_gaps(roles) >> gap & 1 == 1
    }

    /// After how many required events one of these roles is forbidden, a bit for each number.
    pub(super) fn forbidden_gaps(&self, roles: Roles) -> u32 {
        let nevers = places(roles.nevers).filter_map(|place| self.nevers.get(place));
        nevers.fold(0, |gaps, never| gaps | 1 << never.gap)
    }

    /// The optional steps of these roles that stand after so many required events.
    pub(super) fn maybes_at(&self, roles: Roles, gap: usize) -> impl Iterator<Item = usize> {
        let here = move |place: &usize| self.maybes.get(*place).is_some_and(|maybe| maybe.gap == gap);
        places(roles.maybes).filter(here)
    }

    /// The optional steps of these roles that may still join a complete chain.
    pub(super) fn maybes_after(&self, roles: Roles) -> u16 {
        match self.arrangement {
            Arrangement::Given => {
                self.maybes_at(roles, self.units.len()).fold(0, |bits, place| bits | 1 << place)
            }
            Arrangement::Any => roles.maybes,
        }
    }
}
