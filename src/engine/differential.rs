//! Competing causes: exact noisy-OR over the causes that could explain what was seen on one subject.
//!
//! For a set *S* of causes at work, a symptom *f* is seen with probability `1 - (1 - leak) * Π (1 - strength)` over the
//! causes in *S*; a cause that does not mention it has strength 0. A symptom seen with confidence *q* counts as
//! `q * P(f|S) + (1 - q) * P(not f|S)`, an absent one as `P(not f|S)`, an unknown one not at all. Summing over all sets
//! gives each cause's posterior, and what is left for the empty set is "none of these". This is the noisy-OR of Pearl
//! and of QMR-DT (Shwe et al. 1991; Jaakkola and Jordan, JAIR 10, 1999), small enough here to be summed exactly.
//!
//! It knows neither rules nor subjects: numbers in, numbers out.

/// How many causes may compete at once: 4,096 sets.
pub(super) const MOST_CAUSES: usize = 12;

/// What was seen of one symptom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Seen {
    /// Present, with this confidence.
    Present(f64),
    Absent,
    Unknown,
}

/// One symptom as the causes see it.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) seen: Seen,
    /// The probability that it shows without any of the causes.
    pub(super) leak: f64,
    /// For each cause, the probability that this cause alone shows it.
    pub(super) strengths: Vec<f64>,
}

impl Finding {
    /// For every set of causes, how likely it is that the symptom does not show.
    fn silent(&self, sets: usize) -> Vec<f64> {
        let mut silent = vec![1.0 - self.leak; sets];
        for set in 1..sets {
            // Without its lowest cause the set is smaller, and known already.
            let lowest = set.trailing_zeros() as usize;
            let smaller = silent.get(set & (set - 1)).copied().unwrap_or(1.0);
            let strength = self.strengths.get(lowest).copied().unwrap_or(0.0);
            write(&mut silent, set, smaller * (1.0 - strength));
        }
        silent
    }

    /// For every set of causes, how likely it is that the finding is as it is.
    fn likelihood(&self, sets: usize) -> Vec<f64> {
        match self.seen {
            Seen::Unknown => vec![1.0; sets],
            Seen::Absent => self.silent(sets),
            Seen::Present(q) => {
                let mut row = self.silent(sets);
                row.iter_mut().for_each(|silent| *silent = q * (1.0 - *silent) + (1.0 - q) * *silent);
                row
            }
        }
    }
}

fn write(row: &mut [f64], at: usize, value: f64) {
    if let Some(slot) = row.get_mut(at) {
        *slot = value;
    }
}

/// Multiplies one row into another.
fn multiply(row: &mut [f64], by: &[f64]) {
    row.iter_mut().zip(by).for_each(|(weight, factor)| *weight *= factor);
}

/// Posteriors of all causes and of none of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Posterior {
    pub(super) causes: Vec<f64>,
    pub(super) none: f64,
}

impl Posterior {
    /// From the weight of every set of causes.
    fn of(weights: &[f64], causes: usize) -> Self {
        let total: f64 = weights.iter().sum();
        let share = |weight: f64| if total > 0.0 { weight / total } else { 0.0 };
        let with = |cause: usize| {
            weights
                .iter()
                .enumerate()
                .filter(|(set, _)| set & (1 << cause) != 0)
                .map(|(_, weight)| weight)
                .sum()
        };
        Self {
            causes: (0..causes).map(|cause| share(with(cause))).collect(),
            none: share(weights.first().copied().unwrap_or(0.0)),
        }
    }
}

/// One differential, summed over all sets of causes.
#[derive(Clone, Debug)]
pub(super) struct Differential<'a> {
    findings: &'a [Finding],
    causes: usize,
    priors: Vec<f64>,
    /// For each finding, its likelihood under every set.
    likelihoods: Vec<Vec<f64>>,
    weights: Vec<f64>,
}

impl<'a> Differential<'a> {
    /// Priors and every finding's strengths have the same length; causes beyond [`MOST_CAUSES`] do not compete.
    pub(super) fn new(priors: &[f64], findings: &'a [Finding]) -> Self {
        let causes = priors.len().min(MOST_CAUSES);
        let sets = 1 << causes;
        let none = priors.iter().take(causes).map(|p| 1.0 - p).product();
        let mut row = vec![none; sets];
        for set in 1..sets {
            let prior = priors.get(set.trailing_zeros() as usize).copied().unwrap_or(0.0);
            let smaller = row.get(set & (set - 1)).copied().unwrap_or(0.0);
            write(&mut row, set, if prior < 1.0 { smaller / (1.0 - prior) * prior } else { 0.0 });
        }
        let likelihoods: Vec<Vec<f64>> = findings.iter().map(|finding| finding.likelihood(sets)).collect();
        let mut weights = row.clone();
        likelihoods.iter().for_each(|likelihood| multiply(&mut weights, likelihood));
        Self { findings, causes, priors: row, likelihoods, weights }
    }

