//! Plays a fleet and lets the engine diagnose it.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use etiolog::simulate::{Degradation, Fleets, Label, Simulation};
use etiolog::{Change, Diagnosis, Engine, Error, Pack, Pipeline, Severity, SourceId, Subject, Timestamp};

use crate::arrived::Arrived;

/// What becomes of the evidence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Resource logs and the metric, complete and in order.
    Plain,
    /// One record of ten is lost.
    Lost,
    /// Out of order, within the lateness, and 5 % twice.
    Shuffled,
    /// Both.
    All,
    /// Only Event Grid and the metric: no codes.
    Snapshots,
}

/// All of them, in the order of the tables.
pub(crate) const WAYS: [Way; 5] = [Way::Plain, Way::Lost, Way::Shuffled, Way::All, Way::Snapshots];

impl Way {
    /// Its head in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Way::Plain => "plain",
            Way::Lost => "10 % lost",
            Way::Shuffled => "shuffled, 5 % twice",
            Way::All => "all of it",
            Way::Snapshots => "no codes",
        }
    }

    fn shape(self) -> &'static str {
        if self == Way::Snapshots { "event-grid" } else { "resource-log" }
    }

    /// Whether records get lost.
    pub(crate) fn loses(self) -> bool {
        matches!(self, Way::Lost | Way::All)
    }

    fn degradation(self) -> Degradation {
        let mut degradation = Degradation::default();
        if self.loses() {
            degradation.loss = 0.1;
        }
        if matches!(self, Way::Shuffled | Way::All) {
            degradation.duplicates = 0.05;
            degradation.disorder = Duration::from_secs(14 * 60);
        }
        degradation
    }
}

/// What was said of a subject, as far as it is judged.
pub(crate) struct Said {
    pub(crate) id: Arc<str>,
    pub(crate) subject: Subject,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) verdict: Arc<str>,
    pub(crate) explained_by: Option<Arc<str>>,
    pub(crate) severity: Severity,
    /// The causes that are at least as likely as not, and the leading one whatever it is, with their probabilities.
    pub(crate) causes: Vec<(Arc<str>, f64)>,
    /// How far the log had been read.
    pub(crate) at: Timestamp,
}

/// What is true, and what was said.
pub(crate) struct Played {
    pub(crate) labels: Vec<Label>,
    /// How things stood in the end.
    pub(crate) said: Vec<Said>,
    /// What was said on the way; only when everything is plain.
    pub(crate) news: Vec<Said>,
    /// Records that were read.
    pub(crate) records: u64,
}

/// Fleets to be larger and longer than they say.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) devices: u64,
    pub(crate) span: Duration,
}

/// Fleets and engines.
pub(crate) struct Stage<'a> {
    fleets: &'a Fleets,
    engine: Engine,
    live: Engine,
    /// Whether to look on the way, which is dear.
    delays: bool,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(pack: &Pack, fleets: &'a Fleets, delays: bool) -> Result<Self, Error> {
        let engine = |live| Engine::builder().pack(pack.clone()).live(live).build();
        Ok(Self { fleets, engine: engine(false)?, live: engine(true)?, delays })
    }

    /// Plays a fleet once.
    pub(crate) fn play(
        &self,
        name: &str,
        seed: u64,
        way: Way,
        size: Option<Size>,
    ) -> Result<Played, PlayError> {
        let mut simulation = self.simulation(name, seed, way)?;
        if let Some(Size { devices, span }) = size {
            simulation = simulation.devices(devices).span(span);
        }
        // Looking at everything all the time is for the delays alone.
        let is_live = self.delays && way == Way::Plain && size.is_none();
        Self::diagnose(simulation, way, if is_live { &self.live } else { &self.engine }, is_live)
    }

    /// Plays each hub of a mix, and diagnoses it by itself: next to the others the log of a short one would fall silent.
    pub(crate) fn play_apart(&self, mix: &str, seed: u64, way: Way) -> Result<Vec<Played>, PlayError> {
        let simulation = self.simulation(mix, seed, way)?;
        simulation.apart().map(|hub| Self::diagnose(hub, way, &self.engine, false)).collect()
    }

    fn simulation(&self, name: &str, seed: u64, way: Way) -> Result<Simulation<'a>, Error> {
        Simulation::new(self.fleets, [name])?.seed(seed).degradation(way.degradation()).shape(way.shape())
    }

    fn diagnose(
        simulation: Simulation<'_>,
        way: Way,
        engine: &Engine,
        is_live: bool,
    ) -> Result<Played, PlayError> {
        let mut points = Vec::new();
        simulation.clone().shape("metric-points")?.write(&mut points, |_| Ok(()))?;
        let mut pipeline = Pipeline::new(engine);
        let log = pipeline.open("log");
        let gauge = (!points.is_empty()).then(|| pipeline.open("points"));
        let mut feed = Feed {
            pipeline,
            log,
            gauge,
            points: &points,
            is_live,
            said: Vec::new(),
            news: Vec::new(),
            next_look: Timestamp::MIN,
            arrived: way.loses().then(Arrived::default),
        };
        let mut labels = Vec::new();
        simulation.write(&mut feed, |label| {
            labels.push(label);
            Ok(())
        })?;
        feed.rest();
        let Feed { pipeline, mut said, news, arrived, .. } = feed;
        if let Some(arrived) = arrived {
            labels.iter_mut().for_each(|label| label.enough &= arrived.shows(label));
        }
        let (last, summary) = pipeline.finish();
        said.extend(
            last.iter()
                .filter(|diagnosis| is_final(diagnosis))
                .map(|diagnosis| Said::of(diagnosis, Timestamp::MIN)),
        );
        Ok(Played { labels, said, news, records: summary.records.read })
    }
}

