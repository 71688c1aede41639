//! An input file, key by key, as types whose JSON Schema the loader, editors and the reference share. What it says is
//! read from the tree of nodes, in the order of the file.

#![allow(dead_code, reason = "says what there may be; it is read from the tree")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde_json::Value;

use crate::yaml::kinds::{Name, OneOrMore, Path, StampPattern, ZoneOffset};
use crate::yaml::schema_of;

/// The JSON Schema of a file in `inputs/`; any word may stand under `format`.
pub(crate) fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(schema_of::<InputFile>);
    &SCHEMA
}

/// An input: how records of one source become events with named fields.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct InputFile {
    /// Where the schema of this file lies, for editors that look for it here: `../../../schema/input.v1.json`.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// The version of this format: `1`.
    #[schemars(extend("const" = 1))]
    etiolog: u32,
    /// The input's name: `controller`.
    input: String,
    /// What it is, for people: `Log of a pump controller`.
    title: String,
    /// How records are written: `json` is JSON Lines, arrays, or objects in an envelope; `csv` is rows under a header;
    /// `table` is JSON in which tables have `columns` and `rows`; `text` is lines that templates take apart. Several, when
    /// the same records come in several forms: `[json, csv]`.
    format: OneOrMore<String>,
    /// `true` for the input that reads what none recognises; the first of the pack, if none says so.
    default: Option<bool>,
    /// Keys under which an envelope holds the records: `[records]`.
    envelope: Option<OneOrMore<Name>>,
    /// Paths that the first record must have for the input to be recognised: `[at, site, word]`.
    recognise: Option<OneOrMore<Path>>,
    /// The segment of a file's path after which the name of the source stands: with `sites`, all files under
    /// `…/sites/NORTH/` are one source.
    source_path: Option<String>,
    /// Where the event time stands: `{from: at, format: epoch-millis}`.
    time: TimeFile,
    /// Fields by name, each with where its value comes from: `{word: {from: detail.word}}`.
    fields: BTreeMap<String, FieldFile>,
    /// Fields without which a record is rejected and counted: `[station]`.
    require: Option<OneOrMore<Name>>,
    /// Paths and the values of which a record must have one to be looked at; others are skipped: `{kind: [state, alarm]}`.
    only: Option<BTreeMap<String, OneOrMore<Name>>>,
    /// Paths whose values say together whether two records are one, where less than the whole record does: `[site, number]`.
    /// A record without one of them is told by what the pack says.
    identity: Option<OneOrMore<Path>>,
    /// With `format: text`, the template of every line: `{time} {level}: {message}`. Each `{name}` is a path for `from`.
    head: Option<String>,
    /// With `format: text`, templates of the message, of which the first that fits counts.
    lines: Option<Vec<LineFile>>,
    /// With `format: text`, `true` when lines that do not fit `head` belong to the record before them; they are its `more`.
    continued: Option<bool>,
}

/// A template of a message, and what a record that fits it says besides what it captures: `{word: trip, template: '{unit}
/// tripped'}`.
#[derive(JsonSchema)]
struct LineFile {
    /// Text with captures: `{unit} tripped after {seconds} s`.
    template: String,
    /// Words by name, which `from` reads like captures.
    #[serde(flatten)]
    says: BTreeMap<String, Name>,
}

/// Where the event time stands.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct TimeFile {
    /// A path or several, of which the first that is there counts: `[at, time]`.
    from: OneOrMore<Path>,
    /// How it is written, or several ways of which the first that fits counts; `rfc3339` if not given.
    #[schemars(extend("default" = "rfc3339"))]
    format: Option<OneOrMore<StampFile>>,
    /// What stamps that name no zone mean: `utc`, or a fixed distance from it such as `+01:00`.
    zone: Option<ZoneFile>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum StampFile {
    Word(StampWord),
    Pattern(StampPattern),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum StampWord {
    /// `2026-03-04T08:22:05Z`.
    Rfc3339,
    /// `Wed, 4 Mar 2026 08:22:05 +0000`.
    Rfc2822,
    /// `1772612525`.
    EpochSeconds,
    /// `1772612525000`.
    EpochMillis,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum ZoneFile {
    Word(ZoneWord),
    Offset(ZoneOffset),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum ZoneWord {
    Utc,
}

/// A field: where its value comes from (`from`), or the same for every record (`constant`).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case", extend("oneOf" = [{"required": ["from"]}, {"required": ["constant"]}]))]
struct FieldFile {
    /// A path or several, of which the first that is there counts: `[unit.id, unit]`. JSON inside text is looked into by the
    /// same paths.
    from: Option<OneOrMore<Path>>,
    /// The same text for every record: `waterworks`.
    constant: Option<String>,
    /// The part of the text that counts: `last-segment` is what stands after the last slash; all of it if not given.
    take: Option<TakeWord>,
    /// More text to add when the record has it: `{from: unit.part, with: /}`.
    join: Option<JoinFile>,
    /// Letters to change: `lower` or `upper`.
    case: Option<CaseWord>,
    /// What the value stands for; `text` if not given.
    #[schemars(extend("default" = "text"))]
    r#as: Option<AsWord>,
    /// The field is `true` when the text is one of these, whatever its case, and `false` otherwise: `[info]`.
    among: Option<OneOrMore<Name>>,
    /// `keep` makes empty text a value.
    empty: Option<EmptyWord>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum TakeWord {
    LastSegment,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum CaseWord {
    Lower,
    Upper,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum AsWord {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A whole number when it is spelt like one, with no zero in front; text otherwise.
    Code,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum EmptyWord {
    Keep,
}

/// Text to add.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct JoinFile {
    /// What stands between: `/`.
    with: String,
    /// A path or several, of which the first that is there counts: `unit.part`.
    from: OneOrMore<Path>,
}
