//! A program that reads logs may stop anywhere and go on later.

use std::io::Read;

use etiolog::{Checkpoint, Diagnosis, Engine, Expand, Pack, Pipeline, SourceId, Summary};

/// The sample day, unpacked.
fn day() -> Vec<u8> {
    let packed = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/fleet-day.jsonl.gz")).unwrap();
    let mut bytes = Vec::new();
    Expand::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn said(pipeline: Pipeline, mut diagnoses: Vec<Diagnosis>) -> (Vec<Diagnosis>, Summary) {
    let (rest, summary) = pipeline.finish();
    diagnoses.extend(rest);
    (diagnoses, summary)
}

#[test]
fn reading_may_stop_at_any_byte_and_go_on_from_the_checkpoint() {
    stops_and_goes_on(|pipeline, source, bytes, stop| {
        pipeline.again(source);
        pipeline.push(source, &bytes[..stop]);
    });
}

#[test]
fn what_was_read_is_not_read_again_but_for_the_record_under_way() {
    stops_and_goes_on(|pipeline, source, bytes, stop| {
        let from = stop - usize::try_from(pipeline.go_on(source)).unwrap();
        let lines = bytes[from..stop].iter().filter(|byte| **byte == b'\n').count();
        assert!(lines <= 1 && (from == 0 || bytes[from - 1] == b'\n'), "{from} to {stop}: {lines} lines");
        pipeline.push(source, &bytes[from..stop]);
    });
}

/// Reads an eighth of the day with seven stops; `go_on` pushes again what was pushed up to `stop` as it has to be.
fn stops_and_goes_on(go_on: impl Fn(&mut Pipeline, SourceId, &[u8], usize)) {
    let engine = Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap();
    let bytes = day();
    let bytes = &bytes[..bytes.len() / 8];
    let mut plain = Pipeline::new(&engine);
    plain.read("day.jsonl", bytes);
    let plain = said(plain, Vec::new());
    let mut diagnoses = Vec::new();
    let mut pipeline = Pipeline::new(&engine);
    let source = pipeline.open("day.jsonl");
    pipeline.file(source, "day.jsonl");
    let mut taken = 0;
    for stop in 1..8 {
        // Anywhere: in the middle of a record, of a word, of nothing.
        let stop = bytes.len() * stop / 8 + stop * 7;
        pipeline.push(source, &bytes[taken..stop]);
        taken = stop;
        diagnoses.extend(pipeline.drain());
        let saved = pipeline.checkpoint().unwrap().with_host(b"mine".to_vec()).to_bytes();
        let checkpoint = Checkpoint::from_bytes(&saved).unwrap();
        assert_eq!(checkpoint.host(), b"mine");
        pipeline = Pipeline::restore(&engine, &checkpoint).unwrap();
        let progress = pipeline.progress();
        assert_eq!((progress.len(), progress[0].file.as_deref()), (1, Some("day.jsonl")));
        go_on(&mut pipeline, source, bytes, stop);
    }
    pipeline.push(source, &bytes[taken..]);
    assert_eq!(said(pipeline, diagnoses), plain);
}
