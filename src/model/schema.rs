//! Which fields events have, and where each stands in the row.

use smol_str::SmolStr;

/// The position of a field in every event of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub(crate) u16);

impl FieldId {
    /// The position as an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The fields that some rule reads, in a fixed order. The first ones name the levels of subjects.
///
/// Built by the engine from its rules; decoders extract these fields and no others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    names: Vec<SmolStr>,
    levels: Vec<Level>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Level {
    field: FieldId,
    parent: Option<usize>,
}

impl Schema {
    /// The field of this name, added at the end when new. `None` when 65,535 fields are in use.
    pub fn intern(&mut self, name: &str) -> Option<FieldId> {
        if let Some(id) = self.id(name) {
            return Some(id);
        }
        let id = FieldId(u16::try_from(self.names.len()).ok().filter(|&n| n < u16::MAX)?);
        self.names.push(SmolStr::new(name));
        Some(id)
    }

    /// Declares a level of subjects inside `parent`; its identifier is the field of the same name.
    /// Returns its index.
    pub fn add_level(&mut self, name: &str, parent: Option<usize>) -> Option<usize> {
        if let Some(known) = self.level(name) {
            return Some(known);
        }
        let field = self.intern(name)?;
        self.levels.push(Level { field, parent });
        Some(self.levels.len() - 1)
    }

    /// The field of this name.
    pub fn id(&self, name: &str) -> Option<FieldId> {
        // A schema has some ten fields: a scan beats a hash, and this runs only while building.
        let at = self.names.iter().position(|known| known == name)?;
        u16::try_from(at).ok().map(FieldId)
    }

    /// The name of a field.
    pub fn name(&self, id: FieldId) -> &str {
        self.names.get(id.index()).map_or("", SmolStr::as_str)
    }

    /// All field names in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(SmolStr::as_str)
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no rule reads any field.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The index of a level of subjects.
    pub fn level(&self, name: &str) -> Option<usize> {
        self.levels.iter().position(|level| self.name(level.field) == name)
    }

    /// The names of the levels of subjects, in the order in which they were declared.
    pub fn level_names(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().map(|level| self.name(level.field))
    }

    /// How many levels of subjects there are.
    pub fn levels(&self) -> usize {
        self.levels.len()
    }

    /// The field that identifies a subject at this level.
    pub fn level_field(&self, level: usize) -> Option<FieldId> {
        self.levels.get(level).map(|level| level.field)
    }

    /// The level that contains this one.
    pub fn parent(&self, level: usize) -> Option<usize> {
        self.levels.get(level).and_then(|level| level.parent)
    }

    /// From the outermost level down to `level`.
    pub fn lineage(&self, level: usize) -> Vec<usize> {
        let mut line = vec![level];
        while let Some(parent) = line.last().and_then(|&l| self.parent(l)) {
            if line.contains(&parent) {
                break;
            }
            line.push(parent);
        }
        line.reverse();
        line
    }
}
