//! What differentials have come to: many subjects show the same, and their causes compete alike.
//!
//! What a differential says is a function of its numbers alone, so whether an answer was remembered cannot be seen.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::engine::differential::{Differential, Finding, Seen};

/// So many numbers are remembered, 2 MiB of them; when there are more, all are forgotten.
const NUMBERS: usize = 1 << 18;

/// What a report asks of a differential.
#[derive(Debug)]
pub(in crate::engine) struct Answers {
    /// As [`Differential::points`] says.
    pub(in crate::engine) points: Vec<Vec<f64>>,
    /// As [`Differential::worth_knowing`] says.
    pub(in crate::engine) worth: Vec<(usize, f64)>,
}

impl Answers {
    fn of(priors: &[f64], findings: &[Finding]) -> Self {
        let differential = Differential::new(priors, findings);
        Self { points: differential.points(), worth: differential.worth_knowing() }
    }
}

/// The answers that were given, by the exact numbers that were asked about.
#[derive(Debug, Default)]
pub(in crate::engine) struct Memo {
    // Only looked up, never iterated.
    known: HashMap<Box<[u64]>, Arc<Answers>, RandomState>,
    numbers: usize,
    /// The numbers at hand.
    asked: Vec<u64>,
}

impl Memo {
    /// What a differential over these numbers says.
    pub(in crate::engine) fn ask(&mut self, priors: &[f64], findings: &[Finding]) -> Arc<Answers> {
        self.asked.clear();
        self.asked.push(priors.len() as u64);
        self.asked.extend(priors.iter().map(|prior| prior.to_bits()));
        for finding in findings {
            let (seen, confidence) = match finding.seen {
                Seen::Unknown => (0, 0.0),
                Seen::Absent => (1, 0.0),
                Seen::Present(confidence) => (2, confidence),
            };
            self.asked.extend([seen, confidence.to_bits(), finding.leak.to_bits()]);
            self.asked.extend(finding.strengths.iter().map(|strength| strength.to_bits()));
        }
        if let Some(known) = self.known.get(self.asked.as_slice()) {
            return Arc::clone(known);
        }
        let answers = Arc::new(Answers::of(priors, findings));
        let numbers = self.asked.len() + findings.len() * (priors.len() + 2);
        if self.numbers + numbers > NUMBERS {
            self.known.clear();
            self.numbers = 0;
        }
        self.numbers += numbers;
        self.known.insert(self.asked.as_slice().into(), Arc::clone(&answers));
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(confidence: f64) -> Vec<Finding> {
        let finding = |seen, strengths: [f64; 2]| Finding { seen, leak: 0.01, strengths: strengths.into() };
        vec![
            finding(Seen::Present(confidence), [0.9, 0.3]),
            finding(Seen::Absent, [0.2, 0.0]),
            finding(Seen::Unknown, [0.0, 0.6]),
        ]
    }

    #[test]
    fn a_memory_says_what_a_differential_says_however_often_and_about_whatever_it_was_asked_before() {
        let mut memo = Memo::default();
        let priors = [0.1, 0.25];
        for confidence in [0.9, 0.8, 0.9, 1.0, 0.8] {
            let findings = findings(confidence);
            let differential = Differential::new(&priors, &findings);
            let answers = memo.ask(&priors, &findings);
            assert_eq!(answers.points, differential.points());
            assert_eq!(answers.worth, differential.worth_knowing());
        }
        assert_eq!(memo.known.len(), 3);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut memo = Memo::default();
        for step in 0..20_000 {
            memo.ask(&[0.1, 0.25], &findings(0.5 + f64::from(step) / 1e5));
            assert!(memo.numbers <= NUMBERS);
        }
        assert!(memo.known.len() < 20_000);
    }
}
