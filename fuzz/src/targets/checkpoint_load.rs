//! A checkpoint: refused, or taken in, gone on from, and saved again.
//!
//! After `r` the bytes stand for a whole checkpoint; after `s` or `o` for its sections, each with its number, two bytes of
//! length and what is in it, which are then sealed as if they had been written so. `o` takes them in by other rules.

use std::sync::LazyLock;
use std::time::Duration;

use etiolog::{Checkpoint, Engine, Event, Pack, Pipeline, Timestamp};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nidentity: record\nties: any\n\
    subjects: [{name: site, quiet: 2h}, {name: unit, in: site, quiet: 2h}]\nproblem: {word: a}\n";
const INPUT: &str = "etiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {from: t}\n\
    fields: {site: {from: s}, unit: {from: u}, word: {from: w}, size: {from: n, as: number}}\n";
/// Every detector that there is.
const DETECTORS: [(&str, &str); 10] = [
    ("unit", "{occurrence: {event: a, among: b}}"),
    ("unit", "{count: {event: a, at-least: 3, within: 10m}}"),
    ("unit", "{sequence: [a, {never: c}, b, b], within: 10m}"),
    ("unit", "{sequence: [a, {never: b}], within: 10m}"),
    ("unit", "{sequence: [{maybe: c}, a, b], order: any, within: 10m}"),
    ("unit", "{session: {opens: a, closes: b, at-least: 2}}"),
    ("unit", "{periodic: {event: a, period: 1m..2h}}"),
    ("site", "{distinct: {event: a, of: unit, at-least: 2, within: 10m}}"),
    ("site", "{surge: {event: a, distinct: unit, bucket: 1m, at-least: 2}}"),
    ("site", "{dip: {gauge: {opens: a, closes: b, of: unit}, bucket: 1m, population: 1}}"),
];

/// The rules, and others of which some are the same.
static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    let changed = |text: &str| text.replace("10m", "20m");
    [engine(&|text| text.to_owned()), engine(&changed)]
});

fn engine(change: &dyn Fn(&str) -> String) -> Engine {
    let mut article = String::from(
        "etiolog: 1\narticle: x\ntitle: X\nevents: {a: {word: a}, b: {word: b}, c: {word: c, size: {at-least: 1}}}\nsymptoms:\n",
    );
    let mut explains = Vec::new();
    for (number, (per, detect)) in DETECTORS.iter().enumerate() {
        article += &format!("  s{number}: {{title: S, per: {per}, detect: {}}}\n", change(detect));
        explains.push(format!("s{number}: often"));
    }
    article +=
        &format!("causes:\n  c: {{title: C, severity: warning, explains: {{{}}}}}\n", explains.join(", "));
    let pack = Pack::from_texts([("pack.yaml", PACK), ("inputs/i.yaml", INPUT), ("x.yaml", &article)]);
    let built = Engine::builder().pack(pack).lateness(Duration::from_secs(60)).build();
    built.unwrap_or_else(|problems| panic!("{problems}"))
}

/// Panics when a checkpoint that is taken in cannot be gone on from, or is another one when it is saved again.
pub fn run(data: &[u8]) {
    let [kind, bytes @ ..] = data else { return };
    let sealed = if *kind == b'r' { bytes.to_vec() } else { seal(bytes) };
    let Ok(checkpoint) = Checkpoint::from_bytes(&sealed) else { return };
    if *kind == b'r' {
        assert_eq!(checkpoint.to_bytes(), sealed, "whole checkpoints are canonical");
    }
    let engine = &ENGINES[usize::from(*kind == b'o')];
    if let Ok(run) = engine.restore(std::slice::from_ref(&checkpoint))
        && let Ok(saved) = run.checkpoint()
    {
        // What was made up may be put right when it is taken in, but only once.
        let again = engine.restore(&[reread(&saved)]).expect("what was saved can be taken in");
        let again = again.checkpoint().expect("nothing is ready");
        assert!(again.to_bytes() == saved.to_bytes(), "it is another one when it is saved again");
    }
    if let Ok(mut run) = engine.restore(std::slice::from_ref(&checkpoint)) {
        let source = run.open("more");
        for (second, word, unit) in [(0, "a", "u"), (30, "b", "u"), (400, "a", "v"), (9_000, "c", "u")] {
            run.push(source, event(engine, second, word, unit));
        }
        run.drain();
        assert!(run.checkpoint().is_ok(), "everything was taken");
        run.finish();
    }
    if let Ok(mut pipeline) = Pipeline::restore(engine, &checkpoint) {
        for progress in pipeline.progress() {
            pipeline.again(progress.source);
            pipeline.push(
                progress.source,
                b"{\"t\":\"2001-09-09T03:00:00Z\",\"s\":\"n\",\"u\":\"u\",\"w\":\"a\"}\n",
            );
        }
        pipeline.finish();
    }
}

