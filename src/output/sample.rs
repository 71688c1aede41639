//! Diagnoses built by hand, for the tests of this room.

use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use crate::model::{
    Accounts, Begin, CauseReport, Diagnosis, ExhibitReport, Measure, NextLook, Points, Probability, Reject,
    RejectSample, Severity, SolutionKind, SolutionReport, SourceSummary, State, Status, Subject, Summary,
    SymptomReport, Timestamp,
};

fn at(minutes: u64) -> Timestamp {
    Timestamp::from_seconds(1_772_611_200)
        .unwrap_or(Timestamp::MIN)
        .plus(Duration::from_secs(60 * minutes + 5))
}

fn symptom(id: &str, title: &str, measures: &[(&str, Measure)], places: &[(&str, u64)]) -> SymptomReport {
    let mut symptom = SymptomReport::new(id.into(), title.into(), Status::Present(Probability::new(0.98)));
    symptom.measures = measures.iter().map(|(name, measure)| (SmolStr::new(name), measure.clone())).collect();
    symptom.events = 3 * places.len() as u64;
    symptom.evidence = places
        .iter()
        .map(|&(source, line)| ExhibitReport {
            source: source.into(),
            line,
            offset: line * 500,
            time: at(line),
        })
        .collect();
    symptom
}

fn cause(id: &str, title: &str, p: f64, severity: Severity, points: &[(&str, f64)]) -> CauseReport {
    CauseReport {
        id: id.into(),
        title: title.into(),
        probability: Probability::new(p),
        prior: Probability::new(0.1),
        severity,
        points: points
            .iter()
            .map(|&(symptom, decibans)| Points { symptom: symptom.into(), decibans, strength: 0.0 })
            .collect(),
        solutions: Vec::new(),
    }
}

fn solution(id: &str, kind: SolutionKind, text: &str, link: Option<&str>) -> SolutionReport {
    SolutionReport { id: id.into(), kind, text: text.into(), link: link.map(Arc::from) }
}

fn diagnosis(
    id: &str,
    subject: Subject,
    causes: Vec<CauseReport>,
    symptoms: Vec<SymptomReport>,
) -> Diagnosis {
    let top = causes.first();
    Diagnosis {
        id: id.into(),
        change: None,
        replaces: None,
        state: State::Resolved,
        severity: top.map_or(Severity::Info, |cause| cause.severity),
        no_action: top.is_some_and(|cause| cause.severity == Severity::Benign),
        subject,
        first_seen: at(0),
        last_seen: at(37),
        verdict: top.map_or_else(|| Diagnosis::CANNOT_TELL.into(), |cause| Arc::clone(&cause.id)),
        why: None,
        explained_by: None,
        causes,
        none_of_these: Probability::new(0.004),
        set_aside: None,
        symptoms,
        next: None,
        problem_events: 9,
        explained_events: 9,
        incomplete: false,
    }
}

fn pump(n: u64) -> Subject {
    Subject::new([("line", "north"), ("pump", &*format!("pump-{n}"))])
}

/// A line lost its mains.
pub(super) fn mains() -> Diagnosis {
    let mut mains = cause(
        "power#mains-cut",
        "The mains of a line failed",
        0.9994,
        Severity::Critical,
        &[("power#mass-stop", 21.64), ("power#voltage-dip", 6.0), ("prior", -9.5)],
    );
    mains.solutions = vec![
        solution(
            "power#call",
            SolutionKind::Do,
            "Call the grid operator\n  and ask when the line is back",
            None,
        ),
        solution(
            "power#ups",
            SolutionKind::Do,
            "Check the standby supply",
            Some("https://example.org/standby"),
        ),
        solution(
            "power#reset",
            SolutionKind::Avoid,
            "Resetting pumps one by one; they start by themselves",
            None,
        ),
    ];
    let rival = cause("net#switch", "The network switch of the line failed", 0.021, Severity::Error, &[]);
    let seen = vec![
        symptom(
            "power#mass-stop",
            "Many pumps stop at once",
            &[
                ("pumps", Measure::Count(118)),
                ("factor", Measure::Number(38.04)),
                ("learning", Measure::Flag(false)),
            ],
            &[("logs/north.log.gz", 182), ("logs/north.log.gz", 190), ("logs/north.log.gz", 191)],
        ),
        symptom(
            "power#voltage-dip",
            "The voltage of the line dips",
            &[("span", Measure::Span(Duration::from_secs(3_902))), ("kind", Measure::Text("slow".into()))],
            &[("logs/volts.csv", 7), ("logs/volts.csv", 9)],
        ),
        SymptomReport::new("power#quiet".into(), "The line is quiet".into(), Status::Absent),
    ];
    let mut diagnosis = diagnosis("mains-1", Subject::new([("line", "north")]), vec![mains, rival], seen);
    diagnosis.state = State::Open;
    diagnosis
}

