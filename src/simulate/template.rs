//! Text with places in it: `press-{number:04}`, `10.0.{0..255}.XXX`, `/HUBS/{hub:upper}`.

use crate::error::Problem;
use crate::yaml::Node;

/// Text with places.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Template {
    pub(super) pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    /// A field of the record, as it is or with its letters changed.
    Field(String, Letters),
    /// Something made of digits, which needs no escape in any shape.
    Digits(Digits),
}

/// Which letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letters {
    AsWritten,
    Upper,
    Lower,
}

/// What is known only when a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    /// The subject's number in its group, from 1, with at least so many digits.
    Number(usize),
    /// A number of the subject's own between two.
    Own { low: u64, high: u64 },
    /// A number between two, drawn for each record.
    Any { low: u64, high: u64 },
    /// How many records were made before this one, in so many hexadecimal digits.
    Count(usize),
    /// What a gauge shows.
    Value,
    /// The time.
    Time(Stamp),
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// `2026-03-04T08:22:05Z`.
    Seconds,
    /// `2026-03-04T08:22:05.123Z`.
    Millis,
    /// `2026-03-04T08:22:05.1234567Z`.
    Ticks,
    /// `2026-03-04T08:22:05.1234567+00:00`.
    Offset,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// When a brace stands alone or a place is not understood.
    pub(super) fn read(node: &Node) -> Result<Self, Problem> {
        let text = node.text()?;
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((place, after)) = behind.split_once('}') else {
                return Err(node.problem("unknown-capture", "a `{` without its `}`"));
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let piece = place_of(place).ok_or_else(|| {
                let problem = node.problem("unknown-capture", format!("no such place: `{{{place}}}`"));
                problem.with_help(
                    "a field such as `{name}`, `{name:upper}`, `{number:04}`, `{1..9}`, `{any:1..9}`, `{time}`, `{time:millis}`, `{count:16}` or `{value}`",
                )
            })?;
            pieces.push(piece);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// The text of a template without places.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The fields that it has places for.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(name, _) => Some(name.as_str()),
            Piece::Text(_) | Piece::Digits(_) => None,
        })
    }
}

fn place_of(place: &str) -> Option<Piece> {
    let (name, how) = place.split_once(':').unwrap_or((place, ""));
    let range = |text: &str| {
        let (low, high) = text.split_once("..")?;
        let (low, high): (u64, u64) = (low.parse().ok()?, high.parse().ok()?);
        (low <= high && high < u64::MAX).then_some((low, high))
    };
    let width = |most: usize| match how {
        "" => Some(0),
        how => how.parse().ok().filter(|width| *width <= most),
    };
    if let Some((low, high)) = range(place) {
        return Some(Piece::Digits(Digits::Own { low, high }));
    }
    Some(Piece::Digits(match name {
        "number" => Digits::Number(width(20)?),
        "any" => range(how).map(|(low, high)| Digits::Any { low, high })?,
        "count" => Digits::Count(width(128)?),
        "value" if how.is_empty() => Digits::Value,
        "time" => Digits::Time(match how {
            "" | "seconds" => Stamp::Seconds,
            "millis" => Stamp::Millis,
            "ticks" => Stamp::Ticks,
            "offset" => Stamp::Offset,
            _ => return None,
        }),
        name if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
            let letters = match how {
                "" => Letters::AsWritten,
                "upper" => Letters::Upper,
                "lower" => Letters::Lower,
                _ => return None,
            };
            return Some(Piece::Field(name.to_owned(), letters));
        }
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::document;

    fn read(text: &str) -> Result<Template, String> {
        let quoted = format!("'{text}'");
        let document = document("f.yaml", &quoted).unwrap_or_else(|problems| panic!("{problems:?}"));
        Template::read(document.root()).map_err(|problem| problem.message)
    }

    #[test]
    fn a_template_is_text_and_places() {
        let digits = |digits| Piece::Digits(digits);
        let text = |text: &str| Piece::Text(text.to_owned());
        let table = [
            ("as it is", vec![text("as it is")]),
            ("p-{number:04}", vec![text("p-"), digits(Digits::Number(4))]),
            ("10.{0..255}.X", vec![text("10."), digits(Digits::Own { low: 0, high: 255 }), text(".X")]),
            ("{any:1..9}", vec![digits(Digits::Any { low: 1, high: 9 })]),
            ("/{hub:upper}", vec![text("/"), Piece::Field("hub".to_owned(), Letters::Upper)]),
            ("{time:ticks}", vec![digits(Digits::Time(Stamp::Ticks))]),
        ];
        for (source, pieces) in table {
            assert_eq!(read(source), Ok(Template { pieces }), "{source}");
        }
        for faulty in ["{", "a {b", "{}", "{a b}", "{hub:title}", "{9..1}", "{number:x}", "{time:never}"] {
            assert!(read(faulty).is_err(), "{faulty}");
        }
    }
}
