//! What the JSON report says of many diagnoses with one story: one line, which the diagnoses themselves open.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Diagnosis, Probability, Severity, Timestamp};
use crate::output::group::{Crowd, Explained, Group, name_of};

/// Diagnoses with one story: the same cause (or, when it cannot be told, the same symptoms) on subjects of one level, with
/// what they explain. Written behind the diagnoses, for each story of which there is more than one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Group")]
pub(super) struct GroupLine<'a> {
    /// What each diagnosis of it has under `group`.
    group: String,
    /// The id of the cause, or `cannot-tell`.
    verdict: &'a str,
    /// What it means, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    /// The worst of all.
    severity: Severity,
    /// Whether nothing need be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    no_action: bool,
    /// On whom.
    on: Whom<'a>,
    /// How many episodes are not over.
    open: u64,
    /// The least probability of the cause.
    lowest: Probability,
    /// The greatest.
    highest: Probability,
    first_seen: Timestamp,
    last_seen: Timestamp,
    /// The id of the most probable diagnosis.
    such_as: &'a str,
    /// Whose diagnoses they explain.
    explains: Vec<Whom<'a>>,
}

/// Some subjects of one level.
#[derive(Debug, Serialize, JsonSchema)]
struct Whom<'a> {
    /// Which kind of subject.
    level: &'a str,
    /// How many diagnoses.
    episodes: u64,
    /// How many subjects; left out when there were too many to be told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<u64>,
    /// A few of them.
    examples: Vec<&'a str>,
}

impl<'a> Whom<'a> {
    fn of(level: &'a str, crowd: &'a Crowd) -> Self {
        let examples = crowd.examples().iter().map(|name| name.as_str()).collect();
        Self { level, episodes: crowd.episodes(), subjects: crowd.subjects(), examples }
    }
}

impl<'a> GroupLine<'a> {
    /// The line of a group; `None` for a diagnosis that stands alone and explains none.
    pub(super) fn of(group: &'a Group, explained: &'a Explained) -> Option<Self> {
        if group.subjects.episodes() < 2 && explained.is_empty() {
            return None;
        }
        let first: &Diagnosis = &group.first;
        Some(Self {
            group: name_of(first),
            verdict: &first.verdict,
            title: first.cause().map(|cause| &*cause.title),
            severity: group.severity,
            no_action: first.no_action,
            on: Whom::of(first.subject.level(), &group.subjects),
            open: group.open,
            lowest: group.lowest,
            highest: group.highest,
            first_seen: group.first_seen,
            last_seen: group.last_seen,
            such_as: &first.id,
            explains: explained.iter().map(|(level, crowd)| Whom::of(level, crowd)).collect(),
        })
    }
}
