//! Sequences between whose events nothing else may stand (`gaps: strict`).

use crate::sequence::Search;

impl Search<'_> {
    /// Whether the detector names a class of this event.
    pub(crate) fn is_named(&self, at: usize) -> bool {
        let beside = self.maybe.iter().chain(self.never).map(|(class, _)| class);
        self.required.iter().chain(beside).chain(&self.until).any(|&class| self.events[at].is(class))
    }

    /// The optional steps of a gap that an event could be, if it can only be such.
    fn steps(&self, at: usize, gap: usize) -> impl Iterator<Item = usize> + '_ {
        let fits = move |&step: &usize| self.maybe[step].1 == gap && self.events[at].is(self.maybe[step].0);
        (0..self.maybe.len()).filter(move |_| self.is_beside(at)).filter(fits)
    }

    /// Whether all that stands between the events of a chain joins it.
    pub(crate) fn is_tight(&self, chain: &[usize]) -> bool {
        let mut taken: Vec<usize> = Vec::new();
        (1..chain.len()).all(|gap| {
            let mut between = (chain[gap - 1] + 1..chain[gap]).filter(|&at| self.is_named(at));
            between.all(|at| {
                let step = self.steps(at, gap).find(|step| !taken.contains(step));
                taken.extend(step);
                step.is_some()
            })
        })
    }

    /// The events that join a chain before its first, with nothing else between.
    pub(crate) fn leads(&self, first: usize) -> Vec<usize> {
        let (mut taken, mut leads): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
        for at in (self.begin..first).rev().filter(|&at| self.is_named(at)) {
            let Some(step) = self.steps(at, 0).find(|step| !taken.contains(step)) else { break };
            taken.push(step);
            leads.push(at);
        }
        leads
    }
}
