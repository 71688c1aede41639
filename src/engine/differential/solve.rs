//! Sums over all sets of causes of one part, in two ways that give the same: over the sets themselves, or over the sets
//! of present symptoms that are accounted for.
//!
//! The second is for many causes that share few symptoms. It takes one cause after the other; a state is the set of
//! symptoms that those so far (or nothing, the leak) have shown. A cause at work turns each symptom of a state on with its
//! strength and turns none off, so the work is causes × symptoms × 2^symptoms. Heckerman's Quickscore does the same
//! number of steps with sums that alternate, in which improbable evidence drowns; here nothing is ever subtracted.

/// The most causes whose sets are summed over.
pub(super) const MOST_CAUSES: usize = 16;
/// The most steps over sets of symptoms: 20 causes over 12 symptoms are half of them.
const MOST_STEPS: usize = 1 << 21;

/// How much speaks for a cause to be at work and not to be, apart from what is present.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odds {
    pub(super) on: f64,
    pub(super) off: f64,
}

/// A present symptom.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) confidence: f64,
    pub(super) leak: f64,
    /// Of each cause of the part.
    pub(super) strengths: Vec<f64>,
}

/// A part, solved.
#[derive(Clone, Debug)]
pub(super) struct Solved {
    /// How probable all that was seen is, but for the leaks of what is absent.
    pub(super) total: f64,
    pub(super) causes: Vec<f64>,
    pub(super) none: f64,
}

/// Whether a part can be solved: few causes, or few present symptoms.
pub(super) fn is_feasible(causes: usize, present: usize) -> bool {
    causes <= MOST_CAUSES || steps(causes, present) <= MOST_STEPS
}

/// Solves a part in the cheaper way.
pub(super) fn solve(causes: &[Odds], rows: &[Row]) -> Solved {
    let sets = 1_usize.checked_shl(u32::try_from(causes.len()).unwrap_or(u32::MAX)).unwrap_or(usize::MAX);
    let over_sets = sets.saturating_mul(causes.len() + rows.len());
    if causes.len() <= MOST_CAUSES && over_sets <= steps(causes.len(), rows.len()).saturating_mul(3) {
        by_causes(causes, rows)
    } else {
        by_symptoms(causes, rows)
    }
}

fn steps(causes: usize, present: usize) -> usize {
    let sets = u32::try_from(present).ok().and_then(|n| 1_usize.checked_shl(n)).unwrap_or(usize::MAX);
    sets.saturating_mul(causes.max(1)).saturating_mul(present.max(1))
}

/// Over every set of causes.
pub(super) fn by_causes(causes: &[Odds], rows: &[Row]) -> Solved {
    let sets = 1_usize.checked_shl(u32::try_from(causes.len()).unwrap_or(u32::MAX)).unwrap_or_default();
    let mut weights = Vec::with_capacity(sets);
    weights.push(1.0);
    for odds in causes {
        double(&mut weights, odds.off, odds.on);
    }
    let mut silent = Vec::with_capacity(sets);
    for row in rows {
        silent.clear();
        silent.push(1.0 - row.leak);
        row.strengths.iter().for_each(|strength| double(&mut silent, 1.0, 1.0 - strength));
        let q = row.confidence;
        for (weight, silent) in weights.iter_mut().zip(&silent) {
            *weight *= q * (1.0 - silent) + (1.0 - q) * silent;
        }
    }
    let total: f64 = weights.iter().sum();
    let with = |cause: usize| -> f64 {
        let at_work = weights.iter().enumerate().filter(|(set, _)| set & (1 << cause) != 0);
        at_work.map(|(_, weight)| weight).sum()
    };
    Solved {
        total,
        causes: (0..causes.len()).map(|cause| share(with(cause), total)).collect(),
        none: share(weights.first().copied().unwrap_or(0.0), total),
    }
}

/// Every set so far without one more cause, and with it.
fn double(row: &mut Vec<f64>, without: f64, with: f64) {
    let half = row.len();
    row.extend_from_within(..);
    let (off, on) = row.split_at_mut(half);
    off.iter_mut().for_each(|x| *x *= without);
    on.iter_mut().for_each(|x| *x *= with);
}

/// Over every set of symptoms that are shown.
pub(super) fn by_symptoms(causes: &[Odds], rows: &[Row]) -> Solved {
    let sets = 1_usize.checked_shl(u32::try_from(rows.len()).unwrap_or(u32::MAX)).unwrap_or_default();
    let (mut start, mut end) = (Vec::with_capacity(sets), Vec::with_capacity(sets));
    start.push(1.0);
    end.push(1.0);
    for row in rows {
        double(&mut start, 1.0 - row.leak, row.leak);
        double(&mut end, 1.0 - row.confidence, row.confidence);
    }
    // What the causes before each one have shown.
    let mut shown = vec![start.clone()];
    for (cause, odds) in causes.iter().enumerate() {
        let before = shown.last().cloned().unwrap_or_default();
        let mut at_work = before.clone();
        each_symptom(&mut at_work, rows, cause, |off, on, strength| {
            *on += strength * *off;
            *off *= 1.0 - strength;
        });
        shown.push(
            at_work.iter().zip(&before).map(|(with, without)| odds.on * with + odds.off * without).collect(),
        );
    }
    // What those behind it make of that.
    let none = causes.iter().map(|odds| odds.off).product::<f64>() * dot(&start, &end);
    let mut posteriors = vec![0.0; causes.len()];
    for ((cause, odds), (before, slot)) in
        causes.iter().enumerate().zip(shown.iter().zip(posteriors.iter_mut())).rev()
    {
        let mut at_work = end.clone();
        each_symptom(&mut at_work, rows, cause, |off, on, strength| {
            *off = (1.0 - strength) * *off + strength * *on;
        });
        let (with, without) = (odds.on * dot(before, &at_work), odds.off * dot(before, &end));
        *slot = share(with, with + without);
        end.iter_mut().zip(&at_work).for_each(|(end, with)| *end = odds.on * with + odds.off * *end);
    }
    let total = dot(&start, &end);
    Solved { total, causes: posteriors, none: share(none, total) }
}

/// Each pair of states that differ in one symptom only, for each symptom that the cause shows.
fn each_symptom(
    states: &mut [f64],
    rows: &[Row],
    cause: usize,
    mut act: impl FnMut(&mut f64, &mut f64, f64),
) {
    let mut half = 1;
    for row in rows {
        let strength = row.strengths.get(cause).copied().unwrap_or(0.0);
        if strength > 0.0 {
            for states in states.chunks_exact_mut(2 * half) {
                let (off, on) = states.split_at_mut(half);
                off.iter_mut().zip(on).for_each(|(off, on)| act(off, on, strength));
            }
        }
        half *= 2;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn share(weight: f64, total: f64) -> f64 {
    if total > 0.0 { weight / total } else { 0.0 }
}
