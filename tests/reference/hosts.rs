//! However a host cuts the bytes, shares the subjects out or makes batches, the answers are the same.

use std::time::Duration;

use etiolog::{Diagnosis, Engine, Event, Pipeline, Summary};
use proptest::prelude::*;

use crate::reference::compare::engine_says;
use crate::reference::properties::{SCENARIOS, hold};
use crate::reference::scenario::{Record, at, calm};
use crate::reference::shared::compiled;
use crate::reference::usual::usual;

const INPUT: &str = "{etiolog: 1, input: lines, title: Lines, format: json, time: {from: at}, fields: {hub: {from: hub}, device: {from: device}, word: {from: word}, size: {from: size, as: number}}}";

/// Records as JSON Lines: text of many bytes a character, ends of lines of both kinds, and now and then one that is broken.
fn bytes(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        let text = |name: &Option<String>| {
            name.as_ref().map_or("null".to_owned(), |name| format!("\"{name} ä€😀\""))
        };
        let size = record.size.map_or("null".to_owned(), |size| size.to_string());
        let (hub, device, number) = (text(&record.hub), text(&record.device), record.number);
        let line = format!(
            "{{\"at\":\"{}\",\"note\":\"é\\\"\\\\ {number}\",\"hub\":{hub},\"device\":{device},\"word\":\"{}\",\"size\":{size}}}",
            at(record.second),
            record.word
        );
        let end = usize::try_from(number % 11).unwrap();
        match end {
            3 => out.extend(line.bytes().map(|byte| if byte == 0xa4 { 0xff } else { byte })),
            5 => out.extend(&line.as_bytes()[..line.len() / 2]),
            _ => out.extend(line.as_bytes()),
        }
        let end: &[u8] = match end {
            0 | 2 | 4 | 6 | 8 | 10 => b"\r\n",
            7 => b"\n\r\n \n",
            _ => b"\n",
        };
        out.extend(end);
    }
    // The last line has no end.
    out.pop();
    out
}

fn read(engine: &Engine, chunks: &[&[u8]]) -> (Vec<Diagnosis>, Summary) {
    let mut pipeline = Pipeline::new(engine);
    let source = pipeline.open("log");
    chunks.iter().for_each(|chunk| pipeline.push(source, chunk));
    pipeline.finish()
}

#[test]
fn p03_bytes_may_be_cut_anywhere() {
    let cuts = prop::collection::vec(0.0..1.0_f64, 0..40);
    hold("P3", SCENARIOS, (calm(), cuts, any::<bool>()), |(scenario, cuts, all)| {
        let texts = [("pack.yaml", scenario.rules.head()), ("x.yaml", scenario.rules.article())];
        let mut pack: Vec<(String, String)> = texts.map(|(path, text)| (path.to_owned(), text)).to_vec();
        pack.push(("inputs/lines.yaml".to_owned(), INPUT.to_owned()));
        let engine = compiled(pack, scenario.complete).unwrap();
        let bytes = bytes(&scenario.records);
        let mut cuts: Vec<usize> = cuts.iter().map(|share| (share * bytes.len() as f64) as usize).collect();
        if all {
            cuts = (0..bytes.len()).collect();
        }
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let (plain, other) = (read(&engine, &[&bytes]), read(&engine, &chunks));
        prop_assert_eq!(
            plain.1.records.read,
            plain.1.records.decoded + plain.1.records.skipped + plain.1.records.rejected_total()
        );
        prop_assert_eq!(plain, other);
        Ok(())
    });
}

/// Which of several runs an event goes to: that of its outermost subject.
fn share_of(event: &Event, runs: usize) -> usize {
    let hub = event.get("hub").and_then(|hub| hub.as_text()).unwrap_or_default();
    hub.bytes().map(usize::from).sum::<usize>() % runs
}

#[test]
fn p04_subjects_may_be_shared_out_among_runs() {
    let runs = prop::sample::select(vec![1_usize, 2, 3, 8]);
    hold("P4", SCENARIOS, (prop_oneof![calm(), usual()], runs), |(scenario, runs)| {
        let engine = scenario.engine();
        let mut events = scenario.events(&engine);
        // More hubs than two.
        let names = ["h1", "h2", "h3", "h4", "h5"];
        for (at, (_, event)) in events.iter_mut().enumerate().filter(|(at, _)| at % 3 == 2) {
            let hub = event.schema().id("hub").unwrap();
            if event.get("hub").is_some() {
                event.set(hub, Some(etiolog::Value::Text(names[at % 5].into())));
            }
        }
        let Some(end) = events.iter().map(|(_, event)| event.time()).max() else { return Ok(()) };
        let (mut plain, all) = engine_says(&engine, 1, &events);
        prop_assert_eq!(all.records.late + all.records.future, 0);
        let (mut shared, mut sums) = (Vec::new(), (0, 0, 0, 0, 0));
        for number in 0..runs {
            let mut run = engine.run();
            let source = run.open("0");
            for (_, event) in events.iter().filter(|(_, event)| share_of(event, runs) == number) {
                run.push(source, event.clone());
            }
            run.advance(end);
            let (diagnoses, summary) = run.finish();
            shared.extend(diagnoses);
            let records = &summary.records;
            sums.0 += records.decoded + records.skipped + records.duplicate;
            sums.1 += records.late + records.future;
            sums.2 += summary.explained;
            sums.3 += summary.benign;
            sums.4 += summary.unexplained;
        }
        plain.sort_by_key(|one| (one.subject.clone(), one.first_seen));
        shared.sort_by_key(|one| (one.subject.clone(), one.first_seen));
        prop_assert_eq!(&plain, &shared);
        let records = all.records.decoded + all.records.skipped + all.records.duplicate;
        prop_assert_eq!(sums, (records, 0, all.explained, all.benign, all.unexplained));
        Ok(())
    });
}

#[test]
fn p05_batches_of_any_size_are_one_batch() {
    let sizes = prop::collection::vec((1_usize..40, any::<bool>()), 1..20);
    hold("P5", SCENARIOS, (prop_oneof![calm(), usual()], sizes), |(scenario, sizes)| {
        let engine = scenario.engine();
        let events = scenario.events(&engine);
        let mut run = engine.run();
        let source = run.open("0");
        let (mut said, mut rest) = (Vec::new(), events.as_slice());
        for (size, advance) in sizes.into_iter().cycle() {
            let (batch, after) = rest.split_at(size.min(rest.len()));
            batch.iter().for_each(|(_, event)| run.push(source, event.clone()));
            said.extend(run.drain());
            let Some((_, next)) = after.first() else { break };
            if advance {
                run.advance(next.time().minus(Duration::from_nanos(1)));
            }
            rest = after;
        }
        let (last, summary) = run.finish();
        said.extend(last);
        let plain = engine_says(&engine, 1, &events);
        prop_assert_eq!(plain, (said, summary));
        Ok(())
    });
}
