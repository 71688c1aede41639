//! The question in plain Rust on serde_json, as one would write it for this log and this question only. Its answers are
//! the truth that the others are held against.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::answer::Answer;

/// How long a connection may take to come back, in seconds.
const WITHIN: i64 = 60;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    time: &'a str,
    resource_id: &'a str,
    operation_name: &'a str,
    category: Option<&'a str>,
    result_type: Option<&'a str>,
    #[serde(borrow)]
    properties: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    #[serde(borrow)]
    device_id: Option<Cow<'a, str>>,
}

#[derive(Default)]
struct Device {
    cut: Option<i64>,
    back: Option<i64>,
    failing: bool,
    returned: bool,
}

/// Answers the question.
pub(super) fn answer(log: &Path) -> io::Result<Answer> {
    let mut devices: HashMap<String, Device> = HashMap::new();
    let (mut records, mut disconnects, mut extracted) = (0, 0, 0);
    let mut name = String::new();
    super::blocks(log, |block| {
        for line in super::lines(block) {
            let Ok(record) = serde_json::from_slice::<Record<'_>>(line) else { continue };
            records += 1;
            let code = record.result_type.unwrap_or_default();
            let fields = [record.time, record.resource_id, record.operation_name, code];
            extracted += fields.iter().map(|text| text.len() as u64).sum::<u64>();
            extracted += record.category.map_or(0, |text| text.len() as u64);
            extracted += u64::from(record.properties.is_some());
            let (cut, fault) = (code == "404104", code.len() == 6 && code.starts_with("500"));
            let back = record.result_type.is_none() && record.operation_name == "deviceConnect";
            disconnects += u64::from(cut);
            if !(cut || fault || back) {
                continue;
            }
            let properties = record.properties.as_deref().unwrap_or_default();
            let id = serde_json::from_str::<Properties<'_>>(properties).ok().and_then(|p| p.device_id);
            let (Some(id), Some(time)) = (id, seconds(record.time)) else { continue };
            name.clear();
            name.extend([record.resource_id, "/", &id]);
            if !devices.contains_key(&name) {
                devices.insert(name.clone(), Device::default());
            }
            let Some(device) = devices.get_mut(&name) else { continue };
            if fault {
                device.failing = true;
            } else if cut {
                device.cut = Some(time);
                device.returned |= device.back == Some(time);
            } else {
                device.back = Some(time);
                device.returned |= device.cut.is_some_and(|cut| time - cut <= WITHIN);
            }
        }
    })?;
    let count = |of: fn(&Device) -> bool| Some(devices.values().filter(|device| of(device)).count() as u64);
    Ok(Answer {
        records: Some(records),
        disconnects: Some(disconnects),
        failing: count(|device| device.failing),
        returned: count(|device| device.returned),
        extracted: Some(extracted),
        devices: Some(devices.len() as u64),
        ..Answer::default()
    })
}

/// Seconds since 1970 of `2026-03-02T00:00:01Z`; another form has none.
pub(super) fn seconds(stamp: &str) -> Option<i64> {
    let number = |from: usize, to: usize| stamp.get(from..to)?.parse::<i64>().ok();
    if stamp.len() != 20 || !stamp.ends_with('Z') {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Days from civil, of Howard Hinnant's chrono-compatible date algorithms.
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + of_year - 719_468;
    Some(((days * 24 + number(11, 13)?) * 60 + number(14, 16)?) * 60 + number(17, 19)?)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_stamp_is_seconds_since_1970() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T12:30:01Z"), Some(1_709_209_801));
        assert_eq!(seconds("2026-03-02T00:00:00.5Z"), None);
    }
}
