//! Dense numbers for subjects, given out in the order in which events are applied; and before that, while events wait,
//! one number for whom an event is about.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smol_str::{SmolStr, ToSmolStr};

use crate::model::{Event, Schema, Subject, Value};

/// All subjects of one run.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    // Only looked up, never iterated: no hash order reaches an output.
    numbers: HashMap<(u32, u32, SmolStr), u32, RandomState>,
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    level: usize,
    parent: Option<u32>,
    id: SmolStr,
}

impl Subjects {
    /// The subjects of an address by level; `None` where it does not say, or does not say what it lies in.
    fn place(&mut self, schema: &Schema, ids: &[Option<SmolStr>]) -> Vec<Option<u32>> {
        let mut places = Vec::with_capacity(ids.len());
        for (level, id) in ids.iter().enumerate() {
            let parent = schema.parent(level);
            let inside = parent.and_then(|parent| places.get(parent).copied().flatten());
            let number = match id {
                Some(id) if parent.is_none() || inside.is_some() => Some(self.number(level, inside, id)),
                _ => None,
            };
            places.push(number);
        }
        places
    }

    fn number(&mut self, level: usize, parent: Option<u32>, id: &SmolStr) -> u32 {
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let key = (u32::try_from(level).unwrap_or(u32::MAX), parent.unwrap_or(u32::MAX), id.clone());
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        self.known.push(Known { level, parent, id: key.2.clone() });
        self.numbers.insert(key, next);
        next
    }

    /// The number of a subject, if it has one.
    pub(super) fn find(&self, schema: &Schema, subject: &Subject) -> Option<u32> {
        subject.levels().try_fold(None, |inside, (level, id)| {
            let level = u32::try_from(schema.level(level)?).ok()?;
            let key = (level, inside.unwrap_or(u32::MAX), SmolStr::new(id));
            self.numbers.get(&key).copied().map(Some)
        })?
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn level(&self, number: u32) -> usize {
        self.get(number).map_or(0, |known| known.level)
    }

    pub(super) fn parent(&self, number: u32) -> Option<u32> {
        self.get(number).and_then(|known| known.parent)
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
        self.known.get(usize::try_from(number).ok()?)
    }
}

/// Whom events are about: the identifiers of all levels, as paths in a tree. An event that waits carries the number of
/// its path, in the order of arrival; the subjects on it get their numbers when the first such event is applied.
#[derive(Debug)]
pub(super) struct Addresses {
    // The root comes first.
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// The node above, and the identifier that leads here from there.
    from: Option<(u32, Option<SmolStr>)>,
    // Only looked up, never iterated.
    children: HashMap<SmolStr, u32, RandomState>,
    /// Where an event goes that does not say.
    unsaid: Option<u32>,
    /// The subjects on the way by level, once an event of this address was applied.
    places: Vec<Option<u32>>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Addresses {
    /// The number of an event's address.
    pub(super) fn of(&mut self, event: &Event) -> u32 {
        (0..event.schema().levels()).fold(0, |node, level| match event.subject_id(level) {
            None => self.step(node, None),
            Some(Value::Text(text)) => self.step(node, Some(text)),
            Some(number) => self.step(node, Some(&number.to_smolstr())),
        })
    }

    fn step(&mut self, node: u32, id: Option<&SmolStr>) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
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
        self.nodes.push(Node { from: Some((node, id.cloned())), ..Node::default() });
        next
    }

    /// The subjects of an address by level, numbered now if they are new.
    pub(super) fn place(&mut self, address: u32, schema: &Schema, subjects: &mut Subjects) -> &[Option<u32>] {
        if self.get_mut(address).is_some_and(|node| node.places.is_empty()) {
            let places = subjects.place(schema, &self.path(address));
            if let Some(node) = self.get_mut(address) {
                node.places = places;
            }
        }
        self.get_mut(address).map_or(&[], |node| &node.places)
    }

    /// The identifiers on the way to an address.
    fn path(&self, address: u32) -> Vec<Option<SmolStr>> {
        let mut path = Vec::new();
        let mut at = address;
        while let Some((above, id)) = self.get(at).and_then(|node| node.from.clone()) {
            path.push(id);
            at = above;
        }
        path.reverse();
        path
    }

    fn get(&self, node: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(node).ok()?)
    }

    fn get_mut(&mut self, node: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(node).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Timestamp;

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
        assert_eq!(addresses.place(other, &schema, &mut subjects), [Some(0), Some(1)]);
        assert_eq!(addresses.place(outer, &schema, &mut subjects), [Some(2), None]);
        assert_eq!(addresses.place(whole, &schema, &mut subjects), [Some(2), Some(3)]);
        assert_eq!(addresses.place(inner, &schema, &mut subjects), [None, None], "in no known plant");
        let name = subjects.name(&schema, 3);
        assert_eq!(name.to_string(), "pump 7 of plant a");
        assert_eq!(subjects.find(&schema, &name), Some(3));
        assert_eq!(subjects.find(&schema, &Subject::new([("plant", "a"), ("pump", "8")])), None);
        assert_eq!(subjects.find(&schema, &Subject::new([("pump", "7")])), None);
    }
}
