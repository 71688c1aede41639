//! What is usual outlives an episode.

use std::time::Duration;

use etiolog::{Diagnosis, Engine, Pack, State, Timestamp};

/// A station of pumps of which some trip every minute.
fn station(detect: &str) -> Engine {
    let pack = Pack::from_texts([
        (
            "pack.yaml".to_owned(),
            "etiolog: 1\npack: p\ntitle: P\nversion: '1'\nproblem: {word: trip}\n\
             subjects: [{name: station, quiet: 30m}, {name: pump, in: station, quiet: 1h}]\n"
                .to_owned(),
        ),
        (
            "a.yaml".to_owned(),
            format!(
                "etiolog: 1\narticle: a\ntitle: A\nevents: {{trip: {{word: trip}}, start: {{word: start}}}}\n\
                 symptoms:\n  s: {{title: S, per: station, detect: {detect}}}\n  o: {{title: O, per: station, \
                 background: 0.9, detect: {{occurrence: {{event: start}}}}}}\n  u: {{title: U, per: station, \
                 background: 0.9, detect: {{occurrence: {{event: trip}}}}}}\n\
                 causes:\n  c: {{title: C, severity: warning, prior: common, explains: {{s: always, o: often, u: often}}}}\n"
            ),
        ),
    ]);
    Engine::builder().pack(pack).lateness(Duration::from_secs(60)).build().unwrap()
}

/// Pushes `(minute, word, pumps)`; gives the diagnoses of the station.
fn diagnose(engine: &Engine, minutes: impl Iterator<Item = (i64, &'static str, u32)>) -> Vec<Diagnosis> {
    let mut run = engine.run();
    let source = run.open("s");
    for (minute, word, pumps) in minutes {
        for pump in 0..pumps {
            let time = Timestamp::from_seconds(1_772_582_400 + minute * 60 + i64::from(pump % 60)).unwrap();
            let event = engine.event(time).field("station", "north").field("word", word);
            run.push(source, event.field("pump", format!("p{pump}")).build());
        }
    }
    let (mut diagnoses, _) = run.finish();
    diagnoses.retain(|diagnosis| diagnosis.subject.levels().len() == 1);
    diagnoses
}

#[test]
fn surge_knows_the_usual_in_the_next_episode() {
    let engine = station("{surge: {event: trip, distinct: pump, bucket: 1m, at-least: 5}}");
    // The second surge comes two minutes after the end of the first one's episode.
    let bursts = [(40, 30), (73, 40)];
    let minutes = (0..120).map(|minute| {
        let burst = bursts.iter().find(|(at, _)| *at == minute);
        (minute, "trip", burst.map_or(2, |&(_, pumps)| pumps))
    });
    let diagnoses = diagnose(&engine, minutes);
    assert_eq!(diagnoses.len(), 2, "{diagnoses:#?}");
    assert!(diagnoses.iter().all(|diagnosis| diagnosis.state == State::Resolved));
    let quiet = (0..120).map(|minute| (minute, "trip", if minute == 40 { 30 } else { 2 }));
    assert_eq!(diagnose(&engine, quiet).len(), 1, "what was found belongs to its episode alone");
}

#[test]
fn dip_knows_the_usual_in_the_next_episode() {
    let engine = station("{dip: {gauge: {opens: start, closes: trip, of: pump}, at-least: 5%}}");
    let minutes =
        [(0, "start", 100), (40, "trip", 30), (44, "start", 30), (80, "trip", 30), (84, "start", 30)];
    let later = (85..200).map(|minute| (minute, "start", 1));
    assert_eq!(diagnose(&engine, minutes.into_iter().chain(later)).len(), 2);
}
