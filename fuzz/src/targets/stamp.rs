//! Stamps: what chrono reads too is the same time, whole numbers are exact, and a zone moves a stamp by just its distance.
//!
//! A byte for the format, and the stamp.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDateTime, Timelike, Utc};
use etiolog::input::{Mapping, StampFormat, Zone};
use etiolog::model::Reject;
use etiolog::{Timestamp, yaml};

/// Patterns as an input file writes them and as chrono does, which reads a fraction with `%.f`.
const PATTERNS: [(&str, &str); 7] = [
    ("%d/%b/%Y:%H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z"),
    ("%FT%T%z", "%FT%T%z"),
    ("%F %T", "%F %T"),
    ("%Y %b %e %T", "%Y %b %e %T"),
    ("%F %T.%f", "%F %T%.f"),
    ("%T.%f %d-%m-%Y %z", "%T%.f %d-%m-%Y %z"),
    ("%Y%m%d 100%% %H%M%S", "%Y%m%d 100%% %H%M%S"),
];

/// Each format, and its pattern for chrono if it has one.
static FORMATS: LazyLock<Vec<(StampFormat, Option<&str>)>> = LazyLock::new(|| {
    let words = StampFormat::WORDS.into_iter().map(|(_, format)| (format, None));
    let patterns = PATTERNS.iter().map(|(own, chrono)| (pattern(own), Some(*chrono)));
    words.chain(patterns).collect()
});

fn pattern(pattern: &str) -> StampFormat {
    let text = format!(
        "etiolog: 1\ninput: i\ntitle: I\nformat: json\ntime: {{from: t, format: '{pattern}', zone: utc}}\nfields: {{a: {{from: a}}}}\n"
    );
    let mut problems = Vec::new();
    let root = yaml::document("i.yaml", &text).map(yaml::Document::into_root);
    let mapping = root.map(|root| Mapping::read(root, &["json"], &mut problems));
    mapping.map(|mapping| mapping.time.format).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Panics when a stamp is read as another time than it says.
pub fn run(data: &[u8]) {
    let [which, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (format, chrono) = &FORMATS[usize::from(*which) % FORMATS.len()];
    let bare = format.parse(text, None);
    let utc = format.parse(text, Some(Zone::UTC));
    assert_eq!(format.parse(&format!(" \t{text}\n"), None), bare, "blanks around");
    check_zone(format, text, bare, utc);
    match (format, chrono) {
        (StampFormat::Rfc3339, _) => {
            check_known(utc, DateTime::parse_from_rfc3339(text.trim_ascii()).ok(), text)
        }
        (StampFormat::EpochSeconds, _) => check_epoch(utc, text, 9),
        (StampFormat::EpochMillis, _) => check_epoch(utc, text, 6),
        (_, Some(pattern)) if pattern.contains("%z") => {
            check_known(utc, DateTime::parse_from_str(text.trim_ascii(), pattern).ok(), text);
        }
        (_, Some(pattern)) => {
            let known = NaiveDateTime::parse_from_str(text.trim_ascii(), pattern).ok();
            check_known(utc, known.map(|known| known.and_utc()), text);
        }
        _ => {}
    }
    if let Ok(time) = utc {
        let written = time.to_string();
        assert_eq!(StampFormat::Rfc3339.parse(&written, None), Ok(time), "{written}");
        assert_eq!(Timestamp::parse(&written), Some(time), "{written}");
    }
}

/// A zone is for stamps that name none, and moves these by its distance.
fn check_zone(
    format: &StampFormat,
    text: &str,
    bare: Result<Timestamp, Reject>,
    utc: Result<Timestamp, Reject>,
) {
    let zone = Zone::parse("-03:30");
    let moved = format.parse(text, zone);
    if bare != Err(Reject::BadTime) {
        assert_eq!([utc, moved], [bare, bare], "{text} names its zone");
        return;
    }
    assert_eq!(utc == Err(Reject::BadTime), moved == Err(Reject::BadTime), "{text}");
    if let (Ok(utc), Ok(moved)) = (utc, moved) {
        assert_eq!(moved.nanos() - utc.nanos(), 12_600_000_000_000, "{text}");
    }
}

/// What both read is the same, but for leap seconds and offsets of more than 18 hours, which have their own tests.
fn check_known<Z: chrono::TimeZone>(read: Result<Timestamp, Reject>, known: Option<DateTime<Z>>, text: &str) {
    let Some(known) =
        known.map(|known| known.with_timezone(&Utc)).filter(|known| known.nanosecond() < 1_000_000_000)
    else {
        return;
    };
    let known = known.timestamp_nanos_opt().and_then(Timestamp::from_nanos);
    match read {
        Ok(time) => assert_eq!(Some(time), known, "{text}"),
        Err(Reject::TimeRange) => assert_eq!(known, None, "{text}"),
        Err(_) => {}
    }
}

/// A decimal number, with as many digits as one likes.
fn check_epoch(read: Result<Timestamp, Reject>, text: &str, scale: u32) {
    let text = text.trim_ascii();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole.strip_prefix('-').unwrap_or(whole)) || !digits(fraction) {
        assert_eq!(read, Err(Reject::BadTime), "{text}");
        return;
    }
    let below: String = fraction.chars().chain(std::iter::repeat('0')).take(scale as usize).collect();
    // Longer than any number of seconds that matters.
    let whole = whole.parse::<i128>().ok().filter(|whole| whole.unsigned_abs() < 1 << 80);
    let nanos =
        whole.zip(below.parse::<i128>().ok()).map(|(whole, below)| whole * 10_i128.pow(scale) + below);
    let known = nanos.and_then(|nanos| Timestamp::from_nanos(i64::try_from(nanos).ok()?));
    let negative = text.starts_with('-');
    assert!(negative || read.ok() == known, "{text}: {read:?} for {known:?}");
    assert!(known.is_some() || read == Err(Reject::TimeRange), "{text}");
}
