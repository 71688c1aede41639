//! The fleets that are shipped: each runs, is the same each time, is read by its pack without a rejected record, and tells
//! a truth that names causes that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use etiolog::simulate::{Degradation, Fleets, Label, Simulation, Written};
use etiolog::{Engine, Error, Pack, Pipeline};

static FLEETS: LazyLock<Fleets> = LazyLock::new(|| {
    Fleets::of(&Pack::shipped("azure-iot-hub").unwrap()).unwrap_or_else(|why| panic!("{why}"))
});

fn engine() -> Engine {
    Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap()
}

/// The names of all fleets, without the mixes.
fn names() -> Vec<&'static str> {
    FLEETS.list().filter(|fleet| fleet.shares.is_empty()).map(|fleet| fleet.name).collect()
}

fn written(simulation: &Simulation<'_>) -> (Vec<u8>, Vec<Label>, Written) {
    let (mut bytes, mut labels) = (Vec::new(), Vec::new());
    let written = simulation.write(&mut bytes, |label| {
        labels.push(label);
        Ok(())
    });
    (bytes, labels, written.unwrap())
}

fn of(name: &str) -> Simulation<'static> {
    Simulation::new(&FLEETS, [name]).unwrap_or_else(|why| panic!("{why}"))
}

/// Causes that are public and may have no rule yet.
const PUBLIC: &[&str] = &[
    "401003#sas-token-expired",
    "401003#credential-rejected",
    "401003#clock-drift",
    "401003#token-not-renewed",
    "401003#renewal-wave",
    "403012#device-disabled",
    "400027#duplicate-identity",
    "400027#self-reconnect",
    "404104#network-or-crash",
    "404104#shared-network-outage",
    "404104#keep-alive-timeout",
    "404104#idle-connection-dropped",
    "404104#process-killed",
    "404104#process-restarted",
    "404104#restarted-together",
    "404104#crash-loop",
    "404104#scheduled-restart",
    "404104#gave-up-retrying",
    "404104#edge-idle-close",
    "404104#decommissioned",
    "404104#rollout",
    "500xxx#transient-hub-fault",
    "500xxx#maintenance",
    "404012#failover",
    "429001#throttled",
    "429002#disconnected-by-backlog",
    "403002#quota-exhausted",
];

/// Causes of the further articles.
const FURTHER: &[&str] = &[
    "403004#routing-endpoint-dead",
    "403004#device-away",
    "403004#endpoint-full",
    "403004#fetched-too-slowly",
    "412002#completed-too-late",
    "404103#device-offline",
    "403006#completion-not-reported",
    "400020#storage-refuses-the-hub",
];

#[test]
fn there_is_a_fleet_for_every_cause_and_none_for_one_that_is_not() {
    let told: BTreeSet<&str> = FLEETS.list().flat_map(|fleet| fleet.causes).collect();
    let missing: Vec<_> = PUBLIC.iter().filter(|cause| !told.contains(**cause)).collect();
    assert!(missing.is_empty(), "no fleet for {missing:?}");
    let engine = engine();
    let ruled: BTreeSet<&str> = engine.plan().causes().iter().map(|cause| &*cause.id).collect();
    let is_known = |cause: &&str| PUBLIC.contains(cause) || FURTHER.contains(cause) || ruled.contains(*cause);
    let unknown: Vec<_> = told.iter().filter(|cause| !is_known(cause)).collect();
    assert!(unknown.is_empty(), "no such cause: {unknown:?}");
}

#[test]
fn every_fleet_is_read_by_its_pack_without_a_rejected_record_and_tells_the_truth_that_it_lists() {
    let engine = engine();
    for name in names() {
        let (bytes, labels, written) = written(&of(name).seed(1));
        assert!(written.records > 0, "{name} writes nothing");
        let mut pipeline = Pipeline::new(&engine);
        pipeline.read(&format!("{name}.jsonl"), &bytes[..]);
        let (_, summary) = pipeline.finish();
        assert_eq!(summary.records.read, written.records, "{name}");
        assert_eq!(summary.records.rejected_total(), 0, "{name}");
        assert_eq!((summary.records.late, summary.records.future), (0, 0), "{name}");
        let told: BTreeSet<&str> = labels.iter().filter_map(|label| label.cause.as_deref()).collect();
        let listed = FLEETS.list().find(|fleet| fleet.name == name).unwrap();
        assert_eq!(told, listed.causes.iter().copied().collect(), "{name}");
        assert!(labels.iter().all(|label| label.from <= label.until), "{name}");
        assert!(
            told.is_empty() || labels.iter().any(|label| label.cause.is_some() && label.enough),
            "{name}"
        );
    }
}

