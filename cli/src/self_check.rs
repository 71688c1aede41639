//! `diagnose --self-check`: the slow reference evaluator beside the engine, on the user's own records.

use etiolog::output::terminal;
use etiolog::{Engine, Event, Pipeline};
use etiolog_reference::{differences, evaluate_what_can_be, say};

use crate::progress::Progress;

/// So many differences are shown.
const SHOWN: usize = 20;

/// The first events of the input, as they arrived.
pub(crate) struct SelfCheck {
    at_most: usize,
    events: Vec<(usize, Event)>,
    more: bool,
}

impl SelfCheck {
    /// Begins to keep what the pipeline takes in.
    pub(crate) fn new(at_most: u64, pipeline: &mut Pipeline) -> Self {
        pipeline.witnessed();
        Self { at_most: usize::try_from(at_most).unwrap_or(usize::MAX), events: Vec::new(), more: false }
    }

    /// Takes over what came since the last time.
    pub(crate) fn witness(&mut self, pipeline: &mut Pipeline) {
        let room = self.at_most - self.events.len();
        let new = pipeline.witnessed();
        self.more |= new.len() > room;
        self.events.extend(new.into_iter().take(room).map(|(source, event)| (source.index(), event)));
    }

    /// Holds the engine against the reference, says what was found, and whether they agree.
    pub(crate) fn agrees(&self, engine: &Engine, sources: usize, progress: &Progress) -> bool {
        let plan = engine.plan();
        let settings = (engine.lateness(), engine.horizon(), engine.is_complete());
        let answer = evaluate_what_can_be(plan, settings, sources, &self.events);
        let said = say(engine, sources, &self.events);
        let found = differences(plan, &answer, &said);
        let count = self.events.len();
        if self.more {
            progress.note(&format!(
                "self-check: only the first {count} events were looked at; `--self-check=N` for others"
            ));
        }
        for symptom in &answer.unjudged {
            progress.note(&format!("self-check: the reference cannot judge `{}`", terminal(symptom)));
        }
        if !answer.left_out.is_empty() {
            let left_out = answer.left_out.len();
            progress.note(&format!(
                "self-check: {left_out} subjects were left out, because such a symptom saw them"
            ));
        }
        for difference in found.iter().take(SHOWN) {
            progress.note(&format!("self-check: {}", terminal(&difference.to_string())));
        }
        let what =
            format!("{count} events, {} subjects, {} episodes", said.subjects.len(), answer.episodes.len());
        match found.len() {
            0 => progress.note(&format!("self-check: engine and reference agree on {what}")),
            all => progress.note(&format!("self-check: engine and reference differ {all} times on {what}")),
        }
        found.is_empty()
    }
}
