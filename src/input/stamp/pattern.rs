//! Stamps by a pattern, `%d/%b/%Y:%H:%M:%S %z`: what the logs of the world write that is neither RFC 3339 nor an epoch.
//!
//! The directives are those of `strftime` that say something exact. Names of months are English, whatever the host
//! speaks. A pattern that leaves the year or the day open is refused: nothing else in a record says them.

use crate::input::stamp::{Civil, Zone, time_offset, two};
use crate::model::{Reject, Timestamp};

/// How stamps look, made ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    items: Vec<Item>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Literal(u8),
    Year,
    Month,
    MonthName,
    Day,
    DayOfTwoPlaces,
    Hour,
    /// From 1 to 12.
    HalfHour,
    /// `AM` or `PM`.
    Half,
    Minute,
    Second,
    Fraction,
    Zone,
    /// The next number may be a single digit.
    Short,
}

/// What is wrong with a pattern, and at which byte of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PatternFault {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

const DIRECTIVES: &str =
    "%Y %m %b %d %e %H %I %p %M %S %f %z %F %T %%, and %-m %-d %-H %-I without a zero in front";
const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn new(text: &str) -> Result<Self, PatternFault> {
        let mut items = Vec::new();
        let mut chars = text.char_indices();
        while let Some((offset, char)) = chars.next() {
            if char != '%' {
                items.extend(char.encode_utf8(&mut [0; 4]).bytes().map(Item::Literal));
                continue;
            }
            let mut directive = chars.next().map(|(_, char)| char);
            if directive == Some('-')
                && let Some((_, number @ ('m' | 'd' | 'H' | 'I'))) = chars.clone().next()
            {
                items.push(Item::Short);
                directive = Some(number);
                chars.next();
            }
            match directive {
                Some('Y') => items.push(Item::Year),
                Some('m') => items.push(Item::Month),
                Some('b') => items.push(Item::MonthName),
                Some('d') => items.push(Item::Day),
                Some('e') => items.push(Item::DayOfTwoPlaces),
                Some('H') => items.push(Item::Hour),
                Some('I') => items.push(Item::HalfHour),
                Some('p') => items.push(Item::Half),
                Some('M') => items.push(Item::Minute),
                Some('S') => items.push(Item::Second),
                Some('f') => items.push(Item::Fraction),
                Some('z') => items.push(Item::Zone),
                Some('%') => items.push(Item::Literal(b'%')),
                Some('F') => {
                    items.extend([Item::Year, Item::Literal(b'-'), Item::Month]);
                    items.extend([Item::Literal(b'-'), Item::Day]);
                }
                Some('T') => {
                    items.extend([Item::Hour, Item::Literal(b':'), Item::Minute]);
                    items.extend([Item::Literal(b':'), Item::Second]);
                }
                other => {
                    let word = other.map(String::from).unwrap_or_default();
                    let message = format!("`%{word}` is not a part of a stamp; known are {DIRECTIVES}");
                    return Err(PatternFault { offset, message });
                }
            }
        }
        let needed: [(&[Item], &str); 3] = [
            (&[Item::Year], "year"),
            (&[Item::Month, Item::MonthName], "month"),
            (&[Item::Day, Item::DayOfTwoPlaces], "day"),
        ];
        for (some, what) in needed {
            if !items.iter().any(|item| some.contains(item)) {
                let message = format!("`{text}` says no {what}, and nothing else in a record does");
                return Err(PatternFault { offset: 0, message });
            }
        }
        if items.contains(&Item::HalfHour) != items.contains(&Item::Half) {
            let message =
                "`%I` needs `%p`, which says whether it is before noon, and `%p` needs `%I`".to_owned();
            return Err(PatternFault { offset: 0, message });
        }
        Ok(Self { items, text: text.to_owned() })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the stamps say their distance from UTC.
    pub(crate) fn has_zone(&self) -> bool {
        self.items.contains(&Item::Zone)
    }

    /// Reads a stamp.
    pub(super) fn parse(&self, text: &[u8], zone: Option<Zone>) -> Result<Timestamp, Reject> {
        let mut civil = Civil::default();
        let mut rest = text;
        let mut zone = zone.map(Zone::seconds);
        let mut afternoon = None;
        let mut short = false;
        for item in &self.items {
            let number =
                if std::mem::replace(&mut short, *item == Item::Short) { one_or_two } else { number };
            rest = match item {
                Item::Short => rest,
                Item::Literal(byte) => rest.strip_prefix(&[*byte]).ok_or(Reject::BadTime)?,
                Item::Year => {
                    let (century, years, tail) = two_of(rest)
                        .and_then(|(century, tail)| {
                            let (years, tail) = two_of(tail)?;
                            Some((century, years, tail))
                        })
                        .ok_or(Reject::BadTime)?;
                    civil.year = century * 100 + years;
                    tail
                }
                Item::Month => number(rest, &mut civil.month)?,
                Item::Day => number(rest, &mut civil.day)?,
                Item::Hour | Item::HalfHour => number(rest, &mut civil.hour)?,
                Item::Half => {
                    let (half, tail) = rest.split_first_chunk::<2>().ok_or(Reject::BadTime)?;
                    afternoon = Some(half.eq_ignore_ascii_case(b"pm"));
                    if !afternoon.unwrap_or_default() && !half.eq_ignore_ascii_case(b"am") {
                        return Err(Reject::BadTime);
                    }
                    tail
                }
                Item::Minute => number(rest, &mut civil.minute)?,
                Item::Second => number(rest, &mut civil.second)?,
                Item::MonthName => {
                    let (name, tail) = rest.split_first_chunk::<3>().ok_or(Reject::BadTime)?;
                    let at = MONTHS.iter().position(|known| name.eq_ignore_ascii_case(*known));
                    civil.month = at.and_then(|at| i64::try_from(at).ok()).ok_or(Reject::BadTime)? + 1;
                    tail
                }
                Item::DayOfTwoPlaces => match rest {
                    [b' ', digit, tail @ ..] | [digit, tail @ ..]
                        if digit.is_ascii_digit() && !tail.first().is_some_and(u8::is_ascii_digit) =>
                    {
                        civil.day = i64::from(digit - b'0');
                        tail
                    }
                    _ => number(rest, &mut civil.day)?,
                },
                Item::Fraction => {
                    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let (digits, tail) = rest.split_at_checked(digits).ok_or(Reject::BadTime)?;
                    if digits.is_empty() {
                        return Err(Reject::BadTime);
                    }
                    let sum = |(sum, unit): (i64, i64), digit: &u8| {
                        (sum + i64::from(digit - b'0') * unit, unit / 10)
                    };
                    civil.nanos = digits.iter().fold((0, 100_000_000), sum).0;
                    tail
                }
                Item::Zone => {
                    let len = match rest {
                        [b'Z' | b'z', ..] => 1,
                        [_, _, _, b':', _, _, ..] => 6,
                        _ => 5,
                    };
                    let (written, tail) = rest.split_at_checked(len).ok_or(Reject::BadTime)?;
                    zone = Some(time_offset(written, None)?);
                    tail
                }
            };
        }
        if let Some(afternoon) = afternoon {
            if !(1..=12).contains(&civil.hour) {
                return Err(Reject::BadTime);
            }
            civil.hour = civil.hour % 12 + if afternoon { 12 } else { 0 };
        }
        match zone {
            Some(offset) if rest.is_empty() => civil.at(offset),
            _ => Err(Reject::BadTime),
        }
    }
}