/// A pump that stopped because its line lost the mains.
pub(super) fn explained(n: u64, parent: &str) -> Diagnosis {
    let mut diagnosis = crash(n);
    diagnosis.explained_by = Some(parent.into());
    diagnosis
}

/// A pump that renews its certificate, as it should.
pub(super) fn renewal(n: u64) -> Diagnosis {
    let mut renewal = cause("cert#renewal", "Certificate renewed, as expected", 0.99, Severity::Benign, &[]);
    renewal.probability = Probability::new(0.91 + 0.000_5 * (n % 118) as f64);
    renewal.solutions = vec![solution(
        "cert#nothing",
        SolutionKind::Nothing,
        "No action needed: the pump does this by itself",
        None,
    )];
    let period = Measure::Span(Duration::from_secs(3_902));
    let seen = vec![symptom(
        "cert#regular",
        "Stops at a regular interval",
        &[("period", period)],
        &[("a.log", n + 1)],
    )];
    let mut diagnosis = diagnosis(&format!("renewal-{n}"), pump(n), vec![renewal], seen);
    diagnosis.last_seen = at(37 + n);
    diagnosis
}

/// A pump that stops for reasons of its own.
pub(super) fn crash(n: u64) -> Diagnosis {
    let mut crash = cause(
        "net#loss",
        "The pump lost its network or crashed",
        0.83,
        Severity::Warning,
        &[("net#irregular", 12.31), ("cert#regular", -8.02), ("prior", 0.01)],
    );
    crash.solutions = vec![
        solution(
            "net#test",
            SolutionKind::Do,
            "Test the pump's link",
            Some("https://example.org/a/rather/long/address/of/a/page/on/links"),
        ),
        solution("net#spare", SolutionKind::Nothing, "one stop a day is normal on radio links", None),
    ];
    let rival = cause("net#firmware", "A firmware fault", 0.09, Severity::Warning, &[]);
    let seen = vec![symptom(
        "net#irregular",
        "Stops at no regular interval",
        &[("count", Measure::Count(12))],
        &[("a.log", n + 1), ("b.log", n + 3)],
    )];
    let mut diagnosis = diagnosis(&format!("crash-{n}"), pump(n), vec![crash, rival], seen);
    if n % 2 == 1 {
        diagnosis.state = State::Open;
    }
    diagnosis
}

/// A pump whose symptoms fit two causes.
pub(super) fn undecided() -> Diagnosis {
    let causes = vec![
        cause("net#loss", "The pump lost its network or crashed", 0.44, Severity::Warning, &[]),
        cause("cert#expired", "The certificate expired", 0.41, Severity::Error, &[]),
    ];
    let seen = vec![symptom("net#gone", "Stopped and never came back", &[], &[("a.log", 12)])];
    let mut diagnosis = diagnosis("undecided-1", pump(7), causes, seen);
    diagnosis.verdict = Diagnosis::CANNOT_TELL.into();
    diagnosis.why = Some("two causes are too close".into());
    diagnosis.next = Some(NextLook {
        symptom: "cert#refused".into(),
        title: "Refused because of its certificate".into(),
        why: "no such input".into(),
    });
    diagnosis
}

