//! More at once than usual. A subject *surges* when many of its children send an event within one bucket of time.
//!
//! **How.** The quantity is the number of different children in a bucket, not the number of events, because one child
//! may send many. Over the last 60 quiet buckets it keeps a winsorised mean and the index of dispersion, and asks the
//! negative-binomial predictive law (gamma-Poisson) how improbable the new count is: a bucket fires when −log10 P(X ≥ x)
//! ≥ `surprise` (6), x ≥ `at-least` and x ≥ `ratio` × the mean. Buckets are aligned to 1970 and half open; one is judged
//! when all its events are known. While it fires nothing is learned, for at most two windows (120 buckets): what lasts
//! longer is the new usual, and is learned. Once three days are known of the hour of the day, a bucket must be as
//! improbable by the median of that hour's means over the last seven days: what comes every morning is usual.
//!
//! **Unknown or absent.** With fewer than 12 buckets of history it is `learning n/12`. History begins with the first
//! event seen, or with the first [`Watch::advance`], by which a host says since when it has been looking; a burst that is
//! the very first thing ever seen is therefore unknown, not absent. Buckets without events count as zero.
//!
//! **Without `distinct`** every event counts as a child of its own. Events of one child come in runs, which no Poisson
//! law expects: with an index of dispersion of 3 and a mean of .2, one bucket in a hundred is falsely surprising. Name a
//! level whenever there is one. With `distinct`, an event that names no child neither counts nor is claimed.
//!
//! **With `weight`**, a record stands for as many events as a field says: counts that somebody else has added up. It goes
//! without `distinct` only, since a child is one however many events it sends.
//!
//! **Measures** describe the last surge, also when it is over; a surge that comes back within 12 buckets is the same one.
//! `concentration` is the share of the children of the fullest bucket that have its most common value of the field
//! `by`; a child without a value shares it with nobody, and when none has one there is no concentration.
//!
//! **Cost.** 480 bytes of history and 672 of hours for each subject (it watches groups, not children), and while a bucket
//! is open 48 bytes for each event and some 10 for each child. **Delay.** The end of the bucket. **False alarms** and
//! **power** stand in `docs/detectors/surge.md`: by bucket of steady arrivals one in a million at most; five times as many
//! are found in 100 % of cases at a mean of 20, in 78 % at a mean of 5; three times 5 rarely, so take wider buckets.

mod places;
mod shortfall;

use std::sync::Arc;
use std::time::Duration;

use minicbor::{Decode, Encode};
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use crate::codec::{maybe_text, state};
use crate::detector::surge::places::Places;
use crate::detector::weight::{Records, Weight};
use crate::detector::{
    ClassId, Definition, Detector, DetectorKind, Facts, Findings, Hit, Names, Reading, Watch, parameters,
    remembered,
};
use crate::error::Problem;
use crate::model::{Exhibit, FieldId, Measure, Probability, Status, Timestamp, Value};
use crate::predicate::{Domain, Kind};
use crate::timeline::ByChild;
use crate::timeline::daily::Daily;
use crate::timeline::series::{Expectation, Grid, Ring, confidence};
use crate::yaml::{Node, schema_of};

/// Finds more children at once than usual: `surge: {event: drop, distinct: device, bucket: 1m, at-least: 10}`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surge;

impl DetectorKind for Surge {
    fn name(&self) -> &'static str {
        "surge"
    }

    fn measures(&self) -> &'static [&'static str] {
        &[
            "children",
            "usual",
            "surprise",
            "span",
            "buckets",
            "events",
            "concentration",
            "place",
            "records",
            "unweighted",
        ]
    }

    fn parameters(&self) -> serde_json::Value {
        schema_of::<parameters::SurgeParams>()
    }

    fn measure_kind(&self, measure: &str) -> Kind {
        match measure {
            "children" | "buckets" | "events" | "records" | "unweighted" => Kind::Count,
            "usual" | "surprise" => Kind::Number,
            "span" => Kind::Span,
            "concentration" => Kind::Share,
            "place" => Kind::Text,
            _ => Kind::Any,
        }
    }

    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        let known = ["event", "distinct", "bucket", "at-least", "ratio", "surprise", "by", "weight"];
        let fields = params.fields(&known)?;
        let mut settings = Settings {
            event: names.class(fields.required("event")?)?,
            distinct: fields.optional("distinct").map(|node| names.level(node)).transpose()?,
            bucket: fields.required("bucket")?.duration()?,
            at_least: fields.required("at-least")?.integer_within(1, 1_000_000)? as f64,
            ratio: 2.0,
            surprise: SURPRISING,
            by: fields.optional("by").map(|node| names.field(node)).transpose()?,
            weight: fields.optional("weight").map(|node| names.field(node)).transpose()?,
        };
        if let (Some(_), Some(node)) = (settings.distinct, fields.optional("weight")) {
            return Err(node
                .problem("contradiction", "`distinct` counts each child once, whatever `weight` says")
                .with_help("leave out one of the two"));
        }
        if let Some(node) = fields.optional("ratio") {
            settings.ratio = node.number()?;
            if !(1.0..=1_000.0).contains(&settings.ratio) {
                return Err(node.problem("out-of-range", "`ratio` is not between 1 and 1000"));
            }
        }
        if let Some(node) = fields.optional("surprise") {
            settings.surprise = node.number()?;
            if !(3.0..=12.0).contains(&settings.surprise) {
                return Err(node.problem("out-of-range", "`surprise` is not between 3 and 12"));
            }
        }
        Ok(Arc::new(settings))
    }
}

