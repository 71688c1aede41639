//! One thing said in several ways: conditions natively and as expressions, records in every form, answers as text and as
//! JSON.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::LazyLock;

use etiolog::detector::Definition;
use etiolog::output::Style;
use etiolog::{Diagnosis, Engine, Event, Pack, Pipeline, Summary, Timestamp, Value};
use proptest::prelude::*;
use serde_json::Value as Json;

/// P13: classes as conditions of their own and as expressions that say the same. The values of a field are of the kind
/// that its conditions ask for: of others each says in its own way that it cannot tell.
const FORMS: [(&str, &str); 14] = [
    ("{word: open}", "event.word == \"open\""),
    ("{word: [open, shut]}", "event.word == \"open\" || event.word == \"shut\""),
    ("{word: {not: open}}", "event.word != \"open\""),
    ("{word: {not: [open, shut]}}", "!(event.word in [\"open\", \"shut\"])"),
    ("{word: {like: 'o*'}}", "event.word.starts_with(\"o\")"),
    ("{word: {like: '*e*'}}", "event.word.contains(\"e\")"),
    ("{size: 7}", "event.size == 7"),
    ("{size: {not: 7}}", "event.size != 7"),
    ("{size: {at-least: 6.5}}", "event.size >= 6.5"),
    ("{size: {not: {at-most: 7}}}", "event.size > 7"),
    ("{code: 4xx}", "event.code >= 400 && event.code <= 499"),
    ("{code: [7, 500..599]}", "event.code == 7 || event.code in 500..=599"),
    ("{ok: true}", "event.ok"),
    (
        "{word: shut, size: {at-least: 7}, ok: false}",
        "event.word == \"shut\" && event.size >= 7 && !event.ok",
    ),
];

const DETECTORS: [&str; 5] = [
    "{count: {event: a, at-least: 2, within: 10s}}",
    "{sequence: [a, b], within: 10s}",
    "{sequence: [a, {never: b}], within: 10s}",
    "{sequence: [{maybe: b}, a, a], order: any, within: 60s}",
    "{session: {opens: a, closes: b, at-least: 1}}",
];

fn engine_of(classes: &[(&str, String)], detectors: &[&str]) -> Result<Engine, etiolog::Error> {
    let pack = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: unit, quiet: 60s}]\nproblem: {word: open}\n";
    let used = |name: &str| {
        let words = detectors.iter().flat_map(|detect| detect.split(|c: char| !c.is_ascii_alphanumeric()));
        words.into_iter().any(|word| word == name)
    };
    let mut article = String::from("etiolog: 1\narticle: x\ntitle: X\nevents:\n");
    for (name, class) in classes.iter().filter(|(name, _)| used(name)) {
        article += &format!("  {name}: {class}\n");
    }
    article += "symptoms:\n";
    for (number, detect) in detectors.iter().enumerate() {
        article += &format!("  s{number}: {{title: S, per: unit, detect: {detect}}}\n");
    }
    let explains: Vec<String> = (0..detectors.len()).map(|number| format!("s{number}: often")).collect();
    article +=
        &format!("causes:\n  c: {{title: C, severity: warning, explains: {{{}}}}}\n", explains.join(", "));
    Engine::builder().pack(Pack::from_texts([("pack.yaml", pack.to_owned()), ("x.yaml", article)])).build()
}

