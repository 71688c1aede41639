//! Whom events are about, while they wait to be applied: one number in place of all identifiers.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smol_str::{SmolStr, ToSmolStr};

use crate::engine::share::Share;
use crate::engine::subjects::{Subjects, key_of};
use crate::model::{Event, Schema, Value};

/// Whom events are about: the identifiers of all levels, as paths in a tree. An event that waits carries the number of
/// its path, in the order of arrival; the subjects on it get their numbers when the first such event is applied.
#[derive(Debug)]
pub(super) struct Addresses {
    // The root comes first; nodes that nobody needs stand empty until they are used again.
    nodes: Vec<Node>,
    free: Vec<u32>,
    /// At each level but the innermost, the last step.
    recent: Vec<(u32, SmolStr, u32)>,
    /// How many subjects had been forgotten when the tree was last swept.
    swept: u64,
}

#[derive(Debug, Default)]
struct Node {
    /// The node above, and the identifier that leads here from there.
    from: Option<(u32, Option<SmolStr>)>,
    // Only looked up, never iterated.
    children: HashMap<SmolStr, u32, RandomState>,
    /// Where an event goes that does not say.
    unsaid: Option<u32>,
    /// Whether somebody was told what this address says.
    told: bool,
}

/// What addresses say, as far as the ward was told, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// The identifiers on the way to each address.
    paths: Vec<Path>,
    /// For each address a row of what follows from it, once an event of this address was applied: how many subjects had
    /// been forgotten then, and the subjects on the way by level.
    rows: Vec<Place>,
}

/// The identifiers of all levels, where an event says them.
pub(super) type Path = Box<[Option<SmolStr>]>;

/// A subject: its number, and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) number: u32,
    pub(super) key: u64,
}

impl Place {
    /// No subject; at the head of a row: nothing is known.
    const NOBODY: Self = Self { number: u32::MAX, key: 0 };
    /// The number of whom another ward follows.
    const ELSEWHERE: u32 = u32::MAX - 1;

    /// Its number, if it is followed here.
    pub(super) fn here(self) -> Option<u32> {
        (self.number != Self::ELSEWHERE).then_some(self.number)
    }
}

impl Default for Addresses {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], free: Vec::new(), recent: Vec::new(), swept: 0 }
    }
}

impl Addresses {
    /// The number of the address with these identifiers by level.
    pub(super) fn number(&mut self, ids: &[Option<SmolStr>]) -> u32 {
        ids.iter().fold(0, |node, id| self.step(node, id.as_ref()))
    }

    /// The number of an event's address.
    pub(super) fn of(&mut self, event: &Event) -> u32 {
        let levels = event.schema().levels();
        (0..levels).fold(0, |node, level| match event.subject_id(level) {
            None => self.step(node, None),
            Some(Value::Text(text)) if level + 1 < levels => self.step_again(level, node, text),
            Some(Value::Text(text)) => self.step(node, Some(text)),
            Some(number) => self.step(node, Some(&number.to_smolstr())),
        })
    }

    /// The number of the address with these identifiers by level, of an event.
    pub(super) fn numbered(&mut self, ids: impl ExactSizeIterator<Item = Option<SmolStr>>) -> u32 {
        let levels = ids.len();
        ids.enumerate().fold(0, |node, (level, id)| match &id {
            Some(id) if level + 1 < levels => self.step_again(level, node, id),
            id => self.step(node, id.as_ref()),
        })
    }

    /// A step that was nearly always the last one of its level too: most events of a log lie in one outer subject.
    fn step_again(&mut self, level: usize, node: u32, id: &SmolStr) -> u32 {
        if let Some((from, known, next)) = self.recent.get(level)
            && (*from, known) == (node, id)
        {
            return *next;
        }
        let next = self.step(node, Some(id));
        if self.recent.len() <= level {
            self.recent.resize(level + 1, (u32::MAX, SmolStr::default(), 0));
        }
        if let Some(recent) = self.recent.get_mut(level) {
            *recent = (node, id.clone(), next);
        }
        next
    }

