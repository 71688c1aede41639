//! What a case gives, expanded into events in the order of their times.
//!
//! What comes in is a [`Case`]; what leaves are *stretches*: records and events between two waits, each event with its
//! time after the stretch's beginning. The same case makes the same stream on every machine: chance (jitter, loss) is
//! drawn from the names of the article and the case and the number of the item, so that a new item does not move the
//! others.

use std::time::Duration;

use crate::model::{Event, FieldId, Timestamp, Value};
use crate::rule::{Burst, Case, Given, Records, Series};
use crate::simulate::chance::Chance;

/// What comes until time goes on by itself.
#[derive(Debug, Default)]
pub(crate) struct Stretch<'a> {
    /// Raw text for the pack's inputs; it carries its own times.
    pub(crate) records: Vec<&'a Records>,
    slots: Vec<Slot<'a>>,
    /// How long nothing happens after all that.
    pub(crate) wait: Option<Duration>,
}

/// One event that is to be.
#[derive(Clone, Copy, Debug)]
struct Slot<'a> {
    after: Duration,
    event: &'a Event,
    subject: &'a [(FieldId, Option<Value>)],
}

impl Stretch<'_> {
    /// Whether nothing comes before the wait.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.slots.is_empty()
    }

    /// The events of the stretch in the order of their times, the first of them at `base` or later.
    pub(crate) fn events(&self, base: Timestamp) -> impl Iterator<Item = Event> {
        self.slots.iter().map(move |slot| {
            let mut event = slot.event.clone();
            event.set_time(base.plus(slot.after));
            for (field, id) in slot.subject {
                event.set(*field, id.clone());
            }
            event
        })
    }
}

/// The stretches of a case, one after another; the next one begins where the wait of the one before ends.
pub(crate) fn expand(case: &Case) -> Vec<Stretch<'_>> {
    let name = format!("{}#{}", case.article, case.name);
    let mut stretches = Vec::new();
    let mut stretch = Stretch::default();
    for (item, given) in (0_u64..).zip(&case.given) {
        match given {
            Given::Records(records) => stretch.records.push(records),
            Given::Events(series) => play(series, &name, item, &mut stretch.slots),
            Given::Wait(wait) => {
                stretch.wait = Some(*wait);
                stretches.push(std::mem::take(&mut stretch));
            }
        }
    }
    stretches.push(stretch);
    for stretch in &mut stretches {
        // Stable: at one instant the order of the file holds.
        stretch.slots.sort_by_key(|slot| slot.after);
    }
    stretches
}

fn play<'a>(series: &'a Series, name: &str, item: u64, slots: &mut Vec<Slot<'a>>) {
    let mut lateness = Chance::of(name, item.wrapping_mul(2));
    let mut loss = Chance::of(name, item.wrapping_mul(2).wrapping_add(1));
    let count = u32::try_from(series.subjects.len().max(1)).unwrap_or(u32::MAX);
    for turn in 0..u32::try_from(series.times).unwrap_or(u32::MAX) {
        let turn = series.at.saturating_add(series.every.saturating_mul(turn));
        for (number, subject) in (0_u32..).zip(&series.subjects) {
            let shift = series.spread.saturating_mul(number) / count;
            let after = turn.saturating_add(shift).saturating_add(lateness.up_to(series.jitter));
            let mut lost = || series.loss > 0.0 && loss.happens(series.loss);
            burst(&series.burst, after, subject, &mut lost, slots);
        }
    }
}

