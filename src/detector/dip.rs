//! A gauge that drops. A subject's gauge *dips* when it falls well below its own recent level, and stays there for more
//! than a moment.
//!
//! **The gauge** is either given by a field of an event (the last value of each bucket is its sample; a bucket without
//! one has no sample, which is never zero), or rebuilt by counting the children that open and close (the lowest level of
//! each bucket is its sample, so that a fall that recovers within a minute is seen). Rebuilding knows only children that
//! have been seen: a child first seen closing was there before, so the past is raised by one and its closing is a real
//! fall of one; a child that never opens or closes is not counted, so shares are shares of the *known* children.
//!
//! **How.** z = (x − median) / max(1.4826·MAD, 0.5 % of the median, 1) over the last 60 samples (Hampel's outlier rule).
//! A sample is deep when z ≤ −4 and the drop is at least `at-least` of the median; two deep samples among three fire. What
//! slides down more slowly fires by Page's CUSUM while five samples in a row lie `at-least` below the median; what takes
//! longer than the 60 samples is a new level, not a dip. Low samples of a dip are not learned, for at most 120 in a row:
//! then the low level is the normal one, and learning begins anew. See `timeline::decline`.
//!
//! **Unknown or absent.** Under 12 samples it is `learning n/12`, under `population` (default 20) `too few n/20`, and three
//! buckets after the last sample of a given gauge `no sample`, even in a dip: missing data resolves nothing. The unit of
//! the gauge should be a count: changes of less than one never matter.
//!
//! **What it claims.** In each low bucket that goes lower than those before it: the closings up to its lowest moment, or
//! the sample itself of a given gauge. It covers every low bucket.
//! **Measures** describe the last dip, also when it is over. The gauge has `recovered` when it is back above 95 % of its
//! level before (or above `at-least`, when that is less of a drop); `recovery` is the time from the lowest moment to then.
//!
//! **Cost.** 540 bytes of samples for each subject, some 30 for each child, and 48 for each closing of the last five
//! buckets. **Delay.** The end of the second deep bucket. **False alarms**, simulated in 200,000 samples with drops of 5 %:
//! none at a level of 1,000 with 1 % of noise, 1 at 200 with 2 %, 24 at 100 with 3 %. Ask for well over twice the noise.

mod shortfall;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use minicbor::{Decode, Encode};
use smol_str::{SmolStr, format_smolstr};

use crate::codec::{Renumber, state};
use crate::detector::{
    ClassId, Definition, Detector, DetectorKind, Facts, Findings, Hit, Names, Reading, Watch, parameters,
    remembered,
};
use crate::error::Problem;
use crate::model::{Exhibit, FieldId, Measure, Probability, Status, Timestamp, Value};
use crate::timeline::decline::{Decline, ENOUGH, Excursion, RECENT, Verdict};
use crate::timeline::roster::Roster;
use crate::timeline::series::{Grid, confidence};
use crate::yaml::{Node, schema_of};

/// Finds a gauge that drops: `dip: {gauge: {opens: connect, closes: drop, of: device}, at-least: 5%, bucket: 1m}`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dip;

impl DetectorKind for Dip {
    fn name(&self) -> &'static str {
        "dip"
    }

    fn measures(&self) -> &'static [&'static str] {
        &["before", "low", "drop", "recovered", "recovery", "z"]
    }

    fn parameters(&self) -> serde_json::Value {
        schema_of::<parameters::DipParams>()
    }

    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        let fields = params.fields(&["gauge", "at-least", "bucket", "population"])?;
        let at_least = match fields.optional("at-least") {
            None => 0.05,
            Some(node) => match node.share()? {
                share if share > 0.0 => share,
                _ => return Err(node.problem("out-of-range", "`at-least` is not above 0%")),
            },
        };
        let population = fields.optional("population").map_or(Ok(20), |n| n.integer_within(1, 1 << 40))?;
        Ok(Arc::new(Settings {
            gauge: Gauge::read(fields.required("gauge")?, names)?,
            at_least,
            bucket: fields.optional("bucket").map_or(Ok(Duration::from_secs(60)), Node::duration)?,
            population: population as f64,
        }))
    }
}

/// Where the level comes from.
#[derive(Clone, Debug)]
pub(crate) enum Gauge {
    /// A field of an event holds it.
    Given { event: ClassId, field: FieldId },
    /// It is the number of children that are there.
    Rebuilt {
        /// Events after which the child is there.
        opens: Vec<ClassId>,
        /// Events after which it is not.
        closes: Vec<ClassId>,
        /// The level of the children.
        of: usize,
        /// Whether a closing at the very instant of an opening may have come before it.
        ties: bool,
    },
}

