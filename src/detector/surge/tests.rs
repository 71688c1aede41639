use super::*;
use crate::detector::bench::{Bench, unknown};
use crate::model::Value;
use crate::timeline::series::Draws;

const START: i64 = 29_543_040;
const ADDRESS: FieldId = FieldId(0);

fn counting(distinct: Option<usize>) -> Bench {
    let bucket = Duration::from_secs(60);
    Bench::new(Settings { distinct, bucket, ..plain() })
}

fn plain() -> Settings {
    Settings {
        event: ClassId(0),
        distinct: None,
        bucket: Duration::from_secs(60),
        at_least: 3.0,
        ratio: 2.0,
        surprise: 6.0,
        by: Some(ADDRESS),
        weight: None,
    }
}

fn usual() -> Bench {
    counting(Some(0))
}

fn steady(draws: &mut Draws, mean: f64, minutes: i64) -> Bench {
    let mut bench = usual();
    (0..minutes).for_each(|minute| bench.crowd(minute, draws.poisson(mean)));
    bench
}

impl Bench {
    fn came(&mut self, minute: i64, second: f64, child: u32) {
        self.show(at(minute, second), ClassId(0), child);
    }

    /// So many children in a minute.
    fn crowd(&mut self, minute: i64, children: u32) {
        (0..children).for_each(|child| self.came(minute, f64::from(child % 60), child));
    }

    fn close(&mut self, minute: i64) -> Reading {
        self.reading(at(minute + 1, 0.0))
    }
}

fn at(minute: i64, second: f64) -> Timestamp {
    let nanos = (START + minute) * 60_000_000_000 + (second * 1e9) as i64;
    Timestamp::from_nanos(nanos).unwrap_or(Timestamp::MIN)
}

#[test]
fn steady_arrivals_never_surge() {
    let mut draws = Draws(5);
    for mean in [0.2, 5.0, 20.0, 100.0] {
        let mut bench = steady(&mut draws, mean, 20_000);
        bench.close(20_000);
        assert_eq!(bench.spans, [], "mean {mean}");
    }
}

#[test]
fn five_times_as_many_are_found() {
    let mut draws = Draws(6);
    for (mean, at_least) in [(5.0, 130), (20.0, 198), (100.0, 200)] {
        let mut found = 0;
        for _ in 0..200 {
            let mut bench = steady(&mut draws, mean, 80);
            let children = draws.poisson(5.0 * mean);
            bench.crowd(80, children);
            found += usize::from(bench.close(80).status.is_present());
        }
        assert!(found >= at_least, "{found} of 200 at a mean of {mean}");
    }
}

#[test]
fn a_rule_may_ask_for_less_or_more_surprise() {
    use crate::detector::fixture::build;
    let fires = |more: &str| {
        let rule = build(&Surge, &format!("{{event: a, bucket: 1m, at-least: 3{more}}}")).expect("sound");
        let Some(Definition::Surge { surprise, bucket, .. }) = rule.definition() else { panic!("{rule:?}") };
        let mut bench = Bench::new(Settings { bucket, surprise, ..plain() });
        (0..80).for_each(|minute| bench.crowd(minute, 5));
        bench.crowd(80, 17);
        bench.close(80).status.is_present()
    };
    assert_eq!(["", ", surprise: 4", ", surprise: 9"].map(fires), [false, true, false]);
    let refused = build(&Surge, "{event: a, bucket: 1m, at-least: 3, surprise: 2}").err();
    assert_eq!(refused.as_deref(), Some("1:47 out-of-range"));
}

#[test]
fn a_burst_is_claimed_whole_and_covers_its_bucket_when_the_bucket_ends() {
    let mut bench = steady(&mut Draws(7), 1.0, 80);
    bench.wait(at(80, 0.0));
    bench.crowd(80, 118);
    assert!(bench.spans.is_empty());
    assert_eq!(bench.watch.deadline(), Some(at(80, 59.999_999_999)));
    let reading = bench.close(80);
    assert!(matches!(reading.status, Status::Present(p) if p.get() > 0.99));
    assert_eq!(bench.claimed.len(), 118);
    assert_eq!(bench.spans, [(at(80, 0.0), at(81, 0.0))]);
    assert_eq!(reading.value("children"), Some(118.into()));
    assert_eq!(reading.seconds("span"), 60.0);
    let after = bench.close(81);
    assert_eq!(after.status, Status::Absent);
    assert_eq!(after.value("children"), Some(118.into()), "the last surge stays readable");
    assert_eq!(bench.watch.deadline(), None, "nothing happens until the next event");
}

#[test]
fn one_child_that_sends_many_events_is_no_crowd_unless_every_event_counts() {
    for (distinct, surges) in [(Some(0), false), (None, true)] {
        let mut bench = counting(distinct);
        bench.came(0, 0.0, 7);
        for n in 0..50 {
            bench.came(30, f64::from(n), 7);
        }
        assert_eq!(bench.close(30).status.is_present(), surges);
    }
}