/// What is seen: seconds since the last, unit, and the fields that are there.
type Seen = (i64, u8, Option<&'static str>, Option<Value>, Option<i64>, Option<bool>);

fn seen() -> impl Strategy<Value = Vec<Seen>> {
    let sizes = [0.0, 6.5, 7.0, 7.000_000_000_000_001, -1.0, 9_007_199_254_740_993.0];
    let size = prop_oneof![
        prop::sample::select(vec![0, 6, 7, 8, i64::MAX, i64::MIN]).prop_map(Value::from),
        prop::sample::select(sizes.to_vec()).prop_map(Value::from),
    ];
    let one = (
        prop::sample::select(vec![0, 0, 1, 9, 10, 11, 61]),
        0..2_u8,
        prop::option::weighted(0.9, prop::sample::select(vec!["open", "shut", "", "O", "open ", "é"])),
        prop::option::weighted(0.8, size),
        prop::option::weighted(0.8, prop::sample::select(vec![7, 399, 400, 499, 500, 599, 600])),
        prop::option::weighted(0.8, any::<bool>()),
    );
    prop::collection::vec(one, 0..16)
}

fn events(engine: &Engine, seen: &[Seen]) -> Vec<Event> {
    let mut second = 1_000_000;
    let event = |(gap, unit, word, size, code, ok): &Seen| {
        second += gap;
        let mut event =
            engine.event(Timestamp::from_seconds(second).unwrap()).field("unit", i64::from(*unit));
        if let Some(word) = word {
            event = event.field("word", *word);
        }
        if let Some(size) = size {
            event = event.field("size", size.clone());
        }
        if let Some(code) = code {
            event = event.field("code", *code);
        }
        if let Some(ok) = ok {
            event = event.field("ok", *ok);
        }
        event.build()
    };
    seen.iter().map(event).collect()
}

fn say(engine: &Engine, events: &[Event]) -> (Vec<Diagnosis>, Summary) {
    let mut run = engine.run();
    let source = run.open("s");
    for (place, event) in (1..).zip(events) {
        let mut event = event.clone();
        event.set_origin(etiolog::model::Origin { file: 0, line: place, offset: place });
        run.push(source, event);
    }
    run.finish()
}

proptest! {
    /// The conditions are asked through the engine's sieve, which remembers answers; the expressions are asked each time.
    #[test]
    fn p13_a_condition_and_the_expression_that_says_the_same_give_one_answer(
        a in prop::sample::select(FORMS.to_vec()), b in prop::sample::select(FORMS.to_vec()),
        detect in prop::sample::subsequence(DETECTORS.to_vec(), 1..4), seen in seen(),
    ) {
        let own = |(native, _): (&str, &str)| native.to_owned();
        let rhai = |(_, source): (&str, &str)| format!("{{where: '{source}'}}");
        let native = engine_of(&[("a", own(a)), ("b", own(b))], &detect);
        // Two detectors of one kind, or `a` and `b` alike: refused, and either way.
        let Ok(native) = native else { return Ok(()) };
        let plain = say(&native, &events(&native, &seen));
        for (one, other) in [(rhai(a), own(b)), (own(a), rhai(b)), (rhai(a), rhai(b))] {
            let mixed = engine_of(&[("a", one), ("b", other)], &detect).unwrap();
            let (diagnoses, mut summary) = say(&mixed, &events(&mixed, &seen));
            // Only expressions are counted by name when they cannot tell.
            summary.unknown_predicates.clear();
            prop_assert_eq!(&plain.0, &diagnoses);
            prop_assert_eq!(format!("{:?}", plain.1), format!("{:?}", summary));
        }
    }

    /// P13: what the sieve of the engine says, and what each class says by itself, which is how `Plan::classes_of` asks.
    #[test]
    fn p13_the_sieve_says_what_every_class_says_by_itself(
        forms in prop::sample::subsequence(FORMS.to_vec(), 2..8), seen in seen(), many in any::<bool>(),
    ) {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let classes: Vec<(&str, String)> =
            names.into_iter().zip(&forms).map(|(name, (native, _))| (name, (*native).to_owned())).collect();
        let detect: Vec<String> = classes.iter().map(|(name, _)| format!("{{occurrence: {{event: {name}}}}}")).collect();
        let detect: Vec<&str> = detect.iter().map(String::as_str).collect();
        let engine = engine_of(&classes, &detect).unwrap();
        let mut events = events(&engine, &seen);
        // More values than the sieve remembers, and then the first ones again.
        if many {
            let time = events.last().map_or(Timestamp::MIN, Event::time);
            let flood = (0..5_000).map(|n| engine.event(time).field("unit", "flood").field("size", n).field("word", n.to_string()).build());
            let again = events.clone();
            events.extend(flood.chain(again.into_iter().map(|mut event| { event.set_time(time); event })));
        }
        // A unit of its own for each event.
        let unit = engine.plan().schema().level_field(0).unwrap();
        for (number, event) in (0..).zip(&mut events) {
            event.set(unit, Some(Value::Int(number)));
        }
        let (diagnoses, _) = say(&engine, &events);
        let said: BTreeSet<(String, String)> = diagnoses
            .iter()
            .flat_map(|d| d.present().map(|s| (d.subject.id().to_owned(), s.id.to_string())))
            .collect();
        let mut expected = BTreeSet::new();
        for (number, event) in events.iter().enumerate() {
            let own = engine.plan().classes_of(event);
            for symptom in engine.plan().symptoms() {
                let Some(Definition::Occurrence { event, .. }) = symptom.detector().definition() else { panic!() };
                if own.contains(&event) {
                    expected.insert((number.to_string(), symptom.id.to_string()));
                }
            }
        }
        prop_assert_eq!(said, expected);
    }
}

const PACK: &str = "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nsubjects: [{name: site, quiet: 1h}, {name: unit, in: site, quiet: 1h}]\nproblem: {word: trip}\n";
const AS_JSON: &str = "etiolog: 1\ninput: gateway\ntitle: G\nformat: json\nenvelope: [records]\nrecognise: [at]\ntime: {from: at}\nfields: {site: {from: site}, unit: {from: [in.unit, unit]}, word: {from: in.word}, size: {from: in.size, as: number}}\n";
const AS_TEXT: &str = "etiolog: 1\ninput: controller\ntitle: C\nformat: text\nrecognise: [site]\ntime: {from: at}\nhead: 'ts={at} site={site:word} unit={unit:word} word={word:word} size={size:number}'\nfields: {site: {from: site}, unit: {from: unit}, word: {from: word}, size: {from: size, as: number}}\n";
const ARTICLE: &str = "etiolog: 1
article: x
title: X
events: {trip: {word: trip}, start: {word: start}, big: {where: 'event.size > 2'}}
symptoms:
  trips: {title: T, per: unit, detect: {count: {event: trip, at-least: 2, within: 10m}}}
  chain: {title: T, per: unit, detect: {sequence: [trip, start], within: 10m}}
  stuck: {title: T, per: unit, detect: {sequence: [trip, {never: start}], within: 10m}}
  heavy: {title: T, per: site, detect: {count: {event: big, at-least: 3, within: 1h}}}
causes:
  worn: {title: Worn, severity: warning, explains: {trips: often, chain: often, stuck: sometimes}}
  load: {title: Load, severity: error, explains: {heavy: usually, trips: seldom}}
";

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let pack = Pack::from_texts([
        ("pack.yaml", PACK),
        ("inputs/a.yaml", AS_JSON),
        ("inputs/b.yaml", AS_TEXT),
        ("x.yaml", ARTICLE),
    ]);
    Engine::builder().pack(pack).build().unwrap_or_else(|problems| panic!("{problems}"))
});

