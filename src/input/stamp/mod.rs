//! Time stamps: the forms that logs really have, read without allocation, and mail dates through chrono.

mod pattern;
mod zone;

use std::sync::Arc;

use chrono::DateTime;

use crate::model::{Reject, Timestamp};

pub use pattern::Pattern;
pub use zone::Zone;

/// How an input writes its times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StampFormat {
    /// `2026-03-04T08:22:05.1234567Z`, also with a blank for the `T` and with `+hh:mm` or `+hhmm` for the `Z`.
    #[default]
    Rfc3339,
    /// `Wed, 4 Mar 2026 08:22:05 +0000`.
    Rfc2822,
    /// Seconds since 1970, also with a fraction.
    EpochSeconds,
    /// Milliseconds since 1970, also with a fraction.
    EpochMillis,
    /// As a pattern says: `%d/%b/%Y:%H:%M:%S %z`.
    Pattern(Arc<Pattern>),
    /// The first of these that can read a stamp.
    FirstOf(Arc<[Self]>),
}

impl StampFormat {
    /// The formats that have a word, by the word that an input file uses.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("rfc3339", Self::Rfc3339),
        ("rfc2822", Self::Rfc2822),
        ("epoch-seconds", Self::EpochSeconds),
        ("epoch-millis", Self::EpochMillis),
    ];

    /// Reads a stamp. `zone` is that of stamps that name none; without it, such a stamp is a `BadTime`.
    ///
    /// # Errors
    ///
    /// `BadTime` when this is not a stamp of the format, `TimeRange` when it lies outside 1970-2262.
    pub fn parse(&self, text: &str, zone: Option<Zone>) -> Result<Timestamp, Reject> {
        let text = text.trim_ascii();
        match self {
            Self::Rfc3339 => rfc3339(text.as_bytes(), zone),
            Self::Rfc2822 => {
                let stamp = DateTime::parse_from_rfc2822(text).map_err(|_| Reject::BadTime)?;
                stamp.timestamp_nanos_opt().and_then(Timestamp::from_nanos).ok_or(Reject::TimeRange)
            }
            Self::EpochSeconds => epoch(text, 9),
            Self::EpochMillis => epoch(text, 6),
            Self::Pattern(pattern) => pattern.parse(text.as_bytes(), zone),
            Self::FirstOf(formats) => {
                let read = |format: &Self| match format.parse(text, zone) {
                    Err(Reject::BadTime) => None,
                    read => Some(read),
                };
                formats.iter().find_map(read).unwrap_or(Err(Reject::BadTime))
            }
        }
    }
}

/// `date-time = full-date "T" full-time`. A leap second, `:60`, is read as `:59`; offsets end at ±18:00.
fn rfc3339(text: &[u8], known: Option<Zone>) -> Result<Timestamp, Reject> {
    let (head, tail) = text.split_first_chunk::<19>().ok_or(Reject::BadTime)?;
    let &[y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':', s1, s2] =
        head
    else {
        return Err(Reject::BadTime);
    };
    let century = two(y1, y2).ok_or(Reject::BadTime)?;
    let year = century * 100 + two(y3, y4).ok_or(Reject::BadTime)?;
    let (month, day) = two(o1, o2).zip(two(d1, d2)).ok_or(Reject::BadTime)?;
    let (hour, minute) = two(h1, h2).zip(two(m1, m2)).ok_or(Reject::BadTime)?;
    let second = two(s1, s2).ok_or(Reject::BadTime)?;
    let (nanos, zone) = fraction(tail)?;
    Civil { year, month, day, hour, minute, second, nanos }.at(time_offset(zone, known)?)
}

/// What a calendar and a clock on the wall show.
#[derive(Clone, Copy, Debug, Default)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
}

impl Civil {
    /// The time at which they show it so many seconds east of Greenwich.
    #[inline]
    fn at(self, offset: i64) -> Result<Timestamp, Reject> {
        let Self { year, month, day, hour, minute, second, nanos } = self;
        if !(1..=12).contains(&month)
            || day < 1
            || day > days_in(year, month)
            || hour > 23
            || minute > 59
            || second > 60
        {
            return Err(Reject::BadTime);
        }
        let days = days_since_1970(year, month, day);
        // Bounded by year 9999: far inside 63 bits.
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second.min(59) - offset;
        let whole = seconds.checked_mul(1_000_000_000).ok_or(Reject::TimeRange)?;
        whole.checked_add(nanos).and_then(Timestamp::from_nanos).ok_or(Reject::TimeRange)
    }
}

