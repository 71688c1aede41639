//! Spans of time as rules write them: `60s`, `5m`, `1h30m`.

use std::time::Duration;

/// Reads a span with its units.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let (unit, tail) = tail.split_at(letters);
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = tail;
    }
    Some(total)
}

/// A span as a rule would write it, in days from `days_from` on; what is shorter than a millisecond is left out.
pub fn spell_duration(span: Duration, days_from: Duration) -> String {
    let mut rest = span.as_millis();
    let mut text = String::new();
    for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= millis && (unit != "d" || span >= days_from) {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelt_is_read_back() {
        for millis in [0, 1, 250, 1_500, 90_000, 5_400_000, 108_000_000, 277_200_000] {
            let span = Duration::from_millis(millis);
            for days_from in [Duration::ZERO, Duration::from_secs(3 * 86_400), Duration::MAX] {
                assert_eq!(parse(&spell_duration(span, days_from)), Some(span), "{millis}");
            }
        }
        assert_eq!(spell_duration(Duration::from_secs(108_000), Duration::MAX), "30h");
        assert_eq!(spell_duration(Duration::from_secs(108_000), Duration::ZERO), "1d6h");
    }
}
