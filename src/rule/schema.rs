//! The files of a pack, key by key. Loading is strict: a key that is not here is refused.
//!
//! A file is held against the JSON Schema of its type first; what is sound of it is read then. So every part may be
//! missing here, and what must be there (`required`) is known to the schema alone. The comments of the types are read by
//! authors: they become the hints of editors and `docs/rule-reference.md`.
//!
//! Parts whose keys depend on something else (the parameters of a detector, the fields of an event class) are read from
//! the tree of nodes instead and stand here as `Any`.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, json_schema};
use serde::de::{self, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::Severity;
use crate::rule::case::CaseFile;
use crate::rule::class::ClassFile;
use crate::yaml::kinds::{Name, OneOrMore, Scalar, Span, kind};

pub use crate::rule::published::{article, input, pack, table};
pub use crate::rule::reference::reference;

/// A part that another reader takes from the tree of nodes.
pub(super) type Any = IgnoredAny;

/// A pack: what its rules are about, which subjects there are, and what the records of its inputs are worth.
#[allow(dead_code, reason = "keys with a place that matters are read from the tree")]
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(super) struct PackFile {
    /// Where the schema of this file lies, for editors that look for it here: `../../schema/pack.v1.json`.
    #[serde(rename = "$schema")]
    pub(super) _schema: Option<String>,
    /// The version of this format: `1`.
    #[schemars(required, extend("const" = 1))]
    pub(super) etiolog: Option<u32>,
    /// The pack's name, equal to its folder's: `pumps`.
    #[schemars(required)]
    pub(super) pack: Option<String>,
    /// What the pack is about, for people: `Pumps of the waterworks`.
    #[schemars(required)]
    pub(super) title: Option<String>,
    /// The version of the pack, in three numbers: `0.1.0`.
    #[schemars(required)]
    pub(super) version: Option<String>,
    /// The levels of subjects, the outermost first: `[{name: station, quiet: 1h}, {name: pump, in: station, quiet: 24h}]`.
    #[schemars(required, length(min = 1))]
    pub(super) subjects: Option<Vec<LevelFile>>,
    /// Events that must end explained, benign or unexplained; a class like any other: `{word: trip}`.
    #[serde(rename = "problem")]
    #[schemars(with = "Option<ClassFile>")]
    pub(super) _problem: Option<Any>,
    /// What makes two records one: `position`, where they stand, or `record`, what they say.
    #[serde(default)]
    #[schemars(extend("default" = "position"))]
    pub(super) identity: Identity,
    /// Whether equal stamps are in order: `ordered`, or `any` if they say nothing of it.
    #[serde(default)]
    #[schemars(extend("default" = "ordered"))]
    pub(super) ties: Ties,
}

/// A level of subjects.
#[allow(dead_code, reason = "keys with a place that matters are read from the tree")]
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(super) struct LevelFile {
    /// The level's name, and the name of the field that holds its subjects: `pump`.
    #[schemars(required)]
    pub(super) name: Option<String>,
    /// The level that this one lies in; none for the outermost: `station`.
    #[serde(rename = "in")]
    pub(super) _parent: Option<String>,
    /// After so long without events an episode of a subject is over: `24h`.
    #[serde(rename = "quiet")]
    #[schemars(with = "Span")]
    pub(super) _quiet: Option<Any>,
}

/// What makes two records the same record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Where they stand: source and position.
    #[default]
    Position,
    /// What they say: an equal time and an equal hash is a repeat.
    Record,
}

/// Whether equal times say anything about order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// Events of equal time happened in canonical order.
    #[default]
    Ordered,
    /// Stamps are coarser than causality: equal times satisfy "before" both ways.
    Any,
}