    fn step(&mut self, node: u32, id: Option<&SmolStr>) -> u32 {
        let new = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let next = self.free.last().copied().unwrap_or(new);
        let Some(here) = self.get_mut(node) else { return node };
        let known = match id {
            Some(id) => here.children.get(id.as_str()).copied(),
            None => here.unsaid,
        };
        if let Some(known) = known {
            return known;
        }
        match id {
            Some(id) => drop(here.children.insert(id.clone(), next)),
            None => here.unsaid = Some(next),
        }
        if self.free.pop().is_none() {
            self.nodes.push(Node::default());
        }
        if let Some(fresh) = self.get_mut(next) {
            fresh.from = Some((node, id.cloned()));
        }
        next
    }

    /// What an address says, the first time that this is asked.
    pub(super) fn announce(&mut self, address: u32) -> Option<Path> {
        let node = self.get_mut(address)?;
        let known = std::mem::replace(&mut node.told, true);
        (!known).then(|| self.path(address).into())
    }

    /// The identifiers on the way to an address.
    pub(super) fn path(&self, address: u32) -> Vec<Option<SmolStr>> {
        let mut path = Vec::new();
        let mut at = address;
        while let Some((above, id)) = self.get(at).and_then(|node| node.from.clone()) {
            path.push(id);
            at = above;
        }
        path.reverse();
        path
    }

    /// Whether so many subjects were forgotten that sweeping is worth its time.
    pub(super) fn is_worth_sweeping(&self, forgotten: u64) -> bool {
        const FEW: u64 = 4_096;
        let used = u64::try_from(self.nodes.len() - self.free.len()).unwrap_or(u64::MAX);
        forgotten.saturating_sub(self.swept) > FEW.max(used / 2)
    }

    /// Forgets every address but those of events that wait; the others get new numbers when they are met again, and what
    /// any of them says will be announced again.
    pub(super) fn sweep(&mut self, waiting: impl Iterator<Item = u32>, forgotten: u64) {
        self.swept = forgotten;
        let mut needed = vec![false; self.nodes.len()];
        for address in waiting.chain([0]) {
            let mut at = Some(address);
            while let Some(node) = at {
                let Some(needed) = needed.get_mut(usize::try_from(node).unwrap_or(usize::MAX)) else { break };
                if std::mem::replace(needed, true) {
                    break;
                }
                at = self.get(node).and_then(|node| Some(node.from.as_ref()?.0));
            }
        }
        let is_needed = |node: u32| usize::try_from(node).is_ok_and(|at| needed.get(at) == Some(&true));
        self.free.clear();
        self.recent.clear();
        for (number, node) in (0..).zip(&mut self.nodes) {
            node.told = false;
            if is_needed(number) {
                node.children.retain(|_, child| is_needed(*child));
                node.unsaid = node.unsaid.filter(|&child| is_needed(child));
            } else {
                *node = Node::default();
                self.free.push(number);
            }
        }
    }

    fn get(&self, node: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(node).ok()?)
    }

    fn get_mut(&mut self, node: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(node).ok()?)
    }
}

impl Directory {
    /// Takes in what an address says.
    pub(super) fn learn(&mut self, address: u32, path: Path) {
        let Ok(at) = usize::try_from(address) else { return };
        let width = path.len() + 1;
        if self.paths.len() <= at {
            self.paths.resize(at + 1, Path::default());
            // Making room for all addresses there are is rare, and safe: none is greater.
            self.rows.resize(self.paths.len().saturating_mul(width), Place::NOBODY);
        }
        if let Some(slot) = self.paths.get_mut(at) {
            *slot = path;
        }
        if let Some(head) = self.rows.get_mut(at.saturating_mul(width)) {
            *head = Place::NOBODY;
        }
    }

