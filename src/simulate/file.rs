//! The files in `fleets/`, key by key, as types whose JSON Schema the loader and the documentation share. What they say is
//! read from the tree of nodes, in the order of the file.

#![allow(dead_code, reason = "says what there may be; it is read from the tree")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, json_schema};
use serde_json::Value;

use crate::yaml::kinds::{Name, OneOrMore, Share, kind};
use crate::yaml::schema_of;

/// The JSON Schemas of the kinds of files: what they are called by, and how they look.
pub(super) fn schema(kind: &str) -> Option<&'static Value> {
    static SCHEMAS: LazyLock<[Value; 4]> = LazyLock::new(|| {
        [
            schema_of::<FleetFile>(),
            schema_of::<ShapesFile>(),
            schema_of::<BehavioursFile>(),
            schema_of::<MixFile>(),
        ]
    });
    KINDS.iter().zip(&*SCHEMAS).find(|(known, _)| **known == kind).map(|(_, schema)| schema)
}

/// The key at the top by which a file is recognised.
pub(super) const KINDS: [&str; 4] = ["fleet", "shapes", "behaviours", "mix"];

/// A fleet: subjects that behave, what befalls them, and what is truly the matter.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct FleetFile {
    /// The version of this format: `1`.
    #[schemars(extend("const" = 1))]
    etiolog: u32,
    /// The fleet's name, equal to the file's: `worn-bearing`.
    fleet: Name,
    /// What happens in it, for people: `Four of fifty pumps trip ever more often`.
    title: String,
    /// When it begins: `2026-03-02T00:00:00Z`.
    from: Option<String>,
    /// How long it runs: `24h`.
    r#for: SpreadText,
    /// Fields that all its records carry: `{station: north}`.
    fields: Option<BTreeMap<String, Name>>,
    /// Groups of subjects by name.
    groups: BTreeMap<String, GroupFile>,
    /// What befalls many at once.
    incidents: Option<Vec<IncidentFile>>,
    /// A measure of the whole that is written again and again.
    gauge: Option<GaugeFile>,
}

/// A group of subjects that behave alike.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct GroupFile {
    /// The behaviour that it has; what stands here comes on top of it: `controller`.
    behaves: Option<Name>,
    /// How many: `50`.
    #[schemars(range(min = 1, max = 10_000_000))]
    count: Option<u32>,
    /// `true` for subjects of which there are as many however large the fleet is made.
    fixed: Option<bool>,
    /// Fields of each: `{pump: 'p-{number:04}', line: 'L{1..9}'}`.
    fields: Option<BTreeMap<String, Name>>,
    /// Draws of which each subject has one alternative: `[[{weight: 3, fields: {make: A}}, {fields: {make: B}}]]`.
    draw: Option<Vec<Vec<AlternativeFile>>>,
    /// States by name.
    states: Option<BTreeMap<String, StateFile>>,
    /// The state in which each begins, or several with their weights.
    start: Option<Next>,
    /// What is the matter with each of them, from its first record to its last; nothing for the healthy.
    truth: Option<TruthFile>,
}

/// One alternative of a draw.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct AlternativeFile {
    /// How often it is drawn, compared with the others; `1` if not given.
    #[schemars(range(min = 0, max = 1_000_000))]
    weight: Option<u32>,
    /// The fields that it gives.
    fields: BTreeMap<String, Name>,
}

/// A state: what is written on entering it, how long it lasts, and what follows.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct StateFile {
    /// Records that are written on entering.
    emit: Option<OneOrMore<Emit>>,
    /// How long it lasts; for good if not given: `70m`, `2s..9s`, `{mean: 6h}`.
    after: Option<SpreadFile>,
    /// How often it is entered again, each time `after` the last, before what follows: `24`, `3..9`.
    repeat: Option<Name>,
    /// The state that follows, or several with their weights: `{online: 9, crashed: 1}`.
    next: Option<Next>,
}

/// A record to write.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct EmitFile {
    /// Its name among `records`.
    record: Name,
    /// Fields that it carries here in place of its own.
    fields: Option<BTreeMap<String, Name>>,
}

/// What befalls many at once.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct IncidentFile {
    /// How long after the beginning: `6h`, `5h..7h`.
    at: SpreadFile,
    /// How long after one the next such incident comes; only one if not given: `24h`.
    every: Option<SpreadText>,
    /// The groups that it may hit; all if not given.
    groups: Option<OneOrMore<Name>>,
    /// The share of them that it hits; all if not given: `18%`.
    share: Option<Share>,
    /// Only subjects whose fields have these values: `{line: L1}`.
    r#where: Option<BTreeMap<String, Name>>,
    /// Only subjects that are in one of these states by then.
    r#in: Option<OneOrMore<Name>>,
    /// `true` to hit the others as soon as they enter one of these states.
    waits: Option<bool>,
    /// The span over which they are hit one by one, evenly: `40s`.
    over: Option<SpreadText>,
    /// The state into which they are pushed.
    to: Name,
    /// What is the matter with those that it hits.
    truth: Option<TruthFile>,
}

