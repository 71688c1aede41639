//! What the fields of an input mean: the pack's input file, read strictly.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::error::Problem;
use crate::input::{Format, Layout, Paths, Pattern, Row, StampFormat};
use crate::model::Value;
use crate::yaml::Node;

/// How one kind of input becomes events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    /// The name of the input: `resource-log`.
    pub name: SmolStr,
    /// What it is, for people.
    pub title: String,
    /// The name of its [`Format`].
    pub format: SmolStr,
    /// Keys under which an envelope holds the records.
    pub envelope: Vec<SmolStr>,
    /// Paths that the first record must have for the input to be recognised.
    pub recognise: Vec<SmolStr>,
    /// The segment of a file's path after which the name of the source stands.
    pub source_path: Option<SmolStr>,
    /// Where the event time stands.
    pub time: TimeMapping,
    /// The fields, in the order of the file.
    pub fields: Vec<(SmolStr, FieldMapping)>,
    /// Fields without which a record does not say whom it is about.
    pub require: Vec<SmolStr>,
    /// Paths and the values, whatever their case, of which a record must have one to be looked at.
    pub only: Vec<(SmolStr, Vec<SmolStr>)>,
    /// How the lines look, when the format is `text`.
    pub layout: Option<Arc<Layout>>,
}

/// Where the event time stands and how it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeMapping {
    /// Paths; the first that the record has counts.
    pub from: Vec<SmolStr>,
    /// How it is written.
    pub format: StampFormat,
    /// Whether a stamp without a zone is in UTC.
    pub utc: bool,
}

/// How one field gets its value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldMapping {
    /// Where the value comes from.
    pub from: ReadFrom,
    /// The part of the text that counts.
    pub take: Take,
    /// More text to add.
    pub join: Option<Join>,
    /// Letters to change.
    pub case: Case,
    /// What the text stands for.
    pub kind: As,
    /// Whether empty text is a value.
    pub keep_empty: bool,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadFrom {
    /// Paths; the first that the record has counts.
    Paths(Vec<SmolStr>),
    /// The same for every record.
    Constant(Value),
}

/// The part of a text that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Take {
    /// All of it.
    #[default]
    Whole,
    /// What stands after the last slash.
    LastSegment,
}

/// Text to add when the record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// What stands between.
    pub with: SmolStr,
    /// Paths; the first that the record has counts.
    pub from: Vec<SmolStr>,
}

/// Letters to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// None.
    #[default]
    Keep,
    /// Upper to lower.
    Lower,
    /// Lower to upper.
    Upper,
}

/// What a value stands for. A number may be written as text and text as a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum As {
    /// Text.
    #[default]
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A whole number when it is spelt like one, with no zero in front; text otherwise.
    Code,
    /// Whether the text is one of these, whatever its case.
    Among(Vec<SmolStr>),
}

impl Default for ReadFrom {
    fn default() -> Self {
        Self::Paths(Vec::new())
    }
}

impl Mapping {
    /// Reads an input file.
    ///
    /// # Errors
    ///
    /// The first thing in it that is missing, misspelt, of the wrong kind or contradicts another.
    pub fn read(root: &Node) -> Result<Self, Problem> {
        let keys = root.fields(&[
            "etiolog",
            "input",
            "title",
            "format",
            "envelope",
            "recognise",
            "source-path",
            "time",
            "fields",
            "require",
            "only",
            "head",
            "lines",
            "continued",
        ])?;
        keys.required("etiolog")?.integer_within(1, 1)?;
        let list = |key| keys.optional(key).map_or(Ok(Vec::new()), words);
        let mut mapping = Self {
            name: keys.required("input")?.text()?.into(),
            title: keys.required("title")?.text()?.to_owned(),
            format: keys.required("format")?.text()?.into(),
            envelope: list("envelope")?,
            recognise: keys.optional("recognise").map_or(Ok(Vec::new()), paths)?,
            source_path: keys.optional("source-path").map(Node::text).transpose()?.map(SmolStr::new),
            time: TimeMapping::read(keys.required("time")?)?,
            fields: read_each(keys.required("fields")?, FieldMapping::read)?,
            require: list("require")?,
            only: keys.optional("only").map_or(Ok(Vec::new()), read_only)?,
            layout: None,
        };
        match Layout::read(root, &mapping) {
            Ok(layout) => mapping.layout = layout.map(Arc::new),
            Err(faults) => return faults.into_iter().next().map_or(Ok(mapping), Err),
        }
        if let Some(node) = keys.optional("require") {
            for name in node.one_or_more() {
                if mapping.field(name.text()?).is_none() {
                    return Err(unknown(name, "unknown-field", "a field", mapping.field_names()));
                }
            }
        }
        Ok(mapping)
    }

