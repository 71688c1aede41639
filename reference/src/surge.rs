//! More at once than usual: buckets of one width, and how improbable the newest count is by those before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etiolog::detector::Definition;
use etiolog::model::Measure;
use etiolog::{Status, Timestamp};

use crate::periodic::confidence;
use crate::{Found, Known, Measures};

pub(crate) const DAYS_31: Duration = Duration::from_secs(31 * 86_400);

/// The last instant of a bucket; none when time ends in it.
pub(crate) fn last_instant(bucket: i64, width: i64) -> Option<Timestamp> {
    let end = Timestamp::from_nanos(bucket.checked_add(1)?.checked_mul(width)?)?;
    (end < Timestamp::MAX).then(|| end.minus(Duration::from_nanos(1)))
}

pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * (at - at.floor())
}

/// What a bucket should hold: the mean, how many times wider than Poisson's its law is, and from how many buckets.
#[derive(Clone, Copy)]
struct Law {
    mean: f64,
    dispersion: f64,
    buckets: f64,
}

impl Law {
    fn of(history: &[f64]) -> Self {
        let buckets = history.len() as f64;
        let cut = quantile(history, 0.9).max(1.0);
        let mean = history.iter().map(|x| x.min(cut)).sum::<f64>() / buckets;
        let variance = history.iter().map(|x| (x.min(cut) - mean).powi(2)).sum::<f64>() / buckets;
        let dispersion = if mean > 0.0 { (1.6 * variance / mean).max(1.0) } else { 1.0 };
        Self { mean, dispersion, buckets }
    }

    /// -log10 of the probability of a count at least this high.
    fn surprise(self, count: f64) -> f64 {
        let n = self.buckets;
        let (least, shape) = ((count / self.dispersion).ceil(), (self.mean * n + 0.5) / self.dispersion);
        if least <= shape / n || least < 1.0 {
            return 0.0;
        }
        // The logarithm of P(X = least), term by term from P(X = 0), and then the tail in units of it.
        let ratio = |k: f64| (k + shape) / ((k + 1.0) * (n + 1.0));
        let mut ln = shape * (n / (n + 1.0)).ln();
        (0..least as u64).for_each(|k| ln += ratio(k as f64).ln());
        let (mut term, mut tail, mut k) = (1.0, 1.0, least);
        while term > tail * 1e-15 {
            term *= ratio(k);
            tail += term;
            k += 1.0;
        }
        (-(ln + f64::ln(tail)) / std::f64::consts::LN_10).max(0.0)
    }
}

/// What this hour of the day held on other days, if three are known: `all` are the counts by bucket since `begun`.
fn hourly(all: &BTreeMap<i64, f64>, begun: i64, open: i64, width: i64) -> Option<Law> {
    const HOUR: i64 = 3_600_000_000_000;
    let hour = |bucket: i64| bucket * width / HOUR;
    let first = |hour: i64| (hour * HOUR + width - 1) / width;
    let in_it = |hour: i64| (first(hour + 1) - first(hour)) as f64;
    let whole = if hour(begun - 1) < hour(begun) { hour(begun) } else { hour(begun) + 1 };
    let days = (1..).map(|day| hour(open) - 24 * day).take_while(|&day| day >= whole);
    let mean = |day: i64| all.range(first(day)..first(day + 1)).map(|(_, x)| x).sum::<f64>() / in_it(day);
    // Kept in half the bits.
    let means: Vec<f64> =
        days.filter(|&day| in_it(day) > 0.0).take(7).map(|day| f64::from(mean(day) as f32)).collect();
    if means.len() < 3 {
        return None;
    }
    let (mean, buckets) = (quantile(&means, 0.5), in_it(hour(open)).max(1.0));
    let distances: Vec<f64> = means.iter().map(|day| (day - mean).abs()).collect();
    let spread = 1.4826 * quantile(&distances, 0.5);
    let dispersion = if mean > 0.0 { (spread * spread * buckets / mean).max(1.0) } else { 1.0 };
    Some(Law { mean, dispersion, buckets: buckets * means.len() as f64 })
}

/// The last surge.
#[derive(Default)]
struct Peak {
    first: i64,
    last: i64,
    buckets: u64,
    events: u64,
    children: u64,
    usual: f64,
    surprise: f64,
    place: Option<(String, u64)>,
}

/// Events cut where 31 days lie between two, each part with the time from which on it counts no more.
pub(crate) fn parts<'a>(
    own: &'a [usize],
    events: &'a [&Known],
    watermark: Timestamp,
) -> impl Iterator<Item = (&'a [usize], Timestamp)> {
    let near = |one: &usize, other: &usize| events[*other].time().since(events[*one].time()) <= DAYS_31;
    let all: Vec<&[usize]> = if own.is_empty() { vec![own] } else { own.chunk_by(near).collect() };
    let next: Vec<Timestamp> =
        all.iter().skip(1).map(|part| events[part[0]].time()).chain([watermark]).collect();
    all.into_iter().zip(next)
}