/// What is the matter.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct TruthFile {
    /// The cause as rules name it: `404#worn-bearing`.
    cause: Name,
    /// The levels of subjects of which it is true; the innermost if not given: `[station, pump]`.
    of: Option<OneOrMore<Name>>,
    /// Whether what is written suffices to tell; `true` if not given.
    enough: Option<bool>,
    /// How long it must have lasted for that: `6h`.
    needs: Option<SpreadText>,
    /// The states on entering which it is over for a subject.
    ends: Option<OneOrMore<Name>>,
}

/// A measure of the whole.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct GaugeFile {
    /// The record that is written; `{value}` in its fields is the number.
    record: Name,
    /// How often: `1m`.
    every: SpreadText,
    /// The states whose subjects are counted.
    counts: OneOrMore<Name>,
}

/// Named behaviours that groups of several fleets share.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct BehavioursFile {
    /// The version of this format: `1`.
    #[schemars(extend("const" = 1))]
    etiolog: u32,
    /// Behaviours by name; each is a group without its subjects.
    behaviours: BTreeMap<String, GroupFile>,
}

/// Records, and the shapes in which they are written.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct ShapesFile {
    /// The version of this format: `1`.
    #[schemars(extend("const" = 1))]
    etiolog: u32,
    /// Records by name, each with its fields: `{trip: {fields: {word: trip}}}`.
    records: BTreeMap<String, RecordFile>,
    /// Parts that shapes have in common, which records name.
    parts: Option<BTreeMap<String, Anything>>,
    /// Shapes by name.
    shapes: BTreeMap<String, ShapeFile>,
}

/// A record: what it says, whatever its shape.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct RecordFile {
    /// The part that stands where a shape says `part`.
    part: Option<Name>,
    /// Its fields.
    fields: BTreeMap<String, Name>,
}

/// A shape: how records become bytes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case", extend("oneOf" = [{"required": ["object"]}, {"required": ["columns"]}]))]
struct ShapeFile {
    /// What it is, for people.
    title: String,
    /// How records follow one another; `lines` if not given.
    framing: Option<Framing>,
    /// With `envelope` and `array`, how many records stand in one.
    #[schemars(range(min = 1, max = 10_000))]
    per: Option<u32>,
    /// Only records that have these fields are written.
    with: Option<OneOrMore<Name>>,
    /// Of the records of a subject within each such span only the last is written: `60s`.
    snapshot: Option<SpreadText>,
    /// `false` when records in this shape never suffice to tell a cause.
    enough: Option<bool>,
    /// A record, as JSON.
    object: Option<Anything>,
    /// A record, as the cells of a table by their headings.
    columns: Option<Anything>,
}

/// How records follow one another.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Framing {
    /// One a line.
    Lines,
    /// `{"records":[…]}`, one envelope a line.
    Envelope,
    /// `[…]`, one array a line.
    Array,
    /// A heading and rows, quoted where needed.
    Csv,
}

/// A mix of fleets: what they weigh, and what is believed of how common their causes are.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct MixFile {
    /// The version of this format: `1`.
    #[schemars(extend("const" = 1))]
    etiolog: u32,
    /// The mix's name, equal to the file's: `mix`.
    mix: Name,
    /// What it is for.
    title: String,
    /// The fleets in it.
    fleets: Vec<MixedFile>,
}

/// A fleet in a mix.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct MixedFile {
    /// Its name.
    fleet: Name,
    /// How many of the subjects are in it, compared with the others.
    #[schemars(range(min = 1, max = 1_000_000))]
    share: u32,
    /// The prior of its cause that the share stands for: `common`, `0.1`.
    prior: Option<Name>,
}

kind! {
    /// Free form below.
    struct Anything: |_| json_schema!({"type": "object", "minProperties": 1});
    /// A span, or one that chance decides; read and checked as such later.
    struct SpreadFile: |_| {
        let variant = |required: &str, others: &[&str]| {
            let keys = std::iter::once(&required).chain(others);
            let properties: serde_json::Map<String, Value> =
                keys.map(|key| ((*key).to_owned(), Value::Object(serde_json::Map::new()))).collect();
            serde_json::json!({"type": "object", "properties": properties, "required": [required], "additionalProperties": false})
        };
        json_schema!({"anyOf": [
            {"type": "string", "examples": ["5m", "0s..70m"]},
            variant("mean", &[]),
            variant("median", &["factor"]),
            variant("own", &["plus"]),
            variant("until", &["at", "plus"]),
        ]})
    };
    /// A span as text.
    struct SpreadText: |_| json_schema!({"type": "string", "examples": ["24h"]});
    /// A record's name, or with fields of its own.
    struct Emit: |generator| json_schema!({"anyOf": [generator.subschema_for::<Name>(), generator.subschema_for::<EmitFile>()]});
    /// A state's name, or names with weights.
    struct Next: |generator| {
        let weight = serde_json::json!({"type": "integer", "minimum": 0, "maximum": 1_000_000});
        json_schema!({"anyOf": [
            generator.subschema_for::<Name>(),
            {"type": "object", "additionalProperties": weight, "minProperties": 1},
        ]})
    };
}
