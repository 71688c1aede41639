//! The shipped rules on logs of a few lines, where no fleet shows the symptom.

use std::sync::LazyLock;

use etiolog::{Diagnosis, Engine, Pack, Pipeline, Summary, Timestamp};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap());

/// One record of `pump-1`: what it did, and `None` or the error and more of the record's keys.
type Line<'a> = (i64, &'a str, Option<&'a str>);

const CONNECT: &str = "deviceConnect";
const DISCONNECT: &str = "deviceDisconnect";
const CLOSED: Option<&str> = Some(r#""resultType":"404104""#);
const REPLACED: Option<&str> = Some(r#""resultType":"400027""#);
const REFUSED: Option<&str> = Some(r#""resultType":"401003""#);

fn diagnose(lines: &[Line<'_>]) -> (Vec<Diagnosis>, Summary) {
    let text: String = lines
        .iter()
        .map(|(second, operation, error)| {
            let time = Timestamp::from_seconds(1_741_046_400 + second).unwrap();
            let result = error.map_or_else(|| r#""level":"Information""#.to_owned(), |error| format!(r#""level":"Error",{error}"#));
            format!(
                r#"{{"time":"{time}","resourceId":"/X/IOTHUBS/H","operationName":"{operation}","category":"Connections",{result},"properties":"{{\"deviceId\":\"pump-1\"}}"}}"#
            ) + "\n"
        })
        .collect();
    let mut pipeline = Pipeline::new(&ENGINE);
    pipeline.read("lines", text.as_bytes());
    let (diagnoses, summary) = pipeline.finish();
    assert_eq!(summary.records.decoded, lines.len() as u64, "{:?}\n{text}", summary.records);
    (diagnoses, summary)
}

#[track_caller]
fn verdict(lines: &[Line<'_>]) -> String {
    let (diagnoses, _) = diagnose(lines);
    let [diagnosis] = &diagnoses[..] else { panic!("{diagnoses:#?}") };
    diagnosis.verdict.to_string()
}

fn shows(lines: &[Line<'_>], symptom: &str) -> bool {
    let (diagnoses, _) = diagnose(lines);
    let mut symptoms = diagnoses.iter().flat_map(|diagnosis| &diagnosis.symptoms);
    symptoms.any(|seen| &*seen.id == symptom && seen.status.is_present())
}

#[test]
fn two_clients_that_take_turns_have_one_identity() {
    let lines: Vec<Line<'_>> =
        (0..40).flat_map(|turn| [(turn * 6, CONNECT, None), (turn * 6 + 5, DISCONNECT, REPLACED)]).collect();
    assert_eq!(verdict(&lines), "400027#duplicate-identity");
    let (_, summary) = diagnose(&lines);
    assert_eq!(summary.unexplained, 0, "takeovers are accounted for");
}

#[test]
fn a_takeover_behind_drops_is_their_side_effect() {
    let mut lines = Vec::new();
    for (start, end) in [(0, 2_000), (2_600, 9_000), (9_300, 10_500), (11_000, 26_000), (26_400, 30_000)] {
        lines.extend([(start, CONNECT, None), (end, DISCONNECT, CLOSED)]);
    }
    lines.extend([(30_200, CONNECT, None), (30_900, DISCONNECT, REPLACED), (60_000, CONNECT, None)]);
    assert!(shows(&lines, "400027#closed-for-a-newer-connection"));
    assert_eq!(verdict(&lines), "404104#network-or-crash");
}

#[test]
fn a_message_that_names_the_thumbprint_is_the_credential_and_not_the_clock() {
    const TOLD: Option<&str> = Some(
        r#""resultType":"401003","resultDescription":"Thumbprint does not match configuration: Thumbprint: SHA1Hash=A""#,
    );
    let lines: Vec<Line<'_>> = (0..30).map(|turn| (turn * 60, CONNECT, TOLD)).collect();
    let (diagnoses, _) = diagnose(&lines);
    let [diagnosis] = &diagnoses[..] else { panic!("{diagnoses:#?}") };
    assert_eq!(&*diagnosis.verdict, "401003#credential-rejected");
    assert!(shows(&lines, "401003#named-rejection"));
    assert!(diagnosis.causes[0].probability.get() > 0.95, "{diagnosis:#?}");
}

#[test]
fn the_name_of_a_code_is_no_message() {
    const NAMED: Option<&str> = Some(r#""resultType":"401003","resultDescription":"IoTHubUnauthorized""#);
    let lines: Vec<Line<'_>> = (0..30).map(|turn| (turn * 60, CONNECT, NAMED)).collect();
    let (diagnoses, _) = diagnose(&lines);
    let unknown = |id: &str| {
        let mut symptoms = diagnoses.iter().flat_map(|diagnosis| &diagnosis.symptoms);
        symptoms.any(|seen| &*seen.id == id && seen.status.word() == "unknown")
    };
    assert!(unknown("401003#named-rejection") && unknown("401003#called-expired"), "{diagnoses:#?}");
    let plain: Vec<Line<'_>> = (0..30).map(|turn| (turn * 60, CONNECT, REFUSED)).collect();
    assert_eq!(diagnoses[0].causes[0].probability, diagnose(&plain).0[0].causes[0].probability);
}

#[test]
fn an_expired_token_that_is_renewed_is_benign_whatever_the_message_says() {
    const TOLD: Option<&str> =
        Some(r#""resultType":"401003","resultDescription":"The specified SAS token is expired""#);
    let mut lines = vec![(0, CONNECT, None)];
    for turn in 1..=12 {
        let end = turn * 4_200;
        lines.extend([(end, DISCONNECT, TOLD), (end + 1, DISCONNECT, CLOSED), (end + 4, CONNECT, None)]);
    }
    assert!(shows(&lines, "401003#called-expired"));
    assert_eq!(verdict(&lines), "401003#sas-token-expired");
}

#[test]
fn an_internal_error_without_a_number_goes_by_its_name() {
    for error in [
        r#""resultDescription":"InternalServerError""#,
        r#""resultType":"","resultDescription":"ServiceUnavailable""#,
        r#""resultType":"5000001""#,
        r#""resultType":"503003""#,
        r#""resultType":"500123""#,
    ] {
        assert!(shows(&[(0, CONNECT, Some(error)), (5, CONNECT, None)], "500xxx#internal-error"), "{error}");
    }
    assert!(!shows(&[(0, CONNECT, REFUSED), (2_000, CONNECT, None)], "500xxx#internal-error"));
}