/// What may go wrong: rules or files that are not as expected, or a stream.
pub(crate) type PlayError = Box<dyn std::error::Error + Send + Sync>;

fn is_final(diagnosis: &Diagnosis) -> bool {
    matches!(diagnosis.change, None | Some(Change::Resolved))
}

impl Said {
    fn of(diagnosis: &Diagnosis, at: Timestamp) -> Self {
        let causes = diagnosis.causes.iter().enumerate();
        let kept = causes.filter(|(place, cause)| *place == 0 || cause.probability.get() >= 0.5);
        Self {
            id: Arc::clone(&diagnosis.id),
            subject: diagnosis.subject.clone(),
            first: diagnosis.first_seen,
            last: diagnosis.last_seen,
            verdict: Arc::clone(&diagnosis.verdict),
            explained_by: diagnosis.explained_by.clone(),
            severity: diagnosis.severity,
            causes: kept.map(|(_, cause)| (Arc::clone(&cause.id), cause.probability.get())).collect(),
            at,
        }
    }
}

/// Bytes of the log go into the pipeline as they are made, and the points of the metric keep up with them.
struct Feed<'a> {
    pipeline: Pipeline,
    log: SourceId,
    gauge: Option<SourceId>,
    points: &'a [u8],
    is_live: bool,
    said: Vec<Said>,
    news: Vec<Said>,
    next_look: Timestamp,
    arrived: Option<Arrived>,
}

/// About three records go in at a time.
const SIP: usize = 2 << 10;

/// A live stream is looked at so often.
const LOOK: Duration = Duration::from_secs(5 * 60);

impl Feed<'_> {
    fn keep_up(&mut self) {
        let Some(gauge) = self.gauge else { return };
        while !self.points.is_empty() && self.pipeline.frontier(gauge) <= self.pipeline.frontier(self.log) {
            let (sip, rest) = self.points.split_at(self.points.len().min(SIP));
            self.pipeline.push(gauge, sip);
            self.points = rest;
        }
    }

    fn take(&mut self) {
        let at = self.pipeline.frontier(self.log).unwrap_or(Timestamp::MIN);
        for diagnosis in self.pipeline.drain() {
            if self.is_live && diagnosis.change != Some(Change::Withdrawn) {
                self.news.push(Said::of(&diagnosis, at));
            }
            if is_final(&diagnosis) {
                self.said.push(Said::of(&diagnosis, at));
            }
        }
    }

    fn rest(&mut self) {
        if let Some(gauge) = self.gauge {
            self.pipeline.push(gauge, self.points);
        }
    }
}

impl Write for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(arrived) = &mut self.arrived {
            arrived.take(bytes);
        }
        for sip in bytes.chunks(if self.is_live { SIP } else { usize::MAX }) {
            self.pipeline.push(self.log, sip);
            self.keep_up();
            if self.is_live {
                let now = self.pipeline.frontier(self.log).unwrap_or(Timestamp::MIN);
                if now >= self.next_look {
                    self.pipeline.look();
                    self.next_look = now.plus(LOOK);
                }
            }
            self.take();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
