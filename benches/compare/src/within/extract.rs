//! JSON libraries that only extract: six fields of each record, as each does it fastest with checked input. What they
//! take is counted without the reading of the file; the text in `properties` is found, and not looked into.

use std::io;
use std::path::Path;
use std::time::Duration;

use cpu_time::ProcessTime;
use serde::Deserialize;
use serde_json::value::RawValue;
use sonic_rs::{JsonValueTrait, PointerTree};

use crate::answer::Answer;

const FIELDS: [&str; 6] = ["time", "resourceId", "operationName", "category", "resultType", "properties"];

/// Five of the six fields, and whether there is the sixth.
type Five<'a> = ([Option<&'a str>; 5], bool);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a, P> {
    time: Option<&'a str>,
    resource_id: Option<&'a str>,
    operation_name: Option<&'a str>,
    category: Option<&'a str>,
    result_type: Option<&'a str>,
    properties: Option<P>,
}

impl<'a, P> Record<'a, P> {
    fn five(&self) -> Five<'a> {
        let five = [self.time, self.resource_id, self.operation_name, self.category, self.result_type];
        (five, self.properties.is_some())
    }
}

/// serde_json into a struct that borrows; `properties` is left as it stands.
pub(super) fn serde_json(log: &Path) -> io::Result<Answer> {
    extract(log, |line, found| {
        if let Ok(record) = serde_json::from_slice::<Record<'_, &RawValue>>(line) {
            found(record.five());
        }
    })
}

/// simd-json into a struct that borrows, with buffers that are used again.
pub(super) fn simd_json(log: &Path) -> io::Result<Answer> {
    let mut buffers = simd_json::Buffers::default();
    extract(log, |line, found| {
        let record = simd_json::serde::from_slice_with_buffers::<Record<'_, &str>>(line, &mut buffers);
        if let Ok(record) = record {
            found(record.five());
        }
    })
}

/// `get_many` of sonic-rs: parses nothing but the way to the fields.
pub(super) fn sonic_rs(log: &Path) -> io::Result<Answer> {
    let mut tree = PointerTree::new();
    for field in FIELDS {
        tree.add_path(&[field]);
    }
    extract(log, |line, found| {
        let Ok(values) = sonic_rs::get_many(&*line, &tree) else { return };
        // None of the five has an escape in this log: what stands between the quotes is the text.
        let text = |at: usize| -> Option<&str> {
            let raw = values[at].as_ref().filter(|value| value.is_str())?.as_raw_str();
            raw.get(1..raw.len() - 1)
        };
        found((std::array::from_fn(text), values[5].is_some()));
    })
}

/// Goes through a log, and counts what is found and the time that the finding takes.
fn extract(log: &Path, mut record: impl FnMut(&mut [u8], &mut dyn FnMut(Five<'_>))) -> io::Result<Answer> {
    let (mut records, mut disconnects, mut extracted, mut cpu) = (0, 0, 0, Duration::ZERO);
    super::blocks(log, |block| {
        let start = ProcessTime::now();
        for line in super::lines(block) {
            record(line, &mut |(five, properties)| {
                records += 1;
                disconnects += u64::from(five[4] == Some("404104"));
                extracted += five.iter().flatten().map(|text| text.len() as u64).sum::<u64>();
                extracted += u64::from(properties);
            });
        }
        cpu += start.elapsed();
    })?;
    Ok(Answer {
        records: Some(records),
        disconnects: Some(disconnects),
        extracted: Some(extracted),
        cpu: Some(cpu.as_secs_f64()),
        ..Answer::default()
    })
}