/// A record: minutes since the last, site, unit, word, tenths of size.
type Record = (i64, String, String, String, i64);

fn records(name: &'static str) -> impl Strategy<Value = Vec<Record>> {
    let word = prop::sample::select(vec!["trip", "trip", "start", "other"]).prop_map(str::to_owned);
    let minutes = prop::sample::select(vec![0, 0, 1, 9, 10, 11, 59, 61]);
    let units = prop::collection::vec(name, 3);
    (units, prop::collection::vec((minutes, 0..3_usize, word, 0..40_i64), 0..20)).prop_map(
        |(units, records)| {
            let record = |(minutes, unit, word, size): (i64, usize, String, i64)| {
                (minutes, units[unit % 2].clone(), units[unit].clone(), word, size)
            };
            records.into_iter().map(record).collect()
        },
    )
}

/// The records with their stamps.
fn stamped<'r>(records: &'r [Record]) -> Vec<(String, &'r Record)> {
    let mut minute = 29_000_000;
    let stamp = |record: &'r Record| {
        minute += record.0;
        (Timestamp::from_seconds(minute * 60).unwrap().to_string(), record)
    };
    records.iter().map(stamp).collect()
}

fn as_json(records: &[Record]) -> Vec<String> {
    let line = |(at, (_, site, unit, word, size)): (String, &Record)| {
        let inner = serde_json::json!({"unit": unit, "word": word, "size": *size as f64 / 10.0});
        serde_json::json!({"at": at, "site": site, "in": inner}).to_string()
    };
    stamped(records).into_iter().map(line).collect()
}