impl Gauge {
    fn read(node: &Node, names: &mut dyn Names) -> Result<Self, Problem> {
        if node.get("event").is_some() {
            let fields = node.fields(&["event", "field"])?;
            let (event, field) = (fields.required("event")?, fields.required("field")?);
            return Ok(Self::Given { event: names.class(event)?, field: names.field(field)? });
        }
        let fields = node.fields(&["opens", "closes", "of"])?;
        let mut classes = |key| {
            let nodes = fields.required(key)?.one_or_more();
            nodes.iter().map(|node| names.class(node)).collect::<Result<Vec<ClassId>, Problem>>()
        };
        let (opens, closes) = (classes("opens")?, classes("closes")?);
        Ok(Self::Rebuilt { opens, closes, of: names.level(fields.required("of")?)?, ties: names.ties_any() })
    }
}

/// What a rule says about a dip.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where the level comes from.
    pub(crate) gauge: Gauge,
    /// The least drop, as a share of the level before.
    pub(crate) at_least: f64,
    /// How wide a bucket is: one sample each.
    pub(crate) bucket: Duration,
    /// Below this level nothing is judged.
    pub(crate) population: f64,
}

impl Detector for Settings {
    fn classes(&self) -> Vec<ClassId> {
        let mut classes = match &self.gauge {
            Gauge::Given { event, .. } => vec![*event],
            Gauge::Rebuilt { opens, closes, .. } => [opens.as_slice(), closes].concat(),
        };
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    fn definition(&self) -> Option<Definition> {
        Some(self.into())
    }

    fn horizon(&self) -> Duration {
        FORGET
    }

    fn facts(&self) -> Facts {
        let facts = Facts { needs: vec![self.classes()], ..Facts::default() }.with_window(self.bucket);
        match &self.gauge {
            Gauge::Rebuilt { of, .. } => facts.with_children(*of),
            Gauge::Given { .. } => facts,
        }
    }

    fn delay(&self) -> Duration {
        self.bucket.saturating_mul(u32::try_from(RECENT).unwrap_or(u32::MAX))
    }

    fn memory(&self) -> usize {
        shortfall::memory()
    }

    fn memory_per_child(&self) -> usize {
        match self.gauge {
            Gauge::Given { .. } => 0,
            Gauge::Rebuilt { .. } => Roster::MEMORY_PER_CHILD,
        }
    }

    fn watch(self: Arc<Self>) -> Box<dyn Watch> {
        Box::new(Level::new(self))
    }
}

/// After so long without an event nothing that was learned holds.
const FORGET: Duration = Duration::from_secs(31 * 86_400);
/// A given gauge is unknown so many buckets after its last sample.
const STALE: i64 = 3;
/// So many closings of a bucket can be claimed.
const CLAIMABLE: usize = 200_000;
/// Room for so many closings stays when a bucket is over.
const IDLE: usize = 16;

/// A closed bucket, as long as it may still decide.
#[derive(Debug, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
struct Sample {
    #[n(0)]
    index: i64,
    #[n(1)]
    lowest: f64,
    #[n(2)]
    lowest_at: Timestamp,
    #[n(3)]
    verdict: Verdict,
    /// Its closings, until they are claimed.
    #[n(4)]
    falls: Vec<Exhibit>,
}

/// The last dip. Levels run from the same start as the gauge's.
#[derive(Clone, Copy, Debug, Encode, Decode)]
struct Fall {
    #[n(0)]
    on: bool,
    #[n(1)]
    before: f64,
    #[n(2)]
    excursion: Excursion,
    #[n(3)]
    z: f64,
    #[n(4)]
    surprise: f64,
    /// The lowest sample whose closings were claimed.
    #[n(5)]
    claimed: f64,
}

/// The memory about one subject.
#[derive(Debug)]
struct Level {
    settings: Arc<Settings>,
    grid: Grid,
    roster: Roster,
    last_event: Option<Timestamp>,
    /// The index of the bucket in progress; none before anything was seen.
    open: Option<i64>,
    /// The level now, the lowest of the bucket in progress, and since when.
    value: f64,
    lowest: f64,
    lowest_at: Timestamp,
    falls: Vec<Exhibit>,
    /// The bucket of the last sample of a given gauge.
    sampled: Option<i64>,
    decline: Decline,
    recent: VecDeque<Sample>,
    /// A way down that may become a dip.
    excursion: Option<Excursion>,
    fall: Option<Fall>,
    /// The lowest sample that was no dip.
    near: Option<Near>,
}

/// A sample that was no dip.
#[derive(Clone, Copy, Debug, Encode, Decode)]
struct Near {
    #[n(0)]
    before: f64,
    #[n(1)]
    low: f64,
    #[n(2)]
    at: Timestamp,
    #[n(3)]
    z: f64,
}

impl Level {
    fn new(settings: Arc<Settings>) -> Self {
        Self {
            grid: Grid::new(settings.bucket),
            decline: Decline::new(settings.at_least, settings.population),
            settings,
            roster: Roster::default(),
            last_event: None,
            open: None,
            value: 0.0,
            lowest: 0.0,
            lowest_at: Timestamp::MIN,
            falls: Vec::new(),
            sampled: None,
            recent: VecDeque::new(),
            excursion: None,
            fall: None,
            near: None,
        }
    }

