//! Which symptoms the cases prove: one case must show a symptom, and a quiet one must not although it could.

use std::sync::Arc;

use crate::check::play::Played;
use crate::error::Problem;
use crate::rule::{Case, Plan, Symptom};

/// What the cases so far have proved, in the order of the symptoms.
pub(super) struct Ledger(Vec<Proved>);

#[derive(Debug)]
struct Proved {
    id: Arc<str>,
    /// The first event of its class makes an occurrence: any other event tempts it.
    occurrence: bool,
    shown: bool,
    quiet: bool,
    /// A case names it as not there, but its detector saw nothing that could have misled it.
    idle: bool,
}

impl Ledger {
    pub(super) fn new(plan: &Plan) -> Self {
        let of = |symptom: &Symptom| Proved {
            id: Arc::clone(&symptom.id),
            occurrence: symptom.kind == "occurrence",
            shown: false,
            quiet: false,
            idle: false,
        };
        Self(plan.symptoms().iter().map(of).collect())
    }

    pub(super) fn case(&mut self, case: &Case, played: &Played) {
        for (at, proved) in self.0.iter_mut().enumerate() {
            proved.shown |= case.shows(at);
            if case.silences(at) {
                let mut traces = played.subjects.values().flatten().flatten();
                let tempted = traces.any(|t| t.id == proved.id && (t.events > 0 || proved.occurrence));
                proved.quiet |= tempted;
                proved.idle |= !tempted;
            }
        }
    }

    pub(super) fn problems(&self, plan: &Plan) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (proved, symptom) in self.0.iter().zip(plan.symptoms()) {
            let name = proved.id.split_once('#').map_or(&*proved.id, |(_, name)| name);
            let mut say = |code, message: String, help: String| {
                let problem = match plan.place_of(symptom) {
                    Some(place) => place.problem(code, message),
                    None => Problem::of_file(code, "", message),
                };
                problems.push(problem.with_help(help));
            };
            if !proved.shown {
                let help = format!("add a case that expects `present: [{name}]` of a subject");
                say("no-showing-case", format!("no case shows the symptom `{}`", proved.id), help);
            }
            if !proved.quiet {
                let message = if proved.idle {
                    format!("no quiet case tempts `{}`: its detector saw none of its events", proved.id)
                } else {
                    format!("no quiet case for the symptom `{}`", proved.id)
                };
                let help = format!(
                    "add a case of its false friend: some of its events, and `near: [{name}]` or `expect-none: [{name}]`"
                );
                say("no-quiet-case", message, help);
            }
        }
        problems
    }
}
