//! The samples are what the generator writes, and each small story shows what it says it shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::Path,
    sync::OnceLock,
};

use crate::fleet::{self, Scenario, Truth};
use flate2::read::GzDecoder;
use serde_json::Value;

fn committed(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn committed_day() -> String {
    let mut text = String::new();
    GzDecoder::new(committed("fleet-day.jsonl.gz").as_slice())
        .read_to_string(&mut text)
        .expect("the sample is gzip of UTF-8");
    text
}

fn day() -> &'static fleet::Day {
    static DAY: OnceLock<fleet::Day> = OnceLock::new();
    DAY.get_or_init(fleet::fleet_day)
}

/// Shows the first line that differs instead of megabytes.
#[track_caller]
fn assert_same_lines(committed: &str, generated: &str) {
    for (place, (old, new)) in committed.lines().zip(generated.lines()).enumerate() {
        assert_eq!(
            old,
            new,
            "line {} differs; run the example `fleet_day` and commit what it wrote",
            place + 1
        );
    }
    assert!(committed == generated, "{} bytes committed, {} generated", committed.len(), generated.len());
}

/// What a reader sees of one line.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    time: String,
    device: String,
    operation: String,
    code: Option<String>,
    protocol: String,
    /// The innermost text, where the record has it.
    auth: Option<String>,
    site: String,
}

impl Seen {
    fn dropped(&self) -> bool {
        self.operation == "deviceDisconnect" && self.code.is_some()
    }

    fn connected(&self) -> bool {
        self.operation == "deviceConnect" && self.code.is_none()
    }

    fn second(&self) -> i64 {
        let at = |from: usize| self.time[from..from + 2].parse::<i64>().expect("two digits");
        (at(8) * 24 + at(11)) * 3_600 + at(14) * 60 + at(17)
    }
}

/// Reads a line through its three levels of JSON, and insists on the documented shape.
fn read(line: &str) -> Seen {
    let text = |value: &Value, key: &str| {
        value[key].as_str().unwrap_or_else(|| panic!("no {key} in {line}")).to_owned()
    };
    let inner =
        |text: String| serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {line}"));
    let outer = inner(line.to_owned());
    let properties = inner(text(&outer, "properties"));
    let code = outer["resultType"].as_str().map(str::to_owned);
    assert_eq!(text(&outer, "category"), "Connections");
    assert_eq!(text(&outer, "level"), if code.is_some() { "Error" } else { "Information" });
    assert_eq!(code.is_some(), outer.get("resultDescription").is_some());
    assert_eq!(properties["statusCode"].as_str(), code.as_deref().map(|code| &code[..3]));
    assert!(text(&outer, "resourceId").ends_with("/IOTHUBS/PLANT-HUB-EU"));
    assert!(text(&properties, "maskedIpAddress").ends_with(".XXX"));
    let time = text(&outer, "time");
    assert_eq!(time.len(), "2025-03-04T07:12:03Z".len());
    Seen {
        time,
        device: text(&properties, "deviceId"),
        operation: text(&outer, "operationName"),
        code,
        protocol: text(&properties, "protocol"),
        auth: properties["authType"].as_str().map(|auth| text(&inner(auth.to_owned()), "type")),
        site: text(&properties, "maskedIpAddress"),
    }
}

fn seen(scenario: &Scenario) -> Vec<Seen> {
    scenario.lines().iter().map(|line| read(line)).collect()
}

/// Seconds from each connect to the next end of the same device.
fn sessions(seen: &[Seen]) -> Vec<i64> {
    let mut open: BTreeMap<&str, i64> = BTreeMap::new();
    let mut lengths = Vec::new();
    for event in seen {
        if event.connected() {
            open.insert(&event.device, event.second());
        } else if event.operation == "deviceDisconnect"
            && let Some(since) = open.remove(event.device.as_str())
        {
            lengths.push(event.second() - since);
        }
    }
    lengths
}

fn clock(seen: &Seen) -> &str {
    &seen.time[11..19]
}

#[test]
fn the_committed_day_is_what_the_generator_writes() {
    assert_same_lines(&committed_day(), &day().text());
}

#[test]
fn the_committed_truth_is_what_the_generator_writes() {
    let truth = String::from_utf8(committed("fleet-day.truth.json")).expect("UTF-8");
    assert_same_lines(&truth, &day().truth());
}

#[test]
fn the_committed_java_train_is_what_the_generator_writes() {
    let train = String::from_utf8(committed("java-609.jsonl")).expect("UTF-8");
    assert_same_lines(&train, &(fleet::java_609().lines().join("\n") + "\n"));
}