/// The same with an object as text, and every other letter of every string as an escape.
fn as_escaped_json(records: &[Record]) -> Vec<String> {
    let escaped = |text: &str| {
        let letters = text.char_indices().map(|(at, letter)| {
            let mut units = [0; 2];
            let codes = letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04X}"));
            match letter {
                _ if at % 2 == 0 => codes.collect(),
                '"' | '\\' => format!("\\{letter}"),
                _ if letter.is_control() => codes.collect(),
                _ => letter.to_string(),
            }
        });
        format!("\"{}\"", letters.collect::<String>())
    };
    let line = |(at, (_, site, unit, word, size)): (String, &Record)| {
        let inner = format!(
            "{{{}:{},{}:{}, \"size\" : {}}}",
            escaped("unit"),
            escaped(unit),
            escaped("word"),
            escaped(word),
            *size as f64 / 10.0
        );
        format!(
            "{{\"x\":[{{}}], {}:{},{}: {}, \"in\" :{}}}",
            escaped("site"),
            escaped(site),
            escaped("at"),
            escaped(&at),
            escaped(&inner)
        )
    };
    stamped(records).into_iter().map(line).collect()
}

fn as_text(records: &[Record]) -> Vec<String> {
    let line = |(at, (_, site, unit, word, size)): (String, &Record)| {
        format!("ts={at} site={site} unit={unit} word={word} size={}.{}", size / 10, size % 10)
    };
    stamped(records).into_iter().map(line).collect()
}

