//! Which comparisons can mean something, from what is known about the kinds of both sides.

use std::ops::Range;

use crate::model::Value;
use crate::predicate::functions::Function;
use crate::predicate::term::Term;
use crate::predicate::{Fault, Kind};

/// What is wrong with comparing two terms, if anything.
pub(super) fn fault(
    source: &str,
    left: &Term,
    right: &Term,
    operator: &str,
    sign: &Range<usize>,
) -> Option<Fault> {
    unlike(source, left, right, operator, sign)
        .or_else(|| without_unit(source, left, right))
        .or_else(|| two_fractions(left, right, operator, sign))
}

/// The literal of two terms, if there is one, and the other.
fn literal<'a>(left: &'a Term, right: &'a Term) -> (Option<&'a Value>, &'a Term, &'a Term) {
    match (left.constant(), right.constant()) {
        (Some(value), None) => (Some(value), left, right),
        (_, value) => (value, right, left),
    }
}

fn unlike(source: &str, left: &Term, right: &Term, operator: &str, sign: &Range<usize>) -> Option<Fault> {
    let (value, place, other) = literal(left, right);
    let comparison = |fault: Fault| fault.with_also(sign.clone(), "in this comparison");
    if let (Kind::Code, Some(Value::Text(text))) = (other.kind, value)
        && text.parse::<i64>().is_ok_and(|n| n.to_string() == *text)
    {
        let message = format!("`{operator}` cannot compare a code with the text `{text}`: it is a number");
        let fault = comparison(Fault::new("wrong-type", place.span.clone(), message));
        let fault = fault.with_help(format!("write the code as a number: `{text}`"));
        return Some(fault.with_edit(place.span.clone(), text.as_str()));
    }
    let amounts = [Kind::Count, Kind::Span, Kind::Share];
    let amounts_differ = left.kind != right.kind
        && amounts.contains(&left.kind)
        && amounts.contains(&right.kind)
        && (left.kind == Kind::Span || right.kind == Kind::Span);
    if left.kind.meets(right.kind) && !amounts_differ {
        return None;
    }
    let message = format!("`{operator}` cannot compare {} with {}", left.kind, right.kind);
    let fault = comparison(Fault::new("wrong-type", place.span.clone(), message));
    let written = source.get(place.span.clone()).unwrap_or_default();
    let name = source.get(other.span.clone()).unwrap_or_default();
    let instead = |fault: Fault, help: &str, text: String| {
        fault.with_help(format!("{help}: `{text}`")).with_edit(place.span.clone(), text)
    };
    Some(match (value, other.kind) {
        (Some(Value::Text(text)), kind) if kind.is_number() && is_number(text) => {
            instead(fault, "write it as a number", text.to_string())
        }
        (Some(Value::Text(text)), Kind::Span) if span_of(text).is_some() => {
            instead(fault, "write it as a span of time", span_of(text).unwrap_or_default())
        }
        (Some(Value::Text(text)), Kind::Flag) if text == "true" || text == "false" => {
            instead(fault, "write it without quotes", text.to_string())
        }
        (Some(Value::Int(_) | Value::Bool(_)), Kind::Text) => {
            instead(fault, "write it as text", format!("\"{written}\""))
        }
        (Some(Value::Int(0 | 1)), Kind::Flag) => {
            fault.with_help(format!("write `{name}` when it is true, `!{name}` when it is false"))
        }
        _ => fault,
    })
}

/// `5.min` for `5m`.
fn span_of(text: &str) -> Option<String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => "ms",
        "s" => "s",
        "m" | "min" => "min",
        "h" => "hours",
        "d" => "days",
        _ => return None,
    };
    (!number.is_empty()).then(|| format!("{number}.{unit}"))
}

fn is_number(text: &str) -> bool {
    text.parse::<i64>().is_ok()
        || text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && text.parse::<f64>().is_ok()
}

/// A span of time next to a number without a unit: `period > 40` would mean 40 nanoseconds.
pub(super) fn without_unit(source: &str, left: &Term, right: &Term) -> Option<Fault> {
    let (value, place, other) = literal(left, right);
    let (Some(Value::Int(n)), Kind::Span, Kind::Integer) = (value, other.kind, place.kind) else {
        return None;
    };
    // No span in a log is measured in millionths; 0 has no unit.
    if *n == 0 || n.unsigned_abs() >= 1_000_000 {
        return None;
    }
    let written = source.get(place.span.clone()).unwrap_or_default();
    let message = format!("`{written}` is compared with a span of time and has no unit");
    let fault = Fault::new("wrong-type", place.span.clone(), message);
    Some(fault.with_help(format!("say which: `{written}.sec`, `{written}.min`, `{written}.hours`")))
}

fn two_fractions(left: &Term, right: &Term, operator: &str, sign: &Range<usize>) -> Option<Fault> {
    let whole = |term: &Term| match term.constant() {
        Some(Value::Float(x)) => x.fract() == 0.0,
        Some(_) => true,
        None => false,
    };
    let exact = matches!(operator, "==" | "!=" | "in");
    if !exact || !(left.is_fraction() || right.is_fraction()) || whole(left) || whole(right) {
        return None;
    }
    let message = format!("`{operator}` asks whether two fractions are alike to the last digit");
    let place = if operator == "in" { right.span.clone() } else { sign.clone() };
    Some(Fault::new("float-equality", place, message).with_help("use `<=` and `>=`"))
}

/// What a function or an operator gives for these arguments.
pub(super) fn result(function: &Function, args: &[Term]) -> Kind {
    if function.gives() != Kind::Number {
        return function.gives();
    }
    let spans = args.iter().filter(|arg| arg.kind == Kind::Span).count();
    let whole = args.iter().all(|arg| arg.kind.is_whole());
    match function.name() {
        _ if !whole => Kind::Number,
        "+" | "-" | "%" | "abs" | "min" | "max" if spans == args.len() => Kind::Span,
        "*" | "/"
            if spans == 1
                && !(function.name() == "/" && args.last().is_some_and(|arg| arg.kind == Kind::Span)) =>
        {
            Kind::Span
        }
        _ => Kind::Integer,
    }
}
