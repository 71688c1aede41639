//! The reference page of rule files, written from their JSON Schemas, so that it cannot say anything else.

use std::fmt::Write as _;

use serde_json::Value;

use crate::plugin::Registry;
use crate::predicate;
use crate::rule::published::{bare_article, input, is_beside, pack, table as tables, variants};

/// The reference of all keys, detectors and functions, as Markdown.
///
/// ```
/// let page = etiolog::rule::schema::reference(&etiolog::Registry::builtin());
/// assert!(page.contains("| `within` | duration | yes |"));
/// ```
pub fn reference(registry: &Registry) -> String {
    let mut page = String::from(HEAD);
    section(&mut page, "Articles: `<article>.yaml`", &article_without_detectors(registry));
    page.push_str(
        "## Detectors\n\nWhat stands under `detect`: the detector's name, and below it its parameters.\n\n",
    );
    for kind in registry.detectors().filter_map(|name| registry.find_detector(name)) {
        detector(&mut page, kind.name(), &kind.parameters(), kind.measures());
    }
    functions(&mut page, registry);
    section(&mut page, "Packs: `pack.yaml`", &pack(registry));
    section(&mut page, "Inputs: `inputs/<input>.yaml`", &input(registry));
    section(&mut page, "Tables: `tables/<table>.yaml`", &tables(registry));
    while page.ends_with("\n\n") {
        page.pop();
    }
    page
}

const HEAD: &str = "# Reference of rule files\n\n\
    Every key of every file, written from the types that the loader reads; a test keeps it so. To learn how a rule is made,\n\
    read [rules/README.md](../rules/README.md). Editors know the same: `etiolog schema article`.\n\n";

fn article_without_detectors(registry: &Registry) -> Value {
    let mut schema = bare_article(registry);
    if let Some(detect) = schema
        .pointer_mut("/properties/symptoms/additionalProperties/properties/detect")
        .and_then(Value::as_object_mut)
    {
        detect.remove("anyOf");
    }
    schema
}

/// A kind of file: its keys, then the keys of the mappings in it.
fn section(page: &mut String, title: &str, schema: &Value) {
    let _ = writeln!(page, "## {title}\n");
    let mut ahead = vec![(String::new(), schema)];
    let mut shown: Vec<(String, &Value)> = Vec::new();
    while let Some((path, schema)) = ahead.pop() {
        if !path.is_empty() {
            let _ = writeln!(page, "### `{path}`\n");
        }
        if let Some((same, _)) = shown.iter().find(|(_, known)| *known == schema) {
            let _ = writeln!(page, "As `{same}`.\n");
            continue;
        }
        if let Some(text) = described(schema) {
            let _ = writeln!(page, "{text}\n");
        }
        table(page, schema);
        shown.push((path.clone(), schema));
        // Depth first, in the order of the table; a schema that contains itself ends here.
        let mut inner = Vec::new();
        if shown.len() < 64 {
            for (key, value) in properties(schema) {
                let at = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                mappings(&at, value, &mut inner);
            }
            others(&path, schema, &mut inner);
        }
        ahead.extend(inner.into_iter().rev());
    }
}

/// The mappings with keys of their own that may stand at a place.
fn mappings<'a>(path: &str, schema: &'a Value, into: &mut Vec<(String, &'a Value)>) {
    if schema.get("properties").is_some() {
        into.push((path.to_owned(), schema));
        return;
    }
    if let Some(each) = schema.get("items") {
        mappings(&format!("{path}[]"), each, into);
    }
    others(path, schema, into);
    for variant in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        mappings(path, variant, into);
    }
}

/// What stands under keys that authors choose.
fn others<'a>(path: &str, schema: &'a Value, into: &mut Vec<(String, &'a Value)>) {
    if let Some(each @ Value::Object(_)) = schema.get("additionalProperties") {
        let path = if path.is_empty() { "<name>".to_owned() } else { format!("{path}.<name>") };
        mappings(&path, each, into);
    }
}

fn detector(page: &mut String, name: &str, parameters: &Value, measures: &[&str]) {
    let _ = writeln!(page, "### `{name}`\n");
    if let Some(text) = described(parameters) {
        let _ = writeln!(page, "{text}\n");
    }
    for variant in variants(parameters) {
        if variants(parameters).len() > 1 {
            let way = if is_beside(name, variant) {
                format!("`detect: {{{name}: …, …}}`")
            } else {
                format!("`detect: {{{name}: {{…}}}}`")
            };
            let text = described(variant).unwrap_or_default();
            let _ = writeln!(page, "{way}: {text}\n");
        }
        table(page, variant);
    }
    let mut inner = Vec::new();
    for variant in variants(parameters).into_iter().take(1) {
        for (key, value) in properties(variant) {
            mappings(key, value, &mut inner);
        }
    }
    for (path, schema) in inner {
        let _ = writeln!(page, "`{path}`: {}\n", described(schema).unwrap_or_default());
        table(page, schema);
    }
    let measures: Vec<String> = measures.iter().map(|measure| format!("`{name}.{measure}`")).collect();
    let _ = writeln!(page, "Measures for `when`: {}\n", measures.join(", "));
}

