//! Which texts are times, and in which format an input file says so.

use etiolog::Timestamp;
use etiolog::input::{StampFormat, Zone};

/// How times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// The word or pattern after `format:`.
    pub(super) format: &'static str,
    /// Whether the stamps name no zone and are taken for UTC.
    pub(super) utc: bool,
}

/// Numbers are taken for times between 2001 and 2065 only: other numbers are as long.
const EPOCH_SECONDS: (i64, i64) = (1_000_000_000, 3_000_000_000);

/// The form of a text that is a time and nothing else, and the time.
pub(super) fn of(text: &str) -> Option<(Form, Timestamp)> {
    for (format, kind) in &StampFormat::WORDS {
        let format: &'static str = format;
        for utc in [false, true] {
            let Ok(time) = kind.parse(text, utc.then_some(Zone::UTC)) else { continue };
            let seconds = time.nanos() / 1_000_000_000;
            let is_epoch = format.starts_with("epoch");
            let likely = (EPOCH_SECONDS.0..EPOCH_SECONDS.1).contains(&seconds);
            if !is_epoch || likely {
                return Some((Form { format, utc: utc && !is_epoch }, time));
            }
        }
    }
    by_pattern(text)
}

/// `04/Mar/2026:08:22:05 +0000`, `2026/03/04 08:22:05`.
fn by_pattern(text: &str) -> Option<(Form, Timestamp)> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if let Some((stamp, zone)) = text.split_once(' ')
        && let Some((date, time)) = stamp.split_once(':')
        && let [day, month, year] = date.split('/').collect::<Vec<_>>()[..]
    {
        let month = MONTHS.iter().position(|known| *known == month)? + 1;
        let (hours, minutes) = zone.split_at_checked(3)?;
        let time = Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}{hours}:{minutes}"))?;
        return Some((Form { format: "%d/%b/%Y:%H:%M:%S %z", utc: false }, time));
    }
    let (date, time) = text.split_once(' ')?;
    let time = Timestamp::parse(&format!("{}T{time}Z", date.replace('/', "-")))?;
    (date.contains('/') && !text.contains('.'))
        .then_some((Form { format: "%Y/%m/%d %H:%M:%S", utc: true }, time))
}

/// A time near the start of a line: how it is written, when it is, and the bytes at which it starts and ends.
pub(super) fn in_line(line: &str) -> Option<(Form, Timestamp, usize, usize)> {
    let start = line.find(|c: char| !"[(<\"'".contains(c))?;
    let rest = line.get(start..)?;
    // The longest text that is a time, of one, two or three words.
    let ends = rest.char_indices().filter(|(_, c)| " ]),;\"'>|".contains(*c) || *c == ':').map(|(at, _)| at);
    let ends: Vec<usize> = ends.chain([rest.len()]).filter(|&at| at <= 40).collect();
    ends.into_iter().rev().find_map(|end| {
        let (form, time) = of(rest.get(..end)?)?;
        Some((form, time, start, start + end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_known_by_their_form() {
        for (text, format, utc) in [
            ("2026-03-04T08:22:05Z", "rfc3339", false),
            ("2026-03-04 08:22:05.123", "rfc3339", true),
            ("1772612525", "epoch-seconds", false),
            ("1772612525123", "epoch-millis", false),
            ("04/Mar/2026:08:22:05 +0100", "%d/%b/%Y:%H:%M:%S %z", false),
            ("2026/03/04 08:22:05", "%Y/%m/%d %H:%M:%S", true),
        ] {
            assert_eq!(of(text).map(|(form, _)| form), Some(Form { format, utc }), "{text}");
        }
        for text in ["", "7", "404104", "pump-1", "12:30", "99999999999999999"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_found_at_the_start_of_a_line() {
        for (line, text) in [
            ("1772612525: New client", "1772612525"),
            ("[2026-03-04 08:22:05] INFO x", "2026-03-04 08:22:05"),
            ("2026-03-04T08:22:05Z pump 7", "2026-03-04T08:22:05Z"),
            ("2026/03/04 08:22:05 pump: 7", "2026/03/04 08:22:05"),
        ] {
            let found = in_line(line).and_then(|(_, _, start, end)| line.get(start..end));
            assert_eq!(found, Some(text), "{line}");
        }
        assert_eq!(in_line("no time here"), None);
        assert_eq!(in_line(""), None);
    }
}