#[test]
fn the_committed_day_reads_through_three_levels_and_agrees_with_its_truth() {
    let text = committed_day();
    let truth: Value = serde_json::from_slice(&committed("fleet-day.truth.json")).expect("JSON");
    let (mut lines, mut devices, mut newest, mut late) = (0_u64, BTreeSet::new(), String::new(), 0);
    for line in text.lines() {
        let event = read(line);
        assert!(event.time.starts_with("2025-03-04T"), "{line}");
        lines += 1;
        late += u32::from(event.time < newest);
        newest = newest.max(event.time);
        devices.insert(event.device);
    }
    assert_eq!(truth["records"].as_u64(), Some(lines));
    assert_eq!(truth["devices"].as_u64(), Some(devices.len() as u64));
    assert!(late > 1_000, "only {late} records are out of order");
    for (label, share) in truth["labels"].as_object().expect("labels") {
        assert_eq!(
            share["devices"].as_u64(),
            share["names"].as_array().map(|names| names.len() as u64),
            "{label}"
        );
    }
}

#[test]
fn disorder_moves_lines_by_no_more_than_ninety_seconds_and_loses_none() {
    let scenario = fleet::dotnet_70_minutes();
    let (ordered, delivered) = (scenario.lines(), scenario.disordered_lines());
    assert_ne!(ordered, delivered);
    let mut newest = 0;
    for line in &delivered {
        let second = read(line).second();
        assert!(newest - second <= 90, "{} s late: {line}", newest - second);
        newest = newest.max(second);
    }
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(ordered), sorted(delivered));
}

#[test]
fn the_same_seed_tells_the_same_story_and_records_are_in_order() {
    for (first, second) in fleet::all_scenarios().into_iter().zip(fleet::all_scenarios()) {
        assert_eq!(first.lines(), second.lines(), "{}", first.name);
        assert!(first.records.is_sorted_by_key(|record| record.time), "{}", first.name);
        assert!(first.records.iter().any(|record| record.truth == first.truth), "{}", first.name);
        assert!(!first.about.is_empty());
    }
}

#[test]
fn a_stamp_knows_leap_days_and_the_turn_of_the_year() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_868_799, "2000-02-29T23:59:59Z"),
        (1_735_689_599, "2024-12-31T23:59:59Z"),
        (fleet::march_4(13, 20, 4), "2025-03-04T13:20:04Z"),
    ] {
        assert_eq!(fleet::stamp(seconds), text);
    }
}

#[test]
fn dotnet_sessions_last_seventy_minutes_and_most_ends_carry_401003() {
    let seen = seen(&fleet::dotnet_70_minutes());
    let lengths = sessions(&seen);
    assert!(lengths.len() > 20 * 18);
    assert!(lengths.iter().all(|length| (4_200..=4_260).contains(length)), "{lengths:?}");
    let count = |code: &str| seen.iter().filter(|event| event.code.as_deref() == Some(code)).count();
    let percent = count("401003") * 100 / count("404104");
    assert!((60..=80).contains(&percent), "{percent} % of the ends");
}

#[test]
fn a_java_client_lives_sixty_five_minutes_once_and_sixty_then() {
    let lengths = sessions(&seen(&fleet::java_60_65()));
    assert!((3_900..=3_904).contains(&lengths[0]), "{lengths:?}");
    assert!(lengths[1..].iter().all(|length| (3_600..=3_900).contains(length)), "{lengths:?}");
    assert!(lengths.len() > 20);
}

#[test]
fn the_java_train_keeps_the_real_session_lengths() {
    let lengths = sessions(&seen(&fleet::java_609()));
    assert_eq!(lengths, [3_902, 3_601, 3_600, 3_600, 3_902, 26 * 60 + 58]);
}

#[test]
fn renewals_in_time_leave_no_error_and_a_constant_session() {
    let seen = seen(&fleet::clean_renewals());
    assert!(seen.iter().all(|event| event.code.is_none()));
    for (kind, minutes) in [("pump", 45), ("cam", 58), ("valve", 48)] {
        let own: Vec<Seen> = seen.iter().filter(|event| event.device.starts_with(kind)).cloned().collect();
        let lengths = sessions(&own);
        assert!(lengths.len() > 4 * 20);
        assert!(
            lengths.iter().all(|length| (0..=3).contains(&(length - minutes * 60))),
            "{kind} {lengths:?}"
        );
    }
}

#[test]
fn a_random_dropper_has_neither_401003_nor_a_constant_session() {
    let seen = seen(&fleet::random_dropper());
    let mut lengths = sessions(&seen);
    lengths.sort_unstable();
    assert!((4..=9).contains(&lengths.len()));
    assert!(lengths[lengths.len() - 1] > 2 * lengths[0], "{lengths:?}");
    assert!(seen.iter().all(|event| event.code.as_deref().is_none_or(|code| code == "404104")));
}

#[test]
fn nightly_reboots_keep_the_wall_clock_and_use_a_certificate() {
    for (scenario, devices) in [(fleet::nightly_reboot_of_one(), 1), (fleet::nightly_reboot_of_a_site(), 12)]
    {
        let seen = seen(&scenario);
        let drops: Vec<&Seen> = seen.iter().filter(|event| event.dropped()).collect();
        assert_eq!(drops.len(), 9 * devices, "{}", scenario.name);
        assert!(drops.iter().all(|drop| ("02:00:00"..="02:00:20").contains(&clock(drop))));
        assert!(seen.iter().all(|event| event.auth.as_deref().is_none_or(|auth| auth == "x509")));
        assert!(seen.iter().any(|event| event.auth.is_some()));
    }
}