    fn is_given(&self) -> bool {
        matches!(self.settings.gauge, Gauge::Given { .. })
    }

    /// Whether the bucket in progress will be a sample.
    fn has_sample(&self) -> bool {
        !self.is_given() || (self.sampled.is_some() && self.sampled == self.open)
    }

    /// Whether closing buckets in which nothing happens would change nothing.
    fn is_settled(&self) -> bool {
        if self.is_given() {
            return !self.has_sample();
        }
        self.lowest == self.value && self.falls.is_empty() && self.decline.is_settled(self.value)
    }

    /// Closes every bucket before this one.
    fn roll(&mut self, to: i64, out: &mut Findings) {
        // A level that stays is learned after 60 buckets, 120 low ones or both, and then all is settled.
        const LONGEST: usize = 1_024;
        let Some(mut open) = self.open else { return self.begin(to) };
        for _ in 0..LONGEST {
            if open >= to || self.is_settled() {
                break;
            }
            self.close(open, out);
            open += 1;
            self.begin(open);
        }
        if open < to {
            self.begin(to);
        }
    }

    fn begin(&mut self, index: i64) {
        self.open = Some(index);
        self.lowest = self.value;
        self.lowest_at = self.grid.start(index);
        self.falls.clear();
    }

    /// The level is another one from this moment on.
    fn moved(&mut self, value: f64, time: Timestamp) {
        self.value = value;
        if self.is_given() || value < self.lowest {
            self.lowest = value;
            self.lowest_at = time;
        }
        let on = self.fall.filter(|fall| fall.on);
        let Some(before) = on.map(|fall| fall.before).or(self.decline.median()) else { return };
        // Five percent below is still down, also for rules that look for more.
        let down = self.drop(before, value) >= self.settings.at_least.min(0.05);
        match &mut self.fall {
            Some(fall) if fall.on => fall.excursion.moved(value, time, down),
            _ if down => self.excursion.get_or_insert(Excursion::new(value, time)).moved(value, time, down),
            _ => self.excursion.iter_mut().for_each(|excursion| excursion.moved(value, time, down)),
        }
    }

    /// How far a level lies below another, as a share of that one.
    fn drop(&self, before: f64, value: f64) -> f64 {
        let whole = before + self.roster.unseen();
        if whole > 0.0 { (before - value) / whole } else { 0.0 }
    }

    /// Judges the bucket in progress, which is over.
    fn close(&mut self, index: i64, out: &mut Findings) {
        out.changed();
        let Some(verdict) = self.decline.judge(self.lowest, self.roster.unseen()) else { return };
        let oldest = if self.recent.len() == RECENT { self.recent.pop_front() } else { None };
        if !verdict.on {
            self.remember(verdict);
        }
        // The next closings take the place of the oldest ones.
        let mut falls = oldest.map(|oldest| oldest.falls).unwrap_or_default();
        falls.clear();
        falls.shrink_to(IDLE);
        std::mem::swap(&mut falls, &mut self.falls);
        let (lowest, lowest_at) = (self.lowest, self.lowest_at);
        self.recent.push_back(Sample { index, lowest, lowest_at, verdict, falls });
        if verdict.begins {
            let (before, claimed) = (verdict.median, f64::INFINITY);
            let excursion = self.excursion.take().unwrap_or(Excursion::new(self.lowest, self.lowest_at));
            self.fall = Some(Fall { on: true, before, excursion, z: 0.0, surprise: 0.0, claimed });
        }
        match &mut self.fall {
            Some(fall) if verdict.on => {
                fall.surprise = fall.surprise.max(verdict.surprise);
                self.evidence(out);
            }
            Some(fall) if fall.on => {
                fall.on = false;
                self.recent.clear();
            }
            // A way down that came to nothing.
            _ if self.recent.iter().all(|sample| !sample.verdict.low) => self.excursion = None,
            _ => {}
        }
    }

    /// Claims and covers what the low samples hold, each once.
    fn evidence(&mut self, out: &mut Findings) {
        let Some(fall) = &mut self.fall else { return };
        for sample in self.recent.drain(..).filter(|sample| sample.verdict.low) {
            fall.z = fall.z.min(sample.verdict.z);
            out.covers(self.grid.start(sample.index), self.grid.end(sample.index));
            if sample.lowest < fall.claimed {
                fall.claimed = sample.lowest;
                let until = sample.lowest_at;
                sample.falls.iter().filter(|fall| fall.time <= until).for_each(|fall| out.claim(*fall));
            }
        }
    }