#[test]
fn the_same_seed_makes_the_same_bytes_and_another_seed_others() {
    for name in ["401003-sas-token-expired-dotnet", "500xxx-transient-hub-fault", "404104-network-or-crash"] {
        let (first, truth, _) = written(&of(name).seed(7));
        let (again, truth_again, _) = written(&of(name).seed(7));
        assert_eq!((&first, &truth), (&again, &truth_again), "{name}");
        assert_ne!(first, written(&of(name).seed(8)).0, "{name}");
    }
}

/// So that other platforms and later versions are seen to make the same bytes.
#[test]
fn the_bytes_of_a_seed_are_known() {
    let mut simulation = of("404104-network-or-crash").seed(7).devices(50);
    let mut degradation = Degradation::default();
    degradation.loss = 0.1;
    degradation.disorder = Duration::from_secs(90);
    simulation = simulation.degradation(degradation);
    let (bytes, _, _) = written(&simulation);
    insta::assert_snapshot!(format!("{} bytes, {:016x}", bytes.len(), fnv(&bytes)), @"485555 bytes, 36610da7f4d2f869");
}

fn fnv(bytes: &[u8]) -> u64 {
    // FNV-1a: enough to see a difference.
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn records_come_in_the_order_of_their_times() {
    let (bytes, _, _) = written(&of("404104-keep-alive-timeout"));
    let text = String::from_utf8(bytes).unwrap();
    let stamps: Vec<&str> = text.lines().map(|line| &line[9..29]).collect();
    assert!(stamps.is_sorted());
}

#[test]
fn degradations_do_what_they_say_in_numbers() {
    let name = "401003-sas-token-expired-dotnet";
    let (plain, _, whole) = written(&of(name));
    let degraded = |change: &dyn Fn(&mut Degradation)| {
        let mut degradation = Degradation::default();
        change(&mut degradation);
        written(&of(name).degradation(degradation))
    };
    let share = |records: u64| records as f64 / whole.records as f64;
    let (_, truth, lossy) = degraded(&|d| d.loss = 0.1);
    assert!((0.87..0.93).contains(&share(lossy.records)), "{lossy:?}");
    assert_eq!(truth, written(&of(name)).1, "the truth does not depend on what is lost");
    let (bytes, _, repeated) = degraded(&|d| d.duplicates = 0.05);
    assert!((1.03..1.07).contains(&share(repeated.records)), "{repeated:?}");
    let lines = |bytes: &[u8]| -> BTreeSet<String> {
        String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
    };
    assert_eq!(lines(&bytes), lines(&plain), "nothing but repeats");
    let (bytes, _, _) = degraded(&|d| d.disorder = Duration::from_secs(600));
    assert_ne!(bytes, plain);
    assert_eq!(lines(&bytes), lines(&plain), "the same records in another order");
    let (bytes, _, _) = degraded(&|d| d.skew = Duration::from_secs(5));
    let moved = lines(&bytes).difference(&lines(&plain)).count();
    assert!(moved > 1_000, "{moved} stamps moved");
}

#[test]
fn a_fleet_is_as_large_as_is_asked_and_ends_where_it_is_told() {
    let (_, _, small) =
        written(&of("404104-scheduled-restart").devices(1_000).span(Duration::from_secs(3_600)));
    assert_eq!(small.subjects, 1_000);
    let (bytes, _, sized) = written(&of("healthy-mixed").size(1 << 20));
    assert_eq!(sized.bytes, u64::try_from(bytes.len()).unwrap());
    assert!((1 << 20..(1 << 20) + 4_096).contains(&bytes.len()), "{}", bytes.len());
}

#[test]
fn the_healthy_have_no_cause() {
    for name in names().into_iter().filter(|name| name.starts_with("healthy")) {
        let (_, labels, written) = written(&of(name).devices(100).span(Duration::from_secs(86_400)));
        assert!(labels.iter().all(|label| label.cause.is_none()), "{name}");
        assert!(labels.len() as u64 <= written.subjects);
    }
}

#[test]
fn sessions_of_each_sdk_are_as_long_as_its_tokens_let_them() {
    let lives = [("node", 45), ("c", 48), ("python", 58)];
    let (bytes, _, _) = written(&of("healthy-renewals"));
    let mut open: BTreeMap<String, i64> = BTreeMap::new();
    let mut lengths: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for line in String::from_utf8(bytes).unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let properties: serde_json::Value =
            serde_json::from_str(record["properties"].as_str().unwrap()).unwrap();
        let device = properties["deviceId"].as_str().unwrap().to_owned();
        let time =
            etiolog::Timestamp::parse(record["time"].as_str().unwrap()).unwrap().nanos() / 1_000_000_000;
        match record["operationName"].as_str().unwrap() {
            "deviceConnect" => drop(open.insert(device, time)),
            _ => {
                let sdk = device.split('-').next().unwrap().to_owned();
                lengths.entry(sdk).or_default().push(time - open[&device]);
            }
        }
    }
    for (sdk, minutes) in lives {
        let mut all = lengths.remove(sdk).unwrap();
        all.sort_unstable();
        let median = all[all.len() / 2];
        assert!((minutes * 60..minutes * 60 + 5).contains(&median), "{sdk}: {median} s");
    }
}

