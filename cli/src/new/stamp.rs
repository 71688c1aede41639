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

/// Patterns that logs are known to have; whether they name no zone.
const PATTERNS: [(&str, bool); 14] = [
    ("%F %T %z", false),
    ("%d/%b/%Y:%T %z", false),
    ("%Y/%m/%d %T", true),
    ("%Y/%m/%d %T.%f", true),
    ("%Y/%m/%d %T %z", false),
    ("%d.%m.%Y %T", true),
    ("%d.%m.%Y %T,%f", true),
    ("%d.%m.%Y %T.%f", true),
    ("%d.%m.%Y %T %z", false),
    ("%d.%m.%Y %T,%f %z", false),
    ("%d-%b-%Y %T", true),
    ("%d-%b-%Y %T.%f", true),
    ("%d %b %Y %T", true),
    ("%d %b %Y %T,%f", true),
];

/// `04/Mar/2026:08:22:05 +0000`, `04.03.2026 08:22:05`.
fn by_pattern(text: &str) -> Option<(Form, Timestamp)> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !(17..=40).contains(&text.len()) {
        return None;
    }
    PATTERNS.iter().find_map(|&(format, utc)| Some((Form { format, utc }, read(format, text)?)))
}

/// The time that a text is by a pattern; without a zone it is taken for UTC.
fn read(pattern: &str, text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let pattern = pattern.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S");
    let (mut years, mut month, mut days, mut time) =
        (String::new(), String::new(), String::new(), String::new());
    let (mut zone, mut rest) = ("Z".to_owned(), text);
    let mut signs = pattern.chars();
    let digits = |rest: &mut &'_ str, n: usize| -> Option<String> {
        let (found, tail) = rest.split_at_checked(n)?;
        *rest = tail;
        found.bytes().all(|byte| byte.is_ascii_digit()).then(|| found.to_owned())
    };
    while let Some(sign) = signs.next() {
        if sign != '%' {
            rest = rest.strip_prefix(sign)?;
            continue;
        }
        match signs.next()? {
            'Y' => years = digits(&mut rest, 4)?,
            'm' => month = digits(&mut rest, 2)?,
            'd' => days = digits(&mut rest, 2)?,
            'H' => time = digits(&mut rest, 2)?,
            'M' | 'S' => time = format!("{time}:{}", digits(&mut rest, 2)?),
            'f' => {
                let n = rest.bytes().take_while(u8::is_ascii_digit).count();
                time = format!("{time}.{}", digits(&mut rest, n).filter(|digits| !digits.is_empty())?);
            }
            'b' => {
                let (name, tail) = rest.split_at_checked(3)?;
                rest = tail;
                month = format!("{:02}", MONTHS.iter().position(|known| *known == name)? + 1);
            }
            _ => {
                zone = std::mem::take(&mut rest).to_owned();
                if zone.len() == 5 && zone.is_ascii() {
                    zone.insert(3, ':');
                }
            }
        }
    }
    rest.is_empty().then(|| Timestamp::parse(&format!("{years}-{month}-{days}T{time}{zone}")))?
}

/// So far into a line a time is looked for.
const FAR: usize = 120;

/// A time in a line: how it is written, when it is, and the bytes at which it starts and ends.
pub(super) fn in_line(line: &str) -> Option<(Form, Timestamp, usize, usize)> {
    let opens = |c: char| " \t[({<\"'|;,=".contains(c);
    let mut before = true;
    for (start, c) in line.char_indices().take_while(|&(at, _)| at <= FAR) {
        // A time of numbers alone is one only at the very start: elsewhere it is any number.
        let first = line.get(..start).is_some_and(|head| head.chars().all(opens));
        if std::mem::replace(&mut before, opens(c))
            && c.is_ascii_alphanumeric()
            && let Some((form, time, end)) = at_start(line.get(start..)?)
            && (first || !form.format.starts_with("epoch"))
        {
            return Some((form, time, start, start + end));
        }
    }
    None
}

/// The longest text at the start that is a time, of one or several words.
fn at_start(rest: &str) -> Option<(Form, Timestamp, usize)> {
    let near = rest.char_indices().take_while(|&(at, _)| at <= 40);
    let ends: Vec<usize> = near.filter(|(_, c)| " ]),;\"'>|\t:".contains(*c)).map(|(at, _)| at).collect();
    let whole = (rest.len() <= 40).then_some(rest.len());
    ends.into_iter().chain(whole).rev().find_map(|end| {
        let (form, time) = of(rest.get(..end)?)?;
        Some((form, time, end))
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
            ("04/Mar/2026:08:22:05 +0100", "%d/%b/%Y:%T %z", false),
            ("2026/03/04 08:22:05", "%Y/%m/%d %T", true),
            ("04.03.2026 08:22:05,250 +0100", "%d.%m.%Y %T,%f %z", false),
            ("2026-03-04 08:22:05 +0100", "%F %T %z", false),
        ] {
            assert_eq!(of(text).map(|(form, _)| form), Some(Form { format, utc }), "{text}");
        }
        for text in ["", "7", "404104", "pump-1", "12:30", "99999999999999999"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_found_in_a_line() {
        for (line, text) in [
            ("1772612525: New client", "1772612525"),
            ("[2026-03-04 08:22:05] INFO x", "2026-03-04 08:22:05"),
            ("2026-03-04T08:22:05Z pump 7", "2026-03-04T08:22:05Z"),
            ("2026/03/04 08:22:05 pump: 7", "2026/03/04 08:22:05"),
            ("10.0.0.7 - - [04/Mar/2026:08:00:20 +0000] \"GET\"", "04/Mar/2026:08:00:20 +0000"),
            ("04.03.2026 08:22:05 +0100;LG-03;INFO", "04.03.2026 08:22:05 +0100"),
        ] {
            let found = in_line(line).and_then(|(_, _, start, end)| line.get(start..end));
            assert_eq!(found, Some(text), "{line}");
        }
        assert_eq!(in_line("no time here"), None);
        assert_eq!(in_line("job 1772612525 done"), None, "a number, not a time");
        assert_eq!(in_line(""), None);
    }
}