fn reread(checkpoint: &Checkpoint) -> Checkpoint {
    Checkpoint::from_bytes(&checkpoint.to_bytes()).expect("what was written can be read")
}

fn event(engine: &Engine, second: i64, word: &str, unit: &str) -> Event {
    let time = Timestamp::from_seconds(1_000_000_000 + second).expect("a time");
    engine
        .event(time)
        .field("site", "n")
        .field("unit", unit)
        .field("word", word)
        .field("size", second)
        .build()
}

/// Sections as the library writes them: with their hashes, and with one at the end that closes the file.
fn seal(mut bytes: &[u8]) -> Vec<u8> {
    let mut sealed = b"etiolog\0\x01\0\0\0".to_vec();
    while let [number, low, high, rest @ ..] = bytes {
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (state, after) = rest.split_at(len);
        section(&mut sealed, u32::from(*number), state);
        bytes = after;
    }
    let all = xxh3_128(&sealed).to_le_bytes();
    section(&mut sealed, u32::MAX, &all);
    sealed
}

fn section(sealed: &mut Vec<u8>, number: u32, state: &[u8]) {
    let mut hash = Xxh3::new();
    hash.update(&number.to_le_bytes());
    hash.update(state);
    sealed.extend(number.to_le_bytes());
    sealed.extend((state.len() as u64).to_le_bytes());
    sealed.extend(hash.digest128().to_le_bytes());
    sealed.extend(state);
}

/// What stands for the checkpoint of a stream of so many events, behind `s`: something to begin from.
pub fn sample(events: u32) -> Vec<u8> {
    let mut pipeline = Pipeline::new(&ENGINES[0]);
    let source = pipeline.open("log");
    pipeline.file(source, "log");
    let mut second = 0;
    for number in 0..events {
        // Regular for a while, then all at once.
        second += if number % 40 < 30 { 300 } else { number % 3 * 7 };
        let (word, unit) =
            (["a", "b", "a", "b", "c"][number as usize % 5], ["u", "v", "w"][number as usize / 5 % 3]);
        let time = Timestamp::from_seconds(1_000_000_000 + i64::from(second)).expect("a time");
        let line = format!(
            "{{\"t\":\"{time}\",\"s\":\"n\",\"u\":\"{unit}\",\"w\":\"{word}\",\"n\":{}}}\n",
            number % 2
        );
        pipeline.push(source, line.as_bytes());
    }
    pipeline.drain();
    let whole = pipeline.checkpoint().expect("nothing is ready").to_bytes();
    let mut rest = &whole[12..];
    let mut sample = vec![b's'];
    while let Some((head, after)) = rest.split_at_checked(28) {
        let len = u64::from_le_bytes(std::array::from_fn(|at| head[4 + at]));
        let (state, after) = after.split_at(usize::try_from(len).expect("in memory"));
        if head[..4] != [0xff; 4] {
            sample.push(head[0]);
            sample.extend(u16::try_from(len).expect("a small state").to_le_bytes());
            sample.extend(state);
        }
        rest = after;
    }
    sample
}

/// Whether what stands for a checkpoint is taken in by the rules that it was made by.
pub fn is_taken_in(sample: &[u8]) -> bool {
    let checkpoint = Checkpoint::from_bytes(&seal(sample.get(1..).unwrap_or_default()));
    checkpoint.is_ok_and(|checkpoint| Pipeline::restore(&ENGINES[0], &checkpoint).is_ok())
}
