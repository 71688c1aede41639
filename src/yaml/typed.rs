//! Text to types, through serde.

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde_yaml::Value;

use crate::error::{BYTE_ORDER_MARK, Problem, did_you_mean};
use crate::yaml::node::{Node, Reads, Shape};
use crate::yaml::parse::Document;

/// Reads a document into a type of the caller.
///
/// # Errors
///
/// The first key or value that the type has no place for.
pub fn typed<T: DeserializeOwned>(document: &Document) -> Result<T, Problem> {
    let text = document.text();
    serde_yaml::from_str(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)).map_err(|error| {
        let place = error.location().map(|place| document.source.offset(place.line(), place.column()));
        misfit(document, &error.to_string(), place.unwrap_or(document.root.span().start))
    })
}

/// Reads a tree whose shape is [sound](crate::yaml::sound) into a type of the caller.
///
/// A scalar is read as the schema of the type asks: `007` as text keeps its zeros.
///
/// # Errors
///
/// When the type is stricter than its schema.
pub fn read_into<T: DeserializeOwned>(node: &Node) -> Result<T, Problem> {
    T::deserialize(Tree(node))
        .map_err(|error| node.head().problem("wrong-type", in_our_words(&error.to_string())))
}

/// A tree as serde reads it: what a type has no use for is passed over.
struct Tree<'de>(&'de Node);

impl<'de> Tree<'de> {
    fn entries(self) -> MapDeserializer<'de, impl Iterator<Item = (Name<'de>, Self)>, serde_yaml::Error> {
        let name = |key: &'de Node| Name::new(key.scalar().unwrap_or_default());
        MapDeserializer::new(self.0.entries().iter().map(move |(key, inner)| (name(key), Tree(inner))))
    }
}

/// A key.
type Name<'de> = BorrowedStrDeserializer<'de, serde_yaml::Error>;

