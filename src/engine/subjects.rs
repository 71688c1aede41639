//! Dense numbers for subjects, given out in the order in which events are applied, and keys that are the same in every run.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smol_str::SmolStr;
use xxhash_rust::xxh3::Xxh3;

use crate::model::{Schema, Subject};

/// All subjects of one run. A number is given again when its subject was forgotten; a key never.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    // Only looked up, never iterated: no hash order reaches an output.
    numbers: HashMap<(u32, u32, SmolStr), u32, RandomState>,
    known: Vec<Option<Known>>,
    free: Vec<u32>,
    /// Those that got their numbers since somebody asked.
    fresh: Vec<u32>,
    /// How often a subject was forgotten.
    forgotten: u64,
}

#[derive(Debug)]
struct Known {
    key: u64,
    level: usize,
    parent: Option<u32>,
    /// How many subjects lie right inside.
    inside: u32,
    id: SmolStr,
}

/// Above so many bits of a key stands how deep its subject lies.
const DEPTH: u32 = 60;

/// Whether a subject with this key lies in another.
pub(super) fn is_inner(key: u64) -> bool {
    key >> DEPTH > 0
}

/// The key of a subject, from that of the subject which it lies in: its depth in the topmost four bits, so that the keys of
/// what lies outside come first, and below it a hash of all names on the way.
pub(super) fn key_of(parent: Option<u64>, level: usize, id: &str) -> u64 {
    let depth = parent.map_or(0, |parent| (parent >> DEPTH).saturating_add(1).min(15));
    let mut hash = Xxh3::with_seed(parent.unwrap_or(0));
    hash.update(&u64::try_from(level).unwrap_or(u64::MAX).to_le_bytes());
    hash.update(id.as_bytes());
    depth << DEPTH | hash.digest() >> (64 - DEPTH)
}

impl Subjects {
    /// The number of a subject, given now if it has none.
    pub(super) fn number(&mut self, level: usize, parent: Option<u32>, id: &SmolStr) -> u32 {
        let key = (u32::try_from(level).unwrap_or(u32::MAX), parent.unwrap_or(u32::MAX), id.clone());
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let hash = key_of(parent.map(|parent| self.key(parent)), level, id);
        let known = Some(Known { key: hash, level, parent, inside: 0, id: key.2.clone() });
        let number = self.free.pop().unwrap_or_else(|| {
            self.known.push(None);
            u32::try_from(self.known.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(slot) = usize::try_from(number).ok().and_then(|at| self.known.get_mut(at)) {
            *slot = known;
        }
        if let Some(above) = parent.and_then(|parent| self.get_mut(parent)) {
            above.inside += 1;
        }
        self.numbers.insert(key, number);
        self.fresh.push(number);
        number
    }

    /// Those that got their numbers since the last call.
    pub(super) fn take_fresh(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.fresh)
    }

    /// How often a subject was forgotten: numbers that were looked up before that may mean others now.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Forgets a subject, unless others lie in it.
    pub(super) fn forget(&mut self, number: u32) -> bool {
        let slot = usize::try_from(number).ok().and_then(|at| self.known.get_mut(at));
        let Some(known) = slot.and_then(|slot| slot.take_if(|known| known.inside == 0)) else { return false };
        if let Some(above) = known.parent.and_then(|parent| self.get_mut(parent)) {
            above.inside = above.inside.saturating_sub(1);
        }
        let level = u32::try_from(known.level).unwrap_or(u32::MAX);
        self.numbers.remove(&(level, known.parent.unwrap_or(u32::MAX), known.id));
        self.free.push(number);
        self.forgotten += 1;
        true
    }

    /// The number of a subject, if it has one.
    pub(super) fn find(&self, schema: &Schema, subject: &Subject) -> Option<u32> {
        subject.levels().try_fold(None, |inside, (level, id)| {
            let level = u32::try_from(schema.level(level)?).ok()?;
            let key = (level, inside.unwrap_or(u32::MAX), SmolStr::new(id));
            self.numbers.get(&key).copied().map(Some)
        })?
    }

    /// The numbers of all subjects, ascending.
    pub(super) fn all(&self) -> impl Iterator<Item = u32> {
        let known = self.known.iter().enumerate().filter(|(_, known)| known.is_some());
        known.filter_map(|(number, _)| u32::try_from(number).ok())
    }

    /// Whether others lie in a subject.
    pub(super) fn holds_any(&self, number: u32) -> bool {
        self.get(number).is_some_and(|known| known.inside > 0)
    }

    /// 64 bits that are the same in every run; zero for a number that nobody has.
    pub(super) fn key(&self, number: u32) -> u64 {
        self.get(number).map_or(0, |known| known.key)
    }

    pub(super) fn level(&self, number: u32) -> usize {
        self.get(number).map_or(0, |known| known.level)
    }

    pub(super) fn parent(&self, number: u32) -> Option<u32> {
        self.get(number).and_then(|known| known.parent)
    }

    /// The identifier at its own level.
    pub(super) fn id(&self, number: u32) -> &str {
        self.get(number).map_or("", |known| &known.id)
    }

    /// The outermost subject that it lies in, or itself.
    pub(super) fn outermost(&self, number: u32) -> u32 {
        std::iter::successors(Some(number), |&number| self.parent(number)).last().unwrap_or(number)
    }

    /// The subject with all its levels.
    pub(super) fn name(&self, schema: &Schema, number: u32) -> Subject {
        let mut levels = Vec::new();
        let mut at = Some(number);
        while let Some(known) = at.and_then(|number| self.get(number)) {
            let level = schema.level_field(known.level).map_or("", |field| schema.name(field));
            levels.push((SmolStr::new(level), known.id.clone()));
            at = known.parent;
        }
        levels.reverse();
        Subject::new(levels)
    }

    fn get(&self, number: u32) -> Option<&Known> {
        self.known.get(usize::try_from(number).ok()?)?.as_ref()
    }

    fn get_mut(&mut self, number: u32) -> Option<&mut Known> {
        self.known.get_mut(usize::try_from(number).ok()?)?.as_mut()
    }
}
