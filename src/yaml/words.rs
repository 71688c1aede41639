//! Scalars against their schema: what they may be, and how that is said.

use serde_json::Value;

use crate::error::{Problem, did_you_mean};
use crate::yaml::node::{Node, Reads};
use crate::yaml::shape::{Walk, allows};
use crate::yaml::union;

/// The words that a schema allows, if it allows only certain words.
pub(super) fn known(schema: &Value) -> Option<Vec<&str>> {
    let one = schema.get("const").and_then(Value::as_str).map(|word| vec![word]);
    let several = || schema.get("enum")?.as_array()?.iter().map(Value::as_str).collect();
    one.or_else(several)
}

/// A word that is none of those known; `or` is what else may stand here.
pub(super) fn unknown(node: &Node, known: &[&str], or: Option<String>) -> Problem {
    let word: String = node.scalar().unwrap_or_default().chars().take(40).collect();
    let list = format!("expected one of: {}", known.join(", "));
    let list = or.map_or(list.clone(), |or| format!("{list}; or {or}"));
    let meant = did_you_mean(&word, known.iter().copied());
    let help = meant.as_ref().map_or(list.clone(), |meant| format!("did you mean `{meant}`? {list}"));
    let problem = node.problem("unknown-word", format!("`{word}` is not known here")).with_help(help);
    match meant {
        Some(meant) => problem.with_edit(node.span(), meant),
        None => problem,
    }
}

/// How a scalar is to be read by its schema; otherwise what is wrong with it, if it is of the right kind.
pub(super) fn scalar(node: &Node, schema: &Value) -> Result<Reads, Option<Problem>> {
    if node.is_null() {
        return Err(None);
    }
    if schema.get("type").is_none() {
        return Ok(Reads::AsWritten);
    }
    if allows(schema, "string") {
        let format = schema.get("format").and_then(Value::as_str).and_then(of_format);
        return text(node, schema).map(|()| Reads::Word(format.map(|(format, _)| format)));
    }
    if allows(schema, "boolean") && node.as_boolean().is_some() {
        return Ok(Reads::Boolean);
    }
    let whole = allows(schema, "integer").then(|| node.as_integer()).flatten();
    let number = allows(schema, "number").then(|| node.as_number()).flatten();
    #[expect(clippy::cast_precision_loss, reason = "compared with bounds that are small")]
    match whole.map(|n| n as f64).or(number) {
        Some(x) => within(node, schema, x).map(|()| Reads::Number),
        None => Err(None),
    }
}

fn text(node: &Node, schema: &Value) -> Result<(), Option<Problem>> {
    let outcome = match schema.get("format").and_then(Value::as_str) {
        Some("duration") => node.duration().map(drop),
        Some("duration-range") => node.duration_range().map(drop),
        Some("share") => node.share().map(drop),
        Some("path") if node.scalar().is_some_and(|path| path.split('.').any(str::is_empty)) => {
            return Err(None);
        }
        Some("zone-offset") if !node.scalar().is_some_and(is_zone_offset) => return Err(None),
        Some("stamp-pattern") if !node.scalar().is_some_and(|text| text.contains('%')) => return Err(None),
        _ => Ok(()),
    };
    outcome.map_err(Some)
}

/// `±hh:mm` up to 18 hours.
fn is_zone_offset(text: &str) -> bool {
    let Some((hours, minutes)) = text.strip_prefix(['+', '-']).and_then(|text| text.split_once(':')) else {
        return false;
    };
    let two =
        |part: &str| (part.len() == 2 && !part.starts_with('+')).then(|| part.parse::<u32>().ok()).flatten();
    let minutes = two(minutes).filter(|minutes| *minutes < 60);
    two(hours).zip(minutes).is_some_and(|(hours, minutes)| hours * 60 + minutes <= 18 * 60)
}

fn within(node: &Node, schema: &Value, x: f64) -> Result<(), Option<Problem>> {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let word = node.scalar().unwrap_or_default();
    let (least, most) = (bound("minimum"), bound("maximum"));
    let (above, below) = (bound("exclusiveMinimum"), bound("exclusiveMaximum"));
    let fits = least.is_none_or(|least| x >= least)
        && most.is_none_or(|most| x <= most)
        && above.is_none_or(|above| x > above)
        && below.is_none_or(|below| x < below);
    if fits {
        return Ok(());
    }
    let message = match (least.or(above), most.or(below)) {
        (Some(low), Some(high)) if above.is_none() && below.is_none() => {
            format!("`{word}` is outside {low} to {high}")
        }
        (Some(low), Some(high)) => {
            let problem = node.problem(
                "out-of-range",
                if x == low || x == high {
                    format!("`{word}` is not between {low} and {high}, which are both too much to claim")
                } else {
                    format!("`{word}` is not between {low} and {high}")
                },
            );
            let percent = (low, high) == (0.0, 1.0) && x > 1.0 && x <= 100.0;
            return Err(Some(match percent {
                true => problem.with_help(format!("if it is meant as {word} %, write `{}`", x / 100.0)),
                false => problem,
            }));
        }
        (Some(low), None) => format!("`{word}` is less than {low}"),
        (None, Some(high)) => format!("`{word}` is more than {high}"),
        (None, None) => return Ok(()),
    };
    Err(Some(node.problem("out-of-range", message)))
}

/// What a schema asks for, in words: `a list or text`.
pub(super) fn describe<'a>(walk: &Walk<'a>, schema: &'a Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut add = |part: String| {
        if !parts.contains(&part) {
            parts.push(part);
        }
    };
    for variant in union::flat(walk, schema) {
        if let Some(known) = known(variant) {
            known.into_iter().for_each(|word| add(format!("`{word}`")));
            continue;
        }
        let text = variant.get("format").and_then(Value::as_str).and_then(of_format);
        let text = text.map_or("text", |(_, words)| words);
        let number =
            if variant.get("exclusiveMaximum").is_some() { "a number between 0 and 1" } else { "a number" };
        let kinds = [
            ("string", text),
            ("integer", "a whole number"),
            ("number", number),
            ("boolean", "`true` or `false`"),
            ("array", "a list"),
            ("object", "a mapping"),
        ];
        let is_text = variant.get("type").is_some() && allows(variant, "string");
        for (kind, words) in kinds {
            let spelt = is_text && ["integer", "number", "boolean"].contains(&kind);
            if variant.get("type").is_some() && allows(variant, kind) && !spelt {
                add(words.to_owned());
            }
        }
    }
    match parts.split_last() {
        None => "something".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
    }
}

/// A format with the words for it.
fn of_format(format: &str) -> Option<(&'static str, &'static str)> {
    let words = [
        ("duration", "a duration such as `60s`, `5m` or `12h`"),
        ("duration-or-0", "a duration such as `60s`, `5m` or `12h`, or `0`"),
        ("duration-range", "a range such as `5m..36h`"),
        ("share", "a share such as `5%`"),
        ("path", "a path such as `a.b`"),
        ("stamp-pattern", "a pattern such as `%Y-%m-%d %H:%M:%S`"),
        ("zone-offset", "a distance from UTC such as `+01:00`"),
        ("class", "the name of an event class"),
        ("level", "the name of a level of subjects"),
        ("field", "the name of a field"),
        ("name", "a name"),
    ];
    words.into_iter().find(|(known, _)| *known == format)
}