/// A diagnosis in which every text that can come from a log or a rule is this one.
pub(super) fn about(text: &str) -> Diagnosis {
    let mut diagnosis = mains();
    diagnosis.id = text.into();
    diagnosis.subject = Subject::new([("pump", text)]);
    for cause in &mut diagnosis.causes {
        cause.title = text.into();
        cause.points = vec![Points { symptom: text.into(), decibans: 3.0, strength: 0.9 }];
        for solution in &mut cause.solutions {
            solution.text = text.into();
            solution.link = Some(text.into());
        }
    }
    for symptom in &mut diagnosis.symptoms {
        symptom.id = text.into();
        symptom.title = text.into();
        symptom.measures = vec![(text.into(), Measure::Text(text.into()))];
        for exhibit in &mut symptom.evidence {
            exhibit.source = text.into();
        }
    }
    diagnosis.next = Some(NextLook { symptom: text.into(), title: text.into(), why: text.into() });
    diagnosis
}

/// Texts that try to break a terminal, a line or a parser.
pub(super) fn hostile() -> Vec<String> {
    let singles = (0..=0xa0).chain(0x2000..=0x2010).chain(0x2028..=0x202f).chain(0x2060..=0x206f);
    let mut texts: Vec<String> = singles.filter_map(char::from_u32).map(|c| format!("a{c}b")).collect();
    texts.extend(
        [
            "",
            " ",
            "   leading and trailing   ",
            "\u{1b}[2J\u{1b}[H",
            "\u{1b}]0;title\u{7}",
            "\u{1b}]52;c;Zm9v\u{7}",
            "\u{1b}]8;;http://evil\u{1b}\\x",
            "\u{1b}P1$r\u{1b}\\",
            "\u{9b}31m",
            "line one\nline two\r\nline three",
            "\"}\n{\"type\":\"summary\"}",
            "\u{202e}gnp.exe",
            "\u{feff}\u{200b}\u{ad}",
            "\u{1}\u{1}\u{1}",
            "日本語の非常に長い名前の装置日本語の非常に長い名前の装置日本語の非常に長い名前の装置",
            "\u{301}\u{301}\u{301}\u{301}\u{301}",
            "👩\u{200d}🚒\u{fe0f}",
            "\u{10ffff}\u{e000}\u{fffd}",
            "</script><!--",
            "=cmd|' /C calc'!A0",
        ]
        .map(str::to_owned),
    );
    texts.push("x".repeat(5_000));
    texts.push("\u{1b}".repeat(300));
    texts.push("e\u{301}".repeat(300));
    texts
}

pub(super) fn begin() -> Begin {
    Begin {
        engine: "etiolog 0.1.0".into(),
        packs: vec!["pumps 3".into()],
        articles: 4,
        symptoms: 12,
        causes: 9,
        lateness: 900,
        as_of: None,
    }
}

pub(super) fn summary() -> Summary {
    let rejected = [(Reject::Malformed, 3), (Reject::Truncated, 1)].into();
    let source = |name: &str, records, bytes| SourceSummary {
        name: name.into(),
        input: Some("pump-log".into()),
        records,
        bytes,
    };
    let sample =
        |reason, source: &str, line| RejectSample { reason, source: source.into(), line, offset: line * 500 };
    Summary {
        records: Accounts {
            read: 1_234_567,
            decoded: 1_200_000,
            skipped: 34_554,
            rejected,
            duplicate: 2,
            late: 5,
            future: 2,
        },
        bytes: 812_345_678,
        partial: 1,
        diagnoses: 120,
        explained: 1_100,
        benign: 826,
        unexplained: 12,
        first: Some(at(0)),
        last: Some(at(2_000)),
        horizon: Some(at(2_005)),
        unknown_predicates: [("net#irregular".into(), 4)].into(),
        failed_detectors: std::collections::BTreeMap::new(),
        sources: vec![
            source("logs/north.log.gz", 1_234_000, 812_000_000),
            source("logs/volts.csv", 567, 345_678),
        ],
        evicted: 0,
        hurried: 0,
        samples: vec![
            sample(Reject::Malformed, "logs/north.log.gz", 12),
            sample(Reject::Malformed, "logs/north.log.gz", 99),
            sample(Reject::Truncated, "logs/volts.csv", 567),
        ],
    }
}
