//! Shapes: how the fields of a record become bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Problem;
use crate::simulate::fleet::Fields;
use crate::simulate::reader::{Reader, entries, list, text, unknown};
use crate::simulate::template::Template;
use crate::yaml::{Node, Shape as Kind};

/// A record: what it says, whatever its shape.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) fields: Fields,
    /// What stands where a shape says `part`.
    pub(super) part: Option<Arc<Json>>,
}

/// A shape.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) title: Arc<str>,
    pub(super) framing: Framing,
    pub(super) per: usize,
    /// Only records that have these fields are written.
    pub(super) with: Vec<String>,
    pub(super) snapshot: Option<i64>,
    pub(super) enough: bool,
    pub(super) body: Body,
}

/// How records follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Lines,
    Envelope,
    Array,
    Csv,
}

/// What a record looks like.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Object(Json),
    Columns(Vec<(String, Json)>),
}

/// JSON with places.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Null,
    /// A number or a word of JSON.
    Plain(String),
    Text(Template),
    /// A template whose text stands there without quotes.
    Number(Template),
    Object(Vec<Member>),
    List(Vec<Json>),
    /// The JSON inside, written as text; null without the field.
    Inside(Box<Json>, Option<String>),
    /// What the record names as its part.
    Part,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) key: String,
    /// Whether it is left out when a field of its text is missing; it is null otherwise.
    pub(super) optional: bool,
    pub(super) value: Json,
}

impl Reader {
    pub(super) fn shapes_file(&mut self, root: &Node) {
        let mut parts = BTreeMap::new();
        for (key, node) in entries(root.get("parts")) {
            let read = json(node, 0, &mut self.wanted);
            if let Some(json) = self.told(read) {
                parts.insert(text(Some(key)).to_owned(), Arc::new(json));
            }
        }
        for (key, node) in entries(root.get("records")) {
            let part = node.get("part").and_then(|word| {
                let part = parts.get(text(Some(word))).cloned();
                if part.is_none() {
                    self.tell(unknown(word, "unknown-part", parts.keys().map(String::as_str)));
                }
                part
            });
            let fields = self.fields(node.get("fields"));
            self.records.insert(text(Some(key)).to_owned(), Record { fields, part });
        }
        for (key, node) in entries(root.get("shapes")) {
            if let Some(shape) = self.shape(node) {
                self.shapes.insert(text(Some(key)).to_owned(), shape);
            }
        }
    }

    fn shape(&mut self, node: &Node) -> Option<Shape> {
        let body = match (node.get("object"), node.get("columns")) {
            (Some(object), _) => {
                let read = json(object, 0, &mut self.wanted);
                Body::Object(self.told(read)?)
            }
            (None, columns) => {
                let mut cells = Vec::new();
                for (key, cell) in entries(columns) {
                    let read = json(cell, 0, &mut self.wanted);
                    cells.push((text(Some(key)).to_owned(), self.told(read)?));
                }
                Body::Columns(cells)
            }
        };
        let framing = match text(node.get("framing")) {
            "envelope" => Framing::Envelope,
            "array" => Framing::Array,
            "csv" => Framing::Csv,
            _ => Framing::Lines,
        };
        if (framing == Framing::Csv) != matches!(body, Body::Columns(_)) {
            let message = "`columns` go with `framing: csv`, and `object` with every other";
            self.tell(node.problem("wrong-shape", message));
            return None;
        }
        let with = list(node.get("with"));
        self.wanted.extend(with.iter().map(|word| (text(Some(word)).to_owned(), word.clone())));
        let per = node.get("per").and_then(|per| usize::try_from(per.as_integer()?).ok());
        Some(Shape {
            title: text(node.get("title")).into(),
            framing,
            per: per.unwrap_or(100),
            with: with.iter().map(|word| text(Some(word)).to_owned()).collect(),
            snapshot: self.span(node.get("snapshot")).filter(|span| *span > 0),
            enough: node.get("enough").is_none_or(|enough| enough.as_boolean().unwrap_or(true)),
            body,
        })
    }
}

/// JSON nested deeper than this is not read.
const DEEPEST: usize = 16;

/// A mapping is an object, and a scalar is what it is in YAML: text has places. Three mappings are words: `{json-text: …,
/// with: FIELD}` is JSON in a text, `{number: TEMPLATE}` digits without quotes, and `part` alone the record's part.
fn json(node: &Node, depth: usize, wanted: &mut Wanted) -> Result<Json, Problem> {
    if depth > DEEPEST {
        return Err(node.problem("too-deep", format!("nested deeper than {DEEPEST}")));
    }
    match node.shape() {
        Kind::Scalar { .. } if node.is_null() => Ok(Json::Null),
        Kind::Scalar { text, plain } => {
            let is_plain = *plain && (text.parse::<i64>().is_ok() || text == "true" || text == "false");
            match (is_plain, *plain && text == "part") {
                (true, _) => Ok(Json::Plain(text.clone())),
                (_, true) => Ok(Json::Part),
                _ => template(node, wanted).map(Json::Text),
            }
        }
        Kind::List(items) => {
            items.iter().map(|item| json(item, depth + 1, wanted)).collect::<Result<_, _>>().map(Json::List)
        }
        Kind::Map(members) => {
            if let Some(inner) = node.get("json-text") {
                let with = node.get("with").map(|field| text(Some(field)).to_owned());
                wanted.extend(node.get("with").map(|field| (text(Some(field)).to_owned(), field.clone())));
                return Ok(Json::Inside(Box::new(json(inner, depth + 1, wanted)?), with));
            }
            if let (Some(number), [_]) = (node.get("number"), members.as_slice()) {
                return template(number, wanted).map(Json::Number);
            }
            let members = members.iter().map(|(key, value)| {
                let key = key.scalar().unwrap_or_default();
                let (key, optional) = key.strip_suffix('?').map_or((key, false), |key| (key, true));
                Ok(Member { key: key.to_owned(), optional, value: json(value, depth + 1, wanted)? })
            });
            members.collect::<Result<_, _>>().map(Json::Object)
        }
    }
}

/// The fields that are asked for, and where.
pub(super) type Wanted = Vec<(String, Node)>;

fn template(node: &Node, wanted: &mut Wanted) -> Result<Template, Problem> {
    let template = Template::read(node)?;
    wanted.extend(template.fields().map(|field| (field.to_owned(), node.clone())));
    Ok(template)
}