/// What a rule says about a surge.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The events that count.
    pub(crate) event: ClassId,
    /// The level of the children; without it every event counts by itself.
    pub(crate) distinct: Option<usize>,
    /// How wide a bucket is.
    pub(crate) bucket: Duration,
    /// Fewer children than this are never a surge.
    pub(crate) at_least: f64,
    /// Nor are fewer than so many times the usual.
    pub(crate) ratio: f64,
    /// The least −log10 of the probability of so many.
    pub(crate) surprise: f64,
    /// The field whose most common value is measured.
    pub(crate) by: Option<FieldId>,
    /// The field that says how many events a record stands for; never with `distinct`.
    pub(crate) weight: Option<FieldId>,
}

impl Detector for Settings {
    fn classes(&self) -> Vec<ClassId> {
        vec![self.event]
    }

    fn definition(&self) -> Option<Definition> {
        let Self { event, distinct, bucket, at_least, ratio, surprise, by, weight } = *self;
        let plain = Definition::Surge { event, distinct, bucket, at_least, ratio, surprise, by };
        Some(plain.weighted(weight))
    }

    fn horizon(&self) -> Duration {
        FORGET
    }

    fn facts(&self) -> Facts {
        let facts = Facts::needing(self.event).with_window(self.bucket);
        let facts = facts.with_measure("children", Domain::at_least(self.at_least));
        let shares = if self.by.is_some() { Domain::between(0.0, 1.0) } else { Domain::nothing() };
        let facts = facts.with_measure("concentration", shares.or(&Domain::missing()));
        let facts = facts.with_records(self.weight);
        match self.distinct {
            Some(level) => facts.with_children(level),
            None => facts,
        }
    }

    fn delay(&self) -> Duration {
        self.bucket
    }

    fn memory(&self) -> usize {
        shortfall::memory(self)
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Crowd::new(self))
    }
}

/// After so long without an event nothing that was learned holds.
const FORGET: Duration = Duration::from_secs(31 * 86_400);
/// How many buckets make up what is usual.
const HISTORY: usize = 60;
/// With fewer, it is learning.
const ENOUGH: usize = 12;
/// The least −log10 of the probability that fires, when a rule does not say.
const SURPRISING: f64 = 6.0;
/// After so many firing buckets in a row, what is unusual becomes usual.
const FROZEN: usize = 2 * HISTORY;
/// No bucket counts for more: beyond this, logarithms of the law are not exact enough.
const MOST: u64 = 1 << 40;
/// So many events of a bucket can be claimed; more are only counted.
const CLAIMABLE: usize = 200_000;

/// Room for so many events and children stays when a bucket is over.
const IDLE: usize = 1_024;

/// The bucket in progress.
#[derive(Debug, Default)]
struct Bucket {
    children: ByChild<()>,
    count: u64,
    /// Children by value of the field `by`; those without one are not among them.
    places: Places,
    events: u64,
    exhibits: Vec<Exhibit>,
    records: Records,
}

impl Bucket {
    fn clear(&mut self) {
        // One great burst should not hold its memory for ever.
        self.children.clear(IDLE);
        self.exhibits.clear();
        self.exhibits.shrink_to(IDLE);
        self.places.clear();
        self.count = 0;
        self.events = 0;
        self.records = Records::default();
    }
}

state!(Bucket { 0 => children, 1 => count, 2 => places, 3 => events, 4 => exhibits, 5 => records });

