//! Dense numbers for subjects, given out in the order in which events are applied.

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
    /// The subjects of an event by level; `None` where the event does not say, or does not say what it lies in.
    pub(super) fn place(&mut self, schema: &Schema, event: &Event, into: &mut Vec<Option<u32>>) {
        into.clear();
        for level in 0..schema.levels() {
            let parent = schema.parent(level);
            let inside = parent.and_then(|parent| into.get(parent).copied().flatten());
            let number = match event.subject_id(level) {
                Some(id) if parent.is_none() || inside.is_some() => Some(self.number(level, inside, id)),
                _ => None,
            };
            into.push(number);
        }
    }

    fn number(&mut self, level: usize, parent: Option<u32>, id: &Value) -> u32 {
        let id = match id {
            Value::Text(text) => text.clone(),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => id.to_smolstr(),
        };
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let key = (u32::try_from(level).unwrap_or(u32::MAX), parent.unwrap_or(u32::MAX), id);
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        self.known.push(Known { level, parent, id: key.2.clone() });
        self.numbers.insert(key, next);
        next
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