/// `time-secfrac = "." 1*DIGIT`, in nanoseconds; digits after the ninth are cut off.
fn fraction(text: &[u8]) -> Result<(i64, &[u8]), Reject> {
    let [b'.' | b',', rest @ ..] = text else { return Ok((0, text)) };
    let mut nanos = 0;
    let mut unit = 100_000_000;
    let mut digits = 0;
    for &byte in rest.iter().take_while(|byte| byte.is_ascii_digit()) {
        nanos += i64::from(byte - b'0') * unit;
        unit /= 10;
        digits += 1;
    }
    match rest.get(digits..) {
        Some(zone) if digits > 0 => Ok((nanos, zone)),
        _ => Err(Reject::BadTime),
    }
}

/// `time-offset = "Z" / time-numoffset`, in seconds.
fn time_offset(zone: &[u8], known: Option<Zone>) -> Result<i64, Reject> {
    let (sign, hours, minutes) = match *zone {
        [b'Z' | b'z'] => return Ok(0),
        [] => return known.map(Zone::seconds).ok_or(Reject::BadTime),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            (sign, two(h1, h2), two(m1, m2))
        }
        _ => return Err(Reject::BadTime),
    };
    let (hours, minutes) = hours.zip(minutes).ok_or(Reject::BadTime)?;
    let offset = hours * 3_600 + minutes * 60;
    if minutes > 59 || offset > 18 * 3_600 {
        return Err(Reject::BadTime);
    }
    Ok(if sign == b'-' { -offset } else { offset })
}

