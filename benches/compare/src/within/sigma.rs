//! The question for rsigma-eval: three detections, and one correlation of two of them in order, by device. Its stamps
//! are whole seconds, as those of the log.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use rsigma_eval::{CorrelationConfig, CorrelationEngine, JsonEvent};
use serde_json::Value;

use crate::answer::Answer;

const RULES: &str = include_str!("../../peers/sigma.yaml");

/// Answers the question.
pub(super) fn answer(log: &Path) -> io::Result<Answer> {
    let rules = rsigma_parser::parse_sigma_yaml(RULES).map_err(io::Error::other)?;
    // As many subjects as there are, so that none is forgotten.
    let config = CorrelationConfig { max_state_entries: usize::MAX, ..CorrelationConfig::default() };
    let mut engine = CorrelationEngine::new(config);
    engine.add_collection(&rules).map_err(io::Error::other)?;
    let (mut failing, mut returned) = (HashSet::new(), HashSet::new());
    let (mut records, mut disconnects) = (0, 0);
    super::blocks(log, |block| {
        for line in super::lines(block) {
            let Ok(mut record) = serde_json::from_slice::<Value>(line) else { continue };
            records += 1;
            let Some(time) = record["time"].as_str().and_then(super::question::seconds) else { continue };
            // Its fields are those of the event: the device is taken out of the text that it stands in.
            let inner = record["properties"].as_str().map(serde_json::from_str::<Value>);
            let id =
                inner.and_then(Result::ok).and_then(|inner| Some(inner["deviceId"].as_str()?.to_owned()));
            let device = id.map(|id| format!("{}/{id}", record["resourceId"].as_str().unwrap_or_default()));
            if let (Some(device), Some(fields)) = (&device, record.as_object_mut()) {
                fields.insert("device".into(), device.as_str().into());
            }
            for result in engine.process_event_at(&JsonEvent::borrow(&record), time) {
                let found = match result.header.rule_id.as_deref() {
                    Some("cut") => {
                        disconnects += 1;
                        continue;
                    }
                    Some("fault") => &mut failing,
                    Some("returned") => &mut returned,
                    _ => continue,
                };
                found.extend(device.clone());
            }
        }
    })?;
    Ok(Answer {
        records: Some(records),
        disconnects: Some(disconnects),
        failing: Some(failing.len() as u64),
        returned: Some(returned.len() as u64),
        ..Answer::default()
    })
}