#[test]
fn every_shape_writes_what_its_format_is_and_an_input_reads_it() {
    let engine = engine();
    for shape in FLEETS.shapes() {
        let simulation = of("500xxx-transient-hub-fault").seed(3).shape(shape.name).unwrap();
        let (bytes, labels, written) = written(&simulation);
        assert!(written.records > 0, "{}", shape.name);
        let mut pipeline = Pipeline::new(&engine);
        pipeline.read(shape.name, &bytes[..]);
        let (_, summary) = pipeline.finish();
        assert_eq!(summary.records.read, written.records, "{}", shape.name);
        assert_eq!(summary.records.rejected_total(), 0, "{}", shape.name);
        let text = String::from_utf8(bytes).unwrap();
        if shape.name.ends_with("csv") {
            assert!(text.starts_with("TenantId,TimeGenerated,"));
        } else {
            let parsed: Result<Vec<serde_json::Value>, _> = text.lines().map(serde_json::from_str).collect();
            assert!(parsed.is_ok(), "{}: {parsed:?}", shape.name);
        }
        let tells = labels.iter().any(|label| label.cause.is_some() && label.enough);
        assert_eq!(tells, shape.enough, "{}", shape.name);
    }
}

#[test]
fn a_gauge_shows_how_many_are_connected() {
    let (bytes, _, _) = written(&of("404104-shared-network-outage").shape("metric-points").unwrap());
    let text = String::from_utf8(bytes).unwrap();
    let value =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["maximum"].as_u64().unwrap();
    let values: Vec<u64> = text.lines().map(value).collect();
    assert_eq!(values.len(), 24 * 60 - 1);
    // All are there after an hour; then a site of 60 among 300 is away for twenty minutes.
    assert!(values[100] >= 295, "{}", values[100]);
    let least = *values[100..].iter().min().unwrap();
    assert!((235..=245).contains(&least), "{least}");
    assert!(*values.last().unwrap() >= 295);
}

#[test]
fn a_name_that_is_not_there_is_told_with_the_one_that_is_meant() {
    let why = |result: Result<Simulation<'_>, Error>| result.err().map(|why| why.to_string());
    let told = why(Simulation::new(&FLEETS, ["healthy-mixd"]));
    assert_eq!(told.as_deref(), Some("there is no fleet `healthy-mixd`; did you mean `healthy-mixed`?"));
    let told = why(of("healthy-mixed").shape("resource-logs"));
    assert_eq!(told.as_deref(), Some("there is no shape `resource-logs`; did you mean `resource-log`?"));
}

/// A pack of pumps with one fleet file.
fn pumps(fleet: &str) -> Result<Fleets, Error> {
    let pack = "{etiolog: 1, pack: p, title: P, version: '1', subjects: [{name: station, quiet: 1h}, {name: pump, in: station, quiet: 1h}]}";
    let shapes = "etiolog: 1\nrecords: {trip: {fields: {word: trip}}, start: {fields: {word: start}}}\n\
                  shapes: {plain: {title: P, object: {at: '{time}', pump: '{pump}', word: '{word}'}}}\n";
    let files = [("pack.yaml", pack), ("fleets/shapes.yaml", shapes), ("fleets/f.yaml", fleet)];
    Fleets::of(&Pack::from_texts(files))
}

