//! Scenarios in which engine, text and reference once differed, each with what was decided.

use crate::reference::compare::{difference, engine_says};
use crate::reference::scenario::{Record, Rules, Scenario, Symptom, calm_of};

fn symptom(per: &'static str, detect: &str) -> Symptom {
    Symptom { per, detect: detect.to_owned(), when: None, unless: false, ordinary: false }
}

fn rules(symptoms: impl IntoIterator<Item = Symptom>) -> Rules {
    Rules { by_record: false, ties_any: false, quiet: [10, 10], symptoms: symptoms.into_iter().collect() }
}

/// `second word device`, all of one hub.
fn records(text: &[(i64, &'static str, &str)]) -> Vec<Record> {
    let record = |(number, &(second, word, device)): (u64, &(i64, &'static str, &str))| {
        let (hub, device) = (Some("h1".to_owned()), Some(device.to_owned()));
        Record { number, source: 0, second, hub, device, word, size: None }
    };
    (0..).zip(text).map(record).collect()
}

fn agree(scenario: &Scenario) {
    assert_eq!(difference(scenario), None);
}

/// The engine kept what `when` had refused, and counted it in the next episode.
#[test]
fn what_when_refused_is_over_with_its_episode() {
    let when = Some("sequence.chains >= 2");
    let rules = rules([Symptom { when, ..symptom("device", "{sequence: [a], order: given, within: 11s}") }]);
    let rules = Rules { quiet: [11, 11], ..rules };
    let scenario =
        Scenario { complete: false, ..calm_of(rules, records(&[(0, "a", "d1"), (19, "a", "d1")])) };
    agree(&scenario);
    assert!(engine_says(&scenario.engine(), 1, &scenario.events(&scenario.engine())).0.is_empty());
}

/// The engine lost problem events that a symptom of a hub covered which asks for no diagnosis.
#[test]
fn an_ordinary_symptom_of_a_hub_takes_no_problem_event_from_its_devices() {
    let detect = "{distinct: {event: a, of: device, at-least: 1, within: 1s}}";
    let news = symptom("hub", "{count: {event: c, at-least: 4, within: 1s}}");
    let rules = rules([Symptom { ordinary: true, ..symptom("hub", detect) }, news]);
    agree(&calm_of(rules, records(&[(0, "a", "d1"), (0, "a", "d1")])));
}

/// The same for a symptom that gives way to another: its hub has no diagnosis, and the events are unexplained.
#[test]
fn problem_events_covered_by_a_symptom_that_gave_way_are_unexplained() {
    let detect = "{distinct: {event: a, of: device, at-least: 1, within: 1s}}";
    let ordinary = Symptom { ordinary: true, ..symptom("hub", "{occurrence: {event: b}}") };
    let rules = rules([ordinary, Symptom { unless: true, ..symptom("hub", detect) }]);
    let scenario = calm_of(rules, records(&[(0, "b", "d1"), (0, "a", "d1"), (1, "a", "d2")]));
    agree(&scenario);
    assert_eq!(engine_says(&scenario.engine(), 1, &scenario.events(&scenario.engine())).1.unexplained, 2);
}

/// The text did not say that an occurrence, which has no window, begins anew after every episode.
#[test]
fn what_could_have_told_is_forgotten_with_its_episode() {
    let told = symptom("device", "{occurrence: {event: b, among: c}}");
    let rules = rules([told, symptom("device", "{count: {event: a, at-least: 1, within: 1s}}")]);
    agree(&calm_of(rules, records(&[(0, "c", "d1"), (0, "a", "d1"), (60, "a", "d1")])));
}

/// Followed bucket by bucket to the end of time, this took hours.
#[test]
fn a_gauge_below_its_population_does_not_hold_up_the_end() {
    let dip = "{dip: {gauge: {opens: a, closes: b, of: device}, at-least: 40%, bucket: 1s, population: 1}}";
    let rules = rules([symptom("hub", dip)]);
    let scenario = calm_of(rules, records(&[(0, "a", "d1"), (100, "b", "d1"), (101, "c", "d1")]));
    assert!(engine_says(&scenario.engine(), 1, &scenario.events(&scenario.engine())).1.records.balance());
}

/// Whether a hub covers a problem event depended on how far the watermark had jumped.
#[test]
fn what_a_hub_covers_does_not_depend_on_the_order_of_arrival() {
    let detect = "{distinct: {event: a, of: device, at-least: 1, within: 10s}}";
    let hub = Symptom { when: Some("distinct.children >= 2"), ..symptom("hub", detect) };
    let rules = Rules { quiet: [600, 600], ..rules([hub, symptom("device", "{occurrence: {event: a}}")]) };
    let say = |ticks: [(i64, &'static str, &str); 2]| {
        let seen = [(0, "a", "d1"), (40, "a", "d1"), (41, "a", "d2")];
        let mut records = records(&[seen.as_slice(), &ticks].concat());
        records[3..].iter_mut().for_each(|tick| tick.number = 0);
        let scenario = Scenario { lateness: 60, ..calm_of(rules.clone(), records) };
        engine_says(&scenario.engine(), 1, &scenario.events(&scenario.engine()))
    };
    let (early, late) = ((72, "unheard", "d1"), (110, "unheard", "d1"));
    assert_eq!(say([early, late]), say([late, early]));
}

/// What a surge has learned was read at the last event that some rule asks about, though more was known.
#[test]
fn a_record_that_no_rule_asks_about_is_known_all_the_same() {
    let surge = symptom("hub", "{surge: {event: a, bucket: 10s, at-least: 2}}");
    let rules = rules([surge, symptom("hub", "{occurrence: {event: b}}")]);
    let learned = |last: &'static str| {
        let records = records(&[(0, "b", "d1"), (25, last, "d1")]);
        let scenario =
            Scenario { complete: false, ..calm_of(Rules { quiet: [600, 600], ..rules.clone() }, records) };
        let diagnoses = engine_says(&scenario.engine(), 1, &scenario.events(&scenario.engine())).0;
        diagnoses[0].symptoms.iter().find(|symptom| &*symptom.id == "x#s0").unwrap().status.clone()
    };
    assert_eq!(learned("unheard"), learned("b"));
}

/// The samples of a gauge, one a second, and a last record of nothing a minute later.
fn samples(levels: &[i64]) -> Vec<Record> {
    let mut second = 0;
    let mut all = Vec::new();
    for (number, &level) in (0..).zip(levels) {
        second += 1;
        let (hub, device) = (Some("h1".to_owned()), Some("d1".to_owned()));
        all.push(Record { number, source: 0, second, hub, device, word: "a", size: Some(level) });
    }
    let last = Record { number: 999, second: second + 60, word: "unheard", size: None, ..all[0].clone() };
    all.push(last);
    all
}

const GIVEN: &str = "{dip: {gauge: {event: a, field: size}, at-least: 5%, bucket: 1s, population: 20}}";

/// A dip was looked at as of the moment at which its samples are too old, and so was lost with its diagnosis.
#[test]
fn a_dip_whose_samples_stop_was_there() {
    let levels = [[100; 14].as_slice(), &[50, 50, 50]].concat();
    let rules = Rules { quiet: [10, 10], ..rules([symptom("device", GIVEN)]) };
    let scenario = calm_of(rules, samples(&levels));
    agree(&scenario);
    assert_eq!(engine_says(&scenario.engine(), 1, &scenario.events(&scenario.engine())).0.len(), 1);
}

/// On a level that holds others the measures of a dip were those of the bucket before the last.
#[test]
fn a_dip_of_a_hub_that_is_over_has_recovered() {
    let levels = [[100; 14].as_slice(), &[50, 50, 50, 100, 100, 100]].concat();
    let rules = Rules { quiet: [10, 10], ..rules([symptom("hub", GIVEN)]) };
    let scenario = calm_of(rules, samples(&levels));
    agree(&scenario);
    let said = engine_says(&scenario.engine(), 1, &scenario.events(&scenario.engine())).0;
    let recovered = said[0].symptoms[0].measures.iter().find(|(name, _)| name == "recovered");
    assert_eq!(recovered.map(|(_, flag)| flag.clone()), Some(etiolog::model::Measure::Flag(true)));
}

/// A trace was as of the last event that some rule asks about, though more was known.
#[test]
fn a_trace_knows_how_late_it_is() {
    let surge = symptom("hub", "{surge: {event: a, bucket: 10s, at-least: 2}}");
    let records = records(&[(0, "a", "d1"), (50, "unheard", "d1")]);
    let rules = Rules { quiet: [600, 600], ..rules([surge]) };
    agree(&Scenario { complete: false, ..calm_of(rules, records) });
}

/// On the innermost level the engine said of an ordinary train what it was at the end of some earlier episode, and the
/// reference what it was when it had last fallen silent.
#[test]
fn an_ordinary_symptom_is_what_its_detector_says_now() {
    let train = Symptom { ordinary: true, ..symptom("device", "{periodic: {event: a, period: 5s..20s}}") };
    let beats = (0..12).map(|beat| beat * 10);
    let others = [133, 134, 141, 143, 157, 158, 163, 177, 179, 192];
    let seconds: Vec<(i64, &'static str, &str)> = beats.chain(others).map(|time| (time, "a", "d1")).collect();
    let rules = rules([train, symptom("device", "{occurrence: {event: c}}")]);
    let rules = Rules { quiet: [20, 20], ..rules };
    agree(&calm_of(rules.clone(), records(&seconds)));
    // It fell silent long before the second episode.
    let rest = [seconds[..12].to_vec(), vec![(1_000, "c", "d1")]].concat();
    let scenario = calm_of(rules, records(&rest));
    agree(&scenario);
    let said = engine_says(&scenario.engine(), 1, &scenario.events(&scenario.engine())).0;
    let train = said[0].symptoms.iter().find(|symptom| &*symptom.id == "x#s0");
    assert!(train.is_none_or(|train| !train.status.is_present()), "{train:?}");
}

/// Which of two values of one time was the one before depended on their hashes, and so on the names of devices.
#[test]
fn of_the_values_of_one_time_the_first_is_the_one_before() {
    for names in [["d1", "d2", "d3"], ["d2", "d3", "d1"], ["d3", "d1", "d2"]] {
        let switch = symptom("hub", "{change: {event: a, field: device, at-least: 2, within: 10s}}");
        let rules = Rules { ties_any: true, ..rules([switch]) };
        let [one, two, three] = names;
        let seen = [(0, "a", three), (1, "a", one), (1, "a", two), (2, "a", three), (3, "a", one)];
        agree(&calm_of(rules, records(&seen)));
    }
}

/// On a level that holds others a silence that a second drop had taken back was present all the same.
#[test]
fn what_is_taken_back_was_not_there_on_any_level() {
    for level in ["hub", "device"] {
        let silence = symptom(level, "{absence: {event: b, for: 60s, since: a, in-turn: true}}");
        let rules = Rules { quiet: [60, 60], ..rules([silence]) };
        agree(&calm_of(rules.clone(), records(&[(0, "a", "d1"), (68, "a", "d1")])));
        // An episode that ends while one is expected again.
        let scenario = calm_of(rules, records(&[(0, "a", "d1"), (68, "a", "d1"), (100, "b", "d1")]));
        agree(&scenario);
        let said = engine_says(&scenario.engine(), 1, &scenario.events(&scenario.engine())).0;
        assert!(said.is_empty(), "{level}: {said:?}");
    }
}