/// The last surge.
#[derive(Clone, Debug, Encode, Decode)]
struct Peak {
    #[n(0)]
    first: i64,
    #[n(1)]
    last: i64,
    #[n(2)]
    buckets: u64,
    #[n(3)]
    events: u64,
    #[n(4)]
    children: u64,
    #[n(5)]
    usual: f64,
    #[n(6)]
    surprise: f64,
    #[n(7)]
    concentration: Option<f64>,
    #[n(8)]
    #[cbor(with = "maybe_text")]
    place: Option<SmolStr>,
    #[n(9)]
    #[cbor(default)]
    records: Records,
}

/// The memory about one subject.
#[derive(Debug)]
struct Crowd {
    settings: Arc<Settings>,
    grid: Grid,
    /// The index of the bucket in progress; none before history begins.
    open: Option<i64>,
    bucket: Bucket,
    history: Ring,
    daily: Daily,
    last_event: Option<Timestamp>,
    /// How many buckets in a row have fired, up to the last closed one.
    firing: usize,
    peak: Option<Peak>,
    /// The fullest bucket that did not fire.
    near: Option<Near>,
}

/// A bucket that did not fire.
#[derive(Clone, Copy, Debug, Encode, Decode)]
struct Near {
    #[n(0)]
    index: i64,
    #[n(1)]
    count: f64,
    /// What was usual and how surprising this was, once that had been learned.
    #[n(2)]
    law: Option<(f64, f64)>,
}

impl Crowd {
    fn new(settings: Arc<Settings>) -> Self {
        Self {
            grid: Grid::new(settings.bucket),
            settings,
            open: None,
            bucket: Bucket::default(),
            history: Ring::new(HISTORY),
            daily: Daily::new(),
            last_event: None,
            firing: 0,
            peak: None,
            near: None,
        }
    }

    /// Closes every bucket before this one.
    fn roll(&mut self, to: i64, out: &mut Findings) {
        let Some(open) = self.open else {
            self.open = Some(to);
            return;
        };
        if to <= open {
            return;
        }
        self.close(open, out);
        // The rest are empty, and more of them than the history holds say nothing new.
        let empty = to.saturating_sub(open).saturating_sub(1);
        if empty > 0 && self.firing > 0 {
            self.firing = 0;
            out.changed();
        }
        for _ in 0..empty.min(HISTORY as i64) {
            self.history.push(0.0);
        }
        self.open = Some(to);
    }

    fn close(&mut self, index: i64, out: &mut Findings) {
        let count = self.bucket.count as f64;
        self.daily.reach(self.grid, index);
        let judged = self.judge(index, count);
        self.daily.add(count);
        match judged {
            Some((usual, surprise)) => {
                self.firing += 1;
                self.record(index, usual, surprise);
                for exhibit in &self.bucket.exhibits {
                    out.claim(*exhibit);
                }
                out.covers(self.grid.start(index), self.grid.end(index));
                if self.firing > FROZEN {
                    self.history.push(count);
                }
            }
            None => {
                if self.firing > 0 || self.history.len() < ENOUGH {
                    out.changed();
                }
                self.firing = 0;
                self.remember(index, count);
                self.history.push(count);
            }
        }
        self.bucket.clear();
    }

    /// What is usual and how surprising the count is, when that is enough to fire.
    fn judge(&self, index: i64, count: f64) -> Option<(f64, f64)> {
        if count < self.settings.at_least {
            return None;
        }
        let (usual, surprise) = self.expect(index, count)?;
        let enough = count >= self.settings.ratio * usual && surprise >= self.settings.surprise;
        enough.then_some((usual, surprise))
    }

    /// What is usual and how surprising the count is, by the last buckets and by the same hour of other days, as far as
    /// these are known: what either of them expects is no surprise.
    fn expect(&self, index: i64, count: f64) -> Option<(f64, f64)> {
        if self.history.len() < ENOUGH {
            return None;
        }
        let law = Expectation::of(&self.history)?;
        let surprise = law.surprise(count);
        let Some(hourly) = self.daily.expected(self.grid, index) else { return Some((law.mean, surprise)) };
        let hourly = Expectation { dispersion: hourly.dispersion.max(law.dispersion), ..hourly };
        Some((law.mean.max(hourly.mean), surprise.min(hourly.surprise(count))))
    }

