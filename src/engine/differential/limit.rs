//! What is left out when too many causes compete over too many present symptoms to be summed exactly.

use crate::engine::differential::solve::{MOST_CAUSES, Odds, is_feasible};
use crate::engine::differential::{Finding, Part, Seen, SetAside};

/// Takes from each part that is too large the causes that can be least probable.
pub(super) fn shorten(
    parts: &mut [Part],
    findings: &[Finding],
    odds: impl Fn(usize) -> Odds,
) -> Option<SetAside> {
    let mut aside = SetAside { causes: Vec::new(), at_most: 0.0 };
    for part in parts.iter_mut().filter(|part| !is_feasible(part.causes.len(), part.present.len())) {
        let mut bounds: Vec<(f64, usize)> =
            part.causes.iter().map(|&cause| (log_odds(findings, cause, odds(cause)), cause)).collect();
        bounds.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let left_out = bounds.split_off(MOST_CAUSES.min(bounds.len()));
        part.causes = bounds.into_iter().map(|(_, cause)| cause).collect();
        part.causes.sort_unstable();
        aside.at_most = left_out.iter().fold(aside.at_most, |most, (bound, _)| most.max(probability(*bound)));
        aside.causes.extend(left_out.into_iter().map(|(_, cause)| cause));
    }
    aside.causes.sort_unstable();
    (!aside.causes.is_empty()).then_some(aside)
}

/// A bound of a cause's posterior odds, as a logarithm, whatever else is at work: no present symptom speaks for it more
/// than when nothing else explains that symptom.
pub(super) fn log_odds(findings: &[Finding], cause: usize, odds: Odds) -> f64 {
    let most = |finding: &Finding| {
        let Seen::Present(q) = finding.seen else { return 0.0 };
        let alone = q * finding.leak + (1.0 - q) * (1.0 - finding.leak);
        let silent = (1.0 - finding.leak) * (1.0 - finding.strength(cause));
        ((q * (1.0 - silent) + (1.0 - q) * silent) / alone).max(1.0).ln()
    };
    let said: f64 = findings.iter().filter(|finding| finding.touches(cause)).map(most).sum();
    (odds.on / odds.off).ln() + said
}

/// The probability that has these odds.
pub(super) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