#[test]
fn an_idle_link_is_closed_after_an_hour_and_is_not_back_within_a_minute() {
    let seen = seen(&fleet::amqp_idle_close());
    let lengths = sessions(&seen);
    assert!(lengths.len() > 12);
    assert!(lengths.iter().all(|length| (3_602..=3_645).contains(length)), "{lengths:?}");
    assert!(seen.iter().all(|event| event.protocol == "Amqp"));
    for pair in seen.windows(2).filter(|pair| pair[0].dropped()) {
        assert!(pair[1].connected() && pair[1].second() - pair[0].second() >= 180, "{pair:?}");
    }
}

#[test]
fn a_cut_site_takes_one_prefix_and_no_internal_error() {
    let scenario = fleet::site_cut_at_noon();
    let seen = seen(&scenario);
    assert!(seen.iter().all(|event| event.code.as_deref().is_none_or(|code| !code.starts_with("500"))));
    let cut: BTreeSet<&str> = scenario
        .records
        .iter()
        .filter(|record| record.truth == Truth::SiteCut)
        .map(|record| record.device.site)
        .collect();
    assert_eq!(cut, BTreeSet::from(["198.51.100.XXX"]));
    let within_two_minutes = seen
        .iter()
        .filter(|event| event.dropped() && ("12:00:00".."12:02:00").contains(&clock(event)))
        .filter(|event| event.site == "198.51.100.XXX")
        .count();
    assert!(within_two_minutes >= 85, "{within_two_minutes} drops");
    assert_eq!(devices(&seen).len(), 600);
}

fn devices(seen: &[Seen]) -> BTreeSet<&str> {
    seen.iter().map(|event| event.device.as_str()).collect()
}

#[test]
fn a_hub_fault_strikes_all_sites_raises_internal_errors_and_ends() {
    let scenario = fleet::hub_fault_at_noon();
    let seen = seen(&scenario);
    let internal: Vec<&Seen> = seen
        .iter()
        .filter(|event| event.code.as_deref().is_some_and(|code| code.starts_with("500")))
        .collect();
    assert!(internal.len() > 500, "{}", internal.len());
    assert!(internal.iter().all(|event| ("12:00:07"..="12:06:50").contains(&clock(event))));
    let struck: BTreeSet<&str> = scenario
        .records
        .iter()
        .filter(|record| record.truth == Truth::HubFault)
        .map(|record| record.device.name.as_str())
        .collect();
    assert!((98..=108).contains(&struck.len()), "{} of 600", struck.len());
    let sites: BTreeSet<&str> = internal.iter().map(|event| event.site.as_str()).collect();
    assert_eq!(sites.len(), 8);
    for device in struck {
        assert!(
            seen.iter().any(|event| event.device == device
                && event.connected()
                && ("12:01:47"..="12:06:50").contains(&clock(event))),
            "{device} is not back"
        );
    }
}

#[test]
fn a_rotated_key_is_never_accepted_again() {
    let seen = seen(&fleet::key_rotated());
    let after: Vec<&Seen> = seen.iter().filter(|event| clock(event) > "08:21:40").collect();
    assert!(after.iter().all(|event| !event.connected()));
    assert!(after.iter().filter(|event| event.operation == "deviceConnect").count() > 60);
    let before = seen.iter().filter(|event| clock(event) < "08:21:40" && event.connected()).count();
    assert!((4..=5).contains(&before), "{before} renewals before");
}

#[test]
fn a_killed_process_drops_once_and_is_away_for_three_hours() {
    let seen = seen(&fleet::process_killed_once());
    assert_eq!(seen.iter().map(clock).collect::<Vec<_>>(), ["06:30:02", "11:19:25", "14:20:06"]);
    assert_eq!(seen[1].code.as_deref(), Some("404104"));
}

#[test]
fn steady_devices_of_the_day_show_nothing_but_their_own_start_and_the_hub_fault() {
    let records = &day().records;
    let steady: BTreeSet<&str> = records
        .iter()
        .filter(|record| record.truth == Truth::Steady)
        .map(|record| record.device.name.as_str())
        .collect();
    assert_eq!(steady.len(), 300);
    for record in records.iter().filter(|record| steady.contains(record.device.name.as_str())) {
        assert!(matches!(record.truth, Truth::Steady | Truth::HubFault), "{}", record.line());
    }
}

#[test]
fn refused_devices_of_the_day_never_connect_again() {
    for truth in [Truth::CredentialRejected, Truth::CredentialOrClock] {
        let mut refused: BTreeSet<&str> = BTreeSet::new();
        for record in &day().records {
            if record.truth == truth {
                refused.insert(&record.device.name);
            } else {
                assert!(!refused.contains(record.device.name.as_str()), "{}", record.line());
            }
        }
        assert_eq!(refused.len(), if truth == Truth::CredentialRejected { 12 } else { 2 });
    }
}
