//! Which records arrived, where some are lost: a truth of which nothing is left in the log cannot be found in it.

use std::collections::{BTreeSet, HashMap};

use etiolog::simulate::Label;

/// The seconds in which records of each device arrived, and the records.
#[derive(Default)]
pub(crate) struct Arrived {
    begun: Vec<u8>,
    devices: HashMap<String, BTreeSet<(String, String)>>,
}

/// A truth of more records than these is there though some are lost.
const FEW: u64 = 8;

impl Arrived {
    /// Lines of a resource log, cut anywhere.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
        let whole = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let rest = self.begun.split_off(whole);
        let lines = std::mem::replace(&mut self.begun, rest);
        for line in String::from_utf8_lossy(&lines).lines() {
            let between =
                |begin: &str, end: &str| line.split_once(begin)?.1.split_once(end).map(|(it, _)| it);
            let time = between("\"time\":\"", "\"").and_then(|time| time.get(..SECONDS));
            if let (Some(time), Some(device)) = (time, between("deviceId\\\":\\\"", "\\\"")) {
                let records = self.devices.entry(device.to_owned()).or_default();
                records.insert((time.to_owned(), line.to_owned()));
            }
        }
    }

    /// Whether more than half of the records arrived that show a truth of few; of a whole hub there are always enough.
    pub(crate) fn shows(&self, label: &Label) -> bool {
        let levels: Vec<_> = label.subject.levels().collect();
        let Some((_, device)) = levels.get(1).filter(|_| label.records <= FEW) else { return true };
        let (from, until) = (label.from.to_string(), label.until.to_string());
        let during = |time: &str| from.get(..SECONDS) <= Some(time) && Some(time) <= until.get(..SECONDS);
        let records = self.devices.get(*device);
        let arrived = records.map_or(0, |records| records.iter().filter(|(time, _)| during(time)).count());
        2 * arrived as u64 > label.records
    }
}

/// So long is a stamp without its fraction.
const SECONDS: usize = "2026-03-02T00:00:00".len();