/// `begun`: when history began, if it did not with the first event; `ended`: ends of episodes in which it was found.
pub(crate) fn surge(
    definition: &Definition,
    events: &[&Known],
    watermark: Timestamp,
    begun: Option<Timestamp>,
    ended: &[Timestamp],
) -> Found {
    let mut found = Found { status: Status::Absent, measures: Vec::new(), claims: Vec::new(), was: None };
    let Definition::Surge { event, bucket, .. } = definition else { return found };
    let own: Vec<usize> = (0..events.len()).filter(|&at| events[at].is(*event)).collect();
    for (number, (part, until)) in parts(&own, events, watermark).enumerate() {
        let begun = begun.filter(|_| number == 0).or(part.first().map(|&at| events[at].time()));
        let (history, peak) = begun
            .map_or((0, None), |begun| watch(definition, events, part, (begun, until, ended), &mut found));
        let learned = history.min(60);
        (found.status, found.measures) = match peak {
            Some(peak) => reading(&peak, *bucket),
            None if learned < 12 => (Status::Unknown(format!("learning {learned}/12").into()), Vec::new()),
            None => (Status::Absent, Vec::new()),
        };
    }
    found
}

/// How many buckets were learned, and the surge that is on.
fn watch(
    definition: &Definition,
    events: &[&Known],
    own: &[usize],
    (begun, until, ended): (Timestamp, Timestamp, &[Timestamp]),
    found: &mut Found,
) -> (usize, Option<Peak>) {
    let Definition::Surge { distinct, bucket, at_least, ratio, surprise: least, by, .. } = definition else {
        return (0, None);
    };
    let width = bucket.as_nanos() as i64;
    let index = |time: Timestamp| time.nanos() / width;
    let child =
        |at: usize| distinct.map_or(Some(None), |level| Some(Some(events[at].subjects[level].as_ref()?)));
    let mut buckets: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for &at in own.iter().filter(|&&at| child(at).is_some()) {
        buckets.entry(index(events[at].time())).or_default().push(at);
    }
    let (mut history, mut firing, mut peak): (Vec<f64>, usize, Option<Peak>) = (Vec::new(), 0, None);
    let mut all: BTreeMap<i64, f64> = BTreeMap::new();
    let mut ended = ended.iter().copied().filter(|end| *end < until).peekable();
    let first = index(begun);
    let mut open = first;
    while let Some(over) = last_instant(open, width).filter(|last| *last < until) {
        let mut counted = buckets.remove(&open).unwrap_or_default();
        // What was found is over; what is usual stays.
        while let Some(end) = ended.next_if(|end| *end < over) {
            (firing, peak, found.was) = (0, None, None);
            counted.retain(|&at| events[at].time() > end);
        }
        let mut children = BTreeSet::new();
        let mut new = counted.clone();
        new.retain(|&at| distinct.is_none() || children.insert(child(at)));
        let x = new.len() as f64;
        let usual = (history.len() >= 12).then(|| {
            let law = Law::of(&history[history.len().saturating_sub(60)..]);
            let by_day = hourly(&all, first, open, width);
            let by_day = by_day.map(|day| Law { dispersion: day.dispersion.max(law.dispersion), ..day });
            let (mean, surprise) = (law.mean, law.surprise(x));
            by_day.map_or((mean, surprise), |day| (mean.max(day.mean), surprise.min(day.surprise(x))))
        });
        let usual =
            usual.filter(|&(usual, surprise)| x >= *at_least && x >= ratio * usual && surprise >= *least);
        all.insert(open, x);
        if let Some((usual, surprise)) = usual {
            firing += 1;
            let mut values: BTreeMap<String, u64> = BTreeMap::new();
            for value in new.iter().filter_map(|&at| events[at].event.field((*by)?)) {
                *values.entry(value.to_string()).or_default() += 1;
            }
            let most = values.values().max().copied();
            let place = values.into_iter().find(|(_, count)| Some(*count) == most);
            let same = peak.take().filter(|peak: &Peak| open - peak.last <= 12);
            let mut now = same.unwrap_or(Peak { first: open, ..Peak::default() });
            (now.last, now.buckets, now.events) = (open, now.buckets + 1, now.events + counted.len() as u64);
            now.surprise = now.surprise.max(surprise);
            if new.len() as u64 > now.children {
                (now.children, now.usual, now.place) = (new.len() as u64, usual, place);
            }
            peak = Some(now);
            found.claims.extend(counted.iter().take(200_000).map(|&at| (over, at)));
            history.extend((firing > 120).then_some(x));
        } else {
            found.was =
                peak.as_ref().filter(|_| firing > 0).map(|peak| reading(peak, *bucket)).or(found.was.take());
            firing = 0;
            history.push(x);
        }
        open += 1;
        // More than sixty empty buckets say nothing new.
        let next = buckets.keys().next().copied().unwrap_or(i64::MAX).min(index(until));
        if firing == 0 && next - open > 60 {
            history.extend([0.0; 60]);
            open = next;
        }
    }
    if ended.next().is_some() {
        (firing, found.was) = (0, None);
    }
    (history.len(), peak.filter(|_| firing > 0))
}

fn reading(peak: &Peak, bucket: Duration) -> (Status, Measures) {
    let length = (peak.last - peak.first + 1) as u32;
    let mut measures = vec![
        ("children", Measure::Count(peak.children)),
        ("usual", Measure::Number(peak.usual)),
        ("surprise", Measure::Number(peak.surprise)),
        ("span", Measure::Span(bucket.saturating_mul(length))),
        ("buckets", Measure::Count(peak.buckets)),
        ("events", Measure::Count(peak.events)),
    ];
    if let Some((value, count)) = &peak.place {
        measures.push(("concentration", Measure::Number(*count as f64 / peak.children as f64)));
        measures.push(("place", Measure::Text(value.as_str().into())));
    }
    (confidence(peak.surprise), measures)
}
