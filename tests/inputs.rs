//! The same hub told in every shape that Azure writes: the same diagnoses, and in one run where several shapes come
//! together.

use std::path::Path;
use std::sync::LazyLock;

use etiolog::model::Reject;
use etiolog::output::Style;
use etiolog::{Engine, Pack, Pipeline, Status, Summary, Timestamp};
use serde_json::{Value as Json, json};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap());

fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Two days of one device, as resource logs.
fn story() -> Vec<Json> {
    let text = String::from_utf8(sample("java-609.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A row of AzureDiagnostics for a record of the resource log.
fn row(record: &Json) -> Json {
    let id = record["resourceId"].as_str().unwrap();
    let hub = id.rsplit('/').next().unwrap();
    json!({
        "TenantId": "37dcb621-0000-0000-0000-e8c8addbc4e5",
        "TimeGenerated": record["time"],
        "ResourceId": id,
        "Category": record["category"],
        "Resource": hub,
        "ResourceProvider": "MICROSOFT.DEVICES",
        "ResourceType": "IOTHUBS",
        "OperationName": record["operationName"],
        "ResultType": record.get("resultType").unwrap_or(&Json::Null),
        "ResultDescription": record.get("resultDescription").unwrap_or(&Json::Null),
        "DurationMs": null,
        "Level": record["level"],
        "location_s": record["location"],
        "properties_s": record["properties"],
        "Type": "AzureDiagnostics",
        "_ResourceId": id.to_lowercase(),
    })
}

/// Columns in an order of their own.
const COLUMNS: [&str; 16] = [
    "TenantId",
    "TimeGenerated",
    "ResourceId",
    "Category",
    "Resource",
    "ResourceProvider",
    "ResourceType",
    "OperationName",
    "ResultType",
    "ResultDescription",
    "DurationMs",
    "Level",
    "location_s",
    "properties_s",
    "Type",
    "_ResourceId",
];

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn lines(records: &[Json]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// As CSV; `stamp` writes the time, `header` its column.
fn csv(rows: &[Json], separator: &str, header: &str, stamp: impl Fn(&str) -> String) -> String {
    let quoted = |text: &str| match text.contains([',', ';', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let line = |cells: Vec<String>| format!("{}\r\n", cells.join(separator));
    let name = |name: &&str| if *name == "TimeGenerated" { quoted(header) } else { (*name).to_owned() };
    let cell = |row: &Json, name: &str| match name {
        "TimeGenerated" => quoted(&stamp(&text(&row[name]))),
        _ => quoted(&text(&row[name])),
    };
    let mut out = line(COLUMNS.iter().map(name).collect());
    for row in rows {
        out += &line(COLUMNS.iter().map(|name| cell(row, name)).collect());
    }
    out
}

/// `2019-10-18T15:29:12Z` as the portal writes it in an English browser: `10/18/2019, 3:29:12.000 PM`.
fn spoken(stamp: &str) -> String {
    let number = |range: std::ops::Range<usize>| stamp[range].parse::<u32>().unwrap();
    let (year, month, day, hour) = (number(0..4), number(5..7), number(8..10), number(11..13));
    let half = if hour < 12 { "AM" } else { "PM" };
    format!("{month}/{day}/{year}, {}:{}.000 {half}", (hour + 11) % 12 + 1, &stamp[14..19])
}

/// As the query API answers.
fn answer(rows: &[Json]) -> Json {
    let columns: Vec<Json> = COLUMNS.iter().map(|name| json!({"name": name, "type": "string"})).collect();
    let rows: Vec<Json> =
        rows.iter().map(|row| COLUMNS.iter().map(|name| row[name].clone()).collect()).collect();
    json!({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]})
}

/// As operations monitoring wrote it.
fn flat(record: &Json) -> Json {
    let inner: Json = serde_json::from_str(record["properties"].as_str().unwrap()).unwrap();
    let number =
        |value: Option<&Json>| value.and_then(Json::as_str).and_then(|text| text.parse::<u64>().ok());
    json!({
        "time": record["time"],
        "operationName": record["operationName"],
        "category": record["category"],
        "level": record["level"],
        "statusCode": number(inner.get("statusCode")),
        "statusType": number(record.get("resultType")),
        "statusDescription": record.get("resultDescription").unwrap_or(&Json::Null),
        "deviceId": inner["deviceId"],
        "protocol": inner["protocol"],
        "authType": inner["authType"],
        "userAgent": inner["sdkVersion"],
    })
}

/// What is said of a stream, but for where the records stand and the ids that are made of that; and what became of them.
fn said(name: &str, bytes: &[u8], format: Option<&str>) -> (Vec<Json>, Summary) {
    let mut pipeline = Pipeline::new(&ENGINE);
    let source = pipeline.open(name);
    if let Some(format) = format {
        pipeline.use_input(source, format).unwrap();
    }
    // Pieces of any length say the same.
    for piece in bytes.chunks(977) {
        pipeline.push(source, piece);
    }
    told(pipeline)
}

fn told(pipeline: Pipeline) -> (Vec<Json>, Summary) {
    let (diagnoses, summary) = pipeline.finish();
    let mut out = Vec::new();
    let mut report = ENGINE.registry().find_report("json").unwrap().open(Style { width: 100, color: false });
    for diagnosis in &diagnoses {
        report.diagnosis(diagnosis, &mut out).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    let mut said: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    said.iter_mut().for_each(scrub);
    assert!(summary.records.balance(), "{:?}", summary.records);
    (said, summary)
}

/// Leaves out ids and places, and what the hub is called where it has no name.
fn scrub(value: &mut Json) {
    match value {
        Json::Object(fields) => {
            for key in ["id", "line", "offset", "source", "explained_by"] {
                if fields.get(key).is_some_and(|value| !value.as_str().is_some_and(|text| text.contains('#')))
                {
                    fields.remove(key);
                }
            }
            fields.values_mut().for_each(scrub);
        }
        Json::Array(items) => items.iter_mut().for_each(scrub),
        Json::String(text) => *text = text.replace("this-hub", "plant-hub-eu"),
        _ => {}
    }
}

#[test]
fn one_story_in_every_shape_gives_the_same_diagnoses() {
    let story = story();
    let rows: Vec<Json> = story.iter().map(row).collect();
    let flat: Vec<Json> = story.iter().map(flat).collect();
    let (expected, summary) = said("log", lines(&story).as_bytes(), None);
    assert_eq!(summary.sources[0].input.as_deref(), Some("resource-log"));
    assert!(!expected.is_empty());
    // Operations monitoring told no addresses: what rests on them is unknown, as in a log that has lost them.
    let (without_addresses, _) =
        said("log", lines(&story).replace("maskedIpAddress", "was").as_bytes(), None);
    let plain = |stamp: &str| stamp.to_owned();
    let precise = |stamp: &str| stamp.replace('Z', ".0000000Z");
    let offset = |stamp: &str| stamp.replace('Z', ".0000000+00:00");
    let zoned = |stamp: &str| spoken(stamp).replace(',', "").replace(".000", "") + " +00:00";
    let shapes = [
        ("log-analytics", "lines", lines(&rows)),
        ("log-analytics", "array", Json::Array(rows.clone()).to_string()),
        ("log-analytics", "pretty array", serde_json::to_string_pretty(&rows).unwrap()),
        ("log-analytics", "csv", csv(&rows, ",", "TimeGenerated", plain)),
        (
            "log-analytics",
            "csv with a mark",
            format!("\u{feff}{}", csv(&rows, ",", "TimeGenerated", precise)),
        ),
        ("log-analytics", "csv with offsets", csv(&rows, ",", "TimeGenerated", offset).replace("\r\n", "\n")),
        ("log-analytics", "csv of the portal", csv(&rows, ",", "TimeGenerated [UTC]", spoken)),
        ("log-analytics", "csv by semicolons", csv(&rows, ";", "TimeGenerated", zoned)),
        ("log-analytics", "answer", answer(&rows).to_string()),
        ("log-analytics", "pretty answer", serde_json::to_string_pretty(&answer(&rows)).unwrap()),
        ("operations-monitoring", "lines", lines(&flat)),
        ("operations-monitoring", "envelope", json!({"records": flat}).to_string()),
    ];
    for (input, shape, bytes) in shapes {
        for format in [None, Some(input)] {
            let (found, summary) = said("log", bytes.as_bytes(), format);
            assert_eq!(summary.sources[0].input.as_deref(), Some(input), "{shape} as {format:?}");
            assert_eq!(
                (summary.records.read, summary.records.rejected_total()),
                (16, 0),
                "{shape} as {format:?}"
            );
            let expected = if input == "operations-monitoring" { &without_addresses } else { &expected };
            assert_eq!(expected, &found, "{shape} as {format:?}");
        }
    }
}

/// The files in `samples/shapes`; `ETIOLOG_WRITE_SHAPES=1` writes them.
#[test]
fn the_samples_of_the_shapes_are_the_story() {
    let story = story();
    let rows: Vec<Json> = story.iter().map(row).collect();
    let flat: Vec<Json> = story.iter().map(flat).collect();
    let files = [
        ("log-analytics.jsonl", lines(&rows)),
        ("log-analytics.csv", csv(&rows, ",", "TimeGenerated", str::to_owned)),
        ("log-analytics-portal.csv", csv(&rows, ",", "TimeGenerated [UTC]", spoken)),
        ("query-answer.json", answer(&rows).to_string()),
        ("operations-monitoring.jsonl", lines(&flat)),
        ("metrics.jsonl", lines(&levels())),
        ("event-grid.json", serde_json::to_string_pretty(&states()).unwrap()),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/shapes");
    for (name, text) in files {
        if std::env::var_os("ETIOLOG_WRITE_SHAPES").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(name), &text).unwrap();
        }
        assert!(
            sample(&format!("shapes/{name}")) == text.as_bytes(),
            "{name}: run with ETIOLOG_WRITE_SHAPES=1"
        );
    }
}

const RESOURCE: &str = "/SUBSCRIPTIONS/1F2A77C0-0000-4A11-9C55-6B0D2E3F4A5B/RESOURCEGROUPS/PLANT-RG/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/PLANT-HUB-EU";

fn stamp(minute: i64) -> String {
    // 2025-03-04T12:00:00Z
    Timestamp::from_seconds(1_741_089_600 + 60 * minute).unwrap().to_string()
}

/// The number of connected devices on the afternoon of the sample day, as the metrics API gives it: at 13:20 it falls.
fn levels() -> Vec<Json> {
    let level = |minute: i64| match minute {
        80..=84 => 2_380 + 10 * (minute - 80),
        85..=95 => 2_430 + 40 * (minute - 85),
        _ => 2_856 + minute % 3,
    };
    let point = |minute| {
        json!({
            "count": 1, "total": level(minute), "minimum": level(minute), "maximum": level(minute), "average": level(minute),
            "resourceId": RESOURCE, "time": stamp(minute).replace('Z', ".0000000Z"), "metricName": "connectedDeviceCount",
            "timeGrain": "PT1M",
        })
    };
    (0..150).map(point).collect()
}

fn state(device: &str, minute: i64, kind: &str, sequence: u32) -> Json {
    json!({
        "id": format!("f6bbf8f4-d365-520d-a878-{sequence:012x}"),
        "topic": RESOURCE,
        "subject": format!("devices/{device}"),
        "eventType": format!("Microsoft.Devices.{kind}"),
        "eventTime": stamp(minute).replace('Z', ".4383997Z"),
        "data": {
            "deviceConnectionStateEventInfo": {"sequenceNumber": format!("000000000000000001D4132452F67CE20000000200000000000000{sequence:010X}")},
            "hubName": "Plant-Hub-EU",
            "deviceId": device,
        },
        "dataVersion": "1",
        "metadataVersion": "1",
    })
}

/// Two devices as Event Grid tells of them: minutes out of order, and one comes twice.
fn states() -> Vec<Json> {
    vec![
        state("pump-0032", 3, "DeviceConnected", 9),
        state("press-0417", 0, "DeviceConnected", 6),
        state("pump-0032", 48, "DeviceConnected", 10),
        state("press-0417", 86, "DeviceConnected", 8),
        state("press-0417", 80, "DeviceDisconnected", 7),
        state("press-0417", 80, "DeviceDisconnected", 7),
    ]
}

/// An event of Event Grid as a CloudEvent.
fn as_cloud_event(event: &Json) -> Json {
    json!({
        "id": event["id"], "source": event["topic"], "subject": event["subject"], "type": event["eventType"],
        "time": event["eventTime"].as_str().unwrap().replace('Z', "+00:00"), "data": event["data"], "specversion": "1.0",
    })
}

/// Rules on what only these inputs say.
const RULES: &str = "etiolog: 1
article: other-streams
title: Other streams
events:
  level: {metric: connectedDeviceCount}
  gone:  {op: Microsoft.Devices.DeviceDisconnected}
  there: {op: Microsoft.Devices.DeviceConnected}
symptoms:
  given-dip: {title: T, per: hub, detect: {dip: {gauge: {event: level, field: average}, at-least: 5%, bucket: 1m}}}
  went: {title: T, per: device, detect: {count: {event: gone, at-least: 1, within: 1h}}}
  went-twice: {title: T, per: device, detect: {count: {event: gone, at-least: 2, within: 1h}}}
  came-and-went: {title: T, per: device, detect: {sequence: [there, {never: gone}, there], within: 2h}}
causes:
  fault: {title: F, severity: error, explains: {given-dip: usually}}
  away: {title: A, severity: warning, explains: {went: usually, went-twice: sometimes, came-and-went: usually}}
";

fn with_rules() -> Engine {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/azure-iot-hub");
    let mut files = vec![("other-streams.yaml".to_owned(), RULES.to_owned())];
    let mut add = |name: String| {
        let text = std::fs::read_to_string(folder.join(&name)).unwrap();
        files.push((name, text));
    };
    add("pack.yaml".into());
    for entry in std::fs::read_dir(folder.join("inputs")).unwrap() {
        add(format!("inputs/{}", entry.unwrap().file_name().to_string_lossy()));
    }
    Engine::builder().pack(Pack::from_texts(files)).build().unwrap_or_else(|problems| panic!("{problems}"))
}

/// Which symptoms are present on whom, and what became of the records.
fn present(streams: &[(&str, &[u8])]) -> (Vec<String>, Summary) {
    let engine = with_rules();
    let mut pipeline = Pipeline::new(&engine);
    let sources: Vec<_> = streams.iter().map(|(name, _)| pipeline.open(name)).collect();
    for (source, (_, bytes)) in sources.iter().zip(streams) {
        pipeline.push(*source, bytes);
    }
    let (diagnoses, summary) = pipeline.finish();
    let symptoms = diagnoses.iter().flat_map(|diagnosis| {
        let of = diagnosis.symptoms.iter().filter(|symptom| matches!(symptom.status, Status::Present(_)));
        of.map(|symptom| format!("{}: {}", diagnosis.subject.id(), symptom.id))
    });
    let mut symptoms: Vec<String> = symptoms.collect();
    symptoms.sort();
    (symptoms, summary)
}

#[test]
fn logs_metrics_and_event_grid_of_a_hub_are_one_run() {
    let log = lines(&story());
    let streams: [(&str, &[u8]); 3] = [
        ("log", log.as_bytes()),
        ("metrics", &sample("shapes/metrics.jsonl")),
        ("grid", &sample("shapes/event-grid.json")),
    ];
    let (found, summary) = present(&streams);
    let inputs: Vec<_> = summary.sources.iter().map(|source| source.input.as_deref().unwrap()).collect();
    assert_eq!(inputs, ["resource-log", "metrics", "event-grid"]);
    assert_eq!((summary.records.rejected_total(), summary.records.late), (0, 0));
    assert_eq!(
        found,
        [
            "plant-hub-eu: other-streams#given-dip",
            "press-0417: other-streams#went",
            "pump-0032: other-streams#came-and-went",
        ]
    );
}

#[test]
fn an_event_of_event_grid_that_comes_again_in_any_schema_is_the_same() {
    let clouds = lines(&states().iter().map(as_cloud_event).collect::<Vec<_>>());
    let grid = sample("shapes/event-grid.json");
    let (one, summary) = present(&[("grid", &grid)]);
    assert_eq!((summary.records.read, summary.records.duplicate), (6, 1));
    let (both, summary) = present(&[("grid", &grid), ("clouds", clouds.as_bytes())]);
    assert_eq!((summary.records.read, summary.records.duplicate), (12, 7));
    assert_eq!(one, both);
    let (alone, _) = present(&[("clouds", clouds.as_bytes())]);
    assert_eq!(one, alone);
}

#[test]
fn rows_of_azure_metrics_and_a_table_of_ones_own_give_the_level_too() {
    let points = levels();
    let row = |point: &Json| {
        json!({
            "TimeGenerated": point["time"], "_ResourceId": RESOURCE.to_lowercase(), "MetricName": point["metricName"],
            "Average": point["average"], "Total": point["total"], "TimeGrain": "PT1M", "UnitName": "Count",
        })
    };
    let rows: Vec<Json> = points.iter().map(row).collect();
    let own: String = points
        .iter()
        .map(|point| {
            format!(
                "{},{RESOURCE},connectedDeviceCount,{}\n",
                point["time"].as_str().unwrap(),
                point["average"]
            )
        })
        .collect();
    let table = "time,resourceId,metricName,average\n".to_owned() + own.as_str();
    let columns = ["TimeGenerated", "_ResourceId", "MetricName", "Average"]
        .map(|name| json!({"name": name, "type": "t"}));
    let cells: Vec<Json> = rows
        .iter()
        .map(|row| json!([row["TimeGenerated"], row["_ResourceId"], row["MetricName"], row["Average"]]))
        .collect();
    let answer =
        json!({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": cells}]}).to_string();
    for bytes in [lines(&rows), Json::Array(rows.clone()).to_string(), table, answer, lines(&points)] {
        let (found, summary) = present(&[("metrics", bytes.as_bytes())]);
        assert_eq!(summary.records.rejected_total(), 0);
        assert_eq!(found, ["plant-hub-eu: other-streams#given-dip"]);
    }
}

#[test]
fn what_cannot_be_read_is_counted_where_it_stands() {
    let rows: Vec<Json> = story().iter().map(row).collect();
    let reasons = |bytes: String| {
        let (_, summary) = said("log", bytes.as_bytes(), None);
        let samples = summary.samples.iter().map(|sample| (sample.reason, sample.line));
        (samples.collect::<Vec<_>>(), summary.partial)
    };
    let good = csv(&rows, ",", "TimeGenerated", str::to_owned);
    let mut broken: Vec<&str> = good.lines().collect();
    broken.insert(3, "2019-10-18T15:29:12Z,too,few");
    broken.insert(5, "\"2019-10-18T15:29:12Z,a quote that nothing closes");
    assert_eq!(reasons(broken.join("\r\n")), (vec![(Reject::Columns, 4), (Reject::Malformed, 6)], 0));
    let cut = good.replacen("\"\"maskedIpAddress", "", 1);
    assert_eq!(
        reasons(cut),
        (vec![], 1),
        "broken JSON in a column is left, and the rest of its record is used"
    );
    let local = csv(&rows, ",", "TimeGenerated [Local Time]", spoken);
    let (no_time, _) = reasons(local);
    assert!(
        no_time.iter().all(|(reason, _)| *reason == Reject::NoTime) && !no_time.is_empty(),
        "{no_time:?}"
    );
    let answer = answer(&rows).to_string().replacen("],[", ",7],[", 1);
    assert_eq!(reasons(answer), (vec![(Reject::Columns, 1)], 0));
}
