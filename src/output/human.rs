//! Numbers, spans and times as a person reads them.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::{Measure, Probability, Timestamp};
use crate::output::escape::terminal;

/// `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 pump`, `12 pumps`.
pub(super) fn counted(n: u64, word: &str) -> String {
    format!("{} {}", count(n), if n == 1 { Cow::Borrowed(word) } else { Cow::Owned(plural(word)) })
}

/// More than one of a thing.
fn plural(word: &str) -> String {
    let sibilant = ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end));
    match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if sibilant => format!("{word}es"),
        _ => format!("{word}s"),
    }
}

/// `1h 5m 2s`: the three largest units that are not zero; below a second, `350ms`.
pub fn span(span: Duration) -> String {
    let nanos = span.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    for (size, unit) in [(1, "ns"), (1_000, "us"), (1_000_000, "ms")] {
        if nanos < size * 1_000 {
            return format!("{}{unit}", nanos / size);
        }
    }
    let seconds = span.as_secs();
    let parts =
        [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let shown: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .take(3)
        .map(|(n, unit)| if *n > 999 { count(*n) + *unit } else { format!("{n}{unit}") })
        .collect();
    // Between 1 s and 10 s a fraction still says something.
    if seconds < 10 && span.subsec_millis() > 0 {
        return number(span.as_secs_f64()) + "s";
    }
    shown.join(" ")
}

/// Three significant digits, without an exponent where a person would not use one.
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return x.to_string();
    }
    let size = x.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{x:.2e}");
    }
    let text = match size {
        s if s >= 100.0 => format!("{x:.0}"),
        s if s >= 10.0 => format!("{x:.1}"),
        s if s >= 1.0 => format!("{x:.2}"),
        s if s >= 0.1 => format!("{x:.3}"),
        s if s >= 0.01 => format!("{x:.4}"),
        _ => format!("{x:.6}"),
    };
    let trimmed = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if trimmed == "-0" { "0".to_owned() } else { trimmed.to_owned() }
}

/// `3.1 GB`, in powers of a thousand.
pub fn bytes(n: u64) -> String {
    let mut scaled = n as f64;
    if n < 1_000 {
        return format!("{n} B");
    }
    for unit in ["kB", "MB", "GB", "TB"] {
        scaled /= 1_000.0;
        if scaled < 999.95 {
            return format!("{scaled:.1} {unit}");
        }
    }
    format!("{:.1} PB", scaled / 1_000.0)
}

/// `+21.6 dB`; `None` when it rounds to nothing.
pub(super) fn decibans(x: f64) -> Option<String> {
    (x.is_nan() || x.abs() >= 0.05).then(|| format!("{x:+.1} dB"))
}

/// `97 %`, or `91 % to 99 %`.
pub(super) fn probabilities(low: Probability, high: Probability) -> String {
    let (low, high) = (low.to_string(), high.to_string());
    if low == high { low } else { format!("{low} to {high}") }
}

/// `2026-03-04 08:22:05 to 09:00:00 UTC (37m 55s)`; the second date only when it is another day.
pub(super) fn times(from: Timestamp, to: Timestamp) -> String {
    let (start, end) = (from.to_chrono(), to.to_chrono());
    let first = start.format("%Y-%m-%d %H:%M:%S");
    if from == to {
        return format!("{first} UTC");
    }
    let last = if start.date_naive() == end.date_naive() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    format!("{first} to {} UTC ({})", end.format(last), span(to.since(from)))
}

/// `period 1h 5m 2s`, `12 gaps`, `anchor connect`; a flag that is not set says nothing.
pub(super) fn measure(name: &str, measure: &Measure) -> Option<String> {
    let name = terminal(&name.replace(['_', '-'], " ")).into_owned();
    Some(match measure {
        Measure::Count(n) if name.ends_with('s') => format!("{} {name}", count(*n)),
        Measure::Count(n) => format!("{name} {}", count(*n)),
        Measure::Number(x) => format!("{name} {}", number(*x)),
        Measure::Span(d) => format!("{name} {}", span(*d)),
        Measure::Text(text) => format!("{name} {}", terminal(text)),
        Measure::Flag(true) => name,
        Measure::Flag(false) => return None,
    })
}

/// The words of a text that an author wrote over several lines, made safe.
pub(super) fn prose(text: &str) -> String {
    terminal(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn things_have_plurals() {
        assert_eq!(
            ["pump", "bus", "battery", "gateway", "switch"].map(|word| counted(2, word)),
            ["2 pumps", "2 buses", "2 batteries", "2 gateways", "2 switches"]
        );
        assert_eq!(counted(1, "battery"), "1 battery");
    }

    #[test]
    fn spans_name_their_largest_units() {
        let table = [
            (0, "0s"),
            (999, "999ns"),
            (350_000_000, "350ms"),
            (2_500_000_000, "2.5s"),
            (3_902_000_000_000, "1h 5m 2s"),
            (86_400_000_000_000, "1d"),
            (90_061_000_000_000, "1d 1h 1m"),
        ];
        for (nanos, text) in table {
            assert_eq!(span(Duration::from_nanos(nanos)), text);
        }
        assert_eq!(span(Duration::MAX), "213,503,982,334,601d 7h 15s");
    }

    #[test]
    fn numbers_keep_three_digits() {
        let table = [
            (0.0, "0"),
            (0.004, "0.004"),
            (0.123_45, "0.123"),
            (37.96, "38"),
            (1234.5, "1234"),
            (-1.5, "-1.5"),
        ];
        for (x, text) in table {
            assert_eq!(number(x), text);
        }
        assert_eq!(number(1e300), "1.00e300");
        assert_eq!(number(f64::NAN), "NaN");
    }

    #[test]
    fn bytes_have_a_unit() {
        assert_eq!(
            [0, 999, 1_000, 999_950, 3_100_000_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "1.0 MB", "3.1 GB"]
        );
        assert_eq!(bytes(u64::MAX), "18446.7 PB");
    }

    #[test]
    fn a_second_date_is_written_only_when_it_differs() {
        let at = |text| Timestamp::parse(text).unwrap_or(Timestamp::MIN);
        let start = at("2026-03-04T08:22:05Z");
        assert_eq!(times(start, start), "2026-03-04 08:22:05 UTC");
        assert_eq!(times(start, at("2026-03-04T09:00:00Z")), "2026-03-04 08:22:05 to 09:00:00 UTC (37m 55s)");
        assert_eq!(
            times(start, at("2026-03-05T08:22:05Z")),
            "2026-03-04 08:22:05 to 2026-03-05 08:22:05 UTC (1d)"
        );
    }

    #[test]
    fn points_that_round_to_nothing_are_not_named() {
        assert_eq!(decibans(21.64).as_deref(), Some("+21.6 dB"));
        assert_eq!(decibans(-9.5).as_deref(), Some("-9.5 dB"));
        assert_eq!(decibans(0.04), None);
    }
}