#[test]
fn short_history_is_learning_and_what_is_first_of_all_is_unknown() {
    let mut bench = usual();
    bench.crowd(0, 50);
    assert_eq!(bench.close(0).status, unknown("learning 1/12"));
    bench.crowd(10, 50);
    assert_eq!(bench.close(10).status, unknown("learning 11/12"));
    assert!(bench.spans.is_empty());
    assert_eq!(bench.watch.reading(at(12, 0.0)).status, Status::Absent);
}

#[test]
fn silence_since_the_host_began_to_look_is_history() {
    let mut bench = usual();
    bench.advance(at(0, 0.0));
    bench.crowd(30, 10);
    assert!(bench.close(30).status.is_present());
}

#[test]
fn what_goes_on_for_two_windows_becomes_usual() {
    let mut bench = steady(&mut Draws(8), 1.0, 80);
    let mut fired = 0;
    for minute in 80..400 {
        bench.crowd(minute, 40);
        fired += usize::from(bench.close(minute).status.is_present());
    }
    assert!((FROZEN..FROZEN + 20).contains(&fired), "fired for {fired} minutes");
}

#[test]
fn a_surge_over_several_buckets_is_one_surge() {
    let mut bench = steady(&mut Draws(9), 1.0, 80);
    for (minute, children) in [(80, 40), (81, 60), (82, 0), (83, 30)] {
        bench.crowd(minute, children);
    }
    let reading = bench.close(83);
    assert_eq!(reading.value("buckets"), Some(3.into()));
    assert_eq!(reading.seconds("span"), 240.0);
    assert_eq!(reading.value("children"), Some(60.into()));
    bench.crowd(120, 50);
    assert_eq!(bench.close(120).value("buckets"), Some(1.into()), "half an hour later is another");
}

#[test]
fn concentration_counts_each_child_once_and_missing_values_share_nothing() {
    let mut bench = usual();
    bench.came(0, 0.0, 0);
    for (child, address) in (0..10).zip(["a", "a", "a", "b", "", "", "", "", "a", "b"]) {
        let value = (!address.is_empty()).then(|| Value::text(address));
        bench.event.set(ADDRESS, value);
        bench.came(40, 1.0, child);
        bench.came(40, 2.0, child);
    }
    let reading = bench.close(40);
    assert_eq!(reading.value("concentration"), Some(0.4.into()));
    assert_eq!(reading.value("place"), Some("a".into()));
    assert_eq!(reading.value("events"), Some(20.into()));
}

#[test]
fn when_no_child_has_a_value_there_is_no_concentration() {
    let mut bench = usual();
    bench.came(0, 0.0, 0);
    bench.crowd(40, 10);
    assert_eq!(bench.close(40).value("concentration"), None);
}

#[test]
fn a_month_of_silence_forgets_what_was_usual() {
    let mut bench = steady(&mut Draws(10), 1.0, 80);
    bench.came(80 + 31 * 1440, 0.0, 1);
    let fresh = bench.watch.reading(at(80 + 31 * 1440, 0.0)).status;
    assert_eq!(fresh, unknown("learning 0/12"));
}
#[test]
fn what_is_missing_reads_as_a_sentence() {
    let mut bench = counting(Some(0));
    let missing = |bench: &mut Bench, minute: i64, children: u32| {
        (0..children).for_each(|child| bench.show(at(minute, f64::from(child)), ClassId(0), child));
        bench.shortfall(at(minute + 1, 0.0))
    };
    let mut said = vec![bench.shortfall(at(0, 0.0)), missing(&mut bench, 0, 1)];
    (1..20).for_each(|minute| drop(missing(&mut bench, minute, 2)));
    said.extend((3..7).map(|children| missing(&mut bench, 17 + i64::from(children), children)));
    assert_eq!(
        said,
        [
            "learns for 12 more buckets of 1m what is usual; so far no children in any 1m; 3 are needed in one",
            "learns for 11 more buckets of 1m what is usual; so far at most 1 of 3 children in 1m, from 2026-03-04 00:00:00",
            "3 children in 1m from 2026-03-04 00:20:00, where 1.9 are usual; 2 times as many are needed",
            "4 children in 1m from 2026-03-04 00:21:00, where 2.0 are usual: a surprise of 0.8, and 6 is needed",
            "5 children in 1m from 2026-03-04 00:22:00, where 2.0 are usual: a surprise of 1.3, and 6 is needed",
            "6 children in 1m from 2026-03-04 00:23:00, where 2.1 are usual: a surprise of 1.7, and 6 is needed",
        ]
    );
}

/// A day of minutes with ten children each from eight to ten, and hardly any else.
fn morning(bench: &mut Bench, draws: &mut Draws, day: i64) -> usize {
    let before = bench.spans.len();
    for minute in 0..1440 {
        let mean = if (480..600).contains(&minute) { 10.0 } else { 0.2 };
        bench.crowd(day * 1440 + minute, draws.poisson(mean));
    }
    bench.spans.len() - before
}

