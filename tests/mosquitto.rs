//! The pack of the Mosquitto broker: its lines in all versions, its sample, and its false friends.

use std::sync::LazyLock;

use etiolog::input::{Format, Paths, Row, Text};
use etiolog::{Diagnosis, Engine, Pack, Pipeline, Summary};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::builder().pack(Pack::shipped("mosquitto").unwrap()).build().unwrap());

const SAMPLE: &str = include_str!("../samples/mosquitto.log");

fn diagnose(engine: &Engine, log: &str) -> (Vec<Diagnosis>, Summary) {
    let mut pipeline = Pipeline::new(engine);
    pipeline.read("broker.log", log.as_bytes());
    let (diagnoses, summary) = pipeline.finish();
    assert!(summary.records.balance() && summary.records.rejected_total() == 0, "{:?}", summary.records);
    (diagnoses, summary)
}

/// Messages at their seconds, as `subject: verdict`; what is explained by the broker is left out.
fn verdicts(lines: &[(i64, &str)]) -> Vec<String> {
    let log: String =
        lines.iter().map(|(second, message)| format!("{}: {message}\n", 1_772_582_400 + second)).collect();
    shown(&diagnose(&ENGINE, &log).0)
}

fn shown(diagnoses: &[Diagnosis]) -> Vec<String> {
    let news = diagnoses.iter().filter(|diagnosis| diagnosis.explained_by.is_none());
    let mut shown: Vec<String> = news
        .map(|diagnosis| {
            let subject = diagnosis.subject.to_string();
            format!("{}: {}", subject.split(" of ").next().unwrap_or_default(), diagnosis.verdict)
        })
        .collect();
    shown.sort();
    shown
}

fn connected(client: &str) -> String {
    format!("New client connected from 192.0.2.7:49152 as {client} (p2, c1, k60).")
}

#[test]
fn the_lines_of_all_versions_are_read() {
    let mapping = &ENGINE.plan().inputs()[0];
    let format = Text::default().ready(mapping).unwrap();
    let mut wanted = Paths::default();
    let places = ["op", "why", "client", "user"].map(|name| wanted.intern(name));
    let mut row = Row::default();
    for (line, expect) in [
        // 1.4
        ("mosquitto version 1.4.15 (build date Wed, 13 Feb 2019 00:27:01 +0000) starting", "start - - -"),
        (
            "New client connected from 10.10.0.10 as client-7AD3 (c1, k60, u'clocks').",
            "connect - client-7AD3 clocks",
        ),
        (
            "New client connected from 10.1.1.128 as mosq/svJss3_julwLuU9YEl (c1, k60).",
            "connect - mosq/svJss3_julwLuU9YEl -",
        ),
        ("Client iPhone_1 has exceeded timeout, disconnecting.", "end timeout iPhone_1 -"),
        ("Socket error on client client-7AD3, disconnecting.", "end closed client-7AD3 -"),
        ("Client a b already connected, closing old connection.", "end taken a b -"),
        ("Client iPhone_1 disconnected.", "end asked iPhone_1 -"),
        ("mosquitto version 1.4.15 terminating", "stop - - -"),
        // 2.0
        ("mosquitto version 2.0.22 starting", "start - - -"),
        ("New connection from 2.0.0.181:51207 on port 1883.", "open - - -"),
        ("New client connected from ::1:51207 as pump-1 (p5, c1, k60, u'plant').", "connect - pump-1 plant"),
        ("Client pump-1 closed its connection.", "end closed pump-1 -"),
        ("Client <unknown> disconnected, not authorised.", "end refused <unknown> -"),
        ("Client pump-1 disconnected due to protocol error.", "end fault pump-1 -"),
        ("Client pump-1 disconnected: Connection reset by peer.", "end fault pump-1 -"),
        ("Client pump-1 been disconnected by administrative action.", "end admin pump-1 -"),
        ("Bad socket read/write on client pump-1: Invalid arguments provided.", "end fault pump-1 -"),
        ("Saving in-memory database to /var/lib/mosquitto/mosquitto.db.", "save - - -"),
        // 2.1
        ("Client pump-1 disconnected, session taken over.", "end taken pump-1 -"),
        ("Client pump-1 [192.0.2.7:49152] disconnected.", "end asked pump-1 -"),
        ("Client pump-1 [192.0.2.7:49152] disconnected: exceeded timeout.", "end timeout pump-1 -"),
        ("Client pump-1 [192.0.2.7:49152] disconnected: session taken over.", "end taken pump-1 -"),
        ("Client pump-1 [192.0.2.7:49152] disconnected: connection closed by client.", "end closed pump-1 -"),
        ("Client pump-1 [192.0.2.7:49152] disconnected: not authorised.", "end refused pump-1 -"),
        ("Client pump-1 [::1:49152] disconnected: bad socket read/write: 7", "end fault pump-1 -"),
        // of no interest
        ("Sending PINGRESP to pump-1", "- - - -"),
        ("Client pump-1 negotiated TLSv1.3 cipher TLS_AES_256_GCM_SHA384", "- - - -"),
    ] {
        for stamp in ["1772582400", "2026-03-04T00:00:00", "2026-03-04 00:00:00"] {
            format.decode(format!("{stamp}: {line}").as_bytes(), &wanted, &mut row).unwrap();
            let found = places.map(|at| row.get(at).map_or("-", |cell| cell.text()));
            assert_eq!(found.join(" "), expect, "{line}");
        }
    }
}

