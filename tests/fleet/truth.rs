//! Why a record was written, and the account of it that a score is measured against.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::record::{Record, stamp};

/// The cause behind one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    TokenExpiry,
    CleanRenewal,
    RandomDrops,
    HubFault,
    SiteCut,
    CredentialRejected,
    CredentialOrClock,
    ProcessKilled,
    NightlyReboot,
    IdleClose,
    Steady,
}

impl Truth {
    /// The label as the truth file writes it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::TokenExpiry => "token-expiry",
            Self::CleanRenewal => "clean-renewal",
            Self::RandomDrops => "random-drops",
            Self::HubFault => "hub-fault",
            Self::SiteCut => "site-cut",
            Self::CredentialRejected => "credential-rejected",
            Self::CredentialOrClock => "credential-or-clock",
            Self::ProcessKilled => "process-killed",
            Self::NightlyReboot => "nightly-reboot",
            Self::IdleClose => "idle-close",
            Self::Steady => "steady",
        }
    }

    /// What happened, in one sentence.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::TokenExpiry => {
                "The hub closes the MQTT link when the SAS token has expired; the SDK connects again with a new one."
            }
            Self::CleanRenewal => {
                "The SDK renews its SAS token in time: it disconnects cleanly and connects again."
            }
            Self::RandomDrops => "The device loses its network at times that follow no period.",
            Self::HubFault => {
                "A part of the hub fails: a share of all devices is dropped at once and answered with 500xxx until it recovers."
            }
            Self::SiteCut => {
                "One site loses its line: its address prefix falls silent, everyone else stays, no 500xxx."
            }
            Self::CredentialRejected => {
                "The key was rotated at the hub and not on the device: refused until the end."
            }
            Self::CredentialOrClock => {
                "The device's clock has drifted; one day of log cannot tell this from a rejected credential."
            }
            Self::ProcessKilled => "The process was killed once and started again hours later.",
            Self::NightlyReboot => "The devices reboot at a fixed time of the wall clock.",
            Self::IdleClose => "The link is closed 3600 s after its last traffic.",
            Self::Steady => "Nothing is wrong: a first connect, or one clean restart.",
        }
    }
}

/// How much of a log each label accounts for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) labels: BTreeMap<Truth, Share>,
}

/// The part of one label.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) devices: BTreeSet<String>,
    pub(crate) records: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl Tally {
    /// Counts the records by their truth.
    pub(crate) fn of(records: &[Record]) -> Self {
        let mut tally = Self::default();
        for record in records {
            let share = tally.labels.entry(record.truth).or_insert_with(|| Share {
                devices: BTreeSet::new(),
                records: 0,
                first: record.time,
                last: record.time,
            });
            if !share.devices.contains(&record.device.name) {
                share.devices.insert(record.device.name.clone());
            }
            share.records += 1;
            share.first = share.first.min(record.time);
            share.last = share.last.max(record.time);
        }
        tally
    }

    /// All records counted.
    pub(crate) fn records(&self) -> u64 {
        self.labels.values().map(|share| share.records).sum()
    }

    /// All devices seen, each once.
    pub(crate) fn devices(&self) -> BTreeSet<&str> {
        self.labels.values().flat_map(|share| &share.devices).map(String::as_str).collect()
    }

    /// The truth file: one line for each label, in order of the enum.
    pub(crate) fn to_json(&self, hub: &str, from: i64, until: i64) -> String {
        let mut json = format!(
            "{{\n  \"hub\": \"{hub}\",\n  \"from\": \"{}\",\n  \"until\": \"{}\",\n  \"records\": {},\n  \"devices\": {},\n  \"labels\": {{\n",
            stamp(from),
            stamp(until),
            self.records(),
            self.devices().len(),
        );
        for (place, (truth, share)) in self.labels.iter().enumerate() {
            let names: Vec<String> = share.devices.iter().map(|name| format!("\"{name}\"")).collect();
            let comma = if place + 1 < self.labels.len() { "," } else { "" };
            let _ = writeln!(
                json,
                "    \"{}\": {{\"what\": \"{}\", \"devices\": {}, \"records\": {}, \"first\": \"{}\", \"last\": \"{}\", \"names\": [{}]}}{comma}",
                truth.label(),
                truth.what(),
                share.devices.len(),
                share.records,
                stamp(share.first),
                stamp(share.last),
                names.join(", "),
            );
        }
        json.push_str("  }\n}\n");
        json
    }
}