/// A decimal number whose unit is 10^`scale` nanoseconds; what is below a nanosecond is cut off.
fn epoch(text: &str, scale: u32) -> Result<Timestamp, Reject> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(digits) || !is_digits(fraction) {
        return Err(Reject::BadTime);
    }
    let unit = 10_i64.pow(scale);
    let whole = whole.parse::<i64>().ok().and_then(|n| n.checked_mul(unit)).ok_or(Reject::TimeRange)?;
    let below = fraction
        .bytes()
        .fold((0, unit), |(sum, unit), digit| (sum + i64::from(digit - b'0') * (unit / 10), unit / 10));
    whole.checked_add(below.0).and_then(Timestamp::from_nanos).ok_or(Reject::TimeRange)
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + is_leap(year) as i64,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar; the year begins in March, so that the leap day is its last.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    before + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use chrono::{FixedOffset, SecondsFormat};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: &str) {
        let read = StampFormat::Rfc3339.parse(text, None);
        assert_eq!(read.map(|t| t.to_string()).as_deref(), Ok(expect), "of {text}");
    }

    fn refused(text: &str, expect: Reject) {
        assert_eq!(StampFormat::Rfc3339.parse(text, None), Err(expect), "of {text}");
    }

    #[test]
    fn the_forms_of_rfc_3339_are_read() {
        check("2026-03-04T08:22:05Z", "2026-03-04T08:22:05Z");
        check("2026-03-04 08:22:05z", "2026-03-04T08:22:05Z");
        check("2026-03-04T08:22:05.1234567Z", "2026-03-04T08:22:05.123456700Z");
        check("2026-03-04T08:22:05.12345678999Z", "2026-03-04T08:22:05.123456789Z");
        check("2026-03-04T08:22:05,5Z", "2026-03-04T08:22:05.500Z");
        check("2026-03-04T08:22:05+01:00", "2026-03-04T07:22:05Z");
        check(" 2026-03-04T08:22:05-0530 ", "2026-03-04T13:52:05Z");
        check("2024-02-29T00:00:00-18:00", "2024-02-29T18:00:00Z");
    }

    #[test]
    fn a_leap_second_counts_as_the_second_before_it() {
        check("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_stamp_is_a_bad_time() {
        for text in [
            "",
            "yesterday",
            "2026-03-04",
            "2026-03-04T08:22Z",
            "2026-13-04T08:22:05Z",
            "2025-02-29T08:22:05Z",
            "2026-03-04T24:22:05Z",
            "2026-03-04T08:22:61Z",
            "2026-03-04T08:22:05.Z",
            "2026-03-04T08:22:05Zulu",
            "2026-03-04T08:22:05+25:59",
            "2026-03-04T08:22:05+18:01",
            "2026-03-04T08:22:05+01:60",
            "2026/03/04 08:22:05Z",
            "２026-03-04T08:22:05Z",
        ] {
            refused(text, Reject::BadTime);
        }
    }

    #[test]
    fn a_time_outside_1970_to_2262_is_out_of_range() {
        refused("9999-12-31T23:59:59Z", Reject::TimeRange);
        refused("0000-01-01T00:00:00Z", Reject::TimeRange);
        refused("1969-12-31T23:59:59Z", Reject::TimeRange);
        refused("1970-01-01T00:00:00+00:01", Reject::TimeRange);
        check("2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775807Z");
        refused("2262-04-11T23:47:16.854775808Z", Reject::TimeRange);
    }

    #[test]
    fn without_a_zone_the_input_must_say_which_it_is() {
        refused("2026-03-04T08:22:05", Reject::BadTime);
        let read = StampFormat::Rfc3339.parse("2026-03-04T08:22:05.5", Some(Zone::UTC));
        assert_eq!(read.map(|t| t.to_string()).as_deref(), Ok("2026-03-04T08:22:05.500Z"));
        let east = |text| StampFormat::Rfc3339.parse(text, Zone::parse("+01:00")).map(|t| t.to_string());
        assert_eq!(east("2026-03-04 08:22:05").as_deref(), Ok("2026-03-04T07:22:05Z"));
        assert_eq!(
            east("2026-03-04 08:22:05Z").as_deref(),
            Ok("2026-03-04T08:22:05Z"),
            "its own zone counts"
        );
    }

    #[test]
    fn epochs_are_read_exactly() {
        let read = |format: StampFormat, text| format.parse(text, None).map(Timestamp::nanos);
        assert_eq!(read(StampFormat::EpochSeconds, "1772612525"), Ok(1_772_612_525_000_000_000));
        assert_eq!(read(StampFormat::EpochSeconds, "1772612525.1234567891"), Ok(1_772_612_525_123_456_789));
        assert_eq!(read(StampFormat::EpochMillis, "1772612525123"), Ok(1_772_612_525_123_000_000));
        assert_eq!(read(StampFormat::EpochMillis, "1772612525123.5"), Ok(1_772_612_525_123_500_000));
        assert_eq!(read(StampFormat::EpochSeconds, "-1"), Err(Reject::TimeRange));
        assert_eq!(read(StampFormat::EpochSeconds, "99999999999"), Err(Reject::TimeRange));
        assert_eq!(read(StampFormat::EpochSeconds, "99999999999999999999999"), Err(Reject::TimeRange));
        for text in ["", "-", "1.", ".5", "1e9", "+1", "0x1"] {
            assert_eq!(read(StampFormat::EpochSeconds, text), Err(Reject::BadTime), "of {text}");
        }
    }

    #[test]
    fn of_several_formats_the_first_that_can_read_a_stamp_counts() {
        let formats = StampFormat::FirstOf([StampFormat::EpochSeconds, StampFormat::Rfc3339].into());
        let read = |text| formats.parse(text, Some(Zone::UTC)).map(|time| time.to_string());
        assert_eq!(read("1772612525").as_deref(), Ok("2026-03-04T08:22:05Z"));
        assert_eq!(read("2026-03-04 08:22:05").as_deref(), Ok("2026-03-04T08:22:05Z"));
        assert_eq!((read("99999999999"), read("soon")), (Err(Reject::TimeRange), Err(Reject::BadTime)));
    }

    #[test]
    fn mail_dates_are_read() {
        let read = StampFormat::Rfc2822.parse("Wed, 4 Mar 2026 08:22:05 +0100", None);
        assert_eq!(read.map(|t| t.to_string()).as_deref(), Ok("2026-03-04T07:22:05Z"));
        assert_eq!(StampFormat::Rfc2822.parse("soon", None), Err(Reject::BadTime));
    }

    proptest! {
        #[test]
        fn every_stamp_that_chrono_writes_is_read_back(
            nanos in 0_i64..i64::MAX, minutes in -18 * 60..=18 * 60_i32,
            form in prop::sample::select(vec![
                SecondsFormat::Secs, SecondsFormat::Millis, SecondsFormat::Micros, SecondsFormat::Nanos, SecondsFormat::AutoSi,
            ])
        ) {
            let zone = FixedOffset::east_opt(minutes * 60).ok_or(TestCaseError::reject("no zone"))?;
            let text = DateTime::from_timestamp_nanos(nanos).with_timezone(&zone).to_rfc3339_opts(form, true);
            let expect = Timestamp::parse(&text).ok_or(Reject::TimeRange);
            prop_assert_eq!(StampFormat::Rfc3339.parse(&text, None), expect, "of {}", text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9TZ:.+ ]{0,40}") {
            for (_, format) in StampFormat::WORDS {
                let _ = format.parse(&text, Some(Zone::UTC));
            }
        }
    }
}
