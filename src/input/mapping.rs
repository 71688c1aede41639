//! What the fields of an input mean: the pack's input file, read strictly.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::error::{Problem, did_you_mean};
use crate::input::{Format, Layout, Paths, Pattern, Row, StampFormat, Zone, file};
use crate::model::Value;
use crate::yaml::{self, Node};

/// How one kind of input becomes events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    /// The name of the input: `resource-log`.
    pub name: SmolStr,
    /// What it is, for people.
    pub title: String,
    /// The names of its [`Format`]s: the same records may be written in several.
    pub formats: Vec<SmolStr>,
    /// Whether it reads the streams that no input recognises.
    pub default: bool,
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
    /// Paths whose values say together whether two records are one; none when the pack's word holds.
    pub identity: Vec<SmolStr>,
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
    /// The zone of stamps that name none, if it is known.
    pub zone: Option<Zone>,
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
    /// Reads an input file as far as it is sound, and adds everything that is missing, misspelt, of the wrong kind or
    /// contradicts another to `problems`. `formats` are the names of the formats that there are.
    pub fn read(root: Node, formats: &[&str], problems: &mut Vec<Problem>) -> Self {
        let Some(root) = yaml::sound(root, file::schema(), problems) else { return Self::default() };
        let mut reader = Reader { problems };
        let text = |key: &str| root.get(key).and_then(Node::scalar).unwrap_or_default();
        let mut mapping = Self {
            name: text("input").into(),
            title: text("title").to_owned(),
            formats: Vec::new(),
            default: text("default") == "true",
            envelope: words(root.get("envelope")),
            recognise: words(root.get("recognise")),
            source_path: root.get("source-path").and_then(Node::scalar).map(SmolStr::new),
            time: root.get("time").map(|node| TimeMapping::read(node, &mut reader)).unwrap_or_default(),
            fields: entries(root.get("fields"))
                .map(|(name, node)| (name.into(), FieldMapping::read(node, &mut reader)))
                .collect(),
            require: words(root.get("require")),
            only: entries(root.get("only")).map(|(path, node)| (path.into(), words(Some(node)))).collect(),
            identity: words(root.get("identity")),
            layout: None,
        };
        let nodes = root.get("format").map_or(&[][..], Node::one_or_more);
        mapping.formats = nodes.iter().map(|node| reader.format(node, formats)).collect();
        let is_text = |format: &SmolStr| format == "text";
        if let ([_, _, ..], Some(text)) = (nodes, mapping.formats.iter().position(is_text))
            && let Some(node) = nodes.get(text)
        {
            reader.contradiction(node, "what `text` captures is no other format's: it stands alone");
        }
        // Of a format that is not known nothing is known.
        let format = mapping.formats.iter().find(|format| format.is_empty() || is_text(format));
        let format = format.or(mapping.formats.first()).cloned().unwrap_or_default();
        match Layout::read(&root, &mapping, &format) {
            Ok(layout) => mapping.layout = layout.map(Arc::new),
            Err(faults) => reader.problems.extend(faults),
        }
        reader.problems.extend(root.unknown_version("input"));
        for (path, _) in root.get("only").map_or(&[][..], Node::entries) {
            if path.scalar().is_some_and(|path| path.split('.').any(str::is_empty)) {
                reader.problems.push(path.expected("a path such as `a.b`"));
            }
        }
        for name in root.get("require").map_or(&[][..], Node::one_or_more) {
            let known = || mapping.field_names();
            // The fields themselves may be what is faulty.
            if let Some(word) = name.scalar()
                && root.get("fields").is_some()
                && mapping.field(word).is_none()
            {
                let problem = name.problem("unknown-field", format!("`{word}` is not a field"));
                let list = format!("expected one of: {}", known().collect::<Vec<_>>().join(", "));
                let help = match did_you_mean(word, known()) {
                    Some(meant) => format!("did you mean `{meant}`? {list}"),
                    None => list,
                };
                reader.problems.push(problem.with_help(help));
            }
        }
        mapping
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
            row.get(at).is_some_and(|cell| self.time.format.parse(cell.text(), self.time.zone).is_ok())
        };
        (!signs.is_empty() || self.layout.is_some())
            && self.formats.iter().any(|name| name == format.name())
            && format.decode(first_record, &wanted, &mut row).is_ok()
            && signs.iter().all(|&at| row.has(at))
            && (self.layout.is_none() || times.iter().any(|&at| is_time(&row, at)))
    }
}