    /// How probable each cause is.
    pub(super) fn posterior(&self) -> Posterior {
        Posterior::of(&self.weights, self.causes)
    }

    /// For each finding and each cause, what the finding contributes: decibans of the odds with it over those without.
    pub(super) fn points(&self) -> Vec<Vec<f64>> {
        let with = self.posterior();
        // The weights of all findings but one are those before it times those behind it.
        let mut behind = vec![vec![1.0; self.priors.len()]];
        for likelihood in self.likelihoods.iter().rev() {
            let mut row = behind.last().cloned().unwrap_or_default();
            multiply(&mut row, likelihood);
            behind.push(row);
        }
        let mut before = self.priors.clone();
        let mut rows = Vec::with_capacity(self.findings.len());
        for (at, likelihood) in self.likelihoods.iter().enumerate() {
            let mut rest = before.clone();
            multiply(&mut rest, behind.get(self.likelihoods.len() - 1 - at).map_or(&[][..], Vec::as_slice));
            let without = Posterior::of(&rest, self.causes);
            let points = with.causes.iter().zip(&without.causes).map(|(&a, &b)| decibans(a) - decibans(b));
            rows.push(points.collect());
            multiply(&mut before, likelihood);
        }
        rows
    }

    /// For each unknown finding, how far the leading cause's probability is expected to move when it becomes known.
    pub(super) fn worth_knowing(&self, leading: usize) -> Vec<(usize, f64)> {
        let leader =
            |weights: &[f64]| Posterior::of(weights, self.causes).causes.get(leading).copied().unwrap_or(0.0);
        let before = leader(&self.weights);
        let total: f64 = self.weights.iter().sum();
        let mut worth = Vec::new();
        for (at, finding) in
            self.findings.iter().enumerate().filter(|(_, finding)| finding.seen == Seen::Unknown)
        {
            let mut absent = self.weights.clone();
            multiply(&mut absent, &finding.silent(self.weights.len()));
            let mut present = self.weights.clone();
            present.iter_mut().zip(&absent).for_each(|(weight, absent)| *weight -= absent);
            let expected: f64 = [present, absent]
                .iter()
                .map(|weights| weights.iter().sum::<f64>() / total * (leader(weights) - before).abs())
                .filter(|moved| moved.is_finite())
                .sum();
            worth.push((at, expected));
        }
        worth
    }
}