#[test]
fn all_faults_of_a_fleet_are_told_at_once_where_they_stand() {
    let faulty = "etiolog: 2\nfleet: g\ntitle: F\nfor: 1h\ngroups:\n  a:\n    count: 0\n    fields: {pump: 'p-{numbr:04'}\n    \
                  states:\n      on: {emit: stat, after: 5x, next: of}\n      off: {emit: trip, next: on}\n\
                  \x20   truth: {cause: worn, of: pmp}\nincidents:\n  - {at: 1h, to: onn, groups: b}\n";
    let error = pumps(faulty).err().unwrap();
    let told: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    fleets/f.yaml:1:10: fleet format `2` is not known; this library reads `1` [unknown-version]
    fleets/f.yaml:2:8: fleet `g` stands in a file named `f` [wrong-name]
      help: the path is the link: give both one name
    fleets/f.yaml:7:12: `0` is outside 1 to 10000000 [out-of-range]
    fleets/f.yaml:8:20: a `{` without its `}` [unknown-capture]
    fleets/f.yaml:10:18: there is no record `stat` [unknown-record]
      help: did you mean `start`?
    fleets/f.yaml:10:31: expected a duration such as `0s`, `70m` or `30d`, found `5x` [wrong-type]
      help: the units are `ms`, `s`, `m`, `h` and `d`
    fleets/f.yaml:10:41: there is no state `of` [unknown-state]
      help: did you mean `on`?
    fleets/f.yaml:11:25: `next` means nothing without `after` [missing-key]
    fleets/f.yaml:12:20: `worn` does not name the cause of an article [unknown-cause]
      help: write `article#cause`
    fleets/f.yaml:12:30: there is no subject `pmp` [unknown-subject]
      help: did you mean `pump`?
    fleets/f.yaml:14:18: there is no state `onn` [unknown-state]
      help: did you mean `on`?
    fleets/f.yaml:14:31: there is no group `b` [unknown-group]
      help: there are: a
    ");
}

#[test]
fn an_incident_that_waits_strikes_where_the_state_begins() {
    let fleet = |waits: bool| {
        let fleet = format!(
            "etiolog: 1\nfleet: f\ntitle: F\nfor: 12m\nfields: {{station: north}}\ngroups:\n  a:\n    fields: {{pump: p}}\n    \
             states:\n      on: {{emit: start, after: 4m, next: off}}\n      off: {{emit: trip, after: 1m, next: on}}\n      \
             stuck: {{after: 2m, next: out}}\n      out: {{emit: trip}}\nincidents:\n  - {{at: 1m, in: [off], waits: {waits}, to: stuck, \
             truth: {{cause: 7#worn}}}}\n"
        );
        let fleets = pumps(&fleet).unwrap_or_else(|why| panic!("{why}"));
        let (bytes, labels, _) = written(&Simulation::new(&fleets, ["f"]).unwrap());
        let text = String::from_utf8(bytes).unwrap();
        let stamps: Vec<String> = text.lines().map(|line| line[18..23].to_owned()).collect();
        let from = labels.iter().find(|label| label.cause.is_some()).map(|label| label.from.to_string());
        (stamps.join(" "), from)
    };
    // At one minute it is not off, and that was it.
    assert_eq!(fleet(false), ("00:00 00:04 00:05 00:09 00:10".to_owned(), None));
    // It trips at four, is stuck at once, and trips for good at six.
    let from = Some("2026-03-02T00:04:00Z".to_owned());
    assert_eq!(fleet(true), ("00:00 00:04 00:06".to_owned(), from));
}

#[test]
fn a_fleet_of_another_pack_needs_no_code() {
    let fleet = "etiolog: 1\nfleet: f\ntitle: F\nfor: 10m\nfields: {station: north}\ngroups:\n  a:\n    count: 2\n    \
                 fields: {pump: 'p-{number:02}'}\n    states:\n      on: {emit: start, after: 4m, next: off}\n      \
                 off: {emit: trip, after: 1m, next: on}\n    truth: {cause: 7#worn}\n";
    let fleets = pumps(fleet).unwrap_or_else(|why| panic!("{why}"));
    let (bytes, labels, _) = written(&Simulation::new(&fleets, ["f"]).unwrap());
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap(), @r#"
    {"at":"2026-03-02T00:00:00Z","pump":"p-01","word":"start"}
    {"at":"2026-03-02T00:00:00Z","pump":"p-02","word":"start"}
    {"at":"2026-03-02T00:04:00Z","pump":"p-01","word":"trip"}
    {"at":"2026-03-02T00:04:00Z","pump":"p-02","word":"trip"}
    {"at":"2026-03-02T00:05:00Z","pump":"p-01","word":"start"}
    {"at":"2026-03-02T00:05:00Z","pump":"p-02","word":"start"}
    {"at":"2026-03-02T00:09:00Z","pump":"p-01","word":"trip"}
    {"at":"2026-03-02T00:09:00Z","pump":"p-02","word":"trip"}
    "#);
    let truth: Vec<String> = labels.iter().map(|label| serde_json::to_string(label).unwrap()).collect();
    insta::assert_snapshot!(truth.join("\n"), @r#"
    {"subject":{"station":"north","pump":"p-01"},"from":"2026-03-02T00:00:00Z","until":"2026-03-02T00:09:00Z","cause":"7#worn","enough":true,"records":4,"group":"f/a"}
    {"subject":{"station":"north","pump":"p-02"},"from":"2026-03-02T00:00:00Z","until":"2026-03-02T00:09:00Z","cause":"7#worn","enough":true,"records":4,"group":"f/a"}
    "#);
}
