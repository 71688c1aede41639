use super::*;
use crate::detector::bench::{Bench, unknown};
use crate::timeline::series::Draws;

const START: i64 = 29_543_040;
const OPEN: ClassId = ClassId(0);
const CLOSE: ClassId = ClassId(1);
const FIELD: FieldId = FieldId(0);

fn bench(gauge: Gauge) -> Bench {
    Bench::new(Settings { gauge, at_least: 0.05, bucket: Duration::from_secs(60), population: 20.0 })
}

fn given() -> Bench {
    bench(Gauge::Given { event: OPEN, field: FIELD })
}

/// So many children that open one after another within the first minute.
fn fleet(children: u32) -> Bench {
    let mut bench = bench(Gauge::Rebuilt { opens: vec![OPEN], closes: vec![CLOSE], of: 0, ties: false });
    (0..children).for_each(|child| bench.see(0, f64::from(child) * 0.1, OPEN, child));
    bench
}

impl Bench {
    fn see(&mut self, minute: i64, second: f64, class: ClassId, child: u32) {
        self.show(at(minute, second), class, child);
    }

    fn sample(&mut self, minute: i64, value: f64) {
        self.event.set(FIELD, Some(Value::Float(value)));
        self.see(minute, 30.0, OPEN, 0);
    }

    fn at(&mut self, minute: i64) -> Reading {
        self.reading(at(minute, 0.0))
    }
}

fn at(minute: i64, second: f64) -> Timestamp {
    let nanos = (START + minute) * 60_000_000_000 + (second * 1e9) as i64;
    Timestamp::from_nanos(nanos).unwrap_or(Timestamp::MIN)
}

#[test]
fn eighteen_percent_that_leave_and_return_within_a_minute_are_a_dip() {
    let mut bench = fleet(200);
    for child in 0..36 {
        bench.see(30, 40.0 + f64::from(child) * 0.1, CLOSE, child);
    }
    for child in 0..36 {
        bench.see(31, 20.0 + f64::from(child) * 0.1, OPEN, child);
    }
    assert_eq!(bench.at(31).status, Status::Absent, "one sample is not enough");
    let reading = bench.at(32);
    assert!(matches!(reading.status, Status::Present(p) if p.get() > 0.99));
    assert_eq!((reading.value("before"), reading.value("low")), (Some(200.0.into()), Some(164.0.into())));
    assert_eq!((reading.value("drop"), reading.value("recovered")), (Some(0.18.into()), Some(true.into())));
    // From the last closing at 43.5 s to the opening that leaves 10 of 36 away, 37.8 s later.
    assert!((reading.seconds("recovery") - 39.1).abs() < 0.2, "{reading:?}");
    assert_eq!(bench.claimed.len(), 36);
    assert_eq!(bench.spans, [(at(30, 0.0), at(31, 0.0)), (at(31, 0.0), at(32, 0.0))]);
    let after = bench.at(33);
    assert_eq!((after.status, after.measures), (Status::Absent, reading.measures));
}

#[test]
fn children_first_seen_closing_were_there_before() {
    let mut bench = fleet(100);
    for child in 100..200 {
        bench.see(30, f64::from(child) * 0.1, CLOSE, child);
    }
    let reading = bench.at(33);
    assert_eq!((reading.value("before"), reading.value("drop")), (Some(200.0.into()), Some(0.5.into())));
    assert!(reading.status.is_present());
}

#[test]
fn renewals_here_and_there_and_a_growing_fleet_are_no_dip() {
    let mut draws = Draws(21);
    let mut bench = fleet(100);
    for minute in 1..3_000_i64 {
        for n in 0..draws.poisson(1.5) {
            let child = (draws.uniform() * 100.0) as u32;
            bench.see(minute, f64::from(n) * 10.0, CLOSE, child);
            bench.see(minute, f64::from(n) * 10.0 + 8.0, OPEN, child);
        }
        bench.see(minute, 59.0, OPEN, 100 + minute as u32 / 10);
    }
    assert_eq!((bench.at(3_000).status, bench.spans), (Status::Absent, vec![]));
}

#[test]
fn a_dip_lasts_until_the_gauge_is_back_and_later_closings_are_not_its_cause() {
    let mut bench = fleet(200);
    (0..40).for_each(|child| bench.see(30, f64::from(child) * 0.5, CLOSE, child));
    bench.see(35, 0.0, OPEN, 0);
    bench.see(35, 5.0, CLOSE, 0);
    let reading = bench.at(40);
    assert!(reading.status.is_present());
    assert_eq!(reading.value("recovered"), Some(false.into()));
    assert_eq!((bench.claimed.len(), bench.spans.len()), (40, 10));
    (0..40).for_each(|child| bench.see(45, f64::from(child) * 0.5, OPEN, child));
    let reading = bench.at(47);
    assert_eq!((reading.value("recovered"), reading.status), (Some(true.into()), Status::Absent));
}

#[test]
fn those_who_never_return_become_the_new_level() {
    let mut bench = fleet(200);
    (0..40).for_each(|child| bench.see(100, f64::from(child) * 0.5, CLOSE, child));
    assert!(bench.at(200).status.is_present());
    assert_eq!(bench.at(222).status, unknown("learning 2/12"));
    assert_eq!(bench.at(300).status, Status::Absent);
    assert_eq!(bench.watch.deadline(), None, "a level that stays asks for nothing");
}

