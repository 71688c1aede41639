//! A pack proves itself: its cases are played, and what comes is compared with what they expect.
//!
//! What enters is an [`Engine`]; what leaves is a [`Report`]: each case with its failures, each told with what came
//! instead and why; which conditions of the rules the cases have seen hold and not hold; and the symptoms that no case
//! proves. Each case has its own run, so cases cannot disturb each other, and the same pack gives the same report. What
//! can be said without any case, [`lint`] and [`cost`] say: what is wrong with packs, and what they cost.

mod compare;
mod cost;
mod coverage;
mod explain;
mod lint;
mod play;
mod proof;
mod rank;

use std::sync::Arc;

use serde::Serialize;

use crate::check::coverage::Seen;
use crate::check::proof::Ledger;
use crate::engine::Engine;
use crate::error::Problem;
use crate::model::Subject;
use crate::rule::Case;

pub use cost::{ClassCost, Cost, FieldCost, LevelCost, PredicateCost, Runs, SymptomCost, cost};
pub use coverage::{CauseCoverage, Condition, Coverage, Part};
pub use lint::lint;
pub use rank::{Band, ConditionCost, RuleCost, RuleKind};

/// What became of the cases of an engine's packs.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The cases that were played, in the order of the files.
    pub cases: Vec<CaseResult>,
    /// What these cases have seen of the rules.
    pub coverage: Coverage,
    /// Symptoms that these cases do not prove: `no-showing-case`, `no-quiet-case`.
    pub unproven: Vec<Problem>,
}

impl Report {
    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CaseResult> {
        self.cases.iter().filter(|case| !case.passed())
    }
}

/// What became of one case.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseResult {
    /// The id of its article.
    pub article: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The file in which it stands.
    pub file: String,
    /// The line at which it begins.
    pub line: usize,
    /// How many events it made or had in its records.
    pub events: u64,
    /// What was expected and did not come, or came and was not expected; none when the case passed.
    pub failures: Vec<Failure>,
}

impl CaseResult {
    /// Whether everything came as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// One expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// Of whom it was expected, when it was of somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// What was expected.
    pub expected: String,
    /// What came instead, and why: one thought a line.
    pub instead: Vec<String>,
}

/// Plays the cases that are wanted.
pub fn cases(engine: &Engine, mut wanted: impl FnMut(&Case) -> bool) -> Report {
    let plan = engine.plan();
    let mut seen = Seen::new(plan);
    let mut ledger = Ledger::new(plan);
    let mut results = Vec::new();
    for case in plan.cases().iter().filter(|case| wanted(case)) {
        let played = play::play(engine, case, &mut seen);
        seen.diagnoses(&played.diagnoses);
        ledger.case(case, &played);
        results.push(CaseResult {
            article: Arc::clone(&case.article),
            name: Arc::clone(&case.name),
            file: case.place.file().to_owned(),
            line: case.place.line(),
            events: played.events,
            failures: compare::compare(plan, case, &played),
        });
    }
    Report { cases: results, coverage: seen.into_coverage(plan), unproven: ledger.problems(plan) }
}

/// The symptoms that the cases of the packs do not prove. Each needs one that shows it (it stands under `present`) and
/// a quiet one: it stands under `absent`, `near` or `expect-none` of a case in which its detector saw at least one of
/// its events.
pub fn proofs(engine: &Engine) -> Vec<Problem> {
    cases(engine, |_| true).unproven
}