impl TimeMapping {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Self {
        let zone = node.get("zone").and_then(Node::scalar).and_then(Zone::parse);
        let nodes = node.get("format").map_or(&[][..], Node::one_or_more);
        let formats: Vec<_> = nodes.iter().filter_map(|node| reader.stamp_format(node, zone)).collect();
        let format = match &formats[..] {
            [] => StampFormat::default(),
            [only] => only.clone(),
            _ => StampFormat::FirstOf(formats.into()),
        };
        Self { from: words(node.get("from")), format, zone }
    }
}

impl FieldMapping {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Self {
        let among = node.get("among");
        if let (Some(_), Some(key)) = (among, node.get("as")) {
            reader.contradiction(key, "`among` gives true or false; it has no `as`");
        }
        let from = match node.get("constant") {
            None => ReadFrom::Paths(words(node.get("from"))),
            Some(constant) => {
                let options = node.entries().iter().map(|(key, _)| key);
                if let Some(option) = options.into_iter().find(|key| key.scalar() != Some("constant"))
                    && node.get("from").is_none()
                {
                    reader.contradiction(option, "a `constant` has no options");
                }
                ReadFrom::Constant(Value::text(constant.scalar().unwrap_or_default()))
            }
        };
        let kinds = [
            ("text", As::Text),
            ("integer", As::Integer),
            ("number", As::Number),
            ("boolean", As::Boolean),
            ("code", As::Code),
        ];
        Self {
            from,
            take: word(node, "take", &[("last-segment", Take::LastSegment)]).unwrap_or_default(),
            join: node.get("join").map(Join::read),
            case: word(node, "case", &[("lower", Case::Lower), ("upper", Case::Upper)]).unwrap_or_default(),
            kind: match among {
                Some(among) => As::Among(words(Some(among))),
                None => word(node, "as", &kinds).unwrap_or_default(),
            },
            keep_empty: node.get("empty").is_some(),
        }
    }
}

impl Join {
    fn read(node: &Node) -> Self {
        let with = node.get("with").and_then(Node::scalar).unwrap_or_default();
        Self { with: with.into(), from: words(node.get("from")) }
    }
}

/// Where faults go that are no faults of shape.
struct Reader<'a> {
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// A time format by its word or as a pattern, whose stamps are in this zone or name their own.
    fn stamp_format(&mut self, node: &Node, zone: Option<Zone>) -> Option<StampFormat> {
        let text = node.scalar()?;
        if !text.contains('%') {
            return StampFormat::WORDS
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, format)| format.clone());
        }
        let pattern = match Pattern::new(node.scalar()?) {
            Ok(pattern) => pattern,
            Err(fault) => {
                self.problems.push(node.problem_at(fault.offset, "unknown-word", fault.message));
                return None;
            }
        };
        if zone.is_none() && !pattern.has_zone() {
            let problem = node
                .problem("missing-key", "these stamps name no zone, and no `zone` says which they are in");
            self.problems.push(
                problem.with_help("add `zone: utc`, or `zone: '+01:00'` if that is theirs; `%z` to the pattern if they name one"),
            );
        }
        Some(StampFormat::Pattern(Arc::new(pattern)))
    }

    /// The name of a format; of one that is not known, the name that is most likely meant.
    fn format(&mut self, node: &Node, known: &[&str]) -> SmolStr {
        let word = node.scalar().unwrap_or_default();
        if known.contains(&word) {
            return word.into();
        }
        let list = format!("known are: {}", known.join(", "));
        let meant = did_you_mean(word, known.iter().copied());
        let help = meant.as_ref().map_or(list.clone(), |meant| format!("did you mean `{meant}`? {list}"));
        let problem = node.problem("unknown-format", format!("no format named `{word}`")).with_help(help);
        self.problems.push(match &meant {
            Some(meant) => problem.with_edit(node.span(), meant),
            None => problem,
        });
        meant.unwrap_or_default().into()
    }

    fn contradiction(&mut self, node: &Node, message: &str) {
        self.problems.push(node.problem("contradiction", message));
    }
}

/// The entries of a mapping whose shape is sound.
fn entries(node: Option<&Node>) -> impl Iterator<Item = (&str, &Node)> {
    let entries = node.map_or(&[][..], Node::entries);
    entries.iter().filter_map(|(key, value)| Some((key.scalar()?, value)))
}

/// One word or a list of words.
fn words(node: Option<&Node>) -> Vec<SmolStr> {
    node.map_or(&[][..], Node::one_or_more).iter().filter_map(Node::scalar).map(SmolStr::new).collect()
}

/// What a word stands for.
fn word<T: Clone>(node: &Node, key: &str, known: &[(&str, T)]) -> Option<T> {
    let word = node.get(key)?.scalar()?;
    known.iter().find(|(name, _)| *name == word).map(|(_, value)| value.clone())
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
            formats: vec!["json".into()],
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
