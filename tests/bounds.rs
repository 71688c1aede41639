//! More subjects than memory: what is forgotten is counted, and what it touches is found all the same or marked.

use etiolog::{Diagnosis, Engine, Event, Pack, Summary, Timestamp};

const PACK: &str = "etiolog: 1
pack: pumps
title: Pumps
version: '1'
subjects: [{name: plant, quiet: 1h}, {name: pump, in: plant, quiet: 3h}]
problem: {word: fail}
";

const RULES: &str = "etiolog: 1
article: wear
title: Wear
events:
  fail: {word: fail}
symptoms:
  often:
    title: It fails often
    per: pump
    detect: {count: {event: fail, at-least: 5, within: 3h}}
  few:
    title: It fails now and then
    per: pump
    detect: {count: {event: fail, at-least: 2, within: 10m}}
causes:
  bearing:
    title: A bearing is worn
    explains: {often: always, few: seldom}
    severity: error
    solutions: [change]
solutions:
  change: {do: Change the bearing}
";

/// So many pumps that fail once within six hours, and five that fail every twenty minutes.
fn flood(pumps: u32, memory: usize) -> (Vec<Diagnosis>, Summary) {
    let pack = Pack::from_texts([("pack.yaml", PACK), ("wear.yaml", RULES)]);
    let engine = Engine::builder().pack(pack).memory(memory).build().unwrap();
    let mut run = engine.run();
    let source = run.open("log");
    let event = |second: u32, pump: String| -> Event {
        let at = Timestamp::from_seconds(1_772_582_400 + i64::from(second)).unwrap();
        engine.event(at).field("word", "fail").field("plant", "north").field("pump", pump).build()
    };
    let mut beats = 0;
    for number in 0..pumps {
        let second = u32::try_from(u64::from(number) * 21_600 / u64::from(pumps)).unwrap();
        run.push(source, event(second, format!("pump-{number:05}")));
        if second / 1200 >= beats {
            (0..5).for_each(|worn| run.push(source, event(second, format!("worn-{worn}"))));
            beats += 1;
        }
    }
    run.finish()
}

#[test]
fn s18_a_flood_of_subjects_washes_away_none_that_comes_back() {
    let (diagnoses, summary) = flood(20_000, 3 << 20);
    assert!(summary.evicted > 15_000, "{}", summary.evicted);
    assert!(summary.records.balance());
    assert_eq!(summary.explained + summary.benign + summary.unexplained, summary.records.decoded);
    for worn in 0..5 {
        let own = diagnoses.iter().filter(|diagnosis| diagnosis.subject.id() == format!("worn-{worn}"));
        let told = own.filter(|d| &*d.verdict == "wear#bearing" || d.incomplete).count();
        assert!(told > 0, "worn-{worn} was lost");
    }
}

#[test]
fn p16_below_the_limits_there_are_none() {
    let roomy = flood(2_000, 64 << 20);
    assert_eq!(roomy.1.evicted, 0);
    assert_eq!(roomy, flood(2_000, 2 << 30));
    assert!(roomy.0.iter().all(|diagnosis| !diagnosis.incomplete));
}

#[test]
fn s18_events_that_cannot_wait_are_applied_early_and_counted() {
    // Twenty thousand records within a second: none is passed by the watermark.
    let pack = Pack::from_texts([("pack.yaml", PACK), ("wear.yaml", RULES)]);
    let engine = Engine::builder().pack(pack).memory(4 << 20).build().unwrap();
    let mut run = engine.run();
    let source = run.open("log");
    for number in 0..20_000_u32 {
        let at = Timestamp::from_nanos(1_772_582_400_000_000_000 + i64::from(number) * 1_000).unwrap();
        let pump = format!("pump-{}", number % 50);
        run.push(
            source,
            engine.event(at).field("word", "fail").field("plant", "p").field("pump", pump).build(),
        );
    }
    let (diagnoses, summary) = run.finish();
    assert!(summary.hurried > 10_000, "{}", summary.hurried);
    assert_eq!((diagnoses.len(), summary.records.late), (50, 0));
}