#[test]
fn what_comes_every_morning_is_usual_after_three_days_and_a_surge_on_top_is_not() {
    let (mut bench, mut draws) = (usual(), Draws(11));
    let days: Vec<usize> = (0..8).map(|day| morning(&mut bench, &mut draws, day)).collect();
    assert!(days[..3].iter().all(|&fired| fired > 30), "{days:?}");
    assert_eq!(days[3..], [0; 5]);
    let ninth = 8 * 1440;
    for minute in 0..580 {
        let mean = if minute >= 480 { 10.0 } else { 0.2 };
        bench.crowd(ninth + minute, draws.poisson(mean));
    }
    bench.crowd(ninth + 580, 60);
    let reading = bench.close(ninth + 580);
    assert!(reading.status.is_present());
    assert!(matches!(reading.value("usual"), Some(Value::Float(usual)) if (9.0..11.0).contains(&usual)));
}

#[test]
fn a_new_episode_knows_what_is_usual_and_nothing_of_the_last_surge() {
    let mut bench = steady(&mut Draws(12), 1.0, 80);
    bench.crowd(80, 40);
    assert!(bench.close(80).status.is_present());
    bench.came(81, 1.0, 3);
    assert!(bench.watch.renew());
    assert_eq!(
        (bench.watch.deadline(), bench.watch.reading(at(81, 2.0))),
        (None, Reading::bare(Status::Absent))
    );
    bench.spans.clear();
    bench.crowd(81, 2);
    bench.crowd(82, 40);
    assert!(bench.close(82).status.is_present(), "it need not learn again");
    assert_eq!(bench.spans, [(at(82, 0.0), at(83, 0.0))]);
}

/// Minutes of a field that says how many events a record stands for.
fn weighted(minutes: impl IntoIterator<Item = Value>) -> Bench {
    let mut bench = Bench::new(Settings { weight: Some(ADDRESS), by: None, ..plain() });
    for (minute, count) in (0..).zip(minutes) {
        bench.event.set(ADDRESS, Some(count));
        bench.came(minute, 1.0, 0);
        bench.came(minute, 2.0, 0);
    }
    bench
}

#[test]
fn with_a_weight_counts_that_were_added_up_surge_like_the_events_themselves() {
    let usual = || std::iter::repeat_n(Value::Int(10), 80);
    let mut bench = weighted(usual().chain([Value::Int(50)]));
    let reading = bench.close(80);
    assert!(reading.status.is_present());
    for (measure, expect) in [("children", 100), ("events", 100), ("records", 2), ("unweighted", 0)] {
        assert_eq!(reading.value(measure), Some(Value::Int(expect)), "{measure}");
    }
    assert_eq!(bench.claimed.len(), 2);
    // The same records without a weight are no more than usual.
    let mut few = Bench::new(plain());
    (0..81).for_each(|minute| few.crowd(minute, 2));
    assert_eq!(few.close(80).status, Status::Absent);
    let mut alike = Bench::new(plain());
    (0..80).for_each(|minute| alike.crowd(minute, 20));
    alike.crowd(80, 100);
    assert_eq!(alike.close(80).value("surprise"), reading.value("surprise"));
}

#[test]
fn a_record_of_no_events_is_none_and_one_that_says_nothing_is_one() {
    let usual = std::iter::repeat_n(Value::Int(0), 80);
    let mut bench = weighted(usual.chain([Value::Int(0)]));
    assert!(bench.close(80).status == Status::Absent && bench.claimed.is_empty());
    let usual = std::iter::repeat_n(Value::Int(0), 80);
    let mut bench = weighted(usual.chain([Value::Text("many".into())]));
    (3..12).for_each(|second| bench.came(80, f64::from(second), 0));
    let reading = bench.close(80);
    assert!(reading.status.is_present(), "{reading:?}");
    assert_eq!((reading.value("events"), reading.value("unweighted")), (Some(11.into()), Some(11.into())));
}

#[test]
fn weights_without_end_do_not_overflow() {
    let usual = std::iter::repeat_n(Value::Int(1), 80);
    let mut bench = weighted(usual.chain([Value::Int(i64::MAX)]));
    (3..9).for_each(|second| bench.came(80, f64::from(second), 0));
    let reading = bench.close(80);
    assert!(reading.status.is_present());
    assert_eq!(reading.value("children"), Some(Value::Int(1 << 40)));
}

#[test]
fn children_have_no_weight() {
    use crate::detector::fixture::build;
    let rule =
        |more: &str| build(&Surge, &format!("{{event: a, bucket: 1m, at-least: 3, weight: number{more}}}"));
    assert!(matches!(rule("").map(|rule| rule.definition()), Ok(Some(Definition::Weighted { .. }))));
    assert_eq!(rule(", distinct: part").err().as_deref(), Some("1:45 contradiction"));
}