/// A rule file: the machine half of an article. It says which events count, which symptoms they form, which causes explain
/// these and which solutions help.
#[allow(dead_code, reason = "keys with a place that matters are read from the tree")]
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(super) struct ArticleFile {
    /// Where the schema of this file lies, for editors that look for it here: `../../schema/article.v1.json`.
    #[serde(rename = "$schema")]
    pub(super) _schema: Option<String>,
    /// The version of this format: `1`.
    #[schemars(required, extend("const" = 1))]
    pub(super) etiolog: Option<u32>,
    /// The article's id, equal to the file's name: `404`.
    #[schemars(required)]
    pub(super) article: Option<Word>,
    /// What the article is about: `The pump trips`.
    #[schemars(required)]
    pub(super) title: Option<String>,
    /// Other names under which people look for it: `[PumpTripped]`.
    #[serde(default)]
    pub(super) aliases: Vec<Word>,
    /// Event classes by name: which records count. All conditions of a class must hold: `{trip: {word: trip, code: [7, 8]}}`.
    #[serde(rename = "events")]
    #[schemars(with = "Option<BTreeMap<String, ClassFile>>")]
    pub(super) _events: Option<Any>,
    /// Symptoms by id: patterns to look for on each subject.
    #[serde(default)]
    pub(super) symptoms: BTreeMap<String, SymptomFile>,
    /// Causes by id: what explains the symptoms.
    #[serde(default)]
    pub(super) causes: BTreeMap<String, CauseFile>,
    /// Solutions by id: what to do about the causes.
    #[serde(default)]
    pub(super) solutions: BTreeMap<String, SolutionFile>,
    /// Examples that prove the rule: what is given, and what must be said of it.
    #[serde(rename = "cases")]
    #[schemars(with = "Option<Vec<CaseFile>>")]
    pub(super) _cases: Option<Any>,
}

/// A table: facts about the world with their sources. Rules name them as `$table.fact`, and a site may set them otherwise.
#[allow(dead_code, reason = "facts are read from the tree")]
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(super) struct TableFile {
    /// Where the schema of this file lies, for editors that look for it here: `../../../schema/table.v1.json`.
    #[serde(rename = "$schema")]
    pub(super) _schema: Option<String>,
    /// The version of this format: `1`.
    #[schemars(required, extend("const" = 1))]
    pub(super) etiolog: Option<u32>,
    /// The table's name, equal to the file's: `timing`.
    #[schemars(required)]
    pub(super) table: Option<String>,
    /// What the table is about, for people: `How long pumps may stand`.
    #[schemars(required)]
    pub(super) title: Option<String>,
    /// The facts by name: lower-case letters, digits and dashes.
    #[schemars(required)]
    pub(super) facts: Option<BTreeMap<String, FactFile>>,
}

/// A fact about the world.
#[allow(dead_code, reason = "facts are read from the tree")]
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(super) struct FactFile {
    /// The value: a duration, a number, a share, `true` or `false`, or text.
    #[serde(rename = "is")]
    #[schemars(required, with = "Scalar")]
    pub(super) _is: Option<Any>,
    /// What it is a fact about: `The longest that a pump stands between two runs`.
    #[schemars(required)]
    pub(super) title: Option<String>,
    /// Where it comes from; `ours` for what was concluded here.
    #[serde(rename = "sources")]
    #[schemars(required, with = "OneOrMore<String>")]
    pub(super) _sources: Option<Any>,
}

/// A symptom: a pattern that a detector looks for on each subject of one level.
#[allow(dead_code, reason = "keys with a place that matters are read from the tree")]
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(super) struct SymptomFile {
    /// What is seen, for people: `Trips three times within an hour`.
    #[schemars(required)]
    pub(super) title: Option<String>,
    /// The level of subjects that it is about: `pump`.
    #[schemars(required)]
    pub(super) per: Option<String>,
    /// One detector with its parameters: `{count: {event: trip, at-least: 3, within: 1h}}`.
    #[serde(rename = "detect")]
    #[schemars(with = "Detect")]
    pub(super) _detect: Option<Any>,
    /// An expression over what the detector measured; the symptom is present only while it holds: `count.span >= 5.min`.
    #[serde(rename = "when")]
    pub(super) _when: Option<String>,
    /// Symptoms of the same level that block this one while they are present: `[regular-trips]`.
    #[serde(default)]
    pub(super) unless: Vec<Word>,
    /// How often healthy subjects show it, as a number or a word of `explains`; `0.002` if not given.
    pub(super) background: Option<Strength>,
    /// Whether a cause that explains the symptom thereby accounts for its events; `true` if not given.
    #[schemars(extend("default" = true))]
    pub(super) accounts: Option<bool>,
    /// Whether it weighs in a diagnosis and never asks for one, as a symptom with a `background` of one half or more does;
    /// `false` if not given.
    #[schemars(extend("default" = false))]
    pub(super) ordinary: Option<bool>,
}

