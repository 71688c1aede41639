use std::panic;

use proptest::prelude::*;

use super::*;
use crate::input::{Format, Framing, Paths};
use crate::model::Summary;
use crate::output::{JsonLines, ReportKind, Style};
use crate::pack::Pack;
use crate::plugin::Registry;

const PACK: [(&str, &str); 4] = [
    (
        "pack.yaml",
        "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nidentity: record\n\
         subjects: [{name: site, quiet: 20m}, {name: unit, in: site, quiet: 10m}]\nproblem: {word: [drop, fault]}\n",
    ),
    (
        "a.yaml",
        "etiolog: 1\narticle: a\ntitle: A\nevents:\n  \
         drop: {word: drop}\n  back: {word: back}\n  large: {word: drop, where: event.size > 3}\n  \
         known: {code: 4xx}\nsymptoms:\n  \
         often: {title: O, per: unit, detect: {count: {event: drop, at-least: 2, within: 5m}}}\n  \
         heavy: {title: H, per: unit, detect: {count: {event: large, at-least: 1, within: 5m}}}\n  \
         away: {title: W, per: unit, detect: {absence: {event: back, since: drop, for: 1m}}}\n  \
         coded: {title: K, per: site, detect: {count: {event: known, at-least: 2, within: 5m}}}\n\
         causes:\n  \
         c: {title: C, severity: warning, explains: {often: always, away: often}}\n  \
         d: {title: D, severity: warning, explains: {heavy: always, coded: often}}\n",
    ),
    (
        "inputs/rows.yaml",
        "etiolog: 1\ninput: rows\ntitle: Rows\nformat: [json, csv]\nenvelope: [records]\nrecognise: [word]\n\
         time: {from: at}\nfields: {site: {from: site}, unit: {from: unit}, word: {from: word}, \
         size: {from: size, as: number}, code: {from: code, as: code}}\nrequire: [unit]\n",
    ),
    (
        "inputs/lines.yaml",
        "etiolog: 1\ninput: lines\ntitle: Lines\nformat: text\ndefault: true\ntime: {from: at}\n\
         head: '{at:word} {site:word} {unit:word} {message}'\ncontinued: true\n\
         lines: [{word: drop, template: 'dropped {size:number}'}, {word: back, template: 'back'}]\n\
         fields: {site: {from: site}, unit: {from: unit}, word: {from: word}, size: {from: size, as: number}}\n",
    ),
];

fn engine() -> Engine {
    remembering(1 << 30)
}

/// One that may remember so many bytes.
fn remembering(bytes: usize) -> Engine {
    let builder = Engine::builder().pack(Pack::from_texts(PACK)).memory(bytes);
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// How a record is written.
#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Csv,
    Text,
}

