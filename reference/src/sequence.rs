//! Sequences: every chain there is, the latest of them, and what joins or forbids it.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use etiolog::detector::{ClassId, Definition};
use etiolog::model::Measure;
use etiolog::{Status, Timestamp};

use crate::detect::{PRESENT, median};
use crate::{Found, Known};

/// The parameters of a sequence beside the events that it looks at.
pub(crate) struct Search<'a> {
    pub(crate) events: &'a [&'a Known],
    /// Which events have no order among themselves: those of one number.
    group: Vec<usize>,
    pub(crate) required: &'a [ClassId],
    pub(crate) maybe: &'a [(ClassId, usize)],
    pub(crate) never: &'a [(ClassId, usize)],
    /// What ends every chain that has begun.
    pub(crate) until: Option<ClassId>,
    strict: bool,
    any_order: bool,
    within: Duration,
    used: Vec<bool>,
    /// The group from which on chains may take events.
    pub(crate) begin: usize,
    /// The events that are not too old to matter, up to the present group.
    near: Range<usize>,
}

/// A complete chain and what joined it.
struct Chain {
    first: Timestamp,
    last: Timestamp,
    /// The required events in their order, then what joined.
    members: Vec<usize>,
    /// The optional steps that nothing joined for.
    missing: Vec<usize>,
    /// When it is told: when complete, or at its deadline.
    told: Timestamp,
}

pub(crate) fn sequence(definition: &Definition, events: &[&Known], watermark: Timestamp) -> Found {
    let (definition, until, strict, overlaps) = match definition {
        Definition::Restricted { sequence, until, strict, overlaps } => {
            (&**sequence, *until, *strict, *overlaps)
        }
        plain => (plain, None, false, false),
    };
    let Definition::Sequence { required, maybe, never, any_order, within, ties_any } = definition else {
        return Found { status: Status::Absent, measures: Vec::new(), claims: Vec::new(), was: None };
    };
    let mut group = Vec::new();
    for at in 0..events.len() {
        let tied = *ties_any && at > 0 && events[at].time() == events[at - 1].time();
        group.push(group.last().map_or(0, |&last| if tied { last } else { last + 1 }));
    }
    let (used, any_order, within) = (vec![false; events.len()], *any_order, *within);
    let mut search = Search {
        events,
        group,
        required,
        maybe,
        never,
        until,
        strict,
        any_order,
        within,
        used,
        begin: 0,
        near: 0..0,
    };
    let waits = never.iter().any(|&(_, gap)| any_order || gap == required.len());
    let in_order = |chain: &Chain| -> BTreeSet<usize> { chain.members.iter().copied().collect() };
    let mut chains: Vec<Chain> = Vec::new();
    let mut claims: Vec<(Timestamp, usize)> = Vec::new();
    // Whether the last chain can still be joined.
    let mut is_open = true;
    for group in 0..search.group.last().map_or(0, |last| last + 1) {
        let of_group = |group| search.group.partition_point(|&g| g < group);
        let at_once = of_group(group)..of_group(group + 1);
        let now = events[at_once.start].time();
        let old = events.partition_point(|e| e.time().plus(within).plus(within) < now);
        search.near = old..at_once.end;
        if waits && at_once.clone().any(|at| search.is_forbidden(at, required.len())) {
            chains.retain(|chain| chain.told < now);
        }
        let ends: Vec<usize> =
            at_once.clone().filter(|&at| until.is_some_and(|class| events[at].is(class))).collect();
        if !ends.is_empty() {
            chains.retain(|chain| !waits || chain.told < now);
            (search.begin, is_open) = (search.begin.max(group), false);
            let others = at_once.clone().filter(|at| ends != [*at]);
            others.for_each(|at| search.used[at] = true);
        }
        for at in at_once.clone() {
            let behind = |step: usize| any_order || maybe[step].1 == required.len();
            let fits = |&step: &usize| behind(step) && events[at].is(maybe[step].0);
            let last =
                chains.last_mut().filter(|chain| search.is_beside(at) && now <= chain.first.plus(within));
            let place = last.as_ref().and_then(|chain| chain.missing.iter().position(fits));
            let (Some(chain), Some(place), true) = (last, place, is_open) else {
                is_open = is_open && !(strict && search.is_named(at));
                continue;
            };
            chain.missing.remove(place);
            search.used[at] = true;
            if waits {
                chain.members.push(at);
            } else {
                claims.push((now, at));
            }
        }
        while let Some(mut chain) = search.latest(group) {
            is_open = true;
            if overlaps {
                // Without ties a group is one event, and the next chain begins behind the first of this one.
                search.begin = chain.members[..required.len()].iter().min().map_or(group, |&first| first + 1);
            } else {
                chain.members.iter().for_each(|&at| search.used[at] = true);
                search.begin = group;
            }
            let mut others = at_once.clone().filter(|&at| at != chain.members[required.len() - 1]);
            let over = others.any(|at| search.is_forbidden(at, required.len()));
            if !waits {
                claims.extend(in_order(&chain).into_iter().map(|at| (now, at)));
                chains.push(chain);
            } else if any_order || !over {
                chain.told = if any_order { chain.first } else { chain.last }.plus(within);
                chains.push(chain);
            }
            if overlaps {
                break;
            }
        }
    }
    let deadline = chains.first().map(|chain| chain.told);
    chains.retain(|chain| chain.told < watermark);
    if waits {
        claims.extend(chains.iter().flat_map(|chain| in_order(chain).into_iter().map(|at| (chain.told, at))));
    }
    // Each event is claimed once, though it may be in several chains.
    let mut once = BTreeSet::new();
    claims.retain(|(_, at)| once.insert(*at));
    let status = match deadline {
        _ if !chains.is_empty() => PRESENT(),
        Some(deadline) => Status::Unknown(format!("waiting until {deadline}").into()),
        None => Status::Absent,
    };
    let spans: Vec<Duration> = chains.iter().map(|chain| chain.last.since(chain.first)).collect();
    let whole = chains.iter().filter(|chain| chain.missing.is_empty()).count();
    let mut measures = vec![("chains", Measure::Count(chains.len() as u64))];
    measures.extend(spans.last().map(|span| ("span", Measure::Span(*span))));
    measures.push(("optional", Measure::Count(whole as u64)));
    measures.extend(median(&spans).map(|span| ("median_span", Measure::Span(span))));
    Found { status, measures, claims, was: None }
}