    /// How a field gets its value.
    pub fn field(&self, name: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, field)| field)
    }

    /// The names of the fields, in the order of the file.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The name of the source that a file belongs to: what stands in its path after `source-path`, whatever the case of
    /// that.
    pub fn source_of(&self, path: &str) -> Option<String> {
        let mark = self.source_path.as_ref()?;
        let mut segments = path.split(['/', '\\']).skip_while(|segment| !segment.eq_ignore_ascii_case(mark));
        segments.nth(1).filter(|name| !name.is_empty()).map(str::to_owned)
    }

    /// Whether a stream that begins with this record is of this input: it has everything under `recognise`, be it
    /// `null`; and text has a time that can be read. `format` is the format of that name, made ready for this input.
    pub fn recognises(&self, format: &dyn Format, first_record: &[u8]) -> bool {
        let mut wanted = Paths::default();
        let signs: Vec<usize> = self.recognise.iter().map(|path| wanted.intern(path)).collect();
        let times: Vec<usize> = self.time.from.iter().map(|path| wanted.intern(path)).collect();
        let mut row = Row::default();
        let is_time = |row: &Row, at: usize| {
            row.get(at).is_some_and(|cell| self.time.format.parse(cell.text(), self.time.utc).is_ok())
        };
        (!signs.is_empty() || self.layout.is_some())
            && format.name() == self.format
            && format.decode(first_record, &wanted, &mut row).is_ok()
            && signs.iter().all(|&at| row.has(at))
            && (self.layout.is_none() || times.iter().any(|&at| is_time(&row, at)))
    }
}

impl TimeMapping {
    fn read(node: &Node) -> Result<Self, Problem> {
        let keys = node.fields(&["from", "format", "zone"])?;
        let format = match keys.optional("format") {
            None => StampFormat::default(),
            Some(node) if node.scalar().is_some_and(|text| text.contains('%')) => pattern(node)?,
            Some(node) => one_of(node, "a time format", &StampFormat::WORDS)?,
        };
        let utc = keys.optional("zone").map_or(Ok(false), |node| one_of(node, "a zone", &[("utc", true)]))?;
        if let (StampFormat::Pattern(pattern), Some(node), false) = (&format, keys.optional("format"), utc)
            && !pattern.has_zone()
        {
            let problem = node
                .problem("missing-key", "these stamps name no zone, and no `zone` says which they are in");
            return Err(
                problem.with_help("add `zone: utc` if they are in UTC, `%z` to the pattern if they name one")
            );
        }
        Ok(Self { from: paths(keys.required("from")?)?, format, utc })
    }
}

impl FieldMapping {
    fn read(node: &Node) -> Result<Self, Problem> {
        let keys = node.fields(&["from", "constant", "take", "join", "case", "as", "among", "empty"])?;
        let from = match (keys.optional("from"), keys.optional("constant")) {
            (Some(from), None) => ReadFrom::Paths(paths(from)?),
            (None, Some(constant)) => {
                if let [_, (key, _), ..] = node.map()? {
                    return Err(key.problem("contradiction", "a `constant` has no options"));
                }
                ReadFrom::Constant(Value::text(constant.text()?))
            }
            (Some(_), Some(constant)) => {
                return Err(constant.problem("contradiction", "a field has `from` or `constant`, not both"));
            }
            (None, None) => return Err(node.problem("missing-key", "missing key `from`")),
        };
        let mut kind = keys.optional("as").map_or(Ok(As::Text), |node| {
            let kinds = [
                ("text", As::Text),
                ("integer", As::Integer),
                ("number", As::Number),
                ("boolean", As::Boolean),
                ("code", As::Code),
            ];
            one_of(node, "a kind of value", &kinds)
        })?;
        if let Some(among) = keys.optional("among") {
            if let Some(node) = keys.optional("as") {
                return Err(node.problem("contradiction", "`among` gives true or false; it has no `as`"));
            }
            kind = As::Among(words(among)?);
        }
        Ok(Self {
            from,
            take: keys.optional("take").map_or(Ok(Take::Whole), |node| {
                one_of(node, "a part", &[("last-segment", Take::LastSegment)])
            })?,
            join: keys.optional("join").map(Join::read).transpose()?,
            case: keys.optional("case").map_or(Ok(Case::Keep), |node| {
                one_of(node, "a case", &[("lower", Case::Lower), ("upper", Case::Upper)])
            })?,
            kind,
            keep_empty: keys
                .optional("empty")
                .map_or(Ok(false), |node| one_of(node, "a word", &[("keep", true)]))?,
        })
    }
}

