//! Who wins among the causes of a case, or why nobody does.

use smol_str::{SmolStr, format_smolstr};

use crate::engine::case::Case;
use crate::model::Probability;

/// The least probability of a verdict.
pub(super) const LEAST: f64 = 0.6;

/// The most that "none of these" may weigh beside a verdict.
const MOST_NONE: f64 = 0.15;

/// A rival that accounts for more than this share of what the first accounts for makes the verdict too close.
const RIVAL: f64 = 0.67;

/// From here on a cause is taken for a fact.
const CERTAIN: f64 = 0.9;

/// The share of a present symptom that a cause must account for to be at work for sure.
const AT_WORK: f64 = 0.5;

/// Who wins, or why nobody does.
pub(super) enum Verdict {
    Cause(usize),
    CannotTell(SmolStr),
}

impl Case {
    /// The causes in order of how much they account for, and whether the first may be named.
    pub(super) fn verdict(&self) -> (Vec<usize>, Verdict) {
        let share = |at: usize| self.share.get(at).copied().unwrap_or(0.0);
        let probability = |at: usize| self.posterior.causes.get(at).copied().unwrap_or(0.0);
        // What is grave and surely at work comes first, however much else something mild accounts for.
        let grave =
            |at: usize| self.grave.get(at) == Some(&true) && probability(at) >= LEAST && share(at) >= AT_WORK;
        let weighed = |at: &usize| !self.set_aside.as_ref().is_some_and(|aside| aside.causes.contains(at));
        let mut order: Vec<usize> = (0..self.causes.len()).filter(weighed).collect();
        order.sort_by(|&a, &b| {
            let by_share = || share(b).total_cmp(&share(a)).then(probability(b).total_cmp(&probability(a)));
            grave(b).cmp(&grave(a)).then_with(by_share).then(a.cmp(&b))
        });
        let Some(&first) = order.first() else {
            return (order, Verdict::CannotTell("no known cause explains what was seen".into()));
        };
        let percent = |p: f64| Probability::new(p);
        if self.posterior.none > MOST_NONE {
            let why = format_smolstr!("perhaps none of the known causes ({})", percent(self.posterior.none));
            return (order, Verdict::CannotTell(why));
        }
        if probability(first) < LEAST {
            let why = format_smolstr!("the most probable cause reaches only {}", percent(probability(first)));
            return (order, Verdict::CannotTell(why));
        }
        // What is grave gives way to what is as grave and as likely, and not to something mild that accounts for more.
        let is_rival = |at: &&usize| !grave(first) || self.grave.get(**at) == Some(&true);
        if let Some(&second) = order.iter().skip(1).find(is_rival) {
            // Two that are both certain do not compete: each accounts for something of its own.
            let certain = probability(first).min(probability(second)) >= CERTAIN;
            let close =
                share(second) > RIVAL * share(first) && probability(second) > 0.5 * probability(first);
            if close && !certain {
                let why = format_smolstr!(
                    "two causes are too close: {} and {}",
                    percent(probability(first)),
                    percent(probability(second))
                );
                return (order, Verdict::CannotTell(why));
            }
        }
        (order, Verdict::Cause(first))
    }
}
