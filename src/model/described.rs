//! The JSON Schema of the values that serialise themselves: it stands beside no derive, so it stands here.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::diagnosis::WrittenSymptom;
use crate::model::{Measure, Probability, Subject, SymptomReport, Timestamp};

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Event time in UTC, as RFC 3339 writes it.",
            "type": "string",
            "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z$",
        })
    }
}

impl JsonSchema for Probability {
    fn schema_name() -> Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A probability, in at most six digits.",
            "type": "number",
            "minimum": 0,
            "maximum": 1,
        })
    }
}

impl JsonSchema for Measure {
    fn schema_name() -> Cow<'static, str> {
        "Measure".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What a detector measured: a count, a number, a span in seconds, a word, or yes or no.",
            "type": ["number", "string", "boolean"],
        })
    }
}

impl JsonSchema for Subject {
    fn schema_name() -> Cow<'static, str> {
        "Subject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What a diagnosis is about: level and identifier, outermost first.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string"},
        })
    }
}

impl JsonSchema for SymptomReport {
    fn schema_name() -> Cow<'static, str> {
        WrittenSymptom::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        WrittenSymptom::json_schema(generator)
    }
}
