//! Event classes, and sets of them.

/// An event class, as an index that is the same in every watch of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);

/// A set of event classes: those of an event, which every detector asks for its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    ascending: Box<[ClassId]>,
    /// A bit for each class up to the greatest, as far as they are below [`Classes::BITS`].
    bits: Box<[u64]>,
}

impl Classes {
    /// Classes with greater numbers are looked for.
    const BITS: u32 = 1 << 16;

    /// Whether a class is in the set.
    pub fn contains(&self, class: ClassId) -> bool {
        let word = usize::try_from(class.0 / 64).ok().and_then(|word| self.bits.get(word));
        match word {
            Some(word) => word >> (class.0 % 64) & 1 == 1,
            None => class.0 >= Self::BITS && self.ascending.binary_search(&class).is_ok(),
        }
    }

    /// The classes, ascending.
    pub fn as_slice(&self) -> &[ClassId] {
        &self.ascending
    }
}

impl FromIterator<ClassId> for Classes {
    fn from_iter<I: IntoIterator<Item = ClassId>>(classes: I) -> Self {
        let mut ascending: Vec<ClassId> = classes.into_iter().collect();
        ascending.sort_unstable();
        ascending.dedup();
        let mut bits = Vec::new();
        for class in ascending.iter().take_while(|class| class.0 < Self::BITS) {
            let word = usize::try_from(class.0 / 64).unwrap_or(0);
            bits.resize(word + 1, 0);
            bits.last_mut().into_iter().for_each(|bits: &mut u64| *bits |= 1 << (class.0 % 64));
        }
        Self { ascending: ascending.into(), bits: bits.into() }
    }
}

impl<const N: usize> From<[ClassId; N]> for Classes {
    fn from(classes: [ClassId; N]) -> Self {
        classes.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class() -> impl Strategy<Value = ClassId> {
        prop_oneof![0u32..200, Classes::BITS - 70..Classes::BITS + 3, Just(u32::MAX)].prop_map(ClassId)
    }

    proptest! {
        #[test]
        fn a_set_has_what_was_put_in_and_nothing_else(
            put in proptest::collection::vec(class(), 0..12),
            asked in proptest::collection::vec(class(), 0..40),
        ) {
            let classes: Classes = put.iter().copied().collect();
            for class in asked.iter().chain(&put) {
                prop_assert_eq!(classes.contains(*class), put.contains(class));
            }
            prop_assert!(classes.as_slice().is_sorted_by(|a, b| a < b));
            prop_assert!(put.iter().all(|class| classes.as_slice().contains(class)));
        }
    }
}