impl Search<'_> {
    fn time(&self, at: usize) -> Timestamp {
        self.events[at].time()
    }

    /// Whether one event may stand before another.
    fn before(&self, one: usize, other: usize) -> bool {
        one != other && self.group[one] <= self.group[other]
    }

    /// Whether an event may only stand beside the required ones.
    pub(crate) fn is_beside(&self, at: usize) -> bool {
        let is_required = self.required.iter().any(|&class| self.events[at].is(class));
        !self.used[at] && !is_required && self.maybe.iter().any(|&(class, _)| self.events[at].is(class))
    }

    /// Whether an event is forbidden in this gap.
    fn is_forbidden(&self, at: usize, gap: usize) -> bool {
        self.never.iter().any(|&(class, g)| (self.any_order || g == gap) && self.events[at].is(class))
    }

    /// The latest chain that an event of this group completes.
    fn latest(&self, group: usize) -> Option<Chain> {
        let mut chains = Vec::new();
        self.extend(group, &mut Vec::new(), &mut chains);
        // The latest of the last events, then of those before; of equals, the first in canonical order.
        let late = |chain: &Vec<usize>| {
            let mut groups: Vec<usize> = chain.iter().map(|&at| self.group[at]).collect();
            groups.sort_unstable_by_key(|&group| Reverse(group));
            (groups, Reverse(chain.clone()))
        };
        let members =
            chains.into_iter().filter(|chain| !self.strict || self.is_tight(chain)).max_by_key(late)?;
        let leads = self.leads(members[0]);
        let times = || members.iter().map(|&at| self.time(at));
        let (first, last) = (times().min()?, times().max()?);
        let mut chain = Chain { first, last, members: members.clone(), missing: Vec::new(), told: last };
        for (step, &(class, gap)) in self.maybe.iter().enumerate() {
            let in_place = |at: usize| {
                let after = gap == 0 || self.before(members[gap - 1], at);
                let before = gap == members.len() || self.before(at, members[gap]);
                self.any_order || (after && before)
            };
            let fits = |at: &usize| {
                self.is_beside(*at)
                    && self.events[*at].is(class)
                    && (self.begin..=group).contains(&self.group[*at])
                    && in_place(*at)
                    && chain.last.since(self.time(*at)) <= self.within
                    && !chain.members.contains(at)
                    && (!self.strict || *at > members[0] || leads.contains(at))
            };
            match self.near.clone().rev().find(fits) {
                Some(at) => chain.members.push(at),
                None => chain.missing.push(step),
            }
        }
        Some(chain)
    }

    /// All chains that begin with `chain` and that an event of this group completes.
    fn extend(&self, group: usize, chain: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
        let gap = chain.len();
        if gap == self.required.len() {
            if chain.iter().any(|&at| self.group[at] == group) && !self.is_spoilt(chain) {
                out.push(chain.clone());
            }
            return;
        }
        for at in self.near.clone() {
            let fits = !self.used[at]
                && !chain.contains(&at)
                && (self.begin..=group).contains(&self.group[at])
                && self.events[at].is(self.required[gap])
                && chain.iter().all(|&other| self.time(at).distance(self.time(other)) <= self.within)
                && (self.any_order || self.follows(chain, at));
            if fits {
                chain.push(at);
                self.extend(group, chain, out);
                chain.pop();
            }
        }
    }

    /// Whether an event may come next, in the order given: behind the last, and nothing forbidden between.
    fn follows(&self, chain: &[usize], at: usize) -> bool {
        let last = chain.last().copied();
        let between = |&other: &usize| match last {
            Some(last) => self.before(last, other) && self.before(other, at),
            None => self.before(other, at) && self.time(at).since(self.time(other)) <= self.within,
        };
        last.is_none_or(|last| self.before(last, at))
            && !self.near.clone().filter(between).any(|other| self.is_forbidden(other, chain.len()))
    }

    /// Whether, in any order, a forbidden event lies near all of the chain so far.
    fn is_spoilt(&self, chain: &[usize]) -> bool {
        let until = chain.iter().map(|&at| self.group[at]).max();
        let near = |other: &usize| {
            let distance = |&at: &usize| self.time(at).distance(self.time(*other)) <= self.within;
            Some(self.group[*other]) <= until && chain.iter().all(distance)
        };
        self.any_order && self.near.clone().filter(near).any(|other| self.is_forbidden(other, 0))
    }
}
