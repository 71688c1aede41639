//! Random rules and streams. Few subjects, few kinds of events, and times and spans from one small set, so that borders meet.

use std::fmt::{self, Write};

use etiolog::model::Origin;
use etiolog::{Engine, Event, Pack, Timestamp};
use proptest::prelude::*;

use crate::reference::shared::{self, shared};

/// One window, and one within it; everything else is a nanosecond or a second beside these.
pub(crate) const WINDOW: i64 = 60;
pub(crate) const WITHIN: i64 = 10;
const START: i64 = 1_000_000_000;

/// Rules, settings and records.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) rules: Rules,
    pub(crate) lateness: i64,
    /// Seconds after the start.
    pub(crate) as_of: Option<i64>,
    pub(crate) complete: bool,
    pub(crate) sources: usize,
    /// In the order of arrival.
    pub(crate) records: Vec<Record>,
}

/// What is generated of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rules {
    pub(crate) by_record: bool,
    pub(crate) ties_any: bool,
    pub(crate) quiet: [i64; 2],
    pub(crate) symptoms: Vec<Symptom>,
}

/// One symptom of a generated rule file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Symptom {
    pub(crate) per: &'static str,
    pub(crate) detect: String,
    pub(crate) when: Option<&'static str>,
    /// Gives way to the symptom before it, if that is of the same level.
    pub(crate) unless: bool,
    pub(crate) ordinary: bool,
}

/// One record.
#[derive(Clone, PartialEq)]
pub(crate) struct Record {
    /// Which event it is; a repeat has the number of the first.
    pub(crate) number: u64,
    pub(crate) source: usize,
    /// Seconds after the start.
    pub(crate) second: i64,
    pub(crate) hub: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) word: &'static str,
    pub(crate) size: Option<i64>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, source, second, hub, device, word, size } = self;
        let [hub, device] = [hub, device].map(|name| name.as_deref().unwrap_or("-"));
        write!(f, "{second} {word} {hub}/{device} #{number}")?;
        (*source > 0).then(|| write!(f, " from {source}")).transpose()?;
        size.map(|size| write!(f, " size {size}")).transpose()?;
        Ok(())
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(START + second).unwrap()
}

impl Rules {
    /// Whether the loader accepts them: it refuses what cannot work.
    pub(crate) fn load(&self) -> bool {
        shared::is_sound(self)
    }

    /// The article.
    pub(crate) fn article(&self) -> String {
        let used = |class: &str| {
            let words = self.symptoms.iter().flat_map(|s| s.detect.split(|c: char| !c.is_ascii_alphabetic()));
            words.into_iter().any(|word| word == class)
        };
        let classes = [
            ("a", "{word: [a, ab]}"),
            ("b", "{word: [b, ab]}"),
            ("c", "{word: c}"),
            ("m", "{word: m}"),
            ("n", "{word: n}"),
            ("big", "{word: [a, b, c], where: 'event.size > 1'}"),
        ];
        let mut text = String::from("etiolog: 1\narticle: x\ntitle: X\nevents:\n");
        for (name, class) in classes.iter().filter(|(name, _)| used(name)) {
            writeln!(text, "  {name}: {class}").unwrap();
        }
        text += "symptoms:\n";
        for (number, symptom) in self.symptoms.iter().enumerate() {
            writeln!(
                text,
                "  s{number}:\n    title: S\n    per: {}\n    detect: {}",
                symptom.per, symptom.detect
            )
            .unwrap();
            if let Some(when) = symptom.when {
                writeln!(text, "    when: {when}").unwrap();
            }
            let before = number.checked_sub(1).filter(|&before| self.symptoms[before].per == symptom.per);
            if let Some(before) = before.filter(|_| symptom.unless) {
                writeln!(text, "    unless: [s{before}]").unwrap();
            }
            if symptom.ordinary {
                text += "    background: 0.6\n";
            }
        }
        text += "causes:\n";
        for per in ["hub", "device"] {
            let here: Vec<String> = self
                .symptoms
                .iter()
                .enumerate()
                .filter(|(_, s)| s.per == per)
                .map(|(n, _)| format!("s{n}: often"))
                .collect();
            if !here.is_empty() {
                writeln!(
                    text,
                    "  c-{per}: {{title: C of {per}, severity: warning, prior: common, explains: {{{}}}}}",
                    here.join(", ")
                )
                .unwrap();
            }
        }
        text
    }

