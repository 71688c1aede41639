//! The published schemas, and the reference made from them, say what the loader does.

use etiolog::Registry;
use etiolog::rule::schema;
use serde_json::Value;

/// Set this to write the page instead of comparing it.
const REWRITE: &str = "REWRITE_REFERENCE";

#[test]
fn the_reference_is_what_the_types_say() {
    let page = schema::reference(&Registry::builtin());
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rule-reference.md");
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/rule-reference.md is old; write it with {REWRITE}=1 cargo test the_reference"
    );
}

/// Every schema inside a schema.
fn each(schema: &Value, visit: &mut dyn FnMut(&Value)) {
    visit(schema);
    match schema {
        Value::Array(items) => items.iter().for_each(|item| each(item, visit)),
        Value::Object(entries) => entries.values().for_each(|value| each(value, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_key_has_a_description_and_every_reference_leads_somewhere() {
    let registry = Registry::builtin();
    for whole in [schema::article(&registry), schema::pack(&registry), schema::input(&registry)] {
        for head in ["$schema", "$id", "title", "description"] {
            assert!(whole.get(head).is_some_and(Value::is_string), "{head} of {}", whole["title"]);
        }
        let mut keys = 0;
        each(&whole, &mut |schema| {
            let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            for (key, value) in properties.filter(|(_, value)| value.is_object()) {
                keys += 1;
                let beside = value.get("properties").is_some() || value.get("anyOf").is_some();
                assert!(
                    beside || value.get("description").is_some(),
                    "`{key}` in {}: {value}",
                    whole["title"]
                );
            }
            assert!(schema.get("type").is_none_or(|kind| kind != "null"), "{schema}");
            if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
                assert!(
                    whole.pointer(path.trim_start_matches('#')).is_some(),
                    "{path} in {}",
                    whole["title"]
                );
            }
        });
        assert!(keys > 7, "{keys} keys in {}", whole["title"]);
    }
}

#[test]
fn every_detector_and_format_of_the_registry_is_in_the_schemas() {
    let registry = Registry::builtin();
    let detect =
        schema::article(&registry)["properties"]["symptoms"]["additionalProperties"]["properties"]["detect"]
            .clone();
    let ways = detect["anyOf"].as_array().unwrap().clone();
    for name in registry.detectors() {
        assert!(ways.iter().any(|way| way["properties"].get(name).is_some()), "{name}");
    }
    assert_eq!(
        schema::input(&registry)["properties"]["format"]["enum"],
        serde_json::json!(registry.formats().collect::<Vec<_>>())
    );
}
