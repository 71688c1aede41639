//! Lengths, times and numbers in words, for what a watch says is [missing](crate::detector::Watch::shortfall).

use std::time::Duration;

use crate::model::Timestamp;
use crate::yaml::spell_duration;

/// `12h`, `1h30m`, `8s`, `250ms`: as a rule writes it, down to whole seconds when it is longer than one.
pub(super) fn length(span: Duration) -> String {
    /// From here on days are easier to read than hours.
    const DAYS: Duration = Duration::from_secs(3 * 86_400);
    match (span.as_secs(), span.as_millis()) {
        (0, 0) if !span.is_zero() => format!("{}ns", span.as_nanos()),
        (0, _) => spell_duration(span, DAYS),
        (seconds, _) => spell_duration(Duration::from_secs(seconds), DAYS),
    }
}

/// `2026-01-05 12:05:00`, in UTC, with as many digits of a second as there are.
pub(super) fn stamp(time: Timestamp) -> String {
    time.to_string().trim_end_matches('Z').replace('T', " ")
}

/// `1 event`, `3 events`.
pub(super) fn many(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// `12 %`, with one digit behind the point below ten.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_a_rule_writes_them() {
        let spans = [0, 8, 90, 5_400, 43_200, 129_600, 259_200, 277_200].map(Duration::from_secs);
        let words = ["0s", "8s", "1m30s", "1h30m", "12h", "36h", "3d", "3d5h"];
        assert_eq!(spans.map(length), words);
        assert_eq!([250_000_000, 7].map(Duration::from_nanos).map(length), ["250ms", "7ns"]);
    }

    #[test]
    fn a_time_is_written_without_letters() {
        assert_eq!(stamp(Timestamp::MIN), "1970-01-01 00:00:00");
    }

    #[test]
    fn one_is_not_plural() {
        assert_eq!([many(0, "event"), many(1, "event")], ["0 events", "1 event"]);
        assert_eq!([percent(0.05), percent(0.4)], ["5.0 %", "40 %"]);
    }
}
