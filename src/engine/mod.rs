//! Events in, diagnoses out. [`Engine`] is the immutable half (rules, settings), [`Run`] all memory of one stream.
//!
//! The engine never sees bytes, files or a clock: events and `finish` are all it knows of the world.

mod addresses;
mod alarm;
mod apply;
mod bounds;
mod case;
mod chart;
mod checkpoint;
mod differential;
mod door;
mod fence;
mod ghosts;
mod judge;
mod ledger;
mod lifecycle;
mod live;
mod merge;
mod meter;
mod pulse;
mod report;
mod rest;
mod run;
mod share;
mod sieve;
mod sift;
mod signature;
mod subjects;
mod trace;
mod verdict;
mod ward;

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::model::{Begin, Event, EventBuilder, Timestamp};
use crate::pack::Pack;
use crate::plugin::Registry;
use crate::rule::{self, Plan};

pub use checkpoint::Checkpoint;
pub use meter::{Meter, Stage};
pub use run::{Run, SourceId};
pub(crate) use sift::{Forerunner, Sifted};
pub use trace::{Ending, SymptomTrace, WhenTrace};

/// Rules, compiled, with the settings of a run. Cheap to clone and shared between threads.
#[derive(Clone, Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    registry: Arc<Registry>,
    settings: Settings,
}

/// What a run is told about its stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) lateness: Duration,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) clock: Option<Timestamp>,
    pub(crate) record_limit: usize,
    pub(crate) complete: bool,
    pub(crate) memory: usize,
    pub(crate) live: bool,
}

impl Settings {
    /// Records later than this are from the future: a guard against broken clocks.
    pub(crate) fn horizon(&self) -> Option<Timestamp> {
        const MARGIN: Duration = Duration::from_secs(300);
        self.as_of.or(self.clock).map(|time| time.plus(MARGIN))
    }
}

impl Engine {
    /// Starts with no pack and the built-in plugins.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The rules.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Formats, detectors, functions and reports.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Starts building an event with the fields that the rules read.
    pub fn event(&self, time: Timestamp) -> EventBuilder {
        Event::builder(self.plan.schema(), time)
    }

    /// Fresh memory for one stream of events.
    pub fn run(&self) -> Run {
        Run::new(Arc::clone(&self.plan), self.settings)
    }

    /// Memory that goes on from a checkpoint, or from all parts of one that was [split](Checkpoint::split).
    ///
    /// The rules may have changed since: what has changed begins anew ([`Run::begun_anew`]), all else goes on.
    ///
    /// # Errors
    ///
    /// When a checkpoint is damaged, or there is none.
    pub fn restore(&self, checkpoints: &[Checkpoint]) -> Result<Run, Error> {
        checkpoint::restore(&self.plan, self.settings, checkpoints)
    }

    /// What a run of this engine starts from.
    pub fn begin(&self) -> Begin {
        let packs = self.plan.packs().iter().map(|pack| format!("{} {}", pack.name, pack.version).into());
        Begin {
            engine: concat!("etiolog ", env!("CARGO_PKG_VERSION")).into(),
            packs: packs.collect(),
            articles: self.plan.articles().len(),
            symptoms: self.plan.symptoms().len(),
            causes: self.plan.causes().len(),
            lateness: self.settings.lateness.as_secs(),
            as_of: self.settings.as_of,
        }
    }

    /// How far records of a source may be out of order.
    pub fn lateness(&self) -> Duration {
        self.settings.lateness
    }

    /// Records later than this are from the future; without one, every time is believed that a second record confirms.
    pub fn horizon(&self) -> Option<Timestamp> {
        self.settings.horizon()
    }

    /// Whether nothing comes after the last record.
    pub fn is_complete(&self) -> bool {
        self.settings.complete
    }

    /// The source that a file belongs to, when an input of the pack says how paths split into sources.
    pub fn source_of(&self, path: &str) -> Option<String> {
        self.plan.inputs().iter().find_map(|mapping| mapping.source_of(path))
    }

    /// The same rules as for a log that is only a few made-up hours long: no horizon, and what is not said as usual.
    pub(crate) fn for_case(&self, complete: bool) -> Self {
        let settings = Settings { complete, ..EngineBuilder::default().settings };
        Self { settings, ..self.clone() }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }
}

/// Builds an [`Engine`].
#[derive(Clone, Debug)]
pub struct EngineBuilder {
    packs: Vec<Pack>,
    registry: Registry,
    settings: Settings,
}

impl Default for EngineBuilder {
    fn default() -> Self {
        let settings = Settings {
            lateness: Duration::from_secs(15 * 60),
            as_of: None,
            clock: None,
            record_limit: 1 << 20,
            complete: false,
            memory: 2 << 30,
            live: false,
        };
        Self { packs: Vec::new(), registry: Registry::builtin(), settings }
    }
}

impl EngineBuilder {
    /// Adds a pack.
    #[must_use]
    pub fn pack(mut self, pack: Pack) -> Self {
        self.packs.push(pack);
        self
    }

    /// Replaces the plugins.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// How far records of a source may be out of order; 15 minutes unless said otherwise.
    #[must_use]
    pub fn lateness(mut self, lateness: Duration) -> Self {
        self.settings.lateness = lateness;
        self
    }

    /// The time at which the log was taken: a record more than five minutes later is from the future.
    #[must_use]
    pub fn as_of(mut self, time: Timestamp) -> Self {
        self.settings.as_of = Some(time);
        self
    }

    /// The host's clock, read once: a record more than five minutes later is from the future. Weaker than
    /// [`EngineBuilder::as_of`], and not part of the output unless such a record is met.
    #[must_use]
    pub fn clock(mut self, time: Timestamp) -> Self {
        self.settings.clock = Some(time);
        self
    }

    /// The longest record in bytes; 1 MiB unless said otherwise.
    #[must_use]
    pub fn record_limit(mut self, bytes: usize) -> Self {
        self.settings.record_limit = bytes.max(1);
        self
    }

    /// How many bytes a run may remember, as well as that can be estimated; 2 GiB unless said otherwise. What is forgotten
    /// because of it is counted, and what it touches is unknown or incomplete, never wrong.
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.settings.memory = bytes;
        self
    }

    /// Declares that nothing comes after the last record, so what is still awaited then is missing.
    #[must_use]
    pub fn complete(mut self, complete: bool) -> Self {
        self.settings.complete = complete;
        self
    }

    /// Declares that the stream goes on while its diagnoses are read: then each says how it
    /// [changes](crate::model::Change) what was said before, and [`Run::look`] gives those that are not over.
    #[must_use]
    pub fn live(mut self, live: bool) -> Self {
        self.settings.live = live;
        self
    }

    /// Compiles the packs.
    ///
    /// # Errors
    ///
    /// With every problem of every file when rules are faulty; when there is no pack.
    pub fn build(self) -> Result<Engine, Error> {
        if self.packs.is_empty() {
            return Err(Error::config("an engine needs at least one pack"));
        }
        let texts: Vec<_> = self.packs.into_iter().map(|pack| pack.rules).collect();
        let plan = rule::compile(&texts, &self.registry).map_err(Error::rules)?;
        Ok(Engine { plan: Arc::new(plan), registry: Arc::new(self.registry), settings: self.settings })
    }
}
