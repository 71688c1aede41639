//! What is said of fleets in which nothing is the matter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etiolog::{Diagnosis, Severity};

use crate::side_by_side;
use crate::stage::{PlayError, Size, Stage, Way};

/// One fleet.
pub(crate) struct Healthy {
    pub(crate) fleet: &'static str,
    pub(crate) way: Way,
    pub(crate) records: u64,
    pub(crate) device_months: f64,
    /// Verdicts by severity and cause.
    pub(crate) verdicts: BTreeMap<(Severity, Arc<str>), u64>,
}

impl Healthy {
    /// Diagnoses as grave as this.
    pub(crate) fn count(&self, severity: Severity) -> u64 {
        self.verdicts.iter().filter(|((of, _), _)| *of == severity).map(|(_, count)| count).sum()
    }
}

const DAY: u64 = 24 * 60 * 60;

/// Plays all healthy fleets.
pub(crate) fn rows(stage: &Stage<'_>, quick: bool) -> Result<Vec<Healthy>, PlayError> {
    let (many, few, days) = if quick { (500, 200, 7) } else { (10_000, 1_000, 30) };
    let jobs = [
        ("healthy-mixed", Way::Plain, many),
        ("healthy-mixed", Way::All, few),
        ("healthy-renewals", Way::Plain, few),
        ("healthy-renewals", Way::All, few),
        ("healthy-growing", Way::Plain, few),
        ("healthy-growing", Way::All, few),
    ];
    let played = side_by_side(&jobs, |&(fleet, way, devices)| {
        let size = Size { devices, span: Duration::from_secs(days * DAY) };
        stage.play(fleet, 1, way, Some(size))
    });
    let mut rows = Vec::new();
    for ((fleet, way, devices), played) in jobs.into_iter().zip(played) {
        let played = played?;
        let mut verdicts = BTreeMap::new();
        for said in played.said.iter().filter(|said| said.explained_by.is_none()) {
            *verdicts.entry((said.severity, Arc::clone(&said.verdict))).or_default() += 1;
        }
        let device_months = devices as f64 * days as f64 / 30.0;
        rows.push(Healthy { fleet, way, records: played.records, device_months, verdicts });
    }
    Ok(rows)
}

/// The words for it: a verdict, or none.
pub(crate) fn word(verdict: &str) -> &str {
    if verdict == Diagnosis::CANNOT_TELL { "cannot tell" } else { verdict }
}