    /// Whether a given gauge has had no sample for too long.
    fn is_stale(&self, now: Timestamp) -> bool {
        let stale = |sampled: i64| self.grid.index_after(now) > sampled.saturating_add(STALE);
        self.is_given() && self.sampled.is_none_or(stale)
    }

    fn status(&self, now: Timestamp) -> Status {
        let learned = self.decline.learned();
        let (whole, least) =
            (self.decline.median().unwrap_or(0.0) + self.roster.unseen(), self.settings.population);
        match &self.fall {
            _ if self.roster.is_full() => {
                Status::Unknown("more subjects inside than can be told apart".into())
            }
            _ if self.is_stale(now) => Status::Unknown("no sample".into()),
            Some(fall) if fall.on => Status::Present(Probability::new(confidence(fall.surprise))),
            _ if learned < ENOUGH => Status::Unknown(format_smolstr!("learning {learned}/{ENOUGH}")),
            _ if whole < least => Status::Unknown(format_smolstr!("too few {whole}/{least}")),
            _ => Status::Absent,
        }
    }
}

state!(Level {
    0 => roster, 1 => last_event, 2 => open, 3 => value, 4 => lowest, 5 => lowest_at, 6 => falls, 7 => sampled,
    8 => decline, 9 => recent, 10 => excursion, 11 => fall, 12 => near
});

impl Watch for Level {
    remembered!();

    fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) {
        let time = hit.time();
        if self.last_event.is_some_and(|last| time.since(last) > FORGET) {
            *self = Self::new(Arc::clone(&self.settings));
        }
        self.last_event = Some(time);
        self.roll(self.grid.index(time), out);
        let Self { settings, roster, falls, .. } = self;
        let value = match &settings.gauge {
            Gauge::Given { field, .. } => {
                let value = hit.event.field(*field).and_then(Value::as_f64).filter(|value| value.is_finite());
                let Some(value) = value else { return };
                falls.clear();
                falls.push(hit.exhibit);
                self.sampled = self.open;
                value
            }
            Gauge::Rebuilt { opens, closes, of, ties } => {
                let Some(child) = hit.subject(*of) else { return };
                let any = |classes: &[ClassId]| classes.iter().any(|&class| hit.is(class));
                if any(closes) && roster.close(child, time, *ties) && falls.len() < CLAIMABLE {
                    falls.push(hit.exhibit);
                }
                if any(opens) {
                    roster.open(child, time);
                }
                roster.level()
            }
        };
        self.moved(value, time);
        // How low it is, and whether it is back, may be another.
        if self.fall.is_some_and(|fall| fall.on) {
            out.changed();
        }
    }

    fn advance(&mut self, now: Timestamp, out: &mut Findings) {
        let was_stale = self.deadline().is_some_and(|deadline| deadline <= now) && !self.has_sample();
        self.roll(self.grid.index_after(now), out);
        if was_stale {
            out.changed();
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let open = self.open?;
        if !self.is_settled() {
            return self.grid.last_instant(open);
        }
        let stale = self.sampled.filter(|_| self.is_given())?.saturating_add(STALE);
        if stale >= open { self.grid.last_instant(stale) } else { None }
    }

    fn renew(&mut self) -> bool {
        self.decline.renew();
        self.recent.clear();
        (self.excursion, self.fall, self.near) = (None, None, None);
        if let Some(open) = self.open {
            self.begin(open);
        }
        true
    }

    fn reading(&self, now: Timestamp) -> Reading {
        let status = self.status(now);
        let Some(fall) = &self.fall else { return Reading::bare(status) };
        let unseen = self.roster.unseen();
        let mut measures: Vec<(SmolStr, Measure)> = vec![
            ("before".into(), Measure::Number(fall.before + unseen)),
            ("low".into(), Measure::Number(fall.excursion.low + unseen)),
            ("drop".into(), Measure::Number(self.drop(fall.before, fall.excursion.low))),
            ("recovered".into(), Measure::Flag(fall.excursion.back_at.is_some())),
        ];
        if let Some(back_at) = fall.excursion.back_at {
            measures.push(("recovery".into(), Measure::Span(back_at.since(fall.excursion.low_at))));
        }
        measures.push(("z".into(), Measure::Number(fall.z)));
        Reading { status, measures }
    }

    fn shortfall(&self, now: Timestamp) -> Option<String> {
        self.missing(now)
    }
}

#[cfg(test)]
mod tests;