fn functions(page: &mut String, registry: &Registry) {
    page.push_str("## Functions of expressions\n\nWhat `where` and `when` may call.\n\n");
    page.push_str("| function | | example | gives |\n|---|---|---|---|\n");
    for function in predicate::builtin_functions() {
        let row =
            [function.signature, function.example, function.gives].map(|code| format!("`{}`", cell(code)));
        let [signature, example, gives] = row;
        let _ = writeln!(page, "| {signature} | {} | {example} | {gives} |", cell(function.text));
    }
    for function in registry.functions() {
        let _ =
            writeln!(page, "| `{}` | of a plugin, with {} values | | |", function.name(), function.arity());
    }
    page.push_str("\nUnits of time, behind a whole number: ");
    let units: Vec<String> = predicate::units().map(|(unit, _)| format!("`{unit}`")).collect();
    let _ = writeln!(page, "{}.\n", units.join(" "));
}

/// The keys of a mapping.
fn table(page: &mut String, schema: &Value) {
    let required = |key: &str| {
        let keys = schema.get("required").and_then(Value::as_array);
        keys.is_some_and(|keys| keys.iter().any(|known| known == key))
    };
    let mut rows = properties(schema).peekable();
    if rows.peek().is_some() {
        page.push_str("| key | value | required | if not given | |\n|---|---|---|---|---|\n");
    }
    for (key, value) in rows {
        let default = match value.get("default") {
            Some(Value::String(word)) => format!("`{word}`"),
            Some(default @ (Value::Bool(_) | Value::Number(_))) => format!("`{default}`"),
            _ => String::new(),
        };
        let needed = if required(key) { "yes" } else { "" };
        let text = cell(&described(value).unwrap_or_default());
        let _ = writeln!(page, "| `{key}` | {} | {needed} | {default} | {text} |", cell(&kind(value)));
    }
    let any = schema.get("additionalProperties").filter(|each| each.is_object());
    if let Some(each) = any.filter(|_| schema.get("properties").is_some()) {
        let _ = writeln!(
            page,
            "| any other | {} | | | {} |",
            cell(&kind(each)),
            cell(&described(each).unwrap_or_default())
        );
    }
    if schema.get("properties").is_some() {
        page.push('\n');
    }
    let one_of = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let one_of: Vec<String> = one_of
        .filter_map(|way| way.get("required")?.as_array())
        .map(|keys| {
            keys.iter()
                .filter_map(Value::as_str)
                .map(|key| format!("`{key}`"))
                .collect::<Vec<_>>()
                .join(" with ")
        })
        .collect();
    if !one_of.is_empty() {
        let _ = writeln!(page, "Needed: {}.\n", one_of.join(", or "));
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let known = schema.get("properties").and_then(Value::as_object);
    known.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn described(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(str::to_owned)
}

/// What may stand in a place, in a few words.
fn kind(schema: &Value) -> String {
    let all: Vec<&Value> =
        ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten().collect();
    if !all.is_empty() && schema.get("properties").is_none() {
        let mut parts: Vec<String> = Vec::new();
        for part in all.into_iter().map(kind) {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        return parts.join(" or ");
    }
    let word = |word: &Value| word.as_str().map(|word| format!("`{word}`"));
    if let Some(only) = schema.get("const") {
        return format!("`{}`", only.to_string().trim_matches('"'));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().filter_map(word).collect::<Vec<_>>().join(" or ");
    }
    if let Some(format) = schema.get("format").and_then(Value::as_str) {
        return format.replace('-', " ");
    }
    let bound = |key: &str| schema.get(key).filter(|bound| bound.is_number());
    let range = match (bound("minimum"), bound("maximum"), bound("exclusiveMaximum")) {
        (Some(low), Some(high), _) => format!(" from {low} to {high}"),
        (_, _, Some(high)) => {
            format!(" between {} and {high}", bound("exclusiveMinimum").unwrap_or(&Value::Null))
        }
        _ => String::new(),
    };
    let kinds = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(kind)) => vec![kind.as_str()],
        _ if schema.get("$ref").is_some() => return "the same again".to_owned(),
        _ => return "anything".to_owned(),
    };
    let named = kinds.into_iter().map(|name| match name {
        "string" => "text".to_owned(),
        "integer" => format!("whole number{range}"),
        "number" => format!("number{range}"),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => format!("list of {}", schema.get("items").map_or("anything".to_owned(), kind)),
        _ => "mapping".to_owned(),
    });
    named.collect::<Vec<_>>().join(" or ")
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