    /// Nanoseconds by which all times can be shifted without moving an event to another place in its bucket, unless they
    /// are too many.
    pub(crate) fn common_bucket(&self) -> Option<i64> {
        let seconds = |detect: &str, key: &str| -> Option<i64> {
            detect.split_once(key)?.1.split_once('s')?.0.trim().parse().ok()
        };
        let mut common = 1_000_000_000_i64;
        for detect in self.symptoms.iter().map(|symptom| symptom.detect.as_str()) {
            // A time of day matters to a period, and so does where a bucket begins.
            let bucket = match detect.split_once(':')?.0 {
                "{distinct" => (seconds(detect, "within:")? * 1_000_000_000 + 59) / 60,
                "{surge" | "{dip" => seconds(detect, "bucket:")? * 1_000_000_000,
                "{periodic" => 86_400_000_000_000,
                _ => 1,
            };
            let (mut a, mut b) = (common, bucket);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            common = (common / a).checked_mul(bucket).filter(|common| *common < i64::MAX / 10_000)?;
        }
        Some(common)
    }

    pub(crate) fn pack(&self) -> Pack {
        Pack::from_texts([("pack.yaml".to_owned(), self.head()), ("x.yaml".to_owned(), self.article())])
    }

    /// `pack.yaml`.
    pub(crate) fn head(&self) -> String {
        let [hub, device] = self.quiet;
        let (identity, ties) = (
            if self.by_record { "record" } else { "position" },
            if self.ties_any { "any" } else { "ordered" },
        );
        format!(
            "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nidentity: {identity}\nties: {ties}\n\
             subjects: [{{name: hub, quiet: {hub}s}}, {{name: device, in: hub, quiet: {device}s}}]\nproblem: {{word: [a, ab]}}\n"
        )
    }
}

impl Scenario {
    /// The rules compiled, with these settings.
    pub(crate) fn engine(&self) -> Engine {
        let settings = (self.lateness, self.as_of, self.complete, false);
        shared::engine(&self.rules, settings)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.rules.article()))
    }

    /// The same for a live stream.
    pub(crate) fn live_engine(&self) -> Engine {
        let settings = (self.lateness, self.as_of, self.complete, true);
        shared::engine(&self.rules, settings)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.rules.article()))
    }

    /// The records as events, each with its source.
    pub(crate) fn events(&self, engine: &Engine) -> Vec<(usize, Event)> {
        let event = |record: &Record| {
            let mut event = engine.event(at(record.second)).field("word", record.word);
            for (name, value) in [("hub", &record.hub), ("device", &record.device)] {
                if let Some(value) = value {
                    event = event.field(name, value.as_str());
                }
            }
            if let Some(size) = record.size {
                event = event.field("size", size);
            }
            let file = u32::try_from(record.source).unwrap();
            let place = Origin { file, line: record.number + 1, offset: record.number + 1 };
            // A few have no hash, and the order of the hashes is not that of the places.
            let hash = if record.number % 7 == 6 {
                0
            } else {
                (record.number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            };
            (record.source, event.origin(place).identity(hash).build())
        };
        self.records.iter().map(event).collect()
    }
}

fn span() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![1, WITHIN - 1, WITHIN, WITHIN + 1, WINDOW - 1, WINDOW, WINDOW + 1])
}

const ORDERED: [&str; 19] = [
    "a",
    "a, b",
    "a, b, c",
    "a, a, b",
    "a, b, a",
    "{class: a, times: 2}, b",
    "{class: a, times: 3}",
    "a, {never: n}, b",
    "{never: n}, a",
    "{never: n}, a, b",
    "a, {never: b}",
    "a, b, {never: n}",
    "a, b, {never: n}, c",
    "{maybe: m}, a, b",
    "a, {maybe: m}, b, c",
    "a, b, {maybe: m}",
    "{maybe: m}, a, {never: n}",
    "a, {maybe: m}, {never: n}",
    "{never: n}, a, {maybe: m}, b, {never: n}, c",
];

