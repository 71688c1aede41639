//! A fence around a watch: detectors may be plugins, and one that panics spoils its own symptom and not the run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::codec::{Damaged, Reader, Tables, Writer};
use crate::detector::{Detector, Findings, Hit, Reading, Watch};
use crate::model::{Status, Timestamp};

/// Why a symptom is unknown whose detector has panicked.
const FAILED: &str = "its detector has failed";

/// A watch has panicked, just now.
#[derive(Debug)]
pub(super) struct Fallen;

/// A watch, until it panics.
#[derive(Debug)]
pub(super) struct Fenced(Option<Box<dyn Watch>>);

impl Fenced {
    /// Fresh memory.
    pub(super) fn new(detector: &Arc<dyn Detector>) -> Self {
        Self(guard(|| Arc::clone(detector).watch()))
    }

    /// Whether it has panicked.
    pub(super) fn is_spoilt(&self) -> bool {
        self.0.is_none()
    }

    /// Takes in an event; gives the time of which it wants to be told then.
    pub(super) fn observe(&mut self, hit: &Hit<'_>, out: &mut Findings) -> Result<Option<Timestamp>, Fallen> {
        self.tell(out, |watch, out| watch.observe(hit, out))
    }

    /// Lets time pass; gives the time of which it wants to be told then.
    pub(super) fn advance(
        &mut self,
        now: Timestamp,
        out: &mut Findings,
    ) -> Result<Option<Timestamp>, Fallen> {
        self.tell(out, |watch, out| watch.advance(now, out))
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let watch = self.0.as_ref()?;
        guard(|| watch.deadline()).flatten()
    }

    pub(super) fn renew(&mut self) -> bool {
        self.0.as_mut().and_then(|watch| guard(|| watch.renew())).unwrap_or(false)
    }

    pub(super) fn reading(&self, now: Timestamp) -> Reading {
        let reading = self.0.as_ref().and_then(|watch| guard(|| watch.reading(now)));
        reading.unwrap_or_else(|| Reading::bare(Status::Unknown(FAILED.into())))
    }

    pub(super) fn status(&self, now: Timestamp) -> Status {
        let status = self.0.as_ref().and_then(|watch| guard(|| watch.status(now)));
        status.unwrap_or_else(|| Status::Unknown(FAILED.into()))
    }

    /// What it remembers, as bytes; `None` when it has panicked, or cannot be saved.
    pub(super) fn save(&self) -> Option<Vec<u8>> {
        let watch = self.0.as_ref()?;
        guard(|| {
            let mut out = Writer::new();
            watch.state()?.save(&mut out);
            Some(out.finish())
        })
        .flatten()
    }

    /// Fresh memory that takes in what was saved; one that had panicked, from nothing.
    pub(super) fn restored(
        detector: &Arc<dyn Detector>,
        saved: Option<&[u8]>,
        tables: &Tables,
    ) -> Result<Self, Damaged> {
        let Some(saved) = saved else { return Ok(Self(None)) };
        let mut fresh = Self::new(detector);
        let Some(watch) = &mut fresh.0 else { return Ok(fresh) };
        let taken = guard(|| {
            let state = watch.state_mut().ok_or_else(|| Damaged::new("a detector that cannot be saved"))?;
            let mut from = Reader::with_tables(saved, tables.clone());
            state.restore(&mut from)?;
            if from.is_at_end() { Ok(()) } else { Err(Damaged::new("more than a detector remembers")) }
        });
        match taken {
            Some(Ok(())) => Ok(fresh),
            Some(Err(why)) => Err(why),
            None => Ok(Self(None)),
        }
    }

    pub(super) fn shortfall(&self, now: Timestamp) -> Option<String> {
        let watch = self.0.as_ref()?;
        guard(|| watch.shortfall(now)).flatten()
    }

    fn tell(
        &mut self,
        out: &mut Findings,
        act: impl FnOnce(&mut dyn Watch, &mut Findings),
    ) -> Result<Option<Timestamp>, Fallen> {
        let Some(watch) = &mut self.0 else { return Ok(None) };
        let told = guard(|| {
            act(&mut **watch, out);
            watch.deadline()
        });
        told.ok_or_else(|| {
            // What it found while it fell is worth nothing, and neither is what it remembers.
            out.clear();
            out.changed();
            let watch = self.0.take();
            guard(|| drop(watch));
            Fallen
        })
    }
}

fn guard<T>(act: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(act)).ok()
}