#[test]
fn long_silence_is_the_same_as_many_quiet_minutes() {
    let mut readings = Vec::new();
    for stepwise in [true, false] {
        let mut bench = fleet(200);
        (0..30).for_each(|child| bench.see(5, f64::from(child), CLOSE, child));
        if !stepwise {
            bench.advance(at(5_000, 0.0));
        }
        bench.see(5_001, 0.0, CLOSE, 50);
        readings.push((bench.at(5_010), bench.watch.deadline().is_some()));
    }
    assert_eq!(readings.first(), readings.last());
}

#[test]
fn a_given_gauge_that_falls_is_a_dip_and_its_samples_are_the_evidence() {
    let mut bench = given();
    for minute in 0..40 {
        bench.sample(minute, if (30..34).contains(&minute) { 820.0 } else { 1_000.0 });
    }
    let reading = bench.at(40);
    assert_eq!(reading.status, Status::Absent);
    assert_eq!(reading.value("before"), Some(1_000.0.into()));
    assert_eq!(reading.value("drop"), Some(0.18.into()));
    assert_eq!(reading.seconds("recovery"), 240.0);
    assert_eq!((bench.claimed.len(), bench.spans.len()), (1, 4));
}

#[test]
fn no_sample_is_unknown_and_resolves_nothing() {
    let mut bench = given();
    assert_eq!(bench.at(0).status, unknown("no sample"));
    (0..11).for_each(|minute| bench.sample(minute, 1_000.0));
    assert_eq!(bench.at(11).status, unknown("learning 11/12"));
    (11..20).for_each(|minute| bench.sample(minute, 1_000.0));
    (20..24).for_each(|minute| bench.sample(minute, 700.0));
    assert!(bench.at(24).status.is_present() && bench.at(26).status.is_present());
    assert_eq!(bench.at(28).status, unknown("no sample"));
    bench.sample(40, 700.0);
    assert!(bench.at(41).status.is_present());
}

#[test]
fn a_handful_of_children_is_too_few() {
    let mut bench = fleet(10);
    (0..10).for_each(|child| bench.see(30, f64::from(child), CLOSE, child));
    assert_eq!(bench.at(40).status, unknown("too few 10/20"));
}

#[test]
fn what_is_missing_reads_as_a_sentence() {
    let mut bench = given();
    assert_eq!(bench.shortfall(at(0, 0.0)), "no sample");
    (0..5).for_each(|minute| bench.sample(minute, 1_000.0));
    assert_eq!(bench.shortfall(at(5, 0.0)), "learns the usual level for 7 more samples, one each 1m");
    (5..20).for_each(|minute| bench.sample(minute, 1_000.0));
    assert_eq!(
        bench.shortfall(at(20, 0.0)),
        "the level did not fall below the usual 1000; a drop of 5.0 % is needed"
    );
    bench.sample(20, 970.0);
    let small = "fell by 3.0 % at most, from 1000 to 970 at 2026-03-04 00:20:30; 5.0 % is needed";
    assert_eq!(bench.shortfall(at(21, 0.0)), small);
    bench.sample(21, 900.0);
    bench.sample(22, 1_000.0);
    assert_eq!(
        bench.shortfall(at(23, 0.0)),
        "fell by 10 % at most, from 1000 to 900 at 2026-03-04 00:21:30, for one sample only; two of three are needed"
    );
    assert_eq!(bench.shortfall(at(40, 0.0)), "no sample since 2026-03-04 00:23:00");
    let mut few = fleet(10);
    assert_eq!(few.shortfall(at(40, 0.0)), "the usual level is 10; nothing is judged below 20");
}

#[test]
fn a_new_episode_knows_the_usual_level() {
    let mut bench = given();
    (0..40).for_each(|minute| bench.sample(minute, 200.0));
    (40..44).for_each(|minute| bench.sample(minute, 150.0));
    assert!(bench.at(44).status.is_present());
    (44..50).for_each(|minute| bench.sample(minute, 200.0));
    assert!(bench.at(50).status == Status::Absent && bench.watch.renew());
    assert_eq!(bench.at(50), Reading::bare(Status::Absent));
    bench.claimed.clear();
    (50..53).for_each(|minute| bench.sample(minute, 150.0));
    assert!(bench.at(53).status.is_present(), "it need not learn again");
    assert!(!bench.claimed.is_empty());
}

#[test]
fn a_dip_that_outlasts_its_episode_is_told_again_only_after_the_level_was_back() {
    let mut bench = given();
    (0..40).for_each(|minute| bench.sample(minute, 200.0));
    (40..44).for_each(|minute| bench.sample(minute, 150.0));
    assert!(bench.at(44).status.is_present() && bench.watch.renew());
    (44..60).for_each(|minute| bench.sample(minute, 150.0));
    assert_eq!(bench.at(60), Reading::bare(Status::Absent));
    (60..63).for_each(|minute| bench.sample(minute, 200.0));
    (63..66).for_each(|minute| bench.sample(minute, 150.0));
    assert!(bench.at(66).status.is_present());
}
