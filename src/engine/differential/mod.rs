//! Competing causes: exact noisy-OR over the causes that could explain what was seen on one subject.
//!
//! For a set *S* of causes at work, a symptom *f* is seen with probability `1 - (1 - leak) * Π (1 - strength)` over the
//! causes in *S*; a cause that does not mention it has strength 0. A symptom seen with confidence *q* counts as
//! `q * P(f|S) + (1 - q) * P(not f|S)`, an absent one as `P(not f|S)`, an unknown one not at all. Summing over all sets
//! gives each cause's posterior, and what is left for the empty set is "none of these". This is the noisy-OR of Pearl
//! and of QMR-DT (Shwe et al. 1991; Heckerman 1989; Jaakkola and Jordan, JAIR 10, 1999).
//!
//! The sum is exact and yet not over all sets. An absent symptom is a product over the causes, so it only changes their
//! odds. Then causes depend on each other through present symptoms alone: those that share none, not even through
//! others, are *parts* which are solved apart ([`solve`]). A part that is too large even so loses the causes that
//! can be least probable ([`limit`]), and says so.
//!
//! It knows neither rules nor subjects: numbers in, numbers out.

mod limit;
mod memo;
mod solve;
#[cfg(test)]
mod tests;

pub(super) use memo::{Answers, Memo};
use solve::{Odds, Row, Solved};

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
    fn strength(&self, cause: usize) -> f64 {
        self.strengths.get(cause).copied().unwrap_or(0.0)
    }

    fn touches(&self, cause: usize) -> bool {
        self.strength(cause) > 0.0
    }
}

/// Posteriors of all causes and of none of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Posterior {
    pub(super) causes: Vec<f64>,
    pub(super) none: f64,
}

/// Causes that were not weighed, because too many compete over too many symptoms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SetAside {
    pub(super) causes: Vec<usize>,
    /// No one of them can be more probable than this.
    pub(super) at_most: f64,
}

/// Causes that present symptoms tie together, and these symptoms.
#[derive(Clone, Debug)]
struct Part {
    causes: Vec<usize>,
    present: Vec<usize>,
}

/// One differential, solved.
#[derive(Clone, Debug)]
pub(super) struct Differential<'a> {
    priors: &'a [f64],
    findings: &'a [Finding],
    parts: Vec<Part>,
    solved: Vec<Solved>,
    set_aside: Option<SetAside>,
}

impl<'a> Differential<'a> {
    /// Priors and every finding's strengths have the same length.
    pub(super) fn new(priors: &'a [f64], findings: &'a [Finding]) -> Self {
        let mut this = Self {
            priors,
            findings,
            parts: parts(priors.len(), findings),
            solved: Vec::new(),
            set_aside: None,
        };
        this.set_aside = limit::shorten(&mut this.parts, findings, |cause| as_seen(priors, findings, cause));
        this.solved = this.parts.iter().map(|part| this.solve(part, None)).collect();
        this
    }

    /// How probable each cause is.
    pub(super) fn posterior(&self) -> Posterior {
        self.together(&self.solved)
    }

