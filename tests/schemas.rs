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
    let format = &schema::input(&registry)["properties"]["format"]["anyOf"];
    let names = serde_json::json!(registry.formats().collect::<Vec<_>>());
    assert_eq!((&format[0]["enum"], &format[1]["items"]["enum"]), (&names, &names));
}

/// What an editor proposes and shows while a rule is written.
#[test]
fn editors_know_the_words_and_what_they_mean() {
    let article = schema::article(&Registry::builtin());
    let each = |section: &str| article["properties"][section]["additionalProperties"]["properties"].clone();
    let words = |schema: &Value| {
        let options = schema["anyOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
        let words = options.iter().filter_map(|option| option["enum"].as_array()).flatten();
        words.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    let cause = each("causes");
    assert_eq!(words(&cause["prior"]), "rare uncommon common");
    assert_eq!(words(&cause["severity"]), "benign info warning error critical");
    let strengths = "always almost-always usually often sometimes seldom hardly-ever very-rarely";
    assert_eq!(words(&cause["explains"]["additionalProperties"]), strengths);
    assert_eq!(words(&each("symptoms")["background"]), strengths);
    for way in each("symptoms")["detect"]["anyOf"].as_array().unwrap() {
        let names = way["properties"].as_object().unwrap();
        let explained = |schema: &Value| schema["description"].as_str().is_some_and(|text| text.len() > 10);
        assert!(explained(way) && names.values().all(explained), "{way}");
    }
    let case = &article["properties"]["cases"]["items"]["properties"];
    for (keys, of) in [
        (case, "name start given complete expect expect-exactly expect-none"),
        (
            &case["given"]["items"]["properties"],
            "event subject fields at every times for jitter loss spread then wait records file",
        ),
        (&case["expect"]["items"]["properties"], "top at-least at-most present absent near unknown"),
    ] {
        for key in of.split(' ') {
            assert!(keys[key]["description"].is_string(), "{key}: {keys}");
        }
        assert_eq!(keys.as_object().unwrap().len(), of.split(' ').count());
    }
}