/// Odds of a probability in decibans, bounded to ±120 so that certainty stays a number.
pub(super) fn decibans(p: f64) -> f64 {
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    10.0 * (p / (1.0 - p)).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The worked example of four causes: token renewal, device network, hub fault, shared outage; and of six symptoms:
    // periodic, chain, irregular, many at once, dip, errors. Expected values were computed independently.
    const PRIORS: [f64; 4] = [0.30, 0.25, 0.02, 0.03];

    fn case(seen: [Seen; 6]) -> Vec<Finding> {
        let table = [
            (0.002, [0.95, 0.02, 0.002, 0.002]),
            (0.002, [0.60, 0.02, 0.02, 0.002]),
            (0.02, [0.02, 0.85, 0.10, 0.10]),
            (0.002, [0.02, 0.002, 0.95, 0.95]),
            (0.01, [0.002, 0.002, 0.90, 0.90]),
            (0.02, [0.002, 0.002, 0.85, 0.02]),
        ];
        table
            .into_iter()
            .zip(seen)
            .map(|((leak, s), seen)| Finding { seen, leak, strengths: s.to_vec() })
            .collect()
    }

    fn solve(findings: &[Finding]) -> Posterior {
        Differential::new(&PRIORS, findings).posterior()
    }

    const P: Seen = Seen::Present(1.0);
    const A: Seen = Seen::Absent;
    const U: Seen = Seen::Unknown;

    #[test]
    fn a_regular_chain_is_the_first_cause_alone() {
        let posterior = solve(&case([P, P, A, A, A, A]));
        assert!(posterior.causes[0] > 0.999, "{posterior:?}");
        assert!(posterior.causes[1] < 0.08, "explaining away: {posterior:?}");
    }

    #[test]
    fn errors_decide_between_the_hub_and_the_network() {
        let with_errors = solve(&case([A, A, A, P, P, P]));
        let without = solve(&case([A, A, A, P, P, A]));
        assert!(with_errors.causes[2] > 0.8 && with_errors.causes[3] < 0.3, "{with_errors:?}");
        assert!(without.causes[3] > 0.7 && without.causes[2] < 0.3, "{without:?}");
        let findings = case([A, A, A, P, P, P]);
        let points = Differential::new(&PRIORS, &findings).points();
        assert!(points[5][2] > 5.0, "errors speak for the hub: {points:?}");
    }

    #[test]
    fn too_little_leaves_causes_close_and_says_what_would_help() {
        let findings = case([U, U, U, P, U, U]);
        let posterior = solve(&findings);
        assert!((posterior.causes[2] - posterior.causes[3]).abs() < 0.3, "{posterior:?}");
        let worth = Differential::new(&PRIORS, &findings).worth_knowing(3);
        let best = worth.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| *at);
        assert_eq!(best, Some(5), "the errors would tell the two apart: {worth:?}");
    }

    #[test]
    fn an_unknown_finding_changes_nothing() {
        let unknown = case([P, U, A, U, U, U]);
        let known: Vec<Finding> = [0, 2].into_iter().filter_map(|at| unknown.get(at).cloned()).collect();
        let (a, b) = (solve(&unknown), solve(&known));
        for (x, y) in a.causes.iter().zip(&b.causes) {
            assert!((x - y).abs() < 1e-12);
        }
    }

    #[test]
    fn posteriors_agree_with_counting_by_hand_for_one_cause() {
        let findings = [Finding { seen: P, leak: 0.1, strengths: vec![0.8] }];
        let seen = 1.0 - 0.9 * 0.2;
        let expected = 0.25 * seen / (0.25 * seen + 0.75 * 0.1);
        let posterior = Differential::new(&[0.25], &findings).posterior();
        assert!((posterior.causes[0] - expected).abs() < 1e-12);
    }

    /// Sums over all sets by the definition, one product at a time.
    fn by_definition(priors: &[f64], findings: &[Finding]) -> Posterior {
        let (mut causes, mut none, mut total) = (vec![0.0; priors.len()], 0.0, 0.0);
        for set in 0..1_usize << priors.len() {
            let at_work = |cause: usize| set & (1 << cause) != 0;
            let mut weight = 1.0;
            for (cause, p) in priors.iter().enumerate() {
                weight *= if at_work(cause) { *p } else { 1.0 - p };
            }
            for finding in findings {
                let strengths = finding.strengths.iter().enumerate().filter(|(cause, _)| at_work(*cause));
                let silent = strengths.fold(1.0 - finding.leak, |silent, (_, s)| silent * (1.0 - s));
                weight *= match finding.seen {
                    Seen::Present(q) => q * (1.0 - silent) + (1.0 - q) * silent,
                    Seen::Absent => silent,
                    Seen::Unknown => 1.0,
                };
            }
            total += weight;
            none += if set == 0 { weight } else { 0.0 };
            for (cause, sum) in causes.iter_mut().enumerate() {
                *sum += if at_work(cause) { weight } else { 0.0 };
            }
        }
        Posterior { causes: causes.into_iter().map(|sum| sum / total).collect(), none: none / total }
    }

    proptest::proptest! {
        #[test]
        fn the_sum_is_that_of_the_definition(
            priors in proptest::collection::vec(0.01..0.9_f64, 1..7),
            rows in proptest::collection::vec((0.001..0.3_f64, proptest::collection::vec(0.0..0.999_f64, 7), 0..4_u8), 0..9),
        ) {
            let finding = |(leak, strengths, seen): &(f64, Vec<f64>, u8)| Finding {
                seen: match seen { 0 => Seen::Absent, 1 => Seen::Unknown, 2 => Seen::Present(0.9), _ => P },
                leak: *leak,
                strengths: strengths.iter().take(priors.len()).copied().collect(),
            };
            let findings: Vec<Finding> = rows.iter().map(finding).collect();
            let expected = by_definition(&priors, &findings);
            let differential = Differential::new(&priors, &findings);
            let posterior = differential.posterior();
            for (a, b) in posterior.causes.iter().zip(&expected.causes) {
                proptest::prop_assert!((a - b).abs() < 1e-9, "{posterior:?} {expected:?}");
            }
            proptest::prop_assert!((posterior.none - expected.none).abs() < 1e-9);
            // Leaving a finding out is the same as not knowing it.
            for (at, row) in differential.points().iter().enumerate() {
                let mut rest = findings.clone();
                rest[at].seen = Seen::Unknown;
                let without = by_definition(&priors, &rest);
                for (cause, points) in row.iter().enumerate() {
                    let expected = decibans(expected.causes[cause]) - decibans(without.causes[cause]);
                    proptest::prop_assert!((points - expected).abs() < 1e-6, "{points} {expected}");
                }
            }
        }
    }
}
