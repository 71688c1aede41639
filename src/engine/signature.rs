//! Which classes an event belongs to, as a number.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::detector::{ClassId, Classes};
use crate::model::FieldId;
use crate::rule::{Plan, Symptom};

/// Which classes an event belongs to, and who wants to know.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) classes: Classes,
    pub(super) symptoms: Vec<usize>,
    pub(super) problem: bool,
    /// The fields that the detectors of these symptoms read.
    pub(super) reads: Vec<FieldId>,
}

impl Signature {
    fn new(plan: &Plan, classes: &[ClassId]) -> Self {
        let classes: Classes = classes.iter().copied().collect();
        let wanted = |symptom: &Symptom| symptom.classes.iter().any(|&class| classes.contains(class));
        let symptoms =
            plan.symptoms.iter().enumerate().filter(|(_, symptom)| wanted(symptom)).map(|(at, _)| at);
        let symptoms: Vec<usize> = symptoms.collect();
        let asked = symptoms.iter().filter_map(|&at| plan.symptoms.get(at));
        let mut reads: Vec<FieldId> = asked.flat_map(|symptom| &symptom.reads).copied().collect();
        reads.sort_unstable();
        reads.dedup();
        let problem = plan.problems.iter().any(|&class| classes.contains(class));
        Self { classes, symptoms, problem, reads }
    }

    /// The one with this number.
    pub(super) fn of(signatures: &[Arc<Self>], number: u32) -> Option<&Arc<Self>> {
        signatures.get(usize::try_from(number).ok()?)
    }
}

/// All signatures that were met, numbered in the order in which they were.
#[derive(Debug, Default)]
pub(super) struct Signatures {
    met: Vec<Arc<Signature>>,
    numbers: BTreeMap<Vec<ClassId>, u32>,
}

impl Signatures {
    /// The number of the signature with these classes, which ascend.
    pub(super) fn number(&mut self, plan: &Plan, classes: &[ClassId]) -> u32 {
        match self.numbers.get(classes) {
            Some(&known) => known,
            None => self.push(Arc::new(Signature::new(plan, classes))),
        }
    }

    /// The number of a signature that was made elsewhere, by the same plan.
    pub(super) fn adopt(&mut self, signature: &Arc<Signature>) -> u32 {
        match self.numbers.get(signature.classes.as_slice()) {
            Some(&known) => known,
            None => self.push(Arc::clone(signature)),
        }
    }

    fn push(&mut self, signature: Arc<Signature>) -> u32 {
        let number = u32::try_from(self.met.len()).unwrap_or(u32::MAX);
        self.numbers.insert(signature.classes.as_slice().to_vec(), number);
        self.met.push(signature);
        number
    }
}

impl Deref for Signatures {
    type Target = [Arc<Signature>];

    fn deref(&self) -> &Self::Target {
        &self.met
    }
}
