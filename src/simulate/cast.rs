//! Who is in a simulation: every subject of every fleet, and the records that it may write.

use std::collections::BTreeMap;

use crate::model::Subject;
use crate::simulate::chance::Chance;
use crate::simulate::fleet::{Emit, Fleet, Group, combinations};
use crate::simulate::form::{Form, Moment, Scope};
use crate::simulate::shape::{Record, Shape};

/// Everyone in a simulation. One subject takes 104 bytes; all else grows with the files alone.
pub(super) struct Cast<'a> {
    pub(super) fleets: Vec<CastFleet<'a>>,
    pub(super) groups: Vec<CastGroup<'a>>,
    pub(super) members: Vec<Member>,
    pub(super) forms: Vec<Form>,
    pub(super) levels: &'a [String],
    records: &'a BTreeMap<String, Record>,
    shape: &'a Shape,
}

/// A fleet and where its groups and members stand.
pub(super) struct CastFleet<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) seed: u64,
    pub(super) groups: std::ops::Range<usize>,
    pub(super) members: std::ops::Range<usize>,
    /// When it is over for this fleet.
    pub(super) end: i64,
    /// The form of its gauge's record.
    pub(super) gauge: Option<u32>,
    /// How many of its subjects are counted by its gauge.
    pub(super) counted: u64,
}

/// A group and what its members may write.
pub(super) struct CastGroup<'a> {
    pub(super) fleet: usize,
    pub(super) group: &'a Group,
    /// Whether the gauge counts a state.
    pub(super) counted: Vec<bool>,
    /// Where the records of each state begin among those of the group.
    firsts: Vec<usize>,
    /// By combination of draws, then by record: the form, when the shape writes it.
    forms: Vec<Vec<Option<u32>>>,
}

impl CastGroup<'_> {
    /// The form of a record of a state.
    pub(super) fn form(&self, combination: usize, state: usize, at: usize) -> Option<u32> {
        let first = self.firsts.get(state)?;
        *self.forms.get(combination)?.get(first + at)?
    }
}

/// A subject that behaves.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) group: u32,
    /// From 1, within its group.
    pub(super) number: u32,
    /// The number from which all that is its own is drawn.
    pub(super) own: u64,
    pub(super) chance: Chance,
    /// Which alternatives were drawn.
    pub(super) combination: u32,
    pub(super) state: u32,
    /// How often the state is entered again.
    pub(super) repeats: u32,
    /// Steps of older versions are void.
    pub(super) version: u32,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) records: u32,
    /// What befell it, and since when.
    pub(super) occurrence: u32,
    pub(super) befallen: i64,
    pub(super) since: u32,
    /// What befalls it as soon as it is in the right state.
    pub(super) awaited: u32,
    /// Whether anything ever befell it.
    pub(super) was_hit: bool,
}

/// No occurrence.
pub(super) const NOTHING: u32 = u32::MAX;

impl<'a> Cast<'a> {
    pub(super) fn new(levels: &'a [String], records: &'a BTreeMap<String, Record>, shape: &'a Shape) -> Self {
        Self {
            fleets: Vec::new(),
            groups: Vec::new(),
            members: Vec::new(),
            forms: Vec::new(),
            levels,
            records,
            shape,
        }
    }

    /// Adds a fleet of about so many subjects, as many as it says when nothing is said; it is over at `end`.
    pub(super) fn add(&mut self, fleet: &'a Fleet, devices: Option<u64>, seed: u64, end: i64) {
        let seed = Chance::of(&fleet.name, seed).next();
        let (first_group, first_member) = (self.groups.len(), self.members.len());
        let scaled: u64 = fleet.groups.iter().filter(|g| !g.fixed).map(|g| u64::from(g.count)).sum();
        for group in &fleet.groups {
            let count = match devices {
                Some(devices) if !group.fixed && scaled > 0 => {
                    (u64::from(group.count) * devices + scaled / 2) / scaled
                }
                _ => u64::from(group.count),
            };
            let at = self.groups.len();
            let cast = self.group(fleet, group, self.fleets.len());
            self.groups.push(cast);
            let seed = Chance::of(&group.name, seed).next();
            for number in 1..=u32::try_from(count.max(1)).unwrap_or(u32::MAX) {
                self.members.push(member(group, at, number, seed));
            }
        }
        let gauge = fleet.gauge.as_ref().and_then(|gauge| {
            let scope = Scope::subject(fleet, None, &[]).record(&gauge.emit, self.records);
            self.form(&scope)
        });
        self.fleets.push(CastFleet {
            fleet,
            seed,
            end,
            groups: first_group..self.groups.len(),
            members: first_member..self.members.len(),
            gauge,
            counted: 0,
        });
    }