fn detect(per: &'static str) -> impl Strategy<Value = (String, &'static str)> {
    let class = || prop::sample::select(vec!["a", "a", "b", "c", "big"]);
    let occurrence = (class(), prop::option::of(class()), weight()).prop_map(|(event, among, weight)| {
        let among = among.map_or(String::new(), |among| format!(", among: {among}"));
        (format!("{{occurrence: {{event: {event}{among}{weight}}}}}"), "occurrence")
    });
    let count = (class(), 1..5, span(), weight()).prop_map(|(event, least, within, weight)| {
        (format!("{{count: {{event: {event}, at-least: {least}, within: {within}s{weight}}}}}"), "count")
    });
    let distinct = (class(), 1..4, span()).prop_map(|(event, least, within)| {
        (
            format!("{{distinct: {{event: {event}, of: device, at-least: {least}, within: {within}s}}}}"),
            "distinct",
        )
    });
    let sequence =
        (prop::sample::select(ORDERED.to_vec()), prop::sample::select(vec!["given", "given", "any"]), span())
            .prop_map(|(steps, order, within)| {
                (format!("{{sequence: [{steps}], order: {order}, within: {within}s}}"), "sequence")
            });
    let session =
        (prop::sample::select(vec!["a", "[a, c]"]), prop::sample::select(vec!["b", "[b, c]"]), 1..4)
            .prop_map(|(opens, closes, least)| {
                (format!("{{session: {{opens: {opens}, closes: {closes}, at-least: {least}}}}}"), "session")
            });
    let others = prop_oneof![1 => occurrence, 2 => count, 4 => sequence, 2 => session, 3 => absence(), 3 => change(per)];
    if per == "hub" { prop_oneof![1 => distinct, 5 => others].boxed() } else { others.boxed() }
}

fn weight() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", ", weight: size"])
}

fn absence() -> impl Strategy<Value = (String, &'static str)> {
    let class = |all: &[&'static str]| prop::sample::select(all.to_vec());
    let rest = class(&[
        "",
        ", at-least: 2",
        ", at-least: 3",
        ", until: b",
        ", until: c",
        ", until: a, at-least: 2",
        ", since: b",
        ", since: a",
        ", since: big",
        ", since: a, until: c",
        ", since: b, until: a",
        ", since: c, until: c",
        ", since: b, in-turn: true",
        ", since: a, until: c, in-turn: true",
    ]);
    (class(&["a", "a", "b", "big"]), span(), rest).prop_map(|(event, within, rest)| {
        (format!("{{absence: {{event: {event}, for: {within}s{rest}}}}}"), "absence")
    })
}

fn change(per: &'static str) -> impl Strategy<Value = (String, &'static str)> {
    let ways = prop::sample::select(vec![("b", "a"), ("a", "b"), ("c", "a"), ("big", "a"), ("b", "big")]);
    let after = prop::option::of(span());
    let turn = (ways, after, prop::option::of(1..4), 1..4).prop_map(|((from, to), after, least, confirm)| {
        let after = after.map_or(String::new(), |after| format!(", after: {after}s"));
        let least = match least {
            None if after.is_empty() => ", at-least: 2".to_owned(),
            least => least.map_or(String::new(), |least| format!(", at-least: {least}")),
        };
        (format!("{{change: {{from: {from}, to: {to}{after}{least}, confirm: {confirm}}}}}"), "turn")
    });
    let field =
        prop::sample::select(if per == "hub" { vec!["size", "device"] } else { vec!["size", "word"] });
    let class = prop::sample::select(vec!["a", "a", "b", "big"]);
    let switch = (class, field, 1..4, span()).prop_map(|(event, field, least, within)| {
        let text =
            format!("{{change: {{event: {event}, field: {field}, at-least: {least}, within: {within}s}}}}");
        (text, "switch")
    });
    prop_oneof![turn, switch]
}

pub(crate) fn symptom() -> impl Strategy<Value = Symptom> {
    prop::sample::select(vec!["device", "device", "hub"]).prop_flat_map(|per| {
        let when = |kind: &str| -> Vec<&'static str> {
            match kind {
                "occurrence" => vec!["occurrence.events >= 2"],
                "count" => vec!["count.events >= 3", "count.span >= 10.s", "count.median_gap <= 1.s"],
                "distinct" => vec!["distinct.children >= 2"],
                "absence" => vec![
                    "absence.silences >= 2",
                    "absence.longest >= 61.s",
                    "absence.silent",
                    "absence.usual <= 5.s",
                    "absence.before >= 2",
                ],
                "turn" => {
                    vec!["change.after >= 3", "change.back", "change.steady >= 10.s", "change.since <= 1.s"]
                }
                "switch" => vec!["change.switches >= 2", "change.values >= 3"],
                "sequence" => vec![
                    "sequence.optional >= 1",
                    "sequence.chains >= 2",
                    "sequence.span <= 5.s",
                    "sequence.median_span >= 10.s",
                ],
                _ => vec![
                    "session.sessions >= 2",
                    "session.gap >= 10.s",
                    "session.open",
                    "session.alike >= 0.5",
                ],
            }
        };
        let detect = detect(per).prop_flat_map(move |(detect, kind)| {
            let when = prop::option::weighted(0.3, prop::sample::select(when(kind)));
            (Just(detect), when)
        });
        (Just(per), detect, prop::bool::weighted(0.3), prop::bool::weighted(0.1)).prop_map(
            |(per, (detect, when), unless, ordinary)| Symptom { per, detect, when, unless, ordinary },
        )
    })
}

pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    shared(any_rules())
}

pub(crate) fn any_rules() -> impl Strategy<Value = Rules> {
    let quiet = prop::sample::select(vec![WITHIN, WINDOW - 1, WINDOW, WINDOW + 1, 600]);
    (any::<bool>(), any::<bool>(), [quiet.clone(), quiet], prop::collection::vec(symptom(), 1..4))
        .prop_map(|(by_record, ties_any, quiet, symptoms)| Rules { by_record, ties_any, quiet, symptoms })
        .prop_filter("refused rules answer nothing", Rules::load)
}

/// Records in the order of time. With `ties: any` none is of two classes of one sequence: the text does not say what
/// becomes of those.
pub(crate) fn records(ties_any: bool, sources: usize) -> impl Strategy<Value = Vec<Record>> {
    let gap = prop_oneof![
        7 => Just(0),
        7 => prop::sample::select(vec![1, WITHIN - 1, WITHIN, WITHIN + 1, WINDOW - 1, WINDOW, WINDOW + 1]),
        1 => prop::sample::select(vec![2 * WINDOW, 599, 600, 601, 5_000]),
    ];
    let both = if ties_any { "a" } else { "ab" };
    let word = prop::sample::select(vec!["a", "a", "a", "b", "b", "b", "c", "m", "n", both, "unheard"]);
    let hub = prop::sample::select(vec![Some("h1"), Some("h1"), Some("h1"), Some("h1"), Some("h2"), None]);
    let device = prop::sample::select(vec![Some("d1"), Some("d1"), Some("d1"), Some("d2"), Some("d2"), None]);
    let size =
        prop::sample::select(vec![None, Some(1), Some(1), Some(2), Some(2), Some(3), Some(0), Some(-1)]);
    let record = (gap, word, hub, device, size, 0..sources);
    prop::collection::vec(record, 0..18).prop_map(|records| {
        let mut second = 0;
        let record = |(number, (gap, word, hub, device, size, source))| {
            second += gap;
            let (hub, device) = (Option::map(hub, str::to_owned), Option::map(device, str::to_owned));
            Record { number, source, second, hub, device, word, size }
        };
        (0..).zip(records).map(record).collect()
    })
}

/// Longer than a source may be silent without being asked again, or as long as anything is remembered.
fn leap() -> impl Strategy<Value = i64> {
    const DAYS_31: i64 = 31 * 86_400;
    prop::sample::select(vec![100_000, 100_000, DAYS_31 - 1, DAYS_31, DAYS_31 + 1])
}

/// Everything that can happen: some records are delayed, some of them too long, some come twice, some lie ahead.
pub(crate) fn anything() -> impl Strategy<Value = Scenario> {
    anything_of(any_rules())
}

/// The same, with a sequence whose chains are bounded in other ways than by time, or overlap.
pub(crate) fn bounded() -> impl Strategy<Value = Scenario> {
    let bounds = prop::sample::select(vec![
        "until: c",
        "until: n",
        "until: b",
        "gaps: strict",
        "gaps: strict, until: c",
        "skip: to-next",
        "skip: to-next, until: n",
        "skip: to-next, gaps: strict",
    ]);
    let order = prop::sample::select(vec!["given", "given", "any"]);
    let steps = prop::sample::select(ORDERED.to_vec());
    let sequence = (prop::sample::select(vec!["device", "device", "hub"]), steps, bounds, order, span());
    let sequence = sequence.prop_map(|(per, steps, bounds, order, within)| Symptom {
        per,
        detect: format!("{{sequence: [{steps}], order: {order}, within: {within}s, {bounds}}}"),
        when: None,
        unless: false,
        ordinary: false,
    });
    let rules = (any_rules(), sequence).prop_map(|(mut rules, sequence)| {
        // Of events of one time the reference knows only what `until` does.
        rules.ties_any = rules.ties_any && sequence.detect.contains("s, until");
        rules.symptoms.truncate(1);
        rules.symptoms.push(sequence);
        rules
    });
    anything_of(rules.prop_filter("refused rules answer nothing", Rules::load))
}