#[test]
fn the_sample_is_understood() {
    let (diagnoses, summary) = diagnose(&ENGINE, SAMPLE);
    assert_eq!(
        shown(&diagnoses),
        [
            "broker mosquitto: broker-restart#crash",
            "broker mosquitto: keep-alive-timeout#network-outage",
            "client cam-2: connection-lost#client-hangs-up",
            "client press-7: duplicate-client-id#two-clients-one-id",
            "client pump-3: keep-alive-timeout#silent-client",
            "client valve-9: not-authorised#wrong-credentials",
        ]
    );
    assert_eq!((summary.unexplained, summary.benign), (0, 0));
}

#[test]
fn the_pack_proves_itself() {
    let report = etiolog::check::cases(&ENGINE, |_| true);
    let failed: Vec<&str> = report.failed().map(|case| &*case.name).collect();
    assert_eq!((failed, report.cases.is_empty()), (vec![], false));
    let missing: Vec<String> = report.coverage.missing().map(|condition| format!("{condition:?}")).collect();
    assert_eq!((missing, report.coverage.percent()), (vec![], 100));
    assert!(report.coverage.causes.iter().all(|cause| cause.on_top), "{:?}", report.coverage.causes);
    assert_eq!(report.unproven, []);
    assert_eq!(etiolog::check::lint(&[Pack::shipped("mosquitto").unwrap()], ENGINE.registry()), []);
}

#[test]
fn beside_the_other_packs_it_says_the_same() {
    let all = Pack::shipped_names().map(|name| Pack::shipped(name).unwrap());
    let all = all.fold(Engine::builder(), |builder, pack| builder.pack(pack)).build().unwrap();
    let (alone, beside) = (diagnose(&ENGINE, SAMPLE).0, diagnose(&all, SAMPLE).0);
    assert_eq!(shown(&alone), shown(&beside));
}

#[test]
fn a_single_takeover_is_no_second_client() {
    let connect = connected("p");
    let lines = [
        (0, &*connect),
        (900, "Client p already connected, closing old connection."),
        (900, &*connect),
        (9_000, "x"),
    ];
    assert_eq!(verdicts(&lines), ["client p: duplicate-client-id#back-before-noticed"]);
}

#[test]
fn a_socket_error_behind_a_timeout_or_a_takeover_adds_nothing() {
    let connect = connected("p");
    let mut lines = vec![(0, &*connect)];
    for hour in 1..5 {
        lines.extend([
            (hour * 3_000, "Client p has exceeded timeout, disconnecting."),
            (hour * 3_000, "Socket error on client p, disconnecting."),
            (hour * 3_000 + 3, &*connect),
        ]);
    }
    lines.push((90_000, "x"));
    assert_eq!(verdicts(&lines), ["client p: keep-alive-timeout#silent-client"]);
    let mut lines = vec![(0, &*connect)];
    for turn in 1..30 {
        lines.extend([
            (turn * 2, "Client p already connected, closing old connection."),
            (turn * 2, "Socket error on client p, disconnecting."),
            (turn * 2, &*connect),
        ]);
    }
    lines.push((90_000, "x"));
    assert_eq!(verdicts(&lines), ["client p: duplicate-client-id#two-clients-one-id"]);
}

#[test]
fn a_restart_in_order_is_no_crash_and_a_start_at_the_beginning_is_none_at_all() {
    let connect = connected("p");
    let start = "mosquitto version 2.0.22 starting";
    assert_eq!(verdicts(&[(0, start), (1, &*connect), (9_000, "x")]), [""; 0]);
    let stop = "mosquitto version 2.0.22 terminating";
    let orderly = [(0, &*connect), (60, stop), (63, start), (64, &*connect), (9_000, "x")];
    assert_eq!(verdicts(&orderly), ["broker mosquitto: broker-restart#planned-restart"]);
    let crash = [(0, &*connect), (63, start), (64, &*connect), (9_000, "x")];
    assert_eq!(verdicts(&crash), ["broker mosquitto: broker-restart#crash"]);
}

#[test]
fn a_client_that_says_goodbye_is_no_problem() {
    let connect = connected("p");
    let lines: Vec<(i64, &str)> = (0..20)
        .flat_map(|turn| [(turn * 600, &*connect), (turn * 600 + 300, "Client p disconnected.")])
        .collect();
    assert_eq!(verdicts(&lines), [""; 0]);
}

#[test]
fn many_refusals_are_the_brokers_doing() {
    let names: Vec<String> =
        (0..8).map(|n| format!("Client pump-{n} disconnected, not authorised.")).collect();
    let mut lines = vec![(0, "mosquitto version 2.0.22 starting")];
    for turn in 0..6 {
        lines.extend(names.iter().zip(0..).map(|(name, n)| (10 + turn * 30 + n, &**name)));
    }
    lines.push((90_000, "x"));
    assert_eq!(verdicts(&lines), ["broker mosquitto: not-authorised#broker-refuses-all"]);
}
