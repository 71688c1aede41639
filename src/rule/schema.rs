//! The files of a pack, key by key. Loading is strict: a key that is not here is refused.
//!
//! Parts whose keys depend on something else (the parameters of a detector, the fields of an event class) are read from
//! the tree of nodes instead and stand here as [`Any`].

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::Severity;

/// A part that another reader takes from the tree of nodes.
pub(super) type Any = IgnoredAny;

/// `pack.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PackFile {
    pub(super) etiolog: u32,
    pub(super) pack: String,
    pub(super) title: String,
    pub(super) version: String,
    pub(super) subjects: Vec<LevelFile>,
    #[serde(rename = "problem")]
    pub(super) _problem: Option<Any>,
    #[serde(default)]
    pub(super) identity: Identity,
    #[serde(default)]
    pub(super) ties: Ties,
}

/// A level of subjects in `pack.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LevelFile {
    pub(super) name: String,
    #[serde(rename = "in")]
    pub(super) parent: Option<String>,
    #[serde(rename = "quiet")]
    pub(super) _quiet: Any,
}

/// What makes two records the same record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Where they stand: source and position.
    #[default]
    Position,
    /// What they say: an equal time and an equal hash is a repeat.
    Record,
}

/// Whether equal times say anything about order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// Events of equal time happened in canonical order.
    #[default]
    Ordered,
    /// Stamps are coarser than causality: equal times satisfy "before" both ways.
    Any,
}

/// `<article>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ArticleFile {
    pub(super) etiolog: u32,
    pub(super) article: Word,
    pub(super) title: String,
    #[serde(default)]
    pub(super) aliases: Vec<Word>,
    #[serde(default, rename = "events")]
    pub(super) _events: BTreeMap<String, Any>,
    #[serde(default)]
    pub(super) symptoms: BTreeMap<String, SymptomFile>,
    #[serde(default)]
    pub(super) causes: BTreeMap<String, CauseFile>,
    #[serde(default)]
    pub(super) solutions: BTreeMap<String, SolutionFile>,
}

/// A symptom in an article.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SymptomFile {
    pub(super) title: String,
    pub(super) per: String,
    #[serde(rename = "detect")]
    pub(super) _detect: Any,
    #[serde(rename = "when")]
    pub(super) _when: Option<String>,
    #[serde(default)]
    pub(super) unless: Vec<Word>,
    pub(super) background: Option<Strength>,
    pub(super) accounts: Option<bool>,
}

/// A cause in an article: its own, or the same as one elsewhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CauseFile {
    pub(super) same_as: Option<Word>,
    pub(super) title: Option<String>,
    pub(super) prior: Option<Prior>,
    #[serde(default)]
    pub(super) explains: BTreeMap<Word, Strength>,
    pub(super) severity: Option<SeverityWord>,
    #[serde(default)]
    pub(super) solutions: Vec<Word>,
}

/// A solution in an article: something to do, to avoid, a reason to do nothing, or the same as one elsewhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SolutionFile {
    pub(super) same_as: Option<Word>,
    #[serde(rename = "do")]
    pub(super) act: Option<String>,
    pub(super) avoid: Option<String>,
    pub(super) nothing: Option<String>,
    pub(super) link: Option<String>,
}

/// A name that may look like a number: `700`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word(pub(super) String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// A probability as a word or a number.
struct Scale {
    words: &'static [(&'static str, f64)],
}

impl Visitor<'_> for Scale {
    type Value = f64;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number between 0 and 1, or one of:")?;
        self.words.iter().try_for_each(|(word, _)| write!(f, " {word}"))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        let found = self.words.iter().find(|(word, _)| *word == text);
        found.map(|&(_, p)| p).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
    fn visit_f64<E: de::Error>(self, p: f64) -> Result<f64, E> {
        if p > 0.0 && p < 1.0 { Ok(p) } else { Err(E::invalid_value(de::Unexpected::Float(p), &self)) }
    }
}

/// How often a cause shows a symptom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strength(pub(super) f64);

impl Strength {
    const WORDS: &'static [(&'static str, f64)] = &[
        ("always", 0.99),
        ("almost-always", 0.95),
        ("usually", 0.85),
        ("often", 0.6),
        ("sometimes", 0.3),
        ("seldom", 0.1),
        ("hardly-ever", 0.02),
        ("very-rarely", 0.002),
    ];
}

impl<'de> Deserialize<'de> for Strength {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scale { words: Self::WORDS }).map(Self)
    }
}

/// How common a cause is before anything is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prior(pub(super) f64);

impl Prior {
    const WORDS: &'static [(&'static str, f64)] = &[("rare", 0.02), ("uncommon", 0.05), ("common", 0.25)];
    /// When a cause does not say.
    pub(super) const DEFAULT: f64 = 0.10;
}

impl<'de> Deserialize<'de> for Prior {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scale { words: Self::WORDS }).map(Self)
    }
}

/// The word that comes nearest to a strength: `often` for 0.6. Nearness is that of the odds, so that 0.005 is
/// `very-rarely` and not `hardly-ever`.
pub fn strength_word(p: f64) -> &'static str {
    let odds = |p: f64| (p / (1.0 - p)).ln();
    let distance = |&&(_, known): &&(&str, f64)| (odds(known) - odds(p)).abs();
    let nearest = Strength::WORDS.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.map_or("", |(word, _)| word)
}

/// The word for exactly this prior. The words lie too far apart to stand for anything between them.
pub fn prior_word(p: f64) -> Option<&'static str> {
    Prior::WORDS.iter().find(|&&(_, known)| (known - p).abs() < 1e-9).map(|&(word, _)| word)
}

/// A severity as a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeverityWord(pub(super) Severity);

impl<'de> Deserialize<'de> for SeverityWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Severity::from_word(&word).map(Self).ok_or_else(|| {
            de::Error::unknown_variant(&word, &["benign", "info", "warning", "error", "critical"])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_for_itself_and_for_what_is_near() {
        for &(word, p) in Strength::WORDS {
            assert_eq!(strength_word(p), word);
        }
        for (p, word) in [(0.999, "always"), (0.9, "usually"), (0.5, "often"), (0.005, "very-rarely")] {
            assert_eq!(strength_word(p), word, "{p}");
        }
        assert_eq!([0.25, 0.1].map(prior_word), [Some("common"), None]);
    }
}