    /// Forgets all addresses.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The subjects of an address by level. Those that are new are numbered now, if they are followed here.
    pub(super) fn place(
        &mut self,
        address: u32,
        (schema, share): (&Schema, Share),
        subjects: &mut Subjects,
    ) -> impl DoubleEndedIterator<Item = Option<Place>> {
        let width = schema.levels() + 1;
        let number = usize::try_from(address).unwrap_or(usize::MAX);
        let at = number.saturating_mul(width);
        let known = subjects.forgotten();
        let head = self.rows.get(at).copied().unwrap_or(Place::NOBODY);
        if head == Place::NOBODY || head.key != known {
            let path = self.paths.get(number).map_or(&[][..], |path| path);
            if let Some(row) = self.rows.get_mut(at..at.saturating_add(width)) {
                fill(row, path, (schema, share), subjects);
            }
        }
        let row = self.rows.get(at..at.saturating_add(width)).unwrap_or_default();
        row.iter().skip(1).map(|&place| (place != Place::NOBODY).then_some(place))
    }
}

/// Writes down whose the identifiers of a path are: nobody's, where it does not say what they lie in.
fn fill(
    row: &mut [Place],
    path: &[Option<SmolStr>],
    (schema, share): (&Schema, Share),
    subjects: &mut Subjects,
) {
    let Some((head, places)) = row.split_first_mut() else { return };
    *head = Place { number: 0, key: subjects.forgotten() };
    for (level, id) in path.iter().enumerate() {
        let parent = schema.parent(level);
        let inside = parent.and_then(|parent| places.get(parent)).filter(|&&place| place != Place::NOBODY);
        let inside = inside.copied();
        let place = id.as_ref().filter(|_| parent.is_none() || inside.is_some()).map(|id| {
            let key = key_of(inside.map(|place| place.key), level, id);
            let here = share.follows(key);
            let above = inside.map(|place| place.number);
            Place { number: if here { subjects.number(level, above, id) } else { Place::ELSEWHERE }, key }
        });
        if let Some(slot) = places.get_mut(level) {
            *slot = place.unwrap_or(Place::NOBODY);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Subject, Timestamp};

    fn schema() -> Arc<Schema> {
        let mut schema = Schema::default();
        let plant = schema.add_level("plant", None);
        schema.add_level("pump", plant);
        Arc::new(schema)
    }

    #[test]
    fn an_address_is_the_same_whenever_all_levels_are() {
        let schema = schema();
        let event = |fields: &[(&str, Value)]| {
            let builder = Event::builder(&schema, Timestamp::MIN);
            fields.iter().fold(builder, |builder, (name, value)| builder.field(name, value.clone())).build()
        };
        let mut addresses = Addresses::default();
        let whole = addresses.of(&event(&[("plant", "a".into()), ("pump", "7".into())]));
        let number = addresses.of(&event(&[("plant", "a".into()), ("pump", 7.into())]));
        let other = addresses.of(&event(&[("plant", "b".into()), ("pump", "7".into())]));
        let outer = addresses.of(&event(&[("plant", "a".into())]));
        let inner = addresses.of(&event(&[("pump", "7".into())]));
        let all = [whole, other, outer, inner];
        assert_eq!(whole, number, "a number is the text of its plain spelling");
        assert!(all.iter().enumerate().all(|(at, one)| !all.get(..at).unwrap_or_default().contains(one)));
        // Numbers come with the first use, whatever the order of arrival.
        let mut subjects = Subjects::default();
        let mut directory = Directory::default();
        let mut place = |address| -> Vec<Option<u32>> {
            if let Some(path) = addresses.announce(address) {
                directory.learn(address, path);
            }
            let places = directory.place(address, (&schema, Share::whole(&schema)), &mut subjects);
            places.map(|place| place.map(|place| place.number)).collect()
        };
        assert_eq!(place(other), [Some(0), Some(1)]);
        assert_eq!(place(outer), [Some(2), None]);
        assert_eq!(place(whole), [Some(2), Some(3)]);
        assert_eq!(place(inner), [None, None], "in no known plant");
        let name = subjects.name(&schema, 3);
        assert_eq!(name.to_string(), "pump 7 of plant a");
        assert_eq!(subjects.find(&schema, &name), Some(3));
        assert_eq!(subjects.find(&schema, &Subject::new([("plant", "a"), ("pump", "8")])), None);
        assert_eq!(subjects.find(&schema, &Subject::new([("pump", "7")])), None);
    }
}
