//! The JSON Schema of what the JSON report writes, generated from the types that are written.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use crate::error::Problem;
use crate::model::{Begin, Diagnosis, Summary};
use crate::output::folded::GroupLine;
use crate::output::json::SCHEMA;

/// The schema (draft 2020-12) of one line of `diagnose --output json`: `begin`, `diagnosis`, `group`, `summary`, or `problem`
/// where rules are refused.
///
/// Keys may be added under the same version; readers pass over those that they do not know.
///
/// ```
/// let schema = etiolog::output::schema::diagnosis();
/// assert_eq!(schema["oneOf"][1]["properties"]["type"]["const"], "diagnosis");
/// ```
pub fn diagnosis() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let lines = [
        line::<Begin>("begin", &mut generator),
        grouped(line::<Diagnosis>("diagnosis", &mut generator)),
        line::<GroupLine<'_>>("group", &mut generator),
        line::<Summary>("summary", &mut generator),
        line::<Problem>("problem", &mut generator),
    ];
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line that etiolog writes",
        "description": "The output of `etiolog diagnose --output json`: one object a line.",
        "oneOf": lines,
        "$defs": generator.take_definitions(true),
    })
}

/// The line of a diagnosis also says what it is told together with.
fn grouped(mut line: Value) -> Value {
    let about = "Which diagnoses are told together: the same word for all of them, in every run. What another diagnosis \
                 explains (`explained_by`) has none.";
    if let Some(properties) = line.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("group".to_owned(), json!({"type": "string", "description": about}));
    }
    line
}

fn line<T: JsonSchema>(kind: &str, generator: &mut SchemaGenerator) -> Value {
    let mut schema = generator.subschema_for::<T>().to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("type".to_owned(), json!("object"));
        map.insert("properties".to_owned(), json!({"type": {"const": kind}, "schema": {"const": SCHEMA}}));
        map.insert("required".to_owned(), json!(["type", "schema"]));
    }
    schema
}