impl Join {
    fn read(node: &Node) -> Result<Self, Problem> {
        let keys = node.fields(&["with", "from"])?;
        let with = keys.required("with")?;
        let with = with.scalar().ok_or_else(|| with.expected("text"))?;
        Ok(Self { with: with.into(), from: paths(keys.required("from")?)? })
    }
}

fn pattern(node: &Node) -> Result<StampFormat, Problem> {
    let pattern = Pattern::new(node.text()?);
    let pattern = pattern.map_err(|fault| node.problem_at(fault.offset, "unknown-word", fault.message))?;
    Ok(StampFormat::Pattern(Arc::new(pattern)))
}

fn read_each<T>(
    node: &Node,
    read: impl Fn(&Node) -> Result<T, Problem>,
) -> Result<Vec<(SmolStr, T)>, Problem> {
    node.map()?.iter().map(|(key, value)| Ok((key.text()?.into(), read(value)?))).collect()
}

fn read_only(node: &Node) -> Result<Vec<(SmolStr, Vec<SmolStr>)>, Problem> {
    for (key, _) in node.map()? {
        paths(key)?;
    }
    read_each(node, words)
}

/// One word or a list of words, at least one.
fn words(node: &Node) -> Result<Vec<SmolStr>, Problem> {
    match node.one_or_more() {
        [] => Err(node.expected("at least one")),
        items => items.iter().map(|item| item.text().map(SmolStr::new)).collect(),
    }
}

fn paths(node: &Node) -> Result<Vec<SmolStr>, Problem> {
    if let Some(item) =
        node.one_or_more().iter().find(|item| item.scalar().is_some_and(|path| !is_path(path)))
    {
        return Err(item.expected("a path such as `a.b`"));
    }
    words(node)
}

fn is_path(path: &str) -> bool {
    path.split('.').all(|key| !key.is_empty())
}

fn one_of<T: Clone>(node: &Node, what: &str, known: &[(&str, T)]) -> Result<T, Problem> {
    let word = node.text()?;
    let found = known.iter().find(|(name, _)| *name == word).map(|(_, value)| value.clone());
    found.ok_or_else(|| unknown(node, "unknown-word", what, known.iter().map(|&(name, _)| name)))
}

fn unknown<'a>(node: &Node, code: &'static str, what: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    let word = node.scalar().unwrap_or_default();
    let known = known.collect::<Vec<_>>().join(", ");
    node.problem(code, format!("`{word}` is not {what}")).with_help(format!("expected one of: {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Json;

    #[test]
    fn the_source_is_named_in_the_path_of_a_file() {
        let mapping = Mapping { source_path: Some("Sites".into()), ..Mapping::default() };
        assert_eq!(mapping.source_of("/logs/SITES/north/2026/log.json").as_deref(), Some("north"));
        assert_eq!(mapping.source_of(r"logs\sites\north").as_deref(), Some("north"));
        for path in ["/logs/north/log.json", "/logs/sites", "/logs/sites/", "sites2/north", ""] {
            assert_eq!(mapping.source_of(path), None, "of {path}");
        }
        assert_eq!(Mapping::default().source_of("/logs/sites/north"), None);
    }

    #[test]
    fn an_input_is_recognised_by_all_its_keys() {
        let mut mapping = Mapping {
            format: "json".into(),
            recognise: vec!["at".into(), "op".into()],
            ..Mapping::default()
        };
        for (record, expect) in [
            (r#"{"at":1,"x":2,"op":null}"#, true),
            (r#"{"at":1,"x":{"op":2}}"#, false),
            (r#"{"at":1,"op":2"#, false),
            ("", false),
        ] {
            assert_eq!(mapping.recognises(&Json, record.as_bytes()), expect, "of {record}");
        }
        mapping.recognise.clear();
        assert!(!mapping.recognises(&Json, b"{}"), "nothing to recognise it by");
    }
}