    /// The causes that could not be weighed; none but in rules that are very large.
    pub(super) fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }

    /// For each finding and each cause, what the finding contributes: decibans of the odds with it over those without.
    pub(super) fn points(&self) -> Vec<Vec<f64>> {
        let with = self.posterior();
        let row = |at: usize| -> Vec<f64> {
            let without = self.together(&self.assume(at, Seen::Unknown));
            with.causes.iter().zip(&without.causes).map(|(&a, &b)| decibans(a) - decibans(b)).collect()
        };
        (0..self.findings.len()).map(row).collect()
    }

    /// For each unknown finding, how far the ranking is expected to move when it becomes known: the expected change of
    /// every cause's probability and of "none of these", added up.
    pub(super) fn worth_knowing(&self) -> Vec<(usize, f64)> {
        let before = self.posterior();
        let unknown = self.findings.iter().enumerate().filter(|(_, finding)| finding.seen == Seen::Unknown);
        let worth = |(at, finding): (usize, &Finding)| {
            let absent = self.assume(at, Seen::Absent);
            let shares = absent.iter().zip(&self.solved).map(|(new, old)| new.total / old.total);
            let probability = shares.product::<f64>() * (1.0 - finding.leak);
            let after = self.together(&absent);
            let moved = before.causes.iter().zip(&after.causes).map(|(a, b)| (a - b).abs()).sum::<f64>();
            // What it moves when it is absent it moves back, in expectation, when it is present.
            let expected = 2.0 * probability * (moved + (before.none - after.none).abs());
            (at, if expected.is_finite() { expected } else { 0.0 })
        };
        unknown.map(worth).collect()
    }

    /// Every part as it would be had this one finding been seen so.
    fn assume(&self, at: usize, seen: Seen) -> Vec<Solved> {
        let Some(finding) = self.findings.get(at) else { return self.solved.clone() };
        let again = |(part, solved): (&Part, &Solved)| {
            if finding.seen == seen || !part.causes.iter().any(|&cause| finding.touches(cause)) {
                return solved.clone();
            }
            self.solve(part, Some((at, seen)))
        };
        self.parts.iter().zip(&self.solved).map(again).collect()
    }

    /// Solves a part, perhaps with one finding seen otherwise: absent or unknown.
    fn solve(&self, part: &Part, other: Option<(usize, Seen)>) -> Solved {
        let seen = |at: usize| match (other, self.findings.get(at)) {
            (Some((instead, seen)), _) if instead == at => seen,
            (_, Some(finding)) => finding.seen,
            (_, None) => Seen::Unknown,
        };
        let odds = |&cause: &usize| odds(self.priors, self.findings, cause, seen);
        let odds: Vec<Odds> = part.causes.iter().map(odds).collect();
        let row = |&at: &usize| {
            let finding = self.findings.get(at)?;
            let Seen::Present(confidence) = seen(at) else { return None };
            let strengths = part.causes.iter().map(|&cause| finding.strength(cause)).collect();
            Some(Row { confidence, leak: finding.leak, strengths })
        };
        let rows: Vec<Row> = part.present.iter().filter_map(row).collect();
        solve::solve(&odds, &rows)
    }

    fn together(&self, solved: &[Solved]) -> Posterior {
        let mut causes = vec![0.0; self.priors.len()];
        for (part, solved) in self.parts.iter().zip(solved) {
            for (&cause, &p) in part.causes.iter().zip(&solved.causes) {
                if let Some(slot) = causes.get_mut(cause) {
                    *slot = p;
                }
            }
        }
        Posterior { causes, none: solved.iter().map(|solved| solved.none).product() }
    }
}

/// A cause at work and not, with every absent finding taken in.
fn odds(priors: &[f64], findings: &[Finding], cause: usize, seen: impl Fn(usize) -> Seen) -> Odds {
    let prior = priors.get(cause).copied().unwrap_or(0.0);
    let absent = findings.iter().enumerate().filter(|(at, _)| seen(*at) == Seen::Absent);
    Odds { on: absent.fold(prior, |on, (_, finding)| on * (1.0 - finding.strength(cause))), off: 1.0 - prior }
}

fn as_seen(priors: &[f64], findings: &[Finding], cause: usize) -> Odds {
    odds(priors, findings, cause, |at| findings.get(at).map_or(Seen::Unknown, |finding| finding.seen))
}

/// The causes in parts that no present finding ties together.
fn parts(causes: usize, findings: &[Finding]) -> Vec<Part> {
    let present =
        || findings.iter().enumerate().filter(|(_, finding)| matches!(finding.seen, Seen::Present(_)));
    let mut label: Vec<usize> = (0..causes).collect();
    for (_, finding) in present() {
        let tied: Vec<usize> = label
            .iter()
            .enumerate()
            .filter(|(cause, _)| finding.touches(*cause))
            .map(|(_, &of)| of)
            .collect();
        if let Some(&least) = tied.iter().min() {
            label.iter_mut().filter(|of| tied.contains(of)).for_each(|of| *of = least);
        }
    }
    let part = |of: usize| {
        let causes: Vec<usize> = (0..causes).filter(|&cause| label.get(cause) == Some(&of)).collect();
        let of_part = |finding: &Finding| causes.iter().any(|&cause| finding.touches(cause));
        let present = present().filter(|(_, finding)| of_part(finding)).map(|(at, _)| at).collect();
        Part { causes, present }
    };
    (0..causes).filter(|of| label.get(*of) == Some(of)).map(part).collect()
}

/// Odds of a probability in decibans, bounded to ±120 so that certainty stays a number.
pub(super) fn decibans(p: f64) -> f64 {
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    10.0 * (p / (1.0 - p)).log10()
}
