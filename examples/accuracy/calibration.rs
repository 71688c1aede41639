//! Whether what is said to be so likely is so often true.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::score::{is_true, truths};
use crate::stage::Played;

/// Where bins begin.
const BINS: [f64; 9] = [0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

/// So many diagnoses in a bin tell whether it is off.
pub(crate) const ENOUGH: u64 = 200;
/// By so much what is said and what is so may differ.
const OFF: f64 = 0.05;

/// Of the leading cause of each diagnosis, how likely it was said to be, and whether it is at work.
#[derive(Default)]
pub(crate) struct Calibration {
    pub(crate) bins: [Bin; BINS.len()],
    squares: f64,
    pub(crate) diagnoses: u64,
    /// Of which cause they are, and whether it is at work, by bin.
    pub(crate) by_cause: BTreeMap<(usize, Arc<str>, bool), Bin>,
}

/// Diagnoses whose leading cause is about equally likely.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bin {
    pub(crate) diagnoses: u64,
    pub(crate) is_true: u64,
    said: f64,
}

impl Bin {
    /// The mean of what was said.
    pub(crate) fn said(&self) -> f64 {
        self.said / self.diagnoses as f64
    }

    /// Whether it is known that what is said is not what is so.
    pub(crate) fn is_off(&self) -> bool {
        self.diagnoses >= ENOUGH && (self.said() - self.share()).abs() > OFF
    }

    /// The share that is true.
    pub(crate) fn share(&self) -> f64 {
        self.is_true as f64 / self.diagnoses as f64
    }
}

impl Calibration {
    /// Adds the diagnoses of subjects of which it is known what they have.
    pub(crate) fn add(&mut self, played: &Played) {
        let truths = truths(&played.labels);
        let ill: BTreeSet<_> =
            played.labels.iter().filter(|label| label.cause.is_some()).map(|label| &label.subject).collect();
        for said in &played.said {
            let Some((cause, p)) = said.causes.first() else { continue };
            if said.explained_by.is_some() || !ill.contains(&said.subject) {
                continue;
            }
            let so = is_true(&truths, said, cause);
            let place = BINS.iter().rposition(|least| p >= least).unwrap_or(0);
            let of_cause = self.by_cause.entry((place, Arc::clone(cause), so)).or_default();
            for bin in self.bins.get_mut(place).into_iter().chain([of_cause]) {
                bin.diagnoses += 1;
                bin.is_true += u64::from(so);
                bin.said += p;
            }
            self.diagnoses += 1;
            self.squares += (p - f64::from(u8::from(so))).powi(2);
        }
    }

    /// The mean squared distance between what was said and what is so (Brier 1950): 0 is perfect, 0.25 is a coin.
    pub(crate) fn brier(&self) -> f64 {
        self.squares / self.diagnoses.max(1) as f64
    }

    /// What fills each bin, a line each.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.by_cause.iter().map(|((place, cause, so), bin)| {
            let low = BINS.get(*place).copied().unwrap_or_default() * 100.0;
            let so = if *so { "true" } else { "false" };
            format!("from {low} %: {cause} {so} {} times, said {:.1} %", bin.diagnoses, bin.said() * 100.0)
        })
    }

    /// The bounds of each bin, and the bin.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (f64, f64, Bin)> {
        let ends = BINS.iter().skip(1).copied().chain([1.0]);
        BINS.iter().copied().zip(ends).zip(self.bins).map(|((low, high), bin)| (low, high, bin))
    }
}