    fn record(&mut self, index: i64, usual: f64, surprise: f64) {
        let same = self.peak.take().filter(|peak| index.saturating_sub(peak.last) <= ENOUGH as i64);
        let mut peak = same.unwrap_or(Peak {
            first: index,
            last: index,
            buckets: 0,
            events: 0,
            children: 0,
            usual,
            surprise,
            concentration: None,
            place: None,
            records: Records::default(),
        });
        peak.last = index;
        peak.buckets += 1;
        peak.events = peak.events.saturating_add(self.bucket.events);
        peak.records.join(self.bucket.records);
        peak.surprise = peak.surprise.max(surprise);
        if self.bucket.count > peak.children {
            peak.children = self.bucket.count;
            peak.usual = usual;
            let place = self.bucket.places.most();
            peak.concentration = place.map(|(_, most)| most as f64 / self.bucket.count as f64);
            peak.place = place.map(|(value, _)| SmolStr::new(value));
        }
        self.peak = Some(peak);
    }

    /// How many buckets of history there are at `now`; empty ones are entered only when something happens.
    fn learned(&self, now: Timestamp) -> usize {
        let closed = self.open.map_or(0, |open| self.grid.index_after(now).saturating_sub(open).max(0));
        self.history.len().saturating_add(usize::try_from(closed).unwrap_or(HISTORY)).min(HISTORY)
    }
}

state!(Crowd {
    0 => open, 1 => bucket, 2 => history, 3 => last_event, 4 => firing, 5 => peak, 6 => near,
    7 => daily
});

impl Watch for Crowd {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        let time = hit.time();
        if self.last_event.is_some_and(|last| time.since(last) > FORGET) {
            *self = Self::new(Arc::clone(&self.settings));
        }
        self.last_event = Some(time);
        self.roll(self.grid.index(time), out);
        let new = match self.settings.distinct {
            None => true,
            Some(level) => match hit.subject(level) {
                Some(child) => {
                    let children = &mut self.bucket.children;
                    children.takes(child) && children.insert(child, ()).is_none()
                }
                None => return,
            },
        };
        let weight = self.settings.weight.map_or(Weight::Given(1), |field| Weight::of(hit, field));
        let events = weight.count();
        if events == 0 {
            return;
        }
        if new {
            self.bucket.count = self.bucket.count.saturating_add(events).min(MOST);
            if let Some(value) = self.settings.by.and_then(|field| hit.event.field(field)) {
                let spelt;
                let value = match value {
                    Value::Text(text) => text,
                    Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                        spelt = value.to_smolstr();
                        &spelt
                    }
                };
                self.bucket.places.add(value, events, MOST);
            }
        }
        self.bucket.events = self.bucket.events.saturating_add(events);
        self.bucket.records.add(weight);
        if self.bucket.exhibits.len() < CLAIMABLE {
            self.bucket.exhibits.push(hit.exhibit);
        }
    }

    fn advance(&mut self, now: Timestamp, out: &mut Findings) {
        self.roll(self.grid.index_after(now), out);
    }

    fn deadline(&self) -> Option<Timestamp> {
        let open = self.open.filter(|_| self.bucket.events > 0 || self.firing > 0)?;
        self.grid.last_instant(open)
    }

    fn renew(&mut self) -> bool {
        self.bucket.clear();
        self.firing = 0;
        (self.peak, self.near) = (None, None);
        true
    }

    fn reading(&self, now: Timestamp) -> Reading {
        let learned = self.learned(now);
        let status = match &self.peak {
            Some(peak) if self.firing > 0 => Status::Present(Probability::new(confidence(peak.surprise))),
            _ if learned < ENOUGH => Status::Unknown(format_smolstr!("learning {learned}/{ENOUGH}")),
            _ => Status::Absent,
        };
        let Some(peak) = &self.peak else { return Reading::bare(status) };
        let length =
            u32::try_from(peak.last.saturating_sub(peak.first).saturating_add(1)).unwrap_or(u32::MAX);
        let mut measures: Vec<(SmolStr, Measure)> = vec![
            ("children".into(), Measure::Count(peak.children)),
            ("usual".into(), Measure::Number(peak.usual)),
            ("surprise".into(), Measure::Number(peak.surprise)),
            ("span".into(), Measure::Span(self.settings.bucket.saturating_mul(length))),
            ("buckets".into(), Measure::Count(peak.buckets)),
            ("events".into(), Measure::Count(peak.events)),
        ];
        measures.extend(peak.concentration.map(|share| ("concentration".into(), Measure::Number(share))));
        measures.extend(peak.place.clone().map(|place| ("place".into(), Measure::Text(place))));
        let mut reading = Reading { status, measures };
        if self.settings.weight.is_some() {
            peak.records.tell(&mut reading);
        }
        reading
    }

    fn shortfall(&self, now: Timestamp) -> Option<String> {
        self.missing(now)
    }
}

#[cfg(test)]
mod tests;