/// What must not depend on the form: everything but where a record stands, and the id, which is made of that.
fn diagnoses(bytes: &[u8]) -> (Vec<Diagnosis>, Vec<u64>) {
    let mut pipeline = Pipeline::new(&ENGINE);
    pipeline.read("log", bytes);
    let (mut diagnoses, summary) = pipeline.finish();
    let r = &summary.records;
    assert!(r.balance(), "{r:?}");
    let ids: Vec<_> = diagnoses.iter().map(|diagnosis| diagnosis.id.clone()).collect();
    for diagnosis in &mut diagnoses {
        let place = |id: &std::sync::Arc<str>| {
            ids.iter().position(|known| known == id).map(|place| place.to_string().into())
        };
        diagnosis.explained_by = diagnosis.explained_by.as_ref().and_then(place);
        diagnosis.id = "".into();
        for exhibit in diagnosis.symptoms.iter_mut().flat_map(|symptom| &mut symptom.evidence) {
            (exhibit.line, exhibit.offset) = (0, 0);
        }
    }
    let counts =
        [r.read, r.decoded, r.skipped, r.rejected_total(), r.late, summary.explained, summary.unexplained];
    (diagnoses, counts.to_vec())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

proptest! {
    #[test]
    fn p14_the_same_events_in_any_form_of_json_are_the_same_diagnoses(records in records("\\PC{1,6}")) {
        let (plain, escaped) = (as_json(&records), as_escaped_json(&records));
        let lines = plain.join("\n");
        let expected = diagnoses(lines.as_bytes());
        let (front, back) = lines.as_bytes().split_at(lines.len() / 2);
        let pretty: Vec<String> = plain
            .iter()
            .map(|line| serde_json::to_string_pretty(&serde_json::from_str::<Json>(line).unwrap()).unwrap())
            .collect();
        let forms: Vec<(&str, Vec<u8>)> = vec![
            ("carriage returns", plain.join("\r\n").into_bytes()),
            ("blank lines and a mark", format!("\u{feff}\n\n{}\n\n", plain.join("\n\n")).into_bytes()),
            ("an array", format!("[{}]", plain.join(",\n")).into_bytes()),
            ("an envelope", format!("{{\"records\":[{}]}}", plain.join(",")).into_bytes()),
            ("spread over lines", pretty.join("\n").into_bytes()),
            ("escaped", escaped.join("\n").into_bytes()),
            ("gzip", gzip(lines.as_bytes())),
            ("gzip of two members", [gzip(front), gzip(back)].concat()),
            ("zstd", zstd(lines.as_bytes())),
            ("zstd of two frames", [zstd(front), zstd(back)].concat()),
            ("escaped, in an envelope, in gzip", gzip(format!("{{\"records\":[{}]}}\n", escaped.join(",")).as_bytes())),
        ];
        for (name, bytes) in forms {
            prop_assert_eq!(&expected, &diagnoses(&bytes), "{}: {}", name, String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn p14_the_same_events_as_json_and_as_lines_of_text_are_the_same_diagnoses(records in records("[a-z0-9é#/=.-]{1,6}")) {
        let text = as_text(&records);
        let expected = diagnoses(as_json(&records).join("\n").as_bytes());
        let forms: Vec<(&str, Vec<u8>)> = vec![
            ("text", text.join("\n").into_bytes()),
            ("carriage returns", text.join("\r\n").into_bytes()),
            ("colours", text.iter().map(|line| format!("\x1b[1;31m{line}\x1b[0m\n")).collect::<String>().into_bytes()),
            ("blank lines", text.join("\n \n\n").into_bytes()),
            ("gzip", gzip(text.join("\n").as_bytes())),
            ("zstd", zstd(text.join("\n").as_bytes())),
        ];
        for (name, bytes) in forms {
            prop_assert_eq!(&expected, &diagnoses(&bytes), "{}: {}", name, String::from_utf8_lossy(&bytes));
        }
    }

    /// P18.
    #[test]
    fn p18_text_and_json_tell_of_the_same_causes_and_subjects(records in records("[a-z]{3}")) {
        let bytes = as_json(&records).join("\n");
        let written = |kind: &str| {
            let mut pipeline = Pipeline::new(&ENGINE);
            pipeline.read("log", bytes.as_bytes());
            let mut out = Vec::new();
            let mut report = ENGINE.registry().find_report(kind).unwrap().open(Style { width: 10_000, color: false });
            report.begin(&pipeline.begin(), &mut out).unwrap();
            let (diagnoses, summary) = pipeline.finish();
            for diagnosis in &diagnoses {
                report.diagnosis(diagnosis, &mut out).unwrap();
            }
            report.summary(&summary, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let (text, json) = (written("text"), written("json"));
        let objects: Vec<Json> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = objects.iter().filter(|object| object["type"] == "diagnosis");
        // What a diagnosis around it explains is told there, by its number.
        let news: Vec<&Json> = told.filter(|object| object.get("explained_by").is_none()).collect();
        for diagnosis in &news {
            let ids = std::iter::once(&diagnosis["verdict"]).filter(|verdict| *verdict != "cannot-tell");
            for id in ids {
                let id = id.as_str().unwrap();
                prop_assert!(text.contains(&format!("({id})")) || text.contains(id), "{id} is not in\n{text}");
            }
            let subject = diagnosis["subject"].as_object().unwrap().values().next_back().unwrap();
            let subject = subject.as_str().unwrap();
            prop_assert!(text.contains(subject), "{subject} is not in\n{text}");
        }
        let known: BTreeSet<&str> = objects
            .iter()
            .flat_map(|object| object["causes"].as_array().into_iter().flatten())
            .filter_map(|cause| cause["id"].as_str())
            .collect();
        let shown = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '#' | '-'))).filter(|word| word.starts_with("x#"));
        for id in shown {
            prop_assert!(known.contains(id) || json.contains(id), "{id} is not in\n{json}");
        }
    }
}
