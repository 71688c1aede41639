//! What was meant by a scalar that is almost right.

use crate::error::Problem;

/// Adds to a problem how the value is written, when one can guess it; `what` is what was expected, `text` what was found.
pub(super) fn mend(problem: Problem, what: &str, text: &str, plain: bool) -> Problem {
    let text = text.trim();
    let instead = |problem: Problem, help: &str, text: String| {
        let span = problem.span.clone();
        problem.with_help(format!("write {help}`{text}`")).with_edit(span, text)
    };
    if what == "`true` or `false`" {
        return match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => instead(problem, "", "true".to_owned()),
            "false" | "no" | "off" | "n" => instead(problem, "", "false".to_owned()),
            _ => problem,
        };
    }
    if what.starts_with("a whole number") || what.starts_with("a number") {
        let joined: String = text.chars().filter(|c| !matches!(c, '_' | '\'' | ' ')).collect();
        let starts = joined.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let fits = if what.starts_with("a whole") {
            joined.parse::<i64>().is_ok()
        } else {
            joined.parse::<f64>().is_ok()
        };
        return match starts && fits && (joined != text || !plain) {
            true if joined == text => instead(problem, "it without quotes: ", joined),
            true => instead(problem, "the digits alone: ", joined),
            false => problem,
        };
    }
    if what.starts_with("a duration") {
        return duration(problem, text);
    }
    if what.starts_with("a share")
        && let Ok(percent) = text.parse::<f64>()
        && percent > 1.0
        && percent <= 100.0
    {
        return instead(problem, "", format!("{text}%"));
    }
    problem
}

/// Units as people write them.
const UNITS: [(&str, &[&str]); 5] = [
    ("ms", &["ms", "msec", "msecs", "millis", "millisecond", "milliseconds"]),
    ("s", &["s", "sec", "secs", "second", "seconds"]),
    ("m", &["m", "min", "mins", "minute", "minutes"]),
    ("h", &["h", "hr", "hrs", "hour", "hours"]),
    ("d", &["d", "day", "days"]),
];

fn duration(problem: Problem, text: &str) -> Problem {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let known = UNITS.iter().find(|(_, words)| words.contains(&unit.as_str())).map(|(unit, _)| *unit);
    let weeks = ["w", "week", "weeks"].contains(&unit.as_str());
    match (number.parse::<u64>(), known) {
        (Ok(number), Some(unit)) => {
            let span = problem.span.clone();
            let text = format!("{number}{unit}");
            problem.with_help(format!("write `{text}`")).with_edit(span, text)
        }
        (Ok(number), None) if unit.is_empty() && number > 0 => {
            problem.with_help(format!("say in which unit: `{number}s`, `{number}m` or `{number}h`"))
        }
        (Ok(number), None) if weeks => problem
            .with_help(format!("write it in days: `{}d`; 31 days are the most", number.saturating_mul(7))),
        _ => problem.with_help("the units are `ms`, `s`, `m`, `h` and `d`"),
    }
}