/// What stands under `detect`; the detectors of a registry fill it in.
pub(super) struct Detect;

kind!(impl Detect: |_| json_schema!({"type": "object", "minProperties": 1}));

/// A cause: its own, or the same as one of another article (`same-as`), and then nothing else is said.
#[allow(dead_code, reason = "keys with a place that matters are read from the tree")]
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, extend("oneOf" = [{"required": ["same-as"]}, {"required": ["title", "severity", "explains"]}]))]
pub(super) struct CauseFile {
    /// The cause of another article that is listed here too: `404#worn-bearing`.
    pub(super) same_as: Option<Word>,
    /// The hypothesis, for people: `The bearing is worn`.
    pub(super) title: Option<String>,
    /// How common it is before anything is known, as a word or a number between 0 and 1; `0.1` if not given.
    pub(super) prior: Option<Prior>,
    /// The symptoms that it explains, of any article, and how often it alone shows each: `{regular-trips: usually}`.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1))]
    pub(super) explains: BTreeMap<Word, Strength>,
    /// How much it matters. Problem events under a `benign` cause are benign.
    pub(super) severity: Option<SeverityWord>,
    /// What helps, in the order in which it should be tried: `[grease-it, replace-it]`.
    #[serde(default)]
    pub(super) solutions: Vec<Word>,
}

/// A solution: exactly one of something to do, something to avoid, a reason to do nothing, or the same as another.
#[allow(dead_code, reason = "keys with a place that matters are read from the tree")]
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(
    deny_unknown_fields,
    extend("oneOf" = [{"required": ["do"]}, {"required": ["avoid"]}, {"required": ["nothing"]}, {"required": ["same-as"]}])
)]
pub(super) struct SolutionFile {
    /// The solution of another article that is meant: `404#replace-it`.
    pub(super) same_as: Option<Word>,
    /// A step to take: `Replace the bearing.`
    #[serde(rename = "do")]
    pub(super) act: Option<String>,
    /// What makes it worse: `Raising the pressure.`
    pub(super) avoid: Option<String>,
    /// Why there is nothing to do: `It settles by itself.`
    pub(super) nothing: Option<String>,
    /// Where to read more: `https://example.org/bearings`.
    pub(super) link: Option<String>,
}

/// A name that may look like a number: `700`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word(pub(super) String);

kind!(impl Word: |generator| Name::json_schema(generator));

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
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

/// The schema of a probability as a word or a number.
fn scale(words: &[(&'static str, f64)]) -> Schema {
    let words: Vec<&str> = words.iter().map(|&(word, _)| word).collect();
    json_schema!({"anyOf": [{"enum": words}, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}]})
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

kind!(impl Strength: |_| scale(Self::WORDS));

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

kind!(impl Prior: |_| scale(Self::WORDS));

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

impl SeverityWord {
    const WORDS: [&'static str; 5] = ["benign", "info", "warning", "error", "critical"];
}

kind!(impl SeverityWord: |_| json_schema!({"enum": Self::WORDS}));

impl<'de> Deserialize<'de> for SeverityWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Severity::from_word(&word).map(Self).ok_or_else(|| de::Error::unknown_variant(&word, &Self::WORDS))
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