/// One record, well formed or not: seconds since the one before, unit, word, size, code, and how it is spoilt.
type Said = (i64, u8, &'static str, Option<i64>, Option<u16>, u8);

fn said() -> impl Strategy<Value = Said> {
    (
        prop::sample::select(vec![0, 1, 5, 20, 40, 90, 700, -30, -2_000, 90_000]),
        0..4_u8,
        prop::sample::select(vec!["drop", "drop", "back", "fault", "noise"]),
        prop::option::of(0..8_i64),
        prop::option::of(prop::sample::select(vec![404_u16, 418, 500])),
        0..24_u8,
    )
}

fn file(form: Form, said: &[Said]) -> Vec<u8> {
    let mut text = match form {
        Form::Csv => "at,site,unit,word,size,code\n".to_owned(),
        Form::Json | Form::Text => String::new(),
    };
    let mut second = 3_000_000;
    for (gap, unit, word, size, code, spoilt) in said {
        second = (second + gap).clamp(2_900_000, 9_000_000);
        let at = format!(
            "1970-02-{:02}T{:02}:{:02}:{:02}Z",
            1 + second / 86_400 % 28,
            second / 3_600 % 24,
            second / 60 % 60,
            second % 60
        );
        let site = unit / 2;
        let size = size.map(|size| size.to_string()).unwrap_or_default();
        let code = code.map(|code| code.to_string()).unwrap_or_default();
        let record = match form {
            Form::Json => format!(
                r#"{{"at":"{at}","site":"s{site}","unit":"u{unit} of a very long name indeed","word":"{word}","size":{},"code":"{code}"}}"#,
                if size.is_empty() { "null" } else { &size }
            ),
            Form::Csv => format!("{at},s{site},u{unit},{word},{size},{code}"),
            Form::Text if *word == "drop" => format!("{at} s{site} u{unit} dropped {size}"),
            Form::Text => format!("{at} s{site} u{unit} {word}"),
        };
        text += &match (spoilt, form) {
            (0, _) => record.get(..record.len() / 2).unwrap_or_default().to_owned(),
            (1, _) => format!("{record}\n{record}"),
            (2, _) => format!("what is this\n{record}"),
            (3, _) => format!("\n\n{record}\r"),
            (4, Form::Json) => record.replace(',', ",\n  "),
            (5, Form::Json) => format!("{{\"records\":[{record},\n{record}]}}"),
            (6, Form::Json) => record.replace("unit", "other"),
            (7, Form::Json) => record.replace("1970", "197\\u0030"),
            (8, _) => record.replace("1970", "soon"),
            (9, _) => format!("{record} and more\u{0}\u{1}\u{2}"),
            (10, _) => format!("{}{record}", "x".repeat(400)),
            _ => record,
        };
        text.push('\n');
    }
    text.into_bytes()
}

/// Everything that can be seen of a run: what is drained after each push, what is kept then, and the end.
fn seen(engine: &Engine, files: &[Vec<u8>], chunk: usize, (threads, piece): (usize, usize)) -> Vec<Vec<u8>> {
    let mut pipeline = Pipeline::new(engine).with_threads(threads);
    assert_eq!(pipeline.crew.is_some(), threads > 1);
    if let Some(crew) = &mut pipeline.crew {
        crew.piece = piece;
    }
    let mut report = JsonLines.open(Style::default());
    let mut seen = vec![Vec::new()];
    let mut tell = |diagnoses: Vec<crate::model::Diagnosis>, seen: &mut Vec<Vec<u8>>| {
        for diagnosis in diagnoses {
            let written = seen.last_mut().map(|last| report.diagnosis(&diagnosis, last));
            assert!(written.is_some_and(|written| written.is_ok()));
        }
    };
    let sources: Vec<_> = (0..files.len()).map(|at| pipeline.open(&format!("source {at}"))).collect();
    let mut rest: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    while rest.iter().any(|rest| !rest.is_empty()) {
        for (source, rest) in sources.iter().zip(&mut rest) {
            let (now, later) = rest.split_at(chunk.min(rest.len()));
            *rest = later;
            pipeline.push(*source, now);
            tell(pipeline.drain(), &mut seen);
            let kept = pipeline.checkpoint().map(|kept| kept.to_bytes()).unwrap_or_default();
            assert!(!kept.is_empty());
            seen.extend([kept, Vec::new()]);
        }
    }
    let (diagnoses, summary) = pipeline.finish();
    tell(diagnoses, &mut seen);
    seen.push(format!("{summary:?}").into_bytes());
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_that_can_be_seen_depends_on_the_number_of_threads(
        files in prop::collection::vec(
            (prop::sample::select(vec![Form::Json, Form::Json, Form::Csv, Form::Text]), prop::collection::vec(said(), 0..60)),
            1..4,
        ),
        chunk in 1..3_000_usize,
        piece in 1..500_usize,
    ) {
        let engine = engine();
        let files: Vec<Vec<u8>> = files.iter().map(|(form, said)| file(*form, said)).collect();
        let one = seen(&engine, &files, chunk, (1, piece));
        for threads in [2, 3, 8] {
            prop_assert!(seen(&engine, &files, chunk, (threads, piece)) == one, "{} threads", threads);
        }
    }
}

/// Records of many units on many sites, which come and go.
fn crowd(seed: u64, records: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut text = String::new();
    let mut second = 0;
    for _ in 0..records {
        second += next(20);
        let (site, unit) = (next(24), next(40));
        let unit = if next(12) == 0 { String::new() } else { format!("u{unit}") };
        let word = ["drop", "drop", "back", "fault"][usize::try_from(next(4)).unwrap_or(0)];
        let (day, hour, minute) = (1 + second / 86_400, second / 3_600 % 24, second / 60 % 60);
        let at = format!("1970-02-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60);
        let code = if next(3) == 0 { 404 } else { 200 };
        text += &format!(
            "{{\"at\":\"{at}\",\"site\":\"s{site}\",\"unit\":\"{unit}\",\"word\":\"{word}\",\"code\":\"{code}\"}}\n"
        );
    }
    text.into_bytes()
}

#[test]
fn what_is_forgotten_does_not_depend_on_the_number_of_threads() {
    let (mut evicted, mut hurried) = (0, 0);
    for (seed, bytes) in [(1, 1 << 21), (2, 1 << 20), (3, 1 << 19), (4, 1 << 17), (5, 1 << 15), (6, 0)] {
        let engine = remembering(bytes);
        let files = [crowd(seed, 2_000), crowd(seed + 100, 1_000)];
        let mut pipeline = Pipeline::new(&engine);
        pipeline.read("one", &files[0][..]);
        let summary = pipeline.finish().1;
        evicted += summary.evicted;
        hurried += summary.hurried;
        let one = seen(&engine, &files, 20_000, (1, 700));
        for threads in [2, 3, 8] {
            assert!(seen(&engine, &files, 20_000, (threads, 700)) == one, "{bytes} bytes, {threads} threads");
        }
    }
    assert!(evicted > 1_000 && hurried > 100, "{evicted} {hurried}");
}

#[test]
fn made_up_files_hold_what_the_property_is_about() {
    let said: Vec<Said> = (0..48)
        .map(|n| (20, n % 4, ["drop", "drop", "back"][usize::from(n % 3)], Some(7), Some(404), n / 2))
        .collect();
    for form in [Form::Json, Form::Csv, Form::Text] {
        let mut pipeline = Pipeline::new(&engine());
        pipeline.read("file", &file(form, &said)[..]);
        let (diagnoses, summary) = pipeline.finish();
        assert!(!diagnoses.is_empty(), "{form:?}");
        assert!(summary.records.decoded > 20 && summary.records.rejected_total() > 1, "{form:?} {summary:?}");
    }
}

/// Reads lines of which each is a record at the same time; one word makes it panic, and another makes it panic so badly
/// that it cannot even be thrown away.
#[derive(Debug)]
struct Hostile;

struct Worse;

impl Drop for Worse {
    fn drop(&mut self) {
        assert!(thread::panicking(), "worse");
    }
}

impl Format for Hostile {
    fn name(&self) -> &'static str {
        "hostile"
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn decode(&self, record: &[u8], _: &Paths, _: &mut Row) -> Result<(), Reject> {
        match record {
            b"bad" => panic::panic_any("bad"),
            b"worse" => panic::panic_any(Worse),
            _ => Err(Reject::Malformed),
        }
    }
}

/// What becomes of lines that are read by two threads.
fn hostile(lines: &str) -> thread::Result<Summary> {
    let mut registry = Registry::builtin();
    registry.format(Hostile);
    let rows = |text: &str| text.replace("format: [json, csv]\nenvelope: [records]\n", "format: hostile\n");
    let pack = PACK.into_iter().take(3).map(|(name, text)| (name, rows(text)));
    let engine = Engine::builder().registry(registry).pack(Pack::from_texts(pack)).build();
    let engine = engine.unwrap_or_else(|error| panic!("{error}"));
    let mut pipeline = Pipeline::new(&engine).with_threads(2);
    if let Some(crew) = &mut pipeline.crew {
        crew.piece = 10;
    }
    panic::catch_unwind(AssertUnwindSafe(|| {
        pipeline.read("lines", lines.as_bytes());
        pipeline.finish().1
    }))
}

#[test]
fn a_format_that_panics_on_a_thread_spoils_one_record() {
    let summary = hostile(&"good\nbad\n".repeat(500)).unwrap_or_else(|_| panic!("it panics"));
    assert_eq!(summary.records.rejected.get(&Reject::Plugin), Some(&500));
    assert_eq!(summary.records.rejected.get(&Reject::Malformed), Some(&500));
}

#[test]
fn what_a_thread_dies_of_the_caller_dies_of_and_does_not_wait_for() {
    assert!(hostile(&"good\nworse\n".repeat(500)).is_err());
}

#[test]
fn one_thread_is_the_callers() {
    let pipeline = Pipeline::new(&engine());
    assert!(pipeline.crew.is_none());
    assert!(pipeline.with_threads(0).with_threads(1).crew.is_none());
}
