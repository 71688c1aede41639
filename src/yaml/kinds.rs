//! What may stand in a file, as types whose JSON Schemas the loader, editors and the reference share.

use std::marker::PhantomData;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

/// The JSON Schema of a type, whole in itself unless the type contains itself, as [`sound`](crate::yaml::sound) reads it.
///
/// ```
/// #[derive(schemars::JsonSchema)]
/// struct Params {
///     /// How far apart they may be: `5m`.
///     within: etiolog::yaml::kinds::Span,
/// }
/// let schema = etiolog::yaml::schema_of::<Params>();
/// assert_eq!(schema["properties"]["within"]["format"], "duration");
/// assert_eq!(schema["properties"]["within"]["description"], "How far apart they may be: `5m`.");
/// ```
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        settings.transforms.clear();
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Takes out what is said for Rust alone: nothing as a value, sizes of numbers, line ends of comments.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(object) => {
            tidy_object(object);
            object.values_mut().for_each(tidy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn tidy_object(object: &mut Map<String, Value>) {
    let is_null = |value: &Value| value.get("type").is_some_and(|kind| kind == "null");
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(variants)) = object.get_mut("anyOf") {
        variants.retain(|variant| !is_null(variant));
        if let [Value::Object(only)] = variants.as_mut_slice() {
            let only = std::mem::take(only);
            object.remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        let paragraphs = text.split("\n\n").map(|part| part.replace('\n', " "));
        *text = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
    let sized = object
        .get("format")
        .and_then(Value::as_str)
        .is_some_and(|format| ["uint", "int", "float", "double"].iter().any(|kind| format.starts_with(kind)));
    if sized {
        object.remove("format");
    }
}

/// Gives a type that stands for what may be written in a place its schema, and makes the type where there is none.
macro_rules! kind {
    ($($(#[$doc:meta])* $vis:vis struct $name:ident: |$generator:pat_param| $schema:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        $vis struct $name;

        $crate::yaml::kinds::kind!(impl $name: |$generator| $schema);
    )*};
    (impl $name:ident: |$generator:pat_param| $schema:expr) => {
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema($generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}
pub(crate) use kind;

/// A kind of text with a format of its own.
macro_rules! text {
    ($($(#[$doc:meta])* $name:ident, $format:literal, $pattern:literal, $example:literal;)*) => {$(
        kind! {
            $(#[$doc])*
            pub struct $name: |_| json_schema!({
                "type": "string", "format": $format, "pattern": $pattern, "examples": [$example]
            });
        }
    )*};
}

text! {
    /// A span of time with its unit: `60s`, `5m`, `12h`, `1h30m`, up to `31d`.
    Span, "duration", r"^\s*([0-9]+(ms|s|m|h|d))+\s*$", "5m";
    /// A range of time: `5m..36h`.
    SpanRange, "duration-range", r"^\s*([0-9]+(ms|s|m|h|d))+\s*\.\.\s*([0-9]+(ms|s|m|h|d))+\s*$", "5m..36h";
    /// A path into a record: `detail.code`.
    Path, "path", r"^[^.]+(\.[^.]+)*$", "detail.code";
    /// How a stamp is written, piece by piece: `%Y-%m-%d %H:%M:%S`.
    StampPattern, "stamp-pattern", "%", "%Y-%m-%d %H:%M:%S";
    /// A distance from UTC of at most 18 hours: `+01:00`.
    ZoneOffset, "zone-offset", "^[+-]((0[0-9]|1[0-7]):[0-5][0-9]|18:00)$", "+01:00";
}

kind! {
    /// A share: `5%` or `0.05`.
    pub struct Share: |_| json_schema!({"type": ["string", "number"], "format": "share", "examples": ["5%"]});
    /// Text that may look like a number: `700`. It counts as it is spelt.
    pub struct Name: |_| json_schema!({"type": ["string", "integer"], "format": "name"});
    /// One value: text, a number, `true` or `false`.
    pub struct Scalar: |_| json_schema!({"type": ["string", "number", "boolean"]});
}

/// One, or a list of them.
#[derive(Debug)]
pub struct OneOrMore<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for OneOrMore<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("OneOrMore{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})
    }
}