    fn form(&mut self, scope: &Scope<'_>) -> Option<u32> {
        let form = Form::of(scope, self.shape)?;
        self.forms.push(form);
        u32::try_from(self.forms.len() - 1).ok()
    }

    fn group(&mut self, fleet: &'a Fleet, group: &'a Group, at: usize) -> CastGroup<'a> {
        let mut firsts = Vec::new();
        let mut emits: Vec<&Emit> = Vec::new();
        for state in &group.states {
            firsts.push(emits.len());
            emits.extend(&state.emit);
        }
        let forms = (0..combinations(&group.draws))
            .map(|combination| {
                let subject = Scope::subject(fleet, Some(group), &drawn(group, combination));
                emits.iter().map(|emit| self.form(&subject.clone().record(emit, self.records))).collect()
            })
            .collect();
        let counts = fleet.gauge.as_ref().map(|gauge| gauge.counts.as_slice()).unwrap_or_default();
        let counted = group.states.iter().map(|state| counts.contains(&state.name)).collect();
        CastGroup { fleet: at, group, counted, firsts, forms }
    }

    /// A field of a subject, as it is written in its records.
    pub(super) fn field(&self, member: &Member, name: &str) -> Option<String> {
        let group = self.groups.get(usize::try_from(member.group).ok()?)?;
        let fleet = self.fleets.get(group.fleet)?.fleet;
        let drawn = drawn(group.group, usize::try_from(member.combination).ok()?);
        let form = Scope::subject(fleet, Some(group.group), &drawn).field(name)?;
        Some(form.text(Moment { number: member.number, own: member.own, ..Moment::default() }))
    }

    /// A subject as a diagnosis names it, with so many of its levels; with fewer when it has no more.
    pub(super) fn subject(&self, member: &Member, levels: usize) -> Subject {
        let named = self.levels.iter().take(levels).map_while(|level| {
            let id = self.field(member, level)?;
            Some((level.as_str(), id))
        });
        Subject::new(named)
    }
}

fn member(group: &Group, at: usize, number: u32, seed: u64) -> Member {
    let mut chance = Chance::numbered(seed, u64::from(number));
    let own = chance.next();
    let mut combination = 0;
    for draw in &group.draws {
        let one = chance.weighted(draw.iter().map(|alternative| alternative.weight));
        combination = combination * draw.len().max(1) + one;
    }
    let start = chance.weighted(group.start.iter().map(|(_, weight)| *weight));
    let state = group.start.get(start).map_or(0, |(state, _)| *state);
    Member {
        group: u32::try_from(at).unwrap_or(u32::MAX),
        number,
        own,
        chance,
        combination: u32::try_from(combination).unwrap_or(0),
        state: u32::try_from(state).unwrap_or(0),
        repeats: 0,
        version: 0,
        first: i64::MAX,
        last: i64::MIN,
        records: 0,
        occurrence: NOTHING,
        awaited: NOTHING,
        befallen: 0,
        since: 0,
        was_hit: false,
    }
}

/// The alternative of each draw in a combination.
fn drawn(group: &Group, mut combination: usize) -> Vec<usize> {
    let mut drawn: Vec<usize> = group
        .draws
        .iter()
        .rev()
        .map(|draw| {
            let one = combination % draw.len().max(1);
            combination /= draw.len().max(1);
            one
        })
        .collect();
    drawn.reverse();
    drawn
}
