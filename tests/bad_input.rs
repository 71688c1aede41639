//! Bad input by name: counted with a reason and a place, and the good records around it are used.

use std::io::{self, Read, Write};
use std::sync::LazyLock;

use etiolog::model::Reject;
use etiolog::{Diagnosis, Engine, Pack, Pipeline, Summary, Timestamp};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let as_of = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).as_of(as_of).build().unwrap()
});

fn run(bytes: impl Read) -> (Vec<Diagnosis>, Summary) {
    let mut pipeline = Pipeline::new(&ENGINE);
    pipeline.read("log", bytes);
    let (diagnoses, summary) = pipeline.finish();
    assert!(summary.records.balance(), "{:?}", summary.records);
    (diagnoses, summary)
}

/// A good record; `second` sets its time.
fn good(second: u32) -> String {
    format!(
        r#"{{"time":"2026-03-04T08:22:{second:02}Z","resourceId":"/X/IOTHUBS/H","operationName":"deviceConnect","level":"Error","resultType":"500001","properties":"{{\"deviceId\":\"d1\"}}"}}"#
    )
}

/// The reason, line and offset of the only rejected record.
fn only_reject(summary: &Summary) -> (Reject, u64, u64) {
    assert_eq!(summary.records.rejected_total(), 1, "{:?}", summary.records.rejected);
    let sample = summary.samples.first().unwrap();
    (sample.reason, sample.line, sample.offset)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_empty_file_holds_no_records_and_is_no_fault() {
    let (diagnoses, summary) = run(io::empty());
    assert!(diagnoses.is_empty());
    assert_eq!((summary.records.read, summary.bytes), (0, 0));
}

#[test]
fn a_binary_file_is_rejected_as_not_text() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let (_, summary) = run(&bytes[..]);
    assert!(summary.records.rejected.contains_key(&Reject::Binary), "{:?}", summary.records);
    assert_eq!(summary.records.decoded, 0);
}