fn anything_of(rules: impl Strategy<Value = Rules>) -> impl Strategy<Value = Scenario> {
    let lateness = prop::sample::select(vec![0, 1, WITHIN, WINDOW, 900]);
    let as_of = prop::option::weighted(0.2, prop::sample::select(vec![0, 100, 600]));
    (shared((rules, lateness, as_of, any::<bool>())), 1_usize..4)
        .prop_flat_map(|((rules, lateness, as_of, complete), sources)| {
            let records = records(rules.ties_any, sources);
            let delay = prop::sample::select(vec![0, 0, 0, 1, WITHIN, WINDOW, WINDOW + 1]);
            (
                Just(rules),
                records,
                prop::collection::vec((delay, 0..8), 18),
                Just(lateness),
                Just(as_of),
                Just(complete),
                Just(sources),
                prop::option::weighted(0.1, (0..18_usize, leap())),
            )
        })
        .prop_map(|(rules, records, fates, lateness, as_of, complete, sources, leap)| {
            let mut arrivals = Vec::new();
            for (place, (mut record, (delay, fate))) in records.into_iter().zip(fates).enumerate() {
                record.second += leap.filter(|(from, _)| *from <= place).map_or(0, |(_, seconds)| seconds);
                let due = record.second + delay;
                if fate == 0 {
                    arrivals.push((due + WITHIN, record.clone()));
                }
                arrivals.push((due, record));
            }
            arrivals.sort_by_key(|(due, _)| *due);
            let records = arrivals.into_iter().map(|(_, record)| record).collect();
            Scenario { rules, lateness, as_of, complete, sources, records }
        })
}

/// Nothing is late and nothing lies ahead, and the records stand in the order of time.
pub(crate) fn calm_of(rules: Rules, records: Vec<Record>) -> Scenario {
    Scenario { rules, lateness: 900, as_of: None, complete: true, sources: 1, records }
}

/// The same with detectors that learn what is usual, and with a train of regular events.
pub(crate) fn calm() -> impl Strategy<Value = Scenario> {
    let rules = (any_rules(), prop::option::weighted(0.4, learning())).prop_map(|(mut rules, learning)| {
        rules.symptoms.extend(learning);
        rules
    });
    let rules = rules.prop_filter("refused rules answer nothing", Rules::load);
    let train = (
        prop::sample::select(vec![1, WITHIN]),
        0_usize..20,
        prop::sample::select(vec!["a", "b"]),
        prop::sample::select(vec!["d1", "d2"]),
    );
    let lateness = prop::sample::select(vec![0, 1, WITHIN, WINDOW, 900]);
    (shared((rules, any::<bool>(), lateness)), prop::option::weighted(0.4, train))
        .prop_flat_map(|((rules, complete, lateness), train)| {
            let records = records(rules.ties_any, 1);
            (Just(rules), records, Just(complete), Just(train), Just(lateness))
        })
        .prop_map(|(rules, mut records, complete, train, lateness)| {
            if let Some((gap, times, word, device)) = train {
                let (hub, device) = (Some("h1".to_owned()), Some(device.to_owned()));
                for (beat, number) in (0..i64::try_from(times).unwrap()).zip(100..) {
                    let (hub, device) = (hub.clone(), device.clone());
                    records.push(Record {
                        number,
                        source: 0,
                        second: beat * gap,
                        hub,
                        device,
                        word,
                        size: None,
                    });
                }
                records.sort_by_key(|record| record.second);
            }
            Scenario { complete, lateness, ..calm_of(rules, records) }
        })
}

/// A symptom that the reference does not judge.
fn learning() -> impl Strategy<Value = Symptom> {
    let on = prop::sample::select(vec![
        ("device", "{periodic: {event: a, period: 5s..20s}}"),
        ("device", "{periodic: {event: a, period: 5s..60s, debounce: 1s}}"),
        ("hub", "{surge: {event: a, distinct: device, bucket: 1s, at-least: 1}}"),
        ("hub", "{surge: {event: a, bucket: 10s, at-least: 2}}"),
        (
            "hub",
            "{dip: {gauge: {opens: a, closes: b, of: device}, at-least: 40%, bucket: 1s, population: 1}}",
        ),
    ]);
    (on, prop::bool::weighted(0.3)).prop_map(|((per, detect), unless)| Symptom {
        per,
        detect: detect.to_owned(),
        when: None,
        unless,
        ordinary: false,
    })
}
