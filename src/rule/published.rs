//! The JSON Schemas of rule files, as editors and the reference read them.

use serde_json::{Map, Value, json};

use crate::input;
use crate::plugin::Registry;
use crate::rule::schema::{ArticleFile, PackFile, TableFile};
use crate::yaml::schema_of;

/// The JSON Schema of an article's rule file, with the parameters of every detector that is registered.
///
/// ```
/// let schema = etiolog::rule::schema::article(&etiolog::Registry::builtin());
/// assert_eq!(schema["properties"]["symptoms"]["additionalProperties"]["required"][0], "title");
/// ```
pub fn article(registry: &Registry) -> Value {
    let mut schema = bare_article(registry);
    for part in ["symptoms", "cases"] {
        schema.pointer_mut(&format!("/properties/{part}")).into_iter().for_each(or_fact);
    }
    schema
}

/// Lets a fact stand where one value does.
fn or_fact(schema: &mut Value) {
    const FACT: &str = r"\$[a-z][a-z0-9-]*\.[a-z0-9-]+";
    match schema {
        Value::Array(items) => items.iter_mut().for_each(or_fact),
        Value::Object(object) => {
            let is_span =
                object.get("format").is_some_and(|format| format == "duration" || format == "duration-range");
            let pattern =
                object.get("pattern").and_then(Value::as_str).filter(|_| is_span).map(str::to_owned);
            if let Some(pattern) = pattern {
                object.insert("pattern".to_owned(), format!("{pattern}|{FACT}").into());
            } else if let Some(kind @ ("integer" | "number")) = object.get("type").and_then(Value::as_str) {
                let kinds = json!([kind, "string"]);
                object.insert("type".to_owned(), kinds);
                object.insert("pattern".to_owned(), format!("^{FACT}$").into());
            }
            object.values_mut().for_each(or_fact);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The same without the facts that may stand for values.
pub(super) fn bare_article(registry: &Registry) -> Value {
    let mut schema = headed("article", "Rule file of an article", schema_of::<ArticleFile>());
    if let Some(detect) = schema.pointer_mut("/properties/symptoms/additionalProperties/properties/detect")
        && let Some(detect) = detect.as_object_mut()
    {
        let all: Vec<Value> = registry
            .detectors()
            .filter_map(|name| Some(ways(name, &registry.find_detector(name)?.parameters())))
            .flatten()
            .collect();
        detect.insert("anyOf".to_owned(), Value::Array(all));
    }
    schema
}

/// The JSON Schema of `pack.yaml`.
pub fn pack(_: &Registry) -> Value {
    headed("pack", "pack.yaml: what a pack is about", schema_of::<PackFile>())
}

/// The JSON Schema of a file in `inputs/`, with the formats that are registered.
pub fn input(registry: &Registry) -> Value {
    let mut schema = headed("input", "Input file: what the fields of a source mean", input::schema().clone());
    for way in ["/properties/format/anyOf/0", "/properties/format/anyOf/1/items"] {
        if let Some(format) = schema.pointer_mut(way).and_then(Value::as_object_mut) {
            format.insert("enum".to_owned(), registry.formats().collect());
        }
    }
    schema
}

/// The JSON Schema of a file in `tables/`.
pub fn table(_: &Registry) -> Value {
    headed("table", "Table: facts that rules name and a site may set", schema_of::<TableFile>())
}

/// The schema of one kind of file: what it is, and then the rest.
fn headed(kind: &str, title: &str, schema: Value) -> Value {
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
    whole
        .insert("$id".to_owned(), format!("https://github.com/etiolog/etiolog/schema/{kind}.v1.json").into());
    if let Value::Object(schema) = schema {
        whole.extend(schema);
    }
    whole.insert("title".to_owned(), title.into());
    Value::Object(whole)
}

/// The ways in which a detector may be written under `detect`.
pub(super) fn ways(name: &str, parameters: &Value) -> Vec<Value> {
    let description = parameters.get("description").cloned();
    let all = variants(parameters).into_iter().map(|variant| {
        let mut way = match is_beside(name, variant) {
            true => variant.clone(),
            false => json!({
                "type": "object", "properties": {name: variant}, "required": [name], "additionalProperties": false
            }),
        };
        if let (Some(way), Some(text)) = (way.as_object_mut(), &description) {
            way.insert("description".to_owned(), text.clone());
        }
        way
    });
    all.collect()
}

/// The variants of a detector's parameters.
pub(super) fn variants(parameters: &Value) -> Vec<&Value> {
    match parameters.get("anyOf").or_else(|| parameters.get("oneOf")).and_then(Value::as_array) {
        Some(variants) => variants.iter().collect(),
        None => vec![parameters],
    }
}

/// Whether this variant is written beside the detector's name: it has a property of that name.
pub(super) fn is_beside(name: &str, variant: &Value) -> bool {
    variant.get("properties").is_some_and(|known| known.get(name).is_some())
}