#[test]
fn utf_16_is_named_as_such() {
    let bytes: Vec<u8> =
        "\u{feff}".chars().chain(good(1).chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    assert_eq!(only_reject(&run(&bytes[..]).1).0, Reject::Utf16);
}

#[test]
fn a_lone_surrogate_does_not_hide_its_record() {
    let record = good(1).replace("d1", "d\\\\ud8001");
    let (diagnoses, summary) = run(record.as_bytes());
    assert_eq!((summary.records.decoded, summary.records.rejected_total()), (1, 0));
    assert_eq!(diagnoses[0].subject.id(), "d\u{fffd}1");
}

#[test]
fn a_truncated_gzip_stream_gives_what_it_holds_and_says_so() {
    let text: String = (0..50).map(|second| good(second) + "\n").collect();
    let whole = gzip(text.as_bytes());
    let (_, summary) = run(&whole[..whole.len() - 20]);
    assert_eq!(summary.records.rejected.get(&Reject::Truncated), Some(&1));
    for cut in 0..whole.len() {
        run(&whole[..cut]);
    }
}

#[test]
fn a_line_of_100_megabytes_is_skipped_and_the_next_record_is_read() {
    let long = io::repeat(b'x').take(100 << 20);
    let before = good(1) + "\n{\"time\":\"";
    let after = format!("\"}}\n{}\n", good(2));
    let (_, summary) = run(before.as_bytes().chain(long).chain(after.as_bytes()));
    assert_eq!(only_reject(&summary), (Reject::Oversize, 2, good(1).len() as u64 + 1));
    assert_eq!(summary.records.decoded, 2);
}

#[test]
fn a_hundred_thousand_brackets_are_one_fault() {
    let deep = format!("{}\n{{\"a\":{}\n{}\n", good(1), "[".repeat(100_000), good(2));
    let (_, summary) = run(deep.as_bytes());
    assert_eq!(only_reject(&summary).1, 2);
    assert_eq!(summary.records.decoded, 2, "{:?}", summary.records);
    let closed =
        format!("{}\n{{\"a\":{}{}}}\n{}\n", good(1), "[".repeat(100_000), "]".repeat(100_000), good(2));
    let (_, summary) = run(closed.as_bytes());
    assert_eq!(only_reject(&summary).0, Reject::TooDeep);
    assert_eq!(summary.records.decoded, 2);
}

#[test]
fn a_stamp_in_the_year_9999_drags_nothing_along() {
    let text = format!("{}\n{}\n{}\n", good(1), good(2).replace("2026-03", "9999-03"), good(3));
    let (_, summary) = run(text.as_bytes());
    assert_eq!(only_reject(&summary), (Reject::TimeRange, 2, good(1).len() as u64 + 1));
    assert_eq!(summary.records.decoded, 2);
}

#[test]
fn a_stamp_from_the_future_drags_nothing_along() {
    for year in ["2026-07", "2099-03"] {
        let text = format!("{}\n{}\n{}\n", good(1), good(2).replace("2026-03", year), good(3));
        let (_, summary) = run(text.as_bytes());
        assert_eq!((summary.records.future, summary.records.decoded), (1, 2), "{:?}", summary.records);
        assert!(summary.horizon.is_some());
    }
}

#[test]
fn one_stamp_within_the_horizon_but_days_ahead_needs_a_witness() {
    let ahead = |second| good(second).replace("2026-03-04", "2026-05-04");
    let alone = format!("{}\n{}\n{}\n", good(1), ahead(2), good(3));
    let (_, summary) = run(alone.as_bytes());
    assert_eq!((summary.records.future, summary.records.decoded, summary.records.late), (1, 2, 0));
    let agreed = format!("{}\n{}\n{}\n", good(1), ahead(2), ahead(3));
    let (_, summary) = run(agreed.as_bytes());
    assert_eq!((summary.records.future, summary.records.decoded), (0, 3));
}

#[test]
fn a_missing_or_unreadable_time_is_counted_and_located() {
    let none = good(2).replace("\"time\"", "\"tame\"");
    let (_, summary) = run(format!("{}\n{none}\n", good(1)).as_bytes());
    assert_eq!(only_reject(&summary), (Reject::NoTime, 2, good(1).len() as u64 + 1));
    let odd = good(2).replace("2026-03-04T", "yesterday ");
    let (_, summary) = run(format!("{}\n{odd}\n", good(1)).as_bytes());
    assert_eq!(only_reject(&summary).0, Reject::BadTime);
}

#[test]
fn a_truncated_line_does_not_swallow_the_next() {
    let text = format!("{}\n{}\n{}\n", good(1), &good(2)[..60], good(3));
    let (_, summary) = run(text.as_bytes());
    assert_eq!(only_reject(&summary).1, 2);
    assert_eq!(summary.records.decoded, 2);
}

#[test]
fn properties_may_be_text_an_object_or_broken() {
    let object = good(2).replace(r#""{\"deviceId\":\"d1\"}""#, r#"{"deviceId":"d2"}"#);
    let broken = good(3).replace(r#"\"d1\"}""#, r#"\"d3\",\"x\": : \"y\"}""#);
    let (diagnoses, summary) = run(format!("{}\n{object}\n{broken}\n", good(1)).as_bytes());
    let mut devices: Vec<&str> = diagnoses.iter().map(|diagnosis| diagnosis.subject.id()).collect();
    devices.sort_unstable();
    assert_eq!(devices, ["d1", "d2", "d3"]);
    assert_eq!((summary.partial, summary.records.rejected_total()), (1, 0));
}

#[test]
fn a_zstd_stream_and_a_gzip_stream_of_two_members_read_like_the_text() {
    let text = format!("{}\n{}\n", good(1), good(2));
    let plain = run(text.as_bytes());
    let (first, second) = text.as_bytes().split_at(100);
    let members = [gzip(first), gzip(second)].concat();
    assert_eq!(run(&members[..]).0, plain.0);
    let zstd =
        ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    assert_eq!(run(&zstd[..]).0, plain.0);
}

#[test]
fn the_envelope_of_a_message_reads_like_lines() {
    let lines = format!("{}\n{}\n", good(1), good(2));
    let envelope = format!("{{\"records\": [\n {},\r\n {} ]}}", good(1), good(2));
    let projected = |(diagnoses, summary): (Vec<Diagnosis>, Summary)| {
        let ids: Vec<_> = diagnoses.iter().map(|d| (d.id.clone(), d.verdict.clone())).collect();
        (ids, summary.records.decoded)
    };
    assert_eq!(projected(run(envelope.as_bytes())), projected(run(lines.as_bytes())));
}