fn two_of(text: &[u8]) -> Option<(i64, &[u8])> {
    let (&[tens, ones], tail) = text.split_first_chunk::<2>()?;
    two(tens, ones).map(|number| (number, tail))
}

/// Reads two digits into a place.
fn number<'t>(text: &'t [u8], into: &mut i64) -> Result<&'t [u8], Reject> {
    let (number, tail) = two_of(text).ok_or(Reject::BadTime)?;
    *into = number;
    Ok(tail)
}

/// Reads two digits into a place, or one that no other follows.
fn one_or_two<'t>(text: &'t [u8], into: &mut i64) -> Result<&'t [u8], Reject> {
    match text {
        [digit, tail @ ..] if digit.is_ascii_digit() && !tail.first().is_some_and(u8::is_ascii_digit) => {
            *into = i64::from(digit - b'0');
            Ok(tail)
        }
        _ => number(text, into),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pattern: &str, text: &str, expect: &str) {
        let pattern = Pattern::new(pattern).unwrap_or_else(|fault| panic!("{fault:?}"));
        let read = pattern.parse(text.as_bytes(), (!pattern.has_zone()).then_some(Zone::UTC));
        let shown = read.map_or_else(|reason| format!("!{reason}"), |time| time.to_string());
        assert_eq!(shown, expect, "{text} by {}", pattern.text());
    }

    #[test]
    fn the_stamps_of_the_world_are_read() {
        check("%Y-%m-%dT%H:%M:%S", "2026-03-04T08:22:05", "2026-03-04T08:22:05Z");
        check("%F %T,%f", "2026-03-04 08:22:05,123", "2026-03-04T08:22:05.123Z");
        check("%d/%b/%Y:%H:%M:%S %z", "04/Mar/2026:08:22:05 +0100", "2026-03-04T07:22:05Z");
        check("%Y %b %e %T", "2026 MAR  4 08:22:05", "2026-03-04T08:22:05Z");
        check("%Y %b %e %T", "2026 mar 14 08:22:05", "2026-03-14T08:22:05Z");
        check("%b %e, %Y", "Mar 4, 2026", "2026-03-04T00:00:00Z");
        check("%FT%T%z", "2026-03-04T08:22:05Z", "2026-03-04T08:22:05Z");
        check("%FT%T%z", "2026-03-04T08:22:05-05:30", "2026-03-04T13:52:05Z");
        check("%F 100%% %T", "2026-03-04 100% 08:22:60", "2026-03-04T08:22:59Z");
        check("%F %T.%f", "2026-03-04 08:22:05.1234567899", "2026-03-04T08:22:05.123456789Z");
        let spoken = "%-m/%-d/%Y %-I:%M:%S %p %z";
        check(spoken, "1/1/2021 8:40:06 PM +00:00", "2021-01-01T20:40:06Z");
        check(spoken, "12/31/2021 12:00:00 am +01:00", "2021-12-30T23:00:00Z");
        check("%-m/%-d/%Y, %-I:%M:%S.%f %p", "10/21/2021, 12:40:06.123 PM", "2021-10-21T12:40:06.123Z");
        check("%-d.%-m.%Y %-H:%M", "4.3.2026 08:22", "2026-03-04T08:22:00Z");
        check("%Y年%m月%d日", "2026年03月04日", "2026-03-04T00:00:00Z");
    }

    #[test]
    fn what_does_not_fit_is_a_bad_time() {
        for text in [
            "",
            "2026-03-04",
            "2026-03-04 08:22:0",
            "2026-03-04 08:22:05 ",
            "2026-13-04 08:22:05",
            "2026-02-29 08:22:05",
            "2026-03-04 24:22:05",
        ] {
            check("%F %T", text, "!bad-time");
        }
        for text in
            ["3/4/2026 13:00:00 PM", "3/4/2026 0:00:00 AM", "3/4/2026 1:00:00 XM", "123/4/2026 1:00:00 PM"]
        {
            check("%-m/%-d/%Y %-I:%M:%S %p", text, "!bad-time");
        }
        check("%F", "1969-12-31", "!time-range");
        check("%b %Y %e", "Mrz 2026 4", "!bad-time");
        check("%F %f", "2026-03-04 ", "!bad-time");
        check("%F%z", "2026-03-04+2559", "!bad-time");
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_refused_at_its_place() {
        let fault = |text: &str| {
            Pattern::new(text).map_err(|fault| (fault.offset, fault.message.contains("known are")))
        };
        assert_eq!(fault("%F %Q").map(|_| ()), Err((3, true)));
        assert_eq!(fault("%F %").map(|_| ()), Err((3, true)));
        assert_eq!(fault("%b %e %T").map(|_| ()), Err((0, false)), "no year");
        assert_eq!(fault("%Y %e").map(|_| ()), Err((0, false)), "no month");
        assert_eq!(fault("%Y %m").map(|_| ()), Err((0, false)), "no day");
        assert_eq!(fault("%F %I:%M").map(|_| ()), Err((0, false)), "no half of the day");
        assert_eq!(fault("%F %H:%M %p").map(|_| ()), Err((0, false)), "no hour of the half");
        assert_eq!(fault("%F %-Y").map(|_| ()), Err((3, true)), "a year has four digits");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(pattern in "(%-?[YmbdeHIpMSfzFT%]|[- :é]){0,12}", text in "[-0-9TZ:.+ jan é]{0,40}") {
            if let Ok(pattern) = Pattern::new(&format!("%F{pattern}")) {
                let _ = pattern.parse(text.as_bytes(), Some(Zone::UTC));
            }
        }
    }
}
