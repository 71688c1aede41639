//! Why events make no period.

use crate::detector::periodic::{MISSING, SUSPECTING, State, TELLING, Train};
use crate::detector::words::{length, many, percent};
use crate::timeline::beat::{FEWEST, Fit, MULTIPLES};

impl Train {
    /// What is missing for a period, in words.
    pub(super) fn missing(&self) -> Option<String> {
        if self.state.is_present() {
            return None;
        }
        let text = match &self.fit {
            Some(fit) => self.misfit(fit),
            None if self.kept.len() > FEWEST => {
                format!("no period fits the last {} gaps", self.kept.len() - 1)
            }
            None if self.kept.is_empty() => {
                format!("no event; a period shows after {} at the earliest", FEWEST + 1)
            }
            None => format!("{} of {} events that a period needs at least", self.kept.len(), FEWEST + 1),
        };
        if self.merged == 0 {
            return Some(text);
        }
        let merged = many(usize::try_from(self.merged).unwrap_or(usize::MAX), "event");
        let debounce = length(self.settings.debounce);
        Some(format!("{text}; {merged} came less than {debounce} after another, as a part of it"))
    }

    fn misfit(&self, fit: &Fit) -> String {
        let period = length(fit.times(1));
        let hits = format!("{} of {} gaps fit a period of {period}", fit.fitting, fit.gaps);
        if !self.settings.allows(fit) {
            let (shortest, longest) = (length(self.settings.shortest), length(self.settings.longest));
            return format!("{hits}, which is not within {shortest}..{longest}");
        }
        if self.state == State::Lost && fit.evidence >= SUSPECTING && fit.newest {
            return format!("{hits}, but then no event came for {}", length(fit.times(MULTIPLES)));
        }
        if fit.missing > MISSING {
            let (missing, most) = (percent(fit.missing), percent(MISSING));
            return format!("{hits}, but {missing} of its beats are missing; at most {most} may be");
        }
        if fit.evidence >= SUSPECTING && !fit.newest {
            return format!("{hits}, but the last gap does not");
        }
        let best = f64::from(self.best);
        let best = if best > fit.evidence + 0.05 { format!(", at best {best:.1}") } else { String::new() };
        let scatter = percent(fit.jitter);
        let text = format!(
            "{hits} with a scatter of {scatter}: evidence {:.1}{best}, and {SUSPECTING} is needed",
            fit.evidence
        );
        match self.state {
            State::Learning => format!("{text}; with {TELLING} gaps it can tell"),
            State::Lost => format!("{text}; it was there and is lost"),
            State::Nothing | State::Suspected | State::Confirmed => text,
        }
    }
}