impl<'de> IntoDeserializer<'de, serde_yaml::Error> for Tree<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Tree<'de> {
    type Error = serde_yaml::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0.shape() {
            Shape::Scalar { text, .. } => match scalar(self.0, text) {
                Some(value) => value.deserialize_any(visitor),
                None => visitor.visit_borrowed_str(text),
            },
            Shape::List(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(Tree))),
            Shape::Map(_) => visitor.visit_map(self.entries()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0.is_null() && self.0.reads() == Reads::AsWritten {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.0.shape() {
            Shape::Scalar { text, .. } => {
                let value = scalar(self.0, text).unwrap_or_else(|| Value::String(text.clone()));
                value.deserialize_enum(name, variants, visitor)
            }
            Shape::List(_) => self.deserialize_any(visitor),
            Shape::Map(_) => visitor.visit_enum(MapAccessDeserializer::new(self.entries())),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

/// What a scalar is, unless it is text.
fn scalar(node: &Node, text: &str) -> Option<Value> {
    let number = || {
        let whole = text.parse::<i64>().ok().map(Value::from);
        whole.or_else(|| text.parse::<f64>().ok().filter(|x| x.is_finite()).map(Value::from))
    };
    match node.reads() {
        Reads::Word(_) => None,
        Reads::Number => number(),
        Reads::Boolean => node.as_boolean().map(Value::Bool),
        Reads::AsWritten if node.is_null() => Some(Value::Null),
        Reads::AsWritten if node.is_plain() => node.as_boolean().map(Value::Bool).or_else(number),
        Reads::AsWritten => None,
    }
}

/// The problem behind an error of the typed reader.
fn misfit(document: &Document, error: &str, start: usize) -> Problem {
    let message = in_our_words(error.rsplit_once(" at line ").map_or(error, |(message, _)| message));
    let code = if message.contains("unknown key `") {
        "unknown-key"
    } else if message.contains("missing key `") {
        "missing-key"
    } else {
        "wrong-type"
    };
    let mut names = message.split('`').skip(1).step_by(2);
    let word = names.next().filter(|_| message.contains("unknown ")).unwrap_or_default();
    let rest = document.text().get(start..).unwrap_or_default();
    let len = if rest.starts_with(word) { word.len() } else { 0 };
    let problem = document.source.problem(code, start..start + len, message.clone());
    match did_you_mean(word, names) {
        Some(meant) => problem.with_help(format!("did you mean `{meant}`?")),
        None => problem,
    }
}

fn in_our_words(message: &str) -> String {
    let (found, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let found = FOUND.iter().fold(found.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours));
    let expected = match expected {
        "" => return found,
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is large enough and not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" => "text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        kind if kind.starts_with("struct ") => "a mapping",
        other => other,
    };
    format!("{found}, expected {expected}")
}

/// The typed reader's words for what it found, and ours.
const FOUND: [(&str, &str); 12] = [
    ("unknown field", "unknown key"),
    ("missing field", "missing key"),
    ("duplicate field", "duplicate key"),
    ("unknown variant", "unknown word"),
    ("invalid type: ", "found "),
    ("invalid value: ", "found "),
    ("found unit value", "found nothing"),
    ("found sequence", "found a list"),
    ("found map", "found a mapping"),
    ("found string ", "found text "),
    ("found integer ", "found "),
    ("found floating point ", "found "),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::yaml::document;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rules {
        #[expect(dead_code, reason = "only read into")]
        rules: Vec<Rule>,
        #[serde(default)]
        #[expect(dead_code, reason = "only read into")]
        named: BTreeMap<String, Rule>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Rule {
        code: u32,
        within: Option<String>,
        kind: Option<Kind>,
        ok: Option<bool>,
        share: Option<f64>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        Drop,
        Connect,
    }

    #[test]
    fn what_does_not_fit_is_said_in_our_words() {
        let unknown = "expected one of `code`, `within`, `kind`, `ok`, `share`";
        let whole = "expected a whole number that is large enough and not negative";
        let cases = [
            (
                "rules:\n  - code: 1\n    wihtin: x\n",
                format!("3:5: rules[0]: unknown key `wihtin`, {unknown} [unknown-key]\n  help: did you mean `within`?"),
            ),
            ("rules:\n  - within: x\n", "2:5: rules[0]: missing key `code` [missing-key]".to_owned()),
            ("rules: []\nnamed: {ä: {code: 1, x: 1}}", format!("2:22: named.ä: unknown key `x`, {unknown} [unknown-key]")),
            ("é: []", "1:1: unknown key `é`, expected `rules` or `named` [unknown-key]".to_owned()),
            ("rules: 5\n", "1:8: rules: found `5`, expected a list [wrong-type]".to_owned()),
            ("rules: [5]\n", "1:9: rules[0]: found `5`, expected a mapping [wrong-type]".to_owned()),
            ("rules: ~\n", "1:8: rules: found nothing, expected a list [wrong-type]".to_owned()),
            ("rules: [{code: x}]", format!("1:16: rules[0].code: found text \"x\", {whole} [wrong-type]")),
            ("rules: [{code: -1}]", format!("1:16: rules[0].code: found `-1`, {whole} [wrong-type]")),
            ("rules: [{code: 1, ok: yes}]", "1:23: rules[0].ok: found text \"yes\", expected `true` or `false` [wrong-type]".to_owned()),
            ("rules: [{code: 1, share: a}]", "1:26: rules[0].share: found text \"a\", expected a number [wrong-type]".to_owned()),
            (
                "rules: [{code: 1, kind: dorp}]",
                "1:25: rules[0].kind: unknown word `dorp`, expected `drop` or `connect` [wrong-type]\n  help: did you mean `drop`?".to_owned(),
            ),
        ];
        for (text, expected) in cases {
            for text in [text.to_owned(), format!("\u{feff}{text}"), text.replace('\n', "\r\n")] {
                let read = document("f.yaml", &text).map_err(|mut problems| problems.remove(0));
                let read = read.and_then(|document| typed::<Rules>(&document));
                assert_eq!(
                    read.map_err(|p| p.to_string()).err(),
                    Some(format!("f.yaml:{expected}")),
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn a_tree_is_read_into_whatever_it_fits() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only shown")]
        struct All {
            words: BTreeMap<String, Vec<String>>,
            pair: (i64, f64),
            wrapped: Wrapped,
            kinds: Vec<Kind>,
            some: Option<bool>,
            nothing: Option<Box<All>>,
            rest: serde::de::IgnoredAny,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only shown")]
        struct Wrapped(u8);
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[expect(dead_code, reason = "only shown")]
        enum Kind {
            Drop,
            After(i64),
        }

        let read = |text: &str| {
            let document = document("f.yaml", text).unwrap_or_else(|problems| panic!("{problems:?}"));
            read_into::<All>(document.root()).map_err(|problem| problem.to_string())
        };
        let text = "{words: {a: [x, 'y']}, pair: [-7, 0.5], wrapped: 3, kinds: [drop, after: 9], some: true, nothing: ~, rest: [{}]}";
        let shown = r#"Ok(All { words: {"a": ["x", "y"]}, pair: (-7, 0.5), wrapped: Wrapped(3), kinds: [Drop, After(9)], some: Some(true), nothing: None, rest: IgnoredAny })"#;
        assert_eq!(format!("{:?}", read(text)), shown);
        for (change, said) in [
            (
                ("wrapped: 3", "wrapped: x"),
                "found text \"x\", expected a whole number that is large enough and not negative",
            ),
            (("some: true", "some: [1]"), "found a list, expected `true` or `false`"),
            (("[drop, ", "[dorp, "), "unknown word `dorp`, expected `drop` or `after`"),
            (("pair: [-7, 0.5]", "pair: [-7]"), "invalid length 1, expected a tuple of size 2"),
            (("rest: [{}]", "other: 1"), "missing key `rest`"),
        ] {
            let told = read(&text.replace(change.0, change.1)).err();
            assert_eq!(told, Some(format!("f.yaml:1:1: {said} [wrong-type]")));
        }
    }

    #[test]
    fn what_fits_is_read() {
        let read =
            document("f.yaml", "rules: [{code: 7, kind: connect}]").map(|document| typed::<Rules>(&document));
        let read = read.unwrap_or_else(|problems| panic!("{problems:?}"));
        assert!(read.is_ok(), "{read:?}");
    }
}