fn burst<'a>(
    of: &'a Burst,
    after: Duration,
    subject: &'a [(FieldId, Option<Value>)],
    lost: &mut dyn FnMut() -> bool,
    slots: &mut Vec<Slot<'a>>,
) {
    for event in &of.events {
        if !lost() {
            slots.push(Slot { after, event, subject });
        }
    }
    for (later, next) in &of.then {
        burst(next, after.saturating_add(*later), subject, lost, slots);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::Engine;
    use crate::pack::Pack;

    const PACK: &str = "{etiolog: 1, pack: p, title: P, version: '1', subjects: [{name: pump, quiet: 1h}]}";

    fn engine(given: &str) -> Engine {
        let article = format!(
            "etiolog: 1\narticle: a\ntitle: A\nevents: {{stop: {{word: stop}}, start: {{word: start}}}}\nsymptoms:\n  \
             s: {{title: S, per: pump, detect: {{count: {{event: stop, at-least: 2, within: 1h}}}}}}\n  \
             t: {{title: S, per: pump, detect: {{count: {{event: start, at-least: 2, within: 1h}}}}}}\n\
             causes: {{c: {{title: C, severity: info, explains: {{s: often, t: often}}}}}}\n\
             cases:\n  - {{name: n, given: [{given}], expect-exactly: []}}\n"
        );
        let pack = Pack::from_texts([("pack.yaml", PACK), ("a.yaml", article.as_str())]);
        Engine::builder().pack(pack).build().unwrap_or_else(|why| panic!("{why}"))
    }

    /// The events of each stretch: seconds after its beginning, subject and word.
    fn played(given: &str) -> Vec<Vec<(f64, String, String)>> {
        let engine = engine(given);
        let case = engine.plan().cases().first().unwrap_or_else(|| panic!("no case"));
        let field = |event: &Event, name| event.get(name).map(ToString::to_string).unwrap_or_default();
        let one = |event: Event| {
            let after = event.time().since(Timestamp::MIN).as_secs_f64();
            (after, field(&event, "pump"), field(&event, "word"))
        };
        expand(case).iter().map(|stretch| stretch.events(Timestamp::MIN).map(one).collect()).collect()
    }

    fn told(given: &str) -> String {
        let stretches = played(given);
        let events = |stretch: &Vec<(f64, String, String)>| {
            let events = stretch.iter().map(|(after, pump, word)| format!("{after} {pump} {word}"));
            events.collect::<Vec<_>>().join(", ")
        };
        stretches.iter().map(events).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn each_part_of_the_notation_makes_its_events() {
        for (given, expected) in [
            ("{event: stop}", "0 pump-1 stop"),
            ("{at: 5s, event: [start, stop]}", "5 pump-1 start, 5 pump-1 stop"),
            ("{every: 2s, times: 3, event: stop}", "0 pump-1 stop, 2 pump-1 stop, 4 pump-1 stop"),
            ("{every: 2s, for: 3s, subject: {pump: b}, event: stop}", "0 b stop, 2 b stop"),
            ("{subject: {pump: p1..p2}, event: stop}", "0 p1 stop, 0 p2 stop"),
            (
                "{subject: {pump: p1..p4}, spread: 8s, event: stop}",
                "0 p1 stop, 2 p2 stop, 4 p3 stop, 6 p4 stop",
            ),
            (
                "{every: 10s, times: 2, event: stop, then: [{after: 3s, event: start}, {after: 12s, event: start}]}",
                "0 pump-1 stop, 3 pump-1 start, 10 pump-1 stop, 12 pump-1 start, 13 pump-1 start, 22 pump-1 start",
            ),
            (
                "{event: stop, then: {after: 3s, event: start, then: {after: 4s, event: stop}}}",
                "0 pump-1 stop, 3 pump-1 start, 7 pump-1 stop",
            ),
            ("{at: 9s, event: stop}, {at: 1s, event: start}", "1 pump-1 start, 9 pump-1 stop"),
            ("{at: 9s, event: stop}, {wait: 1m}, {at: 1s, event: start}", "9 pump-1 stop | 1 pump-1 start"),
        ] {
            assert_eq!(told(given), expected, "{given}");
        }
    }

    #[test]
    fn a_new_item_does_not_move_what_chance_did_to_the_others() {
        let one = "{every: 1m, times: 9, jitter: 30s, loss: 20%, event: stop}";
        let alone = told(one);
        let both = played(&format!("{one}, {{at: 1d, every: 1m, times: 9, jitter: 30s, event: start}}"));
        let stops: Vec<String> = both
            .iter()
            .flatten()
            .filter(|(_, _, word)| word == "stop")
            .map(|(after, pump, word)| format!("{after} {pump} {word}"))
            .collect();
        assert_eq!(stops.join(", "), alone);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn a_stream_is_the_same_each_time_and_in_order(
            times in 1_u32..40, every in 1_u32..100, jitter in 0_u32..200, pumps in 2_u32..6, loss in 0_u32..60,
        ) {
            let given = format!(
                "{{every: {every}s, times: {times}, jitter: {jitter}s, loss: {loss}%, subject: {{pump: p1..p{pumps}}}, spread: 7s, event: stop, then: {{after: 3s, event: start}}}}"
            );
            let events = played(&given);
            prop_assert_eq!(&events, &played(&given));
            let all: Vec<_> = events.into_iter().flatten().collect();
            prop_assert!(all.is_sorted_by(|a, b| a.0 <= b.0));
            let most = f64::from((times - 1) * every + jitter) + 7.0 + 3.0;
            prop_assert!(all.iter().all(|(after, ..)| (0.0..=most).contains(after)));
            if loss == 0 {
                prop_assert_eq!(all.len(), usize::try_from(times * pumps * 2).unwrap_or(0));
            }
        }

        #[test]
        fn times_and_for_agree(times in 1_u32..200, every in 1_u32..600) {
            let by_times = told(&format!("{{every: {every}s, times: {times}, event: stop}}"));
            let by_for = told(&format!("{{every: {every}s, for: {}s, event: stop}}", times * every));
            prop_assert_eq!(by_times, by_for);
        }

        #[test]
        fn about_the_share_that_is_said_is_lost(loss in 1_u32..90) {
            let given = format!("{{every: 1s, times: 500, loss: {loss}%, subject: {{pump: p1..p8}}, event: stop}}");
            let mut left: BTreeMap<String, u32> = BTreeMap::new();
            played(&given).into_iter().flatten().for_each(|(_, pump, _)| *left.entry(pump).or_default() += 1);
            let total: u32 = left.values().sum();
            let expected = 40 * (100 - loss);
            // Five standard deviations.
            let slack = 5.0 * (4_000.0 * f64::from(loss) * f64::from(100 - loss) / 10_000.0).sqrt();
            prop_assert!((f64::from(total) - f64::from(expected)).abs() <= slack, "{} of {}", total, expected);
            prop_assert_eq!(left.len(), 8, "it hits all alike");
        }
    }
}
