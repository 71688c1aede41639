//! What is known of each subject inside another.

use foldhash::HashMap;
use minicbor::{Decode, Encode};

use crate::codec::{Damaged, Reader, State, Tables, Writer};

/// A value for each of many children, by their keys. Only looked up, counted and swept; saved in the order of keys.
#[derive(Clone, Debug)]
pub(crate) struct ByChild<V>(HashMap<u64, V>);

impl<V> Default for ByChild<V> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<V> ByChild<V> {
    /// More children than this are not told apart.
    pub(crate) const MOST: usize = 1 << 20;

    /// How many bytes come with each child: a place in a table that doubles when seven eighths of it are full, and a byte
    /// beside it.
    pub(crate) const MEMORY_PER_CHILD: usize = (size_of::<(u64, V)>() + 1) * 16 / 7;

    /// What is known of a child, to be changed.
    pub(crate) fn get_mut(&mut self, child: u64) -> Option<&mut V> {
        self.0.get_mut(&child)
    }

    /// Whether something can be known of a child: it is known, or there is room for one more.
    pub(crate) fn takes(&self, child: u64) -> bool {
        self.0.len() < Self::MOST || self.0.contains_key(&child)
    }

    /// Replaces what is known of a child that it [takes](ByChild::takes), and says what that was.
    pub(crate) fn insert(&mut self, child: u64, value: V) -> Option<V> {
        self.0.insert(child, value)
    }

    /// How many children are known.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets children.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) {
        self.0.retain(|_, value| keep(value));
    }

    /// Forgets all of them, and keeps room for so many.
    pub(crate) fn clear(&mut self, room: usize) {
        self.0.clear();
        self.0.shrink_to(room);
    }
}

impl<V> State for ByChild<V>
where
    V: Copy + Encode<Tables> + for<'b> Decode<'b, Tables>,
{
    fn save(&self, out: &mut Writer) {
        let mut sorted: Vec<(u64, V)> = self.0.iter().map(|(&child, &value)| (child, value)).collect();
        sorted.sort_unstable_by_key(|&(child, _)| child);
        out.value(&sorted);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        self.0.clear();
        from.list(|from| {
            let (child, value) = from.value()?;
            match self.0.insert(child, value) {
                None => Ok(()),
                Some(_) => Err(Damaged::new("a child that is named twice")),
            }
        })
    }
}
